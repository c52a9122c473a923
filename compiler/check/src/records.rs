//! What has fields: structs, enums, errors, events, layouts. Their types first, their defaults once all types are known.

use crate::declare::duplicate;
use crate::world::*;
use rc_bytecode::instr::Builtin;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::Type;
use rc_syntax::ast;
use std::collections::HashMap;
use std::sync::Arc;

pub(crate) fn resolve(world: &mut World<'_>) {
    for index in 0..world.structs.len() {
        let (module, tree) = (world.structs[index].module, &world.structs[index].tree);
        let (generics, fields) = (tree.generics, tree.fields);
        world.program.structs[index].fields = world.fields(fields, module, generics, "a struct");
    }
    for index in 0..world.enums.len() {
        let (module, tree) = (world.enums[index].module, &world.enums[index].tree);
        let (generics, variants) = (tree.generics, tree.variants);
        world.program.enums[index].variants = world.variants(variants, module, generics, "an enum");
    }
    for index in 0..world.errors.len() {
        let (module, variants) = (
            world.errors[index].module,
            world.errors[index].tree.variants,
        );
        for variant in variants {
            if Builtin::from_name(&variant.name.text).is_some() {
                let name = &variant.name.text;
                world
                    .error(
                        codes::BUILT_IN_FAILURE_DECLARED,
                        variant.name.span,
                        format!("`{name}` is a built-in failure"),
                    )
                    .label("a client could not tell the two apart")
                    .hint(
                        "choose another name, or leave it out: built-in failures are always there",
                    );
            }
        }
        world.program.errors[index].variants = world.variants(variants, module, &[], "an error");
    }
    for index in 0..world.events.len() {
        let (module, fields) = (world.events[index].module, world.events[index].tree.fields);
        world.program.events[index].fields = world.fields(fields, module, &[], "an event");
    }
    for index in 0..world.layouts.len() {
        let (module, tree) = (world.layouts[index].module, &world.layouts[index].tree);
        let (generics, fields) = (tree.generics, tree.fields);
        let mut laid_out = Vec::new();
        for field in fields {
            let ty = world.ty(&field.ty, module, generics);
            laid_out.push(hir::Field {
                name: field.name.text.to_string(),
                ty,
                default: None,
                docs: String::new(),
                span: field.span,
            });
        }
        world.program.layouts[index].fields = laid_out;
    }
}

impl<'a> World<'a> {
    fn fields(
        &mut self,
        fields: &[ast::Field],
        module: usize,
        generics: &[ast::Generic],
        what: &str,
    ) -> Vec<hir::Field> {
        let mut seen: HashMap<Arc<str>, rc_source::Span> = HashMap::new();
        let mut resolved = Vec::with_capacity(fields.len());
        for field in fields {
            if let Some(first) = seen.insert(field.name.text.clone(), field.name.span) {
                duplicate(self, &field.name.text, field.name.span, first);
                continue;
            }
            let ty = self.ty(&field.ty, module, generics);
            let ty = self.storable(ty, field.ty.span, what);
            resolved.push(hir::Field {
                name: field.name.text.to_string(),
                ty,
                default: None,
                docs: field.docs.join("\n"),
                span: field.name.span,
            });
        }
        resolved
    }

    fn variants(
        &mut self,
        variants: &[ast::Variant],
        module: usize,
        generics: &[ast::Generic],
        what: &str,
    ) -> Vec<hir::Variant> {
        let mut seen: HashMap<Arc<str>, rc_source::Span> = HashMap::new();
        let mut resolved = Vec::with_capacity(variants.len());
        for variant in variants {
            if let Some(first) = seen.insert(variant.name.text.clone(), variant.name.span) {
                duplicate(self, &variant.name.text, variant.name.span, first);
            }
            let fields = match &variant.payload {
                ast::Payload::None => Vec::new(),
                ast::Payload::Record(fields) => self.fields(fields, module, generics, what),
                ast::Payload::Tuple(parts) => {
                    let mut fields = Vec::new();
                    for (number, (name, written)) in parts.iter().enumerate() {
                        let ty = self.ty(written, module, generics);
                        let ty = self.storable(ty, written.span, what);
                        let name = name
                            .as_ref()
                            .map_or_else(|| number.to_string(), |name| name.text.to_string());
                        fields.push(hir::Field {
                            name,
                            ty,
                            default: None,
                            docs: String::new(),
                            span: written.span,
                        });
                    }
                    fields
                }
            };
            resolved.push(hir::Variant {
                name: variant.name.text.to_string(),
                fields,
                docs: variant.docs.join("\n"),
                span: variant.name.span,
            });
        }
        resolved
    }

