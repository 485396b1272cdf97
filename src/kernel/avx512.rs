//! The kernels for AVX-512 and VNNI. Contract: `super`.
//!
//! SAFETY (all functions): the processor has the features that the function names; slices are as long as `super` checks.

use std::arch::x86_64::*;

use super::panel::{GROUP, PANEL, QUERIES};
use super::portable::add_up;
use super::{LANES, Reach, codes_and_ahead};

/// How far ahead of a scan memory is asked for, in bytes. The processor's own prefetching stops at the end of a page.
const AHEAD: usize = 8192;

/// Asks for the memory that a scan which is at `place` will read.
#[inline(always)]
fn ask_ahead<T>(place: *const T) {
    // SAFETY: any address may be prefetched; SSE is part of x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast::<i8>().wrapping_add(AHEAD)) };
}

/// The last numbers of a slice, filled up with zeros.
#[inline]
fn tail(values: &[f32]) -> [f32; LANES] {
    let mut padded = [0.0; LANES];
    padded[..values.len()].copy_from_slice(values);
    padded
}

#[target_feature(enable = "avx512f")]
pub unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [_mm512_setzero_ps(); 4];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let (a_tail, b_tail) = (a_blocks.remainder(), b_blocks.remainder());
    let mut step = |a: &[f32], b: &[f32]| {
        for (i, sum) in sums.iter_mut().enumerate() {
            // SAFETY: both blocks hold 64 numbers, and 16 i + 16 is at most 64.
            let (x, y) = unsafe { (_mm512_loadu_ps(a.as_ptr().add(16 * i)), _mm512_loadu_ps(b.as_ptr().add(16 * i))) };
            *sum = _mm512_fmadd_ps(x, y, *sum);
        }
    };
    for (a, b) in a_blocks.zip(b_blocks) {
        step(a, b);
    }
    if !a_tail.is_empty() {
        step(&tail(a_tail), &tail(b_tail));
    }
    let sum = _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3]));
    let mut lanes = [0.0f32; 16];
    // SAFETY: 16 numbers of 16.
    unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), sum) };
    add_up(lanes)
}

/// The products of a query with four rows of its length: a load of the query serves them all. `SCAN`: memory ahead is asked for.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn dots<const SCAN: bool>(query: &[f32], four: &[&[f32]; 4]) -> [f32; 4] {
    let (mut sums, mut at, n) = ([[_mm512_setzero_ps(); 4]; 4], 0, query.len());
    while at + LANES <= n {
        for i in 0..4 {
            // SAFETY: 16 numbers from at + 16 i on are below the length of the query and of each row.
            unsafe {
                let x = _mm512_loadu_ps(query.as_ptr().add(at + 16 * i));
                for (row, sums) in four.iter().zip(&mut sums) {
                    let place = row.as_ptr().add(at + 16 * i);
                    if SCAN {
                        ask_ahead(place);
                    }
                    sums[i] = _mm512_fmadd_ps(x, _mm512_loadu_ps(place), sums[i]);
                }
            }
        }
        at += LANES;
    }
    for i in 0..if at < n { 4 } else { 0 } {
        let first = (at + 16 * i).min(n);
        let mask = ((1u32 << (n - first).min(16)) - 1) as u16;
        // SAFETY: a masked load reads only the numbers of its mask, and they are below the length.
        unsafe {
            let x = _mm512_maskz_loadu_ps(mask, query.as_ptr().add(first));
            for (row, sums) in four.iter().zip(&mut sums) {
                sums[i] = _mm512_fmadd_ps(x, _mm512_maskz_loadu_ps(mask, row.as_ptr().add(first)), sums[i]);
            }
        }
    }
    // As `add_up`: halves onto each other, here of four rows at once.
    let quarter = |s: &[__m512; 4]| {
        let sum = _mm512_add_ps(_mm512_add_ps(s[0], s[1]), _mm512_add_ps(s[2], s[3]));
        let upper = _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(sum)));
        let half = _mm256_add_ps(_mm512_castps512_ps256(sum), upper);
        _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half))
    };
    let [a, b, c, d] = [quarter(&sums[0]), quarter(&sums[1]), quarter(&sums[2]), quarter(&sums[3])];
    let ab = _mm_add_ps(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
    let cd = _mm_add_ps(_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
    let mut found = [0.0; 4];
    // SAFETY: 4 numbers of 4.
    unsafe { _mm_storeu_ps(found.as_mut_ptr(), _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab))) };
    found
}

