//! Brackets that are made to balance: what closes what, and what is said of one that is missing or too many. Always true:
//! one mistake in brackets is one message, with the stretch marked that it makes unreadable.

use super::*;

impl Builder<'_> {
    pub(super) fn is_at_margin(&self, start: u32) -> bool {
        start == 0 || self.text.as_bytes()[start as usize - 1] == b'\n'
    }

    /// Within `(` or `[` a statement's keyword at the start of a line says that the bracket was forgotten.
    pub(super) fn close_before_statement(&mut self, next: TokenKind, span: Span) {
        use TokenKind::*;
        let Some(innermost) = self.open.last().map(|open| open.kind) else {
            return;
        };
        let is_statement = match innermost {
            OpenParen => matches!(
                next,
                Let | Var | Ensure | Emit | Break | Continue | Assert | For
            ),
            OpenBracket => matches!(next, Let | Var | Ensure | Emit | Break | Continue | Assert),
            OpenBrace if self.open.last().is_some_and(|open| open.is_record) => matches!(
                next,
                Let | Var | Ensure | Emit | Break | Continue | Assert | For | Return
            ),
            _ => false,
        };
        if is_statement {
            self.close_to_block(span);
        }
    }

    /// Closes what stands open inside the innermost block.
    pub(super) fn close_to_block(&mut self, at: Span) {
        let keep = self
            .open
            .iter()
            .rposition(|open| open.kind == TokenKind::OpenBrace && !open.is_record)
            .map_or(0, |at| at + 1);
        if keep < self.open.len() {
            self.close_down_to(keep, at);
        }
    }

    /// Whether a `{` here begins the fields of a record: after `(`, or in a body after an upper-case name that is not
    /// the end of a head.
    pub(super) fn begins_record(&self) -> bool {
        use TokenKind::*;
        match self.last() {
            Some(OpenParen) => true,
            Some(TypeName) if self.open.iter().any(|open| open.kind == OpenBrace) => {
                let mut before = self.out.kinds.iter().rev();
                let head = before.find(|kind| {
                    matches!(
                        kind,
                        Newline | OpenBrace | CloseBrace | If | For | Match | FatArrow
                    )
                });
                !matches!(head, Some(If | For | Match))
                    && self.declaring.is_some_and(has_statements)
            }
            _ => false,
        }
    }

    pub(super) fn opened(&mut self, kind: TokenKind, span: Span) {
        let is_record = kind == TokenKind::OpenBrace && self.begins_record();
        self.emit(kind, span);
        self.open.push(Open {
            kind,
            span: (span.start, span.end),
            outer: self.level,
            is_record,
        });
        self.level = Level::default();
        self.depth += 1;
    }

    /// Leaves a level; its bracket stays as one step of the level around it.
    pub(super) fn leave(&mut self) -> Option<Open> {
        let open = self.open.pop()?;
        self.depth -= self.level.operators + self.level.angles;
        self.level = open.outer;
        self.level.operators += 1;
        Some(open)
    }

    pub(super) fn closed(&mut self, kind: TokenKind, span: Span) {
        let partner = match kind {
            TokenKind::CloseParen => TokenKind::OpenParen,
            TokenKind::CloseBracket => TokenKind::OpenBracket,
            _ => TokenKind::OpenBrace,
        };
        // A `)` never reaches out of a block.
        let within =
            |open: &&Open| partner == TokenKind::OpenBrace || open.kind != TokenKind::OpenBrace;
        let above = self
            .open
            .iter()
            .rev()
            .take_while(within)
            .position(|open| open.kind == partner);
        match above {
            Some(0) => self.compare_margins(kind, span),
            Some(_) if kind == TokenKind::CloseBrace && self.is_extra(span) => {
                self.report_stray(kind, span);
                return self.quiet_rest(span);
            }
            Some(above) => {
                self.close_down_to(self.open.len() - above, span);
                if kind != TokenKind::CloseBrace {
                    self.quiet_rest(span);
                }
            }
            None => return self.stray(kind, span),
        }
        if kind == TokenKind::CloseBrace && self.last() == Some(TokenKind::Newline) {
            self.out.kinds.pop();
            self.out.spans.pop();
        }
        if let Some((_, wreck)) = self
            .unsettled
            .take_if(|(depth, _)| *depth >= self.open.len())
        {
            self.out.wreck(Wreck {
                end: span.start,
                ..wreck
            });
        }
        self.leave();
        self.emit(kind, span);
        if self.open.is_empty() && kind == TokenKind::CloseBrace {
            self.top_end = span.end;
            self.ended.get_or_insert(span);
        }
    }

    /// Whether a `}` inside `(` or `[` is one too many: the bracket was opened on its line and is closed there, after it.
    pub(super) fn is_extra(&self, span: Span) -> bool {
        let Some(open) = self.open.last() else {
            return false;
        };
        let close = match open.kind {
            TokenKind::OpenParen => TokenKind::CloseParen,
            TokenKind::OpenBracket => TokenKind::CloseBracket,
            _ => return false,
        };
        let between = &self.text.as_bytes()[open.span.1 as usize..span.start as usize];
        if between.len() > LINE_BYTES_MAX || between.contains(&b'\n') {
            return false;
        }
        let next = self
            .tokens
            .partition_point(|token| token.span.start < span.end);
        let mut depth = 0usize;
        for token in self.tokens[next..].iter().take(LINE_TOKENS_MAX) {
            match token.kind {
                TokenKind::Newline => return false,
                kind if kind == open.kind => depth += 1,
                kind if kind == close && depth == 0 => return true,
                kind if kind == close => depth -= 1,
                _ => {}
            }
        }
        false
    }

    /// Blanks at the start of the line at `at`, and whether nothing else stands before `at`.
    pub(super) fn margin(&self, at: u32) -> (usize, bool) {
        let before = &self.text.as_bytes()[..at as usize];
        let near = &before[before.len().saturating_sub(LINE_BYTES_MAX)..];
        let line = near.rsplit(|byte| *byte == b'\n').next();
        let line = line.unwrap_or_default();
        let is_blank = |byte: &&u8| matches!(**byte, b' ' | b'\t');
        let blanks = line.iter().take_while(is_blank).count();
        let is_whole = line.len() < near.len() || near.len() == before.len();
        (blanks, is_whole && blanks == line.len())
    }

    /// Before the innermost bracket is left: whether its `}` stands where another one's belongs.
    pub(super) fn compare_margins(&mut self, kind: TokenKind, span: Span) {
        let (own, is_first) = self.margin(span.start);
        if kind != TokenKind::CloseBrace || !is_first || self.suspect.is_some() {
            return;
        }
        if let Some(open) = self.open.last()
            && self.margin(open.span.0).0 > own
        {
            self.suspect = Some(Span::new(self.file, open.span.0, open.span.1));
        }
    }

    /// Whether a mistake was reported nearby that explains one at `at`.
    pub(super) fn is_explained(&self, at: u32) -> bool {
        self.out
            .quiet
            .iter()
            .rev()
            .take(4)
            .any(|(start, end)| (*start..=*end).contains(&at))
    }

    pub(super) fn report_stray(&mut self, kind: TokenKind, span: Span) {
        if self.is_explained(span.start) {
            return;
        }
        let message = format!("{} closes nothing", kind.described());
        let mut diagnostic = Diagnostic::error(codes::UNCLOSED_BRACKET, span, message);
        if let (TokenKind::CloseBrace, true, Some(ended)) = (kind, self.open.is_empty(), self.ended)
        {
            diagnostic = diagnostic.with_secondary(ended, "what it should close ended here");
        }
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn stray(&mut self, kind: TokenKind, span: Span) {
        self.report_stray(kind, span);
        if kind == TokenKind::CloseBrace {
            self.out.wreck(Wreck {
                start: self.declared_at,
                end: span.end,
                cut: self.ended.map(|ended| ended.start),
                span,
            });
            // What stands before it at top level belonged to the body that an earlier `}` cut short.
            self.out.quiet.push((self.top_end, span.end));
            self.separate(span);
        } else {
            if let (Some(open), true) = (self.open.last(), self.margin(span.start).1) {
                let wreck = Wreck {
                    start: open.span.0,
                    end: span.end,
                    cut: Some(span.start),
                    span,
                };
                self.unsettled.get_or_insert((self.open.len(), wreck));
            }
            self.quiet_line(span);
        }
    }

    /// Closes open brackets until `keep` are left, and says so about the innermost one.
    pub(super) fn close_down_to(&mut self, keep: usize, at: Span) {
        let Some(innermost) = self.open.last() else {
            return;
        };
        let innermost_start = innermost.span.0;
        let mut opener = Span::new(self.file, innermost.span.0, innermost.span.1);
        if innermost.kind == TokenKind::OpenBrace {
            let suspect = self.suspect.take();
            opener = suspect
                .filter(|suspect| suspect.start > opener.start)
                .unwrap_or(opener);
            self.out.wreck(Wreck {
                start: innermost_start,
                end: at.start,
                cut: None,
                span: opener,
            });
        }
        if !self.is_explained(opener.start) {
            let message = format!("{} is never closed", innermost.kind.described());
            let diagnostic = Diagnostic::error(codes::UNCLOSED_BRACKET, opener, message);
            self.diagnostics.push(diagnostic.with_secondary(
                Span::new(self.file, at.start, at.start),
                "expected before this",
            ));
        }
        while self.open.len() > keep {
            if self.last() == Some(TokenKind::Newline) {
                self.out.kinds.pop();
                self.out.spans.pop();
            }
            let Some(open) = self.leave() else { break };
            let end = self.out.spans.last().map_or(0, |span| span.1);
            let close = match open.kind {
                TokenKind::OpenParen => TokenKind::CloseParen,
                TokenKind::OpenBracket => TokenKind::CloseBracket,
                _ => TokenKind::CloseBrace,
            };
            if close != TokenKind::CloseBrace {
                self.out.quiet.push((open.span.0, at.start));
            }
            self.emit(close, Span::new(self.file, end, end));
        }
        if self.open.is_empty() {
            self.top_end = at.start;
        }
    }

    /// What follows on the line of a bracket that was put right hangs on how it was.
    pub(super) fn quiet_rest(&mut self, span: Span) {
        let rest = &self.text.as_bytes()[span.end as usize..];
        let near = &rest[..rest.len().min(LINE_BYTES_MAX)];
        let end = near.iter().position(|byte| *byte == b'\n');
        let length = end.unwrap_or(near.len()) as u32;
        self.out.quiet.push((span.start, span.end + length));
    }

    pub(super) fn quiet_line(&mut self, span: Span) {
        if self
            .out
            .quiet
            .last()
            .is_some_and(|last| (last.0..=last.1).contains(&span.start))
        {
            return;
        }
        let start = self.text[..span.start as usize]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let end = self.text[span.end as usize..]
            .find('\n')
            .map_or(self.text.len(), |at| at + span.end as usize);
        self.out.quiet.push((start as u32, end as u32));
    }
}
