//! Each target over its corpus and over some thousands of mutations of it, on the stable toolchain, with a fixed seed.
//! `FUZZ_MUTATIONS` sets how many; a failure leaves its input in a file and names it.

use fuzz_bodies::mutation::mutated;
use fuzz_bodies::packages::fuzz_with;
use fuzz_bodies::{TARGETS, Target, seeds};
use rc_bytecode::generate::Random;
use rc_driver::{LoadError, Package, SourceText};
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

const MUTATIONS: u64 = 3_000;
/// One input is a hang above this; generous, since machines are shared.
const INPUT_TIME_MAX: Duration = Duration::from_secs(10);

fn mutations() -> u64 {
    std::env::var("FUZZ_MUTATIONS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(MUTATIONS)
}

/// Runs one input; the failure in words, with the file that repeats it.
fn run(target: Target, input: &[u8]) -> Result<(), String> {
    let start = Instant::now();
    let outcome = catch_unwind(|| (target.body)(input));
    let took = start.elapsed();
    if outcome.is_ok() && took <= INPUT_TIME_MAX {
        return Ok(());
    }
    let path =
        std::env::temp_dir().join(format!("fuzz-{}-{}.input", target.name, std::process::id()));
    let written = std::fs::write(&path, input);
    let what = if outcome.is_ok() { "hangs" } else { "panics" };
    Err(format!(
        "{} {what} after {took:.1?} on {} ({written:?})",
        target.name,
        path.display()
    ))
}

/// The corpus, then mutations of it. The first failure.
fn run_all(target: Target, seeds: &[Vec<u8>], count: u64) -> Result<(), String> {
    for seed in seeds {
        run(target, seed)?;
    }
    let mut random = Random::new(0x5eed);
    for _ in 0..count {
        run(target, &mutated(&mut random, seeds))?;
    }
    Ok(())
}

fn check(name: &str) {
    let target = *TARGETS
        .iter()
        .find(|target| target.name == name)
        .expect("a target by this name");
    let seeds = seeds::seeds(name).expect("the corpus can be read");
    assert!(!seeds.is_empty(), "the corpus of {name} is empty");
    if let Err(failure) = run_all(target, &seeds, mutations()) {
        panic!("{failure}");
    }
}

#[test]
fn parse() {
    check("parse");
}

#[test]
fn format() {
    check("format");
}

#[test]
fn packages() {
    check("packages");
}

#[test]
fn verifier() {
    check("verifier");
}

#[test]
fn log_reader() {
    check("log_reader");
}

#[test]
fn every_target_has_a_fuzz_target_and_a_corpus() {
    let folder = seeds::corpus_folder("..");
    for target in TARGETS {
        assert!(
            folder
                .join("fuzz_targets")
                .join(format!("{}.rs", target.name))
                .is_file(),
            "{}",
            target.name
        );
        assert!(
            seeds::corpus_folder(target.name).is_dir(),
            "{}",
            target.name
        );
    }
}

/// The seeds reach past the first checks: segments have entries, and changed modules are still verified at times.
#[test]
fn seeds_reach_the_depth() {
    let segment = seeds::segment();
    let (plain, sealed) = rc_log::visit_segment_bytes(&segment);
    assert!(plain >= 3 && sealed >= 3, "{plain} {sealed}");
}

/// A reader with a planted bug: it trusts a length. The same run finds it.
#[test]
fn a_planted_bug_is_found() {
    fn trusting(bytes: &[u8]) {
        if let Some((length, rest)) = bytes.split_first()
            && bytes.len() > 4
        {
            let _ = &rest[..usize::from(*length % 8)];
        }
    }
    let target = Target {
        name: "planted",
        body: trusting,
    };
    let found = run_all(target, &[vec![3, 1, 2, 3, 4, 5, 6, 7, 8, 9]], 3_000);
    assert!(found.is_err(), "the mutator does not find a trusted length");
}

/// What a planted fault of a target comes to.
fn is_found(like: &str, body: fn(&[u8])) -> bool {
    let target = Target {
        name: "planted",
        body,
    };
    let seeds = seeds::seeds(like).expect("the corpus can be read");
    run_all(target, &seeds, mutations()).is_err()
}

/// A formatter that loses the comment after a `{`, and one that is not its own fixed point.
#[test]
fn planted_faults_of_the_formatter_are_found() {
    fn loses(bytes: &[u8]) {
        rc_format::fuzz_with(bytes, |text| {
            let done = rc_format::format(text)?;
            let lines = done.split_inclusive('\n');
            let lost = |line: &str| match line.split_once("{ // ") {
                Some((before, _)) => format!("{before}{{\n"),
                None => line.to_string(),
            };
            Ok(lines.map(lost).collect())
        });
    }
    fn wavers(bytes: &[u8]) {
        rc_format::fuzz_with(bytes, |text| {
            let done = rc_format::format(text)?;
            match text.contains("{\n\n") {
                true => Ok(done),
                false => Ok(done.replacen("{\n", "{\n\n", 1)),
            }
        });
    }
    assert!(is_found("format", loses), "a lost comment is not found");
    assert!(is_found("format", wavers), "a second change is not found");
}

/// A loader that follows links wherever they lead, and one that takes a circle for a package without used ones.
#[test]
fn planted_faults_of_the_loader_are_found() {
    fn follows(folder: &Path) -> Result<Package, LoadError> {
        Package::load(folder).or_else(|error| match error {
            LoadError::LeadsOut { path } => {
                let bytes = fs::read(&path).unwrap_or_default();
                let name = "f0.rc".to_string();
                Ok(Package {
                    files: vec![SourceText { name, bytes }],
                    ..Package::default()
                })
            }
            error => Err(error),
        })
    }
    fn circles(folder: &Path) -> Result<Package, LoadError> {
        Package::load(folder).or_else(|error| match error {
            LoadError::Circle { .. } => Ok(Package::default()),
            error => Err(error),
        })
    }
    assert!(is_found("packages", |bytes| fuzz_with(bytes, follows)));
    assert!(is_found("packages", |bytes| fuzz_with(bytes, circles)));
}

#[test]
fn the_dictionary_has_every_word() {
    let path = seeds::corpus_folder("..").join("words.dict");
    let text = fs::read_to_string(path).expect("the dictionary is there");
    for (word, _) in rc_syntax::WORDS {
        let entry = format!("\"{word}\"");
        assert!(text.lines().any(|line| line == entry), "{word} is missing");
    }
}
