//! The crash harness: the real server is killed, the clients' lists decide.
//!
//! ```text
//!   crash-test WORD --rcd PROGRAM --rcd-failpoints PROGRAM --package DIR [--kills N] [--seed N]
//!     kills ──► load ─► kill (random, recovering, deploying, failpoint, torn tail) ─► start ─► settle ─► compare ─┐
//!                └──────────────────────────────────────────────────────────────────────────────────────────────┘
//!     lying ──► the same on a disk that loses acknowledged writes: must find the loss     damage ──► rot in the middle
//!     full-disk ──► a disk that fills up
//! ```
//!
//! Exit code 0: all promises kept; 3: a promise broken; 1: the run itself failed.

#![forbid(unsafe_code)]

use crash_test::failure::{Failure, on_files};
use crash_test::kills::Run;
use crash_test::program::{self, Arguments};
use crash_test::server::Setup;
use crash_test::{SMALL, damage, full_disk};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A folder for a run's data, removed at its end unless the run found something.
struct Folder(PathBuf);

impl Folder {
    fn new(word: &str) -> Result<Folder, Failure> {
        let path =
            std::env::temp_dir().join(format!("re-current-crash-{word}-{}", std::process::id()));
        on_files("a folder for the run", fs::create_dir_all(&path))?;
        Ok(Folder(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn remove(self) -> Result<(), Failure> {
        on_files("removing the run's folder", fs::remove_dir_all(&self.0))
    }
}

fn run(arguments: &Arguments, folder: &Path) -> Result<(), Failure> {
    let (seed, kills) = (arguments.seed()?, arguments.number("--kills", 50)?);
    let (package, data) = (arguments.path("--package"), folder.join("data"));
    let server =
        |name: &str, more: &[&str]| Setup::new(&arguments.path(name), &package, data.clone(), more);
    let plain = |more: &[&str]| server("--rcd", more);
    let watched = |more: &[&str]| server("--rcd-failpoints", more);
    match arguments.word.as_str() {
        "kills" => {
            let plain = plain(&SMALL)?;
            let watched = Setup {
                program: arguments.path("--rcd-failpoints"),
                ..plain.clone()
            };
            let mut run = Run::new(plain, watched, seed);
            let outcome = run.all(kills);
            let missed = run.table();
            println!("\n  {}", run.summary());
            outcome?;
            if !missed.is_empty() {
                return Failure::trouble(format!("no kill landed in: {}", missed.join(", ")));
            }
            Ok(())
        }
        "lying" => {
            let setup = watched(&["--lying-disk"])?;
            let mut run = Run::new(setup.clone(), setup, seed);
            let outcome = run.on_lying_disk(kills.min(4));
            println!("  {}", run.summary());
            outcome
        }
        "damage" => damage::run(plain(&SMALL)?, seed),
        "full-disk" => full_disk::run(plain(&SMALL)?, folder, seed),
        other => Failure::trouble(format!("unknown word {other:?}")),
    }
}

fn main() -> ExitCode {
    let known = [
        "--rcd",
        "--rcd-failpoints",
        "--package",
        "--kills",
        "--seed",
    ];
    program::main(&known, |arguments| {
        let folder = Folder::new(&arguments.word)?;
        let outcome = run(arguments, folder.path());
        if outcome.is_ok() {
            folder.remove()?;
        } else {
            println!("  the data is kept in {}", folder.path().display());
        }
        outcome
    })
}
