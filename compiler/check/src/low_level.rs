//! The low-level part: touching pages, places inside them, and the operations on bytes. Standard library only.
//!
//! Always true: reading a scalar of a place gives its value; everything larger stays a place, with the
//! permission of the place that it is part of.

use crate::body::{Body, error, make};
use rc_bytecode::instr::Scalar;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ConstExpr, ExprKind, LowLevel, Type};
use rc_source::Span;
use rc_syntax::ast;
use std::sync::Arc;

/// What a part of a place is when it is read: scalars are values, the rest are places.
pub(crate) fn part(ty: &Type, mutable: bool) -> Type {
    match ty {
        Type::Scalar(_) | Type::Time | Type::Duration | Type::Decimal { .. } | Type::Error => {
            ty.clone()
        }
        _ => Type::Place {
            ty: Arc::new(ty.clone()),
            mutable,
        },
    }
}

impl Body<'_, '_> {
    /// `touch(region, page) as Leaf<K, R>`
    pub fn touch(
        &mut self,
        mutable: bool,
        region: &ast::Expr,
        page: &ast::Expr,
        written: &ast::Type,
        span: Span,
    ) -> hir::Expr {
        if !self.is_std() {
            self.world.low_level_outside(span, "`touch` is");
            return error(span);
        }
        let region = self.expr(region, Some(&Type::Region));
        if !matches!(region.ty, Type::Region | Type::Error) {
            let shown = self.show(&region.ty);
            self.world.error(
                codes::BAD_LOW_LEVEL,
                region.span,
                format!("`touch` needs a region, found `{shown}`"),
            );
            return error(span);
        }
        let page = self.expr(page, Some(&Type::U64));
        let page = self.as_u64(page);
        let ty = self.ty(written);
        if region.ty == Type::Error || page.ty == Type::Error || ty == Type::Error {
            return error(span);
        }
        if !matches!(ty, Type::Layout(..)) {
            let shown = self.show(&ty);
            self.world.error(
                codes::BAD_LOW_LEVEL,
                written.span,
                format!("a page is seen as a layout, not as `{shown}`"),
            );
            return error(span);
        }
        let ty = Type::Place {
            ty: Arc::new(ty),
            mutable,
        };
        make(
            ExprKind::Touch {
                mutable,
                region: Box::new(region),
                page: Box::new(page),
            },
            ty,
            span,
        )
    }

    pub fn bare_touch(&mut self, span: Span) -> hir::Expr {
        if self.is_std() {
            self.world
                .error(codes::BAD_LOW_LEVEL, span, "what does this page look like?")
                .hint("touch(region, page) as SomeLayout");
        } else {
            self.world.low_level_outside(span, "`touch` is");
        }
        error(span)
    }

    /// `array.place(i)`: an element as a place, scalars too.
    pub fn place_method(
        &mut self,
        receiver: &hir::Expr,
        name: &ast::Name,
        arguments: &[ast::Expr],
        span: Span,
    ) -> Option<hir::Expr> {
        let Type::Place { ty, mutable } = &receiver.ty else {
            return None;
        };
        let Type::Array(element, _) = &**ty else {
            return None;
        };
        if !matches!(&*name.text, "place" | "at") {
            return None;
        }
        if !self.takes(name, arguments, 1, span) {
            return Some(error(span));
        }
        let ty = Type::Place {
            ty: element.clone(),
            mutable: *mutable,
        };
        Some(self.element(receiver.clone(), &arguments[0], ty, span))
    }

    fn element(&mut self, array: hir::Expr, index: &ast::Expr, ty: Type, span: Span) -> hir::Expr {
        let index = self.expr(index, Some(&Type::U64));
        let index = self.as_u64(index);
        if index.ty == Type::Error {
            return error(span);
        }
        make(
            ExprKind::LowLevel {
                op: LowLevel::At,
                arguments: vec![array, index],
            },
            ty,
            span,
        )
    }

    /// A value of type `ty`, or a place that holds one.
    pub fn place_or_value(&mut self, expr: &ast::Expr, ty: &Type) -> hir::Expr {
        let value = self.expr(expr, Some(ty));
        match &value.ty {
            Type::Place { ty: inner, .. } if **inner == *ty => value,
            _ => self.coerce(value, ty),
        }
    }

