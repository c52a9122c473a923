//! Constants: numbers in types, named constants, constant expressions as defaults.
//!
//! A constant of the package is a literal by the time anybody uses it. One of the standard library may wait
//! for generic parameters and the page size; such a one is always a number.

use crate::body::{Body, Place};
use crate::world::*;
use rc_bytecode::instr::BinaryOp;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ConstExpr, Count, ExprKind, Type};
use rc_syntax::ast;
use std::sync::Arc;

pub(crate) fn evaluate_all(world: &mut World<'_>) {
    for index in 0..world.consts.len() {
        world.constant(hir::ConstId(index as u32));
    }
}

impl<'a> World<'a> {
    /// A number from an expression in a type, or after `max` in the standard library.
    pub fn const_expr(
        &mut self,
        expr: &ast::Expr,
        module: usize,
        generics: &[ast::Generic],
    ) -> Option<ConstExpr> {
        match &expr.kind {
            ast::ExprKind::Broken => None,
            ast::ExprKind::Integer {
                value,
                suffix: None,
            } => match u64::try_from(*value) {
                Ok(number) => Some(ConstExpr::Number(number)),
                Err(_) => {
                    self.error(
                        codes::LITERAL_OUT_OF_RANGE,
                        expr.span,
                        "this number does not fit `u64`",
                    );
                    None
                }
            },
            ast::ExprKind::Name { name, arguments } => {
                self.const_name(name, arguments, module, generics)
            }
            ast::ExprKind::Tuple(parts) if parts.len() == 1 => {
                self.const_expr(&parts[0], module, generics)
            }
            ast::ExprKind::Call { callee, arguments } => {
                let ast::ExprKind::Name {
                    name,
                    arguments: types,
                } = &callee.kind
                else {
                    return self.not_constant(expr);
                };
                match (&*name.text, types.as_slice(), arguments.as_slice()) {
                    ("size", [ty], []) if self.is_std(module) => {
                        match self.type_argument(ty, module, generics) {
                            Type::Error => None,
                            ty => Some(ConstExpr::SizeOf(ty)),
                        }
                    }
                    ("align", [ty], []) if self.is_std(module) => {
                        match self.type_argument(ty, module, generics) {
                            Type::Error => None,
                            ty => Some(ConstExpr::AlignOf(ty)),
                        }
                    }
                    ("min" | "max", [], [left, right]) => {
                        let left = self.const_expr(left, module, generics)?;
                        let right = self.const_expr(right, module, generics)?;
                        let op = if &*name.text == "min" {
                            BinaryOp::Min
                        } else {
                            BinaryOp::Max
                        };
                        binary(op, left, right)
                    }
                    _ => self.not_constant(expr),
                }
            }
            ast::ExprKind::Binary {
                operator,
                left,
                right,
            } => {
                let op = match operator {
                    ast::BinaryOperator::Add => BinaryOp::Add,
                    ast::BinaryOperator::Subtract => BinaryOp::Sub,
                    ast::BinaryOperator::Multiply => BinaryOp::Mul,
                    ast::BinaryOperator::Divide => BinaryOp::Div,
                    ast::BinaryOperator::Remainder => BinaryOp::Rem,
                    ast::BinaryOperator::ShiftLeft => BinaryOp::ShiftLeft,
                    ast::BinaryOperator::ShiftRight => BinaryOp::ShiftRight,
                    ast::BinaryOperator::BitAnd => BinaryOp::And,
                    ast::BinaryOperator::BitOr => BinaryOp::Or,
                    ast::BinaryOperator::BitXor => BinaryOp::Xor,
                    _ => return self.not_constant(expr),
                };
                let left = self.const_expr(left, module, generics)?;
                let right = self.const_expr(right, module, generics)?;
                let folded = binary(op, left, right);
                if folded.is_none() {
                    self.error(
                        codes::CONSTANT_OVERFLOW,
                        expr.span,
                        "this constant does not fit `u64`",
                    );
                }
                folded
            }
            ast::ExprKind::Member { .. } => {
                // A constant of another module, `tree.DEPTH`.
                if let ast::ExprKind::Member { base, name } = &expr.kind
                    && let ast::ExprKind::Name {
                        name: from,
                        arguments,
                    } = &base.kind
                    && arguments.is_empty()
                    && let Some(Symbol::Const(id)) =
                        self.find_in_module(module, &from.text, &name.text)
                {
                    return self.const_use(id, Vec::new(), expr.span);
                }
                self.not_constant(expr)
            }
            _ => self.not_constant(expr),
        }
    }

