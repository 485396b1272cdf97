//! Whose imported texts a statement reads: those of its own collection, then those of others.
//!
//! ```text
//!   clips, the same everywhere   violin (1, 0)   viola (.8, .6)   flute (0, 1)
//!   texts of p1                  as the clips
//!   texts of p2                  violin (1, 0)   viola (0, 1)     flute (.8, .6)
//!   texts of p3, of p4           none; flute (1, 0) alone
//! ```

use super::{cell, fault, run, session};
use dyad::embedding::{Modality, Space, Stage};
use dyad::progress::Silent;
use dyad::query::Piece;
use dyad::report::Report;
use dyad::session::Session;
use dyad::store::{NewItem, SpaceKey, Store};
use dyad::value::Value;
use dyad::workspace::{ModelRef, Workspace};

type Labelled<'a> = &'a [(&'a str, &'a [f32])];

const CLIPS: Labelled<'static> = &[("violin", &[1.0, 0.0]), ("viola", &[0.8, 0.6]), ("flute", &[0.0, 1.0])];
const TURNED: Labelled<'static> = &[("violin", &[1.0, 0.0]), ("viola", &[0.0, 1.0]), ("flute", &[0.8, 0.6])];
/// Another model's, by the look of them.
const WIDE: Labelled<'static> = &[("violin", &[0.0, 0.0, 1.0]), ("viola", &[0.0, 1.0, 0.0]), ("flute", &[0.0, 0.6, 0.8])];

/// A collection with clips, and with texts for the prompt `A <> track`.
fn add(workspace: &Workspace, model: &ModelRef, name: &str, clips: Labelled<'_>, texts: Labelled<'_>) {
    let key = |modality| SpaceKey::new(Space::new(&model.id, modality, Stage::Joint), &model.hash);
    let clip = |(label, vector): &(&str, &[f32])| NewItem {
        metadata: [("label".to_owned(), Value::from(*label))].into(),
        vectors: vec![(key(Modality::Audio), vector.to_vec())],
        ..NewItem::new(format!("{label}.wav"), Modality::Audio)
    };
    let text = |(label, vector): &(&str, &[f32])| NewItem {
        vectors: vec![(key(Modality::Text).with_prompt("A <> track"), vector.to_vec())],
        ..NewItem::new(*label, Modality::Text)
    };
    let items = clips.iter().map(clip).chain(texts.iter().map(text)).collect();
    workspace.store().create(name).unwrap().commit(items).unwrap();
}

