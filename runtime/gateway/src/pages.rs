//! The small pages: what is here, is it well, how much has it done.

use crate::call::json_response;
use crate::problem::Problem;
use crate::state::Gateway;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Response, StatusCode, Uri};
use rc_bytecode::interface::CommandKind;
use rc_wire::json::write_string;
use std::fmt::Write as _;

/// `GET /`: what can be called, as text.
pub async fn index(State(gateway): State<Gateway>) -> String {
    let view = gateway.node.catalog();
    let mut out = String::from("Re-Current\n\n");
    for entry in &view.live {
        let _ = writeln!(out, "{} (catalog version {})", entry.package, entry.epoch);
        for command in &entry.module.module().interface.commands {
            let kind = kind_name(command.kind);
            let _ = writeln!(
                out,
                "  POST /{}/{}  {kind}, at most {} steps",
                entry.package, command.name, command.cost.steps
            );
        }
        let interface = &entry.module.module().interface;
        for route in &interface.routes {
            let command = &interface.commands[route.command as usize];
            let _ = writeln!(out, "  {route}  {}", command.name);
        }
    }
    out.push_str(
        "\nGET /openapi.json  GET /events?from=0  GET /catalog  GET /metrics  GET /health\n",
    );
    out
}

pub(crate) fn kind_name(kind: CommandKind) -> &'static str {
    match kind {
        CommandKind::Command => "command",
        CommandKind::Query => "query",
        CommandKind::Report => "report",
        CommandKind::Step => "job",
    }
}

/// `GET /health`: 200 while the node serves, 503 after a halt.
pub async fn health(State(gateway): State<Gateway>) -> Result<Response<Body>, Problem> {
    let metrics = gateway.node.metrics();
    if metrics.halted {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "halted",
            format!("halted after op {}", metrics.op),
        ));
    }
    Ok(json_response(format!("{{\"op\":{}}}", metrics.op)))
}

/// `GET /metrics`: Prometheus text.
pub async fn metrics(State(gateway): State<Gateway>) -> String {
    let metrics = gateway.node.metrics();
    let mut out = String::new();
    for (name, help, value) in [
        ("recurrent_op", "Number of the last applied op.", metrics.op),
        (
            "recurrent_batches_total",
            "Batches ordered since start.",
            metrics.batches,
        ),
        (
            "recurrent_ops_total",
            "Ops ordered since start.",
            metrics.ops_ordered,
        ),
        (
            "recurrent_log_bytes_total",
            "Bytes of batches written to the log since start.",
            metrics.log_bytes,
        ),
        (
            "recurrent_events_total",
            "Events emitted since start.",
            metrics.events,
        ),
        (
            "recurrent_event_bytes",
            "Bytes of all event segments.",
            metrics.event_bytes,
        ),
        (
            "recurrent_checkpoint_epoch",
            "The last durable checkpoint.",
            metrics.checkpoint_epoch,
        ),
        (
            "recurrent_checkpoint_pause_nanoseconds_max",
            "The longest that a checkpoint held up the loop.",
            metrics.longest_pause_nanoseconds,
        ),
        (
            "recurrent_halted",
            "1 after a halt.",
            u64::from(metrics.halted),
        ),
    ] {
        let _ = writeln!(out, "# HELP {name} {help}\n{name} {value}");
    }
    out
}

/// `GET /catalog`: what is deployed, with costs.
pub async fn catalog(State(gateway): State<Gateway>) -> Response<Body> {
    let view = gateway.node.catalog();
    let mut out = format!("{{\"epoch\":{},\"packages\":[", view.epoch);
    for (index, entry) in view.live.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        out.push_str("{\"package\":");
        write_string(&entry.package, &mut out);
        let _ = write!(
            out,
            ",\"epoch\":{},\"op\":{},\"compiled\":{},\"hash\":\"",
            entry.epoch, entry.op, entry.compiled
        );
        for byte in entry.module.hash() {
            let _ = write!(out, "{byte:02x}");
        }
        out.push_str("\",\"commands\":[");
        for (index, command) in entry.module.module().interface.commands.iter().enumerate() {
            out.push_str(if index > 0 { "," } else { "" });
            out.push_str("{\"name\":");
            write_string(&command.name, &mut out);
            let _ = write!(
                out,
                ",\"version\":{},\"kind\":\"{}\",\"cost\":{{",
                command.version,
                kind_name(command.kind)
            );
            for (index, (name, value)) in command.cost.dimensions().iter().enumerate() {
                let _ = write!(
                    out,
                    "{}\"{name}\":{value}",
                    if index > 0 { "," } else { "" }
                );
            }
            out.push_str("}}");
        }
        out.push_str("]}");
    }
    out.push_str("]}");
    json_response(out)
}

pub async fn not_found(uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not-found",
        format!("nothing is at {}; GET / lists what is here", uri.path()),
    )
}

pub async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let detail = format!(
        "{method} is not for {}; commands and queries are POST with a JSON object",
        uri.path()
    );
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}
