//! Masternodes: pages in a stable order, and all details of one.
//!
//! Never here: the JSON of a masternode (`json`).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::web::api::csv_table;
use crate::web::api::earnings;
use crate::web::api::json::{self, Subject};
use crate::web::api::parameters::{Format, MOST, Parameter, Parameters, choice, echo, label, name, whole};
use crate::web::api::selection::{self, Selection};
use crate::web::api::{AlertsOf, Api, ApiError, MAX_ALERTS, conflict, missing, unavailable, written};
use domain::NetworkState;
use domain::masternode::MasternodeId;
use domain::pose::Risk;
use domain::probe::Probe;
use domain::snapshot::{Snapshot, WatchedEntry};

/// Parameters of a page of masternodes.
pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter::NETWORK,
    Parameter::MASTERNODE,
    Parameter::ALIAS,
    Parameter::GROUP,
    Parameter::FORMAT,
    Parameter::many("state", "Filter by state. Can be repeated.", name),
    Parameter::many("risk", "Filter by risk of a ban. Can be repeated.", || label(&Risk::ALL.map(Risk::label))),
    Parameter::WATCHED,
    Parameter::once(
        "order",
        "danger: the closest to a ban first, after watched masternodes that are not in the list. id: ascending by network and identity.",
        || choice(&["danger", "id"]),
    ),
    Parameter::LIMIT,
    Parameter::once("after", "Cursor: the `next` of the previous page. Keep the other parameters unchanged.", || {
        let pattern = "^[0-5]\\.[0-9]{1,9}\\.[0-9]{1,9}\\.[0-9a-f]{64}(-[0-9]{1,9})?\\.[!-~]+$";
        json!({ "type": "string", "pattern": pattern })
    }),
];

/// A page of masternodes.
#[derive(Serialize, JsonSchema)]
pub(super) struct Masternodes<'a> {
    /// The block of each network to which the masternodes refer.
    networks: Vec<NetworkBlock<'a>>,
    /// Networks whose list is not known: their masternodes are not in the answer, the watched ones neither.
    unknown_networks: Vec<&'a str>,
    /// The masternodes.
    #[schemars(length(max = MOST))]
    masternodes: Vec<json::Masternode<'a>>,
    /// The value of `after` for the next page; null on the last page.
    next: Option<String>,
}

/// The block of a network to which a response refers.
#[derive(Serialize, JsonSchema)]
struct NetworkBlock<'a> {
    /// Name of the network in the configuration.
    network: &'a str,
    #[serde(flatten)]
    block: json::Block,
}

/// All details of a masternode, and the block to which they refer.
#[derive(Serialize, JsonSchema)]
pub(super) struct WholeMasternode<'a> {
    #[serde(flatten)]
    details: json::MasternodeDetails<'a>,
    #[serde(flatten)]
    block: json::Block,
    /// Its firing alerts, the most severe first.
    #[schemars(length(max = MAX_ALERTS))]
    alerts: Vec<json::Alert<'a>>,
    /// The result of the last probe; null if it was not probed.
    probe: Option<json::Probe<'a>>,
    /// The requirements of the network, each with the verdict from the best evidence.
    requirements: Vec<json::Requirement>,
    /// What it earned up to the tip, by period; null without a history, and if it cannot be read.
    earned: Option<Vec<json::EarnedPeriod>>,
}

#[derive(Clone, Copy)]
enum Order {
    /// The closest to a ban first.
    Danger,
    /// Ascending by network and identity.
    Id,
}

/// The position of a masternode in each order. The cursor contains all of it, so that the next page continues after it
/// even if the masternode has moved or is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place<'a> {
    danger: (u8, u32, u32),
    network: Cow<'a, str>,
    id: MasternodeId,
}

