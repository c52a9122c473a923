//! A cut: a consistent image of the changed pages, read by the persister while the loop goes on.
//!
//! A cut takes the list of dirty pages and clears their WRITABLE marks. From then on each page of the cut has a state:
//!
//! ```text
//!   UNSAVED ──persister──► COPYING ──► SAVED          the persister reads the live frame only while COPYING
//!      └───────loop──────► SETTING_ASIDE ──► ASIDE     the loop copies, then writes; the persister takes the copy
//! ```
//!
//! Always true: whoever moves a slot out of UNSAVED (one compare-and-swap) is the only one to copy its frame, and the
//! loop writes a frame of the cut only after it has seen SAVED or made ASIDE itself. So no byte is read and written at
//! once, and the loop waits for at most one page copy. The frames' memory is shared, so a cut may outlive its canvas.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

use crate::address::RegionId;
use crate::digest::is_zero;
use crate::frames::FramePool;
use crate::mapping::Mapping;
use crate::superblock::Superblock;

const UNSAVED: u8 = 0;
const COPYING: u8 = 1;
const SAVED: u8 = 2;
const SETTING_ASIDE: u8 = 3;
const ASIDE: u8 = 4;

/// One page of a dirty list, and later of a cut.
pub(crate) struct Slot {
    pub(crate) region: RegionId,
    pub(crate) page: u64,
    /// Null when the page is gone: it is stored as absent.
    pub(crate) frame: *mut u8,
    state: AtomicU8,
    /// A frame with the old contents, once the state is ASIDE.
    aside: AtomicPtr<u8>,
}

impl Slot {
    fn new(region: RegionId, page: u64, frame: *mut u8) -> Slot {
        let state = if frame.is_null() { SAVED } else { UNSAVED };
        Slot {
            region,
            page,
            frame,
            state: AtomicU8::new(state),
            aside: AtomicPtr::new(std::ptr::null_mut()),
        }
    }
}

/// The pages changed since the last cut, each once, in the order of their first change.
#[derive(Default)]
pub(crate) struct DirtyList {
    pub(crate) slots: Vec<Slot>,
    /// Slots of pages that are gone, so that a page made again takes its old slot.
    gone: BTreeMap<(RegionId, u64), u32>,
}

impl DirtyList {
    /// Whether the page is on the list as one that is gone.
    pub(crate) fn is_gone(&self, region: RegionId, page: u64) -> bool {
        self.gone.contains_key(&(region, page))
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn pages_of(&self, region: RegionId) -> impl Iterator<Item = u64> + '_ {
        self.slots
            .iter()
            .filter(move |slot| slot.region == region)
            .map(|slot| slot.page)
    }

    /// Adds a page that is not on the list; gives its place.
    pub(crate) fn note(&mut self, region: RegionId, page: u64, frame: *mut u8) -> u32 {
        if !self.gone.is_empty()
            && let Some(slot) = self.gone.remove(&(region, page))
        {
            self.slots[slot as usize] = Slot::new(region, page, frame);
            return slot;
        }
        self.slots.push(Slot::new(region, page, frame));
        (self.slots.len() - 1) as u32
    }

    /// Notes that a page went back to being absent; `slot` is its place if it is on the list.
    pub(crate) fn note_gone(&mut self, region: RegionId, page: u64, slot: Option<u32>) {
        let slot = match slot {
            Some(slot) => {
                self.slots[slot as usize] = Slot::new(region, page, std::ptr::null_mut());
                slot
            }
            None => self.note(region, page, std::ptr::null_mut()),
        };
        self.gone.insert((region, page), slot);
    }
}

/// What the loop and the persister share of one cut.
pub(crate) struct SharedCut {
    pub(crate) slots: Vec<Slot>,
    pub(crate) page_bytes: usize,
    /// Keeps the frames mapped for as long as anyone may read them.
    pub(crate) _frames: Arc<Mapping>,
}

// SAFETY: `frame` is read only by the side that moved the slot out of UNSAVED, `aside` only by the persister after it
// has seen ASIDE (acquire, paired with the loop's release); everything else never changes after the cut.
unsafe impl Send for SharedCut {}
// SAFETY: as above: the states arbitrate all access through shared references.
unsafe impl Sync for SharedCut {}

/// The loop's side of a running cut.
pub(crate) struct RunningCut {
    pub(crate) shared: Arc<SharedCut>,
    /// The frames with old contents; they go back to the pool when nobody can read the cut any more.
    pub(crate) aside: Vec<*mut u8>,
    pub(crate) epoch: u64,
}

