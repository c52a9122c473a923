//! A function of the standard library on one region more: copied from what was made for another region, instead of lowered
//! from its source again. A package has a handful of container shapes and hundreds of tables and indexes.
//!
//! Always true: a copy is what lowering would give. The library names regions only by its parameters, and all else that its
//! code is made of - sizes, types, the spaces of views - is part of what has to be equal before anything is copied.

use crate::calls::{Argument, Instance, Signature};
use crate::lowering::Lowering;
use rc_bytecode::instr::{Body, FunctionIndex, Instr, RegionIndex, Space, Type, View};
use rc_hir::Origin;
use std::collections::HashMap;

/// What can be copied. Looked up, never walked.
#[derive(Default)]
pub struct Models {
    /// The first function of each kind, by what it was made for with its regions counted instead of named.
    first: HashMap<Instance, FunctionIndex>,
    /// What each function on regions was made for.
    made: HashMap<FunctionIndex, Instance>,
}

/// Regions in place of others.
struct Exchange {
    from: Vec<RegionIndex>,
    to: Vec<RegionIndex>,
}

impl Lowering<'_> {
    /// The instance's function as a copy, where there is one to copy from.
    pub fn twin(&mut self, instance: &Instance) -> Option<Signature> {
        if !self.is_container(instance) {
            return None;
        }
        let model = *self.models.first.get(&counted(instance))?;
        let made = self.models.made.get(&model)?;
        let exchange = Exchange {
            from: regions(made),
            to: regions(instance),
        };
        let known = self.instances.get(made)?;
        let (memory, maybe) = (known.memory, known.maybe);
        let results = known.results.iter().map(|ty| exchange.ty(*ty)).collect();
        let mut function = self.functions[model.0 as usize].clone();
        let spans = self.spans[model.0 as usize].clone();
        let registers = function.registers.iter_mut();
        let types = registers.chain(&mut function.parameters);
        for ty in types.chain(&mut function.results) {
            *ty = exchange.ty(*ty);
        }
        self.exchange_in(&mut function.body, &exchange);
        self.functions.push(function);
        self.spans.push(spans);
        Some(Signature {
            function: FunctionIndex(self.functions.len() as u32 - 1),
            results,
            maybe,
            memory,
        })
    }

    /// Notes a finished function as one to copy from.
    pub fn model(&mut self, instance: &Instance, function: FunctionIndex) {
        if self.is_container(instance) {
            self.models
                .first
                .entry(counted(instance))
                .or_insert(function);
            self.models.made.insert(function, instance.clone());
        }
    }

    /// Whether it is a function of the standard library that works on regions.
    fn is_container(&self, instance: &Instance) -> bool {
        self.program.callables[instance.callable.0 as usize].origin == Origin::Std
            && instance.journals.is_empty()
            && !regions(instance).is_empty()
    }

    /// Callees are made in the order in which lowering would make them.
    fn exchange_in(&mut self, body: &mut Body, exchange: &Exchange) {
        for instr in body {
            match instr {
                Instr::Touch { region, .. } => *region = exchange.region(*region),
                Instr::Call { function, .. } => {
                    if let Some(made) = self.models.made.get(function) {
                        let wanted = renamed(made, |region| exchange.region(region));
                        *function = self.instance(wanted).function;
                    }
                }
                _ => {}
            }
            for inner in instr.bodies_mut() {
                self.exchange_in(inner, exchange);
            }
        }
    }
}

impl Exchange {
    fn region(&self, region: RegionIndex) -> RegionIndex {
        let place = self.from.iter().position(|known| *known == region);
        place.map_or(region, |place| self.to[place])
    }

    fn ty(&self, ty: Type) -> Type {
        exchanged(ty, &mut |region| self.region(region))
    }
}

fn exchanged(ty: Type, to: &mut impl FnMut(RegionIndex) -> RegionIndex) -> Type {
    match ty {
        Type::View(
            view @ View {
                space: Space::Page(region),
                ..
            },
        ) => Type::View(View {
            space: Space::Page(to(region)),
            ..view
        }),
        other => other,
    }
}

/// The same instance on other regions.
fn renamed(instance: &Instance, mut to: impl FnMut(RegionIndex) -> RegionIndex) -> Instance {
    let arguments = instance.arguments.iter().map(|argument| match argument {
        Argument::Region(region) => Argument::Region(to(*region)),
        Argument::Register(ty) => Argument::Register(exchanged(*ty, &mut to)),
        Argument::Row(table, key, place) => {
            Argument::Row(*table, exchanged(*key, &mut to), exchanged(*place, &mut to))
        }
    });
    Instance {
        arguments: arguments.collect(),
        ..instance.clone()
    }
}

/// The regions that it is about, each once, as they come.
fn regions(instance: &Instance) -> Vec<RegionIndex> {
    let mut found = Vec::new();
    renamed(instance, |region| {
        if !found.contains(&region) {
            found.push(region);
        }
        region
    });
    found
}

/// The instance with its regions numbered by when they come.
fn counted(instance: &Instance) -> Instance {
    let found = regions(instance);
    renamed(instance, |region| {
        let place = found.iter().position(|known| *known == region);
        RegionIndex(place.map_or(u16::MAX, |place| place as u16))
    })
}
