//! The canvas itself: regions, touches, and checked access to touched pages.
//! Invariants:
//! - A page's frame never moves while the page is present; a page touched for reading while absent keeps the frame
//!   that it was shown if it is written later in the same command, so handles stay true.
//! - An entry has WRITABLE only if the page is on the dirty list, its region is writable, and no running cut still
//!   needs the frame's contents: bytes change only behind a WRITABLE entry.
//! - A `Frame` is honoured only while its generation is the canvas's; generations are never reused in a process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::address::{PageShift, REGIONS_MAX, RegionId};
use crate::cut::{DirtyList, RunningCut};
use crate::digest::Digest;
use crate::frame::Frame;
use crate::frames::FramePool;
use crate::mapping::Mapping;
use crate::options::{CanvasCounters, CanvasOptions};
use crate::region::{
    ENTRY_DIRTY, ENTRY_FRAME_MASK, ENTRY_WRITABLE, Region, RegionEntry, RegionState,
};

/// Whether a touch allows only loads, or stores too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Loads only.
    Read,
    /// Loads and stores; marks the page dirty.
    Write,
}

/// Why a touch was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TouchError {
    /// The region is free.
    #[error("region {0} does not exist")]
    NoSuchRegion(RegionId),
    /// The region's state lets nobody in.
    #[error("region {0} is inaccessible")]
    Inaccessible(RegionId),
    /// A write touch of a read-only region.
    #[error("region {0} is read-only")]
    ReadOnly(RegionId),
    /// The page number is at or beyond `PageShift::pages_max`.
    #[error("page {page} of region {region} is beyond the end of the region")]
    PageOutOfRange {
        /// The region touched.
        region: RegionId,
        /// The page asked for.
        page: u64,
    },
    /// No frame is left within the canvas's bound.
    #[error("no memory is left for another page")]
    OutOfMemory,
}

/// Why the list of regions could not be changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RegionError {
    /// `create_region` of a region that is not free.
    #[error("region {0} exists already")]
    AlreadyExists(RegionId),
    /// The region is free.
    #[error("region {0} does not exist")]
    NoSuchRegion(RegionId),
    /// The system gave no address space for the page table.
    #[error("no address space is left for the page table of region {0}")]
    OutOfMemory(RegionId),
}

/// Generations are unique in the process, so a frame of one canvas never passes for a frame of another.
fn next_generation() -> u64 {
    static GENERATIONS: AtomicU64 = AtomicU64::new(1);
    GENERATIONS.fetch_add(1, Ordering::Relaxed)
}

/// Regions of pages in one 64-bit address space.
pub struct Canvas {
    pub(crate) options: CanvasOptions,
    pub(crate) frames: FramePool,
    pub(crate) regions: Vec<Option<Box<Region>>>,
    /// `REGIONS_MAX` times `RegionEntry`, for compiled code.
    region_entries: Mapping,
    pub(crate) generation: u64,
    /// Frames shown for absent pages since `end_command`; all zero.
    shown_absent: BTreeMap<(RegionId, u64), *mut u8>,
    pub(crate) dirty: DirtyList,
    pub(crate) running_cut: Option<RunningCut>,
    /// The epoch of the newest finished checkpoint.
    pub(crate) epoch: u64,
    pub(crate) counters: CanvasCounters,
    resident_pages_max: u64,
    shown_absent_max: u64,
}

// SAFETY: the raw pointers are frames of the canvas's own mapping. Other threads see frames only through a cut, whose
// protocol (see `checkpoint`) keeps them from reading what the loop writes.
unsafe impl Send for Canvas {}

impl Canvas {
    /// An empty canvas. `None` when the system gives no address space.
    pub fn new(options: CanvasOptions) -> Option<Canvas> {
        // Four parts for pages, as many for what a running cut sets aside, one for absent pages on show: a frame to set
        // a page aside is always there.
        let reserve_bytes = (options.memory_bytes_max / 4 + 1).saturating_mul(9);
        let frames = FramePool::reserve(options.page_shift, reserve_bytes)?;
        let part = frames.frames_reserved() / 9;
        Some(Canvas {
            frames,
            regions: Vec::new(),
            region_entries: Mapping::reserve(REGIONS_MAX * size_of::<RegionEntry>())?,
            generation: next_generation(),
            shown_absent: BTreeMap::new(),
            dirty: DirtyList::default(),
            running_cut: None,
            epoch: 0,
            counters: CanvasCounters::default(),
            resident_pages_max: (options.memory_bytes_max >> options.page_shift.bits())
                .min(4 * part),
            shown_absent_max: part,
            options,
        })
    }

