//! The compiler in a process of its own, under limits of CPU time and memory (decision 41).
//!
//! The server starts `rcd compile-worker`, writes the files as JSON to its standard input and reads the module, or the
//! messages, from its standard output. A compile that runs wild takes nobody with it.

use rc_driver::Package;
use rc_gateway::{CompileFailure, PackageFile, SourceCompiler};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// CPU seconds of one compile.
const CPU_SECONDS_MAX: u64 = 30;
/// Address space of one compile, in bytes.
const MEMORY_BYTES_MAX: u64 = 4 << 30;
/// The worker's exit code for mistakes in the source; anything else but 0 is a limit or a fault.
const MISTAKES: u8 = 2;

/// Starts a worker per compile.
pub struct WorkerCompiler;

impl SourceCompiler for WorkerCompiler {
    fn compile(&self, files: &[PackageFile]) -> Result<Vec<u8>, CompileFailure> {
        let broken = |what: &str, error: &dyn std::fmt::Display| {
            CompileFailure::Limit(format!("{what}: {error}"))
        };
        let program = std::env::current_exe()
            .map_err(|error| broken("the compiler was not found", &error))?;
        let mut child = Command::new(program)
            .arg("compile-worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| broken("the compiler did not start", &error))?;
        let input = serde_json::to_vec(files).map_err(|error| broken("the files", &error))?;
        let mut stdin = child.stdin.take().expect("standard input is piped");
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child
            .wait_with_output()
            .map_err(|error| broken("the compiler ended early", &error))?;
        let _ = writer.join();
        match output.status.code() {
            Some(0) => Ok(output.stdout),
            Some(code) if code == i32::from(MISTAKES) => Err(CompileFailure::Diagnostics(
                String::from_utf8_lossy(&output.stdout).into_owned(),
            )),
            _ => Err(CompileFailure::Limit(format!(
                "the compile took more than {CPU_SECONDS_MAX} s of CPU or {} MiB of memory, or broke ({})",
                MEMORY_BYTES_MAX >> 20,
                output.status
            ))),
        }
    }
}

/// `rcd compile-worker`.
pub fn worker() -> ExitCode {
    let limits = [
        (Resource::Cpu, CPU_SECONDS_MAX),
        (Resource::As, MEMORY_BYTES_MAX),
    ];
    for (resource, most) in limits {
        if let Err(error) = setrlimit(
            resource,
            Rlimit {
                current: Some(most),
                maximum: Some(most),
            },
        ) {
            eprintln!("the compiler's limits cannot be set: {error}");
            return ExitCode::FAILURE;
        }
    }
    let mut input = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut input) {
        eprintln!("the files cannot be read: {error}");
        return ExitCode::FAILURE;
    }
    let files: Vec<PackageFile> = match serde_json::from_slice(&input) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("the files are malformed: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (output, code) = match compile(&files) {
        Ok(module) => (module, ExitCode::SUCCESS),
        Err(messages) => (messages.into_bytes(), ExitCode::from(MISTAKES)),
    };
    match std::io::stdout().write_all(&output) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Source to encoded module, or messages for people.
fn compile(files: &[PackageFile]) -> Result<Vec<u8>, String> {
    let texts = files
        .iter()
        .map(|file| (file.name.clone(), file.text.clone()));
    let mut package = Package::from_texts("", texts);
    if let Some(manifest) = package.manifest.take() {
        // The packages that it uses came along as texts.
        package
            .apply_manifest(Path::new("rc.toml"), &manifest)
            .map_err(|error| error.to_string())?;
    }
    let compiled = rc_driver::compile(&package);
    match compiled.lowered {
        Some(lowered) => Ok(rc_bytecode::encode(&lowered.module)),
        None => Err(rc_diagnostics::render::human(
            &compiled.sources,
            &compiled.diagnostics,
            false,
        )),
    }
}
