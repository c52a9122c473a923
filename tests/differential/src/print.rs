//! Descriptions as `.rc` text. Always true: literals stand where their type is known from beside them.

use crate::description::*;
use rc_bytecode::instr::{BinaryOp, Builtin, CompareOp, Scalar, UnaryOp};
use std::fmt::Write as _;

pub fn scalar(scalar: Scalar) -> &'static str {
    scalar.name()
}

struct Printer<'p> {
    package: &'p Package,
    out: String,
    indent: usize,
}

/// The whole package.
pub fn package(package: &Package) -> String {
    let mut printer = Printer { package, out: String::from("package generated\n\n"), indent: 0 };
    printer.all();
    printer.out
}

/// One value, for messages and arguments.
pub fn constant(package: &Package, ty: &Type, datum: &Datum) -> String {
    Printer { package, out: String::new(), indent: 0 }.constant(ty, datum)
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
            Type::Integer(scalar) => scalar.name().into(),
            Type::Time => "time".into(),
            Type::Text(max) => format!("string<{max}>"),
            Type::Bytes(max) => format!("bytes<{max}>"),
            Type::Optional(inner) => format!("{}?", self.ty(inner)),
            Type::Struct(index) => self.package.structs[*index].name.clone(),
            Type::Enum(index) => self.package.enums[*index].name.clone(),
            Type::List(element, max) => format!("list<{}, {max}>", self.ty(element)),
            Type::Tuple(parts) => format!("({})", join(parts.iter().map(|part| self.ty(part)))),
        }
    }

    fn constant(&self, ty: &Type, datum: &Datum) -> String {
        match (ty, datum) {
            (_, Datum::Bool(value)) => value.to_string(),
            (_, Datum::Integer(value)) => value.to_string(),
            (_, Datum::Wide(value)) => value.to_string(),
            (_, Datum::Text(text)) => format!("{text:?}"),
            (_, Datum::Bytes(bytes)) => format!("x\"{}\"", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
            (_, Datum::None) => "none".into(),
            (Type::Optional(inner), Datum::Some(value)) => self.constant(inner, value),
            (Type::Tuple(types), Datum::Tuple(parts)) => {
                format!("({})", join(types.iter().zip(parts).map(|(ty, part)| self.constant(ty, part))))
            }
            (Type::List(element, _), Datum::List(items)) => format!("[{}]", join(items.iter().map(|item| self.constant(element, item)))),
            (Type::Struct(index), Datum::Record(parts)) => {
                let record = &self.package.structs[*index];
                let fields = record.fields.iter().zip(parts).map(|(field, part)| format!("{}: {}", field.name, self.constant(&field.ty, part)));
                format!("{} {{ {} }}", record.name, join(fields))
            }
            (Type::Enum(index), Datum::Variant(variant, parts)) => {
                let whole = &self.package.enums[*index];
                let variant = &whole.variants[*variant];
                let parts: Vec<String> = variant.fields.iter().zip(parts).map(|(field, part)| self.constant(&field.ty, part)).collect();
                format!("{}.{}", whole.name, filled(variant, parts))
            }
            (ty, datum) => panic!("{datum:?} is no {ty:?}"),
        }
    }

    fn fields(&self, fields: &[Field]) -> String {
        join(fields.iter().map(|field| self.field(field)))
    }

    fn field(&self, field: &Field) -> String {
        let default = field.default.as_ref().map_or(String::new(), |default| format!(" = {}", self.constant(&field.ty, default)));
        format!("{}: {}{default}", field.name, self.ty(&field.ty))
    }

    fn variant(&self, variant: &Variant) -> String {
        match (variant.fields.is_empty(), variant.named) {
            (true, _) => variant.name.clone(),
            (_, true) => format!("{} {{ {} }}", variant.name, self.fields(&variant.fields)),
            (_, false) => format!("{}({})", variant.name, join(variant.fields.iter().map(|field| self.ty(&field.ty)))),
        }
    }

    fn all(&mut self) {
        let package = self.package;
        for record in &package.structs {
            let text = format!("struct {} {{ {} }}\n", record.name, self.fields(&record.fields));
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
            let text = format!("state {}: {} = {}", state.name, self.ty(&state.ty), self.constant(&state.ty, &state.default));
            self.line(&text);
        }
        for aggregate in &package.aggregates {
            let table = &package.tables[aggregate.table];
            let by = aggregate.by.map_or(String::new(), |by| format!(" by {}", table.fields[by].name));
            let text = match aggregate.field {
                Some(field) => format!("aggregate {} = sum({}.{}){by}", aggregate.name, table.name, table.fields[field].name),
                None => format!("aggregate {} = count({}){by}", aggregate.name, table.name),
            };
            self.line(&text);
        }
        for invariant in &package.invariants {
            let text = format!("invariant {}", self.expr(invariant));
            self.line(&text);
        }
        self.line("\nerror Wrong {");
        for variant in &package.failures {
            let text = format!("    {}", self.variant(variant));
            self.line(&text);
        }
        self.line("}\n");
        for event in &package.events {
            let text = format!("event {} {{ {} }}", event.name, self.fields(&event.fields));
            self.line(&text);
        }
        for function in &package.functions {
            let row = function.row.iter().map(|(name, table)| format!("{name}: {}", package.tables[*table].name));
            let parameters = join(row.chain(function.parameters.iter().map(|(name, ty)| format!("{name}: {}", self.ty(ty)))));
            let result = function.result.as_ref().map_or(String::new(), |ty| format!(" -> {}", self.ty(ty)));
            self.line(&format!("\nfn {}({parameters}){result} {{", function.name));
            self.body(&function.body, function.value.as_ref());
        }
        for command in &package.commands {
            let kind = if command.query { "query" } else { "command" };
            let parameters = join(command.parameters.iter().map(|(name, ty)| format!("{name}: {}", self.ty(ty))));
            let result = command.result.as_ref().map_or(String::new(), |ty| format!(" -> {}", self.ty(ty)));
            self.line(&format!("\n{kind} {}({parameters}){result} fails Wrong allow anyone {{", command.name));
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
        let capacity = table.capacity.map_or(String::new(), |capacity| format!(" capacity {capacity}"));
        self.line(&format!("table {}{capacity} {{", table.name));
        self.indent += 1;
        for (number, field) in table.fields.iter().enumerate() {
            let storage = match (number, table.storage) {
                (0, Storage::Ordered) => " ordered",
                (0, Storage::Dense) => " dense",
                _ => "",
            };
            let text = self.field(field);
            self.line(&if number < table.key_len { format!("key {text}{storage}") } else { text });
        }
        for index in &table.indexes {
            let word = if index.unique { "unique" } else { "index" };
            let fields = join(index.fields.iter().map(|field| table.fields[*field].name.clone()));
            self.line(&format!("{word} {}({fields})", index.name));
        }
        for invariant in &table.invariants {
            let text = format!("invariant {}", self.expr(invariant));
            self.line(&text);
        }
        self.indent -= 1;
        self.line("}\n");
    }

    fn list(&self, parts: &[Expr]) -> String {
        join(parts.iter().map(|part| self.expr(part)))
    }

    fn record(&self, fields: &[Field], values: &[Option<Expr>]) -> String {
        let given = fields.iter().zip(values).filter_map(|(field, value)| Some(format!("{}: {}", field.name, self.expr(value.as_ref()?))));
        format!("{{ {} }}", join(given))
    }

    fn expr(&self, expr: &Expr) -> String {
        let package = self.package;
        match expr {
            Expr::Constant(ty, datum @ Datum::Integer(value)) if *value < 0 => format!("({})", self.constant(ty, datum)),
            Expr::Constant(ty, datum) => self.constant(ty, datum),
            Expr::Local(name) => name.clone(),
            Expr::RowField(row, table, field) => format!("{row}.{}", package.tables[*table].fields[*field].name),
            Expr::Column(table, field) => package.tables[*table].fields[*field].name.clone(),
            Expr::StructField(base, record, field) => format!("{}.{}", self.expr(base), package.structs[*record].fields[*field].name),
            Expr::TuplePart(base, part) => format!("{}.{part}", self.expr(base)),
            Expr::State(state) => package.states[*state].name.clone(),
            Expr::Aggregate(aggregate, None) => package.aggregates[*aggregate].name.clone(),
            Expr::Aggregate(aggregate, Some(group)) => format!("{}[{}]", package.aggregates[*aggregate].name, self.expr(group)),
            Expr::Now => "now".into(),
            Expr::CallerId => "caller.id".into(),
            Expr::Concat(_, true, left, right) => format!("({} + {})", self.expr(left), self.expr(right)),
            Expr::Concat(_, false, left, right) => format!("{}.concat({})", self.expr(left), self.expr(right)),
            Expr::Element(list, index) => format!("{}[{}]", self.expr(list), self.expr(index)),
            Expr::Arithmetic(op, _, left, right) => {
                let (left, right) = (self.expr(left), self.expr(right));
                match sign(*op) {
                    Ok(sign) => format!("({left} {sign} {right})"),
                    Err(name) => format!("{left}.{name}({right})"),
                }
            }
            Expr::Unary(op, _, operand) => {
                let operand = self.expr(operand);
                match op {
                    UnaryOp::Not => format!("(!{operand})"),
                    UnaryOp::Neg => format!("(-{operand})"),
                    UnaryOp::Abs => format!("abs({operand})"),
                    UnaryOp::TrailingZeros => format!("{operand}.trailing_zeros()"),
                    UnaryOp::LeadingZeros => format!("{operand}.leading_zeros()"),
                    UnaryOp::CountOnes => format!("{operand}.count_ones()"),
                    UnaryOp::ByteSwap => format!("{operand}.swap_bytes()"),
                }
            }
            Expr::Compare(op, left, right) => format!("({} {} {})", self.expr(left), comparison(*op), self.expr(right)),
            Expr::And(left, right) => format!("({} && {})", self.expr(left), self.expr(right)),
            Expr::Or(left, right) => format!("({} || {})", self.expr(left), self.expr(right)),
            Expr::Not(operand) => format!("(!{})", self.expr(operand)),
            Expr::Widen(to, value) => format!("({} as {})", self.expr(value), to.name()),
            Expr::If(condition, then, otherwise) => {
                format!("(if {} {{ {} }} else {{ {} }})", self.expr(condition), self.expr(then), self.expr(otherwise))
            }
            Expr::Otherwise(value, otherwise) => format!("({} ?? {})", self.expr(value), self.expr(otherwise)),
            Expr::Some(value) => self.expr(value),
            Expr::Struct(record, parts) => {
                let record = &package.structs[*record];
                let fields = record.fields.iter().zip(parts).map(|(field, part)| format!("{}: {}", field.name, self.expr(part)));
                format!("{} {{ {} }}", record.name, join(fields))
            }
            Expr::Variant(whole, variant, parts) => {
                let whole = &package.enums[*whole];
                let parts = parts.iter().map(|part| self.expr(part)).collect();
                format!("{}.{}", whole.name, filled(&whole.variants[*variant], parts))
            }
            Expr::Tuple(parts) => format!("({})", self.list(parts)),
            Expr::List(parts) => format!("[{}]", self.list(parts)),
            Expr::Method(method, receiver, arguments) => {
                let name = match method {
                    Method::Length => "len",
                    Method::IsEmpty => "is_empty",
                    Method::Contains => "contains",
                    Method::First => "first",
                    Method::Last => "last",
                    Method::IsSome => "is_some",
                    Method::IsNone => "is_none",
                    Method::StartsWith => "starts_with",
                };
                format!("{}.{name}({})", self.expr(receiver), self.list(arguments))
            }
            Expr::Contains(table, key) => format!("{}.contains({})", package.tables[*table].name, self.list(key)),
            Expr::Rows { name, value, walk, condition } => {
                let condition = condition.as_ref().map_or(String::new(), |condition| format!(" if {}", self.expr(condition)));
                format!("[{} for {name} in {}{condition}]", self.expr(value), self.walk(walk))
            }
            Expr::Items { name, value, list, condition } => {
                let condition = condition.as_ref().map_or(String::new(), |condition| format!(" if {}", self.expr(condition)));
                format!("[{} for {name} in {}{condition}]", self.expr(value), self.expr(list))
            }
            Expr::MatchInteger { value, arms, otherwise } => {
                let mut text = format!("match {} {{ ", self.expr(value));
                for (low, high, value) in arms {
                    let _ = if low == high { write!(text, "{low} => ") } else { write!(text, "{low}..={high} => ") };
                    let _ = write!(text, "{}, ", self.expr(value));
                }
                text + &format!("_ => {} }}", self.expr(otherwise))
            }
            Expr::Call(function, row, arguments) => {
                let arguments = row.iter().cloned().chain(arguments.iter().map(|argument| self.expr(argument)));
                format!("{}({})", package.functions[*function].name, join(arguments))
            }
        }
    }

    fn walk(&self, walk: &Walk) -> String {
        let table = &self.package.tables[walk.table];
        let mut text = table.name.clone();
        match walk.index {
            Some(index) => {
                let _ = write!(text, ".{}({})", table.indexes[index].name, self.list(&walk.prefix));
            }
            None if !walk.prefix.is_empty() => {
                let _ = write!(text, ".by_key({})", self.list(&walk.prefix));
            }
            None => text.push_str(".ascending()"),
        }
        if walk.descending {
            text.push_str(".descending()");
        }
        if let Some(from) = &walk.from {
            let _ = write!(text, ".from({})", self.expr(from));
        }
        if let Some(to) = &walk.to {
            let _ = write!(text, ".to({})", self.expr(to));
        }
        match &walk.take {
            Some(take) => text + &format!(" take {} max {}", self.expr(take), walk.max),
            None => text + &format!(" take {}", walk.max),
        }
    }

    fn failure(&self, failure: &Failure) -> String {
        match failure {
            Failure::Builtin(builtin) => builtin_name(*builtin).into(),
            Failure::Declared(variant, fields) => {
                let fields = fields.iter().map(|field| self.expr(field)).collect();
                filled(&self.package.failures[*variant], fields)
            }
        }
    }

    fn otherwise(&self, otherwise: &Otherwise) -> String {
        match otherwise {
            Otherwise::Fail(failure) => format!("fail {}", self.failure(failure)),
            Otherwise::Return(None) => "return".into(),
            Otherwise::Return(Some(value)) => format!("return {}", self.expr(value)),
            Otherwise::Continue => "continue".into(),
        }
    }

    fn lookup(&self, lookup: &Lookup) -> String {
        match lookup {
            Lookup::Key(table, key) => format!("{}.get({})", self.package.tables[*table].name, self.list(key)),
            Lookup::Maybe(name) => name.clone(),
            Lookup::Unique(table, index, parts) => {
                let table = &self.package.tables[*table];
                format!("{}.{}.get({})", table.name, table.indexes[*index].name, self.list(parts))
            }
        }
    }

    fn place(&self, place: &Place) -> String {
        let mut text = match &place.root {
            Root::Row(row, table, field) => format!("{row}.{}", self.package.tables[*table].fields[*field].name),
            Root::State(state) => self.package.states[*state].name.clone(),
            Root::Local(name) => name.clone(),
        };
        for (record, field) in &place.path {
            let _ = write!(text, ".{}", self.package.structs[*record].fields[*field].name);
        }
        text
    }

    fn block(&mut self, head: &str, body: &[Statement]) {
        self.line(&format!("{head} {{"));
        self.indent += 1;
        body.iter().for_each(|statement| self.statement(statement));
        self.indent -= 1;
        self.line("}");
    }

    fn branches(&mut self, head: &str, then: &[Statement], otherwise: &[Statement]) {
        self.block(head, then);
        if !otherwise.is_empty() {
            self.out.pop();
            self.out.push_str(" else {\n");
            self.indent += 1;
            otherwise.iter().for_each(|statement| self.statement(statement));
            self.indent -= 1;
            self.line("}");
        }
    }

    fn statement(&mut self, statement: &Statement) {
        let package = self.package;
        let text = match statement {
            Statement::Let { name, ty, mutable, value } => {
                format!("{} {name}: {} = {}", if *mutable { "var" } else { "let" }, self.ty(ty), self.expr(value))
            }
            Statement::LetNarrow { name, to, value } => format!("let {name}: {} = {}.try_into()", to.name(), self.expr(value)),
            Statement::FindRow { name, lookup, otherwise } => format!("let {name} = {} else {}", self.lookup(lookup), self.otherwise(otherwise)),
            Statement::FindRowIf { name, lookup, then, otherwise } => {
                let head = format!("if let {name} = {}", self.lookup(lookup));
                return self.branches(&head, then, otherwise);
            }
            Statement::LetTuple { names, value } => format!("let ({}) = {}", names.join(", "), self.expr(value)),
            Statement::LetMaybe { name, lookup } => format!("let {name} = {}", self.lookup(lookup)),
            Statement::Alias { name, of } => format!("let {name} = {of}"),
            Statement::GetOrInsert { name, table, record } => {
                let table = &package.tables[*table];
                let (key, rest) = record.split_at(table.key_len);
                let key = join(key.iter().flatten().map(|part| self.expr(part)));
                let rest_text = self.record(&table.fields[table.key_len..], rest);
                match rest.iter().all(Option::is_none) {
                    true => format!("let {name} = {}.get_or_insert({key})", table.name),
                    false => format!("let {name} = {}.get_or_insert({key}, {rest_text})", table.name),
                }
            }
            Statement::Insert { table, record } => {
                let table = &package.tables[*table];
                format!("{}.insert({})", table.name, self.record(&table.fields, record))
            }
            Statement::Put { table, record } => {
                let table = &package.tables[*table];
                format!("{}.put({})", table.name, self.record(&table.fields, record))
            }
            Statement::Delete { name, table, key } => format!("let {name} = {}.delete({})", package.tables[*table].name, self.list(key)),
            Statement::Assign { target, operator, value, .. } => {
                let sign = operator.map_or("", |op| sign(op).unwrap_or("+"));
                format!("{} {sign}= {}", self.place(target), self.expr(value))
            }
            Statement::Push { target, value, .. } => format!("{}.push({})", self.place(target), self.expr(value)),
            Statement::Pop { name, element, target } => format!("let {name}: {}? = {}.pop()", self.ty(element), self.place(target)),
            Statement::If { condition, then, otherwise } => {
                let head = format!("if {}", self.expr(condition));
                return self.branches(&head, then, otherwise);
            }
            Statement::IfSome { name, value, then, otherwise } => {
                let head = format!("if let {name} = {}", self.expr(value));
                return self.branches(&head, then, otherwise);
            }
            Statement::ForRange { name, start, end, inclusive, max, body } => {
                let dots = if *inclusive { "..=" } else { ".." };
                let head = format!("for {name} in {}{dots}{} max {max}", self.expr(start), self.expr(end));
                return self.block(&head, body);
            }
            Statement::ForList { name, list, body } => {
                let head = format!("for {name} in {}", self.expr(list));
                return self.block(&head, body);
            }
            Statement::ForRows { name, walk, body } => {
                let head = format!("for {name} in {}", self.walk(walk));
                return self.block(&head, body);
            }
            Statement::Match { value, of, arms } => {
                let head = format!("match {} {{", self.expr(value));
                self.line(&head);
                self.indent += 1;
                for arm in arms {
                    let variant = &package.enums[*of].variants[arm.variant];
                    let pattern = filled(variant, arm.names.clone());
                    let guard = arm.guard.as_ref().map_or(String::new(), |guard| format!(" if {}", self.expr(guard)));
                    self.block(&format!("{pattern}{guard} =>"), &arm.body);
                }
                self.indent -= 1;
                return self.line("}");
            }
            Statement::Ensure { condition, failure } => format!("ensure {} else {}", self.expr(condition), self.failure(failure)),
            Statement::Emit { event, fields } => {
                let event = &package.events[*event];
                let fields = event.fields.iter().zip(fields).map(|(field, value)| format!("{}: {}", field.name, self.expr(value)));
                format!("emit {} {{ {} }}", event.name, join(fields))
            }
            Statement::Call { function, row, arguments } => {
                let arguments = row.iter().cloned().chain(arguments.iter().map(|argument| self.expr(argument)));
                format!("{}({})", package.functions[*function].name, join(arguments))
            }
            Statement::Fail(failure) => format!("fail {}", self.failure(failure)),
            Statement::Return(None) => "return".into(),
            Statement::Return(Some(value)) => format!("return {}", self.expr(value)),
            Statement::Break => "break".into(),
            Statement::Continue => "continue".into(),
        };
        self.line(&text);
    }
}

/// A variant with its fields: values or names to bind.
fn filled(variant: &Variant, parts: Vec<String>) -> String {
    match (parts.is_empty(), variant.named) {
        (true, _) => variant.name.clone(),
        (_, true) => {
            let fields = variant.fields.iter().zip(parts).map(|(field, part)| format!("{}: {part}", field.name));
            format!("{} {{ {} }}", variant.name, join(fields))
        }
        (_, false) => format!("{}({})", variant.name, join(parts)),
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
