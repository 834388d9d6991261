//! The masternodes of a network that a page shows within the series limit, and their label text.
//!
//! Never here: values.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::catalog::Tier;
use crate::metrics::gzip::CodedIdentities;
use crate::metrics::info::{self, Facts};
use crate::metrics::labels::{self, LabelArena};
use crate::metrics::masternode::{self, Row};
use crate::metrics::payees;
use crate::metrics::{MetricsSettings, Others};
use domain::probe::Probes;
use domain::{MasternodeId, Risk, Snapshot};

/// One network on a page: its snapshot, its shown masternodes, and their label text.
pub struct NetworkPage {
    snapshot: Arc<Snapshot>,
    places: Vec<Place>,
    /// Which of the places are of watched masternodes.
    watched_places: Vec<u32>,
    names: Arc<LabelArena>,
    /// The identities in `names` as bits, once a compressed page is requested.
    identities: Arc<OnceLock<CodedIdentities>>,
    infos: Arc<LabelArena>,
    /// Results of the probes of its watched masternodes.
    probes: Arc<Probes>,
    /// Position of the identity in a name.
    identity_start: usize,
    lean: usize,
    left_out: usize,
}

/// The remaining number of per-masternode samples.
#[derive(Clone, Copy, Debug)]
pub struct SeriesBudget {
    /// Of watched masternodes.
    pub watched: usize,
    /// Of others.
    pub lean: usize,
}

impl SeriesBudget {
    /// Divides the limit: first for the watched masternodes of all networks, then for the others.
    pub fn new<'a>(settings: &MetricsSettings, snapshots: impl Iterator<Item = &'a Arc<Snapshot>>) -> SeriesBudget {
        let of = |snapshot: &Arc<Snapshot>| snapshot.watched().len() * samples_each(settings, snapshot).1;
        let watched = snapshots.map(of).sum::<usize>();
        SeriesBudget { watched: settings.series_limit, lean: settings.series_limit.saturating_sub(watched) }
    }

    /// The remainder after a page.
    pub(super) fn after(self, page: &NetworkPage, settings: &MetricsSettings) -> SeriesBudget {
        let [(_, lean), (_, watched)] = page.samples(settings);
        SeriesBudget { watched: self.watched.saturating_sub(watched), lean: self.lean.saturating_sub(lean) }
    }
}

/// A masternode of a page: its index in the list and among the watched ones.
#[derive(Clone, Copy)]
struct Place {
    index: Option<u32>,
    watched: Option<u32>,
}

impl NetworkPage {
    /// Selects the shown masternodes within the limit.
    pub fn new(
        snapshot: Arc<Snapshot>,
        settings: &MetricsSettings,
        room: SeriesBudget,
        before: Option<&NetworkPage>,
    ) -> NetworkPage {
        let (per_lean, per_watched) = samples_each(settings, &snapshot);
        let watched = room.watched / per_watched;
        let lean_room = room.lean / per_lean;
        let mut places = Vec::new();
        let (mut lean, mut left_out) = (0, 0);
        let mut next_watched = snapshot.watched().iter().enumerate().peekable();
        for (index, entry) in snapshot.list().masternodes().iter().enumerate() {
            while let Some((position, _)) = next_watched.next_if(|(_, node)| node.watched.id < entry.id) {
                places.push(Place { index: None, watched: Some(position as u32) });
            }
            let is_watched = next_watched.next_if(|(_, node)| node.watched.id == entry.id);
            if let Some((position, _)) = is_watched.filter(|(position, _)| *position < watched) {
                places.push(Place { index: Some(index as u32), watched: Some(position as u32) });
            } else if is_watched.is_some() || shown(settings.others, &snapshot, index) {
                if lean < lean_room {
                    lean += 1;
                    places.push(Place { index: Some(index as u32), watched: None });
                } else {
                    left_out += per_lean;
                }
            }
        }
        places.extend(next_watched.map(|(position, _)| Place { index: None, watched: Some(position as u32) }));
        places.shrink_to_fit();
        let watched_places =
            (0..).zip(&places).filter(|(_, place)| place.watched.is_some()).map(|(at, _)| at).collect();
        let identity_start = labels::identity_start(snapshot.network());
        let page = NetworkPage {
            identity_start,
            snapshot,
            places,
            watched_places,
            names: Arc::default(),
            identities: Arc::default(),
            infos: Arc::default(),
            probes: Arc::default(),
            lean,
            left_out,
        };
        let places_before = before.map(|before| page.places_before(before)).unwrap_or_default();
        let same = |at: usize, same: fn(&NetworkPage, usize, &NetworkPage, usize) -> bool| {
            let (before, then) = (before?, places_before[at]?);
            same(before, then as usize, &page, at).then_some(then as usize)
        };
        let same_name = |at| same(at, |before, then, page, at| before.alias(then) == page.alias(at));
        let names = LabelArena::of(page.places.len(), before.map(|page| &page.names), same_name, |at, out| {
            labels::write_name(page.network(), page.id(at), page.alias(at), out);
        });
        let same_facts = |at| same(at, |before, then, page, at| before.facts(then) == page.facts(at));
        let infos = LabelArena::of(page.places.len(), before.map(|page| &page.infos), same_facts, |at, out| {
            info::write(&page.facts(at), out);
        });
        let same_names = before.filter(|before| Arc::ptr_eq(&before.names, &names));
        let identities = same_names.map(|before| before.identities.clone()).unwrap_or_default();
        NetworkPage { names, identities, infos, ..page }
    }

