//! One gRPC stream over a connection of its own: HTTP/2 frames below, messages above. The only file that knows h2.
//!
//! Always true: what is handed over is held until the node makes room for it (HTTP/2 flow control); an answer's size is
//! bounded; who reads also writes, so that neither side waits for the other for ever.

use crate::address::Address;
use crate::problem::Problem;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use std::future::{Future, poll_fn};
use std::net::{TcpStream, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use ureq::http::{HeaderMap, Request, Response, StatusCode, Version};

/// Bytes of an outcome at most.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Bytes that the node may send before they are read.
const WINDOW_BYTES: u32 = 1 << 20;
/// Bytes of a refusal's body that are read.
const REFUSAL_BYTES_MAX: usize = 64 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// Why a stream does not go on.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// There is no connection: nothing was sent.
    #[error("{0}")]
    Unreachable(String),
    /// The node refused the stream before it read any message.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// It broke on the way.
    #[error("{0}")]
    Broken(String),
}

fn broken(error: h2::Error) -> LinkError {
    LinkError::Broken(error.to_string())
}

/// What happened on the stream.
pub enum Event {
    /// Messages of the node's may be there.
    Received,
    /// Everything that was handed over is on its way.
    Sent,
    /// The node has ended the stream in good order.
    Ended,
}

enum Receive {
    Waiting(ResponseFuture),
    Open(RecvStream),
}

