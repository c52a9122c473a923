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
            Ok(first @ (TokenKind::Slash | TokenKind::Minus | TokenKind::SlashEqual))
                if foreign_comment(text, range.start).is_some() =>
            {
                let end = foreign_comment(text, range.start).unwrap_or(range.end);
                lexer.bump(end - range.end);
                let span = Span::new(file, span.start, end as u32);
                report_comment(text, span, first, diagnostics);
                tokens.push(Token {
                    kind: TokenKind::Comment,
                    span,
                });
                if text[range.start..end].contains('\n') {
                    tokens.push(Token {
                        kind: TokenKind::Newline,
                        span: Span::new(file, span.end, span.end),
                    });
                }
                continue;
            }
            Ok(kind) => kind,
            Err(()) => {
                if let Some(end) = foreign_comment(text, range.start) {
                    lexer.bump(end - range.end);
                    let span = Span::new(file, span.start, end as u32);
                    report_comment(text, span, TokenKind::Unknown, diagnostics);
                    tokens.push(Token {
                        kind: TokenKind::Comment,
                        span,
                    });
                } else {
                    unknown(&mut tokens, span);
                }
                continue;
            }
        };
        literals::check(kind, lexer.slice(), span, diagnostics);
        tokens.push(Token { kind, span });
    }
    angles::mark(&mut tokens);
    let mut quoted_from = None;
    for token in tokens
        .iter()
        .filter(|token| token.kind == TokenKind::Unknown)
    {
        let what = &text[token.span.start as usize..token.span.end as usize];
        let shown: String = what.chars().take(8).collect();
        let message = format!("`{}` means nothing here", clean(&shown));
        let diagnostic = Diagnostic::error(codes::UNKNOWN_CHARACTER, token.span, message);
        let rest = &text[token.span.end as usize..];
        diagnostics.push(match what.chars().next() {
            Some(quote @ ('\'' | '`')) => {
                let end = rest.bytes().take(QUOTED_BYTES_MAX).position(|b| b == b'\n');
                let line = rest.get(..end.unwrap_or(0)).unwrap_or_default();
                let diagnostic = diagnostic.with_hint("strings are written in double quotes");
                match line.find(quote) {
                    Some(close) if what.len() == 1 && !line[..close].contains('"') => {
                        if quoted_from == Some(token.span.start) {
                            continue;
                        }
                        let end = token.span.end + close as u32;
                        quoted_from = Some(end);
                        diagnostic
                            .with_edit(token.span, "\"")
                            .with_edit(Span::new(file, end, end + 1), "\"")
                    }
                    _ if quoted_from == Some(token.span.start) => continue,
                    _ => diagnostic,
                }
            }
            Some('#') if rest.starts_with('[') => {
                diagnostic.with_hint("attributes are written `@http(GET \"/path\")`")
            }
            Some('$') => diagnostic.with_hint("names are written without a mark before them"),
            Some(c) if c.is_alphabetic() => {
                diagnostic.with_hint("names are written with the letters a to z, digits and `_`")
            }
            _ => diagnostic,
        });
    }
    tokens
}

/// How far the partner of a `'` is looked for.
const QUOTED_BYTES_MAX: usize = 1 << 10;

/// How far a `*/` is looked for.
const COMMENT_BYTES_MAX: usize = 1 << 14;

/// Where a comment of another language that begins at `start` ends: `/* … */`, `# …`, `-- …`.
fn foreign_comment(text: &str, start: usize) -> Option<usize> {
    let rest = &text[start..];
    let line = || rest.find('\n').unwrap_or(rest.len());
    let opens = |mark: &str| {
        let after = rest.strip_prefix(mark);
        let begins = text[..start].ends_with([' ', '\t', '\n']) || start == 0;
        begins && after.is_some_and(|after| after.starts_with([' ', '\t', '\n']))
    };
    if rest.starts_with("/*") {
        let near = &rest.as_bytes()[..rest.len().min(COMMENT_BYTES_MAX)];
        let close = near[2..].windows(2).position(|two| two == b"*/");
        return Some(start + close.map_or_else(line, |end| end + 4));
    }
    (opens("#") || opens("--")).then(|| start + line())
}

fn report_comment(text: &str, span: Span, first: TokenKind, diagnostics: &mut Diagnostics) {
    let comment = &text[span.start as usize..span.end as usize];
    let mut diagnostic = Diagnostic::error(
        codes::FOREIGN_COMMENT,
        span,
        "comments are `//`, to the end of the line",
    );
    let line_ends = text[span.end as usize..]
        .trim_start_matches([' ', '\t', '\r'])
        .starts_with('\n')
        || text[span.end as usize..].trim().is_empty();
    let inner = match first {
        TokenKind::Unknown => comment.trim_start_matches('#'),
        TokenKind::Minus => comment.trim_start_matches('-'),
        _ => comment
            .trim_start_matches('/')
            .trim_start_matches('*')
            .trim_end_matches('/')
            .trim_end_matches('*'),
    };
    diagnostic = if line_ends {
        let lines: Vec<String> = inner
            .trim()
            .lines()
            .map(|line| format!("// {}", line.trim().trim_start_matches('*').trim_start()))
            .map(|line| line.trim_end().to_string())
            .collect();
        let shown = lines.first().cloned().unwrap_or_else(|| "//".into());
        diagnostic
            .with_hint(format!("write `{}`", clean(&shown)))
            .with_edit(
                span,
                if lines.is_empty() {
                    "//".into()
                } else {
                    lines.join("\n")
                },
            )
    } else {
        diagnostic.with_hint("put it at the end of the line, after `//`")
    };
    diagnostics.push(diagnostic);
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
