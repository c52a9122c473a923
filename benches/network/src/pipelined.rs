//! The row against Redis: gRPC streams and pipelined function calls, the same batch, the same total in flight.

use crate::book::{Book, SharedBook};
use crate::grpc::PayStream;
use crate::machine::{Stopwatch, Turn, median, table_head, table_row};
use crate::redis::{self, Redis};
use crate::service::Ledger;
use crate::{Arguments, Fallible};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::{JoinSet, yield_now};

/// Connections, payments of one batch. A connection sends a batch when its last one is answered.
const SHAPES: [(usize, usize); 2] = [(16, 64), (1, 1_024)];

/// A connection of either side.
enum Wire {
    Ledger(Box<PayStream>),
    Redis(redis::Connection),
}

pub async fn run(arguments: &Arguments, ledger: &Ledger, book: &SharedBook) -> Fallible<()> {
    let redis = Redis::start(arguments).await?;
    let redis_book = Book::shared(arguments.accounts, 2);
    for (shape, (connections, batch)) in SHAPES.into_iter().enumerate() {
        table_head(&format!(
            "gRPC stream against Redis FCALL: {connections} connections, batches of {batch}, {} in flight",
            connections * batch
        ));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let (mut payments, before) = (0, ledger.metrics().await?);
        let redis_log_bytes = redis.as_ref().map_or(Ok(0), Redis::log_bytes)?;
        for turn in 0..arguments.turns {
            let mut wires = Vec::new();
            for connection in 0..connections {
                let session = format!("bench-{shape}-{turn}-{connection}");
                let session = arguments.sessions.then_some(session.as_str());
                wires.push(Wire::Ledger(Box::new(
                    PayStream::open(ledger.port, session).await?,
                )));
            }
            let done = drive(wires, batch, arguments.turn(), ledger.process(), book).await?;
            payments += done.payments;
            ours.push(done);
            settle().await;
            if let Some(redis) = &redis {
                let mut wires = Vec::new();
                for _ in 0..connections {
                    wires.push(Wire::Redis(redis::Connection::open(redis.port).await?));
                }
                theirs.push(
                    drive(wires, batch, arguments.turn(), redis.process(), &redis_book).await?,
                );
                settle().await;
            }
        }
        table_row("gRPC stream", &ours);
        if theirs.is_empty() {
            println!("| Redis | skipped: no redis-server on this machine | | | |");
        } else {
            table_row("Redis FCALL", &theirs);
            let ratios: Vec<f64> = ours
                .iter()
                .zip(&theirs)
                .map(|(ours, theirs)| ours.rate() / theirs.rate())
                .collect();
            println!(
                "\nratio to Redis {:.2} (to reach: 1 or more)",
                median(ratios)
            );
        }
        println!(
            "ledger: {}",
            ledger.metrics().await?.since(&before, payments)
        );
        if let Some(redis) = &redis {
            let payments: u64 = theirs.iter().map(|turn| turn.payments).sum();
            let bytes = redis.log_bytes()? - redis_log_bytes;
            println!(
                "Redis: {:.1} log bytes per payment",
                bytes as f64 / payments as f64
            );
        }
    }
    if let Some(redis) = &redis {
        let balances = redis.balances(arguments.accounts).await?;
        redis_book.borrow().compare("Redis", &balances)?;
    }
    Ok(())
}

/// What the last turn left to be written must not fall into the next.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn drive(
    wires: Vec<Wire>,
    batch: usize,
    length: Duration,
    server: u32,
    book: &SharedBook,
) -> Fallible<Turn> {
    let watch = Stopwatch::start(server);
    let until = Instant::now() + length;
    let mut tasks = JoinSet::new();
    for mut wire in wires {
        let book = Rc::clone(book);
        tasks.spawn_local(async move {
            let (mut payments, mut paid) = (Vec::with_capacity(batch), 0);
            while Instant::now() < until {
                book.borrow_mut().draw_batch(batch, &mut payments);
                let sent = match &mut wire {
                    Wire::Ledger(stream) => stream.pay(&payments).await,
                    Wire::Redis(connection) => connection.pay(&payments).await,
                };
                sent.map_err(|error| error.to_string())?;
                book.borrow_mut().settle(&payments);
                paid += batch as u64;
                yield_now().await;
            }
            Ok::<_, String>((wire, paid))
        });
    }
    let (mut paid, mut wires) = (0, Vec::new());
    while let Some(ended) = tasks.join_next().await {
        let (wire, count) = ended??;
        paid += count;
        wires.push(wire);
    }
    let turn = watch.stop(paid);
    for wire in wires {
        if let Wire::Ledger(stream) = wire {
            stream.close().await?;
        }
    }
    Ok(turn)
}
