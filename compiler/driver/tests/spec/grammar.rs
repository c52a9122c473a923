//! Which chapter shows which form of the grammar: every rule of chapter 13 has forms here, every form is met in
//! some block of the chapters, and `lang-spec/INDEX.md` is the table of it (`UPDATE_SPEC_INDEX=1` writes it anew).
//!
//! Always true: a form is found in the tree of a block, never in its text, so a comment or a string cannot stand for it.

use crate::blocks::{blocks, folder, pages_in};
use rc_source::Sources;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

/// How a form is known in a line of the printed tree.
enum Sign {
    /// The line begins with it.
    Begins(&'static str),
    /// It stands anywhere in the line.
    Holds(&'static str),
    /// The line begins with the first and holds the second.
    Both(&'static str, &'static str),
}

use Sign::{Begins, Both, Holds};

/// Rule of chapter 13, form, and what shows it.
const FORMS: &[(&str, &str, Sign)] = &[
    ("file", "package", Begins("file")),
    ("item", "documented", Holds(" [\"")),
    ("attribute", "attribute", Begins("@")),
    ("use", "use", Begins("use ")),
    ("alias", "type", Begins("type ")),
    ("struct", "struct", Begins("struct ")),
    ("enum", "enum", Begins("enum ")),
    ("layout", "layout", Begins("layout ")),
    ("error", "error", Begins("error ")),
    ("event", "event", Begins("event ")),
    ("state", "state", Begins("state ")),
    ("state", "state with a default", Both("state ", " = ")),
    ("const", "const", Begins("const ")),
    ("role", "role", Begins("role ")),
    ("retire", "retire", Begins("retire ")),
    ("version", "version of a command", Both("command ", "@2(")),
    ("generics", "generics", Holds("<T")),
    ("field", "field with a default", Holds(": u32 = ")),
    ("variant", "variant with parts", Holds("(u32)")),
    ("variant", "variant with fields", Holds(" {size: Size}")),
    ("part", "named part", Holds("(id: u64)")),
    ("table", "table", Begins("table ")),
    ("table", "capacity", Both("table ", " capacity ")),
    ("table", "from an older version", Both("table ", " from ")),
    ("member", "key", Begins("key ")),
    ("member", "ordered key", Both("key ", " ordered")),
    ("member", "dense key", Both("key ", " dense")),
    ("member", "index", Begins("index ")),
    ("member", "unique", Begins("unique ")),
    ("member", "invariant of a table", Both("invariant ", "(<= ")),
    ("member", "migrate", Begins("migrate ")),
    ("member", "on delete", Begins("on delete ")),
    ("aggregate", "sum", Both("aggregate ", " = sum(")),
    ("aggregate", "count", Both("aggregate ", " = count(")),
    ("aggregate", "by a field", Both("aggregate ", " by ")),
    ("invariant", "invariant", Begins("invariant ")),
    ("invariant", "for each group", Begins("invariant for ")),
    ("callable", "command", Begins("command ")),
    ("callable", "query", Begins("query ")),
    ("callable", "report", Begins("report ")),
    ("callable", "fn", Begins("fn ")),
    ("callable", "result", Both("query ", " -> ")),
    ("job", "job", Begins("job ")),
    ("param", "parameter", Both("command ", "(id: ")),
    ("clause", "fails", Begins("fails ")),
    ("clause", "allow", Begins("allow ")),
    ("clause", "cost", Begins("cost ")),
    ("test", "test", Begins("test ")),
    ("property", "property", Begins("property ")),
    ("type", "optional", Holds("?")),
    ("basic", "named", Holds(": u64")),
    ("basic", "tuple", Holds("<(")),
    ("arguments", "arguments", Holds("list<")),
    ("block", "block", Holds("{")),
    ("statement", "let", Begins("let ")),
    ("statement", "let with a type", Both("let ", ": ")),
    ("statement", "let else", Both("let ", " else ")),
    ("statement", "var", Begins("var ")),
    ("statement", "ensure", Begins("ensure ")),
    ("statement", "fail", Holds("(fail ")),
    ("statement", "emit", Begins("emit ")),
    ("statement", "for", Begins("for ")),
    ("statement", "take", Holds(" take ")),
    ("statement", "max", Holds(" max ")),
    ("statement", "return", Holds("return")),
    ("statement", "break", Holds("break")),
    ("statement", "continue", Holds("continue")),
    ("statement", "as role", Begins("as ")),
    ("actor", "role", Begins("as boss ")),
    ("actor", "caller", Holds("(caller ")),
    ("statement", "assert", Begins("assert ")),
    ("statement", "advance", Begins("advance ")),
    ("statement", "expect", Begins("expect ")),
    ("statement", "start", Holds("start ")),
    ("statement", "step", Begins("step ")),
    ("statement", "assignment", Holds(" = ")),
    ("statement", "assignment with else", Holds(" otherwise ")),
    ("statement", "operator and assignment", Holds(" += ")),
    ("expr", "range", Holds("(range ")),
    ("expr", "inclusive range", Holds("(range= ")),
    ("operand", "or", Holds("(|| ")),
    ("operand", "and", Holds("(&& ")),
    ("operand", "comparison", Holds("(== ")),
    ("operand", "otherwise", Holds("(?? ")),
    ("operand", "sum", Holds("(+ ")),
    ("operand", "product", Holds("(* ")),
    ("unary", "negation", Holds("(neg ")),
    ("unary", "not", Holds("(not ")),
    ("unary", "attempt", Holds("(attempt ")),
    ("unary", "as type", Holds("(as ")),
    ("postfix", "member", Holds("(. ")),
    ("postfix", "call", Holds("(call ")),
    ("postfix", "index", Holds("(index ")),
    ("argument", "bare record", Holds("({")),
    ("atom", "tuple", Holds("(tuple ")),
    ("atom", "touch", Holds("(touch")),
    ("record", "named record", Holds("{size: ")),
    ("record", "with type arguments", Holds("Pair<u64, bool>{")),
    ("list", "list", Holds(" [")),
    ("list", "comprehension", Holds(" for ")),
    ("if", "if", Holds("(if ")),
    ("if", "if let", Holds("(if let ")),
    ("if", "else", Holds(" else ")),
    ("match", "match", Holds("(match ")),
    ("match", "guard", Holds(" if (> n 5) => ")),
    ("literal", "integer", Holds("1")),
    ("literal", "float", Holds("1.5")),
    ("literal", "duration", Holds("5m")),
    ("literal", "string", Holds("\"")),
    ("literal", "bytes", Holds("bytes[")),
    ("literal", "bool", Holds("true")),
    ("pattern", "several forms", Holds("(or ")),
    ("form", "wildcard", Holds("_ => ")),
    ("form", "literal range", Holds("(range= 1 9) => ")),
    ("form", "variant", Holds("Red => ")),
    ("form", "variant with parts", Holds("Blinking(times) => ")),
    ("form", "variant with fields", Holds("Square{size} => ")),
    ("form", "rest", Holds("..} => ")),
    ("form", "tuple", Begins("for (")),
];

/// Rules that are only names for parts of others, or are met with any form of the rule that holds them.
const PARTS: &[&str] = &["declaration", "fields", "variants", "head"];

fn rules() -> BTreeSet<String> {
    let grammar = blocks(&folder().join("13-grammar.md"))
        .into_iter()
        .find(|block| block.mark == "ebnf")
        .expect("the grammar");
    let begins = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    let name = |line: &str| Some(line.split_once('=')?.0.trim().to_string());
    grammar
        .text
        .lines()
        .filter(begins)
        .filter_map(name)
        .collect()
}

/// Lines of the printed trees of a text, read as a file, as declarations, or as statements: the first that parses best.
fn tree_lines(text: &str) -> Vec<String> {
    let readings = [
        text.to_string(),
        format!("package p\n\n{text}\n"),
        format!("package p\n\nfn f() {{\n{text}\n}}\n"),
    ];
    let best = readings
        .iter()
        .map(|reading| {
            let file = Sources::new().add("block.rc", reading.as_str());
            rc_syntax::parse(file, reading)
        })
        .min_by_key(|parsed| parsed.diagnostics.iter().count())
        .expect("three readings");
    let dump = rc_syntax::dump::dump(&best.file);
    dump.lines()
        .map(|line| line.trim_start().to_string())
        .collect()
}

fn shows(sign: &Sign, line: &str) -> bool {
    match sign {
        Begins(start) => line.starts_with(start),
        Holds(part) => line.contains(part),
        Both(start, part) => {
            line.trim_start_matches("= ").starts_with(start) && line.contains(part)
        }
    }
}

/// Chapters by number in which each form of [`FORMS`] is met, in its order. The grammar's own samples count for no form.
fn met() -> Vec<BTreeSet<String>> {
    let mut met = vec![BTreeSet::new(); FORMS.len()];
    for path in pages_in(&folder()) {
        let file = path
            .file_name()
            .expect("a file")
            .to_string_lossy()
            .into_owned();
        let Some((chapter, _)) = file.split_once('-').filter(|(number, _)| *number != "13") else {
            continue;
        };
        for block in blocks(&path)
            .iter()
            .filter(|block| block.mark.starts_with("rc"))
        {
            let lines = tree_lines(&block.text);
            for ((_, _, sign), chapters) in FORMS.iter().zip(&mut met) {
                if lines.iter().any(|line| shows(sign, line)) {
                    chapters.insert(chapter.trim_start_matches('0').to_string());
                }
            }
        }
    }
    met
}

fn index(met: &[BTreeSet<String>]) -> String {
    let mut text = String::from(
        "# Which chapter shows which form\n\nMade from the blocks of the chapters by `cargo test -p rc-driver --test spec` \
         (`UPDATE_SPEC_INDEX=1` writes it). Rules are those of\n[chapter 13](13-grammar.md).\n\n| rule | form | chapters |\n| --- | --- | --- |\n",
    );
    for ((rule, form, _), chapters) in FORMS.iter().zip(met) {
        let mut chapters: Vec<u32> = chapters
            .iter()
            .map(|number| number.parse().expect("a number"))
            .collect();
        chapters.sort();
        let chapters: Vec<String> = chapters.iter().map(u32::to_string).collect();
        writeln!(text, "| `{rule}` | {form} | {} |", chapters.join(", "))
            .expect("a string takes all");
    }
    text
}

#[test]
fn every_rule_has_a_form_and_every_form_a_block() {
    let rules = rules();
    let mut forms: BTreeMap<&str, usize> = BTreeMap::new();
    for (rule, form, _) in FORMS {
        assert!(
            rules.contains(*rule),
            "the form {form} is of a rule `{rule}` that the grammar has not"
        );
        *forms.entry(rule).or_default() += 1;
    }
    let without: Vec<&String> = rules
        .iter()
        .filter(|rule| !forms.contains_key(rule.as_str()) && !PARTS.contains(&rule.as_str()))
        .collect();
    assert!(without.is_empty(), "rules without a form: {without:?}");
    let met = met();
    let missed: Vec<String> = FORMS
        .iter()
        .zip(&met)
        .filter(|(_, chapters)| chapters.is_empty())
        .map(|((rule, form, _), _)| format!("{rule}: {form}"))
        .collect();
    assert!(missed.is_empty(), "no block of a chapter shows {missed:#?}");
}

#[test]
fn the_index_is_what_the_blocks_show() {
    let path = folder().join("INDEX.md");
    let index = index(&met());
    if std::env::var_os("UPDATE_SPEC_INDEX").is_some() {
        fs::write(&path, &index).expect("the index is writable");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == index,
        "lang-spec/INDEX.md is not what the blocks show: UPDATE_SPEC_INDEX=1 writes it"
    );
}

/// A sign that anything shows would let a missing block pass.
#[test]
fn an_empty_package_shows_next_to_nothing() {
    let lines = tree_lines("package p\n");
    let shown = FORMS
        .iter()
        .filter(|(_, _, sign)| lines.iter().any(|line| shows(sign, line)));
    assert_eq!(
        shown.map(|(_, form, _)| *form).collect::<Vec<_>>(),
        ["package"]
    );
}
