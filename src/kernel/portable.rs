//! The kernels in plain Rust: what every other path is held to.

use super::panel::{GROUP, PANEL, QUERIES};
use super::{LANES, Reach};

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

/// See [`super::panel()`]; codes of 16 bits.
pub fn panel(queries: &[u8], panel: &[u8], groups: usize, sums: &mut [[i32; PANEL]; QUERIES]) {
    let two = |bytes: &[u8; GROUP]| {
        let [a, b, c, d] = *bytes;
        [i32::from(i16::from_ne_bytes([a, b])), i32::from(i16::from_ne_bytes([c, d]))]
    };
    for (query, sums) in queries.as_chunks::<GROUP>().0.chunks_exact(groups).zip(sums) {
        *sums = [0; PANEL];
        for (query, line) in query.iter().zip(panel.as_chunks::<GROUP>().0.chunks_exact(PANEL)) {
            let query = two(query);
            for (sum, codes) in sums.iter_mut().zip(line) {
                let codes = two(codes);
                *sum = sum.wrapping_add((query[0] * codes[0]).wrapping_add(query[1] * codes[1]));
            }
        }
    }
}

/// See [`super::reach`].
pub fn reach(sums: &[i32; PANEL], scales: &[f32; PANEL], errors: &[f32; PANEL], reach: &Reach) -> u16 {
    let rows = sums.iter().zip(scales).zip(errors).enumerate();
    rows.fold(0, |mask, (r, ((&sum, &scale), &error))| mask | u16::from(reach.most(sum, scale, error) >= reach.bar) << r)
}

/// 1.5 · 2²³: added to a number below 2²², it leaves no place for a fraction.
const WHOLE: f32 = 12_582_912.0;
/// Numbers that are rounded at once: the compiler may then take as many.
const ROUNDED: usize = 16;

/// See [`super::largest`].
#[inline(always)]
pub fn largest(row: &[f32]) -> f32 {
    let (blocks, rest) = row.as_chunks::<ROUNDED>();
    let greater = |a: f32, b: f32| if a > b { a } else { b };
    let mut most = [0.0f32; ROUNDED];
    for block in blocks {
        most.iter_mut().zip(block).for_each(|(most, x)| *most = greater(x.abs(), *most));
    }
    most.into_iter().chain(rest.iter().map(|x| x.abs())).fold(0.0, |most, x| greater(x, most))
}

/// See [`super::round`].
#[inline(always)]
pub fn round<T>(row: &[f32], scale: f32, most: i32, codes: &mut [T], code: impl Fn(i32) -> T) -> f32 {
    let inverse = 1.0 / scale;
    let mut squares = [0.0f32; ROUNDED];
    let one = |x: f32, place: &mut T, square: &mut f32| {
        let whole = x * inverse + WHOLE;
        let lost = x - (whole - WHOLE) * scale;
        *square += lost * lost;
        // The last bits of `whole` are the number. Rounding of the scale can bring the most to a hair above.
        let rounded = whole.to_bits().cast_signed().wrapping_sub(WHOLE.to_bits().cast_signed());
        *place = code(rounded.clamp(-most, most));
    };
    let ((blocks, rest), (places, rest_places)) = (row.as_chunks::<ROUNDED>(), codes.as_chunks_mut::<ROUNDED>());
    for (block, places) in blocks.iter().zip(places) {
        for i in 0..ROUNDED {
            one(block[i], &mut places[i], &mut squares[i]);
        }
    }
    for ((&x, place), square) in rest.iter().zip(rest_places).zip(&mut squares) {
        one(x, place, square);
    }
    squares.iter().sum()
}
