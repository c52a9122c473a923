//! Exactly once: a call with a number runs at most once, and a retry gets the first answer or an error, never a second run.

mod support;

use rc_engine::{Call, Mode, Op, Refusal, Reply, SessionKey};
use support::bank::{self, BANK, Bank, words};
use support::{START, Stage, call};

const DAY: i64 = 24 * 3600 * 1_000_000_000;
/// The first wide slot's number.
const WIDE: u32 = 1 << 20;

fn client(client: u128, sequence: u64, amount: u64) -> Op {
    pay(SessionKey::Client { client, sequence }, amount)
}

fn slot(slot: u32, generation: u32, sequence: u64, amount: u64) -> Op {
    pay(
        SessionKey::Slot {
            slot,
            generation,
            sequence,
        },
        amount,
    )
}

fn pay(session: SessionKey, amount: u64) -> Op {
    Op::Call(Call {
        session,
        ..call(bank::PAY, words(&[1, 2, amount]))
    })
}

fn opened() -> Stage {
    let mut stage = Stage::bank(Mode::Interpreter);
    stage.call(bank::OPEN, words(&[1, 1_000_000]));
    stage
}

fn refused(refusal: Refusal) -> Reply {
    Reply::Refused(refusal)
}

#[test]
fn a_retry_gets_the_first_answer_and_runs_nothing() {
    let mut stage = opened();
    let first = stage.one(client(7, 1, 10));
    let failed = stage.one(client(7, 2, 2_000_000));
    assert_eq!(first, Reply::Done(words(&[999_990])));
    assert!(matches!(&failed, Reply::Failed(_, fields) if *fields == words(&[2_000_000, 999_990])));
    stage.one(client(7, 3, 1));
    let (events, balance) = (stage.events.len(), stage.balance(1));
    for _ in 0..3 {
        assert_eq!(stage.one(client(7, 1, 10)), first);
        assert_eq!(
            stage.one(client(7, 2, 2_000_000)),
            failed,
            "failures are kept too"
        );
        stage = stage.restarted(Mode::Interpreter);
    }
    assert_eq!((stage.events.len(), stage.balance(1)), (events, balance));
    assert_eq!(
        stage.apply(vec![client(7, 4, 5), client(7, 4, 5)]),
        vec![Reply::Done(words(&[999_984])); 2],
        "also within a batch"
    );
}

#[test]
fn a_number_used_again_for_something_else_is_refused() {
    let mut stage = opened();
    stage.one(client(7, 1, 10));
    assert_eq!(
        stage.one(client(7, 1, 11)),
        refused(Refusal::SequenceReused)
    );
    let session = SessionKey::Client {
        client: 7,
        sequence: 1,
    };
    let other = Call {
        session,
        ..call(bank::OPEN, words(&[1, 10]))
    };
    assert_eq!(stage.one(Op::Call(other)), refused(Refusal::SequenceReused));
    assert_eq!(stage.balance(1), 999_990);
}

#[test]
fn numbers_out_of_order_run_once_each_and_leave_the_window_one_by_one() {
    let mut stage = opened();
    for sequence in [1, 5, 3, 4, 2, 16] {
        assert!(
            matches!(stage.one(client(7, sequence, 1)), Reply::Done(_)),
            "{sequence}"
        );
    }
    assert_eq!(stage.balance(1), 999_994);
    assert!(matches!(stage.one(client(7, 17, 1)), Reply::Done(_)));
    assert_eq!(
        stage.one(client(7, 1, 1)),
        refused(Refusal::SequenceExpired)
    );
    assert!(
        matches!(stage.one(client(7, 2, 1)), Reply::Done(_)),
        "16 are kept"
    );
    assert!(
        matches!(stage.one(client(7, 6, 1)), Reply::Done(_)),
        "never sent before, still in the window"
    );
    assert_eq!(stage.balance(1), 999_992);
    assert!(matches!(stage.one(client(7, u64::MAX, 1)), Reply::Done(_)));
    assert_eq!(
        stage.one(client(7, 17, 1)),
        refused(Refusal::SequenceExpired)
    );
    assert_eq!(
        stage.one(client(7, 0, 1)),
        refused(Refusal::SequenceExpired)
    );
    assert_eq!(stage.balance(1), 999_991);
}

#[test]
fn sessions_that_are_not_there_are_errors() {
    let mut stage = opened();
    let expired = refused(Refusal::SessionExpired);
    assert_eq!(
        stage.one(client(8, 2, 1)),
        expired,
        "a client starts with number 1"
    );
    for (number, generation) in [(0, 0), (0, 1), (WIDE, 1), (u32::MAX, 1), (WIDE + 4_096, 0)] {
        assert_eq!(
            stage.one(slot(number, generation, 1, 1)),
            expired,
            "{number} {generation}"
        );
    }
    assert_eq!(stage.balance(1), 1_000_000);
}

