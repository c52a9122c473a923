//! Written types to types of the program; the fields of everything that has fields.
//!
//! Always true after [`resolve`]: no alias is left, every count is a number or waits for a generic parameter,
//! and no struct or enum contains itself.

use crate::world::*;
use rc_bytecode::instr::Scalar;
use rc_diagnostics::codes;
use rc_hir::{ConstExpr, Count, Sorted, Type};
use rc_source::Span;
use rc_syntax::ast;
use std::sync::Arc;

/// The longest string, the longest list: a value is at most 1 MiB anyway.
const COUNT_MAX: u64 = 1 << 20;

pub(crate) fn resolve(world: &mut World<'_>) {
    for index in 0..world.aliases.len() {
        world.alias(index);
    }
    crate::records::resolve(world);
    world.check_keys_waiting();
    crate::endless::endless_types(world);
    crate::tables::resolve(world);
    world.no_containers_in_cascades();
    for index in 0..world.states.len() {
        let (module, (ty, _)) = (world.states[index].module, world.states[index].tree);
        let name = world.state_names[index];
        world.program.states[index].ty =
            match world.container(ty, crate::containers::Owner::State(name), module) {
                Some(container) => container,
                None => {
                    let resolved = world.ty(ty, module, &[]);
                    world.storable(resolved, ty.span, "a state")
                }
            };
    }
    crate::aggregates::resolve(world);
}

/// The scalar of this name.
pub(crate) fn scalar(name: &str) -> Option<Scalar> {
    Some(match name {
        "bool" => Scalar::Bool,
        "u8" => Scalar::U8,
        "u16" => Scalar::U16,
        "u32" => Scalar::U32,
        "u64" => Scalar::U64,
        "u128" => Scalar::U128,
        "i8" => Scalar::I8,
        "i16" => Scalar::I16,
        "i32" => Scalar::I32,
        "i64" => Scalar::I64,
        "i128" => Scalar::I128,
        "f64" => Scalar::F64,
        _ => return None,
    })
}

impl<'a> World<'a> {
    /// What a written type means. Reports what is wrong with it and then gives `Error`.
    pub fn ty(&mut self, ty: &ast::Type, module: usize, generics: &[ast::Generic]) -> Type {
        match &ty.kind {
            ast::TypeKind::Broken => Type::Error,
            ast::TypeKind::Optional(inner) => match self.ty(inner, module, generics) {
                Type::Error => Type::Error,
                inner => inner.optional(),
            },
            ast::TypeKind::Tuple(parts) if parts.is_empty() => Type::Unit,
            ast::TypeKind::Tuple(parts) => {
                let parts: Vec<Type> = parts
                    .iter()
                    .map(|part| self.ty(part, module, generics))
                    .collect();
                if parts.contains(&Type::Error) {
                    Type::Error
                } else {
                    Type::Tuple(parts)
                }
            }
            ast::TypeKind::Array(element, count) => {
                if !self.is_std(module) {
                    self.error(
                        codes::LOW_LEVEL_OUTSIDE_STD,
                        ty.span,
                        "arrays of fixed length are only in the standard library",
                    )
                    .hint("list<T, 100>");
                    return Type::Error;
                }
                let element = self.ty(element, module, generics);
                match self.const_expr(count, module, generics) {
                    Some(count) if element != Type::Error => {
                        Type::Array(Arc::new(element), known(count))
                    }
                    _ => Type::Error,
                }
            }
            ast::TypeKind::Ref(name) => {
                let hint = format!("the key's type of `{}`", name.text);
                self.error(
                    codes::BAD_REFERENCE,
                    ty.span,
                    "a `ref` is a field of a table or a part of its key, as a whole",
                )
                .hint(hint);
                Type::Error
            }
            ast::TypeKind::Named { name, arguments } => {
                self.named(ty.span, name, arguments, module, generics)
            }
        }
    }

