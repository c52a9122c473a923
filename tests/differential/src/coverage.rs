//! What runs met, and how tight the proven costs are: printed, so that a run that met little shows.

use crate::description::*;
use crate::engines::Built;
use crate::forms::{LEFT_OUT, Shown};
use crate::harness::Op;
use crate::model::Ended;
use rc_bytecode::NAMES;
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
    /// Forms of the grammar in the texts.
    pub forms: Shown,
    pub packages: u64,
    pub ops: u64,
}

/// Instructions that only tests have: what a test does to the outer world.
const OF_TESTS: [&str; 4] = ["invoke", "test_context", "test_caller", "assert"];

/// Instructions that the compiler does not write: a `match` becomes one question after the other, a `continue` leaves an inner block. The
/// generator of modules has them.
const NOT_WRITTEN: [&str; 2] = ["switch", "continue"];

impl Coverage {
    pub fn built(&mut self, built: &Built, text: &str) {
        self.packages += 1;
        self.forms.add(text);
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
            (Look::Held(_), _) => "element of a container",
            (Look::Report(_), _) => "report",
            (Look::Step(_), _) => "step of a job",
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
        if matches!(ended, Ended::Done(_)) && !matches!(command.look, Look::Report(_)) {
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

    /// Instructions that no module had, but for those of tests.
    pub fn missing_instructions(&self) -> Vec<&'static str> {
        let left_out = |name: &str| OF_TESTS.contains(&name) || NOT_WRITTEN.contains(&name);
        let unseen = |name: &&str| !self.instructions.contains_key(name) && !left_out(name);
        NAMES.iter().copied().filter(unseen).collect()
    }

    /// For people.
    pub fn show(&self) -> String {
        let mut text = format!(
            "{} packages, {} pairs of a package and a call, page sizes (as a power of two): {:?}\n",
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
        let left_out: Vec<String> = LEFT_OUT
            .iter()
            .map(|(rule, form, why)| format!("{rule}/{form} ({why})"))
            .collect();
        text += &list(
            "instructions in no module",
            self.missing_instructions()
                .into_iter()
                .map(String::from)
                .collect(),
        );
        text += &list(
            "instructions that the compiler does not write",
            NOT_WRITTEN.map(String::from).to_vec(),
        );
        text += &list(
            "instructions of tests only",
            OF_TESTS.map(String::from).to_vec(),
        );
        text += &list(
            "packages that show a form of the grammar",
            self.forms.list(),
        );
        text += &list("forms in no package", self.forms.missing());
        text += &list("forms left out", left_out);
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
