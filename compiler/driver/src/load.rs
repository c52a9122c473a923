//! A package from a folder, with the packages that it uses.
//!
//! Always true of a loaded one: all of it is within the limits, every file lies in its package's folder (no symbolic link
//! leads out), each used package is there once however many use it, none uses itself by a detour, and nothing depends on
//! the order in which the file system lists.

use crate::limits::{FILES_MAX, MANIFEST_BYTES_MAX, PACKAGE_BYTES_MAX};
use crate::package::{Library, LoadError, MANIFEST, Package, SourceText};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

impl Package {
    /// Reads a folder, or a single `.rc` file as a package of its own.
    pub fn load(path: &Path) -> Result<Package, LoadError> {
        let whole = path
            .canonicalize()
            .map_err(|source| unreadable(path, source))?;
        if whole.is_file() {
            let name = file_name(path);
            let bytes = read(&whole, PACKAGE_BYTES_MAX)?;
            return Ok(Package {
                edition: Package::EDITION,
                files: vec![SourceText { name, bytes }],
                ..Package::default()
            });
        }
        let mut loading = Loading {
            bytes_left: PACKAGE_BYTES_MAX,
            files: 0,
            found: BTreeMap::new(),
            open: Vec::new(),
        };
        let mut package = loading.folder(&whole, "")?;
        package.libraries = loading.found.into_values().collect();
        Ok(package)
    }
}

struct Loading {
    bytes_left: usize,
    files: usize,
    /// Used packages by name.
    found: BTreeMap<String, Library>,
    /// Packages that are being read, outermost first.
    open: Vec<(String, PathBuf)>,
}

impl Loading {
    /// Reads a folder's files and what its manifest says; `prefix` stands before the names of a used package's files.
    fn folder(&mut self, whole: &Path, prefix: &str) -> Result<Package, LoadError> {
        let mut package = Package {
            edition: Package::EDITION,
            ..Package::default()
        };
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(whole).map_err(|source| unreadable(whole, source))? {
            let path = entry.map_err(|source| unreadable(whole, source))?.path();
            if path.extension().is_some_and(|extension| extension == "rc") {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            return Err(LoadError::Empty {
                path: whole.to_path_buf(),
            });
        }
        self.files += paths.len();
        if self.files > FILES_MAX {
            return Err(LoadError::TooManyFiles { count: self.files });
        }
        paths.sort();
        for path in paths {
            let bytes = read(&within(whole, &path)?, self.bytes_left)?;
            self.bytes_left -= bytes.len();
            let name = format!("{prefix}{}", file_name(&path));
            package.files.push(SourceText { name, bytes });
        }
        let manifest = whole.join(MANIFEST);
        if manifest.exists() {
            let text = read(&within(whole, &manifest)?, MANIFEST_BYTES_MAX)?;
            let uses = package.apply_manifest(&manifest, &text)?;
            self.open.push((package.name.clone(), whole.to_path_buf()));
            for (name, place) in uses {
                self.library(&name, &whole.join(place))?;
            }
            self.open.pop();
        }
        Ok(package)
    }

    fn library(&mut self, name: &str, path: &Path) -> Result<(), LoadError> {
        let whole = path
            .canonicalize()
            .map_err(|source| unreadable(path, source))?;
        if let Some(first) = self.open.iter().position(|(_, open)| *open == whole) {
            let mut names: Vec<String> = self.open[first..]
                .iter()
                .map(|(name, _)| name.clone())
                .collect();
            names.push(name.to_string());
            return Err(LoadError::Circle { names });
        }
        if let Some(known) = self.found.get(name) {
            return match known.folder == whole {
                true => Ok(()),
                false => Err(LoadError::SameName {
                    name: name.to_string(),
                    paths: [known.folder.clone(), whole],
                }),
            };
        }
        let package = self.folder(&whole, &format!("{name}/"))?;
        if !package.name.is_empty() && package.name != name {
            return Err(LoadError::OtherName {
                path: whole,
                name: name.to_string(),
                found: package.name,
            });
        }
        let library = Library {
            name: name.to_string(),
            folder: whole,
            files: package.files,
        };
        self.found.insert(name.to_string(), library);
        Ok(())
    }
}

fn unreadable(path: &Path, source: io::Error) -> LoadError {
    LoadError::Unreadable {
        path: path.to_path_buf(),
        source,
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// The real path of a file, if it lies in the folder.
fn within(folder: &Path, file: &Path) -> Result<PathBuf, LoadError> {
    let real = file
        .canonicalize()
        .map_err(|source| LoadError::Unreadable {
            path: file.to_path_buf(),
            source,
        })?;
    if real.starts_with(folder) {
        Ok(real)
    } else {
        Err(LoadError::LeadsOut {
            path: file.to_path_buf(),
        })
    }
}

/// Reads a regular file of at most `limit` bytes.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, LoadError> {
    let unreadable = |source| LoadError::Unreadable {
        path: path.to_path_buf(),
        source,
    };
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(unreadable(io::Error::other("not a regular file")));
    }
    if about.len() > limit as u64 {
        return Err(LoadError::TooLarge);
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    if bytes.len() > limit {
        Err(LoadError::TooLarge)
    } else {
        Ok(bytes)
    }
}
