//! Writes the samples of snapshots out, family by family, in pieces of any size.
//!
//! Nothing is allocated on the way but the growth of the buffer, and nothing is computed twice: the labels of a
//! masternode are text already.
//!
//! Never here: who asked, or whether the text is kept.

use std::sync::Arc;

use crate::domain::{ChainRules, MasternodeId, Risk, Snapshot};
use crate::metrics::catalog::{self, Family, Kind, Tier};
use crate::metrics::head::head;
use crate::metrics::info::{self, Facts};
use crate::metrics::labels::{self, Name, Texts};
use crate::metrics::masternode::{self, NodeSeries, Row};
use crate::metrics::network::NETWORK_FAMILIES;
use crate::metrics::{Others, Settings};

/// The two text formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The value of the header `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Which part of the masternodes a page shows: those whose hash falls to `index` of `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0 up to `total`, that excluded. Networks and groups are on shard 0 only.
    pub index: u32,
    /// How many shards there are.
    pub total: u32,
}

impl Shard {
    fn has(&self, id: &MasternodeId) -> bool {
        let hash = &id.hash().0;
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % self.total == self.index
    }
}

/// What of a page is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Families by name; empty for all.
    pub families: Vec<String>,
    /// One part of the masternodes.
    pub shard: Option<Shard>,
}

impl Filter {
    /// Everything is shown.
    pub fn is_empty(&self) -> bool {
        self.families.is_empty() && self.shard.is_none()
    }

    fn shows(&self, family: &Family) -> bool {
        self.families.is_empty() || self.families.iter().any(|name| name == family.name)
    }
}

/// One network on a page: its snapshot, whom it shows, and their label text.
pub struct NetworkPage {
    snapshot: Arc<Snapshot>,
    places: Vec<Place>,
    /// Which of the places are of watched masternodes.
    watched_places: Vec<u32>,
    names: Arc<Texts<Name>>,
    infos: Arc<Texts<Option<Facts>>>,
    lean: usize,
    left_out: usize,
}

/// How many samples of single masternodes may still be shown.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Of watched masternodes.
    pub watched: usize,
    /// Of others.
    pub lean: usize,
}

impl Room {
    /// The room that the limit leaves: first for the watched masternodes of all networks, then for the others.
    pub fn new<'a>(settings: &Settings, snapshots: impl Iterator<Item = &'a Arc<Snapshot>>) -> Room {
        let of = |snapshot: &Arc<Snapshot>| snapshot.watched().len() * samples_each(settings, snapshot.rules()).1;
        let watched = snapshots.map(of).sum::<usize>();
        Room { watched: settings.series_limit, lean: settings.series_limit.saturating_sub(watched) }
    }

    /// What is left of it after a page.
    pub(super) fn after(self, page: &NetworkPage, settings: &Settings) -> Room {
        let [(_, lean), (_, watched)] = page.samples(settings);
        Room { watched: self.watched.saturating_sub(watched), lean: self.lean.saturating_sub(lean) }
    }
}

/// A masternode of a page: its place in the list and among the watched.
#[derive(Clone, Copy)]
struct Place {
    index: Option<u32>,
    watched: Option<u32>,
}

impl NetworkPage {
    /// Chooses whom to show, as far as there is room.
    pub fn new(snapshot: Arc<Snapshot>, settings: &Settings, room: Room, before: Option<&NetworkPage>) -> NetworkPage {
        let (per_lean, per_watched) = samples_each(settings, snapshot.rules());
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
        let keys = places.iter().map(|place| name(&snapshot, place)).collect();
        let names = Texts::of(keys, before.map(|page| &page.names), |name, out| {
            labels::write_name(snapshot.network(), name, out);
        });
        let facts = places.iter().map(|place| info::facts(&row(&snapshot, place, &[], &[]))).collect();
        let infos = Texts::of(facts, before.map(|page| &page.infos), info::write);
        NetworkPage { snapshot, places, watched_places, names, infos, lean, left_out }
    }

