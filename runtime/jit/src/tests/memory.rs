//! Memory: touches, views, bulk operations of every length in both spaces, journal and rollback, events.

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

/// Two views of `left` and `right` bytes, each of a page (0 or 1) or of a frame slot with that page's bytes.
fn two_views(
    function: &mut FunctionBuilder,
    region: RegionIndex,
    kinds: [bool; 2],
    lengths: [u32; 2],
    offsets: [u32; 2],
    writable: bool,
) -> [Register; 2] {
    [0, 1].map(|which| {
        let number = function.constant(Scalar::U64, which as u128);
        let access = if writable && which == 0 {
            Access::Write
        } else {
            Access::Read
        };
        let page = function.touch(region, number, access, 256);
        let whole = if kinds[which] {
            page
        } else {
            let slot = function.slot(256);
            function.emit(Instr::Copy {
                dst: slot,
                src: page,
            });
            slot
        };
        function.narrow(whole, offsets[which], lengths[which])
    })
}

#[test]
fn bulk_reads() {
    for kinds in [[true, true], [true, false], [false, true], [false, false]] {
        let (mut builder, region) = small_pages();
        let fill = add_fill(&mut builder, region);
        let mut commands = Vec::new();
        for length in LENGTHS {
            for same in [true, false] {
                commands.push(command(
                    &mut builder,
                    &format!("read{length}{same}"),
                    1,
                    |function, given| {
                        let offsets = if same { [16, 16] } else { [3, 9] };
                        let [left, right] =
                            two_views(function, region, kinds, [length, length], offsets, false);
                        let order = function.reg(Scalar::I64);
                        function.emit(Instr::CompareBytes {
                            dst: order,
                            left,
                            right,
                        });
                        let equal = function.reg(Scalar::Bool);
                        function.emit(Instr::EqualBytes {
                            dst: equal,
                            left,
                            right,
                        });
                        let hash = function.reg(Scalar::U64);
                        function.emit(Instr::Hash {
                            dst: hash,
                            view: left,
                            seed: given[0],
                        });
                        let total = function.reg(Scalar::U64);
                        function.emit(Instr::Convert {
                            mode: rc_bytecode::instr::ConvertMode::Wrapping,
                            dst: total,
                            src: order,
                        });
                        let flag = function.reg(Scalar::U64);
                        function.emit(Instr::Convert {
                            mode: rc_bytecode::instr::ConvertMode::Wrapping,
                            dst: flag,
                            src: equal,
                        });
                        let three = function.constant(Scalar::U64, 3);
                        let flag =
                            function.binary(rc_bytecode::instr::BinaryOp::ShiftLeft, flag, three);
                        let sum =
                            function.binary(rc_bytecode::instr::BinaryOp::WrappingAdd, total, flag);
                        let mut sum = function.binary(rc_bytecode::instr::BinaryOp::Xor, sum, hash);
                        if length <= 64 {
                            let byte = function.reg(Scalar::U8);
                            function.emit(Instr::Convert {
                                mode: rc_bytecode::instr::ConvertMode::Wrapping,
                                dst: byte,
                                src: given[0],
                            });
                            let matches = function.reg(Scalar::U64);
                            function.emit(Instr::MatchByte {
                                dst: matches,
                                view: left,
                                byte,
                            });
                            sum = function.binary(rc_bytecode::instr::BinaryOp::Xor, sum, matches);
                        }
                        sum
                    },
                ));
            }
        }
        let mut twins = Twins::new(builder.module);
        // Equal pages, pages that differ early, pages that differ late, pages full of one byte.
        for (left, right) in [
            (0, 0),
            (5, 5),
            (5, 6),
            (1, 1 << 60),
            (0x0101_0101_0101_0101, 0x0101_0101_0101_0101),
        ] {
            twins.run(fill, &words(&[0, left]));
            twins.run(fill, &words(&[1, right]));
            for command in &commands {
                for seed in [0, 1, 0xFF, left] {
                    twins.run(*command, &words(&[seed]));
                }
            }
        }
    }
}

