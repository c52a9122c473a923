//! `GET /openapi.json`: the deployed interface as an OpenAPI 3.1 document. Derived; nothing is written by hand.

use crate::call::json_response;
use crate::state::Gateway;
use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use rc_bytecode::Interface;
use rc_bytecode::instr::Scalar;
use rc_bytecode::interface::{Allow, Command};
use rc_bytecode::layout::{Record, Shape, Shapes, Sum};
use rc_bytecode::routes::{Method, Route, Segment, segments};
use rc_node::CatalogView;
use serde_json::{Map, Value, json};

/// `GET /openapi.json`.
pub async fn openapi(State(gateway): State<Gateway>) -> Response<Body> {
    json_response(document(&gateway.node.catalog()).to_string())
}

/// The document for everything that is live.
pub fn document(view: &CatalogView) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    schemas.insert("Problem".to_string(), problem_schema());
    for entry in &view.live {
        let interface = &entry.module.module().interface;
        for record in &interface.shapes.structs {
            schemas.insert(
                schema_name(interface, &record.name),
                record_schema(interface, record),
            );
        }
        for sum in &interface.shapes.enums {
            schemas.insert(
                schema_name(interface, &sum.name),
                sum_schema(interface, sum),
            );
        }
        for command in interface
            .commands
            .iter()
            .filter(|command| command.kind.is_called())
        {
            let newest = interface
                .commands
                .iter()
                .all(|known| known.name != command.name || known.version <= command.version);
            let path = if newest {
                format!("/{}/{}", interface.package, command.name)
            } else {
                format!(
                    "/{}/{}@{}",
                    interface.package, command.name, command.version
                )
            };
            add(
                &mut paths,
                path,
                "post",
                operation(interface, command, None),
            );
        }
        for route in &interface.routes {
            let command = &interface.commands[route.command as usize];
            let mut operation = operation(interface, command, Some(route));
            let method = route.method.name().to_ascii_lowercase();
            let path = known_path(&paths, route, &mut operation);
            add(&mut paths, path, &method, operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Re-Current", "version": view.epoch.to_string() },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

/// The document has one name for each part of a path, whatever the commands behind it call it: that of the first one.
fn known_path(paths: &Map<String, Value>, route: &Route, operation: &mut Value) -> String {
    let own = route.segments();
    let same = |known: &String| {
        let known = segments(known).unwrap_or_default();
        known.len() == own.len()
            && known.iter().zip(&own).all(|parts| match parts {
                (Segment::Argument(_), Segment::Argument(_)) => true,
                (known, own) => known == own,
            })
    };
    let Some(known) = paths.keys().find(|known| same(known)) else {
        return route.path.clone();
    };
    let names: Vec<(&str, &str)> = segments(known)
        .unwrap_or_default()
        .into_iter()
        .zip(own)
        .filter_map(|parts| match parts {
            (Segment::Argument(known), Segment::Argument(own)) => Some((known, own)),
            _ => None,
        })
        .collect();
    let parameters = operation["parameters"].as_array_mut();
    for parameter in parameters.into_iter().flatten() {
        let renamed = names
            .iter()
            .find(|(_, own)| parameter["in"] == "path" && parameter["name"] == *own);
        if let Some((known, _)) = renamed {
            parameter["name"] = json!(known);
        }
    }
    known.clone()
}

fn add(paths: &mut Map<String, Value>, path: String, method: &str, operation: Value) {
    let of_path = paths.entry(path).or_insert_with(|| json!({}));
    of_path[method] = operation;
}

fn schema_name(interface: &Interface, name: &str) -> String {
    format!("{}.{name}", interface.package)
}

/// Of the derived path, or of one that the package chose: its arguments stand in the path, in the query string of a GET, and
/// what is left in the body.
fn operation(interface: &Interface, command: &Command, route: Option<&Route>) -> Value {
    let result = command
        .result
        .as_ref()
        .map_or(json!({ "type": "null" }), |shape| schema(interface, shape));
    let problem = |description: &str| {
        json!({
            "description": description,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        })
    };
    let fails: Vec<String> = command
        .fails
        .iter()
        .flat_map(|error| {
            let sum = &interface.errors[*error as usize];
            sum.variants
                .iter()
                .map(move |variant| format!("{}.{}", sum.name, variant.name))
        })
        .collect();
    let security = match command.allow {
        Allow::Anyone => json!([]),
        Allow::Roles(_) => json!([{ "token": [] }]),
    };
    let cost: Map<String, Value> = command
        .cost
        .dimensions()
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value)))
        .collect();
    let mut parameters = vec![json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Any unique text, or CLIENT/NUMBER: a call with the same key runs once.",
        "schema": { "type": "string", "maxLength": 200 },
    })];
    let mut body = command.arguments.clone();
    let mut id = format!("{}.{}@{}", interface.package, command.name, command.version);
    if let Some(route) = route {
        id = format!("{id}.{}", route.method.name().to_ascii_lowercase());
        let is_get = route.method == Method::Get;
        for (name, shape) in &command.arguments.fields {
            let place = match route.has(name) {
                true => "path",
                false if is_get => "query",
                false => continue,
            };
            let (shape, required) = match shape {
                Shape::Optional(inner) => (&**inner, false),
                shape => (shape, true),
            };
            parameters.push(json!({
                "name": name,
                "in": place,
                "required": required,
                "schema": schema(interface, shape),
            }));
        }
        body.fields.retain(|(name, _)| !is_get && !route.has(name));
    }
    let mut operation = json!({
        "operationId": id,
        "description": command.docs,
        "security": security,
        "x-cost": cost,
        "parameters": parameters,
        "responses": {
            "200": { "description": "The result.", "content": { "application/json": { "schema": result } } },
            "400": problem("The arguments are not of the command's types; `field` names the one."),
            "422": problem(&format!("The command failed and changed nothing. Codes: {}.", fails.join(", "))),
        },
    });
    if route.is_none() || !body.fields.is_empty() {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": record_schema(interface, &body) } },
        });
    }
    operation
}

