//! `GET /events?from=N`: the event log as server-sent events, resumable from any op.
//!
//! Each event's id is `op.k`; a browser's `Last-Event-ID` resumes after it. A position that is no longer kept answers
//! 410 with the oldest one. A reader that does not keep up is cut off once its buffer is full for too long.

use crate::problem::Problem;
use crate::state::Gateway;
use crate::target::Target;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use rc_engine::EventRecord;
use rc_node::FeedItem;
use rc_wire::json;
use serde::Deserialize;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// Blocks that may wait for a slow reader.
const BUFFERED_BLOCKS: usize = 16;
/// How long a full buffer is tolerated.
const SLOW_READER: Duration = Duration::from_secs(30);
/// How often a comment keeps a quiet connection open.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Feeds at once; each has a thread.
const FEEDS_MAX: usize = 256;

static FEEDS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedQuery {
    /// First op; 0 and 1 are the beginning.
    #[serde(default)]
    from: u64,
    /// Only this package's events.
    package: Option<String>,
}

/// Counts a feed for as long as it lives.
struct Counted;

impl Counted {
    fn new() -> Option<Counted> {
        use std::sync::atomic::Ordering;
        let taken = FEEDS.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| {
            (count < FEEDS_MAX).then_some(count + 1)
        });
        taken.ok().map(|_| Counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        FEEDS.fetch_sub(1, std::sync::atomic::Ordering::AcqRel);
    }
}

/// `GET /events`.
pub async fn events(
    State(gateway): State<Gateway>,
    query: Result<Query<FeedQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    let Query(query) = query.map_err(|_| {
        let detail =
            "write /events?from=OP, with the number of the first op, and perhaps &package=NAME";
        Problem {
            field: Some("from".to_string()),
            ..Problem::new(StatusCode::BAD_REQUEST, "bad-query", detail)
        }
    })?;
    if let Some(package) = &query.package {
        Target::package(&gateway.node.catalog(), package)?;
    }
    let after = headers.get("last-event-id").map(parse_id).transpose()?;
    let from = after.map_or(query.from, |(op, _)| op);
    let feed = gateway.node.feed();
    let oldest = feed.oldest_op();
    if from > 1 && from < oldest {
        let detail = format!("events before op {oldest} are no longer kept");
        return Err(Problem::new(StatusCode::GONE, "events-gone", detail));
    }
    let busy = || {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "busy",
            format!("{FEEDS_MAX} feeds are open already"),
        )
    };
    let counted = Counted::new().ok_or_else(busy)?;
    let (sender, receiver) = mpsc::channel::<String>(BUFFERED_BLOCKS);
    let pump = move || {
        let _counted = counted;
        let mut cursor = feed.seek(from);
        let mut last_sent = Instant::now();
        while !sender.is_closed() {
            let text = match feed.next(&mut cursor, Duration::from_millis(250)) {
                Ok(FeedItem::Events(events)) => {
                    let wanted = events
                        .iter()
                        .filter(|event| after.is_none_or(|after| (event.op, event.k) > after));
                    render(&gateway, query.package.as_deref(), wanted)
                }
                Ok(FeedItem::Quiet) if last_sent.elapsed() >= HEARTBEAT => {
                    ": still here\n\n".to_string()
                }
                Ok(FeedItem::Quiet) => continue,
                Ok(FeedItem::Gone { .. } | FeedItem::Closed) | Err(_) => return,
            };
            if text.is_empty() {
                continue;
            }
            last_sent = Instant::now();
            if !send(&sender, text) {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("feed".to_string())
        .spawn(pump)
        .map_err(|_| busy())?;
    let body = Body::from_stream(ReceiverStream::new(receiver).map(Ok::<_, Infallible>));
    let mut response = Response::new(body);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Waits for room in a slow reader's buffer, but not for ever; whether it went.
fn send(sender: &mpsc::Sender<String>, text: String) -> bool {
    let (mut text, since) = (text, Instant::now());
    loop {
        match sender.try_send(text) {
            Ok(()) => return true,
            Err(mpsc::error::TrySendError::Closed(_)) => return false,
            Err(mpsc::error::TrySendError::Full(back)) => text = back,
        }
        if since.elapsed() > SLOW_READER {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// An event's id, `op.k`. Anything else is refused: a reader that went on from the beginning would see everything twice.
fn parse_id(id: &HeaderValue) -> Result<(u64, u32), Problem> {
    let parsed = id.to_str().ok().and_then(|id| {
        let (op, k) = id.trim().split_once('.')?;
        Some((op.parse().ok()?, k.parse().ok()?))
    });
    parsed.ok_or_else(|| Problem {
        field: Some("Last-Event-ID".to_string()),
        ..Problem::new(
            StatusCode::BAD_REQUEST,
            "bad-event-id",
            "Last-Event-ID is the id of an event, such as 17.0; leave it out to begin with ?from=OP",
        )
    })
}

/// Events as text: id, event name, data as JSON.
fn render<'a>(
    gateway: &Gateway,
    package: Option<&str>,
    events: impl Iterator<Item = &'a EventRecord>,
) -> String {
    let view = gateway.node.catalog();
    let mut out = String::new();
    for event in events {
        let Some(module) = view.module_of_epoch(event.epoch) else {
            continue;
        };
        let interface = &module.module().interface;
        if package.is_some_and(|package| package != interface.package) {
            continue;
        }
        let Some(described) = interface.events.get(event.event as usize) else {
            continue;
        };
        let mut fields = String::new();
        if json::write_record(
            &interface.shapes,
            &described.record,
            &event.fields,
            &mut fields,
        )
        .is_err()
        {
            continue;
        }
        let _ = write!(
            out,
            "id: {}.{}\nevent: {}.{}\ndata: {fields}\n\n",
            event.op, event.k, interface.package, described.record.name
        );
    }
    out
}
