//! Commands, queries and reports: their entries and what the outer world sees of them.
//!
//! Always true: an entry takes the arguments' record and the place for the result; a command's end checks what
//! the command may have broken.

use crate::body::{Answer, Binding, Function};
use crate::code::Code;
use crate::concrete::Ty;
use crate::effects::{Node, visit_block};
use crate::lowering::Lowering;
use crate::places::Location;
use crate::watch::Journal;
use rc_bytecode::instr::{FunctionIndex, Register, Space, Type, View};
use rc_bytecode::interface::{Allow, Command, CommandKind, Event, Interface};
use rc_bytecode::layout::{Record, Sum, align_up};
use rc_bytecode::limits::SLOT_BYTES_MAX;
use rc_bytecode::module::FunctionKind;
use rc_bytecode::routes::Route;
use rc_diagnostics::{Diagnostic, codes};
use rc_hir as hir;
use rc_hir::{
    CallableId, CallableKind, ExprKind, Origin, Pattern, PatternKind, StatementKind, TableId,
};
use std::collections::BTreeMap;

impl<'p> Lowering<'p> {
    /// The interface, entries not yet made: tests name commands by their number in it.
    pub fn interface(&mut self) -> Interface {
        let program = self.program;
        let mut interface = Interface {
            package: program.package.clone(),
            roles: program.roles.clone(),
            retired: program.retired.clone(),
            ..Interface::default()
        };
        for event in &program.events {
            let record = Record {
                name: event.name.clone(),
                fields: self.types.record_fields(&event.fields, &[]),
            };
            interface.events.push(Event {
                record,
                docs: event.docs.clone(),
            });
        }
        for error in &program.errors {
            let variants = error
                .variants
                .iter()
                .map(|variant| Record {
                    name: variant.name.clone(),
                    fields: self.types.record_fields(&variant.fields, &[]),
                })
                .collect();
            interface.errors.push(Sum {
                name: error.name.clone(),
                variants,
            });
        }
        for (number, callable) in program.callables.iter().enumerate() {
            let kind = match callable.kind {
                _ if callable.is_job_step() => CommandKind::Step,
                CallableKind::Command => CommandKind::Command,
                CallableKind::Query => CommandKind::Query,
                CallableKind::Report => CommandKind::Report,
                CallableKind::Function => continue,
            };
            let retired = program
                .retired
                .iter()
                .any(|(name, version)| *name == callable.name && *version == callable.version);
            if callable.origin == Origin::Std || retired || callable.is_job_walk() {
                continue;
            }
            let fields = callable
                .parameters
                .iter()
                .map(|local| {
                    let local = &callable.locals[local.0 as usize];
                    (local.name.clone(), self.types.shape(&local.ty, &[]))
                })
                .collect();
            let result = match self.types.ty(&callable.result, &[]) {
                Ty::Value(shape) => Some(shape),
                _ => None,
            };
            self.commands
                .insert(CallableId(number as u32), interface.commands.len() as u32);
            interface.commands.push(Command {
                name: callable.name.clone(),
                version: callable.version,
                kind,
                docs: callable.docs.clone(),
                arguments: Record {
                    name: callable.name.clone(),
                    fields,
                },
                result,
                fails: callable.fails.iter().map(|error| error.0).collect(),
                allow: match callable.allow {
                    _ if kind == CommandKind::Step => Allow::Roles(0),
                    hir::Allow::Anyone => Allow::Anyone,
                    hir::Allow::Roles(roles) => Allow::Roles(roles),
                },
                entry: FunctionIndex(0),
                cost: rc_bytecode::Cost::ZERO,
                undo_free: false,
            });
        }
        let routes = program.routes.iter();
        interface.routes = routes
            .filter_map(|(callable, method, path)| {
                Some(Route {
                    command: *self.commands.get(callable)?,
                    method: *method,
                    path: path.clone(),
                })
            })
            .collect();
        interface.routes.sort_by_key(|route| route.command);
        interface
    }

