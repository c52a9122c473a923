//! Sets, maps and priority queues against `BTreeMap` and a sorted `Vec`, by random and adversarial operations, on whatever runs a
//! package. Always true: what the package answers is what the model answers, failures included, and a failure changes nothing.

use super::values::{Dice, Ending, Host};
use rc_bytecode::instr::Builtin;
use rc_bytecode::value::{Fields, Value};
use std::collections::BTreeMap;

/// The order that keys should have, said once more and otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number(i128),
    Bytes(Vec<u8>),
    All(Vec<Rank>),
}

/// Declared in no alphabetical order.
const KINDS: [&str; 3] = ["Zebra", "Ant", "Mole"];

fn rank(value: &Value) -> Rank {
    match value {
        Value::Bool(truth) => Rank::Number((*truth).into()),
        Value::Integer(number) => Rank::Number(*number),
        Value::Unsigned(number) => Rank::Number(*number as i128),
        Value::Decimal { value, .. } => Rank::Number(*value),
        Value::Time(time) => Rank::Number((*time).into()),
        Value::String(text) => Rank::Bytes(text.as_bytes().to_vec()),
        Value::Bytes(bytes) => Rank::Bytes(bytes.clone()),
        Value::Uuid(bytes) => Rank::Bytes(bytes.to_vec()),
        Value::Tuple(parts) => Rank::All(parts.iter().map(rank).collect()),
        Value::Variant(fields) => {
            let number = KINDS.iter().position(|kind| *kind == fields.name);
            Rank::Number(number.expect("a known variant") as i128)
        }
        other => panic!("{other} is no key"),
    }
}

/// Name, element, capacity.
const SETS: [(&str, &str, u64); 9] = [
    ("bytes", "u8", 7),
    ("signed", "i16", 6),
    ("words", "string<5>", 5),
    ("pairs", "(bool, i8)", 6),
    ("kinds", "Kind", 2),
    ("ids", "uuid", 4),
    ("prices", "decimal<9, 2>", 8),
    ("single", "u64", 1),
    ("row", "u16", 9),
];

/// Name, key, value, capacity.
const MAPS: [(&str, &str, &str, u64); 4] = [
    ("ages", "string<5>", "u8", 5),
    ("counts", "i32", "(u8, string<3>?)", 6),
    ("points", "(u8, string<2>)", "u64", 17),
    ("flags", "bool", "string<3>", 2),
];

/// Name, priority, element, capacity.
const QUEUES: [(&str, &str, &str, u64); 4] = [
    ("best", "u16", "string<3>", 6),
    ("one", "i8", "u64", 1),
    ("deep", "(bool, string<2>)", "u8", 33),
    ("late", "time", "(u8, bool)", 4),
];

