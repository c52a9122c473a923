//! Doc comments: kept where something to document follows, said to be misplaced elsewhere.

use super::*;

impl Builder<'_> {
    /// `//!` belongs to the file: it stands before everything else.
    pub(super) fn inner_doc(&mut self, span: Span) {
        if matches!(self.last(), None | Some(TokenKind::InnerDoc)) {
            self.emit(TokenKind::InnerDoc, span);
        } else {
            self.misplaced_docs(span, "`//!` documents a file and stands at its top");
        }
    }

    /// `///` belongs to what follows; where nothing can, it is a comment.
    pub(super) fn outer_doc(&mut self, span: Span, next: usize) {
        use TokenKind::*;
        self.documented = self.documented.max(next);
        while self
            .tokens
            .get(self.documented)
            .is_some_and(|token| token.kind.is_trivia())
        {
            self.documented += 1;
        }
        let follows = self.tokens.get(self.documented).map(|token| token.kind);
        let trails = !matches!(
            self.last(),
            Option::None | Some(Newline | OpenBrace | Comma | OuterDoc | InnerDoc)
        );
        let in_list = self
            .open
            .last()
            .is_some_and(|open| matches!(open.kind, OpenParen | OpenBracket));
        if trails
            || in_list
            || matches!(
                follows,
                Option::None | Some(CloseBrace | CloseParen | CloseBracket)
            )
        {
            self.misplaced_docs(span, "this doc comment documents nothing");
        } else {
            self.emit(OuterDoc, span);
        }
    }

    pub(super) fn misplaced_docs(&mut self, span: Span, message: &str) {
        let diagnostic = Diagnostic::warning(codes::MISPLACED_DOCS, span, message);
        self.diagnostics.push(
            diagnostic.with_hint("put `///` on the lines above what it documents, or write `//`"),
        );
    }
}
