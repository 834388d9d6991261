//! The active security settings, and their reload while the server runs.
//!
//! The settings come from files: the web configuration, certificates and keys. Once a second their times and sizes are
//! compared, and they are read only after a change. Invalid settings are refused as a whole and the old ones stay
//! active. Weaker settings may come from a half-written file, so they are refused until the files have been unchanged
//! for a second.
//!
//! Never here: the format of the files, an HTTP server.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, HeaderMap};
use rustls::ServerConfig;
use tokio::sync::watch;

use crate::client_cert::{ClientAuth, ClientTerms};
use crate::file::FileStamp;
use crate::password::{Recalled, TooManyChecks, Users};
use crate::rate_limit::RateLimits;
use crate::settings::{ExtraHeader, SecuritySettings, Tls};

/// Interval between two checks of the files, and time for which files must be unchanged before weaker settings are
/// used.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Loads the settings. It may block, and is called on a thread that may block.
pub type LoadFunction = Box<dyn Fn() -> LoadedSecurity + Send + Sync>;

/// Called after each load, with whether the settings are valid.
pub type LoadObserver = Box<dyn Fn(bool) + Send + Sync>;

/// Loaded settings, or the errors.
pub struct LoadedSecurity {
    /// All files of the settings, each with its stamp from before it was read: a change causes another load.
    pub files: Vec<FileStamp>,
    /// The settings; the error consists of one or more sentences for the operator.
    pub result: Result<SecuritySettings, String>,
}

/// The security settings of a server, from start to end.
pub struct WebSecurity {
    /// `None` for a server without security settings.
    load: Option<LoadFunction>,
    observer: LoadObserver,
    active: Mutex<Arc<ActiveSecurity>>,
    watched: Mutex<Watched>,
    /// [`ActiveSecurity::terms_number`] of the active settings.
    terms_number: watch::Sender<u64>,
}

/// The files of the last load.
#[derive(Default)]
struct Watched {
    files: Vec<FileStamp>,
    /// Since when these files have held settings weaker than the active ones.
    weaker_since: Option<Instant>,
}

/// The active settings, ready for use.
pub struct ActiveSecurity {
    tls: Option<Arc<ServerConfig>>,
    /// The requirements for client certificates; `None` without TLS.
    terms: Option<ClientTerms>,
    /// Changes with the requirements: connections that were accepted under another number must be closed.
    terms_number: u64,
    users: Option<Arc<Users>>,
    headers: Vec<ExtraHeader>,
    rate_limits: Option<RateLimits>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It has no valid user and password (401).
    Unauthenticated,
    /// It exceeds the rate limit (429).
    RateLimited,
    /// Its password was not checked before, and too many checks are waiting (429).
    TooManyChecks,
}

/// How a request was authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// No authentication is required.
    Anonymous,
    /// By a password, or by a client certificate of a known authority.
    Authenticated,
}

impl WebSecurity {
    /// No security settings: plain HTTP without authentication.
    pub fn open() -> WebSecurity {
        let active = ActiveSecurity {
            tls: None,
            terms: None,
            terms_number: 0,
            users: None,
            headers: Vec::new(),
            rate_limits: None,
        };
        WebSecurity {
            load: None,
            observer: Box::new(|_| ()),
            active: Mutex::new(Arc::new(active)),
            watched: Mutex::default(),
            terms_number: watch::Sender::new(0),
        }
    }

    /// The settings of `load`, now and after each change. `observer` is called after each load.
    ///
    /// # Errors
    /// If they cannot be loaded now: a server must not start without its configured protection.
    pub fn new(load: LoadFunction, observer: LoadObserver) -> Result<WebSecurity, String> {
        let LoadedSecurity { files, result } = load();
        let security = WebSecurity::open();
        let active = ActiveSecurity::new(result?, &security.active())?;
        observer(true);
        Ok(WebSecurity {
            load: Some(load),
            observer,
            terms_number: watch::Sender::new(active.terms_number),
            active: Mutex::new(Arc::new(active)),
            watched: Mutex::new(Watched { files, weaker_since: None }),
        })
    }

