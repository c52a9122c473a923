//! The containers against a naive model, by way of tables: random and adversarial operations, small pages and large ones.

mod support;

use rc_bytecode::hash::hash_bytes;
use rc_bytecode::instr::Builtin;
use rc_bytecode::value::Value;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use support::*;

fn package(storage: &str, capacity: &str) -> String {
    format!(
        "package test

table T {capacity} {{
    key id: u64 {storage}
    value: u64
    note: bytes<5>
}}

command insert(id: u64, value: u64, note: bytes<5>) {{
    T.insert({{ id, value, note }})
}}

command put(id: u64, value: u64, note: bytes<5>) {{
    T.put({{ id, value, note }})
}}

command add(id: u64, amount: u64) -> u64 {{
    let row = T.get(id) else return 0
    row.value += amount
    row.value
}}

command delete(id: u64) -> bool {{
    T.delete(id)
}}

query get(id: u64) -> (u64, bytes<5>)? {{
    let row = T.get(id) else return none
    (row.value, row.note)
}}
"
    )
}

const WALKS: &str = "
query up(from: u64, to: u64, n: u64) -> list<u64, 40> {
    [row.id for row in T.ascending().from(from).to(to) take n max 40]
}

query down(from: u64, to: u64, n: u64) -> list<u64, 40> {
    [row.id for row in T.descending().from(from).to(to) take n max 40]
}
";

type Model = BTreeMap<u64, (u64, Vec<u8>)>;

fn note(chance: &mut Chance) -> Vec<u8> {
    (0..chance.below(6))
        .map(|_| chance.below(256) as u8)
        .collect()
}

/// One random operation on both; what they answer must be the same.
fn step(world: &mut World, model: &mut Model, id: u64, chance: &mut Chance) {
    let value = chance.below(1_000);
    match chance.below(10) {
        0..=3 => {
            let note = note(chance);
            let ended = world.call("insert", &[u(id), u(value), Value::Bytes(note.clone())]);
            match model.entry(id) {
                Entry::Occupied(_) => {
                    assert_eq!(ended, Ended::Failed(Builtin::AlreadyExists), "insert {id}")
                }
                Entry::Vacant(place) => {
                    assert_eq!(ended, Ended::Done(None), "insert {id}");
                    place.insert((value, note));
                }
            }
        }
        4 => {
            let note = note(chance);
            assert_eq!(
                world.call("put", &[u(id), u(value), Value::Bytes(note.clone())]),
                Ended::Done(None)
            );
            model.insert(id, (value, note));
        }
        5 => {
            let expected = model.get_mut(&id).map_or(0, |(have, _)| {
                *have += value;
                *have
            });
            assert_eq!(
                world.number("add", &[u(id), u(value)]),
                expected.into(),
                "add {id}"
            );
        }
        6..=7 => {
            let expected = model.remove(&id).is_some();
            assert_eq!(
                world.number("delete", &[u(id)]),
                expected.into(),
                "delete {id}"
            );
        }
        _ => get(world, model, id),
    }
}

fn get(world: &mut World, model: &Model, id: u64) {
    let expected = match model.get(&id) {
        Some((value, note)) => Value::Tuple(vec![u(*value), Value::Bytes(note.clone())]),
        None => Value::Absent,
    };
    assert_eq!(world.done("get", &[u(id)]), Some(expected), "get {id}");
}

fn walks(world: &mut World, model: &Model, chance: &mut Chance, keys: u64) {
    let (from, to, take) = (chance.below(keys), chance.below(keys + 5), chance.below(41));
    let list = |ids: Vec<u64>| Value::List(ids.into_iter().map(u).collect());
    let range = || model.keys().copied().filter(|id| (from..to).contains(id));
    let up: Vec<u64> = range().take(take as usize).collect();
    assert_eq!(
        world.done("up", &[u(from), u(to), u(take)]),
        Some(list(up)),
        "up {from}..{to} take {take}"
    );
    let all: Vec<u64> = range().collect();
    let down: Vec<u64> = all.into_iter().rev().take(take as usize).collect();
    assert_eq!(
        world.done("down", &[u(from), u(to), u(take)]),
        Some(list(down)),
        "down {from}..{to} take {take}"
    );
}

