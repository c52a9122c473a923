//! The kills: at random moments, while recovering, while deploying, at each failpoint, and with the log's tail torn by
//! hand. After every one the server is started again and everything is compared.

use crate::client::Client;
use crate::failure::{Failure, on_files};
use crate::ledger::Ledger;
use crate::load::{Until, Versions, load};
use crate::log_file;
use crate::random::Random;
use crate::server::{Server, Setup, Started};
use std::collections::BTreeMap;
use std::time::Duration;

const CLIENTS: u64 = 6;
/// How often a failpoint that was not reached is tried again at the end.
const TRIES_MORE: u32 = 2;
/// A new directory has all its segments by then.
const FIRST_START_TIME_MAX: Duration = Duration::from_secs(3);
/// Long enough for several deploys.
const DEPLOYING_TIME: Duration = Duration::from_secs(3);
/// Deploys under load without which a run has not shown that they fail no request.
const DEPLOYS_MIN: u64 = 8;
/// Longer than the lying disk holds writes back.
const LIE_TIME: Duration = Duration::from_secs(1);

/// Where a server can be ended on purpose: the step, how to aim at it, and what is needed to reach it.
#[derive(Clone, Copy, Debug)]
pub struct Failpoint {
    pub step: &'static str,
    /// `COUNT` or `COUNT:OPERATIONS`.
    aim: &'static str,
    reached: Reached,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// By load.
    Loaded,
    /// By deploys under load.
    Deploying,
    /// By starting.
    Starting,
    /// By starting after a kill in the middle of a checkpoint.
    StartingAfter(&'static str),
    /// By starting with a torn tail.
    StartingTorn,
    /// By the first start, in an empty directory.
    StartingEmpty,
}

const fn point(step: &'static str, aim: &'static str, reached: Reached) -> Failpoint {
    Failpoint { step, aim, reached }
}

/// All of them. `truncating the log` is missing: only a log that lost an election truncates, and one node loses none.
pub const FAILPOINTS: [Failpoint; 34] = [
    point("appending to the log", "40", Reached::Loaded),
    point("appending to the log", "60:1", Reached::Loaded),
    point("passing on a durable batch", "50", Reached::Loaded),
    point("applying a batch", "45", Reached::Loaded),
    point("answering a batch", "55", Reached::Loaded),
    point("rolling to the next segment", "1", Reached::Loaded),
    point("rolling to the next segment", "2:3", Reached::Loaded),
    point("writing a segment header", "2:2", Reached::Loaded),
    point("writing the log state", "1:1", Reached::Loaded),
    point("preparing a segment", "1:3", Reached::StartingEmpty),
    point("preparing a segment", "2:4", Reached::StartingEmpty),
    point("cutting a checkpoint", "2", Reached::Loaded),
    point("syncing events", "2", Reached::Loaded),
    point("writing pages", "2", Reached::Loaded),
    point("flushing pages", "2", Reached::Loaded),
    point("writing the first superblock", "2", Reached::Loaded),
    point(
        "deleting leftover pages",
        "1",
        Reached::StartingAfter("writing the first superblock:2"),
    ),
    point("finishing the first superblock", "2", Reached::Loaded),
    point("renaming the first superblock", "2", Reached::Loaded),
    point(
        "syncing the directory after the first superblock",
        "2",
        Reached::Loaded,
    ),
    point("writing the second superblock", "2", Reached::Loaded),
    point("finishing the second superblock", "1", Reached::Loaded),
    point("renaming the second superblock", "2", Reached::Loaded),
    point(
        "syncing the directory after the second superblock",
        "1",
        Reached::Loaded,
    ),
    point("deleting old pages", "2", Reached::Loaded),
    point("finishing a checkpoint", "2", Reached::Loaded),
    point("purging the log", "2", Reached::Loaded),
    point("freeing a segment", "1", Reached::Loaded),
    point("freeing a segment", "1:1", Reached::Loaded),
    point("activating a deployment", "2", Reached::Deploying),
    point("activating a deployment", "3", Reached::Deploying),
    point("opening the log", "1", Reached::Starting),
    point("replaying a batch", "3", Reached::Starting),
    point("cutting a torn tail", "1", Reached::StartingTorn),
];

/// A run over one data directory.
pub struct Run {
    plain: Setup,
    watched: Setup,
    versions: Option<Versions>,
    clients: Vec<Client>,
    ledger: Ledger,
    random: Random,
    seed: u64,
    hits: BTreeMap<&'static str, u64>,
    pub kills: u64,
    pub torn_tails: u64,
    pub deploys: u64,
}

/// How a round ended.
#[derive(Debug, PartialEq, Eq)]
enum Round {
    /// The kill came where it was meant to.
    Landed,
    /// The failpoint was not reached; the server was killed all the same.
    Missed,
}

impl Run {
    pub fn new(plain: Setup, watched: Setup, seed: u64) -> Run {
        Run {
            plain,
            watched,
            versions: None,
            clients: (1..=CLIENTS)
                .map(|identity| Client::new(seed, identity))
                .collect(),
            ledger: Ledger::default(),
            random: Random::new(seed),
            seed,
            hits: BTreeMap::new(),
            kills: 0,
            torn_tails: 0,
            deploys: 0,
        }
    }

