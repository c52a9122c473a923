//! Paths that a package chooses for its commands and queries beside the derived ones: `GET /accounts/{id}`.
//!
//! Always true in a verified module: a path can be read and its names are arguments that text can carry; no request
//! is for two of its routes, for one of them and a derived route, or for one of them and a path of the node.
//! Compiler, verifier, deploys and gateway all ask the functions of this file, so that they never disagree.

use crate::interface::{CommandKind, Interface};
use crate::layout::{Record, Shape, Shapes};
use std::collections::BTreeSet;
use std::fmt;

/// Bytes of a path at most.
pub const PATH_BYTES_MAX: usize = 512;
/// Segments of a path at most.
pub const SEGMENTS_MAX: usize = 16;
/// The node's own paths.
pub const NODE_PATHS: [&str; 6] = [
    "/health",
    "/metrics",
    "/catalog",
    "/openapi.json",
    "/events",
    "/deploy",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Of queries alone.
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Whether a command or query can be asked for so: GET promises to change nothing, the others (but POST) to change something.
    pub fn fits(self, kind: CommandKind) -> bool {
        match kind {
            CommandKind::Query => matches!(self, Method::Get | Method::Post),
            CommandKind::Command => self != Method::Get,
            CommandKind::Report | CommandKind::Step => false,
        }
    }
}

/// A path of one command's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Index into `Interface::commands`.
    pub command: u32,
    pub method: Method,
    /// `/accounts/{id}`: segments are literal or the name of an argument.
    pub path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment<'p> {
    Literal(&'p str),
    Argument(&'p str),
}

/// Why a path cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("a path begins with `/`")]
    NoSlash,
    #[error("a path has at most {PATH_BYTES_MAX} bytes and {SEGMENTS_MAX} parts")]
    TooLong,
    #[error("a part of the path is empty")]
    Empty,
    #[error("`{0}` is no part of a path: clients and proxies resolve it")]
    Dots(String),
    #[error("`{0}` is no part of a path: letters, digits, `-`, `_`, `.`, `~`, or one `{{name}}`")]
    BadPart(String),
    #[error("`{{{0}}}` stands twice in the path")]
    Twice(String),
}

/// A path's parts.
pub fn segments(path: &str) -> Result<Vec<Segment<'_>>, PathError> {
    let rest = path.strip_prefix('/').ok_or(PathError::NoSlash)?;
    if path.len() > PATH_BYTES_MAX || rest.split('/').count() > SEGMENTS_MAX {
        return Err(PathError::TooLong);
    }
    let mut names = BTreeSet::new();
    let part = |part| {
        let segment = segment(part)?;
        match segment {
            Segment::Argument(name) if !names.insert(name) => {
                Err(PathError::Twice(name.to_string()))
            }
            _ => Ok(segment),
        }
    };
    rest.split('/').map(part).collect()
}

fn segment(part: &str) -> Result<Segment<'_>, PathError> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let is_literal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let braced = part
        .strip_prefix('{')
        .and_then(|part| part.strip_suffix('}'));
    match braced {
        Some(name) if is_name(name) => Ok(Segment::Argument(name)),
        None if part.is_empty() => Err(PathError::Empty),
        None if part == "." || part == ".." => Err(PathError::Dots(part.to_string())),
        None if part.bytes().all(is_literal) => Ok(Segment::Literal(part)),
        _ => Err(PathError::BadPart(part.to_string())),
    }
}

