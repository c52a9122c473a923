//! libFuzzer's entry to the target `verifier`; see `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (fuzz_bodies::body("verifier").expect("a target by this name"))(bytes));