    /// First start and accounts, closed cleanly.
    fn begin(&mut self) -> Result<(), Failure> {
        self.first_start()?.close()
    }

    fn first_start(&mut self) -> Result<Server, Failure> {
        let mut server = Server::start(&self.plain, None)?;
        server.expect_ready()?;
        self.ledger.open_accounts(self.plain.port, self.seed)?;
        self.ledger
            .check(self.plain.port, &self.clients, &mut self.random)?;
        self.versions = Some(Versions::read(&self.plain)?);
        Ok(server)
    }

    /// Everything: `kills` of them at least.
    pub fn all(&mut self, kills: u64) -> Result<(), Failure> {
        self.begin()?;
        for failpoint in FAILPOINTS {
            if self.failpoint(failpoint)? == Round::Missed {
                println!("    not reached: {} ({})", failpoint.step, failpoint.aim);
            }
        }
        for _ in 0..TRIES_MORE {
            for failpoint in FAILPOINTS {
                if !self.hits.contains_key(failpoint.step) {
                    self.failpoint(failpoint)?;
                }
            }
        }
        self.kill_deploying()?;
        let mut turn = 0;
        while self.kills < kills || self.deploys < DEPLOYS_MIN {
            match turn % 4 {
                0 | 2 => self.random_kill(false)?,
                1 => self.random_kill(true)?,
                _ => self.kill_recovering()?,
            }
            turn += 1;
        }
        self.torn_by_hand()?;
        self.end()
    }

    /// A few kills at random moments, and the end.
    pub fn some(&mut self, kills: u64) -> Result<(), Failure> {
        self.begin()?;
        while self.kills < kills {
            self.random_kill(false)?;
        }
        self.end()
    }

    /// The same on a disk that loses what was acknowledged lately.
    pub fn on_lying_disk(&mut self, kills: u64) -> Result<(), Failure> {
        let mut server = self.first_start()?;
        for client in &mut self.clients {
            // Their sessions are to outlast the lie: what is lost then are payments.
            if let Err(answer) = client.pay_once(self.plain.port)? {
                return Failure::violation(format!(
                    "a payment was answered with {}",
                    answer.text()
                ));
            }
        }
        std::thread::sleep(LIE_TIME);
        server.kill()?;
        drop(server);
        while self.kills < kills {
            self.ledger.read_again();
            self.random_kill(false)?;
        }
        self.end()
    }

    /// A clean close leaves everything too.
    fn end(&mut self) -> Result<(), Failure> {
        for _ in 0..2 {
            let mut server = Server::start(&self.plain, None)?;
            server.expect_ready()?;
            self.ledger.read_again();
            self.settle_and_check()?;
            server.close()?;
        }
        Ok(())
    }

