//! Between tokens and grammar: comments go, newlines stay only where they end something, brackets are
//! made to balance, depth is capped. Always true of the result: every bracket has its partner, spans
//! never fall, and a mistake in brackets was reported once, with the stretch marked in which the
//! grammar's own complaints would only repeat it.

mod brackets;
mod docs;

use crate::limits::{DEPTH_MAX, NESTING_MAX};
use crate::token::{Token, TokenKind};
use rc_diagnostics::{Diagnostic, Diagnostics, codes};
use rc_source::{FileId, Span};

/// How far the beginning of a header is looked for.
const HEADER_TOKENS_MAX: usize = 400;

/// How far the rest or the beginning of a line is looked for, in bytes and in tokens: lines of generated text may be long.
pub(crate) const LINE_BYTES_MAX: usize = 400;
const LINE_TOKENS_MAX: usize = 100;

/// Stretches with unbalanced braces that are looked at.
const WRECKS_MAX: usize = 20;

/// What the grammar reads.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub kinds: Vec<TokenKind>,
    /// Bytes of each token; a closing bracket put in by repair has none.
    pub spans: Vec<(u32, u32)>,
    /// Stretches of bytes about which everything has been said.
    pub quiet: Vec<(u32, u32)>,
    /// Declarations whose braces do not balance.
    pub wrecks: Vec<Wreck>,
}

/// A stretch in which a brace is missing or one is too many: of all that is said about it one message is the mistake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wreck {
    /// Bytes, both among it.
    pub start: u32,
    pub end: u32,
    /// Where the declaration ended too early; what the grammar says before that is nearer to the mistake.
    pub cut: Option<u32>,
    /// What was reported of the brace.
    pub span: Span,
}

impl Stream {
    pub(crate) fn new(
        file: FileId,
        text: &str,
        tokens: &[Token],
        diagnostics: &mut Diagnostics,
    ) -> Stream {
        let builder = Builder {
            file,
            text,
            tokens,
            diagnostics,
            out: Stream {
                kinds: Vec::with_capacity(tokens.len()),
                spans: Vec::with_capacity(tokens.len()),
                quiet: Vec::new(),
                wrecks: Vec::new(),
            },
            open: Vec::new(),
            level: Level::default(),
            depth: 0,
            top_end: 0,
            documented: 0,
            lacks_braces: lacks_braces(tokens),
            declaring: None,
            declared_at: 0,
            ended: None,
            suspect: None,
            unsettled: None,
            semicolons: Vec::new(),
        };
        let mut stream = builder.run();
        stream.quiet.sort_unstable();
        stream.quiet.dedup_by(|next, kept| {
            let touches = next.0 <= kept.1;
            kept.1 = if touches { kept.1.max(next.1) } else { kept.1 };
            touches
        });
        stream
    }

    fn wreck(&mut self, wreck: Wreck) {
        if self.wrecks.len() < WRECKS_MAX {
            self.wrecks.push(wreck);
        }
    }

    /// Whether two tokens, the second one later, stand between the same brackets of a header: what is skipped after
    /// the first mistake there may be more than what was wrong.
    pub(crate) fn in_one_header(&self, first: usize, second: usize) -> bool {
        use TokenKind::*;
        let mut depth = 0usize;
        let between = self.kinds.get(first..second.min(self.kinds.len()));
        let stays = between.is_some_and(|kinds| {
            kinds
                .iter()
                .all(|kind| !matches!(kind, OpenBrace | CloseBrace | Newline))
        });
        let limit = first.min(self.kinds.len());
        let opener = (0..limit).rev().take(HEADER_TOKENS_MAX).find(|at| {
            match self.kinds[*at] {
                CloseParen | CloseBracket => depth += 1,
                OpenParen | OpenBracket if depth > 0 => depth -= 1,
                OpenParen => return true,
                OpenBrace | CloseBrace => return true,
                _ => {}
            }
            false
        });
        let declares = |at: usize| {
            let word = (0..at)
                .rev()
                .take(HEADER_TOKENS_MAX)
                .find(|at| matches!(self.kinds[*at], Newline | CloseBrace))
                .map_or(0, |at| at + 1);
            matches!(
                self.kinds.get(word),
                Some(Command | Query | Report | Fn | Property)
            )
        };
        stays && opener.is_some_and(|at| self.kinds[at] == OpenParen && declares(at))
    }

    /// Whether a token stands in a list of type arguments, before its `>`: after a mistake on its line this list was not
    /// seen as one.
    pub(crate) fn in_arguments(&self, at: usize) -> bool {
        use TokenKind::*;
        let mut depth = 0usize;
        for kind in self.kinds.iter().skip(at).take(LINE_TOKENS_MAX) {
            match kind {
                Less | OpenAngle => depth += 1,
                Greater | CloseAngle if depth == 0 => return true,
                Greater | CloseAngle => depth -= 1,
                Newline | OpenBrace | CloseBrace | CloseParen | CloseBracket | Equal => {
                    return false;
                }
                _ => {}
            }
        }
        false
    }

