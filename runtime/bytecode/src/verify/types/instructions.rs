//! What each instruction wants of its operands: the table of the type rules. Static offsets are proven to lie in
//! their views, in 64-bit arithmetic that cannot wrap.

use super::defined::{binary_defined, constant, convert_defined, unary_defined};
use super::operands::{count, defined, element, inside, operand};
use super::{Check, TypeError, accepts};
use crate::instr::{Access, Environment, Failure, Instr, Register, Scalar, Space, Type, View};
use crate::limits;
use crate::module::FunctionKind;
use crate::verify::within;

impl Check<'_> {
    pub(super) fn instr(&mut self, instr: &Instr) -> Result<(), TypeError> {
        match instr {
            Instr::Const { dst, bits } => constant(self.scalar(*dst)?, *bits),
            Instr::Move { dst, src } => {
                let dst = self.kind_of(*dst)?;
                self.accepted(*src, dst)
            }
            Instr::Binary {
                op,
                dst,
                left,
                right,
            } => {
                let scalar = self.scalar(*dst)?;
                self.exact(*left, scalar)?;
                self.exact(*right, scalar)?;
                defined(binary_defined(*op, scalar), op, scalar)
            }
            Instr::Unary { op, dst, src } => {
                let scalar = self.scalar(*dst)?;
                self.exact(*src, scalar)?;
                defined(unary_defined(*op, scalar), op, scalar)
            }
            Instr::Compare {
                op: _,
                dst,
                left,
                right,
            } => {
                let scalar = self.scalar(*left)?;
                self.exact(*right, scalar)?;
                self.exact(*dst, Scalar::Bool)
            }
            Instr::Convert { mode, dst, src } => {
                let (from, to) = (self.scalar(*src)?, self.scalar(*dst)?);
                defined(convert_defined(*mode, from, to), &(mode, to), from)
            }
            Instr::Select {
                dst,
                condition,
                then,
                otherwise,
            } => {
                let scalar = self.scalar(*dst)?;
                self.exact(*condition, Scalar::Bool)?;
                self.exact(*then, scalar)?;
                self.exact(*otherwise, scalar)
            }
            Instr::Environment { value, dst } => self.exact(
                *dst,
                match value {
                    Environment::Now => Scalar::I64,
                    Environment::Random
                    | Environment::CallerId
                    | Environment::OpNumber
                    | Environment::CallerRoles => Scalar::U64,
                },
            ),
            Instr::MultiplyDivide {
                rounding: _,
                dst,
                left,
                right,
                divisor,
            } => [dst, left, right, divisor]
                .into_iter()
                .try_for_each(|register| self.exact(*register, Scalar::I128)),
            Instr::Round {
                rounding: _,
                dst,
                src,
            } => {
                self.exact(*dst, Scalar::F64)?;
                self.exact(*src, Scalar::F64)
            }
            Instr::Sha256 { dst, view, length } => {
                self.frame(*dst, 32, true)?;
                self.exact(*length, Scalar::U64)?;
                self.view(*view).map(|_| ())
            }
            Instr::Slot { dst, slot } => {
                let slots = &self.function.slots;
                let length = *slots.get(slot.0 as usize).ok_or(TypeError::NoSuch {
                    what: "slot",
                    index: u64::from(slot.0),
                })?;
                self.exactly(
                    *dst,
                    Type::View(View {
                        space: Space::Frame,
                        length,
                        writable: true,
                    }),
                )
            }
            Instr::Touch {
                dst,
                region,
                page,
                access,
            } => {
                if usize::from(region.0) >= self.module.regions.len() {
                    return Err(TypeError::NoSuch {
                        what: "region",
                        index: u64::from(region.0),
                    });
                }
                self.exact(*page, Scalar::U64)?;
                let writable = *access == Access::Write;
                self.exactly(
                    *dst,
                    Type::View(View {
                        space: Space::Page(*region),
                        length: 1 << self.module.page_shift,
                        writable,
                    }),
                )
            }
            Instr::View { dst, src, offset } => {
                let (dst, whole) = (self.narrowed(*dst, *src)?, self.view(*src)?);
                inside(u64::from(*offset) + u64::from(dst.length), whole)
            }
            Instr::ViewAt {
                dst,
                src,
                index,
                base,
                stride,
                count,
            } => {
                let (dst, whole) = (self.narrowed(*dst, *src)?, self.view(*src)?);
                self.exact(*index, Scalar::U64)?;
                element(*base, *stride, *count, dst.length, whole)
            }
            Instr::Load { dst, view, offset } => {
                let scalar = self.scalar(*dst)?;
                inside(
                    u64::from(*offset) + u64::from(scalar.size()),
                    self.view(*view)?,
                )
            }
            Instr::Store { view, offset, src } => {
                let scalar = self.scalar(*src)?;
                inside(
                    u64::from(*offset) + u64::from(scalar.size()),
                    self.writable(*view)?,
                )
            }
            Instr::LoadAt {
                dst,
                view,
                index,
                base,
                stride,
                count,
            } => {
                let scalar = self.scalar(*dst)?;
                self.exact(*index, Scalar::U64)?;
                element(*base, *stride, *count, scalar.size(), self.view(*view)?)
            }
            Instr::StoreAt {
                view,
                index,
                base,
                stride,
                count,
                src,
            } => {
                let scalar = self.scalar(*src)?;
                self.exact(*index, Scalar::U64)?;
                element(*base, *stride, *count, scalar.size(), self.writable(*view)?)
            }
            Instr::Copy { dst, src } => {
                self.writable(*dst)?;
                self.view(*src).map(|_| ())
            }
            Instr::Zero { view } => self.writable(*view).map(|_| ()),
            Instr::MoveWithin {
                view,
                base,
                stride,
                count,
                from,
                to,
                length,
            } => {
                [from, to, length]
                    .into_iter()
                    .try_for_each(|register| self.exact(*register, Scalar::U64))?;
                inside(
                    u64::from(*base) + u64::from(*count) * u64::from(*stride),
                    self.writable(*view)?,
                )
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
                if length > 64 {
                    Err(TypeError::ViewTooLong { length, most: 64 })
                } else {
                    Ok(())
                }
            }
            Instr::Block { body: _ }
            | Instr::LoopUnbounded { body: _ }
            | Instr::Break { depth: _ }
            | Instr::Continue { depth: _ } => Ok(()),
            Instr::If {
                condition,
                then: _,
                otherwise: _,
            } => self.exact(*condition, Scalar::Bool),
            Instr::Loop { max, body: _ } => {
                Ok(within("iterations of a loop", *max, limits::LOOP_MAX)?)
            }
            Instr::Switch {
                value,
                arms,
                otherwise: _,
            } => {
                let scalar = self.scalar(*value)?;
                let unsigned = scalar.is_integer() && !scalar.is_signed() && scalar.bits() <= 64;
                defined(unsigned, &"Switch", scalar)?;
                let most = u64::MAX >> (64 - scalar.bits());
                let ascending = arms.windows(2).all(|pair| pair[0].0 < pair[1].0);
                if ascending && arms.last().is_none_or(|(number, _)| *number <= most) {
                    Ok(())
                } else {
                    Err(TypeError::Arms)
                }
            }
            Instr::Call {
                function,
                arguments,
                results,
                otherwise,
            } => self.call(function.0, arguments, results, otherwise.is_some()),
            Instr::Attempt {
                function,
                arguments,
                failure,
                status,
            } => {
                self.call(function.0, arguments, &[], false)?;
                if self.module.functions[function.0 as usize].kind == FunctionKind::Test {
                    // What it invokes would be ops of their own inside what may be taken back.
                    return Err(TypeError::AttemptOfTest);
                }
                self.exact(*status, Scalar::U32)?;
                match self.writable(*failure)?.space {
                    Space::Frame => Ok(()),
                    Space::Page(_) => {
                        let kind = self.kind_of(*failure)?;
                        Err(operand(*failure, kind, "a view of the frame".into()))
                    }
                }
            }
            Instr::Return { values } => {
                count("values", values.len(), self.function.results.len())?;
                let results = self.function.results.iter();
                values
                    .iter()
                    .zip(results)
                    .try_for_each(|(value, result)| self.accepted(*value, *result))
            }
            Instr::ReturnNone => {
                if self.function.maybe {
                    Ok(())
                } else {
                    Err(TypeError::ReturnNone)
                }
            }
            Instr::Fail { failure, payload } => self.fail(*failure, *payload),
            Instr::Emit { event, view } => {
                let sizes = self.sizes.events.get(event.0 as usize);
                let size = sizes.ok_or(TypeError::NoSuch {
                    what: "event",
                    index: u64::from(event.0),
                })?;
                self.length(*view, size.memory)
            }
            Instr::Invoke {
                command,
                arguments,
                result,
                failure,
                status,
            } => {
                self.tests_only()?;
                let index = command.0 as usize;
                let (of_arguments, of_result) =
                    self.sizes.commands.get(index).ok_or(TypeError::NoSuch {
                        what: "command",
                        index: u64::from(command.0),
                    })?;
                self.exact(*status, Scalar::U32)?;
                self.frame(*arguments, of_arguments.memory, false)?;
                self.frame(*result, of_result.memory, true)?;
                let most = self.sizes.failures[index];
                let failure = self.writable(*failure)?;
                if failure.space != Space::Frame || failure.length < most {
                    return Err(TypeError::OutOfView {
                        end: u64::from(most),
                        length: failure.length,
                    });
                }
                Ok(())
            }
            Instr::TestContext { roles, advance } => {
                self.tests_only()?;
                self.exact(*roles, Scalar::U64)?;
                self.exact(*advance, Scalar::I64)
            }
            Instr::TestCaller { caller } => {
                self.tests_only()?;
                self.exact(*caller, Scalar::U64)
            }
            Instr::Assert {
                condition,
                assertion: _,
                left,
                right,
            } => {
                self.tests_only()?;
                self.exact(*condition, Scalar::Bool)?;
                left.iter()
                    .chain(right)
                    .try_for_each(|register| self.scalar(*register).map(|_| ()))
            }
        }
    }

    fn call(
        &mut self,
        callee: u32,
        arguments: &[Register],
        results: &[Register],
        otherwise: bool,
    ) -> Result<(), TypeError> {
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
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            Err(TypeError::ResultTwice)
        } else {
            Ok(())
        }
    }

    fn fail(&self, failure: Failure, payload: Option<Register>) -> Result<(), TypeError> {
        let fields = match failure {
            Failure::Builtin(_) => None,
            Failure::Declared { error, variant } => {
                let sum = self.module.interface.errors.get(error as usize);
                let sum = sum.ok_or(TypeError::NoSuch {
                    what: "error",
                    index: u64::from(error),
                })?;
                let record = sum.variants.get(variant as usize);
                let record = record.ok_or(TypeError::NoSuch {
                    what: "variant",
                    index: u64::from(variant),
                })?;
                (!record.fields.is_empty())
                    .then(|| self.sizes.errors[error as usize][variant as usize])
            }
        };
        match (fields, payload) {
            (None, None) => Ok(()),
            (Some(size), Some(payload)) => self.frame(payload, size.memory, false),
            _ => Err(TypeError::Payload),
        }
    }
}
