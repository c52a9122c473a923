//! Expressions: atoms, then one table of operators from the tightest to the loosest, then ranges. Always
//! true: in a head (before a block) no record literal is read outside brackets.

use super::*;
use crate::ast::{BinaryOperator, ExprKind, FieldInit, UnaryOperator};
use chumsky::pratt::{infix, left, none, postfix, prefix, right};

/// Whether `Name { … }` and blocks may stand bare.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Records {
    Allowed,
    Refused,
}

enum Postfix {
    Member(Name),
    Version(u32),
    Call(Vec<Expr>),
    Index(Expr),
}

pub(super) fn expression(rules: &Rules, records: Records) -> Rule<Expr> {
    use TokenKind::*;
    let operand = operators(rules, atom(rules, records));
    let dots = one_of([DotDot, DotDotEqual]);
    let from_start = dots
        .then(operand.clone().or_not())
        .map_with(|(dots, end), here| Expr {
            kind: ExprKind::Range {
                start: Option::None,
                end: end.map(Box::new),
                inclusive: dots == DotDotEqual,
            },
            span: span_here(here),
        });
    let tail = dots.then(operand.clone().or_not());
    let ordinary = operand
        .then(tail.or_not())
        .map_with(|(start, tail), here| match tail {
            Some((dots, end)) => Expr {
                kind: ExprKind::Range {
                    start: Some(Box::new(start)),
                    end: end.map(Box::new),
                    inclusive: dots == DotDotEqual,
                },
                span: span_here(here),
            },
            Option::None => start,
        });
    choice((ordinary, from_start)).boxed()
}

/// The table of operators. Comparisons do not chain; `??` binds tighter than they do.
fn operators(rules: &Rules, atom: Rule<Expr>) -> Rule<Expr> {
    use BinaryOperator as Op;
    use TokenKind::*;
    let product = select! { Star => Op::Multiply, Slash => Op::Divide, Percent => Op::Remainder };
    let sum = select! { Plus => Op::Add, Minus => Op::Subtract };
    let shift_right = just(Greater)
        .then(just(Greater))
        .map_with(|_, here| {
            let range = here.span();
            let spans = &here.state().0.spans;
            spans[range.start].1 == spans[range.start + 1].0
        })
        .filter(|touch| *touch);
    let shift = choice((
        just(ShiftLeft).to(Op::ShiftLeft),
        shift_right.to(Op::ShiftRight),
    ));
    let comparison = select! {
        EqualEqual => Op::Equal, NotEqual => Op::NotEqual, Less => Op::Less,
        LessEqual => Op::LessOrEqual, Greater => Op::Greater, GreaterEqual => Op::GreaterOrEqual,
    };
    let unary = select! { Minus => UnaryOperator::Negate, Bang => UnaryOperator::Not, Not => UnaryOperator::Not };
    let cast = just(As).ignore_then(rules.ty.clone());

    let member_name = choice((name(), just(Number).map_with(|_, here| name_here(here))));
    let after = choice((
        just(Dot).ignore_then(member_name).map(Postfix::Member),
        version().map(Postfix::Version),
        call_arguments(rules).map(Postfix::Call),
        rules
            .expression
            .clone()
            .delimited_by(just(OpenBracket), just(CloseBracket))
            .map(Postfix::Index),
    ));

    atom.pratt((
        postfix(13, after, apply),
        prefix(12, unary, |operator, operand: Expr, here: &mut _| {
            node(
                ExprKind::Unary {
                    operator,
                    operand: Box::new(operand),
                },
                here,
            )
        }),
        prefix(12, just(Attempt), |_, operand: Expr, here: &mut _| {
            node(ExprKind::Attempt(Box::new(operand)), here)
        }),
        prefix(1, just(Fail), |_, operand: Expr, here: &mut _| {
            node(ExprKind::Fail(Box::new(operand)), here)
        }),
        postfix(
            11,
            cast,
            |value: Expr, ty: crate::ast::Type, here: &mut _| {
                node(
                    ExprKind::Cast {
                        value: Box::new(value),
                        ty,
                    },
                    here,
                )
            },
        ),
        infix(left(10), product, binary),
        infix(left(9), sum, binary),
        infix(left(8), shift, binary),
        infix(left(7), just(Ampersand).to(Op::BitAnd), binary),
        infix(left(6), just(Caret).to(Op::BitXor), binary),
        infix(left(5), just(Bar).to(Op::BitOr), binary),
        infix(right(4), just(QuestionQuestion).to(Op::Otherwise), binary),
        infix(none(3), comparison, binary),
        infix(left(2), just(AndAnd).to(Op::And), binary),
        infix(left(1), just(OrOr).to(Op::Or), binary),
    ))
    .boxed()
}

