//! The undo journal of native code: old bytes by host address, in one flat buffer that is read backwards.
//!
//! A small store pushes two words: `address | length << 56`, then the old bytes (zero-extended). A bulk store pushes
//! its old bytes rounded up to whole words, then `address` (length 0 in the top byte) and the true length in bytes. So the last
//! two words always say how the entry before them is to be read. Host addresses are below 2^56 (checked once).
//!
//! Always true: entries point into pages that the running command touched for writing, which stay in place until it ends.

use crate::context::Context;

/// Words that the journal starts with: 1 MiB of address space, used as it fills.
const WORDS_MIN: usize = 1 << 17;
pub(crate) const LENGTH_SHIFT: u32 = 56;
const ADDRESS_MASK: u64 = (1 << LENGTH_SHIFT) - 1;

/// Words that a command's journal takes at most when it stores `bytes_written` bytes to pages; `None` where that is too much
/// to be set aside. Two words per small store of at least a byte; bulk old bytes are rounded up to words.
pub(crate) fn words_max(bytes_written: u64) -> Option<usize> {
    const RESERVED_WORDS_MAX: u64 = 1 << 21;
    let words = bytes_written.saturating_mul(3);
    (words <= RESERVED_WORDS_MAX).then_some(words as usize)
}

/// The journal's memory.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    words: Vec<u64>,
}

impl Journal {
    /// Makes room for `words` words.
    pub(crate) fn reserve(&mut self, words: usize) {
        self.words.reserve_exact(words.max(WORDS_MIN));
    }

    /// Points the context at the empty journal. Both must stay where they are until the command has ended.
    #[inline]
    pub(crate) fn begin(&mut self, context: &mut Context) {
        let start = self.words.as_mut_ptr();
        context.journal = self;
        context.journal_start = start;
        context.journal_cursor = start;
        // SAFETY: the vector owns `capacity` words from `start`; one past them is a valid end.
        context.journal_end = unsafe { start.add(self.words.capacity()) };
    }
}

/// Makes room for at least `words` more words; the cursor stays at the same entry.
///
/// # Safety
/// The context was pointed at a living journal by `Journal::begin`, and only native code has pushed to it since.
#[cold]
pub(crate) unsafe fn grow(context: &mut Context, words: usize) {
    // SAFETY: the journal lives (above) and nobody else refers to it while a command runs; the words up to the cursor
    // are within the vector's capacity and initialised, because entries are pushed whole.
    unsafe {
        let memory = &mut (*context.journal).words;
        let length = context.journal_cursor.offset_from(context.journal_start) as usize;
        memory.set_len(length);
        memory.reserve(words.max(memory.capacity()));
        let start = memory.as_mut_ptr();
        let capacity = memory.capacity();
        memory.set_len(0);
        context.journal_start = start;
        context.journal_cursor = start.add(length);
        context.journal_end = start.add(capacity);
    }
}

/// Remembers `length` bytes at `address` before a bulk store.
///
/// # Safety
/// As `grow`; and the bytes lie in a page touched for writing.
pub(crate) unsafe fn push_bytes(context: &mut Context, address: *const u8, length: usize) {
    if length == 0 {
        return;
    }
    let words = length.div_ceil(8);
    // SAFETY: room for the bytes and the two closing words is made first; source and journal do not overlap, because
    // the journal is heap memory and the source is a page.
    unsafe {
        let room = context.journal_end.offset_from(context.journal_cursor) as usize;
        if room < words + 2 {
            grow(context, words + 2);
        }
        context.journal_cursor.add(words - 1).write(0);
        std::ptr::copy_nonoverlapping(address, context.journal_cursor.cast::<u8>(), length);
        context.journal_cursor.add(words).write(address as u64);
        context.journal_cursor.add(words + 1).write(length as u64);
        context.journal_cursor = context.journal_cursor.add(words + 2);
    }
}

/// Puts the old bytes back that were pushed after the first `words` words, newest first, and forgets them.
///
/// # Safety
/// As `grow`; every page in the journal is still where it was; an entry ends at `words`.
pub(crate) unsafe fn roll_back_to(context: &mut Context, words: usize) {
    // SAFETY: entries are whole and were pushed by `push_bytes` or by generated code in the same form; their addresses
    // are bytes of pages that this command may write.
    unsafe {
        let end = context.journal_start.add(words);
        while context.journal_cursor > end {
            let closing = context.journal_cursor.sub(2);
            let (head, old) = (closing.read(), closing.add(1).read());
            let target = (head & ADDRESS_MASK) as *mut u8;
            match head >> LENGTH_SHIFT {
                0 => {
                    let length = old as usize;
                    let bytes = closing.sub(length.div_ceil(8));
                    std::ptr::copy_nonoverlapping(bytes.cast::<u8>(), target, length);
                    context.journal_cursor = bytes;
                }
                1 => {
                    target.write(old as u8);
                    context.journal_cursor = closing;
                }
                2 => {
                    target.cast::<u16>().write_unaligned(old as u16);
                    context.journal_cursor = closing;
                }
                4 => {
                    target.cast::<u32>().write_unaligned(old as u32);
                    context.journal_cursor = closing;
                }
                8 => {
                    target.cast::<u64>().write_unaligned(old);
                    context.journal_cursor = closing;
                }
                length => unreachable!("a journal entry of {length} bytes"),
            }
        }
    }
}
