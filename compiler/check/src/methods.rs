//! Methods of the built-in types, and `min`, `max`, `abs` as functions.

use crate::body::{Body, error, make};
use crate::names::nearest;
use crate::values::{are, count};
use rc_bytecode::instr::{BinaryOp, Scalar, UnaryOp};
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, Method, Type};
use rc_source::Span;
use rc_syntax::ast;

/// All method names, for hints.
const METHODS: &[&str] = &[
    "len",
    "push",
    "pop",
    "contains",
    "first",
    "last",
    "is_empty",
    "insert_at",
    "remove_at",
    "clear",
    "starts_with",
    "ends_with",
    "slice",
    "concat",
    "to_string",
    "is_some",
    "is_none",
    "min",
    "max",
    "abs",
    "try_into",
    "wrapping_add",
    "wrapping_sub",
    "wrapping_mul",
    "saturating_add",
    "saturating_sub",
    "saturating_mul",
    "trailing_zeros",
    "leading_zeros",
    "count_ones",
    "swap_bytes",
    "nanoseconds",
    "times",
    "divide",
    "round",
    "square_root",
    "insert",
    "put",
    "get",
    "remove",
    "peek",
    "take",
];

pub(crate) fn is_method(name: &str) -> bool {
    METHODS.contains(&name)
}

fn binary_method(name: &str) -> Option<BinaryOp> {
    Some(match name {
        "min" => BinaryOp::Min,
        "max" => BinaryOp::Max,
        "wrapping_add" => BinaryOp::WrappingAdd,
        "wrapping_sub" => BinaryOp::WrappingSub,
        "wrapping_mul" => BinaryOp::WrappingMul,
        "saturating_add" => BinaryOp::SaturatingAdd,
        "saturating_sub" => BinaryOp::SaturatingSub,
        "saturating_mul" => BinaryOp::SaturatingMul,
        _ => return None,
    })
}

fn unary_method(name: &str) -> Option<UnaryOp> {
    Some(match name {
        "abs" => UnaryOp::Abs,
        "trailing_zeros" => UnaryOp::TrailingZeros,
        "leading_zeros" => UnaryOp::LeadingZeros,
        "count_ones" => UnaryOp::CountOnes,
        "swap_bytes" => UnaryOp::ByteSwap,
        "square_root" => UnaryOp::SquareRoot,
        _ => return None,
    })
}

