//! Segments that are ready before they are needed: filled with zeros, headers marked free, durable under their names. A
//! full disk shows here, before anything is ordered. A real log prepares them on a thread of its own; a simulated one
//! in place, so that every run of a seed is the same.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use crate::buffer::AlignedBuffer;
use crate::disk::{Disk, DiskFile, WriteStyle, write_all, write_durably};
use crate::failpoint::{Failpoints, Point};
use crate::header::SegmentHeader;
use crate::limits::{BLOCK_BYTES, FILL_BYTES};

/// A segment file that holds nothing.
pub(crate) struct Spare {
    pub name: String,
    pub file: Arc<dyn DiskFile>,
    pub header: SegmentHeader,
}

/// What preparing needs to know.
#[derive(Clone)]
pub(crate) struct Preparation {
    pub disk: Arc<dyn Disk>,
    pub identity: u64,
    pub segment_bytes: u64,
    pub style: WriteStyle,
    pub failpoints: Failpoints,
    pub stop: Arc<AtomicBool>,
}

/// The spares that are ready, and the one being made.
pub(crate) struct Spares {
    ready: VecDeque<Spare>,
    wanted: usize,
    next_file: u64,
    preparation: Preparation,
    worker: Option<Worker>,
    /// A file number is with the worker.
    under_way: bool,
}

struct Worker {
    requests: Option<Sender<u64>>,
    results: Receiver<io::Result<Spare>>,
    thread: Option<JoinHandle<()>>,
}

impl Spares {
    pub fn new(
        preparation: Preparation,
        ready: Vec<Spare>,
        next_file: u64,
        wanted: usize,
        in_background: bool,
    ) -> io::Result<Spares> {
        let worker = if in_background {
            Some(Worker::start(preparation.clone())?)
        } else {
            None
        };
        Ok(Spares {
            ready: ready.into(),
            wanted,
            next_file,
            preparation,
            worker,
            under_way: false,
        })
    }

    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    pub fn take(&mut self) -> Option<Spare> {
        self.ready.pop_front()
    }

    pub fn put(&mut self, spare: Spare) {
        self.ready.push_back(spare);
    }

