//! Exact search against a sort of all cosines.

use dyad::embedding::Embeddings;
use dyad::index::{Error, Exact, Flat, Hit, Index, RowSet, Settings, build, measure, measure_queries};
use dyad::kernel::dot;
use dyad::progress::Silent;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::clustered;

fn sorted(rows: &Embeddings, query: &[f32], k: usize, accept: Option<&RowSet>) -> Vec<usize> {
    let mut all: Vec<usize> = (0..rows.len()).filter(|&row| accept.is_none_or(|set| set.contains(row))).collect();
    // A stable sort: equal cosines stay in the order of rows.
    all.sort_by(|&a, &b| dot(query, rows.row(b)).total_cmp(&dot(query, rows.row(a))));
    all.truncate(k);
    all
}

fn numbers(hits: &[Hit]) -> Vec<usize> {
    hits.iter().map(|hit| hit.row).collect()
}

/// Rows with many twins among them.
fn with_twins(n: usize, dim: usize) -> Embeddings {
    let rows = clustered(n, dim, 9, 1);
    rows.select(&(0..n).map(|row| row % (n / 3).max(1)).collect::<Vec<_>>())
}

fn index_of(rows: &Embeddings) -> Flat {
    build(rows, [1; 32], &Settings { links: 4, build_beam: 8, serial: true }, &Silent).unwrap()
}

#[test]
fn it_is_what_a_sort_gives() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for (n, dim) in [(0, 3), (1, 1), (7, 2), (300, 5), (5000, 130)] {
        let rows = with_twins(n, dim);
        let index = Exact::new(&rows).unwrap();
        // By codes first: the same hits to the bit.
        let flat = index_of(&rows);
        let by_codes = Exact::of(&flat);
        let queries = clustered(3, dim, 2, 5);
        for k in [0, 1, 10, n, n + 5] {
            for share in [None, Some(0.0), Some(0.3)] {
                let set = share.map(|share: f64| RowSet::new(n, |_| rng.random_bool(share)));
                for query in (0..3).map(|i| queries.row(i)) {
                    let hits = index.search(query, k, set.as_ref()).unwrap();
                    assert_eq!(numbers(&hits), sorted(&rows, query, k, set.as_ref()), "n {n}, k {k}, share {share:?}");
                    assert_eq!(by_codes.search(query, k, set.as_ref()).unwrap(), hits, "n {n}, k {k}, share {share:?}");
                    assert!(
                        hits.iter().all(|hit| (hit.similarity.0 - dot(query, rows.row(hit.row)).clamp(-1.0, 1.0)).abs() < 1e-7)
                    );
                }
            }
        }
    }
}

#[test]
fn many_queries_at_once_give_what_each_gives() {
    let rows = with_twins(3000, 70);
    let index = Exact::new(&rows).unwrap();
    let queries = clustered(70, 70, 9, 1);
    let half = RowSet::new(rows.len(), |row| row % 2 == 0);
    for (k, accept) in [(0, None), (10, None), (10, Some(&half)), (4000, None)] {
        let all = index.search_all(&queries, k, accept).unwrap();
        assert_eq!(all.len(), queries.len());
        for (i, hits) in all.iter().enumerate() {
            assert_eq!(hits, &index.search(queries.row(i), k, accept).unwrap(), "query {i}");
        }
    }
}

/// From some thousand rows on the bar of each query is guessed from some of them, evenly spread: these are nearest to the first
/// query or farthest from it, so the guess is far off.
#[test]
fn a_wrong_guess_of_the_bar_misses_nothing() {
    let (n, dim, step) = (9000, 24, 9000 / 512);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let queries = clustered(20, dim, 9, 1);
    let to = queries.row(0);
    for toward in [0.0, 2.0, -2.0] {
        let tilted = |row: usize| if row.is_multiple_of(step) { toward } else { 0.0 };
        let rows = (0..n * dim).map(|i| tilted(i / dim) * to[i % dim] + rng.random_range(-0.5f32..0.5)).collect();
        let rows = Embeddings::from_rows(queries.space.clone(), dim, rows).unwrap();
        let index = Exact::new(&rows).unwrap();
        let most = RowSet::new(n, |row| row % 100 != 3);
        for (k, accept) in [(300, None), (600, None), (600, Some(&most))] {
            let all = index.search_all(&queries, k, accept).unwrap();
            for (i, hits) in all.iter().enumerate() {
                assert_eq!(numbers(hits), sorted(&rows, queries.row(i), k, accept), "query {i}, k {k}, {toward}");
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let rows = with_twins(20_000, 64);
    let queries = clustered(40, 64, 9, 3);
    let index = Exact::new(&rows).unwrap();
    let run = |threads: usize| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| (index.search(queries.row(0), 50, None).unwrap(), index.search_all(&queries, 20, None).unwrap()))
    };
    assert_eq!(run(1), run(3));
    let flat = index_of(&rows);
    assert_eq!(run(2).0, Exact::of(&flat).search(queries.row(0), 50, None).unwrap());
    assert_eq!(run(2).1, Exact::of(&flat).search_all(&queries, 20, None).unwrap());
}

#[test]
fn queries_of_another_length_are_refused() {
    let rows = clustered(10, 4, 2, 1);
    let index = Exact::new(&rows).unwrap();
    assert!(matches!(index.search(&[1.0; 3], 1, None), Err(Error::Dimension { expected: 4, found: 3 })));
    assert!(index.search_all(&clustered(2, 5, 1, 1), 1, None).is_err());
}

#[test]
fn its_recall_is_one() {
    let rows = with_twins(500, 16);
    let flat = index_of(&rows);
    let recall = measure(&Exact::of(&flat), &flat, 10, 100, 1).unwrap();
    assert_eq!((recall.value, recall.queries), (1.0, 100));
    let queries = clustered(20, 16, 3, 4);
    assert_eq!(measure_queries(&Exact::of(&flat), &flat, &queries, 10).unwrap().value, 1.0);
    let none = index_of(&Embeddings::empty(rows.space.clone(), 16));
    assert_eq!(measure(&Exact::of(&none), &none, 10, 100, 1).unwrap().value, 1.0);
}

/// Rows so near to each other that rounding to bytes would order them otherwise.
#[test]
fn rounding_to_bytes_changes_no_hit() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let near: Vec<f32> = (0..700).flat_map(|_| (0..33).map(|i| if i == 0 { 1.0 } else { 0.0 }).collect::<Vec<f32>>()).collect();
    let near: Vec<f32> = near.into_iter().map(|x| x + rng.random_range(-1e-3..1e-3)).collect();
    let rows = Embeddings::from_rows(clustered(1, 33, 1, 1).space, 33, near).unwrap();
    let (flat, exact) = (index_of(&rows), Exact::new(&rows).unwrap());
    let hits = exact.search(rows.row(5), 20, None).unwrap();
    assert_eq!(Exact::of(&flat).search(rows.row(5), 20, None).unwrap(), hits);
    assert_eq!(exact.search_all(&rows.select(&[5]), 20, None).unwrap(), [hits]);
}
