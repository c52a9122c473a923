//! Tables and the members of other braced declarations. Always true: in a table body a name followed by
//! `:` is a field, whatever the word; a member that cannot be read is skipped alone.

use super::*;
use crate::ast::{Field, ItemKind, Payload, TableMember, Variant};

fn list_of<O: 'static>(member: Rule<O>) -> Rule<Vec<O>> {
    use TokenKind::*;
    // Members without a separator between them are reported where the first one ends.
    member
        .separated_by(one_of([Newline, Comma]).repeated())
        .allow_leading()
        .allow_trailing()
        .collect()
        .delimited_by(just(OpenBrace), just(CloseBrace))
        .boxed()
}

/// `docs name: T = default`, to the end of its line.
fn field(rules: &Rules) -> Rule<Field> {
    use TokenKind::*;
    let default = just(Equal).ignore_then(rules.expression.clone()).or_not();
    docs()
        .then(
            name()
                .then_ignore(just(Colon))
                .then(rules.ty.clone())
                .then(default)
                .map_with(|parts, here| (parts, span_here(here))),
        )
        .then_ignore(member_end(name().then(just(Colon)).ignored()))
        .map(|(docs, (((name, ty), default), span))| Field {
            docs,
            name,
            ty,
            default,
            span,
        })
        .boxed()
}

/// The fields of a struct, event, layout or record variant. A broken one keeps its place without a name.
pub(super) fn fields(rules: &Rules) -> Rule<Vec<Field>> {
    use TokenKind::*;
    let broken = skip_until([Comma, Newline]).map_with(|_, here| {
        let span = span_here(here);
        let name = unnamed(span);
        Field {
            docs: Vec::new(),
            name,
            ty: broken_type(span),
            default: Option::None,
            span,
        }
    });
    list_of(field(rules).recover_with(via_parser(broken)).boxed())
}

/// The variants of an enum or error.
pub(super) fn variants(rules: &Rules) -> Rule<Vec<Variant>> {
    use TokenKind::*;
    let part = choice((
        name()
            .then_ignore(just(Colon))
            .then(rules.ty.clone())
            .map(|(name, ty)| (Some(name), ty)),
        rules.ty.clone().map(|ty| (Option::None, ty)),
    ));
    let tuple = part
        .separated_by(just(Comma))
        .allow_trailing()
        .collect()
        .delimited_by(just(OpenParen), just(CloseParen))
        .map(Payload::Tuple);
    let payload = choice((tuple, fields(rules).map(Payload::Record)));
    let payload = payload.or_not().boxed();
    // Only after a proper variant is what follows on the line the next one.
    let proper = upper_name()
        .then(payload.clone())
        .map_with(|parts, here| (parts, span_here(here)))
        .then_ignore(member_end(upper_name().ignored()));
    let misspelt = lower_name()
        .then(payload)
        .map_with(|parts, here| (parts, span_here(here)))
        .then_ignore(ahead([Comma, Newline, CloseBrace]));
    let variant = docs()
        .then(choice((proper, misspelt)))
        .map(|(docs, ((name, payload), span))| Variant {
            docs,
            name,
            payload: payload.unwrap_or(Payload::None),
            span,
        });
    let broken = skip_until([Comma, Newline]).map_with(|_, here| {
        let span = span_here(here);
        Variant {
            docs: Vec::new(),
            name: unnamed(span),
            payload: Payload::None,
            span,
        }
    });
    list_of(variant.recover_with(via_parser(broken)).boxed())
}

pub(super) fn table(rules: &Rules) -> Rule<ItemKind> {
    use TokenKind::*;
    let origin = just(From)
        .ignore_then(name())
        .then(version().or_not())
        .or_not();
    let capacity = just(Capacity).ignore_then(rules.head.clone()).or_not();
    just(Table)
        .ignore_then(name())
        .then(version().or_not())
        .then(origin)
        .then(capacity)
        .then_ignore(newlines())
        .then(list_of(member(rules)))
        .map(|((((name, version), from), capacity), members)| {
            ItemKind::Table(crate::ast::Table {
                name,
                version,
                from,
                capacity,
                members,
            })
        })
        .boxed()
}

fn member(rules: &Rules) -> Rule<TableMember> {
    use TokenKind::*;
    let end = || {
        let field = name().then(just(Colon)).ignored();
        let other = one_of([Key, Index, Unique]).then(name()).ignored();
        member_end(choice((field, other)))
    };
    let key = docs()
        .then(
            just(Key)
                .ignore_then(name())
                .then_ignore(just(Colon))
                .then(rules.ty.clone())
                .then(lower_name().then_ignore(just(Colon).not()).or_not())
                .map_with(|parts, here| (parts, span_here(here))),
        )
        .map(|(docs, (((name, ty), storage), span))| TableMember::Key {
            docs,
            name,
            ty,
            storage,
            span,
        });
    let columns = name()
        .separated_by(just(Comma))
        .at_least(1)
        .allow_trailing()
        .collect::<Vec<_>>()
        .delimited_by(just(OpenParen), just(CloseParen));
    let index = choice((just(Index).to(false), just(Unique).to(true)))
        .then(name())
        .then(columns)
        .map_with(|((unique, name), fields), here| TableMember::Index {
            name,
            fields,
            unique,
            span: span_here(here),
        });
    let invariant = just(Invariant)
        .ignore_then(rules.expression.clone())
        .map_with(|condition, here| TableMember::Invariant {
            condition,
            span: span_here(here),
        });
    let migrate = just(Migrate)
        .ignore_then(name())
        .then_ignore(just(FatArrow))
        .then(expressions::fields(rules))
        .map_with(|(old, fields), here| TableMember::Migrate {
            old,
            fields,
            span: span_here(here),
        });
    let on_delete = just(On)
        .ignore_then(just(Delete))
        .ignore_then(name())
        .then(name())
        .then(just(Take).ignore_then(rules.expression.clone()).or_not())
        .map_with(|((reference, action), limit), here| TableMember::OnDelete {
            reference,
            action,
            limit,
            span: span_here(here),
        });
    let undocumented = docs().ignore_then(choice((index, invariant, migrate, on_delete)));
    let broken =
        skip_until([Comma, Newline]).map_with(|_, here| TableMember::Broken(span_here(here)));
    choice((field(rules).map(TableMember::Field), key, undocumented))
        .labelled(Expected::Member)
        .then_ignore(end())
        .recover_with(via_parser(broken))
        .boxed()
}
