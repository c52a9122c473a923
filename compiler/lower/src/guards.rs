//! Questions about the data that a deploy asks before the module goes live: whether the top-level invariants hold of what is
//! there, and whether a table has no rows, which is asked where something new is said of each of them.
//!
//! Always true: a guard only reads, with a proven cost, and answers no by failing; what a rule means is hashed from its
//! lowered code, callees included and without numbers that hang on the order of the source.

use crate::body::{Function, Operand};
use crate::code::Code;
use crate::effects::Summary;
use crate::lowering::Lowering;
use rc_bytecode::hash::hash_bytes;
use rc_bytecode::instr::{Body, Builtin, FunctionIndex, Instr, Register, Space, Type, View};
use rc_bytecode::interface::{Guard, GuardKind};
use rc_bytecode::module::{FunctionKind, Region};
use rc_hir as hir;
use rc_hir::{Storage, TableId};
use std::collections::BTreeMap;

/// Characters of a condition that a deploy shows at most.
const TEXT_CHARACTERS_MAX: usize = 200;

impl<'p> Lowering<'p> {
    /// A guard for each top-level invariant and one for each version of a table.
    pub fn guards(&mut self) -> Vec<Guard> {
        let program = self.program;
        let mut guards = Vec::new();
        let whole = program.invariants.iter();
        let whole = whole.filter(|invariant| invariant.group.is_none());
        for (number, invariant) in whole.enumerate() {
            let summary = reads(invariant);
            let code = Code::new(&[], invariant.span);
            let mut function = self.function(code, Vec::new(), &invariant.locals, summary);
            function.touch_states();
            function.check_condition(invariant, None);
            function.leave();
            let Function { code, .. } = function;
            guards.push(Guard {
                kind: GuardKind::Holds,
                subject: shown(&invariant.text),
                rules: Vec::new(),
                entry: self.asks(format!("guard.{number}"), code),
            });
        }
        for (number, table) in program.tables.iter().enumerate() {
            let id = TableId(number as u32);
            // Nothing is said of the rows of an older version but that there are none.
            let rules = table.invariants.iter().filter(|_| table.newer.is_none());
            let rules = rules.map(|rule| self.rule(id, rule));
            let mut rules: Vec<(String, u64)> = rules.collect();
            // What holds of each group of a table's rows is as little asked of all groups as of all rows.
            for invariant in &program.invariants {
                let mut reads = invariant.reads_aggregates.iter();
                let about = reads
                    .any(|id| program.aggregates[id.0 as usize].table == TableId(number as u32));
                if let (Some(group), true) = (&invariant.group, about) {
                    rules.push(self.group_rule(group, invariant));
                }
            }
            guards.push(Guard {
                kind: GuardKind::Empty,
                subject: self.rows_region(id),
                rules,
                entry: self.asks_empty(id),
            });
        }
        guards
    }

    fn rows_region(&self, table: TableId) -> String {
        let region = self.schema.tables[table.0 as usize].region;
        self.schema.regions[region.0 as usize].name.clone()
    }

    fn asks(&mut self, name: String, code: Code) -> FunctionIndex {
        self.finished(
            name,
            FunctionKind::Plain,
            Vec::new(),
            Vec::new(),
            false,
            code,
        )
    }

    /// Fails where the table has rows. A dense table keeps no count: of it nobody can tell.
    fn asks_empty(&mut self, table: TableId) -> FunctionIndex {
        let program = self.program;
        let declared = &program.tables[table.0 as usize];
        let info = &self.schema.tables[table.0 as usize];
        let (generics, region) = (info.generics(), info.region);
        let code = Code::new(&[], declared.span);
        let mut function = self.function(code, Vec::new(), &[], Summary::default());
        let counted = match declared.storage {
            Storage::Hashed => Some("hashed.is_empty"),
            Storage::Ordered => Some("ordered.table_is_empty"),
            Storage::Dense => None,
        };
        match counted {
            Some(name) => {
                if let Some(empty) = function.call_std(name, generics, region, Vec::new(), None) {
                    function.code.fail_unless(empty, Builtin::InvariantBroken);
                }
                function.leave();
            }
            None => function.code.fail(Builtin::InvariantBroken),
        }
        let Function { code, .. } = function;
        self.asks(format!("{}.is_empty", declared.versioned_name()), code)
    }

