//! What a function of kind `Test` reaches beyond memory: the runner's side of `Invoke`, `TestContext` and `Assert`.

use std::fmt;

use rc_bytecode::instr::{CommandIndex, Scalar};
use rc_canvas::Canvas;

use crate::run::{Halt, Outcome};

/// Given by a test runner. The runner decides on which engine commands run, who calls, and what the time is.
pub trait TestHooks {
    /// Runs a command as an op of its own on the test's canvas, with packed arguments.
    fn invoke(
        &mut self,
        canvas: &mut Canvas,
        command: CommandIndex,
        arguments: &[u8],
    ) -> Result<Outcome, Halt>;

    /// Later commands are called with these roles (bits over the interface's), `advance` nanoseconds later than before.
    fn context(&mut self, roles: u64, advance: i64);

    /// Later commands are called by this principal.
    fn caller(&mut self, caller: u64);

    /// The module's assertion of this number does not hold. The test ends.
    fn assert_failed(&mut self, assertion: u32, left: Option<Shown>, right: Option<Shown>);
}

/// A value to be shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    pub scalar: Scalar,
    /// Canonical, as `number` says.
    pub bits: u128,
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scalar {
            Scalar::Bool => write!(out, "{}", self.bits != 0),
            Scalar::F64 => write!(out, "{}", f64::from_bits(self.bits as u64)),
            scalar if scalar.is_signed() => write!(out, "{}", self.bits as i128),
            _ => write!(out, "{}", self.bits),
        }
    }
}
