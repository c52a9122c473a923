//! Patterns: what they bind, and whether they fit the value.
//!
//! Where a pattern may fail to match (`match`, `if let`), a name against an optional binds what is there;
//! where it may not (`let`, `for`, parameters), it binds the whole. So does a name for a part of a variant, unless an arm of
//! the same match says `none` of that part.

use crate::body::{Body, Nones};
use crate::names::nearest;
use crate::types::substitute;
use crate::world::Symbol;
use rc_bytecode::instr::Builtin;
use rc_bytecode::instr::Scalar;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, PatternKind, Type};
use rc_source::Span;
use rc_syntax::ast;

impl Body<'_, '_> {
    /// A pattern that always matches.
    pub fn irrefutable(
        &mut self,
        pattern: &ast::Pattern,
        ty: &Type,
        mutable: bool,
    ) -> hir::Pattern {
        let checked = self.pattern(pattern, ty, false, mutable);
        if !always(&checked) {
            self.world
                .error(
                    codes::REFUTABLE_PATTERN,
                    pattern.span,
                    "this pattern may not match",
                )
                .hint("let … = value else …, or `if let`, or `match`");
        }
        checked
    }

    pub fn pattern(
        &mut self,
        pattern: &ast::Pattern,
        ty: &Type,
        refutable: bool,
        mutable: bool,
    ) -> hir::Pattern {
        let span = pattern.span;
        let made = |kind: PatternKind| hir::Pattern {
            kind,
            ty: ty.clone(),
            span,
        };
        match &pattern.kind {
            ast::PatternKind::Wildcard => made(PatternKind::Wildcard),
            ast::PatternKind::Broken => broken(span),
            ast::PatternKind::Or(all) => {
                let parts = all
                    .iter()
                    .map(|one| self.pattern(one, ty, refutable, mutable))
                    .collect();
                match all.iter().find_map(first_name) {
                    Some(name) => {
                        self.world
                            .error(
                                codes::BAD_PATTERN,
                                name.span,
                                format!(
                                    "`{}` stands in one of several forms, so it may not be there",
                                    name.text
                                ),
                            )
                            .label("forms with `|` bind no names")
                            .hint("`_` in its place, or an arm for each form");
                        broken(span)
                    }
                    None => made(PatternKind::Or(parts)),
                }
            }
            ast::PatternKind::Bind(name) => match ty {
                Type::Optional(inner) if refutable && !self.whole => {
                    let id = self.bind(name, (**inner).clone(), mutable);
                    let content = hir::Pattern {
                        kind: PatternKind::Bind(id),
                        ty: (**inner).clone(),
                        span,
                    };
                    made(PatternKind::Some(Box::new(content)))
                }
                _ => made(PatternKind::Bind(self.bind(name, ty.clone(), mutable))),
            },
            ast::PatternKind::None => match ty {
                Type::Optional(_) => made(PatternKind::None),
                Type::Error => made(PatternKind::Wildcard),
                _ => {
                    let shown = self.show(ty);
                    self.world.error(
                        codes::BAD_PATTERN,
                        span,
                        format!("`{shown}` is always there, never `none`"),
                    );
                    broken(span)
                }
            },
            ast::PatternKind::Tuple(parts) => match ty {
                _ if parts.len() == 1 => self.pattern(&parts[0], ty, refutable, mutable),
                Type::Optional(inner) if refutable => self.inside_some(pattern, inner, ty, mutable),
                Type::Tuple(types) if types.len() == parts.len() => {
                    let parts = parts
                        .iter()
                        .zip(types)
                        .map(|(part, ty)| self.pattern(part, ty, refutable, mutable))
                        .collect();
                    made(PatternKind::Tuple(parts))
                }
                _ => {
                    if *ty != Type::Error {
                        let shown = self.show(ty);
                        self.world.error(
                            codes::BAD_PATTERN,
                            span,
                            format!("a pattern of {} parts does not fit `{shown}`", parts.len()),
                        );
                    }
                    parts.iter().for_each(|part| {
                        drop(self.pattern(part, &Type::Error, refutable, mutable))
                    });
                    broken(span)
                }
            },
            ast::PatternKind::Literal(literal) => match ty {
                Type::Optional(inner) if refutable => self.inside_some(pattern, inner, ty, mutable),
                Type::Error => made(PatternKind::Wildcard),
                _ => match self.literal_pattern(literal, ty) {
                    Some(kind) => made(kind),
                    None => broken(span),
                },
            },
            ast::PatternKind::Variant { path, fields } => match ty {
                Type::Optional(inner) if refutable && !matches!(&**inner, Type::Error) => {
                    self.inside_some(pattern, inner, ty, mutable)
                }
                Type::Enum(id, arguments) => {
                    let (id, arguments) = (*id, arguments.clone());
                    match self
                        .variant_pattern(id, &arguments, path, fields, refutable, mutable, span)
                    {
                        Some(kind) => made(kind),
                        None => broken(span),
                    }
                }
                Type::Attempted(result, errors) => {
                    let (result, errors) = ((**result).clone(), errors.clone());
                    match self.attempted_pattern(&result, &errors, path, fields, mutable, span) {
                        Some(kind) => made(kind),
                        None => broken(span),
                    }
                }
                _ => {
                    if *ty != Type::Error {
                        let (shown, name) = (
                            self.show(ty),
                            path.last()
                                .map_or(String::new(), |name| name.text.to_string()),
                        );
                        let message = match ty {
                            Type::Struct(..) => {
                                "a struct is not taken apart by a pattern".to_string()
                            }
                            _ => format!("`{name}` is a variant, and the value is `{shown}`"),
                        };
                        let hint = matches!(ty, Type::Struct(..))
                            .then(|| "bind it to a name, and read its fields".to_string());
                        self.world
                            .error(codes::BAD_PATTERN, span, message)
                            .hint_if(hint);
                    }
                    self.pattern_fields(fields, &[], &[], refutable, mutable, span, "");
                    broken(span)
                }
            },
        }
    }

