//! Summaries of many numbers: moments, quantiles, bins.
//!
//! Convention: standard deviations divide by n − 1; quantiles interpolate between order statistics, as `numpy.quantile`.

use super::weight;

/// The quantiles that a [`Distribution`] keeps.
pub const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// A summary of numbers. Without any, all but the count are NaN; with one, the deviation is.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    pub count: usize,
    pub mean: f64,
    pub sd: f64,
    pub min: f64,
    pub max: f64,
    /// At [`QUANTILES`], in that order.
    pub quantiles: [f64; 5],
}

impl Distribution {
    /// Summarises the numbers, none of which is NaN.
    pub fn new(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        Distribution {
            count,
            mean,
            sd: if count < 2 { f64::NAN } else { (squares / (count - 1) as f64).sqrt() },
            min: values.first().copied().unwrap_or(f64::NAN),
            max: values.last().copied().unwrap_or(f64::NAN),
            quantiles: QUANTILES.map(|q| quantile(&values, q)),
        }
    }
}

/// The `q` quantile of ascending numbers, `q` from 0 to 1; NaN without numbers.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    between(sorted.len() as u64, q, |rank| sorted.get(rank as usize).copied())
}

/// Items in the order of a number each, for quantiles at any weights.
#[derive(Debug, Clone)]
pub(super) struct Ascending(Vec<(f64, usize)>);

impl Ascending {
    /// Sorts `(number, item)`; no number is NaN.
    pub fn new(mut values: Vec<(f64, usize)>) -> Self {
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        Ascending(values)
    }

    /// The `q` quantile when each number counts as often as its item.
    pub fn quantile(&self, weights: &[u32], q: f64) -> f64 {
        let total = self.0.iter().map(|&(_, item)| weight(weights, item)).sum();
        between(total, q, |rank| {
            let mut passed = 0;
            self.0.iter().find_map(|&(value, item)| {
                passed += weight(weights, item);
                (passed > rank).then_some(value)
            })
        })
    }
}

/// A summary of numbers that come in rising order and are not kept; their mean is known before.
pub(super) struct Rising {
    so_far: Distribution,
    count: u64,
    squares: f64,
    /// The order statistics that the quantiles stand between.
    statistics: Vec<(u64, f64)>,
}

impl Rising {
    /// Expects `count` numbers around `mean`.
    pub fn new(count: u64, mean: f64) -> Self {
        let places = QUANTILES.map(|q| (q * count.saturating_sub(1) as f64) as u64);
        let mut statistics: Vec<(u64, f64)> = places.iter().flat_map(|&rank| [(rank, f64::NAN), (rank + 1, f64::NAN)]).collect();
        statistics.sort_unstable_by_key(|s| s.0);
        statistics.dedup_by_key(|s| s.0);
        Rising { so_far: Distribution { mean, ..Distribution::new(Vec::new()) }, count, squares: 0.0, statistics }
    }

    /// The next number.
    pub fn take(&mut self, value: f64) {
        let d = &mut self.so_far;
        if d.count == 0 {
            d.min = value;
        }
        d.max = value;
        if let Ok(at) = self.statistics.binary_search_by_key(&(d.count as u64), |s| s.0) {
            self.statistics[at].1 = value;
        }
        d.count += 1;
        self.squares += (value - d.mean).powi(2);
    }

    /// The summary of the numbers that came.
    pub fn distribution(self) -> Distribution {
        let statistic = |rank: u64| self.statistics.iter().find(|s| s.0 == rank).map(|s| s.1);
        let quantiles = QUANTILES.map(|q| between(self.count, q, statistic));
        let n = self.so_far.count;
        let sd = if n < 2 { f64::NAN } else { (self.squares / (n - 1) as f64).sqrt() };
        Distribution { quantiles, sd, ..self.so_far }
    }
}

/// Interpolates between the two order statistics around `q (n − 1)`.
fn between(n: u64, q: f64, statistic: impl Fn(u64) -> Option<f64>) -> f64 {
    if n == 0 {
        return f64::NAN;
    }
    let place = q.clamp(0.0, 1.0) * (n - 1) as f64;
    let low = statistic(place as u64).unwrap_or(f64::NAN);
    let part = place.fract();
    if part == 0.0 { low } else { low + (statistic(place as u64 + 1).unwrap_or(low) - low) * part }
}

/// Equal bins from `low` to `high`; each holds its lower edge, the last holds both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bins {
    pub low: f64,
    pub high: f64,
    pub count: usize,
}

impl Bins {
    /// Cosines: 200 bins of 0.01 from −1 to 1.
    pub const COSINE: Bins = Bins { low: -1.0, high: 1.0, count: 200 };
    /// Differences of two cosines: 200 bins of 0.01 from 0 to 2.
    pub const MARGIN: Bins = Bins { low: 0.0, high: 2.0, count: 200 };

    /// The bin of a number; what lies outside goes into the outermost.
    pub fn of(&self, value: f64) -> usize {
        let place = (value - self.low) * (self.count as f64 / (self.high - self.low));
        (place as usize).min(self.count.saturating_sub(1))
    }

    /// The edges, one more than bins.
    pub fn edges(&self) -> Vec<f64> {
        (0..=self.count).map(|i| self.low + (self.high - self.low) * i as f64 / self.count as f64).collect()
    }

    /// How many of the numbers fall in each bin.
    pub fn counts(&self, values: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut counts = vec![0.0; self.count];
        for value in values {
            if let Some(count) = counts.get_mut(self.of(value)) {
                *count += 1.0;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers() {
        let none = Distribution::new(vec![]);
        assert!(none.count == 0 && none.mean.is_nan() && none.quantiles[2].is_nan());
        let one = Distribution::new(vec![0.5]);
        assert!(one.mean == 0.5 && one.sd.is_nan() && one.quantiles == [0.5; 5]);
    }

    #[test]
    fn numbers_that_are_not_kept_give_the_same_summary() {
        for n in [0, 1, 2, 7, 40] {
            let values: Vec<f64> = (0..n).map(|i| f64::from(i * i) / 7.0 - 3.0).collect();
            let mut rising = Rising::new(n as u64, values.iter().sum::<f64>() / f64::from(n));
            values.iter().for_each(|&v| rising.take(v));
            // The sign of a NaN says nothing, and differs with the optimisation.
            let bits_of = |x: f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
            let bits = |d: &Distribution| [d.mean, d.sd, d.min, d.max].into_iter().chain(d.quantiles).map(bits_of).collect();
            let (found, expected): (Vec<u64>, Vec<u64>) = (bits(&rising.distribution()), bits(&Distribution::new(values)));
            assert_eq!(found, expected, "{n}");
        }
    }

    #[test]
    fn weights_repeat() {
        let items = Ascending::new(vec![(3.0, 0), (1.0, 1), (2.0, 2)]);
        for q in [0.0, 0.1, 0.5, 0.9, 1.0] {
            assert_eq!(items.quantile(&[2, 3, 0], q), quantile(&[1.0, 1.0, 1.0, 3.0, 3.0], q));
        }
        assert!(items.quantile(&[0, 0, 0], 0.5).is_nan());
    }

    #[test]
    fn bins_hold_their_lower_edge() {
        assert_eq!([-1.0, -0.995, 0.25, 1.0, 1.0001, -1.1].map(|x| Bins::COSINE.of(x)), [0, 0, 125, 199, 199, 0]);
        assert_eq!(Bins::MARGIN.edges().len(), 201);
    }
}
