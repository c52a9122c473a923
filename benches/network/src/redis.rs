//! The peer: Debian's redis-server with every write synced, and the same transfer as a function of it.
//!
//! Always true: the peer gets the better deal. Its accounts are plain numbers unless asked otherwise, its log is not rewritten
//! in the run, and it keeps no index, no event and no invariant.

use crate::book::{FUNDS, Payment, id};
use crate::process::{Server, free_port};
use crate::{Arguments, Fallible};
use std::io::Write as _;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const NUMBERS: &str = "#!lua name=ledger
redis.register_function('pay', function(keys, args)
  if keys[1] == keys[2] then return redis.error_reply('SameAccount') end
  local amount = tonumber(args[1])
  local payer = redis.call('GET', keys[1])
  if not payer then return redis.error_reply('NoAccount') end
  if not redis.call('GET', keys[2]) then return redis.error_reply('NoAccount') end
  if tonumber(payer) < amount then return redis.error_reply('Insufficient') end
  redis.call('INCRBY', keys[2], amount)
  return redis.call('DECRBY', keys[1], amount)
end)";

const HASHES: &str = "#!lua name=ledger
redis.register_function('pay', function(keys, args)
  if keys[1] == keys[2] then return redis.error_reply('SameAccount') end
  local amount = tonumber(args[1])
  local payer = redis.call('HGET', keys[1], 'balance')
  if not payer then return redis.error_reply('NoAccount') end
  if not redis.call('HGET', keys[2], 'balance') then return redis.error_reply('NoAccount') end
  if tonumber(payer) < amount then return redis.error_reply('Insufficient') end
  redis.call('HINCRBY', keys[2], 'balance', amount)
  return redis.call('HINCRBY', keys[1], 'balance', -amount)
end)";

pub struct Redis {
    pub port: u16,
    hashes: bool,
    server: Server,
    // Removed after the server has ended: fields go in this order.
    folder: TempDir,
}

