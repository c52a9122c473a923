//! Decimals on both engines against a model that shares nothing with them: numbers as rows of decimal digits, calculated as on
//! paper. Every operation, between narrow and wide types, at the edges and at random.

use differential::engines::{Built, Engines, Sabotage, build};
use rc_bytecode::instr::{Builtin, Failure};
use rc_vm::Outcome;
use std::cmp::Ordering;
use std::fmt::Write;

const TYPES: [(u8, u8); 5] = [(4, 2), (18, 6), (19, 0), (38, 10), (38, 38)];
const ROUNDINGS: [&str; 6] = [
    "half_even",
    "half_up",
    "truncate",
    "away",
    "floor",
    "ceiling",
];
const ROUNDS: usize = 150;

// -- numbers on paper -------------------------------------------------------------------------------------

/// Digits, least first, without zeros in front; zero has none and is not negative.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Paper {
    negative: bool,
    digits: Vec<u8>,
}

impl Paper {
    fn new(negative: bool, mut digits: Vec<u8>) -> Paper {
        while digits.last() == Some(&0) {
            digits.pop();
        }
        Paper {
            negative: negative && !digits.is_empty(),
            digits,
        }
    }

    fn of(number: i128) -> Paper {
        let text = number.unsigned_abs().to_string();
        Paper::new(number < 0, text.bytes().rev().map(|b| b - b'0').collect())
    }

    fn back(&self) -> i128 {
        let size = self
            .digits
            .iter()
            .rev()
            .fold(0i128, |all, digit| all * 10 + i128::from(*digit));
        if self.negative { -size } else { size }
    }

    fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// With so many zeros behind it.
    fn shifted(&self, zeros: usize) -> Paper {
        let mut digits = vec![0; zeros];
        digits.extend(&self.digits);
        Paper::new(self.negative, digits)
    }

    fn compare_size(&self, other: &Paper) -> Ordering {
        let length = self.digits.len().cmp(&other.digits.len());
        length.then_with(|| self.digits.iter().rev().cmp(other.digits.iter().rev()))
    }

    fn negated(&self) -> Paper {
        Paper::new(!self.negative, self.digits.clone())
    }

    fn plus(&self, other: &Paper) -> Paper {
        if self.negative != other.negative {
            let (large, small) = match self.compare_size(other) {
                Ordering::Less => (other, self),
                _ => (self, other),
            };
            let mut digits = large.digits.clone();
            let mut borrow = 0i8;
            for (at, digit) in digits.iter_mut().enumerate() {
                let mut value =
                    *digit as i8 - borrow - small.digits.get(at).copied().unwrap_or(0) as i8;
                borrow = i8::from(value < 0);
                value += 10 * borrow;
                *digit = value as u8;
            }
            return Paper::new(large.negative, digits);
        }
        let (mut digits, mut carry) = (Vec::new(), 0);
        for at in 0..=self.digits.len().max(other.digits.len()) {
            let digit = |number: &Paper| number.digits.get(at).copied().unwrap_or(0);
            carry += digit(self) + digit(other);
            digits.push(carry % 10);
            carry /= 10;
        }
        Paper::new(self.negative, digits)
    }

    fn times(&self, other: &Paper) -> Paper {
        let mut sum = Paper::new(false, Vec::new());
        for (at, digit) in self.digits.iter().enumerate() {
            let mut row = Paper::new(false, Vec::new());
            for _ in 0..*digit {
                row = row.plus(&Paper::new(false, other.digits.clone()));
            }
            sum = sum.plus(&row.shifted(at));
        }
        Paper::new(self.negative != other.negative, sum.digits)
    }

    /// Quotient of the sizes, and the size left over.
    fn divided(&self, other: &Paper) -> (Paper, Paper) {
        let divisor = Paper::new(false, other.digits.clone());
        let (mut digits, mut rest) = (Vec::new(), Paper::new(false, Vec::new()));
        for digit in self.digits.iter().rev() {
            rest = rest.shifted(1).plus(&Paper::of((*digit).into()));
            let mut times = 0;
            while rest.compare_size(&divisor) != Ordering::Less {
                rest = rest.plus(&divisor.negated());
                times += 1;
            }
            digits.push(times);
        }
        digits.reverse();
        (Paper::new(false, digits), rest)
    }

