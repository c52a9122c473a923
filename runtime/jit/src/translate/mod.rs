//! From structured bytecode to Cranelift's intermediate form, one native function at a time.
//!
//! A register becomes a frontend variable: an integer in its natural width, a view of the frame or a read-only view of
//! a page one host pointer, a writable view of a page a pair of pointer and canvas address. Callees are translated in place
//! where that is worth it ([`Activation`]), else called. Digest and journal position live in the context; alias regions let
//! Cranelift keep them in machine registers between calls.
//!
//! Always true: the code was verified, so types and static offsets fit; whatever depends on values is checked by code
//! emitted here; each check that fails jumps to a cold block that returns a status.

mod arithmetic;
mod bulk;
mod calls;
mod control;
mod convert;
mod memory;

use std::borrow::Cow;
use std::collections::BTreeMap;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::Ieee64;
use cranelift_codegen::ir::{
    AliasRegionData, Block, FuncRef, InstBuilder, MemFlagsData, Type as NativeType, Value, types,
};
use cranelift_codegen::settings::Configurable as _;
use cranelift_frontend::{FunctionBuilder, Variable};
use rc_bytecode::instr::{Builtin, FunctionIndex, Register, Scalar, Space, Type};
use rc_bytecode::module::Function;

use crate::callouts::Callout;
use crate::context::status;
use crate::link::{Linker, NativeKey};
use crate::program::Program;

/// Bugs that tests plant to see that the differential harness finds them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sabotage {
    #[default]
    None,
    /// Checked additions wrap.
    #[cfg(test)]
    NoOverflowCheck,
    /// Stores are not journaled.
    #[cfg(test)]
    NoJournal,
    /// The digest misses stores of single bytes.
    #[cfg(test)]
    NoByteDigest,
}

impl Sabotage {
    pub(crate) fn skips_overflow_check(self) -> bool {
        #[cfg(test)]
        return self == Sabotage::NoOverflowCheck;
        #[cfg(not(test))]
        false
    }

    pub(crate) fn skips_journal(self) -> bool {
        #[cfg(test)]
        return self == Sabotage::NoJournal;
        #[cfg(not(test))]
        false
    }

    pub(crate) fn skips_byte_digest(self) -> bool {
        #[cfg(test)]
        return self == Sabotage::NoByteDigest;
        #[cfg(not(test))]
        false
    }
}

/// Where a register lives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Scalar(Variable),
    /// A view without canvas address.
    Pointer(Variable),
    /// A writable view of a page.
    Located {
        pointer: Variable,
        address: Variable,
    },
}

/// A view's machine form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pointer {
    pub host: Value,
    /// Canvas address; writable page views only.
    pub address: Option<Value>,
}

/// What is inside a view, for alias analysis: frame and pages never overlap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags {
    /// Context, bound regions, page tables.
    pub context: MemFlagsData,
    pub frame: MemFlagsData,
    pub page: MemFlagsData,
    pub journal: MemFlagsData,
}

/// Where a function's returns go.
#[derive(Clone, Debug)]
pub(crate) enum Exit {
    /// Out of the native function.
    Native,
    /// To the code after the call that was translated in place.
    Inline {
        done: Block,
        results: Vec<Place>,
        none: Option<Block>,
    },
}

/// One function being translated, natively or in place of a call.
pub(crate) struct Activation<'m> {
    pub function: &'m Function,
    /// Made when first used.
    pub places: Vec<Option<Place>>,
    /// Bytes from the native function's frame pointer to this function's slots.
    pub frame_offset: u32,
    /// How many calls were translated in place around it.
    pub depth: u32,
    pub exit: Exit,
    /// Whether `Exit::Inline`'s blocks were jumped to.
    pub done_used: bool,
    pub none_used: bool,
    pub scopes: Vec<control::Scope>,
}

impl Activation<'_> {
    pub(crate) fn type_of(&self, register: Register) -> Type {
        self.function.registers[register.0 as usize]
    }

    pub(crate) fn scalar_of(&self, register: Register) -> Scalar {
        match self.type_of(register) {
            Type::Scalar(scalar) => scalar,
            Type::View(_) => unreachable!("verified: register {} is a scalar", register.0),
        }
    }

    pub(crate) fn view_of(&self, register: Register) -> rc_bytecode::instr::View {
        match self.type_of(register) {
            Type::View(view) => view,
            Type::Scalar(_) => unreachable!("verified: register {} is a view", register.0),
        }
    }
}

