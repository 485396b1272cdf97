//! The graph against exact search.

use std::sync::atomic::{AtomicU64, Ordering};

use dyad::embedding::Embeddings;
use dyad::index::{Draft, Error, Exact, Flat, Hnsw, Index, RowSet, Settings, build, measure};
use dyad::progress::{Progress, Silent};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::clustered;

/// Enough rows that a search walks.
const N: usize = 6000;

pub fn graph_of(rows: &Embeddings, serial: bool) -> Flat {
    let settings = Settings { links: 12, build_beam: 64, serial };
    build(rows, [7; 32], &settings, &Silent).unwrap()
}

#[test]
fn it_finds_nearly_all_and_every_row_finds_itself() {
    for clusters in [1, 60] {
        let rows = clustered(N, 24, clusters, 1);
        let graph = graph_of(&rows, false);
        assert_eq!(graph.lost(), 0);
        let index = Hnsw::new(&graph);
        let recall = measure(&index, &graph, 10, 300, 1).unwrap();
        assert!(recall.value > 0.97, "{clusters} clusters: recall {}", recall.value);
        let narrow = measure(&Hnsw::new(&graph).with_beam(12), &graph, 10, 300, 1).unwrap();
        assert!(narrow.value < recall.value, "a beam of 12 gives {}, so the walk is not what is measured", narrow.value);
        for row in (0..N).step_by(50) {
            assert_eq!(index.search(rows.row(row), 1, None).unwrap()[0].row, row);
        }
    }
}

#[test]
fn a_filter_is_kept_and_gives_as_many_as_there_are() {
    let rows = clustered(N, 24, 60, 2);
    let graph = graph_of(&rows, false);
    let (index, exact) = (Hnsw::new(&graph).with_beam(40), Exact::new(&rows).unwrap());
    let queries = clustered(100, 24, 60, 2);
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    for share in [0.9, 0.6, 0.5, 0.1, 0.01, 0.0] {
        let set = RowSet::new(N, |_| rng.random_bool(share));
        let (mut found, mut all) = (0, 0);
        for query in (0..queries.len()).map(|i| queries.row(i)) {
            let hits = index.search(query, 10, Some(&set)).unwrap();
            let truth = exact.search(query, 10, Some(&set)).unwrap();
            assert_eq!(hits.len(), truth.len());
            assert!(hits.iter().all(|hit| set.contains(hit.row)));
            found += truth.iter().filter(|hit| hits.contains(hit)).count();
            all += truth.len();
        }
        assert!(found as f64 >= 0.95 * f64::from(all as u32), "{share}: {found} of {all}");
    }
}

#[test]
fn a_filter_far_from_the_query_still_gives_k() {
    // What passes is one cluster, the query lies in another: the walk must cross the desert between them.
    let near = clustered(N, 16, 1, 1);
    let far = clustered(N, 16, 1, 99);
    let mut rows = near.clone();
    (0..N).for_each(|row| rows.push(far.row(row)).unwrap());
    let graph = graph_of(&rows, false);
    let index = Hnsw::new(&graph);
    let set = RowSet::new(rows.len(), |row| row >= N);
    assert_eq!(index.search(rows.row(0), 10, Some(&set)).unwrap().len(), 10);
}

#[test]
fn equal_rows_are_all_reached() {
    let one = clustered(1, 8, 1, 1);
    let rows = one.select(&vec![0; 4000]);
    let graph = graph_of(&rows, false);
    let hits = Hnsw::new(&graph).search(rows.row(0), 20, None).unwrap();
    assert_eq!(hits.len(), 20);
}

#[test]
fn small_and_empty_collections_are_searched_too() {
    for n in [0, 1, 2, 40] {
        let rows = clustered(n, 8, 3, 1);
        let graph = graph_of(&rows, false);
        let index = Hnsw::new(&graph);
        let query = clustered(1, 8, 1, 5);
        let hits = index.search(query.row(0), 10, None).unwrap();
        assert_eq!(hits, Exact::new(&rows).unwrap().search(query.row(0), 10, None).unwrap());
        assert_eq!(hits.len(), n.min(10));
    }
    assert!(matches!(
        Hnsw::new(&graph_of(&clustered(5, 8, 1, 1), true)).search(&[1.0; 7], 1, None),
        Err(Error::Dimension { .. })
    ));
}

