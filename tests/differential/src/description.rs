//! A package as a description: printed as `.rc` text for the compiler, executed as it stands by the model, so
//! that the model shares nothing with the compiler. Always true: names are unique within a command; types are known
//! wherever the model needs them.

mod code;

use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, Rounding, Scalar, UnaryOp};
use std::cmp::Ordering;
use std::collections::BTreeMap;

pub use code::*;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Integer(Scalar),
    Float,
    /// Digits, and how many of them stand behind the point; 38 digits only for sums.
    Decimal(u8, u8),
    Time,
    Duration,
    Uuid,
    Hash,
    Text(u32),
    Bytes(u32),
    Optional(Box<Type>),
    Struct(usize),
    Enum(usize),
    List(Box<Type>, u32),
    Tuple(Vec<Type>),
    /// No value: a state or a field of a table alone.
    Container(Container, Vec<Type>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    Map,
    Tree,
    Set,
    Queue,
    PriorityQueue,
    Log,
}

impl Type {
    pub fn is_container(&self) -> bool {
        matches!(self, Type::Container(..))
    }

    /// Whether a constant of it can be written down.
    pub fn has_literals(&self) -> bool {
        !matches!(self, Type::Time | Type::Container(..))
    }
}

/// A float, ordered as numbers are: there is one zero, and nothing that is no number.
#[derive(Clone, Copy, Debug)]
pub struct Real(pub f64);

