//! Types: `u64`, `list<T, N>`, `T?`, `(A, B)`, `ref Account`, `[K; N]`. An argument is a type where it can
//! be read as one, else a constant expression without comparisons (`>` ends the list).

use super::*;
use crate::ast::{BinaryOperator, ExprKind, Generic, TypeArgument, TypeKind};
use chumsky::pratt::{infix, left};

pub(super) fn ty(rules: &Rules) -> Rule<Type> {
    use TokenKind::*;
    let ty = rules.ty.clone();

    let reference = just(Ref).ignore_then(upper_name()).map(TypeKind::Ref);
    let named = name().then(arguments(rules).or_not()).map(|(name, arguments)| TypeKind::Named {
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
        .foldl_with(just(Question).repeated(), |inner, _, here| type_node(TypeKind::Optional(Box::new(inner)), here))
        .labelled(Expected::Type)
        .boxed()
}

fn type_node(kind: TypeKind, here: &mut Here<'_>) -> Type {
    Type { kind, span: span_here(here) }
}

/// `<u64, 100>`
pub(super) fn arguments(rules: &Rules) -> Rule<Vec<TypeArgument>> {
    use TokenKind::*;
    let is_type = rules.ty.clone().then_ignore(ahead([Comma, Greater])).map(TypeArgument::Type);
    let argument = choice((is_type, constant(rules).map(TypeArgument::Const)));
    argument
        .separated_by(just(Comma))
        .at_least(1)
        .allow_trailing()
        .collect()
        .delimited_by(just(Less), just(Greater))
        .boxed()
}

/// A constant in an argument: numbers, names, calls and arithmetic.
fn constant(rules: &Rules) -> Rule<Expr> {
    use TokenKind::*;
    let number = expressions::number();
    let call = rules.expression.clone().separated_by(just(Comma)).collect::<Vec<_>>().delimited_by(just(OpenParen), just(CloseParen));
    let named = name()
        .then(arguments_of_constant(rules).or_not())
        .map_with(|(name, arguments), here| Expr {
            kind: ExprKind::Name { name, arguments: arguments.unwrap_or_default() },
            span: span_here(here),
        })
        .foldl_with(call.repeated(), |callee, arguments, here| Expr {
            kind: ExprKind::Call { callee: Box::new(callee), arguments },
            span: span_here(here),
        });
    let group = rules.expression.clone().delimited_by(just(OpenParen), just(CloseParen));
    let sum = select! { Plus => BinaryOperator::Add, Minus => BinaryOperator::Subtract };
    let product = select! { Star => BinaryOperator::Multiply, Slash => BinaryOperator::Divide, Percent => BinaryOperator::Remainder };
    choice((number, named, group))
        .pratt((
            infix(left(2), product, |left, operator, right, here: &mut _| expressions::binary(left, operator, right, here)),
            infix(left(1), sum, |left, operator, right, here: &mut _| expressions::binary(left, operator, right, here)),
        ))
        .boxed()
}

/// `<K, R>` of a constant's name, itself read lazily.
fn arguments_of_constant(rules: &Rules) -> Rule<Vec<TypeArgument>> {
    use TokenKind::*;
    rules
        .ty
        .clone()
        .map(TypeArgument::Type)
        .separated_by(just(Comma))
        .at_least(1)
        .collect()
        .delimited_by(just(Less), just(Greater))
        .boxed()
}

/// `<K: Ordered, R>` of a declaration; empty when there is none.
pub(super) fn generics() -> Rule<Vec<Generic>> {
    use TokenKind::*;
    let generic = name().then(just(Colon).ignore_then(name()).or_not()).map(|(name, bound)| Generic { name, bound });
    generic
        .separated_by(just(Comma))
        .at_least(1)
        .allow_trailing()
        .collect()
        .delimited_by(just(Less), just(Greater))
        .or_not()
        .map(Option::unwrap_or_default)
        .boxed()
}
