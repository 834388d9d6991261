//! Texts that must not be printed: passwords, tokens, addresses with a token in them, and the files that hold them.
//!
//! Never here: what a secret is for.

pub mod file;

use std::fmt;
use std::path::PathBuf;

use file::SecretFileError;

/// A text that cannot be printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The configuration itself.
    Text(Secret),
    /// A file with nothing else in it, read each time the secret is used, so a replaced file needs no reload.
    File(PathBuf),
}

impl SecretSource {
    /// The secret as it is now; of a file, without the white space around it.
    ///
    /// # Errors
    /// When the file cannot be read as a secret; the error does not name the file.
    pub(crate) fn read(&self) -> Result<Secret, SecretFileError> {
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
