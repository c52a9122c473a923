//! Whether the arms of a `match` cover every value, and which values they miss.
//!
//! The usual matrix of patterns, one column per part still to be looked at: it is specialised by each
//! constructor of the first column's type. A budget keeps hostile matches from taking forever.

use crate::body::Body;
use crate::types::substitute;
use rc_bytecode::instr::{Builtin, Scalar};
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Pattern, PatternKind, Program, Type};
use rc_source::Span;
use std::sync::Arc;

/// Specialisations of one match at most.
const BUDGET: u32 = 200_000;
/// Missing cases shown at most.
const SHOWN_MAX: usize = 5;

impl Body<'_, '_> {
    pub fn exhaustive(&mut self, value: &hir::Expr, arms: &[hir::Arm], span: Span) {
        if contains_error(arms) {
            return;
        }
        let rows: Vec<Vec<&Pattern>> = arms
            .iter()
            .filter(|arm| arm.guard.is_none())
            .map(|arm| vec![&arm.pattern])
            .collect();
        let mut search = Search {
            program: &self.world.program,
            left: BUDGET,
        };
        let types = [value.ty.clone()];
        let missing = search.missing(&rows, &types);
        let redundant = match (missing.is_empty(), arms.last()) {
            (true, Some(last))
                if arms.len() > 1
                    && last.guard.is_none()
                    && arms.iter().all(|arm| arm.body.ty != Type::Error) =>
            {
                let before = &rows[..rows.len() - 1];
                (search.missing(before, &types).is_empty()).then_some(last.span)
            }
            _ => None,
        };
        let exhausted = search.left == 0;
        if exhausted {
            self.world
                .error(
                    codes::TOO_COMPLEX,
                    span,
                    "this match has too many combinations to check",
                )
                .hint("match on fewer parts at once");
            return;
        }
        if !missing.is_empty() {
            let mut shown: Vec<String> = missing
                .iter()
                .take(SHOWN_MAX)
                .map(|case| format!("`{case}`"))
                .collect();
            if missing.len() > SHOWN_MAX {
                shown.push(format!("{} more", missing.len() - SHOWN_MAX));
            }
            let hint = missing
                .iter()
                .take(SHOWN_MAX)
                .map(|case| format!("{case} => …"))
                .collect::<Vec<_>>()
                .join(", ");
            let head = Span::new(span.file, span.start, value.span.end.max(span.start));
            self.world
                .error(
                    codes::NOT_EXHAUSTIVE,
                    head,
                    format!("this match misses {}", shown.join(", ")),
                )
                .label("not every case is covered")
                .hint(hint);
        } else if let Some(last) = redundant {
            self.world.warning(
                codes::UNREACHABLE_ARM,
                last,
                "this arm is never reached: those above cover everything",
            );
        }
    }
}

/// Patterns that were reported say nothing about what is covered.
fn contains_error(arms: &[hir::Arm]) -> bool {
    arms.iter().any(|arm| in_error(&arm.pattern))
}

fn in_error(pattern: &Pattern) -> bool {
    pattern.ty == Type::Error
        || match &pattern.kind {
            PatternKind::Some(inner) | PatternKind::Ok(inner) => in_error(inner),
            PatternKind::Tuple(parts) | PatternKind::Or(parts) => parts.iter().any(in_error),
            PatternKind::Variant { fields, .. } | PatternKind::Failure { fields, .. } => {
                fields.iter().any(|(_, part)| in_error(part))
            }
            _ => false,
        }
}

#[derive(Clone, Debug, PartialEq)]
enum Constructor {
    Bool(bool),
    Variant(hir::EnumId, u32),
    None,
    Some,
    Tuple,
    Range(i128, i128),
    Text(Arc<str>),
    Ok,
    Failure(hir::ErrorId, u32),
    Builtin(Builtin),
    /// A failure that no pattern names.
    OtherFailure,
    /// A value that no pattern names.
    Other,
}

struct Search<'p> {
    program: &'p Program,
    left: u32,
}

