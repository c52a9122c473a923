//! `base.name`: fields of rows, structs and tuples; variants; the caller; indexes named without a call.

use crate::body::{Body, error, make};
use crate::built::Fields;
use crate::names::nearest;
use crate::types::substitute;
use crate::world::Symbol;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, Type};
use rc_source::Span;
use rc_syntax::ast;

impl Body<'_, '_> {
    pub fn member(
        &mut self,
        base: &ast::Expr,
        name: &ast::Name,
        span: Span,
        expected: Option<&Type>,
    ) -> hir::Expr {
        if let ast::ExprKind::Name {
            name: owner,
            arguments,
        } = &base.kind
            && arguments.is_empty()
            && self.find_local(&owner.text).is_none()
        {
            match self.world.find(self.module, &owner.text) {
                Some(Symbol::Enum(id)) => {
                    return match self.qualified_variant(id, name, expected) {
                        Some(variant) => self.variant(variant, Fields::None, span),
                        None => error(span),
                    };
                }
                Some(Symbol::Error(_)) => return self.error_as_value(span),
                Some(Symbol::Table(id)) => return self.table_member(id, name, span),
                None if &*owner.text == "caller" => return self.caller(name, span),
                None => {
                    if let Some(Symbol::Const(id)) =
                        self.world
                            .find_in_module(self.module, &owner.text, &name.text)
                    {
                        return match self.world.const_use(id, Vec::new(), span) {
                            Some(open) => self.open(open, expected, span),
                            None => error(span),
                        };
                    }
                }
                _ => {}
            }
        }
        let base = self.expr(base, None);
        self.field(base, name, span)
    }

    fn caller(&mut self, name: &ast::Name, span: Span) -> hir::Expr {
        match &*name.text {
            "id" => make(ExprKind::CallerId, Type::U64, span),
            "roles" => {
                self.world
                    .error(
                        codes::WRONG_KIND_OF_NAME,
                        span,
                        "`caller.roles` is asked, not read",
                    )
                    .hint("caller.roles.contains(treasurer)");
                error(span)
            }
            other => {
                let near = nearest(other, ["id", "roles"].into_iter());
                self.world
                    .error(
                        codes::UNKNOWN_FIELD,
                        name.span,
                        format!("`caller` has no field `{other}`"),
                    )
                    .meant_or(name.span, near, "caller.id");
                error(span)
            }
        }
    }

    fn table_member(&mut self, id: hir::TableId, name: &ast::Name, span: Span) -> hir::Expr {
        let table = self.world.program.tables[id.0 as usize].name.clone();
        if self.world.index_names[id.0 as usize].contains_key(&name.text) {
            self.world
                .error(
                    codes::NOT_ITERABLE,
                    span,
                    format!("`{table}.{}` is an index to walk, not a value", name.text),
                )
                .hint(format!(
                    "for row in {table}.{}(…) take 100 {{ … }}",
                    name.text
                ));
        } else if self.world.table_fields[id.0 as usize].contains_key(&name.text) {
            self.world
                .error(
                    codes::WRONG_KIND_OF_NAME,
                    span,
                    format!(
                        "`{}` is a field of the rows of `{table}`; which row?",
                        name.text
                    ),
                )
                .hint(format!("let row = {table}.get(key) else …"));
        } else {
            self.unknown_table_operation(id, name);
        }
        error(span)
    }

    /// A field of a value.
    pub fn field(&mut self, base: hir::Expr, name: &ast::Name, span: Span) -> hir::Expr {
        if &*name.text == "row"
            && let Some(row) = self.referenced(&base, span)
        {
            return row;
        }
        let found = match &base.ty {
            Type::Error => return error(span),
            Type::Never => return self.no_value(&base),
            Type::Row(table) => {
                let number = self.world.table_fields[table.0 as usize]
                    .get(&name.text)
                    .copied();
                number.map(|number| {
                    (
                        number,
                        self.world.program.tables[table.0 as usize].fields[number as usize]
                            .ty
                            .clone(),
                    )
                })
            }
            Type::Struct(id, arguments) => named(
                &self.world.program.structs[id.0 as usize].fields,
                &name.text,
                arguments,
            ),
            Type::Tuple(parts) => name
                .text
                .parse::<usize>()
                .ok()
                .and_then(|number| parts.get(number).map(|ty| (number as u32, ty.clone()))),
            Type::Place { ty, mutable } => {
                let found = match &**ty {
                    Type::Layout(id, arguments) => named(
                        &self.world.program.layouts[id.0 as usize].fields,
                        &name.text,
                        arguments,
                    ),
                    Type::Struct(id, arguments) => named(
                        &self.world.program.structs[id.0 as usize].fields,
                        &name.text,
                        arguments,
                    ),
                    _ => None,
                };
                found.map(|(number, ty)| (number, crate::low_level::part(&ty, *mutable)))
            }
            _ => None,
        };
        match found {
            Some((_, Type::Error)) => error(span),
            Some((field, ty)) => make(
                ExprKind::Field {
                    base: Box::new(base),
                    field,
                },
                ty,
                span,
            ),
            None => self.no_field(&base, name, span),
        }
    }

