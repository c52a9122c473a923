//! Exactly once: session slots with a window of stored outcomes, in a system region of the canvas (decision 33).
//!
//! A client numbers its calls from 1. A number above the highest seen runs; one within the window that has an outcome
//! gets that outcome again, failures too; one that fell out of the window, or whose session was given away, gets an
//! error and never a second run. Slots are outside the undo scope: an outcome is stored after the command ended.
//!
//! Two classes: *narrow* slots (16 outcomes; opened by the first call of a client id, which has sequence 1) for
//! requests with an `Idempotency-Key`, and *wide* ones (4,096; opened explicitly) for streams.
//!
//! ```text
//!   control (64 B) … narrow slot: header 64 B, 16 cells … wide slot: header 64 B, 4,096 cells
//!   cell (64 B): sequence, code, length u32, fingerprint u32, epoch, 32 bytes of outcome or its place in the outcome ring
//! ```
//!
//! The fingerprint is of command and arguments: a number that is used again for something else is refused, so that
//! nobody takes an old answer for a new one's. The epoch says whose error numbers the code has.

use crate::reply::{Refusal, Reply, failure_code, failure_of_code};
use crate::system::{self, OUTCOMES, SESSIONS};
use rc_canvas::{Canvas, TouchError};
use std::collections::HashMap;

/// How long an unused slot is kept for sure before it may be given to another client: 24 hours.
pub const KEPT_NANOSECONDS: i64 = 24 * 3600 * 1_000_000_000;
const NARROW_SLOTS: u64 = 1 << 20;
const WIDE_SLOTS: u64 = 1 << 12;
const NARROW_WINDOW: u64 = 16;
const WIDE_WINDOW: u64 = 4_096;
const HEADER_BYTES: u64 = 64;
const CELL_BYTES: u64 = 64;
const INLINE_BYTES: usize = 32;
const NARROW_BASE: u64 = 1 << 20;
const WIDE_BASE: u64 = 1 << 40;
/// Bytes of the ring for outcomes longer than a cell; older ones are overwritten and then count as expired.
const RING_BYTES: u64 = 64 << 20;

/// Which kind of slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionClass {
    Narrow,
    Wide,
}

/// A slot and the generation that tells its owners apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSlot {
    pub slot: u32,
    pub generation: u32,
}

/// What to do with a call.
pub(crate) enum Begin {
    /// Run it, then `finish` here.
    Fresh(Place),
    /// It ran before, under this deployment: this was its outcome.
    Seen { reply: Reply, epoch: u64 },
}

/// Where a call's outcome goes.
pub(crate) struct Place {
    header: u64,
    cell: u64,
    sequence: u64,
    highest: u64,
    fingerprint: u32,
}

/// The index from client id to slot, derived from the canvas; used by key only, so its order decides nothing.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    slots: HashMap<u128, u32>,
}

#[derive(Clone, Copy, Default)]
struct Header {
    client: u128,
    generation: u32,
    highest: u64,
    last_used: i64,
}

impl Header {
    fn read(canvas: &mut Canvas, at: u64) -> Result<Header, TouchError> {
        let mut bytes = [0; 40];
        system::read(canvas, SESSIONS, at, &mut bytes)?;
        let word =
            |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        Ok(Header {
            client: u128::from(word(0)) | u128::from(word(8)) << 64,
            highest: word(16),
            last_used: word(24) as i64,
            generation: word(32) as u32,
        })
    }

    fn write(&self, canvas: &mut Canvas, at: u64) -> Result<(), TouchError> {
        let mut bytes = [0; 40];
        bytes[..16].copy_from_slice(&self.client.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.highest.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.last_used.to_le_bytes());
        bytes[32..40].copy_from_slice(&u64::from(self.generation).to_le_bytes());
        system::write(canvas, SESSIONS, at, &bytes)
    }
}

/// Slots handed out so far, by class, at the start of the region.
fn used_offset(class: SessionClass) -> u64 {
    match class {
        SessionClass::Narrow => 0,
        SessionClass::Wide => 8,
    }
}
/// Next slot to look at when all are in use.
fn hand_offset(class: SessionClass) -> u64 {
    16 + used_offset(class)
}
const RING_END_OFFSET: u64 = 32;

fn capacity(class: SessionClass) -> u64 {
    match class {
        SessionClass::Narrow => NARROW_SLOTS,
        SessionClass::Wide => WIDE_SLOTS,
    }
}

