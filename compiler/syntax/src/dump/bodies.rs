//! Statements, expressions and patterns as text, each on one line.

use super::{arguments, joined, optional, ty};
use crate::ast::*;

pub(super) fn statement(statement: &Statement) -> String {
    match &statement.kind {
        StatementKind::Let {
            mutable,
            pattern: bound,
            ty: of,
            value,
            otherwise,
        } => {
            let word = if *mutable { "var" } else { "let" };
            let of = optional(": ", of.as_ref().map(ty));
            let otherwise = optional(" else ", otherwise.as_deref().map(expr));
            format!("{word} {}{of} = {}{otherwise}", pattern(bound), expr(value))
        }
        StatementKind::Assign {
            target,
            operator,
            value,
            otherwise,
        } => {
            format!(
                "{} {}= {}{}",
                expr(target),
                operator.map_or("", BinaryOperator::sign),
                expr(value),
                optional(" otherwise ", otherwise.as_deref().map(expr))
            )
        }
        StatementKind::Ensure {
            condition,
            otherwise,
        } => format!("ensure {} else {}", expr(condition), expr(otherwise)),
        StatementKind::Fail { error } => format!("fail {}", expr(error)),
        StatementKind::Emit { event } => format!("emit {}", expr(event)),
        StatementKind::For {
            pattern: bound,
            source,
            limit,
            body,
        } => {
            let limit = optional(" max ", limit.as_ref().map(expr));
            format!(
                "for {} in {}{limit} {}",
                pattern(bound),
                expr(source),
                block(body)
            )
        }
        StatementKind::Return { value } => {
            format!("return{}", optional(" ", value.as_ref().map(expr)))
        }
        StatementKind::Break => "break".to_owned(),
        StatementKind::Continue => "continue".to_owned(),
        StatementKind::Expression(value) => expr(value),
        StatementKind::As { actors, body } => {
            let actors: Vec<String> = actors
                .iter()
                .map(|(name, argument)| match argument {
                    Some(argument) => format!("({} {})", name.text, expr(argument)),
                    None => name.text.to_string(),
                })
                .collect();
            format!("as {} {}", actors.join(" "), block(body))
        }
        StatementKind::Start { job, arguments } => {
            format!("start {}({})", job.text, exprs(arguments))
        }
        StatementKind::Step { job } => format!("step {}", job.text),
        StatementKind::Advance { duration } => format!("advance {}", expr(duration)),
        StatementKind::Assert { condition } => format!("assert {}", expr(condition)),
        StatementKind::Expect { failure, call } => {
            format!("expect {} from {}", expr(failure), expr(call))
        }
        StatementKind::Broken => "broken".to_owned(),
    }
}

fn block(body: &Block) -> String {
    let statements = body.statements.iter().map(statement);
    let value = body.value.iter().map(|value| format!("= {}", expr(value)));
    format!(
        "{{{}}}",
        statements.chain(value).collect::<Vec<_>>().join("; ")
    )
}

pub(super) fn exprs(values: &[Expr]) -> String {
    joined(values.iter().map(expr))
}

pub(super) fn inits(fields: &[FieldInit]) -> String {
    joined(fields.iter().map(|field| {
        format!(
            "{}{}",
            field.name.text,
            optional(": ", field.value.as_ref().map(expr))
        )
    }))
}

