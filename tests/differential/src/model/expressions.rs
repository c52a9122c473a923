//! Expressions in the model: what each gives, and how it fails.

use super::*;
use rc_bytecode::instr::CompareOp;
use std::cmp::Ordering;

impl Model<'_> {
    pub(super) fn exprs(&mut self, parts: &[Expr], locals: &mut Locals) -> Result<Vec<Datum>> {
        parts.iter().map(|part| self.expr(part, locals)).collect()
    }

    pub(super) fn condition(&mut self, condition: &Expr, locals: &mut Locals) -> Result<bool> {
        Ok(self.expr(condition, locals)? == Datum::Bool(true))
    }

    pub(super) fn expr(&mut self, expr: &Expr, locals: &mut Locals) -> Result<Datum> {
        *self.met.entry(kinds::of_expression(expr)).or_default() += 1;
        Ok(match expr {
            Expr::Constant(_, datum) => datum.clone(),
            Expr::Local(name) => local(name, locals),
            Expr::RowField(row, _, field) => self.row_field(row, *field, locals),
            Expr::Column(_, field) => match &locals[""] {
                Bound::Row(_, _, row) => row[*field].clone(),
                _ => panic!("a column outside an invariant"),
            },
            Expr::StructField(base, _, field) | Expr::TuplePart(base, field) => {
                part(self.expr(base, locals)?, *field)
            }
            Expr::State(state) => self.states[*state].clone(),
            Expr::Aggregate(number, group) => {
                let group = group
                    .as_ref()
                    .map(|group| self.expr(group, locals))
                    .transpose()?;
                self.aggregate(*number, group)
            }
            Expr::Now => Datum::Integer(self.now.into()),
            Expr::CallerId => Datum::Integer(crate::engines::CALLER_ID.into()),
            Expr::Concat(max, _, left, right) => {
                match (self.expr(left, locals)?, self.expr(right, locals)?) {
                    (Datum::Text(left), Datum::Text(right))
                        if left.len() + right.len() <= *max as usize =>
                    {
                        Datum::Text(left + &right)
                    }
                    _ => return Err(Builtin::TooLong.into()),
                }
            }
            Expr::Element(list, index) => {
                let Datum::List(items) = self.expr(list, locals)? else {
                    panic!("an element of no list")
                };
                let index = integer(&self.expr(index, locals)?);
                let item = usize::try_from(index)
                    .ok()
                    .and_then(|index| items.get(index));
                item.cloned().ok_or(Builtin::BoundExceeded)?
            }
            Expr::Arithmetic(op, scalar, left, right) => {
                let (left, right) = (self.expr(left, locals)?, self.expr(right, locals)?);
                number::binary(*op, *scalar, &left, &right)?
            }
            Expr::Unary(op, scalar, operand) => {
                number::unary(*op, *scalar, &self.expr(operand, locals)?)?
            }
            Expr::Compare(op, left, right) => {
                let order = self.expr(left, locals)?.cmp(&self.expr(right, locals)?);
                Datum::Bool(match op {
                    CompareOp::Equal => order == Ordering::Equal,
                    CompareOp::NotEqual => order != Ordering::Equal,
                    CompareOp::Less => order == Ordering::Less,
                    CompareOp::LessOrEqual => order != Ordering::Greater,
                    CompareOp::Greater => order == Ordering::Greater,
                    CompareOp::GreaterOrEqual => order != Ordering::Less,
                })
            }
            Expr::And(left, right) => {
                Datum::Bool(self.condition(left, locals)? && self.condition(right, locals)?)
            }
            Expr::Or(left, right) => {
                Datum::Bool(self.condition(left, locals)? || self.condition(right, locals)?)
            }
            Expr::Not(operand) => Datum::Bool(!self.condition(operand, locals)?),
            Expr::Widen(to, value) => number::convert(*to, &self.expr(value, locals)?)?,
            Expr::If(condition, then, otherwise) => {
                let branch = if self.condition(condition, locals)? {
                    then
                } else {
                    otherwise
                };
                self.expr(branch, locals)?
            }
            Expr::Otherwise(value, otherwise) => match self.expr(value, locals)? {
                Datum::Some(value) => *value,
                _ => self.expr(otherwise, locals)?,
            },
            Expr::Some(value) => Datum::Some(Box::new(self.expr(value, locals)?)),
            Expr::Struct(_, parts) => Datum::Record(self.exprs(parts, locals)?),
            Expr::Variant(_, variant, parts) => {
                Datum::Variant(*variant, self.exprs(parts, locals)?)
            }
            Expr::Tuple(parts) => Datum::Tuple(self.exprs(parts, locals)?),
            Expr::List(parts) => Datum::List(self.exprs(parts, locals)?),
            Expr::Method(method, receiver, arguments) => {
                let receiver = self.expr(receiver, locals)?;
                let arguments = self.exprs(arguments, locals)?;
                apply(*method, receiver, &arguments)
            }
            Expr::Contains(table, key) => {
                let key = self.exprs(key, locals)?;
                Datum::Bool(self.tables[*table].contains_key(&key))
            }
            Expr::Rows {
                name,
                value,
                walk,
                condition,
            } => {
                let keys = self.walk(walk, locals)?;
                let rows = keys
                    .into_iter()
                    .map(|key| {
                        Bound::Row(
                            walk.table,
                            key.clone(),
                            self.tables[walk.table][&key].clone(),
                        )
                    })
                    .collect();
                self.comprehension(rows, name, value, condition.as_deref(), locals)?
            }
            Expr::Items {
                name,
                value,
                list,
                condition,
            } => {
                let Datum::List(items) = self.expr(list, locals)? else {
                    panic!("a walk of no list")
                };
                self.comprehension(
                    items.into_iter().map(Bound::Value).collect(),
                    name,
                    value,
                    condition.as_deref(),
                    locals,
                )?
            }
            Expr::MatchInteger {
                value,
                arms,
                otherwise,
            } => {
                let value = integer(&self.expr(value, locals)?);
                let takes = |(low, high): &(i128, i128)| (*low..=*high).contains(&value);
                let arm = arms.iter().find(|(ranges, _)| ranges.iter().any(takes));
                self.expr(arm.map_or(otherwise, |(_, value)| value), locals)?
            }
            Expr::Call(function, row, arguments) => {
                let value = self.run(*function, row.as_ref(), arguments, locals)?;
                value.expect("a function with a value")
            }
            Expr::Reached(name, (_, field), (target, wanted)) => {
                let key = match self.row_field(name, *field, locals) {
                    Datum::Tuple(parts) => parts,
                    one => vec![one],
                };
                let row = self.tables[*target].get(&key);
                row.expect("what a reference leads to")[*wanted].clone()
            }
            Expr::Operation(operation, operands) => self.operation(*operation, operands, locals)?,
            Expr::Held(root, holding, arguments) => {
                let value = self.hold(root, *holding, arguments, locals)?;
                value.expect("an operation with a value")
            }
            Expr::Elements(root, take) => {
                let elements = self.elements(root, locals).into_iter();
                let pairs = elements.map(|(key, value)| Datum::Tuple(vec![key, value]));
                Datum::List(pairs.take(*take as usize).collect())
            }
        })
    }

    pub(super) fn comprehension(
        &mut self,
        items: Vec<Bound>,
        name: &str,
        value: &Expr,
        condition: Option<&Expr>,
        locals: &mut Locals,
    ) -> Result<Datum> {
        let mut list = Vec::new();
        for item in items {
            locals.insert(name.to_string(), item);
            if condition
                .map(|condition| self.condition(condition, locals))
                .transpose()?
                != Some(false)
            {
                list.push(self.expr(value, locals)?);
            }
        }
        Ok(Datum::List(list))
    }
}

