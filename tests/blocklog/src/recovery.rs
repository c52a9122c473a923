//! What must be true after a power cut: the file system mounts, the server starts, and by then-clients' lists everything
//! acknowledged is there exactly once, nothing is there that nobody had sent, and what was there comes from the one history.

use crate::cuts::Cut;
use crate::disk::Disks;
use crate::mount::Mount;
use crate::recording::Recording;
use crash_test::client::Client;
use crash_test::failure::Failure;
use crash_test::http::Event;
use crash_test::ledger::Ledger;
use crash_test::random::Random;
use crash_test::server::{Server, Setup};
use std::path::Path;

/// Counts over all cuts, to show that the cuts hit something.
#[derive(Default)]
pub struct Found {
    pub recoveries: u64,
    /// Cuts after which some sector does not have what was written to it last, and how many such sectors there were.
    pub cuts_with_loss: u64,
    pub sectors_lost: usize,
    pub torn_tails: u64,
    /// Recoveries that began with a checkpoint.
    pub from_checkpoint: u64,
    /// Unanswered payments that were sent again, and were done before.
    pub settled: u64,
    /// Payments that were acknowledged before a cut, over all cuts.
    pub acknowledged: usize,
}

/// Mounts the replayed disk, starts the server on it and compares.
pub fn check(
    disks: &Disks,
    point: &Path,
    setup: &Setup,
    recording: &Recording,
    cut: Cut,
    found: &mut Found,
) -> Result<(), Failure> {
    let mounted = Mount::new(&disks.replayed(), point)?;
    let setup = Setup {
        data: mounted.point().join("data"),
        ..setup.clone()
    };
    let mut server = Server::start(&setup, None)?;
    server.expect_ready()?;
    let output = server.output();
    found.recoveries += 1;
    found.torn_tails += u64::from(output.contains("warning: torn tail"));
    let has_checkpoint =
        output.contains("checkpoint at op ") && !output.contains("checkpoint at op 0,");
    found.from_checkpoint += u64::from(has_checkpoint);
    let position = cut.prefix as u64;
    let mut random = Random::new(position);
    let mut clients: Vec<Client> = recording
        .clients
        .iter()
        .map(|client| client.as_of(position))
        .collect();
    found.acknowledged += clients
        .iter()
        .map(|client| client.acknowledged.len())
        .sum::<usize>();
    let mut ledger = recording.ledger.as_of(position);
    if position < recording.opened_at {
        // Some accounts are missing; opening them again, each by its key, does what was not done.
        ledger.open_accounts(setup.port, recording.seed)?;
        ledger.check(setup.port, &clients, &mut random)?;
    } else {
        ledger.check(setup.port, &clients, &mut random)?;
        check_history(&ledger, recording.events())?;
    }
    // What had no answer gets one now, the same that it may have had; then a payment more from everyone.
    for client in &mut clients {
        client.settle(setup.port)?;
        found.settled += client.retried;
        pay(client, setup.port)?;
    }
    ledger.check(setup.port, &clients, &mut random)?;
    server.kill()?;
    mounted.end()
}

fn pay(client: &mut Client, port: u16) -> Result<(), Failure> {
    match client.pay_once(port)? {
        Ok(()) => Ok(()),
        Err(answer) => Failure::violation(format!(
            "after recovery a payment was answered with {}",
            answer.text()
        )),
    }
}

/// The recovered events, but for the check's own mark, are the beginning of those of the whole life.
fn check_history(ledger: &Ledger, history: &[Event]) -> Result<(), Failure> {
    let recovered = ledger.events();
    let recovered = &recovered[..recovered.len().saturating_sub(1)];
    for (index, event) in recovered.iter().enumerate() {
        if history.get(index) != Some(event) {
            return Failure::violation(format!(
                "event {index} is {event:?} and was {:?} when it happened",
                history.get(index)
            ));
        }
    }
    Ok(())
}
