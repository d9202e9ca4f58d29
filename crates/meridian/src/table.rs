//! A table of text, aligned with spaces.

/// Rows under headings; every column is as wide as its widest cell.
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<H: Into<String>>(headings: impl IntoIterator<Item = H>) -> Self {
        Self {
            headings: headings.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Missing cells stay empty; cells without a heading are shown too.
    pub fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The lines of the table, headings first, without trailing blanks.
    pub fn lines(&self) -> Vec<String> {
        let all = || std::iter::once(&self.headings).chain(&self.rows);
        let columns = all().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = all().filter_map(|row| row.get(column));
                cells.map(|cell| width(cell)).max().unwrap_or(0)
            })
            .collect();
        all().map(|row| line(row, &widths)).collect()
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut out = String::new();
    for (cell, &wide) in cells.iter().zip(widths) {
        out.push_str(cell);
        out.extend(std::iter::repeat_n(' ', wide - width(cell) + 2));
    }
    out.truncate(out.trim_end().len());
    out
}

/// Columns on a terminal. Everything printed in tables is made of characters
/// that are one column wide.
fn width(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["REGION", "STATE"]);
        table.row(["us-east-1", "Enabled"]);
        table.row(["ap-southeast-2", "PendingImport"]);
        assert_eq!(
            table.lines(),
            [
                "REGION          STATE",
                "us-east-1       Enabled",
                "ap-southeast-2  PendingImport",
            ]
        );
    }

    #[test]
    fn a_short_row_and_a_long_row_both_fit() {
        let mut table = Table::new(["A", "B"]);
        table.row(["1"]);
        table.row(["1", "✓", "more"]);
        table.row(["1", "22", "x"]);
        assert_eq!(table.lines(), ["A  B", "1", "1  ✓   more", "1  22  x"]);
    }

    #[test]
    fn an_empty_table_is_its_headings() {
        assert_eq!(Table::new(["A", "B"]).lines(), ["A  B"]);
    }
}
