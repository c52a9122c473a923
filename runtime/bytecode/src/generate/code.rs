//! Random code of one function. It keeps, for the place where it writes, which registers are assigned there; what
//! a nested body assigns is forgotten at its end, but for values that all arms were made to give.

use super::{Options, Random};
use crate::builder::FunctionBuilder;
use crate::instr::*;
use crate::layout::{Record, Shape, Shapes};
use crate::module::{Function, Module};

pub(super) const SCALARS: [Scalar; 12] = {
    use Scalar::*;
    [Bool, U8, U16, U32, U64, U128, I8, I16, I32, I64, I128, F64]
};
const NESTED_MAX: usize = 5;

pub(super) struct Code<'a> {
    pub(super) random: &'a mut Random,
    pub(super) module: &'a Module,
    pub(super) options: Options,
    /// How often something that may fail is done where something safe could be, in percent.
    pub(super) risk: u64,
    pub(super) read_only: bool,
    /// Whether each function below may write or emit.
    pub(super) changing: &'a [bool],
    pub(super) builder: FunctionBuilder,
    /// Assigned here, and free to be assigned again.
    pub(super) scalars: Vec<(Register, Scalar)>,
    pub(super) views: Vec<(Register, View)>,
    /// Open labels, innermost last: whether a loop.
    pub(super) labels: Vec<bool>,
    pub(super) nested: usize,
    /// How often what is written now may run.
    pub(super) repeated: u64,
    pub(super) steps_left: u64,
    pub(super) instructions_left: i64,
    pub(super) results: Vec<Type>,
    pub(super) maybe: bool,
    /// An entry's result record, stored before every return.
    pub(super) result_record: Option<Vec<(u32, Scalar)>>,
}

