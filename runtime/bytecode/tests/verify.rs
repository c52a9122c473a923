//! What the verifier accepts and what it refuses, a rule each: a module that verifies, changed in one place.

mod ledger;

use ledger::{PAGE, U64, ledger};
use rc_bytecode::builder::{FunctionBuilder, ModuleBuilder, record};
use rc_bytecode::instr::*;
use rc_bytecode::interface::{Allow, CommandKind};
use rc_bytecode::layout::Shape;
use rc_bytecode::module::{Function, Module};
use rc_bytecode::verify::{
    CertificateError, FlowError, InterfaceError, Place, Reason, ShapeError, TypeError,
};
use rc_bytecode::{Cost, certify, verify};

/// The reason why the ledger is refused after a change, with right certificates.
fn refused(change: impl FnOnce(&mut Module)) -> Reason {
    let mut module = ledger();
    change(&mut module);
    verify(certify(module))
        .expect_err("it must be refused")
        .reason
}

/// The same with the certificates as they were.
fn refused_as_is(change: impl FnOnce(&mut Module)) -> Reason {
    let mut module = ledger();
    change(&mut module);
    verify(module).expect_err("it must be refused").reason
}

/// Puts code at the start of function `read`, which has a `U64` parameter in register 0, a page view in 2 and a `Bool` in 5.
fn read_starts_with(module: &mut Module, code: Vec<Instr>) -> &mut Function {
    let function = &mut module.functions[1];
    function.body.splice(0..0, code);
    function
}

fn reg(function: &mut Function, kind: impl Into<Type>) -> Register {
    function.registers.push(kind.into());
    Register(function.registers.len() as u32 - 1)
}

#[test]
fn the_ledger_verifies() {
    let module = ledger();
    assert!(
        module.interface.commands[0].undo_free,
        "all additions precede the stores"
    );
    let verified = verify(module.clone()).unwrap();
    let pay = verified.effects(FunctionIndex(0));
    assert!(pay.reads && pay.writes && pay.emits && pay.may_fail);
    let balance = verified.effects(FunctionIndex(2));
    assert!(
        balance.reads && !balance.writes && !balance.emits && balance.may_fail && balance.undo_free
    );
    assert!(!verified.has_tests());
    assert_eq!(verified.module(), &module);
}

#[test]
fn the_certificate_is_the_sum() {
    let module = ledger();
    let pay = module.interface.commands[0].cost;
    assert_eq!(
        (
            pay.pages_read,
            pay.pages_written,
            pay.bytes_written,
            pay.event_bytes,
            pay.scratch_bytes
        ),
        (1, 1, 16, 24, 8)
    );
    assert_eq!(pay.reply_bytes, 8, "the failure's payload");
    let balance = module.interface.commands[1].cost;
    assert_eq!(balance.reply_bytes, 8);
    // load, call 4 + 2, callee, otherwise, three iterations of a break and the refused start, store, return.
    let callee = module.functions[1].cost.steps;
    assert_eq!(balance.steps, 1 + 6 + callee + 1 + 3 * 2 + 1 + 1 + 1);
}

#[test]
fn certificates_must_be_exact() {
    for more in [true, false] {
        let change =
            |cost: &mut Cost| cost.steps = if more { cost.steps + 1 } else { cost.steps - 1 };
        let function = refused_as_is(|module| change(&mut module.functions[0].cost));
        assert!(
            matches!(
                function,
                Reason::Certificate(CertificateError::Wrong {
                    dimension: "steps",
                    ..
                })
            ),
            "{function}"
        );
        let command = refused_as_is(|module| change(&mut module.interface.commands[1].cost));
        assert!(
            matches!(
                command,
                Reason::Certificate(CertificateError::Wrong {
                    dimension: "steps",
                    ..
                })
            ),
            "{command}"
        );
    }
    let reply = refused_as_is(|module| module.interface.commands[1].cost.reply_bytes = 0);
    assert!(
        matches!(
            reply,
            Reason::Certificate(CertificateError::Wrong {
                dimension: "reply_bytes",
                ..
            })
        ),
        "{reply}"
    );
}

