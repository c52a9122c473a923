//! A package: `.rc` files, sorted by name, what its `rc.toml` says, and the packages that it uses.
//!
//! As texts it is one flat list, in which a used package's files have its name before a slash: `shop.rc`, `rc.toml`,
//! `auth/tokens.rc`, `auth/rc.toml`. Always true: [`Package::texts`] and [`Package::from_texts`] are each other's inverse.

use crate::limits::{FILES_MAX, PACKAGE_BYTES_MAX};
use rc_diagnostics::{Code, codes};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The file in a package's folder that names it.
pub(crate) const MANIFEST: &str = "rc.toml";

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
    /// The text of `rc.toml`, where there is one.
    pub manifest: Option<Vec<u8>>,
    pub files: Vec<SourceText>,
    /// What it uses, itself or through what it uses; sorted by name.
    pub libraries: Vec<Library>,
}

/// A package that another one uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Library {
    pub name: String,
    /// Where it was read from; empty for one that came as text.
    pub folder: PathBuf,
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
    #[error("packages use each other in a circle: {}", names.join(", "))]
    Circle { names: Vec<String> },
    #[error("two packages are named {name}: {} and {}", paths[0].display(), paths[1].display())]
    SameName { name: String, paths: [PathBuf; 2] },
    #[error("{path} is package {found}, and rc.toml calls it {name}")]
    OtherName {
        path: PathBuf,
        name: String,
        found: String,
    },
}

impl LoadError {
    /// The registered code, for tools that show one.
    pub fn code(&self) -> Code {
        match self {
            LoadError::Unreadable { .. } | LoadError::LeadsOut { .. } => codes::UNREADABLE_FILE,
            LoadError::Empty { .. } => codes::EMPTY_PACKAGE,
            LoadError::TooManyFiles { .. } | LoadError::TooLarge => codes::PACKAGE_TOO_LARGE,
            LoadError::Manifest { .. }
            | LoadError::Circle { .. }
            | LoadError::SameName { .. }
            | LoadError::OtherName { .. } => codes::BAD_MANIFEST,
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
    /// Names of packages and where they lie, from this file's folder.
    #[serde(default)]
    uses: BTreeMap<String, String>,
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

    /// A package from texts in memory, in the order of their names. `rc.toml` is the manifest, which
    /// [`Package::apply_manifest`] reads; a name with a slash is a file of the used package before the slash.
    pub fn from_texts(name: &str, texts: impl IntoIterator<Item = (String, String)>) -> Package {
        let mut package = Package {
            name: name.to_string(),
            edition: Package::EDITION,
            ..Package::default()
        };
        let mut libraries: BTreeMap<String, Vec<SourceText>> = BTreeMap::new();
        for (name, text) in texts {
            let bytes = text.into_bytes();
            match name.split_once('/') {
                None if name == MANIFEST => package.manifest = Some(bytes),
                None => package.files.push(SourceText { name, bytes }),
                Some((library, file)) => {
                    let files = libraries.entry(library.to_string()).or_default();
                    if file != MANIFEST {
                        files.push(SourceText { name, bytes });
                    }
                }
            }
        }
        package.files.sort_by(|a, b| a.name.cmp(&b.name));
        for (name, mut files) in libraries {
            files.sort_by(|a, b| a.name.cmp(&b.name));
            package.libraries.push(Library {
                name,
                folder: PathBuf::new(),
                files,
            });
        }
        package
    }

    /// Names and bytes of all files: what a deploy sends.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let own = self.files.iter();
        let used = self.libraries.iter().flat_map(|library| &library.files);
        let files = own
            .chain(used)
            .map(|file| (file.name.as_str(), file.bytes.as_slice()));
        files.chain(self.manifest.as_deref().map(|text| (MANIFEST, text)))
    }

    /// Takes name, edition and default access from the text of an `rc.toml`; gives the packages that it uses, by name.
    pub fn apply_manifest(
        &mut self,
        path: &Path,
        text: &[u8],
    ) -> Result<BTreeMap<String, String>, LoadError> {
        let wrong = |reason: String| LoadError::Manifest {
            path: path.to_path_buf(),
            reason,
        };
        let text = std::str::from_utf8(text).map_err(|_| wrong("is not UTF-8".into()))?;
        let manifest: Manifest = toml::from_str(text)
            .map_err(|error| wrong(error.to_string().trim_end().to_string()))?;
        for name in [&manifest.name].into_iter().chain(manifest.uses.keys()) {
            if !is_package_name(name) {
                return Err(wrong(format!(
                    "`{name}` is no package name; use lower-case letters, digits and `_`"
                )));
            }
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
        self.manifest = Some(text.as_bytes().to_vec());
        Ok(manifest.uses)
    }
}

fn is_package_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
