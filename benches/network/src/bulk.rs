//! The row of many payments in one request: NDJSON, an object a line, answered line by line.

use crate::book::SharedBook;
use crate::http_client::{Connection, head, write_request};
use crate::machine::{Stopwatch, Turn, median, table_head, table_row};
use crate::requests::append_body;
use crate::service::{BULK_LINES, Ledger};
use crate::{Arguments, Fallible};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const CONNECTIONS: usize = 4;

/// `single` is the rate of the requests' row, if it ran.
pub async fn run(
    arguments: &Arguments,
    ledger: &Ledger,
    book: &SharedBook,
    single: Option<f64>,
) -> Fallible<()> {
    let before = ledger.metrics().await?;
    let (mut turns, mut payments) = (Vec::new(), 0);
    for turn in 0..arguments.turns {
        let done = drive(arguments, turn, ledger, book).await?;
        payments += done.payments;
        turns.push(done);
    }
    table_head(&format!(
        "NDJSON bulk: {CONNECTIONS} connections, {BULK_LINES} payments a request"
    ));
    table_row("POST /ledger/pay, x-ndjson", &turns);
    println!("\n{}", ledger.metrics().await?.since(&before, payments));
    if let Some(single) = single {
        let rate = median(turns.iter().map(Turn::rate).collect());
        println!(
            "ratio to single requests {:.1} (to reach: 10 or more)",
            rate / single
        );
    }
    Ok(())
}

async fn drive(
    arguments: &Arguments,
    turn: usize,
    ledger: &Ledger,
    book: &SharedBook,
) -> Fallible<Turn> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(ledger.port).await?);
    }
    let watch = Stopwatch::start(ledger.process());
    let until = Instant::now() + arguments.turn();
    let mut tasks = JoinSet::new();
    for (place, mut connection) in connections.into_iter().enumerate() {
        let (book, port, sessions) = (Rc::clone(book), ledger.port, arguments.sessions);
        tasks.spawn_local(async move {
            let (mut payments, mut body, mut request) = (Vec::new(), Vec::new(), Vec::new());
            let mut paid = 0;
            while Instant::now() < until {
                let session = if sessions {
                    format!("idempotency-key: bulk-{turn}-{place}/{}\r\n", paid + 1)
                } else {
                    String::new()
                };
                let head = head(
                    port,
                    "POST",
                    "/ledger/pay",
                    &format!("content-type: application/x-ndjson\r\n{session}"),
                );
                book.borrow_mut().draw_batch(BULK_LINES, &mut payments);
                body.clear();
                for payment in &payments {
                    append_body(payment, &mut body);
                    body.push(b'\n');
                }
                write_request(&head, &body, &mut request);
                let answer = connection
                    .exchange(&request)
                    .await
                    .map_err(|error| error.to_string())?;
                answer.expect_ok("pay").map_err(|error| error.to_string())?;
                expect_all_ok(answer.body)?;
                book.borrow_mut().settle(&payments);
                paid += BULK_LINES as u64;
            }
            Ok::<_, String>(paid)
        });
    }
    let mut paid = 0;
    while let Some(ended) = tasks.join_next().await {
        paid += ended??;
    }
    let done = watch.stop(paid);
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(done)
}

/// Every line is an `ok`.
fn expect_all_ok(body: &[u8]) -> Result<(), String> {
    let lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let mut count = 0;
    for line in lines {
        if !line.starts_with(b"{\"ok\":") {
            return Err(format!(
                "a payment failed: {}",
                String::from_utf8_lossy(line)
            ));
        }
        count += 1;
    }
    if count == BULK_LINES {
        Ok(())
    } else {
        Err(format!("{count} answers to {BULK_LINES} payments"))
    }
}
