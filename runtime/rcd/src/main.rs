//! The rcd server.
fn main() {}