fn four() -> Session {
    let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
    let model = workspace.register_import("m", None).unwrap();
    let collections: [(&str, Labelled<'_>); 4] = [("p1", CLIPS), ("p2", TURNED), ("p3", &[]), ("p4", &[("flute", &[1.0, 0.0])])];
    for (name, texts) in collections {
        add(&workspace, &model, name, CLIPS, texts);
    }
    Session::new(workspace)
}

/// A number of a statement's result, and what is said of texts that differ.
fn read(session: &mut Session, statement: &str, metric: &str) -> (f64, Vec<String>) {
    let report = run(session, statement);
    let value = report.metric(metric).unwrap_or_else(|| panic!("{statement}: no `{metric}`")).value;
    let differing = report.notes.into_iter().filter(|note| note.contains("hold different vectors"));
    ((value * 1e4).round() / 1e4, differing.collect())
}

/// The note of texts of p1 that others hold differently.
fn note(texts: &str, others: &str) -> Vec<String> {
    let what = format!("several collections hold different vectors of {texts} by the model `m` with the prompt `A <> track`");
    vec![format!("{what}: those of `p1` were used, not those of {others}")]
}

#[test]
fn a_collection_reads_its_own_texts_first() {
    let mut s = four();
    assert_eq!(read(&mut s, "classify clips in p1", "top1"), (1.0, vec![]));
    // The viola lies nearest to what p2 calls a flute, and the flute to its viola.
    assert_eq!(read(&mut s, "classify clips in p2", "top1"), (0.3333, vec![]));
    assert_eq!(read(&mut s, "classify clips in p1", "top1"), (1.0, vec![]));
}

#[test]
fn what_it_lacks_comes_from_others_and_the_result_says_whose() {
    let mut s = four();
    // A violin is the same to both.
    let told = note("2 texts such as `flute`", "`p2` or `p4`");
    assert_eq!(read(&mut s, "classify clips in p3", "top1"), (1.0, told));
    // p4 has its own flute, which lies on the violin of p1: only the viola is right.
    assert_eq!(read(&mut s, "classify clips in p4", "top1"), (0.3333, note("`viola`", "`p2`")));
}

#[test]
fn triplets_of_texts_read_first_what_they_name() {
    let mut s = four();
    let accuracy =
        |s: &mut Session, labels: &str| read(s, &format!("triplets ontology=hdio model=m labels={labels}"), "accuracy");
    assert_eq!(accuracy(&mut s, "p1"), (1.0, vec![]));
    assert_eq!(accuracy(&mut s, "p2"), (0.0, vec![]));
    let (value, notes) = accuracy(&mut s, "p3");
    assert!(value == 1.0 && notes.len() == 1 && notes[0].ends_with("`p4`; `use COLLECTION` says whose come first"), "{notes:?}");
    run(&mut s, "use p2");
    assert_eq!(accuracy(&mut s, "p3"), (0.0, vec![]));
    assert_eq!(accuracy(&mut s, "p1"), (1.0, vec![]));
}

#[test]
fn texts_of_another_dimension_are_not_mixed_in() {
    let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
    let model = workspace.register_import("m", None).unwrap();
    add(&workspace, &model, "bare", CLIPS, &[]);
    add(&workspace, &model, "a", &[], WIDE);
    let mut s = Session::new(workspace);
    let message = fault(&mut s, "classify clips in bare");
    assert!(message.ends_with("only in the collection `a`, of 3 dimensions"), "{message}");
    assert!(fault(&mut s, "search clips in bare for \"A viola track\"").contains("no text graph"));
    // `a` stands before `fit`, and is passed over where clips say what fits.
    add(s.workspace(), &model, "fit", &[], CLIPS);
    s.workspace().forget_texts();
    assert_eq!(read(&mut s, "classify clips in bare", "top1"), (1.0, vec![]));
    // Among texts alone the first collection says it, and the others are told of.
    let (value, notes) = read(&mut s, "triplets ontology=hdio model=m labels=bare", "accuracy");
    // Of `a`: (violin, viola, flute) 0 > .8 is wrong, (viola, violin, flute) 0 > .6 too.
    assert!(value == 0.0 && notes.len() == 1, "{value} {notes:?}");
    assert!(notes[0].contains("those of `a` were used, not those of `fit`"), "{notes:?}");
}

#[test]
fn search_takes_a_text_that_was_imported() {
    let mut s = four();
    let mut first = |statement: &str| {
        let report = run(&mut s, statement);
        let table = &report.tables[0];
        table.rows[0][table.column("id").unwrap()].clone()
    };
    assert_eq!(first("search clips in p1 for \"A viola track\" top 1"), Value::from("viola.wav"));
    // What p2 calls a viola lies on the flute.
    assert_eq!(first("search clips in p2 for \"A viola track\" top 1"), Value::from("flute.wav"));
    assert_eq!(first("search clips in p1 for \"A violin track\" without \"A flute track\" top 1"), Value::from("violin.wav"));
    let piece = Piece { text: "search clips in p1 for \"A voila track\"", offset: 0 };
    let Err(failure) = s.execute(piece, &Silent) else { panic!("it has no such text") };
    let fault = failure.diagnostic();
    assert!(fault.message.ends_with("has no text graph and can't read `A voila track`"), "{fault:?}");
    let texts = "a text whose vector was imported: `A flute track`, `A viola track` or `A violin track`";
    assert_eq!(fault.expected.as_deref(), Some(texts));
    assert!(fault.hints.iter().any(|hint| hint == "did you mean `A viola track`?"), "{fault:?}");
}

#[test]
fn labels_are_those_of_clips_and_texts_are_texts() {
    let mut s = session();
    let told = |report: &Report| ["clips", "labels", "texts"].map(|what| cell(report, 0, what, "value"));
    assert_eq!(told(&run(&mut s, "describe tones")), [3, 3, 0].map(Value::Int));
    assert_eq!(told(&run(&mut s, "describe words")), [0, 0, 2].map(Value::Int));
    let shown = run(&mut s, "show collections");
    assert_eq!((cell(&shown, 0, "words", "texts"), cell(&shown, 0, "tones", "texts")), (Value::Int(2), Value::Int(0)));
    assert!(shown.tables[0].column("labels").is_none());
}
