//! The real twin of the disk seam: one folder, locked so that two processes never share it. Durable files are opened
//! with `O_DIRECT | O_DSYNC`; where the file system refuses that, each durable write is followed by an fdatasync, and
//! `syncing` says why.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, OFlags};

use crate::buffer::AlignedBuffer;
use crate::disk::{Disk, DiskFile, Syncing, WriteStyle};
use crate::limits::BLOCK_BYTES;

const LOCK_NAME: &str = "lock";
const PROBE_NAME: &str = "probe.new";

/// A folder on a real file system.
#[derive(Debug)]
pub struct RealDisk {
    folder: PathBuf,
    syncing: Syncing,
    honest: bool,
    /// Held for its lock, which ends with the process at the latest.
    _lock: File,
}

impl RealDisk {
    /// Opens the folder, creating it if needed, and locks it. `WouldBlock` means that another process has it open.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<RealDisk> {
        let folder = folder.into();
        create_durably(&folder)?;
        let lock = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(folder.join(LOCK_NAME))?;
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::WouldBlock,
                format!("{} is in use by another process", folder.display()),
            ),
            std::fs::TryLockError::Error(error) => error,
        })?;
        let syncing = probe_direct(&folder)?;
        Ok(RealDisk {
            folder,
            syncing,
            honest: true,
            _lock: lock,
        })
    }

    /// The same, but never with direct writes: for measuring, and for testing the fallback.
    pub fn open_without_direct(folder: impl Into<PathBuf>) -> io::Result<RealDisk> {
        let mut disk = RealDisk::open(folder)?;
        disk.syncing = Syncing::Fdatasync {
            reason: "direct writes are switched off".into(),
        };
        Ok(disk)
    }

    /// A disk that claims durability and never syncs: a crash harness that does not notice is broken.
    #[cfg(feature = "lying-disk")]
    pub fn open_lying(folder: impl Into<PathBuf>) -> io::Result<RealDisk> {
        let mut disk = RealDisk::open_without_direct(folder)?;
        disk.honest = false;
        Ok(disk)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn open_file(
        &self,
        name: &str,
        style: WriteStyle,
        create: bool,
    ) -> io::Result<Arc<dyn DiskFile>> {
        let direct = self.syncing == Syncing::DirectSynchronous;
        let flags = match style {
            WriteStyle::Durable if direct => OFlags::DIRECT | OFlags::DSYNC,
            WriteStyle::Bulk if direct => OFlags::DIRECT,
            WriteStyle::Durable | WriteStyle::Bulk | WriteStyle::Cached => OFlags::empty(),
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(create)
            .custom_flags(flags.bits() as i32)
            .open(self.folder.join(name))?;
        let sync_each_write = style == WriteStyle::Durable && !direct && self.honest;
        Ok(Arc::new(RealFile {
            file,
            style,
            sync_each_write,
            honest: self.honest,
        }))
    }
}

/// Creates the folder and what is missing above it, and makes each new name durable in the folder that holds it.
fn create_durably(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    std::fs::create_dir_all(folder)?;
    for path in missing.iter().rev() {
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// Tries one direct write; the answer says how durable writes will be made.
fn probe_direct(folder: &Path) -> io::Result<Syncing> {
    let path = folder.join(PROBE_NAME);
    let attempt = || -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .custom_flags((OFlags::DIRECT | OFlags::DSYNC).bits() as i32)
            .open(&path)?;
        let written = file.write_at(AlignedBuffer::zeroed(BLOCK_BYTES).bytes(), 0)?;
        if written == BLOCK_BYTES {
            Ok(())
        } else {
            Err(io::Error::other("a direct write came short"))
        }
    };
    let outcome = attempt();
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match outcome {
        Ok(()) => Ok(Syncing::DirectSynchronous),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(Syncing::Fdatasync {
                reason: format!("the file system refuses direct writes: {error}"),
            })
        }
        // A full disk is no reason to choose another way of writing; the log finds out when it needs space.
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(Syncing::Fdatasync {
            reason: "the disk was full when direct writes were tried".into(),
        }),
        Err(error) => Err(error),
    }
}

impl Disk for RealDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for item in std::fs::read_dir(&self.folder)? {
            if let Ok(name) = item?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, name: &str, style: WriteStyle) -> io::Result<Arc<dyn DiskFile>> {
        self.open_file(name, style, false)
    }

    fn create(&self, name: &str, style: WriteStyle) -> io::Result<Arc<dyn DiskFile>> {
        self.open_file(name, style, true)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.folder.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        if self.honest {
            File::open(&self.folder)?.sync_all()
        } else {
            Ok(())
        }
    }

    fn syncing(&self) -> Syncing {
        self.syncing.clone()
    }
}

#[derive(Debug)]
struct RealFile {
    file: File,
    style: WriteStyle,
    sync_each_write: bool,
    honest: bool,
}

impl DiskFile for RealFile {
    fn length_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, bytes) {
            Ok(()) | Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(into, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, offset)?;
        if self.sync_each_write {
            self.file.sync_data()?;
        }
        Ok(written)
    }

    fn sync(&self) -> io::Result<()> {
        if self.honest {
            self.file.sync_data()
        } else {
            Ok(())
        }
    }

    fn style(&self) -> WriteStyle {
        self.style
    }
}
