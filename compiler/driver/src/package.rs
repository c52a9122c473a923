//! A package as it lies in a folder: `.rc` files, sorted by name, and an `rc.toml`.
//!
//! Always true of a loaded one: it is within the limits, every file lies in its folder (no symbolic link leads
//! out), and its order does not depend on the file system.

use crate::limits::{FILES_MAX, MANIFEST_BYTES_MAX, PACKAGE_BYTES_MAX};
use rc_diagnostics::{Code, codes};
use serde::Deserialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// One file's name, as shown, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// What is compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// From `rc.toml`; empty = what the first `package` line says.
    pub name: String,
    /// Of language, prices and standard library together.
    pub edition: u32,
    /// Roles, or `anyone`, for commands and queries that do not say.
    pub default_allow: Option<Vec<String>>,
    pub files: Vec<SourceText>,
}

/// Why a folder is no package.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{path} leads out of the package's folder; copy the file instead of linking it")]
    LeadsOut { path: PathBuf },
    #[error("{path} has no .rc files")]
    Empty { path: PathBuf },
    #[error("a package has at most {FILES_MAX} files, this one has {count}")]
    TooManyFiles { count: usize },
    #[error("a package has at most {PACKAGE_BYTES_MAX} bytes of source")]
    TooLarge,
    #[error("{path}: {reason}")]
    Manifest { path: PathBuf, reason: String },
}

impl LoadError {
    /// The registered code, for tools that show one.
    pub fn code(&self) -> Code {
        match self {
            LoadError::Unreadable { .. } | LoadError::LeadsOut { .. } => codes::UNREADABLE_FILE,
            LoadError::Empty { .. } => codes::EMPTY_PACKAGE,
            LoadError::TooManyFiles { .. } | LoadError::TooLarge => codes::PACKAGE_TOO_LARGE,
            LoadError::Manifest { .. } => codes::BAD_MANIFEST,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    name: String,
    #[serde(default = "first_edition")]
    edition: u32,
    allow: Option<AllowText>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AllowText {
    One(String),
    Several(Vec<String>),
}

fn first_edition() -> u32 {
    Package::EDITION
}

impl Package {
    /// The only edition so far.
    pub const EDITION: u32 = 1;

    /// A package from texts in memory, in the order of their names.
    pub fn from_texts(name: &str, texts: impl IntoIterator<Item = (String, String)>) -> Package {
        let mut files: Vec<SourceText> = texts
            .into_iter()
            .map(|(name, text)| SourceText {
                name,
                bytes: text.into_bytes(),
            })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Package {
            name: name.to_string(),
            edition: Package::EDITION,
            default_allow: None,
            files,
        }
    }

    /// Reads a folder, or a single `.rc` file as a package of its own.
    pub fn load(path: &Path) -> Result<Package, LoadError> {
        let unreadable = |source| LoadError::Unreadable {
            path: path.to_path_buf(),
            source,
        };
        let whole = path.canonicalize().map_err(unreadable)?;
        if whole.is_file() {
            let name = path
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let files = vec![SourceText {
                name,
                bytes: read(&whole, PACKAGE_BYTES_MAX)?,
            }];
            return Ok(Package {
                edition: Package::EDITION,
                files,
                ..Package::default()
            });
        }
        let mut package = Package {
            edition: Package::EDITION,
            ..Package::default()
        };
        let mut names: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(&whole).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "rc") {
                names.push(path);
            }
        }
        if names.is_empty() {
            return Err(LoadError::Empty {
                path: path.to_path_buf(),
            });
        }
        if names.len() > FILES_MAX {
            return Err(LoadError::TooManyFiles { count: names.len() });
        }
        names.sort();
        let mut left = PACKAGE_BYTES_MAX;
        for file in names {
            let bytes = read(&within(&whole, &file)?, left)?;
            left -= bytes.len();
            let name = file
                .file_name()
                .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            package.files.push(SourceText { name, bytes });
        }
        let manifest = whole.join("rc.toml");
        if manifest.exists() {
            let text = read(&within(&whole, &manifest)?, MANIFEST_BYTES_MAX)?;
            package.apply_manifest(&manifest, &text)?;
        }
        Ok(package)
    }

    /// Takes name, edition and default access from the text of an `rc.toml`.
    pub fn apply_manifest(&mut self, path: &Path, text: &[u8]) -> Result<(), LoadError> {
        let wrong = |reason: String| LoadError::Manifest {
            path: path.to_path_buf(),
            reason,
        };
        let text = std::str::from_utf8(text).map_err(|_| wrong("is not UTF-8".into()))?;
        let manifest: Manifest = toml::from_str(text)
            .map_err(|error| wrong(error.to_string().trim_end().to_string()))?;
        let first = manifest.name.chars().next();
        let sound = first.is_some_and(|first| first.is_ascii_lowercase())
            && manifest
                .name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !sound {
            return Err(wrong(format!(
                "`{}` is no package name; use lower-case letters, digits and `_`",
                manifest.name
            )));
        }
        if manifest.edition != Package::EDITION {
            return Err(wrong(format!(
                "edition {} is not known here; this compiler has edition {}",
                manifest.edition,
                Package::EDITION
            )));
        }
        self.name = manifest.name;
        self.edition = manifest.edition;
        self.default_allow = manifest.allow.map(|allow| match allow {
            AllowText::One(role) => vec![role],
            AllowText::Several(roles) => roles,
        });
        Ok(())
    }
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
