//! Expressions: where a value is, or how it gets where it shall be. Left to right, always.

use crate::body::{Binding, Dest, Function, Operand};
use crate::code::Label;
use crate::concrete::{Ty, scalar_of};
use crate::effects::{Node, visit_expr};
use rc_bytecode::instr::{BinaryOp, Environment, Instr, Scalar, UnaryOp};
use rc_bytecode::layout::Shape;
use rc_hir as hir;
use rc_hir::{Expr, ExprKind};

impl<'p> Function<'_, 'p> {
    /// Where the expression's value is. A scalar may be a local's own register, a view the memory of a place: who keeps it across a
    /// write copies it.
    pub fn value(&mut self, expr: &'p Expr) -> Operand {
        if self.code.ended() {
            return Operand::Never;
        }
        let operand = self.at(expr.span, |me| me.value_here(expr));
        if self.code.ended() {
            Operand::Never
        } else {
            operand
        }
    }

    fn value_here(&mut self, expr: &'p Expr) -> Operand {
        match &expr.kind {
            ExprKind::Integer(number) => self.number(expr, *number as u128),
            ExprKind::Unsigned(number) => self.number(expr, *number),
            ExprKind::Float(number) => {
                Operand::Scalar(self.code.constant(Scalar::F64, number.to_bits().into()))
            }
            ExprKind::Bool(value) => {
                Operand::Scalar(self.code.literal(Scalar::Bool, u128::from(*value)))
            }
            ExprKind::Const(constant) => {
                let number = self.low.types.constant(constant, &self.generics);
                self.number(expr, number.into())
            }
            ExprKind::Unit => Operand::Unit,
            ExprKind::Error => self.unsupported(expr.span, "this"),
            ExprKind::Local(id) => match self.locals[id.0 as usize] {
                Binding::Is(operand) => operand,
                Binding::Maybe(..) | Binding::Unset => {
                    self.unsupported(expr.span, "an optional row as a value")
                }
            },
            ExprKind::RandomUuid { ordered } => self.random_uuid(*ordered),
            ExprKind::Now => self.environment(Environment::Now, Scalar::I64),
            ExprKind::CallerId => self.environment(Environment::CallerId, Scalar::U64),
            ExprKind::CallerHasRole(bit) => self.caller_has_role(*bit),
            ExprKind::State(id) => {
                let location = self.state(*id);
                self.read(expr, location)
            }
            ExprKind::Aggregate { id, group } => self.aggregate(expr, *id, group.as_deref()),
            ExprKind::Field { .. } | ExprKind::Index { .. } => match self.locate(expr) {
                Some(location) => self.read(expr, location),
                None => Operand::Never,
            },
            ExprKind::Unary { op, operand } => match self.value(operand) {
                Operand::Scalar(src) => {
                    let dst = self.code.scalar(self.code.scalar_of(src));
                    self.code.emit(Instr::Unary { op: *op, dst, src });
                    Operand::Scalar(dst)
                }
                _ => Operand::Never,
            },
            ExprKind::Binary { .. } if self.low_level && self.known_number(expr).is_some() => {
                let number = self.known_number(expr).unwrap_or(0);
                self.number(expr, number.into())
            }
            ExprKind::Binary { op, left, right } => match self.pair(left, right) {
                Some((Operand::Scalar(left), Operand::Scalar(right))) => {
                    Operand::Scalar(match self.ty(&expr.ty) {
                        Ty::Value(shape @ Shape::Decimal { .. }) => {
                            self.decimal_operation(*op, &shape, left, right)
                        }
                        _ => self.code.binary(*op, left, right),
                    })
                }
                _ => Operand::Never,
            },
            ExprKind::Compare { op, left, right } => self.comparison(*op, left, right),
            ExprKind::And(left, right) => self.short_circuit(left, right, true),
            ExprKind::Or(left, right) => self.short_circuit(left, right, false),
            ExprKind::Convert { mode, value } => self.conversion(expr, *mode, value),
            ExprKind::Method {
                method,
                receiver,
                arguments,
            } => self.method(expr, *method, receiver, arguments),
            ExprKind::Block(block) => self.block_value(block),
            ExprKind::Return(value) => {
                match value {
                    Some(value) => self.answer_with(value),
                    None => self.leave(),
                }
                Operand::Never
            }
            ExprKind::Break => {
                let end = self.loops.last().map(|open| open.end);
                self.jump(end)
            }
            ExprKind::Continue => {
                let next = self.loops.last().map(|open| open.next);
                self.jump(next)
            }
            ExprKind::Fail(failure) => {
                self.fail(failure);
                Operand::Never
            }
            ExprKind::Call {
                callable,
                generics,
                arguments,
            } => self.call(expr, *callable, generics, arguments),
            ExprKind::Attempt(inner) => self.attempt(inner),
            // What a reference leads to is there.
            ExprKind::Get { table, key } if matches!(expr.ty, hir::Type::Row(_)) => {
                self.get(*table, key, &mut |me: &mut Self| {
                    me.code.fail(rc_bytecode::instr::Builtin::BoundExceeded)
                })
            }
            ExprKind::Get { .. } | ExprKind::GetUnique { .. } => {
                self.unsupported(expr.span, "an optional row as a value")
            }
            ExprKind::Insert { table, fields } => {
                let row = self.insert_row(*table, fields);
                match expr.ty {
                    hir::Type::Row(_) => row,
                    _ => Operand::Unit,
                }
            }
            ExprKind::Put { table, fields } => {
                self.put_row(*table, fields);
                Operand::Unit
            }
            ExprKind::GetOrInsert { table, fields } => self.get_or_insert(*table, fields),
            ExprKind::Delete { table, key } => self.delete_row(*table, key),
            ExprKind::Touch {
                mutable,
                region,
                page,
            } => self.touch(*mutable, region, page),
            ExprKind::LowLevel { op, arguments } => self.low_level(expr, *op, arguments),
            ExprKind::If { .. } | ExprKind::Match { .. } => self.joined(expr),
            ExprKind::None
            | ExprKind::Some(_)
            | ExprKind::String(_)
            | ExprKind::Bytes(_)
            | ExprKind::Tuple(_)
            | ExprKind::Struct { .. }
            | ExprKind::Enum { .. }
            | ExprKind::List(_)
            | ExprKind::Comprehension { .. } => self.built(expr),
        }
    }

    /// Sums and the like of constants, worked out here; nothing where they would fail.
    pub fn known_number(&mut self, expr: &Expr) -> Option<u64> {
        match &expr.kind {
            ExprKind::Integer(number) => u64::try_from(*number).ok(),
            ExprKind::Const(constant) => Some(self.low.types.constant(constant, &self.generics)),
            ExprKind::Binary { op, left, right } => {
                let (left, right) = (self.known_number(left)?, self.known_number(right)?);
                match op {
                    BinaryOp::Add => left.checked_add(right),
                    BinaryOp::Sub => left.checked_sub(right),
                    BinaryOp::Mul => left.checked_mul(right),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn jump(&mut self, label: Option<Label>) -> Operand {
        if let Some(label) = label {
            self.code.break_to(label);
        }
        Operand::Never
    }

    pub fn environment(&mut self, value: Environment, scalar: Scalar) -> Operand {
        let dst = self.code.scalar(scalar);
        self.code.emit(Instr::Environment { value, dst });
        Operand::Scalar(dst)
    }

    fn number(&mut self, expr: &Expr, bits: u128) -> Operand {
        let scalar = self.ty(&expr.ty).as_scalar().unwrap_or(Scalar::U64);
        Operand::Scalar(self.code.literal(scalar, bits))
    }

    /// A value that several branches give.
    fn joined(&mut self, expr: &'p Expr) -> Operand {
        match self.ty(&expr.ty) {
            Ty::Value(shape) => {
                let (operand, dest) = self.new_local(&shape);
                self.into(expr, dest);
                operand
            }
            Ty::Unit | Ty::Never => {
                self.into(expr, Dest::Discard);
                Operand::Unit
            }
            _ => self.unsupported(expr.span, "a branch that gives a row or a place"),
        }
    }

    /// A value that is made in memory of its own.
    pub fn built(&mut self, expr: &'p Expr) -> Operand {
        let shape = self.shape(&expr.ty);
        let size = self.size(&shape);
        let view = self.code.slot(size);
        let fresh = self.code.loops == 0;
        self.into(
            expr,
            Dest::Memory {
                view,
                offset: 0,
                fresh,
            },
        );
        Operand::View(view)
    }

    /// A value that stays what it is while `later` is worked out.
    pub fn stable(&mut self, expr: &'p Expr, later: &[&'p Expr]) -> Operand {
        let operand = self.value(expr);
        if is_literal(expr) || !later.iter().any(|later| may_change(later)) {
            return operand;
        }
        match operand {
            Operand::Scalar(register) => Operand::Scalar(self.code.copied(register)),
            Operand::View(view)
                if matches!(self.ty(&expr.ty), Ty::Value(_)) && !self.is_own_slot(expr) =>
            {
                let slot = self.code.slot(self.code.view_of(view).length);
                self.code.copy(slot, view);
                Operand::View(slot)
            }
            other => other,
        }
    }

    pub fn pair(&mut self, left: &'p Expr, right: &'p Expr) -> Option<(Operand, Operand)> {
        let left = self.stable(left, &[right]);
        let right = self.value(right);
        (!self.code.ended()).then_some((left, right))
    }

    fn short_circuit(&mut self, left: &'p Expr, right: &'p Expr, and: bool) -> Operand {
        let dst = self.code.scalar(Scalar::Bool);
        self.into(left, Dest::Register(dst));
        if self.code.ended() {
            return Operand::Never;
        }
        let mut more = |me: &mut Self| me.into(right, Dest::Register(dst));
        if and {
            self.if_else(dst, &mut more, &mut |_: &mut Self| {});
        } else {
            self.if_else(dst, &mut |_: &mut Self| {}, &mut more);
        }
        Operand::Scalar(dst)
    }

    // -- destinations ------------------------------------------------------------------------------------

    /// Puts the expression's value where it shall be.
    pub fn into(&mut self, expr: &'p Expr, dest: Dest) {
        if self.code.ended() {
            return;
        }
        self.at(expr.span, |me| me.put(expr, dest));
    }

    fn put(&mut self, expr: &'p Expr, dest: Dest) {
        match &expr.kind {
            ExprKind::If {
                condition,
                then,
                otherwise,
            } => {
                let (condition, turned) = unturned(condition);
                if let Operand::Scalar(condition) = self.value(condition) {
                    let mut then = |me: &mut Self| me.block(then, dest);
                    let mut otherwise = |me: &mut Self| {
                        if let Some(otherwise) = otherwise {
                            me.block(otherwise, dest);
                        }
                    };
                    match turned {
                        false => self.if_else(condition, &mut then, &mut otherwise),
                        true => self.if_else(condition, &mut otherwise, &mut then),
                    }
                }
            }
            ExprKind::Match { value, arms } => self.match_into(value, arms, dest),
            ExprKind::Block(block) => self.block(block, dest),
            _ => match dest {
                Dest::Memory {
                    view,
                    offset,
                    fresh,
                } => match self.ty(&expr.ty) {
                    Ty::Value(shape) if scalar_of(&shape).is_none() => {
                        self.build(expr, &shape, view, offset, fresh)
                    }
                    _ => {
                        let operand = self.value(expr);
                        self.deliver(operand, dest);
                    }
                },
                Dest::Register(register) => {
                    let known = self.code.registers.len() as u32;
                    if let Operand::Scalar(src) = self.value(expr)
                        && !(src.0 >= known && self.code.retarget(src, register))
                    {
                        self.code.move_to(register, src);
                    }
                }
                Dest::Discard => {
                    // An optional that nobody looks at, as of a function that may answer none.
                    if self.answers_by_control(expr) {
                        self.leavable(&mut |me: &mut Self, end| {
                            me.optional(expr, &mut |me: &mut Self| me.code.break_to(end));
                        });
                    } else {
                        self.value(expr);
                    }
                }
            },
        }
    }

    pub fn deliver(&mut self, operand: Operand, dest: Dest) {
        match (operand, dest) {
            (Operand::Scalar(src), Dest::Register(dst)) => self.code.move_to(dst, src),
            (Operand::Scalar(src), Dest::Memory { view, offset, .. }) => {
                self.code.store(view, offset, src)
            }
            (Operand::View(src), Dest::Memory { view, offset, .. }) => {
                let length = self.code.view_of(src).length;
                let to = self.code.part(view, offset, length);
                self.code.copy(to, src);
            }
            _ => {}
        }
    }
}

/// A condition without the `!` in front of it, and whether there was one.
fn unturned(condition: &Expr) -> (&Expr, bool) {
    match &condition.kind {
        ExprKind::Unary {
            op: UnaryOp::Not,
            operand,
        } if operand.ty == hir::Type::BOOL => (operand, true),
        _ => (condition, false),
    }
}

fn is_literal(expr: &Expr) -> bool {
    crate::body::is_constant(expr)
}

/// Whether working the expression out may change what something else reads.
pub fn may_change(expr: &Expr) -> bool {
    let mut changes = false;
    visit_expr(expr, &mut |node| {
        changes |= match node {
            Node::Statement(_) => true,
            Node::EnterLoop(..) | Node::LeaveLoop => false,
            Node::Expr(Expr {
                kind: ExprKind::Method { method, .. },
                ..
            }) => method.changes(),
            Node::Expr(expr) => matches!(
                expr.kind,
                ExprKind::Call { .. }
                    | ExprKind::Insert { .. }
                    | ExprKind::Put { .. }
                    | ExprKind::GetOrInsert { .. }
                    | ExprKind::Delete { .. }
                    | ExprKind::Attempt(_)
            ),
        };
    });
    changes
}
