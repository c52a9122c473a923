//! Jobs: a walk longer than one command's budget, written out before anything is checked as what the language has
//! already — a table of waiting runs, a counter, events, and a command that goes one step on.
//!
//! ```text
//!   job fan_out(post: u64) step 500 {        table  fan_out.waiting   run, parameters, where the walk stands
//!       for f in Follow.by_author(…) {       state  fan_out.runs      how many were started
//!           …                        ──►     fn     fan_out.start     what `start fan_out(…)` calls
//!       }                                    command fan_out.walk     500 rows of the oldest run
//!   }                                        command fan_out.step     attempts the walk; whether runs wait
//!                                            event  FanOutStarted, FanOutDone, FanOutFailed
//! ```
//!
//! Always true: the names made here but the events' hold a dot, which nobody can write; a run that fails is taken
//! out, so that it never stands in the way of others.

use crate::body::{Body, Place, error};
use crate::names::nearest;
use crate::world::Symbol;
use rc_diagnostics::{Diagnostic, Diagnostics, codes};
use rc_hir as hir;
use rc_source::Span;
use rc_syntax::ast::*;
use std::sync::Arc;

/// Writes out the jobs of a package's files, behind the items of the file that each stands in.
pub fn expand(mut files: Vec<&mut File>, diagnostics: &mut Diagnostics) {
    let mut made: Vec<Vec<Item>> = Vec::new();
    for file in &files {
        let mut items = Vec::new();
        for item in &file.items {
            if let ItemKind::Job(job) = &item.kind
                && let Some(walk) = walk_of(job, &files, diagnostics)
            {
                items.extend(Writer { job, item }.items(walk));
            }
        }
        made.push(items);
    }
    for (file, items) in files.iter_mut().zip(made) {
        file.items.extend(items);
    }
}

/// The walk at a job's end.
struct JobWalk<'j> {
    pattern: &'j Pattern,
    row: &'j Name,
    source: &'j Expr,
    body: &'j Block,
    /// The fields that tell where it stands: the rest of its order, with their types.
    position: Vec<(Name, Type)>,
}

fn walk_of<'j>(
    job: &'j Job,
    files: &[&mut File],
    diagnostics: &mut Diagnostics,
) -> Option<JobWalk<'j>> {
    let mut refuse = |span: Span, message: &str, hint: &str| {
        diagnostics.push(Diagnostic::error(codes::BAD_JOB, span, message).with_hint(hint));
    };
    if let Some(allow) = &job.allow {
        refuse(
            allow.span,
            "a job has no `allow`: commands start it, the log runs it",
            "put `allow` on the commands that start it",
        );
    }
    if let Some(param) = job.params.iter().find(|param| &*param.name.text == "run") {
        refuse(
            param.span,
            "a job's events have a field `run` of their own",
            "give this parameter another name",
        );
        return None;
    }
    let form = "for row in Table.by_index(…) { … }";
    let last = match (&job.body.value, job.body.statements.last()) {
        (None, Some(last)) => last,
        _ => {
            refuse(job.name.span, "a job ends with a walk through rows", form);
            return None;
        }
    };
    let StatementKind::For {
        pattern,
        source,
        body,
        ..
    } = &last.kind
    else {
        if !matches!(last.kind, StatementKind::Broken) {
            refuse(last.span, "a job ends with a walk through rows", form);
        }
        return None;
    };
    let extra = |statement: &&Statement| matches!(statement.kind, StatementKind::For { .. });
    let before = &job.body.statements[..job.body.statements.len() - 1];
    if let Some(extra) = before.iter().find(extra) {
        refuse(
            extra.span,
            "a job has one walk, and this is another",
            "gather what it needs in a `fn`, or start a second job",
        );
        return None;
    }
    if let ExprKind::Bounded { take, max, .. } = &source.kind {
        let at = take
            .as_ref()
            .or(max.as_ref())
            .map_or(source.span, |bound| bound.span);
        refuse(
            at,
            "a job's walk goes through all rows: it has no `take`",
            "`step` says how many each step visits",
        );
        return None;
    }
    let PatternKind::Bind(row) = &pattern.kind else {
        refuse(pattern.span, "a job's walk gives its row a name", form);
        return None;
    };
    let Some(position) = position(source, files) else {
        refuse(
            source.span,
            "a job walks through rows in the order of an index or of an ordered key",
            form,
        );
        return None;
    };
    Some(JobWalk {
        pattern,
        row,
        source,
        body,
        position,
    })
}

