//! From a seed, a well-typed package: its declarations here, bodies in the files beside. Always true: every name is
//! its own; a row's name is not used after a deletion that may have taken it; the same seed gives the same package.

mod assignments;
mod branches;
mod callables;
mod containers;
mod declarations;
mod expressions;
mod jobs;
mod operations;
mod references;
mod statements;
mod values;

pub use values::{argument, constant};

use crate::chance::Chance;
use crate::description::*;
use rc_bytecode::instr::{CompareOp, Scalar};
use std::collections::BTreeSet;

pub const SCALARS: [Scalar; 10] = [
    Scalar::U64,
    Scalar::U32,
    Scalar::I64,
    Scalar::U8,
    Scalar::I8,
    Scalar::U16,
    Scalar::I16,
    Scalar::I32,
    Scalar::U128,
    Scalar::I128,
];

/// Rows that a generated list of keys shows at most.
const SHOWN_MAX: u32 = 48;

/// Something in scope.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Value {
        name: String,
        ty: Type,
        mutable: bool,
    },
    Row {
        name: String,
        table: usize,
    },
    Maybe {
        name: String,
        table: usize,
    },
}

impl Item {
    fn name(&self) -> &str {
        match self {
            Item::Value { name, .. } | Item::Row { name, .. } | Item::Maybe { name, .. } => name,
        }
    }
}

pub(crate) struct Generator {
    pub chance: Chance,
    pub package: Package,
    pub scope: Vec<Item>,
    /// Whether the body may write.
    pub writes: bool,
    /// Whether the body is a function's: it may not return early from a command.
    pub result: Option<Type>,
    pub in_function: bool,
    /// A job's body does not return.
    pub in_job: bool,
    /// Attempts that the body may still make.
    pub attempts: usize,
    /// For each command so far, the tables of which it may delete rows.
    pub deletes: Vec<BTreeSet<usize>>,
    /// Those of the body that is being made.
    pub deleted: BTreeSet<usize>,
    pub loops: usize,
    /// Tables that a loop's body must not delete from, since names from outside the loop would be gone.
    pub kept: BTreeSet<usize>,
    /// Statements still to be made.
    pub budget: usize,
    names: usize,
    /// How many different keys there are, roughly.
    pub keys: usize,
}

/// The package of a seed.
pub fn package(seed: u64) -> Package {
    let mut chance = Chance(seed);
    let keys = *chance.pick(&[3, 5, 10, 24]);
    let package = Package {
        structs: Vec::new(),
        enums: Vec::new(),
        tables: Vec::new(),
        states: Vec::new(),
        aggregates: Vec::new(),
        invariants: Vec::new(),
        group_invariants: Vec::new(),
        failures: Vec::new(),
        events: Vec::new(),
        functions: Vec::new(),
        jobs: Vec::new(),
        commands: Vec::new(),
    };
    let mut generator = Generator {
        chance,
        package,
        scope: Vec::new(),
        writes: false,
        result: None,
        in_function: false,
        in_job: false,
        attempts: 0,
        deletes: Vec::new(),
        deleted: BTreeSet::new(),
        loops: 0,
        kept: BTreeSet::new(),
        budget: 0,
        names: 0,
        keys,
    };
    generator.declarations();
    generator.jobs();
    generator.callables();
    generator.looks();
    generator.steps();
    generator.package
}

/// How many different keys a seed's package is called with.
pub fn keys(seed: u64) -> usize {
    *Chance(seed).pick(&[3, 5, 10, 24])
}

impl Generator {
    pub fn fresh(&mut self, start: &str) -> String {
        self.names += 1;
        format!("{start}{}", self.names)
    }

    // -- types ---------------------------------------------------------------------------------------------

    fn simple_type(&mut self) -> Type {
        match self.chance.below(18) {
            0..=6 => Type::Integer(self.scalar()),
            7 => Type::Bool,
            // Now and then long enough for the digits of any number.
            8 => Type::Text(self.chance.between(2, 24) as u32),
            9 => Type::Text(self.chance.between(2, 12) as u32),
            10 => Type::Bytes(self.chance.between(1, 6) as u32),
            11 => Type::Duration,
            12 | 16 => Type::Float,
            13 => match self.chance.in_hundred(50) {
                true => Type::Uuid,
                false => Type::Hash,
            },
            _ => self.decimal_type(),
        }
    }

