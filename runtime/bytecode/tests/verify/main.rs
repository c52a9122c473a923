//! What the verifier accepts and what it refuses, a rule each: a module that verifies, changed in one place.

mod flow;
mod interface;
#[path = "../ledger/mod.rs"]
mod ledger;
mod operands;

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
