//! Outgoing HTTP connections: proxy, trusted certificate authorities, client certificate.
//!
//! Environment variables such as `HTTPS_PROXY` are ignored: a proxy is a setting of a source or receiver.
//!
//! Never here: requests.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy, Request, RequestBuilder, Response, Url, redirect};

use crate::secret::Secret;

/// Connection settings of one peer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbound {
    /// HTTP proxy, which may contain a user and a password; `None` for a direct connection.
    pub proxy: Option<Secret>,
    /// Certificate authorities instead of the system's; `None` for the system's.
    pub authorities: Option<Authorities>,
    /// Certificate of this client and its key; `None` for none.
    pub certificate: Option<ClientCertificate>,
    /// What answers requests instead of the network; `None` outside of simulations.
    pub transport: Option<Transport>,
}

/// The response to a request, when it arrives.
pub type Answer = Pin<Box<dyn Future<Output = reqwest::Result<Response>> + Send>>;

/// A function that answers requests in this process.
#[derive(Clone)]
pub struct Transport(pub Arc<dyn Fn(Request) -> Answer + Send + Sync>);

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl PartialEq for Transport {
    fn eq(&self, other: &Transport) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The certificate of a client with its key, as PEM text.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientCertificate(Secret);

impl ClientCertificate {
    /// Takes the PEM texts of a certificate, with those between it and its authority, and of its key.
    ///
    /// # Errors
    /// If one of them cannot be read, or they do not belong together. The error repeats nothing of the key.
    pub fn new(certificate: &str, key: &str) -> Result<ClientCertificate, String> {
        let certificate = ClientCertificate(Secret::new(format!("{certificate}\n{key}")));
        let outbound = Outbound { certificate: Some(certificate.clone()), ..Outbound::default() };
        outbound.client(false)?.build().map_err(|error| format!("cannot be used: {}", cause(&error)))?;
        Ok(certificate)
    }

    fn identity(&self) -> Result<Identity, String> {
        Identity::from_pem(self.0.expose().as_bytes())
            .map_err(|_| "holds no certificate with its private key in PEM form".to_string())
    }
}

/// Certificate authorities as PEM text with at least one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorities(Arc<str>);

impl Authorities {
    /// Takes a PEM text.
    ///
    /// # Errors
    /// If it contains no certificate, or one that cannot be read.
    pub fn new(pem: &str) -> Result<Authorities, String> {
        let authorities = Authorities(pem.into());
        if authorities.certificates()?.is_empty() {
            return Err("holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)".into());
        }
        let outbound = Outbound { authorities: Some(authorities.clone()), ..Outbound::default() };
        outbound.client(true)?.build().map_err(|error| format!("cannot be used: {}", cause(&error)))?;
        Ok(authorities)
    }

    /// The PEM text.
    pub(crate) fn pem(&self) -> &str {
        &self.0
    }

    fn certificates(&self) -> Result<Vec<Certificate>, String> {
        Certificate::from_pem_bundle(self.0.as_bytes()).map_err(|error| format!("cannot be read: {}", cause(&error)))
    }
}

impl Outbound {
    /// A client builder with these settings that follows no redirects. Without `uses_tls` no certificate authorities
    /// are loaded, so that a system without any can use plain HTTP.
    ///
    /// # Errors
    /// If the proxy or the authorities cannot be used. The error repeats nothing of the proxy's URL.
    pub(crate) fn client(&self, uses_tls: bool) -> Result<ClientBuilder, String> {
        // Only the first provider of a process is installed, and every one here is ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder().redirect(redirect::Policy::none());
        builder = match &self.proxy {
            Some(proxy) => builder.proxy(Proxy::all(proxy.expose()).map_err(|_| "its proxy is not a URL".to_string())?),
            None => builder.no_proxy(),
        };
        if let Some(certificate) = &self.certificate {
            builder = builder.identity(certificate.identity()?);
        }
        let proxy_uses_tls = self.proxy.as_ref().is_some_and(|proxy| is_https(proxy.expose()));
        Ok(match &self.authorities {
            Some(authorities) => builder.tls_certs_only(authorities.certificates()?),
            None if !uses_tls && !proxy_uses_tls => builder.tls_certs_only([]),
            None => builder,
        })
    }

    /// Sends a request of a client with these settings.
    pub(crate) async fn send(&self, request: RequestBuilder) -> reqwest::Result<Response> {
        match &self.transport {
            None => request.send().await,
            Some(Transport(answer)) => answer(request.build()?).await,
        }
    }
}

/// Whether a URL uses HTTPS.
pub(crate) fn is_https(address: &str) -> bool {
    address.parse().is_ok_and(|url: Url| url.scheme() == "https")
}

/// Why a connection failed: the innermost error, which contains neither the URL nor the proxy. For a certificate of an
/// unknown authority, the setting that fixes it.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(deeper) = innermost.source() {
        innermost = deeper;
    }
    let text = match innermost.downcast_ref::<reqwest::Error>() {
        Some(error) => error.to_string().replace(error.url().map_or("", Url::as_str), "…"),
        None => innermost.to_string(),
    };
    advised(text)
}

/// The text of a connection failure. For a certificate of an unknown authority, with the setting that fixes it. Another
/// authority of the same name causes a bad signature.
pub(crate) fn advised(text: String) -> String {
    match text.contains("UnknownIssuer") || text.contains("BadSignature") {
        true => format!("{text}; set ca_file to the authority that signed its certificate"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority() -> String {
        rcgen::generate_simple_self_signed(["ca.example.org".to_string()]).unwrap().cert.pem()
    }

    #[test]
    fn authorities_are_certificates_and_nothing_else() {
        let pem = authority();
        assert_eq!(Authorities::new(&pem).unwrap().certificates().unwrap().len(), 1);
        assert_eq!(Authorities::new(&format!("{pem}{}", authority())).unwrap().certificates().unwrap().len(), 2);
        for bad in ["", "hunter2", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let error = Authorities::new(bad).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_client_certificate_needs_its_key_and_prints_nothing_of_it() {
        let made = rcgen::generate_simple_self_signed(["client.example.org".to_string()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let good = ClientCertificate::new(&certificate, &key).unwrap();
        let line = key.lines().nth(1).unwrap();
        assert!(!format!("{good:?}").contains(line));
        let other = rcgen::generate_simple_self_signed(["other.example.org".to_string()]).unwrap();
        for (certificate, key) in
            [("", &*key), (&certificate, ""), (&certificate, "hunter2"), (&other.cert.pem(), &key)]
        {
            let error = ClientCertificate::new(certificate, key).unwrap_err();
            assert!(!error.contains("hunter2") && !error.contains(line), "{error}");
        }
    }

    #[test]
    fn a_proxy_is_not_printed() {
        let proxy = Some(Secret::new("http://user:hunter2@proxy.example.org:3128"));
        let outbound = Outbound { proxy, ..Outbound::default() };
        assert!(outbound.client(false).is_ok() && !format!("{outbound:?}").contains("hunter2"));
        let bad = Outbound { proxy: Some(Secret::new("http://hunter2[")), ..Outbound::default() };
        assert_eq!(bad.client(false).unwrap_err(), "its proxy is not a URL");
    }
}
