//! One function while it is being lowered: its locals, its rows, what it has touched; statements and blocks.
//!
//! Always true: a value is where the next instruction may read it; a row's place is either good or marked stale, and
//! whoever uses a stale one finds it again first; what ends control leaves `code.ended()`.

use crate::attempts::Attempt;
use crate::code::{Code, Done, Label};
use crate::concrete::{Ty, scalar_of};
use crate::effects::{self, Summary};
use crate::lowering::Lowering;
use crate::rows::RowBinding;
use crate::trial::Trial;
use crate::watch::{Check, Journal};
use rc_bytecode::instr::{Builtin, CompareOp, Failure, Instr, RegionIndex, Register, Scalar};
use rc_bytecode::layout::Shape;
use rc_hir as hir;
use rc_hir::{Block, Expr, ExprKind, LocalId, Pattern, PatternKind, Statement, StatementKind};
use rc_source::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Control does not get here.
    Never,
    Unit,
    Scalar(Register),
    /// In memory: a value, or a place of the low-level part.
    View(Register),
    /// A row, by its number among the function's rows.
    Row(usize),
    Region(RegionIndex),
    /// An attempt's outcome, by its number among the function's attempts.
    Attempt(usize),
}

/// What a local stands for.
#[derive(Clone, Copy, Debug)]
pub enum Binding {
    Unset,
    Is(Operand),
    /// An optional row: whether it is there, and the row, whose place is stale.
    Maybe(Register, usize),
}

/// Where a value shall go.
#[derive(Clone, Copy, Debug)]
pub enum Dest {
    Discard,
    Register(Register),
    /// `fresh`: the bytes are zero.
    Memory {
        view: Register,
        offset: u32,
        fresh: bool,
    },
}

/// How the function answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// An entry or a function with an aggregate result: written here, then `Return`.
    Memory(Register),
    /// Scalar or place; `maybe` where an optional is answered by control.
    Register {
        maybe: bool,
    },
    Nothing,
}

/// An open loop of the source.
pub struct Loop {
    pub next: Label,
    pub end: Label,
}

/// See the file's text.
pub struct Function<'l, 'p> {
    pub low: &'l mut Lowering<'p>,
    pub code: Code,
    pub generics: Vec<Ty>,
    pub declared: &'p [hir::Local],
    pub locals: Vec<Binding>,
    pub rows: Vec<RowBinding>,
    pub written: BTreeSet<LocalId>,
    pub answer: Answer,
    /// What the results of the function have turned out to be.
    pub result: Option<rc_bytecode::instr::Type>,
    pub loops: Vec<Loop>,
    /// Views of the pages of states, touched at the start.
    pub states: Vec<Option<Register>>,
    /// States that hold their value in the page here, and on every way that follows.
    pub opened: BTreeSet<hir::StateId>,
    /// What is to be checked at the command's end: lists of keys.
    pub journals: BTreeMap<Journal, Register>,
    /// Rows bound on the straight path of a command, to be checked at its end.
    pub checks: Vec<Check>,
    /// Whether this is a command's own body, whose end checks invariants.
    pub entry: bool,
    pub summary: Summary,
    /// Branches and loops around the current place.
    pub nested: u32,
    /// Index values that have been worked out before the value of their assignment.
    pub prepared: Vec<(*const Expr, Register)>,
    pub trial: Option<Trial>,
    pub attempts: Vec<Attempt>,
    /// Whether the next look-up is of a row that is written through its name.
    pub write_wanted: bool,
    /// Whether this is the standard library's code.
    pub low_level: bool,
    /// Functions of the standard library that are being written out here, whose lines say nothing to people.
    pub inlined: u32,
}

