//! Two trials on the same items, item by item.
//!
//! Items pair by name, in any order. Clips and labels must be the same on both sides, and have the same truth; anchors may
//! be lacking on one side where both are judged over the same terms, since a convention may give an anchor no triplet.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::metric::{
    self, Bootstrap, Difference, McNemar, Measure, Sampled, SignFlip, Through, Weighed, Weightings, mcnemar, sign_flip,
};
use crate::progress::Progress;
use crate::verb::trial::Trial;

/// Sign patterns that are tried where there are more.
pub const PERMUTATIONS: u64 = 10_000;

/// See the module.
pub struct Pairing<'a> {
    a: Side<'a>,
    b: Side<'a>,
    groups: Option<Vec<usize>>,
    /// Items may be lacking on one side, where they add nothing to its sum.
    partial: bool,
}

/// The items of which both sides are right or wrong.
#[derive(Default)]
struct Judged {
    /// Whether the first has each right.
    a: Vec<bool>,
    b: Vec<bool>,
    /// Their groups, where there are groups.
    groups: Option<Vec<usize>>,
}

/// A trial's numbers over the paired items.
struct Side<'a> {
    trial: &'a Trial,
    /// The trial's item for each paired item.
    at: Vec<Option<usize>>,
    /// The trial's numbers that both have.
    columns: Vec<usize>,
}

impl<'a> Pairing<'a> {
    /// Pairs the items of two trials.
    ///
    /// # Errors
    /// Names the first difference when they do not pair.
    pub fn new(a: &'a Trial, b: &'a Trial) -> Result<Self, Diagnostic> {
        if a.unit != b.unit {
            return Err(Diagnostic::new(format!("the first is about {}, the second about {}", a.unit, b.unit))
                .expected("two statements about the same items"));
        }
        let over = if a.unit == "anchors" { "terms" } else { "classes" };
        same_set(&a.vocabulary, &b.vocabulary, over)?;
        let partial = a.unit == "anchors";
        if !partial {
            same_set(&a.items, &b.items, a.unit)?;
        }
        let mut names: Vec<&String> = a.items.iter().collect();
        let known: std::collections::HashMap<&str, usize> = b.items.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect();
        let own: std::collections::HashMap<&str, usize> = a.items.iter().enumerate().map(|(i, n)| (n.as_str(), i)).collect();
        names.extend(b.items.iter().filter(|n| !own.contains_key(n.as_str())));
        let at =
            |map: &std::collections::HashMap<&str, usize>| names.iter().map(|n| map.get(n.as_str()).copied()).collect::<Vec<_>>();
        let (at_a, at_b) = (at(&own), at(&known));
        for (name, (i, j)) in names.iter().zip(at_a.iter().zip(&at_b)) {
            let (x, y) = (i.and_then(|i| a.truth.get(i)), j.and_then(|j| b.truth.get(j)));
            if let (Some(x), Some(y)) = (x, y)
                && x != y
            {
                return Err(Diagnostic::new(format!("`{name}` is `{x}` in the first and `{y}` in the second"))
                    .expected("the same truth for each item"));
            }
        }
        let (own, other) = (a.measure.names(), b.measure.names());
        let shared: Vec<(usize, usize)> =
            own.iter().enumerate().filter_map(|(i, name)| Some((i, other.iter().position(|o| o == name)?))).collect();
        if shared.is_empty() {
            return Err(Diagnostic::new(format!("the first measures {}, the second {}", own.join(", "), other.join(", ")))
                .expected("statements of one verb"));
        }
        let grouped = |trial: &Trial, at: &[Option<usize>]| {
            let groups = trial.groups.as_ref()?;
            at.iter().map(|i| groups.get((*i)?).copied()).collect::<Option<Vec<usize>>>()
        };
        let groups = match (grouped(a, &at_a), grouped(b, &at_b)) {
            (Some(first), Some(second)) => Some(same_groups(a, b, first, &second)?),
            (first, second) => first.or(second),
        };
        Ok(Pairing {
            a: Side { trial: a, at: at_a, columns: shared.iter().map(|s| s.0).collect() },
            b: Side { trial: b, at: at_b, columns: shared.iter().map(|s| s.1).collect() },
            groups,
            partial,
        })
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.a.at.len()
    }

    /// How many items only one side has.
    pub fn unmatched(&self) -> usize {
        self.a.at.iter().zip(&self.b.at).filter(|(a, b)| a.is_none() || b.is_none()).count()
    }

    /// Whether whole groups are drawn, not items.
    pub fn grouped(&self) -> bool {
        self.groups.is_some()
    }

