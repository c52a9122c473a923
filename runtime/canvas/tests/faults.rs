//! Crashes and disk faults at every step of a checkpoint: afterwards the store holds the state of one whole checkpoint,
//! the old or the new, or says what is wrong. Damage is never read as data.

use rc_canvas::*;

const SHIFT: PageShift = PageShift::SMALLEST;

fn canvas_with_two_states() -> Canvas {
    let mut canvas = Canvas::new(CanvasOptions::new(SHIFT)).expect("address space");
    for region in [3, 9] {
        canvas.create_region(region).expect("free");
    }
    for page in 0..6 {
        put(&mut canvas, 3, page * 1000, 1 + page as u8);
    }
    put(&mut canvas, 9, 5, 77);
    canvas
}

/// Changes some pages, adds one, empties one, gives a region back.
fn change(canvas: &mut Canvas) {
    put(canvas, 3, 0, 101);
    put(canvas, 3, 2000, 0);
    put(canvas, 3, 123_456, 103);
    canvas.set_state(9, RegionState::Free).expect("it exists");
}

fn put(canvas: &mut Canvas, region: RegionId, page: u64, byte: u8) {
    let frame = canvas.touch(region, page, Access::Write).expect("writable");
    canvas.bytes_mut(&frame).fill(byte);
}

fn stamp(op_number: u64) -> CheckpointStamp {
    CheckpointStamp {
        op_number,
        cluster_id: 5,
        membership: vec![1, 2, 3],
        ..CheckpointStamp::default()
    }
}

/// A store with one finished checkpoint, the canvas with changes after it, and the digests before and after these.
fn prepared() -> (Canvas, FaultyStore, u64, u64) {
    let mut canvas = canvas_with_two_states();
    let mut store = FaultyStore::new(MemoryStore::new());
    let mut cut = canvas.begin_checkpoint(stamp(1)).expect("none runs");
    persist(&mut cut, &mut store).expect("no fault");
    canvas.finish_checkpoint(cut).expect("this one");
    let before = canvas.digest_pages();
    change(&mut canvas);
    let after = canvas.digest_pages();
    assert_ne!(before, after);
    (canvas, store, before, after)
}

fn steps_of_second_checkpoint() -> u64 {
    let (mut canvas, mut store, _, _) = prepared();
    let first = store.steps();
    persist(
        &mut canvas.begin_checkpoint(stamp(2)).expect("none runs"),
        &mut store,
    )
    .expect("no fault");
    store.steps() - first
}

fn read_back(store: &mut FaultyStore) -> Result<(u64, u64), RecoverError> {
    let recovered = recover(CanvasOptions::new(SHIFT), store)?;
    let op_number = recovered
        .superblock
        .map_or(0, |superblock| superblock.stamp.op_number);
    Ok((op_number, recovered.canvas.digest_pages()))
}

