//! The credentials of the health check, and the TLS client that sends them.
//!
//! Without credentials it accepts any certificate: an exporter with an expired certificate is alive, too. Credentials
//! are sent only to a server with exactly the certificate of the web configuration.
//!
//! Never here: reading files, uses other than the health check.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use crate::secret::Secret;

/// Password and client certificate, by default none. They cannot be printed.
#[derive(Default)]
pub struct Credentials {
    password: Option<(String, Secret)>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    server: Option<CertificateDer<'static>>,
}

impl Credentials {
    /// For the exporter with this certificate (DER), or for one without TLS.
    pub fn only_for(server: Option<&[u8]>) -> Credentials {
        let server = server.map(|certificate| CertificateDer::from(certificate.to_vec()));
        Credentials { server, ..Credentials::default() }
    }

    /// Sends a user name and password. Surrounding white space is not part of the password.
    ///
    /// # Errors
    /// A sentence without any part of the password.
    pub fn set_password(&mut self, user: &str, password: &str) -> Result<(), String> {
        if user.is_empty() || user.contains(':') {
            return Err(format!("{user:?} can be no user's name: it is empty or has a colon"));
        }
        let password = password.trim();
        if password.is_empty() {
            return Err("holds no password".into());
        }
        self.password = Some((user.into(), Secret::new(password)));
        Ok(())
    }

    /// Sends a client certificate with its chain; certificates and key are PEM.
    ///
    /// # Errors
    /// Whether the certificate (`Err(false)`) or the key (`Err(true)`) cannot be used, and a sentence why.
    pub fn set_certificate(&mut self, certificate: &[u8], key: &[u8]) -> Result<(), (bool, String)> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or((false, "holds no certificate in PEM form".to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            (true, "holds no private key in PEM form, or one that is locked with a password".to_string())
        })?;
        self.identity = Some((chain, key));
        self.tls_client().map_err(|error| match error {
            Error::InconsistentKeys(_) => (true, "is not the key of the certificate".to_string()),
            error => (false, error.to_string()),
        })?;
        Ok(())
    }

    /// User and password.
    pub(super) fn password(&self) -> Option<(&str, &str)> {
        self.password.as_ref().map(|(user, password)| (user.as_str(), password.expose()))
    }

    /// The client of a TLS connection.
    ///
    /// # Errors
    /// If certificate and key do not match.
    pub(super) fn tls_client(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(ring::default_provider());
        let secret = self.password.is_some() || self.identity.is_some();
        let verifier =
            Arc::new(Verifier { provider: Arc::clone(&provider), only: secret.then(|| self.server.clone()) });
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        match &self.identity {
            None => Ok(builder.with_no_client_auth()),
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key()),
        }
    }
}

/// Accepts the certificate of a server that has its key. Names and dates are not checked.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// The only accepted certificate; `Some(None)` if it is not known and none is accepted; `None` accepts any.
    only: Option<Option<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.only {
            Some(known) if known.as_ref() != Some(end_entity) => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
