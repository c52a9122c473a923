//! The log over real files: direct writes and the fallback, both durability modes, background preparation, reuse after a
//! purge, a reader on another thread, and the lock.

use std::sync::Arc;

use rc_log::{
    Durability, EntryId, EntryKind, EntryRef, Log, Options, RealDisk, Recovery, Syncing, Vote,
};

fn options(durability: Durability) -> Options {
    Options {
        segment_bytes: 1 << 20,
        durability,
        ..Options::default()
    }
}

fn open(disk: RealDisk, durability: Durability) -> (Log, Recovery) {
    Log::open(Arc::new(disk), options(durability)).unwrap()
}

fn append(log: &mut Log, index: u64) {
    let payload = index.to_le_bytes().repeat(2500);
    let entry = EntryRef {
        term: 3,
        index,
        kind: EntryKind::COMMANDS,
        payload: &payload,
    };
    log.append(&[entry]).unwrap();
}

fn check(log: &Log, first: u64, end: u64) {
    let mut next = first;
    for entry in log.entries_from(first) {
        let entry = entry.unwrap();
        assert_eq!((entry.index, entry.term), (next, 3));
        assert_eq!(entry.payload, next.to_le_bytes().repeat(2500));
        next += 1;
    }
    assert_eq!(next, end);
}

fn write_close_reopen(make: impl Fn() -> RealDisk, durability: Durability) {
    let (mut log, recovery) = open(make(), durability);
    assert!(recovery.created);
    for index in 0..300 {
        append(&mut log, index);
    }
    log.save_vote(Vote {
        term: 3,
        voted_for: Some(9),
        committed: false,
    })
    .unwrap();
    log.truncate_from(290).unwrap();
    log.purge_to(EntryId {
        term: 3,
        index: 149,
    })
    .unwrap();
    for index in 290..500 {
        append(&mut log, index);
    }
    check(&log, 150, 500);
    drop(log);
    let (log, recovery) = open(make(), durability);
    assert_eq!((recovery.created, recovery.torn_tail), (false, None));
    assert_eq!(recovery.first_index, Some(150));
    assert_eq!(
        recovery.last,
        Some(EntryId {
            term: 3,
            index: 499
        })
    );
    assert_eq!(recovery.vote.unwrap().voted_for, Some(9));
    check(&log, 150, 500);
}

#[test]
fn written_entries_are_read_after_a_restart() {
    for durability in [Durability::Disk, Durability::Memory] {
        let folder = tempfile::tempdir().unwrap();
        write_close_reopen(|| RealDisk::open(folder.path()).unwrap(), durability);
        let folder = tempfile::tempdir().unwrap();
        write_close_reopen(
            || RealDisk::open_without_direct(folder.path()).unwrap(),
            durability,
        );
    }
}

#[test]
fn the_fallback_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (_, recovery) = open(
        RealDisk::open_without_direct(folder.path()).unwrap(),
        Durability::Disk,
    );
    assert!(
        matches!(recovery.syncing, Syncing::Fdatasync { reason } if reason.contains("switched off"))
    );
}

#[test]
fn a_second_process_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let first = RealDisk::open(folder.path()).unwrap();
    let error = RealDisk::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    assert!(error.to_string().contains("in use by another process"));
    drop(first);
    RealDisk::open(folder.path()).unwrap();
}

#[test]
fn a_file_cut_short_at_its_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open(RealDisk::open(folder.path()).unwrap(), Durability::Disk);
    append(&mut log, 0);
    drop(log);
    let path = folder.path().join("segment-00000001.log");
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(30_000)
        .unwrap();
    let disk = Arc::new(RealDisk::open(folder.path()).unwrap());
    let message = Log::open(disk, options(Durability::Disk))
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("the header says 1048576 bytes, the segment has 30000"),
        "{message}"
    );
}

#[test]
fn a_spare_cut_short_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open(RealDisk::open(folder.path()).unwrap(), Durability::Disk);
    (0..60).for_each(|index| append(&mut log, index));
    drop(log);
    let mut cut = 0;
    for item in std::fs::read_dir(folder.path()).unwrap() {
        let path = item.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if rc_log::read_segment_bytes(&bytes).is_ok_and(|image| image.header.active.is_none()) {
            std::fs::OpenOptions::new()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(20_000)
                .unwrap();
            cut += 1;
        }
    }
    assert!(cut > 0, "spares were ready");
    let (mut log, _) = open(RealDisk::open(folder.path()).unwrap(), Durability::Disk);
    (60..300).for_each(|index| append(&mut log, index));
    drop(log);
    check(
        &open(RealDisk::open(folder.path()).unwrap(), Durability::Disk).0,
        0,
        300,
    );
}

#[test]
fn a_reader_follows_from_another_thread_while_segments_are_reused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = open(RealDisk::open(folder.path()).unwrap(), Durability::Disk);
    append(&mut log, 0);
    let reader = log.reader();
    let follower = std::thread::spawn(move || {
        let (mut next, mut read, mut jumped) = (0, 0, 0);
        while next < 1000 {
            for entry in reader.entries_from(next) {
                match entry {
                    Ok(entry) => {
                        assert_eq!(entry.payload, entry.index.to_le_bytes().repeat(2500));
                        assert_eq!(entry.index, next);
                        next += 1;
                        read += 1;
                    }
                    Err(rc_log::ReadError::Purged { oldest, .. }) => {
                        next = oldest;
                        jumped += 1;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            std::thread::yield_now();
        }
        (read, jumped)
    });
    for index in 1..1000 {
        append(&mut log, index);
        if index % 100 == 0 {
            log.purge_to(EntryId {
                term: 3,
                index: index - 50,
            })
            .unwrap();
        }
    }
    let (read, _) = follower.join().unwrap();
    assert!(read > 0);
    let names = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(names <= 2 + 2 + 5, "segments are reused: {names} files");
}