pub(super) fn local(name: &str, locals: &Locals) -> Datum {
    match locals.get(name) {
        Some(Bound::Value(value)) => value.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

pub(super) fn part(value: Datum, number: usize) -> Datum {
    match value {
        Datum::Record(mut parts) | Datum::Tuple(mut parts) => parts.swap_remove(number),
        other => panic!("{other:?} has no parts"),
    }
}

pub(super) fn integer(value: &Datum) -> i128 {
    match value {
        Datum::Integer(value) => *value,
        Datum::Wide(value) => *value as i128,
        other => panic!("{other:?} is no integer"),
    }
}

fn apply(method: Method, receiver: Datum, arguments: &[Datum]) -> Datum {
    let optional =
        |item: Option<&Datum>| item.map_or(Datum::None, |item| Datum::Some(Box::new(item.clone())));
    let length = match &receiver {
        Datum::List(items) => items.len(),
        Datum::Text(text) => text.len(),
        Datum::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    match (method, &receiver) {
        (Method::Length, _) => Datum::Integer(length as i128),
        (Method::IsEmpty, _) => Datum::Bool(length == 0),
        (Method::Contains, Datum::List(items)) => Datum::Bool(items.contains(&arguments[0])),
        (Method::First, Datum::List(items)) => optional(items.first()),
        (Method::Last, Datum::List(items)) => optional(items.last()),
        (Method::IsSome, value) => Datum::Bool(*value != Datum::None),
        (Method::IsNone, value) => Datum::Bool(*value == Datum::None),
        (Method::StartsWith | Method::EndsWith | Method::Finds, Datum::Text(text)) => {
            let Datum::Text(part) = &arguments[0] else {
                panic!("{method:?} of {:?}", arguments[0])
            };
            Datum::Bool(match method {
                Method::StartsWith => text.starts_with(part.as_str()),
                Method::EndsWith => text.ends_with(part.as_str()),
                _ => text.contains(part.as_str()),
            })
        }
        (Method::ToText, Datum::Integer(number)) => Datum::Text(number.to_string()),
        (Method::ToText, Datum::Wide(number)) => Datum::Text(number.to_string()),
        (method, receiver) => panic!("{method:?} of {receiver:?}"),
    }
}
