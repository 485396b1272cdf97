//! The file of an index: kept, replaced, stale, foreign, damaged, hostile.

use std::fs;
use std::path::Path;

use dyad::embedding::Embeddings;
use dyad::index::{Draft, Error, Exact, Flat, Hnsw, Index, Settings};
use dyad::progress::Silent;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::clustered;

const IDENTITY: [u8; 32] = [7; 32];
/// The parts of a file begin at multiples of it.
const PAGE: usize = 4096;
/// The head's bytes that are checked: numbers, identity, checksum.
const HEAD: usize = 136;

fn save(rows: &Embeddings, path: &Path) -> Result<Flat, Error> {
    let settings = Settings { links: 6, build_beam: 24, serial: true };
    let mut draft = Draft::new(Some(path), rows.len(), rows.dim(), IDENTITY, settings.links)?;
    for start in (0..rows.len()).step_by(100) {
        let some: Vec<usize> = (start..rows.len().min(start + 100)).collect();
        draft.push(&some.iter().map(|&row| 3 * row as u64).collect::<Vec<_>>(), rows.select(&some).rows())?;
    }
    draft.build(&settings, &Silent)
}

fn open(path: &Path) -> Result<Flat, Error> {
    Flat::open(path, &IDENTITY).map(|flat| flat.expect("the file is there"))
}

#[test]
fn what_was_saved_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/a.flat");
    assert!(Flat::open(&path, &IDENTITY).unwrap().is_none());
    for n in [0, 1, 900] {
        let rows = clustered(n, 8, 3, 1);
        save(&rows, &path).unwrap();
        let flat = open(&path).unwrap();
        assert_eq!((flat.len(), flat.dim(), flat.rows().unwrap()), (n, 8, rows.rows()));
        assert!(flat.seqs().iter().enumerate().all(|(row, &seq)| seq == 3 * row as u64));
        for row in (0..n).step_by(90) {
            let hits = Hnsw::new(&flat).search(rows.row(row), 7, None).unwrap();
            assert_eq!(hits, Exact::new(&rows).unwrap().search(rows.row(row), 7, None).unwrap());
            assert_eq!((flat.row_of(3 * row as u64), flat.row_of(3 * row as u64 + 1)), (Some(row), None));
        }
    }
    assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 1, "nothing is left beside it");
    assert!(matches!(Flat::open(&path, &[8; 32]), Err(Error::Stale { .. })));
    assert!(Flat::open_any(&path).unwrap().is_some_and(|flat| *flat.identity() == IDENTITY));
    fs::write(dir.path().join("file"), "").unwrap();
    assert!(matches!(save(&clustered(3, 8, 1, 1), &dir.path().join("file/a.flat")), Err(Error::Io { .. })));
}

#[test]
fn what_is_not_finished_leaves_the_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.flat");
    save(&clustered(40, 8, 3, 1), &path).unwrap();
    let mut draft = Draft::new(Some(&path), 50, 8, IDENTITY, 6).unwrap();
    assert!(matches!(draft.push(&[1], &[0.5; 7]), Err(Error::OtherRows { .. })));
    assert!(matches!(draft.push(&[0; 51], &[0.5; 51 * 8]), Err(Error::OtherRows { .. })));
    drop(draft);
    let short = Draft::new(Some(&path), 50, 8, IDENTITY, 6).unwrap();
    assert!(matches!(short.build(&Settings::default(), &Silent), Err(Error::OtherRows { .. })));
    assert_eq!((open(&path).unwrap().len(), fs::read_dir(dir.path()).unwrap().count()), (40, 1));
    assert!(matches!(Draft::new(None, usize::MAX, 8, IDENTITY, 6), Err(Error::TooMany { .. })));
    assert!(matches!(Draft::new(None, 1, 1 << 20, IDENTITY, 6), Err(Error::Wide { .. })));
}

