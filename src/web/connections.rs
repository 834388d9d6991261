//! The connections that are open, and whose place a newcomer gets when all are taken.
//!
//! A client that says nothing costs itself its place, not those who come after it: ten thousand silent connections push each
//! other out, and a scrape is answered between them.
//!
//! Never here: what is said on a connection; how long it may take (`deadline`).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use crate::web::timeouts::ConnectionTimer;

/// Tasks of connections, each with what it does at the moment.
#[derive(Default)]
pub(super) struct Connections {
    tasks: JoinSet<()>,
    open: HashMap<Id, (Arc<ConnectionTimer>, AbortHandle)>,
}

impl Connections {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Lets a connection in.
    pub(super) fn add(&mut self, clock: Arc<ConnectionTimer>, task: impl Future<Output = ()> + Send + 'static) {
        let handle = self.tasks.spawn(task);
        self.open.insert(handle.id(), (clock, handle));
    }

    /// Waits for the end of one; `None` when there is none. How it ended is for the caller to note.
    pub(super) async fn next_end(&mut self) -> Option<Result<(), JoinError>> {
        let ended = self.tasks.join_next_with_id().await?;
        let (id, ended) = match ended {
            Ok((id, ())) => (id, Ok(())),
            Err(error) => (error.id(), Err(error)),
        };
        self.open.remove(&id);
        Some(ended)
    }

    /// Closes the connection that is missed the least. Returns whether there was one that waits for nothing of ours; it counts
    /// until its end was noted.
    pub(super) fn evict_one(&mut self) -> bool {
        let now = Instant::now();
        let standings = self.open.iter().filter_map(|(id, (clock, _))| Some((clock.standing(now)?, *id)));
        let Some((_, id)) = standings.min_by_key(|(standing, _)| *standing) else { return false };
        // Out of the choice at once; its task ends as soon as a thread has time for it.
        self.open.remove(&id).is_some_and(|(_, handle)| {
            handle.abort();
            true
        })
    }

    /// Ends all of them.
    pub(super) async fn close_all(&mut self) {
        self.tasks.shutdown().await;
        self.open.clear();
    }
}