#[target_feature(enable = "avx512f")]
pub unsafe fn dot_four(query: &[f32], four: &[&[f32]; 4]) -> [f32; 4] {
    // SAFETY: the caller's.
    unsafe { dots::<false>(query, four) }
}

#[target_feature(enable = "avx512f")]
pub unsafe fn scan(query: &[f32], rows: &[f32], products: &mut Vec<f32>) {
    let n = query.len();
    let fours = rows.chunks_exact(4 * n);
    let rest = fours.remainder().chunks_exact(n);
    for four in fours {
        let four: [&[f32]; 4] = std::array::from_fn(|r| &four[r * n..(r + 1) * n]);
        // SAFETY: the level is there; each row is as long as the query.
        products.extend_from_slice(&unsafe { dots::<true>(query, &four) });
    }
    for row in rest {
        // SAFETY: the level is there; the row is as long as the query.
        products.push(unsafe { dot(query, row) });
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub unsafe fn scan_codes_vnni(query: &[i8], matrix: &[u8], sums: &mut Vec<i32>) {
    for row in matrix.chunks_exact(query.len()) {
        row.chunks(64).for_each(|line| ask_ahead(line.as_ptr()));
        // SAFETY: the level is there; the row is as long as the query.
        sums.push(unsafe { dot_codes_vnni(query, row) });
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub unsafe fn dot_codes_vnni(query: &[i8], codes: &[u8]) -> i32 {
    let (mut even, mut odd, mut i, n) = (_mm512_setzero_si512(), _mm512_setzero_si512(), 0, query.len());
    // SAFETY (all loads): 64 bytes from i on are below the length of both; a masked load reads only the bytes of its mask.
    while i + 128 <= n {
        unsafe {
            let (q, c) = (_mm512_loadu_si512(query.as_ptr().add(i).cast()), _mm512_loadu_si512(codes.as_ptr().add(i).cast()));
            even = _mm512_dpbusd_epi32(even, c, q);
            let j = i + 64;
            let (q, c) = (_mm512_loadu_si512(query.as_ptr().add(j).cast()), _mm512_loadu_si512(codes.as_ptr().add(j).cast()));
            odd = _mm512_dpbusd_epi32(odd, c, q);
        }
        i += 128;
    }
    while i < n {
        let mask = if n - i >= 64 { u64::MAX } else { (1 << (n - i)) - 1 };
        unsafe {
            let q = _mm512_maskz_loadu_epi8(mask, query.as_ptr().add(i));
            let c = _mm512_maskz_loadu_epi8(mask, codes.as_ptr().add(i).cast());
            even = _mm512_dpbusd_epi32(even, c, q);
        }
        i += 64;
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(even, odd))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub unsafe fn dot_rows_vnni(a: &[u8], b: &[u8]) -> i32 {
    let (mut product, mut total, n) = (_mm512_setzero_si512(), _mm512_setzero_si512(), a.len());
    let (flip, ones) = (_mm512_set1_epi8(-128), _mm512_set1_epi8(1));
    let mut i = 0;
    // SAFETY (all loads): as in `dot_codes_vnni`. Taking 128 from a code is flipping its first bit; (a − 128) b is a b − 128 b.
    while i < n {
        let mask = if n - i >= 64 { u64::MAX } else { (1 << (n - i)) - 1 };
        unsafe {
            let a = _mm512_maskz_loadu_epi8(mask, a.as_ptr().add(i).cast());
            let b = _mm512_maskz_loadu_epi8(mask, b.as_ptr().add(i).cast());
            let b = _mm512_maskz_mov_epi8(mask, _mm512_xor_si512(b, flip));
            product = _mm512_dpbusd_epi32(product, a, b);
            total = _mm512_dpbusd_epi32(total, ones, b);
        }
        i += 64;
    }
    _mm512_reduce_add_epi32(_mm512_sub_epi32(product, _mm512_slli_epi32::<7>(total)))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub unsafe fn gather_vnni(query: &[i8], matrix: &[u8], rows: &[u32], sums: &mut Vec<i32>) {
    for i in 0..rows.len() {
        let codes = codes_and_ahead(matrix, query.len(), rows, i);
        // SAFETY: the level is there, and the lengths are equal.
        sums.push(if codes.len() == query.len() { unsafe { dot_codes_vnni(query, codes) } } else { 0 });
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub unsafe fn panel_vnni(queries: &[u8], panel: &[u8], groups: usize, sums: &mut [[i32; PANEL]; QUERIES]) {
    let mut totals = [_mm512_setzero_si512(); QUERIES];
    for g in 0..groups {
        // SAFETY: the panel holds `groups` lines of 64 bytes, each query as many groups of 4.
        unsafe {
            let codes = _mm512_loadu_si512(panel.as_ptr().add(PANEL * GROUP * g).cast());
            for (q, total) in totals.iter_mut().enumerate() {
                let four: i32 = queries.as_ptr().add(GROUP * (q * groups + g)).cast::<i32>().read_unaligned();
                *total = _mm512_dpbusd_epi32(*total, codes, _mm512_set1_epi32(four));
            }
        }
    }
    for (total, sums) in totals.iter().zip(sums) {
        // SAFETY: 16 numbers of 16.
        unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), *total) };
    }
}

#[target_feature(enable = "avx512f")]
pub unsafe fn reach<const N: usize>(
    sums: &[[i32; PANEL]; N],
    scales: &[f32; PANEL],
    errors: &[f32; PANEL],
    queries: &[Reach; N],
) -> [u16; N] {
    // SAFETY: 16 numbers of 16 each.
    let (scales, errors) = unsafe { (_mm512_loadu_ps(scales.as_ptr()), _mm512_loadu_ps(errors.as_ptr())) };
    let mut masks = [0; N];
    for ((sums, query), mask) in sums.iter().zip(queries).zip(&mut masks) {
        // SAFETY: as above.
        let sums = unsafe { _mm512_loadu_si512(sums.as_ptr().cast()) };
        let sums = _mm512_cvtepi32_ps(_mm512_sub_epi32(sums, _mm512_set1_epi32(query.offset)));
        // No fused steps: rounded as `Reach::most` is.
        let estimate = _mm512_mul_ps(sums, _mm512_mul_ps(_mm512_set1_ps(query.scale), scales));
        let bound = _mm512_add_ps(_mm512_set1_ps(query.slack), _mm512_mul_ps(_mm512_set1_ps(query.length), errors));
        *mask = at_least(_mm512_add_ps(estimate, bound), _mm512_set1_ps(query.bar));
    }
    masks
}

/// Which of 16 numbers are as large as their partners. Miri knows the comparison of AVX alone.
#[inline]
#[target_feature(enable = "avx512f")]
fn at_least(a: __m512, b: __m512) -> u16 {
    if cfg!(not(miri)) {
        return _mm512_cmp_ps_mask::<_CMP_GE_OQ>(a, b);
    }
    let low = _mm256_cmp_ps::<_CMP_GE_OQ>(_mm512_castps512_ps256(a), _mm512_castps512_ps256(b));
    let upper = |x| _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(x)));
    let high = _mm256_cmp_ps::<_CMP_GE_OQ>(upper(a), upper(b));
    (_mm256_movemask_ps(low) | _mm256_movemask_ps(high) << 8) as u16
}