#[test]
fn a_refused_call_may_be_sent_again_under_its_number() {
    let mut stage = opened();
    let session = SessionKey::Client {
        client: 7,
        sequence: 1,
    };
    let wrong = Call {
        session,
        ..call(bank::PAY, vec![1, 2])
    };
    assert_eq!(stage.one(Op::Call(wrong)), refused(Refusal::BadArguments));
    assert_eq!(stage.one(client(7, 1, 10)), Reply::Done(words(&[999_990])));
}

#[test]
fn long_outcomes_come_back_until_their_ring_is_overwritten() {
    let mut stage = opened();
    let text = "long ".repeat(40);
    let note = |client, text: &str| {
        Op::Call(Call {
            session: SessionKey::Client {
                client,
                sequence: 1,
            },
            ..call(bank::NOTE, bank::note(text, &[], None))
        })
    };
    let first = stage.one(note(1, &text));
    assert_eq!(first, Reply::Done(bank::packed_text(&text)));
    assert_eq!(stage.one(note(1, &text)), first);
    // 64 MiB of later outcomes, 202 bytes each, without keeping the replies.
    let later = (64 << 20) / 202 + 2;
    for batch in 0..later / 4_000 + 1 {
        stage.apply(
            (0..4_000)
                .map(|at| note(10 + batch * 4_000 + at, &text))
                .collect(),
        );
        stage.replies.clear();
    }
    assert_eq!(stage.one(note(1, &text)), refused(Refusal::SequenceExpired));
    let last = 10 + (later / 4_000) * 4_000 + 3_999;
    assert_eq!(stage.one(note(last, &text)), first, "the newest are kept");
}

#[test]
fn wide_sessions_keep_4096_and_are_given_away_after_a_day_at_the_earliest() {
    let mut stage = opened();
    let open = |client| Op::OpenSession { client };
    assert_eq!(
        stage.one(open(1)),
        Reply::SessionOpened {
            slot: WIDE,
            generation: 1
        }
    );
    assert_eq!(
        stage.one(open(1)),
        Reply::SessionOpened {
            slot: WIDE,
            generation: 1
        },
        "found again"
    );
    let replies = stage.apply(
        (1..=5_000)
            .map(|sequence| slot(WIDE, 1, sequence, 1))
            .collect(),
    );
    assert!(replies.iter().all(|reply| matches!(reply, Reply::Done(_))));
    assert_eq!(
        stage.one(slot(WIDE, 1, 904, 1)),
        refused(Refusal::SequenceExpired)
    );
    assert_eq!(stage.one(slot(WIDE, 1, 905, 1)), replies[904]);
    // All slots in use: hostile numbers of opens are refused, nothing halts.
    let replies = stage.apply((2..6_000).map(open).collect());
    assert_eq!(
        replies
            .iter()
            .filter(|reply| matches!(reply, Reply::SessionOpened { .. }))
            .count(),
        4_095
    );
    assert_eq!(replies.last(), Some(&refused(Refusal::SessionsFull)));
    stage.now = START + DAY - 1;
    stage.apply((10_000..14_096).map(open).collect());
    assert!(
        stage
            .replies
            .iter()
            .rev()
            .take(4_096)
            .all(|reply| *reply == refused(Refusal::SessionsFull))
    );
    stage.now = START + DAY;
    let replies = stage.apply(vec![open(20_000), open(20_001)]);
    let given: Vec<(u32, u32)> = replies
        .iter()
        .filter_map(|reply| match reply {
            Reply::SessionOpened { slot, generation } => Some((*slot, *generation)),
            _ => None,
        })
        .collect();
    assert_eq!(given.len(), 2);
    assert!(given.iter().all(|(_, generation)| *generation == 2));
    let (taken, _) = given[0];
    assert_eq!(
        stage.one(slot(taken, 1, 6_000, 1)),
        refused(Refusal::SessionExpired),
        "the old owner is told apart"
    );
    let mut stage = stage.restarted(Mode::Interpreter);
    assert!(
        matches!(stage.one(slot(taken, 2, 1, 1)), Reply::Done(_)),
        "nothing of the old owner's is found"
    );
    assert_eq!(
        stage.one(open(20_000)),
        Reply::SessionOpened {
            slot: taken,
            generation: 2
        }
    );
}

#[test]
fn a_retry_after_a_deployment_gets_the_same_answer_in_the_numbers_it_knows() {
    let mut stage = opened();
    let Reply::Failed(before, fields) = stage.one(client(7, 1, 2_000_000)) else {
        panic!("it fails")
    };
    stage.deploy(Bank {
        shuffled: true,
        ..BANK
    });
    assert_eq!(
        stage.one(client(7, 1, 2_000_000)),
        Reply::Failed(before, fields.clone())
    );
    let newer = Call {
        epoch: 2,
        command: bank::PAY + 1,
        session: SessionKey::Client {
            client: 7,
            sequence: 1,
        },
        ..call(0, words(&[1, 2, 2_000_000]))
    };
    let renumbered = rc_bytecode::instr::Failure::Declared {
        error: 1,
        variant: bank::INSUFFICIENT,
    };
    assert_eq!(
        stage.one(Op::Call(newer)),
        Reply::Failed(renumbered, fields)
    );
}
