//! Hints that can be pasted, proven: what a diagnostic offers as edits is applied, and its mistake is gone. Always true of
//! `SLIPS`: one slip is one message with a hint.

use rc_diagnostics::{Diagnostic, Severity, apply, codes};
use rc_driver::{Compiled, Options, Package, compile_with};
use std::fs;
use std::path::{Path, PathBuf};

fn compiled(text: &str) -> Compiled {
    let package = Package::from_texts("", [("slip.rc".to_string(), text.to_string())]);
    compile_with(
        &package,
        Options {
            with_tests: true,
            ..Options::default()
        },
    )
}

/// The diagnostics of the package's own file.
fn found(compiled: &Compiled) -> Vec<&Diagnostic> {
    compiled
        .diagnostics
        .iter()
        .filter(|one| compiled.sources.file(one.primary.span.file).name == "slip.rc")
        .collect()
}

fn errors(compiled: &Compiled) -> usize {
    found(compiled)
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .count()
}

/// What the text becomes by the fix of one diagnostic.
fn fixed(text: &str, diagnostic: &Diagnostic) -> String {
    apply(diagnostic.primary.span.file, text, &diagnostic.fix)
}

/// What stands around a statement that is written as elsewhere.
const FRAME: &str = "package slips

role boss
error Bad { Low, High(n: u64), Wide { low: u64, high: u64 } }
enum Light { Red, Blinking(u8) }
struct Point { x: u64, y: u64 = 0 }
event Moved { id: u64, to: u64 }
state total: u64
table Item {
    key id: u64
    name: string<16>
    hits: u64
    index by_name(name)
}
table Seat { key id: u64, row: u64 = 0 }
";

/// Whether the edits are proven.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Applied, they take the mistake away.
    Fixes,
    /// Only the author can know: a hint without edits.
    Says,
}
use Way::{Fixes, Says};

/// Bodies of a command `f(id: u64, xs: list<u64, 10>, o: u64?)` that fails `Bad`: as others write.
const BODIES: &[(&str, Way)] = &[
    // TypeScript, JavaScript
    ("let a = id;\nlet b = a;\ntotal = b;", Fixes),
    ("total++", Fixes),
    ("total--", Fixes),
    ("++total", Fixes),
    ("ensure id === 3 else Low", Fixes),
    ("ensure id !== 3 else Low", Fixes),
    ("const a = id\ntotal = a", Fixes),
    ("if (id > 3) throw Low", Fixes),
    ("throw Low", Fixes),
    ("total = id > 3 ? 1 : 2", Fixes),
    ("total = xs.length", Fixes),
    ("total = xs.map(id)", Says),
    ("for x of xs { total += x }", Fixes),
    ("for (let i = 0; i < 3; i++) { total += 1 }", Says),
    (
        "let s: string<8> = 'abc'\nensure s.len() > 1 else Low",
        Fixes,
    ),
    ("total = o!", Says),
    ("let a = o == null", Fixes),
    ("let a = await id\ntotal = a", Fixes),
    ("xs.forEach(id)", Says),
    ("console.log(id)", Says),
    ("switch (id) { 1 => {}, _ => {} }", Fixes),
    ("while id > 3 { total += 1 }", Says),
    // Python
    ("if id > 3 and id < 9 { total = 1 }", Fixes),
    ("if id > 3 or id < 9 { total = 1 }", Fixes),
    ("raise Low", Fixes),
    ("total = len(xs)", Says),
    ("if id > 3 { total = 1 } elif id > 2 { total = 2 }", Fixes),
    ("let a = True\nensure a else Low", Fixes),
    ("for i in range(3) { total += i }", Says),
    ("ensure id is 3 else Low", Fixes),
    ("# a comment\ntotal = id", Fixes),
    ("total = id ** 2", Says),
    ("print(id)", Says),
    ("pass", Says),
    // Rust
    ("let mut a = id\na += 1", Fixes),
    ("let a: u32 = id\ntotal = a as u64", Fixes),
    ("let a = o.unwrap()", Says),
    ("let a: u64? = Some(id)\ntotal = a ?? 0", Fixes),
    ("let a = id\na = 3", Fixes),
    ("match id { 1 => total = 1, _ => {} }", Fixes),
    ("match id { 1 => {}, _ => ensure id > 2 else Low }", Fixes),
    ("return Err(Low)", Says),
    ("let n: usize = id\ntotal = n", Fixes),
    ("/* a comment */\ntotal = id", Fixes),
    ("total = o?", Says),
    ("loop { total += 1 }", Says),
    ("fail High", Fixes),
    ("fail Wide", Fixes),
    ("fail Wide { low: 1 }", Fixes),
    // SQL
    (
        "for i in Item.by_name(\"a\") where i.hits > 3 { total += 1 }",
        Says,
    ),
    (
        "total = [i.id for i in Item.by_name(\"a\") where i.hits > 3 take 5].len()",
        Fixes,
    ),
    (
        "total = [i.id for i in Item.by_name(\"a\") limit 5].len()",
        Fixes,
    ),
    ("ensure id <> 3 else Low", Fixes),
    ("-- a comment\ntotal = id", Fixes),
    ("Item.insert({ id, name: \"a\" })", Fixes),
    ("Item.find(id)", Fixes),
    ("let i = Item.get(id) else return\nItem.delete(i)", Fixes),
    ("Item.remove(id)", Fixes),
    ("for i in Item.by_name(\"a\") { total += 1 }", Fixes),
    ("for s in Seat { total += 1 }", Fixes),
    ("Item.count()", Says),
    ("Item.create({ id, name: \"\", hits: 0 })", Fixes),
    ("total = coalesce(o, 3)", Says),
    // Solidity
    ("require(id > 3)", Says),
    ("u64 a = id\ntotal = a", Fixes),
    ("revert(Low)", Says),
    ("total = msg.sender", Says),
    ("let t = block.timestamp", Says),
    ("emit Moved(id, 3)", Says),
    ("let t = now()", Fixes),
    // Slips in this language
    ("totl = id", Fixes),
    ("total = idd", Fixes),
    ("if id = 3 { total = 1 }", Fixes),
    ("total = id\n    + 1", Fixes),
    ("let l = Light.Redd", Fixes),
    ("Itme.delete(id)", Fixes),
    ("for i in 0..id { total += i }", Fixes),
    ("for i in 0..id take 5 { total += i }", Fixes),
    ("for i in Item.by_name(\"a\") take id { total += 1 }", Fixes),
    ("total = Item.get(id).hits", Says),
    ("fail Lwo", Fixes),
    ("total = max2(id, 3)", Fixes),
    ("let p = Point { z: 3 }", Says),
    ("let p = Point {}", Fixes),
    ("emit Moved { id }", Fixes),
    ("total = xs.lenn()", Fixes),
    ("assert id > 3", Says),
    ("let a = id let b = id", Fixes),
    ("total = max(id 3)", Fixes),
];

