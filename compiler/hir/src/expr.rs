//! Statements and expressions, typed.
//!
//! Meaning that lowering relies on:
//! - Evaluation is left to right, program order. Two row names may be one row: reads and writes are never reordered.
//! - `Ensure`, `else fail`, `?`-like sugar are gone: they are `If`, `Match` and `Fail`.
//! - A local of type `Row` is a place; every other local is a copy.
//! - Arithmetic is checked unless the operation says otherwise; types of both sides are equal (conversions are explicit).

use crate::types::*;
use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, ConvertMode, Rounding, UnaryOp};
use rc_source::Span;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Block {
    pub statements: Vec<Statement>,
    pub value: Option<Box<Expr>>,
    /// `Unit` without a value; `Never` where the end is not reached.
    pub ty: Type,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub kind: StatementKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum StatementKind {
    /// Irrefutable pattern.
    Let {
        pattern: Pattern,
        value: Expr,
    },
    /// `let row = optional else <never>`: binds the optional's content.
    LetElse {
        pattern: Pattern,
        value: Expr,
        otherwise: Expr,
    },
    /// `operator` as in `+=`. The target is a place expression: local, state, field/index of one, row field, place field.
    Assign {
        target: Expr,
        operator: Option<BinaryOp>,
        value: Expr,
    },
    Emit {
        event: EventId,
        fields: Vec<Expr>,
    },
    For {
        pattern: Pattern,
        source: Source,
        body: Block,
    },
    Expression(Expr),
    // -- tests and properties only --
    /// Sets the roles (bits) for the body, and the caller's id where one is given.
    As {
        roles: u64,
        caller: Option<Box<Expr>>,
        body: Block,
    },
    Advance {
        duration: Expr,
    },
    /// `text` is the source of the condition; where it is a comparison, its sides are shown.
    Assert {
        condition: Expr,
        text: String,
    },
    /// This failure, and equal where fields are given: `given` holds their numbers, in the order of the failure's
    /// `fields`.
    Expect {
        failure: FailureValue,
        given: Vec<u32>,
        call: Expr,
    },
}

/// What a `for` or a comprehension walks. `max` is the proven bound on iterations.
#[derive(Clone, Debug)]
pub enum Source {
    /// `start..end`; more than `max` numbers fail `BoundExceeded` before the first iteration.
    Range {
        start: Expr,
        end: Expr,
        inclusive: bool,
        max: Count,
    },
    /// A list value (copied before the walk) with its capacity as the bound; `take` visits fewer.
    List {
        list: Expr,
        take: Option<Expr>,
        max: Count,
    },
    /// An index, or an ordered table's own key where `index` is none. Rows come as `Row` places. A body that writes the table sees the
    /// keys as they were at its start.
    Rows {
        table: TableId,
        index: Option<u32>,
        /// Equal to the first index fields.
        prefix: Vec<Expr>,
        /// On the next fields of the order: inclusive.
        from: Vec<Expr>,
        /// Exclusive.
        to: Vec<Expr>,
        /// Optionals on the next fields: the walk goes on behind these values, in its own direction; from its start where one is
        /// `none`.
        after: Vec<Expr>,
        descending: bool,
        /// Rows visited at most.
        take: Expr,
        /// The largest `take` may be (more fails `BoundExceeded`).
        max: u64,
    },
    /// Reports only.
    AllRows { table: TableId },
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: Type,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    // -- values --
    Integer(i128),
    /// Above `i128::MAX`.
    Unsigned(u128),
    Float(f64),
    Bool(bool),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    /// `none` of the expression's type.
    None,
    Some(Box<Expr>),
    Unit,
    Tuple(Vec<Expr>),
    /// All fields, in order, defaults filled in.
    Struct {
        id: StructId,
        fields: Vec<Expr>,
    },
    Enum {
        id: EnumId,
        variant: u32,
        fields: Vec<Expr>,
    },
    List(Vec<Expr>),
    Comprehension {
        value: Box<Expr>,
        pattern: Pattern,
        source: Box<Source>,
        condition: Option<Box<Expr>>,
    },
    Local(LocalId),
    /// A constant that depends on generic parameters.
    Const(ConstExpr),
    State(StateId),
    /// `supply` or `supply[c]`.
    Aggregate {
        id: AggregateId,
        group: Option<Box<Expr>>,
    },
    Now,
    /// A new uuid from the stamped seed; `ordered` ones begin with the stamped time. Commands only.
    RandomUuid {
        ordered: bool,
    },
    CallerId,
    /// Whether the caller has this role (bit number).
    CallerHasRole(u32),
    // -- operations --
    Unary {
        op: UnaryOp,
        operand: Box<Expr>,
    },
    /// Scalars of one type; `Time`/`Duration` mixes have become integer operations on i64 with the right result type. A
    /// decimal times an integer has both as they are.
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Any comparable type: scalars, strings, bytes, optionals, tuples, structs, enums (the last four: equality only).
    Compare {
        op: CompareOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Short-circuit.
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    /// Numeric conversion to the expression's type. Also string<N> to a longer string<M> (`Checked`: fails `TooLong` where it may not fit),
    /// list likewise, T to T?. Low level: `Place<T>` to `T` reads the place (a scalar or an opaque parameter).
    Convert {
        mode: ConvertMode,
        value: Box<Expr>,
    },
    /// Field number of a struct, tuple, row, layout or place of one.
    Field {
        base: Box<Expr>,
        field: u32,
    },
    /// Element of a list (fails `BoundExceeded` at or above its length) or of a layout's array (above its count).
    Index {
        base: Box<Expr>,
        index: Box<Expr>,
    },
    Method {
        method: Method,
        receiver: Box<Expr>,
        arguments: Vec<Expr>,
    },
    // -- control --
    If {
        condition: Box<Expr>,
        then: Block,
        otherwise: Option<Block>,
    },
    /// Exhaustive; arms in order.
    Match {
        value: Box<Expr>,
        arms: Vec<Arm>,
    },
    Block(Block),
    Return(Option<Box<Expr>>),
    Break,
    Continue,
    Fail(FailureValue),
    Call {
        callable: CallableId,
        generics: Vec<Type>,
        arguments: Vec<Expr>,
    },
    /// In tests: the call is an op of its own and its failure a value of type `Attempted`; in commands: a savepoint.
    Attempt(Box<Expr>),
    // -- tables --
    /// `Optional<Row>`. The key as a list of its fields.
    Get {
        table: TableId,
        key: Vec<Expr>,
    },
    /// `Optional<Row>` by a unique index's fields.
    GetUnique {
        table: TableId,
        index: u32,
        parts: Vec<Expr>,
    },
    /// All fields in the table's order, defaults filled in; fails `AlreadyExists`. Type `Unit`, or `Row` where a `let` names
    /// the new row.
    Insert {
        table: TableId,
        fields: Vec<Expr>,
    },
    /// As insert, or replaces the row of the same key. Type `Unit`.
    Put {
        table: TableId,
        fields: Vec<Expr>,
    },
    /// `Row`; `fields` as for insert, key from `fields`.
    GetOrInsert {
        table: TableId,
        fields: Vec<Expr>,
    },
    /// `Bool`: whether there was one.
    Delete {
        table: TableId,
        key: Vec<Expr>,
    },
    // -- the low-level part (standard library only) --
    /// `touch(region, page) as L`: type `Place<L>`.
    Touch {
        mutable: bool,
        region: Box<Expr>,
        page: Box<Expr>,
    },
    LowLevel {
        op: LowLevel,
        arguments: Vec<Expr>,
    },
    /// Already reported.
    Error,
}

/// Operations of the built-in types. The receiver's type tells which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    // lists
    Length,
    /// Fails `TooLong` at capacity. The receiver is a place.
    Push,
    /// Optional.
    Pop,
    Contains,
    First,
    Last,
    IsEmpty,
    /// `list.insert_at(i, item)`: fails `TooLong` at capacity, `BoundExceeded` beyond the length.
    InsertAt,
    /// Gives the item; fails `BoundExceeded` where there is none.
    RemoveAt,
    Clear,
    /// Of strings and bytes, a place: `at`, `from`, `start`, `count`: so many bytes of `from`, from `start` on, over those at `at`;
    /// the length grows where they reach beyond it. Both ends are inside the capacities. The checker alone writes it.
    PutPart,
    /// Of a string that is a place: cuts off what is left of a last character; fails `BoundExceeded` where it begins inside
    /// one. The checker alone writes it.
    WholeCharacters,
    // sorted collections: those of lists whose names they share, and
    /// `set.insert(item)`: whether it was not there. `map.insert(key, value)`: fails `AlreadyExists`. `queue.push(priority, item)`: what
    /// would come out last makes room. The others fail `TooLong` at capacity.
    Add,
    /// `map.put(key, value)`: in place of the value that was there.
    Put,
    /// `map.get(key)`: optional.
    Get,
    /// Of a set whether it was there, of a map the optional value.
    Remove,
    /// `queue.take(n)`: a list of the first n in the order in which they would come out; they stay.
    Take,
    // strings: Length in bytes, IsEmpty, Contains, and
    StartsWith,
    EndsWith,
    /// `text.slice(from, to)` by bytes; fails `BoundExceeded` beyond the length or inside a character.
    Slice,
    /// Fails `TooLong` where the result's type is too small.
    Concat,
    // optionals
    IsSome,
    IsNone,
    /// `a ?? b`
    OrElse,
    // time
    /// Nanoseconds as i64.
    Nanoseconds,
    // integers
    /// The decimal digits, `-` before those of a negative number.
    ToText,
    // numbers
    /// `decimal.times(x, rounding)`, of the receiver's type; `x` a decimal or an integer.
    Times(Rounding),
    /// `decimal.divide(x, rounding)`, likewise.
    Divide(Rounding),
    /// Of a decimal to the expression's type, a decimal or an integer; of an `f64` to a whole one.
    Round(Rounding),
    /// `hash(a, …)`: SHA-256 of the receiver, or of the arguments' hashes.
    ContentHash,
}

impl Method {
    /// Whether it changes its receiver, which is a place.
    pub fn changes(self) -> bool {
        matches!(
            self,
            Method::Push
                | Method::Pop
                | Method::InsertAt
                | Method::RemoveAt
                | Method::Clear
                | Method::PutPart
                | Method::WholeCharacters
                | Method::Add
                | Method::Put
                | Method::Remove
        )
    }
}

/// Operations of the low-level part, in the standard library's own words. Places are views.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LowLevel {
    /// `copy(to, from)`: whole value.
    Copy,
    /// `zero(place)`
    Zero,
    /// `compare(a, b) -> i64`: -1, 0, 1 by unsigned bytes, equal sizes.
    Compare,
    /// `equal(a, b) -> bool`
    Equal,
    /// `precedes(a, b) -> bool`: whether a value that has an order comes before another of its type.
    Precedes,
    /// `hash(place, seed) -> u64`
    Hash,
    /// `match_byte(array, byte) -> u64`: bit set; array of at most 64 bytes.
    MatchByte,
    /// `shift(array, from, to, length)`: moves elements within an array, as memmove.
    Shift,
    /// `array.place(i)` / `place.field` as a place rather than a value: `at(array, i)`.
    At,
    /// `window(array, i, M)`: M elements from the i-th on as a place; fails `BoundExceeded` where they are not there.
    Window,
    /// `random() -> u64`: the stamped seed's next number (region seeds).
    Random,
}

