//! Statements. Always true: what leaves a block comes last in it; a deletion ends the names of its table's rows.

use super::{Generator, Item};
use crate::description::*;
use rc_bytecode::instr::{BinaryOp, Builtin};

const BUILTINS: [Builtin; 4] = [
    Builtin::Overflow,
    Builtin::TooLong,
    Builtin::BoundExceeded,
    Builtin::Denied,
];

impl Generator {
    /// What most commands begin with: one row by its key, and another, which may be the same.
    pub fn opening(&mut self, table: usize, body: &mut Vec<Statement>) {
        if self.chance.in_hundred(20) {
            return;
        }
        if self.writes && self.chance.in_hundred(35) {
            return self.two_names(table, body);
        }
        if self.writes && self.chance.in_hundred(50) {
            let made = self.new_row(table);
            body.extend(made);
        }
        for _ in 0..self.chance.between(0, 2) {
            let found = self.find_row(table);
            body.push(found);
        }
    }

    /// Two names for what may be one row; each is written, and what is written is read through the other.
    fn two_names(&mut self, table: usize, body: &mut Vec<Statement>) {
        let first = self.key(table);
        let second = if self.chance.in_hundred(60) {
            first.clone()
        } else {
            self.key(table)
        };
        let mut names = Vec::new();
        for key in [first, second] {
            let (name, otherwise) = (self.fresh("row"), Otherwise::Fail(self.failure()));
            body.push(Statement::FindRow {
                name: name.clone(),
                lookup: Lookup::Key(table, key),
                otherwise,
            });
            self.scope.push(Item::Row {
                name: name.clone(),
                table,
            });
            names.push(name);
        }
        let number = self.package.tables[table].key_len;
        let ty = self.package.tables[table].fields[number].ty.clone();
        let added = [
            self.value_near(&ty),
            Expr::RowField(names[0].clone(), table, number),
        ];
        for (name, value) in names.into_iter().zip(added) {
            let target = Place {
                root: Root::Row(name, table, number),
                path: Vec::new(),
            };
            body.push(Statement::Assign {
                target,
                ty: ty.clone(),
                operator: Some(BinaryOp::Add),
                value,
            });
            if self.chance.in_hundred(30) {
                // What may move the rows in between.
                let made = self.new_row(table);
                body.extend(made);
            }
        }
    }

    pub fn statements(&mut self, body: &mut Vec<Statement>, depth: usize) {
        let before: Vec<String> = self
            .scope
            .iter()
            .map(|item| item.name().to_string())
            .collect();
        let count = self.chance.between(1, if depth == 0 { 8 } else { 4 });
        for _ in 0..count {
            if self.budget == 0 {
                break;
            }
            self.budget -= 1;
            if let Some(statement) = self.statement(depth) {
                body.push(statement);
            }
        }
        if depth > 0 {
            self.leave(body, depth);
            self.scope
                .retain(|item| before.iter().any(|name| name == item.name()));
        }
    }

    pub(super) fn block(&mut self, depth: usize) -> Vec<Statement> {
        let mut body = Vec::new();
        self.statements(&mut body, depth);
        body
    }

    /// Now and then a block ends with leaving it.
    fn leave(&mut self, body: &mut Vec<Statement>, depth: usize) {
        if depth < 2 && self.in_function || !self.chance.in_hundred(12) {
            return;
        }
        body.push(match self.chance.below(4) {
            0 if self.loops > 0 => Statement::Break,
            1 if self.loops > 0 => Statement::Continue,
            2 if !self.in_job => {
                let result = self.result.clone();
                Statement::Return(result.map(|ty| self.expr(&ty, 1)))
            }
            _ => Statement::Fail(self.failure()),
        });
    }

    fn failure(&mut self) -> Failure {
        if self.chance.in_hundred(15) {
            return Failure::Builtin(*self.chance.pick(&BUILTINS));
        }
        let variant = self.chance.below(self.package.failures.len());
        let types: Vec<Type> = self.package.failures[variant]
            .fields
            .iter()
            .map(|field| field.ty.clone())
            .collect();
        Failure::Declared(variant, types.iter().map(|ty| self.expr(ty, 1)).collect())
    }

