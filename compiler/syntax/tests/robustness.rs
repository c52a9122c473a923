//! Any bytes at all: an answer, soon, without a panic, with spans on character borders.

use proptest::prelude::*;
use rc_diagnostics::codes;
use rc_source::FileId;
use rc_syntax::{FILE_BYTES_MAX, SYNTAX_ERRORS_MAX, WORDS, fuzz_one, parse, parse_bytes};
use std::time::{Duration, Instant};

/// Far above what any of these takes (tens of milliseconds, seconds for ten megabytes) also on a machine with much else to do,
/// far below a quadratic pass over megabytes.
const SOON: Duration = Duration::from_secs(120);

fn soon(text: &str) -> rc_syntax::Parsed {
    let start = Instant::now();
    let parsed = parse(FileId(0), text);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert!(parsed.diagnostics.len() <= SYNTAX_ERRORS_MAX);
    parsed
}

fn first_code(text: &str) -> Option<rc_diagnostics::Code> {
    soon(text)
        .diagnostics
        .iter()
        .next()
        .map(|diagnostic| diagnostic.code)
}

#[test]
fn empty_and_blank_files_are_fine() {
    for text in [
        "",
        "\n",
        "   \t\r\n\n",
        "// only a comment",
        "\u{feff}package p\n",
        "//! docs",
    ] {
        assert!(soon(text).diagnostics.is_empty(), "{text:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_one_message() {
    let (parsed, text) = parse_bytes(FileId(0), b"package p\nrole \xff\xfe r\n");
    let found: Vec<_> = parsed
        .diagnostics
        .iter()
        .map(|d| (d.code, d.primary.span.start))
        .collect();
    assert_eq!(found, [(codes::INVALID_UTF8, 15)]);
    assert!(text.contains('\u{fffd}'));
}

#[test]
fn deep_nesting_is_refused_in_words() {
    let body = |inside: &str| format!("fn f() {{ {inside} }}");
    for open in [
        "(",
        "[",
        "{",
        "f(",
        "if a {",
        "a[",
        "match x { _ => ",
        "g({ a: ",
    ] {
        assert_eq!(
            first_code(&body(&open.repeat(100_000))),
            Some(codes::NESTED_TOO_DEEPLY),
            "{open}"
        );
    }
    for chain in [
        "-",
        "!",
        "attempt ",
        "fail ",
        "a + ",
        "a.b.c",
        "a as u8 as ",
        "if a { } else ",
        "a ?? ",
        "return ",
        "f()()",
    ] {
        assert_eq!(
            first_code(&body(&chain.repeat(100_000))),
            Some(codes::NESTED_TOO_DEEPLY),
            "{chain}"
        );
    }
    for (open, close) in [("list<", ">"), ("map<u64, ", ">"), ("(", ")")] {
        let ty = format!(
            "type T = {}u8{}",
            open.repeat(100_000),
            close.repeat(100_000)
        );
        assert_eq!(first_code(&ty), Some(codes::NESTED_TOO_DEEPLY), "{open}");
    }
    assert_eq!(
        first_code(&format!("type T = u64{}", "?".repeat(100_000))),
        Some(codes::NESTED_TOO_DEEPLY)
    );
}

#[test]
fn nesting_up_to_the_limit_is_read() {
    let text = format!("fn f() {{ {}1{} }}", "(".repeat(60), ")".repeat(60));
    assert!(soon(&text).diagnostics.is_empty());
    let text = format!("fn f() {{ {}1 }}", "1 + ".repeat(200));
    assert!(soon(&text).diagnostics.is_empty());
    let text = format!("fn f() {{ f({}1) }}", "1 + 2, ".repeat(10_000));
    assert!(soon(&text).diagnostics.is_empty());
}

/// Each of these was or could be read twice at each level: a mistake at the bottom must not double the work.
#[test]
fn nested_mistakes_take_no_longer() {
    for (open, bottom, close) in [
        ("A<", "1 b", ">"),
        ("A<(", "1 b", ")>"),
        ("A<[u8; A<", "b c", ">]>"),
        ("A<b + c<", "if", ">>"),
        ("touch(", "1 2", ")"),
        ("touch mut(", "1 2", ", 3)"),
        ("f({ a: ", "1 2", "})"),
        ("R { ", "1 2", "}"),
        ("f(A { a: [", "1 2", "] })"),
        ("if a { ", "1 2", "}"),
        ("match a { b => ", "1 2", "}"),
        ("(", "1 2", ")"),
        ("[a for b in ", "1 2", "]"),
        ("{ return ", "1 2", "}"),
        ("expect A(", "1 2", ")"),
        ("A < b, ", "1 2", ""),
        ("A < b > (", "1 2", ")"),
    ] {
        let depth = if open.matches(['(', '[', '{']).count() > 1 {
            20
        } else {
            40
        };
        let inside = format!("{}{bottom}{}", open.repeat(depth), close.repeat(depth));
        soon(&format!("type T = {inside}"));
        soon(&format!("fn f() {{ {inside} }}"));
        soon(&format!("fn f() {{ g({inside}) }}"));
        soon(&format!(
            "fn f(a: {inside}) {{ let {inside} = {inside} else {inside} }}"
        ));
        soon(&format!(
            "table T {{ key a: {inside} = {inside} }}\nenum E {{ A({inside}), B {{ a: {inside} }} }}"
        ));
    }
}

#[test]
fn ten_megabytes_on_one_line() {
    let fill = |piece: &str, bytes: usize| piece.repeat(bytes / piece.len());
    for piece in ["x ", "A < ", "} ", "command a() { } "] {
        assert!(
            !soon(&fill(piece, 10 << 20)).diagnostics.is_empty(),
            "{piece}"
        );
    }
    for piece in [
        ") ", "$ ", "A < b, ", "A<", "x.", "\"", "1 ", "a, ", ";", "@", "é", ": ", "x = ", "fn ",
    ] {
        assert!(
            !soon(&fill(piece, 1 << 20)).diagnostics.is_empty(),
            "{piece}"
        );
    }
    for piece in ["///\n", "//!\n", "\n", "// x\n", "role r\n", "}\n", "x\n"] {
        soon(&fill(piece, 1 << 20));
    }
    assert_eq!(
        first_code(&"x".repeat(FILE_BYTES_MAX + 1)),
        Some(codes::FILE_TOO_LARGE)
    );
}

/// Pieces of source, so that soups come near to programs.
fn piece() -> impl Strategy<Value = String> {
    let words = WORDS.iter().map(|(word, _)| (*word).to_owned());
    let others = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ";",
        ":",
        ".",
        "..",
        "..=",
        "@",
        "->",
        "=>",
        "=",
        "==",
        "<",
        ">",
        ">=",
        "<<",
        "+",
        "-",
        "*",
        "&&",
        "||",
        "!",
        "?",
        "??",
        "+=",
        "_",
        "x",
        "Foo",
        "Bar",
        "u64",
        "1",
        "0x1f",
        "5m",
        "2.5",
        "\"s\"",
        "\"open",
        "b\"x\"",
        "é",
        "$",
        "// c\n",
        "/// d\n",
        "//! e\n",
        "\n",
        "\n",
        "\n",
        "command f(a: u64) allow anyone {\n",
        "table T {\n key id: u64\n",
        "let x = ",
        "Account.get(1)",
        "Foo { a: 1 }",
    ];
    prop::sample::select(words.chain(others.map(str::to_owned)).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_one(&bytes);
    }

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        fuzz_one(text.as_bytes());
    }

    #[test]
    fn any_soup_of_tokens(pieces in prop::collection::vec(piece(), 0..120)) {
        fuzz_one(pieces.join(" ").as_bytes());
    }

    /// Cutting a piece out of a program, or putting one in, never breaks more than it says.
    #[test]
    fn a_damaged_ledger(at in 0usize..2_000, length in 0usize..12, put in piece()) {
        // Without comments: a mark cut from one would turn its words into source.
        let lines = include_str!("samples/first_package.rc").lines();
        let text: String = lines.map(|line| line.split("//").next().unwrap_or("").to_owned() + "\n").collect();
        let start = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let end = (start..=(start + length).min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(start);
        let damaged = format!("{}{put}{}", &text[..start], &text[end..]);
        fuzz_one(damaged.as_bytes());
        let parsed = parse(FileId(0), &damaged);
        prop_assert!(parsed.diagnostics.error_count() <= 6, "{:?} in\n{damaged}", parsed.diagnostics);
    }
}
