//! Random schedules of append, truncate, purge, vote and reopen over the simulated disk, with a crash somewhere in each
//! round. Always true for an honest disk: what was answered is there, exactly, in order; what was in flight is there
//! wholly or not at all; nothing else is. A disk that lies must be caught: otherwise this harness proves nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use rc_log::{
    Durability, EntryId, EntryKind, EntryRef, Failpoints, Honesty, Log, OpenError, Options, Point,
    SimulatedDisk, Vote, WriteError,
};

const SEGMENT_BYTES: u64 = 64 << 10;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 20) % bound
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Item {
    id: EntryId,
    kind: EntryKind,
    /// The payload is a function of this number and length.
    stamp: u64,
    bytes: usize,
}

fn payload(stamp: u64, bytes: usize) -> Vec<u8> {
    let mut random = Random(stamp | 1);
    (0..bytes).map(|_| random.next() as u8).collect()
}

/// What the log should hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Model {
    items: VecDeque<Item>,
    purged: Option<EntryId>,
}

impl Model {
    fn last(&self) -> Option<EntryId> {
        self.items.back().map(|item| item.id).or(self.purged)
    }

    fn next_index(&self) -> u64 {
        self.last().map_or(0, |last| last.index + 1)
    }

    fn matches(&self, log: &Log) -> Result<(), String> {
        if (log.last(), log.purged()) != (self.last(), self.purged) {
            return Err(format!(
                "last {:?}, purged {:?} where {:?}, {:?} was expected",
                log.last(),
                log.purged(),
                self.last(),
                self.purged
            ));
        }
        let first = self
            .items
            .front()
            .map_or_else(|| self.next_index(), |item| item.id.index);
        let mut found = log.entries_from(first);
        for item in &self.items {
            let entry = match found.next() {
                Some(Ok(entry)) => entry,
                other => return Err(format!("entry {} is {other:?}", item.id)),
            };
            if entry.id() != item.id
                || entry.kind != item.kind
                || entry.payload != payload(item.stamp, item.bytes)
            {
                return Err(format!("entry {} is not what was appended", item.id));
            }
        }
        match found.next() {
            None => Ok(()),
            Some(phantom) => Err(format!("a phantom: {phantom:?}")),
        }
    }
}

struct Harness {
    random: Random,
    disk: SimulatedDisk,
    options: Options,
    /// All states that a power cut may leave; the last is the current one.
    states: Vec<Model>,
    /// States before this one cannot be: the process was only killed.
    floor: usize,
    /// Since the last open that went well, power was cut or the disk failed: a kill need not keep all that was answered.
    cache_is_suspect: bool,
    votes: Vec<Option<Vote>>,
    committed: Vec<Option<EntryId>>,
    stamp: u64,
    torn_tails: u64,
}

fn options(durability: Durability, failpoints: &Failpoints) -> Options {
    Options {
        segment_bytes: SEGMENT_BYTES,
        durability,
        spare_segments: 1,
        prepare_in_background: false,
        identity: Some(7),
        failpoints: failpoints.clone(),
    }
}

impl Harness {
    fn new(
        seed: u64,
        honesty: Honesty,
        durability: Durability,
        failpoints: &Failpoints,
    ) -> Harness {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let disk = SimulatedDisk::new(seed, honesty);
        disk.set_short_writes(random.one_in(3));
        Harness {
            random,
            disk,
            options: options(durability, failpoints),
            states: vec![Model::default()],
            floor: 0,
            cache_is_suspect: false,
            votes: vec![None],
            committed: vec![None],
            stamp: 0,
            torn_tails: 0,
        }
    }

    fn run(&mut self, rounds: u64) -> Result<(), String> {
        for _ in 0..rounds {
            // Mostly a crash soon, so that it falls into short stretches too; sometimes an error of the disk.
            let distance = match self.random.below(3) {
                0 => self.random.below(20),
                1 => self.random.below(80),
                _ => self.random.below(400),
            };
            if self.random.one_in(5) {
                self.disk.fail_after(distance);
            } else {
                self.disk.crash_after(distance);
            }
            self.round()?;
            if self.random.one_in(4) {
                self.disk.kill();
                if !self.cache_is_suspect {
                    self.floor = self.floor.max(self.states.len().saturating_sub(2));
                }
            } else {
                self.disk.power_cut();
                self.floor = 0;
                self.cache_is_suspect = true;
            }
        }
        let mut log = self
            .open()?
            .map_err(|error| format!("the last open failed: {error}"))?;
        self.append(&mut log)?
            .map_err(|error| format!("the last append failed: {error}"))?;
        Ok(())
    }

