//! Random modules that always verify, for differential tests of the engines and for fuzzing what stands behind
//! the verifier. Every instruction occurs; loops, switches, `maybe` calls, several views of one row, bulk
//! moves that overlap, failures in the middle of writing.
//!
//! Always true: values that leave (results, events, payloads) are canonical, so they can be packed; a run
//! takes at most [`Options::steps_max`] steps or little more; the same seed and options give the same module.

mod code;
mod control;
mod coverage;
mod memory;
mod random;
mod values;

pub use coverage::Coverage;
pub use random::Random;

use crate::builder::{FunctionBuilder, ModuleBuilder, record};
use crate::cost::Cost;
use crate::instr::{Access, BinaryOp, CompareOp, Instr, RegionIndex, Register, Scalar};
use crate::interface::CommandKind;
use crate::layout::{Record, Shape, Sum};
use crate::limits::PAGE_SHIFT_MIN;
use crate::module::{Function, Module};
use code::Code;

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Page size as a power of two. Small pages make collisions of rows likely.
    pub page_shift: u8,
    /// Functions that are called by others, at most.
    pub functions_max: u32,
    /// Commands and queries, at least 1.
    pub commands_max: u32,
    /// Instructions of a function, about.
    pub instructions_max: u32,
    /// Proven steps of one function, about.
    pub steps_max: u64,
    /// Whether floats are loaded from any bytes, NaN among them.
    pub any_floats: bool,
    /// Whether a function of kind `Test` is made too, the last one.
    pub tests: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            page_shift: PAGE_SHIFT_MIN,
            functions_max: 4,
            commands_max: 3,
            instructions_max: 60,
            steps_max: 100_000,
            any_floats: false,
            tests: false,
        }
    }
}

/// A report's entry: adds up what stands at the start of pages, in a loop without a bound.
fn report(random: &mut Random, page_shift: u8) -> Function {
    let mut function = FunctionBuilder::entry("report", 0, 8);
    let counter = function.constant(Scalar::U64, 0);
    let sum = function.constant(Scalar::U64, 0);
    let one = function.constant(Scalar::U64, 1);
    let end = function.constant(Scalar::U64, u128::from(random.below(4)));
    let add = random.pick(&[BinaryOp::Add, BinaryOp::WrappingAdd, BinaryOp::Xor]);
    let body = function.body(|body| {
        let done = body.compare(CompareOp::GreaterOrEqual, counter, end);
        body.branch(done, |body| body.emit(Instr::Break { depth: 0 }), |_| {});
        let page = body.touch(RegionIndex(0), counter, Access::Read, 1 << page_shift);
        let found = body.reg(Scalar::U64);
        body.emit(Instr::Load {
            dst: found,
            view: page,
            offset: 0,
        });
        let both = |op, dst, right| Instr::Binary {
            op,
            dst,
            left: dst,
            right,
        };
        body.emit(both(add, sum, found));
        body.emit(both(BinaryOp::Add, counter, one));
    });
    function.emit(Instr::LoopUnbounded { body });
    function.store(Register(1), 0, sum);
    function.give(&[]);
    function.finish()
}

/// A module that verifies, with certificates.
pub fn generate(seed: u64, options: Options) -> Module {
    let mut random = Random::new(seed);
    let mut module = ModuleBuilder::new();
    module.module.page_shift = options.page_shift;
    module.module.interface.package = "generated".into();
    module.region("rows", true, 4);
    module.region("index", true, 2);
    module.region("frozen", false, 3);
    let scalar = |scalar| Shape::Scalar(scalar);
    let shown = [
        ("amount", scalar(Scalar::U64)),
        ("flag", scalar(Scalar::Bool)),
        ("delta", scalar(Scalar::I32)),
        ("wide", scalar(Scalar::I128)),
    ];
    module.event("Moved", &shown);
    module.event("Noted", &[("note", Shape::String(5)), ("at", Shape::Time)]);
    let variants = vec![record("Plain", &[]), record("Rich", &shown[..3])];
    module.module.interface.errors.push(Sum {
        name: "Trouble".into(),
        variants,
    });
    // Some modules fail often, some hardly ever.
    let risk = random.pick(&[1, 3, 10, 40]);
    let mut changing = Vec::new();
    for index in 0..random.below(u64::from(options.functions_max) + 1) {
        let read_only = random.percent(30);
        let code = Code::new(
            &mut random,
            &module.module,
            options,
            risk,
            read_only,
            &changing,
        );
        let function = code.function(&format!("function{index}"));
        module.function(function);
        changing.push(!read_only);
        crate::verify::compute_costs(&mut module.module);
    }
    for index in 0..1 + random.below(u64::from(options.commands_max.max(1))) {
        let kind = if index > 0 && random.percent(30) {
            CommandKind::Query
        } else {
            CommandKind::Command
        };
        let arguments = some_record(&mut random, "arguments");
        let result = random
            .percent(80)
            .then(|| some_record(&mut random, "result"));
        let code = Code::new(
            &mut random,
            &module.module,
            options,
            risk,
            kind != CommandKind::Command,
            &changing,
        );
        let function = code.entry(&format!("command{index}"), &arguments, result.as_ref());
        let entry = module.function(function);
        changing.push(kind == CommandKind::Command);
        crate::verify::compute_costs(&mut module.module);
        let result = result.map(|result| {
            Shape::Tuple(result.fields.into_iter().map(|(_, shape)| shape).collect())
        });
        let fields: Vec<(&str, Shape)> = arguments
            .fields
            .iter()
            .map(|(name, shape)| (name.as_str(), shape.clone()))
            .collect();
        module.command(&format!("command{index}"), kind, &fields, result, entry);
    }
    if random.percent(40) {
        let entry = module.function(report(&mut random, options.page_shift));
        crate::verify::compute_costs(&mut module.module);
        let result = Some(Shape::Tuple(vec![Shape::Scalar(Scalar::U64)]));
        module.command("report", CommandKind::Report, &[], result, entry);
    }
    if options.tests {
        let code = Code::new(&mut random, &module.module, options, risk, false, &changing);
        let function = code.test("test");
        module.function(function);
    }
    let mut module = module.finish();
    // Lines, so that whoever shows them has some.
    module.files.push("generated.rc".into());
    for function in &mut module.functions {
        function.lines = (0..function.body.len().min(1))
            .map(|number| (number as u32, 0, 1))
            .collect();
        debug_assert_ne!(function.cost, Cost::ZERO);
    }
    module
}

/// Scalars only, each canonical however it was computed: no floats.
fn some_record(random: &mut Random, name: &str) -> Record {
    let kinds = [
        Scalar::U64,
        Scalar::U64,
        Scalar::U8,
        Scalar::Bool,
        Scalar::I64,
        Scalar::I16,
        Scalar::U128,
        Scalar::U32,
    ];
    let fields = (0..1 + random.below(5))
        .map(|index| (format!("{name}{index}"), Shape::Scalar(random.pick(&kinds))));
    Record {
        name: name.into(),
        fields: fields.collect(),
    }
}
