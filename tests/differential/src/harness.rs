//! One seed: a package, ops with colliding keys, three oracles; what disagrees is made small and shown.
//!
//! Always true: an op that fails leaves the canvas as it was, bit for bit; the model is asked to look at everything every few
//! ops and at the end.

use crate::chance::Chance;
use crate::coverage::Coverage;
use crate::description::*;
use crate::engines::{Built, Engines, Sabotage, build};
use crate::generate;
use crate::model::{Ended, Mistake, Model};
use crate::print;
use crate::shrink::report;
use rc_bytecode::cost::Cost;
use rc_bytecode::instr::{Failure, Scalar};
use rc_bytecode::interface::Interface;
use rc_bytecode::value::{Fields, Value};
use rc_vm::Outcome;

/// One call.
#[derive(Clone, Debug)]
pub struct Op {
    pub command: usize,
    pub arguments: Vec<Datum>,
}

/// What a seed is run with.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    pub ops: usize,
    /// None: the smallest that fits.
    pub page_shift: Option<u8>,
    pub mistake: Mistake,
    pub sabotage: Sabotage,
}

/// Runs a seed; `Err` is everything that is needed to understand what went wrong.
pub fn run(plan: Plan, coverage: &mut Coverage) -> Result<(), String> {
    let package = generate::package(plan.seed);
    let text = print::package(&package);
    let built = build(&text, plan.page_shift, plan.sabotage)
        .map_err(|message| format!("seed {}: does not build\n{message}\n{text}", plan.seed))?;
    let ops = ops(&package, plan);
    coverage.built(&built, &text);
    match play(&package, &built, &ops, plan.mistake, coverage) {
        Ok(()) => Ok(()),
        Err(reason) => Err(report(plan, package, ops, &reason)),
    }
}

/// Whether a seed's run finds anything wrong: for planted mistakes, without making it small.
pub fn finds(plan: Plan) -> bool {
    let package = generate::package(plan.seed);
    let Ok(built) = build(&print::package(&package), plan.page_shift, plan.sabotage) else {
        return false;
    };
    play(
        &package,
        &built,
        &ops(&package, plan),
        plan.mistake,
        &mut Coverage::default(),
    )
    .is_err()
}

/// Which mistakes a seed's run finds: the package is built once for all of them.
pub fn found_among(plan: Plan, mistakes: &[Mistake]) -> Vec<Mistake> {
    let package = generate::package(plan.seed);
    let Ok(built) = build(&print::package(&package), plan.page_shift, plan.sabotage) else {
        return Vec::new();
    };
    let ops = ops(&package, plan);
    let found = |mistake: &&Mistake| {
        play(&package, &built, &ops, **mistake, &mut Coverage::default()).is_err()
    };
    mistakes.iter().filter(found).copied().collect()
}

fn ops(package: &Package, plan: Plan) -> Vec<Op> {
    let mut chance = Chance(plan.seed ^ 0xA5A5_5A5A);
    let keys = generate::keys(plan.seed);
    let asked = |fills: bool| {
        let wanted = |command: &usize| {
            let command = &package.commands[*command];
            matches!(command.look, Look::No | Look::Step(_)) && command.fills == fills
        };
        (0..package.commands.len())
            .filter(wanted)
            .collect::<Vec<usize>>()
    };
    let (filling, callable) = (asked(true), asked(false));
    (0..plan.ops)
        .map(|number| {
            // Rows first, then mostly what does something with them.
            let fills = chance.in_hundred(if number < plan.ops / 4 { 70 } else { 15 });
            let command = *chance.pick(if fills { &filling } else { &callable });
            let arguments = package.commands[command]
                .parameters
                .iter()
                .map(|(_, ty)| generate::argument(package, &mut chance, ty, keys))
                .collect();
            Op { command, arguments }
        })
        .collect()
}

/// Runs ops on all three; `Err` says at which op they part, and how.
pub fn play(
    package: &Package,
    built: &Built,
    ops: &[Op],
    mistake: Mistake,
    coverage: &mut Coverage,
) -> Result<(), String> {
    let mut round = Round {
        package,
        interface: &built.module.module().interface,
        engines: Engines::new(built),
        model: Model::new(package, mistake),
    };
    for (number, op) in ops.iter().enumerate() {
        let at = |reason: String| format!("op {number}, {}: {reason}", show(package, op));
        let before = round.engines.pages();
        let (ended, measured) = round.step(op, number as i64 + 1_000).map_err(at)?;
        coverage.count(
            package,
            op,
            &ended,
            measured,
            &round.interface.commands[op.command].cost,
        );
        if !matches!(ended, Ended::Done(_)) && round.engines.pages() != before {
            return Err(at("a failure left its trace on the canvas".into()));
        }
        if number % 8 == 7 || number + 1 == ops.len() {
            round.engines.compare_pages().map_err(at)?;
            round.look(coverage).map_err(at)?;
        }
    }
    for (name, count) in std::mem::take(&mut round.model.met) {
        *coverage.met.entry(name).or_default() += count;
    }
    Ok(())
}

