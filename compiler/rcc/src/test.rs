//! `rcc test`: the tests and properties of a package, on both engines at once.
//!
//! ```text
//!   package ──compile, tests too──► module ──property (asks for arguments)──► verify ──► Code
//!                                                                                        │
//!   test ──► Code::run ──► twins: interpreter | machine code ──► Ok, or a Complaint ◄────┘
//!   property ──► random ──► Code::run, case by case ──► shrink ──► the smallest failing case
//! ```
//!
//! Always true: the last line on standard output is `N passed, N failed`; the same seed runs the same cases.

mod costs;
mod property;
mod random;
mod shrink;
mod twins;
mod verdict;

use crate::output::{Failure, Progress, say, show};
use crate::package;
use random::Random;
use rc_bytecode::instr::CommandIndex;
use rc_bytecode::value::Fields;
use rc_driver::{Package, STDLIB};
use rc_lower::TestCode;
use std::path::PathBuf;
use std::time::Instant;
use twins::{Code, CodeError};
use verdict::{AssertionPlace, Complaint};

/// Runs of a failing case that are spent on finding a simpler one.
const SHRINK_TRIES: u32 = 500;

/// Runs the tests and properties of a package under the interpreter and as machine code, and compares the two.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  rcc test examples/ledger\n  rcc test --filter conserved --cases 1000 --seed 7\n  rcc test --costs"
)]
pub struct Arguments {
    /// The package's folder, or one .rc file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Only tests whose name contains this.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// What the cases of properties are drawn from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Cases of each property.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    cases: u32,
    /// Show what each command cost at most in these tests, beside what is proven.
    #[arg(long)]
    costs: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let package = package::load(&arguments.path)?;
    if is_standard_library(&package) {
        eprintln!("the standard library has no tests of its own: packages test it");
        say("0 passed, 0 failed");
        return Ok(());
    }
    let built = package::build_loaded(package, true)?;
    let wanted = |test: &&TestCode| {
        arguments
            .filter
            .as_ref()
            .is_none_or(|text| test.name.contains(text.as_str()))
    };
    let tests: Vec<&TestCode> = built.lowered.tests.iter().filter(wanted).collect();
    let places: Vec<AssertionPlace> = built
        .lowered
        .assertions
        .iter()
        .map(|assertion| {
            let file = built.sources.file(assertion.span.file);
            let place = format!("{}:{}", file.name, file.position(assertion.span.start).line);
            AssertionPlace {
                place,
                text: assertion.text.clone(),
            }
        })
        .collect();
    let mut module = built.lowered.module.clone();
    let askers: Vec<Option<CommandIndex>> = tests
        .iter()
        .map(|test| {
            let has_parameters = !test.parameters.fields.is_empty();
            has_parameters
                .then(|| property::ask_for_arguments(&mut module, test.function, &test.parameters))
        })
        .collect();
    let verified = rc_bytecode::verify(rc_bytecode::certify(module));
    let verified = verified.map_err(|error| {
        Failure::new(format!(
            "the compiler made a module that does not verify, which is its fault: {error}"
        ))
    })?;
    let code = Code::new(verified).map_err(Failure::new)?;
    let (mut passed, mut failed) = (0, 0);
    let mut progress = Progress::new();
    for (number, (test, asker)) in tests.iter().zip(askers).enumerate() {
        progress.show(&format!(
            "{} of {}: {}",
            number + 1,
            tests.len(),
            rc_diagnostics::clean(&test.name)
        ));
        let started = Instant::now();
        let found = match asker {
            None => code
                .run(test.function, None)
                .map(|result| result.err().map(|complaint| (complaint, None))),
            Some(asker) => run_property(&code, test, asker, arguments),
        };
        let found = found.map_err(Failure::new)?;
        progress.clear();
        let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
        let name = rc_diagnostics::clean(&test.name);
        match found {
            None => {
                say(format!("ok      {name} ({milliseconds:.1} ms)"));
                passed += 1;
            }
            Some((complaint, case)) => {
                say(format!("FAILED  {name} ({milliseconds:.1} ms)"));
                let text = verdict::explain(&complaint, &places);
                text.lines()
                    .chain(case.as_deref().unwrap_or_default().lines())
                    .for_each(|line| say(format!("        {line}")));
                failed += 1;
            }
        }
    }
    if tests.is_empty() {
        eprintln!(
            "{}",
            if arguments.filter.is_some() {
                "no test's name contains the filter"
            } else {
                "this package has no tests"
            }
        );
    }
    if arguments.costs {
        show(&code.costs());
    }
    say(format!("{passed} passed, {failed} failed"));
    if failed > 0 {
        Err(Failure::Told)
    } else {
        Ok(())
    }
}

/// The compiler carries the library; its files alone are no package.
fn is_standard_library(package: &Package) -> bool {
    let known = |name: &str| {
        STDLIB
            .iter()
            .any(|(module, _)| name.strip_suffix(".rc") == Some(module))
    };
    package.name.is_empty() && package.files.iter().all(|file| known(&file.name))
}

/// Runs case after case; of a failing one the simplest that was found, with the words to repeat it.
fn run_property(
    code: &Code,
    test: &TestCode,
    asker: CommandIndex,
    arguments: &Arguments,
) -> Result<Option<(Complaint, Option<String>)>, CodeError> {
    let shapes = &code.interface().shapes;
    let run_case = |fields: &Fields| -> Result<Result<(), Complaint>, CodeError> {
        let mut packed = Vec::new();
        match fields.pack(shapes, &test.parameters, &mut packed) {
            Ok(()) => code.run(test.function, Some((asker, &packed))),
            Err(error) => Ok(Err(Complaint::Halted(format!(
                "a generated value does not fit: {error}"
            )))),
        }
    };
    let mut random = Random::new(arguments.seed);
    for case in 0..arguments.cases {
        let fields = random.fields(shapes, &test.parameters);
        let Err(complaint) = run_case(&fields)? else {
            continue;
        };
        let simplest = shrink::shrink(fields, SHRINK_TRIES, |fields| {
            matches!(run_case(fields), Ok(Err(_)))
        });
        let complaint = run_case(&simplest)?.err().unwrap_or(complaint);
        let mut text = format!(
            "case {} of {} (seed {}), made simpler:",
            case + 1,
            arguments.cases,
            arguments.seed
        );
        for (name, value) in &simplest.fields {
            text.push_str(&format!("\n    let {name} = {value}"));
        }
        return Ok(Some((complaint, Some(text))));
    }
    Ok(None)
}
