//! `retrieve` in its three directions.

use super::{assert_metrics, cell, fault, session};
use dyad::progress::Silent;
use dyad::query::Piece;
use dyad::value::Value;

#[test]
fn clips_for_labels() {
    // For a: a1, b2, a2, b1; for b: b1, a2, b2, a1. So the precision is 1 and 2/3 for both.
    let report = assert_metrics(
        "retrieve clips for labels in clips model=m",
        &[("r_at_1", 1.0), ("map", 5.0 / 6.0), ("mrr", 1.0), ("median_rank", 1.0)],
    );
    assert_eq!(cell(&report, 0, "b", "relevant"), Value::Int(2));
    // Gain at ranks 1 and 3 over gain at 1 and 2.
    let ndcg = (1.0 + 0.5) / (1.0 + 1.0 / 3f64.log2());
    assert!((report.metric("ndcg_at_10").unwrap().value - ndcg).abs() < 1e-9);
}

#[test]
fn labels_for_clips() {
    let report =
        assert_metrics("retrieve labels for clips in clips model=m", &[("r_at_1", 0.75), ("r_at_5", 1.0), ("mrr", 0.875)]);
    let fact = |name: &str| report.context.extra.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    assert_eq!((fact("queries"), fact("candidates")), (Some(Value::Int(4)), Some(Value::Int(2))));
}

#[test]
fn clips_for_clips_leave_the_query_out() {
    // The other clip of the label comes second for a1, a2 and b1, and third for b2.
    assert_metrics(
        "retrieve clips for clips in clips model=m",
        &[("r_at_1", 0.0), ("mrr", (1.5 + 1.0 / 3.0) / 4.0), ("median_rank", 2.0)],
    );
    assert_metrics("retrieve clips for clips in clips model=m space=pre-joint", &[("r_at_1", 1.0)]);
    let both = &[("r_at_1_joint", 0.0), ("r_at_1_pre_joint", 1.0), ("r_at_1_difference", -1.0)];
    let report = assert_metrics("retrieve clips for clips in clips model=m space=all", both);
    assert_eq!(report.context.space.as_deref(), Some("joint, audio pre-joint"));
}

#[test]
fn what_cannot_be_retrieved_is_refused() {
    let mut s = session();
    for (statement, message) in [
        ("retrieve clips in clips model=m", "`retrieve` needs queries"),
        ("retrieve labels for labels in clips model=m", "labels for labels are the business of `triplets`"),
        ("retrieve clips for cheese in clips model=m", "`cheese` can't be queries"),
        ("retrieve clips for labels in clips model=m by fold", "the queries are labels, which have no field `fold`"),
        ("retrieve clips for labels in clips model=m space=pre-joint", "texts and clips do not compare before the projection"),
        ("retrieve clips for labels in clips model=m space=all", "texts and clips do not compare before the projection"),
        (r#"retrieve clips for clips in clips model=m prompt="A <> track""#, "no text is read to find clips for clips"),
    ] {
        assert_eq!(fault(&mut s, statement), message, "{statement}");
    }
    // Of one label every clip is right: the way on is said where the condition is the cause.
    for condition in ["label=a", "id = \"a1\""] {
        let statement = &format!("retrieve clips for clips in clips model=m where {condition}");
        let Err(failure) = s.execute(Piece { text: statement, offset: 0 }, &Silent) else { panic!("{statement}") };
        let fault = failure.diagnostic();
        assert_eq!(fault.message, "all clips have the label `a`");
        assert!(fault.hints.iter().any(|hint| hint.contains("of one label every candidate is right")), "{:?}", fault.hints);
    }
}
