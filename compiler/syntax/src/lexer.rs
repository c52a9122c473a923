//! Text to tokens, by logos, with the word table and the literals' own rules applied. Always true: the
//! tokens cover every byte that is not a blank, in order; each bad literal is reported here, once.

use crate::token::{Token, TokenKind};
use crate::words;
use crate::{angles, literals};
use logos::Logos;
use rc_diagnostics::{Diagnostic, Diagnostics, clean, codes};
use rc_source::{FileId, Span};

/// All tokens of a text, trivia included.
pub(crate) fn lex(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 4);
    let start = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let mut lexer = TokenKind::lexer(text);
    lexer.bump(start);
    while let Some(result) = lexer.next() {
        let range = lexer.span();
        let span = Span::new(file, range.start as u32, range.end as u32);
        let kind = match result {
            Ok(TokenKind::Name) => name_kind(lexer.slice()),
            Ok(TokenKind::Comment) => comment_kind(lexer.slice()),
            Ok(TokenKind::Float)
                if tokens
                    .last()
                    .is_some_and(|last| last.kind == TokenKind::Dot) =>
            {
                split_tuple_path(&mut tokens, lexer.slice(), span);
                continue;
            }
            Ok(kind) => kind,
            Err(()) => {
                unknown(&mut tokens, span);
                continue;
            }
        };
        literals::check(kind, lexer.slice(), span, diagnostics);
        tokens.push(Token { kind, span });
    }
    angles::mark(&mut tokens);
    for token in tokens
        .iter()
        .filter(|token| token.kind == TokenKind::Unknown)
    {
        let what = &text[token.span.start as usize..token.span.end as usize];
        let shown: String = what.chars().take(8).collect();
        let message = format!("`{}` means nothing here", clean(&shown));
        let diagnostic = Diagnostic::error(codes::UNKNOWN_CHARACTER, token.span, message);
        diagnostics.push(match what.chars().next() {
            Some('\'') => diagnostic.with_hint("strings are written in double quotes"),
            Some(c) if c.is_alphabetic() => {
                diagnostic.with_hint("names are written with the letters a to z, digits and `_`")
            }
            _ => diagnostic,
        });
    }
    tokens
}

fn name_kind(word: &str) -> TokenKind {
    match word.as_bytes()[0] {
        b'A'..=b'Z' => TokenKind::TypeName,
        _ if word == "_" => TokenKind::Underscore,
        _ => words::classify(word),
    }
}

fn comment_kind(text: &str) -> TokenKind {
    match text.as_bytes() {
        [_, _, b'/', b'/', ..] => TokenKind::Comment,
        [_, _, b'/', ..] => TokenKind::OuterDoc,
        [_, _, b'!', ..] => TokenKind::InnerDoc,
        _ => TokenKind::Comment,
    }
}

/// `t.0.1`: after a dot, `0.1` is two members.
fn split_tuple_path(tokens: &mut Vec<Token>, text: &str, span: Span) {
    let dot = span.start + text.find('.').unwrap_or(text.len()) as u32;
    tokens.push(Token {
        kind: TokenKind::Number,
        span: Span::new(span.file, span.start, dot),
    });
    if dot < span.end {
        tokens.push(Token {
            kind: TokenKind::Dot,
            span: Span::new(span.file, dot, dot + 1),
        });
        tokens.push(Token {
            kind: TokenKind::Number,
            span: Span::new(span.file, dot + 1, span.end),
        });
    }
}

/// Unknown characters that touch are one mistake.
fn unknown(tokens: &mut Vec<Token>, span: Span) {
    match tokens.last_mut() {
        Some(last) if last.kind == TokenKind::Unknown && last.span.end == span.start => {
            last.span.end = span.end
        }
        _ => tokens.push(Token {
            kind: TokenKind::Unknown,
            span,
        }),
    }
}
