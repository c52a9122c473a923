//! The page store in RocksDB.
//! Always true: a page version at or below the superblock's epoch is never overwritten; deletions are issued only for
//! what the superblock does not need; after a write or sync whose effect is unknown the store halts until it is opened
//! again. Without its log RocksDB keeps, across a crash, a prefix of what was written, at least up to the last flush.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rc_canvas::{
    FIRST_EPOCH, PageDirectory, PageImage, PageStore, PageVersion, PageVisitor, RegionId,
    StoreError, Superblock, open_page, seal_page,
};
use rocksdb::{
    DB, DBCompressionType, ErrorKind, IteratorMode, LogLevel, Options, ReadOptions, WriteBatch,
    WriteOptions,
};

use crate::superblock_file::{self, CommitFailure, store_error, sync_directory};

/// Told of each step that changes the disk, before it is taken; an error stops the step.
type StepWatch = Box<dyn FnMut(&'static str) -> Result<(), StoreError> + Send>;

/// How the store uses memory.
#[derive(Clone, Copy, Debug)]
pub struct RocksOptions {
    /// Pages collected before they are handed to RocksDB, in bytes.
    pub batch_bytes: usize,
    /// Pages that RocksDB collects before it writes a file, in bytes; it may hold twice as much.
    pub write_buffer_bytes: usize,
}

impl Default for RocksOptions {
    fn default() -> Self {
        RocksOptions {
            batch_bytes: 1 << 20,
            write_buffer_bytes: 64 << 20,
        }
    }
}

/// A page store on a local disk. One process at a time can have a directory open.
pub struct RocksStore {
    path: PathBuf,
    options: RocksOptions,
    /// `None` after the disk was full: it is opened afresh by the next write.
    database: Option<DB>,
    superblock: Option<Superblock>,
    /// `None` until everything was read once.
    directory: Option<PageDirectory>,
    batch: WriteBatch,
    is_halted: bool,
    watch: Option<StepWatch>,
}

fn rocks_error(operation: &'static str, error: &rocksdb::Error) -> StoreError {
    let text = error.as_ref();
    if text.contains("No space left on device") || text.contains("Disk quota exceeded") {
        return StoreError::Full { operation };
    }
    StoreError::Io {
        operation,
        detail: text.to_owned(),
    }
}

fn open_database(path: &Path, options: RocksOptions) -> Result<DB, StoreError> {
    let mut settings = Options::default();
    settings.create_if_missing(true);
    settings.set_compression_type(DBCompressionType::None);
    settings.set_write_buffer_size(options.write_buffer_bytes);
    settings.set_paranoid_checks(true);
    settings.set_log_level(LogLevel::Warn);
    settings.set_keep_log_file_num(2);
    settings.set_stats_dump_period_sec(0);
    settings.set_stats_persist_period_sec(0);
    DB::open(&settings, path.join("pages"))
        .map_err(|error| rocks_error("opening the pages", &error))
}

impl RocksStore {
    /// Opens the store in a directory, which is made if it does not exist.
    pub fn open(path: &Path, options: RocksOptions) -> Result<RocksStore, StoreError> {
        std::fs::create_dir_all(path)
            .map_err(|error| store_error("making the directory", &error))?;
        let superblock = superblock_file::read(path)?;
        let database = open_database(path, options)?;
        sync_directory(path)?;
        Ok(RocksStore {
            path: path.to_owned(),
            options,
            database: Some(database),
            superblock,
            directory: None,
            batch: WriteBatch::default(),
            is_halted: false,
            watch: None,
        })
    }

    /// Has `watch` called before every step that changes the disk; an error from it stops the step as a failing disk would.
    /// For crash tests and tracing.
    pub fn watch_steps(
        &mut self,
        watch: impl FnMut(&'static str) -> Result<(), StoreError> + Send + 'static,
    ) {
        self.watch = Some(Box::new(watch));
    }

    /// How many page versions are stored, counting or not. Reads all keys.
    pub fn versions_count(&mut self) -> Result<u64, StoreError> {
        let mut count = 0;
        for entry in self.database()?.iterator(IteratorMode::Start) {
            entry.map_err(|error| rocks_error("counting pages", &error))?;
            count += 1;
        }
        Ok(count)
    }

    /// The epoch that counts; 0 before the first checkpoint.
    fn committed(&self) -> u64 {
        self.superblock
            .as_ref()
            .map_or(0, |superblock| superblock.epoch)
    }

    fn page_bytes(&self) -> usize {
        self.superblock
            .as_ref()
            .map_or(0, |superblock| superblock.page_shift.page_bytes())
    }

    fn database(&mut self) -> Result<&DB, StoreError> {
        if self.database.is_none() {
            self.database = Some(open_database(&self.path, self.options)?);
        }
        self.database.as_ref().ok_or(StoreError::Halted)
    }

    fn step(&mut self, name: &'static str) -> Result<(), StoreError> {
        if self.is_halted {
            return Err(StoreError::Halted);
        }
        match &mut self.watch {
            Some(watch) => watch(name),
            None => Ok(()),
        }
    }

    /// Decides what a failed change means for what comes after it.
    fn failed(&mut self, error: StoreError) -> StoreError {
        if matches!(error, StoreError::Full { .. }) {
            // RocksDB refuses writes once a flush found no space. What it held unwritten is forgotten: pages are written
            // again by the next checkpoint, and deletions are found again by reading everything.
            self.batch.clear();
            self.database = None;
            self.directory = None;
        } else {
            self.is_halted = true;
        }
        error
    }

    fn write_batch(&mut self, name: &'static str) -> Result<(), StoreError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let result = self.step(name).and_then(|()| {
            let batch = std::mem::take(&mut self.batch);
            let mut settings = WriteOptions::default();
            settings.disable_wal(true);
            self.database()?
                .write_opt(batch, &settings)
                .map_err(|error| rocks_error(name, &error))
        });
        result.map_err(|error| self.failed(error))
    }

    fn write_batch_if_full(&mut self, name: &'static str) -> Result<(), StoreError> {
        if self.batch.size_in_bytes() >= self.options.batch_bytes {
            self.write_batch(name)
        } else {
            Ok(())
        }
    }

    fn directory(&mut self) -> Result<&mut PageDirectory, StoreError> {
        if self.directory.is_none() {
            self.read_pages(&mut |_, _, _| ControlFlow::Continue(()))?;
        }
        Ok(self.directory.get_or_insert_default())
    }

    /// RocksDB found a damaged block after `last`: reads on without its checksums, so that the page's own can name it.
    fn name_damage(&mut self, last: Option<PageVersion>, found: StoreError) -> StoreError {
        let page_bytes = self.page_bytes();
        let Ok(database) = self.database() else {
            return found;
        };
        let mut settings = ReadOptions::default();
        settings.set_verify_checksums(false);
        settings.fill_cache(false);
        if let Some(last) = last {
            settings.set_iterate_lower_bound(last.key());
        }
        for entry in database.iterator_opt(IteratorMode::Start, settings) {
            let Ok((key, record)) = entry else {
                return found;
            };
            let Some(version) = PageVersion::from_key(&key) else {
                return found;
            };
            if let Err(reason) = open_page(version, &record, page_bytes) {
                return StoreError::BadPage { version, reason };
            }
        }
        found
    }

    /// Visits everything; see `PageStore::read_pages`. Gives the directory and the versions that never came to count, or
    /// `None` when `each` stopped it.
    fn scan(
        &mut self,
        each: &mut PageVisitor<'_>,
    ) -> Result<Option<(PageDirectory, Vec<PageVersion>)>, StoreError> {
        let (epoch, page_bytes) = (self.committed(), self.page_bytes());
        let has_superblock = self.superblock.is_some();
        let mut directory = PageDirectory::default();
        let mut leftovers = Vec::new();
        let mut settings = ReadOptions::default();
        settings.set_verify_checksums(true);
        settings.fill_cache(false);
        settings.set_readahead_size(2 << 20);
        // A version is judged when the next key shows whether it is the newest of its page that counts.
        let mut pending: Option<(PageVersion, Box<[u8]>)> = None;
        let mut last = None;
        let mut broken = None;
        let mut entries = self.database()?.iterator_opt(IteratorMode::Start, settings);
        loop {
            let next = match entries.next() {
                None => None,
                Some(Err(error)) => {
                    broken = Some(rocks_error("reading pages", &error));
                    break;
                }
                Some(Ok((key, record))) => {
                    let version = PageVersion::from_key(&key).ok_or_else(|| StoreError::Io {
                        operation: "reading pages",
                        detail: format!("a key of {} bytes is no page", key.len()),
                    })?;
                    last = Some(version);
                    if !has_superblock && version.epoch > FIRST_EPOCH {
                        return Err(StoreError::SuperblockMissing {
                            epoch: version.epoch,
                        });
                    }
                    if version.epoch > epoch {
                        leftovers.push(version);
                        continue;
                    }
                    Some((version, record))
                }
            };
            let is_end = next.is_none();
            let newer = next
                .as_ref()
                .map(|(version, _)| (version.region, version.page));
            if let Some((version, record)) = std::mem::replace(&mut pending, next) {
                if newer == Some((version.region, version.page)) {
                    directory.found_old(version);
                } else {
                    let image = open_page(version, &record, page_bytes)
                        .map_err(|reason| StoreError::BadPage { version, reason })?;
                    match image {
                        PageImage::Absent => directory.found_absent(version),
                        PageImage::Bytes(bytes) => {
                            directory.found(version);
                            if each(version.region, version.page, bytes).is_break() {
                                return Ok(None);
                            }
                        }
                    }
                }
            }
            if is_end {
                break;
            }
        }
        drop(entries);
        match broken {
            Some(error) => Err(self.name_damage(last, error)),
            None => Ok(Some((directory, leftovers))),
        }
    }
}

