//! The seam below memory: what a page store promises, how a cut gets into one, how a canvas comes out.
//! The order makes a checkpoint all or nothing: pages under the next epoch, flush, superblock, and only then are the
//! versions that no longer count deleted. A crash anywhere leaves the state of one whole checkpoint.

use std::ops::ControlFlow;

use crate::address::{PageShift, RegionId};
use crate::canvas::{Canvas, RegionError, TouchError};
use crate::cut::{CheckpointCut, PageImage};
use crate::directory::{DirectorySummary, PageVersion};
use crate::options::CanvasOptions;
use crate::page_record::PageRecordError;
use crate::region::RegionState;
use crate::superblock::{Superblock, SuperblockError};

/// Why a page store could not do something.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// A page version is not what was written.
    #[error("page {} of region {}, epoch {}, is damaged: {reason}", version.page, version.region, version.epoch)]
    BadPage {
        /// The damaged version.
        version: PageVersion,
        /// What is wrong with it.
        reason: PageRecordError,
    },
    /// Each page found is good, but they are not the pages that the superblock sealed.
    #[error(
        "pages are missing or out of date: the superblock of epoch {epoch} counts {} pages, {} were found",
        expected.pages_count, found.pages_count
    )]
    LostPages {
        /// The superblock's epoch.
        epoch: u64,
        /// What it sealed.
        expected: DirectorySummary,
        /// What is there.
        found: DirectorySummary,
    },
    /// No copy of the superblock can be used.
    #[error("the checkpoint cannot be used: {0}")]
    Superblock(#[from] SuperblockError),
    /// There are pages of a finished checkpoint, but no superblock: it was removed.
    #[error("the superblock is missing, but pages of epoch {epoch} are there")]
    SuperblockMissing {
        /// The epoch of one of them.
        epoch: u64,
    },
    /// No space is left; nothing that counted is lost, and the checkpoint may be tried again with more space.
    #[error("the disk is full ({operation})")]
    Full {
        /// What was being done.
        operation: &'static str,
    },
    /// The system failed to read or write.
    #[error("{operation}: {detail}")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The system's words.
        detail: String,
    },
    /// A write or sync failed before, so what is on disk is unknown until the store is opened again.
    #[error("the page store stopped after a failed write; it must be opened again")]
    Halted,
    /// A page written under an epoch that counts already.
    #[error("epoch {epoch} is closed: the superblock's is {committed}")]
    ClosedEpoch {
        /// The epoch asked for.
        epoch: u64,
        /// The newest that counts.
        committed: u64,
    },
}

/// Is given each page; `Break` ends the reading.
pub type PageVisitor<'a> = dyn FnMut(RegionId, u64, &[u8]) -> ControlFlow<()> + 'a;

/// Pages below memory, with one superblock. One thread uses a store at a time.
pub trait PageStore: Send {
    /// The superblock that counts, or `None` before the first checkpoint.
    fn superblock(&mut self) -> Result<Option<Superblock>, StoreError>;

