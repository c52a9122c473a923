//! Types as their reader wrote them, for messages.

use crate::world::World;
use rc_bytecode::instr::BinaryOp;
use rc_hir::{ConstExpr, Count, Program, Sorted, Type};

impl World<'_> {
    /// The type as its reader wrote it.
    pub fn show(&self, ty: &Type) -> String {
        Shown(&self.program).show(ty)
    }
}

/// A type of a checked program as its reader wrote it, as `list<u64, 100>`.
pub fn show_type(program: &Program, ty: &Type) -> String {
    Shown(program).show(ty)
}

struct Shown<'p>(&'p Program);

impl Shown<'_> {
    fn show(&self, ty: &Type) -> String {
        let name = |name: &str, arguments: &[Type]| match arguments {
            [] => name.to_string(),
            _ => format!("{name}<{}>", self.show_all(arguments)),
        };
        match ty {
            Type::Never => "never".into(),
            Type::Unit => "nothing".into(),
            Type::Scalar(scalar) => scalar.name().into(),
            Type::Time => "time".into(),
            Type::Duration => "duration".into(),
            Type::Uuid => "uuid".into(),
            Type::Hash => "hash".into(),
            Type::Decimal { digits, scale } => format!("decimal<{digits}, {scale}>"),
            Type::String(count) => format!("string<{}>", self.show_count(count)),
            Type::Bytes(count) => format!("bytes<{}>", self.show_count(count)),
            Type::Optional(inner) => format!("{}?", self.show(inner)),
            Type::Tuple(parts) => format!("({})", self.show_all(parts)),
            Type::Struct(id, arguments) => name(&self.0.structs[id.0 as usize].name, arguments),
            Type::Enum(id, arguments) => name(&self.0.enums[id.0 as usize].name, arguments),
            Type::List(element, count) => {
                format!("list<{}, {}>", self.show(element), self.show_count(count))
            }
            Type::Sorted(kind, element, count) => {
                let parts = match &**element {
                    Type::Tuple(parts) if *kind != Sorted::Set => self.show_all(parts),
                    element => self.show(element),
                };
                format!("{}<{parts}, {}>", kind.name(), self.show_count(count))
            }
            Type::Container(id) => {
                let container = &self.0.containers[id.0 as usize];
                name(container.kind.name(), &container.parts)
            }
            Type::Row(table) => self.0.tables[table.0 as usize].name.clone(),
            Type::Attempted(inner, _) => format!("the result of an attempt ({})", self.show(inner)),
            Type::Parameter(number) => format!("type parameter {number}"),
            Type::Number(count) => self.show_count(count),
            Type::Region => "region".into(),
            Type::Place { ty, mutable } => format!(
                "{}<{}>",
                if *mutable { "place_mut" } else { "place" },
                self.show(ty)
            ),
            Type::Array(element, count) => {
                format!("[{}; {}]", self.show(element), self.show_count(count))
            }
            Type::Layout(id, arguments) => name(&self.0.layouts[id.0 as usize].name, arguments),
            Type::Error => "?".into(),
        }
    }

    fn show_all(&self, types: &[Type]) -> String {
        types
            .iter()
            .map(|ty| self.show(ty))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn show_count(&self, count: &Count) -> String {
        match count {
            Count::Known(number) => number.to_string(),
            Count::Open(expr) => self.show_const(expr),
        }
    }

    fn show_const(&self, expr: &ConstExpr) -> String {
        match expr {
            ConstExpr::Number(number) => number.to_string(),
            ConstExpr::PageSize => "PAGE".into(),
            ConstExpr::SizeOf(ty) => format!("size<{}>()", self.show(ty)),
            ConstExpr::AlignOf(ty) => format!("align<{}>()", self.show(ty)),
            ConstExpr::Parameter(number) => format!("number parameter {number}"),
            ConstExpr::Const(id, arguments) if arguments.is_empty() => {
                self.0.consts[id.0 as usize].name.clone()
            }
            ConstExpr::Const(id, arguments) => format!(
                "{}<{}>",
                self.0.consts[id.0 as usize].name,
                self.show_all(arguments)
            ),
            ConstExpr::Binary(op, left, right) => {
                let sign = match op {
                    BinaryOp::Add => "+",
                    BinaryOp::Sub => "-",
                    BinaryOp::Mul => "*",
                    BinaryOp::Div => "/",
                    _ => "…",
                };
                format!(
                    "({} {sign} {})",
                    self.show_const(left),
                    self.show_const(right)
                )
            }
        }
    }
}
