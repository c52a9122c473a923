//! Lists and texts against `Vec` and `String`, by random operations, on whatever runs a package. Always true: what the
//! package answers is what the model answers, failures included, and a failure changes nothing.

use rc_bytecode::instr::Builtin;
use rc_bytecode::value::Value;

/// How a command ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    Done(Option<Value>),
    Failed(Builtin),
}

/// Something that runs the package below.
pub trait Host {
    fn run(&mut self, name: &str, arguments: &[Value]) -> Ending;
}

/// Numbers that look random.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

/// The same operations for lists of several kinds of items.
fn list_commands(name: &str, item: &str, capacity: u64) -> String {
    format!(
        "
state {name}: list<{item}, {capacity}>
command {name}_push(item: {item}) allow anyone {{ {name}.push(item) }}
command {name}_insert(at: u64, item: {item}) allow anyone {{ {name}.insert_at(at, item) }}
command {name}_remove(at: u64) -> {item} allow anyone {{ {name}.remove_at(at) }}
command {name}_pop() -> {item}? allow anyone {{ {name}.pop() }}
command {name}_clear() allow anyone {{ {name}.clear() }}
command {name}_set(items: list<{item}, {capacity}>) allow anyone {{ {name} = items }}
query {name}_first() -> {item}? allow anyone {{ {name}.first() }}
query {name}_last() -> {item}? allow anyone {{ {name}.last() }}
query {name}_has(item: {item}) -> bool allow anyone {{ {name}.contains(item) }}
query {name}_at(at: u64) -> {item} allow anyone {{ {name}[at] }}
query {name}_all() -> list<{item}, {capacity}> allow anyone {{ {name} }}
query {name}_longer() -> list<{item}, 20> allow anyone {{ {name} }}
query {name}_shorter() -> list<{item}, 3> allow anyone {{ {name}.try_into() }}
query {name}_same(items: list<{item}, 20>) -> bool allow anyone {{ {name} == items }}
"
    )
}

/// Capacities of two texts, so that each is the longer once.
const TEXTS: [(u64, u64); 4] = [(12, 5), (5, 12), (17, 17), (1, 3)];

pub fn package(name: &str) -> String {
    let mut text = format!("package {name}\n");
    for (name, item, capacity) in LISTS {
        text.push_str(&list_commands(name, item, capacity));
    }
    for (a, b) in TEXTS {
        let both = a + b;
        let (own, other) = (format!("string<{a}>"), format!("string<{b}>"));
        text.push_str(&format!(
            "
query starts_{a}_{b}(a: {own}, b: {other}) -> bool allow anyone {{ a.starts_with(b) }}
query ends_{a}_{b}(a: {own}, b: {other}) -> bool allow anyone {{ a.ends_with(b) }}
query has_{a}_{b}(a: {own}, b: {other}) -> bool allow anyone {{ a.contains(b) }}
query below_{a}_{b}(a: {own}, b: {other}) -> bool allow anyone {{ a < b }}
query at_most_{a}_{b}(a: {own}, b: {other}) -> bool allow anyone {{ a <= b }}
query same_{a}_{b}(a: {own}, b: {other}) -> bool allow anyone {{ a == b }}
query joined_{a}_{b}(a: {own}, b: {other}) -> string<{both}> allow anyone {{ a + b }}
query within_{a}_{b}(a: {own}, b: {other}) -> string<6> allow anyone {{ a.concat(b) }}
query slice_{a}_{b}(a: {own}, from: u64, to: u64) -> {own} allow anyone {{ a.slice(from, to) }}
query cut_{a}_{b}(a: {own}, from: u64, to: u64, part: {own}) -> bool allow anyone {{ a.slice(from, to) == part }}
query into_{a}_{b}(a: {own}) -> {other} allow anyone {{ a.try_into() }}
"
        ));
    }
    for integer in INTEGERS {
        text.push_str(&format!(
            "query {integer}_text(n: {integer}) -> string<40> allow anyone {{ n.to_string() }}\n"
        ));
    }
    text
}

const LISTS: [(&str, &str, u64); 4] = [
    ("small", "u8", 7),
    ("numbers", "u64", 9),
    ("words", "string<5>", 6),
    ("pairs", "(u8, string<3>?)", 5),
];

