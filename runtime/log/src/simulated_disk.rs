//! The simulated twin of the disk seam: for each file a synced image and the sectors written since, for the folder the
//! names synced and the changes since. A power cut keeps, drops, reorders and tears the pending sectors (512 bytes) and
//! forgets renames and creations; killing the process keeps the page cache, and keeps it pending. Always true: the same
//! seed and the same calls give the same disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, Syncing, WriteStyle};
use crate::limits::{BLOCK_BYTES, SECTOR_BYTES};

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

/// A disk in memory that crashes when told. Clones are the same disk.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

type Sector = [u8; SECTOR_BYTES];

#[derive(Default)]
struct Node {
    synced: Vec<u8>,
    cached: Vec<u8>,
    pending: Vec<(usize, Box<Sector>)>,
    /// Sectors that a failed sync counted as written though the disk never got them; the page cache still shows them.
    lost: BTreeSet<usize>,
}

#[derive(Clone)]
enum NameChange {
    Link(String, u64),
    Unlink(String),
    Rename(String, String, u64),
}

struct State {
    random: Random,
    honesty: Honesty,
    nodes: BTreeMap<u64, Node>,
    names: BTreeMap<String, u64>,
    synced_names: BTreeMap<String, u64>,
    name_changes: Vec<NameChange>,
    next_node: u64,
    /// Rises with each crash: handles opened before are dead.
    incarnation: u64,
    operations: u64,
    crash_at: Option<u64>,
    crashed: bool,
    error_at: Option<u64>,
    capacity_bytes: Option<u64>,
    short_writes: bool,
}

/// xorshift64*: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        ((self.next() >> 33) % bound.max(1) as u64) as usize
    }
}

