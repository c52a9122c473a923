//! The loop: one line after the other, priced, and what each instruction on values and control does. Memory is
//! in `memory`, events and tests in `effects`.
//!
//! Always true: a line is charged before it runs, so a run that fails has paid for the line that failed.

use rc_bytecode::hash::hash_bytes;
use rc_bytecode::instr::{Builtin, Environment, Instr, Register, Scalar};
use rc_bytecode::ratio::multiply_divide;

use crate::machine::{Execution, Stop};
use crate::number;
use crate::prepare::Op;

impl Execution<'_> {
    /// Runs to the outermost function's end; the registers that it returned, or nothing for `ReturnNone`.
    pub(crate) fn run_to_end(&mut self) -> Result<Option<Vec<Register>>, Stop> {
        loop {
            match self.run_lines() {
                Err(Stop::Failed(failure)) if self.is_attempting() => self.catch(failure)?,
                ended => return ended,
            }
        }
    }

    /// Runs to the outermost function's end, or to the first failure.
    fn run_lines(&mut self) -> Result<Option<Vec<Register>>, Stop> {
        loop {
            let code = self.code;
            let Some(line) = code.lines.get(self.line as usize) else {
                return Err(Stop::halt("a jump beyond the function's end"));
            };
            self.line += 1;
            self.counted.steps += line.charge.steps;
            self.counted.pages_read += u64::from(line.charge.pages_read);
            self.counted.pages_written += u64::from(line.charge.pages_written);
            self.counted.bytes_written += line.charge.bytes_written;
            match &line.op {
                Op::Plain(instr) => self.perform(instr)?,
                Op::Jump { to } => self.line = *to,
                Op::If {
                    condition,
                    otherwise,
                } => {
                    if !self.truth(*condition)? {
                        self.line = *otherwise;
                    }
                }
                Op::Switch {
                    value,
                    arms,
                    otherwise,
                } => {
                    let value = self.scalar(*value)?;
                    let arm = arms.binary_search_by(|(number, _)| u128::from(*number).cmp(&value));
                    self.line = arm.map_or(*otherwise, |place| arms[place].1);
                }
                Op::LoopStart { counter } => self.start_counter(*counter),
                Op::LoopNext { counter, max } => self.count_iteration(*counter, *max)?,
                Op::Call {
                    function,
                    arguments,
                    ..
                } => self.call(*function, arguments)?,
                Op::Attempt {
                    function,
                    arguments,
                    failure,
                    status,
                } => self.attempt(*function, arguments, *failure, *status)?,
                Op::Return { values } => {
                    if self.leave(Some(values))? {
                        return Ok(Some(values.clone()));
                    }
                }
                Op::ReturnNone => {
                    if self.leave(None)? {
                        return Ok(None);
                    }
                }
                Op::End => {
                    if self.leave(Some(&[]))? {
                        return Ok(Some(Vec::new()));
                    }
                }
            }
        }
    }

    /// One instruction without bodies.
    #[inline]
    fn perform(&mut self, instr: &Instr) -> Result<(), Stop> {
        match instr {
            Instr::Const { dst, bits } => {
                let scalar = self.scalar_type(*dst)?;
                self.set_scalar(*dst, number::canonical(scalar, *bits))
            }
            Instr::Move { dst, src } => self.move_register(*dst, *src),
            Instr::Binary {
                op,
                dst,
                left,
                right,
            } => {
                let scalar = self.scalar_type(*dst)?;
                let (left, right) = (
                    self.scalar_of(*left, scalar)?,
                    self.scalar_of(*right, scalar)?,
                );
                self.set_canonical(*dst, number::binary(*op, scalar, left, right)?);
                Ok(())
            }
            Instr::Unary { op, dst, src } => {
                let scalar = self.scalar_type(*dst)?;
                let operand = self.scalar_of(*src, scalar)?;
                self.set_canonical(*dst, number::unary(*op, scalar, operand)?);
                Ok(())
            }
            Instr::Compare {
                op,
                dst,
                left,
                right,
            } => {
                let scalar = self.scalar_type(*left)?;
                let (left, right) = (self.scalar(*left)?, self.scalar_of(*right, scalar)?);
                let holds = number::compare(*op, scalar, left, right);
                self.set_scalar_of(*dst, Scalar::Bool, u128::from(holds))
            }
            Instr::Convert { mode, dst, src } => {
                let (from, to) = (self.scalar_type(*src)?, self.scalar_type(*dst)?);
                let operand = self.scalar(*src)?;
                self.set_canonical(*dst, number::convert(*mode, from, to, operand)?);
                Ok(())
            }
            Instr::Select {
                dst,
                condition,
                then,
                otherwise,
            } => {
                let scalar = self.scalar_type(*dst)?;
                let (then, otherwise) = (
                    self.scalar_of(*then, scalar)?,
                    self.scalar_of(*otherwise, scalar)?,
                );
                let chosen = if self.truth(*condition)? {
                    then
                } else {
                    otherwise
                };
                self.set_canonical(*dst, chosen);
                Ok(())
            }
            Instr::Environment { value, dst } => self.environment(*value, *dst),

            Instr::Slot { dst, slot } => self.slot(*dst, *slot),
            Instr::Touch {
                dst,
                region,
                page,
                access,
            } => self.touch(*dst, *region, *page, *access),
            Instr::View { dst, src, offset } => self.narrow(*dst, *src, u64::from(*offset)),
            Instr::ViewAt {
                dst,
                src,
                index,
                base,
                stride,
                count,
            } => {
                let offset = self.element(*index, *base, *stride, *count)?;
                self.narrow(*dst, *src, offset)
            }
            Instr::MultiplyDivide {
                rounding,
                dst,
                left,
                right,
                divisor,
            } => {
                let [left, right, divisor] = [*left, *right, *divisor]
                    .map(|register| self.scalar_of(register, Scalar::I128));
                let value =
                    multiply_divide(*rounding, left? as i128, right? as i128, divisor? as i128);
                self.set_scalar_of(*dst, Scalar::I128, value.map_err(Stop::builtin)? as u128)
            }
            Instr::Round { rounding, dst, src } => {
                let value = self.scalar_of(*src, Scalar::F64)?;
                self.set_scalar_of(*dst, Scalar::F64, number::round(*rounding, value))
            }
            Instr::Sha256 { dst, view, length } => self.sha256(*dst, *view, *length),
            Instr::Load { dst, view, offset } => self.load(*dst, *view, u64::from(*offset)),
            Instr::Store { view, offset, src } => self.store(*view, u64::from(*offset), *src),
            Instr::LoadAt {
                dst,
                view,
                index,
                base,
                stride,
                count,
            } => {
                let offset = self.element(*index, *base, *stride, *count)?;
                self.load(*dst, *view, offset)
            }
            Instr::StoreAt {
                view,
                index,
                base,
                stride,
                count,
                src,
            } => {
                let offset = self.element(*index, *base, *stride, *count)?;
                self.store(*view, offset, *src)
            }

            Instr::Copy { dst, src } => self.copy(*dst, *src),
            Instr::Zero { view } => self.zero(*view),
            Instr::MoveWithin {
                view,
                base,
                stride,
                count,
                from,
                to,
                length,
            } => self.move_within(*view, *base, *stride, *count, [*from, *to, *length]),
            Instr::CompareBytes { dst, left, right } => {
                let order = self.compare_bytes(*left, *right)? as i8;
                self.set_scalar_of(*dst, Scalar::I64, order as i128 as u128)
            }
            Instr::EqualBytes { dst, left, right } => {
                let equal = self.compare_bytes(*left, *right)?.is_eq();
                self.set_scalar_of(*dst, Scalar::Bool, u128::from(equal))
            }
            Instr::Hash { dst, view, seed } => {
                let seed = self.scalar_of(*seed, Scalar::U64)? as u64;
                let hash = hash_bytes(self.bytes(&self.place(*view)?)?, seed);
                self.set_scalar_of(*dst, Scalar::U64, u128::from(hash))
            }
            Instr::MatchByte { dst, view, byte } => {
                let byte = self.scalar_of(*byte, Scalar::U8)? as u8;
                let matches = self.match_byte(*view, byte)?;
                self.set_scalar_of(*dst, Scalar::U64, u128::from(matches))
            }

            Instr::Fail { failure, payload } => self.fail(*failure, *payload),
            Instr::Emit { event, view } => self.emit(*event, *view),
            Instr::Invoke {
                command,
                arguments,
                result,
                failure,
                status,
            } => self.invoke(*command, *arguments, *result, *failure, *status),
            Instr::TestContext { roles, advance } => self.test_context(*roles, *advance),
            Instr::TestCaller { caller } => self.test_caller(*caller),
            Instr::Assert {
                condition,
                assertion,
                left,
                right,
            } => self.assert(*condition, *assertion, *left, *right),

            Instr::Block { .. }
            | Instr::If { .. }
            | Instr::Loop { .. }
            | Instr::LoopUnbounded { .. }
            | Instr::Switch { .. }
            | Instr::Break { .. }
            | Instr::Continue { .. }
            | Instr::Call { .. }
            | Instr::Attempt { .. }
            | Instr::Return { .. }
            | Instr::ReturnNone => {
                unreachable!("control became jumps when the module was prepared")
            }
        }
    }

    fn environment(&mut self, value: Environment, dst: Register) -> Result<(), Stop> {
        match value {
            Environment::Now => {
                let now = self.run.environment.now as i128 as u128;
                self.set_scalar_of(dst, Scalar::I64, now)
            }
            Environment::Random => {
                let number = self.run.next_random();
                self.set_scalar_of(dst, Scalar::U64, u128::from(number))
            }
            Environment::CallerId => {
                let id = self.run.environment.caller_id;
                self.set_scalar_of(dst, Scalar::U64, u128::from(id))
            }
            Environment::CallerRoles => {
                let roles = self.run.environment.caller_roles;
                self.set_scalar_of(dst, Scalar::U64, u128::from(roles))
            }
            Environment::OpNumber => {
                let number = self.run.environment.op_number;
                self.set_scalar_of(dst, Scalar::U64, u128::from(number))
            }
        }
    }

    /// The offset of an array's element in its view.
    fn element(&self, index: Register, base: u32, stride: u32, count: u32) -> Result<u64, Stop> {
        let index = self.scalar_of(index, Scalar::U64)?;
        if index >= u128::from(count) {
            return Err(Stop::builtin(Builtin::BoundExceeded));
        }
        Ok(u64::from(base) + index as u64 * u64::from(stride))
    }
}