impl Redis {
    /// `None` where the machine has no redis-server.
    pub async fn start(arguments: &Arguments) -> Fallible<Option<Redis>> {
        if std::process::Command::new("redis-server")
            .arg("--version")
            .output()
            .is_err()
        {
            return Ok(None);
        }
        let folder = tempfile::Builder::new()
            .prefix("bench-redis-")
            .tempdir_in(&arguments.folder)?;
        let port = free_port()?;
        let (port_text, folder_text) = (port.to_string(), folder.path().display().to_string());
        let words = [
            "redis-server",
            "--port",
            &port_text,
            "--bind",
            "127.0.0.1",
            "--dir",
            &folder_text,
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--save",
            "",
            "--auto-aof-rewrite-percentage",
            "0",
            "--daemonize",
            "no",
        ];
        let log = folder.path().join("output");
        let mut server = Server::start("redis-server", &words, arguments.server_cpu(), &log, &[])?;
        let started = Instant::now();
        let mut connection = loop {
            server.expect_alive(&log)?;
            match Connection::open(port).await {
                Ok(connection) => break connection,
                Err(error) if started.elapsed() > Duration::from_secs(10) => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let hashes = arguments.redis_hashes;
        let code = if hashes { HASHES } else { NUMBERS };
        connection.command(&["FUNCTION", "LOAD", code]).await?;
        let redis = Redis {
            port,
            hashes,
            server,
            folder,
        };
        redis.fill(&mut connection, arguments.accounts).await?;
        Ok(Some(redis))
    }

    pub fn process(&self) -> u32 {
        self.server.process()
    }

    /// Bytes of its log so far.
    pub fn log_bytes(&self) -> Fallible<u64> {
        let mut bytes = 0;
        for file in std::fs::read_dir(self.folder.path().join("appendonlydir"))? {
            bytes += file?.metadata()?.len();
        }
        Ok(bytes)
    }

    async fn fill(&self, connection: &mut Connection, accounts: u64) -> Fallible<()> {
        let funds = FUNDS.to_string();
        for first in (0..accounts).step_by(1_000) {
            let group = first..(first + 1_000).min(accounts);
            for index in group.clone() {
                let key = format!("a:{}", id(index));
                if self.hashes {
                    connection.put(&[
                        "HSET",
                        &key,
                        "owner",
                        "alice",
                        "balance",
                        &funds,
                        "opened_at",
                        "0",
                    ]);
                } else {
                    connection.put(&["SET", &key, &funds]);
                }
            }
            connection.flush(group.count(), |_| Ok(())).await?;
        }
        Ok(())
    }

    /// Every account's balance, by index.
    pub async fn balances(&self, accounts: u64) -> Fallible<Vec<u64>> {
        let mut connection = Connection::open(self.port).await?;
        let mut balances = Vec::with_capacity(accounts as usize);
        for first in (0..accounts).step_by(1_000) {
            let group = first..(first + 1_000).min(accounts);
            for index in group.clone() {
                // A number as a reply of one line, whatever holds it: adding nothing is no write to the answer.
                let key = format!("a:{}", id(index));
                if self.hashes {
                    connection.put(&["HINCRBY", &key, "balance", "0"]);
                } else {
                    connection.put(&["INCRBY", &key, "0"]);
                }
            }
            let take = |reply: &str| {
                balances.push(reply.strip_prefix(':').ok_or("no number")?.parse()?);
                Ok(())
            };
            connection.flush(group.count(), take).await?;
        }
        Ok(balances)
    }
}

pub struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    waiting: Vec<u8>,
}

impl Connection {
    pub async fn open(port: u16) -> Fallible<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            out: Vec::new(),
            waiting: Vec::new(),
        })
    }

    fn put(&mut self, words: &[&str]) {
        // Writing to a vector cannot fail.
        let _ = write!(self.out, "*{}\r\n", words.len());
        for word in words {
            let _ = write!(self.out, "${}\r\n{word}\r\n", word.len());
        }
    }

    /// One command whose answer matters only when it is an error.
    async fn command(&mut self, words: &[&str]) -> Fallible<()> {
        self.put(words);
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        let mut answer = vec![0; 1_024];
        let length = self.stream.read(&mut answer).await?;
        if answer[..length].first().is_none_or(|kind| *kind == b'-') {
            return Err(String::from_utf8_lossy(&answer[..length])
                .into_owned()
                .into());
        }
        Ok(())
    }

    /// Sends the payments at once and waits for all replies.
    pub async fn pay(&mut self, payments: &[Payment]) -> Fallible<()> {
        let mut number = [Vec::new(), Vec::new(), Vec::new()];
        for payment in payments {
            for (text, value) in
                number
                    .iter_mut()
                    .zip([payment.from(), payment.to(), payment.amount])
            {
                text.clear();
                let _ = write!(text, "{value}");
            }
            let [from, to, amount] = &number;
            self.out
                .extend_from_slice(b"*6\r\n$5\r\nFCALL\r\n$3\r\npay\r\n$1\r\n2\r\n");
            for (prefix, text) in [("a:", from), ("a:", to), ("", amount)] {
                let _ = write!(self.out, "${}\r\n{prefix}", prefix.len() + text.len());
                self.out.extend_from_slice(text);
                self.out.extend_from_slice(b"\r\n");
            }
        }
        self.flush(payments.len(), |reply| {
            if reply.starts_with(':') {
                Ok(())
            } else {
                Err(reply.into())
            }
        })
        .await
    }

    /// Sends what was put and takes `count` replies of one line each.
    async fn flush(
        &mut self,
        count: usize,
        mut take: impl FnMut(&str) -> Fallible<()>,
    ) -> Fallible<()> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        let mut left = count;
        while left > 0 {
            if self.stream.read_buf(&mut self.waiting).await? == 0 {
                return Err("redis-server closed the connection".into());
            }
            let mut used = 0;
            while let Some(length) = self.waiting[used..].iter().position(|byte| *byte == b'\n') {
                let line = std::str::from_utf8(&self.waiting[used..used + length])?.trim_end();
                if line.starts_with('-') {
                    return Err(line.into());
                }
                take(line)?;
                used += length + 1;
                left = left.checked_sub(1).ok_or("more replies than commands")?;
            }
            self.waiting.drain(..used);
        }
        Ok(())
    }
}
