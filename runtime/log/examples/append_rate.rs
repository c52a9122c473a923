//! Prints how many write units a second the log makes durable on a real folder (the argument, else a temporary one), and
//! how fast it is read back. The ways of writing take turns, so that a busy neighbour disturbs them alike; the best and
//! the median of nine turns are printed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rc_log::{EntryId, EntryKind, EntryRef, Log, Options, RealDisk};

type Failure = Box<dyn std::error::Error>;
type OpenDisk = fn(PathBuf) -> std::io::Result<RealDisk>;

const TURNS: usize = 9;
const TURN: Duration = Duration::from_millis(400);
const WAYS: [(&str, OpenDisk); 2] = [
    ("direct", |folder| RealDisk::open(folder)),
    ("fdatasync", |folder| RealDisk::open_without_direct(folder)),
];

fn main() -> Result<(), Failure> {
    let folder = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("rc-log-append-rate-{}", std::process::id()));
    let load = || std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "folder {}, load average {}",
        folder.display(),
        load().trim()
    );
    for unit_bytes in [4 << 10, 64 << 10, 256 << 10, 1 << 20] {
        let mut logs = Vec::new();
        for (name, open) in WAYS {
            let (log, recovery) =
                Log::open(Arc::new(open(folder.join(name))?), Options::default())?;
            logs.push((name, log, recovery.syncing, 0, Vec::new()));
        }
        for _ in 0..TURNS {
            for (_, log, _, index, turns) in &mut logs {
                turns.push(turn(log, unit_bytes, index)?);
            }
        }
        for (name, _, syncing, _, turns) in &mut logs {
            turns.sort_by(|a: &Turn, b| a.rate.total_cmp(&b.rate));
            let (best, median) = (&turns[TURNS - 1], &turns[TURNS / 2]);
            println!(
                "{:4} KiB {name:9}  best {:6.0} units/s {:5.0} MB/s, append {:5} µs   median turn {:6.0} units/s, append {:5} µs   {syncing:?}",
                unit_bytes >> 10,
                best.rate,
                best.rate * unit_bytes as f64 / 1e6,
                best.append_us,
                median.rate,
                median.append_us,
            );
        }
        drop(logs);
        std::fs::remove_dir_all(&folder)?;
    }
    read_back(&folder)?;
    println!("load average {}", load().trim());
    Ok(())
}

struct Turn {
    rate: f64,
    append_us: u128,
}

fn turn(log: &mut Log, unit_bytes: usize, index: &mut u64) -> Result<Turn, Failure> {
    let payload = vec![0x5A; unit_bytes - 88 - 13];
    let mut times = Vec::new();
    let start = Instant::now();
    while start.elapsed() < TURN {
        let began = Instant::now();
        log.append(&[EntryRef {
            term: 1,
            index: *index,
            kind: EntryKind::COMMANDS,
            payload: &payload,
        }])?;
        times.push(began.elapsed());
        *index += 1;
        // As after a checkpoint: segments are reused from here on.
        if (*index * unit_bytes as u64).is_multiple_of(128 << 20) {
            log.purge_to(EntryId {
                term: 1,
                index: *index - 1,
            })?;
        }
    }
    let rate = times.len() as f64 / start.elapsed().as_secs_f64();
    times.sort();
    Ok(Turn {
        rate,
        append_us: times[times.len() / 2].as_micros(),
    })
}

fn read_back(folder: &Path) -> Result<(), Failure> {
    let (mut log, _) = Log::open(Arc::new(RealDisk::open(folder)?), Options::default())?;
    let payload = vec![0x5A; 64 << 10];
    let bytes = 512u64 << 20;
    for index in 0..bytes / payload.len() as u64 {
        log.append(&[EntryRef {
            term: 1,
            index,
            kind: EntryKind::COMMANDS,
            payload: &payload,
        }])?;
    }
    drop(log);
    let start = Instant::now();
    let (log, _) = Log::open(Arc::new(RealDisk::open(folder)?), Options::default())?;
    let opened = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let read: u64 = log
        .entries_from(0)
        .map(|entry| entry.map(|entry| entry.payload.len() as u64))
        .sum::<Result<_, _>>()?;
    let iterated = start.elapsed().as_secs_f64();
    println!(
        "recovery of {} MiB in units of 64 KiB: {opened:.2} s ({:.0} MB/s); reading all entries: {:.0} MB/s",
        bytes >> 20,
        bytes as f64 / opened / 1e6,
        read as f64 / iterated / 1e6,
    );
    drop(log);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
