//! Benchmarks of the parts with 4,000 masternodes, by the wall clock. Ratios and budgets: `ratios`; instructions:
//! `count`.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use domain::counters::EventCounters;
use domain::snapshot::Snapshot;
use masternode_exporter::metrics::page::Piece;
use masternode_exporter::rpc::dash::list_parser::ListParser;
use masternode_exporter_benches::{data, page, render, sheet};

const MASTERNODES: u64 = 4_000;

fn parts(criterion: &mut Criterion) {
    let body = data::list_body(MASTERNODES);
    criterion.bench_function("decode the list", |bencher| {
        bencher.iter(|| {
            let mut parser = ListParser::default();
            body.chunks(64 * 1024).for_each(|chunk| parser.push(chunk).expect("the body is good"));
            parser.finish()
        });
    });
    let list = Arc::new(data::list(MASTERNODES));
    let diff = data::diff(&list);
    criterion.bench_function("apply the changes of a block", |bencher| bencher.iter(|| list.apply(black_box(&diff))));
    criterion.bench_function("derive the snapshot", |bencher| {
        bencher.iter(|| Snapshot::new(data::parts(list.clone()), &EventCounters::default()));
    });
    let sheet = sheet(page(data::snapshot(MASTERNODES), None));
    let mut out = Piece::default();
    criterion.bench_function("render the page", |bencher| bencher.iter(|| render(black_box(&sheet), &mut out)));
}

criterion_group!(benches, parts);
criterion_main!(benches);
