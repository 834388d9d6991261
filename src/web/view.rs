//! Who sees what: users and read-only links that are limited to groups of the watch list.
//!
//! As soon as one user is limited, every user must be named: one that is not sees nothing.
//!
//! Never here: checking a password; what a page shows of a masternode.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::web::api::{Alert, AlertsOf, Api, Firing, History};
use crate::web::handlers::LandingPage;
use crate::web::pages::RUNBOOKS;
use domain::NetworkState;
use domain::view::GroupFilter;

/// Path prefix of read-only links.
pub(super) const LINKS: &str = "/view/";

/// A view: what its users, or who has its link, may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its name in the configuration.
    pub name: String,
    /// The users of the web configuration file that have it.
    pub users: Vec<String>,
    /// The token of its link.
    pub token: Option<ViewToken>,
    /// The groups to which it is limited; all must match. Empty for everything.
    pub groups: GroupFilter,
}

/// The token of a link. Only its digest is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ViewToken([u8; 32]);

impl ViewToken {
    /// The token with this text.
    pub fn new(text: &str) -> ViewToken {
        ViewToken(Sha256::digest(text).into())
    }
}

impl std::fmt::Debug for ViewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ViewToken")
    }
}

/// All views.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Views(pub Vec<View>);

/// What a request may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Everything.
    Everything,
    /// The masternodes of these groups.
    Groups(GroupFilter),
    /// Nothing: a user without a view.
    Nothing,
}

impl Views {
    /// What an authenticated user may see; `None` for a request without a user.
    pub(super) fn of_user(&self, user: Option<&str>) -> Sight {
        if self.0.iter().all(|view| view.users.is_empty()) {
            return Sight::Everything;
        }
        let view = user.and_then(|user| self.0.iter().find(|view| view.users.iter().any(|name| name == user)));
        view.map_or(Sight::Nothing, View::sight)
    }

    /// What who has a link may see, and the rest of the path; `None` if the path is none of a link, or its token is unknown.
    pub(super) fn of_path<'a>(&self, path: &'a str) -> Option<(Sight, &'a str)> {
        let rest = path.strip_prefix(LINKS)?;
        let (token, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let token = ViewToken::new(token);
        let view = self.0.iter().find(|view| view.token.as_ref() == Some(&token))?;
        Some((view.sight(), path))
    }
}

impl View {
    fn sight(&self) -> Sight {
        if self.groups.is_empty() { Sight::Everything } else { Sight::Groups(self.groups.clone()) }
    }
}

/// The restricted states of the last request, by network: a state is restricted once for all readers of a view.
#[derive(Default)]
struct Restricted(Mutex<BTreeMap<String, StateAndView>>);

/// A state, and what is shown of it.
type StateAndView = (Arc<NetworkState>, Arc<NetworkState>);

impl Restricted {
    fn of(&self, state: &Arc<NetworkState>, filter: &GroupFilter) -> Arc<NetworkState> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&*state.network) {
            Some((whole, view)) if Arc::ptr_eq(whole, state) => view.clone(),
            _ => {
                let view = Arc::new(state.restricted(filter));
                known.insert(state.network.to_string(), (state.clone(), view.clone()));
                view
            }
        }
    }
}

/// The APIs of the readers that were served lately, by what they see and the prefix of their link.
#[derive(Default)]
pub(super) struct ReaderApis(Mutex<BTreeMap<Reader, Arc<Api>>>);

/// The groups to which a reader is limited, if it is, and the prefix of its link; empty without one.
type Reader = (Option<GroupFilter>, String);

/// Most of them; more than there are views only after reloads.
const MOST_APIS: usize = 1_000;

