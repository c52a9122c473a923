//! What a command wants, learned from the node's OpenAPI document: the types of its arguments and its gRPC method. Always
//! true of a [`Method`]: it is one version of a command, and a line that it encodes has the shape of its arguments.

use crate::client::{Client, ClientError, name};
use crate::problem::Problem;
use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::{Record, Shape, Shapes, Sum};
use rc_wire::json::{self, FieldError};
use rc_wire::names::{method_name, service_name};
use rc_wire::protobuf;
use serde_json::{Map, Value};

/// How deep types may stand in each other; deeper ones are not a node's.
const DEPTH_MAX: u32 = 64;

/// One version of a command or query, as a stream of calls needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// `/ledger.Ledger/PayStream`.
    pub(crate) path: String,
    shapes: Shapes,
    arguments: Record,
}

impl Client {
    /// Asks the node for `package.command`: the newest version, or the one that `command@N` names.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with status 404 where there is none.
    pub fn method(&self, package: &str, command: &str) -> Result<Method, ClientError> {
        let (package, command) = (name(package)?, name(command)?);
        let document = self.get("/openapi.json")?;
        let (stem, wanted) = match command.split_once('@') {
            Some((stem, version)) => (stem, Some(version)),
            None => (command, None),
        };
        let mut known = Vec::new();
        let mut found: Option<(u32, &Value)> = None;
        for operation in document["paths"]
            .as_object()
            .into_iter()
            .flat_map(Map::values)
        {
            let operation = &operation["post"];
            let id = operation["operationId"].as_str().unwrap_or_default();
            let Some((call, version)) = id.rsplit_once('@') else {
                continue;
            };
            let Some((_, called)) = call.rsplit_once('.').filter(|(of, _)| *of == package) else {
                continue;
            };
            if !known.contains(&called) {
                known.push(called);
            }
            let number: u32 = version.parse().map_err(|_| unknown(id))?;
            if called == stem
                && wanted.is_none_or(|wanted| wanted == version)
                && found.is_none_or(|(newest, _)| newest < number)
            {
                found = Some((number, operation));
            }
        }
        let Some((version, operation)) = found else {
            let detail = if known.is_empty() {
                format!("no package {package} is deployed")
            } else {
                format!(
                    "{package} has no command or query {command}; it has: {}",
                    known.join(", ")
                )
            };
            return Err(ClientError::Problem(Box::new(Problem::new(
                404,
                "not-found",
                detail,
            ))));
        };
        let mut reader = Reader {
            schemas: &document["components"]["schemas"],
            shapes: Shapes::default(),
        };
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        let arguments = reader
            .record("arguments", body, 0)
            .ok_or_else(|| unknown(command))?;
        Ok(Method {
            path: format!(
                "/{}/{}Stream",
                service_name(package),
                method_name(stem, version)
            ),
            shapes: reader.shapes,
            arguments,
        })
    }
}

fn unknown(what: &str) -> ClientError {
    ClientError::Answer(format!("the types of {what} in /openapi.json"))
}

impl Method {
    /// A line of JSON as the request message. What does not fit is refused in the words that the node has for it.
    pub(crate) fn encode(&self, line: &[u8]) -> Result<Vec<u8>, Box<Problem>> {
        let refused = |error: FieldError| {
            Box::new(Problem {
                field: (!error.path.is_empty()).then(|| error.path.clone()),
                ..Problem::new(400, "bad-arguments", error.to_string())
            })
        };
        let value = json::parse(line).map_err(refused)?;
        let (mut packed, mut message) = (Vec::with_capacity(64), Vec::with_capacity(64));
        json::pack_record(&self.shapes, &self.arguments, &value, &mut packed).map_err(refused)?;
        protobuf::write_record(
            &self.shapes,
            &self.arguments,
            &mut packed.as_slice(),
            &mut message,
        )
        .expect("what was packed by a shape has that shape");
        Ok(message)
    }
}

/// Turns schemas back into the shapes that they were made of.
struct Reader<'a> {
    schemas: &'a Value,
    shapes: Shapes,
}

