//! Many calls of one command in one request: NDJSON out, NDJSON back, one answer per line, in order.
//!
//! Always true: a group is ordered as a whole or, where the node refuses it, not at all; so a refused group may be sent
//! again. A group whose answer did not come may be sent again with its key only.

use crate::client::{Caller, Client, ClientError, name};
use crate::problem::Problem;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Lines of one request at most: as many outcomes as a session keeps, so that sending again finds each.
pub const BULK_LINES_MAX: usize = 4_096;
/// Bytes of one request at most.
pub const BULK_BYTES_MAX: usize = 4 << 20;

/// What a group of lines gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BulkAnswer {
    pub ok: u64,
    /// How many lines failed, by the failure's label.
    pub failures: BTreeMap<String, u64>,
    /// The group's first failure: its line, from 0, and the problem.
    pub first_failure: Option<(u64, Problem)>,
}

impl BulkAnswer {
    /// Lines answered.
    pub fn lines(&self) -> u64 {
        self.ok + self.failures.values().sum::<u64>()
    }
}

impl Client {
    /// Sends `lines` (each a JSON object, each ended by a newline, none blank; within the bounds above) as calls of one
    /// command. `key` is `CLIENT/N`: the first line is the client's N-th call, the next its N+1-th, and so on.
    pub fn bulk(
        &self,
        package: &str,
        command: &str,
        lines: &[u8],
        caller: &Caller,
        key: Option<&str>,
    ) -> Result<BulkAnswer, ClientError> {
        let path = format!("/{}/{}", name(package)?, name(command)?);
        let (body, _) = self.post(&path, "application/x-ndjson", lines, caller, false, key)?;
        let answer = read_answer(&body)?;
        let sent = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        if answer.lines() != sent {
            return Err(ClientError::Answer(format!(
                "{} answers to {sent} calls",
                answer.lines()
            )));
        }
        Ok(answer)
    }
}

fn read_answer(body: &[u8]) -> Result<BulkAnswer, ClientError> {
    #[derive(serde::Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        problem: &'a RawValue,
    }
    let mut answer = BulkAnswer::default();
    for line in body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        if line.starts_with(b"{\"ok\":") {
            answer.ok += 1;
            continue;
        }
        let line: Line<'_> =
            serde_json::from_slice(line).map_err(|error| ClientError::Answer(error.to_string()))?;
        let problem: Problem = serde_json::from_str(line.problem.get())
            .map_err(|error| ClientError::Answer(error.to_string()))?;
        let place = answer.lines();
        *answer
            .failures
            .entry(problem.label().to_owned())
            .or_default() += 1;
        answer.first_failure.get_or_insert((place, problem));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_code() {
        let body = b"{\"ok\":\"70\"}\n{\"problem\":{\"type\":\"urn:re-current:problem:command-failed\",\"code\":\"Payment.SameAccount\"}}\n{\"ok\":null}\n";
        let answer = read_answer(body).unwrap();
        assert_eq!((answer.ok, answer.lines()), (2, 3));
        assert_eq!(answer.failures.get("Payment.SameAccount"), Some(&1));
        assert_eq!(answer.first_failure.unwrap().0, 1);
        assert!(read_answer(b"{\"else\":1}\n").is_err());
        assert!(read_answer(b"{\"problem\":").is_err());
    }
}
