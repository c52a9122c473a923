//! Rows with the log: the whole node in process, batches ordered with fsync, exactly-once sessions, events written.

use crate::Arguments;
use crate::engines::{FUNDS, command, row};
use crate::machine::{cpu_seconds, summary};
use crate::stream::{Payment, permuted, uniform};
use rc_bytecode::verify::Verified;
use rc_canvas::MemoryStore;
use rc_engine::{Call, Deploy, Op, Principal, Reply, SessionKey};
use rc_jit::Compiled;
use rc_log::RealDisk;
use rc_node::{Answer, Handle, Node, NodeOptions, Work};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// Submissions that wait for their answer at once.
const IN_FLIGHT: usize = 4;

fn submit(handle: &Handle, ops: Vec<Op>) -> Receiver<Answer> {
    let (send, receive) = channel();
    let answer = Box::new(move |result: Result<Answer, _>| {
        let _ = send.send(result.expect("the node answers"));
    });
    handle.submit(Work::Ops { ops, answer });
    receive
}

pub fn run(arguments: &Arguments, module: &Verified) {
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(".")
        .expect("a folder");
    let disk = RealDisk::open(folder.path().join("log")).expect("a log folder");
    let mut options = NodeOptions::new(folder.path().join("events"), 1);
    options.checkpoint_log_bytes = u64::MAX;
    let (node, _) =
        Node::start(Arc::new(disk), Box::new(MemoryStore::new()), options).expect("a node");
    let handle = node.handle();
    let code = Compiled::compile(module).expect("machine code");
    handle
        .install_code(*module.hash(), Arc::new(code))
        .expect("installed");
    let deploy = Deploy {
        expected_epoch: 0,
        deployer: 0,
        module: rc_bytecode::encode(module.module()),
        source: Vec::new(),
    };
    let deployed = submit(&handle, vec![Op::Deploy(Box::new(deploy))])
        .recv()
        .expect("an answer");
    assert!(
        matches!(deployed.replies[0], Reply::Deployed { epoch: 1 }),
        "{deployed:?}"
    );
    let opened = submit(&handle, vec![Op::OpenSession { client: 7 }])
        .recv()
        .expect("an answer");
    let Reply::SessionOpened { slot, generation } = opened.replies[0] else {
        panic!("{opened:?}")
    };
    let mut sequence = 0;
    let mut call = |name: &str, arguments: Vec<u8>| {
        sequence += 1;
        // A payer has no roles; a set of all roles would take ten bytes of every log entry.
        let principal = Principal {
            id: 1,
            roles: if name == "mint" { 1 } else { 0 },
        };
        let session = SessionKey::Slot {
            slot,
            generation,
            sequence,
        };
        Op::Call(Call {
            epoch: 1,
            command: command(module, name).0,
            principal,
            session,
            arguments,
        })
    };
    let mut fill = Vec::new();
    for index in 0..arguments.accounts {
        let id = permuted(index);
        let mut open = id.to_le_bytes().to_vec();
        open.extend(5u16.to_le_bytes());
        open.extend(b"alice");
        fill.push(call("open", open));
        fill.push(call(
            "mint",
            [id.to_le_bytes(), FUNDS.to_le_bytes()].concat(),
        ));
    }
    drive(&handle, fill, arguments.batch);
    let (mut rates, mut cpu) = (Vec::new(), Vec::new());
    let before = handle.metrics();
    for turn in 0..arguments.pairs {
        let payments = uniform(arguments.accounts, arguments.payments, turn as u64 + 1);
        let ops: Vec<Op> = payments
            .iter()
            .map(|payment: &Payment| call("pay", payment.pack().to_vec()))
            .collect();
        let (start, cpu_before) = (Instant::now(), cpu_seconds());
        drive(&handle, ops, arguments.batch);
        let seconds = start.elapsed().as_secs_f64();
        rates.push(arguments.payments as f64 / seconds / 1e3);
        cpu.push((cpu_seconds() - cpu_before) * 1e6 / arguments.payments as f64);
    }
    let after = handle.metrics();
    let count = (arguments.payments * arguments.pairs) as f64;
    println!(
        "\nthe node in process: log with fsync, batches of {}, {IN_FLIGHT} in flight, sessions, events\n",
        arguments.batch
    );
    println!("| row | median | least | most |\n|---|---|---|---|");
    row("through the log, thousand payments/s", &summary(rates));
    row("CPU µs per payment, all threads", &summary(cpu));
    println!(
        "log bytes per payment: {:.1} (to reach: at most 40)",
        (after.log_bytes - before.log_bytes) as f64 / count
    );
    println!(
        "event bytes per payment: {:.1} (to reach: at most 48)",
        (after.event_bytes - before.event_bytes) as f64 / count
    );
    drop(handle);
    node.close();
}

/// Sends groups with a few in flight; every reply has to be a success.
fn drive(handle: &Handle, ops: Vec<Op>, batch: usize) {
    let mut waiting = std::collections::VecDeque::new();
    let check = |answer: Answer| {
        for reply in &answer.replies {
            assert!(matches!(reply, Reply::Done(_)), "{reply:?}");
        }
    };
    let mut ops = ops.into_iter();
    loop {
        let group: Vec<Op> = ops.by_ref().take(batch).collect();
        if group.is_empty() {
            break;
        }
        if waiting.len() == IN_FLIGHT {
            let oldest: Receiver<Answer> = waiting.pop_front().expect("some are waiting");
            check(oldest.recv().expect("an answer"));
        }
        waiting.push_back(submit(handle, group));
    }
    waiting
        .into_iter()
        .for_each(|oldest| check(oldest.recv().expect("an answer")));
}
