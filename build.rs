//! Hands the compiler's version and the revision of the source to `masternode_exporter_build_info`, and the runbooks to
//! `alerting::runbooks`.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

fn main() {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success());
        output.and_then(|output| String::from_utf8(output.stdout).ok()).map(|text| text.trim().to_string())
    };
    #[expect(clippy::disallowed_methods, reason = "how cargo tells a build script which compiler it uses")]
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = said(&rustc, &["--version"]).and_then(|text| Some(text.split(' ').nth(1)?.to_string()));
    let revision = said("git", &["rev-parse", "--short=12", "HEAD"]);
    println!("cargo:rustc-env=BUILD_RUSTC={}", version.unwrap_or_else(|| "unknown".into()));
    println!("cargo:rustc-env=BUILD_REVISION={}", revision.unwrap_or_else(|| "unknown".into()));
    // In a worktree, the file is elsewhere. A path that does not exist would run this at each build.
    let head = said("git", &["rev-parse", "--git-path", "HEAD"]).filter(|head| Path::new(head).exists());
    println!("cargo:rerun-if-changed={}", head.as_deref().unwrap_or("build.rs"));
    println!("cargo:rerun-if-changed=build.rs");
    embed_runbooks();
}

/// Writes a list of all runbooks, each with its name and its text, in the order of the names.
#[expect(clippy::disallowed_methods, reason = "how cargo says where a build script reads and writes")]
fn embed_runbooks() {
    let variable = |name: &str| std::env::var(name).expect("cargo sets it for every build script");
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")).join("docs/runbooks");
    println!("cargo:rerun-if-changed={}", folder.display());
    let entries = std::fs::read_dir(&folder).expect("the runbooks are a part of the package");
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    let mut list = String::from("&[\n");
    for path in &files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let _ = writeln!(list, "    ({name:?}, include_str!({:?})),", path.display().to_string());
    }
    list.push_str("]\n");
    std::fs::write(Path::new(&variable("OUT_DIR")).join("runbooks.rs"), list).expect("cargo made the folder");
}
