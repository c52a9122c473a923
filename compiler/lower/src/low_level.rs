//! The low-level part: touched pages, places in them, bytes. Always true: a place is a view, and whether it may be
//! written is in its register's type.

use crate::body::{Function, Operand};
use crate::code::Stride;
use crate::concrete::Ty;
use rc_bytecode::instr::{Builtin, Environment, Instr, Scalar};
use rc_hir as hir;
use rc_hir::Expr;

impl<'p> Function<'_, 'p> {
    /// `touch(region, page) as L`.
    pub fn touch(&mut self, mutable: bool, region: &'p Expr, page: &'p Expr) -> Operand {
        let Operand::Region(region) = self.value(region) else {
            return Operand::Never;
        };
        let Operand::Scalar(page) = self.value(page) else {
            return Operand::Never;
        };
        let view = self
            .code
            .touch(region, page, mutable, self.low.types.page_bytes);
        // The whole page stands for the layout, which begins with it.
        Operand::View(view)
    }

    pub fn low_level(
        &mut self,
        expr: &'p Expr,
        op: hir::LowLevel,
        arguments: &'p [Expr],
    ) -> Operand {
        use hir::LowLevel;
        match op {
            LowLevel::At => {
                let base_ty = self.ty(&arguments[0].ty);
                let Some(base) = self.locate_base(&arguments[0], &base_ty) else {
                    return Operand::Never;
                };
                if let (Some(0), Ty::Place(inner, _)) = (self.known_number(&arguments[1]), &base_ty)
                    && let Ty::Array(element, 1..) = &**inner
                {
                    // The first needs no arithmetic.
                    let (view, offset) = self.fixed(base, inner);
                    let size = self.low.types.extent(element).size;
                    return Operand::View(self.code.part(view, offset, size));
                }
                let Operand::Scalar(index) = self.value(&arguments[1]) else {
                    return Operand::Never;
                };
                let index = self.widen(index);
                match self.element(base, &base_ty, index) {
                    Some(location) => {
                        let ty = match self.ty(&expr.ty) {
                            Ty::Place(inner, _) => *inner,
                            other => other,
                        };
                        Operand::View(self.view(location, &ty))
                    }
                    None => Operand::Never,
                }
            }
            LowLevel::Window => self.window(expr, &arguments[0], &arguments[1]),
            LowLevel::Shift => {
                let base_ty = self.ty(&arguments[0].ty);
                let Some(base) = self.locate_base(&arguments[0], &base_ty) else {
                    return Operand::Never;
                };
                let inner = if let Ty::Place(inner, _) = base_ty {
                    *inner
                } else {
                    base_ty
                };
                let (view, offset) = self.fixed(base, &inner);
                let Ty::Array(element, count) = inner else {
                    return Operand::Never;
                };
                let stride = self.low.types.extent(&element).size;
                let mut numbers = Vec::new();
                for (at, argument) in arguments[1..].iter().enumerate() {
                    let later: Vec<&Expr> = arguments[at + 2..].iter().collect();
                    let Operand::Scalar(number) = self.stable(argument, &later) else {
                        return Operand::Never;
                    };
                    numbers.push(number);
                }
                if let ([from, to, length], true) = (&numbers[..], stride > 0) {
                    let (from, to, length) = (*from, *to, *length);
                    self.code.emit(Instr::MoveWithin {
                        view,
                        base: offset,
                        stride,
                        count: count as u32,
                        from,
                        to,
                        length,
                    });
                }
                Operand::Unit
            }
            LowLevel::Random => self.environment(Environment::Random, Scalar::U64),
            LowLevel::Copy | LowLevel::Compare | LowLevel::Equal => {
                let Some((Operand::View(left), Operand::View(right))) =
                    self.pair(&arguments[0], &arguments[1])
                else {
                    return Operand::Never;
                };
                match op {
                    LowLevel::Copy => {
                        self.code.copy(left, right);
                        Operand::Unit
                    }
                    LowLevel::Compare => {
                        let dst = self.code.scalar(Scalar::I64);
                        self.code.emit(Instr::CompareBytes { dst, left, right });
                        Operand::Scalar(dst)
                    }
                    _ => {
                        let dst = self.code.scalar(Scalar::Bool);
                        self.code.emit(Instr::EqualBytes { dst, left, right });
                        Operand::Scalar(dst)
                    }
                }
            }
            LowLevel::Precedes => {
                let Ty::Place(inner, _) = self.ty(&arguments[0].ty) else {
                    return Operand::Never;
                };
                let (Ty::Value(shape), Some((Operand::View(left), Operand::View(right)))) =
                    (*inner, self.pair(&arguments[0], &arguments[1]))
                else {
                    return Operand::Never;
                };
                Operand::Scalar(self.precedes(&shape, left, right))
            }
            LowLevel::Zero => {
                if let Operand::View(view) = self.value(&arguments[0]) {
                    self.code.zero(view);
                }
                Operand::Unit
            }
            LowLevel::Hash | LowLevel::MatchByte => {
                let Some((Operand::View(view), Operand::Scalar(number))) =
                    self.pair(&arguments[0], &arguments[1])
                else {
                    return Operand::Never;
                };
                let dst = self.code.scalar(Scalar::U64);
                self.code.emit(match op {
                    LowLevel::Hash => Instr::Hash {
                        dst,
                        view,
                        seed: number,
                    },
                    _ => Instr::MatchByte {
                        dst,
                        view,
                        byte: number,
                    },
                });
                Operand::Scalar(dst)
            }
        }
    }

    /// `window(array, i, M)`: one place for M elements.
    fn window(&mut self, expr: &'p Expr, array: &'p Expr, index: &'p Expr) -> Operand {
        let base_ty = self.ty(&array.ty);
        let Some(base) = self.locate_base(array, &base_ty) else {
            return Operand::Never;
        };
        let (Ty::Place(whole, _), Ty::Place(part, _)) = (&base_ty, self.ty(&expr.ty)) else {
            return Operand::Never;
        };
        let (Ty::Array(element, have), Ty::Array(_, want)) = (&**whole, &*part) else {
            return Operand::Never;
        };
        let (have, want) = (*have, *want);
        if want > have {
            self.code.fail(Builtin::BoundExceeded);
            return Operand::Never;
        }
        let stride = self.low.types.extent(element).size;
        let (view, offset) = self.fixed(base, whole);
        let length = self.low.types.extent(&part).size;
        if self.known_number(index) == Some(0) {
            return Operand::View(self.code.part(view, offset, length));
        }
        let Operand::Scalar(index) = self.value(index) else {
            return Operand::Never;
        };
        let index = self.widen(index);
        let array = Stride {
            base: offset,
            stride,
            count: (have - want + 1) as u32,
        };
        Operand::View(self.code.part_at(view, index, array, length))
    }
}
