//! Tables: key, fields, indexes, capacity. Row invariants are checked with the others.
//!
//! Always true after it: key fields come first; an index's fields can be ordered by their bytes; nothing here
//! is a float.

use crate::containers::{Owner, empty_header};
use crate::declare::duplicate;
use crate::names::nearest;
use crate::world::*;
use rc_bytecode::instr::Scalar;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Storage, TableId, Type};
use rc_source::Span;
use rc_syntax::ast;
use std::collections::HashMap;
use std::sync::Arc;

/// Rows that a table without a `capacity` can have (decision 12).
pub(crate) const CAPACITY_DEFAULT: u64 = 1 << 40;

pub(crate) fn resolve(world: &mut World<'_>) {
    let keys = crate::references::Keys::resolve(world);
    for index in 0..world.tables.len() {
        let (module, tree) = (world.tables[index].module, world.tables[index].tree);
        Shaper {
            world,
            module,
            id: TableId(index as u32),
            tree,
            keys: &keys,
        }
        .shape();
    }
    crate::references::no_circles(world);
}

struct Shaper<'w, 'a> {
    world: &'w mut World<'a>,
    module: usize,
    id: TableId,
    tree: &'a ast::Table,
    keys: &'w crate::references::Keys,
}

impl Shaper<'_, '_> {
    fn shape(&mut self) {
        let mut keys = Vec::new();
        let mut others = Vec::new();
        let mut storage: Option<(Storage, Span)> = None;
        let mut seen: HashMap<Arc<str>, Span> = HashMap::new();
        for member in &self.tree.members {
            let (name, written, docs) = match member {
                ast::TableMember::Key { docs, name, ty, .. } => (name, ty, docs),
                ast::TableMember::Field(field) => (&field.name, &field.ty, &field.docs),
                _ => continue,
            };
            if let Some(first) = seen.insert(name.text.clone(), name.span) {
                duplicate(self.world, &name.text, name.span, first);
                continue;
            }
            let ty = match member {
                ast::TableMember::Key { .. } => self.keys.part(self.id, keys.len()),
                _ => match self.keys.reference(self.world, self.module, written) {
                    Some((_, ty)) => ty,
                    None => {
                        let owner = Owner::Field(self.id, name);
                        match self.world.container(written, owner, self.module) {
                            Some(container) => container,
                            None => {
                                let ty = self.world.ty(written, self.module, &[]);
                                self.world.storable(ty, written.span, "a table")
                            }
                        }
                    }
                },
            };
            let is_container = matches!(ty, Type::Container(_));
            let mut field = hir::Field {
                name: name.text.to_string(),
                default: is_container.then(|| empty_header(&ty, name.span)),
                ty,
                docs: docs.join("\n"),
                span: name.span,
            };
            let ast::TableMember::Key { storage: said, .. } = member else {
                others.push(field);
                continue;
            };
            if let Some(said) = said {
                self.storage(said, &mut storage);
            }
            if !orderable(&field.ty, &self.world.program) {
                self.bad_key(&field.ty, written.span, "a key");
                field.ty = Type::Error;
            }
            keys.push(field);
        }
        let name = self.tree.name.text.clone();
        if keys.is_empty() {
            self.world
                .error(
                    codes::KEY_MISSING,
                    self.tree.name.span,
                    format!("the table `{name}` has no key"),
                )
                .label("which field tells its rows apart?")
                .hint("key id: u64");
        }
        let storage_kind = storage.map_or(Storage::Hashed, |(storage, _)| storage);
        if let (Storage::Dense, Some((_, span))) = (storage_kind, storage) {
            self.dense(&keys, span);
        }
        let capacity = self.capacity();
        let table = &mut self.world.program.tables[self.id.0 as usize];
        table.key_len = keys.len() as u32;
        table.fields = keys;
        table.fields.append(&mut others);
        table.storage = storage_kind;
        table.capacity = capacity;
        let numbers = table
            .fields
            .iter()
            .enumerate()
            .map(|(number, field)| (Arc::from(field.name.as_str()), number as u32));
        self.world.table_fields[self.id.0 as usize] = numbers.collect();
        for (number, field) in (0..).zip(&table.fields) {
            if let Type::Container(id) = field.ty
                && let Some(shared) = &mut self.world.program.containers[id.0 as usize].shared
            {
                shared.field = number;
            }
        }
        self.indexes(&mut seen);
        crate::references::of_table(self.world, self.module, self.id, self.tree);
    }

