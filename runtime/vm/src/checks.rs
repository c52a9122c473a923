//! Tests of the checks that a verified module never trips: each module here is wrong on purpose, and the interpreter
//! halts with the reason instead of giving a result.

use std::sync::Arc;

use rc_bytecode::Module;
use rc_bytecode::cost::Cost;
use rc_bytecode::instr::{
    Access, BinaryOp, Builtin, CommandIndex, CompareOp, Failure, FunctionIndex, Instr, RegionIndex,
    Register, Scalar, SlotIndex, Space, Type, View,
};
use rc_bytecode::interface::{Allow, Command, CommandKind};
use rc_bytecode::layout::Record;
use rc_bytecode::module::{Function, FunctionKind, Region};
use rc_canvas::{Canvas, CanvasOptions, PageShift};

use crate::interpret::{FunctionOutcome, InterpretError, Interpreter};
use crate::prepare::Prepared;
use crate::run::{Bindings, Run};

const U64: Type = Type::Scalar(Scalar::U64);
const BOOL: Type = Type::Scalar(Scalar::Bool);
const PLENTY: Cost = Cost {
    steps: 1 << 40,
    pages_read: 1 << 40,
    pages_written: 1 << 40,
    bytes_written: 1 << 40,
    event_bytes: 1 << 40,
    reply_bytes: 1 << 40,
    scratch_bytes: 1 << 40,
};

fn r(index: u32) -> Register {
    Register(index)
}

fn frame(length: u32, writable: bool) -> Type {
    Type::View(View {
        space: Space::Frame,
        length,
        writable,
    })
}

fn page(region: u16, length: u32, writable: bool) -> Type {
    Type::View(View {
        space: Space::Page(RegionIndex(region)),
        length,
        writable,
    })
}

fn function(registers: Vec<Type>, results: Vec<Type>, body: Vec<Instr>) -> Function {
    Function {
        name: "f".to_owned(),
        kind: FunctionKind::Plain,
        parameters: Vec::new(),
        results,
        maybe: false,
        registers,
        slots: vec![16],
        body,
        lines: Vec::new(),
        cost: PLENTY,
    }
}

fn module(functions: Vec<Function>) -> Module {
    let region = |name: &str, writable| Region {
        name: name.to_owned(),
        layout_hash: 0,
        writable,
        pages_max: 4,
    };
    let regions = vec![region("written", true), region("read", false)];
    Module {
        format: 1,
        edition: 1,
        page_shift: 8,
        regions,
        functions,
        ..Module::default()
    }
}

fn canvas() -> Canvas {
    let options = CanvasOptions {
        memory_bytes_max: 1 << 20,
        ..CanvasOptions::new(PageShift::SMALLEST)
    };
    let mut canvas = Canvas::new(options).expect("address space");
    for region in [7, 8] {
        canvas.create_region(region).expect("a free region");
    }
    canvas
}

/// The reason for which the last function halts. What it wrote before is gone.
fn reason(functions: Vec<Function>) -> String {
    let last = FunctionIndex(functions.len() as u32 - 1);
    let mut interpreter = Interpreter::new(Arc::new(Prepared::of_module(&module(functions))));
    let (mut canvas, mut run) = (canvas(), Run::default());
    let bindings = Bindings {
        regions: vec![7, 8],
    };
    let before = canvas.digest_pages();
    let ended = interpreter.interpret_function(&bindings, last, &[], &mut canvas, &mut run, None);
    assert_eq!((canvas.digest_pages(), run.digest), (before, 0));
    ended.expect_err("it halts").reason
}

/// Asserts that a body with these registers halts, and that the reason says so.
#[track_caller]
fn halts(registers: Vec<Type>, body: Vec<Instr>, words: &str) {
    let reason = reason(vec![function(registers, Vec::new(), body)]);
    assert!(reason.contains(words), "{reason}");
}

fn slot(dst: u32) -> Instr {
    Instr::Slot {
        dst: r(dst),
        slot: SlotIndex(0),
    }
}

fn touch(region: u16, access: Access) -> [Instr; 2] {
    let number = Instr::Const { dst: r(0), bits: 1 };
    [
        number,
        Instr::Touch {
            dst: r(1),
            region: RegionIndex(region),
            page: r(0),
            access,
        },
    ]
}

