//! A declaration of the wrong type shows wherever it is used. Where changing one written type would make all those places
//! right, that type is the mistake, and it is said once, there.
//!
//! Always true: nothing is guessed. The changed package was checked: it has fewer messages, and none that was not there
//! before. What is left of them is said as it is.

use crate::package::Package;
use crate::pipeline::{Findings, findings};
use crate::trees::Trees;
use rc_diagnostics::{Diagnostic, Severity, codes};
use rc_source::{FileId, Sources, Span};
use std::collections::BTreeMap;

/// Changes that are tried.
const TRIALS_MAX: usize = 12;
/// Bytes of the package's own files above which nothing is tried: each trial is a check.
const BYTES_MAX: usize = 128 << 10;
/// Places of use that are shown.
const SHOWN_MAX: usize = 3;

/// The package, and its own files among all sources, numbered from `first` on.
pub(crate) struct Own<'a> {
    pub package: &'a Package,
    pub sources: &'a Sources,
    pub first: FileId,
}

/// What is said, with the messages that one written type explains put into one.
pub(crate) fn settle(
    trees: &Trees,
    own: &Own<'_>,
    page_shift: u8,
    found: Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let (package, sources) = (own.package, own.sources);
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    let errors: Vec<&Diagnostic> = errors.collect();
    let bytes: usize = package.files.iter().map(|file| file.bytes.len()).sum();
    if errors.len() < 2 || bytes > BYTES_MAX {
        return found;
    }
    let Some((one, other)) = pair(&errors) else {
        return found;
    };
    let before = counted(errors.iter().copied());
    let mut best: Option<(Trial, BTreeMap<String, usize>, usize)> = None;
    for trial in trials(own, &one, &other) {
        let mut changed = package.clone();
        let file = &mut changed.files[trial.file];
        let (start, end) = (trial.span.start as usize, trial.span.end as usize);
        file.bytes.splice(start..end, trial.to.bytes());
        let Findings { found, .. } = findings(&mut trees.clone(), &changed, page_shift);
        let after = counted(found.iter().filter(|one| one.severity == Severity::Error));
        let is_new = |(what, count): (&String, &usize)| before.get(what).unwrap_or(&0) < count;
        let left: usize = after.values().sum();
        let least = best
            .as_ref()
            .map_or(errors.len() - 1, |(_, _, least)| *least);
        if left < least && !after.iter().any(is_new) {
            best = Some((trial, after, left));
            if left == 0 {
                break;
            }
        }
    }
    match best {
        Some((trial, after, _)) => merged(sources, found, trial, after),
        None => found,
    }
}

/// A written type and what it would be instead.
struct Trial {
    /// Of the package's own files.
    file: usize,
    span: Span,
    from: String,
    to: String,
}

/// The two types that are taken for each other most often, by the messages.
fn pair(errors: &[&Diagnostic]) -> Option<(String, String)> {
    let mut pairs: BTreeMap<(String, String), usize> = BTreeMap::new();
    for one in errors.iter().filter(|one| one.code == codes::TYPE_MISMATCH) {
        let mut quoted = one.message.split('`').skip(1).step_by(2);
        let (Some(wanted), Some(found)) = (quoted.next(), quoted.next()) else {
            continue;
        };
        let (left, right) = differing(wanted, found);
        let mut both = [left, right];
        both.sort();
        let [left, right] = both;
        *pairs.entry((left, right)).or_default() += 1;
    }
    let most = pairs.into_iter().max_by_key(|(_, count)| *count)?;
    Some(most.0).filter(|(left, right)| !left.is_empty() && !right.is_empty())
}

/// The part in which two types differ: of `(u64, u64)` and `(u64, string<3>)` the second places.
fn differing(left: &str, right: &str) -> (String, String) {
    let (mut left, mut right) = (parts(left), parts(right));
    while !left.is_empty() && left.first() == right.first() && left.len().min(right.len()) > 1 {
        left.remove(0);
        right.remove(0);
    }
    while left.last().is_some() && left.last() == right.last() && left.len().min(right.len()) > 1 {
        left.pop();
        right.pop();
    }
    (left.concat(), right.concat())
}

