//! Memory: touches, views, loads, and stores with their journal and digest.
//!
//! Always true: an address outside its view is never formed, since static offsets were verified and indices are checked
//! here; a store to a page is journaled before it happens (unless the entry is undo-free) and folded after; a store to the
//! frame is neither.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use rc_bytecode::instr::{Access, Builtin, RegionIndex, Register, Scalar, SlotIndex, Space};
use rc_canvas::{ENTRY_FRAME_MASK, ENTRY_WRITABLE};

use super::{Activation, Pointer, Translator, native_type};
use crate::callouts::Callout;
use crate::context::{self, BOUND_BASE, BOUND_FAST_PAGES, BOUND_REGION_BYTES, BOUND_TABLE};
use crate::journal::LENGTH_SHIFT;
use crate::link::Journaling;
use crate::sabotage::Sabotage;

/// `hash.rs` of edition 1.
const FOLD_MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const FOLD_INCREMENT: u64 = 0xD6E8_FEB8_6659_FD93;

/// Frames up to this size are zeroed inline, in bytes.
const INLINE_CLEAR_MAX: u32 = 256;

impl Translator<'_, '_> {
    // -- frames ---------------------------------------------------------------------------------------

    /// Zeroes the function's slots.
    pub(crate) fn clear_slots(&mut self, activation: &Activation) {
        let length = activation.function.slot_bytes() as u32;
        if length == 0 {
            return;
        }
        let start = activation.frame_offset;
        if length > INLINE_CLEAR_MAX {
            let at = self.offset(self.frame, u64::from(start));
            let length = self.word(u64::from(length));
            self.call_out(Callout::ZeroBytes, &[at, length]);
            return;
        }
        self.store_zeroes(self.flags.frame, self.frame, start, length);
    }

    /// Stores zeroes over `length` bytes at `at + offset`.
    pub(crate) fn store_zeroes(
        &mut self,
        flags: MemFlagsData,
        at: Value,
        offset: u32,
        length: u32,
    ) {
        let mut zeroes = [None; 5];
        for (place, size) in pieces(length) {
            let index = size.trailing_zeros() as usize;
            let zero = match zeroes[index] {
                Some(zero) => zero,
                None => self.zero_of(size),
            };
            zeroes[index] = Some(zero);
            self.builder
                .ins()
                .store(flags, zero, at, (offset + place) as i32);
        }
    }

    fn zero_of(&mut self, size: u32) -> Value {
        if size == 16 {
            let byte = self.constant(types::I8, 0);
            return self.builder.ins().splat(types::I8X16, byte);
        }
        self.constant(piece_type(size), 0)
    }

    pub(crate) fn slot(&mut self, activation: &mut Activation, dst: Register, slot: SlotIndex) {
        let before = activation.function.slots[..slot.0 as usize].iter();
        let offset: u32 = before.map(|length| length.next_multiple_of(8)).sum();
        let host = self.offset(self.frame, u64::from(activation.frame_offset + offset));
        self.set_pointer(
            activation,
            dst,
            Pointer {
                host,
                address: None,
            },
        );
    }

    // -- pages ----------------------------------------------------------------------------------------

    pub(crate) fn touch(
        &mut self,
        activation: &mut Activation,
        dst: Register,
        region: RegionIndex,
        page: Register,
        access: Access,
    ) {
        let page = self.scalar(activation, page);
        let regions = self.builder.ins().load(
            types::I64,
            self.flags.context,
            self.context,
            context::REGIONS,
        );
        let bound = i32::from(region.0) * BOUND_REGION_BYTES;
        let fast_pages = self.builder.ins().load(
            types::I64,
            self.flags.context,
            regions,
            bound + BOUND_FAST_PAGES,
        );
        let (near, slow) = (self.builder.create_block(), self.builder.create_block());
        let touched = self.builder.create_block();
        let frame = self.builder.append_block_param(touched, types::I64);
        self.builder.set_cold_block(slow);

        let inside = self
            .builder
            .ins()
            .icmp(IntCC::UnsignedLessThan, page, fast_pages);
        self.builder.ins().brif(inside, near, &[], slow, &[]);

        self.builder.switch_to_block(near);
        self.builder.seal_block(near);
        let table =
            self.builder
                .ins()
                .load(types::I64, self.flags.context, regions, bound + BOUND_TABLE);
        let offset = self.shift_left(page, 3);
        let at = self.builder.ins().iadd(table, offset);
        let entry = self
            .builder
            .ins()
            .load(types::I64, self.flags.context, at, 0);
        let mask = self.word(ENTRY_FRAME_MASK);
        let found = self.builder.ins().band(entry, mask);
        let ready = match access {
            Access::Read => entry,
            Access::Write => {
                let writable = self.word(ENTRY_WRITABLE);
                self.builder.ins().band(entry, writable)
            }
        };
        self.builder
            .ins()
            .brif(ready, touched, &[found.into()], slow, &[]);

        self.builder.switch_to_block(slow);
        self.builder.seal_block(slow);
        let (index, write) = (
            self.word(u64::from(region.0)),
            self.word(u64::from(access == Access::Write)),
        );
        let arguments = [self.context, index, page, write];
        let answered = self
            .call_out(Callout::Touch, &arguments)
            .expect("answers a pointer");
        let refused = self.builder.create_block();
        self.builder.set_cold_block(refused);
        self.builder
            .ins()
            .brif(answered, touched, &[answered.into()], refused, &[]);
        self.builder.switch_to_block(refused);
        self.builder.seal_block(refused);
        let status = self.builder.ins().load(
            types::I32,
            self.flags.context,
            self.context,
            context::STATUS,
        );
        self.builder.ins().jump(self.fail, &[status.into()]);

        self.builder.switch_to_block(touched);
        self.builder.seal_block(touched);
        let address = (access == Access::Write).then(|| {
            let base = self.builder.ins().load(
                types::I64,
                self.flags.context,
                regions,
                bound + BOUND_BASE,
            );
            let offset = self.shift_left(page, u64::from(self.program.module.page_shift));
            self.builder.ins().iadd(base, offset)
        });
        self.set_pointer(
            activation,
            dst,
            Pointer {
                host: frame,
                address,
            },
        );
    }

