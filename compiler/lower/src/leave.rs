//! How a function ends: its answer, and for a command what must hold by then.

use crate::body::{Answer, Binding, Dest, Function, Operand};
use crate::concrete::Ty;
use rc_bytecode::instr::{Builtin, Instr, Register};
use rc_bytecode::layout::Shape;
use rc_hir as hir;
use rc_hir::{Block, Expr, ExprKind};

impl<'p> Function<'_, 'p> {
    /// Lowers the body to its answer.
    pub fn finish(&mut self, body: &'p Block) {
        match self.answer.clone() {
            Answer::Memory(view) => {
                self.block(
                    body,
                    Dest::Memory {
                        view,
                        offset: 0,
                        fresh: false,
                    },
                );
                self.leave();
            }
            Answer::Nothing => {
                self.block(body, Dest::Discard);
                self.leave();
            }
            Answer::Register { .. } => {
                for statement in &body.statements {
                    if self.code.ended() {
                        return;
                    }
                    self.at(statement.span, |me| me.statement(statement));
                }
                match &body.value {
                    Some(value) => self.answer_with(value),
                    None if !self.code.ended() => self.code.fail(Builtin::BoundExceeded),
                    None => {}
                }
            }
        }
    }

    /// `return value`, also of a function that answers in a register.
    pub fn answer_with(&mut self, value: &'p Expr) {
        match self.answer.clone() {
            Answer::Register { maybe: true } => self.at(value.span, |me| me.answer_maybe(value)),
            Answer::Register { maybe: false } => match self.value(value) {
                Operand::Scalar(register) | Operand::View(register) => {
                    self.result_is(register);
                    self.code.emit(Instr::Return {
                        values: vec![register],
                    });
                }
                _ => {}
            },
            Answer::Memory(view) => {
                self.into(
                    value,
                    Dest::Memory {
                        view,
                        offset: 0,
                        fresh: false,
                    },
                );
                self.leave();
            }
            Answer::Nothing => {
                self.into(value, Dest::Discard);
                self.leave();
            }
        }
    }

    /// An optional as an answer: `ReturnNone`, or its content.
    fn answer_maybe(&mut self, value: &'p Expr) {
        match &value.kind {
            ExprKind::If {
                condition,
                then,
                otherwise: Some(otherwise),
            } => {
                if let Operand::Scalar(condition) = self.value(condition) {
                    self.if_else(
                        condition,
                        &mut |me: &mut Self| me.answer_block(then),
                        &mut |me: &mut Self| me.answer_block(otherwise),
                    );
                }
            }
            ExprKind::Block(block) => self.answer_block(block),
            _ => {
                // Content where the expression is not optional: the checker lets `T` stand for `T?` in the standard library.
                let content = match self.ty(&value.ty) {
                    Ty::Optional(_) | Ty::Value(Shape::Optional(_)) => {
                        self.optional(value, &mut |me: &mut Self| me.code.emit(Instr::ReturnNone))
                    }
                    _ => self.value(value),
                };
                if let Operand::Scalar(register) | Operand::View(register) = content {
                    self.result_is(register);
                    self.code.emit(Instr::Return {
                        values: vec![register],
                    });
                }
            }
        }
    }

    fn answer_block(&mut self, block: &'p Block) {
        for statement in &block.statements {
            if self.code.ended() {
                return;
            }
            self.at(statement.span, |me| me.statement(statement));
        }
        if let Some(value) = &block.value {
            self.answer_maybe(value);
        }
    }

    fn result_is(&mut self, register: Register) {
        if !self.code.ended() {
            self.result.get_or_insert(self.code.type_of(register));
        }
    }

    /// The end of a function that answers in memory or not at all; of a command after its invariants.
    pub fn leave(&mut self) {
        if self.code.ended() {
            return;
        }
        if self.entry {
            self.check_rows();
            self.check_invariants();
        }
        self.code.emit(Instr::Return { values: Vec::new() });
    }

    /// Fails `InvariantBroken` where a top-level invariant whose inputs this command may have changed does not hold.
    fn check_invariants(&mut self) {
        let program = self.low.program;
        for invariant in program
            .invariants
            .iter()
            .filter(|invariant| invariant.group.is_none())
        {
            let states = invariant
                .reads_states
                .iter()
                .any(|state| self.summary.states_written.contains(state));
            let aggregates = invariant.reads_aggregates.iter().any(|aggregate| {
                self.summary
                    .changes_aggregate(&program.aggregates[aggregate.0 as usize])
            });
            if states || aggregates {
                self.check_condition(invariant, None);
            }
        }
    }

    /// Lowers an invariant's condition and fails where it is false. `about` is the row or group that it is a condition on.
    pub fn check_condition(&mut self, invariant: &'p hir::Invariant, about: Option<Operand>) {
        let mut locals = vec![Binding::Unset; invariant.locals.len()];
        if let (Some(first), Some(about)) = (locals.first_mut(), about) {
            *first = Binding::Is(about);
        }
        let outer = std::mem::replace(&mut self.locals, locals);
        let declared = std::mem::replace(&mut self.declared, &invariant.locals);
        self.at(invariant.span, |me| {
            if let Operand::Scalar(holds) = me.value(&invariant.condition) {
                me.code.fail_unless(holds, Builtin::InvariantBroken);
            }
        });
        self.locals = outer;
        self.declared = declared;
    }
}
