//! Paths that a package chose, over real sockets: what they take, what they refuse, and how they stand to the derived ones.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SHOP: &str = r#"package shop

enum Order { Name, Price }

table Item {
    key id: u64
    name: string<40>
    price: decimal<12, 2>
    sold: bool = false
}

state last: u64 = 0

error Shop { NoItem(id: u64) }

@http(POST "/items")
command create(name: string<40>, price: decimal<12, 2>) -> u64 allow anyone {
    last += 1
    Item.insert({ id: last, name, price })
    last
}

@http(GET "/items/{id}")
query item(id: u64) -> (string<40>, decimal<12, 2>, bool) fails Shop allow anyone {
    let item = Item.get(id) else fail NoItem(id)
    (item.name, item.price, item.sold)
}

@http(PATCH "/items/{id}/price")
command reprice(id: u64, price: decimal<12, 2>, note: string<10>?) fails Shop allow anyone {
    let item = Item.get(id) else fail NoItem(id)
    item.price = price
}

@http(PUT "/items/{id}/sold")
command sell(id: u64) fails Shop allow anyone {
    let item = Item.get(id) else fail NoItem(id)
    item.sold = true
}

@http(DELETE "/items/{id}")
command remove(id: u64) -> bool allow anyone { Item.delete(id) }

@http(PUT "/items/{item}")
command keep(item: u64) allow anyone {}

@http(GET "/echo/{text}/{order}")
query echo(text: string<8>, order: Order, twice: bool, less: i16?, rate: f64?) -> (string<8>, Order, bool, i16?, f64?) allow anyone {
    (text, order, twice, less, rate)
}

@http(POST "/search")
query search(words: list<string<8>, 3>) -> u64 allow anyone { words.len() }
"#;

struct Node {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Node {
    fn start(source: &str) -> Node {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("shop.rc"), source).expect("a file");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("its address").port();
        drop(free);
        let child = Command::new(env!("CARGO_BIN_EXE_rcd"))
            .args(["dev", "--no-watch", "--port", &port.to_string()])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("rcd runs");
        let node = Node {
            child,
            port,
            _folder: folder,
        };
        let started = Instant::now();
        while !node
            .maybe("GET", "/catalog", &[], "")
            .is_some_and(|answer| answer.body.contains("\"shop\""))
        {
            assert!(started.elapsed() < Duration::from_secs(60), "no node");
            std::thread::sleep(Duration::from_millis(50));
        }
        node
    }

