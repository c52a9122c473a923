//! Bulk operations: short ones as a row of loads and stores, long ones by the runtime.
//!
//! Always true: everything is read before anything is written, so overlapping views behave as with memmove; a bulk
//! store to a page is one journal stretch and one digest fold, of the hash of its new bytes; nothing is folded for no bytes.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use rc_bytecode::instr::{Builtin, Register, Space};

use super::memory::{piece_type, pieces_up_to};
use super::{Activation, Pointer, Translator};
use crate::callouts::Callout;

/// Copies and zeroing up to this are inline, in bytes.
const INLINE_COPY_MAX: u32 = 128;
/// Copies out of a frame up to this are in words, in bytes.
const INLINE_WORDS_MAX: u32 = 64;
/// Old bytes up to this are journaled inline as small entries, in bytes.
const INLINE_JOURNAL_MAX: u32 = 32;
/// Hashes up to this are inline, in bytes.
const INLINE_HASH_MAX: u32 = 32;
/// Comparisons up to this are inline, in bytes.
const INLINE_COMPARE_MAX: u32 = 32;
/// Equality up to this is inline, in bytes.
const INLINE_EQUAL_MAX: u32 = 64;

const HASH_MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const HASH_INCREMENT: u64 = 0xD6E8_FEB8_6659_FD93;

impl Translator<'_, '_> {
    // -- stores ---------------------------------------------------------------------------------------

    pub(crate) fn copy(&mut self, activation: &mut Activation, dst: Register, src: Register) {
        let (to_view, from_view) = (activation.view_of(dst), activation.view_of(src));
        let (to, from) = (self.pointer(activation, dst), self.pointer(activation, src));
        let copied = to_view.length.min(from_view.length);
        let from_flags = self.flags_of(from_view.space);
        self.bulk_store(to_view.space, to, to_view.length, |translator| {
            let to_flags = translator.flags_of(to_view.space);
            if to_view.length <= INLINE_COPY_MAX {
                // A frame was mostly stored in words just before: loading it in words lets the stores be forwarded.
                let largest = if from_view.space == Space::Frame && copied <= INLINE_WORDS_MAX {
                    8
                } else {
                    16
                };
                let loaded: Vec<(u32, Value)> = pieces_up_to(copied, largest)
                    .map(|(offset, size)| {
                        let value = translator.builder.ins().load(
                            piece_type(size),
                            from_flags,
                            from.host,
                            offset as i32,
                        );
                        (offset, value)
                    })
                    .collect();
                for (offset, value) in loaded {
                    translator
                        .builder
                        .ins()
                        .store(to_flags, value, to.host, offset as i32);
                }
                translator.store_zeroes(to_flags, to.host, copied, to_view.length - copied);
            } else {
                let length = translator.word(u64::from(copied));
                translator.call_out(Callout::MoveBytes, &[to.host, from.host, length]);
                if copied < to_view.length {
                    let rest = translator.offset(to.host, u64::from(copied));
                    let length = translator.word(u64::from(to_view.length - copied));
                    translator.call_out(Callout::ZeroBytes, &[rest, length]);
                }
            }
        });
    }

    pub(crate) fn zero(&mut self, activation: &mut Activation, view: Register) {
        let kind = activation.view_of(view);
        let to = self.pointer(activation, view);
        self.bulk_store(kind.space, to, kind.length, |translator| {
            if kind.length <= INLINE_COPY_MAX {
                translator.store_zeroes(translator.flags_of(kind.space), to.host, 0, kind.length);
            } else {
                let length = translator.word(u64::from(kind.length));
                translator.call_out(Callout::ZeroBytes, &[to.host, length]);
            }
        });
    }

    /// Runs `write` over `length` bytes at `to`, with journal and digest where it is a page.
    fn bulk_store(
        &mut self,
        space: Space,
        to: Pointer,
        length: u32,
        write: impl FnOnce(&mut Self),
    ) {
        if length == 0 {
            return;
        }
        if space == Space::Frame {
            return write(self);
        }
        if self.journaled() {
            if length <= INLINE_JOURNAL_MAX {
                for (offset, size) in pieces_up_to(length, 8) {
                    self.journal_piece(to.host, offset, size);
                }
            } else {
                let length = self.word(u64::from(length));
                self.call_out(Callout::JournalBytes, &[self.context, to.host, length]);
            }
        }
        write(self);
        let address = to
            .address
            .expect("verified: only a writable view is stored to");
        if length <= INLINE_HASH_MAX {
            let seed = self.word(0);
            let hash = self.hash_inline(self.flags.page, to.host, length, seed);
            self.fold_store(address, hash);
        } else {
            let length = self.word(u64::from(length));
            self.call_out(
                Callout::FoldBytes,
                &[self.context, address, to.host, length],
            );
        }
    }

