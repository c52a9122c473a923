//! The canvas against the plainest model of it: a map from (region, page) to bytes.
//! Random touches, writes (through handles and through the page table, as compiled code does), region changes and
//! checkpoints with a persister on another thread. After every checkpoint the store, read back, must hold exactly what
//! the model held at the cut; and the order of checkpoints never shows in the digest.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};

use proptest::prelude::*;
use rc_canvas::*;

type Model = BTreeMap<(RegionId, u64), Vec<u8>>;

/// Pages near each other, at the end of a system page of table entries, beyond the flat table, and the last of all.
fn page_numbers(shift: PageShift) -> Vec<u64> {
    let last = shift.pages_max() - 1;
    vec![
        0,
        1,
        2,
        511,
        512,
        513,
        70_000,
        (1 << 30) - 1,
        1 << 30,
        (1 << 30) + 7,
        last - 1,
        last,
    ]
}

#[derive(Clone, Debug)]
enum Op {
    Write {
        region: u8,
        page: u8,
        offset: u16,
        byte: u8,
        by_pointer: bool,
    },
    Read {
        region: u8,
        page: u8,
        by_pointer: bool,
    },
    /// Reads a page, writes it, and looks again through the first handle.
    ReadWriteRead {
        region: u8,
        page: u8,
        offset: u16,
        byte: u8,
    },
    Copy {
        from: (u8, u8),
        to: (u8, u8),
        length: u16,
    },
    EndCommand,
    State {
        region: u8,
        state: u8,
    },
    Create {
        region: u8,
    },
    Begin,
    Finish,
    Abandon,
}

fn op() -> impl Strategy<Value = Op> {
    let at = || (0u8..3, 0u8..12);
    prop_oneof![
        8 => (at(), any::<u16>(), any::<u8>(), any::<bool>()).prop_map(|((region, page), offset, byte, by_pointer)|
            Op::Write { region, page, offset, byte, by_pointer }),
        3 => (at(), any::<bool>()).prop_map(|((region, page), by_pointer)| Op::Read { region, page, by_pointer }),
        2 => (at(), any::<u16>(), any::<u8>()).prop_map(|((region, page), offset, byte)|
            Op::ReadWriteRead { region, page, offset, byte }),
        2 => (at(), at(), any::<u16>()).prop_map(|(from, to, length)| Op::Copy { from, to, length }),
        2 => Just(Op::EndCommand),
        1 => (0u8..3, 0u8..4).prop_map(|(region, state)| Op::State { region, state }),
        2 => (0u8..3).prop_map(|region| Op::Create { region }),
        2 => Just(Op::Begin),
        2 => Just(Op::Finish),
        1 => Just(Op::Abandon),
    ]
}

/// Region numbers of both ends.
const REGIONS: [RegionId; 3] = [0, 7, u16::MAX];

struct Persister {
    cuts: Sender<(CheckpointCut, MemoryStore)>,
    done: Receiver<(CheckpointCut, MemoryStore, PersistReport)>,
    thread: std::thread::JoinHandle<()>,
}

fn start_persister() -> Persister {
    let (cuts, inbox) = channel::<(CheckpointCut, MemoryStore)>();
    let (outbox, done) = channel();
    let thread = std::thread::spawn(move || {
        for (mut cut, mut store) in inbox {
            let report = persist(&mut cut, &mut store).expect("a store in memory does not fail");
            outbox
                .send((cut, store, report))
                .expect("the loop waits for every cut");
        }
    });
    Persister { cuts, done, thread }
}

/// What compiled code does: two loads and a test, or the slow path.
fn touch_like_code(
    canvas: &mut Canvas,
    region: RegionId,
    page: u64,
    access: Access,
) -> Result<*mut u8, TouchError> {
    // SAFETY: as promised by `region_entries_ptr` and `RegionEntry`.
    unsafe {
        let entry = &*canvas.region_entries_ptr().add(usize::from(region));
        if page < entry.reserved_pages {
            let entry = *entry.table.add(page as usize);
            let enough = match access {
                Access::Read => entry & ENTRY_FRAME_MASK,
                Access::Write => entry & ENTRY_WRITABLE,
            };
            if enough != 0 {
                return Ok((entry & ENTRY_FRAME_MASK) as *mut u8);
            }
        }
    }
    canvas.touch_pointer(region, page, access)
}

