//! Diagnostics: what the front end says about a user's source, as data first and words last.
//!
//! ```text
//!   passes ──push──▶ Diagnostics (sorted, one per code and place) ──▶ render::{human, short, json, sarif}
//!                         ▲
//!                 codes: E0312 ─▶ title
//! ```
//!
//! A diagnostic is one terse line that stands alone, a label that points, and a hint that acts. Nothing
//! here fails, and nothing quoted from a source or a user reaches a terminal unescaped.

mod clean;
pub mod codes;
mod collector;
mod model;
mod near;
pub mod render;

pub use clean::clean;
pub use codes::Code;
pub use collector::Diagnostics;
pub use model::{Diagnostic, Edit, Label, Severity, apply};
pub use near::nearest;
