//! What `rcd dev` prints: the address, the commands with their proven costs, a `curl` line that works when pasted.

use rc_bytecode::instr::Scalar;
use rc_bytecode::interface::{Allow, Command, CommandKind};
use rc_bytecode::layout::{Record, Shape, Shapes};
use rc_node::CatalogEntry;
use std::fmt::Write as _;

/// The text for one live package.
pub fn banner(address: &str, entry: &CatalogEntry) -> String {
    let interface = &entry.module.module().interface;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} on http://{address}  (catalog version {})\n",
        entry.package, entry.epoch
    );
    let name_width = interface
        .commands
        .iter()
        .map(|command| command.name.len() + 2)
        .max()
        .unwrap_or(0);
    let _ = writeln!(
        out,
        "  {:7} {:name_width$} {:>9} {:>6} {:>8}  allowed to",
        "", "", "steps", "pages", "bytes"
    );
    for command in &interface.commands {
        let kind = match command.kind {
            CommandKind::Command => "command",
            CommandKind::Query => "query",
            CommandKind::Report => "report",
            CommandKind::Step => "job",
        };
        let roles: Vec<&str> = match command.allow {
            Allow::Anyone => vec!["anyone"],
            Allow::Roles(bits) => {
                let named = interface.roles.iter().enumerate();
                named
                    .filter(|(bit, _)| bits >> bit & 1 == 1)
                    .map(|(_, role)| role.as_str())
                    .collect()
            }
        };
        let version = if command.version == 1 {
            String::new()
        } else {
            format!("@{}", command.version)
        };
        let pages = command
            .cost
            .pages_read
            .saturating_add(command.cost.pages_written);
        let name = format!("{}{version}", command.name);
        let _ = writeln!(
            out,
            "  {kind:7} {name:name_width$} {:>9} {:>6} {:>8}  {}",
            bound(command.cost.steps),
            bound(pages),
            bound(command.cost.bytes_written),
            roles.join(", ")
        );
    }
    let callable = interface
        .commands
        .iter()
        .find(|command| command.kind == CommandKind::Command && command.allow == Allow::Anyone)
        .or_else(|| {
            interface
                .commands
                .iter()
                .find(|command| command.allow == Allow::Anyone)
        });
    if let Some(command) = callable {
        let _ = writeln!(
            out,
            "\nTry:\n  {}",
            curl(address, &entry.package, command, &interface.shapes)
        );
    }
    out
}

/// A proven cost; that of a report has no bound.
fn bound(cost: u64) -> String {
    match cost {
        u64::MAX => "-".to_string(),
        cost => cost.to_string(),
    }
}

fn curl(address: &str, package: &str, command: &Command, shapes: &Shapes) -> String {
    let body = sample_record(shapes, &command.arguments);
    format!(
        "curl -sS http://{address}/{package}/{} -H 'Content-Type: application/json' -d '{body}'",
        command.name
    )
}

fn sample_record(shapes: &Shapes, record: &Record) -> String {
    let fields: Vec<String> = record
        .fields
        .iter()
        .map(|(name, shape)| format!("\"{name}\":{}", sample(shapes, shape)))
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// A small value of a shape; without single quotes, so that it can stand in a shell's.
fn sample(shapes: &Shapes, shape: &Shape) -> String {
    match shape {
        Shape::Scalar(Scalar::Bool) => "true".to_string(),
        Shape::Scalar(Scalar::F64) => "1.5".to_string(),
        Shape::Scalar(scalar) if scalar.bits() >= 64 => "\"1\"".to_string(),
        Shape::Scalar(_) => "1".to_string(),
        Shape::Time => "\"2026-01-31T12:00:00Z\"".to_string(),
        Shape::Duration => "\"1.5s\"".to_string(),
        Shape::Uuid => "\"0190a6c1-1f2e-7b3c-8d4d-5e6f7a8b9c0d\"".to_string(),
        Shape::Hash => format!("\"{}\"", "0".repeat(64)),
        Shape::Decimal { .. } => "\"0\"".to_string(),
        Shape::String(max) => format!("\"{}\"", &"alice"[..5.min(*max as usize)]),
        Shape::Bytes(_) => "\"\"".to_string(),
        Shape::Optional(_) => "null".to_string(),
        Shape::Tuple(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| sample(shapes, part)).collect();
            format!("[{}]", parts.join(","))
        }
        Shape::Map(..) if rc_wire::json::named_entries(shape).is_some() => "{}".to_string(),
        Shape::List(..) | Shape::Set(..) | Shape::Map(..) => "[]".to_string(),
        Shape::Struct(index) => sample_record(shapes, &shapes.structs[*index as usize]),
        Shape::Enum(index) => {
            let variants = &shapes.enums[*index as usize].variants;
            match variants
                .iter()
                .find(|variant| variant.fields.is_empty())
                .or_else(|| variants.first())
            {
                Some(variant) if variant.fields.is_empty() => format!("\"{}\"", variant.name),
                Some(variant) => format!(
                    "{{\"{}\":{}}}",
                    variant.name,
                    sample_record(shapes, variant)
                ),
                None => "null".to_string(),
            }
        }
    }
}
