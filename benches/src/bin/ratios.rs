//! Every ratio of the budgets in one run: the exporter and the baseline alternately, medians of the thread's CPU time.
//! Ratios over sockets use the wall clock and the CPU time of the process.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use cpu_time::{ProcessTime, ThreadTime};
use domain::MasternodeList;
use domain::counters::EventCounters;
use domain::event;
use domain::list_proof::{LeafFields, ListProof, ProofDiff};
use domain::payment::queue::{self, EvoPayments};
use domain::pose::CONSENSUS;
use domain::snapshot::Snapshot;
use masternode_exporter::metrics::page::Piece;
use masternode_exporter::metrics::{Exposition, MetricsSettings};
use masternode_exporter::rpc::dash::list_parser::ListParser;
use masternode_exporter_benches::allocations::{Counting, measure};
use masternode_exporter_benches::{baselines, data, ingest, page, render, samples, serving, sheet};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Median milliseconds of CPU of each piece of work, measured alternately. Each runs once before the measured run, so
/// that its data is in the caches and not that of the previous work.
fn medians<const N: usize>(rounds: usize, mut work: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..rounds {
        for (times, work) in times.iter_mut().zip(&mut work) {
            work();
            let started = ThreadTime::now();
            work();
            times.push(started.elapsed().as_secs_f64() * 1000.0);
        }
    }
    times.map(|mut times| median(&mut times))
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn rendering(count: u64, rounds: usize) {
    let snapshot = data::snapshot(count);
    let before = page(snapshot.clone(), None);
    let written = sheet(before.clone());
    let (mut out, mut other, mut copy) = (Piece::default(), Piece::default(), Vec::new());
    render(&written, &mut out);
    let text = out.text.clone();
    copy.extend_from_slice(&text);
    let vectors = baselines::Vectors::new(&snapshot);
    let constants = baselines::constants(&snapshot);
    let [ours, whole, copied, encoding, gauges, client, client_whole] = medians(
        rounds,
        [
            &mut || render(black_box(&written), &mut out),
            &mut || render(&sheet(page(black_box(snapshot.clone()), Some(&before))), &mut other),
            &mut || {
                copy.clear();
                copy.extend_from_slice(black_box(&text));
            },
            &mut || drop(black_box(vectors.encode())),
            &mut || {
                vectors.fill();
                drop(black_box(vectors.encode()));
            },
            &mut || drop(black_box(baselines::encode_constants(&constants))),
            &mut || drop(black_box(baselines::encode_constants(&baselines::constants(&snapshot)))),
        ],
    );
    println!("render {count}: {ours:.2} ms for {} samples, {} bytes", samples(&text), text.len());
    println!("  {:.2} x a copy of the same bytes ({copied:.2} ms)", ours / copied);
    println!("  encoding alone: {:.0} x less than GaugeVec and TextEncoder ({encoding:.1} ms)", encoding / ours);
    println!("    {:.1} x less than a prometheus-client collector ({client:.1} ms)", client / ours);
    println!(
        "  from the snapshot to the text, {whole:.2} ms: {:.0} x less than GaugeVec ({gauges:.1} ms)",
        gauges / whole
    );
    println!("    {:.1} x less than the collector ({client_whole:.1} ms)", client_whole / whole);
}

fn reading(count: u64, rounds: usize) {
    let body = data::list_body(count);
    let parse = || {
        let mut parser = ListParser::expecting(count as usize);
        body.chunks(64 * 1024).for_each(|chunk| parser.push(chunk).expect("the body is good"));
        parser.finish().expect("the body is whole").masternodes
    };
    let (list, heap) = measure(|| ingest(&body, count));
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
            &mut || drop(black_box(event::diff(&list, &next, Some(&CONSENSUS)))),
            &mut || drop(black_box(list.apply(&diff))),
            &mut || drop(black_box(Snapshot::new(data::parts(list.clone()), &EventCounters::default()))),
        ],
    );
    println!("derive {count}: queue {order:.2} ms, events {differences:.2} ms, together {:.2} ms", order + differences);
    let before = page(Arc::new(Snapshot::new(data::parts(list.clone()), &EventCounters::default())), None);
    let mut out = Piece::default();
    let mut publish = |next: MasternodeList| {
        black_box(event::diff(&list, &next, Some(&CONSENSUS)));
        let snapshot = Arc::new(Snapshot::new(data::parts(Arc::new(next)), &EventCounters::default()));
        let sheet = sheet(page(snapshot, Some(&before)));
        render(&sheet, &mut out);
    };
    let [by_diff] = medians(rounds, [&mut || publish(list.apply(&diff).expect("the changes fit"))]);
    let body = data::list_body(count);
    let [by_list, reading] =
        medians(rounds, [&mut || publish(ingest(&body, count)), &mut || drop(black_box(ingest(&body, count)))]);
    println!("  block to page: {by_diff:.1} ms by its changes, {by_list:.1} ms by the full list");
    println!("  of it: applying {apply:.2} ms, snapshot {snapshot:.2} ms, reading the list {reading:.1} ms");
}

