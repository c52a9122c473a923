//! Types: each function's signature, registers and slots, and each instruction's operands, by the table in
//! this file. Static offsets are proven to lie in their views here, in 64-bit arithmetic that cannot wrap.
//!
//! After this pass every index in the code points somewhere and nesting is bounded.

use super::shapes::Sizes;
use super::{At, LimitError, Place, VerifyError, at_most, within};
use crate::instr::{
    Access, BinaryOp, Body, ConvertMode, Environment, Failure, Instr, Register, Scalar, Space, Type, UnaryOp, View,
};
use crate::limits;
use crate::module::{Function, FunctionKind, Module};

/// What is wrong with an instruction's or a function's types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    #[error("there is no {what} {index}")]
    NoSuch { what: &'static str, index: u64 },
    #[error("register {register} is {found}, wanted is {wanted}")]
    Operand { register: u32, found: String, wanted: String },
    #[error("`{op}` is not defined on {on}")]
    Operator { op: String, on: String },
    #[error("bytes up to {end} of a view of {length} bytes")]
    OutOfView { end: u64, length: u32 },
    #[error("{found} {what}, wanted are {wanted}")]
    Count { what: &'static str, found: usize, wanted: usize },
    #[error("a constant does not fit its type")]
    Constant,
    #[error("region {0} is not writable by this module")]
    RegionReadOnly(u16),
    #[error("a view of {length} bytes, at most {most} are allowed")]
    ViewTooLong { length: u32, most: u32 },
    #[error("a result may not be a frame view: its slot is gone after the return")]
    FrameViewReturned,
    #[error("the first registers are not the parameters")]
    Parameters,
    #[error("it calls function {0}, which is not a lower one")]
    CallNotLower(u32),
    #[error("calls go more than {} deep", limits::CALL_DEPTH_MAX)]
    CallsTooDeep,
    #[error("`otherwise` must stand exactly where the called function is `maybe`")]
    Otherwise,
    #[error("`return_none` in a function that is not `maybe`")]
    ReturnNone,
    #[error("a register is given twice in the results")]
    ResultTwice,
    #[error("arms do not ascend, or are out of the value's range")]
    Arms,
    #[error("only tests may do this")]
    TestsOnly,
    #[error("a payload must be given exactly where the failure has fields")]
    Payload,
    #[error("line numbers do not ascend or point outside")]
    Lines,
    #[error("code stands more than {} deep", limits::NESTING_MAX)]
    Nesting,
    #[error(transparent)]
    Limit(#[from] LimitError),
}

/// Checks every function. Trusts: the header and the shapes.
pub fn check(module: &Module, sizes: &Sizes) -> Result<(), VerifyError> {
    let mut instructions = 0;
    // How deep calls go below each function, itself counted.
    let mut depths: Vec<usize> = Vec::with_capacity(module.functions.len());
    for (index, function) in module.functions.iter().enumerate() {
        let mut check = Check { module, sizes, function, depths: &depths, index, next: 0, at: 0, weight: 0, depth: 1 };
        let place = |instruction| Place::Function { index: index as u32, name: function.name.clone(), instruction };
        check.signature().map_err(|error| error.at(place(None)))?;
        check.body(&function.body, 1).map_err(|error| error.at(place(Some(check.at))))?;
        check.lines().map_err(|error| error.at(place(None)))?;
        instructions += check.weight;
        depths.push(check.depth);
        at_most("number of instructions in the module", instructions, limits::INSTRUCTIONS_MAX).map_err(|error| error.at(place(None)))?;
    }
    Ok(())
}

/// Whether a value of type `have` may be used where `want` is asked for.
fn accepts(want: Type, have: Type) -> bool {
    match (want, have) {
        (Type::View(want), Type::View(have)) => {
            want.space == have.space && want.length == have.length && (have.writable || !want.writable)
        }
        (want, have) => want == have,
    }
}

struct Check<'a> {
    module: &'a Module,
    sizes: &'a Sizes,
    function: &'a Function,
    depths: &'a [usize],
    index: usize,
    /// The next instruction's number.
    next: u32,
    /// The number of the instruction that is looked at.
    at: u32,
    /// Instructions, and arms of switches.
    weight: usize,
    depth: usize,
}

impl Check<'_> {
    fn signature(&self) -> Result<(), TypeError> {
        let function = self.function;
        at_most("length of a name", function.name.len(), limits::NAME_BYTES_MAX)?;
        at_most("number of registers", function.registers.len(), limits::REGISTERS_MAX)?;
        at_most("number of results", function.results.len(), limits::REGISTERS_MAX)?;
        at_most("number of slots", function.slots.len(), limits::REGISTERS_MAX)?;
        for slot in &function.slots {
            within("size of a slot", u64::from(*slot), u64::from(limits::SLOT_BYTES_MAX))?;
        }
        if function.registers.get(..function.parameters.len()) != Some(&function.parameters[..]) {
            return Err(TypeError::Parameters);
        }
        for kind in function.registers.iter().chain(&function.results) {
            self.kind(*kind)?;
        }
        if function.results.iter().any(|result| matches!(result, Type::View(View { space: Space::Frame, .. }))) {
            return Err(TypeError::FrameViewReturned);
        }
        Ok(())
    }

    /// Whether a type may be held by a register.
    fn kind(&self, kind: Type) -> Result<(), TypeError> {
        let Type::View(view) = kind else { return Ok(()) };
        let most = match view.space {
            Space::Frame => limits::SLOT_BYTES_MAX,
            Space::Page(region) => {
                let found = self.module.regions.get(usize::from(region.0));
                let found = found.ok_or(TypeError::NoSuch { what: "region", index: u64::from(region.0) })?;
                if view.writable && !found.writable {
                    return Err(TypeError::RegionReadOnly(region.0));
                }
                1 << self.module.page_shift
            }
        };
        if view.length > most { Err(TypeError::ViewTooLong { length: view.length, most }) } else { Ok(()) }
    }

    fn lines(&self) -> Result<(), TypeError> {
        let ascending = self.function.lines.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let inside = |line: &(u32, u32, u32)| line.0 < self.next && (line.1 as usize) < self.module.files.len();
        if ascending && self.function.lines.iter().all(inside) { Ok(()) } else { Err(TypeError::Lines) }
    }

    fn body(&mut self, body: &Body, nesting: usize) -> Result<(), TypeError> {
        if nesting > limits::NESTING_MAX {
            return Err(TypeError::Nesting);
        }
        for instr in body {
            self.at = self.next;
            self.next += 1;
            self.weigh(1)?;
            self.instr(instr)?;
            if let Instr::Switch { arms, .. } = instr {
                self.weigh(arms.len())?;
            }
            for body in instr.bodies() {
                self.body(body, nesting + 1)?;
            }
        }
        Ok(())
    }

    fn weigh(&mut self, more: usize) -> Result<(), TypeError> {
        self.weight += more;
        Ok(at_most("number of instructions and arms", self.weight, limits::INSTRUCTIONS_PER_FUNCTION_MAX)?)
    }

    fn instr(&mut self, instr: &Instr) -> Result<(), TypeError> {
        match instr {
            Instr::Const { dst, bits } => constant(self.scalar(*dst)?, *bits),
            Instr::Move { dst, src } => {
                let dst = self.kind_of(*dst)?;
                self.accepted(*src, dst)
            }
            Instr::Binary { op, dst, left, right } => {
                let scalar = self.scalar(*dst)?;
                self.exact(*left, scalar)?;
                self.exact(*right, scalar)?;
                defined(binary_defined(*op, scalar), format!("{op:?}"), scalar)
            }
            Instr::Unary { op, dst, src } => {
                let scalar = self.scalar(*dst)?;
                self.exact(*src, scalar)?;
                defined(unary_defined(*op, scalar), format!("{op:?}"), scalar)
            }
            Instr::Compare { op: _, dst, left, right } => {
                let scalar = self.scalar(*left)?;
                self.exact(*right, scalar)?;
                self.exact(*dst, Scalar::Bool)
            }
            Instr::Convert { mode, dst, src } => {
                let (from, to) = (self.scalar(*src)?, self.scalar(*dst)?);
                defined(convert_defined(*mode, from, to), format!("Convert {mode:?} to {to:?}"), from)
            }
            Instr::Select { dst, condition, then, otherwise } => {
                let scalar = self.scalar(*dst)?;
                self.exact(*condition, Scalar::Bool)?;
                self.exact(*then, scalar)?;
                self.exact(*otherwise, scalar)
            }
            Instr::Environment { value, dst } => self.exact(
                *dst,
                match value {
                    Environment::Now => Scalar::I64,
                    Environment::Random | Environment::CallerId | Environment::OpNumber => Scalar::U64,
                },
            ),
            Instr::Slot { dst, slot } => {
                let slots = &self.function.slots;
                let length = *slots.get(slot.0 as usize).ok_or(TypeError::NoSuch { what: "slot", index: u64::from(slot.0) })?;
                self.exactly(*dst, Type::View(View { space: Space::Frame, length, writable: true }))
            }
            Instr::Touch { dst, region, page, access } => {
                if usize::from(region.0) >= self.module.regions.len() {
                    return Err(TypeError::NoSuch { what: "region", index: u64::from(region.0) });
                }
                self.exact(*page, Scalar::U64)?;
                let writable = *access == Access::Write;
                self.exactly(*dst, Type::View(View { space: Space::Page(*region), length: 1 << self.module.page_shift, writable }))
            }
            Instr::View { dst, src, offset } => {
                let (dst, whole) = (self.narrowed(*dst, *src)?, self.view(*src)?);
                inside(u64::from(*offset) + u64::from(dst.length), whole)
            }
            Instr::ViewAt { dst, src, index, base, stride, count } => {
                let (dst, whole) = (self.narrowed(*dst, *src)?, self.view(*src)?);
                self.exact(*index, Scalar::U64)?;
                element(*base, *stride, *count, dst.length, whole)
            }
            Instr::Load { dst, view, offset } => {
                let scalar = self.scalar(*dst)?;
                inside(u64::from(*offset) + u64::from(scalar.size()), self.view(*view)?)
            }
            Instr::Store { view, offset, src } => {
                let scalar = self.scalar(*src)?;
                inside(u64::from(*offset) + u64::from(scalar.size()), self.writable(*view)?)
            }
            Instr::LoadAt { dst, view, index, base, stride, count } => {
                let scalar = self.scalar(*dst)?;
                self.exact(*index, Scalar::U64)?;
                element(*base, *stride, *count, scalar.size(), self.view(*view)?)
            }
            Instr::StoreAt { view, index, base, stride, count, src } => {
                let scalar = self.scalar(*src)?;
                self.exact(*index, Scalar::U64)?;
                element(*base, *stride, *count, scalar.size(), self.writable(*view)?)
            }
            Instr::Copy { dst, src } => {
                self.writable(*dst)?;
                self.view(*src).map(|_| ())
            }
            Instr::Zero { view } => self.writable(*view).map(|_| ()),
            Instr::MoveWithin { view, base, stride, count, from, to, length } => {
                [from, to, length].into_iter().try_for_each(|register| self.exact(*register, Scalar::U64))?;
                inside(u64::from(*base) + u64::from(*count) * u64::from(*stride), self.writable(*view)?)
            }
            Instr::CompareBytes { dst, left, right } => {
                self.exact(*dst, Scalar::I64)?;
                self.same_length(*left, *right)
            }
            Instr::EqualBytes { dst, left, right } => {
                self.exact(*dst, Scalar::Bool)?;
                self.same_length(*left, *right)
            }
            Instr::Hash { dst, view, seed } => {
                self.exact(*dst, Scalar::U64)?;
                self.exact(*seed, Scalar::U64)?;
                self.view(*view).map(|_| ())
            }
            Instr::MatchByte { dst, view, byte } => {
                self.exact(*dst, Scalar::U64)?;
                self.exact(*byte, Scalar::U8)?;
                let length = self.view(*view)?.length;
                if length > 64 { Err(TypeError::ViewTooLong { length, most: 64 }) } else { Ok(()) }
            }
            Instr::Block { body: _ } | Instr::Break { depth: _ } | Instr::Continue { depth: _ } => Ok(()),
            Instr::If { condition, then: _, otherwise: _ } => self.exact(*condition, Scalar::Bool),
            Instr::Loop { max, body: _ } => Ok(within("iterations of a loop", *max, limits::LOOP_MAX)?),
            Instr::Switch { value, arms, otherwise: _ } => {
                let scalar = self.scalar(*value)?;
                let unsigned = scalar.is_integer() && !scalar.is_signed() && scalar.bits() <= 64;
                defined(unsigned, "Switch".into(), scalar)?;
                let most = u64::MAX >> (64 - scalar.bits());
                let ascending = arms.windows(2).all(|pair| pair[0].0 < pair[1].0);
                if ascending && arms.last().is_none_or(|(number, _)| *number <= most) { Ok(()) } else { Err(TypeError::Arms) }
            }
            Instr::Call { function, arguments, results, otherwise } => self.call(function.0, arguments, results, otherwise.is_some()),
            Instr::Return { values } => {
                count("values", values.len(), self.function.results.len())?;
                let results = self.function.results.iter();
                values.iter().zip(results).try_for_each(|(value, result)| self.accepted(*value, *result))
            }
            Instr::ReturnNone => if self.function.maybe { Ok(()) } else { Err(TypeError::ReturnNone) },
            Instr::Fail { failure, payload } => self.fail(*failure, *payload),
            Instr::Emit { event, view } => {
                let sizes = self.sizes.events.get(event.0 as usize);
                let size = sizes.ok_or(TypeError::NoSuch { what: "event", index: u64::from(event.0) })?;
                self.length(*view, size.memory)
            }
            Instr::Invoke { command, arguments, result, failure, status } => {
                self.tests_only()?;
                let index = command.0 as usize;
                let (of_arguments, of_result) =
                    self.sizes.commands.get(index).ok_or(TypeError::NoSuch { what: "command", index: u64::from(command.0) })?;
                self.exact(*status, Scalar::U32)?;
                self.frame(*arguments, of_arguments.memory, false)?;
                self.frame(*result, of_result.memory, true)?;
                let errors = self.module.interface.commands[index].fails.iter().filter_map(|error| self.sizes.errors.get(*error as usize));
                let most = errors.flatten().map(|size| size.memory).max().unwrap_or(0);
                let failure = self.writable(*failure)?;
                if failure.space != Space::Frame || failure.length < most {
                    return Err(TypeError::OutOfView { end: u64::from(most), length: failure.length });
                }
                Ok(())
            }
            Instr::TestContext { roles, advance } => {
                self.tests_only()?;
                self.exact(*roles, Scalar::U64)?;
                self.exact(*advance, Scalar::I64)
            }
            Instr::Assert { condition, assertion: _, left, right } => {
                self.tests_only()?;
                self.exact(*condition, Scalar::Bool)?;
                left.iter().chain(right).try_for_each(|register| self.scalar(*register).map(|_| ()))
            }
        }
    }

    fn call(&mut self, callee: u32, arguments: &[Register], results: &[Register], otherwise: bool) -> Result<(), TypeError> {
        if callee as usize >= self.index {
            return Err(TypeError::CallNotLower(callee));
        }
        let function = &self.module.functions[callee as usize];
        if function.kind == FunctionKind::Test {
            self.tests_only()?;
        }
        self.depth = self.depth.max(self.depths[callee as usize] + 1);
        if self.depth > limits::CALL_DEPTH_MAX {
            return Err(TypeError::CallsTooDeep);
        }
        if function.maybe != otherwise {
            return Err(TypeError::Otherwise);
        }
        count("arguments", arguments.len(), function.parameters.len())?;
        count("results", results.len(), function.results.len())?;
        for (argument, parameter) in arguments.iter().zip(&function.parameters) {
            self.accepted(*argument, *parameter)?;
        }
        for (register, result) in results.iter().zip(&function.results) {
            let kind = self.kind_of(*register)?;
            if !accepts(kind, *result) {
                return Err(operand(*register, kind, format!("{result:?}")));
            }
        }
        let mut sorted = results.to_vec();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) { Err(TypeError::ResultTwice) } else { Ok(()) }
    }

    fn fail(&self, failure: Failure, payload: Option<Register>) -> Result<(), TypeError> {
        let fields = match failure {
            Failure::Builtin(_) => None,
            Failure::Declared { error, variant } => {
                let sum = self.module.interface.errors.get(error as usize);
                let sum = sum.ok_or(TypeError::NoSuch { what: "error", index: u64::from(error) })?;
                let record = sum.variants.get(variant as usize);
                let record = record.ok_or(TypeError::NoSuch { what: "variant", index: u64::from(variant) })?;
                (!record.fields.is_empty()).then(|| self.sizes.errors[error as usize][variant as usize])
            }
        };
        match (fields, payload) {
            (None, None) => Ok(()),
            (Some(size), Some(payload)) => self.frame(payload, size.memory, false),
            _ => Err(TypeError::Payload),
        }
    }

    fn tests_only(&self) -> Result<(), TypeError> {
        if self.function.kind == FunctionKind::Test { Ok(()) } else { Err(TypeError::TestsOnly) }
    }

    fn kind_of(&self, register: Register) -> Result<Type, TypeError> {
        self.function.type_of(register).ok_or(TypeError::NoSuch { what: "register", index: u64::from(register.0) })
    }

    fn scalar(&self, register: Register) -> Result<Scalar, TypeError> {
        match self.kind_of(register)? {
            Type::Scalar(scalar) => Ok(scalar),
            found => Err(operand(register, found, "a scalar".into())),
        }
    }

    fn view(&self, register: Register) -> Result<View, TypeError> {
        match self.kind_of(register)? {
            Type::View(view) => Ok(view),
            found => Err(operand(register, found, "a view".into())),
        }
    }

    fn writable(&self, register: Register) -> Result<View, TypeError> {
        let view = self.view(register)?;
        if view.writable { Ok(view) } else { Err(operand(register, Type::View(view), "a writable view".into())) }
    }

    fn exact(&self, register: Register, scalar: Scalar) -> Result<(), TypeError> {
        self.exactly(register, Type::Scalar(scalar))
    }

    fn exactly(&self, register: Register, wanted: Type) -> Result<(), TypeError> {
        let found = self.kind_of(register)?;
        if found == wanted { Ok(()) } else { Err(operand(register, found, format!("{wanted:?}"))) }
    }

    fn accepted(&self, register: Register, wanted: Type) -> Result<(), TypeError> {
        let found = self.kind_of(register)?;
        if accepts(wanted, found) { Ok(()) } else { Err(operand(register, found, format!("{wanted:?}"))) }
    }

    /// The narrower view's type: of the same space, and not with more permission.
    fn narrowed(&self, dst: Register, src: Register) -> Result<View, TypeError> {
        let (dst_view, src_view) = (self.view(dst)?, self.view(src)?);
        if dst_view.space == src_view.space && (src_view.writable || !dst_view.writable) {
            Ok(dst_view)
        } else {
            Err(operand(dst, Type::View(dst_view), format!("a part of {src_view:?}")))
        }
    }

    fn same_length(&self, left: Register, right: Register) -> Result<(), TypeError> {
        let length = self.view(left)?.length;
        self.length(right, length)
    }

    fn length(&self, register: Register, wanted: u32) -> Result<(), TypeError> {
        let view = self.view(register)?;
        if view.length == wanted { Ok(()) } else { Err(operand(register, Type::View(view), format!("a view of {wanted} bytes"))) }
    }

    fn frame(&self, register: Register, length: u32, writable: bool) -> Result<(), TypeError> {
        self.accepted(register, Type::View(View { space: Space::Frame, length, writable }))
    }
}