    /// Most samples of single masternodes that the page can have, by tier.
    pub(super) fn samples(&self, settings: &Settings) -> [(Tier, usize); 2] {
        let (per_lean, per_watched) = samples_each(settings, self.snapshot.rules());
        [(Tier::Lean, self.lean * per_lean), (Tier::Watched, self.watched_places.len() * per_watched)]
    }

    /// Name of the network.
    pub(super) fn network(&self) -> &str {
        self.snapshot.network()
    }

    /// Samples that the limit kept off the page.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }
}

fn row<'a>(snapshot: &'a Snapshot, place: &Place, horizons: &'a [(String, u64)], states: &'a [String]) -> Row<'a> {
    Row {
        snapshot,
        node: place.index.map(|index| snapshot.node(index as usize)),
        watched: place.watched.map(|position| &snapshot.watched()[position as usize]),
        horizons,
        states,
    }
}

/// Most samples of a masternode that is not watched, and of one that is.
fn samples_each(settings: &Settings, rules: &ChainRules) -> (usize, usize) {
    let series = masternode::series(settings, &states([rules]));
    let (lean, watched): (Vec<_>, Vec<_>) =
        series.iter().filter(|series| (series.applies)(rules)).partition(|series| !series.watched_only);
    (lean.len() + 1, lean.len() + watched.len() + 1)
}

/// The states of these chains, each once.
fn states<'a>(chains: impl IntoIterator<Item = &'a ChainRules>) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for state in chains.into_iter().flat_map(|rules| rules.states.iter()) {
        if !labels.iter().any(|label| *label == state.label) {
            labels.push(state.label.to_string());
        }
    }
    labels
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

fn name(snapshot: &Snapshot, place: &Place) -> Name {
    match (place.watched, place.index) {
        (Some(position), _) => {
            let watched = &snapshot.watched()[position as usize].watched;
            (watched.id, watched.alias.clone())
        }
        (None, index) => (snapshot.list().masternodes()[index.unwrap_or(0) as usize].id, String::new()),
    }
}

/// All networks with the settings that hold for them: everything that a page needs.
pub struct Sheet {
    pub(super) settings: Settings,
    pub(super) networks: Vec<Arc<NetworkPage>>,
    states: Vec<String>,
    series: Vec<NodeSeries>,
}

/// How far a page is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    stage: usize,
    network: usize,
    place: usize,
    /// The head of the family stands already.
    headed: bool,
}

impl Sheet {
    /// A sheet of these networks, ascending by name.
    pub fn new(settings: Settings, networks: Vec<Arc<NetworkPage>>) -> Sheet {
        let states = states(networks.iter().map(|page| page.snapshot.rules()));
        Sheet { series: masternode::series(&settings, &states), states, settings, networks }
    }

    /// About how many bytes the whole page has.
    pub fn size_estimate(&self) -> usize {
        let samples =
            |page: &Arc<NetworkPage>| page.samples(&self.settings).iter().map(|(_, count)| count).sum::<usize>();
        self.networks.iter().map(samples).sum::<usize>() * 160
    }

    /// Appends the next part of the page: whole lines, until `out` is `full` bytes long or the page ends. Returns
    /// whether there is more.
    pub fn write(&self, format: Format, filter: &Filter, cursor: &mut Cursor, full: usize, out: &mut Vec<u8>) -> bool {
        if cursor.stage == 0 {
            self.write_networks(format, filter, out);
            cursor.stage = 1;
        }
        while cursor.stage <= self.series.len() + 1 {
            let more = match cursor.stage {
                1 => self.write_info(format, filter, cursor, full, out),
                stage => self.write_series(&self.series[stage - 2], format, filter, cursor, full, out),
            };
            if more {
                return true;
            }
            let family =
                |stage: usize| stage.checked_sub(2).and_then(|at| self.series.get(at)).map(|series| series.family.name);
            let goes_on = family(cursor.stage).is_some() && family(cursor.stage) == family(cursor.stage + 1);
            *cursor = Cursor { stage: cursor.stage + 1, headed: cursor.headed && goes_on, ..Cursor::default() };
        }
        false
    }

