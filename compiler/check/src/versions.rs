//! Versions of tables: the chain from the first to the newest, and who may name an older one.
//!
//! Always true after it: every version but the first comes from an earlier one of the same table, and no two from the same; what
//! has no message has one `migrate` exactly where it comes from another.

use crate::body::Body;
use crate::declare::duplicate;
use crate::world::*;
use rc_diagnostics::codes;
use rc_hir::TableId;
use rc_source::Span;
use rc_syntax::ast;

/// Links each version with the one that it comes from.
pub(crate) fn chain(world: &mut World<'_>) {
    for index in 0..world.tables.len() {
        let id = TableId(index as u32);
        let tree = world.tables[index].tree;
        if let Some(first) = declared_before(world, id) {
            let name = world.program.tables[index].versioned_name();
            duplicate(world, &name.into(), tree.name.span, first);
            continue;
        }
        let version = world.program.tables[index].version;
        if version == 0 {
            world
                .error(
                    codes::VERSIONS_OUT_OF_ORDER,
                    tree.name.span,
                    "versions are counted from 1",
                )
                .hint(format!("table {} {{ … }}", tree.name.text));
            continue;
        }
        match &tree.from {
            Some((name, from)) => link(world, id, name, from.unwrap_or(1)),
            None if version > 1 => {
                let table = &tree.name.text;
                world
                    .error(
                        codes::ORIGIN_MISSING,
                        tree.name.span,
                        format!(
                            "`{table}@{version}` does not say which version its rows come from"
                        ),
                    )
                    .hint(format!(
                        "table {table}@{version} from {table}@{} {{ … }}",
                        version - 1
                    ));
            }
            None => {}
        }
        one_migrate(world, id);
    }
}

/// Where the same version of the same table stands further up.
fn declared_before(world: &World<'_>, id: TableId) -> Option<Span> {
    let own = &world.program.tables[id.0 as usize];
    let module = world.tables[id.0 as usize].module;
    (0..id.0 as usize)
        .filter(|other| world.tables[*other].module == module)
        .map(|other| &world.program.tables[other])
        .find(|other| other.name == own.name && other.version == own.version)
        .map(|other| other.span)
}

fn find(world: &World<'_>, module: usize, name: &str, version: u32) -> Option<TableId> {
    let found = world
        .tables
        .iter()
        .zip(&world.program.tables)
        .position(|(declared, table)| {
            declared.module == module && table.name == name && table.version == version
        });
    found.map(|found| TableId(found as u32))
}

fn link(world: &mut World<'_>, id: TableId, name: &ast::Name, from: u32) {
    let own = &world.program.tables[id.0 as usize];
    let (table, version, shown) = (own.name.clone(), own.version, own.versioned_name());
    let module = world.tables[id.0 as usize].module;
    let earlier = version.saturating_sub(1).max(1);
    if *name.text != *table {
        world
            .error(
                codes::VERSIONS_OUT_OF_ORDER,
                name.span,
                format!(
                    "`{shown}` comes from an earlier version of `{table}`, not of `{}`",
                    name.text
                ),
            )
            .hint(format!(
                "table {table}@{} from {table}@{earlier} {{ … }}",
                earlier + 1
            ));
        return;
    }
    if from >= version {
        world
            .error(
                codes::VERSIONS_OUT_OF_ORDER,
                name.span,
                format!("version {version} cannot come from version {from}: versions rise"),
            )
            .hint(format!(
                "table {table}@{} from {table}@{from} {{ … }}",
                from.saturating_add(1)
            ));
        return;
    }
    let Some(origin) = find(world, module, &table, from) else {
        world
            .error(
                codes::ORIGIN_UNKNOWN,
                name.span,
                format!("`{table}@{from}` is not declared"),
            )
            .label("rows come from it")
            .hint(format!(
                "keep `table {table}{} {{ … }}` as it was deployed: its rows are read by it",
                match from {
                    1 => String::new(),
                    from => format!("@{from}"),
                }
            ));
        return;
    };
    if let Some(other) = world.program.tables[origin.0 as usize].newer {
        let other = world.program.tables[other.0 as usize].span;
        world
            .error(
                codes::VERSIONS_OUT_OF_ORDER,
                name.span,
                format!("two versions come from `{table}@{from}`: which one has its rows?"),
            )
            .secondary(other, "the other one")
            .hint(format!(
                "table {table}@{version} from {table}@{earlier} {{ … }}"
            ));
        return;
    }
    world.program.tables[origin.0 as usize].newer = Some(id);
    world.program.tables[id.0 as usize].origin = Some(origin);
}

