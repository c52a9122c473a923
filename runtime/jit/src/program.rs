//! What translation asks about a module again and again, computed once: how large functions are with their callees, how
//! often they are called, how many frame bytes their deepest call path takes, which regions an entry may touch.
//!
//! Always true: functions call lower indices only, so one pass in order sees callees first.

use std::sync::Arc;

use rc_bytecode::instr::{FunctionIndex, Instr, RegionIndex};
use rc_bytecode::module::Module;

use crate::packing::Packings;

/// A module with these facts.
#[derive(Debug)]
pub(crate) struct Program<'m> {
    pub module: &'m Module,
    pub packings: Arc<Packings>,
    /// Instructions, callees counted at each call.
    pub weights: Vec<u64>,
    /// Calls in the code of non-test functions and commands that enter it.
    pub call_sites: Vec<u32>,
    /// Own slots and those of the deepest path below, in bytes.
    pub frame_bytes: Vec<u64>,
    /// Regions that the function or a callee touches, ascending.
    pub regions: Vec<Vec<u16>>,
    /// Most results of any function.
    pub results_max: usize,
}

#[derive(Default)]
struct Facts {
    weight: u64,
    deepest: u64,
    regions: Vec<u16>,
    calls: Vec<FunctionIndex>,
}

impl<'m> Program<'m> {
    pub(crate) fn new(module: &'m Module) -> Program<'m> {
        let count = module.functions.len();
        let mut program = Program {
            module,
            packings: Arc::new(Packings::of(&module.interface)),
            weights: Vec::with_capacity(count),
            call_sites: vec![0; count],
            frame_bytes: Vec::with_capacity(count),
            regions: Vec::with_capacity(count),
            results_max: module
                .functions
                .iter()
                .map(|function| function.results.len())
                .max()
                .unwrap_or(0),
        };
        for function in &module.functions {
            let mut facts = Facts::default();
            program.walk(&function.body, &mut facts);
            facts.regions.sort_unstable();
            facts.regions.dedup();
            program.weights.push(facts.weight);
            program
                .frame_bytes
                .push(function.slot_bytes().saturating_add(facts.deepest));
            program.regions.push(facts.regions);
            for callee in facts.calls {
                program.call_sites[callee.0 as usize] += 1;
            }
        }
        program
    }

    fn walk(&self, body: &[Instr], facts: &mut Facts) {
        for instr in body {
            facts.weight = facts.weight.saturating_add(1);
            match instr {
                Instr::Touch {
                    region: RegionIndex(region),
                    ..
                } => facts.regions.push(*region),
                Instr::Call { function, .. } | Instr::Attempt { function, .. } => {
                    let callee = function.0 as usize;
                    facts.weight = facts.weight.saturating_add(self.weights[callee]);
                    facts.deepest = facts.deepest.max(self.frame_bytes[callee]);
                    facts.regions.extend(&self.regions[callee]);
                    facts.calls.push(*function);
                }
                _ => {}
            }
            for inner in instr.bodies() {
                self.walk(inner, facts);
            }
        }
    }
}
