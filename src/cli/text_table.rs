//! Tables as text.
//!
//! Never here: content of the cells.

use std::fmt::Write;

/// Alignment of the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alignment {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A header line and one line for each row; every column is as wide as its widest cell.
pub(super) fn columns<const N: usize>(heads: [(&str, Alignment); N], rows: &[[String; N]]) -> String {
    let mut widths = heads.map(|(head, _)| head.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let first = heads.map(|(head, _)| head.to_string());
    for row in std::iter::once(&first).chain(rows) {
        let cells = row.iter().zip(&heads).zip(widths);
        let padded: Vec<String> = cells
            .map(|((cell, (_, lean)), width)| match lean {
                Alignment::Left => format!("{cell:<width$}"),
                Alignment::Right => format!("{cell:>width$}"),
            })
            .collect();
        let _ = writeln!(text, "{}", padded.join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lean_left_and_numbers_right_and_no_line_ends_in_blanks() {
        let rows = [["é".to_string(), "1000".to_string()], ["longer".to_string(), String::new()]];
        let text = columns([("name", Alignment::Left), ("score", Alignment::Right)], &rows);
        assert_eq!(text, "name    score\né        1000\nlonger\n");
    }
}
