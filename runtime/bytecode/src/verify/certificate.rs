//! The cost rule, used both to make certificates and to check them: a body is the sum of its instructions;
//! `If` and `Switch` add the dearer arm; a `Loop` adds (iteration + body) × max, and the start that is refused;
//! a call adds the callee's certificate, and where the callee is `maybe` what `otherwise` costs; entering a
//! function zeroes its slots. Scratch is the slots plus the deepest callee's.
//!
//! Always true: whoever runs verified code and counts with the prices of `price` stays within the certificate.

use super::effects;
use super::shapes::Sizes;
use super::{At, LimitError, Place, VerifyError, within};
use crate::cost::Cost;
use crate::instr::Instr;
use crate::limits::{SCRATCH_BYTES_MAX, STEPS_MAX};
use crate::module::{Function, Module};
use crate::price;

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("{dimension} is certified as {certified}, computed is {computed}")]
    Wrong {
        dimension: &'static str,
        certified: u64,
        computed: u64,
    },
    #[error("it is certified as free of undo, but a failure may come after a write")]
    NotUndoFree,
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// Writes the computed costs into all functions and commands. What calls or names something that is not
/// there gets a cost that means nothing, and is refused by the verifier; where the interface's types are
/// wrong nothing has a size, and nothing is written.
pub fn compute_costs(module: &mut Module) {
    let Ok(sizes) = Sizes::of(&module.interface) else {
        return;
    };
    for index in 0..module.functions.len() {
        let (below, rest) = module.functions.split_at(index);
        let cost = function_cost(below, &rest[0], &sizes);
        module.functions[index].cost = cost;
    }
    for (command, (_, result)) in module.interface.commands.iter_mut().zip(&sizes.commands) {
        if let Some(entry) = module.functions.get(command.entry.0 as usize) {
            command.cost = command_cost(entry, result.packed);
        }
    }
}

/// Fills in the certificates: costs, and where no undo is needed. For the compiler; `verify` comes after.
pub fn certify(mut module: Module) -> Module {
    compute_costs(&mut module);
    let sizes = Sizes::of(&module.interface).unwrap_or_default();
    let effects = effects::of_module(&module, &sizes);
    for (index, command) in module.interface.commands.iter_mut().enumerate() {
        let checked = sizes
            .commands
            .get(index)
            .is_none_or(|(_, result)| result.checked);
        command.undo_free = effects
            .get(command.entry.0 as usize)
            .is_some_and(|summary| summary.command_undo_free(checked));
    }
    module
}

/// What a call of a command may cost: its entry, and its reply is a failure or the result.
pub(super) fn command_cost(entry: &Function, result_bytes: u64) -> Cost {
    Cost {
        reply_bytes: entry.cost.reply_bytes.max(result_bytes),
        ..entry.cost
    }
}

/// Each certified dimension equals the computed one.
pub(super) fn same(certified: &Cost, computed: &Cost) -> Result<(), CertificateError> {
    for ((dimension, certified), (_, computed)) in certified
        .dimensions()
        .into_iter()
        .zip(computed.dimensions())
    {
        if certified != computed {
            return Err(CertificateError::Wrong {
                dimension,
                certified,
                computed,
            });
        }
    }
    Ok(())
}

/// Checks every function's certificate and the ceilings. Trusts: types.
pub(super) fn check_functions(
    module: &Module,
    sizes: &Sizes,
    effects: &[effects::Summary],
) -> Result<(), VerifyError> {
    for (index, function) in module.functions.iter().enumerate() {
        let computed = function_cost(&module.functions[..index], function, sizes);
        let checked = same(&function.cost, &computed).and_then(|()| {
            // Reports have no bound; that nothing else comes to such code is seen with the interface.
            if !effects[index].unbounded {
                within("number of steps", computed.steps, STEPS_MAX)?;
            }
            within(
                "size of all frames",
                computed.scratch_bytes,
                SCRATCH_BYTES_MAX,
            )?;
            Ok(())
        });
        checked.map_err(|error| {
            error.at(Place::Function {
                index: index as u32,
                name: function.name.clone(),
                instruction: None,
            })
        })?;
    }
    Ok(())
}

/// Certificates of the functions below are taken as they stand: they have been checked, or just been computed.
fn function_cost(below: &[Function], function: &Function, sizes: &Sizes) -> Cost {
    let entry = price::entry_cost(function);
    let body = Sum {
        below,
        function,
        sizes,
    }
    .body(&function.body);
    Cost {
        scratch_bytes: entry.scratch_bytes.saturating_add(body.scratch_bytes),
        ..entry.then(body)
    }
}

struct Sum<'a> {
    below: &'a [Function],
    function: &'a Function,
    sizes: &'a Sizes,
}

impl Sum<'_> {
    fn body(&self, body: &[Instr]) -> Cost {
        body.iter()
            .fold(Cost::ZERO, |cost, instr| cost.then(self.instr(instr)))
    }

    fn instr(&self, instr: &Instr) -> Cost {
        let own = price::own_cost_sized(
            instr,
            self.function,
            |event| self.sizes.event_packed(event),
            |failure| self.sizes.failure_packed(failure),
        );
        match instr {
            Instr::Block { body } => own.then(self.body(body)),
            Instr::If {
                then, otherwise, ..
            } => own.then(self.body(then).or(self.body(otherwise))),
            Instr::Switch {
                arms, otherwise, ..
            } => own.then(arms.iter().fold(self.body(otherwise), |dearest, (_, arm)| {
                dearest.or(self.body(arm))
            })),
            Instr::Loop { max, body } => {
                let iteration = Cost::steps(price::LOOP_ITERATION);
                own.then(iteration.then(self.body(body)).times(*max))
                    .then(iteration)
            }
            // What an iteration takes any of is taken without end.
            Instr::LoopUnbounded { body } => {
                let iteration = Cost::steps(price::LOOP_ITERATION);
                own.then(iteration.then(self.body(body)).times(u64::MAX))
            }
            Instr::Call {
                function,
                otherwise,
                ..
            } => {
                let callee = self
                    .below
                    .get(function.0 as usize)
                    .map_or(Cost::ZERO, |callee| callee.cost);
                let otherwise = otherwise
                    .as_ref()
                    .map_or(Cost::ZERO, |otherwise| self.body(otherwise));
                own.then(callee).then(otherwise)
            }
            Instr::Attempt { function, .. } => {
                let callee = self.below.get(function.0 as usize);
                own.then(callee.map_or(Cost::ZERO, |callee| callee.cost))
            }
            _ => own,
        }
    }
}
