//! All routes on one page.

use crate::state::Gateway;
use crate::{body, deploy, events, guard, openapi, pages, paths};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};

/// The HTTP side of a gateway.
pub fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/", get(pages::index))
        .route("/health", get(pages::health))
        .route("/metrics", get(pages::metrics))
        .route("/catalog", get(pages::catalog))
        .route("/openapi.json", get(openapi::openapi))
        .route("/events", get(events::events))
        .route("/deploy", post(deploy::deploy))
        .fallback(paths::route)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(DefaultBodyLimit::max(body::BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(
            gateway.clone(),
            guard::guard,
        ))
        .with_state(gateway)
}
