//! Random modules: what a run measures stays within what was proven, a failure leaves no trace, and the same run
//! gives the same everything.

mod support;

use std::collections::BTreeMap;

use rc_bytecode::Module;
use rc_bytecode::generate::{Options, Random, generate};
use rc_bytecode::instr::{Failure, Scalar};
use rc_bytecode::layout::{Record, Shape};
use rc_vm::{Environment, InterpretError, Outcome};
use support::*;

/// Packed arguments: small numbers often, any bits sometimes.
fn arguments(random: &mut Random, record: &Record) -> Vec<u8> {
    let mut packed = Vec::new();
    for (name, shape) in &record.fields {
        let Shape::Scalar(scalar) = shape else {
            panic!("{name} is {shape:?}")
        };
        let bits = match random.below(4) {
            0 => u128::from(random.next()) << 64 | u128::from(random.next()),
            1 => u128::MAX,
            _ => u128::from(random.below(8)),
        };
        let bits = if *scalar == Scalar::Bool {
            bits & 1
        } else {
            bits
        };
        packed.extend_from_slice(&bits.to_le_bytes()[..scalar.size() as usize]);
    }
    packed
}

/// What one command did: its outcome, and what stands in the run and the canvas after it.
type Trace = (Result<Outcome, String>, u64, u64, Vec<(u32, Vec<u8>)>);

#[derive(Default)]
struct Seen {
    done: usize,
    failures: BTreeMap<String, usize>,
    /// Commands that failed after they had changed the canvas.
    stored: usize,
}

fn run_module(module: &Module, seed: u64, seen: &mut Seen) -> Vec<Trace> {
    let mut stage = Stage::new(module.clone());
    let mut random = Random::new(seed);
    let mut traces = Vec::new();
    for op_number in 0..24 {
        let command = random.below(module.interface.commands.len() as u64) as u32;
        let declared = &module.interface.commands[command as usize];
        let packed = arguments(&mut random, &declared.arguments);
        stage.run.begin(Environment {
            now: 1_000 + op_number as i64,
            seed: random.next(),
            caller_id: 3,
            caller_roles: 5,
            op_number,
        });
        let before = (stage.run.digest, stage.canvas.digest_pages());
        let ended = stage.command(command, &packed);
        let after = (stage.run.digest, stage.canvas.digest_pages());
        assert!(stage.run.journal.is_empty());
        let outcome = match ended {
            Ok(executed) => {
                let measured = executed.measured;
                assert!(
                    measured.within(&declared.cost),
                    "seed {seed}: {measured:?} of {:?}",
                    declared.cost
                );
                Ok(executed.outcome)
            }
            Err(InterpretError::Halt(halt)) => Err(halt.reason),
            Err(other) => panic!("seed {seed}: {other}"),
        };
        match &outcome {
            Ok(Outcome::Done(_)) => seen.done += 1,
            Ok(Outcome::Failed(failure, _)) => {
                let name = match failure {
                    Failure::Builtin(builtin) => format!("{builtin:?}"),
                    Failure::Declared { variant, .. } => format!("variant {variant}"),
                };
                *seen.failures.entry(name).or_default() += 1;
                seen.stored += usize::from(!declared.undo_free);
            }
            Err(_) => {}
        }
        if !matches!(outcome, Ok(Outcome::Done(_))) {
            assert_eq!(before, after, "seed {seed}: a trace of a failure");
            assert!(
                stage.run.events.is_empty(),
                "seed {seed}: an event of a failure"
            );
        }
        traces.push((outcome, after.0, after.1, stage.run.events.clone()));
    }
    traces
}

#[test]
fn generated_modules_keep_their_promises() {
    let mut seen = Seen::default();
    for seed in 0..800 {
        let options = Options {
            page_shift: [8, 12][seed as usize % 2],
            steps_max: 20_000,
            ..Options::default()
        };
        let module = generate(seed, options);
        let first = run_module(&module, seed, &mut seen);
        assert!(
            first.iter().all(|(outcome, ..)| outcome.is_ok()),
            "seed {seed}: {first:?}"
        );
        assert_eq!(
            first,
            run_module(&module, seed, &mut Seen::default()),
            "seed {seed}"
        );
    }
    // Enough of each kind that the assertions above meant something.
    assert!(
        seen.done > 2_000 && seen.stored > 500,
        "{} done, {} may have stored",
        seen.done,
        seen.stored
    );
    for name in [
        "Overflow",
        "BoundExceeded",
        "DivideByZero",
        "TableFull",
        "variant 1",
    ] {
        assert!(
            seen.failures.get(name).is_some_and(|count| *count > 10),
            "{name}: {:?}",
            seen.failures
        );
    }
}

#[test]
fn floats_made_of_any_bytes_never_halt() {
    let mut seen = Seen::default();
    for seed in 1_000..1_300 {
        let options = Options {
            any_floats: true,
            steps_max: 5_000,
            ..Options::default()
        };
        let module = generate(seed, options);
        let traces = run_module(&module, seed, &mut seen);
        assert!(
            traces.iter().all(|(outcome, ..)| outcome.is_ok()),
            "seed {seed}: {traces:?}"
        );
    }
    let malformed = seen.failures.get("BoundExceeded").copied();
    assert!(
        seen.done > 100 && malformed.is_some_and(|count| count > 10),
        "{} done, {:?}",
        seen.done,
        seen.failures
    );
}
