//! `rcc call --file`: a file of calls, sent in groups over a few connections, with progress and a summary.
//!
//! ```text
//!   file ──reader──► groups, numbered ──► job g % jobs ─┬─► Client::bulk (HTTP) ──┬──► counts
//!                                                       └─► CallStream (gRPC) ────┘
//! ```
//!
//! Always true: memory holds a few groups, whatever the file's size. A group that the node did not take is sent again;
//! one whose outcome is unknown is sent again only with `--key`, where the node answers what it has run from its memory.

use crate::node;
use crate::output::{Failure, Progress, say};
use rc_client::{
    BULK_BYTES_MAX, BULK_LINES_MAX, BulkAnswer, CallStream, Caller, Client, ClientError, Method,
    Problem, WINDOW_CALLS,
};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

/// Groups that wait for a connection, each.
const GROUPS_WAITING: usize = 2;
/// Lines of a group that goes onto a stream: some groups are in flight at once.
const STREAM_LINES: usize = WINDOW_CALLS / 4;
/// How long a node may be away or busy before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);
/// How often progress is shown.
const REFRESH: Duration = Duration::from_millis(200);

/// The problem of a call whose outcome the node no longer keeps.
const EXPIRED: &str = "idempotency-key-expired";

/// What to send, and how.
pub struct Work<'a> {
    pub client: Client,
    pub package: &'a str,
    pub command: &'a str,
    pub caller: Caller,
    /// The name of a client, whose N-th call the N-th line of a job is.
    pub key: Option<&'a str>,
    pub jobs: u32,
    /// Over gRPC streams instead of HTTP requests.
    pub grpc: bool,
}

/// Lines that go out together.
struct Group {
    /// Of the file's lines that are not blank, from 1.
    first_line: u64,
    lines: u64,
    bytes: Vec<u8>,
}

/// What came of a group.
struct Sent {
    first_line: u64,
    lines: u64,
    bytes: u64,
    answer: Result<BulkAnswer, ClientError>,
}

impl Sent {
    fn of(
        first_line: u64,
        lines: u64,
        bytes: u64,
        answer: Result<BulkAnswer, ClientError>,
    ) -> Sent {
        Sent {
            first_line,
            lines,
            bytes,
            answer,
        }
    }
}

impl Work<'_> {
    /// The client whose calls a job's lines are.
    fn client_name(&self, job: u32) -> Option<String> {
        self.key.map(|key| match self.jobs {
            1 => key.to_owned(),
            _ => format!("{key}.{job}"),
        })
    }
}

/// All counts.
#[derive(Default)]
struct Tally {
    ok: u64,
    /// Run by an earlier run with the same key, so long ago that the node does not keep the outcomes.
    earlier: u64,
    failures: BTreeMap<String, u64>,
    first_failure: Option<(u64, Problem)>,
    /// The first group without an answer.
    lost: Option<(u64, u64, ClientError)>,
}

impl Tally {
    fn count(&self) -> u64 {
        self.ok + self.earlier + self.failures.values().sum::<u64>()
    }

    fn take(&mut self, sent: Sent) {
        match sent.answer {
            Ok(answer) => {
                self.ok += answer.ok;
                for (code, count) in answer.failures {
                    // A job sends a group only after the one before was answered, so what left the window has run.
                    match code.as_str() {
                        EXPIRED => self.earlier += count,
                        _ => *self.failures.entry(code).or_default() += count,
                    }
                }
                if let Some((line, problem)) = answer
                    .first_failure
                    .filter(|(_, problem)| problem.label() != EXPIRED)
                {
                    let line = sent.first_line + line;
                    if self
                        .first_failure
                        .as_ref()
                        .is_none_or(|(first, _)| line < *first)
                    {
                        self.first_failure = Some((line, problem));
                    }
                }
            }
            Err(error) => {
                self.lost
                    .get_or_insert((sent.first_line, sent.lines, error));
            }
        }
    }
}

