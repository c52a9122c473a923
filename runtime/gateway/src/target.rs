//! From names in a path to a deployed command: `/ledger/pay` is the newest version, `/ledger/pay@1` that one.

use crate::problem::Problem;
use axum::http::StatusCode;
use rc_bytecode::Interface;
use rc_bytecode::interface::{Command, CommandKind};
use rc_bytecode::verify::Verified;
use rc_node::{CatalogEntry, CatalogView};
use std::sync::Arc;

/// A command of a live deployment.
#[derive(Clone)]
pub struct Target {
    pub epoch: u64,
    pub module: Arc<Verified>,
    pub index: u32,
}

impl Target {
    pub fn interface(&self) -> &Interface {
        &self.module.module().interface
    }

    pub fn command(&self) -> &Command {
        &self.interface().commands[self.index as usize]
    }

    /// The live deployment of a package.
    pub fn package<'a>(view: &'a CatalogView, package: &str) -> Result<&'a CatalogEntry, Problem> {
        view.package(package).ok_or_else(|| {
            let known: Vec<&str> = view
                .live
                .iter()
                .map(|entry| entry.package.as_str())
                .collect();
            not_found(format!(
                "no package {package} is deployed; there is: {}",
                known.join(", ")
            ))
        })
    }

    pub fn find(view: &CatalogView, package: &str, command: &str) -> Result<Target, Problem> {
        let entry = Target::package(view, package)?;
        let (name, version) = match command.split_once('@') {
            Some((name, version)) => {
                let version = version
                    .parse::<u32>()
                    .map_err(|_| not_found(format!("{version} is not a version number")))?;
                (name, Some(version))
            }
            None => (command, None),
        };
        let commands = &entry.module.module().interface.commands;
        let mut candidates = commands
            .iter()
            .enumerate()
            .filter(|(_, known)| known.name == name && known.kind != CommandKind::Step);
        let found = match version {
            Some(version) => candidates.rfind(|(_, known)| known.version == version),
            None => candidates.max_by_key(|(_, known)| known.version),
        };
        let (index, _) = found.ok_or_else(|| {
            let known: Vec<&str> = commands
                .iter()
                .filter(|command| command.kind != CommandKind::Step)
                .map(|command| command.name.as_str())
                .collect();
            not_found(format!(
                "{package} has no command or query {command}; it has: {}",
                known.join(", ")
            ))
        })?;
        Ok(Target {
            epoch: entry.epoch,
            module: Arc::clone(&entry.module),
            index: index as u32,
        })
    }
}

fn not_found(detail: String) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
}
