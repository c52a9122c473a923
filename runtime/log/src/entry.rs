//! What the log stores, in the shape raft needs: an entry has a term, an index, a kind and opaque payload bytes.
//! Indexes of live entries are consecutive. The log looks at one kind only: membership is synced in every mode.

use std::fmt;

/// The term and index of an entry: its identity in raft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    pub term: u64,
    pub index: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.index)
    }
}

/// What an entry carries; the numbers are stored, so they are never reused for another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKind(pub u8);

impl EntryKind {
    /// Nothing: a new leader's first entry.
    pub const BLANK: EntryKind = EntryKind(0);
    /// Who belongs to the cluster. Always synced before `append` answers, in every durability mode.
    pub const MEMBERSHIP: EntryKind = EntryKind(1);
    /// A batch of commands: the payload is opaque here.
    pub const COMMANDS: EntryKind = EntryKind(2);
    /// A deployment: module and source.
    pub const DEPLOY: EntryKind = EntryKind(3);
}

/// An entry to append; the payload is borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryRef<'a> {
    pub term: u64,
    pub index: u64,
    pub kind: EntryKind,
    pub payload: &'a [u8],
}

impl EntryRef<'_> {
    /// Term and index.
    pub fn id(&self) -> EntryId {
        EntryId {
            term: self.term,
            index: self.index,
        }
    }

    /// A copy that owns its payload.
    pub fn to_entry(&self) -> Entry {
        Entry {
            term: self.term,
            index: self.index,
            kind: self.kind,
            payload: self.payload.to_vec(),
        }
    }
}

/// An entry that was read; the payload is owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub term: u64,
    pub index: u64,
    pub kind: EntryKind,
    pub payload: Vec<u8>,
}

impl Entry {
    /// Term and index.
    pub fn id(&self) -> EntryId {
        EntryId {
            term: self.term,
            index: self.index,
        }
    }

    /// The same entry, borrowed.
    pub fn as_ref(&self) -> EntryRef<'_> {
        EntryRef {
            term: self.term,
            index: self.index,
            kind: self.kind,
            payload: &self.payload,
        }
    }
}

/// A raft vote: for whom this node voted in which term, and whether that leader is known to have a quorum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vote {
    pub term: u64,
    pub voted_for: Option<u64>,
    pub committed: bool,
}
