//! Which registers an instruction reads and assigns, and which bodies stand in it: said once for the
//! verifier and whoever else walks code. Always true: `visit_reads` and `visit_writes` name every register
//! of an instruction, in the order of its fields, and not those of nested bodies.

use crate::instr::{Body, Instr, Register};

impl Instr {
    /// Registers that must be assigned before the instruction starts.
    pub fn visit_reads(&self, mut read: impl FnMut(Register)) {
        match self {
            Instr::Const { .. } | Instr::Environment { .. } | Instr::Slot { .. } => {}
            Instr::Move { src, .. }
            | Instr::Unary { src, .. }
            | Instr::Convert { src, .. }
            | Instr::View { src, .. } => read(*src),
            Instr::Binary { left, right, .. }
            | Instr::Compare { left, right, .. }
            | Instr::CompareBytes { left, right, .. }
            | Instr::EqualBytes { left, right, .. } => [left, right]
                .into_iter()
                .for_each(|register| read(*register)),
            Instr::MultiplyDivide {
                left,
                right,
                divisor,
                ..
            } => [left, right, divisor]
                .into_iter()
                .for_each(|register| read(*register)),
            Instr::Round { src, .. } => read(*src),
            // What changes is the memory that `dst` points to.
            Instr::Sha256 { dst, view, length } => [dst, view, length]
                .into_iter()
                .for_each(|register| read(*register)),
            Instr::Select {
                condition,
                then,
                otherwise,
                ..
            } => [condition, then, otherwise]
                .into_iter()
                .for_each(|register| read(*register)),
            Instr::Touch { page, .. } => read(*page),
            Instr::ViewAt { src, index, .. } => [src, index]
                .into_iter()
                .for_each(|register| read(*register)),
            Instr::Load { view, .. } | Instr::Zero { view } | Instr::Emit { view, .. } => {
                read(*view)
            }
            Instr::Store { view, src, .. } => {
                [view, src].into_iter().for_each(|register| read(*register))
            }
            Instr::LoadAt { view, index, .. } => [view, index]
                .into_iter()
                .for_each(|register| read(*register)),
            Instr::StoreAt {
                view, index, src, ..
            } => [view, index, src]
                .into_iter()
                .for_each(|register| read(*register)),
            // The view's register is read; what changes is the memory that it points to.
            Instr::Copy { dst, src } => [dst, src].into_iter().for_each(|register| read(*register)),
            Instr::MoveWithin {
                view,
                from,
                to,
                length,
                ..
            } => [view, from, to, length]
                .into_iter()
                .for_each(|register| read(*register)),
            Instr::Hash { view, seed, .. } => [view, seed]
                .into_iter()
                .for_each(|register| read(*register)),
            Instr::MatchByte { view, byte, .. } => [view, byte]
                .into_iter()
                .for_each(|register| read(*register)),
            Instr::If { condition, .. } => read(*condition),
            Instr::Switch { value, .. } => read(*value),
            Instr::Block { .. }
            | Instr::Loop { .. }
            | Instr::LoopUnbounded { .. }
            | Instr::Break { .. }
            | Instr::Continue { .. }
            | Instr::ReturnNone => {}
            Instr::Call { arguments, .. } => arguments.iter().for_each(|register| read(*register)),
            Instr::Attempt {
                arguments, failure, ..
            } => {
                arguments.iter().for_each(|register| read(*register));
                read(*failure);
            }
            Instr::Return { values } => values.iter().for_each(|register| read(*register)),
            Instr::Fail { payload, .. } => payload.iter().for_each(|register| read(*register)),
            Instr::Invoke {
                arguments,
                result,
                failure,
                ..
            } => [arguments, result, failure]
                .into_iter()
                .for_each(|register| read(*register)),
            Instr::TestCaller { caller } => read(*caller),
            Instr::TestContext { roles, advance } => [roles, advance]
                .into_iter()
                .for_each(|register| read(*register)),
            Instr::Assert {
                condition,
                left,
                right,
                ..
            } => {
                read(*condition);
                left.iter()
                    .chain(right)
                    .for_each(|register| read(*register));
            }
        }
    }

