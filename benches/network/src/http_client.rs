//! HTTP/1.1 on a kept-alive connection, as little of it as the rows need: answers have a content length.

use crate::Fallible;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Bytes of the buffer that the last answer took.
    used: usize,
}

/// An answer; the body stands in the connection's buffer.
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

impl Answer<'_> {
    pub fn expect_ok(&self, what: &str) -> Fallible<()> {
        if self.status == 200 {
            return Ok(());
        }
        Err(format!(
            "{what}: {} {}",
            self.status,
            String::from_utf8_lossy(&self.body[..self.body.len().min(600)])
        )
        .into())
    }
}

impl Connection {
    pub async fn open(port: u16) -> Fallible<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            buffer: Vec::with_capacity(16 << 10),
            used: 0,
        })
    }

    /// Sends a whole request and waits for its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Fallible<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.drain(..self.used);
        self.used = 0;
        let head = loop {
            if let Some(end) = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                break end + 4;
            }
            self.read_more().await?;
        };
        let (status, length) = read_head(&self.buffer[..head])?;
        self.buffer
            .reserve((head + length).saturating_sub(self.buffer.len()));
        while self.buffer.len() < head + length {
            self.read_more().await?;
        }
        self.used = head + length;
        Ok(Answer {
            status,
            body: &self.buffer[head..head + length],
        })
    }

    async fn read_more(&mut self) -> Fallible<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(()),
        }
    }
}

fn read_head(head: &[u8]) -> Fallible<(u16, usize)> {
    let text = std::str::from_utf8(head)?;
    let status = text.get(9..12).unwrap_or_default().parse()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim())
    });
    Ok((
        status,
        length.ok_or("an answer without content-length")?.parse()?,
    ))
}

/// A request's text up to the body's length.
pub fn head(port: u16, method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{headers}content-length: ")
}

/// Writes a whole request.
pub fn write_request(head: &str, body: &[u8], into: &mut Vec<u8>) {
    use std::io::Write as _;
    into.clear();
    into.extend_from_slice(head.as_bytes());
    // Writing to a vector cannot fail.
    let _ = write!(into, "{}\r\n\r\n", body.len());
    into.extend_from_slice(body);
}
