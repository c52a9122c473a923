//! A refusal or failure as the node tells it: a problem document (RFC 9457). Always true: a body that is no such
//! document still gives a problem, with the status and the first line of what came.

use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// Characters of a foreign body that are shown.
const EXCERPT_CHARACTERS_MAX: usize = 200;

/// What went wrong, for people and for programs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// `urn:re-current:problem:KIND`.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    /// The HTTP status; 0 in a line of a bulk answer where the node gave none.
    pub status: u16,
    pub detail: String,
    /// The field of the request at fault.
    pub field: Option<String>,
    /// `Payment.Insufficient`, or a built-in failure's name.
    pub code: Option<String>,
    /// The declared error's fields.
    pub fields: Option<Value>,
}

impl Problem {
    /// A problem that the client tells itself. `kind` is the last part of the type's URI.
    pub(crate) fn new(status: u16, kind: &str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("urn:re-current:problem:{kind}"),
            title: kind.replace('-', " "),
            status,
            detail: detail.into(),
            ..Problem::default()
        }
    }

    pub(crate) fn of_body(status: u16, body: &[u8]) -> Problem {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) if !problem.detail.is_empty() || !problem.title.is_empty() => {
                Problem { status, ..problem }
            }
            _ => {
                let text = String::from_utf8_lossy(body);
                let line = text.lines().next().unwrap_or_default();
                let detail = line
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(EXCERPT_CHARACTERS_MAX)
                    .collect();
                Problem {
                    status,
                    title: "unexpected answer".to_owned(),
                    detail,
                    ..Problem::default()
                }
            }
        }
    }

    /// The short name to count by: the failure's code, else the kind of problem.
    pub fn label(&self) -> &str {
        match &self.code {
            Some(code) => code,
            None if self.kind.is_empty() => &self.title,
            None => self.kind.rsplit(':').next().unwrap_or(&self.kind),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.fields) {
            (Some(code), Some(fields))
                if fields.as_object().is_some_and(|fields| !fields.is_empty()) =>
            {
                write!(out, "{code} {fields}")
            }
            (Some(code), _) => write!(out, "{code}"),
            (None, _) => write!(out, "{}: {}", self.label(), self.detail),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_read_with_code_and_fields() {
        let body = br#"{"type":"urn:re-current:problem:command-failed","title":"command failed","status":422,
            "detail":"the command failed","code":"Payment.Insufficient","fields":{"needed":"100"}}"#;
        let problem = Problem::of_body(422, body);
        assert_eq!(
            problem.to_string(),
            r#"Payment.Insufficient {"needed":"100"}"#
        );
        assert_eq!(problem.label(), "Payment.Insufficient");
    }

    #[test]
    fn foreign_bodies_still_give_a_problem() {
        let problem = Problem::of_body(502, b"<html>\x1b[2J\nmore");
        assert_eq!(
            (problem.status, problem.detail.as_str()),
            (502, "<html>[2J")
        );
        assert_eq!(Problem::of_body(500, b"{}").label(), "unexpected answer");
    }
}
