//! Structs and enums that contain themselves: reported once per circle, then cut, so that nobody walks in circles.

use crate::world::World;
use rc_diagnostics::codes;
use rc_hir as hir;
use rc_hir::Type;

/// Reports each struct and enum that contains itself, once per circle.
pub(crate) fn endless_types(world: &mut World<'_>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let structs = world.program.structs.len();
    let total = structs + world.program.enums.len();
    let inside = |world: &World<'_>, node: usize| -> Vec<usize> {
        let mut found = Vec::new();
        let mut add = |fields: &[hir::Field]| {
            fields
                .iter()
                .for_each(|field| named_parts(&field.ty, structs, &mut found))
        };
        match node < structs {
            true => add(&world.program.structs[node].fields),
            false => world.program.enums[node - structs]
                .variants
                .iter()
                .for_each(|variant| add(&variant.fields)),
        }
        found
    };
    let mut marks = vec![Mark::New; total];
    for start in 0..total {
        if marks[start] != Mark::New {
            continue;
        }
        // An explicit stack: sources may nest types as deep as they like.
        let mut stack = vec![(start, inside(world, start), 0usize)];
        marks[start] = Mark::Open;
        while let Some((node, parts, at)) = stack.last_mut() {
            let node = *node;
            let Some(next) = parts.get(*at).copied() else {
                marks[node] = Mark::Done;
                stack.pop();
                continue;
            };
            *at += 1;
            match marks[next] {
                Mark::Done => {}
                Mark::New => {
                    marks[next] = Mark::Open;
                    let parts = inside(world, next);
                    stack.push((next, parts, 0));
                }
                Mark::Open => {
                    let (name, span) = match next < structs {
                        true => (
                            world.program.structs[next].name.clone(),
                            world.program.structs[next].span,
                        ),
                        false => (
                            world.program.enums[next - structs].name.clone(),
                            world.program.enums[next - structs].span,
                        ),
                    };
                    world
                        .error(
                            codes::ENDLESS_TYPE,
                            span,
                            format!("`{name}` contains itself, so it would be endless"),
                        )
                        .hint("keep the parts in a table and their keys here");
                    // Cut the circle, so that nobody downstream walks it.
                    match node < structs {
                        true => cut(&mut world.program.structs[node].fields, next, structs),
                        false => world.program.enums[node - structs]
                            .variants
                            .iter_mut()
                            .for_each(|variant| cut(&mut variant.fields, next, structs)),
                    }
                }
            }
        }
    }
}

fn cut(fields: &mut [hir::Field], part: usize, structs: usize) {
    for field in fields {
        let mut parts = Vec::new();
        named_parts(&field.ty, structs, &mut parts);
        if parts.contains(&part) {
            field.ty = Type::Error;
        }
    }
}

fn named_parts(ty: &Type, structs: usize, found: &mut Vec<usize>) {
    match ty {
        Type::Struct(id, _) => found.push(id.0 as usize),
        Type::Enum(id, _) => found.push(structs + id.0 as usize),
        Type::Optional(inner) | Type::List(inner, _) | Type::Sorted(_, inner, _) => {
            named_parts(inner, structs, found)
        }
        Type::Tuple(parts) => parts
            .iter()
            .for_each(|part| named_parts(part, structs, found)),
        _ => {}
    }
}
