//! Client certificates: whether the server requests one, and which it accepts.
//!
//! Never here: HTTP, files.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{self, ClientCertVerified};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::{Certificate, der};

/// Whether a client must present a certificate, from the weakest to the strictest policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientAuth {
    /// The server requests none.
    #[default]
    None,
    /// The server requests one, but accepts none or any.
    Request,
    /// Optional; a presented certificate must be signed by one of the authorities.
    VerifyIfGiven,
    /// Any certificate is accepted if the client has its key.
    RequireAny,
    /// The certificate must be signed by one of the authorities.
    RequireAndVerify,
}

impl ClientAuth {
    /// The values in the file, in the order of the documentation.
    pub const NAMES: [&str; 6] = [
        "NoClientCert",
        "RequestClientCert",
        "RequireAnyClientCert",
        "RequireClientCert",
        "VerifyClientCertIfGiven",
        "RequireAndVerifyClientCert",
    ];

    /// Parses one of [`ClientAuth::NAMES`]; `RequireClientCert` is an older name of the one before it. Empty is the
    /// default.
    ///
    /// # Errors
    /// A sentence with the valid values.
    pub fn new(text: &str) -> Result<ClientAuth, String> {
        Ok(match text {
            "" | "NoClientCert" => ClientAuth::None,
            "RequestClientCert" => ClientAuth::Request,
            "RequireAnyClientCert" | "RequireClientCert" => ClientAuth::RequireAny,
            "VerifyClientCertIfGiven" => ClientAuth::VerifyIfGiven,
            "RequireAndVerifyClientCert" => ClientAuth::RequireAndVerify,
            _ => return Err(format!("{text:?} is none of {}", ClientAuth::NAMES.join(", "))),
        })
    }

    pub(crate) fn verifies(self) -> bool {
        matches!(self, ClientAuth::VerifyIfGiven | ClientAuth::RequireAndVerify)
    }
}

/// The requirements for client certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientTerms {
    pub(crate) auth: ClientAuth,
    /// The authorities as in the file.
    pub(crate) authorities: Vec<CertificateDer<'static>>,
    /// A certificate must contain one of these names; empty for any.
    pub(crate) allowed_names: Vec<String>,
}

impl ClientTerms {
    /// The requirements that are weaker than in `old`.
    pub(crate) fn weakness_against(&self, old: &ClientTerms) -> Option<&'static str> {
        let weaker = [
            (self.auth < old.auth, "client_auth_type is weaker"),
            (self.authorities.is_empty() && !old.authorities.is_empty(), "client_ca_file is gone"),
            (self.allowed_names.is_empty() && !old.allowed_names.is_empty(), "client_allowed_sans is gone"),
        ];
        weaker.into_iter().find(|(weaker, _)| *weaker).map(|(_, what)| what)
    }
}

/// Verifies client certificates.
pub(crate) struct ClientCertVerifier {
    pub(crate) terms: ClientTerms,
    pub(crate) provider: Arc<CryptoProvider>,
    /// Verifies a chain up to the authorities; `None` without authorities, which rejects every chain.
    pub(crate) chains: Option<Arc<dyn danger::ClientCertVerifier>>,
}

impl fmt::Debug for ClientCertVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ClientCertVerifier({:?})", self.terms.auth)
    }
}

impl ClientCertVerifier {
    fn verify_chain(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let Some(chains) = &self.chains else { return Err(CertificateError::UnknownIssuer.into()) };
        let refused = match chains.verify_client_cert(end_entity, intermediates, now) {
            Ok(_) => return Ok(()),
            Err(refused) => refused,
        };
        // Small installations trust the client's own certificate, which then is its own authority: a chain of one.
        let own = self.terms.authorities.iter().any(|authority| authority == end_entity);
        if own && is_valid(end_entity, now) { Ok(()) } else { Err(refused) }
    }
}

impl danger::ClientCertVerifier for ClientCertVerifier {
    fn offer_client_auth(&self) -> bool {
        self.terms.auth != ClientAuth::None
    }

    fn client_auth_mandatory(&self) -> bool {
        matches!(self.terms.auth, ClientAuth::RequireAny | ClientAuth::RequireAndVerify)
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chains.as_ref().map_or(&[], |chains| chains.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.terms.auth.verifies() {
            self.verify_chain(end_entity, intermediates, now)?;
        }
        if !self.terms.allowed_names.is_empty() {
            let names = names(end_entity).map_err(|_| Error::from(CertificateError::BadEncoding))?;
            if !names.iter().any(|name| self.terms.allowed_names.contains(name)) {
                return Err(CertificateError::ApplicationVerificationFailure.into());
            }
        }
        Ok(ClientCertVerified::assertion())
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

/// The names in a certificate: hosts, e-mail addresses, IP addresses and URIs.
fn names(certificate: &CertificateDer<'_>) -> der::Result<Vec<String>> {
    let certificate = Certificate::from_der(certificate)?;
    let Some((_, SubjectAltName(names))) = certificate.tbs_certificate.get::<SubjectAltName>()? else {
        return Ok(Vec::new());
    };
    let name = |name: &GeneralName| match name {
        GeneralName::DnsName(name) | GeneralName::Rfc822Name(name) | GeneralName::UniformResourceIdentifier(name) => {
            Some(name.to_string())
        }
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok().map(|address| address.to_string())
        }
        _ => None,
    };
    Ok(names.iter().filter_map(name).collect())
}

fn is_valid(certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
    Certificate::from_der(certificate).is_ok_and(|certificate| {
        let validity = certificate.tbs_certificate.validity;
        let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
        (seconds(validity.not_before)..=seconds(validity.not_after)).contains(&now.as_secs())
    })
}
