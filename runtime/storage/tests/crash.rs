//! A process killed at every step of a checkpoint: the directory it leaves holds one whole checkpoint, the old one unless
//! the new superblock is in place. The process is a real one, this test run again as a child, so RocksDB loses what it
//! held in memory.

mod shared;

use std::path::Path;
use std::process::Command;

use rc_canvas::*;
use shared::*;

const DIRECTORY: &str = "RC_STORAGE_CRASH_DIRECTORY";
const STEP: &str = "RC_STORAGE_CRASH_STEP";
const FINISHED: i32 = 17;

/// Recovers, changes, writes the second checkpoint, and aborts before the step with the given number.
fn run_child(directory: &str, crash_at: u64) -> ! {
    let mut store = open(Path::new(directory));
    let mut canvas = recover(CanvasOptions::new(SHIFT), &mut store)
        .expect("the parent's checkpoint")
        .canvas;
    change(&mut canvas);
    let mut steps = 0;
    store.watch_steps(move |name| {
        if steps == crash_at {
            println!("killed before {name}");
            std::process::abort();
        }
        steps += 1;
        Ok(())
    });
    let mut cut = canvas.begin_checkpoint(stamp(2)).expect("none runs");
    let report = persist(&mut cut, &mut store).expect("no fault but the kill");
    report.swept.expect("no fault but the kill");
    std::process::exit(FINISHED)
}

#[test]
fn a_kill_at_any_step_leaves_one_whole_checkpoint() {
    if let (Ok(directory), Ok(step)) = (std::env::var(DIRECTORY), std::env::var(STEP)) {
        run_child(&directory, step.parse().expect("a number"));
    }
    let (before, after) = digests();
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for step in 0.. {
        let directory = tempfile::tempdir().expect("a place for files");
        drop(first_checkpoint(&mut open(directory.path())));
        let child = Command::new(std::env::current_exe().expect("this test"))
            .args([
                "--exact",
                "a_kill_at_any_step_leaves_one_whole_checkpoint",
                "--nocapture",
            ])
            .env(DIRECTORY, directory.path())
            .env(STEP, step.to_string())
            .output()
            .expect("this test runs again");
        let finished = child.status.code() == Some(FINISHED);
        assert!(
            finished || child.status.code().is_none(),
            "the child failed: {child:?}"
        );
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        let place = said.lines().find_map(|line| {
            line.split_once("killed before ")
                .map(|(_, name)| name.to_owned())
        });
        let place = place.unwrap_or_default();

        let mut store = open(directory.path());
        let (op_number, digest) = read_back(&mut store).expect("a crash is no damage");
        match op_number {
            1 => {
                assert_eq!(digest, before, "killed before {place}");
                old.push(place.clone());
            }
            2 => {
                assert_eq!(digest, after, "killed before {place}");
                new.push(place.clone());
            }
            other => panic!("a checkpoint of op {other}"),
        }
        // Going on from what was left: leftovers do not show in the next checkpoint, and do not stay.
        let mut canvas = recover(CanvasOptions::new(SHIFT), &mut store)
            .expect("read before")
            .canvas;
        for op_number in 3..=5 {
            put(&mut canvas, 3, 7000, op_number as u8);
            let mut cut = canvas
                .begin_checkpoint(stamp(op_number))
                .expect("none runs");
            persist(&mut cut, &mut store)
                .expect("no fault")
                .swept
                .expect("no fault");
            canvas.finish_checkpoint(cut).expect("this one");
        }
        let expected = canvas.digest_pages();
        let live = canvas
            .pages()
            .filter(|(_, _, bytes)| bytes.iter().any(|byte| *byte != 0))
            .count() as u64;
        assert_eq!(store.versions_count(), Ok(live), "killed before {place}");
        drop(store);
        assert_eq!(
            read_back(&mut open(directory.path())),
            Ok((5, expected)),
            "killed before {place}"
        );
        if finished {
            break;
        }
    }
    let turn = "renaming the first superblock";
    assert!(old.iter().any(|place| place == "flushing pages"), "{old:?}");
    assert_eq!(
        old.last().map(String::as_str),
        Some(turn),
        "the old checkpoint counts until then"
    );
    assert!(
        new.iter().any(|place| place == "deleting old pages"),
        "{new:?}"
    );
}
