//! One region: its state and its page table.
//! The table is a flat array of entries in reserved memory, read directly by compiled code through `RegionEntry`;
//! page numbers beyond the reserve go through an ordered map. An entry is a frame's address with flags in the low 8
//! bits; 0 means that the page is absent, which reads as zeros. `chunks` names every stretch of 512 entries that
//! ever held a page, so that walking a sparse region costs what was used, in address order.

use std::collections::{BTreeMap, BTreeSet};

use crate::mapping::Mapping;

/// Flag: the page is on the running epoch's dirty list and its region is writable: a write touch needs no more work.
pub const ENTRY_WRITABLE: u64 = 1;
/// Flag: the page is on the running epoch's dirty list (it may stand in a region that has since become read-only).
pub const ENTRY_DIRTY: u64 = 2;
/// The bits of an entry that are the frame's address.
pub const ENTRY_FRAME_MASK: u64 = !0xFF;

/// What may be done with a region.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u64)]
pub enum RegionState {
    /// Does not exist; holds nothing.
    Free = 0,
    /// May be read and written.
    Writable = 1,
    /// May be read.
    ReadOnly = 2,
    /// Keeps its contents, but no touch succeeds.
    Inaccessible = 3,
}

impl RegionState {
    /// The state with this number, as stored in superblocks.
    pub const fn from_number(number: u64) -> Option<RegionState> {
        match number {
            0 => Some(RegionState::Free),
            1 => Some(RegionState::Writable),
            2 => Some(RegionState::ReadOnly),
            3 => Some(RegionState::Inaccessible),
            _ => None,
        }
    }
}

/// What compiled code reads of a region. `reserved_pages` is 0 unless the region may be read, so that one comparison
/// `page < reserved_pages` sends every other case (free, inaccessible, far page) to the slow path.
#[repr(C)]
#[derive(Debug)]
pub struct RegionEntry {
    /// The first entry of the page table; valid for `reserved_pages` entries.
    pub table: *const u64,
    /// How many page numbers the flat table covers.
    pub reserved_pages: u64,
    /// A `RegionState` as a number.
    pub state: u64,
}

/// The distance between two `RegionEntry`s, in bytes.
pub const REGION_ENTRY_BYTES: usize = 24;
/// Byte offset of `RegionEntry::table`.
pub const REGION_ENTRY_TABLE: usize = 0;
/// Byte offset of `RegionEntry::reserved_pages`.
pub const REGION_ENTRY_RESERVED_PAGES: usize = 8;
/// Byte offset of `RegionEntry::state`.
pub const REGION_ENTRY_STATE: usize = 16;

const _: () = assert!(size_of::<RegionEntry>() == REGION_ENTRY_BYTES);
const _: () = assert!(std::mem::offset_of!(RegionEntry, table) == REGION_ENTRY_TABLE);
const _: () =
    assert!(std::mem::offset_of!(RegionEntry, reserved_pages) == REGION_ENTRY_RESERVED_PAGES);
const _: () = assert!(std::mem::offset_of!(RegionEntry, state) == REGION_ENTRY_STATE);

/// Entries that one system page of the table holds.
const CHUNK_ENTRIES: u64 = 512;
/// What is asked of the system first: 8 GiB of addresses.
const TABLE_ENTRIES_MAX: u64 = 1 << 30;
const TABLE_ENTRIES_MIN: u64 = 1 << 13;

/// A region that exists.
pub(crate) struct Region {
    pub(crate) state: RegionState,
    /// Opaque to the canvas: a name, a layout.
    pub(crate) metadata: Vec<u8>,
    table: Mapping,
    table_entries: u64,
    far: BTreeMap<u64, u64>,
    chunks: BTreeSet<u64>,
}

impl Region {
    /// An empty, writable region for page numbers below `pages_max`. `None` when no address space is left.
    pub(crate) fn new(pages_max: u64) -> Option<Region> {
        let entries = pages_max.min(TABLE_ENTRIES_MAX);
        let bytes_min = entries.min(TABLE_ENTRIES_MIN) as usize * size_of::<u64>();
        let table = Mapping::reserve_down_to(entries as usize * size_of::<u64>(), bytes_min)?;
        table.advise_small_pages();
        let table_entries = (table.bytes() / size_of::<u64>()) as u64;
        Some(Region {
            state: RegionState::Writable,
            metadata: Vec::new(),
            table_entries: table_entries.min(entries),
            table,
            far: BTreeMap::new(),
            chunks: BTreeSet::new(),
        })
    }

    /// What compiled code may see of the region in its present state.
    pub(crate) fn entry_for_code(&self) -> RegionEntry {
        let readable = matches!(self.state, RegionState::Writable | RegionState::ReadOnly);
        RegionEntry {
            table: self.table.base().cast::<u64>().cast_const(),
            reserved_pages: if readable { self.table_entries } else { 0 },
            state: self.state as u64,
        }
    }

    /// The entry of a page; 0 when absent.
    #[inline]
    pub(crate) fn entry(&self, page: u64) -> u64 {
        if page < self.table_entries {
            // SAFETY: the index is inside the mapped, zero-initialised table, which only `set_entry` (`&mut self`)
            // writes; other threads never see it, and compiled code, which only reads it, runs under `&mut Canvas`.
            unsafe { self.table.base().cast::<u64>().add(page as usize).read() }
        } else {
            self.far.get(&page).copied().unwrap_or(0)
        }
    }

    /// Sets the entry of a page; 0 makes it absent.
    pub(crate) fn set_entry(&mut self, page: u64, entry: u64) {
        if page < self.table_entries {
            // SAFETY: as in `entry`, with exclusive access.
            let old = unsafe {
                let cell = self.table.base().cast::<u64>().add(page as usize);
                let old = cell.read();
                cell.write(entry);
                old
            };
            if old == 0 && entry != 0 {
                self.chunks.insert(page / CHUNK_ENTRIES);
            }
        } else if entry == 0 {
            self.far.remove(&page);
        } else {
            self.far.insert(page, entry);
        }
    }

    /// The pages that have an entry, in ascending order, with their entries.
    pub(crate) fn present(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let near = self.chunks.iter().flat_map(move |chunk| {
            let first = chunk * CHUNK_ENTRIES;
            let end = (first + CHUNK_ENTRIES).min(self.table_entries);
            (first..end)
                .map(|page| (page, self.entry(page)))
                .filter(|(_, entry)| *entry != 0)
        });
        near.chain(self.far.iter().map(|(page, entry)| (*page, *entry)))
    }
}