    fn settle_and_check(&mut self) -> Result<(), Failure> {
        for client in &mut self.clients {
            client.settle(self.plain.port)?;
        }
        self.ledger
            .check(self.plain.port, &self.clients, &mut self.random)
    }

    /// The same with a server that may abort meanwhile; whether it lives.
    fn settle_and_check_watched(&mut self, server: &mut Server) -> Result<bool, Failure> {
        match self.settle_and_check() {
            Ok(()) => Ok(true),
            Err(Failure::Gone(error)) => match server.wait_end(Duration::from_secs(5))? {
                Some(_) => Ok(false),
                None => Failure::violation(format!(
                    "{error}, while the server lived:\n{}",
                    server.output()
                )),
            },
            Err(failure) => Err(failure),
        }
    }

    fn random_kill(&mut self, deploying: bool) -> Result<(), Failure> {
        let mut server = Server::start(&self.plain, None)?;
        server.expect_ready()?;
        self.settle_and_check()?;
        let most = if deploying { 1_500 } else { 300 };
        let until = Until::Killed(Duration::from_millis(20 + self.random.below(most)));
        let versions = self.versions.as_ref().filter(|_| deploying);
        self.deploys += load(&mut server, &mut self.clients, versions, until)?;
        self.kills += 1;
        Ok(())
    }

    /// Versions in turn under load, without one failed request, until the kill.
    fn kill_deploying(&mut self) -> Result<(), Failure> {
        let mut server = Server::start(&self.plain, None)?;
        server.expect_ready()?;
        self.settle_and_check()?;
        let until = Until::Killed(DEPLOYING_TIME);
        self.deploys += load(
            &mut server,
            &mut self.clients,
            self.versions.as_ref(),
            until,
        )?;
        self.kills += 1;
        Ok(())
    }

    /// Kills it twice on its way up.
    fn kill_recovering(&mut self) -> Result<(), Failure> {
        for _ in 0..2 {
            let mut server = Server::start(&self.plain, None)?;
            std::thread::sleep(Duration::from_millis(self.random.below(250)));
            server.kill()?;
            self.kills += 1;
        }
        Ok(())
    }

    /// A kill at a failpoint, with what leads to it.
    fn failpoint(&mut self, failpoint: Failpoint) -> Result<Round, Failure> {
        let spec = format!("{}:{}", failpoint.step, failpoint.aim);
        match failpoint.reached {
            Reached::Loaded => self.abort(&spec, failpoint.step, false),
            Reached::Deploying => self.abort(&spec, failpoint.step, true),
            Reached::Starting => {
                self.random_kill(false)?;
                self.abort(&spec, failpoint.step, false)
            }
            Reached::StartingAfter(before) => {
                self.abort(before, "", false)?;
                self.abort(&spec, failpoint.step, false)
            }
            Reached::StartingEmpty => self.abort_first_start(&spec, failpoint.step),
            Reached::StartingTorn => {
                self.tear()?;
                self.abort(&spec, failpoint.step, false)?;
                self.expect_torn_tail().map(|()| Round::Landed)
            }
        }
    }

    /// Runs a server that aborts at the failpoint.
    fn abort(&mut self, spec: &str, step: &'static str, deploying: bool) -> Result<Round, Failure> {
        let mut server = Server::start(&self.watched, Some(spec))?;
        if server.wait_ready()? == Started::Ready && self.settle_and_check_watched(&mut server)? {
            let versions = self.versions.as_ref().filter(|_| deploying);
            self.deploys += load(&mut server, &mut self.clients, versions, Until::Aborted)?;
        }
        self.kills += 1;
        let output = server.output_at_end();
        if output.contains("failpoint hit: ") {
            *self.hits.entry(step).or_default() += 1;
            return Ok(Round::Landed);
        }
        match server.ended()? {
            Some(status) if status.code().is_some() => Failure::violation(format!(
                "the server does not start again ({status}):\n{output}"
            )),
            _ if output.contains("panicked at") => {
                Failure::violation(format!("the server panicked:\n{output}"))
            }
            _ => Ok(Round::Missed),
        }
    }

