//! How a property gets its arguments: its function is changed to ask for them. The first thing that it does becomes an
//! `Invoke` of a command that only this module has, and the runner answers with what it generated.
//!
//! Always true: the changed module is certified and verified like any other; nothing of it reaches a `.rcm` file.

use rc_bytecode::Cost;
use rc_bytecode::builder::FunctionBuilder;
use rc_bytecode::instr::{
    CommandIndex, FunctionIndex, Instr, Register, Scalar, SlotIndex, Type, View,
};
use rc_bytecode::interface::{Allow, Command, CommandKind};
use rc_bytecode::layout::{Record, Shape};
use rc_bytecode::module::{Function, Module};

/// Makes `function`, which takes a frame view of the parameters' record, take nothing and ask for it. The number of the
/// command that it asks.
pub fn ask_for_arguments(
    module: &mut Module,
    function: FunctionIndex,
    parameters: &Record,
) -> CommandIndex {
    let number = module.interface.commands.len() as u32;
    // No name of the language has a blank in it.
    let name = format!("arguments of {}", function.0);
    let structs = &mut module.interface.shapes.structs;
    structs.push(Record {
        name: name.clone(),
        fields: parameters.fields.clone(),
    });
    let result = Shape::Struct(structs.len() as u32 - 1);
    let bytes = module.interface.shapes.extent(&result).size;
    let entry = FunctionIndex(module.functions.len() as u32);
    let mut code = FunctionBuilder::entry(&name, 0, bytes);
    code.give(&[]);
    module.functions.push(code.finish());
    module.interface.commands.push(Command {
        arguments: Record {
            name: name.clone(),
            fields: Vec::new(),
        },
        name,
        version: 1,
        kind: CommandKind::Query,
        docs: String::new(),
        result: Some(result),
        fails: Vec::new(),
        allow: Allow::Anyone,
        entry,
        cost: Cost::ZERO,
        undo_free: false,
    });
    if let Some(code) = module.functions.get_mut(function.0 as usize) {
        prepend(code, CommandIndex(number), bytes);
    }
    CommandIndex(number)
}

fn prepend(code: &mut Function, command: CommandIndex, bytes: u32) {
    let given = Register(0);
    code.parameters.clear();
    if let Some(register) = code.registers.first_mut() {
        *register = Type::View(View::frame(bytes, true));
    }
    let slot = |code: &mut Function, bytes| {
        code.slots.push(bytes);
        SlotIndex(code.slots.len() as u32 - 1)
    };
    let register = |code: &mut Function, kind: Type| {
        code.registers.push(kind);
        Register(code.registers.len() as u32 - 1)
    };
    let (given_slot, empty_slot) = (slot(code, bytes), slot(code, 0));
    let empty = register(code, Type::View(View::frame(0, true)));
    let status = register(code, Type::Scalar(Scalar::U32));
    let asking = [
        Instr::Slot {
            dst: given,
            slot: given_slot,
        },
        Instr::Slot {
            dst: empty,
            slot: empty_slot,
        },
        Instr::Invoke {
            command,
            arguments: empty,
            result: given,
            failure: empty,
            status,
        },
    ];
    // Instructions are numbered in preorder, so all that follow move by as many.
    let moved = asking.len() as u32;
    for (at, (instruction, _, _)) in code.lines.iter_mut().enumerate() {
        *instruction = if at == 0 && *instruction == 0 {
            0
        } else {
            *instruction + moved
        };
    }
    code.body.splice(0..0, asking);
}
