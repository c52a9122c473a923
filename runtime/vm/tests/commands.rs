//! Whole commands: arguments in, result, events and failures out, what they cost, and that a failure leaves no trace.

#[path = "support/ledger.rs"]
mod ledger;
mod support;

use ledger::{BALANCE, INSUFFICIENT, NO_ACCOUNT, OPEN, PAY, PAY_LATE, SAME_ACCOUNT, packed};
use rc_bytecode::cost::Cost;
use rc_bytecode::instr::{CommandIndex, Failure};
use rc_bytecode::price;
use rc_bytecode::wire::WireError;
use rc_vm::{Executed, InterpretError, Outcome, check_arguments};
use support::*;

fn opened(page_shift: u8) -> Stage {
    let mut stage = Stage::new(ledger::ledger(page_shift));
    for (id, balance) in [(1, 100), (2, 10), (40, 1)] {
        assert_eq!(
            run(&mut stage, OPEN, &[id, balance]).outcome,
            Outcome::Done(Vec::new())
        );
    }
    stage
}

fn run(stage: &mut Stage, command: u32, arguments: &[u64]) -> Executed {
    stage.run.begin(rc_vm::Environment::default());
    stage.command(command, &packed(arguments)).expect("it runs")
}

fn done(words: &[u64]) -> Outcome {
    Outcome::Done(packed(words))
}

fn failed(failure: Failure, words: &[u64]) -> Outcome {
    Outcome::Failed(failure, packed(words))
}

#[test]
fn payments_move_money_and_leave_an_event() {
    for page_shift in [8, 14] {
        let mut stage = opened(page_shift);
        assert_eq!(run(&mut stage, PAY, &[1, 40, 30]).outcome, done(&[70]));
        assert_eq!(stage.run.events, [(0, packed(&[1, 40, 30]))]);
        assert_eq!(run(&mut stage, BALANCE, &[40]).outcome, done(&[31]));
        assert_eq!(run(&mut stage, BALANCE, &[1]).outcome, done(&[70]));
        assert!(stage.run.events.is_empty(), "events are of one op");
    }
}

#[test]
fn failures_carry_their_fields_and_change_nothing() {
    let mut stage = opened(8);
    let cases = [
        (PAY, [1, 1, 5], failed(SAME_ACCOUNT, &[])),
        (PAY, [1, 3, 5], failed(NO_ACCOUNT, &[3])),
        (PAY, [2, 1, 11], failed(INSUFFICIENT, &[11, 10])),
        // This one has written and emitted before it fails.
        (PAY_LATE, [1, 3, 5], failed(NO_ACCOUNT, &[3])),
        (PAY_LATE, [1, 2, u64::MAX], failed(OVERFLOW, &[])),
        (PAY, [1, 1600, 5], failed(FULL, &[])),
    ];
    for (command, arguments, outcome) in cases {
        let before = (stage.run.digest, stage.canvas.digest_pages());
        assert_eq!(run(&mut stage, command, &arguments).outcome, outcome);
        assert_eq!(
            (stage.run.digest, stage.canvas.digest_pages()),
            before,
            "{arguments:?}"
        );
        assert!(stage.run.events.is_empty() && stage.run.journal.is_empty());
    }
    assert_eq!(run(&mut stage, PAY_LATE, &[1, 2, 5]).outcome, done(&[95]));
    assert_ne!(stage.run.digest, 0);
}

#[test]
fn one_row_under_two_names_keeps_its_money() {
    let mut stage = opened(8);
    assert_eq!(run(&mut stage, PAY_LATE, &[1, 1, 60]).outcome, done(&[100]));
    assert_eq!(run(&mut stage, BALANCE, &[1]).outcome, done(&[100]));
}

#[test]
fn the_digest_tells_runs_apart_and_repeats() {
    let digest = |payments: &[[u64; 3]]| {
        let mut stage = opened(8);
        payments
            .iter()
            .for_each(|payment| drop(run(&mut stage, PAY, payment)));
        (stage.run.digest, stage.canvas.digest_pages())
    };
    let [first, second] = [[1, 2, 10], [1, 40, 10]];
    assert_eq!(digest(&[first, second]), digest(&[first, second]));
    assert_ne!(digest(&[first, second]).0, digest(&[second, first]).0);
    assert_eq!(
        digest(&[first, second]).1,
        digest(&[second, first]).1,
        "the same money lies everywhere"
    );
    // A failed payment in between is no part of it.
    assert_eq!(
        digest(&[first, [1, 2, 1000], second]),
        digest(&[first, second])
    );
}