    fn find_row(&mut self, table: usize) -> Statement {
        let lookup = self.lookup(table);
        let otherwise = self.otherwise();
        let name = self.fresh("row");
        self.scope.push(Item::Row {
            name: name.clone(),
            table,
        });
        Statement::FindRow {
            name,
            lookup,
            otherwise,
        }
    }

    pub(super) fn otherwise(&mut self) -> Otherwise {
        match self.chance.below(6) {
            0 if !self.in_job => {
                let result = self.result.clone();
                Otherwise::Return(result.map(|ty| self.expr(&ty, 1)))
            }
            1 if self.loops > 0 => Otherwise::Continue,
            _ => Otherwise::Fail(self.failure()),
        }
    }

    pub(super) fn lookup(&mut self, table: usize) -> Lookup {
        let unique: Vec<usize> = (0..self.package.tables[table].indexes.len())
            .filter(|index| self.package.tables[table].indexes[*index].unique)
            .collect();
        if unique.is_empty() || self.chance.in_hundred(60) {
            return Lookup::Key(table, self.key(table));
        }
        let index = *self.chance.pick(&unique);
        let declared = self.package.tables[table].clone();
        let parts = declared.indexes[index]
            .fields
            .iter()
            .map(|field| self.value_near(&declared.fields[*field].ty))
            .collect();
        Lookup::Unique(table, index, parts)
    }

    fn record(&mut self, table: usize) -> Vec<Option<Expr>> {
        let fields = self.package.tables[table].fields.clone();
        let key_len = self.package.tables[table].key_len;
        fields
            .iter()
            .enumerate()
            .map(|(number, field)| {
                let may_lack = field.default.is_some()
                    || matches!(field.ty, Type::Optional(_) | Type::List(..));
                if field.ty.is_container() {
                    return None;
                }
                match number < key_len {
                    true => Some(self.value_near(&field.ty)),
                    false if may_lack && self.chance.in_hundred(50) => None,
                    false => Some(self.expr(&field.ty, 1)),
                }
            })
            .collect()
    }

    /// A row that comes into being: by insertion, putting or getting.
    fn new_row(&mut self, table: usize) -> Option<Statement> {
        let record = self.record(table);
        Some(match self.chance.below(6) {
            0 | 1 => Statement::Insert { table, record },
            2 | 3 => Statement::Put { table, record },
            _ => {
                let name = self.fresh("row");
                self.scope.push(Item::Row {
                    name: name.clone(),
                    table,
                });
                Statement::GetOrInsert {
                    name,
                    table,
                    record,
                }
            }
        })
    }

    fn statement(&mut self, depth: usize) -> Option<Statement> {
        let table = self.chance.below(self.package.tables.len());
        let may_nest = depth < 2;
        if self.chance.in_hundred(20) {
            let made = match self.chance.below(10) {
                0 | 1 if may_nest => self.attempt(depth),
                2 if self.writes => self.start(),
                3 if may_nest => self.for_held(depth),
                _ => self.hold(),
            };
            if made.is_some() {
                return made;
            }
        }
        match self.chance.below(if self.writes { 34 } else { 16 }) {
            0 => self.binding(),
            1 => self.other_binding(table),
            2 => Some(Statement::Ensure {
                condition: self.condition(2),
                failure: self.failure(),
            }),
            3 => Some(self.find_row(table)),
            4 => self.alias(),
            5 | 6 if may_nest => {
                let condition = self.condition(2);
                let then = self.block(depth + 1);
                let otherwise = if self.chance.in_hundred(40) {
                    self.block(depth + 1)
                } else {
                    Vec::new()
                };
                Some(Statement::If {
                    condition,
                    then,
                    otherwise,
                })
            }
            7 if may_nest => self.if_some(depth),
            8 if may_nest => self.for_range(depth),
            9 if may_nest => self.for_list(depth),
            10 | 11 if may_nest => self.for_rows(depth),
            12 if may_nest => self.match_enum(depth),
            13 if may_nest => self.if_row(table, depth),
            14 => self.narrow(),
            15 => self.assign_local(),
            16..=21 => self.assign_row(),
            22..=24 => self.new_row(table),
            25 => self.delete(table),
            26 | 27 => self.assign_state(),
            28 | 29 => self.change_list(),
            30 => self.call(),
            31 => {
                let event = self.chance.below(self.package.events.len());
                let types: Vec<Type> = self.package.events[event]
                    .fields
                    .iter()
                    .map(|field| field.ty.clone())
                    .collect();
                Some(Statement::Emit {
                    event,
                    fields: types.iter().map(|ty| self.expr(ty, 2)).collect(),
                })
            }
            32 if may_nest => self.for_rows(depth),
            _ if self.writes => self.assign_row(),
            _ => self.binding(),
        }
    }

