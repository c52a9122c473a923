//! From a folder, a file or a `.rcm` to something compiled, with the messages shown on the way.
//!
//! Always true: what is given back compiled without errors; warnings have been shown.

use crate::output::{Failure, is_colorful};
use rc_bytecode::Module;
use rc_bytecode::limits::{MODULE_BYTES_MAX, PAGE_SHIFT_DEFAULT};
use rc_diagnostics::{Diagnostics, render};
use rc_driver::{Options, Package, compile_with};
use rc_hir::Program;
use rc_lower::Lowered;
use rc_source::Sources;
use std::path::Path;

/// Messages that are drawn on the source.
const DRAWN_MAX: usize = 50;

/// A package that compiles.
pub struct Built {
    pub package: Package,
    pub sources: Sources,
    pub program: Program,
    pub lowered: Lowered,
}

/// Reads a package.
pub fn load(path: &Path) -> Result<Package, Failure> {
    Package::load(path).map_err(Failure::new)
}

/// Reads and compiles a package; its mistakes go to standard error.
pub fn build(path: &Path, with_tests: bool) -> Result<Built, Failure> {
    build_loaded(load(path)?, with_tests)
}

/// Compiles a package that was read.
pub fn build_loaded(package: Package, with_tests: bool) -> Result<Built, Failure> {
    let compiled = compile_with(
        &package,
        Options {
            page_shift: PAGE_SHIFT_DEFAULT,
            with_tests,
        },
    );
    tell(&compiled.sources, &compiled.diagnostics);
    match compiled.lowered {
        Some(lowered) => Ok(Built {
            package,
            sources: compiled.sources,
            program: compiled.program,
            lowered,
        }),
        None => {
            eprintln!("{}", summary(&compiled.diagnostics));
            Err(Failure::Told)
        }
    }
}

/// Draws the messages on standard error; of very many only the first.
pub fn tell(sources: &Sources, diagnostics: &Diagnostics) {
    if diagnostics.is_empty() {
        return;
    }
    if diagnostics.len() <= DRAWN_MAX {
        eprint!("{}", render::human(sources, diagnostics, is_colorful()));
        return;
    }
    let mut first = Diagnostics::new();
    first.extend(diagnostics.iter().take(DRAWN_MAX).cloned());
    eprint!("{}", render::human(sources, &first, is_colorful()));
    eprintln!(
        "… and {} more; `rcc check --format short` lists all",
        diagnostics.len() - DRAWN_MAX
    );
}

/// `2 errors, 1 warning`.
pub fn summary(diagnostics: &Diagnostics) -> String {
    let errors = diagnostics.error_count();
    let warnings = diagnostics.len() - errors;
    let counted =
        |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match warnings {
        0 => counted(errors, "error"),
        _ => format!(
            "{}, {}",
            counted(errors, "error"),
            counted(warnings, "warning")
        ),
    }
}

/// Whether the path names a module file rather than source.
pub fn is_module_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rcm")
}

/// Reads a module file. Not verified.
pub fn read_module(path: &Path) -> Result<Module, Failure> {
    let failed =
        |reason: &dyn std::fmt::Display| Failure::new(format!("{}: {reason}", path.display()));
    let about = std::fs::metadata(path).map_err(|error| failed(&error))?;
    if about.len() > MODULE_BYTES_MAX as u64 + 32 {
        return Err(failed(&format!(
            "larger than a module may be ({MODULE_BYTES_MAX} bytes)"
        )));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    rc_bytecode::decode(&bytes).map_err(|error| failed(&error))
}

/// The module of a package, or of a module file.
pub fn module(path: &Path) -> Result<Module, Failure> {
    if is_module_file(path) {
        read_module(path)
    } else {
        Ok(build(path, false)?.lowered.module)
    }
}
