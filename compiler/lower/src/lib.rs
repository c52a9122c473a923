//! Typed program to bytecode: tables become calls of the standard library's containers, generics become copies,
//! structured control stays structured. What comes out carries its certificate; what it costs is explained on the source.
//!
//! ```text
//!   Program ──schema──► regions, offsets      effects ──► what moves, what changes
//!      │                        │                               │
//!      └── entries, tests ──► Function (body, value, memory, pattern, walks, rows, calls) ──► Module ──► certify
//! ```
//!
//! Always true: the same program gives the same bytes; nothing is lowered that another pass would have to trust:
//! the verifier checks the module as if it came from a stranger.

#![forbid(unsafe_code)]

// What is known before any code is written.
mod concrete;
mod effects;
mod keys;
mod schema;
// The module, and one function of it.
mod body;
mod calls;
mod code;
mod leave;
mod lowering;
mod twins;
// What the language is made of.
mod assign;
mod decimals;
mod hashes;
mod lists;
mod low_level;
mod memory;
mod operations;
mod optional;
mod pattern;
mod places;
mod sorted;
mod texts;
mod value;
mod walks;
// Tables.
mod aggregates;
mod groups;
mod references;
mod row_walks;
mod rows;
mod states;
mod watch;
mod writes;
// The outer world's side.
mod attempts;
mod entries;
mod guards;
mod trial;
// What it costs.
mod explain;
mod limits;

pub use explain::{Part, Proven};
pub use limits::dimension;

use crate::lowering::Lowering;
use rc_bytecode::instr::FunctionIndex;
use rc_bytecode::layout::Record;
use rc_bytecode::module::Module;
use rc_diagnostics::Diagnostics;
use rc_hir::{CallableId, CallableKind, Origin, Program};
use rc_source::{Sources, Span};
use std::ops::Range;

/// How to lower.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of a page as a power of two.
    pub page_shift: u8,
    /// Tests and properties too; such a module is never deployed.
    pub with_tests: bool,
}

/// A lowered package.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// Certified, not verified.
    pub module: Module,
    pub tests: Vec<TestCode>,
    /// What `Assert` numbers mean.
    pub assertions: Vec<Assertion>,
    /// Per command, query, report and function of the package.
    pub proven: Vec<Proven>,
}

/// A test or, where it has parameters, a property.
#[derive(Clone, Debug)]
pub struct TestCode {
    pub name: String,
    /// Takes nothing, or a frame view of the parameters' record.
    pub function: FunctionIndex,
    pub parameters: Record,
    /// Numbers of its assertions.
    pub assertions: Range<u32>,
    pub span: Span,
}

/// What an assertion of a test says.
#[derive(Clone, Debug)]
pub struct Assertion {
    pub span: Span,
    pub text: String,
}

/// Lowers a program that was checked without errors. With errors among the diagnostics the module must not be used.
pub fn lower(program: &Program, sources: &Sources, options: Options) -> (Lowered, Diagnostics) {
    let mut lowering = Lowering::new(program, sources, options.page_shift);
    let mut interface = lowering.interface();
    if lowering.diagnostics.has_errors() {
        // Sizes that do not fit make offsets that do not fit.
        let lowered = Lowered {
            module: Module::default(),
            tests: Vec::new(),
            assertions: Vec::new(),
            proven: Vec::new(),
        };
        return (lowered, lowering.diagnostics);
    }
    let commands: Vec<(CallableId, u32)> = lowering
        .commands
        .iter()
        .map(|(id, number)| (*id, *number))
        .collect();
    for (id, number) in commands {
        let command = interface.commands[number as usize].clone();
        interface.commands[number as usize].entry = lowering.entry(id, &command);
    }
    interface.guards = lowering.guards();
    for (number, callable) in program.callables.iter().enumerate() {
        let id = CallableId(number as u32);
        if callable.kind == CallableKind::Function
            && callable.origin == Origin::Package
            && callable.generics == 0
        {
            lowering.function_alone(id);
        }
    }
    let tests = match options.with_tests {
        true => program
            .tests
            .iter()
            .map(|test| lowering.test(test))
            .collect(),
        false => Vec::new(),
    };
    lowering.finish(interface, options, tests)
}
