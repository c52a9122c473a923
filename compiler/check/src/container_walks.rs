//! Walks through trees and logs: `scores.from(a).to(b).descending() take n`, as `(key, value)` and `(offset, item)`.
//!
//! Always true: what a walk binds are copies, taken before the body runs; the walk itself goes through the hidden
//! table, or through the positions of a log whose elements are addressed directly.

use crate::body::{Body, make};
use crate::container_script::Script;
use crate::sources::{Bounds, WISH_DEFAULT};
use crate::world::Symbol;
use rc_bytecode::instr::{BinaryOp, Builtin};
use rc_diagnostics::codes;
use rc_hir::{
    Block, ContainerKind, Count, Expr, ExprKind, FailureValue, Pattern, Source, Statement,
    StatementKind, Storage, Type, header,
};
use rc_source::Span;
use rc_syntax::ast;

/// A walk through a container.
pub(crate) struct Walked {
    /// What is evaluated before the walk.
    before: Vec<Statement>,
    source: Source,
    /// Of the source's own items.
    pattern: Pattern,
    max: u64,
    /// What happens to each item before the program's pattern binds `pair`.
    prologue: Vec<Statement>,
    pair: Expr,
}

type Step<'e> = (&'e ast::Name, &'e [ast::Expr], Span);

impl<'w, 'a> Body<'w, 'a> {
    /// The walk that `source` is where it is one through a container; inside it none after a message.
    pub fn container_walk(&mut self, source: &ast::Expr) -> Option<Option<Walked>> {
        let (inner, bounds) = match &source.kind {
            ast::ExprKind::Bounded { source, take, max } => {
                let (take, max) = (take.as_deref(), max.as_deref());
                (
                    &**source,
                    Bounds {
                        take,
                        max,
                        wish: WISH_DEFAULT,
                    },
                )
            }
            ast::ExprKind::Tuple(parts) if parts.len() == 1 => {
                return self.container_walk(&parts[0]);
            }
            _ => (
                source,
                Bounds {
                    take: None,
                    max: None,
                    wish: WISH_DEFAULT,
                },
            ),
        };
        let mut steps: Vec<Step<'_>> = Vec::new();
        let mut root = inner;
        while let ast::ExprKind::Call { callee, arguments } = &root.kind {
            let ast::ExprKind::Member { base, name } = &callee.kind else {
                return None;
            };
            if !["from", "to", "ascending", "descending"].contains(&&*name.text) {
                return None;
            }
            steps.push((name, arguments, root.span));
            root = base;
        }
        steps.reverse();
        if !self.may_be_container(root) {
            return None;
        }
        let receiver = self.receiver(root, None);
        match receiver.ty {
            Type::Container(_) => Some(self.walk_container(receiver, &steps, bounds, inner.span)),
            Type::Error => Some(None),
            _ => None,
        }
    }

    /// Whether the words are those of a container; the type is known only later.
    fn may_be_container(&self, root: &ast::Expr) -> bool {
        match &root.kind {
            ast::ExprKind::Name { name, arguments } if arguments.is_empty() => {
                self.find_local(&name.text).is_none()
                    && matches!(
                        self.world.find(self.module, &name.text),
                        Some(Symbol::State(id))
                            if matches!(self.world.program.states[id.0 as usize].ty, Type::Container(_))
                    )
            }
            ast::ExprKind::Member { name, .. } => {
                let program = &self.world.program;
                program
                    .containers
                    .iter()
                    .filter_map(|container| container.shared.as_ref())
                    .any(|shared| {
                        let owner = &program.tables[shared.owner.0 as usize];
                        owner.fields[shared.field as usize].name == *name.text
                    })
            }
            _ => false,
        }
    }

