//! The kernels for AVX2 and FMA. Contract: `super`.
//!
//! SAFETY (all functions): the processor has the features that the function names; slices are as long as `super` checks.

use std::arch::x86_64::*;

use super::panel::{GROUP, PANEL, QUERIES};
use super::{LANES, Reach, codes_and_ahead, portable};

/// The products of a query with rows of its length, which are read in turns.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn dots<const N: usize>(query: &[f32], rows: [&[f32]; N]) -> [f32; N] {
    let (mut lanes, mut at, n) = ([[_mm256_setzero_ps(); N]; 8], 0, query.len());
    while at + LANES <= n {
        for (eight, sums) in lanes.iter_mut().enumerate() {
            let place = at + 8 * eight;
            // SAFETY (both loads): 8 numbers from `place` on are below the length of all.
            let x = unsafe { _mm256_loadu_ps(query.as_ptr().add(place)) };
            for (row, sum) in rows.iter().zip(sums) {
                *sum = _mm256_fmadd_ps(x, unsafe { _mm256_loadu_ps(row.as_ptr().add(place)) }, *sum);
            }
        }
        at += LANES;
    }
    if at < n {
        let numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        for (eight, sums) in lanes.iter_mut().enumerate() {
            let place = at + 8 * eight;
            let there = _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32 - place as i32), numbers);
            // SAFETY (both loads): a masked load reads only the numbers of its mask, which are below the length of all.
            let x = unsafe { _mm256_maskload_ps(query.as_ptr().wrapping_add(place), there) };
            for (row, sum) in rows.iter().zip(sums) {
                *sum = _mm256_fmadd_ps(x, unsafe { _mm256_maskload_ps(row.as_ptr().wrapping_add(place), there) }, *sum);
            }
        }
    }
    let mut products = [0.0; N];
    for (r, product) in products.iter_mut().enumerate() {
        // As `add_up` does: halves onto each other.
        let half = |i: usize| {
            _mm256_add_ps(_mm256_add_ps(lanes[i][r], lanes[i + 2][r]), _mm256_add_ps(lanes[i + 4][r], lanes[i + 6][r]))
        };
        let eight = _mm256_add_ps(half(0), half(1));
        let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        *product = _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)));
    }
    products
}

#[target_feature(enable = "avx2,fma")]
pub unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
    // SAFETY: the caller's.
    let [product] = unsafe { dots(a, [b]) };
    product
}

/// Numbers of a row from which on a scan reads four rows in turns; below it two, whose sums fit the registers.
const WIDE: usize = 256;

/// How many steps a scan takes that reads `N` rows in turns, and the first row of each part. So memory comes half as fast again as
/// one row after the other (Zen 3), and no slower where caches hold it. Where parts are not of one length, some rows come twice.
fn in_turns<const N: usize>(rows: usize) -> (usize, [usize; N]) {
    let steps = rows.div_ceil(N);
    (steps, std::array::from_fn(|part| (part * steps).min(rows - steps)))
}

#[target_feature(enable = "avx2,fma")]
pub unsafe fn scan(query: &[f32], rows: &[f32], products: &mut Vec<f32>) {
    // SAFETY: the caller's.
    if query.len() < WIDE {
        unsafe { scan_in_turns::<2>(query, rows, products) }
    } else {
        unsafe { scan_in_turns::<4>(query, rows, products) }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn scan_in_turns<const N: usize>(query: &[f32], rows: &[f32], products: &mut Vec<f32>) {
    let n = query.len();
    products.resize(rows.len() / n, 0.0);
    let (steps, firsts) = in_turns::<N>(products.len());
    for step in 0..steps {
        let mut read = [query; N];
        for (row, first) in read.iter_mut().zip(firsts) {
            *row = &rows[(first + step) * n..(first + step + 1) * n];
        }
        // SAFETY: the level is there; the rows are as long as the query.
        let found = unsafe { dots(query, read) };
        for (product, first) in found.into_iter().zip(firsts) {
            products[first + step] = product;
        }
    }
}

#[target_feature(enable = "avx2")]
pub unsafe fn scan_codes(query: &[i8], matrix: &[u8], sums: &mut Vec<i32>) {
    // SAFETY: the caller's.
    if query.len() < WIDE {
        unsafe { scan_codes_in_turns::<2>(query, matrix, sums) }
    } else {
        unsafe { scan_codes_in_turns::<4>(query, matrix, sums) }
    }
}

#[target_feature(enable = "avx2")]
unsafe fn scan_codes_in_turns<const N: usize>(query: &[i8], matrix: &[u8], sums: &mut Vec<i32>) {
    let n = query.len();
    sums.resize(matrix.len() / n, 0);
    let (steps, firsts) = in_turns::<N>(sums.len());
    for step in 0..steps {
        let mut read = [matrix; N];
        for (row, first) in read.iter_mut().zip(firsts) {
            *row = &matrix[(first + step) * n..(first + step + 1) * n];
        }
        // SAFETY: the level is there; the rows are as long as the query.
        let found = unsafe { dots_codes(query, read) };
        for (sum, first) in found.into_iter().zip(firsts) {
            sums[first + step] = sum;
        }
    }
}

/// The sums of a query with the codes of rows of its length, which are read in turns.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn dots_codes<const N: usize>(query: &[i8], rows: [&[u8]; N]) -> [i32; N] {
    let (mut sums, mut i, n) = ([_mm256_setzero_si256(); N], 0, query.len());
    while i + 16 <= n {
        // SAFETY (both loads): 16 bytes from i on are below the length of all.
        let q = _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(query.as_ptr().add(i).cast()) });
        for (row, sum) in rows.iter().zip(&mut sums) {
            let codes = _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(row.as_ptr().add(i).cast()) });
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(q, codes));
        }
        i += 16;
    }
    std::array::from_fn(|r| total(sums[r]) + portable::dot_codes(&query[i..], &rows[r][i..]))
}

