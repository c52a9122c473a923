//! Events as server-sent events: from any op, resumable, gone where they are not kept; feeds that are dropped leave nothing.

mod support;

use std::io::{BufRead, Read};
use support::{Server, ids};

fn pay(server: &Server, amount: u64) {
    let body = format!(r#"{{"from": 1, "to": 2, "amount": {amount}}}"#);
    assert_eq!(server.post("/bank/pay", &[], &body).status, 200);
}

#[test]
fn feeds_start_anywhere_and_resume_after_the_last_seen() {
    let server = Server::start().with_accounts();
    (1..=5).for_each(|amount| pay(&server, amount));
    let mut feed = server.feed("/events?from=0", &[]);
    assert_eq!(ids(&mut feed, 5), ["4.0", "5.0", "6.0", "7.0", "8.0"]);
    pay(&server, 6);
    let mut text = String::new();
    while !text.contains("\"6\"}") {
        assert!(
            feed.read_line(&mut text).unwrap() > 0,
            "the feed ended: {text}"
        );
    }
    let event = "id: 9.0\nevent: bank.Paid\ndata: {\"from\":\"1\",\"to\":\"2\",\"amount\":\"6\"}";
    assert!(text.contains(event), "{text}");
    assert_eq!(
        ids(&mut server.feed("/events?from=6", &[]), 2),
        ["6.0", "7.0"]
    );
    let resumed = &mut server.feed("/events?from=0", &[("Last-Event-ID", "6.0")]);
    assert_eq!(ids(resumed, 3), ["7.0", "8.0", "9.0"]);
    assert_eq!(
        ids(&mut server.feed("/events?from=2", &[]), 1),
        ["4.0"],
        "before the first event nothing was lost"
    );
}

#[test]
fn dropped_feeds_make_room() {
    let server = Server::start().with_accounts();
    pay(&server, 1);
    for _ in 0..6 {
        let feeds: Vec<_> = (0..50)
            .map(|_| server.feed("/events?from=0", &[]))
            .collect();
        for mut feed in feeds {
            assert_eq!(ids(&mut feed, 1), ["4.0"]);
        }
        std::thread::sleep(std::time::Duration::from_millis(600));
    }
}

#[test]
fn closing_the_node_ends_its_feeds() {
    let server = Server::start().with_accounts();
    pay(&server, 1);
    let mut feed = server.feed("/events", &[("Connection", "close")]);
    ids(&mut feed, 1);
    let Server { node, .. } = server;
    node.close();
    let mut rest = String::new();
    feed.read_to_string(&mut rest)
        .expect("the feed ends in good order");
    assert!(!rest.contains("id: "));
}

#[test]
fn a_place_that_is_none_and_a_package_that_is_not_there_are_refused() {
    let server = Server::start().with_accounts();
    for id in ["garbage", "5", "5.x", "-1.0", "5.0.0", ""] {
        let refused = server
            .send("GET", "/events", &[("Last-Event-ID", id)], b"")
            .problem(400, "bad-event-id");
        assert_eq!(refused["field"], "Last-Event-ID", "{id}");
    }
    let refused = server.get("/events?package=nope").problem(404, "not-found");
    assert_eq!(
        refused["detail"],
        "no package nope is deployed; there is: bank"
    );
    pay(&server, 1);
    let mut feed = server.feed("/events?package=bank", &[("Last-Event-ID", "3.0")]);
    assert_eq!(ids(&mut feed, 1), ["4.0"]);
}
