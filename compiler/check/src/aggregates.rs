//! Aggregates: sums and counts over a table, kept with every write; least and greatest values, read from an index.
//!
//! Always true after it: a `min` or `max` has an index (or the table's own order) that begins with its group and then its
//! field; a group is a field that can be compared byte by byte.

use crate::names::nearest;
use crate::tables::{indexable, orderable};
use crate::world::*;
use rc_bytecode::instr::Scalar;
use rc_bytecode::text::DECIMAL_DIGITS_MAX;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{AggregateFunction, Type};
use rc_syntax::ast;

pub(crate) fn resolve(world: &mut World<'_>) {
    for index in 0..world.aggregates.len() {
        let (module, tree) = (world.aggregates[index].module, world.aggregates[index].tree);
        let ast::ItemKind::Aggregate {
            function,
            table,
            field,
            by,
            ..
        } = tree
        else {
            continue;
        };
        let Some((function, table, field, ty)) =
            one(world, module, function, table, field.as_ref())
        else {
            continue;
        };
        let group = match by {
            Some(by) => match group(world, table, by) {
                Some(group) => Some(group),
                None => continue,
            },
            None => None,
        };
        if matches!(function, AggregateFunction::Min | AggregateFunction::Max)
            && !has_order(world, table, group, field)
        {
            no_order(world, index, table, group, field);
            continue;
        }
        let aggregate = &mut world.program.aggregates[index];
        aggregate.function = function;
        aggregate.table = table;
        aggregate.field = field;
        aggregate.by = group;
        aggregate.ty = ty;
    }
}

/// The field that an aggregate is divided by.
fn group(world: &mut World<'_>, table: hir::TableId, by: &ast::Name) -> Option<u32> {
    let number = field_number(world, table, by)?;
    let ty = world.program.tables[table.0 as usize].fields[number as usize]
        .ty
        .clone();
    if ty == Type::Error {
        return None;
    }
    if !indexable(&ty, &world.program) {
        let shown = world.show(&ty);
        world
            .error(
                codes::BAD_AGGREGATE,
                by.span,
                format!("`{}` is `{shown}`, which cannot tell groups apart", by.text),
            )
            .hint("integers, decimals, `time`, `uuid`, `hash`, `string<N>`, `bytes<N>` and enums without payloads can");
        return None;
    }
    Some(number)
}

/// Whether the least and the greatest of each group stand at the ends of some order.
fn has_order(
    world: &World<'_>,
    table: hir::TableId,
    group: Option<u32>,
    field: Option<u32>,
) -> bool {
    let wanted: Vec<u32> = group.into_iter().chain(field).collect();
    world.program.tables[table.0 as usize]
        .order_led_by(&wanted)
        .is_some()
}

fn no_order(
    world: &mut World<'_>,
    aggregate: usize,
    table: hir::TableId,
    group: Option<u32>,
    field: Option<u32>,
) {
    let ast::ItemKind::Aggregate { function, .. } = world.aggregates[aggregate].tree else {
        return;
    };
    let declared = &world.program.tables[table.0 as usize];
    let names: Vec<&str> = group
        .into_iter()
        .chain(field)
        .map(|number| declared.fields[number as usize].name.as_str())
        .collect();
    let (last, all) = (names.last().copied().unwrap_or(""), names.join(", "));
    let message = format!(
        "`{}` reads the end of an ordered index, and `{}` has none that begins with `{all}`",
        function.text, declared.name
    );
    let hint = format!("index by_{last}({all}), inside `{}`", declared.name);
    let span = declared.span;
    world
        .error(codes::NO_INDEX_FOR_AGGREGATE, function.span, message)
        .secondary(span, "this table")
        .hint(hint);
}

/// A field of a table by its name, with a message where there is none.
fn field_number(world: &mut World<'_>, table: hir::TableId, field: &ast::Name) -> Option<u32> {
    if let Some(number) = world.table_fields[table.0 as usize].get(&field.text) {
        return Some(*number);
    }
    let declared = &world.program.tables[table.0 as usize];
    let near = nearest(
        &field.text,
        declared.fields.iter().map(|field| field.name.as_str()),
    );
    let message = format!("`{}` has no field `{}`", declared.name, field.text);
    world
        .error(codes::UNKNOWN_FIELD, field.span, message)
        .meant(field.span, near);
    None
}

