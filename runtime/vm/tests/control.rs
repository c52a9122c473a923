//! Blocks, loops, switches, calls: where the code goes on, at the bounds and one past them, and what it costs.

mod support;

use rc_bytecode::cost::Cost;
use rc_bytecode::instr::{
    BinaryOp, Builtin, CompareOp, Failure, FunctionIndex, Instr, Register, Type,
};
use rc_bytecode::module::Function;
use rc_bytecode::price;
use rc_vm::FunctionOutcome;
use support::*;

/// How often a loop of `max` runs that leaves when it has counted to its argument.
fn counting(max: u64) -> Function {
    let mut sketch = Sketch::new("counting", &[U64], &[U64]);
    let one = sketch.constant(U64, 1);
    let counted = sketch.constant(U64, 0);
    let before = sketch.take_body();
    let enough = sketch.compare(CompareOp::Equal, counted, Register(0));
    sketch.push(Instr::If {
        condition: enough,
        then: vec![Instr::Break { depth: 0 }],
        otherwise: Vec::new(),
    });
    sketch.push(Instr::Binary {
        op: BinaryOp::Add,
        dst: counted,
        left: counted,
        right: one,
    });
    let body = sketch.take_body();
    sketch.function.body = before;
    sketch.push(Instr::Loop { max, body });
    sketch.give(&[counted])
}

#[test]
fn a_loop_runs_to_its_bound_and_not_once_more() {
    let mut stage = stage(counting(5));
    assert_eq!(stage.values(0, &[0]), [0]);
    assert_eq!(stage.values(0, &[4]), [4], "leaves in the fifth iteration");
    assert_eq!(stage.failure(0, &[5]), BOUND, "would start the sixth");
    let mut never = support::stage(counting(0));
    assert_eq!(never.failure(0, &[0]), BOUND);
}

#[test]
fn what_a_loop_costs_is_counted_by_iteration() {
    let mut stage = stage(counting(5));
    // Two constants; three whole iterations (start, compare, if, add); one that leaves (start, compare, if, break); return.
    let executed = stage.function(0, &[3]).expect("no halt");
    assert_eq!(executed.measured, Cost::steps(2 + 3 * 4 + 4 + 1));
    // Five whole ones, and the start that is refused.
    let refused = stage.function(0, &[9]).expect("no halt");
    assert_eq!(
        refused.measured,
        Cost::steps(2 + 5 * 4 + price::LOOP_ITERATION)
    );
    // The certificate counts both arms' dearer side and the refused start.
    let module = verified(module(vec![counting(5)]));
    assert_eq!(
        module.module().functions[0].cost,
        Cost::steps(2 + 5 * 5 + 1 + 1)
    );
}

#[test]
fn break_and_continue_reach_the_loop_that_they_name() {
    // for i in 0..3 { for j in 0.. { sum += 1; if j == 1 { continue outer }; j += 1 } }; leaves at i == 3.
    let mut sketch = Sketch::new("nested", &[], &[U64, U64]);
    let [zero, one, three] = [0, 1, 3].map(|bits| sketch.constant(U64, bits));
    let [i, j, sum] = [0, 0, 0].map(|bits| sketch.constant(U64, bits));
    let before = sketch.take_body();
    sketch.push(Instr::Binary {
        op: BinaryOp::Add,
        dst: sum,
        left: sum,
        right: one,
    });
    let second = sketch.compare(CompareOp::Equal, j, one);
    sketch.push(Instr::If {
        condition: second,
        then: vec![Instr::Continue { depth: 1 }],
        otherwise: Vec::new(),
    });
    sketch.push(Instr::Binary {
        op: BinaryOp::Add,
        dst: j,
        left: j,
        right: one,
    });
    let inner = sketch.take_body();
    let done = sketch.compare(CompareOp::Equal, i, three);
    sketch.push(Instr::If {
        condition: done,
        then: vec![Instr::Break { depth: 1 }],
        otherwise: Vec::new(),
    });
    sketch.push(Instr::Binary {
        op: BinaryOp::Add,
        dst: i,
        left: i,
        right: one,
    });
    sketch.push(Instr::Move { dst: j, src: zero });
    // Two starts are exactly what one pass of the inner loop takes: its count begins anew for each pass.
    sketch.push(Instr::Loop {
        max: 2,
        body: inner,
    });
    let outer = sketch.take_body();
    sketch.function.body = before;
    sketch.push(Instr::Block {
        body: vec![Instr::Loop {
            max: 4,
            body: outer,
        }],
    });
    let mut stage = stage(sketch.give(&[i, sum]));
    assert_eq!(stage.values(0, &[]), [3, 6]);
}

