//! Containers of the canvas against maps and vectors, by random operations, on whatever runs a package. Always true: states
//! and fields are asked the same questions, and a failure leaves every container as it was.

use crate::values::{Dice, Ending, Host};
use rc_bytecode::instr::Builtin;
use rc_bytecode::value::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// `rows`: the containers are fields of a table, one row for each `who`; else they are states, and `who` is not looked at.
pub fn package(name: &str, rows: bool) -> String {
    let containers = "
    m: map<u64, (u64, bytes<5>)>
    t: tree<string<6>, u64>
    s: set<u64>
    q: queue<(u64, string<4>)>
    p: priority_queue<u8, u64>
    l: log<bytes<5>>";
    let (declared, first, at, forget) = match rows {
        true => (
            format!("table Owner {{\n    key id: u64\n    note: u64 = 7{containers}\n}}"),
            "let o = Owner.get_or_insert(who)",
            "o.",
            "command forget(who: u64) -> bool allow anyone { Owner.delete(who) }
command renew(who: u64) allow anyone { Owner.put({ id: who }) }
query noted(who: u64) -> u64 allow anyone {
    let o = Owner.get(who) else return 0
    o.note + o.m.len() + o.q.len()
}",
        ),
        false => (
            containers
                .trim()
                .lines()
                .map(|line| format!("state {}\n", line.trim()))
                .collect(),
            "",
            "",
            "",
        ),
    };
    let mut text = format!("package {name}\n\n{declared}\n{forget}\n");
    for (signature, body) in [
        ("map_get(who: u64, k: u64) -> (u64, bytes<5>)?", "@m.get(k)"),
        (
            "map_put(who: u64, k: u64, v: (u64, bytes<5>))",
            "@m.put(k, v)",
        ),
        (
            "map_insert(who: u64, k: u64, v: (u64, bytes<5>))",
            "@m.insert(k, v)",
        ),
        (
            "map_remove(who: u64, k: u64) -> (u64, bytes<5>)?",
            "@m.remove(k)",
        ),
        ("map_has(who: u64, k: u64) -> bool", "@m.contains(k)"),
        ("tree_get(who: u64, k: string<6>) -> u64?", "@t.get(k)"),
        ("tree_put(who: u64, k: string<6>, v: u64)", "@t.put(k, v)"),
        (
            "tree_insert(who: u64, k: string<6>, v: u64)",
            "@t.insert(k, v)",
        ),
        (
            "tree_remove(who: u64, k: string<6>) -> u64?",
            "@t.remove(k)",
        ),
        (
            "tree_ends(who: u64) -> ((string<6>, u64)?, (string<6>, u64)?)",
            "(@t.first(), @t.last())",
        ),
        (
            "tree_up(who: u64, a: string<6>, b: string<6>, n: u64) -> list<(string<6>, u64), 40>",
            "[(k, v) for (k, v) in @t.from(a).to(b) take n max 40]",
        ),
        (
            "tree_down(who: u64, a: string<6>, n: u64) -> list<string<6>, 40>",
            "var keys: list<string<6>, 40> = []
    for (k, v) in @t.from(a).descending() take n max 40 {
        if v % 2 == 1 { continue }
        keys.push(k)
    }
    keys",
        ),
        (
            "tree_drain(who: u64, n: u64) -> u64",
            "var sum = 0
    for (k, v) in @t.ascending() take n max 40 {
        sum += v
        @t.remove(k)
        @t.put(k.concat(\"~\").slice(0, 1).try_into(), 1)
    }
    sum",
        ),
        ("set_insert(who: u64, k: u64) -> bool", "@s.insert(k)"),
        ("set_remove(who: u64, k: u64) -> bool", "@s.remove(k)"),
        ("set_has(who: u64, k: u64) -> bool", "@s.contains(k)"),
        ("queue_push(who: u64, v: (u64, string<4>))", "@q.push(v)"),
        ("queue_pop(who: u64) -> (u64, string<4>)?", "@q.pop()"),
        ("queue_peek(who: u64) -> (u64, string<4>)?", "@q.peek()"),
        ("best_push(who: u64, rank: u8, v: u64)", "@p.push(rank, v)"),
        ("best_pop(who: u64) -> (u8, u64)?", "@p.pop()"),
        ("best_peek(who: u64) -> (u8, u64)?", "@p.peek()"),
        ("log_append(who: u64, v: bytes<5>) -> u64", "@l.append(v)"),
        ("log_get(who: u64, at: u64) -> bytes<5>?", "@l.get(at)"),
        (
            "log_from(who: u64, a: u64, b: u64, n: u64) -> list<(u64, bytes<5>), 40>",
            "[(at, v) for (at, v) in @l.from(a).to(b) take n max 40]",
        ),
        (
            "log_count(who: u64, a: u64, v: bytes<5>) -> u64",
            "var count = 0
    for (at, have) in @l.from(a) take 9 {
        if have == v { count += at + 1 }
    }
    count",
        ),
        (
            "lengths(who: u64) -> list<u64, 6>",
            "[@m.len(), @t.len(), @s.len(), @q.len(), @p.len(), @l.len()]",
        ),
        (
            "empty(who: u64) -> list<bool, 3>",
            "[@m.is_empty(), @q.is_empty(), @l.is_empty()]",
        ),
        (
            "in_vain(who: u64, k: u64)",
            "@m.put(k, (1, b\"x\"))
    @t.put(\"new\", 1)
    @t.remove(\"a\")
    @s.insert(k)
    @q.push((k, \"q\"))
    @q.pop()
    @p.push(9, k)
    @p.pop()
    @l.append(b\"l\")
    @m.insert(k, (2, b\"y\"))",
        ),
    ] {
        let body = body.replace('@', at);
        text += &format!("command {signature} allow anyone {{\n    {first}\n    {body}\n}}\n");
    }
    text
}

#[derive(Clone, Default)]
struct Model {
    m: BTreeMap<u64, Value>,
    t: BTreeMap<String, u64>,
    s: BTreeSet<u64>,
    q: VecDeque<Value>,
    /// In order of pushing.
    p: Vec<(u64, u64)>,
    l: Vec<Value>,
}

fn number(number: u64) -> Value {
    Value::Unsigned(number.into())
}

fn text(text: &str) -> Value {
    Value::String(text.to_string())
}

fn done(value: Value) -> Ending {
    Ending::Done(Some(value))
}

fn maybe(value: Option<Value>) -> Ending {
    done(value.unwrap_or(Value::Absent))
}

fn pair(a: Value, b: Value) -> Value {
    Value::Tuple(vec![a, b])
}

/// Few of them meet often, some stand at the ends of their type.
fn key(dice: &mut Dice) -> u64 {
    match dice.below(8) {
        0 => u64::MAX - dice.below(3),
        1 => dice.below(2_000),
        _ => dice.below(40),
    }
}

/// With beginnings in common, empty, with bytes of zero.
fn word(dice: &mut Dice) -> String {
    let length = dice.below(7);
    (0..length)
        .map(|_| ['a', 'b', '\0', '~'][dice.below(4) as usize])
        .collect()
}

fn few_bytes(dice: &mut Dice) -> Value {
    Value::Bytes((0..dice.below(6)).map(|_| dice.below(3) as u8).collect())
}

impl Model {
    /// The number of the pair that leaves first: the greatest, and of equal ones the oldest.
    fn best(&self) -> Option<usize> {
        let (mut best, mut at) = (None, None);
        for (number, (rank, _)) in self.p.iter().enumerate() {
            if best.is_none_or(|best| *rank > best) {
                (best, at) = (Some(*rank), Some(number));
            }
        }
        at
    }

    fn step(&mut self, host: &mut dyn Host, dice: &mut Dice, who: u64) {
        let (k, v) = (key(dice), dice.below(100));
        let (w, x) = (word(dice), word(dice));
        let data = few_bytes(dice);
        let pair_of = pair(number(v), data.clone());
        let short = pair(number(v), text(["", "ab", "abcd"][dice.below(3) as usize]));
        let mut run = |name: &str, more: &[Value]| {
            let mut arguments = vec![number(who)];
            arguments.extend(more.iter().cloned());
            host.run(name, &arguments)
        };
        let ranked = |(rank, v): &(u64, u64)| pair(number(*rank), number(*v));
        let (what, have, want) = match dice.below(32) {
            0..=1 => {
                let have = run("map_put", &[number(k), pair_of.clone()]);
                self.m.insert(k, pair_of);
                ("map_put", have, Ending::Done(None))
            }
            2 => {
                let have = run("map_insert", &[number(k), pair_of.clone()]);
                let want = match self.m.contains_key(&k) {
                    true => Ending::Failed(Builtin::AlreadyExists),
                    false => {
                        self.m.insert(k, pair_of);
                        Ending::Done(None)
                    }
                };
                ("map_insert", have, want)
            }
            3 => (
                "map_remove",
                run("map_remove", &[number(k)]),
                maybe(self.m.remove(&k)),
            ),
            4 => (
                "map_get",
                run("map_get", &[number(k)]),
                maybe(self.m.get(&k).cloned()),
            ),
            5 => (
                "map_has",
                run("map_has", &[number(k)]),
                done(Value::Bool(self.m.contains_key(&k))),
            ),
            6..=9 => {
                let have = run("tree_put", &[text(&w), number(v)]);
                self.t.insert(w.clone(), v);
                ("tree_put", have, Ending::Done(None))
            }
            10 => {
                let have = run("tree_insert", &[text(&w), number(v)]);
                let want = match self.t.contains_key(&w) {
                    true => Ending::Failed(Builtin::AlreadyExists),
                    false => {
                        self.t.insert(w.clone(), v);
                        Ending::Done(None)
                    }
                };
                ("tree_insert", have, want)
            }
            11 => (
                "tree_remove",
                run("tree_remove", &[text(&w)]),
                maybe(self.t.remove(&w).map(number)),
            ),
            12 => (
                "tree_get",
                run("tree_get", &[text(&w)]),
                maybe(self.t.get(&w).copied().map(number)),
            ),
            13 => {
                let entry = |entry: Option<(&String, &u64)>| {
                    entry.map_or(Value::Absent, |(k, v)| pair(text(k), number(*v)))
                };
                let want = pair(
                    entry(self.t.first_key_value()),
                    entry(self.t.last_key_value()),
                );
                ("tree_ends", run("tree_ends", &[]), done(want))
            }
            14 => {
                let n = dice.below(42);
                let have = run("tree_up", &[text(&w), text(&x), number(n)]);
                let found = self.t.iter().filter(|(k, _)| **k >= w && **k < x);
                let found = found
                    .take(n as usize)
                    .map(|(k, v)| pair(text(k), number(*v)));
                let want = match n <= 40 {
                    true => done(Value::List(found.collect())),
                    false => Ending::Failed(Builtin::BoundExceeded),
                };
                ("tree_up", have, want)
            }
            15 => {
                let n = dice.below(41);
                let have = run("tree_down", &[text(&w), number(n)]);
                let found = self.t.iter().rev().take_while(|(k, _)| **k >= w);
                let found = found.take(n as usize).filter(|(_, v)| *v % 2 == 0);
                let want = Value::List(found.map(|(k, _)| text(k)).collect());
                ("tree_down", have, done(want))
            }
            16 if dice.below(4) == 0 => {
                let n = dice.below(12);
                let have = run("tree_drain", &[number(n)]);
                let keys: Vec<String> = self.t.keys().take(n as usize).cloned().collect();
                let mut sum = 0;
                for key in keys {
                    // A key that is gone by the time it is reached is passed over.
                    let Some(value) = self.t.remove(&key) else {
                        continue;
                    };
                    sum += value;
                    let first: String = key.chars().chain(['~']).take(1).collect();
                    self.t.insert(first, 1);
                }
                ("tree_drain", have, done(number(sum)))
            }
            16..=18 => (
                "set_insert",
                run("set_insert", &[number(k)]),
                done(Value::Bool(self.s.insert(k))),
            ),
            19 => (
                "set_remove",
                run("set_remove", &[number(k)]),
                done(Value::Bool(self.s.remove(&k))),
            ),
            20 => (
                "set_has",
                run("set_has", &[number(k)]),
                done(Value::Bool(self.s.contains(&k))),
            ),
            21..=22 => {
                let have = run("queue_push", std::slice::from_ref(&short));
                self.q.push_back(short);
                ("queue_push", have, Ending::Done(None))
            }
            23 => (
                "queue_peek",
                run("queue_peek", &[]),
                maybe(self.q.front().cloned()),
            ),
            24 => (
                "queue_pop",
                run("queue_pop", &[]),
                maybe(self.q.pop_front()),
            ),
            25 => {
                let rank = dice.below(4);
                let have = run("best_push", &[number(rank), number(k)]);
                self.p.push((rank, k));
                ("best_push", have, Ending::Done(None))
            }
            26 => {
                let want = self.best().map(|at| ranked(&self.p[at]));
                ("best_peek", run("best_peek", &[]), maybe(want))
            }
            27 => {
                let want = self.best().map(|at| ranked(&self.p.remove(at)));
                ("best_pop", run("best_pop", &[]), maybe(want))
            }
            28 => {
                let have = run("log_append", std::slice::from_ref(&data));
                self.l.push(data);
                ("log_append", have, done(number(self.l.len() as u64 - 1)))
            }
            29 => {
                let at = dice.below(self.l.len() as u64 + 2);
                let want = maybe(self.l.get(at as usize).cloned());
                ("log_get", run("log_get", &[number(at)]), want)
            }
            30 => {
                let end = self.l.len() as u64 + 2;
                let (a, b, n) = (dice.below(end), dice.below(end), dice.below(41));
                let have = run("log_from", &[number(a), number(b), number(n)]);
                let found = (0..).zip(&self.l).filter(|(at, _)| *at >= a && *at < b);
                let found = found
                    .take(n as usize)
                    .map(|(at, v)| pair(number(at), v.clone()));
                let want = done(Value::List(found.collect()));
                assert_eq!(have, want, "log_from");
                let have = run("log_count", &[number(a), data.clone()]);
                let seen = (0..).zip(&self.l).filter(|(at, _)| *at >= a).take(9);
                let count = seen
                    .filter(|(_, v)| **v == data)
                    .map(|(at, _)| at + 1)
                    .sum();
                ("log_count", have, done(number(count)))
            }
            _ => {
                let have = run("in_vain", &[number(k)]);
                ("in_vain", have, Ending::Failed(Builtin::AlreadyExists))
            }
        };
        assert_eq!(have, want, "{what} of {who}: {k}, {w:?}, {x:?}");
        let lengths = [
            self.m.len(),
            self.t.len(),
            self.s.len(),
            self.q.len(),
            self.p.len(),
            self.l.len(),
        ];
        let lengths = lengths
            .iter()
            .map(|length| number(*length as u64))
            .collect();
        assert_eq!(
            run("lengths", &[]),
            done(Value::List(lengths)),
            "after {what}"
        );
        if dice.below(16) == 0 {
            let empty = [self.m.is_empty(), self.q.is_empty(), self.l.is_empty()];
            let empty = empty.map(Value::Bool).to_vec();
            assert_eq!(run("empty", &[]), done(Value::List(empty)), "after {what}");
        }
    }
}

/// Containers that are states.
pub fn states(host: &mut dyn Host, seed: u64, steps: u64) {
    let (mut dice, mut model) = (Dice(seed), Model::default());
    for _ in 0..steps {
        model.step(host, &mut dice, 0);
    }
}

/// Containers of several rows, which come and go.
pub fn fields(host: &mut dyn Host, seed: u64, steps: u64) {
    let mut dice = Dice(seed);
    let mut models: BTreeMap<u64, Model> = BTreeMap::new();
    for _ in 0..steps {
        let who = dice.below(5);
        match dice.below(60) {
            0 => {
                let was_there = models.remove(&who).is_some();
                let have = host.run("forget", &[number(who)]);
                assert_eq!(have, done(Value::Bool(was_there)), "forget {who}");
            }
            1 => {
                models.insert(who, Model::default());
                let have = host.run("renew", &[number(who)]);
                assert_eq!(have, Ending::Done(None), "renew {who}");
            }
            2 => {
                let noted = |model: &Model| 7 + (model.m.len() + model.q.len()) as u64;
                let want = models.get(&who).map_or(0, noted);
                assert_eq!(
                    host.run("noted", &[number(who)]),
                    done(number(want)),
                    "{who}"
                );
            }
            _ => models.entry(who).or_default().step(host, &mut dice, who),
        }
    }
}
