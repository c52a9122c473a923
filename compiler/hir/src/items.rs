//! Declarations. Ids index the vectors of [`Program`]; the standard library's items stand in the same
//! vectors as the package's own, marked by `origin`.

use crate::containers::Container;
use crate::expr::{Block, Expr};
use crate::types::*;
use rc_bytecode::cost::Cost;
use rc_bytecode::routes::Method;
use rc_source::Span;

/// A package, checked.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub package: String,
    pub docs: String,
    pub structs: Vec<Struct>,
    pub enums: Vec<Enum>,
    pub layouts: Vec<Layout>,
    pub tables: Vec<Table>,
    pub states: Vec<State>,
    /// Of states and tables' fields; each has tables among `tables` that no name stands for.
    pub containers: Vec<Container>,
    pub aggregates: Vec<Aggregate>,
    /// Top-level invariants.
    pub invariants: Vec<Invariant>,
    pub roles: Vec<String>,
    pub errors: Vec<ErrorType>,
    pub events: Vec<Event>,
    pub callables: Vec<Callable>,
    pub consts: Vec<Const>,
    pub tests: Vec<Test>,
    /// `retire pay@1`: versions of commands and queries that stop being callable.
    pub retired: Vec<(String, u32)>,
    /// `@http(GET "/accounts/{id}")`, each of one command or query.
    pub routes: Vec<(CallableId, Method, String)>,
}

impl Program {
    /// Whether a table is the hidden part of a container.
    pub fn is_hidden_table(&self, table: TableId) -> bool {
        let shared = |container: &Container| container.shared.as_ref().map(|shared| shared.garbage);
        self.containers
            .iter()
            .any(|container| container.table == table || shared(container) == Some(table))
    }

