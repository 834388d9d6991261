//! The health check of a protected exporter.
//!
//! Never here: the command's exit codes; the end-to-end tests cover them.

use masternode_exporter::cli::healthcheck::credentials::Credentials;
use masternode_exporter::cli::healthcheck::request::{self, Reply, RequestError};
use rustls::AlertDescription;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::{PATIENCE, Server, TLS, users};

const STRICT: &str = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: clients.crt\n";

impl Server {
    async fn asked(&self, encrypted: bool, credentials: &Credentials) -> Result<Reply, RequestError> {
        request::get(&self.address.into(), "/-/healthy", encrypted, credentials, PATIENCE).await
    }

    /// With the certificate of this name for the server whose certificate is in `server.crt`.
    fn knocking(&self, shows: Option<&str>, password: Option<&str>) -> Credentials {
        let file = |name: &str| std::fs::read(self.folder.path().join(name)).unwrap();
        let server = CertificateDer::from_pem_slice(&file("server.crt")).unwrap();
        let mut credentials = Credentials::only_for(Some(&server));
        if let Some(name) = shows {
            credentials.set_certificate(&file(&format!("{name}.crt")), &file(&format!("{name}.key"))).unwrap();
        }
        if let Some(password) = password {
            credentials.set_password("alice", password).unwrap();
        }
        credentials
    }
}

#[tokio::test]
async fn it_finds_a_protected_server() {
    let nothing = Credentials::default();
    let server = Server::start(TLS).await;
    assert_eq!(server.asked(true, &nothing).await.unwrap().status, 200);
    assert!(server.asked(false, &nothing).await.is_err(), "unencrypted it is not heard");

    for version in ["TLS12", "TLS13"] {
        let file = format!("{TLS}{STRICT}  min_version: {version}\n  max_version: {version}\n");
        let server = Server::start(&file).await;
        let asked = server.asked(true, &nothing).await;
        assert!(matches!(asked, Err(RequestError::CertificateNeeded)), "{version}: {asked:?}");
        let stranger = server.asked(true, &server.knocking(Some("stranger"), None)).await;
        assert!(
            matches!(stranger, Err(RequestError::CertificateRefused(AlertDescription::UnknownCA))),
            "{version}: {stranger:?}"
        );
    }
}

#[tokio::test]
async fn a_health_check_with_credentials_is_answered() {
    // Protection, encrypted, certificate, password, status.
    let both = format!("{TLS}{STRICT}{}", users());
    for (file, encrypted, shows, password, status) in [
        (users(), false, None, Some("secret\n"), 200),
        (users(), false, None, Some("wrong"), 401),
        (users(), false, None, None, 401),
        (format!("{TLS}{STRICT}"), true, Some("client"), None, 200),
        (both.clone(), true, Some("client"), Some("secret"), 200),
        (both, true, Some("client"), None, 401),
    ] {
        let server = Server::start(&file).await;
        let reply = server.asked(encrypted, &server.knocking(shows, password)).await.unwrap();
        assert_eq!(reply.status, status, "{file} {shows:?} {password:?}");
    }
}

#[tokio::test]
async fn no_credentials_are_sent_to_a_server_with_another_certificate() {
    let other = Server::start(TLS).await;
    let mut unknown = Credentials::only_for(None);
    unknown.set_password("alice", "secret").unwrap();
    // Each would be accepted if it sent its credentials.
    for (file, knocking) in [
        (users(), other.knocking(None, Some("secret"))),
        (users(), unknown),
        ("  client_auth_type: RequireAnyClientCert\n".into(), other.knocking(Some("client"), None)),
    ] {
        let server = Server::start(&format!("{TLS}{file}")).await;
        let asked = server.asked(true, &knocking).await;
        assert!(matches!(asked, Err(RequestError::OtherServer)), "{file}: {asked:?}");
    }
}

#[test]
fn invalid_requests_are_refused_without_repeating_their_text() {
    let mut credentials = Credentials::only_for(None);
    for (user, password) in [("", "secret"), ("a:b", "secret"), ("alice", " \n")] {
        let error = credentials.set_password(user, password).unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    super::certificates::write(folder.path());
    let file = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let mut set = |certificate: &str, key: &str| credentials.set_certificate(&file(certificate), &file(key));
    assert_eq!(set("client.crt", "client.key"), Ok(()));
    assert!(set("client.key", "client.key").is_err_and(|(is_key, error)| !is_key && error.contains("no certificate")));
    assert!(set("client.crt", "client.crt").is_err_and(|(is_key, error)| is_key && error.contains("no private key")));
    assert!(set("client.crt", "stranger.key").is_err_and(|(is_key, error)| is_key && error.contains("is not the key")));
}
