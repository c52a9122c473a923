//! Small modules made by hand, and a place to run them: a canvas with the module's regions bound from 10 upward.
#![allow(dead_code, reason = "each test file uses its part")]

use rc_bytecode::Module;
use rc_bytecode::cost::Cost;
use rc_bytecode::instr::{
    Access, BinaryOp, Body, Builtin, CommandIndex, CompareOp, Failure, FunctionIndex, Instr,
    RegionIndex, Register, Scalar, SlotIndex, Space, Type, View,
};
use rc_bytecode::module::{Function, FunctionKind, Region};
use rc_bytecode::verify::{Verified, certify, verify};
use rc_canvas::{Canvas, CanvasOptions, PageShift};
use rc_vm::{
    Bindings, Executed, FunctionExecuted, FunctionOutcome, Halt, InterpretError, Interpreter, Run,
    TestHooks,
};

pub const U8: Type = Type::Scalar(Scalar::U8);
pub const U32: Type = Type::Scalar(Scalar::U32);
pub const U64: Type = Type::Scalar(Scalar::U64);
pub const I64: Type = Type::Scalar(Scalar::I64);
pub const BOOL: Type = Type::Scalar(Scalar::Bool);

/// A function in the making.
pub struct Sketch {
    pub function: Function,
}

impl Sketch {
    pub fn new(name: &str, parameters: &[Type], results: &[Type]) -> Sketch {
        Sketch {
            function: Function {
                name: name.to_owned(),
                kind: FunctionKind::Plain,
                parameters: parameters.to_vec(),
                results: results.to_vec(),
                maybe: false,
                registers: parameters.to_vec(),
                slots: Vec::new(),
                body: Vec::new(),
                lines: Vec::new(),
                cost: Cost::ZERO,
            },
        }
    }

    pub fn maybe(mut self) -> Sketch {
        self.function.maybe = true;
        self
    }

    pub fn test(mut self) -> Sketch {
        self.function.kind = FunctionKind::Test;
        self
    }

    /// A new register.
    pub fn register(&mut self, kind: Type) -> Register {
        self.function.registers.push(kind);
        Register(self.function.registers.len() as u32 - 1)
    }

    /// A new slot, and a register with its whole view assigned at the body's end so far.
    pub fn slot(&mut self, bytes: u32) -> Register {
        self.function.slots.push(bytes);
        let slot = SlotIndex(self.function.slots.len() as u32 - 1);
        let dst = self.register(frame(bytes, true));
        self.push(Instr::Slot { dst, slot });
        dst
    }

    /// A new register with a constant.
    pub fn constant(&mut self, kind: Type, bits: u128) -> Register {
        let dst = self.register(kind);
        self.push(Instr::Const { dst, bits });
        dst
    }

    /// A new register with a whole page.
    pub fn touch(
        &mut self,
        region: u16,
        page: Register,
        access: Access,
        page_bytes: u32,
    ) -> Register {
        let writable = access == Access::Write;
        let dst = self.register(page_view(region, page_bytes, writable));
        self.push(Instr::Touch {
            dst,
            region: RegionIndex(region),
            page,
            access,
        });
        dst
    }

    pub fn part(&mut self, src: Register, kind: Type, offset: u32) -> Register {
        let dst = self.register(kind);
        self.push(Instr::View { dst, src, offset });
        dst
    }

    pub fn load(&mut self, kind: Type, view: Register, offset: u32) -> Register {
        let dst = self.register(kind);
        self.push(Instr::Load { dst, view, offset });
        dst
    }

    pub fn store(&mut self, view: Register, offset: u32, src: Register) {
        self.push(Instr::Store { view, offset, src });
    }

    pub fn binary(&mut self, op: BinaryOp, left: Register, right: Register) -> Register {
        let dst = self.register(self.function.registers[left.0 as usize]);
        self.push(Instr::Binary {
            op,
            dst,
            left,
            right,
        });
        dst
    }

    pub fn compare(&mut self, op: CompareOp, left: Register, right: Register) -> Register {
        let dst = self.register(BOOL);
        self.push(Instr::Compare {
            op,
            dst,
            left,
            right,
        });
        dst
    }

    pub fn push(&mut self, instr: Instr) {
        self.function.body.push(instr);
    }

