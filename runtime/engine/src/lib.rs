//! The deterministic core: ordered batches in; replies, events and digests out.
//!
//! One thread calls [`Engine::apply`] with each batch of the log, in order. Everything that decides a result is in the
//! batch or in the canvas: no clock, no randomness, no network, no hash-map order is reached from here. Two engines that
//! apply the same log hold the same pages and gave the same replies, whatever their memory, their batches' cuts, or
//! whether code ran in the interpreter or as machine code.
//!
//! ```text
//!   batch ──► per op: session slot ──► catalog: which module ──► allow ──► run ──► reply, events ──► session slot
//!                     (seen before?      (epoch → live code)                          │
//!                      stored reply)                                                  └─► digest
//! ```

pub mod batch;
mod bytes;
mod catalog;
mod code;
mod engine;
mod renumber;
mod reply;
mod sessions;
mod system;

pub use batch::{Batch, BatchError, Call, Deploy, Op, Principal, SessionKey, Step};
pub use bytes::{Reader, Truncated, Writer};
pub use catalog::{CatalogError, DeployRefusal, Deployed};
pub use engine::{Applied, Engine, EngineError, EngineOptions, EventRecord, Mode};
pub use reply::{Refusal, Reply};
pub use sessions::{SessionClass, SessionSlot};
