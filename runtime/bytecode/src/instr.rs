//! The instructions: typed registers, structured control, checked arithmetic, views of memory.
//!
//! Always true: a register has one type for the whole function and is assigned before it is read; a
//! static offset lies within its view; a dynamic index is checked when it runs; arithmetic that does not
//! fit fails with `Overflow`, never wraps, unless its name says so.
//!
//! Memory is seen through *views*: a stretch of a page or of the command's own frame with a length and a
//! permission known from the register's type. `Touch` makes a view of a whole page, `Slot` of a frame
//! slot, `View` and `ViewAt` narrow one. In the JIT a view is one machine address.

/// A register's index in its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Register(pub u32);

/// What a register can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    Scalar(Scalar),
    View(View),
}

/// A number or a truth value. `Bool` is 0 or 1. Integers are kept in their own range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scalar {
    Bool,
    U8,
    U16,
    U32,
    U64,
    U128,
    I8,
    I16,
    I32,
    I64,
    I128,
    F64,
}

impl Scalar {
    /// Bytes in memory; alignment is the same, at most 8.
    pub fn size(self) -> u32 {
        match self {
            Scalar::Bool | Scalar::U8 | Scalar::I8 => 1,
            Scalar::U16 | Scalar::I16 => 2,
            Scalar::U32 | Scalar::I32 => 4,
            Scalar::U64 | Scalar::I64 | Scalar::F64 => 8,
            Scalar::U128 | Scalar::I128 => 16,
        }
    }

    pub fn is_signed(self) -> bool {
        matches!(
            self,
            Scalar::I8 | Scalar::I16 | Scalar::I32 | Scalar::I64 | Scalar::I128
        )
    }

    pub fn is_integer(self) -> bool {
        !matches!(self, Scalar::Bool | Scalar::F64)
    }

    /// Bits of an integer's range.
    pub fn bits(self) -> u32 {
        self.size() * 8
    }
}

/// A stretch of memory of `length` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct View {
    pub space: Space,
    /// Bytes.
    pub length: u32,
    /// Whether stores are allowed. A writable view may be used where a readable one is asked for.
    pub writable: bool,
}

/// Where a view points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Space {
    /// The command's own frame: not in the canvas, gone at its end. Writable.
    Frame,
    /// A page of the module's region of this index.
    Page(RegionIndex),
}

/// A region's index in the module's region table; bound to a canvas region when the module is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegionIndex(pub u16);

/// A function's index in its module. A function calls only lower indices: calls are a DAG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionIndex(pub u32);

/// A frame slot's index in its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotIndex(pub u32);

/// An event type's index in the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventIndex(pub u32);

/// A command's index in the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandIndex(pub u32);

/// Why a command failed: one of the built-in, closed set, or a declared error's variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Failure {
    Builtin(Builtin),
    /// Variant `variant` of the interface's error type `error`; the payload is the variant's fields.
    Declared {
        error: u32,
        variant: u32,
    },
}

impl Failure {
    /// Its number in a status word, never 0, which is success.
    pub fn status(self) -> u32 {
        match self {
            Failure::Builtin(builtin) => 1 + u32::from(builtin.number()),
            Failure::Declared { error, variant } => 0x1_0000 + error * 0x100 + variant,
        }
    }
}

/// The closed, implicit set (decision 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Builtin {
    AlreadyExists,
    Overflow,
    DivideByZero,
    TableFull,
    TooLong,
    BoundExceeded,
    InvariantBroken,
    StillReferenced,
    Denied,
}