    /// The same pattern against an optional's content.
    fn inside_some(
        &mut self,
        pattern: &ast::Pattern,
        inner: &Type,
        ty: &Type,
        mutable: bool,
    ) -> hir::Pattern {
        let content = self.pattern(pattern, inner, true, mutable);
        hir::Pattern {
            kind: PatternKind::Some(Box::new(content)),
            ty: ty.clone(),
            span: pattern.span,
        }
    }

    fn literal_pattern(&mut self, literal: &ast::Expr, ty: &Type) -> Option<PatternKind> {
        if let ast::ExprKind::Range {
            start,
            end,
            inclusive,
        } = &literal.kind
        {
            let Type::Scalar(scalar) = ty else {
                return self.bad_literal(literal, ty);
            };
            if !scalar.is_integer() {
                return self.bad_literal(literal, ty);
            }
            let (low, high) = crate::literals::range(*scalar);
            let from = match start {
                Some(start) => self.pattern_integer(start, ty)?,
                None => low,
            };
            let to = match end {
                Some(end) => self
                    .pattern_integer(end, ty)?
                    .saturating_sub(i128::from(!*inclusive)),
                None => high,
            };
            if from > to {
                self.world
                    .error(codes::BAD_PATTERN, literal.span, "this range is empty");
                return None;
            }
            return Some(PatternKind::IntegerRange(from, to));
        }
        let value = self.expr_of(literal, ty);
        match value.kind {
            ExprKind::Integer(number) => Some(PatternKind::Integer(number)),
            ExprKind::Bool(value) => Some(PatternKind::Bool(value)),
            ExprKind::String(text) => Some(PatternKind::String(text)),
            ExprKind::Error => None,
            _ => self.bad_literal(literal, ty),
        }
    }

    fn pattern_integer(&mut self, expr: &ast::Expr, ty: &Type) -> Option<i128> {
        match self.expr_of(expr, ty).kind {
            ExprKind::Integer(number) => Some(number),
            ExprKind::Error => None,
            _ => {
                self.world.error(
                    codes::BAD_PATTERN,
                    expr.span,
                    "a pattern's range ends in numbers below 2^127",
                );
                None
            }
        }
    }

