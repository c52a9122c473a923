//! Attempts and jobs. Always true: a command attempts only commands before it, so that calls make no circle; a job's walk begins with what does
//! not change while it runs.

use super::*;
use rc_bytecode::instr::Builtin;

impl Generator {
    pub(super) fn jobs(&mut self) {
        for _ in 0..self.chance.below(3) {
            let count = self.chance.between(1, 2);
            let mut parameters: Vec<(String, Type)> = Vec::new();
            for _ in 0..count {
                let ty = self.key_type();
                parameters.push((self.fresh("p"), ty));
            }
            self.begin(&parameters, true);
            // What a prefix is made of: nothing that changes.
            let Some(mut walk) = self.walk_of_job() else {
                continue;
            };
            walk.max = u64::MAX;
            self.in_job = true;
            self.result = None;
            self.budget = self.chance.between(1, 5);
            let row = self.fresh("row");
            let item = Item::Row {
                name: row.clone(),
                table: walk.table,
            };
            let body = self.body(item, 0);
            self.in_job = false;
            let (name, events) = (self.fresh("job"), self.package.events.len());
            let run = Field {
                name: "run".into(),
                ty: Type::Integer(Scalar::U64),
                default: None,
                reference: None,
            };
            let given = parameters.iter().map(|(name, ty)| Field {
                name: name.clone(),
                ty: ty.clone(),
                default: None,
                reference: None,
            });
            let all: Vec<Field> = [run.clone()].into_iter().chain(given).collect();
            let title = rc_bytecode::interface::upper_camel(&name);
            for (ending, fields) in [("Started", &all), ("Done", &vec![run]), ("Failed", &all)] {
                self.package.events.push(Event {
                    name: format!("{title}{ending}"),
                    fields: fields.clone(),
                    of_job: true,
                });
            }
            let step = self.chance.between(1, 4) as u64;
            self.package.jobs.push(Job {
                name,
                parameters,
                step,
                walk,
                row,
                body,
                events,
            });
        }
    }

    fn walk_of_job(&mut self) -> Option<Walk> {
        let mut walk = self.walk(8)?;
        let fixed = |expr: &Expr| matches!(expr, Expr::Local(_) | Expr::Constant(..));
        let free = walk.prefix.iter().position(|expr| !fixed(expr));
        walk.prefix.truncate(free.unwrap_or(walk.prefix.len()));
        // Where it stands is kept as optionals of what is behind the prefix.
        let declared = &self.package.tables[walk.table];
        let index = walk.index.map(|index| &declared.indexes[index]);
        let ordered = index.map_or_else(Vec::new, |index| index.fields.clone());
        let optional = |field: &usize| matches!(declared.fields[*field].ty, Type::Optional(_));
        if ordered[walk.prefix.len().min(ordered.len())..]
            .iter()
            .any(optional)
        {
            return None;
        }
        (walk.from, walk.to, walk.take) = (None, None, None);
        Some(walk)
    }

    /// The commands that the log calls: one step of each job.
    pub(super) fn steps(&mut self) {
        for (number, job) in self.package.jobs.iter().enumerate() {
            self.package.commands.push(Command {
                name: format!("{}.step", job.name),
                query: false,
                parameters: Vec::new(),
                result: Some(Type::Bool),
                body: Vec::new(),
                value: None,
                look: Look::Step(number),
                fills: false,
                guarded: false,
            });
        }
    }

    pub(super) fn start(&mut self) -> Option<Statement> {
        if self.package.jobs.is_empty() || self.in_job || self.in_function {
            return None;
        }
        let job = self.chance.below(self.package.jobs.len());
        let types: Vec<Type> = self.package.jobs[job]
            .parameters
            .iter()
            .map(|(_, ty)| ty.clone())
            .collect();
        let arguments = types.iter().map(|ty| self.value_near(ty)).collect();
        Some(Statement::Start { job, arguments })
    }

    pub(super) fn attempt(&mut self, depth: usize) -> Option<Statement> {
        if self.attempts == 0 || self.loops > 0 {
            return None;
        }
        let able: Vec<usize> = (0..self.package.commands.len())
            .filter(|command| self.deletes[*command].is_disjoint(&self.kept))
            .filter(|command| self.writes || self.package.commands[*command].query)
            .collect();
        if able.is_empty() {
            return None;
        }
        self.attempts -= 1;
        let command = *self.chance.pick(&able);
        let callee = self.package.commands[command].clone();
        let arguments = callee
            .parameters
            .iter()
            .map(|(_, ty)| self.expr(ty, 1))
            .collect();
        let gone = self.deletes[command].clone();
        self.forget(&gone);
        if self.chance.in_hundred(20) {
            return Some(Statement::Attempt {
                command,
                arguments,
                endings: None,
            });
        }
        // A name alone does not cover the `none` of an optional.
        let named = !matches!(callee.result, None | Some(Type::Optional(_)));
        let ok = named.then(|| self.fresh("v"));
        let named = ok.iter().cloned().zip(callee.result).collect();
        let done = self.block_with(named, depth);
        let declared = self.chance.in_hundred(60).then(|| {
            let variant = self.chance.below(self.package.failures.len());
            let types: Vec<Type> = self.package.failures[variant]
                .fields
                .iter()
                .map(|field| field.ty.clone())
                .collect();
            let names: Vec<String> = types.iter().map(|_| self.fresh("v")).collect();
            let body = self.block_with(names.iter().cloned().zip(types).collect(), depth);
            (variant, names, body)
        });
        let builtin = self.chance.in_hundred(60).then(|| {
            let builtin = *self.chance.pick(&[
                Builtin::AlreadyExists,
                Builtin::Overflow,
                Builtin::InvariantBroken,
                Builtin::Denied,
                Builtin::BoundExceeded,
            ]);
            (builtin, self.block_with(Vec::new(), depth))
        });
        let otherwise = self.block_with(Vec::new(), depth);
        Some(Statement::Attempt {
            command,
            arguments,
            endings: Some(Endings {
                ok,
                done,
                declared,
                builtin,
                otherwise,
            }),
        })
    }

    /// A block in which some names are known.
    fn block_with(&mut self, named: Vec<(String, Type)>, depth: usize) -> Vec<Statement> {
        for (name, ty) in &named {
            self.scope.push(Item::Value {
                name: name.clone(),
                ty: ty.clone(),
                mutable: false,
            });
        }
        let body = self.block(depth + 1);
        self.scope
            .retain(|item| named.iter().all(|(name, _)| name != item.name()));
        body
    }

    /// Ends the names of rows of these tables.
    pub(super) fn forget(&mut self, tables: &BTreeSet<usize>) {
        self.deleted.extend(tables);
        self.scope.retain(|item| match item {
            Item::Row { table, .. } | Item::Maybe { table, .. } => !tables.contains(table),
            Item::Value { .. } => true,
        });
    }
}
