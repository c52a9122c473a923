//! Calls in place and calls for real, returns, failures and events.
//!
//! Always true: a callee's slots lie after its caller's, in the same scratch memory; a native call answers a status, its
//! results are in the context's result area, and every status that is a failure goes on to the caller's caller.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, types};
use rc_bytecode::instr::{Body, EventIndex, Failure, FunctionIndex, Register, Scalar, Type};

use super::memory::{piece_type, pieces_up_to};
use super::{Activation, Exit, Place, Pointer, Translator, is_located, native_type};
use crate::callouts::Callout;
use crate::context::{self, status};
use crate::packing::{EVENT_HEADER_BYTES, Plain};

/// Calls in each other that are translated in place, at most.
const INLINE_DEPTH_MAX: u32 = 24;
/// Instructions that one native function may grow to by translating callees in place.
const NATIVE_INSTRUCTIONS_MAX: usize = 20_000;
/// Bytecode instructions, callees counted, up to which a function with several call sites is translated in place.
const SMALL_FUNCTION_MAX: u64 = 400;
/// About how many instructions one of bytecode becomes.
const EXPANSION: u64 = 6;
/// Events of plain records up to this are packed inline, in bytes.
const INLINE_EVENT_MAX: u32 = 256;

impl<'a> Translator<'a, '_> {
    pub(crate) fn call(
        &mut self,
        activation: &mut Activation,
        function: FunctionIndex,
        arguments: &[Register],
        results: &[Register],
        otherwise: Option<&Body>,
    ) {
        if self.worth_inlining(activation, function) {
            self.call_in_place(activation, function, arguments, results, otherwise);
        } else {
            self.call_native(activation, function, arguments, results, otherwise);
        }
    }

    fn worth_inlining(&self, activation: &Activation, function: FunctionIndex) -> bool {
        let weight = self.program.weights[function.0 as usize];
        let present = self.builder.func.dfg.num_insts();
        let grown = present.saturating_add(
            usize::try_from(weight.saturating_mul(EXPANSION)).unwrap_or(usize::MAX),
        );
        let single = self.program.call_sites[function.0 as usize] <= 1;
        activation.depth < INLINE_DEPTH_MAX
            && grown <= NATIVE_INSTRUCTIONS_MAX
            && (single || weight <= SMALL_FUNCTION_MAX)
    }

    fn call_in_place(
        &mut self,
        activation: &mut Activation,
        function: FunctionIndex,
        arguments: &[Register],
        results: &[Register],
        otherwise: Option<&Body>,
    ) {
        let program = self.program;
        let callee = &program.module.functions[function.0 as usize];
        let results = results
            .iter()
            .map(|register| self.place(activation, *register))
            .collect();
        let done = self.builder.create_block();
        let none = callee.maybe.then(|| self.builder.create_block());
        let mut inner = Activation {
            function: callee,
            places: vec![None; callee.registers.len()],
            frame_offset: activation.frame_offset + activation.function.slot_bytes() as u32,
            depth: activation.depth + 1,
            exit: Exit::Inline {
                done,
                results,
                none,
            },
            done_used: false,
            none_used: false,
            scopes: Vec::new(),
        };
        for (index, argument) in arguments.iter().enumerate() {
            let to = self.place(&mut inner, Register(index as u32));
            let from = self.place(activation, *argument);
            self.assign(to, from);
        }
        self.function_body(&mut inner);
        let mut done_used = inner.done_used;
        self.reachable = false;
        if let (Some(none), true) = (none, inner.none_used) {
            self.builder.switch_to_block(none);
            self.builder.seal_block(none);
            self.reachable = true;
            if let Some(otherwise) = otherwise {
                self.body(activation, otherwise);
            }
            if self.reachable {
                self.builder.ins().jump(done, &[]);
                done_used = true;
            }
        }
        if done_used {
            self.builder.switch_to_block(done);
            self.builder.seal_block(done);
            self.reachable = true;
        }
    }

    fn call_native(
        &mut self,
        activation: &mut Activation,
        function: FunctionIndex,
        arguments: &[Register],
        results: &[Register],
        otherwise: Option<&Body>,
    ) {
        let program = self.program;
        let callee = &program.module.functions[function.0 as usize];
        let answered = self.native_answer(activation, function, arguments);
        let Some(otherwise) = otherwise.filter(|_| callee.maybe) else {
            self.fail_if_status(answered);
            self.take_results(activation, callee.results.as_slice(), results);
            return;
        };
        let (other, none, done) = (
            self.builder.create_block(),
            self.builder.create_block(),
            self.builder.create_block(),
        );
        let some = self.builder.create_block();
        self.builder.ins().brif(answered, other, &[], some, &[]);
        self.builder.switch_to_block(other);
        self.builder.seal_block(other);
        let is_none = self.compare_to(IntCC::Equal, answered, u128::from(status::NONE));
        self.builder
            .ins()
            .brif(is_none, none, &[], self.fail, &[answered.into()]);
        self.builder.switch_to_block(some);
        self.builder.seal_block(some);
        self.take_results(activation, callee.results.as_slice(), results);
        self.builder.ins().jump(done, &[]);
        self.builder.switch_to_block(none);
        self.builder.seal_block(none);
        self.body(activation, otherwise);
        if self.reachable {
            self.builder.ins().jump(done, &[]);
        }
        self.builder.switch_to_block(done);
        self.builder.seal_block(done);
        self.reachable = true;
    }

    /// Calls a function's native form; the status that it answers.
    fn native_answer(
        &mut self,
        activation: &mut Activation,
        function: FunctionIndex,
        arguments: &[Register],
    ) -> cranelift_codegen::ir::Value {
        let callee = &self.program.module.functions[function.0 as usize];
        let slots_end = activation.frame_offset + activation.function.slot_bytes() as u32;
        let frame = self.offset(self.frame, u64::from(slots_end));
        let mut flat = vec![self.context, frame];
        for (argument, kind) in arguments.iter().zip(&callee.parameters) {
            match kind {
                Type::Scalar(Scalar::U128 | Scalar::I128) => {
                    let value = self.scalar(activation, *argument);
                    let (low, high) = self.builder.ins().isplit(value);
                    flat.extend([low, high]);
                }
                Type::Scalar(_) => flat.push(self.scalar(activation, *argument)),
                view => {
                    let value = self.pointer(activation, *argument);
                    flat.push(value.host);
                    if is_located(*view) {
                        flat.push(
                            value
                                .address
                                .expect("verified: only a writable view is given as one"),
                        );
                    }
                }
            }
        }
        let reference = self.native_reference(function);
        let call = self.builder.ins().call(reference, &flat);
        self.builder.inst_results(call)[0]
    }

    /// A call whose failure comes back as a status: never in place, so that every way out of it ends here.
    pub(crate) fn attempt(
        &mut self,
        activation: &mut Activation,
        function: FunctionIndex,
        arguments: &[Register],
        failure: Register,
        status: Register,
    ) {
        let length = activation.view_of(failure).length;
        self.call_out(Callout::AttemptBegin, &[self.context]);
        let answered = self.native_answer(activation, function, arguments);
        let failure = self.pointer(activation, failure).host;
        let length = self.word(u64::from(length));
        let halted = self
            .call_out(
                Callout::AttemptEnd,
                &[self.context, answered, failure, length],
            )
            .expect("answers a status");
        self.fail_if_status(halted);
        let number = self.builder.ins().load(
            types::I32,
            self.flags.context,
            self.context,
            context::STATUS,
        );
        self.set_scalar(activation, status, number);
    }

    /// Loads a native call's results into registers.
    fn take_results(&mut self, activation: &mut Activation, kinds: &[Type], results: &[Register]) {
        if results.is_empty() {
            return;
        }
        let area = self.builder.ins().load(
            types::I64,
            self.flags.context,
            self.context,
            context::RESULTS,
        );
        let flags = self.flags.context;
        for (index, (kind, result)) in kinds.iter().zip(results).enumerate() {
            let at = index as i32 * 16;
            match kind {
                Type::Scalar(Scalar::U128 | Scalar::I128) => {
                    let low = self.builder.ins().load(types::I64, flags, area, at);
                    let high = self.builder.ins().load(types::I64, flags, area, at + 8);
                    let value = self.builder.ins().iconcat(low, high);
                    self.set_scalar(activation, *result, value);
                }
                Type::Scalar(scalar) => {
                    let value = self
                        .builder
                        .ins()
                        .load(native_type(*scalar), flags, area, at);
                    self.set_scalar(activation, *result, value);
                }
                view => {
                    let host = self.builder.ins().load(types::I64, flags, area, at);
                    let address = is_located(*view)
                        .then(|| self.builder.ins().load(types::I64, flags, area, at + 8));
                    self.set_pointer(activation, *result, Pointer { host, address });
                }
            }
        }
    }

    // -- returns --------------------------------------------------------------------------------------

    pub(crate) fn return_values(&mut self, activation: &mut Activation, values: &[Register]) {
        self.reachable = false;
        if let Exit::Inline { done, results, .. } = activation.exit.clone() {
            activation.done_used = true;
            for (value, result) in values.iter().zip(results) {
                let from = self.place(activation, *value);
                self.assign(result, from);
            }
            self.builder.ins().jump(done, &[]);
            return;
        }
        if !values.is_empty() {
            let area = self.builder.ins().load(
                types::I64,
                self.flags.context,
                self.context,
                context::RESULTS,
            );
            for (index, value) in values.iter().enumerate() {
                self.give_result(activation, *value, area, index as i32 * 16);
            }
        }
        let done = self
            .builder
            .ins()
            .iconst(types::I32, i64::from(status::DONE));
        self.builder.ins().return_(&[done]);
    }

    fn give_result(
        &mut self,
        activation: &mut Activation,
        value: Register,
        area: cranelift_codegen::ir::Value,
        at: i32,
    ) {
        let flags = self.flags.context;
        match self.place(activation, value) {
            Place::Scalar(variable) => {
                let value = self.builder.use_var(variable);
                if self.builder.func.dfg.value_type(value) == types::I128 {
                    let (low, high) = self.builder.ins().isplit(value);
                    self.builder.ins().store(flags, low, area, at);
                    self.builder.ins().store(flags, high, area, at + 8);
                } else {
                    self.builder.ins().store(flags, value, area, at);
                }
            }
            _ => {
                let pointer = self.pointer(activation, value);
                self.builder.ins().store(flags, pointer.host, area, at);
                if let Some(address) = pointer.address {
                    self.builder.ins().store(flags, address, area, at + 8);
                }
            }
        }
    }

    pub(crate) fn return_none(&mut self, activation: &mut Activation) {
        self.reachable = false;
        if let Exit::Inline { none, .. } = activation.exit {
            activation.none_used = true;
            let none = none.expect("verified: only a `maybe` function returns nothing");
            self.builder.ins().jump(none, &[]);
            return;
        }
        let none = self
            .builder
            .ins()
            .iconst(types::I32, i64::from(status::NONE));
        self.builder.ins().return_(&[none]);
    }

    // -- effects --------------------------------------------------------------------------------------

    pub(crate) fn fail(
        &mut self,
        activation: &mut Activation,
        failure: Failure,
        payload: Option<Register>,
    ) {
        match failure {
            Failure::Builtin(builtin) => self.fail_with_status(status::of_builtin(builtin)),
            Failure::Declared { error, variant } => {
                let payload = match payload {
                    Some(register) => self.pointer(activation, register).host,
                    None => self.word(0),
                };
                let (error, variant) = (self.word(u64::from(error)), self.word(u64::from(variant)));
                let flags = self.flags.context;
                self.builder
                    .ins()
                    .store(flags, error, self.context, context::FAILURE_ERROR);
                self.builder
                    .ins()
                    .store(flags, variant, self.context, context::FAILURE_VARIANT);
                self.builder
                    .ins()
                    .store(flags, payload, self.context, context::FAILURE_PAYLOAD);
                self.fail_with_status(status::DECLARED);
            }
        }
    }

    pub(crate) fn emit(&mut self, activation: &mut Activation, event: EventIndex, view: Register) {
        let kind = activation.view_of(view);
        let at = self.pointer(activation, view).host;
        let program = self.program;
        let plain = program.packings.events[event.0 as usize].plain.as_ref();
        let Some(Plain { runs, packed_bytes }) =
            plain.filter(|plain| plain.packed_bytes <= INLINE_EVENT_MAX)
        else {
            return self.emit_by_runtime(event, at);
        };
        let cursor = self.event_room(EVENT_HEADER_BYTES + packed_bytes);
        let header = self.word(u64::from(event.0) | u64::from(*packed_bytes) << 32);
        self.builder
            .ins()
            .store(self.flags.journal, header, cursor, 0);
        let from = self.flags_of(kind.space);
        for run in runs {
            for (offset, size) in pieces_up_to(run.length, 8) {
                let value = self.builder.ins().load(
                    piece_type(size),
                    from,
                    at,
                    (run.memory + offset) as i32,
                );
                let to = EVENT_HEADER_BYTES + run.packed + offset;
                self.builder
                    .ins()
                    .store(self.flags.journal, value, cursor, to as i32);
            }
        }
        let next = self.offset(cursor, u64::from(EVENT_HEADER_BYTES + packed_bytes));
        self.builder.ins().store(
            self.flags.context,
            next,
            self.context,
            context::EVENT_CURSOR,
        );
    }

    fn emit_by_runtime(&mut self, event: EventIndex, at: cranelift_codegen::ir::Value) {
        let event = self.word(u64::from(event.0));
        let answered = self
            .call_out(Callout::Emit, &[self.context, event, at])
            .expect("answers a status");
        self.fail_if_status(answered);
    }

    /// The event buffer's cursor, with at least `bytes` bytes after it.
    fn event_room(&mut self, bytes: u32) -> cranelift_codegen::ir::Value {
        let cursor = self.builder.ins().load(
            types::I64,
            self.flags.context,
            self.context,
            context::EVENT_CURSOR,
        );
        let end = self.builder.ins().load(
            types::I64,
            self.flags.context,
            self.context,
            context::EVENT_END,
        );
        let after = self.offset(cursor, u64::from(bytes));
        let full = self
            .builder
            .ins()
            .icmp(IntCC::UnsignedGreaterThan, after, end);
        let (grow, ready) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(grow);
        let found = self.builder.append_block_param(ready, types::I64);
        self.builder
            .ins()
            .brif(full, grow, &[], ready, &[cursor.into()]);
        self.builder.switch_to_block(grow);
        self.builder.seal_block(grow);
        let bytes = self.word(u64::from(bytes));
        let moved = self
            .call_out(Callout::EventGrow, &[self.context, bytes])
            .expect("answers the cursor");
        self.builder.ins().jump(ready, &[moved.into()]);
        self.builder.switch_to_block(ready);
        self.builder.seal_block(ready);
        found
    }
}
