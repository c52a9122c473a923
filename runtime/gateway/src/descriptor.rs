//! The interface as protobuf descriptors: one file and one service per package, for reflection and `.proto` text.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MessageOptions,
    MethodDescriptorProto, OneofDescriptorProto, ServiceDescriptorProto,
};
use rc_bytecode::Interface;
use rc_bytecode::instr::Scalar;
use rc_bytecode::layout::{Record, Shape};
use rc_wire::names::{camel, method_name};
use rc_wire::protobuf::is_wrapped;
use std::collections::BTreeMap;

/// Everything that a client needs for this package, well-known files included.
pub fn file_set(interface: &Interface) -> FileDescriptorSet {
    let well_known = |name: &str, message: &str| FileDescriptorProto {
        name: Some(format!("google/protobuf/{name}.proto")),
        package: Some("google.protobuf".to_string()),
        message_type: vec![DescriptorProto {
            name: Some(message.to_string()),
            field: vec![
                plain("seconds", 1, Type::Int64),
                plain("nanos", 2, Type::Int32),
            ],
            ..DescriptorProto::default()
        }],
        syntax: Some("proto3".to_string()),
        ..FileDescriptorProto::default()
    };
    let file = vec![
        well_known("timestamp", "Timestamp"),
        well_known("duration", "Duration"),
        package_file(interface),
    ];
    FileDescriptorSet { file }
}

fn plain(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_string()),
        number: Some(number),
        label: Some(Label::Optional as i32),
        r#type: Some(kind as i32),
        json_name: Some(name.to_string()),
        ..FieldDescriptorProto::default()
    }
}

/// Messages made on the way, by name.
struct Messages<'a> {
    interface: &'a Interface,
    made: BTreeMap<String, DescriptorProto>,
}

fn package_file(interface: &Interface) -> FileDescriptorProto {
    let mut messages = Messages {
        interface,
        made: BTreeMap::new(),
    };
    for record in &interface.shapes.structs {
        messages.record(&record.name, record);
    }
    for sum in &interface.shapes.enums {
        messages.sum(&sum.name, &sum.variants);
    }
    let failure = DescriptorProto {
        name: Some("Failure".to_string()),
        field: vec![
            plain("code", 1, Type::String),
            plain("detail", 2, Type::String),
            plain("fields_json", 3, Type::String),
        ],
        ..DescriptorProto::default()
    };
    messages.made.insert("Failure".to_string(), failure);
    let mut methods = Vec::new();
    for command in interface
        .commands
        .iter()
        .filter(|command| command.kind.is_called())
    {
        let name = method_name(&command.name, command.version);
        messages.record(&format!("{name}Request"), &command.arguments);
        let fields = command
            .result
            .iter()
            .map(|shape| ("result".to_string(), shape.clone()))
            .collect();
        messages.record(
            &format!("{name}Reply"),
            &Record {
                name: String::new(),
                fields,
            },
        );
        let mut outcome = DescriptorProto {
            name: Some(format!("{name}Outcome")),
            field: vec![
                messages.message_field("reply", 1, &format!("{name}Reply")),
                messages.message_field("failure", 2, "Failure"),
                plain("op", 3, Type::Uint64),
            ],
            oneof_decl: vec![OneofDescriptorProto {
                name: Some("outcome".to_string()),
                ..OneofDescriptorProto::default()
            }],
            ..DescriptorProto::default()
        };
        outcome.field[0].oneof_index = Some(0);
        outcome.field[1].oneof_index = Some(0);
        messages.made.insert(format!("{name}Outcome"), outcome);
        let reference = |message: String| Some(format!(".{}.{message}", interface.package));
        methods.push(MethodDescriptorProto {
            name: Some(name.clone()),
            input_type: reference(format!("{name}Request")),
            output_type: reference(format!("{name}Reply")),
            ..MethodDescriptorProto::default()
        });
        methods.push(MethodDescriptorProto {
            name: Some(format!("{name}Stream")),
            input_type: reference(format!("{name}Request")),
            output_type: reference(format!("{name}Outcome")),
            client_streaming: Some(true),
            server_streaming: Some(true),
            ..MethodDescriptorProto::default()
        });
    }
    FileDescriptorProto {
        name: Some(format!("{}.proto", interface.package)),
        package: Some(interface.package.clone()),
        dependency: vec![
            "google/protobuf/timestamp.proto".to_string(),
            "google/protobuf/duration.proto".to_string(),
        ],
        message_type: messages.made.into_values().collect(),
        service: vec![ServiceDescriptorProto {
            name: Some(camel(&interface.package)),
            method: methods,
            ..ServiceDescriptorProto::default()
        }],
        syntax: Some("proto3".to_string()),
        ..FileDescriptorProto::default()
    }
}

