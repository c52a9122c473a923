//! Tests and properties: functions that invoke commands as ops of their own and assert about what they find.
//!
//! Always true: an invoked command that fails where the test did not expect it fails the test; the roles of an
//! `as` block end with it.

use crate::body::{Binding, Dest, Function, Operand};
use crate::code::{Code, Label};
use crate::concrete::Ty;
use crate::effects::Summary;
use crate::lowering::Lowering;
use crate::{Assertion, TestCode};
use rc_bytecode::instr::{
    Builtin, CommandIndex, CompareOp, Failure, Instr, Register, Scalar, Space, Type, View,
};
use rc_bytecode::layout::{Record, Shape};
use rc_bytecode::module::FunctionKind;
use rc_hir as hir;
use rc_hir::{
    Arm, CallableId, Expr, ExprKind, FailureValue, Pattern, PatternKind, Statement, StatementKind,
};
use rc_source::Span;

/// What a test's function knows beside its locals.
#[derive(Default)]
pub struct Trial {
    pub roles: u64,
    pub attempts: Vec<Attempt>,
}

/// An invoked command's outcome.
#[derive(Clone, Copy)]
pub struct Attempt {
    pub callable: CallableId,
    pub status: Register,
    pub result: Register,
    pub failure: Register,
}

impl<'p> Lowering<'p> {
    pub fn test(&mut self, test: &'p hir::Test) -> TestCode {
        let fields: Vec<(String, Shape)> = test
            .parameters
            .iter()
            .map(|local| {
                let local = &test.locals[local.0 as usize];
                (local.name.clone(), self.types.shape(&local.ty, &[]))
            })
            .collect();
        let record = Record {
            name: test.name.clone(),
            fields,
        };
        let (extent, offsets) = self.types.shapes.fields_extent(&record);
        let mut parameters = Vec::new();
        if !record.fields.is_empty() {
            parameters.push(Type::View(View {
                space: Space::Frame,
                length: extent.size,
                writable: false,
            }));
        }
        let first = self.assertions.len();
        let mut function = self.function(
            Code::new(&parameters, test.span),
            Vec::new(),
            &test.locals,
            Summary::default(),
        );
        function.trial = Some(Trial::default());
        for ((local, offset), (_, shape)) in
            test.parameters.iter().zip(&offsets).zip(&record.fields)
        {
            let location = crate::places::Location::Static {
                view: Register(0),
                offset: *offset,
            };
            let operand = function.read_as(&Ty::Value(shape.clone()), location);
            function.locals[local.0 as usize] = Binding::Is(operand);
        }
        function.finish(&test.body);
        let Function { code, .. } = function;
        let function = self.finished(
            format!("test {:?}", test.name),
            FunctionKind::Test,
            parameters,
            Vec::new(),
            false,
            code,
        );
        let assertions = first as u32..self.assertions.len() as u32;
        TestCode {
            name: test.name.clone(),
            function,
            parameters: record,
            assertions,
            span: test.span,
        }
    }
}

