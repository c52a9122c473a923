//! Damage done by hand to the log of a stopped server, by its documented format.

use crate::failure::{Failure, on_files};
use rc_log::{SegmentImage, read_segment_bytes};
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes at the start of a unit that a torn write leaves as they were written.
const KEPT_BYTES: usize = 100;

/// A write unit's place.
#[derive(Clone, Debug)]
pub struct Unit {
    pub path: PathBuf,
    pub position: usize,
    pub bytes: usize,
}

/// All units of all segments, oldest first.
pub fn units(log: &Path) -> Result<Vec<Unit>, Failure> {
    let mut found = Vec::new();
    for entry in on_files("the log folder", fs::read_dir(log))? {
        let path = on_files("the log folder", entry)?.path();
        if path.extension().is_none_or(|extension| extension != "log") {
            continue;
        }
        let bytes = on_files("a log segment", fs::read(&path))?;
        let Ok(SegmentImage { header, units, .. }) = read_segment_bytes(&bytes) else {
            continue;
        };
        let Some(active) = header.active else {
            continue;
        };
        for (position, unit) in units {
            let place = Unit {
                path: path.clone(),
                position: position as usize,
                bytes: unit.unit_bytes,
            };
            found.push((active.segment, place));
        }
    }
    found.sort_by_key(|(segment, unit)| (*segment, unit.position));
    Ok(found.into_iter().map(|(_, unit)| unit).collect())
}

/// Makes the last unit one that was not written whole.
pub fn tear_last(log: &Path) -> Result<(), Failure> {
    match units(log)?.last() {
        Some(unit) => change(unit, |bytes| bytes[KEPT_BYTES..].fill(0)),
        None => Failure::trouble("the log has no unit to tear"),
    }
}

/// Changes one byte in the body of a unit that has several after it.
pub fn rot_middle(log: &Path) -> Result<Unit, Failure> {
    let units = units(log)?;
    if units.len() < 5 {
        return Failure::trouble(format!(
            "the log has {} units, too few for a middle",
            units.len()
        ));
    }
    let unit = units[units.len() / 2].clone();
    change(&unit, |bytes| bytes[KEPT_BYTES] ^= 0x10)?;
    Ok(unit)
}

fn change(unit: &Unit, change: impl FnOnce(&mut [u8])) -> Result<(), Failure> {
    let mut bytes = on_files("a log segment", fs::read(&unit.path))?;
    change(&mut bytes[unit.position..unit.position + unit.bytes]);
    on_files("a log segment", fs::write(&unit.path, bytes))
}
