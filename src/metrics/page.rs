//! Writes the samples of snapshots out, family by family, in pieces of any size.
//!
//! Nothing is allocated on the way but the growth of the buffer, and nothing is computed twice: the labels of a
//! masternode are text already.
//!
//! Never here: who asked, or whether the text is kept.

use std::ops::Range;
use std::sync::Arc;

use crate::metrics::MetricsSettings;
use crate::metrics::catalog::{self, Family, Kind, Tier};
use crate::metrics::census::CENSUS_FAMILIES;
use crate::metrics::labels;
use crate::metrics::masternode::{self, NodeSeries, Row, TrailingLabels};
use crate::metrics::metadata::head;
use crate::metrics::network::NETWORK_FAMILIES;
use crate::metrics::payees;
use crate::metrics::selection::NetworkPage;
use crate::metrics::value::Value;
use domain::MasternodeId;
use domain::census::Census;

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

    pub(super) fn shows(&self, family: &Family) -> bool {
        self.families.is_empty() || self.families.iter().any(|name| name == family.name)
    }
}

/// All networks with the settings that hold for them: everything that a page needs.
pub struct ExpositionPage {
    pub(super) settings: MetricsSettings,
    pub(super) networks: Vec<Arc<NetworkPage>>,
    states: Vec<String>,
    quorum_types: Vec<&'static str>,
    censuses: Vec<Census>,
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

impl ExpositionPage {
    /// A sheet of these networks, ascending by name.
    pub fn new(settings: MetricsSettings, networks: Vec<Arc<NetworkPage>>) -> ExpositionPage {
        let states = masternode::states(networks.iter().map(|page| page.snapshot().rules()));
        let quorum_types = masternode::quorum_types(networks.iter().map(|page| page.snapshot()));
        let most_payees = payees::most(networks.iter().map(|page| page.snapshot()));
        let series = masternode::series(&settings, &states, &quorum_types, most_payees);
        let censuses = networks.iter().map(|page| Census::of(page.snapshot(), page.probes())).collect();
        ExpositionPage { series, states, quorum_types, censuses, settings, networks }
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
        while let Some(samples) = self.stage(cursor.stage) {
            let family = samples.family();
            if filter.shows(family) && self.write_samples(&samples, format, filter, cursor, full, out) {
                return true;
            }
            let goes_on = self.stage(cursor.stage + 1).is_some_and(|next| next.family().name == family.name);
            *cursor = Cursor { stage: cursor.stage + 1, headed: cursor.headed && goes_on, ..Cursor::default() };
        }
        false
    }

    fn stage(&self, stage: usize) -> Option<Samples<'_>> {
        match stage.checked_sub(2) {
            None => Some(Samples::Info),
            Some(at) => self.series.get(at).map(Samples::Series),
        }
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
                (entry.samples)(page.snapshot(), &mut |pairs, value| {
                    if !std::mem::replace(&mut headed, true) {
                        head(entry.family, format, out);
                    }
                    write_network_sample(entry.family, page.network(), pairs, value, out);
                });
            }
        }
        self.write_census(format, filter, out);
    }

    fn write_census(&self, format: Format, filter: &Filter, out: &mut Vec<u8>) {
        for entry in CENSUS_FAMILIES.iter().filter(|entry| filter.shows(entry.family)) {
            let mut headed = false;
            for (page, census) in self.networks.iter().zip(&self.censuses) {
                for (value, count) in (entry.counts)(census) {
                    if !std::mem::replace(&mut headed, true) {
                        head(entry.family, format, out);
                    }
                    let pairs = [(entry.label, value.as_str())];
                    write_network_sample(entry.family, page.network(), &pairs, (*count).into(), out);
                }
            }
        }
    }

    /// Writes samples of masternodes from the cursor on.
    fn write_samples(
        &self,
        samples: &Samples<'_>,
        format: Format,
        filter: &Filter,
        cursor: &mut Cursor,
        full: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        while let Some(page) = self.networks.get(cursor.network) {
            let length = if samples.apply_to(page) { page.length(samples.watched_only()) } else { 0 };
            if cursor.place < length {
                if out.len() >= full {
                    return true;
                }
                let before = out.len();
                if !cursor.headed {
                    head(samples.family(), format, out);
                }
                let headed = out.len();
                // Where the head alone is enough, a line belongs to it all the same.
                let enough = full.max(headed + 1);
                let places = cursor.place..length;
                cursor.place = match samples {
                    Samples::Info => write_info(page, places, filter.shard, enough, out),
                    Samples::Series(series) => {
                        let row = self.row(page);
                        write_series(series, page, row, places, filter.shard, enough, out)
                    }
                };
                if out.len() > headed {
                    cursor.headed = true;
                } else {
                    out.truncate(before);
                }
                if cursor.place < length {
                    return true;
                }
            }
            cursor.network += 1;
            cursor.place = 0;
        }
        false
    }

    /// The row of no masternode yet.
    fn row<'a>(&'a self, page: &'a NetworkPage) -> Row<'a> {
        let MetricsSettings { horizons, .. } = &self.settings;
        let (states, quorum_types) = (&*self.states, &*self.quorum_types);
        let (snapshot, probes) = (page.snapshot(), Some(page.probes()));
        Row { snapshot, index: None, watched: None, horizons, states, quorum_types, probes }
    }
}

