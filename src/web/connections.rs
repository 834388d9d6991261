//! The open connections, and the eviction of one when the limit is reached.
//!
//! A silent client can lose its own connection, but cannot keep others out: ten thousand silent connections evict each
//! other, and a scrape is answered between them.
//!
//! Never here: the protocol of a connection; its deadlines (`timeouts`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use crate::web::timeouts::ConnectionTimer;

/// Tasks of connections, each with its current state.
#[derive(Default)]
pub(super) struct Connections {
    tasks: JoinSet<()>,
    open: HashMap<Id, (Arc<ConnectionTimer>, AbortHandle)>,
}

impl Connections {
    /// Number of connections.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Adds a connection.
    pub(super) fn add(&mut self, clock: Arc<ConnectionTimer>, task: impl Future<Output = ()> + Send + 'static) {
        let handle = self.tasks.spawn(task);
        self.open.insert(handle.id(), (clock, handle));
    }

    /// Waits for the end of one; `None` if there is none. The caller handles its result.
    pub(super) async fn next_end(&mut self) -> Option<Result<(), JoinError>> {
        let ended = self.tasks.join_next_with_id().await?;
        let (id, ended) = match ended {
            Ok((id, ())) => (id, Ok(())),
            Err(error) => (error.id(), Err(error)),
        };
        self.open.remove(&id);
        Some(ended)
    }

    /// Closes the connection with the lowest rank. Returns whether there was one that does not wait for a response; it
    /// counts until its end was handled.
    pub(super) fn evict_one(&mut self) -> bool {
        let now = Instant::now();
        let standings = self.open.iter().filter_map(|(id, (clock, _))| Some((clock.standing(now)?, *id)));
        let Some((_, id)) = standings.min_by_key(|(standing, _)| *standing) else { return false };
        // No longer eligible; its task ends as soon as a thread runs it.
        self.open.remove(&id).is_some_and(|(_, handle)| {
            handle.abort();
            true
        })
    }

    /// Closes all of them.
    pub(super) async fn close_all(&mut self) {
        self.tasks.shutdown().await;
        self.open.clear();
    }
}