pub(super) fn expr(expression: &Expr) -> String {
    let end = |value: &Option<Box<Expr>>| optional(" ", value.as_deref().map(expr));
    match &expression.kind {
        ExprKind::Integer { value, suffix } => {
            format!("{value}{}", suffix.as_deref().unwrap_or(""))
        }
        ExprKind::Float(value) => format!("{value:?}"),
        ExprKind::String(text) => format!("{:?}", text.value),
        ExprKind::Bytes(bytes) => format!("bytes{bytes:?}"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::None => "none".to_owned(),
        ExprKind::Name {
            name,
            arguments: given,
        } => format!("{}{}", name.text, arguments(given)),
        ExprKind::Member { base, name } => format!("(. {} {})", expr(base), name.text),
        ExprKind::Version { base, version } => format!("(@ {} {version})", expr(base)),
        ExprKind::Call { callee, arguments } => {
            format!("(call {} ({}))", expr(callee), exprs(arguments))
        }
        ExprKind::Index { base, index } => format!("(index {} {})", expr(base), expr(index)),
        ExprKind::Record {
            qualifier,
            name,
            arguments: given,
            fields,
        } => {
            let qualifier = qualifier
                .as_ref()
                .map_or_else(String::new, |name| format!("{}.", name.text));
            let name = name.as_ref().map_or("", |name| &name.text);
            format!("{qualifier}{name}{}{{{}}}", arguments(given), inits(fields))
        }
        ExprKind::Tuple(values) => format!("(tuple {})", exprs(values)),
        ExprKind::List(values) => format!("[{}]", exprs(values)),
        ExprKind::Comprehension {
            value,
            pattern: bound,
            source,
            condition,
        } => {
            format!(
                "[{} for {} in {}{}]",
                expr(value),
                pattern(bound),
                expr(source),
                optional(" if ", condition.as_deref().map(expr))
            )
        }
        ExprKind::Unary {
            operator: UnaryOperator::Negate,
            operand,
        } => format!("(neg {})", expr(operand)),
        ExprKind::Unary {
            operator: UnaryOperator::Not,
            operand,
        } => format!("(not {})", expr(operand)),
        ExprKind::Binary {
            operator,
            left,
            right,
        } => format!("({} {} {})", operator.sign(), expr(left), expr(right)),
        ExprKind::Cast { value, ty: to } => format!("(as {} {})", expr(value), ty(to)),
        ExprKind::Range {
            start,
            end: to,
            inclusive,
        } => {
            format!(
                "(range{}{}{})",
                if *inclusive { "=" } else { "" },
                end(start),
                end(to)
            )
        }
        ExprKind::Bounded { source, take, max } => {
            let take = optional(" take ", take.as_deref().map(expr));
            format!(
                "({}{take}{})",
                expr(source),
                optional(" max ", max.as_deref().map(expr))
            )
        }
        ExprKind::If {
            condition,
            then,
            otherwise,
        } => {
            format!(
                "(if {} {}{})",
                expr(condition),
                block(then),
                optional(" else ", otherwise.as_deref().map(expr))
            )
        }
        ExprKind::IfLet {
            pattern: bound,
            value,
            then,
            otherwise,
        } => {
            let otherwise = optional(" else ", otherwise.as_deref().map(expr));
            format!(
                "(if let {} = {} {}{otherwise})",
                pattern(bound),
                expr(value),
                block(then)
            )
        }
        ExprKind::Match { value, arms } => {
            let arm = |arm: &MatchArm| {
                let guard = optional(" if ", arm.guard.as_ref().map(expr));
                format!("{}{guard} => {}", pattern(&arm.pattern), expr(&arm.body))
            };
            format!(
                "(match {} {{{}}})",
                expr(value),
                joined(arms.iter().map(arm))
            )
        }
        ExprKind::Block(body) => block(body),
        ExprKind::Attempt(call) => format!("(attempt {})", expr(call)),
        ExprKind::Fail(error) => format!("(fail {})", expr(error)),
        ExprKind::Return(value) => format!("(return{})", end(value)),
        ExprKind::Break => "break".to_owned(),
        ExprKind::Continue => "continue".to_owned(),
        ExprKind::Touch {
            mutable,
            region,
            page,
        } => {
            format!(
                "(touch{} {} {})",
                if *mutable { " mut" } else { "" },
                expr(region),
                expr(page)
            )
        }
        ExprKind::Broken => "broken".to_owned(),
    }
}

fn pattern(pattern_: &Pattern) -> String {
    let list = |patterns: &[Pattern]| joined(patterns.iter().map(pattern));
    match &pattern_.kind {
        PatternKind::Wildcard => "_".to_owned(),
        PatternKind::Bind(name) => name.text.to_string(),
        PatternKind::Literal(value) => expr(value),
        PatternKind::None => "none".to_owned(),
        PatternKind::Variant { path, fields } => {
            let path = path
                .iter()
                .map(|name| &*name.text)
                .collect::<Vec<_>>()
                .join(".");
            match fields {
                PatternFields::None => path,
                PatternFields::Tuple(patterns) => format!("{path}({})", list(patterns)),
                PatternFields::Record { fields, rest } => {
                    let one = |(name, inner): &(Name, Option<Pattern>)| {
                        format!(
                            "{}{}",
                            name.text,
                            optional(": ", inner.as_ref().map(pattern))
                        )
                    };
                    format!(
                        "{path}{{{}{}}}",
                        joined(fields.iter().map(one)),
                        if *rest { ".." } else { "" }
                    )
                }
            }
        }
        PatternKind::Tuple(patterns) => format!("({})", list(patterns)),
        PatternKind::Or(patterns) => {
            let all: Vec<String> = patterns.iter().map(pattern).collect();
            format!("(or {})", all.join(" "))
        }
        PatternKind::Broken => "broken".to_owned(),
    }
}
