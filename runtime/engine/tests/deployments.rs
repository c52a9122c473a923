//! Deployments: what is refused changes nothing; calls made for an older version are answered by the live one.

mod support;

use rc_bytecode::instr::{Builtin, Failure};
use rc_engine::{Applied, Batch, Call, EngineError, Mode, Op, Principal, Refusal, Reply};
use support::bank::{self, BANK, Bank, words};
use support::{Random, Stage, call, deploy};

fn text(reply: &Reply) -> &str {
    match reply {
        Reply::Refused(Refusal::Deploy(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn refused_deployments_name_the_reason_and_change_nothing() {
    let mut stage = Stage::bank(Mode::Jit);
    stage.call(bank::OPEN, words(&[1, 100]));
    let mut damaged = BANK.encoded();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let mut unverified = BANK.module();
    unverified.interface.commands[0].cost.steps -= 1;
    for (op, reason) in [
        (
            deploy(0, Bank { fee: 1, ..BANK }.encoded()),
            "the catalog is at version 1",
        ),
        (
            deploy(9, Bank { fee: 1, ..BANK }.encoded()),
            "the catalog is at version 1",
        ),
        (deploy(1, vec![]), "cannot be read"),
        (deploy(1, damaged), "cannot be read"),
        (
            deploy(1, rc_bytecode::encode(&unverified)),
            "does not verify",
        ),
        (
            deploy(
                1,
                Bank {
                    other_signature: true,
                    ..BANK
                }
                .encoded(),
            ),
            "takes other arguments",
        ),
        (
            deploy(1, Bank { layout: 2, ..BANK }.encoded()),
            "changes its layout",
        ),
        (
            deploy(
                1,
                Bank {
                    package: "small",
                    page_shift: 12,
                    ..BANK
                }
                .encoded(),
            ),
            "pages of 2^12 bytes",
        ),
    ] {
        let pages = stage.engine.canvas().digest_pages();
        let reply = stage.one(op);
        assert!(text(&reply).contains(reason), "{}", text(&reply));
        assert_eq!(
            (stage.engine.epoch(), stage.engine.canvas().digest_pages()),
            (1, pages),
            "{reason}"
        );
        assert_eq!(stage.balance(1), 100);
    }
    assert_eq!(
        stage.deploy(Bank { fee: 1, ..BANK }),
        Reply::Deployed { epoch: 2 }
    );
}

#[test]
fn calls_of_an_older_version_are_answered_by_the_live_one() {
    for mode in [Mode::Interpreter, Mode::Jit] {
        let mut stage = Stage::bank(mode);
        stage.call(bank::OPEN, words(&[1, 100]));
        assert_eq!(
            stage.deploy(Bank {
                fee: 1,
                shuffled: true,
                ..BANK
            }),
            Reply::Deployed { epoch: 2 }
        );
        assert_eq!(
            stage.call(bank::PAY, words(&[1, 2, 10])),
            Reply::Done(words(&[89])),
            "the new code, with its fee"
        );
        assert_eq!(stage.events.last().unwrap().epoch, 2);
        let insufficient = Failure::Declared {
            error: 0,
            variant: bank::INSUFFICIENT,
        };
        assert_eq!(
            stage.call(bank::PAY, words(&[1, 2, 500])),
            Reply::Failed(insufficient, words(&[501, 89])),
            "errors have the numbers that the caller's version knows"
        );
        let old_query = stage
            .engine
            .query(&call(bank::BALANCE, words(&[2])))
            .unwrap();
        assert_eq!(old_query, Reply::Done(words(&[10])));
        let unknown = Call {
            epoch: 3,
            ..call(bank::PAY, words(&[1, 2, 1]))
        };
        assert_eq!(
            stage.one(Op::Call(unknown)),
            Reply::Refused(Refusal::UnknownEpoch)
        );
    }
}

#[test]
fn roles_keep_their_names_across_versions() {
    let mut stage = Stage::bank(Mode::Interpreter);
    stage.deploy(Bank {
        shuffled: true,
        ..BANK
    });
    let reset = |roles| {
        Op::Call(Call {
            principal: Principal { id: 1, roles },
            ..call(bank::RESET, words(&[1]))
        })
    };
    let denied = Reply::Failed(Failure::Builtin(Builtin::Denied), vec![]);
    // In the second version, bit 0 is `admin`; the caller of the first meant `teller`.
    assert_eq!(stage.one(reset(bank::TELLER)), denied);
    assert_eq!(stage.one(reset(0)), denied);
    assert_eq!(stage.one(reset(!bank::ADMIN)), denied);
    assert_eq!(stage.one(reset(bank::ADMIN)), Reply::Done(vec![]));
}

#[test]
fn packages_are_apart_and_the_same_may_be_deployed_again() {
    let mut stage = Stage::bank(Mode::Jit);
    assert_eq!(
        stage.deploy(Bank {
            package: "other",
            ..BANK
        }),
        Reply::Deployed { epoch: 2 }
    );
    stage.call(bank::OPEN, words(&[1, 100]));
    assert_eq!(
        stage.one(Op::Call(Call {
            epoch: 2,
            ..call(bank::OPEN, words(&[1, 7]))
        })),
        Reply::Done(vec![])
    );
    assert_eq!(stage.balance(1), 7);
    assert_eq!(
        stage
            .engine
            .query(&call(bank::BALANCE, words(&[1])))
            .unwrap(),
        Reply::Done(words(&[100]))
    );
    assert_eq!(stage.deploy(BANK), Reply::Deployed { epoch: 3 });
    assert_eq!(stage.engine.live().count(), 2);
    assert_eq!(
        stage.balance(1),
        100,
        "the data is the package's, not the version's"
    );
    assert!(
        stage
            .engine
            .live()
            .all(|deployed| deployed.compiled.is_some())
    );
    let mut stage = stage.restarted(Mode::Jit);
    assert_eq!((stage.engine.epoch(), stage.balance(1)), (3, 100));
    assert_eq!(&*stage.engine.deployment(2).unwrap().source, b"source");
}

#[test]
fn data_that_was_let_go_of_cannot_come_back_with_another_layout() {
    let mut stage = Stage::new(Mode::Interpreter);
    assert_eq!(
        stage.deploy(Bank {
            extra: Some(5),
            ..BANK
        }),
        Reply::Deployed { epoch: 1 }
    );
    assert_eq!(stage.deploy(BANK), Reply::Deployed { epoch: 2 });
    let mut stage = stage.restarted(Mode::Interpreter);
    let reply = stage.deploy(Bank {
        extra: Some(6),
        ..BANK
    });
    assert!(
        text(&reply).contains("kept with another layout"),
        "{}",
        text(&reply)
    );
    assert_eq!(
        stage.deploy(Bank {
            extra: Some(5),
            ..BANK
        }),
        Reply::Deployed { epoch: 3 }
    );
    let regions = |epoch| {
        stage
            .engine
            .deployment(epoch)
            .unwrap()
            .bindings
            .regions
            .clone()
    };
    assert_eq!(regions(3), regions(1));
}

#[test]
fn batches_that_do_not_follow_are_refused_whole() {
    let mut stage = Stage::bank(Mode::Interpreter);
    let before = stage.state();
    let good = stage.batch(vec![Op::Call(call(bank::OPEN, words(&[1, 1])))]);
    let mut applied = Applied::default();
    for (batch, wanted) in [
        (
            Batch {
                base_op: 3,
                ..good.clone()
            },
            "the log skips or repeats",
        ),
        (
            Batch {
                base_op: 1,
                ..good.clone()
            },
            "the log skips or repeats",
        ),
        (
            Batch {
                chain: 5,
                ..good.clone()
            },
            "does not follow",
        ),
        (
            Batch {
                cluster_id: 5,
                ..good.clone()
            },
            "the log is of cluster",
        ),
    ] {
        let mut encoded = Vec::new();
        batch.encode(&mut encoded);
        let error: EngineError = stage
            .engine
            .apply(&batch, &encoded, &mut applied)
            .unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
        assert_eq!(stage.state(), before);
    }
}

#[test]
fn hostile_ops_never_panic_or_halt() {
    let mut random = Random(3);
    let mut stage = Stage::bank(Mode::Jit);
    let module = BANK.encoded();
    for _ in 0..60 {
        let mut ops = Vec::new();
        for _ in 0..50 {
            let mut number = || match random.below(4) {
                0 => u64::MAX - random.below(3),
                1 => 1 << random.below(64),
                _ => random.below(8),
            };
            let session = match number() % 3 {
                0 => rc_engine::SessionKey::None,
                1 => rc_engine::SessionKey::Slot {
                    slot: number() as u32,
                    generation: number() as u32,
                    sequence: number(),
                },
                _ => rc_engine::SessionKey::Client {
                    client: u128::from(number()),
                    sequence: number(),
                },
            };
            let principal = Principal {
                id: number(),
                roles: number(),
            };
            let epoch = if number() % 2 == 0 { 1 } else { number() };
            let (command, length) = (
                number() as u32,
                number() % 4 * 8 + number() / (u64::MAX - 2),
            );
            let arguments = (0..length).map(|_| number() as u8).collect();
            ops.push(match number() {
                0 => Op::OpenSession {
                    client: u128::from(number()),
                },
                1 => {
                    let mut module = module.clone();
                    let at = number() as usize % module.len();
                    module[at] ^= number() as u8;
                    deploy(number() % 3, module)
                }
                _ => Op::Call(Call {
                    epoch,
                    command,
                    principal,
                    session,
                    arguments,
                }),
            });
        }
        stage.apply(ops);
    }
    assert!(
        stage
            .replies
            .iter()
            .any(|reply| matches!(reply, Reply::Done(_))),
        "some are right by chance"
    );
}
