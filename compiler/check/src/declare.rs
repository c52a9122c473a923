//! First walk: every top-level declaration gets its id and its name. Nothing is looked up yet.

use crate::Unit;
use crate::world::*;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Origin, Type};
use rc_source::Span;
use rc_syntax::ast;
use std::sync::Arc;

pub(crate) fn declare<'a>(world: &mut World<'a>, units: &[Unit<'a>]) {
    for unit in units {
        let found = world
            .modules
            .iter()
            .position(|module| module.name == unit.module && module.origin == unit.origin);
        let module = found.expect("every unit's module was made with the world");
        match unit.origin {
            Origin::Package => package_line(world, unit.file),
            Origin::Library => crate::uses::package_line(world, unit),
            Origin::Std => {}
        }
        for item in &unit.file.items {
            if unit.origin == Origin::Library
                && !crate::uses::can_be_used(world, &unit.module, item)
            {
                continue;
            }
            Declarer {
                world,
                module,
                item,
            }
            .declare();
        }
    }
    for unit in units {
        let found = world
            .modules
            .iter()
            .position(|module| module.name == unit.module && module.origin == unit.origin);
        let module = found.expect("every unit's module was made with the world");
        retired(world, unit.file, module);
    }
    crate::versions::chain(world);
}

/// `retire pay@1` takes a version back: it cannot stand in the source as well, and it was a command or query.
fn retired(world: &mut World<'_>, file: &ast::File, module: usize) {
    for item in &file.items {
        let ast::ItemKind::Retire { name, version } = &item.kind else {
            continue;
        };
        let version = version.unwrap_or(1);
        let there = world
            .program
            .callables
            .iter()
            .filter(|callable| callable.kind != hir::CallableKind::Function)
            .find(|callable| {
                let job = callable.name.strip_suffix(".step");
                job.unwrap_or(&callable.name) == &*name.text && callable.version == version
            })
            .map(|callable| callable.span);
        if let Some(there) = there {
            world
                .error(
                    codes::DECLARED_TWICE,
                    name.span,
                    format!("`{}@{version}` is retired and declared", name.text),
                )
                .label("taken back here")
                .secondary(there, "still declared here")
                .hint("remove one of the two");
            continue;
        }
        never_called(world, name, module);
    }
}

/// Whether anything of that name was ever called from outside only a node knows; that it is something else now is seen here.
fn never_called(world: &mut World<'_>, name: &ast::Name, module: usize) {
    let called = |symbol: &Symbol, program: &hir::Program| match symbol {
        Symbol::Callable(id) => {
            program.callables[id.0 as usize].kind != hir::CallableKind::Function
        }
        _ => false,
    };
    match world.modules[module].names.get(&name.text).copied() {
        Some((symbol, _)) if called(&symbol, &world.program) => {}
        Some((symbol, span)) => {
            let kind = symbol.kind(&world.program);
            world
                .error(
                    codes::NOTHING_TO_RETIRE,
                    name.span,
                    format!("`{}` is {kind}, which nobody calls from outside", name.text),
                )
                .secondary(span, "declared here")
                .hint("leave the `retire` out: it takes commands and queries back");
        }
        None => {
            let near = world.near(module, &name.text, |symbol| match symbol {
                Symbol::Callable(id) => {
                    world.program.callables[id.0 as usize].kind != hir::CallableKind::Function
                }
                _ => false,
            });
            if let Some(near) = near {
                world
                    .warning(
                        codes::NOTHING_TO_RETIRE,
                        name.span,
                        format!(
                            "no version of `{}` stands here, but `{near}` does",
                            name.text
                        ),
                    )
                    .meant(name.span, Some(near));
            }
        }
    }
}

fn package_line(world: &mut World<'_>, file: &ast::File) {
    if !file.docs.is_empty() && world.program.docs.is_empty() {
        world.program.docs = file.docs.join("\n");
    }
    if let Some(name) = &file.package
        && world.program.package.is_empty()
    {
        world.program.package = name.text.to_string();
    }
    if let Some(name) = &file.package
        && *name.text != *world.program.package
    {
        let expected = world.program.package.clone();
        let who = if world.options.package.is_empty() {
            "the first file"
        } else {
            "rc.toml"
        };
        world
            .error(
                codes::WRONG_PACKAGE_NAME,
                name.span,
                format!(
                    "this file says package `{}`, {who} says `{expected}`",
                    name.text
                ),
            )
            .hint(format!("package {expected}"));
    }
}

