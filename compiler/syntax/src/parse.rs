//! The front end in one page: bytes, text, tokens, stream, tree, and the words for what did not fit.

use crate::ast;
use crate::error::{Expected, SyntaxError};
use crate::limits::{FILE_BYTES_MAX, SYNTAX_ERRORS_MAX};
use crate::stream::Stream;
use crate::token::{Token, TokenKind};
use crate::{grammar, lexer, names};
use rc_diagnostics::{Diagnostic, Diagnostics, clean, codes};
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
    let words = Words {
        file,
        text,
        stream: &stream,
    };
    let loud = errors
        .iter()
        .filter(|error| !stream.is_quiet(words.span(error).start));
    diagnostics.extend(loud.map(|error| words.diagnostic(error)));
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

fn capped(diagnostics: Diagnostics) -> Diagnostics {
    if diagnostics.len() <= SYNTAX_ERRORS_MAX {
        return diagnostics;
    }
    let mut first = Diagnostics::new();
    first.extend(diagnostics.into_iter().take(SYNTAX_ERRORS_MAX));
    first
}

/// Turns misfits into messages.
struct Words<'a> {
    file: FileId,
    text: &'a str,
    stream: &'a Stream,
}

impl Words<'_> {
    /// The token that did not fit; at the end of a line or file, the place after the last token.
    fn span(&self, error: &SyntaxError) -> Span {
        let before = || {
            error
                .at
                .checked_sub(1)
                .and_then(|at| self.stream.spans.get(at))
                .map_or(0, |span| span.1)
        };
        match self.stream.spans.get(error.at) {
            Some(_) if self.stream.kinds[error.at] == TokenKind::Newline => {
                Span::new(self.file, before(), before())
            }
            Some((start, end)) => Span::new(self.file, *start, *end),
            None => Span::new(self.file, before(), before()),
        }
    }

    fn diagnostic(&self, error: &SyntaxError) -> Diagnostic {
        let span = self.span(error);
        if error.twice {
            let message = "this clause is given twice";
            return Diagnostic::error(codes::TWICE_THE_SAME_CLAUSE, span, message)
                .with_hint("join the two into one");
        }
        let found = self.stream.kinds.get(error.at).copied();
        let shown = self.shown(found, span);
        let expected = expected_words(error);
        if error.expected.has(Expected::Declaration) {
            let message = format!("expected a declaration, found {shown}");
            let hint = "declarations begin with `table`, `command`, `query`, `fn`, `type`, `struct`, `enum`, `state`, …";
            return Diagnostic::error(codes::EXPECTED_DECLARATION, span, message).with_hint(hint);
        }
        let is_name_missing =
            error.expected.has(Expected::Name) || error.expected.has(Expected::Pattern);
        if let Some(keyword) = found.filter(|kind| kind.is_keyword() && is_name_missing) {
            let message = format!("{} is a keyword and cannot be a name", keyword.described());
            return Diagnostic::error(codes::KEYWORD_AS_NAME, span, message)
                .with_hint("choose another name, or append `_`");
        }
        let message = match expected.as_str() {
            "" => format!("{shown} does not fit here"),
            expected => format!("expected {expected}, found {shown}"),
        };
        let diagnostic = Diagnostic::error(codes::UNEXPECTED_TOKEN, span, message);
        match self.hint(error, found, span) {
            Some(hint) => diagnostic.with_hint(hint),
            None => diagnostic,
        }
    }

    fn shown(&self, found: Option<TokenKind>, span: Span) -> String {
        match found {
            None => "the end of the file".to_owned(),
            Some(TokenKind::Newline) => "the end of the line".to_owned(),
            Some(kind) if span.is_empty() => kind.described().into_owned(),
            Some(kind @ (TokenKind::String | TokenKind::Bytes | TokenKind::OuterDoc)) => {
                kind.described().into_owned()
            }
            Some(_) => {
                let text: String = self.text[span.start as usize..span.end as usize]
                    .chars()
                    .take(40)
                    .collect();
                format!("`{}`", clean(&text))
            }
        }
    }

    fn hint(
        &self,
        error: &SyntaxError,
        found: Option<TokenKind>,
        span: Span,
    ) -> Option<&'static str> {
        use TokenKind::*;
        let found = found?;
        let before = error
            .at
            .checked_sub(1)
            .and_then(|at| self.stream.kinds.get(at).copied());
        let word = self
            .text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("");
        let is_infix = matches!(
            found,
            Plus | Star
                | Slash
                | Percent
                | AndAnd
                | OrOr
                | EqualEqual
                | NotEqual
                | Less
                | LessEqual
                | Greater
                | GreaterEqual
                | QuestionQuestion
                | Bar
                | Caret
                | Ampersand
        );
        if is_infix && matches!(before, Some(Newline | OpenBrace)) {
            return Some(
                "an operator ends a line, it does not begin one: move it to the end of the line above",
            );
        }
        let text_before = error
            .at
            .checked_sub(1)
            .and_then(|at| self.stream.spans.get(at))
            .map(|span| &self.text[span.0 as usize..span.1 as usize]);
        if matches!(text_before, Some("while" | "loop")) {
            return Some("every loop is bounded: `for i in 0..n max 64 { … }`");
        }
        match found {
            Equal if error.expected.has_kind(OpenBrace) => Some("compare with `==`"),
            Question => Some("`T?` is a type; a failing lookup is handled by `else fail …`"),
            Less | LessEqual | Greater | GreaterEqual | EqualEqual | NotEqual => {
                Some("comparisons do not chain: join two with `&&`")
            }
            OpenBrace if matches!(before, Some(TypeName)) => {
                Some("a record in the head of `if`, `match` or `for` needs parentheses")
            }
            _ => match word {
                "and" => Some("write `&&`"),
                "or" => Some("write `||`"),
                "let" if error.expected.has(Expected::Declaration) => {
                    Some("a value at top level is a `state` or a `const`")
                }
                _ => Option::None,
            },
        }
    }
}

/// What would have fitted, without the operators that may follow any value.
fn expected_words(error: &SyntaxError) -> String {
    use TokenKind::*;
    let expected = &error.expected;
    let mut words: Vec<Cow<'static, str>> = Expected::ALL
        .iter()
        .filter(|(one, _)| expected.has(*one))
        .map(|(_, word)| Cow::Borrowed(*word))
        .collect();
    const TELLING: &[TokenKind] = &[
        OpenBrace,
        OpenParen,
        CloseParen,
        CloseBracket,
        CloseBrace,
        Comma,
        Colon,
        Equal,
        FatArrow,
        In,
        Else,
        From,
        CloseAngle,
        String,
        Number,
        TypeName,
        Newline,
        Semicolon,
        LessEqual,
        Delete,
    ];
    let has_expression = expected.has(Expected::Expression) || expected.has(Expected::Statement);
    for kind in TELLING.iter().filter(|kind| expected.has_kind(**kind)) {
        let is_continuation = match kind {
            // A call, an assignment: they may follow any value.
            OpenParen => expected.has_kind(Dot) || expected.has_kind(OpenBracket),
            Else => expected.has_kind(Newline),
            Equal => expected.has_kind(PlusEqual),
            Newline => expected.has_kind(OpenBrace),
            _ => false,
        };
        if !is_continuation && !has_expression {
            words.push(kind.described());
        }
    }
    words.dedup();
    match words.split_last() {
        Option::None => std::string::String::new(),
        Some((last, [])) => last.to_string(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
