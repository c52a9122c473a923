//! Calls: one copy of a function for each set of sizes, regions and memory spaces that it is called with.
//!
//! Always true: a callee is finished before its caller, so its number is lower; a function is made once per
//! instance. A scalar or a place is answered in a register, an optional of one by control, any other value in memory
//! that the caller gives; a row is handed over as its key and its place; lists of rows to be checked come last.

use crate::body::{Answer, Binding, Function, Operand};
use crate::code::Code;
use crate::concrete::{Ty, instance_name, weight};
use crate::effects::{Node, Summary, visit_block};
use crate::lowering::Lowering;
use crate::rows::Absent;
use crate::watch::Journal;
use rc_bytecode::instr::{Builtin, FunctionIndex, RegionIndex, Register, Space, Type, View};
use rc_bytecode::layout::Shape;
use rc_bytecode::module::FunctionKind;
use rc_diagnostics::{Diagnostic, codes};
use rc_hir as hir;
use rc_hir::{CallableId, Expr, Origin, TableId};
use std::collections::BTreeMap;

/// Copies of a package's generic functions, all types together.
const INSTANCES_MAX: usize = 4_096;
/// Parts of one type argument, names not followed.
const TYPE_PARTS_MAX: u32 = 256;

/// What an instance was made for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instance {
    pub callable: CallableId,
    pub generics: Vec<Ty>,
    pub arguments: Vec<Argument>,
    /// Types of the lists of what is to be checked.
    pub journals: Vec<(Journal, Type)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Argument {
    Region(RegionIndex),
    Register(Type),
    Row(TableId, Type, Type),
}

/// How to call an instance.
#[derive(Clone, Debug)]
pub struct Signature {
    pub function: FunctionIndex,
    pub results: Vec<Type>,
    pub maybe: bool,
    /// The result's size, where it is written to memory.
    pub memory: Option<u32>,
}

/// Whether a result is an optional that control answers.
pub fn answers_maybe(result: &Ty) -> bool {
    match result {
        Ty::Optional(_) => true,
        Ty::Value(Shape::Optional(inner)) => crate::concrete::scalar_of(inner).is_some(),
        _ => false,
    }
}

fn answer_of(result: &Ty) -> Option<bool> {
    match result {
        Ty::Place(..) => Some(false),
        result if answers_maybe(result) => Some(true),
        result => result.as_scalar().map(|_| false),
    }
}

