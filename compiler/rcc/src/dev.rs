//! `rcc dev`: hands over to `rcd dev`, which is another program so that this one stays small.

use crate::output::Failure;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// Runs a whole node on this machine with the package in a folder, redeploying it on save (starts `rcd dev`).
#[derive(clap::Args)]
#[command(after_help = "Example:\n  rcc dev examples/ledger -- --port 7071")]
pub struct Arguments {
    /// The package's folder.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// More options for `rcd dev`.
    #[arg(last = true)]
    rest: Vec<OsString>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|own| Some(own.parent()?.join("rcd")));
    let program = beside
        .filter(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from("rcd"));
    // Gives back only what went wrong: otherwise this process has become the other one.
    let error = Command::new(&program)
        .arg("dev")
        .arg(&arguments.path)
        .args(&arguments.rest)
        .exec();
    Err(Failure::new(format!(
        "the server `rcd` did not start ({}: {error}); build it with: ./x build",
        program.display()
    )))
}