/// The machine type of a scalar.
pub(crate) fn native_type(scalar: Scalar) -> NativeType {
    match scalar {
        Scalar::Bool | Scalar::U8 | Scalar::I8 => types::I8,
        Scalar::U16 | Scalar::I16 => types::I16,
        Scalar::U32 | Scalar::I32 => types::I32,
        Scalar::U64 | Scalar::I64 => types::I64,
        Scalar::U128 | Scalar::I128 => types::I128,
        Scalar::F64 => types::F64,
    }
}

/// Whether a register of this type carries a canvas address.
pub(crate) fn is_located(kind: Type) -> bool {
    matches!(kind, Type::View(view) if view.writable && matches!(view.space, Space::Page(_)))
}

/// The machine types of parameters of these types, in order.
pub(crate) fn flatten(kinds: &[Type]) -> Vec<NativeType> {
    let mut flat = Vec::new();
    for kind in kinds {
        match kind {
            Type::Scalar(Scalar::U128 | Scalar::I128) => flat.extend([types::I64, types::I64]),
            Type::Scalar(scalar) => flat.push(native_type(*scalar)),
            view if is_located(*view) => flat.extend([types::I64, types::I64]),
            Type::View(_) => flat.push(types::I64),
        }
    }
    flat
}

/// Translates one native function.
pub(crate) struct Translator<'a, 'f> {
    pub builder: FunctionBuilder<'f>,
    pub program: &'a Program<'a>,
    pub linker: &'a mut Linker,
    pub key: NativeKey,
    pub flags: Flags,
    pub context: Value,
    pub frame: Value,
    /// Whether control can reach the point of translation.
    pub reachable: bool,
    pub sabotage: Sabotage,
    /// Returns a status; its parameter is the status.
    fail: Block,
    fail_blocks: BTreeMap<u32, Block>,
    native_references: BTreeMap<NativeKey, FuncRef>,
    callout_references: BTreeMap<Callout, FuncRef>,
}

impl<'a, 'f> Translator<'a, 'f> {
    /// Translates the whole function of `key` into `builder`.
    pub(crate) fn run(
        mut builder: FunctionBuilder<'f>,
        program: &'a Program<'a>,
        linker: &'a mut Linker,
        key: NativeKey,
        sabotage: Sabotage,
    ) {
        let start = builder.create_block();
        builder.append_block_params_for_function_params(start);
        builder.switch_to_block(start);
        builder.seal_block(start);
        let parameters = builder.block_params(start).to_vec();
        let flags = make_flags(&mut builder);
        let fail = builder.create_block();
        builder.set_cold_block(fail);
        let mut translator = Translator {
            program,
            key,
            flags,
            context: parameters[0],
            frame: parameters[1],
            reachable: true,
            sabotage,
            fail,
            fail_blocks: BTreeMap::new(),
            native_references: BTreeMap::new(),
            callout_references: BTreeMap::new(),
            linker,
            builder,
        };
        let function = &program.module.functions[key.function.0 as usize];
        let mut activation = Activation {
            function,
            places: vec![None; function.registers.len()],
            frame_offset: 0,
            depth: 0,
            exit: Exit::Native,
            done_used: false,
            none_used: false,
            scopes: Vec::new(),
        };
        translator.receive_parameters(&mut activation, &parameters[2..]);
        translator.function_body(&mut activation);
        translator.finish();
    }

    fn receive_parameters(&mut self, activation: &mut Activation, parameters: &[Value]) {
        let mut rest = parameters.iter().copied();
        let mut next = || {
            rest.next()
                .expect("the signature was made by `flatten` of the same types")
        };
        for (index, kind) in activation.function.parameters.iter().enumerate() {
            let register = Register(index as u32);
            match kind {
                Type::Scalar(Scalar::U128 | Scalar::I128) => {
                    let (low, high) = (next(), next());
                    let whole = self.builder.ins().iconcat(low, high);
                    self.set_scalar(activation, register, whole);
                }
                Type::Scalar(_) => self.set_scalar(activation, register, next()),
                view => {
                    let host = next();
                    let address = is_located(*view).then(&mut next);
                    self.set_pointer(activation, register, Pointer { host, address });
                }
            }
        }
    }

    /// Ends the native function: the shared exits, sealing, and the builder's own checks.
    fn finish(mut self) {
        let blocks = std::mem::take(&mut self.fail_blocks);
        for (status, block) in blocks {
            self.builder.switch_to_block(block);
            self.builder.seal_block(block);
            let status = self.builder.ins().iconst(types::I32, i64::from(status));
            self.builder.ins().jump(self.fail, &[status.into()]);
        }
        let status = self.builder.append_block_param(self.fail, types::I32);
        self.builder.switch_to_block(self.fail);
        self.builder.ins().return_(&[status]);
        self.builder.seal_all_blocks();
        let config = self.linker.target_config();
        self.builder.finalize(config);
    }

