//! The set of diagnostics of a compilation. Always true: at most one per (place, code), the first one
//! pushed; iteration goes by file, then place, then code, whatever the order of pushing.

use crate::{Code, Diagnostic, Severity};
use rc_source::Span;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    by_place: BTreeMap<(Span, Code), Diagnostic>,
}

impl Diagnostics {
    pub fn new() -> Diagnostics {
        Diagnostics::default()
    }

    /// Adds one; a second one with the same code at the same place is dropped.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.by_place
            .entry((diagnostic.primary.span, diagnostic.code))
            .or_insert(diagnostic);
    }

    /// Adds all of another set.
    pub fn append(&mut self, other: Diagnostics) {
        self.extend(other.by_place.into_values());
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.by_place.values()
    }

    pub fn len(&self) -> usize {
        self.by_place.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_place.is_empty()
    }

    /// True when something says that the package does not build.
    pub fn has_errors(&self) -> bool {
        self.iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    pub fn error_count(&self) -> usize {
        self.iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
            .count()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, diagnostics: T) {
        diagnostics
            .into_iter()
            .for_each(|diagnostic| self.push(diagnostic));
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::collections::btree_map::IntoValues<(Span, Code), Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_place.into_values()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::collections::btree_map::Values<'a, (Span, Code), Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_place.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;
    use rc_source::FileId;

    #[test]
    fn sorted_by_place_and_the_first_of_a_kind_wins() {
        let at = |start, end| Span::new(FileId(0), start, end);
        let mut all = Diagnostics::new();
        all.push(Diagnostic::error(
            codes::UNEXPECTED_TOKEN,
            at(9, 10),
            "third",
        ));
        all.push(Diagnostic::error(
            codes::UNKNOWN_CHARACTER,
            at(1, 2),
            "first",
        ));
        all.push(Diagnostic::warning(
            codes::UNEXPECTED_TOKEN,
            at(1, 2),
            "second",
        ));
        all.push(Diagnostic::error(
            codes::UNEXPECTED_TOKEN,
            at(1, 2),
            "dropped",
        ));
        let messages: Vec<&str> = all
            .iter()
            .map(|diagnostic| diagnostic.message.as_str())
            .collect();
        assert_eq!(messages, ["first", "second", "third"]);
        assert!(all.has_errors());
        assert_eq!((all.len(), all.error_count()), (3, 2));
    }
}
