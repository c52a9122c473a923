//! How a subcommand ends, and what it prints. Always true: a reader that goes away (`rcc dis | head`) is no error, and
//! nothing hostile of a user's reaches the terminal in a message.

use rc_diagnostics::clean;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// Why a subcommand did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// Everything has been said already.
    Told,
    /// To be said.
    Message(String),
}

impl Failure {
    /// A message of any text; control characters are escaped, lines stay.
    pub fn new(text: impl Display) -> Failure {
        let text = text.to_string();
        let lines: Vec<_> = text.lines().map(clean).collect();
        Failure::Message(lines.join("\n"))
    }
}

/// Writes to standard output.
pub fn show(text: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if written.is_err() {
        // Nobody reads any more.
        std::process::exit(0);
    }
}

/// Writes a line to standard output.
pub fn say(text: impl Display) {
    show(&format!("{text}\n"));
}

/// Whether messages go to a person's terminal that takes colours.
pub fn is_colorful() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A line on standard error that the next one replaces; nothing where nobody watches.
pub struct Progress {
    watched: bool,
    width: usize,
}

impl Progress {
    pub fn new() -> Progress {
        Progress {
            watched: io::stderr().is_terminal(),
            width: 0,
        }
    }

    /// Shows `text` in place of what stood there.
    pub fn show(&mut self, text: &str) {
        if self.watched {
            let width = text.chars().count();
            eprint!("\r{text}{:1$}", "", self.width.saturating_sub(width));
            self.width = width;
        }
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if self.watched && self.width > 0 {
            eprint!("\r{:1$}\r", "", self.width);
            self.width = 0;
        }
    }
}