/// What `RunningCut::keep` had to do.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) set_aside: bool,
    pub(crate) waited: bool,
}

impl RunningCut {
    /// Called by the loop before a page's frame changes or goes. `slot` is the place last noted for the frame; when it is
    /// not this page's place in this cut, the cut does not need the page.
    pub(crate) fn keep(
        &mut self,
        frames: &mut FramePool,
        slot: u32,
        region: RegionId,
        page: u64,
    ) -> Kept {
        let mut kept = Kept::default();
        let Some(slot) = self.shared.slots.get(slot as usize) else {
            return kept;
        };
        if slot.region != region || slot.page != page {
            return kept;
        }
        match slot.state.compare_exchange(
            UNSAVED,
            SETTING_ASIDE,
            Ordering::Acquire,
            Ordering::Acquire,
        ) {
            Ok(_) => {
                // The pool keeps as many frames for this as there can be pages; see `Canvas::new`.
                let old = frames
                    .allocate_for_copy()
                    .expect("a frame for each page of a cut");
                // SAFETY: we moved the slot out of UNSAVED, so we alone use its frame, one initialised page that only
                // this thread could write; `old` is another frame, handed out to us alone.
                unsafe { old.copy_from_nonoverlapping(slot.frame, self.shared.page_bytes) };
                self.aside.push(old);
                slot.aside.store(old, Ordering::Relaxed);
                slot.state.store(ASIDE, Ordering::Release);
                kept.set_aside = true;
            }
            Err(COPYING) => {
                kept.waited = true;
                let mut spins = 0u32;
                while slot.state.load(Ordering::Acquire) == COPYING {
                    spins += 1;
                    if spins.is_multiple_of(1 << 10) {
                        // The persister was taken off its core in the middle of a copy.
                        std::thread::yield_now();
                    }
                    std::hint::spin_loop();
                }
            }
            Err(_) => {}
        }
        kept
    }
}

/// The contents of one page of a cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageImage<'a> {
    /// The page's bytes, not all zero.
    Bytes(&'a [u8]),
    /// All zeros, or gone: what was stored of it before no longer counts.
    Absent,
}

/// One page of a cut, as of the cut.
#[derive(Clone, Copy, Debug)]
pub struct CutPage<'a> {
    /// Its region.
    pub region: RegionId,
    /// Its number.
    pub page: u64,
    /// What it held.
    pub image: PageImage<'a>,
}

/// The persister's handle: reads each page of the cut once, in address order, from any thread. It goes back to
/// `Canvas::finish_checkpoint` when all is durable; dropped instead, the checkpoint can only be abandoned.
pub struct CheckpointCut {
    pub(crate) shared: Arc<SharedCut>,
    superblock: Superblock,
    /// The slots in address order; made on the persister's thread, so that the loop does not sort.
    order: Option<Vec<u32>>,
    next: usize,
    buffer: Box<[u8]>,
}

impl CheckpointCut {
    pub(crate) fn new(shared: Arc<SharedCut>, superblock: Superblock) -> CheckpointCut {
        let buffer = vec![0; shared.page_bytes].into_boxed_slice();
        CheckpointCut {
            shared,
            superblock,
            order: None,
            next: 0,
            buffer,
        }
    }

    /// What is to be made durable after the pages.
    pub fn superblock(&self) -> &Superblock {
        &self.superblock
    }

    /// How many pages the cut has.
    pub fn pages_count(&self) -> usize {
        self.shared.slots.len()
    }

    /// The next page in address order, or `None` after the last. Not an iterator: the page lives in one buffer.
    pub fn next_page(&mut self) -> Option<CutPage<'_>> {
        let slots = &self.shared.slots;
        let order = self.order.get_or_insert_with(|| {
            let mut order: Vec<u32> = (0..slots.len() as u32).collect();
            order.sort_unstable_by_key(|slot| {
                let slot = &slots[*slot as usize];
                (slot.region, slot.page)
            });
            order
        });
        let index = *order.get(self.next)?;
        self.next += 1;
        let slot = &slots[index as usize];
        let image = if slot.frame.is_null() {
            PageImage::Absent
        } else {
            self.shared.take(slot, &mut self.buffer);
            if is_zero(&self.buffer) {
                PageImage::Absent
            } else {
                PageImage::Bytes(&self.buffer)
            }
        };
        Some(CutPage {
            region: slot.region,
            page: slot.page,
            image,
        })
    }
}

