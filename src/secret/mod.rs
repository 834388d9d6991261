//! Secrets that must not be printed: passwords, tokens, URLs with a token, and the files that contain them.
//!
//! Never here: the use of a secret.

pub mod file;

use std::fmt;
use std::path::PathBuf;

/// A text that cannot be printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, only for sending it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The source of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The configuration itself.
    Text(Secret),
    /// A file that contains only the secret, read at each use, so that a replaced file needs no reload.
    File(PathBuf),
}

impl SecretSource {
    /// The current secret; from a file, without surrounding white space.
    ///
    /// # Errors
    /// If the file cannot be read as a secret; the error does not contain its name.
    pub(crate) fn read(&self) -> Result<Secret, String> {
        match self {
            SecretSource::Text(secret) => Ok(secret.clone()),
            SecretSource::File(path) => file::read(path).map(Secret::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed_and_a_replaced_file_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "hunter2\n").unwrap();
        let source = SecretSource::File(path.clone());
        let secret = source.read().unwrap();
        assert_eq!((secret.expose(), format!("{secret:?}").as_str()), ("hunter2", "Secret(…)"));
        std::fs::write(&path, "hunter3").unwrap();
        assert_eq!(source.read().unwrap().expose(), "hunter3");
    }
}