#[test]
fn an_open_index_lives_on_when_its_file_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.flat");
    let rows = clustered(500, 8, 3, 1);
    save(&rows, &path).unwrap();
    let old = open(&path).unwrap();
    save(&clustered(20, 8, 3, 2), &path).unwrap();
    assert_eq!(Hnsw::new(&old).search(rows.row(499), 1, None).unwrap()[0].row, 499);
    assert_eq!(open(&path).unwrap().len(), 20);
}

/// Every region of the file: a flipped bit is noticed when it is opened or searched, or the hits are what they were.
#[test]
fn damage_is_noticed_or_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.flat");
    let rows = clustered(120, 8, 3, 1);
    save(&rows, &path).unwrap();
    let good = fs::read(&path).unwrap();
    let expected: Vec<_> = (0..6).map(|i| Exact::new(&rows).unwrap().search(rows.row(20 * i), 120, None).unwrap()).collect();
    for cut in [0, 5, 12, 40, 100, HEAD, PAGE, PAGE + 9, good.len() / 2, good.len() - 1] {
        fs::write(&path, &good[..cut]).unwrap();
        let error = open(&path).unwrap_err();
        let right = if cut < 12 { matches!(error, Error::Foreign { .. }) } else { matches!(error, Error::Damaged { .. }) };
        assert!(right, "cut at {cut}: {error}");
    }
    let (mut at_once, mut later, mut harmless) = (0, 0, 0);
    for byte in (0..HEAD).chain((HEAD..good.len()).step_by(11)) {
        let mut bad = good.clone();
        bad[byte] ^= 4;
        fs::write(&path, &bad).unwrap();
        match open(&path) {
            Err(error) => {
                let right =
                    if byte < 12 { matches!(error, Error::Foreign { .. }) } else { matches!(error, Error::Damaged { .. }) };
                assert!(right, "byte {byte}: {error}");
                at_once += 1;
            }
            Ok(flat) => {
                let found = || -> Result<Vec<_>, Error> {
                    (0..6).map(|i| Exact::of(&flat).search(rows.row(20 * i), 120, None)).collect()
                };
                match found() {
                    Err(error) => {
                        assert!(matches!(error, Error::Damaged { .. }), "byte {byte}: {error}");
                        later += 1;
                    }
                    Ok(found) => {
                        assert_eq!(found, expected, "byte {byte} changes the hits, and nobody notices");
                        harmless += 1;
                    }
                }
            }
        }
    }
    assert!(at_once >= HEAD && later > 500 && harmless > 100, "{at_once} at once, {later} later, {harmless} harmless");
}

#[test]
fn a_damaged_row_is_noticed_by_a_walk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.flat");
    let rows = clustered(9000, 8, 1, 1);
    save(&rows, &path).unwrap();
    let good = fs::read(&path).unwrap();
    let numbers = good.len() / PAGE * PAGE;
    let at = good.windows(32).rposition(|bytes| bytes == bytemuck::cast_slice::<f32, u8>(rows.row(77))).unwrap();
    assert!(at < numbers);
    let mut bad = good.clone();
    bad[at] ^= 1;
    fs::write(&path, &bad).unwrap();
    let flat = open(&path).unwrap();
    let walk = |row: usize| Hnsw::new(&flat).with_beam(12).search(rows.row(row), 1, None);
    assert!(matches!(walk(77), Err(Error::Damaged { .. })) && matches!(flat.row(77), Err(Error::Damaged { .. })));
    assert!(flat.rows().is_err() && Exact::of(&flat).search_all(&rows.select(&[0]), 1, None).is_err());
    assert!(Draft::from(&flat, None, IDENTITY, &[], 0).is_err(), "damage does not come into the next index");
}

/// A graph without a single link hides every row but one; a search gives what was asked for all the same.
#[test]
fn rows_that_a_graph_hides_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.flat");
    let rows = clustered(400, 8, 3, 1);
    save(&rows, &path).unwrap();
    forge(&path, |_, lines, _| lines.fill(0));
    let flat = open(&path).unwrap();
    let hits = Hnsw::new(&flat).with_beam(1).search(rows.row(3), 5, None).unwrap();
    assert_eq!(hits, Exact::new(&rows).unwrap().search(rows.row(3), 5, None).unwrap());
}

