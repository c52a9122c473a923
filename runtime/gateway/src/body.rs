//! Request bodies: how large, how slow, and how many bytes of them at once.
//!
//! Always true: bytes are reserved before they are read, so that all bodies together stay below the budget; a sender
//! that is too slow is cut.

use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Bytes of a request body at most; a command's own bound is usually far below.
pub const BODY_BYTES_MAX: usize = 8 << 20;
/// Bytes of all bodies that are being read or worked on.
pub const BODIES_BYTES_MAX: usize = 256 << 20;
/// How long a body may take to arrive.
pub const SLOW_WRITER: Duration = Duration::from_secs(30);

static RESERVED: AtomicUsize = AtomicUsize::new(0);

/// A part of the budget, given back when dropped.
pub(crate) struct Reserved(usize);

impl Reserved {
    /// `None` where the budget has no more.
    pub fn new(bytes: usize) -> Option<Reserved> {
        let fits = |reserved: usize| {
            reserved
                .checked_add(bytes)
                .filter(|sum| *sum <= BODIES_BYTES_MAX)
        };
        RESERVED
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, fits)
            .ok()
            .map(|_| Reserved(bytes))
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        RESERVED.fetch_sub(self.0, Ordering::AcqRel);
    }
}

/// The body, and its part of the budget to be held until the answer is made.
pub(crate) async fn read(request: Request) -> Result<(Bytes, Reserved), Problem> {
    let too_large = || {
        let detail = format!("the body is larger than {BODY_BYTES_MAX} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    };
    let announced = announced(request.headers());
    if announced.is_some_and(|bytes| bytes > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let busy = || {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "busy",
            "the bodies of other requests fill the memory for them",
        )
    };
    // Without a length, the most that it can be.
    let reserved =
        Reserved::new(announced.map_or(BODY_BYTES_MAX, |bytes| bytes as usize)).ok_or_else(busy)?;
    match tokio::time::timeout(SLOW_WRITER, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok((body, reserved)),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(too_large())
        }
        Ok(Err(_)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "bad-body",
            "the body is cut short",
        )),
        Err(_) => {
            let detail = format!("the body did not arrive within {} s", SLOW_WRITER.as_secs());
            Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "too-slow",
                detail,
            ))
        }
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_given_back() {
        let whole = Reserved::new(BODIES_BYTES_MAX - (64 << 20)).unwrap();
        assert!(Reserved::new((64 << 20) + 1).is_none());
        assert!(Reserved::new(usize::MAX).is_none());
        drop(whole);
        assert!(Reserved::new((64 << 20) + 1).is_some());
    }
}
