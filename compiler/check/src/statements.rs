//! Blocks and statements.

use crate::body::{Body, Place, error, make};
use rc_bytecode::instr::UnaryOp;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{ExprKind, StatementKind, Type};
use rc_source::Span;
use rc_syntax::ast;

impl Body<'_, '_> {
    /// The body of a callable or test: gives its result.
    pub fn body_block(&mut self, block: &ast::Block, result: &Type) -> hir::Block {
        self.block(block, Some(result))
    }

    /// A block; with an expectation its value is brought to that type, `Unit` drops it.
    pub fn block(&mut self, block: &ast::Block, expected: Option<&Type>) -> hir::Block {
        let mut checked = self.open_block(block, expected);
        if let Some(ty) = expected
            && checked.value.is_none()
            && checked.ty == Type::Unit
            && !matches!(ty, Type::Unit | Type::Error)
        {
            let end = Span::new(
                block.span.file,
                block.span.end.saturating_sub(1).max(block.span.start),
                block.span.end,
            );
            let shown = self.show(ty);
            self.world
                .error(
                    codes::TYPE_MISMATCH,
                    end,
                    format!("a `{shown}` is needed, and this block ends without a value"),
                )
                .label("ends here")
                .hint("the last expression of a block is its value");
            checked.value = Some(Box::new(error(end)));
            checked.ty = Type::Error;
        }
        checked
    }

    fn open_block(&mut self, block: &ast::Block, expected: Option<&Type>) -> hir::Block {
        self.in_scope(|body| {
            let mut statements = Vec::new();
            let mut ends = false;
            for statement in &block.statements {
                body.statement(statement, &mut statements);
                ends |= statements.last().is_some_and(never_goes_on);
            }
            let mut value = block.value.as_deref().map(|value| match expected {
                Some(ty) if *ty != Type::Unit => body.expr_of(value, ty),
                _ => body.expr(value, expected),
            });
            if expected == Some(&Type::Unit)
                && let Some(dropped) = value.take()
            {
                ends |= dropped.ty == Type::Never;
                body.used(&dropped);
                if !matches!(dropped.kind, ExprKind::Unit) {
                    let span = dropped.span;
                    statements.push(hir::Statement {
                        kind: StatementKind::Expression(dropped),
                        span,
                    });
                }
            }
            let ty = match &value {
                _ if ends => Type::Never,
                Some(value) => value.ty.clone(),
                None => Type::Unit,
            };
            hir::Block {
                statements,
                value: value.map(Box::new),
                ty,
                span: block.span,
            }
        })
    }

