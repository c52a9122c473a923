//! Attempts against what they call: they nest to a bounded depth, and the place for a failure holds any that the
//! callee may have.
//!
//! Always true afterwards: whoever catches a declared failure has room for its fields.

use super::effects::Summary;
use super::shapes::Sizes;
use super::{At, Place, TypeError, VerifyError, at_most};
use crate::instr::Instr;
use crate::limits::ATTEMPT_DEPTH_MAX;
use crate::module::{Function, Module};

/// Trusts: types, effects.
pub(super) fn check(
    module: &Module,
    sizes: &Sizes,
    effects: &[Summary],
) -> Result<(), VerifyError> {
    for (index, (function, summary)) in module.functions.iter().zip(effects).enumerate() {
        let place = |instruction| Place::Function {
            index: index as u32,
            name: function.name.clone(),
            instruction,
        };
        at_most("depth of attempts", summary.attempts, ATTEMPT_DEPTH_MAX)
            .map_err(|error| error.at(place(None)))?;
        let mut walk = Walk {
            function,
            sizes,
            effects,
            next: 0,
        };
        walk.body(&function.body)
            .map_err(|(number, error)| error.at(place(Some(number))))?;
    }
    Ok(())
}

struct Walk<'a> {
    function: &'a Function,
    sizes: &'a Sizes,
    effects: &'a [Summary],
    /// The next instruction's number in preorder.
    next: u32,
}

impl Walk<'_> {
    fn body(&mut self, body: &[Instr]) -> Result<(), (u32, TypeError)> {
        for instr in body {
            let number = self.next;
            self.next += 1;
            if let Instr::Attempt {
                function, failure, ..
            } = instr
            {
                let most = self.largest_failure(&self.effects[function.0 as usize]);
                let length = self
                    .function
                    .view_of(*failure)
                    .map_or(0, |view| view.length);
                if length < most {
                    let end = u64::from(most);
                    return Err((number, TypeError::OutOfView { end, length }));
                }
            }
            for inner in instr.bodies() {
                self.body(inner)?;
            }
        }
        Ok(())
    }

    /// Bytes in memory of the largest declared failure that a function may have.
    fn largest_failure(&self, callee: &Summary) -> u32 {
        let raised = |error: usize| callee.errors[error / 64] & (1 << (error % 64)) != 0;
        let errors = self.sizes.errors.iter().enumerate();
        errors
            .filter(|(error, _)| raised(*error))
            .flat_map(|(_, variants)| variants.iter().map(|size| size.memory))
            .max()
            .unwrap_or(0)
    }
}
