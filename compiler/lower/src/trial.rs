//! Tests and properties: functions that invoke commands as ops of their own and assert about what they find.
//!
//! Always true: an invoked command that fails where the test did not expect it fails the test; the roles of an
//! `as` block end with it.

use crate::attempts::Attempt;
use crate::body::{Binding, Dest, Function, Operand};
use crate::code::Code;
use crate::concrete::Ty;
use crate::effects::Summary;
use crate::lowering::Lowering;
use crate::{Assertion, TestCode};
use rc_bytecode::instr::{
    CommandIndex, CompareOp, Failure, Instr, Register, Scalar, Space, Type, View,
};
use rc_bytecode::layout::{Record, Shape};
use rc_bytecode::module::FunctionKind;
use rc_hir as hir;
use rc_hir::{CallableId, Expr, ExprKind, FailureValue, Statement, StatementKind};
use rc_source::Span;

/// What a test's function knows beside its locals.
#[derive(Default)]
pub struct Trial {
    pub roles: u64,
    /// The id that commands are called with, in a register.
    pub caller: Option<Register>,
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
            StatementKind::As {
                roles,
                caller,
                body,
            } => {
                let outer = self.roles();
                let outer_caller = self.trial.as_ref().and_then(|trial| trial.caller);
                if let Some(caller) = caller
                    && let Operand::Scalar(caller) = self.value(caller)
                {
                    let caller = self.code.copied(caller);
                    self.set_caller(Some(caller));
                }
                self.set_roles(*roles);
                self.block(body, Dest::Discard);
                self.set_roles(outer);
                if caller.is_some() {
                    self.set_caller(outer_caller);
                }
            }
            StatementKind::Advance { duration } => {
                if let Operand::Scalar(duration) = self.value(duration) {
                    let roles = self.roles();
                    self.context(roles, Some(duration));
                }
            }
            StatementKind::Assert { condition, text } => self.assert(condition, text),
            StatementKind::Expect {
                failure,
                given,
                call,
            } => self.expect(statement.span, failure, given, call),
            _ => {}
        }
    }

    /// Later commands are called by this principal; 0 where nobody was named.
    fn set_caller(&mut self, caller: Option<Register>) {
        if let Some(trial) = &mut self.trial {
            trial.caller = caller;
        }
        if !self.code.ended() {
            let caller = caller.unwrap_or_else(|| self.code.number(0));
            self.code.emit(Instr::TestCaller { caller });
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

    pub fn invoke(&mut self, callable: CallableId, arguments: &'p [Expr]) -> Option<Attempt> {
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
        let failure = self.failure_slot(callable);
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

    fn expect(&mut self, span: Span, failure: &'p FailureValue, given: &'p [u32], call: &'p Expr) {
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
        let status = self.code.constant(Scalar::U32, u128::from(wanted.status()));
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
        for (field, number) in fields.iter().zip(given) {
            let (shape, offset) = (&shapes[*number as usize], offsets[*number as usize]);
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
}
