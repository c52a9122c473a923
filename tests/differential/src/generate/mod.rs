//! From a seed, a well-typed package: its declarations here, bodies in the files beside. Always true: every name is
//! its own; a row's name is not used after a deletion that may have taken it; the same seed gives the same package.

mod expressions;
mod statements;
mod values;

pub use values::{argument, constant};

use crate::chance::Chance;
use crate::description::*;
use rc_bytecode::instr::{CompareOp, Scalar};
use std::collections::BTreeSet;

pub const SCALARS: [Scalar; 10] = [
    Scalar::U64,
    Scalar::U32,
    Scalar::I64,
    Scalar::U8,
    Scalar::I8,
    Scalar::U16,
    Scalar::I16,
    Scalar::I32,
    Scalar::U128,
    Scalar::I128,
];

/// Whether the edition has aggregates `by` a field.
const AGGREGATES_BY_GROUP: bool = false;

/// Rows that a generated list of keys shows at most.
const SHOWN_MAX: u32 = 48;

/// Something in scope.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Value { name: String, ty: Type, mutable: bool },
    Row { name: String, table: usize },
    Maybe { name: String, table: usize },
}

impl Item {
    fn name(&self) -> &str {
        match self {
            Item::Value { name, .. } | Item::Row { name, .. } | Item::Maybe { name, .. } => name,
        }
    }
}

pub(crate) struct Generator {
    pub chance: Chance,
    pub package: Package,
    pub scope: Vec<Item>,
    /// Whether the body may write.
    pub writes: bool,
    /// Whether the body is a function's: it may not return early from a command.
    pub result: Option<Type>,
    pub in_function: bool,
    pub loops: usize,
    /// Tables that a loop's body must not delete from, since names from outside the loop would be gone.
    pub kept: BTreeSet<usize>,
    /// Statements still to be made.
    pub budget: usize,
    names: usize,
    /// How many different keys there are, roughly.
    pub keys: usize,
}

/// The package of a seed.
pub fn package(seed: u64) -> Package {
    let mut chance = Chance(seed);
    let keys = *chance.pick(&[4, 8, 20, 60]);
    let package = Package {
        structs: Vec::new(),
        enums: Vec::new(),
        tables: Vec::new(),
        states: Vec::new(),
        aggregates: Vec::new(),
        invariants: Vec::new(),
        failures: Vec::new(),
        events: Vec::new(),
        functions: Vec::new(),
        commands: Vec::new(),
    };
    let mut generator = Generator {
        chance,
        package,
        scope: Vec::new(),
        writes: false,
        result: None,
        in_function: false,
        loops: 0,
        kept: BTreeSet::new(),
        budget: 0,
        names: 0,
        keys,
    };
    generator.declarations();
    generator.callables();
    generator.looks();
    generator.package
}

/// How many different keys a seed's package is called with.
pub fn keys(seed: u64) -> usize {
    *Chance(seed).pick(&[4, 8, 20, 60])
}

impl Generator {
    pub fn fresh(&mut self, start: &str) -> String {
        self.names += 1;
        format!("{start}{}", self.names)
    }

    // -- types ---------------------------------------------------------------------------------------------

    fn simple_type(&mut self) -> Type {
        match self.chance.below(10) {
            0..=5 => Type::Integer(self.scalar()),
            6 => Type::Bool,
            7 | 8 => Type::Text(self.chance.between(2, 12) as u32),
            _ => Type::Bytes(self.chance.between(1, 6) as u32),
        }
    }

    pub fn scalar(&mut self) -> Scalar {
        // The first few are what most programs count in.
        let end = if self.chance.in_hundred(60) { 3 } else { SCALARS.len() };
        SCALARS[self.chance.below(end)]
    }

