//! The ledger measured from outside: a release `rcd dev` and Redis as child processes, one client on loopback.
//!
//! Every rate stands beside the server's CPU time per payment. Peers take turns (A B A B …) in one run, with the same
//! batch and the same total in flight. The client keeps its own book of the payments that were acknowledged; in the end each
//! account's balance, on both servers, and the number of events have to agree with it, or the program fails.

mod book;
mod bulk;
mod grpc;
mod http_client;
mod machine;
mod pipelined;
mod process;
mod redis;
mod requests;
mod save;
mod service;

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// What went wrong, in words.
pub type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// Networked rows of the ledger's table.
#[derive(Parser)]
#[command(
    after_help = "Example:\n  cargo build --release -p rcd -p bench-network\n  target/release/bench-network --pin"
)]
pub struct Arguments {
    /// Accounts, each funded; payments go between uniformly drawn ones.
    #[arg(long, default_value_t = 100_000)]
    accounts: u64,
    /// The server under measurement.
    #[arg(long, default_value = "target/release/rcd")]
    rcd: PathBuf,
    /// The package; its `open`, `mint`, `pay` and `balance` are called.
    #[arg(long, default_value = "examples/ledger")]
    package: PathBuf,
    /// Where the servers' folders are made: the disk that is measured.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// Servers on CPU 0, this client on CPU 1.
    #[arg(long)]
    pin: bool,
    /// Seconds of one turn.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Turns of each row; figures are medians.
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// The rows to run.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "pipelined,requests,bulk,save"
    )]
    rows: Vec<Row>,
    /// Send payments in sessions (exactly once); Redis has nothing like it, so it is off by default.
    #[arg(long)]
    sessions: bool,
    /// Keep Redis' accounts as hashes of three fields instead of plain numbers, which are its fastest.
    #[arg(long)]
    redis_hashes: bool,
    /// A smoke run of a few seconds: few accounts, one short turn; its figures mean nothing.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Row {
    Pipelined,
    Requests,
    Bulk,
    Save,
}

impl Arguments {
    fn turn(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    fn has(&self, row: Row) -> bool {
        self.rows.contains(&row)
    }

    fn server_cpu(&self) -> Option<usize> {
        self.pin.then_some(0)
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    if arguments.quick {
        (arguments.accounts, arguments.seconds, arguments.turns) = (2_000, 0.2, 1);
    }
    let outcome = (|| {
        if arguments.pin {
            process::pin_self(1)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        tokio::task::LocalSet::new().block_on(&runtime, run(&arguments))
    })();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Fallible<()> {
    machine::print(&arguments.folder, arguments.pin)?;
    println!(
        "{} accounts, uniform permuted keys; {} turns of {} s; durability: every batch synced before its answers; sessions {}",
        arguments.accounts,
        arguments.turns,
        arguments.seconds,
        if arguments.sessions { "on" } else { "off" }
    );
    let needs_ledger = [Row::Pipelined, Row::Requests, Row::Bulk]
        .iter()
        .any(|row| arguments.has(*row));
    if needs_ledger {
        let ledger = service::Ledger::start(arguments).await?;
        let book = book::Book::shared(arguments.accounts, 1);
        ledger.fill(arguments.accounts).await?;
        let filled = ledger.metrics().await?;
        if arguments.has(Row::Pipelined) {
            pipelined::run(arguments, &ledger, &book).await?;
        }
        let mut single = None;
        if arguments.has(Row::Requests) {
            single = Some(requests::run(arguments, &ledger, &book).await?);
        }
        if arguments.has(Row::Bulk) {
            bulk::run(arguments, &ledger, &book, single).await?;
        }
        let events = ledger.metrics().await?.events - filled.events;
        let balances = ledger.balances(arguments.accounts).await?;
        let book = book.borrow();
        if events != book.paid {
            return Err(format!("{events} events for {} acknowledged payments", book.paid).into());
        }
        book.compare("the ledger", &balances)?;
        println!(
            "\nchecked: {} payments acknowledged, as many events, all {} balances as the client's book has them, sum {}",
            book.paid,
            arguments.accounts,
            book.sum()
        );
    }
    if arguments.has(Row::Save) {
        save::run(arguments).await?;
    }
    Ok(())
}