/// Exactly one `migrate` where there is something to migrate from, none elsewhere.
fn one_migrate(world: &mut World<'_>, id: TableId) {
    let tree = world.tables[id.0 as usize].tree;
    let own = &world.program.tables[id.0 as usize];
    let (version, shown, origin) = (own.version, own.versioned_name(), own.origin);
    let mut found = tree.members.iter().filter_map(|member| match member {
        ast::TableMember::Migrate { span, .. } => Some(*span),
        _ => None,
    });
    let (first, second) = (found.next(), found.next());
    match (&tree.from, first, second) {
        (None, Some(span), _) if version == 1 => {
            world
                .error(
                    codes::BAD_MIGRATE,
                    span,
                    format!("`{shown}` is the first version: there are no rows to migrate"),
                )
                .hint(format!("table {shown}@2 from {shown}@1 {{ … }}"));
        }
        (Some(_), None, _) => {
            let Some(origin) = origin else { return };
            let hint = template(tree, world.tables[origin.0 as usize].tree);
            world
                .error(
                    codes::BAD_MIGRATE,
                    tree.name.span,
                    format!("`{shown}` does not say how an old row becomes one of its own"),
                )
                .hint(hint);
        }
        (Some(_), Some(first), Some(second)) => {
            world
                .error(
                    codes::BAD_MIGRATE,
                    second,
                    format!("`{shown}` has two migrations: a row becomes one thing"),
                )
                .secondary(first, "the first one")
                .hint("leave one of the two out");
        }
        _ => {}
    }
}

/// A `migrate` that keeps what both versions have.
fn template(new: &ast::Table, old: &ast::Table) -> String {
    fn names(table: &ast::Table) -> Vec<(&str, bool)> {
        let members = table.members.iter();
        let names = members.filter_map(|member| match member {
            ast::TableMember::Key { name, .. } => Some((&*name.text, false)),
            ast::TableMember::Field(field) => Some((&*field.name.text, field.default.is_some())),
            _ => None,
        });
        names.collect()
    }
    let old = names(old);
    let parts: Vec<String> = names(new)
        .into_iter()
        .filter_map(
            |(name, has_default)| match old.iter().any(|(known, _)| *known == name) {
                true => Some(format!("{name}: old.{name}")),
                false if has_default => None,
                false => Some(format!("{name}: …")),
            },
        )
        .collect();
    format!("migrate old => {{ {} }}", parts.join(", "))
}

impl Body<'_, '_> {
    /// All versions of the table that a bare name stands for, the newest last; none where it stands for anything else.
    pub fn versions_of(&self, base: &ast::Expr) -> Option<Vec<TableId>> {
        let ast::ExprKind::Name { name, arguments } = &base.kind else {
            return None;
        };
        if !arguments.is_empty() || self.find_local(&name.text).is_some() {
            return None;
        }
        let Some(Symbol::Table(newest)) = self.world.find(self.module, &name.text) else {
            return None;
        };
        let tables = &self.world.program.tables;
        let mut chain = vec![newest];
        while let Some(origin) = tables[chain[chain.len() - 1].0 as usize].origin {
            chain.push(origin);
        }
        chain.reverse();
        Some(chain)
    }

    /// Reports `Account@1` in an expression; whether it is a table's version at all.
    pub fn version_of_table(&mut self, base: &ast::Expr, version: u32, span: Span) -> bool {
        let Some(chain) = self.versions_of(base) else {
            return false;
        };
        let newest = &self.world.program.tables[chain[chain.len() - 1].0 as usize];
        let (name, newest) = (newest.name.clone(), newest.version);
        let known = self.has_version(&chain, version);
        let message = match (known, version == newest) {
            (_, true) => format!("`{name}` means `{name}@{version}` everywhere"),
            (true, _) => format!(
                "`{name}@{version}` is an older version: live code reads and writes `{name}`, whose rows it became"
            ),
            (false, _) => {
                format!("there is no `{name}@{version}`, and `{name}` means the newest version")
            }
        };
        self.world
            .error(codes::OLD_VERSION_USED, span, message)
            .hint(format!("write `{name}`"))
            .edit(span, name);
        true
    }

    fn has_version(&self, chain: &[TableId], version: u32) -> bool {
        let tables = &self.world.program.tables;
        chain
            .iter()
            .any(|id| tables[id.0 as usize].version == version)
    }
}
