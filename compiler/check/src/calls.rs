//! Calls: of commands, queries and functions, of variants, of tables' operations, of values' methods.

use crate::body::{Body, Place, error, make};
use crate::built::Fields;
use crate::names::nearest;
use crate::types::substitute;
use crate::values::{are, count, is_upper};
use crate::world::Symbol;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{CallableKind, ConstExpr, Count, ExprKind, Type};
use rc_source::Span;
use rc_syntax::ast;

impl Body<'_, '_> {
    pub fn call(
        &mut self,
        callee: &ast::Expr,
        arguments: &[ast::Expr],
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        match &callee.kind {
            ast::ExprKind::Broken => error(span),
            ast::ExprKind::Name {
                name,
                arguments: types,
            } => self.call_name(name, types, arguments, expected, span),
            ast::ExprKind::Member { base, name } => {
                self.call_member(base, name, arguments, expected, span)
            }
            ast::ExprKind::Version { base, version } => {
                match self.versioned(base, *version, callee.span) {
                    Some(id) => self.call_callable(id, &[], arguments, expected, span),
                    None => self.skip(arguments, span),
                }
            }
            _ => {
                let value = self.expr(callee, None);
                arguments
                    .iter()
                    .for_each(|argument| drop(self.expr(argument, None)));
                if value.ty != Type::Error {
                    let shown = self.show(&value.ty);
                    self.world.error(
                        codes::NOT_CALLABLE,
                        callee.span,
                        format!("`{shown}` cannot be called"),
                    );
                }
                error(span)
            }
        }
    }

    fn call_name(
        &mut self,
        name: &ast::Name,
        types: &[ast::TypeArgument],
        arguments: &[ast::Expr],
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        if is_upper(&name.text)
            && let Some(variant) = self.bare_variant(name, expected)
        {
            return self.variant(variant, Fields::Tuple(arguments), span);
        }
        match self.world.find(self.module, &name.text) {
            Some(Symbol::Callable(id)) => self.call_callable(id, types, arguments, expected, span),
            Some(Symbol::Struct(_)) => {
                self.world
                    .error(
                        codes::NOT_CALLABLE,
                        name.span,
                        format!("`{}` is a struct, made with braces", name.text),
                    )
                    .hint(format!("{} {{ … }}", name.text));
                self.skip(arguments, span)
            }
            Some(Symbol::Event(_)) => {
                self.world
                    .error(
                        codes::NOT_CALLABLE,
                        name.span,
                        format!("`{}` is an event", name.text),
                    )
                    .hint(format!("emit {} {{ … }}", name.text));
                self.skip(arguments, span)
            }
            Some(other) => {
                let kind = other.kind(&self.world.program);
                self.world.error(
                    codes::NOT_CALLABLE,
                    name.span,
                    format!("`{}` is {kind} and cannot be called", name.text),
                );
                self.skip(arguments, span)
            }
            None => {
                if let Some(built_in) = self.built_in(name, types, arguments, expected, span) {
                    return built_in;
                }
                if self.find_local(&name.text).is_some() {
                    self.world.error(
                        codes::NOT_CALLABLE,
                        name.span,
                        format!("`{}` is a value, not a function", name.text),
                    );
                    return self.skip(arguments, span);
                }
                if is_upper(&name.text) && self.world.error_variants.contains_key(&name.text) {
                    self.skip(arguments, span);
                    return self.error_as_value(span);
                }
                if &*name.text == "now" && arguments.is_empty() {
                    self.world
                        .error(
                            codes::NOT_CALLABLE,
                            span,
                            "`now` is a value, not a function",
                        )
                        .hint("write `now`, without brackets")
                        .edit(span, "now");
                    return error(span);
                }
                if is_upper(&name.text) && expected == Some(&Type::Error) {
                    return self.skip(arguments, span);
                }
                let from_test = self.place == Place::Test;
                let callables = &self.world.program.callables;
                let near = self
                    .world
                    .near(self.module, &name.text, |symbol| match symbol {
                        Symbol::Callable(id) => {
                            from_test || callables[id.0 as usize].kind == CallableKind::Function
                        }
                        _ => false,
                    });
                let foreign = crate::foreign::function(&name.text);
                let near = near
                    .or_else(|| nearest(&name.text, ["min", "max", "abs"].into_iter()))
                    .filter(|_| foreign.is_none());
                let note = self
                    .world
                    .error(
                        codes::UNKNOWN_NAME,
                        name.span,
                        format!("there is no function `{}`", name.text),
                    )
                    .label("not known here");
                match foreign {
                    // What stands in its brackets means nothing here either.
                    Some(foreign) => {
                        drop(note.instead(name.span, foreign));
                        return error(span);
                    }
                    None => drop(note.meant(name.span, near)),
                }
                self.skip(arguments, span)
            }
        }
    }

