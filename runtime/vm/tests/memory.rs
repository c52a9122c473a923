//! Pages and frames through views: bounds, aliases, bulk operations, the digest, and undoing all of it.

mod support;

use rc_bytecode::cost::Cost;
use rc_bytecode::hash::{fold_store, hash_bytes};
use rc_bytecode::instr::{Access, BinaryOp, Builtin, Failure, Instr, Register, Scalar, Type};
use rc_bytecode::module::Function;
use rc_bytecode::price;
use rc_canvas::{Address, PageShift, RegionState};
use support::*;

const PAGE: u32 = 256;

/// The canvas address of a byte of page 1 of the first region.
fn address(offset: u64) -> u64 {
    Address::new(10, 1, offset, PageShift::SMALLEST).0
}

/// Starts a function with a writable view of page 1 of the first region.
fn with_page(parameters: &[Type], results: &[Type]) -> (Sketch, Register) {
    let mut sketch = Sketch::new("f", parameters, results);
    let number = sketch.constant(U64, 1);
    let page = sketch.touch(0, number, Access::Write, PAGE);
    (sketch, page)
}

#[test]
fn a_page_keeps_what_is_stored_and_the_digest_folds_it() {
    let scalars = [
        (Scalar::Bool, 1u128),
        (Scalar::U8, 0xFF),
        (Scalar::I8, -1i128 as u128),
        (Scalar::U16, 0x1234),
        (Scalar::I32, -7i128 as u128),
        (Scalar::U64, 0x0102_0304_0506_0708),
        (Scalar::I128, -9i128 as u128),
        (Scalar::F64, 1.5f64.to_bits() as u128),
    ];
    for (scalar, bits) in scalars {
        let kind = Type::Scalar(scalar);
        let (mut sketch, page) = with_page(&[kind], &[kind]);
        sketch.store(page, 40, Register(0));
        let read = sketch.load(kind, page, 40);
        let mut stage = stage(sketch.give(&[read]));
        stage.run.digest = 5;
        assert_eq!(stage.values(0, &[bits]), [bits], "{scalar:?}");
        let size = scalar.size();
        let expected = if size == 16 {
            fold_store(
                fold_store(5, address(40), bits as u64),
                address(48),
                (bits >> 64) as u64,
            )
        } else {
            fold_store(5, address(40), bits as u64 & (u64::MAX >> (64 - 8 * size)))
        };
        assert_eq!(stage.run.digest, expected, "{scalar:?}");
        let (_, number, bytes) = stage.canvas.pages().next().expect("a page");
        assert_eq!(
            (number, &bytes[40..][..size as usize]),
            (1, &bits.to_le_bytes()[..size as usize])
        );
        assert!(stage.run.journal.is_empty(), "nothing is left to undo");
    }
}

#[test]
fn the_same_at_the_border_of_every_page_size() {
    for shift in [8, 12, 14, 16] {
        let bytes = 1u32 << shift;
        let mut sketch = Sketch::new("f", &[U64, U64], &[U64]);
        let page = sketch.touch(0, Register(0), Access::Write, bytes);
        let tail = sketch.part(page, page_view(0, 8, true), bytes - 8);
        sketch.store(tail, 0, Register(1));
        let read = sketch.load(U64, page, bytes - 8);
        let mut stage = Stage::new(module_of_pages(vec![sketch.give(&[read])], shift));
        assert_eq!(stage.values(0, &[99, 1234]), [1234]);
        let at = Address::new(10, 99, u64::from(bytes) - 8, PageShift::new(shift).unwrap());
        assert_eq!(stage.run.digest, fold_store(0, at.0, 1234));
    }
}

#[test]
fn a_page_beyond_the_capacity_is_table_full_and_another_canvas_halts() {
    let mut sketch = Sketch::new("f", &[U64], &[U64]);
    let page = sketch.touch(0, Register(0), Access::Read, PAGE);
    let read = sketch.load(U64, page, 0);
    let function = sketch.give(&[read]);
    let mut stage = stage(function.clone());
    assert_eq!(stage.values(0, &[99]), [0]);
    for page in [100, u128::from(u64::MAX)] {
        assert_eq!(stage.failure(0, &[page]), FULL);
    }
    stage
        .canvas
        .set_state(10, RegionState::Inaccessible)
        .unwrap();
    assert_eq!(
        stage.failure(0, &[100]),
        FULL,
        "the capacity is looked at first"
    );
    let halt = stage.function(0, &[0]).expect_err("an inaccessible region");
    assert!(
        halt.reason.contains("inaccessible") && halt.function == "f",
        "{halt}"
    );
    stage.bindings.regions.clear();
    assert!(
        stage
            .function(0, &[0])
            .expect_err("nothing bound")
            .reason
            .contains("not bound")
    );
    let mut other = support::stage(function);
    other.canvas = Stage::new(module_of_pages(Vec::new(), 12)).canvas;
    assert!(
        other
            .function(0, &[0])
            .expect_err("another page size")
            .reason
            .contains("page size")
    );
}

