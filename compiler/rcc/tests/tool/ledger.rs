//! The tool on the example: every subcommand that needs no node.

use crate::running::{rcc, rcc_in, repository};
use serde_json::Value;

const LEDGER: &str = "examples/ledger";

#[test]
fn every_word_has_help_with_an_example() {
    let words = [
        "new", "check", "build", "test", "cost", "dis", "fmt", "diff", "explain", "dev", "deploy",
        "call",
    ];
    for word in words {
        let ran = rcc(&[word, "--help"]);
        assert_eq!(ran.code, Some(0), "{word}: {ran:?}");
        let example = ran
            .out
            .split_once("Example:\n")
            .unwrap_or_else(|| panic!("{word} has no example:\n{}", ran.out))
            .1;
        assert!(
            example.trim_start().starts_with(&format!("rcc {word}")),
            "{word}: {example}"
        );
    }
    let all = rcc(&["--help"]).out;
    assert!(
        words
            .iter()
            .all(|word| all.contains(&format!("\n  {word} "))),
        "{all}"
    );
}

#[test]
fn a_wrong_command_line_is_told_with_exit_code_2() {
    assert_eq!(rcc(&["no-such-word"]).code, Some(2));
    assert_eq!(rcc(&["check", "--format", "poem"]).code, Some(2));
}

#[test]
fn the_ledger_checks_in_every_format() {
    for format in ["human", "short", "json", "sarif"] {
        let ran = rcc(&["check", LEDGER, "--format", format]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        match format {
            "json" => assert_eq!(
                serde_json::from_str::<Value>(&ran.out).unwrap(),
                Value::Array(Vec::new())
            ),
            "sarif" => assert_eq!(
                serde_json::from_str::<Value>(&ran.out).unwrap()["version"],
                "2.1.0"
            ),
            _ => assert_eq!(ran.out, ""),
        }
    }
}

#[test]
fn the_ledgers_tests_pass_on_both_engines() {
    let ran = rcc(&["test", LEDGER]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let last = ran.out.lines().last().unwrap();
    assert!(
        last.ends_with(" passed, 0 failed") && !last.starts_with("0 "),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("ok      alice pays bob ("), "{}", ran.out);
    let filtered = rcc(&[
        "test",
        LEDGER,
        "--filter",
        "conserved",
        "--cases",
        "10",
        "--seed",
        "9",
    ]);
    assert_eq!(
        filtered.out.lines().last(),
        Some("1 passed, 0 failed"),
        "{filtered:?}"
    );
    let none = rcc(&["test", LEDGER, "--filter", "no such test"]);
    assert_eq!(
        (none.code, none.out.as_str()),
        (Some(0), "0 passed, 0 failed\n")
    );
}

#[test]
fn the_standard_library_says_that_it_has_no_tests() {
    let ran = rcc(&["test", "stdlib"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(0), "0 passed, 0 failed\n"),
        "{ran:?}"
    );
}

#[test]
fn costs_are_shown_as_table_json_and_tree() {
    let table = rcc(&["cost", LEDGER]);
    assert_eq!(table.code, Some(0), "{table:?}");
    let pay = table
        .out
        .lines()
        .find(|line| line.starts_with("command pay"))
        .expect("a row for pay")
        .to_owned();
    let json: Value = serde_json::from_str(&rcc(&["cost", LEDGER, "--json"]).out).unwrap();
    let costs = json["costs"].as_array().unwrap();
    let cost = &costs
        .iter()
        .find(|cost| cost["name"] == "pay")
        .expect("pay")["cost"];
    let shown: Vec<&str> = pay.split_whitespace().skip(2).collect();
    let named = [
        "steps",
        "pages_read",
        "pages_written",
        "bytes_written",
        "event_bytes",
        "reply_bytes",
        "scratch_bytes",
    ];
    let expected: Vec<String> = named
        .iter()
        .map(|name| cost[name].as_u64().unwrap().to_string())
        .collect();
    assert_eq!(shown, expected);
    assert!(cost["steps"].as_u64() > Some(0));
    let tree = rcc(&["cost", LEDGER, "--explain", "pay"]);
    assert!(
        tree.out
            .starts_with(&format!("pay: {} steps", cost["steps"])),
        "{}",
        tree.out
    );
    assert!(
        tree.out.contains("ledger.rc:") && tree.out.contains("Account.get(from)"),
        "{}",
        tree.out
    );
    let unknown = rcc(&["cost", LEDGER, "--explain", "nothing"]);
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.err.contains("there is: ") && unknown.err.contains("pay"),
        "{}",
        unknown.err
    );
}

#[test]
fn a_module_file_is_built_shown_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.rcm");
    let file = file.to_str().unwrap();
    let built = rcc(&["build", LEDGER, "-o", file]);
    assert_eq!(built.code, Some(0), "{built:?}");
    let again = folder.path().join("again.rcm");
    rcc(&["build", LEDGER, "-o", again.to_str().unwrap()]);
    assert_eq!(
        std::fs::read(file).unwrap(),
        std::fs::read(&again).unwrap(),
        "a build is reproducible"
    );

    let of_file = rcc(&["dis", file]);
    assert_eq!(of_file.code, Some(0), "{}", of_file.err);
    let parsed = rc_bytecode::parse(&of_file.out).expect("the text parses");
    assert_eq!(rc_bytecode::encode(&parsed), std::fs::read(file).unwrap());

    let of_source = rcc(&["dis", LEDGER, "--function", "pay"]);
    assert!(
        of_source.out.contains("payer.balance -= amount"),
        "source lines stand beside the code:\n{}",
        of_source.out
    );
    let whole = rcc(&["dis", LEDGER]);
    assert_eq!(
        rc_bytecode::parse(&whole.out).expect("the text with source lines parses"),
        parsed
    );
    let native = rcc(&["dis", file, "--function", "pay", "--native"]);
    assert!(
        native.code == Some(0) && native.out.starts_with("; pay@1"),
        "{native:?}"
    );
    assert_eq!(
        rcc(&["dis", file, "--function", "no such function"]).code,
        Some(1)
    );

    let same = rcc(&["diff", file, LEDGER]);
    assert_eq!(
        (same.code, same.out.as_str()),
        (Some(0), "0 added, 0 changed, 0 broken\n"),
        "{same:?}"
    );
}

