//! `rcc cost`: what everything is proven to cost at most, and why. Always true: the numbers are the module's
//! certificate, which the verifier recomputes on every deploy.

use crate::output::{Failure, say, show};
use crate::package::{self, Built};
use crate::table;
use rc_bytecode::Cost;
use rc_hir::{Callable, CallableKind};
use rc_lower::{Part, Proven};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::PathBuf;

/// Shows the proven worst-case cost of every command, query and fn.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  rcc cost examples/ledger\n  rcc cost examples/ledger --explain pay"
)]
pub struct Arguments {
    /// The package's folder, or one .rc file.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Show which loops and look-ups make up the cost of this command, query or fn (NAME or NAME@VERSION).
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    explain: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let built = package::build(&arguments.path, false)?;
    if let Some(name) = &arguments.explain {
        return explain(&built, name);
    }
    if arguments.json {
        let all: Vec<Value> = built
            .lowered
            .proven
            .iter()
            .filter(|proven| is_shown(callable(&built, proven)))
            .map(|proven| object(&built, proven))
            .collect();
        say(format!(
            "{:#}",
            json!({ "package": built.program.package, "costs": all })
        ));
        return Ok(());
    }
    let head = [
        "",
        "steps",
        "pages read",
        "pages written",
        "bytes written",
        "event bytes",
        "reply bytes",
        "scratch bytes",
    ];
    let row = |proven: &Proven| {
        let callable = callable(&built, proven);
        let mut row = vec![format!("{} {}", word(callable), label(callable))];
        row.extend(
            proven
                .cost
                .dimensions()
                .iter()
                .map(|(_, value)| number(*value)),
        );
        row
    };
    let mut shown: Vec<&Proven> = built
        .lowered
        .proven
        .iter()
        .filter(|proven| is_shown(callable(&built, proven)))
        .collect();
    shown.sort_by_key(|proven| (order(callable(&built, proven)), proven.callable.0));
    show(&table::render(
        &head,
        &shown.iter().copied().map(row).collect::<Vec<_>>(),
    ));
    let unbounded = |proven: &&Proven| {
        callable(&built, proven).kind == CallableKind::Report && proven.cost.steps == u64::MAX
    };
    if shown.iter().any(unbounded) {
        say("unbounded: a report runs on a snapshot, never in line with commands");
    }
    Ok(())
}

/// Of a job, one step stands for all that it is made of.
fn is_shown(callable: &Callable) -> bool {
    !callable.is_job_walk() && !callable.name.ends_with(".start")
}

fn callable<'a>(built: &'a Built, proven: &Proven) -> &'a Callable {
    &built.program.callables[proven.callable.0 as usize]
}

fn order(callable: &Callable) -> u8 {
    match callable.kind {
        _ if callable.is_job_step() => 4,
        CallableKind::Command => 0,
        CallableKind::Query => 1,
        CallableKind::Report => 2,
        CallableKind::Function if callable.is_migration() => 5,
        CallableKind::Function => 3,
    }
}

fn word(callable: &Callable) -> &'static str {
    ["command", "query", "report", "fn", "job", "migration"][usize::from(order(callable))]
}

/// The name, with the version where it is not the first.
fn label(callable: &Callable) -> String {
    if callable.is_job_step() {
        callable.name.trim_end_matches(".step").to_owned()
    } else if callable.is_migration() {
        let table = callable.name.trim_end_matches(".migrate");
        format!("{table}@{}", callable.version)
    } else if callable.version <= 1 {
        callable.name.clone()
    } else {
        format!("{}@{}", callable.name, callable.version)
    }
}

fn number(value: u64) -> String {
    if value == u64::MAX {
        "unbounded".to_owned()
    } else {
        value.to_string()
    }
}

fn dimensions(cost: &Cost) -> Map<String, Value> {
    cost.dimensions()
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect()
}

fn object(built: &Built, proven: &Proven) -> Value {
    let callable = callable(built, proven);
    json!({
        "name": label(callable).split('@').next(),
        "version": callable.version,
        "kind": word(callable),
        "cost": dimensions(&proven.cost),
    })
}

fn explain(built: &Built, name: &str) -> Result<(), Failure> {
    let named = |proven: &&Proven| {
        let callable = callable(built, proven);
        label(callable) == name
            || callable.name == name
            || format!("{}@{}", callable.name, callable.version) == name
    };
    let Some(proven) = built
        .lowered
        .proven
        .iter()
        .filter(named)
        .max_by_key(|proven| callable(built, proven).version)
    else {
        let known: Vec<String> = built
            .lowered
            .proven
            .iter()
            .map(|proven| label(callable(built, proven)))
            .collect();
        return Err(Failure::new(format!(
            "there is no {name} here; there is: {}",
            known.join(", ")
        )));
    };
    let mut out = format!(
        "{}: {}\n",
        label(callable(built, proven)),
        short(&proven.cost)
    );
    let named: u64 = proven
        .parts
        .iter()
        .map(|part| part.cost.steps)
        .fold(0, u64::saturating_add);
    for part in &proven.parts {
        tree(built, part, 1, &mut out);
    }
    let _ = writeln!(
        out,
        "  {} steps for the rest",
        proven.cost.steps.saturating_sub(named)
    );
    show(&out);
    Ok(())
}

fn tree(built: &Built, part: &Part, depth: usize, out: &mut String) {
    let file = built.sources.file(part.span.file);
    let line = file.position(part.span.start).line;
    let what = match part.what.as_str() {
        "loop" if part.times == u64::MAX => "loop without a bound".to_owned(),
        "loop" => format!("loop, up to {} times", part.times),
        what if part.times > 1 => format!("{} × {what}", part.times),
        what => what.to_owned(),
    };
    let source = rc_diagnostics::clean(file.line_text(line).trim()).into_owned();
    let source: String = source.chars().take(80).collect();
    let _ = writeln!(
        out,
        "{:indent$}{what}: {}   {}:{line}: {source}",
        "",
        short(&part.cost),
        file.name,
        indent = depth * 2
    );
    for part in &part.parts {
        tree(built, part, depth + 1, out);
    }
}

/// The dimensions that are not zero.
fn short(cost: &Cost) -> String {
    let dimensions = cost.dimensions();
    let shown: Vec<String> = dimensions
        .iter()
        .filter(|(name, value)| *value > 0 && *name != "scratch_bytes")
        .map(|(name, value)| format!("{} {}", number(*value), name.replace('_', " ")))
        .collect();
    if shown.is_empty() {
        "nothing".to_owned()
    } else {
        shown.join(", ")
    }
}