#[test]
fn unassigned_registers() {
    let add = Instr::Binary {
        op: BinaryOp::Add,
        dst: r(0),
        left: r(1),
        right: r(1),
    };
    halts(
        vec![U64, U64],
        vec![add],
        "register 1 is read before it is assigned",
    );
    halts(
        vec![U64, frame(16, true)],
        vec![Instr::Load {
            dst: r(0),
            view: r(1),
            offset: 0,
        }],
        "register 1 is read before",
    );
    halts(
        vec![U64, U64],
        vec![Instr::Move {
            dst: r(0),
            src: r(1),
        }],
        "register 1 is read before",
    );
    halts(
        vec![BOOL],
        vec![Instr::If {
            condition: r(0),
            then: Vec::new(),
            otherwise: Vec::new(),
        }],
        "register 0 is read",
    );
    // A call's registers are unassigned each time, whatever stood there before.
    let leaf = |body| function(vec![U64], Vec::new(), body);
    let call = |index| Instr::Call {
        function: FunctionIndex(index),
        arguments: Vec::new(),
        results: Vec::new(),
        otherwise: None,
    };
    let assigning = leaf(vec![Instr::Const { dst: r(0), bits: 1 }]);
    let reading = leaf(vec![Instr::Unary {
        op: rc_bytecode::instr::UnaryOp::Not,
        dst: r(0),
        src: r(0),
    }]);
    let both = function(Vec::new(), Vec::new(), vec![call(0), call(1)]);
    assert!(reason(vec![assigning, reading, both]).contains("read before"));
}

#[test]
fn kinds_and_types() {
    let load = Instr::Load {
        dst: r(0),
        view: r(0),
        offset: 0,
    };
    halts(vec![U64], vec![load], "not of the kind");
    let compare = Instr::Compare {
        op: CompareOp::Equal,
        dst: r(0),
        left: r(0),
        right: r(0),
    };
    halts(
        vec![U64],
        vec![Instr::Const { dst: r(0), bits: 1 }, compare],
        "not of the kind",
    );
    halts(
        vec![U64],
        vec![Instr::Move {
            dst: r(0),
            src: r(9),
        }],
        "not of the kind",
    );
    let float = Type::Scalar(Scalar::F64);
    let nan = Instr::Const {
        dst: r(0),
        bits: u128::from(f64::NAN.to_bits()),
    };
    halts(vec![float], vec![nan], "no value of F64");
    let add = Instr::Binary {
        op: BinaryOp::Add,
        dst: r(0),
        left: r(0),
        right: r(0),
    };
    halts(
        vec![BOOL],
        vec![Instr::Const { dst: r(0), bits: 1 }, add],
        "does not have it",
    );
}

#[test]
fn views_stay_in_bounds_and_permission() {
    let registers = || vec![U64, frame(16, true), frame(8, true), frame(16, false)];
    let first = || vec![Instr::Const { dst: r(0), bits: 5 }, slot(1)];
    let with = |more: Vec<Instr>| first().into_iter().chain(more).collect::<Vec<_>>();
    halts(
        registers(),
        with(vec![Instr::Load {
            dst: r(0),
            view: r(1),
            offset: 9,
        }]),
        "8 bytes at 9 of a view of 16",
    );
    halts(
        registers(),
        with(vec![Instr::Store {
            view: r(1),
            offset: u32::MAX,
            src: r(0),
        }]),
        "of a view of 16",
    );
    halts(
        registers(),
        with(vec![Instr::View {
            dst: r(2),
            src: r(1),
            offset: 9,
        }]),
        "8 bytes at 9",
    );
    let (base, stride, count) = (0, 8, 9);
    halts(
        registers(),
        with(vec![Instr::LoadAt {
            dst: r(0),
            view: r(1),
            index: r(0),
            base,
            stride,
            count,
        }]),
        "8 bytes at 40",
    );
    let from = [r(0), r(0), r(0)];
    let moved = Instr::MoveWithin {
        view: r(1),
        base,
        stride,
        count: 10,
        from: from[0],
        to: from[1],
        length: from[2],
    };
    halts(registers(), with(vec![moved]), "80 bytes at 0");
    let readable = vec![
        Instr::Move {
            dst: r(3),
            src: r(1),
        },
        Instr::Store {
            view: r(3),
            offset: 0,
            src: r(0),
        },
    ];
    halts(registers(), with(readable), "only readable");
    let back = vec![
        Instr::Move {
            dst: r(3),
            src: r(1),
        },
        Instr::Move {
            dst: r(1),
            src: r(3),
        },
    ];
    halts(registers(), with(back), "is declared");
    halts(vec![frame(12, true)], vec![slot(0)], "is declared");
    halts(
        vec![frame(16, true)],
        vec![Instr::Slot {
            dst: r(0),
            slot: SlotIndex(1),
        }],
        "no frame slot 1",
    );
    let compare = Instr::EqualBytes {
        dst: r(4),
        left: r(1),
        right: r(2),
    };
    let registers = vec![U64, frame(16, true), frame(8, true), frame(16, false), BOOL];
    halts(
        registers,
        with(vec![
            Instr::View {
                dst: r(2),
                src: r(1),
                offset: 0,
            },
            compare,
        ]),
        "two lengths",
    );
}

