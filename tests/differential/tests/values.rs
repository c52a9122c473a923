//! Lists, texts and sorted collections against naive models on both engines: the same outcomes, pages and digests, and never more than was proven.

#[path = "../../../compiler/lower/tests/support/canvas.rs"]
mod canvas;
#[path = "../../../compiler/lower/tests/support/pieces.rs"]
mod pieces;
#[path = "../../../compiler/lower/tests/support/sorted.rs"]
mod sorted;
#[path = "../../../compiler/lower/tests/support/values.rs"]
mod values;

use differential::engines::{Built, Engines, Sabotage, build};
use rc_bytecode::instr::Failure;
use rc_bytecode::value::{Fields, Value};
use rc_vm::Outcome;
use sorted::{maps, queues, sets};
use values::{Ending, Host, digits, lists, texts};

struct Both<'b> {
    built: &'b Built,
    engines: Engines<'b>,
}

impl Host for Both<'_> {
    fn run(&mut self, name: &str, arguments: &[Value]) -> Ending {
        let interface = &self.built.module.module().interface;
        let number = interface
            .commands
            .iter()
            .position(|command| command.name == name)
            .expect("a command");
        let command = &interface.commands[number];
        let record = &command.arguments;
        let fields = Fields {
            name: record.name.clone(),
            fields: record
                .fields
                .iter()
                .zip(arguments)
                .map(|((name, _), value)| (name.clone(), value.clone()))
                .collect(),
        };
        let mut packed = Vec::new();
        fields
            .pack(&interface.shapes, record, &mut packed)
            .expect("arguments that fit");
        let answer = self
            .engines
            .call(number as u32, &packed, 1)
            .unwrap_or_else(|error| panic!("{name}{arguments:?}: {error}"));
        match answer.outcome {
            Outcome::Done(bytes) => Ending::Done(command.result.as_ref().map(|shape| {
                Value::unpack(&interface.shapes, shape, &mut &bytes[..]).expect("a result")
            })),
            Outcome::Failed(Failure::Builtin(builtin), _) => Ending::Failed(builtin),
            Outcome::Failed(failure, _) => panic!("{failure:?} is declared nowhere"),
        }
    }
}

#[test]
fn both_engines_keep_to_the_models() {
    let built = build(&values::package("generated"), None, Sabotage::None)
        .unwrap_or_else(|e| panic!("{e}"));
    let engines = Engines::new(&built);
    let mut both = Both {
        built: &built,
        engines,
    };
    lists(&mut both, 3, 4_000);
    texts(&mut both, 4, 2_000);
    digits(&mut both);
    both.engines
        .compare_pages()
        .unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn both_engines_keep_containers_alike() {
    for rows in [false, true] {
        let built = build(&canvas::package("generated", rows), None, Sabotage::None)
            .unwrap_or_else(|e| panic!("{e}"));
        let mut both = Both {
            built: &built,
            engines: Engines::new(&built),
        };
        match rows {
            true => canvas::fields(&mut both, 6, 4_000),
            false => canvas::states(&mut both, 5, 4_000),
        }
        both.engines
            .compare_pages()
            .unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn both_engines_keep_texts_and_blobs_alike() {
    for rows in [false, true] {
        let built = build(&pieces::package("generated", rows), None, Sabotage::None)
            .unwrap_or_else(|e| panic!("{e}"));
        let mut both = Both {
            built: &built,
            engines: Engines::new(&built),
        };
        match rows {
            true => pieces::fields(&mut both, 8, 3_000),
            false => pieces::states(&mut both, 7, 3_000),
        }
        both.engines
            .compare_pages()
            .unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn both_engines_keep_sorted_collections_alike() {
    let built = build(&sorted::package("generated"), None, Sabotage::None)
        .unwrap_or_else(|e| panic!("{e}"));
    let mut both = Both {
        built: &built,
        engines: Engines::new(&built),
    };
    sets(&mut both, 7, 3_000);
    maps(&mut both, 8, 3_000);
    queues(&mut both, 9, 1_500);
    both.engines
        .compare_pages()
        .unwrap_or_else(|e| panic!("{e}"));
}
