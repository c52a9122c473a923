//! `use`: names of a package that this one uses, or of the standard library.
//!
//! Always true: a package that is used brings types, constants, errors, events and functions, never data or anything that
//! is called from outside; of two names that mean different things the own one is meant, and two of others are told apart by their
//! package (`auth.check`) or not at all.

use crate::Unit;
use crate::world::{Import, Symbol, World};
use rc_diagnostics::codes;
use rc_hir::Origin;
use rc_syntax::ast;
use std::sync::Arc;

/// After all declarations: what each `use` stands for.
pub(crate) fn resolve(world: &mut World<'_>, units: &[Unit<'_>]) {
    for unit in units {
        let of_unit = |module: &crate::world::Module| {
            module.name == unit.module && module.origin == unit.origin
        };
        let Some(from) = world.modules.iter().position(of_unit) else {
            continue;
        };
        for item in &unit.file.items {
            if let ast::ItemKind::Use { path } = &item.kind {
                bring_in(world, from, path);
            }
        }
    }
    for module in 0..world.modules.len() {
        types_of_one_name(world, module);
    }
}

fn bring_in(world: &mut World<'_>, from: usize, path: &[ast::Name]) {
    let (module, package, rest) = match path {
        [first, second, rest @ ..] if &*first.text == "std" => {
            (format!("std.{}", second.text), second, rest)
        }
        [first, rest @ ..] => (first.text.to_string(), first, rest),
        [] => return,
    };
    let container = module.strip_prefix("std.").filter(|_| path.len() > 1);
    let found = (0..world.modules.len()).find(|index| {
        let known = &world.modules[*index];
        match known.origin {
            Origin::Library => known.name == module,
            Origin::Std => container == Some(known.name.as_str()),
            Origin::Package => false,
        }
    });
    let Some(found) = found else {
        return unknown(world, from, path, package);
    };
    let only = match rest {
        [] => None,
        [name] if world.modules[found].names.contains_key(&name.text) => Some(name.text.clone()),
        [name, ..] => {
            let names: Vec<&str> = world.modules[found]
                .names
                .keys()
                .map(|known| &**known)
                .collect();
            let near = crate::names::nearest(&name.text, names.into_iter());
            let hint = near.map(|near| format!("use {module}.{near}"));
            world
                .error(
                    codes::UNKNOWN_MODULE,
                    name.span,
                    format!("`{module}` has no `{}`", name.text),
                )
                .hint_if(hint);
            return;
        }
    };
    world.modules[from].imports.push(Import {
        module: found,
        only,
    });
}

fn unknown(world: &mut World<'_>, from: usize, path: &[ast::Name], package: &ast::Name) {
    let is_std = &*path[0].text == "std";
    let message = match is_std {
        true if path.len() == 1 => "`use std` names no package".to_string(),
        true => format!("the standard library has no `{}`", package.text),
        false => format!("there is no package `{}` here", package.text),
    };
    let modules = world
        .modules
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != from);
    let candidates: Vec<String> = match is_std {
        true => modules
            .filter(|(_, known)| known.origin == Origin::Std)
            .map(|(_, known)| known.name.clone())
            .chain(
                world
                    .options
                    .std_packages
                    .iter()
                    .map(|name| name.to_string()),
            )
            .collect(),
        false => modules
            .filter(|(_, known)| known.origin == Origin::Library && !known.name.starts_with("std."))
            .map(|(_, known)| known.name.clone())
            .collect(),
    };
    let near = crate::names::nearest(&package.text, candidates.iter().map(String::as_str));
    let is_in_std = world.options.std_packages.contains(&&*package.text);
    let hint = match (is_std, near) {
        (true, Some(near)) => Some(format!("use std.{near}")),
        (true, None) => None,
        (false, Some(near)) => Some(format!("use {near}")),
        (false, None) if is_in_std => Some(format!("use std.{}", package.text)),
        (false, None) => Some(format!(
            "name its folder in rc.toml: [uses] {0} = \"../{0}\"",
            package.text
        )),
    };
    world
        .error(codes::UNKNOWN_MODULE, package.span, message)
        .hint_if(hint);
}

/// The package line of a used package's file.
pub(crate) fn package_line(world: &mut World<'_>, unit: &Unit<'_>) {
    if let Some(name) = &unit.file.package
        && *name.text != *unit.module
        && !unit.module.starts_with("std.")
    {
        world
            .error(
                codes::WRONG_PACKAGE_NAME,
                name.span,
                format!(
                    "this file says package `{}`, and is used as `{}`",
                    name.text, unit.module
                ),
            )
            .hint(format!("package {}", unit.module));
    }
}

/// Whether a declaration is one that a used package brings along; says why where it cannot be.
pub(crate) fn can_be_used(world: &mut World<'_>, package: &str, item: &ast::Item) -> bool {
    let (what, span) = match &item.kind {
        ast::ItemKind::Test { .. } | ast::ItemKind::Property { .. } => return false,
        ast::ItemKind::Table(table) => ("tables", table.name.span),
        ast::ItemKind::State { name, .. } => ("states", name.span),
        ast::ItemKind::Aggregate { name, .. } => ("aggregates", name.span),
        ast::ItemKind::Invariant { .. } => ("invariants", item.span),
        ast::ItemKind::Job(job) => ("jobs", job.name.span),
        ast::ItemKind::Role { name } => ("roles", name.span),
        ast::ItemKind::Retire { name, .. } => ("retired versions", name.span),
        ast::ItemKind::Callable(callable) if callable.kind != ast::CallableKind::Function => {
            ("commands, queries or reports", callable.header)
        }
        _ => return true,
    };
    world
        .error(
            codes::NOT_FOR_USE,
            span,
            format!("`{package}` cannot be used by another package: it has {what}"),
        )
        .label("data and what is called from outside belong to one package")
        .hint("move the types and functions that both need to a package of their own");
    false
}

/// Types, errors and events that meet the outer world by name: one name, one thing.
fn types_of_one_name(world: &mut World<'_>, module: usize) {
    let meets_the_world = |symbol: Symbol| {
        matches!(
            symbol,
            Symbol::Struct(_) | Symbol::Enum(_) | Symbol::Error(_) | Symbol::Event(_)
        )
    };
    let mut clashes: Vec<(Arc<str>, rc_source::Span, usize)> = Vec::new();
    if world.is_std(module) {
        return;
    }
    for import in &world.modules[module].imports {
        for (name, (theirs, _)) in &world.modules[import.module].names {
            if let Some((own, span)) = world.modules[module].names.get(name)
                && import.has(name)
                && meets_the_world(*own)
                && meets_the_world(*theirs)
            {
                clashes.push((name.clone(), *span, import.module));
            }
        }
    }
    clashes.sort_by_key(|(_, span, _)| (span.file, span.start));
    for (name, span, other) in clashes {
        let package = world.modules[other].name.clone();
        world
            .error(
                codes::DECLARED_TWICE,
                span,
                format!("`{name}` is declared here and in `{package}`, which is used"),
            )
            .label("give this one another name");
    }
}