struct Declarer<'w, 'a> {
    world: &'w mut World<'a>,
    module: usize,
    item: &'a ast::Item,
}

impl<'a> Declarer<'_, 'a> {
    fn origin(&self) -> Origin {
        self.world.modules[self.module].origin
    }

    fn declare(&mut self) {
        let next = hir::CallableId(self.world.program.callables.len() as u32);
        let is_callable = matches!(self.item.kind, ast::ItemKind::Callable(_));
        for attribute in &self.item.attributes {
            let of = is_callable.then_some(next);
            self.world.attributes.push((of, self.module, attribute));
        }
        let (module, span, docs) = (self.module, self.item.span, self.item.docs.join("\n"));
        let origin = self.origin();
        let program = &mut self.world.program;
        match &self.item.kind {
            // A job was written out as the tables and commands that it is made of.
            ast::ItemKind::Use { .. } | ast::ItemKind::Job(_) | ast::ItemKind::Broken => {}
            ast::ItemKind::TypeAlias { name, generics, ty } => {
                let id = self.world.aliases.len();
                self.world.aliases.push(Declared {
                    module,
                    tree: AliasTree { name, generics, ty },
                });
                self.world.alias_states.push(AliasState::Waiting);
                self.check_bounds(generics);
                self.name(name, Symbol::Alias(id));
            }
            ast::ItemKind::Struct {
                name,
                generics,
                fields,
            } => {
                let id = hir::StructId(program.structs.len() as u32);
                let count = generics.len() as u32;
                program.structs.push(hir::Struct {
                    name: text(name),
                    generics: count,
                    fields: Vec::new(),
                    origin,
                    row_of: None,
                    span: name.span,
                });
                self.world.structs.push(Declared {
                    module,
                    tree: FieldsTree { generics, fields },
                });
                self.check_bounds(generics);
                self.name(name, Symbol::Struct(id));
            }
            ast::ItemKind::Enum {
                name,
                generics,
                variants,
            } => {
                let id = hir::EnumId(program.enums.len() as u32);
                let count = generics.len() as u32;
                program.enums.push(hir::Enum {
                    name: text(name),
                    generics: count,
                    variants: Vec::new(),
                    origin,
                    span: name.span,
                });
                self.world.enums.push(Declared {
                    module,
                    tree: VariantsTree { generics, variants },
                });
                self.check_bounds(generics);
                self.name(name, Symbol::Enum(id));
            }
            ast::ItemKind::Layout {
                name,
                generics,
                fields,
            } => {
                if origin != Origin::Std {
                    self.world.low_level_outside(span, "`layout` is");
                    return;
                }
                let id = hir::LayoutId(program.layouts.len() as u32);
                let count = generics.len() as u32;
                program.layouts.push(hir::Layout {
                    name: text(name),
                    generics: count,
                    fields: Vec::new(),
                    span: name.span,
                });
                self.world.layouts.push(Declared {
                    module,
                    tree: FieldsTree { generics, fields },
                });
                self.name(name, Symbol::Layout(id));
            }
            ast::ItemKind::Table(table) => self.table(table, docs),
            ast::ItemKind::State { name, ty, default } => {
                let id = hir::StateId(program.states.len() as u32);
                program.states.push(hir::State {
                    name: text(name),
                    ty: Type::Error,
                    default: None,
                    span: name.span,
                });
                self.world.states.push(Declared {
                    module,
                    tree: (ty, default.as_ref()),
                });
                self.world.state_names.push(name);
                self.name(name, Symbol::State(id));
            }
            kind @ ast::ItemKind::Aggregate { name, .. } => {
                let id = hir::AggregateId(self.world.program.aggregates.len() as u32);
                self.world.program.aggregates.push(hir::Aggregate {
                    name: text(name),
                    function: hir::AggregateFunction::Count,
                    table: hir::TableId(0),
                    field: None,
                    by: None,
                    ty: Type::Error,
                    span: name.span,
                });
                self.world.aggregates.push(Declared { module, tree: kind });
                self.name(name, Symbol::Aggregate(id));
            }
            ast::ItemKind::Invariant {
                for_each,
                condition,
            } => {
                self.world.invariants.push(Declared {
                    module,
                    tree: (for_each.as_ref(), condition),
                });
            }
            ast::ItemKind::Role { name } => self.role(name),
            ast::ItemKind::Error { name, variants } => {
                let id = hir::ErrorId(program.errors.len() as u32);
                program.errors.push(hir::ErrorType {
                    name: text(name),
                    variants: Vec::new(),
                    span: name.span,
                });
                self.world.errors.push(Declared {
                    module,
                    tree: VariantsTree {
                        generics: &[],
                        variants,
                    },
                });
                for (number, variant) in variants.iter().enumerate() {
                    let known = self
                        .world
                        .error_variants
                        .entry(variant.name.text.clone())
                        .or_default();
                    known.push((id, number as u32));
                }
                self.name(name, Symbol::Error(id));
            }
            ast::ItemKind::Event { name, fields } => {
                let id = hir::EventId(program.events.len() as u32);
                program.events.push(hir::Event {
                    name: text(name),
                    fields: Vec::new(),
                    docs,
                    span: name.span,
                });
                self.world.events.push(Declared {
                    module,
                    tree: FieldsTree {
                        generics: &[],
                        fields,
                    },
                });
                self.name(name, Symbol::Event(id));
            }
            ast::ItemKind::Callable(callable) => self.callable(callable, docs),
            kind @ (ast::ItemKind::Test { .. } | ast::ItemKind::Property { .. }) => {
                self.world.trials.push(Declared { module, tree: kind });
            }
            ast::ItemKind::Const {
                name,
                generics,
                ty,
                value,
            } => {
                let id = hir::ConstId(program.consts.len() as u32);
                let count = generics.len() as u32;
                program.consts.push(hir::Const {
                    name: text(name),
                    generics: count,
                    value: hir::ConstExpr::Number(0),
                    span: name.span,
                });
                self.world.consts.push(Declared {
                    module,
                    tree: ConstTree {
                        generics,
                        ty: ty.as_ref(),
                        value,
                    },
                });
                self.world.const_states.push(ConstState::Waiting);
                self.refuse_generics(generics, "a generic constant is");
                self.name(name, Symbol::Const(id));
            }
            ast::ItemKind::Retire { name, version } => {
                self.world
                    .program
                    .retired
                    .push((text(name), version.unwrap_or(1)));
            }
        }
    }

    fn table(&mut self, table: &'a ast::Table, docs: String) {
        let id = hir::TableId(self.world.program.tables.len() as u32);
        let version = table.version.unwrap_or(1);
        self.world.program.tables.push(hir::Table {
            name: text(&table.name),
            version,
            origin: None,
            migration: None,
            newer: None,
            fields: Vec::new(),
            key_len: 0,
            storage: hir::Storage::Hashed,
            capacity: crate::tables::CAPACITY_DEFAULT,
            indexes: Vec::new(),
            references: Vec::new(),
            invariants: Vec::new(),
            docs,
            span: table.name.span,
        });
        self.world.tables.push(Declared {
            module: self.module,
            tree: table,
        });
        self.world.index_names.push(Default::default());
        self.world.table_fields.push(Default::default());
        // Versions of one table share a name, which means the newest; whether they make a chain is looked at afterwards.
        let symbol = Symbol::Table(id);
        let names = &mut self.world.modules[self.module].names;
        match names.get(&table.name.text) {
            Some((Symbol::Table(other), _)) => {
                if version > self.world.program.tables[other.0 as usize].version {
                    names.insert(table.name.text.clone(), (symbol, table.name.span));
                }
            }
            _ => self.name(&table.name, symbol),
        }
    }

    fn callable(&mut self, callable: &'a ast::Callable, docs: String) {
        let origin = self.origin();
        let version = callable.version.unwrap_or(1);
        let kind = match callable.kind {
            ast::CallableKind::Command => hir::CallableKind::Command,
            ast::CallableKind::Query => hir::CallableKind::Query,
            ast::CallableKind::Report => hir::CallableKind::Report,
            ast::CallableKind::Function => hir::CallableKind::Function,
        };
        if kind == hir::CallableKind::Function && callable.version.is_some() {
            self.world
                .error(
                    codes::MISPLACED_CLAUSE,
                    callable.name.span,
                    "a `fn` has no version",
                )
                .hint("only commands and queries are called from outside");
        }
        match callable.generics.first() {
            Some(first) if kind != hir::CallableKind::Function => {
                self.world
                    .error(
                        codes::GENERIC_ENTRY,
                        first.name.span,
                        "what is called from outside has one signature, so it is not generic",
                    )
                    .hint("put the generic part into a `fn`, and name the types here");
            }
            _ => self.check_bounds(&callable.generics),
        }
        let name = match origin {
            Origin::Package => text(&callable.name),
            Origin::Library | Origin::Std => format!(
                "{}.{}",
                self.world.modules[self.module].name, callable.name.text
            ),
        };
        let id = hir::CallableId(self.world.program.callables.len() as u32);
        self.world.program.callables.push(hir::Callable {
            kind,
            name,
            version,
            generics: callable.generics.len() as u32,
            parameters: Vec::new(),
            locals: Vec::new(),
            result: Type::Error,
            fails: Vec::new(),
            allow: hir::Allow::Anyone,
            limits: Vec::new(),
            body: hir::Block {
                statements: Vec::new(),
                value: None,
                ty: Type::Unit,
                span: callable.body.span,
            },
            effects: hir::Effects::default(),
            docs,
            origin,
            span: callable.header,
        });
        self.world.callables.push(Declared {
            module: self.module,
            tree: callable,
        });

        // Versions of one command share a name: a call inside a test means the newest.
        let symbol = Symbol::Callable(id);
        if let Some((Symbol::Callable(other), _)) = self.world.modules[self.module]
            .names
            .get(&callable.name.text)
        {
            let other = &self.world.program.callables[other.0 as usize];
            if other.kind == kind && kind != hir::CallableKind::Function && other.version != version
            {
                if version > other.version {
                    self.world.modules[self.module]
                        .names
                        .insert(callable.name.text.clone(), (symbol, callable.name.span));
                }
                return;
            }
        }
        self.name(&callable.name, symbol);
    }

    fn role(&mut self, name: &'a ast::Name) {
        if &*name.text == "anyone" || self.world.roles.contains_key(&name.text) {
            self.world
                .error(
                    codes::DECLARED_TWICE,
                    name.span,
                    format!("the role `{}` is there already", name.text),
                )
                .hint("leave it out");
            return;
        }
        let number = self.world.program.roles.len() as u32;
        if number >= 64 {
            self.world.error(
                codes::PACKAGE_TOO_LARGE,
                name.span,
                "a package has at most 64 roles",
            );
            return;
        }
        self.world.program.roles.push(text(name));
        self.world.roles.insert(name.text.clone(), number);
    }

    /// The bounds that packages may ask of a type.
    fn check_bounds(&mut self, generics: &[ast::Generic]) {
        if self.origin() == Origin::Std {
            return;
        }
        for bound in generics.iter().filter_map(|generic| generic.bound.as_ref()) {
            if !crate::generics::BOUNDS.contains(&&*bound.text) {
                let near = crate::names::nearest(&bound.text, crate::generics::BOUNDS.into_iter());
                self.world
                    .error(
                        codes::UNKNOWN_NAME,
                        bound.span,
                        format!("there is no bound `{}`", bound.text),
                    )
                    .hint(near.map_or("T: Ordered, or T: Equal".to_string(), |near| {
                        format!("did you mean `{near}`?")
                    }));
            }
        }
    }

    fn refuse_generics(&mut self, generics: &[ast::Generic], what: &str) {
        if self.origin() == Origin::Package
            && let Some(first) = generics.first()
        {
            self.world.not_in_this_edition(first.name.span, what);
        }
    }

    fn name(&mut self, name: &'a ast::Name, symbol: Symbol) {
        let earlier = self.world.modules[self.module]
            .names
            .get(&name.text)
            .copied();
        match earlier {
            Some((_, first)) => duplicate(self.world, &name.text, name.span, first),
            None => {
                self.world.modules[self.module]
                    .names
                    .insert(name.text.clone(), (symbol, name.span));
            }
        }
    }
}

pub(crate) fn duplicate(world: &mut World<'_>, name: &Arc<str>, span: Span, first: Span) {
    world
        .error(
            codes::DECLARED_TWICE,
            span,
            format!("`{name}` is declared twice"),
        )
        .label("again here")
        .secondary(first, "first here")
        .hint("rename one of the two, or leave it out");
}

pub(crate) fn text(name: &ast::Name) -> String {
    name.text.to_string()
}
