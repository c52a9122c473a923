//! The name that was probably meant. Always true: a proposal differs from what was written, shares at least half of
//! its letters with it, and is the same on every run (ties go by alphabet).

/// The candidate with the smallest edit distance, within a third of the name's length. A name of one or two letters
/// is only near to itself in the other case, or with its letters swapped: anything else would be a guess.
pub fn nearest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<String> {
    let length = name.chars().count();
    let limit = (length / 3).max(1);
    let close = candidates.filter(|candidate| {
        !candidate.is_empty()
            && *candidate != name
            && candidate.len().abs_diff(name.len()) <= limit * 4
    });
    let scored = close.map(|candidate| (distance(name, candidate, limit), candidate));
    let best = scored
        .filter(|(far, candidate)| {
            *far <= limit && (length > 2 || *far == 0 || same_letters(name, candidate))
        })
        .min()?;
    Some(best.1.to_string())
}

fn same_letters(left: &str, right: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        letters.sort_unstable();
        letters
    };
    sorted(left) == sorted(right)
}

/// Edits (insert, delete, replace, swap of neighbours) from one to the other, ignoring case; gives up above `limit`.
fn distance(left: &str, right: &str, limit: usize) -> usize {
    let left: Vec<char> = left.chars().flat_map(char::to_lowercase).collect();
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).collect();
    if left.len().abs_diff(right.len()) > limit {
        return limit + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut cost = (last[j] + usize::from(a != b))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_near_name_is_proposed_and_a_far_one_is_not() {
        let names = ["balance", "owner", "opened_at", "id", "x", ""];
        let near = |name| nearest(name, names.into_iter());
        assert_eq!(near("balence"), Some("balance".into()));
        assert_eq!(near("onwer"), Some("owner".into()));
        assert_eq!(near("di"), Some("id".into()));
        for far in ["colour", "v", "ix", "", "owner2owner"] {
            assert_eq!(near(far), None, "{far}");
        }
    }
}
