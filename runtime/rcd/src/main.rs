//! The rcd server: one binary, one word per role.
//!
//! ```text
//!   rcd dev DIR ──► data directory ──► node (log, canvas, persister) ──► gateway on loopback ──► watch DIR, redeploy
//!   rcd compile-worker ──► the compiler under limits of CPU and memory; started by the above, not by people
//! ```

#![forbid(unsafe_code)]

mod banner;
mod compile;
mod data_directory;
mod dev;
#[cfg(feature = "failpoints")]
mod failpoints;
mod package;
mod watch;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// The Re-Current server.
#[derive(Parser)]
#[command(
    name = "rcd",
    version,
    about,
    after_help = "Example:\n  rcd dev examples/ledger"
)]
struct Arguments {
    #[command(subcommand)]
    word: Word,
}

#[derive(Subcommand)]
enum Word {
    /// A whole node on this machine, on loopback, serving the package in a folder and redeploying it on save.
    #[command(after_help = "Example:\n  rcd dev examples/ledger --port 7070")]
    Dev(DevArguments),
    /// Compiles a package from standard input under limits (used by the server itself).
    #[command(hide = true)]
    CompileWorker,
}

/// Options of `rcd dev`.
#[derive(clap::Args, Clone, Debug)]
pub struct DevArguments {
    /// The package's folder: .rc files and rc.toml.
    directory: PathBuf,
    /// Loopback port for HTTP and gRPC.
    #[arg(long, default_value_t = 7070)]
    port: u16,
    /// The address to bind; only loopback is taken: another one would need TLS and authentication.
    #[arg(long, default_value = "127.0.0.1")]
    bind: std::net::IpAddr,
    /// Where the node keeps its log, checkpoints and events [default: DIR/.rc-data].
    #[arg(long)]
    data: Option<PathBuf>,
    /// Run commands in the checked interpreter instead of machine code.
    #[arg(long)]
    interpreter: bool,
    /// Do not watch the folder.
    #[arg(long)]
    no_watch: bool,
    /// Log bytes between two checkpoints.
    #[arg(long, default_value_t = rc_node::CHECKPOINT_LOG_BYTES)]
    checkpoint_bytes: u64,
    /// Bytes of a log segment.
    #[arg(long, hide = true, default_value_t = rc_log::limits::SEGMENT_BYTES_DEFAULT)]
    log_segment_bytes: u64,
    /// Acknowledge what only this process knows yet.
    #[cfg(feature = "failpoints")]
    #[arg(long, hide = true)]
    lying_disk: bool,
}

fn main() -> ExitCode {
    match Arguments::parse().word {
        Word::CompileWorker => compile::worker(),
        Word::Dev(arguments) => match dev::run(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
    }
}
