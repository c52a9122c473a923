//! The trees of files, kept from one compile to the next, so that after an edit only the changed file is read again.
//!
//! Always true: what is given is what reading every text anew would give, in the order of the texts, however many threads
//! read. A tree is kept for its text and its file's number, which stands in all of its spans.

use crate::limits::STACK_BYTES;
use rc_diagnostics::Diagnostics;
use rc_source::FileId;
use rc_syntax::ast;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, available_parallelism, scope};

/// Bytes below which a second thread costs more than it takes off the first.
const PARALLEL_BYTES_MIN: usize = 64 << 10;
/// Threads that read at once.
const THREADS_MAX: usize = 8;

/// What a file's text came to.
#[derive(Debug)]
pub(crate) struct Tree {
    /// What all spans refer to: the bytes, U+FFFD in place of what is not UTF-8.
    pub text: Arc<str>,
    pub file: Arc<ast::File>,
    pub diagnostics: Diagnostics,
}

/// Trees by their file's number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trees {
    kept: Vec<Option<Arc<Tree>>>,
}

impl Trees {
    /// The trees of texts whose files are numbered from `first` on.
    pub fn of(&mut self, first: usize, texts: &[&[u8]]) -> Vec<Arc<Tree>> {
        let end = first + texts.len();
        if self.kept.len() < end {
            self.kept.resize(end, None);
        }
        let kept = &mut self.kept[first..end];
        let mut wanted = Vec::new();
        for (at, (tree, text)) in kept.iter().zip(texts).enumerate() {
            let is_same = |tree: &Arc<Tree>| tree.text.as_bytes() == *text;
            if !tree.as_ref().is_some_and(is_same) {
                wanted.push((at, FileId((first + at) as u32), *text));
            }
        }
        for (at, tree) in read_all(&wanted) {
            kept[at] = Some(Arc::new(tree));
        }
        kept.iter().flatten().cloned().collect()
    }
}

/// Reads texts, on several threads where there is enough to read; each result with its text's place.
fn read_all(wanted: &[(usize, FileId, &[u8])]) -> Vec<(usize, Tree)> {
    let bytes: usize = wanted.iter().map(|(_, _, text)| text.len()).sum();
    let threads = match bytes < PARALLEL_BYTES_MIN {
        true => 1,
        false => available_parallelism().map_or(1, NonZero::get),
    };
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        while let Some((at, id, text)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((*at, read(*id, text)));
        }
        done
    };
    scope(|scope| {
        // Where the system gives no more threads, those that there are read all.
        let others: Vec<_> = (1..threads.min(THREADS_MAX).min(wanted.len()))
            .map_while(|_| {
                let thread = Builder::new().stack_size(STACK_BYTES);
                thread.spawn_scoped(scope, some).ok()
            })
            .collect();
        let mut done = some();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    })
}

fn read(id: FileId, bytes: &[u8]) -> Tree {
    let (parsed, text) = rc_syntax::parse_bytes(id, bytes);
    Tree {
        text: text.into(),
        file: Arc::new(parsed.file),
        diagnostics: parsed.diagnostics,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of some length, so that several threads read.
    fn texts(count: usize) -> Vec<String> {
        let body = "fn f(a: u64) -> u64 {\n    a + 1\n}\n".repeat(400);
        (0..count)
            .map(|number| format!("//! File {number}.\n{body}"))
            .collect()
    }

    fn bytes(texts: &[String]) -> Vec<&[u8]> {
        texts.iter().map(|text| text.as_bytes()).collect()
    }

    #[test]
    fn only_what_changed_is_read_again_and_order_is_kept() {
        let mut texts = texts(9);
        let mut trees = Trees::default();
        let before = trees.of(3, &bytes(&texts));
        for (tree, text) in before.iter().zip(&texts) {
            assert_eq!(*tree.text, **text);
        }
        assert_eq!(before[4].file.items[0].span.file, FileId(7));
        texts[4].push_str("fn broken(\n");
        let after = trees.of(3, &bytes(&texts));
        for (at, (old, new)) in before.iter().zip(&after).enumerate() {
            assert_eq!(Arc::ptr_eq(old, new), at != 4, "file {at}");
        }
        assert!(after[4].diagnostics.has_errors());
        // The same text under another number has other spans.
        let moved = trees.of(2, &bytes(&texts));
        assert_eq!(moved[4].file.items[0].span.file, FileId(6));
    }

    #[test]
    fn bytes_that_are_no_text_are_reported_each_time() {
        let mut trees = Trees::default();
        let bytes: &[u8] = b"package a\nfn f\xff";
        for _ in 0..2 {
            assert!(trees.of(0, &[bytes])[0].diagnostics.has_errors());
        }
    }
}
