//! Runs every `rc` block of `tests/blocks/*.md` through parser and checker and compares with the comments in it.
//!
//! `// error: [E0201] balence` after a line: a diagnostic of that code whose place begins on that line and covers
//! exactly that text. Blocks without such comments must be free of messages, and their programs sound. Every message
//! must be announced. `allow anyone` is the default; a block marked `rc no-default` has none. `rc std` is a file of
//! the standard library.

use rc_check::{Options, Unit, check};
use rc_diagnostics::Diagnostics;
use rc_hir::validate::validate;
use rc_hir::{Origin, Program};
use rc_source::Sources;
use std::path::{Path, PathBuf};

fn run(
    units: &[(&str, Origin, &str)],
    default_allow: Option<Vec<String>>,
) -> (Sources, Program, Diagnostics) {
    let mut sources = Sources::new();
    let mut parsed = Vec::new();
    let mut all = Diagnostics::new();
    for (module, origin, text) in units {
        let id = sources.add(format!("{module}.rc"), *text);
        let mut one = rc_syntax::parse(id, text);
        all.append(std::mem::take(&mut one.diagnostics));
        parsed.push((module.to_string(), *origin, one.file));
    }
    let own = parsed
        .iter_mut()
        .filter(|(_, origin, _)| *origin == Origin::Package);
    rc_check::expand_jobs(own.map(|(_, _, file)| file).collect(), &mut all);
    let units: Vec<Unit<'_>> = parsed
        .iter()
        .map(|(module, origin, file)| Unit {
            module: module.clone(),
            origin: *origin,
            file,
        })
        .collect();
    let (program, diagnostics) = check(
        &sources,
        &units,
        &Options {
            package: String::new(),
            default_allow,
            ..Options::default()
        },
    );
    all.append(diagnostics);
    (sources, program, all)
}

fn shown(sources: &Sources, diagnostics: &Diagnostics) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let span = diagnostic.primary.span;
            let at = sources.file(span.file).position(span.start);
            let hint = diagnostic.hint.as_deref().unwrap_or("");
            format!(
                "{}:{} {} at `{}`: {} ({hint})",
                sources.file(span.file).name,
                at.line,
                diagnostic.code,
                sources.text_of(span),
                diagnostic.message
            )
        })
        .collect()
}

struct Block {
    title: String,
    line: usize,
    no_default: bool,
    origin: Origin,
    text: String,
}

fn blocks(path: &Path) -> Vec<Block> {
    let text = std::fs::read_to_string(path).expect("a readable chapter");
    let (mut found, mut title, mut open): (Vec<Block>, String, bool) =
        (Vec::new(), String::new(), false);
    for (number, line) in text.lines().enumerate() {
        if open {
            if line.starts_with("```") {
                open = false;
            } else {
                let block = found.last_mut().expect("a block was opened");
                block.text.push_str(line);
                block.text.push('\n');
            }
        } else if let Some(info) = line.strip_prefix("```rc") {
            open = true;
            found.push(Block {
                title: title.clone(),
                line: number + 1,
                no_default: info.contains("no-default"),
                origin: if info.contains("std") {
                    Origin::Std
                } else {
                    Origin::Package
                },
                text: String::new(),
            });
        } else if let Some(heading) = line.strip_prefix('#') {
            title = heading.trim_matches(['#', ' ']).to_string();
        }
    }
    found
}

/// What the comments announce: line, code, text.
fn announced(text: &str) -> Vec<(u32, String, String)> {
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for part in line.split("// error: [").skip(1) {
            let (code, rest) = part.split_once(']').expect("a code in brackets");
            all.push((number as u32 + 1, code.to_string(), rest.trim().to_string()));
        }
    }
    all
}

