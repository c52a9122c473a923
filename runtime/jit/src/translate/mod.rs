//! From structured bytecode to Cranelift's intermediate form, one native function at a time.
//!
//! A register becomes a frontend variable: an integer in its natural width, a view of the frame or a read-only view of
//! a page one host pointer, a writable view of a page a pair of pointer and canvas address. Callees are translated in place
//! where that is worth it (an [`Activation`] each), else called. Digest and journal position live in the context; alias regions let
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
mod registers;

use std::borrow::Cow;
use std::collections::BTreeMap;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::Ieee64;
use cranelift_codegen::ir::{
    AliasRegionData, Block, FuncRef, InstBuilder, MemFlagsData, Type as NativeType, Value, types,
};
use cranelift_codegen::settings::Configurable as _;
use cranelift_frontend::FunctionBuilder;
use rc_bytecode::instr::{Builtin, FunctionIndex};

use crate::callouts::Callout;
use crate::context::status;
use crate::link::{Linker, NativeKey};
use crate::program::Program;
use crate::sabotage::Sabotage;
pub(crate) use registers::{Activation, Exit, Place, Pointer, flatten, is_located, native_type};

/// What is inside a view, for alias analysis: frame and pages never overlap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags {
    /// Context, bound regions, page tables.
    pub context: MemFlagsData,
    pub frame: MemFlagsData,
    pub page: MemFlagsData,
    pub journal: MemFlagsData,
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
