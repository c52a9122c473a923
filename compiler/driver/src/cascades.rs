//! One mistake, one message: what the checker says only because of a mistake that was said already is left out, or counted
//! at the first place where it shows.
//!
//! Always true: of all that is known to be wrong something is said; what is left out stands in a declaration that did not
//! parse, uses one that did not, or repeats a message about the same name.

use rc_diagnostics::{Code, Diagnostic, Diagnostics, Severity, codes};
use rc_source::{Sources, Span};
use rc_syntax::ast;
use std::collections::{BTreeMap, BTreeSet};

/// A name that is not known is said once, with how often it occurs; so are a call with too many or too few arguments, and an
/// expression that has another type than expected, in one declaration. After a `use` that led nowhere nothing is said about
/// names, which it may have brought. `items` are the declarations, in order.
pub(crate) fn once_each_name(
    sources: &Sources,
    items: &[Span],
    found: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let is_use = |one: &Diagnostic| one.code == codes::UNKNOWN_MODULE;
    let without_use = found.iter().any(is_use);
    let unknown = [
        codes::UNKNOWN_NAME,
        codes::UNKNOWN_TYPE,
        codes::UNKNOWN_FIELD,
        codes::UNKNOWN_VARIANT,
        codes::UNKNOWN_ROLE,
        codes::UNKNOWN_INDEX,
        codes::UNKNOWN_FAILURE,
    ];
    // A name and a field of one spelling are mostly one.
    let fields = [codes::UNKNOWN_NAME, codes::UNKNOWN_FIELD];
    let values = [codes::TYPE_MISMATCH, codes::BAD_OPERANDS];
    let counted = [codes::WRONG_ARGUMENT_COUNT, values[0], values[1]];
    let item_of = |span: Span| {
        items.partition_point(|item| {
            *item
                <= Span {
                    end: u32::MAX,
                    ..span
                }
        })
    };
    let mut kept: Vec<(Diagnostic, usize)> = Vec::new();
    let mut places: BTreeMap<(Code, String, usize), usize> = BTreeMap::new();
    for diagnostic in found {
        let is_unknown = unknown.contains(&diagnostic.code);
        if !is_unknown && !counted.contains(&diagnostic.code) {
            kept.push((diagnostic, 0));
            continue;
        }
        if is_unknown && without_use {
            continue;
        }
        let key = match fields.contains(&diagnostic.code) {
            true => {
                let spelling = sources.text_of(diagnostic.primary.span);
                (codes::UNKNOWN_NAME, spelling.to_string(), 0)
            }
            false if values.contains(&diagnostic.code) => {
                let span = diagnostic.primary.span;
                let what = format!("{} {}", diagnostic.message, sources.text_of(span));
                (diagnostic.code, what, item_of(span))
            }
            false => (diagnostic.code, diagnostic.message.clone(), 0),
        };
        match places.get(&key) {
            Some(first) => {
                let (first, more) = &mut kept[*first];
                *more += 1;
                // The same name is mended in the same way.
                if !first.fix.is_empty() && first.message == diagnostic.message {
                    first.fix.extend(diagnostic.fix);
                }
            }
            None => {
                places.insert(key, kept.len());
                kept.push((diagnostic, 0));
            }
        }
    }
    let counted = |(mut diagnostic, more): (Diagnostic, usize)| {
        let label = &mut diagnostic.primary.text;
        if more > 0 {
            let places = if more == 1 { "place" } else { "places" };
            let word = if label.is_empty() {
                "here"
            } else {
                label.as_str()
            };
            *label = format!("{word}, and at {more} more {places}");
        }
        diagnostic
    };
    kept.into_iter().map(counted).collect()
}

