//! Container functions that were copied from another region against the same ones lowered from their source. Always the
//! same two packages: in one the second table's functions are copies, in the other they are the first of their kind.

mod support;

use rc_bytecode::instr::{Body, FunctionIndex, Instr, RegionIndex};
use rc_bytecode::module::Module;
use std::collections::BTreeMap;
use support::*;

const TABLES: &str = "package test
table A { key id: u64
    owner: u64 = 0
    index by_owner(owner, id) }
table B { key id: u64
    owner: u64 = 0
    index by_owner(owner, id) }
table C { key id: u64 ordered
    owner: u64 = 0 }
table D { key id: u64 ordered
    owner: u64 = 0 }
";

/// Everything that is done with one table.
fn uses(table: &str) -> String {
    let name = table.to_lowercase();
    format!(
        "command fill_{name}(id: u64, owner: u64) {{
    {table}.insert({{ id, owner }})
    let row = {table}.get(id) else return
    row.owner = owner / 2
}}
command drop_{name}(id: u64) {{ {table}.delete(id) }}
"
    )
}

fn lowered(text: &str) -> Module {
    let (sources, lowered, diagnostics) = compile(text, 14);
    assert!(
        !diagnostics.has_errors(),
        "{}",
        show(&sources, &diagnostics)
    );
    lowered.module
}

/// Calls by the number that the callee has in this list.
fn renumber(body: &mut Body, numbers: &BTreeMap<FunctionIndex, u32>) {
    for instr in body {
        if let Instr::Call { function, .. } = instr {
            *function = FunctionIndex(numbers.get(function).copied().unwrap_or(u32::MAX));
        }
        for inner in instr.bodies_mut() {
            renumber(inner, numbers);
        }
    }
}

/// The functions of the standard library on the regions of one table, as text, in order.
fn functions_on(module: &Module, table: &str) -> Vec<String> {
    let regions: Vec<String> = (0..module.regions.len())
        .filter(|number| {
            module.regions[*number]
                .name
                .starts_with(&format!("{table}/"))
        })
        .map(|number| format!("{:?}", RegionIndex(number as u16)))
        .collect();
    assert!(!regions.is_empty(), "{table} has no regions");
    let is_about = |function: &rc_bytecode::module::Function| {
        let text = format!("{:?} {:?}", function.registers, function.body);
        function.name.starts_with("std.") && regions.iter().any(|region| text.contains(region))
    };
    let found: Vec<usize> = (0..module.functions.len())
        .filter(|number| is_about(&module.functions[*number]))
        .collect();
    let places = found.iter().enumerate();
    let numbers: BTreeMap<FunctionIndex, u32> = places
        .map(|(place, number)| (FunctionIndex(*number as u32), place as u32))
        .collect();
    let shown = found.iter().map(|number| {
        let mut function = module.functions[*number].clone();
        renumber(&mut function.body, &numbers);
        format!("{function:?}")
    });
    shown.collect()
}

#[test]
fn a_copy_is_what_lowering_gives() {
    for (first, second) in [("A", "B"), ("C", "D")] {
        let both = lowered(&[TABLES, &uses(first), &uses(second)].concat());
        let alone = lowered(&[TABLES, &uses(second)].concat());
        let (copied, made) = (functions_on(&both, second), functions_on(&alone, second));
        assert!(made.len() > 5, "{} functions on {second}", made.len());
        assert_eq!(copied.len(), made.len());
        for (copied, made) in copied.iter().zip(&made) {
            assert_eq!(copied, made);
        }
    }
}
