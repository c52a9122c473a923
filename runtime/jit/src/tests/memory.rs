//! Memory: touches, views, bulk operations of every length in both spaces, journal and rollback, events.

mod border;
mod bulk;

use std::collections::BTreeSet;

use rc_bytecode::builder::{FunctionBuilder, ModuleBuilder};
use rc_bytecode::instr::{
    Access, Builtin, Failure, Instr, RegionIndex, Register, Scalar, Space, Type, View,
};
use rc_bytecode::interface::CommandKind;
use rc_bytecode::layout::Shape;
use rc_canvas::{Access as CanvasAccess, RegionState};
use rc_vm::Outcome;

use super::{Twins, words};
use crate::sabotage::Sabotage;

const WORD: Shape = Shape::Scalar(Scalar::U64);
const SCALARS: [Scalar; 12] = [
    Scalar::Bool,
    Scalar::U8,
    Scalar::U16,
    Scalar::U32,
    Scalar::U64,
    Scalar::U128,
    Scalar::I8,
    Scalar::I16,
    Scalar::I32,
    Scalar::I64,
    Scalar::I128,
    Scalar::F64,
];

fn small_pages() -> (ModuleBuilder, RegionIndex) {
    let mut builder = ModuleBuilder::new();
    builder.module.page_shift = 8;
    builder.region("unused", true, 4);
    let region = builder.region("rows", true, 50);
    (builder, region)
}

/// A command of words that answers a word.
fn command(
    builder: &mut ModuleBuilder,
    name: &str,
    arguments: u32,
    fill: impl FnOnce(&mut FunctionBuilder, &[Register]) -> Register,
) -> u32 {
    let mut function = FunctionBuilder::entry(name, arguments * 8, 8);
    let given: Vec<Register> = (0..arguments)
        .map(|index| function.load(Register(0), index * 8, Scalar::U64))
        .collect();
    let value = fill(&mut function, &given);
    function.store(Register(1), 0, value);
    function.give(&[]);
    let entry = builder.function(function.finish());
    let names = ["a", "b", "c", "d", "e"];
    let fields: Vec<(&str, Shape)> = names[..arguments as usize]
        .iter()
        .map(|name| (*name, WORD))
        .collect();
    builder
        .command(name, CommandKind::Command, &fields, Some(WORD), entry)
        .0
}

/// Fails with `Denied` where the register is not zero.
fn fail_where(function: &mut FunctionBuilder, flag: Register) {
    let zero = function.constant(Scalar::U64, 0);
    let set = function.compare(rc_bytecode::instr::CompareOp::NotEqual, flag, zero);
    function.branch(
        set,
        |function| {
            function.emit(Instr::Fail {
                failure: Failure::Builtin(Builtin::Denied),
                payload: None,
            })
        },
        |_| {},
    );
}

