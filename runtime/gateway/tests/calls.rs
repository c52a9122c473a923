//! Calls over HTTP+JSON: results, failures, and every mistake of a caller's named by its field.

mod support;

use support::{Server, TOKEN};

#[test]
fn results_failures_and_roles() {
    let server = Server::start().with_accounts();
    let paid = server.post("/bank/pay", &[], r#"{"from": 1, "to": 2, "amount": "30"}"#);
    assert_eq!((paid.status, paid.text.as_str()), (200, "\"970\""));
    assert!(
        paid.head.to_ascii_lowercase().contains("recurrent-op: 4"),
        "{}",
        paid.head
    );
    assert_eq!(
        server
            .post("/bank/pay@1", &[], r#"{"from": 1, "to": 2, "amount": 1}"#)
            .text,
        "\"969\""
    );
    assert_eq!(server.balance(2), "\"31\"");
    let failed = server
        .post("/bank/pay", &[], r#"{"from": 1, "to": 2, "amount": 5000}"#)
        .problem(422, "command-failed");
    assert_eq!(failed["code"], "Payment.Insufficient");
    assert_eq!(
        failed["fields"].to_string(),
        r#"{"needed":"5000","available":"969"}"#
    );
    let same = server
        .post("/bank/pay", &[], r#"{"from": 1, "to": 1, "amount": 5}"#)
        .problem(422, "command-failed");
    assert_eq!(
        (&same["code"], same["fields"].to_string()),
        (&"Payment.SameAccount".into(), "{}".to_string())
    );
    let note = r#"{"text": "grüß 😀\n", "tags": [1, 4294967295], "memo": null}"#;
    assert_eq!(server.post("/bank/note", &[], note).text, r#""grüß 😀\n""#);
    assert_eq!(
        server
            .post("/bank/note", &[], r#"{"tags": [], "text": ""}"#)
            .text,
        r#""""#,
        "an optional may be left out"
    );

    let bearer = format!("Bearer {TOKEN}");
    let denied = server
        .post("/bank/reset", &[], r#"{"id": 1}"#)
        .problem(403, "command-failed");
    assert_eq!(denied["code"], "Denied");
    let teller = [
        ("Authorization", bearer.as_str()),
        ("Recurrent-Roles", "teller"),
    ];
    server
        .post("/bank/reset", &teller, r#"{"id": 1}"#)
        .problem(403, "command-failed");
    server
        .post(
            "/bank/reset",
            &[("Recurrent-Roles", "admin")],
            r#"{"id": 1}"#,
        )
        .problem(401, "unauthorized");
    server
        .post(
            "/bank/reset",
            &[("Authorization", "Bearer 0123456789abcdeX")],
            r#"{"id": 1}"#,
        )
        .problem(401, "unauthorized");
    server
        .post("/bank/reset", &[("Recurrent-Caller", "5")], r#"{"id": 1}"#)
        .problem(401, "unauthorized");
    let unknown = [
        ("Authorization", bearer.as_str()),
        ("Recurrent-Roles", "king"),
    ];
    server
        .post("/bank/reset", &unknown, r#"{"id": 1}"#)
        .problem(400, "bad-principal");
    assert_eq!(server.balance(1), "\"969\"");
    let admin = [
        ("Authorization", bearer.as_str()),
        ("Recurrent-Roles", "teller, admin"),
        ("Recurrent-Caller", "77"),
    ];
    assert_eq!(
        server.post("/bank/reset", &admin, r#"{"id": 1}"#).text,
        "null"
    );
    assert_eq!(server.post("/bank/dice", &admin, "").json()[3], "77");
}

#[test]
fn mistakes_are_named() {
    let server = Server::start().with_accounts();
    let long = format!(r#"{{"text": "{}", "tags": []}}"#, "x".repeat(201));
    let deep = format!(r#"{{"text": {}, "tags": []}}"#, "[".repeat(40));
    let wide = format!(r#"{{{} "from": 1}}"#, "\"a\": 1,".repeat(2));
    for (path, body, field, words) in [
        ("pay", "{", "", "not JSON"),
        ("pay", "\u{0}", "", "not JSON"),
        (
            "pay",
            r#"{"from": 1, "to": 2, "amount": 1} x"#,
            "",
            "not JSON",
        ),
        ("pay", "[1, 2, 3]", "", "expected an object"),
        ("pay", "", "from", "missing"),
        (
            "pay",
            r#"{"from": 1, "to": 2}"#,
            "amount",
            "missing; expected u64",
        ),
        (
            "pay",
            r#"{"from": 1, "to": 2, "amount": true}"#,
            "amount",
            "expected u64, found a boolean",
        ),
        (
            "pay",
            r#"{"from": 1, "to": 2, "amount": -1}"#,
            "amount",
            "out of range",
        ),
        (
            "pay",
            r#"{"from": 1, "to": 2, "amount": 1.5}"#,
            "amount",
            "fraction",
        ),
        (
            "pay",
            r#"{"from": 1, "to": 2, "amount": 18446744073709551616}"#,
            "amount",
            "beyond 64 bits",
        ),
        (
            "pay",
            r#"{"from": 1, "to": 2, "amount": "18446744073709551616"}"#,
            "amount",
            "out of range for u64",
        ),
        (
            "pay",
            r#"{"from": 1, "to": 2, "amount": "1e3"}"#,
            "amount",
            "not a whole number",
        ),
        (
            "pay",
            r#"{"from": 1, "to": 2, "amount": 1, "fee": 1}"#,
            "fee",
            "unknown field",
        ),
        (
            "pay",
            r#"{"from": 1, "to": 2, "amount": 1, "to": 3}"#,
            "",
            "stands twice",
        ),
        ("pay", &wide, "", "stands twice"),
        (
            "note",
            r#"{"text": "a", "tags": [1, 2, 3, 4, 5]}"#,
            "tags",
            "at most 4",
        ),
        (
            "note",
            r#"{"text": "a", "tags": [1, 4294967296]}"#,
            "tags[1]",
            "out of range for u32",
        ),
        (
            "note",
            r#"{"text": "a", "tags": [], "memo": "123456789"}"#,
            "memo",
            "at most 8 bytes",
        ),
        (
            "sorted",
            r#"{"tags": [7, 1, 7], "ages": {}}"#,
            "tags[2]",
            "stands twice",
        ),
        (
            "sorted",
            r#"{"tags": [], "ages": {"al": 1, "bo": true}}"#,
            "ages.bo",
            "expected i64",
        ),
        ("note", &long, "text", "at most 200 bytes, found 201"),
        ("note", &deep, "", "nested deeper than 32"),
    ] {
        let problem = server
            .post(&format!("/bank/{path}"), &[], body)
            .problem(400, "bad-arguments");
        assert_eq!(
            problem["field"].as_str().unwrap_or_default(),
            field,
            "{body}"
        );
        assert!(
            problem["detail"].as_str().unwrap().contains(words),
            "{body}: {}",
            problem["detail"]
        );
        assert!(!problem["detail"].as_str().unwrap().contains('\u{0}'));
    }
    assert_eq!(server.balance(1), "\"1000\"");
}

#[test]
fn sets_and_maps_are_answered_in_order() {
    let server = Server::start();
    let answer = server.post(
        "/bank/sorted",
        &[],
        r#"{"tags": [7, 1, 300], "ages": {"bo": 2, "al": "-1"}}"#,
    );
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text, r#"[[1,7,300],{"al":"-1","bo":"2"}]"#);
}

#[test]
fn what_is_not_a_call_is_a_problem_too() {
    let server = Server::start().with_accounts();
    let missing = server
        .post("/bank/nothing", &[], "{}")
        .problem(404, "not-found");
    assert!(
        missing["detail"]
            .as_str()
            .unwrap()
            .contains("it has: open, pay, balance")
    );
    for path in [
        "/nobody/pay",
        "/bank/pay@2",
        "/bank/pay@x",
        "/bank/../pay/x",
        "/%ff/pay",
        "/x/y/z",
    ] {
        server.post(path, &[], "{}").problem(404, "not-found");
    }
    server.get("/bank/pay").problem(405, "method-not-allowed");
    server
        .send("DELETE", "/events", &[], b"")
        .problem(405, "method-not-allowed");
    server
        .post("/bank/pay", &[("Content-Type", "text/plain")], "{}")
        .problem(415, "unsupported-media-type");
    server
        .send("POST", "/bank/pay", &[], b"{}")
        .problem(415, "unsupported-media-type");
    for host in ["evil.example", "127.0.0.1", "127.0.0.1:1", ""] {
        server
            .post("/bank/pay", &[("Host", host)], "{}")
            .problem(403, "wrong-host");
    }
    for origin in ["null", "http://evil.example", "https://127.0.0.1"] {
        server
            .post("/bank/pay", &[("Origin", origin)], "{}")
            .problem(403, "wrong-origin");
    }
    let own = format!("http://{}", server.address);
    assert_eq!(
        server
            .post("/bank/balance", &[("Origin", &own)], r#"{"id": 1}"#)
            .status,
        200
    );
    let big = "x".repeat(200_000);
    server
        .post("/bank/pay", &[], &big)
        .problem(413, "too-large");
    let huge = vec![b' '; (8 << 20) + 1];
    server
        .send(
            "POST",
            "/bank/pay",
            &[("Content-Type", "application/json")],
            &huge,
        )
        .problem(413, "too-large");
    server.get("/events?from=x").problem(400, "bad-query");
    server.get("/events?form=1").problem(400, "bad-query");
}

#[test]
fn a_key_makes_a_call_happen_once() {
    let server = Server::start().with_accounts();
    let pay = |key: &str, amount: u64| {
        server.post(
            "/bank/pay",
            &[("Idempotency-Key", key)],
            &format!(r#"{{"from": 1, "to": 2, "amount": {amount}}}"#),
        )
    };
    for _ in 0..3 {
        assert_eq!(pay("order-17", 10).text, "\"990\"");
        assert_eq!(pay("till/1", 5).text, "\"985\"");
        assert_eq!(
            pay("till/2", 5_000).problem(422, "command-failed")["fields"]["available"],
            "985"
        );
    }
    pay("order-17", 11).problem(422, "idempotency-key-reused");
    pay("unknown/2", 1).problem(409, "idempotency-key-expired");
    let bearer = format!("Bearer {TOKEN}");
    let other = [
        ("Idempotency-Key", "order-17"),
        ("Authorization", bearer.as_str()),
        ("Recurrent-Caller", "9"),
    ];
    let another = server.post("/bank/pay", &other, r#"{"from": 1, "to": 2, "amount": 1}"#);
    assert_eq!(
        another.text, "\"984\"",
        "keys of different callers never meet"
    );
    let too_long = "x".repeat(201);
    for key in [
        "",
        "a/0",
        "/1",
        "a b",
        "a/99999999999999999999",
        "a/18446744073709551615",
        &too_long,
    ] {
        let problem = pay(key, 1).problem(400, "bad-idempotency-key");
        assert_eq!(problem["field"], "Idempotency-Key", "{key}");
    }
    assert_eq!(server.balance(2), "\"16\"");
}

#[test]
fn many_lines_in_one_request() {
    let server = Server::start().with_accounts();
    let mut lines = String::from(
        "{\"from\": 1, \"to\": 2, \"amount\": 1}\n\n{\"from\": 1}\n{\"from\": 1, \"to\": 2, \"amount\": 9000}\nnonsense\n",
    );
    for _ in 0..9_000 {
        lines.push_str("{\"from\":2,\"to\":1,\"amount\":0}\n");
    }
    let send = |key: &str| {
        server.post(
            "/bank/pay",
            &[
                ("Content-Type", "application/x-ndjson"),
                ("Idempotency-Key", key),
            ],
            &lines,
        )
    };
    let answer = send("bulk/1");
    assert_eq!(answer.status, 200);
    let answers: Vec<&str> = answer.text.lines().collect();
    assert_eq!(answers.len(), 9_004);
    assert_eq!(answers[0], r#"{"ok":"999"}"#);
    assert!(answers[1].contains("\"field\":\"to\"") && answers[3].contains("not JSON"));
    assert!(answers[2].contains("Payment.Insufficient"));
    assert_eq!(answers[9_003], r#"{"ok":"1"}"#);
    let short = "{\"from\": 1, \"to\": 2, \"amount\": 1}\n".repeat(3);
    let send = || {
        server.post(
            "/bank/pay",
            &[
                ("Content-Type", "application/x-ndjson"),
                ("Idempotency-Key", "again/1"),
            ],
            &short,
        )
    };
    assert_eq!(send().text, send().text);
    assert_eq!(server.balance(2), "\"4\"");
    let last = [
        ("Content-Type", "application/x-ndjson"),
        ("Idempotency-Key", "end/4611686018427387904"),
    ];
    assert_eq!(
        server.post("/bank/pay", &last, &short).status,
        200,
        "numbers near their end do not overflow"
    );
}

#[test]
fn a_halted_node_says_so() {
    let server = Server::start().with_accounts();
    assert_eq!(server.get("/health").status, 200);
    // The one operation that fails may also be the preparation of the next segment, which is tried again.
    let pay = || {
        server.disk.fail_after(0);
        server.post("/bank/pay", &[], r#"{"from": 1, "to": 2, "amount": 1}"#)
    };
    let refused = (0..10).map(|_| pay()).find(|answer| answer.status != 200);
    refused
        .expect("a write that fails halts the node")
        .problem(503, "halted");
    server
        .post("/bank/balance", &[], r#"{"id": 1}"#)
        .problem(503, "halted");
    server.get("/health").problem(503, "halted");
}
