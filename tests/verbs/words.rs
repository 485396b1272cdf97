//! Which words count: the statement's own before a setting's, and none that says nothing; what `expect` judges.

use super::{assert_metrics, cell, fact, fault, run, session};
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
fn a_scan_of_every_row_says_that_it_has_no_use_for_ef() {
    let notes = |before: &str, words: &str| {
        let mut s = session();
        run(&mut s, before);
        run(&mut s, &format!("similar clip \"a1\" in clips model=m top 2 {words}")).notes
    };
    let told = "`ef=7` was not used, since every row was compared (4 rows are fewer than 50000); `exact=false` searches the graph, which uses it";
    assert_eq!(notes("use clips", "ef=7"), [told]);
    assert_eq!(notes("use clips", "ef=7 exact=false"), [""; 0]);
    // A setting is for all that follows, and stands for those that use it.
    assert_eq!(notes("set ef=7", ""), [""; 0]);
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

#[test]
fn explain_analyze_says_how_a_search_was_done() {
    let mut s = session();
    let ran = run(&mut s, "explain analyze similar clip \"a1\" in clips model=m where fold > 1");
    assert_eq!((ran.context.exact, ran.context.recall, ran.context.n), (Some(true), None, Some(2)));
    // Four clips are held against the filter, and two pass it.
    for (stage, items) in [("filtering items", 4), ("reading vectors", 4), ("scanning rows", 2), ("reading hits", 2)] {
        assert_eq!(cell(&ran, 1, stage, "items"), Value::Int(items), "{stage}");
    }
    let ran = run(&mut s, "explain analyze similar clip \"a1\" in clips model=m exact=false");
    assert_eq!((ran.context.exact, ran.context.recall), (Some(false), Some(1.0)));
    // Of so few rows a scan is cheaper than a walk.
    for (stage, items) in [("measuring recall", 4), ("scanning rows", 4)] {
        assert_eq!(cell(&ran, 1, stage, "items"), Value::Int(items), "{stage}");
    }
}

#[test]
fn a_statement_takes_the_only_collection_with_its_model() {
    let mut s = session();
    // Both collections of clips have vectors of `m`, and `clips` alone has those of `n`.
    assert_eq!(fault(&mut s, "retrieve clips for clips model=m"), "several collections have vectors of clips by the model `m`");
    let note = "the collection is `clips`, the only one with vectors of clips by the model `n`";
    let found = run(&mut s, "retrieve clips for clips model=n");
    assert_eq!((found.context.collection.as_deref(), found.notes.last().map(String::as_str)), (Some("clips"), Some(note)));
    assert_eq!(run(&mut s, "explain retrieve clips for clips model=n").notes, [note]);
    // The one of `use` stays, whatever it lacks.
    run(&mut s, "use tones");
    assert!(fault(&mut s, "retrieve clips for clips model=n").starts_with("the collection `tones` has no vectors in"));
    // Nothing is said where the usual one fits.
    let found = run(&mut s, "similar clip \"1\" model=m top 2");
    assert_eq!((found.context.collection.as_deref(), found.notes.len()), (Some("tones"), 0), "{:?}", found.notes);
}
