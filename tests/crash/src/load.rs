//! Load on a server until it dies: all clients at once and, where wanted, deploys of two versions in turn.
//! Always true: as long as the server lives, every request is answered, and with nothing but success or a declared
//! failure; a connection that ends earlier is a violation.

use crate::client::{Client, number};
use crate::failure::{Failure, on_files};
use crate::http::Connection;
use crate::server::{Server, Setup};
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A failpoint that was not reached by then is not reached.
const FAILPOINT_TIME_MAX: Duration = Duration::from_secs(12);

/// When the load ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// SIGKILL after so long.
    Killed(Duration),
    /// The server aborts at its failpoint.
    Aborted,
}

/// The package in two versions that may replace each other.
pub struct Versions {
    bodies: [String; 2],
    token: String,
}

impl Versions {
    pub fn read(setup: &Setup) -> Result<Versions, Failure> {
        let text = on_files(
            "the package",
            fs::read_to_string(setup.package.join("payments.rc")),
        )?;
        let other = text.replace("version: 1 }", "version: 2 }");
        if other == text {
            return Failure::trouble("the package has no `version: 1` to change");
        }
        let body = |text: String| {
            serde_json::json!({"files": [{"name": "payments.rc", "text": text}]}).to_string()
        };
        Ok(Versions {
            bodies: [body(text), body(other)],
            token: setup.token()?,
        })
    }

    /// Deploys in turn until stopped or until the server is gone.
    fn deploy(&self, port: u16, stop: &AtomicBool, count: &AtomicU64) -> Result<(), Failure> {
        let mut connection = Connection::open(port).map_err(Failure::Gone)?;
        let headers = format!("authorization: Bearer {}\r\n", self.token);
        // The first version is live: the server has deployed its folder.
        for body in self.bodies.iter().rev().cycle() {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let answer = connection
                .post("/deploy", &headers, body)
                .map_err(Failure::Gone)?;
            let json = answer.json();
            if answer.status != 200 || json["deployed"] != true || number(&json["epoch"]).is_none()
            {
                return Failure::violation(format!("a deploy was answered with {}", answer.text()));
            }
            count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Runs it, and counts the deploys.
pub fn load(
    server: &mut Server,
    clients: &mut [Client],
    versions: Option<&Versions>,
    until: Until,
) -> Result<u64, Failure> {
    let (stop, gone, deploys) = (
        AtomicBool::new(false),
        AtomicBool::new(false),
        AtomicU64::new(0),
    );
    let failures: Mutex<Vec<Failure>> = Mutex::new(Vec::new());
    let note = |result: Result<(), Failure>| match result {
        Ok(()) => {}
        Err(failure) => {
            gone.store(true, Ordering::Release);
            failures
                .lock()
                .expect("no holder of this lock panics")
                .push(failure);
        }
    };
    let port = server.port;
    let waited: Result<(), Failure> = std::thread::scope(|scope| {
        for client in clients.iter_mut() {
            let (stop, note) = (&stop, &note);
            scope.spawn(move || note(client.run(port, stop)));
        }
        if let Some(versions) = versions {
            let (stop, note, deploys) = (&stop, &note, &deploys);
            scope.spawn(move || note(versions.deploy(port, stop, deploys)));
        }
        let waited = wait(server, until, &gone);
        stop.store(true, Ordering::Release);
        if waited.is_err() {
            // So that no client waits for an answer that never comes.
            server.kill()?;
        }
        waited
    });
    let failures = failures
        .into_inner()
        .expect("no holder of this lock panics");
    if let Some(failure) = failures
        .into_iter()
        .find(|failure| !matches!(failure, Failure::Gone(_)))
    {
        return Err(failure);
    }
    waited?;
    Ok(deploys.into_inner())
}

fn wait(server: &mut Server, until: Until, gone: &AtomicBool) -> Result<(), Failure> {
    let start = Instant::now();
    let most = match until {
        Until::Killed(after) => after,
        Until::Aborted => FAILPOINT_TIME_MAX,
    };
    while start.elapsed() < most && !gone.load(Ordering::Acquire) {
        if server.ended()?.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    if gone.load(Ordering::Acquire) || server.ended()?.is_some() {
        if server.wait_end(Duration::from_secs(5))?.is_none() {
            return Failure::violation(format!(
                "a request failed while the server lived:\n{}",
                server.output()
            ));
        }
        if until != Until::Aborted {
            return Failure::violation(format!(
                "the server ended by itself:\n{}",
                server.output_at_end()
            ));
        }
        return Ok(());
    }
    server.kill()
}