    /// A row's invariant: its text, and what it means.
    fn rule(&mut self, table: TableId, invariant: &'p hir::Invariant) -> (String, u64) {
        let info = &self.schema.tables[table.0 as usize];
        let frame = |length| {
            Type::View(View {
                space: Space::Frame,
                length,
                writable: false,
            })
        };
        let parameters = vec![frame(info.key_bytes), frame(info.extent.size)];
        let code = Code::new(&parameters, invariant.span);
        let mut function = self.function(code, Vec::new(), &invariant.locals, Summary::default());
        let row = function.new_row(table, Register(0), Register(1), false);
        function.check_condition(invariant, Some(Operand::Row(row)));
        function.leave();
        let Function { code, .. } = function;
        (shown(&invariant.text), self.meaning(parameters, code))
    }

    /// The same of a condition on each group.
    fn group_rule(&mut self, group: &'p hir::Type, invariant: &'p hir::Invariant) -> (String, u64) {
        let ty = self.types.ty(group, &[]);
        let (parameter, about) = match ty.as_scalar() {
            Some(scalar) => (Type::Scalar(scalar), Operand::Scalar(Register(0))),
            None => {
                let view = View {
                    space: Space::Frame,
                    length: self.types.extent(&ty).size,
                    writable: false,
                };
                (Type::View(view), Operand::View(Register(0)))
            }
        };
        let parameters = vec![parameter];
        let code = Code::new(&parameters, invariant.span);
        let mut function = self.function(code, Vec::new(), &invariant.locals, reads(invariant));
        function.touch_states();
        function.check_condition(invariant, Some(about));
        function.leave();
        let Function { code, .. } = function;
        (shown(&invariant.text), self.meaning(parameters, code))
    }

    /// A hash of what code means; the function that is made for that is not kept.
    fn meaning(&mut self, parameters: Vec<Type>, code: Code) -> u64 {
        let made = self.finished(
            String::new(),
            FunctionKind::Plain,
            parameters,
            Vec::new(),
            false,
            code,
        );
        let mut meaning = Meaning {
            functions: &self.functions,
            numbers: BTreeMap::new(),
            text: String::new(),
        };
        meaning.function(made);
        let text = named_regions(&meaning.text, &self.schema.regions);
        self.functions.pop();
        self.spans.pop();
        hash_bytes(text.as_bytes(), 0)
    }
}

fn reads(invariant: &hir::Invariant) -> Summary {
    Summary {
        states_read: invariant.reads_states.iter().copied().collect(),
        aggregates_read: invariant.reads_aggregates.iter().copied().collect(),
        ..Summary::default()
    }
}

fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(TEXT_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Regions by name: their numbers hang on the order of the source.
fn named_regions(text: &str, regions: &[Region]) -> String {
    let mut named = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("RegionIndex(") {
        named.push_str(before);
        let number = after.split_once(')').and_then(|(number, after)| {
            let region = regions.get(number.parse::<usize>().ok()?)?;
            Some((region, after))
        });
        match number {
            Some((region, after)) => {
                named.push_str(&region.name);
                rest = after;
            }
            None => {
                named.push_str("RegionIndex(");
                rest = after;
            }
        }
    }
    named.push_str(rest);
    named
}

/// Code as text, callees after their callers, each numbered by when it is first met.
struct Meaning<'f> {
    functions: &'f [rc_bytecode::module::Function],
    numbers: BTreeMap<FunctionIndex, FunctionIndex>,
    text: String,
}

impl Meaning<'_> {
    fn function(&mut self, index: FunctionIndex) {
        let function = &self.functions[index.0 as usize];
        let mut body = function.body.clone();
        let mut met = Vec::new();
        self.number(&mut body, &mut met);
        self.text.push_str(&format!(
            "{:?} {:?} {:?} {:?} {} {body:?};",
            function.parameters,
            function.results,
            function.registers,
            function.slots,
            function.maybe
        ));
        met.into_iter().for_each(|callee| self.function(callee));
    }

    fn number(&mut self, body: &mut Body, met: &mut Vec<FunctionIndex>) {
        for instr in body {
            match instr {
                Instr::Block { body } | Instr::Loop { body, .. } => self.number(body, met),
                Instr::If {
                    then, otherwise, ..
                } => {
                    self.number(then, met);
                    self.number(otherwise, met);
                }
                Instr::Switch {
                    arms, otherwise, ..
                } => {
                    arms.iter_mut().for_each(|(_, arm)| self.number(arm, met));
                    self.number(otherwise, met);
                }
                Instr::Call {
                    function,
                    otherwise,
                    ..
                } => {
                    let next = FunctionIndex(self.numbers.len() as u32);
                    let number = *self.numbers.entry(*function).or_insert_with(|| {
                        met.push(*function);
                        next
                    });
                    *function = number;
                    if let Some(otherwise) = otherwise {
                        self.number(otherwise, met);
                    }
                }
                _ => {}
            }
        }
    }
}
