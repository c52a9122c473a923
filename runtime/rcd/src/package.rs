//! A package's files as they lie in a folder, read for the compiler.
//!
//! Always true: only regular files directly in the folder; names are plain; sizes are bounded before reading.

use rc_gateway::PackageFile;
use std::fs;
use std::io;
use std::path::Path;

/// Bytes of all files of a package at most.
const PACKAGE_BYTES_MAX: u64 = 16 << 20;

/// The `.rc` files and `rc.toml`, by name.
pub fn read(folder: &Path) -> io::Result<Vec<PackageFile>> {
    let mut files = Vec::new();
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_string) else {
            continue;
        };
        if !(name.ends_with(".rc") || name == "rc.toml") || name.starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_symlink() {
            return Err(io::Error::other(format!(
                "{name} is a symbolic link: packages hold regular files"
            )));
        }
        total += entry.metadata()?.len();
        if total > PACKAGE_BYTES_MAX {
            return Err(io::Error::other(format!(
                "the package is larger than {PACKAGE_BYTES_MAX} bytes"
            )));
        }
        let bytes = fs::read(entry.path())?;
        let text = String::from_utf8(bytes).map_err(|error| {
            io::Error::other(format!(
                "{name} is not UTF-8 from byte {}",
                error.utf8_error().valid_up_to()
            ))
        })?;
        files.push(PackageFile { name, text });
    }
    if !files.iter().any(|file| file.name.ends_with(".rc")) {
        return Err(io::Error::other(format!(
            "{} has no .rc files",
            folder.display()
        )));
    }
    files.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(files)
}
