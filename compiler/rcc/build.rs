//! Makes the list of explanation pages that `rcc explain` shows, from `lang-spec/errors/`.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../../lang-spec/errors");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut pages: Vec<(String, PathBuf)> = Vec::new();
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        let is_code = name.len() == 5
            && name.starts_with('E')
            && name[1..].bytes().all(|byte| byte.is_ascii_digit());
        if is_code && path.extension().is_some_and(|extension| extension == "md") {
            println!("cargo::rerun-if-changed={}", path.display());
            let path = path.canonicalize().expect("the page is there");
            pages.push((name, path));
        }
    }
    pages.sort();
    let mut text = String::from("&[\n");
    for (name, path) in pages {
        writeln!(
            text,
            "    ({name:?}, include_str!({:?})),",
            path.display().to_string()
        )
        .expect("memory takes text");
    }
    text.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("pages.rs");
    fs::write(out, text).expect("the build's own folder can be written");
}
