//! What may be pasted where a value is missing: a name that is in sight, else the smallest value of the type. Always
//! true: what is given here checks against the type it was made for.

use crate::body::Body;
use crate::built::left_out;
use rc_bytecode::instr::Scalar;
use rc_hir as hir;
use rc_hir::Type;
use rc_source::Span;

/// Types within one another that a sample goes down.
const SAMPLE_DEPTH_MAX: usize = 4;

impl Body<'_, '_> {
    /// A field's value: the local of its name where that fits, else the smallest one.
    pub fn sample_field(&self, field: &hir::Field) -> Option<String> {
        let local = self
            .find_local(&field.name)
            .filter(|id| self.local(*id).ty == field.ty);
        match local {
            Some(_) => Some(field.name.clone()),
            None => self.sample(&field.ty, SAMPLE_DEPTH_MAX),
        }
    }

    /// The smallest value of a type.
    pub fn sample_value(&self, ty: &Type) -> Option<String> {
        self.sample(ty, SAMPLE_DEPTH_MAX)
    }

    fn sample(&self, ty: &Type, depth: usize) -> Option<String> {
        let deeper = depth.checked_sub(1)?;
        Some(match ty {
            Type::Scalar(Scalar::Bool) => "false".into(),
            Type::Scalar(Scalar::F64) => "0.0".into(),
            Type::Scalar(_) => "0".into(),
            Type::Time => "now".into(),
            Type::Duration => "0s".into(),
            Type::String(_) => "\"\"".into(),
            Type::Bytes(_) => "b\"\"".into(),
            Type::Optional(_) => "none".into(),
            Type::List(..) => "[]".into(),
            Type::Sorted(..) => format!("{}()", self.show(ty)),
            Type::Tuple(parts) => {
                let parts: Option<Vec<String>> =
                    parts.iter().map(|part| self.sample(part, deeper)).collect();
                format!("({})", parts?.join(", "))
            }
            Type::Struct(id, arguments) if arguments.is_empty() => {
                let declared = &self.world.program.structs[id.0 as usize];
                let span = Span::new(declared.span.file, 0, 0);
                let fields: Option<Vec<String>> = declared
                    .fields
                    .iter()
                    .filter(|field| left_out(field, &[], span).is_none())
                    .map(|field| {
                        Some(format!(
                            "{}: {}",
                            field.name,
                            self.sample(&field.ty, deeper)?
                        ))
                    })
                    .collect();
                match fields?.as_slice() {
                    [] => format!("{} {{}}", declared.name),
                    fields => format!("{} {{ {} }}", declared.name, fields.join(", ")),
                }
            }
            Type::Enum(id, arguments) if arguments.is_empty() => {
                let declared = &self.world.program.enums[id.0 as usize];
                let variants = &declared.variants;
                let plain = variants.iter().find(|variant| variant.fields.is_empty());
                let variant = plain.or(variants.first())?;
                let form = self.variant_form(&variant.name, &variant.fields, deeper)?;
                format!("{}.{form}", declared.name)
            }
            _ => return None,
        })
    }

    /// A variant with sample fields: `Gone`, `Missing(0)`, `Taken { by: "", at: 0 }`.
    pub fn sample_variant(&self, name: &str, fields: &[hir::Field]) -> Option<String> {
        self.variant_form(name, fields, SAMPLE_DEPTH_MAX)
    }

    fn variant_form(&self, name: &str, fields: &[hir::Field], depth: usize) -> Option<String> {
        let deeper = depth.checked_sub(1)?;
        let value = |field: &hir::Field| match self.find_local(&field.name) {
            Some(id) if self.local(id).ty == field.ty => Some(field.name.clone()),
            _ => self.sample(&field.ty, deeper),
        };
        let values: Option<Vec<String>> = fields.iter().map(value).collect();
        let values = values?;
        let by_place = fields.len() == 1
            || fields
                .iter()
                .any(|field| field.name.starts_with(|c: char| c.is_ascii_digit()));
        Some(match (values.as_slice(), by_place) {
            ([], _) => name.to_string(),
            (values, true) => format!("{name}({})", values.join(", ")),
            (values, false) => {
                let named: Vec<String> = fields
                    .iter()
                    .zip(values)
                    .map(|(field, value)| match field.name == *value {
                        true => value.clone(),
                        false => format!("{}: {value}", field.name),
                    })
                    .collect();
                format!("{name} {{ {} }}", named.join(", "))
            }
        })
    }
}
