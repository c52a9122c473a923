//! Members of a table, as SQL and other languages declare them.

use super::tokens::PART_TOKENS_MAX;
use crate::error::{Expected, SyntaxError};
use crate::foreign;
use crate::misfits::Misfits;
use crate::token::TokenKind;
use crate::ways::Way;

impl Misfits<'_> {
    pub(super) fn member_of_a_table(&self, error: &SyntaxError) -> Option<Way> {
        use TokenKind::*;
        let at = error.at;
        let (start, end) = self.line(at);
        let in_member = error.expected.has(Expected::Member)
            || error.expected.has_kind(Colon)
            || matches!(
                self.kind_before(at),
                Some(TokenKind::CloseAngle | TokenKind::CloseParen)
            )
            || self.kind_before(at).is_some_and(TokenKind::is_name);
        if !in_member || !self.within_a_table(at) {
            return Option::None;
        }
        let found = self.kind(at)?;
        let (hint, text) = foreign::member(self.word_at(at))
            .or_else(|| foreign::member(self.word_before(at)))
            .unwrap_or(("", Option::None));
        if at >= 2
            && self.kind(at - 2) == Some(Key)
            && found.is_name()
            && error.expected.has_kind(Colon)
        {
            let end = self.end_before(at);
            let (name, ty) = (self.word_before(at), self.word_at(at));
            return Some(Way::hint(format!("write `key {name}: {ty}`")).edit((end, end), ":"));
        }
        if self.word_before(at) == "key" && found.is_name() {
            let end = self.end_before(at + 1);
            return Some(
                Way::hint(format!("write `key {}: u64`", self.word_at(at))).edit((end, end), ":"),
            );
        }
        if matches!(self.kind_before(at), Some(Index | Unique)) && found == OpenParen {
            let field = self.word_at(at + 1);
            let (place, _) = self.place(at);
            return Some(
                Way::hint(format!(
                    "an index has a name: `{} by_{field}({field})`",
                    self.word_before(at)
                ))
                .edit((place, place), format!(" by_{field}")),
            );
        }
        if !hint.is_empty() {
            let number = if foreign::member(self.word_at(at)).is_some() {
                at
            } else {
                at - 1
            };
            return Some(self.instead(number, (hint, text.filter(|_| number == start))));
        }
        if error.expected.has_kind(Colon) && found.is_name() && start + 1 == at && at < end {
            let before = self.end_before(at);
            return Some(
                Way::hint(format!(
                    "write `{}: {}`",
                    self.word_before(at),
                    self.word_at(at)
                ))
                .edit((before, before), ":"),
            );
        }
        Option::None
    }

    /// Whether token `at` stands in the braces of a table.
    pub(super) fn within_a_table(&self, at: usize) -> bool {
        use TokenKind::*;
        let mut depth = 0usize;
        for number in (0..at).rev().take(PART_TOKENS_MAX) {
            match self.kind(number) {
                Some(CloseBrace) => depth += 1,
                Some(OpenBrace) if depth > 0 => depth -= 1,
                Some(OpenBrace) => {
                    let (start, _) = self.line(number);
                    return self.kind(start) == Some(Table);
                }
                _ => {}
            }
        }
        false
    }
}
