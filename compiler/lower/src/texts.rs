//! Operations of strings and bytes, as calls of `stdlib/text.rc`. Always true: what is beyond a length is zero; a
//! function gets lengths and bytes apart, since a length has two bytes or, above a capacity of 65,535, four.

use crate::body::{Function, Operand};
use crate::concrete::Ty;
use rc_bytecode::instr::{BinaryOp, CompareOp, ConvertMode, Instr, Register, Scalar};
use rc_bytecode::layout::{Shape, length_prefix};
use rc_bytecode::limits::SLOT_BYTES_MAX;
use rc_diagnostics::{Diagnostic, codes};
use rc_hir::{Expr, Method};

/// A text in memory, taken apart.
#[derive(Clone, Copy)]
pub struct Text {
    /// A U16 or U32, as it is stored.
    pub length: Register,
    /// A view of all the bytes that there may be.
    pub bytes: Register,
    pub max: u32,
}

/// What a text's length is stored as.
pub fn length_scalar(max: u32) -> Scalar {
    match length_prefix(max) {
        2 => Scalar::U16,
        _ => Scalar::U32,
    }
}

pub fn text_max(ty: &Ty) -> Option<u32> {
    match ty {
        Ty::Value(Shape::String(max) | Shape::Bytes(max)) => Some(*max),
        _ => None,
    }
}

fn number(max: u32) -> Ty {
    Ty::Number(max.into())
}

