//! Walks through rows: `Table.by_index(prefix).from(a).to(b).descending() take n`.

use crate::body::Body;
use crate::sources::{Bounds, Walk};
use crate::tables::CAPACITY_DEFAULT;
use crate::world::Symbol;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Count, Source, Storage, TableId, Type};
use rc_source::Span;
use rc_syntax::ast;

impl Body<'_, '_> {
    /// The table and the calls after it, first to last, where an expression is a walk through rows.
    pub fn row_chain<'e>(&self, expr: &'e ast::Expr) -> Option<(TableId, Vec<Step<'e>>)> {
        let mut steps = Vec::new();
        let mut at = expr;
        loop {
            match &at.kind {
                ast::ExprKind::Name { name, arguments }
                    if arguments.is_empty() && self.find_local(&name.text).is_none() =>
                {
                    let Some(Symbol::Table(id)) = self.world.find(self.module, &name.text) else {
                        return None;
                    };
                    steps.reverse();
                    return Some((id, steps));
                }
                ast::ExprKind::Call { callee, arguments } => {
                    let ast::ExprKind::Member { base, name } = &callee.kind else {
                        return None;
                    };
                    // Operations that give values are no walks.
                    if matches!(
                        &*name.text,
                        "get" | "insert" | "put" | "delete" | "contains" | "get_or_insert"
                    ) {
                        return None;
                    }
                    steps.push(Step {
                        name,
                        arguments: Some(arguments.as_slice()),
                        span: at.span,
                    });
                    at = base;
                }
                ast::ExprKind::Member { base, name } => {
                    steps.push(Step {
                        name,
                        arguments: None,
                        span: at.span,
                    });
                    at = base;
                }
                _ => return None,
            }
        }
    }

    /// Every row of a table, in a report.
    fn all_rows(&mut self, table: TableId, span: Span) -> Option<Walk> {
        let declared = &self.world.program.tables[table.0 as usize];
        if declared.storage == Storage::Dense && declared.capacity == CAPACITY_DEFAULT {
            let name = declared.name.clone();
            self.world
                .error(
                    codes::SCAN_WITHOUT_CAPACITY,
                    span,
                    format!("`{name}` is dense without a capacity: a scan would ask for 2⁴⁰ keys"),
                )
                .label("how far?")
                .hint(format!("table {name} capacity 1_000_000 {{ … }}"));
            return None;
        }
        Some(Walk {
            source: Source::AllRows { table },
            item: Type::Row(table),
            max: Count::Known(u64::MAX),
        })
    }

    pub fn rows(
        &mut self,
        table: TableId,
        steps: Vec<Step<'_>>,
        bounds: Bounds<'_>,
        span: Span,
    ) -> Option<Walk> {
        let declared = &self.world.program.tables[table.0 as usize];
        let (name, storage, key_len) = (
            declared.name.clone(),
            declared.storage,
            declared.key_len as usize,
        );
        if self.scans && steps.is_empty() && bounds.take.is_none() && bounds.max.is_none() {
            return self.all_rows(table, span);
        }
        let mut steps = steps.into_iter().peekable();
        let mut index = None;
        let mut prefix_arguments: &[ast::Expr] = &[];
        if let Some(first) = steps.peek() {
            let number = self.world.index_names[table.0 as usize]
                .get(&first.name.text)
                .copied();
            let walks_key = matches!(
                &*first.name.text,
                "ascending" | "descending" | "from" | "to" | "after" | "by_key"
            );
            match number {
                Some(number) => {
                    index = Some(number);
                    prefix_arguments = first.arguments.unwrap_or(&[]);
                    steps.next();
                }
                None if &*first.name.text == "by_key" => {
                    prefix_arguments = first.arguments.unwrap_or(&[]);
                    steps.next();
                }
                None if walks_key => {}
                None => {
                    let word = first.name;
                    self.unknown_table_operation(table, word);
                    return None;
                }
            }
        }
        if index.is_none() && storage != Storage::Ordered {
            let declared = &self.world.program.tables[table.0 as usize];
            let key = self.world.tables[table.0 as usize]
                .tree
                .members
                .iter()
                .find_map(|member| match member {
                    ast::TableMember::Key {
                        name, ty, storage, ..
                    } => Some((name, ty, storage)),
                    _ => None,
                });
            let bound = match bounds.take {
                Some(_) => "",
                None => ", and bound the walk: `take 100`",
            };
            let hint = match (declared.indexes.first(), key) {
                (Some(index), _) => format!("for row in {name}.{}(…) take 100", index.name),
                (None, Some((key, ty, None))) => {
                    let ty = self.world.text_of(ty.span);
                    format!("declare `key {}: {ty} ordered`{bound}", key.text)
                }
                (None, Some((key, ty, Some(_)))) => {
                    let ty = self.world.text_of(ty.span);
                    format!("declare `key {}: {ty} ordered` instead{bound}", key.text)
                }
                (None, None) => format!("declare an `index` inside the table{bound}"),
            };
            let end = key
                .filter(|(_, _, storage)| storage.is_none() && declared.indexes.is_empty())
                .map(|(_, ty, _)| Span::new(ty.span.file, ty.span.end, ty.span.end));
            let unbounded = bounds.take.is_none() && bounds.max.is_none();
            let note = self
                .world
                .error(
                    codes::NO_ORDER,
                    span,
                    format!("the rows of `{name}` have no order to walk in"),
                )
                .label("its key is not `ordered`")
                .hint(hint);
            if let Some(end) = end {
                let note = note.edit(end, " ordered");
                if unbounded {
                    drop(note.edit(Span::new(span.file, span.end, span.end), " take 100"));
                }
            }
            return None;
        }
        // What the walk goes through: the index's fields, then the key, which entries of a unique index do without.
        let declared = &self.world.program.tables[table.0 as usize];
        let mut numbers: Vec<u32> = index.map_or_else(Vec::new, |index| {
            declared.indexes[index as usize].fields.clone()
        });
        let unique = index.is_some_and(|index| declared.indexes[index as usize].unique);
        for key in 0..key_len as u32 {
            if !unique && !numbers.contains(&key) {
                numbers.push(key);
            }
        }
        let order: Vec<hir::Field> = numbers
            .iter()
            .map(|number| declared.fields[*number as usize].clone())
            .collect();
        if prefix_arguments.len() > order.len() {
            self.skip(prefix_arguments, span);
            if order.is_empty() {
                // A table without a key: that was said where it is declared.
                return None;
            }
            let form: Vec<String> = order.iter().map(|field| field.name.clone()).collect();
            self.world
                .error(
                    codes::WRONG_ARGUMENT_COUNT,
                    span,
                    format!(
                        "this walk has {} fields, {} are given",
                        order.len(),
                        prefix_arguments.len()
                    ),
                )
                .hint(format!("({})", form.join(", ")));
            return None;
        }
        let mut prefix = Vec::new();
        for (argument, field) in prefix_arguments.iter().zip(&order) {
            prefix.push(self.expr_of(argument, &field.ty));
        }
        let open = &order[prefix.len()..];
        let (mut from, mut to, mut after) = (Vec::new(), Vec::new(), Vec::new());
        let mut descending = false;
        let mut goes_on = None;
        for step in steps {
            let arguments = step.arguments.unwrap_or(&[]);
            match (&*step.name.text, arguments) {
                ("ascending", []) => descending = false,
                ("descending", []) => descending = true,
                (word @ ("from" | "to" | "after"), bounds @ [_, ..]) => {
                    if bounds.len() > open.len() {
                        let names: Vec<&str> = open.iter().map(|field| &*field.name).collect();
                        let message = match open {
                            [] => format!("nothing is left of this index for `{word}` to bound"),
                            _ => format!(
                                "`{word}` bounds {} of the fields that are left, {} are given",
                                open.len(),
                                bounds.len()
                            ),
                        };
                        let hint =
                            (!open.is_empty()).then(|| format!(".{word}({})", names.join(", ")));
                        self.world
                            .error(codes::WRONG_ARGUMENT_COUNT, step.span, message)
                            .hint_if(hint);
                        return None;
                    }
                    let parts = bounds.iter().zip(open);
                    match word {
                        "after" => {
                            goes_on = Some(step.span);
                            after = parts
                                .map(|(bound, field)| {
                                    self.expr_of(bound, &field.ty.clone().optional())
                                })
                                .collect();
                        }
                        _ => {
                            let values = parts
                                .map(|(bound, field)| self.expr_of(bound, &field.ty))
                                .collect();
                            *(if word == "from" { &mut from } else { &mut to }) = values;
                        }
                    }
                }
                (word @ ("ascending" | "descending" | "from" | "to" | "after"), _) => {
                    self.world.error(
                        codes::WRONG_ARGUMENT_COUNT,
                        step.span,
                        format!("`{word}` is given the wrong number of arguments"),
                    );
                    return None;
                }
                (word, _) => {
                    let near = crate::names::nearest(
                        word,
                        ["ascending", "descending", "from", "to", "after"].into_iter(),
                    );
                    self.world
                        .error(
                            codes::UNKNOWN_METHOD,
                            step.name.span,
                            format!("a walk through rows has no `{word}`"),
                        )
                        .meant_or(
                            step.name.span,
                            near,
                            "ascending(), descending(), from(…), to(…), after(…)",
                        );
                    return None;
                }
            }
        }
        if let Some(span) = goes_on {
            let (word, taken) = match descending {
                true => ("to", !to.is_empty()),
                false => ("from", !from.is_empty()),
            };
            if taken {
                self.world
                    .error(
                        codes::TWO_BEGINNINGS,
                        span,
                        format!("this walk begins at `{word}` already"),
                    )
                    .hint(format!("leave `{word}` or `after` out"));
                return None;
            }
        }
        let Some(take) = bounds.take else {
            let (text, wish) = (self.world.text_of(span), bounds.wish);
            if let Some(max) = bounds.max {
                let count = self.world.text_of(max.span);
                self.world
                    .error(
                        codes::WRONG_BOUND,
                        max.span,
                        "rows are bounded by `take`, which counts what is visited",
                    )
                    .hint(format!("{text} take {count}"))
                    .edit(
                        Span::new(span.file, span.start, max.span.end),
                        format!("{text} take {count}"),
                    );
            } else {
                self.world
                    .error(
                        codes::UNBOUNDED_LOOP,
                        span,
                        format!("this walk through `{name}` has no bound"),
                    )
                    .label("how many rows at most?")
                    .hint(format!("{text} take {wish}"))
                    .edit(
                        Span::new(span.file, span.end, span.end),
                        format!(" take {wish}"),
                    );
            }
            return None;
        };
        let (take, max) = self.take(take, bounds.max, None, bounds.wish)?;
        if prefix
            .iter()
            .chain(&from)
            .chain(&to)
            .chain(&after)
            .any(|part| part.ty == Type::Error)
        {
            return None;
        }
        let source = Source::Rows {
            table,
            index,
            prefix,
            from,
            to,
            after,
            descending,
            take,
            max,
        };
        Some(Walk {
            source,
            item: Type::Row(table),
            max: Count::Known(max),
        })
    }
}

/// One `.name(arguments)` of a chain.
pub(crate) struct Step<'e> {
    name: &'e ast::Name,
    arguments: Option<&'e [ast::Expr]>,
    span: Span,
}
