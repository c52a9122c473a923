//! Structured control: blocks, branches, loops with their bound, switches, and the walk over a body.
//!
//! Always true: after an instruction that leaves, `reachable` is false and the rest of its body is skipped; a block is
//! sealed as soon as all jumps to it are known.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, types};
use cranelift_frontend::Switch;
use rc_bytecode::instr::{Body, Builtin, Environment, Instr, Register};

use super::{Activation, Translator};
use crate::callouts::Callout;
use crate::context;

/// An enclosing `Block` or `Loop`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    exit: Block,
    exit_used: bool,
    /// Loops only.
    header: Option<Block>,
}

impl Translator<'_, '_> {
    /// Slots, body, and the return at its end.
    pub(crate) fn function_body(&mut self, activation: &mut Activation) {
        self.clear_slots(activation);
        let function = activation.function;
        self.body(activation, &function.body);
        if self.reachable {
            self.return_values(activation, &[]);
        }
    }

    pub(crate) fn body(&mut self, activation: &mut Activation, body: &Body) {
        for instr in body {
            if !self.reachable {
                return;
            }
            self.instr(activation, instr);
        }
    }

    /// Goes on at `block`, which at least one jump reaches.
    fn resume(&mut self, block: Block) {
        self.builder.switch_to_block(block);
        self.builder.seal_block(block);
        self.reachable = true;
    }