    /// The entry function of a command or query.
    pub fn entry(&mut self, id: CallableId, command: &Command) -> FunctionIndex {
        let program = self.program;
        let callable = &program.callables[id.0 as usize];
        let (extent, offsets) = self.types.shapes.fields_extent(&command.arguments);
        let result = command
            .result
            .as_ref()
            .map_or(0, |shape| self.types.shapes.extent(shape).size);
        let parameters = vec![
            Type::View(View {
                space: Space::Frame,
                length: extent.size,
                writable: false,
            }),
            Type::View(View {
                space: Space::Frame,
                length: result,
                writable: true,
            }),
        ];
        let mut journals = Vec::new();
        for table in 0..program.tables.len() as u32 {
            let bytes = self.journal_bytes(id, TableId(table), callable);
            if bytes > 0 {
                journals.push((Journal::Rows(TableId(table)), bytes));
            }
        }
        for invariant in 0..program.invariants.len() as u32 {
            let bytes = self.group_list_bytes(id, invariant);
            if bytes > 0 {
                journals.push((Journal::Groups(invariant), bytes));
            }
        }
        let summary = self.effects.callables[id.0 as usize].clone();
        let written = self.effects.written[id.0 as usize].clone();
        let mut function = self.function(
            Code::new(&parameters, callable.span),
            Vec::new(),
            &callable.locals,
            summary,
        );
        function.entry = true;
        function.written = written;
        function.answer = if command.result.is_some() {
            Answer::Memory(Register(1))
        } else {
            Answer::Nothing
        };
        for ((local, offset), (_, shape)) in callable
            .parameters
            .iter()
            .zip(offsets)
            .zip(&command.arguments.fields)
        {
            let operand = function.read_as(
                &Ty::Value(shape.clone()),
                Location::Static {
                    view: Register(0),
                    offset,
                },
            );
            function.locals[local.0 as usize] = Binding::Is(operand);
        }
        function.touch_states();
        for (journal, bytes) in journals {
            let register = function.code.slot(bytes);
            function.journals.insert(journal, register);
        }
        function.finish(&callable.body);
        if !function.code.ended() {
            function.leave();
        }
        let Function { code, .. } = function;
        let entry = self.finished(
            format!("{}@{}", callable.name, callable.version),
            FunctionKind::Plain,
            parameters,
            Vec::new(),
            false,
            code,
        );
        self.own(entry, id);
        entry
    }

    /// Bytes of the list of a table's rows to be checked at a command's end; 0 where rows bound on the straight path are all there are.
    fn journal_bytes(&mut self, id: CallableId, table: TableId, callable: &hir::Callable) -> u32 {
        if self.program.tables[table.0 as usize].invariants.is_empty() {
            return 0;
        }
        let summary = &self.effects.callables[id.0 as usize];
        if !summary.adds.contains(&table) && !summary.fields.iter().any(|(of, _)| *of == table) {
            return 0;
        }
        let (all, straight) = self.noted(id, table, &mut BTreeMap::new());
        if all <= straight {
            return 0;
        }
        let stride = align_up(self.schema.tables[table.0 as usize].key_bytes, 8);
        let bytes = u64::from(stride).saturating_mul(all).saturating_add(8);
        if bytes > SLOT_BYTES_MAX.into() {
            let name = &self.program.tables[table.0 as usize].name;
            let message = format!(
                "`{}` may change {all} rows of `{name}`, whose invariants are checked at its end: too many to keep a list of",
                callable.name
            );
            self.diagnostics.push(
                Diagnostic::error(codes::VALUE_TOO_LARGE, callable.span, message)
                    .with_hint("lower the bounds of its loops"),
            );
            return 0;
        }
        bytes as u32
    }

