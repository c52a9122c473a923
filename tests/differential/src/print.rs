//! Descriptions as `.rc` text. Always true: literals stand where their type is known from beside them.

use crate::description::*;
use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, Rounding, Scalar, UnaryOp};
use std::fmt::Write as _;

/// What is declared in every package, and has no description: a constant, another name for a type, roles, and what is generic.
const ALWAYS: &str = "
const FEW: u64 = 3

type Wide = u128

role boss
role guest

struct Pair<A, B> { first: A, second: B }

fn greater<T: Ordered>(a: T, b: T) -> T { if a > b { a } else { b } }

fn same<T: Equal>(a: T, b: T) -> bool { a == b }

fn swapped<A, B>(pair: Pair<A, B>) -> Pair<B, A> {
    Pair<B, A> { first: pair.second, second: pair.first }
}
";

/// What `FEW` is in the text.
const FEW: u32 = 3;

pub fn scalar(scalar: Scalar) -> &'static str {
    scalar.name()
}

mod expressions;
mod statements;

struct Printer<'p> {
    package: &'p Package,
    out: String,
    indent: usize,
}

/// The whole package.
pub fn package(package: &Package) -> String {
    let mut printer = Printer {
        package,
        out: String::from("package generated\n\n"),
        indent: 0,
    };
    printer.all();
    printer.out
}

/// One value, for messages and arguments.
pub fn constant(package: &Package, ty: &Type, datum: &Datum) -> String {
    Printer {
        package,
        out: String::new(),
        indent: 0,
    }
    .constant(ty, datum)
}

fn join(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(", ")
}

