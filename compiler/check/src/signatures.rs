//! Headers of commands, queries and functions: parameters, result, `fails`, `allow`, `cost`; then their bodies.

use crate::body::{Body, Place};
use crate::declare::duplicate;
use crate::names::nearest;
use crate::world::*;
use rc_bytecode::instr::Builtin;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Allow, CallableKind, Local, LocalId, Type};
use rc_syntax::ast;
use std::collections::HashMap;

/// The dimensions of the cost vector, and `pages` for read and written together.
const DIMENSIONS: &[&str] = &[
    "steps",
    "pages",
    "pages_read",
    "pages_written",
    "bytes_written",
    "event_bytes",
    "reply_bytes",
    "scratch_bytes",
];

pub(crate) fn resolve(world: &mut World<'_>) {
    for index in 0..world.callables.len() {
        let (module, tree) = (world.callables[index].module, world.callables[index].tree);
        let kind = world.program.callables[index].kind;
        let outer = kind != CallableKind::Function;
        let what = if kind == CallableKind::Query {
            "an argument of a query"
        } else {
            "an argument of a command"
        };
        let locals = parameters(
            world,
            module,
            &tree.params,
            &tree.generics,
            outer.then_some(what),
        );
        let result = match &tree.result {
            None => Type::Unit,
            Some(written) => {
                let ty = world.ty(written, module, &tree.generics);
                // A priority queue goes from function to function, and no further.
                let is_queue = matches!(ty, Type::Sorted(hir::Sorted::PriorityQueue, ..));
                if is_queue && !outer {
                    ty
                } else if outer || !world.is_std(module) {
                    world.storable(ty, written.span, "a result")
                } else {
                    ty
                }
            }
        };
        let fails = fails(world, module, &tree.fails);
        let allow = if outer {
            allow(world, tree)
        } else {
            no_clauses(world, tree)
        };
        let limits = limits(world, module, tree);
        let callable = &mut world.program.callables[index];
        callable.parameters = (0..locals.len() as u32).map(LocalId).collect();
        callable.locals = locals;
        callable.result = result;
        callable.fails = fails;
        callable.allow = allow;
        callable.limits = limits;
    }
}

/// Parameters as locals. `storable` names them where only what can be stored may be passed.
pub(crate) fn parameters(
    world: &mut World<'_>,
    module: usize,
    params: &[ast::Param],
    generics: &[ast::Generic],
    storable: Option<&str>,
) -> Vec<Local> {
    let mut seen = HashMap::new();
    let mut locals = Vec::with_capacity(params.len());
    for param in params {
        if let Some(first) = seen.insert(param.name.text.clone(), param.name.span) {
            duplicate(world, &param.name.text, param.name.span, first);
        }
        world.local_name(module, &param.name);
        let mut ty = world.ty(&param.ty, module, generics);
        if let Some(what) = storable {
            ty = world.storable(ty, param.ty.span, what);
        }
        locals.push(Local {
            name: param.name.text.to_string(),
            ty,
            mutable: false,
            span: param.name.span,
        });
    }
    locals
}

impl World<'_> {
    /// A local may hide another local, but no state and no aggregate: an assignment must not be able to miss its target.
    pub fn local_name(&mut self, module: usize, name: &ast::Name) {
        if let Some(symbol @ (Symbol::State(_) | Symbol::Aggregate(_))) =
            self.find(module, &name.text)
        {
            let kind = symbol.kind(&self.program);
            let span = self.modules[module]
                .names
                .get(&name.text)
                .map(|(_, span)| *span);
            let note = self
                .error(
                    codes::NAME_TAKEN,
                    name.span,
                    format!("`{}` is {kind} already", name.text),
                )
                .hint("choose another name for the local");
            if let Some(span) = span {
                drop(note.secondary(span, "declared here"));
            }
        }
    }
}

fn fails(world: &mut World<'_>, module: usize, names: &[ast::Name]) -> Vec<hir::ErrorId> {
    let mut fails = Vec::new();
    for name in names {
        match world.find(module, &name.text) {
            Some(Symbol::Error(id)) if fails.contains(&id) => {}
            Some(Symbol::Error(id)) => fails.push(id),
            Some(other) => {
                let kind = other.kind(&world.program);
                world.error(
                    codes::WRONG_KIND_OF_NAME,
                    name.span,
                    format!("`{}` is {kind}, not an error type", name.text),
                );
            }
            None => {
                let near = world.near(module, &name.text, |symbol| {
                    matches!(symbol, Symbol::Error(_))
                });
                let owner = world
                    .error_variants
                    .get(&name.text)
                    .and_then(|owners| owners.first())
                    .map(|(error, _)| world.program.errors[error.0 as usize].name.clone());
                let way = match Builtin::from_name(&name.text) {
                    Some(_) => "built-in failures need no declaration; leave it out".to_string(),
                    None => format!("declare it: `error {} {{ SomeFailure }}`", name.text),
                };
                world
                    .error(
                        codes::UNKNOWN_NAME,
                        name.span,
                        format!("there is no error type `{}`", name.text),
                    )
                    .label(match &owner {
                        Some(owner) => format!("a variant of `{owner}`"),
                        None => "not known here".to_string(),
                    })
                    .meant_or(name.span, owner.or(near), way);
            }
        }
    }
    fails
}

