//! Modules made by hand, for tests of whatever runs them. Always true: a builder checks nothing; `finish` fills in
//! the certificates, and the verifier has the word.

use crate::cost::Cost;
use crate::instr::{
    Access, BinaryOp, Body, CommandIndex, CompareOp, EventIndex, FunctionIndex, Instr, RegionIndex,
    Register, Scalar, SlotIndex, Space, Type, View,
};
use crate::interface::{Allow, Command, CommandKind, Event};
use crate::layout::{Record, Shape};
use crate::limits::PAGE_SHIFT_DEFAULT;
use crate::module::{Function, FunctionKind, Module, Region};
use crate::verify::{Verified, VerifyError, certify, verify};

impl From<Scalar> for Type {
    fn from(scalar: Scalar) -> Type {
        Type::Scalar(scalar)
    }
}

impl From<View> for Type {
    fn from(view: View) -> Type {
        Type::View(view)
    }
}

impl View {
    /// A stretch of the frame.
    pub fn frame(length: u32, writable: bool) -> View {
        View {
            space: Space::Frame,
            length,
            writable,
        }
    }

    /// A stretch of a page.
    pub fn page(region: RegionIndex, length: u32, writable: bool) -> View {
        View {
            space: Space::Page(region),
            length,
            writable,
        }
    }
}

/// Builds one function, instruction by instruction.
#[derive(Debug)]
pub struct FunctionBuilder {
    function: Function,
    /// Bodies that are open, innermost last.
    open: Vec<Body>,
}

impl FunctionBuilder {
    pub fn new(name: &str) -> FunctionBuilder {
        let function = Function {
            name: name.into(),
            kind: FunctionKind::Plain,
            parameters: Vec::new(),
            results: Vec::new(),
            maybe: false,
            registers: Vec::new(),
            slots: Vec::new(),
            body: Vec::new(),
            lines: Vec::new(),
            cost: Cost::ZERO,
        };
        FunctionBuilder {
            function,
            open: vec![Vec::new()],
        }
    }

    /// An entry of a command: its first two registers are the views of arguments and result, of so many bytes.
    pub fn entry(name: &str, arguments: u32, result: u32) -> FunctionBuilder {
        let mut builder = FunctionBuilder::new(name);
        builder.parameter(View::frame(arguments, false));
        builder.parameter(View::frame(result, true));
        builder
    }

    /// Makes it a test's body.
    pub fn test(mut self) -> FunctionBuilder {
        self.function.kind = FunctionKind::Test;
        self
    }

    /// Lets it answer with `ReturnNone`.
    pub fn maybe(mut self) -> FunctionBuilder {
        self.function.maybe = true;
        self
    }

    /// The next parameter; before any other register.
    pub fn parameter(&mut self, kind: impl Into<Type>) -> Register {
        let kind = kind.into();
        self.function.parameters.push(kind);
        self.reg(kind)
    }

    pub fn result(&mut self, kind: impl Into<Type>) {
        self.function.results.push(kind.into());
    }

    /// A new register.
    pub fn reg(&mut self, kind: impl Into<Type>) -> Register {
        self.function.registers.push(kind.into());
        Register(self.function.registers.len() as u32 - 1)
    }

    pub fn type_of(&self, register: Register) -> Option<Type> {
        self.function.type_of(register)
    }

    /// Adds an instruction to the innermost open body.
    pub fn emit(&mut self, instr: Instr) {
        if let Some(body) = self.open.last_mut() {
            body.push(instr);
        }
    }

    /// What `fill` adds, as a body of its own, to be put into an instruction.
    pub fn body(&mut self, fill: impl FnOnce(&mut FunctionBuilder)) -> Body {
        self.open.push(Vec::new());
        fill(self);
        self.open.pop().unwrap_or_default()
    }

    pub fn constant(&mut self, scalar: Scalar, bits: u128) -> Register {
        let dst = self.reg(scalar);
        self.emit(Instr::Const { dst, bits });
        dst
    }

    /// Of the left operand's type.
    pub fn binary(&mut self, op: BinaryOp, left: Register, right: Register) -> Register {
        let kind = self.function.registers[left.0 as usize];
        let dst = self.reg(kind);
        self.emit(Instr::Binary {
            op,
            dst,
            left,
            right,
        });
        dst
    }

    pub fn compare(&mut self, op: CompareOp, left: Register, right: Register) -> Register {
        let dst = self.reg(Scalar::Bool);
        self.emit(Instr::Compare {
            op,
            dst,
            left,
            right,
        });
        dst
    }

    pub fn load(&mut self, view: Register, offset: u32, scalar: Scalar) -> Register {
        let dst = self.reg(scalar);
        self.emit(Instr::Load { dst, view, offset });
        dst
    }