fn record_schema(interface: &Interface, record: &Record) -> Value {
    if rc_wire::json::is_positional(record) {
        return tuple_schema(interface, record.fields.iter().map(|(_, shape)| shape));
    }
    let properties: Map<String, Value> = record
        .fields
        .iter()
        .map(|(name, shape)| (name.clone(), schema(interface, shape)))
        .collect();
    let required: Vec<&String> = record
        .fields
        .iter()
        .filter(|(_, shape)| !matches!(shape, Shape::Optional(_)))
        .map(|(name, _)| name)
        .collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn tuple_schema<'a>(interface: &Interface, parts: impl Iterator<Item = &'a Shape>) -> Value {
    let parts: Vec<Value> = parts.map(|part| schema(interface, part)).collect();
    json!({ "type": "array", "prefixItems": parts, "minItems": parts.len(), "maxItems": parts.len() })
}

fn sum_schema(interface: &Interface, sum: &Sum) -> Value {
    let variants: Vec<Value> = sum
        .variants
        .iter()
        .map(|variant| {
            if variant.fields.is_empty() {
                json!({ "const": variant.name })
            } else {
                json!({ "type": "object", "properties": { &variant.name: record_schema(interface, variant) }, "required": [variant.name] })
            }
        })
        .collect();
    json!({ "oneOf": variants })
}

fn schema(interface: &Interface, shape: &Shape) -> Value {
    let shapes: &Shapes = &interface.shapes;
    match shape {
        Shape::Scalar(Scalar::Bool) => json!({ "type": "boolean" }),
        Shape::Scalar(Scalar::F64) => json!({ "type": "number", "format": "double" }),
        Shape::Scalar(scalar) if scalar.bits() >= 64 => {
            let pattern = if scalar.is_signed() {
                "^-?[0-9]+$"
            } else {
                "^[0-9]+$"
            };
            json!({ "type": ["string", "integer"], "format": scalar.name(), "pattern": pattern })
        }
        Shape::Scalar(scalar) => {
            let (least, most) = if scalar.is_signed() {
                (
                    -(1i64 << (scalar.bits() - 1)),
                    (1i64 << (scalar.bits() - 1)) - 1,
                )
            } else {
                (0, (1i64 << scalar.bits()) - 1)
            };
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Shape::Time => json!({ "type": "string", "format": "date-time" }),
        Shape::Duration => json!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,9})?s$" }),
        Shape::Uuid => json!({ "type": "string", "format": "uuid" }),
        Shape::Hash => {
            json!({ "type": "string", "format": "hash", "pattern": "^[0-9a-fA-F]{64}$" })
        }
        Shape::Decimal { digits, scale } => {
            let fraction = match scale {
                0 => String::new(),
                scale => format!("(\\.[0-9]{{1,{scale}}})?"),
            };
            let whole = (digits - scale).max(1);
            json!({
                "type": ["string", "integer"],
                "format": "decimal",
                "x-digits": digits,
                "x-scale": scale,
                "pattern": format!("^-?[0-9]{{1,{whole}}}{fraction}$"),
            })
        }
        Shape::String(max) => json!({ "type": "string", "maxLength": max }),
        Shape::Bytes(max) => {
            json!({ "type": "string", "contentEncoding": "base64", "maxLength": max.div_ceil(3) * 4 })
        }
        Shape::Optional(inner) => {
            json!({ "anyOf": [schema(interface, inner), { "type": "null" }] })
        }
        Shape::Tuple(parts) => tuple_schema(interface, parts.iter()),
        Shape::List(element, max) => {
            json!({ "type": "array", "items": schema(interface, element), "maxItems": max })
        }
        Shape::Set(element, max) => {
            json!({ "type": "array", "items": schema(interface, element), "maxItems": max, "uniqueItems": true })
        }
        Shape::Map(element, max) => match rc_wire::json::named_entries(shape) {
            Some((key, value)) => {
                json!({ "type": "object", "additionalProperties": schema(interface, value), "maxProperties": max, "x-keys": schema(interface, key) })
            }
            None => {
                json!({ "type": "array", "items": schema(interface, element), "maxItems": max, "x-map": true })
            }
        },
        Shape::Struct(index) => reference(interface, &shapes.structs[*index as usize].name),
        Shape::Enum(index) => reference(interface, &shapes.enums[*index as usize].name),
    }
}

fn reference(interface: &Interface, name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", schema_name(interface, name)) })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "field": { "type": "string" },
            "code": { "type": "string" },
            "fields": {},
        },
        "required": ["type", "title", "status", "detail"],
    })
}