impl Reader<'_> {
    fn record(&mut self, name: &str, schema: &Value, depth: u32) -> Option<Record> {
        let mut fields = Vec::new();
        if let Some(parts) = schema["prefixItems"].as_array() {
            for (index, part) in parts.iter().enumerate() {
                fields.push((index.to_string(), self.shape(part, depth)?));
            }
        } else {
            for (field, schema) in schema["properties"].as_object()? {
                fields.push((field.clone(), self.shape(schema, depth)?));
            }
        }
        let name = name.to_owned();
        Some(Record { name, fields })
    }

    fn shape(&mut self, schema: &Value, depth: u32) -> Option<Shape> {
        if depth > DEPTH_MAX {
            return None;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            return self.named(reference.strip_prefix("#/components/schemas/")?, depth);
        }
        if let Some(either) = schema["anyOf"].as_array() {
            let inner = self.shape(either.first()?, depth + 1)?;
            return Some(Shape::Optional(Box::new(inner)));
        }
        let bound = |key: &str| u32::try_from(schema[key].as_u64()?).ok();
        Some(match schema["type"].as_str() {
            None if schema["format"] == "decimal" => Shape::Decimal {
                digits: u8::try_from(bound("x-digits")?).ok()?,
                scale: u8::try_from(bound("x-scale")?).ok()?,
            },
            // Integers that JSON's numbers do not hold everywhere: a string or a number.
            None => Shape::Scalar(match schema["format"].as_str()? {
                "u64" => Scalar::U64,
                "i64" => Scalar::I64,
                "u128" => Scalar::U128,
                "i128" => Scalar::I128,
                _ => return None,
            }),
            Some("boolean") => Shape::Scalar(Scalar::Bool),
            Some("number") => Shape::Scalar(Scalar::F64),
            Some("integer") => {
                let least = schema["minimum"].as_i64()?;
                let most = schema["maximum"].as_i64()?;
                Shape::Scalar(match (least < 0, most) {
                    (false, 0xff) => Scalar::U8,
                    (false, 0xffff) => Scalar::U16,
                    (false, 0xffff_ffff) => Scalar::U32,
                    (true, 0x7f) => Scalar::I8,
                    (true, 0x7fff) => Scalar::I16,
                    (true, 0x7fff_ffff) => Scalar::I32,
                    _ => return None,
                })
            }
            Some("string") if schema["format"] == "date-time" => Shape::Time,
            Some("string") if schema["format"] == "uuid" => Shape::Uuid,
            Some("string") if schema["format"] == "hash" => Shape::Hash,
            Some("string") if schema["pattern"].is_string() => Shape::Duration,
            Some("string") if schema["contentEncoding"] == "base64" => {
                Shape::Bytes(bound("maxLength")? / 4 * 3)
            }
            Some("string") => Shape::String(bound("maxLength")?),
            Some("array") => match schema["prefixItems"].as_array() {
                Some(parts) => {
                    let parts = parts.iter().map(|part| self.shape(part, depth + 1));
                    Shape::Tuple(parts.collect::<Option<Vec<Shape>>>()?)
                }
                None => {
                    let element = Box::new(self.shape(&schema["items"], depth + 1)?);
                    let max = bound("maxItems")?;
                    match (&schema["uniqueItems"], &schema["x-map"]) {
                        (Value::Bool(true), _) => Shape::Set(element, max),
                        (_, Value::Bool(true)) => Shape::Map(element, max),
                        _ => Shape::List(element, max),
                    }
                }
            },
            Some("object") => {
                let key = self.shape(&schema["x-keys"], depth + 1)?;
                let value = self.shape(&schema["additionalProperties"], depth + 1)?;
                let entry = Box::new(Shape::Tuple(vec![key, value]));
                Shape::Map(entry, bound("maxProperties")?)
            }
            _ => return None,
        })
    }

    /// A struct or an enum, read once.
    fn named(&mut self, full: &str, depth: u32) -> Option<Shape> {
        let name = full.rsplit('.').next()?;
        if let Some(index) = self
            .shapes
            .structs
            .iter()
            .position(|known| known.name == name)
        {
            return Some(Shape::Struct(index as u32));
        }
        if let Some(index) = self
            .shapes
            .enums
            .iter()
            .position(|known| known.name == name)
        {
            return Some(Shape::Enum(index as u32));
        }
        let schema = &self.schemas[full];
        let Some(cases) = schema["oneOf"].as_array() else {
            let record = self.record(name, schema, depth + 1)?;
            self.shapes.structs.push(record);
            return Some(Shape::Struct(self.shapes.structs.len() as u32 - 1));
        };
        let mut variants = Vec::new();
        for case in cases {
            variants.push(match case["const"].as_str() {
                Some(name) => Record {
                    name: name.to_owned(),
                    fields: Vec::new(),
                },
                None => {
                    let (name, payload) = case["properties"].as_object()?.iter().next()?;
                    self.record(name, payload, depth + 1)?
                }
            });
        }
        let name = name.to_owned();
        self.shapes.enums.push(Sum { name, variants });
        Some(Shape::Enum(self.shapes.enums.len() as u32 - 1))
    }
}