    fn walk_container(
        &mut self,
        receiver: Expr,
        steps: &[Step<'_>],
        bounds: Bounds<'_>,
        span: Span,
    ) -> Option<Walked> {
        let Type::Container(id) = receiver.ty else {
            return None;
        };
        let container = self.world.program.containers[id.0 as usize].clone();
        let kind = container.kind;
        if !kind.is_walked() {
            self.world
                .error(
                    codes::NO_ORDER,
                    span,
                    format!("a `{}` cannot be walked", kind.name()),
                )
                .label("its elements have no order of their own")
                .hint(match kind {
                    ContainerKind::Map => "a `tree` keeps its keys in order",
                    ContainerKind::Text | ContainerKind::Blob => {
                        "its parts come with `read(offset, 1000)`"
                    }
                    ContainerKind::Set => "a `tree` keeps its keys in order, or a table does",
                    _ => "its next element comes with `pop()`",
                });
            return None;
        }
        let direct =
            self.world.program.tables[container.table.0 as usize].storage == Storage::Dense;
        let key = match kind {
            ContainerKind::Tree => container.parts[0].clone(),
            _ => Type::U64,
        };
        let mut script = Script::new(self, container, receiver, span);
        let (mut from, mut to, mut descending) = (None, None, false);
        for (name, arguments, at) in steps {
            match (&*name.text, arguments) {
                ("ascending", []) if kind == ContainerKind::Tree => descending = false,
                ("descending", []) if kind == ContainerKind::Tree => descending = true,
                (word @ ("from" | "to"), [bound]) => {
                    let value = script.body.expr_of(bound, &key);
                    if value.ty == Type::Error {
                        return None;
                    }
                    let value = script.keep(value);
                    *(if word == "from" { &mut from } else { &mut to }) = Some(value);
                }
                ("ascending" | "descending", _) if kind == ContainerKind::Log => {
                    script
                        .body
                        .world
                        .error(
                            codes::UNKNOWN_METHOD,
                            name.span,
                            format!("a walk through a `log` has no `{}`", name.text),
                        )
                        .hint("from(offset), to(offset)");
                    return None;
                }
                (word, _) => {
                    script.body.world.error(
                        codes::WRONG_ARGUMENT_COUNT,
                        *at,
                        format!("`{word}` is given the wrong number of arguments"),
                    );
                    return None;
                }
            }
        }
        let Some(take) = bounds.take else {
            let text = script.body.world.text_of(span);
            script
                .body
                .world
                .error(
                    codes::UNBOUNDED_LOOP,
                    span,
                    format!("this walk through a `{}` has no bound", kind.name()),
                )
                .label("how many elements at most?")
                .hint(format!("{text} take 100"));
            return None;
        };
        let (take, max) = script.body.take(take, bounds.max, None, bounds.wish)?;
        Some(match direct {
            true => script.positions(from, to, take, max),
            false => script.rows(from, to, descending, take, max),
        })
    }

    pub fn container_for(
        &mut self,
        walked: Option<Walked>,
        pattern: &ast::Pattern,
        block: &ast::Block,
    ) -> Option<StatementKind> {
        self.in_scope(|body| {
            let item = walked
                .as_ref()
                .map_or(Type::Error, |walked| walked.pair.ty.clone());
            let pattern = body.irrefutable(pattern, &item, false);
            body.loops += 1;
            let mut block = body.block(block, Some(&Type::Unit));
            body.loops -= 1;
            let walked = walked?;
            let span = walked.pair.span;
            if block.ty == Type::Never {
                block.ty = Type::Unit;
            }
            let mut statements = walked.prologue;
            statements.push(Statement {
                kind: StatementKind::Let {
                    pattern,
                    value: walked.pair,
                },
                span,
            });
            statements.append(&mut block.statements);
            block.statements = statements;
            let each = StatementKind::For {
                pattern: walked.pattern,
                source: walked.source,
                body: block,
            };
            if walked.before.is_empty() {
                return Some(each);
            }
            let mut statements = walked.before;
            statements.push(Statement { kind: each, span });
            let whole = Block {
                statements,
                value: None,
                ty: Type::Unit,
                span,
            };
            Some(StatementKind::Expression(make(
                ExprKind::Block(whole),
                Type::Unit,
                span,
            )))
        })
    }

    pub fn container_comprehension(
        &mut self,
        walked: Option<Walked>,
        value: &ast::Expr,
        pattern: &ast::Pattern,
        condition: Option<&ast::Expr>,
        wanted: Option<&Type>,
        span: Span,
    ) -> Expr {
        self.in_scope(|body| {
            let item = walked
                .as_ref()
                .map_or(Type::Error, |walked| walked.pair.ty.clone());
            let pattern = body.irrefutable(pattern, &item, false);
            let condition = condition.map(|condition| body.expr_of(condition, &Type::BOOL));
            let value = match wanted {
                Some(element) => body.expr_of(value, element),
                None => body.expr(value, None),
            };
            let value = body.kept(value);
            let Some(walked) = walked else {
                return crate::body::error(span);
            };
            if value.ty == Type::Error {
                return crate::body::error(span);
            }
            // Bound for the condition, and again for the value of those that meet it.
            let bound = |expr: Expr| {
                let mut statements = walked.prologue.clone();
                statements.push(Statement {
                    kind: StatementKind::Let {
                        pattern: pattern.clone(),
                        value: walked.pair.clone(),
                    },
                    span,
                });
                let (ty, span) = (expr.ty.clone(), expr.span);
                let block = Block {
                    statements,
                    value: Some(Box::new(expr)),
                    ty: ty.clone(),
                    span,
                };
                make(ExprKind::Block(block), ty, span)
            };
            let ty = Type::List(value.ty.clone().into(), Count::Known(walked.max));
            let list = make(
                ExprKind::Comprehension {
                    value: Box::new(bound(value)),
                    condition: condition.map(|condition| Box::new(bound(condition))),
                    pattern: walked.pattern.clone(),
                    source: Box::new(walked.source.clone()),
                },
                ty.clone(),
                span,
            );
            if walked.before.is_empty() {
                return list;
            }
            let block = Block {
                statements: walked.before,
                value: Some(Box::new(list)),
                ty: ty.clone(),
                span,
            };
            make(ExprKind::Block(block), ty, span)
        })
    }
}

impl Script<'_, '_, '_> {
    /// Through the rows of the hidden table, in the order of its key.
    fn rows(
        mut self,
        from: Option<Expr>,
        to: Option<Expr>,
        descending: bool,
        take: Expr,
        max: u64,
    ) -> Walked {
        let row = self.row();
        let pair = self.pair(self.field(row, 0), self.field(row, 1));
        let source = Source::Rows {
            table: self.container.table,
            index: None,
            prefix: self.prefix(),
            from: from.into_iter().collect(),
            to: to.into_iter().collect(),
            after: Vec::new(),
            descending,
            take,
            max,
        };
        Walked {
            pattern: self.bind(row),
            before: self.statements(),
            source,
            max,
            prologue: Vec::new(),
            pair,
        }
    }

