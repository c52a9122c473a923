//! Jobs on a node: steps go on by themselves, through crashes and checkpoints, and each row is visited exactly once.

mod support;

use rc_bytecode::Interface;
use rc_driver::Package;
use rc_engine::{Call, Deploy, Op, Reply, SessionKey};
use rc_log::Honesty;
use rc_node::{Handle, Node};
use std::time::{Duration, Instant};
use support::{Machine, PATIENCE, bank::words, call, events, order, submit_queries};

const FOLLOWERS: u64 = 100;

const TEXT: &str = "package news

table Follow {
    key author: u64 ordered
    key follower: u64
}

table Inbox {
    key user: u64
    post: u64
}

state delivered: u64

job fan_out(post: u64, author: u64) step 3 {
    for follow in Follow.by_key(author) {
        Inbox.insert({ user: follow.follower, post })
        delivered += 1
    }
}

job spoil(times: u64) step 1 {
    for follow in Follow.ascending() { delivered -= 1_000_000 }
}

command follow(author: u64, follower: u64) allow anyone { Follow.insert({ author, follower }) }

command post(id: u64, author: u64) allow anyone { start fan_out(id, author) }

command harm() allow anyone { start spoil(1) }

query reached() -> u64 allow anyone { delivered }

query has(user: u64) -> u64 allow anyone {
    if let row = Inbox.get(user) { row.post } else { 0 }
}
";

struct News {
    encoded: Vec<u8>,
    interface: Interface,
}

impl News {
    fn new() -> News {
        let package = Package::from_texts("news", [("news.rc".to_owned(), TEXT.to_owned())]);
        let compiled = rc_driver::compile(&package);
        let module = match compiled.lowered {
            Some(lowered) => lowered.module,
            None => panic!("{:?}", compiled.diagnostics),
        };
        News {
            encoded: rc_bytecode::encode(&module),
            interface: module.interface,
        }
    }

    fn call(&self, name: &str, arguments: &[u64]) -> Call {
        let known = |command: &rc_bytecode::interface::Command| command.name == name;
        let number = self.interface.commands.iter().position(known).unwrap();
        call(number as u32, words(arguments))
    }

    fn ask(&self, handle: &Handle, name: &str, arguments: &[u64]) -> Option<u64> {
        let answer = submit_queries(handle, vec![self.call(name, arguments)]);
        let answer = answer.recv_timeout(PATIENCE).unwrap().ok()?;
        let [Reply::Done(bytes)] = &answer.replies[..] else {
            panic!("{answer:?}")
        };
        Some(u64::from_le_bytes(bytes.as_slice().try_into().unwrap()))
    }

    /// A node with the package and its followers.
    fn start(&self, machine: &Machine) -> Node {
        let (node, _) = machine.start();
        let deploy = Op::Deploy(Box::new(Deploy {
            expected_epoch: 0,
            deployer: 1,
            module: self.encoded.clone(),
            source: vec![],
        }));
        let deployed = order(&node.handle(), vec![deploy]).unwrap();
        assert_eq!(deployed.replies, [Reply::Deployed { epoch: 1 }]);
        let follow = |id| Op::Call(self.call("follow", &[1, id]));
        let followed = order(&node.handle(), (0..FOLLOWERS).map(follow).collect()).unwrap();
        assert!(
            followed
                .replies
                .iter()
                .all(|reply| *reply == Reply::Done(vec![])),
            "{followed:?}"
        );
        node
    }

    fn post(&self) -> Op {
        let session = SessionKey::Client {
            client: 1,
            sequence: 1,
        };
        Op::Call(Call {
            session,
            ..self.call("post", &[7, 1])
        })
    }

    /// Waits until the post is everywhere, or the node is lost. How many it reached.
    fn wait(&self, handle: &Handle) -> Option<u64> {
        let begin = Instant::now();
        loop {
            let reached = self.ask(handle, "reached", &[])?;
            if reached == FOLLOWERS || begin.elapsed() > PATIENCE {
                return Some(reached);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn names(&self, handle: &Handle) -> Vec<String> {
        let name = |event: u32| self.interface.events[event as usize].record.name.clone();
        events(handle, 0)
            .iter()
            .map(|event| name(event.event))
            .collect()
    }
}

#[test]
fn a_crash_in_the_middle_of_a_job_loses_nothing_and_repeats_nothing() {
    let news = News::new();
    let (mut in_the_middle, mut whole) = (0, 0);
    for seed in 1..30u64 {
        let mut machine = Machine::new(seed, Honesty::FULL);
        machine.checkpoint_log_bytes = 1_500;
        let node = news.start(&machine);
        machine.disk.crash_after(seed * 3);
        let answered = order(&node.handle(), vec![news.post()]).is_ok();
        let reached = if answered {
            news.wait(&node.handle())
        } else {
            None
        };
        whole += u64::from(reached.is_some());
        drop(node);
        machine.store.restart(seed);
        machine.disk.power_cut();

        let (node, _) = machine.start();
        let handle = node.handle();
        let found = news.ask(&handle, "reached", &[]).unwrap();
        in_the_middle += u64::from(found > 0 && found < FOLLOWERS);
        // Runs at most once, whether it had run or not; after that nobody asks for anything.
        if !answered {
            order(&handle, vec![news.post()]).unwrap();
        }
        assert_eq!(news.wait(&handle), Some(FOLLOWERS), "seed {seed}");
        for id in 0..FOLLOWERS {
            assert_eq!(news.ask(&handle, "has", &[id]), Some(7), "seed {seed}");
        }
        let told = news.names(&handle);
        assert_eq!(told, ["FanOutStarted", "FanOutDone"], "seed {seed}");
    }
    assert!(
        in_the_middle > 5,
        "{in_the_middle} crashes were in the middle of the job, {whole} after it"
    );
}

#[test]
fn a_run_that_fails_is_told_and_does_not_stand_in_the_way() {
    let (news, machine) = (News::new(), Machine::new(1, Honesty::FULL));
    let node = news.start(&machine);
    let handle = node.handle();
    let harm = Op::Call(news.call("harm", &[]));
    order(&handle, vec![harm, news.post()]).unwrap();
    assert_eq!(news.wait(&handle), Some(FOLLOWERS));
    let mut told = news.names(&handle);
    told.sort();
    assert_eq!(
        told,
        ["FanOutDone", "FanOutStarted", "SpoilFailed", "SpoilStarted"]
    );
}

#[test]
fn a_step_cannot_be_called() {
    let (news, machine) = (News::new(), Machine::new(1, Honesty::FULL));
    let node = news.start(&machine);
    let step = Op::Call(news.call("fan_out.step", &[]));
    let answer = order(&node.handle(), vec![step]).unwrap();
    assert!(
        matches!(&answer.replies[..], [Reply::Refused(_)]),
        "{answer:?}"
    );
}