    /// The constant defaults of fields, by place; `None` where there is none.
    fn defaults(
        &mut self,
        trees: &'a [ast::Field],
        types: &[(String, Type)],
        module: usize,
    ) -> Vec<(usize, hir::Expr)> {
        let mut defaults = Vec::new();
        for tree in trees {
            let Some(expr) = &tree.default else { continue };
            let Some(place) = types.iter().position(|(name, _)| *name == *tree.name.text) else {
                continue;
            };
            let value = self.constant_value(expr, Some(&types[place].1), module);
            defaults.push((place, value));
        }
        defaults
    }
}

fn types(fields: &[hir::Field]) -> Vec<(String, Type)> {
    fields
        .iter()
        .map(|field| (field.name.clone(), field.ty.clone()))
        .collect()
}

/// Defaults of fields everywhere, and first values of states.
pub(crate) fn check_defaults(world: &mut World<'_>) {
    for index in 0..world.structs.len() {
        let (module, trees) = (
            world.structs[index].module,
            world.structs[index].tree.fields,
        );
        let known = types(&world.program.structs[index].fields);
        for (place, value) in world.defaults(trees, &known, module) {
            world.program.structs[index].fields[place].default = Some(value);
        }
    }
    for index in 0..world.enums.len() {
        let (module, variants) = (world.enums[index].module, world.enums[index].tree.variants);
        for (number, variant) in variants.iter().enumerate() {
            let ast::Payload::Record(trees) = &variant.payload else {
                continue;
            };
            let known = types(&world.program.enums[index].variants[number].fields);
            for (place, value) in world.defaults(trees, &known, module) {
                world.program.enums[index].variants[number].fields[place].default = Some(value);
            }
        }
    }
    for index in 0..world.errors.len() {
        let (module, variants) = (
            world.errors[index].module,
            world.errors[index].tree.variants,
        );
        for (number, variant) in variants.iter().enumerate() {
            let ast::Payload::Record(trees) = &variant.payload else {
                continue;
            };
            let known = types(&world.program.errors[index].variants[number].fields);
            for (place, value) in world.defaults(trees, &known, module) {
                world.program.errors[index].variants[number].fields[place].default = Some(value);
            }
        }
    }
    for index in 0..world.events.len() {
        let (module, trees) = (world.events[index].module, world.events[index].tree.fields);
        let known = types(&world.program.events[index].fields);
        for (place, value) in world.defaults(trees, &known, module) {
            world.program.events[index].fields[place].default = Some(value);
        }
    }
    crate::tables::check_defaults(world);
    for index in 0..world.states.len() {
        let (module, (_, default)) = (world.states[index].module, world.states[index].tree);
        let (ty, span) = (
            world.program.states[index].ty.clone(),
            world.program.states[index].span,
        );
        match default {
            Some(expr) if matches!(ty, Type::Container(_)) => world.container_with_value(&ty, expr),
            Some(expr) => {
                world.program.states[index].default =
                    Some(world.constant_value(expr, Some(&ty), module))
            }
            None if world.has_empty(&ty) => {}
            None => {
                let (name, shown) = (world.program.states[index].name.clone(), world.show(&ty));
                world
                    .error(
                        rc_diagnostics::codes::STATE_DEFAULT_MISSING,
                        span,
                        format!(
                            "the state `{name}` needs a first value: `{shown}` has no empty one"
                        ),
                    )
                    .hint(format!("state {name}: {shown} = …"));
            }
        }
    }
}

impl World<'_> {
    /// Whether a value of this type can be left out: zero, empty, absent.
    pub fn has_empty(&self, ty: &Type) -> bool {
        match ty {
            Type::Scalar(_)
            | Type::Duration
            | Type::Decimal { .. }
            | Type::Time
            | Type::String(_)
            | Type::Bytes(_)
            | Type::Optional(_)
            | Type::List(..)
            | Type::Sorted(..)
            | Type::Container(_)
            | Type::Error
            | Type::Unit => true,
            Type::Tuple(parts) => parts.iter().all(|part| self.has_empty(part)),
            Type::Struct(id, _) => self.program.structs[id.0 as usize]
                .fields
                .iter()
                .all(|field| self.has_empty(&field.ty)),
            _ => false,
        }
    }
}
