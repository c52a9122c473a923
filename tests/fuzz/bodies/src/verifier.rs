//! Bytes as a module: decoded, verified, printed. The first byte says how they become one.
//!
//! ```text
//!   0: as they are   1: with the content hash made right   2: a generated module, its bytes changed, hash made right
//!   3: a generated module as text, words changed, parsed
//! ```
//!
//! Always true of what decodes: it encodes to the same bytes. Of what verifies: its text parses to the same module.

use rc_bytecode::encode::MAGIC;
use rc_bytecode::generate::{Options, generate};
use rc_bytecode::{Module, decode, encode, parse, print, verify};
use sha2::{Digest, Sha256};

/// Bytes of one change of a generated module: what, where, with what.
const CHANGE_BYTES: usize = 4;
/// Changes taken from one input, so that a long input is no long run.
const CHANGES_MAX: usize = 32;

/// One input of a fuzzer, any bytes.
pub fn fuzz_one(bytes: &[u8]) {
    let Some((mode, rest)) = bytes.split_first() else {
        return;
    };
    match mode % 4 {
        0 => check_bytes(rest),
        1 => {
            let payload = rest.strip_prefix(&MAGIC).unwrap_or(rest);
            check_bytes(&sealed([&MAGIC, payload].concat()));
        }
        2 => check_changed(rest),
        _ => check_text(rest),
    }
}

/// A payload with the hash that makes it a module file.
fn sealed(mut payload: Vec<u8>) -> Vec<u8> {
    let hash = Sha256::digest(&payload);
    payload.extend_from_slice(&hash);
    payload
}

fn check_bytes(bytes: &[u8]) {
    let Ok(module) = decode(bytes) else { return };
    assert!(encode(&module) == bytes, "one module has two encodings");
    check_module(module);
}

fn check_module(module: Module) {
    let Ok(verified) = verify(module) else { return };
    let module = verified.module();
    let text = print(module);
    match parse(&text) {
        Ok(again) => assert!(
            again == *module,
            "the text of a verified module is another module's"
        ),
        Err(error) => panic!(
            "the text of a verified module does not parse: line {}: {}",
            error.line, error.what
        ),
    }
    assert!(
        verify(module.clone()).is_ok_and(|again| again.hash() == verified.hash()),
        "verifying twice differs"
    );
}

/// The module that the first eight bytes ask for, and the rest.
fn generated(bytes: &[u8]) -> Option<(Module, &[u8])> {
    let (seed, rest) = bytes.split_first_chunk::<8>()?;
    let options = Options {
        functions_max: 2,
        commands_max: 2,
        instructions_max: 30,
        ..Options::default()
    };
    Some((generate(u64::from_le_bytes(*seed), options), rest))
}

fn check_changed(bytes: &[u8]) {
    let Some((module, changes)) = generated(bytes) else {
        return;
    };
    let file = encode(&module);
    let mut payload = file[..file.len() - 32].to_vec();
    for change in changes.chunks_exact(CHANGE_BYTES).take(CHANGES_MAX) {
        let at = usize::from(u16::from_le_bytes([change[1], change[2]])) % payload.len();
        let value = change[3];
        match change[0] % 6 {
            0 => payload[at] = value,
            1 => payload[at] ^= 1 << (value % 8),
            2 => payload[at] = payload[at].wrapping_add(1),
            3 => payload.insert(at, value),
            4 => drop(payload.remove(at)),
            _ => {
                let from = (at + usize::from(value)) % payload.len();
                payload[at] = payload[from];
            }
        }
        if payload.is_empty() {
            return;
        }
    }
    check_bytes(&sealed(payload));
    if changes.is_empty() {
        assert!(verify(module).is_ok(), "a generated module verifies");
    }
}

fn check_text(bytes: &[u8]) {
    let Some((module, changes)) = generated(bytes) else {
        return;
    };
    let text = print(&module);
    let mut words: Vec<&str> = text.split_inclusive([' ', '\n', ',', '(', ')']).collect();
    for change in changes.chunks_exact(CHANGE_BYTES).take(CHANGES_MAX) {
        let at = usize::from(u16::from_le_bytes([change[1], change[2]])) % words.len();
        let other = (at + 1 + usize::from(change[3])) % words.len();
        match change[0] % 3 {
            0 => words[at] = words[other],
            1 => words.swap(at, other),
            _ => words.insert(at, words[other]),
        }
    }
    let Ok(module) = parse(&words.concat()) else {
        return;
    };
    check_bytes(&encode(&module));
    check_module(module);
}