impl PageStore for RocksStore {
    fn superblock(&mut self) -> Result<Option<Superblock>, StoreError> {
        Ok(self.superblock.clone())
    }

    fn read_pages(&mut self, each: &mut PageVisitor<'_>) -> Result<(), StoreError> {
        let Some((directory, leftovers)) = self.scan(each)? else {
            return Ok(());
        };
        let expected = self
            .superblock
            .as_ref()
            .map_or_else(Default::default, |superblock| superblock.directory);
        let found = directory.summary();
        if found != expected {
            return Err(StoreError::LostPages {
                epoch: self.committed(),
                expected,
                found,
            });
        }
        if self.directory.is_some() {
            return Ok(());
        }
        for version in leftovers {
            self.batch.delete(version.key());
            self.write_batch_if_full("deleting leftover pages")?;
        }
        self.write_batch("deleting leftover pages")?;
        self.directory = Some(directory);
        Ok(())
    }

    fn read_page(&mut self, region: RegionId, page: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let page_bytes = self.page_bytes();
        let Some(version) = self.directory()?.version_of(region, page) else {
            return Ok(None);
        };
        let record = match self.database()?.get(version.key()) {
            Ok(record) => record.unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Corruption => {
                let found = rocks_error("reading a page", &error);
                return Err(self.name_damage(Some(version), found));
            }
            Err(error) => return Err(rocks_error("reading a page", &error)),
        };
        match open_page(version, &record, page_bytes) {
            Ok(PageImage::Bytes(bytes)) => Ok(Some(bytes.to_vec())),
            Ok(PageImage::Absent) => Ok(None),
            Err(reason) => Err(StoreError::BadPage { version, reason }),
        }
    }

