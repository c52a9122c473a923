//! Writing one function's instructions. Always true: every instruction has its source span, in preorder,
//! next to it; nothing is written where control cannot be; register 0.. are the parameters.

use rc_bytecode::flow::diverges;
use rc_bytecode::instr::{
    Access, BinaryOp, Body, CompareOp, ConvertMode, Instr, RegionIndex, Register, Scalar,
    SlotIndex, Space, Type, View,
};
use rc_source::Span;
use std::collections::HashMap;

/// A body that is being written, with the spans of its instructions and of those inside them.
#[derive(Default)]
struct Open {
    body: Body,
    spans: Vec<Span>,
    /// Nothing after this point can run.
    ended: bool,
}

/// A body that is done.
pub struct Done {
    pub body: Body,
    pub spans: Vec<Span>,
    pub ended: bool,
}

/// See the file's text.
pub struct Code {
    pub registers: Vec<Type>,
    pub slots: Vec<u32>,
    open: Vec<Open>,
    /// Where the instructions written next come from.
    pub span: Span,
    /// `Block`s and `Loop`s that are open; a label is its place here.
    labels: u32,
    /// Loops that are open: a slot inside one may hold what an earlier iteration left.
    pub loops: u32,
    /// Set where the same code is written several times over.
    pub repeats: u32,
    /// Constants that loops use, made once at the start. Looked up, never walked.
    shared: HashMap<(Scalar, u128), Register>,
    prologue: Vec<Instr>,
}

/// An open block or loop, to break out of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label(u32);

impl Code {
    pub fn new(parameters: &[Type], span: Span) -> Code {
        Code {
            registers: parameters.to_vec(),
            slots: Vec::new(),
            open: vec![Open::default()],
            span,
            labels: 0,
            loops: 0,
            repeats: 0,
            shared: HashMap::new(),
            prologue: Vec::new(),
        }
    }

    pub fn register(&mut self, ty: Type) -> Register {
        self.registers.push(ty);
        Register(self.registers.len() as u32 - 1)
    }

    pub fn scalar(&mut self, scalar: Scalar) -> Register {
        self.register(Type::Scalar(scalar))
    }

    pub fn type_of(&self, register: Register) -> Type {
        self.registers[register.0 as usize]
    }

    pub fn scalar_of(&self, register: Register) -> Scalar {
        match self.type_of(register) {
            Type::Scalar(scalar) => scalar,
            Type::View(_) => unreachable!("a view where a scalar belongs"),
        }
    }

    pub fn view_of(&self, register: Register) -> View {
        match self.type_of(register) {
            Type::View(view) => view,
            Type::Scalar(_) => unreachable!("a scalar where a view belongs"),
        }
    }

    /// Whether control cannot get here.
    pub fn ended(&self) -> bool {
        self.open.last().is_some_and(|open| open.ended)
    }

    pub fn emit(&mut self, instr: Instr) {
        self.push(instr, Vec::new());
    }

    fn push(&mut self, instr: Instr, inner: Vec<Span>) {
        let span = self.span;
        let Some(open) = self.open.last_mut() else {
            return;
        };
        if open.ended {
            return;
        }
        open.ended = diverges(&instr) && !matches!(instr, Instr::Call { .. });
        open.spans.push(span);
        open.spans.extend(inner);
        open.body.push(instr);
    }

    /// Starts a body that [`Code::end`] gives back.
    pub fn begin(&mut self) {
        self.open.push(Open {
            ended: self.ended(),
            ..Open::default()
        });
    }

    pub fn end(&mut self) -> Done {
        let open = self.open.pop().unwrap_or_default();
        Done {
            body: open.body,
            spans: open.spans,
            ended: open.ended,
        }
    }

    // -- control -----------------------------------------------------------------------------------------

    pub fn begin_block(&mut self) -> Label {
        self.begin();
        self.labels += 1;
        Label(self.labels)
    }

    pub fn end_block(&mut self) {
        self.labels -= 1;
        let done = self.end();
        self.push(Instr::Block { body: done.body }, done.spans);
    }

    pub fn begin_loop(&mut self) -> Label {
        self.loops += 1;
        self.begin_block()
    }

    pub fn end_loop(&mut self, max: u64) {
        self.loops -= 1;
        self.labels -= 1;
        let done = self.end();
        self.push(
            Instr::Loop {
                max,
                body: done.body,
            },
            done.spans,
        );
    }

    /// Of reports alone.
    pub fn end_unbounded_loop(&mut self) {
        self.loops -= 1;
        self.labels -= 1;
        let done = self.end();
        self.push(Instr::LoopUnbounded { body: done.body }, done.spans);
    }

    pub fn break_to(&mut self, label: Label) {
        self.emit(Instr::Break {
            depth: self.labels - label.0,
        });
    }

