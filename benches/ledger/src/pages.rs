//! The baseline's memory: one reservation, advised for large pages as the canvas's is, so that both pay the same for
//! address translation. Always true: the first `PAGES_MAX` pages can be read and written; untouched ones are zero.

use std::ops::{Index, IndexMut};

pub const PAGE_BYTES: usize = 16 << 10;
/// Pages that can be reached: 64 GiB of address space.
const PAGES_MAX: usize = 1 << 22;

pub struct Pages {
    base: *mut [u8; PAGE_BYTES],
}

impl Pages {
    pub fn reserve() -> Pages {
        // SAFETY: a fresh anonymous mapping, used by nobody else; the result is checked before it is used.
        let base = unsafe {
            let bytes = PAGES_MAX * PAGE_BYTES;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let base = libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                -1,
                0,
            );
            assert!(base != libc::MAP_FAILED, "no address space");
            libc::madvise(base, bytes, libc::MADV_HUGEPAGE);
            base.cast()
        };
        Pages { base }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `reserve`, unmapped once.
        unsafe { libc::munmap(self.base.cast(), PAGES_MAX * PAGE_BYTES) };
    }
}

impl Index<usize> for Pages {
    type Output = [u8; PAGE_BYTES];

    #[inline]
    fn index(&self, page: usize) -> &[u8; PAGE_BYTES] {
        assert!(page < PAGES_MAX);
        // SAFETY: within the mapping; bytes are always initialised (zero or written); `&self` excludes writers.
        unsafe { &*self.base.add(page) }
    }
}

impl IndexMut<usize> for Pages {
    #[inline]
    fn index_mut(&mut self, page: usize) -> &mut [u8; PAGE_BYTES] {
        assert!(page < PAGES_MAX);
        // SAFETY: as for `index`; `&mut self` makes the reference the only one.
        unsafe { &mut *self.base.add(page) }
    }
}