    pub fn any_type(&mut self) -> Type {
        match self.chance.below(20) {
            0 | 1 => Type::Optional(Box::new(self.simple_type())),
            2 | 3 => {
                let element = match self.chance.below(8) {
                    0 if !self.package.structs.is_empty() => Type::Struct(self.chance.below(self.package.structs.len())),
                    1 if !self.package.enums.is_empty() => Type::Enum(self.chance.below(self.package.enums.len())),
                    2 => Type::Tuple(vec![self.simple_type(), self.simple_type()]),
                    _ => self.simple_type(),
                };
                Type::List(Box::new(element), self.chance.between(1, 4) as u32)
            }
            4 | 5 if !self.package.structs.is_empty() => Type::Struct(self.chance.below(self.package.structs.len())),
            6 | 7 if !self.package.enums.is_empty() => Type::Enum(self.chance.below(self.package.enums.len())),
            8 => Type::Time,
            9 => Type::Tuple(vec![self.simple_type(), self.simple_type()]),
            _ => self.simple_type(),
        }
    }

    fn key_type(&mut self) -> Type {
        match self.chance.below(12) {
            0..=3 => Type::Integer(Scalar::U64),
            4 => Type::Integer(Scalar::U32),
            5 => Type::Integer(Scalar::I64),
            6 => Type::Integer(self.scalar()),
            7 | 8 => Type::Text(self.chance.between(2, 10) as u32),
            9 => Type::Bytes(self.chance.between(1, 5) as u32),
            10 if !self.package.enums.is_empty() => self.plain_enum().unwrap_or(Type::Integer(Scalar::U64)),
            _ => Type::Integer(Scalar::I16),
        }
    }

    fn plain_enum(&mut self) -> Option<Type> {
        let plain = self.package.enums.iter().position(|of| of.variants.iter().all(|variant| variant.fields.is_empty()));
        plain.map(Type::Enum)
    }

    pub fn orderable(&self, ty: &Type) -> bool {
        match ty {
            Type::Bool | Type::Integer(_) | Type::Time | Type::Text(_) | Type::Bytes(_) => true,
            Type::Enum(of) => self.package.enums[*of].variants.iter().all(|variant| variant.fields.is_empty()),
            _ => false,
        }
    }

    /// Whether `==` takes it.
    pub fn comparable(&self, ty: &Type) -> bool {
        let all = |fields: &[Field]| fields.iter().all(|field| self.comparable(&field.ty));
        match ty {
            Type::List(..) => false,
            Type::Optional(inner) => self.comparable(inner),
            Type::Tuple(parts) => parts.iter().all(|part| self.comparable(part)),
            Type::Struct(record) => all(&self.package.structs[*record].fields),
            Type::Enum(whole) => self.package.enums[*whole].variants.iter().all(|variant| all(&variant.fields)),
            _ => true,
        }
    }

    fn fields(&mut self, count: usize, start: &str, simple: bool) -> Vec<Field> {
        (0..count)
            .map(|_| {
                let ty = if simple { self.simple_type() } else { self.any_type() };
                Field { name: self.fresh(start), ty, default: None }
            })
            .collect()
    }

    // -- declarations --------------------------------------------------------------------------------------