pub(super) fn node(kind: ExprKind, here: &mut Here<'_>) -> Expr {
    Expr {
        kind,
        span: span_here(here),
    }
}

pub(super) fn binary(
    left: Expr,
    operator: BinaryOperator,
    right: Expr,
    here: &mut Here<'_>,
) -> Expr {
    node(
        ExprKind::Binary {
            operator,
            left: Box::new(left),
            right: Box::new(right),
        },
        here,
    )
}

fn apply(base: Expr, after: Postfix, here: &mut Here<'_>) -> Expr {
    let (base, after) = match (base, after) {
        (
            Expr {
                kind:
                    ExprKind::Name {
                        name,
                        arguments: generic,
                    },
                ..
            },
            Postfix::Call(arguments),
        ) if &*name.text == "touch" && generic.is_empty() => {
            return touch_or_call(name, false, arguments, here);
        }
        (base, after) => (Box::new(base), after),
    };
    node(
        match after {
            Postfix::Member(name) => ExprKind::Member { base, name },
            Postfix::Version(version) => ExprKind::Version { base, version },
            Postfix::Call(arguments) => ExprKind::Call {
                callee: base,
                arguments,
            },
            Postfix::Index(index) => ExprKind::Index {
                base,
                index: Box::new(index),
            },
        },
        here,
    )
}

pub(super) fn number() -> Rule<Expr> {
    one_of([TokenKind::Number, TokenKind::Float])
        .map_with(|_, here| {
            let kind = match literals::read_number(text_here(here)) {
                Ok(literals::Number::Integer { value, suffix }) => ExprKind::Integer {
                    value,
                    suffix: suffix.map(Arc::from),
                },
                Ok(literals::Number::Float(value)) => ExprKind::Float(value),
                Err(_) => ExprKind::Broken,
            };
            node(kind, here)
        })
        .boxed()
}

/// A number (a negative one too), string, bytes, `true` or `false`: what a pattern may name.
pub(super) fn literal() -> Rule<Expr> {
    use TokenKind::*;
    let negative = just(Minus).ignore_then(number()).map_with(|operand, here| {
        node(
            ExprKind::Unary {
                operator: UnaryOperator::Negate,
                operand: Box::new(operand),
            },
            here,
        )
    });
    choice((
        number(),
        negative,
        words(),
        string().map_with(|text, here| node(ExprKind::String(text), here)),
        bytes(),
    ))
    .boxed()
}

fn words() -> impl Parser<'static, Tokens, Expr, Extra> + Clone {
    use TokenKind::*;
    select! { True => ExprKind::Bool(true), False => ExprKind::Bool(false) }.map_with(node)
}

fn bytes() -> impl Parser<'static, Tokens, Expr, Extra> + Clone {
    just(TokenKind::Bytes).map_with(|_, here| {
        let value = literals::read_bytes(text_here(here), |_, _| {});
        node(ExprKind::Bytes(value), here)
    })
}

fn atom(rules: &Rules, records: Records) -> Rule<Expr> {
    use TokenKind::*;
    let simple = choice((
        number(),
        string().map_with(|text, here| node(ExprKind::String(text), here)),
        bytes(),
        words(),
        select! { None => ExprKind::None, Break => ExprKind::Break, Continue => ExprKind::Continue }.map_with(node),
    ));
    let give_back = just(Return)
        .ignore_then(rules.expression.clone().or_not())
        .map_with(|value, here| node(ExprKind::Return(value.map(Box::new)), here));
    let common = choice((
        touch_mut(rules),
        named(rules),
        simple,
        group(rules),
        control::list(rules),
        control::conditional(rules),
        control::matching(rules),
        give_back,
    ));
    match records {
        Records::Refused => common.labelled(Expected::Expression).boxed(),
        Records::Allowed => {
            let block = rules
                .block
                .clone()
                .map_with(|block, here| node(ExprKind::Block(block), here));
            choice((record(rules), common, block))
                .labelled(Expected::Expression)
                .boxed()
        }
    }
}

/// A name, with arguments where they follow: `LEAF<K, R>`, `priority_queue<u64, u64, 10>()`.
fn named(rules: &Rules) -> Rule<Expr> {
    name()
        .then(rules.arguments.clone().or_not())
        .map_with(|(name, arguments), here| {
            node(
                ExprKind::Name {
                    name,
                    arguments: arguments.unwrap_or_default(),
                },
                here,
            )
        })
        .boxed()
}

/// `touch mut(region, page)`.
fn touch_mut(rules: &Rules) -> Rule<Expr> {
    use TokenKind::*;
    just(Touch)
        .map_with(|_, here| name_here(here))
        .then_ignore(just(Mut))
        .then(call_arguments(rules))
        .map_with(|(name, arguments), here| touch_or_call(name, true, arguments, here))
        .boxed()
}