fn operand(register: Register, found: Type, wanted: String) -> TypeError {
    TypeError::Operand { register: register.0, found: format!("{found:?}"), wanted }
}

fn count(what: &'static str, found: usize, wanted: usize) -> Result<(), TypeError> {
    if found == wanted { Ok(()) } else { Err(TypeError::Count { what, found, wanted }) }
}

fn defined(defined: bool, op: String, on: Scalar) -> Result<(), TypeError> {
    if defined { Ok(()) } else { Err(TypeError::Operator { op, on: format!("{on:?}") }) }
}

fn inside(end: u64, view: View) -> Result<(), TypeError> {
    if end <= u64::from(view.length) { Ok(()) } else { Err(TypeError::OutOfView { end, length: view.length }) }
}

/// The last element's end; an array of no elements only has a start.
fn element(base: u32, stride: u32, count: u32, length: u32, view: View) -> Result<(), TypeError> {
    let last = match count {
        0 => 0,
        // At most (2³² - 1)² + 2 · (2³² - 1), which is 2⁶⁴ - 1.
        _ => u64::from(count - 1) * u64::from(stride) + u64::from(length),
    };
    inside(u64::from(base) + last, view)
}

fn constant(scalar: Scalar, bits: u128) -> Result<(), TypeError> {
    let fits = match scalar {
        Scalar::Bool => bits <= 1,
        Scalar::F64 => bits >> 64 == 0 && f64::from_bits(bits as u64).is_finite(),
        integer => integer.bits() == 128 || bits >> integer.bits() == 0,
    };
    if fits { Ok(()) } else { Err(TypeError::Constant) }
}