impl Body<'_, '_> {
    pub fn method(
        &mut self,
        base: &ast::Expr,
        name: &ast::Name,
        arguments: &[ast::Expr],
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        if let ast::ExprKind::Name {
            name: base,
            arguments: types,
        } = &base.kind
            && types.is_empty()
            && let Some(made) = self.made_by_type(base, name, arguments, span)
        {
            return made;
        }
        // A literal receiver takes the expected type, as in `5.min(x)`.
        let wish = crate::operators::is_flexible(base)
            .then_some(expected)
            .flatten();
        let receiver = self.receiver(base, wish);
        if receiver.ty == Type::Error {
            return self.skip(arguments, span);
        }
        if let Type::Container(id) = receiver.ty {
            return self.container_method(id, receiver, name, arguments, span);
        }
        if let Some(element) = self.place_method(&receiver, name, arguments, span) {
            return element;
        }
        let receiver = self.read(receiver);
        if let Type::Sorted(kind, element, count) = &receiver.ty
            && &*name.text != "try_into"
        {
            let of = (*kind, (**element).clone(), count.clone());
            return self.sorted_method(of, receiver, name, arguments, span);
        }
        match (&receiver.ty, &*name.text) {
            (_, "try_into") => {
                self.takes(name, arguments, 0, span);
                self.try_into(receiver, expected, span)
            }
            (Type::Decimal { .. }, "times" | "divide" | "round")
            | (Type::Scalar(Scalar::F64), "round") => {
                self.rounded(receiver, name, arguments, expected, span)
            }
            (Type::Scalar(scalar), word) => match (binary_method(word), unary_method(word)) {
                (Some(op), _)
                    if scalar.is_integer()
                        || *scalar == Scalar::F64
                            && matches!(op, BinaryOp::Min | BinaryOp::Max) =>
                {
                    if !self.takes(name, arguments, 1, span) {
                        return error(span);
                    }
                    let ty = receiver.ty.clone();
                    let argument = self.expr_of(&arguments[0], &ty);
                    make(
                        ExprKind::Binary {
                            op,
                            left: Box::new(receiver),
                            right: Box::new(argument),
                        },
                        ty,
                        span,
                    )
                }
                (_, Some(op)) if fits_unary(op, *scalar) => {
                    self.takes(name, arguments, 0, span);
                    let ty = receiver.ty.clone();
                    make(
                        ExprKind::Unary {
                            op,
                            operand: Box::new(receiver),
                        },
                        ty,
                        span,
                    )
                }
                _ if word == "to_string" && scalar.is_integer() => {
                    let ty = Type::String(hir::Count::Known(digits_max(*scalar)));
                    self.simple(Method::ToText, receiver, name, arguments, ty, span)
                }
                _ => self.no_method(&receiver, name, arguments, span),
            },
            (Type::List(element, _), word) => {
                let element = (**element).clone();
                self.list_method(receiver, element, word, name, arguments, span)
            }
            (Type::String(_) | Type::Bytes(_), "len") => {
                self.simple(Method::Length, receiver, name, arguments, Type::U64, span)
            }
            (Type::String(_) | Type::Bytes(_), "is_empty") => {
                self.simple(Method::IsEmpty, receiver, name, arguments, Type::BOOL, span)
            }
            (Type::String(_), "starts_with") => {
                self.finding(Method::StartsWith, receiver, name, arguments, span)
            }
            (Type::String(_), "ends_with") => {
                self.finding(Method::EndsWith, receiver, name, arguments, span)
            }
            (Type::String(_), "contains") => {
                self.finding(Method::Contains, receiver, name, arguments, span)
            }
            (Type::String(_) | Type::Bytes(_), "slice") => {
                if !self.takes(name, arguments, 2, span) {
                    return error(span);
                }
                let ty = receiver.ty.clone();
                let mut ends = Vec::new();
                for argument in arguments {
                    let end = self.expr(argument, Some(&Type::U64));
                    ends.push(self.as_u64(end));
                }
                if ends.iter().any(|end| end.ty == Type::Error) {
                    return error(span);
                }
                make(
                    ExprKind::Method {
                        method: Method::Slice,
                        receiver: Box::new(receiver),
                        arguments: ends,
                    },
                    ty,
                    span,
                )
            }
            (Type::String(own), "concat") => {
                if !self.takes(name, arguments, 1, span) {
                    return error(span);
                }
                let own = own.clone();
                let argument = self.expr(&arguments[0], None);
                let ty = match (expected.map(crate::body::peeled), &own, &argument.ty) {
                    (_, _, Type::Error) => return error(span),
                    (Some(ty @ Type::String(_)), _, Type::String(_)) => ty.clone(),
                    (_, hir::Count::Known(a), Type::String(hir::Count::Known(b))) => {
                        Type::String(hir::Count::Known(a + b))
                    }
                    (_, _, other) => {
                        let shown = self.show(other);
                        self.world.error(
                            codes::TYPE_MISMATCH,
                            argument.span,
                            format!("expected a string, found `{shown}`"),
                        );
                        return error(span);
                    }
                };
                make(
                    ExprKind::Method {
                        method: Method::Concat,
                        receiver: Box::new(receiver),
                        arguments: vec![argument],
                    },
                    ty,
                    span,
                )
            }
            (Type::Optional(_), "is_some") => {
                self.simple(Method::IsSome, receiver, name, arguments, Type::BOOL, span)
            }
            (Type::Optional(_), "is_none") => {
                self.simple(Method::IsNone, receiver, name, arguments, Type::BOOL, span)
            }
            (Type::Time | Type::Duration, "nanoseconds") => self.simple(
                Method::Nanoseconds,
                receiver,
                name,
                arguments,
                Type::Scalar(Scalar::I64),
                span,
            ),
            (Type::Duration | Type::Decimal { .. }, "abs") => {
                self.takes(name, arguments, 0, span);
                let ty = receiver.ty.clone();
                make(
                    ExprKind::Unary {
                        op: UnaryOp::Abs,
                        operand: Box::new(receiver),
                    },
                    ty,
                    span,
                )
            }
            (Type::Duration | Type::Time | Type::Decimal { .. }, "min" | "max") => {
                if !self.takes(name, arguments, 1, span) {
                    return error(span);
                }
                let ty = receiver.ty.clone();
                let op = if &*name.text == "min" {
                    BinaryOp::Min
                } else {
                    BinaryOp::Max
                };
                let argument = self.expr_of(&arguments[0], &ty);
                make(
                    ExprKind::Binary {
                        op,
                        left: Box::new(receiver),
                        right: Box::new(argument),
                    },
                    ty,
                    span,
                )
            }
            _ => self.no_method(&receiver, name, arguments, span),
        }
    }