    fn bad_literal(&mut self, literal: &ast::Expr, ty: &Type) -> Option<PatternKind> {
        let shown = self.show(ty);
        let hint = matches!(ty, Type::Scalar(Scalar::F64))
            .then(|| "floats are compared in a guard: `x if x == 0.5`".to_string());
        self.world
            .error(
                codes::BAD_PATTERN,
                literal.span,
                format!("this is no pattern for `{shown}`"),
            )
            .hint_if(hint);
        None
    }

    #[allow(clippy::too_many_arguments)]
    fn variant_pattern(
        &mut self,
        id: hir::EnumId,
        arguments: &[Type],
        path: &[ast::Name],
        fields: &ast::PatternFields,
        refutable: bool,
        mutable: bool,
        span: Span,
    ) -> Option<PatternKind> {
        let name = path.last()?;
        if let [owner, _] = path
            && self.world.find(self.module, &owner.text) != Some(Symbol::Enum(id))
        {
            let wanted = self.world.program.enums[id.0 as usize].name.clone();
            self.world.error(
                codes::BAD_PATTERN,
                owner.span,
                format!("the value is `{wanted}`, not `{}`", owner.text),
            );
            self.pattern_fields(fields, &[], &[], refutable, mutable, span, "");
            return None;
        }
        let declared = &self.world.program.enums[id.0 as usize];
        let Some(number) = declared
            .variants
            .iter()
            .position(|variant| *variant.name == *name.text)
        else {
            let near = nearest(
                &name.text,
                declared
                    .variants
                    .iter()
                    .map(|variant| variant.name.as_str()),
            );
            let owner = declared.name.clone();
            self.world
                .error(
                    codes::UNKNOWN_VARIANT,
                    name.span,
                    format!("`{owner}` has no variant `{}`", name.text),
                )
                .meant(name.span, near);
            self.pattern_fields(fields, &[], &[], refutable, mutable, span, "");
            return None;
        };
        let wanted = declared.variants[number].fields.clone();
        let fields = self.pattern_fields(
            fields, &wanted, arguments, refutable, mutable, span, &name.text,
        );
        Some(PatternKind::Variant {
            variant: number as u32,
            fields,
        })
    }

    /// Patterns of fields, by place or name. With no declared fields and no name it only binds, after a message.
    #[allow(clippy::too_many_arguments)]
    fn pattern_fields(
        &mut self,
        given: &ast::PatternFields,
        wanted: &[hir::Field],
        arguments: &[Type],
        refutable: bool,
        mutable: bool,
        span: Span,
        what: &str,
    ) -> Vec<(u32, hir::Pattern)> {
        let reported = what.is_empty();
        match given {
            ast::PatternFields::None => Vec::new(),
            ast::PatternFields::Tuple(parts) => {
                if parts.len() != wanted.len() && !reported {
                    let (count, given) = (
                        crate::values::count(wanted.len(), "field"),
                        crate::values::are(parts.len()),
                    );
                    self.world.error(
                        codes::BAD_PATTERN,
                        span,
                        format!("`{what}` has {count}, {given} named here"),
                    );
                }
                let mut fields = Vec::new();
                for (number, part) in parts.iter().enumerate() {
                    let ty = wanted
                        .get(number)
                        .map_or(Type::Error, |field| substitute(&field.ty, arguments));
                    let field = wanted.get(number).map_or("", |field| field.name.as_str());
                    let pattern = self.part(what, field, number, |body| {
                        body.pattern(part, &ty, refutable, mutable)
                    });
                    if number < wanted.len() {
                        fields.push((number as u32, pattern));
                    }
                }
                fields
            }
            ast::PatternFields::Record {
                fields: parts,
                rest,
            } => {
                let mut fields: Vec<(u32, hir::Pattern)> = Vec::new();
                let mut sound = !reported;
                for (name, part) in parts {
                    let number = wanted.iter().position(|field| *field.name == *name.text);
                    if number.is_none() && !reported {
                        let near =
                            nearest(&name.text, wanted.iter().map(|field| field.name.as_str()));
                        self.world
                            .error(
                                codes::UNKNOWN_FIELD,
                                name.span,
                                format!("`{what}` has no field `{}`", name.text),
                            )
                            .meant(name.span, near);
                        sound = false;
                    }
                    let ty = number.map_or(Type::Error, |number| {
                        substitute(&wanted[number].ty, arguments)
                    });
                    let place = number.unwrap_or(usize::MAX);
                    let short = ast::Pattern {
                        kind: ast::PatternKind::Bind(name.clone()),
                        span: name.span,
                    };
                    let pattern = self.part(what, &name.text, place, |body| {
                        body.pattern(part.as_ref().unwrap_or(&short), &ty, refutable, mutable)
                    });
                    if let Some(number) = number {
                        fields.push((number as u32, pattern));
                    }
                }
                let is_given =
                    |number: &usize| fields.iter().any(|(given, _)| *given as usize == *number);
                let left: Vec<&hir::Field> = (0..wanted.len())
                    .filter(|number| !is_given(number))
                    .map(|number| &wanted[number])
                    .collect();
                if !rest && !left.is_empty() && !reported {
                    // What should have been named here may be used below.
                    left.iter()
                        .for_each(|field| self.bind_unknown(&field.name, span));
                }
                if !rest && sound && !left.is_empty() {
                    let missing: Vec<String> = left
                        .iter()
                        .map(|field| format!("`{}`", field.name))
                        .collect();
                    self.world
                        .error(
                            codes::BAD_PATTERN,
                            span,
                            format!("this pattern leaves out {}", missing.join(", ")),
                        )
                        .hint("end it with `..` to leave fields out");
                }
                fields
            }
        }
    }

