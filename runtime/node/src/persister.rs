//! The persisting thread: makes the events durable, then writes a cut to the page store while the loop goes on.
//!
//! Always true: the superblock that names an event position becomes durable after the events up to it.

use crate::events::EventSyncer;
use rc_canvas::{CheckpointCut, PageStore, PersistReport, persist};
use std::sync::mpsc::{Receiver, Sender};

/// A cut and what must be durable before it counts.
pub(crate) struct ToPersist {
    pub cut: CheckpointCut,
    pub events: EventSyncer,
}

/// What the loop gets back. On failure the cut has been dropped.
pub(crate) struct Persisted {
    pub result: Result<(CheckpointCut, PersistReport), String>,
    pub raft_index: u64,
}

pub(crate) fn run(mut store: Box<dyn PageStore>, cuts: Receiver<ToPersist>, done: Sender<Persisted>) {
    for ToPersist { mut cut, events } in cuts {
        let raft_index = cut.superblock().stamp.raft_index;
        let synced = events.sync().map_err(|error| error.to_string());
        let persisted = synced.and_then(|()| persist(&mut cut, store.as_mut()).map_err(|error| error.to_string()));
        let result = persisted.map(|report| (cut, report));
        if done.send(Persisted { result, raft_index }).is_err() {
            return;
        }
    }
}
