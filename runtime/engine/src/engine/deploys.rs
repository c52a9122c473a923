//! A deployment's way through the engine: verified, compared with what is live, its guards asked, activated. Always true:
//! one that is refused has changed nothing (decision 37).

use super::{Engine, EngineError};
use crate::batch::{Deploy, Step};
use crate::catalog::{self, Accepted, Catalog, DeployRefusal, Deployed};
use crate::reply::{Refusal, Reply};
use rc_vm::{Environment, FunctionOutcome, Interpreter, Run};
use std::sync::Arc;

impl Engine {
    pub(super) fn deploy(
        &mut self,
        deploy: &Deploy,
        op: u64,
        now: i64,
    ) -> Result<Reply, EngineError> {
        let refused =
            |refusal: DeployRefusal| Ok(Reply::Refused(Refusal::Deploy(refusal.to_string())));
        let module = match catalog::verify_encoded(&deploy.module) {
            Ok(module) => module,
            Err(refusal) => return refused(refusal),
        };
        let hash = *module.hash();
        let page_shift = self.canvas.page_shift().bits() as u8;
        let accepted = match self
            .catalog
            .check(deploy.expected_epoch, module, page_shift)
        {
            Ok(accepted) => accepted,
            Err(refusal) => return refused(refusal),
        };
        if let Some(refusal) = self.ask(&accepted, op, now)? {
            return refused(DeployRefusal::Breaks(refusal));
        }
        let known = |deployed: &Deployed| {
            (*deployed.module.hash() == hash)
                .then(|| deployed.compiled.clone())
                .flatten()
        };
        let compiled = self
            .staged
            .remove(&hash)
            .or_else(|| self.catalog.deployments.values().find_map(known));
        let epoch = self
            .catalog
            .activate(
                &mut self.canvas,
                accepted,
                op,
                now,
                deploy.deployer,
                &deploy.module,
                &deploy.source,
                compiled,
            )
            .map_err(|error| EngineError::Catalog { op, error })?;
        self.jobs = jobs_of(&self.catalog);
        // Runs of an earlier deployment go on under this one.
        let steps = self.jobs.iter().map(|(_, step)| *step);
        let own: Vec<Step> = steps.filter(|step| step.epoch == epoch).collect();
        own.into_iter().for_each(|step| self.wake(step));
        Ok(Reply::Deployed { epoch })
    }

    /// Asks the guards of a module that may go live; what to refuse it with. They only read, so nothing has to be put back, and
    /// only the interpreter is asked, so that it does not matter whether code is ready.
    pub(super) fn ask(
        &mut self,
        accepted: &Accepted,
        op: u64,
        now: i64,
    ) -> Result<Option<String>, EngineError> {
        let mut interpreter = Interpreter::new(Arc::clone(accepted.prepared()));
        let present = accepted.present();
        let mut broken = Vec::new();
        for question in accepted.questions() {
            let mut run = Run::default();
            run.begin(Environment {
                now,
                op_number: op,
                ..Environment::default()
            });
            let answered = interpreter
                .interpret_function(
                    &present,
                    question.entry,
                    &[],
                    &mut self.canvas,
                    &mut run,
                    None,
                )
                .map_err(|halt| EngineError::Halt { op, halt })?;
            if !matches!(answered.outcome, FunctionOutcome::Returned(_)) {
                broken.push(question.refusal.clone());
            }
        }
        Ok((!broken.is_empty()).then(|| broken.join("\n")))
    }
}

/// The jobs of what is live, each with the event that tells of a started run.
pub(super) fn jobs_of(catalog: &Catalog) -> Vec<(u32, Step)> {
    let live = catalog.live.values();
    live.filter_map(|epoch| catalog.deployments.get(epoch))
        .flat_map(|deployed| {
            let epoch = deployed.epoch;
            let jobs = deployed.module.module().interface.jobs();
            jobs.into_iter()
                .map(move |(command, event)| (event, Step { epoch, command }))
        })
        .collect()
}