    fn storage(&mut self, said: &ast::Name, storage: &mut Option<(Storage, Span)>) {
        let kind = match &*said.text {
            "hashed" => Storage::Hashed,
            "ordered" => Storage::Ordered,
            "dense" => Storage::Dense,
            other => {
                let near = nearest(other, ["hashed", "ordered", "dense"].into_iter());
                self.world
                    .error(
                        codes::BAD_KEY_TYPE,
                        said.span,
                        format!("a key is `hashed`, `ordered` or `dense`, not `{other}`"),
                    )
                    .meant(said.span, near);
                return;
            }
        };
        match storage {
            Some((earlier, span)) if *earlier != kind => {
                let span = *span;
                self.world
                    .error(
                        codes::BAD_KEY_TYPE,
                        said.span,
                        "the fields of one key are stored in one way",
                    )
                    .secondary(span, "another way here");
            }
            _ => *storage = Some((kind, said.span)),
        }
    }

    fn dense(&mut self, keys: &[hir::Field], span: Span) {
        let fits = match keys {
            [key] => matches!(
                key.ty,
                Type::Error | Type::Scalar(Scalar::U8 | Scalar::U16 | Scalar::U32 | Scalar::U64)
            ),
            _ => false,
        };
        if !fits {
            self.world
                .error(
                    codes::BAD_KEY_TYPE,
                    span,
                    "a `dense` key is one unsigned integer of at most 64 bits",
                )
                .label("addresses rows directly")
                .hint("leave `dense` out, or make it `ordered`");
        }
    }

    fn capacity(&mut self) -> u64 {
        let Some(written) = &self.tree.capacity else {
            return CAPACITY_DEFAULT;
        };
        match self.world.const_expr(written, self.module, &[]) {
            Some(hir::ConstExpr::Number(number)) if (1..=CAPACITY_DEFAULT).contains(&number) => {
                number
            }
            Some(_) => {
                self.world.error(
                    codes::BOUND_NOT_CONSTANT,
                    written.span,
                    format!("a capacity is a number from 1 to {CAPACITY_DEFAULT}"),
                );
                CAPACITY_DEFAULT
            }
            None => CAPACITY_DEFAULT,
        }
    }

    fn bad_key(&mut self, ty: &Type, span: Span, what: &str) {
        let shown = self.world.show(ty);
        let hint = match ty {
            Type::Scalar(Scalar::F64) => {
                "floats are not keys: two of them can look equal and not be; use a `decimal<18, 6>`, say"
            }
            Type::Optional(_) => "a key is always there; use a value of its own for absence",
            _ => {
                "integers, decimals, `time`, `uuid`, `hash`, `string<N>`, `bytes<N>` and enums without payloads can"
            }
        };
        self.world
            .error(
                codes::BAD_KEY_TYPE,
                span,
                format!("`{shown}` cannot be {what}"),
            )
            .hint(hint);
    }

