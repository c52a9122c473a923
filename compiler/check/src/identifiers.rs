//! Uuids and content hashes: their literals, new uuids, and `hash(…)`.
//!
//! Always true: a literal is checked here, so a wrong one never reaches a server; what is hashed is a plain value, whose bytes
//! the specification states.

use crate::body::{Body, error, make};
use rc_bytecode::text::{parse_hex, parse_uuid};
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, Method, Type};
use rc_source::Span;
use rc_syntax::ast;

impl Body<'_, '_> {
    /// `uuid("0190a6c1-1f2e-7b3c-8d4d-5e6f7a8b9c0d")`
    pub fn uuid_literal(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> hir::Expr {
        if !self.takes(name, arguments, 1, span) {
            return error(span);
        }
        let text = literal(&arguments[0]);
        match text.and_then(parse_uuid) {
            Some(bytes) => make(ExprKind::Bytes(bytes.as_slice().into()), Type::Uuid, span),
            None => {
                self.world
                    .error(
                        codes::BAD_IDENTIFIER,
                        arguments[0].span,
                        "a uuid is written as 8-4-4-4-12 hexadecimal digits",
                    )
                    .hint("uuid(\"0190a6c1-1f2e-7b3c-8d4d-5e6f7a8b9c0d\"), or `uuid.random()`");
                error(span)
            }
        }
    }

    /// `uuid.random()`, `uuid.ordered()`, `hash.hex("…")`; none where the name is something else.
    pub fn made_by_type(
        &mut self,
        base: &ast::Name,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Option<hir::Expr> {
        let taken = self.find_local(&base.text).is_some()
            || self.world.find(self.module, &base.text).is_some();
        if taken || !matches!(&*base.text, "uuid" | "hash") {
            return None;
        }
        Some(match (&*base.text, &*name.text) {
            ("uuid", "random" | "ordered") => {
                self.takes(name, arguments, 0, span);
                let ordered = &*name.text == "ordered";
                make(ExprKind::RandomUuid { ordered }, Type::Uuid, span)
            }
            ("hash", "hex") => {
                if !self.takes(name, arguments, 1, span) {
                    return Some(error(span));
                }
                match literal(&arguments[0]).and_then(parse_hex::<32>) {
                    Some(bytes) => make(ExprKind::Bytes(bytes.as_slice().into()), Type::Hash, span),
                    None => {
                        self.world.error(
                            codes::BAD_IDENTIFIER,
                            arguments[0].span,
                            "a hash is written as 64 hexadecimal digits",
                        );
                        error(span)
                    }
                }
            }
            (ty, other) => {
                let hint = match ty {
                    "uuid" => "uuid.random(), uuid.ordered(), uuid(\"…\")",
                    _ => "hash(value), hash.hex(\"…\")",
                };
                self.world
                    .error(
                        codes::UNKNOWN_METHOD,
                        name.span,
                        format!("`{ty}` has no operation `{other}`"),
                    )
                    .label("not known here")
                    .hint(hint);
                self.skip(arguments, span)
            }
        })
    }

    /// `hash(a, b, …)`
    pub fn content_hash(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> hir::Expr {
        let Some((first, rest)) = arguments.split_first() else {
            self.world
                .error(
                    codes::WRONG_ARGUMENT_COUNT,
                    span,
                    format!("`{}` needs at least one value", name.text),
                )
                .hint("hash(text)");
            return error(span);
        };
        let first = self.hashed(first);
        let rest: Vec<hir::Expr> = rest.iter().map(|value| self.hashed(value)).collect();
        if first.ty == Type::Error || rest.iter().any(|value| value.ty == Type::Error) {
            return error(span);
        }
        make(
            ExprKind::Method {
                method: Method::ContentHash,
                receiver: Box::new(first),
                arguments: rest,
            },
            Type::Hash,
            span,
        )
    }

    fn hashed(&mut self, value: &ast::Expr) -> hir::Expr {
        let value = self.expr(value, None);
        let value = self.kept(value);
        match &value.ty {
            Type::Error
            | Type::Scalar(_)
            | Type::Time
            | Type::Duration
            | Type::Decimal { .. }
            | Type::Uuid
            | Type::Hash
            | Type::String(_)
            | Type::Bytes(_) => value,
            ty => {
                let shown = self.show(ty);
                self.world
                    .error(
                        codes::NOT_HASHABLE,
                        value.span,
                        format!("`hash` takes plain values, not `{shown}`"),
                    )
                    .label("has parts")
                    .hint("give its parts one by one: hash(order.id, order.price)");
                error(value.span)
            }
        }
    }
}

fn literal(expr: &ast::Expr) -> Option<&str> {
    match &expr.kind {
        ast::ExprKind::String(text) => Some(&text.value),
        _ => None,
    }
}
