//! The superblock: the one small record that makes a checkpoint count.
//! Its bytes are a magic number, a version, a length, the fields in a fixed order (little-endian, lengths before
//! variable parts) and a CRC-32C over all before it. Decoding trusts nothing: any changed byte is an error.

use crate::address::{PageShift, RegionId};
use crate::directory::DirectorySummary;
use crate::region::RegionState;

/// The version of the layout below.
pub const SUPERBLOCK_FORMAT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"rc-super";
const HEADER_BYTES: usize = 8 + 4 + 8;
const CHECKSUM_BYTES: usize = 4;

/// What the engine says about the position at which a checkpoint was cut.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct CheckpointStamp {
    /// The cluster whose log this is.
    pub cluster_id: u128,
    /// The last op applied.
    pub op_number: u64,
    /// The raft term of the log entry of that op.
    pub raft_term: u64,
    /// The raft index of that entry.
    pub raft_index: u64,
    /// The semantics version in force.
    pub semantics_version: u32,
    /// The cluster's membership, opaque here.
    pub membership: Vec<u8>,
    /// The engine's rolling digest.
    pub engine_digest: u64,
    /// Where the events end, in bytes or records as the event log counts.
    pub event_end: u64,
    /// Anything else the engine needs to start again, opaque here.
    pub metadata: Vec<u8>,
}

/// A region as it stood at the cut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegionRecord {
    /// Its number.
    pub id: RegionId,
    /// Its state; never `Free`.
    pub state: RegionState,
    /// See `Canvas::set_region_metadata`.
    pub metadata: Vec<u8>,
}

/// The record itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Superblock {
    /// The page size of every page in the store.
    pub page_shift: PageShift,
    /// Rises by one with each checkpoint; page versions of later epochs do not count.
    pub epoch: u64,
    /// The position.
    pub stamp: CheckpointStamp,
    /// The regions, in ascending order.
    pub regions: Vec<RegionRecord>,
    /// Which page versions count; the store fills it in when it commits.
    pub directory: DirectorySummary,
}

/// Why bytes are not a superblock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SuperblockError {
    /// Shorter or longer than it says.
    #[error("the superblock is cut short or has bytes after its end")]
    Length,
    /// Something else altogether.
    #[error("this is no superblock")]
    Magic,
    /// Torn or rotten.
    #[error("the superblock's checksum does not match")]
    Checksum,
    /// From another version of this program.
    #[error("superblock format version {0} is not known to this program")]
    Version(u32),
    /// Sealed by a checksum, but with a field that no version writes.
    #[error("the superblock holds an impossible value")]
    Value,
}

