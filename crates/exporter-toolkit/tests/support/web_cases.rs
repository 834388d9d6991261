//! The web configuration files in `tests/fixtures`: good ones, and bad ones with the mistake in their first line.
//!
//! Never here: what becomes of them.

use std::path::{Path, PathBuf};

/// What `promtool` makes of a file where it is not what we do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promtool {
    /// The same.
    Agrees,
    /// An older one does not know the keys yet.
    MayBeTooOld,
    /// It takes what we refuse: it does not look at everything, or speaks what we do not.
    IsLenient,
}

/// One file.
pub(crate) struct WebCase {
    /// For messages.
    pub(crate) name: String,
    /// A copy in a folder with certificates.
    pub(crate) path: PathBuf,
    /// Part of its mistake; `None` for a good file.
    pub(crate) error: Option<String>,
    /// What `promtool` says.
    pub(crate) promtool: Promtool,
}

/// Copies all files into `folder`, where the certificates are.
pub(crate) fn web_cases(folder: &Path) -> Vec<WebCase> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = crate_folder.join("crates/exporter-toolkit");
    let fixtures = if workspace.exists() { workspace } else { crate_folder.to_owned() }.join("tests/fixtures");
    let mut names: Vec<String> =
        std::fs::read_dir(&fixtures).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() > 50, "{names:?}");
    let pem = |name: &str| format!("{:?}", std::fs::read_to_string(folder.join(name)).unwrap());
    let case = |name: String| {
        let text = std::fs::read_to_string(fixtures.join(&name)).unwrap();
        let note =
            |key: &str| text.lines().find_map(|line| line.strip_prefix(&format!("# {key}: "))).map(str::to_string);
        let promtool = match note("promtool").as_deref() {
            None => Promtool::Agrees,
            Some("newer") => Promtool::MayBeTooOld,
            Some("lenient") => Promtool::IsLenient,
            Some(other) => panic!("{name}: {other}"),
        };
        let error = note("error");
        assert_eq!(error.is_none(), name.ends_with(".good.yml"), "{name}");
        let path = folder.join(&name);
        let inline = text.replace("SERVER_CERTIFICATE", &pem("server.crt")).replace("SERVER_KEY", &pem("server.key"));
        std::fs::write(&path, inline).unwrap();
        WebCase { name, path, error, promtool }
    };
    names.into_iter().map(case).collect()
}
