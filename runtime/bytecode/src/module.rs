//! A module: regions, functions, interface, certificate. Plain data; trust comes from the verifier.

use crate::cost::Cost;
use crate::instr::{Body, Register, Scalar, Type, View};
use crate::interface::Interface;

/// What the compiler makes and a deploy carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// Version of the binary format: 1.
    pub format: u16,
    /// Edition of prices, capacities and ceilings: 1.
    pub edition: u16,
    /// The page size that layouts were made for, as a power of two.
    pub page_shift: u8,
    pub interface: Interface,
    pub regions: Vec<Region>,
    pub functions: Vec<Function>,
    /// Names of source files that spans refer to.
    pub files: Vec<String>,
}

/// A region that the module uses. Bound by `name` to a canvas region when it is deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Stable name, such as `Account/rows@1` or `Account/by_owner@1`.
    pub name: String,
    /// Hash of the layout of what is in it: a deploy with another one is refused without a migration.
    pub layout_hash: u64,
    /// Whether this module may write it.
    pub writable: bool,
    /// Pages it may use at most: a touch at or above fails `TableFull`.
    pub pages_max: u64,
}

/// What a function may do, and who may call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    /// Called by other functions and, where the interface says so, as an entry.
    Plain,
    /// A test's body: run by the test runner only, in modules that are never deployed.
    Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// For people: `std.hashed.find<u64, Account>`.
    pub name: String,
    pub kind: FunctionKind,
    /// Types of the first registers, in order.
    pub parameters: Vec<Type>,
    pub results: Vec<Type>,
    /// May answer `ReturnNone`.
    pub maybe: bool,
    /// All registers' types, parameters first.
    pub registers: Vec<Type>,
    /// Frame slots' sizes in bytes; each is aligned to 8.
    pub slots: Vec<u32>,
    pub body: Body,
    /// Where instructions come from: (instruction number in preorder, file, line), ascending; an instruction without its own entry
    /// belongs to the one before.
    pub lines: Vec<(u32, u32, u32)>,
    /// The certificate.
    pub cost: Cost,
}

impl Function {
    /// A register's type; nothing where the function has no such register.
    pub fn type_of(&self, register: Register) -> Option<Type> {
        self.registers.get(register.0 as usize).copied()
    }

    /// A register's scalar type; nothing where it holds none.
    pub fn scalar_of(&self, register: Register) -> Option<Scalar> {
        match self.type_of(register)? {
            Type::Scalar(scalar) => Some(scalar),
            Type::View(_) => None,
        }
    }

    /// A register's view type; nothing where it holds none.
    pub fn view_of(&self, register: Register) -> Option<View> {
        match self.type_of(register)? {
            Type::View(view) => Some(view),
            Type::Scalar(_) => None,
        }
    }

    /// Bytes of all frame slots, each aligned to 8.
    pub fn slot_bytes(&self) -> u64 {
        self.slots
            .iter()
            .map(|slot| u64::from(*slot).next_multiple_of(8))
            .fold(0, u64::saturating_add)
    }
}