    /// `shape`: base, stride, count; `ends`: from, to, length.
    pub(crate) fn move_within(
        &mut self,
        activation: &mut Activation,
        view: Register,
        shape: [u32; 3],
        ends: [Register; 3],
    ) {
        let [base, stride, count] = shape;
        let space = activation.view_of(view).space;
        let whole = self.pointer(activation, view);
        let [from, to, length] = ends.map(|register| self.scalar(activation, register));
        // Each check keeps the next subtraction from wrapping.
        let outside = self.compare_to(IntCC::UnsignedGreaterThan, length, u128::from(count));
        self.fail_if(outside, Builtin::BoundExceeded);
        let count = self.word(u64::from(count));
        let last = self.builder.ins().isub(count, length);
        for start in [from, to] {
            let outside = self
                .builder
                .ins()
                .icmp(IntCC::UnsignedGreaterThan, start, last);
            self.fail_if(outside, Builtin::BoundExceeded);
        }
        let array = self.narrow(whole, u64::from(base));
        let (from, to, length) = (
            self.scaled_by(from, stride),
            self.scaled_by(to, stride),
            self.scaled_by(length, stride),
        );
        let source = self.builder.ins().iadd(array.host, from);
        let target = self.builder.ins().iadd(array.host, to);
        if space != Space::Frame && self.journaled() {
            self.call_out(Callout::JournalBytes, &[self.context, target, length]);
        }
        self.call_out(Callout::MoveBytes, &[target, source, length]);
        if space != Space::Frame {
            let address = array
                .address
                .expect("verified: only a writable view is stored to");
            let address = self.builder.ins().iadd(address, to);
            self.call_out(Callout::FoldBytes, &[self.context, address, target, length]);
        }
    }

    fn scaled_by(&mut self, value: Value, stride: u32) -> Value {
        if stride == 0 {
            self.word(0)
        } else {
            self.scaled(value, stride)
        }
    }

    // -- comparisons ----------------------------------------------------------------------------------

