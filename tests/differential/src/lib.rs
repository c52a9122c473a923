//! Three oracles over generated packages: the interpreter, the JIT, and a naive model that never sees the compiler.
//! A description is generated from a seed, printed as `.rc` text for the compiler and executed as it stands by the
//! model; random ops with colliding keys must end the same on all three, and cost no more than was proven.
//!
//! ```text
//!   seed ──generate──► description ──print──► text ──compile──► module ──► interpreter ─┐
//!                          │                                          └──► JIT ─────────┼─► the same, or a small example
//!                          └──────────────────────► model ──────────────────────────────┘
//! ```

#![forbid(unsafe_code)]

pub mod chance;
pub mod coverage;
pub mod description;
pub mod engines;
pub mod forms;
pub mod generate;
pub mod harness;
mod kinds;
pub mod model;
mod number;
pub mod print;
mod shrink;
