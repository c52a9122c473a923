//! A package as a description: printed as `.rc` text for the compiler, executed as it stands by the model, so
//! that the model shares nothing with the compiler. Always true: names are unique within a command; types are known
//! wherever the model needs them.

use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, Rounding, Scalar, UnaryOp};
use std::cmp::Ordering;
use std::collections::BTreeMap;

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    No,
    Row(usize),
    Index(usize, usize),
    States,
    /// One group of an aggregate.
    Group(usize),
    /// A container's element by its key.
    Held(usize),
    /// A report of all rows of a table.
    Report(usize),
    /// One step of a job: no look, but nothing that is written in the text either.
    Step(usize),
}

#[derive(Clone, Debug)]
pub enum Expr {
    Constant(Type, Datum),
    Local(String),
    /// A field of a named row.
    RowField(String, usize, usize),
    /// A field of the row that an invariant is about.
    Column(usize, usize),
    StructField(Box<Expr>, usize, usize),
    TuplePart(Box<Expr>, usize),
    State(usize),
    Aggregate(usize, Option<Box<Expr>>),
    Now,
    CallerId,
    /// A string of at most so many bytes: `a + b` where it always fits, else `a.concat(b)`.
    Concat(u32, bool, Box<Expr>, Box<Expr>),
    /// `list[index]`
    Element(Box<Expr>, Box<Expr>),
    Arithmetic(BinaryOp, Scalar, Box<Expr>, Box<Expr>),
    Unary(UnaryOp, Scalar, Box<Expr>),
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    /// `x as wide`
    Widen(Scalar, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `a ?? b`
    Otherwise(Box<Expr>, Box<Expr>),
    Some(Box<Expr>),
    Struct(usize, Vec<Expr>),
    Variant(usize, usize, Vec<Expr>),
    Tuple(Vec<Expr>),
    List(Vec<Expr>),
    Method(Method, Box<Expr>, Vec<Expr>),
    /// `T.contains(key)`
    Contains(usize, Vec<Expr>),
    /// `[value for name in walk if condition]`
    Rows {
        name: String,
        value: Box<Expr>,
        walk: Box<Walk>,
        condition: Option<Box<Expr>>,
    },
    /// `[value for name in list if condition]`
    Items {
        name: String,
        value: Box<Expr>,
        list: Box<Expr>,
        condition: Option<Box<Expr>>,
    },
    /// `match value { low..=high | … => value, …, _ => value }`
    MatchInteger {
        value: Box<Expr>,
        /// Each with the ranges that it takes.
        arms: Vec<(Vec<(i128, i128)>, Expr)>,
        otherwise: Box<Expr>,
    },
    /// A call of a function of the package, a row first where it has one.
    Call(usize, Option<String>, Vec<Expr>),
    /// `row.field.row.field`: the row's name, its table and the reference; the target and its field.
    Reached(String, (usize, usize), (usize, usize)),
    Operation(Operation, Vec<Expr>),
    /// An operation of a container: the whole value of a statement or of a body.
    Held(Root, Holding, Vec<Expr>),
    /// `[(a, b) for (a, b) in container take n]` of a tree or a log.
    Elements(Root, u64),
}

/// What a container can be asked and told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    Get,
    Put,
    Insert,
    Remove,
    Contains,
    Length,
    IsEmpty,
    First,
    Last,
    Push,
    Pop,
    Peek,
    Append,
}

