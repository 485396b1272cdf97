//! Dot products, chosen for the processor at run time, memory that maps a file, and large pages. The only module with unsafe
//! code.
//!
//! ```text
//!   f32 · f32     dot                    one pair
//!                 dot_four               one query with four rows
//!                 scan                   one query with rows that follow each other
//!   i8  · code    gather                 one query with chosen rows: a walk
//!                 scan_codes             one query with rows that follow each other
//!   panels        panel                  many queries with many rows: a matrix product, of bytes or of 16 bits
//! ```
//! *f32*: all paths add the products up in 64 lanes (lane i takes the numbers i, i + 64, …; a short tail is filled with zeros)
//! and the lanes in one fixed order. So AVX2 and AVX-512 agree to the bit; the portable path, which has no fused multiply-add,
//! differs from them in the last digits. *Codes* are a row's numbers as bytes, 128 added (`index::codes`), and a query's as
//! `i8`; their sums are whole numbers, the same on every path. What panels hold hangs on the processor ([`Codes`]).
//!
//! On other processors than x86-64 the portable paths run as the compiler vectorises them: on aarch64 with NEON, which is part
//! of it (`fmul v.4s`, `smlal`; the `sdot` of newer ones is unstable in Rust 1.96). `tools/kernels/run.sh` runs the tests of this
//! module under AddressSanitizer, on aarch64 and under Miri.
//!
//! # Contract of the unsafe code
//! - A function with `#[target_feature]` is called only after [`Level::detect`] found its features on this processor.
//! - Slices that go together have the lengths that they must have (checked in this file, in safe code); pointers are read
//!   only below those lengths.
//! - Loads are unaligned ones; tails go through a zeroed array on the stack, or through a masked load.
//! - A prefetch has no effect that a program can see, for any address.
//! - What is mapped from a file is never written again: see [`Map`].
//! - What the system is told of memory ([`reserve`]) changes how it is kept, never what it holds.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod map;
mod pages;
mod panel;
mod portable;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

pub use map::Map;
pub use pages::reserve;
pub use panel::{Codes, GROUP, PANEL, QUERIES, panel, panel_codes, place};

/// Partial sums of a product of f32.
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
    /// AVX-512 with byte operations and VNNI.
    Avx512Vnni,
}

impl Level {
    /// The best that this processor has.
    #[inline]
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
                    if is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vnni") {
                        all.push(Level::Avx512Vnni);
                    }
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
            Level::Avx512Vnni => "AVX-512 with VNNI",
        }
    }
}

/// The dot product of two slices of one length; of the common length where they differ.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    dot_at(Level::detect(), a, b)
}

#[inline]
fn dot_at(level: Level, a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    match level {
        // SAFETY: this processor has the level; the lengths are equal.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::dot(a, b) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Vnni => unsafe { avx512::dot(a, b) },
        _ => portable::dot(a, b),
    }
}

/// The dot products of `query` with four rows, each as [`dot`] gives it, to the bit.
#[inline]
pub fn dot_four(query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
    dot_four_at(Level::detect(), query, rows)
}

#[inline]
fn dot_four_at(level: Level, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
    match level {
        // SAFETY: this processor has the level; the rows are as long as the query.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Vnni if rows.iter().all(|row| row.len() == query.len()) => unsafe {
            avx512::dot_four(query, &rows)
        },
        _ => rows.map(|row| dot_at(level, query, row)),
    }
}

/// The dot product of `query` with each of `rows`, which follow each other: as [`dot`] gives it, to the bit. Memory is read as fast
/// as it can be: with AVX-512 what comes after is asked for ahead of time, with AVX2 two places are read in turns.
#[inline]
pub fn scan(query: &[f32], rows: &[f32], products: &mut Vec<f32>) {
    scan_at(Level::detect(), query, rows, products);
}

fn scan_at(level: Level, query: &[f32], rows: &[f32], products: &mut Vec<f32>) {
    products.clear();
    if query.is_empty() {
        return;
    }
    match level {
        // SAFETY: this processor has the level; the query is not empty.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::scan(query, rows, products) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Vnni => unsafe { avx512::scan(query, rows, products) },
        _ => products.extend(rows.chunks_exact(query.len()).map(|row| portable::dot(query, row))),
    }
}

/// The sum of `query` times the codes of each row of `matrix` (`query.len()` a row), as [`gather`] gives it for all of them.
#[inline]
pub fn scan_codes(query: &[i8], matrix: &[u8], sums: &mut Vec<i32>) {
    scan_codes_at(Level::detect(), query, matrix, sums);
}

fn scan_codes_at(level: Level, query: &[i8], matrix: &[u8], sums: &mut Vec<i32>) {
    sums.clear();
    if query.is_empty() {
        return;
    }
    match level {
        // SAFETY: this processor has the level; the query is not empty.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => unsafe { avx2::scan_codes(query, matrix, sums) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vnni => unsafe { avx512::scan_codes_vnni(query, matrix, sums) },
        _ => sums.extend(matrix.chunks_exact(query.len()).map(|row| portable::dot_codes(query, row))),
    }
}

/// Rows of `dim` codes that [`gather`] asks for ahead of the one it is at: 2 KiB. More at once wait for each other: rows of 512 from
/// all over 51 MB, 24 a call, take 220 ns each when all are asked for first, and 160 with 3 to 8 ahead (Zen 3).
#[inline]
pub fn rows_ahead(dim: usize) -> usize {
    (2048 / dim.max(1)).max(2)
}

/// For each of `rows`, the sum of `query` times its codes (`matrix` has `query.len()` a row); 0 for a row that is not there.
/// Whoever asks for the first [`rows_ahead`] early waits less.
#[inline]
pub fn gather(query: &[i8], matrix: &[u8], rows: &[u32], sums: &mut Vec<i32>) {
    gather_at(Level::detect(), query, matrix, rows, sums);
}

