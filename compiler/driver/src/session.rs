//! One package compiled again and again, as an editor and a watching node do it: trees of files that did not change are
//! kept.
//!
//! Always true: an answer is what compiling the same package afresh would give. A session has a thread of its own, whose
//! stack holds the deepest tree; it ends with the session.

use crate::limits::STACK_BYTES;
use crate::package::Package;
use crate::pipeline::{Checked, Compiled, Options, checked_with, compiled_with};
use crate::trees::Trees;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};

type Work = Box<dyn FnOnce(&mut Trees) + Send>;

/// See the file's text.
pub struct Session {
    work: Option<Sender<Work>>,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// A session that knows nothing yet.
    pub fn new() -> Session {
        let (sender, receiver) = channel::<Work>();
        let body = move || {
            let mut trees = Trees::default();
            while let Ok(work) = receiver.recv() {
                work(&mut trees);
            }
        };
        let thread = Builder::new().stack_size(STACK_BYTES).spawn(body);
        Session {
            work: Some(sender),
            thread: Some(thread.expect("a thread can be started")),
        }
    }

    /// Source to typed program.
    pub fn check(&self, package: &Package) -> Checked {
        let package = package.clone();
        let page_shift = Options::default().page_shift;
        self.run(move |trees| checked_with(trees, &package, page_shift))
    }

    /// Source to module.
    pub fn compile(&self, package: &Package, options: Options) -> Compiled {
        let package = package.clone();
        self.run(move |trees| compiled_with(trees, &package, options))
    }

    fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Trees) -> T + Send + 'static) -> T {
        let (answer, answered) = channel();
        let work = move |trees: &mut Trees| {
            let result = catch_unwind(AssertUnwindSafe(|| work(trees)));
            if result.is_err() {
                // Nothing that a fault may have left half done is used again.
                *trees = Trees::default();
            }
            let _ = answer.send(result);
        };
        let sender = self.work.as_ref().expect("it is there until the end");
        sender
            .send(Box::new(work))
            .expect("the thread lives as long as the session");
        match answered.recv().expect("work is always answered") {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl Default for Session {
    fn default() -> Session {
        Session::new()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.work = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