#[test]
fn a_breaking_change_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(repository().join(LEDGER).join("ledger.rc")).unwrap();
    let changed = text.replace(
        "query balance(id: u64) -> Cents",
        "query balance(id: u64) -> Cents?",
    );
    assert_ne!(text, changed);
    std::fs::write(folder.path().join("ledger.rc"), changed).unwrap();
    let ran = rcc(&["diff", LEDGER, folder.path().to_str().unwrap()]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("! query balance@1 gives another result"),
        "{}",
        ran.out
    );
}

#[test]
fn a_new_package_works_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let ran = rcc_in(folder.path(), &["new", "shop"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for words in [
        &["check", "shop"][..],
        &["fmt", "--check", "shop"],
        &["cost", "shop"],
    ] {
        let ran = rcc_in(folder.path(), words);
        assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
    }
    let tested = rcc_in(folder.path(), &["test", "shop"]);
    assert_eq!(
        tested.out.lines().last(),
        Some("2 passed, 0 failed"),
        "{tested:?}"
    );
    let again = rcc_in(folder.path(), &["new", "shop"]);
    assert!(
        again.code == Some(1) && again.err.contains("is not empty"),
        "{again:?}"
    );
    for name in ["Shop", "1shop", "a/b", "../up", "", "naïve"] {
        let ran = rcc_in(folder.path(), &["new", name]);
        assert!(
            ran.code == Some(1) && ran.err.contains("is no package name"),
            "{name}: {ran:?}"
        );
    }
}

#[test]
fn codes_are_explained() {
    let ran = rcc(&["explain", "E0312"]);
    assert!(ran.code == Some(0) && ran.out.contains("E0312"), "{ran:?}");
    let all = rcc(&["explain", "--list"]).out;
    assert!(all.lines().count() > 50 && all.contains("E0110"), "{all}");
    assert_eq!(rcc(&["explain", "E9999"]).code, Some(1));
}
