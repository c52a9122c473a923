//! `rcc fmt`: sources in their canonical form. Always true: a file that does not parse is reported and left alone; a
//! file is written whole or not at all.

use crate::output::{Failure, is_colorful, say};
use rc_diagnostics::render;
use rc_source::Sources;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders in each other that are looked into.
const DEPTH_MAX: usize = 32;
/// Bytes of a file that is read.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Writes sources in their canonical form.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  rcc fmt\n  rcc fmt --check examples stdlib")]
pub struct Arguments {
    /// Files, or folders whose .rc files are meant.
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Change nothing; list the files that are not formatted, and exit with 1 if there are any.
    #[arg(long)]
    check: bool,
}

enum Formatted {
    Same,
    Changed,
    /// Mistakes were shown.
    Broken,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut files = Vec::new();
    for path in &arguments.paths {
        collect(path, 0, &mut files)?;
    }
    files.sort();
    files.dedup();
    let (mut changed, mut broken) = (0, 0);
    for file in &files {
        match format_file(file, arguments.check)? {
            Formatted::Same => {}
            Formatted::Changed => {
                say(format!(
                    "{} {}",
                    if arguments.check {
                        "not formatted:"
                    } else {
                        "formatted"
                    },
                    file.display()
                ));
                changed += 1;
            }
            Formatted::Broken => broken += 1,
        }
    }
    if broken > 0 {
        return Err(Failure::new(format!(
            "{broken} of {} files do not parse and were left alone",
            files.len()
        )));
    }
    if arguments.check && changed > 0 {
        Err(Failure::Told)
    } else {
        Ok(())
    }
}

fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    if depth == DEPTH_MAX {
        return Err(Failure::new(format!(
            "{}: folders deeper than {DEPTH_MAX}",
            path.display()
        )));
    }
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (name, kind) = (entry.file_name(), entry.file_type().map_err(failed)?);
        let hidden = name.to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden && name != "target" {
            collect(&entry.path(), depth + 1, files)?;
        } else if kind.is_file()
            && entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "rc")
        {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn format_file(path: &Path, check: bool) -> Result<Formatted, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", path.display()));
    if fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        eprintln!("{}: larger than {FILE_BYTES_MAX} bytes", path.display());
        return Ok(Formatted::Broken);
    }
    let bytes = fs::read(path).map_err(failed)?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            eprintln!(
                "{}: not UTF-8 from byte {}",
                path.display(),
                error.utf8_error().valid_up_to()
            );
            return Ok(Formatted::Broken);
        }
    };
    let formatted = match rc_format::format(&text) {
        Ok(formatted) => formatted,
        Err(mistakes) => {
            let mut sources = Sources::new();
            sources.add(path.display().to_string(), text);
            eprint!("{}", render::human(&sources, &mistakes, is_colorful()));
            return Ok(Formatted::Broken);
        }
    };
    if formatted == text {
        return Ok(Formatted::Same);
    }
    if !check {
        let part = path.with_extension("rc.part");
        fs::write(&part, &formatted).map_err(failed)?;
        fs::set_permissions(&part, fs::metadata(path).map_err(failed)?.permissions())
            .map_err(failed)?;
        fs::rename(&part, path).map_err(failed)?;
    }
    Ok(Formatted::Changed)
}
