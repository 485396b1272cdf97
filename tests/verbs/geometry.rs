//! `gap`, `hubness`, `check model`.

use super::{assert_metrics, cell, fault, run, session};
use dyad::embedding::{Modality, Space, Stage};
use dyad::session::Session;
use dyad::store::{NewItem, SpaceKey, Store};
use dyad::value::Value;
use dyad::workspace::Workspace;

/// Ten clips of two labels that a collapsed model hears all the same.
fn collapsed() -> Session {
    let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
    let model = workspace.register_import("m", None).unwrap();
    let key = |modality| SpaceKey::new(Space::new(&model.id, modality, Stage::Joint), &model.hash);
    let clip = |at: usize| NewItem {
        metadata: [("label".to_owned(), Value::from(["a", "b"][at % 2]))].into(),
        vectors: vec![(key(Modality::Audio), vec![0.3, -0.7])],
        ..NewItem::new(format!("c{at}"), Modality::Audio)
    };
    workspace.store().create("same").unwrap().commit((0..10).map(clip).collect()).unwrap();
    let text = |(label, vector): (&str, [f32; 2])| NewItem {
        vectors: vec![(key(Modality::Text).with_prompt("A <> track"), vector.into())],
        ..NewItem::new(label, Modality::Text)
    };
    let texts = [("a", [1.0, 0.0]), ("b", [0.0, 1.0])].map(text);
    workspace.store().create("words").unwrap().commit(texts.into()).unwrap();
    Session::new(workspace)
}

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
fn clips_at_their_mean_leave_nothing_to_centre() {
    let report = run(&mut collapsed(), "gap clips in same model=m");
    let value = |name: &str| report.metric(name).unwrap().value;
    assert!(value("top1_centred").is_nan() && value("top1_centring_difference").is_nan());
    assert!(value("top1") == 0.5 && (value("audio_cone") - 1.0).abs() < 1e-6);
    assert!(report.notes.iter().any(|note| note.starts_with("10 of 10 clips lie at the mean")), "{:?}", report.notes);
    let hubs = run(&mut collapsed(), "hubness clips in same model=m k=2");
    let corrections: Vec<String> = hubs.tables[0].rows.iter().map(|row| row[1].to_string()).collect();
    assert_eq!(corrections, ["none", "csls"].repeat(3));
    assert_eq!(hubs.notes.iter().filter(|note| note.contains("lie at the mean")).count(), 1, "{:?}", hubs.notes);
}

#[test]
fn hubs_before_the_projection_need_no_labels() {
    let report = run(&mut session(), "hubness clips in clips model=m k=1 space=pre-joint where label=a");
    assert_eq!((report.context.n, report.tables[0].rows.len()), (Some(2), 3));
    assert_eq!(report.tables[1].rows[0][3], "a".into());
    assert_eq!(fault(&mut session(), "hubness clips in clips model=m where label=a"), "all clips have the label `a`");
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
