//! A harness that cannot fail is a defect: mistakes planted in the model and in the native code are found within a few seeds.

use differential::engines::Sabotage;
use differential::harness::{Plan, finds, found_among};
use differential::model::Mistake;

/// Few packages have an invariant over groups that a command breaks, or a queue with equal priorities.
const SEEDS: u64 = 150;
const OPS: usize = 300;

const MISTAKES: [Mistake; 17] = [
    Mistake::RowsAreCopies,
    Mistake::NoUndo,
    Mistake::SumsMiss,
    Mistake::WalksSeeWrites,
    Mistake::NothingIsUnique,
    Mistake::NoRowInvariants,
    Mistake::NoGroupInvariants,
    Mistake::EndsMiss,
    Mistake::EventsStay,
    Mistake::AttemptsStay,
    Mistake::NothingIsMissing,
    Mistake::NothingIsReferenced,
    Mistake::NothingCascades,
    Mistake::NothingIsRemoved,
    Mistake::LastComesFirst,
    Mistake::RoundsDown,
    Mistake::JobsBeginAgain,
];

fn plan(seed: u64, sabotage: Sabotage) -> Plan {
    Plan {
        seed,
        ops: OPS,
        page_shift: None,
        mistake: Mistake::None,
        sabotage,
    }
}

#[test]
fn mistakes_of_the_model_are_found() {
    let mut left: Vec<Mistake> = MISTAKES.to_vec();
    for seed in 0..SEEDS {
        for found in found_among(plan(seed, Sabotage::None), &left) {
            println!("{found:?}: found by seed {seed}");
            left.retain(|mistake| *mistake != found);
        }
        if left.is_empty() {
            return;
        }
    }
    panic!("{SEEDS} seeds see nothing of {left:?}");
}

#[test]
fn mistakes_in_native_code_are_found() {
    for sabotage in [
        Sabotage::AddsWrap,
        Sabotage::MinIsMax,
        Sabotage::SelectsOther,
        Sabotage::RoundsToZero,
    ] {
        match (0..SEEDS).find(|seed| finds(plan(*seed, sabotage))) {
            Some(seed) => println!("{sabotage:?}: found by seed {seed}"),
            None => panic!("{sabotage:?}: {SEEDS} seeds see nothing"),
        }
    }
}
