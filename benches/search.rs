//! Search beside a plain scan, in one run: `cargo bench --bench search -- [rows] [dimensions] [spread]`.
//!
//! Rows are clustered (spread: noise of a row in units of its centre; 0.6 is easy, 3 is hard). The plain scan is a loop of
//! multiply and add per row and a sort. One thread each, but for the build and the many queries at once.

use std::hint::black_box;
use std::time::Instant;

use dyad::embedding::{Embeddings, Modality, Space, Stage};
use dyad::index::{Exact, Hnsw, Index, RowSet, Settings, build, measure, measure_queries};
use dyad::kernel;
use dyad::progress::Silent;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn clustered(n: usize, dim: usize, spread: f32, seed: u64) -> Embeddings {
    let mut centres = ChaCha8Rng::seed_from_u64(1);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let clusters = 200;
    let centres: Vec<f32> = (0..clusters * dim).map(|_| centres.random_range(-1.0..1.0)).collect();
    let mut rows = Vec::with_capacity(n * dim);
    for _ in 0..n {
        let at = rng.random_range(0..clusters) * dim;
        rows.extend(centres[at..at + dim].iter().map(|x| x + rng.random_range(-spread..spread)));
    }
    Embeddings::from_rows(Space::new("m", Modality::Audio, Stage::Joint), dim, rows).expect("rows have a direction")
}

fn plain(rows: &Embeddings, query: &[f32], k: usize) -> Vec<(f32, usize)> {
    let score = |row: usize| (rows.row(row).iter().zip(query).map(|(a, b)| a * b).sum::<f32>(), row);
    let mut all: Vec<(f32, usize)> = (0..rows.len()).map(score).collect();
    all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    all.truncate(k);
    all
}

/// Queries a second, over at least `queries` and half a second.
fn rate(queries: &Embeddings, mut search: impl FnMut(&[f32])) -> f64 {
    let start = Instant::now();
    let mut done = 0;
    while start.elapsed().as_secs_f64() < 0.5 {
        search(queries.row(done % queries.len()));
        done += 1;
    }
    done as f64 / start.elapsed().as_secs_f64()
}

fn main() {
    let numbers: Vec<f64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let number = |i: usize, default: f64| numbers.get(i).copied().unwrap_or(default);
    let (n, dim, spread) = (number(0, 20_000.0) as usize, number(1, 128.0) as usize, number(2, 1.5) as f32);
    let k = 10;
    let rows = clustered(n, dim, spread, 2);
    let queries = clustered(500, dim, spread, 3);
    println!("{n} rows of {dim}, spread {spread}, k {k}, {}", kernel::Level::detect().name());
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");

    let reference = rate(&queries, |query| drop(black_box(plain(&rows, query, k))));
    let show = |what: &str, rate: f64, recall: f64| {
        println!("{what:<28} {rate:>10.0} queries/s  {:>7.1} × plain  recall {recall:.4}", rate / reference);
    };
    show("plain scan", reference, 1.0);
    let exact = Exact::new(&rows).expect("few enough rows");
    one_thread.install(|| show("exact", rate(&queries, |query| drop(black_box(exact.search(query, k, None)))), 1.0));
    one_thread.install(|| {
        let start = Instant::now();
        drop(black_box(exact.search_all(&queries, k, None)).expect("same dimension"));
        show("exact, 500 at once", queries.len() as f64 / start.elapsed().as_secs_f64(), 1.0);
    });

    let start = Instant::now();
    let flat = build(&rows, [0; 32], &Settings::default(), &Silent).expect("not stopped");
    let seconds = start.elapsed().as_secs_f64();
    let mib = |bytes: usize| bytes as f64 / (1 << 20) as f64;
    println!(
        "built in {seconds:.1} s, {} lost, {:.1} MiB, of it {:.1} graph",
        flat.lost(),
        mib(flat.bytes()),
        mib(flat.graph_bytes())
    );
    let exact = Exact::of(&flat);
    one_thread.install(|| show("exact by codes", rate(&queries, |query| drop(black_box(exact.search(query, k, None)))), 1.0));
    for beam in [16, 32, 48, 64, 96, 128, 192, 256] {
        let index = Hnsw::new(&flat).with_beam(beam);
        let recall = measure_queries(&index, &flat, &queries, k).expect("same dimension").value;
        one_thread.install(|| {
            show(&format!("hnsw, beam {beam}"), rate(&queries, |query| drop(black_box(index.search(query, k, None)))), recall)
        });
    }
    let index = Hnsw::new(&flat);
    for share in [0.5, 0.25, 0.1, 0.01, 0.001] {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let set = RowSet::new(n, |_| rng.random_bool(share));
        one_thread.install(|| {
            let scan = rate(&queries, |query| drop(black_box(exact.search(query, k, Some(&set)))));
            let walk = rate(&queries, |query| drop(black_box(index.search(query, k, Some(&set)))));
            println!("{:>5.1} % pass: exact {scan:.0}, hnsw {walk:.0} queries/s", share * 100.0);
        });
    }
    let stored = measure(&index, &flat, k, 500, 1).expect("same dimension");
    println!("recall@{k} measured on stored rows: {:.4}", stored.value);
}
