//! Renders and caches the pages: once for each state of the networks, format and encoding, shared by all scrapes.
//!
//! What was requested lately is rendered before a new state is shown, so that no scrape waits for it. What nobody
//! requests is not rendered.
//!
//! Never here: HTTP; wall-clock time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use prometheus::{IntCounterVec, IntGaugeVec, Registry};
use tokio::sync::watch;

use crate::catalog::{self, Tier};
use crate::meters::families::Families;
use crate::metrics::MetricsSettings;
use crate::metrics::buffers::PieceBuffers;
use crate::metrics::conditions::Conditions;
use crate::metrics::page::{ExpositionPage, Filter, Format};
use crate::metrics::process;
use crate::metrics::rendered::{Pieces, Published, Variant};
use crate::metrics::selection::{NetworkPage, SeriesBudget};
use crate::metrics::sources;
use domain::NetworkState;
use domain::condition::Evaluation;

/// Number of new pages for which a variant is rendered in advance after its last request: blocks can follow one another
/// faster than scrapes.
const LATELY: u8 = 8;

/// The request of a scrape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Format of the page.
    pub format: Format,
    /// Whether the client accepts gzip.
    pub gzip: bool,
    /// The part of the page to show.
    pub filter: Filter,
}

/// A page for one scrape.
pub struct Page {
    /// The value of the `Content-Type` header.
    pub content_type: &'static str,
    /// Whether the body is gzip.
    pub gzip: bool,
    /// The body.
    pub body: Body,
}

/// The bytes of a page.
pub enum Body {
    /// Complete.
    Whole(Vec<Bytes>),
    /// Written piece by piece while they are sent.
    Stream(Box<dyn Iterator<Item = Bytes> + Send>),
}

/// The pages of all networks, and the registry of this process's own families.
pub struct Exposition {
    registry: Registry,
    series: IntGaugeVec,
    suppressed: IntCounterVec,
    buffers: Arc<PieceBuffers>,
    conditions: Conditions,
    state: Mutex<State>,
}

struct State {
    settings: MetricsSettings,
    networks: BTreeMap<String, Arc<NetworkState>>,
    /// What scrapes get.
    current: Arc<Published>,
    /// Of the newest states; it replaces `current` when it is rendered.
    newest: Arc<Published>,
    /// For how many new pages each variant is still rendered in advance.
    requested: [u8; Variant::ALL.len()],
}

impl Exposition {
    /// Without networks; the registry has none of its own metrics.
    pub fn new(settings: MetricsSettings, registry: Registry) -> Arc<Exposition> {
        let families = Families::new(&registry);
        let series = families.gauges(&catalog::process::SERIES);
        let suppressed = families.counters(&catalog::process::SERIES_SUPPRESSED);
        let current = Arc::new(Published::first(ExpositionPage::new(settings.clone(), Vec::new())));
        let newest = current.clone();
        let state = Mutex::new(State { settings, networks: BTreeMap::new(), current, newest, requested: [0; 4] });
        Arc::new(Exposition {
            registry,
            series,
            suppressed,
            buffers: Arc::default(),
            conditions: Conditions::default(),
            state,
        })
    }

    /// Publishes the new state of a network. Pages are rendered again only if its list or its probes changed.
    pub fn publish(&self, network: Arc<NetworkState>) {
        let mut state = self.lock();
        if self.take(&mut state, network) {
            state.current = state.newest.clone();
        }
    }

    /// The same, but renders what was requested lately before scrapes get the new page.
    pub async fn publish_rendered(&self, network: Arc<NetworkState>) {
        let (newest, requested) = {
            let mut state = self.lock();
            if !self.take(&mut state, network) {
                return;
            }
            (state.newest.clone(), state.requested)
        };
        for variant in Variant::ALL.into_iter().filter(|variant| requested[variant.index()] > 0) {
            newest.keep(variant, &self.buffers).await;
        }
        let mut state = self.lock();
        if newest.is_after(&state.current) {
            state.current = newest;
        }
    }

