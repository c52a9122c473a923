//! Texts and blobs against a `String` and a `Vec`, by random operations, on whatever runs a package. Always true: a
//! failure leaves both as they were, and what is read back in parts is the whole.

use crate::values::{Dice, Ending, Host};
use rc_bytecode::instr::Builtin;
use rc_bytecode::value::Value;
use std::collections::BTreeMap;

/// Capacities of what is given and taken: below a character, around pieces of 16 to 64 bytes, over several of them.
const GIVEN: [u64; 5] = [1, 15, 16, 40, 150];
const TAKEN: [u64; 5] = [4, 16, 17, 60, 200];

/// `rows`: fields of a table, one row for each `who`; else states, and `who` is not looked at.
pub fn package(name: &str, rows: bool) -> String {
    let (declared, first, at) = match rows {
        true => (
            "table Owner {
    key id: u64
    t: text
    b: blob
}
command forget(who: u64) -> bool allow anyone { Owner.delete(who) }
command renew(who: u64) allow anyone { Owner.put({ id: who }) }",
            "let o = Owner.get_or_insert(who)",
            "o.",
        ),
        false => ("state t: text\nstate b: blob", "", ""),
    };
    let mut text = format!("package {name}\n\n{declared}\n");
    let mut command = |signature: String, body: &str| {
        let body = body.replace('@', at);
        text += &format!("command {signature} allow anyone {{\n    {first}\n    {body}\n}}\n");
    };
    for n in GIVEN {
        command(
            format!("t_append_{n}(who: u64, s: string<{n}>)"),
            "@t.append(s)",
        );
        command(
            format!("b_append_{n}(who: u64, s: bytes<{n}>)"),
            "@b.append(s)",
        );
        command(
            format!("b_write_{n}(who: u64, offset: u64, s: bytes<{n}>)"),
            "@b.write(offset, s)",
        );
    }
    for n in TAKEN {
        for (of, ty) in [("t", "string"), ("b", "bytes")] {
            command(
                format!("{of}_read_{n}(who: u64, offset: u64) -> {ty}<{n}>"),
                &format!("@{of}.read(offset, {n})"),
            );
            command(
                format!("{of}_same_{n}(who: u64, offset: u64, want: {ty}<{n}>) -> bool"),
                &format!("@{of}.read(offset, {n}) == want"),
            );
        }
    }
    for of in ["t", "b"] {
        command(
            format!("{of}_truncate(who: u64, length: u64)"),
            &format!("@{of}.truncate(length)"),
        );
        command(format!("{of}_clear(who: u64)"), &format!("@{of}.clear()"));
    }
    command(
        "sizes(who: u64) -> (u64, u64, bool)".into(),
        "(@t.len(), @b.len(), @t.is_empty())",
    );
    command(
        "again(who: u64)".into(),
        "@t.append(@t.read(0, 60))
    @b.append(@b.read(@b.len().saturating_sub(60), 60))",
    );
    command(
        "in_vain(who: u64, length: u64)".into(),
        "@t.append(\"ü in vain\")
    @b.write(0, b\"over and over\")
    @b.truncate(0)
    @t.clear()
    @b.append(b\"new\")
    @t.append(\"\")
    @t.truncate(length)",
    );
    text
}

#[derive(Clone, Default)]
struct Model {
    t: String,
    b: Vec<u8>,
}

fn number(number: u64) -> Value {
    Value::Unsigned(number.into())
}

fn one_of(dice: &mut Dice, numbers: [u64; 5]) -> u64 {
    numbers[dice.below(5) as usize]
}

/// Characters of one to four bytes, so that they lie over the ends of pieces.
fn words(dice: &mut Dice, bytes_max: u64) -> String {
    let mut text = String::new();
    let wanted = match dice.below(4) {
        0 => dice.below(bytes_max + 1),
        _ => bytes_max,
    };
    loop {
        let next = ['a', 'ß', '€', '𝄞', '\0', 'z'][dice.below(6) as usize];
        if text.len() + next.len_utf8() > wanted as usize {
            return text;
        }
        text.push(next);
    }
}

fn bytes(dice: &mut Dice, most: u64) -> Vec<u8> {
    let length = match dice.below(3) {
        0 => dice.below(most + 1),
        _ => most,
    };
    (0..length).map(|_| dice.below(256) as u8).collect()
}

/// Anywhere, at the ends, and beyond them.
fn position(dice: &mut Dice, length: usize) -> u64 {
    let length = length as u64;
    match dice.below(8) {
        0 => length,
        1 => 0,
        2 => length + 1 + dice.below(3),
        3 => dice.below(length / 16 + 1) * 16,
        4 if dice.below(8) == 0 => u64::MAX - dice.below(2),
        _ => dice.below(length + 1),
    }
}

const BEYOND: Ending = Ending::Failed(Builtin::BoundExceeded);

impl Model {
    /// What a read of the text gives; none where it fails.
    fn part(&self, offset: u64, most: u64) -> Option<String> {
        let start = usize::try_from(offset).ok()?;
        if !self.t.is_char_boundary(start) {
            return None;
        }
        let mut end = self.t.len().min(start + most as usize);
        while !self.t.is_char_boundary(end) {
            end -= 1;
        }
        Some(self.t[start..end].to_string())
    }

    fn bytes(&self, offset: u64, most: u64) -> Option<Vec<u8>> {
        let rest = self.b.get(usize::try_from(offset).ok()?..)?;
        Some(rest[..rest.len().min(most as usize)].to_vec())
    }

    fn step(&mut self, host: &mut dyn Host, dice: &mut Dice, who: u64) {
        let mut run = |name: &str, more: &[Value]| {
            let mut arguments = vec![number(who)];
            arguments.extend(more.iter().cloned());
            host.run(name, &arguments)
        };
        let (given, taken) = (one_of(dice, GIVEN), one_of(dice, TAKEN));
        let (at_t, at_b) = (position(dice, self.t.len()), position(dice, self.b.len()));
        let (what, have, want) = match dice.below(24) {
            0..=4 => {
                let part = words(dice, given);
                let have = run(&format!("t_append_{given}"), &[Value::String(part.clone())]);
                self.t += &part;
                ("append", have, Ending::Done(None))
            }
            5..=7 => {
                let part = bytes(dice, given);
                let have = run(&format!("b_append_{given}"), &[Value::Bytes(part.clone())]);
                self.b.extend(part);
                ("append", have, Ending::Done(None))
            }
            8..=10 => {
                let part = bytes(dice, given);
                let arguments = [number(at_b), Value::Bytes(part.clone())];
                let have = run(&format!("b_write_{given}"), &arguments);
                let want = match at_b <= self.b.len() as u64 {
                    true => {
                        let at = at_b as usize;
                        let end = self.b.len().min(at + part.len());
                        self.b.splice(at..end, part);
                        Ending::Done(None)
                    }
                    false => BEYOND,
                };
                ("write", have, want)
            }
            11..=14 => {
                let part = self.part(at_t, taken);
                let have = run(&format!("t_read_{taken}"), &[number(at_t)]);
                if let Some(part) = &part {
                    // What lies behind the length in memory counts too.
                    let same = [number(at_t), Value::String(part.clone())];
                    let same = run(&format!("t_same_{taken}"), &same);
                    assert_eq!(same, Ending::Done(Some(Value::Bool(true))), "{at_t}");
                }
                let want = part.map_or(BEYOND, |part| Ending::Done(Some(Value::String(part))));
                ("read", have, want)
            }
            15..=17 => {
                let part = self.bytes(at_b, taken);
                let have = run(&format!("b_read_{taken}"), &[number(at_b)]);
                if let Some(part) = &part {
                    let same = [number(at_b), Value::Bytes(part.clone())];
                    let same = run(&format!("b_same_{taken}"), &same);
                    assert_eq!(same, Ending::Done(Some(Value::Bool(true))), "{at_b}");
                }
                let want = part.map_or(BEYOND, |part| Ending::Done(Some(Value::Bytes(part))));
                ("read", have, want)
            }
            18 if dice.below(2) == 0 => {
                let have = run("t_truncate", &[number(at_t)]);
                let want = match usize::try_from(at_t) {
                    Ok(at) if self.t.is_char_boundary(at) => {
                        self.t.truncate(at);
                        Ending::Done(None)
                    }
                    _ => BEYOND,
                };
                ("truncate", have, want)
            }
            18 | 19 if dice.below(2) == 0 => {
                let have = run("b_truncate", &[number(at_b)]);
                let want = match at_b <= self.b.len() as u64 {
                    true => {
                        self.b.truncate(at_b as usize);
                        Ending::Done(None)
                    }
                    false => BEYOND,
                };
                ("truncate", have, want)
            }
            20 if dice.below(4) == 0 => {
                let (of, name) = [("t", "t_clear"), ("b", "b_clear")][dice.below(2) as usize];
                match of {
                    "t" => self.t.clear(),
                    _ => self.b.clear(),
                }
                (name, run(name, &[]), Ending::Done(None))
            }
            21 => {
                let have = run("again", &[]);
                self.t += &self.part(0, 60).expect("the start");
                let start = self.b.len().saturating_sub(60);
                self.b.extend_from_within(start..);
                ("again", have, Ending::Done(None))
            }
            22 => {
                let have = run("in_vain", &[number(1 + dice.below(3))]);
                ("in_vain", have, BEYOND)
            }
            _ => return self.all(&mut run),
        };
        assert_eq!(
            have, want,
            "{what} of {who}: {given}, {taken}, {at_t}, {at_b}"
        );
        let sizes = Value::Tuple(vec![
            number(self.t.len() as u64),
            number(self.b.len() as u64),
            Value::Bool(self.t.is_empty()),
        ]);
        assert_eq!(run("sizes", &[]), Ending::Done(Some(sizes)), "after {what}");
    }

    /// Everything, from the start to the end.
    fn all(&self, run: &mut dyn FnMut(&str, &[Value]) -> Ending) {
        let mut text = String::new();
        loop {
            let Ending::Done(Some(Value::String(part))) =
                run("t_read_60", &[number(text.len() as u64)])
            else {
                panic!("read at {}", text.len());
            };
            if part.is_empty() {
                break;
            }
            text += &part;
        }
        assert_eq!(text, self.t);
        let mut bytes = Vec::new();
        loop {
            let Ending::Done(Some(Value::Bytes(part))) =
                run("b_read_200", &[number(bytes.len() as u64)])
            else {
                panic!("read at {}", bytes.len());
            };
            if part.is_empty() {
                break;
            }
            bytes.extend(part);
        }
        assert_eq!(bytes, self.b);
    }
}

/// A text and a blob that are states.
pub fn states(host: &mut dyn Host, seed: u64, steps: u64) {
    let (mut dice, mut model) = (Dice(seed), Model::default());
    for _ in 0..steps {
        model.step(host, &mut dice, 0);
    }
}

/// Those of several rows, which come and go.
pub fn fields(host: &mut dyn Host, seed: u64, steps: u64) {
    let mut dice = Dice(seed);
    let mut models: BTreeMap<u64, Model> = BTreeMap::new();
    for _ in 0..steps {
        let who = dice.below(4);
        match dice.below(60) {
            0 => {
                let was_there = models.remove(&who).is_some();
                let have = host.run("forget", &[number(who)]);
                let want = Ending::Done(Some(Value::Bool(was_there)));
                assert_eq!(have, want, "forget {who}");
            }
            1 => {
                models.insert(who, Model::default());
                let have = host.run("renew", &[number(who)]);
                assert_eq!(have, Ending::Done(None), "renew {who}");
            }
            _ => models.entry(who).or_default().step(host, &mut dice, who),
        }
    }
}
