//! The third oracle: what a package means, by maps and vectors. A row is an entry of a map; aggregates and invariants
//! are worked out anew from all rows whenever they are asked for; a walk sorts everything; a failed command's copy is thrown away.
//!
//! Always true: nothing here comes from the compiler or an engine; only the names of built-in failures are shared.

use crate::description::*;
use crate::{kinds, number};
use rc_bytecode::instr::{Builtin, Scalar};
use std::collections::BTreeMap;

mod containers;
mod expressions;
mod jobs;
mod operations;
mod rows;

use expressions::{integer, local, part};
use jobs::Runs;
pub use rows::empty;

/// Rows by key; a row has all its fields, key fields first.
pub type Rows = BTreeMap<Vec<Datum>, Vec<Datum>>;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Done(Option<Datum>),
    Builtin(Builtin),
    /// Number of the variant, and its fields.
    Declared(usize, Vec<Datum>),
}

/// A mistake made on purpose, to show that the harness sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    None,
    /// A name for a row reads what the row was when it was named.
    RowsAreCopies,
    /// A failed command leaves what it wrote.
    NoUndo,
    /// Sums leave out the last row.
    SumsMiss,
    /// A walk that writes its table sees the keys as they become.
    WalksSeeWrites,
    /// Nobody looks at unique indexes.
    NothingIsUnique,
    /// Invariants of rows are looked at for no row.
    NoRowInvariants,
    /// Invariants over groups are looked at for no group.
    NoGroupInvariants,
    /// Least and greatest values leave out the last row.
    EndsMiss,
    /// Events of failed commands stay.
    EventsStay,
    /// What a failed attempt wrote stays.
    AttemptsStay,
    /// Nobody looks whether the target of a reference is there.
    NothingIsMissing,
    /// Nobody looks whether a row that goes is referred to.
    NothingIsReferenced,
    /// Deletions take nothing along.
    NothingCascades,
    /// What is removed from a map, a tree or a set stays.
    NothingIsRemoved,
    /// Of equal priorities the last one comes first.
    LastComesFirst,
    /// Decimals are always rounded down.
    RoundsDown,
    /// Steps of jobs begin at the walk's start again.
    JobsBeginAgain,
}

#[derive(Clone, Debug)]
pub struct Model<'p> {
    package: &'p Package,
    pub mistake: Mistake,
    pub tables: Vec<Rows>,
    pub states: Vec<Datum>,
    jobs: Vec<Runs>,
    /// Of the last command: number and fields.
    pub events: Vec<(usize, Vec<Datum>)>,
    now: i64,
    /// Kinds of statements and expressions that were executed.
    pub met: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Debug)]
enum Bound {
    Value(Datum),
    /// The last part is a copy from when it was named.
    Row(usize, Vec<Datum>, Vec<Datum>),
    /// A row that may be there.
    Maybe(Option<(usize, Vec<Datum>)>),
}

type Locals = BTreeMap<String, Bound>;

enum Flow {
    Next,
    Return(Option<Datum>),
    Break,
    Continue,
}

/// A failure, on its way out.
struct Failed(Ended);

type Result<T> = std::result::Result<T, Failed>;

impl From<Builtin> for Failed {
    fn from(builtin: Builtin) -> Failed {
        Failed(Ended::Builtin(builtin))
    }
}