/// What is left of the order that a walk goes in, behind what it fixes.
fn position(source: &Expr, files: &[&mut File]) -> Option<Vec<(Name, Type)>> {
    let mut first: Option<(&Name, usize)> = None;
    let mut at = source;
    let table = loop {
        match &at.kind {
            ExprKind::Call { callee, arguments } => {
                let ExprKind::Member { base, name } = &callee.kind else {
                    return None;
                };
                first = Some((name, arguments.len()));
                at = base;
            }
            ExprKind::Name { name, .. } => break name,
            _ => return None,
        }
    };
    let (word, fixed) = first?;
    let mut tables = files
        .iter()
        .flat_map(|file| &file.items)
        .filter_map(|item| match &item.kind {
            ItemKind::Table(known) if known.name.text == table.text => Some(known),
            _ => None,
        });
    let members = &tables.next_back()?.members;
    let mut keys = Vec::new();
    let mut fields = Vec::new();
    let mut index = None;
    for member in members {
        match member {
            TableMember::Key { name, ty, .. } => keys.push((name.clone(), ty.clone())),
            TableMember::Field(field) => fields.push((field.name.clone(), field.ty.clone())),
            TableMember::Index {
                name,
                fields,
                unique,
                ..
            } if name.text == word.text => index = Some((fields, *unique)),
            _ => {}
        }
    }
    let mut order = Vec::new();
    if let Some((indexed, _)) = index {
        for name in indexed {
            let known = keys.iter().chain(&fields);
            order.push(
                known
                    .into_iter()
                    .find(|(known, _)| known.text == name.text)?
                    .clone(),
            );
        }
    }
    if index.is_none_or(|(_, unique)| !unique) {
        for key in keys {
            if order.iter().all(|(known, _)| known.text != key.0.text) {
                order.push(key);
            }
        }
    }
    let fixed = match index.is_some() || &*word.text == "by_key" {
        true => fixed.min(order.len()),
        false => 0,
    };
    let rest = order.split_off(fixed);
    (!rest.is_empty()).then_some(rest)
}

/// Makes trees whose places are the job's name.
struct Writer<'j> {
    job: &'j Job,
    item: &'j Item,
}

