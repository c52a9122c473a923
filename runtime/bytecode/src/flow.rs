//! Where control goes: which instructions never let the next one run. Said once for the verifier, which
//! refuses code that no path reaches, and for the compiler, which must not write it.

use crate::instr::{Body, Instr};
use crate::module::Function;
use crate::operands::count;

/// Whether nothing after the instruction in its body can run: it leaves, or all its arms do. A `Block` diverges where its
/// body does and nothing breaks out of it; a `Loop` where nothing breaks out of it.
pub fn diverges(instr: &Instr) -> bool {
    Divergence::default().instr(instr)
}

/// [`diverges`] of an instruction under so many open labels, breaks to which lead away.
#[cfg(feature = "generate")]
pub(crate) fn diverges_within(instr: &Instr, labels: usize) -> bool {
    Divergence {
        broken: vec![false; labels],
    }
    .instr(instr)
}

/// Whether control never reaches the end of the body.
pub fn body_diverges(body: &[Instr]) -> bool {
    Divergence::default().body(body)
}

/// Removes what no path reaches, at every depth, and keeps the function's line numbers right. For a compiler whose lowering
/// appends without looking.
pub fn trim_unreachable(function: &mut Function) {
    let mut kept = Vec::new();
    let mut trim = Trim {
        next: 0,
        kept: &mut kept,
        flow: Divergence::default(),
    };
    trim.body(&mut function.body);
    // An old number's new number is how many kept ones precede it.
    let mut lines: Vec<(u32, u32, u32)> = Vec::new();
    for (at, (number, file, line)) in function.lines.iter().enumerate() {
        let after = function.lines.get(at + 1).map_or(u32::MAX, |next| next.0);
        let new = kept.partition_point(|old| old < number) as u32;
        if kept.get(new as usize).is_some_and(|old| *old < after) {
            lines.push((new, *file, *line));
        }
    }
    function.lines = lines;
}

/// For each open label, innermost last: whether a reachable break leaves it.
#[derive(Default)]
struct Divergence {
    broken: Vec<bool>,
}

impl Divergence {
    fn body(&mut self, body: &[Instr]) -> bool {
        body.iter().any(|instr| self.instr(instr))
    }

    fn instr(&mut self, instr: &Instr) -> bool {
        match instr {
            Instr::Break { depth } => {
                let label = self.broken.len().checked_sub(1 + *depth as usize);
                if let Some(broken) = label.and_then(|label| self.broken.get_mut(label)) {
                    *broken = true;
                }
                true
            }
            Instr::Continue { .. }
            | Instr::Return { .. }
            | Instr::ReturnNone
            | Instr::Fail { .. } => true,
            Instr::Block { body } => {
                self.broken.push(false);
                let ended = self.body(body);
                !self.broken.pop().unwrap_or(true) && ended
            }
            Instr::Loop { body, .. } | Instr::LoopUnbounded { body } => {
                self.broken.push(false);
                self.body(body);
                !self.broken.pop().unwrap_or(true)
            }
            // Every arm is looked at: a break in any of them counts.
            Instr::If {
                then, otherwise, ..
            } => self.body(then) & self.body(otherwise),
            Instr::Switch {
                arms, otherwise, ..
            } => {
                arms.iter().fold(true, |all, (_, arm)| self.body(arm) & all) & self.body(otherwise)
            }
            Instr::Call { otherwise, .. } => {
                if let Some(otherwise) = otherwise {
                    self.body(otherwise);
                }
                false
            }
            _ => false,
        }
    }
}

struct Trim<'a> {
    next: u32,
    /// Old numbers of what stays, ascending.
    kept: &'a mut Vec<u32>,
    flow: Divergence,
}

impl Trim<'_> {
    /// Whether the body diverges; what stood behind that is gone.
    fn body(&mut self, body: &mut Body) -> bool {
        for at in 0..body.len() {
            self.kept.push(self.next);
            self.next += 1;
            if self.instr(&mut body[at]) {
                self.next += count(&body[at + 1..]) as u32;
                body.truncate(at + 1);
                return true;
            }
        }
        false
    }

    fn instr(&mut self, instr: &mut Instr) -> bool {
        match instr {
            Instr::Block { body } => {
                self.flow.broken.push(false);
                let ended = self.body(body);
                !self.flow.broken.pop().unwrap_or(true) && ended
            }
            Instr::Loop { body, .. } | Instr::LoopUnbounded { body } => {
                self.flow.broken.push(false);
                self.body(body);
                !self.flow.broken.pop().unwrap_or(true)
            }
            Instr::If {
                then, otherwise, ..
            } => self.body(then) & self.body(otherwise),
            Instr::Switch {
                arms, otherwise, ..
            } => {
                arms.iter_mut()
                    .fold(true, |all, (_, arm)| self.body(arm) & all)
                    & self.body(otherwise)
            }
            Instr::Call { otherwise, .. } => {
                if let Some(otherwise) = otherwise {
                    self.body(otherwise);
                }
                false
            }
            other => self.flow.instr(other),
        }
    }
}
