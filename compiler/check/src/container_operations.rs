//! Operations of containers, written out as ordinary operations of their hidden tables.
//!
//! Always true: a container is only the receiver of a call; what an operation gives is a copy.

use crate::body::{Body, error, make};
use crate::container_script::Script;
use crate::names::nearest;
use rc_bytecode::instr::BinaryOp;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ContainerId, ContainerKind, Expr, ExprKind, TableId, Type, header};
use rc_source::Span;
use rc_syntax::ast;

/// Elements of a deleted row that adding one element frees.
pub(crate) const FREED_AT_ONCE: u64 = 2;

/// What each container can be asked and told.
fn operations(kind: ContainerKind) -> &'static [&'static str] {
    match kind {
        ContainerKind::Map => &[
            "get", "put", "insert", "remove", "contains", "len", "is_empty",
        ],
        ContainerKind::Tree => &[
            "get", "put", "insert", "remove", "contains", "first", "last", "len", "is_empty",
        ],
        ContainerKind::Set => &["insert", "remove", "contains", "len", "is_empty"],
        ContainerKind::Queue | ContainerKind::PriorityQueue => {
            &["push", "pop", "peek", "len", "is_empty"]
        }
        ContainerKind::Log => &["append", "get", "len", "is_empty"],
        ContainerKind::Text => &["read", "append", "truncate", "clear", "len", "is_empty"],
        ContainerKind::Blob => &[
            "read", "append", "write", "truncate", "clear", "len", "is_empty",
        ],
    }
}

/// How an operation is called, for hints.
fn form(kind: ContainerKind, operation: &str) -> String {
    let arguments = match (kind, operation) {
        (_, "put") | (ContainerKind::Map | ContainerKind::Tree, "insert") => "key, value",
        (ContainerKind::PriorityQueue, "push") => "priority, item",
        (ContainerKind::Log, "get") => "offset",
        (ContainerKind::Text | ContainerKind::Blob, "read") => "offset, 1000",
        (_, "write") => "offset, part",
        (_, "truncate") => "length",
        (ContainerKind::Text | ContainerKind::Blob, "append") => "part",
        (ContainerKind::Map | ContainerKind::Tree, "get" | "remove" | "contains") => "key",
        (_, "insert" | "remove" | "contains" | "push" | "append") => "item",
        _ => "",
    };
    format!("{operation}({arguments})")
}

impl<'w, 'a> Body<'w, 'a> {
    /// The expression before a method's name: the one place where a container may stand.
    pub fn receiver(&mut self, base: &ast::Expr, expected: Option<&Type>) -> Expr {
        self.receiver_at = Some(base.span);
        self.expr(base, expected)
    }

    /// A container where a value is needed.
    pub fn container_as_value(&mut self, expr: &Expr) -> Expr {
        if let Type::Container(id) = expr.ty {
            let kind = self.world.program.containers[id.0 as usize].kind;
            let (text, shown) = (self.world.text_of(expr.span), self.show(&expr.ty));
            let example = form(kind, operations(kind)[0]);
            self.world
                .error(
                    codes::CONTAINER_AS_VALUE,
                    expr.span,
                    format!("`{text}` is a `{shown}` in the canvas, not a value"),
                )
                .label("only its operations can be called")
                .hint(format!("{text}.{example}"));
        }
        error(expr.span)
    }

