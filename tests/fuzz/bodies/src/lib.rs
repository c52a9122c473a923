//! The bodies of the fuzz targets: any bytes in, no panic, no hang, and the promises of each reader asserted.
//!
//! ```text
//!   fuzz_targets/*.rs (libFuzzer, nightly) ──┐
//!   tests/corpus.rs (stable, CI) ── mutation ┴─► TARGETS: parse, format, packages, verifier, log_reader
//! ```
//!
//! Always true: a body has no state and no input but its bytes, so that a file of them repeats what was found.

#![forbid(unsafe_code)]

mod verifier;

pub mod mutation;
pub mod packages;
pub mod seeds;

/// A target: its name, which is its corpus's folder too, and its body.
#[derive(Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    pub body: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 5] = [
    Target {
        name: "parse",
        body: rc_syntax::fuzz_one,
    },
    Target {
        name: "format",
        body: rc_format::fuzz_one,
    },
    Target {
        name: "packages",
        body: packages::fuzz_one,
    },
    Target {
        name: "verifier",
        body: verifier::fuzz_one,
    },
    Target {
        name: "log_reader",
        body: log_reader,
    },
];

/// A target's body by its name.
pub fn body(name: &str) -> Option<fn(&[u8])> {
    TARGETS
        .iter()
        .find(|target| target.name == name)
        .map(|target| target.body)
}

/// A log segment of any bytes, as it is and with its checksums made right.
fn log_reader(bytes: &[u8]) {
    let (plain, sealed) = rc_log::visit_segment_bytes(bytes);
    let entries_max = (bytes.len() / rc_log::limits::ENTRY_HEAD_BYTES) as u64;
    assert!(
        plain <= entries_max && sealed <= entries_max,
        "more entries than bytes could hold"
    );
}
