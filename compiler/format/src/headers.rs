//! Headers of commands, queries, reports and functions: clauses in the order `fails`, `allow`, `cost`.
//! Clauses stand on the header's line, or, where one stood below it or the line would be too long, each
//! on a line of its own with the body's `{` below. Always true: a clause's comments move with it.

use crate::pieces::{Gap, Piece};
use crate::{LINE_COLUMNS_MAX, spacing};
use rc_syntax::TokenKind::{self, *};
use std::option::Option::None;

pub(crate) fn order(pieces: &mut Vec<Piece>) {
    let mut at = 0;
    let mut depth = 0usize;
    while at < pieces.len() {
        match pieces[at].kind {
            OpenParen | OpenBracket | OpenBrace => depth += 1,
            CloseParen | CloseBracket | CloseBrace => depth = depth.saturating_sub(1),
            Command | Query | Report | Fn | Job if depth == 0 && begins_declaration(pieces, at) => {
                if let Some(body) = body_of(pieces, at) {
                    callable(pieces, at, body);
                    at = body;
                    continue;
                }
            }
            Table | Struct | Enum | Error | Event | Layout | Test | Property
                if depth == 0 && begins_declaration(pieces, at) =>
            {
                if let Some(body) = body_of(pieces, at) {
                    join_body(pieces, body);
                    at = body;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
}

fn begins_declaration(pieces: &[Piece], at: usize) -> bool {
    pieces[at].gap > Gap::Same || at == 0
}

/// The `{` at the header's level; none where the declaration has no body.
fn body_of(pieces: &[Piece], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, piece) in pieces.iter().enumerate().skip(start) {
        match piece.kind {
            OpenBrace if depth == 0 => return Some(at),
            OpenParen | OpenBracket | OpenBrace => depth += 1,
            CloseParen | CloseBracket | CloseBrace => depth = depth.checked_sub(1)?,
            kind if depth == 0
                && at > start
                && piece.gap > Gap::Same
                && kind.starts_declaration() =>
            {
                return None;
            }
            _ => {}
        }
    }
    None
}

/// A `{` on a line of its own goes up, unless a comment stands between.
fn join_body(pieces: &mut [Piece], body: usize) {
    if !pieces[body - 1].is_comment() {
        pieces[body].gap = Gap::Same;
    }
}

fn callable(pieces: &mut Vec<Piece>, start: usize, body: usize) {
    let starts = clause_starts(pieces, start, body);
    let Some(&first) = starts.first() else {
        join_body(pieces, body);
        return;
    };
    let is_broken = pieces[first..=body]
        .iter()
        .any(|piece| piece.gap > Gap::Same || piece.is_comment());
    let mut clauses: Vec<Vec<Piece>> = Vec::new();
    for (number, &from) in starts.iter().enumerate() {
        let to = starts.get(number + 1).copied().unwrap_or(body);
        clauses.push(pieces[from..to].to_vec());
    }
    // Comments above a clause, on lines of their own, go with it; those behind one stay behind it.
    for number in 1..clauses.len() {
        let stays = |piece: &Piece| !piece.is_comment() || piece.gap == Gap::Same;
        let keep = clauses[number - 1]
            .iter()
            .rposition(stays)
            .map_or(0, |last| last + 1);
        let moved = clauses[number - 1].split_off(keep);
        clauses[number].splice(0..0, moved);
    }
    clauses.sort_by_key(|clause| {
        match clause
            .iter()
            .find(|piece| !piece.is_comment())
            .map(|piece| piece.kind)
        {
            Some(Fails) => 0,
            Some(Allow) => 1,
            _ => 2,
        }
    });
    let own_lines = is_broken || columns(&pieces[start..first], &clauses) > LINE_COLUMNS_MAX;
    for clause in &mut clauses {
        let word = clause
            .iter()
            .position(|piece| !piece.is_comment())
            .unwrap_or(0);
        for (at, piece) in clause.iter_mut().enumerate() {
            piece.is_clause = own_lines && (at <= word || piece.is_comment());
            if at == 0 || piece.gap > Gap::Line {
                piece.gap = if own_lines { Gap::Line } else { Gap::Same };
            }
        }
    }
    // Comments between the parameters and the first clause stand with the clauses.
    for piece in pieces[start..first]
        .iter_mut()
        .rev()
        .take_while(|piece| piece.is_comment())
    {
        piece.is_clause = own_lines && piece.gap > Gap::Same;
    }
    pieces.splice(first..body, clauses.into_iter().flatten());
    pieces[body].is_body = own_lines;
    pieces[body].gap = if own_lines { Gap::Line } else { Gap::Same };
}

/// Where clauses begin: a clause word that stands where no name, role or limit is awaited.
fn clause_starts(pieces: &[Piece], start: usize, body: usize) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut depth = 0usize;
    let mut before: Option<TokenKind> = None;
    for (at, piece) in pieces.iter().enumerate().take(body).skip(start) {
        if piece.is_comment() {
            continue;
        }
        let is_start = depth == 0
            && matches!(piece.kind, Fails | Allow | Cost)
            && before.is_some_and(|before| {
                ends_part(before, starts.last().is_some_and(|last| *last + 1 == at))
            })
            && at > start + 1;
        match piece.kind {
            OpenParen | OpenBracket => depth += 1,
            CloseParen | CloseBracket => depth = depth.saturating_sub(1),
            OpenAngle => depth += 1,
            CloseAngle => depth = depth.saturating_sub(1),
            _ => {}
        }
        if is_start {
            starts.push(at);
        }
        before = Some(piece.kind);
    }
    starts
}

/// True after what can end a header's part; a clause word right after a clause word is a name.
fn ends_part(before: TokenKind, follows_clause_word: bool) -> bool {
    let ends = before.is_name()
        || matches!(
            before,
            CloseParen | CloseBracket | CloseAngle | Question | Number
        );
    ends && !follows_clause_word
}

/// The width of the header and the opening brace on one line.
fn columns(head: &[Piece], clauses: &[Vec<Piece>]) -> usize {
    let all: Vec<Piece> = head
        .iter()
        .chain(clauses.iter().flatten())
        .cloned()
        .collect();
    // Parameters that stand on lines of their own do not count: only the last line does.
    let last_line = all
        .iter()
        .rposition(|piece| piece.gap > Gap::Same)
        .unwrap_or(0);
    spacing::ends(&all[last_line..])
        .last()
        .copied()
        .unwrap_or(0)
        + " {".len()
}