impl Printer<'_> {
    fn line(&mut self, text: &str) {
        for _ in 0..self.indent {
            self.out.push_str("    ");
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn ty(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "bool".into(),
            Type::Integer(Scalar::U128) => "Wide".into(),
            Type::Integer(scalar) => scalar.name().into(),
            Type::Float => "f64".into(),
            Type::Decimal(digits, scale) => format!("decimal<{digits}, {scale}>"),
            Type::Time => "time".into(),
            Type::Duration => "duration".into(),
            Type::Uuid => "uuid".into(),
            Type::Hash => "hash".into(),
            Type::Text(max) => format!("string<{max}>"),
            Type::Bytes(max) => format!("bytes<{max}>"),
            Type::Optional(inner) => format!("{}?", self.ty(inner)),
            Type::Struct(index) => self.package.structs[*index].name.clone(),
            Type::Enum(index) => self.package.enums[*index].name.clone(),
            Type::List(element, max) => format!("list<{}, {max}>", self.ty(element)),
            Type::Tuple(parts) => format!("({})", join(parts.iter().map(|part| self.ty(part)))),
            Type::Container(kind, parts) => {
                let word = match kind {
                    Container::Map => "map",
                    Container::Tree => "tree",
                    Container::Set => "set",
                    Container::Queue => "queue",
                    Container::PriorityQueue => "priority_queue",
                    Container::Log => "log",
                };
                format!("{word}<{}>", join(parts.iter().map(|part| self.ty(part))))
            }
        }
    }

    fn constant(&self, ty: &Type, datum: &Datum) -> String {
        match (ty, datum) {
            (_, Datum::Bool(value)) => value.to_string(),
            (Type::Decimal(_, scale), Datum::Integer(value)) => decimal(*value, *scale),
            (Type::Duration, Datum::Integer(value)) => format!("{}ms", value / 1_000_000),
            (_, Datum::Integer(value)) => value.to_string(),
            (_, Datum::Float(value)) => format!("{:?}", value.0),
            (Type::Uuid, Datum::Bytes(bytes)) => {
                let digits = hexadecimal(bytes);
                let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
                format!(
                    "uuid(\"{a}-{b}-{c}-{}-{}\")",
                    &digits[16..20],
                    &digits[20..]
                )
            }
            (Type::Hash, Datum::Bytes(bytes)) => format!("hash.hex(\"{}\")", hexadecimal(bytes)),
            (_, Datum::Wide(value)) => value.to_string(),
            (_, Datum::Text(text)) => format!("{text:?}"),
            (_, Datum::Bytes(bytes)) => format!("x\"{}\"", hexadecimal(bytes)),
            (_, Datum::None) => "none".into(),
            (Type::Optional(inner), Datum::Some(value)) => self.constant(inner, value),
            (Type::Tuple(types), Datum::Tuple(parts)) => {
                format!(
                    "({})",
                    join(
                        types
                            .iter()
                            .zip(parts)
                            .map(|(ty, part)| self.constant(ty, part))
                    )
                )
            }
            (Type::List(element, _), Datum::List(items)) => format!(
                "[{}]",
                join(items.iter().map(|item| self.constant(element, item)))
            ),
            (Type::Struct(index), Datum::Record(parts)) => {
                let record = &self.package.structs[*index];
                let fields = record.fields.iter().zip(parts).map(|(field, part)| {
                    format!("{}: {}", field.name, self.constant(&field.ty, part))
                });
                format!("{} {{ {} }}", record.name, join(fields))
            }
            (Type::Enum(index), Datum::Variant(variant, parts)) => {
                let whole = &self.package.enums[*index];
                let variant = &whole.variants[*variant];
                let parts: Vec<String> = variant
                    .fields
                    .iter()
                    .zip(parts)
                    .map(|(field, part)| self.constant(&field.ty, part))
                    .collect();
                format!("{}.{}", whole.name, filled(variant, parts))
            }
            (ty, datum) => panic!("{datum:?} is no {ty:?}"),
        }
    }

    fn fields(&self, fields: &[Field]) -> String {
        join(fields.iter().map(|field| self.field(field)))
    }

    fn field(&self, field: &Field) -> String {
        let default = field.default.as_ref().map_or(String::new(), |default| {
            format!(" = {}", self.constant(&field.ty, default))
        });
        let ty = match &field.reference {
            Some(reference) => format!(
                "ref {}{}",
                self.package.tables[reference.target].name,
                if reference.optional { "?" } else { "" }
            ),
            None => self.ty(&field.ty),
        };
        format!("{}: {ty}{default}", field.name)
    }

    fn variant(&self, variant: &Variant) -> String {
        match (variant.fields.is_empty(), variant.named) {
            (true, _) => variant.name.clone(),
            (_, true) => format!("{} {{ {} }}", variant.name, self.fields(&variant.fields)),
            // A failure's parts have names, an enum's have places.
            (_, false) if variant.name.starts_with("Failure") => {
                format!("{}({})", variant.name, self.fields(&variant.fields))
            }
            (_, false) => format!(
                "{}({})",
                variant.name,
                join(variant.fields.iter().map(|field| self.ty(&field.ty)))
            ),
        }
    }

    fn all(&mut self) {
        let package = self.package;
        self.out.push_str(ALWAYS);
        self.out.push('\n');
        for record in &package.structs {
            let text = format!(
                "struct {} {{ {} }}\n",
                record.name,
                self.fields(&record.fields)
            );
            self.line(&text);
        }
        for whole in &package.enums {
            self.line(&format!("enum {} {{", whole.name));
            for variant in &whole.variants {
                let text = format!("    {}", self.variant(variant));
                self.line(&text);
            }
            self.line("}\n");
        }
        for table in &package.tables {
            self.table(table);
        }
        for state in &package.states {
            let default = match state.ty.is_container() {
                true => String::new(),
                false => format!(" = {}", self.constant(&state.ty, &state.default)),
            };
            let text = format!("state {}: {}{default}", state.name, self.ty(&state.ty));
            self.line(&text);
        }
        for aggregate in &package.aggregates {
            let table = &package.tables[aggregate.table];
            let by = aggregate
                .by
                .map_or(String::new(), |by| format!(" by {}", table.fields[by].name));
            let word = match aggregate.end {
                None => "sum",
                Some(End::Least) => "min",
                Some(End::Greatest) => "max",
            };
            let text = match aggregate.field {
                Some(field) => format!(
                    "aggregate {} = {word}({}.{}){by}",
                    aggregate.name, table.name, table.fields[field].name
                ),
                None => format!("aggregate {} = count({}){by}", aggregate.name, table.name),
            };
            self.line(&text);
        }
        for invariant in &package.invariants {
            let text = format!("invariant {}", self.expr(invariant));
            self.line(&text);
        }
        for invariant in &package.group_invariants {
            let text = format!("invariant for c: {}", self.expr(&invariant.condition));
            self.line(&text);
        }
        self.line("\nerror Wrong {");
        for variant in &package.failures {
            let text = format!("    {}", self.variant(variant));
            self.line(&text);
        }
        self.line("}\n");
        for event in package.events.iter().filter(|event| !event.of_job) {
            let text = format!("event {} {{ {} }}", event.name, self.fields(&event.fields));
            self.line(&text);
        }
        for function in &package.functions {
            let row = function
                .row
                .iter()
                .map(|(name, table)| format!("{name}: {}", package.tables[*table].name));
            let parameters = join(
                row.chain(
                    function
                        .parameters
                        .iter()
                        .map(|(name, ty)| format!("{name}: {}", self.ty(ty))),
                ),
            );
            let result = function
                .result
                .as_ref()
                .map_or(String::new(), |ty| format!(" -> {}", self.ty(ty)));
            self.line(&format!("\nfn {}({parameters}){result} {{", function.name));
            self.body(&function.body, function.value.as_ref());
        }
        for job in &package.jobs {
            let parameters = join(
                job.parameters
                    .iter()
                    .map(|(name, ty)| format!("{name}: {}", self.ty(ty))),
            );
            self.line(&format!(
                "\njob {}({parameters}) step {} fails Wrong {{",
                job.name, job.step
            ));
            self.indent += 1;
            let head = format!("for {} in {}", job.row, self.walk(&job.walk));
            self.block(&head, &job.body);
            self.indent -= 1;
            self.line("}");
        }
        for (number, command) in package.commands.iter().enumerate() {
            let kind = match command.look {
                Look::Step(_) => continue,
                Look::Report(_) => "report",
                _ if command.query => "query",
                _ => "command",
            };
            // The first is a second version.
            let version = if number == 0 { "@2" } else { "" };
            let allow = match (number, command.guarded) {
                (_, true) => "guest",
                (1, _) => "boss, guest",
                _ => "anyone",
            };
            let cost = match number {
                1 => " cost steps <= 1_099_511_627_776",
                _ => "",
            };
            if number == 0 {
                self.line(&format!("\nretire {}@1\n\n/// The first.", command.name));
            }
            let parameters = join(
                command
                    .parameters
                    .iter()
                    .map(|(name, ty)| format!("{name}: {}", self.ty(ty))),
            );
            let result = command
                .result
                .as_ref()
                .map_or(String::new(), |ty| format!(" -> {}", self.ty(ty)));
            self.line(&format!(
                "{}{kind} {}{version}({parameters}){result} fails Wrong allow {allow}{cost} {{",
                if number == 0 { "" } else { "\n" },
                command.name
            ));
            self.body(&command.body, command.value.as_ref());
        }
    }

    fn body(&mut self, body: &[Statement], value: Option<&Expr>) {
        self.indent += 1;
        body.iter().for_each(|statement| self.statement(statement));
        if let Some(value) = value {
            let text = self.expr(value);
            self.line(&text);
        }
        self.indent -= 1;
        self.line("}");
    }

    fn table(&mut self, table: &Table) {
        let capacity = table
            .capacity
            .map_or(String::new(), |capacity| format!(" capacity {capacity}"));
        self.line(&format!("table {}{capacity} {{", table.name));
        self.indent += 1;
        for (number, field) in table.fields.iter().enumerate() {
            let storage = match (number, table.storage) {
                (0, Storage::Ordered) => " ordered",
                (0, Storage::Dense) => " dense",
                _ => "",
            };
            let text = self.field(field);
            self.line(&if number < table.key_len {
                format!("key {text}{storage}")
            } else {
                text
            });
        }
        for index in &table.indexes {
            let word = if index.unique { "unique" } else { "index" };
            let fields = join(
                index
                    .fields
                    .iter()
                    .map(|field| table.fields[*field].name.clone()),
            );
            self.line(&format!("{word} {}({fields})", index.name));
        }
        for invariant in &table.invariants {
            let text = format!("invariant {}", self.expr(invariant));
            self.line(&text);
        }
        for field in &table.fields {
            let cascade = field.reference.as_ref().and_then(|found| found.cascade);
            if let Some(most) = cascade {
                self.line(&format!("on delete {} cascade take {most}", field.name));
            }
        }
        self.indent -= 1;
        self.line("}\n");
    }
}

