//! Functions of kind `Test`: they invoke commands, set the scene, assert, and read pages themselves.

#[path = "support/ledger.rs"]
mod ledger;
mod support;

use ledger::{BALANCE, OPEN, PAY};
use rc_bytecode::instr::{Access, CommandIndex, CompareOp, Instr, Register, Scalar, Type};
use rc_bytecode::module::Function;
use rc_canvas::Canvas;
use rc_vm::{
    Bindings, FunctionOutcome, Halt, InterpretError, Interpreter, Outcome, Run, Shown, TestHooks,
};
use support::*;

/// Runs commands in an interpreter of its own, and notes what it is told.
struct Runner {
    interpreter: Interpreter,
    bindings: Bindings,
    run: Run,
    contexts: Vec<(u64, i64)>,
    callers: Vec<u64>,
    failed: Vec<(u32, Option<Shown>, Option<Shown>)>,
}

impl TestHooks for Runner {
    fn invoke(
        &mut self,
        canvas: &mut Canvas,
        command: CommandIndex,
        arguments: &[u8],
    ) -> Result<Outcome, Halt> {
        let executed =
            self.interpreter
                .interpret(&self.bindings, command, arguments, canvas, &mut self.run);
        executed
            .map(|executed| executed.outcome)
            .map_err(|error| match error {
                InterpretError::Halt(halt) => halt,
                other => Halt {
                    function: "runner".to_owned(),
                    reason: other.to_string(),
                },
            })
    }

    fn context(&mut self, roles: u64, advance: i64) {
        self.contexts.push((roles, advance));
    }

    fn caller(&mut self, caller: u64) {
        self.callers.push(caller);
    }

    fn assert_failed(&mut self, assertion: u32, left: Option<Shown>, right: Option<Shown>) {
        self.failed.push((assertion, left, right));
    }
}

fn runner(stage: &Stage) -> Runner {
    Runner {
        interpreter: Interpreter::new(stage.interpreter.prepared().clone()),
        bindings: stage.bindings.clone(),
        run: Run::default(),
        contexts: Vec::new(),
        callers: Vec::new(),
        failed: Vec::new(),
    }
}

/// Appends an invocation with these argument words; gives result, failure and status.
fn invoke(
    sketch: &mut Sketch,
    command: u32,
    words: &[u64],
    result_bytes: u32,
) -> (Register, Register, Register) {
    let arguments = sketch.slot(8 * words.len() as u32);
    for (word, offset) in words.iter().zip((0..).step_by(8)) {
        let src = sketch.constant(U64, u128::from(*word));
        sketch.store(arguments, offset, src);
    }
    let (result, failure) = (sketch.slot(result_bytes), sketch.slot(24));
    let status = sketch.register(U32);
    sketch.push(Instr::Invoke {
        command: CommandIndex(command),
        arguments,
        result,
        failure,
        status,
    });
    (result, failure, status)
}

fn with_test(function: Function) -> (Stage, u32) {
    let mut module = ledger::ledger(8);
    module.functions.push(function);
    let index = module.functions.len() as u32 - 1;
    (Stage::new(module), index)
}

