//! The thread that owns the log, and the handle to it: our seam below any raft. Requests are done in the order in which they
//! were sent; waiting appends that follow one another become one write unit (group commit). Always true: an append is
//! answered after it is durable, and after an error that stops the log every request is answered with that error.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rc_log::limits::{BLOCK_BYTES, ENTRY_HEAD_BYTES, UNIT_HEAD_BYTES};
use rc_log::{Entry, EntryId, EntryRef, Log, LogReader, Vote, WriteError};
use thiserror::Error;
use tokio::sync::oneshot;

/// Why an ordered write was not done.
#[derive(Debug, Clone, Error)]
pub enum OrderingError {
    #[error(transparent)]
    Log(#[from] WriteError),
    #[error("the ordering thread has ended")]
    Ended,
}

type Answer<T> = oneshot::Sender<T>;
type Done = Result<(), OrderingError>;

enum Request {
    Append(Vec<Entry>, Answer<Done>),
    Truncate(u64, Answer<Done>),
    Purge(EntryId, Answer<Done>),
    SaveVote(Vote, Answer<Done>),
    Vote(Answer<Option<Vote>>),
    SaveCommitted(Option<EntryId>, Answer<()>),
    Committed(Answer<Option<EntryId>>),
    /// Give the log back and end.
    Close(Answer<Log>),
}

/// A handle to the ordering thread; clones share it. A call sends its request at once; the future is the wait. The thread ends when the last handle is gone.
#[derive(Clone)]
pub struct Ordering {
    requests: Sender<Request>,
    reader: LogReader,
}

impl Ordering {
    /// Starts the thread. The log is its own from here on; `close` gives it back.
    pub fn start(log: Log) -> io::Result<(Ordering, JoinHandle<()>)> {
        let (requests, inbox) = channel();
        let reader = log.reader();
        let thread = std::thread::Builder::new()
            .name("ordering".into())
            .spawn(move || Owner::new(log, inbox).run())?;
        Ok((Ordering { requests, reader }, thread))
    }

    /// Reads what is in the log; no request to the thread is needed.
    pub fn reader(&self) -> &LogReader {
        &self.reader
    }

    /// Appends; answered when the entries are durable and readable.
    pub fn append(&self, entries: Vec<Entry>) -> impl Future<Output = Done> + Send + use<> {
        done(self.send(|answer| Request::Append(entries, answer)))
    }

    /// Forgets the entries from this index on.
    pub fn truncate_from(&self, from: u64) -> impl Future<Output = Done> + Send + use<> {
        done(self.send(|answer| Request::Truncate(from, answer)))
    }

    /// Forgets the entries up to and with this one.
    pub fn purge_to(&self, through: EntryId) -> impl Future<Output = Done> + Send + use<> {
        done(self.send(|answer| Request::Purge(through, answer)))
    }

    /// Saves the vote; answered when it is durable.
    pub fn save_vote(&self, vote: Vote) -> impl Future<Output = Done> + Send + use<> {
        done(self.send(|answer| Request::SaveVote(vote, answer)))
    }

    /// The vote that was saved last.
    pub fn vote(&self) -> impl Future<Output = Result<Option<Vote>, OrderingError>> + Send + use<> {
        answered(self.send(Request::Vote))
    }

    /// Notes what is committed: durable with the next write, a hint that may lag.
    pub fn save_committed(
        &self,
        committed: Option<EntryId>,
    ) -> impl Future<Output = Done> + Send + use<> {
        answered(self.send(|answer| Request::SaveCommitted(committed, answer)))
    }

    /// The last entry noted as committed.
    pub fn committed(
        &self,
    ) -> impl Future<Output = Result<Option<EntryId>, OrderingError>> + Send + use<> {
        answered(self.send(Request::Committed))
    }

    /// Does what was asked before, then ends the thread and gives the log back. Later requests answer `Ended`.
    pub fn close(&self) -> impl Future<Output = Result<Log, OrderingError>> + Send + use<> {
        answered(self.send(Request::Close))
    }