    /// Operations on bytes by name. `None` where the name is none of them, or the file is a package's.
    pub fn low_level_call(
        &mut self,
        name: &ast::Name,
        types: &[ast::TypeArgument],
        arguments: &[ast::Expr],
        expected: Option<&Type>,
        span: Span,
    ) -> Option<hir::Expr> {
        let op = match &*name.text {
            "copy" => LowLevel::Copy,
            "zero" => LowLevel::Zero,
            "compare" => LowLevel::Compare,
            "equal" => LowLevel::Equal,
            "precedes" => LowLevel::Precedes,
            "hash" => LowLevel::Hash,
            "match_byte" => LowLevel::MatchByte,
            "shift" => LowLevel::Shift,
            "at" => LowLevel::At,
            "random" => LowLevel::Random,
            "load" | "store" | "size" | "align" | "touch" | "window" => {
                if !self.is_std() {
                    return None;
                }
                return self.other_low_level(name, types, arguments, expected, span);
            }
            _ => return None,
        };
        if !self.is_std() {
            if matches!(op, LowLevel::Random) {
                self.world.not_in_this_edition(span, "`random` is");
                return Some(error(span));
            }
            return None;
        }
        let wanted = match op {
            LowLevel::Random => 0,
            LowLevel::Zero => 1,
            LowLevel::Shift => 4,
            _ => 2,
        };
        if !self.takes(name, arguments, wanted, span) {
            return Some(error(span));
        }
        let mut checked = Vec::new();
        for (number, argument) in arguments.iter().enumerate() {
            let wish = match (op, number) {
                (LowLevel::Hash, 1) | (LowLevel::Shift, 1..) | (LowLevel::At, 1) => Some(Type::U64),
                (LowLevel::MatchByte, 1) => Some(Type::Scalar(Scalar::U8)),
                (LowLevel::Copy | LowLevel::Compare | LowLevel::Equal | LowLevel::Precedes, 1) => {
                    match checked.first().map(|first: &hir::Expr| &first.ty) {
                        Some(Type::Place { ty, .. }) => Some((**ty).clone()),
                        _ => None,
                    }
                }
                _ => None,
            };
            let number_wanted = matches!(wish, Some(Type::Scalar(Scalar::U64)))
                && !matches!(
                    op,
                    LowLevel::Copy | LowLevel::Compare | LowLevel::Equal | LowLevel::Precedes
                );
            let mut value = self.expr(argument, wish.as_ref());
            if number_wanted {
                value = self.as_u64(value);
            } else if matches!((op, number), (LowLevel::MatchByte, 1)) {
                value = self.coerce(value, &Type::Scalar(Scalar::U8));
            }
            checked.push(value);
        }
        if checked.iter().any(|argument| argument.ty == Type::Error) {
            return Some(error(span));
        }
        if let Some((at, message)) = self.misused(op, &checked) {
            self.world.error(codes::BAD_LOW_LEVEL, at, message);
            return Some(error(span));
        }
        let ty = match op {
            LowLevel::Copy | LowLevel::Zero | LowLevel::Shift => Type::Unit,
            LowLevel::Compare => Type::Scalar(Scalar::I64),
            LowLevel::Equal | LowLevel::Precedes => Type::BOOL,
            LowLevel::Hash | LowLevel::MatchByte | LowLevel::Random => Type::U64,
            LowLevel::At | LowLevel::Window => match &checked[0].ty {
                Type::Place { ty, mutable } => match &**ty {
                    Type::Array(element, _) => Type::Place {
                        ty: element.clone(),
                        mutable: *mutable,
                    },
                    _ => return Some(error(span)),
                },
                _ => return Some(error(span)),
            },
        };
        Some(make(
            ExprKind::LowLevel {
                op,
                arguments: checked,
            },
            ty,
            span,
        ))
    }

