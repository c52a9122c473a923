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

    fn columns(&self) -> usize {
        self.indent * INDENT_COLUMNS + spacing::columns(&self.pieces.iter().collect::<Vec<_>>())
    }
}

/// All lines, indented and broken.
pub(crate) fn lines(mut pieces: Vec<Piece>) -> Vec<Line> {
    settle_gaps(&mut pieces);
    let mut lines = indented(pieces);
    // Each round breaks every long line once, at its outermost bracket; a line that cannot be broken stays.
    loop {
        let mut changed = false;
        let mut next: Vec<Piece> = Vec::new();
        for line in lines {
            let Line { pieces, indent, blank_above, trailing } = line;
            let mut line = Line { pieces, indent, blank_above, trailing };
            changed |= break_line(&mut line);
            if let Some(first) = line.pieces.first_mut().filter(|_| !next.is_empty()) {
                first.gap = if line.blank_above { Gap::Blank } else { Gap::Line };
            }
            next.extend(line.pieces);
            next.extend(line.trailing.map(|(comment, _)| Piece { gap: Gap::Same, ..comment }));
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
        let joins = kind == Arrow || (kind == Else && before.kind == CloseBrace) || kind == Comma || kind == Semicolon;
        let is_after_comment = before.is_comment();
        let gap = pieces[at].gap;
        pieces[at].gap = match gap {
            _ if joins && !is_after_comment => Gap::Same,
            Gap::Blank if opens || is_close || in_list => Gap::Line,
            gap => gap,
        };
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
        lines.push(Line { pieces: content, indent, blank_above, trailing });
    }
    lines
}

fn indent_of(content: &[Piece], open: &[(usize, TokenKind)], before: Option<TokenKind>) -> usize {
    let first = &content[0];
    let closers = content.iter().take_while(|piece| matches!(piece.kind, CloseParen | CloseBracket | CloseBrace)).count();
    if let Some(outermost) = open.len().checked_sub(closers).filter(|_| closers > 0).and_then(|at| open.get(at)) {
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
    if (begins || is_own_comment) && !first.is_clause { ground } else { ground + 1 }
}

/// Puts newlines into a line that is too long, at the outermost brackets that it holds; true when it did.
fn break_line(line: &mut Line) -> bool {
    if line.columns() <= LINE_COLUMNS_MAX || line.pieces.len() < 2 {
        return false;
    }
    if let Some((open, close)) = longest_group(&line.pieces) {
        let mut depth = 0usize;
        for at in open + 1..=close {
            let before = line.pieces[at - 1].kind;
            let is_first = at == open + 1;
            let piece = &mut line.pieces[at];
            if at == close || is_first || (depth == 0 && before == Comma) {
                piece.gap = Gap::Line;
            }
            match piece.kind {
                OpenParen | OpenBracket | OpenBrace => depth += 1,
                CloseParen | CloseBracket | CloseBrace => depth = depth.saturating_sub(1),
                Less if piece.is_angle => depth += 1,
                Greater if piece.is_angle => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        return true;
    }
    break_after_operator(line)
}

/// The outermost bracket group with the most in it, if there is one worth breaking.
fn longest_group(pieces: &[Piece]) -> Option<(usize, usize)> {
    let mut open: Vec<usize> = Vec::new();
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        match piece.kind {
            OpenParen | OpenBracket | OpenBrace => open.push(at),
            CloseParen | CloseBracket | CloseBrace => {
                if let Some(start) = open.pop() {
                    groups.retain(|group| group.0 < start);
                    groups.push((start, at));
                }
            }
            _ => {}
        }
    }
    let width = |group: &(usize, usize)| spacing::columns(&pieces[group.0 + 1..group.1].iter().collect::<Vec<_>>());
    groups.into_iter().filter(|group| group.1 > group.0 + 1).max_by_key(width).filter(|group| width(group) > INDENT_COLUMNS)
}

/// Breaks after the last joining operator or comma that leaves a line short enough.
fn break_after_operator(line: &mut Line) -> bool {
    let mut best = None;
    for at in 1..line.pieces.len() {
        let before = &line.pieces[at - 1];
        let width = |pieces: &[Piece]| spacing::columns(&pieces.iter().collect::<Vec<_>>());
        let helps = match before.kind {
            AndAnd | OrOr | Plus | QuestionQuestion | Comma => true,
            Equal | FatArrow => (line.indent + 1) * INDENT_COLUMNS + width(&line.pieces[at..]) <= LINE_COLUMNS_MAX,
            _ => false,
        };
        if helps {
            let width = width(&line.pieces[..at]);
            if best.is_none() || line.indent * INDENT_COLUMNS + width <= LINE_COLUMNS_MAX {
                best = Some(at);
            }
        }
    }
    match best {
        Some(at) => {
            line.pieces[at].gap = Gap::Line;
            true
        }
        None => false,
    }
}
