//! The stages, in order, on one page: parse, check, lower. No stage calls another.

use crate::limits::{FILES_MAX, PACKAGE_BYTES_MAX, STACK_BYTES};
use crate::package::Package;
use crate::stdlib::{STD_PACKAGES, STDLIB};
use rc_check::Unit;
use rc_diagnostics::{Code, Diagnostic, Diagnostics, Severity, codes};
use rc_hir::{Origin, Program};
use rc_lower::Lowered;
use rc_source::{FileId, Sources, Span};
use rc_syntax::ast;
use std::collections::BTreeMap;
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
    pub files: Vec<(String, Origin, ast::File)>,
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
    on_a_large_stack(|| {
        let Checked {
            sources,
            program,
            mut diagnostics,
            mut timings,
        } = checked(package, options.page_shift);
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
    })
}

/// Source to typed program: what `rcc check` needs.
pub fn check_only(package: &Package) -> Checked {
    on_a_large_stack(|| checked(package, Options::default().page_shift))
}

fn checked(package: &Package, page_shift: u8) -> Checked {
    let start = Instant::now();
    let parsed = parse(package);
    let parse_time = start.elapsed();
    let start = Instant::now();
    let (program, diagnostics) = check(&parsed, package, page_shift);
    let timings = Timings {
        parse: parse_time,
        check: start.elapsed(),
        lower: Duration::ZERO,
    };
    let mut all = parsed.diagnostics;
    let heard = quiet_after_syntax(&all, &parsed.files, diagnostics);
    for diagnostic in once_each_name(heard) {
        all.push(diagnostic);
    }
    Checked {
        sources: parsed.sources,
        program,
        diagnostics: all,
        timings,
    }
}

/// One mistake, one message: a name that is not known is said once, with how often it occurs; and after a `use` that led
/// nowhere nothing is said about names, which it may have brought.
fn once_each_name(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let is_use = |one: &Diagnostic| one.code == codes::UNKNOWN_MODULE;
    let without_use = found.iter().any(is_use);
    let unknown = [
        codes::UNKNOWN_NAME,
        codes::UNKNOWN_TYPE,
        codes::UNKNOWN_FIELD,
        codes::UNKNOWN_VARIANT,
        codes::UNKNOWN_ROLE,
        codes::UNKNOWN_INDEX,
        codes::UNKNOWN_FAILURE,
    ];
    let mut kept: Vec<(Diagnostic, usize)> = Vec::new();
    let mut places: BTreeMap<(Code, String), usize> = BTreeMap::new();
    for diagnostic in found {
        if !unknown.contains(&diagnostic.code) {
            kept.push((diagnostic, 0));
            continue;
        }
        if without_use {
            continue;
        }
        let key = (diagnostic.code, diagnostic.message.clone());
        match places.get(&key) {
            Some(first) => {
                let (first, more) = &mut kept[*first];
                *more += 1;
                // The same name is mended in the same way.
                if !first.fix.is_empty() {
                    first.fix.extend(diagnostic.fix);
                }
            }
            None => {
                places.insert(key, kept.len());
                kept.push((diagnostic, 0));
            }
        }
    }
    let counted = |(mut diagnostic, more): (Diagnostic, usize)| {
        let label = &mut diagnostic.primary.text;
        if more > 0 {
            let places = if more == 1 { "place" } else { "places" };
            let word = if label.is_empty() {
                "here"
            } else {
                label.as_str()
            };
            *label = format!("{word}, and at {more} more {places}");
        }
        diagnostic
    };
    kept.into_iter().map(counted).collect()
}

