//! Who may come in: `Host` and `Origin` against pages that a browser was tricked into, and the token for roles.
//!
//! Always true: without the token a caller has no roles, whatever headers say; a token is compared in constant time.

use crate::problem::Problem;
use crate::state::Gateway;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rc_bytecode::Interface;
use rc_engine::Principal;

/// The settings of one listener.
pub struct Access {
    /// `127.0.0.1:7070`, `localhost:7070`, …: what a `Host` header may say.
    pub hosts: Vec<String>,
    /// For deploys and roles.
    pub token: String,
}

impl Access {
    /// The hosts that mean a loopback listener on this port.
    pub fn loopback(port: u16, token: String) -> Access {
        let hosts = ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .map(|host| format!("{host}:{port}"))
            .collect();
        Access { hosts, token }
    }

    fn knows_host(&self, host: &str) -> bool {
        self.hosts
            .iter()
            .any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Whether the `Authorization` header carries the token; a wrong one is an error, none is not.
    pub fn has_token(&self, headers: &HeaderMap) -> Result<bool, Problem> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(false);
        };
        let given = value
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        let same = given.len() == self.token.len()
            && given
                .bytes()
                .zip(self.token.bytes())
                .fold(0, |differs, (left, right)| differs | (left ^ right))
                == 0;
        if same {
            Ok(true)
        } else {
            Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "the bearer token is not this node's: the right one is in the file `token` of the node's data directory",
            ))
        }
    }

    pub fn require_token(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if self.has_token(headers)? {
            return Ok(());
        }
        let detail = "this needs the node's token: send `Authorization: Bearer TOKEN` (rcc finds it by itself)";
        Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            detail,
        ))
    }

    /// The caller: `Recurrent-Caller` and `Recurrent-Roles` (names, comma-separated) count with the token only.
    pub fn principal(
        &self,
        headers: &HeaderMap,
        interface: &Interface,
    ) -> Result<Principal, Problem> {
        let caller = headers.get("recurrent-caller");
        let roles = headers.get("recurrent-roles");
        if caller.is_none() && roles.is_none() {
            self.has_token(headers)?;
            return Ok(Principal::default());
        }
        self.require_token(headers)?;
        let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "bad-principal", detail);
        let mut principal = Principal::default();
        if let Some(value) = caller {
            let id = value
                .to_str()
                .ok()
                .and_then(|text| text.trim().parse().ok());
            principal.id = id.ok_or_else(|| {
                bad("Recurrent-Caller is not a whole number of 64 bits".to_string())
            })?;
        }
        if let Some(value) = roles {
            let names = value
                .to_str()
                .map_err(|_| bad("Recurrent-Roles is not text".to_string()))?;
            for name in names
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
            {
                let bit = interface.roles.iter().position(|role| role == name);
                let bit = bit.ok_or_else(|| bad(format!("the package has no role {name}")))?;
                principal.roles |= 1 << bit;
            }
        }
        Ok(principal)
    }
}

/// Refuses foreign `Host` and `Origin` headers before anything is looked at.
pub async fn guard(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let access = &gateway.access;
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.or_else(|| {
        request
            .uri()
            .authority()
            .map(|authority| authority.as_str())
    });
    if !host.is_some_and(|host| access.knows_host(host)) {
        let detail = format!(
            "the Host header does not name this node; use {}",
            access.hosts.join(" or ")
        );
        return Problem::new(StatusCode::FORBIDDEN, "wrong-host", detail).into_response();
    }
    if let Some(origin) = request.headers().get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        if !origin
            .strip_prefix("http://")
            .is_some_and(|host| access.knows_host(host))
        {
            let detail = "requests from pages of other origins are not answered";
            return Problem::new(StatusCode::FORBIDDEN, "wrong-origin", detail).into_response();
        }
    }
    next.run(request).await
}
