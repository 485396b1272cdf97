//! Properties that every measure must have, on random and on heavily tied data.

use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::progress::Silent;

/// Cosines in steps of 1/`steps` (few steps, many ties) with a class for each item; some pairs are masked.
fn data(seed: u64, n: usize, k: usize, steps: i32) -> (Scores, Vec<usize>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut values: Vec<f32> = (0..n * k).map(|_| random.random_range(-steps..=steps) as f32 / steps as f32).collect();
    for row in 0..n / 10 {
        values[row * k] = f32::NEG_INFINITY;
    }
    (Scores { n, k, values }, (0..n).map(|_| random.random_range(0..k)).collect())
}

fn measures(scores: &Scores, truth: &[usize]) -> Vec<Box<dyn Measure>> {
    vec![
        Box::new(Classification::new(scores, truth).unwrap()),
        Box::new(Retrieval::new(scores, |q, c| (c + truth[q]).is_multiple_of(3)).unwrap()),
        Box::new(Pairs::new(scores, truth).unwrap()),
        Box::new(Margins::new(scores, truth).unwrap()),
    ]
}

/// The rows `items`, in that order, repeated where an item comes again.
fn take(scores: &Scores, truth: &[usize], items: &[usize]) -> (Scores, Vec<usize>) {
    let values = items.iter().flat_map(|&i| scores.row(i).to_vec()).collect();
    (Scores { n: items.len(), k: scores.k, values }, items.iter().map(|&i| truth[i]).collect())
}

fn assert_close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() < 1e-12 || (a.is_nan() && b.is_nan()), "{a} {b}");
    }
}

#[test]
fn a_weight_is_a_repeated_item() {
    for (seed, steps) in [(1, 3), (2, 50), (3, 1_000_000)] {
        let (scores, truth) = data(seed, 80, 6, steps);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let weights: Vec<u32> = (0..80).map(|_| random.random_range(0..4)).collect();
        let items: Vec<usize> = (0..80).flat_map(|i| vec![i; weights[i] as usize]).collect();
        let (expanded, expanded_truth) = take(&scores, &truth, &items);
        for (weighed, repeated) in measures(&scores, &truth).iter().zip(measures(&expanded, &expanded_truth)) {
            assert_close(&weighed.evaluate(&weights), &repeated.evaluate(&vec![1; items.len()]));
        }
    }
}

#[test]
fn the_order_of_items_does_not_matter() {
    for (seed, steps) in [(4, 4), (5, 1_000_000)] {
        let (scores, truth) = data(seed, 70, 5, steps);
        let order: Vec<usize> = (0..70).map(|i| i * 29 % 70).collect();
        let (shuffled, shuffled_truth) = take(&scores, &truth, &order);
        for (a, b) in measures(&scores, &truth).iter().zip(measures(&shuffled, &shuffled_truth)) {
            assert_close(&a.evaluate(&[1; 70]), &b.evaluate(&[1; 70]));
        }
    }
}

#[test]
fn the_order_of_classes_does_not_matter() {
    let (scores, truth) = data(6, 60, 5, 1_000_000);
    let turned = |class: usize| (class + 2) % 5;
    let mut values = vec![0.0; 300];
    for i in 0..60 {
        (0..5).for_each(|class| values[i * 5 + turned(class)] = scores.row(i)[class]);
    }
    let other = Scores { values, ..scores.clone() };
    let other_truth: Vec<usize> = truth.iter().map(|&class| turned(class)).collect();
    let (a, b) = (Classification::new(&scores, &truth).unwrap(), Classification::new(&other, &other_truth).unwrap());
    assert_close(&a.evaluate(&[1; 60]), &b.evaluate(&[1; 60]));
}