    fn not_constant(&mut self, expr: &ast::Expr) -> Option<ConstExpr> {
        self.error(
            codes::NOT_CONSTANT,
            expr.span,
            "a constant number is needed here",
        )
        .label("not a constant");
        None
    }

    /// A name that stands for a number: a constant, a numeric generic parameter, `PAGE`.
    pub fn const_name(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::TypeArgument],
        module: usize,
        generics: &[ast::Generic],
    ) -> Option<ConstExpr> {
        if let Some(number) = generics
            .iter()
            .position(|generic| generic.name.text == name.text)
        {
            return Some(ConstExpr::Parameter(number as u32));
        }
        match self.find(module, &name.text) {
            Some(Symbol::Const(id)) => {
                let arguments: Vec<Type> = arguments
                    .iter()
                    .map(|argument| self.type_argument(argument, module, generics))
                    .collect();
                if arguments.contains(&Type::Error) {
                    return None;
                }
                self.const_use(id, arguments, name.span)
            }
            None if matches!(&*name.text, "PAGE_SIZE" | "PAGE") && self.is_std(module) => {
                Some(ConstExpr::PageSize)
            }
            Some(other) => {
                let kind = other.kind(&self.program);
                self.error(
                    codes::NOT_CONSTANT,
                    name.span,
                    format!(
                        "a constant number is needed here, `{}` is {kind}",
                        name.text
                    ),
                );
                None
            }
            None => {
                let near = self.near(module, &name.text, |symbol| {
                    matches!(symbol, Symbol::Const(_))
                });
                self.error(
                    codes::UNKNOWN_NAME,
                    name.span,
                    format!("there is no constant `{}`", name.text),
                )
                .meant(name.span, near);
                None
            }
        }
    }

    pub fn const_use(
        &mut self,
        id: hir::ConstId,
        arguments: Vec<Type>,
        span: rc_source::Span,
    ) -> Option<ConstExpr> {
        let wanted = self.program.consts[id.0 as usize].generics as usize;
        if wanted != arguments.len() {
            let name = self.program.consts[id.0 as usize].name.clone();
            self.error(
                codes::BAD_TYPE_ARGUMENT,
                span,
                format!(
                    "`{name}` takes {wanted} type arguments, {} are given",
                    arguments.len()
                ),
            );
            return None;
        }
        match self.constant(id) {
            ConstState::Open => Some(ConstExpr::Const(id, arguments)),
            ConstState::Value(value) => match value.kind {
                ExprKind::Integer(number) if u64::try_from(number).is_ok() => {
                    Some(ConstExpr::Number(number as u64))
                }
                ExprKind::Error => None,
                _ => {
                    self.error(
                        codes::NOT_CONSTANT,
                        span,
                        "a constant number is needed here",
                    )
                    .label("this constant is not a whole number of at least 0");
                    None
                }
            },
            _ => {
                self.error(
                    codes::NOT_CONSTANT,
                    span,
                    "a constant number is needed here",
                )
                .label("this constant is not a whole number of at least 0");
                None
            }
        }
    }

    /// Works a constant out, once.
    pub fn constant(&mut self, id: hir::ConstId) -> ConstState {
        let index = id.0 as usize;
        match &self.const_states[index] {
            ConstState::Waiting => {}
            ConstState::Running => {
                let (name, span) = (
                    self.program.consts[index].name.clone(),
                    self.program.consts[index].span,
                );
                self.error(
                    codes::RECURSION,
                    span,
                    format!("the constant `{name}` is defined by itself"),
                );
                let error = hir::Expr {
                    kind: ExprKind::Error,
                    ty: Type::Error,
                    span,
                };
                return ConstState::Value(Box::new(error));
            }
            done => return done.clone(),
        }
        self.const_states[index] = ConstState::Running;
        let declared = &self.consts[index];
        let (module, generics, written, value) = (
            declared.module,
            declared.tree.generics,
            declared.tree.ty,
            declared.tree.value,
        );
        let state = match self.is_std(module) {
            true => match self.const_expr(value, module, generics) {
                Some(ConstExpr::Number(number)) => {
                    self.program.consts[index].value = ConstExpr::Number(number);
                    let ty = written.map_or(Type::U64, |ty| self.ty(ty, module, generics));
                    ConstState::Value(Box::new(hir::Expr {
                        kind: ExprKind::Integer(number.into()),
                        ty,
                        span: value.span,
                    }))
                }
                Some(open) => {
                    self.program.consts[index].value = open;
                    ConstState::Open
                }
                None => ConstState::Value(Box::new(hir::Expr {
                    kind: ExprKind::Error,
                    ty: Type::Error,
                    span: value.span,
                })),
            },
            false => {
                let ty = written.map(|ty| self.ty(ty, module, generics));
                let value = self.constant_value(value, ty.as_ref(), module);
                if let ExprKind::Integer(number) = value.kind
                    && let Ok(number) = u64::try_from(number)
                {
                    self.program.consts[index].value = ConstExpr::Number(number);
                }
                ConstState::Value(Box::new(value))
            }
        };
        self.const_states[index] = state.clone();
        state
    }

    /// Checks an expression that must be constant: a default, a constant's value.
    pub fn constant_value(
        &mut self,
        expr: &'a ast::Expr,
        ty: Option<&Type>,
        module: usize,
    ) -> hir::Expr {
        let mut body = Body::new(self, module, &[], Place::Constant);
        let value = match ty {
            Some(ty) => body.expr_of(expr, ty),
            None => body.expr(expr, None),
        };
        if !is_constant(&value) {
            self.error(codes::NOT_CONSTANT, expr.span, "a constant is needed here")
                .label("this is worked out at run time");
            return hir::Expr {
                kind: ExprKind::Error,
                ty: Type::Error,
                span: expr.span,
            };
        }
        value
    }
}

