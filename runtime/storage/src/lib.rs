//! Checkpoints of the canvas on a local disk, in RocksDB; the only crate that links it.
//!
//! Pages are RocksDB values under `region ‖ page ‖ epoch`, written without its write-ahead log and flushed; what
//! counts is said by the superblock, two small files beside it. RocksDB's log would write every page twice, and a
//! superblock inside RocksDB would count only if two mechanisms (flush of pages, synced log of the superblock) kept
//! their order across its versions; a file put in place by rename is durable or absent, and can be read without it.
//!
//! ```text
//!   DIR/pages/               RocksDB: 18-byte keys ──► page bytes ‖ CRC-32C
//!   DIR/superblock.first     the newest epoch that counts
//!   DIR/superblock.second    the same, written after the first
//! ```
#![forbid(unsafe_code)]

mod rocks_store;

mod superblock_file;

pub use rocks_store::{RocksOptions, RocksStore};