    fn declarations(&mut self) {
        for _ in 0..self.chance.below(3) {
            let name = self.fresh("Struct");
            let count = self.chance.between(1, 3);
            let simple = self.chance.in_hundred(70);
            let mut fields = self.fields(count, "f", simple);
            fields.iter_mut().filter(|field| field.ty == Type::Time).for_each(|field| field.ty = Type::Bool);
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
        for _ in 0..self.chance.between(0, 2) {
            let aggregate = self.aggregate();
            self.package.aggregates.push(aggregate);
        }
        for _ in 0..self.chance.between(2, 4) {
            let name = self.fresh("Failure");
            let named = self.chance.in_hundred(50);
            let count = self.chance.below(3);
            let fields = self.fields(count, "f", true);
            self.package.failures.push(Variant { name, named, fields });
        }
        for _ in 0..self.chance.between(1, 2) {
            let name = self.fresh("Event");
            let count = self.chance.between(1, 3);
            let fields = self.fields(count, "f", false);
            self.package.events.push(Event { name, fields });
        }
        self.invariants();
    }

    fn enumeration(&mut self, plain: bool) -> Enum {
        let name = self.fresh("Enum");
        let mut variants = Vec::new();
        for _ in 0..self.chance.between(2, 4) {
            let name = self.fresh("Variant");
            let named = self.chance.in_hundred(50);
            let count = if plain { 0 } else { self.chance.below(3) };
            let fields = self.fields(count, "f", true);
            variants.push(Variant { name, named, fields });
        }
        Enum { name, variants }
    }

    fn table(&mut self) -> Table {
        let name = self.fresh("Table");
        let storage = *self.chance.pick(&[Storage::Hashed, Storage::Hashed, Storage::Ordered, Storage::Ordered, Storage::Dense]);
        let key_len = if storage != Storage::Dense && self.chance.in_hundred(30) { 2 } else { 1 };
        let mut fields = Vec::new();
        for _ in 0..key_len {
            let ty = match storage {
                Storage::Dense => Type::Integer(*self.chance.pick(&[Scalar::U64, Scalar::U32, Scalar::U16, Scalar::U8])),
                _ => self.key_type(),
            };
            fields.push(Field { name: self.fresh("key"), ty, default: None });
        }
        let capacity = match storage {
            Storage::Dense => Some(if self.chance.in_hundred(30) { 10 } else { 70 }),
            _ => self.chance.in_hundred(25).then(|| self.chance.between(3, 30) as u64),
        };
        // One number always, for aggregates, invariants and arithmetic.
        let count = self.chance.between(1, 4);
        let number = Type::Integer(*self.chance.pick(&[Scalar::U64, Scalar::U32, Scalar::I64, Scalar::I32, Scalar::U16]));
        fields.push(Field { name: self.fresh("f"), ty: number, default: None });
        let others = self.fields(count, "f", false);
        fields.extend(others);
        for field in key_len..fields.len() {
            let ty = fields[field].ty.clone();
            if ty != Type::Time && self.chance.in_hundred(35) {
                fields[field].default = Some(self.constant(&ty));
            }
        }
        let mut indexes = Vec::new();
        for _ in 0..self.chance.below(3) {
            let able: Vec<usize> = (0..fields.len()).filter(|field| self.orderable(&fields[*field].ty)).collect();
            let mut chosen: Vec<usize> = Vec::new();
            for _ in 0..self.chance.between(1, 2) {
                let field = *self.chance.pick(&able);
                if !chosen.contains(&field) {
                    chosen.push(field);
                }
            }
            let unique = self.chance.in_hundred(30) && chosen.iter().any(|field| *field >= key_len);
            indexes.push(Index { name: self.fresh("by"), fields: chosen, unique });
        }
        Table { name, storage, capacity, key_len, fields, indexes, invariants: Vec::new() }
    }

    fn aggregate(&mut self) -> Aggregate {
        let table = self.chance.below(self.package.tables.len());
        let declared = &self.package.tables[table];
        let summed = |field: &usize| matches!(declared.fields[*field].ty, Type::Integer(scalar) if scalar.bits() <= 64);
        let numbers: Vec<usize> = (0..declared.fields.len()).filter(summed).collect();
        let groups: Vec<usize> = (0..declared.fields.len()).filter(|field| self.orderable(&declared.fields[*field].ty)).collect();
        let field = self.chance.in_hundred(65).then(|| *self.chance.pick(&numbers));
        let by = (AGGREGATES_BY_GROUP && self.chance.in_hundred(30)).then(|| *self.chance.pick(&groups));
        Aggregate { name: self.fresh("total"), table, field, by }
    }

    /// Comparisons alone, so that they hold or not and never fail; true at the start.
    fn invariants(&mut self) {
        for table in 0..self.package.tables.len() {
            for _ in 0..self.chance.below(3) {
                let fields = &self.package.tables[table].fields;
                let able: Vec<usize> = (0..fields.len()).filter(|field| matches!(fields[*field].ty, Type::Integer(_) | Type::Text(_))).collect();
                let field = *self.chance.pick(&able);
                let ty = self.package.tables[table].fields[field].ty.clone();
                let column = Box::new(Expr::Column(table, field));
                let invariant = match &ty {
                    Type::Integer(Scalar::U128) => continue,
                    Type::Integer(scalar) => {
                        let most = self.chance.between(30, 120) as i128;
                        let most = Expr::Constant(ty.clone(), Datum::Integer(most.min(crate::number::range(*scalar).1)));
                        Expr::Compare(CompareOp::LessOrEqual, column, Box::new(most))
                    }
                    _ => Expr::Compare(CompareOp::NotEqual, column, Box::new(Expr::Constant(ty.clone(), Datum::Text("no".into())))),
                };
                self.package.tables[table].invariants.push(invariant);
            }
        }
        for number in 0..self.package.aggregates.len() {
            let aggregate = self.package.aggregates[number].clone();
            if aggregate.by.is_some() || !self.chance.in_hundred(50) {
                continue;
            }
            let scalar = self.package.type_of(&aggregate);
            let most = if aggregate.field.is_some() { self.chance.between(100, 600) } else { self.chance.between(5, 40) } as u128;
            let most = if scalar == Scalar::U128 { Datum::Wide(most) } else { Datum::Integer(most as i128) };
            let most = Expr::Constant(Type::Integer(scalar), most);
            self.package.invariants.push(Expr::Compare(CompareOp::LessOrEqual, Box::new(Expr::Aggregate(number, None)), Box::new(most)));
        }
        for number in 0..self.package.states.len() {
            let state = self.package.states[number].clone();
            if let (Type::Integer(scalar), Datum::Integer(start)) = (&state.ty, &state.default)
                && self.chance.in_hundred(40)
            {
                let most = Datum::Integer((*start).max(self.chance.between(20, 100) as i128).min(crate::number::range(*scalar).1));
                let most = Expr::Constant(state.ty.clone(), most);
                self.package.invariants.push(Expr::Compare(CompareOp::LessOrEqual, Box::new(Expr::State(number)), Box::new(most)));
            }
        }
    }

    // -- callables -----------------------------------------------------------------------------------------

    fn callables(&mut self) {
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
    fn filling(&mut self, table: usize) -> Command {
        let fields = self.package.tables[table].fields.clone();
        let parameters: Vec<(String, Type)> = fields.iter().map(|field| (self.fresh("p"), field.ty.clone())).collect();
        let record = parameters.iter().map(|(name, _)| Some(Expr::Local(name.clone()))).collect();
        let body = vec![Statement::Put { table, record }];
        Command { name: format!("fill_{table}"), query: false, parameters, result: None, body, value: None, look: Look::No, fills: true }
    }

    fn parameters(&mut self, count: usize) -> Vec<(String, Type)> {
        (0..count)
            .map(|_| {
                let ty = if self.chance.in_hundred(50) { self.simple_type() } else { self.any_type() };
                (self.fresh("p"), ty)
            })
            .collect()
    }

    fn begin(&mut self, parameters: &[(String, Type)], writes: bool) {
        self.scope = parameters.iter().map(|(name, ty)| Item::Value { name: name.clone(), ty: ty.clone(), mutable: false }).collect();
        self.writes = writes;
        self.loops = 0;
        self.kept.clear();
    }

    fn function(&mut self) -> Function {
        let name = self.fresh("function");
        let row = self.chance.in_hundred(60).then(|| (self.fresh("row"), self.chance.below(self.package.tables.len())));
        let count = self.chance.between(0, 2);
        let parameters = self.parameters(count);
        let result = self.chance.in_hundred(50).then(|| Type::Integer(self.scalar()));
        self.begin(&parameters, result.is_none());
        self.in_function = true;
        self.result = result.clone();
        if let Some((name, table)) = &row {
            self.scope.push(Item::Row { name: name.clone(), table: *table });
            self.kept.insert(*table);
        }
        // What a function deletes would end its caller's names.
        self.kept.extend(0..self.package.tables.len());
        self.budget = self.chance.between(1, 4);
        let mut body = Vec::new();
        self.statements(&mut body, 1);
        let value = result.as_ref().map(|ty| self.expr(ty, 2));
        self.in_function = false;
        Function { name, row, parameters, result, body, value }
    }

    fn command(&mut self, query: bool) -> Command {
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
        let number = self.package.tables[table].fields[self.package.tables[table].key_len].ty.clone();
        parameters.push((self.fresh("p"), number));
        let result = (query || self.chance.in_hundred(50)).then(|| self.any_type());
        self.begin(&parameters, !query);
        self.result = result.clone();
        self.budget = self.chance.between(3, 12);
        let mut body = Vec::new();
        self.opening(table, &mut body);
        self.statements(&mut body, 0);
        let value = result.as_ref().map(|ty| self.expr(ty, 3));
        Command { name, query, parameters, result, body, value, look: Look::No, fills: false }
    }

    // -- looking -------------------------------------------------------------------------------------------

    /// Queries that show every table, index, state and aggregate.
    fn looks(&mut self) {
        for table in 0..self.package.tables.len() {
            let declared = self.package.tables[table].clone();
            let row = self.fresh("row");
            let parameters: Vec<(String, Type)> =
                declared.fields[..declared.key_len].iter().map(|field| (field.name.clone(), field.ty.clone())).collect();
            let key = parameters.iter().map(|(name, _)| Expr::Local(name.clone())).collect();
            let ty = Type::Optional(Box::new(Type::Tuple(declared.fields.iter().map(|field| field.ty.clone()).collect())));
            let parts = (0..declared.fields.len()).map(|field| Expr::RowField(row.clone(), table, field)).collect();
            let missing = Otherwise::Return(Some(Expr::Constant(ty.clone(), Datum::None)));
            self.package.commands.push(Command {
                name: format!("look_at_row_{table}"),
                query: true,
                parameters,
                result: Some(ty),
                body: vec![Statement::FindRow { name: row, lookup: Lookup::Key(table, key), otherwise: missing }],
                value: Some(Expr::Some(Box::new(Expr::Tuple(parts)))),
                look: Look::Row(table),
                fills: false,
            });
            let ordered = (declared.storage == Storage::Ordered).then_some(None);
            for index in ordered.into_iter().chain((0..declared.indexes.len()).map(Some)) {
                self.look_along(table, index);
            }
        }
        let mut types: Vec<Type> = self.package.states.iter().map(|state| state.ty.clone()).collect();
        let mut parts: Vec<Expr> = (0..types.len()).map(Expr::State).collect();
        for (number, aggregate) in self.package.aggregates.iter().enumerate().filter(|(_, aggregate)| aggregate.by.is_none()) {
            types.push(Type::Integer(self.package.type_of(aggregate)));
            parts.push(Expr::Aggregate(number, None));
        }
        if parts.is_empty() {
            return;
        }
        let one = parts.len() == 1;
        let result = if one { types.remove(0) } else { Type::Tuple(types) };
        let value = if one { parts.remove(0) } else { Expr::Tuple(parts) };
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

    fn look_along(&mut self, table: usize, index: Option<usize>) {
        let declared = &self.package.tables[table];
        let key_len = declared.key_len;
        let key = Type::Tuple(declared.fields[..key_len].iter().map(|field| field.ty.clone()).collect());
        let name = self.fresh("row");
        let parts: Vec<Expr> = (0..key_len).map(|field| Expr::RowField(name.clone(), table, field)).collect();
        let (element, value) = match (key, parts) {
            (Type::Tuple(mut types), mut parts) if parts.len() == 1 => (types.remove(0), parts.remove(0)),
            (key, parts) => (key, Expr::Tuple(parts)),
        };
        let walk = Walk { table, index, prefix: Vec::new(), from: None, to: None, descending: false, take: None, max: SHOWN_MAX.into() };
        self.package.commands.push(Command {
            name: format!("look_along_{table}_{}", index.map_or("key".into(), |index| index.to_string())),
            query: true,
            parameters: Vec::new(),
            result: Some(Type::List(Box::new(element), SHOWN_MAX)),
            body: Vec::new(),
            value: Some(Expr::Rows { name, value: Box::new(value), walk: Box::new(walk), condition: None }),
            look: Look::Index(table, index.unwrap_or(usize::MAX)),
            fills: false,
        });
    }
}
