//! What the page size costs: the ledger with pages of 4, 8 and 16 KiB, in one process and in turns, on the store that nodes
//! use. Always true: each size gets the same payments in the same order, and at the end of its turns has the same events;
//! a batch's time includes the cut where one is made before it.
//!
//! ```text
//!   fill ─► turns of `pay` ─► a whole checkpoint ─► checkpoints under load ─► checkpoints after few payments ─► cold reads
//! ```

use crate::engines::{Edge, compile_package, per};
use crate::machine::summary;
use crate::stream::{Payment, Random, uniform};
use rc_bytecode::verify::Verified;
use rc_canvas::{CheckpointStamp, PageStore, PersistReport, RegionId, persist};
use rc_driver::Package;
use rc_jit::{Compiled, Machine};
use rc_storage::{RocksOptions, RocksStore};
use rustix::fs::{Advice, fadvise};
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// As powers of two: what decision 20 compares.
const SHIFTS: [u8; 3] = [12, 13, 14];
const MEBIBYTE: f64 = (1 << 20) as f64;

#[derive(clap::Args)]
pub struct Arguments {
    /// Accounts.
    #[arg(long, default_value_t = 1_000_000)]
    accounts: u64,
    /// Payments per measured turn.
    #[arg(long, default_value_t = 500_000)]
    payments: usize,
    /// Turns of each size, and checkpoints under load.
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// Payments in a batch.
    #[arg(long, default_value_t = 8_192)]
    batch: usize,
    /// Random payments before a checkpoint whose bytes are counted.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    dirtied_by: Vec<usize>,
    /// Pages read from the disk alone.
    #[arg(long, default_value_t = 4_000)]
    cold_reads: usize,
    /// The package; its `cost` clauses are left out, since they hold for one page size.
    #[arg(long, default_value = "examples/ledger")]
    package: PathBuf,
    /// Where the stores are made: the disk to measure.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
}

/// A page size with its canvas, its code and its store.
struct Variant<'a> {
    shift: u8,
    module: &'a Verified,
    code: Compiled,
    machine: Machine,
    edge: Edge<'a>,
    /// Closed while it is read cold.
    store: Option<RocksStore>,
    folder: PathBuf,
}

/// Figures of one size, by row; the rows of all sizes have the same names.
type Rows = Vec<(String, String)>;

/// What a checkpoint under load did to the loop.
#[derive(Default)]
struct UnderLoad {
    /// Milliseconds.
    worst_batch: Vec<f64>,
    worst_batch_quiet: Vec<f64>,
    /// Nanoseconds per payment.
    during: Vec<f64>,
    seconds: Vec<f64>,
}

/// Without the clauses that bound costs: they are proven for one page size.
fn without_cost_clauses(mut package: Package) -> Package {
    for file in &mut package.files {
        let text = String::from_utf8_lossy(&file.bytes);
        let kept: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("cost "))
            .collect();
        file.bytes = kept.join("\n").into_bytes();
    }
    package
}

impl<'a> Variant<'a> {
    fn new(module: &'a Verified, shift: u8, folder: PathBuf) -> Variant<'a> {
        let store = RocksStore::open(&folder, RocksOptions::default()).expect("a store");
        Variant {
            shift,
            module,
            code: Compiled::compile(module).expect("machine code"),
            machine: Machine::new(),
            edge: Edge::new(module),
            store: Some(store),
            folder,
        }
    }

    fn pay(&mut self, packed: &[[u8; 24]], events: &mut Vec<u8>) {
        self.edge
            .turn_compiled(&self.code, &mut self.machine, packed, events);
    }

    /// A checkpoint while nothing else happens, and the bytes that it gave to the disk.
    fn checkpoint(&mut self) -> (PersistReport, u64) {
        let before = disk_bytes_written();
        let mut cut = self
            .edge
            .canvas
            .begin_checkpoint(CheckpointStamp::default())
            .expect("a cut");
        let store = self.store.as_mut().expect("the store is open");
        let report = persist(&mut cut, store).expect("a checkpoint");
        self.edge
            .canvas
            .finish_checkpoint(cut)
            .expect("this checkpoint");
        (report, disk_bytes_written() - before)
    }

    /// A checkpoint while payments go on; all pages are dirty when it begins, as far as payments can make them.
    fn checkpoint_under_load(&mut self, packed: &[[u8; 24]], batch: usize, found: &mut UnderLoad) {
        let mut events = Vec::with_capacity(batch * 64);
        let mut batches = packed.chunks(batch).cycle();
        let mut pay_batch = |variant: &mut Variant<'_>, begin: bool| {
            let payments = batches.next().expect("there are payments");
            events.clear();
            let start = Instant::now();
            let cut = begin.then(|| {
                let stamp = CheckpointStamp::default();
                variant.edge.canvas.begin_checkpoint(stamp).expect("a cut")
            });
            variant.pay(payments, &mut events);
            (start.elapsed(), payments.len(), cut)
        };
        let mut worst = Duration::ZERO;
        for _ in 0..packed.len().div_ceil(batch) {
            worst = worst.max(pay_batch(self, false).0);
        }
        found.worst_batch_quiet.push(milliseconds(worst));
        let mut store = self.store.take().expect("the store is open");
        let start = Instant::now();
        let (mut worst, count, cut) = pay_batch(self, true);
        let mut count = count;
        let mut cut = cut.expect("a cut was asked for");
        let (cut, store, seconds) = std::thread::scope(|scope| {
            let persisting = scope.spawn(move || {
                persist(&mut cut, &mut store).expect("a checkpoint");
                (cut, store)
            });
            while !persisting.is_finished() {
                let (time, paid, _) = pay_batch(self, false);
                (worst, count) = (worst.max(time), count + paid);
            }
            let seconds = start.elapsed().as_secs_f64();
            let (cut, store) = persisting.join().expect("the persister does not panic");
            (cut, store, seconds)
        });
        self.store = Some(store);
        self.edge
            .canvas
            .finish_checkpoint(cut)
            .expect("this checkpoint");
        found.worst_batch.push(milliseconds(worst));
        found.during.push(seconds * 1e9 / count as f64);
        found.seconds.push(seconds);
    }

