//! Operations of tables: look-up, insertion, replacement, deletion.

use crate::body::{Body, error, make};
use crate::built::left_out;
use crate::names::nearest;
use crate::tables::TABLE_WORDS;
use crate::values::{are, count};
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, Method, TableId, Type};
use rc_source::Span;
use rc_syntax::ast;

impl Body<'_, '_> {
    pub fn table_operation(
        &mut self,
        id: TableId,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> hir::Expr {
        match &*name.text {
            "get" => match self.key(id, "get", arguments, span) {
                Some(key) => make(
                    ExprKind::Get { table: id, key },
                    Type::Row(id).optional(),
                    span,
                ),
                None => error(span),
            },
            "contains" => match self.key(id, "contains", arguments, span) {
                Some(key) => {
                    let found = make(
                        ExprKind::Get { table: id, key },
                        Type::Row(id).optional(),
                        span,
                    );
                    make(
                        ExprKind::Method {
                            method: Method::IsSome,
                            receiver: Box::new(found),
                            arguments: Vec::new(),
                        },
                        Type::BOOL,
                        span,
                    )
                }
                None => error(span),
            },
            "delete" => match self.key(id, "delete", arguments, span) {
                Some(key) => self.without_containers(id, key, false, span),
                None => error(span),
            },
            "insert" | "put" => {
                let Some(fields) = self.row_argument(id, &name.text, arguments, span) else {
                    return error(span);
                };
                if &*name.text == "put" {
                    return self.without_containers(id, fields, true, span);
                }
                make(ExprKind::Insert { table: id, fields }, Type::Unit, span)
            }
            "get_or_insert" => self.get_or_insert(id, arguments, span),
            "ascending" | "descending" | "from" | "to" | "after" | "by_key" => {
                self.walk_as_value(span)
            }
            _ if self.world.index_names[id.0 as usize].contains_key(&name.text) => {
                self.walk_as_value(span)
            }
            _ => {
                self.skip(arguments, span);
                self.unknown_table_operation(id, name);
                error(span)
            }
        }
    }

    fn walk_as_value(&mut self, span: Span) -> hir::Expr {
        let text = self.world.text_of(span);
        self.world
            .error(
                codes::NOT_ITERABLE,
                span,
                "a walk through rows is not a value",
            )
            .hint(format!("for row in {text} take 100 {{ … }}"));
        error(span)
    }

    pub fn unknown_table_operation(&mut self, id: TableId, name: &ast::Name) {
        let table = &self.world.program.tables[id.0 as usize];
        let names = table
            .indexes
            .iter()
            .map(|index| index.name.as_str())
            .chain(TABLE_WORDS.iter().copied());
        let near = nearest(&name.text, names);
        let table = table.name.clone();
        let foreign = crate::foreign::table_operation(&name.text);
        let hint = match (&near, foreign) {
            (None, None) if name.text.starts_with("by_") => {
                Some(format!("index {}(field), inside the table", name.text))
            }
            (_, Some((hint, _))) => Some(hint.replace('T', &table)),
            _ => None,
        };
        let word = foreign.and_then(|(_, word)| word);
        let note = self
            .world
            .error(
                codes::UNKNOWN_INDEX,
                name.span,
                format!(
                    "the table `{table}` has no index or operation `{}`",
                    name.text
                ),
            )
            .hint_if(hint);
        match (word, foreign) {
            (Some(word), _) => drop(note.edit(name.span, word)),
            (None, None) => drop(note.meant(name.span, near)),
            (None, Some(_)) => {}
        }
    }

    /// The key's fields, given by position.
    fn key(
        &mut self,
        id: TableId,
        word: &str,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Option<Vec<hir::Expr>> {
        let table = &self.world.program.tables[id.0 as usize];
        let wanted: Vec<hir::Field> = table.fields[..table.key_len as usize].to_vec();
        let name = table.name.clone();
        self.parts(&wanted, &format!("{name}.{word}"), arguments, span)
    }

    /// Values for some fields, given by position.
    pub fn parts(
        &mut self,
        wanted: &[hir::Field],
        what: &str,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Option<Vec<hir::Expr>> {
        if wanted.is_empty() {
            // A table without a key: that was said where it is declared.
            self.skip(arguments, span);
            return None;
        }
        if arguments.len() != wanted.len() {
            self.skip(arguments, span);
            let form: Vec<String> = wanted
                .iter()
                .map(|field| format!("{}: {}", field.name, self.show(&field.ty)))
                .collect();
            self.world
                .error(
                    codes::WRONG_ARGUMENT_COUNT,
                    span,
                    format!(
                        "`{what}` takes {}, {} given",
                        count(wanted.len(), "key field"),
                        are(arguments.len())
                    ),
                )
                .hint(format!("{what}({})", form.join(", ")));
            return None;
        }
        let mut parts = Vec::new();
        for (argument, field) in arguments.iter().zip(wanted) {
            parts.push(self.expr_of(argument, &field.ty));
        }
        parts
            .iter()
            .all(|part| part.ty != Type::Error)
            .then_some(parts)
    }

    fn row_argument(
        &mut self,
        id: TableId,
        word: &str,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Option<Vec<hir::Expr>> {
        let table = &self.world.program.tables[id.0 as usize];
        let (wanted, name) = (table.fields.clone(), table.name.clone());
        match arguments {
            [
                ast::Expr {
                    kind:
                        ast::ExprKind::Record {
                            qualifier: None,
                            name: None,
                            fields,
                            ..
                        },
                    span: at,
                },
            ] => {
                let fields = self.fields(fields, &wanted, &[], *at, &format!("`{name}`"))?;
                fields
                    .iter()
                    .all(|field| field.ty != Type::Error)
                    .then_some(fields)
            }
            _ => {
                self.skip(arguments, span);
                let form: Vec<&str> = wanted
                    .iter()
                    .filter(|field| left_out(field, &[], span).is_none())
                    .map(|field| field.name.as_str())
                    .collect();
                let form = form.join(", ");
                self.world
                    .error(
                        codes::WRONG_ARGUMENT_COUNT,
                        span,
                        format!("`{name}.{word}` takes one record"),
                    )
                    .hint(format!("{name}.{word}({{ {form} }})"));
                None
            }
        }
    }

    fn get_or_insert(&mut self, id: TableId, arguments: &[ast::Expr], span: Span) -> hir::Expr {
        let table = &self.world.program.tables[id.0 as usize];
        let key_len = table.key_len as usize;
        let (key_fields, others, name) = (
            table.fields[..key_len].to_vec(),
            table.fields[key_len..].to_vec(),
            table.name.clone(),
        );
        let (keys, record) = match arguments.split_last() {
            Some((
                ast::Expr {
                    kind:
                        ast::ExprKind::Record {
                            qualifier: None,
                            name: None,
                            fields,
                            ..
                        },
                    span,
                },
                keys,
            )) => (keys, Some((fields.as_slice(), *span))),
            _ => (arguments, None),
        };
        let key = self.parts(&key_fields, &format!("{name}.get_or_insert"), keys, span);
        let (given, at) = record.unwrap_or((&[], span));
        let rest = self.fields(given, &others, &[], at, &format!("`{name}`"));
        let (Some(mut fields), Some(rest)) = (key, rest) else {
            return error(span);
        };
        fields.extend(rest);
        if fields.iter().any(|field| field.ty == Type::Error) {
            return error(span);
        }
        make(
            ExprKind::GetOrInsert { table: id, fields },
            Type::Row(id),
            span,
        )
    }

    /// `T.by_email.get(email)`
    pub fn unique_operation(
        &mut self,
        id: TableId,
        index: &ast::Name,
        word: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> hir::Expr {
        let Some(number) = self.world.index_names[id.0 as usize]
            .get(&index.text)
            .copied()
        else {
            self.skip(arguments, span);
            self.unknown_table_operation(id, index);
            return error(span);
        };
        let table = &self.world.program.tables[id.0 as usize];
        let declared = &table.indexes[number as usize];
        let (name, unique) = (table.name.clone(), declared.unique);
        let wanted: Vec<hir::Field> = declared
            .fields
            .iter()
            .map(|field| table.fields[*field as usize].clone())
            .collect();
        match &*word.text {
            "get" if !unique => {
                self.skip(arguments, span);
                self.world
                    .error(
                        codes::UNKNOWN_INDEX,
                        index.span,
                        format!(
                            "`{}` is not unique, so there may be several rows",
                            index.text
                        ),
                    )
                    .hint(format!(
                        "for row in {name}.{}(…) take 1 {{ … }}, or declare it `unique`",
                        index.text
                    ));
                error(span)
            }
            "get" | "contains" => match self.parts(
                &wanted,
                &format!("{name}.{}.get", index.text),
                arguments,
                span,
            ) {
                Some(parts) => {
                    let found = make(
                        ExprKind::GetUnique {
                            table: id,
                            index: number,
                            parts,
                        },
                        Type::Row(id).optional(),
                        span,
                    );
                    match &*word.text {
                        "get" => found,
                        _ => make(
                            ExprKind::Method {
                                method: Method::IsSome,
                                receiver: Box::new(found),
                                arguments: Vec::new(),
                            },
                            Type::BOOL,
                            span,
                        ),
                    }
                }
                None => error(span),
            },
            other => {
                self.skip(arguments, span);
                let near = nearest(other, ["get", "contains"].into_iter());
                self.world
                    .error(
                        codes::UNKNOWN_METHOD,
                        word.span,
                        format!("an index has no operation `{other}`"),
                    )
                    .meant_or(word.span, near, format!("{name}.{}(…)", index.text));
                error(span)
            }
        }
    }
}
