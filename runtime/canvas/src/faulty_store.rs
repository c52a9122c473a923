//! The page store's faulty twin: a store whose disk fails as the test says, and whose process can be killed at any step.
//! What is written stays in a cache until `flush`; a crash keeps an arbitrary part of the cache, chosen by a seed, as
//! a real disk does. Every call of the seam that writes is one step, a commit is one step per copy of the superblock.

use std::ops::ControlFlow;

use crate::address::RegionId;
use crate::cut::PageImage;
use crate::directory::PageVersion;
use crate::memory_store::MemoryStore;
use crate::page_record::seal_page;
use crate::store::{PageStore, PageVisitor, StoreError};
use crate::superblock::Superblock;

/// What goes wrong, once, at a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The process is killed before the step: it and everything after fails, and only part of the cache survives.
    Crash,
    /// As `Crash`, but in the middle of the step: a superblock is written by half.
    Tear,
    /// The step reports success, but one bit of what it wrote is wrong on the disk.
    FlipBit,
    /// The step reports success, but what it wrote never reaches the disk.
    Lose,
    /// The step fails: no space.
    Full,
    /// The step fails: the system reports an error.
    Io,
}

/// A step that deletes or writes, not yet on the disk.
#[derive(Clone, Debug)]
enum Cached {
    Put(PageVersion, Vec<u8>),
    Delete(PageVersion),
}

/// A page store that fails on demand.
#[derive(Clone, Debug)]
pub struct FaultyStore {
    disk: MemoryStore,
    cache: Vec<Cached>,
    fault: Option<(u64, Fault)>,
    steps: u64,
    halted: bool,
}

impl FaultyStore {
    /// A store on the given disk, without a fault.
    pub fn new(disk: MemoryStore) -> FaultyStore {
        FaultyStore {
            disk,
            cache: Vec::new(),
            fault: None,
            steps: 0,
            halted: false,
        }
    }

    /// Plans a fault `steps` steps from now (0 is the next step). It strikes once.
    pub fn plan(&mut self, steps: u64, fault: Fault) {
        self.fault = Some((self.steps + steps, fault));
    }

    /// Steps taken so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Whether a planned fault has not struck yet.
    pub fn is_fault_pending(&self) -> bool {
        self.fault.is_some()
    }

    /// What the next process finds: the disk, and of the cache a part that `seed` chooses.
    pub fn restart(mut self, seed: u64) -> FaultyStore {
        let mut state = seed | 1;
        for cached in std::mem::take(&mut self.cache) {
            state = state
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            if state >> 63 == 1 {
                self.write_to_disk(cached);
            }
        }
        FaultyStore::new(self.disk.reopened())
    }

    fn write_to_disk(&mut self, cached: Cached) {
        match cached {
            Cached::Put(version, record) => self.disk.records.insert(version, record),
            Cached::Delete(version) => self.disk.records.remove(&version),
        };
    }

    /// Takes a step: the fault that strikes it silently, if any, or the error that it fails with.
    fn step(&mut self, operation: &'static str) -> Result<Option<Fault>, StoreError> {
        if self.halted {
            return Err(StoreError::Halted);
        }
        let step = self.steps;
        self.steps += 1;
        let Some((_, fault)) = self.fault.take_if(|(at, _)| *at == step) else {
            return Ok(None);
        };
        match fault {
            Fault::Crash => {
                self.halted = true;
                Err(StoreError::Halted)
            }
            Fault::Full => Err(StoreError::Full { operation }),
            Fault::Io => {
                // What a failed write or sync left on the disk is unknown: nothing may be built on it.
                self.halted = true;
                Err(StoreError::Io {
                    operation,
                    detail: "input/output error".to_owned(),
                })
            }
            Fault::Tear | Fault::FlipBit | Fault::Lose => Ok(Some(fault)),
        }
    }
}

/// Flips a bit in the middle.
fn flip_bit(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 0x10;
    }
}

impl PageStore for FaultyStore {
    fn superblock(&mut self) -> Result<Option<Superblock>, StoreError> {
        self.disk.superblock()
    }

    fn read_pages(&mut self, each: &mut PageVisitor<'_>) -> Result<(), StoreError> {
        for version in self.disk.scan(each)? {
            self.cache.push(Cached::Delete(version));
        }
        Ok(())
    }

    fn read_page(&mut self, region: RegionId, page: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.disk.read_page(region, page)
    }

    fn write_page(&mut self, version: PageVersion, image: PageImage<'_>) -> Result<(), StoreError> {
        let fault = self.step("writing a page")?;
        if self.disk.directory.is_none() {
            self.read_pages(&mut |_, _, _| ControlFlow::Continue(()))?;
        }
        if !self.disk.stage(version, image != PageImage::Absent)? {
            return Ok(());
        }
        let mut record = seal_page(version, image);
        match fault {
            Some(Fault::Lose) => return Ok(()),
            Some(Fault::FlipBit) => flip_bit(&mut record),
            Some(Fault::Tear) => {
                record.truncate(record.len() / 2);
                self.halted = true;
            }
            _ => {}
        }
        self.cache.push(Cached::Put(version, record));
        if self.halted {
            Err(StoreError::Halted)
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let fault = self.step("flushing pages")?;
        let mut cache = std::mem::take(&mut self.cache);
        match fault {
            Some(Fault::Tear) => {
                self.cache = cache.split_off(cache.len() / 2);
                self.halted = true;
            }
            Some(Fault::Lose) => cache.clear(),
            _ => {}
        }
        for cached in cache {
            self.write_to_disk(cached);
        }
        if self.halted {
            return Err(StoreError::Halted);
        }
        self.disk.flush()
    }

    fn commit(&mut self, superblock: &Superblock) -> Result<(), StoreError> {
        let bytes = self.disk.encode_for_commit(superblock)?;
        for copy in 0..self.disk.superblocks.len() {
            let fault = self.step("writing the superblock").inspect_err(|_| {
                // With one copy written and the other not, whether the checkpoint counts is for the next start to say.
                self.halted |= copy > 0;
            })?;
            let mut written = bytes.clone();
            match fault {
                Some(Fault::Lose) => continue,
                Some(Fault::FlipBit) => flip_bit(&mut written),
                Some(Fault::Tear) => {
                    written.truncate(bytes.len() / 2);
                    self.halted = true;
                }
                _ => {}
            }
            self.disk.superblocks[copy] = Some(written);
            if self.halted {
                return Err(StoreError::Halted);
            }
        }
        if let Some(directory) = &mut self.disk.directory {
            directory.commit();
        }
        Ok(())
    }

    fn sweep(&mut self) -> Result<u64, StoreError> {
        let mut count = 0;
        while let Some(version) = self
            .disk
            .directory
            .as_mut()
            .and_then(|directory| directory.next_to_sweep())
        {
            if self.step("deleting an old page")? != Some(Fault::Lose) {
                self.cache.push(Cached::Delete(version));
            }
            if let Some(directory) = &mut self.disk.directory {
                directory.swept();
            }
            count += 1;
        }
        Ok(count)
    }
}
