//! The file of a graph: kept, replaced, stale, foreign, damaged, hostile.

use std::fs;

use dyad::index::{Error, Exact, Graph, Hnsw, Index};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::clustered;
use super::graph::graph_of;

const IDENTITY: [u8; 32] = [7; 32];

#[test]
fn what_was_saved_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.graph");
    assert!(Graph::load(&path, &IDENTITY).unwrap().is_none());
    for n in [0, 1, 900] {
        let graph = graph_of(&clustered(n, 8, 3, 1), true);
        graph.save(&path).unwrap();
        assert_eq!(Graph::load(&path, &IDENTITY).unwrap().as_ref(), Some(&graph));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    assert!(matches!(Graph::load(&path, &[8; 32]), Err(Error::Stale { .. })));
    let missing = dir.path().join("no/such/folder/a.graph");
    assert!(matches!(graph_of(&clustered(3, 8, 1, 1), true).save(&missing), Err(Error::Io { .. })));
}

#[test]
fn damage_and_foreign_files_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.graph");
    graph_of(&clustered(60, 8, 3, 1), true).save(&path).unwrap();
    let good = fs::read(&path).unwrap();
    for cut in [0, 5, 12, 40, 100, good.len() - 1] {
        fs::write(&path, &good[..cut]).unwrap();
        let error = Graph::load(&path, &IDENTITY).unwrap_err();
        assert!(
            if cut < 12 { matches!(error, Error::Foreign { .. }) } else { matches!(error, Error::Damaged { .. }) },
            "{error}"
        );
    }
    for byte in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[byte] ^= 4;
        fs::write(&path, &bad).unwrap();
        let error = Graph::load(&path, &IDENTITY).unwrap_err();
        assert!(
            if byte < 12 { matches!(error, Error::Foreign { .. }) } else { matches!(error, Error::Damaged { .. }) },
            "{error}"
        );
    }
}

/// A graph without a single link hides every row but one; a search gives what was asked for all the same.
#[test]
fn rows_that_a_graph_hides_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.graph");
    let rows = clustered(400, 8, 3, 1);
    graph_of(&rows, true).save(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let (tables, end) = (76, bytes.len() - 32);
    // Layer 0 has 12 × 2 + 4 places a row, and a count.
    bytes[tables..tables + 400 * 29 * 4].fill(0);
    let sum = blake3::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(sum.as_bytes());
    fs::write(&path, &bytes).unwrap();
    let graph = Graph::load(&path, &IDENTITY).unwrap().unwrap();
    let hits = Hnsw::new(&graph, &rows).unwrap().with_beam(1).search(rows.row(3), 5, None).unwrap();
    assert_eq!(hits, Exact::new(&rows).unwrap().search(rows.row(3), 5, None).unwrap());
}

/// Bytes that were changed and given a right checksum again must load as an error or as a graph that can be searched.
#[test]
fn hostile_bytes_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.graph");
    let rows = clustered(400, 8, 3, 1);
    graph_of(&rows, true).save(&path).unwrap();
    let good = fs::read(&path).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut refused, mut searched) = (0, 0);
    for trial in 0..3000 {
        let mut bad = good[..good.len() - 32].to_vec();
        for _ in 0..rng.random_range(1..4) {
            // The header more often than the tables.
            let end = if trial % 2 == 0 { 80 } else { bad.len() };
            let at = rng.random_range(12..end - 4);
            let value: u32 = [0, 1, 399, 400, u32::MAX, rng.random(), rng.random_range(0..500)][rng.random_range(0..7)];
            bad[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        if rng.random_range(0..9) == 0 {
            bad.truncate(rng.random_range(12..bad.len()));
        }
        let sum = blake3::hash(&bad);
        bad.extend_from_slice(sum.as_bytes());
        fs::write(&path, &bad).unwrap();
        match Graph::load(&path, &IDENTITY) {
            Ok(Some(graph)) => {
                if let Ok(index) = Hnsw::new(&graph, &rows) {
                    assert_eq!(index.with_beam(1).search(rows.row(3), 5, None).unwrap().len(), 5);
                    searched += 1;
                }
            }
            Ok(None) => panic!("the file is there"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 500 && searched > 500, "{refused} refused, {searched} searched");
}
