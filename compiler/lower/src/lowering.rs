//! The whole program while it is being lowered: what is known of it, and the functions made so far.

use crate::body::{Answer, Function};
use crate::calls::{Argument, Instance, Signature};
use crate::code::Code;
use crate::concrete::{Ty, Types};
use crate::effects::{Effects, Summary};
use crate::explain::{self, Proven};
use crate::schema::Schema;
use crate::{Lowered, Options, TestCode, limits};
use rc_bytecode::Interface;
use rc_bytecode::instr::{FunctionIndex, Space, Type, View};
use rc_bytecode::layout::Shape;
use rc_bytecode::module::{FunctionKind, Module};
use rc_bytecode::verify::certify;
use rc_diagnostics::Diagnostics;
use rc_hir as hir;
use rc_hir::{CallableId, Origin};
use rc_source::{Sources, Span};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub struct Lowering<'p> {
    pub program: &'p hir::Program,
    pub sources: &'p Sources,
    pub types: Types<'p>,
    pub schema: Schema,
    pub effects: Effects,
    /// The aggregates of each table that has some.
    pub aggregates: BTreeMap<hir::TableId, Vec<hir::AggregateId>>,
    pub diagnostics: Diagnostics,
    /// Shapes of each event's fields.
    pub events: Vec<Vec<Shape>>,
    /// Shapes of each error variant's fields.
    pub errors: Vec<Vec<Vec<Shape>>>,
    pub functions: Vec<rc_bytecode::module::Function>,
    /// Of each function, the source of every instruction in preorder.
    pub spans: Vec<Vec<Span>>,
    /// Looked up, never walked.
    pub instances: HashMap<Instance, Signature>,
    /// Functions that delete a row with what cascades from it. Looked up, never walked.
    pub deletions: HashMap<crate::references::Deletion, FunctionIndex>,
    /// Of the standard library's functions, what can be copied for other regions.
    pub models: crate::twins::Models,
    /// Which callable a function was made from.
    pub owners: BTreeMap<FunctionIndex, CallableId>,
    /// The callables that own a function. Looked up, never walked.
    pub owning: HashSet<CallableId>,
    /// The standard library's functions by module and name.
    pub std: HashMap<String, CallableId>,
    /// Numbers of commands and queries in the interface.
    pub commands: BTreeMap<CallableId, u32>,
    pub assertions: Vec<crate::Assertion>,
    /// Whether too many copies of generic functions were reported.
    pub instances_reported: bool,
}

impl<'p> Lowering<'p> {
    pub fn new(program: &'p hir::Program, sources: &'p Sources, page_shift: u8) -> Lowering<'p> {
        let mut types = Types::new(program, page_shift);
        let mut diagnostics = Diagnostics::new();
        let schema = Schema::of(&mut types, &mut diagnostics);
        let events = program
            .events
            .iter()
            .map(|event| shapes_of(&mut types, &event.fields))
            .collect();
        let errors = program
            .errors
            .iter()
            .map(|error| {
                error
                    .variants
                    .iter()
                    .map(|variant| shapes_of(&mut types, &variant.fields))
                    .collect()
            })
            .collect();
        let std = program
            .callables
            .iter()
            .enumerate()
            .filter(|(_, callable)| callable.origin == Origin::Std)
            .map(|(number, callable)| (callable.name.clone(), CallableId(number as u32)))
            .collect();
        let mut aggregates: BTreeMap<hir::TableId, Vec<hir::AggregateId>> = BTreeMap::new();
        for (number, aggregate) in program.aggregates.iter().enumerate() {
            let of = aggregates.entry(aggregate.table).or_default();
            of.push(hir::AggregateId(number as u32));
        }
        Lowering {
            program,
            sources,
            types,
            schema,
            effects: Effects::of(program),
            aggregates,
            diagnostics,
            events,
            errors,
            functions: Vec::new(),
            spans: Vec::new(),
            instances: HashMap::new(),
            deletions: HashMap::new(),
            models: crate::twins::Models::default(),
            owners: BTreeMap::new(),
            owning: HashSet::new(),
            std,
            commands: BTreeMap::new(),
            assertions: Vec::new(),
            instances_reported: false,
        }
    }

    /// A function that has nothing in it yet.
    pub fn function(
        &mut self,
        code: Code,
        generics: Vec<Ty>,
        declared: &'p [hir::Local],
        summary: Summary,
    ) -> Function<'_, 'p> {
        Function {
            low: self,
            code,
            generics,
            declared,
            locals: vec![crate::body::Binding::Unset; declared.len()],
            rows: Vec::new(),
            written: BTreeSet::new(),
            answer: Answer::Nothing,
            result: None,
            loops: Vec::new(),
            states: Vec::new(),
            opened: BTreeSet::new(),
            journals: BTreeMap::new(),
            checks: Vec::new(),
            entry: false,
            summary,
            nested: 0,
            prepared: Vec::new(),
            trial: None,
            attempts: Vec::new(),
            write_wanted: false,
            low_level: false,
            inlined: 0,
        }
    }

    /// Adds a finished function to the module.
    pub fn finished(
        &mut self,
        name: String,
        kind: FunctionKind,
        parameters: Vec<Type>,
        results: Vec<Type>,
        maybe: bool,
        mut code: Code,
    ) -> FunctionIndex {
        let span = code.span;
        let done = code.complete(span);
        let lines = self.lines(&done.spans);
        self.functions.push(rc_bytecode::module::Function {
            name,
            kind,
            parameters,
            results,
            maybe,
            registers: code.registers,
            slots: code.slots,
            body: done.body,
            lines,
            cost: rc_bytecode::Cost::ZERO,
        });
        self.spans.push(done.spans);
        FunctionIndex(self.functions.len() as u32 - 1)
    }

    /// Notes which callable a function was made from.
    pub fn own(&mut self, function: FunctionIndex, callable: CallableId) {
        self.owners.insert(function, callable);
        self.owning.insert(callable);
    }

    /// An entry per change of line.
    fn lines(&self, spans: &[Span]) -> Vec<(u32, u32, u32)> {
        let mut lines: Vec<(u32, u32, u32)> = Vec::new();
        let mut before = None;
        for (number, span) in spans.iter().enumerate() {
            if before == Some((span.file, span.start)) {
                continue;
            }
            before = Some((span.file, span.start));
            let line = self.sources.file(span.file).line(span.start);
            if lines
                .last()
                .is_none_or(|(_, file, last)| (*file, *last) != (span.file.0, line))
            {
                lines.push((number as u32, span.file.0, line));
            }
        }
        lines
    }
}