    /// The shared numbers of the first and of the second.
    ///
    /// # Errors
    /// When vectors can't be read any more or `progress` is cancelled.
    pub fn points(&self, progress: &dyn Progress) -> Result<(Vec<f64>, Vec<f64>), metric::Error> {
        let ones = vec![1; self.len()];
        let once = |side: &Side<'_>| Ok(side.evaluate_each(&Weighed(&ones), progress)?.pop().unwrap_or_default());
        Ok((once(&self.a)?, once(&self.b)?))
    }

    /// First minus second of each shared number, with the interval of resampling both together.
    ///
    /// # Errors
    /// When `progress` is cancelled.
    pub fn differences(&self, bootstrap: &Bootstrap, progress: &dyn Progress) -> Result<Sampled, metric::Error> {
        bootstrap.estimate(&Difference::new(&self.a, &self.b)?, self.groups.as_deref(), progress)
    }

    /// McNemar's exact test over the items that both sides have right or wrong, where there are some.
    ///
    /// # Errors
    /// As [`mcnemar`].
    pub fn mcnemar(&self) -> Result<Option<McNemar>, metric::Error> {
        self.judged().map(|judged| mcnemar(&judged.a, &judged.b)).transpose()
    }

    /// The items that both sides have right or wrong; none where there are none.
    fn judged(&self) -> Option<Judged> {
        let (a, b) = (self.a.trial.right.as_ref()?, self.b.trial.right.as_ref()?);
        let of = |right: &[Option<bool>], at: Option<usize>| right.get(at?).copied().flatten();
        let mut judged = Judged { groups: self.groups.as_ref().map(|_| Vec::new()), ..Judged::default() };
        for (item, (i, j)) in self.a.at.iter().zip(&self.b.at).enumerate() {
            let (Some(first), Some(second)) = (of(a, *i), of(b, *j)) else { continue };
            judged.a.push(first);
            judged.b.push(second);
            if let (Some(own), Some(all)) = (&mut judged.groups, &self.groups) {
                own.extend(all.get(item));
            }
        }
        (!judged.a.is_empty()).then_some(judged)
    }

    /// The sign-flip test of each quantity that both sides have for each item, over the items where it is a number.
    ///
    /// # Errors
    /// When `progress` is cancelled.
    pub fn flips(&self, seed: u64, progress: &dyn Progress) -> Result<Vec<(&'static str, usize, SignFlip)>, metric::Error> {
        let mut tests = Vec::new();
        for (name, a) in &self.a.trial.values {
            let Some((_, b)) = self.b.trial.values.iter().find(|(other, _)| other == name) else { continue };
            let of = |values: &[f64], at: Option<usize>| at.map_or(Some(0.0), |at| values.get(at).copied());
            let pairs = self.a.at.iter().zip(&self.b.at).enumerate();
            let differences = pairs.filter_map(|(item, (i, j))| Some((item, of(a, *i)? - of(b, *j)?)));
            let (items, differences): (Vec<usize>, Vec<f64>) = differences.filter(|(_, d)| d.is_finite()).unzip();
            let groups: Option<Vec<usize>> =
                self.groups.as_ref().map(|groups| items.iter().filter_map(|&i| groups.get(i).copied()).collect());
            if !differences.is_empty() {
                let mut test = sign_flip(&differences, groups.as_deref(), PERMUTATIONS, seed, progress)?;
                if self.partial {
                    test.difference *= differences.len() as f64;
                }
                tests.push((*name, differences.len(), test));
            }
        }
        Ok(tests)
    }

    /// The test that goes first: that of being right, or else the first quantity's sign flips; its name and p.
    ///
    /// # Errors
    /// When `progress` is cancelled.
    pub fn leading_test(&self, seed: u64, progress: &dyn Progress) -> Result<Option<(String, f64)>, metric::Error> {
        if let Some(Judged { a, b, groups }) = self.judged() {
            return Ok(Some((of_right(groups.is_some()).into(), test_right(&a, &b, groups.as_deref(), seed, progress)?)));
        }
        Ok(self.flips(seed, progress)?.first().map(|(name, _, test)| (format!("sign flips of {name}"), test.p)))
    }
}

/// What [`test_right`] is.
pub fn of_right(grouped: bool) -> &'static str {
    if grouped { "sign flips of groups, top1" } else { "McNemar, exact" }
}

