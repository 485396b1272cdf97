//! `classify`, `similarity`, `margin`.

use super::{assert_metrics, cell, fact, fault, run, session};
use dyad::embedding::Modality;
use dyad::report::Figure;
use dyad::store::NewItem;
use dyad::value::Value;

#[test]
fn similarity_by_hand() {
    // Positive 1, .8, 1, .28; negative 0, .6, 0, .96. Of the 16 pairs of pairs 13 are in order.
    let expected = [("positive_mean", 0.77), ("negative_mean", 0.39), ("pair_roc_auc", 13.0 / 16.0), ("overlap", 0.0)];
    let report = assert_metrics("similarity clips in clips model=m", &expected);
    assert!(report.metric("pair_roc_auc").unwrap().low.is_some());
    let overlap = report.metric("overlap").unwrap();
    assert_eq!((overlap.low, overlap.high), (None, None));
    assert_eq!(report.notes.iter().filter(|note| note.starts_with("`overlap` has no interval")).count(), 1);
    assert_eq!(cell(&report, 0, "positive", "n"), Value::Int(4));
    // Deviations .23, .03, .23, −.49: squares 0.3468 over 3.
    let sd = cell(&report, 0, "positive", "sd").as_f64().unwrap();
    assert!((sd - (0.3468f64 / 3.0).sqrt()).abs() < 1e-6, "{sd}");
    let Figure::Histogram { edges, series, .. } = &report.figures[0] else { panic!() };
    assert_eq!(edges.len(), series[0].1.len() + 1);
    assert!((edges[0] - 0.0).abs() < 1e-9 && series.iter().all(|(_, counts)| counts.iter().sum::<f64>() == 4.0));
}

#[test]
fn margin_by_hand() {
    // Margins 1, .2, 1 of clips that are right and .68 of the one that is wrong.
    let expected = [("margin_mean", 0.72), ("margin_median", 0.84), ("margin_roc_auc", 2.0 / 3.0)];
    let report = assert_metrics("margin clips in clips model=m", &expected);
    assert_eq!((cell(&report, 0, "right", "n"), cell(&report, 0, "wrong", "n")), (Value::Int(3), Value::Int(1)));
    assert_eq!(report.context.seed, Some(0));
}

