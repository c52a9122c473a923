//! The Rust client of a node: blocking HTTP with kept connections, and gRPC streams for many calls. Small on purpose: a call is names and JSON, and what
//! comes back is JSON or a [`Problem`].
//!
//! ```text
//!   Address (http:// on loopback) ─┐
//!   Token (0600 file, environment) ┼─► Client ─► call      one command, one answer
//!   Caller (roles, id)            ─┘         ├─► bulk      many calls of one command in one request, one answer each
//!                                            ├─► method ─► CallStream   the same over one gRPC stream
//!                                            └─► plan, deploy, catalog
//! ```
//!
//! Always true: nothing is sent twice by itself. An error says whether the node may have run what was sent
//! ([`ClientError::may_have_run`]); who gives an idempotency key may send it again.

#![forbid(unsafe_code)]

mod address;
mod bulk;
mod client;
mod deploy;
mod link;
mod method;
mod problem;
mod stream;
mod token;

pub use address::{Address, AddressError};
pub use bulk::{BULK_BYTES_MAX, BULK_LINES_MAX, BulkAnswer};
pub use client::{Answer, Caller, Client, ClientError};
pub use deploy::{Deployment, PackageFile, PlannedChange};
pub use method::Method;
pub use problem::Problem;
pub use stream::{CallStream, WINDOW_CALLS};
pub use token::{Token, TokenError};