    /// Loads the settings again if a file changed, or always if `always` is set. It blocks while it reads files.
    ///
    /// # Errors
    /// If the settings cannot be used, or not yet; the error was logged.
    pub fn refresh(&self, always: bool) -> Result<(), String> {
        self.refresh_at(always, Instant::now())
    }

    fn refresh_at(&self, always: bool, now: Instant) -> Result<(), String> {
        let Some(load) = &self.load else { return Ok(()) };
        let mut watched = lock(&self.watched);
        let is_due = |since: Instant| now.saturating_duration_since(since) >= CHECK_INTERVAL;
        if !always && !watched.weaker_since.is_some_and(is_due) && watched.files.iter().all(FileStamp::is_current) {
            return Ok(());
        }
        let loaded = load();
        let weaker_since = watched.weaker_since.filter(|_| loaded.files == watched.files);
        *watched = Watched { files: loaded.files, weaker_since: None };
        let result = loaded.result.and_then(|settings| {
            let weakness = self.active().weakness_of(&settings)?;
            if let Some(what) = weakness
                && !weaker_since.is_some_and(is_due)
            {
                watched.weaker_since = weaker_since.or(Some(now));
                return Err(format!("{what}: this is used only when the files stay the same for a second"));
            }
            self.replace(settings, weakness)
        });
        (self.observer)(result.is_ok());
        if let Err(error) = &result {
            tracing::error!("Web configuration not reloaded, the old settings stay in force: {error}");
        }
        result
    }

    fn replace(&self, settings: SecuritySettings, weakness: Option<&str>) -> Result<(), String> {
        let old = self.active();
        let new = ActiveSecurity::new(settings, &old)?;
        let terms_number = new.terms_number;
        *lock(&self.active) = Arc::new(new);
        match weakness {
            None => tracing::info!("Web configuration reloaded"),
            Some(what) => tracing::warn!("Web configuration reloaded with weaker settings: {what}"),
        }
        if terms_number != old.terms_number {
            tracing::info!("Settings of client certificates changed, connections from before are closed");
        }
        // After the settings themselves, so that a connection that took the old settings before is notified.
        self.terms_number.send_replace(terms_number);
        Ok(())
    }

    /// Checks once a second for changed files, while it is polled.
    pub async fn watch_files(self: Arc<Self>) {
        while self.load.is_some() {
            tokio::time::sleep(CHECK_INTERVAL).await;
            let security = Arc::clone(&self);
            // An error was logged; after a panic, which the panic hook reports, the next check still runs.
            let _ = tokio::task::spawn_blocking(move || security.refresh(false)).await;
        }
    }

    /// The currently active settings.
    pub fn active(&self) -> Arc<ActiveSecurity> {
        Arc::clone(&lock(&self.active))
    }

    /// Waits until a connection that was accepted under `accepted` must be closed, because the requirements for client
    /// certificates changed.
    pub async fn superseded(self: Arc<Self>, accepted: Arc<ActiveSecurity>) {
        // An error means that the sender was dropped, which cannot happen while this function runs.
        let _ = self.terms_number.subscribe().wait_for(|number| *number != accepted.terms_number).await;
    }
}

impl ActiveSecurity {
    fn new(settings: SecuritySettings, old: &ActiveSecurity) -> Result<ActiveSecurity, String> {
        let terms = settings.tls.as_ref().map(|tls| tls.terms().clone());
        let terms_number = if terms == old.terms { old.terms_number } else { old.terms_number + 1 };
        Ok(ActiveSecurity {
            tls: settings.tls.map(|tls| tls.config()),
            terms,
            terms_number,
            users: Users::new(settings.users, old.users.as_deref())?.map(Arc::new),
            headers: settings.headers,
            rate_limits: settings.rate_limit.map(RateLimits::new),
        })
    }

