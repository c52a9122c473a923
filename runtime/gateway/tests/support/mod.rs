//! A gateway on a real loopback socket over a node with the bank deployed, and a plain HTTP client.
#![allow(dead_code, reason = "each test file uses its part")]

#[path = "../../../engine/tests/support/bank.rs"]
pub mod bank;

use bank::{BANK, Bank};
use rc_canvas::MemoryStore;
use rc_engine::{Deploy, Mode, Op, Reply};
use rc_gateway::{Access, CompileFailure, Gateway, PackageFile, SourceCompiler, router, serve};
use rc_log::{Honesty, Options as LogOptions, SimulatedDisk};
use rc_node::{Handle, Node, NodeOptions, Work};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tempfile::TempDir;

pub const TOKEN: &str = "0123456789abcdef";

/// "Compiles" a file whose text is a fee: the rest of a compiler is not tested here.
struct FeeCompiler;

impl SourceCompiler for FeeCompiler {
    fn compile(&self, files: &[PackageFile]) -> Result<Vec<u8>, CompileFailure> {
        let text = files.first().map_or("", |file| file.text.as_str());
        match text {
            "slow" => Err(CompileFailure::Limit("too slow".to_string())),
            "breaks" => Ok(Bank {
                other_signature: true,
                ..BANK
            }
            .encoded()),
            "shuffled" => Ok(Bank {
                shuffled: true,
                ..BANK
            }
            .encoded()),
            "other" => Ok(Bank {
                package: "other",
                ..BANK
            }
            .encoded()),
            fee => match fee.parse() {
                Ok(fee) => Ok(Bank { fee, ..BANK }.encoded()),
                Err(_) => Err(CompileFailure::Diagnostics(
                    "E1: this is no fee".to_string(),
                )),
            },
        }
    }
}

pub struct Server {
    pub address: SocketAddr,
    pub node: Node,
    pub disk: SimulatedDisk,
    runtime: tokio::runtime::Runtime,
    _folder: TempDir,
}

pub fn order(handle: &Handle, ops: Vec<Op>) -> Vec<Reply> {
    let (send, receive) = mpsc::channel();
    handle.submit(Work::Ops {
        ops,
        answer: Box::new(move |result| drop(send.send(result))),
    });
    receive
        .recv_timeout(Duration::from_secs(20))
        .unwrap()
        .unwrap()
        .replies
}

impl Server {
    /// With the bank deployed; listening on `port`, 0 for any.
    pub fn start_at(port: u16) -> Server {
        Server::start_behind(port, None)
    }

    /// The same, known to its callers by another port too.
    pub fn start_behind(port: u16, other_port: Option<u16>) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let mut options = NodeOptions::new(folder.path().join("events"), 5);
        options.mode = Mode::Jit;
        options.log = LogOptions {
            segment_bytes: 16 << 20,
            ..LogOptions::default()
        };
        let disk = SimulatedDisk::new(1, Honesty::FULL);
        let (node, _) = Node::start(
            Arc::new(disk.clone()),
            Box::new(MemoryStore::new()),
            options,
        )
        .unwrap();
        let deploy = Deploy {
            expected_epoch: 0,
            deployer: 1,
            module: BANK.encoded(),
            source: vec![],
        };
        assert_eq!(
            order(&node.handle(), vec![Op::Deploy(Box::new(deploy))]),
            [Reply::Deployed { epoch: 1 }]
        );
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(("127.0.0.1", port)))
            .unwrap();
        let address = listener.local_addr().unwrap();
        let mut access = Access::loopback(address.port(), TOKEN.to_string());
        let other = other_port.map(|port| format!("127.0.0.1:{port}"));
        access.hosts.extend(other);
        let access = Arc::new(access);
        let gateway = Gateway {
            node: node.handle(),
            access,
            compiler: Arc::new(FeeCompiler),
        };
        runtime.spawn(serve(listener, router(gateway), std::future::pending()));
        Server {
            address,
            node,
            disk,
            runtime,
            _folder: folder,
        }
    }

    pub fn start() -> Server {
        Server::start_at(0)
    }

    /// Sends a request as it is written, with Host and length added, and reads the answer.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        if !headers.iter().any(|(name, _)| *name == "Host") {
            head.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses by the head alone may close before the body is sent.
        let _ = stream.write_all(body);
        Response::read(stream)
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut all = headers.to_vec();
        if !headers.iter().any(|(name, _)| *name == "Content-Type") {
            all.push(("Content-Type", "application/json"));
        }
        self.send("POST", path, &all, body.as_bytes())
    }

    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], b"")
    }

    /// Opens account 1 with 1,000 and account 2 with 0.
    pub fn with_accounts(self) -> Server {
        for body in [
            r#"{"id": "1", "balance": 1000}"#,
            r#"{"id": 2, "balance": "0"}"#,
        ] {
            assert_eq!(self.post("/bank/open", &[], body).status, 200);
        }
        self
    }

    pub fn balance(&self, id: u64) -> String {
        self.post("/bank/balance", &[], &format!("{{\"id\": {id}}}"))
            .text
    }

    /// A feed: lines as they come.
    pub fn feed(&self, path: &str, headers: &[(&str, &str)]) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        BufReader::new(stream)
    }
}

/// The ids of the next so many events of a feed.
pub fn ids(feed: &mut BufReader<TcpStream>, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        let mut line = String::new();
        assert!(
            feed.read_line(&mut line).unwrap() > 0,
            "the feed ended after {ids:?}"
        );
        if let Some(id) = line.strip_prefix("id: ") {
            ids.push(id.trim().to_string());
        }
    }
    ids
}

pub struct Response {
    pub status: u16,
    pub head: String,
    pub text: String,
}

impl Response {
    fn read(mut stream: TcpStream) -> Response {
        let mut bytes = Vec::new();
        // A reset after the answer, because the body was not read, is not the answer's fault.
        let mut part = [0; 65_536];
        while let Ok(length @ 1..) = stream.read(&mut part) {
            bytes.extend(&part[..length]);
        }
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let chunked = head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked");
        assert!(!chunked, "bodies of known length are sent as such");
        Response {
            status,
            head: head.to_string(),
            text: body.to_string(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Asserts that it is a problem document with this status and type; gives it.
    pub fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(
            self.head
                .to_ascii_lowercase()
                .contains("content-type: application/problem+json"),
            "{}",
            self.head
        );
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:re-current:problem:{kind}"));
        assert_eq!(problem["status"], status);
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty())
        );
        problem
    }
}
