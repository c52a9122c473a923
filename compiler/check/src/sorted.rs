//! Bounded collections in the order of their keys, as values: `set<T, N>`, `map<K, V, N>`, `priority_queue<P, T, N>`.
//!
//! Always true after it: what a collection is sorted by has an order; a priority queue is a local, a parameter or a result of a
//! function, and nothing that is kept or sent.

use crate::body::{Body, error, make};
use crate::names::nearest;
use crate::tables::orderable;
use crate::world::World;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{Count, ExprKind, Method, Sorted, Type};
use rc_source::Span;
use rc_syntax::ast;
use std::sync::Arc;

/// What a collection is sorted by, where it is written.
pub(crate) struct Key {
    kind: Sorted,
    ty: Type,
    span: Span,
}

/// What each collection can be asked and told.
fn operations(kind: Sorted) -> &'static [&'static str] {
    match kind {
        Sorted::Set => &[
            "insert", "remove", "contains", "first", "last", "len", "is_empty", "clear",
        ],
        Sorted::Map => &[
            "get", "put", "insert", "remove", "contains", "first", "last", "len", "is_empty",
            "clear",
        ],
        Sorted::PriorityQueue => &["push", "pop", "peek", "take", "len", "is_empty", "clear"],
    }
}

/// An example of the type, for hints.
pub(crate) fn example(kind: Sorted, arguments: &[String]) -> String {
    let mut parts: Vec<String> = arguments.iter().take(kind.parts()).cloned().collect();
    parts.resize(kind.parts(), "u64".to_string());
    format!("{}<{}, 100>", kind.name(), parts.join(", "))
}

impl World<'_> {
    /// The type `set<T, N>` and its like; nothing where there are not as many arguments as it has.
    pub fn sorted(
        &mut self,
        name: &str,
        arguments: &[ast::TypeArgument],
        module: usize,
        generics: &[ast::Generic],
    ) -> Option<Type> {
        let kind = Sorted::named(name).filter(|kind| kind.parts() + 1 == arguments.len())?;
        let (count, types) = arguments.split_last()?;
        let mut parts = Vec::new();
        for (number, argument) in types.iter().enumerate() {
            let span = match argument {
                ast::TypeArgument::Type(ty) => ty.span,
                ast::TypeArgument::Const(expr) => expr.span,
            };
            let part = self.type_argument(argument, module, generics);
            let part = self.storable(part, span, &format!("a `{name}`"));
            if number == 0 {
                let ty = part.clone();
                self.sorted_by(Key { kind, ty, span }, generics);
            }
            parts.push(part);
        }
        let count = self.count(count, module, generics)?;
        if parts.contains(&Type::Error) {
            return Some(Type::Error);
        }
        let element = match kind {
            Sorted::Set => parts.remove(0),
            Sorted::Map | Sorted::PriorityQueue => Type::Tuple(parts),
        };
        Some(Type::Sorted(kind, Arc::new(element), count))
    }

    fn sorted_by(&mut self, key: Key, generics: &[ast::Generic]) {
        match (&key.ty, &mut self.keys_waiting) {
            (Type::Parameter(number), _) => {
                let generic = &generics[*number as usize];
                let ordered = generic
                    .bound
                    .as_ref()
                    .is_some_and(|bound| &*bound.text == "Ordered");
                if !ordered {
                    self.no_key(&key, &generic.name.text)
                        .hint(format!("{}: Ordered", generic.name.text));
                }
            }
            (_, Some(waiting)) => waiting.push(key),
            (_, None) => self.check_key(&key),
        }
    }

    /// What waited until the variants of enums were known.
    pub fn check_keys_waiting(&mut self) {
        for key in self.keys_waiting.take().into_iter().flatten() {
            self.check_key(&key);
        }
    }

    fn check_key(&mut self, key: &Key) {
        if !orderable(&key.ty, &self.program) {
            let shown = self.show(&key.ty);
            self.no_key(key, &shown)
                .hint("integers, `time`, `string<N>`, `bytes<N>` and enums without payloads can");
        }
    }

    fn no_key(&mut self, key: &Key, shown: &str) -> crate::world::Note<'_> {
        let what = match key.kind {
            Sorted::Set => "an element of a `set`",
            Sorted::Map => "a key",
            Sorted::PriorityQueue => "a priority",
        };
        self.error(
            codes::BAD_KEY_TYPE,
            key.span,
            format!("`{shown}` cannot be {what}"),
        )
    }
}

impl Body<'_, '_> {
    /// `set<u64, 8>()`; without types where one is expected. Nothing where the name must be something else.
    pub fn new_sorted(
        &mut self,
        name: &ast::Name,
        types: &[ast::TypeArgument],
        arguments: &[ast::Expr],
        expected: Option<&Type>,
        span: Span,
    ) -> Option<hir::Expr> {
        let kind = Sorted::named(&name.text)?;
        let ty = match expected.map(crate::body::peeled) {
            Some(ty @ Type::Sorted(wanted, ..)) if *wanted == kind && types.is_empty() => {
                ty.clone()
            }
            _ if types.is_empty() && self.find_local(&name.text).is_some() => return None,
            _ => match self
                .world
                .sorted(&name.text, types, self.module, self.generics)
            {
                Some(ty) => ty,
                None => {
                    self.needs_types(kind, types, name.span, span);
                    Type::Error
                }
            },
        };
        if ty == Type::Error || !self.takes(name, arguments, 0, span) {
            return Some(error(span));
        }
        Some(make(ExprKind::List(Vec::new()), ty, span))
    }