/// Declarations as others write.
const DECLARATIONS: &[(&str, Way)] = &[
    ("tabel T { key id: u64 }", Fixes),
    ("function g(a: u64) -> u64 { a }", Fixes),
    ("def g(a: u64) -> u64 { a }", Fixes),
    ("pub fn g(a: u64) -> u64 { a }", Fixes),
    ("export fn g(a: u64) -> u64 { a }", Fixes),
    ("class P { x: u64 }", Fixes),
    ("interface P { x: u64 }", Fixes),
    ("contract P { }", Says),
    ("import std", Says),
    ("let z = 3", Says),
    ("const most: u64 = 3", Says),
    ("enum E { A B }", Fixes),
    ("enum E { A; B }", Fixes),
    ("struct S { a: u64 b: u64 }", Fixes),
    ("struct S { a: u64; b: u64; }", Fixes),
    ("struct S { a: String }", Fixes),
    ("struct S { a: string }", Fixes),
    ("struct S { a: int }", Fixes),
    ("struct S { a: uint256 }", Fixes),
    ("struct S { a: Vec<u64> }", Fixes),
    ("struct S { a: u64[] }", Fixes),
    ("struct S { a: Option<u64> }", Fixes),
    ("struct S { a: u64 | null }", Fixes),
    ("struct S { a: f32 }", Fixes),
    ("struct S { a: list<u64> }", Fixes),
    ("struct S { a: Poin }", Fixes),
    ("struct S { a: address }", Says),
    ("struct S { a: HashMap<u64, u64> }", Says),
    ("fn g(a: u64): u64 { a }", Fixes),
    ("fn g(a: u64) => u64 { a }", Fixes),
    ("fn g(u64 a) -> u64 { a }", Fixes),
    ("fn g(a) -> u64 { 3 }", Says),
    ("event Paid(a: u64)", Fixes),
    ("table T { id: u64 }", Says),
    ("table T { key id u64 }", Fixes),
    ("table T {\n    primary key id: u64\n}", Says),
    ("table T {\n    key id: u64\n    a u64\n}", Fixes),
    (
        "table T {\n    key id: u64\n    a: u64\n    index(a)\n}",
        Fixes,
    ),
    ("table T { key id: u64 a: u64 }", Fixes),
    ("command g(a: u64) { }", Says),
    ("command g(a: u64) fails Bda allow anyone { }", Fixes),
    ("command g(a: u64) fails Low allow anyone { }", Fixes),
    ("command g(a: u64) allow bos { }", Fixes),
    ("query g() -> u64 allow anyone { total = 3\n3 }", Says),
    ("error E { Overflow }", Says),
    ("test \"t\" { advance -1h }", Fixes),
];

