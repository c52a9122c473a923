//! A tree as text: one line for each declaration, member and statement, expressions as bracketed
//! operators first. Spans are left out, so two texts that mean the same dump the same.

use crate::ast::*;
use std::fmt::{Display, Write};

/// The tree of a file as text; never empty.
pub fn dump(file: &File) -> String {
    let mut out = Dump { out: String::new(), indent: 0 };
    out.line(format_args!("file{}{}", docs(&file.docs), optional(" ", file.package.as_ref().map(|name| &name.text))));
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
            self.line(format_args!("@{}({})", attribute.name.text, exprs(&attribute.arguments)));
        }
        let docs = docs(&item.docs);
        match &item.kind {
            ItemKind::Use { path } => self.line(format_args!("use{docs} {}", names(path))),
            ItemKind::TypeAlias { name, generics, ty: target } => {
                self.line(format_args!("type{docs} {}{} = {}", name.text, generic(generics), ty(target)));
            }
            ItemKind::Struct { name, generics, fields } => self.braced("struct", &docs, name, generics, |out| out.fields(fields)),
            ItemKind::Layout { name, generics, fields } => self.braced("layout", &docs, name, generics, |out| out.fields(fields)),
            ItemKind::Enum { name, generics, variants } => self.braced("enum", &docs, name, generics, |out| out.variants(variants)),
            ItemKind::Error { name, variants } => self.braced("error", &docs, name, &[], |out| out.variants(variants)),
            ItemKind::Event { name, fields } => self.braced("event", &docs, name, &[], |out| out.fields(fields)),
            ItemKind::Table(table) => self.table(&docs, table),
            ItemKind::State { name, ty: of, default } => {
                self.line(format_args!("state{docs} {}: {}{}", name.text, ty(of), optional(" = ", default.as_ref().map(expr))));
            }
            ItemKind::Aggregate { name, function, table, field, by } => {
                let field = optional(".", field.as_ref().map(|name| &name.text));
                let by = optional(" by ", by.as_ref().map(|name| &name.text));
                self.line(format_args!("aggregate{docs} {} = {}({}{field}){by}", name.text, function.text, table.text));
            }
            ItemKind::Invariant { for_each, condition } => {
                let each = optional(" for ", for_each.as_ref().map(|name| &name.text));
                self.line(format_args!("invariant{docs}{each} {}", expr(condition)));
            }
            ItemKind::Role { name } => self.line(format_args!("role{docs} {}", name.text)),
            ItemKind::Callable(callable) => self.callable(&docs, callable),
            ItemKind::Test { name, body } => {
                self.line(format_args!("test{docs} {:?}", name.value));
                self.block(body);
            }
            ItemKind::Property { name, params: taken, body } => {
                self.line(format_args!("property{docs} {:?} ({})", name.value, params(taken)));
                self.block(body);
            }
            ItemKind::Const { name, generics, ty: of, value } => {
                let of = optional(": ", of.as_ref().map(ty));
                self.line(format_args!("const{docs} {}{}{of} = {}", name.text, generic(generics), expr(value)));
            }
            ItemKind::Retire { name, version } => self.line(format_args!("retire{docs} {}{}", name.text, optional("@", *version))),
            ItemKind::Broken => self.line("broken"),
        }
    }

    fn braced(&mut self, word: &str, docs: &str, name: &Name, generics: &[Generic], inside: impl FnOnce(&mut Dump)) {
        self.line(format_args!("{word}{docs} {}{}", name.text, generic(generics)));
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
            self.line(format_args!("{}{}{payload}", variant.name.text, docs(&variant.docs)));
        }
    }

    fn table(&mut self, docs_: &str, table: &Table) {
        let version = |version: Option<u32>| optional("@", version);
        let from = optional(" from ", table.from.as_ref().map(|(name, of)| format!("{}{}", name.text, version(*of))));
        let capacity = optional(" capacity ", table.capacity.as_ref().map(expr));
        self.line(format_args!("table{docs_} {}{}{from}{capacity}", table.name.text, version(table.version)));
        self.nested(|out| {
            for member in &table.members {
                match member {
                    TableMember::Key { docs: about, name, ty: of, storage, .. } => {
                        let storage = optional(" ", storage.as_ref().map(|name| &name.text));
                        out.line(format_args!("key{} {}: {}{storage}", docs(about), name.text, ty(of)));
                    }
                    TableMember::Field(one) => out.line(field(one)),
                    TableMember::Index { name, fields, unique, .. } => {
                        let word = if *unique { "unique" } else { "index" };
                        out.line(format_args!("{word} {}({})", name.text, names(fields)));
                    }
                    TableMember::Invariant { condition, .. } => out.line(format_args!("invariant {}", expr(condition))),
                    TableMember::Migrate { old, fields, .. } => {
                        out.line(format_args!("migrate {} => {{{}}}", old.text, inits(fields)));
                    }
                    TableMember::OnDelete { reference, action, limit, .. } => {
                        let limit = optional(" max ", limit.as_ref().map(expr));
                        out.line(format_args!("on delete {} {}{limit}", reference.text, action.text));
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
        self.line(format_args!("{word}{docs} {}{version}{generics}({params}){result}", callable.name.text));
        self.nested(|out| {
            if !callable.fails.is_empty() {
                out.line(format_args!("fails {}", names(&callable.fails)));
            }
            if let Some(allow) = &callable.allow {
                out.line(format_args!("allow {}", names(&allow.roles)));
            }
            for limit in &callable.cost {
                out.line(format_args!("cost {} <= {}", limit.dimension.text, expr(&limit.limit)));
            }
        });
        self.block(&callable.body);
    }

    fn block(&mut self, body: &Block) {
        self.nested(|out| {
            body.statements.iter().for_each(|one| out.line(statement(one)));
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
    if lines.is_empty() { String::new() } else { format!(" {lines:?}") }
}

fn names(names: &[Name]) -> String {
    joined(names.iter().map(|name| name.text.to_string()))
}

fn field(field: &Field) -> String {
    let default = optional(" = ", field.default.as_ref().map(expr));
    format!("{}{}: {}{default}", field.name.text, docs(&field.docs), ty(&field.ty))
}

fn params(params: &[Param]) -> String {
    joined(params.iter().map(|param| format!("{}: {}", param.name.text, ty(&param.ty))))
}

fn generic(generics: &[Generic]) -> String {
    let one = |one: &Generic| format!("{}{}", one.name.text, optional(": ", one.bound.as_ref().map(|name| &name.text)));
    if generics.is_empty() { String::new() } else { format!("<{}>", joined(generics.iter().map(one))) }
}

fn arguments(arguments: &[TypeArgument]) -> String {
    let one = |argument: &TypeArgument| match argument {
        TypeArgument::Type(one) => ty(one),
        TypeArgument::Const(value) => format!("const {}", expr(value)),
    };
    if arguments.is_empty() { String::new() } else { format!("<{}>", joined(arguments.iter().map(one))) }
}

fn ty(ty_: &Type) -> String {
    match &ty_.kind {
        TypeKind::Named { name, arguments: given } => format!("{}{}", name.text, arguments(given)),
        TypeKind::Optional(inner) => format!("{}?", ty(inner)),
        TypeKind::Tuple(parts) => format!("({})", joined(parts.iter().map(ty))),
        TypeKind::Array(element, length) => format!("[{}; {}]", ty(element), expr(length)),
        TypeKind::Ref(name) => format!("ref {}", name.text),
        TypeKind::Broken => "broken".to_owned(),
    }
}

fn statement(statement: &Statement) -> String {
    match &statement.kind {
        StatementKind::Let { mutable, pattern: bound, ty: of, value, otherwise } => {
            let word = if *mutable { "var" } else { "let" };
            let of = optional(": ", of.as_ref().map(ty));
            let otherwise = optional(" else ", otherwise.as_deref().map(expr));
            format!("{word} {}{of} = {}{otherwise}", pattern(bound), expr(value))
        }
        StatementKind::Assign { target, operator, value } => {
            format!("{} {}= {}", expr(target), operator.map_or("", binary), expr(value))
        }
        StatementKind::Ensure { condition, otherwise } => format!("ensure {} else {}", expr(condition), expr(otherwise)),
        StatementKind::Fail { error } => format!("fail {}", expr(error)),
        StatementKind::Emit { event } => format!("emit {}", expr(event)),
        StatementKind::For { pattern: bound, source, limit, body } => {
            let limit = optional(" max ", limit.as_ref().map(expr));
            format!("for {} in {}{limit} {}", pattern(bound), expr(source), block(body))
        }
        StatementKind::Return { value } => format!("return{}", optional(" ", value.as_ref().map(expr))),
        StatementKind::Break => "break".to_owned(),
        StatementKind::Continue => "continue".to_owned(),
        StatementKind::Expression(value) => expr(value),
        StatementKind::As { roles, body } => format!("as {} {}", names(roles), block(body)),
        StatementKind::Advance { duration } => format!("advance {}", expr(duration)),
        StatementKind::Assert { condition } => format!("assert {}", expr(condition)),
        StatementKind::Expect { failure, call } => format!("expect {} from {}", expr(failure), expr(call)),
        StatementKind::Broken => "broken".to_owned(),
    }
}

fn block(body: &Block) -> String {
    let statements = body.statements.iter().map(statement);
    let value = body.value.iter().map(|value| format!("= {}", expr(value)));
    format!("{{{}}}", statements.chain(value).collect::<Vec<_>>().join("; "))
}

fn exprs(values: &[Expr]) -> String {
    joined(values.iter().map(expr))
}

fn inits(fields: &[FieldInit]) -> String {
    joined(fields.iter().map(|field| format!("{}{}", field.name.text, optional(": ", field.value.as_ref().map(expr)))))
}

fn expr(expression: &Expr) -> String {
    let end = |value: &Option<Box<Expr>>| optional(" ", value.as_deref().map(expr));
    match &expression.kind {
        ExprKind::Integer { value, suffix } => format!("{value}{}", suffix.as_deref().unwrap_or("")),
        ExprKind::Float(value) => format!("{value:?}"),
        ExprKind::String(text) => format!("{:?}", text.value),
        ExprKind::Bytes(bytes) => format!("bytes{bytes:?}"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::None => "none".to_owned(),
        ExprKind::Name { name, arguments: given } => format!("{}{}", name.text, arguments(given)),
        ExprKind::Member { base, name } => format!("(. {} {})", expr(base), name.text),
        ExprKind::Call { callee, arguments } => format!("(call {} ({}))", expr(callee), exprs(arguments)),
        ExprKind::Index { base, index } => format!("(index {} {})", expr(base), expr(index)),
        ExprKind::Record { qualifier, name, fields } => {
            let qualifier = qualifier.as_ref().map_or_else(String::new, |name| format!("{}.", name.text));
            let name = name.as_ref().map_or("", |name| &name.text);
            format!("{qualifier}{name}{{{}}}", inits(fields))
        }
        ExprKind::Tuple(values) => format!("(tuple {})", exprs(values)),
        ExprKind::List(values) => format!("[{}]", exprs(values)),
        ExprKind::Comprehension { value, pattern: bound, source, condition } => {
            format!("[{} for {} in {}{}]", expr(value), pattern(bound), expr(source), optional(" if ", condition.as_deref().map(expr)))
        }
        ExprKind::Unary { operator: UnaryOperator::Negate, operand } => format!("(neg {})", expr(operand)),
        ExprKind::Unary { operator: UnaryOperator::Not, operand } => format!("(not {})", expr(operand)),
        ExprKind::Binary { operator, left, right } => format!("({} {} {})", binary(*operator), expr(left), expr(right)),
        ExprKind::Cast { value, ty: to } => format!("(as {} {})", expr(value), ty(to)),
        ExprKind::Range { start, end: to, inclusive } => {
            format!("(range{}{}{})", if *inclusive { "=" } else { "" }, end(start), end(to))
        }
        ExprKind::Bounded { source, take, max } => {
            let take = optional(" take ", take.as_deref().map(expr));
            format!("({}{take}{})", expr(source), optional(" max ", max.as_deref().map(expr)))
        }
        ExprKind::If { condition, then, otherwise } => {
            format!("(if {} {}{})", expr(condition), block(then), optional(" else ", otherwise.as_deref().map(expr)))
        }
        ExprKind::IfLet { pattern: bound, value, then, otherwise } => {
            let otherwise = optional(" else ", otherwise.as_deref().map(expr));
            format!("(if let {} = {} {}{otherwise})", pattern(bound), expr(value), block(then))
        }
        ExprKind::Match { value, arms } => {
            let arm = |arm: &MatchArm| {
                let guard = optional(" if ", arm.guard.as_ref().map(expr));
                format!("{}{guard} => {}", pattern(&arm.pattern), expr(&arm.body))
            };
            format!("(match {} {{{}}})", expr(value), joined(arms.iter().map(arm)))
        }
        ExprKind::Block(body) => block(body),
        ExprKind::Attempt(call) => format!("(attempt {})", expr(call)),
        ExprKind::Fail(error) => format!("(fail {})", expr(error)),
        ExprKind::Return(value) => format!("(return{})", end(value)),
        ExprKind::Break => "break".to_owned(),
        ExprKind::Continue => "continue".to_owned(),
        ExprKind::Touch { mutable, region, page } => {
            format!("(touch{} {} {})", if *mutable { " mut" } else { "" }, expr(region), expr(page))
        }
        ExprKind::Broken => "broken".to_owned(),
    }
}

fn pattern(pattern_: &Pattern) -> String {
    let list = |patterns: &[Pattern]| joined(patterns.iter().map(pattern));
    match &pattern_.kind {
        PatternKind::Wildcard => "_".to_owned(),
        PatternKind::Bind(name) => name.text.to_string(),
        PatternKind::Literal(value) => expr(value),
        PatternKind::None => "none".to_owned(),
        PatternKind::Variant { path, fields } => {
            let path = path.iter().map(|name| &*name.text).collect::<Vec<_>>().join(".");
            match fields {
                PatternFields::None => path,
                PatternFields::Tuple(patterns) => format!("{path}({})", list(patterns)),
                PatternFields::Record { fields, rest } => {
                    let one = |(name, inner): &(Name, Option<Pattern>)| format!("{}{}", name.text, optional(": ", inner.as_ref().map(pattern)));
                    format!("{path}{{{}{}}}", joined(fields.iter().map(one)), if *rest { ".." } else { "" })
                }
            }
        }
        PatternKind::Tuple(patterns) => format!("({})", list(patterns)),
        PatternKind::Broken => "broken".to_owned(),
    }
}

fn binary(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Remainder => "%",
        BinaryOperator::And => "&&",
        BinaryOperator::Or => "||",
        BinaryOperator::BitAnd => "&",
        BinaryOperator::BitOr => "|",
        BinaryOperator::BitXor => "^",
        BinaryOperator::ShiftLeft => "<<",
        BinaryOperator::ShiftRight => ">>",
        BinaryOperator::Equal => "==",
        BinaryOperator::NotEqual => "!=",
        BinaryOperator::Less => "<",
        BinaryOperator::LessOrEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterOrEqual => ">=",
        BinaryOperator::Otherwise => "??",
    }
}
