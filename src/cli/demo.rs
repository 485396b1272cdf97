//! `dyad demo`: the whole path on the bundled audio and model, in one go.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::ingest::{hearing_model, prepare, report};
use super::{App, bundled, out};
use crate::audio::Limits;
use crate::diagnostic::Diagnostic;
use crate::ingest::labelling::Rows;
use crate::ingest::{self, Keep, Labelling, Options};
use crate::query::split::{Continuation, Piece};
use crate::session::{Failure, Session};
use crate::workspace::{Error as WorkspaceError, Workspace};

/// The demo's own store, so that nobody's store is touched.
const STORE: &str = ".dyad-demo";
/// A file beside the store that says that its collection `demo` is the demo's own and may be made anew.
const MARK: &str = "made-by-dyad-demo";

/// The collection that the demo makes.
const COLLECTION: &str = "demo";

/// What is shown, each with a line that says what it is.
const STATEMENTS: [(&str, &str); 6] = [
    ("Zero-shot: each clip gets the labels whose text is nearest.", r#"classify clip where prompt="A <> track" top 3"#),
    ("Does the text space put near what the ontology puts near?", "triplets ontology=hdio"),
    ("Class means of audio in place of texts, after the projection …", "classify clips using prototypes space=joint top 3"),
    ("… and before it: what the audio encoder knows by itself.", "classify clips using prototypes space=pre-joint top 3"),
    ("Words to sound.", r#"search clips for "a bright trumpet" top 5"#),
    ("Sound to sound.", r#"similar clip "Vn-G4-mf" top 5"#),
];

/// `dyad demo`
pub fn demo(app: &App) -> Result<u8, Failure> {
    let audio = bundled::audio().ok_or_else(|| {
        Diagnostic::new("the bundled audio is not there")
            .expected("a folder `data/audio` with `manifest.csv`, as in the repository")
    })?;
    let store = if app.names_store { app.store.clone() } else { PathBuf::from(STORE) };
    if store.is_file() {
        let fault = Diagnostic::new(format!("`{}` is a snapshot, which is only read", store.display()));
        return Err(fault.expected("a store's folder, as in `dyad --store NEW demo`").into());
    }
    let start = Instant::now();
    let workspace = app.workspace_in(&store)?;
    drop_earlier(&workspace, &store)?;
    let marked = std::fs::write(store.join(MARK), "`dyad demo` makes the collection `demo` anew.\n");
    marked.map_err(|e| Diagnostic::new(format!("`{}` can't be written: {e}", store.display())))?;
    let model = hearing_model(&workspace, None)?;
    app.say(&format!("Embedding {} with {} …", audio.display(), model.id));
    let options = Options {
        labelling: Labelling::Table(Rows::read(&audio.join("manifest.csv"))?),
        paths: vec![audio],
        collection: COLLECTION.into(),
        limits: Limits::default(),
        keep: Keep::default(),
    };
    let summary = ingest::ingest(&workspace, &model, &options, &app.bars)?;
    prepare(&workspace, &model, &summary.collection, &app.bars)?;
    app.print(&report(&workspace, &model, &summary))?;
    let mut session = Session::new(workspace);
    // The store may have other collections.
    session.execute(Piece { text: "use demo", offset: 0 }, &app.bars)?;
    for (what, statement) in STATEMENTS {
        let mut out = out::stdout();
        let told = writeln!(out, "\n{what}\n\ndyad> {statement}");
        told.map_err(|e| Diagnostic::new(format!("the result can't be written: {e}")))?;
        let view = (app.format, &app.style);
        let mut on_end = |ended: Result<Vec<String>, Failure>| ended.map(|left_out| app.tell(&left_out));
        session.run_each(statement, Continuation::Explicit, view, &mut out, &app.bars, &mut on_end)?;
    }
    app.say(&format!("\nAll of it in {:.1} s. Next, in the same store:", start.elapsed().as_secs_f64()));
    let program = program();
    app.say(&format!("  {program} --store {}                the REPL; `help` lists the verbs", store.display()));
    app.say(&format!("  {program} --store {} -c 'classify clips where prompts=ismir2024'", store.display()));
    app.say(&format!("  {program} ingest YOUR/FOLDER               your own audio, into the store .dyad"));
    Ok(0)
}

/// Drops the collection of an earlier demo, and nothing else; one that somebody else made stays.
fn drop_earlier(workspace: &Workspace, store: &Path) -> Result<(), Failure> {
    if workspace.store().collection(COLLECTION).map_err(WorkspaceError::from)?.is_none() {
        return Ok(());
    }
    if !store.join(MARK).is_file() {
        let fault = format!("`{}` has a collection `{COLLECTION}` already, which the demo did not make", store.display());
        return Err(Diagnostic::new(fault).expected("another store, as in `dyad --store NEW demo`").into());
    }
    super::commands::drop_collection(workspace, COLLECTION)
}

/// How the program was called, for the lines to type next.
fn program() -> String {
    match std::env::current_exe() {
        Ok(path) if path.components().any(|c| c.as_os_str() == "target") => "cargo run --release --".into(),
        _ => "dyad".into(),
    }
}