impl<'p> Function<'_, 'p> {
    pub fn ty(&mut self, ty: &hir::Type) -> Ty {
        self.low.types.ty(ty, &self.generics)
    }

    pub fn shape(&mut self, ty: &hir::Type) -> Shape {
        match self.ty(ty) {
            Ty::Value(shape) => shape,
            _ => Shape::Tuple(Vec::new()),
        }
    }

    pub fn size(&self, shape: &Shape) -> u32 {
        self.low.types.shapes.extent(shape).size
    }

    pub fn count(&mut self, count: &hir::Count) -> u64 {
        self.low.types.count(count, &self.generics)
    }

    /// Says that something of the language has no code yet, once per place.
    pub fn unsupported(&mut self, span: Span, what: &str) -> Operand {
        let message = format!("{what} is not in this edition");
        self.low.diagnostics.push(rc_diagnostics::Diagnostic::error(
            rc_diagnostics::codes::NOT_IN_THIS_EDITION,
            span,
            message,
        ));
        self.code.fail(Builtin::BoundExceeded);
        Operand::Never
    }

    pub fn at<T>(&mut self, span: Span, work: impl FnOnce(&mut Self) -> T) -> T {
        // What is lowered in place of a name, as an invariant, keeps the line that asked for it.
        let span = if self.inlined > 0 {
            self.code.span
        } else {
            span
        };
        let outer = std::mem::replace(&mut self.code.span, span);
        let result = work(self);
        self.code.span = outer;
        result
    }

    // -- blocks and statements ---------------------------------------------------------------------------

    pub fn block(&mut self, block: &'p Block, dest: Dest) {
        for statement in &block.statements {
            if self.code.ended() {
                return;
            }
            self.at(statement.span, |me| me.statement(statement));
        }
        if let Some(value) = &block.value {
            self.into(value, dest);
        }
    }

    /// A block whose value is wanted where it is.
    pub fn block_value(&mut self, block: &'p Block) -> Operand {
        for statement in &block.statements {
            if self.code.ended() {
                return Operand::Never;
            }
            self.at(statement.span, |me| me.statement(statement));
        }
        match &block.value {
            Some(value) => self.value(value),
            None if self.code.ended() => Operand::Never,
            None => Operand::Unit,
        }
    }

    pub fn statement(&mut self, statement: &'p Statement) {
        match &statement.kind {
            StatementKind::Let { pattern, value } => self.let_value(pattern, value),
            StatementKind::LetElse {
                pattern,
                value,
                otherwise,
            } => {
                let rows = self.stale_rows();
                self.write_wanted = self.writes_through(pattern);
                let content = self.optional(value, &mut |me: &mut Self| {
                    me.nested += 1;
                    me.into(otherwise, Dest::Discard);
                    me.nested -= 1;
                    if !me.code.ended() {
                        me.code.fail(Builtin::BoundExceeded);
                    }
                    // What the else side did does not reach the code after it.
                    me.restore_rows(&rows);
                });
                self.write_wanted = false;
                self.bind_new(pattern, content);
            }
            StatementKind::Assign {
                target,
                operator,
                value,
            } => self.assign(target, *operator, value),
            StatementKind::Emit { event, fields } => self.emit(*event, fields),
            StatementKind::For {
                pattern,
                source,
                body,
            } => self.walk(
                source,
                pattern,
                &mut |me: &mut Self| me.block(body, Dest::Discard),
                |visit| {
                    effects::visit_block(body, visit);
                },
            ),
            StatementKind::Expression(expr) => self.into(expr, Dest::Discard),
            StatementKind::As { .. }
            | StatementKind::Advance { .. }
            | StatementKind::Assert { .. }
            | StatementKind::Expect { .. } => {
                self.trial_statement(statement);
            }
        }
    }

    /// Whether the pattern names a row that is written through the name.
    pub fn writes_through(&self, pattern: &Pattern) -> bool {
        match &pattern.kind {
            PatternKind::Bind(id) => self.written.contains(id),
            PatternKind::Some(inner) => self.writes_through(inner),
            _ => false,
        }
    }

    pub fn statement_at(&mut self, statement: &'p Statement) {
        if !self.code.ended() {
            self.at(statement.span, |me| me.statement(statement));
        }
    }

    fn let_value(&mut self, pattern: &'p Pattern, value: &'p Expr) {
        if let PatternKind::Bind(id) = pattern.kind {
            let ty = self.ty(&value.ty);
            match ty {
                Ty::Value(shape) => {
                    let dest = self.new_local(&shape);
                    self.into(value, dest.1);
                    self.locals[id.0 as usize] = Binding::Is(dest.0);
                    return;
                }
                Ty::Optional(inner) if matches!(*inner, Ty::Row(_)) => {
                    self.write_wanted = self.written.contains(&id);
                    self.bind_maybe(id, value);
                    self.write_wanted = false;
                    return;
                }
                _ => {}
            }
        }
        if matches!(value.kind, ExprKind::Get { .. }) {
            self.write_wanted = self.writes_through(pattern);
        }
        let operand = self.value(value);
        self.write_wanted = false;
        if !self.code.ended() {
            self.bind_new(pattern, operand);
        }
    }

    /// A home for a new local.
    pub fn new_local(&mut self, shape: &Shape) -> (Operand, Dest) {
        match scalar_of(shape) {
            Some(scalar) => {
                let register = self.code.scalar(scalar);
                (Operand::Scalar(register), Dest::Register(register))
            }
            None => {
                let size = self.size(shape);
                let view = self.code.slot(size);
                (
                    Operand::View(view),
                    Dest::Memory {
                        view,
                        offset: 0,
                        fresh: self.code.loops == 0,
                    },
                )
            }
        }
    }

    /// Binds a pattern that always matches to a value that is not kept elsewhere.
    pub fn bind_new(&mut self, pattern: &'p Pattern, operand: Operand) {
        if self.code.ended() {
            return;
        }
        match &pattern.kind {
            PatternKind::Bind(id) => {
                let bound = match operand {
                    // A copy: the source may change while the name lives.
                    Operand::Scalar(register) => Operand::Scalar(self.code.copied(register)),
                    Operand::View(view) => match self.ty(&pattern.ty) {
                        Ty::Value(shape) => {
                            let size = self.size(&shape);
                            let slot = self.code.slot(size);
                            self.code.copy(slot, view);
                            Operand::View(slot)
                        }
                        _ if self
                            .declared
                            .get(id.0 as usize)
                            .is_some_and(|local| local.mutable) =>
                        {
                            Operand::View(self.code.copied(view))
                        }
                        _ => Operand::View(view),
                    },
                    other => other,
                };
                let bound = match bound {
                    Operand::Row(row) => {
                        self.name_row(*id, row);
                        let changes = self
                            .declared
                            .get(id.0 as usize)
                            .is_some_and(|local| local.mutable);
                        Operand::Row(if changes {
                            self.row_variable(row, self.written.contains(id))
                        } else {
                            row
                        })
                    }
                    other => other,
                };
                self.locals[id.0 as usize] = Binding::Is(bound);
            }
            PatternKind::Tuple(_) | PatternKind::Variant { .. } => self.bind(pattern, operand),
            _ => {}
        }
    }

    pub fn emit(&mut self, event: hir::EventId, fields: &'p [Expr]) {
        let shapes = self.low.events[event.0 as usize].clone();
        let view = self.record(&shapes, fields);
        if !self.code.ended() {
            self.code.emit(Instr::Emit {
                event: rc_bytecode::instr::EventIndex(event.0),
                view,
            });
        }
    }

    /// A record of these fields in a new frame slot.
    pub fn record(&mut self, shapes: &[Shape], fields: &'p [Expr]) -> Register {
        let (extent, offsets) = self.low.types.shapes.record_extent(shapes.iter());
        let view = self.code.slot(extent.size);
        let fresh = self.code.loops == 0;
        for (field, offset) in fields.iter().zip(offsets) {
            self.into(
                field,
                Dest::Memory {
                    view,
                    offset,
                    fresh,
                },
            );
        }
        view
    }

    pub fn fail(&mut self, failure: &'p hir::FailureValue) {
        match failure {
            hir::FailureValue::Builtin(builtin) => self.code.fail(*builtin),
            hir::FailureValue::Declared {
                error,
                variant,
                fields,
            } => {
                let shapes = self.low.errors[error.0 as usize][*variant as usize].clone();
                let payload = (!shapes.is_empty()).then(|| self.record(&shapes, fields));
                self.code.emit(Instr::Fail {
                    failure: Failure::Declared {
                        error: error.0,
                        variant: *variant,
                    },
                    payload,
                });
            }
        }
    }

    // -- branches ----------------------------------------------------------------------------------------

    /// Which rows must be found again.
    pub fn stale_rows(&self) -> Vec<bool> {
        self.rows.iter().map(|row| row.stale).collect()
    }

    pub fn restore_rows(&mut self, stale: &[bool]) {
        for (at, row) in self.rows.iter_mut().enumerate() {
            row.stale = stale.get(at).copied().unwrap_or(true);
        }
    }

    fn join_rows(&mut self, other: &[bool]) {
        for (at, row) in self.rows.iter_mut().enumerate() {
            row.stale |= other.get(at).copied().unwrap_or(true);
        }
    }

    /// Lowers a branch; what it does to rows and locals is joined by [`Function::branches`].
    pub fn branches(
        &mut self,
        then: &mut dyn FnMut(&mut Self),
        otherwise: &mut dyn FnMut(&mut Self),
    ) -> (Done, Done) {
        let before = self.stale_rows();
        let opened = self.opened.clone();
        self.nested += 1;
        self.code.begin();
        then(self);
        let then = self.code.end();
        let after_then = self.stale_rows();
        self.restore_rows(&before);
        self.opened.clone_from(&opened);
        self.code.begin();
        otherwise(self);
        let otherwise = self.code.end();
        self.opened = opened;
        self.nested -= 1;
        if otherwise.ended && !then.ended {
            self.restore_rows(&after_then);
        } else if !then.ended {
            self.join_rows(&after_then);
        }
        (then, otherwise)
    }

    pub fn if_else(
        &mut self,
        condition: Register,
        then: &mut dyn FnMut(&mut Self),
        otherwise: &mut dyn FnMut(&mut Self),
    ) {
        let (then, otherwise) = self.branches(then, otherwise);
        self.code.end_if(condition, then, otherwise);
    }

    /// A piece of code that may be left early by breaks to its label, and whose rows are stale after it where they may be on any way.
    pub fn leavable(&mut self, work: &mut dyn FnMut(&mut Self, Label)) {
        let before: Vec<(bool, u32)> = self.rows.iter().map(|row| (row.stale, row.moves)).collect();
        let opened = self.opened.clone();
        let label = self.code.begin_block();
        work(self, label);
        self.code.end_block();
        self.opened = opened;
        // Good after it where it was good before and nothing moved on any way through.
        for (at, row) in self.rows.iter_mut().enumerate() {
            row.stale |= before
                .get(at)
                .is_none_or(|(stale, moves)| *stale || *moves != row.moves);
        }
    }

    /// Marks rows stale that the code may have moved; before a loop too, whose body runs again.
    pub fn moved(&mut self, summary: &Summary) {
        for table in &summary.moves {
            self.table_moved(*table);
        }
        for id in &summary.renamed {
            if let Some(Binding::Is(Operand::Row(row))) = self.locals.get(id.0 as usize).copied() {
                self.rows[row].stale = true;
                self.rows[row].moves += 1;
            }
        }
    }

    // -- small numbers -----------------------------------------------------------------------------------

    /// Fails where `index` (U64) is not below `length` (U64).
    pub fn check_index(&mut self, index: Register, length: Register) {
        let beyond = self.code.compare(CompareOp::GreaterOrEqual, index, length);
        self.code.fail_if(beyond, Builtin::BoundExceeded);
    }

    pub fn widen(&mut self, register: Register) -> Register {
        self.code.convert(
            rc_bytecode::instr::ConvertMode::Wrapping,
            Scalar::U64,
            register,
        )
    }
}

/// Whether an expression is a literal.
pub fn is_constant(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Integer(_)
            | ExprKind::Unsigned(_)
            | ExprKind::Bool(_)
            | ExprKind::Const(_)
            | ExprKind::Float(_)
    )
}
