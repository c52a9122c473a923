//! Records and variants as values: fields by name or by place, defaults filled in.

use crate::body::{Body, error, make, peeled};
use crate::names::nearest;
use crate::types::substitute;
use crate::values::{are, count};
use crate::world::Symbol;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, Type};
use rc_source::Span;
use rc_syntax::ast;

impl Body<'_, '_> {
    /// A bare variant where its enum is expected.
    pub fn bare_variant(&self, name: &ast::Name, expected: Option<&Type>) -> Option<Variant> {
        let Some(Type::Enum(id, arguments)) = expected.map(peeled) else {
            return None;
        };
        let variants = &self.world.program.enums[id.0 as usize].variants;
        let number = variants
            .iter()
            .position(|variant| *variant.name == *name.text)?;
        Some(Variant {
            id: *id,
            number: number as u32,
            arguments: arguments.clone(),
        })
    }

    /// `Color.Red`
    pub fn qualified_variant(
        &mut self,
        id: hir::EnumId,
        name: &ast::Name,
        expected: Option<&Type>,
    ) -> Option<Variant> {
        let owner = &self.world.program.enums[id.0 as usize];
        let Some(number) = owner
            .variants
            .iter()
            .position(|variant| *variant.name == *name.text)
        else {
            let near = nearest(
                &name.text,
                owner.variants.iter().map(|variant| variant.name.as_str()),
            );
            let owner_name = owner.name.clone();
            self.world
                .error(
                    codes::UNKNOWN_VARIANT,
                    name.span,
                    format!("`{owner_name}` has no variant `{}`", name.text),
                )
                .meant(name.span, near);
            return None;
        };
        let arguments = match expected.map(peeled) {
            Some(Type::Enum(wanted, arguments)) if *wanted == id => arguments.clone(),
            _ => Vec::new(),
        };
        Some(Variant {
            id,
            number: number as u32,
            arguments,
        })
    }

    pub fn variant(&mut self, mut variant: Variant, given: Fields<'_>, span: Span) -> hir::Expr {
        let declared = &self.world.program.enums[variant.id.0 as usize];
        let generics = declared.generics;
        if generics as usize != variant.arguments.len() {
            let wanted = declared.variants[variant.number as usize].fields.clone();
            if let Some(found) = self.inferred_arguments(generics, &wanted, &given) {
                variant.arguments = found;
            }
        }
        let declared = &self.world.program.enums[variant.id.0 as usize];
        if declared.generics as usize != variant.arguments.len() {
            self.world
                .error(
                    codes::TYPE_NEEDED,
                    span,
                    "the type of this variant is not known here",
                )
                .hint("give the name a type");
            return error(span);
        }
        let wanted = declared.variants[variant.number as usize].clone();
        let what = format!("the variant `{}`", wanted.name);
        let Some(fields) = self.payload(given, &wanted.fields, &variant.arguments, span, &what)
        else {
            return error(span);
        };
        make(
            ExprKind::Enum {
                id: variant.id,
                variant: variant.number,
                fields,
            },
            Type::Enum(variant.id, variant.arguments),
            span,
        )
    }

    /// A variant's fields, given in one of the three ways.
    pub fn payload(
        &mut self,
        given: Fields<'_>,
        wanted: &[hir::Field],
        arguments: &[Type],
        span: Span,
        what: &str,
    ) -> Option<Vec<hir::Expr>> {
        match given {
            Fields::None if wanted.is_empty() => Some(Vec::new()),
            Fields::None => {
                let name = self.world.text_of(span);
                let form = self.sample_variant(&name, wanted);
                let shown = self.form(wanted);
                let note = self
                    .world
                    .error(
                        codes::MISSING_FIELDS,
                        span,
                        format!("{what} carries fields, and none are given"),
                    )
                    .label(format!("carries {shown}"));
                if let Some(form) = form {
                    drop(note.hint(format!("write `{form}`")).edit(span, form));
                }
                None
            }
            Fields::Tuple(parts) => {
                if parts.len() != wanted.len() {
                    parts.iter().for_each(|part| drop(self.expr(part, None)));
                    let text = self.world.text_of(span);
                    let name = text.split('(').next().unwrap_or_default();
                    let form = self
                        .sample_variant(name, wanted)
                        .map(|form| format!("write `{form}`"));
                    self.world
                        .error(
                            codes::WRONG_ARGUMENT_COUNT,
                            span,
                            format!(
                                "{what} takes {}, {} given",
                                count(wanted.len(), "field"),
                                are(parts.len())
                            ),
                        )
                        .hint_if(form);
                    return None;
                }
                let mut fields = Vec::new();
                for (part, field) in parts.iter().zip(wanted) {
                    fields.push(self.expr_of(part, &substitute(&field.ty, arguments)));
                }
                Some(fields)
            }
            Fields::Record(inits) => self.fields(inits, wanted, arguments, span, what),
        }
    }

