//! Writes the samples of snapshots, family by family, in pieces of any size.
//!
//! Only the piece grows, nothing else is allocated, and nothing is computed twice: the labels of a masternode are
//! already text.
//!
//! Never here: requests; caching; compression.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::catalog::{self, Family};
use crate::metrics::MetricsSettings;
use crate::metrics::census::CENSUS_FAMILIES;
use crate::metrics::gzip::{CodedIdentities, Span};
use crate::metrics::labels;
use crate::metrics::masternode::{self, NodeSeries, Row, TrailingLabels};
use crate::metrics::metadata::head;
use crate::metrics::network::NETWORK_FAMILIES;
use crate::metrics::payees;
pub use crate::metrics::piece::Piece;
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
    /// Only watched masternodes that have all these groups, and facts of networks and sources that name no other masternode.
    pub groups: Vec<(String, String)>,
}

impl Filter {
    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.families.is_empty() && self.shard.is_none() && self.groups.is_empty()
    }

    pub(super) fn shows(&self, family: &Family) -> bool {
        self.families.is_empty() || self.families.iter().any(|name| name == family.name)
    }

    /// Whether a family of a network or source names no masternode and nothing of the watch list.
    pub(super) fn is_neutral(&self, family: &Family) -> bool {
        self.groups.is_empty() || !family.labels.iter().any(|label| ["masternode", "entry"].contains(label))
    }

    /// Whether it shows a group: with several groups it selects fewer masternodes than each has, and shows none.
    pub(super) fn has_group(&self, pairs: &[(&str, &str)]) -> bool {
        let value = |name: &str| pairs.iter().find(|(label, _)| *label == name).map(|(_, value)| *value);
        let Some((key, group)) = value("group_key").zip(value("group")) else { return true };
        self.groups.iter().all(|(own, value)| own == key && value == group)
    }

    /// Whether the groups of a masternode are those of the filter; `None` for one that is not watched.
    pub(super) fn fits(&self, groups: Option<&BTreeMap<String, String>>) -> bool {
        self.groups.iter().all(|(key, group)| groups.is_some_and(|groups| groups.get(key) == Some(group)))
    }
}

/// All networks with their settings: all inputs of a page.
pub struct ExpositionPage {
    pub(super) settings: MetricsSettings,
    pub(super) networks: Vec<Arc<NetworkPage>>,
    /// Of each network, the states of the page.
    states: Vec<Vec<Option<usize>>>,
    quorum_types: Vec<&'static str>,
    censuses: Vec<Census>,
    series: Vec<NodeSeries>,
}

