//! Names as values; tuples and lists; elements by index.

use crate::body::{Body, Place, error, make, peeled};
use crate::built::Fields;
use crate::names::nearest;
use crate::world::{ConstState, Symbol};
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Count, ExprKind, LocalId, Sorted, Type};
use rc_source::Span;
use rc_syntax::ast;
use std::sync::Arc;

pub(crate) fn is_upper(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_uppercase)
}

impl Body<'_, '_> {
    pub fn name(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::TypeArgument],
        expected: Option<&Type>,
    ) -> hir::Expr {
        let span = name.span;
        if let Some(id) = self.find_local(&name.text) {
            let ty = self.local(id).ty.clone();
            return if ty == Type::Error {
                error(span)
            } else {
                make(ExprKind::Local(id), ty, span)
            };
        }
        if let Some(field) = self.row_field(&name.text, span) {
            return field;
        }
        if is_upper(&name.text)
            && let Some(variant) = self.bare_variant(name, expected)
        {
            return self.variant(variant, Fields::None, span);
        }
        match self.world.find(self.module, &name.text) {
            Some(Symbol::State(id)) => {
                let ty = self.world.program.states[id.0 as usize].ty.clone();
                if ty == Type::Error {
                    error(span)
                } else {
                    make(ExprKind::State(id), ty, span)
                }
            }
            Some(Symbol::Aggregate(id)) => {
                let aggregate = &self.world.program.aggregates[id.0 as usize];
                let ty = aggregate.ty.clone();
                if ty == Type::Error {
                    error(span)
                } else if let Some(by) = aggregate.by {
                    let table = &self.world.program.tables[aggregate.table.0 as usize];
                    let by = table.fields[by as usize].name.clone();
                    self.world
                        .error(
                            codes::GROUP_EXPECTED,
                            span,
                            format!("`{}` is kept per `{by}`: of which one?", name.text),
                        )
                        .hint(format!("{}[{by}]", name.text));
                    error(span)
                } else {
                    make(ExprKind::Aggregate { id, group: None }, ty, span)
                }
            }
            Some(Symbol::Const(id)) => self.constant(id, arguments, expected, span),
            Some(other) => {
                let kind = other.kind(&self.world.program);
                let hint = match other {
                    Symbol::Callable(_) => Some(format!("{}(…)", name.text)),
                    Symbol::Table(_) => Some(format!("{}.get(key)", name.text)),
                    Symbol::Struct(_) => Some(format!("{} {{ … }}", name.text)),
                    Symbol::Enum(id) => self.world.program.enums[id.0 as usize]
                        .variants
                        .first()
                        .map(|variant| format!("{}.{}", name.text, variant.name)),
                    _ => None,
                };
                self.world
                    .error(
                        codes::WRONG_KIND_OF_NAME,
                        span,
                        format!("`{}` is {kind}, not a value", name.text),
                    )
                    .hint_if(hint);
                error(span)
            }
            None => match &*name.text {
                "now" => make(ExprKind::Now, Type::Time, span),
                "caller" => {
                    self.world
                        .error(
                            codes::WRONG_KIND_OF_NAME,
                            span,
                            "`caller` is not a value by itself",
                        )
                        .hint("caller.id");
                    error(span)
                }
                _ if self.is_number(&name.text) => self.open_constant(name, arguments, expected),
                // A variant of what is not known is not known, and that was said.
                _ if is_upper(&name.text) && expected == Some(&Type::Error) => error(span),
                _ => self.unknown_name(name),
            },
        }
    }

    /// In a table's invariant its fields are names.
    fn row_field(&mut self, name: &str, span: Span) -> Option<hir::Expr> {
        let Place::RowInvariant(table) = self.place else {
            return None;
        };
        let field = *self.world.table_fields[table.0 as usize].get(name)?;
        let ty = self.world.program.tables[table.0 as usize].fields[field as usize]
            .ty
            .clone();
        if ty == Type::Error {
            return Some(error(span));
        }
        let row = make(ExprKind::Local(LocalId(0)), Type::Row(table), span);
        Some(make(
            ExprKind::Field {
                base: Box::new(row),
                field,
            },
            ty,
            span,
        ))
    }

    fn is_number(&self, name: &str) -> bool {
        self.is_std()
            && (matches!(name, "PAGE_SIZE" | "PAGE")
                || self
                    .generics
                    .iter()
                    .any(|generic| *generic.name.text == *name))
    }

    fn constant(
        &mut self,
        id: hir::ConstId,
        arguments: &[ast::TypeArgument],
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        match self.world.constant(id) {
            ConstState::Value(value) => {
                let untyped = self.world.consts[id.0 as usize].tree.ty.is_none();
                match (&value.kind, expected.map(peeled)) {
                    (ExprKind::Error, _) => error(span),
                    (ExprKind::Integer(number), Some(Type::Scalar(scalar)))
                        if scalar.is_integer() && (untyped || self.is_std()) =>
                    {
                        self.integer(
                            number.unsigned_abs(),
                            *number < 0,
                            Some(&Type::Scalar(*scalar)),
                            span,
                        )
                    }
                    _ => hir::Expr { span, ..*value },
                }
            }
            _ => {
                let arguments: Vec<Type> = arguments
                    .iter()
                    .map(|argument| {
                        self.world
                            .type_argument(argument, self.module, self.generics)
                    })
                    .collect();
                match self.world.const_use(id, arguments, span) {
                    Some(open) => self.open(open, expected, span),
                    None => error(span),
                }
            }
        }
    }

    fn open_constant(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::TypeArgument],
        expected: Option<&Type>,
    ) -> hir::Expr {
        match self
            .world
            .const_name(name, arguments, self.module, self.generics)
        {
            Some(open) => self.open(open, expected, name.span),
            None => error(name.span),
        }
    }

    /// A number that waits for generic parameters; it takes the expected integer type.
    pub fn open(
        &mut self,
        value: hir::ConstExpr,
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        let ty = match expected {
            Some(Type::Scalar(scalar)) if scalar.is_integer() => Type::Scalar(*scalar),
            _ => Type::U64,
        };
        match value {
            hir::ConstExpr::Number(number) => self.integer(number.into(), false, Some(&ty), span),
            open => make(ExprKind::Const(open), ty, span),
        }
    }

    pub fn unknown_name(&mut self, name: &ast::Name) -> hir::Expr {
        // Tables, enums and structs stand before a dot or a brace; commands and functions are no values.
        let upper = is_upper(&name.text);
        let values = |symbol| match symbol {
            Symbol::State(_) | Symbol::Aggregate(_) | Symbol::Const(_) => true,
            Symbol::Table(_) | Symbol::Enum(_) | Symbol::Struct(_) => upper,
            _ => false,
        };
        let local = nearest(&name.text, self.local_names().chain(["now", "caller"]));
        let field = match self.place {
            Place::RowInvariant(table) => nearest(
                &name.text,
                self.world.program.tables[table.0 as usize]
                    .fields
                    .iter()
                    .map(|field| field.name.as_str()),
            ),
            _ => None,
        };
        let foreign = crate::foreign::value(&name.text);
        let near = local
            .or(field)
            .filter(|near| {
                foreign.is_none()
                    && (is_upper(near) == upper || near.eq_ignore_ascii_case(&name.text))
            })
            .or_else(|| self.world.near(self.module, &name.text, values))
            .or_else(|| {
                let (owner, variant) = self.owner_of_variant(&name.text).filter(|_| upper)?;
                Some(format!("{owner}.{variant}"))
            });
        let note = self
            .world
            .error(
                codes::UNKNOWN_NAME,
                name.span,
                format!("there is no `{}` here", name.text),
            )
            .label("not known here");
        match (near, foreign) {
            (None, Some(foreign)) => drop(note.instead(name.span, foreign)),
            (near, _) => drop(note.meant(name.span, near)),
        }
        error(name.span)
    }

    /// An enum of the package with this variant, for a hint.
    pub fn owner_of_variant(&self, variant: &str) -> Option<(String, String)> {
        let enums = self.world.program.enums.iter();
        let found = enums
            .filter(|owner| owner.variants.iter().any(|known| known.name == variant))
            .map(|owner| owner.name.clone())
            .next()?;
        Some((found, variant.to_string()))
    }

    pub fn tuple(&mut self, parts: &[ast::Expr], expected: Option<&Type>, span: Span) -> hir::Expr {
        if parts.is_empty() {
            return crate::body::unit(span);
        }
        if let [only] = parts {
            return self.expr(only, expected);
        }
        let wanted: Vec<Option<Type>> = match expected.map(peeled) {
            Some(Type::Tuple(types)) if types.len() == parts.len() => {
                types.iter().cloned().map(Some).collect()
            }
            _ => vec![None; parts.len()],
        };
        let mut checked = Vec::new();
        for (part, wanted) in parts.iter().zip(&wanted) {
            checked.push(match wanted {
                Some(ty) => self.expr_of(part, ty),
                None => {
                    let value = self.expr(part, None);
                    self.kept(value)
                }
            });
        }
        if checked.iter().any(|part| part.ty == Type::Error) {
            return error(span);
        }
        let ty = Type::Tuple(checked.iter().map(|part| part.ty.clone()).collect());
        make(ExprKind::Tuple(checked), ty, span)
    }

    pub fn list(&mut self, parts: &[ast::Expr], expected: Option<&Type>, span: Span) -> hir::Expr {
        let wanted = match expected.map(peeled) {
            Some(Type::List(element, capacity)) => Some(((**element).clone(), capacity.clone())),
            Some(Type::Sorted(Sorted::Set | Sorted::Map, element, capacity)) => {
                Some(((**element).clone(), capacity.clone()))
            }
            _ => None,
        };
        let mut checked = Vec::new();
        let mut element = wanted.as_ref().map(|(element, _)| element.clone());
        for part in parts {
            let value = match &element {
                Some(ty) => self.expr_of(part, ty),
                None => {
                    let value = self.expr(part, None);
                    let value = self.kept(value);
                    element = (value.ty != Type::Error).then(|| value.ty.clone());
                    value
                }
            };
            checked.push(value);
        }
        let Some(element) = element else {
            if parts.is_empty() && expected != Some(&Type::Error) {
                self.world
                    .error(
                        codes::TYPE_NEEDED,
                        span,
                        "the type of this empty list is not known",
                    )
                    .hint("let xs: list<u64, 100> = []");
            }
            return error(span);
        };
        let length = parts.len() as u64;
        let capacity = match wanted {
            Some((_, Count::Known(capacity))) if length > capacity => {
                self.world.error(
                    codes::LITERAL_TOO_LONG,
                    span,
                    format!(
                        "these are {length} elements, and the {} holds {capacity}",
                        match expected.map(peeled) {
                            Some(Type::Sorted(kind, ..)) => kind.name(),
                            _ => "list",
                        }
                    ),
                );
                return error(span);
            }
            Some((_, capacity)) => capacity,
            None => Count::Known(length),
        };
        if checked.iter().any(|part| part.ty == Type::Error) {
            return error(span);
        }
        let ty = match expected.map(peeled) {
            Some(Type::Sorted(kind, ..)) => Type::Sorted(*kind, Arc::new(element), capacity),
            _ => Type::List(Arc::new(element), capacity),
        };
        make(ExprKind::List(checked), ty, span)
    }

    /// A value that is put into another one: no row, nothing without a value.
    pub fn kept(&mut self, value: hir::Expr) -> hir::Expr {
        let value = self.read(value);
        match &value.ty {
            Type::Row(table) => {
                let table = self.world.program.tables[table.0 as usize].name.clone();
                self.world
                    .error(
                        codes::ROW_AS_VALUE,
                        value.span,
                        format!("a row of `{table}` is a place, not a value to keep"),
                    )
                    .hint("take its fields");
                error(value.span)
            }
            Type::Never => self.no_value(&value),
            Type::Unit => {
                self.world.error(
                    codes::TYPE_MISMATCH,
                    value.span,
                    "this gives nothing, and a value is needed",
                );
                error(value.span)
            }
            _ => value,
        }
    }

    /// `supply[c]`; nothing where the base is no aggregate.
    fn group_of(&mut self, base: &ast::Expr, index: &ast::Expr, span: Span) -> Option<hir::Expr> {
        let ast::ExprKind::Name { name, arguments } = &base.kind else {
            return None;
        };
        if !arguments.is_empty() || self.find_local(&name.text).is_some() {
            return None;
        }
        let Some(Symbol::Aggregate(id)) = self.world.find(self.module, &name.text) else {
            return None;
        };
        let aggregate = self.world.program.aggregates[id.0 as usize].clone();
        let ty = aggregate.ty;
        let Some(by) = aggregate.by.filter(|_| ty != Type::Error) else {
            drop(self.expr(index, None));
            if ty != Type::Error {
                let table = self.world.program.tables[aggregate.table.0 as usize]
                    .name
                    .clone();
                self.world
                    .error(
                        codes::GROUP_EXPECTED,
                        span,
                        format!(
                            "`{}` is one value for the whole of `{table}`: it has no groups",
                            name.text
                        ),
                    )
                    .hint(format!(
                        "{}, or declare it with `by` and the field that tells its groups apart",
                        name.text
                    ));
            }
            return Some(error(span));
        };
        let group = self.world.program.tables[aggregate.table.0 as usize].fields[by as usize]
            .ty
            .clone();
        let group = self.expr_of(index, &group);
        if group.ty == Type::Error {
            return Some(error(span));
        }
        let kind = ExprKind::Aggregate {
            id,
            group: Some(Box::new(group)),
        };
        Some(make(kind, ty, span))
    }

    pub fn index(&mut self, base: &ast::Expr, index: &ast::Expr, span: Span) -> hir::Expr {
        if let Some(group) = self.group_of(base, index, span) {
            return group;
        }
        let base = self.expr(base, None);
        let index = self.expr(index, Some(&Type::U64));
        let ty = match &base.ty {
            Type::Error => return error(span),
            Type::List(element, _) => (**element).clone(),
            Type::Place { ty, mutable } => match &**ty {
                Type::Array(element, _) => crate::low_level::part(element, *mutable),
                Type::List(element, _) => (**element).clone(),
                _ => return self.not_indexable(&base, span),
            },
            _ => return self.not_indexable(&base, span),
        };
        let index = self.as_u64(index);
        if index.ty == Type::Error {
            return error(span);
        }
        make(
            ExprKind::Index {
                base: Box::new(base),
                index: Box::new(index),
            },
            ty,
            span,
        )
    }

    fn not_indexable(&mut self, base: &hir::Expr, span: Span) -> hir::Expr {
        let shown = self.show(&base.ty);
        let hint = match &base.ty {
            Type::Tuple(_) => Some("parts of a tuple are `.0`, `.1`".to_string()),
            Type::Optional(_) => Some("it may be `none`: `let x = … else …` first".to_string()),
            _ => None,
        };
        self.world
            .error(
                codes::BAD_OPERANDS,
                span,
                format!("`{shown}` has no elements to index"),
            )
            .hint_if(hint);
        error(span)
    }
}

pub(crate) fn count(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("one {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

pub(crate) fn are(number: usize) -> String {
    match number {
        0 => "none are".into(),
        1 => "one is".into(),
        _ => format!("{number} are"),
    }
}
