//! Which `<` and `>` hold type arguments and which compare. The parser has decided; its rule is repeated
//! here on tokens: a `<` after an upper-case or generic name (or a declared one) that finds its `>` with
//! nothing between but what types and constants are made of. A wrong guess would cost a blank, never a meaning.

use crate::pieces::Piece;
use rc_syntax::TokenKind::{self, *};
use std::option::Option::None;

pub(crate) fn mark(pieces: &mut [Piece]) {
    for at in 0..pieces.len() {
        if pieces[at].kind != Less || pieces[at].is_angle || !may_open(pieces, at) {
            continue;
        }
        if let Some(angles) = matching(pieces, at) {
            angles.into_iter().for_each(|angle| pieces[angle].is_angle = true);
        }
    }
}

fn kind(pieces: &[Piece], at: Option<usize>) -> Option<TokenKind> {
    at.and_then(|at| pieces.get(at)).map(|piece| piece.kind)
}

fn may_open(pieces: &[Piece], at: usize) -> bool {
    let before = kind(pieces, at.checked_sub(1));
    let is_declared = matches!(kind(pieces, at.checked_sub(2)), Some(Fn | Command | Query | Report | Const));
    // `a.list < b` compares a field.
    let is_member = kind(pieces, at.checked_sub(2)) == Some(Dot);
    match before {
        Some(TypeName | GenericName) => !is_member || is_declared,
        Some(name) if name.is_name() => is_declared || is_versioned_declaration(pieces, at),
        Some(Number) => is_versioned_declaration(pieces, at),
        _ => false,
    }
}

/// `fn name@2<K>`
fn is_versioned_declaration(pieces: &[Piece], at: usize) -> bool {
    kind(pieces, at.checked_sub(2)) == Some(At) && matches!(kind(pieces, at.checked_sub(4)), Some(Fn | Command | Query | Report))
}

/// The angles from the one at `start` to its partner; none when it compares.
fn matching(pieces: &[Piece], start: usize) -> Option<Vec<usize>> {
    let mut angles = Vec::new();
    let mut depth = 0usize;
    let mut brackets = 0usize;
    for (at, piece) in pieces.iter().enumerate().skip(start) {
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
            Comma | Question | Semicolon | Plus | Minus | Star | Slash | Percent | Number | Colon | Dot => {}
            name if name.is_name() => {}
            comment if comment.is_trivia() => {}
            _ => return None,
        }
    }
    None
}
