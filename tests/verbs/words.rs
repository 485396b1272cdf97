//! Which words count: the statement's own before a setting's, and none that says nothing; what `expect` judges.

use super::{assert_metrics, fact, fault, run, session};
use dyad::value::Value;

/// The number of a statement after settings.
fn after(settings: &[&str], statement: &str, metric: &str) -> f64 {
    let mut session = session();
    for setting in settings {
        run(&mut session, setting);
    }
    let report = run(&mut session, statement);
    report.metric(metric).unwrap_or_else(|| panic!("{statement}: no `{metric}`")).value
}

#[test]
fn a_setting_gives_way_to_what_is_written() {
    let sweep = "set prompts=(\"A <> track\", \"B <>\")";
    assert_eq!(after(&[sweep], "classify clips in clips model=m where prompt=\"B <>\"", "top1"), 0.25);
    assert_eq!(after(&[sweep], "classify clips in clips model=m", "top1_best"), 0.75);
    assert_eq!(
        after(&["set prompt=\"B <>\""], "classify clips in clips model=m prompts=(\"A <> track\", \"B <>\")", "top1_best"),
        0.75
    );
    assert_eq!(after(&[sweep], "classify clips in clips model=m using prototypes", "top1"), 0.25);
    let own = "set protocol=resubstitution";
    assert_eq!(after(&[own], "classify clips in clips model=m using knn k=1", "top1"), 0.0);
    assert_eq!(after(&[own], "classify clips in clips model=m", "top1"), 0.75);
    assert_eq!(after(&[own], "classify clips in clips model=m using prototypes", "top1"), 0.5);
    assert_eq!(after(&[own], "classify clips in clips model=m using prototypes by fold", "top1"), 0.25);
    let space = "set space=pre-joint";
    assert_eq!(after(&[space], "classify clips in clips model=m", "top1"), 0.75);
    assert_eq!(after(&[space, sweep], "similarity clips in clips model=m", "overlap_best"), 0.0);
    let mut session = session();
    run(&mut session, "set space=pre-joint");
    let report = run(&mut session, "classify clip \"b2\" in clips model=m top 1");
    assert_eq!((report.tables[0].rows[0][1].clone(), fact(&report, "right")), (Value::from("a"), Some(false.into())));
    assert_eq!(run(&mut session, "retrieve clips for labels in clips model=m").context.space.as_deref(), Some("joint"));
    assert_eq!(run(&mut session, "retrieve clips for clips in clips model=m").context.space.as_deref(), Some("audio pre-joint"));
}

#[test]
fn words_that_say_nothing_are_refused() {
    let mut s = session();
    for (statement, message) in [
        ("classify clip \"a1\" in clips model=m by=class", "`by` says nothing to one clip, which is no set"),
        ("classify clip \"a1\" in clips model=m confusion", "`confusion` says nothing to one clip, which is no set"),
        ("classify clip \"a1\" in clips model=m by fold", "`by` says nothing to one clip, which is no set"),
        ("classify clips in clips model=m using prototypes k=3", "`k` says nothing to class means"),
        ("similarity clips in clips model=m protocol=leave-one-out", "`protocol` says nothing to texts as labels"),
        ("triplets nodes=all labels=tinysol", "`nodes` says nothing to labels that have a name"),
        ("triplets prompts=article prompt=\"A <>\"", "`prompt` says nothing to a sweep of prompts"),
        ("show ontology models hdio", "`show` shows one thing, and `model` is another"),
    ] {
        assert_eq!(fault(&mut s, statement), message, "{statement}");
    }
}

#[test]
fn expect_judges_the_statement_before_it() {
    let mut s = session();
    run(&mut s, "count clips in clips");
    run(&mut s, "expect n = 4");
    assert!(fault(&mut s, "expect n = 5").starts_with("not as expected"));
    run(&mut s, "expect n = 4");
    for failing in ["count clips in nowhere", "count ) clips", "count clips in clips as nothing"] {
        run(&mut s, "count clips in clips");
        fault(&mut s, failing);
        assert_eq!(fault(&mut s, "expect n = 4"), "there is no result before `expect`", "{failing}");
    }
    run(&mut s, "explain count clips in clips");
    assert!(fault(&mut s, "expect n = 4").starts_with("not as expected"));
    run(&mut s, "expect rows > 0");
}

#[test]
fn conditions_go_by_the_word_and_in_brackets() {
    assert_metrics("classify clips in clips model=m where (prompt=\"B <>\" and fold > 0) and fold < 9", &[("top1", 0.25)]);
    let report = run(&mut session(), "count clips in clips where \"fold\" = 1e0 by \"fold\" order by meta.fold limit 1.0");
    assert_eq!(report.tables[0].rows.len(), 1);
}

#[test]
fn explain_analyze_does_all_of_it() {
    let message = fault(&mut session(), "explain analyze list clips in clips order by zebra");
    assert_eq!(message, "the result has no column `zebra`");
    assert!(!run(&mut session(), "describe HDIO").tables.is_empty());
}
