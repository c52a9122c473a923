//! A tree as text: one line for each declaration, member and statement, expressions as bracketed
//! operators first. Spans are left out, so two texts that mean the same dump the same.

mod bodies;

use crate::ast::*;
use bodies::{expr, exprs, inits, statement};
use std::fmt::{Display, Write};

/// The tree of a file as text; never empty.
pub fn dump(file: &File) -> String {
    let mut out = Dump {
        out: String::new(),
        indent: 0,
    };
    out.line(format_args!(
        "file{}{}",
        docs(&file.docs),
        optional(" ", file.package.as_ref().map(|name| &name.text))
    ));
    out.nested(|out| file.items.iter().for_each(|item| out.item(item)));
    out.out
}

/// One expression as text.
pub fn dump_expression(expression: &Expr) -> String {
    expr(expression)
}

struct Dump {
    out: String,
    indent: usize,
}

impl Dump {
    fn line(&mut self, text: impl Display) {
        let indent = self.indent * 2;
        writeln!(self.out, "{:indent$}{text}", "").expect("a string takes all");
    }

    fn nested(&mut self, inside: impl FnOnce(&mut Dump)) {
        self.indent += 1;
        inside(self);
        self.indent -= 1;
    }

    fn item(&mut self, item: &Item) {
        for attribute in &item.attributes {
            self.line(format_args!(
                "@{}({})",
                attribute.name.text,
                exprs(&attribute.arguments)
            ));
        }
        let docs = docs(&item.docs);
        match &item.kind {
            ItemKind::Use { path } => self.line(format_args!("use{docs} {}", names(path))),
            ItemKind::TypeAlias {
                name,
                generics,
                ty: target,
            } => {
                self.line(format_args!(
                    "type{docs} {}{} = {}",
                    name.text,
                    generic(generics),
                    ty(target)
                ));
            }
            ItemKind::Struct {
                name,
                generics,
                fields,
            } => self.braced("struct", &docs, name, generics, |out| out.fields(fields)),
            ItemKind::Layout {
                name,
                generics,
                fields,
            } => self.braced("layout", &docs, name, generics, |out| out.fields(fields)),
            ItemKind::Enum {
                name,
                generics,
                variants,
            } => self.braced("enum", &docs, name, generics, |out| out.variants(variants)),
            ItemKind::Error { name, variants } => {
                self.braced("error", &docs, name, &[], |out| out.variants(variants))
            }
            ItemKind::Event { name, fields } => {
                self.braced("event", &docs, name, &[], |out| out.fields(fields))
            }
            ItemKind::Table(table) => self.table(&docs, table),
            ItemKind::State {
                name,
                ty: of,
                default,
            } => {
                self.line(format_args!(
                    "state{docs} {}: {}{}",
                    name.text,
                    ty(of),
                    optional(" = ", default.as_ref().map(expr))
                ));
            }
            ItemKind::Aggregate {
                name,
                function,
                table,
                field,
                by,
            } => {
                let field = optional(".", field.as_ref().map(|name| &name.text));
                let by = optional(" by ", by.as_ref().map(|name| &name.text));
                self.line(format_args!(
                    "aggregate{docs} {} = {}({}{field}){by}",
                    name.text, function.text, table.text
                ));
            }
            ItemKind::Invariant {
                for_each,
                condition,
            } => {
                let each = optional(" for ", for_each.as_ref().map(|name| &name.text));
                self.line(format_args!("invariant{docs}{each} {}", expr(condition)));
            }
            ItemKind::Role { name } => self.line(format_args!("role{docs} {}", name.text)),
            ItemKind::Callable(callable) => self.callable(&docs, callable),
            ItemKind::Test { name, body } => {
                self.line(format_args!("test{docs} {:?}", name.value));
                self.block(body);
            }
            ItemKind::Property {
                name,
                params: taken,
                body,
            } => {
                self.line(format_args!(
                    "property{docs} {:?} ({})",
                    name.value,
                    params(taken)
                ));
                self.block(body);
            }
            ItemKind::Const {
                name,
                generics,
                ty: of,
                value,
            } => {
                let of = optional(": ", of.as_ref().map(ty));
                self.line(format_args!(
                    "const{docs} {}{}{of} = {}",
                    name.text,
                    generic(generics),
                    expr(value)
                ));
            }
            ItemKind::Job(job) => {
                self.line(format_args!(
                    "job{docs} {}({}) step {}",
                    job.name.text,
                    params(&job.params),
                    expr(&job.step)
                ));
                self.clauses(&job.fails, job.allow.as_ref(), &job.cost);
                self.block(&job.body);
            }
            ItemKind::Retire { name, version } => self.line(format_args!(
                "retire{docs} {}{}",
                name.text,
                optional("@", *version)
            )),
            ItemKind::Broken => self.line("broken"),
        }
    }

    fn braced(
        &mut self,
        word: &str,
        docs: &str,
        name: &Name,
        generics: &[Generic],
        inside: impl FnOnce(&mut Dump),
    ) {
        self.line(format_args!(
            "{word}{docs} {}{}",
            name.text,
            generic(generics)
        ));
        self.nested(inside);
    }

    fn fields(&mut self, fields: &[Field]) {
        fields.iter().for_each(|one| self.line(field(one)));
    }

    fn variants(&mut self, variants: &[Variant]) {
        for variant in variants {
            let payload = match &variant.payload {
                Payload::None => String::new(),
                Payload::Tuple(parts) => {
                    let part = |(name, of): &(Option<Name>, Type)| match name {
                        Some(name) => format!("{}: {}", name.text, ty(of)),
                        None => ty(of),
                    };
                    format!("({})", joined(parts.iter().map(part)))
                }
                Payload::Record(fields) => format!(" {{{}}}", joined(fields.iter().map(field))),
            };
            self.line(format_args!(
                "{}{}{payload}",
                variant.name.text,
                docs(&variant.docs)
            ));
        }
    }

