//! The two copies of the superblock in their directory.
//! Each is written under another name, synced, put in place by rename, and the directory synced: a copy is the old or
//! the new one, whole. The second is written after the first is durable, so at any time one good copy exists.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use rc_canvas::{StoreError, Superblock, choose_superblock};

const NAMES: [&str; 2] = ["superblock.first", "superblock.second"];
const STEPS: [[&str; 4]; 2] = [
    [
        "writing the first superblock",
        "finishing the first superblock",
        "renaming the first superblock",
        "syncing the directory after the first superblock",
    ],
    [
        "writing the second superblock",
        "finishing the second superblock",
        "renaming the second superblock",
        "syncing the directory after the second superblock",
    ],
];

/// Why a superblock was not written, and whether a retry may be made.
pub(crate) struct CommitFailure {
    pub(crate) error: StoreError,
    /// Nothing of the new superblock can ever be read.
    pub(crate) is_harmless: bool,
}

/// The system's error in the store's words.
pub(crate) fn store_error(operation: &'static str, error: &io::Error) -> StoreError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { operation },
        _ => StoreError::Io {
            operation,
            detail: error.to_string(),
        },
    }
}

/// The superblock that counts, or `None` before the first checkpoint.
pub(crate) fn read(directory: &Path) -> Result<Option<Superblock>, StoreError> {
    let mut copies = [None, None];
    for (copy, name) in copies.iter_mut().zip(NAMES) {
        *copy = match fs::read(directory.join(name)) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(store_error("reading the superblock", &error)),
        };
    }
    let [first, second] = &copies;
    Ok(choose_superblock([first.as_deref(), second.as_deref()])?)
}

/// Makes `bytes` the superblock, durably. `step` is told of each step before it is taken.
pub(crate) fn write(
    directory: &Path,
    bytes: &[u8],
    step: &mut dyn FnMut(&'static str) -> Result<(), StoreError>,
) -> Result<(), CommitFailure> {
    for (copy, (name, steps)) in NAMES.into_iter().zip(STEPS).enumerate() {
        let target = directory.join(name);
        let draft = directory.join(format!("{name}.new"));
        write_draft(&draft, bytes, steps, step).map_err(|(error, is_sync)| CommitFailure {
            error,
            // A failed sync says nothing about what reached the disk, and is never tried again.
            is_harmless: copy == 0 && !is_sync,
        })?;
        let mut place = || {
            step(steps[2])?;
            fs::rename(&draft, &target).map_err(|error| store_error(steps[2], &error))?;
            step(steps[3])?;
            sync_directory(directory)
        };
        place().map_err(|error| CommitFailure {
            error,
            is_harmless: false,
        })?;
    }
    Ok(())
}

/// On error also says whether it was the sync that failed.
fn write_draft(
    draft: &PathBuf,
    bytes: &[u8],
    steps: [&'static str; 4],
    step: &mut dyn FnMut(&'static str) -> Result<(), StoreError>,
) -> Result<(), (StoreError, bool)> {
    let failed = |error: io::Error| (store_error(steps[0], &error), false);
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    step(steps[0]).map_err(|error| (error, false))?;
    let mut file = File::create(draft).map_err(failed)?;
    file.write_all(head).map_err(failed)?;
    step(steps[1]).map_err(|error| (error, false))?;
    file.write_all(tail).map_err(failed)?;
    file.sync_all()
        .map_err(|error| (store_error("syncing the superblock", &error), true))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    let synced = File::open(directory).and_then(|opened| opened.sync_all());
    synced.map_err(|error| store_error("syncing the directory", &error))
}
