//! The real server as a child process on loopback.
//! Always true: it ends with the harness, by the guard here and, where `setpriv` is there, by the kernel.

use crate::failure::{Failure, on_files};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const START_TIME_MAX: Duration = Duration::from_secs(60);

/// What all starts of a run share.
#[derive(Clone)]
pub struct Setup {
    pub program: PathBuf,
    pub package: PathBuf,
    pub data: PathBuf,
    pub port: u16,
    /// More arguments.
    pub arguments: Vec<String>,
}

impl Setup {
    pub fn new(
        program: &Path,
        package: &Path,
        data: PathBuf,
        arguments: &[&str],
    ) -> Result<Setup, Failure> {
        let listener = on_files("a free port", TcpListener::bind("127.0.0.1:0"))?;
        let port = on_files("a free port", listener.local_addr())?.port();
        let arguments = arguments
            .iter()
            .map(|argument| argument.to_string())
            .collect();
        Ok(Setup {
            program: program.to_path_buf(),
            package: package.to_path_buf(),
            data,
            port,
            arguments,
        })
    }

    pub fn token(&self) -> Result<String, Failure> {
        Ok(
            on_files("the token", fs::read_to_string(self.data.join("token")))?
                .trim()
                .to_string(),
        )
    }
}

pub struct Server {
    child: Child,
    pub port: u16,
    output: Arc<Mutex<String>>,
}

/// What became of a start.
#[derive(Debug, PartialEq, Eq)]
pub enum Started {
    Ready,
    /// It ended before it was ready.
    Ended(ExitStatus),
}

impl Server {
    /// Starts it; `failpoint` is where it is to abort.
    pub fn start(setup: &Setup, failpoint: Option<&str>) -> Result<Server, Failure> {
        let keeper = ["/usr/bin/setpriv", "/bin/setpriv"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        let mut command = match keeper {
            Some(keeper) => {
                let mut command = Command::new(keeper);
                command
                    .args(["--pdeathsig", "KILL", "--"])
                    .arg(&setup.program);
                command
            }
            None => Command::new(&setup.program),
        };
        command
            .arg("dev")
            .arg(&setup.package)
            .arg("--data")
            .arg(&setup.data);
        command
            .arg("--port")
            .arg(setup.port.to_string())
            .arg("--no-watch")
            .args(&setup.arguments);
        command.env("XDG_CONFIG_HOME", setup.data.with_extension("config"));
        command.env_remove("RECURRENT_FAILPOINT");
        if let Some(failpoint) = failpoint {
            command.env("RECURRENT_FAILPOINT", failpoint);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = on_files("starting the server", command.spawn())?;
        let output = Arc::new(Mutex::new(String::new()));
        collect(
            child.stdout.take().expect("standard output is piped"),
            Arc::clone(&output),
        );
        collect(
            child.stderr.take().expect("standard error is piped"),
            Arc::clone(&output),
        );
        Ok(Server {
            child,
            port: setup.port,
            output,
        })
    }

    /// Waits until it has deployed its folder, or ended.
    pub fn wait_ready(&mut self) -> Result<Started, Failure> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(Started::Ended(status));
            }
            let output = self.output();
            if output.contains("\nready in ") {
                return Ok(Started::Ready);
            }
            if output.contains("not deployed") {
                return Failure::violation(format!(
                    "a recovered server does not deploy its package:\n{output}"
                ));
            }
            if start.elapsed() > START_TIME_MAX {
                return Failure::violation(format!(
                    "not ready after {START_TIME_MAX:?}:\n{output}"
                ));
            }
            std::thread::sleep(Duration::from_millis(4));
        }
    }

    /// The same, where ending is wrong.
    pub fn expect_ready(&mut self) -> Result<(), Failure> {
        match self.wait_ready()? {
            Started::Ready => Ok(()),
            Started::Ended(status) => Failure::violation(format!(
                "the server does not start again ({status}):\n{}",
                self.output_at_end()
            )),
        }
    }

    pub fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        on_files("waiting for the server", self.child.try_wait())
    }

    /// Waits for its end for so long.
    pub fn wait_end(&mut self, most: Duration) -> Result<Option<ExitStatus>, Failure> {
        let start = Instant::now();
        while start.elapsed() < most {
            if let Some(status) = self.ended()? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.ended()
    }

    /// SIGKILL.
    pub fn kill(&mut self) -> Result<(), Failure> {
        on_files("killing the server", self.child.kill())?;
        on_files("waiting for the server", self.child.wait()).map(drop)
    }

    /// SIGTERM, and its end.
    pub fn close(&mut self) -> Result<(), Failure> {
        let ended = kill_process(Pid::from_child(&self.child), Signal::TERM);
        on_files("ending the server", ended.map_err(Into::into))?;
        match self.wait_end(Duration::from_secs(30))? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Failure::violation(format!(
                "closing ended with {status}:\n{}",
                self.output_at_end()
            )),
            None => Failure::violation(format!("closing took more than 30 s:\n{}", self.output())),
        }
    }

    /// What it printed so far.
    pub fn output(&self) -> String {
        self.output
            .lock()
            .expect("no holder of this lock panics")
            .clone()
    }

    /// What it printed, once it has ended: the last lines may still be on their way.
    pub fn output_at_end(&self) -> String {
        std::thread::sleep(Duration::from_millis(50));
        self.output()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(from: impl Read + Send + 'static, into: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { return };
            let mut output = into.lock().expect("no holder of this lock panics");
            output.push_str(&line);
            output.push('\n');
        }
    });
}
