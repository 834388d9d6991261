//! The security settings in force, and their reload while the server runs.
//!
//! The settings come from files: the web configuration, certificates, keys. Once a second their times and sizes are compared;
//! only after a change they are read. Settings that cannot be used are refused whole and the old ones stay in force.
//!
//! Never here: the format of the files, an HTTP server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, HeaderMap};
use rustls::ServerConfig;

use crate::file::FileStamp;
use crate::password::Users;
use crate::rate_limit::Bucket;
use crate::settings::{ExtraHeader, SecuritySettings};

/// Between two checks of the files.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Loads the settings. It may block, and is called on a thread where that is allowed.
pub type LoadFunction = Box<dyn Fn() -> LoadedSecurity + Send + Sync>;

/// Is called after each load with whether the settings could be used.
pub type LoadObserver = Box<dyn Fn(bool) + Send + Sync>;

/// Settings that were loaded, or why they cannot be used.
pub struct LoadedSecurity {
    /// All files that the settings depend on, each as it was before it was read: a change is a reason to load again.
    pub files: Vec<FileStamp>,
    /// The settings; the error is one or more sentences for the operator.
    pub result: Result<SecuritySettings, String>,
}

/// The security settings of a server, from its start to its end.
pub struct WebSecurity {
    /// `None` for a server without security settings.
    load: Option<LoadFunction>,
    observer: LoadObserver,
    active: Mutex<Arc<ActiveSecurity>>,
    files: Mutex<Vec<FileStamp>>,
}

/// The settings in force, with what is needed to apply them.
pub struct ActiveSecurity {
    tls: Option<Arc<ServerConfig>>,
    users: Option<Arc<Users>>,
    headers: Vec<ExtraHeader>,
    bucket: Option<Mutex<Bucket>>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// It names no user, or the wrong password (401).
    Unauthenticated,
    /// It exceeds the rate limit (429).
    RateLimited,
}

impl WebSecurity {
    /// No security settings: plain HTTP for everybody.
    pub fn open() -> WebSecurity {
        let active = ActiveSecurity { tls: None, users: None, headers: Vec::new(), bucket: None };
        WebSecurity {
            load: None,
            observer: Box::new(|_| ()),
            active: Mutex::new(Arc::new(active)),
            files: Mutex::default(),
        }
    }

    /// The settings that `load` loads, now and after each change. `observer` is called after each load.
    ///
    /// # Errors
    /// When they cannot be loaded now: a server that should be protected must not start without protection.
    pub fn new(load: LoadFunction, observer: LoadObserver) -> Result<WebSecurity, String> {
        let LoadedSecurity { files, result } = load();
        let active = ActiveSecurity::new(result?)?;
        observer(true);
        Ok(WebSecurity { load: Some(load), observer, active: Mutex::new(Arc::new(active)), files: Mutex::new(files) })
    }

    /// Loads the settings again if a file changed, or in any case when `always`. It blocks while it reads files.
    ///
    /// # Errors
    /// When the settings cannot be used; the error was logged.
    pub fn refresh(&self, always: bool) -> Result<(), String> {
        let Some(load) = &self.load else { return Ok(()) };
        let mut files = lock(&self.files);
        if !always && files.iter().all(FileStamp::is_current) {
            return Ok(());
        }
        let loaded = load();
        *files = loaded.files;
        let result = loaded.result.and_then(|settings| self.replace(settings));
        (self.observer)(result.is_ok());
        match &result {
            Ok(()) => tracing::info!("Web configuration reloaded"),
            Err(error) => tracing::error!("Web configuration not reloaded, the old settings stay in force: {error}"),
        }
        result
    }

    /// Looks for changed files once a second, for as long as it is polled.
    pub async fn watch_files(self: Arc<Self>) {
        while self.load.is_some() {
            tokio::time::sleep(CHECK_INTERVAL).await;
            let security = Arc::clone(&self);
            // An error was logged; after a panic, which the panic hook reports, the next check comes all the same.
            let _ = tokio::task::spawn_blocking(move || security.refresh(false)).await;
        }
    }

    /// The settings in force at this moment.
    pub fn active(&self) -> Arc<ActiveSecurity> {
        Arc::clone(&lock(&self.active))
    }

    /// A file that is being written may be empty for a moment, and an empty file means no protection. So protection can be
    /// changed while the server runs, but not removed.
    fn replace(&self, settings: SecuritySettings) -> Result<(), String> {
        let old = self.active();
        let lost = [
            (old.tls.is_some() && settings.tls.is_none(), "tls_server_config"),
            (old.users.is_some() && settings.users.is_empty(), "basic_auth_users"),
        ];
        if let Some((_, what)) = lost.into_iter().find(|(lost, _)| *lost) {
            return Err(format!("{what} is gone: removing protection needs a restart"));
        }
        *lock(&self.active) = Arc::new(ActiveSecurity::new(settings)?);
        Ok(())
    }
}

impl ActiveSecurity {
    fn new(settings: SecuritySettings) -> Result<ActiveSecurity, String> {
        Ok(ActiveSecurity {
            tls: settings.tls.map(|tls| tls.config()),
            users: Users::new(settings.users)?.map(Arc::new),
            headers: settings.headers,
            bucket: settings.rate_limit.map(|limit| Mutex::new(Bucket::new(limit))),
        })
    }

    /// The TLS configuration of the next connection; `None` for plain HTTP.
    pub fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.clone()
    }

    /// Checks whether a request with these headers may be answered.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn authenticate(&self, header: &HeaderMap) -> Result<(), Denial> {
        if let Some(bucket) = &self.bucket
            && !lock(bucket).take(Instant::now())
        {
            return Err(Denial::RateLimited);
        }
        match &self.users {
            Some(users) if !users.authenticate(header.get(AUTHORIZATION)).await => Err(Denial::Unauthenticated),
            _ => Ok(()),
        }
    }

    /// Adds the configured headers to an answer; they replace those of the same name.
    pub fn add_headers(&self, answer: &mut HeaderMap) {
        for ExtraHeader { name, value } in &self.headers {
            answer.insert(name.clone(), value.clone());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No value here is left half changed by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