/// Two operands of one type, giving the same type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BinaryOp {
    /// Checked: fails `Overflow`. On `F64`, fails `Overflow` where the result is not finite, and a zero is never negative: so for
    /// every operation that calculates one.
    Add,
    Sub,
    Mul,
    /// Truncates; fails `DivideByZero`, and `Overflow` for MIN / -1. On `F64`: `DivideByZero` for a right operand of zero of
    /// either sign, `Overflow` where the quotient is not finite.
    Div,
    /// Sign of the dividend; fails `DivideByZero`; MIN % -1 is 0. Integers only, as all below but `Min`, `Max` and the bitwise.
    Rem,
    WrappingAdd,
    WrappingSub,
    WrappingMul,
    SaturatingAdd,
    SaturatingSub,
    SaturatingMul,
    /// `right < left ? right : left`; so of two equal `F64` zeros the left one is kept, whatever their signs.
    Min,
    /// `right > left ? right : left`.
    Max,
    /// Bitwise; on `Bool` logical.
    And,
    Or,
    Xor,
    /// The right operand counts bits; one at or above the width, or below 0, fails `Overflow`. Bits shifted out are lost.
    ShiftLeft,
    /// Arithmetic on signed integers.
    ShiftRight,
}

/// One operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnaryOp {
    /// Bitwise; on `Bool` logical.
    Not,
    /// Checked. Signed integers and `F64` only, as `Abs`.
    Neg,
    /// Checked (MIN has none).
    Abs,
    /// Trailing zeros of an unsigned integer; its width for 0. The result has the operand's type.
    TrailingZeros,
    LeadingZeros,
    CountOnes,
    /// Bytes in the other order: integers only.
    ByteSwap,
    /// `F64` only; of a number below zero fails `Overflow`.
    SquareRoot,
}

/// Two operands of one scalar type, giving `Bool`. `F64` by value: the two zeros are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CompareOp {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How an integer changes its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConvertMode {
    /// Fails `Overflow` where the value does not fit. F64 from integers rounds to nearest even; to integers truncates
    /// first, so that -0.9 is 0 in an unsigned type.
    Checked,
    /// Keeps the low bits. Integers and `Bool` to integers only.
    Wrapping,
    /// Clamps to the target's range. Integers only.
    Saturating,
}

/// What becomes of what does not fit the last digit. The words of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rounding {
    /// To the nearest; halves to the even neighbour.
    HalfEven,
    /// To the nearest; halves away from zero.
    HalfUp,
    /// Toward zero.
    Truncate,
    /// Away from zero.
    Away,
    /// Toward negative infinity.
    Floor,
    /// Toward positive infinity.
    Ceiling,
}

/// What a touch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    Read,
    Write,
}

/// A value of the outer world that is stamped in the log, so that every replay sees the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Environment {
    /// `I64`: nanoseconds since 1970, never going back.
    Now,
    /// `U64`: a new pseudo-random number at each use, from the seed of (batch, op).
    Random,
    /// `U64`: the calling principal's id.
    CallerId,
    /// `U64`: the op number of the running command.
    OpNumber,
    /// `U64`: the calling principal's roles, a bit each as the interface numbers them.
    CallerRoles,
}

/// A sequence of instructions.
pub type Body = Vec<Instr>;

