//! One node without its network: recovery, ordering, the loop, the persister, the event segments.
//!
//! ```text
//!                     bounded queue          after fsync
//!   Handle::submit ──► orderer ──► log ─────► loop: engine.apply ──► replies, events ──► callers, feeds
//!                      (time, seed,           │      ▲
//!                       op numbers)           cut    finished
//!                                             └► persister ──► page store
//! ```
//!
//! Always true: an op is applied after its batch is durable, so nothing of it leaves the node before (decision 29);
//! three threads, each with one queue in; what cannot be ordered is refused, what was ordered is answered or the node
//! halts; each callback is called exactly once, whatever stops; recovery = last checkpoint + the log after it, and
//! rebuilds the events from the same.

mod catalog_view;
mod events;
mod handle;
mod limits;
mod node;
mod orderer;
mod persister;
mod processing;
mod request;
mod step;
mod steps;

pub use catalog_view::{CatalogEntry, CatalogView};
pub use events::{EventFeed, EventLogError, FeedCursor, FeedItem};
pub use handle::{Handle, Metrics};
pub use limits::*;
pub use node::{Node, NodeOptions, StartError, StartReport};
pub use request::{Answer, Callback, SubmitError, Work};
#[cfg(feature = "failpoints")]
pub use step::watch_steps;
