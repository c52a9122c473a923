//! A harness that cannot fail is a defect: mistakes planted in the model and in the native code are found within a few seeds.

use differential::engines::Sabotage;
use differential::harness::{Plan, finds};
use differential::model::Mistake;

/// Few packages have an invariant over groups that a command breaks: about one in two hundred.
const SEEDS: u64 = 600;

fn seed_that_finds(mistake: Mistake, sabotage: Sabotage) -> Option<u64> {
    (0..SEEDS).find(|seed| {
        finds(Plan {
            seed: *seed,
            ops: 60,
            page_shift: None,
            mistake,
            sabotage,
        })
    })
}

fn assert_found(mistake: Mistake, sabotage: Sabotage) {
    match seed_that_finds(mistake, sabotage) {
        Some(seed) => println!("{mistake:?}, {sabotage:?}: found by seed {seed}"),
        None => panic!("{mistake:?}, {sabotage:?}: {SEEDS} seeds see nothing"),
    }
}

#[test]
fn two_names_for_one_row_that_are_copies_are_found() {
    assert_found(Mistake::RowsAreCopies, Sabotage::None);
}

#[test]
fn a_failure_without_undo_is_found() {
    assert_found(Mistake::NoUndo, Sabotage::None);
}

#[test]
fn sums_that_miss_a_row_are_found() {
    assert_found(Mistake::SumsMiss, Sabotage::None);
}

#[test]
fn walks_that_see_their_own_writes_are_found() {
    assert_found(Mistake::WalksSeeWrites, Sabotage::None);
}

#[test]
fn unique_indexes_that_are_not_are_found() {
    assert_found(Mistake::NothingIsUnique, Sabotage::None);
}

#[test]
fn unchecked_invariants_are_found() {
    assert_found(Mistake::NoRowInvariants, Sabotage::None);
}

#[test]
fn unchecked_invariants_over_groups_are_found() {
    assert_found(Mistake::NoGroupInvariants, Sabotage::None);
}

#[test]
fn least_and_greatest_values_that_miss_a_row_are_found() {
    assert_found(Mistake::EndsMiss, Sabotage::None);
}

#[test]
fn events_of_failed_commands_are_found() {
    assert_found(Mistake::EventsStay, Sabotage::None);
}

#[test]
fn native_sums_that_wrap_are_found() {
    assert_found(Mistake::None, Sabotage::AddsWrap);
}

#[test]
fn native_instructions_that_do_something_else_are_found() {
    assert_found(Mistake::None, Sabotage::MinIsMax);
    assert_found(Mistake::None, Sabotage::SelectsOther);
}
