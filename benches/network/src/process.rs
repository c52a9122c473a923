//! Servers as child processes: pinned when asked, and never left behind.
//!
//! Always true: a child ends with this process, however this process ends (the kernel sends it SIGKILL).

use crate::Fallible;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct Server {
    name: &'static str,
    child: Child,
}

impl Server {
    /// Starts `words` with its output in `log`.
    pub fn start(
        name: &'static str,
        words: &[&str],
        cpu: Option<usize>,
        log: &Path,
        environment: &[(&str, &Path)],
    ) -> Fallible<Server> {
        let cpu = cpu.map(|cpu| cpu.to_string());
        let mut all = vec!["setpriv", "--pdeathsig", "KILL", "--"];
        if let Some(cpu) = &cpu {
            all.extend(["taskset", "-c", cpu]);
        }
        all.extend(words);
        let output = File::create(log)?;
        let child = Command::new(all[0])
            .args(&all[1..])
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .map_err(|error| {
                format!("{name} did not start (setpriv and taskset are in util-linux): {error}")
            })?;
        Ok(Server { name, child })
    }

    /// `setpriv` and `taskset` become the server, so this is its own.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Fails, with the server's words, once it has ended.
    pub fn expect_alive(&mut self, log: &Path) -> Fallible<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                Err(format!("{} ended ({status}):\n{said}", self.name).into())
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A loopback port that was free a moment ago.
pub fn free_port() -> Fallible<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Puts this process on one CPU.
pub fn pin_self(cpu: usize) -> Fallible<()> {
    let status = Command::new("taskset")
        .args(["-cp", &cpu.to_string(), &std::process::id().to_string()])
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("taskset could not pin the client: {status}").into())
    }
}