impl<'a> Place<'a> {
    fn of(subject: &Subject<'a>, id: MasternodeId) -> Place<'a> {
        Place { danger: subject.danger(), network: subject.snapshot.network().into(), id }
    }

    fn compare(&self, other: &Place<'_>, order: Order) -> Ordering {
        let by_id = || (&self.network, &self.id).cmp(&(&other.network, &other.id));
        match order {
            Order::Danger => other.danger.cmp(&self.danger).then_with(by_id),
            Order::Id => by_id(),
        }
    }

    fn text(&self) -> String {
        let (risk, safe, score) = self.danger;
        format!("{risk}.{safe}.{score}.{}.{}", self.id, self.network)
    }

    fn read(text: &str) -> Option<Place<'static>> {
        let mut parts = text.splitn(5, '.');
        let danger = (
            whole(parts.next()?).filter(|risk| *risk <= Subject::ABSENT)?,
            whole(parts.next()?)?,
            whole(parts.next()?)?,
        );
        let id = parts.next()?.parse().ok()?;
        let network = parts.next().filter(|network| !network.is_empty())?.to_string();
        Some(Place { danger, network: network.into(), id })
    }
}

/// Filters; an empty list matches everything.
struct Filter<'a> {
    selection: Selection<'a>,
    states: Vec<&'a str>,
    risks: Vec<Risk>,
}

impl Filter<'_> {
    fn read<'a>(
        parameters: &'a Parameters,
        networks: &[Arc<NetworkState>],
        snapshots: &[&Snapshot],
    ) -> Result<Filter<'a>, ApiError> {
        let risk = |text: &str| Risk::ALL.into_iter().find(|risk| risk.label() == text);
        let risks: Vec<&str> = Risk::ALL.iter().map(|risk| risk.label()).collect();
        let filter = Filter {
            selection: Selection::read(parameters, networks)?,
            states: parameters.all("state").collect(),
            risks: parameters.each("risk", &format!("one of {}", risks.join(", ")), risk)?,
        };
        filter.check_states(snapshots)?;
        Ok(filter)
    }

    /// An unknown name is an error, because an empty page would hide the mistake.
    fn check_states(&self, snapshots: &[&Snapshot]) -> Result<(), ApiError> {
        let unknown = domain::state::UNKNOWN.label;
        let mut known: Vec<&str> = snapshots
            .iter()
            .flat_map(|snapshot| snapshot.rules().states.iter().map(|state| state.label.as_ref()))
            .chain([unknown.as_ref()])
            .collect();
        known.sort_unstable();
        known.dedup();
        match self.states.iter().find(|state| !known.contains(*state)) {
            None => Ok(()),
            Some(state) => Err(missing(format!("unknown state {}; known: {}", echo(state), known.join(", ")))),
        }
    }

    fn passes(&self, id: &MasternodeId, subject: &Subject<'_>) -> bool {
        self.selection.has(id, subject.watched.map(|entry| &entry.watched))
            && (self.risks.is_empty() || subject.node.is_some_and(|node| self.risks.contains(&node.risk())))
            && (self.states.is_empty() || subject.state().is_some_and(|state| self.states.contains(&state.as_ref())))
    }
}

/// A page of masternodes.
pub(super) fn page(api: &Api, query: &str) -> Result<Bytes, ApiError> {
    let parameters = Parameters::read(query, PARAMETERS)?;
    let limit = parameters.limit()?;
    let order = parameters.choice("order", &[("danger", Order::Danger), ("id", Order::Id)])?;
    let format = parameters.format()?;
    let after = parameters.read_one("after", "the next of a page", Place::read)?.filter(|_| format == Format::Json);
    let most = if format == Format::Csv { usize::MAX } else { limit + 1 };
    let networks = api.chosen(&parameters)?;
    let snapshots = if format == Format::Csv { all_known(&networks)? } else { fresh(&networks)? };
    let filter = Filter::read(&parameters, &networks, &snapshots)?;
    let mut found: Vec<(Place<'_>, Subject<'_>)> = Vec::new();
    let chosen = |(id, subject): (MasternodeId, _)| {
        let place = Place::of(&subject, id);
        let follows = after.as_ref().is_none_or(|after| place.compare(after, order).is_gt());
        (follows && filter.passes(&id, &subject)).then_some((place, subject))
    };
    for snapshot in &snapshots {
        found.extend(all_absent(snapshot).filter_map(chosen));
        // The list is in order, so the page has no earlier and no later ones.
        let indices = in_order(snapshot, order);
        let subject = |index: &u32| listed(snapshot, *index);
        let is_before = |(id, subject): (MasternodeId, Subject<'_>)| {
            after.as_ref().is_some_and(|after| Place::of(&subject, id).compare(after, order).is_le())
        };
        let start = indices.partition_point(|index| is_before(subject(index)));
        found.extend(indices[start..].iter().map(subject).filter_map(chosen).take(most));
    }
    found.sort_unstable_by(|(one, _), (other, _)| one.compare(other, order));
    if format == Format::Csv {
        let table = csv_table::of_masternodes(found.iter().map(|(_, subject)| json::Masternode::new(subject)));
        return Ok(table.into());
    }
    let more = found.len() > limit;
    found.truncate(limit);
    written(&Masternodes {
        networks: snapshots.iter().map(|snapshot| NetworkBlock::new(snapshot)).collect(),
        unknown_networks: unknown(&networks),
        masternodes: found.iter().map(|(_, subject)| json::Masternode::new(subject)).collect(),
        next: found.last().filter(|_| more).map(|(place, _)| place.text()),
    })
}