/// Header offset and window of a slot number, or `None` for one that cannot be.
fn locate(slot: u32) -> Option<(u64, u64)> {
    let slot = u64::from(slot);
    if slot < NARROW_SLOTS {
        Some((
            NARROW_BASE + slot * (HEADER_BYTES + NARROW_WINDOW * CELL_BYTES),
            NARROW_WINDOW,
        ))
    } else {
        let wide = slot - NARROW_SLOTS;
        (wide < WIDE_SLOTS).then(|| {
            (
                WIDE_BASE + wide * (HEADER_BYTES + WIDE_WINDOW * CELL_BYTES),
                WIDE_WINDOW,
            )
        })
    }
}

fn slot_number(class: SessionClass, index: u64) -> u32 {
    match class {
        SessionClass::Narrow => index as u32,
        SessionClass::Wide => (NARROW_SLOTS + index) as u32,
    }
}

impl Sessions {
    /// Rebuilds the index from the canvas.
    pub fn recover(canvas: &mut Canvas) -> Result<Sessions, TouchError> {
        let mut sessions = Sessions::default();
        for class in [SessionClass::Narrow, SessionClass::Wide] {
            let used = system::read_u64(canvas, SESSIONS, used_offset(class))?;
            for index in 0..used.min(capacity(class)) {
                let slot = slot_number(class, index);
                let (at, _) = locate(slot).expect("a used slot has a place");
                sessions
                    .slots
                    .insert(Header::read(canvas, at)?.client, slot);
            }
        }
        Ok(sessions)
    }

    /// Finds or opens the client's session.
    pub fn open(
        &mut self,
        canvas: &mut Canvas,
        client: u128,
        class: SessionClass,
        now: i64,
    ) -> Result<Result<SessionSlot, Refusal>, TouchError> {
        if let Some(slot) = self.slots.get(&client) {
            let (at, _) = locate(*slot).expect("an indexed slot has a place");
            let generation = Header::read(canvas, at)?.generation;
            return Ok(Ok(SessionSlot {
                slot: *slot,
                generation,
            }));
        }
        let used = system::read_u64(canvas, SESSIONS, used_offset(class))?;
        let index = if used < capacity(class) {
            system::write_u64(canvas, SESSIONS, used_offset(class), used + 1)?;
            used
        } else {
            let hand = system::read_u64(canvas, SESSIONS, hand_offset(class))?;
            let (at, _) =
                locate(slot_number(class, hand)).expect("the hand stays within the slots");
            let header = Header::read(canvas, at)?;
            system::write_u64(
                canvas,
                SESSIONS,
                hand_offset(class),
                (hand + 1) % capacity(class),
            )?;
            if now.saturating_sub(header.last_used) < KEPT_NANOSECONDS {
                return Ok(Err(Refusal::SessionsFull));
            }
            self.slots.remove(&header.client);
            hand
        };
        let slot = slot_number(class, index);
        let (at, window) = locate(slot).expect("a new slot has a place");
        let generation = Header::read(canvas, at)?.generation.wrapping_add(1);
        Header {
            client,
            generation,
            highest: 0,
            last_used: now,
        }
        .write(canvas, at)?;
        for cell in 0..window {
            let cell = at + HEADER_BYTES + cell * CELL_BYTES;
            if system::read_u64(canvas, SESSIONS, cell)? != 0 {
                system::write_u64(canvas, SESSIONS, cell, 0)?;
            }
        }
        self.slots.insert(client, slot);
        Ok(Ok(SessionSlot { slot, generation }))
    }