#[test]
fn a_write_to_a_region_that_became_read_only_halts() {
    let (mut sketch, page) = with_page(&[U64], &[]);
    sketch.store(page, 0, Register(0));
    let mut stage = stage(sketch.give(&[]));
    stage.canvas.set_state(10, RegionState::ReadOnly).unwrap();
    assert!(
        stage
            .function(0, &[1])
            .expect_err("read-only")
            .reason
            .contains("read-only")
    );
}

#[test]
fn two_names_for_one_page_see_each_other() {
    // Both are touched, one for reading before the page exists; then each is used in turn.
    let mut sketch = Sketch::new("f", &[U64, U64, U64], &[U64, U64, U64]);
    let reading = sketch.touch(0, Register(0), Access::Read, PAGE);
    let first = sketch.touch(0, Register(0), Access::Write, PAGE);
    let second = sketch.touch(0, Register(1), Access::Write, PAGE);
    let a = sketch.part(first, page_view(0, 8, true), 16);
    let b = sketch.part(second, page_view(0, 16, true), 16);
    sketch.store(a, 0, Register(2));
    let through_b = sketch.load(U64, b, 0);
    let doubled = sketch.binary(BinaryOp::Add, through_b, through_b);
    sketch.store(b, 0, doubled);
    let through_a = sketch.load(U64, a, 0);
    let through_reading = sketch.load(U64, reading, 16);
    let mut stage = stage(sketch.give(&[through_b, through_a, through_reading]));
    assert_eq!(stage.values(0, &[4, 4, 21]), [21, 42, 42]);
    // Two pages: each its own.
    assert_eq!(stage.values(0, &[4, 5, 7]), [0, 7, 7]);
}

#[test]
fn elements_are_checked_when_they_run() {
    let (mut sketch, page) = with_page(
        &[U64, Type::Scalar(Scalar::U16)],
        &[Type::Scalar(Scalar::U16), Type::Scalar(Scalar::U16)],
    );
    let (base, stride, count) = (6, 10, 25);
    sketch.push(Instr::StoreAt {
        view: page,
        index: Register(0),
        base,
        stride,
        count,
        src: Register(1),
    });
    let read = sketch.register(Type::Scalar(Scalar::U16));
    sketch.push(Instr::LoadAt {
        dst: read,
        view: page,
        index: Register(0),
        base,
        stride,
        count,
    });
    let element = sketch.register(page_view(0, 2, false));
    sketch.push(Instr::ViewAt {
        dst: element,
        src: page,
        index: Register(0),
        base,
        stride,
        count,
    });
    let again = sketch.load(Type::Scalar(Scalar::U16), element, 0);
    let mut stage = stage(sketch.give(&[read, again]));
    for index in [0, 7, 24] {
        assert_eq!(stage.values(0, &[index, 500 + index]), [500 + index; 2]);
    }
    let before = stage.canvas.digest_pages();
    for index in [25, u128::from(u64::MAX)] {
        assert_eq!(stage.failure(0, &[index, 1]), BOUND);
    }
    assert_eq!(stage.canvas.digest_pages(), before);
}

/// Fills page 1 with 0, 1, 2, …; function 0 of every module below.
fn filled() -> Function {
    let (mut sketch, page) = with_page(&[], &[]);
    for offset in (0..PAGE).step_by(8) {
        let word = u64::from_le_bytes(std::array::from_fn(|at| (offset as usize + at) as u8));
        let src = sketch.constant(U64, u128::from(word));
        sketch.store(page, offset, src);
    }
    sketch.give(&[])
}

fn page_bytes(stage: &Stage) -> Vec<u8> {
    stage
        .canvas
        .pages()
        .find(|(region, page, _)| (*region, *page) == (10, 1))
        .expect("page 1")
        .2
        .to_vec()
}