#[test]
fn a_sweep_has_a_row_a_prompt_and_tests_against_the_best() {
    let report = assert_metrics(
        r#"similarity clips in clips model=m prompts=("A <> track", "B <>")"#,
        &[
            ("pair_roc_auc_best", 13.0 / 16.0),
            ("pair_roc_auc_worst", 3.0 / 16.0),
            ("pair_roc_auc_spread", 10.0 / 16.0),
            ("overlap_best", 0.0),
        ],
    );
    assert_eq!(report.tables[0].rows.len(), 2);
    // Separations 1, .2, 1, −.68 against their negatives: twice these, of whose 16 sign patterns 6 reach the sum.
    let p = report.tables[1].rows[0][3].as_f64().unwrap();
    assert!((p - 6.0 / 16.0).abs() < 1e-12, "{p}");
    let report = run(&mut session(), r#"classify clips in clips model=m prompts=("A <> track", "B <>")"#);
    assert_eq!(report.metric("top1_spread").unwrap().value, 0.5);
    assert_eq!(report.tables[0].columns.last().map(|c| c.name.as_str()), Some("ties"));
    assert!((report.tables[1].rows[0][3].as_f64().unwrap() - 0.625).abs() < 1e-12);
    // Of fold 1 both are right by the first alone, of fold 2 one by each: 2 and 0, so either sign pattern is as great.
    let report = run(&mut session(), r#"classify clips in clips model=m prompts=("A <> track", "B <>") by fold"#);
    assert_eq!(report.tables[1].rows[0][2..4], ["sign flips of groups, top1".into(), Value::Float(1.0)]);
}

#[test]
fn the_best_prompt_is_chosen_by_the_clips_that_test_it() {
    let report = run(&mut session(), r#"similarity clips in clips model=m prompts=("A <> track", "B <>", "B <>")"#);
    let rows: Vec<_> = report.tables[1].rows.iter().map(|row| (row[3].clone(), row[4].clone())).collect();
    // Three pairs of prompts, so three times 6/16, where the two with the best alone would make twice.
    assert_eq!(rows, vec![(Value::Float(0.375), Value::Float(1.0)); 2]);
}

#[test]
fn prototypes_leave_the_clip_or_its_fold_out() {
    assert_metrics("classify clips in clips model=m using prototypes", &[("top1", 0.25)]);
    assert_metrics("classify clips in clips model=m using prototypes by fold", &[("top1", 0.25)]);
    // The one clip that is right is a1 without folds, and a2 with them.
    let statement = "compare (classify clips in clips model=m using prototypes) with (classify clips in clips model=m using prototypes by fold)";
    let report = run(&mut session(), statement);
    assert_eq!((report.tables[1].rows[0][4].clone(), report.tables[1].rows[0][5].clone()), (Value::Int(1), Value::Int(1)));
    // In the paper's own protocol a2 alone is wrong: the mean of b lies nearer to it than that of a.
    assert_metrics("classify clips in clips model=m using prototypes protocol=resubstitution", &[("top1", 0.5)]);
}

#[test]
fn chance_is_over_the_classes_that_a_clip_could_go_to() {
    let chance = |rest: &str| {
        let report = run(&mut session(), &format!("classify clips in clips model=m using prototypes resamples=0 {rest}"));
        let chance = fact(&report, "chance").unwrap();
        assert_eq!(cell(&report, 0, "top1", "chance"), chance);
        chance.as_f64().unwrap()
    };
    assert_eq!((chance(""), chance("by fold")), (0.5, 0.5));
    // No other clip of its class: b1 counts as wrong whatever is drawn.
    assert!((chance(r#"where id in ("a1", "a2", "b1")"#) - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!(chance("by label"), 0.0);
}

#[test]
fn neighbours_leave_the_clip_or_its_fold_out() {
    assert_metrics("classify clips in clips model=m using knn k=1", &[("top1", 0.0)]);
    assert_metrics("classify clips in clips model=m using knn k=1 by fold", &[("top1", 0.25)]);
    assert_metrics("classify clips in clips model=m using knn k=1 space=pre-joint", &[("top1", 1.0)]);
    let mut s = session();
    assert_eq!(
        fault(&mut s, "classify clips in clips model=m using knn protocol=resubstitution"),
        "a clip is always its own nearest neighbour"
    );
    assert_eq!(
        fault(&mut s, r#"classify clips in clips model=m using knn prompt="A <> track""#),
        "knn are made of audio and take no prompt"
    );
    assert_eq!(fault(&mut s, "margin clips in clips model=m using cheese"), "`margin` can't use `cheese` as labels");
}

#[test]
fn folds_are_drawn_whole_and_must_be_two() {
    let mut s = session();
    let report = run(&mut s, "classify clips in clips model=m using prototypes by fold");
    assert_eq!(fact(&report, "resampled_by"), Some("fold".into()));
    assert!(report.notes.iter().any(|note| note.starts_with("intervals rest on 2 groups")), "{:?}", report.notes);
    for using in ["prototypes", "knn"] {
        let statement = format!("classify clips in clips model=m using {using} by fold where fold=1");
        assert_eq!(fault(&mut s, &statement), "all clips are in one fold, since they have the same `fold`");
    }
    let report = run(&mut s, "similarity clips in clips model=m using knn by label");
    for note in ["4 clips have no clip of their class in the other folds", "the scores are shares of votes, not cosines"] {
        assert!(report.notes.iter().any(|told| told.starts_with(note)), "{:?}", report.notes);
    }
}

#[test]
fn clips_without_vectors_are_told_of() {
    let mut s = session();
    let metadata = [("label".to_owned(), Value::from("a")), ("fold".to_owned(), Value::Int(1))].into();
    let silent = NewItem { metadata, ..NewItem::new("a3", Modality::Audio) };
    s.workspace().store().collection("clips").unwrap().unwrap().commit(vec![silent]).unwrap();
    let mut told = |statement: &str| {
        let notes = run(&mut s, statement).notes;
        notes.iter().filter(|note| *note == "1 clip has no vectors in `m joint (audio)` and was left out").count()
    };
    for statement in [
        "classify clips in clips model=m",
        "classify clips in clips model=m using knn k=3",
        "similarity clips in clips model=m where label in (\"a\", \"b\")",
        "retrieve clips for labels in clips model=m",
        "gap clips in clips model=m",
        "hubness clips in clips model=m k=1",
        "similar clip \"a1\" in clips model=m",
        "compare (margin clips in clips model=m) with (margin clips in clips model=m)",
    ] {
        assert_eq!(told(statement), 1, "{statement}");
    }
    assert_eq!(told("classify clips in clips model=m where fold=2"), 0);
    let message = "the collection `clips` has no clip `a3` with a vector in `m joint (audio)`";
    assert_eq!(fault(&mut s, "classify clip \"a3\" in clips model=m"), message);
}

#[test]
fn no_more_neighbours_are_taken_than_there_are() {
    let mut s = session();
    for statement in ["classify clips in clips model=m using knn k=4", "hubness clips in clips model=m k=4"] {
        assert_eq!(fault(&mut s, statement), "`k=4` of 3 clips that can be neighbours", "{statement}");
    }
    let folds = "classify clips in clips model=m using knn by fold";
    assert_eq!(fault(&mut s, &format!("{folds} k=3")), "`k=3` of 2 clips that can be neighbours");
    // What is not asked for gives way.
    assert_eq!(fact(&run(&mut s, folds), "k"), Some(Value::Int(2)));
    assert_eq!(fact(&run(&mut s, "hubness clips in clips model=m"), "k"), Some(Value::Int(3)));
}

#[test]
fn labels_without_a_clip_are_named() {
    let mut s = session();
    let mut notes = |condition: &str| run(&mut s, &format!("classify clips in tones using prototypes {condition}")).notes;
    let told = "1 labels of the collection have no clip here and are no candidates: flute".to_owned();
    assert!(notes("where label != flute").contains(&told));
    assert!(!notes("").iter().chain(&notes("where label is not null")).any(|note| note.contains("no candidates")));
    // The third is not read.
    let told = "the labels are those of these clips alone, which the condition names by their ids".to_owned();
    assert!(notes(r#"where id in ("1", "2")"#).contains(&told));
}

#[test]
fn a_field_that_is_not_there_is_named() {
    let mut s = session();
    let message = "the clips of `clips` have no field `clas`";
    assert_eq!(fault(&mut s, "classify clips in clips model=m by clas"), message);
    assert_eq!(fault(&mut s, "margin clips in clips model=m using knn by clas"), message);
}

#[test]
fn both_spaces_stand_side_by_side() {
    let report = assert_metrics(
        "classify clips in clips model=m using prototypes space=all",
        &[("top1_joint", 0.25), ("top1_pre_joint", 1.0), ("top1_difference", -0.75)],
    );
    assert_eq!(report.context.space.as_deref(), Some("joint, audio pre-joint"));
    assert!(report.metric("top1_difference").unwrap().high.is_some());
    let ties: Vec<_> = report.tables[0].rows.iter().filter(|row| row[0] == "ties".into()).map(|row| &row[1..3]).collect();
    assert_eq!(ties, [["joint".into(), Value::Int(0)], ["pre-joint".into(), Value::Int(0)]]);
    let message = fault(&mut session(), "similarity clips in clips model=m space=all");
    assert_eq!(message, "texts and clips do not compare before the projection");
}
