//! Names and references: which native functions a module needs, and how they find each other and the runtime.
//!
//! Always true: a native function is asked for before it is made, so the list of what is still to be translated ends
//! with everything that is reachable from the entries.

use std::collections::BTreeMap;

use cranelift_codegen::ir::{AbiParam, FuncRef, Function, Signature, types};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_jit::JITModule;
use cranelift_module::{FuncId, Linkage, Module as _};
use rc_bytecode::instr::FunctionIndex;

use crate::callouts::Callout;
use crate::program::Program;
use crate::translate::flatten;

/// How native code remembers what its stores overwrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Journaling {
    /// Not at all: no failure comes after a store.
    None,
    /// Room for all that the command may store, as its certificate bounds it, was made before it started.
    Reserved,
    /// Room is made as it goes.
    Growing,
}

/// A bytecode function as native code, in one of its forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NativeKey {
    pub function: FunctionIndex,
    pub journaling: Journaling,
}

/// The code memory and what is declared in it.
pub(crate) struct Linker {
    pub code: JITModule,
    callouts: BTreeMap<Callout, FuncId>,
    natives: BTreeMap<NativeKey, FuncId>,
    /// Asked for, not yet translated.
    pub pending: Vec<(NativeKey, FuncId)>,
}

impl Linker {
    pub(crate) fn new(code: JITModule) -> Linker {
        Linker {
            code,
            callouts: BTreeMap::new(),
            natives: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    pub(crate) fn target_config(&self) -> TargetFrontendConfig {
        self.code.target_config()
    }

    /// The signature of a function's native form: context, frame, parameters; a status.
    pub(crate) fn native_signature(&self, key: NativeKey, program: &Program) -> Signature {
        let mut signature = self.code.make_signature();
        signature
            .params
            .extend([AbiParam::new(types::I64), AbiParam::new(types::I64)]);
        let parameters = &program.module.functions[key.function.0 as usize].parameters;
        signature
            .params
            .extend(flatten(parameters).into_iter().map(AbiParam::new));
        signature.returns.push(AbiParam::new(types::I32));
        signature
    }

    /// Asks for a function's native form.
    pub(crate) fn native(&mut self, key: NativeKey, program: &Program) -> FuncId {
        if let Some(id) = self.natives.get(&key) {
            return *id;
        }
        let signature = self.native_signature(key, program);
        let id = self
            .code
            .declare_anonymous_function(&signature)
            .expect("an anonymous function is never declared twice");
        self.natives.insert(key, id);
        self.pending.push((key, id));
        id
    }

    pub(crate) fn native_in(
        &mut self,
        key: NativeKey,
        program: &Program,
        function: &mut Function,
    ) -> FuncRef {
        let id = self.native(key, program);
        self.code.declare_func_in_func(id, function)
    }

    pub(crate) fn callout_in(&mut self, callout: Callout, function: &mut Function) -> FuncRef {
        let id = match self.callouts.get(&callout) {
            Some(id) => *id,
            None => {
                let (parameters, result) = callout.signature();
                let mut signature = self.code.make_signature();
                signature
                    .params
                    .extend(parameters.into_iter().map(AbiParam::new));
                signature.returns.extend(result.map(AbiParam::new));
                let declared =
                    self.code
                        .declare_function(callout.name(), Linkage::Import, &signature);
                let id = declared.expect("a callout has one signature");
                self.callouts.insert(callout, id);
                id
            }
        };
        self.code.declare_func_in_func(id, function)
    }
}
