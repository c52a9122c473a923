//! Bulk reads, stores, copies and moves of every length, in both spaces, overlapping too.

use super::*;

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
