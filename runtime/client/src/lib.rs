//! The Rust client of a node.
