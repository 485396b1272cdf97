//! The kernels in plain Rust: what every other path is held to.

use super::{GROUP, LANES, PANEL, QUERIES, Reach};

/// The sum of products; the slices are of one length.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail = a_blocks.remainder().iter().zip(b_blocks.remainder());
    for (a, b) in a_blocks.zip(b_blocks) {
        for i in 0..LANES {
            sums[i] += a[i] * b[i];
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
pub fn add_up(mut lanes: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
    }
    lanes[0]
}

/// Query codes times row codes.
#[inline(always)]
pub fn dot_codes(query: &[i8], codes: &[u8]) -> i32 {
    query.iter().zip(codes).map(|(&q, &c)| i32::from(q) * i32::from(c)).sum()
}

/// Row codes times row codes, without the 128.
#[inline(always)]
pub fn dot_rows(a: &[u8], b: &[u8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| (i32::from(a) - 128) * (i32::from(b) - 128)).sum()
}

/// See [`super::panel`].
#[inline(always)]
pub fn panel(queries: &[i8], panel: &[u8], dim: usize, sums: &mut [[i32; PANEL]; QUERIES]) {
    for (query, sums) in queries.chunks_exact(dim).zip(sums) {
        *sums = [0; PANEL];
        for (query, group) in query.chunks_exact(GROUP).zip(panel.chunks_exact(GROUP * PANEL)) {
            for (sum, codes) in sums.iter_mut().zip(group.chunks_exact(GROUP)) {
                *sum += dot_codes(query, codes);
            }
        }
    }
}

/// See [`super::reach`].
pub fn reach(sums: &[i32; PANEL], scales: &[f32; PANEL], errors: &[f32; PANEL], reach: &Reach) -> u16 {
    let rows = sums.iter().zip(scales).zip(errors).enumerate();
    rows.fold(0, |mask, (r, ((&sum, &scale), &error))| mask | u16::from(reach.most(sum, scale, error) >= reach.bar) << r)
}
