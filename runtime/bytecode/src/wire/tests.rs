//! What packing and unpacking keep, for any shape and any bytes.

use super::*;
use proptest::prelude::*;

/// A world of types: `struct Pair { flag: bool, amount: i128 }`, `enum Choice { None, One(u16, Pair), Text(string<5>) }`.
fn shapes() -> Shapes {
    let field = |name: &str, shape| (name.to_string(), shape);
    let pair = vec![
        field("flag", Shape::Scalar(Scalar::Bool)),
        field("amount", Shape::Scalar(Scalar::I128)),
    ];
    let one = vec![
        field("0", Shape::Scalar(Scalar::U16)),
        field("1", Shape::Struct(0)),
    ];
    let variant = |name: &str, fields| Record {
        name: name.into(),
        fields,
    };
    Shapes {
        structs: vec![Record {
            name: "Pair".into(),
            fields: pair,
        }],
        enums: vec![Sum {
            name: "Choice".into(),
            variants: vec![
                variant("None", vec![]),
                variant("One", one),
                variant("Text", vec![field("0", Shape::String(5))]),
            ],
        }],
    }
}

use crate::layout::Sum;

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        (0u8..12).prop_map(|number| Shape::Scalar(
            crate::table::Word::from_number(number).unwrap_or(Scalar::Bool)
        )),
        Just(Shape::Time),
        Just(Shape::Duration),
        (0u32..12).prop_map(Shape::String),
        (65_530u32..65_540).prop_map(Shape::Bytes),
        Just(Shape::Struct(0)),
        Just(Shape::Enum(0)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|inner| Shape::Optional(Box::new(inner))),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Shape::Tuple),
            (inner, 0u32..5).prop_map(|(element, max)| Shape::List(Box::new(element), max)),
        ]
    })
}

proptest! {
    #[test]
    fn unpacked_bytes_pack_to_the_same(shape in shape(), bytes in prop::collection::vec(prop_oneof![Just(0u8), Just(1u8), any::<u8>()], 0..200)) {
        let shapes = shapes();
        let plan = Plan::of_shape(&shapes, &shape);
        let mut memory = vec![0xAA; plan.size()];
        let mut rest = &bytes[..];
        if plan.unpack(&mut rest, &mut memory).is_ok() {
            let used = bytes.len() - rest.len();
            let mut out = vec![7];
            plan.pack(&memory, &mut out).unwrap();
            prop_assert_eq!(&out[1..], &bytes[..used]);
            prop_assert!(used as u64 <= plan.packed_max());
            // Canonical: a second unpack over other rubbish gives the same memory.
            let mut again = vec![0x55; plan.size()];
            plan.unpack_all(&bytes[..used], &mut again).unwrap();
            prop_assert_eq!(memory, again);
        }
    }

    #[test]
    fn any_memory_packs_or_is_refused(shape in shape(), fill in prop::collection::vec(prop_oneof![Just(0u8), Just(1u8), any::<u8>()], 1..64)) {
        let shapes = shapes();
        let plan = Plan::of_shape(&shapes, &shape);
        let memory: Vec<u8> = fill.iter().copied().cycle().take(plan.size()).collect();
        let mut out = vec![7, 8];
        match plan.pack(&memory, &mut out) {
            Ok(()) => prop_assert!((out.len() - 2) as u64 <= plan.packed_max()),
            Err(_) => prop_assert_eq!(out, vec![7, 8]),
        }
    }
}

#[test]
fn fixed_scalars_are_one_copy() {
    let field = |scalar| ("f".to_string(), Shape::Scalar(scalar));
    let record = |fields| Record {
        name: "Pay".into(),
        fields,
    };
    let plan = Plan::of(
        &shapes(),
        &record(vec![
            field(Scalar::U64),
            field(Scalar::I128),
            field(Scalar::U32),
            field(Scalar::U32),
        ]),
    );
    assert!(plan.dense);
    let padded = Plan::of(
        &shapes(),
        &record(vec![field(Scalar::U8), field(Scalar::U64)]),
    );
    assert!(!padded.dense);
    assert_eq!(padded.nodes.len(), 2);
}

#[test]
fn each_fault_has_its_error() {
    let shapes = shapes();
    let unpacked = |shape: Shape, bytes: &[u8]| {
        let plan = Plan::of_shape(&shapes, &shape);
        plan.unpack_all(bytes, &mut vec![0; plan.size()])
    };
    assert_eq!(
        unpacked(Shape::Scalar(Scalar::Bool), &[2]),
        Err(WireError::Bool)
    );
    assert_eq!(
        unpacked(Shape::Scalar(Scalar::F64), &f64::NAN.to_le_bytes()),
        Err(WireError::NotFinite)
    );
    assert_eq!(
        unpacked(Shape::String(2), &[3, 0, 65, 65, 65]),
        Err(WireError::TooLong { length: 3, max: 2 })
    );
    assert_eq!(
        unpacked(Shape::String(2), &[1, 0, 0xFF]),
        Err(WireError::Utf8)
    );
    assert_eq!(unpacked(Shape::Bytes(2), &[1, 0, 0xFF]), Ok(()));
    assert_eq!(
        unpacked(Shape::Enum(0), &[3]),
        Err(WireError::Tag { tag: 3, count: 3 })
    );
    assert_eq!(
        unpacked(Shape::Optional(Box::new(Shape::Time)), &[2]),
        Err(WireError::Tag { tag: 2, count: 2 })
    );
    assert_eq!(unpacked(Shape::Time, &[0; 9]), Err(WireError::Trailing(1)));
    assert_eq!(unpacked(Shape::Time, &[0; 7]), Err(WireError::Ended));
    assert_eq!(
        pack(&shapes, &Shape::Time, &[0; 7], &mut Vec::new()),
        Err(WireError::Memory {
            found: 7,
            wanted: 8
        })
    );
}
