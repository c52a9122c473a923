//! A disk that fills up: payments are refused with a clear answer, nothing acknowledged is lost, and with space again
//! it goes on. Needs root for a small file system of its own; elsewhere it is skipped, and says so.

use crate::client::Client;
use crate::failure::{Failure, on_files};
use crate::http::Connection;
use crate::ledger::Ledger;
use crate::random::Random;
use crate::server::{Server, Setup};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const DISK_BYTES: &str = "size=64m";
/// Payments until the full disk must have been noticed.
const PAYMENTS_MAX: u32 = 40_000;

/// How often, and how far apart, a refused payment is tried again once there is space.
const NOTICES_MAX: u32 = 40;
const NOTICE_PAUSE: Duration = Duration::from_millis(50);

/// A mounted file system; unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(folder: &Path) -> Result<Option<Mount>, Failure> {
        let point = folder.join("small");
        on_files("a mount point", fs::create_dir_all(&point))?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", DISK_BYTES, "tmpfs"])
            .arg(&point)
            .output();
        Ok(mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Mount(point)))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily, since a killed server may take a moment to let go.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

/// Takes all the space that is left.
fn fill(path: &Path) -> Result<(), Failure> {
    let mut file = on_files("the ballast", fs::File::create(path))?;
    let mut piece = 1 << 20;
    while piece >= 512 {
        match file.write(&vec![1; piece]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => piece /= 2,
            Err(error) => return on_files("the ballast", Err(error)),
        }
    }
    Ok(())
}

pub fn run(setup: Setup, folder: &Path, seed: u64) -> Result<(), Failure> {
    let Some(mount) = Mount::new(folder)? else {
        println!("full-disk: skipped: a file system cannot be mounted here");
        return Ok(());
    };
    let setup = Setup {
        data: mount.0.join("data"),
        ..setup
    };
    let (mut client, mut ledger, mut random) =
        (Client::new(seed, 1), Ledger::default(), Random::new(seed));
    let mut server = Server::start(&setup, None)?;
    server.expect_ready()?;
    ledger.open_accounts(setup.port, seed)?;
    for _ in 0..200 {
        pay(&mut client, setup.port)?;
    }
    let ballast = mount.0.join("ballast");
    fill(&ballast)?;
    let mut refused = None;
    for _ in 0..PAYMENTS_MAX {
        if let Err(answer) = client.pay_once(setup.port)? {
            refused = Some(answer);
            break;
        }
    }
    let Some(answer) = refused else {
        return Failure::trouble(format!("{PAYMENTS_MAX} payments fit on a full disk"));
    };
    let is_clear = answer.status == 507
        && answer.content_type == "application/problem+json"
        && answer.json()["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("full"));
    if !is_clear {
        return Failure::violation(format!(
            "a full disk was answered with {}\n{}",
            answer.text(),
            server.output()
        ));
    }
    println!("  refused, as it should be: {}", answer.text());
    // Reading goes on, and refused is refused: it may be asked again.
    let mut connection = Connection::open(setup.port).map_err(Failure::Gone)?;
    let read = connection
        .post("/payments/totals", "", "{}")
        .map_err(Failure::Gone)?;
    if read.status != 200 {
        return Failure::violation(format!(
            "a query on a full disk was answered with {}",
            read.text()
        ));
    }
    let acknowledged = client.acknowledged.len();
    on_files("freeing space", fs::remove_file(&ballast))?;
    pay_again(&mut client, setup.port)?;
    for _ in 0..200 {
        pay(&mut client, setup.port)?;
    }
    let mut clients = [client];
    ledger.check(setup.port, &clients, &mut random)?;
    // The same again, but killed while the disk is full.
    fill(&ballast)?;
    let [client] = &mut clients;
    for _ in 0..PAYMENTS_MAX {
        if client.pay_once(setup.port)?.is_err() {
            break;
        }
    }
    server.kill()?;
    on_files("freeing space", fs::remove_file(&ballast))?;
    let mut server = Server::start(&setup, None)?;
    server.expect_ready()?;
    pay(client, setup.port)?;
    ledger.check(setup.port, &clients, &mut random)?;
    println!(
        "  {acknowledged} payments before the disk was full, {} in the end, all there",
        clients[0].acknowledged.len()
    );
    server.close()
}

/// Pays where there is space again; the server may need a few requests to notice.
fn pay_again(client: &mut Client, port: u16) -> Result<(), Failure> {
    for _ in 0..NOTICES_MAX {
        if client.pay_once(port)?.is_ok() {
            return Ok(());
        }
        std::thread::sleep(NOTICE_PAUSE);
    }
    pay(client, port)
}

/// Pays where there is space.
fn pay(client: &mut Client, port: u16) -> Result<(), Failure> {
    match client.pay_once(port)? {
        Ok(()) => Ok(()),
        Err(answer) => Failure::violation(format!(
            "a payment with space on the disk was answered with {}",
            answer.text()
        )),
    }
}