impl SharedCut {
    /// Copies the slot's page, as of the cut, into the buffer. Each slot is taken once.
    fn take(&self, slot: &Slot, buffer: &mut [u8]) {
        match slot
            .state
            .compare_exchange(UNSAVED, COPYING, Ordering::Acquire, Ordering::Acquire)
        {
            Ok(_) => {
                // SAFETY: we moved the slot out of UNSAVED, so the loop does not write the frame before it sees SAVED;
                // its memory is kept by `_frames`, and the writes before the cut happened before we got the handle.
                let live = unsafe { std::slice::from_raw_parts(slot.frame, self.page_bytes) };
                buffer.copy_from_slice(live);
                slot.state.store(SAVED, Ordering::Release);
            }
            Err(_) => {
                while slot.state.load(Ordering::Acquire) != ASIDE {
                    std::thread::yield_now();
                }
                let aside = slot.aside.swap(std::ptr::null_mut(), Ordering::Relaxed);
                assert!(!aside.is_null(), "a page of a cut taken twice");
                // SAFETY: ASIDE was seen with acquire, so the copy is complete; the loop leaves the frame alone until
                // nobody can read the cut any more, and `_frames` keeps its memory.
                buffer
                    .copy_from_slice(unsafe { std::slice::from_raw_parts(aside, self.page_bytes) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use super::*;
    use crate::address::PageShift;

    /// A cut of one page of 256 bytes, all 1, and the pool that its frame is from.
    fn cut_of_one_page() -> (FramePool, Arc<SharedCut>) {
        let mut frames = FramePool::reserve(PageShift::SMALLEST, 1 << 20).expect("address space");
        let frame = frames.allocate().expect("a fresh pool");
        // SAFETY: a frame of 256 bytes, known to nobody else.
        unsafe { frame.write_bytes(1, 256) };
        let slots = vec![Slot::new(3, 4, frame)];
        let shared = SharedCut {
            slots,
            page_bytes: 256,
            _frames: Arc::clone(frames.memory()),
        };
        (frames, Arc::new(shared))
    }

    fn running(shared: &Arc<SharedCut>) -> RunningCut {
        RunningCut {
            shared: Arc::clone(shared),
            aside: Vec::new(),
            epoch: 1,
        }
    }

    #[test]
    fn the_loop_waits_while_its_page_is_being_copied() {
        let (mut frames, shared) = cut_of_one_page();
        shared.slots[0].state.store(COPYING, Ordering::Release);
        let mut running = running(&shared);
        let is_copied = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(50));
                is_copied.store(true, Ordering::Relaxed);
                shared.slots[0].state.store(SAVED, Ordering::Release);
            });
            let kept = running.keep(&mut frames, 0, 3, 4);
            assert!(
                is_copied.load(Ordering::Relaxed),
                "the page may be written while it is copied"
            );
            assert_eq!((kept.waited, kept.set_aside), (true, false));
        });
    }

    #[test]
    fn the_persister_waits_while_a_page_is_set_aside() {
        let (mut frames, shared) = cut_of_one_page();
        shared.slots[0]
            .state
            .store(SETTING_ASIDE, Ordering::Release);
        let old = frames.allocate_for_copy().expect("room");
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| {
                let mut buffer = [0; 256];
                shared.take(&shared.slots[0], &mut buffer);
                buffer
            });
            std::thread::sleep(Duration::from_millis(50));
            assert!(!taking.is_finished(), "half a copy was taken");
            // SAFETY: a frame of 256 bytes; the other thread reads it only after it sees ASIDE.
            unsafe { old.write_bytes(9, 256) };
            shared.slots[0].aside.store(old, Ordering::Relaxed);
            shared.slots[0].state.store(ASIDE, Ordering::Release);
            assert_eq!(taking.join().expect("no panic"), [9; 256]);
        });
    }

    #[test]
    fn only_the_first_write_of_a_page_of_the_cut_sets_it_aside() {
        let (mut frames, shared) = cut_of_one_page();
        let mut running = running(&shared);
        for (slot, region, page) in [(1, 3, 4), (0, 2, 4), (0, 3, 5)] {
            assert!(
                !running.keep(&mut frames, slot, region, page).set_aside,
                "not a page of the cut"
            );
        }
        assert!(running.keep(&mut frames, 0, 3, 4).set_aside);
        assert!(!running.keep(&mut frames, 0, 3, 4).set_aside);
        // SAFETY: the frame is ours again: its old contents are aside.
        unsafe { shared.slots[0].frame.write_bytes(2, 256) };
        let mut buffer = [0; 256];
        shared.take(&shared.slots[0], &mut buffer);
        assert_eq!(buffer, [1; 256]);
    }
}