    /// Gives every page that counts, in address order, checked; stops early on `Break`. Read to its end it compares what
    /// it found with the superblock; the first time after opening it also drops the versions that do not count.
    fn read_pages(&mut self, each: &mut PageVisitor<'_>) -> Result<(), StoreError>;

    /// The version of one page that counts, checked; `None` when the page is absent.
    fn read_page(&mut self, region: RegionId, page: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Stores a page for the next checkpoint: `version.epoch` is above the superblock's. Durable after `flush`.
    fn write_page(&mut self, version: PageVersion, image: PageImage<'_>) -> Result<(), StoreError>;

    /// Makes all pages written so far durable.
    fn flush(&mut self) -> Result<(), StoreError>;

    /// Makes the pages of `superblock.epoch` count, durably and all at once; fills in `superblock.directory`.
    fn commit(&mut self, superblock: &Superblock) -> Result<(), StoreError>;

    /// Deletes versions that the last commit superseded; gives their number. May be repeated or left out.
    fn sweep(&mut self) -> Result<u64, StoreError>;
}

/// What `persist` did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersistReport {
    /// The epoch that now counts.
    pub epoch: u64,
    /// Pages in the cut.
    pub pages: u64,
    /// Of these, pages that are all zeros or gone.
    pub pages_absent: u64,
    /// Old versions deleted, or why not: that leaves the checkpoint valid and the store larger.
    pub swept: Result<u64, StoreError>,
}

/// Writes a cut to a store. After `Ok` the checkpoint is durable: give the cut to `Canvas::finish_checkpoint`. After
/// `Err` it is not, unless the store halted: drop the cut and call `Canvas::abandon_checkpoint`.
pub fn persist(
    cut: &mut CheckpointCut,
    store: &mut dyn PageStore,
) -> Result<PersistReport, StoreError> {
    let epoch = cut.superblock().epoch;
    let pages = cut.pages_count() as u64;
    let mut pages_absent = 0;
    while let Some(page) = cut.next_page() {
        pages_absent += u64::from(page.image == PageImage::Absent);
        let version = PageVersion {
            region: page.region,
            page: page.page,
            epoch,
        };
        store.write_page(version, page.image)?;
    }
    store.flush()?;
    store.commit(cut.superblock())?;
    Ok(PersistReport {
        epoch,
        pages,
        pages_absent,
        swept: store.sweep(),
    })
}

/// Why a canvas could not be made from a store.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecoverError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store's pages have another size.
    #[error("the store has pages of {} bytes, not {}", stored.page_bytes(), wanted.page_bytes())]
    PageSize {
        /// The store's.
        stored: PageShift,
        /// The canvas's.
        wanted: PageShift,
    },
    /// The superblock's regions could not be made.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// A stored page has no place in the canvas.
    #[error("page {page} of region {region} cannot be loaded: {reason}")]
    Page {
        /// Its region.
        region: RegionId,
        /// Its number.
        page: u64,
        /// Why.
        reason: TouchError,
    },
    /// The system gives no memory.
    #[error("no address space is left for a canvas")]
    OutOfMemory,
}

/// A canvas as of the last checkpoint, and its superblock: what comes after is in the log.
pub struct Recovered {
    /// The canvas, nothing dirty.
    pub canvas: Canvas,
    /// The checkpoint it stands at; `None` for an empty store.
    pub superblock: Option<Superblock>,
}

/// Reads the last checkpoint back. An empty store gives an empty canvas.
pub fn recover(
    options: CanvasOptions,
    store: &mut dyn PageStore,
) -> Result<Recovered, RecoverError> {
    let mut canvas = Canvas::new(options).ok_or(RecoverError::OutOfMemory)?;
    let superblock = store.superblock()?;
    if let Some(superblock) = &superblock {
        if superblock.page_shift != options.page_shift {
            return Err(RecoverError::PageSize {
                stored: superblock.page_shift,
                wanted: options.page_shift,
            });
        }
        for region in &superblock.regions {
            canvas.create_region(region.id)?;
            canvas.set_region_metadata(region.id, region.metadata.clone())?;
        }
        canvas.epoch = superblock.epoch;
    }
    let mut failed = None;
    store.read_pages(
        &mut |region, page, bytes| match canvas.load_page(region, page, bytes) {
            Ok(()) => ControlFlow::Continue(()),
            Err(reason) => {
                failed = Some(RecoverError::Page {
                    region,
                    page,
                    reason,
                });
                ControlFlow::Break(())
            }
        },
    )?;
    if let Some(error) = failed {
        return Err(error);
    }
    for region in superblock.iter().flat_map(|superblock| &superblock.regions) {
        if region.state != RegionState::Writable {
            canvas.set_state(region.id, region.state)?;
        }
    }
    Ok(Recovered { canvas, superblock })
}
