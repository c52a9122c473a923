//! `rcc dis`: a module as text, with the source lines beside it. Always true: what is printed without `--native` and
//! `--function` can be parsed back to the same module; everything else stands behind `;`.

use crate::output::{Failure, show};
use crate::package;
use rc_bytecode::Module;
use rc_bytecode::instr::CommandIndex;
use rc_bytecode::print::{print, print_function};
use rc_source::Sources;
use std::path::PathBuf;

/// Shows the bytecode of a package or module file as text.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  rcc dis examples/ledger --function pay\n  rcc dis ledger.rcm --function pay --native"
)]
pub struct Arguments {
    /// The package's folder, one .rc file, or a .rcm file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Only functions whose name contains this.
    #[arg(long, value_name = "TEXT")]
    function: Option<String>,
    /// The machine code of the commands instead.
    #[arg(long)]
    native: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (module, sources) = if package::is_module_file(&arguments.path) {
        (package::read_module(&arguments.path)?, None)
    } else {
        let built = package::build(&arguments.path, false)?;
        (built.lowered.module, Some(built.sources))
    };
    if arguments.native {
        return native(module, arguments.function.as_deref());
    }
    let text = match &arguments.function {
        None => print(&module),
        Some(wanted) => {
            let matching = module
                .functions
                .iter()
                .filter(|function| function.name.contains(wanted.as_str()));
            let texts: Vec<String> = matching
                .map(|function| print_function(&module, function))
                .collect();
            if texts.is_empty() {
                return Err(Failure::new(format!(
                    "no function's name contains `{wanted}`"
                )));
            }
            texts.join("\n")
        }
    };
    show(&match sources {
        Some(sources) => with_source(&module, &sources, &text),
        None => text,
    });
    match rc_bytecode::verify(module) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(format!(
            "this module does not verify: {error}"
        ))),
    }
}

/// Puts the source line behind each `line FILE LINE`, where it is known.
fn with_source(module: &Module, sources: &Sources, text: &str) -> String {
    let source_of = |line: &str| -> Option<String> {
        let mut words = line.trim_start().strip_prefix("line ")?.split_whitespace();
        let name = module.files.get(words.next()?.parse::<usize>().ok()?)?;
        let number: u32 = words.next()?.parse().ok()?;
        let (_, file) = sources.iter().find(|(_, file)| file.name == *name)?;
        let known = (1..=file.line_count()).contains(&number);
        known.then(|| rc_diagnostics::clean(file.line_text(number).trim()).into_owned())
    };
    let mut out = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        out.push_str(line);
        if let Some(source) = source_of(line) {
            out.push_str(if line.contains(';') { ":  " } else { "  ; " });
            out.push_str(&source);
        }
        out.push('\n');
    }
    out
}

fn native(module: Module, wanted: Option<&str>) -> Result<(), Failure> {
    let verified = rc_bytecode::verify(module)
        .map_err(|error| Failure::new(format!("this module does not verify: {error}")))?;
    let mut found = false;
    for (index, command) in verified.module().interface.commands.iter().enumerate() {
        if wanted.is_some_and(|wanted| !command.name.contains(wanted)) {
            continue;
        }
        found = true;
        let listing =
            rc_jit::disassemble(&verified, CommandIndex(index as u32)).map_err(Failure::new)?;
        show(&format!(
            "; {}@{}\n{listing}\n",
            command.name, command.version
        ));
    }
    match (found, wanted) {
        (false, Some(wanted)) => Err(Failure::new(format!(
            "no command's name contains `{wanted}`"
        ))),
        _ => Ok(()),
    }
}
