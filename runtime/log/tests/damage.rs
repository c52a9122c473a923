//! Rot, missing files and mixed folders over the simulated disk. Always true: damage that is no torn tail is refused with
//! the place and the first lost index, and the refusal changes nothing on the disk.

use std::sync::Arc;

use rc_log::{
    Disk, EntryId, EntryKind, EntryRef, Honesty, Log, OpenError, Options, ReadError, Recovery,
    SimulatedDisk, UnitContent, Vote, WriteError, read_segment_bytes,
};

const SEGMENT_BYTES: u64 = 64 << 10;

fn options() -> Options {
    Options {
        segment_bytes: SEGMENT_BYTES,
        spare_segments: 1,
        prepare_in_background: false,
        identity: Some(7),
        ..Options::default()
    }
}

fn open(disk: &SimulatedDisk) -> Result<(Log, Recovery), OpenError> {
    Log::open(Arc::new(disk.clone()), options())
}

fn append(log: &mut Log, index: u64, bytes: usize) -> Result<(), WriteError> {
    let payload = vec![index as u8; bytes];
    log.append(&[EntryRef {
        term: 1,
        index,
        kind: EntryKind::COMMANDS,
        payload: &payload,
    }])
    .map(|_| ())
}

/// 30 entries of one to three blocks: three segments and a bit.
fn filled() -> (SimulatedDisk, Log) {
    let disk = SimulatedDisk::new(1, Honesty::FULL);
    let (mut log, _) = open(&disk).unwrap();
    log.save_vote(Vote {
        term: 1,
        voted_for: Some(1),
        committed: true,
    })
    .unwrap();
    for index in 0..30 {
        append(&mut log, index, 3000 + (index as usize % 3) * 3500).unwrap();
    }
    (disk, log)
}

/// (file, segment, position, first byte after the body, first index) of every unit.
fn units(disk: &SimulatedDisk) -> Vec<(String, u64, u64, u64, u64)> {
    let mut found = Vec::new();
    for name in disk.names().unwrap() {
        let bytes = disk.contents(&name).unwrap();
        let Ok(image) = read_segment_bytes(&bytes) else {
            continue;
        };
        let Some(active) = image.header.active else {
            continue;
        };
        for (position, unit) in &image.units {
            let UnitContent::Entries(entries) = unit.content else {
                continue;
            };
            let body: u64 = entries
                .iter()
                .map(|entry| 13 + entry.payload.len() as u64)
                .sum();
            found.push((
                name.clone(),
                active.segment,
                *position,
                position + 88 + body,
                entries.first_index(),
            ));
        }
    }
    found.sort_by_key(|(_, segment, position, ..)| (*segment, *position));
    found
}

#[test]
fn rot_in_the_middle_stops_with_the_position() {
    let (disk, log) = filled();
    drop(log);
    let units = units(&disk);
    assert_eq!(units.len(), 30);
    assert!(units.last().unwrap().1 >= 3, "several segments");
    for (name, segment, position, end, first_index) in &units[..29] {
        for byte in [
            *position,
            position + 20,
            position + 81,
            (position + end) / 2,
            end - 1,
        ] {
            disk.flip_bit(name, byte, (byte % 8) as u8);
            let before = disk.operations();
            match open(&disk).map(|_| ()) {
                Err(OpenError::Damaged {
                    file,
                    segment: s,
                    position: p,
                    first_lost_index,
                    what,
                }) => {
                    assert_eq!((&file, s, p), (name, *segment, *position));
                    assert_eq!(first_lost_index, *first_index, "{what}");
                }
                other => panic!("byte {byte} of {name}: {other:?}"),
            }
            assert_eq!(disk.operations(), before, "a refusal changes nothing");
            disk.flip_bit(name, byte, (byte % 8) as u8);
        }
    }
    let (_, recovery) = open(&disk).unwrap();
    assert_eq!(recovery.last, Some(EntryId { term: 1, index: 29 }));
}

#[test]
fn the_message_says_where_and_what_to_do() {
    let (disk, log) = filled();
    drop(log);
    let (name, _, position, _, _) = units(&disk)[4].clone();
    disk.flip_bit(&name, position + 100, 3);
    let message = open(&disk).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        message,
        "segment-00000001.log (segment 1) is damaged at byte 36864: unit 5 is not readable, yet unit 6 at byte 45056 was \
         written after it was durable. The entries from index 4 on cannot be trusted, and this is not a torn tail, so \
         the log was not opened and nothing was changed. Keep a copy of the folder, then restore it from another node \
         or from a backup"
    );
}

#[test]
fn a_damaged_last_unit_is_cut_and_the_log_goes_on() {
    let (disk, log) = filled();
    drop(log);
    let (name, segment, position, end, _) = units(&disk).pop().unwrap();
    disk.flip_bit(&name, end - 1, 0);
    let (mut log, recovery) = open(&disk).unwrap();
    let torn = recovery.torn_tail.expect("the cut is reported");
    assert_eq!(
        (torn.file, torn.segment, torn.position, torn.next_index),
        (name, segment, position, Some(29))
    );
    assert_eq!(recovery.last, Some(EntryId { term: 1, index: 28 }));
    append(&mut log, 29, 10).unwrap();
    drop(log);
    let (log, recovery) = open(&disk).unwrap();
    assert_eq!(
        (recovery.torn_tail, log.last()),
        (None, Some(EntryId { term: 1, index: 29 }))
    );
    assert_eq!(
        log.reader().entry(29).unwrap().unwrap().payload,
        vec![29; 10]
    );
}

