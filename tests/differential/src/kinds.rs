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
        Statement::Push { .. } => "push",
        Statement::Pop { .. } => "pop",
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
    }
}
