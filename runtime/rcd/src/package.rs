//! A package's files as they lie in a folder, read for the compiler.
//!
//! Always true: what is read is what `rcc check` reads, the packages that it uses among it, within the same limits.

use rc_driver::{LoadError, Package};
use rc_gateway::PackageFile;
use std::path::{Path, PathBuf};

/// Why a folder cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("{name} is not UTF-8 from byte {byte}")]
    NotText { name: String, byte: usize },
}

/// The files by name, and the folders that they came from.
pub fn read(folder: &Path) -> Result<(Vec<PackageFile>, Vec<PathBuf>), ReadError> {
    let package = Package::load(folder)?;
    let mut files = Vec::new();
    for (name, bytes) in package.texts() {
        let text = std::str::from_utf8(bytes).map_err(|error| ReadError::NotText {
            name: name.to_string(),
            byte: error.valid_up_to(),
        })?;
        files.push(PackageFile {
            name: name.to_string(),
            text: text.to_string(),
        });
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    let used = package.libraries.into_iter().map(|library| library.folder);
    let folders = std::iter::once(folder.to_path_buf()).chain(used).collect();
    Ok((files, folders))
}
