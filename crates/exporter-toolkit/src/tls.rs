//! Encryption of connections: certificate and key, versions, cipher suites, requirements for client certificates.
//!
//! Never here: files, sockets.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{CipherSuite, RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion, version};

use crate::client_cert::{ClientAuth, ClientCertVerifier, ClientTerms};

/// The name of HTTP/2 among the protocols above TLS (RFC 9113 §3.1).
pub const HTTP2: &[u8] = b"h2";

/// The encryption of connections, ready for use.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    /// The server's own certificate, without intermediate ones.
    certificate: CertificateDer<'static>,
    terms: ClientTerms,
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tls({:?})", self.terms.auth)
    }
}

/// The inputs of [`Tls`], named as in the file. Empty texts are absent.
#[derive(Default)]
pub struct TlsParts {
    /// The server's certificate and intermediate certificates, as PEM.
    pub cert: Vec<u8>,
    /// Its key, as PEM.
    pub key: Vec<u8>,
    /// The authorities of client certificates, as PEM; `None` if not configured.
    pub client_ca: Option<Vec<u8>>,
    /// The policy for client certificates.
    pub client_auth_type: ClientAuth,
    /// Allowed names of client certificates; empty for any.
    pub client_allowed_sans: Vec<String>,
    /// Minimum version; `None` for TLS 1.2.
    pub min_version: Option<String>,
    /// Maximum version; `None` for TLS 1.3.
    pub max_version: Option<String>,
    /// Cipher suites of TLS 1.2; empty for all safe ones. Those of TLS 1.3 cannot be chosen.
    pub cipher_suites: Vec<String>,
    /// Whether the server's order of cipher suites takes precedence over the client's.
    pub prefer_server_cipher_suites: bool,
    /// Key exchange groups, in order; empty for all.
    pub curve_preferences: Vec<String>,
    /// Whether HTTP/2 is offered.
    pub http2: bool,
}

/// Why TLS cannot be configured: the key of the file, and a sentence. It repeats nothing of a private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfigError {
    /// The key, below `tls_server_config`.
    pub key: &'static str,
    /// The error.
    pub what: String,
}

impl Tls {
    /// Combines the inputs. The second value has warnings about valid but probably unintended settings.
    ///
    /// # Errors
    /// Every error.
    pub fn new(parts: &TlsParts) -> Result<(Tls, Vec<String>), Vec<TlsConfigError>> {
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        let versions = noted(&mut errors, "min_version", versions(parts, &mut warnings));
        let cipher_suites = noted(&mut errors, "cipher_suites", suites(parts, &mut warnings));
        let kx_groups = noted(&mut errors, "curve_preferences", groups(parts, &mut warnings));
        let chain = noted(&mut errors, "cert_file", certificates(&parts.cert));
        let key = noted(&mut errors, "key_file", key(&parts.key));
        let roots = noted(&mut errors, "client_ca_file", authorities(parts, &mut warnings));
        let (Some(versions), Some(cipher_suites), Some(kx_groups), Some(chain), Some(key), Some(roots)) =
            (versions, cipher_suites, kx_groups, chain, key, roots)
        else {
            return Err(errors);
        };
        let provider = Arc::new(CryptoProvider { cipher_suites, kx_groups, ..ring::default_provider() });
        let certificate = chain[0].clone();
        let terms = ClientTerms {
            auth: parts.client_auth_type,
            authorities: roots,
            allowed_names: parts.client_allowed_sans.clone(),
        };
        match assemble(parts, provider, &versions, Identity { chain, key, terms: terms.clone() }) {
            Ok(config) => Ok((Tls { config: Arc::new(config), certificate, terms }, warnings)),
            Err(error) => Err(vec![error]),
        }
    }

    /// The configuration of the next handshake.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// The requirements for client certificates.
    pub(crate) fn terms(&self) -> &ClientTerms {
        &self.terms
    }

    /// The server's certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Whether only clients with a certificate of a known authority are accepted.
    pub fn knows_its_clients(&self) -> bool {
        self.terms.auth == ClientAuth::RequireAndVerify
    }
}

/// The parsed certificates and key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    terms: ClientTerms,
}

fn noted<T>(errors: &mut Vec<TlsConfigError>, key: &'static str, result: Result<T, String>) -> Option<T> {
    result.map_err(|what| errors.push(TlsConfigError { key, what })).ok()
}

fn assemble(
    parts: &TlsParts,
    provider: Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
    identity: Identity,
) -> Result<ServerConfig, TlsConfigError> {
    let failed = |key| move |error: &dyn fmt::Display| TlsConfigError { key, what: error.to_string() };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| failed("cipher_suites")(&error))?;
    let verifier: Arc<dyn danger::ClientCertVerifier> = match parts.client_auth_type {
        ClientAuth::None => Arc::new(NoClientAuth),
        _ => Arc::new(ClientCertVerifier {
            chains: chains(&identity.terms.authorities, &provider)
                .map_err(|what| TlsConfigError { key: "client_ca_file", what })?,
            provider,
            terms: identity.terms,
        }),
    };
    let mut config = builder
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain, identity.key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                TlsConfigError { key: "key_file", what: "is not the key of the certificate".into() }
            }
            error => failed("cert_file")(&error),
        })?;
    config.ignore_client_order = parts.prefer_server_cipher_suites;
    let protocols: &[&[u8]] = if parts.http2 { &[HTTP2, b"http/1.1"] } else { &[b"http/1.1"] };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

