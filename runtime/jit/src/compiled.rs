//! A module as native code.
//!
//! Always true: the code is tied to no canvas and holds no data: everything it works on comes through the context of the
//! machine that runs it. It is writable only until it is finished, executable only after. It lives as long as this value.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::UserFuncName;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::Module as _;
use rc_bytecode::instr::CommandIndex;
use rc_bytecode::interface::Interface;
use rc_bytecode::verify::Verified;
use rc_bytecode::wire::Plan;

use crate::callouts::Callout;
use crate::context::Context;
use crate::journal;
use crate::link::{Journaling, Linker, NativeKey};
use crate::packing::Packings;
use crate::program::Program;
use crate::sabotage::Sabotage;
use crate::translate::{self, Translator};

/// Native stack for translation, in bytes: bodies nest, and callees are translated inside their callers.
const TRANSLATION_STACK_BYTES: usize = 64 << 20;

static IDENTITIES: AtomicU64 = AtomicU64::new(1);

/// Why there is no native code. The module still runs in the interpreter.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Cranelift makes no code for this machine.
    #[error("no native code for this machine: {0}")]
    Host(String),
    /// Cranelift refused what translation gave it, or found no memory for it.
    #[error("native code could not be made: {0}")]
    Code(String),
    /// No thread could be started for the translation.
    #[error("no thread for the translation: {0}")]
    Thread(std::io::Error),
    /// The module has no command of this index.
    #[error("there is no command {0}")]
    NoSuchCommand(u32),
}

/// The native form of a command's entry: context, scratch, arguments, result; a status.
pub(crate) type NativeEntry =
    unsafe extern "C" fn(*mut Context, *mut u8, *const u8, *mut u8) -> u32;

/// One command, ready to run.
#[derive(Debug)]
pub(crate) struct Entry {
    pub native: NativeEntry,
    /// Bytes of all frames on the deepest call path.
    pub scratch_bytes: usize,
    pub arguments_bytes: usize,
    pub result_bytes: usize,
    /// What the journal must have room for before it starts, in words.
    pub journal_words: usize,
    /// Module regions that it may touch, and their capacities in pages.
    pub regions: Vec<(u16, u64)>,
    /// For messages.
    pub function_name: String,
}

/// See the module text.
pub struct Compiled {
    /// Unique in the process; tells a machine whether it has met this code. Never part of a result.
    pub(crate) identity: u64,
    pub(crate) entries: Vec<Entry>,
    pub(crate) scratch_bytes_max: usize,
    pub(crate) result_bytes_max: usize,
    pub(crate) journal_words_max: usize,
    pub(crate) interface: Interface,
    pub(crate) packings: Arc<Packings>,
    pub(crate) regions_count: usize,
    pub(crate) page_shift: u8,
    pub(crate) results_max: usize,
    /// Taken when dropped.
    code: Mutex<Option<JITModule>>,
    code_bytes: usize,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "Compiled({}, {} entries, {} bytes)",
            self.interface.package,
            self.entries.len(),
            self.code_bytes
        )
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        let code = self
            .code
            .get_mut()
            .map(Option::take)
            .unwrap_or_else(|poisoned| poisoned.into_inner().take());
        if let Some(code) = code {
            // SAFETY: native code runs only inside `execute`, which borrows this value, so none runs now; the entry
            // pointers are dropped with it.
            unsafe { code.free_memory() };
        }
    }
}

impl Compiled {
    /// Makes native code for all commands. Takes milliseconds; may run on any thread.
    pub fn compile(module: &Verified) -> Result<Compiled, CompileError> {
        Compiled::compile_with(module, Sabotage::None)
    }

    pub(crate) fn compile_with(
        module: &Verified,
        sabotage: Sabotage,
    ) -> Result<Compiled, CompileError> {
        on_a_deep_stack(|| Translation::of(module, sabotage, None)?.finish(module))
    }

    /// The interface of the module.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Bytes of machine code.
    pub fn code_bytes(&self) -> usize {
        self.code_bytes
    }
}

/// The machine code of one command and of the functions that it calls natively, as text.
pub fn disassemble(module: &Verified, command: CommandIndex) -> Result<String, CompileError> {
    if module.module().interface.commands.len() <= command.0 as usize {
        return Err(CompileError::NoSuchCommand(command.0));
    }
    on_a_deep_stack(|| {
        Translation::of(module, Sabotage::None, Some(command))
            .map(|translation| translation.listing)
    })
}

fn on_a_deep_stack<Made: Send>(
    make: impl FnOnce() -> Result<Made, CompileError> + Send,
) -> Result<Made, CompileError> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new()
            .name("rc-jit".to_owned())
            .stack_size(TRANSLATION_STACK_BYTES);
        let thread = builder
            .spawn_scoped(scope, make)
            .map_err(CompileError::Thread)?;
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Everything translated, nothing executable yet.
struct Translation<'p> {
    linker: Linker,
    program: Program<'p>,
    entries: Vec<(NativeKey, cranelift_module::FuncId)>,
    code_bytes: usize,
    listing: String,
}