/// Names with their arguments, and the marks between them.
fn parts(ty: &str) -> Vec<String> {
    let (mut found, mut depth) = (vec![String::new()], 0usize);
    for c in ty.chars() {
        depth += usize::from(c == '<');
        let is_inside = depth > 0 || c.is_alphanumeric() || c == '_';
        depth = depth.saturating_sub(usize::from(c == '>'));
        match found.last_mut() {
            Some(last) if is_inside => last.push(c),
            _ => found.extend([c.to_string(), String::new()]),
        }
    }
    found.retain(|part| !part.is_empty());
    found
}

/// Where one of the two is written as a type, the rarer one first.
fn trials(own: &Own<'_>, one: &str, other: &str) -> Vec<Trial> {
    let (package, sources, first) = (own.package, own.sources, own.first);
    let mut ways: Vec<Vec<Trial>> = Vec::new();
    for (from, to) in [(one, other), (other, one)] {
        let mut found = Vec::new();
        for file in 0..package.files.len() {
            let id = FileId(first.0 + file as u32);
            let text = &*sources.file(id).text;
            if text.as_bytes() != package.files[file].bytes {
                continue;
            }
            for (at, _) in text.match_indices(from) {
                if is_type(text, at, from) {
                    found.push(Trial {
                        file,
                        span: Span::new(id, at as u32, (at + from.len()) as u32),
                        from: from.to_string(),
                        to: to.to_string(),
                    });
                }
            }
        }
        ways.push(found);
    }
    ways.sort_by_key(Vec::len);
    ways.into_iter().flatten().take(TRIALS_MAX).collect()
}

/// Whether what stands at `at` may be a written type: a whole word after a mark that types follow.
fn is_type(text: &str, at: usize, what: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let before = &text[..at];
    let after = text[at + what.len()..].chars().next();
    let mark = before.trim_end_matches(' ').chars().next_back();
    mark.is_some_and(|c| matches!(c, ':' | '>' | '<' | '(' | ','))
        && !before.ends_with(is_word)
        && !after.is_some_and(|c| is_word(c) || c == '<' || c == '{')
}

/// How often each message is given, wherever.
fn counted<'a>(errors: impl Iterator<Item = &'a Diagnostic>) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for one in errors {
        let what = format!("{} {}", one.code, one.message);
        *counted.entry(what).or_default() += 1;
    }
    counted
}

/// One message for what the change explains; the rest as it is.
fn merged(
    sources: &Sources,
    found: Vec<Diagnostic>,
    trial: Trial,
    mut left: BTreeMap<String, usize>,
) -> Vec<Diagnostic> {
    let (mut kept, mut explained) = (Vec::new(), Vec::new());
    for one in found {
        let what = format!("{} {}", one.code, one.message);
        match left.get_mut(&what) {
            _ if one.severity != Severity::Error => kept.push(one),
            Some(count) if *count > 0 => {
                *count -= 1;
                kept.push(one);
            }
            _ => explained.push(one.primary.span),
        }
    }
    let Trial { span, from, to, .. } = trial;
    let message = format!("`{from}` here, and `{to}` where it is used");
    let mut one = Diagnostic::error(codes::TYPE_MISMATCH, span, message)
        .with_label(format!(
            "with `{to}` all {} places that use it are right",
            explained.len()
        ))
        .with_hint(format!("write `{to}`"))
        .with_edit(span, to);
    explained.sort_by_key(|place| (place.file != span.file, *place));
    for place in explained.into_iter().take(SHOWN_MAX) {
        let line = sources.file(place.file).line(place.start);
        if line != sources.file(span.file).line(span.start) || place.file != span.file {
            one = one.with_secondary(place, "used here");
        }
    }
    kept.push(one);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_differ_in_their_smallest_part() {
        let differing = |left, right| {
            let (left, right) = super::differing(left, right);
            format!("{left} {right}")
        };
        assert_eq!(differing("u64", "u32"), "u64 u32");
        assert_eq!(differing("(u64, u64)", "(u64, string<3>)"), "u64 string<3>");
        assert_eq!(differing("u64?", "u32?"), "u64 u32");
        assert_eq!(differing("list<u64, 3>", "u64"), "list<u64, 3> u64");
    }

    #[test]
    fn a_type_stands_after_a_mark() {
        assert!(is_type("key id: u64", 8, "u64"));
        assert!(is_type("-> u64 {", 3, "u64"));
        assert!(!is_type("id as u64", 6, "u64"));
        assert!(!is_type("a: u64x", 3, "u64"));
        assert!(!is_type("a: list<u8, 3>", 3, "list"));
    }
}
