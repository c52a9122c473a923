//! Many calls of one command over one gRPC stream, with a bounded window of them in flight.
//!
//! ```text
//!   line ──encode──► waiting ──(window)──► in flight ──outcome──► settled
//!                       ▲                      │ busy, or the stream broke
//!                       └──────────────────────┘
//! ```
//!
//! Always true: outcomes come in the order of the calls, so the oldest in flight is the one that an outcome belongs to; with a
//! key, a stream's calls have numbers without gaps, and a gap begins another stream; at most [`WINDOW_CALLS`] are in
//! flight, so that the node still has the outcome of each when it is sent again.

use crate::bulk::BulkAnswer;
use crate::client::{Caller, Client, ClientError, check_key};
use crate::link::{Event, Link, LinkError};
use crate::method::Method;
use crate::problem::Problem;
use bytes::Bytes;
use rc_wire::protobuf::bytes_field;
use std::collections::VecDeque;
use std::rc::Rc;
use tokio::runtime::Runtime;

/// Calls in flight at most: as many outcomes as a session keeps.
pub const WINDOW_CALLS: usize = 4_096;
/// Calls that are handed over before outcomes are looked for.
const PART_CALLS: usize = 256;
/// Bytes that may wait for room at the node before no more calls are handed over.
const BACKLOG_BYTES_MAX: usize = 1 << 20;

/// One call.
struct Pending {
    line: u64,
    /// The client's N-th call, where there is a key.
    sequence: u64,
    message: Vec<u8>,
}

/// An open stream, and the number that its next call has.
struct Opened {
    link: Link,
    next: u64,
}

/// Calls on their way. After an error, what was not answered waits, and may be sent again.
pub struct CallStream<'a> {
    client: &'a Client,
    method: &'a Method,
    headers: Vec<(&'static str, String)>,
    key: Option<String>,
    runtime: Rc<Runtime>,
    opened: Option<Opened>,
    sequence: u64,
    waiting: VecDeque<Pending>,
    flying: VecDeque<Pending>,
    /// What a busy node did not take.
    refused: Vec<Pending>,
    busy: Option<Problem>,
    settled: BulkAnswer,
}