/// Indices in the list of the masternodes that a snapshot shows.
fn in_order(snapshot: &Snapshot, order: Order) -> Cow<'_, [u32]> {
    let mut indices = Cow::Borrowed(snapshot.by_danger());
    if let Order::Id = order {
        indices.to_mut().sort_unstable();
    }
    indices
}

impl<'a> NetworkBlock<'a> {
    fn new(snapshot: &'a Snapshot) -> NetworkBlock<'a> {
        NetworkBlock { network: snapshot.network(), block: json::Block::new(snapshot) }
    }
}

/// All details of one masternode.
pub(super) fn one(api: &Api, id: &str, query: &str) -> Result<Bytes, ApiError> {
    let (_, networks, id) = asked(api, id, query, &[Parameter::NETWORK])?;
    let subject = only(&networks, &id)?;
    let probe = probe(&networks, subject.snapshot, &id);
    let firing = (api.alerts)(AlertsOf::Masternode(subject.snapshot.network(), &id), MAX_ALERTS);
    written(&WholeMasternode {
        details: json::MasternodeDetails::new(&subject),
        block: json::Block::new(subject.snapshot),
        alerts: json::Alert::all(&firing, &networks),
        probe: probe.map(json::Probe::new),
        requirements: json::Requirement::all(&subject, probe),
        earned: earnings::periods(api, subject.snapshot.network(), &id, subject.snapshot.block().time),
    })
}

/// What a request for one masternode asks for: the parameters, the networks, and the masternode.
pub(super) fn asked(
    api: &Api,
    id: &str,
    query: &str,
    known: &[Parameter],
) -> Result<(Parameters, Vec<Arc<NetworkState>>, MasternodeId), ApiError> {
    let parameters = Parameters::read(query, known)?;
    let networks = api.chosen(&parameters)?;
    let id = named(&networks, id, "")?;
    Ok((parameters, networks, id))
}

/// A part of a path without its percent-encoding; the characters that separate parameters mean themselves.
fn decoded(part: &str) -> String {
    let plain = part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(plain.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// The one masternode that a part of a path names, in the network of this name, or in any.
pub(in crate::web) fn named(
    networks: &[Arc<NetworkState>],
    name: &str,
    network: &str,
) -> Result<MasternodeId, ApiError> {
    let is_meant = |state: &&Arc<NetworkState>| network.is_empty() || *state.network == *network;
    let networks: Vec<Arc<NetworkState>> = networks.iter().filter(is_meant).cloned().collect();
    let found = selection::resolve(&networks, &decoded(name))?;
    match found.iter().any(|other| *other != found[0]) {
        false => Ok(found[0]),
        true => Err(conflict("several masternodes have this name: give the identity of one, or set network")),
    }
}

/// Watched masternodes of a network.
type Watched<'a> = (&'a Snapshot, Vec<(MasternodeId, Subject<'a>)>);

/// The watched masternodes that the parameters network, alias and group select, by network.
pub(super) fn watched<'a>(
    networks: &'a [Arc<NetworkState>],
    parameters: &Parameters,
) -> Result<Vec<Watched<'a>>, ApiError> {
    let snapshots = all_known(networks)?;
    let filter = Filter::read(parameters, networks, &snapshots)?;
    let of = |snapshot: &'a Snapshot| {
        let mut indices = snapshot.watched().iter().filter_map(|entry| Some(entry.index? as u32)).collect();
        snapshot.sort_by_danger(&mut indices);
        let watched = all_absent(snapshot).chain(indices.into_iter().map(|index| listed(snapshot, index)));
        (snapshot, watched.filter(|(id, subject)| filter.passes(id, subject)).collect())
    };
    Ok(snapshots.into_iter().map(of).collect())
}

/// The masternode in the one network that has it.
pub(super) fn only<'a>(networks: &'a [Arc<NetworkState>], id: &MasternodeId) -> Result<Subject<'a>, ApiError> {
    let mut found: Vec<Subject<'a>> = fresh(networks)?.into_iter().filter_map(|snapshot| find(snapshot, id)).collect();
    match found.as_slice() {
        [] if !unknown(networks).is_empty() => Err(not_known(&unknown(networks))),
        [] => Err(missing(format!("no masternode {id} is registered or watched"))),
        [_] => Ok(found.remove(0)),
        several => {
            let names: Vec<&str> = several.iter().map(|subject| subject.snapshot.network()).collect();
            Err(conflict(&format!(
                "the masternode is in several networks; set network to one of: {}",
                names.join(", ")
            )))
        }
    }
}