pub fn shapes_of(types: &mut Types, fields: &[hir::Field]) -> Vec<Shape> {
    fields
        .iter()
        .map(|field| types.shape(&field.ty, &[]))
        .collect()
}

impl Lowering<'_> {
    /// A function of the package for its own sake: it may be called by nobody, and its cost is shown all the same.
    pub fn function_alone(&mut self, id: CallableId) {
        if self.owning.contains(&id) {
            return;
        }
        let program = self.program;
        let callable = &program.callables[id.0 as usize];
        let written = self.effects.written[id.0 as usize].clone();
        let mut arguments = Vec::new();
        for local in &callable.parameters {
            let ty = self.types.ty(&callable.locals[local.0 as usize].ty, &[]);
            let view = |length, writable| {
                Type::View(View {
                    space: Space::Frame,
                    length,
                    writable,
                })
            };
            arguments.push(match &ty {
                Ty::Row(table) => {
                    let info = &self.schema.tables[table.0 as usize];
                    let place = View {
                        space: Space::Page(info.region),
                        length: info.extent.size,
                        writable: written.contains(local),
                    };
                    Argument::Row(*table, view(info.key_bytes, false), Type::View(place))
                }
                ty => match ty.as_scalar() {
                    Some(scalar) => Argument::Register(Type::Scalar(scalar)),
                    None => Argument::Register(view(self.types.extent(ty).size, false)),
                },
            });
        }
        self.instance(Instance {
            callable: id,
            generics: Vec::new(),
            arguments,
            journals: Vec::new(),
        });
    }

    /// The module with its certificate, and what it costs.
    pub fn finish(
        mut self,
        interface: Interface,
        options: Options,
        tests: Vec<TestCode>,
    ) -> (Lowered, Diagnostics) {
        let mut interface = interface;
        interface.shapes = std::mem::take(&mut self.types.shapes);
        let module = Module {
            format: 1,
            edition: 1,
            page_shift: options.page_shift,
            interface,
            regions: std::mem::take(&mut self.schema.regions),
            functions: std::mem::take(&mut self.functions),
            files: self
                .sources
                .iter()
                .map(|(_, file)| file.name.clone())
                .collect(),
        };
        let module = certify(module);
        let mut proven: BTreeMap<CallableId, Proven> = BTreeMap::new();
        for (function, owner) in &self.owners {
            let callable = &self.program.callables[owner.0 as usize];
            if callable.origin == Origin::Std {
                continue;
            }
            let code = &module.functions[function.0 as usize];
            let parts = explain::parts(&module, code, &self.spans[function.0 as usize]);
            let found = Proven {
                callable: *owner,
                cost: code.cost,
                parts,
            };
            // Of several copies the dearest counts.
            if proven
                .get(owner)
                .is_none_or(|known| known.cost.steps < found.cost.steps)
            {
                proven.insert(*owner, found);
            }
        }
        for command in &module.interface.commands {
            if let Some(owner) = self.owners.get(&command.entry)
                && let Some(proven) = proven.get_mut(owner)
            {
                proven.cost = command.cost;
            }
        }
        for (owner, proven) in &proven {
            limits::check(
                &self.program.callables[owner.0 as usize],
                proven,
                &mut self.diagnostics,
            );
        }
        let proven = proven.into_values().collect();
        (
            Lowered {
                module,
                tests,
                assertions: self.assertions,
                proven,
            },
            self.diagnostics,
        )
    }
}
