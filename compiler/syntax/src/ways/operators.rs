//! Operators that other languages have, and what is written here instead.

use crate::misfits::Misfits;
use crate::token::TokenKind;
use crate::ways::Way;

impl Misfits<'_> {
    /// Operators that other languages have.
    pub(super) fn operator(&self, at: usize) -> Option<Way> {
        use TokenKind::*;
        let before = at.checked_sub(1);
        for sign in [Plus, Minus] {
            let first = before
                .filter(|before| self.touch(*before, sign, sign))
                .or(Some(at).filter(|at| self.touch(*at, sign, sign)))
                .or_else(|| {
                    at.checked_sub(2)
                        .filter(|first| self.touch(*first, sign, sign))
                });
            let Some(first) = first else { continue };
            let change = if sign == Plus { "+= 1" } else { "-= 1" };
            let prefix = matches!(
                self.kind_before(first),
                Option::None | Some(Newline | OpenBrace | CloseBrace)
            );
            if prefix && first + 2 < self.stream.kinds.len() {
                let target = self.end_of_part(first + 2);
                let begin = self.place(first + 1).1 as usize;
                let name = self.text.get(begin..target as usize).unwrap_or("").trim();
                return Some(
                    Way::hint(format!("write `{name} {change}`"))
                        .edit(self.stretch(first, first + 1), "")
                        .edit((target, target), format!(" {change}")),
                );
            }
            let (start, _) = self.line(first);
            let target =
                self.text[self.place(start).0 as usize..self.place(first).0 as usize].trim();
            let blank = if self.text[..self.place(first).0 as usize].ends_with(' ') {
                ""
            } else {
                " "
            };
            return Some(
                Way::hint(format!("write `{target} {change}`"))
                    .edit(self.stretch(first, first + 1), format!("{blank}{change}")),
            );
        }
        let first = before?;
        if self.touch(first, EqualEqual, Equal) || self.touch(first, NotEqual, Equal) {
            let sign = if self.kind(first) == Some(EqualEqual) {
                "=="
            } else {
                "!="
            };
            return Some(
                Way::hint(format!("compare with `{sign}`")).edit(self.stretch(first, at), sign),
            );
        }
        if self.touch(first, Less, Greater) {
            return Some(Way::hint("compare with `!=`").edit(self.stretch(first, at), "!="));
        }
        if self.touch(first, Star, Star) {
            return Some(Way::hint(
                "there is no power: multiply, or shift with `1 << n`",
            ));
        }
        if self.touch(at, Colon, Equal) {
            let (start, _) = self.line(at);
            let is_binding = start + 1 == at;
            let way = Way::hint(if is_binding {
                format!("write `let {} = …`", self.word_at(start))
            } else {
                "write `=`".to_string()
            });
            let way = way.edit(self.stretch(at, at + 1), "=");
            return Some(if is_binding {
                let (begin, _) = self.place(start);
                way.edit((begin, begin), "let ")
            } else {
                way
            });
        }
        for (sign, text) in [
            (Bar, "|"),
            (Ampersand, "&"),
            (Caret, "^"),
            (ShiftLeft, "<<"),
        ] {
            if self.touch(first, sign, Equal) {
                let (start, _) = self.line(first);
                let target =
                    self.text[self.place(start).0 as usize..self.place(first).0 as usize].trim();
                let way = Way::hint(format!("write `{target} = {target} {text} …`"));
                return Some(way.edit(self.stretch(first, at), format!("= {target} {text}")));
            }
        }
        if self.kind(at) == Some(Question) {
            return Some(self.question(at));
        }
        let ends_a_value =
            |kind: TokenKind| kind.is_name() || matches!(kind, CloseParen | CloseBracket);
        if self.kind(at) == Some(Bang) && self.kind(first).is_some_and(ends_a_value) {
            return Some(Way::hint(
                "what may be `none` is bound first: `let x = … else fail Failure`",
            ));
        }
        Option::None
    }

    /// `c ? a : b`, and `?` after a value.
    pub(super) fn question(&self, at: usize) -> Way {
        use TokenKind::*;
        let (start, end) = self.line(at);
        let colon = (at..end)
            .rev()
            .find(|number| self.kind(*number) == Some(Colon));
        let Some(colon) = colon else {
            return Way::hint("`T?` is a type; a failing lookup is handled by `else fail …`");
        };
        let begin = (start..at)
            .rev()
            .find(|number| {
                matches!(
                    self.kind(*number),
                    Some(
                        Equal
                            | Return
                            | OpenParen
                            | OpenBrace
                            | Comma
                            | FatArrow
                            | PlusEqual
                            | MinusEqual
                    )
                )
            })
            .map_or(start, |number| number + 1);
        let (from, _) = self.place(begin);
        let last = self.end_of_part(colon);
        Way::hint("write `if c { a } else { b }`")
            .edit((from, from), "if ")
            .edit(self.place(at), "{")
            .edit(self.place(colon), "} else {")
            .edit((last, last), " }")
    }
}
