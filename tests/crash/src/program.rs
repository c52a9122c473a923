//! A harness as a program: `WORD --name value …` in, an exit code out. Always true: a broken promise of the server's ends
//! with 3, anything else that went wrong with 1, so that whoever calls can tell them apart.

use crate::failure::Failure;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// What a harness was called with.
pub struct Arguments {
    /// What to do.
    pub word: String,
    given: Vec<(String, String)>,
}

impl Arguments {
    fn read(known: &[&str]) -> Result<Arguments, Failure> {
        let mut all = std::env::args().skip(1);
        let word = all.next().unwrap_or_default();
        let mut given = Vec::new();
        while let Some(name) = all.next() {
            if !known.contains(&name.as_str()) {
                return Failure::trouble(format!("unknown argument {name}"));
            }
            let Some(value) = all.next() else {
                return Failure::trouble(format!("{name} has no value"));
            };
            given.push((name, value));
        }
        Ok(Arguments { word, given })
    }

    fn value(&self, name: &str) -> Option<&str> {
        let mut last = self.given.iter().rev();
        last.find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Empty where it was not given.
    pub fn path(&self, name: &str) -> PathBuf {
        self.value(name).unwrap_or_default().into()
    }

    pub fn number(&self, name: &str, default: u64) -> Result<u64, Failure> {
        let Some(value) = self.value(name) else {
            return Ok(default);
        };
        value
            .parse()
            .map_err(|_| Failure::Trouble(format!("{name} {value} is not a number")))
    }

    /// What chance is drawn from: the same run again needs the same one.
    pub fn seed(&self) -> Result<u64, Failure> {
        self.number("--seed", 1)
    }
}

/// Runs a harness that knows these arguments.
pub fn main(known: &[&str], run: impl FnOnce(&Arguments) -> Result<(), Failure>) -> ExitCode {
    let start = Instant::now();
    let outcome = Arguments::read(known).and_then(|arguments| {
        println!("{} (seed {})", arguments.word, arguments.seed()?);
        run(&arguments).map(|()| arguments.word)
    });
    match outcome {
        Ok(word) => {
            println!("{word}: passed in {:.0?}", start.elapsed());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(match failure {
                Failure::Violation(_) => 3,
                _ => 1,
            })
        }
    }
}
