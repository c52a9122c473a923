//! The front end in one page: bytes, text, tokens, stream, tree, and the words for what did not fit.

use crate::ast;
use crate::error::SyntaxError;
use crate::limits::{FILE_BYTES_MAX, SYNTAX_ERRORS_MAX};
use crate::misfits::Misfits;
use crate::stream::{LINE_BYTES_MAX, Stream, Wreck};
use crate::token::Token;
use crate::{grammar, lexer, names};
use rc_diagnostics::{Diagnostic, Diagnostics, codes};
use rc_source::{FileId, Span};
use std::borrow::Cow;
use std::sync::Arc;

/// Everything known about a file's text.
#[derive(Debug)]
pub struct Parsed {
    pub file: ast::File,
    /// All tokens, newlines and comments among them, in order.
    pub tokens: Vec<Token>,
    pub diagnostics: Diagnostics,
}

/// Parses a text. Never fails: what cannot be read is `Broken` in the tree and has a diagnostic.
pub fn parse(file: FileId, text: &str) -> Parsed {
    let mut diagnostics = Diagnostics::new();
    if text.len() > FILE_BYTES_MAX {
        let span = Span::new(file, 0, 0);
        let message = format!(
            "the file has {} bytes; at most {FILE_BYTES_MAX} are read",
            text.len()
        );
        diagnostics.push(
            Diagnostic::error(codes::FILE_TOO_LARGE, span, message)
                .with_hint("split the package into several files"),
        );
        return Parsed {
            file: ast::File::default(),
            tokens: Vec::new(),
            diagnostics,
        };
    }
    let tokens = lexer::lex(file, text, &mut diagnostics);
    let stream = Stream::new(file, text, &tokens, &mut diagnostics);
    let (tree, errors) = grammar::parse(file, &Arc::from(text), &stream);
    names::check(&tree, &mut diagnostics);
    let misfits = Misfits {
        file,
        text,
        stream: &stream,
    };
    let mut loud: Vec<&SyntaxError> = errors
        .iter()
        .filter(|error| !stream.is_quiet(misfits.span(error).start))
        .collect();
    loud.sort_by_key(|error| error.at);
    loud.dedup_by(|next, kept| {
        let (first, second) = (misfits.span(kept).start, misfits.span(next).start);
        let is_echo = is_one_line(text, first, second) && stream.in_arguments(next.at);
        is_echo || stream.in_one_header(kept.at, next.at)
    });
    settle_wrecks(&stream.wrecks, &misfits, &mut loud, &mut diagnostics);
    loud.truncate(SYNTAX_ERRORS_MAX);
    let found: Vec<Diagnostic> = loud.iter().map(|error| misfits.diagnostic(error)).collect();
    let mut diagnostics = without_echoes(&tree, diagnostics, &found);
    diagnostics.extend(found);
    Parsed {
        file: tree,
        tokens,
        diagnostics: capped(diagnostics),
    }
}

/// Parses bytes as they come from a disk or a network. Bytes that are not UTF-8 are reported, once, and
/// nothing else is read. The second value is the text that all spans refer to, with U+FFFD in their place.
pub fn parse_bytes(file: FileId, bytes: &[u8]) -> (Parsed, String) {
    let text = match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => return (parse(file, text), text.to_owned()),
        Cow::Owned(text) => text,
    };
    let valid = std::str::from_utf8(bytes)
        .err()
        .map_or(bytes.len(), |error| error.valid_up_to()) as u32;
    let replaced = '\u{fffd}'.len_utf8() as u32;
    let span = Span::new(file, valid, (valid + replaced).min(text.len() as u32));
    let message = format!("byte {valid} is not UTF-8");
    let mut diagnostics = Diagnostics::new();
    diagnostics.push(
        Diagnostic::error(codes::INVALID_UTF8, span, message).with_hint("save the file as UTF-8"),
    );
    (
        Parsed {
            file: ast::File::default(),
            tokens: Vec::new(),
            diagnostics,
        },
        text,
    )
}