#[inline]
fn gather_at(level: Level, query: &[i8], matrix: &[u8], rows: &[u32], sums: &mut Vec<i32>) {
    sums.clear();
    match level {
        // SAFETY: this processor has the level; the functions check each row against the matrix.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => unsafe { avx2::gather(query, matrix, rows, sums) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vnni => unsafe { avx512::gather_vnni(query, matrix, rows, sums) },
        _ => sums.extend(rows.iter().map(|&row| portable::dot_codes(query, codes_of(matrix, query.len(), row)))),
    }
}

/// The sum of `query` times `codes`, of the common length.
#[inline]
pub fn dot_codes(query: &[i8], codes: &[u8]) -> i32 {
    let n = query.len().min(codes.len());
    let (query, codes) = (&query[..n], &codes[..n]);
    match Level::detect() {
        // SAFETY: this processor has the level; the lengths are equal.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => unsafe { avx2::dot_codes(query, codes) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vnni => unsafe { avx512::dot_codes_vnni(query, codes) },
        _ => portable::dot_codes(query, codes),
    }
}

/// The product of two rows of codes, both with 128 added: what their numbers give.
#[inline]
pub fn dot_rows(a: &[u8], b: &[u8]) -> i32 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    match Level::detect() {
        // SAFETY: this processor has the level; the lengths are equal.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 => unsafe { avx2::dot_rows(a, b) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vnni => unsafe { avx512::dot_rows_vnni(a, b) },
        _ => portable::dot_rows(a, b),
    }
}

/// The largest of a row's numbers, without their signs; NaN counts as 0.
#[inline]
pub fn largest(row: &[f32]) -> f32 {
    match Level::detect() {
        // SAFETY: this processor has the level.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 | Level::Avx512Vnni => unsafe { avx2::largest(row) },
        _ => portable::largest(row),
    }
}

/// Rounds a row to steps of `scale`, which is not 0: `code` makes of each whole number, from `-most` to `most` (below 2²²), what is
/// kept in `codes`. The sum of the squares of what was lost, the same on all paths.
#[inline]
pub fn round<T>(row: &[f32], scale: f32, most: i32, codes: &mut [T], code: impl Fn(i32) -> T) -> f32 {
    match Level::detect() {
        // SAFETY: this processor has the level.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 | Level::Avx512 | Level::Avx512Vnni => unsafe { avx2::round(row, scale, most, codes, code) },
        _ => portable::round(row, scale, most, codes, code),
    }
}

/// The codes of one of `rows`, none where the matrix ends before; asks for those of a later one.
#[inline(always)]
fn codes_and_ahead<'a>(matrix: &'a [u8], dim: usize, rows: &[u32], i: usize) -> &'a [u8] {
    if let Some(&later) = rows.get(i + rows_ahead(dim)) {
        prefetch(codes_of(matrix, dim, later));
    }
    rows.get(i).map_or(&[], |&row| codes_of(matrix, dim, row))
}

/// The codes of one row, none where the matrix ends before.
#[inline]
fn codes_of(matrix: &[u8], dim: usize, row: u32) -> &[u8] {
    let start = row as usize * dim;
    matrix.get(start..start + dim).unwrap_or_default()
}

/// What the products of one query with rows are held against.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reach {
    /// What the 128 of the codes add to a sum.
    pub offset: i32,
    /// Of the query's codes.
    pub scale: f32,
    /// What the query's own rounding, and sums of f32, may be off.
    pub slack: f32,
    /// The query's length at most.
    pub length: f32,
    /// The least that counts.
    pub bar: f32,
}

impl Reach {
    /// The product that a sum of codes stands for.
    #[inline(always)]
    pub fn estimate(&self, sum: i32, scale: f32) -> f32 {
        (sum - self.offset) as f32 * (self.scale * scale)
    }

    /// How far the product with a row of length 1 can lie from its estimate.
    #[inline(always)]
    pub fn bound(&self, error: f32) -> f32 {
        self.slack + self.length * error
    }

    /// The most that a row's product can be. All paths round as this does.
    #[inline(always)]
    pub fn most(&self, sum: i32, scale: f32, error: f32) -> f32 {
        self.estimate(sum, scale) + self.bound(error)
    }
}

/// Which of 16 rows may reach each query's bar: bit r for row r.
#[inline]
pub fn reach<const N: usize>(
    sums: &[[i32; PANEL]; N],
    scales: &[f32; PANEL],
    errors: &[f32; PANEL],
    queries: &[Reach; N],
) -> [u16; N] {
    reach_at(Level::detect(), sums, scales, errors, queries)
}

#[inline]
fn reach_at<const N: usize>(
    level: Level,
    sums: &[[i32; PANEL]; N],
    scales: &[f32; PANEL],
    errors: &[f32; PANEL],
    queries: &[Reach; N],
) -> [u16; N] {
    match level {
        // SAFETY: this processor has the level.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2::reach(sums, scales, errors, queries) },
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx512Vnni => unsafe { avx512::reach(sums, scales, errors, queries) },
        _ => std::array::from_fn(|q| portable::reach(&sums[q], scales, errors, &queries[q])),
    }
}

/// Asks for the first bytes (at most 2 KiB) of what will soon be read.
#[inline]
pub fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        let bytes = std::mem::size_of_val(values).min(2048);
        let start: *const i8 = values.as_ptr().cast();
        for at in (0..bytes).step_by(64) {
            // SAFETY: any address may be prefetched; SSE is part of x86-64.
            unsafe { std::arch::x86_64::_mm_prefetch(start.wrapping_add(at), std::arch::x86_64::_MM_HINT_T0) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}
