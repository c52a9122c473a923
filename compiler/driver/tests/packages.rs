//! Packages from folders, and what the pipeline promises about them.

use rc_driver::{LoadError, Options, Package, check_only, compile_with};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("a writable folder");
}

fn messages(package: &Package) -> Vec<String> {
    check_only(package)
        .diagnostics
        .iter()
        .map(|diagnostic| format!("{} {}", diagnostic.code, diagnostic.message))
        .collect()
}

#[test]
fn a_folder_is_loaded_in_the_order_of_names() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        "b.rc",
        "package shop\n\nquery two() -> u64 { one_more(1) }\n",
    );
    write(
        folder.path(),
        "a.rc",
        "package shop\n\nfn one_more(n: u64) -> u64 { n + 1 }\n",
    );
    write(folder.path(), "notes.txt", "not source");
    write(
        folder.path(),
        "rc.toml",
        "name = \"shop\"\nedition = 1\nallow = \"anyone\"\n",
    );
    let package = Package::load(folder.path()).expect("a package");
    assert_eq!(
        package
            .files
            .iter()
            .map(|file| file.name.as_str())
            .collect::<Vec<_>>(),
        ["a.rc", "b.rc"]
    );
    assert_eq!(package.default_allow, Some(vec!["anyone".to_string()]));
    assert_eq!(messages(&package), Vec::<String>::new());
    assert_eq!(check_only(&package).program.package, "shop");
}

#[test]
fn a_link_that_leads_out_is_refused() {
    let (folder, other) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("another"),
    );
    write(other.path(), "secret.rc", "package shop\n");
    write(folder.path(), "a.rc", "package shop\n");
    symlink(other.path().join("secret.rc"), folder.path().join("b.rc")).expect("a link");
    assert!(matches!(
        Package::load(folder.path()),
        Err(LoadError::LeadsOut { .. })
    ));
}

#[test]
fn what_is_no_package_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(
        Package::load(&folder.path().join("missing")),
        Err(LoadError::Unreadable { .. })
    ));
    assert!(matches!(
        Package::load(folder.path()),
        Err(LoadError::Empty { .. })
    ));
    write(folder.path(), "a.rc", "package shop\n");
    write(
        folder.path(),
        "rc.toml",
        "name = \"shop\"\ncolour = \"red\"\n",
    );
    let error = Package::load(folder.path()).expect_err("an unknown field");
    assert!(error.to_string().contains("colour"), "{error}");
    write(folder.path(), "rc.toml", "name = \"../shop\"\n");
    assert!(matches!(
        Package::load(folder.path()),
        Err(LoadError::Manifest { .. })
    ));
    write(folder.path(), "rc.toml", "name = \"shop\"\nedition = 7\n");
    assert!(matches!(
        Package::load(folder.path()),
        Err(LoadError::Manifest { .. })
    ));
}

#[test]
fn mistakes_of_the_package_are_diagnostics() {
    let empty = Package::from_texts("shop", []);
    assert_eq!(messages(&empty), ["E0704 this package has no source files"]);
    let wrong = Package::from_texts("shop", [("a.rc".to_string(), "package shoe\n".to_string())]);
    assert!(
        messages(&wrong)[0].starts_with("E0210"),
        "{:?}",
        messages(&wrong)
    );
    let bytes = Package {
        files: vec![rc_driver::SourceText {
            name: "a.rc".into(),
            bytes: vec![0xff, 0xfe],
        }],
        ..Package::default()
    };
    assert!(
        messages(&bytes)[0].starts_with("E0107"),
        "{:?}",
        messages(&bytes)
    );
}

const LEDGER: &str = include_str!("../../check/tests/ledger.rc");

#[test]
fn the_ledger_compiles_and_twice_the_same() {
    let package = Package::from_texts("ledger", [("ledger.rc".to_string(), LEDGER.to_string())]);
    let module = |with_tests| {
        let compiled = compile_with(
            &package,
            Options {
                with_tests,
                ..Options::default()
            },
        );
        let shown: Vec<String> = compiled
            .diagnostics
            .iter()
            .map(|diagnostic| format!("{} {}", diagnostic.code, diagnostic.message))
            .collect();
        assert_eq!(shown, Vec::<String>::new());
        rc_bytecode::encode(
            &compiled
                .lowered
                .expect("no diagnostics, so a module")
                .module,
        )
    };
    assert_eq!(module(false), module(false));
    assert_eq!(module(true), module(true));
}

#[test]
fn one_mistake_gives_one_message() {
    for body in [
        "let b = a +* 2\n b",
        "if a = 1 { 2 } else { 3 }",
        "return a +* 2",
        "let euro = 5 § 2\n euro",
    ] {
        let text = format!(
            "package p\nquery one(a: u64) -> u64 allow anyone {{\n {body}\n}}\nquery two() -> u64 allow anyone {{ 1 }}\n"
        );
        let compiled = rc_driver::compile(&rc_driver::Package::from_texts(
            "p",
            [("p.rc".to_string(), text)],
        ));
        let codes: Vec<String> = compiled
            .diagnostics
            .iter()
            .map(|found| found.code.to_string())
            .collect();
        assert_eq!(codes.len(), 1, "{body}: {codes:?}");
    }
    // A mistake elsewhere is still told.
    let text = "package p\nquery one() -> u64 allow anyone {\n 1 +* 2\n}\nquery two() -> u64 allow anyone { true }\n";
    let compiled = rc_driver::compile(&rc_driver::Package::from_texts(
        "p",
        [("p.rc".to_string(), text.to_string())],
    ));
    assert_eq!(compiled.diagnostics.len(), 2);
}