pub fn run(work: &Work<'_>, file: &Path) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(format!("{}: {error}", file.display()));
    let (mut reader, bytes_all): (Box<dyn BufRead + Send>, u64) = if file.as_os_str() == "-" {
        (Box::new(BufReader::new(io::stdin())), 0)
    } else {
        let opened = File::open(file).map_err(failed)?;
        let length = opened.metadata().map_err(failed)?.len();
        (Box::new(BufReader::with_capacity(1 << 20, opened)), length)
    };
    let method = match work.grpc {
        true => Some(
            work.client
                .method(work.package, work.command)
                .map_err(|error| Failure::new(node::told(&work.client, &error)))?,
        ),
        false => None,
    };
    let method = method.as_ref();
    let lines_max = method.map_or(BULK_LINES_MAX, |_| STREAM_LINES);
    let started = Instant::now();
    let (stop, met) = (AtomicBool::new(false), AtomicBool::new(false));
    let (tally, read) = std::thread::scope(|scope| {
        let (done, results) = channel::<Sent>();
        let mut queues: Vec<SyncSender<Group>> = Vec::new();
        for job in 0..work.jobs {
            let (queue, groups) = sync_channel::<Group>(GROUPS_WAITING);
            let (done, stop, met) = (done.clone(), &stop, &met);
            queues.push(queue);
            scope.spawn(move || match method {
                Some(method) => stream_all(work, method, job, &groups, &done, stop, met),
                None => send_all(work, job, &groups, &done, stop, met),
            });
        }
        drop(done);
        let stop = &stop;
        let reading = scope.spawn(move || deal(&mut reader, &queues, lines_max, stop));
        let tally = collect(&results, bytes_all, started, stop);
        (tally, reading.join())
    });
    let read = read.map_err(|_| Failure::new("reading the file broke off"))?;
    report(work, &tally, started.elapsed());
    read.map_err(failed)?;
    match tally.lost {
        Some((first, lines, error)) => Err(lost(work, first, lines, &error)),
        None if tally.failures.is_empty() => Ok(()),
        None => Err(Failure::Told),
    }
}