type Resolved = (AggregateFunction, hir::TableId, Option<u32>, Type);

fn one(
    world: &mut World<'_>,
    module: usize,
    function: &ast::Name,
    table: &ast::Name,
    field: Option<&ast::Name>,
) -> Option<Resolved> {
    let kind = match &*function.text {
        "sum" => AggregateFunction::Sum,
        "count" => AggregateFunction::Count,
        "min" => AggregateFunction::Min,
        "max" => AggregateFunction::Max,
        other => {
            let near = nearest(other, ["sum", "count", "min", "max"].into_iter());
            world
                .error(
                    codes::BAD_AGGREGATE,
                    function.span,
                    format!("there is no aggregate `{other}`"),
                )
                .hint(near.map_or(
                    "aggregates are `sum`, `min` and `max` of `Table.field`, and `count(Table)`"
                        .to_string(),
                    |near| format!("did you mean `{near}`?"),
                ));
            return None;
        }
    };
    let id = match world.find(module, &table.text) {
        Some(Symbol::Table(id)) => id,
        Some(other) => {
            let kind = other.kind(&world.program);
            world.error(
                codes::WRONG_KIND_OF_NAME,
                table.span,
                format!("`{}` is {kind}, not a table", table.text),
            );
            return None;
        }
        None => {
            let near = world.near(module, &table.text, |symbol| {
                matches!(symbol, Symbol::Table(_))
            });
            world
                .error(
                    codes::UNKNOWN_NAME,
                    table.span,
                    format!("there is no table `{}`", table.text),
                )
                .meant(table.span, near);
            return None;
        }
    };
    let Some(field) = field else {
        if kind != AggregateFunction::Count {
            let word = &function.text;
            world
                .error(
                    codes::BAD_AGGREGATE,
                    table.span,
                    format!("a `{word}` needs a field"),
                )
                .hint(format!("{word}({}.amount)", table.text));
            return None;
        }
        return Some((kind, id, None, Type::U64));
    };
    if kind == AggregateFunction::Count {
        world
            .error(
                codes::BAD_AGGREGATE,
                field.span,
                "a count is of rows, not of a field",
            )
            .hint(format!("count({})", table.text));
        return None;
    }
    let number = field_number(world, id, field)?;
    let ty = match &world.program.tables[id.0 as usize].fields[number as usize].ty {
        Type::Error => return None,
        ty if kind != AggregateFunction::Sum => {
            let ty = ty.clone();
            if !orderable(&ty, &world.program) {
                let shown = world.show(&ty);
                world.error(
                    codes::BAD_AGGREGATE,
                    field.span,
                    format!(
                        "`{}` is `{shown}`, which has no least and no greatest",
                        field.text
                    ),
                );
                return None;
            }
            ty.optional()
        }
        Type::Scalar(scalar) if scalar.is_integer() => Type::Scalar(if scalar.is_signed() {
            Scalar::I128
        } else {
            Scalar::U128
        }),
        // As many digits as 128 bits hold.
        Type::Decimal { scale, .. } => Type::Decimal {
            digits: DECIMAL_DIGITS_MAX,
            scale: *scale,
        },
        other => {
            let hint = (*other == Type::Scalar(Scalar::F64))
                .then_some("a sum of floats depends on their order; keep a `decimal<18, 6>`, say");
            let shown = world.show(&other.clone());
            world
                .error(
                    codes::BAD_AGGREGATE,
                    field.span,
                    format!(
                        "`{}` is `{shown}`, and only integers and decimals are summed",
                        field.text
                    ),
                )
                .label("neither an integer nor a decimal")
                .hint_if(hint.map(str::to_string));
            return None;
        }
    };
    Some((kind, id, Some(number), ty))
}
