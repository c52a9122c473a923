//! libFuzzer's entry to the target `packages`; see `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (fuzz_bodies::body("packages").expect("a target by this name"))(bytes));
