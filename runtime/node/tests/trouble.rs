//! Full disks, failing disks, failing checkpoints: what is refused was not ordered, what was ordered is not lost, and
//! every callback is called once.

mod support;

use rc_canvas::Fault;
use rc_engine::Reply;
use rc_log::Honesty;
use rc_node::{Metrics, SubmitError};
use std::time::{Duration, Instant};
use support::{Machine, amount, balance, events, order, pay, submit};

impl Machine {
    /// Restarts after a power cut: every acknowledged payment is there, and nothing but one last order more.
    fn recovers_all(&self, paid: u64) {
        self.store.restart(1);
        self.disk.power_cut();
        let (node, report) = self.start();
        assert_eq!(
            report.checkpoint_op + report.replayed_ops,
            report.op,
            "{report:?}"
        );
        let found = balance(&node.handle(), 2);
        assert!(found == paid || found == paid + 20, "{found} of {paid}");
    }
}

fn wait_for(what: &str, mut reached: impl FnMut() -> bool) {
    let since = Instant::now();
    while !reached() {
        assert!(since.elapsed() < support::PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let machine = Machine::new(1, Honesty::FULL);
    let node = machine.start_bank();
    let handle = node.handle();
    machine.disk.set_capacity(Some(0));
    // A checkpoint frees what it covers, so the node helps itself; to see a refusal, the store is full too.
    machine.store.0.lock().unwrap().plan(0, Fault::Full);
    let (mut paid, mut refused) = (0, 0);
    for _ in 0..2_000 {
        match order(&handle, vec![pay(1)]) {
            Ok(answer) => {
                assert!(matches!(answer.replies[0], Reply::Done(_)));
                paid += 1;
            }
            Err(SubmitError::LogRefused(text)) => {
                assert!(text.contains("disk is full"), "{text}");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
        if refused > 0 && paid > 0 && refused + paid > 300 {
            break;
        }
    }
    assert!(refused > 0 && paid > 0, "{refused} refused, {paid} paid");
    assert_eq!(balance(&handle, 2), paid);
    machine.disk.set_capacity(None);
    order(&handle, vec![pay(5)]).unwrap();
    assert!(!handle.metrics().halted);
    node.close();
    let (node, _) = machine.start();
    assert_eq!(balance(&node.handle(), 2), paid + 5);
}

#[test]
fn an_error_of_the_log_halts_and_the_next_start_has_all_that_was_acknowledged() {
    let machine = Machine::new(2, Honesty::FULL);
    let node = machine.start_bank();
    let handle = node.handle();
    order(&handle, vec![pay(3)]).unwrap();
    machine.disk.fail_after(0);
    assert!(matches!(
        order(&handle, vec![pay(5)]),
        Err(SubmitError::Halted(_))
    ));
    assert!(handle.metrics().halted);
    assert!(
        matches!(order(&handle, vec![pay(7)]), Err(SubmitError::Halted(_))),
        "never retried, though the disk is well again"
    );
    assert!(
        support::submit_queries(&handle, vec![])
            .recv_timeout(support::PATIENCE)
            .unwrap()
            .is_err()
    );
    node.close();
    machine.disk.power_cut();
    let (node, _) = machine.start();
    let paid: Vec<u64> = events(&node.handle(), 0).iter().map(amount).collect();
    assert!(paid == [3] || paid == [3, 5], "{paid:?}");
}

#[test]
fn a_checkpoint_without_room_is_tried_again_and_nothing_is_lost() {
    let mut machine = Machine::new(3, Honesty::FULL);
    machine.checkpoint_log_bytes = 4_000;
    let node = machine.start_bank();
    let handle = node.handle();
    machine.store.0.lock().unwrap().plan(2, Fault::Full);
    let mut paid = 0;
    wait_for("the fault, and a checkpoint after it", || {
        order(&handle, vec![pay(1); 20]).unwrap();
        paid += 20;
        !machine.store.0.lock().unwrap().is_fault_pending() && handle.metrics().checkpoint_epoch > 1
    });
    assert!(!handle.metrics().halted);
    drop(node);
    machine.recovers_all(paid);
}

/// Orders until the node halts; what was acknowledged by then, and the reason.
fn pay_until_halted(handle: &rc_node::Handle) -> (u64, String) {
    let (mut paid, mut reason) = (0, None);
    wait_for("the node halts", || {
        match order(handle, vec![pay(1); 20]) {
            Ok(_) => paid += 20,
            Err(SubmitError::Halted(text)) => reason = Some(text),
            Err(other) => panic!("{other}"),
        }
        reason.is_some()
    });
    (paid, reason.unwrap_or_default())
}

#[test]
fn an_error_of_the_page_store_halts_and_is_never_retried() {
    for step in 0..6 {
        let mut machine = Machine::new(3, Honesty::FULL);
        machine.checkpoint_log_bytes = 4_000;
        let node = machine.start_bank();
        let handle = node.handle();
        machine.store.0.lock().unwrap().plan(step, Fault::Io);
        let (paid, reason) = pay_until_halted(&handle);
        assert!(
            reason.contains("a checkpoint could not be written"),
            "{reason}"
        );
        assert!(handle.metrics().halted);
        // Reads say so too, and nothing more is ordered, though the disk is well again.
        let read = support::submit_queries(&handle, vec![]);
        let read = read.recv_timeout(support::PATIENCE).unwrap();
        assert!(matches!(read, Err(SubmitError::Halted(_))), "{read:?}");
        let steps = machine.store.0.lock().unwrap().steps();
        let again = order(&handle, vec![pay(1)]);
        assert!(matches!(again, Err(SubmitError::Halted(_))), "{again:?}");
        node.close();
        assert_eq!(
            machine.store.0.lock().unwrap().steps(),
            steps,
            "tried again"
        );
        machine.recovers_all(paid);
    }
}

#[test]
fn an_error_in_syncing_the_events_halts_before_a_superblock_counts_on_them() {
    let mut machine = Machine::new(6, Honesty::FULL);
    machine.checkpoint_log_bytes = 4_000;
    let node = machine.start_bank();
    let handle = node.handle();
    order(&handle, vec![pay(1)]).unwrap();
    let folder = machine.folder.path().join("events");
    let away = machine.folder.path().join("away");
    std::fs::rename(&folder, &away).unwrap();
    let (_, reason) = pay_until_halted(&handle);
    assert!(
        reason.contains("a checkpoint could not be written"),
        "{reason}"
    );
    assert_eq!(handle.metrics().checkpoint_epoch, 0);
    drop(node);
    std::fs::rename(&away, &folder).unwrap();
}

#[test]
fn an_error_of_the_event_files_halts_and_the_log_has_the_op() {
    let machine = Machine::new(4, Honesty::FULL);
    let node = machine.start_bank();
    let handle = node.handle();
    order(&handle, vec![pay(3)]).unwrap();
    // The segment rolls into a file that cannot be made.
    let folder = machine.folder.path().join("events");
    std::fs::rename(&folder, machine.folder.path().join("away")).unwrap();
    let mut last = Ok(());
    for _ in 0..400 {
        match order(&handle, vec![pay(1)]) {
            Ok(_) => {}
            Err(error) => {
                last = Err(error);
                break;
            }
        }
    }
    assert!(matches!(last, Err(SubmitError::Halted(_))), "{last:?}");
    let Metrics { op, halted, .. } = handle.metrics();
    assert!(halted);
    assert!(matches!(
        order(&handle, vec![pay(1)]),
        Err(SubmitError::Halted(_))
    ));
    node.close();
    std::fs::rename(machine.folder.path().join("away"), folder).unwrap();
    let (node, report) = machine.start();
    assert_eq!(
        report.op,
        op + 1,
        "the op that was ordered is there, the one after the halt was not ordered"
    );
    assert_eq!(events(&node.handle(), 0).len() as u64, report.op - 3);
}

#[test]
fn callbacks_are_called_once_whatever_ends() {
    let machine = Machine::new(5, Honesty::FULL);
    let node = machine.start_bank();
    let handle = node.handle();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let (mut done, mut failed) = (0u64, 0u64);
                    while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                        let waiting: Vec<_> =
                            (0..50).map(|_| submit(&handle, vec![pay(1)])).collect();
                        for answer in waiting {
                            match answer
                                .recv_timeout(support::PATIENCE)
                                .expect("it is called")
                            {
                                Ok(_) => done += 1,
                                Err(_) => failed += 1,
                            }
                            assert!(
                                answer.recv_timeout(support::PATIENCE).is_err(),
                                "and dropped after that"
                            );
                        }
                    }
                    (done, failed)
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(60));
        // Handles are alive: closing does not wait for them.
        node.close();
        std::thread::sleep(Duration::from_millis(20));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let counts: Vec<(u64, u64)> = clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect();
        let done: u64 = counts.iter().map(|(done, _)| done).sum();
        assert!(
            done > 0 && counts.iter().all(|(_, failed)| *failed > 0),
            "{counts:?}"
        );
        let (node, report) = machine.start();
        assert_eq!(report.replayed_ops, 0, "closing leaves a checkpoint");
        assert_eq!(balance(&node.handle(), 2), done);
    });
    let closed = handle.install_code([0; 32], std::sync::Arc::new(compiled()));
    assert!(matches!(closed, Err(SubmitError::Halted(_))));
}

fn compiled() -> rc_jit::Compiled {
    let module = rc_bytecode::verify(support::bank::BANK.module()).unwrap();
    rc_jit::Compiled::compile(&module).unwrap()
}
