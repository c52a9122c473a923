//! Limits of the front end, a sentence each. They bound stack, memory and the length of an answer for
//! any bytes; no program written by hand comes near them.

/// A larger file is refused unread: offsets stay far below 32 bits and a compile stays short.
pub const FILE_BYTES_MAX: usize = 16 << 20;

/// Brackets `(`, `[`, `{` open at one place.
pub const NESTING_MAX: usize = 64;

/// Brackets, operators, prefixes and postfixes above one another at one place: the height of a tree, which
/// every recursive walk over it pays in stack.
pub const DEPTH_MAX: usize = 256;

/// Diagnostics of one file; the rest of a file that is not source at all says nothing new.
pub const SYNTAX_ERRORS_MAX: usize = 200;

const _: () = assert!(NESTING_MAX < DEPTH_MAX && FILE_BYTES_MAX < u32::MAX as usize);