    fn misused(&self, op: LowLevel, arguments: &[hir::Expr]) -> Option<(Span, String)> {
        let place = |index: usize| match &arguments[index].ty {
            Type::Place { ty, mutable } => Some(((**ty).clone(), *mutable)),
            _ => None,
        };
        let content =
            |index: usize| place(index).map_or_else(|| arguments[index].ty.clone(), |(ty, _)| ty);
        let at = |index: usize| arguments[index].span;
        match op {
            LowLevel::Copy | LowLevel::Zero => match place(0) {
                Some((_, true)) if op == LowLevel::Zero || content(0) == content(1) => None,
                // Arrays of two lengths: what the longer has more is left out, or zero.
                Some((Type::Array(to, _), true)) if matches!(&content(1), Type::Array(from, _) if *from == to) => {
                    None
                }
                Some((_, true)) => Some((
                    at(1),
                    format!(
                        "`copy` needs two of one type, found `{}` and `{}`",
                        self.show(&content(0)),
                        self.show(&content(1))
                    ),
                )),
                Some((_, false)) => Some((at(0), "this place is for reading".into())),
                None => Some((
                    at(0),
                    format!("a place is needed, found `{}`", self.show(&arguments[0].ty)),
                )),
            },
            LowLevel::Precedes if place(0).is_none() || place(1).is_none() => {
                Some((at(0), "two places are needed".to_string()))
            }
            LowLevel::Compare | LowLevel::Equal | LowLevel::Precedes => (content(0) != content(1))
                .then(|| {
                    (
                        at(1),
                        format!(
                            "two of one type are needed, found `{}` and `{}`",
                            self.show(&content(0)),
                            self.show(&content(1))
                        ),
                    )
                }),
            LowLevel::Hash => matches!(arguments[0].ty, Type::Region | Type::Unit | Type::Never)
                .then(|| (at(0), "a place is needed".to_string())),
            LowLevel::MatchByte | LowLevel::Shift | LowLevel::At => match place(0) {
                Some((Type::Array(element, _), mutable)) => {
                    if op == LowLevel::MatchByte && *element != Type::Scalar(Scalar::U8) {
                        Some((at(0), "`match_byte` needs an array of `u8`".into()))
                    } else if op == LowLevel::Shift && !mutable {
                        Some((at(0), "this place is for reading".into()))
                    } else {
                        None
                    }
                }
                _ => Some((
                    at(0),
                    format!(
                        "an array is needed, found `{}`",
                        self.show(&arguments[0].ty)
                    ),
                )),
            },
            LowLevel::Random | LowLevel::Window => None,
        }
    }

    /// `window(array, i, M)`: M elements of an array from the i-th on; M is constant.
    fn window(
        &mut self,
        array: &ast::Expr,
        index: &ast::Expr,
        length: &ast::Expr,
        span: Span,
    ) -> hir::Expr {
        let array = self.expr(array, None);
        let index = self.expr(index, Some(&Type::U64));
        let index = self.as_u64(index);
        let length = self
            .world
            .const_expr(length, self.module, self.generics)
            .map(crate::types::known);
        let (Some(length), false) = (length, array.ty == Type::Error || index.ty == Type::Error)
        else {
            return error(span);
        };
        let ty = match &array.ty {
            Type::Place { ty, mutable } => match &**ty {
                Type::Array(element, _) => Type::Place {
                    ty: Arc::new(Type::Array(element.clone(), length)),
                    mutable: *mutable,
                },
                _ => Type::Error,
            },
            _ => Type::Error,
        };
        if ty == Type::Error {
            let shown = self.show(&array.ty);
            self.world.error(
                codes::BAD_LOW_LEVEL,
                array.span,
                format!("an array is needed, found `{shown}`"),
            );
            return error(span);
        }
        make(
            ExprKind::LowLevel {
                op: LowLevel::Window,
                arguments: vec![array, index],
            },
            ty,
            span,
        )
    }

    fn other_low_level(
        &mut self,
        name: &ast::Name,
        types: &[ast::TypeArgument],
        arguments: &[ast::Expr],
        expected: Option<&Type>,
        span: Span,
    ) -> Option<hir::Expr> {
        match (&*name.text, types, arguments) {
            ("size" | "align", [ty], []) => {
                let ty = match self.world.type_argument(ty, self.module, self.generics) {
                    Type::Error => return Some(error(span)),
                    ty => ty,
                };
                let value = if &*name.text == "size" {
                    ConstExpr::SizeOf(ty)
                } else {
                    ConstExpr::AlignOf(ty)
                };
                Some(self.open(value, expected, span))
            }
            ("window", [], [array, index, length]) => Some(self.window(array, index, length, span)),
            ("load", [], [place]) => {
                let place = self.expr(place, None);
                let ty = match &place.ty {
                    Type::Place { ty, .. } => (**ty).clone(),
                    _ => return Some(place),
                };
                Some(self.coerce(place, &ty))
            }
            ("store", [], [place, value]) => {
                let place = self.expr(place, None);
                let Type::Place { ty, mutable: true } = &place.ty else {
                    if place.ty != Type::Error {
                        self.world.error(
                            codes::BAD_LOW_LEVEL,
                            place.span,
                            "`store` needs a place for writing",
                        );
                    }
                    return Some(error(span));
                };
                let value = self.place_or_value(value, &(**ty).clone());
                if value.ty == Type::Error {
                    return Some(error(span));
                }
                Some(make(
                    ExprKind::LowLevel {
                        op: LowLevel::Copy,
                        arguments: vec![place, value],
                    },
                    Type::Unit,
                    span,
                ))
            }
            _ => {
                self.world.error(
                    codes::BAD_LOW_LEVEL,
                    span,
                    format!("`{}` is not used so", name.text),
                );
                Some(self.skip(arguments, span))
            }
        }
    }
}