impl<'p> Lowering<'p> {
    /// The instance's function, made now where there is none yet.
    pub fn instance(&mut self, instance: Instance) -> Signature {
        if let Some(known) = self.instances.get(&instance) {
            return known.clone();
        }
        if let Some(twin) = self.twin(&instance) {
            self.own(twin.function, instance.callable);
            self.model(&instance, twin.function);
            self.instances.insert(instance, twin.clone());
            return twin;
        }
        let program = self.program;
        let callable = &program.callables[instance.callable.0 as usize];
        let mut parameters = Vec::new();
        let mut locals = vec![Binding::Unset; callable.locals.len()];
        let mut rows = Vec::new();
        let written = self.effects.written[instance.callable.0 as usize].clone();
        for (argument, local) in instance.arguments.iter().zip(&callable.parameters) {
            let register = Register(parameters.len() as u32);
            let operand = match argument {
                Argument::Region(region) => Operand::Region(*region),
                Argument::Register(ty @ Type::Scalar(_)) => {
                    parameters.push(*ty);
                    Operand::Scalar(register)
                }
                Argument::Register(ty @ Type::View(_)) => {
                    parameters.push(*ty);
                    Operand::View(register)
                }
                Argument::Row(table, key, place) => {
                    parameters.extend([*key, *place]);
                    rows.push((
                        *table,
                        register,
                        Register(register.0 + 1),
                        written.contains(local),
                    ));
                    Operand::Row(rows.len() - 1)
                }
            };
            locals[local.0 as usize] = Binding::Is(operand);
        }
        let mut journals = BTreeMap::new();
        for (journal, ty) in &instance.journals {
            journals.insert(*journal, Register(parameters.len() as u32));
            parameters.push(*ty);
        }
        let result = self.types.ty(&callable.result, &instance.generics);
        let mut memory = None;
        // What is attempted has nowhere but memory to leave its result.
        let attempted = callable.kind != hir::CallableKind::Function;
        let answer = match (&result, answer_of(&result).filter(|_| !attempted)) {
            (_, Some(maybe)) => Answer::Register { maybe },
            (Ty::Value(shape), None) => {
                let length = self.types.shapes.extent(shape).size;
                memory = Some(length);
                let register = Register(parameters.len() as u32);
                parameters.push(Type::View(View {
                    space: Space::Frame,
                    length,
                    writable: true,
                }));
                Answer::Memory(register)
            }
            _ => Answer::Nothing,
        };
        let summary = self.effects.callables[instance.callable.0 as usize].clone();
        let maybe = matches!(answer, Answer::Register { maybe: true });
        let mut function = self.function(
            Code::new(&parameters, callable.span),
            instance.generics.clone(),
            &callable.locals,
            summary,
        );
        function.locals = locals;
        function.written = written;
        function.low_level = callable.origin == Origin::Std;
        function.answer = answer;
        function.journals = journals;
        for (table, key, place, writable) in rows {
            function.new_row(table, key, place, writable);
        }
        if attempted {
            function.check_allowed(&callable.allow);
        }
        function.touch_states();
        function.finish(&callable.body);
        if attempted && !function.code.ended() {
            function.leave();
        }
        let results: Vec<Type> = match (&function.answer, function.result) {
            (Answer::Register { .. }, Some(found)) => vec![found],
            // A function that never answers: its declared scalar, so that calls have a place for it.
            (Answer::Register { .. }, None) => {
                result.as_scalar().map(Type::Scalar).into_iter().collect()
            }
            _ => Vec::new(),
        };
        let Function { code, .. } = function;
        let prefix = match callable.origin {
            Origin::Std => "std.",
            _ if attempted => "attempt ",
            Origin::Package | Origin::Library => "",
        };
        let version = match callable.is_migration() {
            true => format!("@{}", callable.version),
            false => String::new(),
        };
        let name = format!("{prefix}{}{version}", callable.name);
        let name = instance_name(&name, &instance.generics);
        let function = self.finished(
            name,
            FunctionKind::Plain,
            parameters,
            results.clone(),
            maybe,
            code,
        );
        let signature = Signature {
            function,
            results,
            maybe,
            memory,
        };
        if !attempted {
            self.own(function, instance.callable);
        }
        self.model(&instance, signature.function);
        self.instances.insert(instance, signature.clone());
        signature
    }
}

impl<'l, 'p> Function<'l, 'p> {
    /// A container's function on a region. `absent` is lowered where it answers none, and must not go on.
    pub fn call_std(
        &mut self,
        name: &'static str,
        generics: Vec<Ty>,
        region: RegionIndex,
        arguments: Vec<Register>,
        absent: Option<Absent<'_, 'l, 'p>>,
    ) -> Option<Register> {
        self.call_named(name, generics, Some(region), arguments, absent)
    }

    /// A function of the standard library on values at hand: lists and texts.
    pub fn call_plain(
        &mut self,
        name: &'static str,
        generics: Vec<Ty>,
        arguments: Vec<Register>,
    ) -> Option<Register> {
        self.call_named(name, generics, None, arguments, None)
    }

    fn call_named(
        &mut self,
        name: &'static str,
        generics: Vec<Ty>,
        region: Option<RegionIndex>,
        arguments: Vec<Register>,
        absent: Option<Absent<'_, 'l, 'p>>,
    ) -> Option<Register> {
        if self.code.ended() {
            return None;
        }
        let Some(callable) = self.low.std.get(name).copied() else {
            let span = self.code.span;
            self.unsupported(
                span,
                &format!("`{name}`, missing from the standard library,"),
            );
            return None;
        };
        let program = self.low.program;
        let declared = &program.callables[callable.0 as usize];
        if self.may_inline(callable, region.is_none()) {
            let mut operands: Vec<Operand> = region.map(Operand::Region).into_iter().collect();
            operands.extend(arguments.iter().map(|register| self.operand_of(*register)));
            return match self.inline(callable, generics, &operands) {
                Operand::Scalar(register) | Operand::View(register) => Some(register),
                _ => None,
            };
        }
        let mut kinds: Vec<Argument> = region.map(Argument::Region).into_iter().collect();
        let rest = declared.parameters.iter().skip(kinds.len());
        for (register, parameter) in arguments.iter().zip(rest) {
            let ty = self
                .low
                .types
                .ty(&declared.locals[parameter.0 as usize].ty, &generics);
            kinds.push(Argument::Register(self.passed(*register, &ty)));
        }
        let signature = self.low.instance(Instance {
            callable,
            generics,
            arguments: kinds,
            journals: Vec::new(),
        });
        self.emit_call(&signature, arguments, absent)
    }

