//! Is a difference on the same items more than luck?
//!
//! - [`mcnemar`]: two systems, right or wrong on each item. Exact: of the items where just one is right, either is as likely.
//! - [`sign_flip`]: any number per item. Under no difference each item's sign is as likely + as −.
//! - [`holm`]: several such tests at once.
//!
//! Source: McNemar 1947 with the binomial distribution, as `scipy.stats.binomtest`; the paired permutation test, as
//! `scipy.stats.permutation_test(permutation_type='samples')`; Holm 1979.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::Error;
use super::weighting::units;
use crate::progress::Progress;

/// Where two systems part, and how likely so uneven a parting is by luck.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNemar {
    /// Items that only the first has right.
    pub only_a: u64,
    /// Items that only the second has right.
    pub only_b: u64,
    /// All items that were held against each other.
    pub items: usize,
    /// Two-sided.
    pub p: f64,
}

/// Compares two systems on the same items, `true` for right.
///
/// # Errors
/// When the lengths differ or there are no items.
pub fn mcnemar(a: &[bool], b: &[bool]) -> Result<McNemar, Error> {
    if a.len() != b.len() {
        return Err(Error::Shape { what: "outcomes to pair", expected: a.len(), found: b.len() });
    }
    if a.is_empty() {
        return Err(Error::Empty { what: "items" });
    }
    let count = |first: bool| a.iter().zip(b).filter(|&(&a, &b)| a == first && b != first).count() as u64;
    let (only_a, only_b) = (count(true), count(false));
    Ok(McNemar { only_a, only_b, items: a.len(), p: (2.0 * fair_tail(only_a + only_b, only_a.min(only_b))).min(1.0) })
}

/// P(X ≤ m) for X the heads of n fair coins, m ≤ n/2.
fn fair_tail(n: u64, m: u64) -> f64 {
    // ln of the greatest term, then the others by their ratios to it, from great to small.
    let ln_choose: f64 = (0..m).map(|i| ((n - i) as f64 / (i + 1) as f64).ln()).sum();
    let (mut term, mut sum) = (1.0, 0.0);
    for i in (0..=m).rev() {
        sum += term;
        term *= i as f64 / (n - i + 1) as f64;
        if term < sum * 1e-18 {
            break;
        }
    }
    (ln_choose - n as f64 * std::f64::consts::LN_2).exp() * sum
}

/// The mean difference, and how likely so great a one is when signs are luck.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignFlip {
    /// Mean over items.
    pub difference: f64,
    /// Two-sided.
    pub p: f64,
    /// Sign patterns that were tried.
    pub permutations: u64,
    /// True when these were all there are.
    pub exact: bool,
}

/// Tests per-item differences; `groups` gives each item's group, where groups and not items are independent.
///
/// All sign patterns are tried when there are at most `permutations`, else that many at random, the observed one counted in.
///
/// # Errors
/// Without items, at NaN or infinities, when groups are not one an item, or when `progress` is cancelled.
pub fn sign_flip(
    differences: &[f64],
    groups: Option<&[usize]>,
    permutations: u64,
    seed: u64,
    progress: &dyn Progress,
) -> Result<SignFlip, Error> {
    if differences.is_empty() {
        return Err(Error::Empty { what: "differences" });
    }
    if let Some(row) = differences.iter().position(|d| !d.is_finite()) {
        return Err(Error::Score { row, column: 0, value: differences.get(row).map(f64::to_string).unwrap_or_default() });
    }
    let (unit_of, units) = units(differences.len(), groups)?;
    let mut sums = vec![0.0; units as usize];
    for (difference, &unit) in differences.iter().zip(&unit_of) {
        if let Some(sum) = sums.get_mut(unit as usize) {
            *sum += difference;
        }
    }
    let observed: f64 = sums.iter().sum();
    // A unit without a difference has no sign to flip.
    sums.retain(|&sum| sum != 0.0);
    // Sums in another order round differently: what is equal but for rounding is as great.
    let bar = observed.abs() - 1e-12 * sums.iter().map(|sum| sum.abs()).sum::<f64>();
    let patterns = 1u64.checked_shl(sums.len() as u32).filter(|&all| all > 0 && sums.len() < 64 && all <= permutations);
    let tried = patterns.unwrap_or(permutations);
    progress.begin("flipping signs", Some(tried));
    let hits: Result<u64, Error> = (0..tried)
        .into_par_iter()
        .map(|pattern| {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let flipped = if patterns.is_some() { flip(&sums, || pattern) } else { flip(&sums, words(seed, pattern)) };
            progress.advance(1);
            Ok(u64::from(flipped.abs() >= bar))
        })
        .try_reduce(|| 0, |a, b| Ok(a + b));
    progress.end();
    let hits = hits?;
    let p = if patterns.is_some() { hits as f64 / tried as f64 } else { (hits + 1) as f64 / (tried + 1) as f64 };
    Ok(SignFlip { difference: observed / differences.len() as f64, p, permutations: tried, exact: patterns.is_some() })
}