impl Route {
    /// The parts of a path that was verified; none of one that cannot be read.
    pub fn segments(&self) -> Vec<Segment<'_>> {
        segments(&self.path).unwrap_or_default()
    }

    /// Whether the path has this argument.
    pub fn has(&self, argument: &str) -> bool {
        self.segments().contains(&Segment::Argument(argument))
    }

    /// What the arguments of this path are, where a request's parts are for it.
    ///
    /// A part is none where it could not be decoded: an argument's own mistake, and no literal.
    pub fn arguments<'r, 'p>(
        &'r self,
        parts: &'p [Option<String>],
    ) -> Option<Vec<(&'r str, &'p Option<String>)>> {
        let segments = self.segments();
        if segments.len() != parts.len() {
            return None;
        }
        let mut arguments = Vec::new();
        for (segment, part) in segments.iter().zip(parts) {
            match segment {
                Segment::Literal(literal) if part.as_deref() == Some(*literal) => {}
                Segment::Literal(_) => return None,
                Segment::Argument(_) if part.as_deref() == Some("") => return None,
                Segment::Argument(name) => arguments.push((*name, part)),
            }
        }
        Some(arguments)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.name(), self.path)
    }
}

/// Whether one path could be for both.
pub fn may_meet(left: &str, right: &str) -> bool {
    let (Ok(left), Ok(right)) = (segments(left), segments(right)) else {
        return false;
    };
    left.len() == right.len()
        && left.iter().zip(&right).all(|parts| match parts {
            (Segment::Literal(left), Segment::Literal(right)) => left == right,
            _ => true,
        })
}

/// The node's path that a request for this one could be meant for.
pub fn met_node_path(path: &str) -> Option<&'static str> {
    NODE_PATHS.into_iter().find(|known| may_meet(path, known))
}

/// A route of a package, or the derived one of one of its commands, that a request for this one could be meant for.
pub fn met_in(route: &Route, interface: &Interface, without: Option<usize>) -> Option<String> {
    let own = interface.routes.iter().enumerate();
    let met = own
        .filter(|(index, _)| Some(*index) != without)
        .map(|(_, known)| known)
        .find(|known| known.method == route.method && may_meet(&known.path, &route.path));
    if let Some(met) = met {
        return Some(met.to_string());
    }
    let segments = route.segments();
    let [first, second] = &segments[..] else {
        return None;
    };
    let is_package = matches!(first, Segment::Argument(_))
        || *first == Segment::Literal(interface.package.as_str());
    if route.method != Method::Post || !is_package {
        return None;
    }
    let mut commands = interface.commands.iter();
    let met = commands.find(|command| match second {
        Segment::Literal(name) => *name == command.name,
        Segment::Argument(_) => true,
    });
    met.map(|command| format!("POST /{}/{}", interface.package, command.name))
}

/// A route of one package that meets one of another's, or a derived one of its; both in words.
pub fn met_between(new: &Interface, other: &Interface) -> Option<(String, String)> {
    let meets = |from: &Interface, to: &Interface| {
        let mut routes = from.routes.iter();
        routes.find_map(|route| Some((route.to_string(), met_in(route, to, None)?)))
    };
    meets(new, other).or_else(|| meets(other, new).map(|(theirs, own)| (own, theirs)))
}

/// Whether a part of a path can carry a value: all that is one word of text.
pub fn in_path(shapes: &Shapes, shape: &Shape) -> bool {
    match shape {
        Shape::Scalar(_)
        | Shape::Time
        | Shape::Duration
        | Shape::Uuid
        | Shape::Hash
        | Shape::Decimal { .. }
        | Shape::String(_) => true,
        Shape::Enum(index) => shapes
            .enums
            .get(*index as usize)
            .is_some_and(|sum| sum.variants.iter().all(|variant| variant.fields.is_empty())),
        Shape::Bytes(_)
        | Shape::Optional(_)
        | Shape::Tuple(_)
        | Shape::List(..)
        | Shape::Set(..)
        | Shape::Map(..)
        | Shape::Struct(_) => false,
    }
}

/// Whether a query string can carry a value: as a path, or leave it out.
pub fn in_query(shapes: &Shapes, shape: &Shape) -> bool {
    match shape {
        Shape::Optional(inner) => in_path(shapes, inner),
        _ => in_path(shapes, shape),
    }
}

