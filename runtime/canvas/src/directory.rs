//! Which version of each page counts: what a page store knows about itself.
//! The summary (how many pages, and a fingerprint over region, page and epoch of each) is sealed into the superblock,
//! so that a page version that was lost or that fell back to an older one is noticed when all are read, although each
//! page that is left has a good checksum.

use std::collections::BTreeMap;

use crate::address::RegionId;

/// The epoch of the first checkpoint. Only it can have left pages in a store that has no superblock.
pub const FIRST_EPOCH: u64 = 1;

/// One version of one page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PageVersion {
    /// Its region.
    pub region: RegionId,
    /// Its number.
    pub page: u64,
    /// The epoch of the checkpoint that wrote it.
    pub epoch: u64,
}

/// How many bytes `PageVersion::key` has.
pub const PAGE_KEY_BYTES: usize = 18;

impl PageVersion {
    /// Region, page, epoch, big-endian: keys sort by address, then by age.
    pub fn key(&self) -> [u8; PAGE_KEY_BYTES] {
        let mut key = [0; PAGE_KEY_BYTES];
        key[..2].copy_from_slice(&self.region.to_be_bytes());
        key[2..10].copy_from_slice(&self.page.to_be_bytes());
        key[10..].copy_from_slice(&self.epoch.to_be_bytes());
        key
    }

    /// Reads what `key` wrote; `None` for another length.
    pub fn from_key(key: &[u8]) -> Option<PageVersion> {
        let (region, rest) = key.split_first_chunk::<2>()?;
        let (page, rest) = rest.split_first_chunk::<8>()?;
        let epoch: [u8; 8] = rest.try_into().ok()?;
        Some(PageVersion {
            region: RegionId::from_be_bytes(*region),
            page: u64::from_be_bytes(*page),
            epoch: u64::from_be_bytes(epoch),
        })
    }

    /// A number for the set fingerprint: well mixed, so that sums of different sets differ.
    fn fingerprint(&self) -> u64 {
        let mut state = 0x6469_7265_6374_6f72_u64;
        for word in [u64::from(self.region), self.page, self.epoch] {
            state = (state ^ word).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            state = (state ^ (state >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
            state ^= state >> 29;
        }
        state
    }
}

/// The set of page versions that count, in two numbers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct DirectorySummary {
    /// How many pages are stored.
    pub pages_count: u64,
    /// A sum over their versions.
    pub fingerprint: u64,
}

impl DirectorySummary {
    /// Adds a version to the set.
    pub fn add(&mut self, version: PageVersion) {
        self.pages_count = self.pages_count.wrapping_add(1);
        self.fingerprint = self.fingerprint.wrapping_add(version.fingerprint());
    }

    /// Takes a version out of the set.
    pub fn remove(&mut self, version: PageVersion) {
        self.pages_count = self.pages_count.wrapping_sub(1);
        self.fingerprint = self.fingerprint.wrapping_sub(version.fingerprint());
    }
}

/// The newest counting epoch of each stored page, what the checkpoint being written changes of it, and what may be
/// deleted. A deletion is durable only after a later flush, and deletions may become durable in any order; so the
/// mark that a page is absent goes only when the deletion of all that it hides is durable.
#[derive(Clone, Default, Debug)]
pub struct PageDirectory {
    live: BTreeMap<(RegionId, u64), u64>,
    summary: DirectorySummary,
    staged: BTreeMap<(RegionId, u64), Staged>,
    /// Versions with a newer one that counts: may go at once.
    old: Vec<PageVersion>,
    /// Absence marks that hide versions in `old`.
    marks_hiding: Vec<PageVersion>,
    /// Absence marks that hide deletions not yet flushed.
    marks_deleted: Vec<PageVersion>,
    /// Absence marks that hide nothing any more: may go.
    marks_free: Vec<PageVersion>,
}

/// What the checkpoint being written says about a page.
#[derive(Clone, Copy, Debug)]
struct Staged {
    epoch: u64,
    present: bool,
}

impl PageDirectory {
    /// Notes a page found in the store when it was read: its newest version.
    pub fn found(&mut self, version: PageVersion) {
        self.live
            .insert((version.region, version.page), version.epoch);
        self.summary.add(version);
    }

    /// Notes an absence mark that is the newest version of its page.
    pub fn found_absent(&mut self, version: PageVersion) {
        self.marks_hiding.push(version);
    }

    /// Notes a version older than the newest of its page.
    pub fn found_old(&mut self, version: PageVersion) {
        self.old.push(version);
    }

    /// Whether the store holds any version of the page that counts, or will when the staged pages do.
    pub fn knows(&self, region: RegionId, page: u64) -> bool {
        self.live.contains_key(&(region, page)) || self.staged.contains_key(&(region, page))
    }

    /// The version of the page that counts.
    pub fn version_of(&self, region: RegionId, page: u64) -> Option<PageVersion> {
        self.live.get(&(region, page)).map(|epoch| PageVersion {
            region,
            page,
            epoch: *epoch,
        })
    }

    /// Notes a page written for the checkpoint to come. A later note for the page replaces an earlier one.
    pub fn stage(&mut self, version: PageVersion, present: bool) {
        self.staged.insert(
            (version.region, version.page),
            Staged {
                epoch: version.epoch,
                present,
            },
        );
    }

    /// The set that counts now.
    pub fn summary(&self) -> DirectorySummary {
        self.summary
    }

    /// The set that counts once the staged pages do.
    pub fn summary_staged(&self) -> DirectorySummary {
        let mut summary = self.summary;
        for ((region, page), staged) in &self.staged {
            if let Some(old) = self.version_of(*region, *page) {
                summary.remove(old);
            }
            if staged.present {
                summary.add(PageVersion {
                    region: *region,
                    page: *page,
                    epoch: staged.epoch,
                });
            }
        }
        summary
    }

    /// All that was written and deleted so far is durable.
    pub fn flushed(&mut self) {
        self.marks_free.append(&mut self.marks_deleted);
    }

    /// The staged pages count now; what they supersede may be swept.
    pub fn commit(&mut self) {
        self.summary = self.summary_staged();
        for ((region, page), staged) in std::mem::take(&mut self.staged) {
            self.old.extend(self.version_of(region, page));
            if staged.present {
                self.live.insert((region, page), staged.epoch);
            } else {
                self.live.remove(&(region, page));
                self.marks_hiding.push(PageVersion {
                    region,
                    page,
                    epoch: staged.epoch,
                });
            }
        }
    }

    /// A version that may be deleted now; the same until `swept`.
    pub fn next_to_sweep(&mut self) -> Option<PageVersion> {
        if let Some(version) = self.old.last() {
            return Some(*version);
        }
        self.marks_deleted.append(&mut self.marks_hiding);
        self.marks_free.last().copied()
    }

    /// The deletion of what `next_to_sweep` gave was issued.
    pub fn swept(&mut self) {
        if self.old.pop().is_none() {
            self.marks_free.pop();
        }
    }
}
