//! The waist of the system: what the compiler writes and the runtime runs.
//!
//! A [`Module`] is functions of structured, typed register code over regions of pages, the interface
//! that the outer world sees, and a cost certificate. The compiler makes one, the binary form carries
//! it, the verifier turns it into a [`Verified`] one, and only that can be run. Nothing here knows what a
//! table is.
//!
//! ```text
//!   lower ──► Module ──encode──► bytes ──decode──► Module ──verify──► Verified ──► interpreter, JIT
//!                 └──print──► text ──parse──► Module
//! ```
//!
//! Always true: an operation that is not listed in [`instr`] does not exist; each has a price in
//! [`price`]; loops carry their bound; calls form a DAG; canvas memory is reached by `touch` alone.

// What a module is.
pub mod instr;
pub mod interface;
pub mod layout;
pub mod limits;
pub mod module;
pub mod routes;

// What its code means to whoever walks it.
pub mod cost;
pub mod flow;
pub mod operands;
pub mod price;
pub mod verify;

// Its binary form and its text.
pub mod decode;
pub mod encode;
pub mod parse;
pub mod print;
mod table;

// Values, and what both engines agree on.
pub mod hash;
pub mod ratio;
pub mod sorted;
pub mod text;
pub mod value;
pub mod wire;

// Two modules of one package.
pub mod compat;

// For tests of whatever runs modules.
pub mod builder;
#[cfg(feature = "generate")]
pub mod generate;

pub use cost::Cost;
pub use decode::{DecodeError, decode};
pub use encode::encode;
pub use instr::{Instr, Register};
pub use interface::Interface;
pub use module::Module;
pub use parse::{ParseError, parse};
pub use print::print;
pub use table::NAMES;
pub use verify::{Effects, Verified, VerifyError, certify, compute_costs, verify};
