//! Optionals: by a tag in memory or by where control goes. Always true: what is lowered for the absence does not go on.

use crate::body::{Binding, Function, Operand};
use crate::concrete::Ty;
use crate::places::Location;
use rc_bytecode::instr::{Instr, Register, Scalar};
use rc_bytecode::layout::Shape;
use rc_hir as hir;
use rc_hir::{Expr, ExprKind};

impl<'p> Function<'_, 'p> {
    /// Whether an optional is answered by where control goes rather than by a tag in memory.
    pub fn answers_by_control(&mut self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Get { .. } | ExprKind::GetUnique { .. } => true,
            ExprKind::Local(id) => matches!(self.locals[id.0 as usize], Binding::Maybe(..)),
            ExprKind::Call {
                callable, generics, ..
            } => {
                let program = self.low.program;
                let callable = &program.callables[callable.0 as usize];
                if callable.kind != hir::CallableKind::Function {
                    return false;
                }
                let generics: Vec<Ty> = generics
                    .iter()
                    .map(|ty| self.low.types.ty(ty, &self.generics))
                    .collect();
                let result = self.low.types.ty(&callable.result, &generics);
                crate::calls::answers_maybe(&result)
            }
            ExprKind::Block(block) => block
                .value
                .as_ref()
                .is_some_and(|value| self.answers_by_control(value)),
            _ => false,
        }
    }

    /// The content of an optional; `none`, which must not go on, is lowered for its absence.
    pub fn optional(&mut self, expr: &'p Expr, none: &mut dyn FnMut(&mut Self)) -> Operand {
        if self.code.ended() {
            return Operand::Never;
        }
        self.at(expr.span, |me| me.optional_here(expr, none))
    }

    fn optional_here(&mut self, expr: &'p Expr, none: &mut dyn FnMut(&mut Self)) -> Operand {
        match &expr.kind {
            ExprKind::None => {
                none(self);
                Operand::Never
            }
            ExprKind::Some(inner) => self.value(inner),
            ExprKind::Get { table, key } => self.get(*table, key, none),
            ExprKind::GetUnique {
                table,
                index,
                parts,
            } => self.get_unique(*table, *index, parts, none),
            ExprKind::Local(id) if matches!(self.locals[id.0 as usize], Binding::Maybe(..)) => {
                self.unwrap_maybe(*id, none)
            }
            ExprKind::Call {
                callable,
                generics,
                arguments,
            } if self.answers_by_control(expr) => {
                self.call_maybe(*callable, generics, arguments, none)
            }
            ExprKind::Block(block) if self.answers_by_control(expr) => {
                let (value, statements) = (block.value.as_deref(), &block.statements);
                for statement in statements {
                    self.statement_at(statement);
                }
                match value {
                    Some(value) => self.optional(value, none),
                    None => Operand::Never,
                }
            }
            _ => {
                let Ty::Value(Shape::Optional(inner)) = self.ty(&expr.ty) else {
                    return self.unsupported(expr.span, "an optional of this kind");
                };
                let Some(location) = self.locate(expr) else {
                    return Operand::Never;
                };
                let (view, offset) =
                    self.fixed(location, &Ty::Value(Shape::Optional(inner.clone())));
                self.content(view, offset, &inner, none)
            }
        }
    }

    /// The content of an optional in memory.
    pub fn content(
        &mut self,
        view: Register,
        offset: u32,
        inner: &Shape,
        none: &mut dyn FnMut(&mut Self),
    ) -> Operand {
        let present = self.code.load(Scalar::Bool, view, offset);
        self.if_else(present, &mut |_: &mut Self| {}, none);
        let offset = offset + self.low.types.shapes.optional_offset(inner);
        self.read_as(&Ty::Value(inner.clone()), Location::Static { view, offset })
    }

    /// Whether the optional is there.
    pub fn is_some(&mut self, expr: &'p Expr) -> Register {
        if self.answers_by_control(expr) || matches!(expr.kind, ExprKind::None | ExprKind::Some(_))
        {
            let dst = self.code.scalar(Scalar::Bool);
            self.code.emit(Instr::Const { dst, bits: 0 });
            self.leavable(&mut |me: &mut Self, end| {
                me.nested += 1;
                me.optional(expr, &mut |me: &mut Self| me.code.break_to(end));
                me.nested -= 1;
                me.code.emit(Instr::Const { dst, bits: 1 });
            });
            return dst;
        }
        match self.locate(expr) {
            Some(location) => self.load(location, Scalar::Bool),
            None => self.code.constant(Scalar::Bool, 0),
        }
    }
}
