//! Ways to weigh the items: each once, and as the resamples of a bootstrap draw them.
//!
//! ```text
//!   0       1 1 1 1 1 …       the items as they are
//!   1 … R   0 2 1 0 1 …       resample r − 1: ChaCha8(seed, stream r − 1), as many draws as there are items (or groups)
//! ```

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::order::{Eight, LANES, MOST_ITEMS};
use super::{Bootstrap, Error};
use crate::progress::Progress;

/// Several weightings of the same items.
pub trait Weightings: Sync {
    /// How many weightings there are.
    fn count(&self) -> usize;

    /// Writes how often each item counts in weighting `index`.
    fn fill(&self, index: usize, weights: &mut [u32]);
}

/// See the module.
pub struct Resamples {
    seed: u64,
    resamples: usize,
    /// The unit (item or group) that each item is drawn with.
    unit_of: Vec<u32>,
    units: u32,
}

impl Resamples {
    /// `groups` gives each item's group, where groups are drawn and not items.
    ///
    /// # Errors
    /// When groups are not one an item.
    pub fn new(bootstrap: &Bootstrap, items: usize, groups: Option<&[usize]>) -> Result<Self, Error> {
        let (unit_of, units) = units(items, groups)?;
        Ok(Resamples { seed: bootstrap.seed, resamples: bootstrap.resamples, unit_of, units })
    }
}

impl Weightings for Resamples {
    fn count(&self) -> usize {
        1 + self.resamples
    }

    fn fill(&self, index: usize, weights: &mut [u32]) {
        let Some(resample) = index.checked_sub(1) else { return weights.fill(1) };
        let drawn = draw(self.seed, resample as u64, self.units);
        for (weight, &unit) in weights.iter_mut().zip(&self.unit_of) {
            *weight = drawn.get(unit as usize).copied().unwrap_or(0);
        }
    }
}

/// One weighting that is at hand.
pub struct Weighed<'a>(pub &'a [u32]);

impl Weightings for Weighed<'_> {
    fn count(&self) -> usize {
        1
    }

    fn fill(&self, _: usize, weights: &mut [u32]) {
        weights.iter_mut().zip(self.0).for_each(|(weight, &w)| *weight = w);
    }
}

/// Weightings of other items, some of which are these.
pub struct Through<'a> {
    pub of: &'a dyn Weightings,
    /// For each of the other items, which of these it is.
    pub at: &'a [Option<usize>],
}

impl Weightings for Through<'_> {
    fn count(&self) -> usize {
        self.of.count()
    }

    fn fill(&self, index: usize, weights: &mut [u32]) {
        let mut theirs = vec![0; self.at.len()];
        self.of.fill(index, &mut theirs);
        weights.fill(0);
        for (at, weight) in self.at.iter().zip(theirs) {
            if let Some(own) = at.and_then(|at| weights.get_mut(at)) {
                *own = weight;
            }
        }
    }
}

/// `f` of each weighting, in order, on as many threads as there are.
///
/// # Errors
/// When `f` fails or `progress` is cancelled.
pub(super) fn each<T: Send>(
    weightings: &dyn Weightings,
    items: usize,
    progress: &dyn Progress,
    f: impl Fn(usize, &[u32]) -> T + Sync,
) -> Result<Vec<T>, Error> {
    let one = |weights: &mut Vec<u32>, index| {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        weights.resize(items, 0);
        weightings.fill(index, weights);
        Ok(f(index, weights))
    };
    (0..weightings.count()).into_par_iter().map_init(Vec::new, one).collect()
}

/// Lets `f` change the states of the weightings, eight at a time; one state a weighting. Progress moves by a resample.
///
/// # Errors
/// When `progress` is cancelled.
pub(super) fn eights<T: Send>(
    weightings: &dyn Weightings,
    items: usize,
    states: &mut [T],
    progress: &dyn Progress,
    f: impl Fn(&Eight, &mut [T]) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    states.par_chunks_mut(LANES).enumerate().try_for_each(|(chunk, states)| {
        let mut drawn = Vec::with_capacity(states.len());
        for lane in 0..states.len() {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let mut weights = vec![0; items];
            weightings.fill(chunk * LANES + lane, &mut weights);
            drawn.push(weights);
        }
        f(&Eight::new(drawn), states)?;
        progress.advance((states.len() - usize::from(chunk == 0)) as u64);
        Ok(())
    })
}

/// How often each unit is drawn in this resample.
fn draw(seed: u64, resample: u64, units: u32) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(resample);
    let mut drawn = vec![0; units as usize];
    for _ in 0..units {
        if let Some(count) = drawn.get_mut(random.random_range(0..units) as usize) {
            *count += 1;
        }
    }
    drawn
}

/// Numbers the groups from 0, or makes each item its own: the unit of each item, and how many there are.
pub(super) fn units(items: usize, groups: Option<&[usize]>) -> Result<(Vec<u32>, u32), Error> {
    if items > MOST_ITEMS {
        return Err(Error::TooMany { found: items });
    }
    let Some(groups) = groups else {
        return Ok(((0..items as u32).collect(), items as u32));
    };
    if groups.len() != items {
        return Err(Error::Shape { what: "groups, one an item", expected: items, found: groups.len() });
    }
    let mut number: BTreeMap<usize, u32> = groups.iter().map(|&group| (group, 0)).collect();
    for (next, unit) in number.values_mut().enumerate() {
        *unit = next as u32;
    }
    Ok((groups.iter().map(|group| number.get(group).copied().unwrap_or(0)).collect(), number.len() as u32))
}