    /// How many rows of the table a callable may write at most, and how many of them by statements of its own straight path.
    fn noted(
        &mut self,
        id: CallableId,
        table: TableId,
        known: &mut BTreeMap<CallableId, u64>,
    ) -> (u64, u64) {
        let program = self.program;
        let callable = &program.callables[id.0 as usize];
        let written = self.effects.written[id.0 as usize].clone();
        let mut straight = 0;
        for statement in &callable.body.statements {
            straight += match &statement.kind {
                StatementKind::LetElse { pattern, value, .. }
                    if is_look_up(value, table) && names(pattern, &written) =>
                {
                    1
                }
                StatementKind::Expression(value) if matches!(value.kind, ExprKind::Insert { table: of, .. } if of == table) => {
                    1
                }
                // It is noted as inserted and as named, both on the straight path.
                StatementKind::Let { value, .. } if matches!(value.kind, ExprKind::Insert { table: of, .. } if of == table) => {
                    2
                }
                StatementKind::Let { pattern, value } if matches!(value.kind, ExprKind::GetOrInsert { table: of, .. } if of == table) =>
                {
                    // The row itself is on the straight path; that it may have been inserted is noted in the list.
                    u64::from(names(pattern, &written))
                }
                _ => 0,
            };
        }
        if let Some(value) = &callable.body.value
            && matches!(value.kind, ExprKind::Insert { table: of, .. } if of == table)
        {
            straight += 1;
        }
        let mut total = 0u64;
        let mut times = vec![1u64];
        let mut calls = Vec::new();
        let rows = |pattern: &Pattern| row_names(pattern, table);
        visit_block(&callable.body, &mut |node| {
            let now = times.last().copied().unwrap_or(1);
            let mut note = |sites: u64| total = total.saturating_add(sites.saturating_mul(now));
            match node {
                Node::EnterLoop(source, pattern) => {
                    let inside = now.saturating_mul(self.bound(source));
                    times.push(inside);
                    total = total.saturating_add(if rows(pattern) { inside } else { 0 });
                }
                Node::LeaveLoop => {
                    times.pop();
                }
                Node::Statement(statement) => match &statement.kind {
                    StatementKind::Let { pattern, .. } | StatementKind::LetElse { pattern, .. }
                        if rows(pattern) =>
                    {
                        note(1)
                    }
                    StatementKind::Assign { target, .. } if matches!(target.ty, hir::Type::Row(of) if of == table) => {
                        note(1)
                    }
                    _ => {}
                },
                Node::Expr(expr) => match &expr.kind {
                    ExprKind::Insert { table: of, .. } if *of == table => note(1),
                    // A row that is found, or one that is made.
                    ExprKind::GetOrInsert { table: of, .. } | ExprKind::Put { table: of, .. }
                        if *of == table =>
                    {
                        note(2)
                    }
                    ExprKind::Delete { table: of, .. } => note(cleared_rows(program, *of, table)),
                    ExprKind::Match { arms, .. } => {
                        note(arms.iter().filter(|arm| rows(&arm.pattern)).count() as u64)
                    }
                    ExprKind::Call { callable, .. } => calls.push((*callable, now)),
                    _ => {}
                },
            }
        });
        for (callable, times) in calls {
            let inner = self.noted_by_callee(callable, table, known);
            total = total.saturating_add(inner.saturating_mul(times));
        }
        (total, straight)
    }

    fn noted_by_callee(
        &mut self,
        callable: CallableId,
        table: TableId,
        known: &mut BTreeMap<CallableId, u64>,
    ) -> u64 {
        if let Some(known) = known.get(&callable) {
            return *known;
        }
        let summary = &self.effects.callables[callable.0 as usize];
        let wanted =
            summary.adds.contains(&table) || summary.fields.iter().any(|(of, _)| *of == table);
        let count = if wanted {
            self.noted(callable, table, known).0
        } else {
            0
        };
        known.insert(callable, count);
        count
    }

    pub fn bound(&mut self, source: &hir::Source) -> u64 {
        match source {
            // Of a generic function the count is not known here: more than any list of rows holds.
            hir::Source::Range {
                max: hir::Count::Open(_),
                ..
            }
            | hir::Source::List {
                max: hir::Count::Open(_),
                ..
            } => u64::from(SLOT_BYTES_MAX),
            hir::Source::Range { max, .. } | hir::Source::List { max, .. } => {
                self.types.count(max, &[])
            }
            hir::Source::Rows { max, .. } => *max,
            hir::Source::AllRows { .. } => 0,
        }
    }
}

fn names(pattern: &Pattern, written: &std::collections::BTreeSet<hir::LocalId>) -> bool {
    match &pattern.kind {
        PatternKind::Bind(id) => written.contains(id),
        PatternKind::Some(inner) => names(inner, written),
        _ => false,
    }
}

fn is_look_up(value: &hir::Expr, table: TableId) -> bool {
    matches!(&value.kind, ExprKind::Get { table: of, .. } | ExprKind::GetUnique { table: of, .. } if *of == table)
}

/// Whether the pattern names a row of the table.
fn row_names(pattern: &Pattern, table: TableId) -> bool {
    match &pattern.kind {
        PatternKind::Bind(_) => match &pattern.ty {
            hir::Type::Row(of) => *of == table,
            hir::Type::Optional(inner) => matches!(**inner, hir::Type::Row(of) if of == table),
            _ => false,
        },
        PatternKind::Some(inner) => row_names(inner, table),
        _ => false,
    }
}

/// Rows of `of` that lose a reference at most, where a row of `table` is deleted.
fn cleared_rows(program: &hir::Program, table: TableId, of: TableId) -> u64 {
    program
        .references_to(table)
        .fold(0, |total: u64, (from, reference)| {
            let rows = match (reference.cascade, reference.clear) {
                (Some(rows), _) => rows.saturating_mul(cleared_rows(program, from, of)),
                (None, Some(rows)) if from == of => rows,
                _ => 0,
            };
            total.saturating_add(rows)
        })
}