/// A failure with its fields.
#[derive(Clone, Debug)]
pub enum FailureValue {
    Builtin(Builtin),
    Declared {
        error: ErrorId,
        variant: u32,
        fields: Vec<Expr>,
    },
}

#[derive(Clone, Debug)]
pub struct Arm {
    pub pattern: Pattern,
    pub guard: Option<Expr>,
    pub body: Expr,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Pattern {
    pub kind: PatternKind,
    pub ty: Type,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum PatternKind {
    Wildcard,
    Bind(LocalId),
    Integer(i128),
    Bool(bool),
    String(Arc<str>),
    /// Inclusive.
    IntegerRange(i128, i128),
    None,
    /// The content of an optional. A plain binding under `if let x = …` becomes `Some(Bind)`.
    Some(Box<Pattern>),
    Variant {
        variant: u32,
        fields: Vec<(u32, Pattern)>,
    },
    Tuple(Vec<Pattern>),
    /// Any of these, which bind no names.
    Or(Vec<Pattern>),
    /// Of an `attempt`'s result: `Ok(p)`, `Err(E.V(p))`, as the checker resolved them.
    Ok(Box<Pattern>),
    Failure {
        error: ErrorId,
        variant: u32,
        fields: Vec<(u32, Pattern)>,
    },
    FailureBuiltin(Builtin),
    /// `Err(_)`
    AnyFailure,
}