/// Random operations on few keys, so that everything meets everything.
fn against_the_model(storage: &str, page_shift: u8, keys: u64, steps: u64) {
    let ordered = storage == "ordered";
    let mut text = package(
        storage,
        if storage == "dense" {
            "capacity 5_000"
        } else {
            ""
        },
    );
    if ordered {
        text.push_str(WALKS);
    }
    let mut world = World::new(&text, page_shift);
    let (mut model, mut chance) = (Model::new(), Chance(page_shift.into()));
    for _ in 0..steps {
        let id = chance.below(keys);
        step(&mut world, &mut model, id, &mut chance);
        if ordered && chance.below(4) == 0 {
            walks(&mut world, &model, &mut chance, keys);
        }
    }
    // Emptied, and used again.
    for id in 0..keys {
        get(&mut world, &model, id);
        assert_eq!(
            world.number("delete", &[u(id)]),
            model.remove(&id).is_some().into()
        );
    }
    for _ in 0..200 {
        let id = chance.below(keys);
        step(&mut world, &mut model, id, &mut chance);
    }
}

#[test]
fn a_hashed_table_is_a_map() {
    against_the_model("", 8, 400, 6_000);
    against_the_model("", 14, 3_000, 6_000);
}

#[test]
fn an_ordered_table_is_a_sorted_map() {
    against_the_model("ordered", 8, 400, 6_000);
    against_the_model("ordered", 14, 3_000, 6_000);
}

#[test]
fn a_dense_table_is_an_array() {
    against_the_model("dense", 8, 400, 3_000);
    against_the_model("dense", 14, 3_000, 3_000);
}

/// Ascending, descending and shuffled runs grow deep trees and take them down again.
#[test]
fn deep_trees_grow_and_go() {
    let mut text = package("ordered", "");
    text.push_str(WALKS);
    for order in 0..3 {
        let mut world = World::new(&text, 8);
        let mut model = Model::new();
        let mut chance = Chance(order);
        let count = 2_000u64;
        let at = |number: u64| match order {
            0 => number,
            1 => count - 1 - number,
            _ => number * 797 % count,
        };
        for number in 0..count {
            world.done("insert", &[u(at(number)), u(number), Value::Bytes(vec![])]);
            model.insert(at(number), (number, vec![]));
        }
        for _ in 0..50 {
            walks(&mut world, &model, &mut chance, count);
        }
        for number in 0..count {
            let id = at(number * 13 % count);
            assert_eq!(
                world.number("delete", &[u(id)]),
                model.remove(&id).is_some().into()
            );
            if number % 37 == 0 {
                walks(&mut world, &model, &mut chance, count);
            }
        }
        assert!(model.is_empty());
        get(&mut world, &model, 1);
    }
}

/// Keys that all fall into one group, whatever is split: they end in the overflow tree, and everything still holds.
#[test]
fn colliding_keys_stay_within_the_bound() {
    for page_shift in [8, 14] {
        let mut world = World::new(&package("", ""), page_shift);
        // The seed of the first op is known, so the table's is.
        world.done("insert", &[u(u64::MAX), u(0), Value::Bytes(vec![])]);
        let seed = hash_bytes(&0u64.to_le_bytes(), 0x9E37_79B9_7F4A_7C15) | 1;
        let hash = |id: u64| hash_bytes(&id.to_le_bytes(), seed);
        // One group: the low bits agree. One tag too: the high bits.
        let same_group: Vec<u64> = (0..2_000_000u64)
            .filter(|id| hash(*id) & 0xFFF == 0x7AB)
            .collect();
        let same_tag: Vec<u64> = (0..2_000_000u64)
            .filter(|id| hash(*id) & 0x3F == 5 && hash(*id) >> 57 == 9)
            .collect();
        assert!(same_group.len() > 400 && same_tag.len() > 100);
        let (mut model, mut chance) = (Model::new(), Chance(1));
        model.insert(u64::MAX, (0, vec![]));
        for id in same_group.iter().take(400).chain(same_tag.iter().take(100)) {
            world.done("insert", &[u(*id), u(*id), Value::Bytes(vec![])]);
            model.insert(*id, (*id, vec![]));
        }
        for _ in 0..3_000 {
            let from = if chance.below(2) == 0 {
                &same_group
            } else {
                &same_tag
            };
            let id = from[chance.below(from.len().min(450) as u64) as usize];
            step(&mut world, &mut model, id, &mut chance);
        }
        for id in model.keys().copied().collect::<Vec<_>>() {
            get(&mut world, &model, id);
        }
    }
}