    /// Whether a state is the hidden part of a container.
    pub fn is_hidden_state(&self, state: StateId) -> bool {
        self.containers
            .iter()
            .filter_map(|container| container.shared.as_ref())
            .any(|shared| shared.last == state)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Origin {
    #[default]
    Package,
    /// A package that this one uses, of the standard library or not: ordinary code, without data of its own.
    Library,
    /// The low-level part of the standard library.
    Std,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub ty: Type,
    pub default: Option<Expr>,
    pub docs: String,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Struct {
    pub name: String,
    pub generics: u32,
    pub fields: Vec<Field>,
    pub origin: Origin,
    /// The table whose rows it is copies of, as migrations see them: nobody can write its name, and its memory is a row's.
    pub row_of: Option<TableId>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Enum {
    pub name: String,
    pub generics: u32,
    pub variants: Vec<Variant>,
    pub origin: Origin,
    pub span: Span,
}

/// Also of an error type. Unnamed payload parts have the names `0`, `1`, ….
#[derive(Clone, Debug)]
pub struct Variant {
    pub name: String,
    pub fields: Vec<Field>,
    pub docs: String,
    pub span: Span,
}

/// Low level: fields at fixed offsets, in order.
#[derive(Clone, Debug)]
pub struct Layout {
    pub name: String,
    pub generics: u32,
    pub fields: Vec<Field>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    Hashed,
    Ordered,
    Dense,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub version: u32,
    /// The version that this one comes from, and the function that makes a row of this one out of one of that.
    pub origin: Option<TableId>,
    pub migration: Option<CallableId>,
    /// The version that took this one's place: live code reads and writes the newest alone, which the name means.
    pub newer: Option<TableId>,
    /// Key fields first, then the others, in source order: the row's layout order.
    pub fields: Vec<Field>,
    /// How many of `fields` are the key.
    pub key_len: u32,
    pub storage: Storage,
    /// Rows at most.
    pub capacity: u64,
    pub indexes: Vec<Index>,
    /// Fields that are keys of another table's rows, in the order of fields.
    pub references: Vec<Reference>,
    /// Conditions over a row bound to local 0 of type `Row` (fields read as `Field` of it).
    pub invariants: Vec<Invariant>,
    pub docs: String,
    pub span: Span,
}

/// `author: ref User`: the field's type is that of the target's key (a tuple, where that has several fields).
#[derive(Clone, Debug)]
pub struct Reference {
    pub field: u32,
    pub target: TableId,
    pub optional: bool,
    /// The order that begins with the field: an index, or the table's own key.
    pub order: Option<u32>,
    /// Rows that a deletion of their target takes along; more of them, or none allowed, fail it.
    pub cascade: Option<u64>,
    /// Rows in which a deletion of their target makes the reference `none`; more of them fail it. Never beside `cascade`.
    pub clear: Option<u64>,
    pub span: Span,
}

impl Program {
    /// Every reference to a table, with the table that has it. What an older version refers to, no live row does.
    pub fn references_to(&self, target: TableId) -> impl Iterator<Item = (TableId, &Reference)> {
        self.tables
            .iter()
            .enumerate()
            .filter(|(_, table)| table.newer.is_none())
            .flat_map(|(number, table)| {
                table
                    .references
                    .iter()
                    .map(move |reference| (TableId(number as u32), reference))
            })
            .filter(move |(_, reference)| reference.target == target)
    }

    /// The tables that lose rows where this one does: itself, and what cascades from it.
    pub fn deleted_with(&self, table: TableId) -> std::collections::BTreeSet<TableId> {
        let mut found = std::collections::BTreeSet::from([table]);
        let mut waiting = vec![table];
        while let Some(table) = waiting.pop() {
            for (from, reference) in self.references_to(table) {
                if reference.cascade.is_some() && found.insert(from) {
                    waiting.push(from);
                }
            }
        }
        found
    }

    /// The references that become `none` where this table loses rows, with those that go along.
    pub fn cleared_with(&self, table: TableId) -> std::collections::BTreeSet<(TableId, u32)> {
        let gone = self.deleted_with(table).into_iter();
        gone.flat_map(|table| self.references_to(table))
            .filter(|(_, reference)| reference.clear.is_some())
            .map(|(from, reference)| (from, reference.field))
            .collect()
    }
}

impl Table {
    /// The name, with the version where it is not the first.
    pub fn versioned_name(&self) -> String {
        match self.version {
            1 => self.name.clone(),
            version => format!("{}@{version}", self.name),
        }
    }

    /// Where rows stand in the order of these fields first: an index, or (inside it `None`) the table's own ordered key.
    pub fn order_led_by(&self, fields: &[u32]) -> Option<Option<u32>> {
        let own: Vec<u32> = (0..self.key_len).collect();
        if self.storage == Storage::Ordered && own.starts_with(fields) {
            return Some(None);
        }
        let index = self
            .indexes
            .iter()
            .position(|index| index.starts_with(fields, self.key_len))?;
        Some(Some(index as u32))
    }
}

#[derive(Clone, Debug)]
pub struct Index {
    pub name: String,
    /// Field numbers of the table; the table's key follows (where not already contained) to make entries distinct.
    pub fields: Vec<u32>,
    pub unique: bool,
    pub span: Span,
}

impl Index {
    /// Whether its entries stand in the order of these fields first, the table's key at its end counted in.
    fn starts_with(&self, fields: &[u32], key_len: u32) -> bool {
        let mut whole = self.fields.clone();
        if !self.unique {
            whole.extend((0..key_len).filter(|key| !self.fields.contains(key)));
        }
        whole.starts_with(fields)
    }
}

#[derive(Clone, Debug)]
pub struct State {
    pub name: String,
    pub ty: Type,
    /// A constant expression; absent = the type's empty value.
    pub default: Option<Expr>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateFunction {
    Sum,
    Count,
    Min,
    Max,
}

/// Sums and counts are kept with each write, least and greatest values are read from the ends of an order. Its type is u128/i128
/// for sums by the field's sign, u64 for counts, an optional of the field's type for the others. `by` divides it into groups.
#[derive(Clone, Debug)]
pub struct Aggregate {
    pub name: String,
    pub function: AggregateFunction,
    pub table: TableId,
    /// The field summed; none for `count`.
    pub field: Option<u32>,
    pub by: Option<u32>,
    pub ty: Type,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Invariant {
    pub condition: Expr,
    /// Of a table's invariant the row is local 0; patterns inside may bind more.
    pub locals: Vec<Local>,
    /// Of `for c: …` the type of the groups, and the group is local 0. Such a condition reads aggregates by that group alone, and
    /// nothing else that changes.
    pub group: Option<Type>,
    /// Source text, for messages.
    pub text: String,
    /// States, aggregates and tables read: a command that writes none of them does not check it.
    pub reads_states: Vec<StateId>,
    pub reads_aggregates: Vec<AggregateId>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct ErrorType {
    pub name: String,
    pub variants: Vec<Variant>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub name: String,
    pub fields: Vec<Field>,
    pub docs: String,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Const {
    pub name: String,
    pub generics: u32,
    pub value: ConstExpr,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallableKind {
    Command,
    Query,
    Report,
    Function,
}

#[derive(Clone, Debug)]
pub enum Allow {
    Anyone,
    /// Bits over `Program::roles`.
    Roles(u64),
}

/// A command, query, report or fn.
#[derive(Clone, Debug)]
pub struct Callable {
    pub kind: CallableKind,
    /// For the standard library: module and name, as `hashed.find`.
    pub name: String,
    pub version: u32,
    pub generics: u32,
    /// The first locals, in order.
    pub parameters: Vec<LocalId>,
    pub locals: Vec<Local>,
    pub result: Type,
    pub fails: Vec<ErrorId>,
    pub allow: Allow,
    pub limits: Vec<CostLimit>,
    pub body: Block,
    pub effects: Effects,
    pub docs: String,
    pub origin: Origin,
    /// The header.
    pub span: Span,
}

impl Callable {
    /// Made of a `job`: what the log runs again and again. Its name is the job's with `.step` behind, which nobody can write.
    pub fn is_job_step(&self) -> bool {
        self.is_of_job(".step")
    }

    /// Made of a `job`: what a step attempts. Not in the interface.
    pub fn is_job_walk(&self) -> bool {
        self.is_of_job(".walk")
    }

    /// Made of a table's `migrate`: its name is the table's with `.migrate` behind. Modules' names, which stand before those of
    /// library functions, begin in lower case.
    pub fn is_migration(&self) -> bool {
        self.kind == CallableKind::Function
            && self.name.ends_with(".migrate")
            && self
                .name
                .starts_with(|first: char| first.is_ascii_uppercase())
    }

    fn is_of_job(&self, ending: &str) -> bool {
        self.kind == CallableKind::Command && self.name.ends_with(ending)
    }
}

/// Inferred, transitive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    pub reads: bool,
    pub writes: bool,
    pub emits: bool,
    pub may_fail: bool,
}

/// `steps <= 600`; `pages` stands for read and written together.
#[derive(Clone, Debug)]
pub struct CostLimit {
    pub dimension: String,
    pub limit: u64,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Local {
    pub name: String,
    pub ty: Type,
    pub mutable: bool,
    pub span: Span,
}

/// A test, or a property where `parameters` is not empty. Properties get generated arguments.
#[derive(Clone, Debug)]
pub struct Test {
    pub name: String,
    pub parameters: Vec<LocalId>,
    pub locals: Vec<Local>,
    pub body: Block,
    pub span: Span,
}

/// What a callable was proven to cost, for tools.
#[derive(Clone, Debug)]
pub struct Proven {
    pub callable: CallableId,
    pub cost: Cost,
}