impl<'p> Function<'_, 'p> {
    fn assertion(&mut self, span: Span, text: impl Into<String>) -> u32 {
        self.low.assertions.push(Assertion {
            span,
            text: text.into(),
        });
        self.low.assertions.len() as u32 - 1
    }

    fn context(&mut self, roles: u64, advance: Option<Register>) {
        let roles = self.code.number(roles);
        let advance = advance.unwrap_or_else(|| self.code.constant(Scalar::I64, 0));
        self.code.emit(Instr::TestContext { roles, advance });
    }

    fn roles(&self) -> u64 {
        self.trial.as_ref().map_or(0, |trial| trial.roles)
    }

    pub fn trial_statement(&mut self, statement: &'p Statement) {
        match &statement.kind {
            StatementKind::As { roles, body } => {
                let outer = self.roles();
                self.set_roles(*roles);
                self.block(body, Dest::Discard);
                self.set_roles(outer);
            }
            StatementKind::Advance { duration } => {
                if let Operand::Scalar(duration) = self.value(duration) {
                    let roles = self.roles();
                    self.context(roles, Some(duration));
                }
            }
            StatementKind::Assert { condition, text } => self.assert(condition, text),
            StatementKind::Expect { failure, call } => self.expect(statement.span, failure, call),
            _ => {}
        }
    }

    fn set_roles(&mut self, roles: u64) {
        if let Some(trial) = &mut self.trial {
            trial.roles = roles;
        }
        if !self.code.ended() {
            self.context(roles, None);
        }
    }

    /// Shows both sides where the condition compares scalars.
    fn assert(&mut self, condition: &'p Expr, text: &str) {
        let sides = match &condition.kind {
            ExprKind::Compare { op, left, right }
                if !matches!(left.kind, ExprKind::None)
                    && !matches!(right.kind, ExprKind::None) =>
            {
                let scalars = self.ty(&left.ty).as_scalar().is_some()
                    && self.ty(&right.ty).as_scalar().is_some();
                if scalars {
                    self.pair(left, right).map(|sides| (*op, sides))
                } else {
                    None
                }
            }
            _ => None,
        };
        if self.code.ended() {
            return;
        }
        let (condition, left, right) = match sides {
            Some((op, (Operand::Scalar(left), Operand::Scalar(right)))) => {
                let left = self.code.copied(left);
                (self.code.compare(op, left, right), Some(left), Some(right))
            }
            _ => match self.value(condition) {
                Operand::Scalar(condition) => (condition, None, None),
                _ => return,
            },
        };
        let span = self.code.span;
        let assertion = self.assertion(span, text);
        self.code.emit(Instr::Assert {
            condition,
            assertion,
            left,
            right,
        });
    }

    // -- commands ------------------------------------------------------------------------------------------

    /// A call of a command or query in a test, whose failure fails the test.
    pub fn invoke_or_fail(
        &mut self,
        expr: &'p Expr,
        callable: CallableId,
        arguments: &'p [Expr],
    ) -> Operand {
        let Some(attempt) = self.invoke(callable, arguments) else {
            return Operand::Never;
        };
        let success = self.code.constant(Scalar::U32, 0);
        let done = self.code.compare(CompareOp::Equal, attempt.status, success);
        let name = &self.low.program.callables[callable.0 as usize].name;
        let text = format!("{name}(…) succeeds");
        let assertion = self.assertion(expr.span, text);
        self.code.emit(Instr::Assert {
            condition: done,
            assertion,
            left: Some(attempt.status),
            right: Some(success),
        });
        self.result_of(&attempt)
    }

    fn result_of(&mut self, attempt: &Attempt) -> Operand {
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

    fn invoke(&mut self, callable: CallableId, arguments: &'p [Expr]) -> Option<Attempt> {
        let program = self.low.program;
        let declared = &program.callables[callable.0 as usize];
        let Some(command) = self.low.commands.get(&callable).copied() else {
            let span = self.code.span;
            self.unsupported(span, "calling this from here");
            return None;
        };
        let shapes: Vec<Shape> = declared
            .parameters
            .iter()
            .map(|local| {
                self.low
                    .types
                    .shape(&declared.locals[local.0 as usize].ty, &[])
            })
            .collect();
        let arguments = self.record(&shapes, arguments);
        if self.code.ended() {
            return None;
        }
        let result = match self.low.types.ty(&declared.result, &[]) {
            Ty::Value(shape) => self.size(&shape),
            _ => 0,
        };
        let result = self.code.slot(result);
        let mut bytes = 0;
        for error in &declared.fails {
            for variant in &self.low.errors[error.0 as usize] {
                bytes = bytes.max(self.low.types.shapes.record_extent(variant.iter()).0.size);
            }
        }
        let failure = self.code.slot(bytes);
        let status = self.code.scalar(Scalar::U32);
        self.code.emit(Instr::Invoke {
            command: CommandIndex(command),
            arguments,
            result,
            failure,
            status,
        });
        Some(Attempt {
            callable,
            status,
            result,
            failure,
        })
    }

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
        if self.trial.is_none() {
            return self.unsupported(inner.span, "`attempt` inside a command");
        }
        let Some(attempt) = self.invoke(*callable, arguments) else {
            return Operand::Never;
        };
        let Some(trial) = &mut self.trial else {
            return Operand::Never;
        };
        trial.attempts.push(attempt);
        Operand::Attempt(trial.attempts.len() - 1)
    }

    /// The status word of a failure.
    fn status_of(failure: Failure) -> u128 {
        match failure {
            Failure::Builtin(builtin) => 1 + builtin_number(builtin),
            Failure::Declared { error, variant } => {
                0x1_0000 + u128::from(error) * 0x100 + u128::from(variant)
            }
        }
    }

    fn expect(&mut self, span: Span, failure: &'p FailureValue, call: &'p Expr) {
        let ExprKind::Call {
            callable,
            arguments,
            ..
        } = &call.kind
        else {
            self.unsupported(call.span, "an expectation of this");
            return;
        };
        let Some(attempt) = self.invoke(*callable, arguments) else {
            return;
        };
        let (wanted, fields) = match failure {
            FailureValue::Builtin(builtin) => (Failure::Builtin(*builtin), None),
            FailureValue::Declared {
                error,
                variant,
                fields,
            } => (
                Failure::Declared {
                    error: error.0,
                    variant: *variant,
                },
                Some(fields),
            ),
        };
        let status = self.code.constant(Scalar::U32, Self::status_of(wanted));
        let same = self.code.compare(CompareOp::Equal, attempt.status, status);
        let text = self.low.sources.text_of(span).to_string();
        let assertion = self.assertion(span, text.clone());
        self.code.emit(Instr::Assert {
            condition: same,
            assertion,
            left: Some(attempt.status),
            right: Some(status),
        });
        let (Failure::Declared { error, variant }, Some(fields)) = (wanted, fields) else {
            return;
        };
        let shapes = self.low.errors[error as usize][variant as usize].clone();
        let (_, offsets) = self.low.types.shapes.record_extent(shapes.iter());
        for ((field, shape), offset) in fields.iter().zip(&shapes).zip(offsets) {
            let location = crate::places::Location::Static {
                view: attempt.failure,
                offset,
            };
            let ty = Ty::Value(shape.clone());
            let have = self.read_as(&ty, location);
            let wanted = self.value(field);
            let (condition, left, right) = match (have, wanted) {
                (Operand::Scalar(have), Operand::Scalar(wanted)) => (
                    self.code.compare(CompareOp::Equal, have, wanted),
                    Some(have),
                    Some(wanted),
                ),
                (Operand::View(have), Operand::View(wanted)) => {
                    let wanted_ty = self.ty(&field.ty);
                    (
                        self.compare_memory(CompareOp::Equal, have, &ty, wanted, &wanted_ty),
                        None,
                        None,
                    )
                }
                _ => return,
            };
            let assertion = self.assertion(field.span, text.clone());
            self.code.emit(Instr::Assert {
                condition,
                assertion,
                left,
                right,
            });
        }
    }

    // -- outcomes ------------------------------------------------------------------------------------------

    pub fn match_attempt(&mut self, value: &'p Expr, arms: &'p [Arm], dest: Dest) {
        let Operand::Attempt(number) = self.value(value) else {
            return;
        };
        let Some(attempt) = self.trial.as_ref().map(|trial| trial.attempts[number]) else {
            return;
        };
        self.leavable(&mut |me: &mut Self, end| {
            for (number, arm) in arms.iter().enumerate() {
                let last = number + 1 == arms.len() && arm.guard.is_none();
                me.nested += 1;
                me.leavable(&mut |me: &mut Self, next| {
                    me.outcome(&arm.pattern, &attempt, (!last).then_some(next));
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
    fn outcome(&mut self, pattern: &'p Pattern, attempt: &Attempt, next: Option<Label>) {
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
                    .constant(Scalar::U32, Self::status_of(Failure::Builtin(*builtin)));
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
                let wanted = self.code.constant(Scalar::U32, Self::status_of(wanted));
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
            PatternKind::Bind(id) => {
                let number = self
                    .trial
                    .as_ref()
                    .map_or(0, |trial| trial.attempts.len().saturating_sub(1));
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

/// A built-in failure's number, in the order of their declaration.
fn builtin_number(builtin: Builtin) -> u128 {
    match builtin {
        Builtin::AlreadyExists => 0,
        Builtin::Overflow => 1,
        Builtin::DivideByZero => 2,
        Builtin::TableFull => 3,
        Builtin::TooLong => 4,
        Builtin::BoundExceeded => 5,
        Builtin::InvariantBroken => 6,
        Builtin::StillReferenced => 7,
        Builtin::Denied => 8,
    }
}