fn chains(
    authorities: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn danger::ClientCertVerifier>>, String> {
    if authorities.is_empty() {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone()).map_err(|error| format!("holds a certificate that cannot be used: {error}"))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    verifier.map(Some).map_err(|error| error.to_string())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err("holds no certificate in PEM form".into()),
        Ok(certificates) => Ok(certificates),
        Err(_) => Err("is not PEM".into()),
    }
}

/// The error repeats nothing of the text.
fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| "holds no private key in PEM form, or one that is locked with a password".into())
}

fn authorities(parts: &TlsParts, warnings: &mut Vec<String>) -> Result<Vec<CertificateDer<'static>>, String> {
    match (&parts.client_ca, parts.client_auth_type) {
        (Some(_), ClientAuth::None) => Err(
            "is set, but client_auth_type requests no certificate: set it, for example to RequireAndVerifyClientCert"
                .into(),
        ),
        (Some(pem), _) => certificates(pem),
        (None, auth) => {
            if auth.verifies() {
                warnings.push("there is no client_ca_file, so every client certificate is refused".into());
            }
            if auth == ClientAuth::None && !parts.client_allowed_sans.is_empty() {
                warnings
                    .push("client_allowed_sans has no effect while client_auth_type requests no certificate".into());
            }
            Ok(Vec::new())
        }
    }
}

/// Names of the versions in the file; the first two are no longer safe.
const VERSIONS: [&str; 4] = ["TLS10", "TLS11", "TLS12", "TLS13"];

fn versions(parts: &TlsParts, warnings: &mut Vec<String>) -> Result<Vec<&'static SupportedProtocolVersion>, String> {
    let place = |text: &Option<String>, default| match text {
        None => Ok(default),
        Some(text) => VERSIONS
            .iter()
            .position(|name| name == text)
            .ok_or_else(|| format!("{text:?} is no version of TLS; those are {}", VERSIONS.join(", "))),
    };
    let (least, highest) = (place(&parts.min_version, 2)?, place(&parts.max_version, 3)?);
    if least < 2 {
        warnings.push("min_version is TLS12: older versions are not secure and not supported".into());
    }
    let both: [(usize, &'static SupportedProtocolVersion); 2] = [(2, &version::TLS12), (3, &version::TLS13)];
    let chosen: Vec<_> = both.into_iter().filter(|(place, _)| (least..=highest).contains(place)).collect();
    if chosen.is_empty() {
        return Err("leaves no TLS version: max_version must be TLS12 or TLS13, and not below min_version".into());
    }
    Ok(chosen.into_iter().map(|(_, version)| version).collect())
}

/// Cipher suites of TLS 1.2 and 1.3 by name. `None`: known to other exporters, but not supported here.
const SUITES: [(&str, Option<CipherSuite>); 13] = [
    ("TLS_AES_128_GCM_SHA256", Some(CipherSuite::TLS13_AES_128_GCM_SHA256)),
    ("TLS_AES_256_GCM_SHA384", Some(CipherSuite::TLS13_AES_256_GCM_SHA384)),
    ("TLS_CHACHA20_POLY1305_SHA256", Some(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256)),
    (SMALL_ECDSA, Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", Some(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256)),
    (SMALL_RSA, Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384)),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", Some(CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256)),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", None),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", None),
];

/// One of these is required if HTTP/2 can be used with TLS 1.2 (RFC 9113 §9.2.2).
const SMALL_ECDSA: &str = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
const SMALL_RSA: &str = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";

fn suites(parts: &TlsParts, warnings: &mut Vec<String>) -> Result<Vec<SupportedCipherSuite>, String> {
    let all = ring::default_provider().cipher_suites;
    let named = &parts.cipher_suites;
    if named.is_empty() {
        return Ok(all);
    }
    let mut chosen: Vec<SupportedCipherSuite> =
        all.iter().filter(|suite| suite.version() == &version::TLS13).copied().collect();
    for name in named {
        match SUITES.iter().find(|(known, _)| known == name) {
            None => return Err(format!("{name:?} is not a known cipher suite")),
            Some((_, None)) => warnings.push(format!("{name} is not secure and not supported")),
            Some((_, Some(suite))) => {
                let suite = all.iter().find(|known| known.suite() == *suite).copied();
                chosen.extend(suite.filter(|suite| !chosen.contains(suite)));
            }
        }
    }
    let old = parts.min_version.as_deref() != Some("TLS13");
    if parts.http2 && old && ![SMALL_ECDSA, SMALL_RSA].iter().any(|small| named.iter().any(|name| name == small)) {
        return Err(format!(
            "lacks a cipher suite that HTTP/2 needs with TLS 1.2: add {SMALL_RSA} or {SMALL_ECDSA}, or set http_server_config.http2 to false"
        ));
    }
    Ok(chosen)
}

fn groups(parts: &TlsParts, warnings: &mut Vec<String>) -> Result<Vec<&'static dyn SupportedKxGroup>, String> {
    if parts.curve_preferences.is_empty() {
        return Ok(ring::default_provider().kx_groups);
    }
    let mut chosen = Vec::new();
    for name in &parts.curve_preferences {
        chosen.push(match name.as_str() {
            "X25519" => ring::kx_group::X25519,
            "CurveP256" => ring::kx_group::SECP256R1,
            "CurveP384" => ring::kx_group::SECP384R1,
            "CurveP521" => {
                warnings.push("CurveP521 is not supported".into());
                continue;
            }
            _ => return Err(format!("{name:?} is none of CurveP256, CurveP384, CurveP521, X25519")),
        });
    }
    if chosen.is_empty() {
        return Err("leaves no curve: CurveP521 is not supported; add X25519, CurveP256 or CurveP384".into());
    }
    Ok(chosen)
}
