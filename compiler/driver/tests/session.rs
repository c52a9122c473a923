//! A session against compiles from nothing: after each of many edits the same messages and the same module. Always the same
//! edits on every run.

use rc_driver::{Compiled, Options, Package, Session, compile_with};
use std::fs;
use std::path::PathBuf;

fn shown(compiled: &Compiled) -> String {
    rc_diagnostics::render::short(&compiled.sources, &compiled.diagnostics)
}

fn module(compiled: &Compiled) -> Option<Vec<u8>> {
    let lowered = compiled.lowered.as_ref()?;
    Some(rc_bytecode::encode(&lowered.module))
}

fn example(name: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder.join(name)).expect("the example is there") {
        let path = entry.expect("a readable entry").path();
        if path.extension().is_some_and(|extension| extension == "rc") {
            let text = fs::read_to_string(&path).expect("a readable example");
            let name = path.file_name().expect("a file's name").to_string_lossy();
            texts.push((name.into_owned(), text));
        }
    }
    texts.sort();
    texts
}

/// An edit of one file: a line taken out, doubled, or put elsewhere.
fn edited(text: &str, number: usize) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let at = (number * 7919) % lines.len();
    match number % 3 {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at]),
        _ => {
            let line = lines.remove(at);
            lines.insert((at * 31) % (lines.len() + 1), line);
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn a_session_answers_as_a_compile_from_nothing() {
    let options = Options {
        with_tests: true,
        ..Options::default()
    };
    let session = Session::new();
    // Two files of one package, and a third that comes and goes.
    let ledger = example("ledger");
    let (first, second) = (&ledger[0].1, "fn more(a: u64) -> u64 { a + 1 }\n");
    for number in 0..60 {
        let mut texts = vec![
            ("b.rc".to_string(), edited(first, number / 2)),
            ("c.rc".to_string(), edited(second, number)),
        ];
        if number % 4 == 3 {
            texts.push(("a.rc".to_string(), "const LEAST: u64 = 3\n".to_string()));
        }
        let package = Package::from_texts("session", texts);
        let (kept, fresh) = (
            session.compile(&package, options),
            compile_with(&package, options),
        );
        assert_eq!(shown(&kept), shown(&fresh), "edit {number}");
        assert!(module(&kept) == module(&fresh), "edit {number}");
        let checked = session.check(&package);
        let again = rc_diagnostics::render::short(&checked.sources, &checked.diagnostics);
        assert!(kept.lowered.is_none() || again == shown(&kept));
    }
    let package = Package::from_texts("", example("ledger"));
    let kept = session.compile(&package, options);
    assert!(kept.lowered.is_some(), "{}", shown(&kept));
    assert!(module(&kept) == module(&compile_with(&package, options)));
}