    pub fn container_method(
        &mut self,
        id: ContainerId,
        receiver: Expr,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Expr {
        let container = self.world.program.containers[id.0 as usize].clone();
        let kind = container.kind;
        if !operations(kind).contains(&&*name.text) {
            self.skip(arguments, span);
            return self.unknown_operation(&container, &receiver, name);
        }
        if kind.is_pieces() {
            return self.pieces_method(container, receiver, name, arguments, span);
        }
        // What the arguments are: of most operations the first types of the container.
        let wanted: Vec<Type> = match (kind, &*name.text) {
            (_, "len" | "is_empty" | "pop" | "peek" | "first" | "last") => Vec::new(),
            (ContainerKind::Log, "get") => vec![Type::U64],
            (_, "get" | "remove" | "contains") => vec![container.parts[0].clone()],
            _ => container.parts.clone(),
        };
        if !self.takes(name, arguments, wanted.len(), span) {
            return error(span);
        }
        let mut script = Script::new(self, container, receiver, span);
        let mut given = Vec::new();
        for (argument, ty) in arguments.iter().zip(&wanted) {
            let value = script.body.expr_of(argument, ty);
            if value.ty == Type::Error {
                given.push(value);
            } else {
                given.push(script.keep(value));
            }
        }
        if given.iter().any(|value| value.ty == Type::Error) {
            return error(span);
        }
        script.operation(&name.text, given)
    }

    fn unknown_operation(
        &mut self,
        container: &hir::Container,
        receiver: &Expr,
        name: &ast::Name,
    ) -> Expr {
        let (kind, text) = (container.kind, self.world.text_of(receiver.span));
        let word = &*name.text;
        let walks = ["from", "to", "ascending", "descending"].contains(&word);
        let hint = match word {
            _ if walks && kind.is_walked() => {
                let each = if kind == ContainerKind::Log {
                    "(offset, item)"
                } else {
                    "(key, value)"
                };
                format!("for {each} in {text} take 100 {{ … }}")
            }
            "delete" | "erase" if operations(kind).contains(&"remove") => {
                format!("{text}.{}", form(kind, "remove"))
            }
            "set" | "update" if operations(kind).contains(&"put") => {
                format!("{text}.{}", form(kind, "put"))
            }
            "push" | "concat" | "write" | "insert" if kind == ContainerKind::Text => {
                format!("{text}.append(part)")
            }
            "slice" | "get" | "substring" if kind.is_pieces() => {
                format!("{text}.read(offset, 1000)")
            }
            "add" if kind == ContainerKind::Set => format!("{text}.insert(item)"),
            "push" if kind == ContainerKind::Log => format!("{text}.append(item)"),
            "size" | "count" | "length" => format!("{text}.len()"),
            _ => match nearest(word, operations(kind).iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => operations(kind).join(", "),
            },
        };
        self.world
            .error(
                codes::UNKNOWN_METHOD,
                name.span,
                format!("a `{}` has no operation `{word}`", kind.name()),
            )
            .hint(hint);
        error(name.span)
    }
}

impl Body<'_, '_> {
    /// A row's deletion, or its replacement; what is in its containers waits to be freed.
    pub fn without_containers(
        &mut self,
        id: TableId,
        parts: Vec<Expr>,
        is_put: bool,
        span: Span,
    ) -> Expr {
        let program = &self.world.program;
        let key_len = program.tables[id.0 as usize].key_len as usize;
        let owned: Vec<hir::Container> = program
            .containers
            .iter()
            .filter(|container| {
                container
                    .shared
                    .as_ref()
                    .is_some_and(|shared| shared.owner == id)
            })
            .cloned()
            .collect();
        let whole = |parts: Vec<Expr>| match is_put {
            true => make(
                ExprKind::Put {
                    table: id,
                    fields: parts,
                },
                Type::Unit,
                span,
            ),
            false => make(
                ExprKind::Delete {
                    table: id,
                    key: parts,
                },
                Type::BOOL,
                span,
            ),
        };
        let Some(first) = owned.first() else {
            return whole(parts);
        };
        let mut script = Script::new(self, first.clone(), error(span), span);
        let parts: Vec<Expr> = parts.into_iter().map(|part| script.keep(part)).collect();
        let found = make(
            ExprKind::Get {
                table: id,
                key: parts[..key_len].to_vec(),
            },
            Type::Row(id).optional(),
            span,
        );
        let row = script.fresh(Type::Row(id), false);
        let left = script.found(
            found,
            row,
            |script| {
                for shared in owned
                    .iter()
                    .filter_map(|container| container.shared.as_ref())
                {
                    let base = Box::new(script.part(id, row, shared.field));
                    let field = ExprKind::Field {
                        base,
                        field: header::NUMBER,
                    };
                    let number = script.keep(make(field, Type::U64, span));
                    let never_written = script.equal(number.clone(), script.number(0));
                    let nothing = script.block(|_| None);
                    let waits = script.block(|script| {
                        let (table, fields) = (shared.garbage, vec![number]);
                        script.effect(make(ExprKind::Insert { table, fields }, Type::Unit, span));
                        None
                    });
                    let kept = script.if_else(never_written, nothing, Some(waits));
                    script.effect(kept);
                }
                None
            },
            |_| None,
        );
        script.effect(left);
        let whole = whole(parts);
        match is_put {
            true => {
                script.effect(whole);
                script.end(None)
            }
            false => script.end(Some(whole)),
        }
    }
}

impl Script<'_, '_, '_> {
    fn operation(mut self, name: &str, mut given: Vec<Expr>) -> Expr {
        let kind = self.container.kind;
        let first = given.first().cloned();
        let first = move || first.clone().expect("counted before");
        match (kind, name) {
            (_, "len") => {
                let length = self.length();
                self.end(Some(length))
            }
            (_, "is_empty") => {
                let empty = self.equal(self.length(), self.number(0));
                self.end(Some(empty))
            }
            (ContainerKind::Map | ContainerKind::Tree | ContainerKind::Set, "contains") => {
                let there = self.is_there(given);
                self.end(Some(there))
            }
            (ContainerKind::Map | ContainerKind::Tree | ContainerKind::Log, "get") => {
                let row = self.row();
                let ty = self.field(row, 1).ty;
                let found = self.get(given);
                let value = self.found(
                    found,
                    row,
                    |script| Some(script.some(script.field(row, 1))),
                    |script| Some(script.none(&ty)),
                );
                self.end(Some(value))
            }
            (ContainerKind::Map | ContainerKind::Tree, "insert") => {
                self.begin_adding();
                self.insert(given);
                self.step(header::COUNT, BinaryOp::WrappingAdd);
                self.end(None)
            }
            (ContainerKind::Map | ContainerKind::Tree, "put") => {
                self.begin_adding();
                let (row, found) = (self.row(), self.get(vec![first()]));
                let value = given[1].clone();
                let put = self.found(
                    found,
                    row,
                    |script| {
                        let target = script.field(row, 1);
                        script.assign(target, value);
                        None
                    },
                    |script| {
                        script.insert(given);
                        script.step(header::COUNT, BinaryOp::WrappingAdd);
                        None
                    },
                );
                self.effect(put);
                self.end(None)
            }
            (ContainerKind::Set, "insert") => {
                self.begin_adding();
                let there = self.is_there(given.clone());
                let known = self.block(|script| Some(script.truth(false)));
                let new = self.block(|script| {
                    script.insert(given);
                    script.step(header::COUNT, BinaryOp::WrappingAdd);
                    Some(script.truth(true))
                });
                let value = self.if_else(there, known, Some(new));
                self.end(Some(value))
            }
            (ContainerKind::Set, "remove") => {
                let deleted = self.delete(given);
                let gone = self.block(|script| {
                    script.step(header::COUNT, BinaryOp::WrappingSub);
                    Some(script.truth(true))
                });
                let absent = self.block(|script| Some(script.truth(false)));
                let value = self.if_else(deleted, gone, Some(absent));
                self.end(Some(value))
            }
            (_, "remove") => {
                let value = self.taken(vec![first()], header::COUNT, BinaryOp::WrappingSub);
                self.end(Some(value))
            }
            (ContainerKind::Queue, "pop") => {
                let position = self.header(header::COUNT);
                let position = self.keep(position);
                let value = self.taken(vec![position], header::COUNT, BinaryOp::WrappingAdd);
                self.end(Some(value))
            }
            (ContainerKind::Queue, "peek") => {
                given.push(self.header(header::COUNT));
                let row = self.row();
                let ty = self.field(row, 1).ty;
                let found = self.get(given);
                let value = self.found(
                    found,
                    row,
                    |script| Some(script.some(script.field(row, 1))),
                    |script| Some(script.none(&ty)),
                );
                self.end(Some(value))
            }
            (ContainerKind::Queue | ContainerKind::Log, _) => {
                self.begin_adding();
                let next = self.header(header::NEXT);
                let position = self.keep(next);
                self.insert(vec![position.clone(), first()]);
                self.step(header::NEXT, BinaryOp::WrappingAdd);
                let offset = (kind == ContainerKind::Log).then_some(position);
                self.end(offset)
            }
            (ContainerKind::PriorityQueue, "push") => {
                self.begin_adding();
                // Counts down, so that of equal priorities the one pushed first stands last, where the greatest is.
                let next = self.header(header::NEXT);
                let sequence = self.binary(BinaryOp::WrappingSub, self.number(u64::MAX), next);
                let sequence = self.keep(sequence);
                self.insert(vec![first(), sequence, given[1].clone()]);
                self.step(header::NEXT, BinaryOp::WrappingAdd);
                self.step(header::COUNT, BinaryOp::WrappingAdd);
                self.end(None)
            }
            (ContainerKind::PriorityQueue, _) => self.end_of_order(true, &[0, 2], name == "pop"),
            (_, "first") => self.end_of_order(false, &[0, 1], false),
            (_, _) => self.end_of_order(true, &[0, 1], false),
        }
    }

