//! Every path against the portable one, at every length and alignment.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::panel::{codes_at, panel_at};
use super::*;

/// All of these; under Miri, which takes a thousand times as long, one in `every`.
fn some<T>(all: impl IntoIterator<Item = T>, every: usize) -> impl Iterator<Item = T> {
    all.into_iter().step_by(if cfg!(miri) { every } else { 1 })
}

fn lengths() -> impl Iterator<Item = usize> {
    some((0..200).chain([255, 384, 511, 512, 513, 1024, 2049]), 29)
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
            // Whatever this processor has, it gives the bits that the others with fused steps give.
            let mut lanes = [0.0f32; LANES];
            a.iter().zip(b).enumerate().for_each(|(i, (x, y))| lanes[i % LANES] = x.mul_add(*y, lanes[i % LANES]));
            let sixteen = std::array::from_fn(|i| (lanes[i] + lanes[i + 16]) + (lanes[i + 32] + lanes[i + 48]));
            for level in Level::all().into_iter().filter(|&level| level != Level::Portable) {
                assert_eq!(dot_at(level, a, b).to_bits(), portable::add_up(sixteen).to_bits(), "{level:?}, {n} numbers");
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
                    assert_eq!(i64::from(avx2::dot_rows(row(0), row(1))), pair);
                    assert_eq!(avx2::dot_codes(query, row(1)), by_hand(row(1)));
                }
            }
        }
    }
}

#[test]
fn a_scan_gives_what_its_rows_give() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    for n in lengths() {
        for rows in some([0, 1, 2, 3, 4, 5, 6, 7, 9], 4) {
            let query: Vec<f32> = (0..n).map(|_| rng.random_range(-1.0..1.0)).collect();
            // A row that is cut at the end is none; memory at any place.
            let matrix: Vec<f32> = (0..rows * n + n / 2).map(|_| rng.random_range(-1.0..1.0)).collect();
            let codes: Vec<i8> = (0..n).map(|_| rng.random_range(-127..=127)).collect();
            let bytes: Vec<u8> = (0..rows * n + n / 2).map(|_| rng.random()).collect();
            let (matrix, bytes) = (&matrix[1.min(n / 2)..], &bytes[1.min(n / 2)..]);
            let count = if n == 0 { 0 } else { rows };
            for level in Level::all() {
                let (mut products, mut sums) = (vec![7.0], vec![7]);
                scan_at(level, &query, matrix, &mut products);
                scan_codes_at(level, &codes, bytes, &mut sums);
                assert_eq!((products.len(), sums.len()), (count, count), "{level:?}, {rows} rows of {n}");
                if count >= 4 {
                    let four = std::array::from_fn(|r| &matrix[r * n..(r + 1) * n]);
                    assert_eq!(
                        dot_four_at(level, &query, four).map(f32::to_bits)[..],
                        products.iter().map(|x| x.to_bits()).collect::<Vec<_>>()[..4]
                    );
                    let cut = [four[0], &four[1][..n - 1], four[2], four[3]];
                    assert_eq!(dot_four_at(level, &query, cut)[1], dot_at(level, &query, cut[1]), "a shorter row is no harm");
                }
                for row in 0..count {
                    let expected = dot_at(level, &query, &matrix[row * n..(row + 1) * n]);
                    assert_eq!(products[row].to_bits(), expected.to_bits(), "{level:?}, row {row} of {rows}, {n} numbers");
                    assert_eq!(sums[row], portable::dot_codes(&codes, &bytes[row * n..(row + 1) * n]), "{level:?}, {n} codes");
                }
            }
        }
    }
}

/// The sums of a panel of 16 rows with 8 queries, given as whole numbers that fit the codes of the level.
fn panel_of(level: Level, queries: &[Vec<i32>], rows: &[Vec<i32>]) -> [[i32; PANEL]; QUERIES] {
    let bytes = |numbers: &Vec<i32>| -> Vec<u8> {
        let mut codes: Vec<u8> = match codes_at(level) {
            Codes::Bytes => numbers.iter().map(|&number| number as u8).collect(),
            Codes::Words => numbers.iter().flat_map(|&number| (number as i16).to_ne_bytes()).collect(),
        };
        codes.resize(codes.len().next_multiple_of(GROUP), 0);
        codes
    };
    let asked: Vec<u8> = queries.iter().flat_map(bytes).collect();
    let mut block = vec![0; PANEL * asked.len() / QUERIES];
    rows.iter().enumerate().for_each(|(at, row)| place(&bytes(row), at, &mut block));
    let mut sums = [[1; PANEL]; QUERIES];
    panel_at(level, &asked, &block, &mut sums);
    sums
}

