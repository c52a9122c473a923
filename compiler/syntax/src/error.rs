//! What the grammar says when nothing fits: where, what stands there, what would have fitted. Always
//! small and copied freely: the grammar makes many of these and shows few.

use crate::grammar::Tokens;
use crate::token::TokenKind;
use chumsky::DefaultExpected;
use chumsky::error::{Error, LabelError};
use chumsky::span::SimpleSpan;
use chumsky::util::MaybeRef;

/// What would have fitted, where a single token does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Expected {
    Declaration,
    Statement,
    Expression,
    Type,
    Pattern,
    Name,
    Member,
    End,
}

impl Expected {
    pub(crate) const ALL: [(Expected, &'static str); 8] = [
        (Expected::Declaration, "a declaration"),
        (Expected::Statement, "a statement"),
        (Expected::Expression, "an expression"),
        (Expected::Type, "a type"),
        (Expected::Pattern, "a pattern"),
        (Expected::Name, "a name"),
        (
            Expected::Member,
            "a field, `key`, `index`, `unique` or `invariant`",
        ),
        (Expected::End, "the end of the file"),
    ];
}

/// A set of kinds and [`Expected`]s, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExpectedSet([u64; 4]);

const NAMED_FROM: usize = 240;
const _: () = assert!((TokenKind::Mut as usize) < NAMED_FROM);

impl ExpectedSet {
    fn insert(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    pub(crate) fn has_kind(&self, kind: TokenKind) -> bool {
        self.0[kind as usize / 64] >> (kind as usize % 64) & 1 == 1
    }

    pub(crate) fn has(&self, expected: Expected) -> bool {
        let at = NAMED_FROM + expected as usize;
        self.0[at / 64] >> (at % 64) & 1 == 1
    }
}

/// What went wrong at a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Nothing fits here.
    Misfit,
    /// A clause given a second time.
    Twice,
    /// The token fits, after a `,` or a newline that is not there.
    NoSeparator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Number of the token that did not fit; past the last one at the end.
    pub at: usize,
    pub found: Option<TokenKind>,
    pub expected: ExpectedSet,
    pub sort: Sort,
}

impl SyntaxError {
    pub(crate) fn at(at: usize) -> SyntaxError {
        SyntaxError {
            at,
            found: None,
            expected: ExpectedSet::default(),
            sort: Sort::Misfit,
        }
    }
}

impl Error<'static, Tokens> for SyntaxError {
    fn merge(mut self, other: SyntaxError) -> SyntaxError {
        match self.at.cmp(&other.at) {
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Greater => self,
            std::cmp::Ordering::Equal => {
                for (word, more) in self.expected.0.iter_mut().zip(other.expected.0) {
                    *word |= more;
                }
                self
            }
        }
    }
}

impl LabelError<'static, Tokens, DefaultExpected<'static, TokenKind>> for SyntaxError {
    fn expected_found<E: IntoIterator<Item = DefaultExpected<'static, TokenKind>>>(
        expected: E,
        found: Option<MaybeRef<'static, TokenKind>>,
        span: SimpleSpan,
    ) -> SyntaxError {
        let mut set = ExpectedSet::default();
        for one in expected {
            match one {
                DefaultExpected::Token(kind) => set.insert(*kind as usize),
                DefaultExpected::EndOfInput => set.insert(NAMED_FROM + Expected::End as usize),
                _ => {}
            }
        }
        SyntaxError {
            at: span.start,
            found: found.map(|kind| *kind),
            expected: set,
            sort: Sort::Misfit,
        }
    }
}

impl LabelError<'static, Tokens, Expected> for SyntaxError {
    fn expected_found<E: IntoIterator<Item = Expected>>(
        expected: E,
        found: Option<MaybeRef<'static, TokenKind>>,
        span: SimpleSpan,
    ) -> SyntaxError {
        let mut error = SyntaxError {
            found: found.map(|kind| *kind),
            ..SyntaxError::at(span.start)
        };
        expected
            .into_iter()
            .for_each(|one| error.expected.insert(NAMED_FROM + one as usize));
        error
    }

    fn label_with(&mut self, label: Expected) {
        self.expected = ExpectedSet::default();
        self.expected.insert(NAMED_FROM + label as usize);
    }
}
