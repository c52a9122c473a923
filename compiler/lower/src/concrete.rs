//! Types with every parameter known: sizes and offsets are numbers here.
//!
//! Values of the language have a [`Shape`], the same that the interface shows, so that arguments, rows, events
//! and locals share one memory layout. What has no shape (rows, places, layouts) is a [`Ty`] of its own.

use rc_bytecode::instr::{BinaryOp, Scalar};
use rc_bytecode::layout::{Extent, Record, Shape, Shapes, Sum, align_up, decimal_scalar};
use rc_hir as hir;
use std::collections::HashMap;

/// See the file's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ty {
    Never,
    Unit,
    Value(Shape),
    Row(hir::TableId),
    /// Of a row or a place: never in memory.
    Optional(Box<Ty>),
    Place(Box<Ty>, bool),
    Region,
    Layout(hir::LayoutId, Vec<Ty>),
    Array(Box<Ty>, u64),
    /// Bytes that the standard library stores without knowing what they are.
    Opaque(Opaque),
    Number(u64),
    Attempted(Box<Ty>, Vec<hir::ErrorId>),
}

/// Size and alignment in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Opaque {
    pub size: u32,
    pub align: u32,
}

impl Ty {
    /// What a register holds for it, where it is a scalar.
    pub fn as_scalar(&self) -> Option<Scalar> {
        match self {
            Ty::Value(shape) => scalar_of(shape),
            _ => None,
        }
    }
}

/// The scalar that carries a shape, where one does.
pub fn scalar_of(shape: &Shape) -> Option<Scalar> {
    match shape {
        Shape::Scalar(scalar) => Some(*scalar),
        Shape::Time | Shape::Duration => Some(Scalar::I64),
        Shape::Decimal { digits, .. } => Some(decimal_scalar(*digits)),
        _ => None,
    }
}

/// Turns types of the program into concrete ones. Structs and enums get their numbers here, parts first.
pub struct Types<'p> {
    pub program: &'p hir::Program,
    pub page_bytes: u32,
    pub shapes: Shapes,
    structs: HashMap<(hir::StructId, Vec<Ty>), u32>,
    enums: HashMap<(hir::EnumId, Vec<Ty>), u32>,
    constants: HashMap<(hir::ConstId, Vec<Ty>), u64>,
}

