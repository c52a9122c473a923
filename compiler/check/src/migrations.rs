//! `migrate old => { … }`: how a row of an older version of a table becomes one of the newer.
//!
//! Always true after it: a migration is a function of the old row alone that keeps the key, so that a row that is asked for by its
//! key is found in either version and becomes the same whenever it is looked at; what has a message is no function.

use crate::body::{Body, Place, error, make};
use crate::world::*;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{
    Block, CallableId, Child, Expr, ExprKind, FailureValue, Local, LocalId, Origin, Source,
    StatementKind, StructId, TableId, Type,
};
use rc_source::Span;
use rc_syntax::ast;
use std::collections::BTreeSet;

/// Makes a function of each migration, once all bodies are known.
pub(crate) fn check(world: &mut World<'_>) {
    for index in 0..world.tables.len() {
        let id = TableId(index as u32);
        let Some(origin) = world.program.tables[index].origin else {
            continue;
        };
        let tree = world.tables[index].tree;
        let written = tree.members.iter().find_map(|member| match member {
            ast::TableMember::Migrate { old, fields, span } => Some((old, fields, *span)),
            _ => None,
        });
        let Some((old, fields, span)) = written else {
            continue;
        };
        if has_container(world, origin, id) || !same_key(world, origin, id) {
            continue;
        }
        let (from, to) = (row_struct(world, origin), row_struct(world, id));
        let wanted = world.program.structs[to.0 as usize].fields.clone();
        let key_len = world.program.tables[index].key_len as usize;
        let shown = world.program.tables[index].versioned_name();
        let module = world.tables[index].module;
        world.local_name(module, old);
        let mut body = Body::new(world, module, &[], Place::Function);
        body.result = Type::Struct(to, Vec::new());
        body.fails_declared = true;
        body.parameters(vec![Local {
            name: old.text.to_string(),
            ty: Type::Struct(from, Vec::new()),
            mutable: false,
            span: old.span,
        }]);
        let values = body.fields(fields, &wanted, &[], span, &format!("`{shown}`"));
        let locals = body.finish();
        let Some(values) = values else { continue };
        if values.iter().any(|value| value.ty == Type::Error) {
            continue;
        }
        if !keeps_key(world, &values[..key_len], &wanted, from, &old.text)
            || looks_around(world, &values, &shown)
        {
            continue;
        }
        let ty = Type::Struct(to, Vec::new());
        let function = CallableId(world.program.callables.len() as u32);
        let (name, version) = (
            tree.name.text.to_string(),
            world.program.tables[index].version,
        );
        world.program.callables.push(hir::Callable {
            kind: hir::CallableKind::Function,
            name: format!("{name}.migrate"),
            version,
            generics: 0,
            parameters: vec![LocalId(0)],
            locals,
            result: ty.clone(),
            fails: Vec::new(),
            allow: hir::Allow::Anyone,
            limits: Vec::new(),
            body: Block {
                statements: Vec::new(),
                value: Some(Box::new(make(
                    ExprKind::Struct {
                        id: to,
                        fields: values,
                    },
                    ty.clone(),
                    span,
                ))),
                ty,
                span,
            },
            effects: hir::Effects::default(),
            docs: String::new(),
            origin: Origin::Package,
            span,
        });
        world.program.tables[index].migration = Some(function);
    }
}

/// The elements of a container would have to move with its row.
fn has_container(world: &mut World<'_>, origin: TableId, id: TableId) -> bool {
    let container = |id: TableId| {
        let table = &world.program.tables[id.0 as usize];
        let mut fields = table.fields.iter();
        let field = fields.find(|field| matches!(field.ty, Type::Container(_)));
        field.map(|field| field.span)
    };
    let (old, new) = (container(origin), container(id));
    // Of a longer chain the older one was looked at as the newer of two before.
    let is_first = world.program.tables[origin.0 as usize].origin.is_none();
    for span in old.filter(|_| is_first).into_iter().chain(new) {
        world.not_in_this_edition(span, "a container in a table with versions is");
    }
    old.or(new).is_some()
}

