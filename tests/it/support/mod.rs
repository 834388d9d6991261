//! What the scenarios share: a simulated network behind its servers with a follower on it, and a reader of pages.

pub(crate) mod samples;
pub(crate) mod stage;