impl ReaderApis {
    /// The API as a reader sees it. `external_url` is the URL of the exporter for users.
    pub(super) fn api(&self, api: &Arc<Api>, sight: &Sight, prefix: &str, external_url: &str) -> Arc<Api> {
        let groups = match sight {
            Sight::Groups(groups) => Some(groups.clone()),
            Sight::Everything | Sight::Nothing => None,
        };
        if groups.is_none() && prefix.is_empty() {
            return api.clone();
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > MOST_APIS {
            known.clear();
        }
        let new = |(groups, prefix): &Reader| {
            let seen = groups.as_ref().map_or_else(|| api.clone(), |groups| Arc::new(restricted(api, groups)));
            if prefix.is_empty() { seen } else { Arc::new(by_link(&seen, prefix, external_url)) }
        };
        let reader = (groups, prefix.to_string());
        known.entry(reader.clone()).or_insert_with(|| new(&reader)).clone()
    }
}

/// The API as who has a link sees it: the runbooks that the exporter serves are below the link, which needs no password.
fn by_link(api: &Arc<Api>, prefix: &str, external_url: &str) -> Api {
    let (of_networks, of_alerts, of_history) = (api.clone(), api.clone(), api.clone());
    let (own, below) = (format!("{external_url}{RUNBOOKS}/"), format!("{external_url}{prefix}{RUNBOOKS}/"));
    Api {
        version: api.version.clone(),
        networks: Box::new(move || (of_networks.networks)()),
        alerts: Box::new(move |of, most| {
            let mut firing = (of_alerts.alerts)(of, most);
            for alert in &mut firing.alerts {
                if let Some(name) = alert.runbook_url.strip_prefix(&own) {
                    alert.runbook_url = format!("{below}{name}");
                }
            }
            firing
        }),
        history: history(&of_history),
        clock: api.clock,
        is_restricted: api.is_restricted,
    }
}

/// The history of another API.
fn history(api: &Arc<Api>) -> Option<History> {
    let whole = api.clone();
    api.history.as_ref().map(|history| History {
        path: history.path.clone(),
        up: Box::new(move || whole.history.as_ref().is_some_and(|history| (history.up)())),
        owner: history.owner.clone(),
    })
}

/// The frame of the pages of a reader: links begin with the prefix of its own link, and lead to metrics that it may see.
pub(super) fn landing(landing: &LandingPage, prefix: &str, sight: &Sight) -> LandingPage {
    let metrics_query = match sight {
        Sight::Groups(groups) => {
            let groups = groups.iter().map(|(key, group)| ("group", format!("{key}={group}")));
            format!("?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(groups).finish())
        }
        Sight::Everything | Sight::Nothing => landing.metrics_query.clone(),
    };
    LandingPage { path_prefix: format!("{}{prefix}", landing.path_prefix), metrics_query, ..landing.clone() }
}

/// The API as who is limited to these groups sees it.
fn restricted(api: &Arc<Api>, filter: &GroupFilter) -> Api {
    let restricted = Arc::new(Restricted::default());
    let states = {
        let (api, filter) = (api.clone(), filter.clone());
        move || -> Vec<Arc<NetworkState>> {
            (api.networks)().iter().map(|state| restricted.of(state, &filter)).collect()
        }
    };
    let (of_alerts, whole) = (states.clone(), api.clone());
    let groups = filter.clone();
    Api {
        version: api.version.clone(),
        networks: Box::new(states),
        alerts: Box::new(move |of, most| alerts(&whole, &of_alerts(), &groups, of, most)),
        history: history(api),
        clock: api.clock,
        is_restricted: true,
    }
}

/// The firing alerts about masternodes and groups that are shown, and about networks and sources, whose descriptions may
/// name other masternodes and are omitted.
fn alerts(api: &Api, states: &[Arc<NetworkState>], filter: &GroupFilter, of: AlertsOf<'_>, most: usize) -> Firing {
    let label = |alert: &Alert, name: &str| alert.labels.get(name).cloned().unwrap_or_default();
    let is_seen = |alert: &Alert| {
        let network = label(alert, "network");
        let state = states.iter().find(|state| *state.network == *network);
        match (alert.labels.get("masternode"), alert.labels.get("group_key")) {
            (Some(id), _) => state.is_some_and(|state| state.watched().iter().any(|seen| seen.id.to_string() == *id)),
            (None, Some(key)) => filter.get(key) == Some(&label(alert, "group")),
            (None, None) => state.is_some(),
        }
    };
    let mut found = (api.alerts)(of, usize::MAX).alerts;
    found.retain(is_seen);
    for alert in found.iter_mut().filter(|alert| !alert.labels.contains_key("masternode")) {
        alert.description.clone_from(&alert.summary);
    }
    let critical = found.iter().filter(|alert| alert.severity == "critical").count();
    let warning = found.len() - critical;
    found.truncate(most);
    Firing { critical, warning, alerts: found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_soon_as_one_user_is_limited_a_user_without_a_view_sees_nothing() {
        let view = |name: &str, user: &str, group: Option<&str>| View {
            name: name.into(),
            users: vec![user.into()],
            token: Some(ViewToken::new(&format!("token-of-{name}"))),
            groups: group.map(|group| ("customer".to_string(), group.to_string())).into_iter().collect(),
        };
        assert_eq!(Views::default().of_user(Some("anybody")), Sight::Everything);
        assert_eq!(Views::default().of_user(None), Sight::Everything);
        let views = Views(vec![view("acme", "ann", Some("acme")), view("us", "root", None)]);
        let acme = Sight::Groups([("customer".to_string(), "acme".to_string())].into());
        assert_eq!(views.of_user(Some("ann")), acme);
        assert_eq!(views.of_user(Some("root")), Sight::Everything);
        assert_eq!(views.of_user(Some("bob")), Sight::Nothing);
        assert_eq!(views.of_user(None), Sight::Nothing);
        for (path, rest) in
            [("/view/token-of-acme", "/"), ("/view/token-of-acme/", "/"), ("/view/token-of-acme/a/b", "/a/b")]
        {
            assert_eq!(views.of_path(path), Some((acme.clone(), rest)), "{path}");
        }
        for path in ["/", "/view", "/view/", "/view/token-of-acm", "/view/token-of-acmee/", "/xview/token-of-acme/"] {
            assert_eq!(views.of_path(path), None, "{path}");
        }
        let links = Views(vec![View { users: vec![], ..view("acme", "", Some("acme")) }]);
        assert_eq!(links.of_user(None), Sight::Everything, "links limit no user");
    }
}
