//! The third oracle: what a package means, by maps and vectors. A row is an entry of a map; aggregates and invariants
//! are worked out anew from all rows whenever they are asked for; a walk sorts everything; a failed command's copy is thrown away.
//!
//! Always true: nothing here comes from the compiler or an engine; only the names of built-in failures are shared.

use crate::description::*;
use crate::number;
use rc_bytecode::instr::{Builtin, CompareOp, Scalar};
use std::cmp::Ordering;
use std::collections::BTreeMap;

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
    /// Events of failed commands stay.
    EventsStay,
}

#[derive(Clone, Debug)]
pub struct Model<'p> {
    package: &'p Package,
    pub mistake: Mistake,
    pub tables: Vec<Rows>,
    pub states: Vec<Datum>,
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
            states: package.states.iter().map(|state| state.default.clone()).collect(),
            events: Vec::new(),
            now: 0,
            met: BTreeMap::new(),
        }
    }

    /// Runs a command; a failure leaves no trace.
    pub fn call(&mut self, command: &Command, arguments: &[Datum], now: i64) -> Ended {
        self.now = now;
        self.events.clear();
        let (tables, states) = (self.tables.clone(), self.states.clone());
        let mut locals: Locals =
            command.parameters.iter().zip(arguments).map(|((name, _), value)| (name.clone(), Bound::Value(value.clone()))).collect();
        let ended = self.whole(&command.body, command.value.as_ref(), &mut locals).and_then(|value| {
            if !command.query {
                self.check_invariants()?;
            }
            Ok(value)
        });
        match ended {
            Ok(value) => Ended::Done(value),
            Err(Failed(ended)) => {
                if self.mistake != Mistake::NoUndo {
                    (self.tables, self.states) = (tables, states);
                }
                if self.mistake != Mistake::EventsStay {
                    self.events.clear();
                }
                ended
            }
        }
    }

    fn whole(&mut self, body: &[Statement], value: Option<&Expr>, locals: &mut Locals) -> Result<Option<Datum>> {
        match self.block(body, locals)? {
            Flow::Return(value) => Ok(value),
            _ => value.map(|value| self.expr(value, locals)).transpose(),
        }
    }

    fn check_invariants(&mut self) -> Result<()> {
        for (number, table) in self.package.tables.iter().enumerate() {
            for row in self.tables[number].clone().into_values() {
                for invariant in &table.invariants {
                    if self.mistake != Mistake::NoRowInvariants && !self.condition_of_row(invariant, &row) {
                        return Err(Builtin::InvariantBroken.into());
                    }
                }
            }
        }
        for invariant in &self.package.invariants {
            if self.expr(invariant, &mut Locals::new())? != Datum::Bool(true) {
                return Err(Builtin::InvariantBroken.into());
            }
        }
        Ok(())
    }

    fn condition_of_row(&mut self, condition: &Expr, row: &[Datum]) -> bool {
        let mut locals = Locals::new();
        locals.insert(String::new(), Bound::Row(usize::MAX, Vec::new(), row.to_vec()));
        matches!(self.expr(condition, &mut locals), Ok(Datum::Bool(true)))
    }

    // -- rows ----------------------------------------------------------------------------------------------

    fn key_len(&self, table: usize) -> usize {
        self.package.tables[table].key_len
    }

    fn index_values(&self, table: usize, index: usize, row: &[Datum]) -> Vec<Datum> {
        self.package.tables[table].indexes[index].fields.iter().map(|field| row[*field].clone()).collect()
    }

    /// Another row with the same values in a unique index.
    fn conflicts(&self, table: usize, row: &[Datum]) -> bool {
        if self.mistake == Mistake::NothingIsUnique {
            return false;
        }
        let key = &row[..self.key_len(table)];
        let indexes = &self.package.tables[table].indexes;
        indexes.iter().enumerate().filter(|(_, index)| index.unique).any(|(number, _)| {
            let wanted = self.index_values(table, number, row);
            self.tables[table].iter().any(|(other, have)| other != key && self.index_values(table, number, have) == wanted)
        })
    }

    fn insert(&mut self, table: usize, row: Vec<Datum>) -> Result<()> {
        let key = row[..self.key_len(table)].to_vec();
        let declared = &self.package.tables[table];
        // A full table refuses before it looks for the key.
        let full = match (declared.capacity, declared.storage, &key[0]) {
            (Some(capacity), Storage::Dense, Datum::Integer(number)) => *number >= capacity.into(),
            (Some(capacity), _, _) => self.tables[table].len() as u64 >= capacity,
            (None, ..) => false,
        };
        if full {
            return Err(Builtin::TableFull.into());
        }
        if self.tables[table].contains_key(&key) {
            return Err(Builtin::AlreadyExists.into());
        }
        self.replace(table, row)
    }

    /// Stores a row under its key, whether or not there was one.
    fn replace(&mut self, table: usize, row: Vec<Datum>) -> Result<()> {
        if self.conflicts(table, &row) {
            return Err(Builtin::AlreadyExists.into());
        }
        let key = row[..self.key_len(table)].to_vec();
        self.tables[table].insert(key, row);
        Ok(())
    }

    fn record(&mut self, table: usize, record: &[Option<Expr>], locals: &mut Locals) -> Result<Vec<Datum>> {
        let fields = &self.package.tables[table].fields;
        record
            .iter()
            .zip(fields)
            .map(|(value, field)| match value {
                Some(value) => self.expr(value, locals),
                None => Ok(default(field)),
            })
            .collect()
    }

    fn find(&mut self, lookup: &Lookup, locals: &mut Locals) -> Result<Option<Bound>> {
        let found = match lookup {
            Lookup::Key(table, key) => {
                let key = self.exprs(key, locals)?;
                self.tables[*table].get(&key).map(|row| (*table, row.clone()))
            }
            Lookup::Maybe(name) => match &locals[name] {
                Bound::Maybe(Some((table, key))) => self.tables[*table].get(key).map(|row| (*table, row.clone())),
                _ => None,
            },
            Lookup::Unique(table, index, parts) => {
                let parts = self.exprs(parts, locals)?;
                let rows = &self.tables[*table];
                rows.values().find(|row| self.index_values(*table, *index, row) == parts).map(|row| (*table, row.clone()))
            }
        };
        Ok(found.map(|(table, row)| Bound::Row(table, row[..self.key_len(table)].to_vec(), row)))
    }

    /// Keys of the rows that a walk visits, in its order.
    fn walk(&mut self, walk: &Walk, locals: &mut Locals) -> Result<Vec<Vec<Datum>>> {
        let prefix = self.exprs(&walk.prefix, locals)?;
        let from = walk.from.as_ref().map(|from| self.expr(from, locals)).transpose()?;
        let to = walk.to.as_ref().map(|to| self.expr(to, locals)).transpose()?;
        let take = match &walk.take {
            Some(take) => match self.expr(take, locals)? {
                Datum::Integer(take) if take <= walk.max.into() => take as usize,
                _ => return Err(Builtin::BoundExceeded.into()),
            },
            None => walk.max as usize,
        };
        let declared = &self.package.tables[walk.table];
        let mut fields = walk.index.map_or_else(Vec::new, |index| declared.indexes[index].fields.clone());
        for key in 0..declared.key_len {
            if !fields.contains(&key) {
                fields.push(key);
            }
        }
        let mut entries: Vec<(Vec<Datum>, Vec<Datum>)> = self.tables[walk.table]
            .iter()
            .map(|(key, row)| (fields.iter().map(|field| row[*field].clone()).collect::<Vec<_>>(), key.clone()))
            .filter(|(values, _)| values.starts_with(&prefix))
            .filter(|(values, _)| from.as_ref().is_none_or(|from| values[prefix.len()] >= *from))
            .filter(|(values, _)| to.as_ref().is_none_or(|to| values[prefix.len()] < *to))
            .collect();
        entries.sort();
        if walk.descending {
            entries.reverse();
        }
        Ok(entries.into_iter().take(take).map(|(_, key)| key).collect())
    }

    fn aggregate(&self, number: usize, group: Option<Datum>) -> Datum {
        let aggregate = &self.package.aggregates[number];
        let rows = self.tables[aggregate.table].values();
        let rows = rows.filter(|row| aggregate.by.is_none_or(|by| Some(&row[by]) == group.as_ref()));
        let Some(field) = aggregate.field else { return Datum::Integer(rows.count() as i128) };
        let missed = usize::from(self.mistake == Mistake::SumsMiss);
        let values: Vec<&Datum> = rows.map(|row| &row[field]).collect();
        let values = values[..values.len().saturating_sub(missed)].iter();
        match self.package.type_of(aggregate) {
            Scalar::U128 => Datum::Wide(values.map(|value| integer(value) as u128).sum()),
            _ => Datum::Integer(values.map(|value| integer(value)).sum()),
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
            Failure::Declared(variant, fields) => Failed(Ended::Declared(*variant, self.exprs(fields, locals)?)),
        })
    }

    fn otherwise(&mut self, otherwise: &Otherwise, locals: &mut Locals) -> Result<Flow> {
        match otherwise {
            Otherwise::Fail(failure) => self.fail(failure, locals),
            Otherwise::Return(value) => Ok(Flow::Return(value.as_ref().map(|value| self.expr(value, locals)).transpose()?)),
            Otherwise::Continue => Ok(Flow::Continue),
        }
    }

    fn repeat(&mut self, items: Vec<Bound>, name: &str, body: &[Statement], locals: &mut Locals) -> Result<Flow> {
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
        *self.met.entry(name_of(statement)).or_default() += 1;
        let value = |value: Datum| Bound::Value(value);
        match statement {
            Statement::Let { name, value: of, .. } => {
                let bound = self.expr(of, locals)?;
                locals.insert(name.clone(), value(bound));
            }
            Statement::LetNarrow { name, to, value: of } => {
                let bound = number::convert(*to, &self.expr(of, locals)?)?;
                locals.insert(name.clone(), value(bound));
            }
            Statement::FindRow { name, lookup, otherwise } => match self.find(lookup, locals)? {
                Some(row) => drop(locals.insert(name.clone(), row)),
                None => return self.otherwise(otherwise, locals),
            },
            Statement::FindRowIf { name, lookup, then, otherwise } => match self.find(lookup, locals)? {
                Some(row) => {
                    locals.insert(name.clone(), row);
                    return self.block(then, locals);
                }
                None => return self.block(otherwise, locals),
            },
            Statement::LetTuple { names, value: of } => {
                let Datum::Tuple(parts) = self.expr(of, locals)? else { panic!("no tuple") };
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
            Statement::GetOrInsert { name, table, record } => {
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
                let was_there = self.tables[*table].remove(&key).is_some();
                locals.insert(name.clone(), value(Datum::Bool(was_there)));
            }
            Statement::Assign { target, ty, operator, value } => {
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
                        popped = items.pop().map_or(Datum::None, |item| Datum::Some(Box::new(item)));
                    }
                    Ok(())
                })?;
                locals.insert(name.clone(), value(popped));
            }
            Statement::If { condition, then, otherwise } => {
                let branch = if self.condition(condition, locals)? { then } else { otherwise };
                return self.block(branch, locals);
            }
            Statement::IfSome { name, value: of, then, otherwise } => match self.expr(of, locals)? {
                Datum::Some(inner) => {
                    locals.insert(name.clone(), value(*inner));
                    return self.block(then, locals);
                }
                _ => return self.block(otherwise, locals),
            },
            Statement::ForRange { name, start, end, inclusive, max, body } => {
                let (start, end) = (integer(&self.expr(start, locals)?), integer(&self.expr(end, locals)?));
                let end = end + i128::from(*inclusive);
                if end - start > (*max).into() {
                    return Err(Builtin::BoundExceeded.into());
                }
                let items = (start..end).map(|number| value(Datum::Integer(number))).collect();
                return self.repeat(items, name, body, locals);
            }
            Statement::ForList { name, list, body } => {
                let Datum::List(items) = self.expr(list, locals)? else { panic!("a walk of no list") };
                return self.repeat(items.into_iter().map(value).collect(), name, body, locals);
            }
            Statement::ForRows { name, walk, body } => return self.rows(name, walk, body, locals),
            Statement::Match { value: of, arms, .. } => {
                let Datum::Variant(variant, fields) = self.expr(of, locals)? else { panic!("a match of no enum") };
                for arm in arms.iter().filter(|arm| arm.variant == variant) {
                    for (name, field) in arm.names.iter().zip(&fields) {
                        locals.insert(name.clone(), value(field.clone()));
                    }
                    let holds = arm.guard.as_ref().map(|guard| self.condition(guard, locals)).transpose()?;
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
            Statement::Call { function, row, arguments } => {
                self.run(*function, row.as_ref(), arguments, locals)?;
            }
            Statement::Fail(failure) => return self.fail(failure, locals),
            Statement::Return(value) => return Ok(Flow::Return(value.as_ref().map(|value| self.expr(value, locals)).transpose()?)),
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    /// A walk sees the keys as they were at its start; a row that is gone by its turn is passed over.
    fn rows(&mut self, name: &str, walk: &Walk, body: &[Statement], locals: &mut Locals) -> Result<Flow> {
        let mut keys = self.walk(walk, locals)?;
        let mut at = 0;
        while at < keys.len() {
            if let Some(row) = self.tables[walk.table].get(&keys[at]) {
                locals.insert(name.to_string(), Bound::Row(walk.table, keys[at].clone(), row.clone()));
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

    fn run(&mut self, function: usize, row: Option<&String>, arguments: &[Expr], locals: &mut Locals) -> Result<Option<Datum>> {
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

    // -- places --------------------------------------------------------------------------------------------

    fn read_place(&mut self, place: &Place, locals: &Locals) -> Datum {
        let mut value = match &place.root {
            Root::Row(row, _, field) => self.row_field(row, *field, locals),
            Root::State(state) => self.states[*state].clone(),
            Root::Local(name) => local(name, locals),
        };
        for (_, field) in &place.path {
            value = part(value, *field);
        }
        value
    }

    fn change(&mut self, place: &Place, locals: &mut Locals, change: impl FnOnce(&mut Datum) -> Result<()>) -> Result<()> {
        match &place.root {
            Root::Row(name, _, field) => {
                let Some(Bound::Row(table, key, copy)) = locals.get_mut(name) else { panic!("{name} is no row") };
                let (table, mut row) = (*table, self.tables[*table][key].clone());
                change(within(&mut row[*field], &place.path))?;
                *copy = row.clone();
                self.replace(table, row)
            }
            Root::State(state) => change(within(&mut self.states[*state], &place.path)),
            Root::Local(name) => match locals.get_mut(name) {
                Some(Bound::Value(value)) => change(within(value, &place.path)),
                other => panic!("{name} is {other:?}"),
            },
        }
    }

    fn row_field(&self, name: &str, field: usize, locals: &Locals) -> Datum {
        match locals.get(name) {
            Some(Bound::Row(_, _, copy)) if self.mistake == Mistake::RowsAreCopies => copy[field].clone(),
            Some(Bound::Row(table, key, _)) => self.tables[*table][key][field].clone(),
            other => panic!("{name} is {other:?}"),
        }
    }

    // -- expressions ---------------------------------------------------------------------------------------

    fn exprs(&mut self, parts: &[Expr], locals: &mut Locals) -> Result<Vec<Datum>> {
        parts.iter().map(|part| self.expr(part, locals)).collect()
    }

    fn condition(&mut self, condition: &Expr, locals: &mut Locals) -> Result<bool> {
        Ok(self.expr(condition, locals)? == Datum::Bool(true))
    }

    fn expr(&mut self, expr: &Expr, locals: &mut Locals) -> Result<Datum> {
        *self.met.entry(kind_of(expr)).or_default() += 1;
        Ok(match expr {
            Expr::Constant(_, datum) => datum.clone(),
            Expr::Local(name) => local(name, locals),
            Expr::RowField(row, _, field) => self.row_field(row, *field, locals),
            Expr::Column(_, field) => match &locals[""] {
                Bound::Row(_, _, row) => row[*field].clone(),
                _ => panic!("a column outside an invariant"),
            },
            Expr::StructField(base, _, field) | Expr::TuplePart(base, field) => part(self.expr(base, locals)?, *field),
            Expr::State(state) => self.states[*state].clone(),
            Expr::Aggregate(number, group) => {
                let group = group.as_ref().map(|group| self.expr(group, locals)).transpose()?;
                self.aggregate(*number, group)
            }
            Expr::Now => Datum::Integer(self.now.into()),
            Expr::CallerId => Datum::Integer(crate::engines::CALLER_ID.into()),
            Expr::Concat(max, _, left, right) => match (self.expr(left, locals)?, self.expr(right, locals)?) {
                (Datum::Text(left), Datum::Text(right)) if left.len() + right.len() <= *max as usize => Datum::Text(left + &right),
                _ => return Err(Builtin::TooLong.into()),
            },
            Expr::Element(list, index) => {
                let Datum::List(items) = self.expr(list, locals)? else { panic!("an element of no list") };
                let index = integer(&self.expr(index, locals)?);
                let item = usize::try_from(index).ok().and_then(|index| items.get(index));
                item.cloned().ok_or(Builtin::BoundExceeded)?
            }
            Expr::Arithmetic(op, scalar, left, right) => {
                let (left, right) = (self.expr(left, locals)?, self.expr(right, locals)?);
                number::binary(*op, *scalar, &left, &right)?
            }
            Expr::Unary(op, scalar, operand) => number::unary(*op, *scalar, &self.expr(operand, locals)?)?,
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
            Expr::And(left, right) => Datum::Bool(self.condition(left, locals)? && self.condition(right, locals)?),
            Expr::Or(left, right) => Datum::Bool(self.condition(left, locals)? || self.condition(right, locals)?),
            Expr::Not(operand) => Datum::Bool(!self.condition(operand, locals)?),
            Expr::Widen(to, value) => number::convert(*to, &self.expr(value, locals)?)?,
            Expr::If(condition, then, otherwise) => {
                let branch = if self.condition(condition, locals)? { then } else { otherwise };
                self.expr(branch, locals)?
            }
            Expr::Otherwise(value, otherwise) => match self.expr(value, locals)? {
                Datum::Some(value) => *value,
                _ => self.expr(otherwise, locals)?,
            },
            Expr::Some(value) => Datum::Some(Box::new(self.expr(value, locals)?)),
            Expr::Struct(_, parts) => Datum::Record(self.exprs(parts, locals)?),
            Expr::Variant(_, variant, parts) => Datum::Variant(*variant, self.exprs(parts, locals)?),
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
            Expr::Rows { name, value, walk, condition } => {
                let keys = self.walk(walk, locals)?;
                let rows = keys.into_iter().map(|key| Bound::Row(walk.table, key.clone(), self.tables[walk.table][&key].clone())).collect();
                self.comprehension(rows, name, value, condition.as_deref(), locals)?
            }
            Expr::Items { name, value, list, condition } => {
                let Datum::List(items) = self.expr(list, locals)? else { panic!("a walk of no list") };
                self.comprehension(items.into_iter().map(Bound::Value).collect(), name, value, condition.as_deref(), locals)?
            }
            Expr::MatchInteger { value, arms, otherwise } => {
                let value = integer(&self.expr(value, locals)?);
                let arm = arms.iter().find(|(low, high, _)| (*low..=*high).contains(&value));
                self.expr(arm.map_or(otherwise, |(_, _, value)| value), locals)?
            }
            Expr::Call(function, row, arguments) => {
                let value = self.run(*function, row.as_ref(), arguments, locals)?;
                value.expect("a function with a value")
            }
        })
    }

    fn comprehension(&mut self, items: Vec<Bound>, name: &str, value: &Expr, condition: Option<&Expr>, locals: &mut Locals) -> Result<Datum> {
        let mut list = Vec::new();
        for item in items {
            locals.insert(name.to_string(), item);
            if condition.map(|condition| self.condition(condition, locals)).transpose()? != Some(false) {
                list.push(self.expr(value, locals)?);
            }
        }
        Ok(Datum::List(list))
    }
}

/// What a field has that was left out.
pub fn default(field: &Field) -> Datum {
    match (&field.default, &field.ty) {
        (Some(default), _) => default.clone(),
        (None, Type::Optional(_)) => Datum::None,
        (None, Type::List(..)) => Datum::List(Vec::new()),
        (None, ty) => panic!("a field of {ty:?} without a default was left out"),
    }
}

fn local(name: &str, locals: &Locals) -> Datum {
    match locals.get(name) {
        Some(Bound::Value(value)) => value.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

fn part(value: Datum, number: usize) -> Datum {
    match value {
        Datum::Record(mut parts) | Datum::Tuple(mut parts) => parts.swap_remove(number),
        other => panic!("{other:?} has no parts"),
    }
}

fn within<'d>(mut at: &'d mut Datum, path: &[(usize, usize)]) -> &'d mut Datum {
    for (_, field) in path {
        at = match at {
            Datum::Record(parts) => &mut parts[*field],
            other => panic!("{other:?} has no parts"),
        };
    }
    at
}

fn integer(value: &Datum) -> i128 {
    match value {
        Datum::Integer(value) => *value,
        Datum::Wide(value) => *value as i128,
        other => panic!("{other:?} is no integer"),
    }
}

fn apply(method: Method, receiver: Datum, arguments: &[Datum]) -> Datum {
    let optional = |item: Option<&Datum>| item.map_or(Datum::None, |item| Datum::Some(Box::new(item.clone())));
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
        (Method::StartsWith, Datum::Text(text)) => match &arguments[0] {
            Datum::Text(start) => Datum::Bool(text.starts_with(start.as_str())),
            other => panic!("starts_with({other:?})"),
        },
        (method, receiver) => panic!("{method:?} of {receiver:?}"),
    }
}

fn name_of(statement: &Statement) -> &'static str {
    match statement {
        Statement::Let { mutable: true, .. } => "var",
        Statement::Let { .. } => "let",
        Statement::LetNarrow { .. } => "try_into",
        Statement::FindRow { lookup: Lookup::Key(..), .. } => "get else",
        Statement::FindRow { .. } => "unique.get else",
        Statement::FindRowIf { lookup: Lookup::Maybe(_), .. } => "if let row = row?",
        Statement::LetTuple { .. } => "let (a, b)",
        Statement::LetMaybe { .. } => "let row? = get",
        Statement::FindRowIf { .. } => "if let row",
        Statement::Alias { .. } => "let row = row",
        Statement::GetOrInsert { .. } => "get_or_insert",
        Statement::Insert { .. } => "insert",
        Statement::Put { .. } => "put",
        Statement::Delete { .. } => "delete",
        Statement::Assign { target: Place { root: Root::Row(..), .. }, operator: None, .. } => "row.field =",
        Statement::Assign { target: Place { root: Root::Row(..), .. }, .. } => "row.field op=",
        Statement::Assign { target: Place { root: Root::State(_), .. }, .. } => "state =",
        Statement::Assign { .. } => "local =",
        Statement::Push { .. } => "push",
        Statement::Pop { .. } => "pop",
        Statement::If { .. } => "if",
        Statement::IfSome { .. } => "if let",
        Statement::ForRange { .. } => "for range",
        Statement::ForList { .. } => "for list",
        Statement::ForRows { .. } => "for rows",
        Statement::Match { .. } => "match enum",
        Statement::Ensure { .. } => "ensure",
        Statement::Emit { .. } => "emit",
        Statement::Call { .. } => "call fn",
        Statement::Fail(_) => "fail",
        Statement::Return(_) => "return",
        Statement::Break => "break",
        Statement::Continue => "continue",
    }
}

fn kind_of(expr: &Expr) -> &'static str {
    match expr {
        Expr::Constant(..) => "literal",
        Expr::Local(_) => "name",
        Expr::RowField(..) => "row.field",
        Expr::Column(..) => "column of an invariant",
        Expr::StructField(..) => "struct.field",
        Expr::TuplePart(..) => "tuple.0",
        Expr::State(_) => "state",
        Expr::Aggregate(_, None) => "aggregate",
        Expr::Aggregate(_, Some(_)) => "aggregate[group]",
        Expr::Now => "now",
        Expr::CallerId => "caller.id",
        Expr::Concat(_, true, ..) => "text + text",
        Expr::Concat(..) => "concat",
        Expr::Element(..) => "list[i]",
        Expr::Arithmetic(op, ..) => crate::print::sign(*op).unwrap_or_else(|name| name),
        Expr::Unary(..) => "unary",
        Expr::Compare(..) => "compare",
        Expr::And(..) => "&&",
        Expr::Or(..) => "||",
        Expr::Not(_) => "!",
        Expr::Widen(..) => "as",
        Expr::If(..) => "if value",
        Expr::Otherwise(..) => "??",
        Expr::Some(_) => "value as optional",
        Expr::Struct(..) => "struct literal",
        Expr::Variant(..) => "enum literal",
        Expr::Tuple(_) => "tuple",
        Expr::List(_) => "list literal",
        Expr::Method(method, ..) => match method {
            Method::Length => "len",
            Method::IsEmpty => "is_empty",
            Method::Contains => "list.contains",
            Method::First => "first",
            Method::Last => "last",
            Method::IsSome => "is_some",
            Method::IsNone => "is_none",
            Method::StartsWith => "starts_with",
        },
        Expr::Contains(..) => "table.contains",
        Expr::Rows { .. } => "[… for row]",
        Expr::Items { .. } => "[… for item]",
        Expr::MatchInteger { .. } => "match integer",
        Expr::Call(..) => "call fn for its value",
    }
}
