//! What crosses the machine's border: events, arguments, results, listings, several modules in one machine.

use super::*;

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
