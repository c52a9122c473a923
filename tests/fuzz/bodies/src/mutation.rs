//! A small mutator for the stable run: the same seed gives the same inputs on every machine. libFuzzer, which sees
//! coverage, digs deeper; this one keeps the targets honest in CI.

use rc_bytecode::generate::Random;
use rc_syntax::WORDS;

/// Bytes of a mutated input at most.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// Bytes that readers treat specially.
const TELLING: [u8; 12] = [
    0, 1, 2, 0x7f, 0x80, 0xff, b'{', b'}', b'(', b'<', b'\n', b'"',
];

/// A changed copy of one of `seeds`, which are not empty.
pub fn mutated(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = random_of(random, seeds).clone();
    for _ in 0..=random.below(6) {
        change(random, &mut bytes, seeds);
    }
    bytes.truncate(INPUT_BYTES_MAX);
    bytes
}

fn random_of<'a>(random: &mut Random, seeds: &'a [Vec<u8>]) -> &'a Vec<u8> {
    &seeds[random.below(seeds.len() as u64) as usize]
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let end = bytes.len() as u64 + 1;
    let at = random.below(end) as usize;
    let length_end = if random.percent(80) { 8 } else { 512 };
    let length = 1 + random.below(length_end) as usize;
    let stop = (at + length).min(bytes.len());
    match random.below(9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = random.pick(&TELLING),
        2 if at < bytes.len() => bytes[at] = random.next() as u8,
        3 => drop(bytes.drain(at..stop)),
        4 => {
            let copy = bytes[at..stop].to_vec();
            let to = random.below(end) as usize;
            bytes.splice(to..to, copy);
        }
        5 => {
            let inserted = random.pick(&TELLING);
            bytes.splice(at..at, std::iter::repeat_n(inserted, length));
        }
        6 => {
            let other = random_of(random, seeds);
            let from = random.below(other.len() as u64 + 1) as usize;
            let piece = &other[from..(from + 4 * length).min(other.len())];
            bytes.splice(at..stop, piece.iter().copied());
        }
        7 => {
            let (word, _) = random.pick(WORDS);
            bytes.splice(at..at, format!(" {word} ").into_bytes());
        }
        _ => bytes.truncate(at.max(1)),
    }
}
