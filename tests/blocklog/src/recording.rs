//! A life of the real server on the recorded disk: first start, load, power-like kills, restarts, deploys, a clean close;
//! beside it what the clients sent and were answered, each with the disk's position.

use crate::block_log::BlockLog;
use crate::disk::Disks;
use crate::mount::{self, Mount};
use crash_test::client::Client;
use crash_test::failure::{Failure, on_files};
use crash_test::http::Event;
use crash_test::ledger::Ledger;
use crash_test::load::{Until, Versions, load};
use crash_test::random::Random;
use crash_test::server::{Server, Setup};
use std::fs;
use std::path::Path;
use std::time::Duration;

const CLIENTS: u64 = 6;
const LOAD_TIME: Duration = Duration::from_millis(350);
const DEPLOYING_TIME: Duration = Duration::from_millis(1_200);
/// Longer than the lying disk holds writes back.
const LIE_TIME: Duration = Duration::from_secs(1);

/// What the server was doing from one position to the next.
pub struct Phase {
    pub name: &'static str,
    /// The first position that is no longer in it.
    pub end: usize,
}

pub struct Recording {
    pub log: BlockLog,
    pub phases: Vec<Phase>,
    /// Where the disk stood when all accounts were open and funded.
    pub opened_at: u64,
    /// No power is cut before this position.
    pub first_cut: usize,
    pub clients: Vec<Client>,
    pub ledger: Ledger,
    pub seed: u64,
    pub deploys: u64,
}

impl Recording {
    /// The feed as it was in the end: what was recovered from a prefix has to be a prefix of it.
    pub fn events(&self) -> &[Event] {
        self.ledger.events()
    }

    pub fn phase_of(&self, prefix: usize) -> usize {
        let found = self.phases.iter().position(|phase| prefix < phase.end);
        found.unwrap_or(self.phases.len() - 1)
    }

    pub fn acknowledged(&self) -> usize {
        self.clients
            .iter()
            .map(|client| client.acknowledged.len())
            .sum()
    }
}

struct Recorder<'a> {
    disks: &'a Disks,
    setup: Setup,
    clients: Vec<Client>,
    ledger: Ledger,
    random: Random,
    phases: Vec<Phase>,
    deploys: u64,
}

impl Recorder<'_> {
    fn phase_ends(&mut self, name: &'static str) {
        let end = self.disks.clock().now() as usize;
        self.phases.push(Phase { name, end });
    }

    /// Starts the server again and has it answer what is unanswered.
    fn restart(&mut self) -> Result<Server, Failure> {
        let mut server = Server::start(&self.setup, None)?;
        server.expect_ready()?;
        for client in &mut self.clients {
            client.settle(self.setup.port)?;
        }
        self.check()?;
        self.phase_ends("recovering");
        Ok(server)
    }

    fn check(&mut self) -> Result<(), Failure> {
        self.ledger
            .check(self.setup.port, &self.clients, &mut self.random)
    }

    fn load(
        &mut self,
        mut server: Server,
        versions: Option<&Versions>,
        time: Duration,
    ) -> Result<(), Failure> {
        let until = Until::Killed(time);
        self.deploys += load(&mut server, &mut self.clients, versions, until)?;
        self.phase_ends(if versions.is_some() {
            "load with deploys"
        } else {
            "load"
        });
        Ok(())
    }
}

/// Records a life on a fresh file system; `point` is where that is mounted meanwhile.
pub fn record(
    disks: &Disks,
    point: &Path,
    setup: &Setup,
    seed: u64,
    is_lying: bool,
) -> Result<Recording, Failure> {
    mount::format(&disks.recorded())?;
    let mounted = Mount::new(&disks.recorded(), point)?;
    on_files("syncing the disk", sync(mounted.point()))?;
    disks.start_recording();
    let clock = disks.clock();
    let mut recorder = Recorder {
        disks,
        setup: Setup {
            data: mounted.point().join("data"),
            ..setup.clone()
        },
        clients: (1..=CLIENTS)
            .map(|identity| Client::new(seed, identity).on(clock))
            .collect(),
        ledger: Ledger::on(clock),
        random: Random::new(seed),
        phases: Vec::new(),
        deploys: 0,
    };
    let mut server = Server::start(&recorder.setup, None)?;
    server.expect_ready()?;
    recorder.phase_ends("first start");
    recorder.ledger.open_accounts(recorder.setup.port, seed)?;
    let opened_at = clock.now();
    recorder.check()?;
    let mut first_cut = 1;
    if is_lying {
        // The accounts are to outlast the lie: what is lost then are payments.
        std::thread::sleep(LIE_TIME);
        on_files("syncing the disk", sync(mounted.point()))?;
        first_cut = clock.now() as usize;
    }
    let versions = Versions::read(&recorder.setup)?;
    recorder.load(server, None, LOAD_TIME)?;
    if !is_lying {
        let server = recorder.restart()?;
        recorder.load(server, Some(&versions), DEPLOYING_TIME)?;
        let server = recorder.restart()?;
        recorder.load(server, None, LOAD_TIME)?;
        let mut server = recorder.restart()?;
        recorder.ledger.read_again();
        recorder.check()?;
        server.close()?;
        recorder.phase_ends("closing");
    }
    let log = disks.stop_recording();
    mounted.end()?;
    let Recorder {
        clients,
        ledger,
        phases,
        deploys,
        ..
    } = recorder;
    Ok(Recording {
        log,
        phases,
        opened_at,
        first_cut,
        clients,
        ledger,
        seed,
        deploys,
    })
}

/// Makes all of a file system durable, by the one call that asks for it.
fn sync(point: &Path) -> std::io::Result<()> {
    let file = fs::File::open(point)?;
    file.sync_all()?;
    let status = std::process::Command::new("sync")
        .arg("-f")
        .arg(point)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(std::io::Error::other("sync -f failed"))
    }
}
