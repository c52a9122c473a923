//! Frames: the memory behind pages, all of one size, cut from a single reserved range.
//! A frame is aligned to the page size (so its low 8 address bits are free for flags), is zero when handed out, and
//! never moves. Beside each frame stands one number: its place in the list of dirty pages it was last put on.

use std::sync::Arc;

use crate::address::PageShift;
use crate::mapping::Mapping;

/// Hands out frames and takes them back.
pub(crate) struct FramePool {
    shift: PageShift,
    /// Shared with a running cut, which may outlive the canvas.
    memory: Arc<Mapping>,
    /// One `u32` per frame: see `slot_of`.
    slots: Mapping,
    frames_reserved: u64,
    frames_fresh: u64,
    /// Given back unwritten: still zero.
    free_clean: Vec<*mut u8>,
    /// Given back with old contents: zeroed when handed out again.
    free_used: Vec<*mut u8>,
}

// SAFETY: the raw pointers are frames of `memory`, which the pool shares only with a running cut; sending the pool to
// another thread moves the right to hand them out and touches no frame.
unsafe impl Send for FramePool {}

impl FramePool {
    /// Reserves room for `bytes_max` bytes of frames, or less if the system refuses so much address space.
    pub(crate) fn reserve(shift: PageShift, bytes_max: u64) -> Option<FramePool> {
        let smallest = 1 << 20;
        let bytes = usize::try_from(bytes_max).ok()?.max(smallest);
        let memory = Mapping::reserve_down_to(bytes, smallest)?;
        if shift.bits() >= 12 {
            memory.advise_large_pages();
        }
        let frames_reserved = (memory.bytes() >> shift.bits()).min(u32::MAX as usize) as u64;
        let slots = Mapping::reserve(frames_reserved as usize * size_of::<u32>())?;
        let memory = Arc::new(memory);
        Some(FramePool {
            shift,
            memory,
            slots,
            frames_reserved,
            frames_fresh: 0,
            free_clean: Vec::new(),
            free_used: Vec::new(),
        })
    }

    /// The memory that frames are cut from.
    pub(crate) fn memory(&self) -> &Arc<Mapping> {
        &self.memory
    }

    /// How many frames there can be.
    pub(crate) fn frames_reserved(&self) -> u64 {
        self.frames_reserved
    }

    /// A frame with any contents, to be written whole, or `None` when the reserve is used up.
    pub(crate) fn allocate_for_copy(&mut self) -> Option<*mut u8> {
        self.free_used.pop().or_else(|| self.allocate())
    }

    /// A frame of zeros, or `None` when the reserve is used up.
    pub(crate) fn allocate(&mut self) -> Option<*mut u8> {
        if let Some(frame) = self.free_clean.pop() {
            return Some(frame);
        }
        if let Some(frame) = self.free_used.pop() {
            // SAFETY: the frame is one page of our mapping and was given back, so nothing else reads or writes it.
            unsafe { frame.write_bytes(0, self.shift.page_bytes()) };
            return Some(frame);
        }
        if self.frames_fresh == self.frames_reserved {
            return None;
        }
        let offset = (self.frames_fresh as usize) << self.shift.bits();
        self.frames_fresh += 1;
        // SAFETY: `frames_fresh < frames_reserved`, so the whole frame lies inside the mapping.
        Some(unsafe { self.memory.base().add(offset) })
    }

    /// Takes back a frame that was never written since `allocate`.
    pub(crate) fn give_back_clean(&mut self, frame: *mut u8) {
        self.free_clean.push(frame);
    }

    /// Takes back a frame with contents. Nothing may read or write it any more.
    pub(crate) fn give_back_used(&mut self, frame: *mut u8) {
        self.free_used.push(frame);
    }

    /// The same for many.
    pub(crate) fn give_back_all_used(&mut self, mut frames: Vec<*mut u8>) {
        self.free_used.append(&mut frames);
    }

    /// The place in a list of dirty pages that was last noted for the frame.
    pub(crate) fn slot_of(&self, frame: *mut u8) -> u32 {
        // SAFETY: see `slot_cell`; only this value reads or writes the numbers, through `&self` and `&mut self`.
        unsafe { self.slot_cell(frame).read() }
    }

    /// Notes the place of the frame's page in the list of dirty pages.
    pub(crate) fn set_slot(&mut self, frame: *mut u8, slot: u32) {
        // SAFETY: as in `slot_of`.
        unsafe { self.slot_cell(frame).write(slot) }
    }

    fn slot_cell(&self, frame: *mut u8) -> *mut u32 {
        let index = (frame as usize - self.memory.base() as usize) >> self.shift.bits();
        assert!(
            (index as u64) < self.frames_fresh,
            "a frame of another pool"
        );
        // SAFETY: `slots` holds one aligned `u32` for each of `frames_reserved` frames, and the index is below that.
        unsafe { self.slots.base().cast::<u32>().add(index) }
    }
}
