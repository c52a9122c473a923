//! What is to be seen of the folders without the compiler's loader: which packages are reached from the first, whether one
//! reaches itself, and whether anything is wrong with one of them. Always true: each folder is looked at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// See the file's text. Folders are real paths.
#[derive(Default)]
pub struct Truth {
    /// What is used, by the first or by what it uses.
    pub used: BTreeSet<PathBuf>,
    pub has_circle: bool,
    has_faults: bool,
    /// Names under which each folder is used.
    names: BTreeMap<String, PathBuf>,
}

impl Truth {
    pub fn of(first: &Path) -> Truth {
        let mut truth = Truth::default();
        let mut uses = BTreeMap::new();
        let mut waiting = vec![first.to_path_buf()];
        while let Some(folder) = waiting.pop() {
            if uses.contains_key(&folder) {
                continue;
            }
            let found = truth.look(&folder);
            for (_, used) in &found {
                truth.used.insert(used.clone());
                waiting.push(used.clone());
            }
            uses.insert(folder, found);
        }
        let reaches_itself = |start: &PathBuf| {
            let mut seen = BTreeSet::new();
            let mut waiting = vec![start];
            while let Some(folder) = waiting.pop() {
                for (_, next) in uses.get(folder).into_iter().flatten() {
                    if next == start {
                        return true;
                    }
                    if seen.insert(next) {
                        waiting.push(next);
                    }
                }
            }
            false
        };
        truth.has_circle = uses.keys().any(reaches_itself);
        truth
    }

    /// Whether nothing is wrong with any package that is reached.
    pub fn is_sound(&self) -> bool {
        !self.has_circle && !self.has_faults
    }

    /// What a folder's package uses, by name; notes what is wrong with it.
    fn look(&mut self, folder: &Path) -> Vec<(String, PathBuf)> {
        let Ok(entries) = fs::read_dir(folder) else {
            self.has_faults = true;
            return Vec::new();
        };
        let mut sources = 0;
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_source = path.extension().is_some_and(|end| end == "rc");
            if is_source || path.ends_with("rc.toml") {
                self.has_faults |= !is_file_within(&path, folder);
            }
            sources += u32::from(is_source);
        }
        self.has_faults |= sources == 0;
        let path = folder.join("rc.toml");
        if !path.exists() || !is_file_within(&path, folder) {
            return Vec::new();
        }
        let text = fs::read(&path).unwrap_or_default();
        let manifest = String::from_utf8(text).ok();
        let Some(manifest) = manifest.and_then(|text| text.parse::<toml::Table>().ok()) else {
            self.has_faults = true;
            return Vec::new();
        };
        let is_folders = folder.file_name().is_some_and(|name| {
            manifest.get("name").and_then(toml::Value::as_str) == name.to_str()
        });
        let known = ["name", "uses"];
        let others = manifest.keys().any(|key| !known.contains(&key.as_str()));
        self.has_faults |= !is_folders || others;
        let uses = match manifest.get("uses") {
            None => return Vec::new(),
            Some(toml::Value::Table(uses)) => uses,
            Some(_) => {
                self.has_faults = true;
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for (name, place) in uses {
            let place = place.as_str().map(|place| folder.join(place));
            let Some(real) = place.and_then(|place| place.canonicalize().ok()) else {
                self.has_faults = true;
                continue;
            };
            // A package that is used under another name than its folder's is one under two names.
            self.has_faults |= real.file_name().and_then(|last| last.to_str()) != Some(name);
            let first = self.names.entry(name.clone()).or_insert(real.clone());
            self.has_faults |= *first != real;
            found.push((name.clone(), real));
        }
        found
    }
}

/// Whether it is a regular file that lies in the folder, links followed.
fn is_file_within(path: &Path, folder: &Path) -> bool {
    let real = path.canonicalize();
    real.is_ok_and(|real| real.is_file() && real.starts_with(folder))
}
