//! The paying clients. Each has one call under way at a time, numbers its calls, and keeps what was acknowledged.
//!
//! Always true: a call without an answer is sent again, with the same key and the same body, before any other; what
//! was answered is never sent again.

use crate::disk_clock::DiskClock;
use crate::failure::Failure;
use crate::http::{Answer, Connection};
use crate::random::Random;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Accounts, numbered from 1.
pub const ACCOUNTS: u64 = 12;
/// What each account starts with; small enough that some payments are refused.
pub const OPENING_BALANCE: u64 = 2_000;
const AMOUNT_MAX: u64 = 120;
/// Between two payments of one client: a run is about kills, not about rates.
const PAUSE: Duration = Duration::from_micros(500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    pub number: u64,
    pub from: u64,
    pub to: u64,
    pub amount: u64,
}

/// What a server said about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done; what the payer has left.
    Paid { left: u64 },
    /// The payer has not enough.
    Insufficient,
}

#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    pub payment: Payment,
    pub outcome: Outcome,
    /// The op, unless the answer came for a repeated call: that one was ordered again.
    pub op: Option<u64>,
    /// Where the disk stood when the payment was sent first, and when its answer was there.
    sent_at: u64,
    answered_at: u64,
}

pub struct Client {
    name: String,
    identity: u64,
    random: Random,
    sequence: u64,
    pending: Option<Payment>,
    /// Where the disk stood when the pending payment was sent first.
    sent_at: u64,
    clock: DiskClock,
    pub acknowledged: Vec<Acknowledged>,
    /// Unanswered calls that were sent again, and those of them that had been done before.
    pub retried: u64,
}

impl Client {
    pub fn new(run: u64, identity: u64) -> Client {
        Client {
            name: format!("client-{run}-{identity}"),
            identity,
            random: Random::new(run ^ identity << 32),
            sequence: 0,
            pending: None,
            sent_at: 0,
            clock: DiskClock::default(),
            acknowledged: Vec::new(),
            retried: 0,
        }
    }

    /// The same client on a recorded disk.
    pub fn on(self, clock: &DiskClock) -> Client {
        Client {
            clock: clock.clone(),
            ..self
        }
    }

    /// The client as it was when the disk stood there: what was answered later is pending, what was sent later is unknown.
    pub fn as_of(&self, position: u64) -> Client {
        let (acknowledged, later): (Vec<Acknowledged>, Vec<Acknowledged>) = self
            .acknowledged
            .iter()
            .partition(|acknowledged| acknowledged.answered_at <= position);
        let later = later.iter().map(|later| (later.payment, later.sent_at));
        let pending = self.pending.map(|payment| (payment, self.sent_at));
        let mut unanswered = later.chain(pending);
        let pending = unanswered.find(|(_, sent_at)| *sent_at <= position);
        let last = pending
            .map(|(payment, _)| payment)
            .or(acknowledged.last().map(|last| last.payment));
        Client {
            name: self.name.clone(),
            identity: self.identity,
            random: self.random.clone(),
            sequence: last.map_or(0, |payment| payment.number & u64::from(u32::MAX)),
            pending: pending.map(|(payment, _)| payment),
            sent_at: pending.map_or(0, |(_, sent_at)| sent_at),
            clock: DiskClock::default(),
            acknowledged,
            retried: 0,
        }
    }

    pub fn pending(&self) -> Option<Payment> {
        self.pending
    }

    fn next_payment(&mut self) -> Payment {
        self.sequence += 1;
        self.sent_at = self.clock.now();
        let from = 1 + self.random.below(ACCOUNTS);
        let to = 1 + (from + self.random.below(ACCOUNTS - 1)) % ACCOUNTS;
        let amount = 1 + self.random.below(AMOUNT_MAX);
        Payment {
            number: self.identity << 32 | self.sequence,
            from,
            to,
            amount,
        }
    }

    /// Sends the call that has no answer, if there is one.
    pub fn settle(&mut self, port: u16) -> Result<(), Failure> {
        let Some(payment) = self.pending else {
            return Ok(());
        };
        self.retried += 1;
        let mut connection = Connection::open(port).map_err(Failure::Gone)?;
        self.send(&mut connection, payment, true)
    }

    /// Pays until told to stop or until the server is gone. How the run ended; the pending call is kept.
    pub fn run(&mut self, port: u16, stop: &AtomicBool) -> Result<(), Failure> {
        let mut connection = Connection::open(port).map_err(Failure::Gone)?;
        while !stop.load(Ordering::Relaxed) {
            let payment = self.next_payment();
            self.pending = Some(payment);
            self.send(&mut connection, payment, false)?;
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Pays once; whether it was done, or the whole answer where it was not taken: then it stays pending.
    pub fn pay_once(&mut self, port: u16) -> Result<Result<(), Answer>, Failure> {
        let mut connection = Connection::open(port).map_err(Failure::Gone)?;
        let (payment, repeated) = match self.pending {
            Some(payment) => (payment, true),
            None => (self.next_payment(), false),
        };
        self.pending = Some(payment);
        let answer = self.post(&mut connection, payment)?;
        match outcome(&answer) {
            Some(outcome) => {
                self.take(payment, outcome, answer.op, repeated);
                Ok(Ok(()))
            }
            None => Ok(Err(answer)),
        }
    }

    fn post(&self, connection: &mut Connection, payment: Payment) -> Result<Answer, Failure> {
        let Payment {
            number,
            from,
            to,
            amount,
        } = payment;
        let body =
            format!(r#"{{"number":"{number}","from":"{from}","to":"{to}","amount":"{amount}"}}"#);
        let headers = format!("idempotency-key: {}/{}\r\n", self.name, self.sequence);
        connection
            .post("/payments/pay", &headers, &body)
            .map_err(Failure::Gone)
    }

    fn send(
        &mut self,
        connection: &mut Connection,
        payment: Payment,
        repeated: bool,
    ) -> Result<(), Failure> {
        let answer = self.post(connection, payment)?;
        let Some(outcome) = outcome(&answer) else {
            return Failure::violation(format!("{payment:?} was answered with {}", answer.text()));
        };
        self.take(payment, outcome, answer.op, repeated);
        Ok(())
    }

    fn take(&mut self, payment: Payment, outcome: Outcome, op: Option<u64>, repeated: bool) {
        let op = op.filter(|_| !repeated);
        self.acknowledged.push(Acknowledged {
            payment,
            outcome,
            op,
            sent_at: self.sent_at,
            answered_at: self.clock.now(),
        });
        self.pending = None;
    }
}

fn outcome(answer: &Answer) -> Option<Outcome> {
    match answer.status {
        200 => Some(Outcome::Paid {
            left: number(&answer.json())?,
        }),
        422 if answer.code() == "Refused.Insufficient" => Some(Outcome::Insufficient),
        _ => None,
    }
}

/// An integer as the gateway writes it: a number, or a string where it may be wide.
pub fn number(value: &serde_json::Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
