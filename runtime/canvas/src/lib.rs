//! The canvas: a 64-bit address space of regions, made of pages, with copy-on-write checkpoints.
//!
//! One thread touches and writes pages; a persister on another thread reads a consistent cut of the changed ones
//! meanwhile and gives it to a page store. Absent pages read as zeros and cost nothing until written. The canvas knows
//! neither tables nor commands.
//!
//! ```text
//!   touch(region, page) ──► RegionEntry ──► page table ──► frame       interpreter: Frame handles, compiled code: pointers
//!                                              │ dirty list
//!   begin_checkpoint ──► CheckpointCut ────────┴──► persist ──► PageStore: pages of epoch + 1, flush, superblock
//! ```

mod address;

mod mapping;

mod frames;

mod region;

mod options;

mod canvas;

mod frame;

mod digest;

mod cut;

mod checkpoint;

mod superblock;

mod directory;

mod page_record;

mod store;

mod memory_store;

mod faulty_store;

pub use address::{Address, OFFSET_BITS, PageShift, REGIONS_MAX, RegionId};
pub use canvas::{Access, Canvas, RegionError, TouchError};
pub use checkpoint::CheckpointError;
pub use cut::{CheckpointCut, CutPage, PageImage};
pub use digest::{Digest, hash_page};
pub use directory::{DirectorySummary, FIRST_EPOCH, PAGE_KEY_BYTES, PageDirectory, PageVersion};
pub use faulty_store::{Fault, FaultyStore};
pub use frame::Frame;
pub use memory_store::MemoryStore;
pub use options::{CanvasCounters, CanvasOptions};
pub use page_record::{PageRecordError, open_page, seal_page};
pub use region::{
    ENTRY_DIRTY, ENTRY_FRAME_MASK, ENTRY_WRITABLE, REGION_ENTRY_BYTES, REGION_ENTRY_RESERVED_PAGES,
    REGION_ENTRY_STATE, REGION_ENTRY_TABLE, RegionEntry, RegionState,
};
pub use store::{
    PageStore, PageVisitor, PersistReport, RecoverError, Recovered, StoreError, persist, recover,
};
pub use superblock::{
    CheckpointStamp, RegionRecord, SUPERBLOCK_FORMAT_VERSION, Superblock, SuperblockError,
    choose_superblock,
};
