//! The recorded block log: the real server lives on a disk that notes every write and flush; then the disk is put together as
//! a power cut at many moments would have left it, mounted, and the server has to recover.
//!
//! ```text
//!   clients ──► rcd ──► ext4 ──► loop ──► FUSE file, noted ──► prefixes, unflushed sectors lost ──► ext4 ──► rcd ──► compare
//!      └─ lists of what was acknowledged, with the position of the disk ───────────────────────────────────────────┘
//!
//!   blocklog-test WORD --rcd PROGRAM --package DIR [--cuts N] [--seed N]
//!     honest ──► all promises have to hold        lying ──► rcd syncs nothing: the loss has to be found
//! ```
//!
//! Always true: it runs in a mount namespace of its own (`run.sh`), so that nothing stays mounted, however it ends.
//! Exit code 0: all promises kept; 3: a promise broken; 1: the run itself failed.

#![forbid(unsafe_code)]

mod block_log;
mod disk;
mod fuse;
mod mount;

mod cuts;
mod recording;
mod recovery;

use block_log::Replay;
use crash_test::SMALL;
use crash_test::failure::{Failure, on_files};
use crash_test::program::{self, Arguments};
use crash_test::random::Random;
use crash_test::server::Setup;
use disk::Disks;
use recovery::Found;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn folder(parent: &Path, name: &str) -> Result<PathBuf, Failure> {
    let path = parent.join(name);
    on_files("a mount point", fs::create_dir_all(&path))?;
    Ok(path)
}

fn first_line(failure: &Failure) -> String {
    let text = failure.to_string();
    text.lines().take(2).collect::<Vec<_>>().join(" ")
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let is_lying = match arguments.word.as_str() {
        "honest" => false,
        "lying" => true,
        other => return Failure::trouble(format!("unknown word {other:?}")),
    };
    let more: &[&str] = if is_lying { &["--lying-disk"] } else { &SMALL };
    let (seed, cuts) = (arguments.seed()?, arguments.number("--cuts", 60)? as usize);
    let [rcd, package, own] = ["--rcd", "--package", "--folder"].map(|name| arguments.path(name));
    let setup = Setup::new(&rcd, &package, PathBuf::new(), more)?;
    // Dropped after every mount that lies on it.
    let disks = Disks::mount(&folder(&own, "disks")?)?;
    let [recorded, replayed] = ["recorded", "replayed"].map(|name| folder(&own, name));
    let (recorded, replayed) = (recorded?, replayed?);
    let recording = recording::record(&disks, &recorded, &setup, seed, is_lying)?;
    println!(
        "  recorded: {} writes ({} MiB) and {} flushes; {} acknowledged payments, {} deploys under load, {} events",
        recording.log.len() - recording.log.flushes(),
        recording.log.bytes_written() >> 20,
        recording.log.flushes(),
        recording.acknowledged(),
        recording.deploys,
        recording.events().len()
    );
    let mut random = Random::new(seed);
    let cuts = cuts::choose(&recording, cuts, &mut random);
    let mut replay = Replay::new(&recording.log);
    let (mut found, mut violation) = (Found::default(), None);
    for cut in &cuts {
        let (contents, lost) = replay.cut(cut.prefix, cut.loss, &mut random);
        found.cuts_with_loss += u64::from(lost > 0);
        found.sectors_lost += lost;
        disks.set_replayed(contents.clone());
        let outcome = recovery::check(&disks, &replayed, &setup, &recording, *cut, &mut found);
        let Err(failure) = outcome else { continue };
        if is_lying && !failure.is_loss() {
            // Such as a log that cannot be opened: harm that the lie does too, but what has to be found are lost payments.
            println!("  after {cut:?}: {}", first_line(&failure));
            continue;
        }
        let kept = own.join("cut.ext4");
        on_files("keeping the disk", fs::write(&kept, contents))?;
        println!(
            "  after {cut:?} (phase: {}); that disk is kept in {}",
            recording.phases[cut.phase].name,
            kept.display()
        );
        violation = Some(failure);
        break;
    }
    let missed = cuts::table(&recording, &cuts);
    println!(
        "\n  {} power cuts recovered, {} of them with {} sectors lost; {} from a checkpoint, {} torn tails of the log; \
         {} acknowledged payments compared, {} unanswered ones settled",
        found.recoveries,
        found.cuts_with_loss,
        found.sectors_lost,
        found.from_checkpoint,
        found.torn_tails,
        found.acknowledged,
        found.settled
    );
    match violation {
        Some(failure) => Err(failure),
        None if is_lying || missed.is_empty() => Ok(()),
        None => Failure::trouble(format!("no cut landed in: {}", missed.join(", "))),
    }
}

fn main() -> ExitCode {
    program::main(&["--rcd", "--package", "--folder", "--cuts", "--seed"], run)
}
