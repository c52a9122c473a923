//! The baseline: the ledger's payment written by hand in Rust, with the layout of `stdlib/hashed.rc`.
//!
//! Frozen: it changes only with the container. Same pages of 16 KiB, same groups with tags, same hash, same row of 96
//! bytes, same checks (two accounts, funds, the cap of each balance, supply = minted), same event of 32 bytes. The few
//! rows that their group cannot take stand in pages of their own behind a `BTreeMap`. No undo journal: a person checks
//! first and writes after.

use crate::pages::{PAGE_BYTES, Pages};
use rc_bytecode::hash::hash_bytes;
use std::collections::BTreeMap;

/// key 8, owner 66 padded to 72, balance 8, opened_at 8.
const ROW_BYTES: usize = 96;
const BALANCE: usize = 80;
const OPENED_AT: usize = 88;
const CAP: u64 = 100_000_000_000;

/// One bit per byte that equals `tag`.
#[cfg(target_arch = "x86_64")]
fn equal_bytes(bytes: &[u8; 16], tag: u8) -> u16 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8,
    };
    // SAFETY: every x86-64 has SSE2; the load reads the sixteen bytes of the array and needs no alignment.
    unsafe {
        let loaded = _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>());
        _mm_movemask_epi8(_mm_cmpeq_epi8(loaded, _mm_set1_epi8(tag as i8))) as u16
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn equal_bytes(bytes: &[u8; 16], tag: u8) -> u16 {
    bytes
        .iter()
        .enumerate()
        .map(|(at, byte)| u16::from(*byte == tag) << at)
        .sum()
}

/// Pages of groups, linear hashing.
pub struct Ledger {
    pages: Pages,
    groups_log: u32,
    slots: usize,
    group_bytes: usize,
    seed: u64,
    mask: u64,
    last: u64,
    count: u64,
    supply: u128,
    minted: u64,
    /// Rows that their marked group could not take.
    overflow: BTreeMap<u64, Place>,
    overflow_first: usize,
    pub events: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    SameAccount,
    NoAccount(u64),
    Insufficient { needed: u64, available: u64 },
    Overflow,
    InvariantBroken,
}

/// Where a row stands.
#[derive(Clone, Copy)]
struct Place {
    page: usize,
    offset: usize,
}

fn tag_of(hashed: u64) -> u8 {
    ((hashed >> 57) + 1) as u8
}

impl Ledger {
    /// `rows_max` sizes the pages of groups; those of the overflow stand behind.
    pub fn new(seed: u64, rows_max: u64) -> Ledger {
        let fit = PAGE_BYTES / (ROW_BYTES + 1);
        let mut groups_log = 0;
        while fit >> groups_log > 64 {
            groups_log += 1;
        }
        let group_bytes = PAGE_BYTES >> groups_log;
        let slots = (group_bytes - 16) / (ROW_BYTES + 1);
        let overflow_first = ((rows_max as usize * 3 / slots + 2) >> groups_log) + 1;
        Ledger {
            pages: Pages::reserve(),
            overflow: BTreeMap::new(),
            overflow_first,
            groups_log,
            slots,
            group_bytes,
            seed,
            mask: 0,
            last: 0,
            count: 0,
            supply: 0,
            minted: 0,
            events: Vec::new(),
        }
    }

    fn group(&self, number: u64) -> (usize, usize) {
        let page = (number >> self.groups_log) as usize;
        (
            page,
            (number as usize & ((1 << self.groups_log) - 1)) * self.group_bytes,
        )
    }

    fn group_of(&self, hashed: u64) -> u64 {
        let group = hashed & self.mask;
        if group > self.last {
            group & (self.mask >> 1)
        } else {
            group
        }
    }

    /// Offset of the slots within a group: after the mark and the tags.
    fn slots_base(&self) -> usize {
        (1 + self.slots).next_multiple_of(8)
    }

    /// A bit per tag that equals `tag`, sixteen at a time, as machine code has it. `tags` is followed by the group's rows.
    #[inline]
    fn matches(&self, page: usize, base: usize, tag: u8) -> u64 {
        let tags = &self.pages[page][base + 1..];
        let mut bits = 0;
        for at in (0..self.slots).step_by(16) {
            let sixteen: &[u8; 16] = tags[at..at + 16].try_into().expect("rows follow the tags");
            bits |= u64::from(equal_bytes(sixteen, tag)) << at;
        }
        bits & (u64::MAX >> (64 - self.slots))
    }

    #[inline]
    fn find(&self, id: u64) -> Option<Place> {
        let hashed = hash_bytes(&id.to_le_bytes(), self.seed);
        let (page, base) = self.group(self.group_of(hashed));
        let group = &self.pages[page][base..base + self.group_bytes];
        let mut bits = self.matches(page, base, tag_of(hashed));
        while bits != 0 {
            let offset = base + self.slots_base() + bits.trailing_zeros() as usize * ROW_BYTES;
            let place = Place { page, offset };
            if self.word(place, 0) == id {
                return Some(place);
            }
            bits &= bits - 1;
        }
        if group[0] == 0 {
            None
        } else {
            self.overflow.get(&id).copied()
        }
    }