fn allow(world: &mut World<'_>, tree: &ast::Callable) -> Allow {
    if let Some(allow) = &tree.allow {
        let names: Vec<(String, rc_source::Span)> = allow
            .roles
            .iter()
            .map(|role| (role.text.to_string(), role.span))
            .collect();
        return roles(world, &names);
    }
    match world.options.default_allow.clone() {
        Some(names) => {
            // A wrong role in rc.toml is one mistake, said at the first command that it reaches.
            let known = |name: &String| name == "anyone" || world.roles.contains_key(name.as_str());
            let (known, unknown): (Vec<String>, Vec<String>) = names.into_iter().partition(known);
            if let Some(name) = unknown.first()
                && !std::mem::replace(&mut world.default_reported, true)
            {
                world
                    .error(
                        codes::UNKNOWN_ROLE,
                        tree.name.span,
                        format!("rc.toml allows the role `{name}`, which is not declared"),
                    )
                    .hint(format!("role {name}"));
            }
            let names: Vec<_> = known
                .into_iter()
                .map(|name| (name, tree.name.span))
                .collect();
            roles(world, &names)
        }
        None => {
            let word = if tree.kind == ast::CallableKind::Query {
                "query"
            } else {
                "command"
            };
            let role = world
                .program
                .roles
                .first()
                .cloned()
                .unwrap_or_else(|| "anyone".into());
            world
                .error(
                    codes::ALLOW_MISSING,
                    tree.name.span,
                    format!("nobody may call the {word} `{}`", tree.name.text),
                )
                .label("no `allow` here, and no default in rc.toml")
                .hint(format!("allow {role}"));
            Allow::Roles(0)
        }
    }
}

fn roles(world: &mut World<'_>, names: &[(String, rc_source::Span)]) -> Allow {
    let mut bits = 0;
    for (name, span) in names {
        if name == "anyone" {
            return Allow::Anyone;
        }
        bits |= world.role_bit(name, *span);
    }
    Allow::Roles(bits)
}

impl World<'_> {
    /// Whether all that a header says after `fails` is there; where not, that was said, and what it can fail with is open.
    pub fn fails_known(&self, module: usize, tree: &ast::Callable) -> bool {
        tree.fails
            .iter()
            .all(|name| matches!(self.find(module, &name.text), Some(Symbol::Error(_))))
    }

    /// The bit of a role; 0 and a message for an unknown one.
    pub fn role_bit(&mut self, name: &str, span: rc_source::Span) -> u64 {
        match self.roles.get(name) {
            Some(number) => 1 << number,
            None => {
                let near = nearest(
                    name,
                    self.program
                        .roles
                        .iter()
                        .map(String::as_str)
                        .chain(["anyone"]),
                );
                self.error(
                    codes::UNKNOWN_ROLE,
                    span,
                    format!("there is no role `{name}`"),
                )
                .meant_or(span, near, format!("role {name}"));
                0
            }
        }
    }
}

fn no_clauses(world: &mut World<'_>, tree: &ast::Callable) -> Allow {
    if let Some(allow) = &tree.allow {
        world
            .error(
                codes::MISPLACED_CLAUSE,
                allow.span,
                "a `fn` has no `allow`: it is called from inside only",
            )
            .hint("put it on the commands and queries that call it");
    }
    Allow::Anyone
}

fn limits(world: &mut World<'_>, module: usize, tree: &ast::Callable) -> Vec<hir::CostLimit> {
    let mut limits = Vec::new();
    for cost in &tree.cost {
        if !DIMENSIONS.contains(&&*cost.dimension.text) {
            let near = nearest(&cost.dimension.text, DIMENSIONS.iter().copied());
            world
                .error(
                    codes::UNKNOWN_COST,
                    cost.dimension.span,
                    format!("costs have no dimension `{}`", cost.dimension.text),
                )
                .meant_or(
                    cost.dimension.span,
                    near,
                    format!("one of {}", DIMENSIONS.join(", ")),
                );
            continue;
        }
        if let Some(hir::ConstExpr::Number(limit)) = world.const_expr(&cost.limit, module, &[]) {
            limits.push(hir::CostLimit {
                dimension: cost.dimension.text.to_string(),
                limit,
                span: cost.span,
            });
        }
    }
    limits
}

pub(crate) fn check_bodies(world: &mut World<'_>) {
    for index in 0..world.callables.len() {
        let (module, tree) = (world.callables[index].module, world.callables[index].tree);
        let callable = &world.program.callables[index];
        let place = match callable.kind {
            CallableKind::Command => Place::Command,
            CallableKind::Query | CallableKind::Report => Place::Query,
            CallableKind::Function => Place::Function,
        };
        let report = callable.kind == CallableKind::Report;
        let (parameters, result, fails) = (
            callable.locals.clone(),
            callable.result.clone(),
            callable.fails.clone(),
        );
        let in_job = callable.is_job_walk();
        let mut body = Body::new(world, module, &tree.generics, place);
        body.scans = report;
        body.in_job = in_job;
        body.result = result.clone();
        body.fails = fails;
        let known = body.world.fails_known(module, tree);
        body.fails_declared = known && (!tree.fails.is_empty() || place != Place::Function);
        body.parameters(parameters);
        let block = body.body_block(&tree.body, &result);
        let locals = body.finish();
        world.program.callables[index].body = block;
        world.program.callables[index].locals = locals;
    }
}