    /// A pattern for a part of a variant.
    fn part(
        &mut self,
        variant: &str,
        name: &str,
        number: usize,
        check: impl FnOnce(&mut Self) -> hir::Pattern,
    ) -> hir::Pattern {
        let says_none = |field: String| self.nones.contains(&(variant.into(), field));
        let taken_apart = says_none(name.to_string()) || says_none(number.to_string());
        let before = std::mem::replace(&mut self.whole, !taken_apart);
        let pattern = check(self);
        self.whole = before;
        pattern
    }

    /// `Ok(p)`, `Err(Insufficient { … })`, `Err(Overflow)`, `Err(_)`.
    fn attempted_pattern(
        &mut self,
        result: &Type,
        errors: &[hir::ErrorId],
        path: &[ast::Name],
        fields: &ast::PatternFields,
        mutable: bool,
        span: Span,
    ) -> Option<PatternKind> {
        let name = path.last()?;
        match (&*name.text, fields) {
            ("Ok", ast::PatternFields::None) => {
                let any = hir::Pattern {
                    kind: PatternKind::Wildcard,
                    ty: result.clone(),
                    span,
                };
                Some(PatternKind::Ok(Box::new(any)))
            }
            ("Ok", ast::PatternFields::Tuple(parts)) if parts.len() == 1 => {
                Some(PatternKind::Ok(Box::new(self.part("Ok", "0", 0, |body| {
                    body.pattern(&parts[0], result, true, mutable)
                }))))
            }
            ("Err", ast::PatternFields::None) => Some(PatternKind::AnyFailure),
            ("Err", ast::PatternFields::Tuple(parts)) if parts.len() == 1 => match &parts[0].kind {
                ast::PatternKind::Wildcard => Some(PatternKind::AnyFailure),
                ast::PatternKind::Variant { path, fields } => {
                    self.failure_pattern(errors, path, fields, mutable, parts[0].span)
                }
                ast::PatternKind::Bind(name) => {
                    self.world
                        .error(
                            codes::BAD_PATTERN,
                            name.span,
                            "a failure is not a value to bind",
                        )
                        .hint("Err(_), or the failure's name");
                    None
                }
                _ => {
                    self.world
                        .error(codes::BAD_PATTERN, span, "a failure is matched by its name")
                        .hint("Err(Insufficient { .. })");
                    None
                }
            },
            _ => {
                self.world.error(
                    codes::BAD_PATTERN,
                    span,
                    "the result of an attempt is `Ok(…)` or `Err(…)`",
                );
                None
            }
        }
    }