/// A variant with its fields: values or names to bind.
fn filled(variant: &Variant, parts: Vec<String>) -> String {
    match (parts.is_empty(), variant.named) {
        (true, _) => variant.name.clone(),
        (_, true) => {
            let fields = variant
                .fields
                .iter()
                .zip(parts)
                .map(|(field, part)| format!("{}: {part}", field.name));
            format!("{} {{ {} }}", variant.name, join(fields))
        }
        (_, false) => format!("{}({})", variant.name, join(parts)),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// With its point.
fn decimal(value: i128, scale: u8) -> String {
    let (sign, size) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    let power = 10u128.pow(scale.into());
    match scale {
        0 => format!("{sign}{size}"),
        _ => format!(
            "{sign}{}.{:0width$}",
            size / power,
            size % power,
            width = scale.into()
        ),
    }
}

fn builtin_name(builtin: Builtin) -> &'static str {
    builtin.name()
}

/// An operator's sign, or the method of its name.
pub fn sign(op: BinaryOp) -> Result<&'static str, &'static str> {
    Ok(match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::And => "&",
        BinaryOp::Or => "|",
        BinaryOp::Xor => "^",
        BinaryOp::ShiftLeft => "<<",
        BinaryOp::ShiftRight => ">>",
        BinaryOp::WrappingAdd => return Err("wrapping_add"),
        BinaryOp::WrappingSub => return Err("wrapping_sub"),
        BinaryOp::WrappingMul => return Err("wrapping_mul"),
        BinaryOp::SaturatingAdd => return Err("saturating_add"),
        BinaryOp::SaturatingSub => return Err("saturating_sub"),
        BinaryOp::SaturatingMul => return Err("saturating_mul"),
        BinaryOp::Min => return Err("min"),
        BinaryOp::Max => return Err("max"),
    })
}

fn comparison(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal => "==",
        CompareOp::NotEqual => "!=",
        CompareOp::Less => "<",
        CompareOp::LessOrEqual => "<=",
        CompareOp::Greater => ">",
        CompareOp::GreaterOrEqual => ">=",
    }
}
