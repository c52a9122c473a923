//! Where the live entries are: a sparse index of runs (adjacent units of one segment, about 64 KiB each) and the term of
//! each stretch of entries. Always true: runs are in order of index and do not overlap; every live entry is in one; `last`
//! is the last live entry, or the last purged one when none lives.

use std::collections::VecDeque;

use crate::entry::EntryId;
use crate::limits::RUN_BYTES_MAX;

/// Adjacent units of entries in one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub segment: u64,
    /// The byte position of the first unit, and the length of all.
    pub position: u64,
    pub bytes: u64,
    pub first_unit: u64,
    /// The live entries: from the first, up to but without the end. The units may hold more, before or after.
    pub first_index: u64,
    pub end_index: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Index {
    runs: VecDeque<Run>,
    /// (first index, term) of each stretch of entries of one term.
    terms: VecDeque<(u64, u64)>,
    last: Option<EntryId>,
    purged: Option<EntryId>,
    /// During recovery: the last entry that lived before the first segment read and is not purged so far. It must be
    /// purged by the time all is read, else a segment is missing.
    unseen: Option<u64>,
}

impl Index {
    /// An index with nothing live, after the entries before a segment.
    pub fn starting_after(last: Option<EntryId>, purged: Option<EntryId>) -> Index {
        let unseen = last.filter(|last| purged.is_none_or(|purged| purged.index < last.index));
        Index {
            last,
            purged,
            unseen: unseen.map(|last| last.index),
            ..Index::default()
        }
    }

    /// Entries that should live but were in no segment read.
    pub fn unseen(&self) -> Option<u64> {
        self.unseen
    }

    pub fn last(&self) -> Option<EntryId> {
        self.last
    }

    pub fn purged(&self) -> Option<EntryId> {
        self.purged
    }

    /// The first live entry's index.
    pub fn first_index(&self) -> Option<u64> {
        self.runs.front().map(|run| run.first_index)
    }

    /// The index that the next entry must have; `None` while the log is as new.
    pub fn next_index(&self) -> Option<u64> {
        self.last.map(|last| last.index + 1)
    }

    /// Adds a unit's entries, by their first index and their terms in order.
    pub fn add(&mut self, unit: Run, terms: impl Iterator<Item = u64>) {
        let mut index = unit.first_index;
        let mut last_term = self.terms.back().map(|(_, term)| *term);
        for term in terms {
            if last_term != Some(term) {
                self.terms.push_back((index, term));
                last_term = Some(term);
            }
            self.last = Some(EntryId { term, index });
            index += 1;
        }
        let unit = Run {
            end_index: index,
            ..unit
        };
        if let Some(run) = self.runs.back_mut()
            && run.segment == unit.segment
            && run.position + run.bytes == unit.position
            && run.end_index == unit.first_index
            && run.bytes + unit.bytes <= RUN_BYTES_MAX
        {
            run.bytes += unit.bytes;
            run.end_index = unit.end_index;
        } else {
            self.runs.push_back(unit);
        }
    }

    /// Forgets the entries from this index on.
    pub fn truncate(&mut self, from: u64) {
        while self.terms.back().is_some_and(|(first, _)| *first >= from) {
            self.terms.pop_back();
        }
        while self.runs.back().is_some_and(|run| run.first_index >= from) {
            self.runs.pop_back();
        }
        if let Some(run) = self.runs.back_mut() {
            run.end_index = run.end_index.min(from);
        }
        self.last = match (self.runs.back(), self.terms.back()) {
            (Some(run), Some((_, term))) => Some(EntryId {
                term: *term,
                index: run.end_index - 1,
            }),
            _ => self.last_without_runs(from),
        };
    }

    fn last_without_runs(&mut self, from: u64) -> Option<EntryId> {
        let purged = self.purged;
        self.unseen = self
            .unseen
            .and_then(|unseen| Some(unseen.min(from.checked_sub(1)?)))
            .filter(|unseen| purged.is_none_or(|purged| purged.index < *unseen));
        // The term of an unseen entry is unknown, and not asked for: recovery goes on until it is purged, or refuses.
        self.unseen
            .map(|index| EntryId { term: 0, index })
            .or(purged)
    }

    /// Forgets the entries up to and with this one.
    pub fn purge(&mut self, through: EntryId) {
        while self
            .runs
            .front()
            .is_some_and(|run| run.end_index <= through.index + 1)
        {
            self.runs.pop_front();
        }
        if let Some(run) = self.runs.front_mut() {
            run.first_index = run.first_index.max(through.index + 1);
        }
        while self
            .terms
            .get(1)
            .is_some_and(|(first, _)| *first <= through.index + 1)
        {
            self.terms.pop_front();
        }
        if self.runs.is_empty() {
            self.terms.clear();
            if self.unseen.is_none_or(|unseen| unseen <= through.index) {
                self.last = Some(through);
            }
        }
        self.purged = Some(through);
        self.unseen = self.unseen.filter(|unseen| *unseen > through.index);
    }

    /// The run with this entry; `None` after the end.
    pub fn run_at(&self, index: u64) -> Option<Run> {
        let after = self.runs.partition_point(|run| run.end_index <= index);
        self.runs.get(after).copied()
    }

    /// The lowest segment that holds a live entry.
    pub fn first_segment(&self) -> Option<u64> {
        self.runs.front().map(|run| run.segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(segment: u64, position: u64, first_index: u64) -> Run {
        Run {
            segment,
            position,
            bytes: 4096,
            first_unit: position / 4096,
            first_index,
            end_index: 0,
        }
    }

    #[test]
    fn truncation_finds_the_term_before() {
        let mut index = Index::default();
        index.add(unit(1, 8192, 1), [1, 1, 2].into_iter());
        index.add(unit(1, 12288, 4), [2, 5].into_iter());
        assert_eq!(index.last(), Some(EntryId { term: 5, index: 5 }));
        index.truncate(5);
        assert_eq!(index.last(), Some(EntryId { term: 2, index: 4 }));
        index.truncate(3);
        assert_eq!(index.last(), Some(EntryId { term: 1, index: 2 }));
        index.add(unit(1, 20480, 3), [7].into_iter());
        assert_eq!(index.last(), Some(EntryId { term: 7, index: 3 }));
        assert_eq!(index.run_at(3).unwrap().position, 20480);
        assert_eq!(index.run_at(2).unwrap().position, 8192);
        assert_eq!(index.run_at(4), None);
    }

    #[test]
    fn purge_inside_and_beyond() {
        let mut index = Index::default();
        index.add(unit(1, 8192, 1), [1, 1, 2].into_iter());
        index.purge(EntryId { term: 1, index: 2 });
        assert_eq!(
            (index.first_index(), index.last()),
            (Some(3), Some(EntryId { term: 2, index: 3 }))
        );
        index.truncate(3);
        assert_eq!(index.last(), Some(EntryId { term: 1, index: 2 }));
        index.purge(EntryId { term: 4, index: 20 });
        assert_eq!((index.first_index(), index.next_index()), (None, Some(21)));
    }
}
