//! Generated modules verify, survive the binary form, and have every instruction.

use rc_bytecode::generate::{Coverage, Options, generate};
use rc_bytecode::interface::CommandKind;
use rc_bytecode::{decode, encode, verify};

const SEEDS: u64 = 4_000;

#[test]
fn every_seed_verifies() {
    let mut coverage = Coverage::default();
    let (mut undo_free, mut commands, mut dearest) = (0, 0, 0);
    for seed in 0..SEEDS {
        let page_shift = if seed % 7 == 0 { 12 } else { 8 };
        let options = Options {
            tests: seed % 2 == 0,
            any_floats: seed % 3 == 0,
            page_shift,
            ..Options::default()
        };
        let module = generate(seed, options);
        coverage.add(&module);
        let bytes = encode(&module);
        assert_eq!(decode(&bytes).unwrap(), module, "seed {seed}");
        let verified = verify(module).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        for command in &verified.module().interface.commands {
            commands += 1;
            undo_free += usize::from(command.undo_free);
            if command.kind != CommandKind::Report {
                dearest = dearest.max(command.cost.steps);
            }
        }
    }
    println!(
        "{coverage}{commands} commands, {undo_free} free of undo, the dearest takes {dearest} steps"
    );
    assert_eq!(coverage.missing(), Vec::<&str>::new());
    assert!(undo_free > 0 && undo_free < commands);
    assert!(dearest <= 4 * Options::default().steps_max);
}

#[test]
fn a_seed_means_the_same_everywhere() {
    let hash = *verify(generate(1, Options::default())).unwrap().hash();
    assert_eq!(
        hash,
        *verify(generate(1, Options::default())).unwrap().hash()
    );
    assert_ne!(
        hash,
        *verify(generate(2, Options::default())).unwrap().hash()
    );
}

#[test]
fn text_comes_back_the_same() {
    for seed in 0..500 {
        let module = generate(
            seed,
            Options {
                tests: true,
                ..Options::default()
            },
        );
        let text = rc_bytecode::print(&module);
        let parsed =
            rc_bytecode::parse(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(parsed, module, "seed {seed}");
        assert_eq!(rc_bytecode::print(&parsed), text, "seed {seed}");
    }
}

/// Modules changed in their bytes and sealed again: the verifier answers, whatever it is given.
#[test]
fn changed_modules_never_panic() {
    use sha2::{Digest, Sha256};
    let mut random = rc_bytecode::generate::Random::new(7);
    let (mut decoded, mut verified) = (0, 0);
    for seed in 0..300 {
        let bytes = encode(&generate(
            seed,
            Options {
                tests: true,
                ..Options::default()
            },
        ));
        let payload = &bytes[..bytes.len() - 32];
        for _ in 0..60 {
            let mut changed = payload.to_vec();
            for _ in 0..1 + random.below(3) {
                let at = random.below(changed.len() as u64) as usize;
                changed[at] = if random.percent(50) {
                    random.below(64) as u8
                } else {
                    random.next() as u8
                };
            }
            let sealed = [&changed[..], &Sha256::digest(&changed)].concat();
            if let Ok(module) = decode(&sealed) {
                decoded += 1;
                assert_eq!(encode(&module), sealed);
                verified += u32::from(verify(rc_bytecode::certify(module)).is_ok());
            }
        }
    }
    println!("{decoded} of 18000 decode, {verified} verify once certified");
    assert!(decoded > 1_000 && verified > 100 && verified < decoded);
}
