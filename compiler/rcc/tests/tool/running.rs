//! Running the tool as its users do. Always true: no configuration of the machine's user is seen, and a run that
//! hangs fails the test.

use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

/// Runs `rcc` with these arguments in a folder; at most 60 seconds.
pub fn rcc_in(folder: &Path, arguments: &[&str]) -> Ran {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_rcc"))
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CONFIG_HOME", folder.join("no-configuration"))
        .env_remove("RECURRENT_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("rcc starts");
    let id = Pid::from_child(&child);
    let (done, waiting) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if waiting.recv_timeout(Duration::from_secs(60))
            == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
        {
            let _ = kill_process(id, Signal::KILL);
        }
    });
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("rcc ends");
    drop(done);
    watchdog.join().expect("the watchdog ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("rcc writes UTF-8");
    Ran {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
        took: started.elapsed(),
    }
}

/// Runs `rcc` in the repository's folder.
pub fn rcc(arguments: &[&str]) -> Ran {
    rcc_in(&repository(), arguments)
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository")
}

/// A folder with these files.
pub fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).expect("a file");
    }
    folder
}
