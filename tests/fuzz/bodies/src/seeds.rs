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
            let mut folders = vec![root.join("stdlib"), root.join("stdlib/packages")];
            for example in sorted(&root.join("examples"))? {
                folders.extend(example.is_dir().then_some(example));
            }
            for path in in_all(&folders, "rc")? {
                seeds.push(fs::read(path)?);
            }
            // The specification shows each rule of the grammar in a block of its own.
            let spec = root.join("lang-spec");
            for page in in_all(&[spec.clone(), spec.join("errors")], "md")? {
                seeds.extend(blocks(&fs::read_to_string(page)?));
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
    let mut paths = sorted(folder)?;
    paths.retain(|path| path.is_file());
    Ok(paths)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

/// The files of some folders whose names end so.
fn in_all(folders: &[PathBuf], end: &str) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for folder in folders {
        paths.extend(files(folder)?);
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == end));
    Ok(paths)
}

/// The blocks of source in a page.
fn blocks(page: &str) -> Vec<Vec<u8>> {
    let (mut found, mut open) = (Vec::new(), None::<Vec<u8>>);
    for line in page.lines() {
        match &mut open {
            Some(_) if line.starts_with("```") => found.extend(open.take()),
            Some(text) => {
                text.extend_from_slice(line.as_bytes());
                text.push(b'\n');
            }
            None if line.starts_with("```rc") => open = Some(Vec::new()),
            None => {}
        }
    }
    found
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
