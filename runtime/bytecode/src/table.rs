//! The table of instructions and words: names and numbers for the binary and the text form. Always true: a
//! number never changes its meaning within format 1; the macros match on every variant, so one that is not
//! listed does not build.

use crate::instr::{
    Access, BinaryOp, Builtin, CompareOp, ConvertMode, Environment, Rounding, Scalar, UnaryOp,
};
use crate::interface::{CommandKind, GuardKind};
use crate::module::FunctionKind;
use crate::routes::Method;

/// An enum without payload: its place in `ALL` is its number.
pub(crate) trait Word: Copy + Sized + 'static {
    const ALL: &'static [(Self, &'static str)];

    fn number(self) -> u8;

    fn name(self) -> &'static str {
        Self::ALL[usize::from(self.number())].1
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).map(|(word, _)| *word)
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(word, _)| *word)
    }
}

macro_rules! words {
    ($($kind:ident { $($number:literal $variant:ident $name:literal)* })*) => {$(
        impl Word for $kind {
            const ALL: &'static [(Self, &'static str)] = &[$(($kind::$variant, $name)),*];

            fn number(self) -> u8 {
                match self { $($kind::$variant => $number),* }
            }
        }
    )*
        #[cfg(test)]
        mod words {
            use super::*;

            #[test]
            fn numbers_are_places() {
                $(for (place, (word, name)) in $kind::ALL.iter().enumerate() {
                    assert_eq!(usize::from(word.number()), place, "{name}");
                    assert!($kind::from_name(name) == Some(*word), "{name}");
                })*
            }
        }
    };
}

words! {
    Scalar {
        0 Bool "bool" 1 U8 "u8" 2 U16 "u16" 3 U32 "u32" 4 U64 "u64" 5 U128 "u128"
        6 I8 "i8" 7 I16 "i16" 8 I32 "i32" 9 I64 "i64" 10 I128 "i128" 11 F64 "f64"
    }
    Builtin {
        0 AlreadyExists "AlreadyExists" 1 Overflow "Overflow" 2 DivideByZero "DivideByZero" 3 TableFull "TableFull"
        4 TooLong "TooLong" 5 BoundExceeded "BoundExceeded" 6 InvariantBroken "InvariantBroken"
        7 StillReferenced "StillReferenced" 8 Denied "Denied"
    }
    BinaryOp {
        0 Add "add" 1 Sub "sub" 2 Mul "mul" 3 Div "div" 4 Rem "rem"
        5 WrappingAdd "wrapping_add" 6 WrappingSub "wrapping_sub" 7 WrappingMul "wrapping_mul"
        8 SaturatingAdd "saturating_add" 9 SaturatingSub "saturating_sub" 10 SaturatingMul "saturating_mul"
        11 Min "min" 12 Max "max" 13 And "and" 14 Or "or" 15 Xor "xor" 16 ShiftLeft "shift_left" 17 ShiftRight "shift_right"
    }
    UnaryOp {
        0 Not "not" 1 Neg "neg" 2 Abs "abs" 3 TrailingZeros "trailing_zeros" 4 LeadingZeros "leading_zeros"
        5 CountOnes "count_ones" 6 ByteSwap "byte_swap" 7 SquareRoot "square_root"
    }
    CompareOp {
        0 Equal "equal" 1 NotEqual "not_equal" 2 Less "less" 3 LessOrEqual "less_or_equal" 4 Greater "greater"
        5 GreaterOrEqual "greater_or_equal"
    }
    ConvertMode { 0 Checked "checked" 1 Wrapping "wrapping" 2 Saturating "saturating" }
    Rounding {
        0 HalfEven "half_even" 1 HalfUp "half_up" 2 Truncate "truncate" 3 Away "away" 4 Floor "floor" 5 Ceiling "ceiling"
    }
    Access { 0 Read "read" 1 Write "write" }
    Environment { 0 Now "now" 1 Random "random" 2 CallerId "caller_id" 3 OpNumber "op_number" 4 CallerRoles "caller_roles" }
    CommandKind { 0 Command "command" 1 Query "query" 2 Report "report" 3 Step "step" }
    GuardKind { 0 Holds "holds" 1 Empty "empty" }
    Method { 0 Get "GET" 1 Post "POST" 2 Put "PUT" 3 Patch "PATCH" 4 Delete "DELETE" }
    FunctionKind { 0 Plain "plain" 1 Test "test" }
}

