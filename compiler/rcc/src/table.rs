//! Columns of text. Always true: the first column is left-aligned, the others are right-aligned, and as wide as their
//! widest cell.

/// Rows under a head, as text with a newline after each.
pub fn render(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells
            .chain([head[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            line.push_str(if column == 0 { "" } else { "  " });
            line.push_str(&if column == 0 {
                format!("{cell}{pad}")
            } else {
                format!("{pad}{cell}")
            });
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_aligned() {
        let rows = [
            vec!["pay".to_owned(), "412".to_owned()],
            vec!["accounts".to_owned(), "7".to_owned()],
        ];
        assert_eq!(
            super::render(&["", "steps"], &rows),
            "          steps\npay         412\naccounts      7\n"
        );
    }
}
