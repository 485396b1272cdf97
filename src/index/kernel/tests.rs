//! Every path against the portable one, at every length and alignment.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn lengths() -> impl Iterator<Item = usize> {
    (0..200).chain([255, 384, 511, 512, 513, 1024, 2049])
}

#[test]
fn every_path_gives_the_dot_product() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for n in lengths() {
        for offset in [0, 1, 3] {
            let a: Vec<f32> = (0..n + offset).map(|_| rng.random_range(-1.0..1.0)).collect();
            let b: Vec<f32> = (0..n + offset).map(|_| rng.random_range(-1.0..1.0)).collect();
            let (a, b) = (&a[offset..], &b[offset..]);
            let exact: f64 = a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            let size: f64 = a.iter().zip(b).map(|(&x, &y)| (f64::from(x) * f64::from(y)).abs()).sum();
            for level in Level::all() {
                let found = dot_at(level, a, b);
                assert!((f64::from(found) - exact).abs() <= 1e-6 * size, "{level:?}, {n} numbers: {found} for {exact}");
            }
            assert_eq!(dot(a, b).to_bits(), dot_at(Level::detect(), a, b).to_bits());
            if Level::all().contains(&Level::Avx512) {
                assert_eq!(dot_at(Level::Avx2, a, b).to_bits(), dot_at(Level::Avx512, a, b).to_bits());
            }
        }
    }
}

#[test]
fn every_path_gives_the_sums_of_codes() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for n in lengths() {
        for offset in [0, 1, 5] {
            // The extremes too: they are where a narrow sum would overflow.
            let extreme = rng.random_bool(0.2);
            let code = |rng: &mut ChaCha8Rng| if extreme { [0, 1, 255][rng.random_range(0..3)] } else { rng.random() };
            let query: Vec<i8> = (0..n + offset).map(|_| if extreme { -127 } else { rng.random_range(-127..=127) }).collect();
            let matrix: Vec<u8> = (0..4 * n + offset).map(|_| code(&mut rng)).collect();
            let (query, matrix) = (&query[offset..], &matrix[offset..]);
            let rows = [2, 0, 3, 3, 4, u32::MAX, 1];
            let row = |i: usize| &matrix[i * n..(i + 1) * n];
            let by_hand = |row: &[u8]| query.iter().zip(row).map(|(&q, &c)| i64::from(q) * i64::from(c)).sum::<i64>() as i32;
            let expected = [by_hand(row(2)), by_hand(row(0)), by_hand(row(3)), by_hand(row(3)), 0, 0, by_hand(row(1))];
            for level in Level::all() {
                let mut sums = vec![7];
                gather_at(level, query, matrix, &rows, &mut sums);
                assert_eq!(sums, expected, "{level:?}, {n} codes");
            }
            assert_eq!(dot_codes(query, row(1)), by_hand(row(1)));
            let pair: i64 = row(0).iter().zip(row(1)).map(|(&a, &b)| (i64::from(a) - 128) * (i64::from(b) - 128)).sum();
            assert_eq!(i64::from(dot_rows(row(0), row(1))), pair);
            #[cfg(target_arch = "x86_64")]
            if Level::all().contains(&Level::Avx2) {
                // SAFETY: just checked; the rows have one length.
                unsafe {
                    assert_eq!(i64::from(x86::dot_rows_avx2(row(0), row(1))), pair);
                    assert_eq!(x86::dot_codes_avx2(query, row(1)), by_hand(row(1)));
                }
            }
        }
    }
}

#[test]
fn every_path_gives_the_sums_of_a_panel() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for dim in (4..140).step_by(4).chain([512, 1024]) {
        let queries: Vec<i8> = (0..QUERIES * dim).map(|_| rng.random_range(-127..=127)).collect();
        let block: Vec<u8> = (0..PANEL * dim).map(|_| rng.random()).collect();
        for level in Level::all() {
            let mut sums = [[1; PANEL]; QUERIES];
            panel_at(level, &queries, &block, &mut sums);
            for (q, sums) in sums.iter().enumerate() {
                for (r, &sum) in sums.iter().enumerate() {
                    let code = |i: usize| i32::from(block[i / GROUP * GROUP * PANEL + r * GROUP + i % GROUP]);
                    let expected: i32 = (0..dim).map(|i| i32::from(queries[q * dim + i]) * code(i)).sum();
                    assert_eq!(sum, expected, "{level:?}, {dim} codes, query {q}, row {r}");
                }
            }
        }
    }
    let mut sums = [[1; PANEL]; QUERIES];
    panel(&[1; 3], &[1; 64], &mut sums);
    assert_eq!(sums, [[0; PANEL]; QUERIES], "what does not fit is not read");
}

#[test]
fn unequal_and_empty_slices_do_no_harm() {
    assert_eq!(dot(&[1.0, 2.0], &[3.0]), 3.0);
    assert_eq!(dot(&[], &[]), 0.0);
    assert_eq!((dot_codes(&[2, 3], &[4]), dot_rows(&[129], &[130, 7])), (8, 2));
    prefetch::<f32>(&[]);
}

#[test]
fn mapped_bytes_are_those_of_the_file() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(10_000).unwrap();
    let mut draft = Map::draft(&file).unwrap();
    draft[9_999] = 7;
    draft.flush().unwrap();
    let map = Map::finished(draft).unwrap();
    assert_eq!((map.bytes().len(), map.bytes()[9_999]), (10_000, 7));
    assert_eq!(Map::of(&file).unwrap().bytes(), map.bytes());
    assert!(Map::blank(0).is_ok() && Map::blank(5 << 20).unwrap().iter().all(|&byte| byte == 0));
}