/// The last probe of a masternode. `None` if it was not probed.
pub(in crate::web) fn probe<'a>(
    networks: &'a [Arc<NetworkState>],
    snapshot: &Snapshot,
    id: &MasternodeId,
) -> Option<&'a Probe> {
    networks.iter().find(|network| *network.network == *snapshot.network())?.probes.as_ref()?.get(id)
}

/// The networks whose list is not known, or refuted.
fn unknown(networks: &[Arc<NetworkState>]) -> Vec<&str> {
    networks.iter().filter(|network| network.trusted().is_none()).map(|network| &*network.network).collect()
}

fn not_known(networks: &[&str]) -> ApiError {
    unavailable(&format!(
        "the list of {} is not known: choose another network, or ask again later",
        networks.join(", ")
    ))
}

/// The lists of these networks; an error if one is not known, for an answer that cannot say so.
fn all_known(networks: &[Arc<NetworkState>]) -> Result<Vec<&Snapshot>, ApiError> {
    let unknown = unknown(networks);
    if unknown.is_empty() { fresh(networks) } else { Err(not_known(&unknown)) }
}

/// The lists of these networks that are not refuted; an error if none has one.
fn fresh(networks: &[Arc<NetworkState>]) -> Result<Vec<&Snapshot>, ApiError> {
    let snapshots: Vec<&Snapshot> = networks.iter().filter_map(|network| network.trusted()).collect();
    if snapshots.is_empty() {
        Err(unavailable("no network has a fresh and trustworthy masternode list"))
    } else {
        Ok(snapshots)
    }
}

/// Watched masternodes that are not in the list, ascending by identity.
fn all_absent(snapshot: &Snapshot) -> impl Iterator<Item = (MasternodeId, Subject<'_>)> {
    let entries = snapshot.watched().iter().filter(|entry| entry.index.is_none());
    entries.map(move |entry| absent(snapshot, entry))
}

/// A watched masternode that is not in the list.
pub(in crate::web) fn absent<'a>(snapshot: &'a Snapshot, entry: &'a WatchedEntry) -> (MasternodeId, Subject<'a>) {
    (entry.watched.id, Subject { snapshot, node: None, watched: Some(entry) })
}

/// The masternode at this index of the list.
pub(in crate::web) fn listed(snapshot: &Snapshot, index: u32) -> (MasternodeId, Subject<'_>) {
    let node = snapshot.node(index as usize);
    let (id, watched) = (node.masternode.id, snapshot.watched());
    let entry = watched.binary_search_by(|entry| entry.watched.id.cmp(&id)).ok().map(|at| &watched[at]);
    (id, Subject { snapshot, node: Some(node), watched: entry })
}

/// The masternode with this identity, listed or watched.
pub(in crate::web) fn find<'a>(snapshot: &'a Snapshot, id: &MasternodeId) -> Option<Subject<'a>> {
    let watched = snapshot.watched().iter().find(|watched| watched.watched.id == *id);
    let is_seen = watched.is_some() || !snapshot.is_restricted();
    let node = snapshot.list().position(id).filter(|_| is_seen).map(|index| snapshot.node(index));
    (node.is_some() || watched.is_some()).then_some(Subject { snapshot, node, watched })
}