#[test]
fn a_block_is_left_through_ifs_and_switches() {
    let mut sketch = Sketch::new("switch", &[U8], &[U64]);
    let answer = sketch.constant(U64, 0);
    let set = |bits| Instr::Const { dst: answer, bits };
    let arms = vec![
        (0, vec![set(10)]),
        (7, vec![set(17), Instr::Break { depth: 0 }]),
        (
            255,
            vec![
                set(20),
                Instr::Return {
                    values: vec![answer],
                },
            ],
        ),
    ];
    let switch = Instr::Switch {
        value: Register(0),
        arms,
        otherwise: vec![set(99)],
    };
    let one = sketch.constant(U64, 1);
    let add = Instr::Binary {
        op: BinaryOp::Add,
        dst: answer,
        left: answer,
        right: one,
    };
    sketch.push(Instr::Block {
        body: vec![switch, add.clone()],
    });
    sketch.push(add);
    let mut stage = stage(sketch.give(&[answer]));
    assert_eq!(stage.values(0, &[0]), [12]);
    assert_eq!(stage.values(0, &[7]), [18], "leaves the block");
    assert_eq!(stage.values(0, &[255]), [20], "leaves the function");
    assert_eq!(stage.values(0, &[8]), [101]);
}

/// Its argument halved, or nothing for odd ones.
fn halved() -> Function {
    let mut sketch = Sketch::new("halved", &[U64], &[U64]).maybe();
    let two = sketch.constant(U64, 2);
    let rest = sketch.binary(BinaryOp::Rem, Register(0), two);
    let zero = sketch.constant(U64, 0);
    let odd = sketch.compare(CompareOp::NotEqual, rest, zero);
    sketch.push(Instr::If {
        condition: odd,
        then: vec![Instr::ReturnNone],
        otherwise: Vec::new(),
    });
    let half = sketch.binary(BinaryOp::Div, Register(0), two);
    sketch.give(&[half])
}

#[test]
fn a_maybe_call_runs_otherwise_and_keeps_its_results() {
    let mut sketch = Sketch::new("caller", &[U64], &[U64, U64]);
    let half = sketch.constant(U64, 77);
    let missed = sketch.constant(U64, 0);
    sketch.push(Instr::Call {
        function: FunctionIndex(0),
        arguments: vec![Register(0)],
        results: vec![half],
        otherwise: Some(vec![Instr::Const {
            dst: missed,
            bits: 1,
        }]),
    });
    let mut stage = Stage::new(module(vec![halved(), sketch.give(&[half, missed])]));
    assert_eq!(stage.values(1, &[10]), [5, 0]);
    assert_eq!(
        stage.values(1, &[11]),
        [77, 1],
        "the result keeps what it was"
    );
    assert_eq!(
        stage.function(0, &[3]).expect("no halt").outcome,
        FunctionOutcome::ReturnedNone
    );
    // caller: two constants, the call with one argument and one result, return; callee: const, rem, const, compare, if, div, return.
    let steps = 2 + (price::CALL + 2) + 1 + (1 + price::DIVIDE + 1 + 1 + 1 + price::DIVIDE + 1);
    assert_eq!(
        stage.function(1, &[10]).expect("no halt").measured,
        Cost::steps(steps)
    );
}