struct Round<'p, 'b> {
    package: &'p Package,
    interface: &'b Interface,
    engines: Engines<'b>,
    model: Model<'p>,
}

impl Round<'_, '_> {
    fn step(&mut self, op: &Op, now: i64) -> Result<(Ended, Cost), String> {
        let package = self.package;
        let command = &package.commands[op.command];
        let declared = &self.interface.commands[op.command];
        assert_eq!(
            declared.name, command.name,
            "commands stand in the order of the text"
        );
        let fields = command
            .parameters
            .iter()
            .zip(&op.arguments)
            .map(|((name, ty), datum)| (name.clone(), value(package, ty, datum)))
            .collect();
        let mut packed = Vec::new();
        let arguments = Fields {
            name: declared.arguments.name.clone(),
            fields,
        };
        arguments
            .pack(&self.interface.shapes, &declared.arguments, &mut packed)
            .map_err(|error| format!("arguments: {error}"))?;
        let answer = self.engines.call(op.command as u32, &packed, now)?;
        let ended = self.model.call(command, &op.arguments, now);
        self.compare(command, &answer.outcome, &ended)?;
        let failed = !matches!(ended, Ended::Done(_));
        if failed && !answer.events.is_empty() {
            return Err("a failed command has events".into());
        }
        self.compare_events(&answer.events)?;
        Ok((ended, answer.measured))
    }

    fn compare(&self, command: &Command, outcome: &Outcome, ended: &Ended) -> Result<(), String> {
        let (shapes, package) = (&self.interface.shapes, self.package);
        let differ = |engines: String| {
            Err(format!(
                "engines {engines}, model {}",
                self.shown(command, ended)
            ))
        };
        match (outcome, ended) {
            (Outcome::Done(bytes), _) => {
                let declared = self
                    .interface
                    .commands
                    .iter()
                    .find(|declared| declared.name == command.name)
                    .and_then(|declared| declared.result.as_ref());
                let have = declared
                    .map(|shape| Value::unpack(shapes, shape, &mut &bytes[..]))
                    .transpose()
                    .map_err(|error| format!("result: {error}"))?;
                let wanted = match (ended, &command.result) {
                    (Ended::Done(Some(datum)), Some(ty)) => Some(value(package, ty, datum)),
                    (Ended::Done(_), None) => None,
                    _ => return differ(format!("Done {have:?}")),
                };
                if have == wanted {
                    Ok(())
                } else {
                    differ(format!("Done {have:?}"))
                }
            }
            (Outcome::Failed(Failure::Builtin(builtin), _), Ended::Builtin(wanted))
                if builtin == wanted =>
            {
                Ok(())
            }
            (
                Outcome::Failed(Failure::Declared { error, variant }, bytes),
                Ended::Declared(number, fields),
            ) if *variant as usize == *number => {
                let record = &self.interface.errors[*error as usize].variants[*variant as usize];
                let have = Fields::unpack(shapes, record, &mut &bytes[..])
                    .map_err(|error| format!("failure: {error}"))?;
                let types = package.failures[*number].fields.iter();
                let wanted: Vec<Value> = types
                    .zip(fields)
                    .map(|(field, datum)| value(package, &field.ty, datum))
                    .collect();
                let have: Vec<Value> = have.fields.into_iter().map(|(_, value)| value).collect();
                if have == wanted {
                    Ok(())
                } else {
                    differ(format!("{} {have:?}", record.name))
                }
            }
            (Outcome::Failed(failure, _), _) => differ(format!("{failure:?}")),
        }
    }

    fn shown(&self, command: &Command, ended: &Ended) -> String {
        match (ended, &command.result) {
            (Ended::Done(Some(datum)), Some(ty)) => {
                format!("Done {:?}", value(self.package, ty, datum))
            }
            (Ended::Declared(number, fields), _) => {
                format!("{} {fields:?}", self.package.failures[*number].name)
            }
            (ended, _) => format!("{ended:?}"),
        }
    }

    fn compare_events(&self, events: &[(u32, Vec<u8>)]) -> Result<(), String> {
        let mut have = Vec::new();
        for (number, bytes) in events {
            let record = &self.interface.events[*number as usize].record;
            let fields = Fields::unpack(&self.interface.shapes, record, &mut &bytes[..])
                .map_err(|error| format!("event: {error}"))?;
            have.push((
                record.name.clone(),
                fields
                    .fields
                    .into_iter()
                    .map(|(_, value)| value)
                    .collect::<Vec<_>>(),
            ));
        }
        let wanted: Vec<(String, Vec<Value>)> = self
            .model
            .events
            .iter()
            .map(|(number, fields)| {
                let event = &self.package.events[*number];
                (
                    event.name.clone(),
                    event
                        .fields
                        .iter()
                        .zip(fields)
                        .map(|(field, datum)| value(self.package, &field.ty, datum))
                        .collect(),
                )
            })
            .collect();
        if have == wanted {
            Ok(())
        } else {
            Err(format!("events: engines {have:?}, model {wanted:?}"))
        }
    }

