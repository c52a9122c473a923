//! Rows, walks, aggregates and invariants in the model. Always true: a walk is a sort of all rows; an aggregate is worked out
//! from all rows; an invariant is looked at for every row there is.

use super::*;
use std::collections::BTreeSet;

impl Model<'_> {
    pub(super) fn check_invariants(&mut self) -> Result<()> {
        for (number, table) in self.package.tables.iter().enumerate() {
            for row in self.tables[number].clone().into_values() {
                for invariant in &table.invariants {
                    if self.mistake != Mistake::NoRowInvariants
                        && !self.condition_of_row(invariant, &row)
                    {
                        return Err(Builtin::InvariantBroken.into());
                    }
                }
            }
        }
        for invariant in &self.package.group_invariants {
            if self.mistake == Mistake::NoGroupInvariants {
                break;
            }
            for group in self.groups(invariant.aggregate) {
                let mut locals = Locals::new();
                locals.insert("c".into(), Bound::Value(group));
                if self.expr(&invariant.condition, &mut locals)? != Datum::Bool(true) {
                    return Err(Builtin::InvariantBroken.into());
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

    pub(super) fn condition_of_row(&mut self, condition: &Expr, row: &[Datum]) -> bool {
        let mut locals = Locals::new();
        locals.insert(
            String::new(),
            Bound::Row(usize::MAX, Vec::new(), row.to_vec()),
        );
        matches!(self.expr(condition, &mut locals), Ok(Datum::Bool(true)))
    }

    pub(super) fn key_len(&self, table: usize) -> usize {
        self.package.tables[table].key_len
    }

    pub(super) fn index_values(&self, table: usize, index: usize, row: &[Datum]) -> Vec<Datum> {
        self.package.tables[table].indexes[index]
            .fields
            .iter()
            .map(|field| row[*field].clone())
            .collect()
    }

    /// Another row with the same values in a unique index.
    pub(super) fn conflicts(&self, table: usize, row: &[Datum]) -> bool {
        if self.mistake == Mistake::NothingIsUnique {
            return false;
        }
        let key = &row[..self.key_len(table)];
        let indexes = &self.package.tables[table].indexes;
        indexes
            .iter()
            .enumerate()
            .filter(|(_, index)| index.unique)
            .any(|(number, _)| {
                let wanted = self.index_values(table, number, row);
                self.tables[table].iter().any(|(other, have)| {
                    other != key && self.index_values(table, number, have) == wanted
                })
            })
    }

    pub(super) fn insert(&mut self, table: usize, row: Vec<Datum>) -> Result<()> {
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
    pub(super) fn replace(&mut self, table: usize, row: Vec<Datum>) -> Result<()> {
        if self.conflicts(table, &row) {
            return Err(Builtin::AlreadyExists.into());
        }
        let key = row[..self.key_len(table)].to_vec();
        self.tables[table].insert(key, row.clone());
        // Asked after the row is there: it may refer to itself.
        for (field, value) in self.package.tables[table].fields.iter().zip(&row) {
            if let Some(reference) = &field.reference
                && let Some(key) = target_key(reference, value)
                && !self.tables[reference.target].contains_key(&key)
                && self.mistake != Mistake::NothingIsMissing
            {
                return Err(Builtin::InvariantBroken.into());
            }
        }
        Ok(())
    }

    /// Removes a row, with those that go with it; says whether it was there.
    pub(super) fn delete(&mut self, table: usize, key: &[Datum]) -> Result<bool> {
        if self.tables[table].remove(key).is_none() {
            return Ok(false);
        }
        let package = self.package;
        let references = package
            .tables
            .iter()
            .enumerate()
            .flat_map(|(number, other)| {
                let fields = other.fields.iter().enumerate();
                fields.filter_map(move |(field, declared)| {
                    let reference = declared.reference.as_ref()?;
                    (reference.target == table).then_some((number, field, reference))
                })
            });
        let (cascading, refusing): (Vec<_>, Vec<_>) =
            references.partition(|(_, _, reference)| reference.cascade.is_some());
        for (number, field, reference) in cascading {
            let referring = self.referring(number, field, reference, key);
            let most = reference.cascade.unwrap_or(0) as usize;
            if self.mistake == Mistake::NothingCascades {
                continue;
            }
            for key in referring.iter().take(most) {
                self.delete(number, key)?;
            }
            if referring.len() > most {
                return Err(Builtin::StillReferenced.into());
            }
        }
        for (number, field, reference) in refusing {
            if !self.referring(number, field, reference, key).is_empty()
                && self.mistake != Mistake::NothingIsReferenced
            {
                return Err(Builtin::StillReferenced.into());
            }
        }
        Ok(true)
    }

    /// Keys of the rows that refer to a key by a field.
    fn referring(
        &self,
        table: usize,
        field: usize,
        reference: &Reference,
        key: &[Datum],
    ) -> Vec<Vec<Datum>> {
        let rows = self.tables[table].iter();
        rows.filter(|(_, row)| target_key(reference, &row[field]).as_deref() == Some(key))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// The fields that an order goes by.
    pub(super) fn order_of(&self, table: usize, index: Option<usize>) -> Vec<usize> {
        let declared = &self.package.tables[table];
        let index = index.map(|index| &declared.indexes[index]);
        let mut fields = index.map_or_else(Vec::new, |index| index.fields.clone());
        if index.is_none_or(|index| !index.unique) {
            let given = fields.clone();
            fields.extend((0..declared.key_len).filter(|key| !given.contains(key)));
        }
        fields
    }

    pub(super) fn record(
        &mut self,
        table: usize,
        record: &[Option<Expr>],
        locals: &mut Locals,
    ) -> Result<Vec<Datum>> {
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

    pub(super) fn find(&mut self, lookup: &Lookup, locals: &mut Locals) -> Result<Option<Bound>> {
        let found = match lookup {
            Lookup::Key(table, key) => {
                let key = self.exprs(key, locals)?;
                self.tables[*table]
                    .get(&key)
                    .map(|row| (*table, row.clone()))
            }
            Lookup::Maybe(name) => match &locals[name] {
                Bound::Maybe(Some((table, key))) => self.tables[*table]
                    .get(key)
                    .map(|row| (*table, row.clone())),
                _ => None,
            },
            Lookup::Unique(table, index, parts) => {
                let parts = self.exprs(parts, locals)?;
                let rows = &self.tables[*table];
                rows.values()
                    .find(|row| self.index_values(*table, *index, row) == parts)
                    .map(|row| (*table, row.clone()))
            }
        };
        Ok(found.map(|(table, row)| Bound::Row(table, row[..self.key_len(table)].to_vec(), row)))
    }

    /// Keys of the rows that a walk visits, in its order.
    pub(super) fn walk(&mut self, walk: &Walk, locals: &mut Locals) -> Result<Vec<Vec<Datum>>> {
        let prefix = self.exprs(&walk.prefix, locals)?;
        let from = walk
            .from
            .as_ref()
            .map(|from| self.expr(from, locals))
            .transpose()?;
        let to = walk
            .to
            .as_ref()
            .map(|to| self.expr(to, locals))
            .transpose()?;
        let take = match &walk.take {
            Some(take) => match self.expr(take, locals)? {
                Datum::Integer(take) if take <= walk.max.into() => take as usize,
                _ => return Err(Builtin::BoundExceeded.into()),
            },
            None => walk.max as usize,
        };
        let declared = &self.package.tables[walk.table];
        let mut fields = walk
            .index
            .map_or_else(Vec::new, |index| declared.indexes[index].fields.clone());
        for key in 0..declared.key_len {
            if !fields.contains(&key) {
                fields.push(key);
            }
        }
        let mut entries: Vec<(Vec<Datum>, Vec<Datum>)> = self.tables[walk.table]
            .iter()
            .map(|(key, row)| {
                (
                    fields
                        .iter()
                        .map(|field| row[*field].clone())
                        .collect::<Vec<_>>(),
                    key.clone(),
                )
            })
            .filter(|(values, _)| values.starts_with(&prefix))
            .filter(|(values, _)| {
                from.as_ref()
                    .is_none_or(|from| values[prefix.len()] >= *from)
            })
            .filter(|(values, _)| to.as_ref().is_none_or(|to| values[prefix.len()] < *to))
            .collect();
        entries.sort();
        if walk.descending {
            entries.reverse();
        }
        Ok(entries.into_iter().take(take).map(|(_, key)| key).collect())
    }

    /// The groups of an aggregate that have rows.
    pub fn groups(&self, aggregate: usize) -> BTreeSet<Datum> {
        let aggregate = &self.package.aggregates[aggregate];
        let rows = self.tables[aggregate.table].values();
        let by = aggregate.by.into_iter();
        by.flat_map(|by| rows.clone().map(move |row| row[by].clone()))
            .collect()
    }

    pub(super) fn aggregate(&self, number: usize, group: Option<Datum>) -> Datum {
        let aggregate = &self.package.aggregates[number];
        let rows = self.tables[aggregate.table].values();
        let rows = rows.filter(|row| {
            aggregate
                .by
                .is_none_or(|by| Some(&row[by]) == group.as_ref())
        });
        let Some(field) = aggregate.field else {
            return Datum::Integer(rows.count() as i128);
        };
        let missed = usize::from(self.mistake == Mistake::SumsMiss);
        let values: Vec<&Datum> = rows.map(|row| &row[field]).collect();
        let missed = match aggregate.end {
            Some(_) => usize::from(self.mistake == Mistake::EndsMiss),
            None => missed,
        };
        let values = values[..values.len().saturating_sub(missed)].iter();
        if let Some(end) = aggregate.end {
            let found = match end {
                End::Least => values.min(),
                End::Greatest => values.max(),
            };
            return found.map_or(Datum::None, |value| Datum::Some(Box::new((*value).clone())));
        }
        if matches!(self.package.gives(aggregate), Type::Decimal(..)) {
            return Datum::Integer(values.map(|value| integer(value)).sum());
        }
        match self.package.type_of(aggregate) {
            Scalar::U128 => Datum::Wide(values.map(|value| integer(value) as u128).sum()),
            _ => Datum::Integer(values.map(|value| integer(value)).sum()),
        }
    }

    pub(super) fn read_place(&mut self, place: &Place, locals: &Locals) -> Datum {
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

    pub(super) fn change(
        &mut self,
        place: &Place,
        locals: &mut Locals,
        change: impl FnOnce(&mut Datum) -> Result<()>,
    ) -> Result<()> {
        match &place.root {
            Root::Row(name, _, field) => {
                let Some(Bound::Row(table, key, copy)) = locals.get_mut(name) else {
                    panic!("{name} is no row")
                };
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

    pub(super) fn row_field(&self, name: &str, field: usize, locals: &Locals) -> Datum {
        match locals.get(name) {
            Some(Bound::Row(_, _, copy)) if self.mistake == Mistake::RowsAreCopies => {
                copy[field].clone()
            }
            Some(Bound::Row(table, key, _)) => self.tables[*table][key][field].clone(),
            other => panic!("{name} is {other:?}"),
        }
    }
}

/// What a field has that was left out.
pub fn default(field: &Field) -> Datum {
    match (&field.default, &field.ty) {
        (Some(default), _) => default.clone(),
        (None, Type::Optional(_)) => Datum::None,
        (None, Type::List(..)) => Datum::List(Vec::new()),
        (None, Type::Container(kind, _)) => empty(*kind),
        (None, ty) => panic!("a field of {ty:?} without a default was left out"),
    }
}

/// A container without elements.
pub fn empty(kind: Container) -> Datum {
    match kind {
        Container::Map | Container::Tree | Container::Set => Datum::Map(BTreeMap::new()),
        Container::Queue | Container::PriorityQueue | Container::Log => Datum::List(Vec::new()),
    }
}

/// The key that a reference's value leads to; nothing where it is absent.
fn target_key(reference: &Reference, value: &Datum) -> Option<Vec<Datum>> {
    let value = match (reference.optional, value) {
        (true, Datum::Some(value)) => value,
        (true, _) => return None,
        (false, value) => value,
    };
    Some(match value {
        Datum::Tuple(parts) => parts.clone(),
        one => vec![one.clone()],
    })
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
