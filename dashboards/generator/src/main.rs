//! Writes the dashboards into the given folder, by default `dashboards`.
//!
//! Never here: the content of a dashboard.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("dashboards"), PathBuf::from);
    for (name, board) in boards::all() {
        std::fs::write(folder.join(name), boards::text(&board))?;
    }
    Ok(())
}
