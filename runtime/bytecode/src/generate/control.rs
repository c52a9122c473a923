//! Control and effects: branches, loops and calls whose arms agree on a value; events and failures, whose
//! records are canonical because nothing else writes their slots.

use super::code::{Code, SCALARS};
use crate::instr::*;

impl Code<'_> {
    /// A slot with a canonical record of generated events and failures, which nothing else writes.
    pub(super) fn shown(&mut self, size: u32, fields: &[(u32, Scalar)]) -> Register {
        let slot = self.builder.slot(size);
        for (offset, kind) in fields {
            let src = self.scalar(*kind);
            self.builder.store(slot, *offset, src);
        }
        slot
    }

    pub(super) fn emit(&mut self) {
        if self.read_only {
            return self.constant();
        }
        if self.random.percent(60) {
            let view = self.shown(
                32,
                &[
                    (0, Scalar::U64),
                    (8, Scalar::Bool),
                    (12, Scalar::I32),
                    (16, Scalar::I128),
                ],
            );
            self.builder.emit(Instr::Emit {
                event: EventIndex(0),
                view,
            });
        } else {
            // A string of up to five letters at 0, a time at 8.
            let view = self.builder.slot(16);
            let length = self.random.below(6);
            for (offset, kind, bits) in [(0, Scalar::U16, length)]
                .into_iter()
                .chain((0..length).map(|at| (2 + at, Scalar::U8, 97 + at)))
            {
                let src = self.fixed(kind, u128::from(bits));
                self.builder.store(view, offset as u32, src);
            }
            let time = self.scalar(Scalar::I64);
            self.builder.store(view, 8, time);
            self.builder.emit(Instr::Emit {
                event: EventIndex(1),
                view,
            });
        }
    }

    pub(super) fn fail(&mut self) {
        let (failure, payload) = match self.random.below(3) {
            0 => {
                use Builtin::*;
                let all = [
                    AlreadyExists,
                    Overflow,
                    DivideByZero,
                    TableFull,
                    TooLong,
                    BoundExceeded,
                    InvariantBroken,
                    StillReferenced,
                    Denied,
                ];
                (Failure::Builtin(self.random.pick(&all)), None)
            }
            1 => (
                Failure::Declared {
                    error: 0,
                    variant: 0,
                },
                None,
            ),
            _ => {
                let payload = self.shown(
                    16,
                    &[(0, Scalar::U64), (8, Scalar::Bool), (12, Scalar::I32)],
                );
                (
                    Failure::Declared {
                        error: 0,
                        variant: 1,
                    },
                    Some(payload),
                )
            }
        };
        self.builder.emit(Instr::Fail { failure, payload });
    }

    /// Leaves the body: by a label where there is one, else the function.
    pub(super) fn leave(&mut self) {
        if !self.labels.is_empty() && self.random.percent(70) {
            let depth = self.random.below(self.labels.len() as u64) as usize;
            let is_loop = self.labels[self.labels.len() - 1 - depth];
            let depth = depth as u32;
            // Whoever continues has no counter to stop it: few do.
            if is_loop && self.random.percent(10) {
                return self.builder.emit(Instr::Continue { depth });
            }
            return self.builder.emit(Instr::Break { depth });
        }
        if self.maybe && self.random.percent(30) {
            return self.builder.emit(Instr::ReturnNone);
        }
        if let Some(fields) = self.result_record.clone() {
            for (offset, kind) in fields {
                let src = self.scalar(kind);
                self.builder.store(Register(1), offset, src);
            }
        }
        let values: Vec<Register> = self
            .results
            .clone()
            .into_iter()
            .map(|kind| self.value(kind))
            .collect();
        self.builder.give(&values);
    }

    pub(super) fn value(&mut self, kind: Type) -> Register {
        match kind {
            Type::Scalar(scalar) => self.scalar(scalar),
            Type::View(view) => self.view(view),
        }
    }

    pub(super) fn call(&mut self) {
        let callable: Vec<u32> = (0..self.module.functions.len() as u32)
            .filter(|index| {
                let steps = self.module.functions[*index as usize]
                    .cost
                    .steps
                    .saturating_mul(self.repeated);
                steps <= self.steps_left && !(self.read_only && self.changing[*index as usize])
            })
            .collect();
        if callable.is_empty() {
            return self.compare();
        }
        let index = self.random.pick(&callable);
        let module = self.module;
        let callee = &module.functions[index as usize];
        self.steps_left -= callee.cost.steps * self.repeated;
        let arguments: Vec<Register> = callee
            .parameters
            .iter()
            .map(|kind| self.value(*kind))
            .collect();
        let results: Vec<Register> = callee
            .results
            .iter()
            .map(|kind| self.builder.reg(*kind))
            .collect();
        let mut given = true;
        let mut otherwise = None;
        if callee.maybe {
            // Either `otherwise` assigns the same registers, or they are not known after the call.
            given = self.random.percent(60);
            let after = |code: &mut Self| {
                if given {
                    for (dst, kind) in results.iter().zip(&callee.results) {
                        let src = code.value(*kind);
                        code.builder.emit(Instr::Move { dst: *dst, src });
                    }
                }
            };
            let count = self.random.below(3);
            otherwise = Some(self.nested(count, 1, |_| {}, after).0);
        }
        self.builder.emit(Instr::Call {
            function: FunctionIndex(index),
            arguments,
            results: results.clone(),
            otherwise,
        });
        if given {
            for (register, kind) in results.into_iter().zip(&callee.results) {
                match kind {
                    Type::Scalar(scalar) => self.scalars.push((register, *scalar)),
                    Type::View(view) => self.views.push((register, *view)),
                }
            }
        }
    }

    /// A call whose failure is a value, where there is a function that fits.
    pub(super) fn attempt(&mut self) {
        let module = self.module;
        let fits = |index: &u32| {
            let callee = &module.functions[*index as usize];
            let steps = callee.cost.steps.saturating_mul(self.repeated);
            !callee.maybe
                && callee.results.is_empty()
                && steps <= self.steps_left
                && !(self.read_only && self.changing[*index as usize])
        };
        let callable: Vec<u32> = (0..module.functions.len() as u32).filter(fits).collect();
        if callable.is_empty() {
            return self.call();
        }
        let index = self.random.pick(&callable);
        let callee = &module.functions[index as usize];
        self.steps_left -= callee.cost.steps * self.repeated;
        let arguments: Vec<Register> = callee
            .parameters
            .iter()
            .map(|kind| self.value(*kind))
            .collect();
        // The largest variant has 16 bytes.
        let length = 16 + self.random.below(3) as u32 * 8;
        let failure = self.builder.slot(length);
        let status = self.builder.reg(Scalar::U32);
        self.builder.emit(Instr::Attempt {
            function: FunctionIndex(index),
            arguments,
            failure,
            status,
        });
        self.scalars.push((status, Scalar::U32));
        let view = View {
            space: Space::Frame,
            length,
            writable: true,
        };
        self.views.push((failure, view));
    }

    /// A block, a branch, a loop or a switch; whether it diverges.
    pub(super) fn control(&mut self) -> bool {
        let count = 1 + self.random.below(8);
        let kind = self.random.pick(&SCALARS);
        // What all arms give.
        let joined = self.builder.reg(kind);
        let give = |code: &mut Self| {
            let src = code.scalar(kind);
            code.builder.emit(Instr::Move { dst: joined, src });
        };
        let instr = match self.random.below(4) {
            0 => {
                self.labels.push(false);
                let (body, _) = self.nested(count, 1, give, |_| {});
                self.labels.pop();
                Instr::Block { body }
            }
            1 => {
                let condition = self.scalar(Scalar::Bool);
                let (then, _) = self.nested(count, 1, |_| {}, give);
                let (otherwise, _) = self.nested(count / 2, 1, |_| {}, give);
                Instr::If {
                    condition,
                    then,
                    otherwise,
                }
            }
            2 => {
                let value = self
                    .random
                    .pick(&[Scalar::U8, Scalar::U16, Scalar::U32, Scalar::U64]);
                let value = self.scalar(value);
                let mut arms = Vec::new();
                let mut number = self.random.below(2);
                for _ in 0..self.random.below(5) {
                    arms.push((number, self.nested(count / 2, 1, |_| {}, give).0));
                    number += self.random.pick(&[1, 1, 1, 5, 40]);
                }
                let (otherwise, _) = self.nested(count / 2, 1, |_| {}, give);
                Instr::Switch {
                    value,
                    arms,
                    otherwise,
                }
            }
            _ => return self.counted(count, joined, kind),
        };
        let diverges = crate::flow::diverges_within(&instr, self.labels.len());
        self.builder.emit(instr);
        if !diverges {
            self.scalars.push((joined, kind));
        }
        diverges
    }

    /// A loop that counts to at most its bound, or beyond it where risk is taken.
    pub(super) fn counted(&mut self, count: u64, joined: Register, kind: Scalar) -> bool {
        let max = 1 + self.random.below(6);
        if self.steps_left < max * self.repeated * 200 {
            self.constant();
            return false;
        }
        let times = if self.random.percent(self.risk / 2) {
            max + 1
        } else {
            self.random.below(max)
        };
        let counter = self.builder.constant(Scalar::U64, 0);
        let end = self.builder.constant(Scalar::U64, u128::from(times));
        let one = self.builder.constant(Scalar::U64, 1);
        self.labels.push(true);
        let head = |code: &mut Self| {
            let src = code.scalar(kind);
            code.builder.emit(Instr::Move { dst: joined, src });
            let done = code
                .builder
                .compare(CompareOp::GreaterOrEqual, counter, end);
            code.builder
                .branch(done, |body| body.emit(Instr::Break { depth: 0 }), |_| {});
            // Counted at the start, so that whoever continues has counted.
            code.builder.emit(Instr::Binary {
                op: BinaryOp::Add,
                dst: counter,
                left: counter,
                right: one,
            });
        };
        let tail = |code: &mut Self| {
            if code.random.percent(30) {
                code.builder.emit(Instr::Continue { depth: 0 });
            }
        };
        let (body, _) = self.nested(count, max, head, tail);
        self.labels.pop();
        self.builder.emit(Instr::Loop { max, body });
        self.scalars.push((joined, kind));
        false
    }
}