const INTEGERS: [&str; 10] = [
    "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128",
];

fn number(number: u64) -> Value {
    Value::Unsigned(number.into())
}

fn truth(value: bool) -> Ending {
    Ending::Done(Some(Value::Bool(value)))
}

/// Characters of one and two bytes, and the one of no ink.
fn word(dice: &mut Dice, bytes_max: u64) -> String {
    let mut word = String::new();
    let length = dice.below(bytes_max + 1);
    while (word.len() as u64) < length {
        let next = ['a', 'b', 'é', '\0'][dice.below(4) as usize];
        if word.len() + next.len_utf8() <= bytes_max as usize {
            word.push(next);
        } else {
            break;
        }
    }
    word
}

fn item(dice: &mut Dice, kind: &str) -> Value {
    match kind {
        "u8" | "u64" => number(dice.below(6)),
        "string<5>" => Value::String(word(dice, 5)),
        _ => Value::Tuple(vec![
            number(dice.below(3)),
            match dice.below(2) {
                0 => Value::Absent,
                _ => Value::String(word(dice, 3)),
            },
        ]),
    }
}

fn optional(value: Option<&Value>) -> Ending {
    Ending::Done(Some(value.map_or(Value::Absent, |value| value.clone())))
}

/// One operation on a list, and the look at all of it.
fn list_step(
    host: &mut dyn Host,
    dice: &mut Dice,
    model: &mut Vec<Value>,
    (name, kind, capacity): (&str, &str, u64),
) {
    let item = item(dice, kind);
    let at = dice.below(model.len() as u64 + 2) as usize;
    let full = model.len() as u64 >= capacity;
    let place = number(at as u64);
    let mut run =
        |operation: &str, arguments: &[Value]| host.run(&format!("{name}_{operation}"), arguments);
    let (have, want) = match dice.below(16) {
        0..=4 => {
            let have = run("push", std::slice::from_ref(&item));
            let want = match full {
                true => Ending::Failed(Builtin::TooLong),
                false => {
                    model.push(item);
                    Ending::Done(None)
                }
            };
            (have, want)
        }
        5..=6 => {
            let have = run("insert", &[place, item.clone()]);
            let want = match (full, at <= model.len()) {
                (true, _) => Ending::Failed(Builtin::TooLong),
                (_, false) => Ending::Failed(Builtin::BoundExceeded),
                _ => {
                    model.insert(at, item);
                    Ending::Done(None)
                }
            };
            (have, want)
        }
        7..=8 => {
            let have = run("remove", &[place]);
            let want = match at < model.len() {
                true => Ending::Done(Some(model.remove(at))),
                false => Ending::Failed(Builtin::BoundExceeded),
            };
            (have, want)
        }
        9 => {
            let popped = model.pop();
            (run("pop", &[]), optional(popped.as_ref()))
        }
        10 if dice.below(4) == 0 => {
            model.clear();
            (run("clear", &[]), Ending::Done(None))
        }
        10 => {
            model.truncate(3);
            let items = Value::List(model.clone());
            (run("set", &[items]), Ending::Done(None))
        }
        11 => (run("first", &[]), optional(model.first())),
        12 => (run("last", &[]), optional(model.last())),
        13 => {
            let found = model.contains(&item);
            (run("has", &[item]), truth(found))
        }
        14 => {
            let mut other = model.clone();
            if dice.below(2) == 0 {
                other.push(item);
            }
            let same = other == *model;
            (run("same", &[Value::List(other)]), truth(same))
        }
        _ => {
            let want = match model.get(at) {
                Some(item) => Ending::Done(Some(item.clone())),
                None => Ending::Failed(Builtin::BoundExceeded),
            };
            (run("at", &[place]), want)
        }
    };
    assert_eq!(have, want, "{name}, now {model:?}");
    let all = Ending::Done(Some(Value::List(model.clone())));
    assert_eq!(run("all", &[]), all, "{name}");
    assert_eq!(run("longer", &[]), all, "{name} in a longer one");
    let shorter = match model.len() <= 3 {
        true => all,
        false => Ending::Failed(Builtin::TooLong),
    };
    assert_eq!(run("shorter", &[]), shorter, "{name} in a shorter one");
}

