//! Every ratio of the budgets in one run: ours and the baseline by turns, medians of the clock.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use masternode_exporter::domain::event;
use masternode_exporter::domain::payment::queue::{self, EvoPayments};
use masternode_exporter::domain::pose::CONSENSUS;
use masternode_exporter::domain::snapshot::Snapshot;
use masternode_exporter::domain::tally::Tallies;
use masternode_exporter::metrics::{Exposition, Settings};
use masternode_exporter::rpc::dash::stream::ListParser;
use masternode_exporter_benches::allocations::{Counting, measure};
use masternode_exporter_benches::{baselines, data, page, render, samples, serving, sheet};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Median milliseconds of each piece of work, taken by turns.
fn medians<const N: usize>(rounds: usize, mut work: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..rounds {
        for (times, work) in times.iter_mut().zip(&mut work) {
            let started = Instant::now();
            work();
            times.push(started.elapsed().as_secs_f64() * 1000.0);
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}

fn rendering(count: u64, rounds: usize) {
    let snapshot = data::snapshot(count);
    let sheet = sheet(page(snapshot.clone(), None));
    let (mut out, mut copy) = (Vec::new(), Vec::new());
    render(&sheet, &mut out);
    let text = out.clone();
    copy.extend_from_slice(&text);
    let vectors = baselines::Vectors::new(&snapshot);
    let constants = baselines::constants(&snapshot);
    let [ours, copied, gauges, client] = medians(
        rounds,
        [
            &mut || render(black_box(&sheet), &mut out),
            &mut || {
                copy.clear();
                copy.extend_from_slice(black_box(&text));
            },
            &mut || drop(black_box(vectors.encode())),
            &mut || drop(black_box(baselines::encode_constants(&constants))),
        ],
    );
    println!("render {count}: {ours:.2} ms for {} samples, {} bytes", samples(&text), text.len());
    println!("  {:.2} x a copy of the same bytes ({copied:.2} ms)", ours / copied);
    println!("  {:.0} x less than GaugeVec and TextEncoder ({gauges:.1} ms)", gauges / ours);
    println!("  {:.1} x less than a prometheus-client collector ({client:.1} ms)", client / ours);
}

fn ingest(count: u64, rounds: usize) {
    let body = data::list_body(count);
    let parse = || {
        let mut parser = ListParser::expecting(count as usize);
        body.chunks(64 * 1024).for_each(|chunk| parser.push(chunk).expect("the body is good"));
        parser.finish().expect("the body is whole")
    };
    let (list, heap) = measure(|| masternode_exporter_benches::ingest(&body, count));
    assert_eq!(list.registered() as u64, count);
    drop(list);
    let whole = || serde_json::from_slice::<baselines::WholeBody>(&body).expect("the body is good");
    let value = || serde_json::from_slice::<serde_json::Value>(&body).expect("the body is good");
    let [ours, typed, untyped] = medians(
        rounds,
        [&mut || drop(black_box(parse())), &mut || drop(black_box(whole())), &mut || drop(black_box(value()))],
    );
    println!("ingest {count}: {ours:.2} ms, heap grew by {:.1} MB, list included", heap.peak_growth_bytes as f64 / 1e6);
    println!(
        "  {:.2} x serde_json on a body in memory ({typed:.2} ms), {:.1} x less than a Value",
        ours / typed,
        untyped / ours
    );
}

fn deriving(count: u64, rounds: usize) {
    let list = Arc::new(data::list(count));
    let diff = data::diff(&list);
    let next = Arc::new(list.apply(&diff).expect("the changes fit"));
    let [order, differences, apply, snapshot] = medians(
        rounds,
        [
            &mut || drop(black_box(queue::positions(&list, EvoPayments::Once))),
            &mut || drop(black_box(event::between(&list, &next, Some(&CONSENSUS)))),
            &mut || drop(black_box(list.apply(&diff))),
            &mut || drop(black_box(Snapshot::new(data::parts(list.clone()), &Tallies::default()))),
        ],
    );
    println!("derive {count}: queue {order:.2} ms, events {differences:.2} ms, together {:.2} ms", order + differences);
    let before = page(Arc::new(Snapshot::new(data::parts(list.clone()), &Tallies::default())), None);
    let mut out = Vec::new();
    let ready = |body: Option<&[u8]>, out: &mut Vec<u8>| {
        let next = match body {
            Some(body) => masternode_exporter_benches::ingest(body, count),
            None => list.apply(&diff).expect("the changes fit"),
        };
        black_box(event::between(&list, &next, Some(&CONSENSUS)));
        let snapshot = Arc::new(Snapshot::new(data::parts(Arc::new(next)), &Tallies::default()));
        let sheet = sheet(page(snapshot, Some(&before)));
        if sheet.size_estimate() <= Settings::default().cache_limit_bytes {
            render(&sheet, out);
        }
    };
    let body = data::list_body(count);
    let mut other = Vec::new();
    let [by_diff, by_list] = medians(rounds, [&mut || ready(None, &mut out), &mut || ready(Some(&body), &mut other)]);
    println!("  block to page: {by_diff:.1} ms by its changes, {by_list:.1} ms by the full list");
    println!("  of it: applying {apply:.2} ms, snapshot {snapshot:.2} ms");
}

/// CPU time of this process so far, in milliseconds.
fn cpu_milliseconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) * 10.0
}

async fn scraping(count: u64, rounds: usize) {
    let settings = Settings { series_limit: usize::MAX, cache_limit_bytes: usize::MAX, ..Settings::default() };
    let exposition = Exposition::new(settings, prometheus::Registry::new()).expect("an empty registry takes it");
    exposition.publish("dash-main", Some(data::snapshot(count)));
    let page = bytes::Bytes::from(exposition.text(masternode_exporter::metrics::Format::Text).await);
    let length = page.len();
    let servers = [
        ("bare socket", serving::bare(page).await),
        ("ours, kept", serving::ours(exposition.clone(), false).await),
        ("ours, streamed", serving::ours(exposition, true).await),
    ];
    let mut scrapers = Vec::new();
    for (name, address) in servers {
        let mut scraper = serving::Scraper::connect(address).await;
        scraper.scrape().await;
        scrapers.push((name, scraper, Vec::new(), 0.0));
    }
    for _ in 0..rounds {
        for (_, scraper, times, cpu) in &mut scrapers {
            let before = cpu_milliseconds();
            for _ in 0..10 {
                let asked = Instant::now();
                assert!(scraper.scrape().await >= length);
                times.push(asked.elapsed().as_secs_f64() * 1000.0);
            }
            *cpu += cpu_milliseconds() - before;
        }
    }
    let median = |times: &[f64]| {
        let mut times = times.to_vec();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (limit, limit_cpu) = (median(&scrapers[0].2), scrapers[0].3);
    for (name, _, times, cpu) in &scrapers {
        println!(
            "scrape {count}, {name}: p50 {:.2} ms, {:.2} x the bare socket; CPU with client {:.2} x",
            median(times),
            median(times) / limit,
            cpu / limit_cpu
        );
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let large = arguments.iter().any(|argument| argument == "--large");
    let named: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| *name == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    for (count, rounds) in [(5_000, 21), (100_000, 5)] {
        if count > 5_000 && !large {
            break;
        }
        if wanted("render") {
            rendering(count, rounds);
        }
        if wanted("ingest") {
            ingest(count, rounds);
        }
        if wanted("derive") {
            deriving(count, rounds);
        }
        if wanted("scrape") {
            runtime.block_on(scraping(count, rounds));
        }
    }
}
