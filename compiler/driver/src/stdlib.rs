//! The standard library's text: part of the compiler, so that a compiler and its library are one version.

/// Module name and text, sorted by name.
pub const STDLIB: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/stdlib.rs"));
