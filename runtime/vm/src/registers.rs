//! Registers, read and assigned with every check.
//!
//! Always true: a register is read only when it was assigned since its function started, as what its type says; a
//! view in it has the length, the space and at least the permission of that type.

use rc_bytecode::instr::{Register, Scalar, Type, View};

use crate::machine::{Execution, Place, Stop};
use crate::number;
use crate::prepare::Code;

impl Execution<'_> {
    pub(crate) fn type_of(&self, register: Register) -> Result<Type, Stop> {
        let found = self.code.registers.get(register.0 as usize);
        found
            .copied()
            .ok_or_else(|| Stop::halt(format!("there is no register {}", register.0)))
    }

    #[inline]
    pub(crate) fn scalar_type(&self, register: Register) -> Result<Scalar, Stop> {
        match self.code.registers.get(register.0 as usize) {
            Some(Type::Scalar(scalar)) => Ok(*scalar),
            _ => Err(self.wrong_kind(register)),
        }
    }

    pub(crate) fn view_type(&self, register: Register) -> Result<View, Stop> {
        match self.code.registers.get(register.0 as usize) {
            Some(Type::View(view)) => Ok(*view),
            _ => Err(self.wrong_kind(register)),
        }
    }

    #[cold]
    fn wrong_kind(&self, register: Register) -> Stop {
        Stop::halt(format!(
            "register {} is not of the kind that the operation takes",
            register.0
        ))
    }

    #[cold]
    fn unassigned(&self, register: Register) -> Stop {
        Stop::halt(format!(
            "register {} is read before it is assigned",
            register.0
        ))
    }

    /// A scalar's canonical bits.
    #[inline]
    pub(crate) fn scalar(&self, register: Register) -> Result<u128, Stop> {
        self.scalar_type(register)?;
        self.bits_of(register)
    }

    /// A scalar of a certain type.
    #[inline]
    pub(crate) fn scalar_of(&self, register: Register, expected: Scalar) -> Result<u128, Stop> {
        match self.code.registers.get(register.0 as usize) {
            Some(Type::Scalar(scalar)) if *scalar == expected => self.bits_of(register),
            _ => Err(self.wrong_kind(register)),
        }
    }

    #[inline]
    fn bits_of(&self, register: Register) -> Result<u128, Stop> {
        let place = self.base + register.0 as usize;
        if !self.machine.assigned[place] {
            return Err(self.unassigned(register));
        }
        Ok(self.machine.bits[place])
    }

    /// A `Bool`.
    pub(crate) fn truth(&self, register: Register) -> Result<bool, Stop> {
        Ok(self.scalar_of(register, Scalar::Bool)? != 0)
    }

    /// Where a view's bytes are.
    #[inline]
    pub(crate) fn place(&self, register: Register) -> Result<Place, Stop> {
        self.view_type(register)?;
        let place = self.base + register.0 as usize;
        if !self.machine.assigned[place] {
            return Err(self.unassigned(register));
        }
        Ok(self.machine.places[place])
    }

    /// Assigns bits that may come from anywhere.
    pub(crate) fn set_scalar(&mut self, register: Register, bits: u128) -> Result<(), Stop> {
        let scalar = self.scalar_type(register)?;
        if !number::is_canonical(scalar, bits) {
            return Err(Stop::halt(format!("{bits:#x} is no value of {scalar:?}")));
        }
        self.set_canonical(register, bits);
        Ok(())
    }

    /// Assigns the bits of an operation of `number` on the type that the register has.
    #[inline]
    pub(crate) fn set_canonical(&mut self, register: Register, bits: u128) {
        let place = self.base + register.0 as usize;
        self.machine.bits[place] = bits;
        self.machine.assigned[place] = true;
    }

    /// Assigns canonical bits to a scalar of a certain type.
    #[inline]
    pub(crate) fn set_scalar_of(
        &mut self,
        register: Register,
        expected: Scalar,
        bits: u128,
    ) -> Result<(), Stop> {
        match self.code.registers.get(register.0 as usize) {
            Some(Type::Scalar(scalar)) if *scalar == expected => {
                self.set_canonical(register, bits);
                Ok(())
            }
            _ => Err(self.wrong_kind(register)),
        }
    }

    /// Assigns a view; its space and length must be the register's, its permission at least that.
    pub(crate) fn set_place(&mut self, register: Register, place: Place) -> Result<(), Stop> {
        let place = retype(place, self.view_type(register)?)?;
        let at = self.base + register.0 as usize;
        self.machine.places[at] = place;
        self.machine.assigned[at] = true;
        Ok(())
    }

    /// A register of one function becomes one of another, or of the same.
    pub(crate) fn carry(
        &mut self,
        from_code: &Code,
        from_base: usize,
        from: Register,
        to_code: &Code,
        to_base: usize,
        to: Register,
    ) -> Result<(), Stop> {
        let types = (
            from_code.registers.get(from.0 as usize),
            to_code.registers.get(to.0 as usize),
        );
        let (from_at, to_at) = (from_base + from.0 as usize, to_base + to.0 as usize);
        if types.0.is_some() && !self.machine.assigned[from_at] {
            return Err(self.unassigned(from));
        }
        match types {
            (Some(Type::Scalar(source)), Some(Type::Scalar(target))) if source == target => {
                self.machine.bits[to_at] = self.machine.bits[from_at];
            }
            (Some(Type::View(_)), Some(Type::View(target))) => {
                self.machine.places[to_at] = retype(self.machine.places[from_at], *target)?;
            }
            _ => return Err(self.wrong_kind(from)),
        }
        self.machine.assigned[to_at] = true;
        Ok(())
    }

    /// `dst = src` within the running function.
    pub(crate) fn move_register(&mut self, dst: Register, src: Register) -> Result<(), Stop> {
        self.carry(self.code, self.base, src, self.code, self.base, dst)
    }

    /// Touches every page again that a register has a view of: after another op ran on the canvas, older handles
    /// are over.
    pub(crate) fn renew_pages(&mut self) -> Result<(), Stop> {
        let end = self.base + self.code.registers.len();
        for at in 0..end {
            let Some(frame) = self.machine.places[at]
                .page
                .filter(|_| self.machine.assigned[at])
            else {
                continue;
            };
            let access = if frame.is_writable() {
                rc_canvas::Access::Write
            } else {
                rc_canvas::Access::Read
            };
            let renewed = self.canvas.touch(frame.region(), frame.page(), access);
            self.machine.places[at].page =
                Some(renewed.map_err(|error| Stop::halt(error.to_string()))?);
        }
        Ok(())
    }
}

/// The place seen as `target`: same space and length, no more permission than it has.
fn retype(place: Place, target: View) -> Result<Place, Stop> {
    let fits = place.view.space == target.space
        && place.view.length == target.length
        && (place.view.writable || !target.writable);
    if !fits {
        return Err(Stop::halt(format!(
            "a view {:?} where {target:?} is declared",
            place.view
        )));
    }
    Ok(Place {
        view: target,
        ..place
    })
}