impl Messages<'_> {
    fn message_field(&self, name: &str, number: i32, message: &str) -> FieldDescriptorProto {
        FieldDescriptorProto {
            type_name: Some(format!(".{}.{message}", self.interface.package)),
            ..plain(name, number, Type::Message)
        }
    }

    fn record(&mut self, name: &str, record: &Record) {
        let mut message = DescriptorProto {
            name: Some(name.to_string()),
            ..DescriptorProto::default()
        };
        for (index, (field, shape)) in record.fields.iter().enumerate() {
            let field = if field.starts_with(|c: char| c.is_ascii_digit()) {
                format!("f{field}")
            } else {
                field.clone()
            };
            self.field(&mut message, &field, index as i32 + 1, shape);
        }
        self.made.insert(name.to_string(), message);
    }

    fn sum(&mut self, name: &str, variants: &[Record]) {
        let mut message = DescriptorProto {
            name: Some(name.to_string()),
            oneof_decl: vec![OneofDescriptorProto {
                name: Some("variant".to_string()),
                ..OneofDescriptorProto::default()
            }],
            ..DescriptorProto::default()
        };
        for (index, variant) in variants.iter().enumerate() {
            let payload = format!("{name}{}", variant.name);
            self.record(&payload, variant);
            let mut field = self.message_field(
                &variant.name.to_ascii_lowercase(),
                index as i32 + 1,
                &payload,
            );
            field.oneof_index = Some(0);
            message.field.push(field);
        }
        self.made.insert(name.to_string(), message);
    }

    /// Adds a field of this shape to a message.
    fn field(&mut self, message: &mut DescriptorProto, name: &str, number: i32, shape: &Shape) {
        match shape {
            Shape::Map(..) if mapped(shape).is_some() => {
                let Some((key, value)) = mapped(shape) else {
                    return;
                };
                let entry = format!("{}Entry", camel(name));
                let mut of = DescriptorProto {
                    name: Some(entry.clone()),
                    options: Some(MessageOptions {
                        map_entry: Some(true),
                        ..MessageOptions::default()
                    }),
                    ..DescriptorProto::default()
                };
                of.field.push(self.single("key", 1, key));
                of.field.push(self.single("value", 2, value));
                message.nested_type.push(of);
                let path = format!("{}.{entry}", message.name());
                let mut field = self.message_field(name, number, &path);
                field.label = Some(Label::Repeated as i32);
                message.field.push(field);
            }
            Shape::List(element, _) | Shape::Set(element, _) | Shape::Map(element, _) => {
                let mut field = self.single(name, number, element);
                field.label = Some(Label::Repeated as i32);
                message.field.push(field);
            }
            Shape::Optional(inner) => {
                let mut field = self.single(name, number, inner);
                if field.r#type != Some(Type::Message as i32) {
                    field.proto3_optional = Some(true);
                    field.oneof_index = Some(message.oneof_decl.len() as i32);
                    message.oneof_decl.push(OneofDescriptorProto {
                        name: Some(format!("_{name}")),
                        ..OneofDescriptorProto::default()
                    });
                }
                message.field.push(field);
            }
            shape => {
                let field = self.single(name, number, shape);
                message.field.push(field);
            }
        }
    }

    /// A field with one value of this shape; lists and optionals get a message around them.
    fn single(&mut self, name: &str, number: i32, shape: &Shape) -> FieldDescriptorProto {
        if is_wrapped(shape) {
            let wrapper = self.shape_name(shape);
            if !self.made.contains_key(&wrapper) {
                self.record(
                    &wrapper,
                    &Record {
                        name: String::new(),
                        fields: vec![("value".to_string(), shape.clone())],
                    },
                );
            }
            return self.message_field(name, number, &wrapper);
        }
        match shape {
            Shape::Scalar(scalar) => plain(
                name,
                number,
                match scalar {
                    Scalar::Bool => Type::Bool,
                    Scalar::U8 | Scalar::U16 | Scalar::U32 => Type::Uint32,
                    Scalar::U64 => Type::Uint64,
                    Scalar::I8 | Scalar::I16 | Scalar::I32 => Type::Int32,
                    Scalar::I64 => Type::Int64,
                    Scalar::U128 | Scalar::I128 => Type::String,
                    Scalar::F64 => Type::Double,
                },
            ),
            Shape::String(_) | Shape::Uuid | Shape::Hash | Shape::Decimal { .. } => {
                plain(name, number, Type::String)
            }
            Shape::Bytes(_) => plain(name, number, Type::Bytes),
            Shape::Time => well_known(name, number, "Timestamp"),
            Shape::Duration => well_known(name, number, "Duration"),
            Shape::Struct(index) => self.message_field(
                name,
                number,
                &self.interface.shapes.structs[*index as usize].name.clone(),
            ),
            Shape::Enum(index) => self.message_field(
                name,
                number,
                &self.interface.shapes.enums[*index as usize].name.clone(),
            ),
            Shape::Tuple(parts) => {
                let tuple = self.shape_name(shape);
                if !self.made.contains_key(&tuple) {
                    let fields = parts
                        .iter()
                        .enumerate()
                        .map(|(index, part)| (index.to_string(), part.clone()))
                        .collect();
                    self.record(
                        &tuple,
                        &Record {
                            name: String::new(),
                            fields,
                        },
                    );
                }
                self.message_field(name, number, &tuple)
            }
            Shape::List(..) | Shape::Set(..) | Shape::Map(..) | Shape::Optional(_) => {
                unreachable!("wrapped above")
            }
        }
    }

    /// A name made of the shape's parts: `TupleU64String64`.
    fn shape_name(&self, shape: &Shape) -> String {
        match shape {
            Shape::Scalar(scalar) => camel(scalar.name()),
            Shape::Time => "Time".to_string(),
            Shape::Duration => "Duration".to_string(),
            Shape::Uuid => "Uuid".to_string(),
            Shape::Hash => "Hash".to_string(),
            Shape::Decimal { digits, scale } => format!("Decimal{digits}Scale{scale}"),
            Shape::String(max) => format!("String{max}"),
            Shape::Bytes(max) => format!("Bytes{max}"),
            Shape::Optional(inner) => format!("Optional{}", self.shape_name(inner)),
            Shape::List(element, max) => format!("List{max}{}", self.shape_name(element)),
            Shape::Set(element, max) => format!("Set{max}{}", self.shape_name(element)),
            Shape::Map(element, max) => format!("Map{max}{}", self.shape_name(element)),
            Shape::Tuple(parts) => format!(
                "Tuple{}",
                parts
                    .iter()
                    .map(|part| self.shape_name(part))
                    .collect::<String>()
            ),
            Shape::Struct(index) => self.interface.shapes.structs[*index as usize].name.clone(),
            Shape::Enum(index) => self.interface.shapes.enums[*index as usize].name.clone(),
        }
    }
}

/// Key and value of a map that protobuf has: other maps are repeated pairs.
fn mapped(shape: &Shape) -> Option<(&Shape, &Shape)> {
    rc_wire::json::named_entries(shape).filter(|(_, value)| !is_wrapped(value))
}

fn well_known(name: &str, number: i32, message: &str) -> FieldDescriptorProto {
    FieldDescriptorProto {
        type_name: Some(format!(".google.protobuf.{message}")),
        ..plain(name, number, Type::Message)
    }
}
