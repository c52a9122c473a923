//! A disk without room: the append that needs a new segment is refused before anything is ordered, nothing is lost, the
//! log can still be purged, and goes on when there is room.

use std::sync::Arc;

use rc_log::{EntryId, EntryKind, EntryRef, Honesty, Log, Options, SimulatedDisk, WriteError};

const SEGMENT_BYTES: u64 = 64 << 10;

fn open(disk: &SimulatedDisk) -> Log {
    let options = Options {
        segment_bytes: SEGMENT_BYTES,
        spare_segments: 1,
        prepare_in_background: false,
        ..Options::default()
    };
    Log::open(Arc::new(disk.clone()), options).unwrap().0
}

fn append(log: &mut Log, index: u64) -> Result<(), WriteError> {
    let payload = index.to_le_bytes().repeat(400);
    log.append(&[EntryRef {
        term: 1,
        index,
        kind: EntryKind::COMMANDS,
        payload: &payload,
    }])
    .map(|_| ())
}

fn fill(log: &mut Log, mut index: u64) -> u64 {
    loop {
        match append(log, index) {
            Ok(()) => index += 1,
            Err(WriteError::DiskFull {
                segment_bytes: SEGMENT_BYTES,
                ..
            }) => return index,
            Err(other) => panic!("{other}"),
        }
    }
}

fn check(log: &Log, first: u64, end: u64) {
    let found: Vec<_> = log.entries_from(first).map(Result::unwrap).collect();
    assert_eq!(
        found.iter().map(|entry| entry.index).collect::<Vec<_>>(),
        (first..end).collect::<Vec<_>>()
    );
    assert!(
        found
            .iter()
            .all(|entry| entry.payload == entry.index.to_le_bytes().repeat(400))
    );
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let disk = SimulatedDisk::new(3, Honesty::FULL);
    disk.set_capacity(Some(3 * SEGMENT_BYTES + 16_000));
    let mut log = open(&disk);
    let end = fill(&mut log, 0);
    assert!(end > 30, "{end}");
    let before = disk.operations();
    let message = append(&mut log, end).unwrap_err().to_string();
    assert!(
        message.starts_with("the disk is full: 65536 bytes for the next log segment"),
        "{message}"
    );
    assert!(
        disk.operations() - before <= 2,
        "only the attempt to make a segment, and its removal"
    );
    check(&log, 0, end);

    // A restart on the full disk: everything is there, appends are refused still.
    drop(log);
    disk.kill();
    let mut log = open(&disk);
    check(&log, 0, end);
    assert!(matches!(
        append(&mut log, end),
        Err(WriteError::DiskFull { .. })
    ));

    // A purge writes into the reserve, frees segments, and the log goes on in them.
    log.purge_to(EntryId {
        term: 1,
        index: end - 5,
    })
    .unwrap();
    append(&mut log, end).unwrap();
    let end = fill(&mut log, end + 1);
    check(&log, log.first_index().unwrap(), end);

    // Room again.
    disk.set_capacity(None);
    append(&mut log, end).unwrap();
    drop(log);
    disk.power_cut();
    let log = open(&disk);
    check(&log, log.first_index().unwrap(), end + 1);
}

#[test]
fn the_reserve_holds_several_truncations() {
    let disk = SimulatedDisk::new(4, Honesty::FULL);
    disk.set_capacity(Some(2 * SEGMENT_BYTES + 16_000));
    let mut log = open(&disk);
    let end = fill(&mut log, 0);
    for back in 1..4 {
        log.truncate_from(end - back).unwrap();
    }
    check(&log, 0, end - 3);
    drop(log);
    disk.power_cut();
    check(&open(&disk), 0, end - 3);
}
