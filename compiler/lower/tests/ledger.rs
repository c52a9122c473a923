//! The first package of the language's description, all the way from text to a canvas.

mod support;

use rc_bytecode::instr::Builtin;
use std::collections::BTreeMap;
use support::*;

/// As in the description, but for the report.
const LEDGER: &str = r#"
package test

type Cents = u64

table Account {
    key id: u64
    owner: string<64>
    balance: Cents = 0
    opened_at: time

    index by_owner(owner, id)
    invariant balance <= 1_000_000_000_00
}

role treasurer

aggregate supply = sum(Account.balance)
state minted: Cents = 0
invariant supply == minted

error Payment {
    NoAccount(id: u64)
    Insufficient { needed: Cents, available: Cents }
    SameAccount
}

event Paid { from: u64, to: u64, amount: Cents, at: time }

command open(id: u64, owner: string<64>) allow anyone {
    Account.insert({ id, owner, opened_at: now })
}

command mint(to: u64, amount: Cents) fails Payment allow treasurer {
    let account = Account.get(to) else fail NoAccount(to)
    account.balance += amount
    minted += amount
}

command pay(from: u64, to: u64, amount: Cents) -> Cents
    fails Payment
    allow anyone
{
    ensure from != to else SameAccount
    let payer = Account.get(from) else fail NoAccount(from)
    let payee = Account.get(to)   else fail NoAccount(to)
    ensure payer.balance >= amount
        else Insufficient { needed: amount, available: payer.balance }
    payer.balance -= amount
    payee.balance += amount
    emit Paid { from, to, amount, at: now }
    payer.balance
}

query balance(id: u64) -> Cents fails Payment {
    let account = Account.get(id) else fail NoAccount(id)
    account.balance
}

query accounts_of(owner: string<64>) -> list<u64, 100> {
    [a.id for a in Account.by_owner(owner) take 100]
}

test "alice pays bob" {
    open(1, "alice")
    open(2, "bob")
    as treasurer { mint(1, 100) }
    assert pay(1, 2, 30) == 70
    assert balance(2) == 30
    expect Insufficient { needed: 100, available: 70 } from pay(1, 2, 100)
    assert balance(1) == 70
    assert supply == 100
}
"#;

#[test]
fn its_test_passes() {
    for page_shift in [10, 14] {
        World::new(LEDGER, page_shift).run_tests();
    }
}

/// What a payment may cost is a promise of the language's description: near 2,000 steps, and 40 pages, at the frozen page size.
#[test]
fn a_payment_stays_cheap() {
    let world = World::new(LEDGER, 14);
    let cost = world.lowered.module.interface.commands[world.command("pay") as usize].cost;
    assert!(
        cost.steps <= 2_100 && cost.pages_read + cost.pages_written <= 24,
        "{cost:?}"
    );
}

/// Random commands, failing ones and aliases among them, against numbers in a map.
#[test]
fn it_does_what_a_map_would_do() {
    for page_shift in [10, 14] {
        let mut world = World::new(LEDGER, page_shift);
        let mut chance = Chance(page_shift.into());
        let mut balances: BTreeMap<u64, u64> = BTreeMap::new();
        for step in 0..4_000u64 {
            let (from, to, amount) = (chance.below(60), chance.below(60), chance.below(500));
            match chance.below(6) {
                0 => {
                    let ended =
                        world.call("open", &[u(from), s(["ann", "bob", ""][step as usize % 3])]);
                    let expected = if balances.contains_key(&from) {
                        Ended::Failed(Builtin::AlreadyExists)
                    } else {
                        Ended::Done(None)
                    };
                    assert_eq!(ended, expected);
                    balances.entry(from).or_insert(0);
                }
                1 => {
                    let amount = if step % 50 == 0 {
                        100_000_000_001
                    } else {
                        amount
                    };
                    let ended = world.call("mint", &[u(to), u(amount)]);
                    let expected = match balances.get_mut(&to) {
                        None => Ended::Declared("NoAccount".into(), vec![u(to)]),
                        Some(balance) if *balance + amount > 100_000_000_000 => {
                            Ended::Failed(Builtin::InvariantBroken)
                        }
                        Some(balance) => {
                            *balance += amount;
                            Ended::Done(None)
                        }
                    };
                    assert_eq!(ended, expected);
                }
                _ => {
                    let ended = world.call("pay", &[u(from), u(to), u(amount)]);
                    let expected = match (balances.get(&from).copied(), balances.contains_key(&to))
                    {
                        _ if from == to => Ended::Declared("SameAccount".into(), vec![]),
                        (None, _) => Ended::Declared("NoAccount".into(), vec![u(from)]),
                        (_, false) => Ended::Declared("NoAccount".into(), vec![u(to)]),
                        (Some(have), _) if have < amount => {
                            Ended::Declared("Insufficient".into(), vec![u(amount), u(have)])
                        }
                        (Some(have), _) => {
                            balances.insert(from, have - amount);
                            *balances.entry(to).or_insert(0) += amount;
                            Ended::Done(Some(u(have - amount)))
                        }
                    };
                    let paid = matches!(ended, Ended::Done(_));
                    assert_eq!(ended, expected, "pay {from} {to} {amount}");
                    assert_eq!(world.run.events.len(), usize::from(paid));
                }
            }
        }
        for (id, balance) in &balances {
            assert_eq!(world.done("balance", &[u(*id)]), Some(u(*balance)));
        }
    }
}
