//! One mistake, one message: a mistake is planted at each place of sound packages, one at a time, and the messages are
//! counted. Always true: the same places on every run; the distribution is printed with `--nocapture`.

use rc_diagnostics::Severity;
use rc_driver::{Package, check_only};
use rc_syntax::TokenKind;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// Every so many places are tried; the test is a sample.
const STRIDE: usize = 4;

/// How many errors there are, and what they say.
fn errors(name: &str, text: &str) -> Vec<String> {
    let package = Package::from_texts(name, [("planted.rc".to_string(), text.to_string())]);
    let checked = check_only(&package);
    checked
        .diagnostics
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .map(|one| {
            let at = checked
                .sources
                .file(one.primary.span.file)
                .position(one.primary.span.start);
            format!("{}:{} {} {}", at.line, at.column, one.code, one.message)
        })
        .collect()
}

struct Planted {
    text: String,
    shown: String,
}

/// All texts with one mistake each.
fn planted(text: &str) -> Vec<Planted> {
    let file = rc_source::Sources::new().add("planted.rc", text);
    let tokens: Vec<_> = rc_syntax::parse(file, text)
        .tokens
        .into_iter()
        .filter(|token| !token.kind.is_trivia())
        .collect();
    let word = |at: usize| &text[tokens[at].span.start as usize..tokens[at].span.end as usize];
    let with = |at: usize, put: &str| {
        let span = tokens[at].span;
        format!(
            "{}{put}{}",
            &text[..span.start as usize],
            &text[span.end as usize..]
        )
    };
    let mut all = Vec::new();
    for at in (0..tokens.len()).step_by(STRIDE) {
        let line = text[..tokens[at].span.start as usize].lines().count();
        let mut plant = |kind: &str, put: &str| {
            all.push(Planted {
                text: with(at, put),
                shown: format!("line {line}: {kind} `{}` → `{put}`", word(at)),
            })
        };
        plant("deleted", "");
        plant("doubled", &format!("{0} {0}", word(at)));
        let kind = tokens[at].kind;
        if kind == TokenKind::Name {
            plant("misspelt", &format!("{}zq", word(at)));
        }
        if kind == TokenKind::TypeName {
            plant("misspelt", &format!("{}zq", word(at)));
        }
        if matches!(word(at), "u64" | "u32" | "u8" | "time" | "bool") {
            plant("wrong type", "string<3>");
        }
        if kind == TokenKind::Number {
            plant("wrong value", "\"seven\"");
        }
    }
    all
}

fn packages() -> Vec<(String, String)> {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut found = Vec::new();
    for name in ["ledger", "ticketmaster", "cart"] {
        let folder = examples.join(name);
        let mut files: Vec<PathBuf> = fs::read_dir(&folder)
            .expect("the example is there")
            .map(|entry| entry.expect("a readable entry").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "rc"))
            .collect();
        files.sort();
        if let [only] = files.as_slice() {
            let text = fs::read_to_string(only).expect("a readable example");
            // Words of a comment whose mark was lost would be mistakes of their own.
            let text: String = text
                .lines()
                .map(|line| line.split("//").next().unwrap_or_default().to_string() + "\n")
                .collect();
            found.push((name.to_string(), text));
        }
    }
    assert!(!found.is_empty());
    found
}

#[test]
fn a_planted_mistake_is_one_message() {
    let (mut spread, mut worst): (BTreeMap<usize, usize>, Vec<(usize, String)>) =
        Default::default();
    let (mut tried, mut silent) = (0, 0);
    for (name, text) in packages() {
        let sound = errors(&name, &text);
        assert!(sound.is_empty(), "{name}: {sound:?}");
        for one in planted(&text) {
            let said = errors(&name, &one.text);
            if said.is_empty() {
                // A deleted comma before a newline, a doubled bracket of a group: still a program.
                silent += 1;
                continue;
            }
            tried += 1;
            *spread.entry(said.len()).or_default() += 1;
            if said.len() > 1 {
                worst.push((
                    said.len(),
                    format!("{name} {}\n      {}", one.shown, said.join("\n      ")),
                ));
            }
        }
    }
    worst.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    println!("{tried} mistakes ({silent} more changed nothing); messages → mistakes: {spread:?}");
    for (_, shown) in worst.iter().take(40) {
        println!("  {shown}");
    }
    let single = spread.get(&1).copied().unwrap_or(0);
    assert!(
        single * 100 >= tried * 97,
        "{single} of {tried} are one message"
    );
    let most = spread.keys().next_back().copied().unwrap_or(0);
    assert!(most <= 3, "{most} messages:\n{}", worst[0].1);
}
