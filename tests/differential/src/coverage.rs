//! What runs met, and how tight the proven costs are: printed, so that a run that met little shows.

use crate::description::*;
use crate::engines::Built;
use crate::harness::Op;
use crate::model::Ended;
use rc_bytecode::cost::Cost;
use std::collections::BTreeMap;

/// What a run met, to be added up over seeds.
#[derive(Debug, Default)]
pub struct Coverage {
    /// Executed statements and expressions, by kind.
    pub met: BTreeMap<&'static str, u64>,
    /// Outcomes, by kind.
    pub outcomes: BTreeMap<String, u64>,
    /// Instructions in compiled modules, by name.
    pub instructions: BTreeMap<&'static str, u64>,
    /// Proven ÷ measured by kind of callable and dimension.
    pub tightness: BTreeMap<(&'static str, &'static str), Vec<f64>>,
    pub page_shifts: BTreeMap<u8, u64>,
    pub packages: u64,
    pub ops: u64,
}

impl Coverage {
    pub fn built(&mut self, built: &Built) {
        self.packages += 1;
        *self.page_shifts.entry(built.page_shift).or_default() += 1;
        for function in &built.module.module().functions {
            count_instructions(&function.body, &mut self.instructions);
        }
    }

    pub fn count(
        &mut self,
        package: &Package,
        op: &Op,
        ended: &Ended,
        measured: Cost,
        proven: &Cost,
    ) {
        self.ops += 1;
        let command = &package.commands[op.command];
        let kind = match (command.look, command.query) {
            (Look::Row(_), _) => "get by key",
            (Look::Index(..), _) => "walk of an index",
            (Look::States, _) => "states and aggregates",
            (Look::Group(_), _) => "aggregate of a group",
            (Look::No, true) => "query",
            (Look::No, false) => "command",
        };
        let outcome = match ended {
            Ended::Done(_) => "Done".to_string(),
            Ended::Builtin(builtin) => format!("{builtin:?}"),
            Ended::Declared(..) => "a declared failure".to_string(),
        };
        *self
            .outcomes
            .entry(format!("{kind}: {outcome}"))
            .or_default() += 1;
        if matches!(ended, Ended::Done(_)) {
            let pages = |cost: &Cost| cost.pages_read + cost.pages_written;
            for (dimension, used, most) in [
                ("steps", measured.steps, proven.steps),
                ("pages", pages(&measured), pages(proven)),
            ] {
                if used > 0 {
                    self.tightness
                        .entry((kind, dimension))
                        .or_default()
                        .push(most as f64 / used as f64);
                }
            }
        }
    }

    /// For people.
    pub fn show(&self) -> String {
        let mut text = format!(
            "{} packages, {} ops, page sizes (as a power of two): {:?}\n",
            self.packages, self.ops, self.page_shifts
        );
        text += &format!(
            "\nproven ÷ measured of what succeeded{:>25}{:>12}{:>12}\n",
            "median", "most", "count"
        );
        for ((kind, dimension), ratios) in &self.tightness {
            let mut ratios = ratios.clone();
            ratios.sort_by(f64::total_cmp);
            text += &format!(
                "  {kind:<24} {dimension:<8} {:>24.1} {:>11.0} {:>11}\n",
                ratios[ratios.len() / 2],
                ratios[ratios.len() - 1],
                ratios.len()
            );
        }
        let list = |title: &str, counts: Vec<String>| format!("\n{title}: {}\n", counts.join(", "));
        text += &list(
            "outcomes",
            self.outcomes
                .iter()
                .map(|(name, count)| format!("{name} {count}"))
                .collect(),
        );
        text += &list(
            "executed by the model",
            self.met
                .iter()
                .map(|(name, count)| format!("{name} {count}"))
                .collect(),
        );
        text += &list(
            "instructions in modules",
            self.instructions
                .iter()
                .map(|(name, count)| format!("{name} {count}"))
                .collect(),
        );
        text
    }
}

fn count_instructions(body: &rc_bytecode::instr::Body, counts: &mut BTreeMap<&'static str, u64>) {
    use rc_bytecode::instr::Instr;
    for instruction in body {
        *counts.entry(instruction.name()).or_default() += 1;
        match instruction {
            Instr::Block { body } | Instr::Loop { body, .. } | Instr::LoopUnbounded { body } => {
                count_instructions(body, counts)
            }
            Instr::If {
                then, otherwise, ..
            } => {
                count_instructions(then, counts);
                count_instructions(otherwise, counts);
            }
            Instr::Switch {
                arms, otherwise, ..
            } => {
                arms.iter()
                    .for_each(|(_, arm)| count_instructions(arm, counts));
                count_instructions(otherwise, counts);
            }
            _ => {}
        }
    }
}
