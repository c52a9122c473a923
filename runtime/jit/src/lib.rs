//! The same meaning by Cranelift: a verified module becomes native code, commands run in it with the results, failures,
//! events, digest and canvas that the interpreter would give.
//!
//! ```text
//!   Verified ──► Program (facts) ──► Translator, one native function at a time ──► Cranelift ──► Compiled
//!                                         │ Callout: slow paths, long bulk, wide arithmetic        │
//!                                         └ Context: digest, journal, events, regions ◄── Machine ─┘ execute
//! ```
//!
//! Unsafe code is of two kinds: calling what was generated from verified code, and what that code calls out to.

mod callouts;
mod compiled;
mod context;
mod journal;
mod link;
mod machine;
mod packing;
mod program;
mod sabotage;
mod translate;

#[cfg(test)]
mod tests;

pub use compiled::{CompileError, Compiled, disassemble};
pub use machine::{Ended, Machine};