/// One input of a fuzzer, any bytes: parsing ends, does not panic, and keeps its promises about spans.
pub fn fuzz_one(bytes: &[u8]) {
    let (parsed, text) = parse_bytes(FileId(0), bytes);
    let mut end = 0;
    for token in &parsed.tokens {
        assert!(
            token.span.start >= end,
            "tokens overlap at {}",
            token.span.start
        );
        assert!(
            text.get(token.span.start as usize..token.span.end as usize)
                .is_some(),
            "a token splits a character"
        );
        end = token.span.end;
    }
    for diagnostic in &parsed.diagnostics {
        let labels = std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary);
        for span in labels.map(|label| label.span) {
            assert!(
                text.get(span.start as usize..span.end as usize).is_some(),
                "a label splits a character"
            );
        }
    }
    assert!(!crate::dump::dump(&parsed.file).is_empty());
}

/// In a declaration of which nothing could be read, the first complaint of the grammar says it all.
fn without_echoes(tree: &ast::File, diagnostics: Diagnostics, found: &[Diagnostic]) -> Diagnostics {
    let within = |span: &Span, at: u32| span.start <= at && at < span.end;
    let lost: Vec<Span> = tree
        .items
        .iter()
        .filter(|item| matches!(item.kind, ast::ItemKind::Broken))
        .map(|item| item.span)
        .filter(|span| found.iter().any(|one| within(span, one.primary.span.start)))
        .collect();
    let is_lost = |at: u32| {
        let next = lost.partition_point(|span| span.start <= at);
        next > 0 && within(&lost[next - 1], at)
    };
    let mut kept = Diagnostics::new();
    kept.extend(
        diagnostics
            .into_iter()
            .filter(|one| one.code != codes::UNEXPECTED_TOKEN || !is_lost(one.primary.span.start)),
    );
    kept
}

fn is_one_line(text: &str, first: u32, second: u32) -> bool {
    let between = text.get(first as usize..second as usize);
    between.is_some_and(|between| between.len() < LINE_BYTES_MAX && !between.contains('\n'))
}

/// Where braces do not balance, one message is left: the grammar's first complaint where it is nearer to the mistake
/// than what was said of the brace.
fn settle_wrecks(
    wrecks: &[Wreck],
    misfits: &Misfits<'_>,
    loud: &mut Vec<&SyntaxError>,
    diagnostics: &mut Diagnostics,
) {
    let mut dropped: Vec<Span> = Vec::new();
    for wreck in wrecks {
        let place = |error: &SyntaxError| misfits.span(error).start;
        let inside = |error: &SyntaxError| (wreck.start..=wreck.end).contains(&place(error));
        let is_brace = |one: &Diagnostic| {
            one.code == codes::UNCLOSED_BRACKET && one.primary.span == wreck.span
        };
        let is_said = diagnostics.iter().any(is_brace);
        let first = loud.iter().copied().find(|error| inside(error));
        let is_nearer = first.is_some_and(|error| match wreck.cut {
            Some(cut) => place(error) <= cut,
            None => misfits.is_brace(error),
        });
        let kept = first.filter(|_| is_nearer || !is_said).map(place);
        loud.retain(|error| !inside(error) || Some(place(error)) == kept);
        if is_nearer && is_said {
            dropped.push(wreck.span);
        }
    }
    if !dropped.is_empty() {
        let is_dropped = |one: &Diagnostic| {
            one.code == codes::UNCLOSED_BRACKET && dropped.contains(&one.primary.span)
        };
        let all = std::mem::take(diagnostics);
        diagnostics.extend(all.into_iter().filter(|one| !is_dropped(one)));
    }
}

fn capped(diagnostics: Diagnostics) -> Diagnostics {
    if diagnostics.len() <= SYNTAX_ERRORS_MAX {
        return diagnostics;
    }
    let mut first = Diagnostics::new();
    first.extend(diagnostics.into_iter().take(SYNTAX_ERRORS_MAX));
    first
}