    fn named(
        &mut self,
        span: Span,
        name: &ast::Name,
        arguments: &[ast::TypeArgument],
        module: usize,
        generics: &[ast::Generic],
    ) -> Type {
        if let Some(number) = generics
            .iter()
            .position(|generic| generic.name.text == name.text)
        {
            return Type::Parameter(number as u32);
        }
        if let Some(scalar) = scalar(&name.text) {
            self.no_arguments(name, arguments);
            return Type::Scalar(scalar);
        }
        match &*name.text {
            "time" => {
                self.no_arguments(name, arguments);
                Type::Time
            }
            "duration" => {
                self.no_arguments(name, arguments);
                Type::Duration
            }
            "uuid" => {
                self.no_arguments(name, arguments);
                Type::Uuid
            }
            "hash" => {
                self.no_arguments(name, arguments);
                Type::Hash
            }
            "decimal" => self.decimal(span, arguments, module, generics),
            "string" | "bytes" => {
                let [argument] = arguments else {
                    let example = format!("{}<64>", name.text);
                    self.error(
                        codes::BAD_TYPE_ARGUMENT,
                        span,
                        format!("`{}` needs its largest length in bytes", name.text),
                    )
                    .hint(format!("write `{example}`"))
                    .edit(span, example);
                    return Type::Error;
                };
                let Some(count) = self.count(argument, module, generics) else {
                    return Type::Error;
                };
                if &*name.text == "string" {
                    Type::String(count)
                } else {
                    Type::Bytes(count)
                }
            }
            "list" => {
                let [element, count] = arguments else {
                    let list = match arguments {
                        [ast::TypeArgument::Type(element)] => {
                            format!("list<{}, 100>", self.text_of(element.span))
                        }
                        _ => "list<u64, 100>".to_string(),
                    };
                    self.error(
                        codes::BAD_TYPE_ARGUMENT,
                        span,
                        "`list` needs its element type and its largest length",
                    )
                    .hint(format!("write `{list}`"))
                    .edit(span, list);
                    return Type::Error;
                };
                let (element, count) = (
                    self.type_argument(element, module, generics),
                    self.count(count, module, generics),
                );
                match (element, count) {
                    (Type::Error, _) | (_, None) => Type::Error,
                    (element, Some(count)) => Type::List(Arc::new(element), count),
                }
            }
            "page" if self.is_std(module) => Type::U64,
            "region" if self.is_std(module) => Type::Region,
            "place" | "place_mut" if self.is_std(module) => {
                let [argument] = arguments else {
                    self.error(
                        codes::BAD_TYPE_ARGUMENT,
                        span,
                        "`place` needs the type that it is a place of",
                    )
                    .hint("place<R>");
                    return Type::Error;
                };
                match self.type_argument(argument, module, generics) {
                    Type::Error => Type::Error,
                    ty => Type::Place {
                        ty: Arc::new(ty),
                        mutable: &*name.text == "place_mut",
                    },
                }
            }
            "set" | "map" | "tree" | "queue" | "priority_queue" | "log" | "text" | "blob"
                if self.find(module, &name.text).is_none() =>
            {
                self.sorted(&name.text, arguments, module, generics)
                    .unwrap_or_else(|| self.misplaced_container(&name.text, arguments.len(), span))
            }
            "region" | "place" | "page" if self.find(module, &name.text).is_none() => {
                self.low_level_outside(span, &format!("`{}` is", name.text));
                Type::Error
            }
            _ => self.declared(span, name, arguments, module, generics),
        }
    }

    fn declared(
        &mut self,
        span: Span,
        name: &ast::Name,
        arguments: &[ast::TypeArgument],
        module: usize,
        generics: &[ast::Generic],
    ) -> Type {
        let Some(symbol) = self.find(module, &name.text) else {
            self.unknown_type(module, name, span);
            return Type::Error;
        };
        let wanted = match symbol {
            Symbol::Struct(id) => self.program.structs[id.0 as usize].generics,
            Symbol::Enum(id) => self.program.enums[id.0 as usize].generics,
            Symbol::Layout(id) => self.program.layouts[id.0 as usize].generics,
            Symbol::Alias(index) => self.aliases[index].tree.generics.len() as u32,
            _ => 0,
        };
        if arguments.len() as u32 != wanted {
            self.error(
                codes::BAD_TYPE_ARGUMENT,
                span,
                format!(
                    "`{}` takes {wanted} type arguments, {} are given",
                    name.text,
                    arguments.len()
                ),
            );
            return Type::Error;
        }
        let arguments: Vec<Type> = arguments
            .iter()
            .map(|argument| self.type_argument(argument, module, generics))
            .collect();
        if arguments.contains(&Type::Error) {
            return Type::Error;
        }
        if matches!(symbol, Symbol::Struct(_) | Symbol::Enum(_)) && !self.is_std(module) {
            let ty = match symbol {
                Symbol::Struct(id) => Type::Struct(id, arguments),
                Symbol::Enum(id) => Type::Enum(id, arguments),
                _ => Type::Error,
            };
            let sound = crate::generics::check_declared(self, &ty, generics, span);
            return if sound { ty } else { Type::Error };
        }
        match symbol {
            Symbol::Struct(id) => Type::Struct(id, arguments),
            Symbol::Enum(id) => Type::Enum(id, arguments),
            Symbol::Layout(id) => Type::Layout(id, arguments),
            Symbol::Table(id) => Type::Row(id),
            Symbol::Alias(index) => substitute(&self.alias(index), &arguments),
            other => {
                let kind = other.kind(&self.program);
                self.error(
                    codes::WRONG_KIND_OF_NAME,
                    name.span,
                    format!("`{}` is {kind}, not a type", name.text),
                );
                Type::Error
            }
        }
    }

