//! The interface against the code: entries have the signature that the runtime calls them with, queries
//! change nothing, declared errors are declared, roles exist, certificates hold.

use super::certificate::{command_cost, same};
use super::effects::Summary;
use super::shapes::Sizes;
use super::{At, CertificateError, LimitError, Place, VerifyError, within};
use crate::instr::{Space, Type, View};
use crate::interface::{Allow, Command, CommandKind};
use crate::limits::SLOT_BYTES_MAX;
use crate::module::{FunctionKind, Module};
use std::collections::BTreeSet;

/// What is wrong with the interface.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InterfaceError {
    #[error("the name {0} is taken")]
    NameTaken(String),
    #[error("there is no function {0} to enter")]
    NoEntry(u32),
    #[error(
        "its entry is not a plain function from {arguments} bytes of arguments and {result} bytes for the result to nothing"
    )]
    EntrySignature { arguments: u32, result: u32 },
    #[error(
        "the guard of {0} does not enter a bounded function from nothing to nothing that only reads"
    )]
    Guard(String),
    #[error("a query writes or emits")]
    QueryChanges,
    #[error("it has a loop without a bound, and is no report")]
    Unbounded,
    #[error("it allows roles that do not exist")]
    NoSuchRole,
    #[error("there is no error type {0}, or it is listed twice")]
    NoSuchError(u32),
    #[error("it may fail with error {0}, which it does not declare")]
    UndeclaredError(u32),
    #[error(transparent)]
    Route(#[from] crate::routes::RouteError),
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// Trusts: everything before.
pub(super) fn check(
    module: &Module,
    sizes: &Sizes,
    effects: &[Summary],
) -> Result<(), VerifyError> {
    unique(module.interface.roles.iter())?;
    unique(
        module
            .interface
            .events
            .iter()
            .map(|event| &event.record.name),
    )?;
    unique(module.interface.errors.iter().map(|error| &error.name))?;
    unique(
        module
            .interface
            .shapes
            .structs
            .iter()
            .map(|record| &record.name),
    )?;
    unique(module.interface.shapes.enums.iter().map(|sum| &sum.name))?;
    let mut names = BTreeSet::new();
    for (index, command) in module.interface.commands.iter().enumerate() {
        let place = || Place::Command(command.name.clone(), command.version);
        if !names.insert((&command.name, command.version)) {
            return Err(InterfaceError::NameTaken(command.name.clone()).at(place()));
        }
        let (arguments, result) = sizes.commands[index];
        signature(module, command, arguments.memory, result.memory)
            .map_err(|error| error.at(place()))?;
        let summary = &effects[command.entry.0 as usize];
        permissions(module, command, summary).map_err(|error| error.at(place()))?;
        let entry = &module.functions[command.entry.0 as usize];
        same(&command.cost, &command_cost(entry, result.packed))
            .map_err(|error| error.at(place()))?;
        if command.undo_free && !summary.command_undo_free(result.checked) {
            return Err(CertificateError::NotUndoFree.at(place()));
        }
    }
    for guard in &module.interface.guards {
        let entry = module.functions.get(guard.entry.0 as usize);
        let effects = effects.get(guard.entry.0 as usize);
        let asks = entry.zip(effects).is_some_and(|(entry, summary)| {
            entry.kind == FunctionKind::Plain
                && !entry.maybe
                && entry.parameters.is_empty()
                && entry.results.is_empty()
                && !summary.unbounded
                && !summary.effects.writes
                && !summary.effects.emits
        });
        if !asks {
            return Err(InterfaceError::Guard(guard.subject.clone()).at(Place::Module));
        }
    }
    crate::routes::check(&module.interface)
        .map_err(|error| InterfaceError::Route(error).at(Place::Module))
}

fn unique<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), VerifyError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(InterfaceError::NameTaken(name.clone()).at(Place::Module));
        }
    }
    Ok(())
}

fn signature(
    module: &Module,
    command: &Command,
    arguments: u32,
    result: u32,
) -> Result<(), InterfaceError> {
    within(
        "size of the arguments",
        u64::from(arguments),
        u64::from(SLOT_BYTES_MAX),
    )?;
    let entry = module
        .functions
        .get(command.entry.0 as usize)
        .ok_or(InterfaceError::NoEntry(command.entry.0))?;
    let wanted = [
        Type::View(View {
            space: Space::Frame,
            length: arguments,
            writable: false,
        }),
        Type::View(View {
            space: Space::Frame,
            length: result,
            writable: true,
        }),
    ];
    let plain = entry.kind == FunctionKind::Plain && !entry.maybe && entry.results.is_empty();
    if plain && entry.parameters == wanted {
        Ok(())
    } else {
        Err(InterfaceError::EntrySignature { arguments, result })
    }
}

fn permissions(
    module: &Module,
    command: &Command,
    summary: &Summary,
) -> Result<(), InterfaceError> {
    if let Allow::Roles(roles) = command.allow
        && roles
            .checked_shr(module.interface.roles.len() as u32)
            .unwrap_or(0)
            != 0
    {
        return Err(InterfaceError::NoSuchRole);
    }
    let reads_only = match command.kind {
        CommandKind::Command | CommandKind::Step => false,
        CommandKind::Query | CommandKind::Report => true,
    };
    if reads_only && (summary.effects.writes || summary.effects.emits) {
        return Err(InterfaceError::QueryChanges);
    }
    if summary.unbounded && command.kind != CommandKind::Report {
        return Err(InterfaceError::Unbounded);
    }
    let mut declared = vec![0u64; summary.errors.len()];
    for error in &command.fails {
        let bit = 1 << (error % 64);
        match declared.get_mut(*error as usize / 64) {
            Some(word) if (*error as usize) < module.interface.errors.len() && *word & bit == 0 => {
                *word |= bit
            }
            _ => return Err(InterfaceError::NoSuchError(*error)),
        }
    }
    for (at, (raised, declared)) in summary.errors.iter().zip(&declared).enumerate() {
        let beyond = raised & !declared;
        if beyond != 0 {
            return Err(InterfaceError::UndeclaredError(
                at as u32 * 64 + beyond.trailing_zeros(),
            ));
        }
    }
    Ok(())
}