    /// `starts_with`, `ends_with` and `contains` of strings.
    fn finding(
        &mut self,
        method: Method,
        receiver: hir::Expr,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> hir::Expr {
        if !self.takes(name, arguments, 1, span) {
            return error(span);
        }
        let argument = self.expr(&arguments[0], None);
        match &argument.ty {
            Type::Error => return error(span),
            Type::String(_) => {}
            other => {
                let shown = self.show(other);
                self.world.error(
                    codes::TYPE_MISMATCH,
                    argument.span,
                    format!("expected a string, found `{shown}`"),
                );
                return error(span);
            }
        }
        make(
            ExprKind::Method {
                method,
                receiver: Box::new(receiver),
                arguments: vec![argument],
            },
            Type::BOOL,
            span,
        )
    }

    fn simple(
        &mut self,
        method: Method,
        receiver: hir::Expr,
        name: &ast::Name,
        arguments: &[ast::Expr],
        ty: Type,
        span: Span,
    ) -> hir::Expr {
        self.takes(name, arguments, 0, span);
        make(
            ExprKind::Method {
                method,
                receiver: Box::new(receiver),
                arguments: Vec::new(),
            },
            ty,
            span,
        )
    }

    fn list_method(
        &mut self,
        receiver: hir::Expr,
        element: Type,
        word: &str,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> hir::Expr {
        let (method, ty, wanted) = match word {
            "len" => (Method::Length, Type::U64, 0),
            "is_empty" => (Method::IsEmpty, Type::BOOL, 0),
            "push" => (Method::Push, Type::Unit, 1),
            "pop" => (Method::Pop, element.clone().optional(), 0),
            "first" => (Method::First, element.clone().optional(), 0),
            "last" => (Method::Last, element.clone().optional(), 0),
            "contains" => (Method::Contains, Type::BOOL, 1),
            "insert_at" => (Method::InsertAt, Type::Unit, 2),
            "remove_at" => (Method::RemoveAt, element.clone(), 1),
            "clear" => (Method::Clear, Type::Unit, 0),
            _ => return self.no_method(&receiver, name, arguments, span),
        };
        if !self.takes(name, arguments, wanted, span) {
            return error(span);
        }
        if method.changes() && !self.assignable(&receiver) {
            return self.skip(arguments, span);
        }
        let mut checked = Vec::new();
        for (number, argument) in arguments.iter().enumerate() {
            let is_index = matches!(method, Method::InsertAt | Method::RemoveAt) && number == 0;
            checked.push(if is_index {
                let index = self.expr(argument, Some(&Type::U64));
                self.as_u64(index)
            } else {
                self.expr_of(argument, &element)
            });
        }
        if checked.iter().any(|argument| argument.ty == Type::Error) {
            return error(span);
        }
        make(
            ExprKind::Method {
                method,
                receiver: Box::new(receiver),
                arguments: checked,
            },
            ty,
            span,
        )
    }

    /// Whether the number of arguments is right; says so where not.
    pub fn takes(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Expr],
        wanted: usize,
        span: Span,
    ) -> bool {
        if arguments.len() != wanted {
            self.world.error(
                codes::WRONG_ARGUMENT_COUNT,
                span,
                format!(
                    "`{}` takes {}, {} given",
                    name.text,
                    count(wanted, "argument"),
                    are(arguments.len())
                ),
            );
            self.skip(arguments, span);
        }
        arguments.len() == wanted
    }

    pub fn no_method(
        &mut self,
        receiver: &hir::Expr,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> hir::Expr {
        self.skip(arguments, span);
        if let (Type::Optional(inner), false) = (
            &receiver.ty,
            matches!(&*name.text, "unwrap" | "expect" | "unwrap_or"),
        ) {
            let (text, inner) = (self.world.text_of(receiver.span), self.show(inner));
            self.world
                .error(
                    codes::MAY_BE_NONE,
                    receiver.span,
                    format!(
                        "this may be `none`, so `{}` cannot be called on it",
                        name.text
                    ),
                )
                .label(format!("`{inner}?`"))
                .hint(format!("let x = {text} else …"));
            return error(span);
        }
        let text = self.world.text_of(receiver.span);
        let hint = match (&receiver.ty, &*name.text) {
            (Type::Optional(_), "unwrap" | "expect") => {
                Some(format!("let x = {text} else fail SomeError"))
            }
            (Type::Optional(_), "unwrap_or") => Some(format!("{text} ?? default")),
            (Type::List(..), "insert") => Some("push(x), or insert_at(i, x)".into()),
            (Type::List(..), "remove") => Some("remove_at(i)".into()),
            (Type::String(_), "substring" | "substr") => Some("slice(from, to)".into()),
            (Type::Scalar(scalar), "to_text" | "text" | "string" | "toString" | "str")
                if scalar.is_integer() =>
            {
                Some("to_string()".into())
            }
            _ => None,
        };
        let foreign = crate::foreign::method(&name.text).filter(|_| hint.is_none());
        let near = nearest(&name.text, METHODS.iter().copied())
            .filter(|_| hint.is_none() && foreign.is_none());
        let shown = self.show(&receiver.ty);
        let note = self
            .world
            .error(
                codes::UNKNOWN_METHOD,
                name.span,
                format!("`{shown}` has no operation `{}`", name.text),
            )
            .label("not known here")
            .hint_if(hint);
        match foreign {
            Some(foreign) => drop(note.instead(name.span, foreign)),
            None => drop(note.meant(name.span, near)),
        }
        error(span)
    }

    /// Functions that are always there: `min(a, b)`, `max(a, b)`, `abs(a)`, and the low-level ones.
    pub fn built_in(
        &mut self,
        name: &ast::Name,
        types: &[ast::TypeArgument],
        arguments: &[ast::Expr],
        expected: Option<&Type>,
        span: Span,
    ) -> Option<hir::Expr> {
        match &*name.text {
            "min" | "max" => {
                if !self.takes(name, arguments, 2, span) {
                    return Some(error(span));
                }
                let [left, right] = arguments else {
                    return Some(error(span));
                };
                let (first, second) = if crate::operators::is_flexible(left) {
                    (right, left)
                } else {
                    (left, right)
                };
                let wish = expected
                    .map(crate::body::peeled)
                    .filter(|ty| matches!(ty, Type::Scalar(_) | Type::Decimal { .. }));
                let one = self.expr(first, wish);
                let one = self.read(one);
                let fits = matches!(&one.ty, Type::Scalar(scalar) if *scalar != Scalar::Bool)
                    || matches!(one.ty, Type::Time | Type::Duration | Type::Decimal { .. });
                if !fits {
                    if one.ty != Type::Error {
                        let shown = self.show(&one.ty);
                        self.world.error(
                            codes::BAD_OPERANDS,
                            one.span,
                            format!("`{}` does not take `{shown}`", name.text),
                        );
                    }
                    return Some(error(span));
                }
                let ty = one.ty.clone();
                let other = self.expr_of(second, &ty);
                if other.ty == Type::Error {
                    return Some(error(span));
                }
                let (left, right) = if std::ptr::eq(first, left) {
                    (one, other)
                } else {
                    (other, one)
                };
                let op = if &*name.text == "min" {
                    BinaryOp::Min
                } else {
                    BinaryOp::Max
                };
                Some(make(
                    ExprKind::Binary {
                        op,
                        left: Box::new(left),
                        right: Box::new(right),
                    },
                    ty,
                    span,
                ))
            }
            "abs" => {
                if !self.takes(name, arguments, 1, span) {
                    return Some(error(span));
                }
                let operand = self.expr(&arguments[0], expected);
                let operand = self.read(operand);
                let fits = matches!(&operand.ty, Type::Scalar(scalar) if fits_unary(UnaryOp::Abs, *scalar))
                    || matches!(operand.ty, Type::Duration | Type::Decimal { .. });
                if !fits {
                    if operand.ty != Type::Error {
                        let shown = self.show(&operand.ty);
                        self.world.error(
                            codes::BAD_OPERANDS,
                            span,
                            format!("`abs` does not take `{shown}`"),
                        );
                    }
                    return Some(error(span));
                }
                let ty = operand.ty.clone();
                Some(make(
                    ExprKind::Unary {
                        op: UnaryOp::Abs,
                        operand: Box::new(operand),
                    },
                    ty,
                    span,
                ))
            }
            "set" | "map" | "priority_queue" if !self.is_std() => {
                self.new_sorted(name, types, arguments, expected, span)
            }
            "uuid" => Some(self.uuid_literal(name, arguments, span)),
            "hash" if !self.is_std() => Some(self.content_hash(name, arguments, span)),
            _ => self.low_level_call(name, types, arguments, expected, span),
        }
    }
}

fn fits_unary(op: UnaryOp, scalar: Scalar) -> bool {
    match op {
        UnaryOp::Abs => scalar.is_signed() || scalar == Scalar::F64,
        UnaryOp::ByteSwap => scalar.is_integer(),
        UnaryOp::SquareRoot => scalar == Scalar::F64,
        _ => scalar.is_integer() && !scalar.is_signed(),
    }
}

/// Bytes of the longest number of this type in decimal digits, its `-` included.
fn digits_max(scalar: Scalar) -> u64 {
    match scalar {
        Scalar::U8 => 3,
        Scalar::I8 => 4,
        Scalar::U16 => 5,
        Scalar::I16 => 6,
        Scalar::U32 => 10,
        Scalar::I32 => 11,
        Scalar::U64 | Scalar::I64 => 20,
        Scalar::U128 => 39,
        _ => 40,
    }
}
