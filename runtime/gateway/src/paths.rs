//! From a request's path to a call: derived paths by name first, then those that packages chose (`@http`).
//!
//! Always true: a path is taken apart before its parts are decoded, so that an encoded `/` stays in its part; parts that cannot be
//! decoded, are empty or are `.` or `..` are no argument's; an argument comes from one place, the path, the
//! query string or the body.

use crate::body;
use crate::call::{self, media_type};
use crate::pages;
use crate::problem::Problem;
use crate::state::Gateway;
use crate::target::Target;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::{Record, Shape};
use rc_bytecode::routes::{Method, Route};
use rc_node::CatalogView;
use rc_wire::json::{FieldError, Json};
use std::sync::Arc;

/// A part of a path, decoded; none where it is not percent-encoded UTF-8.
type Part = Option<String>;

/// What a request is for.
struct Chosen {
    target: Target,
    route: Route,
    /// Names and values as they stand in the path.
    given: Vec<(String, Part)>,
}

/// Everything that is not one of the node's own paths.
pub async fn route(State(gateway): State<Gateway>, request: Request) -> Response<Body> {
    let parts = parts(request.uri().path());
    let view = gateway.node.catalog();
    let derived = match &parts[..] {
        [Some(package), Some(command)] => Some((package.clone(), command.clone())),
        _ => None,
    };
    let is_post = request.method() == axum::http::Method::POST;
    if let (true, Some((package, command))) = (is_post, &derived) {
        if media_type(request.headers()).starts_with("application/grpc") {
            return crate::grpc::grpc(gateway, package, command, request).await;
        }
        match Target::find(&view, package, command) {
            Ok(target) => return call::route(gateway, target, command, request).await,
            Err(problem) if !is_chosen(&view, &parts) => return problem.into_response(),
            Err(_) => {}
        }
    }
    let method = Method::from_name(request.method().as_str());
    let chosen = method.and_then(|method| find(&view, method, &parts));
    if let Some(chosen) = chosen {
        return serve(gateway, chosen, request)
            .await
            .unwrap_or_else(IntoResponse::into_response);
    }
    let mut allowed: Vec<Method> = Method::all().collect();
    let is_derived =
        derived.is_some_and(|(package, command)| Target::find(&view, &package, &command).is_ok());
    allowed.retain(|method| {
        (*method == Method::Post && is_derived) || find(&view, *method, &parts).is_some()
    });
    if allowed.is_empty() {
        return pages::not_found(request.uri().clone())
            .await
            .into_response();
    }
    let allowed: Vec<&str> = allowed.into_iter().map(Method::name).collect();
    method_not_allowed(&request, &allowed.join(", "))
}

