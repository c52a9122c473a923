//! The stages, in order, on one page: parse, check, lower. No stage calls another.

use crate::cascades::{once_each_name, quiet_after_syntax};
use crate::limits::{FILES_MAX, PACKAGE_BYTES_MAX, STACK_BYTES};
use crate::package::Package;
use crate::stdlib::{STD_PACKAGES, STDLIB};
use crate::trees::{Tree, Trees};
use crate::wrong_type;
use rc_check::Unit;
use rc_diagnostics::{Diagnostic, Diagnostics, codes};
use rc_hir::{Origin, Program};
use rc_lower::Lowered;
use rc_source::{FileId, Sources, Span};
use rc_syntax::ast;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How to compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of a page as a power of two.
    pub page_shift: u8,
    /// Tests and properties in the module too; such a module is never deployed.
    pub with_tests: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            page_shift: rc_bytecode::limits::PAGE_SHIFT_DEFAULT,
            with_tests: false,
        }
    }
}

/// How long each stage took. For people; nothing depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    pub parse: Duration,
    pub check: Duration,
    pub lower: Duration,
}

/// All files as trees: the standard library's first, then the package's, then those of the packages that it uses.
#[derive(Debug)]
pub struct ParsedPackage {
    pub sources: Sources,
    pub files: Vec<(String, Origin, Arc<ast::File>)>,
    pub diagnostics: Diagnostics,
}

/// A package that went through the checker; sound where the diagnostics have no errors.
#[derive(Debug)]
pub struct Checked {
    pub sources: Sources,
    pub program: Program,
    pub diagnostics: Diagnostics,
    pub timings: Timings,
}

/// A package that went through everything. `lowered` is there exactly where the diagnostics have no errors.
#[derive(Debug)]
pub struct Compiled {
    pub sources: Sources,
    pub program: Program,
    pub lowered: Option<Lowered>,
    pub diagnostics: Diagnostics,
    pub timings: Timings,
}

/// Source to module, with the default options.
pub fn compile(package: &Package) -> Compiled {
    compile_with(package, Options::default())
}

/// Source to module.
pub fn compile_with(package: &Package, options: Options) -> Compiled {
    on_a_large_stack(|| compiled_with(&mut Trees::default(), package, options))
}

pub(crate) fn compiled_with(trees: &mut Trees, package: &Package, options: Options) -> Compiled {
    let Checked {
        sources,
        program,
        mut diagnostics,
        mut timings,
    } = checked_with(trees, package, options.page_shift);
    if diagnostics.has_errors() {
        return Compiled {
            sources,
            program,
            lowered: None,
            diagnostics,
            timings,
        };
    }
    let start = Instant::now();
    let (lowered, more) = lower(&program, &sources, options);
    timings.lower = start.elapsed();
    diagnostics.append(more);
    let lowered = (!diagnostics.has_errors()).then_some(lowered);
    Compiled {
        sources,
        program,
        lowered,
        diagnostics,
        timings,
    }
}

/// Source to typed program: what `rcc check` needs.
pub fn check_only(package: &Package) -> Checked {
    let page_shift = Options::default().page_shift;
    on_a_large_stack(|| checked_with(&mut Trees::default(), package, page_shift))
}

pub(crate) fn checked_with(trees: &mut Trees, package: &Package, page_shift: u8) -> Checked {
    let Findings {
        parsed,
        program,
        found,
        timings,
    } = findings(trees, package, page_shift);
    let mut diagnostics = parsed.diagnostics;
    let found = match diagnostics.has_errors() {
        true => found,
        false => {
            let own = wrong_type::Own {
                package,
                sources: &parsed.sources,
                first: FileId(STDLIB.len() as u32),
            };
            wrong_type::settle(trees, &own, page_shift, found)
        }
    };
    let items = parsed.files.iter().flat_map(|(_, _, file)| &file.items);
    let items: Vec<Span> = items.map(|item| item.span).collect();
    diagnostics.extend(once_each_name(&parsed.sources, &items, found));
    Checked {
        sources: parsed.sources,
        program,
        diagnostics,
        timings,
    }
}

/// A package read and checked; `found` is what the checker says of what the parser understood.
pub(crate) struct Findings {
    pub parsed: ParsedPackage,
    pub program: Program,
    pub found: Vec<Diagnostic>,
    pub timings: Timings,
}

pub(crate) fn findings(trees: &mut Trees, package: &Package, page_shift: u8) -> Findings {
    let start = Instant::now();
    let parsed = parse_with(trees, package);
    let parse_time = start.elapsed();
    let start = Instant::now();
    let (program, found) = check(&parsed, package, page_shift);
    let timings = Timings {
        parse: parse_time,
        check: start.elapsed(),
        lower: Duration::ZERO,
    };
    let files = parsed.files.iter().map(|(_, _, file)| &**file);
    let found = quiet_after_syntax(&parsed.sources, &parsed.diagnostics, files, found);
    Findings {
        parsed,
        program,
        found,
        timings,
    }
}

/// Stage 1: texts to trees.
pub fn parse(package: &Package) -> ParsedPackage {
    parse_with(&mut Trees::default(), package)
}