impl Search<'_> {
    /// Values, one line each, that no row matches. Empty: everything is covered.
    fn missing(&mut self, rows: &[Vec<&Pattern>], types: &[Type]) -> Vec<String> {
        let rows = &one_form_each(rows);
        let mut found = Vec::new();
        for constructor in self.constructors(rows, &types[0]) {
            let parts = self.parts(&constructor, &types[0]);
            let (rows, mut types) = (self.specialised(rows, &constructor, &parts), types.to_vec());
            types.splice(0..1, parts.iter().cloned());
            if let Some(witness) = self.witness(&rows, &types) {
                found.push(self.show(&constructor, &witness[..parts.len()]));
            }
        }
        found
    }

    fn witness(&mut self, rows: &[Vec<&Pattern>], types: &[Type]) -> Option<Vec<String>> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        if types.is_empty() {
            return rows.is_empty().then(Vec::new);
        }
        let rows = &one_form_each(rows);
        // A column of names alone needs no look inside.
        if rows.iter().all(|row| {
            crate::patterns::always(row[0]) && !matches!(row[0].kind, PatternKind::Tuple(_))
        }) {
            let rest: Vec<Vec<&Pattern>> = rows.iter().map(|row| row[1..].to_vec()).collect();
            let mut witness = self.witness(&rest, &types[1..])?;
            witness.insert(0, "_".into());
            return Some(witness);
        }
        for constructor in self.constructors(rows, &types[0]) {
            let parts = self.parts(&constructor, &types[0]);
            let inner = self.specialised(rows, &constructor, &parts);
            let mut inner_types = parts.clone();
            inner_types.extend_from_slice(&types[1..]);
            if let Some(mut witness) = self.witness(&inner, &inner_types) {
                let rest = witness.split_off(parts.len());
                let mut whole = vec![self.show(&constructor, &witness)];
                whole.extend(rest);
                return Some(whole);
            }
        }
        None
    }

    fn constructors(&self, rows: &[Vec<&Pattern>], ty: &Type) -> Vec<Constructor> {
        match ty {
            Type::Scalar(Scalar::Bool) => vec![Constructor::Bool(true), Constructor::Bool(false)],
            Type::Enum(id, _) => (0..self.program.enums[id.0 as usize].variants.len() as u32)
                .map(|number| Constructor::Variant(*id, number))
                .collect(),
            Type::Optional(_) => vec![Constructor::None, Constructor::Some],
            Type::Tuple(_) => vec![Constructor::Tuple],
            Type::Attempted(_, errors) => {
                let mut all = vec![Constructor::Ok];
                for error in errors {
                    all.extend(
                        (0..self.program.errors[error.0 as usize].variants.len() as u32)
                            .map(|variant| Constructor::Failure(*error, variant)),
                    );
                }
                let named = |builtin: Builtin| {
                    rows.iter().any(|row| matches!(&row[0].kind, PatternKind::FailureBuiltin(named) if *named == builtin))
                };
                all.extend(
                    Builtin::all()
                        .filter(|builtin| named(*builtin))
                        .map(Constructor::Builtin),
                );
                if !Builtin::all().all(named) {
                    all.push(Constructor::OtherFailure);
                }
                all
            }
            Type::Scalar(scalar) if scalar.is_integer() => ranges(rows, *scalar),
            _ => {
                let mut all: Vec<Constructor> = Vec::new();
                for row in rows {
                    if let PatternKind::String(text) = &row[0].kind
                        && !all.contains(&Constructor::Text(text.clone()))
                    {
                        all.push(Constructor::Text(text.clone()));
                    }
                }
                all.push(Constructor::Other);
                all
            }
        }
    }

    /// Types of a constructor's parts.
    fn parts(&self, constructor: &Constructor, ty: &Type) -> Vec<Type> {
        let all = |fields: &[hir::Field], arguments: &[Type]| {
            fields
                .iter()
                .map(|field| substitute(&field.ty, arguments))
                .collect()
        };
        match (constructor, ty) {
            (Constructor::Variant(_, number), Type::Enum(id, arguments)) => all(
                &self.program.enums[id.0 as usize].variants[*number as usize].fields,
                arguments,
            ),
            (Constructor::Some, Type::Optional(inner)) => vec![(**inner).clone()],
            (Constructor::Tuple, Type::Tuple(parts)) => parts.clone(),
            (Constructor::Ok, Type::Attempted(inner, _)) => vec![(**inner).clone()],
            (Constructor::Failure(error, variant), _) => all(
                &self.program.errors[error.0 as usize].variants[*variant as usize].fields,
                &[],
            ),
            _ => Vec::new(),
        }
    }

    /// The rows that can match this constructor, looking at its parts instead.
    fn specialised<'r>(
        &self,
        rows: &[Vec<&'r Pattern>],
        constructor: &Constructor,
        parts: &[Type],
    ) -> Vec<Vec<&'r Pattern>> {
        let mut kept = Vec::new();
        for row in rows {
            let mut inner: Vec<&Pattern> = vec![&ANY; parts.len()];
            let place = |fields: &'r [(u32, Pattern)], inner: &mut Vec<&'r Pattern>| {
                for (number, pattern) in fields {
                    if let Some(slot) = inner.get_mut(*number as usize) {
                        *slot = pattern;
                    }
                }
            };
            let matches = match (&row[0].kind, constructor) {
                (PatternKind::Wildcard | PatternKind::Bind(_), _) => true,
                (PatternKind::Bool(a), Constructor::Bool(b)) => a == b,
                (PatternKind::Integer(number), Constructor::Range(low, high)) => {
                    low == number && high == number
                }
                (PatternKind::IntegerRange(from, to), Constructor::Range(low, high)) => {
                    from <= low && high <= to
                }
                (PatternKind::String(a), Constructor::Text(b)) => a == b,
                (PatternKind::None, Constructor::None) => true,
                (PatternKind::Some(content), Constructor::Some) => {
                    inner[0] = content;
                    true
                }
                (PatternKind::Tuple(parts), Constructor::Tuple) => {
                    inner
                        .iter_mut()
                        .zip(parts)
                        .for_each(|(slot, part)| *slot = part);
                    true
                }
                (PatternKind::Variant { variant, fields }, Constructor::Variant(_, number))
                    if variant == number =>
                {
                    place(fields, &mut inner);
                    true
                }
                (PatternKind::Ok(content), Constructor::Ok) => {
                    inner[0] = content;
                    true
                }
                (
                    PatternKind::Failure {
                        error,
                        variant,
                        fields,
                    },
                    Constructor::Failure(wanted, number),
                ) if error == wanted && variant == number => {
                    place(fields, &mut inner);
                    true
                }
                (PatternKind::FailureBuiltin(a), Constructor::Builtin(b)) => a == b,
                (
                    PatternKind::AnyFailure,
                    Constructor::Failure(..) | Constructor::Builtin(_) | Constructor::OtherFailure,
                ) => true,
                _ => false,
            };
            if matches {
                inner.extend_from_slice(&row[1..]);
                kept.push(inner);
            }
        }
        kept
    }

    fn show(&self, constructor: &Constructor, inside: &[String]) -> String {
        let inside: Vec<&str> = inside.iter().map(String::as_str).collect();
        let around = |name: &str, fields: &[hir::Field]| match fields.first() {
            None => name.to_string(),
            Some(first) if first.name.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("{name}({})", inside.join(", "))
            }
            Some(_) if inside.iter().all(|part| *part == "_") => format!("{name} {{ .. }}"),
            Some(_) => {
                let parts: Vec<String> = fields
                    .iter()
                    .zip(&inside)
                    .map(|(field, part)| format!("{}: {part}", field.name))
                    .collect();
                format!("{name} {{ {} }}", parts.join(", "))
            }
        };
        match constructor {
            Constructor::Bool(value) => value.to_string(),
            Constructor::Variant(id, number) => {
                let variant = &self.program.enums[id.0 as usize].variants[*number as usize];
                around(&variant.name, &variant.fields)
            }
            Constructor::None => "none".into(),
            Constructor::Some => match inside.as_slice() {
                ["_"] | [] => "value".into(),
                [content, ..] => (*content).to_string(),
            },
            Constructor::Tuple => format!("({})", inside.join(", ")),
            Constructor::Range(low, high) if low == high => low.to_string(),
            Constructor::Range(low, high) => format!("{low}..={high}"),
            Constructor::Text(text) => format!("{:?}", &**text),
            Constructor::Ok => "Ok(_)".into(),
            Constructor::Failure(error, variant) => {
                let variant = &self.program.errors[error.0 as usize].variants[*variant as usize];
                format!("Err({})", around(&variant.name, &variant.fields))
            }
            Constructor::Builtin(builtin) => format!("Err({})", builtin.name()),
            Constructor::OtherFailure => "Err(_)".into(),
            Constructor::Other => "_".into(),
        }
    }
}

