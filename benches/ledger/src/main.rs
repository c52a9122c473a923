//! The ledger measured in process: machine code against hand-written Rust, the interpreter, and the whole node with its log.
//!
//! Every ratio is the median of interleaved pairs (A B A B …) in one run, with its spread; the machine, the load, the file
//! system and the batch are printed above the table. Both sides do the same payments in the same order; final
//! balances and event bytes are compared, and a difference ends the run.

mod engines;
mod machine;
mod native;
mod node;
mod page_size;
mod pages;
mod stream;

use clap::{Parser, Subcommand};

/// In-process rows of the ledger's table.
#[derive(Parser)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  bench-ledger --pairs 9\n  bench-ledger page-size"
)]
struct Arguments {
    #[command(subcommand)]
    word: Option<Word>,
    /// Accounts.
    #[arg(long, default_value_t = 1_000_000)]
    accounts: u64,
    /// Payments per measured turn.
    #[arg(long, default_value_t = 500_000)]
    payments: usize,
    /// Pairs.
    #[arg(long, default_value_t = 9)]
    pairs: usize,
    /// Page size as a power of two.
    #[arg(long, default_value_t = 14)]
    page_shift: u8,
    /// The package; its `open`, `mint` and `pay` are called.
    #[arg(long, default_value = "examples/ledger")]
    package: std::path::PathBuf,
    /// Only the engine rows: no node, no disk.
    #[arg(long)]
    no_disk: bool,
    /// Ops in one submission to the node.
    #[arg(long, default_value_t = 8_192)]
    batch: usize,
}

#[derive(Subcommand)]
enum Word {
    /// The ledger with pages of 4, 8 and 16 KiB: rates, checkpoints, cold reads.
    PageSize(page_size::Arguments),
}

fn main() {
    let arguments = Arguments::parse();
    machine::print();
    if let Some(Word::PageSize(arguments)) = arguments.word {
        return page_size::run(&arguments);
    }
    println!(
        "accounts {}, payments per turn {}, pairs {}, page 2^{}, uniform permuted keys\n",
        arguments.accounts, arguments.payments, arguments.pairs, arguments.page_shift
    );
    let module = engines::compile(&arguments.package, arguments.page_shift);
    engines::run(&arguments, &module);
    if !arguments.no_disk {
        node::run(&arguments, &module);
    }
}
