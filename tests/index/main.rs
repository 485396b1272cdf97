//! Search from outside: exact against a plain sort, the graph against exact search, its file against hostile bytes.

mod exact;
mod file;
mod graph;

use dyad::embedding::{Embeddings, Modality, Space, Stage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// `n` rows around `clusters` centres.
fn clustered(n: usize, dim: usize, clusters: usize, seed: u64) -> Embeddings {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let centres: Vec<f32> = (0..clusters * dim).map(|_| rng.random_range(-1.0..1.0)).collect();
    let mut rows = Vec::with_capacity(n * dim);
    for _ in 0..n {
        let centre = rng.random_range(0..clusters) * dim;
        rows.extend(centres[centre..centre + dim].iter().map(|x| x + rng.random_range(-0.6..0.6)));
    }
    Embeddings::from_rows(Space::new("m", Modality::Audio, Stage::Joint), dim, rows).unwrap()
}
