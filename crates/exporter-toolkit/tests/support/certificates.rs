//! Certificates and keys in a folder, created for each test.
//!
//! Never here: files in the repository; a private key in the repository would be public.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};

/// Names of the client's certificate.
pub(crate) const CLIENT_NAMES: [&str; 2] = ["prometheus.example", "192.0.2.7"];

/// Writes into `folder`: `server.crt` and `server.key`, issued for localhost by `servers.crt`; `client.crt` and
/// `client.key`, issued for [`CLIENT_NAMES`] by `clients.crt`; `stranger.crt` and `stranger.key`, of an unknown
/// authority; `own.crt` and `own.key`, a client that is its own authority.
pub(crate) fn write(folder: &Path) {
    write_server(folder);
    let clients = authority("clients");
    put(folder, "clients.crt", &clients.pem());
    let names = CLIENT_NAMES.map(str::to_string);
    issue(folder, "client", params(&names, ExtendedKeyUsagePurpose::ClientAuth), &clients);
    let names = ["stranger.example".to_string()];
    issue(folder, "stranger", params(&names, ExtendedKeyUsagePurpose::ClientAuth), &authority("strangers"));
    let mut own = params(&["own.example".to_string()], ExtendedKeyUsagePurpose::ClientAuth);
    own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    put(folder, "own.crt", &own.self_signed(&key).unwrap().pem());
    put(folder, "own.key", &key.serialize_pem());
}

/// Writes another server certificate, of another authority.
pub(crate) fn write_server(folder: &Path) {
    let servers = authority("servers");
    put(folder, "servers.crt", &servers.pem());
    let names = ["localhost".to_string(), "127.0.0.1".to_string()];
    issue(folder, "server", params(&names, ExtendedKeyUsagePurpose::ServerAuth), &servers);
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn params(names: &[String], usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, names[0].as_str());
    params.extended_key_usages = vec![usage];
    params
}

fn issue(folder: &Path, name: &str, params: CertificateParams, issuer: &CertifiedIssuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    put(folder, &format!("{name}.crt"), &params.signed_by(&key, issuer).unwrap().pem());
    put(folder, &format!("{name}.key"), &key.serialize_pem());
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}
