//! Tests and properties.

use crate::body::{Body, Place};
use crate::world::*;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::{LocalId, Type};
use rc_syntax::ast;
use std::collections::HashMap;

pub(crate) fn check(world: &mut World<'_>) {
    let mut seen: HashMap<String, rc_source::Span> = HashMap::new();
    for index in 0..world.trials.len() {
        let (module, tree) = (world.trials[index].module, world.trials[index].tree);
        let (name, params, block): (_, &[ast::Param], _) = match tree {
            ast::ItemKind::Test { name, body } => (name, &[], body),
            ast::ItemKind::Property { name, params, body } => (name, params, body),
            _ => continue,
        };
        if let Some(first) = seen.insert(name.value.to_string(), name.span) {
            world
                .error(
                    codes::DECLARED_TWICE,
                    name.span,
                    format!("two tests are called \"{}\"", name.value),
                )
                .secondary(first, "first here");
        }
        let parameters = crate::signatures::parameters(
            world,
            module,
            params,
            &[],
            Some("an argument of a property"),
        );
        let count = parameters.len() as u32;
        let mut body = Body::new(world, module, &[], Place::Test);
        body.parameters(parameters);
        let block = body.body_block(block, &Type::Unit);
        let locals = body.finish();
        let parameters = (0..count).map(LocalId).collect();
        world.program.tests.push(hir::Test {
            name: name.value.to_string(),
            parameters,
            locals,
            body: block,
            span: name.span,
        });
    }
}
