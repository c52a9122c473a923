//! A checker of the typed program's own promises, for tests of whoever makes one.
//!
//! Always true of what it accepts: no `Error` type or expression, every id in range, every local of the body that
//! uses it, conditions are `bool`, arguments are as many as parameters.

use crate::*;

/// Every broken promise, one line each; empty for a sound program.
pub fn validate(program: &Program) -> Vec<String> {
    let mut found = Vec::new();
    for callable in &program.callables {
        let mut body = Body {
            program,
            locals: &callable.locals,
            generics: callable.generics,
            name: &callable.name,
            found: &mut found,
        };
        body.ty(&callable.result);
        callable.parameters.iter().for_each(|id| body.local(*id));
        body.block(&callable.body);
        let fits = callable.body.ty == callable.result || callable.body.ty == Type::Never;
        if !fits {
            found.push(format!(
                "{}: the body is {:?}, the result {:?}",
                callable.name, callable.body.ty, callable.result
            ));
        }
    }
    for test in &program.tests {
        let mut body = Body {
            program,
            locals: &test.locals,
            generics: 0,
            name: &test.name,
            found: &mut found,
        };
        body.block(&test.body);
    }
    for table in &program.tables {
        for field in &table.fields {
            let mut body = Body {
                program,
                locals: &[],
                generics: 0,
                name: &table.name,
                found: &mut found,
            };
            body.ty(&field.ty);
            field.default.iter().for_each(|default| body.expr(default));
        }
        for index in &table.indexes {
            if index.fields.is_empty()
                || index
                    .fields
                    .iter()
                    .any(|field| *field as usize >= table.fields.len())
            {
                found.push(format!(
                    "{}: the index {} names fields out of range",
                    table.name, index.name
                ));
            }
        }
        for invariant in &table.invariants {
            Body {
                program,
                locals: &invariant.locals,
                generics: 0,
                name: &table.name,
                found: &mut found,
            }
            .condition(&invariant.condition);
        }
    }
    for invariant in &program.invariants {
        Body {
            program,
            locals: &invariant.locals,
            generics: 0,
            name: "invariant",
            found: &mut found,
        }
        .condition(&invariant.condition);
    }
    for state in &program.states {
        let mut body = Body {
            program,
            locals: &[],
            generics: 0,
            name: &state.name,
            found: &mut found,
        };
        body.ty(&state.ty);
        state.default.iter().for_each(|default| body.expr(default));
    }
    found
}

struct Body<'p> {
    program: &'p Program,
    locals: &'p [Local],
    generics: u32,
    name: &'p str,
    found: &'p mut Vec<String>,
}

