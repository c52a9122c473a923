//! Functions and commands, and the queries that the harness looks through. Always true: every table, index, state and
//! aggregate can be seen from outside.

use super::*;

impl Generator {
    pub(super) fn callables(&mut self) {
        for _ in 0..self.chance.below(3) {
            let function = self.function();
            self.package.functions.push(function);
        }
        for number in 0..self.chance.between(3, 6) {
            let query = number > 2 && self.chance.in_hundred(30);
            let command = self.command(query);
            self.package.commands.push(command);
        }
        for table in 0..self.package.tables.len() {
            let command = self.filling(table);
            self.package.commands.push(command);
        }
    }

    /// A command that puts a row as it is given.
    pub(super) fn filling(&mut self, table: usize) -> Command {
        let fields = self.package.tables[table].fields.clone();
        let parameters: Vec<(String, Type)> = fields
            .iter()
            .map(|field| (self.fresh("p"), field.ty.clone()))
            .collect();
        let record = parameters
            .iter()
            .map(|(name, _)| Some(Expr::Local(name.clone())))
            .collect();
        let body = vec![Statement::Put { table, record }];
        Command {
            name: format!("fill_{table}"),
            query: false,
            parameters,
            result: None,
            body,
            value: None,
            look: Look::No,
            fills: true,
        }
    }

    pub(super) fn parameters(&mut self, count: usize) -> Vec<(String, Type)> {
        (0..count)
            .map(|_| {
                let ty = if self.chance.in_hundred(50) {
                    self.simple_type()
                } else {
                    self.any_type()
                };
                (self.fresh("p"), ty)
            })
            .collect()
    }

    pub(super) fn begin(&mut self, parameters: &[(String, Type)], writes: bool) {
        self.scope = parameters
            .iter()
            .map(|(name, ty)| Item::Value {
                name: name.clone(),
                ty: ty.clone(),
                mutable: false,
            })
            .collect();
        self.writes = writes;
        self.loops = 0;
        self.kept.clear();
    }

    pub(super) fn function(&mut self) -> Function {
        let name = self.fresh("function");
        let row = self.chance.in_hundred(60).then(|| {
            (
                self.fresh("row"),
                self.chance.below(self.package.tables.len()),
            )
        });
        let count = self.chance.between(0, 2);
        let parameters = self.parameters(count);
        let result = self
            .chance
            .in_hundred(50)
            .then(|| Type::Integer(self.scalar()));
        self.begin(&parameters, result.is_none());
        self.in_function = true;
        self.result = result.clone();
        if let Some((name, table)) = &row {
            self.scope.push(Item::Row {
                name: name.clone(),
                table: *table,
            });
            self.kept.insert(*table);
        }
        // What a function deletes would end its caller's names.
        self.kept.extend(0..self.package.tables.len());
        self.budget = self.chance.between(1, 4);
        let mut body = Vec::new();
        self.statements(&mut body, 1);
        let value = result.as_ref().map(|ty| self.expr(ty, 2));
        self.in_function = false;
        Function {
            name,
            row,
            parameters,
            result,
            body,
            value,
        }
    }

    pub(super) fn command(&mut self, query: bool) -> Command {
        let name = self.fresh(if query { "query" } else { "command" });
        let mut parameters = Vec::new();
        // Keys twice: two names for one row.
        let table = self.chance.below(self.package.tables.len());
        for _ in 0..self.chance.between(1, 2) {
            for field in 0..self.package.tables[table].key_len {
                let ty = self.package.tables[table].fields[field].ty.clone();
                parameters.push((self.fresh("k"), ty));
            }
        }
        let count = self.chance.between(0, 3);
        parameters.extend(self.parameters(count));
        let number = self.package.tables[table].fields[self.package.tables[table].key_len]
            .ty
            .clone();
        parameters.push((self.fresh("p"), number));
        let result = (query || self.chance.in_hundred(50)).then(|| self.any_type());
        self.begin(&parameters, !query);
        self.result = result.clone();
        self.budget = self.chance.between(3, 12);
        let mut body = Vec::new();
        self.opening(table, &mut body);
        self.statements(&mut body, 0);
        let value = result.as_ref().map(|ty| self.expr(ty, 3));
        Command {
            name,
            query,
            parameters,
            result,
            body,
            value,
            look: Look::No,
            fills: false,
        }
    }

