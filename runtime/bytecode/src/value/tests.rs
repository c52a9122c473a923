//! Values against packed memory, their words, and where misfits are found.

use super::*;
use crate::builder::record;
use crate::layout::Sum;
use crate::wire::Plan;

fn shapes() -> Shapes {
    let u64 = Shape::Scalar(Scalar::U64);
    let pair = record(
        "Pair",
        &[
            ("flag", Shape::Scalar(Scalar::Bool)),
            ("amount", Shape::Scalar(Scalar::I16)),
        ],
    );
    let closed = record("Closed", &[]);
    Shapes {
        structs: vec![pair],
        enums: vec![Sum {
            name: "State".into(),
            variants: vec![
                closed,
                record("Open", &[("until", Shape::Time), ("by", u64)]),
            ],
        }],
    }
}

fn order() -> Record {
    record(
        "Order",
        &[
            ("name", Shape::String(10)),
            ("pairs", Shape::List(Box::new(Shape::Struct(0)), 3)),
            ("state", Shape::Enum(0)),
            ("note", Shape::Optional(Box::new(Shape::Bytes(4)))),
            (
                "place",
                Shape::Tuple(vec![Shape::Scalar(Scalar::F64), Shape::Duration]),
            ),
        ],
    )
}

fn value() -> Fields {
    let fields = |name: &str, fields: Vec<(&str, Value)>| Fields {
        name: name.into(),
        fields: fields
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect(),
    };
    let pair = |flag, amount| {
        Value::Record(fields(
            "Pair",
            vec![
                ("flag", Value::Bool(flag)),
                ("amount", Value::Integer(amount)),
            ],
        ))
    };
    let open = vec![
        ("until", Value::Time(1_700_000_000_500_000_000)),
        ("by", Value::Unsigned(7)),
    ];
    fields(
        "Order",
        vec![
            ("name", Value::String("böse \"1\"".into())),
            (
                "pairs",
                Value::List(vec![pair(true, -5), pair(false, 32_767)]),
            ),
            ("state", Value::Variant(fields("Open", open))),
            ("note", Value::Bytes(vec![0, 255])),
            (
                "place",
                Value::Tuple(vec![Value::Float(1.0), Value::Duration(90_000_000_000)]),
            ),
        ],
    )
}

#[test]
fn values_pack_as_memory_does() {
    let (shapes, record, value) = (shapes(), order(), value());
    let mut packed = Vec::new();
    value.pack(&shapes, &record, &mut packed).unwrap();
    assert_eq!(
        Fields::unpack(&shapes, &record, &mut &packed[..]).unwrap(),
        value
    );
    let plan = Plan::of(&shapes, &record);
    let mut memory = vec![1; plan.size()];
    plan.unpack_all(&packed, &mut memory).unwrap();
    let mut again = Vec::new();
    plan.pack(&memory, &mut again).unwrap();
    assert_eq!(again, packed);
    for cut in 0..packed.len() {
        assert!(Fields::unpack(&shapes, &record, &mut &packed[..cut]).is_err());
    }
}

#[test]
fn values_show_as_the_language_writes_them() {
    let expected = r#"Order { name: "böse \"1\"", pairs: [Pair { flag: true, amount: -5 }, Pair { flag: false, amount: 32767 }], "#.to_owned()
        + "state: Open { until: 2023-11-14T22:13:20.5Z, by: 7 }, note: 0x00ff, place: (1.0, 90s) }";
    assert_eq!(value().to_string(), expected);
    assert_eq!(
        Value::Time(-1).to_string(),
        "1969-12-31T23:59:59.999999999Z"
    );
    assert_eq!(
        Value::Time(951_782_400_000_000_000).to_string(),
        "2000-02-29T00:00:00Z"
    );
    assert_eq!(
        shapes().describe(&Shape::List(
            Box::new(Shape::Optional(Box::new(Shape::Enum(0)))),
            3
        )),
        "list<State?, 3>"
    );
}

#[test]
fn misfits_name_their_place() {
    let refused = |change: &dyn Fn(&mut Fields)| {
        let mut value = value();
        change(&mut value);
        value
            .pack(&shapes(), &order(), &mut Vec::new())
            .unwrap_err()
            .to_string()
    };
    let set = |at: usize, new: Value| move |value: &mut Fields| value.fields[at].1 = new.clone();
    assert_eq!(
        refused(&set(0, Value::Unsigned(1))),
        "name: wanted is string<10>, found is an integer"
    );
    assert_eq!(
        refused(&set(0, Value::String("12345678901".into()))),
        "name: a length of 11, at most 10 is allowed"
    );
    let amount = |value: &mut Fields| match &mut value.fields[1].1 {
        Value::List(pairs) => match &mut pairs[1] {
            Value::Record(pair) => pair.fields[1].1 = Value::Unsigned(32_768),
            _ => panic!(),
        },
        _ => panic!(),
    };
    assert_eq!(refused(&amount), "pairs[1].amount: 32768 is not within i16");
    assert_eq!(
        refused(&|value| drop(value.fields.remove(0))),
        "name: the field is missing"
    );
    assert_eq!(
        refused(&|value| value.fields.push(("more".into(), Value::Absent))),
        "more: there is no such field"
    );
    assert_eq!(
        refused(&set(
            2,
            Value::Variant(Fields {
                name: "Gone".into(),
                fields: vec![]
            })
        )),
        "state: there is no variant Gone"
    );
    let mut without_note = value();
    without_note.fields.remove(3);
    without_note
        .pack(&shapes(), &order(), &mut Vec::new())
        .unwrap();
}