    pub fn end_if(&mut self, condition: Register, then: Done, otherwise: Done) {
        let mut spans = then.spans;
        spans.extend(otherwise.spans);
        self.push(
            Instr::If {
                condition,
                then: then.body,
                otherwise: otherwise.body,
            },
            spans,
        );
    }

    /// Runs the arm of the value's number; nothing where there is none.
    pub fn switch(&mut self, value: Register, arms: Vec<(u64, Done)>) {
        let mut spans = Vec::new();
        let mut bodies = Vec::new();
        for (number, done) in arms {
            spans.extend(done.spans);
            bodies.push((number, done.body));
        }
        self.push(
            Instr::Switch {
                value,
                arms: bodies,
                otherwise: Vec::new(),
            },
            spans,
        );
    }

    /// Leaves `label` where the condition holds.
    pub fn break_if(&mut self, condition: Register, label: Label) {
        self.begin();
        self.break_to(label);
        let then = self.end();
        self.begin();
        let otherwise = self.end();
        self.end_if(condition, then, otherwise);
    }

    /// Leaves `label` where the condition does not hold.
    pub fn break_unless(&mut self, condition: Register, label: Label) {
        self.begin();
        let then = self.end();
        self.begin();
        self.break_to(label);
        let otherwise = self.end();
        self.end_if(condition, then, otherwise);
    }

    pub fn call(
        &mut self,
        function: rc_bytecode::instr::FunctionIndex,
        arguments: Vec<Register>,
        results: Vec<Register>,
        otherwise: Option<Done>,
    ) {
        let (body, spans) = match otherwise {
            Some(done) => (Some(done.body), done.spans),
            None => (None, Vec::new()),
        };
        self.push(
            Instr::Call {
                function,
                arguments,
                results,
                otherwise: body,
            },
            spans,
        );
    }

    // -- values ------------------------------------------------------------------------------------------

    pub fn constant(&mut self, scalar: Scalar, bits: u128) -> Register {
        let dst = self.scalar(scalar);
        self.emit(Instr::Const {
            dst,
            bits: mask(scalar, bits),
        });
        dst
    }

    /// A constant that nothing will assign: made once at the function's start where it would be made again and again.
    pub fn literal(&mut self, scalar: Scalar, bits: u128) -> Register {
        let bits = mask(scalar, bits);
        if self.loops == 0 && self.repeats == 0 {
            return self.constant(scalar, bits);
        }
        if let Some(known) = self.shared.get(&(scalar, bits)) {
            return *known;
        }
        let dst = self.scalar(scalar);
        self.prologue.push(Instr::Const { dst, bits });
        self.shared.insert((scalar, bits), dst);
        dst
    }

    /// The whole function: what is made at its start, then the body.
    pub fn complete(&mut self, span: Span) -> Done {
        let done = self.end();
        let mut body = std::mem::take(&mut self.prologue);
        let mut spans = vec![span; body.len()];
        body.extend(done.body);
        spans.extend(done.spans);
        Done {
            body,
            spans,
            ended: done.ended,
        }
    }

    pub fn number(&mut self, value: u64) -> Register {
        self.constant(Scalar::U64, value.into())
    }

    pub fn binary(&mut self, op: BinaryOp, left: Register, right: Register) -> Register {
        let dst = self.register(self.type_of(left));
        self.emit(Instr::Binary {
            op,
            dst,
            left,
            right,
        });
        dst
    }

    pub fn compare(&mut self, op: CompareOp, left: Register, right: Register) -> Register {
        let dst = self.scalar(Scalar::Bool);
        self.emit(Instr::Compare {
            op,
            dst,
            left,
            right,
        });
        dst
    }

    pub fn not(&mut self, src: Register) -> Register {
        let dst = self.scalar(Scalar::Bool);
        self.emit(Instr::Unary {
            op: rc_bytecode::instr::UnaryOp::Not,
            dst,
            src,
        });
        dst
    }

    pub fn convert(&mut self, mode: ConvertMode, to: Scalar, src: Register) -> Register {
        if self.scalar_of(src) == to {
            return src;
        }
        let dst = self.scalar(to);
        self.emit(Instr::Convert { mode, dst, src });
        dst
    }

    pub fn move_to(&mut self, dst: Register, src: Register) {
        if dst != src {
            self.emit(Instr::Move { dst, src });
        }
    }

