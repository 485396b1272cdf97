//! `triplets` over class means of audio, and from files that people made.

use super::{assert_metrics, fact, fault, run, session};
use dyad::embedding::{Modality, Space, Stage};
use dyad::store::{NewItem, SpaceKey};
use dyad::value::Value;

fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    let shown = path.display().to_string();
    (dir, shown)
}

#[test]
fn class_means_in_both_spaces() {
    // (violin, viola, flute): .8 > .6; (viola, violin, flute): .8 < .96. Before the projection both are right.
    let report = assert_metrics("triplets in tones using prototypes", &[("accuracy", 0.5)]);
    assert_eq!((report.context.n, report.context.space.as_deref()), (Some(2), Some("joint")));
    assert_metrics(
        "triplets in tones using prototypes space=all",
        &[("accuracy_joint", 0.5), ("accuracy_pre_joint", 1.0), ("accuracy_difference", -0.5)],
    );
}

#[test]
fn labels_of_a_collection_are_its_own_words_to_its_own_model() {
    let mut s = session();
    let workspace = s.workspace();
    let model = workspace.register_import("m", None).unwrap();
    let key = |modality| SpaceKey::new(Space::new("m", modality, Stage::Joint), &model.hash);
    let vectors = [("cello", [1.0, 0.0]), ("violin", [0.8, 0.6]), ("flute", [0.0, 1.0])];
    let clips = vectors.map(|(label, vector): (&str, [f32; 2])| NewItem {
        metadata: [("label".to_owned(), Value::from(label))].into(),
        vectors: vec![(key(Modality::Audio), vector.into())],
        ..NewItem::new(format!("{label}.wav"), Modality::Audio)
    });
    let texts = vectors.map(|(label, vector)| NewItem {
        vectors: vec![(key(Modality::Text).with_prompt("A <> track"), vector.into())],
        ..NewItem::new(label, Modality::Text)
    });
    workspace.store().create("notes").unwrap().commit(clips.into()).unwrap();
    workspace.store().create("terms").unwrap().commit(texts.into()).unwrap();
    // A model with graphs is there, too.
    let report = run(&mut s, "triplets ontology=hdio labels=notes");
    let context = &report.context;
    assert_eq!((context.model.as_deref(), context.collection.as_deref(), context.n), (Some("m"), Some("notes"), Some(2)));
    let anchors: Vec<String> = report.tables[1].rows.iter().map(|row| row[0].to_string()).collect();
    assert_eq!(anchors, ["cello", "violin"]);
    run(&mut s, "use notes");
    let message = fault(&mut s, "triplets ontology=hdio");
    assert!(message.starts_with("the model `m` has no joint text vectors for"), "{message}");
    assert_eq!(fault(&mut s, "triplets labels=clips"), "several models of `clips` could answer");
    assert!(fault(&mut s, "triplets labels=clips model=m").starts_with("unknown label `a`"));
}

#[test]
fn people_made_them() {
    let (_dir, path) = file("human.csv", "anchor,positive,negative\na1,a2,b1\nb1,a2,b2\nb2,b1,a1\nb2,b1,zz\n");
    let report = assert_metrics(&format!("triplets in clips model=m from=\"{path}\""), &[("accuracy", 2.0 / 3.0)]);
    assert_eq!(fact(&report, "rows"), Some(Value::Int(4)));
    // a1 is the one anchor of its label.
    let alone = "a family of one anchor has no interval";
    assert_eq!(report.notes, ["1 of 4 rows name clips that are not there and were left out", alone]);
    let compared =
        format!("compare (triplets in clips model=n from=\"{path}\") with (triplets in clips model=m from=\"{path}\")");
    // `n` has b2 at (.28, .96), nearer to b1 than to a1; but then b1 is nearer to b2 than to a2.
    assert_eq!(run(&mut session(), &compared).metric("accuracy_difference").unwrap().value, 0.0);
}

#[test]
fn the_test_is_of_the_accuracy_over_triplets() {
    // b2 has its three right by `n` alone, a1 its one by `m` alone: 3/4 less 1/4, where the anchors' own accuracies cancel out.
    let (_dir, path) = file("human.csv", "anchor,positive,negative\nb2,b1,a1\nb2,b1,a2\nb2,a2,a1\na1,b2,a2\n");
    let report = run(
        &mut session(),
        &format!("compare (triplets in clips model=n from=\"{path}\") with (triplets in clips model=m from=\"{path}\")"),
    );
    assert_eq!(report.metric("accuracy_difference").unwrap().value, 0.5);
    assert_eq!((report.tables[1].rows[0][3].clone(), report.metric("accuracy_p").unwrap().value), (Value::Float(0.5), 1.0));
}

#[test]
fn the_odd_one_out_is_the_negative_of_the_others() {
    let header = "clip1_id\tclip2_id\tclip3_id\tclip1_numvotes\tclip2_numvotes\tclip3_numvotes\n";
    let rows = "a1\ta2\tb1\t0\t1\t3\na1\tb1\tb2\t1\t1\t0\na1\ta1\tb2\t0\t0\t3\na1\ta2\tb2\tx\t\t1\n";
    let (_dir, path) = file("comparisons_final.csv", &format!("{header}{rows}"));
    // (a1, a2, b1): .8 > 0; (a2, a1, b1): .8 > .6. The second row is a draw.
    let report = assert_metrics(&format!("triplets in clips model=m from=\"{path}\""), &[("accuracy", 1.0)]);
    assert_eq!(
        (report.context.n, report.notes.as_slice()),
        (
            Some(2),
            &["name one clip twice", "have votes that are no whole numbers", "are a draw"]
                .map(|why| format!("1 of 4 rows {why} and were left out"))[..]
        )
    );
    let (_dir, path) = file("human.csv", "anchor,positive,negative\na1,a2,b1\na1,a1,b1\na1,b1,b1\n");
    let report = run(&mut session(), &format!("triplets in clips model=m from=\"{path}\""));
    assert_eq!((report.context.n, report.notes[0].as_str()), (Some(1), "2 of 3 rows name one clip twice and were left out"));
}

#[test]
fn what_says_nothing_is_refused() {
    let (_dir, path) = file("none.csv", "anchor,positive,negative\nx,y,z\n");
    let (_other, wrong) = file("wrong.csv", "a,b,c\n1,2,3\n");
    let mut s = session();
    let message = fault(&mut s, &format!("triplets in clips model=m from=\"{path}\""));
    assert!(message.ends_with("gives no triplet of clips that are there, of 1 rows"), "{message}");
    assert!(fault(&mut s, &format!("triplets in clips model=m from=\"{wrong}\"")).ends_with("has the columns `a`, `b`, `c`"));
    for (statement, message) in [
        (
            "triplets in tones using prototypes labels=tinysol",
            "`labels` says nothing to class means over the collection's labels",
        ),
        ("triplets convention=released margin=2", "`margin` says nothing to the released convention, which has its own rule"),
        ("triplets in tones", "triplets of texts have no clips to choose"),
        ("triplets using knn", "`triplets` can't use `knn` as terms"),
    ] {
        assert_eq!(fault(&mut s, statement), message, "{statement}");
    }
    let message = fault(&mut s, "triplets in clips model=m using prototypes");
    assert!(message.contains("`a`"), "{message}");
}
