//! The parts of the crash harness, which the block log's harness uses too: the real server as a child, paying clients, and
//! what must be true of a server that was started again.
//! Always true: what was acknowledged is known to the clients here alone, in another process than the server's.

#![forbid(unsafe_code)]

pub mod disk_clock;
pub mod failure;
pub mod program;
pub mod random;

pub mod http;
pub mod server;

pub mod client;
pub mod ledger;
pub mod load;

pub mod damage;
pub mod full_disk;
pub mod kills;
mod log_file;

/// Small, so that a short run rolls segments and writes checkpoints many times.
pub const SMALL: [&str; 4] = [
    "--log-segment-bytes",
    "524288",
    "--checkpoint-bytes",
    "24000",
];
