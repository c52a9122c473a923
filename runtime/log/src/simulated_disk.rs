//! The simulated twin of the disk seam: for each file a synced image and the sectors written since, for the folder the
//! names synced and the changes since. A power cut keeps, drops, reorders and tears the pending sectors (512 bytes) and
//! forgets renames and creations; killing the process keeps the page cache, and keeps it pending. Always true: the same
//! seed and the same calls give the same disk.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, Syncing, WriteStyle};
use crate::limits::{BLOCK_BYTES, SECTOR_BYTES};
use crate::simulated_state::{EIO, Honesty, NameChange, Node, Sector, State, crashed, put_sector};

/// A disk in memory that crashes when told. Clones are the same disk.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

impl SimulatedDisk {
    /// An empty folder.
    pub fn new(seed: u64, honesty: Honesty) -> SimulatedDisk {
        SimulatedDisk(Arc::new(Mutex::new(State::new(seed, honesty))))
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
