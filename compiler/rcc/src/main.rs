//! `rcc`: the tool for people who write packages. One file per subcommand.
//!
//! ```text
//!   rcc WORD … ──► word::run ──► package (load, compile, messages) ──► what the word does with the module
//!                      └───────► node (address, token) ──► rc-client ──► a running node
//! ```
//!
//! Always true: results go to standard output, messages and progress to standard error; the exit code is 0 where all is
//! well, 1 where the package, a test or a call is not, 2 for a wrong command line.

#![forbid(unsafe_code)]

mod output;
mod package;
mod table;
// A package on this machine.
mod build;
mod check;
mod cost;
mod diff;
mod dis;
mod doc;
mod explain;
mod fmt;
mod new;
mod test;
// A node.
mod bulk;
mod call;
mod deploy;
mod dev;
mod node;

use clap::{Parser, Subcommand};
use output::Failure;
use std::process::ExitCode;

/// Checks, tests, builds and deploys packages of the Re-Current language, and calls what is deployed.
#[derive(Parser)]
#[command(
    name = "rcc",
    version,
    after_help = "Example:\n  rcc new shop && cd shop && rcc test"
)]
struct Rcc {
    #[command(subcommand)]
    word: Word,
}

#[derive(Subcommand)]
enum Word {
    New(new::Arguments),
    Check(check::Arguments),
    Build(build::Arguments),
    Test(test::Arguments),
    Cost(cost::Arguments),
    Dis(dis::Arguments),
    Doc(doc::Arguments),
    Fmt(fmt::Arguments),
    Diff(diff::Arguments),
    Explain(explain::Arguments),
    Dev(dev::Arguments),
    Deploy(deploy::Arguments),
    Call(call::Arguments),
}

fn main() -> ExitCode {
    let ended = match Rcc::parse().word {
        Word::New(arguments) => new::run(&arguments),
        Word::Check(arguments) => check::run(&arguments),
        Word::Build(arguments) => build::run(&arguments),
        Word::Test(arguments) => test::run(&arguments),
        Word::Cost(arguments) => cost::run(&arguments),
        Word::Dis(arguments) => dis::run(&arguments),
        Word::Doc(arguments) => doc::run(&arguments),
        Word::Fmt(arguments) => fmt::run(&arguments),
        Word::Diff(arguments) => diff::run(&arguments),
        Word::Explain(arguments) => explain::run(&arguments),
        Word::Dev(arguments) => dev::run(&arguments),
        Word::Deploy(arguments) => deploy::run(&arguments),
        Word::Call(arguments) => call::run(&arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Told) => ExitCode::FAILURE,
        Err(Failure::Message(text)) => {
            eprintln!("error: {text}");
            ExitCode::FAILURE
        }
    }
}
