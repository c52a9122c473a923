//! Crashes at any moment: what was acknowledged is there, exactly once; nothing else is but what was in flight; the
//! events tell the same story as the balances. On a disk that lies the same test must fail, or it proves nothing.

mod support;

use rc_engine::{Call, Op, SessionKey};
use rc_log::Honesty;
use std::collections::BTreeMap;
use support::{Machine, amount, balance, bank, call, events, order};

/// A client of its own for each payment, whose number is its amount, so that events tell which ones are there.
fn payment(number: u64) -> Op {
    let session = SessionKey::Client {
        client: u128::from(number),
        sequence: 1,
    };
    Op::Call(Call {
        session,
        ..call(bank::PAY, bank::words(&[1, 2, number]))
    })
}

/// Runs rounds of payments with a crash in each; what went wrong, if anything.
fn run(seed: u64, honesty: Honesty) -> Result<u64, String> {
    let mut machine = Machine::new(seed, honesty);
    machine.checkpoint_log_bytes = 6_000;
    drop(machine.start_bank());
    // From here on every start finds a deployed bank.
    let (mut acknowledged, mut unknown) = (BTreeMap::new(), Vec::new());
    let (mut number, mut crashes) = (0, 0);
    for round in 0..12u64 {
        let (node, _) = machine
            .try_start()
            .map_err(|error| format!("round {round}: {error}"))?;
        let handle = node.handle();
        let before: BTreeMap<u64, u64> = events(&handle, 0)
            .iter()
            .map(|event| (amount(event), event.op))
            .collect();
        for (amount, op) in &acknowledged {
            if before.get(amount) != Some(op) {
                return Err(format!(
                    "round {round}: payment {amount} was acknowledged as op {op}, found {:?}",
                    before.get(amount)
                ));
            }
        }
        for (amount, op) in &before {
            if !acknowledged.contains_key(amount) && !unknown.contains(amount) {
                return Err(format!(
                    "round {round}: payment {amount} (op {op}) is a phantom"
                ));
            }
        }
        let paid: u64 = before.keys().sum();
        if balance(&handle, 2) != paid || balance(&handle, 1) != 1_000_000 - paid {
            return Err(format!(
                "round {round}: the balances do not agree with the events"
            ));
        }
        // A retry of what was not answered runs at most once, whether it had run or not.
        for number in unknown.drain(..) {
            let retried = order(&handle, vec![payment(number)])
                .map_err(|error| format!("round {round}: {error}"))?;
            let op = before.get(&number).copied().unwrap_or(retried.op);
            acknowledged.insert(number, op);
        }
        machine.disk.crash_after((seed * 31 + round * 17) % 60);
        for _ in 0..40 {
            number += 1;
            match order(&handle, vec![payment(number)]) {
                Ok(answer) => drop(acknowledged.insert(number, answer.op)),
                Err(_) => {
                    unknown.push(number);
                    break;
                }
            }
        }
        crashes += u64::from(machine.disk.has_crashed());
        drop(node);
        machine.store.restart(seed + round);
        machine.disk.power_cut();
    }
    Ok(crashes)
}

#[test]
fn acknowledged_payments_survive_every_crash() {
    let mut crashes = 0;
    for seed in 1..25 {
        crashes += run(seed, Honesty::FULL).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
    assert!(
        crashes > 100,
        "{crashes} of 288 rounds crashed in the middle of their writes"
    );
}

#[test]
fn a_disk_that_lies_is_found_out() {
    for honesty in [
        Honesty {
            file_syncs: false,
            ..Honesty::FULL
        },
        Honesty {
            folder_syncs: false,
            ..Honesty::FULL
        },
        Honesty {
            file_syncs: false,
            folder_syncs: false,
        },
    ] {
        let found = (1..12).filter(|seed| run(*seed, honesty).is_err()).count();
        assert!(found > 0, "{honesty:?} went unnoticed");
    }
}