    /// Sends now, so that the order of calls is the order of work; only the waiting is left to a future.
    fn send<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> oneshot::Receiver<T> {
        let (answer, result) = oneshot::channel();
        // A request that cannot be sent is dropped with its answer, and the wait ends at once.
        let _ = self.requests.send(request(answer));
        result
    }
}

async fn answered<T>(result: oneshot::Receiver<T>) -> Result<T, OrderingError> {
    result.await.map_err(|_| OrderingError::Ended)
}

async fn done(result: oneshot::Receiver<Done>) -> Done {
    answered(result).await?
}

/// The thread's own state.
struct Owner {
    log: Log,
    inbox: Receiver<Request>,
    /// Taken from the inbox to see whether it can join a group, and could not.
    waiting: VecDeque<Request>,
}

impl Owner {
    fn new(log: Log, inbox: Receiver<Request>) -> Owner {
        Owner {
            log,
            inbox,
            waiting: VecDeque::new(),
        }
    }

    fn run(mut self) {
        while let Some(request) = self.waiting.pop_front().or_else(|| self.inbox.recv().ok()) {
            // Who asked may have gone away; the work is done all the same, and nobody misses the answer.
            match request {
                Request::Append(entries, answer) => self.append_group(entries, answer),
                Request::Truncate(from, answer) => {
                    let _ = answer.send(self.log.truncate_from(from).map_err(Into::into));
                }
                Request::Purge(through, answer) => {
                    let _ = answer.send(self.log.purge_to(through).map_err(Into::into));
                }
                Request::SaveVote(vote, answer) => {
                    let _ = answer.send(self.log.save_vote(vote).map_err(Into::into));
                }
                Request::Vote(answer) => {
                    let _ = answer.send(self.log.vote());
                }
                Request::SaveCommitted(committed, answer) => {
                    self.log.save_committed(committed);
                    let _ = answer.send(());
                }
                Request::Committed(answer) => {
                    let _ = answer.send(self.log.committed());
                }
                Request::Close(answer) => {
                    let _ = answer.send(self.log);
                    return;
                }
            }
        }
    }

    /// Appends this request's entries and those of the appends that wait right behind it, as few units as they fit into.
    fn append_group(&mut self, entries: Vec<Entry>, answer: Answer<Done>) {
        let bytes_max = self.log.unit_bytes_max();
        let mut bytes = stored_bytes(&entries);
        let mut group = vec![(entries, answer)];
        while bytes < bytes_max
            && let Ok(request) = self.inbox.try_recv()
        {
            match request {
                Request::Append(entries, answer)
                    if bytes + stored_bytes(&entries) <= bytes_max && follows(&group, &entries) =>
                {
                    bytes += stored_bytes(&entries);
                    group.push((entries, answer));
                }
                other => {
                    self.waiting.push_back(other);
                    break;
                }
            }
        }
        let all: Vec<EntryRef<'_>> = group
            .iter()
            .flat_map(|(entries, _)| entries.iter().map(Entry::as_ref))
            .collect();
        let done = append_in_units(&mut self.log, &all, bytes_max);
        for (_, answer) in group {
            let _ = answer.send(done.clone());
        }
    }
}

/// The next request's entries continue the group; if not, the log itself shall refuse them, not their neighbours.
fn follows(group: &[(Vec<Entry>, Answer<Done>)], entries: &[Entry]) -> bool {
    let last = group.iter().rev().find_map(|(entries, _)| entries.last());
    match (last, entries.first()) {
        (Some(last), Some(first)) => last.index + 1 == first.index,
        _ => true,
    }
}

/// What the entries take in a unit, head included: an upper bound.
fn stored_bytes(entries: &[Entry]) -> u64 {
    let payloads: u64 = entries
        .iter()
        .map(|entry| (entry.payload.len() + ENTRY_HEAD_BYTES) as u64)
        .sum();
    payloads + (UNIT_HEAD_BYTES + BLOCK_BYTES) as u64
}

/// One unit if they fit, else several; each is durable before the next. An entry that fits into none is refused by the log.
fn append_in_units(log: &mut Log, entries: &[EntryRef<'_>], bytes_max: u64) -> Done {
    let mut rest = entries;
    while !rest.is_empty() {
        let mut bytes = (UNIT_HEAD_BYTES + BLOCK_BYTES) as u64;
        let fitting = rest
            .iter()
            .take_while(|entry| {
                bytes += (entry.payload.len() + ENTRY_HEAD_BYTES) as u64;
                bytes <= bytes_max
            })
            .count();
        let (now, later) = rest.split_at(fitting.max(1));
        log.append(now)?;
        rest = later;
    }
    Ok(())
}
