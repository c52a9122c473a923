//! Packages that use packages: found, told apart, refused with the reason; as texts and back.

use rc_driver::{LoadError, Package, STD_PACKAGES, check_only};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

const MONEY: &str = "package money\n\nstruct Price { cents: u64 }\n\nerror Money { Mixed }\n\nconst ROUND: u64 = 100\n\n\
                     fn rounded(price: Price) -> Price { Price { cents: price.cents / ROUND * ROUND } }\n\n\
                     test \"its own\" { assert rounded(Price { cents: 199 }).cents == 100 }\n";

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
    fs::write(path, text).expect("a writable folder");
}

/// A folder with packages, each a name and the text of its one file; `uses` are lines of its `rc.toml`.
fn packages(texts: &[(&str, &str, &[&str])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text, uses) in texts {
        write(folder.path(), &format!("{name}/{name}.rc"), text);
        let uses: String = uses
            .iter()
            .map(|used| format!("{used} = \"../{used}\"\n"))
            .collect();
        let manifest = format!("name = \"{name}\"\nallow = \"anyone\"\n\n[uses]\n{uses}");
        write(folder.path(), &format!("{name}/rc.toml"), &manifest);
    }
    folder
}

fn messages(package: &Package) -> Vec<String> {
    let checked = check_only(package);
    let line = |diagnostic: &rc_diagnostics::Diagnostic| {
        let span = diagnostic.primary.span;
        let file = checked.sources.file(span.file);
        let at = file.position(span.start).line;
        format!(
            "{}:{at} {} {}",
            file.name, diagnostic.code, diagnostic.message
        )
    };
    checked.diagnostics.iter().map(line).collect()
}

fn shop(text: &str) -> Package {
    let texts = [("shop.rc", text), ("money/money.rc", MONEY)];
    let texts = texts.map(|(name, text)| (name.to_string(), text.to_string()));
    Package::from_texts("shop", texts)
}

#[test]
fn names_come_bare_and_with_their_package() {
    let body = "fn a(price: Price) -> u64 fails Money {\n    money.rounded(price).cents + rounded(price).cents\n}\n\nquery b(cents: u64) -> u64 allow anyone { a(Price { cents }) }\n";
    for uses in [
        "use money",
        "use money.Price\nuse money.rounded\nuse money.Money",
    ] {
        let text = format!(
            "package shop\n\n{uses}\n\n{}",
            body.replace(" fails Money", "")
        );
        assert_eq!(messages(&shop(&text)), Vec::<String>::new(), "{uses}");
    }
    let bare = format!("package shop\n\n{}", body.replace(" fails Money", ""));
    let first = messages(&shop(&bare));
    assert!(
        first[0].contains("there is no type `Price`"),
        "what is not used is not known: {first:?}"
    );
}

#[test]
fn what_cannot_be_meant_is_said() {
    let cases = [
        (
            "use mony",
            "shop.rc:3 E0209 there is no package `mony` here",
        ),
        ("use money.Prize", "shop.rc:3 E0209 `money` has no `Prize`"),
        (
            "use std.token_buket",
            "shop.rc:3 E0209 the standard library has no `token_buket`",
        ),
        ("use std", "shop.rc:3 E0209 `use std` names no package"),
        (
            "use money\n\nstruct Price { n: u8 }",
            "shop.rc:5 E0206 `Price` is declared here and in `money`, which is used",
        ),
    ];
    for (text, wanted) in cases {
        assert_eq!(
            messages(&shop(&format!("package shop\n\n{text}\n"))),
            [wanted],
            "{text}"
        );
    }
}

#[test]
fn data_is_not_brought_along() {
    let texts = [
        ("shop.rc", "package shop\n\nuse money\n"),
        (
            "money/money.rc",
            "package money\n\nstate n: u64\n\ntable T {\n    key id: u64\n}\n\nquery q() -> u64 { 1 }\n",
        ),
        ("money/other.rc", "package cash\n"),
    ];
    let package = Package::from_texts(
        "shop",
        texts.map(|(name, text)| (name.to_string(), text.to_string())),
    );
    let expected = [
        "money/money.rc:3 E0221 `money` cannot be used by another package: it has states",
        "money/money.rc:5 E0221 `money` cannot be used by another package: it has tables",
        "money/money.rc:9 E0221 `money` cannot be used by another package: it has commands, queries or reports",
        "money/other.rc:1 E0210 this file says package `cash`, and is used as `money`",
    ];
    assert_eq!(messages(&package), expected);
}

