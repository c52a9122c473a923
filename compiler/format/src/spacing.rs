//! The blank between two pieces on one line. Always true: two pieces that would read as one token have a
//! blank between them, and a shift's two `>` have none.

use crate::pieces::Piece;
use rc_syntax::TokenKind::{self, *};

/// True when a blank stands between `before` and `after`; `earlier` stands before `before`.
pub(crate) fn is_spaced(earlier: Option<&Piece>, before: &Piece, after: &Piece) -> bool {
    if after.is_comment() {
        return true;
    }
    let is_member = earlier.is_some_and(|piece| piece.kind == Dot);
    match (before.kind, after.kind) {
        // Together they would be `??` and `1.5`.
        (Question, Question) => true,
        (Number, Dot) if !is_member => after.was_spaced,
        (Dot, Number) if earlier.is_some_and(|piece| piece.kind == Number) => after.was_spaced,
        (OpenParen | OpenBracket, _)
        | (_, CloseParen | CloseBracket | Comma | Semicolon | Colon | Question) => false,
        (OpenBrace, CloseBrace) => false,
        (OpenBrace, _) | (_, CloseBrace) => true,
        (Dot | At, _) | (_, Dot) => false,
        // `pay@2`; an attribute begins a line.
        (_, At) => false,
        (DotDot | DotDotEqual, OpenBrace | FatArrow) => true,
        (DotDot | DotDotEqual, Take | Max | If) => after.was_spaced,
        (DotDot | DotDotEqual, _) => false,
        (_, DotDot | DotDotEqual) => !ends_value(before),
        (OpenAngle, _) | (_, OpenAngle | CloseAngle) => false,
        (Greater, Greater) => after.was_spaced,
        (Minus | Bang, _) if is_prefix(earlier) => false,
        (Bang, _) => false,
        (_, OpenBrace) => true,
        (Mut | Touch, OpenParen) => false,
        (word, OpenParen | OpenBracket) if may_lead(word) && !is_member => after.was_spaced,
        // `property "name" (x: u64)`
        (String, OpenParen) => true,
        (_, OpenParen | OpenBracket) => !ends_value(before),
        _ => true,
    }
}

/// Contextual words that may be followed by a bracketed value, or be the name of what is called.
fn may_lead(word: TokenKind) -> bool {
    matches!(
        word,
        Invariant | Take | Max | From | Capacity | Advance | Expect
    )
}

/// True for what ends a value: after it, `(` calls, `[` indexes and `-` subtracts.
pub(crate) fn ends_value(piece: &Piece) -> bool {
    let literal = matches!(
        piece.kind,
        Number
            | Float
            | String
            | Bytes
            | CloseAngle
            | CloseParen
            | CloseBracket
            | CloseBrace
            | Underscore
            | True
            | False
            | None
    );
    literal || piece.kind.is_name()
}

/// Whether a `-` after `earlier` negates.
fn is_prefix(earlier: Option<&Piece>) -> bool {
    earlier.is_none_or(|piece| !ends_value(piece) && piece.kind != Question)
}

/// The column at which each piece ends, were they all on one line.
pub(crate) fn ends(pieces: &[Piece]) -> Vec<usize> {
    let mut columns = 0;
    let mut ends = Vec::with_capacity(pieces.len());
    for (at, piece) in pieces.iter().enumerate() {
        let earlier = at.checked_sub(2).map(|at| &pieces[at]);
        columns += usize::from(at > 0 && is_spaced(earlier, &pieces[at - 1], piece));
        columns += piece.text.chars().count();
        ends.push(columns);
    }
    ends
}
