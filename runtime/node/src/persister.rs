//! The persisting thread: makes the events durable, then writes a cut to the page store while the loop goes on.
//!
//! Always true: the superblock that names an event position becomes durable after the events up to it; after an error of
//! the disk neither is tried again, since a second sync would report success for what the first one lost.

use crate::events::EventSyncer;
use crate::orderer::Ordered;
use crate::step::step;
use rc_canvas::{CheckpointCut, PageStore, PersistReport, StoreError, persist};
use std::sync::mpsc::{Receiver, SyncSender};

/// A cut and what must be durable before it counts.
pub(crate) struct ToPersist {
    pub cut: CheckpointCut,
    pub events: EventSyncer,
}

/// Why a cut did not become a checkpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PersistError {
    /// Nothing that counted is lost, and the log keeps what is newer; with space it may be tried again.
    #[error("{0}")]
    Refused(StoreError),
    /// What is on the disk is unknown: only a start that reads it again knows.
    #[error("{0}")]
    Disk(String),
}

impl PersistError {
    fn of(error: StoreError) -> PersistError {
        match error {
            // A store halts after an error that was told before, or after a full disk: then the log goes on alone.
            StoreError::Full { .. } | StoreError::Halted => PersistError::Refused(error),
            other => PersistError::Disk(other.to_string()),
        }
    }
}

/// What the loop gets back. On failure the cut has been dropped.
pub(crate) struct Persisted {
    pub result: Result<(CheckpointCut, PersistReport), PersistError>,
    pub raft_index: u64,
    /// Full event segments that are durable now.
    pub event_segments: usize,
}

pub(crate) fn run(
    mut store: Box<dyn PageStore>,
    cuts: Receiver<ToPersist>,
    to_loop: SyncSender<Ordered>,
) {
    for ToPersist { mut cut, events } in cuts {
        let raft_index = cut.superblock().stamp.raft_index;
        let event_segments = events.full_segments();
        step("syncing events");
        let synced = events
            .sync()
            .map_err(|error| PersistError::Disk(error.to_string()));
        let persisted =
            synced.and_then(|()| persist(&mut cut, store.as_mut()).map_err(PersistError::of));
        let result = persisted.map(|report| (cut, report));
        if to_loop
            .send(Ordered::Persisted(Persisted {
                result,
                raft_index,
                event_segments,
            }))
            .is_err()
        {
            return;
        }
    }
}
