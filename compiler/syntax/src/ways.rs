//! The way out of a misfit: what to write instead, as a hint and, where only one repair is meant, as edits. Always true:
//! edits are places of bytes on token borders, in the same file, and never overlap.

use crate::error::{Expected, SyntaxError};
use crate::foreign::{self, Instead};
use crate::misfits::Misfits;
use crate::token::TokenKind;

/// How far a line is looked at in each direction, in bytes.
const LINE_BYTES_MAX: usize = 2_000;

/// How far a part of an expression or a table's head is looked for, in tokens.
const PART_TOKENS_MAX: usize = 10_000;

pub(crate) struct Way {
    pub hint: String,
    /// Start, end and the text to stand there.
    pub edits: Vec<(u32, u32, String)>,
}

impl Way {
    fn hint(hint: impl Into<String>) -> Way {
        Way {
            hint: hint.into(),
            edits: Vec::new(),
        }
    }

    fn edit(mut self, (start, end): (u32, u32), text: impl Into<String>) -> Way {
        self.edits.push((start, end, text.into()));
        self
    }
}

impl Misfits<'_> {
    /// What to write instead of what stands at `error`, where that can be told.
    pub(crate) fn way(&self, error: &SyntaxError, found: Option<TokenKind>) -> Option<Way> {
        let at = error.at;
        if error.expected.has(Expected::Declaration) {
            return Some(self.declaration(at));
        }
        self.operator(at)
            .or_else(|| self.loops(error))
            .or_else(|| self.header(error))
            .or_else(|| self.bodies(error))
            .or_else(|| self.member_of_a_table(error))
            .or_else(|| self.word(at))
            .or_else(|| self.statement(at))
            .or_else(|| self.bracket(error, found?))
            .or_else(|| self.separator(error, found?))
    }

    // -- tokens ------------------------------------------------------------------------------------------

    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.stream.kinds.get(at).copied()
    }

    fn place(&self, at: usize) -> (u32, u32) {
        self.stream.spans[at]
    }

    fn word_at(&self, at: usize) -> &str {
        self.stream
            .spans
            .get(at)
            .map_or("", |span| &self.text[span.0 as usize..span.1 as usize])
    }

    fn word_before(&self, at: usize) -> &str {
        at.checked_sub(1).map_or("", |before| self.word_at(before))
    }

    fn kind_before(&self, at: usize) -> Option<TokenKind> {
        at.checked_sub(1).and_then(|before| self.kind(before))
    }

    /// Whether two tokens stand at `at` with nothing between them.
    fn touch(&self, at: usize, first: TokenKind, second: TokenKind) -> bool {
        self.kind(at) == Some(first)
            && self.kind(at + 1) == Some(second)
            && self.place(at).1 == self.place(at + 1).0
    }

    /// From the first token of one to the last token of another, in bytes.
    fn stretch(&self, first: usize, last: usize) -> (u32, u32) {
        (self.place(first).0, self.place(last).1)
    }

    /// Numbers of the first token and of the one past the last on the source line of token `at`.
    fn line(&self, at: usize) -> (usize, usize) {
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
    fn end_of_part(&self, at: usize) -> u32 {
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

    fn instead(&self, at: usize, (hint, text): Instead) -> Way {
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

    // -- the mistakes ------------------------------------------------------------------------------------

    fn declaration(&self, at: usize) -> Way {
        let word = self.word_at(at);
        if let Some(instead) = foreign::declaration(word) {
            return self.instead(at, instead);
        }
        if let Some(near) = foreign::near_declaration(word) {
            return Way::hint(format!("did you mean `{near}`?")).edit(self.place(at), near);
        }
        Way::hint(
            "declarations begin with `table`, `command`, `query`, `fn`, `type`, `struct`, `enum`, `state`, …",
        )
    }

    /// Operators that other languages have.
    fn operator(&self, at: usize) -> Option<Way> {
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
    fn question(&self, at: usize) -> Way {
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

    fn loops(&self, error: &SyntaxError) -> Option<Way> {
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
    fn filter(&self, at: usize) -> Way {
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
    fn header(&self, error: &SyntaxError) -> Option<Way> {
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
    fn bodies(&self, error: &SyntaxError) -> Option<Way> {
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

    fn member_of_a_table(&self, error: &SyntaxError) -> Option<Way> {
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
    fn within_a_table(&self, at: usize) -> bool {
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

    /// A word of another language where the reading stopped, or just before.
    fn word(&self, at: usize) -> Option<Way> {
        let found = self.kind(at)?;
        if found.is_name()
            && let Some(instead) = foreign::inside(self.word_at(at))
        {
            return Some(self.instead(at, instead));
        }
        if self.word_at(at) == "in" && self.kind_before(at)?.is_name() {
            return Some(Way::hint(format!(
                "write `{}.contains({})`",
                self.word_at(at + 1),
                self.word_before(at)
            )));
        }
        Option::None
    }

    /// The number of the first token of a line that says something: a closing brace before it does not.
    fn first_word(&self, start: usize) -> usize {
        match self.kind(start) {
            Some(TokenKind::CloseBrace) => start + 1,
            _ => start,
        }
    }

    /// A statement that begins with a word of another language.
    fn statement(&self, at: usize) -> Option<Way> {
        use TokenKind::*;
        let (start, _) = self.line(at);
        // The innermost beginning of a statement before the misfit, on its line.
        let begin = (start..at)
            .rev()
            .find(|number| matches!(self.kind(*number), Some(OpenBrace | Newline)))
            .map_or(self.first_word(start), |number| number + 1);
        let from = self
            .stream
            .spans
            .get(begin)
            .map_or(0, |span| span.0 as usize);
        if from == 0 || self.text[..from].ends_with('\n') {
            // At the margin stand declarations.
            return Option::None;
        }
        for number in [at.checked_sub(1).unwrap_or(at), begin] {
            if self.kind(number).is_some_and(TokenKind::is_name)
                && number <= at
                && let Some(instead) = foreign::statement(self.word_at(number))
            {
                return Some(self.instead(number, instead));
            }
        }
        // `u64 x = 5`
        let (ty, name) = (self.word_at(begin), self.word_at(begin + 1));
        if begin + 1 == at
            && self.kind(begin)?.is_name()
            && self.kind(at)?.is_name()
            && self.kind(at + 1) == Some(Equal)
        {
            let is_type = matches!(
                ty,
                "u8" | "u16"
                    | "u32"
                    | "u64"
                    | "u128"
                    | "i8"
                    | "i16"
                    | "i32"
                    | "i64"
                    | "i128"
                    | "bool"
                    | "time"
                    | "f64"
            );
            let text = if is_type {
                format!("let {name}: {ty}")
            } else {
                format!("let {name}")
            };
            return Some(
                Way::hint(format!("write `{text} = …`")).edit(self.stretch(begin, at), text),
            );
        }
        Option::None
    }

    fn bracket(&self, error: &SyntaxError, found: TokenKind) -> Option<Way> {
        use TokenKind::*;
        let at = error.at;
        let before = self.kind_before(at);
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
            let way = Way::hint(
                "an operator ends a line, it does not begin one: move it to the end of the line above",
            );
            if before == Some(Newline) && at >= 2 {
                let end = self.place(at - 2).1;
                let (start, stop) = self.place(at);
                return Some(
                    way.edit((end, end), format!(" {}", self.word_at(at)))
                        .edit((start, stop), ""),
                );
            }
            return Some(way);
        }
        if is_infix
            && error.expected.has(Expected::Expression)
            && before.is_some_and(|kind| kind.continues_line() && kind != OpenBrace)
        {
            return Some(Way::hint(format!(
                "something is missing between `{}` and `{}`",
                self.word_before(at),
                self.word_at(at)
            )));
        }
        match found {
            Less | LessEqual | Greater | GreaterEqual | EqualEqual | NotEqual => {
                Some(Way::hint("comparisons do not chain: join two with `&&`"))
            }
            OpenBrace if matches!(before, Some(TypeName)) => Some(Way::hint(
                "a record in the head of `if`, `match` or `for` needs parentheses",
            )),
            FatArrow if error.expected.has_kind(Newline) => Some(Way::hint(
                "there are no function values: build a list with `[f(x) for x in xs]`",
            )),
            Bar if error.expected.has(Expected::Expression) => Some(Way::hint(
                "there are no function values: build a list with `[f(x) for x in xs]`",
            )),
            Equal if error.expected.has_kind(OpenBrace) => Some(Way::hint("compare with `==`")),
            CloseBrace | Newline
                if error.expected.has(Expected::Expression)
                    && before.is_some_and(|kind| {
                        kind.continues_line() && kind != Newline && kind != OpenBrace
                    }) =>
            {
                Some(Way::hint(format!(
                    "something is missing after `{}`",
                    self.word_before(at)
                )))
            }
            _ => Option::None,
        }
    }

    /// A value where a comma would fit, a statement where a newline would.
    fn separator(&self, error: &SyntaxError, found: TokenKind) -> Option<Way> {
        use TokenKind::*;
        let begins = found.is_name()
            || matches!(found, Number | Float | String | Bytes | True | False | None);
        let end = self.end_before(error.at);
        if begins && error.expected.has_kind(Comma) {
            return Some(Way::hint("put a `,` between the two").edit((end, end), ","));
        }
        let statement = matches!(
            found,
            Let | Var
                | Ensure
                | Fail
                | Emit
                | For
                | Return
                | Break
                | Continue
                | Assert
                | If
                | Match
        );
        if statement && error.expected.has_kind(Newline) {
            let (start, _) = self.line(error.at);
            let (from, _) = self.place(start);
            let begin = self.text[..from as usize]
                .rfind('\n')
                .map_or(0, |end| end + 1);
            let indent = &self.text[begin..from as usize];
            let own = if indent.is_empty() { "    " } else { indent };
            return Some(
                Way::hint("a statement stands on a line of its own")
                    .edit((end, self.place(error.at).0), format!("\n{own}")),
            );
        }
        Option::None
    }
}