    pub fn scalar(&mut self) -> Scalar {
        // The first few are what most programs count in.
        let end = if self.chance.in_hundred(60) {
            3
        } else {
            SCALARS.len()
        };
        SCALARS[self.chance.below(end)]
    }

    pub fn any_type(&mut self) -> Type {
        match self.chance.below(20) {
            0 | 1 => Type::Optional(Box::new(self.simple_type())),
            2 | 3 => {
                let element = match self.chance.below(8) {
                    0 if !self.package.structs.is_empty() => {
                        Type::Struct(self.chance.below(self.package.structs.len()))
                    }
                    1 if !self.package.enums.is_empty() => {
                        Type::Enum(self.chance.below(self.package.enums.len()))
                    }
                    2 => Type::Tuple(vec![self.simple_type(), self.simple_type()]),
                    _ => self.simple_type(),
                };
                Type::List(Box::new(element), self.chance.between(1, 4) as u32)
            }
            4 | 5 if !self.package.structs.is_empty() => {
                Type::Struct(self.chance.below(self.package.structs.len()))
            }
            6 | 7 if !self.package.enums.is_empty() => {
                Type::Enum(self.chance.below(self.package.enums.len()))
            }
            8 => Type::Time,
            9 => Type::Tuple(vec![self.simple_type(), self.simple_type()]),
            _ => self.simple_type(),
        }
    }

    fn key_type(&mut self) -> Type {
        match self.chance.below(14) {
            12 => self.decimal_type(),
            13 => Type::Uuid,
            0..=3 => Type::Integer(Scalar::U64),
            4 => Type::Integer(Scalar::U32),
            5 => Type::Integer(Scalar::I64),
            6 => Type::Integer(self.scalar()),
            7 | 8 => Type::Text(self.chance.between(2, 10) as u32),
            9 => Type::Bytes(self.chance.between(1, 5) as u32),
            10 if !self.package.enums.is_empty() => {
                self.plain_enum().unwrap_or(Type::Integer(Scalar::U64))
            }
            _ => Type::Integer(Scalar::I16),
        }
    }

    fn plain_enum(&mut self) -> Option<Type> {
        let plain = self
            .package
            .enums
            .iter()
            .position(|of| of.variants.iter().all(|variant| variant.fields.is_empty()));
        plain.map(Type::Enum)
    }

    pub fn orderable(&self, ty: &Type) -> bool {
        match ty {
            Type::Bool
            | Type::Integer(_)
            | Type::Decimal(..)
            | Type::Time
            | Type::Duration
            | Type::Uuid
            | Type::Hash
            | Type::Text(_)
            | Type::Bytes(_) => true,
            Type::Enum(of) => self.package.enums[*of]
                .variants
                .iter()
                .all(|variant| variant.fields.is_empty()),
            _ => false,
        }
    }

    /// Whether it can stand in an index, or tell groups apart.
    pub fn indexable(&self, ty: &Type) -> bool {
        match ty {
            Type::Optional(inner) => self.orderable(inner),
            Type::Tuple(parts) => parts.iter().all(|part| self.orderable(part)),
            ty => self.orderable(ty),
        }
    }

    /// Whether `==` takes it.
    pub fn comparable(&self, ty: &Type) -> bool {
        let all = |fields: &[Field]| fields.iter().all(|field| self.comparable(&field.ty));
        match ty {
            Type::List(..) | Type::Container(..) => false,
            Type::Optional(inner) => self.comparable(inner),
            Type::Tuple(parts) => parts.iter().all(|part| self.comparable(part)),
            Type::Struct(record) => all(&self.package.structs[*record].fields),
            Type::Enum(whole) => self.package.enums[*whole]
                .variants
                .iter()
                .all(|variant| all(&variant.fields)),
            _ => true,
        }
    }

    fn fields(&mut self, count: usize, start: &str, simple: bool) -> Vec<Field> {
        (0..count)
            .map(|_| {
                let ty = if simple {
                    self.simple_type()
                } else {
                    self.any_type()
                };
                Field {
                    name: self.fresh(start),
                    ty,
                    default: None,
                    reference: None,
                }
            })
            .collect()
    }
}
