//! What a model comes to that hears nothing: one that draws cosines blindly, and one that goes by the classes' sizes.
//!
//! ```text
//!   an item, k of its classes not masked    its own among them: m/k to be among the first m    its own masked: 0
//! ```
//! Convention: blind cosines are drawn where there are cosines. A masked pair is not there, so a class counts only for the items
//! that could go to it.

use std::collections::BTreeMap;

use super::Classification;
use crate::metric::{mean_of_defined, ratio};
use crate::report::Estimate;

/// The items that could go to equally many classes, their own among them.
struct Draw {
    /// To how many.
    classes: f64,
    /// Their share of all items.
    of_items: f64,
    /// Their share of each class's items, mean over the classes that occur.
    of_classes: f64,
}

impl Classification {
    /// What cosines drawn blindly would be expected to give: m/k and 1/k, where an item could go to k classes and its own is one
    /// of them, and else 0, mean over items or over classes; one half; and for `pr_auc` the mean prevalence.
    pub fn chance(&self) -> Vec<Estimate> {
        let (support, able) = (self.counts().support, self.able());
        let draws: Vec<Draw> = able.iter().map(|(&classes, of)| draw(classes, of, &support)).collect();
        let expected = |hit: &dyn Fn(&Draw) -> f64| draws.iter().fold(0.0_f64, |sum, draw| sum + hit(draw));
        let top = |m: usize| expected(&|draw| draw.of_items * (m as f64 / draw.classes).min(1.0));
        let mut chance: Vec<Estimate> = (1..=self.tops).map(|m| Estimate::point(&format!("top{m}"), top(m))).collect();
        chance.push(Estimate::point("balanced_accuracy", expected(&|draw| draw.of_classes / draw.classes)));
        chance.push(Estimate::point("roc_auc", 0.5));
        chance.push(Estimate::point("pr_auc", self.prevalence(&able)));
        chance
    }

    /// By the number of classes that items could go to: of each class, its items of which it is one.
    fn able(&self) -> BTreeMap<u32, Vec<u64>> {
        let mut able: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for (judged, &own) in self.judged.iter().zip(&self.truth).filter(|(judged, _)| judged.own > f32::NEG_INFINITY) {
            let of = able.entry(judged.open).or_insert_with(|| vec![0; self.classes]);
            super::add(of, own, 1);
        }
        able
    }

    /// The share of a class's own items among those that could go to it, mean over the classes with items of both kinds.
    fn prevalence(&self, able: &BTreeMap<u32, Vec<u64>>) -> f64 {
        let own = |class: usize| able.values().filter_map(|of| of.get(class)).sum::<u64>();
        let all = self.masked.iter().map(|masked| (self.truth.len() as u64).saturating_sub(*masked));
        let both = all.enumerate().map(|(class, all)| (own(class), all)).filter(|&(own, all)| 0 < own && own < all);
        mean_of_defined(both.map(|(own, all)| ratio(own, all)))
    }

    /// What a model gives that hears nothing and always ranks the classes by their number of items.
    pub fn majority(&self) -> Vec<Estimate> {
        let mut support = self.counts().support;
        support.sort_unstable_by(|a, b| b.cmp(a));
        let n = self.truth.len() as u64;
        let present = support.iter().filter(|&&s| s > 0).count() as f64;
        let share = ratio(support.first().copied().unwrap_or(0), n);
        let f1 = 2.0 * share / (1.0 + share);
        let mut majority: Vec<Estimate> =
            (1..=self.tops).map(|m| Estimate::point(&format!("top{m}"), ratio(support.iter().take(m).sum(), n))).collect();
        majority.push(Estimate::point("f1_weighted", share * f1));
        majority.push(Estimate::point("f1_macro", f1 / present));
        majority.push(Estimate::point("balanced_accuracy", 1.0 / present));
        majority.push(Estimate::point("roc_auc", 0.5));
        majority
    }
}

