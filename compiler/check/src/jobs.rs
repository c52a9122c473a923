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

mod nodes;
mod written;

use crate::body::{Body, Place, error};
use crate::names::nearest;
use crate::world::Symbol;
use rc_diagnostics::{Diagnostic, Diagnostics, codes};
use rc_hir as hir;
use rc_source::Span;
use rc_syntax::ast::*;
use std::sync::Arc;
use written::Writer;

/// References whose targets' keys are references, one behind the other, that are followed.
const REFERENCES_MAX: u32 = 32;

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
    let members = &self::table(table, files)?.members;
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
    let rest: Vec<(Name, Type)> = rest
        .into_iter()
        .map(|(name, ty)| (name, kept(&ty, files, 0)))
        .collect();
    (!rest.is_empty()).then_some(rest)
}

/// The type under which a run keeps a field of the last row: a reference as its target's key, since where the walk
/// stands refers to nothing.
fn kept(ty: &Type, files: &[&mut File], depth: u32) -> Type {
    let made = |kind| Type {
        kind,
        span: ty.span,
    };
    match &ty.kind {
        TypeKind::Optional(inner) => made(TypeKind::Optional(Box::new(kept(inner, files, depth)))),
        // A key that is a part of itself is refused where it is declared.
        TypeKind::Ref(target) if depth < REFERENCES_MAX => {
            let Some(table) = table(target, files) else {
                return ty.clone();
            };
            let mut keys = table.members.iter().filter_map(|member| match member {
                TableMember::Key { ty, .. } => Some(kept(ty, files, depth + 1)),
                _ => None,
            });
            match (keys.next(), keys.next()) {
                (None, _) => ty.clone(),
                (Some(only), None) => only,
                (Some(first), Some(second)) => {
                    let parts = [first, second].into_iter().chain(keys);
                    made(TypeKind::Tuple(parts.collect()))
                }
            }
        }
        _ => ty.clone(),
    }
}

/// The table of this name; of two, which is a mistake, the last.
fn table<'f>(name: &Name, files: &'f [&mut File]) -> Option<&'f Table> {
    let mut tables = files
        .iter()
        .flat_map(|file| &file.items)
        .filter_map(|item| match &item.kind {
            ItemKind::Table(known) if known.name.text == name.text => Some(known),
            _ => None,
        });
    tables.next_back()
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
