//! Handles of touched pages, and the checked access that they give: what the interpreter uses.
//! A handle is honoured only while its generation is the canvas's own. Generations are unique in the process, and a cut,
//! a region change and the end of a command that read absent pages begin a new one.

use crate::address::RegionId;
use crate::canvas::{Access, Canvas};

/// A touched page: the right to read it, or to write it, until the next cut or region change.
#[derive(Clone, Copy)]
pub struct Frame {
    pub(crate) pointer: *mut u8,
    pub(crate) generation: u64,
    pub(crate) page: u64,
    pub(crate) region: RegionId,
    pub(crate) writable: bool,
}

// SAFETY: a frame's pointer is used only inside methods of the canvas, after comparing generations; the handle itself
// gives no access to memory.
unsafe impl Send for Frame {}
// SAFETY: as above.
unsafe impl Sync for Frame {}

impl Frame {
    /// The region of the page.
    pub fn region(&self) -> RegionId {
        self.region
    }

    /// The page's number.
    pub fn page(&self) -> u64 {
        self.page
    }

    /// Whether it was touched for writing.
    pub fn is_writable(&self) -> bool {
        self.writable
    }
}

impl std::fmt::Debug for Frame {
    // Without the pointer: addresses differ from run to run.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let access = if self.writable {
            Access::Write
        } else {
            Access::Read
        };
        write!(formatter, "Frame({}:{} {access:?})", self.region, self.page)
    }
}

impl Canvas {
    #[inline]
    fn check(&self, frame: &Frame) {
        assert!(
            frame.generation == self.generation,
            "a page handle used after its command ended"
        );
    }

    /// The page's bytes. Panics on a handle from before the last cut, region change or `end_command`.
    #[inline]
    pub fn bytes(&self, frame: &Frame) -> &[u8] {
        self.check(frame);
        // SAFETY: the generation shows that the pointer is a frame of this canvas that still stands for this page. All
        // writers need `&mut self`, so nothing writes while the slice lives; a persister only reads.
        unsafe { std::slice::from_raw_parts(frame.pointer, self.options.page_shift.page_bytes()) }
    }

    /// The page's bytes for change. Panics as `bytes`, and on a handle that was touched for reading.
    #[inline]
    pub fn bytes_mut(&mut self, frame: &Frame) -> &mut [u8] {
        self.check(frame);
        assert!(
            frame.writable,
            "a store through a page handle that was touched for reading"
        );
        // SAFETY: as in `bytes`; and the write touch in this generation made the entry WRITABLE, so no cut reads the
        // frame any more, and `&mut self` keeps every other slice away.
        unsafe {
            std::slice::from_raw_parts_mut(frame.pointer, self.options.page_shift.page_bytes())
        }
    }

    /// Copies bytes of the page out. Panics beyond the page, and as `bytes`.
    #[inline]
    pub fn read(&self, frame: &Frame, offset: usize, into: &mut [u8]) {
        into.copy_from_slice(&self.bytes(frame)[offset..][..into.len()]);
    }

    /// Copies bytes into the page. Panics beyond the page, and as `bytes_mut`.
    #[inline]
    pub fn write(&mut self, frame: &Frame, offset: usize, from: &[u8]) {
        self.bytes_mut(frame)[offset..][..from.len()].copy_from_slice(from);
    }

    /// Copies between two touched pages, or within one (the ranges may overlap). Panics beyond either page, and as
    /// `bytes` and `bytes_mut`.
    pub fn copy(
        &mut self,
        from: &Frame,
        from_offset: usize,
        to: &Frame,
        to_offset: usize,
        length: usize,
    ) {
        self.check(from);
        self.check(to);
        assert!(
            to.writable,
            "a store through a page handle that was touched for reading"
        );
        let page_bytes = self.page_bytes();
        let fits = |offset: usize| offset <= page_bytes && length <= page_bytes - offset;
        assert!(
            fits(from_offset) && fits(to_offset),
            "a copy beyond the end of a page"
        );
        // SAFETY: both ranges lie in live frames of this canvas (checked above), the target is writable, `&mut self`
        // excludes other slices, and `copy` allows overlap.
        unsafe {
            std::ptr::copy(
                from.pointer.add(from_offset),
                to.pointer.add(to_offset),
                length,
            )
        }
    }
}
