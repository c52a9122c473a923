//! A record in the middle of the log that rotted: the server must say where and what to do, and change nothing.

use crate::failure::{Failure, on_files};
use crate::kills::Run;
use crate::log_file;
use crate::server::{Server, Setup, Started};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files that hold what was acknowledged, with their bytes.
fn contents(data: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, Failure> {
    let mut found = BTreeMap::new();
    for folder in ["log", "checkpoint", "events"] {
        for entry in on_files("the data directory", fs::read_dir(data.join(folder)))? {
            let path = on_files("the data directory", entry)?.path();
            if path.is_file() {
                found.insert(path.clone(), on_files("a data file", fs::read(&path))?);
            }
        }
    }
    Ok(found)
}

pub fn run(setup: Setup, seed: u64) -> Result<(), Failure> {
    let mut run = Run::new(setup.clone(), setup.clone(), seed);
    run.some(2)?;
    let log = setup.data.join("log");
    let whole = contents(&setup.data)?;
    let unit = log_file::rot_middle(&log)?;
    let before = contents(&setup.data)?;
    let mut server = Server::start(&setup, None)?;
    let started = server.wait_ready()?;
    let output = server.output_at_end();
    let Started::Ended(status) = started else {
        return Failure::violation(format!("a log with a damaged middle was opened:\n{output}"));
    };
    if status.code() != Some(1) {
        return Failure::violation(format!(
            "a damaged log ends the server with {status}, not exit code 1:\n{output}"
        ));
    }
    let file = unit
        .path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    for part in [file, &format!("at byte {}", unit.position), "estore"] {
        if !output.contains(part) {
            return Failure::violation(format!("the message does not say {part:?}:\n{output}"));
        }
    }
    if contents(&setup.data)? != before {
        return Failure::violation("opening a damaged log changed files");
    }
    println!(
        "  refused, as it should be: {}",
        output.lines().last().unwrap_or_default()
    );
    // Put back as it was, it starts.
    for (path, bytes) in whole {
        on_files("restoring a file", fs::write(path, bytes))?;
    }
    let mut server = Server::start(&setup, None)?;
    server.expect_ready()?;
    server.close()
}
