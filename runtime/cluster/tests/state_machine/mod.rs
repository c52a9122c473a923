//! The smallest state machine that keeps openraft's contract: it remembers every payload applied, in memory, and its
//! snapshots are that list as JSON. The node's state machine is the engine; this one exists for the tests of the log.

use std::io::Cursor;
use std::sync::Arc;

use openraft::storage::RaftStateMachine;
use openraft::{
    BasicNode, Entry, EntryPayload, LogId, OptionalSend, RaftSnapshotBuilder, Snapshot,
    SnapshotMeta, StorageError, StorageIOError, StoredMembership,
};
use rc_cluster::{BatchOutcome, NodeTypes, OrderedPayload};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Applied {
    pub last: Option<LogId<u64>>,
    pub membership: StoredMembership<u64, BasicNode>,
    pub payloads: Vec<OrderedPayload>,
}

#[derive(Default)]
struct Inner {
    applied: Applied,
    snapshot: Option<(SnapshotMeta<u64, BasicNode>, Vec<u8>)>,
    snapshots_built: u64,
}

#[derive(Clone, Default)]
pub struct ListMachine(Arc<Mutex<Inner>>);

impl ListMachine {
    #[allow(
        dead_code,
        reason = "one of the two test files that share this module uses it"
    )]
    pub async fn applied(&self) -> Applied {
        self.0.lock().await.applied.clone()
    }
}

impl RaftSnapshotBuilder<NodeTypes> for ListMachine {
    async fn build_snapshot(&mut self) -> Result<Snapshot<NodeTypes>, StorageError<u64>> {
        let mut inner = self.0.lock().await;
        inner.snapshots_built += 1;
        let bytes = serde_json::to_vec(&inner.applied)
            .map_err(|error| StorageIOError::read_state_machine(&error))?;
        let meta = SnapshotMeta {
            last_log_id: inner.applied.last,
            last_membership: inner.applied.membership.clone(),
            snapshot_id: format!("{:?}-{}", inner.applied.last, inner.snapshots_built),
        };
        inner.snapshot = Some((meta.clone(), bytes.clone()));
        Ok(Snapshot {
            meta,
            snapshot: Box::new(Cursor::new(bytes)),
        })
    }
}

impl RaftStateMachine<NodeTypes> for ListMachine {
    type SnapshotBuilder = ListMachine;

    async fn applied_state(
        &mut self,
    ) -> Result<(Option<LogId<u64>>, StoredMembership<u64, BasicNode>), StorageError<u64>> {
        let inner = self.0.lock().await;
        Ok((inner.applied.last, inner.applied.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<BatchOutcome>, StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<NodeTypes>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut inner = self.0.lock().await;
        let mut outcomes = Vec::new();
        for entry in entries {
            inner.applied.last = Some(entry.log_id);
            let mut outcome = BatchOutcome::default();
            match entry.payload {
                EntryPayload::Blank => {}
                EntryPayload::Normal(payload) => {
                    outcome.bytes = payload.bytes.clone();
                    inner.applied.payloads.push(payload);
                }
                EntryPayload::Membership(membership) => {
                    inner.applied.membership =
                        StoredMembership::new(Some(entry.log_id), membership);
                }
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    async fn get_snapshot_builder(&mut self) -> ListMachine {
        self.clone()
    }

    async fn begin_receiving_snapshot(
        &mut self,
    ) -> Result<Box<Cursor<Vec<u8>>>, StorageError<u64>> {
        Ok(Box::new(Cursor::new(Vec::new())))
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<u64, BasicNode>,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<(), StorageError<u64>> {
        let bytes = snapshot.into_inner();
        let mut applied: Applied = serde_json::from_slice(&bytes)
            .map_err(|error| StorageIOError::read_snapshot(Some(meta.signature()), &error))?;
        applied.last = meta.last_log_id;
        applied.membership = meta.last_membership.clone();
        let mut inner = self.0.lock().await;
        inner.applied = applied;
        inner.snapshot = Some((meta.clone(), bytes));
        Ok(())
    }

    async fn get_current_snapshot(
        &mut self,
    ) -> Result<Option<Snapshot<NodeTypes>>, StorageError<u64>> {
        let inner = self.0.lock().await;
        Ok(inner.snapshot.as_ref().map(|(meta, bytes)| Snapshot {
            meta: meta.clone(),
            snapshot: Box::new(Cursor::new(bytes.clone())),
        }))
    }
}
