//! The tool as a program: what it prints, and how it ends. One file per subject.

mod running;

mod ledger;
mod failing;
mod bad_input;
mod without_a_node;
