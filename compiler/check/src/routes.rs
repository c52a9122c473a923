//! `@http(GET "/accounts/{id}")`: paths of their own for commands and queries, beside the derived ones.
//!
//! Always true after it: every route of the program can be read, its names are parameters that text can carry, and no
//! request is for two of them, for one and a derived path, or for one and a path of the node.

use crate::names::nearest;
use crate::world::World;
use rc_bytecode::interface::CommandKind;
use rc_bytecode::routes::{self, Method, Segment};
use rc_diagnostics::codes;
use rc_hir::{CallableId, CallableKind, Origin, Type};
use rc_source::Span;
use rc_syntax::ast;

/// The only attribute.
const FORM: &str = "@http(GET \"/accounts/{id}\")";

struct Read<'a> {
    of: CallableId,
    method: Method,
    path: &'a str,
    span: Span,
}

pub(crate) fn check(world: &mut World<'_>) {
    let mut known: Vec<Read<'_>> = Vec::new();
    for (of, module, attribute) in std::mem::take(&mut world.attributes) {
        let Some(read) = world.read_route(of, attribute) else {
            continue;
        };
        if world.route_arguments(&read) && world.meets_nothing(&read, &known) {
            // Another package's own paths are not this one's.
            if world.modules[module].origin == Origin::Package {
                let route = (read.of, read.method, read.path.to_string());
                world.program.routes.push(route);
            }
            known.push(read);
        }
    }
}

/// Whether text can carry it as one word.
fn is_one_word(world: &World<'_>, ty: &Type) -> bool {
    match ty {
        Type::Scalar(_)
        | Type::Time
        | Type::Duration
        | Type::Uuid
        | Type::Hash
        | Type::Decimal { .. }
        | Type::String(_)
        | Type::Error => true,
        Type::Enum(id, _) => {
            let variants = &world.program.enums[id.0 as usize].variants;
            variants.iter().all(|variant| variant.fields.is_empty())
        }
        _ => false,
    }
}

