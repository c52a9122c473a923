//! Connections: HTTP/1.1 and HTTP/2 on one listener, with bounds that the callers' libraries can live with.
//!
//! Always true: a head that comes too slowly is cut; one HTTP/2 stream holds at most its window unread. The HTTP/2 layer
//! ends a connection on which too many tiny frames wait, with a budget of half the connection's window: many gRPC
//! clients send each message in a frame of its own, so that window is large while each stream's is small.

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a request's head may take.
const SLOW_HEAD: Duration = Duration::from_secs(30);
/// Unread bytes of one HTTP/2 stream.
const STREAM_WINDOW_BYTES: u32 = 256 << 10;
/// Unread bytes of all streams of a connection; half of it is the budget for the overhead of tiny frames, which take up to
/// 255 bytes of it each.
const CONNECTION_WINDOW_BYTES: u32 = 64 << 20;
/// Streams of one connection at once.
const STREAMS_MAX: u32 = 256;
/// How long open requests may go on after the stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves until `stop`, then lets what is in flight end.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(SLOW_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_MAX);
    let (stopping, stopped) = watch::channel(false);
    let (mut connections, mut stop) = (JoinSet::new(), pin!(stop));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let Ok((stream, _)) = accepted else {
            // Such as too many open files: others will close.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Small replies go out at once; where this fails they are only later.
        let _ = stream.set_nodelay(true);
        let (builder, service) = (builder.clone(), TowerToHyperService::new(router.clone()));
        let mut stopped = stopped.clone();
        connections.spawn(async move {
            let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
            // A connection's error is the caller's end of it; nothing is left to do here.
            tokio::select! {
                _ = connection.as_mut() => {}
                _ = stopped.changed() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let _ = stopping.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    // Feeds never end by themselves: they are cut with the rest.
    let _ = tokio::time::timeout(GRACE, all).await;
}
