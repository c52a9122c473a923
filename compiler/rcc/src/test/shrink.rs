//! Smaller failing cases. Always true: a candidate fits the shape of what it came from and is simpler (shorter, or
//! nearer to zero), so that greedy steps end.

use rc_bytecode::value::{Fields, Value};

/// The simplest fields found that `fails` still says yes to, in at most `tries` tries.
pub fn shrink(fields: Fields, mut tries: u32, mut fails: impl FnMut(&Fields) -> bool) -> Fields {
    let mut best = fields;
    'smaller: while tries > 0 {
        for candidate in fields_candidates(&best) {
            if tries == 0 {
                break;
            }
            tries -= 1;
            if fails(&candidate) {
                best = candidate;
                continue 'smaller;
            }
        }
        break;
    }
    best
}

fn fields_candidates(fields: &Fields) -> Vec<Fields> {
    let mut all = Vec::new();
    for (at, (_, value)) in fields.fields.iter().enumerate() {
        for simpler in candidates(value) {
            let mut changed = fields.clone();
            changed.fields[at].1 = simpler;
            all.push(changed);
        }
    }
    all
}

/// Simpler values, the simplest first.
fn candidates(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(true) => vec![Value::Bool(false)],
        Value::Unsigned(number) => towards_zero(*number)
            .into_iter()
            .map(Value::Unsigned)
            .collect(),
        Value::Integer(number) => {
            let magnitudes = towards_zero(number.unsigned_abs())
                .into_iter()
                .filter_map(|size| i128::try_from(size).ok());
            let mut simpler: Vec<Value> = magnitudes
                .map(|size| Value::Integer(if *number < 0 { -size } else { size }))
                .collect();
            if *number < 0 && *number > i128::MIN {
                simpler.insert(0, Value::Integer(-number - 1));
            }
            simpler
        }
        Value::Float(float) if *float != 0.0 => {
            vec![Value::Float(0.0), Value::Float((float / 2.0).trunc())]
                .into_iter()
                .filter(|simpler| simpler != value)
                .collect()
        }
        Value::Time(time) => towards_zero(time.unsigned_abs().into())
            .into_iter()
            .map(|size| Value::Time(size as i64))
            .collect(),
        Value::Duration(length) if *length != 0 => {
            vec![Value::Duration(0), Value::Duration(length / 2)]
        }
        Value::Decimal { value, scale } if *value != 0 => vec![
            Value::Decimal {
                value: 0,
                scale: *scale,
            },
            Value::Decimal {
                value: value / 2,
                scale: *scale,
            },
        ],
        Value::String(text) => {
            let characters: Vec<char> = text.chars().collect();
            shorter(&characters)
                .into_iter()
                .map(|kept| Value::String(kept.into_iter().collect()))
                .collect()
        }
        Value::Bytes(bytes) => shorter(bytes).into_iter().map(Value::Bytes).collect(),
        Value::List(elements) => {
            let mut simpler: Vec<Value> = shorter(elements).into_iter().map(Value::List).collect();
            simpler.extend(parts_candidates(elements).into_iter().map(Value::List));
            simpler
        }
        Value::Tuple(parts) => parts_candidates(parts)
            .into_iter()
            .map(Value::Tuple)
            .collect(),
        Value::Record(fields) => fields_candidates(fields)
            .into_iter()
            .map(Value::Record)
            .collect(),
        Value::Variant(fields) => fields_candidates(fields)
            .into_iter()
            .map(Value::Variant)
            .collect(),
        _ => Vec::new(),
    }
}

/// Longer lists are only made shorter: one candidate per element would be too many.
const EACH_MAX: usize = 64;

/// One part simpler each.
fn parts_candidates(parts: &[Value]) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    if parts.len() > EACH_MAX {
        return all;
    }
    for (at, part) in parts.iter().enumerate() {
        for simpler in candidates(part) {
            let mut changed = parts.to_vec();
            changed[at] = simpler;
            all.push(changed);
        }
    }
    all
}

/// Nothing, halves, all but an eighth, all but one.
fn shorter<Element: Clone>(elements: &[Element]) -> Vec<Vec<Element>> {
    let mut all = Vec::new();
    let length = elements.len();
    if length > 1 {
        all.push(Vec::new());
    }
    if length > 3 {
        all.push(elements[..length / 2].to_vec());
        all.push(elements[length / 2..].to_vec());
    }
    let part = if length > EACH_MAX { length / 8 } else { 1 };
    for start in (0..length).step_by(part) {
        let end = (start + part).min(length);
        all.push([&elements[..start], &elements[end..]].concat());
    }
    all
}

fn towards_zero(number: u128) -> Vec<u128> {
    let mut all: Vec<u128> = [0, 1, number / 2, number.saturating_sub(1)]
        .into_iter()
        .filter(|smaller| *smaller < number)
        .collect();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simplest_failing_case_is_found() {
        let pair = |left: u128, right: u128| {
            Value::Tuple(vec![Value::Unsigned(left), Value::Unsigned(right)])
        };
        let pairs: Vec<Value> = (0..20).map(|n| pair(n * 7, 1000 - n)).collect();
        let fields = Fields {
            name: "p".into(),
            fields: vec![
                ("moves".into(), Value::List(pairs)),
                ("name".into(), Value::String("abc".into())),
            ],
        };
        // Fails where some pair has a right side above 500 and the name is not empty.
        let fails = |fields: &Fields| {
            let Some(Value::List(moves)) = fields.get("moves") else {
                return false;
            };
            let large = |value: &Value| matches!(value, Value::Tuple(parts) if matches!(parts[1], Value::Unsigned(right) if right > 500));
            moves.iter().any(large) && fields.get("name") != Some(&Value::String(String::new()))
        };
        let found = shrink(fields, 5_000, fails);
        assert_eq!(found.fields[0].1, Value::List(vec![pair(0, 501)]));
        assert!(matches!(&found.fields[1].1, Value::String(text) if text.chars().count() == 1));
    }

    #[test]
    fn long_lists_get_short_without_many_copies() {
        let elements = (0..1_000).map(Value::Unsigned).collect();
        let fields = Fields {
            name: String::new(),
            fields: vec![("l".into(), Value::List(elements))],
        };
        assert!(fields_candidates(&fields).len() < 16);
        let holds = |fields: &Fields, number: u128| matches!(&fields.fields[0].1, Value::List(kept) if kept.contains(&Value::Unsigned(number)));
        let found = shrink(fields, 2_000, |fields| {
            holds(fields, 77) && holds(fields, 777)
        });
        assert_eq!(
            found.fields[0].1,
            Value::List(vec![Value::Unsigned(77), Value::Unsigned(777)])
        );
    }

    #[test]
    fn negative_numbers_go_towards_zero() {
        let fields = |number| Fields {
            name: String::new(),
            fields: vec![("n".into(), Value::Integer(number))],
        };
        let found = shrink(
            fields(-70),
            100,
            |fields| matches!(fields.fields[0].1, Value::Integer(number) if number < -3),
        );
        assert_eq!(found, fields(-4));
    }
}