    fn form(&self, wanted: &[hir::Field]) -> String {
        let tuple = wanted
            .iter()
            .any(|field| field.name.starts_with(|c: char| c.is_ascii_digit()));
        let parts: Vec<String> = wanted
            .iter()
            .map(|field| {
                if tuple {
                    self.show(&field.ty)
                } else {
                    format!("{}: {}", field.name, self.show(&field.ty))
                }
            })
            .collect();
        if tuple {
            format!("({})", parts.join(", "))
        } else {
            format!("{{ {} }}", parts.join(", "))
        }
    }

    pub fn record(
        &mut self,
        qualifier: Option<&ast::Name>,
        name: Option<&ast::Name>,
        inits: &[ast::FieldInit],
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        let Some(name) = name else {
            self.world
                .error(codes::TYPE_NEEDED, span, "a record without a name stands only inside `insert`, `put` and `get_or_insert`")
                .hint("write the struct's name before the brace");
            return error(span);
        };
        if let Some(qualifier) = qualifier {
            return match self.world.find(self.module, &qualifier.text) {
                Some(Symbol::Enum(id)) => match self.qualified_variant(id, name, expected) {
                    Some(variant) => self.variant(variant, Fields::Record(inits), span),
                    None => error(span),
                },
                Some(Symbol::Error(_)) => self.error_as_value(span),
                Some(_) | None => self.unknown_owner(qualifier),
            };
        }
        if let Some(variant) = self.bare_variant(name, expected) {
            return self.variant(variant, Fields::Record(inits), span);
        }
        match self.world.find(self.module, &name.text) {
            Some(Symbol::Struct(id)) => self.struct_value(id, inits, expected, span),
            Some(Symbol::Alias(index)) => match self.world.alias(index) {
                Type::Struct(id, _) => self.struct_value(id, inits, expected, span),
                Type::Error => error(span),
                ty => {
                    let shown = self.show(&ty);
                    self.world.error(
                        codes::WRONG_KIND_OF_NAME,
                        name.span,
                        format!("`{}` is `{shown}`, not a struct", name.text),
                    );
                    error(span)
                }
            },
            Some(Symbol::Table(_)) => {
                self.world
                    .error(
                        codes::ROW_AS_VALUE,
                        name.span,
                        format!("`{}` is a table; its rows are not values", name.text),
                    )
                    .hint(format!("{}.insert({{ … }})", name.text));
                error(span)
            }
            Some(Symbol::Event(_)) => {
                self.world
                    .error(
                        codes::WRONG_KIND_OF_NAME,
                        name.span,
                        format!("`{}` is an event, not a value", name.text),
                    )
                    .hint(format!("emit {} {{ … }}", name.text));
                error(span)
            }
            Some(other) => {
                let kind = other.kind(&self.world.program);
                self.world.error(
                    codes::WRONG_KIND_OF_NAME,
                    name.span,
                    format!("`{}` is {kind}, not a struct", name.text),
                );
                error(span)
            }
            None => {
                if self.world.error_variants.contains_key(&name.text) {
                    return self.error_as_value(span);
                }
                if expected == Some(&Type::Error) {
                    return error(span);
                }
                let near = self.world.near(self.module, &name.text, |symbol| {
                    matches!(symbol, Symbol::Struct(_))
                });
                let owner = self
                    .owner_of_variant(&name.text)
                    .map(|(owner, variant)| format!("{owner}.{variant} {{ … }}"));
                self.world
                    .error(
                        codes::UNKNOWN_NAME,
                        name.span,
                        format!("there is no struct `{}`", name.text),
                    )
                    .hint_if(owner.filter(|_| near.is_none()))
                    .meant(name.span, near);
                error(span)
            }
        }
    }

