//! Memory that is no value of its type: a verified module may pack any bytes as anything, since the verifier proves memory,
//! not meaning. Always true: the command fails `BoundExceeded`, in both engines, and leaves no trace.

use rc_bytecode::builder::{FunctionBuilder, ModuleBuilder, record};
use rc_bytecode::generate::Random;
use rc_bytecode::instr::{
    Access, Builtin, CompareOp, Failure, Instr, RegionIndex, Register, Scalar, View,
};
use rc_bytecode::interface::CommandKind;
use rc_bytecode::layout::{Shape, Sum};
use rc_bytecode::verify::certify;
use rc_vm::Outcome;

use super::{Twins, words};

const WORD: Shape = Shape::Scalar(Scalar::U64);
const FLAG: Shape = Shape::Scalar(Scalar::Bool);
const FLOAT: Shape = Shape::Scalar(Scalar::F64);
const MALFORMED: Failure = Failure::Builtin(Builtin::BoundExceeded);

/// Where the bytes are packed: commands 0, 1 and 2 of every module here. Command 3 attempts what fails as 2 does, and gives the
/// status.
const RESULT: u32 = 0;
const EVENT: u32 = 1;
const FAILURE: u32 = 2;
const CAUGHT: u32 = 3;

/// Takes words, writes the first to a page, and packs their bytes as a value of the shape: as the result, as an event, as a
/// failure's payload.
fn packs(shape: &Shape) -> (ModuleBuilder, usize) {
    let mut builder = ModuleBuilder::new();
    builder.module.page_shift = 8;
    builder.module.interface.shapes.enums = vec![Sum {
        name: "Kind".into(),
        variants: vec![
            record("Nothing", &[]),
            record("Flag", &[("flag", FLAG)]),
            record("Text", &[("text", Shape::String(6))]),
        ],
    }];
    builder.module.interface.shapes.structs =
        vec![record("Pair", &[("left", WORD), ("right", FLOAT)])];
    builder.module.interface.errors = vec![Sum {
        name: "Broken".into(),
        variants: vec![record("With", &[("value", shape.clone())])],
    }];
    let region = builder.region("data", true, 4);
    let event = builder.event("Seen", &[("value", shape.clone())]);
    let size = builder.module.interface.shapes.extent(shape).size;
    let length = (size as usize).div_ceil(8);
    for (place, name) in ["result", "event", "failure"].into_iter().enumerate() {
        let given: Vec<(String, Shape)> =
            (0..length).map(|word| (format!("w{word}"), WORD)).collect();
        let given: Vec<(&str, Shape)> = given
            .iter()
            .map(|(name, shape)| (name.as_str(), shape.clone()))
            .collect();
        let bytes = 8 * length as u32;
        let result = (place as u32 == RESULT).then(|| shape.clone());
        let mut function =
            FunctionBuilder::entry(name, bytes, if result.is_some() { size } else { 0 });
        store_first(&mut function, region);
        let value = function.narrow(Register(0), 0, size);
        match place as u32 {
            RESULT => function.emit(Instr::Copy {
                dst: Register(1),
                src: value,
            }),
            EVENT => function.emit(Instr::Emit { event, view: value }),
            _ => {
                let failure = Failure::Declared {
                    error: 0,
                    variant: 0,
                };
                let payload = Some(value);
                function.emit(Instr::Fail { failure, payload });
            }
        }
        if place as u32 != FAILURE {
            function.give(&[]);
        }
        let entry = builder.function(function.finish());
        builder.command(name, CommandKind::Command, &given, result, entry);
    }
    let status = caught(&mut builder, length, size);
    assert_eq!(status, CAUGHT);
    (builder, length)
}

