//! Control and assignment: jumps go to open labels, no path ends without leaving, every instruction can be
//! reached, every register is assigned before it is read.
//!
//! A set of assigned registers follows the code. Sets only grow along a path, so what holds at a loop's
//! start holds at each of its iterations, and one pass is enough. `None` stands for "cannot be reached".

use super::{At, Place, VerifyError};
use crate::instr::{Instr, Register};
use crate::module::Module;

/// What is wrong with the flow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    #[error("register {0} may be read before it is assigned")]
    NotAssigned(u32),
    #[error("no path reaches it")]
    Unreachable,
    #[error("there is no label at depth {0}")]
    NoLabel(u32),
    #[error("the label at depth {0} is a block: only a loop can be continued")]
    NotALoop(u32),
    #[error("a path ends without `return` or `fail`")]
    FallsOffTheEnd,
}

/// Trusts: register indices and nesting.
pub fn check(module: &Module) -> Result<(), VerifyError> {
    for (index, function) in module.functions.iter().enumerate() {
        let mut flow = Flow {
            labels: Vec::new(),
            next: 0,
            at: 0,
        };
        let mut assigned = Set::of(function.registers.len());
        (0..function.parameters.len() as u32)
            .for_each(|register| assigned.insert(Register(register)));
        let place = |instruction| Place::Function {
            index: index as u32,
            name: function.name.clone(),
            instruction,
        };
        let end = flow
            .body(&function.body, Some(assigned))
            .map_err(|error| error.at(place(Some(flow.at))))?;
        if end.is_some() {
            return Err(FlowError::FallsOffTheEnd.at(place(None)));
        }
    }
    Ok(())
}

/// A set of registers, a bit each.
#[derive(Clone)]
struct Set(Vec<u64>);

impl Set {
    fn of(registers: usize) -> Set {
        Set(vec![0; registers.div_ceil(64)])
    }

    fn insert(&mut self, register: Register) {
        self.0[register.0 as usize / 64] |= 1 << (register.0 % 64);
    }

    fn contains(&self, register: Register) -> bool {
        self.0[register.0 as usize / 64] >> (register.0 % 64) & 1 == 1
    }
}

/// What holds on both paths.
fn join(left: Option<Set>, right: Option<Set>) -> Option<Set> {
    match (left, right) {
        (Some(mut left), Some(right)) => {
            left.0
                .iter_mut()
                .zip(&right.0)
                .for_each(|(left, right)| *left &= right);
            Some(left)
        }
        (left, right) => left.or(right),
    }
}

struct Label {
    is_loop: bool,
    /// What holds at every break so far.
    exit: Option<Set>,
}

struct Flow {
    labels: Vec<Label>,
    /// The next instruction's number.
    next: u32,
    /// The number of the instruction that is looked at.
    at: u32,
}

impl Flow {
    /// What holds at the end of the body; nothing where no path gets there.
    fn body(&mut self, body: &[Instr], mut state: Option<Set>) -> Result<Option<Set>, FlowError> {
        for instr in body {
            self.at = self.next;
            self.next += 1;
            let before = state.ok_or(FlowError::Unreachable)?;
            state = self.instr(instr, before)?;
        }
        Ok(state)
    }

    fn instr(&mut self, instr: &Instr, mut state: Set) -> Result<Option<Set>, FlowError> {
        let mut unassigned = None;
        instr.visit_reads(|register| {
            if !state.contains(register) {
                unassigned.get_or_insert(register);
            }
        });
        if let Some(register) = unassigned {
            return Err(FlowError::NotAssigned(register.0));
        }
        match instr {
            Instr::Block { body } => {
                self.labels.push(Label {
                    is_loop: false,
                    exit: None,
                });
                let end = self.body(body, Some(state))?;
                let exit = self.labels.pop().and_then(|label| label.exit);
                Ok(join(end, exit))
            }
            Instr::Loop { body, .. } | Instr::LoopUnbounded { body } => {
                self.labels.push(Label {
                    is_loop: true,
                    exit: None,
                });
                self.body(body, Some(state))?;
                Ok(self.labels.pop().and_then(|label| label.exit))
            }
            Instr::If {
                then, otherwise, ..
            } => {
                let then = self.body(then, Some(state.clone()))?;
                let otherwise = self.body(otherwise, Some(state))?;
                Ok(join(then, otherwise))
            }
            Instr::Switch {
                arms, otherwise, ..
            } => {
                let mut end = None;
                for (_, arm) in arms {
                    let arm = self.body(arm, Some(state.clone()))?;
                    end = join(end, arm);
                }
                let otherwise = self.body(otherwise, Some(state))?;
                Ok(join(end, otherwise))
            }
            Instr::Break { depth } => {
                let label = self.label(*depth)?;
                label.exit = join(label.exit.take(), Some(state));
                Ok(None)
            }
            Instr::Continue { depth } => match self.label(*depth)?.is_loop {
                true => Ok(None),
                false => Err(FlowError::NotALoop(*depth)),
            },
            Instr::Call { otherwise, .. } => {
                let without = match otherwise {
                    Some(otherwise) => self.body(otherwise, Some(state.clone()))?,
                    None => None,
                };
                instr.visit_writes(|register| state.insert(register));
                Ok(join(Some(state), without))
            }
            Instr::Return { .. } | Instr::ReturnNone | Instr::Fail { .. } => Ok(None),
            _ => {
                instr.visit_writes(|register| state.insert(register));
                Ok(Some(state))
            }
        }
    }

    fn label(&mut self, depth: u32) -> Result<&mut Label, FlowError> {
        let at = self
            .labels
            .len()
            .checked_sub(1 + depth as usize)
            .ok_or(FlowError::NoLabel(depth))?;
        self.labels.get_mut(at).ok_or(FlowError::NoLabel(depth))
    }
}
