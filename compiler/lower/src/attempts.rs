//! `attempt f(…)`: a command or query called so that its failure is a value, and matching on how it ended.
//!
//! Always true: in a test the callee is an op of its own; inside a command it is a copy of the callee's body behind a
//! savepoint, which asks `allow` first, writes its result to memory, and leaves the invariants to the command's end. An
//! attempt's registers are assigned wherever its outcome is looked at.

use crate::body::{Binding, Dest, Function, Operand};
use crate::calls::Instance;
use crate::code::Label;
use crate::concrete::Ty;
use crate::pattern::forms;
use rc_bytecode::instr::{
    BinaryOp, Builtin, CompareOp, Environment, Failure, Instr, Register, Scalar, Type,
};
use rc_hir as hir;
use rc_hir::{Arm, CallableId, Expr, ExprKind, Pattern, PatternKind};

/// An attempted command's outcome.
#[derive(Clone, Copy)]
pub struct Attempt {
    pub callable: CallableId,
    /// A status word: 0 for success.
    pub status: Register,
    /// The result's memory.
    pub result: Register,
    /// A declared failure's fields.
    pub failure: Register,
}

impl<'p> Function<'_, 'p> {
    /// `attempt f(…)`: the outcome is a value.
    pub fn attempt(&mut self, inner: &'p Expr) -> Operand {
        let ExprKind::Call {
            callable,
            arguments,
            ..
        } = &inner.kind
        else {
            return self.unsupported(inner.span, "an attempt of this");
        };
        let attempt = match self.trial {
            Some(_) => self.invoke(*callable, arguments),
            None => self.attempt_inside(*callable, arguments),
        };
        match attempt {
            Some(attempt) => {
                self.attempts.push(attempt);
                Operand::Attempt(self.attempts.len() - 1)
            }
            None => Operand::Never,
        }
    }

    /// A sub-transaction: the callee's body behind a savepoint.
    fn attempt_inside(&mut self, callable: CallableId, arguments: &'p [Expr]) -> Option<Attempt> {
        let (kinds, mut registers) = self.hand_over(callable, &[], arguments)?;
        let lists = self.journals_for(callable);
        registers.extend(lists.iter().map(|(_, register)| *register));
        let journals = lists
            .iter()
            .map(|(table, register)| (*table, Type::View(self.code.view_of(*register))))
            .collect();
        let signature = self.low.instance(Instance {
            callable,
            generics: Vec::new(),
            arguments: kinds,
            journals,
        });
        let result = self.code.slot(signature.memory.unwrap_or(0));
        if signature.memory.is_some() {
            registers.push(result);
        }
        let failure = self.failure_slot(callable);
        let status = self.code.scalar(Scalar::U32);
        // Rows that it noted and that are as before again need no look at the command's end.
        let noted: Vec<(Register, Register)> = lists
            .iter()
            .map(|(_, list)| (*list, self.code.load(Scalar::U64, *list, 0)))
            .collect();
        self.code.emit(Instr::Attempt {
            function: signature.function,
            arguments: registers,
            failure,
            status,
        });
        if !noted.is_empty() {
            let success = self.code.literal(Scalar::U32, 0);
            let failed = self.code.compare(CompareOp::NotEqual, status, success);
            self.code.begin();
            for (list, length) in noted {
                self.code.store(list, 0, length);
            }
            let then = self.code.end();
            self.code.begin();
            let otherwise = self.code.end();
            self.code.end_if(failed, then, otherwise);
        }
        let moves = self.low.effects.callables[callable.0 as usize]
            .moves
            .clone();
        moves.into_iter().for_each(|table| self.table_moved(table));
        Some(Attempt {
            callable,
            status,
            result,
            failure,
        })
    }

    /// Memory for the fields of any failure that a callee declares.
    pub fn failure_slot(&mut self, callable: CallableId) -> Register {
        let program = self.low.program;
        let mut bytes = 0;
        for error in &program.callables[callable.0 as usize].fails {
            for variant in &self.low.errors[error.0 as usize] {
                bytes = bytes.max(self.low.types.shapes.record_extent(variant.iter()).0.size);
            }
        }
        self.code.slot(bytes)
    }

    /// Fails `Denied` where the caller has none of the roles that may call this.
    pub fn check_allowed(&mut self, allow: &hir::Allow) {
        let hir::Allow::Roles(wanted) = allow else {
            return;
        };
        let Operand::Scalar(roles) = self.environment(Environment::CallerRoles, Scalar::U64) else {
            return;
        };
        let wanted = self.code.number(*wanted);
        let common = self.code.binary(BinaryOp::And, roles, wanted);
        let none = self.code.number(0);
        let allowed = self.code.compare(CompareOp::NotEqual, common, none);
        self.code.fail_unless(allowed, Builtin::Denied);
    }

    /// Whether the caller has the role of this bit.
    pub fn caller_has_role(&mut self, bit: u32) -> Operand {
        let Operand::Scalar(roles) = self.environment(Environment::CallerRoles, Scalar::U64) else {
            return Operand::Never;
        };
        let wanted = self.code.number(1 << bit);
        let common = self.code.binary(BinaryOp::And, roles, wanted);
        Operand::Scalar(self.code.compare(CompareOp::Equal, common, wanted))
    }

    // -- outcomes ------------------------------------------------------------------------------------------

    pub fn result_of(&mut self, attempt: &Attempt) -> Operand {
        let result = &self.low.program.callables[attempt.callable.0 as usize].result;
        match self.ty(result) {
            Ty::Value(shape) => self.read_as(
                &Ty::Value(shape),
                crate::places::Location::Static {
                    view: attempt.result,
                    offset: 0,
                },
            ),
            _ => Operand::Unit,
        }
    }

    pub fn match_attempt(&mut self, value: &'p Expr, arms: &'p [Arm], dest: Dest) {
        let Operand::Attempt(number) = self.value(value) else {
            return;
        };
        self.leavable(&mut |me: &mut Self, end| {
            for (at, arm) in arms.iter().enumerate() {
                let last = at + 1 == arms.len() && arm.guard.is_none();
                me.nested += 1;
                me.leavable(&mut |me: &mut Self, next| {
                    me.outcome(&arm.pattern, number, (!last).then_some(next));
                    if let Some(guard) = &arm.guard
                        && let Operand::Scalar(holds) = me.value(guard)
                    {
                        me.code.break_unless(holds, next);
                    }
                    me.into(&arm.body, dest);
                    if !me.code.ended() {
                        me.code.break_to(end);
                    }
                });
                me.nested -= 1;
            }
            if !me.code.ended() {
                me.code.fail(Builtin::BoundExceeded);
            }
        });
    }

    /// Leaves `next` where the outcome does not fit, and binds the pattern's names.
    fn outcome(&mut self, pattern: &'p Pattern, number: usize, next: Option<Label>) {
        let attempt = &self.attempts[number].clone();
        let success = self.code.constant(Scalar::U32, 0);
        match &pattern.kind {
            PatternKind::Ok(inner) => {
                self.leave_outcome(CompareOp::NotEqual, attempt.status, success, next);
                let result = self.result_of(attempt);
                if let Some(next) = next {
                    self.test(inner, result, next);
                }
                self.bind(inner, result);
            }
            PatternKind::AnyFailure => {
                self.leave_outcome(CompareOp::Equal, attempt.status, success, next)
            }
            PatternKind::FailureBuiltin(builtin) => {
                let wanted = self
                    .code
                    .constant(Scalar::U32, Failure::Builtin(*builtin).status().into());
                self.leave_outcome(CompareOp::NotEqual, attempt.status, wanted, next);
            }
            PatternKind::Failure {
                error,
                variant,
                fields,
            } => {
                let wanted = Failure::Declared {
                    error: error.0,
                    variant: *variant,
                };
                let wanted = self.code.constant(Scalar::U32, wanted.status().into());
                self.leave_outcome(CompareOp::NotEqual, attempt.status, wanted, next);
                let shapes = self.low.errors[error.0 as usize][*variant as usize].clone();
                let (_, offsets) = self.low.types.shapes.record_extent(shapes.iter());
                for (field, inner) in fields {
                    let (shape, offset) =
                        (shapes[*field as usize].clone(), offsets[*field as usize]);
                    let location = crate::places::Location::Static {
                        view: attempt.failure,
                        offset,
                    };
                    let part = self.read_as(&Ty::Value(shape), location);
                    if let Some(next) = next {
                        self.test(inner, part, next);
                    }
                    self.bind(inner, part);
                }
            }
            PatternKind::Or(_) => {
                let Some(next) = next else { return };
                self.first_that_fits(&forms(pattern), next, &mut |me, one, next| {
                    me.outcome(one, number, Some(next))
                });
            }
            PatternKind::Bind(id) => {
                self.locals[id.0 as usize] = Binding::Is(Operand::Attempt(number));
            }
            _ => {}
        }
    }

    fn leave_outcome(
        &mut self,
        op: CompareOp,
        left: Register,
        right: Register,
        next: Option<Label>,
    ) {
        if let Some(next) = next {
            let other = self.code.compare(op, left, right);
            self.code.break_if(other, next);
        }
    }
}