    fn length(&self) -> Expr {
        match self.container.kind {
            ContainerKind::Queue => self.binary(
                BinaryOp::WrappingSub,
                self.header(header::NEXT),
                self.header(header::COUNT),
            ),
            ContainerKind::Log => self.header(header::NEXT),
            _ => self.header(header::COUNT),
        }
    }

    /// The content of the row of this key, which is deleted, and the header's number moved; none where there is no such row.
    fn taken(&mut self, key: Vec<Expr>, number: u32, op: BinaryOp) -> Expr {
        let (row, found) = (self.row(), self.get(key.clone()));
        let ty = self.field(row, 1).ty;
        self.found(
            found,
            row,
            |script| {
                let value = script.field(row, 1);
                let value = script.keep(value);
                let deleted = script.delete(key);
                script.effect(deleted);
                script.step(number, op);
                Some(script.some(value))
            },
            |script| Some(script.none(&ty)),
        )
    }

    /// Two fields of the row at one end of the order, or none; `taken` also deletes it.
    fn end_of_order(mut self, descending: bool, fields: &[u32], taken: bool) -> Expr {
        let row = self.row();
        let ty = Type::Tuple(
            fields
                .iter()
                .map(|field| self.field(row, *field).ty)
                .collect(),
        );
        let result = self.fresh(ty.clone().optional(), true);
        let (pattern, none) = (self.bind(result), self.none(&ty));
        self.push(hir::StatementKind::Let {
            pattern,
            value: none,
        });
        let fields = fields.to_vec();
        self.walk(row, descending, 1, move |script| {
            let parts: Vec<Expr> = fields
                .iter()
                .map(|field| script.field(row, *field))
                .collect();
            let pair = hir::Expr {
                kind: hir::ExprKind::Tuple(parts),
                ty,
                span: script.span,
            };
            let value = script.some(pair);
            let target = script.local(result);
            script.assign(target, value);
            if taken {
                let key: Vec<Expr> = [0, 1].map(|field| script.field(row, field)).to_vec();
                let key: Vec<Expr> = key.into_iter().map(|part| script.keep(part)).collect();
                let deleted = script.delete(key);
                script.effect(deleted);
                script.step(header::COUNT, BinaryOp::WrappingSub);
            }
        });
        let value = self.local(result);
        self.end(Some(value))
    }