fn failures_of(path: &Path) -> Vec<String> {
    let mut failures = Vec::new();
    for block in blocks(path) {
        let allow = (!block.no_default).then(|| vec!["anyone".to_string()]);
        let (sources, program, diagnostics) = run(&[("block", block.origin, &block.text)], allow);
        let place = format!(
            "{}:{} ({})",
            path.file_name().expect("a file").to_string_lossy(),
            block.line,
            block.title
        );
        let mut wanted = announced(&block.text);
        for diagnostic in &diagnostics {
            let span = diagnostic.primary.span;
            let line = sources.file(span.file).position(span.start).line;
            let covered = sources
                .text_of(span)
                .split("// error")
                .next()
                .unwrap_or("")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            let fits = |(at, code, text): &(u32, String, String)| {
                *at == line
                    && *code == diagnostic.code.to_string()
                    && (text.is_empty() || *text == covered)
            };
            match wanted.iter().position(fits) {
                Some(index) => drop(wanted.remove(index)),
                None => failures.push(format!(
                    "{place}: not announced: line {line} {} at `{covered}`: {}",
                    diagnostic.code, diagnostic.message
                )),
            }
            if diagnostic.message.contains('\n') || diagnostic.message.ends_with('.') {
                failures.push(format!(
                    "{place}: the message is no single terse line: {}",
                    diagnostic.message
                ));
            }
        }
        for (line, code, text) in wanted {
            failures.push(format!(
                "{place}: announced and not given: line {line} {code} at `{text}`"
            ));
        }
        if !diagnostics.has_errors() {
            failures.extend(
                validate(&program)
                    .into_iter()
                    .map(|promise| format!("{place}: {promise}")),
            );
        }
    }
    failures
}

#[test]
fn every_block_says_what_it_announces() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/blocks");
    let mut chapters: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    chapters.sort();
    assert!(!chapters.is_empty());
    let failures: Vec<String> = chapters.iter().flat_map(|path| failures_of(path)).collect();
    assert!(
        failures.is_empty(),
        "{} differences\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn the_standard_library_checks() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../stdlib");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("stdlib/")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rc"));
    files.sort();
    let texts: Vec<(String, String)> = files
        .iter()
        .map(|path| {
            (
                path.file_stem()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned(),
                std::fs::read_to_string(path).expect("a text"),
            )
        })
        .collect();
    assert!(texts.iter().any(|(name, _)| name == "ordered"));
    let units: Vec<(&str, Origin, &str)> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), Origin::Std, text.as_str()))
        .collect();
    let (sources, program, diagnostics) = run(&units, None);
    let messages = shown(&sources, &diagnostics);
    assert!(messages.is_empty(), "{}", messages.join("\n"));
    let broken = validate(&program);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_ledger_checks() {
    let text = include_str!("ledger.rc");
    let (sources, program, diagnostics) = run(&[("ledger", Origin::Package, text)], None);
    let messages = shown(&sources, &diagnostics);
    assert!(messages.is_empty(), "{}", messages.join("\n"));
    let broken = validate(&program);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(program.package, "ledger");
    let pay = program
        .callables
        .iter()
        .find(|callable| callable.name == "pay")
        .expect("pay");
    assert!(pay.effects.writes && pay.effects.emits && pay.effects.may_fail);
    let balance = program
        .callables
        .iter()
        .find(|callable| callable.name == "balance")
        .expect("balance");
    assert!(balance.effects.reads && !balance.effects.writes);
    assert_eq!(program.invariants[0].reads_states.len(), 1);
    assert_eq!(program.invariants[0].reads_aggregates.len(), 1);
    assert_eq!(program.tests.len(), 2);
}

/// A message that no block announces could say anything.
#[test]
fn every_code_of_the_checker_is_announced_somewhere() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/blocks");
    let mut seen: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        for block in blocks(&entry.expect("an entry").path()) {
            seen.extend(announced(&block.text).into_iter().map(|(_, code, _)| code));
        }
    }
    // Said by lowering, which proves costs.
    // And by two files that disagree, which one block is not.
    let elsewhere = [
        rc_diagnostics::codes::COST_EXCEEDED,
        rc_diagnostics::codes::WRONG_PACKAGE_NAME,
        rc_diagnostics::codes::NOT_FOR_USE,
    ];
    let own = |code: &rc_diagnostics::Code| {
        (200..700).contains(&code.number()) && !elsewhere.contains(code)
    };
    let missing: Vec<String> = rc_diagnostics::codes::all()
        .map(|(code, _)| code)
        .filter(own)
        .map(|code| code.to_string())
        .filter(|code| !seen.contains(code))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
