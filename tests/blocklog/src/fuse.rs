//! As much of the kernel's FUSE protocol (7.31, little-endian) as a folder of a few files of fixed length needs.
//!
//! Always true: questions are answered one at a time, in the order in which the kernel asks them; what is not known here is
//! answered with ENOSYS, which the kernel takes for "never ask again".

use std::fs::File;
use std::io::{ErrorKind, Read, Write};

/// What the files are.
pub trait Files {
    /// A file by its name.
    fn find(&self, name: &[u8]) -> Option<usize>;
    /// Of each file, for ever.
    fn length_bytes(&self) -> u64;
    fn read(&self, file: usize, offset: usize, length: usize, into: &mut Vec<u8>);
    /// Whether there was room.
    fn write(&self, file: usize, offset: usize, bytes: &[u8]) -> bool;
    /// All writes so far are to be durable.
    fn flush(&self, file: usize);
}

const MINOR_VERSION: u32 = 31;
const WRITE_BYTES_MAX: u32 = 128 << 10;
const HEADER_BYTES: usize = 40;
/// A write's fields before its bytes.
const WRITE_FIELDS_BYTES: usize = 40;
/// For a header, a write's fields and its bytes; the kernel wants some more room.
const QUESTION_BYTES_MAX: usize = WRITE_BYTES_MAX as usize + (64 << 10);
/// Seconds for which the kernel need not ask again for names and attributes.
const VALID_SECONDS: u64 = 1 << 20;

/// Writes of more than a page.
const BIG_WRITES: u32 = 1 << 5;

const ROOT: u64 = 1;
/// The first file's.
const FIRST_FILE: u64 = 2;
const MODE_FOLDER: u32 = 0o040_700;
const MODE_FILE: u32 = 0o100_600;

const ENOENT: i32 = 2;
const EISDIR: i32 = 21;
const ENOSPC: i32 = 28;
const ENOSYS: i32 = 38;

const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const SETATTR: u32 = 4;
const OPEN: u32 = 14;
const READ: u32 = 15;
const WRITE: u32 = 16;
const STATFS: u32 = 17;
const RELEASE: u32 = 18;
const FSYNC: u32 = 20;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const OPENDIR: u32 = 27;
const RELEASEDIR: u32 = 29;
const INTERRUPT: u32 = 36;
const DESTROY: u32 = 38;
const BATCH_FORGET: u32 = 42;

/// A question of the kernel.
struct Question<'a> {
    opcode: u32,
    unique: u64,
    node: u64,
    body: &'a [u8],
}

/// Bytes of an answer, put one field after the other.
#[derive(Default)]
struct Answer(Vec<u8>);

impl Answer {
    fn u32s(mut self, fields: &[u32]) -> Answer {
        for field in fields {
            self.0.extend(field.to_le_bytes());
        }
        self
    }

    fn u64s(mut self, fields: &[u64]) -> Answer {
        for field in fields {
            self.0.extend(field.to_le_bytes());
        }
        self
    }

    /// `struct fuse_attr`.
    fn attributes(self, node: u64, length: u64) -> Answer {
        let (mode, length) = match node {
            ROOT => (MODE_FOLDER, 0),
            _ => (MODE_FILE, length),
        };
        // ino, size, blocks, three times; their nanoseconds, mode, nlink, uid, gid, rdev, blksize, flags
        self.u64s(&[node, length, length / 512, 0, 0, 0])
            .u32s(&[0, 0, 0, mode, 1, 0, 0, 0, 4096, 0])
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Answers until the file system is unmounted.
pub fn serve(mut device: &File, files: &impl Files) {
    let mut buffer = vec![0; QUESTION_BYTES_MAX];
    loop {
        let count = match device.read(&mut buffer) {
            Ok(count) => count,
            // ENOENT: the question was taken back before it was read.
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::NotFound) => {
                continue;
            }
            // ENODEV: unmounted.
            Err(_) => return,
        };
        let question = Question {
            opcode: u32_at(&buffer, 4),
            unique: u64_at(&buffer, 8),
            node: u64_at(&buffer, 16),
            body: &buffer[HEADER_BYTES..count],
        };
        if matches!(question.opcode, FORGET | BATCH_FORGET | INTERRUPT) {
            continue;
        }
        let (error, body) = match answer(&question, files) {
            Ok(answer) => (0, answer.0),
            Err(error) => (-error, Vec::new()),
        };
        let length = 16 + body.len() as u32;
        let head = Answer::default()
            .u32s(&[length, error as u32])
            .u64s(&[question.unique]);
        let bytes = [head.0, body].concat();
        // Fails where nobody waits for the answer any more.
        let _ = device.write(&bytes);
    }
}

fn file_of(node: u64) -> Result<usize, i32> {
    let file = node.checked_sub(FIRST_FILE).ok_or(EISDIR)?;
    Ok(file as usize)
}

/// The answer, or an error number.
fn answer(question: &Question<'_>, files: &impl Files) -> Result<Answer, i32> {
    let Question {
        opcode, node, body, ..
    } = *question;
    let answer = Answer::default();
    Ok(match opcode {
        // major, minor, max_readahead, flags, max_background and congestion_threshold, max_write, time_gran, the rest 0.
        // Without the flag for a cache that writes back, each write comes before it is answered to whoever made it.
        INIT => answer
            .u32s(&[7, MINOR_VERSION, u32_at(body, 8), BIG_WRITES])
            .u32s(&[0, WRITE_BYTES_MAX, 1])
            .u32s(&[0; 9]),
        LOOKUP => {
            let name = body.strip_suffix(&[0]).unwrap_or(body);
            let node = files.find(name).ok_or(ENOENT)? as u64 + FIRST_FILE;
            // nodeid, generation, entry_valid, attr_valid, their nanoseconds
            answer
                .u64s(&[node, 0, VALID_SECONDS, VALID_SECONDS])
                .u32s(&[0, 0])
                .attributes(node, files.length_bytes())
        }
        GETATTR | SETATTR => answer
            .u64s(&[VALID_SECONDS])
            .u32s(&[0, 0])
            .attributes(node, files.length_bytes()),
        // No flag to keep the cache: what the kernel knew of the contents may be other ones by now.
        OPEN | OPENDIR => answer.u64s(&[0]).u32s(&[0, 0]),
        READ => {
            let mut answer = answer;
            let (offset, length) = (u64_at(body, 8) as usize, u32_at(body, 16) as usize);
            files.read(file_of(node)?, offset, length, &mut answer.0);
            answer
        }
        WRITE => {
            let (offset, length) = (u64_at(body, 8) as usize, u32_at(body, 16));
            let bytes = &body[WRITE_FIELDS_BYTES..WRITE_FIELDS_BYTES + length as usize];
            if !files.write(file_of(node)?, offset, bytes) {
                return Err(ENOSPC);
            }
            answer.u32s(&[length, 0])
        }
        FSYNC => {
            files.flush(file_of(node)?);
            answer
        }
        // Counts of blocks and files, then block size, length of names, fragment size, and room.
        STATFS => answer.u64s(&[0; 5]).u32s(&[512, 255, 512, 0]).u32s(&[0; 6]),
        // FLUSH is the end of a file handle, not of a write.
        FLUSH | RELEASE | RELEASEDIR | DESTROY => answer,
        _ => return Err(ENOSYS),
    })
}