    pub fn store(&mut self, view: Register, offset: u32, src: Register) {
        self.emit(Instr::Store { view, offset, src });
    }

    /// A new slot of so many bytes, and a writable view of it.
    pub fn slot(&mut self, bytes: u32) -> Register {
        self.function.slots.push(bytes);
        let slot = SlotIndex(self.function.slots.len() as u32 - 1);
        let dst = self.reg(View::frame(bytes, true));
        self.emit(Instr::Slot { dst, slot });
        dst
    }

    /// A view of a whole page of `page_bytes`.
    pub fn touch(
        &mut self,
        region: RegionIndex,
        page: Register,
        access: Access,
        page_bytes: u32,
    ) -> Register {
        let dst = self.reg(View::page(region, page_bytes, access == Access::Write));
        self.emit(Instr::Touch {
            dst,
            region,
            page,
            access,
        });
        dst
    }

    /// `length` bytes of a view, with its permission.
    pub fn narrow(&mut self, src: Register, offset: u32, length: u32) -> Register {
        let whole = self.function.view_of(src).unwrap_or(View::frame(0, false));
        let dst = self.reg(View { length, ..whole });
        self.emit(Instr::View { dst, src, offset });
        dst
    }

    pub fn branch(
        &mut self,
        condition: Register,
        then: impl FnOnce(&mut FunctionBuilder),
        otherwise: impl FnOnce(&mut FunctionBuilder),
    ) {
        let then = self.body(then);
        let otherwise = self.body(otherwise);
        self.emit(Instr::If {
            condition,
            then,
            otherwise,
        });
    }

    /// A loop; `fill` must break out of it.
    pub fn repeat(&mut self, max: u64, fill: impl FnOnce(&mut FunctionBuilder)) {
        let body = self.body(fill);
        self.emit(Instr::Loop { max, body });
    }

    pub fn give(&mut self, values: &[Register]) {
        self.emit(Instr::Return {
            values: values.to_vec(),
        });
    }

    pub fn finish(mut self) -> Function {
        self.function.body = self.open.pop().unwrap_or_default();
        self.function
    }
}

/// Builds a module of the default page size.
#[derive(Debug)]
pub struct ModuleBuilder {
    pub module: Module,
}

impl Default for ModuleBuilder {
    fn default() -> ModuleBuilder {
        ModuleBuilder {
            module: Module {
                format: 1,
                edition: 1,
                page_shift: PAGE_SHIFT_DEFAULT,
                ..Module::default()
            },
        }
    }
}

impl ModuleBuilder {
    pub fn new() -> ModuleBuilder {
        ModuleBuilder::default()
    }

    pub fn region(&mut self, name: &str, writable: bool, pages_max: u64) -> RegionIndex {
        self.module.regions.push(Region {
            name: name.into(),
            layout_hash: 0,
            writable,
            pages_max,
        });
        RegionIndex(self.module.regions.len() as u16 - 1)
    }

    pub fn function(&mut self, function: Function) -> FunctionIndex {
        self.module.functions.push(function);
        FunctionIndex(self.module.functions.len() as u32 - 1)
    }

    pub fn event(&mut self, name: &str, fields: &[(&str, Shape)]) -> EventIndex {
        self.module.interface.events.push(Event {
            record: record(name, fields),
            docs: String::new(),
        });
        EventIndex(self.module.interface.events.len() as u32 - 1)
    }

    /// A command that anyone may call and that declares all errors made so far.
    pub fn command(
        &mut self,
        name: &str,
        kind: CommandKind,
        arguments: &[(&str, Shape)],
        result: Option<Shape>,
        entry: FunctionIndex,
    ) -> CommandIndex {
        self.module.interface.commands.push(Command {
            name: name.into(),
            version: 1,
            kind,
            docs: String::new(),
            arguments: record(name, arguments),
            result,
            fails: (0..self.module.interface.errors.len() as u32).collect(),
            allow: Allow::Anyone,
            entry,
            cost: Cost::ZERO,
            undo_free: false,
        });
        CommandIndex(self.module.interface.commands.len() as u32 - 1)
    }

    /// With certificates filled in.
    pub fn finish(self) -> Module {
        certify(self.module)
    }

    pub fn verified(self) -> Result<Verified, VerifyError> {
        verify(self.finish())
    }
}

/// A record from names and shapes.
pub fn record(name: &str, fields: &[(&str, Shape)]) -> Record {
    Record {
        name: name.into(),
        fields: fields
            .iter()
            .map(|(name, shape)| (name.to_string(), shape.clone()))
            .collect(),
    }
}