/// Literals and what is built from them.
fn is_constant(expr: &hir::Expr) -> bool {
    match &expr.kind {
        ExprKind::Integer(_)
        | ExprKind::Unsigned(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::String(_)
        | ExprKind::Bytes(_) => true,
        ExprKind::None | ExprKind::Unit | ExprKind::Error => true,
        ExprKind::Some(inner) | ExprKind::Convert { value: inner, .. } => is_constant(inner),
        ExprKind::Tuple(parts) | ExprKind::List(parts) => parts.iter().all(is_constant),
        ExprKind::Struct { fields, .. } | ExprKind::Enum { fields, .. } => {
            fields.iter().all(is_constant)
        }
        _ => false,
    }
}

/// Folds where both sides are numbers. `None` where the result is no `u64`.
pub(crate) fn binary(op: BinaryOp, left: ConstExpr, right: ConstExpr) -> Option<ConstExpr> {
    let (ConstExpr::Number(a), ConstExpr::Number(b)) = (&left, &right) else {
        return Some(ConstExpr::Binary(op, Arc::new(left), Arc::new(right)));
    };
    let (a, b) = (*a, *b);
    let number = match op {
        BinaryOp::Add => a.checked_add(b)?,
        BinaryOp::Sub => a.checked_sub(b)?,
        BinaryOp::Mul => a.checked_mul(b)?,
        BinaryOp::Div => a.checked_div(b)?,
        BinaryOp::Rem => a.checked_rem(b)?,
        BinaryOp::Min => a.min(b),
        BinaryOp::Max => a.max(b),
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        BinaryOp::ShiftLeft => u32::try_from(b)
            .ok()
            .filter(|bits| *bits < 64)
            .map(|bits| a << bits)?,
        BinaryOp::ShiftRight => u32::try_from(b)
            .ok()
            .filter(|bits| *bits < 64)
            .map(|bits| a >> bits)?,
        _ => return None,
    };
    Some(ConstExpr::Number(number))
}

/// The largest that a count can be, where it is known.
pub(crate) fn known_number(count: &Count) -> Option<u64> {
    match count {
        Count::Known(number) => Some(*number),
        Count::Open(_) => None,
    }
}
