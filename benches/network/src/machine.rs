//! What a figure depends on, printed above it: CPU, load, file system, what one sync costs; and samples summed up.

use crate::Fallible;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Clock ticks of `/proc/PID/stat` per second: 100 on every Linux of today.
const TICKS_PER_SECOND: f64 = 100.0;

pub fn print(folder: &Path, pinned: bool) -> Fallible<()> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split(':').nth(1));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{} · {} · load {}",
        model.unwrap_or("unknown CPU").trim(),
        if pinned {
            "server on CPU 0, client on CPU 1".to_string()
        } else {
            format!("{cores} CPUs, shared by server and client")
        },
        fs::read_to_string("/proc/loadavg")
            .unwrap_or_default()
            .trim()
    );
    let (append, overwrite) = sync_micros(folder)?;
    println!(
        "{} ({}); 4 KiB synced: {append:.0} µs appended, {overwrite:.0} µs in place (medians of 100)",
        folder.display(),
        file_system(folder)
    );
    Ok(())
}

/// The type of the file system that holds the folder.
fn file_system(folder: &Path) -> String {
    let folder = folder
        .canonicalize()
        .unwrap_or_else(|_| folder.to_path_buf());
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let holding = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (point, kind) = (words.next()?, words.next()?);
        folder.starts_with(point).then_some((point.len(), kind))
    });
    holding
        .max()
        .map_or("unknown", |(_, kind)| kind)
        .to_string()
}

/// Medians of appending 4 KiB with `fdatasync`, as Redis' log does, and of overwriting 4 KiB of a reserved file opened with
/// `O_DSYNC`, as the segment log does: the least that a batch can wait.
fn sync_micros(folder: &Path) -> Fallible<(f64, f64)> {
    const O_DSYNC: i32 = 0o10000;
    const BLOCK: [u8; 4096] = [1; 4096];
    const WRITES: u64 = 100;
    let mut appended = tempfile::tempfile_in(folder)?;
    let mut appends = Vec::new();
    for _ in 0..WRITES {
        let start = Instant::now();
        appended.write_all(&BLOCK)?;
        appended.sync_data()?;
        appends.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let mut reserved = tempfile::NamedTempFile::new_in(folder)?;
    for _ in 0..WRITES {
        reserved.write_all(&BLOCK)?;
    }
    reserved.as_file().sync_all()?;
    let durable = fs::OpenOptions::new()
        .write(true)
        .custom_flags(O_DSYNC)
        .open(reserved.path())?;
    let mut overwrites = Vec::new();
    for place in 0..WRITES {
        let start = Instant::now();
        durable.write_all_at(&BLOCK, place * BLOCK.len() as u64)?;
        overwrites.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok((median(appends), median(overwrites)))
}

/// CPU seconds of a process so far, all threads, user and system, its ended children not counted.
pub fn cpu_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

pub fn median(mut sample: Vec<f64>) -> f64 {
    sample.sort_by(f64::total_cmp);
    sample[sample.len() / 2]
}

/// `12.3 (11.9 to 12.8)`
pub fn spread(sample: &[f64], decimals: usize) -> String {
    let least = sample.iter().copied().fold(f64::INFINITY, f64::min);
    let most = sample.iter().copied().fold(0.0, f64::max);
    let median = median(sample.to_vec());
    format!("{median:.decimals$} ({least:.decimals$} to {most:.decimals$})")
}

/// Microseconds at a share of a sample, 0.99 for p99.
pub fn percentile(sorted: &[Duration], share: f64) -> f64 {
    let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted
        .get(at)
        .map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
}

/// What one turn of one side did.
#[derive(Clone, Copy)]
pub struct Turn {
    pub payments: u64,
    pub seconds: f64,
    pub server_cpu_seconds: f64,
    pub client_cpu_seconds: f64,
}

impl Turn {
    pub fn rate(&self) -> f64 {
        self.payments as f64 / self.seconds
    }

    pub fn server_micros(&self) -> f64 {
        self.server_cpu_seconds * 1e6 / self.payments as f64
    }
}

/// Times a turn: wall clock, the server's CPU and this client's.
pub struct Stopwatch {
    server: u32,
    start: Instant,
    server_cpu_seconds: f64,
    client_cpu_seconds: f64,
}

impl Stopwatch {
    pub fn start(server: u32) -> Stopwatch {
        Stopwatch {
            server,
            server_cpu_seconds: cpu_seconds(server),
            client_cpu_seconds: cpu_seconds(std::process::id()),
            start: Instant::now(),
        }
    }

    pub fn stop(self, payments: u64) -> Turn {
        Turn {
            payments,
            seconds: self.start.elapsed().as_secs_f64(),
            server_cpu_seconds: cpu_seconds(self.server) - self.server_cpu_seconds,
            client_cpu_seconds: cpu_seconds(std::process::id()) - self.client_cpu_seconds,
        }
    }
}

/// `| side | thousand/s | server CPU µs | server CPU share | client CPU share |`
pub fn table_row(side: &str, turns: &[Turn]) {
    let of = |figure: fn(&Turn) -> f64| turns.iter().map(figure).collect::<Vec<f64>>();
    println!(
        "| {side} | {} | {} | {:.0} % | {:.0} % |",
        spread(&of(|turn| turn.rate() / 1e3), 1),
        spread(&of(Turn::server_micros), 1),
        median(of(|turn| turn.server_cpu_seconds / turn.seconds * 100.0)),
        median(of(|turn| turn.client_cpu_seconds / turn.seconds * 100.0)),
    );
}

pub fn table_head(title: &str) {
    println!(
        "\n{title}\n\n| | thousand/s, median (least to most) | server CPU µs each | server CPU busy | client CPU busy |\n|---|---|---|---|---|"
    );
}