    fn statement(&mut self, statement: &ast::Statement, into: &mut Vec<hir::Statement>) {
        let span = statement.span;
        let kind = match &statement.kind {
            ast::StatementKind::Broken => return,
            ast::StatementKind::Let {
                mutable,
                pattern,
                ty,
                value,
                otherwise,
            } => self.let_statement(*mutable, pattern, ty.as_ref(), value, otherwise.as_deref()),
            ast::StatementKind::Assign {
                target,
                operator,
                value,
                otherwise: None,
            } => self.assign(target, *operator, value),
            ast::StatementKind::Assign {
                target,
                value,
                otherwise: Some(otherwise),
                ..
            } => self.assign_content(target, value, otherwise, span, into),
            ast::StatementKind::Ensure {
                condition,
                otherwise,
            } => {
                let condition = self.expr_of(condition, &Type::BOOL);
                let fail = self.otherwise(otherwise);
                let at = condition.span;
                let broken = match condition.kind {
                    ExprKind::Error => condition,
                    _ => make(
                        ExprKind::Unary {
                            op: UnaryOp::Not,
                            operand: Box::new(condition),
                        },
                        Type::BOOL,
                        at,
                    ),
                };
                let fail_span = fail.span;
                let then = hir::Block {
                    statements: vec![hir::Statement {
                        kind: StatementKind::Expression(fail),
                        span: fail_span,
                    }],
                    value: None,
                    ty: Type::Never,
                    span: fail_span,
                };
                StatementKind::Expression(make(
                    ExprKind::If {
                        condition: Box::new(broken),
                        then,
                        otherwise: None,
                    },
                    Type::Unit,
                    span,
                ))
            }
            ast::StatementKind::Fail { error } => StatementKind::Expression(self.fail(error, span)),
            ast::StatementKind::Emit { event } => match self.emit(event) {
                Some(kind) => kind,
                None => return,
            },
            ast::StatementKind::For {
                pattern,
                source,
                limit: _,
                body,
            } => match self.for_statement(pattern, source, body) {
                Some(kind) => kind,
                None => return,
            },
            ast::StatementKind::Return { value } => {
                StatementKind::Expression(self.return_value(value.as_ref(), span))
            }
            ast::StatementKind::Break => {
                StatementKind::Expression(self.leave_loop(ExprKind::Break, span))
            }
            ast::StatementKind::Continue => {
                StatementKind::Expression(self.leave_loop(ExprKind::Continue, span))
            }
            ast::StatementKind::Expression(expr) => {
                let checked = self.expr(expr, Some(&Type::Unit));
                self.used(&checked);
                StatementKind::Expression(checked)
            }
            ast::StatementKind::As { actors, body } => {
                self.tests_only(span, "`as`");
                let (mut bits, mut caller) = (0, None);
                for (name, argument) in actors {
                    match argument {
                        Some(id) if &*name.text == "caller" => {
                            caller = Some(Box::new(self.expr_of(id, &Type::U64)));
                        }
                        Some(argument) => {
                            let given = self.world.text_of(argument.span);
                            self.world
                                .error(
                                    codes::MISPLACED_CLAUSE,
                                    argument.span,
                                    "a role is named alone; only `caller` is given a number",
                                )
                                .hint(format!("as {}, caller({given})", name.text));
                        }
                        None if &*name.text != "anyone" => {
                            bits |= self.world.role_bit(&name.text, name.span);
                        }
                        None => {}
                    }
                }
                StatementKind::As {
                    roles: bits,
                    caller,
                    body: self.block(body, Some(&Type::Unit)),
                }
            }
            ast::StatementKind::Start { job, arguments } => {
                StatementKind::Expression(self.start(job, arguments, span))
            }
            ast::StatementKind::Step { job } => {
                self.tests_only(span, "`step`");
                if self.place != Place::Test {
                    return;
                }
                StatementKind::Expression(self.one_step(job, span))
            }
            ast::StatementKind::Advance { duration } => {
                self.tests_only(span, "`advance`");
                let by = self.expr_of(duration, &Type::Duration);
                if matches!(by.kind, ExprKind::Integer(number) if number < 0) {
                    let text = self.world.text_of(by.span);
                    let text = text.trim_start_matches('-').trim_start().to_string();
                    self.world
                        .error(
                            codes::LITERAL_OUT_OF_RANGE,
                            by.span,
                            "the clock does not go back",
                        )
                        .hint(format!("advance {text}"))
                        .edit(by.span, text);
                }
                StatementKind::Advance { duration: by }
            }
            ast::StatementKind::Assert { condition } => {
                self.tests_only(span, "`assert`");
                let text = self.world.text_of(condition.span);
                StatementKind::Assert {
                    condition: self.expr_of(condition, &Type::BOOL),
                    text,
                }
            }
            ast::StatementKind::Expect { failure, call } => {
                self.tests_only(span, "`expect`");
                match self.expect(failure, call) {
                    Some(kind) => kind,
                    None => return,
                }
            }
        };
        into.push(hir::Statement { kind, span });
    }

    fn tests_only(&mut self, span: Span, what: &str) {
        if self.place != Place::Test {
            let hint = match what {
                "`assert`" => "ensure … else SomeError",
                "`expect`" => "attempt it, and match the result",
                _ => "it belongs into a `test` or `property`",
            };
            self.world
                .error(
                    codes::TESTS_ONLY,
                    span,
                    format!("{what} stands in tests and properties only"),
                )
                .hint(hint);
        }
    }

