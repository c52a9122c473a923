//! What loops walk, and the bound of each walk: ranges, lists, rows in an index's order.

use crate::body::{Body, error, make};
use crate::consts::known_number;
use crate::types::known;
use crate::world::Symbol;
use rc_bytecode::instr::{BinaryOp, Scalar};
use rc_bytecode::limits::LOOP_MAX;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ConstExpr, Count, ExprKind, Sorted, Source, Type};
use rc_source::Span;
use rc_syntax::ast;

/// A source, the type of what it gives, and its bound.
pub(crate) struct Walk {
    pub source: Source,
    pub item: Type,
    pub max: Count,
}

pub(crate) struct Bounds<'e> {
    pub take: Option<&'e ast::Expr>,
    pub max: Option<&'e ast::Expr>,
    /// How many are asked for, where that is known: for hints.
    pub wish: u64,
}

/// The bound that hints propose where nothing else is known.
pub(crate) const WISH_DEFAULT: u64 = 100;

impl Body<'_, '_> {
    pub fn source(&mut self, expr: &ast::Expr, wish: u64) -> Option<Walk> {
        let (inner, bounds) = match &expr.kind {
            ast::ExprKind::Bounded { source, take, max } => (
                &**source,
                Bounds {
                    take: take.as_deref(),
                    max: max.as_deref(),
                    wish,
                },
            ),
            ast::ExprKind::Tuple(parts) if parts.len() == 1 => return self.source(&parts[0], wish),
            _ => (
                expr,
                Bounds {
                    take: None,
                    max: None,
                    wish,
                },
            ),
        };
        if let ast::ExprKind::Range {
            start,
            end,
            inclusive,
        } = &inner.kind
        {
            return self.range(
                start.as_deref(),
                end.as_deref(),
                *inclusive,
                bounds,
                inner.span,
            );
        }
        if let Some((table, chain)) = self.row_chain(inner) {
            return self.rows(table, chain, bounds, inner.span);
        }
        let list = self.expr(inner, None);
        let (item, max) = match &list.ty {
            Type::Error => return None,
            Type::Never => {
                self.no_value(&list);
                return None;
            }
            Type::List(element, count)
            | Type::Sorted(Sorted::Set | Sorted::Map, element, count) => {
                ((**element).clone(), count.clone())
            }
            ty => {
                let shown = self.show(ty);
                let hint = match ty {
                    Type::Scalar(scalar) if scalar.is_integer() => {
                        Some(format!("0..{} max 100", self.world.text_of(inner.span)))
                    }
                    Type::Optional(_) => Some("if let x = … { … }".to_string()),
                    Type::Sorted(_, _, Count::Known(count)) => {
                        Some(format!("{}.take({count})", self.world.text_of(inner.span)))
                    }
                    _ => None,
                };
                self.world
                    .error(
                        codes::NOT_ITERABLE,
                        list.span,
                        format!("`{shown}` cannot be walked"),
                    )
                    .hint_if(hint);
                return None;
            }
        };
        if let (Some(max), None) = (bounds.max, bounds.take) {
            self.world
                .error(
                    codes::WRONG_BOUND,
                    max.span,
                    "a list has its bound in its type",
                )
                .hint("leave `max` out, or visit fewer with `take`");
        }
        let Some(take) = bounds.take else {
            return Some(Walk {
                source: Source::List {
                    list,
                    take: None,
                    max: max.clone(),
                },
                item,
                max,
            });
        };
        let (take, most) = self.take(take, bounds.max, known_number(&max), bounds.wish)?;
        let max = match known_number(&max) {
            Some(capacity) => Count::Known(capacity.min(most)),
            None => Count::Known(most),
        };
        Some(Walk {
            source: Source::List {
                list,
                take: Some(take),
                max: max.clone(),
            },
            item,
            max,
        })
    }

    // -- ranges --------------------------------------------------------------------------------------

