//! Paths through the code: registers before they are read, every path's end, depth of calls, undo.

use super::*;

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