    fn needs_types(&mut self, kind: Sorted, types: &[ast::TypeArgument], name: Span, span: Span) {
        let given: Vec<String> = types
            .iter()
            .filter_map(|argument| match argument {
                ast::TypeArgument::Type(ty) => Some(self.world.text_of(ty.span)),
                ast::TypeArgument::Const(_) => None,
            })
            .collect();
        let what = match kind {
            Sorted::Set => "the type of its elements",
            Sorted::Map => "the types of its keys and values",
            Sorted::PriorityQueue => "the types of its priorities and elements",
        };
        self.world
            .error(
                codes::BAD_TYPE_ARGUMENT,
                Span::new(span.file, name.start, span.end),
                format!("a `{}` needs {what}, and its largest length", kind.name()),
            )
            .hint(format!("{}()", example(kind, &given)));
    }

    pub fn sorted_method(
        &mut self,
        (kind, element, capacity): (Sorted, Type, Count),
        receiver: hir::Expr,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> hir::Expr {
        let parts = match &element {
            Type::Tuple(parts) if kind != Sorted::Set => parts.clone(),
            element => vec![element.clone()],
        };
        let (key, value) = (parts[..1].to_vec(), parts.last().cloned());
        let value = value.unwrap_or(Type::Error);
        let end = || element.clone().optional();
        let (method, wanted, ty) = match (kind, &*name.text) {
            (_, "len") => (Method::Length, Vec::new(), Type::U64),
            (_, "is_empty") => (Method::IsEmpty, Vec::new(), Type::BOOL),
            (_, "clear") => (Method::Clear, Vec::new(), Type::Unit),
            (Sorted::PriorityQueue, "push") => (Method::Add, parts, Type::Unit),
            (Sorted::PriorityQueue, "pop") => (Method::Pop, Vec::new(), end()),
            (Sorted::PriorityQueue, "peek") => (Method::Last, Vec::new(), end()),
            (Sorted::PriorityQueue, "take") => (
                Method::Take,
                vec![Type::U64],
                Type::List(Arc::new(value), capacity),
            ),
            (Sorted::PriorityQueue, _) => {
                return self.unknown_sorted(kind, &receiver, name, arguments, span);
            }
            (_, "first") => (Method::First, Vec::new(), end()),
            (_, "last") => (Method::Last, Vec::new(), end()),
            (_, "contains") => (Method::Contains, key, Type::BOOL),
            (Sorted::Set, "insert") => (Method::Add, key, Type::BOOL),
            (Sorted::Set, "remove") => (Method::Remove, key, Type::BOOL),
            (Sorted::Map, "insert") => (Method::Add, parts, Type::Unit),
            (Sorted::Map, "put") => (Method::Put, parts, Type::Unit),
            (Sorted::Map, "get") => (Method::Get, key, value.optional()),
            (Sorted::Map, "remove") => (Method::Remove, key, value.optional()),
            _ => return self.unknown_sorted(kind, &receiver, name, arguments, span),
        };
        if !self.takes(name, arguments, wanted.len(), span) {
            return error(span);
        }
        if method.changes() && !self.assignable(&receiver) {
            return self.skip(arguments, span);
        }
        let mut given = Vec::new();
        for (argument, ty) in arguments.iter().zip(&wanted) {
            given.push(if method == Method::Take {
                let number = self.expr(argument, Some(&Type::U64));
                self.as_u64(number)
            } else {
                self.expr_of(argument, ty)
            });
        }
        if given.iter().any(|argument| argument.ty == Type::Error) {
            return error(span);
        }
        make(
            ExprKind::Method {
                method,
                receiver: Box::new(receiver),
                arguments: given,
            },
            ty,
            span,
        )
    }

    fn unknown_sorted(
        &mut self,
        kind: Sorted,
        receiver: &hir::Expr,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> hir::Expr {
        self.skip(arguments, span);
        let word = &*name.text;
        let near = nearest(word, operations(kind).iter().copied());
        let hint = match (kind, word) {
            (Sorted::Set, "add" | "push" | "put") => "insert(item)".to_string(),
            (Sorted::Map, "add" | "push" | "set" | "update") => "put(key, value)".to_string(),
            (Sorted::PriorityQueue, "insert" | "add" | "put") => "push(priority, item)".to_string(),
            (_, "delete" | "erase") if kind != Sorted::PriorityQueue => "remove(key)".to_string(),
            (Sorted::PriorityQueue, "first" | "top") => "peek()".to_string(),
            (Sorted::Map, "keys") => {
                format!(
                    "[key for (key, _) in {}]",
                    self.world.text_of(receiver.span)
                )
            }
            (Sorted::Map, "values") => {
                format!(
                    "[value for (_, value) in {}]",
                    self.world.text_of(receiver.span)
                )
            }
            (_, "size" | "count" | "length") => "len()".to_string(),
            _ if near.is_some() => String::new(),
            _ => operations(kind).join(", "),
        };
        let note = self
            .world
            .error(
                codes::UNKNOWN_METHOD,
                name.span,
                format!("a `{}` has no operation `{word}`", kind.name()),
            )
            .label("not known here");
        match hint.is_empty() {
            true => drop(note.meant(name.span, near)),
            false => drop(note.hint(hint)),
        }
        error(span)
    }
}