    /// Every row, every index, every state: what the queries show is what the model has.
    fn look(&mut self, coverage: &mut Coverage) -> Result<(), String> {
        for command in 0..self.package.commands.len() {
            let calls: Vec<Vec<Datum>> = match self.package.commands[command].look {
                Look::No => continue,
                Look::Row(table) => self.model.tables[table].keys().cloned().collect(),
                Look::Index(..) | Look::States | Look::Report(_) => vec![Vec::new()],
                Look::Step(_) => continue,
                Look::Held(state) => match &self.model.states[state] {
                    Datum::Map(elements) => elements.keys().map(|key| vec![key.clone()]).collect(),
                    _ => Vec::new(),
                },
                Look::Group(aggregate) => self
                    .model
                    .groups(aggregate)
                    .into_iter()
                    .map(|group| vec![group])
                    .collect(),
            };
            for arguments in calls {
                let op = Op { command, arguments };
                let (ended, measured) = self.step(&op, 0).map_err(|reason| {
                    format!("afterwards {}: {reason}", show(self.package, &op))
                })?;
                coverage.count(
                    self.package,
                    &op,
                    &ended,
                    measured,
                    &self.interface.commands[command].cost,
                );
            }
        }
        Ok(())
    }
}

/// A datum as the engines' edge knows it.
fn value(package: &Package, ty: &Type, datum: &Datum) -> Value {
    let record = |name: &str, fields: &[Field], parts: &[Datum]| {
        let fields = fields.iter().zip(parts);
        Fields {
            name: name.to_string(),
            fields: fields
                .map(|(field, part)| (field.name.clone(), value(package, &field.ty, part)))
                .collect(),
        }
    };
    match (ty, datum) {
        (Type::Bool, Datum::Bool(value)) => Value::Bool(*value),
        (Type::Integer(scalar), Datum::Integer(value)) if scalar.is_signed() => {
            Value::Integer(*value)
        }
        (Type::Integer(Scalar::U128), Datum::Wide(value)) => Value::Unsigned(*value),
        (Type::Integer(_), Datum::Integer(value)) => Value::Unsigned(*value as u128),
        (Type::Time, Datum::Integer(value)) => Value::Time(*value as i64),
        (Type::Duration, Datum::Integer(value)) => Value::Duration(*value as i64),
        (Type::Decimal(_, scale), Datum::Integer(value)) => Value::Decimal {
            value: *value,
            scale: *scale,
        },
        (Type::Float, Datum::Float(value)) => Value::Float(value.0),
        (Type::Uuid, Datum::Bytes(bytes)) => {
            Value::Uuid(bytes.as_slice().try_into().expect("16 bytes"))
        }
        (Type::Hash, Datum::Bytes(bytes)) => {
            Value::Hash(bytes.as_slice().try_into().expect("32 bytes"))
        }
        (Type::Text(_), Datum::Text(text)) => Value::String(text.clone()),
        (Type::Bytes(_), Datum::Bytes(bytes)) => Value::Bytes(bytes.clone()),
        (Type::Optional(_), Datum::None) => Value::Absent,
        (Type::Optional(inner), Datum::Some(datum)) => value(package, inner, datum),
        (Type::Struct(number), Datum::Record(parts)) => Value::Record(record(
            &package.structs[*number].name,
            &package.structs[*number].fields,
            parts,
        )),
        (Type::Enum(number), Datum::Variant(variant, parts)) => {
            let variant = &package.enums[*number].variants[*variant];
            let mut fields = record(&variant.name, &variant.fields, parts);
            if !variant.named {
                fields
                    .fields
                    .iter_mut()
                    .enumerate()
                    .for_each(|(place, (name, _))| *name = place.to_string());
            }
            Value::Variant(fields)
        }
        (Type::List(element, _), Datum::List(items)) => Value::List(
            items
                .iter()
                .map(|item| value(package, element, item))
                .collect(),
        ),
        (Type::Tuple(types), Datum::Tuple(parts)) => Value::Tuple(
            types
                .iter()
                .zip(parts)
                .map(|(ty, part)| value(package, ty, part))
                .collect(),
        ),
        (ty, datum) => panic!("{datum:?} is no {ty:?}"),
    }
}

/// A call as text.
pub fn show(package: &Package, op: &Op) -> String {
    let command = &package.commands[op.command];
    let arguments: Vec<String> = command
        .parameters
        .iter()
        .zip(&op.arguments)
        .map(|((_, ty), datum)| print::constant(package, ty, datum))
        .collect();
    format!("{}({})", command.name, arguments.join(", "))
}
