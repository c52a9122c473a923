//! Comments behind code: those of neighbouring lines stand in one column.

use crate::lines::Line;

/// Lines further apart than this in width do not share a column: one long line would push the rest away.
const SPREAD_COLUMNS_MAX: usize = 40;

/// Aligns the comments of each run of lines that have one.
pub(crate) fn align(lines: &mut [Line]) {
    let widths: Vec<usize> = lines
        .iter()
        .map(|line| line.code().chars().count())
        .collect();
    let mut start = 0;
    while start < lines.len() {
        if lines[start].trailing.is_none() {
            start += 1;
            continue;
        }
        let (mut end, mut least, mut most) = (start, widths[start], widths[start]);
        while end < lines.len()
            && lines[end].trailing.is_some()
            && (end == start || !lines[end].blank_above)
        {
            let (low, high) = (least.min(widths[end]), most.max(widths[end]));
            if high - low > SPREAD_COLUMNS_MAX {
                break;
            }
            (least, most) = (low, high);
            end += 1;
        }
        for at in start..end {
            if let Some((_, blanks)) = &mut lines[at].trailing {
                *blanks = most - widths[at] + 1;
            }
        }
        start = end;
    }
}