#[test]
fn bulk_stores() {
    for kinds in [[true, true], [true, false], [false, true], [false, false]] {
        let (mut builder, region) = small_pages();
        let fill = add_fill(&mut builder, region);
        let mut commands = Vec::new();
        for length in LENGTHS {
            for other in BTreeSet::from([length, length / 2, length + 20]) {
                commands.push(command(
                    &mut builder,
                    &format!("copy{length}_{other}"),
                    1,
                    |function, given| {
                        let [to, from] =
                            two_views(function, region, kinds, [length, other], [5, 8], true);
                        function.emit(Instr::Copy { dst: to, src: from });
                        fail_where(function, given[0]);
                        let hash = function.reg(Scalar::U64);
                        function.emit(Instr::Hash {
                            dst: hash,
                            view: to,
                            seed: given[0],
                        });
                        hash
                    },
                ));
            }
            commands.push(command(
                &mut builder,
                &format!("zero{length}"),
                1,
                |function, given| {
                    let [to, _] = two_views(function, region, kinds, [length, 0], [7, 0], true);
                    function.emit(Instr::Zero { view: to });
                    fail_where(function, given[0]);
                    let hash = function.reg(Scalar::U64);
                    function.emit(Instr::Hash {
                        dst: hash,
                        view: to,
                        seed: given[0],
                    });
                    hash
                },
            ));
        }
        let mut twins = Twins::new(builder.module);
        for command in &commands {
            twins.run(fill, &words(&[0, 0x1234_5678_9ABC_DEF0]));
            twins.run(fill, &words(&[1, u64::from(*command) + 1]));
            twins.run(*command, &words(&[1]));
            twins.run(*command, &words(&[0]));
        }
    }
}

#[test]
fn overlapping_copies_and_moves() {
    for on_page in [true, false] {
        let (mut builder, region) = small_pages();
        let fill = add_fill(&mut builder, region);
        let mut copies = Vec::new();
        for length in [1, 8, 13, 32, 64, 100, 128, 200] {
            for [to, from] in [[0, 1], [1, 0], [9, 16], [16, 9], [40, 40]] {
                copies.push(command(
                    &mut builder,
                    &format!("over{length}_{to}_{from}"),
                    1,
                    |function, given| {
                        let [whole, _] =
                            two_views(function, region, [on_page, true], [256, 256], [0, 0], true);
                        let (dst, src) = (
                            function.narrow(whole, to, length),
                            function.narrow(whole, from, length),
                        );
                        function.emit(Instr::Copy { dst, src });
                        fail_where(function, given[0]);
                        let hash = function.reg(Scalar::U64);
                        function.emit(Instr::Hash {
                            dst: hash,
                            view: whole,
                            seed: given[0],
                        });
                        hash
                    },
                ));
            }
        }
        let moves: Vec<u32> = [0, 1, 8, 12]
            .map(|stride| {
                command(
                    &mut builder,
                    &format!("move{stride}"),
                    4,
                    |function, given| {
                        let [whole, _] =
                            two_views(function, region, [on_page, true], [256, 256], [0, 0], true);
                        function.emit(Instr::MoveWithin {
                            view: whole,
                            base: 10,
                            stride,
                            count: 20,
                            from: given[0],
                            to: given[1],
                            length: given[2],
                        });
                        fail_where(function, given[3]);
                        let hash = function.reg(Scalar::U64);
                        function.emit(Instr::Hash {
                            dst: hash,
                            view: whole,
                            seed: given[0],
                        });
                        hash
                    },
                )
            })
            .to_vec();
        let mut twins = Twins::new(builder.module);
        for command in copies {
            twins.run(fill, &words(&[0, u64::from(command) * 77 + 1]));
            twins.run(command, &words(&[1]));
            twins.run(command, &words(&[0]));
        }
        let ends = [0, 1, 5, 19, 20, 21, u64::MAX];
        for command in moves {
            for from in ends {
                for to in ends {
                    for length in [0, 1, 4, 15, 20, 21, u64::MAX] {
                        twins.run(fill, &words(&[0, from ^ (to << 8) ^ (length << 16) | 1]));
                        twins.run(command, &words(&[from, to, length, 1]));
                        twins.run(command, &words(&[from, to, length, 0]));
                    }
                }
            }
        }
    }
}

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
fn events_plain_and_general() {
    let (mut builder, region) = small_pages();
    let plain = builder.event(
        "Plain",
        &[
            ("a", Shape::Scalar(Scalar::U8)),
            ("b", WORD),
            ("c", Shape::Scalar(Scalar::I128)),
            ("d", Shape::Time),
        ],
    );
    let general = builder.event(
        "General",
        &[
            ("text", Shape::String(10)),
            ("flag", Shape::Scalar(Scalar::Bool)),
        ],
    );
    let large = builder.event("Large", &[("many", Shape::Tuple(vec![WORD; 60]))]);
    let index = command(&mut builder, "emit", 3, |function, given| {
        let view = function.slot(40);
        let byte = function.constant(Scalar::U8, 9);
        function.store(view, 0, byte);
        for offset in [8, 16, 24, 32] {
            function.store(view, offset, given[0]);
        }
        let text = function.slot(14);
        let length = function.reg(Scalar::U16);
        function.emit(Instr::Convert {
            mode: rc_bytecode::instr::ConvertMode::Wrapping,
            dst: length,
            src: given[1],
        });
        function.store(text, 0, length);
        let many = function.slot(480);
        function.store(many, 472, given[0]);
        let counter = function.constant(Scalar::U64, 0);
        let one = function.constant(Scalar::U64, 1);
        function.repeat(200, |function| {
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
            function.emit(Instr::Emit { event: plain, view });
            function.emit(Instr::Emit {
                event: general,
                view: text,
            });
            function.emit(Instr::Emit {
                event: large,
                view: many,
            });
            function.emit(Instr::Binary {
                op: rc_bytecode::instr::BinaryOp::Add,
                dst: counter,
                left: counter,
                right: one,
            });
        });
        let page = function.touch(region, one, Access::Write, 256);
        function.store(page, 0, counter);
        fail_where(function, given[2]);
        counter
    });
    let mut twins = Twins::new(builder.module);
    for [count, length, fails] in [
        [0, 0, 0],
        [1, 10, 0],
        [3, 4, 0],
        [3, 4, 1],
        [150, 1, 0],
        [150, 1, 1],
    ] {
        twins.run(index, &words(&[count, length, fails]));
        let events = if fails == 0 { 3 * count as usize } else { 0 };
        assert_eq!(twins.native.run.events.len(), events);
    }
    // Memory that is no value of the event.
    let bound = Failure::Builtin(Builtin::BoundExceeded);
    assert_eq!(
        twins.run(index, &words(&[1, 11, 0])),
        Outcome::Failed(bound, Vec::new())
    );
    assert_eq!(
        twins.reference.canvas.digest_pages(),
        twins.native.canvas.digest_pages()
    );
}