/// On which scalars a binary operator is defined.
pub fn binary_defined(op: BinaryOp, scalar: Scalar) -> bool {
    match op {
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Min | BinaryOp::Max => scalar != Scalar::Bool,
        BinaryOp::Rem
        | BinaryOp::WrappingAdd
        | BinaryOp::WrappingSub
        | BinaryOp::WrappingMul
        | BinaryOp::SaturatingAdd
        | BinaryOp::SaturatingSub
        | BinaryOp::SaturatingMul
        | BinaryOp::ShiftLeft
        | BinaryOp::ShiftRight => scalar.is_integer(),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => scalar != Scalar::F64,
    }
}

/// On which scalars a unary operator is defined.
pub fn unary_defined(op: UnaryOp, scalar: Scalar) -> bool {
    match op {
        UnaryOp::Not => scalar != Scalar::F64,
        UnaryOp::Neg | UnaryOp::Abs => scalar.is_signed() || scalar == Scalar::F64,
        UnaryOp::TrailingZeros | UnaryOp::LeadingZeros | UnaryOp::CountOnes => scalar.is_integer() && !scalar.is_signed(),
        UnaryOp::ByteSwap => scalar.is_integer(),
    }
}

/// Between which scalars a conversion is defined.
pub fn convert_defined(mode: ConvertMode, from: Scalar, to: Scalar) -> bool {
    match mode {
        ConvertMode::Checked => from != Scalar::Bool && to != Scalar::Bool && (from.is_integer() || to.is_integer()),
        ConvertMode::Wrapping => from != Scalar::F64 && to.is_integer(),
        ConvertMode::Saturating => from.is_integer() && to.is_integer(),
    }
}