impl<'a> CallStream<'a> {
    /// Does not connect yet. `key` names a client, whose N-th call the N-th line is.
    ///
    /// # Errors
    /// Roles or a key that cannot be sent.
    pub fn new(
        client: &'a Client,
        method: &'a Method,
        caller: &Caller,
        key: Option<String>,
    ) -> Result<CallStream<'a>, ClientError> {
        if let Some(key) = &key {
            check_key(&format!("{key}/{}", u64::MAX))?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| ClientError::Request(error.to_string()))?;
        Ok(CallStream {
            client,
            method,
            headers: client.identity(caller, false)?,
            key,
            runtime: Rc::new(runtime),
            opened: None,
            sequence: 0,
            waiting: VecDeque::new(),
            flying: VecDeque::new(),
            refused: Vec::new(),
            busy: None,
            settled: BulkAnswer::default(),
        })
    }

    /// Adds a call: a JSON object. `line` is its place in the file. One that does not fit is settled at once, and has its
    /// number all the same.
    pub fn push(&mut self, line: u64, text: &[u8]) {
        self.sequence += 1;
        match self.method.encode(text) {
            Ok(message) => self.waiting.push_back(Pending {
                line,
                sequence: self.sequence,
                message,
            }),
            Err(problem) => self.settle(line, Some(*problem)),
        }
    }

    /// Sends what waits, until at most `flying_max` are without outcome; 0 ends the stream.
    ///
    /// # Errors
    /// As of a call. [`ClientError::is_transient`] and [`ClientError::may_have_run`] say whether to run this again.
    pub fn run(&mut self, flying_max: usize) -> Result<(), ClientError> {
        let runtime = Rc::clone(&self.runtime);
        let done = runtime.block_on(self.exchange(flying_max.min(WINDOW_CALLS)));
        done.map_err(|error| self.failed(error))
    }

    /// What was settled since the last time; the first failure's line is as it was pushed.
    pub fn take_settled(&mut self) -> BulkAnswer {
        std::mem::take(&mut self.settled)
    }

    /// The first and the last line without an outcome.
    pub fn unanswered(&self) -> Option<(u64, u64)> {
        let all = || self.flying.iter().chain(&self.waiting);
        Some((
            all().map(|call| call.line).min()?,
            all().map(|call| call.line).max()?,
        ))
    }

    async fn exchange(&mut self, flying_max: usize) -> Result<(), LinkError> {
        loop {
            let draining = self.busy.is_some() || self.has_gap();
            if !draining {
                self.hand_over().await?;
            }
            let done = self.waiting.is_empty() && self.flying.len() <= flying_max;
            if done && flying_max > 0 && !draining {
                match &self.opened {
                    Some(opened) if opened.link.backlog_bytes() > 0 => {}
                    Some(opened) => {
                        opened.link.flush().await;
                        return Ok(());
                    }
                    None => return Ok(()),
                }
            }
            let ending = self.flying.is_empty() && (draining || done);
            let Some(opened) = &mut self.opened else {
                // Nothing is open and nothing waits.
                return self.verdict();
            };
            if ending {
                opened.link.close()?;
            }
            match opened.link.next().await? {
                Event::Sent => {}
                Event::Received => self.settle_received()?,
                Event::Ended if ending => {
                    self.opened = None;
                    if done || self.busy.is_some() {
                        return self.verdict();
                    }
                }
                Event::Ended => {
                    return Err(LinkError::Broken("the node ended the stream".to_owned()));
                }
            }
        }
    }

    /// Whether the next call's number does not follow on the stream's last.
    fn has_gap(&self) -> bool {
        match (&self.opened, self.waiting.front()) {
            (Some(opened), Some(call)) => self.key.is_some() && opened.next != call.sequence,
            _ => false,
        }
    }

    /// Moves calls that wait onto the stream, as far as the window goes and their numbers follow on each other.
    async fn hand_over(&mut self) -> Result<(), LinkError> {
        let mut count = 0;
        while count < PART_CALLS && self.flying.len() < WINDOW_CALLS && !self.has_gap() {
            let Some(call) = self.waiting.front() else {
                return Ok(());
            };
            let full = |opened: &Opened| opened.link.backlog_bytes() >= BACKLOG_BYTES_MAX;
            if self.opened.as_ref().is_some_and(full) {
                return Ok(());
            }
            let sequence = call.sequence;
            if self.opened.is_none() {
                let mut headers = self.headers.clone();
                if let Some(key) = &self.key {
                    headers.push(("idempotency-key", format!("{key}/{sequence}")));
                }
                let link = Link::open(&self.client.address, &self.method.path, &headers).await?;
                self.opened = Some(Opened {
                    link,
                    next: sequence,
                });
            }
            if let (Some(opened), Some(call)) = (&mut self.opened, self.waiting.pop_front()) {
                opened.link.put(&call.message);
                opened.next = sequence + 1;
                self.flying.push_back(call);
                count += 1;
            }
        }
        Ok(())
    }

    fn settle_received(&mut self) -> Result<(), LinkError> {
        while let Some(outcome) = match &mut self.opened {
            Some(opened) => opened.link.take()?,
            None => None,
        } {
            let problem = read_outcome(&outcome)?;
            let Some(call) = self.flying.pop_front() else {
                return Err(LinkError::Broken("more answers than calls".to_owned()));
            };
            match problem {
                Some(problem) if problem.label() == "busy" => {
                    self.refused.push(call);
                    self.busy = Some(problem);
                }
                problem => self.settle(call.line, problem),
            }
        }
        Ok(())
    }

    fn settle(&mut self, line: u64, problem: Option<Problem>) {
        let Some(problem) = problem else {
            self.settled.ok += 1;
            return;
        };
        *self
            .settled
            .failures
            .entry(problem.label().to_owned())
            .or_default() += 1;
        match &self.settled.first_failure {
            Some((first, _)) if *first <= line => {}
            _ => self.settled.first_failure = Some((line, problem)),
        }
    }

    /// Where the node was busy, that is the error, and what it did not take waits again.
    fn verdict(&mut self) -> Result<(), LinkError> {
        match self.busy.take() {
            Some(problem) => Err(LinkError::Refused(Box::new(Problem {
                status: 429,
                ..problem
            }))),
            None => Ok(()),
        }
    }

    /// Puts everything without an outcome back in its place, and says what is known of it.
    fn failed(&mut self, error: LinkError) -> ClientError {
        self.opened = None;
        self.busy = None;
        let may_have_run = !self.flying.is_empty();
        let mut calls: Vec<Pending> = self.refused.drain(..).collect();
        calls.extend(self.flying.drain(..));
        calls.extend(self.waiting.drain(..));
        calls.sort_by_key(|call| call.sequence);
        self.waiting = calls.into();
        let address = self.client.address.to_string();
        match error {
            LinkError::Refused(problem) => ClientError::Problem(problem),
            LinkError::Broken(reason) if may_have_run => {
                ClientError::Interrupted { address, reason }
            }
            LinkError::Unreachable(reason) | LinkError::Broken(reason) => {
                ClientError::Unreachable { address, reason }
            }
        }
    }
}

/// An `Outcome` message: the problem, or none where the call was done.
fn read_outcome(outcome: &Bytes) -> Result<Option<Problem>, LinkError> {
    let malformed = || LinkError::Broken("an outcome that is not understood".to_owned());
    let part = |message, number| bytes_field(message, number).map_err(|_| malformed());
    let Some(failure) = part(outcome, 2)? else {
        return match part(outcome, 1)? {
            Some(_) => Ok(None),
            None => Err(malformed()),
        };
    };
    let text = |number| -> Result<String, LinkError> {
        let bytes = bytes_field(failure, number).map_err(|_| malformed())?;
        Ok(String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned())
    };
    let (code, detail, fields) = (text(1)?, text(2)?, text(3)?);
    // Codes are names of types; a kind of problem begins in lower case.
    if code.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Ok(Some(Problem::new(0, &code, detail)));
    }
    Ok(Some(Problem {
        code: Some(code),
        fields: serde_json::from_str(&fields).ok(),
        ..Problem::new(0, "command-failed", detail)
    }))
}