#[test]
fn one_copy_of_a_header_is_enough_and_is_repaired() {
    let (disk, log) = filled();
    drop(log);
    for (name, ..) in units(&disk) {
        for byte in [20, 4096 + 20] {
            disk.flip_bit(&name, byte, 1);
            let (log, _) = open(&disk).unwrap();
            assert_eq!(log.last().unwrap().index, 29);
            let bytes = disk.contents(&name).unwrap();
            assert_eq!(read_segment_bytes(&bytes).unwrap().stale_copy, None);
        }
    }
    for byte in [20, 4096 + 20] {
        disk.flip_bit("state", byte, 1);
        let (_, recovery) = open(&disk).unwrap();
        assert_eq!(recovery.vote.unwrap().voted_for, Some(1));
    }
}

#[test]
fn both_copies_damaged_are_refused_where_they_matter() {
    let (disk, log) = filled();
    drop(log);
    for (name, segment, ..) in units(&disk) {
        for byte in [20, 4096 + 20] {
            disk.flip_bit(&name, byte, 1);
        }
        match open(&disk).map(|_| ()) {
            Err(OpenError::Damaged {
                file,
                segment: s,
                position: 0,
                ..
            }) => assert_eq!((file, s), (name.clone(), segment)),
            other => panic!("{other:?}"),
        }
        for byte in [20, 4096 + 20] {
            disk.flip_bit(&name, byte, 1);
        }
    }
    let spare = disk
        .names()
        .unwrap()
        .into_iter()
        .find(|name| {
            let bytes = disk.contents(name).unwrap();
            read_segment_bytes(&bytes).is_ok_and(|image| image.header.active.is_none())
        })
        .expect("a spare is ready");
    for byte in [20, 4096 + 20] {
        disk.flip_bit(&spare, byte, 1);
    }
    let (_, recovery) = open(&disk).unwrap();
    assert_eq!(recovery.ignored_files, vec![spare]);
    for byte in [20, 4096 + 20] {
        disk.flip_bit("state", byte, 1);
    }
    assert!(matches!(
        open(&disk).map(|_| ()),
        Err(OpenError::State { .. })
    ));
}

#[test]
fn missing_files_are_noticed() {
    let names: Vec<String> = units(&filled().0).into_iter().map(|unit| unit.0).collect();
    for name in names {
        let (disk, log) = filled();
        let segment = units(&disk).iter().find(|unit| unit.0 == name).unwrap().1;
        let first_index = units(&disk)
            .iter()
            .filter(|unit| unit.1 == segment)
            .map(|unit| unit.4)
            .min()
            .unwrap();
        drop(log);
        disk.remove(&name).unwrap();
        match open(&disk).map(|_| ()) {
            // Where a later segment tells that entries lived before it, all of them are lost from the first on.
            Err(OpenError::Missing {
                segment: s,
                first_lost_index,
            }) => {
                assert_eq!(s, segment);
                assert!(first_lost_index <= first_index);
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    let (disk, log) = filled();
    drop(log);
    disk.remove("state").unwrap();
    let message = open(&disk).map(|_| ()).unwrap_err().to_string();
    assert!(
        message.contains("\"state\"") && message.contains("is missing"),
        "{message}"
    );
}

#[test]
fn a_folder_that_mixes_two_logs_is_refused() {
    let (disk, log) = filled();
    drop(log);
    let other = SimulatedDisk::new(2, Honesty::FULL);
    let (log, _) = Log::open(
        Arc::new(other.clone()),
        Options {
            identity: Some(8),
            ..options()
        },
    )
    .unwrap();
    drop(log);
    let bytes = other.contents("segment-00000001.log").unwrap();
    let file = disk
        .create("segment-00000099.log", rc_log::WriteStyle::Durable)
        .unwrap();
    assert_eq!(file.write_at(0, &bytes).unwrap(), bytes.len());
    assert!(matches!(
        open(&disk).map(|_| ()),
        Err(OpenError::Foreign {
            expected: 7,
            found: 8,
            ..
        })
    ));
}

#[test]
fn a_reader_names_the_damaged_place_and_purged_entries() {
    let (disk, mut log) = filled();
    let (name, segment, position, _, first_index) = units(&disk)[7].clone();
    disk.flip_bit(&name, position + 200, 0);
    match log.reader().entry(first_index) {
        Err(ReadError::Damaged {
            file,
            segment: s,
            position: p,
            index,
        }) => {
            assert_eq!((file, s, index), (name, segment, first_index));
            assert_eq!(p, position);
        }
        other => panic!("{other:?}"),
    }
    log.purge_to(EntryId { term: 1, index: 20 }).unwrap();
    assert!(matches!(
        log.reader().entry(20),
        Err(ReadError::Purged {
            index: 20,
            oldest: 21
        })
    ));
    assert_eq!(log.reader().entry(21).unwrap().unwrap().index, 21);
    assert_eq!(log.reader().entry(30).unwrap(), None);
}

#[test]
fn wrong_calls_write_nothing() {
    let (disk, mut log) = filled();
    let before = disk.operations();
    assert!(matches!(
        append(&mut log, 31, 1),
        Err(WriteError::NotNext {
            expected: 30,
            found: 31
        })
    ));
    assert!(matches!(
        append(&mut log, 29, 1),
        Err(WriteError::NotNext {
            expected: 30,
            found: 29
        })
    ));
    assert!(matches!(
        append(&mut log, 30, 60_000),
        Err(WriteError::TooLarge { .. })
    ));
    assert_eq!(log.append(&[]).unwrap(), None);
    log.truncate_from(30).unwrap();
    assert_eq!(disk.operations(), before);
    log.purge_to(EntryId { term: 1, index: 3 }).unwrap();
    assert!(matches!(
        log.truncate_from(3),
        Err(WriteError::Purged { from: 3, .. })
    ));
    append(&mut log, 30, 1).unwrap();
}