    fn let_statement(
        &mut self,
        mutable: bool,
        pattern: &ast::Pattern,
        written: Option<&ast::Type>,
        value: &ast::Expr,
        otherwise: Option<&ast::Expr>,
    ) -> StatementKind {
        let ty = written.map(|written| self.ty(written));
        let Some(otherwise) = otherwise else {
            let mut value = match &ty {
                Some(ty) => self.expr_of(value, ty),
                None => self.expr(value, None),
            };
            // A row that is inserted is nothing where nobody asks for it, and can be named.
            if let ExprKind::Insert { table, .. } = &value.kind {
                value.ty = Type::Row(*table);
            }
            let ty = ty
                .filter(|ty| *ty != Type::Error)
                .unwrap_or_else(|| self.settled(&value));
            let pattern = self.irrefutable(pattern, &ty, mutable);
            return StatementKind::Let { pattern, value };
        };
        if asks(pattern) {
            return self.let_or_leave(mutable, pattern, ty.as_ref(), value, otherwise);
        }
        let expected = ty.clone().map(Type::optional);
        let mut checked = self.expr(value, expected.as_ref());
        if let ExprKind::Insert { table, .. } = &checked.kind {
            checked.ty = Type::Row(*table);
        }
        let content = self.content_type(&checked);
        // The else side runs without the names that the pattern binds.
        let otherwise = self.otherwise(otherwise);
        let (checked, content) = match ty {
            Some(ty) if ty != Type::Error && content != Type::Error && ty != content => {
                let (found, wanted) = (self.show(&content), self.show(&ty));
                self.world.error(
                    codes::TYPE_MISMATCH,
                    checked.span,
                    format!("expected `{wanted}`, found `{found}`"),
                );
                (error(checked.span), ty)
            }
            _ => (checked, content),
        };
        let pattern = self.irrefutable(pattern, &content, mutable);
        StatementKind::LetElse {
            pattern,
            value: checked,
            otherwise,
        }
    }

    /// What an optional before an `else` has in it.
    pub fn content_type(&mut self, checked: &hir::Expr) -> Type {
        match &checked.ty {
            Type::Optional(inner) => (**inner).clone(),
            Type::Error => Type::Error,
            Type::Never => {
                self.no_value(checked);
                Type::Error
            }
            other => {
                let shown = self.show(other);
                self.world
                    .error(
                        codes::NOT_AN_OPTIONAL,
                        checked.span,
                        format!("`{shown}` is always there, so this `else` never runs"),
                    )
                    .hint("leave the `else` out");
                other.clone()
            }
        }
    }

    /// `let Running { since } = stage else fail Idle`: a match with an arm that leaves, whose names outlive it.
    fn let_or_leave(
        &mut self,
        mutable: bool,
        pattern: &ast::Pattern,
        written: Option<&Type>,
        value: &ast::Expr,
        otherwise: &ast::Expr,
    ) -> StatementKind {
        let span = value.span;
        let value = match written {
            Some(ty) => self.expr_of(value, ty),
            None => self.expr(value, None),
        };
        let mut value = self.read(value);
        if value.ty == Type::Never {
            value = self.no_value(&value);
        }
        let ty = value.ty.clone();
        let at = pattern.span;
        let (pattern, inner) = self.in_scope(|body| {
            let checked = body.pattern(pattern, &ty, true, false);
            (checked, body.named_here())
        });
        // The else side runs without the names that the pattern binds.
        let leave = self.otherwise(otherwise);
        let mut found = Vec::new();
        let mut names = Vec::new();
        for id in inner {
            let local = hir::Local {
                mutable,
                ..self.local(id).clone()
            };
            let (ty, span) = (local.ty.clone(), local.span);
            found.push(make(ExprKind::Local(id), ty.clone(), span));
            let outer = self.bind_again(local);
            names.push(hir::Pattern {
                kind: hir::PatternKind::Bind(outer),
                ty,
                span,
            });
        }
        let (found, name) = match (found.len(), found.pop(), names.pop()) {
            (1, Some(found), Some(name)) => (found, name),
            (0, ..) => {
                let kind = hir::PatternKind::Wildcard;
                let ty = Type::Unit;
                (
                    make(ExprKind::Unit, Type::Unit, at),
                    hir::Pattern { kind, ty, span: at },
                )
            }
            (_, last, last_name) => {
                found.extend(last);
                names.extend(last_name);
                let types = found.iter().map(|found| found.ty.clone());
                let ty = Type::Tuple(types.collect());
                (
                    make(ExprKind::Tuple(found), ty.clone(), at),
                    hir::Pattern {
                        kind: hir::PatternKind::Tuple(names),
                        ty,
                        span: at,
                    },
                )
            }
        };
        let result = found.ty.clone();
        let rest = hir::Pattern {
            kind: hir::PatternKind::Wildcard,
            ty,
            span: leave.span,
        };
        let arm = |pattern, body, span| hir::Arm {
            pattern,
            guard: None,
            body,
            span,
        };
        let leaves = leave.span;
        let taken = make(
            ExprKind::Match {
                value: Box::new(value),
                arms: vec![arm(pattern, found, at), arm(rest, leave, leaves)],
            },
            result.clone(),
            span,
        );
        match result {
            Type::Unit => StatementKind::Expression(taken),
            _ => StatementKind::Let {
                pattern: name,
                value: taken,
            },
        }
    }