    /// A parameter's type for this argument: where it points is the caller's, whether it may be written the callee's.
    fn passed(&self, register: Register, declared: &Ty) -> Type {
        match (self.code.type_of(register), declared) {
            (Type::View(view), Ty::Place(_, writable)) => Type::View(View {
                writable: *writable,
                ..view
            }),
            (Type::View(view), _) => Type::View(View {
                writable: false,
                ..view
            }),
            (scalar, _) => scalar,
        }
    }

    fn emit_call(
        &mut self,
        signature: &Signature,
        arguments: Vec<Register>,
        absent: Option<Absent<'_, 'l, 'p>>,
    ) -> Option<Register> {
        let results: Vec<Register> = signature
            .results
            .iter()
            .map(|ty| self.code.register(*ty))
            .collect();
        let otherwise = signature.maybe.then(|| {
            let before = self.stale_rows();
            self.nested += 1;
            self.code.begin();
            if let Some(absent) = absent {
                absent(self);
            }
            self.nested -= 1;
            self.restore_rows(&before);
            self.code.end()
        });
        let first = results.first().copied();
        self.code
            .call(signature.function, arguments, results, otherwise);
        first
    }

    /// A call in the language.
    pub fn call(
        &mut self,
        expr: &'p Expr,
        callable: CallableId,
        generics: &'p [hir::Type],
        arguments: &'p [Expr],
    ) -> Operand {
        let program = self.low.program;
        if program.callables[callable.0 as usize].kind != hir::CallableKind::Function {
            return self.invoke_or_fail(expr, callable, arguments);
        }
        if self.answers_by_control(expr) {
            return match self.ty(&expr.ty) {
                Ty::Value(shape) => {
                    let size = self.size(&shape);
                    let view = self.code.slot(size);
                    let fresh = self.code.loops == 0;
                    self.build(expr, &shape, view, 0, fresh);
                    Operand::View(view)
                }
                _ => self.unsupported(expr.span, "an optional place as a value"),
            };
        }
        self.call_function(callable, generics, arguments, None)
    }

    /// A call whose optional answer is wanted.
    pub fn call_maybe(
        &mut self,
        callable: CallableId,
        generics: &'p [hir::Type],
        arguments: &'p [Expr],
        absent: Absent<'_, 'l, 'p>,
    ) -> Operand {
        self.call_function(callable, generics, arguments, Some(absent))
    }

    fn call_function(
        &mut self,
        callable: CallableId,
        generics: &'p [hir::Type],
        arguments: &'p [Expr],
        absent: Option<Absent<'_, 'l, 'p>>,
    ) -> Operand {
        let generics: Vec<Ty> = generics
            .iter()
            .map(|ty| self.low.types.ty(ty, &self.generics))
            .collect();
        if !self.within_limits(callable, &generics) {
            return Operand::Never;
        }
        if self.may_inline(callable, false) {
            let mut operands = Vec::new();
            for (at, argument) in arguments.iter().enumerate() {
                let later: Vec<&Expr> = arguments[at + 1..].iter().collect();
                operands.push(self.stable(argument, &later));
            }
            return if self.code.ended() {
                Operand::Never
            } else {
                self.inline(callable, generics, &operands)
            };
        }
        let Some((kinds, mut registers)) = self.hand_over(callable, &generics, arguments) else {
            return Operand::Never;
        };
        let journals = self.journals_for(callable);
        registers.extend(journals.iter().map(|(_, register)| *register));
        let journals = journals
            .iter()
            .map(|(table, register)| (*table, Type::View(self.code.view_of(*register))))
            .collect();
        let signature = self.low.instance(Instance {
            callable,
            generics,
            arguments: kinds,
            journals,
        });
        let mut out = None;
        if let Some(bytes) = signature.memory {
            let slot = self.code.slot(bytes);
            registers.push(slot);
            out = Some(slot);
        }
        let result = self.emit_call(&signature, registers, absent);
        let moves = self.low.effects.callables[callable.0 as usize]
            .moves
            .clone();
        moves.into_iter().for_each(|table| self.table_moved(table));
        match (out, result) {
            (Some(view), _) => Operand::View(view),
            (None, Some(register)) => match self.code.type_of(register) {
                Type::Scalar(_) => Operand::Scalar(register),
                Type::View(_) => Operand::View(register),
            },
            (None, None) => Operand::Unit,
        }
    }