    /// The instructions so far, to become a nested body.
    pub fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.function.body)
    }

    pub fn give(mut self, values: &[Register]) -> Function {
        self.push(Instr::Return {
            values: values.to_vec(),
        });
        self.function
    }
}

pub fn frame(length: u32, writable: bool) -> Type {
    Type::View(View {
        space: Space::Frame,
        length,
        writable,
    })
}

pub fn page_view(region: u16, length: u32, writable: bool) -> Type {
    Type::View(View {
        space: Space::Page(RegionIndex(region)),
        length,
        writable,
    })
}

/// `count` writable regions of 100 pages each.
pub fn regions(count: u16) -> Vec<Region> {
    let region = |index| Region {
        name: format!("r{index}"),
        layout_hash: 1,
        writable: true,
        pages_max: 100,
    };
    (0..count).map(region).collect()
}

/// 256-byte pages, two regions.
pub fn module(functions: Vec<Function>) -> Module {
    module_of_pages(functions, 8)
}

pub fn module_of_pages(functions: Vec<Function>, page_shift: u8) -> Module {
    Module {
        format: 1,
        edition: 1,
        page_shift,
        regions: regions(2),
        functions,
        ..Module::default()
    }
}

pub fn verified(module: Module) -> Verified {
    verify(certify(module)).unwrap_or_else(|error| panic!("{error}"))
}

/// A module with what it runs on.
pub struct Stage {
    pub interpreter: Interpreter,
    pub bindings: Bindings,
    pub canvas: Canvas,
    pub run: Run,
}

impl Stage {
    pub fn new(module: Module) -> Stage {
        let shift = PageShift::new(module.page_shift).expect("a page size");
        let options = CanvasOptions {
            memory_bytes_max: 64 << 20,
            ..CanvasOptions::new(shift)
        };
        let mut canvas = Canvas::new(options).expect("address space");
        let regions = (0..module.regions.len() as u16)
            .map(|index| index + 10)
            .collect::<Vec<_>>();
        for region in &regions {
            canvas.create_region(*region).expect("a free region");
        }
        Stage {
            interpreter: Interpreter::of(&verified(module)),
            bindings: Bindings { regions },
            canvas,
            run: Run::default(),
        }
    }

    pub fn function(&mut self, index: u32, arguments: &[u128]) -> Result<FunctionExecuted, Halt> {
        self.test(index, arguments, None)
    }

    pub fn test(
        &mut self,
        index: u32,
        arguments: &[u128],
        hooks: Option<&mut dyn TestHooks>,
    ) -> Result<FunctionExecuted, Halt> {
        let Stage {
            interpreter,
            bindings,
            canvas,
            run,
        } = self;
        interpreter.interpret_function(
            bindings,
            FunctionIndex(index),
            arguments,
            canvas,
            run,
            hooks,
        )
    }

    /// The results of a function that must not fail.
    pub fn values(&mut self, index: u32, arguments: &[u128]) -> Vec<u128> {
        match self.function(index, arguments).expect("no halt").outcome {
            FunctionOutcome::Returned(values) => values,
            other => panic!("{other:?}"),
        }
    }

    /// How a function fails that must.
    pub fn failure(&mut self, index: u32, arguments: &[u128]) -> Failure {
        match self.function(index, arguments).expect("no halt").outcome {
            FunctionOutcome::Failed(failure, _) => failure,
            other => panic!("{other:?}"),
        }
    }

    pub fn command(&mut self, index: u32, arguments: &[u8]) -> Result<Executed, InterpretError> {
        let Stage {
            interpreter,
            bindings,
            canvas,
            run,
        } = self;
        interpreter.interpret(bindings, CommandIndex(index), arguments, canvas, run)
    }
}

/// A module of one function, its last.
pub fn stage(function: Function) -> Stage {
    Stage::new(module(vec![function]))
}

pub const OVERFLOW: Failure = Failure::Builtin(Builtin::Overflow);
pub const BOUND: Failure = Failure::Builtin(Builtin::BoundExceeded);
pub const DIVIDE: Failure = Failure::Builtin(Builtin::DivideByZero);
pub const FULL: Failure = Failure::Builtin(Builtin::TableFull);