    fn write_page(&mut self, version: PageVersion, image: PageImage<'_>) -> Result<(), StoreError> {
        if self.is_halted {
            return Err(StoreError::Halted);
        }
        let committed = self.committed();
        if version.epoch <= committed {
            return Err(StoreError::ClosedEpoch {
                epoch: version.epoch,
                committed,
            });
        }
        let is_present = image != PageImage::Absent;
        let directory = self.directory()?;
        if is_present || directory.knows(version.region, version.page) {
            directory.stage(version, is_present);
            self.batch.put(version.key(), seal_page(version, image));
            self.write_batch_if_full("writing pages")?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.directory()?;
        self.write_batch("writing pages")?;
        let result = self.step("flushing pages").and_then(|()| {
            self.database()?
                .flush()
                .map_err(|error| rocks_error("flushing pages", &error))
        });
        result.map_err(|error| self.failed(error))?;
        self.directory()?.flushed();
        Ok(())
    }

    fn commit(&mut self, superblock: &Superblock) -> Result<(), StoreError> {
        if self.is_halted {
            return Err(StoreError::Halted);
        }
        let committed = self.committed();
        if superblock.epoch <= committed {
            return Err(StoreError::ClosedEpoch {
                epoch: superblock.epoch,
                committed,
            });
        }
        let directory = self.directory()?.summary_staged();
        let superblock = Superblock {
            directory,
            ..superblock.clone()
        };
        let path = self.path.clone();
        let written =
            superblock_file::write(&path, &superblock.encode(), &mut |name| self.step(name));
        if let Err(CommitFailure { error, is_harmless }) = written {
            self.is_halted |= !(is_harmless && matches!(error, StoreError::Full { .. }));
            return Err(error);
        }
        self.superblock = Some(superblock);
        self.directory()?.commit();
        Ok(())
    }

    fn sweep(&mut self) -> Result<u64, StoreError> {
        let mut count = 0;
        while let Some(version) = self.directory()?.next_to_sweep() {
            self.batch.delete(version.key());
            self.write_batch_if_full("deleting old pages")?;
            self.directory()?.swept();
            count += 1;
        }
        self.write_batch("deleting old pages")?;
        Ok(count)
    }
}
