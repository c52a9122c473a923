//! Deploys: first the plan, then the deploy that is bound to the catalog version that the plan was made for.

use crate::client::{Caller, Client, ClientError};
use serde::{Deserialize, Serialize};

/// One file of a package; the name is relative to the package's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageFile {
    pub name: String,
    pub text: String,
}

/// One difference between what is live and what is offered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PlannedChange {
    /// `added`, `changed` or `broken`; a broken one is refused.
    pub kind: String,
    pub text: String,
}

/// A plan, or a deploy that was done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Deployment {
    pub package: String,
    /// The catalog version: of a plan, the one that it was made for; of a deploy, the new one.
    pub epoch: u64,
    /// Whether something was deployed: not for a plan, and not where the node has the same module already.
    pub deployed: bool,
    pub changes: Vec<PlannedChange>,
}

#[derive(Serialize)]
struct Request<'a> {
    files: &'a [PackageFile],
    plan_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_epoch: Option<u64>,
}

impl Client {
    /// What a deploy of these files would change. Changes nothing; needs the token.
    pub fn plan(&self, files: &[PackageFile]) -> Result<Deployment, ClientError> {
        self.send(&Request {
            files,
            plan_only: true,
            expected_epoch: None,
        })
    }

    /// Deploys, if the catalog version is still the expected one. Needs the token.
    pub fn deploy(
        &self,
        files: &[PackageFile],
        expected_epoch: u64,
    ) -> Result<Deployment, ClientError> {
        self.send(&Request {
            files,
            plan_only: false,
            expected_epoch: Some(expected_epoch),
        })
    }

    fn send(&self, request: &Request<'_>) -> Result<Deployment, ClientError> {
        let body =
            serde_json::to_vec(request).map_err(|error| ClientError::Request(error.to_string()))?;
        let (answer, _) = self.post(
            "/deploy",
            "application/json",
            &body,
            &Caller::default(),
            true,
            None,
        )?;
        serde_json::from_slice(&answer).map_err(|error| ClientError::Answer(error.to_string()))
    }
}