/// A command that attempts a function that fails with the bytes as its payload.
fn caught(builder: &mut ModuleBuilder, length: usize, size: u32) -> u32 {
    let mut callee = FunctionBuilder::new("fails");
    let payload = callee.parameter(View::frame(size, false));
    callee.emit(Instr::Fail {
        failure: Failure::Declared {
            error: 0,
            variant: 0,
        },
        payload: Some(payload),
    });
    let callee = builder.function(callee.finish());
    let mut function = FunctionBuilder::entry("caught", 8 * length as u32, 4);
    let value = function.narrow(Register(0), 0, size);
    let failure = function.slot(size);
    let status = function.reg(Scalar::U32);
    function.emit(Instr::Attempt {
        function: callee,
        arguments: vec![value],
        failure,
        status,
    });
    function.store(Register(1), 0, status);
    function.give(&[]);
    let entry = builder.function(function.finish());
    let given: Vec<(String, Shape)> = (0..length).map(|word| (format!("w{word}"), WORD)).collect();
    let given: Vec<(&str, Shape)> = given
        .iter()
        .map(|(name, shape)| (name.as_str(), shape.clone()))
        .collect();
    let result = Some(Shape::Scalar(Scalar::U32));
    builder
        .command("caught", CommandKind::Command, &given, result, entry)
        .0
}

/// What an attempt of a malformed failure gives.
fn caught_as_malformed(outcome: &Outcome) -> bool {
    *outcome == Outcome::Done(MALFORMED.status().to_le_bytes().to_vec())
}

/// A write before the packing, which a failure has to take back.
fn store_first(function: &mut FunctionBuilder, region: RegionIndex) {
    let page = function.constant(Scalar::U64, 0);
    let view = function.touch(region, page, Access::Write, 256);
    let word = function.load(Register(0), 0, Scalar::U64);
    function.store(view, 0, word);
}

fn is_malformed(outcome: &Outcome) -> bool {
    *outcome == Outcome::Failed(MALFORMED, Vec::new())
}

/// The bytes fail as a result, an event and a failure; nothing stays of the command.
fn refused(shape: &Shape, bytes: &[u8]) {
    let (builder, length) = packs(shape);
    let mut twins = Twins::new(builder.module);
    let mut padded = bytes.to_vec();
    padded.resize(8 * length, 0);
    let before = twins.reference.canvas.digest_pages();
    for place in [RESULT, EVENT, FAILURE] {
        let outcome = twins.run(place, &padded);
        assert!(
            is_malformed(&outcome),
            "{shape:?} of {bytes:?} at {place}: {outcome:?}"
        );
        assert_eq!(before, twins.native.canvas.digest_pages());
        assert!(twins.native.run.events.is_empty());
    }
    assert!(caught_as_malformed(&twins.run(CAUGHT, &padded)));
}

#[test]
fn every_malformed_kind_fails_in_both_engines_wherever_it_is_packed() {
    refused(&FLAG, &[2]);
    refused(&FLOAT, &f64::NAN.to_le_bytes());
    refused(&FLOAT, &f64::NEG_INFINITY.to_le_bytes());
    refused(&Shape::String(4), &[1, 0, 0xFF]);
    // The first bytes of a longer character.
    refused(&Shape::String(4), &[2, 0, 0xE2, 0x82, 0xAC]);
    refused(&Shape::String(4), &[5, 0, b'a', b'a', b'a', b'a']);
    refused(&Shape::Bytes(4), &[0xFF, 0xFF]);
    refused(&Shape::Optional(Box::new(WORD)), &[2]);
    refused(&Shape::Enum(0), &[3]);
    // The payload of a variant: a truth value, a length.
    refused(&Shape::Enum(0), &[1, 0, 7]);
    refused(&Shape::Enum(0), &[2, 0, 7]);
    refused(&Shape::List(Box::new(WORD), 3), &[4, 0, 0, 0]);
    refused(&Shape::List(Box::new(FLAG), 3), &[3, 0, 0, 0, 0, 1, 2]);
    let mut pair = [0; 16];
    pair[8..].copy_from_slice(&f64::INFINITY.to_le_bytes());
    refused(&Shape::Struct(0), &pair);
    refused(
        &Shape::Tuple(vec![WORD, FLAG]),
        &[0, 0, 0, 0, 0, 0, 0, 0, 9],
    );
}

