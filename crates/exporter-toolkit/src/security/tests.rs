//! When settings are reloaded, and the effect on existing connections.
//!
//! Never here: the content of files.

use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::settings::{RateLimit, TlsParts};

const STRICT: Terms = Terms { auth: ClientAuth::RequireAndVerify, names: &["a"], authority: true };

#[derive(Clone, Copy)]
struct Terms {
    auth: ClientAuth,
    names: &'static [&'static str],
    authority: bool,
}

/// A server certificate that is also a client authority.
struct Identity {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Identity {
    fn new() -> Identity {
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(vec!["a".to_string()]).unwrap().self_signed(&key).unwrap();
        Identity { cert: cert.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }

    fn settings(&self, terms: Terms) -> SecuritySettings {
        let parts = TlsParts {
            cert: self.cert.clone(),
            key: self.key.clone(),
            client_ca: terms.authority.then(|| self.cert.clone()),
            client_auth_type: terms.auth,
            client_allowed_sans: terms.names.iter().map(ToString::to_string).collect(),
            ..TlsParts::default()
        };
        SecuritySettings { tls: Some(Tls::new(&parts).unwrap().0), ..SecuritySettings::default() }
    }
}

/// A `WebSecurity` whose settings and file a test changes.
struct Changing {
    security: Arc<WebSecurity>,
    settings: Arc<Mutex<SecuritySettings>>,
    path: tempfile::NamedTempFile,
    loads: Arc<AtomicUsize>,
}

impl Changing {
    fn new(settings: SecuritySettings) -> Changing {
        let path = tempfile::NamedTempFile::new().unwrap();
        let (settings, loads) = (Arc::new(Mutex::new(settings)), Arc::new(AtomicUsize::new(0)));
        let (current, count, file) = (Arc::clone(&settings), Arc::clone(&loads), path.path().to_owned());
        let load = move || {
            count.fetch_add(1, Ordering::Relaxed);
            LoadedSecurity { files: vec![FileStamp::new(&file)], result: Ok(lock(&current).clone()) }
        };
        let security = WebSecurity::new(Box::new(load), Box::new(|_| ())).unwrap();
        Changing { security: Arc::new(security), settings, path, loads }
    }

    /// Changes the settings and the size of the file.
    fn write(&self, settings: SecuritySettings) {
        *lock(&self.settings) = settings;
        let size = self.path.as_file().metadata().unwrap().len();
        self.path.as_file().set_len(size + 1).unwrap();
    }
}

#[test]
fn weaker_settings_are_used_only_after_the_files_are_unchanged_for_a_second() {
    let identity = Identity::new();
    let weaker = [
        (Terms { auth: ClientAuth::VerifyIfGiven, ..STRICT }, "client_auth_type is weaker"),
        (Terms { names: &[], ..STRICT }, "client_allowed_sans is gone"),
        (Terms { authority: false, ..STRICT }, "client_ca_file is gone"),
    ];
    for (terms, what) in weaker {
        let server = Changing::new(identity.settings(STRICT));
        let strict = server.security.active();
        server.write(identity.settings(terms));
        let start = Instant::now();
        let refused = server.security.refresh_at(false, start).unwrap_err();
        assert!(refused.starts_with(what), "{refused}");
        assert!(server.security.refresh_at(true, start + CHECK_INTERVAL / 2).is_err(), "a request for it is no proof");
        server.write(identity.settings(terms));
        assert!(server.security.refresh_at(false, start + CHECK_INTERVAL).is_err(), "the file has changed again");
        assert!(Arc::ptr_eq(&strict, &server.security.active()), "{what}");
        server.security.refresh_at(false, start + 2 * CHECK_INTERVAL).expect(what);
        assert!(!server.security.active().accepts_connections_of(&strict));
    }
}

#[test]
fn a_file_that_was_half_written_changes_nothing() {
    let identity = Identity::new();
    let server = Changing::new(identity.settings(STRICT));
    let strict = server.security.active();
    server.write(identity.settings(Terms { auth: ClientAuth::None, names: &[], authority: false }));
    let start = Instant::now();
    assert!(server.security.refresh_at(false, start).is_err());
    server.write(identity.settings(STRICT));
    server.security.refresh_at(false, start + CHECK_INTERVAL).unwrap();
    assert!(server.security.active().accepts_connections_of(&strict), "the terms were the same all the time");
}

#[test]
fn a_rate_limit_is_not_removed_by_a_half_written_file() {
    let limited = SecuritySettings {
        rate_limit: Some(RateLimit { interval: CHECK_INTERVAL, burst: 1 }),
        ..SecuritySettings::default()
    };
    let server = Changing::new(limited);
    server.write(SecuritySettings::default());
    let start = Instant::now();
    assert_eq!(server.security.refresh_at(false, start).unwrap_err().split(':').next(), Some("rate_limit is gone"));
    server.security.refresh_at(false, start + CHECK_INTERVAL).unwrap();
}

#[test]
fn files_are_read_only_after_a_change() {
    let server = Changing::new(SecuritySettings::default());
    let start = Instant::now();
    for second in 0..3 {
        server.security.refresh_at(false, start + second * CHECK_INTERVAL).unwrap();
    }
    assert_eq!(server.loads.load(Ordering::Relaxed), 1);
    server.write(SecuritySettings::default());
    server.security.refresh_at(false, start).unwrap();
    assert_eq!(server.loads.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_connection_is_superseded_only_when_its_requirements_change() {
    let identity = Identity::new();
    let server = Changing::new(identity.settings(Terms { auth: ClientAuth::Request, ..STRICT }));
    let accepted = server.security.active();
    let mut superseded = Box::pin(Arc::clone(&server.security).superseded(Arc::clone(&accepted)));
    let mut is_pending = async || {
        std::future::poll_fn(|context| std::task::Poll::Ready(superseded.as_mut().poll(context).is_pending())).await
    };
    assert!(is_pending().await);
    server.write(identity.settings(Terms { auth: ClientAuth::Request, ..STRICT }));
    server.security.refresh(false).unwrap();
    assert!(is_pending().await, "the same terms");
    server.write(identity.settings(STRICT));
    server.security.refresh(false).unwrap();
    assert!(!is_pending().await, "other terms");
    assert!(!server.security.active().accepts_connections_of(&accepted));
}
