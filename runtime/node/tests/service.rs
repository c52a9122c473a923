//! A node at work: order, bounds, checkpoints with purges, feeds, code that is installed at once.

mod support;

use rc_engine::{Op, Reply};
use rc_log::Honesty;
use rc_node::{BATCH_BYTES_MAX, BATCH_OPS_MAX, FeedItem, SubmitError, Work};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use support::{Machine, amount, balance, bank, call, events, order, pay, submit, submit_queries};

#[test]
fn queries_see_all_that_was_submitted_before() {
    let machine = Machine::new(1, Honesty::FULL);
    let node = machine.start_bank();
    let handle = node.handle();
    let mut waiting = Vec::new();
    for round in 1..=500u64 {
        let paid = submit(&handle, vec![pay(1)]);
        let seen = submit_queries(&handle, vec![call(bank::BALANCE, bank::words(&[2]))]);
        waiting.push((round, paid, seen));
    }
    let mut last = 0;
    for (round, paid, seen) in waiting {
        let paid = paid.recv_timeout(support::PATIENCE).unwrap().unwrap();
        let seen = seen.recv_timeout(support::PATIENCE).unwrap().unwrap();
        let [Reply::Done(bytes)] = &seen.replies[..] else {
            panic!("{seen:?}")
        };
        let balance = u64::from_le_bytes(bytes.as_slice().try_into().unwrap());
        assert!(
            balance >= round && balance >= last,
            "query {round} saw {balance}"
        );
        assert!(seen.op >= paid.op, "{} {}", seen.op, paid.op);
        last = balance;
    }
}

#[test]
fn work_beyond_the_bounds_is_refused_and_back_pressure_is_felt() {
    let mut machine = Machine::new(2, Honesty::FULL);
    machine.segment_bytes = 16 << 20;
    let node = machine.start_bank();
    let handle = node.handle();
    let too_large = SubmitError::TooLarge {
        max_bytes: BATCH_BYTES_MAX,
    };
    assert_eq!(
        order(&handle, vec![pay(1); BATCH_OPS_MAX + 1]),
        Err(too_large.clone())
    );
    let big = || Op::Call(call(bank::NOTE, vec![0; BATCH_BYTES_MAX - 4_096]));
    assert_eq!(order(&handle, vec![big(), big()]), Err(too_large));
    let alone = order(&handle, vec![big()]).unwrap();
    assert_eq!(
        alone.replies,
        [Reply::Refused(rc_engine::Refusal::BadArguments)]
    );
    // One callback holds the loop, so that the queues fill up.
    let (release, held) = mpsc::channel::<()>();
    let hold = move |_| {
        let _ = held.recv();
    };
    handle.submit(Work::Queries {
        calls: vec![],
        answer: Box::new(hold),
    });
    let waiting: Vec<_> = (0..300)
        .map(|_| submit(&handle, vec![pay(1); 8_000]))
        .collect();
    std::thread::sleep(Duration::from_millis(20));
    release.send(()).unwrap();
    let outcomes: Vec<_> = waiting
        .iter()
        .map(|answer| answer.recv_timeout(support::PATIENCE).unwrap())
        .collect();
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(
        done > 0 && outcomes.contains(&Err(SubmitError::Busy)),
        "{done} done"
    );
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Ok(_) | Err(SubmitError::Busy)))
    );
    order(&handle, vec![pay(1)]).expect("the budget is given back");
}

#[test]
fn small_segments_take_many_requests_in_several_batches() {
    let machine = Machine::new(6, Honesty::FULL);
    let node = machine.start_bank();
    let handle = node.handle();
    let waiting: Vec<_> = (0..40)
        .map(|_| submit(&handle, vec![pay(1); 1_000]))
        .collect();
    for answer in waiting {
        assert_eq!(
            answer
                .recv_timeout(support::PATIENCE)
                .unwrap()
                .unwrap()
                .replies
                .len(),
            1_000
        );
    }
    assert_eq!(balance(&handle, 2), 40_000);
}

