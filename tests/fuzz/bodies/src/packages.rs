//! Bytes as folders of packages that use each other: links that lead out or nowhere, circles, files that are missing or no
//! files. They are written to a temporary folder, loaded, and what came of it is held against the folders themselves.
//!
//! ```text
//!   bytes ──Plan──► folders on disk ──loader──► Package or LoadError
//!                        └────────── Truth ──────► judged
//! ```
//!
//! Always true of what loads: no byte of it lies outside of its package's folder, no package reaches itself, all that is
//! used is there. Of what does not: the reason given is to be seen in the folders.

mod plan;
mod truth;

use plan::Plan;
use rc_driver::{LoadError, Package, check_only};
use std::path::Path;
use truth::Truth;

/// In each file that lies outside of all packages.
const SECRET: &str = "secret_of_another_place";

/// One input of a fuzzer, any bytes.
pub fn fuzz_one(bytes: &[u8]) {
    fuzz_with(bytes, Package::load);
}

/// The same with another loader in place of the compiler's.
pub fn fuzz_with(bytes: &[u8], load: impl Fn(&Path) -> Result<Package, LoadError>) {
    let plan = Plan::of(bytes);
    // A disk that is full or not writable is no finding.
    let Ok(folder) = tempfile::tempdir() else {
        return;
    };
    let Ok(root) = folder.path().canonicalize() else {
        return;
    };
    if plan.write(&root).is_err() {
        return;
    }
    let first = root.join("p0");
    let truth = Truth::of(&first);
    match load(&first) {
        Ok(package) => {
            judge(&package, &truth);
            round_trip(&package);
            if plan.checked {
                // Whatever its mistakes, they are messages.
                let _ = check_only(&package).diagnostics.len();
            }
        }
        Err(error) => judge_error(&error, &truth),
    }
}

fn judge(package: &Package, truth: &Truth) {
    assert!(!truth.has_circle, "a package that uses itself was loaded");
    let used = package.libraries.iter().flat_map(|library| &library.files);
    for file in package.files.iter().chain(used) {
        let text = String::from_utf8_lossy(&file.bytes);
        assert!(
            !text.contains(SECRET),
            "{} comes from outside of its folder",
            file.name
        );
    }
    let manifest = package.manifest.as_deref().unwrap_or_default();
    assert!(!String::from_utf8_lossy(manifest).contains(SECRET));
    let names: Vec<&str> = package.libraries.iter().map(|one| &*one.name).collect();
    assert!(names.is_sorted(), "used packages have no order: {names:?}");
    let found: Vec<&Path> = package.libraries.iter().map(|one| &*one.folder).collect();
    for folder in &truth.used {
        assert!(
            found.contains(&&**folder),
            "{} is missing",
            folder.display()
        );
    }
    for folder in found {
        assert!(
            truth.used.contains(folder),
            "{} is used by nobody",
            folder.display()
        );
    }
}

/// A package as the list of its texts, which a deploy sends, and back.
fn round_trip(package: &Package) {
    let mut texts = Vec::new();
    for (name, bytes) in package.texts() {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        texts.push((name.to_string(), text.to_string()));
    }
    let again = Package::from_texts(&package.name, texts);
    assert!(again.files == package.files, "texts give other files");
    assert_eq!(again.manifest, package.manifest);
    let libraries = |package: &Package| -> Vec<_> {
        let libraries = package.libraries.iter();
        libraries
            .map(|one| (one.name.clone(), one.files.clone()))
            .collect()
    };
    assert!(
        libraries(&again) == libraries(package),
        "texts give other used packages"
    );
}

fn judge_error(error: &LoadError, truth: &Truth) {
    match error {
        LoadError::Circle { names } => {
            assert!(truth.has_circle, "no circle of {names:?} is there");
            assert!(names.len() > 1 || truth.has_circle, "a circle of nothing");
        }
        LoadError::LeadsOut { path } => {
            let real = path.canonicalize().expect("what leads out leads somewhere");
            let folder = path.parent().expect("a file lies in a folder");
            let folder = folder.canonicalize().expect("the folder is there");
            assert!(!real.starts_with(folder), "{} is inside", path.display());
        }
        LoadError::Empty { path } => {
            let entries = std::fs::read_dir(path).expect("the folder is there");
            let is_source = |path: &Path| path.extension().is_some_and(|end| end == "rc");
            let any = entries.flatten().any(|entry| is_source(&entry.path()));
            assert!(!any, "{} has sources", path.display());
        }
        LoadError::Unreadable { .. }
        | LoadError::TooManyFiles { .. }
        | LoadError::TooLarge
        | LoadError::Manifest { .. }
        | LoadError::SameName { .. }
        | LoadError::OtherName { .. } => {}
    }
    assert!(
        !truth.is_sound(),
        "packages without a fault are refused: {error}"
    );
}
