//! As much of HTTP/1.1 as the harness needs: keep-alive requests with a body, and the event stream.
//! Always true: every wait ends; an error leaves the connection unusable.

use crate::failure::Failure;
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// No answer for so long counts as a hang.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);
const BODY_BYTES_MAX: usize = 64 << 20;

pub struct Connection {
    stream: BufReader<TcpStream>,
    port: u16,
}

/// A whole answer.
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    /// The `recurrent-op` header.
    pub op: Option<u64>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; `Null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The `code` of a problem document, or nothing.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_string()
    }

    pub fn text(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

fn cut(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, what.to_string())
}

impl Connection {
    pub fn open(port: u16) -> io::Result<Connection> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let stream = TcpStream::connect_timeout(&address, CONNECT_TIME_MAX)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
        stream.set_write_timeout(Some(ANSWER_TIME_MAX))?;
        Ok(Connection {
            stream: BufReader::new(stream),
            port,
        })
    }

    /// One request and its answer. `headers` are whole lines, each with its line end.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> io::Result<Answer> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut answer, length) = self.head()?;
        let length = length.ok_or_else(|| cut("an answer without a length"))?;
        answer.body = vec![0; length.min(BODY_BYTES_MAX)];
        self.stream.read_exact(&mut answer.body)?;
        Ok(answer)
    }

    pub fn post(&mut self, path: &str, headers: &str, body: &str) -> io::Result<Answer> {
        self.send("POST", path, headers, body)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(cut("the connection was closed"));
        }
        Ok(line.trim_end().to_string())
    }

    fn head(&mut self) -> io::Result<(Answer, Option<usize>)> {
        let first = self.line()?;
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| cut("no HTTP status"))?;
        let mut answer = Answer {
            status,
            content_type: String::new(),
            op: None,
            body: Vec::new(),
        };
        let mut length = None;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok((answer, length));
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok(),
                "content-type" => answer.content_type = value.trim().to_string(),
                "recurrent-op" => answer.op = value.trim().parse().ok(),
                _ => {}
            }
        }
    }
}

/// An event of the feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub op: u64,
    pub k: u32,
    pub name: String,
    pub data: Value,
}

/// Reads events from an op on until `is_last` says so, and that one.
pub fn read_events(
    port: u16,
    from: u64,
    is_last: impl Fn(&Event) -> bool,
) -> Result<Vec<Event>, Failure> {
    let mut connection = Connection::open(port).map_err(Failure::Gone)?;
    let request = format!("GET /events?from={from} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n");
    connection
        .stream
        .get_mut()
        .write_all(request.as_bytes())
        .map_err(Failure::Gone)?;
    let (head, _) = connection.head().map_err(Failure::Gone)?;
    if head.status != 200 {
        return Failure::violation(format!("the event feed answered {}", head.status));
    }
    let (mut text, mut events) = (String::new(), Vec::new());
    loop {
        let size = connection.line().map_err(Failure::Gone)?;
        let Ok(size @ 1..) = usize::from_str_radix(&size, 16) else {
            return Failure::violation(format!(
                "the event feed ended after {} events",
                events.len()
            ));
        };
        let mut chunk = vec![0; size.min(BODY_BYTES_MAX)];
        connection
            .stream
            .read_exact(&mut chunk)
            .map_err(Failure::Gone)?;
        connection.line().map_err(Failure::Gone)?;
        text.push_str(&String::from_utf8_lossy(&chunk));
        while let Some(end) = text.find("\n\n") {
            let block: String = text.drain(..end + 2).collect();
            if block.starts_with(':') {
                continue;
            }
            let Some(event) = event(&block) else {
                return Failure::violation(format!("the feed sent what is no event: {block:?}"));
            };
            let last = is_last(&event);
            events.push(event);
            if last {
                return Ok(events);
            }
        }
    }
}

fn event(block: &str) -> Option<Event> {
    let field = |name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let (op, k) = field("id")?.split_once('.')?;
    Some(Event {
        op: op.parse().ok()?,
        k: k.parse().ok()?,
        name: field("event")?.to_string(),
        data: serde_json::from_str(field("data")?).ok()?,
    })
}
