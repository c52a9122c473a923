//! Containers as states and as tables' fields: their types, and the hidden tables that hold their elements.
//!
//! Always true after it: a state or field of type `Container` has its hidden table among the program's, after those
//! that have names; keys, elements of sets and priorities have an order; nothing else has such a type.

use crate::body::make;
use crate::tables::{CAPACITY_DEFAULT, orderable};
use crate::world::World;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Container, ContainerId, ContainerKind, ExprKind, Shared, Storage, TableId, Type};
use rc_source::Span;
use rc_syntax::ast;
use std::collections::HashMap;

/// Who has a container.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'n> {
    State(&'n ast::Name),
    Field(TableId, &'n ast::Name),
}

impl World<'_> {
    /// The type of a state or field that is a container; none where another type is written.
    pub fn container(
        &mut self,
        written: &ast::Type,
        owner: Owner<'_>,
        module: usize,
    ) -> Option<Type> {
        let ast::TypeKind::Named { name, arguments } = &written.kind else {
            return None;
        };
        let kind = ContainerKind::named(&name.text, arguments.len())?;
        let mut parts = Vec::new();
        for (number, argument) in arguments.iter().enumerate() {
            let span = match argument {
                ast::TypeArgument::Type(ty) => ty.span,
                ast::TypeArgument::Const(expr) => expr.span,
            };
            let part = self.type_argument(argument, module, &[]);
            let mut part = self.storable(part, span, &format!("a `{}`", name.text));
            let ordered = number == 0 && !matches!(kind, ContainerKind::Queue | ContainerKind::Log);
            if ordered && !orderable(&part, &self.program) {
                let shown = self.show(&part);
                let what = match kind {
                    ContainerKind::PriorityQueue => "a priority",
                    ContainerKind::Set => "an element of a `set`",
                    _ => "a key",
                };
                self.error(
                    codes::BAD_KEY_TYPE,
                    span,
                    format!("`{shown}` cannot be {what}"),
                )
                .hint("integers, decimals, `time`, `uuid`, `hash`, `string<N>`, `bytes<N>` and enums without payloads can");
                part = Type::Error;
            }
            parts.push(part);
        }
        if parts.contains(&Type::Error) {
            return Some(Type::Error);
        }
        Some(Type::Container(self.made(kind, parts, owner)))
    }

    fn made(&mut self, kind: ContainerKind, parts: Vec<Type>, owner: Owner<'_>) -> ContainerId {
        let (name, span, is_field) = match owner {
            Owner::State(name) => (name.text.to_string(), name.span, false),
            Owner::Field(table, name) => {
                let table = &self.program.tables[table.0 as usize].name;
                (format!("{table}.{}", name.text), name.span, true)
            }
        };
        let (names, key_len): (&[&str], u32) = match kind {
            ContainerKind::Map | ContainerKind::Tree => (&["key", "value"], 1),
            ContainerKind::Set => (&["item"], 1),
            ContainerKind::Queue => (&["position", "item"], 1),
            ContainerKind::Log => (&["offset", "item"], 1),
            ContainerKind::PriorityQueue => (&["priority", "sequence", "item"], 2),
            ContainerKind::Text | ContainerKind::Blob => (&["piece", "content"], 1),
        };
        let mut types = parts.clone();
        match kind {
            ContainerKind::Queue | ContainerKind::Log => types.insert(0, Type::U64),
            ContainerKind::PriorityQueue => types.insert(1, Type::U64),
            ContainerKind::Text | ContainerKind::Blob => {
                types = vec![
                    Type::U64,
                    Type::Bytes(hir::Count::Known(1 << self.piece_shift())),
                ];
            }
            _ => {}
        }
        let mut fields: Vec<(&str, Type)> = names.iter().copied().zip(types).collect();
        let storage = match kind {
            _ if is_field => Storage::Ordered,
            ContainerKind::Map | ContainerKind::Set => Storage::Hashed,
            ContainerKind::Log | ContainerKind::Text | ContainerKind::Blob => Storage::Dense,
            _ => Storage::Ordered,
        };
        if is_field {
            fields.insert(0, ("container", Type::U64));
        }
        let table = self.hidden_table(
            name.clone(),
            fields,
            key_len + u32::from(is_field),
            storage,
            span,
        );
        let shared = match owner {
            Owner::State(_) => None,
            Owner::Field(of, _) => {
                let garbage = self.hidden_table(
                    format!("{name}.garbage"),
                    vec![("container", Type::U64)],
                    1,
                    Storage::Ordered,
                    span,
                );
                let last = hir::StateId(self.program.states.len() as u32);
                self.program.states.push(hir::State {
                    name: format!("{name}.last"),
                    ty: Type::U64,
                    default: None,
                    span,
                });
                Some(Shared {
                    owner: of,
                    field: 0,
                    garbage,
                    last,
                })
            }
        };
        self.program.containers.push(Container {
            kind,
            parts,
            table,
            shared,
        });
        ContainerId(self.program.containers.len() as u32 - 1)
    }

    fn hidden_table(
        &mut self,
        name: String,
        fields: Vec<(&str, Type)>,
        key_len: u32,
        storage: Storage,
        span: Span,
    ) -> TableId {
        let fields = fields.into_iter().map(|(name, ty)| hir::Field {
            name: name.to_string(),
            ty,
            default: None,
            docs: String::new(),
            span,
        });
        self.program.tables.push(hir::Table {
            name,
            version: 1,
            origin: None,
            migration: None,
            newer: None,
            fields: fields.collect(),
            key_len,
            storage,
            capacity: CAPACITY_DEFAULT,
            indexes: Vec::new(),
            references: Vec::new(),
            invariants: Vec::new(),
            docs: String::new(),
            span,
        });
        self.index_names.push(HashMap::new());
        self.table_fields.push(HashMap::new());
        TableId(self.program.tables.len() as u32 - 1)
    }

    /// A container cannot be where this type is written.
    pub fn misplaced_container(&mut self, written: &str, arguments: usize, span: Span) -> Type {
        let text = self.text_of(span);
        if ContainerKind::named(written, arguments).is_some() {
            let sized = hir::Sorted::named(written)
                .and_then(|_| Some(format!("{}, 100>", text.strip_suffix('>')?)));
            let what = match sized {
                Some(_) => "without a largest length lives",
                None => "lives",
            };
            let note = self
                .error(
                    codes::CONTAINER_MISPLACED,
                    span,
                    format!("a `{written}` {what} in the canvas: it is a state or a table's field"),
                )
                .label("not a value that could be kept or sent");
            match (written, sized) {
                (_, Some(sized)) => drop(note.hint(format!("write `{sized}`")).edit(span, sized)),
                ("text", _) => {
                    drop(note.hint("string<1000>, a part of it that `read(offset, 1000)` gives"))
                }
                ("blob", _) => {
                    drop(note.hint("bytes<1000>, a part of it that `read(offset, 1000)` gives"))
                }
                _ => drop(note.hint(format!("state items: {text}"))),
            }
            return Type::Error;
        }
        if matches!(written, "text" | "blob") {
            let bounded = if written == "text" { "string" } else { "bytes" };
            let arguments = &text[written.len().min(text.len())..];
            let hint = format!("{bounded}{arguments}");
            self.error(
                codes::BAD_TYPE_ARGUMENT,
                span,
                format!("a `{written}` is as long as it gets, and takes no number"),
            )
            .hint(hint);
            return Type::Error;
        }
        let (needed, example) = match written {
            "map" | "tree" => (
                "the types of its keys and values",
                format!("{written}<u64, u64>"),
            ),
            "priority_queue" => (
                "the types of its priorities and elements",
                "priority_queue<u64, u64, 100>".to_string(),
            ),
            _ => ("the type of its elements", format!("{written}<u64>")),
        };
        self.error(
            codes::BAD_TYPE_ARGUMENT,
            span,
            format!("`{written}` needs {needed}"),
        )
        .hint(example);
        Type::Error
    }

    /// What a cascade deletes has no containers: how much they hold is not known.
    pub fn no_containers_in_cascades(&mut self) {
        let mut found = Vec::new();
        for table in &self.program.tables {
            let container = table
                .fields
                .iter()
                .find(|field| matches!(field.ty, Type::Container(_)));
            let cascade = table
                .references
                .iter()
                .find(|reference| reference.cascade.is_some());
            if let (Some(field), Some(cascade)) = (container, cascade) {
                found.push((
                    table.name.clone(),
                    field.name.clone(),
                    field.span,
                    cascade.span,
                ));
            }
        }
        for (table, field, span, cascade) in found {
            self.error(
                codes::CONTAINER_IN_CASCADE,
                cascade,
                format!("a cascade cannot delete rows of `{table}`: `{field}` is a container"),
            )
            .secondary(span, "the container")
            .hint("leave the `on delete` out, and delete the rows in the command");
        }
    }

    /// A container begins empty.
    pub fn container_with_value(&mut self, ty: &Type, default: &ast::Expr) {
        let shown = self.show(ty);
        self.error(
            codes::CONTAINER_WITH_VALUE,
            default.span,
            format!("a `{shown}` begins empty, and has no first value"),
        )
        .hint("leave `= …` out");
    }
}

/// The header of a container that was never written.
pub(crate) fn empty_header(ty: &Type, span: Span) -> hir::Expr {
    let zero = make(ExprKind::Integer(0), Type::U64, span);
    make(
        ExprKind::Tuple(vec![zero; hir::header::LENGTH]),
        ty.clone(),
        span,
    )
}
