//! What reaches beyond memory: failures with their payload, events, and what tests may do.
//!
//! Always true: bytes that leave the machine are packed by the one codec of `rc_bytecode::wire`. Memory that is no
//! value of its shape (a length above the maximum, a tag of no variant, text that is no UTF-8) fails `BoundExceeded`:
//! the verifier counts packing among what may fail, so what came before can be undone.

use rc_bytecode::instr::{Builtin, CommandIndex, EventIndex, Failure, Register, Scalar, Space};
use rc_bytecode::wire::Plan;

use crate::machine::{Execution, Place, Stop};
use crate::run::Outcome;
use crate::testing::Shown;

impl<'r> Execution<'r> {
    pub(crate) fn fail(&mut self, failure: Failure, payload: Option<Register>) -> Result<(), Stop> {
        if let (Failure::Declared { error, variant }, Some(payload)) = (failure, payload) {
            let place = self.place(payload)?;
            self.machine.payload = self.pack(self.variant(error, variant)?, &place)?;
        }
        Err(Stop::Failed(failure))
    }

    fn variant(&self, error: u32, variant: u32) -> Result<&'r Plan, Stop> {
        let variants = self.prepared.errors.get(error as usize);
        let plan = variants.and_then(|variants| variants.get(variant as usize));
        plan.ok_or_else(|| Stop::halt(format!("there is no variant {variant} of error {error}")))
    }

    /// Packs the value that lies in a view.
    pub(crate) fn pack(&self, plan: &Plan, place: &Place) -> Result<Vec<u8>, Stop> {
        let mut packed = Vec::new();
        match plan.pack(self.bytes(place)?, &mut packed) {
            Ok(()) => Ok(packed),
            Err(_) => Err(Stop::Failed(Failure::Builtin(Builtin::BoundExceeded))),
        }
    }

    pub(crate) fn emit(&mut self, event: EventIndex, view: Register) -> Result<(), Stop> {
        let Some(plan) = self.prepared.events.get(event.0 as usize) else {
            return Err(Stop::halt(format!("there is no event {}", event.0)));
        };
        let place = self.place(view)?;
        let packed = self.pack(plan, &place)?;
        self.counted.event_bytes += packed.len() as u64;
        self.run.events.push((event.0, packed));
        Ok(())
    }

    // -- tests ---------------------------------------------------------------------------------------

    pub(crate) fn invoke(
        &mut self,
        command: CommandIndex,
        arguments: Register,
        result: Register,
        failure: Register,
        status: Register,
    ) -> Result<(), Stop> {
        let Some((of_arguments, of_result)) = self.prepared.commands.get(command.0 as usize) else {
            return Err(Stop::halt(format!("there is no command {}", command.0)));
        };
        let result = self.place(result)?;
        let packed = self.pack(of_arguments, &self.place(arguments)?)?;
        let Some(hooks) = self.hooks.as_deref_mut() else {
            return Err(Stop::halt("`Invoke` outside a test"));
        };
        let outcome = hooks.invoke(self.canvas, command, &packed);
        let outcome = outcome.map_err(|halt| Stop::halt(halt.to_string()))?;
        self.renew_pages()?;
        let number = match &outcome {
            Outcome::Done(bytes) => {
                if let Some(plan) = of_result {
                    self.unpack(plan, bytes, &result)?;
                }
                0
            }
            Outcome::Failed(what, bytes) => self.give_failure(*what, bytes, failure)?,
        };
        self.set_scalar_of(status, Scalar::U32, u128::from(number))
    }

    /// Unpacks a failure's fields to the view in a register; its number in a status word.
    pub(crate) fn give_failure(
        &mut self,
        failure: Failure,
        packed: &[u8],
        to: Register,
    ) -> Result<u32, Stop> {
        if let Failure::Declared { error, variant } = failure {
            let plan = self.variant(error, variant)?;
            let place = self.place(to)?;
            self.unpack(plan, packed, &place)?;
        }
        Ok(failure.status())
    }

    /// Unpacks a value to a writable frame view, zeroes behind it.
    fn unpack(&mut self, plan: &Plan, packed: &[u8], place: &Place) -> Result<(), Stop> {
        if place.view.space != Space::Frame || !place.view.writable {
            return Err(Stop::halt(
                "a result for what is no writable view of the frame",
            ));
        }
        let memory = &mut self.machine.frame_bytes[place.start..][..place.view.length as usize];
        memory.fill(0);
        plan.unpack_all(packed, memory)
            .map_err(|error| Stop::halt(format!("what the command gave: {error}")))
    }

    pub(crate) fn test_context(&mut self, roles: Register, advance: Register) -> Result<(), Stop> {
        let roles = self.scalar_of(roles, Scalar::U64)? as u64;
        let advance = self.scalar_of(advance, Scalar::I64)? as i64;
        let Some(hooks) = self.hooks.as_deref_mut() else {
            return Err(Stop::halt("`TestContext` outside a test"));
        };
        hooks.context(roles, advance);
        self.run.environment.caller_roles = roles;
        // The test itself sees the time that its commands see.
        self.run.environment.now = self.run.environment.now.saturating_add(advance);
        Ok(())
    }

    pub(crate) fn test_caller(&mut self, caller: Register) -> Result<(), Stop> {
        let caller = self.scalar_of(caller, Scalar::U64)? as u64;
        let Some(hooks) = self.hooks.as_deref_mut() else {
            return Err(Stop::halt("`TestCaller` outside a test"));
        };
        hooks.caller(caller);
        self.run.environment.caller_id = caller;
        Ok(())
    }

    pub(crate) fn assert(
        &mut self,
        condition: Register,
        assertion: u32,
        left: Option<Register>,
        right: Option<Register>,
    ) -> Result<(), Stop> {
        let holds = self.truth(condition)?;
        let shown = |register: Register| -> Result<Shown, Stop> {
            Ok(Shown {
                scalar: self.scalar_type(register)?,
                bits: self.scalar(register)?,
            })
        };
        let (left, right) = (left.map(shown).transpose()?, right.map(shown).transpose()?);
        if holds {
            return Ok(());
        }
        let Some(hooks) = self.hooks.as_deref_mut() else {
            return Err(Stop::halt("`Assert` outside a test"));
        };
        hooks.assert_failed(assertion, left, right);
        Err(Stop::AssertionFailed)
    }
}
