//! Which instructions a set of modules has, and how often.

use crate::instr::Instr;
use crate::module::Module;
use crate::table::NAMES;
use std::fmt;

/// A count an instruction.
#[derive(Clone, Debug)]
pub struct Coverage {
    counts: Vec<u64>,
}

impl Default for Coverage {
    fn default() -> Coverage {
        Coverage {
            counts: vec![0; NAMES.len()],
        }
    }
}

impl Coverage {
    pub fn add(&mut self, module: &Module) {
        module
            .functions
            .iter()
            .for_each(|function| self.body(&function.body));
    }

    fn body(&mut self, body: &[Instr]) {
        for instr in body {
            self.counts[usize::from(instr.number())] += 1;
            instr.bodies().into_iter().for_each(|body| self.body(body));
        }
    }

    /// Names of instructions that did not occur.
    pub fn missing(&self) -> Vec<&'static str> {
        NAMES
            .iter()
            .zip(&self.counts)
            .filter(|(_, count)| **count == 0)
            .map(|(name, _)| *name)
            .collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        NAMES
            .iter()
            .zip(&self.counts)
            .try_for_each(|(name, count)| writeln!(out, "{count:>9} {name}"))
    }
}