    fn indexes(&mut self, seen: &mut HashMap<Arc<str>, Span>) {
        for member in &self.tree.members {
            let ast::TableMember::Index {
                name,
                fields,
                unique,
                span,
            } = member
            else {
                continue;
            };
            if let Some(first) = seen.insert(name.text.clone(), name.span) {
                duplicate(self.world, &name.text, name.span, first);
                continue;
            }
            if TABLE_WORDS.contains(&&*name.text) {
                self.world.error(
                    codes::BAD_INDEX,
                    name.span,
                    format!(
                        "`{}` is an operation of every table; give the index another name",
                        name.text
                    ),
                );
                continue;
            }
            let mut numbers: Vec<u32> = Vec::new();
            for field in fields {
                let Some(number) = self.world.table_fields[self.id.0 as usize]
                    .get(&field.text)
                    .copied()
                else {
                    self.unknown_field(field);
                    continue;
                };
                if numbers.contains(&number) {
                    self.world.error(
                        codes::BAD_INDEX,
                        field.span,
                        format!("`{}` stands twice in this index", field.text),
                    );
                    continue;
                }
                let ty = self.world.program.tables[self.id.0 as usize].fields[number as usize]
                    .ty
                    .clone();
                if !indexable(&ty, &self.world.program) {
                    self.bad_key(&ty, field.span, "in an index");
                }
                numbers.push(number);
            }
            if fields.is_empty() {
                self.world
                    .error(codes::BAD_INDEX, *span, "an index needs a field")
                    .hint(format!("index {}(field)", name.text));
            }
            let table = &mut self.world.program.tables[self.id.0 as usize];
            let number = table.indexes.len() as u32;
            table.indexes.push(hir::Index {
                name: name.text.to_string(),
                fields: numbers,
                unique: *unique,
                span: *span,
            });
            self.world.index_names[self.id.0 as usize].insert(name.text.clone(), number);
        }
    }

    fn unknown_field(&mut self, field: &ast::Name) {
        let table = &self.world.program.tables[self.id.0 as usize];
        let near = nearest(
            &field.text,
            table.fields.iter().map(|field| field.name.as_str()),
        );
        let table = table.name.clone();
        self.world
            .error(
                codes::UNKNOWN_FIELD,
                field.span,
                format!("`{table}` has no field `{}`", field.text),
            )
            .meant(field.span, near);
    }
}

/// Operations of tables, which no index may be named like.
pub(crate) const TABLE_WORDS: &[&str] = &[
    "get",
    "insert",
    "get_or_insert",
    "put",
    "delete",
    "contains",
    "from",
    "after",
    "to",
    "ascending",
    "descending",
    "by_key",
];

/// Whether values of a type have one order that their encoded bytes can have too.
pub(crate) fn orderable(ty: &Type, program: &hir::Program) -> bool {
    match ty {
        Type::Scalar(scalar) => *scalar != Scalar::F64,
        Type::Time
        | Type::Duration
        | Type::Uuid
        | Type::Hash
        | Type::Decimal { .. }
        | Type::String(_)
        | Type::Bytes(_)
        | Type::Error => true,
        Type::Enum(id, _) => program.enums[id.0 as usize]
            .variants
            .iter()
            .all(|variant| variant.fields.is_empty()),
        Type::Tuple(parts) => parts.iter().all(|part| orderable(part, program)),
        _ => false,
    }
}

/// Whether a field can stand in an index, or tell groups apart: an ordered one, or an optional of one (`none` comes first).
pub(crate) fn indexable(ty: &Type, program: &hir::Program) -> bool {
    match ty {
        Type::Optional(inner) => orderable(inner, program),
        other => orderable(other, program),
    }
}

pub(crate) fn check_defaults(world: &mut World<'_>) {
    for index in 0..world.tables.len() {
        let (module, tree) = (world.tables[index].module, world.tables[index].tree);
        for member in &tree.members {
            let ast::TableMember::Field(field) = member else {
                continue;
            };
            let (Some(default), Some(number)) = (
                &field.default,
                world.table_fields[index].get(&field.name.text).copied(),
            ) else {
                continue;
            };
            let ty = world.program.tables[index].fields[number as usize]
                .ty
                .clone();
            if matches!(ty, Type::Container(_)) {
                world.container_with_value(&ty, default);
                continue;
            }
            let value = world.constant_value(default, Some(&ty), module);
            world.program.tables[index].fields[number as usize].default = Some(value);
        }
    }
}
