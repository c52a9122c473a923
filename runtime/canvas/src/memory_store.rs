//! The page store's twin in memory: the plainest reading of what `PageStore` promises.
//! Records are sealed as on disk, so damage done to them is found in the same way.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::address::RegionId;
use crate::cut::PageImage;
use crate::directory::{FIRST_EPOCH, PageDirectory, PageVersion};
use crate::page_record::{open_page, seal_page};
use crate::store::{PageStore, PageVisitor, StoreError};
use crate::superblock::{Superblock, choose_superblock};

/// A page store without a disk.
#[derive(Clone, Default, Debug)]
pub struct MemoryStore {
    pub(crate) records: BTreeMap<PageVersion, Vec<u8>>,
    pub(crate) superblocks: [Option<Vec<u8>>; 2],
    /// `None` until everything was read once.
    pub(crate) directory: Option<PageDirectory>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// How many page versions it holds, counting or not.
    pub fn versions_count(&self) -> usize {
        self.records.len()
    }

    /// What a process that has just started finds: the records and the superblocks.
    pub(crate) fn reopened(&self) -> MemoryStore {
        MemoryStore {
            records: self.records.clone(),
            superblocks: self.superblocks.clone(),
            directory: None,
        }
    }

    /// Reads all that counts. The first time also makes the directory and gives the versions that a checkpoint left
    /// behind which never came to count: they have to be gone before the next one does.
    pub(crate) fn scan(
        &mut self,
        each: &mut PageVisitor<'_>,
    ) -> Result<Vec<PageVersion>, StoreError> {
        let superblock = self.superblock()?;
        let epoch = superblock.as_ref().map_or(0, |superblock| superblock.epoch);
        let mut directory = PageDirectory::default();
        let mut leftovers = Vec::new();
        let mut versions = self.records.iter().peekable();
        while let Some((version, record)) = versions.next() {
            if superblock.is_none() && version.epoch > FIRST_EPOCH {
                return Err(StoreError::SuperblockMissing {
                    epoch: version.epoch,
                });
            }
            if version.epoch > epoch {
                leftovers.push(*version);
                continue;
            }
            let is_older_of = |next: &PageVersion| {
                (next.region, next.page) == (version.region, version.page) && next.epoch <= epoch
            };
            if versions.peek().is_some_and(|(next, _)| is_older_of(next)) {
                directory.found_old(*version);
                continue;
            }
            let page_bytes = superblock
                .as_ref()
                .map_or(0, |superblock| superblock.page_shift.page_bytes());
            let image =
                open_page(*version, record, page_bytes).map_err(|reason| StoreError::BadPage {
                    version: *version,
                    reason,
                })?;
            match image {
                PageImage::Absent => directory.found_absent(*version),
                PageImage::Bytes(bytes) => {
                    directory.found(*version);
                    if each(version.region, version.page, bytes).is_break() {
                        return Ok(Vec::new());
                    }
                }
            }
        }
        let expected = superblock.map_or_else(Default::default, |superblock| superblock.directory);
        let found = directory.summary();
        if found != expected {
            return Err(StoreError::LostPages {
                epoch,
                expected,
                found,
            });
        }
        if self.directory.is_some() {
            return Ok(Vec::new());
        }
        self.directory = Some(directory);
        Ok(leftovers)
    }

    fn directory(&mut self) -> Result<&mut PageDirectory, StoreError> {
        if self.directory.is_none() {
            self.read_pages(&mut |_, _, _| ControlFlow::Continue(()))?;
        }
        Ok(self.directory.get_or_insert_default())
    }

    /// Notes a page for the next commit; whether it has to be stored.
    pub(crate) fn stage(
        &mut self,
        version: PageVersion,
        present: bool,
    ) -> Result<bool, StoreError> {
        let committed = self.superblock()?.map_or(0, |superblock| superblock.epoch);
        if version.epoch <= committed {
            return Err(StoreError::ClosedEpoch {
                epoch: version.epoch,
                committed,
            });
        }
        let directory = self.directory()?;
        let needed = present || directory.knows(version.region, version.page);
        if needed {
            directory.stage(version, present);
        }
        Ok(needed)
    }

    /// The bytes that a commit of this superblock stores.
    pub(crate) fn encode_for_commit(
        &mut self,
        superblock: &Superblock,
    ) -> Result<Vec<u8>, StoreError> {
        let directory = self.directory()?.summary_staged();
        Ok(Superblock {
            directory,
            ..superblock.clone()
        }
        .encode())
    }
}

impl PageStore for MemoryStore {
    fn superblock(&mut self) -> Result<Option<Superblock>, StoreError> {
        let [first, second] = &self.superblocks;
        Ok(choose_superblock([first.as_deref(), second.as_deref()])?)
    }

    fn read_pages(&mut self, each: &mut PageVisitor<'_>) -> Result<(), StoreError> {
        for version in self.scan(each)? {
            self.records.remove(&version);
        }
        Ok(())
    }

    fn read_page(&mut self, region: RegionId, page: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(superblock) = self.superblock()? else {
            return Ok(None);
        };
        let Some(version) = self.directory()?.version_of(region, page) else {
            return Ok(None);
        };
        let record = self.records.get(&version).map_or(&[][..], Vec::as_slice);
        let image = open_page(version, record, superblock.page_shift.page_bytes())
            .map_err(|reason| StoreError::BadPage { version, reason })?;
        Ok(match image {
            PageImage::Bytes(bytes) => Some(bytes.to_vec()),
            PageImage::Absent => None,
        })
    }

    fn write_page(&mut self, version: PageVersion, image: PageImage<'_>) -> Result<(), StoreError> {
        if self.stage(version, image != PageImage::Absent)? {
            self.records.insert(version, seal_page(version, image));
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.directory()?.flushed();
        Ok(())
    }

    fn commit(&mut self, superblock: &Superblock) -> Result<(), StoreError> {
        let bytes = self.encode_for_commit(superblock)?;
        self.superblocks = [Some(bytes.clone()), Some(bytes)];
        self.directory()?.commit();
        Ok(())
    }

    fn sweep(&mut self) -> Result<u64, StoreError> {
        let mut count = 0;
        while let Some(version) = self.directory()?.next_to_sweep() {
            self.records.remove(&version);
            self.directory()?.swept();
            count += 1;
        }
        Ok(count)
    }
}