impl<'p> Translation<'p> {
    /// All commands, or `only` one with a listing.
    fn of(
        module: &'p Verified,
        sabotage: Sabotage,
        only: Option<CommandIndex>,
    ) -> Result<Translation<'p>, CompileError> {
        let isa =
            cranelift_native::builder().map_err(|reason| CompileError::Host(reason.to_owned()))?;
        let isa = isa
            .finish(translate::settings())
            .map_err(|error| CompileError::Host(error.to_string()))?;
        let mut builder = JITBuilder::with_isa(isa, cranelift_module::default_libcall_names());
        builder.symbols(Callout::ALL.map(|callout| (callout.name(), callout.address())));
        let mut translation = Translation {
            linker: Linker::new(JITModule::new(builder)),
            program: Program::new(module.module()),
            entries: Vec::new(),
            code_bytes: 0,
            listing: String::new(),
        };
        for (index, command) in module.module().interface.commands.iter().enumerate() {
            if only.is_none_or(|only| only.0 as usize == index) {
                let journaling = match journal::words_max(command.cost.bytes_written) {
                    _ if !command.kind.writes() || command.undo_free => Journaling::None,
                    Some(_) => Journaling::Reserved,
                    None => Journaling::Growing,
                };
                let key = NativeKey {
                    function: command.entry,
                    journaling,
                };
                let id = translation.linker.native(key, &translation.program);
                translation.entries.push((key, id));
            }
        }
        let mut builder_context = FunctionBuilderContext::new();
        let mut context = translation.linker.code.make_context();
        while let Some((key, id)) = translation.linker.pending.pop() {
            translation.translate(
                key,
                id,
                sabotage,
                only.is_some(),
                &mut builder_context,
                &mut context,
            )?;
        }
        Ok(translation)
    }

    fn translate(
        &mut self,
        key: NativeKey,
        id: cranelift_module::FuncId,
        sabotage: Sabotage,
        listed: bool,
        builder_context: &mut FunctionBuilderContext,
        context: &mut cranelift_codegen::Context,
    ) -> Result<(), CompileError> {
        context.func.signature = self.linker.native_signature(key, &self.program);
        context.func.name = UserFuncName::user(key.journaling as u32, key.function.0);
        context.set_disasm(listed);
        let builder = FunctionBuilder::new(&mut context.func, builder_context);
        Translator::run(builder, &self.program, &mut self.linker, key, sabotage);
        let defined = self.linker.code.define_function_with_control_plane(
            id,
            context,
            &mut ControlPlane::default(),
        );
        defined.map_err(|error| CompileError::Code(format!("{error:?}")))?;
        if let Some(compiled) = context.compiled_code() {
            self.code_bytes += compiled.code_buffer().len();
            if let Some(text) = compiled.vcode.as_ref().filter(|_| listed) {
                let function = &self.program.module.functions[key.function.0 as usize];
                let journal = if key.journaling == Journaling::None {
                    " (no undo journal)"
                } else {
                    ""
                };
                self.listing += &format!("; {}{journal}\n{text}\n", function.name);
            }
        }
        self.linker.code.clear_context(context);
        Ok(())
    }

    /// Makes the code executable.
    fn finish(mut self, module: &Verified) -> Result<Compiled, CompileError> {
        let code = &mut self.linker.code;
        code.finalize_definitions()
            .map_err(|error| CompileError::Code(error.to_string()))?;
        let module = module.module();
        let packings = Arc::clone(&self.program.packings);
        let entries = self.entries.iter().enumerate().map(|(index, (key, id))| {
            let address = self.linker.code.get_finalized_function(*id);
            let function = key.function.0 as usize;
            let packing = &packings.commands[index];
            let regions = self.program.regions[function].iter();
            Entry {
                // SAFETY: the function was translated from an entry, whose verified signature is two frame views, so its
                // native form takes context, frame and two pointers and returns a status in the platform's convention.
                native: unsafe { std::mem::transmute::<*const u8, NativeEntry>(address) },
                scratch_bytes: self.program.frame_bytes[function] as usize,
                arguments_bytes: packing.arguments.size(),
                result_bytes: packing.result.as_ref().map_or(0, Plan::size),
                journal_words: match key.journaling {
                    Journaling::Reserved => {
                        journal::words_max(module.interface.commands[index].cost.bytes_written)
                            .unwrap_or(0)
                    }
                    _ => 0,
                },
                regions: regions
                    .map(|region| (*region, module.regions[usize::from(*region)].pages_max))
                    .collect(),
                function_name: self.program.module.functions[function].name.clone(),
            }
        });
        let entries: Vec<Entry> = entries.collect();
        Ok(Compiled {
            identity: IDENTITIES.fetch_add(1, Ordering::Relaxed),
            scratch_bytes_max: entries
                .iter()
                .map(|entry| entry.scratch_bytes)
                .max()
                .unwrap_or(0),
            result_bytes_max: entries
                .iter()
                .map(|entry| entry.result_bytes)
                .max()
                .unwrap_or(0),
            journal_words_max: entries
                .iter()
                .map(|entry| entry.journal_words)
                .max()
                .unwrap_or(0),
            entries,
            interface: module.interface.clone(),
            regions_count: module.regions.len(),
            page_shift: module.page_shift,
            results_max: self.program.results_max,
            code: Mutex::new(Some(self.linker.code)),
            code_bytes: self.code_bytes,
            packings,
        })
    }
}

/// Compiled off the loop, shared by whoever runs it.
const _: () = {
    const fn is_shareable<T: Send + Sync>() {}
    is_shareable::<Compiled>();
};
