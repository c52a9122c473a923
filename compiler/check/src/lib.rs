//! Syntax tree to typed program: names, types, bounds, access, invariants.
//!
//! ```text
//!   files ─► declare (names → ids) ─► types (fields, tables, states) ─► signatures ─► constants, invariants
//!                                                                          │
//!            Program ◄── rows, effects, access (over the typed bodies) ◄── bodies
//! ```
//!
//! [`check`] never stops at a mistake: it collects, and a part that could not be understood has the type
//! `Error`, which fits everywhere in silence, so that one mistake is one message. Without errors among the
//! diagnostics the program keeps every promise of `rc-hir`.

#![forbid(unsafe_code)]

// The program as a whole.
mod consts;
mod declare;
mod endless;
mod names;
mod show;
mod types;
mod world;
// Declarations, one file per construct.
mod aggregates;
mod containers;
mod invariants;
mod jobs;
mod migrations;
mod quantified;
mod records;
mod references;
mod routes;
mod signatures;
mod tables;
mod trials;
mod uses;
mod versions;
// Bodies.
mod assignments;
mod body;
mod built;
mod calls;
mod coerce;
mod comparisons;
mod container_operations;
mod container_pieces;
mod container_script;
mod container_walks;
mod control;
mod decimals;
mod exhaustive;
mod expressions;
mod failures;
mod foreign;
mod generics;
mod identifiers;
mod literals;
mod low_level;
mod members;
mod methods;
mod operators;
mod patterns;
mod rows;
mod samples;
mod sorted;
mod sources;
mod statements;
mod values;
mod walks;
// What is known once all bodies are.
mod attempts;
mod deaths;
mod effects;

pub use jobs::expand as expand_jobs;
pub use show::show_type;

use rc_diagnostics::Diagnostics;
use rc_hir::{Origin, Program};
use rc_source::Sources;
use rc_syntax::ast;

/// One parsed file and where it belongs.
pub struct Unit<'a> {
    /// The standard library's files have modules of their own, by file name without `.rc` (its packages as `std.x`); all files of
    /// the package, or of a package that it uses, are one.
    pub module: String,
    pub origin: Origin,
    pub file: &'a ast::File,
}

/// What `rc.toml` says.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub package: String,
    /// Roles (or `anyone`) for commands and queries without `allow`.
    pub default_allow: Option<Vec<String>>,
    /// Packages of the standard library that could be used, for proposals.
    pub std_packages: Vec<&'static str>,
    /// Bytes of a page as a power of two; none is the usual size. Pieces of texts and blobs are a sixteenth of a page.
    pub page_shift: Option<u8>,
}

/// Checks a package together with the standard library's files. Units come in a fixed order, which is the order of ids.
pub fn check(sources: &Sources, units: &[Unit<'_>], options: &Options) -> (Program, Diagnostics) {
    let mut world = world::World::new(sources, units, options);
    declare::declare(&mut world, units);
    uses::resolve(&mut world, units);
    types::resolve(&mut world);
    signatures::resolve(&mut world);
    consts::evaluate_all(&mut world);
    records::check_defaults(&mut world);
    invariants::check(&mut world);
    routes::check(&mut world);
    signatures::check_bodies(&mut world);
    migrations::check(&mut world);
    trials::check(&mut world);
    attempts::check(&mut world);
    effects::check(&mut world);
    deaths::check(&mut world);
    (world.program, world.diagnostics)
}
