//! A call's way through the engine: its session, the deployment that answers, the run, the reply in the caller's numbers.
//! Always true: a call that was seen before gets the stored reply and runs nothing (decision 33).

use super::{Engine, EngineError, EventRecord};
use crate::batch::{Call, SessionKey, Step};
use crate::catalog::Deployed;
use crate::code::Code;
use crate::renumber;
use crate::reply::{Refusal, Reply};
use crate::sessions::{Begin, SessionSlot};
use rc_bytecode::compat;
use rc_bytecode::hash::hash_bytes;
use rc_bytecode::instr::{Builtin, CommandIndex, Failure};
use rc_bytecode::interface::{Allow, CommandKind};
use rc_vm::Environment;

impl Engine {
    pub(super) fn call(
        &mut self,
        call: &Call,
        op: u64,
        now: i64,
        seed: u64,
        events: &mut Vec<EventRecord>,
    ) -> Result<Reply, EngineError> {
        let page = |error| EngineError::Page { op, error };
        let begin = match call.session {
            SessionKey::None => None,
            SessionKey::Slot {
                slot,
                generation,
                sequence,
            } => {
                let slot = SessionSlot { slot, generation };
                let print = self.fingerprint(call);
                Some(
                    self.sessions
                        .begin(&mut self.canvas, slot, sequence, print, now)
                        .map_err(page)?,
                )
            }
            SessionKey::Client { client, sequence } => {
                let print = self.fingerprint(call);
                Some(
                    self.sessions
                        .begin_client(&mut self.canvas, client, sequence, print, now)
                        .map_err(page)?,
                )
            }
        };
        let place = match begin {
            None => None,
            Some(Ok(Begin::Fresh(place))) => Some(place),
            Some(Ok(Begin::Seen { reply, epoch })) => {
                return Ok(self.renumbered(reply, epoch, call.epoch));
            }
            Some(Err(refusal)) => return Ok(Reply::Refused(refusal)),
        };
        let (reply, epoch) = self.run(call, CommandKind::Command, op, now, seed, events)?;
        if let Some(place) = place {
            self.sessions
                .finish(&mut self.canvas, place, epoch, &reply)
                .map_err(page)?;
        }
        Ok(self.renumbered(reply, epoch, call.epoch))
    }

    /// Runs a call that was not seen before. The reply has the numbers of the deployment that is returned with it.
    pub(super) fn run(
        &mut self,
        call: &Call,
        kind: CommandKind,
        op: u64,
        now: i64,
        seed: u64,
        events: &mut Vec<EventRecord>,
    ) -> Result<(Reply, u64), EngineError> {
        let refused = |refusal| Ok((Reply::Refused(refusal), call.epoch));
        if !self.catalog.deployments.contains_key(&call.epoch) {
            return refused(Refusal::UnknownEpoch);
        }
        let Some((deployed, command)) = self.resolve(call) else {
            return refused(Refusal::CommandGone);
        };
        if deployed.module.module().interface.commands[command as usize].kind != kind {
            return refused(Refusal::NotACommand);
        }
        let epoch = deployed.epoch;
        let environment = Environment {
            now,
            seed,
            caller_id: call.principal.id,
            caller_roles: self.roles(call, deployed),
            op_number: op,
        };
        if kind == CommandKind::Command && !allowed(environment.caller_roles, deployed, command) {
            return Ok((
                Reply::Failed(Failure::Builtin(Builtin::Denied), Vec::new()),
                epoch,
            ));
        }
        let code = Code::of(deployed, self.options.mode);
        let reply = self
            .runner
            .execute(
                &code,
                CommandIndex(command),
                &call.arguments,
                environment,
                &mut self.canvas,
            )
            .map_err(|halt| EngineError::Halt { op, halt })?;
        for (k, (event, fields)) in self.runner.run.events.drain(..).enumerate() {
            let started = |(known, step): &&(u32, Step)| *known == event && step.epoch == epoch;
            if let Some((_, step)) = self.jobs.iter().find(started)
                && !self.woken.contains(step)
            {
                self.woken.push(*step);
            }
            events.push(EventRecord {
                op,
                k: k as u32,
                epoch,
                event,
                time: now,
                fields,
            });
        }
        Ok((reply, epoch))
    }

    /// Tells calls of one sequence number apart, whichever deployment they were packed for.
    pub(super) fn fingerprint(&self, call: &Call) -> u32 {
        let commands = self
            .catalog
            .deployments
            .get(&call.epoch)
            .map(|meant| &meant.module.module().interface.commands);
        let command = commands.and_then(|commands| commands.get(call.command as usize));
        let seed = command.map_or(0, |command| {
            hash_bytes(command.name.as_bytes(), u64::from(command.version))
        });
        hash_bytes(&call.arguments, seed) as u32
    }

    /// A reply of one deployment in the error numbers of another: the one that the caller knows.
    pub(super) fn renumbered(&self, reply: Reply, ran: u64, known: u64) -> Reply {
        let interface = |epoch| {
            self.catalog
                .deployments
                .get(&epoch)
                .map(|deployed| &deployed.module.module().interface)
        };
        match (reply, interface(ran), interface(known)) {
            (Reply::Failed(failure, payload), Some(from), Some(to)) if ran != known => {
                Reply::Failed(renumber::failure(from, to, failure), payload)
            }
            (reply, _, _) => reply,
        }
    }

    /// The caller's roles, matched by name, as the deployment that answers numbers them.
    pub(super) fn roles(&self, call: &Call, deployed: &Deployed) -> u64 {
        let meant = self
            .catalog
            .deployments
            .get(&call.epoch)
            .filter(|meant| meant.epoch != deployed.epoch);
        meant.map_or(call.principal.roles, |meant| {
            renumber::roles(
                &meant.module.module().interface,
                &deployed.module.module().interface,
                call.principal.roles,
            )
        })
    }

    /// The live deployment that answers a call, and the command's index there. A call made for an earlier deployment
    /// is answered by the live one where name, version and signature are still the same (decision 37).
    pub(super) fn resolve(&self, call: &Call) -> Option<(&Deployed, u32)> {
        let meant = self.catalog.deployments.get(&call.epoch)?;
        let before = meant
            .module
            .module()
            .interface
            .commands
            .get(call.command as usize)?;
        let live = self.catalog.live(&meant.package)?;
        if live.epoch == meant.epoch {
            return Some((live, call.command));
        }
        let (old, new) = (
            &meant.module.module().interface,
            &live.module.module().interface,
        );
        let index = new
            .commands
            .iter()
            .position(|known| known.name == before.name && known.version == before.version)?;
        compat::signature_break(old, before, new, &new.commands[index])
            .is_none()
            .then_some((live, index as u32))
    }
}

/// Whether these roles may call the command.
pub(super) fn allowed(roles: u64, deployed: &Deployed, command: u32) -> bool {
    match deployed.module.module().interface.commands[command as usize].allow {
        Allow::Anyone => true,
        Allow::Roles(wanted) => wanted & roles != 0,
    }
}
