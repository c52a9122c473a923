//! Which `<` and `>` hold type arguments and which compare: decided here, once and in linear time, so that
//! the grammar never has to try both. A `<` after an upper-case or generic name (or a declared one) opens
//! arguments when its `>` follows with nothing between but what types and constants are made of, and when
//! what follows the `>` cannot be the right side of a comparison.

use crate::token::TokenKind::*;
use crate::token::{Token, TokenKind};

struct Candidate {
    /// Number of its `<`.
    at: usize,
    /// After `fn name` and the like: `K: Ordered` may stand inside.
    is_declared: bool,
    /// In a type's place, where nothing is compared.
    is_type: bool,
    /// After a lower-case name: in an expression such a type is called at once.
    is_lower: bool,
}

enum Open {
    Angle(Candidate),
    Bracket,
}

/// Turns the `Less` and `Greater` around type arguments into `OpenAngle` and `CloseAngle`.
pub(crate) fn mark(tokens: &mut [Token]) {
    let mut open = Opened::default();
    // The last tokens that are not trivia, the nearest last.
    let mut before: [Option<TokenKind>; 4] = [Option::None; 4];
    for at in 0..tokens.len() {
        let kind = tokens[at].kind;
        match kind {
            Comment | OuterDoc | InnerDoc => continue,
            Newline => {
                // Within `()` and `[]` a newline ends nothing.
                if !open.is_in_brackets() && !before[3].is_some_and(TokenKind::continues_line) {
                    open.clear();
                }
                continue;
            }
            Less => match candidate(at, &before, &open) {
                Some(candidate) => open.push(Open::Angle(candidate)),
                Option::None => open.clear(),
            },
            Greater => match open.pop() {
                Some(Open::Angle(candidate)) if holds(&candidate, following(tokens, at)) => {
                    tokens[candidate.at].kind = OpenAngle;
                    tokens[at].kind = CloseAngle;
                }
                _ => open.clear(),
            },
            OpenParen | OpenBracket => open.push(Open::Bracket),
            CloseParen | CloseBracket => while let Some(Open::Angle(_)) = open.pop() {},
            Comma | Question | Semicolon | Plus | Minus | Star | Slash | Percent | Number => {}
            Colon if matches!(open.all.last(), Some(Open::Angle(candidate)) if candidate.is_declared) =>
                {}
            name if name.is_name() => {}
            // Brackets stay: what comes after them may open arguments of its own.
            _ => open.clear(),
        }
        before = [before[1], before[2], before[3], Some(tokens[at].kind)];
    }
}

/// What is open, and how many of it are angles.
#[derive(Default)]
struct Opened {
    all: Vec<Open>,
    angles: usize,
}

impl Opened {
    fn push(&mut self, open: Open) {
        self.angles += usize::from(matches!(open, Open::Angle(_)));
        self.all.push(open);
    }

    fn pop(&mut self) -> Option<Open> {
        let open = self.all.pop()?;
        self.angles -= usize::from(matches!(open, Open::Angle(_)));
        Some(open)
    }

    fn is_in_brackets(&self) -> bool {
        self.all.len() > self.angles
    }

    fn clear(&mut self) {
        *self = Opened::default();
    }
}

fn candidate(at: usize, before: &[Option<TokenKind>; 4], open: &Opened) -> Option<Candidate> {
    let declares = |word: Option<TokenKind>| {
        matches!(
            word,
            Some(Fn | Command | Query | Report | Const | Type | Struct | Enum | Layout)
        )
    };
    let is_declared = declares(before[2]) || (before[2] == Some(At) && declares(before[0]));
    // `type Names = set<…`
    let is_alias = before[2] == Some(Equal) && before[0] == Some(Type);
    let is_type = is_declared
        || is_alias
        || open.angles > 0
        || matches!(before[2], Some(Colon | Arrow | As | Ref));
    let is_lower = match before[3]? {
        TypeName => false,
        GenericName => true,
        Number => is_declared.then_some(true)?,
        name if name.is_name() => is_type.then_some(true)?,
        _ => return Option::None,
    };
    // `a.list < b` compares a field.
    (before[2] != Some(Dot)).then_some(Candidate {
        at,
        is_declared,
        is_type,
        is_lower,
    })
}

fn following(tokens: &[Token], at: usize) -> Option<TokenKind> {
    tokens.get(at + 1).map(|token| token.kind)
}

fn holds(candidate: &Candidate, next: Option<TokenKind>) -> bool {
    let Some(next) = next.filter(|_| !candidate.is_type) else {
        return true;
    };
    if candidate.is_lower {
        return next == OpenParen
            || matches!(
                next,
                Question | Comma | CloseParen | CloseAngle | Greater | Newline | Equal
            );
    }
    let is_operand = next.is_name()
        || matches!(
            next,
            Number | Float | String | Bytes | True | False | None | OpenBracket
        );
    !is_operand
}