    /// The place of each masternode on an earlier page.
    fn places_before(&self, before: &NetworkPage) -> Vec<Option<u32>> {
        // Both are ascending by identity.
        let mut then = 0;
        let place = |at: usize| {
            while then < before.places.len() {
                match before.id(then).cmp(self.id(at)) {
                    Ordering::Less => then += 1,
                    Ordering::Equal => return Some(then as u32),
                    Ordering::Greater => return None,
                }
            }
            None
        };
        (0..self.places.len()).map(place).collect()
    }

    /// The masternode at a place.
    pub(super) fn id(&self, at: usize) -> &MasternodeId {
        let place = &self.places[at];
        match (place.watched, place.index) {
            (Some(position), _) => &self.snapshot.watched()[position as usize].watched.id,
            (None, index) => &self.snapshot.list().masternodes()[index.unwrap_or(0) as usize].id,
        }
    }

    /// The groups of the masternode at a place; `None` if it is not watched.
    pub(super) fn groups(&self, at: usize) -> Option<&BTreeMap<String, String>> {
        let position = self.places[at].watched?;
        Some(&self.snapshot.watched()[position as usize].watched.groups)
    }

    fn alias(&self, at: usize) -> &str {
        self.places[at].watched.map_or("", |position| &self.snapshot.watched()[position as usize].watched.alias)
    }

    fn facts(&self, at: usize) -> Facts<'_> {
        let (snapshot, horizons, states, quorum_types) = (&*self.snapshot, &[], &[], &[]);
        let mut row = Row { snapshot, index: None, watched: None, horizons, states, quorum_types, probes: None };
        self.select_row(at, &mut row);
        info::facts(&row)
    }

    /// Moves `row` to a place.
    pub(super) fn select_row<'a>(&'a self, at: usize, row: &mut Row<'a>) {
        let place = &self.places[at];
        row.index = place.index;
        row.watched = place.watched.map(|position| &self.snapshot.watched()[position as usize]);
    }

    /// Number of places, or of places of watched masternodes.
    pub(super) fn length(&self, watched_only: bool) -> usize {
        if watched_only { self.watched_places.len() } else { self.places.len() }
    }

    /// The place of a masternode by its number, or by its number among the watched ones.
    pub(super) fn place(&self, number: usize, watched_only: bool) -> usize {
        if watched_only { self.watched_places[number] as usize } else { number }
    }

    /// The labels that identify the masternodes, closed, by place.
    pub(super) fn names(&self) -> &LabelArena {
        &self.names
    }

    /// Position of the identity in the labels of each masternode.
    pub(super) fn identity_start(&self) -> usize {
        self.identity_start
    }

    /// The identities as bits, by place; with the alias, if there is one.
    pub(super) fn identities(&self) -> &CodedIdentities {
        let identity = |at| {
            let name = labels::open(self.names.get(at));
            &name[self.identity_start..name.len() - labels::QUOTE.len()]
        };
        self.identities.get_or_init(|| CodedIdentities::new((0..self.places.len()).map(identity)))
    }

    /// Whether all labels are the same on another page.
    pub(super) fn has_labels_of(&self, other: &NetworkPage) -> bool {
        Arc::ptr_eq(&self.names, &other.names) && Arc::ptr_eq(&self.infos, &other.infos)
    }

    /// The other labels of `masternode_info` and the end of its line, by place.
    pub(super) fn infos(&self) -> &LabelArena {
        &self.infos
    }

    /// The same page with other probe results.
    pub(super) fn with_probes(self, probes: Arc<Probes>) -> NetworkPage {
        NetworkPage { probes, ..self }
    }

    /// Results of the probes of its watched masternodes.
    pub(super) fn probes(&self) -> &Probes {
        &self.probes
    }

    /// The selected masternodes.
    pub(super) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Upper bound of per-masternode samples of the page, by tier.
    pub(super) fn samples(&self, settings: &MetricsSettings) -> [(Tier, usize); 2] {
        let (per_lean, per_watched) = samples_each(settings, &self.snapshot);
        [(Tier::Lean, self.lean * per_lean), (Tier::Watched, self.watched_places.len() * per_watched)]
    }

    /// Name of the network.
    pub(super) fn network(&self) -> &str {
        self.snapshot.network()
    }

    /// Number of samples that the limit removed.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }
}

/// Maximum number of samples of an unwatched and of a watched masternode.
fn samples_each(settings: &MetricsSettings, snapshot: &Snapshot) -> (usize, usize) {
    let rules = snapshot.rules();
    let quorum_types = masternode::quorum_types([snapshot]);
    let most_payees = payees::most([snapshot]);
    let series = masternode::series(settings, &masternode::states([rules]), &quorum_types, most_payees);
    let (lean, watched): (Vec<_>, Vec<_>) =
        series.iter().filter(|series| (series.applies)(rules)).partition(|series| !series.watched_only);
    (lean.len() + 1, lean.len() + watched.len() + 1)
}

fn shown(others: Others, snapshot: &Snapshot, index: usize) -> bool {
    match others {
        Others::All => true,
        Others::Watched => false,
        Others::AtRisk => {
            matches!(snapshot.node(index).risk(), Risk::Decaying | Risk::OneFailureFromBan | Risk::Unhealthy)
        }
    }
}