/// One mistake, one message: what the checker says about a declaration that did not parse whole is left out, and so is
/// every unknown name while a declaration that could have made it known did not parse.
fn quiet_after_syntax(
    syntax: &Diagnostics,
    files: &[(String, Origin, ast::File)],
    found: Diagnostics,
) -> Vec<Diagnostic> {
    let mistakes: Vec<Span> = syntax
        .iter()
        .filter(|mistake| mistake.severity == Severity::Error)
        .map(|mistake| mistake.primary.span)
        .collect();
    if mistakes.is_empty() {
        return found.into_iter().collect();
    }
    let holds = |item: &ast::Item, span: Span| {
        item.span.file == span.file && item.span.start <= span.start && span.start <= item.span.end
    };
    let items: Vec<&ast::Item> = files.iter().flat_map(|(_, _, file)| &file.items).collect();
    let damaged: Vec<&ast::Item> = items
        .iter()
        .copied()
        .filter(|item| mistakes.iter().any(|mistake| holds(item, *mistake)))
        .collect();
    let bodies_only = mistakes.iter().all(|mistake| {
        damaged
            .iter()
            .any(|item| matches!(item.kind, ast::ItemKind::Callable(_)) && holds(item, *mistake))
    });
    // What a declaration that cannot be read may have made known: names, and failures, roles, indexes by name.
    let hangs_on_names = |code: rc_diagnostics::Code| {
        (200..300).contains(&code.number())
            || [
                codes::NO_ORDER,
                codes::UNKNOWN_ROLE,
                codes::UNDECLARED_FAILURE,
                codes::UNKNOWN_INDEX,
                codes::CANNOT_FAIL_SO,
                codes::UNKNOWN_FAILURE,
                codes::KEY_MISSING,
            ]
            .contains(&code)
    };
    found
        .into_iter()
        .filter(|diagnostic| {
            let inside = damaged
                .iter()
                .any(|item| holds(item, diagnostic.primary.span));
            !inside && (bodies_only || !hangs_on_names(diagnostic.code))
        })
        .collect()
}

/// Stage 1: texts to trees.
pub fn parse(package: &Package) -> ParsedPackage {
    let mut sources = Sources::new();
    let mut files = Vec::new();
    let mut diagnostics = Diagnostics::new();
    for (module, text) in STDLIB {
        let id = sources.add(format!("std/{module}.rc"), *text);
        let parsed = rc_syntax::parse(id, text);
        diagnostics.append(parsed.diagnostics);
        files.push((module.to_string(), Origin::Std, parsed.file));
    }
    let used = package.libraries.iter().flat_map(|library| &library.files);
    let given = || package.files.iter().chain(used.clone());
    let total: usize = given().map(|file| file.bytes.len()).sum();
    let first = FileId(files.len() as u32);
    if given().count() > FILES_MAX || total > PACKAGE_BYTES_MAX || package.files.is_empty() {
        let name = package
            .files
            .first()
            .map_or("rc.toml", |file| file.name.as_str());
        sources.add(name, "");
        let span = Span::new(first, 0, 0);
        diagnostics.push(match package.files.is_empty() {
            true => Diagnostic::error(codes::EMPTY_PACKAGE, span, "this package has no source files"),
            false => Diagnostic::error(
                codes::PACKAGE_TOO_LARGE,
                span,
                format!("a package has at most {FILES_MAX} files and {PACKAGE_BYTES_MAX} bytes; this one has {} and {total}", given().count()),
            ),
        });
        return ParsedPackage {
            sources,
            files,
            diagnostics,
        };
    }
    for file in &package.files {
        let id = FileId(files.len() as u32);
        let (parsed, text) = rc_syntax::parse_bytes(id, &file.bytes);
        sources.add(file.name.clone(), text);
        diagnostics.append(parsed.diagnostics);
        files.push((package.name.clone(), Origin::Package, parsed.file));
    }
    for library in &package.libraries {
        for file in &library.files {
            let id = FileId(files.len() as u32);
            let (parsed, text) = rc_syntax::parse_bytes(id, &file.bytes);
            sources.add(file.name.clone(), text);
            diagnostics.append(parsed.diagnostics);
            files.push((library.name.clone(), Origin::Library, parsed.file));
        }
    }
    // A package of the standard library may use another.
    let mut next = first.0 as usize;
    while next < files.len() {
        for name in std_packages(&files[next].2) {
            let module = format!("std.{name}");
            let known = files.iter().any(|(there, _, _)| *there == module);
            let found = STD_PACKAGES.iter().find(|(there, _)| *there == name);
            if let (false, Some((name, text))) = (known, found) {
                let id = sources.add(format!("std/{name}.rc"), *text);
                let parsed = rc_syntax::parse(id, text);
                diagnostics.append(parsed.diagnostics);
                files.push((module, Origin::Library, parsed.file));
            }
        }
        next += 1;
    }
    let own: Vec<&mut ast::File> = files
        .iter_mut()
        .filter(|(_, origin, _)| *origin == Origin::Package)
        .map(|(_, _, file)| file)
        .collect();
    rc_check::expand_jobs(own, &mut diagnostics);
    ParsedPackage {
        sources,
        files,
        diagnostics,
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
