//! A cluster of one: openraft's real core over our log on real files. Batches that were answered are there after a restart,
//! though the state machine forgets everything; a purge after a snapshot keeps the rest; the vote survives.

mod state_machine;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openraft::error::{InstallSnapshotError, NetworkError, RPCError, RaftError};
use openraft::network::{RPCOption, RaftNetwork, RaftNetworkFactory};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, InstallSnapshotRequest, InstallSnapshotResponse,
    VoteRequest, VoteResponse,
};
use openraft::{BasicNode, Config, Raft, SnapshotPolicy};
use rc_cluster::{LogStore, NodeTypes, OrderedPayload, Ordering};
use rc_log::{EntryId, EntryKind, EntryRef, Log, Options, RealDisk};
use state_machine::ListMachine;

/// There is nobody to talk to.
struct Nobody;

type Refused<E> = RPCError<u64, BasicNode, E>;

fn refused<E: std::error::Error>() -> Refused<E> {
    RPCError::Network(NetworkError::new(&std::io::Error::other(
        "a cluster of one has no peers",
    )))
}

impl RaftNetworkFactory<NodeTypes> for Nobody {
    type Network = Nobody;

    async fn new_client(&mut self, _target: u64, _node: &BasicNode) -> Nobody {
        Nobody
    }
}

impl RaftNetwork<NodeTypes> for Nobody {
    async fn append_entries(
        &mut self,
        _: AppendEntriesRequest<NodeTypes>,
        _: RPCOption,
    ) -> Result<AppendEntriesResponse<u64>, Refused<RaftError<u64>>> {
        Err(refused())
    }

    async fn install_snapshot(
        &mut self,
        _: InstallSnapshotRequest<NodeTypes>,
        _: RPCOption,
    ) -> Result<InstallSnapshotResponse<u64>, Refused<RaftError<u64, InstallSnapshotError>>> {
        Err(refused())
    }

    async fn vote(
        &mut self,
        _: VoteRequest<u64>,
        _: RPCOption,
    ) -> Result<VoteResponse<u64>, Refused<RaftError<u64>>> {
        Err(refused())
    }
}

async fn node(folder: &Path) -> (Raft<NodeTypes>, ListMachine, Ordering) {
    let disk = RealDisk::open(folder).unwrap();
    let options = Options {
        segment_bytes: 256 << 10,
        ..Options::default()
    };
    let (log, _) = Log::open(Arc::new(disk), options).unwrap();
    let (ordering, _) = Ordering::start(log).unwrap();
    let config = Config {
        heartbeat_interval: 50,
        election_timeout_min: 100,
        election_timeout_max: 200,
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: 10,
        ..Config::default()
    };
    let machine = ListMachine::default();
    let store = LogStore::new(ordering.clone());
    let raft = Raft::new(
        1,
        Arc::new(config.validate().unwrap()),
        Nobody,
        store,
        machine.clone(),
    )
    .await
    .unwrap();
    (raft, machine, ordering)
}

async fn leads(raft: &Raft<NodeTypes>) {
    let wait = raft.wait(Some(Duration::from_secs(10)));
    wait.current_leader(1, "the only node leads").await.unwrap();
}

fn batch(number: u32) -> OrderedPayload {
    OrderedPayload::commands(number.to_le_bytes().repeat(500))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_batches_survive_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    let mut term = 0;
    for start in 0..4 {
        let (raft, machine, ordering) = node(folder.path()).await;
        if start == 0 {
            raft.initialize(BTreeSet::from([1])).await.unwrap();
        }
        leads(&raft).await;
        for number in 0..100 {
            let payload = batch(start * 100 + number);
            // Right after an election there may be no leader to forward to for a moment.
            let answer = loop {
                match raft.client_write(payload.clone()).await {
                    Ok(answer) => break answer,
                    Err(RaftError::APIError(_)) => {
                        tokio::time::sleep(Duration::from_millis(20)).await
                    }
                    Err(RaftError::Fatal(error)) => panic!("{error}"),
                }
            };
            assert_eq!(answer.data.bytes, payload.bytes);
            expected.push(payload);
        }
        assert_eq!(machine.applied().await.payloads, expected);
        let vote = ordering.vote().await.unwrap().unwrap();
        assert!(vote.term >= term && vote.voted_for == Some(1), "{vote:?}");
        term = vote.term;
        raft.shutdown().await.unwrap();
        drop(ordering.close().await.unwrap());
    }
}

#[tokio::test]
async fn a_purge_behind_a_snapshot_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (raft, _, ordering) = node(folder.path()).await;
    raft.initialize(BTreeSet::from([1])).await.unwrap();
    leads(&raft).await;
    for number in 0..200 {
        raft.client_write(batch(number)).await.unwrap();
    }
    raft.trigger().snapshot().await.unwrap();
    raft.wait(Some(Duration::from_secs(10)))
        .metrics(|metrics| metrics.purged.is_some(), "the log is purged")
        .await
        .unwrap();
    let last = ordering.reader().last().unwrap();
    let purged = ordering.reader().purged().unwrap();
    assert_eq!(last.index - purged.index, 10);
    raft.shutdown().await.unwrap();
    drop(ordering.close().await.unwrap());
    let log = Log::open(
        Arc::new(RealDisk::open(folder.path()).unwrap()),
        Options::default(),
    )
    .unwrap()
    .0;
    assert_eq!((log.purged(), log.last()), (Some(purged), Some(last)));
    assert_eq!(log.entries_from(purged.index + 1).count(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_appends_share_a_unit_and_each_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes: 1 << 20,
        ..Options::default()
    };
    let (log, _) = Log::open(Arc::new(RealDisk::open(folder.path()).unwrap()), options).unwrap();
    let (ordering, thread) = Ordering::start(log).unwrap();
    let entry = |index: u64, bytes: usize| rc_log::Entry {
        term: 1,
        index,
        kind: EntryKind::COMMANDS,
        payload: vec![index as u8; bytes],
    };
    let waiting: Vec<_> = (0..100)
        .map(|index| ordering.append(vec![entry(index, 1000)]))
        .collect();
    for append in waiting {
        append.await.unwrap();
    }
    // One request larger than a unit becomes several; one entry larger than a unit is refused, and harms nobody else.
    ordering
        .append((100..110).map(|index| entry(index, 300_000)).collect())
        .await
        .unwrap();
    assert!(ordering.append(vec![entry(110, 2 << 20)]).await.is_err());
    assert!(ordering.append(vec![entry(112, 10)]).await.is_err());
    ordering.append(vec![entry(110, 10)]).await.unwrap();
    assert_eq!(
        ordering.reader().last(),
        Some(EntryId {
            term: 1,
            index: 110
        })
    );
    let mut log = ordering.close().await.unwrap();
    thread.join().unwrap();
    assert!(ordering.append(vec![entry(111, 10)]).await.is_err());
    let appended = log.append(&[EntryRef {
        term: 1,
        index: 111,
        kind: EntryKind::BLANK,
        payload: b"",
    }]);
    let units = appended.unwrap().unwrap().unit;
    assert!(
        units < 80,
        "100 waiting appends and 13 others took {units} units"
    );
    assert_eq!(log.entries_from(0).count(), 112);
}