struct Run {
    canvas: Canvas,
    model: Model,
    states: BTreeMap<RegionId, RegionState>,
    store: MemoryStore,
    /// The model as of the running cut.
    at_cut: Option<(Model, BTreeMap<RegionId, RegionState>, u64)>,
    persister: Persister,
    shift: PageShift,
    op_number: u64,
}

impl Run {
    fn new(shift: PageShift) -> Run {
        Run {
            canvas: Canvas::new(CanvasOptions::new(shift)).expect("address space"),
            model: Model::new(),
            states: BTreeMap::new(),
            store: MemoryStore::new(),
            at_cut: None,
            persister: start_persister(),
            shift,
            op_number: 0,
        }
    }

    fn expected_error(&self, region: RegionId, access: Access) -> Option<TouchError> {
        match (self.states.get(&region), access) {
            (None | Some(RegionState::Free), _) => Some(TouchError::NoSuchRegion(region)),
            (Some(RegionState::Inaccessible), _) => Some(TouchError::Inaccessible(region)),
            (Some(RegionState::ReadOnly), Access::Write) => Some(TouchError::ReadOnly(region)),
            _ => None,
        }
    }

    fn place(&self, region: u8, page: u8) -> (RegionId, u64) {
        (
            REGIONS[usize::from(region)],
            page_numbers(self.shift)[usize::from(page)],
        )
    }

    fn in_model(&self, at: (RegionId, u64)) -> Vec<u8> {
        self.model
            .get(&at)
            .cloned()
            .unwrap_or_else(|| vec![0; self.shift.page_bytes()])
    }

    fn model_byte(&mut self, at: (RegionId, u64), offset: usize, byte: u8) {
        let page_bytes = self.shift.page_bytes();
        self.model.entry(at).or_insert_with(|| vec![0; page_bytes])[offset] = byte;
    }

    fn touch(&mut self, (region, page): (RegionId, u64), access: Access) -> Option<Frame> {
        let expected = self.expected_error(region, access);
        let touched = self.canvas.touch(region, page, access);
        assert_eq!(touched.as_ref().err(), expected.as_ref());
        touched.ok()
    }

    fn touch_pointer(
        &mut self,
        (region, page): (RegionId, u64),
        access: Access,
    ) -> Option<*mut u8> {
        let expected = self.expected_error(region, access);
        let touched = touch_like_code(&mut self.canvas, region, page, access);
        assert_eq!(touched.as_ref().err(), expected.as_ref());
        touched.ok()
    }

    fn apply(&mut self, op: &Op, checkpoints: bool) {
        let page_bytes = self.shift.page_bytes();
        self.op_number += 1;
        match *op {
            Op::Write {
                region,
                page,
                offset,
                byte,
                by_pointer,
            } => {
                let at = self.place(region, page);
                let offset = usize::from(offset) % page_bytes;
                if by_pointer {
                    let Some(pointer) = self.touch_pointer(at, Access::Write) else {
                        return;
                    };
                    // SAFETY: touched for writing, within the page.
                    unsafe { pointer.add(offset).write(byte) };
                } else {
                    let Some(frame) = self.touch(at, Access::Write) else {
                        return;
                    };
                    self.canvas.write(&frame, offset, &[byte]);
                }
                self.model_byte(at, offset, byte);
            }
            Op::Read {
                region,
                page,
                by_pointer,
            } => {
                let at = self.place(region, page);
                let expected = self.in_model(at);
                if by_pointer {
                    let Some(pointer) = self.touch_pointer(at, Access::Read) else {
                        return;
                    };
                    // SAFETY: touched for reading, one page.
                    let bytes = unsafe { std::slice::from_raw_parts(pointer, page_bytes) };
                    assert!(bytes == expected);
                } else {
                    let Some(frame) = self.touch(at, Access::Read) else {
                        return;
                    };
                    assert!(self.canvas.bytes(&frame) == expected);
                }
            }
            Op::ReadWriteRead {
                region,
                page,
                offset,
                byte,
            } => {
                let at = self.place(region, page);
                let offset = usize::from(offset) % page_bytes;
                let Some(first) = self.touch(at, Access::Read) else {
                    return;
                };
                assert!(self.canvas.bytes(&first) == self.in_model(at));
                let Some(second) = self.touch(at, Access::Write) else {
                    return;
                };
                self.canvas.write(&second, offset, &[byte]);
                self.model_byte(at, offset, byte);
                assert!(
                    self.canvas.bytes(&first) == self.in_model(at),
                    "two names for one page"
                );
            }
            Op::Copy { from, to, length } => {
                let (from, to) = (self.place(from.0, from.1), self.place(to.0, to.1));
                let length = usize::from(length) % (page_bytes / 2);
                let Some(source) = self.touch(from, Access::Read) else {
                    return;
                };
                let Some(target) = self.touch(to, Access::Write) else {
                    return;
                };
                self.canvas
                    .copy(&source, 5, &target, page_bytes / 2, length);
                let bytes = self.in_model(from)[5..5 + length].to_vec();
                let page = self.model.entry(to).or_insert_with(|| vec![0; page_bytes]);
                page[page_bytes / 2..][..length].copy_from_slice(&bytes);
            }
            Op::EndCommand => self.canvas.end_command(),
            Op::State { region, state } => {
                let region = REGIONS[usize::from(region)];
                let state = RegionState::from_number(u64::from(state)).expect("0..4");
                let result = self.canvas.set_state(region, state);
                if self.states.remove(&region).is_none() {
                    assert_eq!(result, Err(RegionError::NoSuchRegion(region)));
                    return;
                }
                assert_eq!(result, Ok(()));
                if state == RegionState::Free {
                    self.model.retain(|(owner, _), _| *owner != region);
                } else {
                    self.states.insert(region, state);
                }
            }
            Op::Create { region } => {
                let region = REGIONS[usize::from(region)];
                let result = self.canvas.create_region(region);
                let exists = self.states.contains_key(&region);
                assert_eq!(
                    result,
                    if exists {
                        Err(RegionError::AlreadyExists(region))
                    } else {
                        Ok(())
                    }
                );
                self.states.entry(region).or_insert(RegionState::Writable);
            }
            Op::Begin if checkpoints => self.begin(),
            Op::Finish if checkpoints => self.finish(true),
            Op::Abandon if checkpoints => self.finish(false),
            Op::Begin | Op::Finish | Op::Abandon => {}
        }
    }

