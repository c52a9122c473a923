//! The pipeline on one page; packages; the embedded standard library.
//!
//! ```text
//!   folder ──load──► Package ──parse──► files ──check──► Program ──lower──► Module (certified)
//!   used packages ──┘              stdlib ──┘
//! ```
//!
//! [`compile`] runs all of it, [`check_only`] stops before lowering; each stage can be called alone. A [`Session`]
//! does the same again and again, and keeps what an edit did not touch. The same package gives the same diagnostics and the same module, byte for byte, on every machine.

#![forbid(unsafe_code)]

mod cascades;
mod limits;
mod load;
mod package;
mod pipeline;
mod session;
mod stdlib;
mod trees;
mod wrong_type;

pub use limits::{FILES_MAX, PACKAGE_BYTES_MAX};
pub use package::{Library, LoadError, Package, SourceText};
pub use pipeline::{
    Checked, Compiled, Options, ParsedPackage, Timings, check, check_only, compile, compile_with,
    lower, parse,
};
pub use rc_check::show_type;
pub use session::Session;
pub use stdlib::{STD_PACKAGES, STDLIB};