/// Fills a page by a simple pattern from a seed: commands `fill(page, seed)`.
fn add_fill(builder: &mut ModuleBuilder, region: RegionIndex) -> u32 {
    command(builder, "fill", 2, |function, given| {
        let page = function.touch(region, given[0], Access::Write, 256);
        for offset in (0..256).step_by(8) {
            let salt = function.constant(
                Scalar::U64,
                u128::from(u64::from(offset).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            );
            let value = function.binary(rc_bytecode::instr::BinaryOp::WrappingMul, given[1], salt);
            let value = function.binary(rc_bytecode::instr::BinaryOp::Xor, value, given[1]);
            function.store(page, offset, value);
        }
        given[1]
    })
}

#[test]
fn touches_and_their_limits() {
    let (mut builder, region) = small_pages();
    let put = command(&mut builder, "put", 2, |function, given| {
        let page = function.touch(region, given[0], Access::Write, 256);
        function.store(page, 8, given[1]);
        given[1]
    });
    let get = command(&mut builder, "get", 1, |function, given| {
        let page = function.touch(region, given[0], Access::Read, 256);
        function.load(page, 8, Scalar::U64)
    });
    let both = command(&mut builder, "both", 2, |function, given| {
        // A page read while absent, then written: both views see the same bytes.
        let read = function.touch(region, given[0], Access::Read, 256);
        let write = function.touch(region, given[0], Access::Write, 256);
        function.store(write, 16, given[1]);
        function.load(read, 16, Scalar::U64)
    });
    let full = Outcome::Failed(Failure::Builtin(Builtin::TableFull), Vec::new());
    let mut twins = Twins::new(builder.module);
    assert_eq!(twins.run(get, &words(&[3])), Outcome::Done(words(&[0])));
    assert_eq!(
        twins.run(put, &words(&[3, 77])),
        Outcome::Done(words(&[77]))
    );
    assert_eq!(twins.run(get, &words(&[3])), Outcome::Done(words(&[77])));
    assert_eq!(twins.run(both, &words(&[9, 5])), Outcome::Done(words(&[5])));
    assert_eq!(twins.run(both, &words(&[9, 6])), Outcome::Done(words(&[6])));
    for page in [50, 51, 1 << 40, u64::MAX] {
        assert_eq!(twins.run(get, &words(&[page])), full);
        assert_eq!(twins.run(put, &words(&[page, 1])), full);
    }
    assert_eq!(twins.run(put, &words(&[49, 1])), Outcome::Done(words(&[1])));
    // A region that cannot be written any more stops the node; reading goes on.
    for side in [&mut twins.reference, &mut twins.native, &mut twins.mixed] {
        side.canvas
            .set_state(899, RegionState::ReadOnly)
            .expect("a region");
    }
    assert_eq!(twins.run(get, &words(&[3])), Outcome::Done(words(&[77])));
    assert!(
        twins
            .compare(put, &words(&[3, 1]))
            .expect("the same in both")
            .is_err()
    );
    for side in [&mut twins.reference, &mut twins.native, &mut twins.mixed] {
        side.canvas
            .set_state(899, RegionState::Inaccessible)
            .expect("a region");
    }
    assert!(
        twins
            .compare(get, &words(&[3]))
            .expect("the same in both")
            .is_err()
    );
}

#[test]
fn scalars_through_pages_and_frames() {
    for scalar in SCALARS {
        let (mut builder, region) = small_pages();
        let size = scalar.size();
        let fill = add_fill(&mut builder, region);
        let index = command(&mut builder, "through", 4, |function, given| {
            // given: page, index, raw word, fail
            let slot = function.slot(64);
            function.store(slot, 3, given[2]);
            function.store(slot, 11, given[2]);
            let loaded = function.load(slot, 3, scalar);
            let page = function.touch(region, given[0], Access::Write, 256);
            function.store(page, 5, loaded);
            let count = (256 - 32) / size;
            function.emit(Instr::StoreAt {
                view: page,
                index: given[1],
                base: 32,
                stride: size,
                count,
                src: loaded,
            });
            let back = function.reg(scalar);
            function.emit(Instr::LoadAt {
                dst: back,
                view: page,
                index: given[1],
                base: 32,
                stride: size,
                count,
            });
            function.store(slot, 24, back);
            fail_where(function, given[3]);
            function.load(slot, 24, Scalar::U64)
        });
        let mut twins = Twins::new(builder.module);
        for raw in [
            0,
            1,
            0x7F,
            0x80,
            0xFF,
            0x0102_0304_0506_0708,
            0x8000_0000_0000_0000,
            0x3FF8_0000_0000_0000,
            0x1FFF_FFFF_FFFF_FFFF,
        ] {
            twins.run(fill, &words(&[1, raw]));
            for at in [
                0,
                1,
                3,
                u64::from((256 - 32) / size) - 1,
                u64::from((256 - 32) / size),
                1 << 61,
                u64::MAX,
            ] {
                for fails in [0, 1] {
                    twins.run(index, &words(&[1, at, raw, fails]));
                }
            }
        }
        if scalar == Scalar::F64 {
            let failed = twins.run(index, &words(&[1, 0, 0x7FF0_0000_0000_0000, 0]));
            let bound = Failure::Builtin(Builtin::BoundExceeded);
            assert_eq!(failed, Outcome::Failed(bound, Vec::new()), "no number");
        }
    }
}

/// Lengths around the limits of what is inline.
const LENGTHS: [u32; 26] = [
    0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 23, 24, 31, 32, 33, 40, 48, 63, 64, 65, 100, 128,
    129,
];

#[test]
fn views_of_elements() {
    let (mut builder, region) = small_pages();
    let fill = add_fill(&mut builder, region);
    let index = command(&mut builder, "element", 3, |function, given| {
        let page = function.touch(region, given[0], Access::Write, 256);
        let row = function.reg(View::page(region, 20, true));
        function.emit(Instr::ViewAt {
            dst: row,
            src: page,
            index: given[1],
            base: 12,
            stride: 24,
            count: 10,
        });
        let readable = function.reg(View::page(region, 20, false));
        function.emit(Instr::Move {
            dst: readable,
            src: row,
        });
        function.store(row, 4, given[2]);
        function.load(readable, 4, Scalar::U64)
    });
    let mut twins = Twins::new(builder.module);
    twins.run(fill, &words(&[2, 99]));
    for at in (0..12).chain([1 << 59, u64::MAX]) {
        let outcome = twins.run(index, &words(&[2, at, at % 1000 * 3]));
        assert_eq!(matches!(outcome, Outcome::Done(_)), at < 10);
    }
}

#[test]
fn many_stores_outgrow_the_journal_and_are_undone() {
    let (mut builder, region) = small_pages();
    let index = command(&mut builder, "storm", 2, |function, given| {
        let counter = function.constant(Scalar::U64, 0);
        let one = function.constant(Scalar::U64, 1);
        let mask = function.constant(Scalar::U64, 31);
        function.repeat(300_000, |function| {
            let end = function.compare(
                rc_bytecode::instr::CompareOp::GreaterOrEqual,
                counter,
                given[0],
            );
            function.branch(
                end,
                |function| function.emit(Instr::Break { depth: 0 }),
                |_| {},
            );
            let number = function.binary(rc_bytecode::instr::BinaryOp::And, counter, mask);
            let page = function.touch(region, number, Access::Write, 256);
            function.store(page, 8, counter);
            let large = function.narrow(page, 50, 100);
            function.emit(Instr::Zero { view: large });
            function.emit(Instr::Binary {
                op: rc_bytecode::instr::BinaryOp::Add,
                dst: counter,
                left: counter,
                right: one,
            });
        });
        fail_where(function, given[1]);
        counter
    });
    let fill = add_fill(&mut builder, region);
    let mut twins = Twins::new(builder.module);
    for page in 0..32 {
        twins.run(fill, &words(&[page, page + 1]));
    }
    twins.run(index, &words(&[20_000, 1]));
    twins.run(index, &words(&[20_000, 0]));
    twins.run(index, &words(&[10, 1]));
}

#[test]
fn the_comparison_finds_a_missing_journal_and_a_missing_fold() {
    for (sabotage, fails) in [(Sabotage::NoJournal, 1), (Sabotage::NoByteDigest, 0)] {
        let (mut builder, region) = small_pages();
        let index = command(&mut builder, "byte", 2, |function, given| {
            let page = function.touch(region, given[0], Access::Write, 256);
            let byte = function.constant(Scalar::U8, 1);
            function.store(page, 8, byte);
            fail_where(function, given[1]);
            given[0]
        });
        let verified = builder.verified().expect("a module that verifies");
        let mut twins = Twins::of(&verified, sabotage);
        assert!(
            twins.compare(index, &words(&[1, fails])).is_err(),
            "{sabotage:?}"
        );
    }
}
