//! What kinds of statements and expressions there are, by name: for counting what the model executed.

use crate::description::*;

pub fn of_statement(statement: &Statement) -> &'static str {
    match statement {
        Statement::Let { mutable: true, .. } => "var",
        Statement::Let { .. } => "let",
        Statement::LetNarrow { .. } => "try_into",
        Statement::FindRow {
            lookup: Lookup::Key(..),
            ..
        } => "get else",
        Statement::FindRow { .. } => "unique.get else",
        Statement::FindRowIf {
            lookup: Lookup::Maybe(_),
            ..
        } => "if let row = row?",
        Statement::LetTuple { .. } => "let (a, b)",
        Statement::LetMaybe { .. } => "let row? = get",
        Statement::FindRowIf { .. } => "if let row",
        Statement::Alias { .. } => "let row = row",
        Statement::GetOrInsert { .. } => "get_or_insert",
        Statement::Insert { .. } => "insert",
        Statement::Put { .. } => "put",
        Statement::Delete { .. } => "delete",
        Statement::Assign {
            target: Place {
                root: Root::Row(..),
                ..
            },
            operator: None,
            ..
        } => "row.field =",
        Statement::Assign {
            target: Place {
                root: Root::Row(..),
                ..
            },
            ..
        } => "row.field op=",
        Statement::Assign {
            target: Place {
                root: Root::State(_),
                ..
            },
            ..
        } => "state =",
        Statement::Assign { .. } => "local =",
        Statement::AssignElse { .. } => "place = optional else",
        Statement::Push { .. } => "push",
        Statement::Pop { .. } => "pop",
        Statement::InsertAt { .. } => "insert_at",
        Statement::RemoveAt { .. } => "remove_at",
        Statement::Clear { .. } => "clear",
        Statement::Hold { .. } => "container operation",
        Statement::ForHeld { .. } => "for (key, value)",
        Statement::ForEvery { .. } => "for every row",
        Statement::Attempt { endings: None, .. } => "attempt, dropped",
        Statement::Attempt { .. } => "match attempt",
        Statement::Start { .. } => "start",
        Statement::If { .. } => "if",
        Statement::IfSome { .. } => "if let",
        Statement::ForRange { .. } => "for range",
        Statement::ForList { .. } => "for list",
        Statement::ForRows { .. } => "for rows",
        Statement::Match { .. } => "match enum",
        Statement::Ensure { .. } => "ensure",
        Statement::Emit { .. } => "emit",
        Statement::Call { .. } => "call fn",
        Statement::Fail(_) => "fail",
        Statement::Return(_) => "return",
        Statement::Break => "break",
        Statement::Continue => "continue",
    }
}

pub fn of_expression(expr: &Expr) -> &'static str {
    match expr {
        Expr::Constant(..) => "literal",
        Expr::Local(_) => "name",
        Expr::RowField(..) => "row.field",
        Expr::Column(..) => "column of an invariant",
        Expr::StructField(..) => "struct.field",
        Expr::TuplePart(..) => "tuple.0",
        Expr::State(_) => "state",
        Expr::Aggregate(_, None) => "aggregate",
        Expr::Aggregate(_, Some(_)) => "aggregate[group]",
        Expr::Now => "now",
        Expr::CallerId => "caller.id",
        Expr::Concat(_, true, ..) => "text + text",
        Expr::Concat(..) => "concat",
        Expr::Element(..) => "list[i]",
        Expr::Arithmetic(op, ..) => crate::print::sign(*op).unwrap_or_else(|name| name),
        Expr::Unary(..) => "unary",
        Expr::Compare(..) => "compare",
        Expr::And(..) => "&&",
        Expr::Or(..) => "||",
        Expr::Not(_) => "!",
        Expr::Widen(..) => "as",
        Expr::If(..) => "if value",
        Expr::Otherwise(..) => "??",
        Expr::Some(_) => "value as optional",
        Expr::Struct(..) => "struct literal",
        Expr::Variant(..) => "enum literal",
        Expr::Tuple(_) => "tuple",
        Expr::List(_) => "list literal",
        Expr::Method(method, ..) => match method {
            Method::Length => "len",
            Method::IsEmpty => "is_empty",
            Method::Contains => "list.contains",
            Method::First => "first",
            Method::Last => "last",
            Method::IsSome => "is_some",
            Method::IsNone => "is_none",
            Method::StartsWith => "starts_with",
            Method::EndsWith => "ends_with",
            Method::Finds => "text.contains",
            Method::ToText => "to_string",
        },
        Expr::Contains(..) => "table.contains",
        Expr::Rows { .. } => "[… for row]",
        Expr::Items { .. } => "[… for item]",
        Expr::MatchInteger { .. } => "match integer",
        Expr::Call(..) => "call fn for its value",
        Expr::Reached(..) => "row.reference.row.field",
        Expr::Elements(..) => "[… for (key, value)]",
        Expr::Held(_, holding, _) => match holding {
            Holding::Get => "container.get",
            Holding::Put => "container.put",
            Holding::Insert => "container.insert",
            Holding::Remove => "container.remove",
            Holding::Contains => "container.contains",
            Holding::Length => "container.len",
            Holding::IsEmpty => "container.is_empty",
            Holding::First => "container.first",
            Holding::Last => "container.last",
            Holding::Push => "container.push",
            Holding::Pop => "container.pop",
            Holding::Peek => "container.peek",
            Holding::Append => "container.append",
        },
        Expr::Operation(operation, _) => match operation {
            Operation::Decimal(op, ..) => match op {
                DecimalOp::Times(..) => "decimal.times",
                DecimalOp::Divide(..) => "decimal.divide",
                DecimalOp::Round(..) => "decimal.round",
                DecimalOp::Widen(_) => "decimal as decimal",
                DecimalOp::Scaled => "decimal * integer",
                _ => "decimal sums and others",
            },
            Operation::Float(FloatOp::Round(_)) => "float.round",
            Operation::Float(FloatOp::Root) => "float.square_root",
            Operation::Float(_) => "float arithmetic",
            Operation::Lasting(_) => "duration ± duration",
            Operation::LastingTimes => "duration * integer",
            Operation::LastingQuotient => "duration / duration",
            Operation::Nanoseconds => "duration.nanoseconds",
            Operation::Hash => "hash",
            Operation::Slice => "slice",
            Operation::Greater => "generic fn over Ordered",
            Operation::Same => "generic fn over Equal",
            Operation::Swapped => "generic struct",
            Operation::Role(_) => "caller.roles.contains",
        },
    }
}