/// Whether both versions have the same fields of the same types in their keys.
fn same_key(world: &mut World<'_>, origin: TableId, id: TableId) -> bool {
    let (old, new) = (
        &world.program.tables[origin.0 as usize],
        &world.program.tables[id.0 as usize],
    );
    let (old_key, new_key) = (
        &old.fields[..old.key_len as usize],
        &new.fields[..new.key_len as usize],
    );
    let unsound = |field: &hir::Field| field.ty == Type::Error;
    if old_key.is_empty() || new_key.is_empty() || old_key.iter().chain(new_key).any(unsound) {
        return false;
    }
    let differs = old_key.len() != new_key.len()
        || old_key
            .iter()
            .zip(new_key)
            .any(|(old, new)| old.ty != new.ty);
    if !differs {
        return true;
    }
    let (key, span, old_span) = (
        old_key
            .iter()
            .map(|field| (field.name.clone(), field.ty.clone()))
            .collect::<Vec<_>>(),
        new.fields[0].span,
        old.fields[0].span,
    );
    let shown = new.versioned_name();
    let key: Vec<String> = key
        .into_iter()
        .map(|(name, ty)| format!("key {name}: {}", world.show(&ty)))
        .collect();
    world
        .error(
            codes::MIGRATION_CHANGES_KEY,
            span,
            format!(
                "`{shown}` has another key: a row that is asked for by its key would not be found"
            ),
        )
        .secondary(old_span, "the key that rows have")
        .hint(key.join(", "));
    false
}

/// The rows of a table's version as values.
fn row_struct(world: &mut World<'_>, id: TableId) -> StructId {
    let structs = &world.program.structs;
    if let Some(known) = structs.iter().position(|item| item.row_of == Some(id)) {
        return StructId(known as u32);
    }
    let table = &world.program.tables[id.0 as usize];
    let made = hir::Struct {
        name: format!("{}@{}", table.name, table.version),
        generics: 0,
        fields: table.fields.clone(),
        origin: Origin::Package,
        row_of: Some(id),
        span: table.span,
    };
    world.program.structs.push(made);
    StructId(world.program.structs.len() as u32 - 1)
}

/// Each field of the key is the old row's, as it is.
fn keeps_key(
    world: &mut World<'_>,
    key: &[Expr],
    wanted: &[hir::Field],
    from: StructId,
    old: &str,
) -> bool {
    let is_kept = |number: usize, value: &Expr| match &value.kind {
        ExprKind::Field { base, field } => {
            *field as usize == number && matches!(base.kind, ExprKind::Local(LocalId(0)))
        }
        _ => false,
    };
    let changed = (0..)
        .zip(key)
        .find(|(number, value)| !is_kept(*number, value));
    let Some((number, value)) = changed else {
        return true;
    };
    let own = &wanted[number].name;
    let kept = world.program.structs[from.0 as usize].fields[number]
        .name
        .clone();
    world
        .error(
            codes::MIGRATION_CHANGES_KEY,
            value.span,
            "the key of a row stays as it is: the row is found by it before it is migrated",
        )
        .label(format!("`{own}` is part of the key"))
        .hint(format!("{own}: {old}.{kept}"))
        .edit(value.span, format!("{old}.{kept}"));
    false
}

/// Reports what a migration reads or does beside the old row.
fn looks_around(world: &mut World<'_>, values: &[Expr], shown: &str) -> bool {
    let mut seen = BTreeSet::new();
    let found = values
        .iter()
        .find_map(|value| beyond(&world.program, value, &mut seen));
    let Some((span, what)) = found else {
        return false;
    };
    world
        .error(
            codes::MIGRATION_LOOKS_AROUND,
            span,
            format!("a row of `{shown}` is made of the old row alone; this {what}"),
        )
        .label("could give another row tomorrow")
        .hint("use a constant here, and let a command set what hangs on anything else");
    true
}

/// Where an expression is about more than its locals, and what it does there.
fn beyond(
    program: &hir::Program,
    expr: &Expr,
    seen: &mut BTreeSet<CallableId>,
) -> Option<(Span, String)> {
    let of_table = |table: &TableId| format!("`{}`", program.tables[table.0 as usize].name);
    let what = match &expr.kind {
        ExprKind::State(id) => Some(format!(
            "is about the state `{}`",
            program.states[id.0 as usize].name
        )),
        ExprKind::Aggregate { id, .. } => Some(format!(
            "reads `{}`",
            program.aggregates[id.0 as usize].name
        )),
        ExprKind::Get { table, .. } | ExprKind::GetUnique { table, .. } => {
            Some(format!("reads {}", of_table(table)))
        }
        ExprKind::Insert { table, .. }
        | ExprKind::Put { table, .. }
        | ExprKind::GetOrInsert { table, .. }
        | ExprKind::Delete { table, .. } => Some(format!("changes {}", of_table(table))),
        ExprKind::Comprehension { source, .. } => walks(program, source),
        ExprKind::Now => Some("asks for the time".to_string()),
        ExprKind::RandomUuid { .. } => Some("draws a new uuid".to_string()),
        ExprKind::CallerId | ExprKind::CallerHasRole(_) => Some("asks who calls".to_string()),
        ExprKind::Fail(FailureValue::Declared { error, .. }) => Some(format!(
            "fails with `{}`",
            program.errors[error.0 as usize].name
        )),
        ExprKind::Call { callable, .. } if seen.insert(*callable) => {
            let callee = &program.callables[callable.0 as usize];
            let inside = beyond_block(program, &callee.body, seen);
            inside.map(|(_, what)| format!("calls `{}`, which {what}", callee.name))
        }
        _ => None,
    };
    if let Some(what) = what {
        return Some((expr.span, what));
    }
    let mut found = None;
    expr.each_child(&mut |child| {
        if found.is_none() {
            found = match child {
                Child::Expr(expr) => beyond(program, expr, seen),
                Child::Block(block) => beyond_block(program, block, seen),
            };
        }
    });
    found
}

