//! `ref Table`: fields that are keys of another table's rows, and what a deletion of their target does.
//!
//! Always true after it: a reference has the type of its target's key and an order that begins with it; deletions
//! cascade in no circle, so that how far one goes is known.

use crate::world::*;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{TableId, Type};
use rc_syntax::ast;

/// Types of all tables' keys: known before anything else of tables, since references have them.
pub(crate) struct Keys {
    known: Vec<Option<Vec<Type>>>,
}

/// The table's name, and whether the reference may be absent.
fn written_reference(ty: &ast::Type) -> Option<(&ast::Name, bool)> {
    match &ty.kind {
        ast::TypeKind::Ref(name) => Some((name, false)),
        ast::TypeKind::Optional(inner) => match &inner.kind {
            ast::TypeKind::Ref(name) => Some((name, true)),
            _ => None,
        },
        _ => None,
    }
}

impl Keys {
    pub fn resolve(world: &mut World<'_>) -> Keys {
        let count = world.tables.len();
        let mut keys = Keys {
            known: vec![None; count],
        };
        let mut running = vec![false; count];
        for table in 0..count {
            keys.table(world, table, &mut running);
        }
        keys
    }

    fn table(&mut self, world: &mut World<'_>, table: usize, running: &mut [bool]) {
        if self.known[table].is_some() {
            return;
        }
        running[table] = true;
        let (module, tree) = (world.tables[table].module, world.tables[table].tree);
        let mut parts = Vec::new();
        let mut seen: Vec<&ast::Name> = Vec::new();
        for member in &tree.members {
            let ast::TableMember::Key { ty, name, .. } = member else {
                continue;
            };
            // A name that is there twice is passed over by whoever reads the table.
            if seen.iter().any(|known| known.text == name.text) {
                continue;
            }
            seen.push(name);
            if let Some((name, _)) = written_reference(ty)
                && let Some(Symbol::Table(target)) = world.find(module, &name.text)
            {
                if running[target.0 as usize] {
                    world.error(
                        codes::BAD_REFERENCE,
                        ty.span,
                        format!("the key of `{}` would be a part of itself", name.text),
                    );
                    parts.push(Type::Error);
                    continue;
                }
                self.table(world, target.0 as usize, running);
            }
            parts.push(match self.reference(world, module, ty) {
                Some((_, found)) => found,
                None => {
                    let found = world.ty(ty, module, &[]);
                    world.storable(found, ty.span, "a table")
                }
            });
        }
        running[table] = false;
        self.known[table] = Some(parts);
    }

    /// The type of a key's field.
    pub fn part(&self, table: TableId, part: usize) -> Type {
        let parts = self.known[table.0 as usize].as_ref();
        parts
            .and_then(|parts| parts.get(part))
            .cloned()
            .unwrap_or(Type::Error)
    }

    /// The target and the type of a written reference; nothing where another type is written.
    pub fn reference(
        &self,
        world: &mut World<'_>,
        module: usize,
        ty: &ast::Type,
    ) -> Option<(Option<TableId>, Type)> {
        let (name, optional) = written_reference(ty)?;
        let target = match world.find(module, &name.text) {
            Some(Symbol::Table(target)) => target,
            Some(other) => {
                let kind = other.kind(&world.program);
                world.error(
                    codes::WRONG_KIND_OF_NAME,
                    name.span,
                    format!("`{}` is {kind}, not a table", name.text),
                );
                return Some((None, Type::Error));
            }
            None => {
                let near = world.near(module, &name.text, |symbol| {
                    matches!(symbol, Symbol::Table(_))
                });
                world
                    .error(
                        codes::UNKNOWN_NAME,
                        name.span,
                        format!("there is no table `{}`", name.text),
                    )
                    .hint_if(near.map(|near| format!("did you mean `{near}`?")));
                return Some((None, Type::Error));
            }
        };
        let parts = self.known[target.0 as usize].clone().unwrap_or_default();
        let key = match parts.as_slice() {
            [] => Type::Error,
            [one] => one.clone(),
            _ if parts.contains(&Type::Error) => Type::Error,
            _ => Type::Tuple(parts),
        };
        let ty = if optional && key != Type::Error {
            key.optional()
        } else {
            key
        };
        Some((Some(target), ty))
    }
}

