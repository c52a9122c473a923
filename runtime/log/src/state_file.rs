//! The small file beside the segments: the log's identity, this node's vote and how many segments were begun. It is
//! written twice, each copy durable before the next is touched, in every durability mode; so a crash never loses an
//! answered vote and one rotten copy does no harm. It is made last when a log is created: where it exists, the log does.

use std::io;
use std::sync::Arc;

use crate::buffer::AlignedBuffer;
use crate::bytes::{get_u32, get_u64, put_u32, put_u64};
use crate::disk::{Disk, DiskFile, WriteStyle, read_full, write_durably};
use crate::entry::Vote;
use crate::failpoint::{Failpoints, Point};
use crate::limits::BLOCK_BYTES;

pub(crate) const STATE_NAME: &str = "state";
const STATE_NEW_NAME: &str = "state.new";
const MAGIC: u64 = u64::from_le_bytes(*b"RCstate\0");
const VERSION: u32 = 1;
const CHECKED_BYTES: usize = 60;

/// What the state file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// Rises with each rewrite.
    pub generation: u64,
    pub identity: u64,
    /// The highest segment number that was ever begun, or one less while a roll is under way.
    pub segments_begun: u64,
    pub vote: Option<Vote>,
}

impl State {
    fn encode(&self, into: &mut [u8]) {
        into.fill(0);
        put_u64(into, 0, MAGIC);
        put_u32(into, 8, VERSION);
        put_u64(into, 16, self.generation);
        put_u64(into, 24, self.identity);
        put_u64(into, 32, self.segments_begun);
        if let Some(vote) = self.vote {
            let flags =
                1 | u32::from(vote.voted_for.is_some()) << 1 | u32::from(vote.committed) << 2;
            put_u32(into, 12, flags);
            put_u64(into, 40, vote.term);
            put_u64(into, 48, vote.voted_for.unwrap_or(0));
        }
        let checksum = crc32c::crc32c(&into[..CHECKED_BYTES]);
        put_u32(into, CHECKED_BYTES, checksum);
    }

    fn decode(from: &[u8]) -> Option<State> {
        if get_u64(from, 0)? != MAGIC
            || get_u32(from, 8)? != VERSION
            || get_u32(from, CHECKED_BYTES)? != crc32c::crc32c(from.get(..CHECKED_BYTES)?)
        {
            return None;
        }
        let flags = get_u32(from, 12)?;
        let vote = if flags & 1 != 0 {
            Some(Vote {
                term: get_u64(from, 40)?,
                voted_for: if flags & 2 != 0 {
                    Some(get_u64(from, 48)?)
                } else {
                    None
                },
                committed: flags & 4 != 0,
            })
        } else {
            None
        };
        Some(State {
            generation: get_u64(from, 16)?,
            identity: get_u64(from, 24)?,
            segments_begun: get_u64(from, 32)?,
            vote,
        })
    }
}

/// The open state file and what it says.
pub(crate) struct StateFile {
    file: Arc<dyn DiskFile>,
    state: State,
    /// The copy to write first: the damaged or older one, since the other still counts meanwhile.
    stale_copy: usize,
    buffer: AlignedBuffer,
    failpoints: Failpoints,
}

impl StateFile {
    /// Makes the file under another name first, so that it is whole when it has its own.
    pub fn create(disk: &dyn Disk, state: State, failpoints: &Failpoints) -> io::Result<StateFile> {
        let file = disk.create(STATE_NEW_NAME, WriteStyle::Durable)?;
        let mut made = StateFile {
            file,
            state,
            stale_copy: 0,
            buffer: AlignedBuffer::default(),
            failpoints: failpoints.clone(),
        };
        made.write(state)?;
        disk.rename(STATE_NEW_NAME, STATE_NAME)?;
        disk.sync_folder()?;
        Ok(made)
    }

    /// Reads the file; `None` in place of the file means that both copies are damaged.
    pub fn open(disk: &dyn Disk, failpoints: &Failpoints) -> io::Result<Option<StateFile>> {
        let file = disk.open(STATE_NAME, WriteStyle::Durable)?;
        let mut buffer = AlignedBuffer::zeroed(2 * BLOCK_BYTES);
        let length = read_full(file.as_ref(), 0, buffer.bytes_mut())?;
        let (first, second) = buffer.bytes()[..length].split_at(BLOCK_BYTES.min(length));
        let (state, stale_copy) = match (State::decode(first), State::decode(second)) {
            (Some(first), Some(second)) if second.generation > first.generation => (second, 0),
            (Some(first), _) => (first, 1),
            (None, Some(second)) => (second, 0),
            (None, None) => return Ok(None),
        };
        Ok(Some(StateFile {
            file,
            state,
            stale_copy,
            buffer,
            failpoints: failpoints.clone(),
        }))
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Makes what was read durable in both copies: a process that was killed may have left it in the page cache.
    pub fn repair(&mut self) -> io::Result<()> {
        self.file.sync()?;
        self.write(self.state)
    }

    /// Makes `state` durable; the generation is set here.
    pub fn write(&mut self, state: State) -> io::Result<()> {
        self.failpoints.enter(Point::StateWrite);
        let state = State {
            generation: self.state.generation + 1,
            ..state
        };
        self.buffer.reset(BLOCK_BYTES);
        state.encode(self.buffer.bytes_mut());
        for copy in [self.stale_copy, 1 - self.stale_copy] {
            write_durably(
                self.file.as_ref(),
                (copy * BLOCK_BYTES) as u64,
                self.buffer.bytes(),
            )?;
        }
        self.stale_copy = 0;
        self.state = state;
        self.failpoints.leave(Point::StateWrite);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn votes_read_back() {
        let votes = [
            None,
            Some(Vote {
                term: 0,
                voted_for: None,
                committed: false,
            }),
            Some(Vote {
                term: 9,
                voted_for: Some(0),
                committed: true,
            }),
        ];
        for vote in votes {
            let state = State {
                generation: 4,
                identity: 5,
                segments_begun: 6,
                vote,
            };
            let mut bytes = vec![1; BLOCK_BYTES];
            state.encode(&mut bytes);
            assert_eq!(State::decode(&bytes), Some(state));
            bytes[20] ^= 8;
            assert_eq!(State::decode(&bytes), None);
        }
    }
}
