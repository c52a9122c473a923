//! The same ops under different circumstances: other batch cuts, the other back end, a restart at any point. Replies,
//! events, digests and pages agree.

mod support;

use rc_engine::{Call, Mode, Op, Principal, Reply, SessionKey};
use support::bank::{self, ADMIN, BANK, Bank, words};
use support::{Random, Stage, call, deploy};

/// Ops of all kinds, right and wrong ones, with deployments between.
fn story() -> Vec<Op> {
    let mut random = Random(5);
    let mut ops = vec![deploy(0, BANK.encoded())];
    ops.extend((0..40).map(|id| Op::Call(call(bank::OPEN, words(&[id * 700, 500])))));
    for number in 0..400u64 {
        let session = match random.below(4) {
            0 => SessionKey::Client {
                client: u128::from(random.below(5)) + 1,
                sequence: random.below(30) + 1,
            },
            1 => SessionKey::Slot {
                slot: (1 << 20) + random.below(3) as u32,
                generation: 1,
                sequence: random.below(60),
            },
            _ => SessionKey::None,
        };
        let (command, arguments) = match random.below(10) {
            0..5 => (
                bank::PAY,
                words(&[
                    random.below(40) * 700,
                    random.below(40) * 700,
                    random.below(300),
                ]),
            ),
            5 => (
                bank::NOTE,
                bank::note(
                    &"x".repeat(random.below(100) as usize),
                    &[1, 2],
                    Some("memo"),
                ),
            ),
            6 => (bank::RESET, words(&[random.below(40) * 700])),
            7 => (bank::DICE, vec![]),
            8 => (random.below(9) as u32, words(&[number; 2])),
            _ => (bank::PAY, words(&[1 << 62, 3, 1])),
        };
        let principal = Principal {
            id: random.below(9),
            roles: random.below(4),
        };
        let epoch = [1, 1, 1, 1, 2, 3][random.below(6) as usize];
        ops.push(Op::Call(Call {
            epoch,
            command,
            principal,
            session,
            arguments,
        }));
        match number {
            50 => ops.push(Op::OpenSession { client: 9 }),
            51 => ops.push(Op::OpenSession { client: 10 }),
            120 => ops.push(deploy(
                1,
                Bank {
                    fee: 1,
                    shuffled: true,
                    ..BANK
                }
                .encoded(),
            )),
            121 => ops.push(deploy(1, BANK.encoded())),
            200 => ops.push(deploy(
                2,
                Bank {
                    package: "other",
                    ..BANK
                }
                .encoded(),
            )),
            201 => ops.push(deploy(3, vec![1, 2, 3])),
            _ => {}
        }
    }
    ops
}

/// Applies the story with batches of these sizes in turn, restarting after as many batches.
fn tell(mode: Mode, sizes: &[usize], restart_every: usize) -> Stage {
    let mut stage = Stage::new(mode);
    let (ops, mut at, mut batches) = (story(), 0, 0);
    while at < ops.len() {
        let size = sizes[batches % sizes.len()].min(ops.len() - at);
        stage.apply(ops[at..at + size].to_vec());
        at += size;
        batches += 1;
        if restart_every > 0 && batches % restart_every == 0 {
            stage = stage.restarted(mode);
        }
    }
    stage
}

#[test]
fn circumstances_change_nothing() {
    let plain = tell(Mode::Interpreter, &[1], 0);
    let kinds = |want: fn(&Reply) -> bool| plain.replies.iter().filter(|reply| want(reply)).count();
    assert!(
        kinds(|reply| matches!(reply, Reply::Done(_))) > 100,
        "the story has successes"
    );
    assert!(
        kinds(|reply| matches!(reply, Reply::Failed(..))) > 30,
        "and failures"
    );
    assert!(
        kinds(|reply| matches!(reply, Reply::Refused(_))) > 30,
        "and refusals"
    );
    assert_eq!(kinds(|reply| matches!(reply, Reply::Deployed { .. })), 3);
    assert!(plain.events.len() > 50);
    for (mode, sizes, restart) in [
        (Mode::Interpreter, &[500][..], 0),
        (Mode::Jit, &[1], 0),
        (Mode::Jit, &[500], 0),
        (Mode::Interpreter, &[1], 37),
        (Mode::Jit, &[3, 1, 20, 7], 2),
    ] {
        let other = tell(mode, sizes, restart);
        assert_eq!(other.replies, plain.replies, "{mode:?} {sizes:?} {restart}");
        assert_eq!(other.events, plain.events, "{mode:?} {sizes:?} {restart}");
        assert_eq!(other.state(), plain.state(), "{mode:?} {sizes:?} {restart}");
    }
}

#[test]
fn the_digest_sees_a_different_reply_event_and_store() {
    let digest = |amount: u64, to: u64| {
        let mut stage = Stage::bank(Mode::Interpreter);
        stage.call(bank::OPEN, words(&[1, 100]));
        stage.call(bank::PAY, words(&[1, to, amount]));
        stage.state().1
    };
    assert_eq!(digest(5, 2), digest(5, 2));
    assert_ne!(digest(5, 2), digest(6, 2));
    assert_ne!(digest(5, 2), digest(5, 3));
    assert_ne!(
        digest(500, 2),
        digest(501, 2),
        "failures differ in their fields only"
    );
}

#[test]
fn queries_leave_no_trace() {
    for mode in [Mode::Interpreter, Mode::Jit] {
        let mut stage = Stage::bank(mode);
        stage.call(bank::OPEN, words(&[1, 100]));
        let mut twin = Stage::bank(mode);
        twin.call(bank::OPEN, words(&[1, 100]));
        let before = (
            stage.state(),
            stage.engine.canvas().counters().resident_pages,
        );
        assert_eq!(stage.balance(1), 100);
        // Rows on pages that do not exist: reading makes none, however many are read.
        for id in 0..5_000 {
            assert_eq!(stage.balance(1_000_000 + id * 1_024), 0);
        }
        let asks = |command, arguments| call(command, arguments);
        for refused in [
            asks(bank::PAY, words(&[1, 2, 3])),
            asks(99, vec![]),
            asks(bank::BALANCE, vec![1]),
        ] {
            assert!(matches!(
                stage.engine.query(&refused).unwrap(),
                Reply::Refused(_)
            ));
        }
        assert_eq!(
            (
                stage.state(),
                stage.engine.canvas().counters().resident_pages
            ),
            before
        );
        stage.call(bank::PAY, words(&[1, 2, 30]));
        twin.call(bank::PAY, words(&[1, 2, 30]));
        assert_eq!(stage.state(), twin.state());
        assert_eq!(stage.events, twin.events);
    }
}

#[test]
fn roles_decide_and_time_never_goes_back() {
    let mut stage = Stage::bank(Mode::Interpreter);
    stage.call(bank::OPEN, words(&[1, 100]));
    let reset = |roles| {
        Op::Call(Call {
            principal: Principal { id: 1, roles },
            ..call(bank::RESET, words(&[1]))
        })
    };
    assert!(matches!(stage.one(reset(bank::TELLER)), Reply::Failed(..)));
    assert_eq!(stage.balance(1), 100);
    assert_eq!(stage.one(reset(ADMIN)), Reply::Done(vec![]));
    assert_eq!(stage.balance(1), 0);
    stage.now -= 5_000;
    stage.call(bank::DICE, vec![]);
    assert_eq!(stage.engine.last_now(), support::START);
}