    fn no_arguments(&mut self, name: &ast::Name, arguments: &[ast::TypeArgument]) {
        if !arguments.is_empty() {
            self.error(
                codes::BAD_TYPE_ARGUMENT,
                name.span,
                format!("`{}` takes no type arguments", name.text),
            );
        }
    }

    /// An argument of a generic type: a type, or a number.
    pub fn type_argument(
        &mut self,
        argument: &ast::TypeArgument,
        module: usize,
        generics: &[ast::Generic],
    ) -> Type {
        match argument {
            ast::TypeArgument::Type(ty) => {
                if let ast::TypeKind::Named { name, .. } = &ty.kind
                    && matches!(self.find(module, &name.text), Some(Symbol::Const(_)))
                {
                    return self
                        .count(argument, module, generics)
                        .map_or(Type::Error, Type::Number);
                }
                self.ty(ty, module, generics)
            }
            ast::TypeArgument::Const(expr) => self
                .const_expr(expr, module, generics)
                .map_or(Type::Error, |number| Type::Number(known(number))),
        }
    }

    /// A count in a type: a literal, a constant's name, a numeric generic parameter.
    pub fn count(
        &mut self,
        argument: &ast::TypeArgument,
        module: usize,
        generics: &[ast::Generic],
    ) -> Option<Count> {
        let (found, span) = match argument {
            ast::TypeArgument::Const(expr) => (self.const_expr(expr, module, generics), expr.span),
            ast::TypeArgument::Type(ty) => match &ty.kind {
                ast::TypeKind::Named { name, arguments } => {
                    (self.const_name(name, arguments, module, generics), ty.span)
                }
                _ => {
                    self.error(
                        codes::BAD_TYPE_ARGUMENT,
                        ty.span,
                        "a number is needed here, not a type",
                    );
                    return None;
                }
            },
        };
        let count = known(found?);
        if let Count::Known(number) = count
            && number > COUNT_MAX
        {
            self.error(
                codes::BAD_TYPE_ARGUMENT,
                span,
                format!("{number} is above {COUNT_MAX}, the largest count in a type"),
            )
            .hint("long values are kept in several rows");
            return None;
        }
        Some(count)
    }

    pub fn alias(&mut self, index: usize) -> Type {
        match self.alias_states[index].clone() {
            AliasState::Done(ty) => ty,
            AliasState::Running => {
                let name = self.aliases[index].tree.name;
                self.error(
                    codes::ENDLESS_TYPE,
                    name.span,
                    format!("the type `{}` is defined by itself", name.text),
                );
                Type::Error
            }
            AliasState::Waiting => {
                self.alias_states[index] = AliasState::Running;
                let (module, tree) = (self.aliases[index].module, &self.aliases[index].tree);
                let (ty, generics) = (tree.ty, tree.generics);
                let resolved = self.ty(ty, module, generics);
                self.alias_states[index] = AliasState::Done(resolved.clone());
                resolved
            }
        }
    }

    /// The type itself where it can be kept in a row or sent, else a message and `Error`.
    pub fn storable(&mut self, ty: Type, span: Span, what: &str) -> Type {
        match self.unstorable(&ty) {
            None => ty,
            Some(Type::Row(table)) => {
                let name = self.program.tables[table.0 as usize].name.clone();
                self.error(
                    codes::NOT_STORABLE,
                    span,
                    format!("{what} cannot hold a row of `{name}`"),
                )
                .hint("keep the row's key instead");
                Type::Error
            }
            Some(part) => {
                let shown = self.show(&part);
                let hint = matches!(part, Type::Sorted(..))
                    .then(|| "keep or send a list of it: `take(n)`".to_string());
                self.error(
                    codes::NOT_STORABLE,
                    span,
                    format!("{what} cannot hold `{shown}`"),
                )
                .hint_if(hint);
                Type::Error
            }
        }
    }

