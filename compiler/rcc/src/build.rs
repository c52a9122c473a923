//! `rcc build`: a module file. Always true: what is written passes the verifier that every node runs.

use crate::output::{Failure, say};
use crate::package;
use std::fmt::Write;
use std::path::PathBuf;

/// Builds a package into a module file.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  rcc build examples/ledger -o ledger.rcm\n  rcc dis ledger.rcm")]
pub struct Arguments {
    /// The package's folder, or one .rc file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// The file to write [default: PACKAGE.rcm].
    #[arg(short, long)]
    output: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let built = package::build(&arguments.path, false)?;
    let module = built.lowered.module;
    let bytes = rc_bytecode::encode(&module);
    let name = module.interface.package.clone();
    let verified = rc_bytecode::verify(module);
    let verified = verified.map_err(|error| {
        Failure::new(format!(
            "the compiler made a module that does not verify, which is its fault: {error}"
        ))
    })?;
    let output = arguments
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{name}.rcm")));
    std::fs::write(&output, &bytes)
        .map_err(|error| Failure::new(format!("{}: {error}", output.display())))?;
    let mut hash = String::new();
    for byte in verified.hash() {
        write!(hash, "{byte:02x}").map_err(Failure::new)?;
    }
    say(format!(
        "{}: {} bytes, hash {hash}",
        output.display(),
        bytes.len()
    ));
    Ok(())
}
