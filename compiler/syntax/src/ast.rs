//! The syntax tree: what was written, with spans, and nothing decided.
//!
//! Always true: every node knows its span; names are text as written; comments are not here (the
//! formatter takes them from the token stream), doc comments (`///`, `//!`) are. A part that could not
//! be read is an `Error` node, and a diagnostic says why: later passes stay silent about it.
//!
//! How the parser fills what the types leave open:
//! - `take`/`max` are always an [`ExprKind::Bounded`] around the source, in `for` and in comprehensions alike;
//!   `StatementKind::For::limit` stays `None`.
//! - `Payment.Insufficient { … }` is a `Record` with `qualifier` `Payment`.
//! - A field init without a name, as in `Money { USD, old.balance }`, has its position in digits as its name
//!   (`"0"`, `"1"`) and its value; an upper-case name alone counts as such a value.
//! - `size<T>()` and `align<T>()` are a `Call` of a `Name` with arguments; `a >> b` is two adjacent `>`.
//! - `touch(r, p)` with two arguments is a `Touch`; attribute arguments are names and literals.
//! - [`ItemKind::Retire`] is `retire pay@1`, [`TableMember::OnDelete`] is `on delete author cascade take 100`.
//! - A field, parameter or variant that could not be read keeps its place with the empty name and a `Broken` type.
//! - In a block, the last statement, when it is an expression, is `value`, whatever its type.

use rc_source::Span;
use std::sync::Arc;

/// An identifier as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    pub text: Arc<str>,
    pub span: Span,
}

/// One `.rc` file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// `//!` lines at the top, without the marks.
    pub docs: Vec<String>,
    pub package: Option<Name>,
    pub items: Vec<Item>,
}

/// A declaration with the `///` lines above it and its `@` attributes.
#[derive(Clone, Debug)]
pub struct Item {
    pub docs: Vec<String>,
    pub attributes: Vec<Attribute>,
    pub kind: ItemKind,
    pub span: Span,
}