pub fn package(name: &str) -> String {
    let mut text = format!(
        "package {name}\nenum Kind {{ {} }}\ntable Holder {{\n    key id: u64\n    before: u8\n    held: set<u16, 9>\n    after: u8\n}}\n",
        KINDS.join(", ")
    );
    for (name, item, capacity) in SETS {
        let (state, word, first, place) = match name {
            "row" => (
                String::new(),
                "command",
                "let row = Holder.get_or_insert(1, { before: 255, after: 255 })\n    ",
                "row.held".to_string(),
            ),
            _ => (
                format!("state {name}: set<{item}, {capacity}>"),
                "query",
                "",
                name.to_string(),
            ),
        };
        text.push_str(&format!(
            "
{state}
command {name}_insert(item: {item}) -> bool allow anyone {{ {first}{place}.insert(item) }}
command {name}_remove(item: {item}) -> bool allow anyone {{ {first}{place}.remove(item) }}
command {name}_clear() allow anyone {{ {first}{place}.clear() }}
command {name}_set(items: set<{item}, {capacity}>) allow anyone {{ {first}{place} = items }}
{word} {name}_has(item: {item}) -> bool allow anyone {{ {first}{place}.contains(item) }}
{word} {name}_first() -> {item}? allow anyone {{ {first}{place}.first() }}
{word} {name}_last() -> {item}? allow anyone {{ {first}{place}.last() }}
{word} {name}_count() -> (u64, bool) allow anyone {{ {first}({place}.len(), {place}.is_empty()) }}
{word} {name}_walk() -> list<{item}, {capacity}> allow anyone {{ {first}[item for item in {place}] }}
{word} {name}_all() -> set<{item}, {capacity}> allow anyone {{ {first}{place} }}
{word} {name}_longer() -> set<{item}, 20> allow anyone {{ {first}{place} }}
{word} {name}_shorter() -> set<{item}, 3> allow anyone {{ {first}{place}.try_into() }}
{word} {name}_same(items: set<{item}, 20>) -> bool allow anyone {{ {first}{place} == items }}
"
        ));
    }
    for (name, key, value, capacity) in MAPS {
        text.push_str(&format!(
            "
state {name}: map<{key}, {value}, {capacity}>
command {name}_insert(key: {key}, value: {value}) allow anyone {{ {name}.insert(key, value) }}
command {name}_put(key: {key}, value: {value}) allow anyone {{ {name}.put(key, value) }}
command {name}_remove(key: {key}) -> {value}? allow anyone {{ {name}.remove(key) }}
command {name}_clear() allow anyone {{ {name}.clear() }}
query {name}_get(key: {key}) -> {value}? allow anyone {{ {name}.get(key) }}
query {name}_has(key: {key}) -> bool allow anyone {{ {name}.contains(key) }}
query {name}_first() -> ({key}, {value})? allow anyone {{ {name}.first() }}
query {name}_last() -> ({key}, {value})? allow anyone {{ {name}.last() }}
query {name}_count() -> (u64, bool) allow anyone {{ ({name}.len(), {name}.is_empty()) }}
query {name}_walk() -> list<({value}, {key}), {capacity}> allow anyone {{ [(value, key) for (key, value) in {name}] }}
query {name}_all() -> map<{key}, {value}, {capacity}> allow anyone {{ {name} }}
query {name}_same(entries: map<{key}, {value}, 20>) -> bool allow anyone {{ {name} == entries }}
"
        ));
    }
    for (name, priority, item, capacity) in QUEUES {
        text.push_str(&format!(
            "
query {name}_run(steps: list<(u8, {priority}, {item}), 60>, n: u64) -> (list<({priority}, {item})?, 60>, list<{item}, {capacity}>, u64) allow anyone {{
    var queue = priority_queue<{priority}, {item}, {capacity}>()
    var seen: list<({priority}, {item})?, 60> = []
    for (what, priority, item) in steps {{
        match what {{
            0 => {{ seen.push(queue.pop()) }}
            1 => {{ seen.push(queue.peek()) }}
            2 => {{ queue.clear() }}
            _ => {{ queue.push(priority, item) }}
        }}
    }}
    (seen, queue.take(n), queue.len())
}}
"
        ));
    }
    text
}

fn unsigned(number: u64) -> Value {
    Value::Unsigned(number.into())
}

fn signed(dice: &mut Dice, span: u64) -> i128 {
    i128::from(dice.below(2 * span + 1)) - i128::from(span)
}

/// Few different ones, so that they meet; negative numbers, prefixes of each other and zeros among them.
fn made(dice: &mut Dice, kind: &str) -> Value {
    match kind {
        "u8" => unsigned([0, 1, 2, 3, 127, 128, 254, 255][dice.below(8) as usize]),
        "u16" => unsigned([0, 1, 255, 256, 257, 258, 511, 512, 65_535][dice.below(9) as usize]),
        "u64" => unsigned([0, 1, u64::MAX, 1 << 40, 256][dice.below(5) as usize]),
        "i8" => Value::Integer(signed(dice, 3)),
        "i16" => Value::Integer(signed(dice, 300)),
        "i32" => {
            Value::Integer([-1, 0, 1, 256, -256, i128::from(i32::MIN)][dice.below(6) as usize])
        }
        "bool" => Value::Bool(dice.below(2) == 0),
        "time" => Value::Time(dice.below(5) as i64 * 1_000),
        "uuid" => {
            let mut bytes = [0; 16];
            bytes[dice.below(3) as usize * 7] = dice.below(3) as u8;
            Value::Uuid(bytes)
        }
        "decimal<9, 2>" => Value::Decimal {
            value: signed(dice, 5),
            scale: 2,
        },
        "Kind" => Value::Variant(Fields {
            name: KINDS[dice.below(3) as usize].to_string(),
            fields: Vec::new(),
        }),
        "string<2>" | "string<3>" | "string<5>" => {
            let most = kind.as_bytes()[7] - b'0';
            let length = dice.below(u64::from(most) + 1);
            let letters = (0..length).map(|_| ['a', 'b', '\0'][dice.below(3) as usize]);
            Value::String(letters.collect())
        }
        "string<3>?" => match dice.below(2) {
            0 => Value::Absent,
            _ => made(dice, "string<3>"),
        },
        pair => {
            let inner = pair.trim_start_matches('(').trim_end_matches(')');
            let parts = inner.split(", ").map(|part| made(dice, part)).collect();
            Value::Tuple(parts)
        }
    }
}

fn truth(value: bool) -> Ending {
    Ending::Done(Some(Value::Bool(value)))
}

fn optional(value: Option<Value>) -> Ending {
    Ending::Done(Some(value.unwrap_or(Value::Absent)))
}

fn whole(values: impl Iterator<Item = Value>) -> Ending {
    Ending::Done(Some(Value::List(values.collect())))
}