    fn begin(&mut self) {
        let stamp = CheckpointStamp {
            op_number: self.op_number,
            ..CheckpointStamp::default()
        };
        let cut = self.canvas.begin_checkpoint(stamp);
        if self.at_cut.is_some() {
            assert_eq!(cut.err(), Some(CheckpointError::StillRunning));
            return;
        }
        self.at_cut = Some((self.model.clone(), self.states.clone(), self.op_number));
        self.persister
            .cuts
            .send((cut.expect("none runs"), self.store.clone()))
            .expect("the persister lives");
    }

    /// Waits for the persister; `keep` makes the checkpoint count, otherwise the store's work is thrown away.
    fn finish(&mut self, keep: bool) {
        let Some((model, states, op_number)) = self.at_cut.take() else {
            assert_eq!(
                self.canvas.abandon_checkpoint(),
                Err(CheckpointError::NotRunning)
            );
            return;
        };
        let (cut, store, report) = self.persister.done.recv().expect("the persister lives");
        assert_eq!(report.pages, cut.pages_count() as u64);
        if !keep {
            assert_eq!(
                self.canvas.abandon_checkpoint(),
                Err(CheckpointError::StillRead)
            );
            drop(cut);
            assert_eq!(self.canvas.abandon_checkpoint(), Ok(()));
            return;
        }
        self.canvas
            .finish_checkpoint(cut)
            .expect("this is the running one");
        self.store = store;
        let mut copy = self.store.clone();
        let recovered = recover(CanvasOptions::new(self.shift), &mut copy).expect("a good store");
        let superblock = recovered.superblock.expect("a checkpoint was made");
        assert_eq!(superblock.stamp.op_number, op_number);
        let stored: BTreeMap<_, _> = recovered
            .canvas
            .regions()
            .map(|(id, state, _)| (id, state))
            .collect();
        assert_eq!(stored, states);
        assert!(
            same(&recovered.canvas, &model),
            "the store differs from the model at the cut"
        );
        let live = model
            .values()
            .filter(|bytes| bytes.iter().any(|byte| *byte != 0))
            .count();
        let marks = self.store.versions_count() - live;
        assert!(
            marks as u64 <= report.pages_absent,
            "old versions are deleted, marks stay for one checkpoint"
        );
    }

    fn end(mut self) -> u64 {
        self.finish(true);
        assert!(same(&self.canvas, &self.model));
        drop(self.persister.cuts);
        self.persister
            .thread
            .join()
            .expect("the persister ends well");
        self.canvas.digest_pages()
    }
}