    /// The command or query that `pay@1` names; `None` after an error.
    fn versioned(&mut self, base: &ast::Expr, version: u32, span: Span) -> Option<hir::CallableId> {
        let callables = &self.world.program.callables;
        let name = match &base.kind {
            ast::ExprKind::Broken => return None,
            ast::ExprKind::Name { name, arguments } if arguments.is_empty() => name,
            _ => return self.no_versions("this", span),
        };
        let mut known: Vec<(u32, hir::CallableId, Span)> = (0..)
            .zip(callables)
            .filter(|(_, callable)| {
                callable.kind != CallableKind::Function && callable.name == *name.text
            })
            .map(|(number, callable)| (callable.version, hir::CallableId(number), callable.span))
            .collect();
        known.sort_unstable_by_key(|(version, ..)| *version);
        if let Some((_, id, _)) = known.iter().find(|(there, ..)| *there == version) {
            return Some(*id);
        }
        let Some((_, _, newest)) = known.last() else {
            if self.version_of_table(base, version, span) {
                return None;
            }
            if self.world.find(self.module, &name.text).is_some()
                || self.find_local(&name.text).is_some()
            {
                return self.no_versions(&format!("`{}`", name.text), span);
            }
            let near = self.world.near(self.module, &name.text, |symbol| {
                matches!(symbol, Symbol::Callable(_))
            });
            self.world
                .error(
                    codes::UNKNOWN_NAME,
                    name.span,
                    format!("there is no command or query `{}`", name.text),
                )
                .label("not known here")
                .meant(name.span, near);
            return None;
        };
        let versions: Vec<String> = known
            .iter()
            .map(|(version, ..)| format!("`{}@{version}`", name.text))
            .collect();
        self.world
            .error(
                codes::UNKNOWN_VERSION,
                span,
                format!("there is no `{}@{version}`", name.text),
            )
            .label("no such version")
            .secondary(*newest, "the newest one")
            .hint(format!("there is {}", versions.join(", ")));
        None
    }

    /// `area@1` where `area` is a `fn`, a value, or no name at all.
    pub fn no_versions(&mut self, what: &str, span: Span) -> Option<hir::CallableId> {
        self.world
            .error(
                codes::NO_VERSIONS,
                span,
                format!("{what} has no versions: commands and queries have, where they are called"),
            )
            .label("not a command or query")
            .hint("leave `@` and the number out");
        None
    }

    /// Looks at arguments for their own mistakes only.
    pub fn skip(&mut self, arguments: &[ast::Expr], span: Span) -> hir::Expr {
        for argument in arguments {
            if !matches!(argument.kind, ast::ExprKind::Record { name: None, .. }) {
                self.expr(argument, None);
            }
        }
        error(span)
    }

    fn call_member(
        &mut self,
        base: &ast::Expr,
        name: &ast::Name,
        arguments: &[ast::Expr],
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        if let ast::ExprKind::Name {
            name: owner,
            arguments: types,
        } = &base.kind
            && types.is_empty()
            && self.find_local(&owner.text).is_none()
        {
            match self.world.find(self.module, &owner.text) {
                Some(Symbol::Enum(id)) => {
                    return match self.qualified_variant(id, name, expected) {
                        Some(variant) => self.variant(variant, Fields::Tuple(arguments), span),
                        None => self.skip(arguments, span),
                    };
                }
                Some(Symbol::Error(_)) => {
                    self.skip(arguments, span);
                    return self.error_as_value(span);
                }
                Some(Symbol::Table(id)) => return self.table_operation(id, name, arguments, span),
                Some(_) => {}
                None if &*owner.text == "caller" && matches!(&*name.text, "has" | "has_role") => {
                    return self.caller_has(arguments, span);
                }
                None => {
                    if let Some(Symbol::Callable(id)) =
                        self.world
                            .find_in_module(self.module, &owner.text, &name.text)
                    {
                        return self.call_callable(id, &[], arguments, expected, span);
                    }
                }
            }
        }
        if let ast::ExprKind::Version {
            base: inner,
            version,
        } = &base.kind
            && &*name.text == "migrate"
            && let Some(tables) = self.versions_of(inner)
        {
            return self.migrated(&tables, *version, arguments, base.span, span);
        }
        if let ast::ExprKind::Member {
            base: inner,
            name: middle,
        } = &base.kind
            && let ast::ExprKind::Name { name: owner, .. } = &inner.kind
            && self.find_local(&owner.text).is_none()
        {
            if &*owner.text == "caller" && &*middle.text == "roles" && &*name.text == "contains" {
                return self.caller_has(arguments, span);
            }
            if let Some(Symbol::Table(id)) = self.world.find(self.module, &owner.text) {
                return self.unique_operation(id, middle, name, arguments, span);
            }
        }
        self.method(base, name, arguments, expected, span)
    }

