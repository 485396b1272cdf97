//! `sensitivity`, with the two prompts of the toy collection: the one right but for b2, the other the wrong way round.

use super::{assert_metrics, cell, fact, fault, run, session};
use dyad::report::Figure;
use dyad::value::Value;

const TWO: &str = r#"sensitivity clips in clips model=m where prompts=("A <> track", "B <>")"#;

#[test]
fn the_spread_over_paraphrases_by_hand() {
    // By "A <> track" a1, a2 and b1 are right; by "B <>" only b2. No clip keeps its label.
    let report = assert_metrics(
        TWO,
        &[
            ("top1_mean", 0.5),
            ("top1_best", 0.75),
            ("top1_worst", 0.25),
            ("top1_spread", 0.5),
            ("top1_sd", 0.125f64.sqrt()),
            ("agreement", 0.0),
            ("unanimous", 0.0),
            ("undecided", 1.0),
        ],
    );
    assert!(report.metrics.iter().all(|m| m.low.is_some() && m.high.is_some()), "{:?}", report.metrics);
    // A resample of four clips may lack either class.
    let told = |start: &str| report.notes.iter().filter(|note| note.starts_with(start)).count();
    assert_eq!((told("`roc_auc_mean` is undefined in"), told("2 classes have no clip in up to")), (1, 1), "{:?}", report.notes);
    assert_eq!((fact(&report, "paraphrases"), fact(&report, "controls")), (Some(Value::Int(2)), Some(Value::Int(0))));
    // Of class a both are right by the first prompt and none by the second; of class b one by each.
    assert_eq!(cell(&report, 1, "a", "spread"), Value::Float(1.0));
    assert_eq!(cell(&report, 1, "a", "best by"), Value::from("A <> track"));
    assert_eq!((cell(&report, 1, "b", "spread"), cell(&report, 1, "b", "worst by")), (Value::Float(0.0), Value::Null));
    let Figure::Heat { values, .. } = &report.figures[1] else { panic!() };
    assert_eq!(values, &[vec![1.0, 0.0], vec![0.5, 0.5]]);
}

#[test]
fn a_model_with_imported_texts_takes_what_it_has() {
    let message = fault(&mut session(), "sensitivity clips in clips model=m");
    assert!(message.contains("has no joint text vectors for the prompt `<>`"), "{message}");
    assert_eq!(
        fault(&mut session(), r#"sensitivity clips in clips model=m where prompts=("A <> track")"#),
        "one wording has no spread"
    );
    let message = fault(&mut session(), r#"sensitivity clips in clips model=m where prompts=("A <> track", "C <>", "B <>")"#);
    assert!(message.contains("for the prompt `C <>`"), "{message}");
}

#[test]
fn two_models_are_compared_by_it() {
    let statement = format!("compare ({TWO}) with ({})", TWO.replace("model=m", "model=n"));
    let report = run(&mut session(), &statement);
    // The model n hears b2 right: 1 and 0 in place of .75 and .25.
    let found = report.metrics.iter().find(|m| m.name.starts_with("top1_spread")).unwrap();
    assert_eq!(found.value, -0.5, "{:?}", report.metrics);
}
