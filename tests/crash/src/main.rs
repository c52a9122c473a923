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
use crash_test::server::Setup;
use crash_test::{SMALL, damage, full_disk};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

struct Arguments {
    word: String,
    rcd: PathBuf,
    rcd_failpoints: PathBuf,
    package: PathBuf,
    kills: u64,
    seed: u64,
}

fn arguments() -> Result<Arguments, Failure> {
    let mut given = std::env::args().skip(1);
    let word = given.next().unwrap_or_default();
    let mut parsed = Arguments {
        word,
        rcd: PathBuf::new(),
        rcd_failpoints: PathBuf::new(),
        package: PathBuf::new(),
        kills: 50,
        seed: 1,
    };
    while let (Some(name), Some(value)) = (given.next(), given.next()) {
        let number = || {
            value
                .parse()
                .map_err(|_| Failure::Trouble(format!("{name} {value} is not a number")))
        };
        match name.as_str() {
            "--rcd" => parsed.rcd = value.into(),
            "--rcd-failpoints" => parsed.rcd_failpoints = value.into(),
            "--package" => parsed.package = value.into(),
            "--kills" => parsed.kills = number()?,
            "--seed" => parsed.seed = number()?,
            _ => return Failure::trouble(format!("unknown argument {name}")),
        }
    }
    Ok(parsed)
}

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
    let data = folder.join("data");
    let plain = |more: &[&str]| Setup::new(&arguments.rcd, &arguments.package, data.clone(), more);
    let watched = |more: &[&str]| {
        Setup::new(
            &arguments.rcd_failpoints,
            &arguments.package,
            data.clone(),
            more,
        )
    };
    match arguments.word.as_str() {
        "kills" => {
            let plain = plain(&SMALL)?;
            let watched = Setup {
                program: arguments.rcd_failpoints.clone(),
                ..plain.clone()
            };
            let mut run = Run::new(plain, watched, arguments.seed);
            let outcome = run.all(arguments.kills);
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
            let mut run = Run::new(setup.clone(), setup, arguments.seed);
            let outcome = run.on_lying_disk(arguments.kills.min(4));
            println!("  {}", run.summary());
            outcome
        }
        "damage" => damage::run(plain(&SMALL)?, arguments.seed),
        "full-disk" => full_disk::run(plain(&SMALL)?, folder, arguments.seed),
        other => Failure::trouble(format!("unknown word {other:?}")),
    }
}

fn main() -> ExitCode {
    let start = Instant::now();
    let outcome = arguments().and_then(|arguments| {
        println!("{} (seed {})", arguments.word, arguments.seed);
        let folder = Folder::new(&arguments.word)?;
        let outcome = run(&arguments, folder.path());
        if outcome.is_ok() {
            folder.remove()?;
        } else {
            println!("  the data is kept in {}", folder.path().display());
        }
        outcome.map(|()| arguments.word)
    });
    match outcome {
        Ok(word) => {
            println!("{word}: passed in {:.0?}", start.elapsed());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(if matches!(failure, Failure::Violation(_)) {
                3
            } else {
                1
            })
        }
    }
}
