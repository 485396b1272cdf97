//! The store that the tests share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use dyad::audio::Limits;
use dyad::diagnostic::Spanned;
use dyad::embedding::Modality;
use dyad::ingest::labelling::Rows;
use dyad::ingest::{self, Keep, Labelling, Options};
use dyad::progress::Silent;
use dyad::query::split::Continuation;
use dyad::render::{Format, Style};
use dyad::session::{Failure, Session};
use dyad::store::{NewItem, Store};
use dyad::workspace::Workspace;

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A session over the bundled clips as collection `demo`. Sessions share the store and nothing else.
pub fn session() -> Session {
    static SHARED: OnceLock<(Store, Option<tempfile::TempDir>)> = OnceLock::new();
    let (store, _) = SHARED.get_or_init(|| {
        let (dir, temporary) = match std::env::var_os("DYAD_TEST_STORE") {
            Some(dir) => (PathBuf::from(dir), None),
            None => {
                let temporary = tempfile::tempdir().unwrap();
                (temporary.path().join("store"), Some(temporary))
            }
        };
        let store = Store::open(&dir).unwrap();
        if store.collection("demo").unwrap().is_none() {
            fill(&Workspace::over(store.clone(), &[]));
        }
        (store, temporary)
    });
    Session::new(Workspace::over(store.clone(), &[]))
}

fn fill(workspace: &Workspace) {
    let audio = root().join("data/audio");
    let model = workspace.model(&Spanned::new("musicnn-minilm".to_owned(), Default::default())).unwrap();
    let options = Options {
        labelling: Labelling::Table(Rows::read(&audio.join("manifest.csv")).unwrap()),
        paths: vec![audio],
        collection: "demo".into(),
        limits: Limits::default(),
        keep: Keep::default(),
    };
    let summary = ingest::ingest(workspace, &model, &options, &Silent).unwrap();
    assert!(summary.failures.is_empty(), "{:?}", summary.failures);
    // Where the repository lies must not be seen in expected output.
    let collection = workspace.store().collection("demo").unwrap().unwrap();
    let moved = collection.items().map(|item| item.unwrap().id).map(|id| NewItem {
        metadata: BTreeMap::from([("path".to_owned(), format!("data/audio/{id}").into())]),
        ..NewItem::new(id, Modality::Audio)
    });
    collection.commit(moved.collect()).unwrap();
}

/// What a source writes as tables without colour.
pub fn output(session: &mut Session, source: &str) -> Result<String, String> {
    let style = Style { unicode: true, width: Some(130), headers: true, ..Style::default() };
    let mut out = Vec::new();
    let done = session.run(source, Continuation::Indented, (Format::Table, &style), &mut out, &Silent);
    let text = String::from_utf8(out).unwrap();
    match done {
        Ok(()) => Ok(text),
        Err(Failure::Statement(fault) | Failure::Store(fault)) => Err(fault.render(source, None)),
        Err(Failure::Interrupted) => Err("interrupted".into()),
    }
}
