//! What the simulated disk remembers, and what a crash does to it. Always true: `cached` is what a reader sees, `synced`
//! what is certain to survive, and the pending changes are all that may or may not be added to it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::limits::SECTOR_BYTES;

/// Which promises the disk keeps. A harness must notice when one is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Honesty {
    /// Syncs and durable writes make file contents durable.
    pub file_syncs: bool,
    /// Folder syncs make names durable.
    pub folder_syncs: bool,
}

impl Honesty {
    /// All promises kept.
    pub const FULL: Honesty = Honesty {
        file_syncs: true,
        folder_syncs: true,
    };
}

pub(crate) type Sector = [u8; SECTOR_BYTES];

#[derive(Default)]
pub(crate) struct Node {
    pub synced: Vec<u8>,
    pub cached: Vec<u8>,
    pub pending: Vec<(usize, Box<Sector>)>,
    /// Sectors that a failed sync counted as written though the disk never got them; the page cache still shows them.
    pub lost: BTreeSet<usize>,
}

#[derive(Clone)]
pub(crate) enum NameChange {
    Link(String, u64),
    Unlink(String),
    Rename(String, String, u64),
}

pub(crate) struct State {
    pub random: Random,
    pub honesty: Honesty,
    pub nodes: BTreeMap<u64, Node>,
    pub names: BTreeMap<String, u64>,
    pub synced_names: BTreeMap<String, u64>,
    pub name_changes: Vec<NameChange>,
    pub next_node: u64,
    /// Rises with each crash: handles opened before are dead.
    pub incarnation: u64,
    pub operations: u64,
    pub crash_at: Option<u64>,
    pub crashed: bool,
    pub error_at: Option<u64>,
    pub capacity_bytes: Option<u64>,
    pub short_writes: bool,
}

/// xorshift64*: small, seeded, the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        ((self.next() >> 33) % bound.max(1) as u64) as usize
    }
}

pub(crate) fn crashed() -> io::Error {
    io::Error::other("the simulated machine has crashed")
}

impl State {
    pub fn new(seed: u64, honesty: Honesty) -> State {
        State {
            random: Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            honesty,
            nodes: BTreeMap::new(),
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
            name_changes: Vec::new(),
            next_node: 1,
            incarnation: 0,
            operations: 0,
            crash_at: None,
            crashed: false,
            error_at: None,
            capacity_bytes: None,
            short_writes: false,
        }
    }

    /// Counts a changing operation. `Ok(true)`: the crash happens inside this one.
    pub fn step(&mut self) -> io::Result<bool> {
        if self.crashed {
            return Err(crashed());
        }
        let now = self.operations;
        self.operations += 1;
        if self.crash_at == Some(now) {
            self.crashed = true;
            return Ok(true);
        }
        Ok(false)
    }

    /// The injected error, when it is this operation's turn. Called after `step`.
    pub fn takes_error(&mut self) -> bool {
        let now = self.operations - 1;
        let hit = self.error_at == Some(now);
        if hit {
            self.error_at = None;
        }
        hit
    }

    pub fn restart(&mut self) {
        self.incarnation += 1;
        self.crashed = false;
        self.crash_at = None;
        self.error_at = None;
    }

    pub fn change_names(&mut self, change: NameChange) -> io::Result<()> {
        let crash_now = self.step()?;
        if self.takes_error() {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        apply_name_change(&mut self.names, &change);
        self.name_changes.push(change);
        if crash_now { Err(crashed()) } else { Ok(()) }
    }

    pub fn lose_pending_names(&mut self) {
        let changes = std::mem::take(&mut self.name_changes);
        let policy = self.random.below(4);
        let prefix = self.random.below(changes.len() + 1);
        for (position, change) in changes.iter().enumerate() {
            let kept = match policy {
                0 => false,
                1 => true,
                2 => position < prefix,
                _ => self.random.below(2) == 0,
            };
            if kept {
                apply_name_change(&mut self.synced_names, change);
            }
        }
        self.names = self.synced_names.clone();
    }

    pub fn lose_pending_sectors(&mut self) {
        let policy = self.random.below(6);
        for node in self.nodes.values_mut() {
            let mut pending = std::mem::take(&mut node.pending);
            let chosen = self.random.below(pending.len());
            let kept: Vec<bool> = (0..pending.len())
                .map(|position| match policy {
                    0 => false,
                    1 => true,
                    2 => position <= chosen,
                    3 => position != chosen,
                    4 => position == chosen,
                    _ => self.random.below(2) == 0,
                })
                .collect();
            let mut flags = kept.into_iter();
            pending.retain(|_| flags.next() == Some(true));
            if policy == 5 {
                for position in (1..pending.len()).rev() {
                    pending.swap(position, self.random.below(position + 1));
                }
            }
            for (sector, bytes) in pending {
                put_sector(&mut node.synced, sector, &bytes);
            }
            node.cached = node.synced.clone();
            node.lost.clear();
        }
    }

    fn used_bytes(&self) -> u64 {
        self.names
            .values()
            .filter_map(|node| self.nodes.get(node))
            .map(|node| node.cached.len() as u64)
            .sum()
    }

    pub fn has_room_for(&self, node: u64, length: u64) -> bool {
        let now = self
            .nodes
            .get(&node)
            .map_or(0, |node| node.cached.len() as u64);
        let more = length.saturating_sub(now);
        more == 0
            || self
                .capacity_bytes
                .is_none_or(|capacity| self.used_bytes() + more <= capacity)
    }
}

fn apply_name_change(names: &mut BTreeMap<String, u64>, change: &NameChange) {
    match change {
        NameChange::Link(name, node) => {
            names.insert(name.clone(), *node);
        }
        NameChange::Unlink(name) => {
            names.remove(name);
        }
        NameChange::Rename(from, to, node) => {
            names.remove(from);
            names.insert(to.clone(), *node);
        }
    }
}

pub(crate) fn put_sector(image: &mut Vec<u8>, sector: usize, bytes: &Sector) {
    let at = sector * SECTOR_BYTES;
    if image.len() < at + SECTOR_BYTES {
        image.resize(at + SECTOR_BYTES, 0);
    }
    image[at..at + SECTOR_BYTES].copy_from_slice(bytes);
}

pub(crate) const EIO: i32 = 5;