#[test]
fn regions_are_declared_bound_and_writable() {
    halts(
        vec![U64, page(1, 256, true)],
        touch(1, Access::Write).to_vec(),
        "which the module only reads",
    );
    halts(
        vec![U64, page(0, 256, true)],
        touch(2, Access::Read).to_vec(),
        "no region 2",
    );
    // The register says another region, another length, or more than was touched for.
    halts(
        vec![U64, page(1, 256, false)],
        touch(0, Access::Read).to_vec(),
        "is declared",
    );
    halts(
        vec![U64, page(0, 128, false)],
        touch(0, Access::Read).to_vec(),
        "is declared",
    );
    halts(
        vec![U64, page(0, 256, true)],
        touch(0, Access::Read).to_vec(),
        "is declared",
    );
    let mut body = touch(0, Access::Read).to_vec();
    body.push(Instr::Store {
        view: r(1),
        offset: 0,
        src: r(0),
    });
    halts(vec![U64, page(0, 256, false)], body, "only readable");
    // Written before it halts: put back (`reason` looks).
    let mut body = touch(0, Access::Write).to_vec();
    body.push(Instr::Store {
        view: r(1),
        offset: 0,
        src: r(0),
    });
    body.push(Instr::Store {
        view: r(1),
        offset: 250,
        src: r(0),
    });
    halts(vec![U64, page(0, 256, true)], body, "8 bytes at 250");
}

#[test]
fn calls_and_returns() {
    let call = |arguments: Vec<Register>, results: Vec<Register>| Instr::Call {
        function: FunctionIndex(0),
        arguments,
        results,
        otherwise: None,
    };
    let one = || {
        function(
            vec![U64],
            vec![U64],
            vec![
                Instr::Const { dst: r(0), bits: 1 },
                Instr::Return { values: vec![r(0)] },
            ],
        )
    };
    let caller = |body| function(vec![U64, U64], Vec::new(), body);
    assert!(
        reason(vec![one(), caller(vec![call(Vec::new(), Vec::new())])])
            .contains("wrong number of results")
    );
    let assigned = Instr::Const { dst: r(0), bits: 1 };
    assert!(
        reason(vec![
            one(),
            caller(vec![assigned, call(vec![r(0)], vec![r(1)])])
        ])
        .contains("number of arguments")
    );
    let ends = function(Vec::new(), vec![U64], Vec::new());
    assert!(
        reason(vec![ends, caller(vec![call(Vec::new(), vec![r(0)])])])
            .contains("wrong number of values")
    );
    let none = function(Vec::new(), Vec::new(), vec![Instr::ReturnNone]);
    assert!(
        reason(vec![none, caller(vec![call(Vec::new(), Vec::new())])]).contains("always answers")
    );
    let dangling = function(
        vec![frame(16, true)],
        vec![frame(16, true)],
        vec![slot(0), Instr::Return { values: vec![r(0)] }],
    );
    let takes = function(
        vec![frame(16, true)],
        Vec::new(),
        vec![call(Vec::new(), vec![r(0)])],
    );
    assert!(reason(vec![dangling, takes]).contains("a frame that is gone"));
    let calls_itself = function(Vec::new(), Vec::new(), vec![call(Vec::new(), Vec::new())]);
    assert!(reason(vec![calls_itself]).contains("calls in each other"));
}

#[test]
fn more_than_the_certificate() {
    let work = || {
        vec![
            Instr::Const { dst: r(0), bits: 1 },
            Instr::Const { dst: r(0), bits: 2 },
        ]
    };
    let costing = |cost| Function {
        cost,
        slots: Vec::new(),
        ..function(vec![U64], Vec::new(), work())
    };
    assert!(reason(vec![costing(Cost::steps(1))]).contains("steps 2 > 1"));
    // A callee's certificate is looked at by itself, also where it fails.
    let mut failing = costing(Cost::steps(2));
    failing.body.push(Instr::Fail {
        failure: Failure::Builtin(Builtin::Denied),
        payload: None,
    });
    let call = Instr::Call {
        function: FunctionIndex(0),
        arguments: Vec::new(),
        results: Vec::new(),
        otherwise: None,
    };
    assert!(
        reason(vec![failing, function(Vec::new(), Vec::new(), vec![call])]).contains("steps 3 > 2")
    );
    let held = Function {
        cost: Cost {
            scratch_bytes: 15,
            ..PLENTY
        },
        ..function(Vec::new(), Vec::new(), Vec::new())
    };
    assert!(reason(vec![held]).contains("scratch_bytes 16 > 15"));
    let read = Function {
        cost: Cost {
            pages_read: 0,
            ..PLENTY
        },
        ..function(
            vec![U64, page(0, 256, false)],
            Vec::new(),
            touch(0, Access::Read).to_vec(),
        )
    };
    assert!(reason(vec![read]).contains("pages_read 1 > 0"));
}

