//! The metrics against scikit-learn, scipy and numpy, to 1e-9: `tests/golden/metrics.json`, made by
//! `tools/golden/make_metrics.py`.

use dyad::embedding::Scores;
use dyad::metric::{Classification, Distribution, Error, Margins, Masked, Measure, MultiLabel, Pairs, Retrieval};
use dyad::metric::{holm, mcnemar, quantile, sign_flip};
use dyad::progress::Silent;
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/metrics.json")).unwrap()
}

fn cases(name: &str) -> Vec<Value> {
    let golden = golden();
    let cases = golden[name].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

fn counts(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

fn weights(case: &Value) -> Vec<u32> {
    counts(&case["weights"]).into_iter().map(|w| w as u32).collect()
}

/// The scores of a case; they are the same numbers in f32 as in f64.
fn scores(case: &Value) -> Scores {
    let scale = golden()["scale"].as_f64().unwrap();
    let values = floats(&case["scores"]).iter().map(|v| (v / scale) as f32).collect();
    Scores { n: case["n"].as_u64().unwrap() as usize, k: case["k"].as_u64().unwrap() as usize, values }
}

fn assert_close(found: f64, expected: f64, what: &str) {
    let close = (found.is_nan() && expected.is_nan()) || (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
    assert!(close, "{what}: found {found}, expected {expected}");
}

/// Every number of the measure, plain and weighted, against the case's.
fn assert_measure(measure: &dyn Measure, case: &Value) {
    for (weights, expected) in [(vec![1; measure.items()], &case["expected"]), (weights(case), &case["weighted"])] {
        for (name, found) in measure.names().iter().zip(measure.evaluate(&weights)) {
            let expected = expected.get(name).unwrap_or_else(|| panic!("no golden value of {name}"));
            assert_close(found, expected.as_f64().unwrap_or(f64::NAN), &format!("{}: {name}", case["name"]));
        }
    }
}

#[test]
fn classification() {
    for case in cases("classification") {
        let (scores, truth) = (scores(&case), counts(&case["truth"]));
        let c = Classification::new(&scores, &truth).unwrap();
        assert_measure(&c, &case);
        assert_eq!(c.predicted(), counts(&case["predicted"]), "{}", case["name"]);
        let confusion: Vec<Vec<u64>> = serde_json::from_value(case["confusion"].clone()).unwrap();
        assert_eq!(c.confusion(), confusion, "{}", case["name"]);
        let classes = &case["classes"];
        for (i, class) in c.per_class().iter().enumerate() {
            let found = [
                ("support", class.support as f64),
                ("precision", class.precision),
                ("recall", class.recall),
                ("f1", class.f1),
                ("roc_auc", class.roc_auc),
                ("average_precision", class.average_precision),
            ];
            for (name, found) in found {
                assert_close(found, floats(&classes[name])[i], &format!("{}: {name} of class {i}", case["name"]));
            }
        }
        let undefined: Vec<usize> = (0..scores.k).filter(|&i| classes["roc_auc"][i].is_null()).collect();
        assert_eq!(c.absent(), undefined);
    }
}

#[test]
fn pairs_and_margins() {
    for case in cases("classification") {
        let (scores, truth) = (scores(&case), counts(&case["truth"]));
        let (pairs, margins) = (Pairs::new(&scores, &truth).unwrap(), Margins::new(&scores, &truth).unwrap());
        assert_measure(&pairs, &case);
        assert_measure(&margins, &case);
        for (name, found) in [("positive", pairs.positive()), ("negative", pairs.negative()), ("margin", margins.all())] {
            assert_distribution(&found, &case["distributions"][name], &format!("{}: {name}", case["name"]));
        }
    }
}

fn assert_distribution(found: &Distribution, expected: &Value, what: &str) {
    let number = |name: &str| expected[name].as_f64().unwrap_or(f64::NAN);
    let plain = [("count", found.count as f64), ("mean", found.mean), ("sd", found.sd), ("min", found.min), ("max", found.max)];
    for (name, found) in plain {
        assert_close(found, number(name), &format!("{what} {name}"));
    }
    for (&found, expected) in found.quantiles.iter().zip(floats(&expected["quantiles"])) {
        assert_close(found, expected, what);
    }
}

#[test]
fn retrieval() {
    for case in cases("retrieval") {
        let (scores, relevant) = (scores(&case), counts(&case["relevant"]));
        let r = Retrieval::new(&scores, |query, candidate| relevant[query * scores.k + candidate] == 1).unwrap();
        assert_measure(&r, &case);
    }
}

/// `-1` is unknown.
fn known(case: &Value) -> Vec<Option<bool>> {
    floats(&case["known"]).into_iter().map(|v| (v >= 0.0).then_some(v == 1.0)).collect()
}

#[test]
fn several_classes_an_item() {
    for case in cases("multilabel") {
        let (scores, known) = (scores(&case), known(&case));
        let m = MultiLabel::new(&scores, |item, class| known[item * scores.k + class]).unwrap();
        assert_measure(&m, &case);
        assert_eq!(m.without() as u64, case["without"].as_u64().unwrap(), "{}", case["name"]);
        for (i, class) in m.per_class().iter().enumerate() {
            let found = [
                ("present", class.present as f64),
                ("absent", class.absent as f64),
                ("roc_auc", class.roc_auc),
                ("average_precision", class.average_precision),
            ];
            for (name, found) in found {
                assert_close(found, floats(&case["classes"][name])[i], &format!("{}: {name} of class {i}", case["name"]));
            }
        }
        for chance in m.chance() {
            let expected = case["chance"][&chance.name].as_f64().unwrap_or(f64::NAN);
            assert_close(chance.value, expected, &format!("{}: chance of {}", case["name"], chance.name));
        }
    }
}

/// A pair of unknown truth is refused too: nothing that was computed from it could be trusted.
#[test]
fn nan_is_refused_where_several_classes_stand() {
    for case in cases("multilabel") {
        let (mut scores, known) = (scores(&case), known(&case));
        let at = scores.values.len() / 2;
        scores.values[at] = f32::NAN;
        let truth = |item: usize, class: usize| known[item * scores.k + class];
        let place = (at / scores.k, at % scores.k);
        for found in [MultiLabel::new(&scores, truth), MultiLabel::over(&scores, truth, &Silent)] {
            let found = found.err();
            assert!(matches!(found, Some(Error::Score { row, column, .. }) if (row, column) == place), "{found:?}");
        }
    }
}

#[test]
fn retrieval_where_pairs_are_hidden() {
    for case in cases("masked") {
        let (scores, relevant, hidden) = (scores(&case), counts(&case["relevant"]), counts(&case["hidden"]));
        let hide = |query: usize, candidate: usize| hidden[query * scores.k + candidate] == 1;
        let masked = Masked::new(&scores, &hide);
        let r = Retrieval::over(&masked, |query, candidate| relevant[query * scores.k + candidate] == 1, &Silent).unwrap();
        assert_measure(&r, &case);
    }
}

#[test]
fn significance() {
    for case in cases("mcnemar") {
        let [a, b] = ["only_a", "only_b"].map(|name| case[name].as_u64().unwrap() as usize);
        let outcomes = |first: bool| [vec![first; a], vec![!first; b], vec![true]].concat();
        let found = mcnemar(&outcomes(true), &outcomes(false)).unwrap();
        assert_eq!((found.only_a, found.only_b), (a as u64, b as u64));
        let expected = case["p"].as_f64().unwrap();
        assert!((found.p - expected).abs() <= 1e-9 * expected, "{a} {b}: {} {expected}", found.p);
    }
    for case in cases("sign_flip") {
        let found = sign_flip(&floats(&case["differences"]), None, 1 << 14, 0, &Silent).unwrap();
        assert!(found.exact);
        assert_close(found.p, case["p"].as_f64().unwrap(), "sign flip");
    }
    for case in cases("holm") {
        for (found, expected) in holm(&floats(&case["p"])).into_iter().zip(floats(&case["expected"])) {
            assert_close(found, expected, "holm");
        }
    }
}

#[test]
fn quantiles() {
    for case in cases("quantile") {
        for (q, expected) in floats(&case["q"]).into_iter().zip(floats(&case["expected"])) {
            assert_close(quantile(&floats(&case["values"]), q), expected, "quantile");
        }
    }
}