    /// `self / divisor`, rounded to a whole number.
    fn rounded(&self, divisor: &Paper, rounding: &str) -> Paper {
        let (quotient, rest) = self.divided(divisor);
        let negative = self.negative != divisor.negative;
        let half = rest.plus(&rest).compare_size(divisor);
        let odd = quotient.digits.first().is_some_and(|digit| digit % 2 == 1);
        let up = !rest.is_zero()
            && match rounding {
                "half_even" => half == Ordering::Greater || half == Ordering::Equal && odd,
                "half_up" => half != Ordering::Less,
                "truncate" => false,
                "away" => true,
                "floor" => negative,
                _ => !negative,
            };
        let size = quotient.plus(&Paper::of(up.into()));
        Paper::new(negative, size.digits)
    }

    fn within(self, digits: u8) -> Result<i128, Builtin> {
        if self.digits.len() > usize::from(digits) {
            return Err(Builtin::Overflow);
        }
        Ok(self.back())
    }
}

// -- the package ------------------------------------------------------------------------------------------

fn name(ty: (u8, u8)) -> String {
    format!("decimal<{}, {}>", ty.0, ty.1)
}

fn text() -> String {
    let mut out = String::from("package generated\n\n");
    for (a, one) in TYPES.iter().enumerate() {
        let t = name(*one);
        for (word, sign) in [("add", '+'), ("sub", '-'), ("rem", '%')] {
            let _ = writeln!(
                out,
                "query {word}_{a}(x: {t}, y: {t}) -> {t} allow anyone {{ x {sign} y }}"
            );
        }
        let _ = writeln!(
            out,
            "query scale_{a}(x: {t}, n: i64) -> {t} allow anyone {{ n * x }}"
        );
        let _ = writeln!(
            out,
            "query whole_{a}(x: {t}) -> i64 allow anyone {{ x.try_into() }}"
        );
        let _ = writeln!(
            out,
            "query made_{a}(n: i64) -> {t} allow anyone {{ n.try_into() }}"
        );
        let _ = writeln!(
            out,
            "query changed_{a}(x: {t}, y: {t}) -> {t} allow anyone {{\n var sum = x\n sum += y\n sum -= x\n sum\n}}"
        );
        for (b, other) in TYPES.iter().enumerate() {
            let u = name(*other);
            let _ = writeln!(
                out,
                "query into_{a}_{b}(x: {t}) -> {u} allow anyone {{ x.try_into() }}"
            );
            for rounding in ROUNDINGS {
                for word in ["times", "divide"] {
                    let _ = writeln!(
                        out,
                        "query {word}_{a}_{b}_{rounding}(x: {t}, y: {u}) -> {t} allow anyone {{ x.{word}(y, {rounding}) }}"
                    );
                }
                let _ = writeln!(
                    out,
                    "query round_{a}_{b}_{rounding}(x: {t}) -> {u} allow anyone {{ x.round({rounding}) }}"
                );
            }
        }
    }
    out
}

fn packed(ty: (u8, u8), number: i128) -> Vec<u8> {
    let bytes = if ty.0 <= 18 { 8 } else { 16 };
    number.to_le_bytes()[..bytes].to_vec()
}

fn number(bytes: &[u8]) -> i128 {
    match bytes.try_into() {
        Ok(eight) => i64::from_le_bytes(eight).into(),
        Err(_) => i128::from_le_bytes(bytes.try_into().expect("sixteen bytes")),
    }
}

struct Calls<'b> {
    built: &'b Built,
    engines: Engines<'b>,
}