fn method_not_allowed(request: &Request, allowed: &str) -> Response<Body> {
    let detail = format!(
        "{} is not for {}; it takes {allowed}",
        request.method(),
        request.uri().path()
    );
    let kind = "method-not-allowed";
    let mut response = Problem::new(StatusCode::METHOD_NOT_ALLOWED, kind, detail).into_response();
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// The parts of a path between its slashes.
fn parts(path: &str) -> Vec<Part> {
    let rest = path.strip_prefix('/').unwrap_or(path);
    rest.split('/').map(|part| decoded(part, false)).collect()
}

/// Text without its percent signs; none where one does not stand before two digits, or where the bytes are not UTF-8.
fn decoded(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'%' => {
                let ([high, low], after) = rest.split_first_chunk::<2>()?;
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                bytes.push((digit(high)? * 16 + digit(low)?) as u8);
                rest = after;
            }
            b'+' if plus_is_space => bytes.push(b' '),
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Whether a path is one that a package chose, for whatever method.
fn is_chosen(view: &CatalogView, parts: &[Part]) -> bool {
    Method::all().any(|method| find(view, method, parts).is_some())
}

fn find(view: &CatalogView, method: Method, parts: &[Part]) -> Option<Chosen> {
    view.live.iter().find_map(|entry| {
        let routes = &entry.module.module().interface.routes;
        let mut own = routes.iter().filter(|route| route.method == method);
        own.find_map(|route| {
            let given = route.arguments(parts)?;
            Some(Chosen {
                target: Target {
                    epoch: entry.epoch,
                    module: Arc::clone(&entry.module),
                    index: route.command,
                },
                route: route.clone(),
                given: given
                    .into_iter()
                    .map(|(name, part)| (name.to_string(), part.clone()))
                    .collect(),
            })
        })
    })
}

async fn serve(
    gateway: Gateway,
    chosen: Chosen,
    request: Request,
) -> Result<Response<Body>, Problem> {
    let Chosen {
        target,
        route,
        given,
    } = chosen;
    let arguments = target.command().arguments.clone();
    let mut fields = Vec::new();
    for (name, part) in given {
        let value = match part.as_deref() {
            None => return Err(bad(&name, "not percent-encoded UTF-8")),
            Some("." | "..") => {
                return Err(bad(
                    &name,
                    "clients and proxies resolve `.` and `..` in a path",
                ));
            }
            Some(text) => value(&arguments, &name, text),
        };
        fields.push((name, value));
    }
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    if route.method == Method::Get {
        query(&uri, &arguments, &mut fields)?;
        let packed = call::pack_json(&target, &Json::Object(fields))?;
        let mut response = call::run(&gateway, &target, &headers, packed).await?;
        // What a command changes next is not in an answer that was kept.
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return Ok(response);
    }
    if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
        let name = query.split(['=', '&']).next().unwrap_or_default();
        let reason = format!(
            "arguments of a {} stand in the path and the body",
            route.method.name()
        );
        return Err(bad(name, &reason));
    }
    let (bytes, _reserved) = body::read(request).await?;
    needs_json(&headers, &route, bytes.is_empty())?;
    call::small_enough(&target, &target.command().name, bytes.len())?;
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    let Json::Object(given) = rc_wire::json::parse(text)? else {
        return Err(bad("", "the body is not an object"));
    };
    if let Some((name, _)) = given
        .iter()
        .find(|(name, _)| fields.iter().any(|(known, _)| known == name))
    {
        return Err(bad(name, "stands in the path, and not in the body"));
    }
    fields.extend(given);
    let packed = call::pack_json(&target, &Json::Object(fields))?;
    call::run(&gateway, &target, &headers, packed).await
}

/// A body, and any POST, is sent as JSON: pages of other origins cannot do that unasked.
fn needs_json(headers: &HeaderMap, route: &Route, is_empty: bool) -> Result<(), Problem> {
    let is_json = media_type(headers) == "application/json";
    if is_json || (is_empty && route.method != Method::Post) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "send Content-Type: application/json",
    ))
}

fn bad(field: &str, reason: &str) -> Problem {
    Problem::from(FieldError {
        path: field.to_string(),
        reason: reason.to_string(),
    })
}

/// The arguments of a query string, behind those of the path.
fn query(uri: &Uri, arguments: &Record, fields: &mut Vec<(String, Json)>) -> Result<(), Problem> {
    let pairs = uri.query().unwrap_or_default().split('&');
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name, true)
            .ok_or_else(|| bad(name, "a name that is not percent-encoded UTF-8"))?;
        let text = decoded(text, true).ok_or_else(|| bad(&name, "not percent-encoded UTF-8"))?;
        if fields.iter().any(|(known, _)| *known == name) {
            return Err(bad(&name, "stands twice"));
        }
        let value = value(arguments, &name, &text);
        fields.push((name, value));
    }
    Ok(())
}

/// Text as the JSON that its argument wants. What does not fit stays a string, which is refused with the argument's name.
fn value(arguments: &Record, name: &str, text: &str) -> Json {
    let argument = arguments.fields.iter().find(|(known, _)| known == name);
    let shape = match argument.map(|(_, shape)| shape) {
        Some(Shape::Optional(inner)) => Some(&**inner),
        shape => shape,
    };
    let found = match (shape, text) {
        (Some(Shape::Scalar(Scalar::Bool)), "true") => Some(Json::Bool(true)),
        (Some(Shape::Scalar(Scalar::Bool)), "false") => Some(Json::Bool(false)),
        (Some(Shape::Scalar(Scalar::F64)), _) => text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Json::Float),
        _ => None,
    };
    found.unwrap_or_else(|| Json::String(text.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_decoded_one_by_one() {
        let some = |text: &str| Some(text.to_string());
        assert_eq!(parts("/a/b%2Fc"), [some("a"), some("b/c")]);
        assert_eq!(parts("/a//b/"), [some("a"), some(""), some("b"), some("")]);
        assert_eq!(parts("/%e2%82%ac/+"), [some("€"), some("+")]);
        assert_eq!(
            parts("/%ff/%/%2/%zz/%c0%af"),
            [None, None, None, None, None]
        );
        assert_eq!(decoded("a+b%2B", true), some("a b+"));
    }
}
