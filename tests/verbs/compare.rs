//! `compare`: items pair by name, and what does not pair is refused by name.

use super::{fault, run, session};
use dyad::value::Value;

#[test]
fn prompts_by_hand() {
    // a1, a2, b1 are right with the first prompt alone, b2 with the second alone.
    let report =
        run(&mut session(), r#"compare (classify clips in clips model=m) with (classify clips in clips model=m prompt="B <>")"#);
    assert_eq!(report.metric("top1_difference").unwrap().value, 0.5);
    assert!((report.metric("mcnemar_p").unwrap().value - 0.625).abs() < 1e-12);
    // Reciprocal ranks differ by ½, ½, ½, −½: 10 of 16 sign patterns reach that sum.
    assert!((report.metric("reciprocal_rank_p").unwrap().value - 0.625).abs() < 1e-12);
    assert_eq!(report.tables[1].rows[0][4..6], [Value::Int(3), Value::Int(1)]);
    let differs: Vec<_> = report.tables[2].rows.iter().map(|r| r[0].to_string()).collect();
    assert_eq!(differs, ["prompts"]);
}

#[test]
fn models_compare_on_the_same_clips() {
    let report = run(&mut session(), "compare (classify clips in clips model=n) with (classify clips in clips model=m)");
    assert_eq!(report.metric("top1_difference").unwrap().value, 0.25);
    assert_eq!((report.context.model, report.context.collection.as_deref()), (None, Some("clips")));
}

#[test]
fn a_result_compared_with_itself_does_not_differ() {
    let mut s = session();
    run(&mut s, "let one = margin clips in clips model=m");
    run(&mut s, "let other = margin clips in clips model=m resamples=10");
    let report = run(&mut s, "compare one with other");
    let difference = report.metric("margin_median_difference").unwrap();
    assert_eq!((difference.value, difference.low, difference.high), (0.0, Some(0.0), Some(0.0)));
    assert_eq!(report.metric("margin_p").unwrap().value, 1.0);
    assert_eq!(fault(&mut s, "compare one with two"), "no result is named `two`");
}

#[test]
fn what_does_not_pair_is_named() {
    let mut s = session();
    for (statement, message) in [
        (
            r#"compare (classify clips in clips model=m) with (classify clips in clips where model=m and id != "b2")"#,
            "the two have different clips (4 and 3): `b2` is in the first only",
        ),
        (
            "compare (retrieve clips for labels in clips model=m) with (classify clips in clips model=m)",
            "the first is about labels, the second about clips",
        ),
        (
            r#"compare (classify clips in clips model=m prompts=("A <> track", "B <>")) with (classify clips in clips model=m)"#,
            r#"`classify clips in clips model=m prompts=("A <> track", "B <>")` has no items to pair"#,
        ),
        ("compare (show models) with (classify clips in clips model=m)", "`show models` has no items to pair"),
        (
            "compare (classify clips in clips model=m as json) with (classify clips in clips model=m)",
            "one side of a comparison is not shown by itself",
        ),
        ("compare (classify clips in clips model=m)", "`compare` needs two sides"),
        (
            "compare (classify clips in clips model=m by fold) with (classify clips in clips model=n by label)",
            "the first groups its clips by `fold`, the second by `label`",
        ),
    ] {
        assert_eq!(fault(&mut s, statement), message, "{statement}");
    }
}

#[test]
fn groups_are_resampled_whole() {
    let statement = "compare (classify clips in clips model=m by fold) with (classify clips in clips model=n by fold)";
    let report = run(&mut session(), statement);
    let fact = report.context.extra.iter().any(|(name, _)| name == "resampled_by");
    assert!(fact && report.notes.iter().any(|n| n.contains("McNemar")), "{:?}", report.notes);
}
