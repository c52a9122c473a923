//! The first package of the language's design, word for word, with the default access that it asks for in its `rc.toml`.

use crate::running::{Ran, folder, rcc_in};

const PACKAGE: &str = include_str!("../samples/first_package/ledger.rc");
const MANIFEST: &str = include_str!("../samples/first_package/rc.toml");
/// What the sketch says that `pay` costs, and what is proven: the bound holds for keys chosen by an enemy.
const SKETCHED: &str = "cost steps <= 600, pages <= 24 ";
const PROVEN: &str = "cost steps <= 2_200, pages <= 24 ";

fn ran(package: &str, more: &str, arguments: &[&str]) -> Ran {
    let here = folder(&[
        ("ledger.rc", package.as_bytes()),
        ("more.rc", more.as_bytes()),
        ("rc.toml", MANIFEST.as_bytes()),
    ]);
    rcc_in(here.path(), arguments)
}

const MORE: &str = r#"//! Tests of what the package's own tests leave out.
package ledger

test "the richest, of equals those found first" {
    for id in 1..=5 { open(id, "someone") }
    as treasurer {
        mint(1, 30)
        mint(2, 10)
        mint(3, 20)
        mint(4, 40)
    }
    assert richest(0) == []
    assert richest(3) == [4, 1, 3]
    assert richest(5) == [4, 1, 3, 2, 5]
    assert richest(4_000_000_000).len() == 5
    assert accounts_of("someone") == [1, 2, 3, 4, 5]
    expect SameAccount from pay(1, 1, 1)
    expect NoAccount(9) from balance(9)
    expect Denied from mint(1, 1)
}

test "a thousand are kept of more" {
    for id in 0..1_100 max 1_100 { open(id, "x") }
    assert richest(2_000).len() == 1_000
}
"#;

#[test]
fn only_the_sketched_cost_is_refused() {
    let checked = ran(
        PACKAGE,
        "package ledger\n",
        &["check", ".", "--format", "short"],
    );
    assert_eq!(checked.code, Some(1), "{checked:?}");
    let lines: Vec<&str> = checked.out.lines().collect();
    assert!(
        matches!(&lines[..], [line] if line.contains("E0405") && line.contains("steps")),
        "{checked:?}"
    );
}

#[test]
fn with_the_proven_cost_it_checks_and_its_costs_are_shown() {
    assert_eq!(PACKAGE.matches(SKETCHED).count(), 1);
    let package = PACKAGE.replace(SKETCHED, PROVEN);
    let checked = ran(&package, MORE, &["check", "."]);
    assert_eq!(
        (checked.code, checked.out.as_str(), checked.err.as_str()),
        (Some(0), "", ".: no mistakes found\n")
    );
    let cost = ran(&package, MORE, &["cost", "."]);
    assert_eq!(cost.code, Some(0), "{cost:?}");
    for shown in [
        "command open",
        "command mint",
        "command pay",
        "query balance",
        "query accounts_of",
        "report richest",
    ] {
        assert!(
            cost.out.lines().any(|line| line.starts_with(shown)),
            "no {shown}:\n{}",
            cost.out
        );
    }
}

/// `rcc test` runs each of them in the interpreter and as machine code, and compares the two.
#[test]
fn its_test_and_its_property_pass_on_both_engines() {
    let package = PACKAGE.replace(SKETCHED, PROVEN);
    let tested = ran(&package, MORE, &["test", "."]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert_eq!(
        tested.out.lines().last(),
        Some("4 passed, 0 failed"),
        "{tested:?}"
    );
    for name in [
        "alice pays bob",
        "money is conserved",
        "the richest, of equals those found first",
        "a thousand are kept of more",
    ] {
        assert!(
            tested.out.contains(&format!("ok      {name} (")),
            "{}",
            tested.out
        );
    }
}
