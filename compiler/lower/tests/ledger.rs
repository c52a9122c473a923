//! The first package of the language's description, all the way from text to a canvas.

mod support;

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
fn the_ledger_compiles_and_its_test_passes() {
    for page_shift in [10, 14] {
        let mut world = World::new(LEDGER, page_shift);
        world.run_tests();
        for proven in &world.lowered.module.interface.commands {
            println!("{} {:?}", proven.name, proven.cost);
        }
    }
}

#[test]
#[ignore = "for people"]
fn dump() {
    let world = World::new(LEDGER, 14);
    std::fs::write("/tmp/ledger.rcb", rc_bytecode::print(&world.lowered.module)).ok();
}
