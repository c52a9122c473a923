//! A node over a simulated disk and a page store in memory, with what a client keeps: the acknowledged payments.
#![allow(dead_code, reason = "each test file uses its part")]

#[path = "../../../engine/tests/support/bank.rs"]
pub mod bank;

use bank::words;
use rc_canvas::{
    FaultyStore, MemoryStore, PageImage, PageStore, PageVersion, RegionId, StoreError, Superblock,
};
use rc_engine::{Call, Deploy, EventRecord, Mode, Op, Principal, Reply, SessionKey};
use rc_log::{Failpoints, Honesty, Options as LogOptions, SimulatedDisk};
use rc_node::{
    Answer, FeedItem, Handle, Node, NodeOptions, StartError, StartReport, SubmitError, Work,
};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tempfile::TempDir;

pub const SEGMENT_BYTES: u64 = 256 << 10;
/// What the first account starts with.
pub const MONEY: u64 = 1 << 40;
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A page store that outlives the node which uses it.
#[derive(Clone)]
pub struct SharedStore(pub Arc<Mutex<FaultyStore>>);

impl SharedStore {
    /// The process is killed: of what was not flushed, some stays.
    pub fn restart(&self, seed: u64) {
        let mut store = self.0.lock().unwrap();
        let old = std::mem::replace(&mut *store, FaultyStore::new(MemoryStore::new()));
        *store = old.restart(seed);
    }
}

impl PageStore for SharedStore {
    fn superblock(&mut self) -> Result<Option<Superblock>, StoreError> {
        self.0.lock().unwrap().superblock()
    }
    fn read_pages(&mut self, each: &mut rc_canvas::PageVisitor<'_>) -> Result<(), StoreError> {
        self.0.lock().unwrap().read_pages(each)
    }
    fn read_page(&mut self, region: RegionId, page: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.lock().unwrap().read_page(region, page)
    }
    fn write_page(&mut self, version: PageVersion, image: PageImage<'_>) -> Result<(), StoreError> {
        self.0.lock().unwrap().write_page(version, image)
    }
    fn flush(&mut self) -> Result<(), StoreError> {
        self.0.lock().unwrap().flush()
    }
    fn commit(&mut self, superblock: &Superblock) -> Result<(), StoreError> {
        self.0.lock().unwrap().commit(superblock)
    }
    fn sweep(&mut self) -> Result<u64, StoreError> {
        self.0.lock().unwrap().sweep()
    }
}

/// A machine: its disk, its page store, its folder of events.
pub struct Machine {
    pub disk: SimulatedDisk,
    pub store: SharedStore,
    pub folder: TempDir,
    pub checkpoint_log_bytes: u64,
    pub event_segment_bytes: u64,
    pub segment_bytes: u64,
    /// Where crashes struck.
    pub failpoints: Failpoints,
}

impl Machine {
    pub fn new(seed: u64, honesty: Honesty) -> Machine {
        Machine {
            disk: SimulatedDisk::new(seed, honesty),
            store: SharedStore(Arc::new(Mutex::new(FaultyStore::new(MemoryStore::new())))),
            folder: tempfile::tempdir().unwrap(),
            checkpoint_log_bytes: 1 << 40,
            event_segment_bytes: 4 << 10,
            segment_bytes: SEGMENT_BYTES,
            failpoints: Failpoints::default(),
        }
    }

    pub fn try_start(&self) -> Result<(Node, StartReport), StartError> {
        let mut options = NodeOptions::new(self.folder.path().join("events"), 5);
        options.mode = Mode::Interpreter;
        options.checkpoint_log_bytes = self.checkpoint_log_bytes;
        options.event_segment_bytes = self.event_segment_bytes;
        options.log = LogOptions {
            segment_bytes: self.segment_bytes,
            spare_segments: 1,
            prepare_in_background: false,
            failpoints: self.failpoints.clone(),
            ..LogOptions::default()
        };
        Node::start(
            Arc::new(self.disk.clone()),
            Box::new(self.store.clone()),
            options,
        )
    }

    pub fn start(&self) -> (Node, StartReport) {
        self.try_start().expect("it starts")
    }

    /// A node with the bank deployed and two accounts, the first with money.
    pub fn start_bank(&self) -> Node {
        let (node, _) = self.start();
        let deployed = order(&node.handle(), vec![deploy(0)]).unwrap();
        assert_eq!(deployed.replies, [Reply::Deployed { epoch: 1 }]);
        let open = |id, balance| Op::Call(call(bank::OPEN, words(&[id, balance])));
        order(&node.handle(), vec![open(1, MONEY), open(2, 0)]).unwrap();
        node
    }
}

pub fn deploy(expected_epoch: u64) -> Op {
    Op::Deploy(Box::new(Deploy {
        expected_epoch,
        deployer: 1,
        module: bank::BANK.encoded(),
        source: vec![],
    }))
}

pub fn call(command: u32, arguments: Vec<u8>) -> Call {
    Call {
        epoch: 1,
        command,
        principal: Principal::default(),
        session: SessionKey::None,
        arguments,
    }
}

pub fn pay(amount: u64) -> Op {
    Op::Call(call(bank::PAY, words(&[1, 2, amount])))
}

pub type Outcome = Result<Answer, SubmitError>;

/// Where the outcome of one piece of work arrives; a second call of its callback is a panic.
pub fn submit(handle: &Handle, ops: Vec<Op>) -> mpsc::Receiver<Outcome> {
    let (send, receive) = mpsc::channel();
    handle.submit(Work::Ops {
        ops,
        answer: Box::new(move |result| drop(send.send(result))),
    });
    receive
}

pub fn submit_queries(handle: &Handle, calls: Vec<Call>) -> mpsc::Receiver<Outcome> {
    let (send, receive) = mpsc::channel();
    handle.submit(Work::Queries {
        calls,
        answer: Box::new(move |result| drop(send.send(result))),
    });
    receive
}

pub fn order(handle: &Handle, ops: Vec<Op>) -> Outcome {
    submit(handle, ops)
        .recv_timeout(PATIENCE)
        .expect("every callback is called")
}

pub fn balance(handle: &Handle, id: u64) -> u64 {
    let answer = submit_queries(handle, vec![call(bank::BALANCE, words(&[id]))])
        .recv_timeout(PATIENCE)
        .unwrap()
        .unwrap();
    match &answer.replies[..] {
        [Reply::Done(bytes)] => u64::from_le_bytes(bytes.as_slice().try_into().unwrap()),
        other => panic!("{other:?}"),
    }
}

/// All events from an op on.
pub fn events(handle: &Handle, from: u64) -> Vec<EventRecord> {
    let feed = handle.feed();
    let (mut cursor, mut all) = (feed.seek(from), Vec::new());
    while let FeedItem::Events(events) = feed.next(&mut cursor, Duration::from_millis(1)).unwrap() {
        all.extend(events);
    }
    all
}

/// The amount of a `Paid` event.
pub fn amount(event: &EventRecord) -> u64 {
    u64::from_le_bytes(event.fields[16..24].try_into().unwrap())
}