    // -- registers ------------------------------------------------------------------------------------

    pub(crate) fn place(&mut self, activation: &mut Activation, register: Register) -> Place {
        let index = register.0 as usize;
        if let Some(place) = activation.places[index] {
            return place;
        }
        let place = match activation.function.registers[index] {
            Type::Scalar(scalar) => Place::Scalar(self.builder.declare_var(native_type(scalar))),
            view if is_located(view) => Place::Located {
                pointer: self.builder.declare_var(types::I64),
                address: self.builder.declare_var(types::I64),
            },
            Type::View(_) => Place::Pointer(self.builder.declare_var(types::I64)),
        };
        activation.places[index] = Some(place);
        place
    }

    pub(crate) fn scalar(&mut self, activation: &mut Activation, register: Register) -> Value {
        match self.place(activation, register) {
            Place::Scalar(variable) => self.builder.use_var(variable),
            _ => unreachable!("verified: register {} is a scalar", register.0),
        }
    }

    pub(crate) fn set_scalar(
        &mut self,
        activation: &mut Activation,
        register: Register,
        value: Value,
    ) {
        match self.place(activation, register) {
            Place::Scalar(variable) => self.builder.def_var(variable, value),
            _ => unreachable!("verified: register {} is a scalar", register.0),
        }
    }

    pub(crate) fn pointer(&mut self, activation: &mut Activation, register: Register) -> Pointer {
        let place = self.place(activation, register);
        self.pointer_in(place)
    }

    fn pointer_in(&mut self, place: Place) -> Pointer {
        match place {
            Place::Pointer(variable) => Pointer {
                host: self.builder.use_var(variable),
                address: None,
            },
            Place::Located { pointer, address } => Pointer {
                host: self.builder.use_var(pointer),
                address: Some(self.builder.use_var(address)),
            },
            Place::Scalar(_) => unreachable!("verified: the register is a view"),
        }
    }

    pub(crate) fn set_pointer(
        &mut self,
        activation: &mut Activation,
        register: Register,
        value: Pointer,
    ) {
        let place = self.place(activation, register);
        self.set_pointer_in(place, value);
    }

    fn set_pointer_in(&mut self, place: Place, value: Pointer) {
        match place {
            Place::Pointer(variable) => self.builder.def_var(variable, value.host),
            Place::Located { pointer, address } => {
                self.builder.def_var(pointer, value.host);
                let known = value
                    .address
                    .expect("verified: only a writable view becomes a writable one");
                self.builder.def_var(address, known);
            }
            Place::Scalar(_) => unreachable!("verified: the register is a view"),
        }
    }

    /// Copies a register's value to another place, which may belong to another activation.
    pub(crate) fn assign(&mut self, to: Place, from: Place) {
        match (to, from) {
            (Place::Scalar(to), Place::Scalar(from)) => {
                let value = self.builder.use_var(from);
                self.builder.def_var(to, value);
            }
            (to, from) => {
                let value = self.pointer_in(from);
                self.set_pointer_in(to, value);
            }
        }
    }

    // -- constants --------------------------------------------------------------------------------------

    /// A constant from its low bits.
    pub(crate) fn constant(&mut self, kind: NativeType, bits: u128) -> Value {
        if kind == types::F64 {
            return self.builder.ins().f64const(Ieee64::with_bits(bits as u64));
        }
        if kind == types::I128 {
            let low = self.builder.ins().iconst(types::I64, bits as u64 as i64);
            let high = self
                .builder
                .ins()
                .iconst(types::I64, (bits >> 64) as u64 as i64);
            return self.builder.ins().iconcat(low, high);
        }
        let masked = if kind.bits() == 64 {
            bits as u64
        } else {
            bits as u64 & ((1 << kind.bits()) - 1)
        };
        self.builder.ins().iconst(kind, masked as i64)
    }

    pub(crate) fn word(&mut self, value: u64) -> Value {
        self.builder.ins().iconst(types::I64, value as i64)
    }

    /// `value + offset`, without an instruction where there is nothing to add.
    pub(crate) fn offset(&mut self, value: Value, offset: u64) -> Value {
        if offset == 0 {
            return value;
        }
        let amount = self.word(offset);
        self.builder.ins().iadd(value, amount)
    }

    // -- checks -----------------------------------------------------------------------------------------

    /// The cold block that ends the command with a built-in failure.
    pub(crate) fn failing(&mut self, builtin: Builtin) -> Block {
        self.failing_with(status::of_builtin(builtin))
    }

