//! Clips with several labels, and with captions.
//!
//! ```text
//!   texts   a (1, 0, 0)  b (0, 1, 0)  c (0, 0, 1)      captions the same way: "low" (1, 0, 0) …
//!   clip 1  a .6  b .8  c 0     labels a, b     absent c
//!   clip 2  a .8  b .6  c 0     labels b        absent a            c unknown
//!   clip 3  a 0   b .6  c .8    labels c        absent a            b unknown
//!   clip 4  a 0   b 0   c 1     labels —        absent a, b, c
//! ```

use dyad::embedding::{Modality, Space, Stage};
use dyad::session::Session;
use dyad::store::{NewItem, SpaceKey, Store};
use dyad::value::Value;
use dyad::workspace::Workspace;

use super::{cell, fact, fault, run};

type Clip = (&'static str, &'static [&'static str], &'static [&'static str], [f32; 3], &'static [&'static str]);

const CLIPS: [Clip; 4] = [
    ("1", &["a", "b"], &["c"], [0.6, 0.8, 0.0], &["low", "slow"]),
    ("2", &["b", "b"], &["a"], [0.8, 0.6, 0.0], &["slow"]),
    ("3", &["c"], &["a"], [0.0, 0.6, 0.8], &["high"]),
    ("4", &[], &["a", "b", "c"], [0.0, 0.0, 1.0], &[]),
];

/// `partial` has the lists of the table; in `whole` the same `labels` are complete; in `tied` clips have one label.
fn session() -> Session {
    let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
    let model = workspace.register_import("m", None).unwrap();
    let key = |modality| SpaceKey::new(Space::new(&model.id, modality, Stage::Joint), &model.hash);
    for (name, partial) in [("partial", true), ("whole", false)] {
        let items = CLIPS.map(|(id, labels, absent, vector, captions)| {
            let mut item = NewItem::new(id, Modality::Audio);
            item.metadata.insert("labels".into(), Value::list(labels.iter().copied()));
            item.metadata.insert("captions".into(), Value::list(captions.iter().copied()));
            if partial {
                item.metadata.insert("absent".into(), Value::list(absent.iter().copied()));
            }
            item.vectors.push((key(Modality::Audio), vector.into()));
            item
        });
        workspace.store().create(name).unwrap().commit(items.into()).unwrap();
    }
    let tied = [("1", "a", [1.0, 1.0, 0.0]), ("2", "b", [0.0, 1.0, 0.0])].map(|(id, label, vector)| NewItem {
        metadata: [("label".to_owned(), Value::from(label))].into(),
        vectors: vec![(key(Modality::Audio), vector.into())],
        ..NewItem::new(id, Modality::Audio)
    });
    workspace.store().create("tied").unwrap().commit(tied.into()).unwrap();
    type Clip<'a> = (&'a str, &'a [&'a str], &'a [&'a str], [f32; 3]);
    let maybe: [Clip<'_>; 3] =
        [("3", &["c"], &["a"], [0.0, 0.6, 0.8]), ("5", &["a"], &["b"], [0.0, 0.8, 0.6]), ("6", &["c"], &["a"], [0.0, -0.6, 0.8])];
    let maybe = maybe.map(|(id, labels, absent, vector)| NewItem {
        metadata: [("labels", labels), ("absent", absent)].map(|(n, v)| (n.to_owned(), Value::list(v.iter().copied()))).into(),
        vectors: vec![(key(Modality::Audio), vector.into())],
        ..NewItem::new(id, Modality::Audio)
    });
    workspace.store().create("maybe").unwrap().commit(maybe.into()).unwrap();
    let texts = [("a", "A <> track"), ("b", "A <> track"), ("c", "A <> track"), ("low", "<>"), ("slow", "<>"), ("high", "<>")];
    let items = texts.iter().enumerate().map(|(i, (text, prompt))| {
        let mut vector = vec![0.0f32; 3];
        vector[i % 3] = 1.0;
        let vectors = vec![(key(Modality::Text).with_prompt(*prompt), vector)];
        NewItem { vectors, ..NewItem::new(*text, Modality::Text) }
    });
    workspace.store().create("words").unwrap().commit(items.collect()).unwrap();
    Session::new(workspace)
}

fn close(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() < 1e-6)
}

#[test]
fn classification_masks_what_is_unknown() {
    let report = run(&mut session(), "classify clips in partial model=m by=class");
    let metric = |name: &str| report.metric(name).map(|m| m.value);
    // Clip 1: b first, and there. Clip 2: a first, and not; b second. Clip 3: c first. Clip 4 has none and takes no part.
    assert!(close(metric("top1"), 2.0 / 3.0) && close(metric("top2"), 1.0));
    // a: .6 + against .8, 0, 0 −; b: .8 +, .6 + against 0 −; c: .8 + against 0 − and 1 −.
    for (class, auc, ap, unknown) in [("a", 2.0 / 3.0, 0.5, 0), ("b", 1.0, 1.0, 1), ("c", 0.5, 0.5, 1)] {
        assert!(close(cell(&report, 1, class, "roc_auc").as_f64(), auc), "{class}");
        assert!(close(cell(&report, 1, class, "average_precision").as_f64(), ap), "{class}");
        assert_eq!(cell(&report, 1, class, "unknown"), Value::Int(unknown));
    }
    assert!(close(metric("roc_auc"), (2.0 / 3.0 + 1.5) / 3.0) && close(metric("pr_auc"), 2.0 / 3.0));
    assert_eq!(fact(&report, "unknown"), Some(Value::Int(2)));
    let notes = report.notes.join("\n");
    assert!(notes.contains("several labels a clip") && notes.contains("2 of 12 pairs") && notes.contains("1 clips are known"));
    // A sweep says all that, and once.
    let sweep = run(&mut session(), r#"classify clips in partial model=m prompts=("A <> track", "A <> track")"#);
    assert_eq!(sweep.notes, report.notes);
}

#[test]
fn clips_without_a_label_leave_the_test_to_the_others() {
    let report = run(&mut session(), "compare (classify clips in partial model=m) with (classify clips in whole model=m)");
    // Of clip 2 the label a, which it has not, comes first on both sides.
    assert_eq!(report.metric("mcnemar_p").map(|p| p.value), Some(1.0), "{:?}", report.metrics);
}

#[test]
fn without_absent_labels_are_complete() {
    let report = run(&mut session(), "classify clips in whole model=m by=class");
    assert_eq!((fact(&report, "unknown"), cell(&report, 1, "b", "absent")), (Some(Value::Int(0)), Value::Int(2)));
    // c: .8 + against 0, 0 and 1 −.
    assert!(close(cell(&report, 1, "c", "roc_auc").as_f64(), 2.0 / 3.0));
    // Clip 4 has no `absent` here either, so it is known to have none.
    assert_eq!(report.context.n, Some(4));
}

#[test]
fn one_clip_and_conditions() {
    let mut s = session();
    let report = run(&mut s, "classify clip \"1\" in partial model=m top 3");
    assert_eq!((fact(&report, "labels"), fact(&report, "right")), (Some("a; b".into()), Some(true.into())));
    assert_eq!(report.tables[0].rows.iter().map(|r| r[3].clone()).collect::<Vec<_>>(), [true, true, false].map(Value::from));
    // In the middle between its own a and the other's b: a tie counts against the model.
    let report = run(&mut s, "classify clip \"1\" in tied model=m");
    assert_eq!(fact(&report, "right"), Some(false.into()));
    for (condition, n) in [
        ("labels = \"b\"", 2),
        ("labels != \"b\"", 2),
        ("labels in (\"a\", \"c\")", 2),
        ("absent = \"c\" and not labels = \"a\"", 1),
        ("captions like \"%low\"", 2),
        ("labels is null", 0),
    ] {
        assert_eq!(run(&mut s, &format!("count clips in partial where {condition}")).context.n, Some(n), "{condition}");
    }
    let report = run(&mut s, "count clips in partial by labels");
    let counted: Vec<(String, Value)> = report.tables[0].rows.iter().map(|r| (r[0].to_string(), r[1].clone())).collect();
    assert_eq!(counted, [("", 1), ("a", 1), ("b", 2), ("c", 1)].map(|(label, n)| (label.to_owned(), Value::Int(n))));
    let report = run(&mut s, "describe partial");
    let fields = report.tables.iter().find(|t| t.title.as_deref() == Some("fields")).unwrap();
    let row = fields.rows.iter().find(|r| r[0].as_text() == Some("labels")).unwrap();
    assert_eq!((row[1].clone(), row[2].clone(), row[3].clone()), (Value::Int(4), Value::Int(3), "b (2), a (1), c (1)".into()));
}

/// A clip counts once for a term, however many labels below it it has.
#[test]
fn a_term_tells_of_the_clips_that_carry_it() {
    let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
    let clips: [&[&str]; 4] = [&["violin", "viola"], &["violin"], &["tuba", "no instrument"], &[]];
    let items = clips.iter().enumerate().map(|(at, labels)| {
        let mut item = NewItem::new(at.to_string(), Modality::Audio);
        item.metadata.insert("labels".into(), Value::list(labels.iter().copied()));
        item
    });
    workspace.store().create("several").unwrap().commit(items.collect()).unwrap();
    let mut s = Session::new(workspace);
    for (term, own, below, names) in [("violin", 2, 0, ""), ("bowed", 0, 2, "viola, violin"), ("tuba", 1, 0, "")] {
        let report = run(&mut s, &format!("describe {term}"));
        let table = report.tables.iter().find(|t| t.title.as_deref() == Some("clips that carry it, by hdio")).unwrap();
        assert_eq!(
            table.rows,
            [vec!["several".into(), Value::Int(own), Value::Int(below), names.into(), Value::Int(3)]],
            "{term}"
        );
    }
}

#[test]
fn labels_are_retrieved_both_ways() {
    let mut s = session();
    // a: its clip stands second of 1, 2, 3, 4; b: clips 1, 2, then 4 (3 is unknown); c: 3 behind 4 (2 is unknown).
    let report = run(&mut s, "retrieve clips for labels in partial model=m");
    assert!(close(report.metric("mrr").map(|m| m.value), (0.5 + 1.0 + 0.5) / 3.0));
    assert!(close(report.metric("r_at_1").map(|m| m.value), 1.0 / 3.0));
    // Clip 4 has no label to be found.
    let report = run(&mut s, "retrieve labels for clips in partial model=m");
    assert_eq!(fact(&report, "queries"), Some(Value::Int(3)));
    assert!(close(report.metric("mrr").map(|m| m.value), (1.0 + 0.5 + 1.0) / 3.0));
    // 1 and 2 share b; whether 3 has it, and 2 has c, is not known. Of 1, 2 and 4 no pair is left but the two.
    let report = run(&mut s, "retrieve clips for clips in partial model=m");
    assert!(close(report.metric("map").map(|m| m.value), 1.0));
    // 3 has c and lies next to 5, which may have it: 6 has it too, and comes first of what is known.
    let report = run(&mut s, "retrieve clips for clips in maybe model=m");
    assert!(close(report.metric("r_at_1").map(|m| m.value), 1.0), "{:?}", report.metrics);
    // 1 and 2 share b; nothing shares c.
    let report = run(&mut s, "retrieve clips for clips in whole model=m");
    assert_eq!(fact(&report, "queries"), Some(Value::Int(2)));
    assert!(close(report.metric("r_at_1").map(|m| m.value), 1.0));
}

#[test]
fn captions_are_queries_for_their_clips() {
    let mut s = session();
    // "low" (1, 0, 0): 2 (.8) before its own 1. "slow" (0, 1, 0) is of 1 and 2: 1 first. "high": 3 first.
    let report = run(&mut s, "retrieve clips for captions in partial model=m");
    assert!(close(report.metric("mrr").map(|m| m.value), (0.5 + 1.0 + 1.0) / 3.0));
    assert_eq!(report.context.prompts, ["<>"]);
    assert!(report.notes.iter().any(|n| n == "1 clips without captions were left out"), "{:?}", report.notes);
    assert_eq!((report.tables[0].rows[0][0].clone(), report.tables[0].rows[0][2].clone()), ("low".into(), Value::Int(2)));
    // Clip 2 is nearest to "low", which is not its own.
    let report = run(&mut s, "retrieve captions for clips in partial model=m");
    assert!(close(report.metric("r_at_1").map(|m| m.value), 2.0 / 3.0));
    let compared = run(
        &mut s,
        "compare (retrieve captions for clips in partial model=m) with (retrieve captions for clips in whole model=m)",
    );
    assert!(compared.tables.iter().any(|t| !t.rows.is_empty()));
}

#[test]
fn what_needs_one_label_says_so() {
    let mut s = session();
    for (statement, message) in [
        ("similarity clips in partial model=m", "`similarity` needs one label a clip, and the clips of `partial` have several"),
        (
            "classify clips in partial model=m using prototypes",
            "audio-only labels need one label a clip, and these clips have several",
        ),
        ("classify clips confusion in partial model=m", "clips with several labels have no confusion matrix"),
        ("classify clips in partial model=m truth=label", "no clip of `partial` has a label"),
        ("classify clips in partial model=m by labels", "`labels` is a list and makes no groups of clips"),
        ("retrieve clips for captions in partial model=m by id", "the queries are captions, which have no field `id`"),
        ("retrieve captions for captions in partial model=m", "texts are not retrieved for texts"),
    ] {
        assert_eq!(fault(&mut s, statement), message, "{statement}");
    }
}