/// Operations of values; what their operands are follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Of decimals of so many digits, with so many behind the point.
    Decimal(DecimalOp, u8, u8),
    Float(FloatOp),
    /// `a + b`, `a - b` of durations and times, `a % b` of durations.
    Lasting(BinaryOp),
    /// A duration by an integer.
    LastingTimes,
    /// How often one goes into the other.
    LastingQuotient,
    Nanoseconds,
    /// SHA-256 of values of simple types.
    Hash,
    /// `text.slice(from, to)`
    Slice,
    /// The greater of two, by a generic function.
    Greater,
    /// Whether two are equal, by a generic function.
    Same,
    /// The first of two, through a generic function that swaps them.
    Swapped,
    /// Whether the caller has the role.
    Role(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalOp {
    Add,
    Sub,
    Rem,
    Min,
    Max,
    Negative,
    Absolute,
    /// By an integer.
    Scaled,
    /// By a decimal of this scale, rounded.
    Times(u8, Rounding),
    Divide(u8, Rounding),
    /// From this scale.
    Round(u8, Rounding),
    Widen(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatOp {
    Add,
    Sub,
    Mul,
    Div,
    Min,
    Max,
    Negative,
    Absolute,
    Root,
    Round(Rounding),
    /// Of an integer of at most 32 bits.
    Of,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Length,
    IsEmpty,
    Contains,
    First,
    Last,
    IsSome,
    IsNone,
    StartsWith,
    EndsWith,
    /// One text within another.
    Finds,
    /// An integer's digits.
    ToText,
}

#[derive(Clone, Debug)]
pub struct Walk {
    pub table: usize,
    /// The table's own order where there is none.
    pub index: Option<usize>,
    pub prefix: Vec<Expr>,
    pub from: Option<Expr>,
    pub to: Option<Expr>,
    pub descending: bool,
    /// `take n`, or `take e max n`.
    pub take: Option<Expr>,
    pub max: u64,
}

#[derive(Clone, Debug)]
pub enum Lookup {
    Key(usize, Vec<Expr>),
    Unique(usize, usize, Vec<Expr>),
    /// What was looked up before.
    Maybe(String),
}

#[derive(Clone, Debug)]
pub enum Failure {
    Builtin(Builtin),
    Declared(usize, Vec<Expr>),
}

#[derive(Clone, Debug)]
pub enum Otherwise {
    Fail(Failure),
    Return(Option<Expr>),
    /// Only in loops.
    Continue,
}

/// What is assigned to: a root, and fields of structs within it.
#[derive(Clone, Debug)]
pub struct Place {
    pub root: Root,
    /// Struct and field.
    pub path: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
pub enum Root {
    Row(String, usize, usize),
    State(usize),
    Local(String),
}

#[derive(Clone, Debug)]
pub enum Statement {
    Let {
        name: String,
        ty: Type,
        mutable: bool,
        value: Expr,
    },
    /// `let name: to = value.try_into()`
    LetNarrow {
        name: String,
        to: Scalar,
        value: Expr,
    },
    FindRow {
        name: String,
        lookup: Lookup,
        otherwise: Otherwise,
    },
    FindRowIf {
        name: String,
        lookup: Lookup,
        then: Vec<Statement>,
        otherwise: Vec<Statement>,
    },
    /// `let (a, b) = value`
    LetTuple {
        names: Vec<String>,
        value: Expr,
    },
    /// `let name = T.get(key)`: a row or none.
    LetMaybe {
        name: String,
        lookup: Lookup,
    },
    /// A second name for a row.
    Alias {
        name: String,
        of: String,
    },
    GetOrInsert {
        name: String,
        table: usize,
        record: Vec<Option<Expr>>,
    },
    Insert {
        table: usize,
        record: Vec<Option<Expr>>,
    },
    Put {
        table: usize,
        record: Vec<Option<Expr>>,
    },
    Delete {
        name: String,
        table: usize,
        key: Vec<Expr>,
    },
    Assign {
        target: Place,
        ty: Type,
        operator: Option<BinaryOp>,
        value: Expr,
    },
    /// `target = value else …`
    AssignElse {
        target: Place,
        value: Expr,
        otherwise: Otherwise,
    },
    Push {
        target: Place,
        max: u32,
        value: Expr,
    },
    Pop {
        name: String,
        element: Type,
        target: Place,
    },
    /// `list.insert_at(at, value)`
    InsertAt {
        target: Place,
        max: u32,
        at: Expr,
        value: Expr,
    },
    /// `let name = list.remove_at(at)`
    RemoveAt {
        name: String,
        target: Place,
        at: Expr,
    },
    Clear {
        target: Place,
    },
    /// `let name = container.operation(…)`, or the operation alone.
    Hold {
        name: Option<String>,
        operation: Expr,
    },
    /// `for (first, second) in container …` of a tree or a log.
    ForHeld {
        names: [String; 2],
        root: Root,
        from: Option<Expr>,
        to: Option<Expr>,
        descending: bool,
        take: u64,
        body: Vec<Statement>,
    },
    /// `for name in T`, in reports.
    ForEvery {
        name: String,
        table: usize,
        body: Vec<Statement>,
    },
    /// `match attempt command(…) { Ok(name) => …, Err(failure) => …, Err(_) => … }`, or the attempt alone.
    Attempt {
        command: usize,
        arguments: Vec<Expr>,
        endings: Option<Endings>,
    },
    /// `start job(…)`
    Start {
        job: usize,
        arguments: Vec<Expr>,
    },
    If {
        condition: Expr,
        then: Vec<Statement>,
        otherwise: Vec<Statement>,
    },
    IfSome {
        name: String,
        value: Expr,
        then: Vec<Statement>,
        otherwise: Vec<Statement>,
    },
    /// `for name in start..end max n`
    ForRange {
        name: String,
        start: Expr,
        end: Expr,
        inclusive: bool,
        max: u64,
        body: Vec<Statement>,
    },
    ForList {
        name: String,
        list: Expr,
        body: Vec<Statement>,
    },
    ForRows {
        name: String,
        walk: Walk,
        body: Vec<Statement>,
    },
    /// One arm a variant, in their order: names bound, a guard; guarded ones are followed by one without.
    Match {
        value: Expr,
        of: usize,
        arms: Vec<Arm>,
    },
    Ensure {
        condition: Expr,
        failure: Failure,
    },
    Emit {
        event: usize,
        fields: Vec<Expr>,
    },
    Call {
        function: usize,
        row: Option<String>,
        arguments: Vec<Expr>,
    },
    Fail(Failure),
    Return(Option<Expr>),
    Break,
    Continue,
}

/// What is done with how an attempt ended.
#[derive(Clone, Debug)]
pub struct Endings {
    /// The value's name, where there is a value.
    pub ok: Option<String>,
    pub done: Vec<Statement>,
    /// A declared failure with names for its fields.
    pub declared: Option<(usize, Vec<String>, Vec<Statement>)>,
    pub builtin: Option<(Builtin, Vec<Statement>)>,
    pub otherwise: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub struct Arm {
    pub variant: usize,
    pub names: Vec<String>,
    pub guard: Option<Expr>,
    pub body: Vec<Statement>,
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
