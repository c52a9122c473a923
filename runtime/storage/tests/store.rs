//! The RocksDB twin against the canvas: checkpoints while the loop writes, failing steps, damage on the disk.

mod shared;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;

use rc_canvas::*;
use rc_storage::{RocksOptions, RocksStore};
use shared::*;

/// A persister on its own thread writes cut after cut while the loop changes pages; the store is closed and read back
/// at times.
fn live_through(shift: PageShift, options: RocksOptions, pages: u64, rounds: u64) {
    let directory = tempfile::tempdir().expect("a place for files");
    let mut store = RocksStore::open(directory.path(), options).expect("a directory of our own");
    let mut random = 88_172_645_463_325_252_u64;
    let mut next = move |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 20) % bound
    };
    let mut canvas = Canvas::new(CanvasOptions::new(shift)).expect("address space");
    canvas.create_region(1).expect("free");
    canvas.create_region(u16::MAX).expect("free");
    for round in 0..rounds {
        for _ in 0..pages / 3 {
            let page = next(pages) << next(3);
            let region = if next(2) == 0 { 1 } else { u16::MAX };
            put(&mut canvas, region, page, next(4) as u8 * 80);
        }
        let at_cut = canvas.digest_pages();
        let mut cut = canvas.begin_checkpoint(stamp(round)).expect("none runs");
        let (outbox, inbox) = channel();
        let persister = std::thread::spawn(move || {
            let report = persist(&mut cut, &mut store).expect("no fault");
            outbox.send((cut, store, report)).expect("the loop waits");
        });
        let (cut, written, report) = loop {
            let page = next(pages);
            put(&mut canvas, 1, page, next(256) as u8);
            match inbox.try_recv() {
                Ok(done) => break done,
                Err(_) => std::thread::yield_now(),
            }
        };
        persister.join().expect("the persister ends well");
        assert_eq!(report.epoch, round + 1);
        canvas.finish_checkpoint(cut).expect("this one");
        store = written;
        if round % 3 == 0 {
            drop(store);
            store = RocksStore::open(directory.path(), options).expect("closed before");
        }
        let recovered = recover(CanvasOptions::new(shift), &mut store).expect("a good store");
        assert_eq!(recovered.canvas.digest_pages(), at_cut, "round {round}");
        assert_eq!(
            recovered
                .superblock
                .map(|superblock| superblock.stamp.op_number),
            Some(round)
        );
        for (region, page, bytes) in recovered.canvas.pages().step_by(17) {
            assert_eq!(
                store.read_page(region, page).as_ref().map(Option::as_deref),
                Ok(Some(bytes))
            );
        }
        assert_eq!(store.read_page(1, pages * 100), Ok(None));
    }
}

#[test]
fn small_pages_live_through_checkpoints() {
    live_through(PageShift::SMALLEST, OPTIONS, 300, 12);
}

#[test]
fn production_pages_live_through_checkpoints() {
    live_through(PageShift::PRODUCTION, RocksOptions::default(), 200, 6);
}

/// Makes the step with this number fail, once; gives the count of steps taken.
fn fail_step(store: &mut RocksStore, step: u64, error: StoreError) -> Arc<AtomicU64> {
    let steps = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&steps);
    store.watch_steps(move |_| {
        if counted.fetch_add(1, Ordering::Relaxed) == step {
            Err(error.clone())
        } else {
            Ok(())
        }
    });
    steps
}