impl Builtin {
    /// Its number on the wire, in tests' status words and in logs.
    pub fn number(self) -> u8 {
        Word::number(self)
    }

    pub fn from_number(number: u8) -> Option<Builtin> {
        Word::from_number(number)
    }

    /// As the language writes it: `TableFull`.
    pub fn name(self) -> &'static str {
        Word::name(self)
    }

    /// The inverse of [`Builtin::name`].
    pub fn from_name(name: &str) -> Option<Builtin> {
        Word::from_name(name)
    }

    /// All of them, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Builtin> {
        <Builtin as Word>::ALL.iter().map(|(builtin, _)| *builtin)
    }
}

impl Method {
    /// As HTTP writes it: `GET`.
    pub fn name(self) -> &'static str {
        Word::name(self)
    }

    pub fn from_name(name: &str) -> Option<Method> {
        Word::from_name(name)
    }

    /// All of them, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Method> {
        <Method as Word>::ALL.iter().map(|(method, _)| *method)
    }
}

impl Rounding {
    /// As the language writes it: `half_even`.
    pub fn name(self) -> &'static str {
        Word::name(self)
    }

    pub fn from_name(name: &str) -> Option<Rounding> {
        Word::from_name(name)
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        <Rounding as Word>::ALL.iter().map(|(_, name)| *name)
    }
}

impl Scalar {
    /// As the language writes it: `u64`.
    pub fn name(self) -> &'static str {
        Word::name(self)
    }
}

/// Calls a macro with every instruction: number, variant, name, fields in their order.
macro_rules! for_each_instruction {
    ($call:ident) => {
        $call! {
            0 Const "const" { dst bits }
            1 Move "move" { dst src }
            2 Binary "binary" { op dst left right }
            3 Unary "unary" { op dst src }
            4 Compare "compare" { op dst left right }
            5 Convert "convert" { mode dst src }
            6 Select "select" { dst condition then otherwise }
            7 Environment "environment" { value dst }
            8 Slot "slot" { dst slot }
            9 Touch "touch" { dst region page access }
            10 View "view" { dst src offset }
            11 ViewAt "view_at" { dst src index base stride count }
            12 Load "load" { dst view offset }
            13 Store "store" { view offset src }
            14 LoadAt "load_at" { dst view index base stride count }
            15 StoreAt "store_at" { view index base stride count src }
            16 Copy "copy" { dst src }
            17 Zero "zero" { view }
            18 MoveWithin "move_within" { view base stride count from to length }
            19 CompareBytes "compare_bytes" { dst left right }
            20 EqualBytes "equal_bytes" { dst left right }
            21 Hash "hash" { dst view seed }
            22 MatchByte "match_byte" { dst view byte }
            23 Block "block" { body }
            24 If "if" { condition then otherwise }
            25 Loop "loop" { max body }
            26 Switch "switch" { value arms otherwise }
            27 Break "break" { depth }
            28 Continue "continue" { depth }
            29 Call "call" { function arguments results otherwise }
            30 Return "return" { values }
            31 ReturnNone "return_none" { }
            32 Fail "fail" { failure payload }
            33 Emit "emit" { event view }
            34 Invoke "invoke" { command arguments result failure status }
            35 TestContext "test_context" { roles advance }
            36 Assert "assert" { condition assertion left right }
            37 Attempt "attempt" { function arguments failure status }
            38 TestCaller "test_caller" { caller }
            39 LoopUnbounded "loop_unbounded" { body }
            40 MultiplyDivide "multiply_divide" { rounding dst left right divisor }
            41 Round "round" { rounding dst src }
            42 Sha256 "sha256" { dst view length }
        }
    };
}
pub(crate) use for_each_instruction;

macro_rules! names {
    ($($number:literal $variant:ident $name:literal { $($field:ident)* })*) => {
        /// The names of all instructions; an instruction's number is its place.
        pub const NAMES: &[&str] = &[$($name),*];

        impl crate::instr::Instr {
            /// Its number in the binary form.
            pub fn number(&self) -> u8 {
                match self { $(crate::instr::Instr::$variant { .. } => $number),* }
            }

            /// Its name in the text form.
            pub fn name(&self) -> &'static str {
                NAMES[usize::from(self.number())]
            }
        }
    };
}
for_each_instruction!(names);
