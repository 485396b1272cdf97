//! The dot product, chosen for the processor at run time. The only file of the crate with unsafe code.
//!
//! All paths add the products up in 64 lanes (lane i takes the numbers i, i + 64, …; a short tail is filled with zeros) and the
//! lanes in one fixed order. So AVX2 and AVX-512 agree to the bit; the portable path, which has no fused multiply-add, differs from them in the last digits.
//!
//! # Contract of the unsafe code
//! - A function with `#[target_feature]` is called only after [`Level::detect`] found the feature on this processor.
//! - Both slices have the same length (checked here, in safe code); pointers are read only below that length.
//! - Loads are unaligned ones; tails go through a zeroed array on the stack.
//! - A prefetch has no effect that a program can see, for any address.
#![allow(unsafe_code)]

use std::sync::OnceLock;

/// Partial sums.
const LANES: usize = 64;

/// Which instructions are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What the compiler makes for the least processor of the target.
    Portable,
    /// AVX2 with FMA.
    Avx2,
    /// AVX-512F.
    Avx512,
}

impl Level {
    /// The best that this processor has.
    pub fn detect() -> Level {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| Level::all().into_iter().next_back().unwrap_or(Level::Portable))
    }

    /// All that this processor has, the best last.
    pub fn all() -> Vec<Level> {
        #[allow(unused_mut)]
        let mut all = vec![Level::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Level::Avx2);
                if is_x86_feature_detected!("avx512f") {
                    all.push(Level::Avx512);
                }
            }
        }
        all
    }

    /// Its name as `doctor` shows it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            Level::Avx2 => "AVX2 and FMA",
            Level::Avx512 => "AVX-512",
        }
    }
}

/// The dot product of two slices of one length; of the common length where they differ.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    match Level::detect() {
        // SAFETY: this processor has the level; the lengths are equal.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { x86::dot_avx2(a, b) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { x86::dot_avx512(a, b) },
        _ => dot_portable(a, b),
    }
}

/// Asks for the first bytes of a row, which will soon be read.
#[inline]
pub fn prefetch(row: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in row.chunks(16).take(32) {
        // SAFETY: any address may be prefetched; SSE is part of x86-64.
        unsafe { std::arch::x86_64::_mm_prefetch(line.as_ptr().cast(), std::arch::x86_64::_MM_HINT_T0) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}

fn dot_portable(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail = a_blocks.remainder().iter().zip(b_blocks.remainder());
    for (a, b) in a_blocks.zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(tail) {
        *sum += a * b;
    }
    let mut quarters = [0.0f32; 16];
    for (i, quarter) in quarters.iter_mut().enumerate() {
        *quarter = (sums[i] + sums[i + 16]) + (sums[i + 32] + sums[i + 48]);
    }
    add_up(quarters)
}

/// The sum of 16 lanes, as a tree: halves onto each other.
#[inline]
fn add_up(mut lanes: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{LANES, add_up};

    /// The last numbers of a slice, filled up with zeros.
    #[inline]
    fn tail(values: &[f32]) -> [f32; LANES] {
        let mut padded = [0.0; LANES];
        padded[..values.len()].copy_from_slice(values);
        padded
    }

    // SAFETY (both functions): the processor has the features; `a` and `b` have one length.

    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn dot_avx2(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [_mm256_setzero_ps(); 8];
        let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
        let (a_tail, b_tail) = (a_blocks.remainder(), b_blocks.remainder());
        let mut step = |a: &[f32], b: &[f32]| {
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: both blocks hold 64 numbers, and 8 i + 8 is at most 64.
                let (x, y) = unsafe { (_mm256_loadu_ps(a.as_ptr().add(8 * i)), _mm256_loadu_ps(b.as_ptr().add(8 * i))) };
                *sum = _mm256_fmadd_ps(x, y, *sum);
            }
        };
        for (a, b) in a_blocks.zip(b_blocks) {
            step(a, b);
        }
        if !a_tail.is_empty() {
            step(&tail(a_tail), &tail(b_tail));
        }
        let mut lanes = [0.0f32; 16];
        for half in 0..2 {
            let sum = _mm256_add_ps(_mm256_add_ps(sums[half], sums[half + 2]), _mm256_add_ps(sums[half + 4], sums[half + 6]));
            // SAFETY: 8 numbers at 0 or 8 of 16.
            unsafe { _mm256_storeu_ps(lanes.as_mut_ptr().add(8 * half), sum) };
        }
        add_up(lanes)
    }

    #[target_feature(enable = "avx512f")]
    pub unsafe fn dot_avx512(a: &[f32], b: &[f32]) -> f32 {
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
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn dot_at(level: Level, a: &[f32], b: &[f32]) -> f32 {
        assert!(Level::all().contains(&level) && a.len() == b.len());
        match level {
            // SAFETY: just checked.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { x86::dot_avx2(a, b) },
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { x86::dot_avx512(a, b) },
            _ => dot_portable(a, b),
        }
    }

    #[test]
    fn every_path_gives_the_dot_product_at_every_length_and_alignment() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for n in (0..200).chain([255, 384, 511, 512, 513, 1024, 2049]) {
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
                if Level::all().len() == 3 {
                    assert_eq!(dot_at(Level::Avx2, a, b).to_bits(), dot_at(Level::Avx512, a, b).to_bits());
                }
            }
        }
    }

    #[test]
    fn unequal_and_empty_slices_do_no_harm() {
        assert_eq!(dot(&[1.0, 2.0], &[3.0]), 3.0);
        assert_eq!(dot(&[], &[]), 0.0);
        prefetch(&[]);
    }
}
