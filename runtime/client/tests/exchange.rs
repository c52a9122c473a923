//! The client against a listener that answers as told: what is sent, what is understood, what is known after a break.

use rc_client::{Address, Caller, Client, ClientError, Token};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

/// A request as it arrived.
struct Request {
    head: String,
    body: String,
    /// Of the listener's connections, from 0.
    connection: usize,
}

/// Answers each request with the next text; an empty one closes the connection without an answer.
fn listen(answers: Vec<String>) -> (Address, JoinHandle<Vec<Request>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr().unwrap().port(),
    };
    let serving = std::thread::spawn(move || {
        let (mut requests, mut answers) = (Vec::new(), answers.into_iter());
        for connection in 0.. {
            if answers.len() == 0 {
                break;
            }
            let mut stream = listener.accept().unwrap().0;
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while answers.len() > 0 {
                let Some((head, body)) = read(&mut reader) else {
                    break;
                };
                requests.push(Request {
                    head,
                    body,
                    connection,
                });
                let answer = answers.next().unwrap();
                if answer.is_empty() {
                    break;
                }
                write(&mut stream, &answer);
            }
        }
        requests
    });
    (address, serving)
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

fn write(stream: &mut TcpStream, answer: &str) {
    stream.write_all(answer.as_bytes()).unwrap();
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn token() -> Token {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "abc").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    Token::read(&path).unwrap()
}

#[test]
fn calls_carry_who_calls_and_reuse_the_connection() {
    let problem = r#"{"type":"urn:re-current:problem:command-failed","detail":"x","code":"Payment.SameAccount","fields":{}}"#;
    let (address, serving) = listen(vec![
        answer("200 OK", "recurrent-op: 7\r\n", "\"70\""),
        answer("422 No", "", problem),
    ]);
    let client = Client::new(address, Some(token()));
    let caller = Caller {
        id: Some(9),
        roles: vec!["treasurer".into(), "auditor".into()],
    };
    let done = client
        .call("ledger", "pay@1", "{\"from\":1}", &caller, Some("k/3"))
        .unwrap();
    assert_eq!((done.op, done.result.as_str()), (7, "\"70\""));
    match client.call("ledger", "pay", "{}", &Caller::default(), None) {
        Err(ClientError::Problem(problem)) => assert_eq!(
            (problem.status, problem.label()),
            (422, "Payment.SameAccount")
        ),
        other => panic!("{other:?}"),
    }
    let requests = serving.join().unwrap();
    let [first, second] = requests.as_slice() else {
        panic!("two requests")
    };
    assert_eq!(
        (first.connection, second.connection),
        (0, 0),
        "one connection serves both"
    );
    assert!(
        first.head.starts_with("post /ledger/pay@1 http/1.1\r\n"),
        "{}",
        first.head
    );
    for line in [
        "authorization: bearer abc",
        "recurrent-caller: 9",
        "recurrent-roles: treasurer,auditor",
        "idempotency-key: k/3",
        "content-type: application/json",
    ] {
        assert!(
            first.head.contains(&format!("{line}\r\n")),
            "{line} is not in {}",
            first.head
        );
    }
    assert_eq!(first.body, "{\"from\":1}");
    assert!(
        !second.head.contains("recurrent-")
            && !second.head.contains("idempotency-key")
            && !second.head.contains("authorization"),
        "{}",
        second.head
    );
}

#[test]
fn a_broken_connection_leaves_it_open_whether_the_call_ran() {
    let (address, serving) = listen(vec![String::new()]);
    let client = Client::new(address.clone(), None);
    let error = client
        .call("ledger", "pay", "{}", &Caller::default(), None)
        .unwrap_err();
    assert!(
        matches!(error, ClientError::Interrupted { .. })
            && error.may_have_run()
            && !error.is_transient(),
        "{error}"
    );
    assert_eq!(
        serving.join().unwrap().len(),
        1,
        "nothing is sent twice by itself"
    );
    // The listener is gone now.
    let error = client
        .call("ledger", "pay", "{}", &Caller::default(), None)
        .unwrap_err();
    assert!(
        matches!(error, ClientError::Unreachable { .. })
            && !error.may_have_run()
            && error.is_transient(),
        "{error}"
    );
}

#[test]
fn a_busy_node_is_worth_another_try() {
    let (address, serving) = listen(vec![answer(
        "429 Busy",
        "",
        r#"{"type":"urn:re-current:problem:busy","detail":"busy"}"#,
    )]);
    let error = Client::new(address, None)
        .bulk("ledger", "pay", b"{}\n", &Caller::default(), None)
        .unwrap_err();
    assert!(error.is_transient() && !error.may_have_run(), "{error}");
    serving.join().unwrap();
}

#[test]
fn bulk_answers_must_be_as_many_as_the_calls() {
    let bodies = ["{\"ok\":null}\n{\"ok\":null}\n", "{\"ok\":null}\n"];
    let (address, serving) = listen(
        bodies
            .iter()
            .map(|body| answer("200 OK", "", body))
            .collect(),
    );
    let client = Client::new(address, None);
    let lines = b"{\"a\":1}\n{\"a\":2}\n";
    assert_eq!(
        client
            .bulk("p", "c", lines, &Caller::default(), None)
            .unwrap()
            .ok,
        2
    );
    let short = client
        .bulk("p", "c", lines, &Caller::default(), None)
        .unwrap_err();
    assert!(
        matches!(short, ClientError::Answer(_)) && short.may_have_run(),
        "{short}"
    );
    assert_eq!(serving.join().unwrap()[0].body.as_bytes(), lines);
}

#[test]
fn names_that_could_become_other_paths_are_not_sent() {
    let client = Client::new(Address::parse("http://127.0.0.1:1").unwrap(), None);
    for (package, command) in [
        ("..", "x"),
        ("a", "b/c"),
        ("a", "b?c"),
        ("", "b"),
        ("a", "b c"),
        ("a", "b\r\nx: y"),
    ] {
        let error = client
            .call(package, command, "{}", &Caller::default(), None)
            .unwrap_err();
        assert!(
            matches!(error, ClientError::Request(_)),
            "{package}.{command}: {error}"
        );
    }
}