    fn range(
        &mut self,
        start: Option<&ast::Expr>,
        end: Option<&ast::Expr>,
        inclusive: bool,
        bounds: Bounds<'_>,
        span: Span,
    ) -> Option<Walk> {
        let (Some(start), Some(end)) = (start, end) else {
            self.world
                .error(codes::UNBOUNDED_LOOP, span, "this range has no end")
                .hint("0..n max 64");
            return None;
        };
        if let Some(take) = bounds.take {
            let (text, count) = (self.world.text_of(span), self.world.text_of(take.span));
            self.world
                .error(
                    codes::WRONG_BOUND,
                    take.span,
                    "`take` is for rows and lists; a range is bounded by `max`",
                )
                .hint(format!("{text} max {count}"))
                .edit(
                    Span::new(span.file, span.start, take.span.end),
                    format!("{text} max {count}"),
                );
            return None;
        }
        let open_end = self.open_end(start, end, inclusive);
        let flexible = crate::operators::is_flexible(start) && !crate::operators::is_flexible(end);
        let (start, end) = if flexible {
            let end = self.expr(end, None);
            let end = self.read(end);
            let ty = end.ty.clone();
            (self.expr_of(start, &ty), end)
        } else {
            let start = self.expr(start, None);
            let start = self.read(start);
            let ty = start.ty.clone();
            (start, self.expr_of(end, &ty))
        };
        let ty = match (&start.ty, &end.ty) {
            (Type::Error, _) | (_, Type::Error) => return None,
            (Type::Scalar(scalar), _)
                if scalar.is_integer() && !matches!(scalar, Scalar::U128 | Scalar::I128) =>
            {
                start.ty.clone()
            }
            (ty, _) => {
                let shown = self.show(ty);
                self.world.error(
                    codes::NOT_ITERABLE,
                    span,
                    format!("a loop counts in integers of at most 64 bits, not `{shown}`"),
                );
                return None;
            }
        };
        let literal = match (&start.kind, &end.kind) {
            (ExprKind::Integer(a), ExprKind::Integer(b)) => {
                Some((b - a + i128::from(inclusive)).max(0) as u64)
            }
            _ => None,
        };
        let max = match (bounds.max, literal, open_end) {
            (Some(max), ..) => known(self.world.const_expr(max, self.module, self.generics)?),
            (None, Some(length), _) => Count::Known(length),
            (None, None, Some(open)) => known(open),
            (None, None, None) => {
                let text = self.world.text_of(span);
                self.world
                    .error(codes::UNBOUNDED_LOOP, span, "this loop has no bound")
                    .label("how many times at most?")
                    .hint(format!("{text} max 64"))
                    .edit(Span::new(span.file, span.end, span.end), " max 64");
                return None;
            }
        };
        self.ceiling(&max, span)?;
        Some(Walk {
            source: Source::Range {
                start,
                end,
                inclusive,
                max: max.clone(),
            },
            item: ty,
            max,
        })
    }

    /// `0..LEAF<K, R>`: the end itself is the bound, once it is known.
    fn open_end(
        &mut self,
        start: &ast::Expr,
        end: &ast::Expr,
        inclusive: bool,
    ) -> Option<ConstExpr> {
        let ast::ExprKind::Integer {
            value: 0,
            suffix: None,
        } = start.kind
        else {
            return None;
        };
        let ast::ExprKind::Name { name, arguments } = &end.kind else {
            return None;
        };
        if self.find_local(&name.text).is_some() || !self.is_std() {
            return None;
        }
        let named = matches!(
            self.world.find(self.module, &name.text),
            Some(Symbol::Const(_))
        ) || self
            .generics
            .iter()
            .any(|generic| generic.name.text == name.text);
        if !named {
            return None;
        }
        let end = self
            .world
            .const_name(name, arguments, self.module, self.generics)?;
        if inclusive {
            crate::consts::binary(BinaryOp::Add, end, ConstExpr::Number(1))
        } else {
            Some(end)
        }
    }

    fn ceiling(&mut self, max: &Count, span: Span) -> Option<()> {
        match known_number(max) {
            Some(number) if number > LOOP_MAX => {
                self.world.error(
                    codes::BOUND_NOT_CONSTANT,
                    span,
                    format!("a loop runs at most {LOOP_MAX} times, and this bound is {number}"),
                );
                None
            }
            _ => Some(()),
        }
    }

    // -- take ----------------------------------------------------------------------------------------

