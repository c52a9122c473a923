//! Random modules, random ops, both engines: after each op everything agrees. The harness must find planted bugs.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rc_bytecode::generate::{Options, Random, generate};
use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::Shape;
use rc_bytecode::verify::{Verified, verify};
use rc_vm::Outcome;

use super::Twins;
use crate::sabotage::Sabotage;

/// Random modules per page size; more by `RC_DIFFERENTIAL_CASES`.
fn cases() -> u32 {
    std::env::var("RC_DIFFERENTIAL_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(100)
}

fn module(seed: u64, page_shift: u8) -> Verified {
    let options = Options {
        page_shift,
        any_floats: seed.is_multiple_of(5),
        instructions_max: if seed.is_multiple_of(7) { 200 } else { 60 },
        functions_max: if seed.is_multiple_of(3) { 12 } else { 4 },
        ..Options::default()
    };
    verify(generate(seed, options)).unwrap_or_else(|error| panic!("seed {seed}: {error}"))
}

/// Packed arguments of a command: scalars, mostly small or at the end of their range, so that things collide and overflow.
fn arguments(verified: &Verified, command: usize, random: &mut Random) -> Vec<u8> {
    let mut packed = Vec::new();
    for (_, shape) in &verified.module().interface.commands[command]
        .arguments
        .fields
    {
        let Shape::Scalar(scalar) = shape else {
            panic!("generated arguments are scalars")
        };
        let wide = u128::from(random.next()) | u128::from(random.next()) << 64;
        let mut value = match random.below(5) {
            0 | 1 => u128::from(random.below(6)),
            2 => u128::MAX - u128::from(random.below(3)),
            3 => (u128::MAX >> (129 - 8 * scalar.size())) + u128::from(random.below(2)),
            _ => wide,
        };
        if *scalar == Scalar::Bool {
            value &= 1;
        }
        packed.extend_from_slice(&value.to_le_bytes()[..scalar.size() as usize]);
    }
    packed
}

/// How many ops ended how.
#[derive(Debug, Default)]
struct Seen {
    done: u32,
    failed: u32,
}

/// Runs ops on one pair of canvases; what differs, if anything does.
fn run_ops(
    verified: &Verified,
    twins: &mut Twins,
    ops: &[u64],
    seen: &mut Seen,
) -> Result<(), String> {
    let commands = verified.module().interface.commands.len();
    for (number, op) in ops.iter().enumerate() {
        let mut random = Random::new(*op);
        let command = random.below(commands as u64) as usize;
        let packed = arguments(verified, command, &mut random);
        let outcome = twins.compare(command as u32, &packed);
        match outcome.map_err(|difference| {
            format!("op {number}, command {command} with {packed:?}: {difference}")
        })? {
            Ok(Outcome::Done(_)) => seen.done += 1,
            Ok(Outcome::Failed(..)) => seen.failed += 1,
            // Verified code never stops the node, whatever bytes it makes values of.
            Err(error) => return Err(format!("op {number}: {error}")),
        }
    }
    Ok(())
}

fn both_engines_agree(page_shift: u8) {
    let strategy = (any::<u64>(), prop::collection::vec(any::<u64>(), 1..24));
    let config = ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let seen = std::cell::RefCell::new(Seen::default());
    let result = runner.run(&strategy, |(seed, ops)| {
        let verified = module(seed, page_shift);
        let mut twins = Twins::of(&verified, Sabotage::None);
        run_ops(&verified, &mut twins, &ops, &mut seen.borrow_mut())
            .map_err(|difference| TestCaseError::fail(format!("seed {seed}: {difference}")))
    });
    if let Err(difference) = result {
        panic!("{difference}");
    }
    let seen = seen.into_inner();
    assert!(
        seen.done > 50 && seen.failed > 50,
        "a run that shows little: {seen:?}"
    );
}

#[test]
fn engines_agree_on_small_pages() {
    both_engines_agree(8);
}

#[test]
fn engines_agree_on_production_pages() {
    both_engines_agree(14);
}

#[test]
fn planted_bugs_are_found() {
    for sabotage in [
        Sabotage::NoOverflowCheck,
        Sabotage::NoJournal,
        Sabotage::NoByteDigest,
    ] {
        let found = (0..300).any(|seed| {
            let verified = module(seed, 8);
            let mut twins = Twins::of(&verified, sabotage);
            let ops: Vec<u64> = (0..12).map(|op| seed * 1000 + op).collect();
            run_ops(&verified, &mut twins, &ops, &mut Seen::default()).is_err()
        });
        assert!(found, "{sabotage:?} goes unseen");
    }
}