    /// True when a complaint at byte `at` would repeat one already made.
    pub(crate) fn is_quiet(&self, at: u32) -> bool {
        let next = self.quiet.partition_point(|(start, _)| *start <= at);
        next > 0 && at <= self.quiet[next - 1].1
    }
}

/// How high the tree may be inside one bracket, by what was seen since the last separator.
#[derive(Clone, Copy, Default)]
struct Level {
    operators: usize,
    angles: usize,
}

struct Open {
    kind: TokenKind,
    span: (u32, u32),
    outer: Level,
    /// A `{` that begins a record's fields, where no statement can stand.
    is_record: bool,
}

struct Builder<'a> {
    file: FileId,
    text: &'a str,
    tokens: &'a [Token],
    diagnostics: &'a mut Diagnostics,
    out: Stream,
    open: Vec<Open>,
    level: Level,
    /// Sum over all open levels: an upper bound on the tree's height here.
    depth: usize,
    /// Where the last bracket at top level closed.
    top_end: u32,
    /// The token that the doc comments last seen stand above.
    documented: usize,
    lacks_braces: bool,
    /// The word that began the declaration being read.
    declaring: Option<TokenKind>,
    /// Where it begins.
    declared_at: u32,
    /// The first `}` that ended it.
    ended: Option<Span>,
    /// A `{` whose `}` stands further left than its line: the one that is missing is rather this one's.
    suspect: Option<Span>,
    /// A `)` or `]` at the start of a line that closes nothing, with how many brackets are open around it: what it should
    /// close goes over lines, so that the block around it is not what was meant.
    unsettled: Option<(usize, Wreck)>,
    /// `;` as in other languages, with the text to stand there and the hint: one habit, one message.
    semicolons: Vec<(Span, String, &'static str)>,
}

/// Declarations whose braces hold statements.
fn has_statements(kind: TokenKind) -> bool {
    use TokenKind::*;
    matches!(kind, Command | Query | Report | Fn | Test | Property)
}

/// More `{` than `}`: then a declaration at the margin closes what is open.
fn lacks_braces(tokens: &[Token]) -> bool {
    let count = |kind| tokens.iter().filter(|token| token.kind == kind).count();
    count(TokenKind::OpenBrace) > count(TokenKind::CloseBrace)
}

