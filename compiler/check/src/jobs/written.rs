//! What a job is written out as: the table of its waiting runs, their counter and events, and the commands that go
//! on with them. Always true: each tree's place is the job's name, or the part of the job that it was copied from.

use super::JobWalk;
use rc_syntax::ast::*;

/// Makes trees whose places are the job's name.
pub(super) struct Writer<'j> {
    pub job: &'j Job,
    pub item: &'j Item,
}

impl Writer<'_> {
    pub fn items(&self, walk: JobWalk<'_>) -> Vec<Item> {
        let anyone = || {
            Some(Allow {
                roles: vec![self.name("anyone")],
                span: self.span(),
            })
        };
        let callable = |kind, end: &str, params, result, fails, cost, body| {
            ItemKind::Callable(Callable {
                kind,
                name: self.made(end),
                version: None,
                generics: Vec::new(),
                params,
                result,
                fails,
                allow: match kind {
                    CallableKind::Function => None,
                    _ => anyone(),
                },
                cost,
                body,
                header: self.span(),
            })
        };
        let job = self.job;
        let flag = self.ty("bool");
        vec![
            self.item(self.waiting(&walk)),
            self.item(ItemKind::State {
                name: self.made("runs"),
                ty: self.ty("u64"),
                default: Some(self.number(0)),
            }),
            self.item(self.event("Started", true)),
            self.item(self.event("Done", false)),
            self.item(self.event("Failed", true)),
            self.item(callable(
                CallableKind::Function,
                "start",
                job.params.clone(),
                None,
                Vec::new(),
                Vec::new(),
                self.start(),
            )),
            self.item(callable(
                CallableKind::Command,
                "walk",
                Vec::new(),
                None,
                job.fails.clone(),
                Vec::new(),
                self.walk(&walk),
            )),
            Item {
                docs: self.item.docs.clone(),
                ..self.item(callable(
                    CallableKind::Command,
                    "step",
                    Vec::new(),
                    Some(flag),
                    Vec::new(),
                    job.cost.clone(),
                    self.step(),
                ))
            },
        ]
    }

    /// The runs that wait, oldest first.
    fn waiting(&self, walk: &JobWalk<'_>) -> ItemKind {
        let field = |name: Name, ty: Type, default| {
            TableMember::Field(Field {
                docs: Vec::new(),
                name,
                ty,
                default,
                span: self.span(),
            })
        };
        let mut members = vec![TableMember::Key {
            docs: Vec::new(),
            name: self.name("run"),
            ty: self.ty("u64"),
            storage: Some(self.name("ordered")),
            span: self.span(),
        }];
        for param in &self.job.params {
            members.push(field(param.name.clone(), param.ty.clone(), None));
        }
        for (name, ty) in &walk.position {
            let none = self.expr(ExprKind::None);
            members.push(field(self.at(name), self.optional(ty), Some(none)));
        }
        ItemKind::Table(Table {
            name: self.made("waiting"),
            version: None,
            from: None,
            capacity: None,
            members,
        })
    }

    fn event(&self, end: &str, with_parameters: bool) -> ItemKind {
        let field = |name: Name, ty: Type| Field {
            docs: Vec::new(),
            name,
            ty,
            default: None,
            span: self.span(),
        };
        let mut fields = vec![field(self.name("run"), self.ty("u64"))];
        if with_parameters {
            let given = self.job.params.iter();
            fields.extend(given.map(|param| field(param.name.clone(), param.ty.clone())));
        }
        ItemKind::Event {
            name: self.event_name(end),
            fields,
        }
    }

    /// `fn fan_out.start(…)`
    fn start(&self) -> Block {
        let runs = || self.value(self.made("runs"));
        let inits = || {
            let mut inits = vec![self.init("run", Some(runs()))];
            let given = self.job.params.iter();
            inits.extend(given.map(|param| FieldInit {
                name: param.name.clone(),
                value: None,
            }));
            inits
        };
        let row = self.expr(ExprKind::Record {
            qualifier: None,
            name: None,
            arguments: Vec::new(),
            fields: inits(),
        });
        self.block(vec![
            StatementKind::Assign {
                target: runs(),
                operator: Some(BinaryOperator::Add),
                value: self.number(1),
                otherwise: None,
            },
            StatementKind::Expression(self.on_waiting("insert", vec![row])),
            self.emit("Started", inits()),
        ])
    }

    /// `command fan_out.walk()`: the oldest run goes on for `step` rows.
    fn walk(&self, walk: &JobWalk<'_>) -> Block {
        let own = |word: &str| self.value(self.made(word));
        let run = || own("run");
        let places: Vec<(Name, Name)> = (0..)
            .zip(&walk.position)
            .map(|(number, (name, _))| (self.at(name), self.made(&format!("at{number}"))))
            .collect();
        let after = |source: &Expr, values: Vec<Expr>, take: Expr| {
            let going_on = self.method(source.clone(), "after", values, source.span);
            Expr {
                kind: ExprKind::Bounded {
                    source: Box::new(going_on),
                    take: Some(Box::new(take)),
                    max: None,
                },
                span: source.span,
            }
        };
        let mut inside = Vec::new();
        for param in &self.job.params {
            let value = self.member(run(), &param.name);
            inside.push(self.declare(false, param.name.clone(), None, value));
        }
        let mut body = inside
            .into_iter()
            .map(|kind| self.statement(kind))
            .collect::<Vec<_>>();
        let statements = &self.job.body.statements;
        body.extend(statements[..statements.len() - 1].iter().cloned());
        for ((_, ty), (field, local)) in walk.position.iter().zip(&places) {
            let value = self.member(run(), field);
            let kind = self.declare(true, local.clone(), Some(self.optional(ty)), value);
            body.push(self.statement(kind));
        }
        let mut rows = Vec::new();
        for ((name, _), (_, local)) in walk.position.iter().zip(&places) {
            rows.push(self.statement(StatementKind::Assign {
                target: self.value(local.clone()),
                operator: None,
                value: self.member(self.value(walk.row.clone()), name),
                otherwise: None,
            }));
        }
        rows.extend(walk.body.statements.iter().cloned());
        if let Some(value) = &walk.body.value {
            rows.push(Statement {
                span: value.span,
                kind: StatementKind::Expression((**value).clone()),
            });
        }
        let begun = places.iter().map(|(field, _)| self.member(run(), field));
        body.push(Statement {
            kind: StatementKind::For {
                pattern: walk.pattern.clone(),
                source: after(walk.source, begun.collect(), self.job.step.clone()),
                limit: None,
                body: Block {
                    statements: rows,
                    value: None,
                    span: walk.body.span,
                },
            },
            span: walk.source.span,
        });
        // Whether there is a row behind the last one.
        let no = self.expr(ExprKind::Bool(false));
        let kind = self.declare(true, self.made("more"), None, no);
        body.push(self.statement(kind));
        let locals = || places.iter().map(|(_, local)| self.value(local.clone()));
        let next = after(walk.source, locals().collect(), self.number(1));
        body.push(self.statement(self.each(next, vec![self.set("more", true)])));
        let mut store = Vec::new();
        for ((field, _), local) in places.iter().zip(locals()) {
            store.push(StatementKind::Assign {
                target: self.member(run(), field),
                operator: None,
                value: local,
                otherwise: None,
            });
        }
        let number = || self.member(run(), &self.name("run"));
        let finish = vec![
            self.emit("Done", vec![self.init("run", Some(number()))]),
            StatementKind::Expression(self.on_waiting("delete", vec![number()])),
        ];
        let decide = self.expr(ExprKind::If {
            condition: Box::new(own("more")),
            then: self.block(store),
            otherwise: Some(Box::new(self.expr(ExprKind::Block(self.block(finish))))),
        });
        body.push(self.statement(StatementKind::Expression(decide)));
        let oldest = StatementKind::For {
            pattern: self.bind(self.made("run")),
            source: self.oldest(),
            limit: None,
            body: Block {
                statements: body,
                value: None,
                span: self.job.body.span,
            },
        };
        self.block(vec![oldest])
    }

    /// `command fan_out.step() -> bool`: a run that fails is taken out; whether runs wait.
    fn step(&self) -> Block {
        let walk = self.expr(ExprKind::Call {
            callee: Box::new(self.value(self.made("walk"))),
            arguments: Vec::new(),
        });
        let run = || self.value(self.made("run"));
        let number = || self.member(run(), &self.name("run"));
        let mut told = vec![self.init("run", Some(number()))];
        told.extend(self.job.params.iter().map(|param| FieldInit {
            name: param.name.clone(),
            value: Some(self.member(run(), &param.name)),
        }));
        let drop_it = StatementKind::For {
            pattern: self.bind(self.made("run")),
            source: self.oldest(),
            limit: None,
            body: self.block(vec![
                self.emit("Failed", told),
                StatementKind::Expression(self.on_waiting("delete", vec![number()])),
            ]),
        };
        let arm = |ending: &str, work: Vec<StatementKind>| MatchArm {
            pattern: Pattern {
                kind: PatternKind::Variant {
                    path: vec![self.name(ending)],
                    fields: PatternFields::Tuple(vec![Pattern {
                        kind: PatternKind::Wildcard,
                        span: self.span(),
                    }]),
                },
                span: self.span(),
            },
            guard: None,
            body: self.expr(ExprKind::Block(self.block(work))),
            span: self.span(),
        };
        let attempt = self.expr(ExprKind::Attempt(Box::new(walk)));
        let ended = self.expr(ExprKind::Match {
            value: Box::new(attempt),
            arms: vec![arm("Ok", Vec::new()), arm("Err", vec![drop_it])],
        });
        let no = self.expr(ExprKind::Bool(false));
        let mut block = self.block(vec![
            StatementKind::Expression(ended),
            self.declare(true, self.made("more"), None, no),
            self.each(self.oldest(), vec![self.set("more", true)]),
        ]);
        block.value = Some(Box::new(self.value(self.made("more"))));
        block
    }
}