    /// Whether another copy of a generic function of a package may be made; a message once where not. A small source cannot become a large
    /// module: neither by many copies nor by types that grow from call to call.
    fn within_limits(&mut self, callable: CallableId, generics: &[Ty]) -> bool {
        let declared = &self.low.program.callables[callable.0 as usize];
        if generics.is_empty() || declared.origin == Origin::Std {
            return true;
        }
        let large = generics
            .iter()
            .any(|ty| weight(ty, TYPE_PARTS_MAX) > TYPE_PARTS_MAX);
        let program = self.low.program;
        let copies = |instance: &&Instance| {
            !instance.generics.is_empty()
                && program.callables[instance.callable.0 as usize].origin != Origin::Std
        };
        let many = !large && self.low.instances.keys().filter(copies).count() >= INSTANCES_MAX;
        if !large && !many {
            return true;
        }
        if !std::mem::replace(&mut self.low.instances_reported, true) {
            let what = match large {
                true => format!("a type argument of more than {TYPE_PARTS_MAX} parts"),
                false => format!("more than {INSTANCES_MAX} copies of generic functions"),
            };
            let span = self.code.span;
            let message = format!("`{}` would be made for {what}", declared.name);
            self.low.diagnostics.push(
                Diagnostic::error(codes::MODULE_TOO_LARGE, span, message)
                    .with_hint("name a struct for the parts, or write fewer types"),
            );
        }
        self.code.fail(Builtin::BoundExceeded);
        false
    }

