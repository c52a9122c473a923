//! Proven costs on adversarial data: keys that all fall into one group of a hashed table, runs that grow deep trees.
//! Measured never exceeds proven (the engines' harness says so at once), and how far apart they are is printed, so that an
//! inflated bound shows; one that is inflated beyond `LOOSE` fails.

use differential::engines::{Built, Engines, Sabotage, build};
use rc_bytecode::hash::hash_bytes;
use rc_vm::Outcome;
use std::collections::{BTreeMap, BTreeSet};

/// Proven ÷ measured of the worst op of a kind, at most.
const LOOSE: f64 = 60.0;

const TEXT: &str = "package generated

table Hashed {
    key id: u64
    value: u64
}

table Tree {
    key id: u64 ordered
    value: u64
    index by_value(value)
}

command put_hashed(id: u64, value: u64) allow anyone { Hashed.put({ id, value }) }
command delete_hashed(id: u64) -> bool allow anyone { Hashed.delete(id) }
query get_hashed(id: u64) -> u64 allow anyone {
    let row = Hashed.get(id) else return 0
    row.value
}
command put_tree(id: u64, value: u64) allow anyone { Tree.put({ id, value }) }
command delete_tree(id: u64) -> bool allow anyone { Tree.delete(id) }
query get_tree(id: u64) -> u64 allow anyone {
    let row = Tree.get(id) else return 0
    row.value
}
";

struct Ledger<'b> {
    built: &'b Built,
    engines: Engines<'b>,
    /// Per command and dimension: the most that was measured, and what was proven.
    most: BTreeMap<(String, &'static str), (u64, u64)>,
}

impl Ledger<'_> {
    fn call(&mut self, name: &str, arguments: &[u64]) -> Vec<u8> {
        let commands = &self.built.module.module().interface.commands;
        let number = commands
            .iter()
            .position(|command| command.name == name)
            .expect("a command");
        let packed: Vec<u8> = arguments
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let answer = self
            .engines
            .call(number as u32, &packed, 1)
            .unwrap_or_else(|reason| panic!("{name}{arguments:?}: {reason}"));
        let proven = &commands[number].cost;
        for ((dimension, used), (_, bound)) in answer
            .measured
            .dimensions()
            .into_iter()
            .zip(proven.dimensions())
        {
            let most = self
                .most
                .entry((name.to_string(), dimension))
                .or_insert((0, bound));
            most.0 = most.0.max(used);
        }
        match answer.outcome {
            Outcome::Done(bytes) => bytes,
            other => panic!("{name}{arguments:?}: {other:?}"),
        }
    }
}

/// Keys of one group and of one tag: the low bits of their hashes agree, or the high ones do.
fn colliding() -> Vec<u64> {
    // The first op's seed is known, so the table's is.
    let seed = hash_bytes(&0u64.to_le_bytes(), 0x9E37_79B9_7F4A_7C15) | 1;
    let hash = |id: u64| hash_bytes(&id.to_le_bytes(), seed);
    let group = (0..1_000_000u64)
        .filter(|id| hash(*id) & 0xFFF == 0x7AB)
        .take(220);
    let tag = (0..1_000_000u64)
        .filter(|id| hash(*id) & 0x3F == 5 && hash(*id) >> 57 == 9)
        .take(80);
    group.chain(tag).collect()
}

#[test]
fn bounds_hold_on_adversarial_keys() {
    for page_shift in [8, 14] {
        let built = build(TEXT, Some(page_shift), Sabotage::None).expect("it compiles");
        let mut ledger = Ledger {
            built: &built,
            engines: Engines::new(&built),
            most: BTreeMap::new(),
        };
        ledger.call("put_hashed", &[u64::MAX, 1]);
        let keys = colliding();
        let mut there = BTreeSet::new();
        for (turn, key) in keys.iter().enumerate() {
            ledger.call("put_hashed", &[*key, turn as u64]);
            there.insert(*key);
            // Ascending keys with descending values: splits at both ends.
            ledger.call("put_tree", &[turn as u64, u64::MAX - turn as u64]);
        }
        for (turn, key) in keys.iter().enumerate() {
            assert_eq!(
                ledger.call("get_hashed", &[*key]),
                (keys
                    .iter()
                    .rposition(|other| other == key)
                    .expect("it is there") as u64)
                    .to_le_bytes()
            );
            assert_eq!(
                ledger.call("get_tree", &[turn as u64]),
                (u64::MAX - turn as u64).to_le_bytes()
            );
        }
        for (turn, key) in keys.iter().enumerate() {
            assert_eq!(
                ledger.call("delete_hashed", &[*key]),
                [u8::from(there.remove(key))]
            );
            assert_eq!(ledger.call("delete_tree", &[turn as u64]), [1]);
        }
        ledger.engines.compare_pages().expect("the same pages");
        println!("pages of {} bytes: proven ÷ most measured", 1 << page_shift);
        for ((name, dimension), (most, proven)) in &ledger.most {
            if matches!(*dimension, "steps" | "pages_read" | "pages_written") && *most > 0 {
                let ratio = *proven as f64 / *most as f64;
                println!("  {name:<16} {dimension:<14} {proven:>8} ÷ {most:<8} = {ratio:.1}");
                assert!(
                    ratio <= LOOSE,
                    "{name}: {dimension} is proven {ratio:.0} times what the worst keys need"
                );
            }
        }
    }
}
