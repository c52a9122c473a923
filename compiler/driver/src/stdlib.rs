//! The standard library's text: part of the compiler, so that a compiler and its library are one version.

/// Module name and text, sorted by name.
pub const STDLIB: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/stdlib.rs"));

/// Packages of the standard library, by the last part of their name: parsed where a program says `use std.x`.
pub const STD_PACKAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/packages.rs"));
