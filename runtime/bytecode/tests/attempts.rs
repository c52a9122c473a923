//! What the verifier asks of `attempt`: how deep, of what, with room for which failure, and when a journal is needed.

use rc_bytecode::builder::{FunctionBuilder, ModuleBuilder, record};
use rc_bytecode::instr::*;
use rc_bytecode::interface::CommandKind;
use rc_bytecode::layout::{Shape, Sum};
use rc_bytecode::module::Function;
use rc_bytecode::verify::{InterfaceError, Reason, TypeError, Verified, VerifyError};

/// `attempt` of a function without parameters, with `bytes` for a failure's fields.
fn attempt(function: &mut FunctionBuilder, callee: u32, bytes: u32) {
    let failure = function.slot(bytes);
    let status = function.reg(Scalar::U32);
    function.emit(Instr::Attempt {
        function: FunctionIndex(callee),
        arguments: vec![],
        failure,
        status,
    });
}

fn attempting(callee: u32, bytes: u32) -> Function {
    let mut function = FunctionBuilder::new("attempting");
    attempt(&mut function, callee, bytes);
    function.give(&[]);
    function.finish()
}

/// A module whose error has a variant of 16 bytes, with these functions.
fn with(functions: Vec<Function>) -> Result<Verified, VerifyError> {
    let mut module = ModuleBuilder::new();
    module.region("rows", true, 4);
    let shape = Shape::Scalar(Scalar::U64);
    let rich = record("Rich", &[("a", shape.clone()), ("b", shape)]);
    module.module.interface.errors.push(Sum {
        name: "Trouble".into(),
        variants: vec![record("Plain", &[]), rich],
    });
    for function in functions {
        module.function(function);
    }
    module.verified()
}

/// Fails with variant 0 of the error, before or after a store to a page.
fn failing(stores: bool) -> Function {
    let mut function = FunctionBuilder::new("failing");
    if stores {
        let page = function.constant(Scalar::U64, 0);
        let view = function.touch(RegionIndex(0), page, Access::Write, 1 << 14);
        function.store(view, 0, page);
    }
    function.emit(Instr::Fail {
        failure: Failure::Declared {
            error: 0,
            variant: 0,
        },
        payload: None,
    });
    function.finish()
}

fn reason(refused: Result<Verified, VerifyError>) -> Reason {
    refused.expect_err("it must be refused").reason
}

#[test]
fn attempts_nest_to_a_bound() {
    let chain = |depth: u32| {
        let mut functions = vec![failing(false)];
        functions.extend((0..depth).map(|below| attempting(below, 16)));
        with(functions)
    };
    assert!(chain(16).is_ok());
    let Reason::Limit(limit) = reason(chain(17)) else {
        panic!("not a limit");
    };
    assert_eq!((limit.found, limit.allowed), (17, 16));
}

#[test]
fn the_failure_fits_its_place() {
    // Any variant of an error that may be raised, not the one that is.
    assert!(with(vec![failing(false), attempting(0, 16)]).is_ok());
    assert_eq!(
        reason(with(vec![failing(false), attempting(0, 8)])),
        Reason::Type(TypeError::OutOfView { end: 16, length: 8 })
    );
    // What was caught below needs no place above.
    assert!(with(vec![failing(false), attempting(0, 16), attempting(1, 0)]).is_ok());
}

#[test]
fn only_plain_functions_without_results_are_attempted() {
    let mut maybe = FunctionBuilder::new("maybe").maybe();
    maybe.emit(Instr::ReturnNone);
    assert_eq!(
        reason(with(vec![maybe.finish(), attempting(0, 0)])),
        Reason::Type(TypeError::Otherwise)
    );
    let mut test = FunctionBuilder::new("test").test();
    test.give(&[]);
    let mut attempting_test = FunctionBuilder::new("test").test();
    attempt(&mut attempting_test, 0, 0);
    attempting_test.give(&[]);
    assert_eq!(
        reason(with(vec![test.finish(), attempting_test.finish()])),
        Reason::Type(TypeError::AttemptOfTest)
    );
}

#[test]
fn a_journal_is_needed_where_an_attempt_may_take_something_back() {
    let undo_free = |stores| {
        let mut module = ModuleBuilder::new();
        module.region("rows", true, 4);
        module.module.interface.errors.push(Sum {
            name: "Trouble".into(),
            variants: vec![record("Plain", &[])],
        });
        module.function(failing(stores));
        let mut entry = FunctionBuilder::entry("go@1", 0, 0);
        attempt(&mut entry, 0, 0);
        entry.give(&[]);
        let entry = module.function(entry.finish());
        // It declares no failure: those of what it attempts stay inside.
        module.command("go", CommandKind::Command, &[], None, entry);
        let verified = module.verified().expect("it verifies");
        assert!(!verified.effects(entry).may_fail);
        verified.module().interface.commands[0].undo_free
    };
    assert!(undo_free(false));
    assert!(!undo_free(true));
}

#[test]
fn only_reports_come_to_loops_without_a_bound() {
    let verified = |kind| {
        let mut module = ModuleBuilder::new();
        let mut scan = FunctionBuilder::new("scan");
        let body = scan.body(|body| body.emit(Instr::Break { depth: 0 }));
        scan.emit(Instr::LoopUnbounded { body });
        scan.give(&[]);
        module.function(scan.finish());
        let mut entry = FunctionBuilder::entry("go@1", 0, 0);
        attempt(&mut entry, 0, 0);
        entry.give(&[]);
        let entry = module.function(entry.finish());
        module.command("go", kind, &[], None, entry);
        module.verified()
    };
    let report = verified(CommandKind::Report).expect("a report may");
    assert_eq!(report.module().interface.commands[0].cost.steps, u64::MAX);
    for kind in [CommandKind::Command, CommandKind::Query] {
        assert_eq!(
            reason(verified(kind)),
            Reason::Interface(InterfaceError::Unbounded)
        );
    }
}