    /// The requirements of `new` that are weaker than those of these settings.
    ///
    /// # Errors
    /// If only a restart may apply the change: a file that is being written may be briefly empty, and an empty file
    /// means no protection.
    fn weakness_of(&self, new: &SecuritySettings) -> Result<Option<&'static str>, String> {
        let removed = [
            (self.tls.is_some() && new.tls.is_none(), "tls_server_config"),
            (self.users.is_some() && new.users.is_empty(), "basic_auth_users"),
        ];
        if let Some((_, what)) = removed.into_iter().find(|(removed, _)| *removed) {
            return Err(format!("{what} is gone: removing protection needs a restart"));
        }
        let terms = self.terms.as_ref().zip(new.tls.as_ref().map(Tls::terms));
        let weaker_terms = terms.and_then(|(old, new)| new.weakness_against(old));
        let no_limit = self.rate_limits.is_some() && new.rate_limit.is_none();
        Ok(weaker_terms.or(no_limit.then_some("rate_limit is gone")))
    }

    /// The TLS configuration of the next connection; `None` for plain HTTP.
    pub fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.clone()
    }

    /// Whether requests without authentication are answered over plain HTTP.
    pub fn is_open(&self) -> bool {
        self.tls.is_none() && self.users.is_none()
    }

    /// Whether a connection that was accepted under `accepted` is still valid under these settings.
    pub fn accepts_connections_of(&self, accepted: &ActiveSecurity) -> bool {
        self.terms_number == accepted.terms_number
    }

    /// Checks whether a request with these headers, from this address, is allowed.
    ///
    /// # Errors
    /// The reason for the refusal.
    pub async fn authenticate(&self, headers: &HeaderMap, address: IpAddr) -> Result<Access, Denial> {
        let (limits, peer, now) = (self.rate_limits.as_ref(), address.into(), Instant::now());
        let within = |allowed: bool| if allowed { Ok(()) } else { Err(Denial::RateLimited) };
        let take_authenticated = || within(limits.is_none_or(|limits| limits.take_authenticated(now)));
        let take_other = || within(limits.is_none_or(|limits| limits.take_other(peer, now)));
        let Some(users) = &self.users else {
            take_authenticated()?;
            let verified = self.terms.as_ref().is_some_and(|terms| terms.auth == ClientAuth::RequireAndVerify);
            return Ok(if verified { Access::Authenticated } else { Access::Anonymous });
        };
        match users.recall(headers.get(AUTHORIZATION)) {
            Recalled::Right => take_authenticated()?,
            Recalled::Wrong => {
                take_other()?;
                return Err(Denial::Unauthenticated);
            }
            Recalled::Unknown(credentials) => {
                take_other()?;
                match users.check(credentials, peer).await {
                    Ok(true) => {}
                    Ok(false) => return Err(Denial::Unauthenticated),
                    Err(TooManyChecks) => return Err(Denial::TooManyChecks),
                }
            }
        }
        Ok(Access::Authenticated)
    }

    /// The user of a request that was authenticated; `None` if no users are configured.
    pub fn user(&self, headers: &HeaderMap) -> Option<String> {
        self.users.as_ref()?;
        crate::password::user_of(headers.get(AUTHORIZATION)?)
    }

    /// Counts a request that needs no user against the rate limit of its address.
    ///
    /// # Errors
    /// [`Denial::RateLimited`] beyond the limit.
    pub fn admit_other(&self, address: IpAddr) -> Result<(), Denial> {
        let is_within =
            self.rate_limits.as_ref().is_none_or(|limits| limits.take_other(address.into(), Instant::now()));
        if is_within { Ok(()) } else { Err(Denial::RateLimited) }
    }

    /// Adds the configured headers to an answer and replaces those of the same name.
    pub fn add_headers(&self, answer: &mut HeaderMap) {
        for ExtraHeader { name, value } in &self.headers {
            answer.insert(name.clone(), value.clone());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic leaves no value half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
