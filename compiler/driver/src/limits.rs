//! Ceilings of a package, before anything is parsed. A single file's ceiling is the parser's.

/// Files of one package.
pub const FILES_MAX: usize = 1_000;
/// Bytes of all files of one package together.
pub const PACKAGE_BYTES_MAX: usize = 16 << 20;
/// Bytes of an `rc.toml`.
pub const MANIFEST_BYTES_MAX: usize = 64 << 10;
/// Stack of the thread that compiles: nesting is capped far below what it holds.
pub const STACK_BYTES: usize = 64 << 20;

const _: () = assert!(PACKAGE_BYTES_MAX >= rc_syntax::FILE_BYTES_MAX);
