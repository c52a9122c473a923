//! Expressions that choose or walk: `if`, `match`, lists and comprehensions, and the bounds of sources. Always
//! true: an arm that cannot be read is skipped alone.

use super::expressions::node;
use super::*;
use crate::ast::{ExprKind, MatchArm};

/// `[a, b]` and `[a.id for a in source take n if c]`.
pub(super) fn list(rules: &Rules) -> Rule<Expr> {
    use TokenKind::*;
    let expression = rules.expression.clone();
    let source = bounded(expression.clone());
    let walk = just(For)
        .ignore_then(rules.pattern.clone())
        .then_ignore(just(In))
        .then(source)
        .then(just(If).ignore_then(expression.clone()).or_not());
    let rest = just(Comma).ignore_then(
        expression
            .clone()
            .separated_by(just(Comma))
            .allow_trailing()
            .collect::<Vec<_>>(),
    );
    enum Tail {
        Walk(Box<((Pattern, Expr), Option<Expr>)>),
        More(Vec<Expr>),
    }
    expression
        .then(
            choice((
                walk.map(|walk| Tail::Walk(Box::new(walk))),
                rest.map(Tail::More),
            ))
            .or_not(),
        )
        .or_not()
        .delimited_by(just(OpenBracket), just(CloseBracket))
        .map_with(|content, here| {
            let kind = match content {
                Option::None => ExprKind::List(Vec::new()),
                Some((first, Option::None)) => ExprKind::List(vec![first]),
                Some((first, Some(Tail::More(mut more)))) => {
                    more.insert(0, first);
                    ExprKind::List(more)
                }
                Some((value, Some(Tail::Walk(walk)))) => {
                    let ((pattern, source), condition) = *walk;
                    ExprKind::Comprehension {
                        value: Box::new(value),
                        pattern,
                        source: Box::new(source),
                        condition: condition.map(Box::new),
                    }
                }
            };
            node(kind, here)
        })
        .boxed()
}

/// A source with its bound: `s`, `s take n`, `s max n`, `s take n max m`.
pub(super) fn bounded(expression: Declared<Expr>) -> Rule<Expr> {
    use TokenKind::*;
    let take = just(Take).ignore_then(expression.clone());
    let max = just(Max).ignore_then(expression.clone());
    expression
        .then(take.or_not())
        .then(max.or_not())
        .map_with(|((source, take), max), here| {
            if take.is_none() && max.is_none() {
                return source;
            }
            let source = Box::new(source);
            node(
                ExprKind::Bounded {
                    source,
                    take: take.map(Box::new),
                    max: max.map(Box::new),
                },
                here,
            )
        })
        .boxed()
}

/// `if c { … } else …`, `if let p = v { … } else …`.
pub(super) fn conditional(rules: &Rules) -> Rule<Expr> {
    use TokenKind::*;
    recursive(|conditional| {
        let block = rules
            .block
            .clone()
            .map_with(|block, here| node(ExprKind::Block(block), here));
        let otherwise = just(Else)
            .ignore_then(choice((conditional, block)))
            .or_not();
        let binding = just(Let)
            .ignore_then(rules.pattern.clone())
            .then_ignore(just(Equal))
            .or_not();
        just(If)
            .ignore_then(binding)
            .then(rules.head.clone())
            .then(rules.block.clone())
            .then(otherwise)
            .map_with(|(((binding, head), then), otherwise), here| {
                let head = Box::new(head);
                let otherwise = otherwise.map(Box::new);
                let kind = match binding {
                    Some(pattern) => ExprKind::IfLet {
                        pattern,
                        value: head,
                        then,
                        otherwise,
                    },
                    Option::None => ExprKind::If {
                        condition: head,
                        then,
                        otherwise,
                    },
                };
                node(kind, here)
            })
    })
    .boxed()
}

/// `match v { pattern if guard => body, … }`.
pub(super) fn matching(rules: &Rules) -> Rule<Expr> {
    use TokenKind::*;
    let arm = rules
        .pattern
        .clone()
        .then(just(If).ignore_then(rules.expression.clone()).or_not())
        .then_ignore(just(FatArrow))
        .then(rules.expression.clone())
        .then_ignore(ahead([Comma, Newline, CloseBrace]))
        .map_with(|((pattern, guard), body), here| MatchArm {
            pattern,
            guard,
            body,
            span: span_here(here),
        });
    let broken = skip_until([Comma, Newline]).map_with(|_, here| {
        let span = span_here(here);
        let pattern = Pattern {
            kind: crate::ast::PatternKind::Broken,
            span,
        };
        MatchArm {
            pattern,
            guard: Option::None,
            body: Expr {
                kind: ExprKind::Broken,
                span,
            },
            span,
        }
    });
    let arms = arm
        .recover_with(via_parser(broken))
        .separated_by(separators())
        .allow_leading()
        .allow_trailing()
        .collect()
        .delimited_by(just(OpenBrace), just(CloseBrace));
    just(Match)
        .ignore_then(rules.head.clone())
        .then(arms)
        .map_with(|(value, arms), here| {
            node(
                ExprKind::Match {
                    value: Box::new(value),
                    arms,
                },
                here,
            )
        })
        .boxed()
}
