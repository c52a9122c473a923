//! What every handler shares, and the bridge from async requests to the node's callbacks.

use crate::deploy::SourceCompiler;
use crate::guard::Access;
use rc_engine::{Call, Op};
use rc_node::{Answer, Handle, SubmitError, Work};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    pub node: Handle,
    pub access: Arc<Access>,
    pub compiler: Arc<dyn SourceCompiler>,
}

impl Gateway {
    /// Orders ops and waits for their replies.
    pub async fn order(&self, ops: Vec<Op>) -> Result<Answer, SubmitError> {
        let (send, receive) = oneshot::channel();
        let answer = Box::new(move |result| drop(send.send(result)));
        self.node.submit(Work::Ops { ops, answer });
        receive
            .await
            .unwrap_or_else(|_| Err(SubmitError::Halted("the node is closed".to_string())))
    }

    /// Runs queries at the present position.
    pub async fn query(&self, calls: Vec<Call>) -> Result<Answer, SubmitError> {
        let (send, receive) = oneshot::channel();
        let answer = Box::new(move |result| drop(send.send(result)));
        self.node.submit(Work::Queries { calls, answer });
        receive
            .await
            .unwrap_or_else(|_| Err(SubmitError::Halted("the node is closed".to_string())))
    }
}