#[test]
fn a_crash_at_any_step_leaves_one_whole_checkpoint() {
    let (mut old, mut new) = (0, 0);
    for fault in [Fault::Crash, Fault::Tear, Fault::Io] {
        for step in 0..steps_of_second_checkpoint() {
            for seed in 0..20u64 {
                let (mut canvas, mut store, before, after) = prepared();
                store.plan(step, fault);
                let mut cut = canvas.begin_checkpoint(stamp(2)).expect("none runs");
                let persisted = persist(&mut cut, &mut store);
                let mut store = store.restart(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                let (op_number, digest) = read_back(&mut store).expect("a crash is no damage");
                match op_number {
                    1 => {
                        assert!(
                            persisted.is_err(),
                            "{fault:?} at {step}: reported durable, but it is not"
                        );
                        assert_eq!(digest, before, "{fault:?} at {step}, seed {seed}");
                        old += 1;
                    }
                    2 => {
                        assert_eq!(digest, after, "{fault:?} at {step}, seed {seed}");
                        new += 1;
                    }
                    other => panic!("a checkpoint of op {other}"),
                }
                // The node goes on from what it found: leftovers of the crash must not show in the next checkpoint.
                let mut canvas = recover(CanvasOptions::new(SHIFT), &mut store)
                    .expect("read before")
                    .canvas;
                put(&mut canvas, 3, 1000, 200);
                let expected = canvas.digest_pages();
                let mut cut = canvas.begin_checkpoint(stamp(3)).expect("none runs");
                persist(&mut cut, &mut store).expect("no fault");
                let mut store = store.restart(!seed);
                assert_eq!(
                    read_back(&mut store),
                    Ok((3, expected)),
                    "{fault:?} at {step}, seed {seed}"
                );
            }
        }
    }
    assert!(old > 0 && new > 0, "both outcomes were seen");
}

#[test]
fn a_crash_in_the_first_checkpoint_leaves_an_empty_store() {
    for fault in [Fault::Crash, Fault::Tear] {
        for step in 0.. {
            let mut canvas = canvas_with_two_states();
            let mut store = FaultyStore::new(MemoryStore::new());
            store.plan(step, fault);
            let persisted = persist(
                &mut canvas.begin_checkpoint(stamp(1)).expect("none runs"),
                &mut store,
            );
            if store.is_fault_pending() {
                break;
            }
            let (op_number, digest) =
                read_back(&mut store.restart(step)).expect("a crash is no damage");
            let empty = Canvas::new(CanvasOptions::new(SHIFT))
                .expect("address space")
                .digest_pages();
            let expected = if op_number == 0 {
                empty
            } else {
                canvas.digest_pages()
            };
            assert_eq!(digest, expected);
            assert!(op_number == 1 || persisted.is_err());
        }
    }
}

#[test]
fn a_full_disk_refuses_the_checkpoint_and_the_next_one_holds_everything() {
    for step in 0..steps_of_second_checkpoint() {
        let (mut canvas, mut store, before, _) = prepared();
        store.plan(step, Fault::Full);
        let mut cut = canvas.begin_checkpoint(stamp(2)).expect("none runs");
        let persisted = persist(&mut cut, &mut store);
        put(&mut canvas, 3, 3000, 55);
        let swept = match persisted {
            Ok(report) => {
                assert!(
                    matches!(report.swept, Err(StoreError::Full { .. })),
                    "the fault struck somewhere"
                );
                canvas.finish_checkpoint(cut).expect("this one");
                true
            }
            Err(StoreError::Full { .. }) => {
                drop(cut);
                canvas.abandon_checkpoint().expect("its handle is gone");
                false
            }
            Err(other) => panic!("{other}"),
        };
        put(&mut canvas, 3, 4000, 56);
        let now = canvas.digest_pages();
        let mut cut = canvas.begin_checkpoint(stamp(3)).expect("none runs");
        match persist(&mut cut, &mut store) {
            Ok(_) => assert_eq!(read_back(&mut store.restart(step)), Ok((3, now))),
            Err(StoreError::Halted) => {
                // Space ran out between the two copies of the superblock: a restart decides, here for the new one.
                assert!(!swept);
                let (op_number, digest) = read_back(&mut store.restart(step)).expect("no damage");
                assert!(op_number == 2 || digest == before);
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn flipped_bits_and_lost_writes_are_never_read_as_data() {
    let (mut found, mut harmless) = (0, 0);
    for fault in [Fault::FlipBit, Fault::Lose] {
        for step in 0..steps_of_second_checkpoint() {
            let (mut canvas, mut store, before, after) = prepared();
            store.plan(step, fault);
            persist(
                &mut canvas.begin_checkpoint(stamp(2)).expect("none runs"),
                &mut store,
            )
            .expect("the disk says that all is well");
            store.flush().expect("no second fault");
            match read_back(&mut store.restart(step)) {
                Ok((2, digest)) => {
                    // A bad copy of the superblock, or an old version that was not deleted.
                    assert_eq!(digest, after, "{fault:?} at {step}");
                    harmless += 1;
                }
                Ok((1, digest)) => assert_eq!(digest, before, "{fault:?} at {step}"),
                Ok((op_number, _)) => panic!("a checkpoint of op {op_number}"),
                Err(RecoverError::Store(StoreError::BadPage { version, .. })) => {
                    assert_eq!((fault, version.epoch), (Fault::FlipBit, 2));
                    found += 1;
                }
                Err(RecoverError::Store(StoreError::LostPages { epoch, .. })) => {
                    assert_eq!((fault, epoch), (Fault::Lose, 2));
                    found += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(
        found >= 4 && harmless >= 4,
        "{found} found, {harmless} harmless"
    );
}

#[test]
fn damage_names_the_page() {
    let (_, store, _, _) = prepared();
    let mut store = store.restart(0);
    let version = PageVersion {
        region: 3,
        page: 2000,
        epoch: 1,
    };
    assert_eq!(store.read_page(3, 2000), Ok(Some(vec![3; 256])));
    let record = seal_page(version, PageImage::Bytes(&[3; 256]));
    for bit in 0..record.len() * 8 {
        let mut bad = record.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            open_page(version, &bad, 256),
            Err(PageRecordError::Checksum),
            "bit {bit}"
        );
    }
    assert_eq!(
        open_page(version, &record, 256),
        Ok(PageImage::Bytes(&[3; 256]))
    );
    let elsewhere = PageVersion {
        page: 2001,
        ..version
    };
    assert_eq!(
        open_page(elsewhere, &record, 256),
        Err(PageRecordError::Checksum)
    );
    let error = StoreError::BadPage {
        version,
        reason: PageRecordError::Checksum,
    };
    assert_eq!(
        error.to_string(),
        "page 2000 of region 3, epoch 1, is damaged: its checksum does not match"
    );
}

#[test]
fn a_superblock_with_any_byte_changed_is_refused() {
    let mut canvas = canvas_with_two_states();
    canvas
        .set_region_metadata(3, b"accounts".to_vec())
        .expect("it exists");
    canvas
        .set_state(9, RegionState::ReadOnly)
        .expect("it exists");
    let superblock = canvas
        .begin_checkpoint(stamp(1))
        .expect("none runs")
        .superblock()
        .clone();
    let bytes = superblock.encode();
    assert_eq!(Superblock::decode(&bytes), Ok(superblock));
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xFF] {
            let mut bad = bytes.clone();
            bad[at] ^= flip;
            assert!(Superblock::decode(&bad).is_err(), "byte {at}");
        }
        assert!(Superblock::decode(&bytes[..at]).is_err(), "cut at {at}");
    }
    assert!(Superblock::decode(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn a_store_of_another_page_size_is_refused() {
    let (_, store, _, _) = prepared();
    let recovered = recover(
        CanvasOptions::new(PageShift::PRODUCTION),
        &mut store.restart(0),
    );
    let expected = RecoverError::PageSize {
        stored: SHIFT,
        wanted: PageShift::PRODUCTION,
    };
    assert_eq!(recovered.err(), Some(expected));
}

#[test]
fn pages_without_their_superblock_are_not_taken_for_leftovers() {
    let mut store = MemoryStore::new();
    for epoch in [FIRST_EPOCH, FIRST_EPOCH + 1] {
        store
            .write_page(
                PageVersion {
                    region: 3,
                    page: epoch,
                    epoch,
                },
                PageImage::Bytes(&[1; 256]),
            )
            .expect("stored");
    }
    // Never committed, read by another process: of the first epoch they are leftovers, of the second they are not.
    let mut store = FaultyStore::new(store).restart(0);
    assert_eq!(
        read_back(&mut store),
        Err(RecoverError::Store(StoreError::SuperblockMissing {
            epoch: 2
        }))
    );
}

#[test]
fn a_closed_epoch_takes_no_pages() {
    let (_, mut store, _, _) = prepared();
    let written = store.write_page(
        PageVersion {
            region: 3,
            page: 0,
            epoch: 1,
        },
        PageImage::Absent,
    );
    assert_eq!(
        written,
        Err(StoreError::ClosedEpoch {
            epoch: 1,
            committed: 1
        })
    );
}

/// Many lives in a row: random changes, a checkpoint with a crash at a random step or none, a restart on what is left.
#[test]
fn a_long_chain_of_crashes_never_mixes_checkpoints() {
    let mut random = 0x1234_5678_9abc_def1_u64;
    let mut next = move |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 20) % bound
    };
    let mut store = FaultyStore::new(MemoryStore::new());
    let mut durable = Canvas::new(CanvasOptions::new(SHIFT))
        .expect("address space")
        .digest_pages();
    let (mut lives_old, mut lives_new) = (0, 0);
    for life in 0..600u64 {
        let mut canvas = recover(CanvasOptions::new(SHIFT), &mut store)
            .expect("a crash is no damage")
            .canvas;
        assert_eq!(canvas.digest_pages(), durable, "life {life}");
        for checkpoint in 0..1 + next(3) {
            for _ in 0..next(12) {
                let region = next(3) as RegionId;
                if canvas.state(region) == RegionState::Free {
                    canvas.create_region(region).expect("free");
                } else if next(10) == 0 {
                    canvas
                        .set_state(region, RegionState::Free)
                        .expect("it exists");
                    continue;
                }
                let byte = if next(4) == 0 { 0 } else { next(255) as u8 };
                put(&mut canvas, region, next(6), byte);
            }
            if next(2) == 0 {
                store.plan(
                    next(25),
                    if next(2) == 0 {
                        Fault::Crash
                    } else {
                        Fault::Tear
                    },
                );
            }
            let now = canvas.digest_pages();
            let mut cut = canvas.begin_checkpoint(stamp(life)).expect("none runs");
            let persisted = persist(&mut cut, &mut store);
            let crashed = match &persisted {
                Ok(report) => report.swept.is_err(),
                Err(_) => true,
            };
            if crashed {
                store = store.restart(next(1 << 40));
                let found =
                    recover(CanvasOptions::new(SHIFT), &mut store).expect("a crash is no damage");
                let digest = found.canvas.digest_pages();
                assert!(
                    digest == durable && persisted.is_err() || digest == now,
                    "life {life}.{checkpoint}"
                );
                lives_old += u64::from(digest != now);
                lives_new += u64::from(digest == now);
                durable = digest;
                break;
            }
            canvas.finish_checkpoint(cut).expect("this one");
            durable = now;
        }
        if next(2) == 0 {
            store = store.restart(next(1 << 40));
        }
    }
    assert!(
        lives_old > 50 && lives_new > 10,
        "{lives_old} old, {lives_new} new"
    );
}
