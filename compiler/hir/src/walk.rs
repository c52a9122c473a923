//! Going through expressions without naming every kind: each expression's direct children, in program
//! order. Always true: every expression below is reached exactly once; patterns hold none.

use crate::expr::*;

/// A direct child of an expression or statement.
pub enum Child<'a> {
    Expr(&'a Expr),
    Block(&'a Block),
}

impl Expr {
    /// Calls `visit` for this expression and all below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        self.each_child(&mut |child| match child {
            Child::Expr(expr) => expr.walk(visit),
            Child::Block(block) => block.walk(visit),
        });
    }

    /// The direct children, in program order.
    pub fn each_child<'a>(&'a self, visit: &mut dyn FnMut(Child<'a>)) {
        use ExprKind::*;
        match &self.kind {
            Integer(_)
            | Unsigned(_)
            | Float(_)
            | Bool(_)
            | String(_)
            | Bytes(_)
            | None
            | Unit
            | Local(_)
            | Const(_)
            | State(_)
            | Now
            | RandomUuid { .. }
            | CallerId
            | CallerHasRole(_)
            | Break
            | Continue
            | Error => {}
            Some(inner)
            | Unary { operand: inner, .. }
            | Convert { value: inner, .. }
            | Field { base: inner, .. }
            | Attempt(inner) => visit(Child::Expr(inner)),
            Tuple(parts)
            | List(parts)
            | Struct { fields: parts, .. }
            | Enum { fields: parts, .. }
            | Call {
                arguments: parts, ..
            }
            | Get { key: parts, .. }
            | GetUnique { parts, .. }
            | Insert { fields: parts, .. }
            | Put { fields: parts, .. }
            | GetOrInsert { fields: parts, .. }
            | Delete { key: parts, .. }
            | LowLevel {
                arguments: parts, ..
            } => parts.iter().for_each(|part| visit(Child::Expr(part))),
            Comprehension {
                value,
                source,
                condition,
                ..
            } => {
                source.each_child(visit);
                condition
                    .iter()
                    .for_each(|condition| visit(Child::Expr(condition)));
                visit(Child::Expr(value));
            }
            Aggregate { group, .. } => group.iter().for_each(|group| visit(Child::Expr(group))),
            Binary { left, right, .. }
            | Compare { left, right, .. }
            | And(left, right)
            | Or(left, right)
            | Index {
                base: left,
                index: right,
            }
            | Touch {
                region: left,
                page: right,
                ..
            } => {
                visit(Child::Expr(left));
                visit(Child::Expr(right));
            }
            Method {
                receiver,
                arguments,
                ..
            } => {
                visit(Child::Expr(receiver));
                arguments
                    .iter()
                    .for_each(|argument| visit(Child::Expr(argument)));
            }
            If {
                condition,
                then,
                otherwise,
            } => {
                visit(Child::Expr(condition));
                visit(Child::Block(then));
                otherwise
                    .iter()
                    .for_each(|otherwise| visit(Child::Block(otherwise)));
            }
            Match { value, arms } => {
                visit(Child::Expr(value));
                for arm in arms {
                    arm.guard.iter().for_each(|guard| visit(Child::Expr(guard)));
                    visit(Child::Expr(&arm.body));
                }
            }
            Block(block) => visit(Child::Block(block)),
            Return(value) => value.iter().for_each(|value| visit(Child::Expr(value))),
            Fail(failure) => failure.each_child(visit),
        }
    }
}

impl FailureValue {
    pub fn each_child<'a>(&'a self, visit: &mut dyn FnMut(Child<'a>)) {
        if let FailureValue::Declared { fields, .. } = self {
            fields.iter().for_each(|field| visit(Child::Expr(field)));
        }
    }
}

impl Source {
    pub fn each_child<'a>(&'a self, visit: &mut dyn FnMut(Child<'a>)) {
        match self {
            Source::Range { start, end, .. } => {
                visit(Child::Expr(start));
                visit(Child::Expr(end));
            }
            Source::List { list, take, .. } => {
                visit(Child::Expr(list));
                take.iter().for_each(|take| visit(Child::Expr(take)));
            }
            Source::Rows {
                prefix,
                from,
                to,
                after,
                take,
                ..
            } => {
                prefix
                    .iter()
                    .chain(from)
                    .chain(to)
                    .chain(after)
                    .for_each(|part| visit(Child::Expr(part)));
                visit(Child::Expr(take));
            }
            Source::AllRows { .. } => {}
        }
    }
}

impl Block {
    /// Calls `visit` for every expression in the block, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        self.each_child(&mut |child| match child {
            Child::Expr(expr) => expr.walk(visit),
            Child::Block(block) => block.walk(visit),
        });
    }

    pub fn each_child<'a>(&'a self, visit: &mut dyn FnMut(Child<'a>)) {
        for statement in &self.statements {
            statement.each_child(visit);
        }
        if let Some(value) = &self.value {
            visit(Child::Expr(value));
        }
    }
}

impl Statement {
    pub fn each_child<'a>(&'a self, visit: &mut dyn FnMut(Child<'a>)) {
        match &self.kind {
            StatementKind::Let { value, .. } => visit(Child::Expr(value)),
            StatementKind::LetElse {
                value, otherwise, ..
            } => {
                visit(Child::Expr(value));
                visit(Child::Expr(otherwise));
            }
            StatementKind::Assign { target, value, .. } => {
                visit(Child::Expr(target));
                visit(Child::Expr(value));
            }
            StatementKind::Emit { fields, .. } => {
                fields.iter().for_each(|field| visit(Child::Expr(field)))
            }
            StatementKind::For { source, body, .. } => {
                source.each_child(visit);
                visit(Child::Block(body));
            }
            StatementKind::Expression(expr) => visit(Child::Expr(expr)),
            StatementKind::As { caller, body, .. } => {
                caller.iter().for_each(|caller| visit(Child::Expr(caller)));
                visit(Child::Block(body));
            }
            StatementKind::Advance { duration } => visit(Child::Expr(duration)),
            StatementKind::Assert { condition, .. } => visit(Child::Expr(condition)),
            StatementKind::Expect { failure, call, .. } => {
                failure.each_child(visit);
                visit(Child::Expr(call));
            }
        }
    }
}
