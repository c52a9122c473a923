//! Bugs that tests plant, to see that the comparison with the interpreter finds them. Outside tests there are none.

/// A planted bug.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sabotage {
    #[default]
    None,
    /// Checked additions of unsigned numbers wrap.
    NoOverflowCheck,
    /// Stores are not journaled.
    NoJournal,
    /// The digest misses stores of single bytes.
    NoByteDigest,
}