impl World<'_> {
    fn read_route<'a>(
        &mut self,
        of: Option<CallableId>,
        attribute: &'a ast::Attribute,
    ) -> Option<Read<'a>> {
        let name = &*attribute.name.text;
        if name != "http" {
            self.error(
                codes::BAD_ATTRIBUTE,
                attribute.span,
                format!("there is no attribute `@{name}`"),
            )
            .hint(FORM);
            return None;
        }
        let kind = of.map(|of| self.program.callables[of.0 as usize].kind);
        let kind = match kind {
            Some(CallableKind::Command) => CommandKind::Command,
            Some(CallableKind::Query) => CommandKind::Query,
            _ => {
                self.error(
                    codes::BAD_ATTRIBUTE,
                    attribute.span,
                    "only commands and queries have routes",
                )
                .hint("put it before a command or query");
                return None;
            }
        };
        let of = of?;
        let [method, path] = &attribute.arguments[..] else {
            self.error(
                codes::BAD_ROUTE,
                attribute.span,
                "a route is a method and a path",
            )
            .hint(FORM);
            return None;
        };
        let (ast::ExprKind::Name { name: word, .. }, ast::ExprKind::String(path)) =
            (&method.kind, &path.kind)
        else {
            self.error(
                codes::BAD_ROUTE,
                attribute.span,
                "a route is a method and a path in quotes",
            )
            .hint(FORM);
            return None;
        };
        let names: Vec<&str> = Method::all().map(Method::name).collect();
        let Some(method) = Method::from_name(&word.text) else {
            let upper = word.text.to_uppercase();
            let hint = match nearest(&upper, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => names.join(", "),
            };
            self.error(
                codes::BAD_ROUTE,
                word.span,
                format!("there is no method `{}`", word.text),
            )
            .hint(hint);
            return None;
        };
        if !method.fits(kind) {
            let (message, hint) = match kind {
                CommandKind::Query => (
                    format!(
                        "a query changes nothing, and `{}` says that it does",
                        method.name()
                    ),
                    "GET, or POST where its parameters are large",
                ),
                _ => (
                    "`GET` promises to change nothing, and this is a command".to_string(),
                    "POST, PUT, PATCH or DELETE; or make it a query",
                ),
            };
            self.error(codes::ROUTE_METHOD, word.span, message)
                .hint(hint);
            return None;
        }
        if let Err(reason) = routes::segments(&path.value) {
            self.error(codes::BAD_ROUTE, path.span, reason.to_string())
                .hint("\"/accounts/{id}\"");
            return None;
        }
        Some(Read {
            of,
            method,
            path: &path.value,
            span: path.span,
        })
    }

    /// Whether its names are parameters that can stand where they would.
    fn route_arguments(&mut self, read: &Read<'_>) -> bool {
        let segments = routes::segments(read.path).unwrap_or_default();
        let callable = &self.program.callables[read.of.0 as usize];
        let parameters: Vec<(String, Type, Span)> = callable
            .parameters
            .iter()
            .map(|id| &callable.locals[id.0 as usize])
            .map(|local| (local.name.clone(), local.ty.clone(), local.span))
            .collect();
        for segment in &segments {
            let Segment::Argument(name) = segment else {
                continue;
            };
            let Some((_, ty, span)) = parameters.iter().find(|(known, ..)| known == name) else {
                let names = parameters.iter().map(|(name, ..)| name.as_str());
                let hint = match nearest(name, names.clone()) {
                    Some(near) => format!("did you mean `{{{near}}}`?"),
                    None => format!("parameters: {}", names.collect::<Vec<_>>().join(", ")),
                };
                self.error(
                    codes::UNKNOWN_ROUTE_ARGUMENT,
                    read.span,
                    format!("`{{{name}}}` is no parameter"),
                )
                .hint(hint);
                return false;
            };
            if !is_one_word(self, ty) {
                let shown = self.show(ty);
                self.error(
                    codes::ROUTE_ARGUMENT,
                    read.span,
                    format!("a path cannot carry `{name}`: it is a `{shown}`"),
                )
                .secondary(*span, "this parameter")
                .hint("leave it out of the path: the rest stands in the query string or the body");
                return false;
            }
        }
        if read.method != Method::Get {
            return true;
        }
        for (name, ty, span) in &parameters {
            let inner = match ty {
                Type::Optional(inner) => inner,
                ty => ty,
            };
            if !segments.contains(&Segment::Argument(name)) && !is_one_word(self, inner) {
                let shown = self.show(ty);
                self.error(
                    codes::ROUTE_ARGUMENT,
                    read.span,
                    format!("a query string cannot carry `{name}`: it is a `{shown}`"),
                )
                .secondary(*span, "this parameter")
                .hint(format!("@http(POST \"{}\")", read.path));
                return false;
            }
        }
        true
    }

    fn meets_nothing(&mut self, read: &Read<'_>, known: &[Read<'_>]) -> bool {
        let text = format!("{} {}", read.method.name(), read.path);
        if let Some(own) = routes::met_node_path(read.path) {
            self.error(
                codes::ROUTES_MEET,
                read.span,
                format!("`{text}` could be meant for the node's own `{own}`"),
            )
            .hint("another first part");
            return false;
        }
        if let Some(twin) = known.iter().find(|known| known.of == read.of) {
            let twin = twin.span;
            self.error(
                codes::ROUTES_MEET,
                read.span,
                "a command or query has one route of its own",
            )
            .secondary(twin, "the other one")
            .hint("leave one out");
            return false;
        }
        let meets = |known: &&Read<'_>| {
            known.method == read.method && routes::may_meet(known.path, read.path)
        };
        if let Some(met) = known.iter().find(meets) {
            let (other, span) = (met.path, met.span);
            self.error(
                codes::ROUTES_MEET,
                read.span,
                format!("one request could be for `{text}` and for `{other}`"),
            )
            .secondary(span, "the other one")
            .hint("paths that differ in a part without braces");
            return false;
        }
        let package = &self.program.package;
        let derived = |callable: &rc_hir::Callable| format!("/{package}/{}", callable.name);
        let met = self.program.callables.iter().find(|callable| {
            callable.kind != CallableKind::Function
                && callable.origin == Origin::Package
                && read.method == Method::Post
                && routes::may_meet(&derived(callable), read.path)
        });
        if let Some(met) = met {
            let path = derived(met);
            self.error(
                codes::ROUTES_MEET,
                read.span,
                format!("`{text}` could be meant for the derived `POST {path}`"),
            )
            .hint("another path: the derived ones are always there");
            return false;
        }
        true
    }
}
