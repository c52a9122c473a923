//! Source files, spans and line positions.
//!
//! A [`Sources`] owns every text of a compilation; everything else refers to text by [`Span`]. What is
//! always true: a span lies within its file and on UTF-8 borders; a file's text never changes.

mod file;
mod span;

pub use file::{FileId, Position, SourceFile, Sources};
pub use span::{Span, Spanned};