    fn caller_has(&mut self, arguments: &[ast::Expr], span: Span) -> hir::Expr {
        match arguments {
            [
                ast::Expr {
                    kind: ast::ExprKind::Name { name, .. },
                    ..
                },
            ] => match self.world.role_bit(&name.text, name.span) {
                0 => error(span),
                bit => make(
                    ExprKind::CallerHasRole(bit.trailing_zeros()),
                    Type::BOOL,
                    span,
                ),
            },
            _ => {
                self.world
                    .error(codes::WRONG_ARGUMENT_COUNT, span, "which role?")
                    .hint("caller.roles.contains(treasurer)");
                error(span)
            }
        }
    }

    pub fn call_callable(
        &mut self,
        id: hir::CallableId,
        types: &[ast::TypeArgument],
        arguments: &[ast::Expr],
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        let callable = &self.world.program.callables[id.0 as usize];
        let (kind, name, generics, result) = (
            callable.kind,
            callable.name.clone(),
            callable.generics,
            callable.result.clone(),
        );
        let header = callable.span;
        let wanted: Vec<(String, Type)> = callable
            .parameters
            .iter()
            .map(|local| &callable.locals[local.0 as usize])
            .map(|local| (local.name.clone(), local.ty.clone()))
            .collect();
        let attempted = self.attempted.take() == Some(span)
            && matches!(kind, CallableKind::Command | CallableKind::Query)
            && matches!(self.place, Place::Command | Place::Query | Place::Function);
        if kind != CallableKind::Function && self.place != Place::Test && !attempted {
            let word = match kind {
                CallableKind::Query => "query",
                CallableKind::Report => "report",
                _ => "command",
            };
            let form: Vec<&str> = wanted.iter().map(|(name, _)| name.as_str()).collect();
            let attempt = match self.place {
                Place::Command | Place::Query | Place::Function if kind != CallableKind::Report => {
                    format!(
                        ", or `attempt {name}({})`, whose failure is a value",
                        form.join(", ")
                    )
                }
                _ => String::new(),
            };
            self.world
                .error(
                    codes::CALL_FROM_INSIDE,
                    span,
                    format!(
                        "the {word} `{name}` is called from outside and from tests, not from inside"
                    ),
                )
                .secondary(header, format!("a {word}"))
                .hint(format!("put what both need into a `fn`{attempt}"));
            return self.skip(arguments, span);
        }
        if wanted.iter().any(|(name, _)| name.is_empty()) {
            // Its header was not read whole, and that was said there.
            return self.skip(arguments, span);
        }
        if arguments.len() != wanted.len() {
            let form: Vec<String> = wanted
                .iter()
                .map(|(name, ty)| format!("{name}: {}", self.show(ty)))
                .collect();
            self.world
                .error(
                    codes::WRONG_ARGUMENT_COUNT,
                    span,
                    format!(
                        "`{name}` takes {}, {} given",
                        count(wanted.len(), "argument"),
                        are(arguments.len())
                    ),
                )
                .secondary(header, "declared here")
                .hint(format!("{name}({})", form.join(", ")));
            self.skip(arguments, span);
            return if generics == 0 {
                make(ExprKind::Error, Type::Error, span)
            } else {
                error(span)
            };
        }
        if generics == 0 {
            let mut checked = Vec::new();
            for (argument, (_, ty)) in arguments.iter().zip(&wanted) {
                checked.push(self.argument(argument, ty));
            }
            if checked.iter().any(|argument| argument.ty == Type::Error) || result == Type::Error {
                return error(span);
            }
            return make(
                ExprKind::Call {
                    callable: id,
                    generics: Vec::new(),
                    arguments: checked,
                },
                result,
                span,
            );
        }
        // One-way inference: arguments first, then what is expected, then a parameter of the same name around the call.
        let mut found: Vec<Option<Type>> = vec![None; generics as usize];
        for (number, argument) in types.iter().enumerate().take(generics as usize) {
            found[number] = Some(
                self.world
                    .type_argument(argument, self.module, self.generics),
            );
        }
        let mut checked = Vec::new();
        for (argument, (_, ty)) in arguments.iter().zip(&wanted) {
            let known: Option<Vec<Type>> = found.iter().cloned().collect();
            let wish = match (&known, ty) {
                (Some(known), ty) => Some(substitute(ty, known)),
                (None, ty) if !mentions_parameter(ty) => Some(ty.clone()),
                _ => None,
            };
            let value = self.expr(argument, wish.as_ref());
            infer(ty, &value.ty, &mut found);
            checked.push(value);
        }
        if let Some(expected) = expected {
            infer(&result, expected, &mut found);
        }
        let tree = self.world.callables[id.0 as usize].tree;
        let mut settled = Vec::new();
        for (number, found) in found.into_iter().enumerate() {
            let name = &tree.generics[number].name.text;
            let same = || {
                self.generics
                    .iter()
                    .position(|generic| generic.name.text == *name)
                    .map(|number| Type::Parameter(number as u32))
            };
            match found.or_else(same) {
                Some(ty) => settled.push(ty),
                None => {
                    let name = name.clone();
                    self.world.error(
                        codes::TYPE_NEEDED,
                        span,
                        format!("the type `{name}` cannot be worked out here"),
                    );
                    return error(span);
                }
            }
        }
        if !self.check_instance(id, &settled, &wanted, span) {
            return error(span);
        }
        let mut arguments = Vec::new();
        for (value, (_, ty)) in checked.into_iter().zip(&wanted) {
            arguments.push(self.passed(value, &substitute(ty, &settled)));
        }
        if arguments.iter().any(|argument| argument.ty == Type::Error) {
            return error(span);
        }
        let result = substitute(&result, &settled);
        make(
            ExprKind::Call {
                callable: id,
                generics: settled,
                arguments,
            },
            result,
            span,
        )
    }

