//! Random code of one function. It keeps, for the place where it writes, which registers are assigned there; what
//! a nested body assigns is forgotten at its end, but for values that all arms were made to give.

use super::{Options, Random};
use crate::builder::FunctionBuilder;
use crate::instr::*;
use crate::layout::{Record, Shape, Shapes};
use crate::module::{Function, Module};
use crate::verify::{binary_defined, convert_defined, unary_defined};

const SCALARS: [Scalar; 12] = {
    use Scalar::*;
    [Bool, U8, U16, U32, U64, U128, I8, I16, I32, I64, I128, F64]
};
const RISKY: [BinaryOp; 7] = {
    use BinaryOp::*;
    [Add, Sub, Mul, Div, Rem, ShiftLeft, ShiftRight]
};
const SAFE: [BinaryOp; 11] = {
    use BinaryOp::*;
    [WrappingAdd, WrappingSub, WrappingMul, SaturatingAdd, SaturatingSub, SaturatingMul, Min, Max, And, Or, Xor]
};
const UNARY: [UnaryOp; 7] = {
    use UnaryOp::*;
    [Not, Neg, Abs, TrailingZeros, LeadingZeros, CountOnes, ByteSwap]
};
const COMPARE: [CompareOp; 6] = {
    use CompareOp::*;
    [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual]
};
const NESTED_MAX: usize = 5;