/// Random words of one stream of the seed.
fn words(seed: u64, stream: u64) -> impl FnMut() -> u64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    move || random.next_u64()
}

/// The sum with the signs of the words' bits, 64 a word.
fn flip(sums: &[f64], mut word: impl FnMut() -> u64) -> f64 {
    let signed = |(i, sum): (usize, &f64), bits: u64| if bits >> i & 1 == 1 { -sum } else { *sum };
    sums.chunks(64)
        .map(|chunk| {
            let bits = word();
            chunk.iter().enumerate().map(|entry| signed(entry, bits)).sum::<f64>()
        })
        .sum()
}

/// Holm's adjusted p-values, in the order given: each is to be read as if it were the only test.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = p.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut adjusted = vec![f64::NAN; p.len()];
    let mut floor = 0.0f64;
    for (rank, (i, p)) in order.into_iter().enumerate() {
        floor = floor.max(((adjusted.len() - rank) as f64 * p).min(1.0));
        if let Some(slot) = adjusted.get_mut(i) {
            *slot = floor;
        }
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    #[test]
    fn mcnemar_by_hand() {
        let m = mcnemar(&[true, true, true, false, true], &[false, false, false, true, true]).unwrap();
        assert_eq!((m.only_a, m.only_b), (3, 1));
        assert!((m.p - 10.0 / 16.0).abs() < 1e-15);
        assert_eq!(mcnemar(&[true], &[true]).unwrap().p, 1.0);
        assert!(mcnemar(&[true], &[]).is_err() && mcnemar(&[], &[]).is_err());
        assert_eq!(fair_tail(100_000, 0), 0.0);
        assert!((fair_tail(100_001, 50_000) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn sign_flips_by_hand() {
        // Of the 8 patterns of 1, 2, 3 the two with equal signs reach 6.
        let test = sign_flip(&[1.0, 2.0, 3.0, 0.0], None, 1000, 0, &Silent).unwrap();
        assert_eq!(test, SignFlip { difference: 1.5, p: 0.25, permutations: 8, exact: true });
        assert_eq!(sign_flip(&[0.0; 70], None, 1000, 0, &Silent).unwrap().p, 1.0);
        let grouped = sign_flip(&[1.0, 2.0, 3.0, 0.0], Some(&[0, 0, 0, 1]), 1000, 0, &Silent).unwrap();
        assert_eq!((grouped.p, grouped.permutations), (1.0, 2));
        assert!(sign_flip(&[f64::NAN], None, 10, 0, &Silent).is_err() && sign_flip(&[], None, 10, 0, &Silent).is_err());
    }

    #[test]
    fn random_patterns_come_near_the_exact_p() {
        let differences: Vec<f64> = (0..16).map(|i| f64::from(i * 7 % 16) - 5.5).collect();
        let exact = sign_flip(&differences, None, 1 << 16, 0, &Silent).unwrap();
        let sampled = sign_flip(&differences, None, 20_000, 3, &Silent).unwrap();
        assert!(exact.exact && !sampled.exact && (exact.p - sampled.p).abs() < 0.015, "{exact:?} {sampled:?}");
        assert_eq!(sampled, sign_flip(&differences, None, 20_000, 3, &Silent).unwrap());
    }

    #[test]
    fn holm_by_hand() {
        assert_eq!(holm(&[0.04, 0.01, 0.03]), [0.06, 0.03, 0.06]);
        assert_eq!(holm(&[0.5, 0.9]), [1.0, 1.0]);
    }
}
