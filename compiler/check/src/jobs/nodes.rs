//! Single syntax nodes for what a job is written out as. Always true: what is made here stands at the job's name.

use super::made;
use super::written::Writer;
use rc_source::Span;
use rc_syntax::ast::*;

impl Writer<'_> {
    pub(super) fn span(&self) -> Span {
        self.job.name.span
    }

    pub(super) fn item(&self, kind: ItemKind) -> Item {
        Item {
            docs: Vec::new(),
            attributes: Vec::new(),
            kind,
            span: self.item.span,
        }
    }

    pub(super) fn name(&self, text: &str) -> Name {
        Name {
            text: text.into(),
            span: self.span(),
        }
    }

    /// `fan_out.end`
    pub(super) fn made(&self, end: &str) -> Name {
        made(&self.job.name, end)
    }

    /// The field of a run that keeps this field of the last row.
    pub(super) fn at(&self, field: &Name) -> Name {
        self.name(&format!("at.{}", field.text))
    }

    /// `FanOutDone`
    pub(super) fn event_name(&self, end: &str) -> Name {
        let job = rc_bytecode::interface::upper_camel(&self.job.name.text);
        self.name(&format!("{job}{end}"))
    }

    pub(super) fn ty(&self, name: &str) -> Type {
        Type {
            kind: TypeKind::Named {
                name: self.name(name),
                arguments: Vec::new(),
            },
            span: self.span(),
        }
    }

    pub(super) fn optional(&self, ty: &Type) -> Type {
        Type {
            kind: TypeKind::Optional(Box::new(ty.clone())),
            span: ty.span,
        }
    }

    pub(super) fn expr(&self, kind: ExprKind) -> Expr {
        Expr {
            kind,
            span: self.span(),
        }
    }

    pub(super) fn number(&self, value: u128) -> Expr {
        self.expr(ExprKind::Integer {
            value,
            suffix: None,
        })
    }

    pub(super) fn value(&self, name: Name) -> Expr {
        let span = name.span;
        Expr {
            kind: ExprKind::Name {
                name,
                arguments: Vec::new(),
            },
            span,
        }
    }

    pub(super) fn member(&self, base: Expr, name: &Name) -> Expr {
        self.expr(ExprKind::Member {
            base: Box::new(base),
            name: name.clone(),
        })
    }

    pub(super) fn method(&self, base: Expr, name: &str, arguments: Vec<Expr>, span: Span) -> Expr {
        let callee = Expr {
            kind: ExprKind::Member {
                base: Box::new(base),
                name: self.name(name),
            },
            span,
        };
        Expr {
            kind: ExprKind::Call {
                callee: Box::new(callee),
                arguments,
            },
            span,
        }
    }

    pub(super) fn on_waiting(&self, operation: &str, arguments: Vec<Expr>) -> Expr {
        let table = self.value(self.made("waiting"));
        self.method(table, operation, arguments, self.span())
    }

    /// `fan_out.waiting.ascending() take 1`
    pub(super) fn oldest(&self) -> Expr {
        let ascending = self.on_waiting("ascending", Vec::new());
        self.expr(ExprKind::Bounded {
            source: Box::new(ascending),
            take: Some(Box::new(self.number(1))),
            max: None,
        })
    }

    pub(super) fn init(&self, name: &str, value: Option<Expr>) -> FieldInit {
        FieldInit {
            name: self.name(name),
            value,
        }
    }

    pub(super) fn emit(&self, end: &str, fields: Vec<FieldInit>) -> StatementKind {
        StatementKind::Emit {
            event: self.expr(ExprKind::Record {
                qualifier: None,
                name: Some(self.event_name(end)),
                arguments: Vec::new(),
                fields,
            }),
        }
    }

    pub(super) fn bind(&self, name: Name) -> Pattern {
        Pattern {
            span: name.span,
            kind: PatternKind::Bind(name),
        }
    }

    pub(super) fn declare(
        &self,
        mutable: bool,
        name: Name,
        ty: Option<Type>,
        value: Expr,
    ) -> StatementKind {
        StatementKind::Let {
            mutable,
            pattern: self.bind(name),
            ty,
            value,
            otherwise: None,
        }
    }

    pub(super) fn set(&self, word: &str, value: bool) -> StatementKind {
        StatementKind::Assign {
            target: self.value(self.made(word)),
            operator: None,
            value: self.expr(ExprKind::Bool(value)),
            otherwise: None,
        }
    }

    pub(super) fn each(&self, source: Expr, work: Vec<StatementKind>) -> StatementKind {
        StatementKind::For {
            pattern: Pattern {
                kind: PatternKind::Wildcard,
                span: self.span(),
            },
            source,
            limit: None,
            body: self.block(work),
        }
    }

    pub(super) fn statement(&self, kind: StatementKind) -> Statement {
        Statement {
            kind,
            span: self.span(),
        }
    }

    pub(super) fn block(&self, statements: Vec<StatementKind>) -> Block {
        let statements = statements.into_iter();
        Block {
            statements: statements.map(|kind| self.statement(kind)).collect(),
            value: None,
            span: self.span(),
        }
    }
}
