//! Values at the border: JSON text and protobuf messages to packed values and back, by shape. Gateway and client share it,
//! so that a value means the same, and is refused in the same words, wherever it is read.
//!
//! ```text
//!   JSON text ──parse──► Json ──pack──►  packed value  ──write──► JSON text
//!   protobuf message ───────────pack──►   (rc_bytecode::layout)  ──write──► protobuf message
//! ```
//!
//! Always true: no network, no clock, no allocation that a short input can make large; what is accepted is packed
//! canonically.

#![forbid(unsafe_code)]

pub mod json;
pub mod names;
pub mod protobuf;
mod timetext;