/// The references of a table, once its fields and indexes are known.
pub(crate) fn of_table(world: &mut World<'_>, module: usize, id: TableId, tree: &ast::Table) {
    let mut found: Vec<hir::Reference> = Vec::new();
    for member in &tree.members {
        let (name, ty) = match member {
            ast::TableMember::Key { name, ty, .. } => (name, ty),
            ast::TableMember::Field(field) => (&field.name, &field.ty),
            _ => continue,
        };
        let Some((table, optional)) = written_reference(ty) else {
            continue;
        };
        let Some(Symbol::Table(target)) = world.find(module, &table.text) else {
            continue;
        };
        let Some(field) = world.table_fields[id.0 as usize].get(&name.text).copied() else {
            continue;
        };
        let declared = &world.program.tables[id.0 as usize];
        if declared.fields[field as usize].ty == Type::Error
            || found.iter().any(|reference| reference.field == field)
        {
            continue;
        }
        let Some(order) = declared.order_led_by(&[field]) else {
            world
                .error(
                    codes::REFERENCE_WITHOUT_INDEX,
                    name.span,
                    format!(
                        "`{}` needs an index that begins with it: a deletion from `{}` looks there",
                        name.text, table.text
                    ),
                )
                .hint(format!("index by_{0}({0})", name.text));
            continue;
        };
        found.push(hir::Reference {
            field,
            target,
            optional,
            order,
            cascade: None,
            clear: None,
            span: ty.span,
        });
    }
    for member in &tree.members {
        if let ast::TableMember::OnDelete {
            reference,
            action,
            limit,
            span,
        } = member
        {
            let field = world.table_fields[id.0 as usize]
                .get(&reference.text)
                .copied();
            let is_reference = tree.members.iter().any(|member| match member {
                ast::TableMember::Key { name, ty, .. } => {
                    name.text == reference.text && written_reference(ty).is_some()
                }
                ast::TableMember::Field(field) => {
                    field.name.text == reference.text && written_reference(&field.ty).is_some()
                }
                _ => false,
            });
            if !is_reference {
                world
                    .error(
                        codes::BAD_ON_DELETE,
                        reference.span,
                        format!("`{}` is no `ref` of this table", reference.text),
                    )
                    .hint(format!("{}: ref Table", reference.text));
                continue;
            }
            let form = format!("on delete {} {} take 100", reference.text, action.text);
            let bound = match (&*action.text, limit) {
                ("cascade" | "clear", Some(limit)) => match world.const_expr(limit, module, &[]) {
                    Some(hir::ConstExpr::Number(number)) if (1..=1 << 20).contains(&number) => {
                        Some(number)
                    }
                    Some(_) => {
                        let what = match &*action.text {
                            "clear" => "clearing",
                            _ => "a cascade",
                        };
                        world.error(
                            codes::BAD_ON_DELETE,
                            limit.span,
                            format!(
                                "{what} takes from 1 to 1048576 rows, a number that is known here"
                            ),
                        );
                        None
                    }
                    None => None,
                },
                ("cascade", None) => {
                    world
                        .error(
                            codes::BAD_ON_DELETE,
                            *span,
                            "a cascade needs a bound: how many rows go with their target, at most?",
                        )
                        .hint(form);
                    None
                }
                ("clear", None) => {
                    world
                        .error(
                            codes::BAD_ON_DELETE,
                            *span,
                            "clearing needs a bound: how many rows lose their reference, at most?",
                        )
                        .hint(form);
                    None
                }
                ("restrict", None) => None,
                _ => {
                    world
                        .error(
                            codes::BAD_ON_DELETE,
                            action.span,
                            "what a deletion of the target does is `restrict`, `cascade take n` or `clear take n`",
                        )
                        .hint(format!("on delete {} cascade take 100", reference.text));
                    None
                }
            };
            if let Some(reference) = found
                .iter_mut()
                .find(|reference| Some(reference.field) == field)
            {
                match &*action.text {
                    "clear" if !reference.optional && bound.is_some() => {
                        let (field, target) = (reference.field as usize, reference.target);
                        let field = world.program.tables[id.0 as usize].fields[field]
                            .name
                            .clone();
                        let target = world.program.tables[target.0 as usize].name.clone();
                        world
                            .error(
                                codes::BAD_ON_DELETE,
                                action.span,
                                format!("`{field}` always leads to a row, so it cannot be cleared"),
                            )
                            .hint(format!("{field}: ref {target}?"));
                    }
                    "clear" => reference.clear = bound,
                    _ => reference.cascade = bound,
                }
            }
        }
    }
    found.sort_by_key(|reference| reference.field);
    world.program.tables[id.0 as usize].references = found;
}

/// A circle of cascades has no bound.
pub(crate) fn no_circles(world: &mut World<'_>) {
    for table in 0..world.program.tables.len() as u32 {
        let table = TableId(table);
        let closing = world.program.tables[table.0 as usize]
            .references
            .iter()
            .find(|reference| {
                reference.cascade.is_some()
                    && world
                        .program
                        .deleted_with(table)
                        .contains(&reference.target)
            })
            .map(|reference| (reference.span, reference.target));
        let Some((span, target)) = closing else {
            continue;
        };
        let names = &world.program.tables;
        let (from, to) = (
            names[table.0 as usize].name.clone(),
            names[target.0 as usize].name.clone(),
        );
        let message = if table == target {
            format!("a deletion from `{to}` would cascade into `{to}` again, without an end")
        } else {
            format!("a deletion from `{to}` would cascade through `{from}` back into `{to}`")
        };
        world
            .error(codes::CASCADE_CIRCLE, span, message)
            .hint("leave this `on delete` out, and delete level by level in the command");
        return;
    }
}
