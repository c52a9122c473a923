//! The types that openraft is told: what an entry carries, what applying it answers, node ids. Nothing here is stored as
//! such; `entry_format` says how entries stand in the log.

use std::io::Cursor;

use rc_log::EntryKind;
use serde::{Deserialize, Serialize};

/// What an ordered entry carries: a batch of commands or a deployment, opaque to raft and to the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedPayload {
    /// The entry's kind in the log; never blank or membership, which raft makes itself.
    pub kind: u8,
    pub bytes: Vec<u8>,
}

impl OrderedPayload {
    /// A batch of commands.
    pub fn commands(bytes: Vec<u8>) -> OrderedPayload {
        OrderedPayload {
            kind: EntryKind::COMMANDS.0,
            bytes,
        }
    }

    /// A deployment.
    pub fn deploy(bytes: Vec<u8>) -> OrderedPayload {
        OrderedPayload {
            kind: EntryKind::DEPLOY.0,
            bytes,
        }
    }
}

/// What applying an entry answers to who proposed it: the outcomes of a batch, opaque here. Empty for raft's own entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchOutcome {
    pub bytes: Vec<u8>,
}

openraft::declare_raft_types!(
    /// Node ids are numbers; a node has an address.
    pub NodeTypes:
        D = OrderedPayload,
        R = BatchOutcome,
        NodeId = u64,
        Node = openraft::BasicNode,
        Entry = openraft::Entry<NodeTypes>,
        SnapshotData = Cursor<Vec<u8>>,
        AsyncRuntime = openraft::TokioRuntime,
);
