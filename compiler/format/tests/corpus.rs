//! Formatting keeps trees and comments and is its own fixed point: on every `.rc` file of the project, and
//! on versions of them with blanks, newlines and tokens thrown about.

use proptest::prelude::*;
use rc_format::{format, fuzz_one};
use rc_source::FileId;
use rc_syntax::TokenKind;
use std::path::{Path, PathBuf};

const LEDGER: &str = include_str!("../../syntax/tests/samples/first_package.rc");

const SAMPLE: &str = r#"//! Low level and the rest.
layout Inner<K>    { kind: u8, count: u16, keys: [K; INNER<K>], kids: [page; INNER<K> + 1] }
const LEAF<K, R>: u64 = (PAGE - 24) / (size<K>() + size<R>()) // how many
/// Where `key` stands.
fn find<K: Ordered, R>(tree: region, key: K) -> place<R>? {
    var at = header(tree).root
    for level in 0..header(tree).height max DEPTH {
        let node = touch mut(tree, at) as Inner<K> // read
        at = node.kids[upper_bound(node.keys, node.count, key)]
    }
    if slot < leaf.count && leaf.keys[slot] == key { leaf.rows.place(slot) } else { none }
}
@http(GET "/accounts/{id}")
command pay@2(from: u64, memo: string<140>) -> Receipt
    cost steps <= 600, pages <= 24
    // who
    allow treasurer, auditor fails Payment
{
    match state { Open(until) if now < until => 1, Closed => 2, _ => fail E }
    let a = x >> 2 ?? -3
    let t = Account.get_or_insert(id, {})
    attempt pay(1, 2) // tried
}
table Account@2 from Account@1 capacity 1_000 {
    key id: u64 ordered
    migrate old => { id: old.id, balance: Money { USD, old.balance } }
    on delete author cascade take 100
}
"#;

fn rc_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != ".git" {
            rc_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rc") {
            found.push(path);
        }
    }
}

#[test]
fn every_file_of_the_project_keeps_its_meaning() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    rc_files(&root, &mut files);
    assert!(!files.is_empty());
    for file in files {
        fuzz_one(&std::fs::read(&file).expect("a file just listed"));
    }
}

#[test]
fn the_ledger_is_canonical() {
    assert_eq!(format(LEDGER).expect("it parses"), LEDGER);
}

#[test]
fn the_sample_keeps_its_meaning() {
    assert!(format(SAMPLE).is_ok());
    fuzz_one(SAMPLE.as_bytes());
}

#[test]
fn megabytes_on_one_line_are_formatted_soon() {
    let start = std::time::Instant::now();
    let many = |piece: &str, count: usize| piece.repeat(count);
    for text in [
        format!("fn f() {{ [{}] }}", many("1, ", 300_000)),
        format!("fn f() {{ g({}) }}", many("A < b, ", 100_000)),
        format!("fn f() {{ g({}) }}", many("h(1, [2, 3]), ", 60_000)),
        format!("command f() allow {} z {{}}", many("a, ", 300_000)),
        format!("enum E {{ {} }}", many("A { b: u64 }, ", 60_000)),
        many("event Ping\n", 90_000),
        many("// a comment\n", 90_000),
    ] {
        let once = format(&text).expect("it parses");
        assert_eq!(format(&once).expect("it parses"), once);
    }
    assert!(
        start.elapsed() < std::time::Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
}

/// What may stand between two tokens, by number.
const BETWEEN: &[&str] = &[
    "",
    " ",
    "  ",
    "\n",
    "\n\n\n",
    " // note\n",
    "\n    // own line\n",
];

/// The text of the tokens with something else between some of them.
fn shaken(text: &str, changes: &[(usize, usize)]) -> String {
    let tokens = rc_syntax::parse(FileId(0), text).tokens;
    let mut out = String::new();
    let mut end = 0;
    for (at, token) in tokens.iter().enumerate() {
        let (start, stop) = (token.span.start as usize, token.span.end as usize);
        let gap = &text[end..start];
        match changes.iter().find(|(place, _)| place % tokens.len() == at) {
            Some((_, between)) if token.kind != TokenKind::Newline => {
                out.push_str(BETWEEN[between % BETWEEN.len()])
            }
            _ => out.push_str(gap),
        }
        out.push_str(&text[start..stop]);
        end = stop;
    }
    out
}

fn change() -> impl Strategy<Value = (usize, usize)> {
    (0usize..10_000, 0usize..BETWEEN.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Most of these still parse; the others are left alone.
    #[test]
    fn blanks_thrown_about(changes in prop::collection::vec(change(), 1..6), which in any::<bool>()) {
        fuzz_one(shaken(if which { LEDGER } else { SAMPLE }, &changes).as_bytes());
    }

    #[test]
    fn tokens_taken_out_and_doubled(at in 0usize..10_000, length in 0usize..4, doubled in 0usize..10_000, which in any::<bool>()) {
        let text = if which { LEDGER } else { SAMPLE };
        let tokens = rc_syntax::parse(FileId(0), text).tokens;
        let part = |at: usize| &text[tokens[at].span.start as usize..tokens[at].span.end as usize];
        let (at, doubled) = (at % tokens.len(), doubled % tokens.len());
        let mut out = String::new();
        for number in 0..tokens.len() {
            if !(at..at + length).contains(&number) {
                out.push_str(part(number));
                out.push(' ');
            }
            if number == doubled {
                out.push_str(part(number));
                out.push('\n');
            }
        }
        fuzz_one(out.as_bytes());
    }
}

/// Found by `blanks_thrown_about`: a newline before a `)` within type arguments.
#[test]
fn a_newline_within_type_arguments_ends_nothing() {
    fuzz_one(b"package p\nproperty \"m\" (moves: list<(\nu64, u64, u8\n), 50>) {\n}\n");
    let text = "package p\nproperty \"m\" (moves: list<(\n    u64, u64, u8\n), 50>) {\n}\n";
    assert!(!rc_syntax::parse(FileId(0), text).diagnostics.has_errors());
}
