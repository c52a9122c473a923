//! Types, tables, states, aggregates, errors, events, invariants. Always true: invariants hold before the first op, and are
//! comparisons alone, so that they hold or not and never fail.

use super::*;

impl Generator {
    pub(super) fn declarations(&mut self) {
        for _ in 0..self.chance.below(3) {
            let name = self.fresh("Struct");
            let count = self.chance.between(1, 3);
            let simple = self.chance.in_hundred(70);
            let mut fields = self.fields(count, "f", simple);
            fields
                .iter_mut()
                .filter(|field| field.ty == Type::Time)
                .for_each(|field| field.ty = Type::Bool);
            self.package.structs.push(Struct { name, fields });
        }
        for plain in [true, false] {
            if self.chance.in_hundred(60) {
                let whole = self.enumeration(plain);
                self.package.enums.push(whole);
            }
        }
        for _ in 0..self.chance.between(1, 3) {
            let table = self.table();
            self.package.tables.push(table);
        }
        for _ in 0..self.chance.between(0, 3) {
            let ty = self.any_type();
            let ty = if ty == Type::Time { Type::Bool } else { ty };
            let default = self.constant(&ty);
            let name = self.fresh("state");
            self.package.states.push(State { name, ty, default });
        }
        for _ in 0..self.chance.between(1, 3) {
            let ty = self.container_type();
            let Type::Container(kind, _) = ty else {
                continue;
            };
            let (default, name) = (crate::model::empty(kind), self.fresh("held"));
            self.package.states.push(State { name, ty, default });
        }
        for _ in 0..self.chance.between(0, 3) {
            let aggregate = match self.chance.in_hundred(30).then(|| self.end_of_order()) {
                Some(Some(end)) => end,
                _ => self.aggregate(),
            };
            self.package.aggregates.push(aggregate);
        }
        for _ in 0..self.chance.between(2, 4) {
            let name = self.fresh("Failure");
            let named = self.chance.in_hundred(50);
            let count = self.chance.below(3);
            let fields = self.fields(count, "f", true);
            self.package.failures.push(Variant {
                name,
                named,
                fields,
            });
        }
        for _ in 0..self.chance.between(1, 2) {
            let name = self.fresh("Event");
            let count = self.chance.between(1, 3);
            let fields = self.fields(count, "f", false);
            self.package.events.push(Event {
                name,
                fields,
                of_job: false,
            });
        }
        self.invariants();
    }

    pub(super) fn enumeration(&mut self, plain: bool) -> Enum {
        let name = self.fresh("Enum");
        let mut variants = Vec::new();
        for _ in 0..self.chance.between(2, 4) {
            let name = self.fresh("Variant");
            let named = self.chance.in_hundred(50);
            let count = if plain { 0 } else { self.chance.below(3) };
            let fields = self.fields(count, "f", true);
            variants.push(Variant {
                name,
                named,
                fields,
            });
        }
        Enum { name, variants }
    }

    pub(super) fn table(&mut self) -> Table {
        let name = self.fresh("Table");
        let storage = *self.chance.pick(&[
            Storage::Hashed,
            Storage::Hashed,
            Storage::Ordered,
            Storage::Ordered,
            Storage::Dense,
        ]);
        let key_len = if storage != Storage::Dense && self.chance.in_hundred(30) {
            2
        } else {
            1
        };
        let mut fields = Vec::new();
        for _ in 0..key_len {
            let ty = match storage {
                Storage::Dense => Type::Integer(*self.chance.pick(&[
                    Scalar::U64,
                    Scalar::U32,
                    Scalar::U16,
                    Scalar::U8,
                ])),
                _ => self.key_type(),
            };
            fields.push(Field {
                name: self.fresh("key"),
                ty,
                default: None,
                reference: None,
            });
        }
        let capacity = match storage {
            Storage::Dense => Some(if self.chance.in_hundred(30) { 10 } else { 70 }),
            _ => self
                .chance
                .in_hundred(25)
                .then(|| self.chance.between(3, 30) as u64),
        };
        // One number always, for aggregates, invariants and arithmetic.
        let count = self.chance.between(1, 4);
        let number = Type::Integer(*self.chance.pick(&[
            Scalar::U64,
            Scalar::U32,
            Scalar::I64,
            Scalar::I32,
            Scalar::U16,
        ]));
        fields.push(Field {
            name: self.fresh("f"),
            ty: number,
            default: None,
            reference: None,
        });
        let others = self.fields(count, "f", false);
        fields.extend(others);
        for field in &mut fields[key_len..] {
            if field.ty.has_literals() && self.chance.in_hundred(35) {
                field.default = Some(self.constant(&field.ty));
            }
        }
        let mut indexes = Vec::new();
        for _ in 0..self.chance.below(3) {
            let able: Vec<usize> = (0..fields.len())
                .filter(|field| self.indexable(&fields[*field].ty))
                .collect();
            let mut chosen: Vec<usize> = Vec::new();
            for _ in 0..self.chance.between(1, 2) {
                let field = *self.chance.pick(&able);
                if !chosen.contains(&field) {
                    chosen.push(field);
                }
            }
            let unique = self.chance.in_hundred(30) && chosen.iter().any(|field| *field >= key_len);
            indexes.push(Index {
                name: self.fresh("by"),
                fields: chosen,
                unique,
            });
        }
        let mut table = Table {
            name,
            storage,
            capacity,
            key_len,
            fields,
            indexes,
            invariants: Vec::new(),
        };
        self.refer(&mut table);
        if self.chance.in_hundred(25) && self.may_hold(&table) {
            let ty = self.container_type();
            table.fields.push(Field {
                name: self.fresh("held"),
                ty,
                default: None,
                reference: None,
            });
        }
        table
    }