#[test]
fn the_measured_cost_is_what_the_lines_cost() {
    let mut stage = opened(8);
    // balance: load, call of one argument and one result, load, store to the frame, return; and its frame of 8 bytes is zeroed;
    // find: constant, division, remainder, touch, view of an element, load, if, return.
    let find = 1 + 2 * price::DIVIDE + price::TOUCH + (1 + price::INDEX) + 1 + 1 + 1;
    let steps = price::bulk(8) + 1 + (price::CALL + 2) + find + 1 + 1 + 1;
    let expected = Cost {
        steps,
        pages_read: 1,
        reply_bytes: 8,
        scratch_bytes: 8,
        ..Cost::ZERO
    };
    assert_eq!(run(&mut stage, BALANCE, &[2]).measured, expected);
    // Without the account: the payload (slot, store, fail) in place of load, store and return; it is 8 bytes long.
    let absent = price::bulk(8) + 1 + (price::CALL + 2) + find + 2 + (1 + price::bulk(8));
    assert_eq!(
        run(&mut stage, BALANCE, &[3]).measured,
        Cost {
            steps: absent,
            ..expected
        }
    );
}

#[test]
fn what_is_measured_stays_within_what_is_proven() {
    let module = verified(ledger::ledger(8));
    let mut stage = opened(8);
    for (command, arguments) in [
        (PAY, [1, 2, 5]),
        (PAY, [1, 2, 500]),
        (PAY_LATE, [1, 2, 5]),
        (PAY_LATE, [1, 7, 5]),
    ] {
        let measured = run(&mut stage, command, &arguments).measured;
        let proven = &module.module().interface.commands[command as usize].cost;
        assert!(measured.within(proven), "{measured:?} {proven:?}");
        assert_eq!(measured.pages_written, 2);
    }
    let paid = run(&mut stage, PAY, &[1, 2, 5]).measured;
    assert_eq!(
        (paid.bytes_written, paid.event_bytes, paid.reply_bytes),
        (16, 24, 8)
    );
}

#[test]
fn arguments_that_do_not_fit_are_refused_before_anything_runs() {
    let mut stage = opened(8);
    let before = (stage.run.digest, stage.canvas.digest_pages());
    let prepared = stage.interpreter.prepared().clone();
    let cases = [
        (Vec::new(), WireError::Ended),
        (packed(&[1, 2, 3, 4]), WireError::Trailing(8)),
    ];
    for (arguments, error) in cases {
        let refused = InterpretError::Arguments(error);
        assert_eq!(stage.command(PAY, &arguments), Err(refused.clone()));
        assert_eq!(
            check_arguments(&prepared, CommandIndex(PAY), &arguments),
            Err(refused)
        );
    }
    assert_eq!(
        check_arguments(&prepared, CommandIndex(PAY), &packed(&[1, 2, 3])),
        Ok(())
    );
    assert_eq!(stage.command(9, &[]), Err(InterpretError::NoSuchCommand(9)));
    assert_eq!(
        check_arguments(&prepared, CommandIndex(9), &[]),
        Err(InterpretError::NoSuchCommand(9))
    );
    assert_eq!((stage.run.digest, stage.canvas.digest_pages()), before);
}

#[test]
fn an_interpreter_forgets_the_op_before() {
    let mut stage = opened(8);
    let first = run(&mut stage, BALANCE, &[2]);
    run(&mut stage, PAY, &[1, 2, 5]);
    run(&mut stage, PAY, &[2, 1, 5]);
    run(&mut stage, PAY, &[2, 99, 5]);
    assert_eq!(run(&mut stage, BALANCE, &[2]), first);
}

#[test]
fn an_interpreter_can_move_to_another_thread() {
    let mut stage = opened(8);
    let outcome = std::thread::spawn(move || run(&mut stage, BALANCE, &[2]).outcome)
        .join()
        .expect("no panic");
    assert_eq!(outcome, done(&[10]));
}
