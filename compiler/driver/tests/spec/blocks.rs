//! The fenced blocks of the specification's pages. Always true: what stands between two fences is one block, to the letter.

use std::fs;
use std::path::{Path, PathBuf};

/// One fenced block.
pub struct Block {
    pub file: String,
    /// Of the file, from 1: the line of the opening fence.
    pub line: usize,
    pub mark: String,
    pub text: String,
}

/// `lang-spec/`.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../lang-spec")
}

/// The pages of a folder, sorted.
pub fn pages_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.sort();
    paths
}

/// The fenced blocks of a page, in order.
pub fn blocks(path: &Path) -> Vec<Block> {
    let text = fs::read_to_string(path).expect("a readable page");
    let file = path
        .file_name()
        .expect("a file")
        .to_string_lossy()
        .into_owned();
    let mut found: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, Some(mark)) => {
                open = Some(Block {
                    file: file.clone(),
                    line: at + 1,
                    mark: mark.trim().to_string(),
                    text: String::new(),
                })
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{file}: a fence without its end");
    found
}