    pub(super) fn aggregate(&mut self) -> Aggregate {
        let table = self.chance.below(self.package.tables.len());
        let declared = &self.package.tables[table];
        let summed = |field: &usize| match declared.fields[*field].ty {
            Type::Integer(scalar) => scalar.bits() <= 64,
            ref ty => matches!(ty, Type::Decimal(..)),
        };
        let numbers: Vec<usize> = (0..declared.fields.len()).filter(summed).collect();
        let groups: Vec<usize> = (0..declared.fields.len())
            .filter(|field| self.indexable(&declared.fields[*field].ty))
            .collect();
        let field = self
            .chance
            .in_hundred(65)
            .then(|| *self.chance.pick(&numbers));
        let by = self
            .chance
            .in_hundred(40)
            .then(|| *self.chance.pick(&groups));
        Aggregate {
            name: self.fresh("total"),
            table,
            field,
            by,
            end: None,
        }
    }

    /// A `min` or `max`, where some table has an order to read it from.
    fn end_of_order(&mut self) -> Option<Aggregate> {
        // The fields that an order begins with: one to read, or a group and one to read.
        let mut ways: Vec<(usize, Option<usize>, usize)> = Vec::new();
        for (table, declared) in self.package.tables.iter().enumerate() {
            let key: Vec<usize> = (0..declared.key_len).collect();
            let mut orders: Vec<Vec<usize>> = Vec::new();
            if declared.storage == Storage::Ordered {
                orders.push(key.clone());
            }
            for index in &declared.indexes {
                let mut order = index.fields.clone();
                if !index.unique {
                    order.extend(key.iter().filter(|key| !index.fields.contains(key)));
                }
                orders.push(order);
            }
            for order in orders {
                ways.push((table, None, order[0]));
                if let [group, field, ..] = order[..] {
                    ways.push((table, Some(group), field));
                }
            }
        }
        ways.retain(|(table, _, field)| {
            self.orderable(&self.package.tables[*table].fields[*field].ty)
        });
        if ways.is_empty() {
            return None;
        }
        let (table, by, field) = *self.chance.pick(&ways);
        Some(Aggregate {
            name: self.fresh("end"),
            table,
            field: Some(field),
            by,
            end: Some(if self.chance.in_hundred(50) {
                End::Least
            } else {
                End::Greatest
            }),
        })
    }

    /// Comparisons alone, so that they hold or not and never fail; true at the start.
    pub(super) fn invariants(&mut self) {
        for table in 0..self.package.tables.len() {
            for _ in 0..self.chance.below(3) {
                let fields = &self.package.tables[table].fields;
                let able: Vec<usize> = (0..fields.len())
                    .filter(|field| matches!(fields[*field].ty, Type::Integer(_) | Type::Text(_)))
                    .collect();
                let field = *self.chance.pick(&able);
                let ty = self.package.tables[table].fields[field].ty.clone();
                let column = Box::new(Expr::Column(table, field));
                let invariant = match &ty {
                    Type::Integer(Scalar::U128) => continue,
                    Type::Integer(scalar) => {
                        let most = self.chance.between(30, 120) as i128;
                        let most = Expr::Constant(
                            ty.clone(),
                            Datum::Integer(most.min(crate::number::range(*scalar).1)),
                        );
                        Expr::Compare(CompareOp::LessOrEqual, column, Box::new(most))
                    }
                    _ => Expr::Compare(
                        CompareOp::NotEqual,
                        column,
                        Box::new(Expr::Constant(ty.clone(), Datum::Text("no".into()))),
                    ),
                };
                self.package.tables[table].invariants.push(invariant);
            }
        }
        for number in 0..self.package.aggregates.len() {
            let aggregate = self.package.aggregates[number].clone();
            let decimal = matches!(self.package.gives(&aggregate), Type::Decimal(..));
            if aggregate.end.is_some() || decimal || !self.chance.in_hundred(50) {
                continue;
            }
            let scalar = self.package.type_of(&aggregate);
            let most = if aggregate.field.is_some() {
                self.chance.between(100, 600)
            } else {
                self.chance.between(5, 40)
            } as u128;
            let most = if scalar == Scalar::U128 {
                Datum::Wide(most)
            } else {
                Datum::Integer(most as i128)
            };
            let most = Expr::Constant(Type::Integer(scalar), most);
            if aggregate.by.is_some() {
                let group = Some(Box::new(Expr::Local("c".into())));
                let condition = Expr::Compare(
                    CompareOp::LessOrEqual,
                    Box::new(Expr::Aggregate(number, group)),
                    Box::new(most),
                );
                self.package.group_invariants.push(GroupInvariant {
                    aggregate: number,
                    condition,
                });
                continue;
            }
            self.package.invariants.push(Expr::Compare(
                CompareOp::LessOrEqual,
                Box::new(Expr::Aggregate(number, None)),
                Box::new(most),
            ));
        }
        for number in 0..self.package.states.len() {
            let state = self.package.states[number].clone();
            if let (Type::Integer(scalar), Datum::Integer(start)) = (&state.ty, &state.default)
                && self.chance.in_hundred(40)
            {
                let most = Datum::Integer(
                    (*start)
                        .max(self.chance.between(20, 100) as i128)
                        .min(crate::number::range(*scalar).1),
                );
                let most = Expr::Constant(state.ty.clone(), most);
                self.package.invariants.push(Expr::Compare(
                    CompareOp::LessOrEqual,
                    Box::new(Expr::State(number)),
                    Box::new(most),
                ));
            }
        }
    }
}