    fn argument(&mut self, argument: &ast::Expr, ty: &Type) -> hir::Expr {
        let value = self.expr(argument, Some(ty));
        self.passed(value, ty)
    }

    /// An opaque value may be passed where a place to read it is asked for.
    fn passed(&mut self, value: hir::Expr, ty: &Type) -> hir::Expr {
        match (&value.ty, ty) {
            (
                Type::Parameter(_),
                Type::Place {
                    ty: inner,
                    mutable: false,
                },
            ) if **inner == value.ty => value,
            _ => self.coerce(value, ty),
        }
    }
}

/// Whether a type waits for generic parameters.
fn mentions_parameter(ty: &Type) -> bool {
    match ty {
        Type::Parameter(_) => true,
        Type::Optional(inner) => mentions_parameter(inner),
        Type::Tuple(parts)
        | Type::Struct(_, parts)
        | Type::Enum(_, parts)
        | Type::Layout(_, parts) => parts.iter().any(mentions_parameter),
        Type::List(inner, count) | Type::Sorted(_, inner, count) | Type::Array(inner, count) => {
            mentions_parameter(inner) || matches!(count, Count::Open(_))
        }
        Type::String(count) | Type::Bytes(count) | Type::Number(count) => {
            matches!(count, Count::Open(_))
        }
        Type::Place { ty, .. } => mentions_parameter(ty),
        _ => false,
    }
}

/// Finds generic parameters by laying a declared type over an actual one.
pub(crate) fn infer(declared: &Type, actual: &Type, found: &mut Vec<Option<Type>>) {
    match (declared, actual) {
        (_, Type::Error | Type::Never) => {}
        (Type::Parameter(number), Type::Place { ty, .. }) => set(found, *number, (**ty).clone()),
        (Type::Parameter(number), actual) => set(found, *number, actual.clone()),
        (Type::Optional(declared), Type::Optional(actual)) => infer(declared, actual, found),
        (Type::Tuple(declared), Type::Tuple(actual)) => declared
            .iter()
            .zip(actual)
            .for_each(|(declared, actual)| infer(declared, actual, found)),
        (Type::Struct(a, declared), Type::Struct(b, actual)) if a == b => declared
            .iter()
            .zip(actual)
            .for_each(|(declared, actual)| infer(declared, actual, found)),
        (Type::Enum(a, declared), Type::Enum(b, actual)) if a == b => declared
            .iter()
            .zip(actual)
            .for_each(|(declared, actual)| infer(declared, actual, found)),
        (Type::Layout(a, declared), Type::Layout(b, actual)) if a == b => declared
            .iter()
            .zip(actual)
            .for_each(|(declared, actual)| infer(declared, actual, found)),
        (Type::Sorted(a, ..), Type::Sorted(b, ..)) if a != b => {}
        (Type::List(declared, declared_count), Type::List(actual, actual_count))
        | (Type::Sorted(_, declared, declared_count), Type::Sorted(_, actual, actual_count))
        | (Type::Array(declared, declared_count), Type::Array(actual, actual_count)) => {
            infer(declared, actual, found);
            if let Count::Open(open) = declared_count
                && let ConstExpr::Parameter(number) = &**open
            {
                set(found, *number, Type::Number(actual_count.clone()));
            }
        }
        (Type::Place { ty: declared, .. }, Type::Place { ty: actual, .. }) => {
            infer(declared, actual, found)
        }
        (Type::Place { ty: declared, .. }, actual) => infer(declared, actual, found),
        _ => {}
    }
}

fn set(found: &mut [Option<Type>], number: u32, ty: Type) {
    if let Some(slot) = found.get_mut(number as usize)
        && slot.is_none()
    {
        *slot = Some(ty);
    }
}