    /// Arguments as a callee takes them: what kind each is, and its registers. Nothing where control does not get to the call.
    pub fn hand_over(
        &mut self,
        callable: CallableId,
        generics: &[Ty],
        arguments: &'p [Expr],
    ) -> Option<(Vec<Argument>, Vec<Register>)> {
        let program = self.low.program;
        let declared = &program.callables[callable.0 as usize];
        let (mut kinds, mut registers, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (at, argument) in arguments.iter().enumerate() {
            let later: Vec<&Expr> = arguments[at + 1..].iter().collect();
            let parameter = declared.parameters[at];
            let ty = self
                .low
                .types
                .ty(&declared.locals[parameter.0 as usize].ty, generics);
            match self.stable(argument, &later) {
                Operand::Region(region) => kinds.push(Argument::Region(region)),
                Operand::Scalar(register) => {
                    kinds.push(Argument::Register(self.code.type_of(register)));
                    registers.push(register);
                }
                Operand::View(view) => {
                    // Values are handed over in the frame; only places may be of pages.
                    let in_page = matches!(self.code.view_of(view).space, Space::Page(_))
                        && matches!(ty, Ty::Value(_));
                    let view = if in_page {
                        let slot = self.code.slot(self.code.view_of(view).length);
                        self.code.copy(slot, view);
                        slot
                    } else {
                        view
                    };
                    kinds.push(Argument::Register(self.passed(view, &ty)));
                    registers.push(view);
                }
                Operand::Row(row) => {
                    rows.push((kinds.len(), registers.len(), row));
                    let write = self.low.effects.written[callable.0 as usize].contains(&parameter);
                    if write && !self.rows[row].writable {
                        self.unsupported(
                            argument.span,
                            "handing a row on to what writes it, before it has a name,",
                        );
                        return None;
                    }
                    let (table, key, place) = (
                        self.rows[row].table,
                        self.rows[row].key,
                        self.rows[row].place,
                    );
                    let view = |register: Register, writable: bool| {
                        Type::View(View {
                            writable,
                            ..self.code.view_of(register)
                        })
                    };
                    kinds.push(Argument::Row(table, view(key, false), view(place, write)));
                    registers.extend([key, place]);
                }
                _ => return None,
            }
        }
        // Places are made good last: an argument after them may have moved them.
        for (_, at, row) in rows {
            registers[at + 1] = self.row_place(row);
        }
        Some((kinds, registers))
    }

    fn operand_of(&self, register: Register) -> Operand {
        match self.code.type_of(register) {
            Type::Scalar(_) => Operand::Scalar(register),
            Type::View(_) => Operand::View(register),
        }
    }

    /// A few operations of the standard library that end where they end: cheaper where they are than behind a call.
    /// Those on values at hand may count, too.
    fn may_inline(&self, callable: CallableId, loops: bool) -> bool {
        let declared = &self.low.program.callables[callable.0 as usize];
        let result = matches!(
            declared.result,
            hir::Type::Scalar(_) | hir::Type::Place { .. } | hir::Type::Unit
        );
        declared.origin == Origin::Std && result && is_simple(&declared.body, loops)
    }

    fn inline(&mut self, callable: CallableId, generics: Vec<Ty>, operands: &[Operand]) -> Operand {
        let declared = &self.low.program.callables[callable.0 as usize];
        let mut locals = vec![Binding::Unset; declared.locals.len()];
        for (parameter, operand) in declared.parameters.iter().zip(operands) {
            locals[parameter.0 as usize] = Binding::Is(*operand);
        }
        let outer = std::mem::replace(&mut self.locals, locals);
        let outer_declared = std::mem::replace(&mut self.declared, &declared.locals);
        let outer_generics = std::mem::replace(&mut self.generics, generics);
        let outer_level = std::mem::replace(&mut self.low_level, true);
        self.inlined += 1;
        let result = self.block_value(&declared.body);
        self.inlined -= 1;
        self.locals = outer;
        self.declared = outer_declared;
        self.generics = outer_generics;
        self.low_level = outer_level;
        result
    }

    /// The lists that a callee adds to, of those that this function has.
    pub fn journals_for(&self, callable: CallableId) -> Vec<(Journal, Register)> {
        self.journals_of(&self.low.effects.callables[callable.0 as usize])
    }

    /// The lists that code with these effects adds to, of those that this function has.
    pub fn journals_of(&self, summary: &Summary) -> Vec<(Journal, Register)> {
        let program = self.low.program;
        let wanted = |journal: &Journal| match journal {
            Journal::Rows(table) => {
                summary.adds.contains(table) || summary.fields.iter().any(|(of, _)| of == table)
            }
            Journal::Groups(invariant) => summary.changes_groups(program, *invariant),
        };
        self.journals
            .iter()
            .filter(|(journal, _)| wanted(journal))
            .map(|(journal, register)| (*journal, *register))
            .collect()
    }
}

/// Whether a body goes straight to its end: no calls, no way out but its end and failures. What touches
/// pages only looks at them, so that what is written out in many places stays short.
fn is_simple(body: &hir::Block, loops: bool) -> bool {
    let (mut only, mut touches, mut changes) = (true, false, false);
    visit_block(body, &mut |node| match node {
        Node::Expr(expr) => match &expr.kind {
            hir::ExprKind::Break => only &= loops,
            hir::ExprKind::Integer(_)
            | hir::ExprKind::Bool(_)
            | hir::ExprKind::Const(_)
            | hir::ExprKind::Local(_)
            | hir::ExprKind::Unary { .. }
            | hir::ExprKind::Binary { .. }
            | hir::ExprKind::Compare { .. }
            | hir::ExprKind::Convert { .. }
            | hir::ExprKind::If { .. }
            | hir::ExprKind::Block(_)
            | hir::ExprKind::Field { .. }
            | hir::ExprKind::Index { .. } => {}
            hir::ExprKind::Touch { .. } => touches = true,
            hir::ExprKind::Unit | hir::ExprKind::Fail(_) => changes = true,
            hir::ExprKind::LowLevel { op, .. } => match op {
                hir::LowLevel::At => {}
                hir::LowLevel::Random => only = false,
                _ => changes = true,
            },
            _ => only = false,
        },
        Node::Statement(statement) => match statement.kind {
            hir::StatementKind::Let { .. } => {}
            hir::StatementKind::Assign { .. } | hir::StatementKind::Expression(_) => changes = true,
            hir::StatementKind::For { .. } => only &= loops,
            _ => only = false,
        },
        Node::EnterLoop(..) | Node::LeaveLoop => {}
    });
    only && !(touches && changes)
}