pub(super) struct Code<'a> {
    random: &'a mut Random,
    module: &'a Module,
    options: Options,
    /// How often something that may fail is done where something safe could be, in percent.
    risk: u64,
    read_only: bool,
    /// Whether each function below may write or emit.
    changing: &'a [bool],
    builder: FunctionBuilder,
    /// Assigned here, and free to be assigned again.
    scalars: Vec<(Register, Scalar)>,
    views: Vec<(Register, View)>,
    /// Open labels, innermost last: whether a loop.
    labels: Vec<bool>,
    nested: usize,
    /// How often what is written now may run.
    repeated: u64,
    steps_left: u64,
    instructions_left: i64,
    results: Vec<Type>,
    maybe: bool,
    /// An entry's result record, stored before every return.
    result_record: Option<Vec<(u32, Scalar)>>,
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
        if self.random.percent(40) {
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
        for _ in 0..self.random.below(4) {
            let view = self.some_view();
            let page = self.random.percent(25) && view.space != Space::Frame;
            let kind = if page { Type::View(view) } else { Type::Scalar(self.random.pick(&SCALARS)) };
            self.builder.result(kind);
            self.results.push(kind);
        }
        self.whole()
    }

    /// A command's or a query's entry.
    pub fn entry(mut self, name: &str, arguments: &Record, result: Option<&Record>) -> Function {
        let shapes = Shapes::default();
        let fields = |record: &Record| -> (u32, Vec<(u32, Scalar)>) {
            let (extent, offsets) = shapes.fields_extent(record);
            let scalars = record.fields.iter().zip(offsets).filter_map(|((_, shape), offset)| match shape {
                Shape::Scalar(scalar) => Some((offset, *scalar)),
                _ => None,
            });
            (extent.size, scalars.collect())
        };
        let (arguments_size, arguments) = fields(arguments);
        let (result_size, result) = result.map_or((0, Vec::new()), fields);
        self.builder = FunctionBuilder::entry(name, arguments_size, result_size);
        self.views.push((Register(0), View::frame(arguments_size, false)));
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
        let (roles, advance) = (self.builder.constant(Scalar::U64, 0), self.builder.constant(Scalar::I64, 1_000));
        self.builder.emit(Instr::TestContext { roles, advance });
        let shapes = &self.module.interface.shapes;
        for (index, command) in self.module.interface.commands.iter().enumerate() {
            let sizes = command.result.as_ref().map_or(0, |shape| shapes.extent(shape).size);
            let arguments = self.builder.slot(shapes.fields_extent(&command.arguments).0.size);
            let result = self.builder.slot(sizes);
            let failure = self.builder.slot(64);
            let status = self.builder.reg(Scalar::U32);
            self.builder.emit(Instr::Invoke { command: CommandIndex(index as u32), arguments, result, failure, status });
            let most = self.builder.constant(Scalar::U32, 0x1_0002);
            let condition = self.builder.compare(CompareOp::Less, status, most);
            self.builder.emit(Instr::Assert { condition, assertion: index as u32, left: Some(status), right: Some(most) });
        }
        self.builder.give(&[]);
        self.builder.finish()
    }

    fn whole(mut self) -> Function {
        let count = 5 + self.random.below(u64::from(self.options.instructions_max) / 2 + 1);
        if !self.some(count) {
            self.leave();
        }
        self.builder.finish()
    }

    /// A view's type that `view` can make: 1 to 64 bytes.
    fn some_view(&mut self) -> View {
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
    fn nested(&mut self, count: u64, repeated: u64, before: impl FnOnce(&mut Self), after: impl FnOnce(&mut Self)) -> (Body, bool) {
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
        match self.random.below(34) {
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
            27 | 28 | 31..=33 if self.nested < NESTED_MAX => return self.control(),
            _ => self.constant(),
        }
        false
    }

    // -- values ------------------------------------------------------------------------------------

    /// Where to put a value: a new register, or one that is used already.
    fn target(&mut self, kind: Scalar) -> Register {
        let used: Vec<Register> = self.scalars.iter().filter(|(_, scalar)| *scalar == kind).map(|(register, _)| *register).collect();
        if !used.is_empty() && self.random.percent(25) {
            return self.random.pick(&used);
        }
        self.builder.reg(kind)
    }

    fn known(&mut self, register: Register, kind: Scalar) {
        if !self.scalars.contains(&(register, kind)) {
            self.scalars.push((register, kind));
        }
    }

    fn bits(&mut self, kind: Scalar) -> u128 {
        match kind {
            Scalar::Bool => u128::from(self.random.below(2)),
            Scalar::F64 => {
                let value = self.random.pick(&[0.0, -0.0, 1.0, -1.5, 0.1, 1e300, -1e300, 5e-324, 4_294_967_296.0, 9.3e18]);
                u128::from(f64::to_bits(value))
            }
            integer => {
                let mask = u128::MAX >> (128 - integer.bits());
                let sign = 1u128 << (integer.bits() - 1);
                let random = u128::from(self.random.next()) << 64 | u128::from(self.random.next());
                let small = u128::from(self.random.below(10));
                mask & self.random.pick(&[small, small, small, 0u128.wrapping_sub(small), mask, sign, sign - 1, random])
            }
        }
    }

    fn constant(&mut self) {
        let kind = self.random.pick(&SCALARS);
        let bits = self.bits(kind);
        let dst = self.target(kind);
        self.builder.emit(Instr::Const { dst, bits });
        self.known(dst, kind);
    }

    /// A value of a type: one that is there, or a constant.
    fn scalar(&mut self, kind: Scalar) -> Register {
        let there: Vec<Register> = self.scalars.iter().filter(|(_, scalar)| *scalar == kind).map(|(register, _)| *register).collect();
        if !there.is_empty() && self.random.percent(85) {
            return self.random.pick(&there);
        }
        let bits = self.bits(kind);
        self.fixed(kind, bits)
    }

    fn fixed(&mut self, kind: Scalar, bits: u128) -> Register {
        let dst = self.builder.constant(kind, bits);
        self.scalars.push((dst, kind));
        dst
    }

    fn moved(&mut self) {
        if self.random.percent(70) {
            let kind = self.random.pick(&SCALARS);
            let src = self.scalar(kind);
            let dst = self.target(kind);
            self.builder.emit(Instr::Move { dst, src });
            self.known(dst, kind);
        } else {
            let view = self.some_view();
            let src = self.view(view);
            let dst_view = View { writable: view.writable && self.random.percent(50), ..view };
            let dst = self.builder.reg(dst_view);
            self.builder.emit(Instr::Move { dst, src });
            self.views.push((dst, dst_view));
        }
    }

    fn binary(&mut self) {
        let op = if self.random.percent(self.risk) { self.random.pick(&RISKY) } else { self.random.pick(&SAFE) };
        let kind = self.random.pick(&SCALARS);
        if !binary_defined(op, kind) {
            return self.constant();
        }
        let (left, mut right) = (self.scalar(kind), self.scalar(kind));
        if RISKY.contains(&op) && self.random.percent(60) {
            let small = if kind == Scalar::F64 { u128::from(2.5f64.to_bits()) } else { u128::from(1 + self.random.below(6)) };
            right = self.fixed(kind, small);
        }
        let dst = self.target(kind);
        self.builder.emit(Instr::Binary { op, dst, left, right });
        self.known(dst, kind);
    }

    fn unary(&mut self) {
        let (op, kind) = (self.random.pick(&UNARY), self.random.pick(&SCALARS));
        if !unary_defined(op, kind) {
            return self.constant();
        }
        let src = self.scalar(kind);
        let dst = self.target(kind);
        self.builder.emit(Instr::Unary { op, dst, src });
        self.known(dst, kind);
    }

    fn compare(&mut self) {
        let (op, kind) = (self.random.pick(&COMPARE), self.random.pick(&SCALARS));
        let (left, right) = (self.scalar(kind), self.scalar(kind));
        let dst = self.target(Scalar::Bool);
        self.builder.emit(Instr::Compare { op, dst, left, right });
        self.known(dst, Scalar::Bool);
    }

    fn convert(&mut self) {
        let risky = self.random.percent(self.risk);
        let mode = if risky { ConvertMode::Checked } else { self.random.pick(&[ConvertMode::Wrapping, ConvertMode::Saturating]) };
        let (from, to) = (self.random.pick(&SCALARS), self.random.pick(&SCALARS));
        // A float is reached by a conversion that cannot fail.
        let mode = if from.is_integer() && to == Scalar::F64 { ConvertMode::Checked } else { mode };
        if !convert_defined(mode, from, to) {
            return self.constant();
        }
        let src = self.scalar(from);
        let dst = self.target(to);
        self.builder.emit(Instr::Convert { mode, dst, src });
        self.known(dst, to);
    }

    fn select(&mut self) {
        let kind = self.random.pick(&SCALARS);
        let (condition, then, otherwise) = (self.scalar(Scalar::Bool), self.scalar(kind), self.scalar(kind));
        let dst = self.target(kind);
        self.builder.emit(Instr::Select { dst, condition, then, otherwise });
        self.known(dst, kind);
    }

    fn environment(&mut self) {
        let value = self.random.pick(&[Environment::Now, Environment::Random, Environment::CallerId, Environment::OpNumber]);
        let kind = if value == Environment::Now { Scalar::I64 } else { Scalar::U64 };
        let dst = self.target(kind);
        self.builder.emit(Instr::Environment { value, dst });
        self.known(dst, kind);
    }

    // -- memory ------------------------------------------------------------------------------------

    fn some_slot(&mut self) {
        let length = self.random.pick(&[1, 8, 24, 64, 100, 256]);
        let dst = self.builder.slot(length);
        self.views.push((dst, View::frame(length, true)));
    }

    /// Whole pages, few of them, so that many views are of the same one.
    fn touched(&mut self, region: RegionIndex, access: Access) -> Register {
        let capacity = self.module.regions[usize::from(region.0)].pages_max;
        let page = if self.random.percent(self.risk) {
            self.scalar(Scalar::U64)
        } else {
            let page = self.random.below(capacity);
            self.fixed(Scalar::U64, u128::from(page))
        };
        let length = 1 << self.module.page_shift;
        let dst = self.builder.touch(region, page, access, length);
        self.views.push((dst, View::page(region, length, access == Access::Write)));
        dst
    }

    fn some_touch(&mut self) {
        let region = self.random.below(self.module.regions.len() as u64) as u16;
        let writable = self.module.regions[usize::from(region)].writable && !self.read_only;
        let access = if writable && self.random.percent(70) { Access::Write } else { Access::Read };
        self.touched(RegionIndex(region), access);
    }

    /// An index that is most often below `count`.
    fn index(&mut self, count: u32) -> Register {
        if count == 0 || self.random.percent(self.risk / 2) {
            return self.scalar(Scalar::U64);
        }
        if self.random.percent(50) {
            let index = self.random.below(u64::from(count));
            return self.fixed(Scalar::U64, u128::from(index));
        }
        let (left, right) = (self.scalar(Scalar::U64), self.fixed(Scalar::U64, u128::from(count)));
        let dst = self.builder.binary(BinaryOp::Rem, left, right);
        self.scalars.push((dst, Scalar::U64));
        dst
    }

    /// Base, stride and count of an array of elements of `length` bytes within `within`; nothing where none fits.
    fn array(&mut self, within: u32, length: u32) -> Option<(u32, u32, u32)> {
        let room = within.checked_sub(length)?;
        let base = self.random.below(u64::from(room.min(16)) + 1) as u32;
        let stride = self.random.pick(&[length, length, length + 3, 1, 0]);
        let most = if stride == 0 { 5 } else { (room - base) / stride + 1 };
        Some((base, stride, 1 + self.random.below(u64::from(most.min(20))) as u32))
    }

    /// A view that is there, at least `length` bytes.
    fn there(&mut self, length: u32, writable: bool) -> Option<(Register, View)> {
        let fit = |(_, view): &&(Register, View)| view.length >= length && (view.writable || !writable);
        let there: Vec<(Register, View)> = self.views.iter().filter(fit).copied().collect();
        if there.is_empty() { None } else { Some(self.random.pick(&there)) }
    }

    /// A view of a type: a part of one that is there, or of a new slot or page.
    fn view(&mut self, wanted: View) -> Register {
        let fit = |(_, view): &&(Register, View)| {
            view.space == wanted.space && view.length >= wanted.length && (view.writable || !wanted.writable)
        };
        let there: Vec<(Register, View)> = self.views.iter().filter(fit).copied().collect();
        let (src, length) = if !there.is_empty() && self.random.percent(85) {
            let (register, view) = self.random.pick(&there);
            (register, view.length)
        } else {
            match wanted.space {
                Space::Frame => (self.builder.slot(wanted.length), wanted.length),
                Space::Page(region) => {
                    let access = if wanted.writable { Access::Write } else { Access::Read };
                    (self.touched(region, access), 1 << self.module.page_shift)
                }
            }
        };
        let dst = self.builder.reg(wanted);
        let offset = self.random.below(u64::from(length - wanted.length) + 1) as u32;
        self.builder.emit(Instr::View { dst, src, offset });
        self.views.push((dst, wanted));
        dst
    }

    fn narrow(&mut self) {
        let length = self.random.pick(&[1, 8, 16, 24, 64]);
        let Some((src, view)) = self.there(length, false) else { return self.some_slot() };
        let narrowed = View { length, writable: view.writable && self.random.percent(85), ..view };
        let dst = self.builder.reg(narrowed);
        match self.array(view.length, length).filter(|_| self.random.percent(60)) {
            Some((base, stride, count)) => {
                let index = self.index(count);
                self.builder.emit(Instr::ViewAt { dst, src, index, base, stride, count });
            }
            None => {
                let offset = self.random.below(u64::from(view.length - length) + 1) as u32;
                self.builder.emit(Instr::View { dst, src, offset });
            }
        }
        self.views.push((dst, narrowed));
    }

    fn load(&mut self) {
        let kind = self.random.pick(&SCALARS);
        if kind == Scalar::F64 && !self.options.any_floats {
            // A float that is known to be one: stored just before.
            let (src, view) = (self.scalar(Scalar::F64), self.builder.slot(8));
            self.builder.store(view, 0, src);
            let dst = self.builder.load(view, 0, Scalar::F64);
            return self.known(dst, Scalar::F64);
        }
        let Some((register, view)) = self.there(kind.size(), false) else { return self.some_slot() };
        match self.array(view.length, kind.size()).filter(|_| self.random.percent(50)) {
            Some((base, stride, count)) => {
                let index = self.index(count);
                let dst = self.target(kind);
                self.builder.emit(Instr::LoadAt { dst, view: register, index, base, stride, count });
                self.known(dst, kind);
            }
            None => {
                let offset = self.random.below(u64::from(view.length - kind.size()) + 1) as u32;
                let dst = self.target(kind);
                self.builder.emit(Instr::Load { dst, view: register, offset });
                self.known(dst, kind);
            }
        }
    }

    fn store(&mut self) {
        let kind = self.random.pick(&SCALARS);
        let Some((register, view)) = self.there(kind.size(), true) else { return self.some_slot() };
        let src = self.scalar(kind);
        match self.array(view.length, kind.size()).filter(|_| self.random.percent(50)) {
            Some((base, stride, count)) => {
                let index = self.index(count);
                self.builder.emit(Instr::StoreAt { view: register, index, base, stride, count, src });
            }
            None => {
                let offset = self.random.below(u64::from(view.length - kind.size()) + 1) as u32;
                self.builder.store(register, offset, src);
            }
        }
    }

    fn bulk(&mut self) {
        let Some((register, view)) = self.there(1, true) else { return self.some_slot() };
        match self.random.below(3) {
            0 => self.builder.emit(Instr::Zero { view: register }),
            1 => {
                let Some((src, _)) = self.there(1, false) else { return };
                self.builder.emit(Instr::Copy { dst: register, src });
            }
            _ => {
                let stride = self.random.pick(&[1, 1, 3, 8]).min(view.length);
                let base = self.random.below(u64::from(view.length - stride) + 1) as u32;
                let count = (view.length - base) / stride;
                let part = |random: &mut Random, of: u32| u128::from(random.below(u64::from(of) + 1));
                let (length, from, to) = if self.random.percent(self.risk) {
                    (self.scalar(Scalar::U64), self.scalar(Scalar::U64), self.scalar(Scalar::U64))
                } else {
                    let length = part(self.random, count);
                    let rest = count - length as u32;
                    let (from, to) = (part(self.random, rest), part(self.random, rest));
                    (self.fixed(Scalar::U64, length), self.fixed(Scalar::U64, from), self.fixed(Scalar::U64, to))
                };
                self.builder.emit(Instr::MoveWithin { view: register, base, stride, count, from, to, length });
            }
        }
    }

    fn compare_bytes(&mut self) {
        let mut view = self.some_view();
        view.writable = false;
        let (left, right) = (self.view(view), {
            let mut other = self.some_view();
            other.writable = false;
            other.length = view.length;
            self.view(other)
        });
        let kind = match self.random.below(4) {
            0 => Scalar::I64,
            1 => Scalar::Bool,
            _ => Scalar::U64,
        };
        let dst = self.target(kind);
        match kind {
            Scalar::I64 => self.builder.emit(Instr::CompareBytes { dst, left, right }),
            Scalar::Bool => self.builder.emit(Instr::EqualBytes { dst, left, right }),
            _ if self.random.percent(50) => {
                let seed = self.scalar(Scalar::U64);
                self.builder.emit(Instr::Hash { dst, view: left, seed });
            }
            _ => {
                let byte = self.scalar(Scalar::U8);
                self.builder.emit(Instr::MatchByte { dst, view: left, byte });
            }
        }
        self.known(dst, kind);
    }

    // -- effects -----------------------------------------------------------------------------------

    /// A slot with a canonical record of generated events and failures, which nothing else writes.
    fn shown(&mut self, size: u32, fields: &[(u32, Scalar)]) -> Register {
        let slot = self.builder.slot(size);
        for (offset, kind) in fields {
            let src = self.scalar(*kind);
            self.builder.store(slot, *offset, src);
        }
        slot
    }

    fn emit(&mut self) {
        if self.read_only {
            return self.constant();
        }
        if self.random.percent(60) {
            let view = self.shown(32, &[(0, Scalar::U64), (8, Scalar::Bool), (12, Scalar::I32), (16, Scalar::I128)]);
            self.builder.emit(Instr::Emit { event: EventIndex(0), view });
        } else {
            // A string of up to five letters at 0, a time at 8.
            let view = self.builder.slot(16);
            let length = self.random.below(6);
            for (offset, kind, bits) in [(0, Scalar::U16, length)].into_iter().chain((0..length).map(|at| (2 + at, Scalar::U8, 97 + at))) {
                let src = self.fixed(kind, u128::from(bits));
                self.builder.store(view, offset as u32, src);
            }
            let time = self.scalar(Scalar::I64);
            self.builder.store(view, 8, time);
            self.builder.emit(Instr::Emit { event: EventIndex(1), view });
        }
    }

    fn fail(&mut self) {
        let (failure, payload) = match self.random.below(3) {
            0 => {
                use Builtin::*;
                let all = [AlreadyExists, Overflow, DivideByZero, TableFull, TooLong, BoundExceeded, InvariantBroken, StillReferenced, Denied];
                (Failure::Builtin(self.random.pick(&all)), None)
            }
            1 => (Failure::Declared { error: 0, variant: 0 }, None),
            _ => {
                let payload = self.shown(16, &[(0, Scalar::U64), (8, Scalar::Bool), (12, Scalar::I32)]);
                (Failure::Declared { error: 0, variant: 1 }, Some(payload))
            }
        };
        self.builder.emit(Instr::Fail { failure, payload });
    }

    // -- control -----------------------------------------------------------------------------------

    /// Leaves the body: by a label where there is one, else the function.
    fn leave(&mut self) {
        if !self.labels.is_empty() && self.random.percent(70) {
            let depth = self.random.below(self.labels.len() as u64) as usize;
            let is_loop = self.labels[self.labels.len() - 1 - depth];
            let depth = depth as u32;
            // Whoever continues has no counter to stop it: few do.
            if is_loop && self.random.percent(10) {
                return self.builder.emit(Instr::Continue { depth });
            }
            return self.builder.emit(Instr::Break { depth });
        }
        if self.maybe && self.random.percent(30) {
            return self.builder.emit(Instr::ReturnNone);
        }
        if let Some(fields) = self.result_record.clone() {
            for (offset, kind) in fields {
                let src = self.scalar(kind);
                self.builder.store(Register(1), offset, src);
            }
        }
        let values: Vec<Register> = self.results.clone().into_iter().map(|kind| self.value(kind)).collect();
        self.builder.give(&values);
    }

    fn value(&mut self, kind: Type) -> Register {
        match kind {
            Type::Scalar(scalar) => self.scalar(scalar),
            Type::View(view) => self.view(view),
        }
    }

    fn call(&mut self) {
        let callable: Vec<u32> = (0..self.module.functions.len() as u32)
            .filter(|index| {
                let steps = self.module.functions[*index as usize].cost.steps.saturating_mul(self.repeated);
                steps <= self.steps_left && !(self.read_only && self.changing[*index as usize])
            })
            .collect();
        if callable.is_empty() {
            return self.compare();
        }
        let index = self.random.pick(&callable);
        let module = self.module;
        let callee = &module.functions[index as usize];
        self.steps_left -= callee.cost.steps * self.repeated;
        let arguments: Vec<Register> = callee.parameters.iter().map(|kind| self.value(*kind)).collect();
        let results: Vec<Register> = callee.results.iter().map(|kind| self.builder.reg(*kind)).collect();
        let mut given = true;
        let mut otherwise = None;
        if callee.maybe {
            // Either `otherwise` assigns the same registers, or they are not known after the call.
            given = self.random.percent(60);
            let after = |code: &mut Self| {
                if given {
                    for (dst, kind) in results.iter().zip(&callee.results) {
                        let src = code.value(*kind);
                        code.builder.emit(Instr::Move { dst: *dst, src });
                    }
                }
            };
            let count = self.random.below(3);
            otherwise = Some(self.nested(count, 1, |_| {}, after).0);
        }
        self.builder.emit(Instr::Call { function: FunctionIndex(index), arguments, results: results.clone(), otherwise });
        if given {
            for (register, kind) in results.into_iter().zip(&callee.results) {
                match kind {
                    Type::Scalar(scalar) => self.scalars.push((register, *scalar)),
                    Type::View(view) => self.views.push((register, *view)),
                }
            }
        }
    }

    /// A block, a branch, a loop or a switch; whether it diverges.
    fn control(&mut self) -> bool {
        let count = 1 + self.random.below(8);
        let kind = self.random.pick(&SCALARS);
        // What all arms give.
        let joined = self.builder.reg(kind);
        let give = |code: &mut Self| {
            let src = code.scalar(kind);
            code.builder.emit(Instr::Move { dst: joined, src });
        };
        let instr = match self.random.below(4) {
            0 => {
                self.labels.push(false);
                let (body, _) = self.nested(count, 1, give, |_| {});
                self.labels.pop();
                Instr::Block { body }
            }
            1 => {
                let condition = self.scalar(Scalar::Bool);
                let (then, _) = self.nested(count, 1, |_| {}, give);
                let (otherwise, _) = self.nested(count / 2, 1, |_| {}, give);
                Instr::If { condition, then, otherwise }
            }
            2 => {
                let value = self.random.pick(&[Scalar::U8, Scalar::U16, Scalar::U32, Scalar::U64]);
                let value = self.scalar(value);
                let mut arms = Vec::new();
                let mut number = self.random.below(2);
                for _ in 0..self.random.below(5) {
                    arms.push((number, self.nested(count / 2, 1, |_| {}, give).0));
                    number += self.random.pick(&[1, 1, 1, 5, 40]);
                }
                let (otherwise, _) = self.nested(count / 2, 1, |_| {}, give);
                Instr::Switch { value, arms, otherwise }
            }
            _ => return self.counted(count, joined, kind),
        };
        let diverges = crate::flow::diverges_within(&instr, self.labels.len());
        self.builder.emit(instr);
        if !diverges {
            self.scalars.push((joined, kind));
        }
        diverges
    }

    /// A loop that counts to at most its bound, or beyond it where risk is taken.
    fn counted(&mut self, count: u64, joined: Register, kind: Scalar) -> bool {
        let max = 1 + self.random.below(6);
        if self.steps_left < max * self.repeated * 200 {
            self.constant();
            return false;
        }
        let times = if self.random.percent(self.risk / 2) { max + 1 } else { self.random.below(max) };
        let counter = self.builder.constant(Scalar::U64, 0);
        let end = self.builder.constant(Scalar::U64, u128::from(times));
        let one = self.builder.constant(Scalar::U64, 1);
        self.labels.push(true);
        let head = |code: &mut Self| {
            let src = code.scalar(kind);
            code.builder.emit(Instr::Move { dst: joined, src });
            let done = code.builder.compare(CompareOp::GreaterOrEqual, counter, end);
            code.builder.branch(done, |body| body.emit(Instr::Break { depth: 0 }), |_| {});
            // Counted at the start, so that whoever continues has counted.
            code.builder.emit(Instr::Binary { op: BinaryOp::Add, dst: counter, left: counter, right: one });
        };
        let tail = |code: &mut Self| {
            if code.random.percent(30) {
                code.builder.emit(Instr::Continue { depth: 0 });
            }
        };
        let (body, _) = self.nested(count, max, head, tail);
        self.labels.pop();
        self.builder.emit(Instr::Loop { max, body });
        self.scalars.push((joined, kind));
        false
    }
}