impl Writer<'_> {
    fn items(&self, walk: JobWalk<'_>) -> Vec<Item> {
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
            fields: inits(),
        });
        self.block(vec![
            StatementKind::Assign {
                target: runs(),
                operator: Some(BinaryOperator::Add),
                value: self.number(1),
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

    // -- parts ---------------------------------------------------------------------------------------

    fn span(&self) -> Span {
        self.job.name.span
    }

    fn item(&self, kind: ItemKind) -> Item {
        Item {
            docs: Vec::new(),
            attributes: Vec::new(),
            kind,
            span: self.item.span,
        }
    }

    fn name(&self, text: &str) -> Name {
        Name {
            text: text.into(),
            span: self.span(),
        }
    }

    /// `fan_out.end`
    fn made(&self, end: &str) -> Name {
        made(&self.job.name, end)
    }

    /// The field of a run that keeps this field of the last row.
    fn at(&self, field: &Name) -> Name {
        self.name(&format!("at.{}", field.text))
    }

    /// `FanOutDone`
    fn event_name(&self, end: &str) -> Name {
        let job = rc_bytecode::interface::upper_camel(&self.job.name.text);
        self.name(&format!("{job}{end}"))
    }

    fn ty(&self, name: &str) -> Type {
        Type {
            kind: TypeKind::Named {
                name: self.name(name),
                arguments: Vec::new(),
            },
            span: self.span(),
        }
    }

    fn optional(&self, ty: &Type) -> Type {
        Type {
            kind: TypeKind::Optional(Box::new(ty.clone())),
            span: ty.span,
        }
    }

    fn expr(&self, kind: ExprKind) -> Expr {
        Expr {
            kind,
            span: self.span(),
        }
    }

    fn number(&self, value: u128) -> Expr {
        self.expr(ExprKind::Integer {
            value,
            suffix: None,
        })
    }

    fn value(&self, name: Name) -> Expr {
        let span = name.span;
        Expr {
            kind: ExprKind::Name {
                name,
                arguments: Vec::new(),
            },
            span,
        }
    }

    fn member(&self, base: Expr, name: &Name) -> Expr {
        self.expr(ExprKind::Member {
            base: Box::new(base),
            name: name.clone(),
        })
    }

    fn method(&self, base: Expr, name: &str, arguments: Vec<Expr>, span: Span) -> Expr {
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

    fn on_waiting(&self, operation: &str, arguments: Vec<Expr>) -> Expr {
        let table = self.value(self.made("waiting"));
        self.method(table, operation, arguments, self.span())
    }

    /// `fan_out.waiting.ascending() take 1`
    fn oldest(&self) -> Expr {
        let ascending = self.on_waiting("ascending", Vec::new());
        self.expr(ExprKind::Bounded {
            source: Box::new(ascending),
            take: Some(Box::new(self.number(1))),
            max: None,
        })
    }

    fn init(&self, name: &str, value: Option<Expr>) -> FieldInit {
        FieldInit {
            name: self.name(name),
            value,
        }
    }

    fn emit(&self, end: &str, fields: Vec<FieldInit>) -> StatementKind {
        StatementKind::Emit {
            event: self.expr(ExprKind::Record {
                qualifier: None,
                name: Some(self.event_name(end)),
                fields,
            }),
        }
    }

    fn bind(&self, name: Name) -> Pattern {
        Pattern {
            span: name.span,
            kind: PatternKind::Bind(name),
        }
    }

    fn declare(&self, mutable: bool, name: Name, ty: Option<Type>, value: Expr) -> StatementKind {
        StatementKind::Let {
            mutable,
            pattern: self.bind(name),
            ty,
            value,
            otherwise: None,
        }
    }

    fn set(&self, word: &str, value: bool) -> StatementKind {
        StatementKind::Assign {
            target: self.value(self.made(word)),
            operator: None,
            value: self.expr(ExprKind::Bool(value)),
        }
    }

    fn each(&self, source: Expr, work: Vec<StatementKind>) -> StatementKind {
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

    fn statement(&self, kind: StatementKind) -> Statement {
        Statement {
            kind,
            span: self.span(),
        }
    }

    fn block(&self, statements: Vec<StatementKind>) -> Block {
        let statements = statements.into_iter();
        Block {
            statements: statements.map(|kind| self.statement(kind)).collect(),
            value: None,
            span: self.span(),
        }
    }
}

fn made(job: &Name, end: &str) -> Name {
    Name {
        text: format!("{}.{end}", job.text).into(),
        span: job.span,
    }
}

impl Body<'_, '_> {
    /// `start fan_out(id, author)`
    pub fn start(&mut self, job: &Name, arguments: &[Expr], span: Span) -> hir::Expr {
        if self.place == Place::Test {
            self.world
                .error(
                    codes::TEST_WRITES,
                    span,
                    "a test starts no job by itself: commands do",
                )
                .hint("call a command that starts it");
            return error(span);
        }
        self.job_call(job, "start", arguments, span)
    }

    /// `step fan_out`
    pub fn one_step(&mut self, job: &Name, span: Span) -> hir::Expr {
        self.job_call(job, "step", &[], span)
    }

    fn job_call(&mut self, job: &Name, end: &str, arguments: &[Expr], span: Span) -> hir::Expr {
        let name = made(job, end);
        let Some(Symbol::Callable(id)) = self.world.find(self.module, &name.text) else {
            let names = &self.world.modules[self.module].names;
            let known: Vec<Arc<str>> = names.keys().cloned().collect();
            let jobs = known.iter().filter_map(|name| name.strip_suffix(".start"));
            let near = nearest(&job.text, jobs);
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("job {}(…) step 500 {{ … }}", job.text),
            };
            arguments
                .iter()
                .for_each(|argument| drop(self.expr(argument, None)));
            self.world
                .error(
                    codes::UNKNOWN_JOB,
                    job.span,
                    format!("there is no job `{}`", job.text),
                )
                .hint(hint);
            return error(span);
        };
        self.call_callable(id, &[], arguments, None, span)
    }
}
