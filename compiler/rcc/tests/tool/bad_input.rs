//! Input of any kind gets a message and an exit code, never a crash or a hang.

use crate::running::{folder, rcc, rcc_in};
use std::time::Duration;

/// Exit code 1 with this text, and no sign of a crash.
fn refused(ran: &crate::running::Ran, text: &str) {
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let all = format!("{}{}", ran.out, ran.err);
    assert!(
        all.contains(text),
        "{text} is not in {}",
        &all[..all.len().min(2_000)]
    );
    assert!(
        !all.contains("panicked") && !all.contains("overflowed its stack"),
        "{all}"
    );
    assert!(ran.took < Duration::from_secs(30), "took {:?}", ran.took);
}

const GOOD: &[u8] = b"package good\n\ncommand nothing() allow anyone {\n}\n";

#[test]
fn folders_that_are_no_package() {
    let empty = folder(&[]);
    for word in ["check", "build", "test", "cost", "dis"] {
        refused(&rcc_in(empty.path(), &[word]), "has no .rc files");
        refused(
            &rcc_in(empty.path(), &[word, "nowhere"]),
            "cannot read nowhere",
        );
    }
}

#[test]
fn sources_of_any_bytes() {
    let invalid = folder(&[("a.rc", b"package a\n\xff\xfe\n")]);
    refused(
        &rcc_in(invalid.path(), &["check", "--format", "short"]),
        "a.rc:2:1: error[E0107]",
    );
    let empty = folder(&[("a.rc", b"")]);
    let ran = rcc_in(empty.path(), &["check", "--format", "short"]);
    assert!(
        matches!(ran.code, Some(0 | 1)) && !ran.err.contains("panicked"),
        "{ran:?}"
    );
    let mut line = b"package a\n".to_vec();
    line.extend(b"a ".repeat(5_000_000));
    let long = folder(&[("a.rc", &line)]);
    refused(
        &rcc_in(long.path(), &["check", "--format", "short"]),
        "a.rc:2:1: error[",
    );
    refused(&rcc_in(long.path(), &["check"]), "a.rc");
    let brackets = format!(
        "package a\nfn f() -> u64 {{ {}1{} }}\n",
        "(".repeat(100_000),
        ")".repeat(100_000)
    );
    let nested = folder(&[("a.rc", brackets.as_bytes())]);
    refused(
        &rcc_in(nested.path(), &["check", "--format", "short"]),
        "error[E0109]",
    );
    let open = "[{(<".repeat(25_000);
    let open = folder(&[("a.rc", format!("package a\n{open}").as_bytes())]);
    refused(
        &rcc_in(open.path(), &["check", "--format", "short"]),
        "error[",
    );
}

#[test]
fn terminals_get_no_control_characters() {
    let hostile = folder(&[(
        "a.rc",
        b"package a\n\ncommand f() allow anyone { \"\x1b[2J\x07\" \x1b]0;x\x07 }\n",
    )]);
    let ran = rcc_in(hostile.path(), &["check"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        !ran.err.contains('\x1b') && !ran.err.contains('\x07'),
        "{:?}",
        ran.err
    );
}

#[test]
fn a_manifest_may_be_missing_but_not_wrong() {
    let without = folder(&[("good.rc", GOOD)]);
    assert_eq!(rcc_in(without.path(), &["check"]).code, Some(0));
    for manifest in [
        &b"name = 3"[..],
        b"nothing",
        b"name = \"Good\"",
        b"name = \"good\"\nedition = 99",
        b"\xff",
        b"name = \"good\"\nmore = 1",
    ] {
        let wrong = folder(&[("good.rc", GOOD), ("rc.toml", manifest)]);
        refused(&rcc_in(wrong.path(), &["check"]), "rc.toml");
    }
}

#[test]
fn damaged_module_files() {
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("ledger.rcm");
    let path = file.to_str().unwrap();
    assert_eq!(rcc(&["build", "examples/ledger", "-o", path]).code, Some(0));
    let good = std::fs::read(&file).unwrap();
    // Any flipped byte breaks the hash at the end.
    for at in [
        4,
        5,
        good.len() / 3,
        good.len() / 2,
        good.len() - 33,
        good.len() - 1,
    ] {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        std::fs::write(&file, &bytes).unwrap();
        refused(&rcc(&["dis", path]), "damaged");
    }
    refused_as(&file, b"RCM1", "module ends");
    refused_as(&file, b"", "not a module file");
    refused_as(&file, b"package ledger", "not a module file");
    refused_as(&file, &good[..good.len() / 2], "damaged");
    refused(&rcc(&["diff", path, "examples/ledger"]), "ledger.rcm");
}

fn refused_as(file: &std::path::Path, bytes: &[u8], text: &str) {
    std::fs::write(file, bytes).unwrap();
    refused(&rcc(&["dis", file.to_str().unwrap()]), text);
}

#[test]
fn the_formatter_leaves_alone_what_does_not_parse() {
    let ugly = b"package good\ncommand   nothing( ) allow anyone {\n}\n";
    let package = folder(&[
        ("broken.rc", b"package good\ncommand (\n"),
        ("ugly.rc", ugly),
        ("bytes.rc", b"\xff"),
    ]);
    let checked = rcc_in(package.path(), &["fmt", "--check"]);
    assert_eq!(checked.code, Some(1));
    assert!(
        checked.out.contains("not formatted: ./ugly.rc"),
        "{checked:?}"
    );
    assert_eq!(std::fs::read(package.path().join("ugly.rc")).unwrap(), ugly);
    let ran = rcc_in(package.path(), &["fmt"]);
    refused(&ran, "2 of 3 files do not parse and were left alone");
    assert_eq!(
        std::fs::read(package.path().join("broken.rc")).unwrap(),
        b"package good\ncommand (\n"
    );
    assert_ne!(std::fs::read(package.path().join("ugly.rc")).unwrap(), ugly);
    assert_eq!(
        rcc_in(package.path(), &["fmt", "--check", "ugly.rc"]).code,
        Some(0)
    );
}

#[test]
fn a_new_package_is_named_by_a_word_that_compiles() {
    let here = folder(&[]);
    for (word, kind) in rc_syntax::WORDS {
        let ran = rcc_in(here.path(), &["new", word]);
        if *kind == rc_syntax::Word::Hard {
            assert!(
                ran.code == Some(1) && ran.err.contains(&format!("`{word}` is a keyword")),
                "{ran:?}"
            );
            assert!(!here.path().join(word).exists(), "{word}");
        } else {
            assert_eq!(ran.code, Some(0), "{ran:?}");
            let checked = rcc_in(here.path(), &["check", word]);
            assert_eq!(checked.code, Some(0), "{word}: {checked:?}");
        }
    }
    let manifest = std::fs::read_to_string(here.path().join("table/rc.toml")).expect("a manifest");
    assert!(manifest.contains("\n# allow = \"anyone\"\n"), "{manifest}");
    std::fs::write(
        here.path().join("table/rc.toml"),
        manifest.replace("# allow", "allow"),
    )
    .expect("a manifest");
    let checked = rcc_in(here.path(), &["check", "table"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}