/// An open stream.
pub struct Link {
    send: SendStream<Bytes>,
    receive: Receive,
    outgoing: BytesMut,
    incoming: BytesMut,
    closed: bool,
    connection: tokio::task::JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Link {
    /// Connects and opens a stream of the method at `path`.
    pub async fn open(
        address: &Address,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Link, LinkError> {
        let unreachable = |error: &dyn std::fmt::Display| LinkError::Unreachable(error.to_string());
        let socket = connect(address).map_err(|error| unreachable(&error))?;
        let socket =
            tokio::net::TcpStream::from_std(socket).map_err(|error| unreachable(&error))?;
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES);
        let shaken = tokio::time::timeout(CONNECT_TIMEOUT, builder.handshake::<_, Bytes>(socket))
            .await
            .map_err(|_| LinkError::Unreachable("it does not speak HTTP/2".to_owned()))?;
        let (requests, connection) = shaken.map_err(|error| unreachable(&error))?;
        let connection = tokio::spawn(async move {
            // Its end is seen by the stream.
            let _ = connection.await;
        });
        let mut request = Request::post(format!("{address}{path}"))
            .version(Version::HTTP_2)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header(
                "user-agent",
                concat!("rc-client/", env!("CARGO_PKG_VERSION")),
            );
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(()).map_err(|error| unreachable(&error))?;
        let mut requests = requests
            .ready()
            .await
            .map_err(|error| unreachable(&error))?;
        let (response, send) = requests
            .send_request(request, false)
            .map_err(|error| unreachable(&error))?;
        Ok(Link {
            send,
            receive: Receive::Waiting(response),
            outgoing: BytesMut::new(),
            incoming: BytesMut::new(),
            closed: false,
            connection,
        })
    }

    /// Hands a message over.
    pub fn put(&mut self, message: &[u8]) {
        self.outgoing.put_u8(0);
        self.outgoing.put_u32(message.len() as u32);
        self.outgoing.put_slice(message);
    }

    /// Bytes that wait for room at the node.
    pub fn backlog_bytes(&self) -> usize {
        self.outgoing.len()
    }

    /// The next message of the node's, if a whole one is there.
    pub fn take(&mut self) -> Result<Option<Bytes>, LinkError> {
        let Some((head, rest)) = self.incoming.split_first_chunk::<5>() else {
            return Ok(None);
        };
        let [compressed, length @ ..] = *head;
        let length = u32::from_be_bytes(length) as usize;
        if compressed != 0 || length > MESSAGE_BYTES_MAX {
            return Err(LinkError::Broken(
                "an answer that is compressed or too large".to_owned(),
            ));
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.incoming.advance(5);
        Ok(Some(self.incoming.split_to(length).freeze()))
    }

    /// Says that no more messages come. What was handed over must be sent.
    pub fn close(&mut self) -> Result<(), LinkError> {
        if !self.closed {
            self.closed = true;
            self.send.send_data(Bytes::new(), true).map_err(broken)?;
        }
        Ok(())
    }

    /// Sends and receives until something has happened.
    pub async fn next(&mut self) -> Result<Event, LinkError> {
        loop {
            let step = tokio::time::timeout(ANSWER_TIMEOUT, poll_fn(|context| self.poll(context)));
            match step.await {
                Err(_) => {
                    let seconds = ANSWER_TIMEOUT.as_secs();
                    return Err(LinkError::Broken(format!("no answer for {seconds} s")));
                }
                Ok(Step::Happened(event)) => return Ok(event),
                Ok(Step::Failed(error)) => return Err(error),
                Ok(Step::Headed(response)) => self.head(response).await?,
                Ok(Step::Ended) => return self.ended().await,
            }
        }
    }

    /// Lets what was sent reach the socket.
    pub async fn flush(&self) {
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        match &mut self.receive {
            Receive::Waiting(response) => {
                if let Poll::Ready(response) = Pin::new(response).poll(context) {
                    return Poll::Ready(match response {
                        Ok(response) => Step::Headed(response),
                        Err(error) => Step::Failed(broken(error)),
                    });
                }
            }
            Receive::Open(body) => match body.poll_data(context) {
                Poll::Ready(Some(Ok(data))) => {
                    // The window is the connection's; it cannot be given back twice.
                    let _ = body.flow_control().release_capacity(data.len());
                    self.incoming.extend_from_slice(&data);
                    return Poll::Ready(Step::Happened(Event::Received));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Step::Failed(broken(error))),
                Poll::Ready(None) => return Poll::Ready(Step::Ended),
                Poll::Pending => {}
            },
        }
        while !self.outgoing.is_empty() {
            self.send.reserve_capacity(self.outgoing.len());
            let room = match self.send.capacity() {
                0 => match self.send.poll_capacity(context) {
                    Poll::Ready(Some(Ok(room))) => room,
                    Poll::Ready(Some(Err(error))) => {
                        return Poll::Ready(Step::Failed(broken(error)));
                    }
                    // The stream takes no more: why is told by what is received.
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                },
                room => room,
            };
            let part = self.outgoing.split_to(room.min(self.outgoing.len()));
            if part.is_empty() {
                continue;
            }
            if let Err(error) = self.send.send_data(part.freeze(), false) {
                return Poll::Ready(Step::Failed(broken(error)));
            }
            if self.outgoing.is_empty() {
                return Poll::Ready(Step::Happened(Event::Sent));
            }
        }
        Poll::Pending
    }

    /// The node has begun to answer, or refuses.
    async fn head(&mut self, response: Response<RecvStream>) -> Result<(), LinkError> {
        let (head, mut body) = response.into_parts();
        if let Some(problem) = refusal(&head.headers) {
            return Err(LinkError::Refused(Box::new(problem)));
        }
        if head.status != StatusCode::OK {
            let mut text = BytesMut::new();
            while let Some(Ok(part)) = body.data().await {
                let _ = body.flow_control().release_capacity(part.len());
                if text.len() + part.len() <= REFUSAL_BYTES_MAX {
                    text.extend_from_slice(&part);
                }
            }
            let problem = Problem::of_body(head.status.as_u16(), &text);
            return Err(LinkError::Refused(Box::new(problem)));
        }
        self.receive = Receive::Open(body);
        Ok(())
    }

    async fn ended(&mut self) -> Result<Event, LinkError> {
        let Receive::Open(body) = &mut self.receive else {
            return Err(LinkError::Broken("an answer without a head".to_owned()));
        };
        match body.trailers().await.map_err(broken)? {
            Some(trailers) => match refusal(&trailers) {
                None if trailers.contains_key("grpc-status") => Ok(Event::Ended),
                None => Err(LinkError::Broken("no status came".to_owned())),
                Some(problem) => Err(LinkError::Broken(problem.to_string())),
            },
            None => Err(LinkError::Broken("no status came".to_owned())),
        }
    }
}

enum Step {
    Happened(Event),
    Headed(Response<RecvStream>),
    Ended,
    Failed(LinkError),
}

/// Tries the addresses of a name in turn.
fn connect(address: &Address) -> std::io::Result<TcpStream> {
    let host = address.host.trim_matches(['[', ']']);
    let mut last = std::io::Error::other(format!("{host} has no address"));
    for candidate in (host, address.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&candidate, CONNECT_TIMEOUT) {
            Ok(socket) => {
                socket.set_nodelay(true)?;
                socket.set_nonblocking(true)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The problem that a gRPC status tells; none for status 0 and where no status is.
fn refusal(headers: &HeaderMap) -> Option<Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let code: u32 = text("grpc-status")?.parse().unwrap_or(2);
    let kind = text("recurrent-problem");
    let (status, usual) = match code {
        0 => return None,
        3 => (400, "bad-arguments"),
        5 | 12 => (404, "not-found"),
        6 | 10 => (409, "conflict"),
        7 => (403, "forbidden"),
        8 if kind.is_none_or(|kind| kind == "busy") => (429, "busy"),
        8 => (507, "exhausted"),
        9 => (422, "refused"),
        14 => (503, "unavailable"),
        16 => (401, "unauthorized"),
        _ => (500, "internal"),
    };
    let detail = unescaped(text("grpc-message").unwrap_or_default());
    Some(Problem {
        code: text("recurrent-code").map(str::to_owned),
        fields: text("recurrent-fields").and_then(|fields| serde_json::from_str(fields).ok()),
        ..Problem::new(status, kind.unwrap_or(usual), detail)
    })
}

/// gRPC messages are percent-encoded UTF-8.
fn unescaped(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let escaped = after
            .split_first_chunk::<2>()
            .filter(|_| *first == b'%')
            .and_then(|(digits, after)| {
                let digits = std::str::from_utf8(digits).ok()?;
                Some((u8::from_str_radix(digits, 16).ok()?, after))
            });
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_become_problems() {
        let mut headers = HeaderMap::new();
        assert_eq!(refusal(&headers), None);
        headers.insert("grpc-status", "0".parse().unwrap());
        assert_eq!(refusal(&headers), None);
        headers.insert("grpc-status", "16".parse().unwrap());
        headers.insert("grpc-message", "gr%C3%BC%C3%9Fe 100%".parse().unwrap());
        let problem = refusal(&headers).unwrap();
        assert_eq!(
            (problem.status, problem.label(), problem.detail.as_str()),
            (401, "unauthorized", "grüße 100%")
        );
        headers.insert("grpc-status", "8".parse().unwrap());
        assert_eq!(refusal(&headers).unwrap().status, 429);
        headers.insert("recurrent-problem", "log-refused".parse().unwrap());
        let problem = refusal(&headers).unwrap();
        assert_eq!((problem.status, problem.label()), (507, "log-refused"));
    }
}
