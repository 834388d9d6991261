//! Who gets in: the protection of the server as it is in force, and how it changes while the server runs.
//!
//! What it is made of stands in files: the web configuration, certificates, keys. A look at their times each second says
//! whether one changed; only then they are read. What cannot be used is refused whole and the old stays in force.
//!
//! Reading order: `settings` is what is protected, `tls` and `client` the encryption, `password` and `rate` what is asked of
//! each request.
//!
//! Never here: what the files look like (`config`), what is served.

mod client;
mod password;
mod rate;
pub mod settings;
mod tls;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hyper::header::{AUTHORIZATION, HeaderMap};
use rustls::ServerConfig;

use crate::web::guard::password::Users;
use crate::web::guard::rate::Bucket;
use crate::web::guard::settings::{ExtraHeader, Protection};
use crate::web::meters::Meters;

pub(super) use tls::HTTP2;

/// Between two looks at the files.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Reads the protection anew. Called on a thread that may be kept busy.
pub type ReadFunction = Box<dyn Fn() -> Reading + Send + Sync>;

/// What was read, or why nothing could be used.
pub struct Reading {
    /// All files that it depends on, each as it looked before it was read: a change is a reason to read again.
    pub files: Vec<Sight>,
    /// The protection; the error is one or more sentences for the operator.
    pub result: Result<Protection, String>,
}

/// Protects a server, from its start to its end.
pub struct Guard {
    /// `None` for a server that is not protected and never will be.
    read: Option<ReadFunction>,
    force: Mutex<Arc<Force>>,
    seen: Mutex<Vec<Sight>>,
    meters: Meters,
}

/// The protection in force, with what it needs to be so.
pub(super) struct Force {
    tls: Option<Arc<ServerConfig>>,
    users: Option<Arc<Users>>,
    headers: Vec<ExtraHeader>,
    bucket: Option<Mutex<Bucket>>,
}

/// A file as it looked at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    path: PathBuf,
    /// What changes when it is written or replaced: time, size, and on Unix which file it is. `None` where there is none.
    look: Option<(Option<SystemTime>, u64, u64)>,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// It names no user, or the wrong password.
    WhoAreYou,
    /// It is one too many.
    TooOften,
}

impl Guard {
    /// Keeps nobody out.
    pub fn open(meters: Meters) -> Guard {
        Guard { read: None, force: Mutex::new(Arc::new(Force::open())), seen: Mutex::default(), meters }
    }

    /// Protects by what `read` reads, now and later.
    ///
    /// # Errors
    /// When it cannot be read now: a server that should be protected does not start without.
    pub fn new(read: ReadFunction, meters: Meters) -> Result<Guard, String> {
        let mut guard = Guard::open(meters);
        let Reading { files, result } = read();
        guard.force = Mutex::new(Arc::new(Force::new(result?)?));
        guard.seen = Mutex::new(files);
        guard.meters.protection_read(true);
        guard.read = Some(read);
        Ok(guard)
    }

    /// Reads again if a file changed, or in any case when `always`. Waits for files: not for the threads of connections.
    ///
    /// # Errors
    /// When what was read cannot be used; it was logged.
    pub fn refresh(&self, always: bool) -> Result<(), String> {
        let Some(read) = &self.read else { return Ok(()) };
        let mut seen = lock(&self.seen);
        if !always && seen.iter().all(Sight::is_current) {
            return Ok(());
        }
        let Reading { files, result } = read();
        *seen = files;
        let result = result.and_then(|protection| self.take_over(protection));
        self.meters.protection_read(result.is_ok());
        match &result {
            Ok(()) => tracing::info!("the web configuration was read anew"),
            Err(error) => tracing::error!("the web configuration stays as it was: {error}"),
        }
        result
    }

    /// Looks after the files for as long as it is polled.
    pub(super) async fn keep(self: Arc<Self>) {
        while self.read.is_some() {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let guard = Arc::clone(&self);
            // A mistake was logged; a panic is told by the panic hook, and the next look comes all the same.
            let _ = tokio::task::spawn_blocking(move || guard.refresh(false)).await;
        }
    }

    /// The protection in force at this moment.
    pub(super) fn force(&self) -> Arc<Force> {
        Arc::clone(&lock(&self.force))
    }

    /// A file that is being written may be empty for a moment, and empty means open to everybody. So protection is changed
    /// while the server runs, but not taken away.
    fn take_over(&self, protection: Protection) -> Result<(), String> {
        let old = self.force();
        let lost = [
            (old.tls.is_some() && protection.tls.is_none(), "tls_server_config"),
            (old.users.is_some() && protection.users.is_empty(), "basic_auth_users"),
        ];
        if let Some((_, what)) = lost.into_iter().find(|(lost, _)| *lost) {
            return Err(format!("{what} is gone: that takes protection away, which needs a restart"));
        }
        *lock(&self.force) = Arc::new(Force::new(protection)?);
        Ok(())
    }
}

impl Force {
    fn open() -> Force {
        Force { tls: None, users: None, headers: Vec::new(), bucket: None }
    }

    fn new(protection: Protection) -> Result<Force, String> {
        Ok(Force {
            tls: protection.tls.map(|tls| tls.config()),
            users: Users::new(protection.users)?.map(Arc::new),
            headers: protection.headers,
            bucket: protection.rate_limit.map(|limit| Mutex::new(Bucket::new(limit))),
        })
    }

    /// How the next connection is encrypted.
    pub(super) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.clone()
    }

    /// Whether a request with this header may be answered.
    pub(super) async fn admit(&self, header: &HeaderMap) -> Result<(), Denial> {
        if let Some(bucket) = &self.bucket
            && !lock(bucket).take(Instant::now())
        {
            return Err(Denial::TooOften);
        }
        match &self.users {
            Some(users) if !users.admit(header.get(AUTHORIZATION)).await => Err(Denial::WhoAreYou),
            _ => Ok(()),
        }
    }

    /// Puts the configured headers into an answer; they win over ours.
    pub(super) fn dress(&self, answer: &mut HeaderMap) {
        for ExtraHeader { name, value } in &self.headers {
            answer.insert(name.clone(), value.clone());
        }
    }
}

impl Sight {
    /// How a file looks now.
    pub fn of(path: &Path) -> Sight {
        let look = std::fs::metadata(path).ok().map(|file| {
            #[cfg(unix)]
            let identity = std::os::unix::fs::MetadataExt::ino(&file);
            #[cfg(not(unix))]
            let identity = 0;
            (file.modified().ok(), file.len(), identity)
        });
        Sight { path: path.to_owned(), look }
    }

    fn is_current(&self) -> bool {
        Sight::of(&self.path) == *self
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is held here is left half done by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
