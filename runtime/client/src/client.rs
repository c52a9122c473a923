//! The client: one request, one answer. Always true: connections are kept and reused; only loopback-style `http://` is
//! spoken, without proxies and redirects; an answer is bounded in bytes.

use crate::address::Address;
use crate::problem::Problem;
use crate::token::Token;
use serde_json::Value;
use std::io::ErrorKind;
use std::time::Duration;
use ureq::http::Response;
use ureq::{Agent, Body, Timeout};

/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A node under load answers late; a deploy compiles.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// Why there is no answer of the node's, or what it refused.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing was sent.
    #[error("no node answers at {address}: {reason}")]
    Unreachable { address: String, reason: String },
    /// It was sent, at least in part, and the node may have run it.
    #[error(
        "the connection to {address} broke before the answer came ({reason}); the node may have run what was sent"
    )]
    Interrupted { address: String, reason: String },
    /// The node said no, or the command failed.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The answer is not what this version of the client knows.
    #[error("an answer that is not understood: {0}")]
    Answer(String),
    /// The caller's mistake, before anything was sent.
    #[error("{0}")]
    Request(String),
}

impl ClientError {
    /// Whether the node may have run what was sent, although no answer came.
    pub fn may_have_run(&self) -> bool {
        matches!(
            self,
            ClientError::Interrupted { .. } | ClientError::Answer(_)
        )
    }

    /// Whether it is worth sending again soon: the node was not there or said that it is busy. Nothing was run.
    pub fn is_transient(&self) -> bool {
        match self {
            ClientError::Unreachable { .. } => true,
            ClientError::Problem(problem) => problem.status == 429,
            _ => false,
        }
    }
}

/// Who calls. Roles and an id count with the node's token only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    pub id: Option<u64>,
    /// Names of the package's roles.
    pub roles: Vec<String>,
}

/// What a command gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The op's number in the log (for a query: the position that it saw); 0 where the node gave none.
    pub op: u64,
    /// The result as JSON text; `null` where the command has none.
    pub result: String,
}

/// A node's client. Cheap to clone; clones share the connections.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    pub(crate) address: Address,
    token: Option<Token>,
}

impl Client {
    /// Does not connect yet.
    pub fn new(address: Address, token: Option<Token>) -> Client {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(ANSWER_TIMEOUT))
            .timeout_recv_body(Some(ANSWER_TIMEOUT))
            .user_agent(concat!("rc-client/", env!("CARGO_PKG_VERSION")))
            .build();
        Client {
            agent: config.new_agent(),
            address,
            token,
        }
    }

    /// Where the node is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Where the token was found.
    pub fn token_place(&self) -> Option<&str> {
        self.token.as_ref().map(Token::place)
    }

    /// The headers that say who calls. The token goes out only where it counts: a wrong one must not spoil a call that
    /// needs none.
    pub(crate) fn identity(
        &self,
        caller: &Caller,
        needs_token: bool,
    ) -> Result<Vec<(&'static str, String)>, ClientError> {
        let mut headers = Vec::new();
        let named = caller.id.is_some() || !caller.roles.is_empty();
        if let Some(token) = self.token.as_ref().filter(|_| needs_token || named) {
            headers.push(("authorization", token.bearer()));
        }
        if let Some(id) = caller.id {
            headers.push(("recurrent-caller", id.to_string()));
        }
        if !caller.roles.is_empty() {
            let roles: Result<Vec<&str>, ClientError> =
                caller.roles.iter().map(|role| name(role)).collect();
            headers.push(("recurrent-roles", roles?.join(",")));
        }
        Ok(headers)
    }

    /// Calls `package.command` with a JSON object. `key` is the idempotency key: the same call with the same key runs once.
    ///
    /// # Errors
    /// [`ClientError::Problem`] for a failure of the command or a refusal; see [`ClientError`] for the rest.
    pub fn call(
        &self,
        package: &str,
        command: &str,
        arguments: &str,
        caller: &Caller,
        key: Option<&str>,
    ) -> Result<Answer, ClientError> {
        let path = format!("/{}/{}", name(package)?, name(command)?);
        let (body, op) = self.post(
            &path,
            "application/json",
            arguments.as_bytes(),
            caller,
            false,
            key,
        )?;
        let result = String::from_utf8(body)
            .map_err(|_| ClientError::Answer("a result that is not UTF-8".to_owned()))?;
        Ok(Answer { op, result })
    }

    /// `GET /catalog`: what is deployed, with costs.
    pub fn catalog(&self) -> Result<Value, ClientError> {
        self.get("/catalog")
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value, ClientError> {
        let (body, _) = self.read(self.agent.get(format!("{}{path}", self.address)).call())?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Answer(error.to_string()))
    }

    /// The body of a successful answer, and the op that the node named.
    pub(crate) fn post(
        &self,
        path: &str,
        media_type: &str,
        body: &[u8],
        caller: &Caller,
        needs_token: bool,
        key: Option<&str>,
    ) -> Result<(Vec<u8>, u64), ClientError> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.address))
            .header("content-type", media_type);
        for (header, value) in self.identity(caller, needs_token)? {
            request = request.header(header, value);
        }
        if let Some(key) = key {
            check_key(key)?;
            request = request.header("idempotency-key", key);
        }
        self.read(request.send(body))
    }

    fn read(
        &self,
        sent: Result<Response<Body>, ureq::Error>,
    ) -> Result<(Vec<u8>, u64), ClientError> {
        let mut response = sent.map_err(|error| self.failed(&error))?;
        let op = response
            .headers()
            .get("recurrent-op")
            .and_then(|op| op.to_str().ok()?.parse().ok())
            .unwrap_or(0);
        let body = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES_MAX)
            .read_to_vec();
        let body = body.map_err(|error| self.interrupted(&error))?;
        if response.status().is_success() {
            Ok((body, op))
        } else {
            Err(ClientError::Problem(Box::new(Problem::of_body(
                response.status().as_u16(),
                &body,
            ))))
        }
    }

    fn interrupted(&self, error: &ureq::Error) -> ClientError {
        ClientError::Interrupted {
            address: self.address.to_string(),
            reason: error.to_string(),
        }
    }

    /// Nothing was sent only where there was no connection.
    fn failed(&self, error: &ureq::Error) -> ClientError {
        let unsent = match error {
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => true,
            ureq::Error::Timeout(timeout) => matches!(timeout, Timeout::Connect | Timeout::Resolve),
            ureq::Error::Io(error) => matches!(
                error.kind(),
                ErrorKind::ConnectionRefused | ErrorKind::AddrNotAvailable
            ),
            _ => false,
        };
        if unsent {
            ClientError::Unreachable {
                address: self.address.to_string(),
                reason: error.to_string(),
            }
        } else {
            self.interrupted(error)
        }
    }
}

pub(crate) fn check_key(key: &str) -> Result<(), ClientError> {
    if key.is_empty() || key.len() > 200 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ClientError::Request(
            "an idempotency key is 1 to 200 visible characters".to_owned(),
        ));
    }
    Ok(())
}

/// A name that stands in a path or header: letters, digits, `_`, and `@`, `.` of versions and packages.
pub(crate) fn name(text: &str) -> Result<&str, ClientError> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'@' | b'.');
    if !text.is_empty() && text.bytes().all(good) && !text.starts_with('.') {
        Ok(text)
    } else {
        Err(ClientError::Request(format!(
            "`{}` is not a name",
            text.escape_debug()
        )))
    }
}