impl Builder<'_> {
    fn run(mut self) -> Stream {
        use TokenKind::*;
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            at += 1;
            match token.kind {
                Comment => {}
                Unknown => self.quiet_line(token.span),
                Newline => {
                    while self
                        .tokens
                        .get(at)
                        .is_some_and(|next| matches!(next.kind, Newline | Comment))
                    {
                        at += 1;
                    }
                    self.newline(token.span, at);
                }
                Semicolon if self.open.last().is_none_or(|open| open.kind != OpenBracket) => {
                    self.semicolon(token.span, at);
                    self.separate(token.span);
                }
                InnerDoc => self.inner_doc(token.span),
                OuterDoc => self.outer_doc(token.span, at),
                OpenParen | OpenBracket | OpenBrace => self.opened(token.kind, token.span),
                CloseParen | CloseBracket | CloseBrace => self.closed(token.kind, token.span),
                UnclosedString => {
                    self.quiet_line(token.span);
                    self.emit(String, token.span);
                }
                kind => {
                    let begins = matches!(self.last(), Option::None | Some(Newline));
                    if self.open.is_empty() && begins && kind.starts_declaration() {
                        self.declaring = Some(kind);
                        self.declared_at = token.span.start;
                        self.ended = Option::None;
                        self.suspect = Option::None;
                    }
                    if kind == Arrow {
                        // A result type stands outside every bracket.
                        self.close_to_block(token.span);
                    }
                    self.measure(kind);
                    self.emit(kind, token.span);
                }
            }
            if self.depth > DEPTH_MAX || self.open.len() > NESTING_MAX {
                let span = self.tokens[at - 1].span;
                let diagnostic = Diagnostic::error(
                    codes::NESTED_TOO_DEEPLY,
                    span,
                    "this is nested too deeply to be read",
                );
                let hint = format!(
                    "at most {NESTING_MAX} open brackets, and {DEPTH_MAX} operators and brackets above one another"
                );
                self.diagnostics.push(diagnostic.with_hint(hint));
                return Stream::default();
            }
        }
        self.finish()
    }

    /// A `;`, with the next token at `next`.
    fn semicolon(&mut self, span: Span, next: usize) {
        use TokenKind::*;
        let diagnostic = |message: &str| Diagnostic::error(codes::UNEXPECTED_TOKEN, span, message);
        let innermost = self.open.last().map(|open| open.kind);
        if innermost == Some(OpenParen) {
            if !self.is_explained(span.start) {
                let loops = diagnostic("`;` does not fit here")
                    .with_hint("a loop walks a range: `for i in 0..n max 64 { … }`");
                self.diagnostics.push(loops);
                self.quiet_line(span);
            }
            return;
        }
        let lists = matches!(
            self.declaring,
            Some(Enum | Error | Struct | Event | Layout | Table)
        );
        let following = self.tokens.get(next).map(|token| token.kind);
        let ends = matches!(
            following,
            Option::None | Some(Newline | Comment | CloseBrace | Semicolon)
        );
        if ends {
            let hint = "a newline ends a statement; remove the `;`";
            self.semicolons.push((span, "".to_string(), hint));
        } else if innermost == Some(OpenBrace) && lists {
            let hint = "members are parted by `,` or a newline";
            self.semicolons.push((span, ",".to_string(), hint));
        } else {
            let line = self.text[..span.start as usize]
                .rfind('\n')
                .map_or(0, |end| end + 1);
            let text = &self.text[line..];
            let indent = &text[..text.len() - text.trim_start_matches([' ', '\t']).len()];
            let stop = self.tokens[next].span.start;
            let hint = "put the next statement on its own line";
            let both = Span::new(self.file, span.start, stop);
            self.semicolons.push((both, format!("\n{indent}"), hint));
        }
    }

    /// All `;` of a file are one mistake.
    fn report_semicolons(&mut self) {
        let Some((first, _, hint)) = self.semicolons.first() else {
            return;
        };
        let first = Span::new(self.file, first.start, first.start + 1);
        let mut diagnostic =
            Diagnostic::error(codes::UNEXPECTED_TOKEN, first, "`;` does not fit here")
                .with_hint(*hint);
        if self.semicolons.len() > 1 {
            diagnostic = diagnostic.with_label(format!(
                "the first of {} in this file",
                self.semicolons.len()
            ));
        }
        for (span, text, _) in std::mem::take(&mut self.semicolons) {
            diagnostic = diagnostic.with_edit(span, text);
        }
        self.diagnostics.push(diagnostic);
    }

    fn finish(mut self) -> Stream {
        self.report_semicolons();
        if self.open.is_empty() {
            return self.out;
        }
        let end = self.text.len() as u32;
        self.close_down_to(0, Span::new(self.file, end, end));
        self.out
    }

    fn emit(&mut self, kind: TokenKind, span: Span) {
        self.out.kinds.push(kind);
        self.out.spans.push((span.start, span.end));
    }

    fn last(&self) -> Option<TokenKind> {
        self.out.kinds.last().copied()
    }

    /// Counts what makes the tree higher.
    fn measure(&mut self, kind: TokenKind) {
        use TokenKind::*;
        match kind {
            Comma => {
                self.depth -= self.level.operators;
                self.level.operators = 0;
            }
            OpenAngle => {
                self.level.angles += 1;
                self.depth += 1;
            }
            CloseAngle => {
                let was_open = usize::from(self.level.angles > 0);
                self.level.angles -= was_open;
                self.depth -= was_open;
            }
            kind if kind.is_name() => {}
            Number | Float | String | Bytes | True | False | None | Underscore | Colon | Let
            | Var | In => {}
            _ => {
                self.level.operators += 1;
                self.depth += 1;
            }
        }
    }

    /// A statement or member ends: what follows starts from the ground again.
    fn separate(&mut self, span: Span) {
        self.depth -= self.level.operators + self.level.angles;
        self.level = Level::default();
        if !matches!(
            self.last(),
            None | Some(TokenKind::Newline | TokenKind::OpenBrace)
        ) {
            self.emit(TokenKind::Newline, span);
        }
    }

    /// A newline, with the next token that is neither newline nor comment at `next`.
    fn newline(&mut self, span: Span, next: usize) {
        use TokenKind::*;
        let following = self.tokens.get(next).copied();
        let margin = following.is_some_and(|token| self.is_at_margin(token.span.start));
        let is_cut_off = self.lacks_braces || self.open.iter().any(|open| open.kind != OpenBrace);
        if is_cut_off && margin && !self.open.is_empty() && self.is_declaration(next) {
            self.close_down_to(0, span);
        }
        if let Some(token) = following {
            self.close_before_statement(token.kind, span);
        }
        if self
            .open
            .last()
            .is_some_and(|open| matches!(open.kind, OpenParen | OpenBracket))
        {
            return;
        }
        if self.last().is_some_and(TokenKind::continues_line) {
            return;
        }
        if following.is_some_and(|token| token.kind.joins_line()) {
            return;
        }
        self.separate(span);
    }

    fn is_declaration(&self, at: usize) -> bool {
        use TokenKind::*;
        let kind = |at: usize| self.tokens.get(at).map(|token| token.kind);
        kind(at).is_some_and(TokenKind::starts_declaration)
            && kind(at + 1).is_some_and(|next| next.is_name() || matches!(next, String | For))
    }
}