    /// Through the positions of a log from `from` on, each of them addressed directly.
    fn positions(mut self, from: Option<Expr>, to: Option<Expr>, take: Expr, max: u64) -> Walked {
        let from = from.unwrap_or_else(|| self.number(0));
        let reach = self.binary(BinaryOp::SaturatingAdd, from.clone(), take);
        let mut end = self.binary(BinaryOp::Min, reach, self.header(header::NEXT));
        if let Some(to) = to {
            end = self.binary(BinaryOp::Min, end, to);
        }
        let (position, row) = (self.fresh(Type::U64, false), self.row());
        let found = self.get(vec![self.local(position)]);
        // Every position below the length is there.
        let absent = make(
            ExprKind::Fail(FailureValue::Builtin(Builtin::BoundExceeded)),
            Type::Never,
            self.span,
        );
        let prologue = vec![Statement {
            kind: StatementKind::LetElse {
                pattern: self.bind(row),
                value: found,
                otherwise: absent,
            },
            span: self.span,
        }];
        let pair = self.pair(self.local(position), self.field(row, 1));
        Walked {
            pattern: self.bind(position),
            before: self.statements(),
            source: Source::Range {
                start: from,
                end,
                inclusive: false,
                max: Count::Known(max),
            },
            max,
            prologue,
            pair,
        }
    }

    fn pair(&self, first: Expr, second: Expr) -> Expr {
        let ty = Type::Tuple(vec![first.ty.clone(), second.ty.clone()]);
        make(ExprKind::Tuple(vec![first, second]), ty, self.span)
    }
}