impl<'p> Model<'p> {
    pub fn new(package: &'p Package, mistake: Mistake) -> Model<'p> {
        Model {
            package,
            mistake,
            tables: vec![Rows::new(); package.tables.len()],
            states: package
                .states
                .iter()
                .map(|state| state.default.clone())
                .collect(),
            jobs: vec![Runs::default(); package.jobs.len()],
            events: Vec::new(),
            now: 0,
            met: BTreeMap::new(),
        }
    }

    /// Runs a command; a failure leaves no trace.
    pub fn call(&mut self, command: &Command, arguments: &[Datum], now: i64) -> Ended {
        self.now = now;
        self.events.clear();
        let savepoint = (!command.query).then(|| self.savepoint());
        let mut locals: Locals = command
            .parameters
            .iter()
            .zip(arguments)
            .map(|((name, _), value)| (name.clone(), Bound::Value(value.clone())))
            .collect();
        let ended = match command.look {
            Look::Step(job) => self.step(job).map(Some),
            _ => self.whole(&command.body, command.value.as_ref(), &mut locals),
        };
        let ended = ended.and_then(|value| {
            if !command.query {
                self.check_invariants()?;
            }
            Ok(value)
        });
        match ended {
            Ok(value) => Ended::Done(value),
            Err(Failed(ended)) => {
                let events = self.events.clone();
                if let Some(savepoint) = savepoint.filter(|_| self.mistake != Mistake::NoUndo) {
                    self.take_back(savepoint);
                }
                self.events = match self.mistake {
                    Mistake::EventsStay => events,
                    _ => Vec::new(),
                };
                ended
            }
        }
    }

    fn whole(
        &mut self,
        body: &[Statement],
        value: Option<&Expr>,
        locals: &mut Locals,
    ) -> Result<Option<Datum>> {
        match self.block(body, locals)? {
            Flow::Return(value) => Ok(value),
            _ => value.map(|value| self.expr(value, locals)).transpose(),
        }
    }

    // -- statements ----------------------------------------------------------------------------------------

    fn block(&mut self, statements: &[Statement], locals: &mut Locals) -> Result<Flow> {
        for statement in statements {
            match self.statement(statement, locals)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn fail<T>(&mut self, failure: &Failure, locals: &mut Locals) -> Result<T> {
        Err(match failure {
            Failure::Builtin(builtin) => (*builtin).into(),
            Failure::Declared(variant, fields) => {
                Failed(Ended::Declared(*variant, self.exprs(fields, locals)?))
            }
        })
    }

    fn otherwise(&mut self, otherwise: &Otherwise, locals: &mut Locals) -> Result<Flow> {
        match otherwise {
            Otherwise::Fail(failure) => self.fail(failure, locals),
            Otherwise::Return(value) => Ok(Flow::Return(
                value
                    .as_ref()
                    .map(|value| self.expr(value, locals))
                    .transpose()?,
            )),
            Otherwise::Continue => Ok(Flow::Continue),
        }
    }

    fn repeat(
        &mut self,
        items: Vec<Bound>,
        name: &str,
        body: &[Statement],
        locals: &mut Locals,
    ) -> Result<Flow> {
        for item in items {
            locals.insert(name.to_string(), item);
            match self.block(body, locals)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                Flow::Return(value) => return Ok(Flow::Return(value)),
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Statement, locals: &mut Locals) -> Result<Flow> {
        *self.met.entry(kinds::of_statement(statement)).or_default() += 1;
        let value = |value: Datum| Bound::Value(value);
        match statement {
            Statement::Let {
                name, value: of, ..
            } => {
                let bound = self.expr(of, locals)?;
                locals.insert(name.clone(), value(bound));
            }
            Statement::LetNarrow {
                name,
                to,
                value: of,
            } => {
                let bound = number::convert(*to, &self.expr(of, locals)?)?;
                locals.insert(name.clone(), value(bound));
            }
            Statement::FindRow {
                name,
                lookup,
                otherwise,
            } => match self.find(lookup, locals)? {
                Some(row) => drop(locals.insert(name.clone(), row)),
                None => return self.otherwise(otherwise, locals),
            },
            Statement::FindRowIf {
                name,
                lookup,
                then,
                otherwise,
            } => match self.find(lookup, locals)? {
                Some(row) => {
                    locals.insert(name.clone(), row);
                    return self.block(then, locals);
                }
                None => return self.block(otherwise, locals),
            },
            Statement::LetTuple { names, value: of } => {
                let Datum::Tuple(parts) = self.expr(of, locals)? else {
                    panic!("no tuple")
                };
                locals.extend(names.iter().cloned().zip(parts.into_iter().map(value)));
            }
            Statement::LetMaybe { name, lookup } => {
                let found = match self.find(lookup, locals)? {
                    Some(Bound::Row(table, key, _)) => Some((table, key)),
                    _ => None,
                };
                locals.insert(name.clone(), Bound::Maybe(found));
            }
            Statement::Alias { name, of } => {
                let row = locals[of].clone();
                locals.insert(name.clone(), row);
            }
            Statement::GetOrInsert {
                name,
                table,
                record,
            } => {
                let row = self.record(*table, record, locals)?;
                let key = row[..self.key_len(*table)].to_vec();
                if !self.tables[*table].contains_key(&key) {
                    self.insert(*table, row)?;
                }
                let row = self.tables[*table][&key].clone();
                locals.insert(name.clone(), Bound::Row(*table, key, row));
            }
            Statement::Insert { table, record } => {
                let row = self.record(*table, record, locals)?;
                self.insert(*table, row)?;
            }
            Statement::Put { table, record } => {
                let row = self.record(*table, record, locals)?;
                match self.tables[*table].contains_key(&row[..self.key_len(*table)]) {
                    true => self.replace(*table, row)?,
                    false => self.insert(*table, row)?,
                }
            }
            Statement::Delete { name, table, key } => {
                let key = self.exprs(key, locals)?;
                let was_there = self.delete(*table, &key)?;
                locals.insert(name.clone(), value(Datum::Bool(was_there)));
            }
            Statement::Assign {
                target,
                ty,
                operator,
                value,
            } => {
                let mut new = self.expr(value, locals)?;
                if let (Some(op), Type::Integer(scalar)) = (operator, ty) {
                    let old = self.read_place(target, locals);
                    new = number::binary(*op, *scalar, &old, &new)?;
                }
                self.change(target, locals, |place| {
                    *place = new;
                    Ok(())
                })?;
            }
            Statement::AssignElse {
                target,
                value,
                otherwise,
            } => match self.expr(value, locals)? {
                Datum::Some(new) => self.change(target, locals, |place| {
                    *place = *new;
                    Ok(())
                })?,
                _ => return self.otherwise(otherwise, locals),
            },
            Statement::Push { target, max, value } => {
                let item = self.expr(value, locals)?;
                self.change(target, locals, |place| match place {
                    Datum::List(items) if items.len() < *max as usize => {
                        items.push(item);
                        Ok(())
                    }
                    _ => Err(Builtin::TooLong.into()),
                })?;
            }
            Statement::Pop { name, target, .. } => {
                let mut popped = Datum::None;
                self.change(target, locals, |place| {
                    if let Datum::List(items) = place {
                        popped = items
                            .pop()
                            .map_or(Datum::None, |item| Datum::Some(Box::new(item)));
                    }
                    Ok(())
                })?;
                locals.insert(name.clone(), value(popped));
            }
            Statement::InsertAt {
                target,
                max,
                at,
                value,
            } => {
                let at = integer(&self.expr(at, locals)?);
                let item = self.expr(value, locals)?;
                self.change(target, locals, |place| match place {
                    Datum::List(items) if items.len() >= *max as usize => {
                        Err(Builtin::TooLong.into())
                    }
                    Datum::List(items) if (0..=items.len() as i128).contains(&at) => {
                        items.insert(at as usize, item);
                        Ok(())
                    }
                    _ => Err(Builtin::BoundExceeded.into()),
                })?;
            }
            Statement::RemoveAt { name, target, at } => {
                let at = integer(&self.expr(at, locals)?);
                let mut removed = Datum::None;
                self.change(target, locals, |place| match place {
                    Datum::List(items) if (0..items.len() as i128).contains(&at) => {
                        removed = items.remove(at as usize);
                        Ok(())
                    }
                    _ => Err(Builtin::BoundExceeded.into()),
                })?;
                locals.insert(name.clone(), value(removed));
            }
            Statement::Clear { target } => self.change(target, locals, |place| {
                *place = Datum::List(Vec::new());
                Ok(())
            })?,
            Statement::Hold { name, operation } => {
                let Expr::Held(root, holding, arguments) = operation else {
                    panic!("{operation:?} is no operation of a container")
                };
                *self.met.entry(kinds::of_expression(operation)).or_default() += 1;
                let gives = self.hold(root, *holding, arguments, locals)?;
                if let (Some(name), Some(gives)) = (name, gives) {
                    locals.insert(name.clone(), value(gives));
                }
            }
            Statement::ForHeld {
                names,
                root,
                from,
                to,
                descending,
                take,
                body,
            } => {
                let bounds = (from.as_ref(), to.as_ref());
                return self.for_held(names, root, bounds, *descending, *take, body, locals);
            }
            Statement::ForEvery { name, table, body } => {
                let rows = self.tables[*table].iter();
                let rows = rows
                    .map(|(key, row)| Bound::Row(*table, key.clone(), row.clone()))
                    .collect();
                return self.repeat(rows, name, body, locals);
            }
            Statement::Attempt {
                command,
                arguments,
                endings,
            } => return self.attempt(*command, arguments, endings.as_ref(), locals),
            Statement::Start { job, arguments } => {
                let values = self.exprs(arguments, locals)?;
                self.start(*job, values);
            }
            Statement::If {
                condition,
                then,
                otherwise,
            } => {
                let branch = if self.condition(condition, locals)? {
                    then
                } else {
                    otherwise
                };
                return self.block(branch, locals);
            }
            Statement::IfSome {
                name,
                value: of,
                then,
                otherwise,
            } => match self.expr(of, locals)? {
                Datum::Some(inner) => {
                    locals.insert(name.clone(), value(*inner));
                    return self.block(then, locals);
                }
                _ => return self.block(otherwise, locals),
            },
            Statement::ForRange {
                name,
                start,
                end,
                inclusive,
                max,
                body,
            } => {
                let (start, end) = (
                    integer(&self.expr(start, locals)?),
                    integer(&self.expr(end, locals)?),
                );
                let end = end + i128::from(*inclusive);
                if end - start > (*max).into() {
                    return Err(Builtin::BoundExceeded.into());
                }
                let items = (start..end)
                    .map(|number| value(Datum::Integer(number)))
                    .collect();
                return self.repeat(items, name, body, locals);
            }
            Statement::ForList { name, list, body } => {
                let Datum::List(items) = self.expr(list, locals)? else {
                    panic!("a walk of no list")
                };
                return self.repeat(items.into_iter().map(value).collect(), name, body, locals);
            }
            Statement::ForRows { name, walk, body } => return self.rows(name, walk, body, locals),
            Statement::Match {
                value: of, arms, ..
            } => {
                let Datum::Variant(variant, fields) = self.expr(of, locals)? else {
                    panic!("a match of no enum")
                };
                for arm in arms.iter().filter(|arm| arm.variant == variant) {
                    for (name, field) in arm.names.iter().zip(&fields) {
                        locals.insert(name.clone(), value(field.clone()));
                    }
                    let holds = arm
                        .guard
                        .as_ref()
                        .map(|guard| self.condition(guard, locals))
                        .transpose()?;
                    if holds != Some(false) {
                        return self.block(&arm.body, locals);
                    }
                }
            }
            Statement::Ensure { condition, failure } => {
                if !self.condition(condition, locals)? {
                    return self.fail(failure, locals);
                }
            }
            Statement::Emit { event, fields } => {
                let fields = self.exprs(fields, locals)?;
                self.events.push((*event, fields));
            }
            Statement::Call {
                function,
                row,
                arguments,
            } => {
                self.run(*function, row.as_ref(), arguments, locals)?;
            }
            Statement::Fail(failure) => return self.fail(failure, locals),
            Statement::Return(value) => {
                return Ok(Flow::Return(
                    value
                        .as_ref()
                        .map(|value| self.expr(value, locals))
                        .transpose()?,
                ));
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    /// A walk sees the keys as they were at its start; a row that is gone by its turn is passed over.
    fn rows(
        &mut self,
        name: &str,
        walk: &Walk,
        body: &[Statement],
        locals: &mut Locals,
    ) -> Result<Flow> {
        let mut keys = self.walk(walk, locals)?;
        let mut at = 0;
        while at < keys.len() {
            if let Some(row) = self.tables[walk.table].get(&keys[at]) {
                locals.insert(
                    name.to_string(),
                    Bound::Row(walk.table, keys[at].clone(), row.clone()),
                );
                match self.block(body, locals)? {
                    Flow::Next | Flow::Continue => {}
                    Flow::Break => break,
                    Flow::Return(value) => return Ok(Flow::Return(value)),
                }
            }
            at += 1;
            if self.mistake == Mistake::WalksSeeWrites {
                keys = self.walk(walk, locals)?;
            }
        }
        Ok(Flow::Next)
    }

    fn run(
        &mut self,
        function: usize,
        row: Option<&String>,
        arguments: &[Expr],
        locals: &mut Locals,
    ) -> Result<Option<Datum>> {
        let function = &self.package.functions[function];
        let mut inner = Locals::new();
        if let (Some((name, _)), Some(row)) = (&function.row, row) {
            inner.insert(name.clone(), locals[row].clone());
        }
        for ((name, _), argument) in function.parameters.iter().zip(arguments) {
            let value = self.expr(argument, locals)?;
            inner.insert(name.clone(), Bound::Value(value));
        }
        self.whole(&function.body, function.value.as_ref(), &mut inner)
    }
}
