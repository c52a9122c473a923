//! The order of values that are keys: elements of sets, keys of maps. The same as that of tables' keys, and of `stdlib/sorted.rc`.
//!
//! Always true: two keys of one shape are equal exactly where their packed bytes are; what is arranged has each key once.

use crate::layout::{Shape, Shapes};
use crate::value::Value;
use std::cmp::Ordering;

/// How two values of a key's shape stand to each other. Values that are not of the shape are equal.
pub fn compare(shapes: &Shapes, shape: &Shape, left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Unsigned(left), Value::Unsigned(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right))
        | (Value::Duration(left), Value::Duration(right)) => left.cmp(right),
        (Value::Uuid(left), Value::Uuid(right)) => left.cmp(right),
        (Value::Hash(left), Value::Hash(right)) => left.cmp(right),
        (Value::Decimal { value: left, .. }, Value::Decimal { value: right, .. }) => {
            left.cmp(right)
        }
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bytes(left), Value::Bytes(right)) => left.cmp(right),
        (Value::Variant(left), Value::Variant(right)) => {
            let Shape::Enum(index) = shape else {
                return Ordering::Equal;
            };
            let variants = &shapes.enums[*index as usize].variants;
            let number = |name: &str| variants.iter().position(|known| known.name == name);
            number(&left.name).cmp(&number(&right.name))
        }
        (Value::Tuple(left), Value::Tuple(right)) => {
            let Shape::Tuple(parts) = shape else {
                return Ordering::Equal;
            };
            left.iter()
                .zip(right)
                .zip(parts)
                .map(|((left, right), part)| compare(shapes, part, left, right))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        }
        _ => Ordering::Equal,
    }
}

/// Appends the packed elements of a set or a map in the order of their keys.
///
/// # Errors
/// The number of an element whose key another element before it has; `out` is as it was then.
pub fn arrange(
    shapes: &Shapes,
    shape: &Shape,
    elements: Vec<Vec<u8>>,
    out: &mut Vec<u8>,
) -> Result<(), usize> {
    let key = match shape {
        Shape::Set(element, _) => &**element,
        other => match other.entry() {
            Some((key, _)) => key,
            None => {
                out.extend(elements.iter().flatten());
                return Ok(());
            }
        },
    };
    // A map's element begins with its key.
    let mut order: Vec<(Value, usize)> = elements
        .iter()
        .enumerate()
        .map(|(at, element)| {
            let key = Value::unpack(shapes, key, &mut element.as_slice());
            (key.expect("what was packed by a shape has it"), at)
        })
        .collect();
    // Of equal keys the first stays first.
    order.sort_by(|(left, _), (right, _)| compare(shapes, key, left, right));
    let twice = order
        .windows(2)
        .filter(|pair| compare(shapes, key, &pair[0].0, &pair[1].0).is_eq())
        .map(|pair| pair[1].1)
        .min();
    if let Some(twice) = twice {
        return Err(twice);
    }
    order.iter().for_each(|(_, at)| out.extend(&elements[*at]));
    Ok(())
}
