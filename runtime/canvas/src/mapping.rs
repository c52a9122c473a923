//! Reserved address space: anonymous memory that costs nothing until it is written.
//! A mapping is zero where it was never written, keeps its place for its whole life, and is given back when
//! dropped. Everything in it is reached through raw pointers; no reference to its bytes is kept here.

use std::ptr::NonNull;

/// One reserved range of anonymous memory.
pub(crate) struct Mapping {
    base: NonNull<u8>,
    bytes: usize,
}

// SAFETY: a mapping is plain memory owned by this value. It hands out raw pointers only, so whoever dereferences
// them answers for the absence of races; moving or sharing the owner itself touches no byte.
unsafe impl Send for Mapping {}
// SAFETY: as above: the shared methods read the two fields, which never change.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Reserves `bytes` (rounded up to whole system pages) of zeros, aligned to 64 KiB. `None` when the system refuses.
    pub(crate) fn reserve(bytes: usize) -> Option<Mapping> {
        const ALIGNMENT: usize = 1 << 16;
        let bytes = bytes.max(1).checked_next_multiple_of(ALIGNMENT)?;
        let wanted = bytes.checked_add(ALIGNMENT)?;
        // SAFETY: an anonymous private mapping at an address of the kernel's choice overlaps nothing that exists.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                wanted,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return None;
        }
        let start = start.cast::<u8>();
        let head = start.align_offset(ALIGNMENT);
        let tail = ALIGNMENT - head;
        // SAFETY: `head <= ALIGNMENT`, so `head + bytes + tail == wanted` stays inside the range just mapped; the two
        // ends given back here are never used, and the middle stays mapped until `drop`.
        unsafe {
            let base = start.add(head);
            if head > 0 {
                libc::munmap(start.cast(), head);
            }
            if tail > 0 {
                libc::munmap(base.add(bytes).cast(), tail);
            }
            Some(Mapping {
                base: NonNull::new(base)?,
                bytes,
            })
        }
    }

    /// Reserves `bytes`; where address space is limited, a quarter of the largest half, quarter, … that can be had, so that
    /// others find room too, but at least `bytes_min`. `None` when even that is refused.
    pub(crate) fn reserve_down_to(bytes: usize, bytes_min: usize) -> Option<Mapping> {
        let mut wanted = bytes;
        loop {
            if let Some(mapping) = Mapping::reserve(wanted) {
                if wanted == bytes {
                    return Some(mapping);
                }
                drop(mapping);
                return Mapping::reserve((wanted / 4).max(bytes_min));
            }
            if wanted <= bytes_min {
                return None;
            }
            wanted = (wanted / 2).max(bytes_min);
        }
    }

    /// Asks for large system pages, which spare address translation; a system without them ignores it.
    pub(crate) fn advise_large_pages(&self) {
        // SAFETY: the range is this mapping, and the advice changes neither contents nor permissions.
        unsafe {
            libc::madvise(self.base.as_ptr().cast(), self.bytes, libc::MADV_HUGEPAGE);
        }
    }

    /// Asks for small system pages: where single entries are written far apart, a large page would cost much for each.
    pub(crate) fn advise_small_pages(&self) {
        // SAFETY: as in `advise_large_pages`.
        unsafe {
            libc::madvise(self.base.as_ptr().cast(), self.bytes, libc::MADV_NOHUGEPAGE);
        }
    }

    /// The first byte. Valid for `bytes()` bytes while the mapping lives.
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The length in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `reserve` and is unmapped only here; pointers into it are held only by
        // values that own or share this mapping.
        unsafe {
            libc::munmap(self.base.as_ptr().cast(), self.bytes);
        }
    }
}
