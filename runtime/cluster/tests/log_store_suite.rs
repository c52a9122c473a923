//! openraft's published test suite for log stores, over the simulated disk and over real files.

mod state_machine;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as AtomicOrdering};

use openraft::testing::{StoreBuilder, Suite};
use openraft::{StorageError, StorageIOError};
use rc_cluster::{LogStore, NodeTypes, Ordering};
use rc_log::{Disk, Honesty, Log, Options, RealDisk, SimulatedDisk};
use state_machine::ListMachine;

fn store(disk: Arc<dyn Disk>, in_background: bool) -> LogStore {
    let options = Options {
        segment_bytes: 64 << 10,
        spare_segments: 1,
        prepare_in_background: in_background,
        ..Options::default()
    };
    let (log, _) = Log::open(disk, options).expect("a new log opens");
    LogStore::new(Ordering::start(log).expect("the thread starts").0)
}

struct Simulated(AtomicU64);

impl StoreBuilder<NodeTypes, LogStore, ListMachine> for Simulated {
    async fn build(&self) -> Result<((), LogStore, ListMachine), StorageError<u64>> {
        let seed = self.0.fetch_add(1, AtomicOrdering::Relaxed);
        let disk = SimulatedDisk::new(seed, Honesty::FULL);
        Ok(((), store(Arc::new(disk), false), ListMachine::default()))
    }
}

struct Real;

impl StoreBuilder<NodeTypes, LogStore, ListMachine, tempfile::TempDir> for Real {
    async fn build(&self) -> Result<(tempfile::TempDir, LogStore, ListMachine), StorageError<u64>> {
        let folder = tempfile::tempdir().map_err(|error| StorageIOError::write(&error))?;
        let disk = RealDisk::open(folder.path()).map_err(|error| StorageIOError::write(&error))?;
        Ok((folder, store(Arc::new(disk), true), ListMachine::default()))
    }
}

#[test]
fn the_suite_passes_over_the_simulated_disk() {
    Suite::test_all(Simulated(AtomicU64::new(1))).unwrap();
}

#[test]
fn the_suite_passes_over_real_files() {
    Suite::test_all(Real).unwrap();
}