#[test]
fn copies_overlap_and_pad_with_zeros() {
    // Within a page, forward and backward; a shorter source; from the frame and into it.
    for (from, to, source_length, target_length) in [
        (0, 8, 64, 64),
        (8, 0, 64, 64),
        (3, 3, 32, 32),
        (100, 40, 10, 32),
        (10, 200, 40, 16),
        (0, 4, 20, 30),
    ] {
        let (mut sketch, page) = with_page(&[], &[]);
        let src = sketch.part(page, page_view(0, source_length, false), from);
        let dst = sketch.part(page, page_view(0, target_length, true), to);
        sketch.push(Instr::Copy { dst, src });
        let mut stage = Stage::new(module(vec![filled(), sketch.give(&[])]));
        stage.values(0, &[]);
        let mut expected = page_bytes(&stage);
        let source = expected[from as usize..][..source_length as usize].to_vec();
        let copied = source_length.min(target_length) as usize;
        let target = &mut expected[to as usize..][..target_length as usize];
        target[..copied].copy_from_slice(&source[..copied]);
        target[copied..].fill(0);
        let folded = fold_store(
            stage.run.digest,
            address(u64::from(to)),
            hash_bytes(target, 0),
        );
        stage.values(1, &[]);
        assert_eq!(
            page_bytes(&stage),
            expected,
            "{from} {to} {source_length} {target_length}"
        );
        assert_eq!(stage.run.digest, folded);
    }
}

#[test]
fn the_frame_is_not_in_the_digest() {
    let (mut sketch, page) = with_page(&[], &[U64, U64]);
    let slot = sketch.slot(24);
    let src = sketch.part(page, page_view(0, 16, false), 0);
    sketch.push(Instr::Copy { dst: slot, src });
    let number = sketch.constant(U64, 5);
    sketch.store(slot, 0, number);
    let first = sketch.load(U64, slot, 0);
    let second = sketch.load(U64, slot, 8);
    let tail = sketch.part(slot, frame(8, true), 16);
    sketch.push(Instr::Zero { view: tail });
    let mut stage = Stage::new(module(vec![filled(), sketch.give(&[first, second])]));
    stage.values(0, &[]);
    let digest = stage.run.digest;
    assert_eq!(
        stage.values(1, &[]),
        [
            5,
            u128::from(u64::from_le_bytes([8, 9, 10, 11, 12, 13, 14, 15]))
        ]
    );
    assert_eq!(stage.run.digest, digest);
}

#[test]
fn zero_clears_and_folds_once() {
    let (mut sketch, page) = with_page(&[], &[]);
    let part = sketch.part(page, page_view(0, 20, true), 30);
    sketch.push(Instr::Zero { view: part });
    let nothing = sketch.part(page, page_view(0, 0, true), 256);
    sketch.push(Instr::Zero { view: nothing });
    let mut stage = Stage::new(module(vec![filled(), sketch.give(&[])]));
    stage.values(0, &[]);
    let digest = fold_store(stage.run.digest, address(30), hash_bytes(&[0; 20], 0));
    let executed = stage.function(1, &[]).expect("no halt");
    assert!(page_bytes(&stage)[30..50].iter().all(|byte| *byte == 0));
    assert_eq!((page_bytes(&stage)[29], page_bytes(&stage)[50]), (29, 50));
    assert_eq!(stage.run.digest, digest, "no bytes fold nothing");
    let steps = 1
        + price::TOUCH
        + 1
        + (price::bulk(20) + price::PAGE_STORE)
        + 1
        + (1 + price::PAGE_STORE)
        + 1;
    let expected = Cost {
        steps,
        pages_read: 1,
        pages_written: 1,
        bytes_written: 20,
        ..Cost::ZERO
    };
    assert_eq!(executed.measured, expected);
}