    fn write_networks(&self, format: Format, filter: &Filter, out: &mut Vec<u8>) {
        if let Some(shard) = filter.shard {
            let pairs = [("shard", &*shard.index.to_string()), ("shards", &*shard.total.to_string())];
            head(&SHARD_INFO, format, out);
            out.extend_from_slice(format!("{}{{{}}} 1\n", SHARD_INFO.name, labels::text(&pairs)).as_bytes());
            if shard.index > 0 {
                return;
            }
        }
        for entry in NETWORK_FAMILIES.iter().filter(|entry| filter.shows(entry.family)) {
            let mut headed = false;
            for page in &self.networks {
                (entry.samples)(&page.snapshot, &mut |pairs, value| {
                    if !std::mem::replace(&mut headed, true) {
                        head(entry.family, format, out);
                    }
                    out.extend_from_slice(entry.family.name.as_bytes());
                    out.push(b'{');
                    labels::write(out, "network", page.snapshot.network());
                    for (name, text) in pairs {
                        out.push(b',');
                        labels::write(out, name, text);
                    }
                    out.extend_from_slice(b"} ");
                    value.write(out);
                    out.push(b'\n');
                });
            }
        }
    }

    fn write_info(&self, format: Format, filter: &Filter, cursor: &mut Cursor, full: usize, out: &mut Vec<u8>) -> bool {
        if !filter.shows(&catalog::INFO) {
            return false;
        }
        self.each_place(filter, None, cursor, full, out, |page, at, _, headed, out| {
            let facts = page.infos.get(at);
            if facts.is_empty() {
                return false;
            }
            if !headed {
                head(&catalog::INFO, format, out);
            }
            out.extend_from_slice(b"masternode_info{");
            out.extend_from_slice(page.names.get(at));
            out.extend_from_slice(facts);
            true
        })
    }

    fn write_series(
        &self,
        series: &NodeSeries,
        format: Format,
        filter: &Filter,
        cursor: &mut Cursor,
        full: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        if !filter.shows(series.family) {
            return false;
        }
        self.each_place(filter, Some(series), cursor, full, out, |page, at, place, headed, out| {
            let row = row(&page.snapshot, place, &self.settings.horizons, &self.states);
            let Some(value) = (series.value)(&row, series.variant) else { return false };
            if !headed {
                head(series.family, format, out);
            }
            out.extend_from_slice(series.prefix.as_bytes());
            out.extend_from_slice(page.names.get(at));
            out.extend_from_slice(series.suffix.as_bytes());
            value.write_line(out);
            true
        })
    }

    /// Walks the masternodes, or the watched ones, from the cursor on; `line` writes one and says whether it did.
    fn each_place(
        &self,
        filter: &Filter,
        series: Option<&NodeSeries>,
        cursor: &mut Cursor,
        full: usize,
        out: &mut Vec<u8>,
        mut line: impl FnMut(&NetworkPage, usize, &Place, bool, &mut Vec<u8>) -> bool,
    ) -> bool {
        let watched_only = series.is_some_and(|series| series.watched_only);
        while let Some(page) = self.networks.get(cursor.network) {
            let length = match series {
                Some(series) if !(series.applies)(page.snapshot.rules()) => 0,
                _ if watched_only => page.watched_places.len(),
                _ => page.places.len(),
            };
            while cursor.place < length {
                if out.len() >= full {
                    return true;
                }
                let at = if watched_only { page.watched_places[cursor.place] as usize } else { cursor.place };
                let place = &page.places[at];
                cursor.place += 1;
                if filter.shard.is_none_or(|shard| shard.has(&name(&page.snapshot, place).0)) {
                    cursor.headed |= line(page, at, place, cursor.headed, out);
                }
            }
            cursor.network += 1;
            cursor.place = 0;
        }
        false
    }
}

/// Which shard a page is, so that a rule can see one missing or doubled.
pub const SHARD_INFO: Family = Family {
    name: "masternode_exporter_shard_info",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: &["shard", "shards"],
    help: "Constant 1: which part of the masternodes this page shows. Only on pages asked for with a shard.",
};