/// A `touch` of two arguments; with others an ordinary call, for the checker to refuse.
fn touch_or_call(name: Name, mutable: bool, mut arguments: Vec<Expr>, here: &mut Here<'_>) -> Expr {
    if arguments.len() != 2 {
        let callee = Expr {
            span: name.span,
            kind: ExprKind::Name {
                name,
                arguments: Vec::new(),
            },
        };
        return node(
            ExprKind::Call {
                callee: Box::new(callee),
                arguments,
            },
            here,
        );
    }
    let page = Box::new(arguments.remove(1));
    let region = Box::new(arguments.remove(0));
    node(
        ExprKind::Touch {
            mutable,
            region,
            page,
        },
        here,
    )
}

/// `(a, b, { c })`: expressions, and bare records.
fn call_arguments(rules: &Rules) -> Rule<Vec<Expr>> {
    use TokenKind::*;
    let bare = fields(rules).map_with(|fields, here| {
        node(
            ExprKind::Record {
                qualifier: Option::None,
                name: Option::None,
                arguments: Vec::new(),
                fields,
            },
            here,
        )
    });
    let broken = skip_until([Comma]).map_with(|_, here| node(ExprKind::Broken, here));
    choice((bare, rules.expression.clone()))
        .then_ignore(ahead([Comma, CloseParen]))
        .recover_with(via_parser(broken))
        .separated_by(just(Comma))
        .allow_trailing()
        .collect()
        .delimited_by(just(OpenParen), just(CloseParen))
        .boxed()
}

/// `Paid { from, to }`, `Payment.Insufficient { needed: x }`, `Pair<u64, bool> { first, second }`.
fn record(rules: &Rules) -> Rule<Expr> {
    use TokenKind::*;
    let variant = just(Dot)
        .ignore_then(upper_name())
        .map(|name| (Some(name), Vec::new()));
    let arguments = types::record_follows_arguments()
        .ignore_then(rules.arguments.clone())
        .map(|given| (Option::None, given));
    upper_name()
        .then(choice((variant, arguments)).or_not())
        .then_ignore(ahead([OpenBrace]))
        .then(fields(rules))
        .map_with(|((first, after), fields), here| {
            let (second, arguments) = after.unwrap_or_default();
            let (qualifier, name) = match second {
                Some(name) => (Some(first), name),
                Option::None => (Option::None, first),
            };
            node(
                ExprKind::Record {
                    qualifier,
                    name: Some(name),
                    arguments,
                    fields,
                },
                here,
            )
        })
        .boxed()
}

/// `{ id, owner: x, 5 }`: names alone, named values, values by position.
pub(super) fn fields(rules: &Rules) -> Rule<Vec<FieldInit>> {
    use TokenKind::*;
    let named = name()
        .then_ignore(just(Colon))
        .then(rules.expression.clone())
        .map(|(name, value)| FieldInit {
            name,
            value: Some(value),
        });
    let short = lower_name()
        .then_ignore(ahead([Comma, Newline, CloseBrace]))
        .map(|name| FieldInit {
            name,
            value: Option::None,
        });
    let positional = rules.expression.clone().map(|value| FieldInit {
        name: unnamed(value.span),
        value: Some(value),
    });
    let broken = skip_until([Comma, Newline]).map_with(|_, here| FieldInit {
        name: unnamed(span_here(here)),
        value: Some(node(ExprKind::Broken, here)),
    });
    choice((named, short, positional))
        .then_ignore(ahead([Comma, Newline, CloseBrace]))
        .recover_with(via_parser(broken))
        .separated_by(separators())
        .allow_leading()
        .allow_trailing()
        .collect::<Vec<_>>()
        .delimited_by(just(OpenBrace), just(CloseBrace))
        .map(|mut fields| {
            for (at, field) in fields
                .iter_mut()
                .enumerate()
                .filter(|(_, field)| field.name.text.is_empty())
            {
                field.name.text = at.to_string().into();
            }
            fields
        })
        .boxed()
}

/// `()`, `(a)`, `(a, b)`.
fn group(rules: &Rules) -> Rule<Expr> {
    use TokenKind::*;
    rules
        .expression
        .clone()
        .separated_by(just(Comma))
        .allow_trailing()
        .collect::<Vec<_>>()
        .delimited_by(just(OpenParen), just(CloseParen))
        .map_with(|mut values, here| match values.pop() {
            Some(only) if values.is_empty() => Expr {
                kind: only.kind,
                span: span_here(here),
            },
            Some(last) => {
                values.push(last);
                node(ExprKind::Tuple(values), here)
            }
            Option::None => node(ExprKind::Tuple(values), here),
        })
        .boxed()
}
