//! Everything that the language has parses, and to the tree that was meant.

use rc_source::FileId;
use rc_syntax::dump::dump;
use rc_syntax::{WORDS, Word, parse};

/// The dump of a text without mistakes, without the `file` line.
fn tree(text: &str) -> String {
    let parsed = parse(FileId(0), text);
    let messages: Vec<_> = parsed
        .diagnostics
        .iter()
        .map(|d| (d.code, d.primary.span, &d.message))
        .collect();
    assert!(messages.is_empty(), "{messages:?} in:\n{text}");
    let dumped = dump(&parsed.file);
    dumped
        .lines()
        .skip(1)
        .map(|line| line.strip_prefix("  ").unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The dump of one body's statements.
fn body(text: &str) -> String {
    let dumped = tree(&format!("fn f() {{\n{text}\n}}"));
    dumped
        .lines()
        .skip(1)
        .map(str::trim_start)
        .collect::<Vec<_>>()
        .join("\n")
}

fn value(text: &str) -> String {
    let dumped = body(text);
    dumped
        .strip_prefix("= ")
        .unwrap_or_else(|| panic!("no value: {dumped}"))
        .to_owned()
}

#[test]
fn the_ledger() {
    let text = include_str!("samples/first_package.rc");
    let dumped = tree(text);
    for line in [
        "type [\"Minor units of one currency.\"] Cents = u64",
        "  key id: u64",
        "  owner: string<const 64>",
        "  balance: Cents = 0",
        "  index by_owner(owner, id)",
        "  invariant (<= balance 100000000000)",
        "aggregate [\"Kept up to date by every write to Account.balance; reading it costs one load.\"] supply = sum(Account.balance)",
        "invariant (== supply minted)",
        "  NoAccount(id: u64)",
        "  Insufficient {needed: Cents, available: Cents}",
        "  = (call (. Account insert) ({id, owner, opened_at: now}))",
        "  let account = (call (. Account get) (to)) else (fail (call NoAccount (to)))",
        "  fails Payment",
        "  allow anyone",
        "  cost steps <= 600",
        "  ensure (!= from to) else SameAccount",
        "  ensure (>= (. payer balance) amount) else Insufficient{needed: amount, available: (. payer balance)}",
        "  (. payer balance) -= amount",
        "  emit Paid{from, to, amount, at: now}",
        "  = [(. a id) for a in ((call (. Account by_owner) (owner)) take 100)]",
        "  var top = (call priority_queue<Cents, u64, const 1000> ())",
        "  for a in Account {= (call (. top push) ((. a balance), (. a id)))}",
        "  as treasurer {= (call mint (1, 100))}",
        "  expect Insufficient{needed: 100, available: 70} from (call pay (1, 2, 100))",
        "  for (from, to, amount) in moves {= (attempt (call pay ((% from 3), (% to 3), amount)))}",
    ] {
        assert!(
            dumped.lines().any(|found| found == line),
            "no {line:?} in:\n{dumped}"
        );
    }
}

#[test]
fn the_low_level_part() {
    let dumped = tree(
        r"layout Leaf<K, R>  { kind: u8, count: u16, next: page, keys: [K; LEAF<K, R>], rows: [R; LEAF<K, R>] }
layout Inner<K>    { kind: u8, count: u16, keys: [K; INNER<K>], kids: [page; INNER<K> + 1] }
const LEAF<K, R>: u64 = (PAGE - 24) / (size<K>() + align<R>())

/// Where `key` stands, or none. Touches at most DEPTH pages.
fn find<K: Ordered, R>(tree: region, key: K) -> place<R>? {
    var at = header(tree).root
    for level in 0..header(tree).height max DEPTH {
        let node = touch(tree, at) as Inner<K>
        at = node.kids[upper_bound(node.keys, node.count, key)]
    }
    let leaf = touch mut(tree, at) as Leaf<K, R>
    leaf.keys[slot] = key
    if slot < leaf.count && leaf.keys[slot] == key { leaf.rows.place(slot) } else { none }
}",
    );
    for line in [
        "  keys: [K; LEAF<K, R>]",
        "  kids: [page; (+ INNER<K> 1)]",
        "const LEAF<K, R>: u64 = (/ (- PAGE 24) (+ (call size<K> ()) (call align<R> ())))",
        "fn [\"Where `key` stands, or none. Touches at most DEPTH pages.\"] find<K: Ordered, R>(tree: region, key: K) -> place<R>?",
        "  let leaf = (as (touch mut tree at) Leaf<K, R>)",
        "  (index (. leaf keys) slot) = key",
    ] {
        assert!(
            dumped.lines().any(|found| found == line),
            "no {line:?} in:\n{dumped}"
        );
    }
    assert!(dumped.contains("for level in ((range 0 (. (call header (tree)) height)) max DEPTH) {let node = (as (touch tree at) Inner<K>)"));
    assert!(dumped.contains("= (if (&& (< slot (. leaf count)) (== (index (. leaf keys) slot) key)) {= (call (. (. leaf rows) place) (slot))} else {= none})"));
}

#[test]
fn versions_migration_attributes_and_retirement() {
    let dumped = tree(
        r#"package bank.core
use std.rate_limiter
@http(GET "/accounts/{id}")
@slow
command pay@2(from: u64, memo: string<140>) -> Receipt
    cost steps <= 10 * 2, pages <= 24
    allow treasurer, auditor
    fails Payment, Other
{ x }
table Account@2 from Account@1 capacity 1_000 {
    key id: u64 ordered
    author: ref User
    unique by_name(name)
    on delete author cascade take 100
    migrate old => { id: old.id, balance: Money { USD, old.balance } }
}
retire pay@1
aggregate supply = sum(Account.balance) by currency
aggregate rows = count(Account)
invariant for c: supply[c] == minted[c]
event Ping
"#,
    );
    let expected = r#"use std, rate_limiter
@http(GET, "/accounts/{id}")
@slow()
command pay@2(from: u64, memo: string<const 140>) -> Receipt
  fails Payment, Other
  allow treasurer, auditor
  cost steps <= (* 10 2)
  cost pages <= 24
  = x
table Account@2 from Account@1 capacity 1000
  key id: u64 ordered
  author: ref User
  unique by_name(name)
  on delete author cascade take 100
  migrate old => {id: (. old id), balance: Money{0: USD, 1: (. old balance)}}
retire pay@1
aggregate supply = sum(Account.balance) by currency
aggregate rows = count(Account)
invariant for c (== (index supply c) (index minted c))
event Ping"#;
    assert_eq!(dumped, expected);
}

#[test]
fn operators_bind_as_the_table_says() {
    for (text, expected) in [
        ("1 + 2 * 3 - 4", "(- (+ 1 (* 2 3)) 4)"),
        ("-a.b as u8 * 2", "(* (as (neg (. a b)) u8) 2)"),
        (
            "a || b && c == d ?? e | f ^ g & h << i",
            "(|| a (&& b (== c (?? d (| e (^ f (& g (<< h i))))))))",
        ),
        ("a >> b > c", "(> (>> a b) c)"),
        ("a ?? b ?? c", "(?? a (?? b c))"),
        ("!x && not y", "(&& (not x) (not y))"),
        ("a..b + 1", "(range a (+ b 1))"),
        ("f(..=b)", "(call f ((range= b)))"),
        ("f(a..)", "(call f ((range a)))"),
        ("t.0.1", "(. (. t 0) 1)"),
        ("a.list<b", "(< (. a list) b)"),
        ("size < n", "(< size n)"),
        ("LIMIT < n", "(< LIMIT n)"),
        ("list<u64, N * 2>()", "(call list<u64, const (* N 2)> ())"),
        ("attempt f(1).x", "(attempt (. (call f (1)) x))"),
        (
            "Payment.Insufficient { needed: 1 }",
            "Payment.Insufficient{needed: 1}",
        ),
        ("Payment.NoAccount(1)", "(call (. Payment NoAccount) (1))"),
        ("f(A < b, c > d)", "(call f ((< A b), (> c d)))"),
        ("f(size < n, m > k)", "(call f ((< size n), (> m k)))"),
        (
            "list<(u64, A), (N + 1) * 2>()",
            "(call list<(u64, A), const (* (+ N 1) 2)> ())",
        ),
        (
            "map<A<B<u8?>>, size<K>() + LEAF<K, R>>()",
            "(call map<A<B<u8?>>, const (+ (call size<K> ()) LEAF<K, R>)> ())",
        ),
        ("LEAF<K, R> - 1", "(- LEAF<K, R> 1)"),
        ("(a, b)", "(tuple a, b)"),
        ("()", "(tuple )"),
        ("5m", "5m"),
        ("x\"00ff\"", "bytes[0, 255]"),
        ("a >\n b", "(> a b)"),
        ("a\n    .b()\n    .c", "(. (call (. a b) ()) c)"),
        (
            "[x\n for x in y take n max 5 if x > 3]",
            "[x for x in (y take n max 5) if (> x 3)]",
        ),
        ("touch(a)", "(call touch (a))"),
        (
            "T.get_or_insert(k, {})",
            "(call (. T get_or_insert) (k, {}))",
        ),
        (
            "match s { Open(until) if now < until => 1, Closed => { 2 }\n Payment.X { a, b: 3, .. } => return, -1..=5 => break\n _ => fail E }",
            "(match s {Open(until) if (< now until) => 1, Closed => {= 2}, Payment.X{a, b: 3..} => (return), (range= (neg 1) 5) => break, _ => (fail E)})",
        ),
        (
            "if let w = lot.best { w } else if c { 1 } else { 2 }",
            "(if let w = (. lot best) {= w} else (if c {= 1} else {= 2}))",
        ),
        ("if (P { a: 1 }) == p { 1 }", "(if (== P{a: 1} p) {= 1})"),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn newlines_end_statements() {
    assert_eq!(body("a\n(b)\n[c]\n-d"), "a\nb\n[c]\n= (neg d)");
    assert_eq!(
        body("let x = a +\n  b\nlet y = c\n  else fail E"),
        "let x = (+ a b)\nlet y = c else (fail E)"
    );
    assert_eq!(
        body("f(a,\n  b\n)\n\n\n// note\nreturn\nreturn x"),
        "(call f (a, b))\nreturn\nreturn x"
    );
    assert_eq!(
        body("let x: list<u64, 2> = y\nx"),
        "let x: list<u64, const 2> = y\n= x"
    );
    assert_eq!(body("f({ a: 1\n b: 2 })"), "= (call f ({a: 1, b: 2}))");
    assert_eq!(
        body("if a {\n 1\n} else {\n 2\n}\nb"),
        "(if a {= 1} else {= 2})\n= b"
    );
    assert_eq!(
        body("let y = x else { return }\nadvance 5m\nadvance(x)"),
        "let y = x else {return}\nadvance 5m\n= (call advance (x))"
    );
}

#[test]
fn every_contextual_word_is_a_field_a_parameter_and_a_variable() {
    for (word, _) in WORDS.iter().filter(|(_, kind)| *kind != Word::Hard) {
        let text = format!(
            "table T {{\n    key id: u64\n    {word}: u64 = 0\n    index by_it({word}, id)\n}}\n\
             event E {{ {word}: u64 }}\nstruct S {{\n    {word}: u64\n}}\nstate {word}: u64 = 0\n\
             fn f({word}: u64) {{\n    let x = {word} + row.{word}\n    let {word} = x\n    {word} = 3\n    row.{word} += {word}\n    \
             f(S {{ {word} }}, {{ {word}: 1 }})\n    {word}\n}}\n\
             command {word}() {{ {word}(1) }}\n"
        );
        let dumped = tree(&text);
        assert!(
            dumped.contains(&format!("let x = (+ {word} (. row {word}))")),
            "{dumped}"
        );
        assert!(dumped.contains(&format!("  {word}: u64 = 0\n")), "{dumped}");
        assert!(
            dumped.ends_with(&format!("= (call {word} (1))")),
            "{dumped}"
        );
    }
}

#[test]
fn hard_keywords_are_about_twenty() {
    let count = WORDS.iter().filter(|(_, kind)| *kind == Word::Hard).count();
    assert!((18..=22).contains(&count), "{count}");
}

#[test]
fn docs_attach() {
    let dumped = tree(
        "//! A file.\n//! Two lines.\n\npackage p\n\n/// A table.\n/// Two.\ntable T {\n    /// The key.\n    key id: u64\n    /// A field.\n    x: u64\n}\n/// An enum.\nenum E {\n    /// One.\n    A\n    B\n}\n",
    );
    let expected = "table [\"A table.\", \"Two.\"] T\n  key [\"The key.\"] id: u64\n  x [\"A field.\"]: u64\nenum [\"An enum.\"] E\n  A [\"One.\"]\n  B";
    assert_eq!(dumped, expected);
}
