//! `rcc diff`: what changes between two versions of a package, and whom it breaks. The words are those of the deploy's
//! plan. Always true: the exit code is 1 exactly where something is broken.

use crate::output::{Failure, say};
use crate::package;
use rc_bytecode::compat::{self, Change, ChangeKind};
use std::path::PathBuf;

/// Compares two versions of a package as a deploy would.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  rcc diff ledger.rcm examples/ledger")]
pub struct Arguments {
    /// The version that is there: a folder, a .rc file or a .rcm file.
    old: PathBuf,
    /// The version that is to come.
    new: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (old, new) = (
        package::module(&arguments.old)?,
        package::module(&arguments.new)?,
    );
    let (before, after) = (&old.interface.package, &new.interface.package);
    if before != after {
        return Err(Failure::new(format!(
            "these are two packages, {before} and {after}"
        )));
    }
    let changes = compat::compare(&old, &new);
    for change in &changes {
        say(change);
    }
    let count = |kind| {
        changes
            .iter()
            .filter(|change: &&Change| change.kind == kind)
            .count()
    };
    let (added, changed, asked, broken) = (
        count(ChangeKind::Added),
        count(ChangeKind::Changed),
        count(ChangeKind::Asked),
        count(ChangeKind::Broken),
    );
    let asked = match asked {
        0 => String::new(),
        asked => format!(", {asked} that the data decides"),
    };
    say(format!(
        "{added} added, {changed} changed{asked}, {broken} broken"
    ));
    if broken > 0 {
        Err(Failure::Told)
    } else {
        Ok(())
    }
}
