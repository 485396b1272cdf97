//! What `compare` needs of a result beside its report: the measure over items with names, and a few numbers an item.
//!
//! ```text
//!   items       violin/A4.flac  flute/C5.flac  …
//!   truth       violin          flute             two trials pair only when items agree in this
//!   measure     how often each item counts → top1, roc_auc, …
//!   right       ✓               ✗                 for McNemar; none where a clip is neither
//!   values      0.031           0.002             for the sign-flip test
//! ```

use crate::metric::Measure;

/// See the module.
pub struct Trial {
    /// What an item is, in the plural: "clips", "labels", "anchors".
    pub unit: &'static str,
    /// Their names, in the measure's order.
    pub items: Vec<String>,
    /// What is right for each item; empty where nothing is.
    pub truth: Vec<String>,
    /// What the items are judged over: the classes, or the terms of the triplets.
    pub vocabulary: Vec<String>,
    /// The groups that a bootstrap draws whole, one an item.
    pub groups: Option<Groups>,
    pub measure: Box<dyn Measure + Send>,
    /// Whether each item is right, where the measure has `top1`; none for an item that is neither right nor wrong.
    pub right: Option<Vec<Option<bool>>>,
    /// Quantities with a number an item; NaN where it has none. Those of anchors are parts of the whole and add up to it.
    pub values: Vec<(&'static str, Vec<f64>)>,
}

/// The group of each item, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// What a group has in common: a field.
    pub by: String,
    pub of: Vec<usize>,
}

impl std::ops::Deref for Groups {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.of
    }
}

impl std::fmt::Debug for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trial({} {}, {})", self.items.len(), self.unit, self.measure.names().join(" "))
    }
}
