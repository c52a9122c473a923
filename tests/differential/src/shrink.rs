//! Making a disagreement small: ops and statements are dropped as long as the rest still goes wrong.

use crate::coverage::Coverage;
use crate::description::*;
use crate::engines::{Built, build};
use crate::harness::{Op, Plan, play, show};
use crate::model::Mistake;
use crate::print;

/// Drops ops and statements while the rest still goes wrong, then shows seed, reason, program and ops.
pub fn report(plan: Plan, mut package: Package, mut ops: Vec<Op>, reason: &str) -> String {
    let fails = |package: &Package, ops: &[Op]| {
        let built = build(&print::package(package), plan.page_shift, plan.sabotage).ok()?;
        play(package, &built, ops, plan.mistake, &mut Coverage::default()).err()
    };
    let mut reason = reason.to_string();
    if let Ok(built) = build(&print::package(&package), plan.page_shift, plan.sabotage) {
        fewer_ops(&package, &built, &mut ops, plan.mistake, &mut reason);
    }
    let mut left = 150;
    for body in 0..package.jobs.len() + package.commands.len() {
        let mut path = 0;
        while left > 0 {
            let mut smaller = package.clone();
            let body = match body.checked_sub(package.jobs.len()) {
                None => &mut smaller.jobs[body].body,
                Some(command) => &mut smaller.commands[command].body,
            };
            if !drop_statement(body, &mut path.clone()) {
                break;
            }
            left -= 1;
            match fails(&smaller, &ops) {
                Some(why) => (package, reason) = (smaller, why),
                None => path += 1,
            }
        }
    }
    if let Ok(built) = build(&print::package(&package), plan.page_shift, plan.sabotage) {
        fewer_ops(&package, &built, &mut ops, plan.mistake, &mut reason);
    }
    let calls: Vec<String> = ops.iter().map(|op| show(&package, op)).collect();
    format!(
        "{plan:?}\n{reason}\n\n{}\n// ops\n{}\n",
        print::package(&package),
        calls.join("\n")
    )
}

fn fewer_ops(
    package: &Package,
    built: &Built,
    ops: &mut Vec<Op>,
    mistake: Mistake,
    reason: &mut String,
) {
    let mut width = ops.len() / 2;
    while width > 0 {
        let mut at = 0;
        while at < ops.len() {
            let mut fewer = ops.clone();
            fewer.drain(at..(at + width).min(ops.len()));
            match play(package, built, &fewer, mistake, &mut Coverage::default()) {
                Err(why) => (*ops, *reason) = (fewer, why),
                Ok(()) => at += width,
            }
        }
        width /= 2;
    }
}

/// Takes out the statement of this number in preorder; false where there are not so many.
fn drop_statement(body: &mut Vec<Statement>, number: &mut usize) -> bool {
    for at in 0..body.len() {
        if *number == 0 {
            body.remove(at);
            return true;
        }
        *number -= 1;
        let found = match &mut body[at] {
            Statement::If {
                then, otherwise, ..
            }
            | Statement::IfSome {
                then, otherwise, ..
            }
            | Statement::FindRowIf {
                then, otherwise, ..
            } => drop_statement(then, number) || drop_statement(otherwise, number),
            Statement::ForRange { body, .. }
            | Statement::ForList { body, .. }
            | Statement::ForHeld { body, .. }
            | Statement::ForEvery { body, .. }
            | Statement::ForRows { body, .. } => drop_statement(body, number),
            Statement::Attempt {
                endings: Some(endings),
                ..
            } => {
                let declared = endings.declared.iter_mut().map(|(_, _, body)| body);
                let builtin = endings.builtin.iter_mut().map(|(_, body)| body);
                [&mut endings.done, &mut endings.otherwise]
                    .into_iter()
                    .chain(declared)
                    .chain(builtin)
                    .any(|body| drop_statement(body, number))
            }
            Statement::Match { arms, .. } => arms
                .iter_mut()
                .any(|arm| drop_statement(&mut arm.body, number)),
            _ => false,
        };
        if found {
            return true;
        }
    }
    false
}