#[test]
fn an_io_error_at_any_step_halts_the_store_and_damages_nothing() {
    let (before, after) = digests();
    let error = StoreError::Io {
        operation: "testing",
        detail: "input/output error".to_owned(),
    };
    let mut kinds = [0; 3];
    for step in 0.. {
        let directory = tempfile::tempdir().expect("a place for files");
        let mut store = open(directory.path());
        let mut canvas = first_checkpoint(&mut store);
        change(&mut canvas);
        let steps = fail_step(&mut store, step, error.clone());
        let mut cut = canvas.begin_checkpoint(stamp(2)).expect("none runs");
        let persisted = persist(&mut cut, &mut store);
        if steps.load(Ordering::Relaxed) <= step {
            break;
        }
        match &persisted {
            Err(found) => assert_eq!(*found, error),
            Ok(report) => assert_eq!(report.swept, Err(error.clone())),
        }
        let version = PageVersion {
            region: 3,
            page: 1,
            epoch: 9,
        };
        assert_eq!(
            store.write_page(version, PageImage::Absent),
            Err(StoreError::Halted)
        );
        assert_eq!(store.flush(), Err(StoreError::Halted));
        drop(store);
        let found = read_back(&mut open(directory.path())).expect("no damage");
        let expected_kind = match (&persisted, found) {
            (Err(_), (1, digest)) if digest == before => 0,
            // The first superblock was in place, the rest failed: the restart finds it.
            (Err(_), (2, digest)) if digest == after => 1,
            (Ok(_), (2, digest)) if digest == after => 2,
            other => panic!("step {step}: {other:?}"),
        };
        kinds[expected_kind] += 1;
    }
    assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
}

#[test]
fn a_full_disk_at_any_step_loses_nothing() {
    let error = StoreError::Full {
        operation: "testing",
    };
    let (mut retried, mut restarted) = (0, 0);
    for step in 0.. {
        let directory = tempfile::tempdir().expect("a place for files");
        let mut store = open(directory.path());
        let mut canvas = first_checkpoint(&mut store);
        change(&mut canvas);
        let steps = fail_step(&mut store, step, error.clone());
        let mut cut = canvas.begin_checkpoint(stamp(2)).expect("none runs");
        let persisted = persist(&mut cut, &mut store);
        if steps.load(Ordering::Relaxed) <= step {
            break;
        }
        match persisted {
            Ok(_) => canvas.finish_checkpoint(cut).expect("this one"),
            Err(found) => {
                assert_eq!(found, error);
                drop(cut);
                canvas.abandon_checkpoint().expect("its handle is gone");
            }
        }
        put(&mut canvas, 3, 9000, 9);
        let now = canvas.digest_pages();
        let mut cut = canvas.begin_checkpoint(stamp(3)).expect("none runs");
        match persist(&mut cut, &mut store) {
            Ok(_) => {
                retried += 1;
                assert_eq!(read_back(&mut store), Ok((3, now)), "step {step}");
                drop(store);
                assert_eq!(
                    read_back(&mut open(directory.path())),
                    Ok((3, now)),
                    "step {step}"
                );
            }
            Err(StoreError::Halted) => {
                restarted += 1;
                drop(store);
                let (op_number, _) = read_back(&mut open(directory.path())).expect("no damage");
                assert!(op_number == 1 || op_number == 2);
            }
            Err(other) => panic!("step {step}: {other}"),
        }
    }
    assert!(
        retried > 5 && restarted > 0,
        "{retried} retried, {restarted} restarted"
    );
}

fn files(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("it exists");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.retain(|path| path.to_string_lossy().ends_with(ending));
    paths.sort();
    paths
}

#[test]
fn a_flipped_bit_names_region_page_and_epoch() {
    let directory = tempfile::tempdir().expect("a place for files");
    drop(first_checkpoint(&mut open(directory.path())));
    let mut flipped = 0;
    for path in files(&directory.path().join("pages"), ".sst") {
        let good = std::fs::read(&path).expect("readable");
        // Page 3000 of region 3 is 256 times the byte 4.
        let Some(place) = good
            .windows(256)
            .position(|window| window.iter().all(|byte| *byte == 4))
        else {
            continue;
        };
        for at in [0, 100, 255] {
            let mut bad = good.clone();
            bad[place + at] ^= 1;
            std::fs::write(&path, &bad).expect("writable");
            let version = PageVersion {
                region: 3,
                page: 3000,
                epoch: 1,
            };
            let expected = StoreError::BadPage {
                version,
                reason: PageRecordError::Checksum,
            };
            let mut store = open(directory.path());
            assert_eq!(read_back(&mut store), Err(RecoverError::Store(expected)));
            flipped += 1;
        }
        std::fs::write(&path, &good).expect("writable");
    }
    assert_eq!(flipped, 3);
    read_back(&mut open(directory.path())).expect("whole again");
}