#[test]
fn calls_nest_to_the_limit_and_frames_are_zero_each_time() {
    // Each function marks its own slot after it has read it, and adds what the lower one answers.
    let mut functions = Vec::new();
    for level in 0..64u32 {
        let mut sketch = Sketch::new(&format!("level{level}"), &[], &[U64]);
        let slot = sketch.slot(12);
        let mut sum = sketch.load(U64, slot, 0);
        let mark = sketch.constant(U64, 1);
        sketch.store(slot, 0, mark);
        if level > 0 {
            let below = sketch.register(U64);
            sketch.push(Instr::Call {
                function: FunctionIndex(level - 1),
                arguments: Vec::new(),
                results: vec![below],
                otherwise: None,
            });
            sum = sketch.binary(BinaryOp::Add, sum, below);
        }
        let own = sketch.load(U64, slot, 0);
        let sum = sketch.binary(BinaryOp::Add, sum, own);
        functions.push(sketch.give(&[sum]));
    }
    let mut stage = Stage::new(module(functions));
    for _ in 0..2 {
        let executed = stage.function(63, &[]).expect("no halt");
        assert_eq!(executed.outcome, FunctionOutcome::Returned(vec![64]));
        assert_eq!(executed.measured.scratch_bytes, 64 * 16);
    }
}

#[test]
fn scratch_is_the_deepest_path_and_not_the_sum() {
    let leaf = |name: &str, bytes| {
        let mut sketch = Sketch::new(name, &[], &[]);
        sketch.slot(bytes);
        sketch.give(&[])
    };
    let mut sketch = Sketch::new("root", &[], &[]);
    sketch.slot(8);
    for function in [0, 1, 0] {
        let function = FunctionIndex(function);
        sketch.push(Instr::Call {
            function,
            arguments: Vec::new(),
            results: Vec::new(),
            otherwise: None,
        });
    }
    let mut stage = Stage::new(module(vec![
        leaf("small", 16),
        leaf("large", 40),
        sketch.give(&[]),
    ]));
    assert_eq!(
        stage
            .function(2, &[])
            .expect("no halt")
            .measured
            .scratch_bytes,
        8 + 40
    );
}

#[test]
fn a_failure_ends_every_call() {
    let mut thrower = Sketch::new("thrower", &[], &[]);
    thrower.push(Instr::Fail {
        failure: Failure::Builtin(Builtin::StillReferenced),
        payload: None,
    });
    let mut sketch = Sketch::new("caller", &[], &[]);
    let call = Instr::Call {
        function: FunctionIndex(0),
        arguments: Vec::new(),
        results: Vec::new(),
        otherwise: None,
    };
    sketch.push(Instr::Loop {
        max: 3,
        body: vec![call],
    });
    let mut stage = Stage::new(module(vec![thrower.function, sketch.function]));
    assert_eq!(
        stage.failure(1, &[]),
        Failure::Builtin(Builtin::StillReferenced)
    );
}

#[test]
fn a_callee_writes_through_the_views_it_is_given() {
    let mut writer = Sketch::new("writer", &[frame(8, true), frame(8, false)], &[U64]);
    let value = writer.load(U64, Register(1), 0);
    writer.store(Register(0), 0, value);
    let again = writer.load(U64, Register(1), 0);
    let mut sketch = Sketch::new("caller", &[U64], &[U64, U64]);
    let [to, from] = [8, 8].map(|bytes| sketch.slot(bytes));
    sketch.store(from, 0, Register(0));
    let answer = sketch.register(U64);
    let (arguments, results) = (vec![to, from], vec![answer]);
    sketch.push(Instr::Call {
        function: FunctionIndex(0),
        arguments,
        results,
        otherwise: None,
    });
    let copied = sketch.load(U64, to, 0);
    let mut stage = Stage::new(module(vec![
        writer.give(&[again]),
        sketch.give(&[answer, copied]),
    ]));
    assert_eq!(stage.values(1, &[41]), [41, 41]);
}

#[test]
fn views_of_pages_can_be_returned() {
    let view = page_view(1, 256, true);
    let mut finder = Sketch::new("finder", &[U64], &[view]);
    let page = finder.touch(1, Register(0), rc_bytecode::instr::Access::Write, 256);
    let mut sketch = Sketch::new("caller", &[U64, U64], &[U64]);
    let page_register: Type = view;
    let found = sketch.register(page_register);
    let (arguments, results) = (vec![Register(0)], vec![found]);
    sketch.push(Instr::Call {
        function: FunctionIndex(0),
        arguments,
        results,
        otherwise: None,
    });
    sketch.store(found, 248, Register(1));
    let read = sketch.load(U64, found, 248);
    let mut stage = Stage::new(module(vec![finder.give(&[page]), sketch.give(&[read])]));
    assert_eq!(stage.values(1, &[3, 55]), [55]);
}