/// Whether two systems are right on other items by more than luck, two-sided. McNemar's test takes items for independent, so
/// groups are flipped whole in its place.
///
/// # Errors
/// Without items, or when `progress` is cancelled.
pub fn test_right(
    a: &[bool],
    b: &[bool],
    groups: Option<&[usize]>,
    seed: u64,
    progress: &dyn Progress,
) -> Result<f64, metric::Error> {
    if groups.is_none() {
        return Ok(mcnemar(a, b)?.p);
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(&a, &b)| f64::from(i8::from(a) - i8::from(b))).collect();
    Ok(sign_flip(&differences, groups, PERMUTATIONS, seed, progress)?.p)
}

impl Measure for Side<'_> {
    fn items(&self) -> usize {
        self.at.len()
    }

    fn names(&self) -> Vec<String> {
        let names = self.trial.measure.names();
        self.columns.iter().filter_map(|&c| names.get(c).cloned()).collect()
    }

    fn evaluate(&self, weights: &[u32]) -> Vec<f64> {
        metric::at(self, weights)
    }

    fn evaluate_each(&self, weightings: &dyn Weightings, progress: &dyn Progress) -> Result<Vec<Vec<f64>>, metric::Error> {
        let all = self.trial.measure.evaluate_each(&Through { of: weightings, at: &self.at }, progress)?;
        Ok(all.iter().map(|values| self.columns.iter().filter_map(|&c| values.get(c).copied()).collect()).collect())
    }
}

/// The groups of both sides.
///
/// # Errors
/// When they are groups by two fields, or of other items.
fn same_groups(a: &Trial, b: &Trial, first: Vec<usize>, second: &[usize]) -> Result<Vec<usize>, Diagnostic> {
    let by = |trial: &Trial| trial.groups.as_ref().map_or_else(String::new, |groups| groups.by.clone());
    let (own, other) = (by(a), by(b));
    if own != other {
        return Err(Diagnostic::new(format!("the first groups its {} by `{own}`, the second by `{other}`", a.unit))
            .expected(format!("`by {own}` or `by {other}` on both sides")));
    }
    let count = |groups: &mut dyn Iterator<Item = (usize, usize)>| groups.collect::<BTreeSet<_>>().len();
    let both = count(&mut first.iter().copied().zip(second.iter().copied()));
    let alone = |groups: &[usize]| count(&mut groups.iter().map(|&group| (group, group)));
    if alone(&first) != both || alone(second) != both {
        return Err(Diagnostic::new(format!("`{own}` groups the {} of the first otherwise than those of the second", a.unit))
            .expected("the same groups on both sides"));
    }
    Ok(first)
}

