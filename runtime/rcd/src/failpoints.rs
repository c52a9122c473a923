//! For the crash harness, in builds with the feature `failpoints` only: the process ends itself at a named step, and a
//! disk that acknowledges what only this process knows yet.
//!
//! `RECURRENT_FAILPOINT=STEP:COUNT` aborts at the COUNT-th time that STEP is begun; `STEP:COUNT:N` goes on to the N-th
//! disk operation of the log after that, and if it is a write leaves the second half of it unwritten. Standard error
//! says which step it was. `RECURRENT_STEPS=1` prints each step's name the first time.

use rc_log::{Disk, DiskFile, Failpoints, Point, RealDisk, Syncing, WriteStyle};
use rc_node::NodeOptions;
use rc_storage::RocksStore;
use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// How long the lying disk holds a write back: a kill loses the acknowledged writes of so long.
const HELD_BACK: Duration = Duration::from_millis(400);
const BLOCK_BYTES: usize = 4096;

struct Armed {
    step: String,
    /// Times until it is hit.
    left: AtomicU64,
    operations: u64,
}

static ARMED: OnceLock<Armed> = OnceLock::new();
/// Disk operations until the end, 0 before the step was hit.
static OPERATIONS_LEFT: AtomicU64 = AtomicU64::new(0);
static SHOWN: OnceLock<Mutex<BTreeSet<String>>> = OnceLock::new();

/// Reads the environment and watches the steps of the node, the log and the store.
pub fn arm(options: &mut NodeOptions, store: &mut RocksStore) {
    if std::env::var_os("RECURRENT_STEPS").is_some() {
        SHOWN.get_or_init(Mutex::default);
    }
    if let Ok(text) = std::env::var("RECURRENT_FAILPOINT") {
        let mut parts = text.split(':');
        let step = parts.next().unwrap_or_default().to_string();
        let mut number = || parts.next().and_then(|text| text.parse().ok());
        let (left, operations) = (number().unwrap_or(1), number().unwrap_or(0));
        ARMED.get_or_init(|| Armed {
            step,
            left: AtomicU64::new(left),
            operations,
        });
    }
    options.log.failpoints = Failpoints::watched(|point| hit(log_step(point)));
    rc_node::watch_steps(hit);
    store.watch_steps(|name| {
        hit(name);
        Ok(())
    });
}

fn log_step(point: Point) -> &'static str {
    match point {
        Point::Append => "appending to the log",
        Point::Truncate => "truncating the log",
        Point::Purge => "purging the log",
        Point::Roll => "rolling to the next segment",
        Point::HeaderWrite => "writing a segment header",
        Point::StateWrite => "writing the log state",
        Point::Preparation => "preparing a segment",
        Point::Freeing => "freeing a segment",
        Point::Recovery => "opening the log",
        Point::TailCut => "cutting a torn tail",
    }
}

fn hit(step: &'static str) {
    if let Some(shown) = SHOWN.get()
        && shown
            .lock()
            .expect("no holder of this lock panics")
            .insert(step.to_string())
    {
        eprintln!("step: {step}");
    }
    let Some(armed) = ARMED.get().filter(|armed| armed.step == step) else {
        return;
    };
    if armed.left.fetch_sub(1, Ordering::AcqRel) != 1 {
        return;
    }
    match armed.operations {
        0 => end(),
        operations => OPERATIONS_LEFT.store(operations, Ordering::Release),
    }
}

fn end() -> ! {
    let step = ARMED.get().map_or("", |armed| armed.step.as_str());
    eprintln!("failpoint hit: {step}");
    std::process::abort()
}

/// Whether this disk operation is the one to end in.
fn is_last_operation() -> bool {
    let counted = OPERATIONS_LEFT.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
        left.checked_sub(1)
    });
    counted == Ok(1)
}

/// The disk of the log under this harness.
pub fn open_disk(folder: PathBuf, lying: bool) -> io::Result<Arc<dyn Disk>> {
    let inner = if lying {
        RealDisk::open_lying(folder)?
    } else {
        RealDisk::open(folder)?
    };
    let held = lying.then(|| Arc::new(Mutex::new(VecDeque::new())));
    if let Some(held) = &held {
        let held = Arc::clone(held);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(10));
                release(&held, HELD_BACK);
            }
        });
    }
    Ok(Arc::new(WatchedDisk { inner, held }))
}