fn write_network_sample(family: &Family, network: &str, pairs: &[(&str, &str)], value: Value, out: &mut Vec<u8>) {
    out.extend_from_slice(family.name.as_bytes());
    out.push(b'{');
    labels::write(out, "network", network);
    for (name, text) in pairs {
        out.push(b',');
        labels::write(out, name, text);
    }
    out.extend_from_slice(b"} ");
    value.write(out);
    out.push(b'\n');
}

/// Samples that a page has for each masternode, or each watched one.
enum Samples<'a> {
    Info,
    Series(&'a NodeSeries),
}

impl Samples<'_> {
    fn family(&self) -> &'static Family {
        match self {
            Samples::Info => &catalog::INFO,
            Samples::Series(series) => series.family,
        }
    }

    /// Whether the masternodes of a page's chain have them.
    fn apply_to(&self, page: &NetworkPage) -> bool {
        match self {
            Samples::Info => true,
            Samples::Series(series) => (series.applies)(page.snapshot().rules()),
        }
    }

    fn watched_only(&self) -> bool {
        matches!(self, Samples::Series(series) if series.watched_only)
    }
}

/// Appends the lines of some places until `out` has `enough` bytes. Returns the place where it stopped.
fn write_info(
    page: &NetworkPage,
    places: Range<usize>,
    shard: Option<Shard>,
    enough: usize,
    out: &mut Vec<u8>,
) -> usize {
    let end = places.end;
    for at in places {
        if out.len() >= enough {
            return at;
        }
        if shard.is_none_or(|shard| shard.has(page.id(at))) {
            out.extend_from_slice(b"masternode_info{");
            out.extend_from_slice(labels::open(page.names().get(at)));
            out.extend_from_slice(page.infos().get(at));
        }
    }
    end
}

/// The same for a series. The places are those of watched masternodes where the series is theirs only.
fn write_series<'a>(
    series: &NodeSeries,
    page: &'a NetworkPage,
    mut row: Row<'a>,
    places: Range<usize>,
    shard: Option<Shard>,
    enough: usize,
    out: &mut Vec<u8>,
) -> usize {
    let end = places.end;
    for place in places {
        if out.len() >= enough {
            return place;
        }
        let at = page.place(place, series.watched_only);
        if shard.is_some_and(|shard| !shard.has(page.id(at))) {
            continue;
        }
        page.select_row(at, &mut row);
        // Borrowed: to move a value just returned waits for its two halves to be in memory, longer than writing the line.
        let value = (series.value)(&row, series.variant);
        let Some(value) = &value else { continue };
        out.extend_from_slice(series.prefix.as_bytes());
        let labels = page.names().get(at);
        match &series.last {
            TrailingLabels::None => out.extend_from_slice(labels),
            TrailingLabels::Same(text) => {
                out.extend_from_slice(labels::open(labels));
                out.extend_from_slice(text.as_bytes());
            }
            TrailingLabels::Own(name, text) => {
                out.extend_from_slice(labels::open(labels));
                out.push(b',');
                labels::write(out, name, &text(&row, series.variant).unwrap_or_default());
                out.extend_from_slice(labels::CLOSE);
            }
        }
        value.write_line(out);
    }
    end
}

/// Which shard a page is, so that a rule can see one missing or doubled.
pub const SHARD_INFO: Family = Family {
    name: "masternode_exporter_shard_info",
    kind: Kind::Gauge,
    tier: Tier::Aggregate,
    labels: &["shard", "shards"],
    help: "Constant 1: which part of the masternodes this page shows. Only on pages asked for with a shard.",
};