    /// A first start that does not come to its end; the second does, and serves.
    fn abort_first_start(&mut self, spec: &str, step: &'static str) -> Result<Round, Failure> {
        let data = self.plain.data.with_extension("empty");
        let watched = Setup {
            data: data.clone(),
            ..self.watched.clone()
        };
        let mut server = Server::start(&watched, Some(spec))?;
        let hit = server.wait_ready()? != Started::Ready
            || server.wait_end(FIRST_START_TIME_MAX)?.is_some();
        let hit = hit && server.output_at_end().contains("failpoint hit: ");
        server.kill()?;
        self.kills += 1;
        let plain = Setup {
            data: data.clone(),
            ..self.plain.clone()
        };
        let mut server = Server::start(&plain, None)?;
        server.expect_ready()?;
        let mut ledger = Ledger::default();
        ledger.open_accounts(plain.port, self.seed)?;
        ledger.check(plain.port, &[], &mut self.random)?;
        server.close()?;
        on_files("removing a folder", std::fs::remove_dir_all(&data))?;
        if !hit {
            return Ok(Round::Missed);
        }
        *self.hits.entry(step).or_default() += 1;
        Ok(Round::Landed)
    }

    /// Leaves a log whose last unit nobody had an answer to and was not written whole.
    fn tear(&mut self) -> Result<(), Failure> {
        if self.abort(
            "passing on a durable batch:20",
            "passing on a durable batch",
            false,
        )? == Round::Missed
        {
            return Failure::trouble("no batch was passed on");
        }
        log_file::tear_last(&self.plain.data.join("log"))
    }

    fn expect_torn_tail(&mut self) -> Result<(), Failure> {
        let mut server = Server::start(&self.plain, None)?;
        server.expect_ready()?;
        if !server.output().contains("warning: torn tail") {
            return Failure::violation(format!(
                "a torn tail was cut without a warning:\n{}",
                server.output()
            ));
        }
        self.torn_tails += 1;
        self.settle_and_check()?;
        server.kill()?;
        self.kills += 1;
        Ok(())
    }

    fn torn_by_hand(&mut self) -> Result<(), Failure> {
        for _ in 0..2 {
            self.tear()?;
            self.expect_torn_tail()?;
        }
        Ok(())
    }

    /// The table of failpoints, and those that no kill landed in.
    pub fn table(&self) -> Vec<&'static str> {
        let mut missed: Vec<&'static str> = Vec::new();
        println!("\n  {:52} kills", "failpoint");
        for failpoint in FAILPOINTS {
            if missed.contains(&failpoint.step) || self.shown_before(failpoint) {
                continue;
            }
            let hits = self.hits.get(failpoint.step).copied().unwrap_or(0);
            println!(
                "  {:52} {hits:>5}{}",
                failpoint.step,
                if hits == 0 { "  MISSED" } else { "" }
            );
            if hits == 0 {
                missed.push(failpoint.step);
            }
        }
        missed
    }

    fn shown_before(&self, failpoint: Failpoint) -> bool {
        let first = FAILPOINTS.iter().find(|other| other.step == failpoint.step);
        first.is_some_and(|first| first.aim != failpoint.aim)
    }

    pub fn summary(&self) -> String {
        let acknowledged: usize = self
            .clients
            .iter()
            .map(|client| client.acknowledged.len())
            .sum();
        let retried: u64 = self.clients.iter().map(|client| client.retried).sum();
        format!(
            "{} kills, {} checks, {acknowledged} acknowledged payments, {retried} unanswered ones sent again, {} deploys under load, {} torn tails",
            self.kills, self.ledger.checks, self.deploys, self.torn_tails
        )
    }
}