#[test]
fn checkpoints_shorten_the_log_and_the_next_start() {
    let mut machine = Machine::new(3, Honesty::FULL);
    machine.checkpoint_log_bytes = 20_000;
    // A checkpoint syncs each file of events: of tiny ones a slow disk would be given more than it syncs.
    machine.event_segment_bytes = 256 << 10;
    let node = machine.start_bank();
    let handle = node.handle();
    let (mut paid, since) = (0, Instant::now());
    while handle.metrics().checkpoint_epoch < 6
        || handle.metrics().log_bytes < 4 * support::SEGMENT_BYTES
    {
        order(&handle, vec![pay(1); 50]).unwrap();
        paid += 50;
        assert!(
            since.elapsed() < support::PATIENCE,
            "{:?}",
            handle.metrics()
        );
    }
    let digest = handle.metrics().digest;
    drop(node);
    machine.store.restart(9);
    machine.disk.power_cut();
    let (node, report) = machine.start();
    let handle = node.handle();
    assert!(
        report.checkpoint_op > 0 && report.replayed_ops < paid,
        "{report:?}"
    );
    assert_eq!(report.op, paid + 3);
    assert_eq!(handle.metrics().digest, digest);
    assert_eq!(balance(&handle, 2), paid);
    let all = events(&handle, 0);
    assert_eq!(all.len() as u64, paid);
    assert!(
        all.windows(2)
            .all(|pair| (pair[0].op, pair[0].k) < (pair[1].op, pair[1].k)),
        "each once, in order"
    );
    assert_eq!(events(&handle, paid - 10).first().unwrap().op, paid - 10);
    // The purge follows the checkpoint with the next batch, so how much is gone depends on timing; that some is does not.
    node.close();
    let options = rc_log::Options {
        segment_bytes: support::SEGMENT_BYTES,
        ..rc_log::Options::default()
    };
    let (log, _) = rc_log::Log::open(Arc::new(machine.disk.clone()), options).unwrap();
    assert!(
        log.first_index().is_none_or(|first| first > 1),
        "the log still begins at its first entry"
    );
}

#[test]
fn events_before_the_oldest_kept_file_are_gone() {
    let machine = Machine::new(4, Honesty::FULL);
    let node = machine.start_bank();
    for _ in 0..400 {
        order(&node.handle(), vec![pay(1)]).unwrap();
    }
    assert_eq!(node.handle().feed().oldest_op(), 0);
    assert_eq!(
        events(&node.handle(), 5).first().unwrap().op,
        5,
        "nothing is missing before the first event"
    );
    node.close();
    let folder = machine.folder.path().join("events");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() > 3);
    std::fs::remove_file(&files[0]).unwrap();
    let (node, _) = machine.start();
    let feed = node.handle().feed();
    let oldest = feed.oldest_op();
    assert!(oldest > 4, "{oldest}");
    let FeedItem::Events(first) = feed.next(&mut feed.seek(oldest), Duration::ZERO).unwrap() else {
        panic!("events")
    };
    assert_eq!(first[0].op, oldest);
    order(&node.handle(), vec![pay(9)]).unwrap();
    assert_eq!(amount(events(&node.handle(), 0).last().unwrap()), 9);
}

#[test]
fn code_is_installed_without_waiting_and_serves() {
    let machine = Machine::new(5, Honesty::FULL);
    let node = machine.start_bank();
    let handle = node.handle();
    assert!(!handle.catalog().package("bank").unwrap().compiled);
    let module = rc_bytecode::verify(bank::BANK.module()).unwrap();
    let code = Arc::new(rc_jit::Compiled::compile(&module).unwrap());
    let since = Instant::now();
    for _ in 0..100 {
        handle
            .install_code(*module.hash(), Arc::clone(&code))
            .unwrap();
    }
    assert!(
        since.elapsed() < Duration::from_secs(2),
        "{:?} for 100",
        since.elapsed()
    );
    assert!(handle.catalog().package("bank").unwrap().compiled);
    order(&handle, vec![pay(1)]).unwrap();
    assert_eq!(balance(&handle, 2), 1);
}