/// Runs a command without arguments that writes a page, and fails where it should.
fn command(kind: CommandKind, cost: Cost, undo_free: bool, fails: bool) -> Result<(), String> {
    let mut body = touch(0, Access::Write).to_vec();
    body[0] = Instr::Const { dst: r(2), bits: 1 };
    body[1] = Instr::Touch {
        dst: r(3),
        region: RegionIndex(0),
        page: r(2),
        access: Access::Write,
    };
    body.push(Instr::Store {
        view: r(3),
        offset: 0,
        src: r(2),
    });
    if fails {
        body.push(Instr::Fail {
            failure: Failure::Builtin(Builtin::Denied),
            payload: None,
        });
    }
    let parameters = vec![frame(0, false), frame(0, true)];
    let registers = [&parameters[..], &[U64, page(0, 256, true)]].concat();
    let entry = Function {
        parameters,
        ..function(registers, Vec::new(), body)
    };
    let mut module = module(vec![entry]);
    module.interface.commands.push(Command {
        name: "c".to_owned(),
        version: 1,
        kind,
        docs: String::new(),
        arguments: Record::default(),
        result: None,
        fails: Vec::new(),
        allow: Allow::Anyone,
        entry: FunctionIndex(0),
        cost,
        undo_free,
    });
    let mut interpreter = Interpreter::new(Arc::new(Prepared::of_module(&module)));
    let (mut canvas, mut run) = (canvas(), Run::default());
    let before = canvas.digest_pages();
    let bindings = Bindings {
        regions: vec![7, 8],
    };
    let ended = interpreter.interpret(&bindings, CommandIndex(0), &[], &mut canvas, &mut run);
    assert_eq!(canvas.digest_pages() == before, fails || ended.is_err());
    match ended {
        Ok(_) => Ok(()),
        Err(InterpretError::Halt(halt)) => Err(halt.reason),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn what_the_interface_promises() {
    assert_eq!(command(CommandKind::Command, PLENTY, false, false), Ok(()));
    assert_eq!(command(CommandKind::Command, PLENTY, false, true), Ok(()));
    assert_eq!(command(CommandKind::Command, PLENTY, true, false), Ok(()));
    let reason = command(CommandKind::Command, PLENTY, true, true).expect_err("an undo is needed");
    assert!(reason.contains("without an undo journal"), "{reason}");
    let reason = command(CommandKind::Query, PLENTY, false, false).expect_err("a query writes");
    assert!(reason.contains("only reads"), "{reason}");
    let reason = command(
        CommandKind::Command,
        Cost {
            bytes_written: 7,
            ..PLENTY
        },
        false,
        false,
    )
    .expect_err("too much");
    assert!(reason.contains("bytes_written 8 > 7"), "{reason}");
}

#[test]
fn tests_alone_reach_the_runner() {
    let assert = Instr::Assert {
        condition: r(0),
        assertion: 1,
        left: None,
        right: None,
    };
    halts(
        vec![BOOL],
        vec![Instr::Const { dst: r(0), bits: 0 }, assert],
        "`Assert` outside a test",
    );
    // One that holds has nobody to tell.
    let assert = Instr::Assert {
        condition: r(0),
        assertion: 1,
        left: None,
        right: None,
    };
    let holding = function(
        vec![BOOL],
        Vec::new(),
        vec![Instr::Const { dst: r(0), bits: 1 }, assert],
    );
    let mut interpreter = Interpreter::new(Arc::new(Prepared::of_module(&module(vec![holding]))));
    let ended = interpreter.interpret_function(
        &Bindings::default(),
        FunctionIndex(0),
        &[],
        &mut canvas(),
        &mut Run::default(),
        None,
    );
    assert_eq!(
        ended.expect("it holds").outcome,
        FunctionOutcome::Returned(Vec::new())
    );
}
