//! `rcc explain E0312`: the page of a diagnostic code, the same as in `lang-spec/errors/`. Always true: a registered
//! code without a page still gets its title.

use crate::output::{Failure, say, show};
use rc_diagnostics::{Code, codes};

/// Explains a diagnostic code.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  rcc explain E0312\n  rcc explain --list")]
pub struct Arguments {
    /// The code, as messages show it.
    #[arg(required_unless_present = "list")]
    code: Option<String>,
    /// List all codes.
    #[arg(long)]
    list: bool,
}

/// Code and text, sorted by code.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Some(text) = arguments.code.as_deref().filter(|_| !arguments.list) else {
        for (code, title) in codes::all() {
            say(format!("{code}  {title}"));
        }
        return Ok(());
    };
    let Some(code) = Code::parse(text) else {
        return Err(Failure::new(format!(
            "there is no code {text}; `rcc explain --list` shows all"
        )));
    };
    match PAGES.iter().find(|(name, _)| *name == code.to_string()) {
        Some((_, page)) => show(page),
        None => say(format!("{code}: {}", code.title())),
    }
    Ok(())
}
