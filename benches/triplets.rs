//! Triplets beside a plain loop, in one run: `cargo bench --bench triplets -- [dimensions] [resamples]`.
//!
//! From vectors at hand to accuracy with its interval: enumerate, judge, bootstrap; the 434,116 triplets of the paper's
//! published code and the 242,312 strict ones of the ontology's leaves. The plain loop asks the ontology at each triplet,
//! takes two dot products a triplet, and goes through all triplets in each resample.

use std::hint::black_box;
use std::time::Instant;

use dyad::embedding::{Embeddings, Modality, Space, Stage};
use dyad::metric::{Bootstrap, Triplets};
use dyad::ontology::{Hops, Ontology, Triplet, bundled, released, triplets};
use dyad::progress::Silent;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn vectors(n: usize, dim: usize) -> Embeddings {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let rows = (0..n * dim).map(|_| random.random_range(-1.0..1.0)).collect();
    Embeddings::from_rows(Space::new("m", Modality::Text, Stage::Joint), dim, rows).expect("rows have a direction")
}

/// Every pair of pairs, the distance looked up at each.
fn plain_strict(ontology: &Ontology) -> Vec<Triplet> {
    let leaves = ontology.leaves();
    let mut all = Vec::new();
    for a in 0..leaves.len() {
        for p in 0..leaves.len() {
            for n in 0..leaves.len() {
                let near = ontology.hops(leaves[a], leaves[p]).filter(|&near| near > Hops(0));
                let far = ontology.hops(leaves[a], leaves[n]);
                if near.is_some_and(|near| far.is_none_or(|far| near < far)) {
                    all.push(Triplet { anchor: a as u32, positive: p as u32, negative: n as u32 });
                }
            }
        }
    }
    all
}

/// Accuracy, and that of each resample of the anchors.
fn plain_judge(vectors: &Embeddings, triplets: &[Triplet], resamples: usize) -> (f64, Vec<f64>) {
    let dot = |a: u32, b: u32| -> f32 { vectors.row(a as usize).iter().zip(vectors.row(b as usize)).map(|(x, y)| x * y).sum() };
    let right: Vec<bool> = triplets.iter().map(|t| dot(t.anchor, t.positive) > dot(t.anchor, t.negative)).collect();
    let share = |weights: &[u32]| {
        let (mut all, mut good) = (0u64, 0u64);
        for (triplet, &right) in triplets.iter().zip(&right) {
            let weight = u64::from(weights[triplet.anchor as usize]);
            all += weight;
            good += weight * u64::from(right);
        }
        good as f64 / all as f64
    };
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let sampled = (0..resamples).map(|_| {
        let mut weights = vec![0; vectors.len()];
        (0..vectors.len()).for_each(|_| weights[random.random_range(0..vectors.len())] += 1);
        share(&weights)
    });
    (share(&vec![1; vectors.len()]), sampled.collect())
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let dim = numbers.first().copied().unwrap_or(128);
    let resamples = numbers.get(1).copied().unwrap_or(1000);
    println!("vectors of {dim} dimensions, {resamples} resamples, {} threads", rayon::current_num_threads());
    for (tree, name, count) in [("hdio-ismir2024", "released", 434_116), ("hdio", "strict", 242_312)] {
        let ontology = bundled::ontology(tree).expect("a bundled ontology");
        let enumerate = || match name {
            "released" => {
                let all = released::enumerate(&ontology);
                (all.names.len(), all.triplets)
            }
            _ => {
                let leaves = ontology.leaves();
                (leaves.len(), triplets::strict(&ontology, &leaves))
            }
        };
        let vectors = vectors(enumerate().0, dim);

        // The first run pays for fresh memory.
        enumerate();
        let start = Instant::now();
        let (_, all) = enumerate();
        let enumerated = Instant::now();
        let cosines = vectors.cosines(&vectors).expect("one space");
        let indices: Vec<(u32, u32, u32)> = all.iter().map(|t| (t.anchor, t.positive, t.negative)).collect();
        let cosine = |a: u32, b: u32| f64::from(cosines.row(a as usize)[b as usize]);
        let judged = Triplets::new(vectors.len(), cosine, &indices).expect("triplets");
        let at = Instant::now();
        let sampled = Bootstrap { resamples, ..Bootstrap::default() }.estimate(&judged, None, &Silent).expect("an interval");
        let end = Instant::now();
        assert_eq!(judged.count(), count);

        let plain = Instant::now();
        let all = if name == "strict" { plain_strict(&ontology) } else { enumerate().1 };
        let plain_enumerated = Instant::now();
        let (accuracy, shares) = black_box(plain_judge(&vectors, &all, resamples));
        let plain_end = Instant::now();
        assert_eq!((all.len() as u64, shares.len()), (count, resamples));
        // The last bit of a cosine may differ between the two.
        assert!((accuracy - sampled.estimates[0].value).abs() < 1e-4, "{accuracy} {}", sampled.estimates[0].value);

        let ms = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1e3;
        println!("{count} {name} triplets of {} names", vectors.len());
        let line = |what: &str, plain: f64, own: f64| {
            println!("  {what:<22} plain {plain:>8.1} ms   dyad {own:>7.1} ms   {:>6.1} × plain", plain / own);
        };
        // The published rule is what it is: both enumerate it alike.
        line("enumerate", ms(plain, plain_enumerated), ms(start, enumerated));
        line("judge and bootstrap", ms(plain_enumerated, plain_end), ms(enumerated, at) + ms(at, end));
        println!("  {:<22} {:>40.1} ms", "  of that the bootstrap", ms(at, end));
        line("all", ms(plain, plain_end), ms(start, end));
    }
}
