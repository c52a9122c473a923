//! What functions may do, calls followed: read, write, emit, fail, and whether a failure may come after a
//! write, in which case the runtime keeps an undo journal.
//!
//! What the types do not say of memory is seen when it is used: a float that is no number when it is loaded, any other
//! malformed value when it is packed for an event, a failure or the result. Those are failures too (`BoundExceeded`).
//!
//! A flag "something was written on the way here" follows the code. Nothing after a jump is reached by it. A
//! loop that comes round with the flag set may then fail by its own bound, so one pass is enough.

use super::shapes::Sizes;
use crate::instr::{
    Access, BinaryOp, ConvertMode, Failure, Instr, Register, Scalar, Space, UnaryOp,
};
use crate::module::{Function, Module};

/// What a function may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Touches pages.
    pub reads: bool,
    /// Touches pages for writing, or stores to a page.
    pub writes: bool,
    pub emits: bool,
    pub may_fail: bool,
    /// No failure comes after a store to a page or an event: nothing ever needs to be undone.
    pub undo_free: bool,
}

/// Effects, and what only the verifier asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub effects: Effects,
    /// Stores to a page or emits: what an undo would have to take back.
    pub changes: bool,
    fails_after_change: bool,
    /// Declared errors that may be raised, a bit each.
    pub errors: Vec<u64>,
    /// Has a loop without a bound, itself or in what it calls.
    pub unbounded: bool,
    /// How deep attempts stand in each other, calls followed.
    pub attempts: usize,
}

impl Summary {
    /// Whether a command with this entry needs no undo: its result is packed after all that it writes.
    pub(super) fn command_undo_free(&self, result_checked: bool) -> bool {
        self.effects.undo_free && !(self.changes && result_checked)
    }
}

/// One summary a function, in order.
pub(super) fn of_module(module: &Module, sizes: &Sizes) -> Vec<Summary> {
    let mut all: Vec<Summary> = Vec::with_capacity(module.functions.len());
    for function in &module.functions {
        let errors = vec![0; module.interface.errors.len().div_ceil(64)];
        let mut walk = Walk {
            below: &all,
            sizes,
            function,
            summary: Summary {
                errors,
                ..Summary::default()
            },
            labels: Vec::new(),
        };
        walk.body(&function.body, Some(false));
        let mut summary = walk.summary;
        summary.effects.undo_free = !summary.fails_after_change;
        all.push(summary);
    }
    all
}

/// Whether something was changed on a path to here; nothing where no path gets here.
type State = Option<bool>;

fn join(left: State, right: State) -> State {
    match (left, right) {
        (Some(left), Some(right)) => Some(left || right),
        (left, right) => left.or(right),
    }
}

struct Walk<'a> {
    below: &'a [Summary],
    sizes: &'a Sizes,
    function: &'a Function,
    summary: Summary,
    /// For each open label: what holds where it is left, and for a loop where it starts again.
    labels: Vec<(State, State)>,
}

impl Walk<'_> {
    fn body(&mut self, body: &[Instr], state: State) -> State {
        body.iter()
            .fold(state, |state, instr| self.instr(instr, state))
    }

    fn instr(&mut self, instr: &Instr, state: State) -> State {
        if may_fail(instr, self.function, self.sizes) {
            self.summary.effects.may_fail = true;
            self.summary.fails_after_change |= state == Some(true);
        }
        match instr {
            Instr::Touch { access, .. } => {
                self.summary.effects.reads = true;
                self.summary.effects.writes |= *access == Access::Write;
                state
            }
            Instr::Store { view, .. }
            | Instr::StoreAt { view, .. }
            | Instr::Zero { view }
            | Instr::MoveWithin { view, .. } => self.stored(*view, state),
            Instr::Copy { dst, .. } => self.stored(*dst, state),
            Instr::Emit { .. } => {
                self.summary.effects.emits = true;
                self.changed(state)
            }
            Instr::Block { body } => {
                self.labels.push((None, None));
                let end = self.body(body, state);
                let (exit, _) = self.labels.pop().unwrap_or_default();
                join(end, exit)
            }
            Instr::Loop { body, .. } => {
                self.labels.push((None, None));
                let end = self.body(body, state);
                let (exit, again) = self.labels.pop().unwrap_or_default();
                // The bound may be reached after what the iterations before have changed.
                self.summary.fails_after_change |= join(end, again) == Some(true);
                exit
            }
            Instr::LoopUnbounded { body } => {
                self.summary.unbounded = true;
                self.labels.push((None, None));
                let end = self.body(body, state);
                let (exit, again) = self.labels.pop().unwrap_or_default();
                // What one iteration changed stands before what may fail in the next.
                if join(end, again) == Some(true) {
                    self.summary.fails_after_change = true;
                }
                exit
            }
            Instr::If {
                then, otherwise, ..
            } => {
                let then = self.body(then, state);
                let otherwise = self.body(otherwise, state);
                join(then, otherwise)
            }
            Instr::Switch {
                arms, otherwise, ..
            } => {
                let mut end = None;
                for (_, arm) in arms {
                    let arm = self.body(arm, state);
                    end = join(end, arm);
                }
                let otherwise = self.body(otherwise, state);
                join(end, otherwise)
            }
            Instr::Break { depth } => {
                if let Some(label) = self.label(*depth) {
                    label.0 = join(label.0, state);
                }
                None
            }
            Instr::Continue { depth } => {
                if let Some(label) = self.label(*depth) {
                    label.1 = join(label.1, state);
                }
                None
            }
            Instr::Call {
                function,
                otherwise,
                ..
            } => {
                let Some(callee) = self.below.get(function.0 as usize) else {
                    return state;
                };
                let summary = &mut self.summary;
                summary.effects.reads |= callee.effects.reads;
                summary.effects.writes |= callee.effects.writes;
                summary.effects.emits |= callee.effects.emits;
                summary.effects.may_fail |= callee.effects.may_fail;
                summary.attempts = summary.attempts.max(callee.attempts);
                summary.unbounded |= callee.unbounded;
                summary.fails_after_change |=
                    callee.fails_after_change || (state == Some(true) && callee.effects.may_fail);
                summary
                    .errors
                    .iter_mut()
                    .zip(&callee.errors)
                    .for_each(|(all, more)| *all |= more);
                let changes = callee.changes;
                let after = if changes { self.changed(state) } else { state };
                match otherwise {
                    Some(otherwise) => {
                        let without = self.body(otherwise, after);
                        join(after, without)
                    }
                    None => after,
                }
            }
            // Its failure is a value: what it changed before is taken back, which needs the journal.
            Instr::Attempt { function, .. } => {
                let Some(callee) = self.below.get(function.0 as usize) else {
                    return state;
                };
                let summary = &mut self.summary;
                summary.effects.reads |= callee.effects.reads;
                summary.effects.writes |= callee.effects.writes;
                summary.effects.emits |= callee.effects.emits;
                summary.fails_after_change |= callee.fails_after_change;
                summary.attempts = summary.attempts.max(callee.attempts + 1);
                summary.unbounded |= callee.unbounded;
                match callee.changes {
                    true => self.changed(state),
                    false => state,
                }
            }
            Instr::Fail { failure, .. } => {
                if let Failure::Declared { error, .. } = failure
                    && let Some(word) = self.summary.errors.get_mut(*error as usize / 64)
                {
                    *word |= 1 << (error % 64);
                }
                None
            }
            Instr::Return { .. } | Instr::ReturnNone => None,
            _ => state,
        }
    }

    fn stored(&mut self, view: Register, state: State) -> State {
        match self.function.view_of(view).map(|view| view.space) {
            Some(Space::Page(_)) => {
                self.summary.effects.writes = true;
                self.changed(state)
            }
            _ => state,
        }
    }

    fn changed(&mut self, state: State) -> State {
        self.summary.changes = true;
        state.map(|_| true)
    }

    fn label(&mut self, depth: u32) -> Option<&mut (State, State)> {
        let at = self.labels.len().checked_sub(1 + depth as usize)?;
        self.labels.get_mut(at)
    }
}

