//! openraft's entries, ids and votes as the log stores them, and back. Always true: what is written reads back equal; what
//! cannot be read is an error that names the entry, never a panic.

use openraft::{BasicNode, CommittedLeaderId, EntryPayload, LeaderId, LogId, Membership};
use rc_log::{EntryId, EntryKind};
use thiserror::Error;

use crate::raft_types::{NodeTypes, OrderedPayload};

type RaftEntry = openraft::Entry<NodeTypes>;

/// Why an entry cannot pass between raft and the log.
#[derive(Debug, Error)]
pub enum EntryFormatError {
    #[error("entry {id}: the membership cannot be {action}: {cause}")]
    Membership {
        id: EntryId,
        action: &'static str,
        cause: serde_json::Error,
    },
    #[error("entry {id}: kind {kind} is made by raft itself and cannot carry commands")]
    ReservedKind { id: EntryId, kind: u8 },
}

pub(crate) fn to_log_id(id: EntryId) -> LogId<u64> {
    LogId::new(CommittedLeaderId::new(id.term, 0), id.index)
}

pub(crate) fn from_log_id(id: &LogId<u64>) -> EntryId {
    EntryId {
        term: id.leader_id.term,
        index: id.index,
    }
}

pub(crate) fn to_raft_vote(vote: rc_log::Vote) -> openraft::Vote<u64> {
    openraft::Vote {
        leader_id: LeaderId {
            term: vote.term,
            voted_for: vote.voted_for,
        },
        committed: vote.committed,
    }
}

pub(crate) fn from_raft_vote(vote: &openraft::Vote<u64>) -> rc_log::Vote {
    rc_log::Vote {
        term: vote.leader_id.term,
        voted_for: vote.leader_id.voted_for,
        committed: vote.committed,
    }
}

pub(crate) fn to_log_entry(entry: RaftEntry) -> Result<rc_log::Entry, EntryFormatError> {
    let id = from_log_id(&entry.log_id);
    let (kind, payload) = match entry.payload {
        EntryPayload::Blank => (EntryKind::BLANK, Vec::new()),
        EntryPayload::Normal(payload) => {
            let kind = EntryKind(payload.kind);
            if kind == EntryKind::BLANK || kind == EntryKind::MEMBERSHIP {
                return Err(EntryFormatError::ReservedKind { id, kind: kind.0 });
            }
            (kind, payload.bytes)
        }
        EntryPayload::Membership(membership) => {
            let json =
                serde_json::to_vec(&membership).map_err(|cause| EntryFormatError::Membership {
                    id,
                    action: "written",
                    cause,
                })?;
            (EntryKind::MEMBERSHIP, json)
        }
    };
    Ok(rc_log::Entry {
        term: id.term,
        index: id.index,
        kind,
        payload,
    })
}

pub(crate) fn to_raft_entry(entry: rc_log::Entry) -> Result<RaftEntry, EntryFormatError> {
    let id = entry.id();
    let payload = match entry.kind {
        EntryKind::BLANK => EntryPayload::Blank,
        EntryKind::MEMBERSHIP => {
            let membership: Membership<u64, BasicNode> = serde_json::from_slice(&entry.payload)
                .map_err(|cause| EntryFormatError::Membership {
                    id,
                    action: "read",
                    cause,
                })?;
            EntryPayload::Membership(membership)
        }
        EntryKind(kind) => EntryPayload::Normal(OrderedPayload {
            kind,
            bytes: entry.payload,
        }),
    };
    Ok(RaftEntry {
        log_id: to_log_id(id),
        payload,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn entries_read_back_equal() {
        let nodes: BTreeMap<u64, BasicNode> = [
            (1, BasicNode::new("10.0.0.1:7000")),
            (2, BasicNode::new("b")),
        ]
        .into();
        let membership = Membership::new(vec![BTreeSet::from([1]), BTreeSet::from([1, 2])], nodes);
        let payloads = [
            EntryPayload::Blank,
            EntryPayload::Normal(OrderedPayload::commands(vec![0, 255, 1])),
            EntryPayload::Normal(OrderedPayload::deploy(vec![])),
            EntryPayload::Membership(membership),
        ];
        for payload in payloads {
            let entry = RaftEntry {
                log_id: to_log_id(EntryId { term: 4, index: 9 }),
                payload,
            };
            let stored = to_log_entry(entry.clone()).unwrap();
            let back = to_raft_entry(stored).unwrap();
            assert!(back == entry, "{back:?}");
        }
    }

    #[test]
    fn what_is_not_an_entry_is_an_error() {
        let stored = rc_log::Entry {
            term: 1,
            index: 2,
            kind: EntryKind::MEMBERSHIP,
            payload: b"{".to_vec(),
        };
        assert!(
            to_raft_entry(stored)
                .unwrap_err()
                .to_string()
                .starts_with("entry 1.2: the membership")
        );
        let payload = EntryPayload::Normal(OrderedPayload {
            kind: EntryKind::BLANK.0,
            bytes: vec![1],
        });
        let entry = RaftEntry {
            log_id: to_log_id(EntryId { term: 1, index: 2 }),
            payload,
        };
        assert!(matches!(
            to_log_entry(entry),
            Err(EntryFormatError::ReservedKind { .. })
        ));
    }
}
