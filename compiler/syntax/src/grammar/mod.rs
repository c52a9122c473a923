//! The grammar, in chumsky's combinators over kinds. Always true: rules have no memory but the interned
//! names (they may run any number of times over the same tokens), spans are numbers of tokens until
//! [`Source`] turns them into bytes, and a rule that recovers gives a `Broken` node in place of what it
//! skipped. The grammar of the language is written out in `lang-spec/`.

mod control;
mod expressions;
mod items;
mod patterns;
mod statements;
mod tables;
mod types;

use crate::ast::{Block, Expr, File, Name, Pattern, StringLiteral, Type, TypeArgument};
use crate::error::{Expected, Sort, SyntaxError};
use crate::literals;
use crate::stream::Stream;
use crate::token::TokenKind;
use chumsky::input::{MapExtra, Stream as KindStream};
use chumsky::inspector::SimpleState;
use chumsky::prelude::*;
use chumsky::recursive::Indirect;
use rc_source::{FileId, Span};
use std::collections::HashSet;
use std::sync::Arc;

pub(crate) type Tokens = KindStream<std::vec::IntoIter<TokenKind>>;
type Extra = chumsky::extra::Full<SyntaxError, SimpleState<Source>, ()>;
type Rule<O> = Boxed<'static, 'static, Tokens, O, Extra>;
type Declared<O> = Recursive<Indirect<'static, 'static, Tokens, O, Extra>>;
type Here<'b> = MapExtra<'static, 'b, Tokens, Extra>;

/// The text behind the token numbers.
pub(crate) struct Source {
    file: FileId,
    text: Arc<str>,
    spans: Vec<(u32, u32)>,
    /// Looked up, never walked: each name's text is kept once.
    names: HashSet<Arc<str>>,
}

impl Source {
    fn span(&self, range: SimpleSpan) -> Span {
        match (
            self.spans.get(range.start),
            range
                .end
                .checked_sub(1)
                .and_then(|last| self.spans.get(last)),
        ) {
            (Some(first), Some(last)) if range.start < range.end => {
                Span::new(self.file, first.0, last.1.max(first.0))
            }
            (Some(first), _) => Span::new(self.file, first.0, first.0),
            _ => {
                let end = self.text.len() as u32;
                Span::new(self.file, end, end)
            }
        }
    }

    fn text(&self, token: usize) -> &str {
        let (start, end) = self.spans[token];
        &self.text[start as usize..end as usize]
    }

    fn intern(&mut self, range: (usize, usize)) -> Arc<str> {
        let text = &self.text[range.0..range.1];
        if let Some(known) = self.names.get(text) {
            return known.clone();
        }
        let name: Arc<str> = text.into();
        self.names.insert(name.clone());
        name
    }
}

/// The rules that others stand on, declared before they are defined.
#[derive(Clone)]
struct Rules {
    expression: Declared<Expr>,
    /// An expression that is followed by a block: no record literal outside brackets.
    head: Declared<Expr>,
    block: Declared<Block>,
    ty: Declared<Type>,
    /// `<u64, 100>`
    arguments: Declared<Vec<TypeArgument>>,
    pattern: Declared<Pattern>,
}

thread_local! {
    /// Built once for each thread: it knows nothing of any file. It refers to itself and lives as long as its thread.
    static GRAMMAR: Rule<File> = grammar();
}

fn grammar() -> Rule<File> {
    let mut rules = Rules {
        expression: Recursive::declare(),
        head: Recursive::declare(),
        block: Recursive::declare(),
        ty: Recursive::declare(),
        arguments: Recursive::declare(),
        pattern: Recursive::declare(),
    };
    let known = rules.clone();
    rules.ty.define(types::ty(&known));
    rules.arguments.define(types::arguments(&known));
    rules.pattern.define(patterns::pattern(&known));
    rules.expression.define(expressions::expression(
        &known,
        expressions::Records::Allowed,
    ));
    rules.head.define(expressions::expression(
        &known,
        expressions::Records::Refused,
    ));
    rules.block.define(statements::block(&known));
    items::file(&rules)
}

/// The tree of a stream, and what did not fit.
pub(crate) fn parse(file: FileId, text: &Arc<str>, stream: &Stream) -> (File, Vec<SyntaxError>) {
    let source = Source {
        file,
        text: text.clone(),
        spans: stream.spans.clone(),
        names: HashSet::new(),
    };
    let mut state = SimpleState(source);
    let tokens = KindStream::from_iter(stream.kinds.clone());
    let result = GRAMMAR.with(|grammar| grammar.parse_with_state(tokens, &mut state));
    let (tree, errors) = result.into_output_errors();
    (tree.unwrap_or_default(), errors)
}

// -- small rules ------------------------------------------------------------------------------------

fn just(kind: TokenKind) -> chumsky::primitive::Just<TokenKind, Tokens, Extra> {
    chumsky::primitive::just(kind)
}

/// Newlines, and doc comments that stand where they document nothing.
fn newlines() -> impl Parser<'static, Tokens, (), Extra> + Clone {
    one_of([TokenKind::Newline, TokenKind::OuterDoc]).repeated()
}

