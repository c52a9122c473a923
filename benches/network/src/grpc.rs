//! The client's side of `/ledger.Ledger/PayStream`, by hand on h2: messages out, as many outcomes back, in order.
//!
//! ```text
//!   request  { from = 1, to = 2, amount = 3: varints }        outcome { ok = 1 | failure = 2: message, op = 3 }
//!   on the wire each message follows a zero byte and its length in four bytes, big end first
//! ```

use crate::Fallible;
use crate::book::Payment;
use bytes::{Buf as _, Bytes, BytesMut};
use h2::{RecvStream, SendStream};
use http::Request;
use tokio::net::TcpStream;

/// Bytes before a message: not compressed, length.
const PREFIX_BYTES: usize = 5;
/// The key of an outcome's field 1, length-delimited: the payment was made.
const OUTCOME_OK: u8 = 1 << 3 | 2;

pub struct PayStream {
    send: SendStream<Bytes>,
    receive: RecvStream,
    waiting: BytesMut,
}

impl PayStream {
    /// A connection of its own with one stream; `session` makes its payments exactly-once.
    pub async fn open(port: u16, session: Option<&str>) -> Fallible<PayStream> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = h2::client::Builder::new()
            .initial_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .handshake::<_, Bytes>(stream)
            .await?;
        // It ends when the stream does; what breaks it is seen on the stream.
        tokio::task::spawn_local(async move { drop(connection.await) });
        let mut request = Request::post(format!("http://127.0.0.1:{port}/ledger.Ledger/PayStream"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if let Some(session) = session {
            request = request.header("idempotency-key", format!("{session}/1"));
        }
        let (response, send) = requests
            .ready()
            .await?
            .send_request(request.body(())?, false)?;
        let response = response.await?;
        if response.status() != 200 || response.headers().contains_key("grpc-status") {
            return Err(format!("the stream was refused: {response:?}").into());
        }
        Ok(PayStream {
            send,
            receive: response.into_body(),
            waiting: BytesMut::new(),
        })
    }

    /// Sends the payments at once and waits until each is acknowledged.
    pub async fn pay(&mut self, payments: &[Payment]) -> Fallible<()> {
        let mut message = Vec::with_capacity(payments.len() * 32);
        for payment in payments {
            write_message(payment, &mut message);
        }
        self.send.send_data(message.into(), false)?;
        let mut left = payments.len();
        while left > 0 {
            let Some(chunk) = self.receive.data().await else {
                return Err(
                    format!("the stream ended: {:?}", self.receive.trailers().await?).into(),
                );
            };
            let chunk = chunk?;
            self.receive.flow_control().release_capacity(chunk.len())?;
            self.waiting.extend_from_slice(&chunk);
            while let Some(outcome) = self.take_message() {
                if outcome.first() != Some(&OUTCOME_OK) {
                    return Err(
                        format!("a payment failed: {}", String::from_utf8_lossy(&outcome)).into(),
                    );
                }
                left = left.checked_sub(1).ok_or("more outcomes than payments")?;
            }
        }
        Ok(())
    }

    fn take_message(&mut self) -> Option<BytesMut> {
        let prefix = self.waiting.get(1..PREFIX_BYTES)?;
        let length = u32::from_be_bytes(prefix.try_into().ok()?) as usize;
        if self.waiting.len() < PREFIX_BYTES + length {
            return None;
        }
        self.waiting.advance(PREFIX_BYTES);
        Some(self.waiting.split_to(length))
    }

    /// Ends the stream; the server has to agree that all went well.
    pub async fn close(mut self) -> Fallible<()> {
        self.send.send_data(Bytes::new(), true)?;
        if let Some(chunk) = self.receive.data().await {
            return Err(format!("outcomes that nothing asked for: {:?}", chunk?).into());
        }
        let trailers = self.receive.trailers().await?;
        match trailers
            .as_ref()
            .and_then(|trailers| trailers.get("grpc-status"))
        {
            Some(status) if status == "0" => Ok(()),
            _ => Err(format!("the stream ended badly: {trailers:?}").into()),
        }
    }
}

fn write_message(payment: &Payment, into: &mut Vec<u8>) {
    let start = into.len();
    into.extend([0; PREFIX_BYTES]);
    for (field, value) in [
        (1u8, payment.from()),
        (2, payment.to()),
        (3, payment.amount),
    ] {
        // Zero is the default and is left out, as every protobuf writer does.
        if value != 0 {
            into.push(field << 3);
            write_varint(value, into);
        }
    }
    let length = (into.len() - start - PREFIX_BYTES) as u32;
    into[start + 1..start + PREFIX_BYTES].copy_from_slice(&length.to_be_bytes());
}

fn write_varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}
