//! A package as a description: printed as `.rc` text for the compiler, executed as it stands by the model, so
//! that the model shares nothing with the compiler. Always true: names are unique within a command; types are known
//! wherever the model needs them.

use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, Scalar, UnaryOp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    Integer(Scalar),
    Time,
    Text(u32),
    Bytes(u32),
    Optional(Box<Type>),
    Struct(usize),
    Enum(usize),
    List(Box<Type>, u32),
    Tuple(Vec<Type>),
}

/// A value. Its order is the order that keys and indexes have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Datum {
    Bool(bool),
    /// Of all integer types but `u128`, and times.
    Integer(i128),
    Wide(u128),
    Text(String),
    Bytes(Vec<u8>),
    None,
    Some(Box<Datum>),
    Tuple(Vec<Datum>),
    List(Vec<Datum>),
    Record(Vec<Datum>),
    Variant(usize, Vec<Datum>),
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub ty: Type,
    pub default: Option<Datum>,
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    No,
    Row(usize),
    Index(usize, usize),
    States,
    /// One group of an aggregate.
    Group(usize),
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
    /// `match value { low..=high => value, …, _ => value }`
    MatchInteger {
        value: Box<Expr>,
        arms: Vec<(i128, i128, Expr)>,
        otherwise: Box<Expr>,
    },
    /// A call of a function of the package, a row first where it has one.
    Call(usize, Option<String>, Vec<Expr>),
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
            _ => Type::Integer(self.type_of(aggregate)),
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