/// The rows with one form each in their first column: a pattern of several is a row for each.
fn one_form_each<'r>(rows: &[Vec<&'r Pattern>]) -> Vec<Vec<&'r Pattern>> {
    fn forms<'r>(pattern: &'r Pattern, into: &mut Vec<&'r Pattern>) {
        match &pattern.kind {
            PatternKind::Or(all) => all.iter().for_each(|one| forms(one, into)),
            _ => into.push(pattern),
        }
    }
    let mut split = Vec::with_capacity(rows.len());
    for row in rows {
        let mut first = Vec::new();
        forms(row[0], &mut first);
        for form in first {
            let mut one = row.clone();
            one[0] = form;
            split.push(one);
        }
    }
    split
}

static ANY: Pattern = Pattern {
    kind: PatternKind::Wildcard,
    ty: Type::Error,
    span: Span {
        file: rc_source::FileId(0),
        start: 0,
        end: 0,
    },
};

/// The integers of a type, cut where any pattern begins or ends.
fn ranges(rows: &[Vec<&Pattern>], scalar: Scalar) -> Vec<Constructor> {
    let (low, high) = crate::literals::range(scalar);
    let mut cuts = vec![low];
    for row in rows {
        let (from, to) = match &row[0].kind {
            PatternKind::Integer(number) => (*number, *number),
            PatternKind::IntegerRange(from, to) => (*from, *to),
            _ => continue,
        };
        cuts.push(from);
        if to < high {
            cuts.push(to + 1);
        }
    }
    cuts.sort_unstable();
    cuts.dedup();
    let ends = cuts.iter().skip(1).map(|next| next - 1).chain([high]);
    let mut all: Vec<Constructor> = cuts
        .iter()
        .zip(ends)
        .map(|(from, to)| Constructor::Range(*from, to))
        .collect();
    if scalar == Scalar::U128 {
        // Above what patterns can name.
        all.push(Constructor::Other);
    }
    all
}
