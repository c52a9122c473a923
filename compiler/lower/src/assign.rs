//! Assignment: the value first, then the target. Always true: what is written to a row goes through
//! [`Function::write_row_field`], which keeps indexes and aggregates right.

use crate::body::{Binding, Function, Operand, is_constant};
use crate::concrete::Ty;
use crate::decimals::is_decimal;
use crate::effects::{self, Root};
use rc_bytecode::instr::{BinaryOp, Instr};
use rc_bytecode::layout::Shape;
use rc_hir::{Expr, ExprKind};

impl<'p> Function<'_, 'p> {
    /// The value first, then the target is read (for `+=` and the like) and written; indices inside the target before both.
    pub fn assign(&mut self, target: &'p Expr, operator: Option<BinaryOp>, value: &'p Expr) {
        let prepared = self.prepared.len();
        self.prepare(target);
        let target_ty = self.ty(&target.ty);
        let known = self.code.registers.len() as u32;
        let mut operand = self.value(value);
        if self.code.ended() {
            self.prepared.truncate(prepared);
            return;
        }
        if let (Operand::View(view), Ty::Value(shape)) = (operand, &target_ty) {
            // A value in memory may lie in what the target changes.
            if !self.is_own_slot(value) {
                let slot = self.code.slot(self.size(shape));
                self.code.copy(slot, view);
                operand = Operand::View(slot);
            }
        }
        if let (ExprKind::Local(id), None, Operand::Scalar(src)) = (&target.kind, operator, operand)
            && let Binding::Is(Operand::Scalar(local)) = self.locals[id.0 as usize]
            && src.0 >= known
            && self.code.retarget(src, local)
        {
            // Worked out where it shall be.
            return;
        }
        match effects::root(target) {
            Root::Local(id, Some(field))
                if let Binding::Is(Operand::Row(row)) = self.locals[id.0 as usize] =>
            {
                self.write_row_field(row, field, &mut |me: &mut Self| {
                    me.assign_to(target, operator, operand)
                });
            }
            Root::State(id) => {
                self.open_state(id);
                self.assign_to(target, operator, operand);
            }
            _ => self.assign_to(target, operator, operand),
        }
        self.prepared.truncate(prepared);
    }

    /// Works out the indices inside a place, left to right.
    pub fn prepare(&mut self, target: &'p Expr) {
        match &target.kind {
            ExprKind::Field { base, .. } => self.prepare(base),
            ExprKind::Index { base, index } => {
                self.prepare(base);
                if let Operand::Scalar(register) = self.value(index) {
                    let kept = if is_constant(index) {
                        register
                    } else {
                        self.code.copied(register)
                    };
                    self.prepared.push((std::ptr::from_ref(&**index), kept));
                }
            }
            _ => {}
        }
    }

    fn assign_to(&mut self, target: &'p Expr, operator: Option<BinaryOp>, operand: Operand) {
        if let ExprKind::Local(id) = target.kind {
            match (self.locals[id.0 as usize], operand) {
                (Binding::Is(Operand::Scalar(local)), Operand::Scalar(value)) => match operator {
                    Some(op) if is_decimal(&self.ty(&target.ty)) => {
                        let Ty::Value(shape) = self.ty(&target.ty) else {
                            return;
                        };
                        let value = self.decimal_operation(op, &shape, local, value);
                        self.code.move_to(local, value);
                    }
                    Some(op) => self.code.emit(Instr::Binary {
                        op,
                        dst: local,
                        left: local,
                        right: value,
                    }),
                    None => self.code.move_to(local, value),
                },
                (Binding::Is(Operand::Row(variable)), Operand::Row(row)) => {
                    self.assign_row(id, variable, row)
                }
                (Binding::Is(Operand::View(local)), Operand::View(value)) => {
                    match self.ty(&target.ty) {
                        Ty::Value(_) => self.code.copy(local, value),
                        _ => self.code.move_to(local, value),
                    }
                }
                _ => {}
            }
            return;
        }
        match operand {
            Operand::Scalar(value) => {
                let value = match operator {
                    Some(op) => {
                        let Operand::Scalar(old) = self.value(target) else {
                            return;
                        };
                        match self.ty(&target.ty) {
                            Ty::Value(shape @ Shape::Decimal { .. }) => {
                                self.decimal_operation(op, &shape, old, value)
                            }
                            _ => self.code.binary(op, old, value),
                        }
                    }
                    None => value,
                };
                self.store_scalar(target, value);
            }
            Operand::View(value) => {
                if let Some(place) = self.place_of(target) {
                    self.code.copy(place, value);
                }
            }
            _ => {}
        }
    }

    /// Whether an expression's memory is its own, so that nothing else can change it.
    pub fn is_own_slot(&self, expr: &Expr) -> bool {
        matches!(
            expr.kind,
            ExprKind::String(_)
                | ExprKind::Bytes(_)
                | ExprKind::None
                | ExprKind::Some(_)
                | ExprKind::Tuple(_)
                | ExprKind::Struct { .. }
                | ExprKind::Enum { .. }
                | ExprKind::List(_)
                | ExprKind::Comprehension { .. }
                | ExprKind::Call { .. }
                | ExprKind::If { .. }
                | ExprKind::Match { .. }
        )
    }
}