fn check(shown: &str, text: &str, way: Way, problems: &mut Vec<String>) {
    let first = compiled(text);
    let said: Vec<String> = found(&first)
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .map(|one| format!("{} {} ({:?})", one.code, one.message, one.hint))
        .collect();
    let error = found(&first)
        .into_iter()
        .find(|one| one.severity == Severity::Error)
        .cloned();
    let (Some(error), 1) = (error, said.len()) else {
        problems.push(format!("{shown}\n    {} messages: {said:#?}", said.len()));
        return;
    };
    if error.hint.as_deref().is_none_or(str::is_empty) {
        problems.push(format!("{shown}\n    no hint: {said:?}"));
    }
    if error.fix.is_empty() != (way == Says) {
        problems.push(format!("{shown}\n    {} edits: {said:?}", error.fix.len()));
        return;
    }
    if way == Fixes {
        let text = fixed(text, &error);
        let after = compiled(&text);
        if errors(&after) > 0 {
            let left: Vec<String> = found(&after)
                .iter()
                .map(|one| format!("{} {}", one.code, one.message))
                .collect();
            let line = text.lines().skip(14).collect::<Vec<_>>().join("\n");
            problems.push(format!("{shown}\n    after the fix: {left:?} in\n{line}"));
        }
    }
}

#[test]
fn what_others_write_gets_one_message_with_a_way_out() {
    let mut problems = Vec::new();
    for (body, way) in BODIES {
        let lines = body.replace('\n', "\n    ");
        let text = format!(
            "{FRAME}\ncommand f(id: u64, xs: list<u64, 10>, o: u64?) fails Bad allow anyone {{\n    {lines}\n}}\n"
        );
        check(body, &text, *way, &mut problems);
    }
    for (declaration, way) in DECLARATIONS {
        let text = format!("{FRAME}\n{declaration}\n");
        check(declaration, &text, *way, &mut problems);
    }
    assert!(
        problems.is_empty(),
        "{} of {}:\n{}",
        problems.len(),
        BODIES.len() + DECLARATIONS.len(),
        problems.join("\n")
    );
}

fn texts(path: &Path) -> Vec<String> {
    let page = fs::read_to_string(path).expect("a readable page");
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in page.lines() {
        match &mut open {
            Some(_) if line.starts_with("```") => found.extend(open.take()),
            Some(text) => text.push_str(&format!("{line}\n")),
            None if line == "```rc" => open = Some(String::new()),
            None => {}
        }
    }
    found
}

/// Each page of a code: where its diagnostic carries edits, they take it away and bring nothing else.
#[test]
fn the_fixes_on_the_pages_of_the_codes_hold() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../lang-spec/errors");
    let (mut proven, mut problems) = (0, Vec::new());
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a readable entry").path();
        for text in texts(&path) {
            let first = compiled(&text);
            for one in found(&first).into_iter().filter(|one| !one.fix.is_empty()) {
                let after = compiled(&fixed(&text, one));
                proven += 1;
                if found(&after).len() >= found(&first).len() {
                    let said: Vec<&str> = found(&after).iter().map(|one| &*one.message).collect();
                    problems.push(format!("{}: {} leaves {said:?}", path.display(), one.code));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(proven >= 12, "only {proven} fixes on the pages");
}

/// The twenty mistakes that a newcomer makes most: a page each, and a hint on the diagnostic.
#[test]
fn the_twenty_mistakes_have_a_page_and_a_hint() {
    const TWENTY: &[rc_diagnostics::Code] = &[
        codes::UNEXPECTED_TOKEN,
        codes::EXPECTED_DECLARATION,
        codes::UNKNOWN_NAME,
        codes::UNKNOWN_TYPE,
        codes::UNKNOWN_FIELD,
        codes::DECLARED_TWICE,
        codes::TYPE_MISMATCH,
        codes::MISSING_FIELDS,
        codes::WRONG_ARGUMENT_COUNT,
        codes::NOT_EXHAUSTIVE,
        codes::NOT_ASSIGNABLE,
        codes::MAY_BE_NONE,
        codes::CONSTANT_OVERFLOW,
        codes::UNBOUNDED_LOOP,
        codes::COST_EXCEEDED,
        codes::NO_ORDER,
        codes::ALLOW_MISSING,
        codes::QUERY_WRITES,
        codes::ROW_IS_GONE,
        codes::UNDECLARED_FAILURE,
        codes::BAD_KEY_TYPE,
    ];
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../lang-spec/errors");
    let mut problems = Vec::new();
    for code in TWENTY {
        let texts = texts(&folder.join(format!("{code}.md")));
        let all: Vec<Compiled> = texts.iter().map(|text| compiled(text)).collect();
        let shown: Vec<&Diagnostic> = all
            .iter()
            .flat_map(found)
            .filter(|one| one.code == *code)
            .collect();
        if shown.is_empty() {
            problems.push(format!("{code}: no page shows it"));
        }
        for one in shown {
            if one.hint.as_deref().is_none_or(str::is_empty) {
                problems.push(format!("{code}: no hint: {}", one.message));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