    /// Opens and works until the crash, or for a while. `Err` is a violation.
    fn round(&mut self) -> Result<(), String> {
        let mut log = match self.open()? {
            Ok(log) => log,
            Err(_) => return Ok(()),
        };
        for _ in 0..60 {
            let outcome = match self.random.below(20) {
                0..=11 => self.append(&mut log)?,
                12..=13 => self.truncate(&mut log),
                14..=16 => self.purge(&mut log),
                17..=18 => self.vote(&mut log),
                _ => self.sync(&mut log),
            };
            match outcome {
                Ok(()) => {}
                Err(_) if self.disk.has_crashed() => return Ok(()),
                Err(WriteError::Halted(halt)) => {
                    self.floor = 0;
                    self.cache_is_suspect = true;
                    // The same answer to every later write, and nothing of it reaches the disk.
                    let before = self.disk.operations();
                    for _ in 0..3 {
                        match self.append_once(&mut log, EntryKind::BLANK, 10) {
                            Err(WriteError::Halted(again))
                                if again.to_string() == halt.to_string() =>
                            {
                                self.states.pop();
                            }
                            other => {
                                return Err(format!("after {halt}, a write answered {other:?}"));
                            }
                        }
                    }
                    if self.disk.operations() != before {
                        return Err("a halted log wrote".into());
                    }
                    return Ok(());
                }
                Err(other) => return Err(format!("unexpected: {other}")),
            }
        }
        Ok(())
    }

    /// Opens and compares. The inner error is a crash or an injected error; anything else is a violation.
    fn open(&mut self) -> Result<Result<Log, OpenError>, String> {
        match Log::open(Arc::new(self.disk.clone()), self.options.clone()) {
            Ok((log, recovery)) => {
                self.torn_tails += u64::from(recovery.torn_tail.is_some());
                self.compare(&log)?;
                Ok(Ok(log))
            }
            Err(error) if self.disk.has_crashed() => Ok(Err(error)),
            // The injected error, and no other.
            Err(error @ OpenError::Disk { .. }) if error.to_string().contains("(os error 5)") => {
                self.floor = 0;
                self.cache_is_suspect = true;
                Ok(Err(error))
            }
            Err(error) => Err(format!("refused to open: {error}")),
        }
    }

    fn compare(&mut self, log: &Log) -> Result<(), String> {
        let mut why = String::new();
        let mut hit = None;
        for state in self.states[self.floor..].iter().rev() {
            match state.matches(log) {
                Ok(()) => {
                    hit = Some(state.clone());
                    break;
                }
                Err(difference) => why = format!("{why}; {difference}"),
            }
        }
        self.states = vec![hit.ok_or_else(|| format!("no allowed state: {why}"))?];
        self.floor = 0;
        self.cache_is_suspect = false;
        if !self.votes.contains(&log.vote()) {
            return Err(format!("vote {:?} is none of {:?}", log.vote(), self.votes));
        }
        self.votes = vec![log.vote()];
        if !self.committed.contains(&log.committed()) {
            return Err(format!("committed {:?} was never saved", log.committed()));
        }
        Ok(())
    }

    fn current(&self) -> &Model {
        &self.states[self.states.len() - 1]
    }

    /// The operation was answered: a power cut may leave only what is durable.
    fn settle(&mut self, durable: bool) {
        if durable {
            self.states.drain(..self.states.len() - 1);
            self.floor = 0;
        }
    }