    fn binding(&mut self) -> Option<Statement> {
        let (ty, mutable) = (self.any_type(), self.chance.in_hundred(50));
        let value = self.expr(&ty, 3);
        let name = self.fresh("v");
        self.scope.push(Item::Value {
            name: name.clone(),
            ty: ty.clone(),
            mutable,
        });
        Some(Statement::Let {
            name,
            ty,
            mutable,
            value,
        })
    }

    /// Parts of a tuple, or a row that may be there.
    fn other_binding(&mut self, table: usize) -> Option<Statement> {
        if self.chance.in_hundred(50) {
            let lookup = self.lookup(table);
            let name = self.fresh("maybe");
            self.scope.push(Item::Maybe {
                name: name.clone(),
                table,
            });
            return Some(Statement::LetMaybe { name, lookup });
        }
        let (value, ty) = self.source(|ty| matches!(ty, Type::Tuple(_)))?;
        let Type::Tuple(parts) = ty else { return None };
        let names: Vec<String> = parts.iter().map(|_| self.fresh("v")).collect();
        for (name, ty) in names.iter().zip(parts) {
            self.scope.push(Item::Value {
                name: name.clone(),
                ty,
                mutable: false,
            });
        }
        Some(Statement::LetTuple { names, value })
    }

    fn narrow(&mut self) -> Option<Statement> {
        let (value, _) = self.source(|ty| matches!(ty, Type::Integer(_)))?;
        let (to, name) = (self.scalar(), self.fresh("v"));
        self.scope.push(Item::Value {
            name: name.clone(),
            ty: Type::Integer(to),
            mutable: false,
        });
        Some(Statement::LetNarrow { name, to, value })
    }

    fn alias(&mut self) -> Option<Statement> {
        let table = self.chance.below(self.package.tables.len());
        let of = self.row_of(table)?;
        let name = self.fresh("row");
        self.scope.push(Item::Row {
            name: name.clone(),
            table,
        });
        Some(Statement::Alias { name, of })
    }

    fn delete(&mut self, table: usize) -> Option<Statement> {
        let gone: std::collections::BTreeSet<usize> =
            self.package.deleted_with(table).into_iter().collect();
        if !self.kept.is_disjoint(&gone) {
            return None;
        }
        let key = match self.row_of(table) {
            Some(row) if self.chance.in_hundred(50) => (0..self.package.tables[table].key_len)
                .map(|field| Expr::RowField(row.clone(), table, field))
                .collect(),
            _ => self.key(table),
        };
        self.forget(&gone);
        let name = self.fresh("v");
        self.scope.push(Item::Value {
            name: name.clone(),
            ty: Type::Bool,
            mutable: false,
        });
        Some(Statement::Delete { name, table, key })
    }

    fn call(&mut self) -> Option<Statement> {
        let fitting: Vec<usize> = (0..self.package.functions.len())
            .filter(|number| self.package.functions[*number].result.is_none())
            .collect();
        if fitting.is_empty() || self.in_function {
            return None;
        }
        let function = *self.chance.pick(&fitting);
        let (row, arguments) = self.arguments_of(function)?;
        Some(Statement::Call {
            function,
            row,
            arguments,
        })
    }

    // -- nesting -------------------------------------------------------------------------------------------
}