    /// A call by client id; sequence 1 opens the session.
    pub fn begin_client(
        &mut self,
        canvas: &mut Canvas,
        client: u128,
        sequence: u64,
        fingerprint: u32,
        now: i64,
    ) -> Result<Result<Begin, Refusal>, TouchError> {
        if sequence != 1 && !self.slots.contains_key(&client) {
            return Ok(Err(Refusal::SessionExpired));
        }
        match self.open(canvas, client, SessionClass::Narrow, now)? {
            Ok(slot) => self.begin(canvas, slot, sequence, fingerprint, now),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// A call in an open session.
    pub fn begin(
        &mut self,
        canvas: &mut Canvas,
        slot: SessionSlot,
        sequence: u64,
        fingerprint: u32,
        now: i64,
    ) -> Result<Result<Begin, Refusal>, TouchError> {
        let Some((at, window)) = locate(slot.slot) else {
            return Ok(Err(Refusal::SessionExpired));
        };
        let mut header = Header::read(canvas, at)?;
        if header.client == 0 || header.generation != slot.generation {
            return Ok(Err(Refusal::SessionExpired));
        }
        if sequence == 0 || (sequence <= header.highest && header.highest - sequence >= window) {
            return Ok(Err(Refusal::SequenceExpired));
        }
        let cell = at + HEADER_BYTES + (sequence % window) * CELL_BYTES;
        if sequence <= header.highest && system::read_u64(canvas, SESSIONS, cell)? == sequence {
            return read_cell(canvas, cell, fingerprint);
        }
        header.highest = header.highest.max(sequence);
        header.last_used = now;
        header.write(canvas, at)?;
        Ok(Ok(Begin::Fresh(Place {
            header: at,
            cell,
            sequence,
            highest: header.highest,
            fingerprint,
        })))
    }

    /// Stores how the call ended, with the deployment that ran it. Refusals are not stored: nothing ran.
    pub fn finish(
        &mut self,
        canvas: &mut Canvas,
        place: Place,
        epoch: u64,
        reply: &Reply,
    ) -> Result<(), TouchError> {
        debug_assert!(place.sequence <= place.highest && place.header < place.cell);
        let (code, outcome) = match reply {
            Reply::Done(bytes) => (0, bytes),
            Reply::Failed(failure, bytes) => (failure_code(*failure), bytes),
            Reply::Refused(_) | Reply::Deployed { .. } | Reply::SessionOpened { .. } => {
                return Ok(());
            }
        };
        let mut cell = [0; CELL_BYTES as usize];
        cell[..8].copy_from_slice(&place.sequence.to_le_bytes());
        cell[8..16].copy_from_slice(&code.to_le_bytes());
        let length = u32::try_from(outcome.len()).expect("a result fits in a command's frame");
        cell[16..20].copy_from_slice(&length.to_le_bytes());
        cell[20..24].copy_from_slice(&place.fingerprint.to_le_bytes());
        cell[24..32].copy_from_slice(&epoch.to_le_bytes());
        if outcome.len() <= INLINE_BYTES {
            cell[32..32 + outcome.len()].copy_from_slice(outcome);
        } else {
            let position = append_to_ring(canvas, outcome)?;
            cell[32..40].copy_from_slice(&position.to_le_bytes());
        }
        system::write(canvas, SESSIONS, place.cell, &cell)
    }
}

/// A stored outcome; one that the ring has overwritten is expired, one of another call is refused.
fn read_cell(
    canvas: &mut Canvas,
    at: u64,
    fingerprint: u32,
) -> Result<Result<Begin, Refusal>, TouchError> {
    let mut cell = [0; CELL_BYTES as usize];
    system::read(canvas, SESSIONS, at, &mut cell)?;
    let word = |at: usize| u64::from_le_bytes(cell[at..at + 8].try_into().expect("eight bytes"));
    let (code, length, epoch) = (word(8), (word(16) & u64::from(u32::MAX)) as usize, word(24));
    if word(16) >> 32 != u64::from(fingerprint) {
        return Ok(Err(Refusal::SequenceReused));
    }
    let outcome = if length <= INLINE_BYTES {
        cell[32..32 + length].to_vec()
    } else {
        let position = word(32);
        let end = system::read_u64(canvas, SESSIONS, RING_END_OFFSET)?;
        if end - position > RING_BYTES {
            return Ok(Err(Refusal::SequenceExpired));
        }
        let mut outcome = vec![0; length];
        let start = position % RING_BYTES;
        let first = length.min((RING_BYTES - start) as usize);
        system::read(canvas, OUTCOMES, start, &mut outcome[..first])?;
        system::read(canvas, OUTCOMES, 0, &mut outcome[first..])?;
        outcome
    };
    let reply = match failure_of_code(code) {
        Some(failure) => Reply::Failed(failure, outcome),
        None => Reply::Done(outcome),
    };
    Ok(Ok(Begin::Seen { reply, epoch }))
}

/// Position of the first byte, counted from the ring's beginning of time.
fn append_to_ring(canvas: &mut Canvas, bytes: &[u8]) -> Result<u64, TouchError> {
    let position = system::read_u64(canvas, SESSIONS, RING_END_OFFSET)?;
    let start = position % RING_BYTES;
    let first = bytes.len().min((RING_BYTES - start) as usize);
    system::write(canvas, OUTCOMES, start, &bytes[..first])?;
    system::write(canvas, OUTCOMES, 0, &bytes[first..])?;
    system::write_u64(
        canvas,
        SESSIONS,
        RING_END_OFFSET,
        position + bytes.len() as u64,
    )?;
    Ok(position)
}
