//! Repeats one piece of work to count instructions, which do not depend on the clock. See `benches/count`.

use std::hint::black_box;
use std::sync::Arc;

use domain::counters::EventCounters;
use domain::event;
use domain::list::{ListDiff, MasternodeList};
use domain::pose::CONSENSUS;
use domain::snapshot::Snapshot;
use masternode_exporter::metrics::page::{Filter, Piece};
use masternode_exporter::metrics::{Body, Exposition, Format, MetricsSettings, Request};
use masternode_exporter_benches::allocations::{Counting, measure};
use masternode_exporter_benches::elections::Election;
use masternode_exporter_benches::{data, ingest, page, render, samples, serving, sheet};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Blocks that are prepared before the work begins.
const BLOCKS: usize = 20;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let usage = "count ingest|heap|stream|render|samples|allocations|block|scraped|gzip|first|pages|elections MASTERNODES TIMES";
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok()).expect(usage);
    let (count, times) = (number(2), number(3));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    match arguments[1].as_str() {
        "ingest" => {
            let body = data::list_body(count);
            (0..times).for_each(|_| drop(black_box(ingest(&body, count))));
        }
        "heap" => {
            let body = data::list_body(count);
            println!("{}", measure(|| ingest(&body, count)).1.peak_growth_bytes);
        }
        "stream" => {
            let exposition = exposition(0);
            exposition.publish(data::state(data::snapshot(count)));
            let stream = || runtime.block_on(scrape(&exposition, false));
            assert_eq!(stream(), stream());
            println!("{}", measure(stream).1.peak_growth_bytes);
        }
        "block" => runtime.block_on(blocks(count, times, false)),
        "scraped" => runtime.block_on(blocks(count, times, true)),
        "gzip" => {
            let exposition = exposition(usize::MAX);
            exposition.publish(data::state(data::snapshot(count)));
            println!("{}", runtime.block_on(scrape(&exposition, true)));
        }
        "first" => {
            let body = data::list_body(count);
            (0..times).for_each(|_| runtime.block_on(first(&body, count)));
        }
        "pages" => runtime.block_on(pages(count, times)),
        "elections" => {
            let election = Election::new(count);
            (0..times).for_each(|_| assert!(black_box(&election).hold() > 0));
        }
        part => rendering(part, usage, count, times),
    }
}

fn rendering(part: &str, usage: &str, count: u64, times: u64) {
    let sheet = sheet(page(data::snapshot(count), None));
    let mut out = Piece::default();
    render(&sheet, &mut out);
    match part {
        "render" => (0..times).for_each(|_| render(black_box(&sheet), black_box(&mut out))),
        "samples" => println!("{}", samples(&out.text)),
        "allocations" => {
            let ((), heap) = measure(|| render(&sheet, &mut out));
            println!("{}", heap.allocations);
        }
        _ => panic!("{usage}"),
    }
}

fn exposition(cache_limit_bytes: usize) -> Arc<Exposition> {
    let settings = MetricsSettings { series_limit: usize::MAX, cache_limit_bytes, ..MetricsSettings::default() };
    Exposition::new(settings, Default::default())
}

/// Reads a page piece by piece, as a connection does. Returns its length.
async fn scrape(exposition: &Exposition, gzip: bool) -> usize {
    let request = Request { format: Format::OpenMetrics, gzip, filter: Filter::default() };
    match exposition.page(request).await.body {
        Body::Stream(pieces) => pieces.map(|piece| piece.len()).sum(),
        Body::Whole(pieces) => pieces.iter().map(|piece| piece.len()).sum(),
    }
}

/// From the changes of each block to its published page, which is scraped or not.
async fn blocks(count: u64, times: u64, scraped: bool) {
    let mut list = data::list(count);
    let mut diffs: Vec<ListDiff> = Vec::new();
    for _ in 0..BLOCKS {
        let diff = data::diff(&list);
        list = list.apply(&diff).expect("the changes fit");
        diffs.push(diff);
    }
    let exposition = exposition(usize::MAX);
    let mut list = Arc::new(data::list(count));
    for diff in diffs.iter().take(times as usize) {
        let next = Arc::new(list.apply(diff).expect("the changes fit"));
        black_box(event::diff(&list, &next, Some(&CONSENSUS)));
        publish(&exposition, next.clone()).await;
        if scraped {
            black_box(scrape(&exposition, true).await);
        }
        list = next;
    }
}

async fn publish(exposition: &Exposition, list: Arc<MasternodeList>) {
    let snapshot = Arc::new(Snapshot::new(data::parts(list), &EventCounters::default()));
    exposition.publish_rendered(data::state(snapshot)).await;
}

/// From the node's answer to the first page.
async fn first(body: &[u8], count: u64) {
    let exposition = exposition(usize::MAX);
    publish(&exposition, Arc::new(ingest(body, count))).await;
    black_box(scrape(&exposition, true).await);
}

/// The status page with and without a search, and a page of the API, each `times` after one snapshot.
async fn pages(count: u64, times: u64) {
    let address = serving::with_api(data::state(data::snapshot(count))).await;
    let mut client = serving::Scraper::connect(address).await;
    for _ in 0..times {
        for path in ["/?show=all", "/?show=all&q=10.0.7", "/api/v1/masternodes"] {
            assert!(client.get(path).await > 1000, "{path}");
        }
    }
}
