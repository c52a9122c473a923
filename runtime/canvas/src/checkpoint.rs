//! Checkpoints as the loop sees them: begin, then finish or abandon; one at a time.
//! Beginning clears the WRITABLE marks of the dirty pages, so that the first write of each comes by the cut's protocol.
//! After an abandoned checkpoint all its pages are dirty again: each cut holds all that changed since the last one that
//! became durable.

use std::sync::Arc;

use crate::canvas::Canvas;
use crate::cut::{CheckpointCut, RunningCut, SharedCut};
use crate::directory::DirectorySummary;
use crate::region::{ENTRY_DIRTY, ENTRY_FRAME_MASK};
use crate::superblock::{CheckpointStamp, RegionRecord, Superblock};

/// Why a checkpoint could not begin or end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The one before has neither finished nor been abandoned.
    #[error("a checkpoint is still running")]
    StillRunning,
    /// There is none to end.
    #[error("no checkpoint is running")]
    NotRunning,
    /// The handle is of another checkpoint or another canvas.
    #[error("this cut belongs to another checkpoint")]
    NotThisCheckpoint,
    /// `abandon_checkpoint` while the persister still holds the handle.
    #[error("the cut is still being read")]
    StillRead,
}

impl Canvas {
    /// Cuts: the handle holds all pages changed since the cut before, as they are now. To be called between commands; the
    /// cost is in proportion to the number of those pages, and handles of pages end.
    pub fn begin_checkpoint(
        &mut self,
        stamp: CheckpointStamp,
    ) -> Result<CheckpointCut, CheckpointError> {
        if self.running_cut.is_some() {
            return Err(CheckpointError::StillRunning);
        }
        let before = self.options.stopwatch.map(|stopwatch| stopwatch());
        self.end_handles();
        let dirty = std::mem::take(&mut self.dirty);
        self.dirty.slots.reserve(dirty.slots.len().min(1 << 16));
        for slot in dirty.slots.iter().filter(|slot| !slot.frame.is_null()) {
            self.set_entry(slot.region, slot.page, slot.frame as u64);
        }
        let regions = self.regions().map(|(id, state, metadata)| RegionRecord {
            id,
            state,
            metadata: metadata.to_vec(),
        });
        let superblock = Superblock {
            page_shift: self.page_shift(),
            epoch: self.epoch + 1,
            regions: regions.collect(),
            stamp,
            directory: DirectorySummary::default(),
        };
        let page_bytes = self.page_bytes();
        let shared = Arc::new(SharedCut {
            slots: dirty.slots,
            page_bytes,
            _frames: Arc::clone(self.frames.memory()),
        });
        self.running_cut = Some(RunningCut {
            shared: Arc::clone(&shared),
            aside: Vec::new(),
            epoch: superblock.epoch,
        });
        self.counters.cut_pages = shared.slots.len() as u64;
        self.counters.checkpoints_begun += 1;
        self.note_pause(before);
        Ok(CheckpointCut::new(shared, superblock))
    }

    /// Whether a checkpoint has begun and not ended.
    pub fn is_checkpoint_running(&self) -> bool {
        self.running_cut.is_some()
    }

    /// Ends a checkpoint whose superblock is durable. Taking the handle shows that nobody reads the cut any more.
    pub fn finish_checkpoint(&mut self, cut: CheckpointCut) -> Result<(), CheckpointError> {
        let running = self.running_cut.take().ok_or(CheckpointError::NotRunning)?;
        if !Arc::ptr_eq(&running.shared, &cut.shared) {
            self.running_cut = Some(running);
            return Err(CheckpointError::NotThisCheckpoint);
        }
        drop(cut);
        self.epoch = running.epoch;
        self.frames.give_back_all_used(running.aside);
        Ok(())
    }

    /// Ends a checkpoint that did not become durable, once its handle has been dropped: its pages count as changed
    /// again, so that the next one holds them too.
    pub fn abandon_checkpoint(&mut self) -> Result<(), CheckpointError> {
        let running = self.running_cut.take().ok_or(CheckpointError::NotRunning)?;
        let RunningCut {
            shared,
            aside,
            epoch,
        } = running;
        // Succeeds only for the last owner, and orders the persister's reads before what the loop writes next.
        let shared = match Arc::try_unwrap(shared) {
            Ok(shared) => shared,
            Err(shared) => {
                self.running_cut = Some(RunningCut {
                    shared,
                    aside,
                    epoch,
                });
                return Err(CheckpointError::StillRead);
            }
        };
        self.frames.give_back_all_used(aside);
        for slot in &shared.slots {
            let entry = self
                .region(slot.region)
                .map_or(0, |region| region.entry(slot.page));
            if entry == 0 {
                if !self.dirty.is_gone(slot.region, slot.page) {
                    self.dirty.note_gone(slot.region, slot.page, None);
                }
            } else if entry & ENTRY_DIRTY == 0 {
                let frame = (entry & ENTRY_FRAME_MASK) as *mut u8;
                let place = self.dirty.note(slot.region, slot.page, frame);
                self.frames.set_slot(frame, place);
                self.set_entry(slot.region, slot.page, entry | ENTRY_DIRTY);
            }
        }
        Ok(())
    }
}
