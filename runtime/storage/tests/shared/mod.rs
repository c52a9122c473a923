//! What the storage tests have in common: a canvas with one checkpoint and changes after it.

use std::path::Path;

use rc_canvas::*;
use rc_storage::{RocksOptions, RocksStore};

pub const SHIFT: PageShift = PageShift::SMALLEST;

/// So small that a checkpoint takes several batches and files.
pub const OPTIONS: RocksOptions = RocksOptions {
    batch_bytes: 600,
    write_buffer_bytes: 64 << 10,
};

pub fn open(path: &Path) -> RocksStore {
    RocksStore::open(path, OPTIONS).expect("a directory of our own")
}

pub fn put(canvas: &mut Canvas, region: RegionId, page: u64, byte: u8) {
    let frame = canvas.touch(region, page, Access::Write).expect("writable");
    canvas.bytes_mut(&frame).fill(byte);
}

pub fn stamp(op_number: u64) -> CheckpointStamp {
    CheckpointStamp {
        op_number,
        membership: vec![7; 20],
        ..CheckpointStamp::default()
    }
}

/// A canvas whose first checkpoint is in the store, without changes since.
pub fn first_checkpoint(store: &mut RocksStore) -> Canvas {
    let mut canvas = Canvas::new(CanvasOptions::new(SHIFT)).expect("address space");
    for region in [3, 9] {
        canvas.create_region(region).expect("free");
    }
    for page in 0..8 {
        put(&mut canvas, 3, page * 1000, 1 + page as u8);
    }
    put(&mut canvas, 9, 5, 77);
    put(&mut canvas, 9, 6, 78);
    let mut cut = canvas.begin_checkpoint(stamp(1)).expect("none runs");
    persist(&mut cut, store).expect("no fault");
    canvas.finish_checkpoint(cut).expect("this one");
    canvas
}

/// Changes some pages, adds one, empties one, gives a region back.
pub fn change(canvas: &mut Canvas) {
    for page in [0, 1, 5] {
        put(canvas, 3, page * 1000, 101 + page as u8);
    }
    put(canvas, 3, 2000, 0);
    put(canvas, 3, 123_456, 103);
    canvas.set_state(9, RegionState::Free).expect("it exists");
}

/// The op number and the digest of what the store holds.
pub fn read_back(store: &mut RocksStore) -> Result<(u64, u64), RecoverError> {
    let recovered = recover(CanvasOptions::new(SHIFT), store)?;
    let op_number = recovered
        .superblock
        .map_or(0, |superblock| superblock.stamp.op_number);
    Ok((op_number, recovered.canvas.digest_pages()))
}

/// The digests of the first checkpoint and of the changed canvas.
pub fn digests() -> (u64, u64) {
    let directory = tempfile::tempdir().expect("a place for files");
    let mut canvas = first_checkpoint(&mut open(directory.path()));
    let before = canvas.digest_pages();
    change(&mut canvas);
    (before, canvas.digest_pages())
}