/// A float that is loaded from bytes of a page that are no number.
#[test]
fn a_float_that_is_no_number_fails_where_it_is_read() {
    let mut builder = ModuleBuilder::new();
    builder.module.page_shift = 8;
    let region = builder.region("data", true, 4);
    let mut function = FunctionBuilder::entry("read", 8, 0);
    store_first(&mut function, region);
    let page = function.constant(Scalar::U64, 0);
    let view = function.touch(region, page, Access::Read, 256);
    let float = function.load(view, 0, Scalar::F64);
    let zero = function.constant(Scalar::F64, 0);
    function.compare(CompareOp::Less, float, zero);
    function.give(&[]);
    let entry = builder.function(function.finish());
    let read = builder
        .command("read", CommandKind::Command, &[("bits", WORD)], None, entry)
        .0;
    let mut twins = Twins::new(builder.module);
    let one = twins.run(read, &words(&[1f64.to_bits()]));
    assert_eq!(one, Outcome::Done(Vec::new()));
    let before = twins.native.canvas.digest_pages();
    for bits in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(f64::to_bits) {
        assert!(is_malformed(&twins.run(read, &words(&[bits]))));
        assert_eq!(before, twins.native.canvas.digest_pages());
    }
}

#[test]
fn a_command_that_writes_and_packs_what_may_be_malformed_is_not_free_of_undo() {
    let free = |shape: &Shape| {
        let certified = certify(packs(shape).0.module);
        let commands = certified.interface.commands;
        [RESULT, EVENT].map(|place| commands[place as usize].undo_free)
    };
    assert_eq!(free(&WORD), [true, true]);
    assert_eq!(free(&Shape::Tuple(vec![WORD, Shape::Time])), [true, true]);
    for checked in [FLAG, FLOAT, Shape::String(4), Shape::Enum(0)] {
        assert_eq!(free(&checked), [false, false], "{checked:?}");
    }
}

fn random_shape(random: &mut Random, depth: u32) -> Shape {
    match random.below(if depth == 0 { 6 } else { 10 }) {
        0 => WORD,
        1 => FLAG,
        2 => FLOAT,
        3 => Shape::String(1 + random.below(6) as u32),
        4 => Shape::Bytes(1 + random.below(6) as u32),
        5 => Shape::Enum(0),
        6 => Shape::Struct(0),
        7 => Shape::Optional(Box::new(random_shape(random, depth - 1))),
        8 => Shape::List(
            Box::new(random_shape(random, depth - 1)),
            1 + random.below(3) as u32,
        ),
        _ => Shape::Tuple(vec![
            random_shape(random, depth - 1),
            random_shape(random, depth - 1),
        ]),
    }
}

#[test]
fn random_bytes_packed_as_anything_end_alike() {
    let (mut malformed, mut values) = (0, 0);
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let shape = random_shape(&mut random, 2);
        let (builder, length) = packs(&shape);
        let mut twins = Twins::new(builder.module);
        for _ in 0..24 {
            // Small bytes are tags and lengths of values often, any bytes hardly ever.
            let least = [1, 2, 4, 256][random.below(4) as usize];
            let bytes: Vec<u8> = (0..8 * length).map(|_| random.below(least) as u8).collect();
            let alone = is_malformed(&twins.run(FAILURE, &bytes));
            assert_eq!(alone, caught_as_malformed(&twins.run(CAUGHT, &bytes)));
            for place in [RESULT, EVENT, FAILURE] {
                match is_malformed(&twins.run(place, &bytes)) {
                    true => malformed += 1,
                    false => values += 1,
                }
            }
        }
    }
    assert!(
        malformed > 1_000 && values > 1_000,
        "{malformed} malformed, {values} values"
    );
}