/// The position up to which a page is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
        let labels = masternode::states(networks.iter().map(|page| page.snapshot().rules()));
        let quorum_types = masternode::quorum_types(networks.iter().map(|page| page.snapshot()));
        let most_payees = payees::most(networks.iter().map(|page| page.snapshot()));
        let series = masternode::series(&settings, &labels, &quorum_types, most_payees);
        let states = networks.iter().map(|page| masternode::indices(&labels, page.snapshot().rules())).collect();
        let censuses = networks.iter().map(|page| Census::of(page.snapshot(), page.probes())).collect();
        ExpositionPage { series, states, quorum_types, censuses, settings, networks }
    }

    /// Whether `masternode_info` is the same on another page.
    pub(super) fn has_labels_of(&self, other: &ExpositionPage) -> bool {
        self.networks.len() == other.networks.len()
            && self.networks.iter().zip(&other.networks).all(|(page, other)| page.has_labels_of(other))
    }

    /// Upper bound of the per-masternode samples of the complete page.
    pub fn samples(&self) -> usize {
        let samples =
            |page: &Arc<NetworkPage>| page.samples(&self.settings).iter().map(|(_, count)| count).sum::<usize>();
        self.networks.iter().map(samples).sum()
    }

    /// The coded identities of a network of the page.
    pub(super) fn identities(&self, network: u32) -> &CodedIdentities {
        self.networks[network as usize].identities()
    }

    /// Appends the next part of the page: whole lines, until the piece has `full` bytes or another kind of lines
    /// follows. Returns whether there is more.
    pub fn write(&self, format: Format, filter: &Filter, cursor: &mut Cursor, full: usize, piece: &mut Piece) -> bool {
        if cursor.stage == 0 {
            self.write_networks(format, filter, &mut piece.text);
            cursor.stage = 1;
            return true;
        }
        while let Some(samples) = self.stage(cursor.stage) {
            let family = samples.family();
            piece.wide = matches!(samples, Samples::Info);
            if filter.shows(family) && self.write_samples(&samples, format, filter, cursor, full, piece) {
                return true;
            }
            let goes_on = self.stage(cursor.stage + 1).is_some_and(|next| next.family().name == family.name);
            *cursor = Cursor { stage: cursor.stage + 1, headed: cursor.headed && goes_on, ..Cursor::default() };
            if piece.wide {
                return true;
            }
        }
        false
    }

    /// Appends the whole page.
    pub fn write_whole(&self, format: Format, filter: &Filter, piece: &mut Piece) {
        let mut cursor = Cursor::default();
        while self.write(format, filter, &mut cursor, usize::MAX, piece) {}
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
        let shown = |family: &Family| filter.shows(family) && filter.is_neutral(family);
        for entry in NETWORK_FAMILIES.iter().filter(|entry| shown(entry.family)) {
            let mut headed = false;
            for page in &self.networks {
                (entry.samples)(page.snapshot(), &mut |pairs, value| {
                    if !filter.has_group(pairs) {
                        return;
                    }
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
        piece: &mut Piece,
    ) -> bool {
        while let Some(page) = self.networks.get(cursor.network) {
            let length = if samples.apply_to(page) { page.length(samples.watched_only()) } else { 0 };
            if cursor.place < length {
                if piece.text.len() >= full {
                    return true;
                }
                let before = piece.text.len();
                if !cursor.headed {
                    head(samples.family(), format, &mut piece.text);
                }
                let headed = piece.text.len();
                // If the head alone fills the piece, one line still follows it.
                let enough = full.max(headed + 1);
                let lines = Lines { page, network: cursor.network as u32, filter, enough };
                let places = cursor.place..length;
                cursor.place = match samples {
                    Samples::Info => lines.write_info(places, piece),
                    Samples::Series(series) => lines.write_series(series, self.row(cursor.network), places, piece),
                };
                if piece.text.len() > headed {
                    cursor.headed = true;
                } else {
                    piece.text.truncate(before);
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

    /// The row before the first masternode of a network.
    fn row(&self, network: usize) -> Row<'_> {
        let MetricsSettings { horizons, .. } = &self.settings;
        let (page, states, quorum_types) = (&self.networks[network], &*self.states[network], &*self.quorum_types);
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

/// Lines of a network's masternodes.
struct Lines<'a> {
    page: &'a NetworkPage,
    /// Its number on the page.
    network: u32,
    filter: &'a Filter,
    /// Length of a full piece.
    enough: usize,
}

impl<'a> Lines<'a> {
    fn shows(&self, at: usize) -> bool {
        self.filter.shard.is_none_or(|shard| shard.has(self.page.id(at))) && self.filter.fits(self.page.groups(at))
    }

    /// Appends the labels that identify a masternode.
    #[inline]
    fn write_name(&self, at: usize, name: &[u8], piece: &mut Piece) {
        let start = (piece.text.len() + self.page.identity_start()) as u32;
        piece.spans.push(Span { start, network: self.network, place: at as u32 });
        piece.text.extend_from_slice(name);
    }

    /// Appends the lines of some places until the piece is full. Returns the place where it stopped.
    fn write_info(&self, places: Range<usize>, piece: &mut Piece) -> usize {
        let end = places.end;
        for at in places {
            if piece.text.len() >= self.enough {
                return at;
            }
            if self.shows(at) {
                piece.text.extend_from_slice(b"masternode_info{");
                self.write_name(at, labels::open(self.page.names().get(at)), piece);
                piece.text.extend_from_slice(self.page.infos().get(at));
            }
        }
        end
    }

    /// The same for a series. The places are those of watched masternodes if only they have the series.
    fn write_series(&self, series: &NodeSeries, mut row: Row<'a>, places: Range<usize>, piece: &mut Piece) -> usize {
        let end = places.end;
        for place in places {
            if piece.text.len() >= self.enough {
                return place;
            }
            let at = self.page.place(place, series.watched_only);
            if !self.shows(at) {
                continue;
            }
            self.page.select_row(at, &mut row);
            // Borrowed: moving a returned value waits for both its halves to be in memory, which takes longer than
            // writing the line.
            let value = (series.value)(&row, series.variant);
            let Some(value) = &value else { continue };
            piece.text.extend_from_slice(series.prefix.as_bytes());
            let name = self.page.names().get(at);
            match &series.last {
                TrailingLabels::None => self.write_name(at, name, piece),
                TrailingLabels::Same(text) => {
                    self.write_name(at, labels::open(name), piece);
                    piece.text.extend_from_slice(text.as_bytes());
                }
                TrailingLabels::Own(label, text) => {
                    self.write_name(at, labels::open(name), piece);
                    piece.text.push(b',');
                    labels::write(&mut piece.text, label, &text(&row, series.variant).unwrap_or_default());
                    piece.text.extend_from_slice(labels::CLOSE);
                }
            }
            value.write_line(&mut piece.text);
        }
        end
    }
}