    /// What comes before an element is added to a field's container: its number, and a little of what deleted rows left is freed.
    fn begin_adding(&mut self) {
        self.begin_adding_freeing(FREED_AT_ONCE);
    }

    /// As `begin_adding`, where as many elements as `freed` of one deleted row are freed.
    pub fn begin_adding_freeing(&mut self, freed: u64) {
        let Some(shared) = self.container.shared.clone() else {
            return;
        };
        let own = self.header(header::NUMBER);
        let is_new = self.equal(own.clone(), self.number(0));
        let number = self.block(|script| {
            let last = script.state(shared.last);
            let next = script.binary(BinaryOp::WrappingAdd, last.clone(), script.number(1));
            script.assign(last.clone(), next);
            script.assign(own, last);
            None
        });
        let numbered = self.if_else(is_new, number, None);
        self.effect(numbered);
        self.sweep(shared.garbage, freed);
    }

    fn sweep(&mut self, garbage: TableId, most: u64) {
        let waiting = self.fresh(Type::Row(garbage), false);
        self.walk_table(garbage, Vec::new(), waiting, false, 1, |script| {
            let number = script.part(garbage, waiting, 0);
            let number = script.keep(number);
            let freed = script.fresh(Type::U64, true);
            let (pattern, value) = (script.bind(freed), script.number(0));
            script.push(hir::StatementKind::Let { pattern, value });
            let (table, element) = (script.container.table, script.row());
            let prefix = vec![number.clone()];
            script.walk_table(table, prefix, element, false, most, |script| {
                let parts = 0..script.body.world.program.tables[table.0 as usize].key_len;
                let key = parts
                    .map(|part| {
                        let part = script.part(table, element, part);
                        script.keep(part)
                    })
                    .collect();
                let deleted = script.delete_from(table, key);
                script.effect(deleted);
                let count = script.local(freed);
                let more = script.binary(BinaryOp::WrappingAdd, count.clone(), script.number(1));
                script.assign(count, more);
            });
            // Fewer were left than could be freed: nothing of it is there any more.
            let some_left = script.equal(script.local(freed), script.number(most));
            let left = script.block(|_| None);
            let done = script.block(|script| {
                let deleted = script.delete_from(garbage, vec![number]);
                script.effect(deleted);
                None
            });
            let end = script.if_else(some_left, left, Some(done));
            script.effect(end);
        });
    }
}
