//! `rcc check`: what is wrong with a package. Always true: the exit code is 1 exactly where there are errors.

use crate::output::{Failure, show};
use crate::package;
use rc_bytecode::limits::PAGE_SHIFT_DEFAULT;
use rc_diagnostics::render;
use rc_driver::{Options, check_only, compile_with};
use std::mem::forget;
use std::path::PathBuf;

/// Checks a package: names, types, bounds, access, invariants, declared costs.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  rcc check examples/ledger\n  rcc check --format sarif > results.sarif"
)]
pub struct Arguments {
    /// The package's folder, or one .rc file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// How to write the messages.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Leave out what needs the code to be made: declared costs and sizes.
    #[arg(long)]
    quick: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Drawn on the source, on standard error.
    Human,
    /// One line each: FILE:LINE:COLUMN.
    Short,
    /// A JSON array.
    Json,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let package = package::load(&arguments.path)?;
    // The process ends soon, and with it all memory: giving back a large program piece by piece would only take time.
    let (sources, diagnostics) = if arguments.quick {
        let checked = check_only(&package);
        forget(checked.program);
        (checked.sources, checked.diagnostics)
    } else {
        let compiled = compile_with(
            &package,
            Options {
                page_shift: PAGE_SHIFT_DEFAULT,
                with_tests: true,
            },
        );
        forget((compiled.program, compiled.lowered));
        (compiled.sources, compiled.diagnostics)
    };
    match arguments.format {
        Format::Human => {
            package::tell(&sources, &diagnostics);
            match diagnostics.is_empty() {
                true => eprintln!("{}: no mistakes found", arguments.path.display()),
                false => eprintln!("{}", package::summary(&diagnostics)),
            }
        }
        Format::Short => show(&render::short(&sources, &diagnostics)),
        Format::Json => show(&render::json(&sources, &diagnostics)),
        Format::Sarif => show(&render::sarif(&sources, &diagnostics)),
    }
    if diagnostics.has_errors() {
        Err(Failure::Told)
    } else {
        Ok(())
    }
}