#[test]
fn arguments_and_results_are_checked() {
    let mut builder = ModuleBuilder::new();
    let mut function = FunctionBuilder::entry("echo", 16, 16);
    function.emit(Instr::Copy {
        dst: Register(1),
        src: Register(0),
    });
    function.give(&[]);
    let entry = builder.function(function.finish());
    let shape = || {
        Shape::Tuple(vec![
            Shape::Scalar(Scalar::Bool),
            Shape::Optional(Box::new(Shape::Scalar(Scalar::U16))),
            Shape::Scalar(Scalar::F64),
        ])
    };
    builder.command(
        "echo",
        CommandKind::Command,
        &[("all", shape())],
        Some(shape()),
        entry,
    );
    let mut twins = Twins::new(builder.module);
    let float = 1.25f64.to_le_bytes().to_vec();
    let good = [vec![1, 1, 5, 0], float.clone()].concat();
    assert_eq!(twins.run(0, &good), Outcome::Done(good.clone()));
    let short = [vec![0, 0], float.clone()].concat();
    assert_eq!(twins.run(0, &short), Outcome::Done(short.clone()));
    for bad in [
        vec![],
        vec![2, 0],
        [vec![2, 0], float.clone()].concat(),
        [vec![1, 2], float.clone()].concat(),
        [good, vec![0]].concat(),
    ] {
        assert!(twins.compare(0, &bad).expect("the same in both").is_err());
    }
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

#[test]
fn a_machine_serves_several_modules_and_canvases() {
    let (mut builder, region) = small_pages();
    let put = command(&mut builder, "put", 2, |function, given| {
        let page = function.touch(region, given[0], Access::Write, 256);
        function.store(page, 8, given[1]);
        given[1]
    });
    let verified = builder.verified().expect("a module that verifies");
    let mut first = Twins::of(&verified, Sabotage::None);
    let mut second = Twins::of(&verified, Sabotage::None);
    for round in 0..10 {
        std::mem::swap(&mut first.machine, &mut second.machine);
        first.run(put, &words(&[round, round + 5]));
        second.run(put, &words(&[round + 1, 5]));
    }
    let frame = first
        .native
        .canvas
        .touch(899, 3, CanvasAccess::Read)
        .expect("a page");
    assert_eq!(first.native.canvas.bytes(&frame)[8], 8);
}

#[test]
fn listings_name_the_function() {
    let (mut builder, region) = small_pages();
    command(&mut builder, "put", 2, |function, given| {
        let page = function.touch(region, given[0], Access::Write, 256);
        function.store(page, 8, given[1]);
        given[1]
    });
    let verified = builder.verified().expect("a module that verifies");
    let listing =
        crate::disassemble(&verified, rc_bytecode::instr::CommandIndex(0)).expect("a listing");
    assert!(
        listing.contains("put") && listing.contains("block0"),
        "{listing}"
    );
    assert!(crate::disassemble(&verified, rc_bytecode::instr::CommandIndex(9)).is_err());
}

#[test]
fn types_have_their_machine_form() {
    let region = RegionIndex(0);
    assert!(crate::translate::is_located(Type::View(View {
        space: Space::Page(region),
        length: 8,
        writable: true
    })));
    assert!(!crate::translate::is_located(Type::View(View {
        space: Space::Page(region),
        length: 8,
        writable: false
    })));
    assert!(!crate::translate::is_located(Type::View(View {
        space: Space::Frame,
        length: 8,
        writable: true
    })));
}
