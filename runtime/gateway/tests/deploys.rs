//! Deploys and what is derived from the deployed interface: plans, refusals, OpenAPI, descriptors.

mod support;

use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use support::{Server, TOKEN};

fn deploy(server: &Server, text: &str, extra: Value) -> support::Response {
    let mut body = json!({ "files": [{ "name": "bank.rc", "text": text }] });
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    server.post(
        "/deploy",
        &[("Authorization", &format!("Bearer {TOKEN}"))],
        &body.to_string(),
    )
}

#[test]
fn deploys_plan_refuse_and_activate() {
    let server = Server::start().with_accounts();
    server
        .post("/deploy", &[], "{}")
        .problem(401, "unauthorized");
    let bearer = format!("Bearer {TOKEN}");
    server
        .post("/deploy", &[("Authorization", &bearer)], "{")
        .problem(400, "bad-arguments");
    server
        .post(
            "/deploy",
            &[("Authorization", &bearer)],
            r#"{"files": [], "x": 1}"#,
        )
        .problem(400, "bad-arguments");
    let wrong = deploy(&server, "what?", json!({})).problem(422, "does-not-compile");
    assert!(wrong["detail"].as_str().unwrap().contains("E1"));
    deploy(&server, "slow", json!({})).problem(422, "compile-limit");
    let breaks = deploy(&server, "breaks", json!({})).problem(409, "deploy-refused");
    assert!(
        breaks["detail"]
            .as_str()
            .unwrap()
            .contains("takes other arguments")
    );
    let planned = deploy(&server, "breaks", json!({ "plan_only": true })).json();
    assert_eq!(
        (&planned["deployed"], &planned["changes"][0]["kind"]),
        (&json!(false), &json!("broken"))
    );
    deploy(&server, "3", json!({ "expected_epoch": 7 })).problem(409, "deploy-refused");
    assert_eq!(
        deploy(&server, "0", json!({})).json()["deployed"],
        false,
        "nothing changed"
    );
    assert_eq!(
        server
            .post("/bank/pay", &[], r#"{"from": 1, "to": 2, "amount": 1}"#)
            .text,
        "\"999\""
    );
    let done = deploy(&server, "3", json!({ "expected_epoch": 1 })).json();
    assert_eq!(
        (&done["epoch"], &done["deployed"]),
        (&json!(2), &json!(true))
    );
    assert_eq!(
        server
            .post("/bank/pay", &[], r#"{"from": 1, "to": 2, "amount": 1}"#)
            .text,
        "\"995\""
    );
    assert_eq!(
        server.get("/catalog").json()["packages"][0]["compiled"],
        true
    );
}

#[test]
fn a_deploy_under_load_fails_no_request() {
    let server = Server::start().with_accounts();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let load = || {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                let answer = server.post("/bank/pay", &[], r#"{"from": 2, "to": 1, "amount": 0}"#);
                let failed = answer.json();
                // A fee that account 2 cannot pay is the command's answer, named by the version that the caller knew.
                assert!(
                    answer.status == 200 || failed["code"] == "Payment.Insufficient",
                    "{}",
                    answer.text
                );
                count += 1;
            }
            count
        };
        let loads: Vec<_> = (0..3).map(|_| scope.spawn(load)).collect();
        let mut done = Vec::new();
        for text in ["1", "2", "0", "3", "shuffled"] {
            done.push(deploy(&server, text, json!({})).text);
        }
        // Before anything is asserted: the loads go on until then.
        stop.store(true, Ordering::Relaxed);
        assert!(
            done.iter().all(|text| text.contains("\"deployed\":true")),
            "{done:?}"
        );
        assert!(
            loads
                .into_iter()
                .map(|load| load.join().unwrap())
                .sum::<u64>()
                > 20
        );
    });
}

#[test]
fn the_openapi_document_is_whole() {
    let server = Server::start();
    assert_eq!(deploy(&server, "other", json!({})).json()["deployed"], true);
    let document = server.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let pay = &document["paths"]["/bank/pay"]["post"];
    assert_eq!(pay["operationId"], "bank.pay@1");
    let schema = &pay["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["required"], json!(["from", "to", "amount"]));
    assert_eq!(schema["additionalProperties"], false);
    assert!(
        pay["responses"]["422"]["description"]
            .as_str()
            .unwrap()
            .contains("Payment.Insufficient")
    );
    assert!(pay["x-cost"]["steps"].as_u64().unwrap() > 0);
    let note = &document["paths"]["/bank/note"]["post"]["requestBody"]["content"]["application/json"]
        ["schema"];
    assert_eq!(note["required"], json!(["text", "tags"]));
    assert_eq!(note["properties"]["tags"]["maxItems"], 4);
    let sorted = &document["paths"]["/bank/sorted"]["post"]["requestBody"]["content"]["application/json"]
        ["schema"]["properties"];
    assert_eq!(sorted["tags"]["uniqueItems"], true);
    assert_eq!(sorted["ages"]["type"], "object");
    assert_eq!(
        (
            &sorted["ages"]["maxProperties"],
            &sorted["ages"]["additionalProperties"]["format"]
        ),
        (&json!(3), &json!("i64"))
    );
    assert_eq!(
        document["paths"]["/bank/reset"]["post"]["security"],
        json!([{ "token": [] }])
    );
    assert!(document["paths"]["/other/pay"].is_object());
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        assert!(
            document
                .pointer(reference.strip_prefix('#').unwrap())
                .is_some(),
            "{reference} points nowhere"
        );
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(
                fields
                    .get("$ref")
                    .and_then(Value::as_str)
                    .map(str::to_string),
            );
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}