/// Bytes that were changed and given right checksums again must give an error or an index that can be searched.
#[test]
fn hostile_bytes_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.flat");
    let rows = clustered(400, 8, 3, 1);
    save(&rows, &path).unwrap();
    let good = fs::read(&path).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut refused, mut searched) = (0, 0);
    for trial in 0..750 {
        fs::write(&path, &good).unwrap();
        forge(&path, |head, lines, upper| {
            let value = [0, 1, 399, 400, u32::MAX, rng.random(), rng.random_range(0..500)][rng.random_range(0..7)];
            match trial % 3 {
                0 => {
                    let at = rng.random_range(12..HEAD - 36);
                    head[at..at + 4].copy_from_slice(&value.to_ne_bytes());
                }
                1 => (0..40).for_each(|_| lines[rng.random_range(0..lines.len())] = value),
                _ => {
                    let at = rng.random_range(0..upper.len() - 4);
                    upper[at..at + 4].copy_from_slice(&value.to_ne_bytes());
                }
            }
        });
        match Flat::open_any(&path) {
            Ok(Some(flat)) => {
                if flat.dim() == 8 && flat.len() == 400 {
                    assert_eq!(Hnsw::new(&flat).with_beam(1).search(rows.row(3), 5, None).unwrap().len(), 5);
                    searched += 1;
                } else {
                    let _ = Hnsw::new(&flat).search(&vec![0.5; flat.dim()], 5, None);
                }
            }
            Ok(None) => panic!("the file is there"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100 && searched > 300, "{refused} refused, {searched} searched");
}

/// Changes head, lines and upper layers of a file of 400 rows of 8 numbers with 6 links, and makes its checksums right.
fn forge(path: &Path, change: impl FnOnce(&mut [u8], &mut [u32], &mut [u8])) {
    const ROWS: usize = 400;
    const STRIDE: usize = 2 * 6 + 4 + 1;
    let mut bytes = fs::read(path).unwrap();
    let mut at = PAGE;
    let mut part = |size: usize| {
        let start = at;
        at = (at + size * ROWS).next_multiple_of(PAGE);
        start..start + size * ROWS
    };
    let (seqs, scales, errors, hot, _cold) = (part(8), part(4), part(4), part(4), part(4));
    let (lines, codes, _numbers) = (part(4 * STRIDE), part(8), part(32));
    let (front, upper) = bytes.split_at_mut(at);
    let mut cells: Vec<u32> = bytemuck::cast_slice(&front[lines.clone()]).to_vec();
    change(&mut front[..PAGE], &mut cells, upper);
    front[lines.clone()].copy_from_slice(bytemuck::cast_slice(&cells));
    for row in 0..ROWS {
        let of = |range: &std::ops::Range<usize>, size: usize| range.start + size * row..range.start + size * (row + 1);
        let all = [of(&seqs, 8), of(&scales, 4), of(&errors, 4), of(&lines, 4 * STRIDE), of(&codes, 8)];
        let all: Vec<u8> = all.into_iter().flat_map(|range| front[range].to_vec()).collect();
        front[of(&hot, 4)].copy_from_slice(&crc32fast::hash(&all).to_ne_bytes());
    }
    let sum = *blake3::Hasher::new().update(&front[..104]).update(upper).finalize().as_bytes();
    front[104..136].copy_from_slice(&sum);
    fs::write(path, bytes).unwrap();
}

/// A file of version 1 as it was once written opens for ever, or is told to be of another version.
#[test]
fn a_file_of_version_1_opens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/index-1.flat");
    let rows = clustered(30, 8, 3, 1);
    if std::env::var_os("DYAD_BLESS").is_some() {
        save(&rows, &path).unwrap();
    }
    let flat = open(&path).unwrap();
    assert_eq!((flat.len(), flat.dim(), flat.parameters()), (30, 8, (6, 24)));
    assert_eq!(flat.rows().unwrap(), rows.rows());
    assert_eq!(Hnsw::new(&flat).search(rows.row(4), 1, None).unwrap()[0].row, 4);
}
