//! Expressions and walks as text. Always true: a calculation stands in parentheses.

use super::*;

impl Printer<'_> {
    pub(super) fn list(&self, parts: &[Expr]) -> String {
        join(parts.iter().map(|part| self.expr(part)))
    }

    pub(super) fn record(&self, fields: &[Field], values: &[Option<Expr>]) -> String {
        let given = fields.iter().zip(values).filter_map(|(field, value)| {
            Some(format!("{}: {}", field.name, self.expr(value.as_ref()?)))
        });
        format!("{{ {} }}", join(given))
    }

    pub(super) fn expr(&self, expr: &Expr) -> String {
        let package = self.package;
        match expr {
            Expr::Constant(ty, datum @ Datum::Integer(value)) if *value < 0 => {
                format!("({})", self.constant(ty, datum))
            }
            Expr::Constant(ty, datum @ Datum::Float(value)) if value.0 < 0.0 => {
                format!("({})", self.constant(ty, datum))
            }
            Expr::Constant(ty, datum) => self.constant(ty, datum),
            Expr::Local(name) => name.clone(),
            Expr::RowField(row, table, field) => {
                format!("{row}.{}", package.tables[*table].fields[*field].name)
            }
            Expr::Column(table, field) => package.tables[*table].fields[*field].name.clone(),
            Expr::StructField(base, record, field) => format!(
                "{}.{}",
                self.expr(base),
                package.structs[*record].fields[*field].name
            ),
            Expr::TuplePart(base, part) => format!("{}.{part}", self.expr(base)),
            Expr::State(state) => package.states[*state].name.clone(),
            Expr::Aggregate(aggregate, None) => package.aggregates[*aggregate].name.clone(),
            Expr::Aggregate(aggregate, Some(group)) => format!(
                "{}[{}]",
                package.aggregates[*aggregate].name,
                self.expr(group)
            ),
            Expr::Now => "now".into(),
            Expr::CallerId => "caller.id".into(),
            Expr::Concat(_, true, left, right) => {
                format!("({} + {})", self.expr(left), self.expr(right))
            }
            Expr::Concat(_, false, left, right) => {
                format!("{}.concat({})", self.expr(left), self.expr(right))
            }
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
                    UnaryOp::SquareRoot => format!("{operand}.square_root()"),
                }
            }
            Expr::Compare(op, left, right) => format!(
                "({} {} {})",
                self.expr(left),
                comparison(*op),
                self.expr(right)
            ),
            Expr::And(left, right) => format!("({} && {})", self.expr(left), self.expr(right)),
            Expr::Or(left, right) => format!("({} || {})", self.expr(left), self.expr(right)),
            Expr::Not(operand) => format!("(!{})", self.expr(operand)),
            Expr::Widen(to, value) => format!("({} as {})", self.expr(value), to.name()),
            Expr::If(condition, then, otherwise) => {
                format!(
                    "(if {} {{ {} }} else {{ {} }})",
                    self.expr(condition),
                    self.expr(then),
                    self.expr(otherwise)
                )
            }
            Expr::Otherwise(value, otherwise) => {
                format!("({} ?? {})", self.expr(value), self.expr(otherwise))
            }
            Expr::Some(value) => self.expr(value),
            Expr::Struct(record, parts) => {
                let record = &package.structs[*record];
                let fields = record
                    .fields
                    .iter()
                    .zip(parts)
                    .map(|(field, part)| format!("{}: {}", field.name, self.expr(part)));
                format!("{} {{ {} }}", record.name, join(fields))
            }
            Expr::Variant(whole, variant, parts) => {
                let whole = &package.enums[*whole];
                let parts = parts.iter().map(|part| self.expr(part)).collect();
                format!(
                    "{}.{}",
                    whole.name,
                    filled(&whole.variants[*variant], parts)
                )
            }
            Expr::Tuple(parts) => format!("({})", self.list(parts)),
            Expr::List(parts) => format!("[{}]", self.list(parts)),
            Expr::Method(method, receiver, arguments) => {
                let name = match method {
                    Method::Length => "len",
                    Method::IsEmpty => "is_empty",
                    Method::Contains | Method::Finds => "contains",
                    Method::First => "first",
                    Method::Last => "last",
                    Method::IsSome => "is_some",
                    Method::IsNone => "is_none",
                    Method::StartsWith => "starts_with",
                    Method::EndsWith => "ends_with",
                    Method::ToText => "to_string",
                };
                format!("{}.{name}({})", self.expr(receiver), self.list(arguments))
            }
            Expr::Contains(table, key) => format!(
                "{}.contains({})",
                package.tables[*table].name,
                self.list(key)
            ),
            Expr::Rows {
                name,
                value,
                walk,
                condition,
            } => {
                let condition = condition.as_ref().map_or(String::new(), |condition| {
                    format!(" if {}", self.expr(condition))
                });
                format!(
                    "[{} for {name} in {}{condition}]",
                    self.expr(value),
                    self.walk(walk)
                )
            }
            Expr::Items {
                name,
                value,
                list,
                condition,
            } => {
                let condition = condition.as_ref().map_or(String::new(), |condition| {
                    format!(" if {}", self.expr(condition))
                });
                format!(
                    "[{} for {name} in {}{condition}]",
                    self.expr(value),
                    self.expr(list)
                )
            }
            Expr::MatchInteger {
                value,
                arms,
                otherwise,
            } => {
                let mut text = format!("match {} {{ ", self.expr(value));
                for (ranges, value) in arms {
                    let ranges: Vec<String> = ranges
                        .iter()
                        .map(|(low, high)| match low == high {
                            true => low.to_string(),
                            false => format!("{low}..={high}"),
                        })
                        .collect();
                    let _ = write!(text, "{} => {}, ", ranges.join(" | "), self.expr(value));
                }
                text + &format!("_ => {} }}", self.expr(otherwise))
            }
            Expr::Call(function, row, arguments) => {
                let arguments = row
                    .iter()
                    .cloned()
                    .chain(arguments.iter().map(|argument| self.expr(argument)));
                format!("{}({})", package.functions[*function].name, join(arguments))
            }
            Expr::Reached(row, (table, field), (target, wanted)) => format!(
                "{row}.{}.row.{}",
                package.tables[*table].fields[*field].name,
                package.tables[*target].fields[*wanted].name
            ),
            Expr::Operation(operation, operands) => self.operation(*operation, operands),
            Expr::Held(root, holding, arguments) => format!(
                "{}.{}({})",
                self.root(root),
                holding_name(*holding),
                self.list(arguments)
            ),
            Expr::Elements(root, take) => {
                format!("[(a, b) for (a, b) in {} take {take}]", self.root(root))
            }
        }
    }

    fn operation(&self, operation: Operation, operands: &[Expr]) -> String {
        let parts: Vec<String> = operands.iter().map(|part| self.expr(part)).collect();
        let between = |sign: &str| format!("({} {sign} {})", parts[0], parts[1]);
        let method = |name: &str, more: String| format!("{}.{name}({more})", parts[0]);
        let rounded = |name: &str, rounding: Rounding| {
            let word = rounding_name(rounding);
            match parts.len() {
                1 => method(name, word.into()),
                _ => method(name, format!("{}, {word}", parts[1])),
            }
        };
        match operation {
            Operation::Decimal(op, digits, scale) => match op {
                DecimalOp::Add => between("+"),
                DecimalOp::Sub => between("-"),
                DecimalOp::Rem => between("%"),
                DecimalOp::Min => method("min", parts[1].clone()),
                DecimalOp::Max => method("max", parts[1].clone()),
                DecimalOp::Negative => format!("(-{})", parts[0]),
                DecimalOp::Absolute => format!("abs({})", parts[0]),
                DecimalOp::Scaled => between("*"),
                DecimalOp::Times(_, rounding) => rounded("times", rounding),
                DecimalOp::Divide(_, rounding) => rounded("divide", rounding),
                DecimalOp::Round(_, rounding) => rounded("round", rounding),
                DecimalOp::Widen(_) => format!("({} as decimal<{digits}, {scale}>)", parts[0]),
            },
            Operation::Float(op) => match op {
                FloatOp::Add => between("+"),
                FloatOp::Sub => between("-"),
                FloatOp::Mul => between("*"),
                FloatOp::Div => between("/"),
                FloatOp::Min => method("min", parts[1].clone()),
                FloatOp::Max => method("max", parts[1].clone()),
                FloatOp::Negative => format!("(-{})", parts[0]),
                FloatOp::Absolute => format!("abs({})", parts[0]),
                FloatOp::Root => method("square_root", String::new()),
                FloatOp::Round(rounding) => rounded("round", rounding),
                FloatOp::Of => format!("({} as f64)", parts[0]),
            },
            Operation::Lasting(op) => between(sign(op).unwrap_or("+")),
            Operation::LastingTimes => between("*"),
            Operation::LastingQuotient => between("/"),
            Operation::Nanoseconds => method("nanoseconds", String::new()),
            Operation::Hash => format!("hash({})", parts.join(", ")),
            Operation::Slice => method("slice", format!("{}, {}", parts[1], parts[2])),
            Operation::Greater => format!("greater({}, {})", parts[0], parts[1]),
            Operation::Same => format!("same({}, {})", parts[0], parts[1]),
            Operation::Swapped => format!(
                "swapped(Pair {{ first: {}, second: {} }}).second",
                parts[0], parts[1]
            ),
            Operation::Role(has) => {
                let role = if has { "boss" } else { "guest" };
                format!("caller.roles.contains({role})")
            }
        }
    }

    pub(super) fn walk(&self, walk: &Walk) -> String {
        let table = &self.package.tables[walk.table];
        let mut text = table.name.clone();
        match walk.index {
            Some(index) => {
                let _ = write!(
                    text,
                    ".{}({})",
                    table.indexes[index].name,
                    self.list(&walk.prefix)
                );
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
            // A job says how many it takes in its header.
            None if walk.max == u64::MAX => text,
            None if walk.max == u64::from(FEW) => text + " take FEW",
            None => text + &format!(" take {}", walk.max),
        }
    }
}

fn holding_name(holding: Holding) -> &'static str {
    match holding {
        Holding::Get => "get",
        Holding::Put => "put",
        Holding::Insert => "insert",
        Holding::Remove => "remove",
        Holding::Contains => "contains",
        Holding::Length => "len",
        Holding::IsEmpty => "is_empty",
        Holding::First => "first",
        Holding::Last => "last",
        Holding::Push => "push",
        Holding::Pop => "pop",
        Holding::Peek => "peek",
        Holding::Append => "append",
    }
}

fn rounding_name(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::HalfEven => "half_even",
        Rounding::HalfUp => "half_up",
        Rounding::Truncate => "truncate",
        Rounding::Away => "away",
        Rounding::Floor => "floor",
        Rounding::Ceiling => "ceiling",
    }
}
