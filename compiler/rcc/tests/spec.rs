//! The specification runs: every `rc` block of `lang-spec/*.md` that announces no error goes through `rcc test`, which runs its
//! tests on the interpreter and as machine code and compares the two.
//!
//! Assertions stand in comments and become statements before the block runs, on the line where they stand:
//!
//! | in a test | becomes |
//! | --- | --- |
//! | `pay(1, 2, 30) // => 70` | `assert (pay(1, 2, 30)) == 70` |
//! | `pay(1, 1, 5) // fails: SameAccount` | `expect SameAccount from pay(1, 1, 5)` |
//!
//! and `query one() -> u64 allow anyone { 1 } // => 1` becomes a test of its own. Always true: a block without any
//! of these and without a test fails, so that none is only compiled.

#[path = "../../driver/tests/spec/blocks.rs"]
mod blocks;

use blocks::{Block, blocks, folder, pages_in};
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// The block as a package that `rcc test` runs.
fn runnable(text: &str) -> String {
    let mut out = String::new();
    let mut more = String::new();
    for (at, line) in (1..).zip(text.lines()) {
        let asserted = line
            .split_once("// => ")
            .map(|(code, value)| (code, value, true));
        let failing = line
            .split_once("// fails: ")
            .map(|(code, value)| (code, value, false));
        let Some((code, wanted, succeeds)) = asserted.or(failing) else {
            writeln!(out, "{line}").expect("a string takes all");
            continue;
        };
        let (call, wanted) = (code.trim(), wanted.trim());
        let indent = &code[..code.len() - code.trim_start().len()];
        match called_by_header(call) {
            Some(call) => {
                writeln!(out, "{code}").expect("a string takes all");
                let check = statement(&call, wanted, succeeds);
                write!(
                    more,
                    "\ntest \"the value of line {at}\" {{\n    {check}\n}}\n"
                )
                .expect("a string takes all");
            }
            None => writeln!(out, "{indent}{}", statement(call, wanted, succeeds))
                .expect("a string takes all"),
        }
    }
    out + &more
}

fn statement(call: &str, wanted: &str, succeeds: bool) -> String {
    match succeeds {
        true => format!("assert ({call}) == {wanted}"),
        false => format!("expect {wanted} from {call}"),
    }
}

/// `query one() -> u64 …` is called as `one()`.
fn called_by_header(line: &str) -> Option<String> {
    let rest = ["query ", "command ", "report "]
        .iter()
        .find_map(|word| line.strip_prefix(word))?;
    let (name, after) = rest.split_once('(')?;
    after.starts_with(')').then(|| format!("{name}()"))
}

/// What `rcc test` says of a text; `Err` with its output where it did not pass or ran nothing.
fn run(text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder for the block");
    let path = folder.path().join("block.rc");
    fs::write(&path, runnable(text)).expect("the block is written");
    let ran = Command::new(env!("CARGO_BIN_EXE_rcc"))
        .args(["test", "--cases", "20"])
        .arg(&path)
        .output()
        .expect("rcc runs");
    let said = String::from_utf8_lossy(&ran.stdout);
    let last = said.lines().last().unwrap_or_default();
    if !ran.status.success() || !last.ends_with(", 0 failed") {
        return Err(format!("{said}{}", String::from_utf8_lossy(&ran.stderr)));
    }
    if last.starts_with("0 passed") {
        return Err("nothing of it runs: give it a test, or a value after `// =>`".into());
    }
    Ok(())
}

fn announces_an_error(block: &Block) -> bool {
    block.text.contains("// error: ") || block.text.contains("// error-above: ")
}

#[test]
fn every_block_of_the_chapters_runs_on_both_engines() {
    let mut ran = 0;
    let mut failures = String::new();
    for path in pages_in(&folder()) {
        for block in blocks(&path) {
            if block.mark != "rc" || announces_an_error(&block) {
                continue;
            }
            ran += 1;
            if let Err(said) = run(&block.text) {
                write!(failures, "{}:{}:\n{said}\n", block.file, block.line)
                    .expect("a string takes all");
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(ran >= 6, "the chapters have blocks that run: {ran}");
}

#[test]
fn a_planted_wrong_value_fails() {
    let sound = "package p\n\nerror E { Odd }\n\nquery one() -> u64 allow anyone { 1 } // => 1\n\n\
                 query half(n: u64) -> u64 fails E allow anyone {\n    ensure n % 2 == 0 else Odd\n    n / 2\n}\n\n\
                 test \"t\" {\n    half(4) // => 2\n    half(3) // fails: Odd\n}\n";
    assert_eq!(run(sound), Ok(()));
    for (from, to) in [
        ("// => 1", "// => 2"),
        ("// => 2", "// => 3"),
        ("half(3) // fails", "half(4) // fails"),
        ("// fails: Odd", "// fails: Overflow"),
    ] {
        assert!(run(&sound.replace(from, to)).is_err(), "{from} as {to}");
    }
    let nothing = run("package p\n\nquery one() -> u64 allow anyone { 1 }\n");
    assert!(nothing.is_err_and(|said| said.contains("nothing of it runs")));
}