#[test]
fn elements_move_within_their_array() {
    let (base, stride, count) = (4, 6, 40);
    let (mut sketch, page) = with_page(&[U64, U64, U64], &[]);
    let [from, to, length] = [0, 1, 2].map(Register);
    sketch.push(Instr::MoveWithin {
        view: page,
        base,
        stride,
        count,
        from,
        to,
        length,
    });
    let mut stage = Stage::new(module(vec![filled(), sketch.give(&[])]));
    for (from, to, length) in [
        (0, 1, 39),
        (1, 0, 39),
        (5, 5, 3),
        (30, 2, 10),
        (40, 0, 0),
        (0, 40, 0),
    ] {
        stage.values(0, &[]);
        let mut expected = page_bytes(&stage);
        let place = |element: usize| base as usize + element * stride as usize;
        expected.copy_within(place(from)..place(from + length), place(to));
        let target = &expected[place(to)..place(to + length)];
        let digest = match length {
            0 => stage.run.digest,
            _ => fold_store(
                stage.run.digest,
                address(place(to) as u64),
                hash_bytes(target, 0),
            ),
        };
        stage.values(1, &[from as u128, to as u128, length as u128]);
        assert_eq!(page_bytes(&stage), expected, "{from} {to} {length}");
        assert_eq!(stage.run.digest, digest, "{from} {to} {length}");
    }
    let most = u128::from(u64::MAX);
    for ends in [
        [0, 1, 40],
        [1, 0, 40],
        [41, 0, 0],
        [0, 41, 0],
        [most, 0, 1],
        [0, most, most],
        [0, 0, 41],
    ] {
        assert_eq!(stage.failure(1, &ends), BOUND, "{ends:?}");
    }
}

#[test]
fn bytes_are_compared_hashed_and_matched() {
    let bool_and_more = [I64, I64, BOOL, BOOL, U64, U64];
    let (mut sketch, page) = with_page(&[U8, U64], &bool_and_more);
    let [low, high, same] =
        [10, 20, 10].map(|offset| sketch.part(page, page_view(0, 9, false), offset));
    let mut compared = |left, right| {
        let dst = sketch.register(I64);
        sketch.push(Instr::CompareBytes { dst, left, right });
        dst
    };
    let (less, greater) = (compared(low, high), compared(high, low));
    let [equal, unequal] = [same, high].map(|right| {
        let dst = sketch.register(BOOL);
        sketch.push(Instr::EqualBytes {
            dst,
            left: low,
            right,
        });
        dst
    });
    let hash = sketch.register(U64);
    sketch.push(Instr::Hash {
        dst: hash,
        view: low,
        seed: Register(1),
    });
    let part = sketch.part(page, page_view(0, 64, false), 192);
    let matches = sketch.register(U64);
    sketch.push(Instr::MatchByte {
        dst: matches,
        view: part,
        byte: Register(0),
    });
    let mut stage = Stage::new(module(vec![
        filled(),
        sketch.give(&[less, greater, equal, unequal, hash, matches]),
    ]));
    stage.values(0, &[]);
    let bytes: Vec<u8> = (10..19).collect();
    let hash = u128::from(hash_bytes(&bytes, 3));
    assert_eq!(
        stage.values(1, &[255, 3]),
        [-1i128 as u128, 1, 1, 0, hash, 1 << 63]
    );
    assert_eq!(stage.values(1, &[192, 3])[5], 1);
    assert_eq!(stage.values(1, &[10, 3])[5], 0);
}

#[test]
fn a_failure_leaves_no_trace() {
    // Scalars, bulk, a page that did not exist, the same place twice; then it fails.
    let fail = Instr::Fail {
        failure: Failure::Builtin(Builtin::InvariantBroken),
        payload: None,
    };
    let (mut sketch, page) = with_page(&[U64], &[]);
    sketch.store(page, 8, Register(0));
    sketch.store(page, 8, Register(0));
    let part = sketch.part(page, page_view(0, 100, true), 50);
    sketch.push(Instr::Zero { view: part });
    let ends = [0, 3, 20].map(|bits| sketch.constant(U64, bits));
    let (base, stride, count) = (60, 4, 30);
    sketch.push(Instr::MoveWithin {
        view: page,
        base,
        stride,
        count,
        from: ends[0],
        to: ends[1],
        length: ends[2],
    });
    let other = sketch.touch(1, Register(0), Access::Write, PAGE);
    let source = sketch.part(page, page_view(0, 200, false), 0);
    sketch.push(Instr::Copy {
        dst: other,
        src: source,
    });
    sketch.push(fail);
    let mut stage = Stage::new(module(vec![filled(), sketch.function]));
    stage.values(0, &[]);
    let (digest, pages) = (stage.run.digest, stage.canvas.digest_pages());
    assert_eq!(
        stage.failure(1, &[7]),
        Failure::Builtin(Builtin::InvariantBroken)
    );
    assert_eq!(
        (stage.run.digest, stage.canvas.digest_pages()),
        (digest, pages)
    );
    assert!(stage.run.journal.is_empty());
    assert_eq!(page_bytes(&stage), (0..=255).collect::<Vec<u8>>());
}