#[test]
fn ceilings_hold() {
    let endless = |max| {
        vec![Instr::Loop {
            max,
            body: vec![Instr::Block { body: vec![] }, Instr::Break { depth: 0 }],
        }]
    };
    let nested = refused(|module| {
        let inner = endless(1 << 32);
        read_starts_with(
            module,
            vec![Instr::Loop {
                max: 1 << 32,
                body: [inner, vec![Instr::Break { depth: 0 }]].concat(),
            }],
        );
    });
    assert!(
        matches!(nested, Reason::Certificate(CertificateError::Limit(_))),
        "{nested}"
    );
    let one = refused(|module| {
        read_starts_with(module, endless((1 << 32) + 1));
    });
    assert!(matches!(one, Reason::Type(TypeError::Limit(_))), "{one}");
    let slot = refused(|module| module.functions[1].slots.push((1 << 20) + 1));
    assert!(matches!(slot, Reason::Type(TypeError::Limit(_))), "{slot}");
    let scratch = refused(|module| module.functions[1].slots.extend([1 << 20; 17]));
    assert!(
        matches!(scratch, Reason::Certificate(CertificateError::Limit(_))),
        "{scratch}"
    );
    let mut deep = vec![Instr::Block { body: vec![] }];
    for _ in 0..63 {
        deep = vec![Instr::Block { body: deep }];
    }
    let nesting = refused(|module| {
        read_starts_with(module, deep.clone());
    });
    assert_eq!(nesting, Reason::Type(TypeError::Nesting));
    let mut module = ledger();
    deep = match deep.remove(0) {
        Instr::Block { body } => body,
        _ => unreachable!(),
    };
    read_starts_with(&mut module, deep);
    verify(certify(module)).unwrap();
    assert!(matches!(
        refused(|module| module.format = 2),
        Reason::Limit(_)
    ));
    assert!(matches!(
        refused(|module| module.edition = 0),
        Reason::Limit(_)
    ));
    assert!(matches!(
        refused(|module| module.page_shift = 7),
        Reason::Limit(_)
    ));
    assert!(matches!(
        refused(|module| module.page_shift = 17),
        Reason::Limit(_)
    ));
}

#[test]
fn calls_go_down_and_not_too_deep() {
    let call = |function| Instr::Call {
        function: FunctionIndex(function),
        arguments: vec![Register(0)],
        results: vec![],
        otherwise: None,
    };
    for function in [1, 2, 9] {
        let reason = refused(|module| {
            read_starts_with(module, vec![call(function)]);
        });
        assert_eq!(reason, Reason::Type(TypeError::CallNotLower(function)));
    }
    let chain = |length: u32| {
        let mut module = ModuleBuilder::new();
        for index in 0..length {
            let mut function = FunctionBuilder::new("link");
            if index > 0 {
                function.emit(Instr::Call {
                    function: FunctionIndex(index - 1),
                    arguments: vec![],
                    results: vec![],
                    otherwise: None,
                });
            }
            function.give(&[]);
            module.function(function.finish());
        }
        module.verified()
    };
    chain(64).unwrap();
    assert_eq!(
        chain(65).unwrap_err().reason,
        Reason::Type(TypeError::CallsTooDeep)
    );
}

