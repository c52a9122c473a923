//! The way out of a misfit: what to write instead, as a hint and, where only one repair is meant, as edits. Always true:
//! edits are places of bytes on token borders, in the same file, and never overlap.

mod heads;
mod operators;
mod tables;
mod tokens;

use crate::error::{Expected, SyntaxError};
use crate::foreign;
use crate::misfits::Misfits;
use crate::token::TokenKind;

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