/// Whether the instruction itself may fail, calls apart. Exhaustive, so that a new one is thought about.
fn may_fail(instr: &Instr, function: &Function, sizes: &Sizes) -> bool {
    match instr {
        Instr::Binary { op, .. } => match op {
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::ShiftLeft
            | BinaryOp::ShiftRight => true,
            BinaryOp::WrappingAdd
            | BinaryOp::WrappingSub
            | BinaryOp::WrappingMul
            | BinaryOp::SaturatingAdd
            | BinaryOp::SaturatingSub
            | BinaryOp::SaturatingMul
            | BinaryOp::Min
            | BinaryOp::Max
            | BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Xor => false,
        },
        Instr::Unary { op, .. } => matches!(op, UnaryOp::Neg | UnaryOp::Abs | UnaryOp::SquareRoot),
        Instr::Convert { mode, dst, src } => {
            *mode == ConvertMode::Checked
                && !function
                    .scalar_of(*src)
                    .zip(function.scalar_of(*dst))
                    .is_some_and(|(from, to)| always_fits(from, to))
        }
        // Bytes that are no number; integers take any.
        Instr::Load { dst, .. } => function.scalar_of(*dst) == Some(Scalar::F64),
        Instr::Emit { event, .. } => sizes.event_checked(*event),
        Instr::Touch { .. }
        | Instr::ViewAt { .. }
        | Instr::LoadAt { .. }
        | Instr::StoreAt { .. }
        | Instr::MoveWithin { .. }
        | Instr::MultiplyDivide { .. }
        | Instr::Sha256 { .. }
        | Instr::Loop { .. }
        | Instr::Fail { .. } => true,
        // A test's failure undoes nothing: what it invokes are commands of their own.
        Instr::Invoke { .. } | Instr::TestContext { .. } => true,
        Instr::TestCaller { .. } | Instr::Assert { .. } => true,
        Instr::Const { .. }
        | Instr::Move { .. }
        | Instr::Compare { .. }
        | Instr::Select { .. }
        | Instr::Environment { .. }
        | Instr::Slot { .. }
        | Instr::View { .. }
        | Instr::Store { .. }
        | Instr::Copy { .. }
        | Instr::Zero { .. }
        | Instr::CompareBytes { .. }
        | Instr::EqualBytes { .. }
        | Instr::Hash { .. }
        | Instr::MatchByte { .. }
        | Instr::Round { .. }
        | Instr::Block { .. }
        | Instr::LoopUnbounded { .. }
        | Instr::If { .. }
        | Instr::Switch { .. }
        | Instr::Break { .. }
        | Instr::Continue { .. }
        | Instr::Call { .. }
        | Instr::Attempt { .. }
        | Instr::Return { .. }
        | Instr::ReturnNone => false,
    }
}

/// Whether every value of one integer type is one of another; a float comes from any integer.
fn always_fits(from: Scalar, to: Scalar) -> bool {
    match (from.is_integer(), to.is_integer()) {
        (true, true) => match (from.is_signed(), to.is_signed()) {
            (true, false) => false,
            (false, true) => from.bits() < to.bits(),
            _ => from.bits() <= to.bits(),
        },
        (true, false) => to == Scalar::F64,
        _ => false,
    }
}
