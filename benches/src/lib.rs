//! Shared data, baselines and measuring tools of the benches.

pub mod allocations;
pub mod baselines;
pub mod data;
pub mod elections;
pub mod serving;

use std::sync::Arc;

use domain::{MasternodeList, Snapshot};
use masternode_exporter::metrics::MetricsSettings;
use masternode_exporter::metrics::page::{ExpositionPage, Filter, Format, Piece};
use masternode_exporter::metrics::selection::{NetworkPage, SeriesBudget};
use masternode_exporter::rpc::dash::list_parser::ListParser;

/// A page of a snapshot, before it is rendered. `before` is the page of the previous block, as in the exporter.
pub fn page(snapshot: Arc<Snapshot>, before: Option<&NetworkPage>) -> Arc<NetworkPage> {
    Arc::new(NetworkPage::new(snapshot, &settings(), SeriesBudget { watched: usize::MAX, lean: usize::MAX }, before))
}

/// The sheet of one page.
pub fn sheet(page: Arc<NetworkPage>) -> ExpositionPage {
    ExpositionPage::new(settings(), vec![page])
}

fn settings() -> MetricsSettings {
    MetricsSettings { series_limit: usize::MAX, ..MetricsSettings::default() }
}

/// Renders the whole page and replaces the content of `out`.
pub fn render(sheet: &ExpositionPage, out: &mut Piece) {
    out.clear();
    sheet.write_whole(Format::OpenMetrics, &Filter::default(), out);
}

/// Reads a list of `expected` masternodes as the exporter does: in pieces of 64 KiB, and sorted.
pub fn ingest(body: &[u8], expected: u64) -> MasternodeList {
    let mut parser = ListParser::expecting(expected as usize);
    body.chunks(64 * 1024).for_each(|chunk| parser.push(chunk).expect("the body is good"));
    let list = parser.finish().expect("the body is whole");
    MasternodeList::new(data::block(data::TIP), list.masternodes).expect("no doubles")
}

/// Samples on a page.
pub fn samples(page: &[u8]) -> usize {
    page.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && line[0] != b'#').count()
}
