//! The tool as a program: what it prints, and how it ends. One file per subject.

mod running;

mod bad_input;
mod bulk;
mod doc;
mod failing;
mod first_package;
mod grpc;
mod ledger;
mod versions;
mod without_a_node;
