//! Spots in memory: fields, elements, states, rows, and what is read from and written to them.

use crate::body::{Function, Operand};
use crate::code::Stride;
use crate::concrete::Ty;
use rc_bytecode::instr::{Instr, Register, Scalar};
use rc_bytecode::layout::Shape;
use rc_hir::{Expr, ExprKind};

/// A spot in memory.
#[derive(Clone, Copy, Debug)]
pub enum Location {
    Static {
        view: Register,
        offset: u32,
    },
    Element {
        view: Register,
        index: Register,
        array: Stride,
    },
}

impl<'p> Function<'_, 'p> {
    /// The spot in memory that an expression names or, where it names none, where its value has been put.
    pub fn locate(&mut self, expr: &'p Expr) -> Option<Location> {
        match &expr.kind {
            ExprKind::Field { base, field } => {
                let base_ty = self.ty(&base.ty);
                let inside = self.locate_base(base, &base_ty)?;
                let offset = self.field_offset(&base_ty, *field)?;
                Some(self.inside(inside, offset, &base_ty))
            }
            ExprKind::Index { base, index } => {
                let base_ty = self.ty(&base.ty);
                let inside = self.locate_base(base, &base_ty)?;
                let prepared = self
                    .prepared
                    .iter()
                    .find(|(at, _)| std::ptr::eq(*at, &**index))
                    .map(|(_, register)| *register);
                let index = match prepared {
                    Some(register) => register,
                    None => match self.value(index) {
                        Operand::Scalar(register) => register,
                        _ => return None,
                    },
                };
                let index = self.widen(index);
                self.element(inside, &base_ty, index)
            }
            ExprKind::State(id) => Some(self.state(*id)),
            _ => match self.value(expr) {
                Operand::View(view) => Some(Location::Static { view, offset: 0 }),
                Operand::Row(row) => {
                    let view = self.row_place(row);
                    Some(Location::Static { view, offset: 0 })
                }
                _ => None,
            },
        }
    }

    pub fn locate_base(&mut self, base: &'p Expr, ty: &Ty) -> Option<Location> {
        match ty {
            // A place is a value of its own: what it points to begins there.
            Ty::Place(..) => match (&base.kind, self.place_in_place(base)) {
                (_, Some(location)) => Some(location),
                _ => match self.value(base) {
                    Operand::View(view) => Some(Location::Static { view, offset: 0 }),
                    _ => None,
                },
            },
            _ => self.locate(base),
        }
    }

    /// A field of a place that is itself a composite: no view need be made of it.
    fn place_in_place(&mut self, expr: &'p Expr) -> Option<Location> {
        match &expr.kind {
            ExprKind::Field { .. } | ExprKind::Index { .. } => self.locate(expr),
            _ => None,
        }
    }

    /// An element of a list (its length is checked) or of a layout's array.
    pub fn element(&mut self, of: Location, ty: &Ty, index: Register) -> Option<Location> {
        let inner = if let Ty::Place(inner, _) = ty {
            inner
        } else {
            ty
        };
        let (view, offset) = self.fixed(of, inner);
        match inner {
            Ty::Array(element, count) => {
                let stride = self.low.types.extent(element).size;
                Some(Location::Element {
                    view,
                    index,
                    array: Stride {
                        base: offset,
                        stride,
                        count: *count as u32,
                    },
                })
            }
            Ty::Value(Shape::List(element, max)) => {
                let length = self.code.load(Scalar::U32, view, offset);
                let length = self.widen(length);
                self.check_index(index, length);
                Some(Location::Element {
                    view,
                    index,
                    array: self.list_stride(element, *max, offset),
                })
            }
            _ => None,
        }
    }

    pub fn list_stride(&self, element: &Shape, max: u32, offset: u32) -> Stride {
        let shapes = &self.low.types.shapes;
        Stride {
            base: offset + shapes.list_base(element),
            stride: shapes.extent(element).size,
            count: max,
        }
    }

    /// A location with a static offset in a view.
    pub fn fixed(&mut self, location: Location, ty: &Ty) -> (Register, u32) {
        match location {
            Location::Static { view, offset } => (view, offset),
            Location::Element { view, index, array } => {
                let size = self.low.types.extent(ty).size;
                (self.code.part_at(view, index, array, size), 0)
            }
        }
    }

    fn inside(&mut self, base: Location, offset: u32, base_ty: &Ty) -> Location {
        match base {
            Location::Static {
                view,
                offset: start,
            } => Location::Static {
                view,
                offset: start + offset,
            },
            Location::Element { .. } => {
                let inner = if let Ty::Place(inner, _) = base_ty {
                    inner
                } else {
                    base_ty
                };
                let (view, start) = self.fixed(base, inner);
                Location::Static {
                    view,
                    offset: start + offset,
                }
            }
        }
    }

    fn field_offset(&mut self, base: &Ty, field: u32) -> Option<u32> {
        let field = field as usize;
        match base {
            Ty::Row(table) => self.low.schema.tables[table.0 as usize]
                .offsets
                .get(field)
                .copied(),
            Ty::Place(inner, _) => self.field_offset(inner, field as u32),
            Ty::Layout(id, arguments) => self
                .low
                .types
                .layout(*id, arguments)
                .1
                .get(field)
                .map(|(_, offset)| *offset),
            Ty::Value(shape) => self.part_offset(shape, field),
            _ => None,
        }
    }

    pub fn part_offset(&self, shape: &Shape, field: usize) -> Option<u32> {
        let shapes = &self.low.types.shapes;
        match shape {
            Shape::Tuple(parts) => shapes.record_extent(parts.iter()).1.get(field).copied(),
            Shape::Struct(index) => shapes
                .fields_extent(&shapes.structs[*index as usize])
                .1
                .get(field)
                .copied(),
            _ => None,
        }
    }

    /// What stands at a location, as the expression's type wants it.
    pub fn read(&mut self, expr: &Expr, location: Location) -> Operand {
        let ty = self.ty(&expr.ty);
        self.read_as(&ty, location)
    }

    pub fn read_as(&mut self, ty: &Ty, location: Location) -> Operand {
        if let Some(scalar) = ty.as_scalar() {
            return Operand::Scalar(self.load(location, scalar));
        }
        let inner = if let Ty::Place(inner, _) = ty {
            inner
        } else {
            ty
        };
        Operand::View(self.view(location, inner))
    }

    pub fn load(&mut self, location: Location, scalar: Scalar) -> Register {
        match location {
            Location::Static { view, offset } => self.code.load(scalar, view, offset),
            Location::Element { view, index, array } => {
                let dst = self.code.scalar(scalar);
                self.code.emit(Instr::LoadAt {
                    dst,
                    view,
                    index,
                    base: array.base,
                    stride: array.stride,
                    count: array.count,
                });
                dst
            }
        }
    }

    pub fn view(&mut self, location: Location, ty: &Ty) -> Register {
        let size = self.low.types.extent(ty).size;
        match location {
            Location::Static { view, offset } => self.code.part(view, offset, size),
            Location::Element { view, index, array } => self.code.part_at(view, index, array, size),
        }
    }

    /// The view of a place expression, to be written as a whole.
    pub fn place_of(&mut self, target: &'p Expr) -> Option<Register> {
        let ty = self.ty(&target.ty);
        let location = self.locate(target)?;
        Some(self.view(
            location,
            if let Ty::Place(inner, _) = &ty {
                inner
            } else {
                &ty
            },
        ))
    }

    pub fn store_scalar(&mut self, target: &'p Expr, value: Register) {
        match self.locate(target) {
            Some(Location::Static { view, offset }) => self.code.store(view, offset, value),
            Some(Location::Element { view, index, array }) => {
                self.code.emit(Instr::StoreAt {
                    view,
                    index,
                    base: array.base,
                    stride: array.stride,
                    count: array.count,
                    src: value,
                });
            }
            None => {}
        }
    }
}
