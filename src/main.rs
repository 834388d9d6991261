//! The program: arguments and environment in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    // A value that is no UTF-8 is passed on with its marks, so that a key which it sets names the mistake.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .collect();
    masternode_exporter::cli::main(std::env::args_os().collect(), environment, std::env::home_dir())
}