    fn instr(&mut self, activation: &mut Activation, instr: &Instr) {
        match instr {
            Instr::Const { dst, bits } => {
                let kind = super::native_type(activation.scalar_of(*dst));
                let value = self.constant(kind, *bits);
                self.set_scalar(activation, *dst, value);
            }
            Instr::Move { dst, src } => {
                let (to, from) = (self.place(activation, *dst), self.place(activation, *src));
                self.assign(to, from);
            }
            Instr::Binary {
                op,
                dst,
                left,
                right,
            } => self.binary(activation, *op, *dst, *left, *right),
            Instr::Unary { op, dst, src } => self.unary(activation, *op, *dst, *src),
            Instr::Compare {
                op,
                dst,
                left,
                right,
            } => self.compare(activation, *op, *dst, *left, *right),
            Instr::Convert { mode, dst, src } => self.convert(activation, *mode, *dst, *src),
            Instr::Select {
                dst,
                condition,
                then,
                otherwise,
            } => {
                let condition = self.scalar(activation, *condition);
                let (then, otherwise) = (
                    self.scalar(activation, *then),
                    self.scalar(activation, *otherwise),
                );
                let value = self.choose(condition, then, otherwise);
                self.set_scalar(activation, *dst, value);
            }
            Instr::Environment { value, dst } => self.environment(activation, *value, *dst),
            Instr::Slot { dst, slot } => self.slot(activation, *dst, *slot),
            Instr::Touch {
                dst,
                region,
                page,
                access,
            } => self.touch(activation, *dst, *region, *page, *access),
            Instr::View { dst, src, offset } => self.view(activation, *dst, *src, *offset),
            Instr::ViewAt {
                dst,
                src,
                index,
                base,
                stride,
                count,
            } => {
                let at = self.element(activation, *src, *index, [*base, *stride, *count]);
                self.set_pointer(activation, *dst, at);
            }
            Instr::MultiplyDivide {
                rounding,
                dst,
                left,
                right,
                divisor,
            } => self.multiply_divide(activation, *rounding, *dst, [*left, *right, *divisor]),
            Instr::Round { rounding, dst, src } => self.round(activation, *rounding, *dst, *src),
            Instr::Sha256 { dst, view, length } => self.sha256(activation, *dst, *view, *length),
            Instr::Load { dst, view, offset } => {
                let at = self.pointer(activation, *view);
                self.load(activation, *dst, *view, at, *offset);
            }
            Instr::Store { view, offset, src } => {
                let at = self.pointer(activation, *view);
                self.store(activation, *view, at, *offset, *src);
            }
            Instr::LoadAt {
                dst,
                view,
                index,
                base,
                stride,
                count,
            } => {
                let at = self.element(activation, *view, *index, [*base, *stride, *count]);
                self.load(activation, *dst, *view, at, 0);
            }
            Instr::StoreAt {
                view,
                index,
                base,
                stride,
                count,
                src,
            } => {
                let at = self.element(activation, *view, *index, [*base, *stride, *count]);
                self.store(activation, *view, at, 0, *src);
            }
            Instr::Copy { dst, src } => self.copy(activation, *dst, *src),
            Instr::Zero { view } => self.zero(activation, *view),
            Instr::MoveWithin {
                view,
                base,
                stride,
                count,
                from,
                to,
                length,
            } => {
                self.move_within(
                    activation,
                    *view,
                    [*base, *stride, *count],
                    [*from, *to, *length],
                );
            }
            Instr::CompareBytes { dst, left, right } => {
                self.compare_bytes(activation, *dst, *left, *right)
            }
            Instr::EqualBytes { dst, left, right } => {
                self.equal_bytes(activation, *dst, *left, *right)
            }
            Instr::Hash { dst, view, seed } => self.hash(activation, *dst, *view, *seed),
            Instr::MatchByte { dst, view, byte } => self.match_byte(activation, *dst, *view, *byte),
            Instr::Block { body } => self.block(activation, body),
            Instr::If {
                condition,
                then,
                otherwise,
            } => self.branch(activation, *condition, then, otherwise),
            Instr::Loop { max, body } => self.bounded_loop(activation, *max, body),
            Instr::LoopUnbounded { body } => self.unbounded_loop(activation, body),
            Instr::Switch {
                value,
                arms,
                otherwise,
            } => self.switch(activation, *value, arms, otherwise),
            Instr::Break { depth } => self.leave(activation, *depth),
            Instr::Continue { depth } => self.again(activation, *depth),
            Instr::Call {
                function,
                arguments,
                results,
                otherwise,
            } => {
                self.call(
                    activation,
                    *function,
                    arguments,
                    results,
                    otherwise.as_ref(),
                );
            }
            Instr::Attempt {
                function,
                arguments,
                failure,
                status,
            } => self.attempt(activation, *function, arguments, *failure, *status),
            Instr::Return { values } => self.return_values(activation, values),
            Instr::ReturnNone => self.return_none(activation),
            Instr::Fail { failure, payload } => self.fail(activation, *failure, *payload),
            Instr::Emit { event, view } => self.emit(activation, *event, *view),
            Instr::Invoke { .. }
            | Instr::TestContext { .. }
            | Instr::TestCaller { .. }
            | Instr::Assert { .. } => {
                unreachable!("verified: tests are not called by entries")
            }
        }
    }

    fn environment(&mut self, activation: &mut Activation, value: Environment, dst: Register) {
        let offset = match value {
            Environment::Now => context::NOW,
            Environment::CallerId => context::CALLER_ID,
            Environment::CallerRoles => context::CALLER_ROLES,
            Environment::OpNumber => context::OP_NUMBER,
            Environment::Random => {
                let random = self
                    .call_out(Callout::Random, &[self.context])
                    .expect("answers a number");
                return self.set_scalar(activation, dst, random);
            }
        };
        let value = self
            .builder
            .ins()
            .load(types::I64, self.flags.context, self.context, offset);
        self.set_scalar(activation, dst, value);
    }

    fn block(&mut self, activation: &mut Activation, body: &Body) {
        let exit = self.builder.create_block();
        activation.scopes.push(Scope {
            exit,
            exit_used: false,
            header: None,
        });
        self.body(activation, body);
        let scope = activation.scopes.pop().expect("pushed above");
        if self.reachable {
            self.builder.ins().jump(exit, &[]);
        }
        if self.reachable || scope.exit_used {
            self.resume(exit);
        }
    }