#[test]
fn registers_are_assigned_before_they_are_read() {
    let reason = |code: &dyn Fn(Register, Register) -> Vec<Instr>| {
        let mut module = ledger();
        let function = &mut module.functions[1];
        let (value, condition) = (reg(function, Scalar::U64), reg(function, Scalar::Bool));
        let set = vec![Instr::Const {
            dst: condition,
            bits: 1,
        }];
        read_starts_with(&mut module, [set, code(value, condition)].concat());
        verify(certify(module)).err().map(|error| error.reason)
    };
    let set = |dst| Instr::Const { dst, bits: 0 };
    let get = |src| Instr::Move { dst: src, src };
    let unassigned = |value: Register| Some(Reason::Flow(FlowError::NotAssigned(value.0)));
    let branch = |condition, then, otherwise| Instr::If {
        condition,
        then,
        otherwise,
    };
    let out = Instr::Break { depth: 0 };
    // One arm is not enough; both are, and so is one whose other leaves.
    let value = Register(6);
    assert_eq!(reason(&|v, _| vec![get(v)]), unassigned(value));
    assert_eq!(
        reason(&|v, c| vec![branch(c, vec![set(v)], vec![]), get(v)]),
        unassigned(value)
    );
    assert_eq!(
        reason(&|v, c| vec![branch(c, vec![set(v)], vec![set(v)]), get(v)]),
        None
    );
    assert_eq!(
        reason(&|v, c| vec![branch(c, vec![set(v)], vec![Instr::ReturnNone]), get(v)]),
        None
    );
    // A block is left by its end and by its breaks.
    let early = |v, c| {
        vec![
            Instr::Block {
                body: vec![branch(c, vec![Instr::Break { depth: 0 }], vec![]), set(v)],
            },
            get(v),
        ]
    };
    assert_eq!(reason(&early), unassigned(value));
    assert_eq!(
        reason(&|v, c| vec![
            Instr::Block {
                body: vec![set(v), branch(c, vec![out.clone()], vec![])]
            },
            get(v)
        ]),
        None
    );
    // A loop is left by its breaks alone; what an iteration assigns the next one cannot rely on.
    assert_eq!(
        reason(&|v, _| vec![
            Instr::Loop {
                max: 2,
                body: vec![set(v), out.clone()]
            },
            get(v)
        ]),
        None
    );
    let later = |v, c| {
        vec![Instr::Loop {
            max: 2,
            body: vec![branch(c, vec![out.clone()], vec![]), get(v), set(v)],
        }]
    };
    assert_eq!(reason(&later), unassigned(value));
    // A switch wants every arm, and what `otherwise` does.
    let switch = |v: Register, otherwise| Instr::Switch {
        value: Register(0),
        arms: vec![(1, vec![set(v)]), (4, vec![set(v)])],
        otherwise,
    };
    assert_eq!(
        reason(&|v, _| vec![switch(v, vec![]), get(v)]),
        unassigned(value)
    );
    assert_eq!(reason(&|v, _| vec![switch(v, vec![set(v)]), get(v)]), None);
    // A `maybe` call's results are not there in `otherwise`.
    let no_result = refused(|module| match &mut module.functions[2].body[1] {
        Instr::Call {
            otherwise, results, ..
        } => *otherwise = Some(vec![get(results[0])]),
        other => panic!("{other:?}"),
    });
    assert!(
        matches!(no_result, Reason::Flow(FlowError::NotAssigned(_))),
        "{no_result}"
    );
}

#[test]
fn every_path_leaves_and_all_code_is_reached() {
    let reason = |code: Vec<Instr>| {
        refused(|module| {
            read_starts_with(module, code);
        })
    };
    assert_eq!(
        reason(vec![Instr::ReturnNone]),
        Reason::Flow(FlowError::Unreachable)
    );
    assert_eq!(
        reason(vec![Instr::Loop {
            max: 1,
            body: vec![]
        }]),
        Reason::Flow(FlowError::Unreachable)
    );
    assert_eq!(
        reason(vec![Instr::Break { depth: 0 }]),
        Reason::Flow(FlowError::NoLabel(0))
    );
    assert_eq!(
        reason(vec![Instr::Block {
            body: vec![Instr::Break { depth: 1 }]
        }]),
        Reason::Flow(FlowError::NoLabel(1))
    );
    assert_eq!(
        reason(vec![Instr::Block {
            body: vec![Instr::Continue { depth: 0 }]
        }]),
        Reason::Flow(FlowError::NotALoop(0))
    );
    let end = refused(|module| {
        module.functions[2].body.pop();
    });
    assert_eq!(end, Reason::Flow(FlowError::FallsOffTheEnd));
    // Trimming makes it right, and keeps line numbers with their instructions.
    let mut module = ledger();
    module.files.push("ledger.rc".into());
    read_starts_with(
        &mut module,
        vec![Instr::Block {
            body: vec![
                Instr::Break { depth: 0 },
                Instr::ReturnNone,
                Instr::ReturnNone,
            ],
        }],
    );
    module.functions[1].lines = vec![(0, 0, 10), (2, 0, 11), (4, 0, 12), (5, 0, 13)];
    rc_bytecode::flow::trim_unreachable(&mut module.functions[1]);
    assert_eq!(
        module.functions[1].lines,
        vec![(0, 0, 10), (2, 0, 12), (3, 0, 13)]
    );
    verify(certify(module)).unwrap();
}