    /// Begins to prepare what is wanted, ahead of need. A full disk is no error yet.
    pub fn prepare_ahead(&mut self) -> io::Result<()> {
        self.collect()?;
        if self.worker.is_some() {
            if self.ready.len() < self.wanted && !self.under_way {
                self.request();
            }
            return Ok(());
        }
        while self.ready.len() < self.wanted {
            match self.prepare_here() {
                Ok(()) => {}
                Err(error) if is_full(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until one is ready. `StorageFull` if the disk has no room for it.
    pub fn wait(&mut self) -> io::Result<()> {
        self.collect()?;
        while self.ready.is_empty() {
            let Some(worker) = &self.worker else {
                return self.prepare_here();
            };
            if !self.under_way {
                self.request();
                continue;
            }
            let result = worker.results.recv().map_err(|_| worker_ended())?;
            self.under_way = false;
            self.ready.push_back(result?);
        }
        Ok(())
    }

    fn collect(&mut self) -> io::Result<()> {
        let Some(worker) = &self.worker else {
            return Ok(());
        };
        while self.under_way {
            match worker.results.try_recv() {
                Ok(Ok(spare)) => self.ready.push_back(spare),
                Ok(Err(error)) if is_full(&error) => {}
                Ok(Err(error)) => return Err(error),
                Err(std::sync::mpsc::TryRecvError::Empty) => return Ok(()),
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return Err(worker_ended()),
            }
            self.under_way = false;
        }
        Ok(())
    }

    fn request(&mut self) {
        let number = self.file_number();
        if let Some(requests) = self
            .worker
            .as_ref()
            .and_then(|worker| worker.requests.as_ref())
        {
            // A worker that ended is noticed when its result is asked for.
            let _ = requests.send(number);
            self.under_way = true;
        }
    }

    fn prepare_here(&mut self) -> io::Result<()> {
        let number = self.file_number();
        let spare = self.preparation.prepare(number)?;
        self.ready.push_back(spare);
        Ok(())
    }

    fn file_number(&mut self) -> u64 {
        self.next_file += 1;
        self.next_file - 1
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        self.preparation.stop.store(true, Ordering::Relaxed);
        if let Some(worker) = &mut self.worker {
            worker.requests = None;
            if let Some(thread) = worker.thread.take() {
                // A panic there has been printed; there is nothing to add while dropping.
                let _ = thread.join();
            }
        }
    }
}

impl Worker {
    fn start(preparation: Preparation) -> io::Result<Worker> {
        let (requests, inbox) = channel::<u64>();
        let (outbox, results) = channel();
        let thread = std::thread::Builder::new()
            .name("log-spares".into())
            .spawn(move || {
                for number in inbox {
                    if outbox.send(preparation.prepare(number)).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Worker {
            requests: Some(requests),
            results,
            thread: Some(thread),
        })
    }
}

fn worker_ended() -> io::Error {
    io::Error::other("the thread that prepares log segments ended")
}

/// No space, or no quota: the caller may try again later.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// The name of a segment file.
pub(crate) fn segment_name(number: u64) -> String {
    format!("segment-{number:08}.log")
}

/// The number in a segment file's name.
pub(crate) fn segment_name_number(name: &str) -> Option<u64> {
    name.strip_prefix("segment-")?
        .strip_suffix(".log")?
        .parse()
        .ok()
}

impl Preparation {
    /// Makes one spare. On an error its file is removed again, so that a full disk gets its room back.
    pub fn prepare(&self, number: u64) -> io::Result<Spare> {
        self.failpoints.enter(Point::Preparation);
        let name = segment_name(number);
        let new_name = format!("{name}.new");
        let header = match self.fill(&new_name) {
            Ok(header) => header,
            Err(error) => {
                // The first error is the one to tell.
                let _ = self.disk.remove(&new_name);
                return Err(error);
            }
        };
        self.disk.rename(&new_name, &name)?;
        self.disk.sync_folder()?;
        let file = self.disk.open(&name, self.style)?;
        self.failpoints.leave(Point::Preparation);
        Ok(Spare { name, file, header })
    }

    fn fill(&self, name: &str) -> io::Result<SegmentHeader> {
        let file = self.disk.create(name, WriteStyle::Bulk)?;
        file.reserve(self.segment_bytes)?;
        let zeros = AlignedBuffer::zeroed(FILL_BYTES.min(self.segment_bytes as usize));
        let mut position = 0;
        while position < self.segment_bytes {
            if self.stop.load(Ordering::Relaxed) {
                return Err(io::Error::other("the log is being closed"));
            }
            let piece = (self.segment_bytes - position).min(FILL_BYTES as u64);
            write_all(file.as_ref(), position, &zeros.bytes()[..piece as usize])?;
            position += piece;
        }
        let header = SegmentHeader {
            identity: self.identity,
            generation: 1,
            segment_bytes: self.segment_bytes,
            active: None,
        };
        write_header(file.as_ref(), &header, None, &self.failpoints)?;
        Ok(header)
    }
}

/// Writes both copies, the second when the first is durable. A damaged or older copy must come first: while it is
/// written, the other one still counts.
pub(crate) fn write_header(
    file: &dyn DiskFile,
    header: &SegmentHeader,
    stale_copy: Option<usize>,
    failpoints: &Failpoints,
) -> io::Result<()> {
    failpoints.enter(Point::HeaderWrite);
    let mut buffer = AlignedBuffer::zeroed(BLOCK_BYTES);
    header.encode(buffer.bytes_mut());
    let first = stale_copy.unwrap_or(0);
    for copy in [first, 1 - first] {
        write_durably(file, (copy * BLOCK_BYTES) as u64, buffer.bytes())?;
    }
    failpoints.leave(Point::HeaderWrite);
    Ok(())
}
