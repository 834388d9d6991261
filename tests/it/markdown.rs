//! Reads tables from the repository's pages, to compare pages with the code.
//!
//! Never here: general Markdown; only the features that these pages use.

use std::path::PathBuf;

/// A table with its header.
#[derive(Debug, Default)]
pub struct Table {
    /// Cells of the first row.
    pub header: Vec<String>,
    /// Cells of the other rows, each row as long as the header.
    pub rows: Vec<Vec<String>>,
}

/// The root of the package.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first table under `heading`, which is a whole line of the page at `path`.
pub fn table_of(path: &str, heading: &str) -> Table {
    table(&read(path), heading).unwrap_or_else(|| panic!("{path} has no table under {heading:?}"))
}

fn table(page: &str, heading: &str) -> Option<Table> {
    let below = page.lines().skip_while(|line| *line != heading).skip(1);
    let section = below.take_while(|line| !line.starts_with('#'));
    let lines: Vec<&str> =
        section.skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|')).collect();
    let (first, rest) = lines.split_first()?;
    let header = cells(first);
    let rows: Vec<Vec<String>> = rest.iter().skip(1).map(|line| cells(line)).collect();
    for row in &rows {
        assert_eq!(row.len(), header.len(), "a row is not as long as its header: {row:?}");
    }
    Some(Table { header, rows })
}

fn cells(line: &str) -> Vec<String> {
    line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_string()).collect()
}

#[test]
fn a_table_is_found_by_its_heading_and_ends_where_it_ends() {
    let page = "# One\n| a |\n|---|\n| 0 |\n## Two\ntext\n| a | b |\n|---|--:|\n| `1` | 2 |\n\n| x |\n";
    let two = table(page, "## Two").unwrap();
    assert_eq!(two.header, ["a", "b"]);
    assert_eq!(two.rows, [["`1`", "2"]]);
    assert!(table(page, "## Three").is_none());
    assert!(table("## Two\n# One\n| a |\n|---|\n", "## Two").is_none(), "a table of the next section");
}
