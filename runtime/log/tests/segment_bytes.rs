//! The byte-level reader never panics and never invents: whatever is done to a segment's bytes, the units that it finds are
//! the first ones that were written. The same body as the fuzz target's.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use rc_log::{
    EntryId, EntryKind, EntryRef, Honesty, Log, Options, SimulatedDisk, read_segment_bytes,
    seal_segment_bytes, visit_segment_bytes,
};

fn segment() -> Vec<u8> {
    let disk = SimulatedDisk::new(5, Honesty::FULL);
    let options = Options {
        segment_bytes: 64 << 10,
        spare_segments: 0,
        prepare_in_background: false,
        identity: Some(1),
        ..Options::default()
    };
    let (mut log, _) = Log::open(Arc::new(disk.clone()), options).unwrap();
    for index in 0..8 {
        let payload = vec![index as u8; 100 + 700 * index as usize];
        let entry = EntryRef {
            term: 1 + index / 3,
            index,
            kind: EntryKind::COMMANDS,
            payload: &payload,
        };
        log.append(&[entry]).unwrap();
    }
    log.truncate_from(7).unwrap();
    log.purge_to(EntryId { term: 1, index: 1 }).unwrap();
    disk.contents("segment-00000001.log").unwrap()
}

#[derive(Debug, Clone)]
enum Change {
    Flip(usize, u8),
    Set(usize, Vec<u8>),
    Cut(usize),
    Copy {
        from: usize,
        to: usize,
        bytes: usize,
    },
}

fn change() -> impl Strategy<Value = Change> {
    let place = 0..65536usize;
    // Heads are small: half of the changes aim at them.
    let head = (0..16usize, 0..128usize).prop_map(|(block, byte)| block * 4096 + byte);
    let at = prop_oneof![place.clone(), head];
    prop_oneof![
        4 => (at.clone(), 0..8u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        3 => (at.clone(), proptest::collection::vec(any::<u8>(), 1..64)).prop_map(|(at, bytes)| Change::Set(at, bytes)),
        1 => at.clone().prop_map(Change::Cut),
        2 => (at.clone(), at, 1..9000usize).prop_map(|(from, to, bytes)| Change::Copy { from, to, bytes }),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        match change {
            Change::Flip(at, bit) => {
                if let Some(byte) = bytes.get_mut(*at) {
                    *byte ^= 1 << bit;
                }
            }
            Change::Set(at, with) => {
                for (offset, byte) in with.iter().enumerate() {
                    if let Some(place) = bytes.get_mut(at + offset) {
                        *place = *byte;
                    }
                }
            }
            Change::Cut(at) => bytes.truncate(*at),
            Change::Copy {
                from,
                to,
                bytes: count,
            } => {
                let end = (from + count)
                    .min(bytes.len())
                    .min(from + bytes.len().saturating_sub(*to));
                if *from < end {
                    bytes.copy_within(*from..end, *to);
                }
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn changed_segments_give_the_first_units_or_an_error(changes in proptest::collection::vec(change(), 1..6)) {
        let original = segment();
        let whole = read_segment_bytes(&original).unwrap();
        let bytes = changed(original.clone(), &changes);
        if let Ok(image) = read_segment_bytes(&bytes) {
            prop_assert!(image.units.len() <= whole.units.len());
            for (found, written) in image.units.iter().zip(&whole.units) {
                prop_assert_eq!(found, written);
            }
        }
        visit_segment_bytes(&bytes);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..20_000)) {
        visit_segment_bytes(&bytes);
    }
}

#[test]
fn sealing_gets_past_the_checksums() {
    let mut bytes = segment();
    assert_eq!(visit_segment_bytes(&bytes).0, 8);
    bytes[3 * 4096 + 120] ^= 1;
    assert_eq!(
        visit_segment_bytes(&bytes),
        (1, 8),
        "the change hides what follows, unless it is sealed"
    );
    seal_segment_bytes(&mut bytes);
    assert_eq!(visit_segment_bytes(&bytes), (8, 8));
}

/// Runs the files that the fuzzer found worth keeping. The folder holds at least the seed.
#[test]
fn the_corpus_is_read_without_a_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut count = 0;
    for item in std::fs::read_dir(folder).unwrap() {
        visit_segment_bytes(&std::fs::read(item.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0);
}
