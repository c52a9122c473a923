//! `rcc call --grpc` against a real node: what it says is what `rcc call` says over HTTP.

#[path = "../../../../runtime/gateway/tests/support/mod.rs"]
mod support;

use crate::running::{folder, rcc_in};
use std::os::unix::fs::PermissionsExt;
use support::{Server, TOKEN};

/// The summary without its seconds and rate, and the lines below it.
fn counted(out: &str) -> String {
    let (first, rest) = out.split_once('\n').expect("a line");
    let (counts, _) = first.split_once(" in ").expect("a duration");
    format!("{counts}\n{rest}")
}

#[test]
fn a_file_over_grpc_is_summed_up_as_over_http() {
    let mut lines = String::new();
    for number in 1..=3_000 {
        lines.push_str(match number {
            1_500 => "{\"from\": 1, \"to\": 2, \"amount\": -1}\n",
            1_600 => "\n",
            1_700 => "{\"from\": 1, \"to\": 2, \"amuont\": 1}\n",
            2_000 => "{\"from\": 1, \"to\": 1, \"amount\": 1}\n",
            _ => "{\"from\": \"1\", \"to\": 2, \"amount\": 1}\n",
        });
    }
    let here = folder(&[("pays.ndjson", lines.as_bytes())]);
    let mut told = Vec::new();
    for transport in [None, Some("--grpc")] {
        let server = Server::start().with_accounts();
        let url = format!("http://{}", server.address);
        let mut arguments = vec!["call", &url, "bank.pay", "--file", "pays.ndjson"];
        arguments.extend(transport);
        let ran = rcc_in(here.path(), &arguments);
        assert_eq!(ran.code, Some(1), "some calls failed: {ran:?}");
        assert_eq!(server.balance(2), "\"1000\"");
        told.push(counted(&ran.out));
    }
    assert_eq!(told[0], told[1]);
    assert!(
        told[1].starts_with("bank.pay: 2999 calls, 1000 ok, 1999 failed\n")
            && told[1].contains("1 × Payment.SameAccount")
            && told[1].contains("2 × bad-arguments"),
        "{}",
        told[1]
    );
}

#[test]
fn a_repeated_run_with_a_key_pays_once_and_roles_are_sent() {
    let server = Server::start().with_accounts();
    let url = format!("http://{}", server.address);
    let here = folder(&[
        (
            "pays.ndjson",
            "{\"from\":1,\"to\":2,\"amount\":1}\n"
                .repeat(600)
                .as_bytes(),
        ),
        ("resets.ndjson", b"{\"id\":1}\n"),
        ("token", TOKEN.as_bytes()),
    ]);
    std::fs::set_permissions(
        here.path().join("token"),
        std::fs::Permissions::from_mode(0o600),
    )
    .expect("its mode");
    for _ in 0..2 {
        let ran = rcc_in(
            here.path(),
            &[
                "call",
                &url,
                "bank.pay@1",
                "--grpc",
                "--file",
                "pays.ndjson",
                "--key",
                "k",
                "--jobs",
                "2",
            ],
        );
        assert!(
            ran.code == Some(0) && ran.out.contains("600 calls, 600 ok, 0 failed"),
            "{ran:?}"
        );
        assert_eq!(server.balance(2), "\"600\"");
    }
    let reset = [
        "call",
        &url,
        "bank.reset",
        "--grpc",
        "--file",
        "resets.ndjson",
    ];
    let denied = rcc_in(here.path(), &reset);
    assert!(
        denied.code == Some(1) && denied.out.contains("1 × Denied"),
        "{denied:?}"
    );
    let allowed = [&reset[..], &["--role", "admin", "--token-file", "token"]].concat();
    let ran = rcc_in(here.path(), &allowed);
    assert_eq!(ran.code, Some(0), "{ran:?}");

    let unknown = rcc_in(
        here.path(),
        &["call", &url, "bank.pya", "--grpc", "--file", "pays.ndjson"],
    );
    assert!(
        unknown.code == Some(1) && unknown.err.contains("bank has no command or query pya"),
        "{unknown:?}"
    );
    let empty = rcc_in(
        here.path(),
        &["call", &url, "bank.pay", "--grpc", "--file", "-"],
    );
    assert!(
        empty.code == Some(0) && empty.out.starts_with("bank.pay: 0 calls, 0 ok, 0 failed"),
        "standard input is empty: {empty:?}"
    );
}
