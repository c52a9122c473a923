//! Many calls in one request: NDJSON in, NDJSON out, one line each, in order.
//!
//! A line's answer is `{"ok": result}` or `{"problem": {…}}`. Lines are ordered in groups; a malformed line is answered
//! by a problem and nothing is run for it. With `Idempotency-Key: CLIENT/N` the lines are the client's calls N, N+1, ….

use crate::call::{body_limit, pack_arguments, result_text, session_key};
use crate::problem::Problem;
use crate::state::Gateway;
use crate::target::Target;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use rc_bytecode::interface::CommandKind;
use rc_engine::{Call, Op, Reply, SessionKey};
use rc_node::BATCH_OPS_MAX;

pub async fn bulk(
    gateway: Gateway,
    target: Target,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response<Body>, Problem> {
    if !target.command().kind.is_called() {
        return Err(Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "not-a-command",
            "reports are not called in bulk",
        ));
    }
    let principal = gateway.access.principal(&headers, target.interface())?;
    let session = match session_key(&headers, principal.id)? {
        SessionKey::None => None,
        SessionKey::Client { client, sequence } => Some(open(&gateway, client, sequence).await?),
        SessionKey::Slot { .. } => None,
    };
    let line_limit = body_limit(&target);
    let mut out = String::with_capacity(body.len());
    let lines: Vec<&[u8]> = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
        .collect();
    for (group_number, group) in lines.chunks(BATCH_OPS_MAX).enumerate() {
        let mut calls = Vec::with_capacity(group.len());
        let mut problems: Vec<Option<Problem>> = Vec::with_capacity(group.len());
        for (index, line) in group.iter().enumerate() {
            let packed = if line.len() <= line_limit {
                pack_arguments(&target, line)
            } else {
                let detail = format!(
                    "the arguments fit in {line_limit} bytes of JSON, this line has {}",
                    line.len()
                );
                Err(Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too-large",
                    detail,
                ))
            };
            match packed {
                Ok(arguments) => {
                    let number = (group_number * BATCH_OPS_MAX + index) as u64;
                    let session = session.map_or(SessionKey::None, |(slot, generation, first)| {
                        SessionKey::Slot {
                            slot,
                            generation,
                            sequence: first + number,
                        }
                    });
                    calls.push(Call {
                        epoch: target.epoch,
                        command: target.index,
                        principal,
                        session,
                        arguments,
                    });
                    problems.push(None);
                }
                Err(problem) => problems.push(Some(problem)),
            }
        }
        let answered = if calls.is_empty() {
            Ok(Vec::new())
        } else if target.command().kind == CommandKind::Command {
            gateway
                .order(calls.into_iter().map(Op::Call).collect())
                .await
                .map(|answer| answer.replies)
        } else {
            gateway.query(calls).await.map(|answer| answer.replies)
        };
        let (mut replies, refused) = match answered {
            Ok(replies) => (replies.into_iter(), None),
            // Lines before this group were answered: their outcomes must not be lost with an error for the whole.
            Err(error) if group_number > 0 => (Vec::new().into_iter(), Some(Problem::from(error))),
            Err(error) => return Err(error.into()),
        };
        for problem in problems {
            let line = match problem {
                Some(problem) => Err(problem),
                None => match &refused {
                    Some(problem) => Err(problem.clone()),
                    None => answer(&target, replies.next()),
                },
            };
            match line {
                Ok(result) => {
                    out.push_str("{\"ok\":");
                    out.push_str(&result);
                }
                Err(problem) => {
                    out.push_str("{\"problem\":");
                    out.push_str(&problem.body());
                }
            }
            out.push_str("}\n");
        }
    }
    let mut response = Response::new(Body::from(out));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    );
    Ok(response)
}

fn answer(target: &Target, reply: Option<Reply>) -> Result<String, Problem> {
    let reply = reply.ok_or_else(crate::call::internal)?;
    match Problem::of_reply(target.interface(), &reply) {
        Some(problem) => Err(problem),
        None => result_text(target, &reply),
    }
}

/// The client's wide session and the number of its first line.
pub(crate) async fn open(
    gateway: &Gateway,
    client: u128,
    first: u64,
) -> Result<(u32, u32, u64), Problem> {
    match gateway
        .order(vec![Op::OpenSession { client }])
        .await?
        .replies
        .first()
    {
        Some(Reply::SessionOpened { slot, generation }) => Ok((*slot, *generation, first)),
        Some(Reply::Refused(refusal)) => Err(Problem::of_refusal(refusal)),
        _ => Err(crate::call::internal()),
    }
}
