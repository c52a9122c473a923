//! What an operation of a container is written with: a block of ordinary statements over its hidden table and header.
//!
//! Always true: the receiver and the arguments are evaluated once, first and in order; locals made here have no
//! names; every part carries the place of the whole call.

use crate::body::{Body, make};
use rc_bytecode::instr::BinaryOp;
use rc_hir as hir;
use rc_hir::{
    Block, Container, Expr, ExprKind, LocalId, Pattern, PatternKind, Source, StateId, Statement,
    StatementKind, TableId, Type, header,
};
use rc_source::Span;

pub(crate) struct Script<'b, 'w, 'a> {
    pub body: &'b mut Body<'w, 'a>,
    pub container: Container,
    /// The state, or the row's field.
    header: Expr,
    pub span: Span,
    statements: Vec<Statement>,
}

impl<'b, 'w, 'a> Script<'b, 'w, 'a> {
    /// `receiver` is a state or a field of a row, of a container's type.
    pub fn new(
        body: &'b mut Body<'w, 'a>,
        container: Container,
        receiver: Expr,
        span: Span,
    ) -> Script<'b, 'w, 'a> {
        let mut script = Script {
            body,
            container,
            header: receiver.clone(),
            span,
            statements: Vec::new(),
        };
        if let ExprKind::Field { base, field } = receiver.kind {
            let base = match base.kind {
                ExprKind::Local(_) => base,
                _ => Box::new(script.keep(*base)),
            };
            script.header = make(ExprKind::Field { base, field }, receiver.ty, span);
        }
        script
    }

    // -- values --------------------------------------------------------------------------------------

    pub fn number(&self, number: u64) -> Expr {
        make(ExprKind::Integer(number.into()), Type::U64, self.span)
    }

    pub fn truth(&self, value: bool) -> Expr {
        make(ExprKind::Bool(value), Type::BOOL, self.span)
    }

    pub fn some(&self, value: Expr) -> Expr {
        let ty = value.ty.clone().optional();
        make(ExprKind::Some(Box::new(value)), ty, self.span)
    }

    pub fn none(&self, ty: &Type) -> Expr {
        make(ExprKind::None, ty.clone().optional(), self.span)
    }

    pub fn binary(&self, op: BinaryOp, left: Expr, right: Expr) -> Expr {
        let ty = left.ty.clone();
        let (left, right) = (Box::new(left), Box::new(right));
        make(ExprKind::Binary { op, left, right }, ty, self.span)
    }

    pub fn equal(&self, left: Expr, right: Expr) -> Expr {
        let op = rc_bytecode::instr::CompareOp::Equal;
        let (left, right) = (Box::new(left), Box::new(right));
        make(ExprKind::Compare { op, left, right }, Type::BOOL, self.span)
    }

    pub fn local(&self, id: LocalId) -> Expr {
        make(
            ExprKind::Local(id),
            self.body.local(id).ty.clone(),
            self.span,
        )
    }

    pub fn fresh(&mut self, ty: Type, mutable: bool) -> LocalId {
        let span = self.span;
        self.body.anonymous(hir::Local {
            name: String::new(),
            ty,
            mutable,
            span,
        })
    }

    /// Evaluated here and now.
    pub fn keep(&mut self, value: Expr) -> Expr {
        let is_constant = matches!(value.kind, ExprKind::Integer(_) | ExprKind::Bool(_))
            || matches!(value.ty, Type::Container(_));
        if is_constant {
            return value;
        }
        let id = self.fresh(value.ty.clone(), false);
        let pattern = self.bind(id);
        self.push(StatementKind::Let { pattern, value });
        self.local(id)
    }

    pub fn bind(&self, id: LocalId) -> Pattern {
        Pattern {
            kind: PatternKind::Bind(id),
            ty: self.body.local(id).ty.clone(),
            span: self.span,
        }
    }

    // -- header and rows -----------------------------------------------------------------------------

    pub fn header(&self, number: u32) -> Expr {
        let base = Box::new(self.header.clone());
        let field = ExprKind::Field {
            base,
            field: number,
        };
        make(field, Type::U64, self.span)
    }

    /// Whether the elements of several containers share the table.
    pub fn is_shared(&self) -> bool {
        self.container.shared.is_some()
    }

    /// A key of the hidden table: what stands in front of it in a shared one, then this.
    pub fn key(&self, rest: Vec<Expr>) -> Vec<Expr> {
        let mut key = self.prefix();
        key.extend(rest);
        key
    }

    pub fn prefix(&self) -> Vec<Expr> {
        match self.is_shared() {
            true => vec![self.header(header::NUMBER)],
            false => Vec::new(),
        }
    }

    /// A field of a row of the hidden table, counted without the container's number.
    pub fn field(&self, row: LocalId, number: u32) -> Expr {
        let number = number + u32::from(self.is_shared());
        self.part(self.container.table, row, number)
    }

    /// A field of a row of any table.
    pub fn part(&self, table: TableId, row: LocalId, number: u32) -> Expr {
        let table = &self.body.world.program.tables[table.0 as usize];
        let ty = table.fields[number as usize].ty.clone();
        let base = Box::new(self.local(row));
        make(
            ExprKind::Field {
                base,
                field: number,
            },
            ty,
            self.span,
        )
    }

    pub fn row(&mut self) -> LocalId {
        let table = self.container.table;
        self.fresh(Type::Row(table), false)
    }

    pub fn get(&self, rest: Vec<Expr>) -> Expr {
        let table = self.container.table;
        let key = self.key(rest);
        make(
            ExprKind::Get { table, key },
            Type::Row(table).optional(),
            self.span,
        )
    }

    /// Whether there is a row of this key.
    pub fn is_there(&self, rest: Vec<Expr>) -> Expr {
        let method = hir::Method::IsSome;
        let receiver = Box::new(self.get(rest));
        let arguments = Vec::new();
        make(
            ExprKind::Method {
                method,
                receiver,
                arguments,
            },
            Type::BOOL,
            self.span,
        )
    }

    pub fn insert(&mut self, rest: Vec<Expr>) {
        let (table, fields) = (self.container.table, self.key(rest));
        self.effect(make(
            ExprKind::Insert { table, fields },
            Type::Unit,
            self.span,
        ));
    }

    pub fn state(&self, id: StateId) -> Expr {
        make(ExprKind::State(id), Type::U64, self.span)
    }

    pub fn delete(&self, rest: Vec<Expr>) -> Expr {
        self.delete_from(self.container.table, self.key(rest))
    }

    pub fn delete_from(&self, table: TableId, key: Vec<Expr>) -> Expr {
        make(ExprKind::Delete { table, key }, Type::BOOL, self.span)
    }

    // -- statements ----------------------------------------------------------------------------------

    pub fn push(&mut self, kind: StatementKind) {
        let span = self.span;
        self.statements.push(Statement { kind, span });
    }

    pub fn effect(&mut self, expr: Expr) {
        self.push(StatementKind::Expression(expr));
    }

    pub fn assign(&mut self, target: Expr, value: Expr) {
        self.push(StatementKind::Assign {
            target,
            operator: None,
            value,
        });
    }

    /// Adds to or subtracts from a number of the header, which never comes near the ends of its type.
    pub fn step(&mut self, number: u32, op: BinaryOp) {
        let target = self.header(number);
        let value = self.binary(op, target.clone(), self.number(1));
        self.assign(target, value);
    }

    /// What `inside` adds, as a block with its value.
    pub fn block(&mut self, inside: impl FnOnce(&mut Self) -> Option<Expr>) -> Block {
        let outer = std::mem::take(&mut self.statements);
        let value = inside(self);
        let statements = std::mem::replace(&mut self.statements, outer);
        Block {
            statements,
            ty: value.as_ref().map_or(Type::Unit, |value| value.ty.clone()),
            value: value.map(Box::new),
            span: self.span,
        }
    }

    pub fn if_else(&self, condition: Expr, then: Block, otherwise: Option<Block>) -> Expr {
        let ty = then.ty.clone();
        let condition = Box::new(condition);
        make(
            ExprKind::If {
                condition,
                then,
                otherwise,
            },
            ty,
            self.span,
        )
    }

    /// `match found { row => there, none => absent }`
    pub fn found(
        &mut self,
        found: Expr,
        row: LocalId,
        there: impl FnOnce(&mut Self) -> Option<Expr>,
        absent: impl FnOnce(&mut Self) -> Option<Expr>,
    ) -> Expr {
        let (there, absent) = (self.block(there), self.block(absent));
        let (ty, span) = (there.ty.clone(), self.span);
        let some = Pattern {
            kind: PatternKind::Some(Box::new(self.bind(row))),
            ty: found.ty.clone(),
            span,
        };
        let any = Pattern {
            kind: PatternKind::Wildcard,
            ty: found.ty.clone(),
            span,
        };
        let arm = |pattern, block: Block| hir::Arm {
            pattern,
            guard: None,
            body: make(ExprKind::Block(block), ty.clone(), span),
            span,
        };
        let arms = vec![arm(some, there), arm(any, absent)];
        let value = Box::new(found);
        make(ExprKind::Match { value, arms }, ty.clone(), span)
    }

    /// Visits the first rows of the container's order, or the last ones from the end.
    pub fn walk(
        &mut self,
        row: LocalId,
        descending: bool,
        take: u64,
        inside: impl FnOnce(&mut Self),
    ) {
        let (table, prefix) = (self.container.table, self.prefix());
        self.walk_table(table, prefix, row, descending, take, inside);
    }

    pub fn walk_table(
        &mut self,
        table: TableId,
        prefix: Vec<Expr>,
        row: LocalId,
        descending: bool,
        take: u64,
        inside: impl FnOnce(&mut Self),
    ) {
        let body = self.block(|script| {
            inside(script);
            None
        });
        let source = Source::Rows {
            table,
            index: None,
            prefix,
            from: Vec::new(),
            to: Vec::new(),
            after: Vec::new(),
            descending,
            take: self.number(take),
            max: take,
        };
        let pattern = self.bind(row);
        self.push(StatementKind::For {
            pattern,
            source,
            body,
        });
    }

    /// What was written so far.
    pub fn statements(self) -> Vec<Statement> {
        self.statements
    }

    /// The whole as one expression.
    pub fn end(self, value: Option<Expr>) -> Expr {
        let ty = value.as_ref().map_or(Type::Unit, |value| value.ty.clone());
        let block = Block {
            statements: self.statements,
            ty: ty.clone(),
            value: value.map(Box::new),
            span: self.span,
        };
        make(ExprKind::Block(block), ty, self.span)
    }
}
