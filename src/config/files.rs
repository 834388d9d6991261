//! Files that the configuration names: their paths, with `~` for the home directory, and files with a single secret.
//!
//! Never here: the use of a secret.

use std::path::{Path, PathBuf};

use crate::config::leaf::FilePath;
use crate::config::mistakes::Place;
use crate::outbound::{Authorities, ClientCertificate};
use crate::secret::file;

/// Largest file with certificate authorities, in bytes: several times that of a browser.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

/// The path of a file: relative to the file that names it, with `~` for the home directory.
pub(super) fn path(file: FilePath, at: &Place<'_>, home: Option<&Path>) -> Option<PathBuf> {
    let below = file.0.strip_prefix('~').filter(|below| below.is_empty() || below.starts_with('/'));
    match (below, home) {
        (None, _) => Some(at.folder().join(file.0)),
        (Some(below), Some(home)) => Some(home.join(below.trim_start_matches('/'))),
        (Some(_), None) => {
            at.error("begins with ~, and no home directory is known: write the absolute path");
            None
        }
    }
}

/// The content of a file with a single secret, without surrounding white space.
pub(super) fn read_secret(path: &Path, at: &Place<'_>) -> Option<String> {
    file::read(path).map_err(|error| at.error(format_args!("{} {error}", path.display()))).ok()
}

/// The certificate authorities in the file of `ca_file`. They are part of the settings, so that a reload takes over a
/// changed file.
pub(super) fn read_authorities(file: Option<FilePath>, at: &Place<'_>, home: Option<&Path>) -> Option<Authorities> {
    let at = at.key("ca_file");
    let path = path(file?, &at, home)?;
    let pem = file::read_up_to(&path, MAX_PEM_BYTES).map_err(|error| error.to_string());
    let authorities = pem.and_then(|pem| Authorities::new(&pem));
    authorities.map_err(|error| at.error(format_args!("{} {error}", path.display()))).ok()
}

/// The client certificate in the files of `cert_file` and `key_file`, likewise.
pub(super) fn read_certificate(
    certificate: Option<FilePath>,
    key: Option<FilePath>,
    at: &Place<'_>,
    home: Option<&Path>,
) -> Option<ClientCertificate> {
    let (certificate, key) = match (certificate, key) {
        (None, None) => return None,
        (Some(certificate), Some(key)) => (certificate, key),
        (certificate, _) => {
            let missing = at.key(if certificate.is_some() { "key_file" } else { "cert_file" });
            missing.error("is missing: cert_file and key_file go together");
            return None;
        }
    };
    let (at_certificate, at_key) = (at.key("cert_file"), at.key("key_file"));
    let certificate = path(certificate, &at_certificate, home)?;
    let pem = file::read_up_to(&certificate, MAX_PEM_BYTES);
    let pem = pem.map_err(|error| at_certificate.error(format_args!("{} {error}", certificate.display()))).ok();
    let key = path(key, &at_key, home).and_then(|path| read_secret(&path, &at_key));
    let read = ClientCertificate::new(&pem?, &key?);
    read.map_err(|error| at_certificate.error(format_args!("{} with key_file {error}", certificate.display()))).ok()
}

/// Checks that a file with a single secret is readable; the exporter reads it when it needs it.
pub(super) fn check_secret_file(path: &Path, at: &Place<'_>) {
    let _ = read_secret(path, at);
}