impl PartialEq for Real {
    fn eq(&self, other: &Real) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Real {}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Real) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Real {
    fn cmp(&self, other: &Real) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A value. Its order is the order that keys and indexes have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Datum {
    Bool(bool),
    /// Of all integer types but `u128`, times, durations, and decimals without their point.
    Integer(i128),
    Wide(u128),
    Float(Real),
    Text(String),
    /// Also of uuids and hashes.
    Bytes(Vec<u8>),
    None,
    Some(Box<Datum>),
    Tuple(Vec<Datum>),
    List(Vec<Datum>),
    Record(Vec<Datum>),
    Variant(usize, Vec<Datum>),
    /// What a map, a tree or a set holds; the other containers are lists.
    Map(BTreeMap<Datum, Datum>),
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub ty: Type,
    pub default: Option<Datum>,
    /// Its type is then that of the target's key, or an optional of it.
    pub reference: Option<Reference>,
}

#[derive(Clone, Debug)]
pub struct Reference {
    pub target: usize,
    pub optional: bool,
    /// How many rows a deletion of their target takes along; where none is said it is refused.
    pub cascade: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct Struct {
    pub name: String,
    pub fields: Vec<Field>,
}

/// A variant of an enum or an error; its fields by position where `named` is false.
#[derive(Clone, Debug)]
pub struct Variant {
    pub name: String,
    pub named: bool,
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub struct Enum {
    pub name: String,
    pub variants: Vec<Variant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    Hashed,
    Ordered,
    Dense,
}

#[derive(Clone, Debug)]
pub struct Index {
    pub name: String,
    pub fields: Vec<usize>,
    pub unique: bool,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub storage: Storage,
    pub capacity: Option<u64>,
    /// Key fields come first.
    pub key_len: usize,
    pub fields: Vec<Field>,
    pub indexes: Vec<Index>,
    /// Over `Expr::Column`.
    pub invariants: Vec<Expr>,
}

#[derive(Clone, Debug)]
pub struct State {
    pub name: String,
    pub ty: Type,
    pub default: Datum,
}

/// A sum of a field, a count of rows, or the least or greatest value of a field.
#[derive(Clone, Debug)]
pub struct Aggregate {
    pub name: String,
    pub table: usize,
    pub field: Option<usize>,
    pub by: Option<usize>,
    pub end: Option<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Least,
    Greatest,
}

/// `invariant for c: …`, where `c` is the local of that name.
#[derive(Clone, Debug)]
pub struct GroupInvariant {
    /// One of the aggregates that it reads, which says what the groups are.
    pub aggregate: usize,
    pub condition: Expr,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub name: String,
    pub fields: Vec<Field>,
    /// A job's, which no text declares.
    pub of_job: bool,
}

/// A walk that is longer than one command may be.
#[derive(Clone, Debug)]
pub struct Job {
    pub name: String,
    pub parameters: Vec<(String, Type)>,
    /// Rows that a step visits.
    pub step: u64,
    /// Without `take`; its prefix is made of parameters and constants.
    pub walk: Walk,
    pub row: String,
    pub body: Vec<Statement>,
    /// The first of its three events: started, done, failed.
    pub events: usize,
}

#[derive(Clone, Debug)]
pub struct Package {
    pub structs: Vec<Struct>,
    pub enums: Vec<Enum>,
    pub tables: Vec<Table>,
    pub states: Vec<State>,
    pub aggregates: Vec<Aggregate>,
    /// Over states and aggregates.
    pub invariants: Vec<Expr>,
    pub group_invariants: Vec<GroupInvariant>,
    /// All of one error.
    pub failures: Vec<Variant>,
    pub events: Vec<Event>,
    pub functions: Vec<Function>,
    pub jobs: Vec<Job>,
    /// The steps of jobs come last.
    pub commands: Vec<Command>,
}

/// A helper of values, and of a row where it has one.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: String,
    pub row: Option<(String, usize)>,
    pub parameters: Vec<(String, Type)>,
    pub result: Option<Type>,
    pub body: Vec<Statement>,
    pub value: Option<Expr>,
}

#[derive(Clone, Debug)]
pub struct Command {
    pub name: String,
    pub query: bool,
    pub parameters: Vec<(String, Type)>,
    pub result: Option<Type>,
    pub body: Vec<Statement>,
    pub value: Option<Expr>,
    /// A query that the harness made to look at everything, and what it looks at.
    pub look: Look,
    /// Only there to put rows.
    pub fills: bool,
    /// For a role that nobody has: an attempt of it ends as `Denied`.
    pub guarded: bool,
}

impl Package {
    pub fn fields_of(&self, record: usize) -> &[Field] {
        &self.structs[record].fields
    }

    /// What an aggregate gives.
    pub fn gives(&self, aggregate: &Aggregate) -> Type {
        match (aggregate.end, aggregate.field) {
            (Some(_), Some(field)) => {
                let ty = &self.tables[aggregate.table].fields[field].ty;
                Type::Optional(Box::new(ty.clone()))
            }
            (None, Some(field)) => match &self.tables[aggregate.table].fields[field].ty {
                Type::Decimal(_, scale) => Type::Decimal(38, *scale),
                _ => Type::Integer(self.type_of(aggregate)),
            },
            _ => Type::Integer(self.type_of(aggregate)),
        }
    }

    /// The tables of which a deletion from this one may delete rows.
    pub fn deleted_with(&self, table: usize) -> Vec<usize> {
        let mut found = vec![table];
        let mut at = 0;
        while let Some(target) = found.get(at).copied() {
            for (number, other) in self.tables.iter().enumerate() {
                let cascades = other.fields.iter().any(|field| {
                    let reference = field.reference.as_ref();
                    reference.is_some_and(|found| found.target == target && found.cascade.is_some())
                });
                if cascades && !found.contains(&number) {
                    found.push(number);
                }
            }
            at += 1;
        }
        found
    }

    /// The type of a table's key as one value.
    pub fn key_of(&self, table: usize) -> Type {
        let declared = &self.tables[table];
        let mut types: Vec<Type> = declared.fields[..declared.key_len]
            .iter()
            .map(|field| field.ty.clone())
            .collect();
        match types.len() {
            1 => types.remove(0),
            _ => Type::Tuple(types),
        }
    }

    /// The type of what a container's place holds.
    pub fn held(&self, root: &Root) -> (Container, Vec<Type>) {
        let ty = match root {
            Root::Row(_, table, field) => &self.tables[*table].fields[*field].ty,
            Root::State(state) => &self.states[*state].ty,
            Root::Local(name) => panic!("{name} is no container"),
        };
        match ty {
            Type::Container(container, parts) => (*container, parts.clone()),
            other => panic!("{other:?} is no container"),
        }
    }

    /// What a sum or a count gives: a count is a `u64`, a sum as wide as can be.
    pub fn type_of(&self, aggregate: &Aggregate) -> Scalar {
        match aggregate
            .field
            .map(|field| &self.tables[aggregate.table].fields[field].ty)
        {
            Some(Type::Integer(scalar)) if scalar.is_signed() => Scalar::I128,
            Some(_) => Scalar::U128,
            None => Scalar::U64,
        }
    }
}
