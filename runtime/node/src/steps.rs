//! Steps of jobs that wait to be ordered: the loop puts them in, the orderer takes them out.
//!
//! Always true: a step stands here once; those that came first go first. What is here is a hint and is not kept: after
//! a start every job stands here again.

use rc_engine::Step;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
pub(crate) struct Steps(Arc<Mutex<VecDeque<Step>>>);

impl Steps {
    pub fn put(&self, steps: impl IntoIterator<Item = Step>) {
        let mut waiting = self.0.lock().expect("no holder of this lock panics");
        for step in steps {
            if !waiting.contains(&step) {
                waiting.push_back(step);
            }
        }
    }

    /// The first ones, at most `count`.
    pub fn take(&self, count: usize) -> Vec<Step> {
        let mut waiting = self.0.lock().expect("no holder of this lock panics");
        let count = count.min(waiting.len());
        waiting.drain(..count).collect()
    }

    pub fn is_empty(&self) -> bool {
        let waiting = self.0.lock().expect("no holder of this lock panics");
        waiting.is_empty()
    }
}