    fn table(&mut self, docs_: &str, table: &Table) {
        let version = |version: Option<u32>| optional("@", version);
        let from = optional(
            " from ",
            table
                .from
                .as_ref()
                .map(|(name, of)| format!("{}{}", name.text, version(*of))),
        );
        let capacity = optional(" capacity ", table.capacity.as_ref().map(expr));
        self.line(format_args!(
            "table{docs_} {}{}{from}{capacity}",
            table.name.text,
            version(table.version)
        ));
        self.nested(|out| {
            for member in &table.members {
                match member {
                    TableMember::Key {
                        docs: about,
                        name,
                        ty: of,
                        storage,
                        ..
                    } => {
                        let storage = optional(" ", storage.as_ref().map(|name| &name.text));
                        out.line(format_args!(
                            "key{} {}: {}{storage}",
                            docs(about),
                            name.text,
                            ty(of)
                        ));
                    }
                    TableMember::Field(one) => out.line(field(one)),
                    TableMember::Index {
                        name,
                        fields,
                        unique,
                        ..
                    } => {
                        let word = if *unique { "unique" } else { "index" };
                        out.line(format_args!("{word} {}({})", name.text, names(fields)));
                    }
                    TableMember::Invariant { condition, .. } => {
                        out.line(format_args!("invariant {}", expr(condition)))
                    }
                    TableMember::Migrate { old, fields, .. } => {
                        out.line(format_args!(
                            "migrate {} => {{{}}}",
                            old.text,
                            inits(fields)
                        ));
                    }
                    TableMember::OnDelete {
                        reference,
                        action,
                        limit,
                        ..
                    } => {
                        let limit = optional(" take ", limit.as_ref().map(expr));
                        out.line(format_args!(
                            "on delete {} {}{limit}",
                            reference.text, action.text
                        ));
                    }
                    TableMember::Broken(_) => out.line("broken"),
                }
            }
        });
    }

    fn callable(&mut self, docs: &str, callable: &Callable) {
        let word = match callable.kind {
            CallableKind::Command => "command",
            CallableKind::Query => "query",
            CallableKind::Report => "report",
            CallableKind::Function => "fn",
        };
        let version = optional("@", callable.version);
        let result = optional(" -> ", callable.result.as_ref().map(ty));
        let (generics, params) = (generic(&callable.generics), params(&callable.params));
        self.line(format_args!(
            "{word}{docs} {}{version}{generics}({params}){result}",
            callable.name.text
        ));
        self.clauses(&callable.fails, callable.allow.as_ref(), &callable.cost);
        self.block(&callable.body);
    }

    fn clauses(&mut self, fails: &[Name], allow: Option<&Allow>, cost: &[CostLimit]) {
        self.nested(|out| {
            if !fails.is_empty() {
                out.line(format_args!("fails {}", names(fails)));
            }
            if let Some(allow) = allow {
                out.line(format_args!("allow {}", names(&allow.roles)));
            }
            for limit in cost {
                out.line(format_args!(
                    "cost {} <= {}",
                    limit.dimension.text,
                    expr(&limit.limit)
                ));
            }
        });
    }

    fn block(&mut self, body: &Block) {
        self.nested(|out| {
            body.statements
                .iter()
                .for_each(|one| out.line(statement(one)));
            if let Some(value) = &body.value {
                out.line(format_args!("= {}", expr(value)));
            }
        });
    }
}

fn optional(before: &str, value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| format!("{before}{value}"))
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn docs(lines: &[String]) -> String {
    if lines.is_empty() {
        String::new()
    } else {
        format!(" {lines:?}")
    }
}

fn names(names: &[Name]) -> String {
    joined(names.iter().map(|name| name.text.to_string()))
}

fn field(field: &Field) -> String {
    let default = optional(" = ", field.default.as_ref().map(expr));
    format!(
        "{}{}: {}{default}",
        field.name.text,
        docs(&field.docs),
        ty(&field.ty)
    )
}

fn params(params: &[Param]) -> String {
    joined(
        params
            .iter()
            .map(|param| format!("{}: {}", param.name.text, ty(&param.ty))),
    )
}

fn generic(generics: &[Generic]) -> String {
    let one = |one: &Generic| {
        format!(
            "{}{}",
            one.name.text,
            optional(": ", one.bound.as_ref().map(|name| &name.text))
        )
    };
    if generics.is_empty() {
        String::new()
    } else {
        format!("<{}>", joined(generics.iter().map(one)))
    }
}

fn arguments(arguments: &[TypeArgument]) -> String {
    let one = |argument: &TypeArgument| match argument {
        TypeArgument::Type(one) => ty(one),
        TypeArgument::Const(value) => format!("const {}", expr(value)),
    };
    if arguments.is_empty() {
        String::new()
    } else {
        format!("<{}>", joined(arguments.iter().map(one)))
    }
}

fn ty(ty_: &Type) -> String {
    match &ty_.kind {
        TypeKind::Named {
            name,
            arguments: given,
        } => format!("{}{}", name.text, arguments(given)),
        TypeKind::Optional(inner) => format!("{}?", ty(inner)),
        TypeKind::Tuple(parts) => format!("({})", joined(parts.iter().map(ty))),
        TypeKind::Array(element, length) => format!("[{}; {}]", ty(element), expr(length)),
        TypeKind::Ref(name) => format!("ref {}", name.text),
        TypeKind::Broken => "broken".to_owned(),
    }
}
