//! `gap`, `hubness`, `check model`.

use super::{assert_metrics, cell, fault, session};
use dyad::value::Value;

#[test]
fn the_gap_by_hand() {
    // Means (.69, .47) and (.5, .5); the clips sum to (2.76, 1.88). Centred, a2 and b2 go to the wrong label.
    let report = assert_metrics(
        "gap clips in clips model=m",
        &[
            ("gap", (0.19f64.powi(2) + 0.03f64.powi(2)).sqrt()),
            ("audio_cone", (2.76f64.powi(2) + 1.88f64.powi(2) - 4.0) / 12.0),
            ("text_cone", 0.0),
            ("cross_cosine", 0.58),
            ("top1", 0.75),
            ("top1_centred", 0.5),
            ("top1_centring_difference", -0.25),
        ],
    );
    let gap = report.metric("gap").unwrap();
    assert!(gap.low.unwrap() < gap.value && gap.value < gap.high.unwrap());
}

#[test]
fn hubs_by_hand() {
    // Of two neighbours each: a1 has 2, a2 3, b1 0, b2 3. As the best label a has 3 and b 1.
    let report = assert_metrics(
        "hubness clips in clips model=m k=2",
        &[("audio_audio_skewness", -1.5 / 1.5f64.powf(1.5)), ("audio_audio_orphans", 0.25), ("audio_text_skewness", 0.0)],
    );
    assert_eq!(report.tables[0].rows.len(), 9);
    let hubs: Vec<_> = report.tables[1].rows.iter().filter(|r| r[0] == "audio_text".into() && r[1] == "none".into()).collect();
    assert_eq!((&hubs[0][2], &hubs[0][4]), (&Value::from("a"), &Value::Int(3)));
    // Every clip is among three neighbours of all others: nothing is a hub, and skewness is no number.
    let even = assert_metrics("hubness clips in clips model=m k=3", &[("audio_audio_orphans", 0.0)]);
    assert!(even.metric("audio_audio_skewness").unwrap().value.is_nan());
    assert_eq!(cell(&even, 0, "audio_audio", "most"), Value::Int(3));
}

#[test]
fn only_models_with_graphs_are_checked() {
    let mut s = session();
    assert_eq!(fault(&mut s, "check model m"), "the model `m` has no graphs to check");
    assert_eq!(fault(&mut s, "check model nope"), "unknown model `nope`");
    assert_eq!(fault(&mut s, "check"), "`check` needs a model");
}