#[target_feature(enable = "avx2")]
pub unsafe fn dot_codes(query: &[i8], codes: &[u8]) -> i32 {
    // SAFETY: the caller's.
    let [sum] = unsafe { dots_codes(query, [codes]) };
    sum
}

#[target_feature(enable = "avx2")]
pub unsafe fn dot_rows(a: &[u8], b: &[u8]) -> i32 {
    let (mut sum, mut i, n) = (_mm256_setzero_si256(), 0, a.len());
    let middle = _mm256_set1_epi16(128);
    while i + 16 <= n {
        // SAFETY: 16 bytes from i on are below the length of both.
        let (x, y) = unsafe { (_mm_loadu_si128(a.as_ptr().add(i).cast()), _mm_loadu_si128(b.as_ptr().add(i).cast())) };
        let (x, y) = (_mm256_cvtepu8_epi16(x), _mm256_cvtepu8_epi16(y));
        let product = _mm256_madd_epi16(_mm256_sub_epi16(x, middle), _mm256_sub_epi16(y, middle));
        sum = _mm256_add_epi32(sum, product);
        i += 16;
    }
    total(sum) + portable::dot_rows(&a[i..], &b[i..])
}

#[inline]
#[target_feature(enable = "avx2")]
fn total(sum: __m256i) -> i32 {
    let half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
    let half = _mm_add_epi32(half, _mm_shuffle_epi32::<0x4e>(half));
    _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32::<0xb1>(half)))
}

#[target_feature(enable = "avx2")]
pub unsafe fn gather(query: &[i8], matrix: &[u8], rows: &[u32], sums: &mut Vec<i32>) {
    for i in 0..rows.len() {
        let codes = codes_and_ahead(matrix, query.len(), rows, i);
        // SAFETY: the level is there, and the lengths are equal.
        sums.push(if codes.len() == query.len() { unsafe { dot_codes(query, codes) } } else { 0 });
    }
}

#[target_feature(enable = "avx2")]
pub unsafe fn panel(queries: &[u8], panel: &[u8], groups: usize, sums: &mut [[i32; PANEL]; QUERIES]) {
    // Eight sums and what they are made of fill the sixteen registers.
    const TOGETHER: usize = 4;
    for (queries, sums) in queries.chunks_exact(TOGETHER * GROUP * groups).zip(sums.chunks_exact_mut(TOGETHER)) {
        let mut totals = [[_mm256_setzero_si256(); 2]; TOGETHER];
        for g in 0..groups {
            // SAFETY: the panel holds `groups` lines of 64 bytes, each query as many groups of 4.
            unsafe {
                let line = panel.as_ptr().add(PANEL * GROUP * g);
                let (low, high) = (_mm256_loadu_si256(line.cast()), _mm256_loadu_si256(line.add(32).cast()));
                for (q, total) in totals.iter_mut().enumerate() {
                    let two = _mm256_set1_epi32(queries.as_ptr().add(GROUP * (q * groups + g)).cast::<i32>().read_unaligned());
                    total[0] = _mm256_add_epi32(total[0], _mm256_madd_epi16(low, two));
                    total[1] = _mm256_add_epi32(total[1], _mm256_madd_epi16(high, two));
                }
            }
        }
        for (total, sums) in totals.iter().zip(sums) {
            // SAFETY: 8 numbers at 0 and at 8 of 16.
            unsafe {
                _mm256_storeu_si256(sums.as_mut_ptr().cast(), total[0]);
                _mm256_storeu_si256(sums.as_mut_ptr().add(8).cast(), total[1]);
            }
        }
    }
}

#[target_feature(enable = "avx2")]
pub unsafe fn reach<const N: usize>(
    sums: &[[i32; PANEL]; N],
    scales: &[f32; PANEL],
    errors: &[f32; PANEL],
    queries: &[Reach; N],
) -> [u16; N] {
    let mut masks = [0; N];
    for half in 0..2 {
        // SAFETY: 8 numbers at 0 and at 8 of 16 each.
        let (scales, errors) =
            unsafe { (_mm256_loadu_ps(scales.as_ptr().add(8 * half)), _mm256_loadu_ps(errors.as_ptr().add(8 * half))) };
        for ((sums, query), mask) in sums.iter().zip(queries).zip(&mut masks) {
            // SAFETY: as above.
            let sums = unsafe { _mm256_loadu_si256(sums.as_ptr().add(8 * half).cast()) };
            let sums = _mm256_cvtepi32_ps(_mm256_sub_epi32(sums, _mm256_set1_epi32(query.offset)));
            // No fused steps: rounded as `Reach::most` is.
            let estimate = _mm256_mul_ps(sums, _mm256_mul_ps(_mm256_set1_ps(query.scale), scales));
            let bound = _mm256_add_ps(_mm256_set1_ps(query.slack), _mm256_mul_ps(_mm256_set1_ps(query.length), errors));
            let reached = _mm256_cmp_ps::<_CMP_GE_OQ>(_mm256_add_ps(estimate, bound), _mm256_set1_ps(query.bar));
            *mask |= (_mm256_movemask_ps(reached) as u16) << (8 * half);
        }
    }
    masks
}

#[target_feature(enable = "avx2")]
pub unsafe fn round<T>(row: &[f32], scale: f32, most: i32, codes: &mut [T], code: impl Fn(i32) -> T) -> f32 {
    portable::round(row, scale, most, codes, code)
}

#[target_feature(enable = "avx2")]
pub unsafe fn largest(row: &[f32]) -> f32 {
    portable::largest(row)
}
