//! Two disks as files of a FUSE file system: `recorded` notes each write and flush before it answers; `replayed` is given the
//! contents that a power cut would have left.
//!
//! Always true: one thread serves the kernel, so the log's order is the order of the answers; a write that was answered is
//! in the log; a flush stands after all writes that were answered before it was asked for.

use crate::block_log::{BlockLog, Record};
use crate::fuse::{Files, serve};
use crate::mount;
use crash_test::disk_clock::DiskClock;
use crash_test::failure::{Failure, on_files};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// Enough for a data directory with small segments, and quickly copied.
pub const DISK_BYTES: usize = 96 << 20;
const NAMES: [&str; 2] = ["recorded", "replayed"];
const DEVICE: &str = "/dev/fuse";

#[derive(Default)]
struct Contents {
    bytes: [Vec<u8>; 2],
    /// `None` while nothing is noted.
    log: Option<BlockLog>,
}

struct Shared {
    contents: Mutex<Contents>,
    clock: DiskClock,
}

impl Shared {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().expect("no holder of this lock panics")
    }
}

/// Both disks, mounted on a folder; unmounted when dropped.
pub struct Disks {
    shared: Arc<Shared>,
    folder: PathBuf,
}

impl Disks {
    pub fn mount(folder: &Path) -> Result<Disks, Failure> {
        let shared = Arc::new(Shared {
            contents: Mutex::new(Contents {
                bytes: [vec![0; DISK_BYTES], vec![0; DISK_BYTES]],
                log: None,
            }),
            clock: DiskClock::default(),
        });
        let device = File::options().read(true).write(true).open(DEVICE);
        let device = on_files(DEVICE, device)?;
        mount::mount_fuse(&device, folder)?;
        let served = Served(Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("recording".into());
        let thread = thread.spawn(move || serve(&device, &served));
        on_files("a thread for the recorded disk", thread)?;
        Ok(Disks {
            shared,
            folder: folder.to_path_buf(),
        })
    }

    pub fn recorded(&self) -> PathBuf {
        self.folder.join(NAMES[0])
    }

    pub fn replayed(&self) -> PathBuf {
        self.folder.join(NAMES[1])
    }

    pub fn clock(&self) -> &DiskClock {
        &self.shared.clock
    }

    /// Notes everything from here on.
    pub fn start_recording(&self) {
        let mut contents = self.shared.contents();
        let log = BlockLog::new(contents.bytes[0].clone());
        contents.log = Some(log);
    }

    /// What was noted; nothing more is.
    pub fn stop_recording(&self) -> BlockLog {
        let log = self.shared.contents().log.take();
        log.expect("recording was started")
    }

    /// Gives the second disk its contents. To be done while it is not mounted.
    pub fn set_replayed(&self, bytes: Vec<u8>) {
        assert_eq!(bytes.len(), DISK_BYTES, "a disk does not change its size");
        self.shared.contents().bytes[1] = bytes;
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        // Ends the thread too: the kernel has no more questions.
        mount::unmount_lazily(&self.folder);
    }
}

/// What the kernel's questions are answered with.
struct Served(Arc<Shared>);

impl Files for Served {
    fn find(&self, name: &[u8]) -> Option<usize> {
        NAMES.iter().position(|known| known.as_bytes() == name)
    }

    fn length_bytes(&self) -> u64 {
        DISK_BYTES as u64
    }

    fn read(&self, disk: usize, offset: usize, length: usize, into: &mut Vec<u8>) {
        let start = offset.min(DISK_BYTES);
        let end = (start + length).min(DISK_BYTES);
        into.extend_from_slice(&self.0.contents().bytes[disk][start..end]);
    }

    fn write(&self, disk: usize, offset: usize, bytes: &[u8]) -> bool {
        if offset + bytes.len() > DISK_BYTES {
            return false;
        }
        let mut contents = self.0.contents();
        contents.bytes[disk][offset..offset + bytes.len()].copy_from_slice(bytes);
        let record = || Record::Write {
            offset,
            bytes: bytes.into(),
        };
        self.note(&mut contents, disk, record);
        true
    }

    fn flush(&self, disk: usize) {
        self.note(&mut self.0.contents(), disk, || Record::Flush);
    }
}

impl Served {
    fn note(&self, contents: &mut Contents, disk: usize, record: impl FnOnce() -> Record) {
        if let Some(log) = contents.log.as_mut().filter(|_| disk == 0) {
            log.push(record());
            self.0.clock.tick();
        }
    }
}