impl Body<'_> {
    fn wrong(&mut self, what: impl std::fmt::Display) {
        self.found.push(format!("{}: {what}", self.name));
    }

    fn local(&mut self, id: LocalId) {
        match self.locals.get(id.0 as usize) {
            Some(local) => self.ty(&local.ty.clone()),
            None => self.wrong(format!("{id:?} is not among the locals")),
        }
    }

    fn ty(&mut self, ty: &Type) {
        let program = self.program;
        let in_range = match ty {
            Type::Error => {
                self.wrong("a type that was in error");
                true
            }
            Type::Struct(id, parts) => {
                parts.iter().for_each(|part| self.ty(part));
                (id.0 as usize) < program.structs.len()
            }
            Type::Enum(id, parts) => {
                parts.iter().for_each(|part| self.ty(part));
                (id.0 as usize) < program.enums.len()
            }
            Type::Layout(id, parts) => {
                parts.iter().for_each(|part| self.ty(part));
                (id.0 as usize) < program.layouts.len()
            }
            Type::Row(id) => (id.0 as usize) < program.tables.len(),
            Type::Container(id) => (id.0 as usize) < program.containers.len(),
            Type::Parameter(number) => *number < self.generics,
            Type::Optional(inner)
            | Type::List(inner, _)
            | Type::Sorted(_, inner, _)
            | Type::Array(inner, _)
            | Type::Attempted(inner, _)
            | Type::Place { ty: inner, .. } => {
                self.ty(inner);
                true
            }
            Type::Tuple(parts) => {
                parts.iter().for_each(|part| self.ty(part));
                true
            }
            _ => true,
        };
        if !in_range {
            self.wrong(format!("{ty:?} is out of range"));
        }
    }

    fn condition(&mut self, expr: &Expr) {
        if !matches!(
            expr.ty,
            Type::Scalar(rc_bytecode::instr::Scalar::Bool) | Type::Never
        ) {
            self.wrong(format!("a condition is {:?} at {:?}", expr.ty, expr.span));
        }
        self.expr(expr);
    }

    fn block(&mut self, block: &Block) {
        block
            .statements
            .iter()
            .for_each(|statement| self.statement(statement));
        match &block.value {
            Some(value) => self.expr(value),
            None if !matches!(block.ty, Type::Unit | Type::Never) => self.wrong(format!(
                "a block without value is {:?} at {:?}",
                block.ty, block.span
            )),
            None => {}
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Let { pattern, .. }
            | StatementKind::LetElse { pattern, .. }
            | StatementKind::For { pattern, .. } => self.pattern(pattern),
            StatementKind::Assign {
                target,
                operator: None,
                value,
            } if target.ty != value.ty && value.ty != Type::Never => {
                self.wrong(format!(
                    "{:?} assigned to {:?} at {:?}",
                    value.ty, target.ty, statement.span
                ));
            }
            StatementKind::Emit { event, fields } => {
                let wanted = self
                    .program
                    .events
                    .get(event.0 as usize)
                    .map(|event| event.fields.len());
                if wanted != Some(fields.len()) {
                    self.wrong(format!(
                        "an event with {} fields at {:?}",
                        fields.len(),
                        statement.span
                    ));
                }
            }
            _ => {}
        }
        statement.each_child(&mut |child| match child {
            Child::Expr(expr) => self.expr(expr),
            Child::Block(block) => self.block(block),
        });
    }

    fn pattern(&mut self, pattern: &Pattern) {
        self.ty(&pattern.ty);
        match &pattern.kind {
            PatternKind::Bind(id) => {
                self.local(*id);
                if self
                    .locals
                    .get(id.0 as usize)
                    .is_some_and(|local| local.ty != pattern.ty)
                {
                    self.wrong(format!("a binding of another type at {:?}", pattern.span));
                }
            }
            PatternKind::Some(inner) | PatternKind::Ok(inner) => self.pattern(inner),
            PatternKind::Tuple(parts) | PatternKind::Or(parts) => {
                parts.iter().for_each(|part| self.pattern(part))
            }
            PatternKind::Variant { fields, .. } | PatternKind::Failure { fields, .. } => {
                fields.iter().for_each(|(_, part)| self.pattern(part))
            }
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        self.ty(&expr.ty);
        let program = self.program;
        match &expr.kind {
            ExprKind::Error => self.wrong(format!(
                "an expression that was in error at {:?}",
                expr.span
            )),
            ExprKind::Local(id) => {
                self.local(*id);
                if self
                    .locals
                    .get(id.0 as usize)
                    .is_some_and(|local| local.ty != expr.ty)
                {
                    self.wrong(format!("a local of another type at {:?}", expr.span));
                }
            }
            ExprKind::If {
                condition,
                then,
                otherwise,
            } => {
                self.condition(condition);
                for branch in [Some(then), otherwise.as_ref()].into_iter().flatten() {
                    if branch.ty != expr.ty && branch.ty != Type::Never {
                        self.wrong(format!(
                            "a branch is {:?}, the whole {:?} at {:?}",
                            branch.ty, expr.ty, branch.span
                        ));
                    }
                }
            }
            ExprKind::Binary { op, left, right } if left.ty != right.ty => {
                let scaled = *op == rc_bytecode::instr::BinaryOp::Mul
                    && [&left.ty, &right.ty]
                        .iter()
                        .any(|ty| matches!(ty, Type::Decimal { .. }));
                let mixed = |ty: &Type| {
                    matches!(
                        ty,
                        Type::Time | Type::Duration | Type::Scalar(rc_bytecode::instr::Scalar::I64)
                    )
                };
                let both_mixed = mixed(&left.ty) && mixed(&right.ty);
                if !both_mixed && !scaled && left.ty != Type::Never && right.ty != Type::Never {
                    self.wrong(format!(
                        "{op:?} on {:?} and {:?} at {:?}",
                        left.ty, right.ty, expr.span
                    ));
                }
            }
            ExprKind::Match { value, arms } => arms.iter().for_each(|arm| {
                if arm.pattern.ty != value.ty {
                    self.wrong(format!(
                        "an arm for {:?} against {:?} at {:?}",
                        arm.pattern.ty, value.ty, arm.span
                    ));
                }
                if arm.body.ty != expr.ty && arm.body.ty != Type::Never {
                    self.wrong(format!(
                        "an arm is {:?}, the whole {:?} at {:?}",
                        arm.body.ty, expr.ty, arm.span
                    ));
                }
                self.pattern(&arm.pattern);
            }),
            ExprKind::Comprehension { pattern, .. } => self.pattern(pattern),
            ExprKind::Call {
                callable,
                arguments,
                generics,
            } => match program.callables.get(callable.0 as usize) {
                None => self.wrong(format!("{callable:?} is out of range")),
                Some(callee)
                    if callee.parameters.len() != arguments.len()
                        || callee.generics as usize != generics.len() =>
                {
                    self.wrong(format!(
                        "a call of {} with {} arguments at {:?}",
                        callee.name,
                        arguments.len(),
                        expr.span
                    ));
                }
                Some(_) => {}
            },
            ExprKind::Insert { table, fields }
            | ExprKind::Put { table, fields }
            | ExprKind::GetOrInsert { table, fields } => {
                let wanted = program
                    .tables
                    .get(table.0 as usize)
                    .map(|table| table.fields.len());
                if wanted != Some(fields.len()) {
                    self.wrong(format!(
                        "a row with {} fields at {:?}",
                        fields.len(),
                        expr.span
                    ));
                }
            }
            ExprKind::Get { table, key } | ExprKind::Delete { table, key } => {
                let wanted = program
                    .tables
                    .get(table.0 as usize)
                    .map(|table| table.key_len as usize);
                // An optional reference that is followed holds the whole key.
                let followed =
                    matches!(key.as_slice(), [one] if matches!(one.ty, Type::Optional(_)));
                if wanted != Some(key.len()) && !followed {
                    self.wrong(format!("a key of {} fields at {:?}", key.len(), expr.span));
                }
            }
            _ => {}
        }
        expr.each_child(&mut |child| match child {
            Child::Expr(expr) => self.expr(expr),
            Child::Block(block) => self.block(block),
        });
    }
}