#[test]
fn views_stay_in_their_memory() {
    let with = |kind: Type, code: &dyn Fn(Register) -> Instr| {
        refused(|module| {
            let function = &mut module.functions[1];
            let register = reg(function, kind);
            // After constant and touch.
            function.body.insert(2, code(register));
        })
    };
    let whole = Register(2);
    let rows = RegionIndex(0);
    let scalar = |scalar: Scalar| Type::from(scalar);
    let out = |reason: Reason| matches!(reason, Reason::Type(TypeError::OutOfView { .. }));
    assert!(out(with(scalar(Scalar::U64), &|dst| Instr::Load {
        dst,
        view: whole,
        offset: PAGE - 7
    })));
    assert!(out(with(scalar(Scalar::U64), &|dst| Instr::Load {
        dst,
        view: whole,
        offset: u32::MAX
    })));
    assert!(out(with(View::page(rows, 8, false).into(), &|dst| {
        Instr::View {
            dst,
            src: whole,
            offset: PAGE - 7,
        }
    })));
    let at = |base, stride, count| {
        move |dst| Instr::ViewAt {
            dst,
            src: whole,
            index: Register(0),
            base,
            stride,
            count,
        }
    };
    assert!(out(with(
        View::page(rows, 8, false).into(),
        &at(0, 8, 2049)
    )));
    assert!(out(with(
        View::page(rows, 8, false).into(),
        &at(1, 8, 2048)
    )));
    assert!(out(with(
        View::page(rows, 8, false).into(),
        &at(u32::MAX, u32::MAX, u32::MAX)
    )));
    let load = |base, stride, count| {
        move |dst| Instr::LoadAt {
            dst,
            view: whole,
            index: Register(0),
            base,
            stride,
            count,
        }
    };
    assert!(out(with(scalar(Scalar::U8), &load(0, u32::MAX, 2))));
    // A readable page cannot be stored to, nor narrowed to a writable view, nor one of another region.
    let operand = |reason: Reason| matches!(reason, Reason::Type(TypeError::Operand { .. }));
    assert!(operand(with(scalar(Scalar::U64), &|_| Instr::Zero {
        view: whole
    })));
    assert!(operand(with(scalar(Scalar::U64), &|_| Instr::Store {
        view: whole,
        offset: 0,
        src: Register(0)
    })));
    assert!(operand(with(View::page(rows, 8, true).into(), &|dst| {
        Instr::View {
            dst,
            src: whole,
            offset: 0,
        }
    })));
    assert!(operand(with(
        View::page(RegionIndex(1), 8, false).into(),
        &|dst| Instr::View {
            dst,
            src: whole,
            offset: 0
        }
    )));
    assert!(operand(with(View::frame(8, false).into(), &|dst| {
        Instr::View {
            dst,
            src: whole,
            offset: 0,
        }
    })));
    // Regions must be declared, and writable where they are written.
    let touch = |region, access| {
        move |dst| Instr::Touch {
            dst,
            region: RegionIndex(region),
            page: Register(0),
            access,
        }
    };
    let read_only = with(
        View::page(RegionIndex(1), PAGE, true).into(),
        &touch(1, Access::Write),
    );
    assert_eq!(read_only, Reason::Type(TypeError::RegionReadOnly(1)));
    assert!(operand(with(
        View::page(RegionIndex(1), PAGE, false).into(),
        &touch(1, Access::Write)
    )));
    assert!(operand(with(
        View::page(rows, PAGE, true).into(),
        &touch(0, Access::Read)
    )));
    assert!(operand(with(
        View::page(rows, 8, false).into(),
        &touch(0, Access::Read)
    )));
    let unknown = with(
        View::page(RegionIndex(2), PAGE, false).into(),
        &touch(2, Access::Read),
    );
    assert!(matches!(
        unknown,
        Reason::Type(TypeError::NoSuch { what: "region", .. })
    ));
    let longer = with(View::page(rows, PAGE + 1, false).into(), &|dst| {
        Instr::View {
            dst,
            src: whole,
            offset: 0,
        }
    });
    assert!(matches!(
        longer,
        Reason::Type(TypeError::ViewTooLong { .. })
    ));
    // A slot's view would outlive its slot.
    let returned = refused(|module| module.functions[1].results[0] = View::frame(8, true).into());
    assert_eq!(returned, Reason::Type(TypeError::FrameViewReturned));
    assert!(matches!(
        with(scalar(Scalar::U64), &|dst| Instr::MatchByte {
            dst,
            view: whole,
            byte: Register(0)
        }),
        Reason::Type(TypeError::Operand { .. })
    ));
}