    pub(crate) fn shift_left(&mut self, value: Value, count: u64) -> Value {
        let count = self.word(count);
        self.builder.ins().ishl(value, count)
    }

    // -- views ----------------------------------------------------------------------------------------

    pub(crate) fn view(
        &mut self,
        activation: &mut Activation,
        dst: Register,
        src: Register,
        offset: u32,
    ) {
        let from = self.pointer(activation, src);
        let narrowed = self.narrow(from, u64::from(offset));
        self.set_pointer(activation, dst, narrowed);
    }

    pub(crate) fn narrow(&mut self, from: Pointer, offset: u64) -> Pointer {
        let host = self.offset(from.host, offset);
        let address = from.address.map(|address| self.offset(address, offset));
        Pointer { host, address }
    }

    /// An array's element; `shape`: base, stride, count.
    pub(crate) fn element(
        &mut self,
        activation: &mut Activation,
        view: Register,
        index: Register,
        shape: [u32; 3],
    ) -> Pointer {
        let [base, stride, count] = shape;
        let from = self.pointer(activation, view);
        let index = self.scalar(activation, index);
        let outside = self.compare_to(IntCC::UnsignedGreaterThanOrEqual, index, u128::from(count));
        self.fail_if(outside, Builtin::BoundExceeded);
        let offset = self.scaled(index, stride);
        let host = self.builder.ins().iadd(from.host, offset);
        let address = from
            .address
            .map(|address| self.builder.ins().iadd(address, offset));
        self.narrow(Pointer { host, address }, u64::from(base))
    }

    pub(crate) fn scaled(&mut self, index: Value, stride: u32) -> Value {
        if stride.is_power_of_two() {
            return self.shift_left(index, u64::from(stride.trailing_zeros()));
        }
        let stride = self.word(u64::from(stride));
        self.builder.ins().imul(index, stride)
    }

    pub(crate) fn flags_of(&self, space: Space) -> MemFlagsData {
        match space {
            Space::Frame => self.flags.frame,
            Space::Page(_) => self.flags.page,
        }
    }

    // -- scalars --------------------------------------------------------------------------------------

    pub(crate) fn load(
        &mut self,
        activation: &mut Activation,
        dst: Register,
        view: Register,
        at: Pointer,
        offset: u32,
    ) {
        let scalar = activation.scalar_of(dst);
        let flags = self.flags_of(activation.view_of(view).space);
        let value = match scalar {
            Scalar::U128 | Scalar::I128 => {
                let low = self
                    .builder
                    .ins()
                    .load(types::I64, flags, at.host, offset as i32);
                let high = self
                    .builder
                    .ins()
                    .load(types::I64, flags, at.host, offset as i32 + 8);
                self.builder.ins().iconcat(low, high)
            }
            _ => self
                .builder
                .ins()
                .load(native_type(scalar), flags, at.host, offset as i32),
        };
        let value = match scalar {
            Scalar::Bool => {
                let one = self.constant(types::I8, 1);
                self.builder.ins().band(value, one)
            }
            Scalar::F64 => {
                // Other bytes read as a float may be no number. No value may become one: the command fails.
                let size = self.builder.ins().fabs(value);
                let infinite = self.builder.ins().f64const(f64::INFINITY);
                let outside =
                    self.builder
                        .ins()
                        .fcmp(FloatCC::UnorderedOrGreaterThanOrEqual, size, infinite);
                self.fail_if(outside, Builtin::BoundExceeded);
                value
            }
            _ => value,
        };
        self.set_scalar(activation, dst, value);
    }

    pub(crate) fn store(
        &mut self,
        activation: &mut Activation,
        view: Register,
        at: Pointer,
        offset: u32,
        src: Register,
    ) {
        let scalar = activation.scalar_of(src);
        let value = self.scalar(activation, src);
        let space = activation.view_of(view).space;
        if scalar.size() == 16 {
            let (low, high) = self.builder.ins().isplit(value);
            self.store_piece(space, at, offset, low);
            self.store_piece(space, at, offset + 8, high);
        } else {
            self.store_piece(space, at, offset, value);
        }
    }