    /// Returns whether there is a new page.
    fn take(&self, state: &mut State, network: Arc<NetworkState>) -> bool {
        let name = network.network.to_string();
        let (has_list, has_probes) = news(state.networks.get(&name), &network);
        state.networks.insert(name.clone(), network);
        if has_list || has_probes {
            self.make(state, has_list.then_some(name.as_str()));
        }
        has_list || has_probes
    }

    /// Whether a state has a different list, or different probes, than the published one.
    pub fn is_news(&self, network: &NetworkState) -> bool {
        news(self.lock().networks.get(&*network.network), network) != (false, false)
    }

    /// Removes a network.
    pub fn remove(&self, network: &str) {
        let mut state = self.lock();
        if state.networks.remove(network).is_some() {
            self.make(&mut state, None);
            state.current = state.newest.clone();
        }
    }

    /// Publishes the conditions of a new evaluation.
    pub fn show_conditions(&self, evaluations: watch::Receiver<Arc<Evaluation>>) {
        self.conditions.read_from(evaluations);
    }

    /// Number of samples that the series limit removes now.
    pub fn suppressed(&self) -> usize {
        self.lock().current.sheet.networks.iter().map(|page| page.left_out()).sum()
    }

    /// Applies new settings.
    pub fn reconfigure(&self, settings: MetricsSettings) {
        let mut state = self.lock();
        if state.settings != settings {
            state.settings = settings;
            self.make(&mut state, None);
            state.current = state.newest.clone();
        }
    }

    /// The page for one scrape.
    pub async fn page(&self, request: Request) -> Page {
        let Request { format, gzip, filter } = request;
        let variant = Variant { format, gzip };
        let published = {
            let mut state = self.lock();
            if filter.is_empty() {
                state.requested[variant.index()] = LATELY;
            }
            state.current.clone()
        };
        let tail = self.tail(format, &filter);
        let body = if filter.is_empty() && published.is_kept(variant) {
            Body::Whole(published.keep(variant, &self.buffers).await.close(variant, tail))
        } else {
            Body::Stream(Box::new(Pieces::new(published, variant, filter, self.buffers.clone()).closed(tail)))
        };
        Page { content_type: format.content_type(), gzip, body }
    }

    /// Whether a watched masternode of a network has all these groups.
    pub fn has_groups(&self, groups: &[(String, String)]) -> bool {
        let filter = Filter { groups: groups.to_vec(), ..Filter::default() };
        let networks = self.lock().networks.clone();
        networks.values().any(|state| state.watched().iter().any(|watched| filter.fits(Some(&watched.groups))))
    }

    /// The complete page as text, for other callers than a scrape.
    pub async fn text(&self, format: Format) -> String {
        let page = self.page(Request { format, gzip: false, filter: Filter::default() }).await;
        let bytes = match page.body {
            Body::Whole(pieces) => pieces.concat(),
            Body::Stream(pieces) => pieces.collect::<Vec<_>>().concat(),
        };
        String::from_utf8(bytes).expect("pages are made of texts")
    }

    /// Renders the pages again after a new list or new settings.
    fn make(&self, state: &mut State, published: Option<&str>) {
        let before = state.newest.sheet.networks.clone();
        let lists = || state.networks.iter().filter_map(|(name, state)| Some((name, state, state.snapshot.as_ref()?)));
        let mut room = SeriesBudget::new(&state.settings, lists().map(|(_, _, snapshot)| snapshot));
        let mut pages = Vec::new();
        self.series.reset();
        for (name, network, snapshot) in lists() {
            let old = before.iter().find(|page| page.network() == name);
            let page = NetworkPage::new(snapshot.clone(), &state.settings, room, old.map(Arc::as_ref));
            let page = page.with_probes(network.probes.clone().unwrap_or_default());
            room = room.after(&page, &state.settings);
            for (tier, samples) in page.samples(&state.settings) {
                let samples = i64::try_from(samples).unwrap_or(i64::MAX);
                self.series.with_label_values(&[name.as_str(), tier.label()]).set(samples);
            }
            let suppressed = self.suppressed.with_label_values(&[name.as_str(), Tier::Lean.label()]);
            if published == Some(name.as_str()) {
                suppressed.inc_by(page.left_out() as u64);
            }
            pages.push(Arc::new(page));
        }
        let sheet = ExpositionPage::new(state.settings.clone(), pages);
        state.newest = Arc::new(state.newest.next(sheet));
        state.requested = state.requested.map(|pages| pages.saturating_sub(1));
    }

