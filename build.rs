//! Hands the compiler's version and the revision of the source to `masternode_exporter_build_info`.

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
    println!("cargo:rerun-if-changed=.git/HEAD");
    println!("cargo:rerun-if-changed=build.rs");
}
