//! Lists the standard library's files, sorted by name, so that every one of them is embedded: the containers in
//! `stdlib/`, and the packages that a program asks for by `use std.x` in `stdlib/packages/`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn main() {
    let folder = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../../stdlib");
    embed(&folder, "stdlib.rs");
    embed(&folder.join("packages"), "packages.rs");
}

fn embed(folder: &Path, into: &str) {
    println!("cargo::rerun-if-changed={}", folder.display());
    let entries = std::fs::read_dir(folder).expect("the folder stdlib/ stands beside compiler/");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rc"));
    files.sort();
    let mut list = String::from("&[\n");
    for path in files {
        let path = path.canonicalize().expect("a file that was just listed");
        let module = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("names of modules are ASCII");
        writeln!(list, "    ({module:?}, include_str!({path:?})),")
            .expect("strings take what is written");
        println!("cargo::rerun-if-changed={}", path.display());
    }
    list.push_str("]\n");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it")).join(into);
    std::fs::write(out, list).expect("the output folder is writable");
}