    /// Makes the last instruction assign another register of the same type, which spares a move; `src` must not be read elsewhere.
    pub fn retarget(&mut self, src: Register, register: Register) -> bool {
        if self.type_of(src) != self.type_of(register) {
            return false;
        }
        let last = self
            .open
            .last_mut()
            .filter(|open| !open.ended)
            .and_then(|open| open.body.last_mut());
        match last {
            Some(
                Instr::Const { dst, .. }
                | Instr::Binary { dst, .. }
                | Instr::Unary { dst, .. }
                | Instr::Compare { dst, .. }
                | Instr::Convert { dst, .. }
                | Instr::Select { dst, .. }
                | Instr::Environment { dst, .. }
                | Instr::Load { dst, .. }
                | Instr::LoadAt { dst, .. }
                | Instr::CompareBytes { dst, .. }
                | Instr::EqualBytes { dst, .. }
                | Instr::Hash { dst, .. }
                | Instr::MatchByte { dst, .. },
            ) if *dst == src => {
                *dst = register;
                true
            }
            _ => false,
        }
    }

    /// A register of its own with the same content.
    pub fn copied(&mut self, src: Register) -> Register {
        let dst = self.register(self.type_of(src));
        self.emit(Instr::Move { dst, src });
        dst
    }

    // -- memory ------------------------------------------------------------------------------------------

    /// A view of a new frame slot. Zero when the function starts.
    pub fn slot(&mut self, bytes: u32) -> Register {
        self.slots.push(bytes);
        let dst = self.register(Type::View(View {
            space: Space::Frame,
            length: bytes,
            writable: true,
        }));
        let slot = SlotIndex(self.slots.len() as u32 - 1);
        self.emit(Instr::Slot { dst, slot });
        dst
    }

    /// A new frame slot that is zero here, also in a later iteration.
    pub fn zeroed_slot(&mut self, bytes: u32) -> Register {
        let view = self.slot(bytes);
        if self.loops > 0 && bytes > 0 {
            self.emit(Instr::Zero { view });
        }
        view
    }

    pub fn touch(
        &mut self,
        region: RegionIndex,
        page: Register,
        write: bool,
        page_bytes: u32,
    ) -> Register {
        let dst = self.register(Type::View(View {
            space: Space::Page(region),
            length: page_bytes,
            writable: write,
        }));
        let access = if write { Access::Write } else { Access::Read };
        self.emit(Instr::Touch {
            dst,
            region,
            page,
            access,
        });
        dst
    }

    /// `length` bytes of `src` from `offset`.
    pub fn part(&mut self, src: Register, offset: u32, length: u32) -> Register {
        let whole = self.view_of(src);
        if offset == 0 && whole.length == length {
            return src;
        }
        let dst = self.register(Type::View(View { length, ..whole }));
        self.emit(Instr::View { dst, src, offset });
        dst
    }

    pub fn part_at(
        &mut self,
        src: Register,
        index: Register,
        array: Stride,
        length: u32,
    ) -> Register {
        let whole = self.view_of(src);
        let dst = self.register(Type::View(View { length, ..whole }));
        self.emit(Instr::ViewAt {
            dst,
            src,
            index,
            base: array.base,
            stride: array.stride,
            count: array.count,
        });
        dst
    }

    pub fn load(&mut self, scalar: Scalar, view: Register, offset: u32) -> Register {
        let dst = self.scalar(scalar);
        self.emit(Instr::Load { dst, view, offset });
        dst
    }

    pub fn store(&mut self, view: Register, offset: u32, src: Register) {
        self.emit(Instr::Store { view, offset, src });
    }

    /// Copies a whole view; nothing where it is empty.
    pub fn copy(&mut self, dst: Register, src: Register) {
        if self.view_of(dst).length > 0 && dst != src {
            self.emit(Instr::Copy { dst, src });
        }
    }

    pub fn zero(&mut self, view: Register) {
        if self.view_of(view).length > 0 {
            self.emit(Instr::Zero { view });
        }
    }

    pub fn fail(&mut self, builtin: rc_bytecode::instr::Builtin) {
        self.emit(Instr::Fail {
            failure: rc_bytecode::instr::Failure::Builtin(builtin),
            payload: None,
        });
    }

    /// Fails where the condition does not hold.
    pub fn fail_unless(&mut self, condition: Register, builtin: rc_bytecode::instr::Builtin) {
        self.begin();
        let then = self.end();
        self.begin();
        self.fail(builtin);
        let otherwise = self.end();
        self.end_if(condition, then, otherwise);
    }

    /// Fails where the condition holds.
    pub fn fail_if(&mut self, condition: Register, builtin: rc_bytecode::instr::Builtin) {
        self.begin();
        self.fail(builtin);
        let then = self.end();
        self.begin();
        let otherwise = self.end();
        self.end_if(condition, then, otherwise);
    }
}

/// Elements one after the other in a view.
#[derive(Clone, Copy, Debug)]
pub struct Stride {
    pub base: u32,
    pub stride: u32,
    pub count: u32,
}

/// The bits that a scalar of this type has.
pub fn mask(scalar: Scalar, bits: u128) -> u128 {
    match scalar {
        Scalar::Bool => bits & 1,
        Scalar::U128 | Scalar::I128 => bits,
        other => bits & ((1 << other.bits()) - 1),
    }
}
