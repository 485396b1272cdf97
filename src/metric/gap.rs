//! The modality gap: how far apart the two towers' vectors lie, and how narrow a cone each keeps to.
//!
//! ```text
//!   audio ∴∵∴ ←── gap: distance of the two means of unit vectors ──→ ∵∴ text
//!   cone: mean cosine of two different vectors of one side; 1 is a point, 0 uses all directions
//! ```
//!
//! Convention: items are clips; texts stay as they are. An item that counts several times makes no pair with itself.
//!
//! Source: Liang, Zhang, Kwon, Yeung, Zou, Mind the Gap, NeurIPS 2022.

use std::sync::Arc;

use super::catalog::family;
use super::{Error, Function, Measure, weight};
use crate::embedding::Embeddings;

/// Unit vectors of clips, and the mean of those of the texts.
#[derive(Debug, Clone)]
pub struct Gap {
    clips: Arc<Embeddings>,
    text_mean: Vec<f64>,
    text_cone: f64,
}

/// Weighted numbers, which the metrics read.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// Distance of the two means, 0 to 2.
    pub gap: f64,
    /// Mean cosine of two clips.
    pub audio_cone: f64,
    /// Mean cosine of two texts.
    pub text_cone: f64,
    /// Mean cosine of a clip with a text.
    pub cross: f64,
}

impl Gap {
    /// Takes the clips and the texts of a joint space.
    ///
    /// # Errors
    /// Without clips or texts, or when their dimensions differ.
    pub fn new(clips: Arc<Embeddings>, texts: &Embeddings) -> Result<Self, Error> {
        if clips.is_empty() || texts.is_empty() {
            return Err(Error::Empty { what: "clips and texts" });
        }
        if clips.dim() != texts.dim() {
            return Err(Error::Shape { what: "dimensions", expected: clips.dim(), found: texts.dim() });
        }
        let ones = vec![1; texts.len()];
        let sums = sums(texts, &ones);
        Ok(Gap { clips, text_cone: sums.cone(), text_mean: sums.mean() })
    }
}

/// What means and cones are made of.
struct Sums {
    vector: Vec<f64>,
    weights: f64,
    squared_weights: f64,
}

fn sums(rows: &Embeddings, weights: &[u32]) -> Sums {
    let mut sums = Sums { vector: vec![0.0; rows.dim()], weights: 0.0, squared_weights: 0.0 };
    for i in 0..rows.len() {
        let w = weight(weights, i) as f64;
        if w > 0.0 {
            sums.vector.iter_mut().zip(rows.row(i)).for_each(|(sum, &x)| *sum += w * f64::from(x));
            sums.weights += w;
            sums.squared_weights += w * w;
        }
    }
    sums
}

impl Sums {
    fn mean(&self) -> Vec<f64> {
        self.vector.iter().map(|x| x / self.weights).collect()
    }

    /// The mean cosine of two different rows; NaN with fewer than two.
    fn cone(&self) -> f64 {
        let pairs = self.weights * self.weights - self.squared_weights;
        if pairs > 0.0 { (self.vector.iter().map(|x| x * x).sum::<f64>() - self.squared_weights) / pairs } else { f64::NAN }
    }
}

fn metrics() -> impl Iterator<Item = (&'static str, fn(&Tally) -> f64)> {
    family(|function| if let Function::Gap(of) = function { Some(of) } else { None })
}

impl Measure for Gap {
    fn items(&self) -> usize {
        self.clips.len()
    }

    fn names(&self) -> Vec<String> {
        metrics().map(|(name, _)| name.to_owned()).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        let sums = sums(&self.clips, weights);
        let pairs = || sums.vector.iter().map(|x| x / sums.weights).zip(&self.text_mean);
        let tally = Tally {
            gap: pairs().map(|(a, t)| (a - t).powi(2)).sum::<f64>().sqrt(),
            audio_cone: sums.cone(),
            text_cone: self.text_cone,
            cross: pairs().map(|(a, t)| a * t).sum(),
        };
        metrics().map(|(_, of)| of(&tally)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Modality, Space, Stage};

    fn rows(modality: Modality, values: &[f32]) -> Embeddings {
        Embeddings::from_rows(Space::new("m", modality, Stage::Joint), 2, values.to_vec()).unwrap()
    }

    #[test]
    fn two_right_angles() {
        // Clips at 0° and 90°, texts both at 0°: means (½, ½) and (1, 0).
        let gap =
            Gap::new(rows(Modality::Audio, &[2.0, 0.0, 0.0, 3.0]).into(), &rows(Modality::Text, &[1.0, 0.0, 5.0, 0.0])).unwrap();
        assert_eq!(gap.evaluate(&[1, 1]), [0.5f64.sqrt(), 0.0, 1.0, 0.5]);
        // The first clip twice: no pair with its own copy, so the cone stays.
        assert_eq!(gap.evaluate(&[2, 1])[1], 0.0);
        assert!(gap.evaluate(&[2, 0])[1].is_nan());
        assert!(Gap::new(rows(Modality::Audio, &[]).into(), &rows(Modality::Text, &[1.0, 0.0])).is_err());
    }
}