    /// `post.author.row`: the row that a reference leads to, which is there; of an optional reference an optional row.
    fn referenced(&mut self, base: &hir::Expr, span: Span) -> Option<hir::Expr> {
        let ExprKind::Field { base: row, field } = &base.kind else {
            return None;
        };
        let Type::Row(table) = row.ty else {
            return None;
        };
        let reference = self.world.program.tables[table.0 as usize]
            .references
            .iter()
            .find(|reference| reference.field == *field)?;
        let target = reference.target;
        if reference.optional {
            // The key is what the optional holds.
            let get = ExprKind::Get {
                table: target,
                key: vec![base.clone()],
            };
            return Some(make(get, Type::Row(target).optional(), span));
        }
        let declared = &self.world.program.tables[target.0 as usize];
        let key = match declared.key_len {
            1 => vec![base.clone()],
            count => (0..count)
                .map(|part| {
                    let ty = declared.fields[part as usize].ty.clone();
                    let field = ExprKind::Field {
                        base: Box::new(base.clone()),
                        field: part,
                    };
                    make(field, ty, base.span)
                })
                .collect(),
        };
        let get = ExprKind::Get { table: target, key };
        Some(make(get, Type::Row(target), span))
    }

    fn no_field(&mut self, base: &hir::Expr, name: &ast::Name, span: Span) -> hir::Expr {
        if let Type::Optional(_) = &base.ty {
            let (text, shown) = (self.world.text_of(base.span), self.show(&base.ty));
            self.world
                .error(
                    codes::MAY_BE_NONE,
                    base.span,
                    format!("this may be `none`, so it has no field `{}` yet", name.text),
                )
                .label(format!("`{shown}`"))
                .hint(format!("let x = {text} else …"));
            return error(span);
        }
        let near = {
            let program = &self.world.program;
            let fields: &[hir::Field] = match &base.ty {
                Type::Row(table) => &program.tables[table.0 as usize].fields,
                Type::Struct(id, _) => &program.structs[id.0 as usize].fields,
                Type::Place { ty, .. } => match &**ty {
                    Type::Layout(id, _) => &program.layouts[id.0 as usize].fields,
                    _ => &[],
                },
                _ => &[],
            };
            nearest(&name.text, fields.iter().map(|field| field.name.as_str()))
        };
        let is_built_in = !matches!(base.ty, Type::Row(_) | Type::Struct(..));
        let foreign = crate::foreign::method(&name.text).filter(|_| is_built_in && near.is_none());
        let method = match foreign {
            Some((_, Some(method))) => Some(method),
            _ => crate::methods::is_method(&name.text).then_some(&*name.text),
        };
        let called = method.map(|method| format!("{method}()"));
        let shown = self.show(&base.ty);
        let note = self
            .world
            .error(
                codes::UNKNOWN_FIELD,
                name.span,
                format!("`{shown}` has no field `{}`", name.text),
            )
            .label("not a field");
        match (called, foreign) {
            (Some(called), _) if near.is_none() => drop(
                note.hint(format!("did you mean `{called}`?"))
                    .edit(name.span, called),
            ),
            (None, Some(foreign)) => drop(note.instead(name.span, foreign)),
            _ => drop(note.meant(name.span, near)),
        }
        error(span)
    }
}

fn named(fields: &[hir::Field], name: &str, arguments: &[Type]) -> Option<(u32, Type)> {
    let number = fields.iter().position(|field| field.name == name)?;
    Some((number as u32, substitute(&fields[number].ty, arguments)))
}