    fn branch(
        &mut self,
        activation: &mut Activation,
        condition: Register,
        then: &Body,
        otherwise: &Body,
    ) {
        let condition = self.scalar(activation, condition);
        let (then_block, join) = (self.builder.create_block(), self.builder.create_block());
        let otherwise_block = if otherwise.is_empty() {
            join
        } else {
            self.builder.create_block()
        };
        self.builder
            .ins()
            .brif(condition, then_block, &[], otherwise_block, &[]);
        self.resume(then_block);
        self.body(activation, then);
        let mut joined = otherwise.is_empty();
        if self.reachable {
            self.builder.ins().jump(join, &[]);
            joined = true;
        }
        if !otherwise.is_empty() {
            self.resume(otherwise_block);
            self.body(activation, otherwise);
            if self.reachable {
                self.builder.ins().jump(join, &[]);
                joined = true;
            }
        }
        if joined {
            self.resume(join);
        }
    }

    fn bounded_loop(&mut self, activation: &mut Activation, max: u64, body: &Body) {
        let counter = self.builder.declare_var(types::I64);
        let zero = self.word(0);
        self.builder.def_var(counter, zero);
        self.around(activation, body, |own| {
            let started = own.builder.use_var(counter);
            let exceeded =
                own.compare_to(IntCC::UnsignedGreaterThanOrEqual, started, u128::from(max));
            own.fail_if(exceeded, Builtin::BoundExceeded);
            let next = own.offset(started, 1);
            own.builder.def_var(counter, next);
        });
    }

    fn unbounded_loop(&mut self, activation: &mut Activation, body: &Body) {
        self.around(activation, body, |_| {});
    }

    /// A body that begins again at its end, after what each round begins with.
    fn around(&mut self, activation: &mut Activation, body: &Body, begin: impl FnOnce(&mut Self)) {
        let (header, exit) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().jump(header, &[]);
        self.builder.switch_to_block(header);
        begin(self);
        activation.scopes.push(Scope {
            exit,
            exit_used: false,
            header: Some(header),
        });
        self.body(activation, body);
        let scope = activation.scopes.pop().expect("pushed above");
        if self.reachable {
            self.builder.ins().jump(header, &[]);
        }
        self.builder.seal_block(header);
        self.reachable = false;
        if scope.exit_used {
            self.resume(exit);
        }
    }

    fn switch(
        &mut self,
        activation: &mut Activation,
        value: Register,
        arms: &[(u64, Body)],
        otherwise: &Body,
    ) {
        let value = self.scalar(activation, value);
        let mut switch = Switch::new();
        let mut blocks = Vec::new();
        let bits = self.builder.func.dfg.value_type(value).bits();
        for (number, body) in arms {
            // A number that the value's type cannot hold is never met.
            if bits < 64 && number >> bits != 0 {
                continue;
            }
            let block = self.builder.create_block();
            switch.set_entry(u128::from(*number), block);
            blocks.push((block, body));
        }
        let fallback = self.builder.create_block();
        let join = self.builder.create_block();
        switch.emit(&mut self.builder, value, fallback);
        blocks.push((fallback, otherwise));
        let mut joined = false;
        for (block, body) in blocks {
            self.resume(block);
            self.body(activation, body);
            if self.reachable {
                self.builder.ins().jump(join, &[]);
                joined = true;
            }
        }
        if joined {
            self.resume(join);
        }
    }

    fn leave(&mut self, activation: &mut Activation, depth: u32) {
        let place = activation.scopes.len() - 1 - depth as usize;
        let scope = &mut activation.scopes[place];
        scope.exit_used = true;
        self.builder.ins().jump(scope.exit, &[]);
        self.reachable = false;
    }

    fn again(&mut self, activation: &mut Activation, depth: u32) {
        let place = activation.scopes.len() - 1 - depth as usize;
        let header = activation.scopes[place]
            .header
            .expect("verified: `Continue` names a loop");
        self.builder.ins().jump(header, &[]);
        self.reachable = false;
    }
}
