//! A running `rcd dev` with the ledger: started, filled, asked for its metrics and balances.

use crate::book::{FUNDS, id};
use crate::http_client::{Connection, head, write_request};
use crate::process::{Server, free_port};
use crate::{Arguments, Fallible};
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Lines of one bulk request; the client library sends as many.
pub const BULK_LINES: usize = 4_096;
/// How long a server may take to come up.
const START_MAX: Duration = Duration::from_secs(30);

pub struct Ledger {
    pub port: u16,
    server: Server,
    token: String,
    // Removed after the server has ended: fields go in this order.
    _data: TempDir,
}

/// What `GET /metrics` says, since the start.
#[derive(Clone, Copy)]
pub struct Metrics {
    pub batches: u64,
    pub ops: u64,
    pub log_bytes: u64,
    pub events: u64,
    pub event_bytes: u64,
}

impl Metrics {
    /// `ops per batch, log bytes and event bytes per payment` between two readings.
    pub fn since(&self, before: &Metrics, payments: u64) -> String {
        let each = |later: u64, earlier: u64| (later - earlier) as f64 / payments as f64;
        format!(
            "{:.0} ops per synced batch, {:.1} log bytes and {:.1} event bytes per payment",
            (self.ops - before.ops) as f64 / (self.batches - before.batches).max(1) as f64,
            each(self.log_bytes, before.log_bytes),
            each(self.event_bytes, before.event_bytes),
        )
    }
}

impl Ledger {
    pub async fn start(arguments: &Arguments) -> Fallible<Ledger> {
        Ledger::serve(arguments, &arguments.package, false).await
    }

    /// Serves a package's folder and waits until its machine code is installed.
    pub async fn serve(arguments: &Arguments, package: &Path, watching: bool) -> Fallible<Ledger> {
        let data = tempfile::Builder::new()
            .prefix("bench-rcd-")
            .tempdir_in(&arguments.folder)?;
        let port = free_port()?;
        let (port_text, data_text) = (
            port.to_string(),
            data.path().join("data").display().to_string(),
        );
        let (program, folder) = (
            arguments.rcd.display().to_string(),
            package.display().to_string(),
        );
        let mut words = vec![
            program.as_str(),
            "dev",
            &folder,
            "--data",
            &data_text,
            "--port",
            &port_text,
        ];
        if !watching {
            words.push("--no-watch");
        }
        let log = data.path().join("output");
        // The token's copy for `rcc` belongs in this run's folder, too.
        let environment = [("XDG_CONFIG_HOME", data.path())];
        let mut server = Server::start("rcd", &words, arguments.server_cpu(), &log, &environment)?;
        let started = Instant::now();
        loop {
            server.expect_alive(&log)?;
            if let Ok(mut connection) = Connection::open(port).await
                && let Ok(catalog) = get(&mut connection, port, "/catalog").await
                && catalog.contains("\"compiled\":true")
            {
                break;
            }
            if started.elapsed() > START_MAX {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(
                    format!("the ledger is not served after {START_MAX:?}:\n{said}").into(),
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let token = std::fs::read_to_string(data.path().join("data/token"))?
            .trim()
            .to_string();
        Ok(Ledger {
            port,
            server,
            token,
            _data: data,
        })
    }

    pub fn process(&self) -> u32 {
        self.server.process()
    }

    /// Opens and funds every account, through bulk requests.
    pub async fn fill(&self, accounts: u64) -> Fallible<()> {
        let started = Instant::now();
        let open = |index: u64, body: &mut String| {
            let _ = writeln!(body, "{{\"id\":\"{}\",\"owner\":\"alice\"}}", id(index));
        };
        self.bulk("open", accounts, open, |_| Ok(())).await?;
        let mint = |index: u64, body: &mut String| {
            let _ = writeln!(body, "{{\"to\":\"{}\",\"amount\":\"{FUNDS}\"}}", id(index));
        };
        self.bulk("mint", accounts, mint, |_| Ok(())).await?;
        println!(
            "opened and funded in {:.1} s",
            started.elapsed().as_secs_f64()
        );
        Ok(())
    }

    /// Every account's balance, by index.
    pub async fn balances(&self, accounts: u64) -> Fallible<Vec<u64>> {
        let mut balances = Vec::with_capacity(accounts as usize);
        let line = |index: u64, body: &mut String| {
            let _ = writeln!(body, "{{\"id\":\"{}\"}}", id(index));
        };
        self.bulk("balance", accounts, line, |result| {
            balances.push(result.trim_matches('"').parse()?);
            Ok(())
        })
        .await?;
        Ok(balances)
    }

    async fn bulk(
        &self,
        command: &str,
        count: u64,
        write: impl Fn(u64, &mut String),
        mut take: impl FnMut(&str) -> Fallible<()>,
    ) -> Fallible<()> {
        let headers = format!(
            "content-type: application/x-ndjson\r\nauthorization: Bearer {}\r\nrecurrent-roles: treasurer\r\n",
            self.token
        );
        let head = head(self.port, "POST", &format!("/ledger/{command}"), &headers);
        let mut connection = Connection::open(self.port).await?;
        let (mut body, mut request) = (String::new(), Vec::new());
        let mut index = 0;
        while index < count {
            let end = (index + BULK_LINES as u64).min(count);
            body.clear();
            (index..end).for_each(|index| write(index, &mut body));
            write_request(&head, body.as_bytes(), &mut request);
            let answer = connection.exchange(&request).await?;
            answer.expect_ok(command)?;
            let mut answered = 0;
            for line in std::str::from_utf8(answer.body)?.lines() {
                let result = line
                    .strip_prefix("{\"ok\":")
                    .and_then(|rest| rest.strip_suffix('}'));
                take(result.ok_or_else(|| format!("{command}: {line}"))?)?;
                answered += 1;
            }
            if answered != end - index {
                return Err(
                    format!("{command}: {answered} answers to {} lines", end - index).into(),
                );
            }
            index = end;
        }
        Ok(())
    }

    pub async fn metrics(&self) -> Fallible<Metrics> {
        let text = get(
            &mut Connection::open(self.port).await?,
            self.port,
            "/metrics",
        )
        .await?;
        let value = |name: &str| -> Fallible<u64> {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            Ok(line.ok_or_else(|| format!("no metric {name}"))?.parse()?)
        };
        Ok(Metrics {
            batches: value("recurrent_batches_total")?,
            ops: value("recurrent_ops_total")?,
            log_bytes: value("recurrent_log_bytes_total")?,
            events: value("recurrent_events_total")?,
            event_bytes: value("recurrent_event_bytes")?,
        })
    }
}

/// The text of a page.
pub async fn get(connection: &mut Connection, port: u16, path: &str) -> Fallible<String> {
    let mut request = Vec::new();
    write_request(&head(port, "GET", path, ""), &[], &mut request);
    let answer = connection.exchange(&request).await?;
    answer.expect_ok(path)?;
    Ok(String::from_utf8(answer.body.to_vec())?)
}