impl<'p> Types<'p> {
    pub fn new(program: &'p hir::Program, page_shift: u8) -> Types<'p> {
        Types {
            program,
            page_bytes: 1 << page_shift,
            shapes: Shapes::default(),
            structs: HashMap::new(),
            enums: HashMap::new(),
            constants: HashMap::new(),
        }
    }

    pub fn ty(&mut self, ty: &hir::Type, generics: &[Ty]) -> Ty {
        match ty {
            hir::Type::Never | hir::Type::Error => Ty::Never,
            hir::Type::Unit => Ty::Unit,
            hir::Type::Row(table) => Ty::Row(*table),
            hir::Type::Attempted(inner, errors) => {
                Ty::Attempted(Box::new(self.ty(inner, generics)), errors.clone())
            }
            hir::Type::Parameter(index) => {
                generics.get(*index as usize).cloned().unwrap_or(Ty::Never)
            }
            hir::Type::Number(count) => Ty::Number(self.count(count, generics)),
            hir::Type::Region => Ty::Region,
            hir::Type::Place { ty, mutable } => {
                Ty::Place(Box::new(self.ty(ty, generics)), *mutable)
            }
            hir::Type::Array(element, count) => Ty::Array(
                Box::new(self.ty(element, generics)),
                self.count(count, generics),
            ),
            hir::Type::Layout(id, arguments) => Ty::Layout(*id, self.all(arguments, generics)),
            hir::Type::Optional(inner) => match self.ty(inner, generics) {
                Ty::Value(shape) => Ty::Value(Shape::Optional(Box::new(shape))),
                inner => Ty::Optional(Box::new(inner)),
            },
            other => Ty::Value(self.shape(other, generics)),
        }
    }

    fn all(&mut self, types: &[hir::Type], generics: &[Ty]) -> Vec<Ty> {
        types.iter().map(|ty| self.ty(ty, generics)).collect()
    }

    /// The shape of a value's type. A type that no value has gives the empty tuple: the checker has refused it.
    pub fn shape(&mut self, ty: &hir::Type, generics: &[Ty]) -> Shape {
        match ty {
            hir::Type::Scalar(scalar) => Shape::Scalar(*scalar),
            hir::Type::Time => Shape::Time,
            hir::Type::Duration => Shape::Duration,
            hir::Type::Uuid => Shape::Uuid,
            hir::Type::Hash => Shape::Hash,
            hir::Type::Decimal { digits, scale } => Shape::Decimal {
                digits: *digits,
                scale: *scale,
            },
            hir::Type::String(max) => Shape::String(self.count32(max, generics)),
            hir::Type::Bytes(max) => Shape::Bytes(self.count32(max, generics)),
            hir::Type::Optional(inner) => Shape::Optional(Box::new(self.shape(inner, generics))),
            hir::Type::Tuple(parts) => Shape::Tuple(
                parts
                    .iter()
                    .map(|part| self.shape(part, generics))
                    .collect(),
            ),
            hir::Type::List(element, max) => {
                let element = self.shape(element, generics);
                Shape::List(Box::new(element), self.count32(max, generics))
            }
            hir::Type::Sorted(kind, element, max) => {
                let element = Box::new(self.shape(element, generics));
                let max = self.count32(max, generics);
                match kind {
                    hir::Sorted::Set => Shape::Set(element, max),
                    hir::Sorted::Map => Shape::Map(element, max),
                    hir::Sorted::PriorityQueue => Shape::List(element, max),
                }
            }
            hir::Type::Container(_) => {
                Shape::Tuple(vec![Shape::Scalar(Scalar::U64); hir::header::LENGTH])
            }
            // Rows as values never cross the border, so the interface does not name them.
            hir::Type::Struct(id, _) if self.program.structs[id.0 as usize].row_of.is_some() => {
                let program = self.program;
                let fields = program.structs[id.0 as usize].fields.iter();
                Shape::Tuple(fields.map(|field| self.shape(&field.ty, &[])).collect())
            }
            hir::Type::Struct(id, arguments) => {
                let arguments = self.all(arguments, generics);
                Shape::Struct(self.struct_number(*id, arguments))
            }
            hir::Type::Enum(id, arguments) => {
                let arguments = self.all(arguments, generics);
                Shape::Enum(self.enum_number(*id, arguments))
            }
            hir::Type::Parameter(index) => match generics.get(*index as usize) {
                Some(Ty::Value(shape)) => shape.clone(),
                _ => Shape::Tuple(Vec::new()),
            },
            _ => Shape::Tuple(Vec::new()),
        }
    }

    fn struct_number(&mut self, id: hir::StructId, arguments: Vec<Ty>) -> u32 {
        if let Some(number) = self.structs.get(&(id, arguments.clone())) {
            return *number;
        }
        let program = self.program;
        let item = &program.structs[id.0 as usize];
        let fields = self.record_fields(&item.fields, &arguments);
        let name = type_name(&item.name, &arguments, &self.shapes);
        let number = self.shapes.structs.len() as u32;
        self.shapes.structs.push(Record { name, fields });
        self.structs.insert((id, arguments), number);
        number
    }

    fn enum_number(&mut self, id: hir::EnumId, arguments: Vec<Ty>) -> u32 {
        if let Some(number) = self.enums.get(&(id, arguments.clone())) {
            return *number;
        }
        let program = self.program;
        let item = &program.enums[id.0 as usize];
        let variants = item
            .variants
            .iter()
            .map(|variant| Record {
                name: variant.name.clone(),
                fields: self.record_fields(&variant.fields, &arguments),
            })
            .collect();
        let name = type_name(&item.name, &arguments, &self.shapes);
        let number = self.shapes.enums.len() as u32;
        self.shapes.enums.push(Sum { name, variants });
        self.enums.insert((id, arguments), number);
        number
    }

    /// Names and shapes of fields.
    pub fn record_fields(
        &mut self,
        fields: &[hir::Field],
        generics: &[Ty],
    ) -> Vec<(String, Shape)> {
        fields
            .iter()
            .map(|field| (field.name.clone(), self.shape(&field.ty, generics)))
            .collect()
    }

    // -- numbers -----------------------------------------------------------------------------------------

    pub fn count(&mut self, count: &hir::Count, generics: &[Ty]) -> u64 {
        match count {
            hir::Count::Known(number) => *number,
            hir::Count::Open(expr) => self.constant(expr, generics),
        }
    }

    fn count32(&mut self, count: &hir::Count, generics: &[Ty]) -> u32 {
        self.count(count, generics).min(1 << 30) as u32
    }

    /// A constant over generic parameters. What does not fit or divides by zero gives 0: extents that make
    /// it so have been refused before ([`crate::schema`]).
    pub fn constant(&mut self, expr: &hir::ConstExpr, generics: &[Ty]) -> u64 {
        match expr {
            hir::ConstExpr::Number(number) => *number,
            hir::ConstExpr::PageSize => self.page_bytes.into(),
            hir::ConstExpr::SizeOf(ty) => {
                let ty = self.ty(ty, generics);
                self.extent(&ty).size.into()
            }
            hir::ConstExpr::AlignOf(ty) => {
                let ty = self.ty(ty, generics);
                self.extent(&ty).align.into()
            }
            hir::ConstExpr::Parameter(index) => match generics.get(*index as usize) {
                Some(Ty::Number(number)) => *number,
                _ => 0,
            },
            hir::ConstExpr::Const(id, arguments) => {
                let arguments = self.all(arguments, generics);
                if let Some(known) = self.constants.get(&(*id, arguments.clone())) {
                    return *known;
                }
                let program = self.program;
                let number = self.constant(&program.consts[id.0 as usize].value, &arguments);
                self.constants.insert((*id, arguments), number);
                number
            }
            hir::ConstExpr::Binary(op, left, right) => {
                let (left, right) = (
                    self.constant(left, generics),
                    self.constant(right, generics),
                );
                fold(*op, left, right)
            }
        }
    }

    // -- memory ------------------------------------------------------------------------------------------

    pub fn extent(&mut self, ty: &Ty) -> Extent {
        match ty {
            Ty::Value(shape) => self.shapes.extent(shape),
            Ty::Opaque(opaque) => Extent {
                size: opaque.size,
                align: opaque.align,
            },
            Ty::Array(element, count) => {
                let element = self.extent(element);
                let bytes = u64::from(element.size).saturating_mul(*count).min(1 << 30);
                Extent {
                    size: bytes as u32,
                    align: element.align,
                }
            }
            Ty::Layout(id, arguments) => self.layout(*id, arguments).0,
            _ => Extent { size: 0, align: 1 },
        }
    }

    /// A layout's extent, and its fields' types and offsets.
    pub fn layout(&mut self, id: hir::LayoutId, arguments: &[Ty]) -> (Extent, Vec<(Ty, u32)>) {
        let program = self.program;
        let (mut offset, mut align, mut fields) = (0u32, 1u32, Vec::new());
        for field in &program.layouts[id.0 as usize].fields {
            let ty = self.ty(&field.ty, arguments);
            let extent = self.extent(&ty);
            align = align.max(extent.align);
            offset = align_up(offset, extent.align.max(1));
            fields.push((ty, offset));
            offset = offset.saturating_add(extent.size).min(1 << 30);
        }
        (
            Extent {
                size: align_up(offset, align),
                align,
            },
            fields,
        )
    }
}

/// Two constants put together; 0 where that cannot be.
fn fold(op: BinaryOp, left: u64, right: u64) -> u64 {
    match op {
        BinaryOp::Add => left.checked_add(right),
        BinaryOp::Sub => left.checked_sub(right),
        BinaryOp::Mul => left.checked_mul(right),
        BinaryOp::Div => left.checked_div(right),
        BinaryOp::Rem => left.checked_rem(right),
        BinaryOp::WrappingAdd => Some(left.wrapping_add(right)),
        BinaryOp::WrappingSub => Some(left.wrapping_sub(right)),
        BinaryOp::WrappingMul => Some(left.wrapping_mul(right)),
        BinaryOp::SaturatingAdd => Some(left.saturating_add(right)),
        BinaryOp::SaturatingSub => Some(left.saturating_sub(right)),
        BinaryOp::SaturatingMul => Some(left.saturating_mul(right)),
        BinaryOp::Min => Some(left.min(right)),
        BinaryOp::Max => Some(left.max(right)),
        BinaryOp::And => Some(left & right),
        BinaryOp::Or => Some(left | right),
        BinaryOp::Xor => Some(left ^ right),
        BinaryOp::ShiftLeft => (right < 64).then(|| left << right),
        BinaryOp::ShiftRight => (right < 64).then(|| left >> right),
    }
    .unwrap_or(0)
}

/// `Pair_u64_bool`: a name that descriptions of the interface can carry, whatever they are written in.
fn type_name(name: &str, arguments: &[Ty], shapes: &Shapes) -> String {
    arguments.iter().fold(name.to_string(), |name, argument| {
        let part = match argument {
            Ty::Value(shape) => shape_name(shape, shapes),
            Ty::Number(number) => number.to_string(),
            _ => "value".to_string(),
        };
        format!("{name}_{part}")
    })
}

fn shape_name(shape: &Shape, shapes: &Shapes) -> String {
    match shape {
        Shape::Scalar(scalar) => scalar.name().to_string(),
        Shape::Struct(number) => shapes.structs[*number as usize].name.clone(),
        Shape::Enum(number) => shapes.enums[*number as usize].name.clone(),
        Shape::Optional(inner) => format!("optional_{}", shape_name(inner, shapes)),
        Shape::List(inner, max) => format!("list_{}_{max}", shape_name(inner, shapes)),
        Shape::Set(inner, max) => format!("set_{}_{max}", shape_name(inner, shapes)),
        Shape::Map(inner, max) => format!("map_{}_{max}", shape_name(inner, shapes)),
        Shape::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| shape_name(part, shapes)).collect();
            format!("tuple_{}", parts.join("_"))
        }
        Shape::String(max) => format!("string_{max}"),
        Shape::Bytes(max) => format!("bytes_{max}"),
        Shape::Decimal { digits, scale } => format!("decimal_{digits}_{scale}"),
        // The rest are words with their sizes.
        other => format!("{other:?}")
            .to_lowercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
    }
}