/// What the checker says about a declaration that did not parse whole is left out, and so is what it says in those that
/// use one, and every unknown name while a declaration that could have made it known did not parse.
pub(crate) fn quiet_after_syntax<'a>(
    sources: &Sources,
    syntax: &Diagnostics,
    files: impl Iterator<Item = &'a ast::File>,
    found: Diagnostics,
) -> Vec<Diagnostic> {
    let mut mistakes: Vec<Span> = Vec::new();
    for mistake in syntax.iter().filter(|one| one.severity == Severity::Error) {
        mistakes.push(mistake.primary.span);
        // Where a declaration was cut short.
        let others = mistake.secondary.iter().map(|label| label.span);
        mistakes.extend(others.filter(|span| !span.is_empty()));
    }
    if mistakes.is_empty() {
        return found.into_iter().collect();
    }
    let holds = |item: &ast::Item, span: Span| {
        item.span.file == span.file && item.span.start <= span.start && span.start <= item.span.end
    };
    let items: Vec<&ast::Item> = files.flat_map(|file| &file.items).collect();
    let damaged: Vec<&ast::Item> = items
        .iter()
        .copied()
        .filter(|item| mistakes.iter().any(|mistake| holds(item, *mistake)))
        .collect();
    // A mistake in a body leaves the header as it is.
    let in_body = |item: &ast::Item, mistake: Span| match &item.kind {
        ast::ItemKind::Callable(callable) => mistake.start >= callable.header.end,
        ast::ItemKind::Test { .. } => true,
        _ => false,
    };
    let bodies_only = mistakes.iter().all(|mistake| {
        damaged
            .iter()
            .any(|item| holds(item, *mistake) && in_body(item, *mistake))
    });
    let unclear: BTreeSet<&str> = damaged
        .iter()
        .filter(|item| {
            let mut own = mistakes.iter().filter(|mistake| holds(item, **mistake));
            own.any(|mistake| !in_body(item, *mistake))
        })
        .filter_map(|item| declared_name(sources, item))
        .collect();
    let users: Vec<Span> = items
        .iter()
        .map(|item| item.span)
        .filter(|span| !unclear.is_empty() && mentions(sources.text_of(*span), &unclear))
        .collect();
    let uses_damaged = |span: Span| {
        users.iter().any(|user| {
            user.file == span.file && user.start <= span.start && span.start <= user.end
        })
    };
    // What a declaration that cannot be read may have made known: names, and failures, roles, indexes by name.
    let hangs_on_names = |code: Code| {
        (200..300).contains(&code.number())
            || [
                codes::NO_ORDER,
                codes::UNKNOWN_ROLE,
                codes::UNDECLARED_FAILURE,
                codes::UNKNOWN_INDEX,
                codes::CANNOT_FAIL_SO,
                codes::UNKNOWN_FAILURE,
                codes::KEY_MISSING,
            ]
            .contains(&code)
    };
    found
        .into_iter()
        .filter(|diagnostic| {
            let span = diagnostic.primary.span;
            let inside = damaged.iter().any(|item| holds(item, span));
            !inside && !uses_damaged(span) && (bodies_only || !hangs_on_names(diagnostic.code))
        })
        .collect()
}

/// The name that an item declares; of one that could not be read, the word after its first.
fn declared_name<'s>(sources: &'s Sources, item: &ast::Item) -> Option<&'s str> {
    use ast::ItemKind::*;
    let name = match &item.kind {
        TypeAlias { name, .. }
        | Struct { name, .. }
        | Enum { name, .. }
        | State { name, .. }
        | Aggregate { name, .. }
        | Role { name }
        | Error { name, .. }
        | Event { name, .. }
        | Const { name, .. }
        | Layout { name, .. } => name,
        Table(table) => &table.name,
        Callable(callable) => &callable.name,
        Job(job) => &job.name,
        Broken => return words(sources.text_of(item.span)).nth(1),
        _ => return None,
    };
    Some(sources.text_of(name.span)).filter(|name| !name.is_empty())
}

fn mentions(text: &str, names: &BTreeSet<&str>) -> bool {
    words(text).any(|word| names.contains(word))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}
