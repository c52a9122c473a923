//! Tokens as the formatter sees them: text, what stood before, and later what the marks say. Always true:
//! a comment is the last piece of its line.

use rc_syntax::{Token, TokenKind};

/// What separated a piece from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gap {
    /// Nothing, or blanks.
    Same,
    Line,
    /// One empty line or more.
    Blank,
}

#[derive(Clone, Debug)]
pub(crate) struct Piece<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
    pub gap: Gap,
    /// Blanks stood before it on its line.
    pub was_spaced: bool,
    /// The first word of a header clause that has a line to itself.
    pub is_clause: bool,
    /// The `{` of a body below such clauses.
    pub is_body: bool,
}

impl Piece<'_> {
    pub(crate) fn is_comment(&self) -> bool {
        self.kind.is_trivia()
    }
}

pub(crate) fn pieces<'a>(text: &'a str, tokens: &[Token]) -> Vec<Piece<'a>> {
    let mut pieces: Vec<Piece> = Vec::with_capacity(tokens.len());
    let mut newlines = 0;
    let mut end = 0;
    for token in tokens {
        let (start, stop) = (token.span.start as usize, token.span.end as usize);
        if token.kind == TokenKind::Newline {
            newlines += 1;
            end = stop;
            continue;
        }
        let after_comment = pieces.last().is_some_and(Piece::is_comment);
        let gap = match newlines {
            0 if after_comment => Gap::Line,
            0 => Gap::Same,
            1 => Gap::Line,
            _ => Gap::Blank,
        };
        pieces.push(Piece {
            kind: token.kind,
            text: text[start..stop].trim_end(),
            gap,
            was_spaced: start > end,
            is_clause: false,
            is_body: false,
        });
        newlines = 0;
        end = stop;
    }
    pieces
}