/// Of each class `of` items, out of `support`, could go to `classes` classes and their own.
fn draw(classes: u32, of: &[u64], support: &[u64]) -> Draw {
    Draw {
        classes: f64::from(classes),
        of_items: ratio(of.iter().sum(), support.iter().sum()),
        of_classes: mean_of_defined(of.iter().zip(support).map(|(&of, &support)| ratio(of, support))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::Scores;
    use crate::metric::Measure;

    const MASKED: f32 = f32::NEG_INFINITY;

    fn of(k: usize, values: &[f32], truth: &[usize]) -> Classification {
        Classification::new(&Scores { n: values.len() / k, k, values: values.to_vec() }, truth).unwrap()
    }

    fn value(estimates: &[Estimate], name: &str) -> f64 {
        estimates.iter().find(|e| e.name == name).unwrap().value
    }

    #[test]
    fn without_masks_all_classes_are_drawn_from() {
        let c = of(4, &[0.1, 0.2, 0.3, 0.4].repeat(5), &[1, 1, 1, 0, 2]);
        // To the last digit, as 1/k is written.
        let names = ["top1", "top2", "top4", "top5", "balanced_accuracy"];
        assert_eq!(names.map(|name| value(&c.chance(), name)), [0.25, 0.5, 1.0, 1.0, 0.25]);
        assert!((value(&c.chance(), "pr_auc") - 1.0 / 3.0).abs() < 1e-15);
        let seven = of(7, &[0.1; 21], &[0, 5, 5]);
        assert_eq!(["top1", "balanced_accuracy"].map(|name| value(&seven.chance(), name)), [1.0 / 7.0; 2]);
    }

    #[test]
    fn a_masked_class_is_not_drawn() {
        // Items 0 and 1 could go to two classes, item 2 to all three, item 3 not to its own.
        let values = [0.1, 0.2, MASKED, 0.1, 0.2, MASKED, 0.1, 0.2, 0.3, 0.1, 0.2, MASKED];
        let c = of(3, &values, &[0, 0, 1, 2]);
        let expected = [
            ("top1", (0.5 + 0.5 + 1.0 / 3.0) / 4.0),
            ("top2", (1.0 + 1.0 + 2.0 / 3.0) / 4.0),
            ("top3", 3.0 / 4.0),
            ("balanced_accuracy", (0.5 + 1.0 / 3.0) / 3.0),
            // Of class 2 only item 2 is left, which is none of it: the class has no area.
            ("pr_auc", (2.0 / 4.0 + 1.0 / 4.0) / 2.0),
        ];
        for (name, expected) in expected {
            assert!((value(&c.chance(), name) - expected).abs() < 1e-12, "{name}: {:?}", c.chance());
        }
        // No item could go to its own class.
        let none = of(2, &[MASKED, 0.1, 0.2, MASKED], &[0, 1]);
        assert_eq!(value(&none.chance(), "top1").to_bits(), 0.0f64.to_bits());
    }

    #[test]
    fn chance_is_what_blind_cosines_give() {
        let masks = [0b000, 0b100, 0b100, 0b010, 0b001];
        let truth = [0, 1, 2, 0, 2];
        let orders = [[0.1, 0.2, 0.3], [0.1, 0.3, 0.2], [0.2, 0.1, 0.3], [0.2, 0.3, 0.1], [0.3, 0.1, 0.2], [0.3, 0.2, 0.1]];
        let measured = |order: [f32; 3]| {
            let score = |mask: usize, class: usize| if mask >> class & 1 == 1 { MASKED } else { order[class] };
            let values: Vec<f32> = masks.iter().flat_map(|&mask| (0..3).map(move |class| score(mask, class))).collect();
            of(3, &values, &truth)
        };
        let chance = measured(orders[0]).chance();
        for name in ["top1", "top2", "balanced_accuracy"] {
            let mean = orders.map(|order| value(&measured(order).point(), name)).iter().sum::<f64>() / 6.0;
            assert!((value(&chance, name) - mean).abs() < 1e-12, "{name}: {mean} {chance:?}");
        }
    }

    #[test]
    fn the_majority_is_what_a_constant_order_gives() {
        let constant = of(4, &[0.2, 0.9, 0.1, 0.0].repeat(5), &[1, 1, 1, 0, 2]);
        for expected in constant.majority() {
            assert!((value(&constant.point(), &expected.name) - expected.value).abs() < 1e-15, "{}", expected.name);
        }
        assert_eq!(value(&constant.clone().up_to(7).point(), "top7"), 1.0);
    }
}
