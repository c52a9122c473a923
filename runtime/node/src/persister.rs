//! The persisting thread: makes the events durable, then writes a cut to the page store while the loop goes on.
//!
//! Always true: the superblock that names an event position becomes durable after the events up to it.

use crate::events::EventSyncer;
use crate::orderer::Ordered;
use crate::step::step;
use rc_canvas::{CheckpointCut, PageStore, PersistReport, persist};
use std::sync::mpsc::{Receiver, SyncSender};

/// A cut and what must be durable before it counts.
pub(crate) struct ToPersist {
    pub cut: CheckpointCut,
    pub events: EventSyncer,
}

/// What the loop gets back. On failure the cut has been dropped.
pub(crate) struct Persisted {
    pub result: Result<(CheckpointCut, PersistReport), String>,
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
        let synced = events.sync().map_err(|error| error.to_string());
        let persisted = synced
            .and_then(|()| persist(&mut cut, store.as_mut()).map_err(|error| error.to_string()));
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
