//! What a disk was told, in order, and the contents that a power cut leaves.
//!
//! Always true: everything before the last flush of a prefix is on the disk; what was written after it may be there,
//! each sector of 512 bytes by itself, with any of the contents that it was given since.

use crash_test::random::Random;
use std::collections::BTreeMap;
use std::fmt;

pub const SECTOR_BYTES: usize = 512;

pub enum Record {
    Write {
        offset: usize,
        bytes: Box<[u8]>,
    },
    /// Makes all writes before it durable.
    Flush,
}

/// What a write carried, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    LogUnit,
    SegmentHeader,
    LogState,
    Superblock,
    FileSystemJournal,
    /// Pages, events, zeros of fresh segments, the file system's own tables.
    Other,
}

impl Kind {
    pub const ALL: [Kind; 6] = [
        Kind::LogUnit,
        Kind::SegmentHeader,
        Kind::LogState,
        Kind::Superblock,
        Kind::FileSystemJournal,
        Kind::Other,
    ];

    fn of(bytes: &[u8]) -> Kind {
        let starts: [(&[u8], Kind); 5] = [
            (b"RCwu", Kind::LogUnit),
            (b"RCsegmnt", Kind::SegmentHeader),
            (b"RCstate\0", Kind::LogState),
            (b"rc-super", Kind::Superblock),
            (&[0xC0, 0x3B, 0x39, 0x98], Kind::FileSystemJournal),
        ];
        let found = starts.iter().find(|(start, _)| bytes.starts_with(start));
        found.map_or(Kind::Other, |(_, kind)| *kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::LogUnit => "a unit of the log",
            Kind::SegmentHeader => "a segment's header (roll, freeing)",
            Kind::LogState => "the log's state file",
            Kind::Superblock => "a checkpoint's superblock",
            Kind::FileSystemJournal => "the file system's journal",
            Kind::Other => "pages, events, fresh segments, tables",
        })
    }
}

/// What becomes of the writes after the last flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All are there.
    Nothing,
    /// None is there.
    Everything,
    /// Each write is there or not, in any order.
    Writes,
    /// Each sector is there or not, in any order.
    Sectors,
}

pub struct BlockLog {
    /// The disk when recording began.
    base: Vec<u8>,
    records: Vec<Record>,
}

impl BlockLog {
    pub fn new(base: Vec<u8>) -> BlockLog {
        BlockLog {
            base,
            records: Vec::new(),
        }
    }

    pub fn push(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Writes and flushes.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    pub fn flushes(&self) -> usize {
        self.records
            .iter()
            .filter(|record| matches!(record, Record::Flush))
            .count()
    }

    pub fn bytes_written(&self) -> usize {
        self.records
            .iter()
            .map(|record| match record {
                Record::Write { bytes, .. } => bytes.len(),
                Record::Flush => 0,
            })
            .sum()
    }

    /// Whether the prefix of this length ends with a flush.
    pub fn is_border(&self, prefix: usize) -> bool {
        matches!(self.records[prefix - 1], Record::Flush)
    }

    /// The length of the prefix that is surely on the disk when power is cut after `prefix` records.
    pub fn durable(&self, prefix: usize) -> usize {
        let flush = self.records[..prefix]
            .iter()
            .rposition(|record| matches!(record, Record::Flush));
        flush.map_or(0, |flush| flush + 1)
    }

    /// What the last write of a prefix carried.
    pub fn last_kind(&self, prefix: usize) -> Kind {
        let last = self.records[..prefix].iter().rev();
        let mut writes = last.filter_map(|record| match record {
            Record::Write { bytes, .. } => Some(bytes),
            Record::Flush => None,
        });
        writes.next().map_or(Kind::Other, |bytes| Kind::of(bytes))
    }
}

/// Builds the disk after ever longer prefixes.
pub struct Replay<'a> {
    log: &'a BlockLog,
    /// The first `durable` records, done.
    disk: Vec<u8>,
    durable: usize,
}