#[test]
fn every_path_gives_the_sums_of_a_panel() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for dim in some((1..140).chain([512, 1023, 1024]), 41) {
        for level in Level::all() {
            let (row, query) = match codes_at(level) {
                Codes::Bytes => (0..=255, -127..=127),
                // As large as the sums of so many allow.
                Codes::Words => {
                    let most = ((f64::from(i32::MAX) / dim as f64).sqrt() as i32).min(i32::from(i16::MAX));
                    (-most..=most, -most..=most)
                }
            };
            let mut some =
                |range: &std::ops::RangeInclusive<i32>| (0..dim).map(|_| rng.random_range(range.clone())).collect::<Vec<_>>();
            let mut queries: Vec<Vec<i32>> = (0..QUERIES).map(|_| some(&query)).collect();
            let mut rows: Vec<Vec<i32>> = (0..PANEL).map(|_| some(&row)).collect();
            (queries[1], rows[3]) = (vec![*query.end(); dim], vec![*row.end(); dim]);
            (queries[2], rows[15]) = (vec![*query.start(); dim], vec![*row.start(); dim]);
            let sums = panel_of(level, &queries, &rows);
            for (query, sums) in queries.iter().zip(&sums) {
                let expected: Vec<i32> = rows.iter().map(|row| row.iter().zip(query).map(|(a, b)| a * b).sum()).collect();
                assert_eq!(sums[..], expected, "{level:?}, {dim} codes");
            }
        }
    }
    let mut sums = [[1; PANEL]; QUERIES];
    panel(&[1; 3], &[1; 64], &mut sums);
    assert_eq!(sums, [[0; PANEL]; QUERIES], "what does not fit is not read");
}

/// Numbers that a rule of their own may hold for: tiny ones, zeros of both signs, large ones, one number all along.
fn odd_numbers(n: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<f32>> {
    let denormal = |rng: &mut ChaCha8Rng| f32::from_bits(rng.random_range(1..1 << 23) | rng.random_range(0..2u32) << 31);
    vec![
        vec![0.0; n],
        (0..n).map(|i| if i % 2 == 0 { 0.0 } else { -0.0 }).collect(),
        vec![0.25; n],
        vec![-1.0; n],
        vec![f32::MIN_POSITIVE / 4.0; n],
        (0..n).map(|_| denormal(rng)).collect(),
        (0..n).map(|i| if i % 3 == 0 { denormal(rng) } else { rng.random_range(-1.0..1.0) }).collect(),
        (0..n).map(|_| rng.random_range(-1e17..1e17)).collect(),
    ]
}

#[test]
fn every_path_takes_denormals_zeros_and_rows_of_one_number() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    for n in some([1, 15, 16, 63, 64, 65, 127, 512, 513], 3) {
        let rows = odd_numbers(n, &mut rng);
        for (a, b) in rows.iter().flat_map(|a| rows.iter().map(move |b| (a, b))) {
            let product = |(&x, &y): (&f32, &f32)| f64::from(x) * f64::from(y);
            let exact: f64 = a.iter().zip(b).map(product).sum();
            let size: f64 = a.iter().zip(b).map(|pair| product(pair).abs()).sum();
            let plain = dot_at(Level::Portable, a, b);
            for level in Level::all() {
                let found = dot_at(level, a, b);
                // Where a product is below what an f32 can say, each number may lose the smallest one.
                let most = 1e-6 * size + n as f64 * f64::from(f32::from_bits(1));
                assert!((f64::from(found) - exact).abs() <= most, "{level:?}, {n} numbers: {found} for {exact}");
                assert!((f64::from(found) - f64::from(plain)).abs() <= 2.0 * most, "{level:?}, {n} numbers: {found}, {plain}");
                assert_eq!(found.to_bits(), dot_at(level, b, a).to_bits(), "{level:?}: the order is none");
            }
        }
        for level in Level::all() {
            let found = dot_at(level, &rows[4], &rows[2]);
            assert_eq!(found, n as f32 * (f32::MIN_POSITIVE / 16.0), "{level:?}: nothing is flushed to zero");
        }
    }
}

