//! Renders and caches the pages: once for each state of the networks and format, shared by all scrapes.
//!
//! Never here: HTTP; wall-clock time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use prometheus::{IntCounterVec, IntGaugeVec, Registry};
use tokio::sync::{OnceCell, watch};

use crate::catalog::{self, Tier};
use crate::meters::register;
use crate::metrics::MetricsSettings;
use crate::metrics::buffers::Buffers;
use crate::metrics::conditions::Conditions;
use crate::metrics::gzip::GzipPrefix;
use crate::metrics::page::{Cursor, ExpositionPage, Filter, Format};
use crate::metrics::process;
use crate::metrics::selection::{NetworkPage, SeriesBudget};
use crate::metrics::sources;
use domain::NetworkState;
use domain::condition::Evaluation;

/// Size of the pieces of a page that is written while it is sent. The reader sleeps while a piece is written and is
/// woken by the next: larger pieces are faster, until they no longer fit the cache of one core.
const PIECE_BYTES: usize = 512 * 1024;

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
    buffers: Arc<Buffers>,
    conditions: Conditions,
    state: Mutex<State>,
}

struct State {
    settings: MetricsSettings,
    networks: BTreeMap<String, Arc<NetworkState>>,
    current: Arc<Published>,
}

/// One state of the networks, with its cached pages.
struct Published {
    sheet: ExpositionPage,
    text: OnceCell<Kept>,
    open_metrics: OnceCell<Kept>,
}

/// A page of one format without its end.
struct Kept {
    text: Bytes,
    gzip: OnceCell<GzipPrefix>,
}

impl Exposition {
    /// Without networks. Registers its own metrics; fails if they are already registered.
    pub fn new(settings: MetricsSettings, registry: Registry) -> prometheus::Result<Arc<Exposition>> {
        let series = register::gauges(&registry, &catalog::process::SERIES)?;
        let suppressed = register::counters(&registry, &catalog::process::SERIES_SUPPRESSED)?;
        let current = Arc::new(Published::new(ExpositionPage::new(settings.clone(), Vec::new())));
        let state = Mutex::new(State { settings, networks: BTreeMap::new(), current });
        Ok(Arc::new(Exposition {
            registry,
            series,
            suppressed,
            buffers: Arc::default(),
            conditions: Conditions::default(),
            state,
        }))
    }

    /// Publishes the new state of a network. Pages are rendered again only if its list or its probes changed.
    pub fn publish(&self, network: Arc<NetworkState>) {
        let mut state = self.lock();
        let name = network.network.to_string();
        let (has_list, has_probes) = news(state.networks.get(&name), &network);
        state.networks.insert(name.clone(), network);
        if has_list || has_probes {
            self.make(&mut state, has_list.then_some(name.as_str()));
        }
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
        }
    }

    /// The page for one scrape.
    pub async fn page(&self, request: Request) -> Page {
        let published = self.lock().current.clone();
        let content_type = request.format.content_type();
        let too_large = published.sheet.size_estimate() > published.sheet.settings.cache_limit_bytes;
        if too_large || !request.filter.is_empty() {
            let tail = self.tail(request.format, &request.filter);
            let stream = Stream {
                published,
                format: request.format,
                filter: request.filter,
                cursor: Some(Cursor::default()),
                buffers: self.buffers.clone(),
                tail: Some(tail),
            };
            return Page { content_type, gzip: false, body: Body::Stream(Box::new(stream)) };
        }
        published.keep(request.format).await;
        if request.gzip {
            published.compress(request.format).await;
        }
        let tail = self.tail(request.format, &request.filter);
        let kept = published.kept(request.format).get().expect("it was kept a moment ago");
        let body = match kept.gzip.get().filter(|_| request.gzip) {
            Some(opening) => opening.close(kept.text.len(), &tail),
            None => vec![kept.text.clone(), tail],
        };
        Page { content_type, gzip: request.gzip, body: Body::Whole(body) }
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
        let before = state.current.sheet.networks.clone();
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
        state.current = Arc::new(Published::new(ExpositionPage::new(state.settings.clone(), pages)));
    }

    /// The part that is rendered for each scrape: alert conditions, sources and the families of this process. Then the
    /// end of the page.
    fn tail(&self, format: Format, filter: &Filter) -> Bytes {
        let mut out = self.conditions.page(format, filter).to_vec();
        let networks = self.lock().networks.clone();
        sources::write(networks.values().map(Arc::as_ref), format, filter, &mut out);
        if filter.families.is_empty() {
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

impl Published {
    fn new(sheet: ExpositionPage) -> Published {
        Published { sheet, text: OnceCell::new(), open_metrics: OnceCell::new() }
    }

    fn kept(&self, format: Format) -> &OnceCell<Kept> {
        match format {
            Format::Text => &self.text,
            Format::OpenMetrics => &self.open_metrics,
        }
    }

    /// Renders the page once; concurrent scrapes wait for the same page. Runs on a blocking thread.
    async fn keep(self: &Arc<Self>, format: Format) {
        let published = self.clone();
        let render = || async move {
            blocking(move || {
                let mut out = Vec::with_capacity(published.sheet.size_estimate());
                published.sheet.write(format, &Filter::default(), &mut Cursor::default(), usize::MAX, &mut out);
                out.shrink_to_fit();
                Kept { text: out.into(), gzip: OnceCell::new() }
            })
            .await
        };
        self.kept(format).get_or_init(render).await;
    }

    async fn compress(self: &Arc<Self>, format: Format) {
        let Some(kept) = self.kept(format).get() else { return };
        let text = kept.text.clone();
        kept.gzip.get_or_init(|| blocking(move || GzipPrefix::new(&text))).await;
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// A page that is written while it is sent.
struct Stream {
    published: Arc<Published>,
    format: Format,
    filter: Filter,
    cursor: Option<Cursor>,
    buffers: Arc<Buffers>,
    tail: Option<Bytes>,
}

impl Iterator for Stream {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let Some(mut cursor) = self.cursor.take() else { return self.tail.take() };
        // A line may exceed a piece by its own length.
        let mut piece = self.buffers.take(PIECE_BYTES + 4096);
        if self.published.sheet.write(self.format, &self.filter, &mut cursor, PIECE_BYTES, &mut piece.text) {
            self.cursor = Some(cursor);
        }
        Some(piece.freeze())
    }
}
