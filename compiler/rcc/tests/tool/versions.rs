//! Versions of tables as the tool shows them: what a migration costs, on the page, and in the comparison of two packages.

use crate::running::{Ran, rcc_in};
use std::fs;
use std::path::Path;

const FIRST: &str = "package wallet

table Account {
    key id: u64
    balance: u64
    index by_balance(balance)
    invariant balance < 1_000
}

command put(id: u64, balance: u64) allow anyone { Account.put({ id, balance }) }
";

const VERSION: &str = "
table Account@2 from Account@1 {
    key id: u64
    balance: u64
    frozen: bool
    migrate old => { id: old.id, balance: old.balance * 100, frozen: old.balance == 0 }
}

command put(";

fn package(folder: &Path, name: &str, text: &str) {
    fs::create_dir(folder.join(name)).expect("a folder");
    fs::write(folder.join(name).join("wallet.rc"), text).expect("a writable folder");
}

fn shown(ran: &Ran, wanted: &[&str]) {
    for text in wanted {
        assert!(
            ran.out.contains(text),
            "{text} is not in\n{}{}",
            ran.out,
            ran.err
        );
    }
}

#[test]
fn a_migration_is_priced_described_and_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    package(folder.path(), "old", FIRST);
    let second = FIRST
        .replace("{ id, balance })", "{ id, balance, frozen: false })")
        .replace("\ncommand put(", VERSION);
    package(folder.path(), "new", &second);
    let ran = rcc_in(folder.path(), &["cost", "new"]);
    shown(&ran, &["migration Account@2"]);
    let ran = rcc_in(folder.path(), &["cost", "new", "--explain", "Account@2"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let ran = rcc_in(folder.path(), &["cost", "new", "--json"]);
    shown(
        &ran,
        &[
            "\"name\": \"Account\"",
            "\"kind\": \"migration\"",
            "\"version\": 2",
        ],
    );

    let ran = rcc_in(folder.path(), &["doc", "new", "--out", "page.html"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let page = fs::read_to_string(folder.path().join("page.html")).expect("the page");
    let wanted = [
        "table Account@2 from Account@1",
        "migrate old =&gt; { id: old.id",
    ];
    for text in wanted {
        assert!(page.contains(text), "{text} is not in\n{page}");
    }
    for text in ["by_balance", "struct Account"] {
        assert!(!page.contains(text), "{text} is in\n{page}");
    }

    let ran = rcc_in(folder.path(), &["diff", "old", "new"]);
    assert_eq!(ran.code, Some(0), "{}", ran.out);
    let wanted = [
        "? table Account@2 takes the place of table Account: it goes live only while table Account has no rows",
        "1 that the data decides, 0 broken",
    ];
    shown(&ran, &wanted);
    let ran = rcc_in(folder.path(), &["diff", "new", "old"]);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    shown(&ran, &["! table Account goes back from version 2 to 1"]);
    let ran = rcc_in(folder.path(), &["dis", "new"]);
    shown(
        &ran,
        &[
            "region \"Account/rows@1\" readable",
            "\"Account.migrate@2\"",
        ],
    );
}
