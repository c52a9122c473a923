//! Content hashes and new uuids.
//!
//! Always true: one value is hashed over its content alone (a string's or bytes' without their length); several over
//! the hashes of each, one after the other, so that no two lists of values run together.

use crate::body::{Function, Operand};
use crate::concrete::Ty;
use rc_bytecode::instr::{BinaryOp, ConvertMode, Environment, Instr, Register, Scalar, UnaryOp};
use rc_bytecode::layout::{Shape, length_prefix};
use rc_hir::Expr;

const HASH_BYTES: u32 = 32;

impl<'p> Function<'_, 'p> {
    /// `hash(first, …rest)`
    pub fn content_hash(&mut self, first: &'p Expr, rest: &'p [Expr]) -> Operand {
        let all: Vec<&'p Expr> = [first].into_iter().chain(rest).collect();
        let out = self.code.slot(HASH_BYTES);
        if let [only] = all[..] {
            self.hash_into(only, out);
            return Operand::View(out);
        }
        let hashes = self.code.slot(HASH_BYTES * all.len() as u32);
        for (number, value) in all.iter().enumerate() {
            let part = self
                .code
                .part(hashes, HASH_BYTES * number as u32, HASH_BYTES);
            self.hash_into(value, part);
        }
        self.sha256(out, hashes, None);
        Operand::View(out)
    }

    fn sha256(&mut self, dst: Register, view: Register, length: Option<Register>) {
        let whole = u64::from(self.code.view_of(view).length);
        let length = length.unwrap_or_else(|| self.code.literal(Scalar::U64, whole.into()));
        self.code.emit(Instr::Sha256 { dst, view, length });
    }

    fn hash_into(&mut self, value: &'p Expr, dst: Register) {
        let ty = self.ty(&value.ty);
        match self.value(value) {
            Operand::Scalar(register) => {
                let slot = self.code.slot(self.code.scalar_of(register).size());
                self.code.store(slot, 0, register);
                self.sha256(dst, slot, None);
            }
            Operand::View(view) => match ty {
                Ty::Value(Shape::String(max) | Shape::Bytes(max)) => {
                    let prefix = length_prefix(max);
                    let scalar = if prefix == 2 {
                        Scalar::U16
                    } else {
                        Scalar::U32
                    };
                    let length = self.code.load(scalar, view, 0);
                    let length = self
                        .code
                        .convert(ConvertMode::Wrapping, Scalar::U64, length);
                    let content = self.code.part(view, prefix, max);
                    self.sha256(dst, content, Some(length));
                }
                _ => self.sha256(dst, view, None),
            },
            _ => {}
        }
    }

    /// A uuid of version 4, or of version 7 with the stamped milliseconds in front (RFC 9562).
    pub fn random_uuid(&mut self, ordered: bool) -> Operand {
        let slot = self.code.slot(16);
        let first = if ordered {
            let Operand::Scalar(now) = self.environment(Environment::Now, Scalar::I64) else {
                return Operand::Never;
            };
            let million = self.code.literal(Scalar::I64, 1_000_000);
            let milliseconds = self.code.binary(BinaryOp::Div, now, million);
            let milliseconds = self
                .code
                .convert(ConvertMode::Wrapping, Scalar::U64, milliseconds);
            let sixteen = self.code.literal(Scalar::U64, 16);
            let front = self.code.binary(BinaryOp::ShiftLeft, milliseconds, sixteen);
            let noise = self.random_bits(0x0fff, 0x7000);
            let word = self.code.binary(BinaryOp::Or, front, noise);
            let swapped = self.code.scalar(Scalar::U64);
            self.code.emit(Instr::Unary {
                op: UnaryOp::ByteSwap,
                dst: swapped,
                src: word,
            });
            swapped
        } else {
            // Stored little-endian: the seventh byte has bits 48 to 55.
            self.random_bits(!(0xf0 << 48), 0x40 << 48)
        };
        self.code.store(slot, 0, first);
        let second = self.random_bits(!0xc0, 0x80);
        self.code.store(slot, 8, second);
        Operand::View(slot)
    }

    fn random_bits(&mut self, keep: u64, set: u64) -> Register {
        let random = self.code.scalar(Scalar::U64);
        self.code.emit(Instr::Environment {
            value: Environment::Random,
            dst: random,
        });
        let keep = self.code.literal(Scalar::U64, keep.into());
        let kept = self.code.binary(BinaryOp::And, random, keep);
        let set = self.code.literal(Scalar::U64, set.into());
        self.code.binary(BinaryOp::Or, kept, set)
    }
}
