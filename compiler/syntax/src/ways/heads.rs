//! The heads of loops and callables and the borders of their bodies, as other languages write them.

use crate::error::SyntaxError;
use crate::foreign;
use crate::misfits::Misfits;
use crate::token::TokenKind;
use crate::ways::Way;

impl Misfits<'_> {
    pub(super) fn loops(&self, error: &SyntaxError) -> Option<Way> {
        use TokenKind::*;
        let at = error.at;
        let (start, _) = self.line(at);
        let first = self.first_word(start);
        let counted = "a loop walks a range: `for i in 0..n max 64 { … }`";
        if self.kind(first) == Some(For)
            && self.kind(first + 1) == Some(OpenParen)
            && at <= first + 3
        {
            return Some(Way::hint(counted));
        }
        if matches!(
            self.word_at(first),
            "while" | "loop" | "until" | "do" | "repeat"
        ) {
            return Some(Way::hint(foreign::statement("while")?.0));
        }
        if error.expected.has_kind(In) && matches!(self.kind(at), Some(Equal | Colon)) {
            return Some(Way::hint(counted));
        }
        if matches!(self.word_at(at), "where" | "WHERE") && self.kind(first) == Some(For) {
            return Some(Way::hint(
                "a loop is bounded by `take` and filtered in its body: `if !c { continue }`",
            ));
        }
        if self.word_at(at) == "where" || self.word_at(at) == "WHERE" {
            return Some(self.filter(at));
        }
        Option::None
    }

    /// `… in A where c take 5`
    pub(super) fn filter(&self, at: usize) -> Way {
        let way = Way::hint("the filter comes after the bound: `a in A take 5 if c`");
        let (_, end) = self.line(at);
        let end_of_walk = self.end_of_part(at);
        let take = (at..end).find(|number| {
            self.kind(*number) == Some(TokenKind::Take) && self.place(*number).1 <= end_of_walk
        });
        match take {
            Some(take) if take > at + 1 => {
                let (from, to) = self.stretch(at + 1, take - 1);
                let condition = &self.text[from as usize..to as usize];
                let bound = &self.text[self.place(take).0 as usize..end_of_walk as usize];
                way.edit(
                    (self.place(at).0, end_of_walk),
                    format!("{bound} if {condition}"),
                )
            }
            _ => way.edit(self.place(at), "take 100 if"),
        }
    }

    /// Headers of callables and other declarations.
    pub(super) fn header(&self, error: &SyntaxError) -> Option<Way> {
        use TokenKind::*;
        let at = error.at;
        let found = self.kind(at);
        let (start, _) = self.line(at);
        let declaring = self
            .kind(self.first_word(start))
            .filter(|kind| kind.starts_declaration());
        if error.expected.has_kind(Arrow) && matches!(found, Some(Colon | FatArrow)) {
            return Some(Way::hint("a result type stands after `->`").edit(self.place(at), " ->"));
        }
        if error.expected.has_kind(Colon)
            && found.is_some_and(TokenKind::is_name)
            && self.kind_before(at).is_some_and(TokenKind::is_name)
            && matches!(self.kind(at.checked_sub(2)?), Some(OpenParen | Comma))
        {
            let (ty, name) = (self.word_before(at), self.word_at(at));
            let looks_like_a_type = ty.starts_with(|c: char| c.is_ascii_uppercase())
                || matches!(
                    ty,
                    "u8" | "u16" | "u32" | "u64" | "u128" | "i64" | "i32" | "bool" | "time"
                );
            let way = if looks_like_a_type {
                Way::hint(format!("write `{name}: {ty}`"))
                    .edit(self.stretch(at - 1, at), format!("{name}: {ty}"))
            } else {
                let end = self.end_before(at);
                Way::hint(format!("write `{ty}: {name}`")).edit((end, end), ":")
            };
            return Some(way);
        }
        if error.expected.has_kind(Colon) && matches!(found, Some(Comma | CloseParen)) {
            return Some(Way::hint(format!(
                "say its type, as in `{}: u64`",
                self.word_before(at)
            )));
        }
        if found == Some(Equal) && error.expected.has_kind(CloseParen) && declaring.is_some() {
            return Some(Way::hint(
                "parameters have no defaults: take a `T?`, and write `x ?? default` in the body",
            ));
        }
        if found == Some(OpenParen) && matches!(declaring, Some(Event | Struct)) {
            let close = (at..self.stream.kinds.len())
                .find(|number| self.kind(*number) == Some(CloseParen))?;
            return Some(
                Way::hint("fields stand in braces: `{ name: type }`")
                    .edit(self.place(at), " {")
                    .edit(self.place(close), "}"),
            );
        }
        if declaring == Some(Error)
            && error.expected.has_kind(OpenBrace)
            && self.kind_before(at) == Some(TypeName)
        {
            return Some(Way::hint(format!(
                "an error lists its variants: `error SomeError {{ {} }}`",
                self.word_before(at)
            )));
        }
        if self.kind_before(at) == Some(Mut) && error.expected.has_kind(Equal) {
            let first = at
                .checked_sub(2)
                .filter(|number| self.kind(*number) == Some(Let))?;
            return Some(
                Way::hint(format!("write `var {}`", self.word_at(at)))
                    .edit(self.stretch(first, at - 1), "var"),
            );
        }
        if found == Some(Bar) && error.expected.has_kind(Question) {
            let after = self.word_at(at + 1);
            if matches!(after, "null" | "none" | "None" | "undefined" | "nil") {
                return Some(
                    Way::hint("what may be absent is written `T?`")
                        .edit(self.stretch(at, at + 1), "?"),
                );
            }
            return Some(Way::hint("one of several forms is an `enum`"));
        }
        if found == Some(OpenBracket)
            && error.expected.has_kind(Question)
            && self.kind_before(at)?.is_name()
        {
            let ty = self.word_before(at);
            let count = (self.kind(at + 1) == Some(Number)).then(|| self.word_at(at + 1));
            let list = format!("list<{ty}, {}>", count.unwrap_or("100"));
            let close = if count.is_some() { at + 2 } else { at + 1 };
            let way = Way::hint(format!("write `{list}`: every list has a largest length"));
            return Some(if self.kind(close) == Some(CloseBracket) {
                way.edit(self.stretch(at - 1, close), list)
            } else {
                way
            });
        }
        Option::None
    }

    /// Bodies without braces, arms with statements, words before a body.
    pub(super) fn bodies(&self, error: &SyntaxError) -> Option<Way> {
        use TokenKind::*;
        let at = error.at;
        let found = self.kind(at);
        let (start, end) = self.line(at);
        if self.kind_before(at) == Some(FatArrow)
            && matches!(found, Some(Ensure | Emit | Let | Var | For | Assert))
        {
            let (from, to) = (self.place(at).0, self.end_of_part(at));
            return Some(
                Way::hint(format!(
                    "a statement stands in a block: `=> {{ {} … }}`",
                    self.word_at(at)
                ))
                .edit((from, from), "{ ")
                .edit((to, to), " }"),
            );
        }
        if matches!(found, Some(Equal | PlusEqual | MinusEqual))
            && let Some(arrow) = (start..at)
                .rev()
                .find(|number| self.kind(*number) == Some(FatArrow))
        {
            let (from, to) = (self.place(arrow + 1).0, self.end_of_part(at));
            return Some(
                Way::hint("a statement stands in a block: `=> { … }`")
                    .edit((from, from), "{ ")
                    .edit((to, to), " }"),
            );
        }
        if error.expected.has_kind(FatArrow) {
            if matches!(found, Some(Colon | Arrow)) {
                return Some(
                    Way::hint("an arm is written `pattern => value`").edit(self.place(at), " =>"),
                );
            }
            if matches!(self.word_before(at), "case" | "when") {
                return Some(self.instead(at - 1, foreign::statement("case")?));
            }
        }
        if !error.expected.has_kind(OpenBrace) {
            return Option::None;
        }
        let head = (start..at)
            .rev()
            .find(|number| matches!(self.kind(*number), Some(If | For | Match)))
            .or_else(|| {
                (start..at)
                    .rev()
                    .find(|number| self.kind(*number) == Some(Else))
            })?;
        if found == Some(Equal) && self.kind(head) == Some(If) {
            return Some(Way::hint("compare with `==`").edit(self.place(at), "=="));
        }
        if found == Some(Colon) && at + 1 == end {
            return Some(Way::hint("a body stands in braces: `{ … }`"));
        }
        if matches!(
            self.word_at(at),
            "and" | "or" | "AND" | "OR" | "is" | "mod" | "of" | "order" | "limit"
        ) {
            return Option::None;
        }
        let begins = |kind: TokenKind| {
            kind.is_name()
                || matches!(
                    kind,
                    Return
                        | Break
                        | Continue
                        | Fail
                        | Emit
                        | Ensure
                        | Number
                        | String
                        | True
                        | False
                        | None
                )
        };
        if !found.is_some_and(begins) || self.kind(head) == Some(Match) {
            return Option::None;
        }
        // `if c throw E`, `if c then a else b`, `if c return x`: braces around what follows, up to an `else`.
        let then = matches!(self.word_at(at), "then" | "do");
        let word = foreign::statement(self.word_at(at)).filter(|(_, text)| *text == Some("fail"));
        let otherwise = (at..end).find(|number| self.kind(*number) == Some(Else));
        let hint = match (word, self.kind(head)) {
            (Some(_), _) => format!(
                "write `{{ fail {} }}`, or `ensure … else {0}` for the whole line",
                self.word_at(at + 1)
            ),
            (_, Some(For)) => "a body stands in braces: `for x in xs { … }`".to_string(),
            _ => "a body stands in braces: `if c { … } else { … }`".to_string(),
        };
        let way = Way::hint(hint);
        let (from, to) = self.place(at);
        let way = if then {
            way.edit((from, to), "{")
        } else if word.is_some() {
            way.edit((from, to), "{ fail")
        } else {
            way.edit((from, from), "{ ")
        };
        Some(match otherwise {
            Some(otherwise) if self.kind(otherwise + 1) != Some(OpenBrace) => {
                let last = self.end_of_part(otherwise);
                way.edit(self.place(otherwise), "} else {")
                    .edit((last, last), " }")
            }
            Some(_) => way,
            Option::None => {
                let last = self.end_of_part(at);
                way.edit((last, last), " }")
            }
        })
    }
}
