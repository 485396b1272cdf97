//! Hubs: candidates that are among the k nearest of far more queries than others are.
//!
//! Convention: N(c) is the number of queries that have candidate c among their k nearest, of equal scores the first. Hubness
//! is the skewness of N over candidates, third central moment over the second to 3/2, as `scipy.stats.skew`; 0 is even, and
//! it is undefined where all N are equal. Intervals resample candidates with the N that they have.
//!
//! CSLS lowers a candidate by how near it lies to everything: cos(q, c) − ½ r(c), r(c) being its mean cosine with its k
//! nearest queries (the query's own term changes no order).
//!
//! Source: Radovanović, Nanopoulos, Ivanović, JMLR 2010; Conneau et al., ICLR 2018, for CSLS.

use super::catalog::family;
use super::{Error, Function, Measure, weight};
use crate::embedding::{BadVector, Embeddings};

/// How often each candidate is near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hubs(Vec<u32>);

/// Weighted numbers, which the metrics read.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub skewness: f64,
    /// Share of candidates that are near no query.
    pub orphans: f64,
}

impl Hubs {
    /// Of how often each candidate is among the nearest of a query.
    ///
    /// # Errors
    /// Without candidates.
    pub fn new(counts: Vec<u32>) -> Result<Self, Error> {
        if counts.is_empty() { Err(Error::Empty { what: "queries and candidates" }) } else { Ok(Hubs(counts)) }
    }

    /// How often each candidate is near.
    pub fn counts(&self) -> &[u32] {
        &self.0
    }
}

/// Candidates and queries with two more numbers, so that their cosines have the order of CSLS: (c, −½ r(c), h) and (q, 1, 0), where h
/// brings all candidates to one length. `crowd` are the r(c). The cosines are (cos(q, c) − ½ r(c)) / √2.5.
///
/// Source: Bachrach et al., RecSys 2014, for the reduction of inner products to cosines.
///
/// # Errors
/// None but for a crowd that is no number.
pub fn csls(candidates: &Embeddings, crowd: &[f32], queries: &Embeddings) -> Result<(Embeddings, Embeddings), BadVector> {
    let longer = |of: &Embeddings, two: &dyn Fn(usize) -> [f32; 2]| {
        let values = (0..of.len()).flat_map(|i| of.row(i).iter().copied().chain(two(i))).collect();
        Embeddings::from_rows(of.space.clone(), of.dim() + 2, values)
    };
    let half = |i: usize| crowd.get(i).map_or(0.0, |crowd| crowd / 2.0);
    let candidates = longer(candidates, &|i| [-half(i), (0.25 - half(i) * half(i)).max(0.0).sqrt()])?;
    Ok((candidates, longer(queries, &|_| [1.0, 0.0])?))
}

fn metrics() -> impl Iterator<Item = (&'static str, fn(&Tally) -> f64)> {
    family(|function| if let Function::Hubs(of) = function { Some(of) } else { None })
}

impl Measure for Hubs {
    fn items(&self) -> usize {
        self.0.len()
    }

    fn names(&self) -> Vec<String> {
        metrics().map(|(name, _)| name.to_owned()).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        let weighed = || self.0.iter().enumerate().map(|(i, &n)| (weight(weights, i) as f64, f64::from(n)));
        let total: f64 = weighed().map(|(w, _)| w).sum();
        let mean = weighed().map(|(w, n)| w * n).sum::<f64>() / total;
        let moment = |power: i32| weighed().map(|(w, n)| w * (n - mean).powi(power)).sum::<f64>() / total;
        let spread = moment(2);
        let tally = Tally {
            skewness: if spread > 0.0 { moment(3) / spread.powf(1.5) } else { f64::NAN },
            // An empty sum of floats is −0.
            orphans: (weighed().filter(|&(_, n)| n == 0.0).map(|(w, _)| w).sum::<f64>() + 0.0) / total,
        };
        metrics().map(|(_, of)| of(&tally)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Modality, Space, Stage};

    #[test]
    fn one_hub() {
        // Candidate 0 is nearest to all four queries.
        let hubs = Hubs::new(vec![4, 0, 0, 0]).unwrap();
        // Deviations 3, −1, −1, −1: moments 3 and 6; 6 / 3^1.5.
        let found = hubs.evaluate(&[1; 4]);
        assert!((found[0] - 6.0 / 27f64.sqrt()).abs() < 1e-12 && found[1] == 0.75, "{found:?}");
        assert!(hubs.evaluate(&[0, 1, 1, 1])[0].is_nan());
        // No orphan is 0, not −0.
        assert!(hubs.evaluate(&[1, 0, 0, 0])[1].is_sign_positive());
        assert!(Hubs::new(Vec::new()).is_err());
    }

    #[test]
    fn csls_is_a_cosine_in_two_more_dimensions() {
        let rows =
            |values: &[f32]| Embeddings::from_rows(Space::new("m", Modality::Audio, Stage::Joint), 2, values.to_vec()).unwrap();
        let (candidates, queries) = (rows(&[1.0, 0.0, 0.6, 0.8, -1.0, 0.1]), rows(&[3.0, 4.0, 1.0, -2.0]));
        let crowd = [0.85, -0.35, 1.0];
        let (long, asked) = csls(&candidates, &crowd, &queries).unwrap();
        for q in 0..2 {
            for (c, crowd) in crowd.iter().enumerate() {
                let of = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
                let expected = (of(queries.row(q), candidates.row(c)) - crowd / 2.0) / 2.5f32.sqrt();
                let found = of(asked.row(q), long.row(c));
                assert!((found - expected).abs() < 1e-6, "{q}, {c}: {found} for {expected}");
            }
        }
    }
}