    /// Warns of a value that nobody takes: a comparison meant as an assignment, a result that the header forgot.
    fn used(&mut self, expr: &hir::Expr) {
        use ExprKind as Kind;
        let plain = matches!(
            expr.kind,
            Kind::Integer(_)
                | Kind::Bool(_)
                | Kind::String(_)
                | Kind::Local(_)
                | Kind::State(_)
                | Kind::Aggregate { .. }
                | Kind::Field { .. }
        );
        let worked_out = matches!(
            expr.kind,
            Kind::Binary { .. }
                | Kind::Compare { .. }
                | Kind::And(..)
                | Kind::Or(..)
                | Kind::Tuple(_)
                | Kind::Comprehension { .. }
        );
        if !(plain || worked_out)
            || matches!(expr.ty, Type::Error | Type::Never | Type::Unit)
            || self.is_std()
        {
            return;
        }
        let hint = match &expr.kind {
            Kind::Compare {
                op: rc_bytecode::instr::CompareOp::Equal,
                ..
            } => "`=` assigns, `==` compares".to_string(),
            _ if self.place == Place::Test => "assert …".to_string(),
            _ => format!("let x = …, or `-> {}` in the header", self.show(&expr.ty)),
        };
        self.world
            .warning(codes::VALUE_DROPPED, expr.span, "this value goes nowhere")
            .hint(hint);
    }

    /// The type that a `let` without one gives its name.
    fn settled(&mut self, value: &hir::Expr) -> Type {
        match &value.ty {
            Type::Never => {
                self.no_value(value);
                Type::Error
            }
            Type::Unit => {
                if !matches!(value.kind, ExprKind::Error) {
                    self.world
                        .error(
                            codes::TYPE_MISMATCH,
                            value.span,
                            "this gives nothing that could be named",
                        )
                        .hint("write it as a statement, without `let`");
                }
                Type::Error
            }
            Type::Region => {
                self.world
                    .error(codes::BAD_LOW_LEVEL, value.span, "a region is not a value");
                Type::Error
            }
            ty => ty.clone(),
        }
    }

    /// An else side: it must not go on. A bare failure stands for `fail` with it.
    pub fn otherwise(&mut self, otherwise: &ast::Expr) -> hir::Expr {
        let leaves = matches!(
            otherwise.kind,
            ast::ExprKind::Fail(_)
                | ast::ExprKind::Return(_)
                | ast::ExprKind::Break
                | ast::ExprKind::Continue
                | ast::ExprKind::Block(_)
        );
        if !leaves {
            return self.fail(otherwise, otherwise.span);
        }
        let checked = self.expr(otherwise, Some(&Type::Unit));
        if !matches!(checked.ty, Type::Never | Type::Error) {
            self.world
                .error(
                    codes::ELSE_CONTINUES,
                    checked.span,
                    "this `else` must not go on: there is no value to go on with",
                )
                .hint("end it with `fail …` or `return …`");
            return error(checked.span);
        }
        checked
    }