    /// Stores a value of at most eight bytes; into a page with journal and digest.
    fn store_piece(&mut self, space: Space, at: Pointer, offset: u32, value: Value) {
        let flags = self.flags_of(space);
        if space == Space::Frame {
            self.builder
                .ins()
                .store(flags, value, at.host, offset as i32);
            return;
        }
        let size = self.builder.func.dfg.value_type(value).bytes();
        if self.journaled() {
            self.journal_piece(at.host, offset, size);
        }
        self.builder
            .ins()
            .store(flags, value, at.host, offset as i32);
        if size == 1 && self.sabotage == Sabotage::NoByteDigest {
            return;
        }
        let bits = if self.builder.func.dfg.value_type(value) == types::F64 {
            self.builder
                .ins()
                .bitcast(types::I64, MemFlagsData::new(), value)
        } else {
            self.widen(value)
        };
        let address = at
            .address
            .expect("verified: only a writable view is stored to");
        let address = self.offset(address, u64::from(offset));
        self.fold_store(address, bits);
    }

    pub(crate) fn widen(&mut self, value: Value) -> Value {
        if self.builder.func.dfg.value_type(value) == types::I64 {
            return value;
        }
        self.builder.ins().uextend(types::I64, value)
    }

    /// Folds a store into the digest.
    pub(crate) fn fold_store(&mut self, address: Value, value: Value) {
        let digest = self.builder.ins().load(
            types::I64,
            self.flags.context,
            self.context,
            context::DIGEST,
        );
        let five = self.word(5);
        let turned = self.builder.ins().rotl(digest, five);
        let increment = self.word(FOLD_INCREMENT);
        let spread = self.builder.ins().imul(address, increment);
        let sum = self.builder.ins().iadd(spread, value);
        let mixed = self.builder.ins().bxor(turned, sum);
        let multiplier = self.word(FOLD_MULTIPLIER);
        let folded = self.builder.ins().imul(mixed, multiplier);
        self.builder
            .ins()
            .store(self.flags.context, folded, self.context, context::DIGEST);
    }

    // -- the journal ----------------------------------------------------------------------------------

    pub(crate) fn journaled(&self) -> bool {
        self.key.journaling != Journaling::None && self.sabotage != Sabotage::NoJournal
    }

    /// Pushes the `size` (1, 2, 4, 8) old bytes at `host + offset`.
    pub(crate) fn journal_piece(&mut self, host: Value, offset: u32, size: u32) {
        let old = self
            .builder
            .ins()
            .load(piece_type(size), self.flags.page, host, offset as i32);
        let old = self.widen(old);
        let target = self.offset(host, u64::from(offset));
        let length = self.word(u64::from(size) << LENGTH_SHIFT);
        let head = self.builder.ins().bor(target, length);
        let cursor = self.journal_room(16);
        self.builder
            .ins()
            .store(self.flags.journal, head, cursor, 0);
        self.builder.ins().store(self.flags.journal, old, cursor, 8);
        let next = self.offset(cursor, 16);
        self.builder.ins().store(
            self.flags.context,
            next,
            self.context,
            context::JOURNAL_CURSOR,
        );
    }

    /// The journal's cursor, with at least `bytes` bytes after it.
    fn journal_room(&mut self, bytes: u64) -> Value {
        let cursor = self.builder.ins().load(
            types::I64,
            self.flags.context,
            self.context,
            context::JOURNAL_CURSOR,
        );
        if self.key.journaling == Journaling::Reserved {
            return cursor;
        }
        let end = self.builder.ins().load(
            types::I64,
            self.flags.context,
            self.context,
            context::JOURNAL_END,
        );
        let after = self.offset(cursor, bytes);
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
        let moved = self
            .call_out(Callout::JournalGrow, &[self.context])
            .expect("answers the cursor");
        self.builder.ins().jump(ready, &[moved.into()]);
        self.builder.switch_to_block(ready);
        self.builder.seal_block(ready);
        found
    }
}

/// The integer type of a piece of 1, 2, 4 or 8 bytes, the vector type of one of 16.
pub(crate) fn piece_type(size: u32) -> cranelift_codegen::ir::Type {
    match size {
        1 => types::I8,
        2 => types::I16,
        4 => types::I32,
        8 => types::I64,
        16 => types::I8X16,
        _ => unreachable!("pieces have 1, 2, 4, 8 or 16 bytes"),
    }
}

/// `length` bytes as pieces of 16, 8, 4, 2 and 1: offset and size, in order.
pub(crate) fn pieces(length: u32) -> impl Iterator<Item = (u32, u32)> {
    pieces_up_to(length, 16)
}

/// The same with no piece larger than `largest`.
pub(crate) fn pieces_up_to(length: u32, largest: u32) -> impl Iterator<Item = (u32, u32)> {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let left = length - offset;
        let size = if left >= largest {
            largest
        } else if left == 0 {
            return None;
        } else {
            1 << left.ilog2()
        };
        let piece = (offset, size);
        offset += size;
        Some(piece)
    })
}
