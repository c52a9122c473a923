//! One call over HTTP: `POST /package/command` with a JSON object, answered by the result as JSON.

use crate::body;
use crate::problem::Problem;
use crate::state::Gateway;
use crate::target::Target;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use rc_bytecode::interface::CommandKind;
use rc_engine::{Call, Op, Reply, SessionKey};
use rc_wire::json;
use sha2::{Digest, Sha256};

/// `POST /{package}/{command}`: JSON or NDJSON by content type.
pub(crate) async fn route(
    gateway: Gateway,
    target: Target,
    command: &str,
    request: Request,
) -> Response<Body> {
    let headers = request.headers().clone();
    let (body, _reserved) = match body::read(request).await {
        Ok(read) => read,
        Err(problem) => return problem.into_response(),
    };
    call(gateway, target, command, headers, body)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}

async fn call(
    gateway: Gateway,
    target: Target,
    command: &str,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response<Body>, Problem> {
    match media_type(&headers) {
        "application/json" => {}
        "application/x-ndjson" => return crate::bulk::bulk(gateway, target, headers, body).await,
        _ => {
            let detail =
                "send Content-Type: application/json (or application/x-ndjson, one call per line)";
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                detail,
            ));
        }
    }
    small_enough(&target, command, body.len())?;
    let arguments = pack_arguments(&target, &body)?;
    run(&gateway, &target, &headers, arguments).await
}

/// A body has at most the bytes that the arguments can need.
pub(crate) fn small_enough(target: &Target, command: &str, bytes: usize) -> Result<(), Problem> {
    let limit = body_limit(target);
    if bytes > limit {
        let detail = format!(
            "the arguments of {command} fit in {limit} bytes of JSON, the body has {bytes}"
        );
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            detail,
        ));
    }
    Ok(())
}

/// Runs a call whose arguments are packed, and makes the answer.
pub(crate) async fn run(
    gateway: &Gateway,
    target: &Target,
    headers: &HeaderMap,
    arguments: Vec<u8>,
) -> Result<Response<Body>, Problem> {
    let principal = gateway.access.principal(headers, target.interface())?;
    let session = session_key(headers, principal.id)?;
    let call = Call {
        epoch: target.epoch,
        command: target.index,
        principal,
        session,
        arguments,
    };
    let answer = match target.command().kind {
        CommandKind::Command => gateway.order(vec![Op::Call(call)]).await?,
        CommandKind::Query => gateway.query(vec![call]).await?,
        CommandKind::Report | CommandKind::Step => {
            let detail = "a report runs on a snapshot, never in line with commands, and this node has none to run it on: \
                          `rcc test` runs reports; a query over an index, with `take`, is answered here";
            return Err(Problem::new(
                StatusCode::NOT_IMPLEMENTED,
                "report-not-served",
                detail,
            ));
        }
    };
    let reply = answer.replies.first().ok_or_else(internal)?;
    let mut response = match Problem::of_reply(target.interface(), reply) {
        Some(problem) => problem.into_response(),
        None => json_response(result_text(target, reply)?),
    };
    response
        .headers_mut()
        .insert("recurrent-op", HeaderValue::from(answer.op));
    Ok(response)
}

pub(crate) fn json_response(text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// The media type without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

pub(crate) fn internal() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "the node answered something that its interface does not have",
    )
}

/// Bytes of JSON that a command's arguments can need: escapes take up to six bytes for one, names and digits come on top.
pub(crate) fn body_limit(target: &Target) -> usize {
    let arguments = &target.command().arguments;
    let packed = target.interface().shapes.packed_record_max(arguments);
    let names: usize = arguments
        .fields
        .iter()
        .map(|(name, _)| name.len() + 64)
        .sum();
    (packed.saturating_mul(40).min(body::BODY_BYTES_MAX as u64) as usize + names + 256)
        .min(body::BODY_BYTES_MAX)
}

pub(crate) fn pack_arguments(target: &Target, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    pack_json(target, &json::parse(body)?)
}

pub(crate) fn pack_json(target: &Target, given: &json::Json) -> Result<Vec<u8>, Problem> {
    let mut arguments = Vec::with_capacity(64);
    json::pack_record(
        &target.interface().shapes,
        &target.command().arguments,
        given,
        &mut arguments,
    )?;
    Ok(arguments)
}

/// The result as JSON; `null` where the command has none.
pub(crate) fn result_text(target: &Target, reply: &Reply) -> Result<String, Problem> {
    match (reply, &target.command().result) {
        (Reply::Done(_), None) => Ok("null".to_string()),
        (Reply::Done(packed), Some(shape)) => {
            let mut out = String::new();
            json::write(&target.interface().shapes, shape, packed, &mut out)
                .map_err(|_| internal())?;
            Ok(out)
        }
        _ => Err(internal()),
    }
}

/// The largest number of a call; far enough from the end that no stream counts beyond it.
const SEQUENCE_MAX: u64 = 1 << 62;

/// `Idempotency-Key: CLIENT/17` is the client's 17th call; a key without a number is a client of one call.
pub(crate) fn session_key(headers: &HeaderMap, caller: u64) -> Result<SessionKey, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(SessionKey::None);
    };
    let bad = || {
        let detail = "Idempotency-Key is 1 to 200 visible characters: any unique text, or CLIENT/NUMBER with numbers from 1";
        Problem {
            field: Some("Idempotency-Key".to_string()),
            ..Problem::new(StatusCode::BAD_REQUEST, "bad-idempotency-key", detail)
        }
    };
    let text = value.to_str().map_err(|_| bad())?.trim().trim_matches('"');
    if text.is_empty() || text.len() > 200 {
        return Err(bad());
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad());
    }
    let (client, sequence) = match text.rsplit_once('/') {
        Some((client, number))
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            match number.parse::<u64>() {
                Ok(sequence) if (1..=SEQUENCE_MAX).contains(&sequence) && !client.is_empty() => {
                    (client, sequence)
                }
                _ => return Err(bad()),
            }
        }
        _ => (text, 1),
    };
    Ok(SessionKey::Client {
        client: client_id(client, caller),
        sequence,
    })
}

/// 128 bits of a client's name, of one caller: keys of others are never met. Never 0, which marks a free slot.
fn client_id(name: &str, caller: u64) -> u128 {
    let digest = Sha256::new()
        .chain_update(caller.to_le_bytes())
        .chain_update(name)
        .finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    u128::from_le_bytes(id).max(1)
}
