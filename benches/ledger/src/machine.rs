//! What a figure depends on, printed above it.

use std::fs;

pub fn print() {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split(':').nth(1));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{} · {cores} cores · load {}",
        model.unwrap_or("unknown CPU").trim(),
        load.trim()
    );
}

/// Median and spread of a sample.
pub struct Summary {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

pub fn summary(mut sample: Vec<f64>) -> Summary {
    sample.sort_by(f64::total_cmp);
    Summary {
        median: sample[sample.len() / 2],
        least: sample[0],
        most: sample[sample.len() - 1],
    }
}

/// CPU seconds of this process so far: user and system.
pub fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}
