//! What native code finds behind its first parameter: one block of plain words, shared by generated code and the
//! functions it calls out to.
//!
//! Always true: while native code runs, every pointer in it is valid for as long as the call lasts; the canvas behind
//! `canvas` is borrowed exclusively by the caller of `Compiled::execute`; offsets are taken from the type itself.

use std::mem::offset_of;

use rc_canvas::{Canvas, TouchError};

use crate::journal::Journal;
use crate::packing::{EventBuffer, Packings};

/// One module region as bound to the canvas, refreshed before each command for the regions it touches.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoundRegion {
    /// The page table's first entry.
    pub table: *const u64,
    /// Page numbers below this are in the table, within the module's capacity, and may be read.
    pub fast_pages: u64,
    /// The canvas region in the upper 16 bits.
    pub base: u64,
    /// The module's capacity in pages.
    pub pages_max: u64,
}

impl BoundRegion {
    pub(crate) const UNBOUND: BoundRegion = BoundRegion {
        table: std::ptr::null(),
        fast_pages: 0,
        base: 0,
        pages_max: 0,
    };
}

pub(crate) const BOUND_REGION_BYTES: i32 = size_of::<BoundRegion>() as i32;
pub(crate) const BOUND_TABLE: i32 = offset_of!(BoundRegion, table) as i32;
pub(crate) const BOUND_FAST_PAGES: i32 = offset_of!(BoundRegion, fast_pages) as i32;
pub(crate) const BOUND_BASE: i32 = offset_of!(BoundRegion, base) as i32;

/// The surroundings of one running command.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Context {
    /// The running digest.
    pub digest: u64,
    /// Where the next journal entry goes.
    pub journal_cursor: *mut u64,
    /// The end of the journal's memory.
    pub journal_end: *mut u64,
    /// The start of the journal's memory.
    pub journal_start: *mut u64,
    /// Where the next event goes.
    pub event_cursor: *mut u8,
    pub event_end: *mut u8,
    pub event_start: *mut u8,
    /// One per module region.
    pub regions: *const BoundRegion,
    /// Results of native calls: 16 bytes each.
    pub results: *mut u8,
    pub now: i64,
    pub seed: u64,
    pub caller_id: u64,
    pub caller_roles: u64,
    pub op_number: u64,
    pub randoms: u64,
    /// Result of a wide operation: low and high half.
    pub wide: [u64; 2],
    /// Set before a call-out answers that the command must end.
    pub status: u64,
    /// A declared failure: error, variant, payload (null where it has none).
    pub failure_error: u64,
    pub failure_variant: u64,
    pub failure_payload: *const u8,
    /// Of the running command; for growing.
    pub journal: *mut Journal,
    pub events: *mut EventBuffer,
    // -- for the functions called out to only -------------------------------------------------------
    pub canvas: *mut Canvas,
    pub packings: *const Packings,
    /// Attempts that have not ended, outermost first.
    pub attempts: Vec<Mark>,
    /// Why a status is `HALT`, where the runtime said so.
    pub touch_error: Option<TouchError>,
}

pub(crate) const DIGEST: i32 = offset_of!(Context, digest) as i32;
pub(crate) const JOURNAL_CURSOR: i32 = offset_of!(Context, journal_cursor) as i32;
pub(crate) const JOURNAL_END: i32 = offset_of!(Context, journal_end) as i32;
pub(crate) const EVENT_CURSOR: i32 = offset_of!(Context, event_cursor) as i32;
pub(crate) const EVENT_END: i32 = offset_of!(Context, event_end) as i32;
pub(crate) const REGIONS: i32 = offset_of!(Context, regions) as i32;
pub(crate) const RESULTS: i32 = offset_of!(Context, results) as i32;
pub(crate) const NOW: i32 = offset_of!(Context, now) as i32;
pub(crate) const CALLER_ID: i32 = offset_of!(Context, caller_id) as i32;
pub(crate) const CALLER_ROLES: i32 = offset_of!(Context, caller_roles) as i32;
pub(crate) const OP_NUMBER: i32 = offset_of!(Context, op_number) as i32;
pub(crate) const WIDE: i32 = offset_of!(Context, wide) as i32;
pub(crate) const STATUS: i32 = offset_of!(Context, status) as i32;
pub(crate) const FAILURE_ERROR: i32 = offset_of!(Context, failure_error) as i32;
pub(crate) const FAILURE_VARIANT: i32 = offset_of!(Context, failure_variant) as i32;
pub(crate) const FAILURE_PAYLOAD: i32 = offset_of!(Context, failure_payload) as i32;

impl Context {
    pub(crate) fn empty() -> Context {
        Context {
            digest: 0,
            journal_cursor: std::ptr::null_mut(),
            journal_end: std::ptr::null_mut(),
            journal_start: std::ptr::null_mut(),
            event_cursor: std::ptr::null_mut(),
            event_end: std::ptr::null_mut(),
            event_start: std::ptr::null_mut(),
            regions: std::ptr::null(),
            results: std::ptr::null_mut(),
            now: 0,
            seed: 0,
            caller_id: 0,
            caller_roles: 0,
            op_number: 0,
            randoms: 0,
            wide: [0; 2],
            status: 0,
            failure_error: 0,
            failure_variant: 0,
            failure_payload: std::ptr::null(),
            journal: std::ptr::null_mut(),
            events: std::ptr::null_mut(),
            canvas: std::ptr::null_mut(),
            packings: std::ptr::null(),
            attempts: Vec::new(),
            touch_error: None,
        }
    }
}

/// Where an attempt's failure takes everything back to. Places are counted from their buffers' starts, which may move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub digest: u64,
    pub randoms: u64,
    pub journal_words: usize,
    pub event_bytes: usize,
}

/// What a native function answers.
pub(crate) mod status {
    use rc_bytecode::instr::Builtin;

    /// Returned normally.
    pub(crate) const DONE: u32 = 0;
    /// `ReturnNone`.
    pub(crate) const NONE: u32 = 1;
    /// The first built-in failure; the others follow in the order of the type.
    pub(crate) const BUILTIN: u32 = 2;
    /// A declared failure: see the context.
    pub(crate) const DECLARED: u32 = 100;
    /// The node must stop: see the context.
    pub(crate) const HALT: u32 = 101;

    /// The status that stands for a built-in failure.
    pub(crate) fn of_builtin(builtin: Builtin) -> u32 {
        BUILTIN + u32::from(builtin.number())
    }

    /// The built-in failure that a status stands for.
    pub(crate) fn builtin(status: u32) -> Option<Builtin> {
        Builtin::from_number(u8::try_from(status.checked_sub(BUILTIN)?).ok()?)
    }
}
