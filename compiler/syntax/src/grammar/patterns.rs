//! Patterns: `_`, literals and ranges of them, lower-case names that bind, variants, tuples, and several of them with `|` between.

use super::*;
use crate::ast::{ExprKind, PatternFields, PatternKind};

pub(super) fn pattern(rules: &Rules) -> Rule<Pattern> {
    use TokenKind::*;
    let pattern = rules.pattern.clone();

    let wildcard = just(Underscore).to(PatternKind::Wildcard);
    let none = just(None).to(PatternKind::None);
    let bind = lower_name().map(PatternKind::Bind);

    let literal = expressions::literal();
    let range = one_of([DotDot, DotDotEqual]);
    let literal =
        literal
            .clone()
            .then(range.then(literal).or_not())
            .map_with(|(start, range), here| {
                let expr = match range {
                    Some((dots, end)) => Expr {
                        kind: ExprKind::Range {
                            start: Some(Box::new(start)),
                            end: Some(Box::new(end)),
                            inclusive: dots == DotDotEqual,
                        },
                        span: span_here(here),
                    },
                    Option::None => start,
                };
                PatternKind::Literal(Box::new(expr))
            });

    let list = pattern
        .clone()
        .separated_by(just(Comma))
        .allow_trailing()
        .collect::<Vec<_>>();
    let tuple = list
        .clone()
        .delimited_by(just(OpenParen), just(CloseParen))
        .map(|mut patterns| match patterns.pop() {
            Some(only) if patterns.is_empty() => only.kind,
            Some(last) => {
                patterns.push(last);
                PatternKind::Tuple(patterns)
            }
            Option::None => PatternKind::Tuple(patterns),
        });

    let field = lower_name().then(just(Colon).ignore_then(pattern).or_not());
    let rest = just(DotDot)
        .then(separators().or_not())
        .or_not()
        .map(|rest| rest.is_some());
    let record = separators()
        .or_not()
        .ignore_then(
            field
                .separated_by(separators())
                .allow_trailing()
                .collect::<Vec<_>>(),
        )
        .then(rest)
        .delimited_by(just(OpenBrace), just(CloseBrace))
        .map(|(fields, rest)| PatternFields::Record { fields, rest });
    let payload = choice((
        list.delimited_by(just(OpenParen), just(CloseParen))
            .map(PatternFields::Tuple),
        record,
    ));
    let variant = upper_name()
        .separated_by(just(Dot))
        .at_least(1)
        .collect::<Vec<_>>()
        .then(payload.or_not())
        .map(|(path, fields)| PatternKind::Variant {
            path,
            fields: fields.unwrap_or(PatternFields::None),
        });

    let one = choice((wildcard, none, bind, variant, tuple, literal))
        .map_with(|kind, here| Pattern {
            kind,
            span: span_here(here),
        })
        .labelled(Expected::Pattern);
    one.separated_by(just(Bar))
        .at_least(1)
        .collect::<Vec<_>>()
        .map_with(|mut all, here| match all.len() {
            1 => all.remove(0),
            _ => Pattern {
                kind: PatternKind::Or(all),
                span: span_here(here),
            },
        })
        .boxed()
}
