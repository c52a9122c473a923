//! The seam to storage: a flat folder of files and what it takes to make them durable. Twins: `RealDisk` (files) and
//! `SimulatedDisk` (a synced image and pending writes). Always true: the log relies on nothing that this page does not
//! promise. In particular a created, renamed or removed name is durable only after `sync_folder`.

use std::io;
use std::sync::Arc;

use crate::limits::BLOCK_BYTES;

/// How the writes of a file reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteStyle {
    /// A write is durable when it returns (`O_DIRECT | O_DSYNC`, else a write and an fdatasync).
    Durable,
    /// A write is durable after the next `sync`, and bypasses the page cache where the file system can.
    Bulk,
    /// A write is durable after the next `sync`, and stays in the page cache until then.
    Cached,
}

/// How this disk makes `Durable` writes durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Syncing {
    /// Direct synchronous writes over preallocated space.
    DirectSynchronous,
    /// The file system refused direct writes, for the reason given: each write is followed by an fdatasync.
    Fdatasync { reason: String },
    /// The disk is simulated.
    Simulated,
}

/// A folder of files. Names are plain file names, never paths.
pub trait Disk: Send + Sync {
    /// All names, in any order.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, name: &str, style: WriteStyle) -> io::Result<Arc<dyn DiskFile>>;
    /// Creates an empty file; an error if it exists.
    fn create(&self, name: &str, style: WriteStyle) -> io::Result<Arc<dyn DiskFile>>;
    /// Renames a file, replacing `to`.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes all creations, renames and removals so far durable.
    fn sync_folder(&self) -> io::Result<()>;
    /// How durable writes are made durable.
    fn syncing(&self) -> Syncing;
}

/// An open file. Offsets and lengths of reads and writes are whole blocks, and buffers start at block borders.
pub trait DiskFile: Send + Sync {
    /// The length of the file in bytes.
    fn length_bytes(&self) -> io::Result<u64>;
    /// Takes space for the first `bytes` of the file, or fails early when the disk is full. A file system that cannot
    /// answers `Ok`: the writes that follow will tell.
    fn reserve(&self, bytes: u64) -> io::Result<()>;
    /// Reads; may read less than asked, and 0 at the end.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Writes; may write less than given.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;
    /// Makes all writes so far durable.
    fn sync(&self) -> io::Result<()>;
    /// How this file was opened.
    fn style(&self) -> WriteStyle;
}

/// Writes all of `bytes`, going on after short writes from the last whole block.
pub(crate) fn write_all(file: &dyn DiskFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match file.write_at(offset + done as u64, &bytes[done..]) {
            Ok(written) if done + written == bytes.len() => return Ok(()),
            Ok(written) => {
                let whole = written / BLOCK_BYTES * BLOCK_BYTES;
                if written == 0 {
                    return Err(io::Error::new(
                        io::ErrorKind::WriteZero,
                        "the disk took no bytes",
                    ));
                }
                if whole == 0 && bytes.len() - done <= BLOCK_BYTES {
                    // A single block came short: write it again as a whole, a bounded number of times.
                    return write_block_again(file, offset + done as u64, &bytes[done..]);
                }
                done += whole;
            }
            // A signal arrived before anything was written. Any other error is final: see `Log::append`.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn write_block_again(file: &dyn DiskFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
    for _ in 0..64 {
        if file.write_at(offset, bytes)? == bytes.len() {
            return Ok(());
        }
    }
    Err(io::Error::new(
        io::ErrorKind::WriteZero,
        "the disk keeps writing less than a block",
    ))
}

/// Writes all of `bytes` and returns when they are durable, whatever the file's style.
pub(crate) fn write_durably(file: &dyn DiskFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
    write_all(file, offset, bytes)?;
    if file.style() == WriteStyle::Durable {
        Ok(())
    } else {
        file.sync()
    }
}

/// Reads until `into` is full or the file ends; answers how much was read.
pub(crate) fn read_full(file: &dyn DiskFile, offset: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < into.len() {
        match file.read_at(offset + done as u64, &mut into[done..]) {
            Ok(0) => break,
            Ok(count) => {
                let whole = count / BLOCK_BYTES * BLOCK_BYTES;
                // The end of a file need not be a block border; elsewhere go on from the last whole block.
                if whole == 0 {
                    return Ok(done + count);
                }
                done += whole;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
