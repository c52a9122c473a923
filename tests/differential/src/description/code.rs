//! The code of a described package: expressions, operations on data, statements.

use super::*;

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