#[test]
fn only_the_order_of_cosines_matters_to_ranks_and_areas() {
    for steps in [4, 1000] {
        let (scores, truth) = data(7, 90, 5, steps);
        let halved = Scores { values: scores.values.iter().map(|x| x / 2.0 + 0.25).collect(), ..scores.clone() };
        let (a, b) = (measures(&scores, &truth), measures(&halved, &truth));
        assert_eq!(a[0].evaluate(&[1; 90]), b[0].evaluate(&[1; 90]));
        assert_eq!(a[1].evaluate(&[1; 90]), b[1].evaluate(&[1; 90]));
        assert_eq!(a[2].point()[3], b[2].point()[3]);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (scores, truth) = data(8, 60, 6, 8);
    let groups: Vec<usize> = (0..60).map(|i| i / 4).collect();
    let run = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let bootstrap = Bootstrap { resamples: 200, ..Default::default() };
            let sampled: Vec<Sampled> = measures(&scores, &truth)
                .iter()
                .map(|m| bootstrap.estimate(m.as_ref(), Some(&groups), &Silent).unwrap())
                .collect();
            let differences: Vec<f64> = scores.values.iter().filter(|x| x.is_finite()).map(|&x| f64::from(x)).collect();
            (sampled, sign_flip(&differences, None, 500, 1, &Silent).unwrap())
        })
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn intervals_hold_the_number_and_stay_in_range() {
    let (scores, truth) = data(9, 120, 4, 1000);
    for measure in measures(&scores, &truth) {
        for estimate in Bootstrap::default().estimate(measure.as_ref(), None, &Silent).unwrap().estimates {
            let (Some(low), Some(high)) = (estimate.low, estimate.high) else {
                assert_eq!(estimate.name, "overlap");
                continue;
            };
            let range = named(&estimate.name).unwrap().range;
            assert!(range.0 <= low && low <= high && high <= range.1, "{estimate:?}");
            assert!(low <= estimate.value && estimate.value <= high, "{estimate:?}");
        }
    }
}

#[test]
fn perfect_and_worst() {
    for (own, other, expected) in [(0.9, 0.1, 1.0), (0.1, 0.9, 0.0)] {
        let values = (0..12).flat_map(|i| (0..3).map(move |class| if class == i % 3 { own } else { other })).collect();
        let c = Classification::new(&Scores { n: 12, k: 3, values }, &(0..12).map(|i| i % 3).collect::<Vec<_>>()).unwrap();
        for name in ["top1", "f1_weighted", "f1_macro", "balanced_accuracy", "roc_auc"] {
            assert_eq!(c.point().iter().find(|e| e.name == name).unwrap().value, expected, "{name}");
        }
    }
}

#[test]
fn triplets_in_any_order_count_the_same() {
    let mut random = ChaCha8Rng::seed_from_u64(10);
    let cosine: Vec<f64> = (0..400).map(|_| f64::from(random.random_range(-5..=5)) / 5.0).collect();
    let triplets: Vec<(u32, u32, u32)> =
        (0..500).map(|_| (random.random_range(0..20), random.random_range(0..20), random.random_range(0..20))).collect();
    let mut sorted = triplets.clone();
    sorted.sort_unstable();
    let judge = |t: &[(u32, u32, u32)]| Triplets::new(20, |a, b| cosine[(a * 20 + b) as usize], t).unwrap();
    assert_eq!(judge(&triplets), judge(&sorted));
    let right = triplets.iter().filter(|t| cosine[(t.0 * 20 + t.1) as usize] > cosine[(t.0 * 20 + t.2) as usize]).count();
    assert_eq!(judge(&triplets).right(), right as u64);
}

#[test]
fn what_is_streamed_gives_the_same_bits_as_what_is_kept() {
    for (seed, steps) in [(9, 3), (10, 40), (11, 1_000_000)] {
        let (scores, truth) = data(seed, 90, 7, steps);
        let of: Arc<Scores> = Arc::new(scores);
        let bootstrap = Bootstrap { resamples: 20, ..Default::default() };
        // 630 pairs: kept, two columns or a few buckets at once, and as little as can be.
        let run = |most: usize| {
            let c = Classification::within(most, of.clone(), &truth, &Silent).unwrap();
            let p = Pairs::within(most, of.clone(), &truth, &Silent).unwrap();
            let sampled: Vec<Sampled> =
                [&c as &dyn Measure, &p].map(|m| bootstrap.estimate(m, None, &Silent).unwrap()).into_iter().collect();
            let bits = sampled.iter().flat_map(|s| &s.estimates).flat_map(|e| [Some(e.value), e.low, e.high]);
            let bits: Vec<Option<u64>> = bits.map(|x| x.map(f64::to_bits)).collect();
            (bits, format!("{:?} {:?} {:?} {:?}", c.per_class(), p.positive(), p.negative(), p.histograms()), c.absent())
        };
        let kept = run(usize::MAX);
        assert_eq!([run(180), run(1)], [kept.clone(), kept]);
    }
}
