//! Repeats one piece of work to count instructions, which do not depend on the clock. See `benches/count`.

use std::hint::black_box;

use masternode_exporter::metrics::page::Filter;
use masternode_exporter::metrics::{Body, Exposition, Format, MetricsSettings, Request};
use masternode_exporter_benches::allocations::{Counting, measure};
use masternode_exporter_benches::{data, ingest, page, render, samples, sheet};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let usage = "count ingest|heap|stream|render|samples|allocations MASTERNODES TIMES";
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok()).expect(usage);
    let (count, times) = (number(2), number(3));
    match arguments[1].as_str() {
        "ingest" => {
            let body = data::list_body(count);
            return (0..times).for_each(|_| drop(black_box(ingest(&body, count))));
        }
        "heap" => {
            let body = data::list_body(count);
            return println!("{}", measure(|| ingest(&body, count)).1.peak_growth_bytes);
        }
        "stream" => {
            let settings =
                MetricsSettings { series_limit: usize::MAX, cache_limit_bytes: 0, ..MetricsSettings::default() };
            let exposition = Exposition::new(settings, Default::default()).expect("an empty registry takes it");
            exposition.publish(data::state(data::snapshot(count)));
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs no driver");
            let stream = || runtime.block_on(drain(&exposition));
            assert_eq!(stream(), stream());
            return println!("{}", measure(stream).1.peak_growth_bytes);
        }
        _ => {}
    }
    let sheet = sheet(page(data::snapshot(count), None));
    let mut out = Vec::new();
    render(&sheet, &mut out);
    match arguments[1].as_str() {
        "render" => (0..times).for_each(|_| render(black_box(&sheet), black_box(&mut out))),
        "samples" => println!("{}", samples(&out)),
        "allocations" => {
            let ((), heap) = measure(|| render(&sheet, &mut out));
            println!("{}", heap.allocations);
        }
        _ => panic!("{usage}"),
    }
}

/// Reads a page piece by piece, as a connection does. Returns its length.
async fn drain(exposition: &Exposition) -> usize {
    let request = Request { format: Format::Text, gzip: false, filter: Filter::default() };
    match exposition.page(request).await.body {
        Body::Stream(pieces) => pieces.map(|piece| piece.len()).sum(),
        Body::Whole(_) => panic!("no page is kept"),
    }
}
