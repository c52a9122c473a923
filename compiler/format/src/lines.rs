//! Pieces to lines: where a line begins, how deep it stands, where it breaks when it is too long. Always
//! true: a line is broken only where a newline ends nothing (after an opening bracket, a comma or an
//! operator, before a closing bracket), and each level of indentation is asked for by the line that opened it.

use crate::pieces::{Gap, Piece};
use crate::{INDENT_COLUMNS, LINE_COLUMNS_MAX, spacing};
use rc_syntax::TokenKind::{self, *};
use std::option::Option::None;
use std::string::String;

#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub pieces: Vec<Piece<'a>>,
    pub indent: usize,
    /// An empty line stands above it.
    pub blank_above: bool,
    /// The comment at its end, and the blanks before it.
    pub trailing: Option<(Piece<'a>, usize)>,
}

impl Line<'_> {
    pub(crate) fn code(&self) -> String {
        let mut out = " ".repeat(self.indent * INDENT_COLUMNS);
        for (at, piece) in self.pieces.iter().enumerate() {
            let earlier = at.checked_sub(2).map(|at| &self.pieces[at]);
            if at > 0 && spacing::is_spaced(earlier, &self.pieces[at - 1], piece) {
                out.push(' ');
            }
            out.push_str(piece.text);
        }
        out
    }
}

/// All lines, indented and broken.
pub(crate) fn lines(mut pieces: Vec<Piece>) -> Vec<Line> {
    settle_gaps(&mut pieces);
    settle_bodies(&mut pieces);
    let mut lines = indented(pieces);
    // Each round breaks every long line once, at its outermost bracket; a line that cannot be broken stays.
    loop {
        let mut changed = false;
        let mut next: Vec<Piece> = Vec::new();
        for line in lines {
            let Line {
                pieces,
                indent,
                blank_above,
                trailing,
            } = line;
            let mut line = Line {
                pieces,
                indent,
                blank_above,
                trailing,
            };
            changed |= break_line(&mut line);
            if let Some(first) = line.pieces.first_mut().filter(|_| !next.is_empty()) {
                first.gap = if line.blank_above {
                    Gap::Blank
                } else {
                    Gap::Line
                };
            }
            next.extend(line.pieces);
            next.extend(line.trailing.map(|(comment, _)| Piece {
                gap: Gap::Same,
                ..comment
            }));
        }
        lines = indented(next);
        if !changed {
            return lines;
        }
    }
}

pub(crate) fn render(lines: &[Line]) -> String {
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        if line.blank_above && at > 0 {
            out.push('\n');
        }
        let code = line.code();
        out.push_str(code.trim_end());
        if let Some((comment, blanks)) = &line.trailing {
            out.push_str(&" ".repeat(*blanks));
            out.push_str(comment.text);
        }
        out.push('\n');
    }
    out
}

/// Takes out the newlines and empty lines that canonical text does not have.
fn settle_gaps(pieces: &mut [Piece]) {
    let mut open: Vec<TokenKind> = Vec::new();
    for at in 0..pieces.len() {
        let kind = pieces[at].kind;
        let is_close = matches!(kind, CloseParen | CloseBracket | CloseBrace);
        let in_list = matches!(open.last(), Some(OpenParen | OpenBracket));
        match kind {
            OpenParen | OpenBracket | OpenBrace => open.push(kind),
            CloseParen | CloseBracket | CloseBrace => drop(open.pop()),
            _ => {}
        }
        let Some(before) = at.checked_sub(1).map(|before| &pieces[before]) else {
            pieces[at].gap = Gap::Line;
            continue;
        };
        let opens = matches!(before.kind, OpenBrace | OpenParen | OpenBracket);
        let joins = kind == Arrow
            || (kind == Else && before.kind == CloseBrace)
            || kind == Comma
            || kind == Semicolon;
        let is_after_comment = before.is_comment();
        let gap = pieces[at].gap;
        pieces[at].gap = match gap {
            _ if (joins || (opens && is_close)) && !is_after_comment => Gap::Same,
            Gap::Blank if opens || is_close || in_list => Gap::Line,
            gap => gap,
        };
    }
}

