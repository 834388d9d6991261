//! Writes the samples of snapshots, family by family, in pieces of any size.
//!
//! Only the buffer grows, nothing else is allocated, and nothing is computed twice: the labels of a masternode are
//! already text.
//!
//! Never here: requests; caching.

use std::ops::Range;
use std::sync::Arc;

use crate::catalog::{self, Family};
use crate::metrics::MetricsSettings;
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    #[default]
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The value of the `Content-Type` header.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The part of the masternodes on a page: those whose hash falls into `index` of `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0 to `total`, exclusive. Networks and groups are only on shard 0.
    pub index: u32,
    /// Number of shards.
    pub total: u32,
}

impl Shard {
    fn has(&self, id: &MasternodeId) -> bool {
        let hash = &id.hash().0;
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % self.total == self.index
    }
}

/// The part of a page to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Families by name; empty for all.
    pub families: Vec<String>,
    /// One shard of the masternodes.
    pub shard: Option<Shard>,
}

impl Filter {
    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.families.is_empty() && self.shard.is_none()
    }

    pub(super) fn shows(&self, family: &Family) -> bool {
        self.families.is_empty() || self.families.iter().any(|name| name == family.name)
    }
}

/// All networks with their settings: all inputs of a page.
pub struct ExpositionPage {
    pub(super) settings: MetricsSettings,
    pub(super) networks: Vec<Arc<NetworkPage>>,
    states: Vec<String>,
    quorum_types: Vec<&'static str>,
    censuses: Vec<Census>,
    series: Vec<NodeSeries>,
}

/// The position up to which a page is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    stage: usize,
    network: usize,
    place: usize,
    /// Whether the head of the family is already written.
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

    /// Approximate size of the complete page in bytes.
    pub fn size_estimate(&self) -> usize {
        let samples =
            |page: &Arc<NetworkPage>| page.samples(&self.settings).iter().map(|(_, count)| count).sum::<usize>();
        self.networks.iter().map(samples).sum::<usize>() * 160
    }

    /// Appends the next part of the page: whole lines, until `out` has `full` bytes or the page ends. Returns whether
    /// there is more.
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
            head(&catalog::process::SHARD_INFO, format, out);
            out.extend_from_slice(
                format!("{}{{{}}} 1\n", catalog::process::SHARD_INFO.name, labels::text(&pairs)).as_bytes(),
            );
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

    /// Writes samples of masternodes from the cursor.
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
                // If the head alone fills the piece, one line still follows it.
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

    /// The row before the first masternode.
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

/// Samples of each masternode, or of each watched one.
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

/// The same for a series. The places are those of watched masternodes if only they have the series.
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
        // Borrowed: moving a returned value waits for both its halves to be in memory, which takes longer than writing
        // the line.
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
