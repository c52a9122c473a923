//! Why something costs what it costs: the cost rule of the module walked with the source beside it.
//!
//! Always true: a node's cost is at least the sum of its children's; the roots are the functions' certificates.

use rc_bytecode::instr::Instr;
use rc_bytecode::module::{Function, Module};
use rc_bytecode::{Cost, price};
use rc_hir::CallableId;
use rc_source::Span;
use std::collections::BTreeMap;

/// What a callable was proven to cost, and where it goes.
#[derive(Clone, Debug)]
pub struct Proven {
    pub callable: CallableId,
    pub cost: Cost,
    /// Dearest first.
    pub parts: Vec<Part>,
}

/// A loop or a call.
#[derive(Clone, Debug)]
pub struct Part {
    /// `loop` or the called function's name.
    pub what: String,
    pub span: Span,
    /// How often it runs at most, each time its surroundings do.
    pub times: u64,
    /// All times together.
    pub cost: Cost,
    pub parts: Vec<Part>,
}

/// Loops and calls of a function, with the cost of each; calls are not opened.
pub fn parts(module: &Module, function: &Function, spans: &[Span]) -> Vec<Part> {
    let mut walk = Walk {
        module,
        function,
        spans,
        at: 0,
    };
    let (_, mut parts) = walk.body(&function.body);
    settle(&mut parts);
    parts
}

struct Walk<'a> {
    module: &'a Module,
    function: &'a Function,
    spans: &'a [Span],
    at: usize,
}

impl Walk<'_> {
    fn body(&mut self, body: &[Instr]) -> (Cost, Vec<Part>) {
        let (mut cost, mut parts) = (Cost::ZERO, Vec::new());
        for instr in body {
            let (more, inner) = self.instr(instr);
            cost = cost.then(more);
            parts.extend(inner);
        }
        (cost, parts)
    }

    fn instr(&mut self, instr: &Instr) -> (Cost, Vec<Part>) {
        let span = self.spans.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        let own = price::own_cost(instr, self.function, self.module);
        match instr {
            Instr::Block { body } => {
                let (cost, parts) = self.body(body);
                (own.then(cost), parts)
            }
            Instr::Loop { max, body } => {
                let (cost, parts) = self.body(body);
                let iteration = Cost::steps(price::LOOP_ITERATION);
                let cost = own.then(iteration.then(cost).times(*max)).then(iteration);
                (
                    cost,
                    vec![Part {
                        what: "loop".into(),
                        span,
                        times: *max,
                        cost,
                        parts,
                    }],
                )
            }
            Instr::LoopUnbounded { body } => {
                let (cost, parts) = self.body(body);
                let cost = own.then(
                    Cost::steps(price::LOOP_ITERATION)
                        .then(cost)
                        .times(u64::MAX),
                );
                let part = Part {
                    what: "loop".into(),
                    span,
                    times: u64::MAX,
                    cost,
                    parts,
                };
                (cost, vec![part])
            }
            Instr::If {
                then, otherwise, ..
            } => {
                let (then, mut parts) = self.body(then);
                let (otherwise, more) = self.body(otherwise);
                parts.extend(more);
                (own.then(then.or(otherwise)), parts)
            }
            Instr::Switch {
                arms, otherwise, ..
            } => {
                let (mut dearest, mut parts) = (Cost::ZERO, Vec::new());
                for body in arms.iter().map(|(_, body)| body).chain([otherwise]) {
                    let (cost, more) = self.body(body);
                    dearest = dearest.or(cost);
                    parts.extend(more);
                }
                (own.then(dearest), parts)
            }
            Instr::Call {
                function,
                otherwise,
                ..
            } => {
                let callee = self.module.functions.get(function.0 as usize);
                let called = callee.map_or(Cost::ZERO, |callee| callee.cost);
                // Of the standard library's functions the sizes that they were made for say nothing to people.
                let what = callee.map_or("", |callee| &callee.name);
                let what = what
                    .strip_prefix("std.")
                    .map_or(what, |name| name.split('<').next().unwrap_or(name))
                    .to_string();
                let cost = own.then(called);
                let mut parts = vec![Part {
                    what,
                    span,
                    times: 1,
                    cost,
                    parts: Vec::new(),
                }];
                let mut whole = cost;
                if let Some(otherwise) = otherwise {
                    let (more, inner) = self.body(otherwise);
                    whole = whole.then(more);
                    parts.extend(inner);
                }
                (whole, parts)
            }
            Instr::Attempt { function, .. } => {
                let callee = self.module.functions.get(function.0 as usize);
                let called = callee.map_or(Cost::ZERO, |callee| callee.cost);
                let cost = own.then(called);
                let part = Part {
                    what: callee.map_or("", |callee| &callee.name).to_string(),
                    span,
                    times: 1,
                    cost,
                    parts: Vec::new(),
                };
                (cost, vec![part])
            }
            _ => (own, Vec::new()),
        }
    }
}

/// Parts of one place and kind put together; dearest first.
fn settle(parts: &mut Vec<Part>) {
    let mut merged: BTreeMap<(Span, String), Part> = BTreeMap::new();
    for mut part in parts.drain(..) {
        settle(&mut part.parts);
        match merged.get_mut(&(part.span, part.what.clone())) {
            Some(known) => {
                known.times = known.times.saturating_add(part.times);
                known.cost = known.cost.then(part.cost);
                known.parts.extend(part.parts);
            }
            None => {
                merged.insert((part.span, part.what.clone()), part);
            }
        }
    }
    parts.extend(merged.into_values());
    parts.sort_by(|left, right| {
        right
            .cost
            .steps
            .cmp(&left.cost.steps)
            .then(left.span.cmp(&right.span))
            .then(left.what.cmp(&right.what))
    });
}
