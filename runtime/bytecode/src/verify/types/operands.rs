//! Looking at one operand: its type, or the error that says what was wanted.

use super::{Check, TypeError, accepts};
use crate::instr::{Register, Scalar, Space, Type, View};
use crate::module::FunctionKind;
use std::fmt::Debug;

impl Check<'_> {
    pub(super) fn tests_only(&self) -> Result<(), TypeError> {
        if self.function.kind == FunctionKind::Test {
            Ok(())
        } else {
            Err(TypeError::TestsOnly)
        }
    }

    pub(super) fn kind_of(&self, register: Register) -> Result<Type, TypeError> {
        self.function.type_of(register).ok_or(TypeError::NoSuch {
            what: "register",
            index: u64::from(register.0),
        })
    }

    pub(super) fn scalar(&self, register: Register) -> Result<Scalar, TypeError> {
        match self.kind_of(register)? {
            Type::Scalar(scalar) => Ok(scalar),
            found => Err(operand(register, found, "a scalar".into())),
        }
    }

    pub(super) fn view(&self, register: Register) -> Result<View, TypeError> {
        match self.kind_of(register)? {
            Type::View(view) => Ok(view),
            found => Err(operand(register, found, "a view".into())),
        }
    }

    pub(super) fn writable(&self, register: Register) -> Result<View, TypeError> {
        let view = self.view(register)?;
        if view.writable {
            Ok(view)
        } else {
            Err(operand(
                register,
                Type::View(view),
                "a writable view".into(),
            ))
        }
    }

    pub(super) fn exact(&self, register: Register, scalar: Scalar) -> Result<(), TypeError> {
        self.exactly(register, Type::Scalar(scalar))
    }

    pub(super) fn exactly(&self, register: Register, wanted: Type) -> Result<(), TypeError> {
        let found = self.kind_of(register)?;
        if found == wanted {
            Ok(())
        } else {
            Err(operand(register, found, format!("{wanted:?}")))
        }
    }

    pub(super) fn accepted(&self, register: Register, wanted: Type) -> Result<(), TypeError> {
        let found = self.kind_of(register)?;
        if accepts(wanted, found) {
            Ok(())
        } else {
            Err(operand(register, found, format!("{wanted:?}")))
        }
    }

    /// The narrower view's type: of the same space, and not with more permission.
    pub(super) fn narrowed(&self, dst: Register, src: Register) -> Result<View, TypeError> {
        let (dst_view, src_view) = (self.view(dst)?, self.view(src)?);
        if dst_view.space == src_view.space && (src_view.writable || !dst_view.writable) {
            Ok(dst_view)
        } else {
            Err(operand(
                dst,
                Type::View(dst_view),
                format!("a part of {src_view:?}"),
            ))
        }
    }

    pub(super) fn same_length(&self, left: Register, right: Register) -> Result<(), TypeError> {
        let length = self.view(left)?.length;
        self.length(right, length)
    }

    pub(super) fn length(&self, register: Register, wanted: u32) -> Result<(), TypeError> {
        let view = self.view(register)?;
        if view.length == wanted {
            Ok(())
        } else {
            Err(operand(
                register,
                Type::View(view),
                format!("a view of {wanted} bytes"),
            ))
        }
    }

    pub(super) fn frame(
        &self,
        register: Register,
        length: u32,
        writable: bool,
    ) -> Result<(), TypeError> {
        self.accepted(
            register,
            Type::View(View {
                space: Space::Frame,
                length,
                writable,
            }),
        )
    }
}

pub(super) fn operand(register: Register, found: Type, wanted: String) -> TypeError {
    TypeError::Operand {
        register: register.0,
        found: format!("{found:?}"),
        wanted,
    }
}

pub(super) fn count(what: &'static str, found: usize, wanted: usize) -> Result<(), TypeError> {
    if found == wanted {
        Ok(())
    } else {
        Err(TypeError::Count {
            what,
            found,
            wanted,
        })
    }
}

pub(super) fn defined(defined: bool, op: &dyn Debug, on: Scalar) -> Result<(), TypeError> {
    if defined {
        Ok(())
    } else {
        Err(TypeError::Operator {
            op: format!("{op:?}"),
            on: format!("{on:?}"),
        })
    }
}

pub(super) fn inside(end: u64, view: View) -> Result<(), TypeError> {
    if end <= u64::from(view.length) {
        Ok(())
    } else {
        Err(TypeError::OutOfView {
            end,
            length: view.length,
        })
    }
}

/// The last element's end; an array of no elements only has a start.
pub(super) fn element(
    base: u32,
    stride: u32,
    count: u32,
    length: u32,
    view: View,
) -> Result<(), TypeError> {
    let last = match count {
        0 => 0,
        // At most (2³² - 1)² + 2 · (2³² - 1), which is 2⁶⁴ - 1.
        _ => u64::from(count - 1) * u64::from(stride) + u64::from(length),
    };
    inside(u64::from(base) + last, view)
}