/// Reads the file and deals its groups out in turn, so that a repeated run gives each job the same lines.
fn deal(
    reader: &mut dyn BufRead,
    queues: &[SyncSender<Group>],
    lines_max: usize,
    stop: &AtomicBool,
) -> io::Result<()> {
    let mut next_line = 1;
    for number in 0.. {
        let Some(group) = next_group(reader, next_line, lines_max)? else {
            return Ok(());
        };
        next_line += group.lines;
        if stop.load(Ordering::Relaxed) || queues[number % queues.len()].send(group).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn next_group(
    reader: &mut dyn BufRead,
    first_line: u64,
    lines_max: usize,
) -> io::Result<Option<Group>> {
    let mut group = Group {
        first_line,
        lines: 0,
        bytes: Vec::new(),
    };
    let mut line = Vec::new();
    while group.lines < lines_max as u64 && group.bytes.len() < BULK_BYTES_MAX / 2 {
        line.clear();
        let limit = (BULK_BYTES_MAX / 2) as u64;
        let length = io::Read::take(&mut *reader, limit).read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        if !line.ends_with(b"\n") {
            if length as u64 == limit {
                let place = first_line + group.lines;
                return Err(io::Error::other(format!(
                    "call {place} is longer than {limit} bytes"
                )));
            }
            line.push(b'\n');
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        group.bytes.extend_from_slice(&line);
        group.lines += 1;
    }
    Ok((group.lines > 0).then_some(group))
}

/// One connection: its groups, one after the other.
fn send_all(
    work: &Work<'_>,
    job: u32,
    groups: &Receiver<Group>,
    done: &Sender<Sent>,
    stop: &AtomicBool,
    met: &AtomicBool,
) {
    let mut sequence = 1;
    for group in groups {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let key = work.client_name(job).map(|key| format!("{key}/{sequence}"));
        sequence += group.lines;
        let answer = patiently(work, met, || {
            work.client.bulk(
                work.package,
                work.command,
                &group.bytes,
                &work.caller,
                key.as_deref(),
            )
        });
        if answer.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        if done
            .send(Sent {
                first_line: group.first_line,
                lines: group.lines,
                bytes: group.bytes.len() as u64,
                answer,
            })
            .is_err()
        {
            return;
        }
    }
}

/// One stream: groups go onto it one after the other, and outcomes come back meanwhile.
fn stream_all(
    work: &Work<'_>,
    method: &Method,
    job: u32,
    groups: &Receiver<Group>,
    done: &Sender<Sent>,
    stop: &AtomicBool,
    met: &AtomicBool,
) {
    let mut stream =
        match CallStream::new(&work.client, method, &work.caller, work.client_name(job)) {
            Ok(stream) => stream,
            Err(error) => {
                stop.store(true, Ordering::Relaxed);
                // Where nobody collects any more, the run has ended.
                let _ = done.send(Sent::of(1, 1, 0, Err(error)));
                return;
            }
        };
    let mut groups = groups.iter();
    loop {
        let group = groups.next();
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let (flying_max, bytes) = match &group {
            Some(group) => {
                let lines = group.bytes.split(|byte| *byte == b'\n');
                for (line, number) in lines.zip(group.first_line..group.first_line + group.lines) {
                    stream.push(number, line);
                }
                (WINDOW_CALLS - STREAM_LINES, group.bytes.len() as u64)
            }
            None => (0, 0),
        };
        let ran = patiently(work, met, || stream.run(flying_max));
        let settled = stream.take_settled();
        // Its lines are numbered as the file's are.
        let mut going = done.send(Sent::of(0, 0, bytes, Ok(settled))).is_ok();
        if let Err(error) = ran {
            stop.store(true, Ordering::Relaxed);
            let (first, last) = stream.unanswered().unwrap_or((1, 1));
            let _ = done.send(Sent::of(first, last - first + 1, 0, Err(error)));
            going = false;
        }
        if !going || group.is_none() {
            return;
        }
    }
}

/// Waits for a node that is busy or away, but not for one that has never been there.
fn patiently<T>(
    work: &Work<'_>,
    met: &AtomicBool,
    mut attempt: impl FnMut() -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let since = Instant::now();
    let mut unknown = None;
    loop {
        let error = match attempt() {
            Ok(answer) => {
                met.store(true, Ordering::Relaxed);
                return Ok(answer);
            }
            Err(error) => error,
        };
        let away = matches!(error, ClientError::Unreachable { .. });
        let again = if away {
            met.load(Ordering::Relaxed) || unknown.is_some()
        } else {
            error.is_transient() || (work.key.is_some() && error.may_have_run())
        };
        if !again || since.elapsed() > PATIENCE {
            // What an earlier try may have run stays unknown, whatever the last one says.
            return Err(unknown.unwrap_or(error));
        }
        if error.may_have_run() {
            unknown = Some(error);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Adds up what comes back, and shows how far it is.
fn collect(results: &Receiver<Sent>, bytes_all: u64, started: Instant, stop: &AtomicBool) -> Tally {
    let mut tally = Tally::default();
    let mut progress = Progress::new();
    let mut shown = Instant::now();
    let mut bytes_done = 0;
    for sent in results {
        bytes_done += sent.bytes;
        tally.take(sent);
        if shown.elapsed() >= REFRESH && !stop.load(Ordering::Relaxed) {
            shown = Instant::now();
            let rate = tally.count() as f64 / started.elapsed().as_secs_f64();
            // Of a pipe nobody knows how much is to come.
            let percent = (100 * bytes_done).checked_div(bytes_all);
            let part =
                percent.map_or_else(String::new, |percent| format!("{:3}% ", percent.min(100)));
            progress.show(&format!(
                "{part}{} calls, {} ok, {rate:.0} per second",
                tally.count(),
                tally.ok
            ));
        }
    }
    progress.clear();
    tally
}

fn report(work: &Work<'_>, tally: &Tally, took: Duration) {
    let (count, seconds) = (tally.count(), took.as_secs_f64());
    let failed: u64 = tally.failures.values().sum();
    let mut out = format!(
        "{}.{}: {count} calls, {} ok, {failed} failed",
        work.package, work.command, tally.ok
    );
    if tally.earlier > 0 {
        let _ = write!(out, ", {} run before with this key", tally.earlier);
    }
    let _ = write!(
        out,
        " in {seconds:.3} s, {:.0} per second",
        count as f64 / seconds.max(1e-9)
    );
    for (code, count) in &tally.failures {
        let _ = write!(out, "\n  {count} × {}", rc_diagnostics::clean(code));
    }
    if let Some((line, problem)) = &tally.first_failure {
        let _ = write!(
            out,
            "\n  first: call {line}: {}",
            rc_diagnostics::clean(&problem.to_string())
        );
    }
    say(out);
}

fn lost(work: &Work<'_>, first: u64, lines: u64, error: &ClientError) -> Failure {
    let told = node::told(&work.client, error);
    let calls = format!("calls {first} to {}", first + lines - 1);
    Failure::new(match (error.may_have_run(), work.key) {
        (true, None) => format!("{calls}: {told}; with --key a repeated run is safe"),
        (true, Some(_)) => {
            format!("{calls}: {told}; repeat the same command with the same --key and --jobs")
        }
        (false, _) => format!("{calls} were not run: {told}"),
    })
}