#[test]
fn a_full_table_says_so() {
    for storage in ["", "ordered"] {
        let mut world = World::new(&package(storage, "capacity 20"), 8);
        for id in 0..20 {
            world.done("insert", &[u(id), u(0), Value::Bytes(vec![])]);
        }
        assert_eq!(
            world.call("insert", &[u(99), u(0), Value::Bytes(vec![])]),
            Ended::Failed(Builtin::TableFull)
        );
        assert_eq!(world.number("delete", &[u(3)]), 1);
        assert_eq!(
            world.call("insert", &[u(99), u(0), Value::Bytes(vec![])]),
            Ended::Done(None)
        );
    }
    let mut world = World::new(&package("dense", "capacity 20"), 8);
    assert_eq!(
        world.call("insert", &[u(20), u(0), Value::Bytes(vec![])]),
        Ended::Failed(Builtin::TableFull)
    );
    assert_eq!(world.done("get", &[u(20)]), Some(Value::Absent));
}

/// Growing splits groups again and again, some of them while rows of theirs are in the overflow tree.
#[test]
fn a_growing_table_keeps_all_its_rows() {
    let mut world = World::new(&package("", ""), 8);
    let mut model = Model::new();
    for id in 0..4_000 {
        world.done("insert", &[u(id), u(id), Value::Bytes(vec![1])]);
        model.insert(id, (id, vec![1]));
        get(&mut world, &model, id / 2);
    }
    for id in 0..4_100 {
        get(&mut world, &model, id);
    }
}

/// The harness sees what it is for: each of these mistakes in a container is found.
#[test]
fn planted_bugs_are_found() {
    let hashed: fn() = || {
        against_the_model("", 8, 400, 6_000);
        a_growing_table_keeps_all_its_rows();
    };
    let ordered: fn() = || {
        against_the_model("ordered", 8, 400, 6_000);
        deep_trees_grow_and_go();
    };
    let planted: [(Planted, fn()); 10] = [
        (
            (
                "hashed",
                "                copy(new.slots.place(to), row)\n",
                "",
            ),
            hashed,
        ),
        (("hashed", "        group.marked = 1\n", ""), hashed),
        (("hashed", "    new.marked = old.marked\n", ""), hashed),
        (
            (
                "hashed",
                "if group > last { group & (mask >> 1) } else { group }",
                "group & (mask >> 1)",
            ),
            hashed,
        ),
        (
            (
                "hashed",
                "if let row = ordered.find(table, header.tree, key) { return none }",
                "",
            ),
            hashed,
        ),
        (
            ("ordered", "        right.previous = leaf.previous\n", ""),
            ordered,
        ),
        (
            ("ordered", "            far.previous = right_page\n", ""),
            ordered,
        ),
        (
            (
                "ordered",
                "if compare(parent.keys.place(slot + 1), key) <= 0 { slot = slot + 1 }",
                "",
            ),
            ordered,
        ),
        (
            (
                "ordered",
                "    if last == 0 { cut(",
                "    if last == 99 { cut(",
            ),
            ordered,
        ),
        (
            (
                "ordered",
                "        if node.count > 1 {",
                "        if node.count > 2 {",
            ),
            ordered,
        ),
    ];
    for (bug, test) in planted {
        let run = std::thread::spawn(move || {
            PLANTED.set(Some(bug));
            test();
        });
        assert!(run.join().is_err(), "nobody noticed: {bug:?}");
    }
}
