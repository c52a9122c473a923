//! Text to canonical text: the same tokens in the same order (but for header clauses), with the blanks
//! that everybody's code has.
//!
//! ```text
//!   text ──parse──▶ tokens ──pieces──▶ headers in order ──lines──▶ broken at 100 ──▶ text
//! ```
//!
//! Lines stay as their writer broke them, as far as the rules allow; indentation, blanks, blank lines and
//! the order of clauses are the formatter's. Always true of the result: it parses to the same tree, every
//! comment is there, and formatting it again changes nothing. A file that does not parse is left alone.

mod comments;
mod headers;
mod lines;
mod pieces;
mod spacing;

use rc_diagnostics::Diagnostics;
use rc_source::FileId;
use rc_syntax::dump::dump;

/// Columns that a line has at most, where it can be broken.
pub const LINE_COLUMNS_MAX: usize = 100;

/// Blanks of one level of indentation.
pub const INDENT_COLUMNS: usize = 4;

/// The canonical form of a file.
///
/// # Errors
/// The diagnostics (of file 0) of a text that does not parse.
pub fn format(text: &str) -> Result<String, Diagnostics> {
    let parsed = rc_syntax::parse(FileId(0), text);
    if parsed.diagnostics.has_errors() {
        return Err(parsed.diagnostics);
    }
    let mut pieces = pieces::pieces(text, &parsed.tokens);
    headers::order(&mut pieces);
    let mut lines = lines::lines(pieces);
    comments::align(&mut lines);
    Ok(lines::render(&lines))
}

/// One input of a fuzzer, any bytes: formatting keeps the tree and the comments, and is its own fixed point.
pub fn fuzz_one(bytes: &[u8]) {
    rc_syntax::fuzz_one(bytes);
    fuzz_with(bytes, format);
}

/// The same promises of another formatter.
pub fn fuzz_with(bytes: &[u8], format: impl Fn(&str) -> Result<String, Diagnostics>) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(once) = format(text) else { return };
    let tree = |text: &str| dump(&rc_syntax::parse(FileId(0), text).file);
    assert!(
        tree(text) == tree(&once),
        "formatting changed the meaning of:\n{text}\nto:\n{once}"
    );
    let twice = format(&once)
        .unwrap_or_else(|mistakes| panic!("formatting broke:\n{text}\nto:\n{once}\n{mistakes:?}"));
    if once != twice {
        let differing = once
            .lines()
            .zip(twice.lines())
            .find(|(once, twice)| once != twice);
        panic!("formatting twice changes {differing:?} of:\n{text}");
    }
    let comments = |text: &str| {
        let tokens = rc_syntax::parse(FileId(0), text).tokens;
        let trivia = tokens.iter().filter(|token| token.kind.is_trivia());
        let mut found: Vec<String> = trivia
            .map(|token| {
                text[token.span.start as usize..token.span.end as usize]
                    .trim_end()
                    .to_owned()
            })
            .filter(|comment| !comment.is_empty())
            .collect();
        found.sort();
        found
    };
    assert_eq!(
        comments(text),
        comments(&once),
        "formatting lost a comment of:\n{text}"
    );
}