    /// `Pair<u64, bool> { first, second }`: the type is written out.
    pub fn generic_record(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::TypeArgument],
        inits: &[ast::FieldInit],
        span: Span,
    ) -> hir::Expr {
        let written = ast::Type {
            kind: ast::TypeKind::Named {
                name: name.clone(),
                arguments: arguments.to_vec(),
            },
            span: name.span,
        };
        match self.ty(&written) {
            ty @ Type::Struct(id, _) => self.struct_value(id, inits, Some(&ty), span),
            Type::Error => error(span),
            ty => {
                let shown = self.show(&ty);
                self.world.error(
                    codes::WRONG_KIND_OF_NAME,
                    name.span,
                    format!("`{shown}` is not a struct"),
                );
                error(span)
            }
        }
    }

    pub fn error_as_value(&mut self, span: Span) -> hir::Expr {
        self.world
            .error(codes::WRONG_KIND_OF_NAME, span, "an error is no value")
            .hint("fail … ends the command with it");
        error(span)
    }

    pub fn unknown_owner(&mut self, name: &ast::Name) -> hir::Expr {
        match self.world.find(self.module, &name.text) {
            Some(other) => {
                let kind = other.kind(&self.world.program);
                self.world.error(
                    codes::WRONG_KIND_OF_NAME,
                    name.span,
                    format!("`{}` is {kind}; it has no variants", name.text),
                );
            }
            None => {
                let near = self.world.near(self.module, &name.text, |symbol| {
                    matches!(symbol, Symbol::Enum(_) | Symbol::Error(_))
                });
                self.world
                    .error(
                        codes::UNKNOWN_NAME,
                        name.span,
                        format!("there is no `{}` here", name.text),
                    )
                    .meant(name.span, near);
            }
        }
        error(name.span)
    }

    fn struct_value(
        &mut self,
        id: hir::StructId,
        inits: &[ast::FieldInit],
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        let declared = &self.world.program.structs[id.0 as usize];
        let (wanted, what) = (declared.fields.clone(), format!("`{}`", declared.name));
        let generics = declared.generics;
        let arguments = match expected.map(peeled) {
            Some(Type::Struct(wanted, arguments)) if *wanted == id => arguments.clone(),
            _ if generics > 0 => self
                .inferred_arguments(generics, &wanted, &Fields::Record(inits))
                .unwrap_or_default(),
            _ => Vec::new(),
        };
        if generics as usize != arguments.len() {
            // Where a type was given and was wrong, that has been said.
            if expected != Some(&Type::Error) {
                self.world
                    .error(
                        codes::TYPE_NEEDED,
                        span,
                        format!("which {what}? its type arguments are not known here"),
                    )
                    .hint("give the name a type");
            }
            return error(span);
        }
        let made = Type::Struct(id, arguments.clone());
        if generics > 0 && !crate::generics::check_declared(self.world, &made, self.generics, span)
        {
            return error(span);
        }
        match self.fields(inits, &wanted, &arguments, span, &what) {
            Some(fields) => make(
                ExprKind::Struct { id, fields },
                Type::Struct(id, arguments),
                span,
            ),
            None => error(span),
        }
    }

    /// Fields that are neither given nor have a default.
    fn lacks(&mut self, missing: &[&hir::Field], span: Span, what: &str) {
        let names: Vec<String> = missing
            .iter()
            .map(|field| format!("`{}`", field.name))
            .collect();
        let names = names.join(", ");
        let samples: Option<Vec<String>> = missing
            .iter()
            .map(|field| {
                let value = self.sample_field(field)?;
                Some(match value == field.name {
                    true => value,
                    false => format!("{}: {value}", field.name),
                })
            })
            .collect();
        let text = self.world.sources.text_of(span).to_string();
        let verb = if missing.len() == 1 { "is" } else { "are" };
        let default = match missing {
            [field] => self.sample_field(field).map(|value| {
                let ty = self.show(&field.ty);
                format!(
                    ", or give it a default where it is declared: `{}: {ty} = {value}`",
                    field.name
                )
            }),
            _ => None,
        };
        let note = self
            .world
            .error(codes::MISSING_FIELDS, span, format!("{what} lacks {names}"))
            .label(format!("{names} {verb} missing"));
        let Some(samples) = samples else { return };
        let added = samples.join(", ");
        let note = note.hint(format!("add `{added}`{}", default.unwrap_or_default()));
        let Some(inner) = text.strip_suffix('}').map(str::trim_end) else {
            return;
        };
        if inner.lines().last().is_some_and(|line| line.contains("//")) {
            return;
        }
        let at = span.start + inner.len() as u32;
        let added = match inner.chars().last() {
            Some('{') => format!(" {added} "),
            Some(',') => format!(" {added}"),
            _ => format!(", {added}"),
        };
        drop(note.edit(Span::new(span.file, at, at), added));
    }

    /// Fields by name (or all by position), defaults filled in, in declared order. `None` after a message.
    pub fn fields(
        &mut self,
        inits: &[ast::FieldInit],
        wanted: &[hir::Field],
        arguments: &[Type],
        span: Span,
        what: &str,
    ) -> Option<Vec<hir::Expr>> {
        let by_position = !inits.is_empty()
            && inits
                .iter()
                .all(|init| init.name.text.starts_with(|c: char| c.is_ascii_digit()));
        let declared_by_position = wanted.first().is_some_and(|field| field.name == "0");
        let mut values: Vec<Option<hir::Expr>> = wanted.iter().map(|_| None).collect();
        let mut sound = true;
        for (at, init) in inits.iter().enumerate() {
            let place = match by_position && !declared_by_position {
                true => (at < wanted.len()).then_some(at),
                false => wanted
                    .iter()
                    .position(|field| *field.name == *init.name.text),
            };
            let Some(place) = place else {
                if let Some(value) = &init.value {
                    self.expr(value, None);
                }
                let near = nearest(
                    &init.name.text,
                    wanted.iter().map(|field| field.name.as_str()),
                );
                let known: Vec<String> = wanted
                    .iter()
                    .map(|field| format!("`{}`", field.name))
                    .collect();
                let known = match known.as_slice() {
                    [] => format!("{what} has no fields"),
                    known => format!("{what} has {}", known.join(", ")),
                };
                self.world
                    .error(
                        codes::UNKNOWN_FIELD,
                        init.name.span,
                        format!("{what} has no field `{}`", init.name.text),
                    )
                    .meant_or(init.name.span, near, known);
                sound = false;
                continue;
            };
            let ty = substitute(&wanted[place].ty, arguments);
            let value = match &init.value {
                Some(value) => self.expr_of(value, &ty),
                None => {
                    let value = self.name(&init.name, &[], Some(&ty));
                    self.coerce(value, &ty)
                }
            };
            if values[place].is_some() {
                self.world.error(
                    codes::DECLARED_TWICE,
                    init.name.span,
                    format!("`{}` is given twice", init.name.text),
                );
            }
            values[place] = Some(value);
        }
        let mut missing = Vec::new();
        for (value, field) in values.iter_mut().zip(wanted) {
            if value.is_some() {
                continue;
            }
            match left_out(field, arguments, span) {
                Some(default) => *value = Some(default),
                None => missing.push(field),
            }
        }
        if !missing.is_empty() && sound {
            self.lacks(&missing, span, what);
        }
        if !missing.is_empty() || !sound {
            return None;
        }
        values.into_iter().collect()
    }
}

/// An enum's variant, found.
pub(crate) struct Variant {
    pub id: hir::EnumId,
    pub number: u32,
    pub arguments: Vec<Type>,
}

/// How a variant's fields were given.
#[derive(Clone, Copy)]
pub(crate) enum Fields<'e> {
    None,
    Tuple(&'e [ast::Expr]),
    Record(&'e [ast::FieldInit]),
}

/// What a field that is not given becomes: its default, `none`, an empty list.
pub(crate) fn left_out(field: &hir::Field, arguments: &[Type], span: Span) -> Option<hir::Expr> {
    if let Some(default) = &field.default {
        return Some(hir::Expr {
            span,
            ..default.clone()
        });
    }
    let ty = substitute(&field.ty, arguments);
    match &ty {
        Type::Optional(_) => Some(make(ExprKind::None, ty, span)),
        Type::List(..) | Type::Sorted(..) => Some(make(ExprKind::List(Vec::new()), ty, span)),
        Type::Error => Some(error(span)),
        _ => None,
    }
}