impl Superblock {
    /// The bytes to store.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend(MAGIC);
        bytes.extend(SUPERBLOCK_FORMAT_VERSION.to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend((self.page_shift.bits()).to_le_bytes());
        bytes.extend(self.epoch.to_le_bytes());
        bytes.extend(self.stamp.cluster_id.to_le_bytes());
        bytes.extend(self.stamp.op_number.to_le_bytes());
        bytes.extend(self.stamp.raft_term.to_le_bytes());
        bytes.extend(self.stamp.raft_index.to_le_bytes());
        bytes.extend(self.stamp.semantics_version.to_le_bytes());
        bytes.extend(self.stamp.engine_digest.to_le_bytes());
        bytes.extend(self.stamp.event_end.to_le_bytes());
        bytes.extend(self.directory.pages_count.to_le_bytes());
        bytes.extend(self.directory.fingerprint.to_le_bytes());
        put_bytes(&mut bytes, &self.stamp.membership);
        put_bytes(&mut bytes, &self.stamp.metadata);
        bytes.extend((self.regions.len() as u32).to_le_bytes());
        for region in &self.regions {
            bytes.extend(region.id.to_le_bytes());
            bytes.push(region.state as u8);
            put_bytes(&mut bytes, &region.metadata);
        }
        let total = (bytes.len() + CHECKSUM_BYTES) as u64;
        bytes[12..HEADER_BYTES].copy_from_slice(&total.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    /// Reads what `encode` wrote.
    pub fn decode(bytes: &[u8]) -> Result<Superblock, SuperblockError> {
        if bytes.len() < HEADER_BYTES + CHECKSUM_BYTES {
            return Err(SuperblockError::Length);
        }
        if bytes[..8] != MAGIC {
            return Err(SuperblockError::Magic);
        }
        let (body, checksum) = bytes
            .split_last_chunk::<CHECKSUM_BYTES>()
            .ok_or(SuperblockError::Length)?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*checksum) {
            return Err(SuperblockError::Checksum);
        }
        let mut reader = Reader { rest: &body[8..] };
        let version = u32::from_le_bytes(reader.take()?);
        if version != SUPERBLOCK_FORMAT_VERSION {
            return Err(SuperblockError::Version(version));
        }
        if u64::from_le_bytes(reader.take()?) != bytes.len() as u64 {
            return Err(SuperblockError::Length);
        }
        let shift = u8::try_from(u32::from_le_bytes(reader.take()?))
            .ok()
            .and_then(PageShift::new);
        let page_shift = shift.ok_or(SuperblockError::Value)?;
        let epoch = u64::from_le_bytes(reader.take()?);
        let mut stamp = CheckpointStamp {
            cluster_id: u128::from_le_bytes(reader.take()?),
            op_number: u64::from_le_bytes(reader.take()?),
            raft_term: u64::from_le_bytes(reader.take()?),
            raft_index: u64::from_le_bytes(reader.take()?),
            semantics_version: u32::from_le_bytes(reader.take()?),
            engine_digest: u64::from_le_bytes(reader.take()?),
            event_end: u64::from_le_bytes(reader.take()?),
            membership: Vec::new(),
            metadata: Vec::new(),
        };
        let directory = DirectorySummary {
            pages_count: u64::from_le_bytes(reader.take()?),
            fingerprint: u64::from_le_bytes(reader.take()?),
        };
        stamp.membership = reader.bytes()?;
        stamp.metadata = reader.bytes()?;
        let count = u32::from_le_bytes(reader.take()?);
        let mut regions: Vec<RegionRecord> = Vec::new();
        for _ in 0..count {
            let id = RegionId::from_le_bytes(reader.take()?);
            let state = RegionState::from_number(u64::from(u8::from_le_bytes(reader.take()?)));
            let state = state
                .filter(|state| *state != RegionState::Free)
                .ok_or(SuperblockError::Value)?;
            if regions.last().is_some_and(|last| last.id >= id) {
                return Err(SuperblockError::Value);
            }
            regions.push(RegionRecord {
                id,
                state,
                metadata: reader.bytes()?,
            });
        }
        if !reader.rest.is_empty() {
            return Err(SuperblockError::Length);
        }
        Ok(Superblock {
            page_shift,
            epoch,
            stamp,
            regions,
            directory,
        })
    }
}

/// The superblock that counts, of the two copies that a store keeps; a store writes the first, then the second, each
/// atomically or torn, and only then forgets what the superblock before needs. So one good copy is enough, and a bad
/// first copy without a second means that no checkpoint was ever completed.
pub fn choose_superblock(
    copies: [Option<&[u8]>; 2],
) -> Result<Option<Superblock>, SuperblockError> {
    let [first, second] = copies.map(|copy| copy.map(Superblock::decode));
    match (first, second) {
        (Some(Ok(first)), Some(Ok(second))) => Ok(Some(if second.epoch > first.epoch {
            second
        } else {
            first
        })),
        (Some(Ok(good)), _) | (_, Some(Ok(good))) => Ok(Some(good)),
        // Another version of this program wrote it: not for us to pass over.
        (Some(Err(SuperblockError::Version(version))), _) => Err(SuperblockError::Version(version)),
        (_, None) => Ok(None),
        (_, Some(Err(error))) => Err(error),
    }
}

fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    into.extend((bytes.len() as u32).to_le_bytes());
    into.extend(bytes);
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], SuperblockError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk::<COUNT>()
            .ok_or(SuperblockError::Length)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn bytes(&mut self) -> Result<Vec<u8>, SuperblockError> {
        let length = u32::from_le_bytes(self.take()?) as usize;
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(SuperblockError::Length)?;
        self.rest = rest;
        Ok(taken.to_vec())
    }
}