#[test]
fn every_path_tells_the_same_rows_that_may_reach_a_bar() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for _ in some(0..500, 100) {
        let (mut scales, mut errors) = ([0.0; PANEL], [0.0; PANEL]);
        for i in 0..PANEL {
            (scales[i], errors[i]) = (rng.random_range(1e-4..1e-2), rng.random_range(0.0..0.02));
        }
        let sums: [[i32; PANEL]; QUERIES] = std::array::from_fn(|_| std::array::from_fn(|_| rng.random_range(-70_000..70_000)));
        let queries: [Reach; QUERIES] = std::array::from_fn(|q| {
            let mut reach = Reach { offset: rng.random_range(-9000..9000), scale: 1e-3, slack: 0.01, length: 1.0, bar: 0.0 };
            // A bar that one of them reaches to the bit.
            reach.bar = reach.most(sums[q][3], scales[3], errors[3]);
            reach
        });
        let expected: [u16; QUERIES] = std::array::from_fn(|q| {
            let reaches = |&i: &usize| queries[q].most(sums[q][i], scales[i], errors[i]) >= queries[q].bar;
            (0..PANEL).filter(reaches).fold(0, |mask, i| mask | 1 << i)
        });
        assert!(expected.iter().all(|mask| mask & 8 != 0));
        for level in Level::all() {
            assert_eq!(reach_at(level, &sums, &scales, &errors, &queries), expected, "{level:?}");
        }
    }
    let none = Reach { offset: 0, scale: 1.0, slack: 0.0, length: 1.0, bar: f32::NEG_INFINITY };
    let never = Reach { bar: f32::INFINITY, ..none };
    assert_eq!(reach(&[[0; PANEL]; 2], &[0.0; PANEL], &[0.0; PANEL], &[none, never]), [u16::MAX, 0]);
}

#[test]
fn every_path_takes_codes_of_one_value() {
    // 128 is zero; 1 and 255 are the ends; 0 is no code of a row, but a file may hold it.
    for n in some([4, 60, 64, 68, 128, 512, 1024], 4) {
        for code in some([0u8, 1, 127, 128, 129, 255], 5) {
            for number in some([-128i8, -127, -1, 0, 1, 127], 5) {
                let (query, matrix) = (vec![number; n], vec![code; n * PANEL]);
                let expected = n as i32 * i32::from(number) * i32::from(code);
                for level in Level::all() {
                    let mut sums = Vec::new();
                    gather_at(level, &query, &matrix, &[0, 15], &mut sums);
                    let (asked, rows) = (vec![i32::from(number); n], vec![i32::from(code); n]);
                    let block = panel_of(level, &vec![asked; QUERIES], &vec![rows; PANEL]);
                    assert_eq!(sums, [expected; 2], "{level:?}, {n} × {number} × {code}");
                    assert_eq!(block, [[expected; PANEL]; QUERIES], "{level:?}, {n} × {number} × {code}");
                }
                let other = vec![number as u8 ^ 128; n];
                let rows = n as i32 * i32::from(number) * (i32::from(code) - 128);
                assert_eq!(dot_rows(&matrix[..n], &other), rows, "{n} × {number} × {code}");
            }
        }
    }
}

#[test]
fn unequal_and_empty_slices_do_no_harm() {
    assert_eq!(dot(&[1.0, 2.0], &[3.0]), 3.0);
    assert_eq!(dot(&[], &[]), 0.0);
    assert_eq!((dot_codes(&[2, 3], &[4]), dot_rows(&[129], &[130, 7])), (8, 2));
    prefetch::<f32>(&[]);
}

#[test]
#[cfg_attr(miri, ignore = "Miri maps no files and knows no large pages")]
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

/// Whether the system was asked for large pages where `at` lies; none where it has no word for it.
#[cfg(target_os = "linux")]
fn asked_for_large_pages(at: usize) -> Option<bool> {
    let maps = std::fs::read_to_string("/proc/self/smaps").ok()?;
    let holds = |line: &str| {
        let (first, rest) = line.split_once(' ')?.0.split_once('-')?;
        Some((usize::from_str_radix(first, 16).ok()?..usize::from_str_radix(rest, 16).ok()?).contains(&at))
    };
    let mut lines = maps.lines().skip_while(|line| holds(line) != Some(true));
    let flags = lines.find_map(|line| line.strip_prefix("VmFlags:"))?;
    Some(flags.split_whitespace().any(|flag| flag == "hg"))
}

#[test]
#[cfg_attr(miri, ignore = "Miri maps no files and knows no large pages")]
fn room_is_as_large_as_was_asked_and_keeps_what_was_there() {
    for (there, more) in [(0, 0), (0, 5), (3, 1 << 10), (7, 5 << 20), (2 << 20, 3 << 20)] {
        let mut values: Vec<f32> = (0..there).map(|i| i as f32).collect();
        reserve(&mut values, more);
        assert!(values.capacity() >= there + more);
        values.resize(there + more, -1.0);
        assert!(values.iter().enumerate().all(|(i, &x)| x == if i < there { i as f32 } else { -1.0 }), "{there}, {more}");
        #[cfg(target_os = "linux")]
        if more > 2 << 20 && std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            let middle = values.as_ptr() as usize + 4 * (there + more / 2);
            assert_ne!(asked_for_large_pages(middle), Some(false), "{there}, {more}");
        }
    }
    let mut none = Vec::new();
    reserve(&mut none, usize::MAX);
    assert_eq!(none.capacity(), 0, "what is not to be had is left to others");
}
