//! HTTP+JSON and gRPC derived from the deployed interface; deploys; feeds. Stateless: all it knows is the catalog view.
//!
//! ```text
//!   request ─► guard (Host, Origin, token) ─► route by names in the catalog ─► JSON/protobuf to packed arguments
//!           ─► node.submit ─► packed reply ─► JSON/protobuf, or a problem document (RFC 9457)
//! ```
//!
//! Always true: names are keys of the catalog, never paths; nothing is answered before the node says so; every error of
//! the caller's is a 4xx problem that names the field; a body, a feed and a stream are bounded in bytes.
#![allow(
    clippy::result_large_err,
    reason = "a problem is made once per refused request, and is no larger than tonic's own status"
)]

mod body;
mod bulk;
mod call;
mod deploy;
mod descriptor;
mod events;
mod grpc;
mod guard;
mod openapi;
mod pages;
mod paths;
mod problem;
mod router;
mod serve;
mod state;
mod target;

pub use deploy::{
    CompileFailure, PackageFile, SourceCompiler, deploy_files, pack_source, unpack_source,
};
pub use descriptor::file_set;
pub use guard::Access;
pub use problem::Problem;
pub use router::router;
pub use serve::serve;
pub use state::Gateway;