#[test]
fn operands_have_their_types() {
    let with = |kinds: &[Scalar], code: &dyn Fn(&[Register]) -> Instr| {
        let mut module = ledger();
        let function = &mut module.functions[1];
        let registers: Vec<Register> = kinds.iter().map(|kind| reg(function, *kind)).collect();
        let mut start: Vec<Instr> = registers
            .iter()
            .map(|dst| Instr::Const { dst: *dst, bits: 0 })
            .collect();
        start.push(code(&registers));
        read_starts_with(&mut module, start);
        verify(certify(module)).is_ok()
    };
    use Scalar::{Bool, F64, I64, U32, U64};
    let binary = |op| {
        move |r: &[Register]| Instr::Binary {
            op,
            dst: r[0],
            left: r[1],
            right: r[2],
        }
    };
    assert!(with(&[U64, U64, U64], &binary(BinaryOp::Add)));
    assert!(!with(&[U64, U64, U32], &binary(BinaryOp::Add)));
    assert!(!with(&[Bool, Bool, Bool], &binary(BinaryOp::Add)));
    assert!(with(&[F64, F64, F64], &binary(BinaryOp::Div)));
    assert!(!with(&[F64, F64, F64], &binary(BinaryOp::Rem)));
    assert!(with(&[Bool, Bool, Bool], &binary(BinaryOp::Xor)));
    assert!(!with(&[F64, F64, F64], &binary(BinaryOp::Xor)));
    let unary = |op| {
        move |r: &[Register]| Instr::Unary {
            op,
            dst: r[0],
            src: r[1],
        }
    };
    assert!(with(&[I64, I64], &unary(UnaryOp::Neg)));
    assert!(!with(&[U64, U64], &unary(UnaryOp::Neg)));
    assert!(!with(&[I64, I64], &unary(UnaryOp::CountOnes)));
    let convert = |mode| {
        move |r: &[Register]| Instr::Convert {
            mode,
            dst: r[0],
            src: r[1],
        }
    };
    assert!(with(&[U64, F64], &convert(ConvertMode::Checked)));
    assert!(!with(&[U64, F64], &convert(ConvertMode::Wrapping)));
    assert!(with(&[U64, Bool], &convert(ConvertMode::Wrapping)));
    assert!(!with(&[Bool, U64], &convert(ConvertMode::Checked)));
    assert!(!with(&[U64], &|r| Instr::If {
        condition: r[0],
        then: vec![],
        otherwise: vec![]
    }));
    assert!(!with(&[U32], &|r| Instr::Const {
        dst: r[0],
        bits: 1 << 32
    }));
    assert!(!with(&[Bool], &|r| Instr::Const { dst: r[0], bits: 2 }));
    assert!(!with(&[F64], &|r| Instr::Const {
        dst: r[0],
        bits: u128::from(f64::INFINITY.to_bits())
    }));
    let switch = |numbers: &'static [u64]| {
        move |r: &[Register]| Instr::Switch {
            value: r[0],
            arms: numbers.iter().map(|number| (*number, vec![])).collect(),
            otherwise: vec![],
        }
    };
    assert!(with(&[U32], &switch(&[0, 1, u32::MAX as u64])));
    assert!(!with(&[U32], &switch(&[0, 1 << 32])));
    assert!(!with(&[U32], &switch(&[1, 1])));
    assert!(!with(&[I64], &switch(&[1])));
    assert!(!with(&[], &|_| Instr::Move {
        dst: Register(99),
        src: Register(0)
    }));
    assert!(!with(&[], &|_| Instr::Fail {
        failure: Failure::Declared {
            error: 0,
            variant: 2
        },
        payload: None
    }));
    assert!(!with(&[], &|_| Instr::Emit {
        event: EventIndex(1),
        view: Register(0)
    }));
    assert!(!with(&[U64], &|r| Instr::Environment {
        value: Environment::Now,
        dst: r[0]
    }));
    assert!(!with(&[Bool], &|r| Instr::Assert {
        condition: r[0],
        assertion: 0,
        left: None,
        right: None
    }));
}

