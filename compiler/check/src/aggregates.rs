//! Aggregates: sums and counts over a table, kept with every write.

use crate::names::nearest;
use crate::world::*;
use rc_bytecode::instr::Scalar;
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
            ..
        } = tree
        else {
            continue;
        };
        if let Some((function, table, field, ty)) =
            one(world, module, function, table, field.as_ref())
        {
            let aggregate = &mut world.program.aggregates[index];
            aggregate.function = function;
            aggregate.table = table;
            aggregate.field = field;
            aggregate.ty = ty;
        }
    }
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
        "min" | "max" => {
            world.not_in_this_edition(
                function.span,
                &format!("an aggregate `{}` is", function.text),
            );
            return None;
        }
        other => {
            let near = nearest(other, ["sum", "count"].into_iter());
            world
                .error(
                    codes::BAD_AGGREGATE,
                    function.span,
                    format!("there is no aggregate `{other}`"),
                )
                .hint(near.map_or(
                    "aggregates are `sum(Table.field)` and `count(Table)`".to_string(),
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
                .hint_if(near.map(|near| format!("did you mean `{near}`?")));
            return None;
        }
    };
    let Some(field) = field else {
        if kind == AggregateFunction::Sum {
            world
                .error(codes::BAD_AGGREGATE, table.span, "a sum needs a field")
                .hint(format!("sum({}.amount)", table.text));
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
    let Some(number) = world.table_fields[id.0 as usize].get(&field.text).copied() else {
        let near = nearest(
            &field.text,
            world.program.tables[id.0 as usize]
                .fields
                .iter()
                .map(|field| field.name.as_str()),
        );
        world
            .error(
                codes::UNKNOWN_FIELD,
                field.span,
                format!("`{}` has no field `{}`", table.text, field.text),
            )
            .hint_if(near.map(|near| format!("did you mean `{near}`?")));
        return None;
    };
    let ty = match &world.program.tables[id.0 as usize].fields[number as usize].ty {
        Type::Error => return None,
        Type::Scalar(scalar) if scalar.is_integer() => Type::Scalar(if scalar.is_signed() {
            Scalar::I128
        } else {
            Scalar::U128
        }),
        other => {
            let shown = world.show(&other.clone());
            world
                .error(
                    codes::BAD_AGGREGATE,
                    field.span,
                    format!(
                        "`{}` is `{shown}`, and only integers are summed",
                        field.text
                    ),
                )
                .label("not an integer");
            return None;
        }
    };
    Some((kind, id, Some(number), ty))
}