/// A braced body with a newline of its own in it begins and ends on lines of their own; so does a list
/// that begins on one.
fn settle_bodies(pieces: &mut [Piece]) {
    // For each open bracket where it stands and whether a newline stands right inside it.
    let mut open: Vec<(usize, bool)> = Vec::new();
    for at in 0..pieces.len() {
        let is_close = matches!(pieces[at].kind, CloseParen | CloseBracket | CloseBrace);
        if pieces[at].gap > Gap::Same
            && let Some((start, is_broken)) = open.last_mut()
        {
            let counts = pieces[*start].kind == OpenBrace || *start + 1 == at;
            *is_broken |= counts && !(is_close && *start + 1 == at);
        }
        match pieces[at].kind {
            OpenParen | OpenBracket | OpenBrace => open.push((at, false)),
            CloseParen | CloseBracket | CloseBrace => {
                let Some((start, true)) = open.pop() else {
                    continue;
                };
                if let Some(around) = open
                    .iter_mut()
                    .rev()
                    .find(|around| pieces[around.0].kind == OpenBrace)
                {
                    around.1 = true;
                }
                for end in [start + 1, at] {
                    if !pieces[end].is_comment() {
                        pieces[end].gap = pieces[end].gap.max(Gap::Line);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Cuts pieces into lines at their gaps and works out how deep each stands.
fn indented(pieces: Vec<Piece>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    // For each open bracket the indentation of the line that it stands on, and what it is.
    let mut open: Vec<(usize, TokenKind)> = Vec::new();
    let mut before: Option<TokenKind> = None;
    let mut rest = pieces.into_iter().peekable();
    while let Some(first) = rest.next() {
        let blank_above = first.gap == Gap::Blank;
        let mut content = vec![first];
        while let Some(piece) = rest.next_if(|piece| piece.gap == Gap::Same) {
            content.push(piece);
        }
        let indent = indent_of(&content, &open, before);
        for piece in &content {
            match piece.kind {
                OpenParen | OpenBracket | OpenBrace => open.push((indent, piece.kind)),
                CloseParen | CloseBracket | CloseBrace => drop(open.pop()),
                _ => {}
            }
            if !piece.is_comment() {
                before = Some(piece.kind);
            } else if piece.kind != Comment {
                before = Some(Comma);
            }
        }
        let trailing = content.pop_if(|piece| piece.is_comment());
        let trailing = if content.is_empty() {
            content.extend(trailing);
            None
        } else {
            trailing.map(|comment| (comment, 1))
        };
        lines.push(Line {
            pieces: content,
            indent,
            blank_above,
            trailing,
        });
    }
    lines
}

fn indent_of(content: &[Piece], open: &[(usize, TokenKind)], before: Option<TokenKind>) -> usize {
    let first = &content[0];
    let closers = content
        .iter()
        .take_while(|piece| matches!(piece.kind, CloseParen | CloseBracket | CloseBrace))
        .count();
    if let Some(outermost) = open
        .len()
        .checked_sub(closers)
        .filter(|_| closers > 0)
        .and_then(|at| open.get(at))
    {
        return outermost.0;
    }
    let ground = open.last().map_or(0, |(indent, _)| indent + 1);
    let in_list = matches!(open.last(), Some((_, OpenParen | OpenBracket)));
    if first.is_body {
        return ground;
    }
    let begins = match before {
        None => true,
        Some(Comma | Semicolon | OpenParen | OpenBracket | OpenBrace) => true,
        Some(before) => !in_list && !before.continues_line() && !first.kind.joins_line(),
    };
    // A comment on a line of its own stands with what begins there.
    let is_own_comment = first.is_comment();
    if (begins || is_own_comment) && !first.is_clause {
        ground
    } else {
        ground + 1
    }
}

/// Puts newlines into a line that is too long; true when it did. A bracket with much of the line in it is
/// opened up; a long row of operands is cut after operators.
fn break_line(line: &mut Line) -> bool {
    let ends = spacing::ends(&line.pieces);
    let columns = ends.last().copied().unwrap_or(0);
    if line.indent * INDENT_COLUMNS + columns <= LINE_COLUMNS_MAX || line.pieces.len() < 2 {
        return false;
    }
    let group = longest_group(&line.pieces, &ends);
    match group {
        Some((open, close, width)) if width * 2 > columns => open_up(&mut line.pieces, open, close),
        _ if break_after_operators(line, &ends) => {}
        Some((open, close, _)) => open_up(&mut line.pieces, open, close),
        None => return false,
    }
    true
}

/// Newlines after the opening bracket, before the closing one, and after each comma between.
fn open_up(pieces: &mut [Piece], open: usize, close: usize) {
    let mut depth = 0usize;
    for at in open + 1..=close {
        let is_after_comma = depth == 0 && pieces[at - 1].kind == Comma;
        let piece = &mut pieces[at];
        if at == open + 1 || at == close || is_after_comma {
            piece.gap = Gap::Line;
        }
        depth = depth_after(piece, depth);
    }
}

fn depth_after(piece: &Piece, depth: usize) -> usize {
    match piece.kind {
        OpenParen | OpenBracket | OpenBrace => depth + 1,
        CloseParen | CloseBracket | CloseBrace => depth.saturating_sub(1),
        OpenAngle => depth + 1,
        CloseAngle => depth.saturating_sub(1),
        _ => depth,
    }
}

/// The outermost bracket group with the most in it, and its width, if there is one worth opening.
fn longest_group(pieces: &[Piece], ends: &[usize]) -> Option<(usize, usize, usize)> {
    let mut open: Vec<usize> = Vec::new();
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        match piece.kind {
            OpenParen | OpenBracket | OpenBrace => open.push(at),
            CloseParen | CloseBracket | CloseBrace => {
                let Some(start) = open.pop() else { continue };
                while groups.last().is_some_and(|inner| inner.0 > start) {
                    groups.pop();
                }
                groups.push((start, at));
            }
            _ => {}
        }
    }
    let widths = groups
        .into_iter()
        .map(|(open, close)| (open, close, ends[close - 1] - ends[open]));
    widths
        .max_by_key(|(_, _, width)| *width)
        .filter(|(_, _, width)| *width > INDENT_COLUMNS)
}

/// Breaks after operators or commas outside brackets: of the loosest kind that there is, as few as leave
/// each line short enough, or the first where none does.
fn break_after_operators(line: &mut Line, ends: &[usize]) -> bool {
    let columns = ends.last().copied().unwrap_or(0);
    // Where each candidate stands and how tightly its operator binds.
    let mut candidates: Vec<(usize, usize)> = Vec::new();
    let mut depth = 0;
    for at in 1..line.pieces.len() {
        let before = &line.pieces[at - 1];
        depth = depth_after(before, depth);
        let is_infix = at > 1 && spacing::ends_value(&line.pieces[at - 2]);
        let tightness = match before.kind {
            Equal | FatArrow
                if (line.indent + 1) * INDENT_COLUMNS + columns - ends[at - 1]
                    <= LINE_COLUMNS_MAX =>
            {
                0
            }
            Comma => 0,
            OrOr if is_infix => 1,
            AndAnd if is_infix => 2,
            QuestionQuestion if is_infix => 3,
            Bar | Caret | Ampersand if is_infix => 4,
            Plus | Minus if is_infix => 5,
            Star | Slash | Percent if is_infix => 6,
            _ => continue,
        };
        if depth == 0 {
            candidates.push((at, tightness));
        }
    }
    let Some(loosest) = candidates.iter().map(|(_, tightness)| *tightness).min() else {
        return false;
    };
    let places: Vec<usize> = candidates
        .into_iter()
        .filter(|(_, tightness)| *tightness == loosest)
        .map(|(at, _)| at)
        .collect();
    // The columns in front of the current line's first piece, and what its indentation takes.
    let (mut start, mut indent) = (0, line.indent * INDENT_COLUMNS);
    for (number, &at) in places.iter().enumerate() {
        let next_end = places
            .get(number + 1)
            .map_or(columns, |next| ends[next - 1]);
        if indent + next_end - start > LINE_COLUMNS_MAX {
            line.pieces[at].gap = Gap::Line;
            start = ends[at - 1] + 1;
            indent = (line.indent + 1) * INDENT_COLUMNS;
        }
    }
    line.pieces
        .iter()
        .skip(1)
        .any(|piece| piece.gap > Gap::Same)
}
