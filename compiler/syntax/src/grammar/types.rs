//! Types: `u64`, `list<T, N>`, `T?`, `(A, B)`, `ref Account`, `[K; N]`. An argument is a type or a constant
//! without comparisons; a look at its tokens tells which, so nothing is read twice.

use super::*;
use crate::ast::{BinaryOperator, ExprKind, Generic, TypeArgument, TypeKind};
use chumsky::pratt::{infix, left};

pub(super) fn ty(rules: &Rules) -> Rule<Type> {
    use TokenKind::*;
    let ty = rules.ty.clone();

    let reference = just(Ref).ignore_then(upper_name()).map(TypeKind::Ref);
    let named = name()
        .then(rules.arguments.clone().or_not())
        .map(|(name, arguments)| TypeKind::Named {
            name,
            arguments: arguments.unwrap_or_default(),
        });
    let tuple = ty
        .clone()
        .separated_by(just(Comma))
        .allow_trailing()
        .collect::<Vec<_>>()
        .then(just(Comma).or_not())
        .delimited_by(just(OpenParen), just(CloseParen))
        .map(|(mut types, _)| match types.pop() {
            Some(only) if types.is_empty() => only.kind,
            Some(last) => {
                types.push(last);
                TypeKind::Tuple(types)
            }
            Option::None => TypeKind::Tuple(types),
        });
    let array = ty
        .then_ignore(just(Semicolon))
        .then(rules.expression.clone())
        .delimited_by(just(OpenBracket), just(CloseBracket))
        .map(|(element, length)| TypeKind::Array(Box::new(element), Box::new(length)));

    choice((reference, named, tuple, array))
        .map_with(type_node)
        .foldl_with(just(Question).repeated(), |inner, _, here| {
            type_node(TypeKind::Optional(Box::new(inner)), here)
        })
        .labelled(Expected::Type)
        .boxed()
}

fn type_node(kind: TypeKind, here: &mut Here<'_>) -> Type {
    Type {
        kind,
        span: span_here(here),
    }
}

/// `<u64, 100>`
pub(super) fn arguments(rules: &Rules) -> Rule<Vec<TypeArgument>> {
    use TokenKind::*;
    // What an argument is shows before it is read: trying both would double the work at each level.
    let constant = looks_constant(true)
        .ignore_then(constant(rules))
        .map(TypeArgument::Const);
    let ty = looks_constant(false)
        .ignore_then(rules.ty.clone())
        .map(TypeArgument::Type);
    choice((ty, constant))
        .separated_by(just(Comma))
        .at_least(1)
        .allow_trailing()
        .collect()
        .delimited_by(just(OpenAngle), just(CloseAngle))
        .boxed()
}

/// Looks ahead: an argument is a constant when it begins with a number, holds one or an operator in its
/// own parentheses, or when an operator or a call follows its first part.
fn looks_constant(wanted: bool) -> impl Parser<'static, Tokens, (), Extra> + Clone {
    use TokenKind::*;
    let is_operator = |kind: TokenKind| matches!(kind, Plus | Minus | Star | Slash | Percent);
    custom(
        move |input: &mut chumsky::input::InputRef<'static, '_, Tokens, Extra>| {
            let start = input.save();
            let at = *start.cursor().inner();
            let first = input.next();
            let (mut depth, mut angles) = (0usize, 0usize);
            let mut constant = matches!(first, Some(Number | Minus));
            let mut current = first;
            while let Some(kind) = current.filter(|_| !constant) {
                match kind {
                    OpenParen | OpenBracket => depth += 1,
                    CloseParen | CloseBracket => depth = depth.saturating_sub(1),
                    OpenAngle => angles += 1,
                    CloseAngle => angles = angles.saturating_sub(1),
                    kind if first == Some(OpenParen) && depth == 1 && angles == 0 => {
                        constant = kind == Number || is_operator(kind)
                    }
                    _ => {}
                }
                current = input.next();
                if depth == 0 && angles == 0 && current != Some(OpenAngle) {
                    constant |= current.is_some_and(|kind| kind == OpenParen || is_operator(kind));
                    break;
                }
            }
            input.rewind(start);
            if constant == wanted {
                Ok(())
            } else {
                Err(SyntaxError {
                    found: first,
                    ..SyntaxError::at(at)
                })
            }
        },
    )
}

/// Looks ahead: type arguments, and the `{` of a record right after them. Without it each level of nested arguments would
/// be read twice, once as a record's and once as a name's.
pub(super) fn record_follows_arguments() -> impl Parser<'static, Tokens, (), Extra> + Clone {
    use TokenKind::*;
    custom(
        |input: &mut chumsky::input::InputRef<'static, '_, Tokens, Extra>| {
            let start = input.save();
            let at = *start.cursor().inner();
            let first = input.next();
            let mut angles = usize::from(first == Some(OpenAngle));
            while angles > 0 {
                match input.next() {
                    Some(OpenAngle) => angles += 1,
                    Some(CloseAngle) => angles -= 1,
                    Some(_) => {}
                    Option::None => break,
                }
            }
            let follows = first == Some(OpenAngle) && input.next() == Some(OpenBrace);
            input.rewind(start);
            if follows {
                Ok(())
            } else {
                Err(SyntaxError {
                    found: first,
                    ..SyntaxError::at(at)
                })
            }
        },
    )
}

/// A constant in an argument: numbers, names, calls and arithmetic.
fn constant(rules: &Rules) -> Rule<Expr> {
    use TokenKind::*;
    let number = expressions::number();
    let call = rules
        .expression
        .clone()
        .separated_by(just(Comma))
        .collect::<Vec<_>>()
        .delimited_by(just(OpenParen), just(CloseParen));
    let named = name()
        .then(rules.arguments.clone().or_not())
        .map_with(|(name, arguments), here| Expr {
            kind: ExprKind::Name {
                name,
                arguments: arguments.unwrap_or_default(),
            },
            span: span_here(here),
        })
        .foldl_with(call.repeated(), |callee, arguments, here| Expr {
            kind: ExprKind::Call {
                callee: Box::new(callee),
                arguments,
            },
            span: span_here(here),
        });
    let group = rules
        .expression
        .clone()
        .delimited_by(just(OpenParen), just(CloseParen));
    let sum = select! { Plus => BinaryOperator::Add, Minus => BinaryOperator::Subtract };
    let product = select! { Star => BinaryOperator::Multiply, Slash => BinaryOperator::Divide, Percent => BinaryOperator::Remainder };
    choice((number, named, group))
        .pratt((
            infix(left(2), product, |left, operator, right, here: &mut _| {
                expressions::binary(left, operator, right, here)
            }),
            infix(left(1), sum, |left, operator, right, here: &mut _| {
                expressions::binary(left, operator, right, here)
            }),
        ))
        .labelled(Expected::Type)
        .boxed()
}

/// `<K: Ordered, R>` of a declaration; empty when there is none.
pub(super) fn generics() -> Rule<Vec<Generic>> {
    use TokenKind::*;
    let generic = name()
        .then(just(Colon).ignore_then(name()).or_not())
        .map(|(name, bound)| Generic { name, bound });
    generic
        .separated_by(just(Comma))
        .at_least(1)
        .allow_trailing()
        .collect()
        .delimited_by(just(OpenAngle), just(CloseAngle))
        .or_not()
        .map(Option::unwrap_or_default)
        .boxed()
}
