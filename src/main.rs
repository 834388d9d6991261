//! The program: arguments and environment in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    masternode_exporter::cli::main(std::env::args_os().collect(), environment, std::env::home_dir())
}