    pub fn return_value(&mut self, value: Option<&ast::Expr>, span: Span) -> hir::Expr {
        if self.in_job {
            self.world
                .error(
                    codes::RETURN_IN_JOB,
                    span,
                    "a job has no `return`: its walk goes on with the next step",
                )
                .hint("`continue` goes to the next row, `break` ends this step");
            return error(span);
        }
        let result = self.result.clone();
        let value = match value {
            Some(value) if result == Type::Unit => {
                let checked = self.expr(value, Some(&Type::Unit));
                if !matches!(checked.ty, Type::Unit | Type::Never | Type::Error) {
                    let found = self.show(&checked.ty);
                    self.world
                        .error(
                            codes::TYPE_MISMATCH,
                            checked.span,
                            format!("this returns `{found}`, and the header declares no result"),
                        )
                        .hint(format!("-> {found}"));
                }
                Some(Box::new(checked))
            }
            Some(value) => Some(Box::new(self.expr_of(value, &result))),
            None => {
                if !matches!(result, Type::Unit | Type::Error) {
                    let wanted = self.show(&result);
                    self.world.error(
                        codes::TYPE_MISMATCH,
                        span,
                        format!("`return` needs a `{wanted}`"),
                    );
                }
                None
            }
        };
        make(
            ExprKind::Return(value.filter(|value| value.ty != Type::Unit)),
            Type::Never,
            span,
        )
    }

    pub fn leave_loop(&mut self, kind: ExprKind, span: Span) -> hir::Expr {
        if self.loops == 0 {
            let word = if matches!(kind, ExprKind::Break) {
                "break"
            } else {
                "continue"
            };
            self.world.error(
                codes::OUTSIDE_A_LOOP,
                span,
                format!("`{word}` outside a loop"),
            );
            return make(ExprKind::Error, Type::Never, span);
        }
        make(kind, Type::Never, span)
    }

    fn emit(&mut self, event: &ast::Expr) -> Option<StatementKind> {
        let ast::ExprKind::Record {
            qualifier: None,
            name: Some(name),
            fields,
            arguments,
        } = &event.kind
        else {
            if !matches!(event.kind, ast::ExprKind::Broken) {
                self.world
                    .error(
                        codes::TYPE_MISMATCH,
                        event.span,
                        "`emit` needs an event with its fields",
                    )
                    .hint("emit Paid { from, to, amount, at: now }");
            }
            return None;
        };
        if !arguments.is_empty() {
            self.world
                .error(
                    codes::BAD_TYPE_ARGUMENT,
                    event.span,
                    format!("`{}` takes no type arguments", name.text),
                )
                .hint("leave `<…>` out");
            return None;
        }
        let id = match self.world.find(self.module, &name.text) {
            Some(crate::world::Symbol::Event(id)) => id,
            Some(other) => {
                let kind = other.kind(&self.world.program);
                self.world.error(
                    codes::WRONG_KIND_OF_NAME,
                    name.span,
                    format!("`{}` is {kind}, not an event", name.text),
                );
                return None;
            }
            None => {
                let near = self.world.near(self.module, &name.text, |symbol| {
                    matches!(symbol, crate::world::Symbol::Event(_))
                });
                self.world
                    .error(
                        codes::UNKNOWN_NAME,
                        name.span,
                        format!("there is no event `{}`", name.text),
                    )
                    .meant(name.span, near);
                return None;
            }
        };
        let wanted = self.world.program.events[id.0 as usize].fields.clone();
        let fields = self.fields(
            fields,
            &wanted,
            &[],
            event.span,
            &format!("the event `{}`", name.text),
        )?;
        Some(StatementKind::Emit { event: id, fields })
    }
}

/// Whether control does not come past this statement.
fn never_goes_on(statement: &hir::Statement) -> bool {
    match &statement.kind {
        StatementKind::Expression(expr) => expr.ty == Type::Never,
        StatementKind::Let { value, .. } | StatementKind::LetElse { value, .. } => {
            value.ty == Type::Never
        }
        StatementKind::As { body, .. } => body.ty == Type::Never,
        _ => false,
    }
}

/// Whether a pattern asks what the value is: names alone take every value that is there.
fn asks(pattern: &ast::Pattern) -> bool {
    match &pattern.kind {
        ast::PatternKind::Variant { .. }
        | ast::PatternKind::Literal(_)
        | ast::PatternKind::None => true,
        ast::PatternKind::Tuple(parts) | ast::PatternKind::Or(parts) => parts.iter().any(asks),
        ast::PatternKind::Wildcard | ast::PatternKind::Bind(_) | ast::PatternKind::Broken => false,
    }
}
