//! libFuzzer's entry to the target `parse`; see `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (fuzz_bodies::body("parse").expect("a target by this name"))(bytes));
