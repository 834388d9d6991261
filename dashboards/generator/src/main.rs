//! Writes the dashboards into the folder that is named, by default `dashboards`.
//!
//! Never here: what is on a board.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("dashboards"), PathBuf::from);
    for (name, board) in boards::all() {
        std::fs::write(folder.join(name), boards::text(&board))?;
    }
    Ok(())
}