    /// The first part of a type that cannot be stored.
    pub fn unstorable(&self, ty: &Type) -> Option<Type> {
        match ty {
            Type::Error
            | Type::Unit
            | Type::Scalar(_)
            | Type::Time
            | Type::Duration
            | Type::Uuid
            | Type::Hash
            | Type::Decimal { .. }
            | Type::String(_)
            | Type::Bytes(_) => None,
            Type::Parameter(_) | Type::Struct(..) | Type::Enum(..) => None,
            Type::Optional(inner)
            | Type::List(inner, _)
            | Type::Sorted(Sorted::Set | Sorted::Map, inner, _) => self.unstorable(inner),
            Type::Tuple(parts) => parts.iter().find_map(|part| self.unstorable(part)),
            other => Some(other.clone()),
        }
    }
}

pub(crate) fn known(count: ConstExpr) -> Count {
    match count {
        ConstExpr::Number(number) => Count::Known(number),
        open => Count::Open(Arc::new(open)),
    }
}

pub(crate) fn open(count: &Count) -> ConstExpr {
    match count {
        Count::Known(number) => ConstExpr::Number(*number),
        Count::Open(expr) => (**expr).clone(),
    }
}

/// Puts `arguments` in place of the generic parameters.
pub(crate) fn substitute(ty: &Type, arguments: &[Type]) -> Type {
    if arguments.is_empty() {
        return ty.clone();
    }
    let all = |parts: &[Type]| {
        parts
            .iter()
            .map(|part| substitute(part, arguments))
            .collect::<Vec<_>>()
    };
    match ty {
        Type::Parameter(number) => arguments
            .get(*number as usize)
            .cloned()
            .unwrap_or(Type::Error),
        Type::Optional(inner) => substitute(inner, arguments).optional(),
        Type::Tuple(parts) => Type::Tuple(all(parts)),
        Type::Struct(id, parts) => Type::Struct(*id, all(parts)),
        Type::Enum(id, parts) => Type::Enum(*id, all(parts)),
        Type::Layout(id, parts) => Type::Layout(*id, all(parts)),
        Type::List(inner, count) => Type::List(
            Arc::new(substitute(inner, arguments)),
            substitute_count(count, arguments),
        ),
        Type::Sorted(kind, inner, count) => Type::Sorted(
            *kind,
            Arc::new(substitute(inner, arguments)),
            substitute_count(count, arguments),
        ),
        Type::Array(inner, count) => Type::Array(
            Arc::new(substitute(inner, arguments)),
            substitute_count(count, arguments),
        ),
        Type::String(count) => Type::String(substitute_count(count, arguments)),
        Type::Bytes(count) => Type::Bytes(substitute_count(count, arguments)),
        Type::Number(count) => Type::Number(substitute_count(count, arguments)),
        Type::Place { ty, mutable } => Type::Place {
            ty: Arc::new(substitute(ty, arguments)),
            mutable: *mutable,
        },
        Type::Attempted(inner, errors) => {
            Type::Attempted(Arc::new(substitute(inner, arguments)), errors.clone())
        }
        _ => ty.clone(),
    }
}

pub(crate) fn substitute_count(count: &Count, arguments: &[Type]) -> Count {
    match count {
        Count::Known(_) => count.clone(),
        Count::Open(expr) => known(substitute_const(expr, arguments)),
    }
}

fn substitute_const(expr: &ConstExpr, arguments: &[Type]) -> ConstExpr {
    match expr {
        ConstExpr::Number(_) | ConstExpr::PageSize => expr.clone(),
        ConstExpr::SizeOf(ty) => ConstExpr::SizeOf(substitute(ty, arguments)),
        ConstExpr::AlignOf(ty) => ConstExpr::AlignOf(substitute(ty, arguments)),
        ConstExpr::Parameter(number) => match arguments.get(*number as usize) {
            Some(Type::Number(count)) => open(count),
            Some(Type::Parameter(outer)) => ConstExpr::Parameter(*outer),
            _ => expr.clone(),
        },
        ConstExpr::Const(id, parts) => ConstExpr::Const(
            *id,
            parts
                .iter()
                .map(|part| substitute(part, arguments))
                .collect(),
        ),
        ConstExpr::Binary(op, left, right) => {
            let (left, right) = (
                substitute_const(left, arguments),
                substitute_const(right, arguments),
            );
            crate::consts::binary(*op, left, right).unwrap_or_else(|| expr.clone())
        }
    }
}