pub fn lists(host: &mut dyn Host, seed: u64, steps: u64) {
    let mut dice = Dice(seed);
    let mut models: Vec<Vec<Value>> = vec![Vec::new(); LISTS.len()];
    for _ in 0..steps {
        let which = dice.below(LISTS.len() as u64) as usize;
        list_step(host, &mut dice, &mut models[which], LISTS[which]);
    }
}

pub fn texts(host: &mut dyn Host, seed: u64, steps: u64) {
    let mut dice = Dice(seed);
    for _ in 0..steps {
        let (a_max, b_max) = TEXTS[dice.below(4) as usize];
        let a = word(&mut dice, a_max);
        let b = match dice.below(3) {
            // A part of it, so that something is found.
            0 => {
                let from = dice.below(a.len() as u64 + 1) as usize;
                let to = from + dice.below((a.len() - from) as u64 + 1) as usize;
                match a.get(from..to) {
                    Some(part) if part.len() as u64 <= b_max => part.to_string(),
                    _ => String::new(),
                }
            }
            _ => word(&mut dice, b_max),
        };
        let text = |text: &str| Ending::Done(Some(Value::String(text.to_string())));
        let fits = |joined: String, max: usize| match joined.len() <= max {
            true => text(&joined),
            false => Ending::Failed(Builtin::TooLong),
        };
        let both = [Value::String(a.clone()), Value::String(b.clone())];
        let joined = format!("{a}{b}");
        for (operation, want) in [
            ("starts", truth(a.starts_with(&b))),
            ("ends", truth(a.ends_with(&b))),
            ("has", truth(a.contains(&b))),
            ("below", truth(a.as_bytes() < b.as_bytes())),
            ("at_most", truth(a.as_bytes() <= b.as_bytes())),
            ("same", truth(a == b)),
            ("joined", text(&joined)),
            ("within", fits(joined.clone(), 6)),
        ] {
            let have = host.run(&format!("{operation}_{a_max}_{b_max}"), &both);
            assert_eq!(have, want, "{operation} of {a:?} and {b:?}");
        }
        let (from, to) = (dice.below(a_max + 2), dice.below(a_max + 2));
        let want = match a.get(from as usize..to as usize) {
            Some(part) if from <= to => text(part),
            _ => Ending::Failed(Builtin::BoundExceeded),
        };
        let have = host.run(
            &format!("slice_{a_max}_{b_max}"),
            &[both[0].clone(), number(from), number(to)],
        );
        assert_eq!(have, want, "{a:?}.slice({from}, {to})");
        if let Ending::Done(Some(part)) = have {
            // What is beyond its length is zero, or it would equal nothing.
            let ends = [both[0].clone(), number(from), number(to), part];
            let have = host.run(&format!("cut_{a_max}_{b_max}"), &ends);
            assert_eq!(have, truth(true), "{a:?}.slice({from}, {to})");
        }
        let have = host.run(&format!("into_{a_max}_{b_max}"), &both[..1]);
        assert_eq!(have, fits(a.clone(), b_max as usize), "{a:?} into {b_max}");
    }
}

/// Every kind of integer, at its ends and in between.
pub fn digits(host: &mut dyn Host) {
    for kind in INTEGERS {
        let bits: u32 = kind[1..].parse().expect("a width");
        for shift in 0..bits {
            for add in [0u128, 1, 9] {
                let word = (u128::MAX >> (128 - bits) >> shift).wrapping_sub(add);
                let word = word & (u128::MAX >> (128 - bits));
                let (value, shown) = match kind.starts_with('u') {
                    true => (Value::Unsigned(word), word.to_string()),
                    false => {
                        let signed = (word << (128 - bits)) as i128 >> (128 - bits);
                        (Value::Integer(signed), signed.to_string())
                    }
                };
                let have = host.run(&format!("{kind}_text"), &[value]);
                assert_eq!(have, Ending::Done(Some(Value::String(shown))), "{kind}");
            }
        }
    }
}