impl<'a> Code<'a> {
    pub fn new(
        random: &'a mut Random,
        module: &'a Module,
        options: Options,
        risk: u64,
        read_only: bool,
        changing: &'a [bool],
    ) -> Code<'a> {
        Code {
            random,
            module,
            options,
            risk,
            read_only,
            changing,
            builder: FunctionBuilder::new(""),
            scalars: Vec::new(),
            views: Vec::new(),
            labels: Vec::new(),
            nested: 0,
            repeated: 1,
            steps_left: options.steps_max,
            instructions_left: i64::from(options.instructions_max),
            results: Vec::new(),
            maybe: false,
            result_record: None,
        }
    }

    /// One that others call.
    pub fn function(mut self, name: &str) -> Function {
        self.builder = FunctionBuilder::new(name);
        // Some can be attempted: they answer nothing, and always.
        let attempted = self.random.percent(35);
        if !attempted && self.random.percent(60) {
            self.builder = self.builder.maybe();
            self.maybe = true;
        }
        for _ in 0..self.random.below(5) {
            if self.random.percent(60) {
                let kind = self.random.pick(&SCALARS);
                let register = self.builder.parameter(kind);
                self.scalars.push((register, kind));
            } else {
                let view = self.some_view();
                let register = self.builder.parameter(view);
                self.views.push((register, view));
            }
        }
        let results = if attempted { 0 } else { self.random.below(4) };
        for _ in 0..results {
            let view = self.some_view();
            let page = self.random.percent(25) && view.space != Space::Frame;
            let kind = if page {
                Type::View(view)
            } else {
                Type::Scalar(self.random.pick(&SCALARS))
            };
            self.builder.result(kind);
            self.results.push(kind);
        }
        self.whole()
    }

    /// A command's or a query's entry.
    pub fn entry(mut self, name: &str, arguments: &Record, result: Option<&Record>) -> Function {
        let shapes = Shapes::default();
        let fields =
            |record: &Record| -> (u32, Vec<(u32, Scalar)>) {
                let (extent, offsets) = shapes.fields_extent(record);
                let scalars = record.fields.iter().zip(offsets).filter_map(
                    |((_, shape), offset)| match shape {
                        Shape::Scalar(scalar) => Some((offset, *scalar)),
                        _ => None,
                    },
                );
                (extent.size, scalars.collect())
            };
        let (arguments_size, arguments) = fields(arguments);
        let (result_size, result) = result.map_or((0, Vec::new()), fields);
        self.builder = FunctionBuilder::entry(name, arguments_size, result_size);
        self.views
            .push((Register(0), View::frame(arguments_size, false)));
        for (offset, scalar) in arguments {
            let register = self.builder.load(Register(0), offset, scalar);
            self.scalars.push((register, scalar));
        }
        self.result_record = Some(result);
        self.whole()
    }

    /// Invokes every command once and looks at what came.
    pub fn test(mut self, name: &str) -> Function {
        self.builder = FunctionBuilder::new(name).test();
        let (roles, advance) = (
            self.builder.constant(Scalar::U64, 0),
            self.builder.constant(Scalar::I64, 1_000),
        );
        self.builder.emit(Instr::TestContext { roles, advance });
        self.builder.emit(Instr::TestCaller { caller: roles });
        let shapes = &self.module.interface.shapes;
        for (index, command) in self.module.interface.commands.iter().enumerate() {
            let sizes = command
                .result
                .as_ref()
                .map_or(0, |shape| shapes.extent(shape).size);
            let arguments = self
                .builder
                .slot(shapes.fields_extent(&command.arguments).0.size);
            let result = self.builder.slot(sizes);
            let failure = self.builder.slot(64);
            let status = self.builder.reg(Scalar::U32);
            self.builder.emit(Instr::Invoke {
                command: CommandIndex(index as u32),
                arguments,
                result,
                failure,
                status,
            });
            let most = self.builder.constant(Scalar::U32, 0x1_0002);
            let condition = self.builder.compare(CompareOp::Less, status, most);
            self.builder.emit(Instr::Assert {
                condition,
                assertion: index as u32,
                left: Some(status),
                right: Some(most),
            });
        }
        self.builder.give(&[]);
        self.builder.finish()
    }

    fn whole(mut self) -> Function {
        let count = 5 + self
            .random
            .below(u64::from(self.options.instructions_max) / 2 + 1);
        if !self.some(count) {
            self.leave();
        }
        self.builder.finish()
    }

    /// A view's type that `view` can make: 1 to 64 bytes.
    pub(super) fn some_view(&mut self) -> View {
        let length = self.random.pick(&[1, 8, 16, 24, 40, 64]);
        let writable = self.random.percent(50);
        if self.random.percent(50) {
            return View::frame(length, writable);
        }
        let region = self.random.below(self.module.regions.len() as u64) as u16;
        let may_write = self.module.regions[usize::from(region)].writable && !self.read_only;
        View::page(RegionIndex(region), length, writable && may_write)
    }

    /// About so many instructions; whether the last one diverges.
    fn some(&mut self, count: u64) -> bool {
        for _ in 0..count {
            if self.instructions_left <= 0 {
                break;
            }
            self.instructions_left -= 1;
            self.steps_left = self.steps_left.saturating_sub(8 * self.repeated);
            if self.one() {
                return true;
            }
        }
        false
    }

    /// A body of its own: whether it diverges.
    pub(super) fn nested(
        &mut self,
        count: u64,
        repeated: u64,
        before: impl FnOnce(&mut Self),
        after: impl FnOnce(&mut Self),
    ) -> (Body, bool) {
        let (scalars, views, times) = (self.scalars.len(), self.views.len(), self.repeated);
        self.nested += 1;
        self.repeated *= repeated;
        let kept = (self.scalars.clone(), self.views.clone());
        let mut diverges = false;
        // The builder cannot be borrowed twice: the body is opened and closed by hand.
        let mut builder = std::mem::replace(&mut self.builder, FunctionBuilder::new(""));
        let body = builder.body(|inner| {
            std::mem::swap(&mut self.builder, inner);
            before(self);
            diverges = self.some(count);
            if !diverges {
                after(self);
            }
            std::mem::swap(&mut self.builder, inner);
        });
        self.builder = builder;
        self.repeated = times;
        self.nested -= 1;
        (self.scalars, self.views) = kept;
        debug_assert!(self.scalars.len() == scalars && self.views.len() == views);
        (body, diverges)
    }

    /// One step, most often one instruction; whether it diverges.
    fn one(&mut self) -> bool {
        match self.random.below(38) {
            0 | 1 => self.constant(),
            2 => self.moved(),
            3..=6 => self.binary(),
            7 => self.unary(),
            8 => self.compare(),
            9 | 10 => self.convert(),
            11 => self.select(),
            12 => self.environment(),
            13 => self.some_slot(),
            14 | 15 => self.some_touch(),
            16 | 17 => self.narrow(),
            18 | 19 => self.load(),
            20..=22 => self.store(),
            23 | 24 => self.bulk(),
            25 => self.compare_bytes(),
            26 => self.emit(),
            27 if self.nested > 0 && self.random.percent(35) => {
                self.leave();
                return true;
            }
            28 if self.nested > 0 && self.random.percent(self.risk.min(20)) => {
                self.fail();
                return true;
            }
            29 | 30 => self.call(),
            34 | 35 => self.attempt(),
            36 => self.rounded(),
            37 => self.sha256(),
            27 | 28 | 31..=33 if self.nested < NESTED_MAX => return self.control(),
            _ => self.constant(),
        }
        false
    }
}
