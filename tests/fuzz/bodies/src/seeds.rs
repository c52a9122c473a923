//! What the stable run starts from: the corpus in the tree, and what only code can make in the present formats.

use rc_log::{EntryId, EntryKind, EntryRef, Honesty, Log, Options, SimulatedDisk};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The corpus of a target in this tree.
pub fn corpus_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../corpus")
        .join(name)
}

/// All inputs that a target starts from, the corpus's by file name first.
pub fn seeds(name: &str) -> io::Result<Vec<Vec<u8>>> {
    let mut seeds = Vec::new();
    for path in files(&corpus_folder(name))? {
        seeds.push(fs::read(path)?);
    }
    match name {
        "parse" | "format" => {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
            for folder in ["stdlib", "examples/ledger"] {
                for path in files(&root.join(folder))? {
                    if path.extension().is_some_and(|extension| extension == "rc") {
                        seeds.push(fs::read(path)?);
                    }
                }
            }
        }
        "verifier" => {
            for seed in 0..16u64 {
                for mode in [2, 3] {
                    let mut input = vec![mode];
                    input.extend(seed.to_le_bytes());
                    input.extend([1, seed as u8 * 7, 0, 3]);
                    seeds.push(input);
                }
            }
        }
        "log_reader" => seeds.push(segment()),
        _ => {}
    }
    Ok(seeds)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    paths.retain(|path| path.is_file());
    paths.sort();
    Ok(paths)
}

/// A log segment as the log writes it: entries of several lengths and terms, a truncation, a purge.
pub fn segment() -> Vec<u8> {
    let disk = SimulatedDisk::new(1, Honesty::FULL);
    let options = Options {
        segment_bytes: rc_log::limits::SEGMENT_BYTES_MIN,
        spare_segments: 0,
        prepare_in_background: false,
        identity: Some(1),
        ..Options::default()
    };
    let (mut log, _) =
        Log::open(Arc::new(disk.clone()), options).expect("a simulated disk does not fail");
    for index in 1..4 {
        let payload = vec![index as u8; 30 * index as usize];
        let entry = EntryRef {
            term: 1 + index / 3,
            index,
            kind: EntryKind::COMMANDS,
            payload: &payload,
        };
        log.append(&[entry]).expect("three entries fit");
    }
    log.truncate_from(3).expect("a truncation fits");
    log.purge_to(EntryId { term: 1, index: 1 })
        .expect("a purge fits");
    disk.contents("segment-00000001.log")
        .expect("the first segment is there")
}