    fn proven(&self, command: &str) -> String {
        let commands = &self.module.module().interface.commands;
        let found = commands.iter().find(|found| found.name == command);
        let cost = found.expect("the package has the command").cost;
        format!(
            "{} steps, {} + {} pages",
            cost.steps, cost.pages_read, cost.pages_written
        )
    }

    /// Opens the store as a starting node does, forgets the system's cache of it, and reads pages in no order.
    fn read_cold(&mut self, reads: usize, rows: &mut Rows) {
        self.store = None;
        drop_cache(&self.folder);
        let start = Instant::now();
        let mut store = RocksStore::open(&self.folder, RocksOptions::default()).expect("the store");
        let mut pages: Vec<(RegionId, u64)> = Vec::new();
        let each = &mut |region, page, _: &[u8]| {
            pages.push((region, page));
            ControlFlow::Continue(())
        };
        store.read_pages(each).expect("good pages");
        let seconds = start.elapsed().as_secs_f64();
        rows.push((
            "reading all pages at a start, cold".into(),
            format!(
                "{seconds:.2} s, {:.0} MiB/s",
                pages.len() as f64 * self.page_bytes() / MEBIBYTE / seconds
            ),
        ));
        drop_cache(&self.folder);
        let mut random = Random(9);
        let count = reads.min(pages.len());
        let mut times = Vec::with_capacity(count);
        let start = Instant::now();
        for index in 0..count {
            let chosen = index as u64 + random.below((pages.len() - index) as u64);
            pages.swap(index, chosen as usize);
            let (region, page) = pages[index];
            let begun = Instant::now();
            let bytes = store.read_page(region, page).expect("a good page");
            assert!(bytes.is_some(), "page {page} of region {region} is gone");
            times.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        let rate = count as f64 / start.elapsed().as_secs_f64();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((count - 1) as f64 * share) as usize];
        rows.push((
            format!("cold page reads in no order ({count})"),
            format!(
                "{rate:.0}/s, {:.0} MiB/s",
                rate * self.page_bytes() / MEBIBYTE
            ),
        ));
        rows.push((
            "one cold read, p50 and p99".into(),
            format!("{:.0} and {:.0} µs", at(0.5), at(0.99)),
        ));
    }

