//! The binary form: canonical, bounded, and no change of a byte goes unseen.

mod ledger;

use ledger::ledger;
use proptest::prelude::*;
use rc_bytecode::{DecodeError, decode, encode, verify};

#[test]
fn decoding_gives_the_module_back() {
    let module = ledger();
    let bytes = encode(&module);
    assert_eq!(decode(&bytes).unwrap(), module);
    let verified = verify(module).unwrap();
    assert_eq!(
        verified.hash()[..],
        bytes[bytes.len() - 32..],
        "the content hash is the trailer"
    );
}

#[test]
fn every_byte_counts() {
    let bytes = encode(&ledger());
    for at in 0..bytes.len() {
        for change in [1, 0x80, 0xFF] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            assert!(decode(&changed).is_err(), "byte {at}");
        }
        assert!(decode(&bytes[..at]).is_err(), "cut at {at}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(decode(&longer).is_err());
}

#[test]
fn errors_say_what_is_wrong() {
    assert_eq!(decode(b"PNG"), Err(DecodeError::Magic));
    assert_eq!(decode(b"RCM1"), Err(DecodeError::Ended(4)));
    let mut bytes = encode(&ledger());
    bytes[40] ^= 1;
    assert_eq!(decode(&bytes), Err(DecodeError::Hash));
}

/// Gives rubbish a right hash, so that the reader itself is tested.
fn sealed(payload: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    [payload, &Sha256::digest(payload)].concat()
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
        let headed = [b"RCM1\x01\x00\x01\x00\x0e", &bytes[..]].concat();
        if let Ok(module) = decode(&sealed(&headed)) {
            prop_assert_eq!(encode(&module), sealed(&headed));
            let _ = verify(module);
        }
    }

    /// With the hash made right again, a changed module is refused, or it is another module whose only encoding these bytes are.
    #[test]
    fn changed_bytes_are_canonical_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>(), drop in any::<bool>()) {
        let mut bytes = encode(&ledger());
        bytes.truncate(bytes.len() - 32);
        let at = at.index(bytes.len());
        if drop { bytes.remove(at); } else { bytes[at] = byte; }
        let bytes = sealed(&bytes);
        if let Ok(module) = decode(&bytes) {
            prop_assert_eq!(encode(&module), bytes);
            let _ = verify(module);
        }
    }
}

#[test]
fn a_length_alone_allocates_nothing() {
    // An interface section that claims four thousand million commands.
    let payload = [
        b"RCM1\x01\x00\x01\x00\x0e".as_slice(),
        &[8, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
    ]
    .concat();
    assert!(matches!(
        decode(&sealed(&payload)),
        Err(DecodeError::Ended(_))
    ));
}