fn count(length: usize) -> Ending {
    let parts = vec![unsigned(length as u64), Value::Bool(length == 0)];
    Ending::Done(Some(Value::Tuple(parts)))
}

type Model = BTreeMap<Rank, (Value, Value)>;

fn keys(model: &Model) -> impl Iterator<Item = Value> + '_ {
    model.values().map(|(key, _)| key.clone())
}

fn pairs(model: &Model) -> impl Iterator<Item = Value> + '_ {
    let pair = |(key, value): &(Value, Value)| Value::Tuple(vec![key.clone(), value.clone()]);
    model.values().map(pair)
}

fn set_step(
    host: &mut dyn Host,
    model: &mut Model,
    (name, capacity): (&str, u64),
    (what, item): (u64, Value),
) {
    let at = rank(&item);
    let entry = || (item.clone(), Value::Absent);
    let full = model.len() as u64 >= capacity;
    let mut run =
        |operation: &str, arguments: &[Value]| host.run(&format!("{name}_{operation}"), arguments);
    let given = std::slice::from_ref(&item);
    let (have, want) = match what {
        0..=6 => {
            let have = run("insert", given);
            let there = model.contains_key(&at);
            if full && !there {
                (have, Ending::Failed(Builtin::TooLong))
            } else {
                model.entry(at).or_insert_with(entry);
                (have, truth(!there))
            }
        }
        7..=9 => {
            let gone = model.remove(&at).is_some();
            (run("remove", given), truth(gone))
        }
        10 => {
            model.clear();
            (run("clear", &[]), Ending::Done(None))
        }
        11 => {
            while model.len() > 2 {
                model.pop_first();
            }
            // In an order that is not theirs.
            let mut items: Vec<Value> = keys(model).collect();
            items.reverse();
            (run("set", &[Value::List(items)]), Ending::Done(None))
        }
        12 => {
            let mut items: Vec<Value> = keys(model).collect();
            let there = model.contains_key(&at);
            if !there {
                items.insert(0, item.clone());
            }
            (run("same", &[Value::List(items)]), truth(there))
        }
        _ => (run("has", given), truth(model.contains_key(&at))),
    };
    assert_eq!(have, want, "{name}, now {model:?}");
    let all = whole(keys(model));
    for operation in ["all", "walk", "longer"] {
        assert_eq!(run(operation, &[]), all, "{name}: {operation}");
    }
    let shorter = match model.len() <= 3 {
        true => all,
        false => Ending::Failed(Builtin::TooLong),
    };
    assert_eq!(run("shorter", &[]), shorter, "{name} in a shorter one");
    let same = [Value::List(keys(model).collect())];
    assert_eq!(run("same", &same), truth(true), "{name}");
    assert_eq!(run("first", &[]), optional(keys(model).next()), "{name}");
    assert_eq!(run("last", &[]), optional(keys(model).last()), "{name}");
    assert_eq!(run("count", &[]), count(model.len()), "{name}");
}

fn map_step(
    host: &mut dyn Host,
    model: &mut Model,
    (name, capacity): (&str, u64),
    (what, key, value): (u64, Value, Value),
) {
    let at = rank(&key);
    let full = model.len() as u64 >= capacity && !model.contains_key(&at);
    let mut run =
        |operation: &str, arguments: &[Value]| host.run(&format!("{name}_{operation}"), arguments);
    let given = [key.clone(), value.clone()];
    let (have, want) = match what {
        0..=4 => {
            let have = run("insert", &given);
            let want = match (model.contains_key(&at), full) {
                (true, _) => Ending::Failed(Builtin::AlreadyExists),
                (_, true) => Ending::Failed(Builtin::TooLong),
                _ => {
                    model.insert(at, (key, value));
                    Ending::Done(None)
                }
            };
            (have, want)
        }
        5..=8 => {
            let have = run("put", &given);
            if full {
                (have, Ending::Failed(Builtin::TooLong))
            } else {
                model.insert(at, (key, value));
                (have, Ending::Done(None))
            }
        }
        9..=11 => {
            let gone = model.remove(&at).map(|(_, value)| value);
            (run("remove", &given[..1]), optional(gone))
        }
        12 => {
            model.clear();
            (run("clear", &[]), Ending::Done(None))
        }
        13 => (run("has", &given[..1]), truth(model.contains_key(&at))),
        _ => {
            let there = model.get(&at).map(|(_, value)| value.clone());
            (run("get", &given[..1]), optional(there))
        }
    };
    assert_eq!(have, want, "{name}, now {model:?}");
    assert_eq!(run("all", &[]), whole(pairs(model)), "{name}");
    let turned = model
        .values()
        .map(|(key, value)| Value::Tuple(vec![value.clone(), key.clone()]));
    assert_eq!(run("walk", &[]), whole(turned), "{name}");
    let same = [Value::List(pairs(model).collect())];
    assert_eq!(run("same", &same), truth(true), "{name}");
    assert_eq!(run("first", &[]), optional(pairs(model).next()), "{name}");
    assert_eq!(run("last", &[]), optional(pairs(model).last()), "{name}");
    assert_eq!(run("count", &[]), count(model.len()), "{name}");
}

