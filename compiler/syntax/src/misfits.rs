//! The words for what the grammar could not read: where, what stands there, what would have fitted, and the way out
//! (see `ways`). Always true: one complaint of the grammar gives one diagnostic.

use crate::error::{Expected, Sort, SyntaxError};
use crate::stream::Stream;
use crate::token::TokenKind;
use rc_diagnostics::{Diagnostic, clean, codes};
use rc_source::{FileId, Span};
use std::borrow::Cow;

/// Turns misfits into messages.
pub(crate) struct Misfits<'a> {
    pub file: FileId,
    pub text: &'a str,
    pub stream: &'a Stream,
}

impl Misfits<'_> {
    /// The token that did not fit; at the end of a line or file, the place after the last token.
    pub(crate) fn span(&self, error: &SyntaxError) -> Span {
        match self.stream.spans.get(error.at) {
            Some((start, end)) if self.stream.kinds[error.at] != TokenKind::Newline => {
                Span::new(self.file, *start, *end)
            }
            _ => {
                let end = self.end_before(error.at);
                Span::new(self.file, end, end)
            }
        }
    }

    /// Whether it is about a `{` that does not fit.
    pub(crate) fn is_brace(&self, error: &SyntaxError) -> bool {
        self.stream.kinds.get(error.at) == Some(&TokenKind::OpenBrace)
    }

    /// Where the token before number `at` ends.
    pub(crate) fn end_before(&self, at: usize) -> u32 {
        let before = at.checked_sub(1).and_then(|at| self.stream.spans.get(at));
        before.map_or(0, |span| span.1)
    }

    pub(crate) fn diagnostic(&self, error: &SyntaxError) -> Diagnostic {
        let span = self.span(error);
        match error.sort {
            Sort::Misfit => {}
            Sort::Twice => {
                let message = "this clause is given twice";
                return Diagnostic::error(codes::TWICE_THE_SAME_CLAUSE, span, message)
                    .with_hint("join the two into one");
            }
            Sort::NoSeparator => {
                let message = format!(
                    "expected `,` or the end of the line, found {}",
                    self.shown(self.stream.kinds.get(error.at).copied(), span)
                );
                let end = self.end_before(error.at);
                return Diagnostic::error(codes::UNEXPECTED_TOKEN, span, message)
                    .with_label("the next one begins here")
                    .with_hint("put a `,` or a newline between the two")
                    .with_edit(Span::new(self.file, end, end), ",");
            }
        }
        let found = self.stream.kinds.get(error.at).copied();
        let shown = self.shown(found, span);
        let way = self.way(error, found);
        let is_name_missing =
            error.expected.has(Expected::Name) || error.expected.has(Expected::Pattern);
        let keyword = found.filter(|kind| kind.is_keyword() && is_name_missing);
        let (code, message) = if error.expected.has(Expected::Declaration) {
            let message = format!("expected a declaration, found {shown}");
            (codes::EXPECTED_DECLARATION, message)
        } else if let (Some(keyword), None) = (keyword, &way) {
            let message = format!("{} is a keyword and cannot be a name", keyword.described());
            let word = &self.text[span.start as usize..span.end as usize];
            return Diagnostic::error(codes::KEYWORD_AS_NAME, span, message)
                .with_hint(format!("choose another name, or append `_`: `{word}_`"));
        } else {
            let message = match expected_words(error).as_str() {
                "" => format!("{shown} does not fit here"),
                expected => format!("expected {expected}, found {shown}"),
            };
            (codes::UNEXPECTED_TOKEN, message)
        };
        let mut diagnostic = Diagnostic::error(code, span, message);
        if let Some(way) = way {
            diagnostic = diagnostic.with_hint(way.hint);
            for (start, end, text) in way.edits {
                diagnostic = diagnostic.with_edit(Span::new(self.file, start, end), text);
            }
        }
        diagnostic
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
