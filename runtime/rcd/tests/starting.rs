//! `rcd dev` before it serves: what it refuses, and what it leaves alone.

use std::net::TcpListener;
use std::process::Command;

#[test]
fn a_port_that_is_taken_is_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = "package idle\n\nquery one() -> u64 allow anyone { 1 }\n";
    std::fs::write(folder.path().join("idle.rc"), source).expect("a file");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("its address").port().to_string();
    let ran = Command::new(env!("CARGO_BIN_EXE_rcd"))
        .args(["dev", "--no-watch", "--port", &port])
        .arg(folder.path())
        .output()
        .expect("rcd runs");
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(!ran.status.success(), "{told}");
    assert!(
        told.starts_with(&format!("error: 127.0.0.1:{port} cannot be bound: "))
            && told.contains("choose another one with --port"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        !folder.path().join(".rc-data").exists(),
        "no data is made for a node that cannot serve"
    );
}
