//! What commands really cost in the tests, beside what was proven: how tight the proof is.
//!
//! Always true: no measured number is above the proven one, or the interpreter would have stopped the test.

use crate::table;
use rc_bytecode::{Cost, Interface};
use std::cell::RefCell;

/// The worst seen of each command, by its number in the interface.
#[derive(Default)]
pub struct Costs {
    seen: RefCell<Vec<Seen>>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    calls: u64,
    steps: u64,
    pages: u64,
    bytes_written: u64,
}

impl Costs {
    pub fn note(&self, command: u32, measured: &Cost) {
        let mut seen = self.seen.borrow_mut();
        let at = command as usize;
        if seen.len() <= at {
            seen.resize(at + 1, Seen::default());
        }
        let one = &mut seen[at];
        one.calls += 1;
        one.steps = one.steps.max(measured.steps);
        one.pages = one.pages.max(measured.pages_read + measured.pages_written);
        one.bytes_written = one.bytes_written.max(measured.bytes_written);
    }

    /// A line for each command that was called: calls, then proven, worst measured and their ratio.
    pub fn table(&self, interface: &Interface) -> String {
        let head = [
            "",
            "calls",
            "steps proven",
            "worst",
            "ratio",
            "pages proven",
            "worst",
            "ratio",
            "bytes proven",
            "worst",
        ];
        let seen = self.seen.borrow();
        let called = interface
            .commands
            .iter()
            .zip(seen.iter())
            .filter(|(_, seen)| seen.calls > 0);
        let rows = called.map(|(command, seen)| {
            let cost = &command.cost;
            let pages = cost.pages_read.saturating_add(cost.pages_written);
            let name = match command.version {
                0 | 1 => command.name.clone(),
                version => format!("{}@{version}", command.name),
            };
            vec![
                name,
                seen.calls.to_string(),
                number(cost.steps),
                seen.steps.to_string(),
                ratio(cost.steps, seen.steps),
                number(pages),
                seen.pages.to_string(),
                ratio(pages, seen.pages),
                number(cost.bytes_written),
                seen.bytes_written.to_string(),
            ]
        });
        table::render(&head, &rows.collect::<Vec<_>>())
    }
}

fn number(value: u64) -> String {
    match value {
        u64::MAX => "unbounded".to_owned(),
        value => value.to_string(),
    }
}

fn ratio(proven: u64, measured: u64) -> String {
    match (proven, measured) {
        (u64::MAX, _) | (_, 0) => "-".to_owned(),
        (proven, measured) => format!("{:.1}", proven as f64 / measured as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rc_driver::{Package, compile};

    #[test]
    fn the_worst_of_all_calls_is_kept_and_uncalled_commands_are_left_out() {
        let text = "package p\n\nquery idle() -> u64 allow anyone { 1 }\n\nquery busy() -> u64 allow anyone { 2 }\n";
        let package = Package::from_texts("p", [("p.rc".to_owned(), text.to_owned())]);
        let interface = compile(&package)
            .lowered
            .expect("it compiles")
            .module
            .interface;
        let busy = interface
            .commands
            .iter()
            .position(|command| command.name == "busy");
        let busy = busy.expect("the query") as u32;
        let proven = interface.commands[busy as usize].cost.steps;
        let costs = Costs::default();
        for steps in [1, proven, 0] {
            costs.note(
                busy,
                &Cost {
                    steps,
                    pages_read: 3,
                    pages_written: 1,
                    ..Cost::default()
                },
            );
        }
        let table = costs.table(&interface);
        let line = table.lines().last().expect("a line");
        let cells: Vec<&str> = line.split_whitespace().collect();
        let proven = proven.to_string();
        assert_eq!(cells[..4], ["busy", "3", &proven, &proven], "{table}");
        assert_eq!(cells[5..8], ["0", "4", "0.0"], "{table}");
        assert!(!table.contains("idle"));
    }
}
