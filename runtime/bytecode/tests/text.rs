//! The text form, and what the list of instructions may not know.

mod ledger;

use ledger::ledger;
use rc_bytecode::{NAMES, parse, print};

#[test]
fn text_comes_back_the_same() {
    let mut module = ledger();
    module.files.push("ledger.rc".into());
    module.functions[0].lines = vec![(0, 0, 34), (10, 0, 36), (14, 0, 37)];
    module.interface.roles = vec!["a \"b\" \\ \n\u{7f} ; ü".into()];
    let text = print(&module);
    assert_eq!(parse(&text).unwrap(), module);
    assert_eq!(print(&parse(&text).unwrap()), text);
}

#[test]
fn text_is_for_people() {
    let mut module = ledger();
    module.files.push("ledger.rc".into());
    module.functions[2].lines = vec![(0, 0, 41)];
    let text = print(&module);
    let (_, balance) = text.split_once("function \"balance\"").unwrap();
    let expected = r#" plain always {                           ; function2
    parameters (frame[8] mut frame[8])
    results ()
    registers (
        frame[8] mut frame[8] u64 u64                       ; r0
    )
    slots ()
    cost steps=31 pages_read=1 pages_written=0 bytes_written=0 event_bytes=0 reply_bytes=0 scratch_bytes=0
    body {
        line 0 41                                           ; ledger.rc:41
        r2 = load r0 offset=0
        call function1 arguments=(r2) results=(r3) otherwise { ; read
            r3 = const bits=0
        }
        loop max=3 {
            break depth=0
        }
        store r1 offset=0 r3
        return values=()
    }
}
"#;
    assert_eq!(balance, expected);
}

#[test]
fn errors_name_the_line() {
    let text = print(&ledger()).replace("break depth=0", "brake depth=0");
    let line = 1 + text
        .lines()
        .position(|line| line.contains("brake"))
        .unwrap();
    assert_eq!(
        parse(&text).unwrap_err().to_string(),
        format!("line {line}: expected an instruction")
    );
    let text = print(&ledger()).replace("store r1", "r9 = store r1");
    assert!(
        parse(&text)
            .unwrap_err()
            .to_string()
            .ends_with("expected an instruction that assigns its `dst`")
    );
    assert!(parse("").is_err());
    let deep = "{ block ".repeat(100_000);
    assert!(parse(&print(&ledger()).replace("body {", &format!("body {deep}"))).is_err());
}

/// The runtime knows an address space and a bytecode. It does not know what a table is.
#[test]
fn no_instruction_knows_a_container() {
    const CONTAINERS: &[&str] = &[
        "table",
        "row",
        "column",
        "key",
        "index",
        "tree",
        "node",
        "leaf",
        "map",
        "bucket",
        "slab",
        "queue",
        "heap",
        "stack",
        "list",
        "array",
        "vec",
        "set",
        "log",
        "insert",
        "delete",
        "remove",
        "find",
        "get",
        "put",
        "lookup",
        "search",
        "scan",
        "sort",
        "push",
        "pop",
        "append",
        "iterate",
        "cursor",
        "join",
        "account",
        "transfer",
        "string",
        "text",
        "record",
        "field",
        "invariant",
        "aggregate",
        "unique",
    ];
    assert!(
        NAMES.contains(&"touch") && NAMES.len() > 30,
        "the list is the real one"
    );
    for name in NAMES {
        for part in name.split('_') {
            assert!(!CONTAINERS.contains(&part), "`{name}` knows a container");
        }
    }
}
