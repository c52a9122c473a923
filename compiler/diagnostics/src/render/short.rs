//! One line per diagnostic: `file:line:column: error[E0101]: message`.

use crate::{Diagnostics, clean};
use rc_source::Sources;
use std::fmt::Write;

/// One line each, in order; editors and `grep` read it.
pub fn short(sources: &Sources, diagnostics: &Diagnostics) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let span = diagnostic.primary.span;
        let file = sources.file(span.file);
        let at = file.position(span.start);
        let name = clean(&file.name);
        let (word, code, message) = (
            diagnostic.severity.word(),
            diagnostic.code,
            clean(&diagnostic.message),
        );
        writeln!(
            out,
            "{name}:{}:{}: {word}[{code}]: {message}",
            at.line, at.column
        )
        .expect("a string takes all");
    }
    out
}
