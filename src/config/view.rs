//! The section `web.views`: who sees which masternodes.
//!
//! Never here: users and their passwords, which are in the web configuration file; applying a view.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::files::{path, read_secret};
use crate::config::leaf::{FilePath, Flag, LabelText, List, Name, Text};
use crate::config::mistakes::{Place, required};
use crate::web::view::{View, ViewToken, Views};

/// Fewest characters of a token, so that it cannot be guessed.
const SHORTEST: usize = 20;

/// One view. As soon as one has users, a user without a view sees nothing.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
pub(super) struct ViewSection {
    /// Its name, for messages.
    name: Option<Name>,
    /// Users of the web configuration file who have it.
    users: List<Text>,
    /// File with the token of a read-only link: at least 20 letters, digits, `-` and `_`. Who has the link
    /// `/view/<token>/` needs no password.
    token_file: Option<FilePath>,
    /// Groups of the watch list, by their keys; all must match. Either these or `everything`.
    groups: BTreeMap<String, LabelText>,
    /// It shows everything, for those who operate the exporter, and for Prometheus.
    everything: Option<Flag>,
}

/// Checks the views.
pub(super) fn views(section: List<ViewSection>, at: &Place<'_>, home: Option<&Path>) -> Views {
    let mut views: Vec<View> = Vec::new();
    for (index, section) in section.each() {
        let at = at.index(index);
        let Some(name) = required(section.name, "name", &at) else { continue };
        let everything = section.everything.is_some_and(|everything| everything.0);
        let groups: BTreeMap<String, String> = section.groups.into_iter().map(|(key, group)| (key, group.0)).collect();
        if everything != groups.is_empty() {
            at.key("groups").error("give either groups, or everything: true");
        }
        let users: Vec<String> = section.users.each().map(|(_, user)| user.0).collect();
        for (index, user) in users.iter().enumerate() {
            if views.iter().any(|view| view.users.contains(user)) || users[..index].contains(user) {
                at.key("users").index(index).error(format_args!("user {user:?} has a view already"));
            }
        }
        let token_at = at.key("token_file");
        let token = section.token_file.and_then(|file| path(file, &token_at, home));
        let token = token.and_then(|file| token_in(&file, &token_at));
        if token.is_some() && views.iter().any(|view| view.token == token) {
            token_at.error("another view has the same token");
        }
        if users.is_empty() && token.is_none() && !at.is_refused("token_file") {
            at.error("nobody has it: give users, or token_file");
        }
        views.push(View { name: name.0, users, token, groups });
    }
    Views(views)
}

fn token_in(file: &Path, at: &Place<'_>) -> Option<ViewToken> {
    let text = read_secret(file, at)?;
    let is_plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_');
    if text.len() < SHORTEST || !is_plain {
        at.error(format_args!("{} holds no token: use at least {SHORTEST} letters, digits, - and _", file.display()));
        return None;
    }
    Some(ViewToken::new(&text))
}

/// Warnings about users: of a view and unknown, or known and without a view. Nothing without views of users.
pub(super) fn warnings(views: &Views, users: &[String]) -> Vec<String> {
    let named = || views.0.iter().flat_map(|view| &view.users);
    let unknown = named().filter(|user| !users.contains(user));
    let mut warnings: Vec<String> =
        unknown.map(|user| format!("web.views: {user:?} is no user of the web configuration file")).collect();
    if named().next().is_some() {
        let without = users.iter().filter(|user| !named().any(|named| named == *user));
        warnings.extend(without.map(|user| format!("web.views: user {user:?} has no view and sees nothing")));
    }
    warnings
}