    fn page_bytes(&self) -> f64 {
        f64::from(1 << self.shift)
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// What this process gave to the block layer so far.
fn disk_bytes_written() -> u64 {
    let text = fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or(0)
}

/// Has the system forget what it cached of the store's files.
fn drop_cache(store: &Path) {
    for entry in fs::read_dir(store.join("pages")).expect("the store's files") {
        let path = entry.expect("the store's files").path();
        if path.is_file() {
            let file = File::open(&path).expect("the store's file");
            file.sync_all().expect("synced");
            fadvise(&file, 0, None, Advice::DontNeed).expect("advice is taken");
        }
    }
}

fn spread(sample: &[f64]) -> String {
    let figures = summary(sample.to_vec());
    format!(
        "{:.1} ({:.1} to {:.1})",
        figures.median, figures.least, figures.most
    )
}

pub fn run(arguments: &Arguments) {
    println!(
        "accounts {}, payments per turn {}, turns {}, batches of {}, uniform permuted keys, stores in {}\n",
        arguments.accounts,
        arguments.payments,
        arguments.turns,
        arguments.batch,
        arguments.folder.display()
    );
    let package = Package::load(&arguments.package).expect("the package can be read");
    let package = without_cost_clauses(package);
    let modules = SHIFTS.map(|shift| compile_package(&package, shift));
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(&arguments.folder)
        .expect("a folder");
    let mut variants: Vec<Variant<'_>> = Vec::new();
    for (shift, module) in SHIFTS.into_iter().zip(&modules) {
        let store = folder.path().join(shift.to_string());
        variants.push(Variant::new(module, shift, store));
    }
    let mut tables: Vec<Rows> = vec![Rows::new(); variants.len()];
    for (variant, rows) in variants.iter_mut().zip(&mut tables) {
        for command in ["open", "mint", "pay"] {
            rows.push((format!("proven, `{command}`"), variant.proven(command)));
        }
        let start = Instant::now();
        variant.edge.fill(&variant.code, arguments.accounts);
        let filling = per(start, arguments.accounts as usize * 2);
        rows.push((
            "filling (open + mint), ns each".into(),
            format!("{filling:.0}"),
        ));
        let resident = variant.edge.canvas.counters().resident_pages;
        let bytes = resident as f64 * variant.page_bytes();
        rows.push((
            "pages in memory".into(),
            format!("{resident}, {:.0} MiB", bytes / MEBIBYTE),
        ));
    }
    turns(arguments, &mut variants, &mut tables);
    checkpoints(arguments, &mut variants, &mut tables);
    for (variant, rows) in variants.iter_mut().zip(&mut tables) {
        variant.read_cold(arguments.cold_reads, rows);
    }
    print(&tables);
}

/// The same payments for each size in turn.
fn turns(arguments: &Arguments, variants: &mut [Variant<'_>], tables: &mut [Rows]) {
    let mut times = vec![Vec::new(); variants.len()];
    for turn in 0..arguments.turns {
        let payments = uniform(arguments.accounts, arguments.payments, turn as u64 + 1);
        let packed: Vec<[u8; 24]> = payments.iter().map(Payment::pack).collect();
        let mut expected: Option<Vec<u8>> = None;
        for (variant, times) in variants.iter_mut().zip(&mut times) {
            let mut events = Vec::with_capacity(packed.len() * 32);
            let start = Instant::now();
            variant.pay(&packed, &mut events);
            times.push(per(start, packed.len()));
            let expected = expected.get_or_insert_with(|| events.clone());
            assert!(*expected == events, "the events differ between page sizes");
        }
    }
    for (times, rows) in times.iter().zip(tables) {
        rows.push(("`pay`, ns".into(), spread(times)));
    }
}

fn checkpoints(arguments: &Arguments, variants: &mut [Variant<'_>], tables: &mut [Rows]) {
    for (variant, rows) in variants.iter_mut().zip(tables.iter_mut()) {
        let start = Instant::now();
        let (report, _) = variant.checkpoint();
        let seconds = start.elapsed().as_secs_f64();
        rows.push((
            "checkpoint of everything, alone".into(),
            format!(
                "{} pages, {seconds:.2} s, {:.0} MiB/s",
                report.pages,
                report.pages as f64 * variant.page_bytes() / MEBIBYTE / seconds
            ),
        ));
    }
    let mut under_load: Vec<UnderLoad> = variants.iter().map(|_| UnderLoad::default()).collect();
    for turn in 0..arguments.turns {
        let seed = 1_000 + turn as u64;
        let payments = uniform(arguments.accounts, arguments.payments, seed);
        let packed: Vec<[u8; 24]> = payments.iter().map(Payment::pack).collect();
        for (variant, found) in variants.iter_mut().zip(&mut under_load) {
            variant.checkpoint_under_load(&packed, arguments.batch, found);
        }
    }
    for (found, rows) in under_load.iter().zip(tables.iter_mut()) {
        rows.push((
            "worst batch without a checkpoint, ms".into(),
            spread(&found.worst_batch_quiet),
        ));
        rows.push((
            "worst batch during a checkpoint, ms".into(),
            spread(&found.worst_batch),
        ));
        rows.push((
            "`pay` during a checkpoint, ns".into(),
            spread(&found.during),
        ));
        rows.push(("that checkpoint, s".into(), spread(&found.seconds)));
    }
    for count in &arguments.dirtied_by {
        let payments = uniform(arguments.accounts, *count, 2_000 + *count as u64);
        let packed: Vec<[u8; 24]> = payments.iter().map(Payment::pack).collect();
        for (variant, rows) in variants.iter_mut().zip(tables.iter_mut()) {
            variant.checkpoint();
            variant.pay(&packed, &mut Vec::new());
            let (report, written) = variant.checkpoint();
            rows.push((
                format!("checkpoint after {count} random payments"),
                format!(
                    "{} pages, {:.1} MiB; {:.1} MiB to the disk",
                    report.pages,
                    report.pages as f64 * variant.page_bytes() / MEBIBYTE,
                    written as f64 / MEBIBYTE
                ),
            ));
        }
    }
}

fn print(tables: &[Rows]) {
    print!("| row |");
    SHIFTS
        .iter()
        .for_each(|shift| print!(" {} KiB |", (1 << shift) >> 10));
    println!("\n|---{}|", "|---".repeat(SHIFTS.len()));
    for (index, (name, _)) in tables[0].iter().enumerate() {
        print!("| {name} |");
        tables
            .iter()
            .for_each(|rows| print!(" {} |", rows[index].1));
        println!();
    }
}