#[test]
fn any_flipped_byte_of_a_page_file_is_an_error_or_harmless() {
    let directory = tempfile::tempdir().expect("a place for files");
    let canvas = first_checkpoint(&mut open(directory.path()));
    let expected = canvas.digest_pages();
    let mut refused = 0;
    for path in files(&directory.path().join("pages"), ".sst") {
        let good = std::fs::read(&path).expect("readable");
        for at in (0..good.len()).step_by(37) {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            std::fs::write(&path, &bad).expect("writable");
            match RocksStore::open(directory.path(), OPTIONS).map(|mut store| read_back(&mut store))
            {
                Ok(Ok((op_number, digest))) => {
                    assert_eq!((op_number, digest), (1, expected), "byte {at}")
                }
                Ok(Err(_)) | Err(_) => refused += 1,
            }
        }
        std::fs::write(&path, &good).expect("writable");
    }
    assert!(refused > 30, "{refused}");
}

#[test]
fn one_good_superblock_is_enough_and_none_is_an_error() {
    let directory = tempfile::tempdir().expect("a place for files");
    let mut canvas = first_checkpoint(&mut open(directory.path()));
    change(&mut canvas);
    let expected = Ok((2, canvas.digest_pages()));
    let mut store = open(directory.path());
    persist(
        &mut canvas.begin_checkpoint(stamp(2)).expect("none runs"),
        &mut store,
    )
    .expect("no fault");
    drop(store);
    let paths = ["superblock.first", "superblock.second"].map(|name| directory.path().join(name));
    let good = std::fs::read(&paths[0]).expect("readable");
    assert_eq!(good, std::fs::read(&paths[1]).expect("readable"));
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    for path in &paths {
        std::fs::write(path, &bad).expect("writable");
        assert_eq!(read_back(&mut open(directory.path())), expected);
        std::fs::write(path, &good).expect("writable");
    }
    for path in &paths {
        std::fs::write(path, &bad).expect("writable");
    }
    let opened = RocksStore::open(directory.path(), OPTIONS);
    assert_eq!(
        opened.err(),
        Some(StoreError::Superblock(SuperblockError::Checksum))
    );
    for path in &paths {
        std::fs::remove_file(path).expect("it is there");
    }
    let missing = RecoverError::Store(StoreError::SuperblockMissing { epoch: 2 });
    assert_eq!(read_back(&mut open(directory.path())), Err(missing));
}

#[test]
fn a_lost_page_is_noticed() {
    let directory = tempfile::tempdir().expect("a place for files");
    drop(first_checkpoint(&mut open(directory.path())));
    let version = PageVersion {
        region: 3,
        page: 3000,
        epoch: 1,
    };
    let database =
        rocksdb::DB::open_default(directory.path().join("pages")).expect("closed before");
    database.delete(version.key()).expect("writable");
    drop(database);
    match read_back(&mut open(directory.path())) {
        Err(RecoverError::Store(StoreError::LostPages {
            epoch: 1,
            expected,
            found,
        })) => {
            assert_eq!((expected.pages_count, found.pages_count), (10, 9));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_cannot_have_a_directory_open() {
    let directory = tempfile::tempdir().expect("a place for files");
    let _one = open(directory.path());
    match RocksStore::open(directory.path(), OPTIONS).err() {
        Some(StoreError::Io {
            operation: "opening the pages",
            detail,
        }) => assert!(detail.contains("lock")),
        other => panic!("{other:?}"),
    }
}
