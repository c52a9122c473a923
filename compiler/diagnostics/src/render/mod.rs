//! Diagnostics as text: for people (drawn on the source), one line each, JSON, SARIF. Always true: the
//! same diagnostics give the same bytes, and quoted text comes out cleaned of control characters.

mod human;
mod machine;
mod short;

pub use human::human;
pub use machine::{json, sarif};
pub use short::short;
