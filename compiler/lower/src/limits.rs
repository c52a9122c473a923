//! Declared costs against proven ones, and the ceilings that every module has.

use crate::explain::{Part, Proven};
use rc_bytecode::Cost;
use rc_bytecode::limits::{SCRATCH_BYTES_MAX, STEPS_MAX};
use rc_diagnostics::{Diagnostic, Diagnostics, codes};
use rc_hir::{Callable, CallableKind, CostLimit};

/// Says where a proven cost is above what the source declares or what any cluster would take.
pub fn check(callable: &Callable, proven: &Proven, diagnostics: &mut Diagnostics) {
    for limit in &callable.limits {
        let cost = dimension(&proven.cost, &limit.dimension);
        if cost > limit.limit {
            diagnostics.push(exceeded(callable, proven, limit, cost));
        }
    }
    if callable.kind == CallableKind::Report {
        // It runs on a snapshot, and nobody waits for it in line.
        return;
    }
    let ceilings = [
        ("steps", proven.cost.steps, STEPS_MAX),
        (
            "scratch_bytes",
            proven.cost.scratch_bytes,
            SCRATCH_BYTES_MAX,
        ),
    ];
    for (name, cost, most) in ceilings {
        if cost > most {
            let shown = if cost == u64::MAX {
                "more than can be counted".to_string()
            } else {
                cost.to_string()
            };
            let message = format!(
                "`{}` is proven to take {shown} {name}; {most} is the most that anything may",
                callable.name
            );
            diagnostics.push(
                Diagnostic::error(codes::COST_EXCEEDED, callable.span, message)
                    .with_hint("lower the bounds of its loops"),
            );
        }
    }
}

/// A dimension by the name that clauses use; `pages` is read and written together.
pub fn dimension(cost: &Cost, name: &str) -> u64 {
    match name {
        "pages" => cost.pages_read.saturating_add(cost.pages_written),
        _ => cost
            .dimensions()
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(0, |(_, value)| *value),
    }
}

fn exceeded(callable: &Callable, proven: &Proven, limit: &CostLimit, cost: u64) -> Diagnostic {
    let name = &limit.dimension;
    let message = format!(
        "`{}` is proven to take {cost} {name}, {} above the {} declared",
        callable.name,
        cost - limit.limit,
        limit.limit
    );
    let mut parts: Vec<(&Part, u64)> = proven
        .parts
        .iter()
        .map(|part| (part, dimension(&part.cost, name)))
        .filter(|(_, cost)| *cost > 0)
        .collect();
    parts.sort_by_key(|(part, cost)| (std::cmp::Reverse(*cost), part.span));
    let total = |parts: &[(&Part, u64)]| {
        parts
            .iter()
            .fold(0u64, |sum, (_, cost)| sum.saturating_add(*cost))
    };
    let named = total(&parts);
    let mut terms: Vec<String> = parts
        .iter()
        .take(4)
        .map(|(_, cost)| cost.to_string())
        .collect();
    let rest: u64 =
        total(parts.get(4..).unwrap_or_default()).saturating_add(cost.saturating_sub(named));
    if rest > 0 {
        terms.push(format!("{rest} for the rest"));
    }
    let mut diagnostic = Diagnostic::error(codes::COST_EXCEEDED, limit.span, message)
        .with_label(format!("{cost} = {}", terms.join(" + ")));
    for (part, cost) in parts.iter().take(4) {
        let text = match (&*part.what, part.times) {
            ("loop", times) => {
                format!("{cost} {name}: up to {times} times {}", cost / times.max(1))
            }
            (what, 1) => format!("{cost} {name}: {what}"),
            (what, times) => format!("{cost} {name}: {times} × {what}"),
        };
        diagnostic = diagnostic.with_secondary(part.span, text);
    }
    diagnostic.with_hint(format!("declare {name} <= {cost}, or do less"))
}
