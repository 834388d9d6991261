//! The web configuration files in `tests/fixtures`: valid ones, and invalid ones with the error in their first line.
//!
//! Never here: checks of the results.

use std::path::{Path, PathBuf};

/// How the result of `promtool` differs from ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promtool {
    /// It does not differ.
    Agrees,
    /// An older promtool does not know the keys yet.
    MayBeTooOld,
    /// It accepts what this crate refuses: it checks less, or supports more.
    IsLenient,
}

/// One file.
pub(crate) struct WebCase {
    /// Name for messages.
    pub(crate) name: String,
    /// A copy in a folder with certificates.
    pub(crate) path: PathBuf,
    /// Part of its error; `None` for a valid file.
    pub(crate) error: Option<String>,
    /// The result of `promtool`.
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
