//! The query language as a user meets it when something is wrong: golden diagnostics, and text that is no language at all.
//!
//! Everything runs in this process against a small store in memory, with vectors "computed elsewhere": no tower runs.

mod errors;
mod noise;

use std::collections::BTreeMap;

use dyad::embedding::{Modality, Space, Stage};
use dyad::session::Session;
use dyad::store::{NewItem, SpaceKey, Store};
use dyad::value::Value;
use dyad::workspace::Workspace;

const LABELS: [&str; 5] = ["violin", "viola", "flute", "trumpet", "tuba"];

/// The vector of class `class`, off its axis by `off`.
fn vector(class: usize, off: f32) -> Vec<f32> {
    (0..6).map(|axis| if axis == class { 1.0 } else { off * (axis as f32 - 2.0) }).collect()
}

/// A session over three collections of the model `toy`, which has no graphs: `notes` (ten labelled clips), `bare` (two
/// clips without labels), `words` (five labels in the joint space, with the prompt `A <> track`).
fn session() -> Session {
    let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
    let toy = workspace.register_import("toy", None).unwrap();
    let key = |modality, stage| SpaceKey::new(Space::new("toy", modality, stage), &toy.hash);
    let store = workspace.store();
    let clip = |id: String, class: usize, off: f32| NewItem {
        vectors: vec![
            (key(Modality::Audio, Stage::Joint), vector(class, off)),
            (key(Modality::Audio, Stage::PreJoint), vector(class, off)[..5].to_vec()),
        ],
        ..NewItem::new(id, Modality::Audio)
    };
    let mut clips = Vec::new();
    for at in 0..10 {
        let class = at % LABELS.len();
        let fields: [(&str, Value); 4] = [
            ("label", LABELS[class].into()),
            ("midi", (60 + at).into()),
            ("take", (at / LABELS.len()).into()),
            ("space", "hall".into()),
        ];
        let metadata: BTreeMap<String, Value> = fields.map(|(name, value)| (name.to_owned(), value)).into();
        let id =
            format!("{}/{}.wav", LABELS[class], if class < 2 { "open".to_owned() } else { format!("{}-{at}", LABELS[class]) });
        let id = if at < LABELS.len() { id } else { id.replace(".wav", "-2.wav") };
        clips.push(NewItem { metadata, ..clip(id, class, 0.02 * at as f32) });
    }
    store.create("notes").unwrap().commit(clips).unwrap();
    store.create("bare").unwrap().commit(vec![clip("a.wav".into(), 0, 0.0), clip("b.wav".into(), 1, 0.0)]).unwrap();
    let text = key(Modality::Text, Stage::Joint).with_prompt("A <> track");
    let words = LABELS.iter().enumerate().map(|(class, label)| NewItem {
        vectors: vec![(text.clone(), vector(class, 0.1))],
        ..NewItem::new(*label, Modality::Text)
    });
    store.create("words").unwrap().commit(words.collect()).unwrap();
    let mut session = Session::new(workspace);
    run(&mut session, "use notes").unwrap_or_else(|_| panic!("`use notes` failed"));
    session
}

/// Runs a text to its first failure.
fn run(session: &mut Session, source: &str) -> Result<String, dyad::session::Failure> {
    let mut out = Vec::new();
    let view = (dyad::render::Format::Csv, &dyad::render::Style::default());
    let continuation = dyad::query::split::Continuation::Indented;
    session.run(source, continuation, view, &mut out, &dyad::progress::Silent)?;
    Ok(String::from_utf8(out).unwrap())
}
