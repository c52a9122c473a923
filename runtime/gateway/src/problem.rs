//! Errors as RFC 9457 problem documents: `type`, `title`, `status`, `detail`, and for declared errors `code` and `fields`.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use rc_bytecode::Interface;
use rc_bytecode::instr::Failure;
use rc_engine::{Refusal, Reply};
use rc_node::SubmitError;
use rc_wire::json::{self, FieldError, write_string};

/// A problem to answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    /// Last part of the `type` URI.
    pub kind: &'static str,
    pub title: String,
    pub detail: String,
    /// The field of the request that is at fault.
    pub field: Option<String>,
    /// `Payment.Insufficient`, or a built-in failure's name.
    pub code: Option<String>,
    /// The declared error's fields as JSON text.
    pub fields: Option<String>,
}

impl Problem {
    pub fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Problem {
        let title = kind.replace('-', " ");
        Problem {
            status,
            kind,
            title,
            detail: printable(&detail.into()),
            field: None,
            code: None,
            fields: None,
        }
    }

    /// The document.
    pub fn body(&self) -> String {
        let mut out = String::from("{\"type\":");
        write_string(&format!("urn:re-current:problem:{}", self.kind), &mut out);
        out.push_str(",\"title\":");
        write_string(&self.title, &mut out);
        out.push_str(&format!(",\"status\":{}", self.status.as_u16()));
        out.push_str(",\"detail\":");
        write_string(&self.detail, &mut out);
        if let Some(field) = &self.field {
            out.push_str(",\"field\":");
            write_string(&printable(field), &mut out);
        }
        if let Some(code) = &self.code {
            out.push_str(",\"code\":");
            write_string(code, &mut out);
        }
        if let Some(fields) = &self.fields {
            out.push_str(",\"fields\":");
            out.push_str(fields);
        }
        out.push('}');
        out
    }

    /// A command's failure, with the declared error's name and fields.
    pub fn of_failure(interface: &Interface, failure: Failure, payload: &[u8]) -> Problem {
        match failure {
            Failure::Builtin(builtin) => {
                let name = format!("{builtin:?}");
                let status = match name.as_str() {
                    "Denied" => StatusCode::FORBIDDEN,
                    "AlreadyExists" | "StillReferenced" => StatusCode::CONFLICT,
                    "TableFull" => StatusCode::INSUFFICIENT_STORAGE,
                    _ => StatusCode::UNPROCESSABLE_ENTITY,
                };
                let detail = format!("the command failed with {name}; nothing was changed");
                Problem {
                    code: Some(name),
                    ..Problem::new(status, "command-failed", detail)
                }
            }
            Failure::Declared { error, variant } => {
                let found = interface.errors.get(error as usize);
                let found = found.and_then(|sum| Some((sum, sum.variants.get(variant as usize)?)));
                let Some((sum, record)) = found else {
                    // A newer deployment answered, with a variant that this interface does not have yet.
                    let detail =
                        "the command failed with an error of a newer version; nothing was changed";
                    let problem =
                        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "command-failed", detail);
                    return Problem {
                        code: Some("Unknown".to_string()),
                        ..problem
                    };
                };
                let mut fields = String::new();
                let fields = json::write_record(&interface.shapes, record, payload, &mut fields)
                    .ok()
                    .map(|()| fields);
                let code = format!("{}.{}", sum.name, record.name);
                let detail = format!("the command failed with {code}; nothing was changed");
                let problem =
                    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "command-failed", detail);
                Problem {
                    code: Some(code),
                    fields,
                    ..problem
                }
            }
        }
    }

    pub fn of_refusal(refusal: &Refusal) -> Problem {
        let (status, kind) = match refusal {
            Refusal::UnknownEpoch | Refusal::CommandGone => (StatusCode::GONE, "command-gone"),
            Refusal::NotACommand => (StatusCode::METHOD_NOT_ALLOWED, "not-a-command"),
            Refusal::BadArguments => (StatusCode::BAD_REQUEST, "bad-arguments"),
            Refusal::SessionExpired | Refusal::SequenceExpired => {
                (StatusCode::CONFLICT, "idempotency-key-expired")
            }
            Refusal::SequenceReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused"),
            Refusal::SessionsFull => (StatusCode::SERVICE_UNAVAILABLE, "sessions-full"),
            Refusal::Deploy(_) => (StatusCode::CONFLICT, "deploy-refused"),
        };
        Problem::new(status, kind, refusal.to_string())
    }

    /// `None` for replies that are no problem.
    pub fn of_reply(interface: &Interface, reply: &Reply) -> Option<Problem> {
        match reply {
            Reply::Failed(failure, payload) => {
                Some(Problem::of_failure(interface, *failure, payload))
            }
            Reply::Refused(refusal) => Some(Problem::of_refusal(refusal)),
            Reply::Done(_) | Reply::Deployed { .. } | Reply::SessionOpened { .. } => None,
        }
    }
}

/// Text without control characters.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Problem {
        let field = (!error.path.is_empty()).then(|| error.path.clone());
        Problem {
            field,
            ..Problem::new(StatusCode::BAD_REQUEST, "bad-arguments", error.to_string())
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Problem {
        let (status, kind) = match error {
            SubmitError::Busy => (StatusCode::TOO_MANY_REQUESTS, "busy"),
            SubmitError::LogRefused(_) => (StatusCode::INSUFFICIENT_STORAGE, "log-refused"),
            SubmitError::Halted(_) => (StatusCode::SERVICE_UNAVAILABLE, "halted"),
            SubmitError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
        };
        Problem::new(status, kind, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status;
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