    fn append(&mut self, log: &mut Log) -> Result<Result<(), WriteError>, String> {
        let kind = if self.random.one_in(10) {
            EntryKind::MEMBERSHIP
        } else {
            EntryKind::COMMANDS
        };
        let bytes = match self.random.below(4) {
            0 => self.random.below(100),
            1 => self.random.below(5000),
            2 => 4096,
            _ => self.random.below(11_000),
        };
        if self.random.one_in(6) {
            self.committed.push(log.last());
            log.save_committed(log.last());
        }
        match self.append_once(log, kind, bytes as usize) {
            Ok(durable) => {
                if !durable
                    && (self.options.durability == Durability::Disk
                        || kind == EntryKind::MEMBERSHIP)
                {
                    return Err("an append answered before it was durable".into());
                }
                self.settle(durable);
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    fn append_once(
        &mut self,
        log: &mut Log,
        kind: EntryKind,
        bytes: usize,
    ) -> Result<bool, WriteError> {
        let mut after = self.current().clone();
        let count = 1 + self.random.below(3);
        let mut owned = Vec::new();
        for _ in 0..count {
            self.stamp += 1;
            let term = after
                .last()
                .map_or(1, |last| last.term + self.random.below(8) / 7);
            let id = EntryId {
                term,
                index: after.next_index(),
            };
            after.items.push_back(Item {
                id,
                kind,
                stamp: self.stamp,
                bytes,
            });
            owned.push((id, payload(self.stamp, bytes)));
        }
        let entries: Vec<EntryRef<'_>> = owned
            .iter()
            .map(|(id, payload)| EntryRef {
                term: id.term,
                index: id.index,
                kind,
                payload,
            })
            .collect();
        self.states.push(after);
        let appended = log.append(&entries)?;
        Ok(appended.is_some_and(|appended| appended.durable))
    }

    fn truncate(&mut self, log: &mut Log) -> Result<(), WriteError> {
        let mut after = self.current().clone();
        let keep = self.random.below(after.items.len() as u64 + 1) as usize;
        let from = after
            .items
            .get(keep)
            .map_or(after.next_index(), |item| item.id.index);
        let changes = keep < after.items.len();
        after.items.truncate(keep);
        self.states.push(after);
        log.truncate_from(from)?;
        self.settle(changes || self.options.durability == Durability::Disk);
        Ok(())
    }

    fn purge(&mut self, log: &mut Log) -> Result<(), WriteError> {
        let mut after = self.current().clone();
        let through = if self.random.one_in(12) {
            // A snapshot that is ahead of the log.
            EntryId {
                term: after.last().map_or(1, |last| last.term),
                index: after.next_index() + 3,
            }
        } else {
            let count = self.random.below(after.items.len() as u64 + 1) as usize;
            match after.items.get(count) {
                Some(item) => item.id,
                None => return Ok(()),
            }
        };
        after.items.retain(|item| item.id.index > through.index);
        after.purged = Some(through);
        self.states.push(after);
        log.purge_to(through)?;
        self.settle(true);
        Ok(())
    }

    fn vote(&mut self, log: &mut Log) -> Result<(), WriteError> {
        let vote = Vote {
            term: self.random.below(50),
            voted_for: (!self.random.one_in(4)).then(|| self.random.below(5)),
            committed: self.random.one_in(2),
        };
        self.votes.push(Some(vote));
        log.save_vote(vote)?;
        self.votes = vec![Some(vote)];
        Ok(())
    }

    fn sync(&mut self, log: &mut Log) -> Result<(), WriteError> {
        log.sync()?;
        self.settle(true);
        Ok(())
    }
}

fn run_schedules(seeds: std::ops::Range<u64>, durability: Durability) -> Failpoints {
    let failpoints = Failpoints::default();
    let mut torn_tails = 0;
    for seed in seeds {
        let mut harness = Harness::new(seed, Honesty::FULL, durability, &failpoints);
        if let Err(violation) = harness.run(6) {
            panic!("seed {seed}, {durability:?}: {violation}");
        }
        torn_tails += harness.torn_tails;
    }
    for point in Point::ALL {
        println!(
            "{durability:?} {point:?}: entered {}, interrupted {}",
            failpoints.entered(point),
            failpoints.interrupted(point)
        );
    }
    println!("{durability:?}: torn tails cut {torn_tails}");
    assert!(torn_tails > 0, "no run left a torn tail");
    failpoints
}

fn assert_interrupted_everywhere(failpoints: &Failpoints) {
    for point in Point::ALL {
        assert!(
            failpoints.interrupted(point) > 0,
            "no crash fell into {point:?}"
        );
    }
}

#[test]
fn what_was_answered_survives_on_disk() {
    assert_interrupted_everywhere(&run_schedules(1..3001, Durability::Disk));
}

#[test]
fn what_was_synced_survives_in_memory_mode() {
    assert_interrupted_everywhere(&run_schedules(1..2001, Durability::Memory));
}

/// The share of schedules, of 100, in which the harness finds something wrong.
fn violations(honesty: Honesty, durability: Durability) -> usize {
    let failpoints = Failpoints::default();
    (1..101)
        .filter(|seed| {
            Harness::new(*seed, honesty, durability, &failpoints)
                .run(6)
                .is_err()
        })
        .count()
}

#[test]
fn a_disk_that_does_not_sync_is_caught() {
    for durability in [Durability::Disk, Durability::Memory] {
        let caught = violations(
            Honesty {
                file_syncs: false,
                folder_syncs: true,
            },
            durability,
        );
        println!("{durability:?}: {caught} of 100 schedules found lost data with file syncs off");
        assert!(caught > 50, "{caught}");
        let caught = violations(
            Honesty {
                file_syncs: true,
                folder_syncs: false,
            },
            durability,
        );
        println!("{durability:?}: {caught} of 100 schedules found lost data with folder syncs off");
        assert!(caught > 20, "{caught}");
        assert_eq!(violations(Honesty::FULL, durability), 0);
    }
}