/// Whether the canvas holds exactly the model's pages that are not all zero, in order.
fn same(canvas: &Canvas, model: &Model) -> bool {
    let nonzero = |bytes: &[u8]| bytes.iter().any(|byte| *byte != 0);
    let left = canvas.pages().filter(|(_, _, bytes)| nonzero(bytes));
    let right = model.iter().filter(|(_, bytes)| nonzero(bytes));
    left.eq(right.map(|((region, page), bytes)| (*region, *page, bytes.as_slice())))
}

fn check(shift: PageShift, ops: &[Op]) {
    let mut with = Run::new(shift);
    let mut without = Run::new(shift);
    for region in 0..2 {
        with.apply(&Op::Create { region }, true);
        without.apply(&Op::Create { region }, false);
    }
    for op in ops {
        with.apply(op, true);
        without.apply(op, false);
    }
    assert_eq!(with.end(), without.end(), "checkpoints show in the digest");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn small_pages(ops in prop::collection::vec(op(), 1..300)) {
        check(PageShift::SMALLEST, &ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn production_pages(ops in prop::collection::vec(op(), 1..200)) {
        check(PageShift::PRODUCTION, &ops);
    }
}

/// The loop writes as fast as it can while cuts are taken one after the other.
#[test]
fn cuts_are_consistent_under_constant_writing() {
    fn nanoseconds() -> u64 {
        static START: std::sync::LazyLock<std::time::Instant> =
            std::sync::LazyLock::new(std::time::Instant::now);
        START.elapsed().as_nanos() as u64
    }
    const PAGES: u64 = 600;
    for shift in [PageShift::SMALLEST, PageShift::PRODUCTION] {
        let options = CanvasOptions {
            stopwatch: Some(nanoseconds),
            ..CanvasOptions::new(shift)
        };
        let mut canvas = Canvas::new(options).expect("address space");
        canvas.create_region(1).expect("free");
        let persister = start_persister();
        let mut store = MemoryStore::new();
        let (mut count, mut random) = (0u64, 1u64);
        // Each write puts the running count at both ends of a page, so a torn or late copy cannot look right.
        let mut newest = vec![0u64; PAGES as usize];
        let mut write = |canvas: &mut Canvas, newest: &mut [u64]| {
            random = random
                .wrapping_mul(0x5851_f42d_4c95_7f2d)
                .wrapping_add(0x1405_7b7e_f767_814f);
            count += 1;
            let page = (random >> 33) % PAGES;
            let frame = canvas.touch(1, page, Access::Write).expect("writable");
            canvas
                .bytes_mut(&frame)
                .as_chunks_mut::<8>()
                .0
                .fill(count.to_le_bytes());
            newest[page as usize] = count;
        };
        for _ in 0..20_000 {
            write(&mut canvas, &mut newest);
        }
        for round in 0..30 {
            let at_cut = newest.clone();
            let cut = canvas
                .begin_checkpoint(CheckpointStamp::default())
                .expect("none runs");
            persister
                .cuts
                .send((cut, store))
                .expect("the persister lives");
            let (cut, written, _) = loop {
                for _ in 0..50 {
                    write(&mut canvas, &mut newest);
                }
                if let Ok(done) = persister.done.try_recv() {
                    break done;
                }
            };
            canvas.finish_checkpoint(cut).expect("this one");
            store = written;
            let recovered = recover(CanvasOptions::new(shift), &mut store.clone())
                .expect("a good store")
                .canvas;
            let stored: Vec<(u64, u64)> = recovered
                .pages()
                .map(|(_, page, bytes)| {
                    let (words, _) = bytes.as_chunks::<8>();
                    assert!(
                        words.iter().all(|word| *word == words[0]),
                        "a torn page in round {round}"
                    );
                    (page, u64::from_le_bytes(words[0]))
                })
                .collect();
            let expected: Vec<(u64, u64)> = (0..PAGES)
                .zip(at_cut)
                .filter(|(_, count)| *count != 0)
                .collect();
            assert_eq!(stored, expected, "round {round}");
        }
        let counters = canvas.counters();
        assert!(
            counters.pages_set_aside > 0,
            "the loop never met an unsaved page: {counters:?}"
        );
        assert!(counters.longest_pause_nanoseconds > 0);
        assert_eq!(counters.checkpoints_begun, 30);
    }
}
