//! Tables and amounts for a terminal: Chinese characters take two columns there, so padding goes by width and not by
//! characters, and nothing that a document contains can move the cursor or colour the screen.

use unicode_width::UnicodeWidthStr as _;

/// Blanks between two columns.
const GAP: &str = "  ";

/// On which side a column is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Texts.
    Left,
    /// Figures.
    Right,
}

/// Lays rows out in columns; the first row holds the headings.
pub(super) fn table(columns: &[Align], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| harmless(cell)).collect())
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.width())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for ((cell, align), width) in row.iter().zip(columns).zip(&widths) {
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            match align {
                Align::Left => line.extend([cell.as_str(), &padding, GAP]),
                Align::Right => line.extend([&padding, cell.as_str(), GAP]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Replaces characters that steer a terminal or turn its text around.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .map(|character| {
            let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if character.is_control() || turns { '\u{fffd}' } else { character }
        })
        .collect()
}

/// Fen as yuan: `-0.05`, `58.00`.
pub(super) fn yuan(fen: i64) -> String {
    chudian_vocabulary::Money::from_fen(fen).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_line_up() {
        let rows = [
            vec!["套餐".to_owned(), "元".to_owned()],
            vec!["全球通畅享58".to_owned(), "58.00".to_owned()],
            vec!["M-Zone".to_owned(), "-0.05".to_owned()],
        ];
        let text = table(&[Align::Left, Align::Right], &rows);
        assert_eq!(
            text,
            "套餐             元\n全球通畅享58  58.00\nM-Zone        -0.05\n"
        );
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            harmless("a\u{1b}[31mb\u{202e}c\n"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}"
        );
    }
}
