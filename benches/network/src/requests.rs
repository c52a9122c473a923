//! The row of single requests: HTTP+JSON on 64 kept-alive connections, one in flight on each.
//!
//! Peak is closed loop. Latency is open loop at half of it: each request has its moment, and is timed from that moment even
//! if the connection was not free yet.

use crate::book::{Payment, SharedBook};
use crate::http_client::{self, Connection, head, write_request};
use crate::machine::{Stopwatch, Turn, median, percentile, table_head, table_row};
use crate::service::Ledger;
use crate::{Arguments, Fallible};
use std::io::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, yield_now};

const CONNECTIONS: usize = 64;

/// When requests go out.
#[derive(Clone, Copy)]
enum Pace {
    /// As soon as the last one is answered.
    Closed,
    /// Every so often, all connections together.
    Open(Duration),
}

/// Returns the median rate, requests a second.
pub async fn run(arguments: &Arguments, ledger: &Ledger, book: &SharedBook) -> Fallible<f64> {
    let before = ledger.metrics().await?;
    let (mut turns, mut payments, mut latencies) = (Vec::new(), 0, Vec::new());
    for _ in 0..arguments.turns {
        let (turn, mut sample) = drive(arguments, Pace::Closed, ledger, book).await?;
        payments += turn.payments;
        turns.push(turn);
        latencies.append(&mut sample);
    }
    table_head(&format!(
        "HTTP+JSON: {CONNECTIONS} kept-alive connections, one request each in flight"
    ));
    table_row("POST /ledger/pay", &turns);
    println!();
    print_latencies("closed loop at peak", &mut latencies);
    let rate = median(turns.iter().map(Turn::rate).collect());
    println!("{}", ledger.metrics().await?.since(&before, payments));
    let (turn, mut sample) = drive(
        arguments,
        Pace::Open(Duration::from_secs_f64(2.0 / rate)),
        ledger,
        book,
    )
    .await?;
    print_latencies(
        &format!(
            "open loop at half of peak, {:.1} thousand/s",
            turn.rate() / 1e3
        ),
        &mut sample,
    );
    println!("to reach: 25 thousand/s");
    Ok(rate)
}

fn print_latencies(what: &str, sample: &mut [Duration]) {
    sample.sort_unstable();
    println!(
        "{what}: p50 {:.0} µs, p99 {:.0} µs, p99.9 {:.0} µs",
        percentile(sample, 0.5),
        percentile(sample, 0.99),
        percentile(sample, 0.999)
    );
}

async fn drive(
    arguments: &Arguments,
    pace: Pace,
    ledger: &Ledger,
    book: &SharedBook,
) -> Fallible<(Turn, Vec<Duration>)> {
    let length = match pace {
        Pace::Closed => arguments.turn(),
        Pace::Open(_) => arguments.turn() * 2,
    };
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(ledger.port).await?);
    }
    let watch = Stopwatch::start(ledger.process());
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for (place, mut connection) in connections.into_iter().enumerate() {
        let (book, port, sessions) = (Rc::clone(book), ledger.port, arguments.sessions);
        // Keys of different turns have to differ.
        let client = format!("http-{}-{place}", book.borrow().paid);
        let plain = "content-type: application/json\r\n";
        let mut head = head(port, "POST", "/ledger/pay", plain);
        tasks.spawn_local(async move {
            let (mut body, mut request, mut latencies) = (Vec::new(), Vec::new(), Vec::new());
            for turn in 0.. {
                let due = match pace {
                    Pace::Closed => Instant::now(),
                    Pace::Open(interval) => start + interval * (turn * CONNECTIONS + place) as u32,
                };
                if due.duration_since(start) >= length {
                    break;
                }
                wait(due).await;
                let payment = book.borrow_mut().draw();
                write_body(&payment, &mut body);
                if sessions {
                    let key = format!("{plain}idempotency-key: {client}/{}\r\n", turn + 1);
                    head = http_client::head(port, "POST", "/ledger/pay", &key);
                }
                write_request(&head, &body, &mut request);
                let answer = connection
                    .exchange(&request)
                    .await
                    .map_err(|error| error.to_string())?;
                answer.expect_ok("pay").map_err(|error| error.to_string())?;
                latencies.push(due.elapsed());
                book.borrow_mut().settle(&[payment]);
            }
            Ok::<_, String>(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        latencies.append(&mut ended??);
    }
    Ok((watch.stop(latencies.len() as u64), latencies))
}

/// Until a moment, without a timer's whole milliseconds: the last two are waited for turn by turn.
async fn wait(due: Instant) {
    let left = due.saturating_duration_since(Instant::now());
    if left > Duration::from_millis(3) {
        tokio::time::sleep(left - Duration::from_millis(2)).await;
    }
    while Instant::now() < due {
        yield_now().await;
    }
}

/// The arguments of `pay` as a JSON object.
pub fn write_body(payment: &Payment, into: &mut Vec<u8>) {
    into.clear();
    append_body(payment, into);
}

pub fn append_body(payment: &Payment, into: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = write!(
        into,
        "{{\"from\":\"{}\",\"to\":\"{}\",\"amount\":\"{}\"}}",
        payment.from(),
        payment.to(),
        payment.amount
    );
}
