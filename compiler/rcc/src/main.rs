//! The rcc command line.
fn main() {}
