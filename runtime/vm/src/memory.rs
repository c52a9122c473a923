//! Memory through views: touches, loads, stores and bulk operations, each with its bounds and permission checked
//! again.
//!
//! Always true: a store to a page goes into the journal (old bytes) before it happens and into the digest (new
//! bytes) after; a store to the frame goes into neither. Bulk operations read all before they write.

use std::cmp::Ordering;

use rc_bytecode::hash::sha256;
use rc_bytecode::instr::{
    Access, Builtin, Failure, RegionIndex, Register, Scalar, SlotIndex, Space, View,
};
use rc_canvas::{Address, TouchError};

use crate::machine::{Execution, Place, Stop};
use crate::number;
use crate::run::Undo;

impl Execution<'_> {
    // -- making views --------------------------------------------------------------------------------

    pub(crate) fn slot(&mut self, dst: Register, slot: SlotIndex) -> Result<(), Stop> {
        let Some((offset, length)) = self.code.slots.get(slot.0 as usize).copied() else {
            return Err(Stop::halt(format!("there is no frame slot {}", slot.0)));
        };
        let view = View {
            space: Space::Frame,
            length,
            writable: true,
        };
        self.set_place(
            dst,
            Place {
                page: None,
                view,
                start: self.frame + offset as usize,
            },
        )
    }

    pub(crate) fn touch(
        &mut self,
        dst: Register,
        region: RegionIndex,
        page: Register,
        access: Access,
    ) -> Result<(), Stop> {
        let page = self.scalar_of(page, Scalar::U64)? as u64;
        let index = usize::from(region.0);
        let Some(declared) = self.prepared.regions.get(index) else {
            return Err(Stop::halt(format!("there is no region {index}")));
        };
        let Some(bound) = self.bindings.regions.get(index).copied() else {
            return Err(Stop::halt(format!(
                "region `{}` is not bound",
                declared.name
            )));
        };
        if page >= declared.pages_max {
            return Err(Stop::builtin(Builtin::TableFull));
        }
        let writable = access == Access::Write;
        if writable && !declared.writable {
            return Err(Stop::halt(format!(
                "a write to region `{}`, which the module only reads",
                declared.name
            )));
        }
        let access = if writable {
            rc_canvas::Access::Write
        } else {
            rc_canvas::Access::Read
        };
        let frame = self
            .canvas
            .touch(bound, page, access)
            .map_err(|error| self.touch_refused(error))?;
        let view = View {
            space: Space::Page(region),
            length: self.canvas.page_bytes() as u32,
            writable,
        };
        self.set_place(
            dst,
            Place {
                page: Some(frame),
                view,
                start: 0,
            },
        )
    }

    #[cold]
    fn touch_refused(&self, error: TouchError) -> Stop {
        Stop::halt(format!("touch: {error}"))
    }

    /// `dst` = the bytes of `src` from `offset`, as many as `dst`'s type says.
    pub(crate) fn narrow(&mut self, dst: Register, src: Register, offset: u64) -> Result<(), Stop> {
        let place = self.place(src)?;
        let length = self.view_type(dst)?.length;
        let start = self.within(&place, offset, u64::from(length))?;
        self.set_place(
            dst,
            Place {
                start,
                view: View {
                    length,
                    ..place.view
                },
                ..place
            },
        )
    }

    /// Where `size` bytes from `offset` in the view start; they must lie inside.
    fn within(&self, place: &Place, offset: u64, size: u64) -> Result<usize, Stop> {
        if offset.saturating_add(size) > u64::from(place.view.length) {
            let length = place.view.length;
            return Err(Stop::halt(format!(
                "{size} bytes at {offset} of a view of {length} bytes"
            )));
        }
        Ok(place.start + offset as usize)
    }

    // -- bytes ---------------------------------------------------------------------------------------

    /// A view's bytes.
    pub(crate) fn bytes(&self, place: &Place) -> Result<&[u8], Stop> {
        let whole: &[u8] = match &place.page {
            Some(frame) => self.canvas.bytes(frame),
            None => &self.machine.frame_bytes,
        };
        let end = place.start + place.view.length as usize;
        whole
            .get(place.start..end)
            .ok_or_else(|| Stop::halt("a view beyond its memory"))
    }

    /// The canvas address of a byte of a page view.
    fn address(&self, place: &Place, start: usize) -> Option<u64> {
        let frame = place.page.as_ref()?;
        Some(
            Address::new(
                frame.region(),
                frame.page(),
                start as u64,
                self.canvas.page_shift(),
            )
            .0,
        )
    }

    /// Writes `new` at `start` of the view's memory, which lies within the view; journals and returns the canvas
    /// address where it is a page.
    fn write(&mut self, place: &Place, start: usize, new: &[u8]) -> Result<Option<u64>, Stop> {
        if !place.view.writable {
            return Err(Stop::halt("a store through a view that is only readable"));
        }
        let end = start + new.len();
        let Some(frame) = &place.page else {
            let Some(target) = self.machine.frame_bytes.get_mut(start..end) else {
                return Err(Stop::halt("a view beyond its memory"));
            };
            target.copy_from_slice(new);
            return Ok(None);
        };
        if !frame.is_writable() {
            return Err(Stop::halt("a store to a page that was touched for reading"));
        }
        let address = self.address(place, start);
        let Some(target) = self.canvas.bytes_mut(frame).get_mut(start..end) else {
            return Err(Stop::halt("a view beyond its memory"));
        };
        if let Some(address) = address {
            self.run.journal.push(Undo {
                address,
                old: target[..].into(),
            });
        }
        target.copy_from_slice(new);
        Ok(address)
    }

    // -- scalars -------------------------------------------------------------------------------------

    pub(crate) fn load(&mut self, dst: Register, view: Register, offset: u64) -> Result<(), Stop> {
        let scalar = self.scalar_type(dst)?;
        let size = scalar.size() as usize;
        let place = self.place(view)?;
        self.within(&place, offset, size as u64)?;
        let low = little_endian(&self.bytes(&place)?[offset as usize..][..size]);
        let bits = number::canonical(scalar, low);
        if !number::is_canonical(scalar, bits) {
            // Other bytes read as a float may be no number: the command fails as where it is packed.
            return Err(Stop::Failed(Failure::Builtin(Builtin::BoundExceeded)));
        }
        self.set_canonical(dst, bits);
        Ok(())
    }

    pub(crate) fn store(&mut self, view: Register, offset: u64, src: Register) -> Result<(), Stop> {
        let scalar = self.scalar_type(src)?;
        let bits = self.scalar(src)?;
        let place = self.place(view)?;
        let start = self.within(&place, offset, u64::from(scalar.size()))?;
        let new = bits.to_le_bytes();
        if let Some(address) = self.write(&place, start, &new[..scalar.size() as usize])? {
            self.run.fold_scalar(address, bits, scalar.size());
        }
        Ok(())
    }

    // -- bulk ----------------------------------------------------------------------------------------

    /// Writes the machine's buffer at `start`, as one bulk store.
    fn write_buffer(&mut self, place: &Place, start: usize) -> Result<(), Stop> {
        let buffer = std::mem::take(&mut self.machine.buffer);
        let written = if buffer.is_empty() {
            Ok(None)
        } else {
            self.write(place, start, &buffer)
        };
        if let Ok(Some(address)) = written {
            self.run.fold_bulk(address, &buffer);
        }
        self.machine.buffer = buffer;
        written.map(|_| ())
    }

    /// Fills the machine's buffer from a view's bytes `from..from + length`.
    fn read_buffer(&mut self, place: &Place, from: usize, length: usize) -> Result<(), Stop> {
        let mut buffer = std::mem::take(&mut self.machine.buffer);
        buffer.clear();
        let read = self
            .bytes(place)
            .map(|bytes| buffer.extend_from_slice(&bytes[from..][..length]));
        self.machine.buffer = buffer;
        read
    }

    pub(crate) fn copy(&mut self, dst: Register, src: Register) -> Result<(), Stop> {
        let (target, source) = (self.place(dst)?, self.place(src)?);
        let length = target.view.length.min(source.view.length);
        self.read_buffer(&source, 0, length as usize)?;
        self.machine.buffer.resize(target.view.length as usize, 0);
        self.write_buffer(&target, target.start)
    }

    pub(crate) fn zero(&mut self, view: Register) -> Result<(), Stop> {
        let place = self.place(view)?;
        self.machine.buffer.clear();
        self.machine.buffer.resize(place.view.length as usize, 0);
        self.write_buffer(&place, place.start)
    }

    /// `ends`: from, to, length.
    pub(crate) fn move_within(
        &mut self,
        view: Register,
        base: u32,
        stride: u32,
        count: u32,
        ends: [Register; 3],
    ) -> Result<(), Stop> {
        let from = self.scalar_of(ends[0], Scalar::U64)?;
        let to = self.scalar_of(ends[1], Scalar::U64)?;
        let length = self.scalar_of(ends[2], Scalar::U64)?;
        // 128 bits hold each sum.
        if from + length > u128::from(count) || to + length > u128::from(count) {
            return Err(Stop::builtin(Builtin::BoundExceeded));
        }
        let place = self.place(view)?;
        let stride = u64::from(stride);
        self.within(&place, u64::from(base), stride * u64::from(count))?;
        let offset = |element: u128| (u64::from(base) + stride * element as u64) as usize;
        self.read_buffer(&place, offset(from), (stride * length as u64) as usize)?;
        self.write_buffer(&place, place.start + offset(to))
    }

    pub(crate) fn compare_bytes(&self, left: Register, right: Register) -> Result<Ordering, Stop> {
        let (left, right) = (self.place(left)?, self.place(right)?);
        if left.view.length != right.view.length {
            return Err(Stop::halt("a comparison of views of two lengths"));
        }
        Ok(self.bytes(&left)?.cmp(self.bytes(&right)?))
    }

    pub(crate) fn sha256(
        &mut self,
        dst: Register,
        view: Register,
        length: Register,
    ) -> Result<(), Stop> {
        let length = self.scalar_of(length, Scalar::U64)?;
        let (target, source) = (self.place(dst)?, self.place(view)?);
        if length > u128::from(source.view.length) {
            return Err(Stop::builtin(Builtin::BoundExceeded));
        }
        if target.view.length != 32 {
            return Err(Stop::halt("a hash of other than 32 bytes"));
        }
        let hash = sha256(&self.bytes(&source)?[..length as usize]);
        self.machine.buffer.clear();
        self.machine.buffer.extend_from_slice(&hash);
        self.write_buffer(&target, target.start)
    }

    pub(crate) fn match_byte(&self, view: Register, byte: u8) -> Result<u64, Stop> {
        let place = self.place(view)?;
        if place.view.length > 64 {
            return Err(Stop::halt("a match over more than 64 bytes"));
        }
        let bits = self
            .bytes(&place)?
            .iter()
            .enumerate()
            .map(|(at, found)| u64::from(*found == byte) << at);
        Ok(bits.fold(0, |all, bit| all | bit))
    }
}

/// The unsigned number in at most 16 bytes.
fn little_endian(bytes: &[u8]) -> u128 {
    // The usual widths without a copy of a length that is known only now.
    if let Ok(eight) = bytes.try_into() {
        return u128::from(u64::from_le_bytes(eight));
    }
    if let [one] = bytes {
        return u128::from(*one);
    }
    let mut low = [0; 16];
    low[..bytes.len()].copy_from_slice(bytes);
    u128::from_le_bytes(low)
}
