//! Broken programs: whatever the parser gives, the checker answers with messages, never with a panic.

use rc_check::{Options, Unit, check};
use rc_hir::Origin;
use rc_source::Sources;

fn survives(origin: Origin, text: &str) -> usize {
    let mut sources = Sources::new();
    let id = sources.add("a.rc", text);
    let parsed = rc_syntax::parse(id, text);
    let units = [Unit {
        module: "a".into(),
        origin,
        file: &parsed.file,
    }];
    let (program, diagnostics) = check(&sources, &units, &Options::default());
    for diagnostic in &diagnostics {
        let span = diagnostic.primary.span;
        assert!(
            text.get(span.start as usize..span.end as usize).is_some(),
            "a label splits a character"
        );
    }
    if !diagnostics.has_errors() && !parsed.diagnostics.has_errors() {
        // Silence is a promise.
        let broken = rc_hir::validate::validate(&program);
        assert!(broken.is_empty(), "{}\n{text}", broken.join("\n"));
    }
    diagnostics.error_count() + parsed.diagnostics.error_count()
}

/// A small generator: the same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % bound.max(1)
    }
}

/// Words as the mutations cut and move them: names and signs, each with the space after it.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut last = ' ';
    for (at, c) in text.char_indices() {
        let together = c.is_alphanumeric() && last.is_alphanumeric()
            || c == '_'
            || last == '_' && c.is_alphanumeric()
            || c.is_whitespace();
        if !together && at > start {
            words.push(&text[start..at]);
            start = at;
        }
        last = c;
    }
    words.push(&text[start..]);
    words
}

fn mutations(origin: Origin, text: &str, rounds: usize) {
    let words = words(text);
    let mut numbers = Numbers(7);
    let mut found = 0;
    for _ in 0..rounds {
        let mut mutated = words.clone();
        for _ in 0..=numbers.below(3) {
            let (at, other) = (numbers.below(mutated.len()), numbers.below(words.len()));
            match numbers.below(4) {
                0 => drop(mutated.remove(at)),
                1 => mutated.insert(at, words[other]),
                2 => mutated[at] = words[other],
                _ => mutated.swap(at, numbers.below(words.len() - 4)),
            }
        }
        found += usize::from(survives(origin, &mutated.concat()) > 0);
    }
    assert!(
        found > rounds / 2,
        "mutations of a sound program are mostly mistakes: {found} of {rounds}"
    );
}

#[test]
fn mutated_ledgers() {
    mutations(Origin::Package, include_str!("ledger.rc"), 1500);
}

#[test]
fn mutated_packages() {
    let chapter = include_str!("blocks/sound.md");
    for block in chapter
        .split("```rc")
        .skip(1)
        .filter_map(|part| part.split("```").next())
    {
        mutations(Origin::Package, block, 700);
    }
}

#[test]
fn mutated_containers() {
    mutations(Origin::Std, include_str!("../../../stdlib/dense.rc"), 700);
}

#[test]
fn nesting_ends_in_a_message_or_a_result() {
    for depth in [10, 60, 150, 300, 5_000] {
        let sum = vec!["1"; depth].join(" + ");
        survives(Origin::Package, &format!("query a() -> u64 {{ {sum} }}"));
        let nots = "!".repeat(depth);
        survives(
            Origin::Package,
            &format!("query a() -> bool {{ {nots}true }}"),
        );
        let ifs = "if true { ".repeat(depth) + "1" + &" } else { 2 }".repeat(depth);
        survives(Origin::Package, &format!("query a() -> u64 {{ {ifs} }}"));
        let elses = "if true { 1 } else ".repeat(depth) + "{ 2 }";
        survives(Origin::Package, &format!("query a() -> u64 {{ {elses} }}"));
        let types = "list<".repeat(depth) + "u64" + &", 2>".repeat(depth);
        survives(Origin::Package, &format!("state a: {types}"));
        let calls = "a.min(".repeat(depth) + "1" + &")".repeat(depth);
        survives(
            Origin::Package,
            &format!("query b(a: u64) -> u64 {{ {calls} }}"),
        );
        let members = "a".to_string() + &".x".repeat(depth);
        survives(
            Origin::Package,
            &format!("query b(a: u64) -> u64 {{ {members} }}"),
        );
    }
}

#[test]
fn long_chains_of_declarations() {
    let mut text = String::new();
    for number in 0..5_000 {
        text += &format!(
            "struct S{number} {{ next: S{} }}\nfn f{number}() -> u64 {{ f{}() }}\n",
            number + 1,
            number + 1
        );
    }
    text += "struct S5000 { x: u64 }\nfn f5000() -> u64 { 1 }\n";
    assert_eq!(survives(Origin::Package, &text), 0);
}
