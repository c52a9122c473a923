//! The typed program: names resolved, sugar removed, dense ids. The checker makes it, lowering eats it.
//!
//! ```text
//!   syntax tree ──check──► Program ──lower──► bytecode
//! ```
//!
//! Always true of a `Program`: every expression has its type; every id is in range; every loop has its bound; every
//! name has been resolved; each `fails` clause covers what is raised. Generic functions (the standard library's) are
//! checked once with their parameters opaque and made concrete by lowering.

// Trees are made once and walked; a box per large variant would only scatter them.
#![allow(clippy::large_enum_variant)]

pub mod containers;
pub mod expr;
pub mod items;
pub mod types;
pub mod validate;
pub mod walk;

pub use containers::{Container, ContainerKind, Shared, header};
pub use expr::*;
pub use items::*;
pub use types::*;
pub use walk::Child;
