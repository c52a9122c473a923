//! Text to tokens to a syntax tree with spans; never fails, whatever the bytes.
//!
//! ```text
//!   text ──lexer──▶ tokens (trivia kept) ──stream──▶ kinds with balanced brackets ──grammar──▶ ast::File
//!     ▲               words, literals            newlines that end statements                    │
//!   bytes                                        depth capped                       names, dump ─┘
//! ```
//!
//! A mistake gives one diagnostic and a `Broken` node; what stands beside it is parsed as if it were not there.

mod angles;
pub mod ast;
pub mod dump;
mod error;
mod foreign;
mod grammar;
mod lexer;
mod limits;
mod literals;
mod misfits;
mod names;
mod parse;
mod stream;
mod token;
mod ways;
mod words;

pub use limits::{DEPTH_MAX, FILE_BYTES_MAX, NESTING_MAX, SYNTAX_ERRORS_MAX};
pub use parse::{Parsed, fuzz_one, parse, parse_bytes};
pub use token::{Token, TokenKind};
pub use words::{WORDS, Word};
