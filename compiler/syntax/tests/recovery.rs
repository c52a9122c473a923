//! One mistake, one message; ten mistakes, ten messages; and what stands beside a mistake is still read.

use rc_diagnostics::{Code, codes};
use rc_source::FileId;
use rc_syntax::dump::dump;
use rc_syntax::parse;

/// Code and quoted text of each diagnostic, in order.
fn mistakes(text: &str) -> Vec<(Code, String)> {
    let parsed = parse(FileId(0), text);
    parsed
        .diagnostics
        .iter()
        .map(|diagnostic| {
            let span = diagnostic.primary.span;
            (
                diagnostic.code,
                text[span.start as usize..span.end as usize].to_owned(),
            )
        })
        .collect()
}

fn check(text: &str, expected: &[(Code, &str)]) {
    let found = mistakes(text);
    let expected: Vec<(Code, String)> = expected
        .iter()
        .map(|(code, at)| (*code, (*at).to_owned()))
        .collect();
    assert_eq!(found, expected, "in:\n{text}");
}

#[test]
fn a_file_of_many_mistakes() {
    use codes::*;
    let text = r#"package bad

table Account {
    key id u64
    balance: Cents = 0
    owner string<64>
    index by_owner(owner
    limit: u64
}

command pay(from: u64, to u64, amount: Cents) -> Cents fails Payment allow anyone {
    foo(a b)
    let y = 3 + * 4
    if x == { 1 }
    for i in 0..3 max { }
    if a = b { }
    x and y
    let if = 3
    return a < b < c
    y
      + 2
    while true { x }
    bar(1, 2
    let fine = "unclosed
    emit Paid { from, to: }
    match x { 1 => 2, => 3 }
}

enum Shape { Round, 5, Flat(x: ) }

bogus thing here

fn semicolon(a: u64) -> u64 { a + 1; }
let z = 3
command no_body() allow anyone
command twice() allow a allow b { }
struct lower { Upper: u64 }
fn ok() -> u64 { 0x + 5parsecs + "\q".len() }
"#;
    check(
        text,
        &[
            (UNEXPECTED_TOKEN, "u64"),
            (UNEXPECTED_TOKEN, "string"),
            (UNCLOSED_BRACKET, "("),
            (UNEXPECTED_TOKEN, "u64"),
            (UNEXPECTED_TOKEN, "b"),
            (UNEXPECTED_TOKEN, "*"),
            (UNEXPECTED_TOKEN, "{"),
            (UNEXPECTED_TOKEN, "{"),
            (UNEXPECTED_TOKEN, "="),
            (UNEXPECTED_TOKEN, "and"),
            (KEYWORD_AS_NAME, "if"),
            (UNEXPECTED_TOKEN, "<"),
            (UNEXPECTED_TOKEN, "+"),
            (UNEXPECTED_TOKEN, "true"),
            (UNCLOSED_BRACKET, "("),
            (UNCLOSED_STRING, "\"unclosed"),
            (UNEXPECTED_TOKEN, "}"),
            (UNEXPECTED_TOKEN, "=>"),
            (UNEXPECTED_TOKEN, "5"),
            (UNEXPECTED_TOKEN, ")"),
            (EXPECTED_DECLARATION, "bogus"),
            (UNEXPECTED_TOKEN, ";"),
            (EXPECTED_DECLARATION, "let"),
            (UNEXPECTED_TOKEN, "command"),
            (TWICE_THE_SAME_CLAUSE, "allow"),
            (BAD_NAME_CASE, "lower"),
            (BAD_NAME_CASE, "Upper"),
            (BAD_NUMBER, "0x"),
            (UNKNOWN_SUFFIX, "5parsecs"),
            (BAD_ESCAPE, "\\q"),
        ],
    );
}

#[test]
fn what_stands_beside_a_mistake_is_read() {
    let text = "table T {\n    key id u64\n    name: u64\n}\ncommand f(a: u64, b, c: u64) {\n    let x = 1\n    x = = 2\n    g(1, +, 3)\n    x\n}\njunk\nrole boss\n";
    let dumped = dump(&parse(FileId(0), text).file);
    let expected = "file\n  table T\n    broken\n    name: u64\n  command f(a: u64, : broken, c: u64)\n    let x = 1\n    broken\n    (call g (1, broken, 3))\n    = x\n  broken\n  role boss\n";
    assert_eq!(dumped, expected);
}

#[test]
fn a_forgotten_closing_brace_is_one_mistake() {
    use codes::*;
    let text = "command a() {\n    if x {\n        b()\n}\n\ncommand c() {\n    d()\n}\n\nrole r\n";
    check(text, &[(UNCLOSED_BRACKET, "{")]);
    assert!(dump(&parse(FileId(0), text).file).contains("command c()"));
    check(
        "command a() {\n    if x {\n        b()\n    }\n",
        &[(UNCLOSED_BRACKET, "{")],
    );
    check(
        "table T {\n    key id: u64\n\ncommand c() { d() }\n",
        &[(UNCLOSED_BRACKET, "{")],
    );
    check("enum E { A, B(u64 }\nrole r\n", &[(UNCLOSED_BRACKET, "(")]);
    check(
        "fn f(a: u64 -> u64 { a }\nrole r\n",
        &[(UNCLOSED_BRACKET, "(")],
    );
    check(
        "fn f() {\n    let a = [1, 2\n    let b = 2\n    emit X { a }\n}\n",
        &[(UNCLOSED_BRACKET, "[")],
    );
}

#[test]
fn a_closing_bracket_too_many_is_one_mistake() {
    use codes::*;
    check(
        "command a() {\n    b()\n}\n    c()\n}\nrole r\n",
        &[(UNCLOSED_BRACKET, "}")],
    );
    check("fn f() { g(1)) }\nrole r\n", &[(UNCLOSED_BRACKET, ")")]);
    check("fn f() { a[1]] }\nrole r\n", &[(UNCLOSED_BRACKET, "]")]);
    check("}\nrole r\n", &[(UNCLOSED_BRACKET, "}")]);
}

#[test]
fn unknown_characters_are_one_mistake_a_stretch() {
    use codes::*;
    check(
        "fn f() {\n    a $$ b\n    'x'\n    naïve()\n}\n",
        &[
            (UNKNOWN_CHARACTER, "$$"),
            // Its partner is the same mistake.
            (UNKNOWN_CHARACTER, "'"),
            (UNKNOWN_CHARACTER, "ï"),
        ],
    );
}

#[test]
fn docs_that_document_nothing_are_a_warning() {
    let text = "role r\n//! late\nfn f() {\n    a /// trailing\n    b\n    /// at the end\n}\n/// nothing\n";
    let parsed = parse(FileId(0), text);
    assert!(!parsed.diagnostics.has_errors());
    check(
        text,
        &[
            (codes::MISPLACED_DOCS, "//! late"),
            (codes::MISPLACED_DOCS, "/// trailing"),
            (codes::MISPLACED_DOCS, "/// at the end"),
            (codes::MISPLACED_DOCS, "/// nothing"),
        ],
    );
}

#[test]
fn messages_name_the_way_out() {
    for (text, message, hint) in [
        (
            "fn f() { if a = b { } }",
            "expected `{`, found `=`",
            "compare with `==`",
        ),
        (
            "fn f() { a and b }",
            "expected `}` or the end of the line, found `and`",
            "write `&&`",
        ),
        (
            "fn f() {\n a\n  && b }",
            "expected a statement, found `&&`",
            "move it to the end of the line above",
        ),
        (
            "fn f() { while true { } }",
            "expected `}` or the end of the line, found `true`",
            "every loop is bounded",
        ),
        (
            "fn f() { let for = 1 }",
            "`for` is a keyword and cannot be a name",
            "append `_`",
        ),
        ("command f()", "expected `{`, found the end of the file", ""),
        ("fn f(a b) { }", "expected `:`, found `b`", ""),
        (
            "struct account { }",
            "the name of a type begins with an upper-case letter",
            "write `Account`",
        ),
        (
            "fn payOut() { }\nstate TotalSum: u64",
            "the name of a state begins with a lower-case letter",
            "write `total_sum`",
        ),
    ] {
        let parsed = parse(FileId(0), text);
        let found: Vec<_> = parsed
            .diagnostics
            .iter()
            .map(|d| (d.message.as_str(), d.hint.as_deref().unwrap_or("")))
            .collect();
        assert!(
            found.len() == 1 && found[0].0 == message && found[0].1.contains(hint),
            "{text}: {found:?}"
        );
    }
}