impl<'p> Function<'_, 'p> {
    pub fn text_parts(&mut self, view: Register, max: u32) -> Text {
        Text {
            length: self.code.load(length_scalar(max), view, 0),
            bytes: self.code.part(view, length_prefix(max), max),
            max,
        }
    }

    /// Two texts, worked out left to right.
    fn two_texts(&mut self, left: &'p Expr, right: &'p Expr) -> Option<(Text, Text)> {
        let left_max = text_max(&self.ty(&left.ty))?;
        let right_max = text_max(&self.ty(&right.ty))?;
        match self.pair(left, right)? {
            (Operand::View(left), Operand::View(right)) => Some((
                self.text_parts(left, left_max),
                self.text_parts(right, right_max),
            )),
            _ => None,
        }
    }

    fn long(&mut self, text: Text) -> Register {
        self.widen(text.length)
    }

    /// Zeroed room to work in. Says so where it is more than a function may have.
    fn spare(&mut self, bytes: u64) -> Option<Register> {
        self.small_enough(bytes)
            .then(|| self.code.zeroed_slot(bytes as u32))
    }

    /// Room that is written before it is read.
    fn room(&mut self, bytes: u64) -> Option<Register> {
        self.small_enough(bytes)
            .then(|| self.code.slot(bytes as u32))
    }

    fn small_enough(&mut self, bytes: u64) -> bool {
        if bytes > SLOT_BYTES_MAX.into() {
            let span = self.code.span;
            let message =
                format!("this needs {bytes} bytes to work in, and {SLOT_BYTES_MAX} are the most");
            self.low.diagnostics.push(
                Diagnostic::error(codes::VALUE_TOO_LARGE, span, message)
                    .with_hint("smaller capacities"),
            );
            self.code.fail(rc_bytecode::instr::Builtin::TooLong);
            return false;
        }
        true
    }

    fn truth(&mut self, found: Option<Register>) -> Operand {
        found.map_or(Operand::Never, Operand::Scalar)
    }

    // -- looking -------------------------------------------------------------------------------------------

    /// `starts_with`, `ends_with`, `contains`.
    pub fn finds_text(&mut self, method: Method, whole: &'p Expr, part: &'p Expr) -> Operand {
        let Some((whole, part)) = self.two_texts(whole, part) else {
            return Operand::Never;
        };
        let (a, b) = (u64::from(whole.max), u64::from(part.max));
        let (whole_length, part_length) = (self.long(whole), self.long(part));
        let mut arguments = vec![whole.bytes, whole_length, part.bytes, part_length];
        let mut generics = vec![number(whole.max), number(part.max)];
        let (name, spares) = match method {
            Method::StartsWith => {
                let both = whole.max.min(part.max);
                generics.push(number(both));
                ("text.starts_with", vec![u64::from(both) + b])
            }
            Method::EndsWith => ("text.ends_with", vec![a + b]),
            _ => ("text.contains", vec![a + b, b + b]),
        };
        for bytes in spares {
            match self.spare(bytes) {
                Some(spare) => arguments.push(spare),
                None => return Operand::Never,
            }
        }
        let found = self.call_plain(name, generics, arguments);
        self.truth(found)
    }

    /// Whether two strings or bytes are in this order or, for equality, the same.
    pub fn compare_texts(&mut self, op: CompareOp, left: Text, right: Text) -> Register {
        let max = left.max.max(right.max);
        let bytes = |me: &mut Self, text: Text| {
            if text.max == max {
                return text.bytes;
            }
            let slot = me.code.slot(max);
            let generics = vec![number(text.max), number(max)];
            me.call_plain("text.widen", generics, vec![slot, text.bytes]);
            slot
        };
        let (left_bytes, right_bytes) = (bytes(self, left), bytes(self, right));
        let length = |me: &mut Self, text: Text| {
            me.code
                .convert(ConvertMode::Wrapping, Scalar::I64, text.length)
        };
        let (left_length, right_length) = (length(self, left), length(self, right));
        let zero = self.code.constant(Scalar::I64, 0);
        let arguments = vec![left_bytes, left_length, right_bytes, right_length];
        match self.call_plain("text.order", vec![number(max)], arguments) {
            Some(order) => self.code.compare(op, order, zero),
            None => self.code.constant(Scalar::Bool, 0),
        }
    }

    // -- making --------------------------------------------------------------------------------------------

    /// Stores the length in front of bytes that have been written.
    fn store_length(&mut self, max: u32, view: Register, offset: u32, length: Register) {
        let length = self
            .code
            .convert(ConvertMode::Wrapping, length_scalar(max), length);
        self.code.store(view, offset, length);
    }

    pub fn concat(
        &mut self,
        left: &'p Expr,
        right: &'p Expr,
        shape: &Shape,
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        let (Shape::String(max) | Shape::Bytes(max)) = *shape else {
            return;
        };
        let Some((left, right)) = self.two_texts(left, right) else {
            return;
        };
        let both = u64::from(left.max) + u64::from(right.max);
        let (left_length, right_length) = (self.long(left), self.long(right));
        let mut generics = vec![number(left.max), number(right.max)];
        let mut arguments = vec![left.bytes, left_length, right.bytes, right_length];
        if both <= max.into() {
            self.clear(shape, view, offset, fresh);
            let to = self.code.part(view, offset + length_prefix(max), max);
            arguments.insert(0, to);
            generics.push(number(max));
            if let Some(length) = self.call_plain("text.concat", generics, arguments) {
                self.store_length(max, view, offset, length);
            }
            return;
        }
        let Some(spare) = self.spare(both) else {
            return;
        };
        arguments.insert(0, spare);
        generics.push(Ty::Number(both));
        let Some(length) = self.call_plain("text.concat", generics, arguments) else {
            return;
        };
        let to = self.code.part(view, offset + length_prefix(max), max);
        let generics = vec![Ty::Number(both), number(max)];
        self.call_plain("text.convert", generics, vec![to, spare, length]);
        self.store_length(max, view, offset, length);
    }

    pub fn slice(
        &mut self,
        receiver: &'p Expr,
        ends: &'p [Expr],
        shape: &Shape,
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        let (Shape::String(max) | Shape::Bytes(max), [from, to]) = (shape, ends) else {
            return;
        };
        let max = *max;
        let Operand::View(whole) = self.stable(receiver, &[from, to]) else {
            return;
        };
        let Operand::Scalar(from) = self.stable(from, &[to]) else {
            return;
        };
        let Operand::Scalar(to) = self.value(to) else {
            return;
        };
        let (from, to) = (self.widen(from), self.widen(to));
        let whole = self.text_parts(whole, max);
        let length = self.long(whole);
        let Some(spare) = self.spare(u64::from(max) * 2) else {
            return;
        };
        self.clear(shape, view, offset, fresh);
        let result = self.code.part(view, offset + length_prefix(max), max);
        let name = match shape {
            Shape::String(_) => "text.slice",
            _ => "text.slice_bytes",
        };
        let arguments = vec![result, whole.bytes, length, from, to, spare];
        if let Some(length) = self.call_plain(name, vec![number(max)], arguments) {
            self.store_length(max, view, offset, length);
        }
    }

    // -- pieces --------------------------------------------------------------------------------------------

    /// `Method::PutPart`: at, from, start, count.
    pub fn put_part(&mut self, receiver: &'p Expr, arguments: &'p [Expr]) {
        let [at, from, start, count] = arguments else {
            return;
        };
        let prepared = self.prepared.len();
        self.prepare(receiver);
        let maxima = (
            text_max(&self.ty(&receiver.ty)),
            text_max(&self.ty(&from.ty)),
        );
        let parts = [
            self.value(at),
            self.value(from),
            self.value(start),
            self.value(count),
        ];
        let (
            (Some(to_max), Some(from_max)),
            [
                Operand::Scalar(at),
                Operand::View(from),
                Operand::Scalar(start),
                Operand::Scalar(count),
            ],
        ) = (maxima, parts)
        else {
            self.prepared.truncate(prepared);
            return;
        };
        let smaller = to_max.min(from_max);
        let Some(spare) = self.room(u64::from(smaller) * 2) else {
            self.prepared.truncate(prepared);
            return;
        };
        let from = self.text_parts(from, from_max);
        let generics = vec![number(to_max), number(from_max), number(smaller)];
        self.change(receiver, &mut |me: &mut Self| {
            let Some(view) = me.place_of(receiver) else {
                return;
            };
            let to = me.text_parts(view, to_max);
            let length = me.long(to);
            let arguments = vec![to.bytes, length, at, from.bytes, start, count, spare];
            if let Some(length) = me.call_plain("text.put_part", generics.clone(), arguments) {
                me.store_length(to_max, view, 0, length);
            }
        });
        self.prepared.truncate(prepared);
    }

    /// `Method::WholeCharacters`.
    pub fn whole_characters(&mut self, receiver: &'p Expr) {
        let Some(max) = text_max(&self.ty(&receiver.ty)) else {
            return;
        };
        let Some(view) = self.place_of(receiver) else {
            return;
        };
        let text = self.text_parts(view, max);
        let length = self.long(text);
        let arguments = vec![text.bytes, length];
        if let Some(length) = self.call_plain("text.whole_characters", vec![number(max)], arguments)
        {
            self.store_length(max, view, 0, length);
        }
    }

    /// An integer's decimal digits.
    pub fn digits(
        &mut self,
        value: &'p Expr,
        shape: &Shape,
        view: Register,
        offset: u32,
        fresh: bool,
    ) {
        let (Shape::String(max), Operand::Scalar(value)) = (shape, self.value(value)) else {
            return;
        };
        let max = *max;
        let scalar = self.code.scalar_of(value);
        let (unsigned, name) = match scalar {
            Scalar::U128 | Scalar::I128 => (Scalar::U128, "text.wide_digits"),
            _ => (Scalar::U64, "text.digits"),
        };
        let negative = match scalar.is_signed() {
            true => {
                let zero = self.code.constant(scalar, 0);
                self.code.compare(CompareOp::Less, value, zero)
            }
            false => self.code.constant(Scalar::Bool, 0),
        };
        let mut magnitude = self.code.convert(ConvertMode::Wrapping, unsigned, value);
        if scalar.is_signed() {
            let zero = self.code.constant(unsigned, 0);
            let turned = self.code.binary(BinaryOp::WrappingSub, zero, magnitude);
            let dst = self.code.scalar(unsigned);
            self.code.emit(Instr::Select {
                dst,
                condition: negative,
                then: turned,
                otherwise: magnitude,
            });
            magnitude = dst;
        }
        let Some(spare) = self.spare(u64::from(max) * 2) else {
            return;
        };
        self.clear(shape, view, offset, fresh);
        let to = self.code.part(view, offset + length_prefix(max), max);
        let arguments = vec![to, magnitude, negative, spare];
        if let Some(length) = self.call_plain(name, vec![number(max)], arguments) {
            self.store_length(max, view, offset, length);
        }
    }

    /// A text in one of another capacity; `checked` where it may not fit.
    pub fn convert_text(
        &mut self,
        from: Text,
        to_max: u32,
        view: Register,
        offset: u32,
        checked: bool,
    ) {
        let to = self.code.part(view, offset + length_prefix(to_max), to_max);
        let generics = vec![number(from.max), number(to_max)];
        if checked {
            let length = self.long(from);
            self.call_plain("text.convert", generics, vec![to, from.bytes, length]);
        } else {
            self.call_plain("text.widen", generics, vec![to, from.bytes]);
        }
        self.store_length(to_max, view, offset, from.length);
    }

    /// A text as a string in a slot.
    pub fn literal_text(&mut self, text: &str, shape: &Shape, slot: Register) {
        self.literal(text.as_bytes(), shape, slot, 0, self.code.loops == 0);
    }
}