    /// Queries that show every table, index, state and aggregate.
    pub(super) fn looks(&mut self) {
        for table in 0..self.package.tables.len() {
            let declared = self.package.tables[table].clone();
            let row = self.fresh("row");
            let parameters: Vec<(String, Type)> = declared.fields[..declared.key_len]
                .iter()
                .map(|field| (field.name.clone(), field.ty.clone()))
                .collect();
            let key = parameters
                .iter()
                .map(|(name, _)| Expr::Local(name.clone()))
                .collect();
            let ty = Type::Optional(Box::new(Type::Tuple(
                declared
                    .fields
                    .iter()
                    .map(|field| field.ty.clone())
                    .collect(),
            )));
            let parts = (0..declared.fields.len())
                .map(|field| Expr::RowField(row.clone(), table, field))
                .collect();
            let missing = Otherwise::Return(Some(Expr::Constant(ty.clone(), Datum::None)));
            self.package.commands.push(Command {
                name: format!("look_at_row_{table}"),
                query: true,
                parameters,
                result: Some(ty),
                body: vec![Statement::FindRow {
                    name: row,
                    lookup: Lookup::Key(table, key),
                    otherwise: missing,
                }],
                value: Some(Expr::Some(Box::new(Expr::Tuple(parts)))),
                look: Look::Row(table),
                fills: false,
            });
            let ordered = (declared.storage == Storage::Ordered).then_some(None);
            for index in ordered
                .into_iter()
                .chain((0..declared.indexes.len()).map(Some))
            {
                self.look_along(table, index);
            }
        }
        let mut types: Vec<Type> = self
            .package
            .states
            .iter()
            .map(|state| state.ty.clone())
            .collect();
        let mut parts: Vec<Expr> = (0..types.len()).map(Expr::State).collect();
        for (number, aggregate) in self
            .package
            .aggregates
            .iter()
            .enumerate()
            .filter(|(_, aggregate)| aggregate.by.is_none())
        {
            types.push(self.package.gives(aggregate));
            parts.push(Expr::Aggregate(number, None));
        }
        for number in 0..self.package.aggregates.len() {
            self.look_at_groups(number);
        }
        if parts.is_empty() {
            return;
        }
        let one = parts.len() == 1;
        let result = if one {
            types.remove(0)
        } else {
            Type::Tuple(types)
        };
        let value = if one {
            parts.remove(0)
        } else {
            Expr::Tuple(parts)
        };
        self.package.commands.push(Command {
            name: "look_at_states".into(),
            query: true,
            parameters: Vec::new(),
            result: Some(result),
            body: Vec::new(),
            value: Some(value),
            look: Look::States,
            fills: false,
        });
    }

    /// A query of one group of an aggregate that has some.
    fn look_at_groups(&mut self, number: usize) {
        let aggregate = &self.package.aggregates[number];
        let Some(by) = aggregate.by else { return };
        let group = self.package.tables[aggregate.table].fields[by].ty.clone();
        let result = self.package.gives(aggregate);
        let parameters = vec![("group".to_string(), group)];
        let asked = Box::new(Expr::Local("group".into()));
        self.package.commands.push(Command {
            name: format!("look_at_group_{number}"),
            query: true,
            parameters,
            result: Some(result),
            body: Vec::new(),
            value: Some(Expr::Aggregate(number, Some(asked))),
            look: Look::Group(number),
            fills: false,
        });
    }

    pub(super) fn look_along(&mut self, table: usize, index: Option<usize>) {
        let declared = &self.package.tables[table];
        let key_len = declared.key_len;
        let key = Type::Tuple(
            declared.fields[..key_len]
                .iter()
                .map(|field| field.ty.clone())
                .collect(),
        );
        let name = self.fresh("row");
        let parts: Vec<Expr> = (0..key_len)
            .map(|field| Expr::RowField(name.clone(), table, field))
            .collect();
        let (element, value) = match (key, parts) {
            (Type::Tuple(mut types), mut parts) if parts.len() == 1 => {
                (types.remove(0), parts.remove(0))
            }
            (key, parts) => (key, Expr::Tuple(parts)),
        };
        let walk = Walk {
            table,
            index,
            prefix: Vec::new(),
            from: None,
            to: None,
            descending: false,
            take: None,
            max: SHOWN_MAX.into(),
        };
        self.package.commands.push(Command {
            name: format!(
                "look_along_{table}_{}",
                index.map_or("key".into(), |index| index.to_string())
            ),
            query: true,
            parameters: Vec::new(),
            result: Some(Type::List(Box::new(element), SHOWN_MAX)),
            body: Vec::new(),
            value: Some(Expr::Rows {
                name,
                value: Box::new(value),
                walk: Box::new(walk),
                condition: None,
            }),
            look: Look::Index(table, index.unwrap_or(usize::MAX)),
            fills: false,
        });
    }
}