#[test]
fn folders_are_followed_once_each() {
    let left = "package left\n\nuse money\n\nfn left(price: Price) -> Price { rounded(price) }\n";
    let right =
        "package right\n\nuse money\n\nfn right(price: Price) -> Price { rounded(price) }\n";
    let top = "package top\n\nuse left\nuse right\nuse money.Price\n\nquery q(cents: u64) -> u64 { right(left(Price { cents })).cents }\n";
    let folder = packages(&[
        ("money", MONEY, &[]),
        ("left", left, &["money"]),
        ("right", right, &["money"]),
        ("top", top, &["left", "right"]),
    ]);
    let package = Package::load(&folder.path().join("top")).expect("a package");
    let names: Vec<&str> = package
        .libraries
        .iter()
        .map(|library| library.name.as_str())
        .collect();
    assert_eq!(names, ["left", "money", "right"]);
    assert_eq!(messages(&package), Vec::<String>::new());
    // What a deploy sends compiles to the same.
    let texts = package.texts().map(|(name, bytes)| {
        (
            name.to_string(),
            String::from_utf8_lossy(bytes).into_owned(),
        )
    });
    let mut sent = Package::from_texts("", texts);
    let manifest = sent.manifest.take().expect("the manifest was sent");
    sent.apply_manifest(Path::new("rc.toml"), &manifest)
        .expect("a sound manifest");
    let module = |package: &Package| {
        rc_driver::compile(package)
            .lowered
            .expect("it compiles")
            .module
    };
    assert_eq!(
        rc_bytecode::encode(&module(&sent)),
        rc_bytecode::encode(&module(&package))
    );
}

#[test]
fn what_is_no_package_says_why() {
    let circle = packages(&[
        ("a", "package a\n", &["b"]),
        ("b", "package b\n", &["c"]),
        ("c", "package c\n", &["b"]),
    ]);
    let error = Package::load(&circle.path().join("a")).expect_err("a circle");
    assert_eq!(
        error.to_string(),
        "packages use each other in a circle: b, c, b"
    );

    let missing = packages(&[("a", "package a\n", &["nowhere"])]);
    let error = Package::load(&missing.path().join("a")).expect_err("a missing folder");
    assert!(matches!(error, LoadError::Unreadable { .. }), "{error}");

    let renamed = packages(&[("a", "package a\n", &[]), ("b", "package b\n", &[])]);
    write(
        renamed.path(),
        "a/rc.toml",
        "name = \"a\"\n\n[uses]\nc = \"../b\"\n",
    );
    let error = Package::load(&renamed.path().join("a")).expect_err("another name");
    assert!(
        error
            .to_string()
            .ends_with("is package b, and rc.toml calls it c"),
        "{error}"
    );

    let upper = packages(&[("a", "package a\n", &[])]);
    write(
        upper.path(),
        "a/rc.toml",
        "name = \"a\"\n\n[uses]\n\"../b\" = \"../b\"\n",
    );
    let error = Package::load(&upper.path().join("a")).expect_err("a path as a name");
    assert!(
        error.to_string().contains("`../b` is no package name"),
        "{error}"
    );

    let linked = packages(&[("a", "package a\n", &["b"]), ("b", "package b\n", &[])]);
    write(linked.path(), "secret.rc", "package b\n");
    symlink(
        linked.path().join("secret.rc"),
        linked.path().join("b/c.rc"),
    )
    .expect("a link");
    let error = Package::load(&linked.path().join("a")).expect_err("a link that leads out");
    assert!(matches!(error, LoadError::LeadsOut { .. }), "{error}");
}

#[test]
fn each_package_of_the_standard_library_compiles_alone_and_used() {
    for (name, text) in STD_PACKAGES {
        let alone = Package::from_texts("", [(format!("{name}.rc"), text.to_string())]);
        assert_eq!(messages(&alone), Vec::<String>::new(), "{name}");
        assert!(
            text.contains("\ntest \"") || text.contains("\nproperty \""),
            "{name} has a test"
        );
        let user = Package::from_texts(
            "user",
            [(
                "user.rc".to_string(),
                format!("package user\n\nuse std.{name}\n"),
            )],
        );
        assert_eq!(messages(&user), Vec::<String>::new(), "use std.{name}");
    }
    assert!(!STD_PACKAGES.is_empty());
}