#[test]
fn a_test_sees_results_failures_and_the_canvas() {
    let mut sketch = Sketch::new("a test", &[], &[U32, U64, U32, U64, U64, U64, U64, U64]).test();
    // Touched before anything is there: the view stays good while commands run.
    let zero = sketch.constant(U64, 0);
    let page = sketch.touch(0, zero, Access::Read, 256);
    let absent_number = sketch.constant(U64, 7);
    let absent = sketch.touch(0, absent_number, Access::Read, 256);
    let (_, _, opened) = invoke(&mut sketch, OPEN, &[1, 100], 0);
    invoke(&mut sketch, OPEN, &[2, 5], 0);
    let (result, _, _) = invoke(&mut sketch, PAY, &[1, 2, 30], 8);
    let left = sketch.load(U64, result, 0);
    let (_, failure, failed) = invoke(&mut sketch, PAY, &[2, 1, 1000], 8);
    let needed = sketch.load(U64, failure, 0);
    let available = sketch.load(U64, failure, 8);
    let behind = sketch.load(U64, failure, 16);
    let balance = sketch.load(U64, page, 16 + 8);
    let nothing = sketch.load(U64, absent, 0);
    let values = [
        opened, left, failed, needed, available, behind, balance, nothing,
    ];
    let (mut stage, index) = with_test(sketch.give(&values));
    let mut hooks = runner(&stage);
    let executed = stage.test(index, &[], Some(&mut hooks)).expect("no halt");
    let status = 0x1_0001;
    assert_eq!(
        executed.outcome,
        FunctionOutcome::Returned(vec![0, 70, status, 1000, 35, 0, 70, 0])
    );
    assert_eq!(
        stage.interpreter.prepared().tests().collect::<Vec<_>>(),
        [(rc_bytecode::instr::FunctionIndex(index), "a test")]
    );
}

#[test]
fn builtin_failures_have_numbers() {
    let mut sketch = Sketch::new("t", &[], &[U32]).test();
    let (_, _, status) = invoke(&mut sketch, BALANCE, &[100 * 16], 8);
    let (mut stage, index) = with_test(sketch.give(&[status]));
    let mut hooks = runner(&stage);
    let executed = stage.test(index, &[], Some(&mut hooks)).expect("no halt");
    assert_eq!(
        executed.outcome,
        FunctionOutcome::Returned(vec![1 + rc_bytecode::instr::Builtin::TableFull as u128])
    );
}

#[test]
fn contexts_reach_the_runner_and_an_assertion_ends_the_test() {
    let mut sketch = Sketch::new("t", &[U64], &[U64]).test();
    let roles = sketch.constant(U64, 5);
    let advance = sketch.constant(I64, -7i64 as u64 as u128);
    sketch.push(Instr::TestContext { roles, advance });
    let kind = Type::Scalar(Scalar::I8);
    let minus = sketch.constant(kind, 0xFD);
    let holds = sketch.compare(CompareOp::Equal, Register(0), roles);
    sketch.push(Instr::Assert {
        condition: holds,
        assertion: 12,
        left: Some(Register(0)),
        right: Some(minus),
    });
    sketch.push(Instr::TestContext { roles, advance });
    let (mut stage, index) = with_test(sketch.give(&[roles]));
    let mut hooks = runner(&stage);
    let executed = stage.test(index, &[4], Some(&mut hooks)).expect("no halt");
    assert_eq!(executed.outcome, FunctionOutcome::AssertionFailed);
    assert_eq!(hooks.contexts, [(5, -7)]);
    let [(12, Some(left), Some(right))] = hooks.failed[..] else {
        panic!("{:?}", hooks.failed)
    };
    assert_eq!(
        (left.to_string(), right.to_string()),
        ("4".to_owned(), "-3".to_owned())
    );
    let mut hooks = runner(&stage);
    let executed = stage.test(index, &[5], Some(&mut hooks)).expect("no halt");
    assert_eq!(executed.outcome, FunctionOutcome::Returned(vec![5]));
    assert_eq!((hooks.contexts.len(), hooks.failed.len()), (2, 0));
}

#[test]
fn a_test_without_a_runner_halts() {
    let mut sketch = Sketch::new("t", &[], &[U32]).test();
    let (_, _, status) = invoke(&mut sketch, OPEN, &[1, 2], 0);
    let (mut stage, index) = with_test(sketch.give(&[status]));
    assert!(
        stage
            .function(index, &[])
            .expect_err("no hooks")
            .reason
            .contains("outside a test")
    );
    assert_eq!(
        stage.canvas.digest_pages(),
        Stage::new(ledger::ledger(8)).canvas.digest_pages()
    );
}
