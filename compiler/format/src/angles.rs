//! Which `<` and `>` hold type arguments and which compare. The parser has decided; its rule is repeated
//! here on tokens: a `<` after an upper-case or generic name (or a declared one) that finds its `>` with
//! nothing between but what types and constants are made of. A wrong guess would cost a blank, never a meaning.

use crate::pieces::Piece;
use rc_syntax::TokenKind::{self, *};
use std::option::Option::None;

/// Longer type arguments are not looked for: a row of comparisons must not be walked again from each.
const LENGTH_MAX: usize = 1_000;

pub(crate) fn mark(pieces: &mut [Piece]) {
    for at in 0..pieces.len() {
        if pieces[at].kind != Less || pieces[at].is_angle || !may_open(pieces, at) {
            continue;
        }
        let is_declared = declares(pieces, at);
        if let Some(angles) = matching(pieces, at, is_declared) {
            angles.into_iter().for_each(|angle| pieces[angle].is_angle = true);
        }
    }
}

fn kind(pieces: &[Piece], at: Option<usize>) -> Option<TokenKind> {
    at.and_then(|at| pieces.get(at)).map(|piece| piece.kind)
}

fn may_open(pieces: &[Piece], at: usize) -> bool {
    let (before, earlier) = (kind(pieces, at.checked_sub(1)), kind(pieces, at.checked_sub(2)));
    match before {
        // `a.list < b` compares a field.
        Some(TypeName | GenericName) => earlier != Some(Dot),
        // After these stands a type, whatever its name.
        Some(name) if name.is_name() => matches!(earlier, Some(Arrow | Colon | As)) || declares(pieces, at),
        Some(Number) => declares(pieces, at),
        _ => false,
    }
}

/// Whether the `<` at `at` follows a declaration's name: `fn name<K>`, `fn name@2<K>`, `struct Name<K>`.
fn declares(pieces: &[Piece], at: usize) -> bool {
    let is_word = |back| {
        let word = kind(pieces, at.checked_sub(back));
        matches!(word, Some(Fn | Command | Query | Report | Const | Type | Struct | Enum | Layout))
    };
    is_word(2) || (kind(pieces, at.checked_sub(2)) == Some(At) && is_word(4))
}

/// The angles from the one at `start` to its partner; none when it compares.
fn matching(pieces: &[Piece], start: usize, is_declared: bool) -> Option<Vec<usize>> {
    let mut angles = Vec::new();
    let mut depth = 0usize;
    let mut brackets = 0usize;
    for (at, piece) in pieces.iter().enumerate().skip(start).take(LENGTH_MAX) {
        match piece.kind {
            Less if brackets == 0 || may_open(pieces, at) => {
                depth += 1;
                angles.push(at);
            }
            Greater => {
                depth = depth.checked_sub(1)?;
                angles.push(at);
                if depth == 0 {
                    return (brackets == 0).then_some(angles);
                }
            }
            OpenParen | OpenBracket => brackets += 1,
            CloseParen | CloseBracket => brackets = brackets.checked_sub(1)?,
            Comma | Question | Semicolon | Plus | Minus | Star | Slash | Percent | Number | Dot => {}
            // `K: Ordered`; elsewhere a colon says that this is a record's fields.
            Colon if is_declared => {}
            name if name.is_name() => {}
            comment if comment.is_trivia() => {}
            _ => return None,
        }
    }
    None
}