    #[inline]
    fn word(&self, place: Place, field: usize) -> u64 {
        let at = place.offset + field;
        u64::from_le_bytes(
            self.pages[place.page][at..at + 8]
                .try_into()
                .expect("eight bytes"),
        )
    }

    #[inline]
    fn set_word(&mut self, place: Place, field: usize, value: u64) {
        let at = place.offset + field;
        self.pages[place.page][at..at + 8].copy_from_slice(&value.to_le_bytes());
    }

    /// Opens an account with a balance, minted.
    pub fn open(&mut self, id: u64, balance: u64) {
        if self.count * 3 >= (self.last + 1) * self.slots as u64 {
            self.split();
        }
        let hashed = hash_bytes(&id.to_le_bytes(), self.seed);
        let (page, base) = self.group(self.group_of(hashed));
        let (free, same) = (
            self.matches(page, base, 0),
            self.matches(page, base, tag_of(hashed)),
        );
        let place = if free == 0 || same.count_ones() >= 4 {
            self.pages[page][base] = 1;
            let rows_per_page = PAGE_BYTES / ROW_BYTES;
            let row = self.overflow.len();
            let place = Place {
                page: self.overflow_first + row / rows_per_page,
                offset: row % rows_per_page * ROW_BYTES,
            };
            self.overflow.insert(id, place);
            place
        } else {
            let slot = free.trailing_zeros() as usize;
            self.pages[page][base + 1 + slot] = tag_of(hashed);
            Place {
                page,
                offset: base + self.slots_base() + slot * ROW_BYTES,
            }
        };
        self.set_word(place, 0, id);
        self.set_word(place, BALANCE, balance);
        self.set_word(place, OPENED_AT, 1);
        self.count += 1;
        self.supply += u128::from(balance);
        self.minted += balance;
    }

    fn split(&mut self) {
        self.last += 1;
        if self.last > self.mask {
            self.mask = self.mask * 2 + 1;
        }
        let added = self.last;
        let (old_page, old_base) = self.group(added & (self.mask >> 1));
        let (new_page, new_base) = self.group(added);
        self.pages[new_page][new_base] = self.pages[old_page][old_base];
        let mut to = 0;
        for from in 0..self.slots {
            let tag = self.pages[old_page][old_base + 1 + from];
            let old = old_base + self.slots_base() + from * ROW_BYTES;
            let id = self.word(
                Place {
                    page: old_page,
                    offset: old,
                },
                0,
            );
            if tag != 0 && hash_bytes(&id.to_le_bytes(), self.seed) & self.mask == added {
                let new = new_base + self.slots_base() + to * ROW_BYTES;
                let row: [u8; ROW_BYTES] = self.pages[old_page][old..old + ROW_BYTES]
                    .try_into()
                    .expect("a row");
                self.pages[new_page][new..new + ROW_BYTES].copy_from_slice(&row);
                self.pages[new_page][new_base + 1 + to] = tag;
                self.pages[old_page][old_base + 1 + from] = 0;
                self.pages[old_page][old..old + ROW_BYTES].fill(0);
                to += 1;
            }
        }
    }

    pub fn balance(&self, id: u64) -> Option<u64> {
        self.find(id).map(|place| self.word(place, BALANCE))
    }

    /// One payment, as the command has it.
    #[inline]
    pub fn pay(&mut self, from: u64, to: u64, amount: u64, now: i64) -> Result<u64, Failure> {
        if from == to {
            return Err(Failure::SameAccount);
        }
        let payer = self.find(from).ok_or(Failure::NoAccount(from))?;
        let payee = self.find(to).ok_or(Failure::NoAccount(to))?;
        let available = self.word(payer, BALANCE);
        if available < amount {
            return Err(Failure::Insufficient {
                needed: amount,
                available,
            });
        }
        let paid = available - amount;
        let received = self
            .word(payee, BALANCE)
            .checked_add(amount)
            .ok_or(Failure::Overflow)?;
        if paid > CAP || received > CAP {
            return Err(Failure::InvariantBroken);
        }
        let supply = (self.supply - u128::from(amount))
            .checked_add(u128::from(amount))
            .ok_or(Failure::Overflow)?;
        if supply != u128::from(self.minted) {
            return Err(Failure::InvariantBroken);
        }
        self.supply = supply;
        self.set_word(payer, BALANCE, paid);
        self.set_word(payee, BALANCE, received);
        for field in [from, to, amount, now as u64] {
            self.events.extend_from_slice(&field.to_le_bytes());
        }
        Ok(paid)
    }
}
