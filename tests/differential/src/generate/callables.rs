//! Functions and commands, and the queries that the harness looks through. Always true: every table, index, state and
//! aggregate can be seen from outside.

use super::containers::shown;
use super::*;
use rc_bytecode::instr::BinaryOp;

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
            let command = self.dropping(table);
            self.package.commands.push(command);
        }
    }

    /// A command that deletes a row, and says whether it was there.
    fn dropping(&mut self, table: usize) -> Command {
        let declared = &self.package.tables[table];
        let types: Vec<Type> = declared.fields[..declared.key_len]
            .iter()
            .map(|field| field.ty.clone())
            .collect();
        let parameters: Vec<(String, Type)> =
            types.into_iter().map(|ty| (self.fresh("k"), ty)).collect();
        let key = parameters
            .iter()
            .map(|(name, _)| Expr::Local(name.clone()))
            .collect();
        let name = self.fresh("v");
        Command {
            name: format!("drop_{table}"),
            query: false,
            parameters,
            result: Some(Type::Bool),
            body: vec![Statement::Delete {
                name: name.clone(),
                table,
                key,
            }],
            value: Some(Expr::Local(name)),
            look: Look::No,
            fills: false,
            guarded: false,
        }
    }

    /// A command that puts a row as it is given.
    pub(super) fn filling(&mut self, table: usize) -> Command {
        let fields = self.package.tables[table].fields.clone();
        let parameters: Vec<(String, Type)> = fields
            .iter()
            .filter(|field| !field.ty.is_container())
            .map(|field| (self.fresh("p"), field.ty.clone()))
            .collect();
        let mut given = parameters.iter();
        let record = fields
            .iter()
            .map(|field| match field.ty.is_container() {
                true => None,
                false => given.next().map(|(name, _)| Expr::Local(name.clone())),
            })
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
            guarded: false,
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
        self.attempts = 0;
        self.deleted.clear();
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
        self.attempts = 2;
        self.budget = self.chance.between(3, 12);
        let mut body = Vec::new();
        self.opening(table, &mut body);
        self.statements(&mut body, 0);
        let value = result.as_ref().map(|ty| self.expr(ty, 3));
        self.deletes.push(self.deleted.clone());
        let guarded = !query && self.package.commands.len() > 1 && self.chance.in_hundred(10);
        Command {
            name,
            query,
            parameters,
            result,
            body,
            value,
            look: Look::No,
            fills: false,
            guarded,
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
            let (mut types, mut parts) = (Vec::new(), Vec::new());
            for (number, field) in declared.fields.iter().enumerate() {
                match &field.ty {
                    Type::Container(kind, held) => {
                        let root = Root::Row(row.clone(), table, number);
                        for (ty, part) in shown(*kind, held, &root) {
                            types.push(ty);
                            parts.push(part);
                        }
                    }
                    ty => {
                        types.push(ty.clone());
                        parts.push(Expr::RowField(row.clone(), table, number));
                    }
                }
            }
            let ty = Type::Optional(Box::new(Type::Tuple(types)));
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
                guarded: false,
            });
            self.report(table);
            let ordered = (declared.storage == Storage::Ordered).then_some(None);
            for index in ordered
                .into_iter()
                .chain((0..declared.indexes.len()).map(Some))
            {
                self.look_along(table, index);
            }
        }
        let (mut types, mut parts) = (Vec::new(), Vec::new());
        for (number, state) in self.package.states.iter().enumerate() {
            match &state.ty {
                Type::Container(kind, held) => {
                    for (ty, part) in shown(*kind, held, &Root::State(number)) {
                        types.push(ty);
                        parts.push(part);
                    }
                }
                ty => {
                    types.push(ty.clone());
                    parts.push(Expr::State(number));
                }
            }
        }
        for number in 0..self.package.states.len() {
            self.look_into(number);
        }
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
            guarded: false,
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
            guarded: false,
        });
    }

    /// A report that goes through all rows: it counts them and adds up a number, in whatever order they come.
    fn report(&mut self, table: usize) {
        let declared = &self.package.tables[table];
        let field = declared.key_len;
        let Type::Integer(scalar) = declared.fields[field].ty else {
            panic!("the first field behind the key is a number")
        };
        let zero = |scalar| Expr::Constant(Type::Integer(scalar), Datum::Integer(0));
        let (rows, sum, row) = (self.fresh("v"), self.fresh("v"), self.fresh("row"));
        let var = |name: &String, scalar| Statement::Let {
            name: name.clone(),
            ty: Type::Integer(scalar),
            mutable: true,
            value: zero(scalar),
        };
        let target = |name: &String| Place {
            root: Root::Local(name.clone()),
            path: Vec::new(),
        };
        let one = Expr::Constant(Type::Integer(Scalar::U64), Datum::Integer(1));
        let number = Expr::RowField(row.clone(), table, field);
        let sum_now = Box::new(Expr::Local(sum.clone()));
        let body = vec![
            Statement::Assign {
                target: target(&rows),
                ty: Type::Integer(Scalar::U64),
                operator: Some(BinaryOp::Add),
                value: one,
            },
            Statement::Assign {
                target: target(&sum),
                ty: Type::Integer(scalar),
                operator: None,
                value: Expr::Arithmetic(BinaryOp::WrappingAdd, scalar, sum_now, Box::new(number)),
            },
        ];
        let walk = Statement::ForEvery {
            name: row,
            table,
            body,
        };
        let types = vec![Type::Integer(Scalar::U64), Type::Integer(scalar)];
        self.package.commands.push(Command {
            name: format!("report_of_{table}"),
            query: true,
            parameters: Vec::new(),
            result: Some(Type::Tuple(types)),
            body: vec![var(&rows, Scalar::U64), var(&sum, scalar), walk],
            value: Some(Expr::Tuple(vec![Expr::Local(rows), Expr::Local(sum)])),
            look: Look::Report(table),
            fills: false,
            guarded: false,
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
            guarded: false,
        });
    }
}
