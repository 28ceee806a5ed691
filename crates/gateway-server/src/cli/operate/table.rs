//! Columns of text, as wide as they must be and no wider than there is room.

/// Rows of cells under headings.
#[derive(Debug)]
pub(super) struct Table {
    columns: &'static [Column],
    rows: Vec<Vec<String>>,
}

/// A column: its heading, and on which side its cells stand.
#[derive(Debug)]
pub(super) enum Column {
    Left(&'static str),
    Right(&'static str),
}

impl Table {
    /// No rows yet.
    pub(super) fn new(columns: &'static [Column]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// One more row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|it| clean(&it)).collect());
    }

    /// The heading and the rows as lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let headings: Vec<String> = self.columns.iter().map(|it| it.heading().into()).collect();
        let all = || std::iter::once(&headings).chain(&self.rows);
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = all().filter_map(|row| row.get(at));
                let widest = cells.map(|cell| cell.chars().count()).max();
                widest.unwrap_or_default().min(WIDEST)
            })
            .collect();
        let line = |row: &Vec<String>| {
            let cells = self.columns.iter().zip(row).zip(&widths);
            let cells = cells.map(|((column, cell), width)| {
                let cell = fit(cell, *width);
                match column {
                    Column::Left(_) => format!("{cell:<width$}"),
                    Column::Right(_) => format!("{cell:>width$}"),
                }
            });
            let cells: Vec<String> = cells.collect();
            cells.join("  ").trim_end().to_owned()
        };
        all().map(line).collect()
    }
}

impl Column {
    const fn heading(&self) -> &'static str {
        match self {
            Self::Left(heading) | Self::Right(heading) => heading,
        }
    }
}

/// The text without what a terminal would obey: clients choose names.
pub(super) fn clean(text: &str) -> String {
    let seen = |it: char| if it.is_control() { '?' } else { it };
    text.chars().map(seen).collect()
}

/// As much of the text as fits.
pub(super) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain(std::iter::once('…').take(width)).collect()
}

/// Characters of a cell.
const WIDEST: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_within_bounds() {
        let mut table = Table::new(&[Column::Left("NAME"), Column::Right("N")]);
        table.row(["a".to_owned(), "10".to_owned()]);
        table.row(["long\u{7}er".to_owned(), "1".to_owned()]);
        assert_eq!(table.lines(), ["NAME      N", "a        10", "long?er   1"]);
        table.row(["x".repeat(50), String::new()]);
        let last = table.lines().pop().unwrap();
        assert_eq!(last, format!("{}…", "x".repeat(WIDEST - 1)));
    }

    #[test]
    fn a_text_is_cut_where_there_is_no_more_room() {
        assert_eq!(fit("äöü", 3), "äöü");
        assert_eq!(fit("äöüß", 3), "äö…");
        assert_eq!((fit("ab", 1), fit("ab", 0)), ("…".into(), String::new()));
    }
}