/// Writes that were acknowledged and not made, oldest first: what is lost is always the newest.
type Held = Arc<Mutex<VecDeque<HeldWrite>>>;

struct HeldWrite {
    name: String,
    file: Arc<dyn DiskFile>,
    offset: u64,
    bytes: Vec<u8>,
    since: Instant,
}

/// Makes the writes that are older than `age`.
fn release(held: &Held, age: Duration) {
    let mut held = held.lock().expect("no holder of this lock panics");
    while let Some(write) = held.front().filter(|write| write.since.elapsed() >= age) {
        let written = write.file.write_at(write.offset, &write.bytes);
        assert!(
            written.is_ok_and(|count| count == write.bytes.len()),
            "the lying disk cannot write"
        );
        held.pop_front();
    }
}

struct WatchedDisk {
    inner: RealDisk,
    held: Option<Held>,
}

impl WatchedDisk {
    /// Before what the held writes must not be overtaken by.
    fn settle(&self) {
        if let Some(held) = &self.held {
            release(held, Duration::ZERO);
        }
    }

    fn file(&self, name: &str, inner: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(WatchedFile {
            name: name.to_string(),
            inner,
            held: self.held.clone(),
        })
    }
}

/// Does the operation, then ends if it was the last.
fn counted<T>(operation: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let last = is_last_operation();
    let result = operation();
    if last {
        end();
    }
    result
}

impl Disk for WatchedDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        self.inner.names()
    }

    fn open(&self, name: &str, style: WriteStyle) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(name, self.inner.open(name, style)?))
    }

    fn create(&self, name: &str, style: WriteStyle) -> io::Result<Arc<dyn DiskFile>> {
        self.settle();
        Ok(self.file(name, counted(|| self.inner.create(name, style))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.settle();
        counted(|| self.inner.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.settle();
        counted(|| self.inner.remove(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        counted(|| self.inner.sync_folder())
    }

    fn syncing(&self) -> Syncing {
        self.inner.syncing()
    }
}

struct WatchedFile {
    name: String,
    inner: Arc<dyn DiskFile>,
    held: Option<Held>,
}

impl DiskFile for WatchedFile {
    fn length_bytes(&self) -> io::Result<u64> {
        self.inner.length_bytes()
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        counted(|| self.inner.reserve(bytes))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read_at(offset, into)?;
        if let Some(held) = &self.held {
            let held = held.lock().expect("no holder of this lock panics");
            for write in held.iter().filter(|write| write.name == self.name) {
                let (start, end) = (
                    offset.max(write.offset),
                    (offset + count as u64).min(write.offset + write.bytes.len() as u64),
                );
                if start < end {
                    let from = &write.bytes
                        [(start - write.offset) as usize..(end - write.offset) as usize];
                    into[(start - offset) as usize..(end - offset) as usize].copy_from_slice(from);
                }
            }
        }
        Ok(count)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        if is_last_operation() {
            let half = (bytes.len() / 2) / BLOCK_BYTES * BLOCK_BYTES;
            if half > 0 {
                self.inner.write_at(offset, &bytes[..half])?;
            }
            end();
        }
        let is_unit = self.inner.style() == WriteStyle::Durable
            && offset >= rc_log::limits::SEGMENT_HEADER_BYTES as u64;
        match &self.held {
            Some(held) if is_unit => {
                let write = HeldWrite {
                    name: self.name.clone(),
                    file: Arc::clone(&self.inner),
                    offset,
                    bytes: bytes.to_vec(),
                    since: Instant::now(),
                };
                held.lock()
                    .expect("no holder of this lock panics")
                    .push_back(write);
                Ok(bytes.len())
            }
            Some(held) => {
                release(held, Duration::ZERO);
                self.inner.write_at(offset, bytes)
            }
            None => self.inner.write_at(offset, bytes),
        }
    }

    fn sync(&self) -> io::Result<()> {
        counted(|| self.inner.sync())
    }

    fn style(&self) -> WriteStyle {
        self.inner.style()
    }
}
