//! Expressions of a wanted type. Always true: what stands on the left of an operator has a type of its own (a name, a
//! field, a calculation on one), so that literals beside it find theirs.

use super::{Generator, Item};
use crate::description::*;
use rc_bytecode::instr::{BinaryOp, CompareOp, Scalar, UnaryOp};

const CHECKED: [BinaryOp; 5] = [
    BinaryOp::Add,
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
];
const OTHERS: [BinaryOp; 12] = [
    BinaryOp::Rem,
    BinaryOp::WrappingAdd,
    BinaryOp::WrappingSub,
    BinaryOp::WrappingMul,
    BinaryOp::SaturatingAdd,
    BinaryOp::SaturatingSub,
    BinaryOp::SaturatingMul,
    BinaryOp::Min,
    BinaryOp::Max,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
];

impl Generator {
    /// Everything in scope, with its type: names, fields, states, aggregates.
    fn sources(&self) -> Vec<(Expr, Type)> {
        let mut found = Vec::new();
        for item in &self.scope {
            match item {
                Item::Value { name, ty, .. } => found.push((Expr::Local(name.clone()), ty.clone())),
                Item::Maybe { .. } => {}
                Item::Row { name, table } => {
                    let fields = self.package.tables[*table].fields.iter().enumerate();
                    for (number, field) in fields.filter(|(_, field)| !field.ty.is_container()) {
                        found.push((
                            Expr::RowField(name.clone(), *table, number),
                            field.ty.clone(),
                        ));
                    }
                }
            }
        }
        let states = self.package.states.iter().enumerate();
        for (number, state) in states.filter(|(_, state)| !state.ty.is_container()) {
            found.push((Expr::State(number), state.ty.clone()));
        }
        for (number, aggregate) in self
            .package
            .aggregates
            .iter()
            .enumerate()
            .filter(|(_, aggregate)| aggregate.by.is_none())
        {
            found.push((Expr::Aggregate(number, None), self.package.gives(aggregate)));
        }
        found.push((Expr::Now, Type::Time));
        found.push((Expr::CallerId, Type::Integer(Scalar::U64)));
        let whole = found.len();
        for number in 0..whole {
            let (base, ty) = found[number].clone();
            match ty {
                Type::Struct(record) => {
                    for (field, declared) in self.package.structs[record].fields.iter().enumerate()
                    {
                        found.push((
                            Expr::StructField(Box::new(base.clone()), record, field),
                            declared.ty.clone(),
                        ));
                    }
                }
                Type::Tuple(parts) => {
                    for (part, ty) in parts.into_iter().enumerate() {
                        found.push((Expr::TuplePart(Box::new(base.clone()), part), ty));
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// Something in scope of a type that is wanted.
    pub fn source(&mut self, wanted: impl Fn(&Type) -> bool) -> Option<(Expr, Type)> {
        let mut found: Vec<_> = self
            .sources()
            .into_iter()
            .filter(|(_, ty)| wanted(ty))
            .collect();
        (!found.is_empty()).then(|| found.swap_remove(self.chance.below(found.len())))
    }

    pub(super) fn source_of(&mut self, ty: &Type) -> Option<Expr> {
        self.source(|have| have == ty).map(|(expr, _)| expr)
    }

    /// A value whose type can be told without knowing what is wanted.
    fn typed(&mut self, ty: &Type, depth: usize) -> Option<Expr> {
        let Type::Integer(scalar) = ty else {
            return match ty {
                Type::Bool if depth > 0 => Some(self.condition(depth - 1)),
                _ => self.source_of(ty),
            };
        };
        if depth == 0 || self.chance.in_hundred(40) {
            return self.source_of(ty);
        }
        match self.chance.below(10) {
            0..=4 => {
                let left = self.typed(ty, depth - 1)?;
                Some(self.calculation(*scalar, left, depth))
            }
            5 => {
                let left = self.typed(ty, depth - 1)?;
                let op = match (scalar.is_signed(), self.chance.below(5)) {
                    (_, 0) => UnaryOp::Not,
                    (_, 1) => UnaryOp::ByteSwap,
                    (true, 2) => UnaryOp::Neg,
                    (true, _) => UnaryOp::Abs,
                    (false, 2) => UnaryOp::TrailingZeros,
                    (false, 3) => UnaryOp::LeadingZeros,
                    (false, _) => UnaryOp::CountOnes,
                };
                Some(Expr::Unary(op, *scalar, Box::new(left)))
            }
            6 => {
                let narrower =
                    |ty: &Type| matches!(ty, Type::Integer(from) if widens(*from, *scalar));
                let (value, _) = self.source(narrower)?;
                Some(Expr::Widen(*scalar, Box::new(value)))
            }
            7 if *scalar == Scalar::U64 => {
                let (value, _) = self
                    .source(|ty| matches!(ty, Type::List(..) | Type::Text(_) | Type::Bytes(_)))?;
                Some(Expr::Method(Method::Length, Box::new(value), Vec::new()))
            }
            8 if *scalar == Scalar::I64 && self.chance.in_hundred(40) => self.of_durations(),
            8 => self.call_of(ty, depth),
            _ => self.group(ty).or_else(|| self.source_of(ty)),
        }
    }

    /// A grouped aggregate of the type.
    fn group(&mut self, ty: &Type) -> Option<Expr> {
        let fitting =
            |aggregate: &Aggregate| aggregate.by.is_some() && self.package.gives(aggregate) == *ty;
        let number = self.package.aggregates.iter().position(fitting)?;
        let aggregate = &self.package.aggregates[number];
        let by = self.package.tables[aggregate.table].fields[aggregate.by?]
            .ty
            .clone();
        let group = self.expr(&by, 1);
        Some(Expr::Aggregate(number, Some(Box::new(group))))
    }

    fn call_of(&mut self, ty: &Type, depth: usize) -> Option<Expr> {
        let fitting: Vec<usize> = (0..self.package.functions.len())
            .filter(|number| self.package.functions[*number].result.as_ref() == Some(ty))
            .collect();
        if fitting.is_empty() || depth == 0 {
            return None;
        }
        let function = *self.chance.pick(&fitting);
        let (row, arguments) = self.arguments_of(function)?;
        Some(Expr::Call(function, row, arguments))
    }

    /// A row where the function wants one, and its other arguments.
    pub fn arguments_of(&mut self, function: usize) -> Option<(Option<String>, Vec<Expr>)> {
        let function = self.package.functions[function].clone();
        let row = match &function.row {
            Some((_, table)) => Some(self.row_of(*table)?),
            None => None,
        };
        let arguments = function
            .parameters
            .iter()
            .map(|(_, ty)| self.expr(ty, 1))
            .collect();
        Some((row, arguments))
    }

    /// A name for a row of the table.
    pub fn row_of(&mut self, wanted: usize) -> Option<String> {
        let rows: Vec<String> = self
            .scope
            .iter()
            .filter_map(|item| match item {
                Item::Row { name, table } if *table == wanted => Some(name.clone()),
                _ => None,
            })
            .collect();
        (!rows.is_empty()).then(|| self.chance.pick(&rows).clone())
    }

    fn calculation(&mut self, scalar: Scalar, left: Expr, depth: usize) -> Expr {
        let ty = Type::Integer(scalar);
        let shift = self.chance.in_hundred(10);
        let op = match (shift, self.chance.in_hundred(60)) {
            (true, true) => BinaryOp::ShiftLeft,
            (true, false) => BinaryOp::ShiftRight,
            (false, true) => *self.chance.pick(&CHECKED),
            (false, false) => *self.chance.pick(&OTHERS),
        };
        let mut right = self.expr(&ty, depth - 1);
        // What always fails does not compile.
        if let Expr::Constant(_, datum) = &mut right {
            let zero = matches!(datum, Datum::Integer(0) | Datum::Wide(0));
            let far = match datum {
                Datum::Integer(value) => *value < 0 || *value >= scalar.bits().into(),
                Datum::Wide(value) => *value >= 128,
                _ => false,
            };
            if zero && matches!(op, BinaryOp::Div | BinaryOp::Rem) || far && shift {
                *datum = if scalar == Scalar::U128 {
                    Datum::Wide(3)
                } else {
                    Datum::Integer(3)
                };
            }
        }
        Expr::Arithmetic(op, scalar, Box::new(left), Box::new(right))
    }

    pub fn condition(&mut self, depth: usize) -> Expr {
        if depth > 0 {
            match self.chance.below(10) {
                0 => {
                    return Expr::And(
                        Box::new(self.condition(depth - 1)),
                        Box::new(self.condition(depth - 1)),
                    );
                }
                1 => {
                    return Expr::Or(
                        Box::new(self.condition(depth - 1)),
                        Box::new(self.condition(depth - 1)),
                    );
                }
                2 => return Expr::Not(Box::new(self.condition(depth - 1))),
                _ => {}
            }
        }
        let test = match self.chance.below(12) {
            0 => self.source_of(&Type::Bool),
            1 => {
                let table = self.chance.below(self.package.tables.len());
                let key = self.key(table);
                Some(Expr::Contains(table, key))
            }
            2 => self.optional_test(),
            3 => self.list_test(),
            4 => self.text_test(),
            6 => self.generic_test(),
            5 => {
                let found = self.source(|ty| !matches!(ty, Type::Time | Type::List(..)));
                let found = found.filter(|(_, ty)| self.comparable(ty));
                found.map(|(left, ty)| {
                    let op = *self.chance.pick(&[CompareOp::Equal, CompareOp::NotEqual]);
                    Expr::Compare(op, Box::new(left), Box::new(self.expr(&ty, 1)))
                })
            }
            _ => None,
        };
        if let Some(test) = test {
            return test;
        }
        let found = self.source(|ty| {
            matches!(
                ty,
                Type::Integer(_)
                    | Type::Decimal(..)
                    | Type::Float
                    | Type::Text(_)
                    | Type::Bytes(_)
                    | Type::Uuid
                    | Type::Hash
                    | Type::Time
                    | Type::Duration
            )
        });
        let (left, ty) = found.unwrap_or((Expr::Now, Type::Time));
        let ops = [
            CompareOp::Less,
            CompareOp::LessOrEqual,
            CompareOp::Greater,
            CompareOp::GreaterOrEqual,
            CompareOp::Equal,
            CompareOp::NotEqual,
        ];
        let op = *self.chance.pick(&ops);
        let left = match &ty {
            Type::Integer(_) => self.typed(&ty, depth.min(1)).unwrap_or(left),
            _ => left,
        };
        let right = self.expr(&ty, depth.min(1));
        Expr::Compare(op, Box::new(left), Box::new(right))
    }

    fn optional_test(&mut self) -> Option<Expr> {
        let (value, _) = self.source(|ty| matches!(ty, Type::Optional(_)))?;
        let method = *self.chance.pick(&[Method::IsSome, Method::IsNone]);
        Some(Expr::Method(method, Box::new(value), Vec::new()))
    }

    fn list_test(&mut self) -> Option<Expr> {
        let (value, ty) = self.source(|ty| matches!(ty, Type::List(..)))?;
        let Type::List(element, _) = ty else {
            return None;
        };
        if self.chance.in_hundred(30) {
            return Some(Expr::Method(Method::IsEmpty, Box::new(value), Vec::new()));
        }
        if !matches!(
            *element,
            Type::Bool | Type::Integer(_) | Type::Text(_) | Type::Bytes(_)
        ) {
            return Some(Expr::Method(Method::IsEmpty, Box::new(value), Vec::new()));
        }
        let wanted = self.expr(&element, 1);
        Some(Expr::Method(
            Method::Contains,
            Box::new(value),
            vec![wanted],
        ))
    }

    fn text_test(&mut self) -> Option<Expr> {
        let (value, _) = self.source(|ty| matches!(ty, Type::Text(_)))?;
        let (part, _) = self.source(|ty| matches!(ty, Type::Text(_)))?;
        let methods = [Method::StartsWith, Method::EndsWith, Method::Finds];
        let method = *self.chance.pick(&methods);
        Some(Expr::Method(method, Box::new(value), vec![part]))
    }

    /// An integer's digits, where the longest of its type fit.
    fn digits(&mut self, max: u32) -> Option<Expr> {
        let (value, _) =
            self.source(|ty| matches!(ty, Type::Integer(scalar) if digits_max(*scalar) <= max))?;
        Some(Expr::Method(Method::ToText, Box::new(value), Vec::new()))
    }

    /// A table's key: mostly parameters of its types.
    pub fn key(&mut self, table: usize) -> Vec<Expr> {
        let declared = &self.package.tables[table];
        let types: Vec<Type> = declared.fields[..declared.key_len]
            .iter()
            .map(|field| field.ty.clone())
            .collect();
        types.iter().map(|ty| self.value_near(ty)).collect()
    }

    /// A name of the type before a constant.
    pub fn value_near(&mut self, ty: &Type) -> Expr {
        // Of times there are no literals.
        let found = if *ty == Type::Time || self.chance.in_hundred(75) {
            self.source_of(ty)
        } else {
            None
        };
        found.unwrap_or_else(|| {
            let datum = self.constant(ty);
            Expr::Constant(ty.clone(), datum)
        })
    }

    /// A value where its type is known from outside.
    pub fn expr(&mut self, ty: &Type, depth: usize) -> Expr {
        if depth == 0 || self.chance.in_hundred(25) {
            return self.value_near(ty);
        }
        let made = match (ty, self.chance.below(10)) {
            (_, 9) if self.chance.in_hundred(50) => self.reached(ty),
            (_, 9) if self.chance.in_hundred(50) => self.generic(ty, depth),
            (Type::Decimal(..) | Type::Float | Type::Duration | Type::Hash, 3..=8) => {
                self.operation(ty, depth)
            }
            (Type::Text(_), 9) => self.operation(ty, depth),
            (_, 0) => {
                let condition = self.condition(depth - 1);
                Some(Expr::If(
                    Box::new(condition),
                    Box::new(self.expr(ty, depth - 1)),
                    Box::new(self.expr(ty, depth - 1)),
                ))
            }
            (Type::Integer(_) | Type::Bool | Type::Text(_) | Type::Bytes(_), 1) => {
                let optional = Type::Optional(Box::new(ty.clone()));
                let value = self.source_of(&optional).or_else(|| self.end_of_list(ty));
                value.map(|value| {
                    Expr::Otherwise(Box::new(value), Box::new(self.expr(ty, depth - 1)))
                })
            }
            (_, 2) => self.matched(ty, depth),
            (Type::Text(max), 3..=5) => self.concatenation(*max),
            (Type::Text(max), 7..=8) => self.digits(*max),
            (_, 6) if self.chance.in_hundred(30) => self.element(ty),
            (Type::Integer(_) | Type::Bool, _) => self.typed(ty, depth),
            (Type::Optional(inner), 3..=6) => {
                let value = self.expr(inner, depth - 1);
                Some(Expr::Some(Box::new(value)))
            }
            (Type::Optional(inner), 7) => self.end_of_list(inner),
            (Type::Struct(record), 3..=7) => {
                let types: Vec<Type> = self.package.structs[*record]
                    .fields
                    .iter()
                    .map(|field| field.ty.clone())
                    .collect();
                Some(Expr::Struct(
                    *record,
                    types.iter().map(|ty| self.expr(ty, depth - 1)).collect(),
                ))
            }
            (Type::Enum(whole), 3..=7) => {
                let variant = self.chance.below(self.package.enums[*whole].variants.len());
                let types: Vec<Type> = self.package.enums[*whole].variants[variant]
                    .fields
                    .iter()
                    .map(|field| field.ty.clone())
                    .collect();
                Some(Expr::Variant(
                    *whole,
                    variant,
                    types.iter().map(|ty| self.expr(ty, depth - 1)).collect(),
                ))
            }
            (Type::Tuple(parts), 3..=7) => Some(Expr::Tuple(
                parts.iter().map(|ty| self.expr(ty, depth - 1)).collect(),
            )),
            (Type::List(element, max), 3..=4) => {
                let length = self.chance.below(*max as usize + 1);
                Some(Expr::List(
                    (0..length).map(|_| self.expr(element, depth - 1)).collect(),
                ))
            }
            (Type::List(element, max), 5..=8) => self.comprehension(element, *max, depth),
            _ => None,
        };
        made.unwrap_or_else(|| self.value_near(ty))
    }

    fn concatenation(&mut self, max: u32) -> Option<Expr> {
        let (left, left_ty) = self.source(|ty| matches!(ty, Type::Text(_)))?;
        let (right, right_ty) = self.source(|ty| matches!(ty, Type::Text(_)))?;
        let (Type::Text(left_max), Type::Text(right_max)) = (left_ty, right_ty) else {
            return None;
        };
        // `concat` takes its length from the type that is wanted.
        Some(Expr::Concat(
            max,
            left_max + right_max <= max,
            Box::new(left),
            Box::new(right),
        ))
    }

    fn element(&mut self, ty: &Type) -> Option<Expr> {
        let (list, _) =
            self.source(|have| matches!(have, Type::List(element, _) if **element == *ty))?;
        let index = self.expr(&Type::Integer(Scalar::U64), 1);
        Some(Expr::Element(Box::new(list), Box::new(index)))
    }

    fn end_of_list(&mut self, element: &Type) -> Option<Expr> {
        let (list, _) =
            self.source(|ty| matches!(ty, Type::List(have, _) if **have == *element))?;
        let method = *self.chance.pick(&[Method::First, Method::Last]);
        Some(Expr::Method(method, Box::new(list), Vec::new()))
    }

    fn matched(&mut self, ty: &Type, depth: usize) -> Option<Expr> {
        let (value, scalar) =
            self.source(|ty| matches!(ty, Type::Integer(scalar) if *scalar != Scalar::U128))?;
        let Type::Integer(scalar) = scalar else {
            return None;
        };
        let low = if scalar.is_signed() { -2 } else { 0 };
        let arms = vec![
            (vec![(low, 3)], self.expr(ty, depth - 1)),
            (vec![(4, 4), (50, 60)], self.expr(ty, depth - 1)),
            (vec![(5, 40)], self.expr(ty, depth - 1)),
        ];
        let count = self.chance.between(1, 3);
        let otherwise = Box::new(self.expr(ty, depth - 1));
        Some(Expr::MatchInteger {
            value: Box::new(value),
            arms: arms.into_iter().take(count).collect(),
            otherwise,
        })
    }

    fn comprehension(&mut self, element: &Type, max: u32, depth: usize) -> Option<Expr> {
        let before = self.scope.len();
        let walk = if self.chance.in_hundred(60) {
            self.walk(max.into())
        } else {
            None
        };
        let name = self.fresh("each");
        let made = if let Some(walk) = walk {
            self.scope.push(Item::Row {
                name: name.clone(),
                table: walk.table,
            });
            let condition = self
                .chance
                .in_hundred(40)
                .then(|| Box::new(self.condition(1)));
            let value = Box::new(self.expr(element, depth - 1));
            Some(Expr::Rows {
                name,
                value,
                walk: Box::new(walk),
                condition,
            })
        } else if let Some((list, Type::List(item, _))) =
            self.source(|ty| matches!(ty, Type::List(_, have) if *have <= max))
        {
            self.scope.push(Item::Value {
                name: name.clone(),
                ty: *item,
                mutable: false,
            });
            let condition = self
                .chance
                .in_hundred(40)
                .then(|| Box::new(self.condition(1)));
            let value = Box::new(self.expr(element, depth - 1));
            Some(Expr::Items {
                name,
                value,
                list: Box::new(list),
                condition,
            })
        } else {
            None
        };
        self.scope.truncate(before);
        made
    }

    /// A walk along an index or an ordered key, of at most `max` rows.
    pub fn walk(&mut self, max: u64) -> Option<Walk> {
        let mut ways: Vec<(usize, Option<usize>)> = Vec::new();
        for (number, table) in self.package.tables.iter().enumerate() {
            ways.extend((0..table.indexes.len()).map(|index| (number, Some(index))));
            if table.storage == Storage::Ordered {
                ways.push((number, None));
            }
        }
        if ways.is_empty() {
            return None;
        }
        let (table, index) = *self.chance.pick(&ways);
        let declared = self.package.tables[table].clone();
        let mut fields =
            index.map_or_else(Vec::new, |index| declared.indexes[index].fields.clone());
        let unique = index.is_some_and(|index| declared.indexes[index].unique);
        for key in 0..declared.key_len {
            if !unique && !fields.contains(&key) {
                fields.push(key);
            }
        }
        let given = self.chance.below(fields.len());
        let prefix: Vec<Expr> = fields[..given]
            .iter()
            .map(|field| self.value_near(&declared.fields[*field].ty))
            .collect();
        let next = &declared.fields[fields[given]].ty;
        let from = self.chance.in_hundred(35).then(|| self.value_near(next));
        let to = self.chance.in_hundred(35).then(|| self.value_near(next));
        let most = self.chance.between(1, max as usize) as u64;
        let take = if self.chance.in_hundred(20) {
            self.source_of(&Type::Integer(Scalar::U64))
        } else {
            None
        };
        Some(Walk {
            table,
            index,
            prefix,
            from,
            to,
            descending: self.chance.in_hundred(40),
            take,
            max: most,
        })
    }
}

/// Whether every value of `from` is one of `to`.
pub fn widens(from: Scalar, to: Scalar) -> bool {
    match (from.is_signed(), to.is_signed()) {
        (true, false) => false,
        (false, true) => from.bits() < to.bits(),
        _ => from.bits() < to.bits(),
    }
}

/// Bytes of the longest number of this type in decimal digits.
fn digits_max(scalar: Scalar) -> u32 {
    match scalar {
        Scalar::U8 => 3,
        Scalar::I8 => 4,
        Scalar::U16 => 5,
        Scalar::I16 => 6,
        Scalar::U32 => 10,
        Scalar::I32 => 11,
        Scalar::U64 | Scalar::I64 => 20,
        _ => 40,
    }
}