/// Why a route cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    #[error("the route {0} is of no command or query")]
    NoCommand(String),
    #[error("the route {0} is not of a kind that is asked for so")]
    Method(String),
    #[error("the route {route} cannot be read: {reason}")]
    Path { route: String, reason: PathError },
    #[error("the route {route} has no argument `{name}`, or it cannot stand there")]
    Argument { route: String, name: String },
    #[error("the route {route} meets {met}")]
    Meets { route: String, met: String },
    #[error("routes do not stand in the order of their commands, one for each")]
    Order,
}

/// Whether all routes of a module can be served.
pub fn check(interface: &Interface) -> Result<(), RouteError> {
    let mut last = None;
    for (index, route) in interface.routes.iter().enumerate() {
        let text = route.to_string();
        let command = interface.commands.get(route.command as usize);
        let command = command.ok_or_else(|| RouteError::NoCommand(text.clone()))?;
        if last.is_some_and(|last| last >= route.command) {
            return Err(RouteError::Order);
        }
        last = Some(route.command);
        if !route.method.fits(command.kind) {
            return Err(RouteError::Method(text));
        }
        let parts = segments(&route.path).map_err(|reason| RouteError::Path {
            route: text.clone(),
            reason,
        })?;
        if let Some(name) = unfit(&parts, route.method, &interface.shapes, &command.arguments) {
            return Err(RouteError::Argument { route: text, name });
        }
        let met = met_node_path(&route.path).map(str::to_string);
        if let Some(met) = met.or_else(|| met_in(route, interface, Some(index))) {
            return Err(RouteError::Meets { route: text, met });
        }
    }
    Ok(())
}

/// A name of the path that is no argument, or an argument that text cannot carry where it stands.
fn unfit(
    parts: &[Segment<'_>],
    method: Method,
    shapes: &Shapes,
    arguments: &Record,
) -> Option<String> {
    for part in parts {
        let Segment::Argument(name) = part else {
            continue;
        };
        let argument = arguments.fields.iter().find(|(known, _)| known == name);
        if !argument.is_some_and(|(_, shape)| in_path(shapes, shape)) {
            return Some((*name).to_string());
        }
    }
    if method != Method::Get {
        return None;
    }
    let rest = arguments
        .fields
        .iter()
        .filter(|(name, _)| !parts.contains(&Segment::Argument(name)));
    rest.into_iter()
        .find(|(_, shape)| !in_query(shapes, shape))
        .map(|(name, _)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_or_refused() {
        assert_eq!(
            segments("/accounts/{id}"),
            Ok(vec![Segment::Literal("accounts"), Segment::Argument("id")])
        );
        for (path, reason) in [
            ("accounts", PathError::NoSlash),
            ("", PathError::NoSlash),
            ("/", PathError::Empty),
            ("/a/", PathError::Empty),
            ("/a//b", PathError::Empty),
            ("/a/..", PathError::Dots("..".into())),
            ("/a/b{c}", PathError::BadPart("b{c}".into())),
            ("/{}", PathError::BadPart("{}".into())),
            ("/{a-b}", PathError::BadPart("{a-b}".into())),
            ("/a%2Fb", PathError::BadPart("a%2Fb".into())),
            ("/a?b", PathError::BadPart("a?b".into())),
            ("/ü", PathError::BadPart("ü".into())),
            ("/{a}/{a}", PathError::Twice("a".into())),
        ] {
            assert_eq!(segments(path), Err(reason), "{path}");
        }
        assert_eq!(segments(&"/a".repeat(17)), Err(PathError::TooLong));
        assert_eq!(
            segments(&format!("/{}", "a".repeat(512))),
            Err(PathError::TooLong)
        );
    }

    #[test]
    fn paths_meet_where_one_request_could_be_for_both() {
        assert!(may_meet("/a/{b}", "/{c}/d"));
        assert!(may_meet("/a/b", "/a/b"));
        assert!(!may_meet("/a/b", "/a/c"));
        assert!(!may_meet("/a/{b}", "/a/{b}/c"));
        assert_eq!(met_node_path("/{slug}"), Some("/health"));
        assert_eq!(met_node_path("/events"), Some("/events"));
        assert_eq!(met_node_path("/events/{id}"), None);
    }
}