fn beyond_block(
    program: &hir::Program,
    block: &Block,
    seen: &mut BTreeSet<CallableId>,
) -> Option<(Span, String)> {
    for statement in &block.statements {
        let what = match &statement.kind {
            StatementKind::Emit { event, .. } => {
                Some(format!("emits `{}`", program.events[event.0 as usize].name))
            }
            StatementKind::For { source, .. } => walks(program, source),
            _ => None,
        };
        if let Some(what) = what {
            return Some((statement.span, what));
        }
        let mut found = None;
        statement.each_child(&mut |child| {
            if found.is_none() {
                found = match child {
                    Child::Expr(expr) => beyond(program, expr, seen),
                    Child::Block(block) => beyond_block(program, block, seen),
                };
            }
        });
        if found.is_some() {
            return found;
        }
    }
    let value = block.value.as_ref()?;
    beyond(program, value, seen)
}

fn walks(program: &hir::Program, source: &Source) -> Option<String> {
    match source {
        Source::Rows { table, .. } | Source::AllRows { table } => {
            Some(format!("reads `{}`", program.tables[table.0 as usize].name))
        }
        Source::Range { .. } | Source::List { .. } => None,
    }
}

impl Body<'_, '_> {
    /// `Account@2.migrate({ … })` in a test: the row of version 2 that such a row of the version before becomes.
    pub fn migrated(
        &mut self,
        chain: &[TableId],
        version: u32,
        arguments: &[ast::Expr],
        named: Span,
        span: Span,
    ) -> hir::Expr {
        if self.place != Place::Test {
            self.skip(arguments, span);
            self.world
                .error(
                    codes::TESTS_ONLY,
                    span,
                    "only a test asks what a row becomes: live code sees the newest version alone",
                )
                .hint("test \"…\" { … }");
            return error(span);
        }
        let tables = &self.world.program.tables;
        let found = chain
            .iter()
            .copied()
            .find(|id| tables[id.0 as usize].version == version);
        let newest = &tables[chain[chain.len() - 1].0 as usize];
        let (name, newest) = (newest.name.clone(), newest.version);
        let Some((id, origin)) = found.and_then(|id| Some((id, tables[id.0 as usize].origin?)))
        else {
            self.skip(arguments, span);
            self.world
                .error(
                    codes::OLD_VERSION_USED,
                    named,
                    match found {
                        Some(_) => format!(
                            "`{name}@{version}` is the first version: no row becomes one of it"
                        ),
                        None => format!("there is no `{name}@{version}`"),
                    },
                )
                .hint(format!("write `{name}@{newest}`"))
                .edit(named, format!("{name}@{newest}"));
            return error(span);
        };
        let Some(function) = tables[id.0 as usize].migration else {
            // What is wrong with it was said where it stands.
            return error(span);
        };
        let from = row_struct(self.world, origin);
        let wanted = self.world.program.structs[from.0 as usize].fields.clone();
        let [
            ast::Expr {
                kind:
                    ast::ExprKind::Record {
                        qualifier: None,
                        name: None,
                        fields,
                        ..
                    },
                span: at,
            },
        ] = arguments
        else {
            self.skip(arguments, span);
            let form: Vec<&str> = wanted.iter().map(|field| field.name.as_str()).collect();
            self.world
                .error(
                    codes::WRONG_ARGUMENT_COUNT,
                    span,
                    "a migration takes one old row",
                )
                .hint(format!(
                    "{name}@{version}.migrate({{ {} }})",
                    form.join(", ")
                ));
            return error(span);
        };
        let shown = self.world.program.structs[from.0 as usize].name.clone();
        let Some(fields) = self.fields(fields, &wanted, &[], *at, &format!("`{shown}`")) else {
            return error(span);
        };
        if fields.iter().any(|field| field.ty == Type::Error) {
            return error(span);
        }
        let old = make(
            ExprKind::Struct { id: from, fields },
            Type::Struct(from, Vec::new()),
            *at,
        );
        let result = self.world.program.callables[function.0 as usize]
            .result
            .clone();
        make(
            ExprKind::Call {
                callable: function,
                generics: Vec::new(),
                arguments: vec![old],
            },
            result,
            span,
        )
    }
}
