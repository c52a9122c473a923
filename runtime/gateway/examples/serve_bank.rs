//! Serves the tests' bank on a loopback port until its input ends: a server for clients in other languages
//! (`tests/gateway/run.sh`). Prints the address.

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::Read;

fn main() {
    let server = support::Server::start().with_accounts();
    println!("{}", server.address);
    let mut input = Vec::new();
    std::io::stdin()
        .read_to_end(&mut input)
        .expect("standard input can be read");
    let support::Server { node, .. } = server;
    node.close();
}
