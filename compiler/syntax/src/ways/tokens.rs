//! Looking around a misfit: tokens, their places, the line and the part of an expression that one stands in. Always true:
//! nothing is looked for further than a stated distance, so that a long line costs no more than a short one.

use crate::foreign::Instead;
use crate::misfits::Misfits;
use crate::token::TokenKind;
use crate::ways::Way;

/// How far a line is looked at in each direction, in bytes.
const LINE_BYTES_MAX: usize = 2_000;

/// How far a part of an expression or a table's head is looked for, in tokens.
pub(super) const PART_TOKENS_MAX: usize = 10_000;

impl Misfits<'_> {
    pub(super) fn kind(&self, at: usize) -> Option<TokenKind> {
        self.stream.kinds.get(at).copied()
    }

    pub(super) fn place(&self, at: usize) -> (u32, u32) {
        self.stream.spans[at]
    }

    pub(super) fn word_at(&self, at: usize) -> &str {
        self.stream
            .spans
            .get(at)
            .map_or("", |span| &self.text[span.0 as usize..span.1 as usize])
    }

    pub(super) fn word_before(&self, at: usize) -> &str {
        at.checked_sub(1).map_or("", |before| self.word_at(before))
    }

    pub(super) fn kind_before(&self, at: usize) -> Option<TokenKind> {
        at.checked_sub(1).and_then(|before| self.kind(before))
    }

    /// Whether two tokens stand at `at` with nothing between them.
    pub(super) fn touch(&self, at: usize, first: TokenKind, second: TokenKind) -> bool {
        self.kind(at) == Some(first)
            && self.kind(at + 1) == Some(second)
            && self.place(at).1 == self.place(at + 1).0
    }

    /// From the first token of one to the last token of another, in bytes.
    pub(super) fn stretch(&self, first: usize, last: usize) -> (u32, u32) {
        (self.place(first).0, self.place(last).1)
    }

    /// Numbers of the first token and of the one past the last on the source line of token `at`.
    pub(super) fn line(&self, at: usize) -> (usize, usize) {
        let at = at.min(self.stream.spans.len().saturating_sub(1));
        let Some(span) = self.stream.spans.get(at) else {
            return (0, 0);
        };
        let (bytes, here) = (self.text.as_bytes(), span.0 as usize);
        let low = here.saturating_sub(LINE_BYTES_MAX);
        let start = bytes[low..here].iter().rposition(|byte| *byte == b'\n');
        let start = start.map_or(low, |end| low + end + 1) as u32;
        let high = bytes.len().min(here + LINE_BYTES_MAX);
        let end = bytes[here..high].iter().position(|byte| *byte == b'\n');
        let end = end.map_or(high, |end| here + end) as u32;
        let mut first = at;
        while first > 0 && self.place(first - 1).0 >= start {
            first -= 1;
        }
        let mut last = at;
        while self
            .stream
            .spans
            .get(last)
            .is_some_and(|span| span.0 < end && self.stream.kinds[last] != TokenKind::Newline)
        {
            last += 1;
        }
        (first, last)
    }

    /// The byte at which what begins at token `at` ends: before a comma, a newline or the bracket around it.
    pub(super) fn end_of_part(&self, at: usize) -> u32 {
        use TokenKind::*;
        let mut depth = 0usize;
        let mut end = self.end_before(at + 1);
        for number in at..self.stream.kinds.len().min(at + PART_TOKENS_MAX) {
            match self.stream.kinds[number] {
                OpenParen | OpenBracket | OpenBrace => depth += 1,
                CloseParen | CloseBracket | CloseBrace if depth == 0 => break,
                CloseParen | CloseBracket | CloseBrace => depth -= 1,
                Comma | Newline if depth == 0 => break,
                _ => {}
            }
            end = self.place(number).1;
        }
        end
    }

    pub(super) fn instead(&self, at: usize, (hint, text): Instead) -> Way {
        let way = Way::hint(hint);
        match text {
            None => way,
            Some("") => {
                let (start, end) = self.place(at);
                let blanks = self.text[end as usize..].len()
                    - self.text[end as usize..].trim_start_matches(' ').len();
                way.edit((start, end + blanks as u32), "")
            }
            Some(text) => way.edit(self.place(at), text),
        }
    }

    /// The number of the first token of a line that says something: a closing brace before it does not.
    pub(super) fn first_word(&self, start: usize) -> usize {
        match self.kind(start) {
            Some(TokenKind::CloseBrace) => start + 1,
            _ => start,
        }
    }
}