/// `@http(GET "/accounts/{id}")`: a name and its arguments as tokens' texts.
#[derive(Clone, Debug)]
pub struct Attribute {
    pub name: Name,
    pub arguments: Vec<Expr>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ItemKind {
    /// `use std.rate_limiter`
    Use {
        path: Vec<Name>,
    },
    /// `type Cents = u64`
    TypeAlias {
        name: Name,
        generics: Vec<Generic>,
        ty: Type,
    },
    Struct {
        name: Name,
        generics: Vec<Generic>,
        fields: Vec<Field>,
    },
    Enum {
        name: Name,
        generics: Vec<Generic>,
        variants: Vec<Variant>,
    },
    Table(Table),
    /// `state minted: Cents = 0`
    State {
        name: Name,
        ty: Type,
        default: Option<Expr>,
    },
    /// `aggregate supply = sum(Account.balance) by currency`
    Aggregate {
        name: Name,
        function: Name,
        table: Name,
        field: Option<Name>,
        by: Option<Name>,
    },
    /// `invariant for c: supply[c] == minted[c]` at top level.
    Invariant {
        for_each: Option<Name>,
        condition: Expr,
    },
    Role {
        name: Name,
    },
    Error {
        name: Name,
        variants: Vec<Variant>,
    },
    Event {
        name: Name,
        fields: Vec<Field>,
    },
    Callable(Callable),
    Test {
        name: StringLiteral,
        body: Block,
    },
    Property {
        name: StringLiteral,
        params: Vec<Param>,
        body: Block,
    },
    /// `const DEPTH<K>: u64 = …`; stdlib mostly, allowed everywhere.
    Const {
        name: Name,
        generics: Vec<Generic>,
        ty: Option<Type>,
        value: Expr,
    },
    /// Low level: a page's or a row's shape with fixed offsets.
    Layout {
        name: Name,
        generics: Vec<Generic>,
        fields: Vec<Field>,
    },
    /// `retire pay@1`: that version stops being callable.
    Retire {
        name: Name,
        version: Option<u32>,
    },
    Job(Job),
    /// Could not be read; already reported.
    Broken,
}

/// `job fan_out(post: u64, author: u64) step 500 { … }`
#[derive(Clone, Debug)]
pub struct Job {
    pub name: Name,
    pub params: Vec<Param>,
    /// Rows that one step visits at most.
    pub step: Expr,
    pub fails: Vec<Name>,
    /// A mistake: nobody calls a job.
    pub allow: Option<Allow>,
    /// Of one step.
    pub cost: Vec<CostLimit>,
    pub body: Block,
}

/// `K`, `K: Ordered`, or `N` used as a number.
#[derive(Clone, Debug)]
pub struct Generic {
    pub name: Name,
    pub bound: Option<Name>,
}

/// `name: T = default` in a struct, event, layout, record variant.
#[derive(Clone, Debug)]
pub struct Field {
    pub docs: Vec<String>,
    pub name: Name,
    pub ty: Type,
    pub default: Option<Expr>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Variant {
    pub docs: Vec<String>,
    pub name: Name,
    pub payload: Payload,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Payload {
    None,
    /// `NoAccount(id: u64)` or `Open(time)`: the name is optional.
    Tuple(Vec<(Option<Name>, Type)>),
    /// `Insufficient { needed: Cents }`
    Record(Vec<Field>),
}

/// `table Account@2 from Account@1 capacity 1_000_000 { … }`
#[derive(Clone, Debug)]
pub struct Table {
    pub name: Name,
    pub version: Option<u32>,
    pub from: Option<(Name, Option<u32>)>,
    pub capacity: Option<Expr>,
    pub members: Vec<TableMember>,
}

#[derive(Clone, Debug)]
pub enum TableMember {
    Key {
        docs: Vec<String>,
        name: Name,
        ty: Type,
        storage: Option<Name>,
        span: Span,
    },
    Field(Field),
    /// `index by_owner(owner, id)`
    Index {
        name: Name,
        fields: Vec<Name>,
        unique: bool,
        span: Span,
    },
    Invariant {
        condition: Expr,
        span: Span,
    },
    /// `migrate old => { … }`
    Migrate {
        old: Name,
        fields: Vec<FieldInit>,
        span: Span,
    },
    /// `on delete author cascade take 100`: what happens to rows whose ref field `reference` loses its target.
    OnDelete {
        reference: Name,
        action: Name,
        limit: Option<Expr>,
        span: Span,
    },
    Broken(Span),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallableKind {
    Command,
    Query,
    Report,
    Function,
}

/// A command, query, report or fn.
#[derive(Clone, Debug)]
pub struct Callable {
    pub kind: CallableKind,
    pub name: Name,
    pub version: Option<u32>,
    pub generics: Vec<Generic>,
    pub params: Vec<Param>,
    pub result: Option<Type>,
    /// `fails Payment, Other`
    pub fails: Vec<Name>,
    pub allow: Option<Allow>,
    pub cost: Vec<CostLimit>,
    pub body: Block,
    /// From the keyword to the end of the header.
    pub header: Span,
}

/// `allow anyone` / `allow treasurer, auditor`: role names as written (`anyone` among them).
#[derive(Clone, Debug)]
pub struct Allow {
    pub roles: Vec<Name>,
    pub span: Span,
}

/// `steps <= 600`
#[derive(Clone, Debug)]
pub struct CostLimit {
    pub dimension: Name,
    pub limit: Expr,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Param {
    pub name: Name,
    pub ty: Type,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Type {
    pub kind: TypeKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum TypeKind {
    /// `u64`, `Account`, `string<64>`, `list<u64, 100>`, `place<R>`, `region`: arguments are types or constants.
    Named {
        name: Name,
        arguments: Vec<TypeArgument>,
    },
    /// `T?`
    Optional(Box<Type>),
    Tuple(Vec<Type>),
    /// `[K; LEAF<K, R>]`, layouts only.
    Array(Box<Type>, Box<Expr>),
    /// `ref Account`
    Ref(Name),
    Broken,
}

#[derive(Clone, Debug)]
pub enum TypeArgument {
    Type(Type),
    /// A number or constant expression; a bare upper-case name is parsed as a type and told apart later.
    Const(Expr),
}

#[derive(Clone, Debug)]
pub struct Block {
    pub statements: Vec<Statement>,
    /// The last expression without a newline-ended statement after it: the block's value.
    pub value: Option<Box<Expr>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub kind: StatementKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum StatementKind {
    /// `let pattern: T = value else …`; `mutable` for `var`.
    Let {
        mutable: bool,
        pattern: Pattern,
        ty: Option<Type>,
        value: Expr,
        otherwise: Option<Box<Expr>>,
    },
    /// `place = value`, `place += value`, `place = optional else …`
    Assign {
        target: Expr,
        operator: Option<BinaryOperator>,
        value: Expr,
        otherwise: Option<Box<Expr>>,
    },
    /// `ensure c else E`: the else side is the bare variant or `fail E`.
    Ensure {
        condition: Expr,
        otherwise: Expr,
    },
    Fail {
        error: Expr,
    },
    Emit {
        event: Expr,
    },
    For {
        pattern: Pattern,
        source: Expr,
        limit: Option<Expr>,
        body: Block,
    },
    Return {
        value: Option<Expr>,
    },
    Break,
    Continue,
    Expression(Expr),
    /// `start fan_out(id, author)`
    Start {
        job: Name,
        arguments: Vec<Expr>,
    },
    /// Tests: `step fan_out`
    Step {
        job: Name,
    },
    /// Tests: `as treasurer, caller(7) { … }`
    As {
        /// Roles; with what stands in brackets behind them.
        actors: Vec<(Name, Option<Expr>)>,
        body: Block,
    },
    /// Tests: `advance 5m`
    Advance {
        duration: Expr,
    },
    /// Tests: `assert c`
    Assert {
        condition: Expr,
    },
    /// Tests: `expect Insufficient { … } from pay(…)`
    Expect {
        failure: Expr,
        call: Expr,
    },
    Broken,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    /// Digits as a number; `None` when it is above `u128::MAX` (reported). `suffix` for durations: `5m`, `30s`.
    Integer {
        value: u128,
        suffix: Option<Arc<str>>,
    },
    Float(f64),
    String(StringLiteral),
    Bytes(Vec<u8>),
    Bool(bool),
    /// `none`
    None,
    /// A value, function, table, variant or constant name; generic arguments only after type names (`priority_queue<…>()`).
    Name {
        name: Name,
        arguments: Vec<TypeArgument>,
    },
    /// `a.b`, `t.0` (the name is then digits)
    Member {
        base: Box<Expr>,
        name: Name,
    },
    /// `pay@1`: a version of a command or query, to be called
    Version {
        base: Box<Expr>,
        version: u32,
    },
    Call {
        callee: Box<Expr>,
        arguments: Vec<Expr>,
    },
    Index {
        base: Box<Expr>,
        index: Box<Expr>,
    },
    /// `Insufficient { needed: amount }`, `Pair<u64, bool> { … }`, or bare `{ id, owner }`; `id` alone is `id: id`. Of
    /// `qualifier` and `arguments` there is one at most.
    Record {
        qualifier: Option<Name>,
        name: Option<Name>,
        arguments: Vec<TypeArgument>,
        fields: Vec<FieldInit>,
    },
    Tuple(Vec<Expr>),
    List(Vec<Expr>),
    /// `[a.id for a in source take n if c]`
    Comprehension {
        value: Box<Expr>,
        pattern: Pattern,
        source: Box<Expr>,
        condition: Option<Box<Expr>>,
    },
    Unary {
        operator: UnaryOperator,
        operand: Box<Expr>,
    },
    Binary {
        operator: BinaryOperator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `x as u128`; in stdlib `touch(…) as Leaf<K, R>`.
    Cast {
        value: Box<Expr>,
        ty: Type,
    },
    /// `a..b`, `a..=b`; ends optional for `.from`/patterns.
    Range {
        start: Option<Box<Expr>>,
        end: Option<Box<Expr>>,
        inclusive: bool,
    },
    /// `source take n`, `source max n`: a bounded source; `take n max m` gives both.
    Bounded {
        source: Box<Expr>,
        take: Option<Box<Expr>>,
        max: Option<Box<Expr>>,
    },
    If {
        condition: Box<Expr>,
        then: Block,
        otherwise: Option<Box<Expr>>,
    },
    /// `if let pattern = value { … } else { … }`
    IfLet {
        pattern: Pattern,
        value: Box<Expr>,
        then: Block,
        otherwise: Option<Box<Expr>>,
    },
    Match {
        value: Box<Expr>,
        arms: Vec<MatchArm>,
    },
    Block(Block),
    /// `attempt pay(…)`
    Attempt(Box<Expr>),
    /// `fail E` as an expression (an `else` side, a match arm); its type is never.
    Fail(Box<Expr>),
    /// `return x` / `break` / `continue` as an else side or match arm.
    Return(Option<Box<Expr>>),
    Break,
    Continue,
    /// `x?`-free language: no propagation operator. Low level: `touch(region, page)` / `touch mut(region, page)`.
    Touch {
        mutable: bool,
        region: Box<Expr>,
        page: Box<Expr>,
    },
    Broken,
}

#[derive(Clone, Debug)]
pub struct FieldInit {
    pub name: Name,
    /// `None` = the variable of the same name.
    pub value: Option<Expr>,
}

#[derive(Clone, Debug)]
pub struct MatchArm {
    pub pattern: Pattern,
    pub guard: Option<Expr>,
    pub body: Expr,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Pattern {
    pub kind: PatternKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum PatternKind {
    /// `_`
    Wildcard,
    /// A lower-case name binds.
    Bind(Name),
    /// A literal or a range of literals.
    Literal(Box<Expr>),
    /// `none`
    None,
    /// `Open(until)`, `Closed`, `Payment.NoAccount(id)`
    Variant {
        path: Vec<Name>,
        fields: PatternFields,
    },
    Tuple(Vec<Pattern>),
    /// `Held | Paid`, `0 | 1`: at least two.
    Or(Vec<Pattern>),
    Broken,
}

#[derive(Clone, Debug)]
pub enum PatternFields {
    None,
    Tuple(Vec<Pattern>),
    /// `{ needed, available: a }`; `rest` for a closing `..`.
    Record {
        fields: Vec<(Name, Option<Pattern>)>,
        rest: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringLiteral {
    /// The text with escapes resolved.
    pub value: Arc<str>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOperator {
    /// `-`
    Negate,
    /// `!` (or `not`)
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Or,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `a ?? b`: the value of an optional, or `b`.
    Otherwise,
}

impl BinaryOperator {
    /// As the language writes it.
    pub fn sign(self) -> &'static str {
        match self {
            BinaryOperator::Add => "+",
            BinaryOperator::Subtract => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Remainder => "%",
            BinaryOperator::And => "&&",
            BinaryOperator::Or => "||",
            BinaryOperator::BitAnd => "&",
            BinaryOperator::BitOr => "|",
            BinaryOperator::BitXor => "^",
            BinaryOperator::ShiftLeft => "<<",
            BinaryOperator::ShiftRight => ">>",
            BinaryOperator::Equal => "==",
            BinaryOperator::NotEqual => "!=",
            BinaryOperator::Less => "<",
            BinaryOperator::LessOrEqual => "<=",
            BinaryOperator::Greater => ">",
            BinaryOperator::GreaterOrEqual => ">=",
            BinaryOperator::Otherwise => "??",
        }
    }
}