    /// Registers that are assigned when the instruction is done; a call's where it answered with results.
    pub fn visit_writes(&self, mut write: impl FnMut(Register)) {
        match self {
            Instr::Const { dst, .. }
            | Instr::Move { dst, .. }
            | Instr::Binary { dst, .. }
            | Instr::Unary { dst, .. }
            | Instr::Compare { dst, .. }
            | Instr::Convert { dst, .. }
            | Instr::MultiplyDivide { dst, .. }
            | Instr::Round { dst, .. }
            | Instr::Select { dst, .. }
            | Instr::Environment { dst, .. }
            | Instr::Slot { dst, .. }
            | Instr::Touch { dst, .. }
            | Instr::View { dst, .. }
            | Instr::ViewAt { dst, .. }
            | Instr::Load { dst, .. }
            | Instr::LoadAt { dst, .. }
            | Instr::CompareBytes { dst, .. }
            | Instr::EqualBytes { dst, .. }
            | Instr::Hash { dst, .. }
            | Instr::MatchByte { dst, .. }
            | Instr::Attempt { status: dst, .. }
            | Instr::Invoke { status: dst, .. } => write(*dst),
            Instr::Call { results, .. } => results.iter().for_each(|register| write(*register)),
            Instr::Store { .. }
            | Instr::StoreAt { .. }
            | Instr::Copy { .. }
            | Instr::Zero { .. }
            | Instr::Sha256 { .. }
            | Instr::MoveWithin { .. }
            | Instr::Block { .. }
            | Instr::If { .. }
            | Instr::Loop { .. }
            | Instr::LoopUnbounded { .. }
            | Instr::Switch { .. }
            | Instr::Break { .. }
            | Instr::Continue { .. }
            | Instr::Return { .. }
            | Instr::ReturnNone
            | Instr::Fail { .. }
            | Instr::Emit { .. }
            | Instr::TestContext { .. }
            | Instr::TestCaller { .. }
            | Instr::Assert { .. } => {}
        }
    }

    /// The bodies that stand in the instruction, in the order in which they are numbered and written.
    pub fn bodies(&self) -> Vec<&Body> {
        match self {
            Instr::Block { body } | Instr::Loop { body, .. } | Instr::LoopUnbounded { body } => {
                vec![body]
            }
            Instr::If {
                then, otherwise, ..
            } => vec![then, otherwise],
            Instr::Switch {
                arms, otherwise, ..
            } => arms
                .iter()
                .map(|(_, body)| body)
                .chain([otherwise])
                .collect(),
            Instr::Call {
                otherwise: Some(otherwise),
                ..
            } => vec![otherwise],
            _ => Vec::new(),
        }
    }

    /// The same, to be changed.
    pub fn bodies_mut(&mut self) -> Vec<&mut Body> {
        match self {
            Instr::Block { body } | Instr::Loop { body, .. } | Instr::LoopUnbounded { body } => {
                vec![body]
            }
            Instr::If {
                then, otherwise, ..
            } => vec![then, otherwise],
            Instr::Switch {
                arms, otherwise, ..
            } => arms
                .iter_mut()
                .map(|(_, body)| body)
                .chain([otherwise])
                .collect(),
            Instr::Call {
                otherwise: Some(otherwise),
                ..
            } => vec![otherwise],
            _ => Vec::new(),
        }
    }

    /// Instructions in it: itself and all nested ones. The instruction after it has the number of this one plus so many.
    pub fn count(&self) -> usize {
        1 + self
            .bodies()
            .into_iter()
            .map(|body| count(body))
            .sum::<usize>()
    }
}

/// Instructions of a body, nested ones counted.
pub fn count(body: &[Instr]) -> usize {
    body.iter().map(Instr::count).sum()
}
