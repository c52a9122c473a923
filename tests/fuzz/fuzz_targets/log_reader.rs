//! libFuzzer's entry to the target `log_reader`; see `fuzz-bodies`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (fuzz_bodies::body("log_reader").expect("a target by this name"))(bytes));