    fn failure_pattern(
        &mut self,
        errors: &[hir::ErrorId],
        path: &[ast::Name],
        fields: &ast::PatternFields,
        mutable: bool,
        span: Span,
    ) -> Option<PatternKind> {
        let name = path.last()?;
        let qualifier = (path.len() == 2).then(|| &path[0]);
        if qualifier.is_none() && self.one_owner(errors, name).is_none() {
            self.pattern_fields(fields, &[], &[], true, mutable, span, "");
            return None;
        }
        let found = errors.iter().find_map(|error| {
            let declared = &self.world.program.errors[error.0 as usize];
            if qualifier.is_some_and(|qualifier| *declared.name != *qualifier.text) {
                return None;
            }
            let number = declared
                .variants
                .iter()
                .position(|variant| *variant.name == *name.text)?;
            Some((*error, number as u32))
        });
        if let Some((error, variant)) = found {
            let wanted = self.world.program.errors[error.0 as usize].variants[variant as usize]
                .fields
                .clone();
            let fields = self.pattern_fields(fields, &wanted, &[], true, mutable, span, &name.text);
            return Some(PatternKind::Failure {
                error,
                variant,
                fields,
            });
        }
        if let Some(builtin) = Builtin::from_name(&name.text) {
            return Some(PatternKind::FailureBuiltin(builtin));
        }
        self.no_such_failure(errors, name);
        None
    }
}

/// Parts of variants that these patterns say `none` of.
pub(crate) fn nones<'p>(patterns: impl Iterator<Item = &'p ast::Pattern>) -> Nones {
    let mut found = Nones::new();
    patterns.for_each(|pattern| gather(pattern, &mut found));
    found
}

fn gather(pattern: &ast::Pattern, found: &mut Nones) {
    let mut note = |variant: &ast::Name, field: String, part: &ast::Pattern| {
        let none = |pattern: &ast::Pattern| matches!(pattern.kind, ast::PatternKind::None);
        let says_none = match &part.kind {
            ast::PatternKind::Or(forms) => forms.iter().any(none),
            _ => none(part),
        };
        if says_none {
            found.insert((variant.text.clone(), field));
        }
        gather(part, found);
    };
    match &pattern.kind {
        ast::PatternKind::Tuple(parts) | ast::PatternKind::Or(parts) => {
            parts.iter().for_each(|part| gather(part, found))
        }
        ast::PatternKind::Variant { path, fields } => {
            let Some(name) = path.last() else { return };
            match fields {
                ast::PatternFields::None => {}
                ast::PatternFields::Tuple(parts) => {
                    for (number, part) in parts.iter().enumerate() {
                        note(name, number.to_string(), part);
                    }
                }
                ast::PatternFields::Record { fields, .. } => {
                    for (field, part) in fields {
                        if let Some(part) = part {
                            note(name, field.text.to_string(), part);
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

/// What stands for a pattern that has been reported.
fn broken(span: Span) -> hir::Pattern {
    hir::Pattern {
        kind: PatternKind::Wildcard,
        ty: Type::Error,
        span,
    }
}

/// Whether a pattern matches every value.
pub(crate) fn always(pattern: &hir::Pattern) -> bool {
    match &pattern.kind {
        PatternKind::Wildcard | PatternKind::Bind(_) => true,
        PatternKind::Tuple(parts) => parts.iter().all(always),
        PatternKind::Or(all) => all.iter().any(always),
        _ => false,
    }
}

/// The first name that a pattern binds.
fn first_name(pattern: &ast::Pattern) -> Option<&ast::Name> {
    match &pattern.kind {
        ast::PatternKind::Bind(name) => Some(name),
        ast::PatternKind::Tuple(parts) | ast::PatternKind::Or(parts) => {
            parts.iter().find_map(first_name)
        }
        ast::PatternKind::Variant { fields, .. } => match fields {
            ast::PatternFields::None => None,
            ast::PatternFields::Tuple(parts) => parts.iter().find_map(first_name),
            ast::PatternFields::Record { fields, .. } => {
                let mut fields = fields.iter();
                fields.find_map(|(name, part)| match part {
                    Some(part) => first_name(part),
                    None => Some(name),
                })
            }
        },
        _ => None,
    }
}