    /// The page size.
    pub fn page_shift(&self) -> PageShift {
        self.options.page_shift
    }

    /// Bytes in a page.
    pub fn page_bytes(&self) -> usize {
        self.options.page_shift.page_bytes()
    }

    /// The entries of all 65,536 regions, in order; the pointer stays the same for the canvas's life.
    /// Compiled code reads them, and only while it holds the canvas exclusively.
    pub fn region_entries_ptr(&self) -> *const RegionEntry {
        self.region_entries
            .base()
            .cast::<RegionEntry>()
            .cast_const()
    }

    /// Metrics.
    pub fn counters(&self) -> CanvasCounters {
        let mut counters = self.counters;
        counters.dirty_pages = self.dirty.len() as u64;
        counters
    }

    // -- regions --------------------------------------------------------------------------------------------------

    /// Makes a free region writable and empty.
    pub fn create_region(&mut self, region: RegionId) -> Result<(), RegionError> {
        if self.region(region).is_some() {
            return Err(RegionError::AlreadyExists(region));
        }
        let made = Region::new(self.options.page_shift.pages_max())
            .ok_or(RegionError::OutOfMemory(region))?;
        let index = usize::from(region);
        if self.regions.len() <= index {
            self.regions.resize_with(index + 1, || None);
        }
        self.regions[index] = Some(Box::new(made));
        self.publish_region(region);
        Ok(())
    }

    /// Changes a region's state. `Free` gives its pages back and costs time in proportion to them; handles into any
    /// region end with this call.
    pub fn set_state(&mut self, region: RegionId, state: RegionState) -> Result<(), RegionError> {
        self.region(region)
            .ok_or(RegionError::NoSuchRegion(region))?;
        self.end_handles();
        if state == RegionState::Free {
            self.release_region(region);
            return Ok(());
        }
        let shown = self.regions[usize::from(region)]
            .as_deref_mut()
            .expect("looked up above");
        shown.state = state;
        for page in self.dirty.pages_of(region) {
            // A page whose region cannot be written loses the mark that would let compiled code write it.
            shown.set_entry(page, shown.entry(page) & !ENTRY_WRITABLE);
        }
        self.publish_region(region);
        Ok(())
    }

    /// The region's state; `Free` for a region that does not exist.
    pub fn state(&self, region: RegionId) -> RegionState {
        self.region(region)
            .map_or(RegionState::Free, |found| found.state)
    }

    /// Keeps bytes that mean something to the caller (a name, a layout) with the region; they go into superblocks.
    pub fn set_region_metadata(
        &mut self,
        region: RegionId,
        metadata: Vec<u8>,
    ) -> Result<(), RegionError> {
        let found = self
            .regions
            .get_mut(usize::from(region))
            .and_then(Option::as_deref_mut);
        found.ok_or(RegionError::NoSuchRegion(region))?.metadata = metadata;
        Ok(())
    }

