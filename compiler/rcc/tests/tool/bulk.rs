//! `rcc call --file` against a listener in the place of a node: groups, retries, counts.

use crate::running::{folder, rcc_in};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

/// What the listener does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// `ok` for each line.
    Answer,
    Busy,
    /// Closes the connection without an answer.
    Break,
    /// The first line fails, the others do not.
    FirstFails,
}

/// The keys and line counts of the requests, in order.
fn node(steps: Vec<Step>) -> (String, JoinHandle<Vec<(String, usize)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let serving = std::thread::spawn(move || {
        let (mut seen, mut steps) = (Vec::new(), steps.into_iter());
        while steps.len() > 0 {
            let mut stream = listener.accept().expect("a connection").0;
            let mut reader = BufReader::new(stream.try_clone().expect("its other half"));
            while let Some((key, lines)) = (steps.len() > 0).then(|| read(&mut reader)).flatten() {
                seen.push((key, lines));
                let (status, body) = match steps.next().expect("a step") {
                    Step::Break => break,
                    Step::Busy => (
                        "429 Busy",
                        r#"{"type":"urn:re-current:problem:busy","detail":"busy"}"#.to_owned(),
                    ),
                    Step::Answer => ("200 OK", "{\"ok\":null}\n".repeat(lines)),
                    Step::FirstFails => {
                        let problem =
                            r#"{"problem":{"code":"Payment.NoAccount","fields":{"id":"5"}}}"#;
                        (
                            "200 OK",
                            format!("{problem}\n{}", "{\"ok\":null}\n".repeat(lines - 1)),
                        )
                    }
                };
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
                .expect("room for it");
            }
        }
        seen
    });
    (url, serving)
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<(String, usize)> {
    let (mut key, mut length, mut line) = (String::new(), 0, String::new());
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some((name, value)) = line.split_once(':') {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "idempotency-key" => key = value.trim().to_owned(),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((key, body.iter().filter(|byte| **byte == b'\n').count()))
}

#[test]
fn a_file_goes_out_in_groups_and_is_summed_up() {
    let mut lines = "{\"from\":1}\n\n".repeat(5_000);
    lines.push_str("{\"last\":1}");
    let here = folder(&[("calls.ndjson", lines.as_bytes())]);
    let (url, serving) = node(vec![Step::Busy, Step::Answer, Step::FirstFails]);
    let ran = rcc_in(
        here.path(),
        &[
            "call",
            &url,
            "ledger.pay",
            "--file",
            "calls.ndjson",
            "--key",
            "run",
        ],
    );
    let seen = serving.join().expect("the listener ends");
    let key = |number: u32| format!("run/{number}");
    assert_eq!(
        seen,
        [(key(1), 4_096), (key(1), 4_096), (key(4_097), 905)],
        "{ran:?}"
    );
    assert_eq!(ran.code, Some(1), "one call failed: {ran:?}");
    assert!(
        ran.out
            .starts_with("ledger.pay: 5001 calls, 5000 ok, 1 failed in "),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains(
            "1 × Payment.NoAccount\n  first: call 4097: Payment.NoAccount {\"id\":\"5\"}"
        ),
        "{}",
        ran.out
    );
}

#[test]
fn a_group_without_an_answer_is_sent_again_only_with_a_key() {
    let here = folder(&[("calls.ndjson", b"{}\n{}\n{}\n")]);
    let (url, serving) = node(vec![Step::Break, Step::Answer]);
    let ran = rcc_in(
        here.path(),
        &[
            "call",
            &url,
            "ledger.pay",
            "--file",
            "calls.ndjson",
            "--key",
            "run",
        ],
    );
    assert_eq!(
        serving.join().expect("the listener ends"),
        [("run/1".to_owned(), 3), ("run/1".to_owned(), 3)]
    );
    assert!(
        ran.code == Some(0) && ran.out.starts_with("ledger.pay: 3 calls, 3 ok, 0 failed"),
        "{ran:?}"
    );

    let (url, serving) = node(vec![Step::Break]);
    let ran = rcc_in(
        here.path(),
        &["call", &url, "ledger.pay", "--file", "calls.ndjson"],
    );
    assert_eq!(serving.join().expect("the listener ends").len(), 1);
    assert!(
        ran.code == Some(1)
            && ran.err.contains("calls 1 to 3: ")
            && ran.err.contains("may have run"),
        "{ran:?}"
    );
}

#[test]
fn sequence_numbers_run_on_over_groups() {
    let here = folder(&[("calls.ndjson", "{}\n".repeat(3 * 4_096).as_bytes())]);
    let (url, serving) = node(vec![Step::Answer; 3]);
    let ran = rcc_in(
        here.path(),
        &[
            "call",
            &url,
            "ledger.pay",
            "--file",
            "calls.ndjson",
            "--key",
            "run",
            "--jobs",
            "1",
        ],
    );
    assert_eq!(
        serving.join().expect("the listener ends").last(),
        Some(&("run/8193".to_owned(), 4_096))
    );
    assert!(
        ran.code == Some(0) && ran.out.starts_with("ledger.pay: 12288 calls, 12288 ok"),
        "{ran:?}"
    );
}
