//! Streams of calls against a real node: outcomes, numbers, and what is known after the connection broke.

#[path = "../../gateway/tests/support/mod.rs"]
mod support;

use rc_client::{Address, CallStream, Caller, Client, ClientError, WINDOW_CALLS};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use support::Server;

fn client(port: u16) -> Client {
    let address = Address::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    Client::new(address, None)
}

/// Account 1 with a million, account 2 with nothing.
fn bank() -> Server {
    filled(Server::start())
}

fn filled(server: Server) -> Server {
    for body in [r#"{"id":1,"balance":1000000}"#, r#"{"id":2,"balance":0}"#] {
        assert_eq!(server.post("/bank/open", &[], body).status, 200);
    }
    server
}

const PAY: &[u8] = br#"{"from": 1, "to": "2", "amount": 1}"#;

#[test]
fn every_call_has_its_outcome_and_bad_ones_name_the_field() {
    let server = bank();
    let client = client(server.address.port());
    let method = client.method("bank", "pay").unwrap();
    let mut stream = CallStream::new(&client, &method, &Caller::default(), None).unwrap();
    for line in 1..=10_000 {
        match line {
            7_000 => stream.push(line, br#"{"from": 1, "to": 2, "amount": true}"#),
            7_001 => stream.push(line, br#"{"from": 1, "to": 2}"#),
            7_002 => stream.push(line, b"{"),
            8_000 => stream.push(line, br#"{"from": 1, "to": 1, "amount": 1}"#),
            _ => stream.push(line, PAY),
        }
    }
    stream.run(WINDOW_CALLS).unwrap();
    stream.run(0).unwrap();
    assert_eq!(stream.unanswered(), None);
    let settled = stream.take_settled();
    assert_eq!((settled.ok, settled.lines()), (9_996, 10_000));
    assert_eq!(settled.failures["bad-arguments"], 3);
    assert_eq!(settled.failures["Payment.SameAccount"], 1);
    let (line, problem) = settled.first_failure.unwrap();
    assert_eq!(
        (line, problem.field.as_deref(), problem.detail.as_str()),
        (
            7_000,
            Some("amount"),
            "amount: expected u64, found a boolean"
        )
    );
    assert_eq!(server.balance(2), "\"9996\"");

    // Queries stream as well, and every shape of an argument goes over.
    for (command, line) in [
        ("balance", r#"{"id": 2}"#),
        ("note", r#"{"text": "grüß", "tags": [1, 2], "memo": null}"#),
        ("note", r#"{"text": "", "tags": []}"#),
        ("dice", "{}"),
        (
            "sorted",
            r#"{"tags": [2, 1], "ages": {"bo": 2, "al": "-1"}}"#,
        ),
    ] {
        let method = client.method("bank", command).unwrap();
        let mut stream = CallStream::new(&client, &method, &Caller::default(), None).unwrap();
        stream.push(1, line.as_bytes());
        stream.run(0).unwrap();
        assert_eq!(stream.take_settled().ok, 1, "{command} {line}");
    }
}

#[test]
fn a_key_runs_each_call_once_and_counts_lines_that_do_not_fit() {
    let server = bank();
    let client = client(server.address.port());
    let method = client.method("bank", "pay@1").unwrap();
    let run = |lines: &[&[u8]]| {
        let key = Some("march".to_owned());
        let mut stream = CallStream::new(&client, &method, &Caller::default(), key).unwrap();
        for (line, text) in (1..).zip(lines) {
            stream.push(line, text);
            stream.run(WINDOW_CALLS / 2).unwrap();
        }
        stream.run(0).unwrap();
        stream.take_settled()
    };
    let first = run(&[PAY, b"[", PAY, PAY]);
    assert_eq!((first.ok, first.lines()), (3, 4));
    // The second line has a number that nothing ran for; the others have run.
    let again = run(&[PAY, PAY, PAY, PAY, PAY]);
    assert_eq!((again.ok, again.lines()), (5, 5));
    assert_eq!(server.balance(2), "\"5\"");
    let other = run(&[br#"{"from": 1, "to": 2, "amount": 9}"#]);
    assert_eq!(other.failures["idempotency-key-reused"], 1);
}

/// Passes bytes on, and cuts the first connection after so many bytes of answers.
fn cut_once(listener: TcpListener, to: u16, after: usize) {
    std::thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let (Ok(mut client), Ok(mut node)) = (client, TcpStream::connect(("127.0.0.1", to)))
            else {
                return;
            };
            let (mut from_client, mut to_node) =
                (client.try_clone().unwrap(), node.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from_client, &mut to_node);
                let _ = to_node.shutdown(Shutdown::Both);
            });
            std::thread::spawn(move || {
                let (mut passed, mut part) = (0, [0; 4_096]);
                while let Ok(length @ 1..) = node.read(&mut part) {
                    passed += length;
                    if (number == 0 && passed > after) || client.write_all(&part[..length]).is_err()
                    {
                        break;
                    }
                }
                let _ = client.shutdown(Shutdown::Both);
                let _ = node.shutdown(Shutdown::Both);
            });
        }
    });
}

#[test]
fn what_a_broken_stream_left_open_is_sent_again_with_a_key_and_runs_once() {
    for key in [Some("k"), None] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = filled(Server::start_behind(0, Some(port)));
        let method = client(server.address.port()).method("bank", "pay").unwrap();
        cut_once(listener, server.address.port(), 30_000);
        let client = client(port);
        let key = key.map(str::to_owned);
        let keyed = key.is_some();
        let mut stream = CallStream::new(&client, &method, &Caller::default(), key).unwrap();
        (1..=1_000).for_each(|line| stream.push(line, PAY));
        stream.run(1).unwrap();
        (1_001..=6_000).for_each(|line| stream.push(line, PAY));
        let error = stream.run(0).unwrap_err();
        assert!(
            matches!(error, ClientError::Interrupted { .. }) && error.may_have_run(),
            "{error}"
        );
        let (first, last) = stream.unanswered().unwrap();
        let settled = stream.take_settled();
        assert_eq!((first, last), (settled.ok + 1, 6_000));
        assert!((999..6_000).contains(&settled.ok), "{}", settled.ok);
        if keyed {
            stream.run(0).unwrap();
            assert_eq!(stream.take_settled().ok + settled.ok, 6_000);
            assert_eq!(server.balance(2), "\"6000\"", "each has run once");
        }
    }
}

#[test]
fn what_is_not_there_is_told_before_anything_is_sent() {
    let server = bank();
    let client = client(server.address.port());
    for (package, command, text) in [
        (
            "bank",
            "pya",
            "bank has no command or query pya; it has: open, pay",
        ),
        ("bank", "pay@2", "bank has no command or query pay@2"),
        ("nope", "pay", "no package nope is deployed"),
    ] {
        match client.method(package, command) {
            Err(ClientError::Problem(problem)) => {
                assert_eq!(problem.status, 404);
                assert!(problem.detail.contains(text), "{}", problem.detail);
            }
            other => panic!("{other:?}"),
        }
    }
    let method = client.method("bank", "reset").unwrap();
    let caller = Caller {
        id: None,
        roles: vec!["admin".to_owned()],
    };
    let mut stream = CallStream::new(&client, &method, &caller, None).unwrap();
    stream.push(1, br#"{"id": 1}"#);
    match stream.run(0) {
        Err(ClientError::Problem(problem)) => {
            assert_eq!((problem.status, problem.label()), (401, "unauthorized"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(stream.unanswered(), Some((1, 1)));
    drop(server);
    let gone = self::client(1);
    let mut stream = CallStream::new(&gone, &method, &Caller::default(), None).unwrap();
    stream.push(1, br#"{"id": 1}"#);
    assert!(matches!(
        stream.run(0),
        Err(ClientError::Unreachable { .. })
    ));
}
