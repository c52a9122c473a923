//! `rcc check` timed on a generated package: wallets, orders and bookings over and over, under different names; and what
//! it takes to rebuild 200 such files after an edit.
//!
//! Always true: the package is the same for the same number of lines; it has no mistakes, and a check that finds one
//! fails this program. Of `rcc check` the whole process is timed, from start to exit.

mod edit;

use clap::Parser;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Parts of the package; every `@` becomes the part's number.
const TEMPLATES: [&str; 3] = [
    include_str!("wallet.txt"),
    include_str!("order.txt"),
    include_str!("booking.txt"),
];
/// Parts of one file: about 1,200 lines.
const PARTS_PER_FILE: usize = 10;

/// Times `rcc check` on a generated package.
#[derive(Parser)]
#[command(
    after_help = "Example:\n  cargo build --release -p rcc -p bench-check\n  target/release/bench-check"
)]
struct Arguments {
    /// Lines of source, at least.
    #[arg(long, default_value_t = 50_000)]
    lines: usize,
    /// The compiler under measurement.
    #[arg(long, default_value = "target/release/rcc")]
    rcc: PathBuf,
    /// Runs; the figure is their median.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only write the package here, and time nothing.
    #[arg(long)]
    generate: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if let Some(folder) = &arguments.generate {
        let (files, lines) = generate(folder, arguments.lines)?;
        println!("{lines} lines in {files} files under {}", folder.display());
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (files, lines) = generate(folder.path(), arguments.lines)?;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{lines} lines in {files} files; load {}", load.trim());
    for (what, words) in [
        ("rcc check", &["check"][..]),
        ("rcc check --quick", &["check", "--quick"]),
    ] {
        let mut seconds = Vec::new();
        for _ in 0..arguments.runs.max(1) {
            seconds.push(time(&arguments.rcc, words, folder.path())?);
        }
        let middle = median(&mut seconds);
        println!(
            "{what}: {:.2} s, median of {} ({:.2} to {:.2})",
            middle,
            seconds.len(),
            seconds[0],
            seconds[seconds.len() - 1]
        );
    }
    println!("to reach: `rcc check` on 50,000 lines below 1 s");
    for row in edit::rows(arguments.runs)? {
        println!("{row}");
    }
    Ok(())
}

/// The one in the middle; they are in order afterwards.
fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Writes the package; returns how many files and lines.
fn generate(folder: &Path, lines_min: usize) -> Result<(usize, usize), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let (mut files, mut lines, mut part) = (0, 0, 0);
    while lines < lines_min {
        let mut text = format!("//! Part {files} of a generated package.\npackage generated\n\n");
        if files == 0 {
            // A package has at most 64 roles: one for all parts.
            text.push_str("role teller\n\n");
        }
        for _ in 0..PARTS_PER_FILE {
            text.push_str(&TEMPLATES[part % TEMPLATES.len()].replace('@', &part.to_string()));
            part += 1;
        }
        lines += text.lines().count();
        fs::write(folder.join(format!("part_{files:03}.rc")), text)?;
        files += 1;
    }
    Ok((files, lines))
}

fn time(rcc: &Path, words: &[&str], folder: &Path) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    let ended = Command::new(rcc)
        .args(words)
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", rcc.display()))?;
    let seconds = start.elapsed().as_secs_f64();
    if ended.status.success() {
        return Ok(seconds);
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let first: Vec<&str> = said.lines().take(20).collect();
    Err(format!(
        "the generated package does not pass ({}):\n{}",
        ended.status,
        first.join("\n")
    )
    .into())
}