impl Calls<'_> {
    fn check(&mut self, name: &str, arguments: &[Vec<u8>], expected: Result<i128, Builtin>) {
        let commands = &self.built.module.module().interface.commands;
        let place = commands.iter().position(|command| command.name == name);
        let place = place.expect("a command") as u32;
        let answer = self.engines.call(place, &arguments.concat(), 1);
        let answer = answer.unwrap_or_else(|reason| panic!("{name}: {reason}"));
        let found = match answer.outcome {
            Outcome::Done(bytes) => Ok(number(&bytes)),
            Outcome::Failed(Failure::Builtin(builtin), _) => Err(builtin),
            other => panic!("{name}: {other:?}"),
        };
        let shown: Vec<i128> = arguments.iter().map(|bytes| number(bytes)).collect();
        assert_eq!(found, expected, "{name}{shown:?}");
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn decimal(&mut self, digits: u8) -> i128 {
        let most = 10i128.pow(digits.into()) - 1;
        let wide = (u128::from(self.next()) << 64 | u128::from(self.next())) >> 1;
        let size = match self.next() % 8 {
            0 => 0,
            1 => most,
            2 => 10i128.pow(self.next() as u32 % u32::from(digits)),
            // Halves are where roundings differ.
            3 => 5 * 10i128.pow(self.next() as u32 % u32::from(digits)),
            4 => i128::from(self.next() % 100).min(most),
            _ => {
                let fewer = 10i128.pow(1 + self.next() as u32 % u32::from(digits));
                wide as i128 % fewer
            }
        };
        if self.next().is_multiple_of(2) {
            size
        } else {
            -size
        }
    }
}

#[test]
fn decimals_are_as_on_paper() {
    let text = text();
    let built = build(&text, None, Sabotage::None).expect("it compiles");
    let mut calls = Calls {
        built: &built,
        engines: Engines::new(&built),
    };
    let mut random = Random(0x5EED_0000_0000_0001);
    for _ in 0..ROUNDS {
        for (a, one) in TYPES.into_iter().enumerate() {
            let (x, y) = (random.decimal(one.0), random.decimal(one.0));
            let (px, py) = (Paper::of(x), Paper::of(y));
            let both = [packed(one, x), packed(one, y)];
            calls.check(&format!("add_{a}"), &both, px.plus(&py).within(one.0));
            calls.check(
                &format!("sub_{a}"),
                &both,
                px.plus(&py.negated()).within(one.0),
            );
            let sum = px.plus(&py).within(one.0);
            calls.check(&format!("changed_{a}"), &both, sum.map(|_| y));
            let rest = match py.is_zero() {
                true => Err(Builtin::DivideByZero),
                false => Paper::new(px.negative, px.divided(&py).1.digits).within(one.0),
            };
            calls.check(&format!("rem_{a}"), &both, rest);
            let n = random.decimal(18) as i64 >> (random.next() % 60);
            calls.check(
                &format!("scale_{a}"),
                &[packed(one, x), n.to_le_bytes().to_vec()],
                px.times(&Paper::of(n.into())).within(one.0),
            );
            calls.check(
                &format!("made_{a}"),
                &[n.to_le_bytes().to_vec()],
                Paper::of(n.into()).shifted(one.1.into()).within(one.0),
            );
            let unit = Paper::of(1).shifted(one.1.into());
            let (whole, lost) = px.divided(&unit);
            let whole = Paper::new(px.negative, whole.digits);
            let whole = match lost.is_zero() {
                true => i64::try_from(whole.back())
                    .map(i128::from)
                    .map_err(|_| Builtin::Overflow),
                false => Err(Builtin::Overflow),
            };
            calls.check(&format!("whole_{a}"), &[packed(one, x)], whole);
            let b = random.next() as usize % TYPES.len();
            let other = TYPES[b];
            let z = random.decimal(other.0);
            let (pz, with) = (Paper::of(z), [packed(one, x), packed(other, z)]);
            let (up, down) = (
                Paper::of(1).shifted(other.1.into()),
                Paper::of(1).shifted(one.1.into()),
            );
            let exact = px.times(&up);
            let into = match exact.divided(&down).1.is_zero() {
                true => exact.rounded(&down, "truncate").within(other.0),
                false => Err(Builtin::Overflow),
            };
            calls.check(&format!("into_{a}_{b}"), &[packed(one, x)], into);
            for rounding in ROUNDINGS {
                let product = px.times(&pz).rounded(&up, rounding);
                calls.check(
                    &format!("times_{a}_{b}_{rounding}"),
                    &with,
                    product.within(one.0),
                );
                let quotient = match pz.is_zero() {
                    true => Err(Builtin::DivideByZero),
                    false => px.times(&up).rounded(&pz, rounding).within(one.0),
                };
                calls.check(&format!("divide_{a}_{b}_{rounding}"), &with, quotient);
                calls.check(
                    &format!("round_{a}_{b}_{rounding}"),
                    &[packed(one, x)],
                    exact.rounded(&down, rounding).within(other.0),
                );
            }
        }
    }
}