/// One instruction. `dst` is written, everything else read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instr {
    // -- values ------------------------------------------------------------------------------------
    /// `bits` as the register's type has them: two's complement in the low bits, F64 by its bits. Scalars only.
    Const {
        dst: Register,
        bits: u128,
    },
    /// Same type on both sides; a writable view may be moved to a readable one of the same space and length.
    Move {
        dst: Register,
        src: Register,
    },
    Binary {
        op: BinaryOp,
        dst: Register,
        left: Register,
        right: Register,
    },
    Unary {
        op: UnaryOp,
        dst: Register,
        src: Register,
    },
    Compare {
        op: CompareOp,
        dst: Register,
        left: Register,
        right: Register,
    },
    Convert {
        mode: ConvertMode,
        dst: Register,
        src: Register,
    },
    /// Scalars only.
    Select {
        dst: Register,
        condition: Register,
        then: Register,
        otherwise: Register,
    },
    Environment {
        value: Environment,
        dst: Register,
    },
    /// `dst` = `left * right / divisor`, exact but for one rounding: all `I128`, the product kept in 256 bits. Fails
    /// `DivideByZero`, and `Overflow` where the result does not fit.
    MultiplyDivide {
        rounding: Rounding,
        dst: Register,
        left: Register,
        right: Register,
        divisor: Register,
    },
    /// A whole `F64` of an `F64`.
    Round {
        rounding: Rounding,
        dst: Register,
        src: Register,
    },

    // -- memory ------------------------------------------------------------------------------------
    /// A writable view of a whole frame slot. Slots are zero when the function starts.
    Slot {
        dst: Register,
        slot: SlotIndex,
    },
    /// A view of page `page` (a U64) of a region: `dst` is `View{Page(region), page size, access==Write}`.
    /// A page number at or above the module region's `pages_max` fails `TableFull`, before anything else is looked at;
    /// whatever else the canvas refuses halts the node.
    Touch {
        dst: Register,
        region: RegionIndex,
        page: Register,
        access: Access,
    },
    /// `dst` = `dst.length` bytes of `src` from `offset`. No check when it runs: the verifier has made it.
    View {
        dst: Register,
        src: Register,
        offset: u32,
    },
    /// `dst` = `dst.length` bytes of `src` from `base + index * stride`; `index` (U64) at or above `count` fails
    /// `BoundExceeded`. The verifier has checked `base + (count-1) * stride + dst.length <= src.length`.
    ViewAt {
        dst: Register,
        src: Register,
        index: Register,
        base: u32,
        stride: u32,
        count: u32,
    },
    /// The scalar at `offset`, little-endian. A `Bool` loads as (byte & 1). An `F64` must be finite: the interpreter halts.
    Load {
        dst: Register,
        view: Register,
        offset: u32,
    },
    Store {
        view: Register,
        offset: u32,
        src: Register,
    },
    /// Scalar element of an array: `ViewAt` and `Load` in one; stride = the scalar's size is usual, not required.
    LoadAt {
        dst: Register,
        view: Register,
        index: Register,
        base: u32,
        stride: u32,
        count: u32,
    },
    StoreAt {
        view: Register,
        index: Register,
        base: u32,
        stride: u32,
        count: u32,
        src: Register,
    },

    // -- bulk: steps grow with the static length; each reads all before it writes. One to a page is one store of the whole
    // destination range in the digest; a destination of no bytes writes and folds nothing ----------------
    /// Copies `min(dst.length, src.length)` bytes and zeroes the rest of `dst`; overlapping is allowed (as memmove).
    Copy {
        dst: Register,
        src: Register,
    },
    /// All bytes zero.
    Zero {
        view: Register,
    },
    /// Moves `length` elements of `stride` bytes within the array at `base` with `count` elements: from index `from` to
    /// index `to` (U64 registers), as memmove; either end above `count` fails `BoundExceeded` (so do sums above 64 bits). The range written is that of `length`
    /// elements at `to`. Priced for `count`.
    MoveWithin {
        view: Register,
        base: u32,
        stride: u32,
        count: u32,
        from: Register,
        to: Register,
        length: Register,
    },
    /// `dst` (I64) = -1, 0, 1 by unsigned bytes; both views of one length.
    CompareBytes {
        dst: Register,
        left: Register,
        right: Register,
    },
    /// `dst` (Bool); both views of one length.
    EqualBytes {
        dst: Register,
        left: Register,
        right: Register,
    },
    /// `dst` (U64) = the hash of edition 1 over the view's bytes and `seed` (U64).
    Hash {
        dst: Register,
        view: Register,
        seed: Register,
    },
    /// `dst` (U64): bit i is set where byte i of the view equals `byte` (U8). The view is at most 64 bytes.
    MatchByte {
        dst: Register,
        view: Register,
        byte: Register,
    },

    /// Writes the SHA-256 of the first `length` (U64) bytes of `view` to `dst`, a writable frame view of 32 bytes. A
    /// length above the view's fails `BoundExceeded`. Priced for the whole view.
    Sha256 {
        dst: Register,
        view: Register,
        length: Register,
    },

    // -- control -------------------------------------------------------------------------------------
    /// Runs `body`; `Break { depth: 0 }` inside leaves it.
    Block {
        body: Body,
    },
    If {
        condition: Register,
        then: Body,
        otherwise: Body,
    },
    /// Runs `body` again and again until a `Break` leaves; starting it for the `max + 1`st time fails `BoundExceeded`. The count
    /// begins at nothing each time that the `Loop` itself is reached.
    Loop {
        max: u64,
        body: Body,
    },
    /// Runs `body` again and again until a `Break` leaves, however often that is: code of reports alone may have it.
    LoopUnbounded {
        body: Body,
    },
    /// Runs the arm whose number equals `value` (any unsigned integer up to U64), else `otherwise`. Numbers ascend.
    Switch {
        value: Register,
        arms: Vec<(u64, Body)>,
        otherwise: Body,
    },
    /// Leaves the `depth`-th enclosing `Block` or `Loop` (0 = innermost; `If` and `Switch` do not count).
    Break {
        depth: u32,
    },
    /// Starts the `depth`-th enclosing `Block`-or-`Loop`, which must be a `Loop` or `LoopUnbounded`, again.
    Continue {
        depth: u32,
    },
    /// Calls a lower function. `otherwise` is given exactly where the function is `maybe`, and runs where it
    /// answered with `ReturnNone`: then `results` are not assigned by the call.
    Call {
        function: FunctionIndex,
        arguments: Vec<Register>,
        results: Vec<Register>,
        otherwise: Option<Body>,
    },
    /// Calls a lower function that gives no results and always answers, as a sub-transaction. `status` (U32) is 0 where it
    /// returned, else the failure as in `Invoke`: then every store to a page, event and random number since the call began is
    /// taken back, and `failure` (a writable frame view, large enough for any declared failure of the callee) has the
    /// variant's fields, zeroed to the view's end; otherwise it is left alone. Memory of the frame is not taken back.
    Attempt {
        function: FunctionIndex,
        arguments: Vec<Register>,
        failure: Register,
        status: Register,
    },
    /// A body never runs off the function's end: every path ends in `Return`, `ReturnNone` or `Fail`, and no
    /// instruction stands where no path gets to (`flow::diverges` says after which). A result is no frame view.
    Return {
        values: Vec<Register>,
    },
    /// `maybe` functions only.
    ReturnNone,
    /// Ends the whole command (or the attempt around it) and undoes its writes. `payload` is a frame view with the variant's
    /// layout, and is given exactly where the variant has fields.
    Fail {
        failure: Failure,
        payload: Option<Register>,
    },

    // -- effects -------------------------------------------------------------------------------------
    /// Appends an event; the view has the event's layout. Memory that is no value of it halts the node, in both engines; so
    /// for a `Fail`'s payload and a command's result.
    Emit {
        event: EventIndex,
        view: Register,
    },
    /// Functions of kind `Test` only: runs a command as an op of its own. `arguments` and `result` are frame views of the
    /// command's layouts; `status` (U32) is 0 for success, 1 + builtin number, or
    /// 0x1_0000 + error * 0x100 + variant for a declared failure; `result` is written on success, `failure` (a frame view) with
    /// the variant's fields on a declared failure. What is written is zeroed to the view's end; views of pages stay good.
    Invoke {
        command: CommandIndex,
        arguments: Register,
        result: Register,
        failure: Register,
        status: Register,
    },
    /// Tests only: sets the roles of later `Invoke`s (a bit set of the interface's roles, U64) and moves the clock (I64 nanoseconds).
    TestContext {
        roles: Register,
        advance: Register,
    },
    /// Tests only: sets the caller's id (U64) of later `Invoke`s.
    TestCaller {
        caller: Register,
    },
    /// Tests only: fails the test with the module's assertion number where `condition` is false; `left` and `right`
    /// (any scalars) are shown.
    Assert {
        condition: Register,
        assertion: u32,
        left: Option<Register>,
        right: Option<Register>,
    },
}
