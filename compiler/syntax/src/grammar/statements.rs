//! Blocks and statements. Always true: a statement ends at a newline or at its block's end; one that
//! cannot be read is skipped to there, whole brackets at a time, and becomes `Broken`.

use super::*;
use crate::ast::{BinaryOperator, ExprKind, Statement, StatementKind};

pub(super) fn block(rules: &Rules) -> Rule<Block> {
    use TokenKind::*;
    let ended = statement(rules).then_ignore(ahead([Newline, CloseBrace]));
    let broken = skip_until([Newline]).to(StatementKind::Broken);
    ended
        .recover_with(via_parser(broken))
        .map_with(|kind, here| Statement {
            kind,
            span: span_here(here),
        })
        .separated_by(one_of([Newline, OuterDoc]).repeated().at_least(1))
        .allow_leading()
        .allow_trailing()
        .collect::<Vec<_>>()
        .delimited_by(just(OpenBrace), just(CloseBrace))
        .map_with(|mut statements, here| {
            let value = match statements.pop() {
                Some(Statement {
                    kind: StatementKind::Expression(value),
                    ..
                }) => Some(Box::new(value)),
                Some(other) => {
                    statements.push(other);
                    Option::None
                }
                Option::None => Option::None,
            };
            Block {
                statements,
                value,
                span: span_here(here),
            }
        })
        .boxed()
}

fn statement(rules: &Rules) -> Rule<StatementKind> {
    use TokenKind::*;
    let expression = rules.expression.clone();

    let binding = choice((just(Let).to(false), just(Var).to(true)))
        .then(rules.pattern.clone())
        .then(just(Colon).ignore_then(rules.ty.clone()).or_not())
        .then_ignore(just(Equal))
        .then(expression.clone())
        .then(just(Else).ignore_then(expression.clone()).or_not())
        .map(
            |((((mutable, pattern), ty), value), otherwise)| StatementKind::Let {
                mutable,
                pattern,
                ty,
                value,
                otherwise: otherwise.map(Box::new),
            },
        );
    let ensure = just(Ensure)
        .ignore_then(expression.clone())
        .then_ignore(just(Else))
        .then(expression.clone())
        .map(|(condition, otherwise)| StatementKind::Ensure {
            condition,
            otherwise,
        });
    let fail = just(Fail)
        .ignore_then(expression.clone())
        .map(|error| StatementKind::Fail { error });
    let emit = just(Emit)
        .ignore_then(expression.clone())
        .map(|event| StatementKind::Emit { event });
    let walk = just(For)
        .ignore_then(rules.pattern.clone())
        .then_ignore(just(In))
        .then(control::bounded(rules.head.clone()))
        .then(rules.block.clone())
        .map(|((pattern, source), body)| StatementKind::For {
            pattern,
            source,
            limit: Option::None,
            body,
        });
    let give_back = just(Return)
        .ignore_then(expression.clone().or_not())
        .map(|value| StatementKind::Return { value });
    let jump = select! { Break => StatementKind::Break, Continue => StatementKind::Continue };
    let acting = just(As)
        .ignore_then(
            name()
                .then(
                    expression
                        .clone()
                        .delimited_by(just(OpenParen), just(CloseParen))
                        .or_not(),
                )
                .separated_by(just(Comma))
                .at_least(1)
                .collect(),
        )
        .then(rules.block.clone())
        .map(|(actors, body)| StatementKind::As { actors, body });
    let assert = just(Assert)
        .ignore_then(expression.clone())
        .map(|condition| StatementKind::Assert { condition });
    let advance = just(Advance)
        .then_ignore(
            // `advance - x` would compute with a name: a number after the sign says what is meant.
            choice((
                one_of([Number, Name]).ignored(),
                just(Minus).then(just(Number)).ignored(),
            ))
            .rewind(),
        )
        .ignore_then(expression.clone())
        .map(|duration| StatementKind::Advance { duration });
    let expect = just(Expect)
        .then_ignore(ahead([TypeName]))
        .ignore_then(expression.clone())
        .then_ignore(just(From))
        .then(expression.clone())
        .map(|(failure, call)| StatementKind::Expect { failure, call });

    let begin = just(Start)
        .ignore_then(name())
        .then(
            expression
                .clone()
                .separated_by(just(Comma))
                .allow_trailing()
                .collect()
                .delimited_by(just(OpenParen), just(CloseParen)),
        )
        .map(|(job, arguments)| StatementKind::Start { job, arguments });
    let one_step = just(Step)
        .ignore_then(name())
        .map(|job| StatementKind::Step { job });

    choice((
        binding,
        ensure,
        fail,
        emit,
        walk,
        give_back,
        jump,
        acting,
        assert,
        advance,
        expect,
        begin,
        one_step,
        plain(rules),
    ))
    .labelled(Expected::Statement)
    .boxed()
}

/// An expression, or an assignment to it.
fn plain(rules: &Rules) -> Rule<StatementKind> {
    use BinaryOperator as Op;
    use TokenKind::*;
    let sign = select! {
        PlusEqual => Some(Op::Add),
        MinusEqual => Some(Op::Subtract),
        StarEqual => Some(Op::Multiply),
        SlashEqual => Some(Op::Divide),
        PercentEqual => Some(Op::Remainder),
    };
    let expression = rules.expression.clone();
    // Selected, so that a message about something else does not propose them.
    let content = select! { Else => () }
        .ignore_then(expression.clone())
        .or_not();
    let whole = select! { Equal => Option::None }
        .then(expression.clone())
        .then(content);
    let changed = sign
        .then(expression.clone())
        .map(|assigned| (assigned, Option::None));
    expression
        .then(choice((whole, changed)).or_not())
        .map(|(target, assigned)| match assigned {
            Some(((operator, value), otherwise)) => StatementKind::Assign {
                target,
                operator,
                value,
                otherwise: otherwise.map(Box::new),
            },
            Option::None => plain_statement(target),
        })
        .boxed()
}

fn plain_statement(value: Expr) -> StatementKind {
    match value.kind {
        ExprKind::Broken => StatementKind::Broken,
        _ => StatementKind::Expression(value),
    }
}
