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
                for (low, high, value) in arms {
                    let _ = if low == high {
                        write!(text, "{low} => ")
                    } else {
                        write!(text, "{low}..={high} => ")
                    };
                    let _ = write!(text, "{}, ", self.expr(value));
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
            None => text + &format!(" take {}", walk.max),
        }
    }
}
