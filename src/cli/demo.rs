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
use crate::query::split::Continuation;
use crate::session::{Failure, Session};

/// The demo's own store, so that nobody's store is touched.
const STORE: &str = ".dyad-demo";
/// A file that says that a folder was made by the demo and may be made anew.
const MARK: &str = "made-by-dyad-demo";

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
    // `--store` was given when it is not the usual one: then that one is used, and must be new.
    let own = app.store == Path::new(".dyad");
    let store = if own { PathBuf::from(STORE) } else { app.store.clone() };
    fresh(&store)?;
    let start = Instant::now();
    let workspace = app.workspace_in(&store)?;
    let marked = std::fs::write(store.join(MARK), "This folder may be removed.\n");
    marked.map_err(|e| Diagnostic::new(format!("`{}` can't be written: {e}", store.display())))?;
    let model = hearing_model(&workspace, None)?;
    app.say(&format!("Embedding {} with {} …", audio.display(), model.id));
    let options = Options {
        labelling: Labelling::Table(Rows::read(&audio.join("manifest.csv"))?),
        paths: vec![audio],
        collection: "demo".into(),
        limits: Limits::default(),
        keep: Keep::default(),
    };
    let summary = ingest::ingest(&workspace, &model, &options, &app.bars)?;
    prepare(&workspace, &model, &summary.collection, &app.bars)?;
    app.print(&report(&workspace, &model, &summary))?;
    let mut session = Session::new(workspace);
    for (what, statement) in STATEMENTS {
        let mut out = out::stdout();
        let told = writeln!(out, "\n{what}\n\ndyad> {statement}");
        told.map_err(|e| Diagnostic::new(format!("the result can't be written: {e}")))?;
        session.run(statement, Continuation::Explicit, (app.format, &app.style), &mut out, &app.bars)?;
    }
    app.say(&format!("\nAll of it in {:.1} s. Next, in the same store:", start.elapsed().as_secs_f64()));
    let program = program();
    app.say(&format!("  {program} --store {}                the REPL; `help` lists the verbs", store.display()));
    app.say(&format!("  {program} --store {} -c 'classify clips where prompts=ismir2024'", store.display()));
    app.say(&format!("  {program} ingest YOUR/FOLDER               your own audio, into the store .dyad"));
    Ok(0)
}

/// Removes the store of an earlier demo; refuses anything else that is in the way.
fn fresh(store: &Path) -> Result<(), Failure> {
    let empty = std::fs::read_dir(store).map_or(true, |mut entries| entries.next().is_none());
    if empty {
        return Ok(());
    }
    if !store.join(MARK).is_file() {
        let fault = Diagnostic::new(format!("`{}` is there already, and was not made by the demo", store.display()));
        return Err(fault.expected("a new folder, as in `dyad --store NEW demo`").into());
    }
    // Another process may have it open; then it must stay.
    drop(crate::store::Store::open(store).map_err(crate::workspace::Error::from)?);
    std::fs::remove_dir_all(store).map_err(|e| Diagnostic::new(format!("`{}` can't be removed: {e}", store.display())).into())
}

/// How the program was called, for the lines to type next.
fn program() -> String {
    match std::env::current_exe() {
        Ok(path) if path.components().any(|c| c.as_os_str() == "target") => "cargo run --release --".into(),
        _ => "dyad".into(),
    }
}
