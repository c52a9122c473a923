//! The layouts of `stdlib/list.rc`, `stdlib/sorted.rc` and `stdlib/text.rc` are the memory layout that compiler and runtime share.

use super::*;
use rc_bytecode::layout::length_prefix;
use rc_diagnostics::Diagnostics;
use rc_hir::{Origin, Program};
use rc_source::Sources;

fn program() -> Program {
    let mut sources = Sources::new();
    let mut diagnostics = Diagnostics::new();
    let texts = [
        ("list", include_str!("../../../../stdlib/list.rc")),
        ("sorted", include_str!("../../../../stdlib/sorted.rc")),
        ("text", include_str!("../../../../stdlib/text.rc")),
    ];
    let parsed = texts.map(|(name, text)| {
        let file = sources.add(format!("std/{name}.rc"), text.to_string());
        (name, rc_syntax::parse(file, text))
    });
    for (_, parsed) in &parsed {
        diagnostics.extend(parsed.diagnostics.iter().cloned());
    }
    let units = parsed.each_ref().map(|(name, parsed)| rc_check::Unit {
        module: (*name).to_string(),
        origin: Origin::Std,
        file: &parsed.file,
    });
    let options = rc_check::Options {
        package: "test".into(),
        default_allow: None,
        std_packages: Vec::new(),
        page_shift: None,
    };
    let (program, more) = rc_check::check(&sources, &units, &options);
    diagnostics.extend(more);
    assert!(!diagnostics.has_errors());
    program
}

fn layout_named(types: &mut Types<'_>, name: &str, arguments: &[Ty]) -> (Extent, Vec<u32>) {
    let index = types
        .program
        .layouts
        .iter()
        .position(|layout| layout.name == name || layout.name.ends_with(&format!(".{name}")))
        .expect("the layout");
    let (extent, fields) = types.layout(hir::LayoutId(index as u32), arguments);
    (
        extent,
        fields.into_iter().map(|(_, offset)| offset).collect(),
    )
}

/// Every scalar, and what is made of them, some levels deep.
fn shapes() -> Vec<Shape> {
    let mut all: Vec<Shape> = [
        Scalar::Bool,
        Scalar::U8,
        Scalar::I16,
        Scalar::U32,
        Scalar::I64,
        Scalar::U128,
        Scalar::F64,
    ]
    .map(Shape::Scalar)
    .to_vec();
    all.extend([Shape::Time, Shape::Duration]);
    all.extend([0, 1, 2, 3, 20, 65_535, 65_536].map(Shape::String));
    all.extend([1, 4].map(Shape::Bytes));
    for _ in 0..2 {
        let mut more = Vec::new();
        for (at, shape) in all.iter().enumerate() {
            let next = all[(at * 7 + 3) % all.len()].clone();
            more.push(Shape::Optional(Box::new(shape.clone())));
            more.push(Shape::Tuple(vec![shape.clone(), next.clone()]));
            more.push(Shape::List(Box::new(next), at as u32 % 5));
        }
        all.extend(more);
    }
    all
}

#[test]
fn the_library_lays_values_out_as_the_runtime_does() {
    let program = program();
    let mut types = Types::new(&program, 14);
    for shape in shapes() {
        let extent = types.shapes.extent(&shape);
        let item = Ty::Opaque(Opaque {
            size: extent.size,
            align: extent.align,
        });
        for count in [0u32, 1, 2, 3, 7, 100] {
            let list = Shape::List(Box::new(shape.clone()), count);
            let arguments = [item.clone(), Ty::Number(count.into())];
            let (whole, offsets) = layout_named(&mut types, "List", &arguments);
            assert_eq!(whole, types.shapes.extent(&list), "{list:?}");
            assert_eq!(offsets, [0, types.shapes.list_base(&shape)], "{list:?}");
        }
        // Keys beside values, and beside the nothing that a set has.
        for value in [None, Some(Shape::Scalar(Scalar::U8)), Some(shape.clone())] {
            let key = Shape::Scalar(Scalar::I16);
            let extent = value
                .as_ref()
                .map_or(Extent { size: 0, align: 1 }, |value| {
                    types.shapes.extent(value)
                });
            let whole = match value {
                None => Shape::Set(Box::new(key.clone()), 9),
                Some(value) => Shape::Map(Box::new(Shape::Tuple(vec![key.clone(), value])), 9),
            };
            let value = Ty::Opaque(Opaque {
                size: extent.size,
                align: extent.align,
            });
            let arguments = [Ty::Value(key), value, Ty::Number(9)];
            let (found, offsets) = layout_named(&mut types, "Map", &arguments);
            let (element, _) = whole.elements().expect("a collection");
            assert_eq!(found, types.shapes.extent(&whole), "{whole:?}");
            assert_eq!(offsets, [0, types.shapes.list_base(element)], "{whole:?}");
            let (entry, offsets) = layout_named(&mut types, "Entry", &arguments[..2]);
            assert_eq!(entry, types.shapes.extent(element), "{whole:?}");
            if let Shape::Tuple(parts) = element {
                assert_eq!(offsets, types.shapes.record_extent(parts.iter()).1);
            }
        }
        let maybe = Shape::Optional(Box::new(shape.clone()));
        let (whole, offsets) = layout_named(&mut types, "Maybe", &[item]);
        assert_eq!(whole, types.shapes.extent(&maybe), "{maybe:?}");
        assert_eq!(offsets, [0, types.shapes.optional_offset(&shape)]);
    }
    for max in [
        0u32, 1, 2, 3, 7, 100, 65_534, 65_535, 65_536, 65_537, 100_001,
    ] {
        let name = match length_prefix(max) {
            2 => "Text",
            _ => "LongText",
        };
        let (whole, offsets) = layout_named(&mut types, name, &[Ty::Number(max.into())]);
        assert_eq!(whole, types.shapes.extent(&Shape::String(max)), "{max}");
        assert_eq!(whole, types.shapes.extent(&Shape::Bytes(max)), "{max}");
        assert_eq!(offsets, [0, length_prefix(max)], "{max}");
    }
}