    /// The expression after `take` and the most that it can be.
    pub fn take(
        &mut self,
        take: &ast::Expr,
        max: Option<&ast::Expr>,
        capacity: Option<u64>,
        wish: u64,
    ) -> Option<(hir::Expr, u64)> {
        let count = self.expr(take, Some(&Type::U64));
        let count = self.as_u64(count);
        if count.ty == Type::Error {
            return None;
        }
        let most = match (max, &count.kind, capacity) {
            (Some(max), ..) => match self.world.const_expr(max, self.module, self.generics)? {
                ConstExpr::Number(most) => most,
                _ => {
                    self.world.error(
                        codes::BOUND_NOT_CONSTANT,
                        max.span,
                        "this bound must be a number",
                    );
                    return None;
                }
            },
            (None, ExprKind::Integer(number), _) => *number as u64,
            (None, _, Some(capacity)) => capacity,
            (None, ..) => {
                let text = self.world.text_of(take.span);
                self.world
                    .error(
                        codes::BOUND_NOT_CONSTANT,
                        take.span,
                        "`take` needs a constant, or a `max` beside it",
                    )
                    .label("not known before it runs")
                    .hint(format!("take {text} max {wish}"))
                    .edit(
                        Span::new(take.span.file, take.span.end, take.span.end),
                        format!(" max {wish}"),
                    );
                return None;
            }
        };
        self.ceiling(&Count::Known(most), take.span)?;
        Some((count, most))
    }

    // -- rows ----------------------------------------------------------------------------------------

    // -- loops ---------------------------------------------------------------------------------------

    pub fn for_statement(
        &mut self,
        pattern: &ast::Pattern,
        source: &ast::Expr,
        block: &ast::Block,
    ) -> Option<hir::StatementKind> {
        if let Some(walked) = self.container_walk(source) {
            return self.container_for(walked, pattern, block);
        }
        let walk = self.source(source, WISH_DEFAULT);
        self.in_scope(|body| {
            let item = walk.as_ref().map_or(Type::Error, |walk| walk.item.clone());
            let pattern = body.irrefutable(pattern, &item, false);
            body.loops += 1;
            let block = body.block(block, Some(&Type::Unit));
            body.loops -= 1;
            let mut block = block;
            // A loop's body that always leaves is still a loop that may not run at all.
            if block.ty == Type::Never {
                block.ty = Type::Unit;
            }
            walk.map(|walk| hir::StatementKind::For {
                pattern,
                source: walk.source,
                body: block,
            })
        })
    }

    pub fn comprehension(
        &mut self,
        value: &ast::Expr,
        pattern: &ast::Pattern,
        source: &ast::Expr,
        condition: Option<&ast::Expr>,
        expected: Option<&Type>,
        span: Span,
    ) -> hir::Expr {
        let walked = self.container_walk(source);
        let wanted = match expected.map(crate::body::peeled) {
            Some(Type::List(element, count)) => Some(((**element).clone(), count.clone())),
            _ => None,
        };
        if let Some(walked) = walked {
            let wanted = wanted.as_ref().map(|(element, _)| element);
            return self.container_comprehension(walked, value, pattern, condition, wanted, span);
        }
        let wish = match &wanted {
            Some((_, Count::Known(count))) => *count,
            _ => WISH_DEFAULT,
        };
        let walk = self.source(source, wish);
        self.in_scope(|body| {
            let item = walk.as_ref().map_or(Type::Error, |walk| walk.item.clone());
            let pattern = body.irrefutable(pattern, &item, false);
            let condition =
                condition.map(|condition| Box::new(body.expr_of(condition, &Type::BOOL)));
            let value = match &wanted {
                Some((element, _)) => body.expr_of(value, element),
                None => body.expr(value, None),
            };
            let value = body.kept(value);
            let Some(walk) = walk else { return error(span) };
            if let Source::AllRows { table } = &walk.source {
                let name = body.world.program.tables[table.0 as usize].name.clone();
                body.world
                    .error(
                        codes::UNBOUNDED_LOOP,
                        span,
                        format!("a list of all rows of `{name}` has no bound"),
                    )
                    .label("how long a list?")
                    .hint(format!("for row in {name} {{ … }}, keeping what you need"));
                return error(span);
            }
            if value.ty == Type::Error {
                return error(span);
            }
            let ty = Type::List(value.ty.clone().into(), walk.max);
            make(
                ExprKind::Comprehension {
                    value: Box::new(value),
                    pattern,
                    source: Box::new(walk.source),
                    condition,
                },
                ty,
                span,
            )
        })
    }
}
