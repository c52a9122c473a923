//! Types of the typed program. Aliases are gone; constants are numbers, except where they wait for a
//! generic parameter of the standard library.

use rc_bytecode::instr::Scalar;
use std::sync::Arc;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);
    )* };
}

ids! {
    StructId EnumId LayoutId TableId StateId AggregateId ErrorId EventId CallableId ConstId ContainerId
    /// A local variable, parameter or pattern binding of one callable.
    LocalId
}

/// See the file's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Of `fail`, `return`, `break`: fits everywhere.
    Never,
    Unit,
    Scalar(Scalar),
    Time,
    Duration,
    Uuid,
    /// A content hash, 32 bytes.
    Hash,
    /// Exact: so many digits, of which `scale` stand behind the point. `scale <= digits <= 38`.
    Decimal {
        digits: u8,
        scale: u8,
    },
    /// At most so many bytes of UTF-8.
    String(Count),
    Bytes(Count),
    Optional(Arc<Type>),
    Tuple(Vec<Type>),
    Struct(StructId, Vec<Type>),
    Enum(EnumId, Vec<Type>),
    List(Arc<Type>, Count),
    /// In memory a list in the order of its keys: of a set the elements, of a map and of a priority queue tuples of two, whose first
    /// parts are the keys.
    Sorted(Sorted, Arc<Type>, Count),
    /// A place of a table's row, as a look-up binds it. Not storable.
    Row(TableId),
    /// A container of the canvas: what a state or a row's field is, and only a receiver of calls. Three `u64` where it stands.
    Container(ContainerId),
    /// `Result<T, E>` of an `attempt`.
    Attempted(Arc<Type>, Vec<ErrorId>),

    // -- the low-level part ------------------------------------------------------------------------
    /// The n-th generic parameter of the enclosing item.
    Parameter(u32),
    /// An argument for a generic parameter that stands for a number; never a value's type.
    Number(Count),
    /// A region: known when the code is made, never a value.
    Region,
    /// A view of a value of this type in a page or frame.
    Place {
        ty: Arc<Type>,
        mutable: bool,
    },
    /// Elements one after the other, in layouts only.
    Array(Arc<Type>, Count),
    /// A page's or header's shape.
    Layout(LayoutId, Vec<Type>),
    /// Already reported; fits everywhere, silently.
    Error,
}

/// What a bounded collection in the order of its keys is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sorted {
    /// Each element once.
    Set,
    /// Each key once.
    Map,
    /// Priorities may repeat: the lowest first, of equal ones the one pushed last. Nothing that is kept or sent.
    PriorityQueue,
}

impl Sorted {
    /// The collection of this name.
    pub fn named(name: &str) -> Option<Sorted> {
        Some(match name {
            "set" => Sorted::Set,
            "map" => Sorted::Map,
            "priority_queue" => Sorted::PriorityQueue,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Sorted::Set => "set",
            Sorted::Map => "map",
            Sorted::PriorityQueue => "priority_queue",
        }
    }

    /// Types in an element.
    pub fn parts(self) -> usize {
        match self {
            Sorted::Set => 1,
            Sorted::Map | Sorted::PriorityQueue => 2,
        }
    }
}

/// A number in a type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Count {
    Known(u64),
    /// Depends on generic parameters: worked out when they are known.
    Open(Arc<ConstExpr>),
}

/// A constant expression over generic parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConstExpr {
    Number(u64),
    /// Bytes of a page.
    PageSize,
    SizeOf(Type),
    AlignOf(Type),
    /// A generic parameter that stands for a number.
    Parameter(u32),
    /// A generic constant with its arguments.
    Const(ConstId, Vec<Type>),
    Binary(rc_bytecode::instr::BinaryOp, Arc<ConstExpr>, Arc<ConstExpr>),
}

impl Type {
    pub const BOOL: Type = Type::Scalar(Scalar::Bool);
    pub const U64: Type = Type::Scalar(Scalar::U64);

    pub fn optional(self) -> Type {
        Type::Optional(Arc::new(self))
    }
}