/// Refuses two lists that do not hold the same names.
fn same_set(a: &[String], b: &[String], what: &str) -> Result<(), Diagnostic> {
    let (first, second): (BTreeSet<&String>, BTreeSet<&String>) = (a.iter().collect(), b.iter().collect());
    let only = match (first.difference(&second).next(), second.difference(&first).next()) {
        (None, None) => return Ok(()),
        (Some(name), _) => format!("`{name}` is in the first only"),
        (None, Some(name)) => format!("`{name}` is in the second only"),
    };
    let counts = if first.len() == second.len() { String::new() } else { format!(" ({} and {})", first.len(), second.len()) };
    Err(Diagnostic::new(format!("the two have different {what}{counts}: {only}"))
        .expected(format!("the same {what} on both sides")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::Scores;
    use crate::metric::{Anchor, Classification, Triplets};
    use crate::progress::Silent;
    use crate::verb::trial::Groups;

    fn trial(items: [&str; 3], scores: [f32; 6], truth: [usize; 3]) -> Trial {
        let c = Classification::new(&Scores { n: 3, k: 2, values: scores.to_vec() }, &truth).unwrap();
        Trial {
            unit: "clips",
            items: items.map(str::to_owned).into(),
            truth: truth.map(|t| t.to_string()).into(),
            vocabulary: vec!["0".into(), "1".into()],
            groups: None,
            right: Some(c.right(1).into_iter().map(Some).collect()),
            values: vec![("margin", scores.chunks(2).map(|r| f64::from((r[0] - r[1]).abs())).collect())],
            measure: Box::new(c),
        }
    }

    #[test]
    fn items_pair_by_name_in_any_order() {
        // The first has a and c right, the second b alone; the second lists its items the other way round.
        let a = trial(["a", "b", "c"], [0.75, 0.25, 0.75, 0.25, 0.25, 0.75], [0, 1, 1]);
        let b = trial(["c", "b", "a"], [0.75, 0.25, 0.25, 0.75, 0.25, 0.5], [1, 1, 0]);
        let pairing = Pairing::new(&a, &b).unwrap();
        let differences = pairing.differences(&Bootstrap::default(), &Silent).unwrap();
        assert!((differences.estimates[0].value - 1.0 / 3.0).abs() < 1e-12);
        let m = pairing.mcnemar().unwrap().unwrap();
        assert_eq!((m.only_a, m.only_b, m.p), (2, 1, 1.0));
        let (name, n, flip) = pairing.flips(0, &Silent).unwrap()[0];
        assert_eq!((name, n, flip.difference), ("margin", 3, 0.25 / 3.0));
        assert_eq!((pairing.unmatched(), flip.exact, flip.p), (0, true, 1.0));
    }

    #[test]
    fn items_that_are_neither_right_nor_wrong_take_no_part_in_the_test() {
        let mut a = trial(["a", "b", "c"], [0.75, 0.25, 0.75, 0.25, 0.25, 0.75], [0, 1, 1]);
        let mut b = trial(["c", "b", "a"], [0.75, 0.25, 0.25, 0.75, 0.25, 0.5], [1, 1, 0]);
        let all = Pairing::new(&a, &b).unwrap().mcnemar().unwrap().unwrap();
        // The item c, which is right in the first alone, is last there and first in the second.
        (a.right.as_mut().unwrap()[2], b.right.as_mut().unwrap()[0]) = (None, None);
        a.groups = Some(Groups { by: "g".into(), of: vec![0, 1, 1] });
        let pairing = Pairing::new(&a, &b).unwrap();
        let some = pairing.mcnemar().unwrap().unwrap();
        assert_eq!(((all.only_a, all.only_b, all.items), (some.only_a, some.only_b, some.items)), ((2, 1, 3), (1, 1, 2)));
        assert_eq!(pairing.judged().unwrap().groups, Some(vec![0, 1]));
        a.right = Some(vec![None; 3]);
        assert!(Pairing::new(&a, &b).unwrap().mcnemar().unwrap().is_none());
    }

    #[test]
    fn groups_are_flipped_whole() {
        let (a, b) = ([true, true, true, true, false, true], [false, false, false, false, true, true]);
        assert_eq!(test_right(&a, &b, None, 0, &Silent).unwrap(), 0.375);
        // Two groups: one is four ahead, the other one behind. Their 4 sign patterns give 3, 5, −5, −3.
        assert_eq!(test_right(&a, &b, Some(&[7, 7, 7, 7, 3, 3]), 0, &Silent).unwrap(), 1.0);
    }

    #[test]
    fn what_does_not_pair_is_named() {
        let scores = [0.75, 0.25, 0.75, 0.25, 0.25, 0.75];
        let a = trial(["a", "b", "c"], scores, [0, 1, 1]);
        let fault = |b: &Trial| Pairing::new(&a, b).err().unwrap().message;
        assert_eq!(fault(&trial(["a", "b", "d"], scores, [0, 1, 1])), "the two have different clips: `c` is in the first only");
        assert_eq!(fault(&trial(["a", "b", "c"], scores, [0, 0, 1])), "`b` is `1` in the first and `0` in the second");
        let mut labels = trial(["a", "b", "c"], scores, [0, 1, 1]);
        labels.vocabulary.push("2".into());
        assert_eq!(fault(&labels), "the two have different classes (2 and 3): `2` is in the second only");
        labels.unit = "labels";
        assert_eq!(fault(&labels), "the first is about clips, the second about labels");
    }

    #[test]
    fn anchors_may_be_lacking_on_one_side() {
        let anchors = |names: [&str; 2], right: u64| Trial {
            unit: "anchors",
            items: names.map(str::to_owned).into(),
            truth: vec![],
            vocabulary: ["x", "y", "z"].map(str::to_owned).into(),
            groups: None,
            measure: Box::new(Triplets::of([0, 1].map(|term| Anchor { term, count: 4, right, ties: 0 })).unwrap()),
            right: None,
            values: vec![("accuracy", vec![(right as f64 - 2.0) / 8.0; 2])],
        };
        let (a, b) = (anchors(["x", "y"], 3), anchors(["y", "z"], 1));
        let pairing = Pairing::new(&a, &b).unwrap();
        assert_eq!((pairing.len(), pairing.unmatched()), (3, 2));
        assert_eq!(pairing.points(&Silent).unwrap(), (vec![0.75], vec![0.25]));
        let (_, n, flip) = pairing.flips(0, &Silent).unwrap()[0];
        assert_eq!((n, flip.difference), (3, 0.5));
    }
}