impl SimulatedDisk {
    /// An empty folder.
    pub fn new(seed: u64, honesty: Honesty) -> SimulatedDisk {
        SimulatedDisk(Arc::new(Mutex::new(State {
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
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changing operations so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Crashes inside the changing operation that is `after` operations away (0: the next one): it and all later ones
    /// fail, until `power_cut` or `kill`.
    pub fn crash_after(&self, after: u64) {
        let mut state = self.state();
        state.crash_at = Some(state.operations + after);
    }

    /// The crash has happened.
    pub fn has_crashed(&self) -> bool {
        self.state().crashed
    }

    /// Fails one changing operation with `EIO`, `after` operations away; later ones succeed.
    pub fn fail_after(&self, after: u64) {
        let mut state = self.state();
        state.error_at = Some(state.operations + after);
    }

    /// Limits the sum of all file lengths; beyond it, no space.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity_bytes = bytes;
    }

    /// Lets writes take fewer bytes than given, as the real call may.
    pub fn set_short_writes(&self, short: bool) {
        self.state().short_writes = short;
    }

    /// The machine loses power: of everything pending, some survives.
    pub fn power_cut(&self) {
        let mut state = self.state();
        state.lose_pending_names();
        state.lose_pending_sectors();
        state.restart();
    }

    /// The process is killed: the page cache stays, and stays pending.
    pub fn kill(&self) {
        self.state().restart();
    }

    /// Flips one bit of a file, as rot does.
    pub fn flip_bit(&self, name: &str, position: u64, bit: u8) -> bool {
        let mut state = self.state();
        let Some(node) = state.names.get(name).copied() else {
            return false;
        };
        let Some(node) = state.nodes.get_mut(&node) else {
            return false;
        };
        for image in [&mut node.synced, &mut node.cached] {
            if let Some(byte) = image.get_mut(position as usize) {
                *byte ^= 1 << (bit % 8);
            }
        }
        true
    }

    /// A file's bytes as a reader sees them.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        Some(state.nodes.get(state.names.get(name)?)?.cached.clone())
    }
}

fn crashed() -> io::Error {
    io::Error::other("the simulated machine has crashed")
}

impl State {
    /// Counts a changing operation. `Ok(true)`: the crash happens inside this one.
    fn step(&mut self) -> io::Result<bool> {
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
    fn takes_error(&mut self) -> bool {
        let now = self.operations - 1;
        let hit = self.error_at == Some(now);
        if hit {
            self.error_at = None;
        }
        hit
    }

    fn restart(&mut self) {
        self.incarnation += 1;
        self.crashed = false;
        self.crash_at = None;
        self.error_at = None;
    }

    fn change_names(&mut self, change: NameChange) -> io::Result<()> {
        let crash_now = self.step()?;
        if self.takes_error() {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        apply_name_change(&mut self.names, &change);
        self.name_changes.push(change);
        if crash_now { Err(crashed()) } else { Ok(()) }
    }

    fn lose_pending_names(&mut self) {
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

    fn lose_pending_sectors(&mut self) {
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

    fn has_room_for(&self, node: u64, length: u64) -> bool {
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

fn put_sector(image: &mut Vec<u8>, sector: usize, bytes: &Sector) {
    let at = sector * SECTOR_BYTES;
    if image.len() < at + SECTOR_BYTES {
        image.resize(at + SECTOR_BYTES, 0);
    }
    image[at..at + SECTOR_BYTES].copy_from_slice(bytes);
}

const EIO: i32 = 5;

impl Disk for SimulatedDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        if state.crashed {
            Err(crashed())
        } else {
            Ok(state.names.keys().cloned().collect())
        }
    }

    fn open(&self, name: &str, style: WriteStyle) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state();
        if state.crashed {
            return Err(crashed());
        }
        let node = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimulatedFile {
            disk: self.clone(),
            node,
            style,
            incarnation: state.incarnation,
        }))
    }

    fn create(&self, name: &str, style: WriteStyle) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let node = state.next_node;
        state.next_node += 1;
        state.nodes.insert(node, Node::default());
        state.change_names(NameChange::Link(name.to_string(), node))?;
        let incarnation = state.incarnation;
        Ok(Arc::new(SimulatedFile {
            disk: self.clone(),
            node,
            style,
            incarnation,
        }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let node = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.change_names(NameChange::Rename(from.to_string(), to.to_string(), node))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        if !state.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_names(NameChange::Unlink(name.to_string()))
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.state();
        let crash_now = state.step()?;
        if state.takes_error() {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        if crash_now {
            return Err(crashed());
        }
        if state.honesty.folder_syncs {
            state.synced_names = state.names.clone();
            state.name_changes.clear();
        }
        Ok(())
    }

    fn syncing(&self) -> Syncing {
        Syncing::Simulated
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    node: u64,
    style: WriteStyle,
    incarnation: u64,
}

impl SimulatedFile {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        if state.incarnation == self.incarnation {
            Ok(state)
        } else {
            Err(crashed())
        }
    }

    /// Direct writes and reads must be aligned; the simulation asks it of all.
    fn check_aligned(offset: u64, length: usize) -> io::Result<()> {
        if offset.is_multiple_of(BLOCK_BYTES as u64) && length.is_multiple_of(BLOCK_BYTES) {
            Ok(())
        } else {
            Err(io::ErrorKind::InvalidInput.into())
        }
    }
}

impl DiskFile for SimulatedFile {
    fn length_bytes(&self) -> io::Result<u64> {
        let state = self.state()?;
        Ok(state
            .nodes
            .get(&self.node)
            .map_or(0, |node| node.cached.len() as u64))
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        let state = self.state()?;
        if state.has_room_for(self.node, bytes) {
            Ok(())
        } else {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        SimulatedFile::check_aligned(offset, into.len())?;
        let state = self.state()?;
        if state.crashed {
            return Err(crashed());
        }
        let Some(node) = state.nodes.get(&self.node) else {
            return Ok(0);
        };
        let from = (offset as usize).min(node.cached.len());
        let count = into.len().min(node.cached.len() - from);
        into[..count].copy_from_slice(&node.cached[from..from + count]);
        if self.style != WriteStyle::Cached {
            // A direct read sees the disk, not the cache.
            for sector in node
                .lost
                .range(from / SECTOR_BYTES..(from + count) / SECTOR_BYTES)
            {
                let at = sector * SECTOR_BYTES;
                let on_disk = node
                    .synced
                    .get(at..at + SECTOR_BYTES)
                    .unwrap_or(&[0; SECTOR_BYTES]);
                into[at - from..at - from + SECTOR_BYTES].copy_from_slice(on_disk);
            }
        }
        Ok(count)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        SimulatedFile::check_aligned(offset, bytes.len())?;
        let mut state = self.state()?;
        let crash_now = state.step()?;
        if !state.has_room_for(self.node, offset + bytes.len() as u64) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let failed = state.takes_error();
        // Short by any number of bytes; what the disk took is whole sectors all the same.
        let count = if state.short_writes && state.random.below(3) == 0 {
            state.random.below(bytes.len()) + 1
        } else {
            bytes.len()
        };
        let durable =
            self.style == WriteStyle::Durable && state.honesty.file_syncs && !crash_now && !failed;
        let Some(node) = state.nodes.get_mut(&self.node) else {
            return Err(crashed());
        };
        let first = offset as usize / SECTOR_BYTES;
        for (position, sector) in bytes[..count].chunks_exact(SECTOR_BYTES).enumerate() {
            let mut boxed: Box<Sector> = Box::new([0; SECTOR_BYTES]);
            boxed.copy_from_slice(sector);
            put_sector(&mut node.cached, first + position, &boxed);
            node.lost.remove(&(first + position));
            if durable {
                node.pending
                    .retain(|(pending, _)| *pending != first + position);
                put_sector(&mut node.synced, first + position, &boxed);
            } else {
                node.pending.push((first + position, boxed));
            }
        }
        if failed {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        if crash_now { Err(crashed()) } else { Ok(count) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state()?;
        let crash_now = state.step()?;
        let failed = state.takes_error();
        if crash_now {
            return Err(crashed());
        }
        let honest = state.honesty.file_syncs;
        let lost = state.random.below(usize::MAX >> 34);
        let Some(node) = state.nodes.get_mut(&self.node) else {
            return Err(crashed());
        };
        if failed {
            // As Linux does: the error is told once, the pages count as clean, and some were never written.
            let pending = std::mem::take(&mut node.pending);
            for (position, (sector, bytes)) in pending.into_iter().enumerate() {
                if (lost >> (position % 30)) & 1 == 0 {
                    node.lost.remove(&sector);
                    put_sector(&mut node.synced, sector, &bytes);
                } else {
                    node.lost.insert(sector);
                }
            }
            return Err(io::Error::from_raw_os_error(EIO));
        }
        if honest {
            for (sector, bytes) in std::mem::take(&mut node.pending) {
                put_sector(&mut node.synced, sector, &bytes);
            }
        }
        Ok(())
    }

    fn style(&self) -> WriteStyle {
        self.style
    }
}