    /// The part that is rendered for each scrape: alert conditions, sources and the families of this process. Then the
    /// end of the page.
    fn tail(&self, format: Format, filter: &Filter) -> Bytes {
        let mut out = self.conditions.page(format, filter).to_vec();
        let networks = self.lock().networks.clone();
        sources::write(networks.values().map(Arc::as_ref), format, filter, &mut out);
        if filter.families.is_empty() && filter.groups.is_empty() {
            process::write(&self.registry.gather(), format, &mut out);
        }
        out.extend_from_slice(&end(format));
        out.into()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a state has a different list than before, and whether it has different probes.
fn news(before: Option<&Arc<NetworkState>>, now: &NetworkState) -> (bool, bool) {
    let (list, probes) = before.map(|before| (before.snapshot.as_ref(), before.probes.as_ref())).unwrap_or_default();
    (
        list.map(Arc::as_ptr) != now.snapshot.as_ref().map(Arc::as_ptr),
        probes.map(Arc::as_ptr) != now.probes.as_ref().map(Arc::as_ptr),
    )
}

fn end(format: Format) -> Bytes {
    match format {
        Format::Text => Bytes::new(),
        Format::OpenMetrics => Bytes::from_static(b"# EOF\n"),
    }
}

#[cfg(test)]
mod tests {
    use domain::chain::{DASH, Subnet};
    use domain::counters::EventCounters;
    use domain::samples::{list, masternode, network_state};
    use domain::snapshot::SnapshotInputs;
    use domain::{ChainFacts, Snapshot, UnixSeconds};

    use super::*;

    fn state(height: u32) -> Arc<NetworkState> {
        let inputs = SnapshotInputs {
            network: "dash".into(),
            rules: Arc::new(DASH),
            list: Arc::new(list(height, vec![masternode(1)])),
            facts: ChainFacts::new(Subnet::Regtest),
            read_at: UnixSeconds(0),
            watched: vec![],
            recent_events: vec![],
        };
        let snapshot = Snapshot::new(inputs, &EventCounters::default());
        Arc::new(network_state("dash", Some(Arc::new(snapshot)), vec![]))
    }

    fn rendered(exposition: &Exposition) -> [bool; 4] {
        let current = exposition.lock().current.clone();
        Variant::ALL.map(|variant| current.kept[variant.index()].initialized())
    }

    #[tokio::test]
    async fn only_what_was_requested_lately_is_rendered_before_it_is_shown() {
        let exposition = Exposition::new(MetricsSettings::default(), Registry::new());
        exposition.publish_rendered(state(1)).await;
        assert_eq!(rendered(&exposition), [false; 4], "nobody scrapes");
        let request = |gzip, filter| Request { format: Format::OpenMetrics, gzip, filter };
        exposition.page(request(true, Filter::default())).await;
        exposition.page(request(false, Filter { families: vec!["masternode_info".into()], ..Filter::default() })).await;
        for height in 2..2 + u32::from(LATELY) - 1 {
            exposition.publish_rendered(state(height)).await;
            assert_eq!(rendered(&exposition), [false, false, false, true], "block {height}");
        }
        exposition.publish_rendered(state(100)).await;
        assert_eq!(rendered(&exposition), [false; 4], "nobody scrapes any more");
    }
}