/// The proof of one block by kind of block: no covered change, five changed masternodes, and the removal of the first one, which
/// moves all others.
fn proving(count: u64, rounds: usize) {
    let list = data::list(count);
    let next = list.apply(&data::diff(&list)).expect("the changes fit");
    let (whole, root) = data::proof(&list);
    let mut proof = ListProof::default();
    proof.apply(&whole);
    let changed = |numbers: std::ops::Range<usize>, version: u16| {
        let entered = whole.entered[numbers].iter().map(|entry| LeafFields { version, ..entry.clone() }).collect();
        ProofDiff { entered, ..whole.clone() }
    };
    let (none, five, back) = (changed(0..0, 1), changed(100..105, 2), changed(100..105, 1));
    let first = whole.entered.iter().min_by_key(|entry| entry.pro_tx.in_memory_order()).expect("not empty").clone();
    let gone = ProofDiff { removed: vec![first.pro_tx], entered: Vec::new(), ..whole.clone() };
    let again = ProofDiff { entered: vec![first], ..whole.clone() };
    let mut step = |diff: &ProofDiff| {
        proof.apply(diff);
        black_box(proof.check(diff, &root)).expect("the coinbase is the block's");
        let differing = list.differences(&next).filter_map(|(old, _)| Some(*old?.id.hash()));
        black_box(proof.difference_among(differing, &next));
    };
    let mut turn = false;
    let [quiet] = medians(rounds, [&mut || step(&none)]);
    let [five] = medians(
        rounds,
        [&mut || {
            turn = !turn;
            step(if turn { &five } else { &back });
        }],
    );
    let [removal] = medians(
        rounds,
        [&mut || {
            turn = !turn;
            step(if turn { &gone } else { &again });
        }],
    );
    let [start] = medians(rounds, [&mut || ListProof::default().apply(black_box(&whole)).clear()]);
    println!("prove {count}: {quiet:.2} ms without a change, {five:.2} ms with five, {removal:.2} ms with a removal");
    println!("  from the beginning: {start:.1} ms");
}

async fn scraping(count: u64, rounds: usize) {
    let snapshot = data::snapshot(count);
    let exposition = |cache_limit_bytes| {
        let settings = MetricsSettings { series_limit: usize::MAX, cache_limit_bytes, ..MetricsSettings::default() };
        let exposition = Exposition::new(settings, prometheus::Registry::new());
        exposition.publish(data::state(snapshot.clone()));
        exposition
    };
    let (exposition, streaming) = (exposition(usize::MAX), exposition(0));
    let page = bytes::Bytes::from(exposition.text(masternode_exporter::metrics::Format::Text).await);
    let length = page.len();
    let servers = [
        ("bare socket", serving::bare(page).await),
        ("ours, kept", serving::ours(exposition).await),
        ("ours, streamed", serving::ours(streaming).await),
    ];
    let mut scrapers = Vec::new();
    for (name, address) in servers {
        let mut scraper = serving::Scraper::connect(address).await;
        scraper.scrape().await;
        scrapers.push((name, scraper, Vec::new(), 0.0));
    }
    for _ in 0..rounds {
        for (_, scraper, times, cpu) in &mut scrapers {
            let before = ProcessTime::now();
            for _ in 0..10 {
                let asked = Instant::now();
                assert!(scraper.scrape().await >= length);
                times.push(asked.elapsed().as_secs_f64() * 1000.0);
            }
            *cpu += before.elapsed().as_secs_f64();
        }
    }
    let (limit, limit_cpu) = (median(&mut scrapers[0].2), scrapers[0].3);
    for (name, _, times, cpu) in &mut scrapers {
        println!(
            "scrape {count}, {name}: p50 {:.2} ms, {:.2} x the bare socket; CPU with client {:.2} x",
            median(times),
            median(times) / limit,
            *cpu / limit_cpu
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
            reading(count, rounds);
        }
        if wanted("derive") {
            deriving(count, rounds);
        }
        if wanted("prove") {
            proving(if count > 5_000 { count } else { 3_000 }, rounds);
        }
        if wanted("scrape") {
            runtime.block_on(scraping(count, rounds));
        }
    }
}