fn parse_with(trees: &mut Trees, package: &Package) -> ParsedPackage {
    let mut parsed = ParsedPackage {
        sources: Sources::new(),
        files: Vec::new(),
        diagnostics: Diagnostics::new(),
    };
    let texts: Vec<&[u8]> = STDLIB.iter().map(|(_, text)| text.as_bytes()).collect();
    for ((module, _), tree) in STDLIB.iter().zip(trees.of(0, &texts)) {
        parsed.add(format!("std/{module}.rc"), module, Origin::Std, &tree);
    }
    let used = package.libraries.iter().flat_map(|library| {
        let files = library.files.iter();
        files.map(|file| (library.name.as_str(), Origin::Library, file))
    });
    let own = package.files.iter();
    let own = own.map(|file| (package.name.as_str(), Origin::Package, file));
    let given: Vec<_> = own.chain(used).collect();
    let total: usize = given.iter().map(|(_, _, file)| file.bytes.len()).sum();
    let first = parsed.files.len();
    if given.len() > FILES_MAX || total > PACKAGE_BYTES_MAX || package.files.is_empty() {
        let name = package
            .files
            .first()
            .map_or("rc.toml", |file| file.name.as_str());
        parsed.sources.add(name, "");
        let span = Span::new(FileId(first as u32), 0, 0);
        parsed.diagnostics.push(match package.files.is_empty() {
            true => Diagnostic::error(codes::EMPTY_PACKAGE, span, "this package has no source files"),
            false => Diagnostic::error(
                codes::PACKAGE_TOO_LARGE,
                span,
                format!("a package has at most {FILES_MAX} files and {PACKAGE_BYTES_MAX} bytes; this one has {} and {total}", given.len()),
            ),
        });
        return parsed;
    }
    let texts: Vec<&[u8]> = given.iter().map(|(_, _, file)| &*file.bytes).collect();
    for ((module, origin, file), tree) in given.into_iter().zip(trees.of(first, &texts)) {
        parsed.add(file.name.clone(), module, origin, &tree);
    }
    // A package of the standard library may use another.
    let mut next = first;
    while next < parsed.files.len() {
        for name in std_packages(&parsed.files[next].2) {
            let module = format!("std.{name}");
            let known = parsed.files.iter().any(|(there, _, _)| *there == module);
            let found = STD_PACKAGES.iter().find(|(there, _)| *there == name);
            if let (false, Some((name, text))) = (known, found) {
                for tree in trees.of(parsed.files.len(), &[text.as_bytes()]) {
                    parsed.add(format!("std/{name}.rc"), &module, Origin::Library, &tree);
                }
            }
        }
        next += 1;
    }
    parsed.expand_jobs();
    parsed
}

impl ParsedPackage {
    fn add(&mut self, name: String, module: &str, origin: Origin, tree: &Tree) {
        self.sources.add(name, tree.text.clone());
        let diagnostics = tree.diagnostics.iter().cloned();
        self.diagnostics.extend(diagnostics);
        self.files
            .push((module.to_string(), origin, tree.file.clone()));
    }

    /// Writes out the jobs of the package's own files. Trees may be kept elsewhere: what is written to is a copy.
    fn expand_jobs(&mut self) {
        let is_job = |item: &ast::Item| matches!(item.kind, ast::ItemKind::Job(_));
        let mut own: Vec<&mut Arc<ast::File>> = self
            .files
            .iter_mut()
            .filter(|(_, origin, _)| *origin == Origin::Package)
            .map(|(_, _, file)| file)
            .collect();
        if own.iter().any(|file| file.items.iter().any(is_job)) {
            let own = own.iter_mut().map(|file| Arc::make_mut(file)).collect();
            rc_check::expand_jobs(own, &mut self.diagnostics);
        }
    }
}

/// `x` of each `use std.x`.
fn std_packages(file: &ast::File) -> Vec<String> {
    let uses = file.items.iter().filter_map(|item| match &item.kind {
        ast::ItemKind::Use { path } => Some(path),
        _ => None,
    });
    uses.filter(|path| path.len() > 1 && &*path[0].text == "std")
        .map(|path| path[1].text.to_string())
        .collect()
}

/// Stage 2: trees to a typed program.
pub fn check(parsed: &ParsedPackage, package: &Package, page_shift: u8) -> (Program, Diagnostics) {
    let units: Vec<Unit<'_>> = parsed
        .files
        .iter()
        .map(|(module, origin, file)| Unit {
            module: module.clone(),
            origin: *origin,
            file,
        })
        .collect();
    let options = rc_check::Options {
        package: package.name.clone(),
        default_allow: package.default_allow.clone(),
        std_packages: STD_PACKAGES.iter().map(|(name, _)| *name).collect(),
        page_shift: Some(page_shift),
    };
    rc_check::check(&parsed.sources, &units, &options)
}

/// Stage 3: a sound program to a certified module.
pub fn lower(program: &Program, sources: &Sources, options: Options) -> (Lowered, Diagnostics) {
    rc_lower::lower(
        program,
        sources,
        rc_lower::Options {
            page_shift: options.page_shift,
            with_tests: options.with_tests,
        },
    )
}

/// Trees are walked by recursion, whose depth the parser caps; the stack is sized for that cap.
fn on_a_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work);
        match thread.expect("a thread can be started").join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