pub fn sets(host: &mut dyn Host, seed: u64, steps: u64) {
    let mut dice = Dice(seed);
    let mut models: Vec<Model> = vec![Model::new(); SETS.len()];
    // Up, down and from both ends, until they are full and then empty.
    for (model, (name, kind, capacity)) in models.iter_mut().zip(SETS) {
        if matches!(kind, "u8" | "u16" | "u64") {
            let last = capacity + 1;
            let up = 0..=last;
            let down = (0..=last).rev();
            let inward = (0..=last).map(|at| if at % 2 == 0 { at / 2 } else { last - at / 2 });
            for (what, number) in up
                .clone()
                .map(|n| (0, n))
                .chain(down.clone().map(|n| (7, n)))
                .chain(down.map(|n| (0, n)))
                .chain(up.clone().map(|n| (7, n)))
                .chain(inward.map(|n| (0, n)))
                .chain(up.map(|n| (7, n)))
            {
                set_step(host, model, (name, capacity), (what, unsigned(number)));
            }
        }
    }
    for _ in 0..steps {
        let which = dice.below(SETS.len() as u64) as usize;
        let (name, kind, capacity) = SETS[which];
        let step = (dice.below(15), made(&mut dice, kind));
        // Emptied seldom, or none would ever be full.
        if step.0 != 10 || dice.below(4) == 0 {
            set_step(host, &mut models[which], (name, capacity), step);
        }
    }
}

pub fn maps(host: &mut dyn Host, seed: u64, steps: u64) {
    let mut dice = Dice(seed);
    let mut models: Vec<Model> = vec![Model::new(); MAPS.len()];
    for _ in 0..steps {
        let which = dice.below(MAPS.len() as u64) as usize;
        let (name, key, value, capacity) = MAPS[which];
        let step = (dice.below(16), made(&mut dice, key), made(&mut dice, value));
        if step.0 != 12 || dice.below(4) == 0 {
            map_step(host, &mut models[which], (name, capacity), step);
        }
    }
}

/// Each run is a life of a queue, from empty.
pub fn queues(host: &mut dyn Host, seed: u64, runs: u64) {
    let mut dice = Dice(seed);
    for run in 0..runs {
        let (name, priority, item, capacity) = QUEUES[dice.below(QUEUES.len() as u64) as usize];
        let mut steps = Vec::new();
        let mut seen = Vec::new();
        // In the order in which they come out.
        let mut model: Vec<(Rank, Value)> = Vec::new();
        let length = dice.below(61);
        let mut priorities: Vec<Value> = (0..length).map(|_| made(&mut dice, priority)).collect();
        match run % 4 {
            0 => priorities.sort_by_key(rank),
            1 => priorities.sort_by_key(|value| std::cmp::Reverse(rank(value))),
            _ => {}
        }
        for priority in priorities {
            let (what, item) = (dice.below(9), made(&mut dice, item));
            let what = if what == 2 && dice.below(4) > 0 {
                8
            } else {
                what
            };
            let pair = Value::Tuple(vec![priority.clone(), item.clone()]);
            steps.push(Value::Tuple(vec![unsigned(what), priority.clone(), item]));
            match what {
                0 if !model.is_empty() => seen.push(model.remove(0).1),
                0 | 1 => seen.push(
                    model
                        .first()
                        .map_or(Value::Absent, |(_, pair)| pair.clone()),
                ),
                2 => model.clear(),
                _ => {
                    let new = rank(&priority);
                    let at = model.iter().position(|(old, _)| *old < new);
                    model.insert(at.unwrap_or(model.len()), (new, pair));
                    model.truncate(capacity as usize);
                }
            }
        }
        let wanted = dice.below(capacity + 3);
        let rest = model
            .iter()
            .take(wanted as usize)
            .map(|(_, pair)| match pair {
                Value::Tuple(parts) => parts[1].clone(),
                other => other.clone(),
            });
        let want = Value::Tuple(vec![
            Value::List(seen),
            Value::List(rest.collect()),
            unsigned(model.len() as u64),
        ]);
        let shown = format!("{name} {steps:?}");
        let have = host.run(
            &format!("{name}_run"),
            &[Value::List(steps), unsigned(wanted)],
        );
        assert_eq!(have, Ending::Done(Some(want)), "{shown}");
    }
}
