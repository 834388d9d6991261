//! One piece of work, so often: for counting instructions, which do not depend on the clock. See `benches/count`.

use std::hint::black_box;

use masternode_exporter_benches::{data, page, render, samples, sheet};

#[global_allocator]
static ALLOCATOR: masternode_exporter_benches::allocations::Counting =
    masternode_exporter_benches::allocations::Counting;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let usage = "count render|samples|allocations MASTERNODES TIMES";
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok()).expect(usage);
    let (count, times) = (number(2), number(3));
    let sheet = sheet(page(data::snapshot(count), None));
    let mut out = Vec::new();
    render(&sheet, &mut out);
    match arguments[1].as_str() {
        "render" => (0..times).for_each(|_| render(black_box(&sheet), black_box(&mut out))),
        "samples" => println!("{}", samples(&out)),
        "allocations" => {
            let ((), heap) = masternode_exporter_benches::allocations::measure(|| render(&sheet, &mut out));
            println!("{}", heap.allocations);
        }
        _ => panic!("{usage}"),
    }
}
