//! Everything that the checker accepts goes through lowering and the verifier.

use rc_driver::{Options, Package, compile_with};

const SOUND: &str = include_str!("../../check/tests/blocks/sound.md");

#[test]
fn sound_packages_become_verified_modules() {
    let mut seen = 0;
    for block in SOUND
        .split("```rc")
        .skip(1)
        .filter_map(|part| part.split("```").next())
    {
        if block.contains("// error:") {
            continue;
        }
        seen += 1;
        let mut package =
            Package::from_texts("block", [("block.rc".to_string(), block.to_string())]);
        package.default_allow = Some(vec!["anyone".to_string()]);
        let compiled = compile_with(
            &package,
            Options {
                with_tests: true,
                ..Options::default()
            },
        );
        let messages: Vec<String> = compiled
            .diagnostics
            .iter()
            .map(|diagnostic| format!("{} {}", diagnostic.code, diagnostic.message))
            .collect();
        assert_eq!(messages, Vec::<String>::new(), "{block}");
        let lowered = compiled.lowered.expect("no messages, so a module");
        if let Err(error) = rc_bytecode::verify(lowered.module) {
            panic!("{error}\n{block}");
        }
    }
    assert!(seen >= 4);
}

/// Whatever the checker lets pass, lowering takes and the verifier accepts; the same numbers on every run.
#[test]
fn mutated_packages_end_in_messages_or_in_verified_modules() {
    let ledger = include_str!("../../check/tests/ledger.rc");
    let mut texts: Vec<&str> = SOUND
        .split("```rc")
        .skip(1)
        .filter_map(|part| part.split("```").next())
        .collect();
    texts.push(ledger);
    let mut state = 11u64;
    let mut below = |bound: usize| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((state >> 33) as usize) % bound.max(1)
    };
    let mut verified = 0;
    for text in texts {
        let lines: Vec<&str> = text.lines().collect();
        for _ in 0..60 {
            // One word of one line is replaced by a word of another line of the same package.
            let (at, from) = (below(lines.len()), below(lines.len()));
            let (words, others): (Vec<&str>, Vec<&str>) = (
                lines[at].split(' ').collect(),
                lines[from].split(' ').collect(),
            );
            let (word, other) = (below(words.len()), below(others.len()));
            let mut changed: Vec<&str> = words.clone();
            changed[word] = others[other];
            let line = changed.join(" ");
            let mut mutated = lines.clone();
            mutated[at] = &line;
            let mut package =
                Package::from_texts("mutated", [("a.rc".to_string(), mutated.join("\n"))]);
            package.default_allow = Some(vec!["anyone".to_string()]);
            let compiled = compile_with(
                &package,
                Options {
                    with_tests: true,
                    ..Options::default()
                },
            );
            if let Some(lowered) = compiled.lowered {
                verified += 1;
                if let Err(error) = rc_bytecode::verify(lowered.module) {
                    panic!("{error}\n{}", mutated.join("\n"));
                }
            }
        }
    }
    assert!(verified > 10, "some mutations are harmless: {verified}");
}