    /// The regions that are not free, in ascending order, with state and metadata.
    pub fn regions(&self) -> impl Iterator<Item = (RegionId, RegionState, &[u8])> + '_ {
        self.regions
            .iter()
            .enumerate()
            .filter_map(|(index, region)| {
                let region = region.as_deref()?;
                Some((index as RegionId, region.state, region.metadata.as_slice()))
            })
    }

    #[inline]
    pub(crate) fn region(&self, region: RegionId) -> Option<&Region> {
        self.regions
            .get(usize::from(region))
            .and_then(Option::as_deref)
    }

    fn publish_region(&mut self, region: RegionId) {
        let entry = match self.region(region) {
            Some(found) => found.entry_for_code(),
            None => RegionEntry {
                table: std::ptr::null(),
                reserved_pages: 0,
                state: RegionState::Free as u64,
            },
        };
        // SAFETY: the mapping holds `REGIONS_MAX` entries and a `RegionId` is below that; we hold the canvas
        // exclusively, so no compiled code reads the entry now.
        unsafe {
            self.region_entries
                .base()
                .cast::<RegionEntry>()
                .add(usize::from(region))
                .write(entry)
        }
    }

    fn release_region(&mut self, region: RegionId) {
        let Some(mut gone) = self.regions[usize::from(region)].take() else {
            return;
        };
        self.publish_region(region);
        let present: Vec<(u64, u64)> = gone.present().collect();
        for (page, entry) in present {
            let frame = (entry & ENTRY_FRAME_MASK) as *mut u8;
            self.keep_for_cut(region, page, frame);
            let slot = (entry & ENTRY_DIRTY != 0).then(|| self.frames.slot_of(frame));
            self.dirty.note_gone(region, page, slot);
            gone.set_entry(page, 0);
            self.frames.give_back_used(frame);
            self.counters.resident_pages -= 1;
        }
    }

    // -- touches --------------------------------------------------------------------------------------------------

    /// Touches a page and gives the handle for reading or writing it.
    #[inline]
    pub fn touch(
        &mut self,
        region: RegionId,
        page: u64,
        access: Access,
    ) -> Result<Frame, TouchError> {
        let pointer = match self.touch_quickly(region, page, access) {
            Some(pointer) => pointer,
            None => self.touch_pointer(region, page, access)?,
        };
        let writable = access == Access::Write;
        Ok(Frame {
            pointer,
            generation: self.generation,
            page,
            region,
            writable,
        })
    }

    #[inline]
    fn touch_quickly(&self, region: RegionId, page: u64, access: Access) -> Option<*mut u8> {
        let found = self.region(region)?;
        let entry = found.entry(page);
        let enough = match access {
            Access::Read => entry != 0 && found.state <= RegionState::ReadOnly,
            Access::Write => entry & ENTRY_WRITABLE != 0,
        };
        enough.then_some((entry & ENTRY_FRAME_MASK) as *mut u8)
    }

    /// The same for compiled code: the first byte of the page's frame, aligned to the page size. The pointer is good
    /// for loads (`Read`) or loads and stores (`Write`) of one page until the next cut, region change or `end_command`.
    pub fn touch_pointer(
        &mut self,
        region: RegionId,
        page: u64,
        access: Access,
    ) -> Result<*mut u8, TouchError> {
        self.counters.slow_touches += 1;
        let found = self
            .region(region)
            .ok_or(TouchError::NoSuchRegion(region))?;
        match found.state {
            RegionState::Free => return Err(TouchError::NoSuchRegion(region)),
            RegionState::Inaccessible => return Err(TouchError::Inaccessible(region)),
            RegionState::ReadOnly if access == Access::Write => {
                return Err(TouchError::ReadOnly(region));
            }
            RegionState::ReadOnly | RegionState::Writable => {}
        }
        if page >= self.options.page_shift.pages_max() {
            return Err(TouchError::PageOutOfRange { region, page });
        }
        let entry = found.entry(page);
        match (access, entry) {
            (Access::Read, 0) => self.show_absent(region, page),
            (Access::Read, entry) => Ok((entry & ENTRY_FRAME_MASK) as *mut u8),
            (Access::Write, 0) => self.make_page(region, page),
            (Access::Write, entry) => Ok(self.make_writable(region, page, entry)),
        }
    }

    /// A page that does not exist reads as zeros: shows a zero frame that costs no memory and becomes the page's
    /// own if the page is written before the command ends.
    fn show_absent(&mut self, region: RegionId, page: u64) -> Result<*mut u8, TouchError> {
        self.counters.absent_touches += 1;
        if let Some(frame) = self.shown_absent.get(&(region, page)) {
            return Ok(*frame);
        }
        if self.shown_absent.len() as u64 >= self.shown_absent_max {
            return Err(TouchError::OutOfMemory);
        }
        let frame = self.frames.allocate().ok_or(TouchError::OutOfMemory)?;
        self.shown_absent.insert((region, page), frame);
        Ok(frame)
    }

    fn make_page(&mut self, region: RegionId, page: u64) -> Result<*mut u8, TouchError> {
        if self.counters.resident_pages >= self.resident_pages_max {
            return Err(TouchError::OutOfMemory);
        }
        let frame = match self.shown_absent.remove(&(region, page)) {
            Some(frame) => frame,
            None => self.frames.allocate().ok_or(TouchError::OutOfMemory)?,
        };
        let slot = self.dirty.note(region, page, frame);
        self.frames.set_slot(frame, slot);
        self.set_entry(region, page, frame as u64 | ENTRY_DIRTY | ENTRY_WRITABLE);
        self.counters.resident_pages += 1;
        Ok(frame)
    }

    fn make_writable(&mut self, region: RegionId, page: u64, entry: u64) -> *mut u8 {
        let frame = (entry & ENTRY_FRAME_MASK) as *mut u8;
        if entry & ENTRY_WRITABLE == 0 {
            if entry & ENTRY_DIRTY == 0 {
                self.keep_for_cut(region, page, frame);
                let slot = self.dirty.note(region, page, frame);
                self.frames.set_slot(frame, slot);
            }
            self.set_entry(region, page, frame as u64 | ENTRY_DIRTY | ENTRY_WRITABLE);
        }
        frame
    }

    /// Before a frame changes or goes: if a running cut still needs its contents, sets them aside.
    fn keep_for_cut(&mut self, region: RegionId, page: u64, frame: *mut u8) {
        let Some(cut) = &mut self.running_cut else {
            return;
        };
        let slot = self.frames.slot_of(frame);
        let before = self.options.stopwatch.map(|stopwatch| stopwatch());
        let kept = cut.keep(&mut self.frames, slot, region, page);
        self.counters.pages_set_aside += u64::from(kept.set_aside);
        self.counters.waits_for_persister += u64::from(kept.waited);
        self.note_pause(before);
    }

    pub(crate) fn note_pause(&mut self, before: Option<u64>) {
        if let (Some(before), Some(stopwatch)) = (before, self.options.stopwatch) {
            let pause = stopwatch().saturating_sub(before);
            self.counters.longest_pause_nanoseconds =
                self.counters.longest_pause_nanoseconds.max(pause);
        }
    }

    pub(crate) fn set_entry(&mut self, region: RegionId, page: u64, entry: u64) {
        if let Some(found) = self
            .regions
            .get_mut(usize::from(region))
            .and_then(Option::as_deref_mut)
        {
            found.set_entry(page, entry);
        }
    }

    /// Ends a command: frames shown for absent pages that stayed unwritten are given back. Handles and pointers from
    /// before are over. Free of cost when no absent page was read.
    #[inline]
    pub fn end_command(&mut self) {
        if !self.shown_absent.is_empty() {
            self.end_handles();
        }
    }

    pub(crate) fn end_handles(&mut self) {
        self.generation = next_generation();
        while let Some((_, frame)) = self.shown_absent.pop_first() {
            self.frames.give_back_clean(frame);
        }
    }

    // -- the whole --------------------------------------------------------------------------------------------------

    /// Puts a page as it was stored in place, not dirty. For recovery, before anything is touched: the region must
    /// exist and the page be absent. Panics when `bytes` is not one page.
    pub fn load_page(
        &mut self,
        region: RegionId,
        page: u64,
        bytes: &[u8],
    ) -> Result<(), TouchError> {
        assert_eq!(bytes.len(), self.page_bytes(), "not one page");
        let found = self
            .region(region)
            .ok_or(TouchError::NoSuchRegion(region))?;
        if page >= self.options.page_shift.pages_max() {
            return Err(TouchError::PageOutOfRange { region, page });
        }
        assert!(found.entry(page) == 0, "a page loaded over another");
        self.end_handles();
        if self.counters.resident_pages >= self.resident_pages_max {
            return Err(TouchError::OutOfMemory);
        }
        let frame = self.frames.allocate().ok_or(TouchError::OutOfMemory)?;
        // SAFETY: the frame is one page of our mapping, fresh, known to nobody else; `bytes` is one page long.
        unsafe { frame.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.set_entry(region, page, frame as u64);
        self.counters.resident_pages += 1;
        Ok(())
    }

    /// The pages in memory, in address order, with their bytes. A page may be all zeros.
    pub fn pages(&self) -> impl Iterator<Item = (RegionId, u64, &[u8])> + '_ {
        let page_bytes = self.page_bytes();
        let regions = self.regions.iter().enumerate();
        let regions =
            regions.filter_map(|(index, region)| Some((index as RegionId, region.as_deref()?)));
        regions.flat_map(move |(id, region)| {
            region.present().map(move |(page, entry)| {
                let frame = (entry & ENTRY_FRAME_MASK) as *const u8;
                // SAFETY: an entry's frame is one initialised page of our mapping; the iterator borrows the canvas,
                // so nothing writes it meanwhile.
                (id, page, unsafe {
                    std::slice::from_raw_parts(frame, page_bytes)
                })
            })
        })
    }

    /// A hash of all pages that are not all zeros, in address order. It depends on contents alone: not on what is
    /// resident, on frames, or on when checkpoints were cut. Region states and metadata are not part of it.
    pub fn digest_pages(&self) -> u64 {
        let mut digest = Digest::new();
        for (region, page, bytes) in self.pages() {
            digest.add_page(region, page, bytes);
        }
        digest.finish()
    }
}