    pub(crate) fn compare_bytes(
        &mut self,
        activation: &mut Activation,
        dst: Register,
        left: Register,
        right: Register,
    ) {
        let [(a, a_flags), (b, b_flags)] = [left, right].map(|side| self.side(activation, side));
        let length = activation.view_of(left).length;
        let order = if length > INLINE_COMPARE_MAX {
            let length = self.word(u64::from(length));
            self.call_out(Callout::CompareBytes, &[a, b, length])
                .expect("answers an order")
        } else {
            // The first piece that differs decides; pieces are visited from the last to the first.
            let mut decided: Option<(Value, Value)> = None;
            for (offset, size) in pieces_up_to(length, 8)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
            {
                let x = self.load_big_endian(a_flags, a, offset, size);
                let y = self.load_big_endian(b_flags, b, offset, size);
                decided = Some(match decided {
                    None => (x, y),
                    Some((later_x, later_y)) => {
                        let differ = self.builder.ins().icmp(IntCC::NotEqual, x, y);
                        let left = self.builder.ins().select(differ, x, later_x);
                        (left, self.builder.ins().select(differ, y, later_y))
                    }
                });
            }
            match decided {
                None => self.word(0),
                Some((x, y)) => {
                    let greater = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, x, y);
                    let less = self.builder.ins().icmp(IntCC::UnsignedLessThan, x, y);
                    let (greater, less) = (self.widen(greater), self.widen(less));
                    self.builder.ins().isub(greater, less)
                }
            }
        };
        self.set_scalar(activation, dst, order);
    }

    /// Where a compared view begins, and how it is loaded from.
    fn side(&mut self, activation: &mut Activation, view: Register) -> (Value, MemFlagsData) {
        let flags = self.flags_of(activation.view_of(view).space);
        (self.pointer(activation, view).host, flags)
    }

    fn load_big_endian(&mut self, flags: MemFlagsData, at: Value, offset: u32, size: u32) -> Value {
        let value = self
            .builder
            .ins()
            .load(piece_type(size), flags, at, offset as i32);
        let turned = if size == 1 {
            value
        } else {
            self.builder.ins().bswap(value)
        };
        self.widen(turned)
    }

    pub(crate) fn equal_bytes(
        &mut self,
        activation: &mut Activation,
        dst: Register,
        left: Register,
        right: Register,
    ) {
        let [(a, a_flags), (b, b_flags)] = [left, right].map(|side| self.side(activation, side));
        let length = activation.view_of(left).length;
        let equal = if length > INLINE_EQUAL_MAX {
            let length = self.word(u64::from(length));
            let order = self
                .call_out(Callout::CompareBytes, &[a, b, length])
                .expect("answers an order");
            self.compare_to(IntCC::Equal, order, 0)
        } else {
            let mut differing = None;
            for (offset, size) in pieces_up_to(length, 8) {
                let x = self
                    .builder
                    .ins()
                    .load(piece_type(size), a_flags, a, offset as i32);
                let y = self
                    .builder
                    .ins()
                    .load(piece_type(size), b_flags, b, offset as i32);
                let differ = self.builder.ins().bxor(x, y);
                let differ = self.widen(differ);
                differing = Some(match differing {
                    None => differ,
                    Some(others) => self.builder.ins().bor(others, differ),
                });
            }
            match differing {
                None => self.constant(types::I8, 1),
                Some(differing) => self.compare_to(IntCC::Equal, differing, 0),
            }
        };
        self.set_scalar(activation, dst, equal);
    }

    // -- hashes ---------------------------------------------------------------------------------------

    pub(crate) fn hash(
        &mut self,
        activation: &mut Activation,
        dst: Register,
        view: Register,
        seed: Register,
    ) {
        let kind = activation.view_of(view);
        let at = self.pointer(activation, view).host;
        let seed = self.scalar(activation, seed);
        let hash = if kind.length <= INLINE_HASH_MAX {
            self.hash_inline(self.flags_of(kind.space), at, kind.length, seed)
        } else {
            let length = self.word(u64::from(kind.length));
            self.call_out(Callout::HashBytes, &[at, length, seed])
                .expect("answers a hash")
        };
        self.set_scalar(activation, dst, hash);
    }

    fn hash_inline(&mut self, flags: MemFlagsData, at: Value, length: u32, seed: Value) -> Value {
        let increment = self.word(HASH_INCREMENT);
        let mut state = self.builder.ins().bxor(seed, increment);
        for start in (0..length).step_by(8) {
            let word = self.load_padded(flags, at, start, (length - start).min(8));
            let mixed = self.builder.ins().bxor(state, word);
            state = self.fold_multiply(mixed, HASH_MULTIPLIER);
        }
        let length = self.word(u64::from(length));
        let mixed = self.builder.ins().bxor(state, length);
        self.fold_multiply(mixed, HASH_INCREMENT)
    }

    /// `size` (1..=8) bytes as a word, zero-extended.
    fn load_padded(&mut self, flags: MemFlagsData, at: Value, start: u32, size: u32) -> Value {
        let mut word = None;
        for (offset, piece) in pieces_up_to(size, 8) {
            let value =
                self.builder
                    .ins()
                    .load(piece_type(piece), flags, at, (start + offset) as i32);
            let value = self.widen(value);
            word = Some(match word {
                None => value,
                Some(lower) => {
                    let raised = self.shift_left(value, u64::from(offset) * 8);
                    self.builder.ins().bor(lower, raised)
                }
            });
        }
        word.unwrap_or_else(|| self.word(0))
    }

    fn fold_multiply(&mut self, left: Value, right: u64) -> Value {
        let right = self.word(right);
        let (left, right) = (
            self.builder.ins().uextend(types::I128, left),
            self.builder.ins().uextend(types::I128, right),
        );
        let product = self.builder.ins().imul(left, right);
        let (low, high) = self.builder.ins().isplit(product);
        self.builder.ins().bxor(low, high)
    }

    pub(crate) fn sha256(
        &mut self,
        activation: &mut Activation,
        dst: Register,
        view: Register,
        length: Register,
    ) {
        let most = activation.view_of(view).length;
        let length = self.scalar(activation, length);
        let outside = self.compare_to(IntCC::UnsignedGreaterThan, length, most.into());
        self.fail_if(outside, Builtin::BoundExceeded);
        let out = self.pointer(activation, dst).host;
        let at = self.pointer(activation, view).host;
        self.call_out(Callout::Sha256, &[out, at, length]);
    }

    // -- matches --------------------------------------------------------------------------------------

    pub(crate) fn match_byte(
        &mut self,
        activation: &mut Activation,
        dst: Register,
        view: Register,
        byte: Register,
    ) {
        let kind = activation.view_of(view);
        let at = self.pointer(activation, view).host;
        let byte = self.scalar(activation, byte);
        let flags = self.flags_of(kind.space);
        let wanted = self.builder.ins().splat(types::I8X16, byte);
        let mut matches = self.word(0);
        for start in (0..kind.length).step_by(16) {
            let size = (kind.length - start).min(16);
            let found = if size == 16 {
                self.builder
                    .ins()
                    .load(types::I8X16, flags, at, start as i32)
            } else {
                let low = self.load_padded(flags, at, start, size.min(8));
                let high = if size > 8 {
                    self.load_padded(flags, at, start + 8, size - 8)
                } else {
                    self.word(0)
                };
                let both = self.builder.ins().iconcat(low, high);
                self.builder
                    .ins()
                    .bitcast(types::I8X16, little_endian(), both)
            };
            let equal = self.builder.ins().icmp(IntCC::Equal, found, wanted);
            let bits = self.builder.ins().vhigh_bits(types::I32, equal);
            let bits = self.widen(bits);
            let bits = if size == 16 {
                bits
            } else {
                let mask = self.word((1 << size) - 1);
                self.builder.ins().band(bits, mask)
            };
            let raised = if start == 0 {
                bits
            } else {
                self.shift_left(bits, u64::from(start))
            };
            matches = self.builder.ins().bor(matches, raised);
        }
        self.set_scalar(activation, dst, matches);
    }
}

/// A bitcast that changes the number of lanes says which lane comes first.
fn little_endian() -> MemFlagsData {
    MemFlagsData::new().with_endianness(cranelift_codegen::ir::Endianness::Little)
}