    fn maybe(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<Answer> {
        let address = format!("127.0.0.1:{}", self.port);
        let mut stream = TcpStream::connect(&address).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .ok()?;
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(head.as_bytes()).ok()?;
        let mut bytes = Vec::new();
        let mut part = [0; 65_536];
        while let Ok(length @ 1..) = stream.read(&mut part) {
            bytes.extend(&part[..length]);
        }
        let text = String::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some(Answer {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head: head.to_ascii_lowercase(),
            body: body.to_string(),
        })
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let headers: &[(&str, &str)] = match body {
            "" => &[],
            _ => &[("Content-Type", "application/json")],
        };
        self.maybe(method, path, headers, body).expect("an answer")
    }

    fn ok(&self, method: &str, path: &str, body: &str) -> String {
        let answer = self.send(method, path, body);
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        answer.body
    }

    /// A problem of this status, that names this field.
    fn refused(&self, method: &str, path: &str, body: &str, status: u16, field: &str) -> String {
        let answer = self.send(method, path, body);
        let shown = format!("{method} {path}: {}", answer.body);
        assert_eq!(answer.status, status, "{shown}");
        assert!(
            answer.head.contains("application/problem+json"),
            "{}",
            answer.head
        );
        let problem: serde_json::Value = serde_json::from_str(&answer.body).expect(&shown);
        assert_eq!(problem["field"].as_str().unwrap_or(""), field, "{shown}");
        answer.body
    }
}

#[test]
fn paths_of_a_packages_own() {
    let node = Node::start(SHOP);
    assert_eq!(
        node.ok("POST", "/items", r#"{"name": "Käse", "price": "7.50"}"#),
        "\"1\""
    );
    assert_eq!(node.ok("GET", "/items/1", ""), r#"["Käse","7.50",false]"#);
    assert_eq!(
        node.ok("PATCH", "/items/1/price", r#"{"price": "8.00"}"#),
        "null"
    );
    assert_eq!(node.ok("PUT", "/items/1/sold", ""), "null");
    assert_eq!(node.ok("GET", "/items/1", ""), r#"["Käse","8.00",true]"#);
    assert_eq!(
        node.ok("POST", "/search", r#"{"words": ["a", "b"]}"#),
        "\"2\""
    );

    // The derived paths are there as ever, and mean the same.
    assert_eq!(
        node.ok("POST", "/shop/item", r#"{"id": "1"}"#),
        r#"["Käse","8.00",true]"#
    );
    assert_eq!(node.ok("DELETE", "/items/1", ""), "true");
    assert_eq!(node.ok("DELETE", "/items/1", "{}"), "false");
    let failed = node.refused("GET", "/items/1", "", 422, "");
    assert!(failed.contains("Shop.NoItem"), "{failed}");

    // Text that stands for values.
    assert_eq!(
        node.ok("GET", "/echo/a%2Fb/Price?twice=true&less=-5&rate=0.5", ""),
        r#"["a/b","Price",true,-5,0.5]"#
    );
    assert_eq!(
        node.ok("GET", "/echo/%e2%82%ac+/Name?twice=false", ""),
        r#"["€+","Name",false,null,null]"#
    );
    let kept = node.send("GET", "/echo/a/Name?twice=true", "");
    assert!(
        kept.head.contains("cache-control: no-store"),
        "{}",
        kept.head
    );
    assert!(kept.head.contains("recurrent-op: "), "{}", kept.head);

    // An idempotency key counts as over a derived path.
    let once = |key: &str| {
        let headers = [
            ("Content-Type", "application/json"),
            ("Idempotency-Key", key),
        ];
        let body = r#"{"name": "Brot", "price": 3}"#;
        node.maybe("POST", "/items", &headers, body)
            .expect("an answer")
            .body
    };
    assert_eq!(
        (once("till/1"), once("till/1")),
        ("\"2\"".into(), "\"2\"".into())
    );
    assert_eq!(once("till/2"), "\"3\"");
}

#[test]
fn hostile_paths_are_problems_that_name_the_field() {
    let node = Node::start(SHOP);
    let bad = |path: &str, field: &str| node.refused("GET", path, "", 400, field);
    bad("/items/x", "id");
    bad("/items/-1", "id");
    bad("/items/18446744073709551616", "id");
    bad("/items/1%2F2", "id");
    bad("/items/%ff", "id");
    bad("/items/%c0%af", "id");
    bad("/items/%", "id");
    bad("/items/%2", "id");
    bad("/items/%zz", "id");
    bad("/items/..", "id");
    bad("/items/%2e%2e", "id");
    bad("/items/.", "id");
    bad("/items/1?id=2", "id");
    bad("/items/1?x=2", "x");
    bad("/echo/a/Name", "twice");
    bad("/echo/a/Name?twice=yes", "twice");
    bad("/echo/a/Name?twice=true&twice=true", "twice");
    bad("/echo/a/Name?twice=%ff", "twice");
    bad("/echo/a/Name?twice=true&less=40000", "less");
    bad("/echo/a/Name?twice=true&rate=inf", "rate");
    bad("/echo/a/Size?twice=true", "order");
    bad("/echo/123456789/Name?twice=true", "text");
    bad(
        &format!("/echo/{}/Name?twice=true", "x".repeat(30_000)),
        "text",
    );

    // No path of anybody's.
    for path in [
        "/items//",
        "/items/",
        "/items//price",
        "//items/1",
        "/items/1/",
        "/items/../items/1",
        "/ITEMS/1",
        "/items%2F1",
        "/%ff/1",
        "/echo//Name",
    ] {
        node.refused("GET", path, "", 404, "");
    }
    // Literal parts are compared decoded.
    node.refused("GET", "/%69tems/7", "", 422, "");

    // Methods that a path does not have.
    for (method, path, allowed) in [
        ("PATCH", "/items/1", "get, put, delete"),
        ("GET", "/items", "post"),
        ("PUT", "/items", "post"),
        ("OPTIONS", "/items/1", "get, put, delete"),
        ("GET", "/shop/item", "post"),
    ] {
        let answer = node.send(method, path, "");
        assert_eq!(answer.status, 405, "{method} {path}: {}", answer.body);
        let allow = format!("allow: {allowed}");
        assert!(answer.head.contains(&allow), "{path}: {}", answer.head);
    }

    // An argument comes from one place.
    node.refused("PUT", "/items/1/sold", r#"{"id": 1}"#, 400, "id");
    node.refused("PUT", "/items/1/sold?id=1", "", 400, "id");
    node.refused("PATCH", "/items/1/price", "{}", 400, "price");
    node.refused("PATCH", "/items/1/price", "[]", 400, "");
    node.refused(
        "PATCH",
        "/items/1/price",
        r#"{"price": 1, "x": 1}"#,
        400,
        "x",
    );
    node.refused("POST", "/items", "", 415, "");
    let long = format!(r#"{{"price": "{}"}}"#, "1".repeat(100_000));
    node.refused("PATCH", "/items/1/price", &long, 413, "");

    // Pages of other origins are not answered there either.
    let origin = [("Origin", "http://evil.example")];
    let foreign = node.maybe("DELETE", "/items/1", &origin, "");
    assert_eq!(foreign.expect("an answer").status, 403);
}

#[test]
fn openapi_and_the_index_know_them() {
    let node = Node::start(SHOP);
    let document: serde_json::Value =
        serde_json::from_str(&node.ok("GET", "/openapi.json", "")).expect("JSON");
    let paths = &document["paths"];
    let get = &paths["/items/{id}"]["get"];
    assert_eq!(get["operationId"], "shop.item@1.get");
    assert!(get["requestBody"].is_null() && paths["/items/{id}"]["delete"].is_object());
    let find = |operation: &serde_json::Value, name: &str| {
        let parameters = operation["parameters"].as_array().expect("a list").clone();
        parameters
            .into_iter()
            .find(|parameter| parameter["name"] == name)
            .map(|found| (found["in"].clone(), found["required"].clone()))
    };
    assert_eq!(find(get, "id"), Some(("path".into(), true.into())));
    let echo = &paths["/echo/{text}/{order}"]["get"];
    assert_eq!(find(echo, "twice"), Some(("query".into(), true.into())));
    assert_eq!(find(echo, "less"), Some(("query".into(), false.into())));
    let patch = &paths["/items/{id}/price"]["patch"];
    let body = &patch["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["required"].to_string(), r#"["price"]"#);
    assert!(
        paths["/shop/item"]["post"].is_object(),
        "the derived one stays"
    );
    // One name for a part of a path, as the document's rules want it.
    assert!(paths["/items/{item}"].is_null());
    let put = &paths["/items/{id}"]["put"];
    assert_eq!(find(put, "id"), Some(("path".into(), true.into())));
    assert_eq!(find(put, "item"), None);
    let index = node.ok("GET", "/", "");
    assert!(index.contains("GET /items/{id}  item"), "{index}");
}
