//! Files that the configuration names: their paths, with `~` for the home directory, and those with one secret in them.
//!
//! Never here: what a secret is for.

use std::path::{Path, PathBuf};

use crate::config::leaf::FilePath;
use crate::config::mistakes::Place;
use crate::rpc::secret_file;

/// The path of a file, with `~` for the home directory.
pub(super) fn path(file: FilePath, at: &Place<'_>, home: Option<&Path>) -> Option<PathBuf> {
    let below = file.0.strip_prefix('~').filter(|below| below.is_empty() || below.starts_with('/'));
    match (below, home) {
        (None, _) => Some(file.0.into()),
        (Some(below), Some(home)) => Some(home.join(below.trim_start_matches('/'))),
        (Some(_), None) => {
            at.error("begins with ~, and no home directory is known: write the whole path");
            None
        }
    }
}

/// What stands in a file with one secret, without the white space around it.
pub(super) fn read_secret(file: FilePath, at: &Place<'_>, home: Option<&Path>) -> Option<String> {
    let path = path(file, at, home)?;
    secret_file::read(&path).map_err(|error| at.error(format_args!("{} {error}", path.display()))).ok()
}

/// Checks that a file with one secret can be read, which the exporter does when it needs it.
pub(super) fn check_secret_file(path: &Path, at: &Place<'_>) {
    if let Err(error) = secret_file::read(path) {
        at.error(format_args!("{} {error}", path.display()));
    }
}