#[test]
fn a_serial_build_gives_the_same_graph() {
    for n in [900, 21_000] {
        // The larger one is built in part by hnsw_rs; its other rows are added by all threads.
        let rows = clustered(n, 16, 10, 1);
        let bytes = |name: &str| {
            let dir = tempfile::tempdir().unwrap();
            let mut draft = Draft::new(Some(&dir.path().join(name)), n, 16, [7; 32], 4).unwrap();
            draft.push(&(0..n as u64).collect::<Vec<_>>(), rows.rows()).unwrap();
            draft.build(&Settings { links: 4, build_beam: 8, serial: true }, &Silent).unwrap();
            std::fs::read(dir.path().join(name)).unwrap()
        };
        assert!(bytes("a") == bytes("b"), "{n} rows");
    }
}

/// Asks to stop after so many rows.
struct StopAfter(u64, AtomicU64);

impl Progress for StopAfter {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, n: u64) {
        self.1.fetch_add(n, Ordering::SeqCst);
    }
    fn end(&self) {}
    fn cancelled(&self) -> bool {
        self.1.load(Ordering::SeqCst) >= self.0
    }
}

#[test]
fn a_build_can_be_stopped_in_each_stage() {
    let rows = clustered(1500, 16, 10, 1);
    for after in [0, 10, 1000, 1600, 2900] {
        let progress = StopAfter(after, AtomicU64::new(0));
        let result = build(&rows, [0; 32], &Settings { build_beam: 32, ..Settings::default() }, &progress);
        assert!(matches!(result, Err(Error::Cancelled)), "after {after}");
        // Each thread may be in the middle of one row.
        assert!(progress.1.into_inner() <= after + 8);
    }
}

/// Rows that come and go after the build: found, not found, and still well searched.
#[test]
fn a_graph_grows_and_forgets() {
    let rows = clustered(N + 600, 24, 60, 1);
    let first = rows.select(&(0..N).collect::<Vec<_>>());
    let old = graph_of(&first, false);
    let gone: Vec<usize> = (0..N).step_by(20).collect();
    assert!(!old.worn(600, gone.len()) && old.worn(N, 0) && old.worn(0, N / 2));
    let mut draft = Draft::from(&old, None, [8; 32], &gone, 600).unwrap();
    let fresh: Vec<u64> = (N as u64..N as u64 + 600).collect();
    draft.push(&fresh, &rows.rows()[N * 24..]).unwrap();
    let flat = draft.grow(&old, &Silent).unwrap();
    assert_eq!((flat.len(), flat.stored(), flat.added(), flat.lost()), (N + 600 - gone.len(), N + 600, 600, 0));
    assert!(flat.worn(0, N / 6), "what changed before counts too");
    let index = Hnsw::new(&flat);
    assert!(measure(&index, &flat, 10, 300, 1).unwrap().value > 0.97);
    for row in (N..N + 600).step_by(7) {
        assert_eq!(index.search(rows.row(row), 1, None).unwrap()[0].row, row);
        assert_eq!(flat.row_of(row as u64), Some(row));
    }
    for &row in &gone {
        assert!(index.search(rows.row(row), 5, None).unwrap().iter().all(|hit| !gone.contains(&hit.row)));
        assert_eq!(flat.row_of(row as u64), None);
    }
    assert_eq!(Exact::of(&flat).search(rows.row(0), 2 * N, None).unwrap().len(), flat.len());
    // Once more, from what has grown.
    let mut draft = Draft::from(&flat, None, [9; 32], &[1], 0).unwrap();
    draft.push(&[], &[]).unwrap();
    let again = draft.grow(&flat, &Silent).unwrap();
    assert_eq!((again.len(), again.added()), (flat.len() - 1, 600));
}