/// `Pair<u64, bool>`.
pub fn instance_name(name: &str, arguments: &[Ty]) -> String {
    if arguments.is_empty() {
        return name.to_string();
    }
    let parts: Vec<String> = arguments.iter().map(short_name).collect();
    format!("{name}<{}>", parts.join(", "))
}

fn short_name(ty: &Ty) -> String {
    match ty {
        Ty::Value(Shape::Scalar(scalar)) => format!("{scalar:?}").to_lowercase(),
        Ty::Value(shape @ (Shape::Time | Shape::Duration | Shape::Uuid | Shape::Hash)) => {
            format!("{shape:?}").to_lowercase()
        }
        Ty::Value(Shape::Decimal { digits, scale }) => format!("decimal<{digits}, {scale}>"),
        Ty::Value(shape) => format!("{shape:?}"),
        Ty::Opaque(opaque) => format!("{} bytes", opaque.size),
        Ty::Number(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests;

/// Parts of a type, counted up to a little above `most`.
pub fn weight(ty: &Ty, most: u32) -> u32 {
    match ty {
        Ty::Value(shape) => shape_weight(shape, most),
        Ty::Optional(inner) | Ty::Place(inner, _) | Ty::Array(inner, _) => {
            weight(inner, most).saturating_add(1)
        }
        _ => 1,
    }
}

fn shape_weight(shape: &Shape, most: u32) -> u32 {
    match shape {
        Shape::Optional(inner)
        | Shape::List(inner, _)
        | Shape::Set(inner, _)
        | Shape::Map(inner, _) => shape_weight(inner, most).saturating_add(1),
        Shape::Tuple(parts) => parts.iter().fold(1, |sum: u32, part| {
            if sum > most {
                sum
            } else {
                sum.saturating_add(shape_weight(part, most))
            }
        }),
        _ => 1,
    }
}
