//! Attempts and jobs in the model. Always true: an attempt that fails leaves what was there before it; a step of a job is one
//! attempt of the oldest run, and a run that fails is taken out.

use super::*;

/// The runs of one job.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    started: u64,
    /// Arguments, and the place of the last row visited in the walk's order, by the run's number.
    waiting: BTreeMap<u64, (Vec<Datum>, Option<Vec<Datum>>)>,
}

/// Everything that a failure takes back.
pub(super) struct Savepoint {
    tables: Vec<Rows>,
    states: Vec<Datum>,
    jobs: Vec<Runs>,
    events: usize,
}

impl Model<'_> {
    pub(super) fn savepoint(&self) -> Savepoint {
        Savepoint {
            tables: self.tables.clone(),
            states: self.states.clone(),
            jobs: self.jobs.clone(),
            events: self.events.len(),
        }
    }

    pub(super) fn take_back(&mut self, savepoint: Savepoint) {
        self.tables = savepoint.tables;
        self.states = savepoint.states;
        self.jobs = savepoint.jobs;
        self.events.truncate(savepoint.events);
    }

    pub(super) fn attempt(
        &mut self,
        command: usize,
        arguments: &[Expr],
        endings: Option<&Endings>,
        locals: &mut Locals,
    ) -> Result<Flow> {
        let values = self.exprs(arguments, locals)?;
        let callee = &self.package.commands[command];
        let savepoint = self.savepoint();
        let mut inner: Locals = callee
            .parameters
            .iter()
            .zip(values)
            .map(|((name, _), value)| (name.clone(), Bound::Value(value)))
            .collect();
        let ended = match callee.guarded {
            true => Err(Builtin::Denied.into()),
            false => self.whole(&callee.body, callee.value.as_ref(), &mut inner),
        };
        if ended.is_err() && self.mistake != Mistake::AttemptsStay {
            self.take_back(savepoint);
        }
        let Some(endings) = endings else {
            return Ok(Flow::Next);
        };
        let body = match ended {
            Ok(value) => {
                if let (Some(name), Some(value)) = (&endings.ok, value) {
                    locals.insert(name.clone(), Bound::Value(value));
                }
                &endings.done
            }
            Err(Failed(Ended::Declared(variant, fields))) => match &endings.declared {
                Some((wanted, names, body)) if *wanted == variant => {
                    for (name, field) in names.iter().zip(fields) {
                        locals.insert(name.clone(), Bound::Value(field));
                    }
                    body
                }
                _ => &endings.otherwise,
            },
            Err(Failed(Ended::Builtin(builtin))) => match &endings.builtin {
                Some((wanted, body)) if *wanted == builtin => body,
                _ => &endings.otherwise,
            },
            Err(Failed(Ended::Done(_))) => panic!("a failure that is none"),
        };
        self.block(body, locals)
    }

    pub(super) fn start(&mut self, job: usize, values: Vec<Datum>) {
        let runs = &mut self.jobs[job];
        runs.started += 1;
        let run = runs.started;
        runs.waiting.insert(run, (values.clone(), None));
        self.tell(job, 0, run, values);
    }

    fn tell(&mut self, job: usize, which: usize, run: u64, mut values: Vec<Datum>) {
        values.insert(0, Datum::Integer(run.into()));
        self.events
            .push((self.package.jobs[job].events + which, values));
    }

    /// One step of the oldest run; whether runs wait.
    pub(super) fn step(&mut self, number: usize) -> Result<Datum> {
        let oldest = self.jobs[number].waiting.first_key_value();
        if let Some((run, (values, at))) = oldest.map(|(run, waits)| (*run, waits.clone())) {
            let savepoint = self.savepoint();
            if self.go_on(number, run, &values, at).is_err() {
                self.take_back(savepoint);
                self.tell(number, 2, run, values);
                self.jobs[number].waiting.remove(&run);
            }
        }
        Ok(Datum::Bool(!self.jobs[number].waiting.is_empty()))
    }

    fn go_on(
        &mut self,
        number: usize,
        run: u64,
        values: &[Datum],
        at: Option<Vec<Datum>>,
    ) -> Result<()> {
        let job = &self.package.jobs[number];
        let names = job.parameters.iter().map(|(name, _)| name.clone());
        let mut locals: Locals = names
            .zip(values.iter().cloned().map(Bound::Value))
            .collect();
        let at = at.filter(|_| self.mistake != Mistake::JobsBeginAgain);
        let mut last = at.clone();
        let table = job.walk.table;
        let ahead = self.behind(&job.walk, at.as_deref(), &mut locals)?;
        for (place, key) in ahead.into_iter().take(job.step as usize) {
            let Some(row) = self.tables[table].get(&key).cloned() else {
                continue;
            };
            last = Some(place);
            locals.insert(job.row.clone(), Bound::Row(table, key, row));
            match self.block(&job.body, &mut locals)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break | Flow::Return(_) => break,
            }
        }
        let more = self.behind(&job.walk, last.as_deref(), &mut locals)?;
        if more.is_empty() {
            self.tell(number, 1, run, Vec::new());
            self.jobs[number].waiting.remove(&run);
        } else if let Some(waits) = self.jobs[number].waiting.get_mut(&run) {
            waits.1 = last;
        }
        Ok(())
    }

    /// The rows of a walk behind a place in its order: each with its own place, and its key.
    fn behind(
        &mut self,
        walk: &Walk,
        at: Option<&[Datum]>,
        locals: &mut Locals,
    ) -> Result<Vec<(Vec<Datum>, Vec<Datum>)>> {
        let prefix = walk.prefix.len();
        let fields = self.order_of(walk.table, walk.index);
        let keys = self.walk(walk, locals)?;
        let found = keys.into_iter().map(|key| {
            let row = &self.tables[walk.table][&key];
            let place: Vec<Datum> = fields[prefix..]
                .iter()
                .map(|field| row[*field].clone())
                .collect();
            (place, key)
        });
        let ahead = |place: &[Datum]| match at {
            None => true,
            Some(at) if walk.descending => place < at,
            Some(at) => place > at,
        };
        Ok(found.filter(|(place, _)| ahead(place)).collect())
    }
}
