//! The verbs of the evaluation, in process, on vectors small enough to work out by hand.
//!
//! ```text
//!   joint   a1 (1, 0)   a2 (.8, .6)   b1 (0, 1)   b2 (.96, .28)      b2 lies on the side of a
//!   texts   "A <> track": a (1, 0)  b (0, 1)      "B <>": a (0, 1)  b (1, 0), the wrong way round
//! ```

mod compare;
mod geometry;
mod labelled;
mod retrieve;
mod sensitivity;
mod several;
mod texts;
mod triplets;
mod words;

use dyad::embedding::{Modality, Space, Stage};
use dyad::progress::Silent;
use dyad::query::Piece;
use dyad::report::Report;
use dyad::session::Session;
use dyad::store::{NewItem, SpaceKey, Store};
use dyad::value::Value;
use dyad::workspace::Workspace;

/// id, label, fold, joint vector, pre-joint vector.
type Clip = (&'static str, &'static str, i64, [f32; 2], [f32; 3]);

const CLIPS: [Clip; 4] = [
    ("a1", "a", 1, [1.0, 0.0], [1.0, 0.0, 0.0]),
    ("a2", "a", 2, [0.8, 0.6], [2.0, 0.25, 0.0]),
    ("b1", "b", 1, [0.0, 1.0], [0.0, 1.0, 0.0]),
    ("b2", "b", 2, [0.96, 0.28], [0.0, 3.0, 0.25]),
];

/// A session over the clips of the table above, with the models `m` and `n`: `n` hears b2 right.
pub fn session() -> Session {
    let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
    let models = ["m", "n"].map(|id| workspace.register_import(id, None).unwrap());
    let clips = workspace.store().create("clips").unwrap();
    let key =
        |model: &dyad::workspace::ModelRef, modality, stage| SpaceKey::new(Space::new(&model.id, modality, stage), &model.hash);
    let items = CLIPS.map(|(id, label, fold, joint, pre)| {
        let better = if id == "b2" { [0.28, 0.96] } else { joint };
        NewItem {
            metadata: [("label".to_owned(), Value::from(label)), ("fold".to_owned(), Value::Int(fold))].into(),
            vectors: vec![
                (key(&models[0], Modality::Audio, Stage::Joint), joint.into()),
                (key(&models[0], Modality::Audio, Stage::PreJoint), pre.into()),
                (key(&models[1], Modality::Audio, Stage::Joint), better.into()),
            ],
            ..NewItem::new(id, Modality::Audio)
        }
    });
    clips.commit(items.into()).unwrap();
    let words = workspace.store().create("words").unwrap();
    let texts = [("a", [1.0, 0.0], [0.0, 1.0]), ("b", [0.0, 1.0], [1.0, 0.0])];
    let items = texts.map(|(label, first, second): (&str, [f32; 2], [f32; 2])| NewItem {
        vectors: models
            .iter()
            .flat_map(|m| {
                let key = key(m, Modality::Text, Stage::Joint);
                [(key.clone().with_prompt("A <> track"), first.into()), (key.with_prompt("B <>"), second.into())]
            })
            .collect(),
        ..NewItem::new(label, Modality::Text)
    });
    words.commit(items.into()).unwrap();
    // Tones of three instruments, for the ontology: viola lies nearer to the flute after the projection.
    let tones = workspace.store().create("tones").unwrap();
    let tone = |id: &str, label: &str, joint: [f32; 2], pre: [f32; 3]| NewItem {
        metadata: [("label".to_owned(), Value::from(label))].into(),
        vectors: vec![
            (key(&models[0], Modality::Audio, Stage::Joint), joint.into()),
            (key(&models[0], Modality::Audio, Stage::PreJoint), pre.into()),
        ],
        ..NewItem::new(id, Modality::Audio)
    };
    let items = vec![
        tone("1", "violin", [1.0, 0.0], [1.0, 0.0, 0.0]),
        tone("2", "viola", [0.8, 0.6], [1.0, 0.25, 0.0]),
        tone("3", "flute", [0.6, 0.8], [0.0, 0.0, 1.0]),
    ];
    tones.commit(items).unwrap();
    Session::new(workspace)
}

/// The report of one statement.
pub fn run(session: &mut Session, statement: &str) -> Report {
    match session.execute(Piece { text: statement, offset: 0 }, &Silent) {
        Ok(executed) => executed.report,
        Err(failure) => panic!("{statement}: {}", failure.diagnostic().message),
    }
}

/// The message of a statement that must fail.
pub fn fault(session: &mut Session, statement: &str) -> String {
    match session.execute(Piece { text: statement, offset: 0 }, &Silent) {
        Ok(_) => panic!("`{statement}` should have failed"),
        Err(failure) => failure.diagnostic().message,
    }
}

/// A fact of the report's context.
pub fn fact(report: &Report, name: &str) -> Option<Value> {
    report.context.extra.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
}

/// Holds the named metrics of a statement over the collection of `m` against numbers.
pub fn assert_metrics(statement: &str, expected: &[(&str, f64)]) -> Report {
    let report = run(&mut session(), statement);
    for (name, value) in expected {
        let found = report.metric(name).unwrap_or_else(|| panic!("{statement}: no `{name}`"));
        assert!((found.value - value).abs() < 1e-6, "{statement}: {name} is {}, expected {value}", found.value);
    }
    report
}

/// The cell of the column in the row whose first cell is `row`, in the table number `table`.
pub fn cell(report: &Report, table: usize, row: &str, column: &str) -> Value {
    let table = &report.tables[table];
    let row = table.rows.iter().find(|r| r[0].as_text() == Some(row)).unwrap_or_else(|| panic!("no row {row}"));
    row[table.column(column).unwrap()].clone()
}
