//! `rcc doc`: a page per package that a browser shows without a server: types, data, commands, costs, routes.
//!
//! ```text
//!   package ──compile──► Program + proven costs ──page──► one HTML file, its style inside
//! ```
//!
//! Always true: all text that came from a source is escaped; the same package gives the same page.

mod page;

use crate::output::{Failure, say};
use crate::package;
use std::path::PathBuf;

/// Writes a page of documentation: what the package declares, what it costs, and where it is called.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  rcc doc examples/ledger\n  rcc doc examples/ledger --out ledger.html"
)]
pub struct Arguments {
    /// The package's folder, or one .rc file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Where the page goes; the package's name and `.html` in this folder where it is left out.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let built = package::build(&arguments.path, false)?;
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => PathBuf::from(format!("{}.html", built.program.package)),
    };
    std::fs::write(&out, page::page(&built))
        .map_err(|error| Failure::new(format!("{}: {error}", out.display())))?;
    say(out.display());
    Ok(())
}