#[test]
fn the_interface_fits_the_code() {
    let signature = |reason| {
        matches!(
            reason,
            Reason::Interface(InterfaceError::EntrySignature { .. })
        )
    };
    assert!(signature(refused(
        |module| module.interface.commands[0].entry = FunctionIndex(2)
    )));
    assert!(signature(refused(|module| module.interface.commands[1]
        .result =
        Some(Shape::Tuple(vec![U64, U64])))));
    let no_entry = refused(|module| module.interface.commands[0].entry = FunctionIndex(3));
    assert_eq!(no_entry, Reason::Interface(InterfaceError::NoEntry(3)));
    let writes = refused(|module| module.interface.commands[0].kind = CommandKind::Query);
    assert_eq!(writes, Reason::Interface(InterfaceError::QueryChanges));
    let undeclared = refused(|module| module.interface.commands[0].fails.clear());
    assert_eq!(
        undeclared,
        Reason::Interface(InterfaceError::UndeclaredError(0))
    );
    assert_eq!(
        refused(|module| module.interface.commands[1].fails = vec![1]),
        Reason::Interface(InterfaceError::NoSuchError(1))
    );
    let role = refused(|module| module.interface.commands[0].allow = Allow::Roles(1));
    assert_eq!(role, Reason::Interface(InterfaceError::NoSuchRole));
    let mut module = ledger();
    module.interface.roles = (0..64).map(|role| format!("role{role}")).collect();
    module.interface.commands[0].allow = Allow::Roles(u64::MAX);
    verify(certify(module)).unwrap();
    let taken = refused(|module| module.interface.commands[1].name = "pay".into());
    assert!(matches!(
        taken,
        Reason::Interface(InterfaceError::NameTaken(_))
    ));
}

#[test]
fn undo_is_needed_where_a_failure_may_follow_a_write() {
    // The ledger's additions precede its stores, so it is free of undo; a check behind a store is not.
    let mut module = ledger();
    assert!(
        verify(module.clone())
            .unwrap()
            .effects(FunctionIndex(0))
            .undo_free
    );
    let body = &mut module.functions[0].body;
    let (page, at) = (Register(2), body.len() - 1);
    body.insert(
        at,
        Instr::Binary {
            op: BinaryOp::Add,
            dst: page,
            left: page,
            right: page,
        },
    );
    let certified = certify(module.clone());
    assert!(!certified.interface.commands[0].undo_free);
    let mut claimed = certified;
    claimed.interface.commands[0].undo_free = true;
    assert_eq!(
        verify(claimed).unwrap_err().reason,
        Reason::Certificate(CertificateError::NotUndoFree)
    );
}

#[test]
fn shapes_are_finite() {
    let with = |shape: Shape| {
        refused(|module| {
            module
                .interface
                .shapes
                .structs
                .push(record("Node", &[("next", shape)]));
        })
    };
    let itself = Reason::Shape(ShapeError::ContainsItself);
    assert_eq!(with(Shape::Struct(0)), itself);
    assert_eq!(
        with(Shape::Optional(Box::new(Shape::List(
            Box::new(Shape::Struct(0)),
            0
        )))),
        itself
    );
    assert_eq!(
        with(Shape::Struct(1)),
        Reason::Shape(ShapeError::NoStruct(1))
    );
    assert_eq!(with(Shape::Enum(0)), Reason::Shape(ShapeError::NoEnum(0)));
    // Doubling sizes, and doubling counts of parts without size, are both refused without being walked.
    for leaf in [U64, Shape::Tuple(vec![])] {
        let reason = refused(|module| {
            for level in 0..31 {
                let below = if level == 0 {
                    leaf.clone()
                } else {
                    Shape::Struct(level - 1)
                };
                module.interface.shapes.structs.push(record(
                    &format!("S{level}"),
                    &[("left", below.clone()), ("right", below)],
                ));
            }
        });
        assert!(
            matches!(
                reason,
                Reason::Shape(ShapeError::Limit(_) | ShapeError::TooDeep)
            ),
            "{reason}"
        );
    }
    let large = refused(|module| {
        module.event("Large", Shape::Bytes(1 << 20));
    });
    assert!(matches!(large, Reason::Shape(ShapeError::Limit(_))));
}

trait AddEvent {
    fn event(&mut self, name: &str, shape: Shape);
}

impl AddEvent for Module {
    fn event(&mut self, name: &str, shape: Shape) {
        self.interface.events.push(rc_bytecode::interface::Event {
            record: record(name, &[("bytes", shape)]),
            docs: String::new(),
        });
    }
}

#[test]
fn the_error_says_where() {
    let mut module = ledger();
    let last = module.functions[1].body.len() - 1;
    module.functions[1].body[last] = Instr::Return { values: vec![] };
    let error = verify(certify(module)).unwrap_err();
    assert_eq!(
        error.place,
        Place::Function {
            index: 1,
            name: "read".into(),
            instruction: Some(5)
        }
    );
    assert_eq!(
        error.to_string(),
        "function 1 read, instruction 5: 0 values, wanted are 1"
    );
}