impl<'a> Replay<'a> {
    pub fn new(log: &'a BlockLog) -> Replay<'a> {
        Replay {
            log,
            disk: log.base.clone(),
            durable: 0,
        }
    }

    /// The disk when power is cut after `prefix` records, which is no less than the time before; and how many sectors do
    /// not have what was written to them last.
    pub fn cut(&mut self, prefix: usize, loss: Loss, random: &mut Random) -> (Vec<u8>, usize) {
        let durable = self.log.durable(prefix);
        for record in &self.log.records[self.durable..durable] {
            if let Record::Write { offset, bytes } = record {
                self.disk[*offset..*offset + bytes.len()].copy_from_slice(bytes);
            }
        }
        self.durable = durable;
        let mut disk = self.disk.clone();
        let mut pending: Vec<(usize, &[u8])> = Vec::new();
        for record in &self.log.records[durable..prefix] {
            if let Record::Write { offset, bytes } = record {
                pending.push((*offset, bytes));
            }
        }
        let mut whole: BTreeMap<usize, &[u8]> = BTreeMap::new();
        for (offset, bytes) in &pending {
            let sectors = bytes.chunks(SECTOR_BYTES).enumerate();
            whole.extend(sectors.map(|(index, sector)| (offset + index * SECTOR_BYTES, sector)));
        }
        match loss {
            Loss::Everything => pending.clear(),
            Loss::Nothing => {}
            Loss::Writes => {
                pending.retain(|_| random.below(2) == 0);
                for last in (1..pending.len()).rev() {
                    pending.swap(last, random.below(last as u64 + 1) as usize);
                }
            }
            Loss::Sectors => pending = some_sectors(&pending, random),
        }
        for (offset, bytes) in pending {
            disk[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        let lost = whole
            .iter()
            .filter(|(at, sector)| disk[**at..**at + sector.len()] != ***sector);
        let lost = lost.count();
        (disk, lost)
    }
}

/// For each sector that was written one of the contents it was given, or none.
fn some_sectors<'a>(pending: &[(usize, &'a [u8])], random: &mut Random) -> Vec<(usize, &'a [u8])> {
    let mut given: BTreeMap<usize, Vec<&'a [u8]>> = BTreeMap::new();
    for (offset, bytes) in pending {
        for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
            let at = offset + index * SECTOR_BYTES;
            given.entry(at).or_default().push(sector);
        }
    }
    let mut kept = Vec::new();
    for (at, contents) in given {
        // As likely lost as there; if there, any of them.
        if random.below(2) == 0 {
            kept.push((at, contents[random.below(contents.len() as u64) as usize]));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(sector: usize, fill: u8) -> Record {
        Record::Write {
            offset: sector * SECTOR_BYTES,
            bytes: vec![fill; SECTOR_BYTES].into(),
        }
    }

    fn log() -> BlockLog {
        let mut log = BlockLog::new(vec![0; 4 * SECTOR_BYTES]);
        for record in [
            write(0, 1),
            write(1, 2),
            Record::Flush,
            write(1, 3),
            write(2, 4),
        ] {
            log.push(record);
        }
        log
    }

    fn sectors(disk: &[u8]) -> Vec<u8> {
        disk.chunks(SECTOR_BYTES)
            .map(|sector| {
                assert!(
                    sector.iter().all(|byte| *byte == sector[0]),
                    "a torn sector"
                );
                sector[0]
            })
            .collect()
    }

    #[test]
    fn what_was_flushed_stays_and_the_rest_is_lost_or_kept_as_asked() {
        let (log, mut random) = (log(), Random::new(1));
        let mut cut = |prefix, loss| {
            let (disk, lost) = Replay::new(&log).cut(prefix, loss, &mut random);
            (sectors(&disk), lost)
        };
        assert_eq!(cut(2, Loss::Nothing), (vec![1, 2, 0, 0], 0));
        assert_eq!(cut(2, Loss::Everything), (vec![0, 0, 0, 0], 2));
        assert_eq!(cut(3, Loss::Everything), (vec![1, 2, 0, 0], 0));
        assert_eq!(cut(5, Loss::Nothing), (vec![1, 3, 4, 0], 0));
        assert_eq!(cut(5, Loss::Everything), (vec![1, 2, 0, 0], 2));
    }

    #[test]
    fn unflushed_sectors_come_and_go_by_themselves() {
        let (log, mut random) = (log(), Random::new(2));
        let mut found = std::collections::BTreeSet::new();
        for _ in 0..64 {
            for loss in [Loss::Writes, Loss::Sectors] {
                found.insert(sectors(&Replay::new(&log).cut(5, loss, &mut random).0));
            }
        }
        let expected = [[1, 2, 0, 0], [1, 2, 4, 0], [1, 3, 0, 0], [1, 3, 4, 0]];
        assert_eq!(found, expected.map(Vec::from).into());
    }
}