    fn failing_with(&mut self, status: u32) -> Block {
        if let Some(block) = self.fail_blocks.get(&status) {
            return *block;
        }
        let block = self.builder.create_block();
        self.builder.set_cold_block(block);
        self.fail_blocks.insert(status, block);
        block
    }

    /// Fails where `condition` is not zero; goes on in a new block.
    pub(crate) fn fail_if(&mut self, condition: Value, builtin: Builtin) {
        let failing = self.failing(builtin);
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, failing, &[], next, &[]);
        self.builder.switch_to_block(next);
        self.builder.seal_block(next);
    }

    /// Stops the node where `condition` is not zero.
    pub(crate) fn halt_if(&mut self, condition: Value) {
        let halting = self.failing_with(status::HALT);
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, halting, &[], next, &[]);
        self.builder.switch_to_block(next);
        self.builder.seal_block(next);
    }

    /// Ends the command where `status` is not zero, with that status.
    pub(crate) fn fail_if_status(&mut self, status: Value) {
        let next = self.builder.create_block();
        self.builder
            .ins()
            .brif(status, self.fail, &[status.into()], next, &[]);
        self.builder.switch_to_block(next);
        self.builder.seal_block(next);
    }

    /// Ends the command with a status; nothing after it is reachable.
    pub(crate) fn fail_with_status(&mut self, status: u32) {
        let block = self.failing_with(status);
        self.builder.ins().jump(block, &[]);
        self.reachable = false;
    }

    pub(crate) fn compare_to(&mut self, condition: IntCC, value: Value, bits: u128) -> Value {
        let kind = self.builder.func.dfg.value_type(value);
        let constant = self.constant(kind, bits);
        self.builder.ins().icmp(condition, value, constant)
    }

    /// `then` where `condition` is not zero. Wide values by halves: Cranelift would make 128-bit minima of whole ones, which
    /// it cannot lower.
    pub(crate) fn choose(&mut self, condition: Value, then: Value, otherwise: Value) -> Value {
        if self.builder.func.dfg.value_type(then) != types::I128 {
            return self.builder.ins().select(condition, then, otherwise);
        }
        let (then_low, then_high) = self.builder.ins().isplit(then);
        let (otherwise_low, otherwise_high) = self.builder.ins().isplit(otherwise);
        let low = self
            .builder
            .ins()
            .select(condition, then_low, otherwise_low);
        let high = self
            .builder
            .ins()
            .select(condition, then_high, otherwise_high);
        self.builder.ins().iconcat(low, high)
    }

    // -- functions --------------------------------------------------------------------------------------

    /// Calls a function of the runtime.
    pub(crate) fn call_out(&mut self, callout: Callout, arguments: &[Value]) -> Option<Value> {
        let reference = match self.callout_references.get(&callout) {
            Some(reference) => *reference,
            None => {
                let reference = self.linker.callout_in(callout, self.builder.func);
                self.callout_references.insert(callout, reference);
                reference
            }
        };
        let call = self.builder.ins().call(reference, arguments);
        self.builder.inst_results(call).first().copied()
    }

    pub(crate) fn native_reference(&mut self, function: FunctionIndex) -> FuncRef {
        let key = NativeKey {
            function,
            journaling: self.key.journaling,
        };
        if let Some(reference) = self.native_references.get(&key) {
            return *reference;
        }
        let reference = self.linker.native_in(key, self.program, self.builder.func);
        self.native_references.insert(key, reference);
        reference
    }
}

fn make_flags(builder: &mut FunctionBuilder) -> Flags {
    let mut region = |user_id, description: &'static str| {
        let data = AliasRegionData {
            user_id,
            description: Cow::Borrowed(description),
        };
        let region = builder.func.dfg.alias_regions.insert(data);
        MemFlagsData::new()
            .with_notrap()
            .with_alias_region(Some(region))
    };
    Flags {
        context: region(0, "context"),
        frame: region(1, "frame"),
        page: region(2, "page"),
        journal: region(3, "journal"),
    }
}

/// The settings that all native code is compiled with.
pub(crate) fn settings() -> cranelift_codegen::settings::Flags {
    let mut settings = cranelift_codegen::settings::builder();
    let verify = if cfg!(debug_assertions) {
        "true"
    } else {
        "false"
    };
    let wanted = [
        ("opt_level", "speed"),
        ("enable_verifier", verify),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        ("enable_probestack", "false"),
        ("unwind_info", "false"),
    ];
    for (name, value) in wanted {
        settings
            .set(name, value)
            .expect("a setting that Cranelift knows");
    }
    cranelift_codegen::settings::Flags::new(settings)
}
