//! `deploy` and `call` where no node answers, or the token is not to be trusted.

use crate::running::{folder, rcc_in};
use std::os::unix::fs::PermissionsExt;

/// A port where nothing listens: the listener is closed before it is used.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("its address"))
}

#[test]
fn a_node_that_is_not_there_is_named() {
    let here = folder(&[("calls.ndjson", b"{}\n{}\n")]);
    let url = nobody();
    let one = rcc_in(here.path(), &["call", &url, "ledger.pay", "{}"]);
    assert!(
        one.code == Some(1) && one.err.contains(&format!("no node answers at {url}")),
        "{one:?}"
    );
    let bulk = rcc_in(
        here.path(),
        &["call", &url, "ledger.pay", "--file", "calls.ndjson"],
    );
    assert!(
        bulk.code == Some(1) && bulk.err.contains("calls 1 to 2 were not run"),
        "{bulk:?}"
    );
    assert!(bulk.out.contains("0 calls, 0 ok"), "{bulk:?}");
}

#[test]
fn wrong_addresses_names_and_arguments_are_told_before_anything_is_sent() {
    let here = folder(&[]);
    for (arguments, text) in [
        (
            &["call", "https://127.0.0.1:1", "ledger.pay"][..],
            "https is not spoken yet",
        ),
        (&["call", "ftp://x", "ledger.pay"], "an address looks like"),
        (
            &["call", "http://127.0.0.1:1", "pay"],
            "is not PACKAGE.COMMAND",
        ),
        (
            &["call", "http://127.0.0.1:1", "ledger.pay", "{\"from\":"],
            "the arguments are not JSON",
        ),
        (
            &["call", "http://127.0.0.1:1", "ledger.pay/../x"],
            "is not a name",
        ),
        (
            &["call", "http://127.0.0.1:1", "ledger.pay", "--role", "boss"],
            "need the node's token",
        ),
        (
            &[
                "call",
                "http://127.0.0.1:1",
                "ledger.pay",
                "--file",
                "nowhere",
            ],
            "nowhere: ",
        ),
    ] {
        let ran = rcc_in(here.path(), arguments);
        assert!(
            ran.code == Some(1) && ran.err.contains(text),
            "{arguments:?}: {ran:?}"
        );
    }
}

#[test]
fn a_token_that_others_can_read_is_refused() {
    let here = folder(&[
        (
            "good.rc",
            b"package good\n\ncommand nothing() allow anyone {\n}\n",
        ),
        ("token", b"secret-secret\n"),
    ]);
    let token = here.path().join("token");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o644)).unwrap();
    let url = nobody();
    let open = rcc_in(
        here.path(),
        &["deploy", "--to", &url, "--token-file", "token"],
    );
    assert!(
        open.code == Some(1)
            && open.err.contains("may be read by others")
            && open.err.contains("chmod 600"),
        "{open:?}"
    );
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let private = rcc_in(
        here.path(),
        &["deploy", "--to", &url, "--token-file", "token"],
    );
    assert!(
        private.code == Some(1) && private.err.contains("no node answers"),
        "{private:?}"
    );
    let none = rcc_in(here.path(), &["deploy", "--to", &url]);
    assert!(
        none.code == Some(1) && none.err.contains("needs the node's token"),
        "{none:?}"
    );
    assert!(!format!("{open:?}{private:?}{none:?}").contains("secret-secret"));
}

#[test]
fn a_refused_token_is_named_with_the_way_out() {
    let here = folder(&[("token", b"0123456789abcdef0123456789abcdef")]);
    let path = here.path().join("token");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("its mode");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let serving = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let mut stream = listener.accept().expect("a connection").0;
        let mut head = [0; 4_096];
        let _ = stream.read(&mut head).expect("a request");
        let body = r#"{"type":"urn:re-current:problem:unauthorized","detail":"not this node's"}"#;
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 401 No\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .expect("room for it");
    });
    let token = path.display().to_string();
    let ran = rcc_in(
        here.path(),
        &[
            "call",
            &url,
            "ledger.mint",
            "{}",
            "--role",
            "treasurer",
            "--token-file",
            &token,
        ],
    );
    serving.join().expect("the listener ends");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for text in ["unauthorized", &token, "--token-file DATA/token"] {
        assert!(ran.err.contains(text), "{text}: {ran:?}");
    }
}