/// Between members of a braced list: commas or newlines.
fn separators() -> impl Parser<'static, Tokens, (), Extra> + Clone {
    one_of([TokenKind::Newline, TokenKind::Comma])
        .repeated()
        .at_least(1)
}

/// Looks ahead without taking.
fn ahead<const N: usize>(kinds: [TokenKind; N]) -> impl Parser<'static, Tokens, (), Extra> + Clone {
    one_of(kinds).ignored().rewind()
}

/// The end of a member, not taken. Where the next member follows on the same line, only what should stand between
/// the two is missing: that is said, and both are kept.
fn member_end(
    next: impl Parser<'static, Tokens, (), Extra> + Clone,
) -> impl Parser<'static, Tokens, (), Extra> + Clone {
    use TokenKind::*;
    let ended = ahead([Comma, Newline, CloseBrace]).to(true);
    choice((ended, next.rewind().to(false))).validate(|ended, here, emitter| {
        if !ended {
            let range: SimpleSpan = here.span();
            emitter.emit(SyntaxError {
                sort: Sort::NoSeparator,
                ..SyntaxError::at(range.start)
            });
        }
    })
}

/// Any name, a contextual word among them.
fn name() -> impl Parser<'static, Tokens, Name, Extra> + Clone {
    any()
        .filter(|kind: &TokenKind| kind.is_name())
        .map_with(|_, here| name_here(here))
        .labelled(Expected::Name)
}

fn upper_name() -> impl Parser<'static, Tokens, Name, Extra> + Clone {
    just(TokenKind::TypeName).map_with(|_, here| name_here(here))
}

fn lower_name() -> impl Parser<'static, Tokens, Name, Extra> + Clone {
    let is_lower = |kind: &TokenKind| kind.is_name() && *kind != TokenKind::TypeName;
    any()
        .filter(is_lower)
        .map_with(|_, here| name_here(here))
        .labelled(Expected::Name)
}

/// The name that the tokens just taken spell.
fn name_here(here: &mut Here<'_>) -> Name {
    let span = span_here(here);
    let text = here
        .state()
        .intern((span.start as usize, span.end as usize));
    Name { text, span }
}

fn span_here(here: &mut Here<'_>) -> Span {
    let range = here.span();
    here.state().span(range)
}

/// The first of the tokens just taken.
fn text_here<'a>(here: &'a mut Here<'_>) -> &'a str {
    let range = here.span();
    here.state().0.text(range.start)
}

fn string() -> impl Parser<'static, Tokens, StringLiteral, Extra> + Clone {
    just(TokenKind::String).map_with(|_, here| {
        let value = literals::read_string(text_here(here), |_, _| {}).into();
        StringLiteral {
            value,
            span: span_here(here),
        }
    })
}

/// `@2` after a name.
fn version() -> impl Parser<'static, Tokens, u32, Extra> + Clone {
    let number =
        just(TokenKind::Number).map_with(|_, here| match literals::read_number(text_here(here)) {
            Ok(literals::Number::Integer {
                value,
                suffix: None,
            }) => u32::try_from(value).unwrap_or(u32::MAX),
            _ => 0,
        });
    just(TokenKind::At).ignore_then(number)
}

/// The `///` lines above something, without the marks.
fn docs() -> impl Parser<'static, Tokens, Vec<String>, Extra> + Clone {
    just(TokenKind::OuterDoc)
        .map_with(|_, here| doc_text(text_here(here)))
        .repeated()
        .collect()
}

fn doc_text(token: &str) -> String {
    let line = token[3..].trim_end();
    line.strip_prefix(' ').unwrap_or(line).to_owned()
}

/// Stands where a name should: in something broken, or before its position is known.
fn unnamed(span: Span) -> Name {
    Name {
        text: Arc::from(""),
        span,
    }
}

fn broken_type(span: Span) -> Type {
    Type {
        kind: crate::ast::TypeKind::Broken,
        span,
    }
}

// -- recovery ---------------------------------------------------------------------------------------

/// Takes everything up to one of `stop` or a closing bracket, whole brackets at a time: at least one
/// token, unless a comma stands first (something is missing before it).
fn skip_until<const N: usize>(
    stop: [TokenKind; N],
) -> impl Parser<'static, Tokens, (), Extra> + Clone {
    use TokenKind::*;
    custom(
        move |input: &mut chumsky::input::InputRef<'static, '_, Tokens, Extra>| {
            let start = input.cursor();
            let mut depth = 0usize;
            let mut taken = 0usize;
            loop {
                match input.peek() {
                    Option::None => break,
                    Some(CloseParen | CloseBracket | CloseBrace) if depth == 0 => break,
                    Some(kind) if depth == 0 && stop.contains(&kind) => {
                        taken += usize::from(kind == Comma);
                        break;
                    }
                    Some(OpenParen | OpenBracket | OpenBrace) => depth += 1,
                    Some(CloseParen | CloseBracket | CloseBrace) => depth -= 1,
                    Some(_) => {}
                }
                input.skip();
                taken += 1;
            }
            if taken > 0 {
                Ok(())
            } else {
                Err(SyntaxError::at(*start.inner()))
            }
        },
    )
}
