//! Crashes at any moment: what was acknowledged is there, exactly once; nothing else is but what was in flight; the
//! events tell the same story as the balances. On a disk that lies the same test must fail, or it proves nothing.

mod support;

use rc_engine::{Call, Op, SessionKey};
use rc_log::{Failpoints, Honesty, Point};
use std::collections::BTreeMap;
use support::{MONEY, Machine, amount, balance, bank, call, events, order};

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
fn run(seed: u64, honesty: Honesty, failpoints: &Failpoints) -> Result<u64, String> {
    let mut machine = Machine::new(seed, honesty);
    // Small segments, so that rolls, purges and recoveries of many segments are struck too.
    machine.segment_bytes = 64 << 10;
    machine.failpoints = failpoints.clone();
    machine.checkpoint_log_bytes = 6_000;
    drop(machine.start_bank());
    // From here on every start finds a deployed bank.
    let (mut acknowledged, mut unknown) = (BTreeMap::new(), Vec::new());
    let (mut number, mut crashes) = (0, 0);
    for round in 0..12u64 {
        if round % 3 == 1 {
            // A crash in the middle of the recovery from the last one.
            machine.disk.crash_after(seed % 11);
            drop(machine.try_start());
            machine.store.restart(seed);
            machine.disk.power_cut();
        }
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
        if balance(&handle, 2) != paid || balance(&handle, 1) != MONEY - paid {
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
        for request in 0..40 {
            // Most requests are one payment; some take several sectors and blocks, to be torn in the middle.
            let numbers = number + 1..=number + if request % 4 == 3 { 120 } else { 1 };
            number = *numbers.end();
            match order(&handle, numbers.clone().map(payment).collect()) {
                Ok(answer) => acknowledged.extend(numbers.zip(answer.op..)),
                Err(_) => {
                    unknown.extend(numbers);
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
    let (mut crashes, failpoints) = (0, Failpoints::default());
    for seed in 1..40 {
        crashes += run(seed, Honesty::FULL, &failpoints)
            .unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
    }
    assert!(
        crashes > 150,
        "{crashes} of 468 rounds crashed in the middle of their writes"
    );
    for point in Point::ALL
        .into_iter()
        .filter(|point| *point != Point::Truncate)
    {
        println!(
            "{point:?}: entered {}, struck {}",
            failpoints.entered(point),
            failpoints.interrupted(point)
        );
        // Cutting a torn tail is short and rare here; the log's own tests strike it.
        let rare = point == Point::TailCut && failpoints.entered(point) > 0;
        assert!(
            rare || failpoints.interrupted(point) > 0,
            "no crash struck {point:?}"
        );
    }
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
        let found = (1..12)
            .filter(|seed| run(*seed, honesty, &Failpoints::default()).is_err())
            .count();
        assert!(found > 0, "{honesty:?} went unnoticed");
    }
}
